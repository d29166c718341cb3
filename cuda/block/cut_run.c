/* Runs a call whose time is cut. */
#include "block/sweep/merge.h"
#include "cuda/block/state.h"

#include <float.h>
#include <string.h>

enum { GROUP = NEURLP_CUDA_GROUP };

/* ---- lists ------------------------------------------------------------------------------------------- */

/* Cuts the records of a system into runs, each of which is a record of the level above. */
static int64_t list_runs(neurlp_run own, neurlp_run *runs) {
  int64_t count = 0;
  for (int64_t first = 0; first < own.count; first += CUDA_RUN, count++) {
    const int64_t left = own.count - first;
    runs[count] = (neurlp_run){own.first + first, left < CUDA_RUN ? left : CUDA_RUN};
  }
  return count;
}

/* Lists, for each level but the last, the runs of all systems, with the joints of the records they make. Each
 * system's records are in `own` [systems], first those of its pieces, at the end those of the last level.
 * records[level] is how many there are. */
static void list_levels(const cuda_cut *cut, int64_t systems, neurlp_run *own, int64_t *records) {
  for (int32_t l = 0; l + 1 < cut->levels; l++) {
    const cuda_cut_level *here = &cut->level[l], *above = here + 1;
    neurlp_run *runs = (neurlp_run *)(cut->lists + here->runs);
    const int64_t *start = (const int64_t *)(cut->lists + here->start),
                  *end = (const int64_t *)(cut->lists + here->end);
    int64_t *start_above = (int64_t *)(cut->lists + above->start),
            *end_above = (int64_t *)(cut->lists + above->end);
    int64_t made = 0;
    for (int64_t s = 0; s < systems; s++) {
      const int64_t count = list_runs(own[s], runs + made);
      own[s] = (neurlp_run){made, count};
      made += count;
    }
    records[l + 1] = made;
    for (int64_t i = 0; i < made; i++) {
      start_above[i] = start[runs[i].first];
      end_above[i] = end[runs[i].first + runs[i].count - 1];
    }
  }
}

/* Makes all lists of a call. */
static void make_lists(const cuda_cut *cut, const neurlp_shape *shape, const neurlp_inputs *inputs,
                       int64_t records[CUDA_LEVELS]) {
  const int64_t systems = inputs->systems;
  neurlp_piece *heads = (neurlp_piece *)(cut->lists + cut->pieces), *pieces = heads + systems;
  neurlp_run *own = (neurlp_run *)(cut->lists + cut->systems_pieces),
             *top = (neurlp_run *)(cut->lists + cut->systems_top);
  int64_t *start = (int64_t *)(cut->lists + cut->level[0].start),
          *end = (int64_t *)(cut->lists + cut->level[0].end);
  const int64_t count = records[0] = neurlp_cut_list(&cut->plan, shape, inputs, heads);
  for (int64_t p = 0; p < count; p++) {
    start[p] = pieces[p].joint - 1;
    end[p] = pieces[p].joint;
  }
  for (int64_t s = 0; s < systems; s++) {
    const int64_t first = neurlp_cut_first(heads, systems, s, count);
    own[s] = (neurlp_run){first, neurlp_cut_first(heads, systems, s + 1, count) - first};
    top[s] = own[s];
  }
  list_levels(cut, systems, top, records);
}

/* ---- launches ---------------------------------------------------------------------------------------- */

/* A call on its way: what it works on, and how many records each level has. */
typedef struct cut_call {
  cuda_state *s;
  const neurlp_cuda_tiles *tiles; /* as if time were not cut */
  const neurlp_cuda_kernel *kernel;
  int64_t systems, records[CUDA_LEVELS];
  bool normal;
} cut_call;

static neurlp_status launch(const cut_call *c, const neurlp_cuda_kernel *kernel, int64_t threads,
                            const void *arguments, size_t bytes) {
  const int64_t most = c->s->device->threads;
  if (threads == 0) return NEURLP_SUCCESS;
  return c->s->device->operations->launch(c->s->device, 0, kernel, threads < most ? threads : most, arguments,
                                          bytes);
}

/* A pass over heads, or over the other pieces. */
static neurlp_status launch_pass(const cut_call *c, bool heads, bool first_pass) {
  const cuda_cut *cut = &c->s->cut;
  const neurlp_problem *problem = heads ? &cut->plan.head : &cut->plan.piece;
  const int64_t items = heads ? c->systems : c->records[0];
  const size_t number = neurlp_number_bytes(&problem->shape);
  const size_t head_store = (size_t)((c->s->problem->shape.systems + GROUP - 1) / GROUP) *
                            c->s->kernels->store_bytes(&cut->plan.head, true);
  unsigned char *device = cut->on_device;
  neurlp_cuda_tiles tiles = *c->tiles;
  if (items == 0) return NEURLP_SUCCESS;
  tiles.problem = *problem;
  tiles.shape = c->s->problem->shape;
  tiles.has_shape = true;
  tiles.items = items;
  tiles.threads = cut->threads;
  tiles.group_bytes = cut->group_bytes;
  tiles.inputs.lengths = NULL; /* pieces know theirs */
  tiles.job.pieces = (const neurlp_piece *)(cut->lists_on_device + cut->pieces) + (heads ? 0 : c->systems);
  tiles.job.piece_count = items;
  tiles.job.status = (neurlp_status *)(device + (heads ? cut->head_status : cut->level[0].status));
  tiles.job.ends = first_pass ? (double *)(device + (heads ? cut->head_ends : cut->level[0].ends)) : NULL;
  tiles.job.joints = first_pass ? NULL : (double *)(device + cut->joints);
  tiles.job.parts = device + cut->parts + (size_t)(heads ? 0 : c->systems * cut->plan.part_numbers) * number;
  tiles.job.part_numbers = cut->plan.part_numbers;
  tiles.job.store = device + cut->store + (heads ? 0 : head_store);
  tiles.job.stored = c->tiles->job.stored || !first_pass;
  return launch(c, c->kernel, cut->threads, &tiles, sizeof tiles);
}

