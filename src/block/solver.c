/* A solver: checks arguments, then calls the backend that the context named when it was made. */
#include "block/backend.h"

struct neurlp_solver {
  neurlp_context *context;
  const neurlp_problem *problem;
  const neurlp_backend *backend;
  void *state;    /* the backend's */
  bool prepared;  /* the state keeps a factor */
  int64_t solved; /* systems of the last solve, whose factors are kept where the problem wants that */
};

size_t neurlp_solver_workspace_bytes(const neurlp_context *context, const neurlp_problem *problem) {
  const neurlp_backend *backend = neurlp_backend_find(neurlp_context_backend(context));
  const size_t bytes = backend->workspace_bytes(context, problem);
  return bytes > 0 ? sizeof(neurlp_solver) + bytes : 0;
}

neurlp_status neurlp_solver_create(neurlp_context *context, const neurlp_problem *problem,
                                   neurlp_solver **solver) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_solver *made = NULL;
  *solver = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  made->context = context;
  made->problem = problem;
  made->backend = neurlp_backend_find(neurlp_context_backend(context));
  NEURLP_TRY(made->backend->create(context, problem, &made->state));
  *solver = made;
  made = NULL;
done:
  neurlp_solver_destroy(&made);
  return status;
}

void neurlp_solver_destroy(neurlp_solver **solver) {
  if (!solver || !*solver) return;
  neurlp_context *context = (*solver)->context;
  (*solver)->backend->destroy(&(*solver)->state);
  neurlp_release(context, solver);
}

/* ---- arguments --------------------------------------------------------------------------------------- */

static neurlp_status check_pointer(neurlp_context *context, const char *name, const void *pointer,
                                   bool needed) {
  if (pointer || !needed) return NEURLP_SUCCESS;
  return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%s is NULL, but this problem needs it", name);
}

/* A wrong length would read past the arrays, so it is an error of the call, not of a system. A last step that
 * has values of its own is none of the first K. */
static neurlp_status check_lengths(neurlp_context *context, const neurlp_shape *shape,
                                   const neurlp_inputs *inputs) {
  const int32_t given = shape->initial_derivatives > 0 ? shape->initial_steps : 0;
  const int32_t apart = given + (shape->final_derivatives > 0), least = apart > 2 ? apart : 2;
  for (int64_t s = 0; inputs->lengths && s < inputs->systems; s++)
    if (inputs->lengths[s] < least || inputs->lengths[s] > shape->steps)
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "lengths[%lld] is %d; it must be between %d and %d",
                         (long long)s, inputs->lengths[s], least, shape->steps);
  return NEURLP_SUCCESS;
}

/* One factor serves all systems only if all have the same left-hand side. */
static bool has_one_factor(const neurlp_shape *shape) {
  const bool coefficients = shape->equations == 0 || (shape->coefficients_sharing & NEURLP_SHARED) != 0;
  return coefficients && (shape->steps_sharing & NEURLP_SHARED) != 0;
}

/* The left-hand side: coefficients and steps, or neither where a factor is kept. */
static neurlp_status check_left(const neurlp_solver *solver, const neurlp_inputs *inputs) {
  neurlp_context *context = solver->context;
  neurlp_status status = NEURLP_SUCCESS;
  if (solver->prepared && !inputs->coefficients && !inputs->steps) {
    if (inputs->lengths)
      status = neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                           "inputs.lengths is given, but the factor that neurlp_solver_prepare kept is for "
                           "systems with all steps; give inputs.coefficients and inputs.steps, too");
    return status;
  }
  NEURLP_TRY(check_pointer(context, "inputs.coefficients", inputs->coefficients,
                           solver->problem->shape.equations > 0));
  NEURLP_TRY(check_pointer(context, "inputs.steps", inputs->steps, true));
done:
  return status;
}

static neurlp_status check_inputs(const neurlp_solver *solver, const neurlp_inputs *inputs) {
  neurlp_context *context = solver->context;
  const neurlp_shape *shape = &solver->problem->shape;
  neurlp_status status = NEURLP_SUCCESS;
  if (inputs->systems < 0 || inputs->systems > shape->systems)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "inputs.systems is %lld; it must be between 0 and %lld, the systems of the problem",
                       (long long)inputs->systems, (long long)shape->systems);
  if (inputs->systems == 0) return NEURLP_SUCCESS;
  NEURLP_TRY(check_left(solver, inputs));
  NEURLP_TRY(check_pointer(context, "inputs.rhs", inputs->rhs, shape->equations > 0));
  NEURLP_TRY(check_pointer(context, "inputs.initial_values", inputs->initial_values,
                           shape->initial_steps > 0 && shape->initial_derivatives > 0));
  NEURLP_TRY(
      check_pointer(context, "inputs.final_values", inputs->final_values, shape->final_derivatives > 0));
  NEURLP_TRY(check_lengths(context, shape, inputs));
done:
  return status;
}

