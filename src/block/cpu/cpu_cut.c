/* The backend cpu: few, long systems. Time is cut into pieces that fill the lanes of tiles; what they leave
 * at their joints is solved for system by system; then each piece is finished by itself (docs/math.md,
 * section 2). */
#include "block/cpu/cpu.h"
#include "block/sweep/chain.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <string.h>

/* Intervals of a piece, whose factor then stays in the second-level cache, and the length from which systems
 * are cut, where the shape does not say. */
enum { PIECE_INTERVALS = 256, CUT_STEPS = 4096 };

static bool can_cut(const neurlp_problem *problem) {
  return !problem->central && !problem->first && !problem->final && !problem->one_factor &&
         problem->shape.precision != NEURLP_MIXED;
}

/* Pieces of a system of so many steps, beside the first one, in which all given steps are. */
static int64_t piece_count(const cpu_cut *cut, const neurlp_shape *shape, int32_t steps) {
  const bool short_one = shape->piece_intervals == 0 && steps < CUT_STEPS;
  const int32_t room = steps - 1 - shape->initial_steps;
  return short_one || room <= 0 ? 0 : room / cut->intervals;
}

/* The most steps of a first piece. */
static int32_t longest_head(const cpu_cut *cut, const neurlp_shape *shape) {
  const int64_t most = shape->initial_steps + (int64_t)cut->intervals;
  const int64_t whole = shape->piece_intervals == 0 && most < CUT_STEPS ? CUT_STEPS : most;
  const int64_t steps = whole < shape->steps ? whole : shape->steps;
  return (int32_t)(steps < 2 ? 2 : steps);
}

/* Numbers of a step that are gradients of something constant in time, of each system. */
static int64_t part_numbers(const neurlp_problem *problem) {
  const neurlp_shape *z = &problem->shape;
  const bool any = z->coefficients_sharing == NEURLP_CONSTANT || z->rhs_sharing == NEURLP_CONSTANT ||
                   z->steps_sharing == NEURLP_CONSTANT;
  return any ? z->equations * ((int64_t)problem->unknowns + z->columns) + z->dimensions : 0;
}

void neurlp_cut_plan_cpu(cpu_cut *cut, const neurlp_problem *problem) {
  const neurlp_shape *shape = &problem->shape;
  cut->intervals = 0;
  if (!can_cut(problem)) return;
  cut->intervals = shape->piece_intervals > 0 ? shape->piece_intervals : PIECE_INTERVALS;
  if (cut->intervals >= shape->steps) cut->intervals = shape->steps;
  cut->most = piece_count(cut, shape, shape->steps);
  if (cut->most == 0) {
    cut->intervals = 0;
    return;
  }
  cut->head = neurlp_problem_of_piece(problem, longest_head(cut, shape), true);
  cut->piece = neurlp_problem_of_piece(problem, cut->intervals + 1, false);
  cut->part_numbers = part_numbers(problem);
}

static neurlp_end_layout layout_of(const neurlp_problem *problem) {
  return neurlp_end_layout_of(problem->unknowns, problem->shape.columns);
}

/* Bytes for each piece, and of all. */
size_t neurlp_cut_bytes_cpu(const cpu_cut *cut, const neurlp_problem *problem, int32_t threads) {
  if (cut->intervals == 0) return 0;
  const neurlp_end_layout layout = layout_of(problem);
  const int64_t joint = layout.unknowns * layout.columns;
  const size_t piece = sizeof(neurlp_piece) + sizeof(neurlp_status) +
                       (size_t)(layout.numbers + joint) * sizeof(double) +
                       (size_t)cut->part_numbers * neurlp_number_bytes(&problem->shape);
  return (size_t)(problem->shape.systems * (cut->most + 1)) * piece +
         (size_t)threads * (size_t)neurlp_chain_numbers(layout, cut->most + 1) * sizeof(double);
}

