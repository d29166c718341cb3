/* The backend cpu: few, long systems. Time is cut into pieces that fill the lanes of tiles; what they leave
 * at their joints is solved for, along a tree (tree.h); then each piece is finished by itself (docs/math.md,
 * section 2). */
#include "block/cpu/cpu.h"

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

/* Bytes for each piece, and of all. */
size_t neurlp_cut_bytes_cpu(const cpu_cut *cut, const neurlp_problem *problem, int32_t threads) {
  if (cut->plan.intervals == 0) return 0;
  const neurlp_end_layout layout = layout_of(problem);
  const int64_t joint = layout.unknowns * layout.columns;
  const size_t piece = sizeof(neurlp_piece) + sizeof(neurlp_status) +
                       (size_t)(layout.numbers * (1 + problem->keeps) + joint) * sizeof(double) +
                       (size_t)cut->plan.part_numbers * neurlp_number_bytes(&problem->shape);
  const int64_t kept = problem->shape.systems * cut->plan.most * neurlp_tree_kept_numbers(layout);
  return (size_t)(problem->shape.systems * (cut->plan.most + 1)) * piece +
         (size_t)(kept + threads * neurlp_tree_work_numbers(layout) + joint) * sizeof(double);
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
}

/* The first failure among the pieces of a system. */
static neurlp_status status_of(const cpu_cut *cut, int64_t systems, int64_t s, int64_t begin, int64_t end) {
  neurlp_status status = cut->status[s];
  for (int64_t p = begin; p < end && status == NEURLP_SUCCESS; p++) status = cut->status[systems + p];
  return status;
}

/* The two jobs of a pass: heads, others. */
static void make_jobs(const cpu_state *cpu, const neurlp_tile_job *job, int64_t heads, int64_t count,
                      bool first_pass, neurlp_tile_job jobs[CPU_JOBS]) {
  const cpu_cut *cut = &cpu->cut;
  const size_t head_store =
      (size_t)neurlp_tiles_of_cpu(cpu, heads) * cpu->kernels->store_bytes(&cut->plan.head, true);
  const int64_t numbers = layout_of(&cut->plan.head).numbers;
  const size_t part = (size_t)cut->plan.part_numbers * neurlp_number_bytes(&cut->plan.head.shape);
  for (int32_t i = 0; i < CPU_JOBS; i++) {
    const int64_t offset = i == 0 ? 0 : heads;
    jobs[i] = *job;
    jobs[i].problem = i == 0 ? &cut->plan.head : &cut->plan.piece;
    jobs[i].shape = &job->problem->shape;
    jobs[i].pieces = cut->pieces + offset;
    jobs[i].piece_count = i == 0 ? heads : count;
    jobs[i].status = cut->status + offset;
    jobs[i].ends = first_pass ? cut->ends + offset * numbers : NULL;
    jobs[i].joints = first_pass ? NULL : cut->joints;
    jobs[i].parts = (unsigned char *)cut->parts + (size_t)offset * part;
    jobs[i].part_numbers = cut->plan.part_numbers;
    if (job->store) jobs[i].store = (unsigned char *)job->store + (i == 0 ? 0 : head_store);
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
  unsigned char *from = (unsigned char *)cut->parts + (size_t)part * bytes;
  const size_t piece = (size_t)cut->plan.part_numbers * bytes;
  const neurlp_tree_parts parts = {.single = bytes == sizeof(float),
                                   .first = 1,
                                   .count = extents.per_system,
                                   .stride = cut->plan.part_numbers,
                                   .head = from + (size_t)s * piece,
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
}

void neurlp_cut_pass_cpu(cpu_state *cpu, cpu_kernel kernel, const neurlp_tile_job *job, int64_t heads,
                         int64_t count, bool first_pass) {
  neurlp_tile_job jobs[CPU_JOBS];
  make_jobs(cpu, job, heads, count, first_pass, jobs);
  if (job->gradients && !first_pass)
    neurlp_run_adjoint_cpu(cpu, jobs, CPU_JOBS);
  else
    neurlp_run_tiles_cpu(cpu, kernel, jobs, CPU_JOBS);
}

void neurlp_run_cut_cpu(cpu_state *cpu, cpu_kernel kernel, const neurlp_tile_job *job) {
  cpu_cut *cut = &cpu->cut;
  neurlp_inputs inputs = *job->inputs;
  const int64_t count = neurlp_cut_list(&cut->plan, &cpu->problem->shape, &inputs, cut->pieces);
  inputs.lengths = NULL; /* pieces know theirs */
  neurlp_tile_job pass = *job;
  pass.inputs = &inputs;
  neurlp_cut_pass_cpu(cpu, kernel, &pass, inputs.systems, count, true);
  neurlp_solve_joints_cpu(cpu, inputs.systems, count, job->gradients || job->tangent);
  neurlp_cut_pass_cpu(cpu, kernel, &pass, inputs.systems, count, false);
  finish(cpu, job, cut, count);
}