/* Factors that are kept are those of the last solve. */
static neurlp_status check_kept(const neurlp_solver *solver, const neurlp_inputs *inputs) {
  if (!solver->problem->keeps || inputs->systems == solver->solved) return NEURLP_SUCCESS;
  return neurlp_fail(
      solver->context, NEURLP_ERROR_ARGUMENT,
      "inputs.systems is %lld, but the factors that shape.keep_factors asks for are those of the "
      "last solve, of %lld systems; solve these systems first, or leave keep_factors false",
      (long long)inputs->systems, (long long)solver->solved);
}

/* Says whether every system succeeded, after a backend has. */
static neurlp_status judge(const neurlp_solver *solver, int64_t systems, const neurlp_status *statuses) {
  for (int64_t s = 0; s < systems; s++)
    if (statuses[s] != NEURLP_SUCCESS)
      return neurlp_fail(solver->context, NEURLP_SOME_FAILED, "system %lld: %s", (long long)s,
                         neurlp_status_sentence(statuses[s]));
  return NEURLP_SUCCESS;
}

/* ---- operations -------------------------------------------------------------------------------------- */

neurlp_status neurlp_solver_prepare(neurlp_solver *solver, const neurlp_inputs *inputs) {
  neurlp_status status = NEURLP_SUCCESS;
  solver->prepared = false;
  if (!has_one_factor(&solver->problem->shape))
    return neurlp_fail(solver->context, NEURLP_ERROR_ARGUMENT,
                       "only systems that share coefficients and steps have one factor to keep; set "
                       "shape.coefficients_sharing and shape.steps_sharing to NEURLP_SHARED or "
                       "NEURLP_SHARED_CONSTANT");
  if (inputs->lengths)
    return neurlp_fail(
        solver->context, NEURLP_ERROR_ARGUMENT,
        "inputs.lengths is given, but only systems that all have the shape's %d steps have one "
        "factor to keep; give NULL",
        solver->problem->shape.steps);
  NEURLP_TRY(check_left(solver, inputs));
  NEURLP_TRY(solver->backend->prepare(solver->state, inputs));
  solver->prepared = status == NEURLP_SUCCESS;
done:
  return status;
}

neurlp_status neurlp_solver_solve(neurlp_solver *solver, const neurlp_inputs *inputs, void *solution,
                                  neurlp_status *statuses) {
  neurlp_context *context = solver->context;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_inputs(solver, inputs));
  if (inputs->systems == 0) goto done;
  NEURLP_TRY(check_pointer(context, "solution", solution, true));
  NEURLP_TRY(check_pointer(context, "status", statuses, true));
  solver->solved = 0;
  NEURLP_TRY(solver->backend->solve(solver->state, inputs, solution, statuses));
  solver->solved = inputs->systems;
  status = judge(solver, inputs->systems, statuses);
done:
  return status;
}

neurlp_status neurlp_solver_adjoint(neurlp_solver *solver, const neurlp_inputs *inputs, const void *solution,
                                    const void *grad_output, const neurlp_gradients *gradients,
                                    neurlp_status *statuses) {
  neurlp_context *context = solver->context;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_inputs(solver, inputs));
  if (inputs->systems == 0) goto done;
  NEURLP_TRY(check_pointer(context, "solution", solution, true));
  NEURLP_TRY(check_pointer(context, "grad_output", grad_output, true));
  NEURLP_TRY(check_pointer(context, "gradients", gradients, true));
  NEURLP_TRY(check_kept(solver, inputs));
  NEURLP_TRY(check_pointer(context, "status", statuses, true));
  NEURLP_TRY(solver->backend->adjoint(solver->state, inputs, solution, grad_output, gradients, statuses));
  status = judge(solver, inputs->systems, statuses);
done:
  return status;
}

neurlp_status neurlp_solver_tangent(neurlp_solver *solver, const neurlp_inputs *inputs, const void *solution,
                                    const neurlp_direction *direction, void *tangent,
                                    neurlp_status *statuses) {
  neurlp_context *context = solver->context;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_inputs(solver, inputs));
  if (inputs->systems == 0) goto done;
  NEURLP_TRY(check_pointer(context, "solution", solution, true));
  NEURLP_TRY(check_pointer(context, "direction", direction, true));
  NEURLP_TRY(check_kept(solver, inputs));
  NEURLP_TRY(check_pointer(context, "tangent", tangent, true));
  NEURLP_TRY(check_pointer(context, "status", statuses, true));
  NEURLP_TRY(solver->backend->tangent(solver->state, inputs, solution, direction, tangent, statuses));
  status = judge(solver, inputs->systems, statuses);
done:
  return status;
}

neurlp_status neurlp_solver_slack(neurlp_solver *solver, const neurlp_inputs *inputs, const void *solution,
                                  void *slack) {
  neurlp_context *context = solver->context;
  neurlp_status status = NEURLP_SUCCESS;
  if (!solver->problem->slack)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "the formulation has no slack; set formulation.slack, or start from "
                       "neurlp_formulation_mnn()");
  NEURLP_TRY(check_inputs(solver, inputs));
  if (inputs->systems == 0) goto done;
  NEURLP_TRY(check_pointer(context, "solution", solution, true));
  NEURLP_TRY(check_pointer(context, "slack", slack, true));
  status = solver->backend->slack(solver->state, inputs, solution, slack);
done:
  return status;
}
