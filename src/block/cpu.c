/* The backend cpu: workspace for each thread, and the loop over tiles. */
#include "block/cpu.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Sums over systems are added up in so many parts, whatever the number of threads: so they do not depend on
 * it. */
enum { SHARDS = 16 };

static int64_t tile_count(const neurlp_kernels *kernels, int64_t systems) {
  return (systems + kernels->width - 1) / kernels->width;
}

/* No more threads than tiles. */
static int32_t thread_count(const neurlp_context *context, const neurlp_problem *problem,
                            const neurlp_kernels *kernels) {
  const int64_t tiles = tile_count(kernels, problem->shape.systems);
  const int32_t threads = neurlp_context_threads(context);
  return tiles < threads ? (int32_t)(tiles > 0 ? tiles : 1) : threads;
}

/* A whole number of cache lines, so that threads share none. */
static size_t whole_lines(size_t bytes) {
  return (bytes + NEURLP_ALIGNMENT_BYTES - 1) / NEURLP_ALIGNMENT_BYTES * NEURLP_ALIGNMENT_BYTES;
}

static int32_t shard_count(const neurlp_problem *problem, const neurlp_kernels *kernels) {
  const int64_t tiles = tile_count(kernels, problem->shape.systems);
  return tiles < SHARDS ? (int32_t)tiles : SHARDS;
}

/* Bytes of an input that all systems share; 0 if they do not. */
static size_t shared_bytes(const neurlp_problem *problem, neurlp_array array) {
  const neurlp_extents extents = neurlp_array_extents(&problem->shape, array);
  const bool shared = extents.per_system > 0 && extents.system_stride == 0;
  return shared ? (size_t)extents.per_system * neurlp_number_bytes(&problem->shape) : 0;
}

static size_t workspace_bytes_cpu(const neurlp_context *context, const neurlp_problem *problem) {
  const neurlp_kernels *kernels = neurlp_kernels_choose(problem->shape.precision);
  if (!kernels) return 0;
  const size_t tile = whole_lines(kernels->workspace_bytes(problem));
  size_t bytes = sizeof(cpu_state) + tile * (size_t)thread_count(context, problem, kernels);
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++)
    bytes += (size_t)shard_count(problem, kernels) * shared_bytes(problem, (neurlp_array)array);
  if (!problem->one_factor) return bytes;
  cpu_map map;
  neurlp_map_plan_cpu(&map, problem);
  return bytes + 2 * tile + shared_bytes(problem, NEURLP_ARRAY_COEFFICIENTS) +
         shared_bytes(problem, NEURLP_ARRAY_STEPS) + neurlp_map_bytes_cpu(&map, problem);
}

static void destroy_cpu(void **state) {
  cpu_state *cpu = *state;
  if (!cpu) return;
  neurlp_context *context = cpu->context;
  neurlp_map_destroy_cpu(cpu);
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++) neurlp_release(context, &cpu->sums[array]);
  neurlp_release(context, &cpu->coefficients);
  neurlp_release(context, &cpu->steps);
  neurlp_release(context, &cpu->factor);
  neurlp_release(context, &cpu->passing);
  neurlp_release(context, &cpu->workspace);
  neurlp_release(context, state);
}

/* What a problem with one factor needs beside the rest. */
static neurlp_status allocate_factor(cpu_state *cpu) {
  const neurlp_problem *problem = cpu->problem;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(cpu->context, 1, cpu->thread_bytes, &cpu->factor));
  NEURLP_TRY(neurlp_allocate(cpu->context, 1, cpu->thread_bytes, &cpu->passing));
  NEURLP_TRY(
      neurlp_allocate(cpu->context, 1, shared_bytes(problem, NEURLP_ARRAY_COEFFICIENTS), &cpu->coefficients));
  NEURLP_TRY(neurlp_allocate(cpu->context, 1, shared_bytes(problem, NEURLP_ARRAY_STEPS), &cpu->steps));
  neurlp_map_plan_cpu(&cpu->map, problem);
  NEURLP_TRY(neurlp_map_create_cpu(cpu));
done:
  return status;
}

