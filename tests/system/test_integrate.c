/* The integrator against closed forms; its order; landing on the output times; failures; no allocation. */
#include "system/integrate.h"

#include "support/check.h"

#include <float.h>
#include <string.h>

enum { MOST = 4001 };
static double times[MOST], states[MOST * 4];

static neurlp_dynamics *parse(neurlp_context *context, int32_t order, const char *parameter,
                              const char *equation) {
  static const char *const names[] = {"x"};
  const char *const parameters[] = {parameter};
  neurlp_dynamics *dynamics = NULL;
  if (neurlp_dynamics_parse(context, 1, order, names, parameter ? 1 : 0, parameters, &equation, &dynamics,
                            NULL, NULL) != NEURLP_SUCCESS)
    printf("%s\n", neurlp_context_message(context));
  check_true(equation, dynamics != NULL);
  return dynamics;
}

static void even_times(int64_t count, double first, double step) {
  for (int64_t i = 0; i < count; i++) times[i] = first + (double)i * step;
}

static double decay(double t) {
  return exp(-t);
}

static double growth(double t) {
  return exp(t);
}

static double logistic(double t) {
  return 1.0 / (1.0 + 9.0 * exp(-t));
}

static double quarter_square(double t) {
  return 1.0 + sin(t);
}

/* Perturbations of these four do not grow relative to the solution. A step's error estimate, at most one
 * tolerance (relative |x| + absolute), is that of the less accurate solution of the pair; what is kept is
 * better by about the step size times its rate of change, so that no more than a tolerance is lost in a unit
 * of time. */
static void test_closed_forms(neurlp_context *context) {
  static const struct {
    const char *equation;
    double (*solution)(double);
  } cases[] = {{"-x", decay}, {"x", growth}, {"x*(1 - x)", logistic}, {"cos(t)", quarter_square}};
  const neurlp_integrate_options options = neurlp_integrate_options_default();
  even_times(101, 0.0, 0.1);
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
    neurlp_dynamics *dynamics = parse(context, 1, NULL, cases[c].equation);
    const double initial = cases[c].solution(0.0);
    double reached = -1.0, worst = 0.0;
    check_equal("status", neurlp_integrate(dynamics, &options, NULL, &initial, 101, times, states, &reached),
                NEURLP_SUCCESS);
    for (int64_t i = 0; i < 101; i++) {
      const double exact = cases[c].solution(times[i]);
      worst = fmax(worst, fabs(states[i] - exact) / (1e-10 * fmax(exact, 0.1) + 1e-12));
    }
    check_below("error in units of the tolerance", worst, 10.0);
    check_true("all of it was reached", reached == times[100]);
    neurlp_dynamics_destroy(&dynamics);
  }
}

/* x'' = -omega^2 x: position and velocity, with a parameter, over 200 radians: a tolerance for each, as
 * above. */
static void test_second_order(neurlp_context *context) {
  neurlp_dynamics *dynamics = parse(context, 2, "omega", "-omega^2*x");
  const neurlp_integrate_options options = neurlp_integrate_options_default();
  const double omega = 2.0, initial[2] = {1.0, 0.0};
  double worst = 0.0;
  even_times(1001, 0.0, 0.1);
  check_equal("status", neurlp_integrate(dynamics, &options, &omega, initial, 1001, times, states, NULL),
              NEURLP_SUCCESS);
  for (int64_t i = 0; i < 1001; i++) {
    worst = fmax(worst, fabs(states[2 * i] - cos(omega * times[i])));
    worst = fmax(worst, fabs(states[2 * i + 1] + omega * sin(omega * times[i])) / omega);
  }
  check_below("harmonic oscillator over 200 radians", worst, 200.0 * 1e-10);
  neurlp_dynamics_destroy(&dynamics);
}

/* With tolerances near 1 every interval is one step, so that halving the interval shows the order of the
 * formula: slope 5, less what terms of the next order make of it at h = 0.1 (about h / 2). */
