/* The backend cpu: few, long systems. Time is cut into pieces that fill the lanes of tiles; what they leave
 * at their joints is solved for, along a tree (tree.h); then each piece is finished by itself (docs/math.md,
 * section 2). */
#include "block/cpu/cpu.h"

#include <math.h>
#include <string.h>

/* Intervals of a piece, whose factor then stays in the second-level cache, and the length from which systems
 * are cut, where the shape does not say. */
enum { PIECE_INTERVALS = 256, CUT_STEPS = 4096 };

void neurlp_cut_plan_cpu(cpu_cut *cut, const neurlp_problem *problem) {
  neurlp_cut_plan(&cut->plan, problem, PIECE_INTERVALS, CUT_STEPS);
}

static neurlp_end_layout layout_of(const neurlp_problem *problem) {
  return neurlp_end_layout_of(problem->unknowns, problem->shape.columns);
}

/* Final values of one system. */
static int64_t given_numbers(const neurlp_problem *problem) {
  return (int64_t)problem->shape.dimensions * problem->final * problem->shape.columns;
}

/* Bytes for each piece, and of all. */
size_t neurlp_cut_bytes_cpu(const cpu_cut *cut, const neurlp_problem *problem, int32_t threads) {
  if (cut->plan.intervals == 0) return 0;
  const neurlp_end_layout layout = layout_of(problem);
  const int64_t joint = layout.unknowns * layout.columns;
  const size_t piece = sizeof(neurlp_piece) + sizeof(neurlp_status) +
                       (size_t)(layout.numbers * (1 + problem->keeps) + joint) * sizeof(double) +
                       (size_t)cut->plan.part_numbers * neurlp_number_bytes(&problem->shape);
  const int64_t kept = problem->shape.systems * cut->plan.most * neurlp_tree_kept_numbers(layout);
  const size_t given = sizeof(neurlp_tree_given) + 2 * (size_t)given_numbers(problem) * sizeof(double) +
                       sizeof(neurlp_piece) + sizeof(int64_t);
  return (size_t)(problem->shape.systems * (cut->plan.most + 1)) * piece +
         (size_t)(kept + threads * neurlp_tree_work_numbers(layout) + joint) * sizeof(double) +
         (problem->final > 0 ? (size_t)problem->shape.systems * given : 0);
}

neurlp_status neurlp_cut_create_cpu(cpu_state *cpu) {
  const neurlp_problem *problem = cpu->problem;
  cpu_cut *cut = &cpu->cut;
  neurlp_status status = NEURLP_SUCCESS;
  if (cut->plan.intervals == 0) return status;
  const neurlp_end_layout layout = layout_of(problem);
  const int64_t all = problem->shape.systems * (cut->plan.most + 1);
  const size_t number = sizeof(double);
  NEURLP_TRY(neurlp_allocate(cpu->context, all, sizeof(neurlp_piece), &cut->pieces));
  NEURLP_TRY(neurlp_allocate(cpu->context, all, sizeof(neurlp_status), &cut->status));
  NEURLP_TRY(neurlp_allocate(cpu->context, all, (size_t)layout.numbers * number, &cut->ends));
  if (problem->keeps)
    NEURLP_TRY(neurlp_allocate(cpu->context, all, (size_t)layout.numbers * number, &cut->merged));
  NEURLP_TRY(
      neurlp_allocate(cpu->context, all * layout.unknowns, (size_t)layout.columns * number, &cut->joints));
  NEURLP_TRY(neurlp_allocate(cpu->context, problem->shape.systems * cut->plan.most,
                             (size_t)neurlp_tree_kept_numbers(layout) * number, &cut->kept));
  NEURLP_TRY(neurlp_allocate(cpu->context, cpu->threads, (size_t)neurlp_tree_work_numbers(layout) * number,
                             &cut->merging));
  NEURLP_TRY(neurlp_allocate(cpu->context, layout.unknowns * layout.columns, number, &cut->zeros));
  NEURLP_TRY(neurlp_allocate(cpu->context, all * cut->plan.part_numbers, neurlp_number_bytes(&problem->shape),
                             &cut->parts));
  if (problem->final == 0) goto done;
  const int64_t given = problem->shape.systems * given_numbers(problem);
  NEURLP_TRY(neurlp_allocate(cpu->context, problem->shape.systems, sizeof *cut->given, &cut->given));
  NEURLP_TRY(neurlp_allocate(cpu->context, given, number, &cut->given_values));
  NEURLP_TRY(neurlp_allocate(cpu->context, given, number, &cut->given_gradients));
  NEURLP_TRY(neurlp_allocate(cpu->context, problem->shape.systems, sizeof *cut->order, &cut->order));
  NEURLP_TRY(neurlp_allocate(cpu->context, problem->shape.systems, sizeof *cut->place, &cut->place));
done:
  return status;
}

