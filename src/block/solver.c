/* A solver: workspace for each thread, and the loop over tiles. */
#include "block/kernels.h"
#include "block/tile_sizes.h"

#include <omp.h>

struct neurlp_solver {
  neurlp_context *context;
  const neurlp_problem *problem;
  const neurlp_kernels *kernels;
  int32_t threads;
  int64_t thread_numbers; /* workspace of one thread */
  double *workspace;
};

/* No more threads than tiles. */
static int32_t thread_count(const neurlp_context *context, const neurlp_problem *problem, int32_t width) {
  const int64_t tiles = (problem->shape.systems + width - 1) / width;
  const int32_t threads = neurlp_context_threads(context);
  return tiles < threads ? (int32_t)tiles : threads;
}

/* Workspace of one thread: a whole number of cache lines, so that threads share none. */
static int64_t thread_numbers(const neurlp_problem *problem, int32_t width) {
  const int64_t line = NEURLP_ALIGNMENT_BYTES / (int64_t)sizeof(double);
  return (tile_workspace(problem) * width + line - 1) / line * line;
}

size_t neurlp_solver_workspace_bytes(const neurlp_context *context, const neurlp_problem *problem) {
  const neurlp_kernels *kernels = neurlp_kernels_choose();
  if (!kernels) return 0;
  const int64_t numbers =
      thread_numbers(problem, kernels->width) * thread_count(context, problem, kernels->width);
  return sizeof(neurlp_solver) + (size_t)numbers * sizeof(double);
}

neurlp_status neurlp_solver_create(neurlp_context *context, const neurlp_problem *problem,
                                   neurlp_solver **solver) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_solver *made = NULL;
  *solver = NULL;
  const neurlp_kernels *kernels = neurlp_kernels_choose();
  if (!kernels)
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "the environment variable NEURLP_ISA names an instruction set that this machine or this "
        "build does not have; unset it, or set it to baseline, avx2 or avx512");
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  made->context = context;
  made->problem = problem;
  made->kernels = kernels;
  made->threads = thread_count(context, problem, kernels->width);
  made->thread_numbers = thread_numbers(problem, kernels->width);
  NEURLP_TRY(
      neurlp_allocate(context, made->threads * made->thread_numbers, sizeof(double), &made->workspace));
  *solver = made;
  made = NULL;
done:
  neurlp_solver_destroy(&made);
  return status;
}

void neurlp_solver_destroy(neurlp_solver **solver) {
  if (!solver || !*solver) return;
  neurlp_context *context = (*solver)->context;
  neurlp_release(context, &(*solver)->workspace);
  neurlp_release(context, solver);
}

static neurlp_status check_pointer(neurlp_context *context, const char *name, const void *pointer,
                                   bool needed) {
  if (pointer || !needed) return NEURLP_SUCCESS;
  return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%s is NULL, but this problem needs it", name);
}

/* A wrong length would read past the arrays, so it is an error of the call, not of a system. */
static neurlp_status check_lengths(neurlp_context *context, const neurlp_shape *shape,
                                   const neurlp_inputs *inputs) {
  const bool given = shape->initial_derivatives > 0;
  const int32_t least = given && shape->initial_steps > 2 ? shape->initial_steps : 2;
  for (int64_t s = 0; inputs->lengths && s < inputs->systems; s++)
    if (inputs->lengths[s] < least || inputs->lengths[s] > shape->steps)
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "lengths[%lld] is %d; it must be between %d and %d",
                         (long long)s, inputs->lengths[s], least, shape->steps);
  return NEURLP_SUCCESS;
}

static neurlp_status check_inputs(const neurlp_solver *solver, const neurlp_inputs *inputs) {
  neurlp_context *context = solver->context;
  const neurlp_shape *shape = &solver->problem->shape;
  neurlp_status status = NEURLP_SUCCESS;
  if (inputs->systems < 0 || inputs->systems > shape->systems)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "inputs.systems is %lld; it must be between 0 and %lld, the systems of the problem",
                       (long long)inputs->systems, (long long)shape->systems);
  const bool any = inputs->systems > 0;
  NEURLP_TRY(
      check_pointer(context, "inputs.coefficients", inputs->coefficients, any && shape->equations > 0));
  NEURLP_TRY(check_pointer(context, "inputs.rhs", inputs->rhs, any && shape->equations > 0));
  NEURLP_TRY(check_pointer(context, "inputs.initial_values", inputs->initial_values,
                           any && shape->initial_steps > 0 && shape->initial_derivatives > 0));
  NEURLP_TRY(check_pointer(context, "inputs.steps", inputs->steps, any));
  NEURLP_TRY(check_lengths(context, shape, inputs));