static void test_formula_order(neurlp_context *context) {
  neurlp_dynamics *dynamics = parse(context, 1, NULL, "x*cos(t)");
  const neurlp_integrate_options options = {
      .relative_tolerance = 1.0, .absolute_tolerance = 1.0, .maximum_steps = 100000};
  const double initial = 1.0;
  double error[4];
  for (int level = 0; level < 4; level++) {
    const int64_t intervals = INT64_C(20) << level;
    even_times(intervals + 1, 0.0, 2.0 / (double)intervals);
    check_equal("status",
                neurlp_integrate(dynamics, &options, NULL, &initial, intervals + 1, times, states, NULL),
                NEURLP_SUCCESS);
    error[level] = fabs(states[intervals] - exp(sin(times[intervals])));
    if (level == 0) continue;
    const double order = log2(error[level - 1] / error[level]);
    check_above("observed order of the formula", order, 4.8);
    check_below("observed order of the formula", order, 5.3);
  }
  neurlp_dynamics_destroy(&dynamics);
}

/* Steps are chosen freely (two output times), so that the error follows the tolerance: the estimate is
 * O(h^5), the error of what is kept also, so that their ratio stays and the slope is 1 on the average over
 * six decades. */
static void test_tolerance_ladder(neurlp_context *context) {
  neurlp_dynamics *dynamics = parse(context, 2, NULL, "-sin(x)");
  const double initial[2] = {1.5, 0.0};
  even_times(2, 0.0, 20.0);
  neurlp_integrate_options options = {1e-14, 1e-14, 1000000};
  check_equal("status", neurlp_integrate(dynamics, &options, NULL, initial, 2, times, states, NULL),
              NEURLP_SUCCESS);
  const double exact = states[2];
  double error[4];
  for (int level = 0; level < 4; level++) {
    options.relative_tolerance = options.absolute_tolerance = pow(10.0, -4.0 - 2.0 * level);
    check_equal("status", neurlp_integrate(dynamics, &options, NULL, initial, 2, times, states, NULL),
                NEURLP_SUCCESS);
    error[level] = fabs(states[2] - exact);
    if (level > 0) check_above("a hundred times finer tolerance", error[level - 1] / error[level], 30.0);
  }
  const double slope = log10(error[0] / error[3]) / 6.0;
  check_above("slope of error over tolerance", slope, 0.9);
  check_below("slope of error over tolerance", slope, 1.1);
  neurlp_dynamics_destroy(&dynamics);
}

/* Where the output times lie changes the steps, not the solution; uneven ones, and thousands, are met
 * exactly. */
static void test_output_times(neurlp_context *context) {
  neurlp_dynamics *dynamics = parse(context, 1, NULL, "-x + t");
  const neurlp_integrate_options options = neurlp_integrate_options_default();
  const double initial = 1.0;
  double worst = 0.0;
  for (int64_t i = 0; i < MOST; i++) times[i] = 5.0 * pow((double)i / (MOST - 1), 3.0);
  check_equal("status", neurlp_integrate(dynamics, &options, NULL, &initial, MOST, times, states, NULL),
              NEURLP_SUCCESS);
  for (int64_t i = 0; i < MOST; i++)
    worst = fmax(worst, fabs(states[i] - (times[i] - 1.0 + 2.0 * exp(-times[i]))));
  check_below("uneven times: rounding of 8000 steps, damped", worst, 1e-10);
  times[0] = 2.0;
  const double only = 7.0;
  check_equal("one time only", neurlp_integrate(dynamics, &options, NULL, &only, 1, times, states, NULL),
              NEURLP_SUCCESS);
  check_true("is the initial value", states[0] == 7.0);
  neurlp_dynamics_destroy(&dynamics);
}

static void fails(neurlp_context *context, const char *equation, double initial, neurlp_status expected,
                  double when, double margin) {
  neurlp_dynamics *dynamics = parse(context, 1, NULL, equation);
  const neurlp_integrate_options options = neurlp_integrate_options_default();
  double reached = 0.0;
  even_times(21, 0.0, 0.1);
  check_equal("status", neurlp_integrate(dynamics, &options, NULL, &initial, 21, times, states, &reached),
              expected);
  check_below("where it fails", fabs(reached - when), margin);
  int64_t wrong = 0;
  for (int64_t i = 0; i < 21; i++) wrong += isfinite(states[i]) != (isfinite(initial) && times[i] <= reached);
  check_equal("samples finite before, NaN after", wrong, 0);
  neurlp_dynamics_destroy(&dynamics);
}

