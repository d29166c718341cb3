/* Steps of trajectories, side by side in lanes: code for the CPU, for a GPU's thread, where there is one
 * lane, and for a compiler that runs while the program runs and knows the equations. Who includes it defines
 * before
 *
 *   REAL, POINT   double or float: numbers of states, and of parameters
 *   L             how far apart numbers of one trajectory are
 *   LANES(t)      trajectories that tile t still has
 *   UNROLLED      before loops over states: a pragma, or nothing
 *   vector_field  a type: what evaluate needs
 *   static void evaluate(const vector_field *field, int32_t lanes, const double *times, const POINT
 * *parameters, const REAL *at, REAL *derivative) derivative[n][L] = f(times[lanes], at[n][L]) with
 * parameters[P][L]
 *
 * so there is no guard. Loops over lanes are innermost: they are what is vectorised. */
#include "system/ensemble_call.h"
#include "system/tableau.h"

#include <float.h>
#include <math.h>

typedef REAL real;

enum { STAGES = NEURLP_TABLEAU_STAGES };

/* The controller: a step times `safety`, error^-EXPONENT_NOW and the error before it ^EXPONENT_BEFORE. */
#define SAFETY          0.9
#define LEAST_FACTOR    0.2
#define GREATEST_FACTOR 5.0
#define EXPONENT_NOW    (0.7 / 5.0)
#define EXPONENT_BEFORE (0.4 / 5.0)

/* Loops over lanes, stages (whose coefficients are to be constants in the code), and states. */
#if defined(__CUDACC__)
#define UNROLLED_STAGES _Pragma("unroll")
#else
#define UNROLLED_STAGES
#endif
#define EACH_LANE(p, t)           for (int32_t p = 0; p < LANES(t); p++)
#define EACH_STAGE(j, first, end) UNROLLED_STAGES for (int32_t j = (first); j < (end); j++)
#define EACH_STATE(i, t)          UNROLLED for (int32_t i = 0; i < (t)->n; i++)

/* What every step works on. Numbers of state i in lane p are at [i * L + p]. */
typedef struct tile {
  const neurlp_ensemble_call *call;
  const vector_field *field;
  int32_t n;     /* D * order */
  int32_t lanes; /* in use */
  real *state, *trial;
  real *stages[STAGES]; /* derivatives */
  POINT *parameters;
  double *times;              /* [lanes] */
  neurlp_ensemble_lane *lane; /* [lanes] */
  int64_t failed;
} tile;

/* Initial values and parameters of trajectories first, first + 1, ... in lanes. */
NEURLP_ANYWHERE void start_tile(tile *t, int64_t first) {
  const neurlp_ensemble_call *call = t->call;
  const int32_t P = call->parameters_count;
  const real *initial = (const real *)call->initial + first * t->n;
  const real *parameters = (const real *)call->parameters;
  const int64_t stride = call->shared_parameters ? 0 : P;
  EACH_STATE(i, t) {
    EACH_LANE(p, t) t->state[i * L + p] = initial[p * t->n + i];
  }
  UNROLLED for (int32_t i = 0; i < P; i++) {
    EACH_LANE(p, t) t->parameters[i * L + p] = (POINT)parameters[(first + p) * stride + i];
  }
}

/* Where the state of trajectory s at output time m goes; NULL if it is not kept. */
NEURLP_ANYWHERE real *output(const tile *t, int64_t s, int64_t m) {
  const int64_t T = t->call->times_count;
  real *states = (real *)t->call->states;
  if (!t->call->final_only) return states + (s * T + m) * t->n;
  return m == T - 1 ? states + s * t->n : NULL;
}

NEURLP_ANYWHERE bool lane_is_finite(const tile *t, const real *numbers, int32_t p) {
  EACH_STATE(i, t)
  if (!isfinite(numbers[i * L + p])) return false;
  return true;
}

/* Sets the status of trajectory s; NaN at output time m and after it, unless it succeeded. */
NEURLP_ANYWHERE void end_trajectory(tile *t, int64_t s, int64_t m, neurlp_status status) {
  if (t->call->statuses) t->call->statuses[s] = status;
  if (status == NEURLP_SUCCESS) return;
  t->failed++;
  for (; m < t->call->times_count; m++) {
    real *to = output(t, s, m);
    if (!to) continue;
    EACH_STATE(i, t) to[i] = (real)NAN;
  }
}

/* ---- equal steps ------------------------------------------------------------------------------------- */

NEURLP_ANYWHERE void fill_times(const tile *t, double time) {
  EACH_LANE(p, t) t->times[p] = time;
}

