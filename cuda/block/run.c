/* Calls in chunks: copied to the device, worked on, copied back, one queue after the other in turn. */
#include "cuda/block/count_kernels.h"
#include "cuda/block/state.h"
#include "cuda/block/sum_kernels.h"
#include "cuda/device/transfer.h"

#include <string.h>

enum { GROUP = NEURLP_CUDA_GROUP };

/* Where the caller's arrays are: asking takes the driver longer than starting a copy, so it is asked once. */
static void find_places(const cuda_state *s, cuda_call *call) {
  const neurlp_device_operations *device = s->device->operations;
  for (int32_t role = 0; role < CUDA_ROLES; role++) {
    if (s->plan.in_place) call->in_place[role] = call->out_place[role] = NEURLP_PLACE_DEVICE;
    if (s->plan.in_place) continue;
    if (call->in[role]) call->in_place[role] = device->place(s->device, call->in[role]);
    if (call->out[role]) call->out_place[role] = device->place(s->device, call->out[role]);
  }
}

/* Whether a role's array has the same numbers for all systems in the kernel's eyes. */
static bool is_shared_input(const cuda_state *s, int32_t role) {
  return s->plan.extents[role].system == 0 && s->plan.extents[role].shared > 0;
}

/* ---- from the caller to the device ------------------------------------------------------------------- */

/* Where input `role` that all systems share has its place. */
static unsigned char *shared_place(const cuda_state *s, int32_t role) {
  size_t offset = 0;
  for (int32_t r = 0; r < role; r++)
    if (is_shared_input(s, r)) offset += cuda_whole_bytes(s->plan.extents[r].shared);
  return s->shared + offset;
}

/* Copies from the caller, who has it in `place`, by way of `pinned` unless the device can reach it there. */
static neurlp_status copy_in(const cuda_state *s, int32_t queue, void *to, const void *from,
                             neurlp_place place, void *pinned, size_t bytes) {
  if (place == NEURLP_PLACE_HOST) from = memcpy(pinned, from, bytes);
  return s->device->operations->copy(s->device, queue, to, from, bytes);
}

/* Shared inputs go first. If there is but one chunk, queue 0 does all, and they go by the pinned room of
 * queue 1, which is free, with nothing to wait for. Else both queues have to find them there: then they go
 * by the room of queue 0, one after the other, and are waited for. */
static neurlp_status copy_shared(const cuda_state *s, const cuda_call *call) {
  const bool ahead =
      s->plan.queues > 1 && call->systems <= s->plan.chunk && s->plan.shared_bytes <= s->plan.room_bytes;
  const cuda_transfer transfer = {s->device, pinned_of(s, 0), s->plan.room_bytes};
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t role = 0; role < CUDA_ROLES; role++) {
    const void *from = call->in[role];
    const size_t bytes = s->plan.extents[role].shared;
    if (!from || !is_shared_input(s, role) || call->in_place[role] == NEURLP_PLACE_DEVICE) continue;
    unsigned char *to = shared_place(s, role);
    if (ahead)
      NEURLP_TRY(copy_in(s, 0, to, from, call->in_place[role], pinned_of(s, 1) + (to - s->shared), bytes));
    else
      NEURLP_TRY(neurlp_transfer_in(&transfer, to, from, bytes));
  }
done:
  return status;
}

/* The device's pointer to input `role` of the chunk in a queue, which is copied if it is the host's. */
static neurlp_status bring_input(const cuda_state *s, const cuda_call *call, int32_t queue, int32_t role,
                                 const void **input) {
  const cuda_extent *extent = &s->plan.extents[role];
  const cuda_queue *q = &s->queues[queue];
  const void *from = call->in[role];
  *input = NULL;
  if (!from) return NEURLP_SUCCESS;
  const bool device = call->in_place[role] == NEURLP_PLACE_DEVICE;
  if (is_shared_input(s, role)) {
    *input = device ? from : shared_place(s, role);
    return NEURLP_SUCCESS;
  }
  from = (const unsigned char *)from + extent->system * (size_t)q->first;
  *input = device ? from : q->room + extent->offset;
  if (device) return NEURLP_SUCCESS;
  return copy_in(s, queue, q->room + extent->offset, from, call->in_place[role],
                 pinned_of(s, queue) + extent->offset, extent->system * (size_t)q->count);
}

/* ---- from the device to the caller ------------------------------------------------------------------- */

/* Where output `role` of the chunk in a queue is written: in the caller's array if that is on the device,
 * unless systems are still to be added up. */