void neurlp_cut_destroy_cpu(cpu_state *cpu) {
  neurlp_release(cpu->context, &cpu->cut.pieces);
  neurlp_release(cpu->context, &cpu->cut.status);
  neurlp_release(cpu->context, &cpu->cut.ends);
  neurlp_release(cpu->context, &cpu->cut.merged);
  neurlp_release(cpu->context, &cpu->cut.joints);
  neurlp_release(cpu->context, &cpu->cut.kept);
  neurlp_release(cpu->context, &cpu->cut.merging);
  neurlp_release(cpu->context, &cpu->cut.zeros);
  neurlp_release(cpu->context, &cpu->cut.parts);
  neurlp_release(cpu->context, &cpu->cut.given);
  neurlp_release(cpu->context, &cpu->cut.given_values);
  neurlp_release(cpu->context, &cpu->cut.given_gradients);
  neurlp_release(cpu->context, &cpu->cut.order);
  neurlp_release(cpu->context, &cpu->cut.place);
}

/* ---- final values ------------------------------------------------------------------------------------ */

static double number_at(const neurlp_problem *problem, const void *array, int64_t i) {
  if (problem->shape.precision == NEURLP_SINGLE) return ((const float *)array)[i];
  return ((const double *)array)[i];
}

/* Those of a solve, the changes of a tangent, or none for an adjoint, whose gradients are wanted. */
static void give_final(cpu_state *cpu, const neurlp_tile_job *job) {
  cpu_cut *cut = &cpu->cut;
  const int64_t numbers = given_numbers(cpu->problem);
  const neurlp_extents z = neurlp_array_extents(&cpu->problem->shape, NEURLP_ARRAY_FINAL_VALUES);
  const void *from = job->gradients ? NULL
                     : job->tangent ? job->direction->final_values
                                    : job->inputs->final_values;
  const bool wanted = job->gradients && job->gradients->final_values;
  for (int64_t s = 0; cut->given && s < job->inputs->systems; s++) {
    double *values = cut->given_values + s * numbers, *gradients = cut->given_gradients + s * numbers;
    for (int64_t i = 0; i < numbers && from; i++)
      values[i] = number_at(cpu->problem, from, s * z.system_stride + i);
    cut->given[s] = neurlp_tree_given_of(cpu->problem, from ? values : NULL, wanted ? gradients : NULL);
  }
}

/* Gradients of final values where systems were cut, which no tile has found: of each system, or added to the
 * sum of those that were not; NaN where one failed. */
static void finish_final(const cpu_state *cpu, const neurlp_tile_job *job) {
  const cpu_cut *cut = &cpu->cut;
  const int64_t numbers = given_numbers(cpu->problem);
  const neurlp_extents z = neurlp_array_extents(&cpu->problem->shape, NEURLP_ARRAY_FINAL_VALUES);
  const bool single = cpu->problem->shape.precision == NEURLP_SINGLE;
  void *to = job->gradients ? job->gradients->final_values : NULL;
  for (int64_t i = 0; cut->given && to && i < numbers * job->inputs->systems; i++) {
    const int64_t s = i / numbers, place = s * z.system_stride + i % numbers;
    if (!cut->pieces[s].joined) continue;
    const double own = job->status[s] == NEURLP_SUCCESS ? cut->given_gradients[i] : (double)NAN;
    const double sum = z.system_stride == 0 ? own + number_at(cpu->problem, to, place) : own;
    if (single)
      ((float *)to)[place] = (float)sum;
    else
      ((double *)to)[place] = sum;
  }
}