/* trial = state + step * slope */
NEURLP_ANYWHERE void euler(const tile *t, double step, const real *slope) {
  const real h = (real)step;
  EACH_STATE(i, t)
  EACH_LANE(p, t) t->trial[i * L + p] = t->state[i * L + p] + h * slope[i * L + p];
}

NEURLP_ANYWHERE void rk4_step(const tile *t, double time, double step) {
  real *const *k = t->stages;
  fill_times(t, time);
  evaluate(t->field, LANES(t), t->times, t->parameters, t->state, k[0]);
  fill_times(t, time + 0.5 * step);
  euler(t, 0.5 * step, k[0]);
  evaluate(t->field, LANES(t), t->times, t->parameters, t->trial, k[1]);
  euler(t, 0.5 * step, k[1]);
  evaluate(t->field, LANES(t), t->times, t->parameters, t->trial, k[2]);
  fill_times(t, time + step);
  euler(t, step, k[2]);
  evaluate(t->field, LANES(t), t->times, t->parameters, t->trial, k[3]);
  const real sixth = (real)(step / 6.0);
  EACH_STATE(i, t) {
    EACH_LANE(p, t) {
      const int32_t at = i * L + p;
      t->state[at] += sixth * (k[0][at] + (real)2 * (k[1][at] + k[2][at]) + k[3][at]);
    }
  }
}

/* Keeps the lanes' states at output time m. A number that is not finite stays so, whatever is added to it:
 * that a trajectory failed is seen here, not at every step. */
NEURLP_ANYWHERE void keep_rk4(tile *t, int64_t first, int64_t m, bool *gone) {
  EACH_LANE(p, t) {
    real *to = output(t, first + p, m);
    if (gone[p]) continue;
    gone[p] = !lane_is_finite(t, t->state, p);
    if (gone[p]) end_trajectory(t, first + p, m, NEURLP_NOT_FINITE);
    if (!to || gone[p]) continue;
    EACH_STATE(i, t) to[i] = t->state[i * L + p];
  }
}

/* Integrates the trajectories of a tile, first and those behind it, that has its numbers' places and nothing
 * else. Returns how many failed. */
NEURLP_ANYWHERE int64_t rk4_tile(tile *t, int64_t first) {
  const double *times = t->call->times;
  const int64_t T = t->call->times_count;
  const int32_t count = LANES(t);
  bool gone[L] = {false};
  start_tile(t, first);
  keep_rk4(t, first, 0, gone);
  for (int64_t m = 1; m < T && t->failed < count; m++) {
    const double interval = times[m] - times[m - 1];
    const int64_t steps = (int64_t)neurlp_ensemble_steps(interval, t->call->step);
    const double step = interval / (double)steps;
    for (int64_t i = 0; i < steps; i++) rk4_step(t, times[m - 1] + (double)i * step, step);
    keep_rk4(t, first, m, gone);
  }
  EACH_LANE(p, t) {
    if (!gone[p]) end_trajectory(t, first + p, T, NEURLP_SUCCESS);
  }
  return t->failed;
}

/* ---- adaptive steps ---------------------------------------------------------------------------------- */

NEURLP_ANYWHERE double last_time(const tile *t) {
  return t->call->times[t->call->times_count - 1];
}

/* Below this, time + step cannot be told from time. */
NEURLP_ANYWHERE double least_step(const tile *t) {
  return 16.0 * DBL_EPSILON * fmax(fabs(t->call->times[0]), fabs(last_time(t)));
}

NEURLP_ANYWHERE double tolerance(const tile *t, double size) {
  return t->call->absolute_tolerance + t->call->relative_tolerance * size;
}

/* Root mean square of lane p of `numbers`, less those of `minus` unless NULL, over the state's tolerance. */
NEURLP_ANYWHERE double scaled_norm(const tile *t, const real *numbers, const real *minus, int32_t p) {
  double sum = 0.0;
  EACH_STATE(i, t) {
    const int32_t at = i * L + p;
    const double number = (double)numbers[at] - (minus ? (double)minus[at] : 0.0);
    const double scaled = number / tolerance(t, fabs((double)t->state[at]));
    sum += scaled * scaled;
  }
  return sqrt(sum / t->n);
}

