/* Tiles of trajectories, for REAL double or float; included once for each (ensemble_double.c,
 * ensemble_single.c), so there is no guard. Loops over lanes are innermost: they are what is vectorised. */
#include "system/ensemble_tile.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef REAL real;

enum { L = NEURLP_PROGRAM_LANES, STAGES = NEURLP_TABLEAU_STAGES };

static const double safety = 0.9, least_factor = 0.2, greatest_factor = 5.0;
static const double exponent_now = 0.7 / 5.0, exponent_before = 0.4 / 5.0;

/* What every step of a tile works on. */
typedef struct tile {
  const neurlp_ensemble_call *call;
  const neurlp_dynamics *dynamics;
  neurlp_ensemble_worker *worker;
  int32_t n;     /* D * order */
  int32_t lanes; /* in use */
  real *state, *trial;
  real *stages[STAGES];
  int64_t failed;
} tile;

/* derivative[n][L] = f(times[L], at[n][L]). */
static void evaluate(const tile *t, const double *times, const real *at, real *derivative) {
  const neurlp_dynamics *dynamics = t->dynamics;
  neurlp_ensemble_worker *w = t->worker;
  const int32_t order = dynamics->order, lanes = t->lanes;
  for (int32_t i = 0; i < t->n; i++)
    for (int32_t p = 0; p < lanes; p++) w->point[i * L + p] = (double)at[i * L + p];
  memcpy(w->point + (int64_t)(t->n + dynamics->parameters) * L, times, (size_t)lanes * sizeof *times);
  neurlp_program_run(dynamics->program, lanes, w->inputs, w->strides, w->values, w->program_workspace);
  for (int32_t k = 0; k < dynamics->dimensions; k++) {
    for (int32_t j = 0; j < order - 1; j++)
      memcpy(derivative + (k * order + j) * L, at + (k * order + j + 1) * L, (size_t)lanes * sizeof *at);
    for (int32_t p = 0; p < lanes; p++)
      derivative[(k * order + order - 1) * L + p] = (real)w->values[k * lanes + p];
  }
}

/* Initial values and parameters of trajectories first, first + 1, ... in lanes. */
static tile start_tile(const neurlp_ensemble_call *call, neurlp_ensemble_worker *w, int64_t first,
                       int32_t count) {
  const neurlp_dynamics *dynamics = call->ensemble->dynamics;
  const int32_t P = dynamics->parameters;
  tile t = {.call = call, .dynamics = dynamics, .worker = w, .n = dynamics->size, .lanes = count};
  t.state = w->state;
  t.trial = w->trial;
  for (int32_t i = 0; i < STAGES; i++) t.stages[i] = (real *)w->stages + (int64_t)i * t.n * L;
  const real *initial = (const real *)call->input->initial + first * t.n;
  const real *parameters = call->input->parameters;
  const int64_t stride = call->input->shared_parameters ? 0 : P;
  for (int32_t i = 0; i < t.n; i++)
    for (int32_t p = 0; p < count; p++) t.state[i * L + p] = initial[p * t.n + i];
  for (int32_t i = 0; i < P; i++)
    for (int32_t p = 0; p < count; p++)
      w->point[(t.n + i) * L + p] = (double)parameters[(first + p) * stride + i];
  return t;
}

/* Where the state of trajectory s at output time m goes; NULL if it is not kept. */
static real *output(const tile *t, int64_t s, int64_t m) {
  const int64_t T = t->call->input->times_count;
  real *states = t->call->states;
  if (!t->call->ensemble->options.final_only) return states + (s * T + m) * t->n;
  return m == T - 1 ? states + s * t->n : NULL;
}

static bool lane_is_finite(const tile *t, const real *numbers, int32_t p) {
  for (int32_t i = 0; i < t->n; i++)
    if (!isfinite(numbers[i * L + p])) return false;
  return true;
}

/* Sets the status of trajectory s; NaN at output time m and after it, unless it succeeded. */
static void end_trajectory(tile *t, int64_t s, int64_t m, neurlp_status status) {
  if (t->call->statuses) t->call->statuses[s] = status;
  if (status == NEURLP_SUCCESS) return;
  t->failed++;
  for (; m < t->call->input->times_count; m++) {
    real *to = output(t, s, m);
    for (int32_t i = 0; to && i < t->n; i++) to[i] = (real)NAN;
  }
}

/* ---- equal steps ------------------------------------------------------------------------------------- */

static void fill_times(const tile *t, double time) {
  for (int32_t p = 0; p < t->lanes; p++) t->worker->times[p] = time;
}