static void *output_place(const cuda_state *s, const cuda_call *call, int32_t queue, int32_t role) {
  const cuda_extent *extent = &s->plan.extents[role];
  const cuda_queue *q = &s->queues[queue];
  unsigned char *to = call->out[role];
  if (!to) return NULL;
  if (extent->shared > 0 || call->out_place[role] != NEURLP_PLACE_DEVICE) return q->room + extent->offset;
  return to + extent->system * (size_t)q->first;
}

static size_t sum_offset(const cuda_state *s, int32_t role) {
  size_t offset = 0;
  for (int32_t r = CUDA_GRADIENTS; r < role; r++)
    offset += (CUDA_SUM_PARTS + 1) * cuda_whole_bytes(s->plan.extents[r].shared);
  return offset;
}

static neurlp_status launch_sum(const cuda_state *s, int32_t queue, const neurlp_cuda_sum *sum) {
  const bool single = s->problem->shape.precision == NEURLP_SINGLE;
  const neurlp_cuda_kernel *kernel = neurlp_cuda_sum_kernel(single);
  const int64_t tasks = sum->parts * sum->width, most = s->device->threads;
  return s->device->operations->launch(s->device, queue, kernel, tasks < most ? tasks : most, sum,
                                       sizeof *sum);
}

/* Adds the chunk in a queue to the queue's sum of a gradient. */
static neurlp_status add_chunk(const cuda_state *s, int32_t queue, int32_t role) {
  const cuda_extent *extent = &s->plan.extents[role];
  const cuda_queue *q = &s->queues[queue];
  unsigned char *total = q->sums + sum_offset(s, role), *parts = total + cuda_whole_bytes(extent->shared);
  const int64_t width = (int64_t)(extent->shared / neurlp_number_bytes(&s->problem->shape));
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(launch_sum(s, queue,
                        &(neurlp_cuda_sum){.from = q->room + extent->offset,
                                           .to = parts,
                                           .rows = q->count,
                                           .width = width,
                                           .parts = CUDA_SUM_PARTS}));
  NEURLP_TRY(launch_sum(
      s, queue,
      &(neurlp_cuda_sum){
          .from = parts, .to = total, .rows = CUDA_SUM_PARTS, .width = width, .parts = 1, .add = true}));
done:
  return status;
}

/* Sends the outputs of the chunk on their way. */
static neurlp_status send_outputs(const cuda_state *s, const cuda_call *call, int32_t queue) {
  const cuda_queue *q = &s->queues[queue];
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t role = 0; role < CUDA_ROLES; role++) {
    const cuda_extent *extent = &s->plan.extents[role];
    unsigned char *to = call->out[role];
    if (!to) continue;
    if (extent->shared > 0) {
      NEURLP_TRY(add_chunk(s, queue, role));
      continue;
    }
    const neurlp_place place = call->out_place[role];
    if (place == NEURLP_PLACE_DEVICE) continue;
    to = place == NEURLP_PLACE_HOST ? pinned_of(s, queue) + extent->offset
                                    : to + extent->system * (size_t)q->first;
    NEURLP_TRY(s->device->operations->copy(s->device, queue, to, q->room + extent->offset,
                                           extent->system * (size_t)q->count));
  }
done:
  return status;
}

/* Waits for a queue and gives the caller what has come back. */
static neurlp_status finish_chunk(cuda_state *s, const cuda_call *call, int32_t queue) {
  cuda_queue *q = &s->queues[queue];
  neurlp_status status = NEURLP_SUCCESS;
  if (q->count == 0 || s->plan.in_place) return status;
  NEURLP_TRY(s->device->operations->wait(s->device, queue));
  for (int32_t role = 0; role < CUDA_ROLES; role++) {
    const cuda_extent *extent = &s->plan.extents[role];
    unsigned char *to = call->out[role];
    if (!to || extent->shared > 0 || call->out_place[role] != NEURLP_PLACE_HOST) continue;
    memcpy(to + extent->system * (size_t)q->first, pinned_of(s, queue) + extent->offset,
           extent->system * (size_t)q->count);
  }
done:
  q->count = 0;
  return status;
}

