/* The backend cpu: workspace for each thread, and the loop over tiles. */
#include "block/cpu/cpu.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Tiles that so many systems or pieces take. */
static int64_t tiles_of(const neurlp_kernels *kernels, int64_t items) {
  return (items + kernels->width - 1) / kernels->width;
}

/* The most tiles of all systems, or their heads: some may be swept whole, by themselves. */
static int64_t tiles_of_heads(const neurlp_kernels *kernels, const neurlp_problem *problem,
                              const cpu_cut *cut) {
  return tiles_of(kernels, problem->shape.systems) + (cut->plan.intervals > 0 && problem->final > 0);
}

/* The most tiles of a call. */
static int64_t most_tiles(const neurlp_kernels *kernels, const neurlp_problem *problem, const cpu_cut *cut) {
  const int64_t systems = problem->shape.systems;
  const int64_t pieces = cut->plan.intervals > 0 ? systems * cut->plan.most : 0;
  return tiles_of_heads(kernels, problem, cut) + tiles_of(kernels, pieces);
}

/* Room for the factors of all systems: those of heads first where time is cut. */
static size_t store_bytes(const neurlp_kernels *kernels, const neurlp_problem *problem, const cpu_cut *cut) {
  const int64_t systems = problem->shape.systems;
  if (!problem->keeps) return 0;
  const size_t tiles = (size_t)tiles_of(kernels, systems);
  if (cut->plan.intervals == 0) return tiles * kernels->store_bytes(problem, false);
  const size_t head = kernels->store_bytes(&cut->plan.head, true),
               whole = kernels->store_bytes(&cut->plan.whole, true);
  return (size_t)tiles_of_heads(kernels, problem, cut) * (head > whole ? head : whole) +
         (size_t)tiles_of(kernels, systems * cut->plan.most) * kernels->store_bytes(&cut->plan.piece, true);
}

/* No more threads than tiles. */
static int32_t thread_count(const neurlp_context *context, int64_t tiles) {
  const int32_t threads = neurlp_context_threads(context);
  return tiles < threads ? (int32_t)(tiles > 0 ? tiles : 1) : threads;
}

/* A whole number of cache lines, so that threads share none. */
static size_t whole_lines(size_t bytes) {
  return (bytes + NEURLP_ALIGNMENT_BYTES - 1) / NEURLP_ALIGNMENT_BYTES * NEURLP_ALIGNMENT_BYTES;
}

/* Workspace of a thread: for a tile of systems, or of pieces. */
static size_t thread_bytes(const neurlp_kernels *kernels, const neurlp_problem *problem, const cpu_cut *cut) {
  if (cut->plan.intervals == 0) return whole_lines(kernels->workspace_bytes(problem));
  const size_t whole = kernels->workspace_bytes(&cut->plan.whole), /* no less than a head's */
      piece = kernels->workspace_bytes(&cut->plan.piece);
  return whole_lines(whole > piece ? whole : piece);
}

void neurlp_threads_plan_cpu(cpu_state *cpu, int64_t tiles) {
  cpu->threads = thread_count(cpu->context, tiles);
  cpu->thread_bytes = thread_bytes(cpu->kernels, cpu->problem, &cpu->cut);
}

static size_t workspace_bytes_cpu(const neurlp_context *context, const neurlp_problem *problem) {
  const neurlp_kernels *kernels = neurlp_kernels_choose(problem->shape.precision);
  cpu_cut cut = {0};
  cpu_map map;
  if (!kernels) return 0;
  neurlp_cut_plan_cpu(&cut, problem);
  const int64_t tiles = most_tiles(kernels, problem, &cut);
  const int32_t threads = thread_count(context, tiles);
  const size_t tile = thread_bytes(kernels, problem, &cut);
  const size_t bytes = sizeof(cpu_state) + tile * (size_t)threads + neurlp_sums_bytes_cpu(problem, tiles) +
                       neurlp_cut_bytes_cpu(&cut, problem, threads) + store_bytes(kernels, problem, &cut);
  if (!problem->one_factor) return bytes;
  neurlp_map_plan_cpu(&map, problem);
  return bytes + 2 * tile + neurlp_shared_bytes_cpu(problem, NEURLP_ARRAY_COEFFICIENTS) +
         neurlp_shared_bytes_cpu(problem, NEURLP_ARRAY_STEPS) + neurlp_map_bytes_cpu(&map, problem);
}

