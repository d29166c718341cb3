/* Adaptive integration by the pair of Dormand and Prince, of orders 5 and 4.
 *
 * A step of size h makes seven derivatives k_i (stages); y + h sum b_i k_i is of order 5 and is what goes on;
 * h sum (b_i - b_embedded_i) k_i estimates the error of the solution of order 4. The step is accepted if the
 * root mean square of error_i / (absolute + relative max(|y_i|, |y_new_i|)) is at most 1. The next step
 * follows from this error and the one before (a proportional-integral controller), which is smoother than the
 * last error alone. Steps end exactly on the output times, so nothing is interpolated. */
#include "system/dynamics.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double safety = 0.9, least_factor = 0.2, greatest_factor = 5.0;
static const double exponent_now = 0.7 / 5.0, exponent_before = 0.4 / 5.0;

typedef struct stepper {
  neurlp_dynamics *dynamics;
  const neurlp_integrate_options *options;
  double time;         /* of dynamics->state */
  double step;         /* what the controller proposes */
  double least_step;   /* below this, time + step cannot be told from time */
  double error_before; /* of the last accepted step */
  int64_t steps;       /* tried so far */
} stepper;

neurlp_integrate_options neurlp_integrate_options_default(void) {
  return (neurlp_integrate_options){
      .relative_tolerance = 1e-10, .absolute_tolerance = 1e-12, .maximum_steps = 10000000};
}

static bool all_finite(int32_t count, const double *values) {
  for (int32_t i = 0; i < count; i++)
    if (!isfinite(values[i])) return false;
  return true;
}

/* Root mean square of values over the tolerance that belongs to the size of y. */
static double scaled_norm(const stepper *s, const double *values, const double *y) {
  const int32_t n = s->dynamics->size;
  double sum = 0.0;
  for (int32_t i = 0; i < n; i++) {
    const double scale = s->options->absolute_tolerance + s->options->relative_tolerance * fabs(y[i]);
    sum += (values[i] / scale) * (values[i] / scale);
  }
  return sqrt(sum / n);
}

/* A first step from the sizes of y, y' and a difference quotient for y'': such that an Euler step would err
 * by about 1 % of the tolerance to the power of the order. At most `interval`. */
static double first_step(stepper *s, double interval) {
  neurlp_dynamics *dynamics = s->dynamics;
  const double *y = dynamics->state;
  const double *f = dynamics->stages[0];
  double *other = dynamics->stages[1];
  const double size = scaled_norm(s, y, y);
  const double slope = scaled_norm(s, f, y);
  double trial = size < 1e-5 || slope < 1e-5 ? 1e-6 * interval : 0.01 * size / slope;
  trial = fmin(trial, interval);
  for (int32_t i = 0; i < dynamics->size; i++) dynamics->point[i] = y[i] + trial * f[i];
  neurlp_dynamics_evaluate(dynamics, s->time + trial, other);
  for (int32_t i = 0; i < dynamics->size; i++) other[i] = (other[i] - f[i]) / trial;
  const double greatest = fmax(slope, scaled_norm(s, other, y));
  if (!isfinite(greatest)) return trial;
  const double step = greatest <= 1e-15 ? fmax(1e-6 * interval, 1e-3 * trial) : pow(0.01 / greatest, 0.2);
  return fmin(fmin(step, 100.0 * trial), interval);
}

/* Tries a step from s->time to `end`: the new state is left in dynamics->point, its derivative in the last
 * stage. Returns the scaled error; infinity if any number on the way was not finite. */
static double try_step(const stepper *s, double end) {
  const neurlp_tableau *pair = &neurlp_dormand_prince;
  neurlp_dynamics *dynamics = s->dynamics;
  const int32_t n = dynamics->size;
  const double step = end - s->time;
  double *const *k = dynamics->stages;
  for (int32_t stage = 1; stage < NEURLP_TABLEAU_STAGES; stage++) {
    for (int32_t i = 0; i < n; i++) {
      double sum = 0.0;
      for (int32_t j = 0; j < stage; j++) sum += pair->a[stage][j] * k[j][i];
      dynamics->point[i] = dynamics->state[i] + step * sum;
    }
    neurlp_dynamics_evaluate(dynamics, pair->c[stage] < 1.0 ? s->time + pair->c[stage] * step : end,
                             k[stage]);
  }
  double squares = 0.0;
  for (int32_t i = 0; i < n; i++) {
    double error = 0.0;
    for (int32_t j = 0; j < NEURLP_TABLEAU_STAGES; j++) error += (pair->b[j] - pair->b_embedded[j]) * k[j][i];
    const double size = fmax(fabs(dynamics->state[i]), fabs(dynamics->point[i]));
    error *= step / (s->options->absolute_tolerance + s->options->relative_tolerance * size);
    squares += error * error;
  }
  const bool good =
      isfinite(squares) && all_finite(n, dynamics->point) && all_finite(n, k[NEURLP_TABLEAU_STAGES - 1]);
  return good ? sqrt(squares / n) : INFINITY;
}