neurlp_status neurlp_cut_create_cpu(cpu_state *cpu) {
  const neurlp_problem *problem = cpu->problem;
  cpu_cut *cut = &cpu->cut;
  neurlp_status status = NEURLP_SUCCESS;
  if (cut->intervals == 0) return status;
  const neurlp_end_layout layout = layout_of(problem);
  const int64_t all = problem->shape.systems * (cut->most + 1);
  const size_t number = sizeof(double);
  NEURLP_TRY(neurlp_allocate(cpu->context, all, sizeof(neurlp_piece), &cut->pieces));
  NEURLP_TRY(neurlp_allocate(cpu->context, all, sizeof(neurlp_status), &cut->status));
  NEURLP_TRY(neurlp_allocate(cpu->context, all, (size_t)layout.numbers * number, &cut->ends));
  NEURLP_TRY(
      neurlp_allocate(cpu->context, all * layout.unknowns, (size_t)layout.columns * number, &cut->joints));
  NEURLP_TRY(neurlp_allocate(cpu->context, cpu->threads,
                             (size_t)neurlp_chain_numbers(layout, cut->most + 1) * number, &cut->chains));
  NEURLP_TRY(neurlp_allocate(cpu->context, all * cut->part_numbers, neurlp_number_bytes(&problem->shape),
                             &cut->parts));
done:
  return status;
}

void neurlp_cut_destroy_cpu(cpu_state *cpu) {
  neurlp_release(cpu->context, &cpu->cut.pieces);
  neurlp_release(cpu->context, &cpu->cut.status);
  neurlp_release(cpu->context, &cpu->cut.ends);
  neurlp_release(cpu->context, &cpu->cut.joints);
  neurlp_release(cpu->context, &cpu->cut.chains);
  neurlp_release(cpu->context, &cpu->cut.parts);
}

/* Lists the pieces of a call; returns how many there are beside the heads. The joint at a head's end has its
 * system's index, less that of its first other piece, which is thus known from it. */
static int64_t list_pieces(cpu_cut *cut, const neurlp_shape *shape, const neurlp_inputs *inputs) {
  neurlp_piece *heads = cut->pieces, *pieces = heads + inputs->systems;
  int64_t count = 0;
  for (int64_t s = 0; s < inputs->systems; s++) {
    const int32_t steps = inputs->lengths ? inputs->lengths[s] : shape->steps;
    const int64_t own = piece_count(cut, shape, steps);
    const int32_t head = (int32_t)(steps - own * cut->intervals);
    heads[s] = (neurlp_piece){.system = s, .length = head, .joined = own > 0, .joint = s + count};
    for (int64_t p = 0; p < own; p++)
      pieces[count + p] = (neurlp_piece){.system = s,
                                         .start = (int32_t)(head - 1 + p * cut->intervals),
                                         .length = cut->intervals + 1,
                                         .joined = true,
                                         .joint = s + count + p + 1};
    count += own;
  }
  return count;
}

/* Where the other pieces of system s begin in their list; for s = systems where they end. */
static int64_t first_piece(const cpu_cut *cut, int64_t systems, int64_t s, int64_t count) {
  return s < systems ? cut->pieces[s].joint - s : count;
}

/* The first failure among the pieces of a system, given to all of them. */
static neurlp_status settle_status(cpu_cut *cut, int64_t systems, int64_t s, int64_t begin, int64_t end,
                                   neurlp_status of_chain) {
  neurlp_status *others = cut->status + systems, status = cut->status[s];
  for (int64_t p = begin; p < end && status == NEURLP_SUCCESS; p++) status = others[p];
  if (status == NEURLP_SUCCESS) status = of_chain;
  cut->status[s] = status;
  for (int64_t p = begin; p < end; p++) others[p] = status;
  return status;
}

