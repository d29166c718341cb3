/* Gradients of the nonlinear block: the adjoint against forward sensitivities (the same linearisation,
 * another way through it), against the block itself (Taylor remainders, central differences), and against an
 * adaptive integrator that shares no code with the sweep. */
#include "block/trajectories.h"
#include "support/check.h"
#include "system/integrate.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { INTERVALS = 40, INPUTS = 3, COARSEST = 20, REFINEMENTS = 4 };
static const double END = 2;
static const char *const input_names[INPUTS] = {"parameters", "initial values", "steps"};

/* Relative rounding errors of a solution: those of a matrix whose condition number is that of integrating
 * twice, N^2, over the weight of the weakest row, 1e-3. */
static const double ROUNDING = DBL_EPSILON * INTERVALS * INTERVALS * 1e3;

static void open(test_trajectories *run, const test_system *const *system, int32_t order, int32_t intervals,
                 int32_t corrections) {
  neurlp_nonlinear_shape shape = trajectories_shape(*system, 1, order, intervals, END / intervals);
  shape.forward = shape.adjoint = true;
  shape.corrections = corrections;
  trajectories_open(run, system, &shape, 1);
}

static double dot(const double *x, const double *y, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += x[i] * y[i];
  return sum;
}

/* The inputs of a batch of one system, their gradients, and how many there are of each. */
typedef struct test_inputs {
  double *numbers[INPUTS];
  const double *gradients[INPUTS];
  int64_t counts[INPUTS];
} test_inputs;

static test_inputs inputs_of(const test_trajectories *run) {
  const neurlp_nonlinear_shape *shape = &run->shape;
  return (test_inputs){
      {run->theta, run->initial, run->steps},
      {run->gradients.parameters, run->gradients.initial_values, run->gradients.steps},
      {shape->parameters, (int64_t)shape->dimensions * shape->leading_derivative, shape->steps - 1}};
}

/* Half the sum of squares of all unknowns but the highest derivatives, times the step. */
static double loss(const test_trajectories *run, double *gradient) {
  const int64_t width = run->shape.order + 1;
  double sum = 0;
  for (int64_t i = 0; i < run->points * run->shape.dimensions * width; i++) {
    const double weight = i % width < width - 1 ? run->shape.nominal_step : 0;
    sum += weight * run->state[i] * run->state[i] / 2;
    if (gradient) gradient[i] = weight * run->state[i];
  }
  return sum;
}

/* The loss where one input has moved by `distance` along a direction; NaN if there is no solution. */
static double loss_at(test_trajectories *run, double *input, const double *direction, int64_t count,
                      double distance) {
  double start[INTERVALS + 1];
  memcpy(start, input, (size_t)count * sizeof *input);
  for (int64_t i = 0; i < count; i++) input[i] += distance * direction[i];
  const double value = trajectories_solve(run) == NEURLP_SUCCESS ? loss(run, NULL) : NAN;
  memcpy(input, start, (size_t)count * sizeof *input);
  return value;
}

/* ---- the adjoint against forward sensitivities ------------------------------------------------------- */

/* Both neglect the same terms, so the gradients differ by rounding only. */
static void check_forward(const test_system *system, int32_t order) {
  test_trajectories run;
  char line[128];
  open(&run, &system, order, INTERVALS, 0);
  const test_inputs in = inputs_of(&run);
  const int64_t columns = in.counts[0] + in.counts[1], n = system->dimensions * (order + 1);
  double worst = trajectories_solve(&run) == NEURLP_SUCCESS ? 0 : NAN, size = 0;
  loss(&run, run.grad_state);
  if (trajectories_forward(&run) != NEURLP_SUCCESS || trajectories_adjoint(&run) != NEURLP_SUCCESS)
    worst = NAN;
  for (int64_t q = 0; q < columns; q++) {
    double sum = 0;
    for (int64_t i = 0; i < run.points * n; i++) sum += run.grad_state[i] * run.sensitivity[i * columns + q];
    const double gradient = q < in.counts[0] ? in.gradients[0][q] : in.gradients[1][q - in.counts[0]];
    worst = isnan(worst) ? worst : fmax(worst, fabs(sum - gradient));
    size = fmax(size, fabs(sum));
  }
  snprintf(line, sizeof line, "%s, d = %d: adjoint less forward, relative", system->name, order);
  check_below(line, worst / size, ROUNDING);
  trajectories_close(&run);
}

/* ---- the adjoint against the block ------------------------------------------------------------------- */

/* Slope of the Taylor remainder in a direction of the size of the input, from `distance` to a quarter of it.
 */