/* The sums of all queues, in their order, to the caller. */
static neurlp_status finish_sums(const cuda_state *s, const cuda_call *call) {
  const neurlp_device_operations *device = s->device->operations;
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t queue = 1; queue < s->plan.queues; queue++) NEURLP_TRY(device->wait(s->device, queue));
  for (int32_t role = CUDA_GRADIENTS; role < CUDA_DIRECTION; role++) {
    const size_t all = s->plan.extents[role].shared, offset = sum_offset(s, role), most = s->plan.room_bytes;
    unsigned char *to = call->out[role], *total = s->queues[0].sums + offset;
    if (!to || all == 0) continue;
    for (int32_t queue = 1; queue < s->plan.queues; queue++)
      NEURLP_TRY(
          launch_sum(s, 0,
                     &(neurlp_cuda_sum){.from = s->queues[queue].sums + offset,
                                        .to = total,
                                        .rows = 1,
                                        .width = (int64_t)(all / neurlp_number_bytes(&s->problem->shape)),
                                        .parts = 1,
                                        .add = true}));
    const bool direct = call->out_place[role] != NEURLP_PLACE_HOST;
    for (size_t done = 0; done < all; done += most) {
      const size_t bytes = all - done < most ? all - done : most;
      NEURLP_TRY(device->copy(s->device, 0, direct ? to + done : pinned_of(s, 0), total + done, bytes));
      if (!s->plan.in_place) NEURLP_TRY(device->wait(s->device, 0));
      if (!direct) memcpy(to + done, pinned_of(s, 0), bytes);
    }
  }
done:
  return status;
}

/* ---- a chunk ----------------------------------------------------------------------------------------- */

static neurlp_shape without_sharing(const neurlp_shape *shape) {
  neurlp_shape own = *shape;
  neurlp_sharing *list[] = {&own.coefficients_sharing, &own.rhs_sharing, &own.steps_sharing,
                            &own.values_sharing};
  for (int32_t i = 0; i < 4; i++) *list[i] = *list[i] & NEURLP_CONSTANT;
  return own;
}

static neurlp_status bring_inputs(const cuda_state *s, const cuda_call *call, int32_t queue,
                                  const void *in[CUDA_ROLES]) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t role = 0; role < CUDA_ROLES; role++) NEURLP_TRY(bring_input(s, call, queue, role, &in[role]));
  if (call->left) {
    in[CUDA_INPUTS + NEURLP_ARRAY_COEFFICIENTS] = call->left->arrays[NEURLP_ARRAY_COEFFICIENTS];
    in[CUDA_INPUTS + NEURLP_ARRAY_STEPS] = call->left->arrays[NEURLP_ARRAY_STEPS];
  }
done:
  return status;
}

/* What the kernel is given for the chunk in a queue. */
static void make_tiles(const cuda_state *s, const cuda_call *call, int32_t queue,
                       const void *const in[CUDA_ROLES], neurlp_cuda_tiles *tiles) {
  const cuda_queue *q = &s->queues[queue];
  void *out[CUDA_ROLES];
  for (int32_t role = 0; role < CUDA_ROLES; role++) out[role] = output_place(s, call, queue, role);
  const void *const *direction = in + CUDA_DIRECTION;
  void *const *gradients = out + CUDA_GRADIENTS;
  *tiles = (neurlp_cuda_tiles){.problem = *s->problem,
                               .gradient_shape = without_sharing(&s->problem->shape),
                               .items = q->count,
                               .threads = s->plan.threads,
                               .group_bytes = s->plan.group_bytes};
  tiles->inputs = (neurlp_inputs){.systems = q->count,
                                  .coefficients = in[NEURLP_ARRAY_COEFFICIENTS],
                                  .rhs = in[NEURLP_ARRAY_RHS],
                                  .initial_values = in[NEURLP_ARRAY_INITIAL_VALUES],
                                  .final_values = in[NEURLP_ARRAY_FINAL_VALUES],
                                  .steps = in[NEURLP_ARRAY_STEPS],
                                  .lengths = in[CUDA_LENGTHS]};
  tiles->gradients = (neurlp_gradients){.coefficients = gradients[NEURLP_ARRAY_COEFFICIENTS],
                                        .rhs = gradients[NEURLP_ARRAY_RHS],
                                        .initial_values = gradients[NEURLP_ARRAY_INITIAL_VALUES],
                                        .final_values = gradients[NEURLP_ARRAY_FINAL_VALUES],
                                        .steps = gradients[NEURLP_ARRAY_STEPS]};
  tiles->direction = (neurlp_direction){.coefficients = direction[NEURLP_ARRAY_COEFFICIENTS],
                                        .rhs = direction[NEURLP_ARRAY_RHS],
                                        .initial_values = direction[NEURLP_ARRAY_INITIAL_VALUES],
                                        .final_values = direction[NEURLP_ARRAY_FINAL_VALUES],
                                        .steps = direction[NEURLP_ARRAY_STEPS]};
  tiles->job = (neurlp_tile_job){.workspace = q->workspace,
                                 .kept = call->kept,
                                 .stored = call->stored,
                                 .solution = out[CUDA_SOLUTION],
                                 .solved = in[CUDA_SOLUTION],
                                 .grad_output = in[CUDA_GRAD_OUTPUT],
                                 .tangent = out[CUDA_TANGENT],
                                 .slack = out[CUDA_SLACK],
                                 .status = out[CUDA_STATUS]};
  if (s->store)
    tiles->job.store = s->store + (size_t)(q->first / GROUP) * s->kernels->store_bytes(s->problem, false);
}

