/* What the solver's functions ask of their arguments before any backend is called. */
#include "support/check.h"

#include "neurlp.h"

#include <string.h>

enum { S = 3, T = 6, D = 2, N = D * 3 };

static const neurlp_shape varying = {.systems = S,
                                     .steps = T,
                                     .dimensions = D,
                                     .order = 2,
                                     .equations = D,
                                     .initial_steps = 4,
                                     .initial_derivatives = 1,
                                     .columns = 1};

/* Arrays of a batch, large enough for any sharing; each system is u_k' + u_k = 1. */
static double coefficients[S * T * D * N], rhs[S * T * D], values[S * 4 * D], ends[S * D], steps[S * (T - 1)];
static double solution[S * T * N], other[S * T * N];
static neurlp_status statuses[S];
static int32_t lengths[S];

static neurlp_inputs good_inputs(void) {
  for (int32_t i = 0; i < S * T * D * N; i++) {
    const int32_t e = i / N % D, k = i % N / 3, j = i % 3;
    coefficients[i] = e == k && j < 2;
  }
  for (int32_t i = 0; i < S * T * D; i++) rhs[i] = 1;
  for (int32_t i = 0; i < S * 4 * D; i++) values[i] = 1;
  for (int32_t i = 0; i < S * D; i++) ends[i] = 1;
  for (int32_t i = 0; i < S * (T - 1); i++) steps[i] = 0.1;
  for (int32_t i = 0; i < S; i++) lengths[i] = T;
  return (neurlp_inputs){S, coefficients, rhs, values, ends, steps, NULL};
}

typedef struct setting {
  neurlp_context *context;
  neurlp_problem *problem;
  neurlp_solver *solver;
} setting;

static setting open_setting(const neurlp_shape *shape) {
  const neurlp_formulation formulation = neurlp_formulation_default();
  setting a = {0};
  check_equal("context", neurlp_context_create(1, &a.context), NEURLP_SUCCESS);
  check_equal("problem", neurlp_problem_create(a.context, shape, &formulation, &a.problem), NEURLP_SUCCESS);
  check_equal("solver", neurlp_solver_create(a.context, a.problem, &a.solver), NEURLP_SUCCESS);
  return a;
}

static void close_setting(setting *a) {
  neurlp_solver_destroy(&a->solver);
  neurlp_problem_destroy(&a->problem);
  neurlp_context_destroy(&a->context);
}

/* The status, and that the message has the word in it. */
static void check_refused(const setting *a, const char *what, neurlp_status status, const char *word) {
  check_equal(what, status, NEURLP_ERROR_ARGUMENT);
  const bool said = strstr(neurlp_context_message(a->context), word) != NULL;
  if (!said) printf("%s\n", neurlp_context_message(a->context));
  check_true("and the message names it", said);
}

static neurlp_status solve(const setting *a, const neurlp_inputs *in) {
  return neurlp_solver_solve(a->solver, in, solution, statuses);
}

static void check_pointers(void) {
  setting a = open_setting(&varying);
  neurlp_inputs in = good_inputs();
  const neurlp_direction none = {0};
  check_equal("good inputs", solve(&a, &in), NEURLP_SUCCESS);
  in.final_values = NULL;
  check_equal("final values are not needed without final derivatives", solve(&a, &in), NEURLP_SUCCESS);
  in.coefficients = NULL;
  check_refused(&a, "coefficients NULL", solve(&a, &in), "inputs.coefficients");
  in.steps = NULL;
  check_refused(&a, "both NULL, nothing prepared", solve(&a, &in), "inputs.coefficients");
  in = good_inputs();
  check_refused(&a, "tangent: solution NULL",
                neurlp_solver_tangent(a.solver, &in, NULL, &none, other, statuses), "solution");
  check_refused(&a, "tangent: direction NULL",
                neurlp_solver_tangent(a.solver, &in, solution, NULL, other, statuses), "direction");
  check_refused(&a, "tangent: tangent NULL",
                neurlp_solver_tangent(a.solver, &in, solution, &none, NULL, statuses), "tangent");
  check_refused(&a, "tangent: status NULL",
                neurlp_solver_tangent(a.solver, &in, solution, &none, other, NULL), "status");
  check_refused(&a, "prepare of systems that share nothing", neurlp_solver_prepare(a.solver, &in),
                "coefficients_sharing");
  close_setting(&a);
}

/* With a value at the last step, a length of K leaves it no step of its own. */
static void check_two_point(void) {
  neurlp_shape shape = varying;
  shape.final_derivatives = 1;
  setting a = open_setting(&shape);
  neurlp_inputs in = good_inputs();
  in.final_values = NULL;
  check_refused(&a, "final values NULL", solve(&a, &in), "inputs.final_values");
  in = good_inputs();
  in.lengths = lengths;
  lengths[1] = 4;
  check_refused(&a, "a length of K", solve(&a, &in), "lengths[1] is 4; it must be between 5 and 6");
  close_setting(&a);
  a = open_setting(&varying);
  check_equal("a length of K without final values", solve(&a, &in), NEURLP_SUCCESS);
  lengths[1] = 3;
  check_refused(&a, "a length below K", solve(&a, &in), "lengths[1] is 3; it must be between 4 and 6");
  close_setting(&a);
}

/* Where all systems have one left-hand side, it is given whole, unless it was prepared. */
static void check_left_hand_side(void) {
  neurlp_shape shape = varying;
  shape.coefficients_sharing = NEURLP_SHARED;
  setting a = open_setting(&shape);
  neurlp_inputs in = good_inputs();
  check_refused(&a, "prepare with steps that vary", neurlp_solver_prepare(a.solver, &in), "steps_sharing");
  close_setting(&a);
  shape.steps_sharing = NEURLP_SHARED;
  a = open_setting(&shape);
  in.coefficients = NULL;
  check_refused(&a, "prepare: coefficients NULL", neurlp_solver_prepare(a.solver, &in),
                "inputs.coefficients");
  in = good_inputs();
  in.steps = NULL;
  check_refused(&a, "prepare: steps NULL", neurlp_solver_prepare(a.solver, &in), "inputs.steps");
  check_refused(&a, "solve: steps NULL", solve(&a, &in), "inputs.steps");
  in.coefficients = NULL;
  check_refused(&a, "solve: both NULL, nothing prepared", solve(&a, &in), "inputs.coefficients");
  close_setting(&a);
}

int main(void) {
  check_pointers();
  check_two_point();
  check_left_hand_side();
  return check_verdict();
}