/* ---- passes ------------------------------------------------------------------------------------------ */

/* The first failure among the pieces of a system. */
static neurlp_status status_of(const cpu_cut *cut, int64_t systems, int64_t s, int64_t begin, int64_t end) {
  neurlp_status status = cut->status[neurlp_cut_place_cpu(cut, s)];
  for (int64_t p = begin; p < end && status == NEURLP_SUCCESS; p++) status = cut->status[systems + p];
  return status;
}

/* The jobs of a pass: heads, whole systems, others. */
static void make_jobs(const cpu_state *cpu, const neurlp_tile_job *job, cpu_counts n, bool first_pass,
                      neurlp_tile_job jobs[CPU_JOBS]) {
  const cpu_cut *cut = &cpu->cut;
  const neurlp_problem *problems[CPU_JOBS] = {&cut->plan.head, &cut->plan.whole, &cut->plan.piece};
  const int64_t counts[CPU_JOBS] = {n.heads, n.whole, n.pieces}, numbers = layout_of(&cut->plan.head).numbers;
  const size_t part = (size_t)cut->plan.part_numbers * neurlp_number_bytes(&cut->plan.head.shape);
  int64_t offset = 0;
  size_t store = 0;
  for (int32_t i = 0; i < CPU_JOBS; i++) {
    const bool piece = i + 1 == CPU_JOBS;
    jobs[i] = *job;
    jobs[i].problem = problems[i];
    jobs[i].shape = &job->problem->shape;
    jobs[i].pieces = (cut->order && !piece ? cut->order : cut->pieces) + offset;
    jobs[i].piece_count = counts[i];
    jobs[i].status = cut->status + offset;
    jobs[i].ends = first_pass ? cut->ends + offset * numbers : NULL;
    jobs[i].joints = first_pass ? NULL : cut->joints;
    jobs[i].parts = (unsigned char *)cut->parts + (size_t)offset * part;
    jobs[i].part_numbers = cut->plan.part_numbers;
    if (job->store) jobs[i].store = (unsigned char *)job->store + store;
    jobs[i].stored = job->store && (job->stored || !first_pass);
    offset += counts[i];
    if (job->store)
      store += (size_t)neurlp_tiles_of_cpu(cpu, counts[i]) * cpu->kernels->store_bytes(problems[i], true);
  }
}

/* Heads in the order in which they are swept; how many are followed by pieces. */
static int64_t order_heads(cpu_cut *cut, int64_t systems) {
  int64_t next = 0, joined = 0;
  if (!cut->order) return systems;
  for (int32_t whole = 0; whole < 2; whole++) {
    for (int64_t s = 0; s < systems; s++)
      if (cut->pieces[s].joined == !whole) {
        cut->order[next] = cut->pieces[s];
        cut->place[s] = next++;
      }
    if (!whole) joined = next;
  }
  return joined;
}

/* Adds up what the pieces of system s have found for an input that is constant in time; `part` is its place
 * among what a piece adds up. */