/* Solves for the joints of all systems whose pieces went well. */
static void solve_chains(cpu_state *cpu, int64_t systems, int64_t count, bool normal) {
  cpu_cut *cut = &cpu->cut;
  const neurlp_end_layout layout = layout_of(cpu->problem);
  const int64_t joint = layout.unknowns * layout.columns;
  const int64_t room = neurlp_chain_numbers(layout, cut->most + 1);
  const double epsilon = cpu->problem->shape.precision == NEURLP_SINGLE ? FLT_EPSILON : DBL_EPSILON;
#pragma omp parallel for schedule(dynamic, 1) num_threads(cpu->threads) if (systems > 1)
  for (int64_t s = 0; s < systems; s++) {
    const int64_t begin = first_piece(cut, systems, s, count), end = first_piece(cut, systems, s + 1, count);
    const neurlp_status status = settle_status(cut, systems, s, begin, end, NEURLP_SUCCESS);
    if (status != NEURLP_SUCCESS || begin == end) continue;
    const neurlp_status solved = neurlp_chain_solve(
        layout, cut->ends + s * layout.numbers, cut->ends + (systems + begin) * layout.numbers,
        end - begin + 1, normal, epsilon, cut->chains + omp_get_thread_num() * room,
        cut->joints + cut->pieces[s].joint * joint);
    settle_status(cut, systems, s, begin, end, solved);
  }
}

/* The two jobs of a pass: heads, others. */
static void make_jobs(const cpu_state *cpu, const neurlp_tile_job *job, const neurlp_inputs *inputs,
                      int64_t count, bool first_pass, neurlp_tile_job jobs[CPU_JOBS]) {
  const cpu_cut *cut = &cpu->cut;
  const size_t heads =
      (size_t)neurlp_tiles_of_cpu(cpu, inputs->systems) * cpu->kernels->store_bytes(&cut->head, true);
  const int64_t systems = inputs->systems, numbers = layout_of(&cut->head).numbers;
  const size_t part = (size_t)cut->part_numbers * neurlp_number_bytes(&cut->head.shape);
  for (int32_t i = 0; i < CPU_JOBS; i++) {
    const int64_t offset = i == 0 ? 0 : systems;
    jobs[i] = *job;
    jobs[i].problem = i == 0 ? &cut->head : &cut->piece;
    jobs[i].inputs = inputs;
    jobs[i].shape = &job->problem->shape;
    jobs[i].pieces = cut->pieces + offset;
    jobs[i].piece_count = i == 0 ? systems : count;
    jobs[i].status = cut->status + offset;
    jobs[i].ends = first_pass ? cut->ends + offset * numbers : NULL;
    jobs[i].joints = first_pass ? NULL : cut->joints;
    jobs[i].parts = (unsigned char *)cut->parts + (size_t)offset * part;
    jobs[i].part_numbers = cut->part_numbers;
    if (job->store) jobs[i].store = (unsigned char *)job->store + (i == 0 ? 0 : heads);
    jobs[i].stored = job->store && (job->stored || !first_pass);
  }
}

/* Adds up what the pieces of system s have found for an input that is constant in time; `part` is its place
 * among what a piece adds up. */
static void collect_parts(const cpu_state *cpu, neurlp_array array, int64_t systems, int64_t s, int64_t begin,
                          int64_t end, int64_t part, void *gradient) {
  const cpu_cut *cut = &cpu->cut;
  const neurlp_extents extents = neurlp_array_extents(&cpu->problem->shape, array);
  const size_t bytes = neurlp_number_bytes(&cpu->problem->shape);
  unsigned char *to = (unsigned char *)gradient + (size_t)(s * extents.system_stride) * bytes;
  memset(to, 0, (size_t)extents.per_system * bytes);
  for (int64_t p = begin - 1; p < end; p++) {
    const int64_t i = p < begin ? s : systems + p;
    const unsigned char *from =
        (const unsigned char *)cut->parts + (size_t)(i * cut->part_numbers + part) * bytes;
    neurlp_add_numbers_cpu(cpu->problem, to, from, extents.per_system);
  }
}