/* Each lane's first step, as in integrate.c: from the sizes of y, y' and a difference quotient for y''. */
NEURLP_ANYWHERE void first_steps(const tile *t) {
  const double interval = last_time(t) - t->call->times[0];
  neurlp_ensemble_lane *lanes = t->lane;
  EACH_LANE(p, t) {
    const double size = scaled_norm(t, t->state, NULL, p), slope = scaled_norm(t, t->stages[0], NULL, p);
    const double trial = size < 1e-5 || slope < 1e-5 ? 1e-6 * interval : 0.01 * size / slope;
    lanes[p].step = fmin(trial, interval);
    t->times[p] = lanes[p].time + lanes[p].step;
    EACH_STATE(i, t)
    t->trial[i * L + p] = t->state[i * L + p] + (real)lanes[p].step * t->stages[0][i * L + p];
  }
  evaluate(t->field, LANES(t), t->times, t->parameters, t->trial, t->stages[1]);
  EACH_LANE(p, t) {
    const double trial = lanes[p].step;
    const double bend = scaled_norm(t, t->stages[1], t->stages[0], p) / trial;
    const double greatest = fmax(scaled_norm(t, t->stages[0], NULL, p), bend);
    if (!isfinite(greatest)) continue;
    const double step = greatest <= 1e-15 ? fmax(1e-6 * interval, 1e-3 * trial) : pow(0.01 / greatest, 0.2);
    lanes[p].step = fmin(fmin(step, 100.0 * trial), interval);
  }
}

/* Where each lane's step ends. Two last steps of equal size are better than one and a crumb. */
NEURLP_ANYWHERE void choose_ends(const tile *t) {
  EACH_LANE(p, t) {
    neurlp_ensemble_lane *lane = &t->lane[p];
    const double left = last_time(t) - lane->time;
    lane->end = lane->time + (lane->step < 0.5 * left ? lane->step : 0.5 * left);
    if (lane->step >= left) lane->end = last_time(t);
    lane->steps++;
  }
}

/* Tries the lanes' steps: new states in trial, their derivatives in the last stage. */
NEURLP_ANYWHERE void try_steps(const tile *t) {
  const neurlp_tableau pair = neurlp_tsitouras();
  const neurlp_ensemble_lane *lanes = t->lane;
  real steps[L];
  EACH_LANE(p, t) steps[p] = (real)(lanes[p].end - lanes[p].time);
  EACH_STAGE(stage, 1, STAGES) {
    EACH_STATE(i, t) {
      real sum[L] = {0};
      EACH_STAGE(j, 0, stage) {
        const real a = (real)pair.a[stage][j];
        EACH_LANE(p, t) sum[p] += a * t->stages[j][i * L + p];
      }
      EACH_LANE(p, t) t->trial[i * L + p] = t->state[i * L + p] + steps[p] * sum[p];
    }
    const double c = pair.c[stage];
    EACH_LANE(p, t)
    t->times[p] = c < 1.0 ? lanes[p].time + c * (lanes[p].end - lanes[p].time) : lanes[p].end;
    evaluate(t->field, LANES(t), t->times, t->parameters, t->trial, t->stages[stage]);
  }
}

/* Error of lane p over its tolerance; infinity if a number on the way was not finite. */
NEURLP_ANYWHERE double step_error(const tile *t, int32_t p) {
  const neurlp_tableau pair = neurlp_tsitouras();
  const double step = t->lane[p].end - t->lane[p].time;
  double squares = 0.0;
  EACH_STATE(i, t) {
    const int32_t at = i * L + p;
    double error = 0.0;
    EACH_STAGE(j, 0, STAGES)
    error += (pair.b[j] - pair.b_embedded[j]) * (double)t->stages[j][at];
    error *= step / tolerance(t, fmax(fabs((double)t->state[at]), fabs((double)t->trial[at])));
    squares += error * error;
  }
  const bool good =
      isfinite(squares) && lane_is_finite(t, t->trial, p) && lane_is_finite(t, t->stages[STAGES - 1], p);
  return good ? sqrt(squares / t->n) : INFINITY;
}

/* The continuous solution of the step in lane p at `time`. */
NEURLP_ANYWHERE void interpolate(const tile *t, int32_t p, double time, real *to) {
  const neurlp_ensemble_lane *lane = &t->lane[p];
  const double step = lane->end - lane->time, theta = (time - lane->time) / step;
  const neurlp_interpolant dense = neurlp_tsitouras_dense();
  real weights[STAGES];
  EACH_STAGE(j, 0, STAGES) {
    const double *r = dense.weights[j];
    weights[j] = (real)(step * theta * (r[0] + theta * (r[1] + theta * (r[2] + theta * r[3]))));
  }
  EACH_STATE(i, t) {
    real sum = 0;
    EACH_STAGE(j, 0, STAGES) sum += weights[j] * t->stages[j][i * L + p];
    to[i] = t->state[i * L + p] + sum;
  }
}

