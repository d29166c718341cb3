/* Observed orders of convergence of the hermite rows on u' = -u and u'' = -u over [0, 2], four refinements.
 *
 * In scaled unknowns, smoothness row i of order d leaves a residual of order h^(2d-i+1) on a smooth solution.
 * The weakest row, i = d-1, leaves h^(d+2). An equation with leading derivative kappa integrates it kappa
 * times over 1/h steps, so the error of u is at most of order h^(d+2-kappa). Where d - kappa is odd, the
 * leading part of the error of u^(d) enters the row for u as a difference between neighbours, and one order
 * is gained; for d = 4 and kappa = 1 the next weakest row, with residual h^(d+3), allows no more than 5 =
 * d+2-kappa all the same. The observed order is taken from the last refinement; terms of higher order move it
 * by less than a quarter. With d = 1, u'' = -u is solved as a system of two equations of first order. */
#include "neurlp.h"
#include "support/check.h"

#include <stdlib.h>

enum { REFINEMENTS = 4, COARSEST = 4 };

typedef struct test_task {
  const char *name;
  int32_t kappa;
  int32_t order;
  double expected;
} test_task;

/* c of one step: u' + u = 0, u'' + u = 0, or u0' - u1 = 0, u1' + u0 = 0. */
static void write_coefficients(const test_task *task, double *c) {
  if (task->kappa == 1) {
    c[0] = 1;
    c[1] = 1;
  } else if (task->order > 1) {
    c[0] = 1;
    c[2] = 1;
  } else {
    c[1] = 1;
    c[2] = -1;
    c[4] = 1;
    c[7] = 1;
  }
}

static neurlp_status solve(const test_task *task, int32_t intervals, const neurlp_shape *shape,
                           double *solution) {
  const int32_t n = shape->dimensions * (shape->order + 1), E = shape->equations;
  const double values[2] = {1, 0};
  neurlp_formulation formulation = neurlp_formulation_default();
  formulation.nominal_step = 2.0 / intervals;
  formulation.leading_derivative = task->order > 1 ? task->kappa : 1;
  double *c = calloc((size_t)(shape->steps * E * n), sizeof *c);
  double *rhs = calloc((size_t)(shape->steps * E), sizeof *rhs);
  double *steps = calloc((size_t)intervals, sizeof *steps);
  for (int32_t t = 0; t < shape->steps; t++) write_coefficients(task, c + t * E * n);
  for (int32_t t = 0; t < intervals; t++) steps[t] = formulation.nominal_step;
  const neurlp_inputs inputs = {
      .systems = 1, .coefficients = c, .rhs = rhs, .initial_values = values, .steps = steps};
  neurlp_context *context = NULL;
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  neurlp_status status = neurlp_context_create(1, &context), own;
  if (status == 0) status = neurlp_problem_create(context, shape, &formulation, &problem);
  if (status == 0) status = neurlp_solver_create(context, problem, &solver);
  if (status == 0) status = neurlp_solver_solve(solver, &inputs, solution, &own);
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  neurlp_context_destroy(&context);
  free(c);
  free(rhs);
  free(steps);
  return status;
}

/* Largest error of u over the grid; NaN if the solve failed. */
static double error_of(const test_task *task, int32_t intervals) {
  const int32_t D = task->kappa == 2 && task->order == 1 ? 2 : 1, n = D * (task->order + 1);
  const neurlp_shape shape = {.systems = 1,
                              .steps = intervals + 1,
                              .dimensions = D,
                              .order = task->order,
                              .equations = D,
                              .initial_steps = 1,
                              .initial_derivatives = task->kappa == 2 && D == 1 ? 2 : 1,
                              .columns = 1};
  double *u = calloc((size_t)((intervals + 1) * n), sizeof *u);
  double largest = solve(task, intervals, &shape, u) == NEURLP_SUCCESS ? 0 : NAN;
  for (int32_t t = 0; t <= intervals; t++) {
    const double x = 2.0 * t / intervals;
    largest = fmax(largest, fabs(u[t * n] - (task->kappa == 1 ? exp(-x) : cos(x))));
  }
  free(u);
  return largest;
}

int main(void) {
  static const test_task tasks[] = {{"u' = -u", 1, 1, 2},  {"u' = -u", 1, 2, 4},  {"u' = -u", 1, 3, 4},
                                    {"u' = -u", 1, 4, 5},  {"u'' = -u", 2, 1, 2}, {"u'' = -u", 2, 2, 2},
                                    {"u'' = -u", 2, 3, 4}, {"u'' = -u", 2, 4, 4}};
  for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
    double error = error_of(&tasks[i], COARSEST), order = 0;
    char what[80];
    for (int32_t level = 1; level <= REFINEMENTS; level++) {
      const double finer = error_of(&tasks[i], COARSEST << level);
      order = log2(error / finer);
      error = finer;
      printf("     %-9s d = %d, %3d intervals: error %.2e, order %.2f\n", tasks[i].name, tasks[i].order,
             COARSEST << level, error, order);
    }
    snprintf(what, sizeof what, "%s, d = %d: observed order", tasks[i].name, tasks[i].order);
    check_above(what, order, tasks[i].expected - 0.25);
    check_below(what, order, tasks[i].expected + 0.25);
  }
  return check_verdict();
}