done:
  return status;
}

/* Runs a kernel over all tiles, and says whether every system succeeded. */
static neurlp_status run_tiles(const neurlp_solver *solver, void (*kernel)(const neurlp_tile_job *),
                               const neurlp_tile_job *prototype) {
  const int64_t width = solver->kernels->width, systems = prototype->inputs->systems;
  const int64_t tiles = (systems + width - 1) / width;
#pragma omp parallel for schedule(static) num_threads(solver->threads) if (tiles > 1)
  for (int64_t i = 0; i < tiles; i++) {
    neurlp_tile_job job = *prototype;
    job.first = i * width;
    job.workspace = solver->workspace + omp_get_thread_num() * solver->thread_numbers;
    kernel(&job);
  }
  for (int64_t s = 0; s < systems && prototype->status; s++)
    if (prototype->status[s] != NEURLP_SUCCESS)
      return neurlp_fail(solver->context, NEURLP_SOME_FAILED, "system %lld: %s", (long long)s,
                         neurlp_status_sentence(prototype->status[s]));
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_solver_solve(neurlp_solver *solver, const neurlp_inputs *inputs, double *solution,
                                  neurlp_status *statuses) {
  const bool any = inputs->systems > 0;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_inputs(solver, inputs));
  NEURLP_TRY(check_pointer(solver->context, "solution", solution, any));
  NEURLP_TRY(check_pointer(solver->context, "status", statuses, any));
  if (!any) goto done;
  const neurlp_tile_job job = {
      .problem = solver->problem, .inputs = inputs, .solution = solution, .status = statuses};
  status = run_tiles(solver, solver->kernels->solve, &job);
done:
  return status;
}

neurlp_status neurlp_solver_adjoint(neurlp_solver *solver, const neurlp_inputs *inputs,
                                    const double *solution, const double *grad_output,
                                    const neurlp_gradients *gradients, neurlp_status *statuses) {
  const bool any = inputs->systems > 0;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_inputs(solver, inputs));
  NEURLP_TRY(check_pointer(solver->context, "solution", solution, any));
  NEURLP_TRY(check_pointer(solver->context, "grad_output", grad_output, any));
  NEURLP_TRY(check_pointer(solver->context, "gradients", gradients, any));
  NEURLP_TRY(check_pointer(solver->context, "status", statuses, any));
  if (!any) goto done;
  const neurlp_tile_job job = {.problem = solver->problem,
                               .inputs = inputs,
                               .solved = solution,
                               .grad_output = grad_output,
                               .gradients = gradients,
                               .status = statuses};
  status = run_tiles(solver, solver->kernels->adjoint, &job);
done:
  return status;
}

neurlp_status neurlp_solver_slack(neurlp_solver *solver, const neurlp_inputs *inputs, const double *solution,
                                  double *slack) {
  static const neurlp_gradients none = {0};
  const bool any = inputs->systems > 0;
  neurlp_status status = NEURLP_SUCCESS;
  if (!solver->problem->slack)
    return neurlp_fail(solver->context, NEURLP_ERROR_ARGUMENT,
                       "the formulation has no slack; set formulation.slack, or start from "
                       "neurlp_formulation_mnn()");
  NEURLP_TRY(check_inputs(solver, inputs));
  NEURLP_TRY(check_pointer(solver->context, "solution", solution, any));
  NEURLP_TRY(check_pointer(solver->context, "slack", slack, any));
  if (!any) goto done;
  const neurlp_tile_job job = {
      .problem = solver->problem, .inputs = inputs, .solved = solution, .gradients = &none, .slack = slack};
  status = run_tiles(solver, solver->kernels->slack, &job);
done:
  return status;
}