static void destroy_cpu(void **state) {
  cpu_state *cpu = *state;
  if (!cpu) return;
  neurlp_context *context = cpu->context;
  neurlp_map_destroy_cpu(cpu);
  neurlp_sums_destroy_cpu(cpu);
  neurlp_cut_destroy_cpu(cpu);
  neurlp_release(context, &cpu->coefficients);
  neurlp_release(context, &cpu->steps);
  neurlp_release(context, &cpu->factor);
  neurlp_release(context, &cpu->passing);
  neurlp_release(context, &cpu->store);
  neurlp_release(context, &cpu->workspace);
  neurlp_release(context, state);
}

/* What a problem with one factor needs beside the rest. */
static neurlp_status allocate_factor(cpu_state *cpu) {
  const neurlp_problem *problem = cpu->problem;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(cpu->context, 1, cpu->thread_bytes, &cpu->factor));
  NEURLP_TRY(neurlp_allocate(cpu->context, 1, cpu->thread_bytes, &cpu->passing));
  NEURLP_TRY(neurlp_allocate(cpu->context, 1, neurlp_shared_bytes_cpu(problem, NEURLP_ARRAY_COEFFICIENTS),
                             &cpu->coefficients));
  NEURLP_TRY(
      neurlp_allocate(cpu->context, 1, neurlp_shared_bytes_cpu(problem, NEURLP_ARRAY_STEPS), &cpu->steps));
  neurlp_map_plan_cpu(&cpu->map, problem);
  NEURLP_TRY(neurlp_map_create_cpu(cpu));
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
  neurlp_cut_plan_cpu(&cpu->cut, problem);
  const int64_t tiles = most_tiles(kernels, problem, &cpu->cut);
  neurlp_threads_plan_cpu(cpu, tiles);
  NEURLP_TRY(neurlp_allocate(context, cpu->threads, cpu->thread_bytes, &cpu->workspace));
  NEURLP_TRY(neurlp_sums_create_cpu(cpu, tiles));
  NEURLP_TRY(neurlp_cut_create_cpu(cpu));
  const size_t store = store_bytes(kernels, problem, &cpu->cut);
  if (store > 0) NEURLP_TRY(neurlp_allocate(context, 1, store, &cpu->store));
  if (problem->one_factor) NEURLP_TRY(allocate_factor(cpu));
  *state = made;
  made = NULL;
done:
  destroy_cpu(&made);
  return status;
}

int64_t neurlp_tiles_of_cpu(const cpu_state *cpu, int64_t items) {
  return tiles_of(cpu->kernels, items);
}

static int64_t count_tiles(const cpu_state *cpu, const neurlp_tile_job *job) {
  return neurlp_tiles_of_cpu(cpu, job->pieces ? job->piece_count : job->inputs->systems);
}

int64_t neurlp_count_tiles_cpu(const cpu_state *cpu, const neurlp_tile_job *jobs, int32_t count) {
  int64_t tiles = 0;
  for (int32_t j = 0; j < count; j++) tiles += count_tiles(cpu, &jobs[j]);
  return tiles;
}

void neurlp_run_tile_cpu(const cpu_state *cpu, cpu_kernel kernel, const neurlp_tile_job *jobs, int32_t count,
                         int64_t i) {
  while (count-- > 1 && i >= count_tiles(cpu, jobs)) i -= count_tiles(cpu, jobs++);
  neurlp_tile_job job = *jobs;
  job.first = i * cpu->kernels->width;
  job.workspace = cpu->workspace + (size_t)omp_get_thread_num() * cpu->thread_bytes;
  kernel(&job);
}

void neurlp_run_tiles_cpu(const cpu_state *cpu, cpu_kernel kernel, const neurlp_tile_job *jobs,
                          int32_t count) {
  const int64_t tiles = neurlp_count_tiles_cpu(cpu, jobs, count);
#pragma omp parallel for schedule(static) num_threads(cpu->threads) if (tiles > 1)
  for (int64_t i = 0; i < tiles; i++) neurlp_run_tile_cpu(cpu, kernel, jobs, count, i);
}