/* trial = state + step * slope */
static void euler(const tile *t, double step, const real *slope) {
  const real h = (real)step;
  for (int32_t i = 0; i < t->n; i++)
    for (int32_t p = 0; p < t->lanes; p++) t->trial[i * L + p] = t->state[i * L + p] + h * slope[i * L + p];
}

static void rk4_step(const tile *t, double time, double step) {
  real *const *k = t->stages;
  fill_times(t, time);
  evaluate(t, t->worker->times, t->state, k[0]);
  fill_times(t, time + 0.5 * step);
  euler(t, 0.5 * step, k[0]);
  evaluate(t, t->worker->times, t->trial, k[1]);
  euler(t, 0.5 * step, k[1]);
  evaluate(t, t->worker->times, t->trial, k[2]);
  fill_times(t, time + step);
  euler(t, step, k[2]);
  evaluate(t, t->worker->times, t->trial, k[3]);
  const real sixth = (real)(step / 6.0);
  for (int32_t i = 0; i < t->n * L; i += L)
    for (int32_t p = i; p < i + t->lanes; p++)
      t->state[p] += sixth * (k[0][p] + (real)2 * (k[1][p] + k[2][p]) + k[3][p]);
}

/* Keeps the lanes' states at output time m. A number that is not finite stays so, whatever is added to it:
 * that a trajectory failed is seen here, not at every step. */
static void keep_rk4(tile *t, int64_t first, int64_t m, bool *gone) {
  for (int32_t p = 0; p < t->lanes; p++) {
    real *to = output(t, first + p, m);
    if (gone[p]) continue;
    gone[p] = !lane_is_finite(t, t->state, p);
    if (gone[p]) end_trajectory(t, first + p, m, NEURLP_NOT_FINITE);
    for (int32_t i = 0; to && !gone[p] && i < t->n; i++) to[i] = t->state[i * L + p];
  }
}

int64_t NEURLP_RK4_TILE(const neurlp_ensemble_call *call, neurlp_ensemble_worker *worker, int64_t first,
                        int32_t count) {
  tile t = start_tile(call, worker, first, count);
  const double *times = call->input->times;
  const int64_t T = call->input->times_count;
  bool gone[L] = {false};
  keep_rk4(&t, first, 0, gone);
  for (int64_t m = 1; m < T && t.failed < count; m++) {
    const double interval = times[m] - times[m - 1];
    const int64_t steps = neurlp_ensemble_steps(interval, call->ensemble->options.step);
    const double step = interval / (double)steps;
    for (int64_t i = 0; i < steps; i++) rk4_step(&t, times[m - 1] + (double)i * step, step);
    keep_rk4(&t, first, m, gone);
  }
  for (int32_t p = 0; p < count; p++)
    if (!gone[p]) end_trajectory(&t, first + p, T, NEURLP_SUCCESS);
  return t.failed;
}

/* ---- adaptive steps ---------------------------------------------------------------------------------- */

static double last_time(const tile *t) {
  return t->call->input->times[t->call->input->times_count - 1];
}

/* Below this, time + step cannot be told from time. */
static double least_step(const tile *t) {
  return 16.0 * DBL_EPSILON * fmax(fabs(t->call->input->times[0]), fabs(last_time(t)));
}

static double tolerance(const tile *t, double size) {
  const neurlp_ensemble_options *options = &t->call->ensemble->options;
  return options->absolute_tolerance + options->relative_tolerance * size;
}

/* Root mean square of lane p of `numbers`, less those of `minus` unless NULL, over the state's tolerance. */
static double scaled_norm(const tile *t, const real *numbers, const real *minus, int32_t p) {
  double sum = 0.0;
  for (int32_t i = 0; i < t->n; i++) {
    const int32_t at = i * L + p;
    const double number = (double)numbers[at] - (minus ? (double)minus[at] : 0.0);
    const double scaled = number / tolerance(t, fabs((double)t->state[at]));
    sum += scaled * scaled;
  }
  return sqrt(sum / t->n);
}

/* Each lane's first step, as in integrate.c: from the sizes of y, y' and a difference quotient for y''. */
static void first_steps(const tile *t) {
  const double interval = last_time(t) - t->call->input->times[0];
  neurlp_ensemble_lane *lanes = t->worker->lanes;
  for (int32_t p = 0; p < t->lanes; p++) {
    const double size = scaled_norm(t, t->state, NULL, p), slope = scaled_norm(t, t->stages[0], NULL, p);
    const double trial = size < 1e-5 || slope < 1e-5 ? 1e-6 * interval : 0.01 * size / slope;
    lanes[p].step = fmin(trial, interval);
    t->worker->times[p] = lanes[p].time + lanes[p].step;
    for (int32_t i = 0; i < t->n; i++)
      t->trial[i * L + p] = t->state[i * L + p] + (real)lanes[p].step * t->stages[0][i * L + p];
  }
  evaluate(t, t->worker->times, t->trial, t->stages[1]);
  for (int32_t p = 0; p < t->lanes; p++) {
    const double trial = lanes[p].step;
    const double bend = scaled_norm(t, t->stages[1], t->stages[0], p) / trial;
    const double greatest = fmax(scaled_norm(t, t->stages[0], NULL, p), bend);
    if (!isfinite(greatest)) continue;
    const double step = greatest <= 1e-15 ? fmax(1e-6 * interval, 1e-3 * trial) : pow(0.01 / greatest, 0.2);
    lanes[p].step = fmin(fmin(step, 100.0 * trial), interval);
  }
}

