/* Solutions and forward sensitivities of the nonlinear block, with the observed orders of convergence,
 * against closed forms and against an adaptive integrator; an iteration that needs damping. */
#include "block/trajectories.h"
#include "support/check.h"
#include "system/integrate.h"

#include <stdlib.h>
#include <string.h>

enum { REFINEMENTS = 4, COARSEST = 20, MOST_ORDER = 4 };

/* Over times 0 to END. */
static const double END = 2;

typedef struct test_task {
  const test_system *system;
  void (*exact)(double t, double *u, double *columns); /* u [D], columns [D][checked] */
  int32_t checked;    /* the first so many columns of sensitivities are known */
  double rate;        /* largest rate of change, in 1/t: rate h is what the error is a power of */
  double expected[5]; /* order of linear equations with constant coefficients, d = 0..4; 0: not tried */
} test_task;

/* Errors of the solution and of the sensitivities. */
static void compare(const test_trajectories *run, const test_task *task, double error[2]) {
  const int32_t D = run->shape.dimensions, width = run->shape.order + 1,
                columns = run->shape.parameters + D * run->shape.leading_derivative;
  error[0] = error[1] = 0;
  for (int32_t t = 0; t < run->shape.steps; t++) {
    double u[MOST_DIMENSIONS], exact[MOST_DIMENSIONS * (MOST_PARAMETERS + MOST_SYMBOLS)];
    task->exact(t * run->shape.nominal_step, u, exact);
    for (int32_t k = 0; k < D; k++) {
      const int32_t at = (t * D + k) * width;
      error[0] = fmax(error[0], fabs(run->state[at] - u[k]));
      for (int32_t q = 0; q < task->checked; q++)
        error[1] = fmax(error[1], fabs(run->sensitivity[at * columns + q] - exact[k * task->checked + q]));
    }
  }
}

/* Solves on a grid of `intervals` steps from a constant trajectory. */
static void measure(const test_task *task, int32_t order, int32_t intervals, double error[2]) {
  test_trajectories run;
  neurlp_nonlinear_shape shape = trajectories_shape(task->system, 1, order, intervals, END / intervals);
  shape.forward = true;
  trajectories_open(&run, &task->system, &shape, 1);
  error[0] = error[1] = INFINITY;
  if (trajectories_solve(&run) == NEURLP_SUCCESS && trajectories_forward(&run) == NEURLP_SUCCESS)
    compare(&run, task, error);
  trajectories_close(&run);
}

/* Orders between the last two of four grids: at least d + 2 - kappa (test_block_convergence.c says why), less
 * a quarter for terms of higher order. The order that linear equations with constant coefficients have, which
 * may be one higher, tells the size: (rate h)^order times the size of what is differentiated, of order one,
 * with a constant below one (1/12 and less where it is known). */
static void check_orders(const test_task *task) {
  static const char *what[] = {"solution", "sensitivities"};
  for (int32_t order = 1; order <= MOST_ORDER; order++) {
    double error[REFINEMENTS][2];
    if (task->expected[order] == 0) continue;
    for (int32_t level = 0; level < REFINEMENTS; level++)
      measure(task, order, COARSEST << level, error[level]);
    const double fine = task->rate * END / (COARSEST << (REFINEMENTS - 1));
    for (int i = 0; i < (task->checked > 0 ? 2 : 1); i++) {
      char line[128];
      printf("     %s, d = %d, %s: errors", task->system->name, order, what[i]);
      for (int32_t level = 0; level < REFINEMENTS; level++) printf(" %.2e", error[level][i]);
      printf("\n");
      snprintf(line, sizeof line, "%s, d = %d, observed order of the %s", task->system->name, order, what[i]);
      check_above(line, log2(error[REFINEMENTS - 2][i] / error[REFINEMENTS - 1][i]),
                  order + 2 - task->system->leading - 0.25);
      snprintf(line, sizeof line, "%s, d = %d, finest grid, error of the %s", task->system->name, order,
               what[i]);
      check_below(line, error[REFINEMENTS - 1][i], pow(fine, task->expected[order]));
    }
  }
}