/* The array of a system is finished: zeros after its length, NaN if it failed. */
static void finish_system(const cpu_state *cpu, neurlp_array array, void *numbers, int64_t s, int32_t length,
                          bool failed) {
  const neurlp_extents z = neurlp_array_extents(&cpu->problem->shape, array);
  if (!numbers || z.system_stride == 0) return;
  const int64_t steps = z.step_stride > 0 ? z.per_system / z.step_stride : 0;
  const int64_t own = length - (array == NEURLP_ARRAY_STEPS), from = own < steps ? own : steps;
  const size_t bytes = neurlp_number_bytes(&cpu->problem->shape);
  unsigned char *system = (unsigned char *)numbers + (size_t)(s * z.system_stride) * bytes;
  memset(system + (size_t)(from * z.step_stride) * bytes, 0,
         (size_t)((steps - from) * z.step_stride) * bytes);
  if (failed) neurlp_fill_undefined_cpu(cpu->problem, system, z.per_system);
}

/* What is left to do for gradients of system s. */
static void finish_gradients(const cpu_state *cpu, const neurlp_tile_job *job, int64_t s, int64_t begin,
                             int64_t end, int32_t length, bool failed) {
  const neurlp_shape *z = &job->problem->shape;
  const int64_t coefficients = z->equations * (int64_t)job->problem->unknowns,
                rhs = z->equations * (int64_t)z->columns;
  const int64_t part[NEURLP_ARRAY_INPUTS] = {
      [NEURLP_ARRAY_RHS] = coefficients, [NEURLP_ARRAY_STEPS] = coefficients + rhs};
  const neurlp_sharing sharing[NEURLP_ARRAY_INPUTS] = {[NEURLP_ARRAY_COEFFICIENTS] = z->coefficients_sharing,
                                                       [NEURLP_ARRAY_RHS] = z->rhs_sharing,
                                                       [NEURLP_ARRAY_STEPS] = z->steps_sharing};
  void *list[NEURLP_ARRAY_INPUTS];
  neurlp_list_gradients_cpu(job->gradients, list);
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    if (list[array] && sharing[array] == NEURLP_CONSTANT)
      collect_parts(cpu, (neurlp_array)array, job->inputs->systems, s, begin, end, part[array], list[array]);
    finish_system(cpu, (neurlp_array)array, list[array], s, length, failed);
  }
}

/* Statuses of systems from those of their pieces, and what is left to do for what was written. */
static void finish(const cpu_state *cpu, const neurlp_tile_job *job, cpu_cut *cut, int64_t count) {
  const int64_t systems = job->inputs->systems;
#pragma omp parallel for num_threads(cpu->threads) if (systems > 1)
  for (int64_t s = 0; s < systems; s++) {
    const int64_t begin = first_piece(cut, systems, s, count), end = first_piece(cut, systems, s + 1, count);
    const int32_t length = job->inputs->lengths ? job->inputs->lengths[s] : job->problem->shape.steps;
    job->status[s] = settle_status(cut, systems, s, begin, end, NEURLP_SUCCESS);
    const bool failed = job->status[s] != NEURLP_SUCCESS;
    finish_system(cpu, NEURLP_ARRAY_SOLUTION, job->solution, s, length, failed);
    finish_system(cpu, NEURLP_ARRAY_SOLUTION, job->tangent, s, length, failed);
    if (job->gradients) finish_gradients(cpu, job, s, begin, end, length, failed);
  }
}

void neurlp_run_cut_cpu(cpu_state *cpu, cpu_kernel kernel, const neurlp_tile_job *job) {
  cpu_cut *cut = &cpu->cut;
  neurlp_inputs inputs = *job->inputs;
  neurlp_tile_job jobs[CPU_JOBS];
  const int64_t count = list_pieces(cut, &cpu->problem->shape, &inputs);
  inputs.lengths = NULL; /* pieces know theirs */
  make_jobs(cpu, job, &inputs, count, true, jobs);
  neurlp_run_tiles_cpu(cpu, kernel, jobs, CPU_JOBS);
  solve_chains(cpu, inputs.systems, count, job->gradients || job->tangent);
  make_jobs(cpu, job, &inputs, count, false, jobs);
  if (job->gradients)
    neurlp_run_adjoint_cpu(cpu, jobs, CPU_JOBS);
  else
    neurlp_run_tiles_cpu(cpu, kernel, jobs, CPU_JOBS);
  finish(cpu, job, cut, count);
}