static double taylor_slope(test_trajectories *run, double *input, const double *gradient, int64_t count,
                           double value, double distance) {
  double direction[INTERVALS + 1], remainder[2];
  for (int64_t i = 0; i < count; i++) direction[i] = (i % 3 == 1 ? -0.5 : 1) * (input[i] != 0 ? input[i] : 1);
  for (int32_t level = 0; level < 2; level++, distance /= 4)
    remainder[level] = fabs(loss_at(run, input, direction, count, distance) - value -
                            distance * dot(gradient, direction, count));
  return log2(remainder[0] / remainder[1]) / 2;
}

/* Derivative of the loss along the normalised gradient, by a central difference of fourth order. */
static double slope_along(test_trajectories *run, double *input, const double *gradient, int64_t count,
                          double norm, double distance) {
  static const double weight[4] = {1, -8, 8, -1}, place[4] = {-2, -1, 1, 2};
  double direction[INTERVALS + 1], sum = 0;
  for (int64_t i = 0; i < count; i++) direction[i] = gradient[i] / norm;
  for (int32_t i = 0; i < 4; i++)
    sum += weight[i] * loss_at(run, input, direction, count, place[i] * distance);
  return sum / (12 * distance);
}

/* Errors of the gradients with so many corrections, and of the central differences that they are compared
 * with: what a double distance changes, over 15, and rounding errors of the solutions over the distance. All
 * in units of the loss over the input's size. */
static void check_block(const test_system *system, int32_t order, int32_t corrections, double error[INPUTS],
                        double bound[INPUTS]) {
  test_trajectories run;
  open(&run, &system, order, INTERVALS, corrections);
  const test_inputs in = inputs_of(&run);
  check_equal("solve", trajectories_solve(&run), NEURLP_SUCCESS);
  const double value = loss(&run, run.grad_state), size[INPUTS] = {1, 1, run.shape.nominal_step};
  check_equal("adjoint", trajectories_adjoint(&run), NEURLP_SUCCESS);
  for (int32_t i = 0; i < INPUTS; i++) {
    const double norm = sqrt(dot(in.gradients[i], in.gradients[i], in.counts[i])), distance = 0x1p-11;
    double slope[2];
    for (int32_t q = 0; q < 2; q++)
      slope[q] =
          slope_along(&run, in.numbers[i], in.gradients[i], in.counts[i], norm, (1 + q) * distance * size[i]);
    error[i] = fabs(slope[0] - norm) * size[i] / value;
    bound[i] = fabs(slope[1] - slope[0]) / 15 * size[i] / value + ROUNDING / distance;
    const double remainder = taylor_slope(&run, in.numbers[i], in.gradients[i], in.counts[i], value, 0x1p-6);
    char line[128];
    snprintf(line, sizeof line, "%s, d = %d, %s: |Taylor slope - 2|", system->name, order, input_names[i]);
    if (corrections > 0)
      check_below(line, fabs(remainder - 2), 0.1);
    else
      printf("     %-64s %.3e without corrections\n", line, fabs(remainder - 2));
  }
  trajectories_close(&run);
}

/* Corrected gradients are those of the block itself. Without corrections something is neglected: where the
 * grid is coarse for the equation, more than the comparison can overlook. */
static void check_corrections(const test_system *system, int32_t order) {
  double plain[INPUTS], corrected[INPUTS], bound[INPUTS];
  char line[128];
  check_block(system, order, 0, plain, bound);
  check_block(system, order, 3, corrected, bound);
  for (int32_t i = 0; i < INPUTS; i++) {
    snprintf(line, sizeof line, "%s, d = %d, %s: corrected gradient", system->name, order, input_names[i]);
    check_below(line, corrected[i], bound[i]);
    printf("     without corrections                                              %.3e\n", plain[i]);
    if (system == &van_der_pol && order == 4)
      check_above("what is neglected is seen", plain[i], 10 * bound[i]);
  }
}

/* ---- the adjoint against an integrator --------------------------------------------------------------- */

/* x and x' of van der Pol's equation at END. */
static void end_state(neurlp_dynamics *dynamics, const double *theta, const double *initial, double *state) {
  neurlp_integrate_options options = neurlp_integrate_options_default();
  double states[4] = {NAN, NAN, NAN, NAN};
  options.relative_tolerance = options.absolute_tolerance = 1e-14;
  if (neurlp_integrate(dynamics, &options, theta, initial, 2, (const double[]){0, END}, states, NULL) !=
      NEURLP_SUCCESS)
    states[2] = states[3] = NAN;
  memcpy(state, states + 2, 2 * sizeof *state);
}