static neurlp_status allocate_sums(cpu_state *cpu) {
  neurlp_status status = NEURLP_SUCCESS;
  cpu->shards = shard_count(cpu->problem, cpu->kernels);
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const size_t bytes = shared_bytes(cpu->problem, (neurlp_array)array);
    if (bytes > 0) NEURLP_TRY(neurlp_allocate(cpu->context, cpu->shards, bytes, &cpu->sums[array]));
  }
done:
  return status;
}

static neurlp_status create_cpu(neurlp_context *context, const neurlp_problem *problem, void **state) {
  neurlp_status status = NEURLP_SUCCESS;
  void *made = NULL;
  *state = NULL;
  const neurlp_kernels *kernels = neurlp_kernels_choose(problem->shape.precision);
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
  cpu->threads = thread_count(context, problem, kernels);
  cpu->thread_bytes = whole_lines(kernels->workspace_bytes(problem));
  NEURLP_TRY(neurlp_allocate(context, cpu->threads, cpu->thread_bytes, &cpu->workspace));
  NEURLP_TRY(allocate_sums(cpu));
  if (problem->one_factor) NEURLP_TRY(allocate_factor(cpu));
  *state = made;
  made = NULL;
done:
  destroy_cpu(&made);
  return status;
}

static void run_tile(const cpu_state *cpu, void (*kernel)(const neurlp_tile_job *),
                     const neurlp_tile_job *prototype, int64_t tile) {
  neurlp_tile_job job = *prototype;
  job.first = tile * cpu->kernels->width;
  job.workspace = cpu->workspace + (size_t)omp_get_thread_num() * cpu->thread_bytes;
  kernel(&job);
}

void neurlp_run_tiles_cpu(const cpu_state *cpu, void (*kernel)(const neurlp_tile_job *),
                          const neurlp_tile_job *prototype) {
  const int64_t tiles = tile_count(cpu->kernels, prototype->inputs->systems);
#pragma omp parallel for schedule(static) num_threads(cpu->threads) if (tiles > 1)
  for (int64_t i = 0; i < tiles; i++) run_tile(cpu, kernel, prototype, i);
}

/* ---- one factor -------------------------------------------------------------------------------------- */

/* Factorises the left-hand side that all systems share, into a workspace. */
static neurlp_status make_factor(const cpu_state *cpu, const neurlp_inputs *inputs, void *workspace) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_inputs one = *inputs;
  one.systems = 1;
  const neurlp_tile_job job = {
      .problem = cpu->problem, .inputs = &one, .workspace = workspace, .status = &status};
  cpu->kernels->factorise(&job);
  return status;
}

static neurlp_status prepare_cpu(void *state, const neurlp_inputs *inputs) {
  cpu_state *cpu = state;
  const size_t coefficients = shared_bytes(cpu->problem, NEURLP_ARRAY_COEFFICIENTS);
  if (coefficients > 0) memcpy(cpu->coefficients, inputs->coefficients, coefficients);
  memcpy(cpu->steps, inputs->steps, shared_bytes(cpu->problem, NEURLP_ARRAY_STEPS));
  const neurlp_inputs left = {.coefficients = cpu->coefficients, .steps = cpu->steps};
  neurlp_status status = make_factor(cpu, &left, cpu->factor);
  if (status == NEURLP_SUCCESS && cpu->map.inputs > 0) status = neurlp_map_make_cpu(cpu, &left);
  if (status <= NEURLP_SUCCESS) return status;
  return neurlp_fail(cpu->context, status, "the left-hand side that all systems share: %s",
                     neurlp_status_sentence(status));
}

/* The inputs of a call with the left-hand side in them, and the factor to use: the one that is kept, one that
 * is made now for all systems, or none. Says whether that went well; if not, all systems have the status. */
static bool settle_factor(cpu_state *cpu, neurlp_inputs *inputs, const void **kept, neurlp_status *statuses) {
  *kept = NULL;
  if (!cpu->problem->one_factor || inputs->lengths) return true;
  *kept = inputs->steps ? cpu->passing : cpu->factor;
  if (!inputs->steps) {
    inputs->coefficients = cpu->coefficients;
    inputs->steps = cpu->steps;
    return true;
  }
  const neurlp_status status = make_factor(cpu, inputs, cpu->passing);
  for (int64_t s = 0; s < inputs->systems && status != NEURLP_SUCCESS; s++) statuses[s] = status;
  return status == NEURLP_SUCCESS;
}

