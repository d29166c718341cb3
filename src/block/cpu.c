/* The backend cpu: workspace for each thread, and the loop over tiles. */
#include "block/backend.h"
#include "block/kernels.h"
#include "block/tile_sizes.h"

#include <omp.h>

typedef struct cpu_state {
  neurlp_context *context;
  const neurlp_problem *problem;
  const neurlp_kernels *kernels;
  int32_t threads;
  int64_t thread_numbers; /* workspace of one thread */
  double *workspace;
} cpu_state;

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

static size_t workspace_bytes_cpu(const neurlp_context *context, const neurlp_problem *problem) {
  const neurlp_kernels *kernels = neurlp_kernels_choose();
  if (!kernels) return 0;
  const int64_t numbers =
      thread_numbers(problem, kernels->width) * thread_count(context, problem, kernels->width);
  return sizeof(cpu_state) + (size_t)numbers * sizeof(double);
}

static void destroy_cpu(void **state) {
  cpu_state *cpu = *state;
  if (!cpu) return;
  neurlp_context *context = cpu->context;
  neurlp_release(context, &cpu->workspace);
  neurlp_release(context, state);
}

static neurlp_status create_cpu(neurlp_context *context, const neurlp_problem *problem, void **state) {
  neurlp_status status = NEURLP_SUCCESS;
  void *made = NULL;
  *state = NULL;
  const neurlp_kernels *kernels = neurlp_kernels_choose();
  if (!kernels)
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "the environment variable NEURLP_ISA names an instruction set that this machine or this "
        "build does not have; unset it, or set it to baseline, avx2 or avx512");
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof(cpu_state), &made));
  cpu_state *cpu = made;
  cpu->context = context;
  cpu->problem = problem;
  cpu->kernels = kernels;
  cpu->threads = thread_count(context, problem, kernels->width);
  cpu->thread_numbers = thread_numbers(problem, kernels->width);
  NEURLP_TRY(neurlp_allocate(context, cpu->threads * cpu->thread_numbers, sizeof(double), &cpu->workspace));
  *state = made;
  made = NULL;
done:
  destroy_cpu(&made);
  return status;
}

static void run_tiles(const cpu_state *cpu, void (*kernel)(const neurlp_tile_job *),
                      const neurlp_tile_job *prototype) {
  const int64_t width = cpu->kernels->width, systems = prototype->inputs->systems;
  const int64_t tiles = (systems + width - 1) / width;
#pragma omp parallel for schedule(static) num_threads(cpu->threads) if (tiles > 1)
  for (int64_t i = 0; i < tiles; i++) {
    neurlp_tile_job job = *prototype;
    job.first = i * width;
    job.workspace = cpu->workspace + omp_get_thread_num() * cpu->thread_numbers;
    kernel(&job);
  }
}

static neurlp_status prepare_cpu(void *state, const neurlp_inputs *inputs) {
  (void)inputs;
  return neurlp_fail(((cpu_state *)state)->context, NEURLP_ERROR_INTERNAL, "prepare is not there yet");
}

static neurlp_status solve_cpu(void *state, const neurlp_inputs *inputs, void *solution,
                               neurlp_status *statuses) {
  const cpu_state *cpu = state;
  const neurlp_tile_job job = {
      .problem = cpu->problem, .inputs = inputs, .solution = solution, .status = statuses};
  run_tiles(cpu, cpu->kernels->solve, &job);
  return NEURLP_SUCCESS;
}

static neurlp_status adjoint_cpu(void *state, const neurlp_inputs *inputs, const void *solution,
                                 const void *grad_output, const neurlp_gradients *gradients,
                                 neurlp_status *statuses) {
  const cpu_state *cpu = state;
  const neurlp_tile_job job = {.problem = cpu->problem,
                               .inputs = inputs,
                               .solved = solution,
                               .grad_output = grad_output,
                               .gradients = gradients,
                               .status = statuses};
  run_tiles(cpu, cpu->kernels->adjoint, &job);
  return NEURLP_SUCCESS;
}

static neurlp_status tangent_cpu(void *state, const neurlp_inputs *inputs, const void *solution,
                                 const neurlp_direction *direction, void *tangent, neurlp_status *statuses) {
  (void)inputs, (void)solution, (void)direction, (void)tangent, (void)statuses;
  return neurlp_fail(((cpu_state *)state)->context, NEURLP_ERROR_INTERNAL, "tangent is not there yet");
}

static neurlp_status slack_cpu(void *state, const neurlp_inputs *inputs, const void *solution, void *slack) {
  static const neurlp_gradients none = {0};
  const cpu_state *cpu = state;
  const neurlp_tile_job job = {
      .problem = cpu->problem, .inputs = inputs, .solved = solution, .gradients = &none, .slack = slack};
  run_tiles(cpu, cpu->kernels->slack, &job);
  return NEURLP_SUCCESS;
}

const neurlp_backend *neurlp_backend_cpu(void) {
  static const neurlp_backend cpu = {.name = "cpu",
                                     .workspace_bytes = workspace_bytes_cpu,
                                     .create = create_cpu,
                                     .destroy = destroy_cpu,
                                     .prepare = prepare_cpu,
                                     .solve = solve_cpu,
                                     .adjoint = adjoint_cpu,
                                     .tangent = tangent_cpu,
                                     .slack = slack_cpu};
  return &cpu;
}