/* Derivatives of x(END) with respect to theta and initial values by central differences of fourth order; and
 * x'(END), which is the derivative with respect to END, the sum of the steps. */
static void integrate_reference(double reference[5]) {
  static const double weight[4] = {1, -8, 8, -1}, place[4] = {-2, -1, 1, 2}, distance = 0x1p-9;
  neurlp_context *context = NULL;
  neurlp_dynamics *dynamics = NULL;
  double state[2];
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS ||
      neurlp_dynamics_parse(context, 1, 2, (const char *[]){"x"}, 2, (const char *[]){"m", "w"},
                            (const char *[]){"m*(1-x^2)*x' - w*x"}, &dynamics, NULL, NULL) != NEURLP_SUCCESS)
    exit(1);
  for (int32_t p = 0; p < 4; p++) {
    reference[p] = 0;
    for (int32_t i = 0; i < 4; i++) {
      double numbers[4] = {van_der_pol.theta[0], van_der_pol.theta[1], van_der_pol.initial[0],
                           van_der_pol.initial[1]};
      numbers[p] += place[i] * distance;
      end_state(dynamics, numbers, numbers + 2, state);
      reference[p] += weight[i] * state[0] / (12 * distance);
    }
  }
  end_state(dynamics, van_der_pol.theta, van_der_pol.initial, state);
  reference[4] = state[1];
  neurlp_dynamics_destroy(&dynamics);
  neurlp_context_destroy(&context);
}

/* Largest errors of the gradients of x(END); for the steps, of their mean, which is the derivative with
 * respect to END when all steps are stretched alike. *each: the largest error of a single step's. */
static void measure_end(int32_t order, int32_t intervals, int32_t corrections, const double reference[5],
                        double error[INPUTS], double *each) {
  test_trajectories run;
  const test_system *system = &van_der_pol;
  open(&run, &system, order, intervals, corrections);
  const test_inputs in = inputs_of(&run);
  run.grad_state[(run.points - 1) * (order + 1)] = 1;
  const bool solved =
      trajectories_solve(&run) == NEURLP_SUCCESS && trajectories_adjoint(&run) == NEURLP_SUCCESS;
  double mean = 0;
  for (int32_t i = 0; i < INPUTS; i++) {
    error[i] = solved ? 0 : INFINITY;
    for (int64_t q = 0; q < in.counts[i]; q++)
      error[i] = fmax(error[i], fabs(in.gradients[i][q] - reference[i < 2 ? 2 * i + q : 4]));
  }
  *each = error[2];
  for (int64_t q = 0; q < intervals; q++) mean += in.gradients[2][q] / intervals;
  error[2] = solved ? fabs(mean - reference[4]) : INFINITY;
  trajectories_close(&run);
}

/* The gradient converges to that of the equation as the solution does: order d + 2 - kappa, less a quarter.
 */
static void check_integrator(int32_t order, int32_t corrections, const double reference[5]) {
  double error[REFINEMENTS][INPUTS], each[REFINEMENTS];
  for (int32_t level = 0; level < REFINEMENTS; level++)
    measure_end(order, COARSEST << level, corrections, reference, error[level], &each[level]);
  for (int32_t i = 0; i < INPUTS; i++) {
    char line[128];
    printf("     van der Pol, d = %d, %d corrections, %s: errors", order, corrections, input_names[i]);
    for (int32_t level = 0; level < REFINEMENTS; level++) printf(" %.2e", error[level][i]);
    printf("\n");
    snprintf(line, sizeof line, "van der Pol, d = %d, %d corrections, %s: observed order", order, corrections,
             input_names[i]);
    check_above(line, log2(error[REFINEMENTS - 2][i] / error[REFINEMENTS - 1][i]),
                order + 2 - van_der_pol.leading - 0.25);
  }
  printf("     single steps: errors");
  for (int32_t level = 0; level < REFINEMENTS; level++) printf(" %.2e", each[level]);
  printf("\n");
}

int main(void) {
  const test_system *systems[] = {&logistic, &orbit, &van_der_pol};
  double reference[5];
  for (int32_t i = 0; i < 3; i++)
    for (int32_t order = 2; order <= 4; order++) {
      check_forward(systems[i], order);
      check_corrections(systems[i], order);
    }
  integrate_reference(reference);
  for (int32_t order = 2; order <= 4; order++)
    for (int32_t corrections = 0; corrections < 2; corrections++)
      check_integrator(order, corrections, reference);
  return check_verdict();
}