/* True if some state would double within a few smallest steps, so that the step size has shrunk because the
 * solution runs to infinity, not because the equations are rough or stiff. */
static bool blows_up(const stepper *s) {
  const double *y = s->dynamics->state;
  const double *f = s->dynamics->stages[0];
  for (int32_t i = 0; i < s->dynamics->size; i++)
    if (y[i] * f[i] > 0.0 && fabs(y[i]) < 1e4 * s->least_step * fabs(f[i])) return true;
  return false;
}

static void accept_step(stepper *s, double end, double error) {
  neurlp_dynamics *dynamics = s->dynamics;
  const int32_t last = NEURLP_TABLEAU_STAGES - 1;
  const double taken = end - s->time;
  memcpy(dynamics->state, dynamics->point, (size_t)dynamics->size * sizeof(double));
  double *swap = dynamics->stages[0];
  dynamics->stages[0] = dynamics->stages[last];
  dynamics->stages[last] = swap;
  const double factor =
      safety * pow(fmax(error, 1e-10), -exponent_now) * pow(s->error_before, exponent_before);
  s->step = taken * fmin(fmax(factor, least_factor), greatest_factor);
  s->error_before = fmax(error, 1e-4);
  s->time = end;
}

/* Advances to `target` exactly. Two last steps of equal size are better than one and a crumb. */
static neurlp_status advance(stepper *s, double target) {
  while (s->time < target) {
    if (s->steps++ >= s->options->maximum_steps) return NEURLP_NOT_CONVERGED;
    const double left = target - s->time;
    double end = s->time + (s->step < 0.5 * left ? s->step : 0.5 * left);
    if (s->step >= left) end = target;
    const double taken = end - s->time;
    const double error = try_step(s, end);
    if (error <= 1.0) {
      accept_step(s, end, error);
      continue;
    }
    s->step = taken * (isinf(error) ? 0.1 : fmax(safety * pow(error, -0.2), least_factor));
    if (s->step < s->least_step)
      return isinf(error) || blows_up(s) ? NEURLP_NOT_FINITE : NEURLP_NOT_CONVERGED;
  }
  return NEURLP_SUCCESS;
}

/* What is wrong with the arguments, or NULL. */
static const char *check_arguments(const neurlp_integrate_options *options, int64_t times_count,
                                   const double *times) {
  if (!(options->relative_tolerance > 0.0) || !(options->absolute_tolerance > 0.0))
    return "tolerances must be positive";
  if (times_count < 1) return "at least one time is needed, that of the initial values";
  for (int64_t i = 0; i < times_count; i++)
    if (!isfinite(times[i]) || (i > 0 && times[i] <= times[i - 1]))
      return "times must be finite and increase strictly";
  return NULL;
}

/* Starts at times[0]: state, parameters, first derivative, first step. */
static neurlp_status start(stepper *s, const double *parameters, const double *initial, int64_t times_count,
                           const double *times) {
  neurlp_dynamics *dynamics = s->dynamics;
  const int32_t n = dynamics->size;
  const double last = times[times_count - 1];
  memcpy(dynamics->state, initial, (size_t)n * sizeof(double));
  memcpy(dynamics->point, initial, (size_t)n * sizeof(double));
  if (dynamics->parameters > 0)
    memcpy(dynamics->point + n, parameters, (size_t)dynamics->parameters * sizeof(double));
  s->time = times[0];
  s->least_step = 16.0 * DBL_EPSILON * fmax(fabs(times[0]), fabs(last));
  s->error_before = 1e-4;
  neurlp_dynamics_evaluate(dynamics, s->time, dynamics->stages[0]);
  if (!all_finite(n, initial) || !all_finite(n, dynamics->stages[0])) return NEURLP_NOT_FINITE;
  s->step = first_step(s, last - times[0]);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_integrate(neurlp_dynamics *dynamics, const neurlp_integrate_options *options,
                               const double *parameters, const double *initial, int64_t times_count,
                               const double *times, double *states, double *reached) {
  const char *wrong = check_arguments(options, times_count, times);
  if (wrong) {
    neurlp_status status = NEURLP_ERROR_ARGUMENT;
#pragma omp critical(neurlp_integrate_message)
    status = neurlp_fail(dynamics->context, NEURLP_ERROR_ARGUMENT, "integration: %s", wrong);
    return status;
  }
  const int32_t n = dynamics->size;
  stepper s = {.dynamics = dynamics, .options = options};
  neurlp_status status = start(&s, parameters, initial, times_count, times);
  memcpy(states, initial, (size_t)n * sizeof(double));
  int64_t done = 1;
  for (; done < times_count && status == NEURLP_SUCCESS; done++) {
    status = advance(&s, times[done]);
    if (status != NEURLP_SUCCESS) break;
    memcpy(states + done * n, dynamics->state, (size_t)n * sizeof(double));
  }
  for (int64_t i = done * n; i < times_count * n; i++) states[i] = NAN;
  if (reached) *reached = s.time;
  return status;
}
