/* Equations of nonlinear blocks from text: one that uses the time, in both layouts, against its closed form;
 * what is refused. tests/block runs the nonlinear block's own tests on equations, too. */
#include "neurlp.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { SYSTEMS = 5, STEPS = 41, ORDER = 4, WIDTH = ORDER + 1, PARAMETERS = 2 };

static const double STEP = 0.05;
static const char *const X[] = {"x"}, *const NAMES[] = {"k", "w"};

static neurlp_equations_spec forced(void) {
  static const char *const sides[] = {"-k*x + sin(w*t)"};
  return (neurlp_equations_spec){.dimensions = 1,
                                 .leading_derivative = 1,
                                 .states = X,
                                 .right_sides = sides,
                                 .parameters = PARAMETERS,
                                 .parameter_names = NAMES};
}

/* x' = -k x + sin(w t) from x(t0): the forced part is (k sin(w t) - w cos(w t)) / (k^2 + w^2). */
static double exact(double k, double w, double t0, double x0, double t) {
  const double size = k * k + w * w, begin = (k * sin(w * t0) - w * cos(w * t0)) / size;
  return (k * sin(w * t) - w * cos(w * t)) / size + (x0 - begin) * exp(-k * (t - t0));
}

/* One batch; `packed`: systems one behind the other, each of its own length. */
static void check_forced(neurlp_context *context, const neurlp_equations *equations, bool packed) {
  static double state[SYSTEMS * STEPS * WIDTH], times[SYSTEMS * STEPS], steps[SYSTEMS * STEPS],
      grad_state[SYSTEMS * STEPS * WIDTH];
  double theta[SYSTEMS * PARAMETERS], initial[SYSTEMS], grad_theta[SYSTEMS * PARAMETERS], worst = 0,
                                                                                          slope = 0;
  int32_t lengths[SYSTEMS];
  int64_t first[SYSTEMS], next = 0;
  neurlp_status status[SYSTEMS];
  neurlp_nonlinear *block = NULL;
  const neurlp_nonlinear_shape shape = {.systems = SYSTEMS,
                                        .steps = STEPS,
                                        .dimensions = 1,
                                        .order = ORDER,
                                        .leading_derivative = 1,
                                        .parameters = PARAMETERS,
                                        .adjoint = true,
                                        .nominal_step = STEP,
                                        .equations = equations};
  memset(state, 0, sizeof state);
  memset(grad_state, 0, sizeof grad_state);
  for (int32_t s = 0; s < SYSTEMS; s++) {
    lengths[s] = packed ? STEPS - 3 * s : STEPS;
    first[s] = packed ? next : (int64_t)s * STEPS;
    next += lengths[s];
    theta[2 * s] = 0.5 + 0.3 * s;
    theta[2 * s + 1] = 2 - 0.2 * s;
    initial[s] = 1 + 0.1 * s;
    for (int32_t t = 0; t < lengths[s]; t++) times[first[s] + t] = 0.2 * s + STEP * t;
    for (int32_t t = 0; t + 1 < lengths[s]; t++) steps[packed ? first[s] + t : s * (STEPS - 1) + t] = STEP;
    grad_state[(first[s] + lengths[s] - 1) * WIDTH] = 1;
  }
  const neurlp_nonlinear_batch batch = {.systems = SYSTEMS,
                                        .lengths = packed ? lengths : NULL,
                                        .first_point = packed ? first : NULL,
                                        .steps = steps,
                                        .initial_values = initial,
                                        .parameters = theta,
                                        .times = times};
  const neurlp_nonlinear_gradients gradients = {.parameters = grad_theta};
  check_equal("a block", neurlp_nonlinear_create(context, &shape, &block), NEURLP_SUCCESS);
  check_equal("solved", neurlp_nonlinear_solve(block, &batch, state, status), NEURLP_SUCCESS);
  check_equal("gradients", neurlp_nonlinear_adjoint(block, &batch, state, grad_state, &gradients, status),
              NEURLP_SUCCESS);
  for (int32_t s = 0; s < SYSTEMS; s++) {
    const double k = theta[2 * s], w = theta[2 * s + 1], t0 = 0.2 * s, d = 1e-5;
    const double end = times[first[s] + lengths[s] - 1];
    for (int32_t t = 0; t < lengths[s]; t++)
      worst = fmax(worst, fabs(state[(first[s] + t) * WIDTH] - exact(k, w, t0, initial[s], t0 + STEP * t)));
    slope = fmax(
        slope, fabs(grad_theta[2 * s] -
                    (exact(k + d, w, t0, initial[s], end) - exact(k - d, w, t0, initial[s], end)) / (2 * d)));
    slope = fmax(
        slope, fabs(grad_theta[2 * s + 1] -
                    (exact(k, w + d, t0, initial[s], end) - exact(k, w - d, t0, initial[s], end)) / (2 * d)));
  }
  /* errors of discretisation: (rate h)^5 with the largest rate, 2 */
  check_below(packed ? "packed: error of the solution" : "error of the solution", worst, pow(2 * STEP, 5));
  check_below(packed ? "packed: error of the gradient" : "error of the gradient", slope, pow(2 * STEP, 4));
  if (!packed) {
    neurlp_nonlinear_batch without = batch;
    without.times = NULL;
    check_equal("no times", neurlp_nonlinear_solve(block, &without, state, status), NEURLP_ERROR_ARGUMENT);
    check_true("says which", strstr(neurlp_context_message(context), "batch.times") != NULL);
  }
  neurlp_nonlinear_destroy(&block);
}