static void collect_parts(const cpu_state *cpu, neurlp_array array, int64_t systems, int64_t s, int64_t begin,
                          int64_t end, int64_t part, void *gradient) {
  const cpu_cut *cut = &cpu->cut;
  const neurlp_extents extents = neurlp_array_extents(&cpu->problem->shape, array);
  const size_t bytes = neurlp_number_bytes(&cpu->problem->shape);
  unsigned char *to = (unsigned char *)gradient + (size_t)(s * extents.system_stride) * bytes;
  unsigned char *from = (unsigned char *)cut->parts + (size_t)part * bytes;
  const size_t piece = (size_t)cut->plan.part_numbers * bytes;
  const neurlp_tree_parts parts = {.single = bytes == sizeof(float),
                                   .first = 1,
                                   .count = extents.per_system,
                                   .stride = cut->plan.part_numbers,
                                   .head = from + (size_t)neurlp_cut_place_cpu(cut, s) * piece,
                                   .parts = from + (size_t)(systems + begin) * piece};
  neurlp_tree_sum(&parts, 0, end - begin + 1);
  memcpy(to, parts.head, (size_t)extents.per_system * bytes);
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
  const neurlp_sharing sharing[NEURLP_ARRAY_INPUTS] = {[NEURLP_ARRAY_COEFFICIENTS] = z->coefficients_sharing,
                                                       [NEURLP_ARRAY_RHS] = z->rhs_sharing,
                                                       [NEURLP_ARRAY_STEPS] = z->steps_sharing};
  void *list[NEURLP_ARRAY_INPUTS];
  neurlp_list_gradients_cpu(job->gradients, list);
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    if (list[array] && sharing[array] == NEURLP_CONSTANT)
      collect_parts(cpu, (neurlp_array)array, job->inputs->systems, s, begin, end,
                    neurlp_cut_part(job->problem, (neurlp_array)array), list[array]);
    finish_system(cpu, (neurlp_array)array, list[array], s, length, failed);
  }
}

/* Statuses of systems from those of their pieces, and what is left to do for what was written. */
static void finish(const cpu_state *cpu, const neurlp_tile_job *job, cpu_cut *cut, int64_t count) {
  const int64_t systems = job->inputs->systems;
#pragma omp parallel for num_threads(cpu->threads) if (systems > 1)
  for (int64_t s = 0; s < systems; s++) {
    const int64_t begin = neurlp_cut_first(cut->pieces, systems, s, count),
                  end = neurlp_cut_first(cut->pieces, systems, s + 1, count);
    const int32_t length = job->inputs->lengths ? job->inputs->lengths[s] : job->problem->shape.steps;
    job->status[s] = status_of(cut, systems, s, begin, end);
    const bool failed = job->status[s] != NEURLP_SUCCESS;
    finish_system(cpu, NEURLP_ARRAY_SOLUTION, job->solution, s, length, failed);
    finish_system(cpu, NEURLP_ARRAY_SOLUTION, job->tangent, s, length, failed);
    if (job->gradients) finish_gradients(cpu, job, s, begin, end, length, failed);
  }
  finish_final(cpu, job);
}

void neurlp_cut_pass_cpu(cpu_state *cpu, cpu_kernel kernel, const neurlp_tile_job *job, cpu_counts counts,
                         bool first_pass) {
  neurlp_tile_job jobs[CPU_JOBS];
  make_jobs(cpu, job, counts, first_pass, jobs);
  if (job->gradients && !first_pass)
    neurlp_run_adjoint_cpu(cpu, jobs, CPU_JOBS);
  else
    neurlp_run_tiles_cpu(cpu, kernel, jobs, CPU_JOBS);
}

void neurlp_run_cut_cpu(cpu_state *cpu, cpu_kernel kernel, const neurlp_tile_job *job) {
  cpu_cut *cut = &cpu->cut;
  neurlp_inputs inputs = *job->inputs;
  const int64_t count = neurlp_cut_list(&cut->plan, &cpu->problem->shape, &inputs, cut->pieces);
  const int64_t heads = order_heads(cut, inputs.systems);
  const cpu_counts counts = {.heads = heads, .whole = inputs.systems - heads, .pieces = count};
  inputs.lengths = NULL; /* pieces know theirs */
  neurlp_tile_job pass = *job;
  pass.inputs = &inputs;
  neurlp_cut_pass_cpu(cpu, kernel, &pass, counts, true);
  give_final(cpu, job);
  neurlp_solve_joints_cpu(cpu, inputs.systems, count, job->gradients || job->tangent);
  neurlp_cut_pass_cpu(cpu, kernel, &pass, counts, false);
  finish(cpu, job, cut, count);
}