/* Keeps what lies in the step, and takes it. */
NEURLP_ANYWHERE void accept_step(const tile *t, int32_t p) {
  neurlp_ensemble_lane *lane = &t->lane[p];
  const double *times = t->call->times;
  const double taken = lane->end - lane->time;
  for (; lane->next < t->call->times_count && times[lane->next] <= lane->end; lane->next++) {
    real *to = output(t, lane->system, lane->next);
    if (!to) continue;
    if (times[lane->next] < lane->end)
      interpolate(t, p, times[lane->next], to);
    else
      EACH_STATE(i, t) to[i] = t->trial[i * L + p];
  }
  EACH_STATE(i, t) {
    t->state[i * L + p] = t->trial[i * L + p];
    t->stages[0][i * L + p] = t->stages[STAGES - 1][i * L + p];
  }
  const double factor =
      SAFETY * pow(fmax(lane->error, 1e-10), -EXPONENT_NOW) * pow(lane->error_before, EXPONENT_BEFORE);
  lane->step = taken * fmin(fmax(factor, LEAST_FACTOR), GREATEST_FACTOR);
  lane->error_before = fmax(lane->error, 1e-4);
  lane->time = lane->end;
}

/* True if some state would double within a few smallest steps: the solution runs to infinity. */
NEURLP_ANYWHERE bool blows_up(const tile *t, int32_t p) {
  EACH_STATE(i, t) {
    const double y = (double)t->state[i * L + p], f = (double)t->stages[0][i * L + p];
    if (y * f > 0.0 && fabs(y) < 1e4 * least_step(t) * fabs(f)) return true;
  }
  return false;
}

/* The lane's status after its step was tried; *done if it goes no further. */
NEURLP_ANYWHERE neurlp_status judge(const tile *t, int32_t p, bool *done) {
  neurlp_ensemble_lane *lane = &t->lane[p];
  *done = true;
  lane->error = step_error(t, p);
  if (lane->error <= 1.0) {
    accept_step(t, p);
    if (lane->next == t->call->times_count) return NEURLP_SUCCESS;
  } else {
    const double taken = lane->end - lane->time;
    lane->step = taken * (isinf(lane->error) ? 0.1 : fmax(SAFETY * pow(lane->error, -0.2), LEAST_FACTOR));
    if (lane->step < least_step(t))
      return isinf(lane->error) || blows_up(t, p) ? NEURLP_NOT_FINITE : NEURLP_NOT_CONVERGED;
  }
  *done = lane->steps >= t->call->maximum_steps;
  return *done ? NEURLP_NOT_CONVERGED : NEURLP_SUCCESS;
}

/* The last lane takes the place of lane p, which has ended. */
NEURLP_ANYWHERE void close_lane(tile *t, int32_t p) {
  const int32_t last = LANES(t) - 1;
  t->lanes--;
  if (p == last) return;
  t->lane[p] = t->lane[last];
  EACH_STATE(i, t) {
    t->state[i * L + p] = t->state[i * L + last];
    t->stages[0][i * L + p] = t->stages[0][i * L + last];
  }
  for (int32_t i = 0; i < t->call->parameters_count; i++)
    t->parameters[i * L + p] = t->parameters[i * L + last];
}

/* Sample 0 of every lane; those that cannot start, or have nothing else to do, end. */
NEURLP_ANYWHERE void start_lanes(tile *t, int64_t first) {
  const int64_t T = t->call->times_count;
  EACH_LANE(p, t) {
    const neurlp_ensemble_lane lane = {first + p, 1, 0, t->call->times[0], 0.0, t->call->step, 0.0, 1e-4};
    real *to = output(t, first + p, 0);
    t->times[p] = t->call->times[0];
    t->lane[p] = lane;
    if (!to) continue;
    EACH_STATE(i, t) to[i] = t->state[i * L + p];
  }
  evaluate(t->field, LANES(t), t->times, t->parameters, t->state, t->stages[0]);
  for (int32_t p = LANES(t) - 1; p >= 0; p--) {
    const bool start = lane_is_finite(t, t->state, p);
    const bool good = start && lane_is_finite(t, t->stages[0], p);
    if (good && T > 1) continue;
    end_trajectory(t, t->lane[p].system, start ? 1 : 0,
                   start && (good || T == 1) ? NEURLP_SUCCESS : NEURLP_NOT_FINITE);
    close_lane(t, p);
  }
}

NEURLP_ANYWHERE int64_t tsit5_tile(tile *t, int64_t first) {
  start_tile(t, first);
  start_lanes(t, first);
  if (t->lanes > 0 && t->call->step == 0.0) first_steps(t);
  while (t->lanes > 0) {
    choose_ends(t);
    try_steps(t);
    /* from the last, so that a lane that takes the place of another has been judged */
    for (int32_t p = LANES(t) - 1; p >= 0; p--) {
      bool done = false;
      const neurlp_status status = judge(t, p, &done);
      if (!done) continue;
      end_trajectory(t, t->lane[p].system, t->lane[p].next, status);
      close_lane(t, p);
    }
  }
  return t->failed;
}