/* Fills an array with NaN. */
static void fill_undefined(const neurlp_problem *problem, void *array, int64_t numbers) {
  for (int64_t i = 0; i < numbers && array; i++)
    if (problem->shape.precision == NEURLP_SINGLE)
      ((float *)array)[i] = NAN;
    else
      ((double *)array)[i] = NAN;
}

static int64_t numbers_of(const cpu_state *cpu, neurlp_array array, int64_t systems) {
  return neurlp_array_numbers(neurlp_array_extents(&cpu->problem->shape, array), systems);
}

/* ---- operations -------------------------------------------------------------------------------------- */

static neurlp_status solve_cpu(void *state, const neurlp_inputs *inputs, void *solution,
                               neurlp_status *statuses) {
  cpu_state *cpu = state;
  neurlp_inputs all = *inputs;
  const void *kept;
  if (cpu->map.inputs > 0 && !inputs->steps) {
    neurlp_map_solve_cpu(cpu, inputs, solution, statuses);
    return NEURLP_SUCCESS;
  }
  if (!settle_factor(cpu, &all, &kept, statuses)) {
    fill_undefined(cpu->problem, solution, numbers_of(cpu, NEURLP_ARRAY_SOLUTION, inputs->systems));
    return NEURLP_SUCCESS;
  }
  const neurlp_tile_job job = {
      .problem = cpu->problem, .inputs = &all, .kept = kept, .solution = solution, .status = statuses};
  neurlp_run_tiles_cpu(cpu, cpu->kernels->solve, &job);
  return NEURLP_SUCCESS;
}

/* The array of each gradient, in the order of neurlp_array. */
static void list_gradients(const neurlp_gradients *g, void *list[NEURLP_ARRAY_INPUTS]) {
  list[NEURLP_ARRAY_COEFFICIENTS] = g->coefficients;
  list[NEURLP_ARRAY_RHS] = g->rhs;
  list[NEURLP_ARRAY_INITIAL_VALUES] = g->initial_values;
  list[NEURLP_ARRAY_FINAL_VALUES] = g->final_values;
  list[NEURLP_ARRAY_STEPS] = g->steps;
}

/* Where a shard adds up gradients. */
static neurlp_gradients sums_of(const cpu_state *cpu, int32_t shard) {
  void *sum[NEURLP_ARRAY_INPUTS];
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const size_t offset = (size_t)shard * shared_bytes(cpu->problem, (neurlp_array)array);
    sum[array] = cpu->sums[array] ? (unsigned char *)cpu->sums[array] + offset : NULL;
  }
  return (neurlp_gradients){.coefficients = sum[NEURLP_ARRAY_COEFFICIENTS],
                            .rhs = sum[NEURLP_ARRAY_RHS],
                            .initial_values = sum[NEURLP_ARRAY_INITIAL_VALUES],
                            .final_values = sum[NEURLP_ARRAY_FINAL_VALUES],
                            .steps = sum[NEURLP_ARRAY_STEPS]};
}

/* total += part */
static void add_numbers(const neurlp_problem *problem, void *total, const void *part, int64_t numbers) {
  for (int64_t i = 0; i < numbers; i++)
    if (problem->shape.precision == NEURLP_SINGLE)
      ((float *)total)[i] += ((const float *)part)[i];
    else
      ((double *)total)[i] += ((const double *)part)[i];
}

/* Adds up the shards' sums in their order. */
static void collect_sums(const cpu_state *cpu, void *const list[NEURLP_ARRAY_INPUTS]) {
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const size_t bytes = shared_bytes(cpu->problem, (neurlp_array)array);
    if (bytes == 0 || !list[array]) continue;
    memset(list[array], 0, bytes);
    for (int32_t shard = 0; shard < cpu->shards; shard++)
      add_numbers(cpu->problem, list[array], (const unsigned char *)cpu->sums[array] + (size_t)shard * bytes,
                  numbers_of(cpu, (neurlp_array)array, 1));
  }
}