static void check_refused(neurlp_context *context, const char *what, neurlp_equations_spec spec,
                          neurlp_status expected, const char *words) {
  neurlp_equations *equations = (neurlp_equations *)(void *)context;
  char line[400];
  const neurlp_status status = neurlp_equations_create(context, &spec, &equations);
  snprintf(line, sizeof line, "%s: %.300s", what, neurlp_context_message(context));
  check_true(line, status == expected && !equations && strstr(neurlp_context_message(context), words));
}

static void check_arguments(neurlp_context *context) {
  static const char *const wrong[] = {"-k*x +* 2"}, *const unknown[] = {"-k*z"}, *const clash[] = {"x", "k"};
  neurlp_equations_spec spec = forced();
  spec.right_sides = wrong;
  check_refused(context, "syntax", spec, NEURLP_ERROR_SYNTAX, "column 7");
  spec.right_sides = unknown;
  check_refused(context, "a name that is unknown", spec, NEURLP_ERROR_SYNTAX, "z");
  spec = forced();
  spec.parameter_names = clash;
  check_refused(context, "a name twice", spec, NEURLP_ERROR_ARGUMENT, "twice");
  spec = forced();
  spec.leading_derivative = 3;
  check_refused(context, "leading_derivative", spec, NEURLP_ERROR_ARGUMENT, "3");
  spec = forced();
  spec.dimensions = 0;
  check_refused(context, "dimensions", spec, NEURLP_ERROR_ARGUMENT, "0");
  spec = forced();
  spec.parameters = -1;
  check_refused(context, "parameters", spec, NEURLP_ERROR_ARGUMENT, "-1");
}

/* A shape that is not that of its equations. */
static void check_mismatch(neurlp_context *context, const neurlp_equations *equations) {
  neurlp_nonlinear *block = NULL;
  const neurlp_nonlinear_shape shape = {.systems = 1,
                                        .steps = 5,
                                        .dimensions = 2,
                                        .order = 2,
                                        .leading_derivative = 1,
                                        .parameters = PARAMETERS,
                                        .nominal_step = 1,
                                        .equations = equations};
  check_equal("two dimensions, equations of one", neurlp_nonlinear_create(context, &shape, &block),
              NEURLP_ERROR_ARGUMENT);
}

int main(void) {
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  const neurlp_equations_spec spec = forced();
  neurlp_context *context = NULL;
  neurlp_equations *equations = NULL;
  check_equal("context", neurlp_context_create(2, &context), NEURLP_SUCCESS);
  check_equal("backend", neurlp_context_set_backend(context, backend ? backend : "cpu"), NEURLP_SUCCESS);
  check_equal("equations", neurlp_equations_create(context, &spec, &equations), NEURLP_SUCCESS);
  check_forced(context, equations, false);
  check_forced(context, equations, true);
  check_mismatch(context, equations);
  neurlp_equations_destroy(&equations);
  neurlp_equations_destroy(&equations);
  check_arguments(context);
  if (!backend) check_equal("blocks alive", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