/* Systems that failed, or do not count, get zeros; those that do not count never failed here. */
static neurlp_status drop_failed(const cuda_state *s, const cuda_call *call) {
  const bool single = s->problem->shape.precision == NEURLP_SINGLE;
  const neurlp_cuda_count_kernels *kernels = neurlp_cuda_count_kernels_of(single);
  const int64_t number = (int64_t)neurlp_number_bytes(&s->problem->shape), most = s->device->threads;
  neurlp_cuda_count count = {.systems = call->systems,
                             .blocks = call->counting->blocks,
                             .present = call->counting->present,
                             .before = call->counting->before,
                             .of_factor = call->of_factor,
                             .status = call->out[CUDA_STATUS]};
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t role = 0; role < CUDA_STATUS; role++) {
    if (!call->out[role]) continue;
    count.arrays[count.count] = output_place(s, call, 0, role);
    count.sizes[count.count++] = (int64_t)s->plan.extents[role].system / number;
  }
  NEURLP_TRY(s->device->operations->launch(
      s->device, 0, &kernels->judge, call->systems < most ? call->systems : most, &count, sizeof count));
  status = s->device->operations->launch(s->device, 0, &kernels->clear, most, &count, sizeof count);
done:
  return status;
}

static neurlp_status begin_chunk(cuda_state *s, const cuda_call *call, int32_t queue, int64_t first) {
  cuda_queue *q = &s->queues[queue];
  const void *in[CUDA_ROLES];
  neurlp_cuda_tiles tiles;
  neurlp_status status = NEURLP_SUCCESS;
  q->first = first;
  q->count = call->systems - first < s->plan.chunk ? call->systems - first : s->plan.chunk;
  NEURLP_TRY(bring_inputs(s, call, queue, in));
  make_tiles(s, call, queue, in, &tiles);
  if (call->by_map)
    NEURLP_TRY(neurlp_map_run_cuda(s, queue, &tiles));
  else if (s->cut.plan.intervals > 0 && call->kernel != &s->kernels->slack)
    NEURLP_TRY(neurlp_cut_run_cuda(s, call, &tiles));
  else
    NEURLP_TRY(
        s->device->operations->launch(s->device, queue, call->kernel, tiles.threads, &tiles, sizeof tiles));
  if (call->counting) NEURLP_TRY(drop_failed(s, call));
  NEURLP_TRY(send_outputs(s, call, queue));
done:
  return status;
}

/* After a failure nothing may be left in a queue that writes to memory of this call. */
static void abandon(cuda_state *s) {
  for (int32_t queue = 0; queue < s->plan.queues && !s->plan.in_place; queue++) {
    s->queues[queue].count = 0;
    (void)s->device->operations->wait(s->device, queue);
  }
}

neurlp_status neurlp_run_cuda(cuda_state *s, cuda_call *call) {
  neurlp_status status = NEURLP_SUCCESS;
  find_places(s, call);
  NEURLP_TRY(copy_shared(s, call));
  for (int32_t queue = 0; queue < s->plan.queues && s->plan.sums_bytes > 0; queue++)
    NEURLP_TRY(s->device->operations->set(s->device, queue, s->queues[queue].sums, 0, s->plan.sums_bytes));
  int32_t queue = 0;
  for (int64_t first = 0; first < call->systems; first += s->plan.chunk) {
    NEURLP_TRY(finish_chunk(s, call, queue));
    NEURLP_TRY(begin_chunk(s, call, queue, first));
    queue = (queue + 1) % s->plan.queues;
  }
  for (int32_t i = 0; i < s->plan.queues; i++, queue = (queue + 1) % s->plan.queues)
    NEURLP_TRY(finish_chunk(s, call, queue));
  NEURLP_TRY(finish_sums(s, call));
done:
  if (status < 0) abandon(s);
  return status;
}