/* Does what the job says for all systems. A solve makes the factors that are kept. */
static void run_job(cpu_state *cpu, cpu_kernel kernel, neurlp_tile_job *job) {
  job->store = cpu->store;
  job->stored = cpu->store && !job->solution;
  if (cpu->cut.plan.intervals > 0)
    neurlp_run_cut_cpu(cpu, kernel, job);
  else if (job->gradients)
    neurlp_run_adjoint_cpu(cpu, job, 1);
  else
    neurlp_run_tiles_cpu(cpu, kernel, job, 1);
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
  const size_t coefficients = neurlp_shared_bytes_cpu(cpu->problem, NEURLP_ARRAY_COEFFICIENTS);
  if (coefficients > 0) memcpy(cpu->coefficients, inputs->coefficients, coefficients);
  memcpy(cpu->steps, inputs->steps, neurlp_shared_bytes_cpu(cpu->problem, NEURLP_ARRAY_STEPS));
  const neurlp_inputs left = {.coefficients = cpu->coefficients, .steps = cpu->steps};
  neurlp_status status = make_factor(cpu, &left, cpu->factor);
  if (status == NEURLP_SUCCESS && cpu->map.sizes.inputs > 0) status = neurlp_map_make_cpu(cpu, &left);
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

void neurlp_fill_undefined_cpu(const neurlp_problem *problem, void *array, int64_t numbers) {
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
  if (cpu->map.sizes.inputs > 0 && !inputs->steps) {
    neurlp_map_solve_cpu(cpu, inputs, solution, statuses);
    return NEURLP_SUCCESS;
  }
  if (!settle_factor(cpu, &all, &kept, statuses)) {
    neurlp_fill_undefined_cpu(cpu->problem, solution,
                              numbers_of(cpu, NEURLP_ARRAY_SOLUTION, inputs->systems));
    return NEURLP_SUCCESS;
  }
  neurlp_tile_job job = {
      .problem = cpu->problem, .inputs = &all, .kept = kept, .solution = solution, .status = statuses};
  run_job(cpu, cpu->kernels->solve, &job);
  return NEURLP_SUCCESS;
}

static neurlp_status adjoint_cpu(void *state, const neurlp_inputs *inputs, const void *solution,
                                 const void *grad_output, const neurlp_gradients *gradients,
                                 neurlp_status *statuses) {
  static const neurlp_gradients none = {0};
  cpu_state *cpu = state;
  neurlp_inputs all = *inputs;
  const void *kept;
  void *list[NEURLP_ARRAY_INPUTS];
  neurlp_list_gradients_cpu(gradients, list);
  if (cpu->map.sizes.inputs > 0 && !inputs->steps && !gradients->coefficients && !gradients->steps) {
    neurlp_map_adjoint_cpu(cpu, inputs->systems, grad_output, gradients, statuses);
    return NEURLP_SUCCESS;
  }
  if (!settle_factor(cpu, &all, &kept, statuses)) {
    for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++)
      neurlp_fill_undefined_cpu(cpu->problem, list[array],
                                numbers_of(cpu, (neurlp_array)array, inputs->systems));
    return NEURLP_SUCCESS;
  }
  neurlp_tile_job job = {.problem = cpu->problem,
                         .inputs = &all,
                         .kept = kept,
                         .solved = solution,
                         .grad_output = grad_output,
                         .gradients = gradients,
                         .sums = &none,
                         .status = statuses};
  run_job(cpu, cpu->kernels->adjoint, &job);
  return NEURLP_SUCCESS;
}

static neurlp_status tangent_cpu(void *state, const neurlp_inputs *inputs, const void *solution,
                                 const neurlp_direction *direction, void *tangent, neurlp_status *statuses) {
  cpu_state *cpu = state;
  neurlp_inputs all = *inputs;
  const void *kept;
  if (!settle_factor(cpu, &all, &kept, statuses)) {
    neurlp_fill_undefined_cpu(cpu->problem, tangent, numbers_of(cpu, NEURLP_ARRAY_SOLUTION, inputs->systems));
    return NEURLP_SUCCESS;
  }
  neurlp_tile_job job = {.problem = cpu->problem,
                         .inputs = &all,
                         .kept = kept,
                         .solved = solution,
                         .direction = direction,
                         .tangent = tangent,
                         .status = statuses};
  run_job(cpu, cpu->kernels->tangent, &job);
  return NEURLP_SUCCESS;
}

static neurlp_status slack_cpu(void *state, const neurlp_inputs *inputs, const void *solution, void *slack) {
  cpu_state *cpu = state;
  neurlp_inputs all = *inputs;
  if (!inputs->steps) all.steps = cpu->steps;
  const neurlp_tile_job job = {.problem = cpu->problem, .inputs = &all, .solved = solution, .slack = slack};
  neurlp_run_tiles_cpu(cpu, cpu->kernels->slack, &job, 1);
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
