/* u' + u = 0, u(0) = 1, on 101 steps of 0.01, solved by the installed library; C and C++ alike. The relations
 * between steps are of order four here, so the error at t = 1 is below h^4. */
#include <neurlp.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define STEPS    101
#define UNKNOWNS 3 /* u, u', u'' */

static double coefficients[STEPS][UNKNOWNS], rhs[STEPS], steps[STEPS - 1], solution[STEPS][UNKNOWNS];

static neurlp_status solve_decay(neurlp_context *context, double h) {
  const double start = 1;
  for (int t = 0; t < STEPS; t++) coefficients[t][0] = coefficients[t][1] = 1;
  for (int t = 0; t < STEPS - 1; t++) steps[t] = h;

  neurlp_shape shape;
  memset(&shape, 0, sizeof shape);
  shape.systems = 1, shape.steps = STEPS, shape.dimensions = 1, shape.order = 2, shape.equations = 1;
  shape.initial_steps = 1, shape.initial_derivatives = 1, shape.columns = 1;
  neurlp_formulation formulation = neurlp_formulation_default();
  formulation.nominal_step = h;

  neurlp_inputs inputs;
  memset(&inputs, 0, sizeof inputs);
  inputs.systems = 1, inputs.coefficients = coefficients[0], inputs.rhs = rhs;
  inputs.initial_values = &start, inputs.steps = steps;

  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  neurlp_status each, status = neurlp_problem_create(context, &shape, &formulation, &problem);
  if (status == NEURLP_SUCCESS) status = neurlp_solver_create(context, problem, &solver);
  if (status == NEURLP_SUCCESS) status = neurlp_solver_solve(solver, &inputs, solution[0], &each);
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  return status;
}

int main(void) {
  const double h = 0.01, bound = h * h * h * h;
  neurlp_context *context = NULL;
  neurlp_status status = neurlp_context_create(0, &context);
  if (status == NEURLP_SUCCESS) status = solve_decay(context, h);
  const double error = fabs(solution[STEPS - 1][0] - exp(-1.0));
  printf("neurlp %s: %s; error at t = 1: %.3e <= %.3e\n", neurlp_version(), neurlp_status_name(status), error,
         bound);
  neurlp_context_destroy(&context);
  return status == NEURLP_SUCCESS && error <= bound ? 0 : 1;
}