/* ---- van der Pol against an integrator --------------------------------------------------------------- */

static double reference[(COARSEST << (REFINEMENTS - 1)) + 1][2];

/* x and x' at the points of the finest grid, by an adaptive Runge-Kutta pair at tight tolerances. */
static neurlp_status integrate_reference(void) {
  enum { POINTS = (COARSEST << (REFINEMENTS - 1)) + 1 };
  static double times[POINTS];
  neurlp_context *context = NULL;
  neurlp_dynamics *dynamics = NULL;
  neurlp_integrate_options options = neurlp_integrate_options_default();
  options.relative_tolerance = options.absolute_tolerance = 1e-14;
  for (int32_t t = 0; t < POINTS; t++) times[t] = END * t / (POINTS - 1);
  neurlp_status status = neurlp_context_create(1, &context);
  if (status == NEURLP_SUCCESS)
    status = neurlp_dynamics_parse(context, 1, 2, (const char *[]){"x"}, 2, (const char *[]){"m", "w"},
                                   (const char *[]){"m*(1-x^2)*x' - w*x"}, &dynamics, NULL, NULL);
  if (status == NEURLP_SUCCESS)
    status = neurlp_integrate(dynamics, &options, van_der_pol.theta, van_der_pol.initial, POINTS, times,
                              reference[0], NULL);
  neurlp_dynamics_destroy(&dynamics);
  neurlp_context_destroy(&context);
  return status;
}

static void van_der_pol_exact(double t, double *u, double *columns) {
  (void)columns;
  u[0] = reference[lrint(t / END * (COARSEST << (REFINEMENTS - 1)))][0];
}

/* ---- damping ----------------------------------------------------------------------------------------- */

/* Full steps alone overshoot from a constant trajectory far from the swing; the damped iteration arrives, as
 * the energy x'^2/2 - cos x tells. */
static void check_damping(void) {
  enum { INTERVALS = 160 };
  const test_system *system = &pendulum;
  const double step = 0.05;
  for (int enough = 0; enough < 2; enough++) {
    test_trajectories run;
    neurlp_nonlinear_shape shape = trajectories_shape(system, 1, MOST_ORDER, INTERVALS, step);
    shape.iterations = enough ? 40 : 5;
    trajectories_open(&run, &system, &shape, 1);
    for (int64_t t = 0; t <= INTERVALS; t++) run.state[t * (MOST_ORDER + 1)] = 0.5;
    run.scale[0] = 3;
    const neurlp_status all = trajectories_solve(&run);
    check_equal(enough ? "pendulum: 40 iterations" : "pendulum: 5 iterations", run.status[0],
                enough ? NEURLP_SUCCESS : NEURLP_NOT_CONVERGED);
    check_equal("and the batch", all, enough ? NEURLP_SUCCESS : NEURLP_SOME_FAILED);
    if (enough) {
      double drift = 0;
      for (int64_t t = 0; t <= INTERVALS; t++) {
        const double *x = run.state + t * (MOST_ORDER + 1);
        drift = fmax(drift, fabs(x[1] * x[1] / 2 - cos(x[0]) + cos(2.9)));
      }
      if (!trajectories_have_equations()) {
        printf("     the pendulum took %d linearisations\n", run.linearised[0]);
        check_above("linearisations: more than full steps from nearby need", run.linearised[0], 8);
      }
      check_below("pendulum: drift of the energy", drift, pow(step, 4));
    }
    trajectories_close(&run);
  }
}

int main(void) {
  const test_task tasks[] = {{&logistic, logistic_exact, 3, 2, {0, 2, 4, 4, 5}},
                             {&orbit, orbit_exact, 2, 1, {0, 0, 2, 4, 4}},
                             {&van_der_pol, van_der_pol_exact, 0, 4, {0, 0, 2, 4, 4}}};
  check_equal("the integrator's status", integrate_reference(), NEURLP_SUCCESS);
  for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) check_orders(&tasks[i]);
  check_damping();
  return check_verdict();
}
