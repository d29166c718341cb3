/* A stiff linear problem: u' = -k (u - cos t), u(0) = 0.3, on steps of 0.05, far too long for a transient of
 * rate k. After it u = (k^2 cos t + k sin t) / (k^2 + 1), whatever the initial value.
 *
 * The equation makes of an error of u' one of u that is 1/k of it. For even d the transient is damped, and
 * the error of u' is that of the weakest smoothness row, i = d-1: the trapezoidal rule for u^(d-1), off by
 * h^2/12 u^(d+1), which counts with h^(d-2) for u'. As |u^(j)| <= 1,
 *
 *   |error of u| <= h^d / (12 k).
 *
 * For odd d a hard transient rings on, and no bound is claimed. */
#include "neurlp.h"
#include "support/check.h"

#include <float.h>
#include <stdlib.h>

enum { STEPS = 200, TRANSIENT = 100, MOST_ORDER = 6 };
static const double STEP = 0.05, VALUE = 0.3;

typedef struct stiff_errors {
  double initial; /* |u(0) - v| */
  double later;   /* largest after TRANSIENT steps */
  bool exact;     /* u(0) has the bits of v */
} stiff_errors;

static double smooth_solution(double k, double t) {
  return (k * k * cos(t) + k * sin(t)) / (k * k + 1);
}

static stiff_errors measure(double k, int32_t order, neurlp_initial initial) {
  const int32_t width = order + 1;
  const neurlp_shape shape = {.systems = 1,
                              .steps = STEPS,
                              .dimensions = 1,
                              .order = order,
                              .equations = 1,
                              .initial_steps = 1,
                              .initial_derivatives = 1,
                              .columns = 1};
  neurlp_formulation formulation = neurlp_formulation_default();
  formulation.nominal_step = STEP;
  formulation.initial = initial;
  double *c = calloc((size_t)(STEPS * width), sizeof *c), *u = calloc((size_t)(STEPS * width), sizeof *u);
  double rhs[STEPS], steps[STEPS - 1];
  for (int32_t t = 0; t < STEPS; t++) {
    c[t * width] = k;
    c[t * width + 1] = 1;
    rhs[t] = k * cos(STEP * t);
    if (t + 1 < STEPS) steps[t] = STEP;
  }
  const neurlp_inputs inputs = {
      .systems = 1, .coefficients = c, .rhs = rhs, .initial_values = &VALUE, .steps = steps};
  neurlp_context *context = NULL;
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  neurlp_status status = neurlp_context_create(1, &context), own = NEURLP_SUCCESS;
  if (status == 0) status = neurlp_problem_create(context, &shape, &formulation, &problem);
  if (status == 0) status = neurlp_solver_create(context, problem, &solver);
  if (status == 0) status = neurlp_solver_solve(solver, &inputs, u, &own);
  stiff_errors errors = {fabs(u[0] - VALUE), status == 0 ? 0 : NAN, u[0] == VALUE};
  for (int32_t t = TRANSIENT; t < STEPS; t++)
    errors.later = fmax(errors.later, fabs(u[t * width] - smooth_solution(k, STEP * t)));
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  neurlp_context_destroy(&context);
  free(c);
  free(u);
  return errors;
}

static void check_task(double k, int32_t order, stiff_errors hard, stiff_errors soft) {
  char line[96];
  snprintf(line, sizeof line, "k = %.0e, d = %d: the hard value is kept bit for bit", k, order);
  check_true(line, hard.exact);
  if (order % 2 == 0) {
    const double bound = pow(STEP, order) / (12 * k) + 16 * DBL_EPSILON; /* and rounding errors of u */
    snprintf(line, sizeof line, "k = %.0e, d = %d: error after the transient, hard", k, order);
    check_below(line, hard.later, bound);
    snprintf(line, sizeof line, "k = %.0e, d = %d: error after the transient, soft", k, order);
    check_below(line, soft.later, bound);
  }
  /* To keep a soft value, u would have to turn by 0.7 within 1/k, which the smoothness rows of a step with k
   * h
   * >> 1 resist more: it is given up for the smooth solution. */
  if (k * STEP >= 500) {
    snprintf(line, sizeof line, "k = %.0e, d = %d: the soft value is given up", k, order);
    check_above(line, soft.initial, 0.5 * fabs(smooth_solution(k, 0) - VALUE));
  }
}

int main(void) {
  for (int32_t i = 2; i <= 6; i++) {
    const double k = pow(10, i);
    for (int32_t order = 1; order <= MOST_ORDER; order++) {
      const stiff_errors hard = measure(k, order, NEURLP_INITIAL_HARD);
      const stiff_errors soft = measure(k, order, NEURLP_INITIAL_SOFT);
      printf("     k = %.0e, d = %d: after the transient %.2e hard, %.2e soft; soft values off by %.2e\n", k,
             order, hard.later, soft.later, soft.initial);
      check_task(k, order, hard, soft);
    }
  }
  return check_verdict();
}