/* Where each lane's step ends. Two last steps of equal size are better than one and a crumb. */
static void choose_ends(const tile *t) {
  for (int32_t p = 0; p < t->lanes; p++) {
    neurlp_ensemble_lane *lane = &t->worker->lanes[p];
    const double left = last_time(t) - lane->time;
    lane->end = lane->time + (lane->step < 0.5 * left ? lane->step : 0.5 * left);
    if (lane->step >= left) lane->end = last_time(t);
    lane->steps++;
  }
}

/* Tries the lanes' steps: new states in trial, their derivatives in the last stage. */
static void try_steps(const tile *t) {
  const neurlp_tableau *pair = &neurlp_tsitouras;
  const neurlp_ensemble_lane *lanes = t->worker->lanes;
  real steps[L];
  for (int32_t p = 0; p < t->lanes; p++) steps[p] = (real)(lanes[p].end - lanes[p].time);
  for (int32_t stage = 1; stage < STAGES; stage++) {
    for (int32_t i = 0; i < t->n * L; i += L) {
      real sum[L] = {0};
      for (int32_t j = 0; j < stage; j++) {
        const real a = (real)pair->a[stage][j];
        for (int32_t p = 0; p < t->lanes; p++) sum[p] += a * t->stages[j][i + p];
      }
      for (int32_t p = 0; p < t->lanes; p++) t->trial[i + p] = t->state[i + p] + steps[p] * sum[p];
    }
    const double c = pair->c[stage];
    for (int32_t p = 0; p < t->lanes; p++)
      t->worker->times[p] = c < 1.0 ? lanes[p].time + c * (lanes[p].end - lanes[p].time) : lanes[p].end;
    evaluate(t, t->worker->times, t->trial, t->stages[stage]);
  }
}

/* Error of lane p over its tolerance; infinity if a number on the way was not finite. */
static double step_error(const tile *t, int32_t p) {
  const neurlp_tableau *pair = &neurlp_tsitouras;
  const double step = t->worker->lanes[p].end - t->worker->lanes[p].time;
  double squares = 0.0;
  for (int32_t i = 0; i < t->n; i++) {
    const int32_t at = i * L + p;
    double error = 0.0;
    for (int32_t j = 0; j < STAGES; j++)
      error += (pair->b[j] - pair->b_embedded[j]) * (double)t->stages[j][at];
    error *= step / tolerance(t, fmax(fabs((double)t->state[at]), fabs((double)t->trial[at])));
    squares += error * error;
  }
  const bool good =
      isfinite(squares) && lane_is_finite(t, t->trial, p) && lane_is_finite(t, t->stages[STAGES - 1], p);
  return good ? sqrt(squares / t->n) : INFINITY;
}

/* The continuous solution of the step in lane p at `time`. */
static void interpolate(const tile *t, int32_t p, double time, real *to) {
  const neurlp_ensemble_lane *lane = &t->worker->lanes[p];
  const double step = lane->end - lane->time, theta = (time - lane->time) / step;
  real weights[STAGES];
  for (int32_t j = 0; j < STAGES; j++) {
    const double *r = neurlp_tsitouras_dense[j];
    weights[j] = (real)(step * theta * (r[0] + theta * (r[1] + theta * (r[2] + theta * r[3]))));
  }
  for (int32_t i = 0; i < t->n; i++) {
    real sum = 0;
    for (int32_t j = 0; j < STAGES; j++) sum += weights[j] * t->stages[j][i * L + p];
    to[i] = t->state[i * L + p] + sum;
  }
}