static neurlp_level level_of(const cut_call *c, int32_t l) {
  const cuda_cut *cut = &c->s->cut;
  const cuda_cut_level *level = &cut->level[l];
  return (neurlp_level){.records = c->records[l],
                        .ends = (double *)(cut->on_device + level->ends),
                        .status = (neurlp_status *)(cut->on_device + level->status),
                        .kept = (double *)(cut->on_device + level->kept),
                        .start = (const int64_t *)(cut->lists_on_device + level->start),
                        .end = (const int64_t *)(cut->lists_on_device + level->end)};
}

static double epsilon_of(const cut_call *c) {
  return c->s->problem->shape.precision == NEURLP_SINGLE ? FLT_EPSILON : DBL_EPSILON;
}

/* From level l to the one above it, or back. */
static neurlp_status launch_level(const cut_call *c, int32_t l, bool back) {
  const cuda_cut *cut = &c->s->cut;
  const neurlp_cuda_merge merge = {.layout = cut->layout,
                                   .here = level_of(c, l),
                                   .above = level_of(c, l + 1),
                                   .list = (const neurlp_run *)(cut->lists_on_device + cut->level[l].runs),
                                   .runs = c->records[l + 1],
                                   .work = (double *)(cut->on_device + cut->work),
                                   .joints = (double *)(cut->on_device + cut->joints),
                                   .threads = cut->merge_threads,
                                   .epsilon = epsilon_of(c),
                                   .normal = c->normal};
  return launch(c, back ? neurlp_cuda_spread_kernel() : neurlp_cuda_merge_kernel(), cut->merge_threads,
                &merge, sizeof merge);
}

static neurlp_status launch_chain(const cut_call *c) {
  const cuda_cut *cut = &c->s->cut;
  const neurlp_end_layout z = cut->layout;
  const neurlp_cuda_chain joints = {.layout = z,
                                    .here = level_of(c, cut->levels - 1),
                                    .list = (const neurlp_run *)(cut->lists_on_device + cut->systems_top),
                                    .systems = c->systems,
                                    .heads = (const neurlp_piece *)(cut->lists_on_device + cut->pieces),
                                    .head_ends = (const double *)(cut->on_device + cut->head_ends),
                                    .head_status = (neurlp_status *)(cut->on_device + cut->head_status),
                                    .work = (double *)(cut->on_device + cut->chains),
                                    .work_numbers = neurlp_chain_numbers(z, CUDA_RUN + 1) +
                                                    (CUDA_RUN + 1) * z.unknowns * z.columns,
                                    .joints = (double *)(cut->on_device + cut->joints),
                                    .epsilon = epsilon_of(c),
                                    .normal = c->normal};
  return launch(c, neurlp_cuda_chain_kernel(), c->systems, &joints, sizeof joints);
}

/* ---- what is left when all pieces are done ----------------------------------------------------------- */

static neurlp_status launch_settle(const cut_call *c) {
  const cuda_cut *cut = &c->s->cut;
  const neurlp_cuda_settle settle = {.heads = (const neurlp_status *)(cut->on_device + cut->head_status),
                                     .pieces = (const neurlp_status *)(cut->on_device + cut->level[0].status),
                                     .list = (const neurlp_run *)(cut->lists_on_device + cut->systems_pieces),
                                     .systems = c->systems,
                                     .status = c->tiles->job.status};
  return launch(c, neurlp_cuda_settle_kernel(), c->systems, &settle, sizeof settle);
}

static neurlp_status launch_finish(const cut_call *c, const neurlp_shape *shape, neurlp_array array,
                                   void *numbers) {
  const neurlp_extents z = neurlp_array_extents(shape, array);
  const neurlp_cuda_finish finish = {.array = numbers,
                                     .systems = c->systems,
                                     .per_system = z.per_system,
                                     .step_stride = z.step_stride,
                                     .intervals = array == NEURLP_ARRAY_STEPS,
                                     .steps = shape->steps,
                                     .lengths = c->tiles->inputs.lengths,
                                     .status = c->tiles->job.status};
  if (!numbers || z.per_system == 0) return NEURLP_SUCCESS;
  return launch(c, neurlp_cuda_finish_kernel(shape->precision == NEURLP_SINGLE), c->systems * z.per_system,
                &finish, sizeof finish);
}

