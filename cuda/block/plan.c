#include "cuda/block/plan.h"

/* A queue's room is to be no larger than this, unless a group of systems is: enough for copies to be fast. */
static const size_t ROOM_BYTES = (size_t)256 << 20;

enum { GROUP = NEURLP_CUDA_GROUP };

static int64_t whole_groups(int64_t items) {
  return (items + GROUP - 1) / GROUP * GROUP;
}

static cuda_extent extent_of(const neurlp_shape *shape, neurlp_array array, bool gradient) {
  const neurlp_extents z = neurlp_array_extents(shape, array);
  const size_t bytes = (size_t)z.per_system * neurlp_number_bytes(shape);
  const bool shared = z.system_stride == 0;
  return (cuda_extent){.system = shared && !gradient ? 0 : bytes, .shared = shared ? bytes : 0};
}

static void find_extents(cuda_plan *plan, const neurlp_shape *shape) {
  cuda_extent *extents = plan->extents;
  for (int32_t a = 0; a < NEURLP_ARRAY_INPUTS; a++) {
    extents[CUDA_INPUTS + a] = extents[CUDA_DIRECTION + a] = extent_of(shape, (neurlp_array)a, false);
    extents[CUDA_GRADIENTS + a] = extent_of(shape, (neurlp_array)a, true);
    plan->shared_bytes += 2 * cuda_whole_bytes(extents[CUDA_INPUTS + a].shared);
    plan->sums_bytes += (CUDA_SUM_PARTS + 1) * cuda_whole_bytes(extents[CUDA_GRADIENTS + a].shared);
  }
  extents[CUDA_SOLUTION] = extent_of(shape, NEURLP_ARRAY_SOLUTION, false);
  extents[CUDA_GRAD_OUTPUT] = extents[CUDA_TANGENT] = extents[CUDA_SOLUTION];
  extents[CUDA_SLACK] = extent_of(shape, NEURLP_ARRAY_SLACK, false);
  extents[CUDA_LENGTHS].system = extents[CUDA_STATUS].system = sizeof(int32_t);
}

static size_t place_roles(cuda_plan *plan, size_t offset, int32_t first, int32_t count) {
  for (int32_t role = first; role < first + count; role++) {
    plan->extents[role].offset = offset;
    offset += cuda_whole_bytes(plan->extents[role].system * (size_t)plan->chunk);
  }
  return offset;
}

/* What has room where arrays are in place: of each system its gradients of what all share. */
static size_t place_summed(cuda_plan *plan, size_t offset) {
  for (int32_t role = CUDA_GRADIENTS; role < CUDA_DIRECTION; role++)
    if (plan->extents[role].shared > 0) offset = place_roles(plan, offset, role, 1);
  return offset;
}

/* Places arrays that are copied in a room: adjoint, tangent and slack are never at work together, and
 * overlap. */
static size_t place_all(cuda_plan *plan) {
  if (plan->resident) {
    const size_t end = place_roles(plan, 0, CUDA_LENGTHS, 2);
    return plan->in_place ? place_summed(plan, end) : end;
  }
  const size_t inputs = place_roles(plan, 0, CUDA_INPUTS, NEURLP_ARRAY_INPUTS);
  const size_t solved = place_roles(plan, inputs, CUDA_SOLUTION, 1);
  const size_t common = place_roles(plan, solved, CUDA_LENGTHS, 2);
  const size_t ends[3] = {
      place_roles(plan, place_roles(plan, common, CUDA_GRADIENTS, NEURLP_ARRAY_INPUTS), CUDA_GRAD_OUTPUT, 1),
      place_roles(plan, place_roles(plan, common, CUDA_DIRECTION, NEURLP_ARRAY_INPUTS), CUDA_TANGENT, 1),
      place_roles(plan, common, CUDA_SLACK, 1)};
  size_t end = ends[0];
  for (int32_t i = 1; i < 3; i++) end = ends[i] > end ? ends[i] : end;
  return end;
}

/* The largest chunk whose room is not larger than that. */
static void choose_chunk(cuda_plan *plan, int64_t systems, size_t room_bytes) {
  plan->chunk = systems;
  if (plan->resident) {
    plan->room_bytes = place_all(plan);
    return;
  }
  plan->chunk = GROUP;
  const size_t group = place_all(plan);
  const int64_t groups = group > 0 ? (int64_t)(room_bytes / group) : systems;
  const int64_t most = groups > 1 ? groups * GROUP : GROUP;
  plan->chunk = most < systems ? most : systems;
  plan->room_bytes = place_all(plan);
}

/* No more threads than systems of a chunk, and all with about the same number of them. */
static int64_t even_threads(int64_t items, int64_t most) {
  const int64_t rounds = (items + most - 1) / most;
  return whole_groups((items + rounds - 1) / rounds);
}

static void add_up(cuda_plan *plan) {
  const size_t workspace = plan->group_bytes * (size_t)(plan->threads / GROUP);
  plan->device_bytes = plan->store_bytes + plan->shared_bytes +
                       (size_t)plan->queues * (plan->room_bytes + plan->sums_bytes + workspace);
  plan->pinned_bytes = (size_t)plan->queues * plan->room_bytes;
}

void neurlp_plan_cuda(cuda_plan *plan, const neurlp_problem *problem, const neurlp_cuda_kernels *kernels,
                      int64_t device_threads, cuda_stay stay, size_t limit_bytes) {
  const bool resident = stay != CUDA_COPIED;
  const int64_t systems = problem->shape.systems;
  *plan = (cuda_plan){.resident = resident,
                      .in_place = stay == CUDA_IN_PLACE,
                      .queues = resident ? 1 : NEURLP_DEVICE_QUEUES,
                      .group_bytes = kernels->group_bytes(problem),
                      .threads = GROUP};
  find_extents(plan, &problem->shape);
  if (problem->keeps)
    plan->store_bytes = kernels->store_bytes(problem, false) * (size_t)(whole_groups(systems) / GROUP);
  choose_chunk(plan, systems, ROOM_BYTES < limit_bytes / 8 ? ROOM_BYTES : limit_bytes / 8);
  add_up(plan);
  const size_t left = plan->device_bytes < limit_bytes ? limit_bytes - plan->device_bytes : 0;
  const int64_t more = (int64_t)(left / (size_t)plan->queues / plan->group_bytes) * GROUP;
  const int64_t most = device_threads > GROUP ? device_threads / GROUP * GROUP : GROUP;
  plan->threads = even_threads(plan->chunk, more + GROUP < most ? more + GROUP : most);
  add_up(plan);
}

void neurlp_plan_cut_cuda(cuda_plan *plan, const neurlp_problem *problem, const cuda_cut *cut,
                          cuda_stay stay) {
  *plan = (cuda_plan){.resident = stay != CUDA_COPIED,
                      .in_place = stay == CUDA_IN_PLACE,
                      .queues = 1,
                      .group_bytes = cut->group_bytes,
                      .threads = cut->threads,
                      .chunk = problem->shape.systems};
  find_extents(plan, &problem->shape);
  plan->room_bytes = place_all(plan);
  add_up(plan);
  plan->device_bytes += cut->list_bytes + cut->device_bytes;
  plan->pinned_bytes += cut->list_bytes;
}