/* Tiles in shards, each in the order of its tiles, so that sums do not depend on threads. */
static void run_shards(const cpu_state *cpu, const neurlp_tile_job *prototype) {
  const int64_t tiles = tile_count(cpu->kernels, prototype->inputs->systems), shards = cpu->shards;
#pragma omp parallel for schedule(dynamic, 1) num_threads(cpu->threads)
  for (int64_t shard = 0; shard < shards; shard++) {
    const neurlp_gradients sums = sums_of(cpu, (int32_t)shard);
    neurlp_tile_job job = *prototype;
    job.sums = &sums;
    for (int64_t i = shard * tiles / shards; i < (shard + 1) * tiles / shards; i++)
      run_tile(cpu, cpu->kernels->adjoint, &job, i);
  }
}

static bool wants_sums(const cpu_state *cpu, void *const list[NEURLP_ARRAY_INPUTS]) {
  bool wants = false;
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++) wants |= list[array] && cpu->sums[array];
  return wants;
}

static neurlp_status adjoint_cpu(void *state, const neurlp_inputs *inputs, const void *solution,
                                 const void *grad_output, const neurlp_gradients *gradients,
                                 neurlp_status *statuses) {
  static const neurlp_gradients none = {0};
  cpu_state *cpu = state;
  neurlp_inputs all = *inputs;
  const void *kept;
  void *list[NEURLP_ARRAY_INPUTS];
  list_gradients(gradients, list);
  if (cpu->map.inputs > 0 && !inputs->steps && !gradients->coefficients && !gradients->steps) {
    neurlp_map_adjoint_cpu(cpu, inputs->systems, grad_output, gradients, statuses);
    return NEURLP_SUCCESS;
  }
  if (!settle_factor(cpu, &all, &kept, statuses)) {
    for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++)
      fill_undefined(cpu->problem, list[array], numbers_of(cpu, (neurlp_array)array, inputs->systems));
    return NEURLP_SUCCESS;
  }
  const neurlp_tile_job job = {.problem = cpu->problem,
                               .inputs = &all,
                               .kept = kept,
                               .solved = solution,
                               .grad_output = grad_output,
                               .gradients = gradients,
                               .sums = &none,
                               .status = statuses};
  if (!wants_sums(cpu, list)) {
    neurlp_run_tiles_cpu(cpu, cpu->kernels->adjoint, &job);
    return NEURLP_SUCCESS;
  }
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++)
    if (cpu->sums[array])
      memset(cpu->sums[array], 0, (size_t)cpu->shards * shared_bytes(cpu->problem, (neurlp_array)array));
  run_shards(cpu, &job);
  collect_sums(cpu, list);
  return NEURLP_SUCCESS;
}

static neurlp_status tangent_cpu(void *state, const neurlp_inputs *inputs, const void *solution,
                                 const neurlp_direction *direction, void *tangent, neurlp_status *statuses) {
  cpu_state *cpu = state;
  neurlp_inputs all = *inputs;
  const void *kept;
  if (!settle_factor(cpu, &all, &kept, statuses)) {
    fill_undefined(cpu->problem, tangent, numbers_of(cpu, NEURLP_ARRAY_SOLUTION, inputs->systems));
    return NEURLP_SUCCESS;
  }
  const neurlp_tile_job job = {.problem = cpu->problem,
                               .inputs = &all,
                               .kept = kept,
                               .solved = solution,
                               .direction = direction,
                               .tangent = tangent,
                               .status = statuses};
  neurlp_run_tiles_cpu(cpu, cpu->kernels->tangent, &job);
  return NEURLP_SUCCESS;
}

static neurlp_status slack_cpu(void *state, const neurlp_inputs *inputs, const void *solution, void *slack) {
  cpu_state *cpu = state;
  neurlp_inputs all = *inputs;
  if (!inputs->steps) all.steps = cpu->steps;
  const neurlp_tile_job job = {.problem = cpu->problem, .inputs = &all, .solved = solution, .slack = slack};
  neurlp_run_tiles_cpu(cpu, cpu->kernels->slack, &job);
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