/* Keeps what lies in the step, and takes it. */
static void accept_step(const tile *t, int32_t p) {
  neurlp_ensemble_lane *lane = &t->worker->lanes[p];
  const neurlp_ensemble_input *input = t->call->input;
  const double taken = lane->end - lane->time;
  for (; lane->next < input->times_count && input->times[lane->next] <= lane->end; lane->next++) {
    real *to = output(t, lane->system, lane->next);
    if (!to) continue;
    if (input->times[lane->next] < lane->end)
      interpolate(t, p, input->times[lane->next], to);
    else
      for (int32_t i = 0; i < t->n; i++) to[i] = t->trial[i * L + p];
  }
  for (int32_t i = p; i < t->n * L; i += L) {
    t->state[i] = t->trial[i];
    t->stages[0][i] = t->stages[STAGES - 1][i];
  }
  const double factor =
      safety * pow(fmax(lane->error, 1e-10), -exponent_now) * pow(lane->error_before, exponent_before);
  lane->step = taken * fmin(fmax(factor, least_factor), greatest_factor);
  lane->error_before = fmax(lane->error, 1e-4);
  lane->time = lane->end;
}

/* True if some state would double within a few smallest steps: the solution runs to infinity. */
static bool blows_up(const tile *t, int32_t p) {
  for (int32_t i = p; i < t->n * L; i += L) {
    const double y = (double)t->state[i], f = (double)t->stages[0][i];
    if (y * f > 0.0 && fabs(y) < 1e4 * least_step(t) * fabs(f)) return true;
  }
  return false;
}

/* The lane's status after its step was tried; *done if it goes no further. */
static neurlp_status judge(const tile *t, int32_t p, bool *done) {
  neurlp_ensemble_lane *lane = &t->worker->lanes[p];
  *done = true;
  lane->error = step_error(t, p);
  if (lane->error <= 1.0) {
    accept_step(t, p);
    if (lane->next == t->call->input->times_count) return NEURLP_SUCCESS;
  } else {
    const double taken = lane->end - lane->time;
    lane->step = taken * (isinf(lane->error) ? 0.1 : fmax(safety * pow(lane->error, -0.2), least_factor));
    if (lane->step < least_step(t))
      return isinf(lane->error) || blows_up(t, p) ? NEURLP_NOT_FINITE : NEURLP_NOT_CONVERGED;
  }
  *done = lane->steps >= t->call->ensemble->options.maximum_steps;
  return *done ? NEURLP_NOT_CONVERGED : NEURLP_SUCCESS;
}

/* The last lane takes the place of lane p, which has ended. */
static void close_lane(tile *t, int32_t p) {
  const int32_t last = --t->lanes;
  double *parameters = t->worker->point + t->n * L;
  t->worker->lanes[p] = t->worker->lanes[last];
  for (int32_t i = 0; i < t->n * L; i += L) {
    t->state[i + p] = t->state[i + last];
    t->stages[0][i + p] = t->stages[0][i + last];
  }
  for (int32_t i = 0; i < t->dynamics->parameters * L; i += L) parameters[i + p] = parameters[i + last];
}

/* Sample 0 of every lane; those that cannot start, or have nothing else to do, end. */
static void start_lanes(tile *t, int64_t first) {
  const neurlp_ensemble_input *input = t->call->input;
  for (int32_t p = 0; p < t->lanes; p++) {
    real *to = output(t, first + p, 0);
    t->worker->times[p] = input->times[0];
    t->worker->lanes[p] = (neurlp_ensemble_lane){.system = first + p,
                                                 .next = 1,
                                                 .time = input->times[0],
                                                 .step = t->call->ensemble->options.step,
                                                 .error_before = 1e-4};
    for (int32_t i = 0; to && i < t->n; i++) to[i] = t->state[i * L + p];
  }
  evaluate(t, t->worker->times, t->state, t->stages[0]);
  for (int32_t p = t->lanes - 1; p >= 0; p--) {
    const bool start = lane_is_finite(t, t->state, p);
    const bool good = start && lane_is_finite(t, t->stages[0], p);
    if (good && input->times_count > 1) continue;
    end_trajectory(t, t->worker->lanes[p].system, start ? 1 : 0,
                   start && (good || input->times_count == 1) ? NEURLP_SUCCESS : NEURLP_NOT_FINITE);
    close_lane(t, p);
  }
}

int64_t NEURLP_TSIT5_TILE(const neurlp_ensemble_call *call, neurlp_ensemble_worker *worker, int64_t first,
                          int32_t count) {
  tile t = start_tile(call, worker, first, count);
  start_lanes(&t, first);
  if (t.lanes > 0 && call->ensemble->options.step == 0.0) first_steps(&t);
  while (t.lanes > 0) {
    choose_ends(&t);
    try_steps(&t);
    /* from the last, so that a lane that takes the place of another has been judged */
    for (int32_t p = t.lanes - 1; p >= 0; p--) {
      bool done = false;
      const neurlp_status status = judge(&t, p, &done);
      if (!done) continue;
      end_trajectory(&t, worker->lanes[p].system, worker->lanes[p].next, status);
      close_lane(&t, p);
    }
  }
  return t.failed;
}