static void test_failures(neurlp_context *context) {
  fails(context, "x^2", 1.0, NEURLP_NOT_FINITE, 1.0, 1e-8);
  fails(context, "-x^2", -1.0, NEURLP_NOT_FINITE, 1.0, 1e-8);
  fails(context, "1 + x^2", 0.0, NEURLP_NOT_FINITE, 1.57079632679489661923, 1e-8);
  fails(context, "exp(x)", 0.0, NEURLP_NOT_FINITE, 1.0, 1e-8);
  fails(context, "1/(x - 1)", 1.0, NEURLP_NOT_FINITE, 0.0, 0.0);
  fails(context, "sqrt(1 - t)*0 + 1", 0.0, NEURLP_NOT_FINITE, 1.0, 1e-8);
  fails(context, "-1/x", 1.0, NEURLP_NOT_CONVERGED, 0.5, 1e-8);
  fails(context, "x", NAN, NEURLP_NOT_FINITE, 0.0, 0.0);
}

static void test_limits(neurlp_context *context) {
  neurlp_dynamics *dynamics = parse(context, 1, NULL, "-1000*(x - cos(t))");
  neurlp_integrate_options options = neurlp_integrate_options_default();
  const double initial = 1.0;
  even_times(3, 0.0, 1.0);
  options.maximum_steps = 100;
  check_equal("too many steps", neurlp_integrate(dynamics, &options, NULL, &initial, 3, times, states, NULL),
              NEURLP_NOT_CONVERGED);
  options = neurlp_integrate_options_default();
  times[2] = times[1];
  check_equal("times that stand still",
              neurlp_integrate(dynamics, &options, NULL, &initial, 3, times, states, NULL),
              NEURLP_ERROR_ARGUMENT);
  check_true("has a message", strstr(neurlp_context_message(context), "increase strictly") != NULL);
  check_equal("no times", neurlp_integrate(dynamics, &options, NULL, &initial, 0, times, states, NULL),
              NEURLP_ERROR_ARGUMENT);
  options.relative_tolerance = 0.0;
  check_equal("no tolerance", neurlp_integrate(dynamics, &options, NULL, &initial, 2, times, states, NULL),
              NEURLP_ERROR_ARGUMENT);
  neurlp_dynamics_destroy(&dynamics);
}

static void test_memory_and_syntax(neurlp_context *context) {
  neurlp_dynamics *dynamics = parse(context, 2, NULL, "-x - x'");
  const neurlp_integrate_options options = neurlp_integrate_options_default();
  const double initial[2] = {1.0, 0.0};
  even_times(101, 0.0, 0.1);
  const neurlp_memory before = neurlp_context_memory(context);
  check_equal("status", neurlp_integrate(dynamics, &options, NULL, initial, 101, times, states, NULL),
              NEURLP_SUCCESS);
  const neurlp_memory after = neurlp_context_memory(context);
  check_equal("blocks while integrating", after.blocks - before.blocks, 0);
  check_equal("peak while integrating", (long long)(after.peak_bytes - before.peak_bytes), 0);
  neurlp_dynamics_destroy(&dynamics);
  check_true("destroy nulls the handle", dynamics == NULL);
  neurlp_dynamics_destroy(&dynamics);
  const char *const names[] = {"x", "y"};
  const char *const equations[] = {"y", "-x + )"};
  int32_t failed = -1;
  neurlp_syntax_error error = {0};
  check_equal("a bad equation",
              neurlp_dynamics_parse(context, 2, 1, names, 0, NULL, equations, &dynamics, &failed, &error),
              NEURLP_ERROR_SYNTAX);
  check_equal("which one", failed, 1);
  check_equal("which column", error.column, 6);
  check_true("nothing was made", dynamics == NULL);
  check_equal("order 3", neurlp_dynamics_create(context, 1, 3, 0, NULL, &dynamics), NEURLP_ERROR_ARGUMENT);
}

int main(void) {
  neurlp_context *context = NULL;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  test_closed_forms(context);
  test_second_order(context);
  test_formula_order(context);
  test_tolerance_ladder(context);
  test_output_times(context);
  test_failures(context);
  test_limits(context);
  test_memory_and_syntax(context);
  check_equal("blocks in the end", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
