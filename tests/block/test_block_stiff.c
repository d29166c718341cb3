/* A stiff linear problem: u' = -k (u - cos t), u(0) = 0, on steps of 0.05, which the transient of rate k is
 * far too fast for. After it u = (k^2 cos t + k sin t) / (k^2 + 1), whatever the initial value. */
#include "neurlp.h"
#include "support/check.h"

#include <float.h>
#include <stdlib.h>

enum { STEPS = 200, TRANSIENT = 20, MOST_ORDER = 6 };
static const double STEP = 0.05;

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
  const double value = 0.3;
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
      .systems = 1, .coefficients = c, .rhs = rhs, .initial_values = &value, .steps = steps};
  neurlp_context *context = NULL;
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  neurlp_status status = neurlp_context_create(1, &context), own = NEURLP_SUCCESS;
  if (status == 0) status = neurlp_problem_create(context, &shape, &formulation, &problem);
  if (status == 0) status = neurlp_solver_create(context, problem, &solver);
  if (status == 0) status = neurlp_solver_solve(solver, &inputs, u, &own);
  stiff_errors errors = {fabs(u[0] - value), status == 0 ? 0 : NAN, u[0] == value};
  for (int32_t t = TRANSIENT; t < STEPS; t++)
    errors.later = fmax(errors.later, fabs(u[t * width] - smooth_solution(k, STEP * t)));
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  neurlp_context_destroy(&context);
  free(c);
  free(u);
  return errors;
}

int main(void) {
  for (int32_t i = 2; i <= 6; i++) {
    const double k = pow(10, i);
    for (int32_t order = 1; order <= MOST_ORDER; order++) {
      const stiff_errors hard = measure(k, order, NEURLP_INITIAL_HARD);
      const stiff_errors soft = measure(k, order, NEURLP_INITIAL_SOFT);
      printf("     k = %.0e, d = %d: after the transient %.2e hard, %.2e soft; soft values off by %.2e\n", k,
             order, hard.later, soft.later, soft.initial);
    }
  }
  return check_verdict();
}