/* Gradients of what is constant in time have been left in parts. */
static neurlp_status launch_collect(const cut_call *c, const neurlp_shape *shape, neurlp_array array,
                                    void *numbers) {
  const cuda_cut *cut = &c->s->cut;
  const neurlp_extents z = neurlp_array_extents(shape, array);
  const size_t place = (size_t)neurlp_cut_part(c->s->problem, array) * neurlp_number_bytes(shape);
  const neurlp_cuda_collect collect = {.parts = cut->on_device + cut->parts + place,
                                       .part_numbers = cut->plan.part_numbers,
                                       .list =
                                           (const neurlp_run *)(cut->lists_on_device + cut->systems_pieces),
                                       .systems = c->systems,
                                       .width = z.per_system,
                                       .to = numbers};
  return launch(c, neurlp_cuda_collect_kernel(shape->precision == NEURLP_SINGLE), c->systems * z.per_system,
                &collect, sizeof collect);
}

static neurlp_status finish_gradients(const cut_call *c) {
  const neurlp_shape *shape = &c->tiles->gradient_shape;
  const neurlp_gradients *g = &c->tiles->gradients;
  void *const list[NEURLP_ARRAY_INPUTS] = {[NEURLP_ARRAY_COEFFICIENTS] = g->coefficients,
                                           [NEURLP_ARRAY_RHS] = g->rhs,
                                           [NEURLP_ARRAY_INITIAL_VALUES] = g->initial_values,
                                           [NEURLP_ARRAY_FINAL_VALUES] = g->final_values,
                                           [NEURLP_ARRAY_STEPS] = g->steps};
  const neurlp_sharing sharing[NEURLP_ARRAY_INPUTS] = {[NEURLP_ARRAY_COEFFICIENTS] =
                                                           shape->coefficients_sharing,
                                                       [NEURLP_ARRAY_RHS] = shape->rhs_sharing,
                                                       [NEURLP_ARRAY_STEPS] = shape->steps_sharing};
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    if (!list[array]) continue;
    if (sharing[array] & NEURLP_CONSTANT)
      NEURLP_TRY(launch_collect(c, shape, (neurlp_array)array, list[array]));
    NEURLP_TRY(launch_finish(c, shape, (neurlp_array)array, list[array]));
  }
done:
  return status;
}

static neurlp_status finish_all(const cut_call *c) {
  const neurlp_shape *shape = &c->s->problem->shape;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(launch_settle(c));
  NEURLP_TRY(launch_finish(c, shape, NEURLP_ARRAY_SOLUTION, c->tiles->job.solution));
  NEURLP_TRY(launch_finish(c, shape, NEURLP_ARRAY_SOLUTION, c->tiles->job.tangent));
  NEURLP_TRY(finish_gradients(c));
done:
  return status;
}

neurlp_status neurlp_cut_run_cuda(cuda_state *s, const cuda_call *call, const neurlp_cuda_tiles *tiles) {
  const cuda_cut *cut = &s->cut;
  const neurlp_inputs inputs = {.systems = call->systems, .lengths = call->in[CUDA_LENGTHS]};
  cut_call c = {.s = s,
                .tiles = tiles,
                .kernel = call->kernel,
                .systems = call->systems,
                .normal = tiles->job.solution == NULL};
  neurlp_status status = NEURLP_SUCCESS;
  make_lists(cut, &s->problem->shape, &inputs, c.records);
  NEURLP_TRY(s->device->operations->copy(s->device, 0, cut->lists_on_device, cut->lists, cut->list_bytes));
  NEURLP_TRY(launch_pass(&c, true, true));
  NEURLP_TRY(launch_pass(&c, false, true));
  for (int32_t l = 0; l + 1 < cut->levels; l++) NEURLP_TRY(launch_level(&c, l, false));
  NEURLP_TRY(launch_chain(&c));
  for (int32_t l = cut->levels - 2; l >= 0; l--) NEURLP_TRY(launch_level(&c, l, true));
  NEURLP_TRY(launch_pass(&c, true, false));
  NEURLP_TRY(launch_pass(&c, false, false));
  status = finish_all(&c);
done:
  return status;
}

neurlp_status neurlp_cut_create_cuda(cuda_state *s) {
  const neurlp_device_operations *device = s->device->operations;
  cuda_cut *cut = &s->cut;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(device->allocate_pinned(s->device, cut->list_bytes, (void **)&cut->lists));
  NEURLP_TRY(device->allocate(s->device, cut->list_bytes, (void **)&cut->lists_on_device));
  NEURLP_TRY(device->allocate(s->device, cut->device_bytes, (void **)&cut->on_device));
done:
  return status;
}

void neurlp_cut_destroy_cuda(cuda_state *s) {
  void *lists = s->cut.lists, *list[2] = {s->cut.lists_on_device, s->cut.on_device};
  s->device->operations->release_pinned(s->device, &lists);
  for (int32_t i = 0; i < 2; i++) s->device->operations->release(s->device, &list[i]);
}
