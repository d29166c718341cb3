/* The backend of graphs on a device: memory, and passes, which are recorded. */
#include "cuda/device/transfer.h"
#include "cuda/graph/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory of a context ----------------------------------------------------------------------------- */

/* Pinned memory that arrays go through, attached to the context. */
enum { ROOM_BYTES = 1 << 20 };

neurlp_status neurlp_graph_device_cuda(neurlp_context *context, neurlp_device **device) {
  const bool imitated = strcmp(neurlp_context_backend(context), "cuda:check") == 0;
  return imitated ? neurlp_device_of_host(context, device) : neurlp_device_of_cuda(context, device);
}

static void close_room(void *object) {
  cuda_transfer *transfer = object;
  neurlp_context *context = transfer->device->context;
  transfer->device->operations->release_pinned(transfer->device, &transfer->room);
  neurlp_release(context, &transfer);
}

/* One for the GPU of a context, and one for the imitated one. */
static neurlp_status transfer_of(neurlp_context *context, cuda_transfer **transfer) {
  static const char keys[2];
  neurlp_device *device = NULL;
  cuda_transfer *made = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  const char *key = &keys[strcmp(neurlp_context_backend(context), "cuda:check") == 0];
  *transfer = neurlp_attached(context, key);
  if (*transfer) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_graph_device_cuda(context, &device));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  *made = (cuda_transfer){.device = device, .room_bytes = ROOM_BYTES};
  NEURLP_TRY(device->operations->allocate_pinned(device, ROOM_BYTES, &made->room));
  NEURLP_TRY(neurlp_attach(context, key, made, close_room));
  *transfer = made;
  made = NULL;
done:
  if (made) close_room(made);
  return status;
}

static neurlp_status open_machine(neurlp_context *context) {
  cuda_transfer *transfer = NULL;
  return transfer_of(context, &transfer);
}

static neurlp_status allocate(neurlp_context *context, size_t bytes, void **memory) {
  neurlp_device *device = NULL;
  const neurlp_status status = neurlp_graph_device_cuda(context, &device);
  *memory = NULL;
  return status < 0 ? status : device->operations->allocate(device, bytes, memory);
}

static void release(neurlp_context *context, void **memory) {
  neurlp_device *device = NULL;
  if (*memory && neurlp_graph_device_cuda(context, &device) >= 0) device->operations->release(device, memory);
}

neurlp_status neurlp_graph_upload_cuda(neurlp_context *context, void *to, const void *from, size_t bytes) {
  cuda_transfer *transfer = NULL;
  const neurlp_status status = transfer_of(context, &transfer);
  return status < 0 ? status : neurlp_transfer_in(transfer, to, from, bytes);
}

neurlp_status neurlp_graph_download_cuda(neurlp_context *context, void *to, const void *from, size_t bytes) {
  cuda_transfer *transfer = NULL;
  const neurlp_status status = transfer_of(context, &transfer);
  return status < 0 ? status : neurlp_transfer_out(transfer, to, from, bytes);
}

static neurlp_status fill(neurlp_context *context, void *memory, unsigned char byte, size_t bytes) {
  neurlp_device *device = NULL;
  const neurlp_status status = neurlp_graph_device_cuda(context, &device);
  return status < 0 ? status : device->operations->set(device, 0, memory, byte, bytes);
}

static neurlp_status wait_machine(neurlp_context *context) {
  neurlp_device *device = NULL;
  const neurlp_status status = neurlp_graph_device_cuda(context, &device);
  return status < 0 ? status : device->operations->wait(device, 0);
}

/* ---- what a graph has -------------------------------------------------------------------------------- */

static bool computed(const neurlp_node *node) {
  return node->role == NEURLP_ROLE_COMPUTED;
}

static bool is_operation(const neurlp_node *node, const neurlp_operation *operation) {
  return computed(node) && node->operation == operation;
}

static size_t workspace_bytes(neurlp_graph *graph) {
  size_t most = 0;
  for (int32_t i = 0; i < neurlp_graph_values(graph); i++) {
    const neurlp_node *node = neurlp_graph_node(graph, i);
    const size_t bytes = computed(node) ? neurlp_graph_workspace_cuda(graph, node) : 0;
    if (most < bytes) most = bytes;
  }
  return most;
}

static int64_t most_systems(neurlp_graph *graph) {
  int64_t most = 0;
  for (int32_t i = 0; i < neurlp_graph_values(graph); i++) {
    const int64_t systems = neurlp_block_systems_cuda(neurlp_graph_node(graph, i));
    if (most < systems) most = systems;
  }
  return most;
}

/* Where the numbers of an input begin in pinned memory, or where those of all end. */
static size_t input_offset(neurlp_graph *graph, const neurlp_node *input) {
  enum { APART = 256 };
  size_t offset = 0;
  for (int32_t i = 0; i < neurlp_graph_values(graph); i++) {
    const neurlp_node *node = neurlp_graph_node(graph, i);
    if (node == input) break;
    if (node->role == NEURLP_ROLE_INPUT)
      offset += ((size_t)node->numbers * neurlp_graph_number_bytes(graph) + APART - 1) / APART * APART;
  }
  return offset;
}

/* The loss, and other single numbers that are kept, as far as there is room for them. */
static int32_t list_numbers(neurlp_graph *graph, neurlp_value values[NEURLP_CUDA_GATHERED]) {
  const neurlp_value loss = neurlp_graph_loss_value(graph);
  int32_t count = 0;
  if (loss >= 0) values[count++] = loss;
  for (int32_t i = 0; i < neurlp_graph_values(graph) && count < NEURLP_CUDA_GATHERED; i++) {
    const neurlp_node *node = neurlp_graph_node(graph, i);
    if (i != loss && computed(node) && node->kept && node->numbers == 1) values[count++] = i;
  }
  return count;
}

/* Numbers and statuses together, as they come to the host. */
static size_t answer_bytes(neurlp_graph *graph) {
  neurlp_value values[NEURLP_CUDA_GATHERED];
  return (size_t)list_numbers(graph, values) * sizeof(double) +
         (size_t)neurlp_graph_samples(graph) * sizeof(int32_t);
}

static size_t bytes_of(neurlp_graph *graph) {
  size_t bytes = sizeof(cuda_graph) + 2 * sizeof(neurlp_cuda_run) + 2 * answer_bytes(graph) +
                 (size_t)most_systems(graph) * sizeof(int32_t) + workspace_bytes(graph) +
                 input_offset(graph, NULL) +
                 (size_t)neurlp_graph_values(graph) * (sizeof(cuda_value) + sizeof(cuda_segment)) +
                 (size_t)(neurlp_graph_loss_value(graph) + 1) * sizeof(cuda_segment);
  for (int32_t i = 0; i < neurlp_graph_values(graph); i++) {
    const neurlp_node *node = neurlp_graph_node(graph, i);
    if (is_operation(node, &neurlp_operation_library)) bytes += neurlp_library_bytes_cuda(node);
    bytes += neurlp_block_bytes_cuda(node);
    if (is_operation(node, &neurlp_operation_nonlinear)) bytes += neurlp_nonlinear_bytes_cuda(graph, node);
  }
  return bytes;
}

static void destroy_own(neurlp_context *context, void **own) {
  cuda_graph *g = *own;
  const neurlp_device_operations *device = g->device->operations;
  (void)device->wait(g->device, 0);
  for (int32_t way = 0; way < 2; way++) {
    for (int32_t i = 0; i < g->passes[way].count; i++)
      device->forget(g->device, &g->passes[way].segments[i].recording);
    neurlp_release(context, &g->passes[way].segments);
  }
  device->forget(g->device, &g->both);
  for (int32_t i = 0; g->values && i < g->value_count; i++) neurlp_block_unmake_cuda(&g->values[i]);
  for (int32_t i = 0; g->values && i < g->value_count; i++)
    for (int32_t j = 0; j < 4; j++) {
      void **memory = &g->values[i].memory[j];
      if (*memory && device->place(g->device, *memory) == NEURLP_PLACE_DEVICE)
        device->release(g->device, memory);
      else
        neurlp_release(context, memory);
    }
  void *list[] = {g->run, g->numbers, g->systems, g->workspace};
  void *pinned[] = {g->pinned_numbers, g->pinned_run, g->pinned_inputs};
  for (int32_t i = 0; i < 4; i++) device->release(g->device, &list[i]);
  for (int32_t i = 0; i < 3; i++) device->release_pinned(g->device, &pinned[i]);
  neurlp_release(context, &g->values);
  neurlp_release(context, own);
}

/* NULL where there is nothing to hold. What is pinned is 0 at first: an input that nobody writes goes to the
 * device with every run. */
static neurlp_status hold(cuda_graph *g, bool pinned, size_t bytes, void *pointer) {
  const neurlp_device_operations *device = g->device->operations;
  void *memory = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (bytes > 0)
    status = pinned ? device->allocate_pinned(g->device, bytes, &memory)
                    : device->allocate(g->device, bytes, &memory);
  if (pinned && memory) memset(memory, 0, bytes);
  memcpy(pointer, &memory, sizeof memory);
  return status;
}

static neurlp_status make_values(neurlp_graph *graph, cuda_graph *g) {
  neurlp_status status = NEURLP_SUCCESS;
  g->value_count = neurlp_graph_values(graph);
  NEURLP_TRY(neurlp_allocate(g->context, g->value_count, sizeof *g->values, &g->values));
  for (int32_t i = 0; i < g->value_count; i++) {
    neurlp_node *node = neurlp_graph_node(graph, i);
    if (is_operation(node, &neurlp_operation_block)) {
      NEURLP_TRY(neurlp_block_make_cuda(graph, node, &g->values[i]));
      g->blocks = true;
    }
    if (is_operation(node, &neurlp_operation_library))
      NEURLP_TRY(neurlp_library_make_cuda(graph, node, &g->values[i]));
    if (is_operation(node, &neurlp_operation_nonlinear))
      NEURLP_TRY(neurlp_nonlinear_make_cuda(graph, node, &g->values[i]));
  }
done:
  return status;
}

/* Nonlinear blocks go through the host. */
static bool waits(neurlp_graph *graph, bool forward, int32_t step) {
  const neurlp_node *node = neurlp_graph_node(graph, neurlp_graph_step_value(graph, forward, step));
  return is_operation(node, &neurlp_operation_nonlinear);
}

/* Cuts a pass where something waits. */
static neurlp_status cut_pass(neurlp_graph *graph, bool forward, int32_t steps, cuda_pass *pass) {
  const neurlp_status status =
      neurlp_allocate(neurlp_graph_context(graph), steps, sizeof *pass->segments, &pass->segments);
  if (status < 0) return status;
  for (int32_t step = 0; step < steps; step++) {
    cuda_segment *last = pass->count > 0 ? &pass->segments[pass->count - 1] : NULL;
    const bool alone = waits(graph, forward, step);
    if (last && !last->waits && !alone)
      last->end = step + 1;
    else
      pass->segments[pass->count++] = (cuda_segment){.first = step, .end = step + 1, .waits = alone};
  }
  return NEURLP_SUCCESS;
}

static neurlp_status create_own(neurlp_graph *graph, void **own) {
  neurlp_context *context = neurlp_graph_context(graph);
  const size_t systems = (size_t)most_systems(graph) * sizeof(int32_t);
  const char *replay = getenv("NEURLP_REPLAY");
  cuda_graph *g = NULL;
  neurlp_device *device = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_graph_device_cuda(context, &device));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *g, &g));
  *g = (cuda_graph){.context = context, .device = device};
  g->records = !replay || strcmp(replay, "off") != 0;
  g->checked = strcmp(neurlp_context_backend(context), "cuda:check") == 0;
  NEURLP_TRY(hold(g, false, sizeof *g->run, &g->run));
  g->gathered = list_numbers(graph, g->values_gathered);
  NEURLP_TRY(hold(g, false, answer_bytes(graph), &g->numbers));
  NEURLP_TRY(hold(g, true, answer_bytes(graph), &g->pinned_numbers));
  g->statuses = (int32_t *)(void *)(g->numbers + g->gathered);
  g->pinned_statuses = (int32_t *)(void *)(g->pinned_numbers + g->gathered);
  NEURLP_TRY(hold(g, false, systems, &g->systems));
  NEURLP_TRY(hold(g, false, workspace_bytes(graph), &g->workspace));
  NEURLP_TRY(hold(g, true, sizeof *g->pinned_run, &g->pinned_run));
  NEURLP_TRY(hold(g, true, input_offset(graph, NULL), &g->pinned_inputs));
  NEURLP_TRY(make_values(graph, g));
  NEURLP_TRY(cut_pass(graph, false, neurlp_graph_loss_value(graph) + 1, &g->passes[false]));
  NEURLP_TRY(cut_pass(graph, true, neurlp_graph_values(graph), &g->passes[true]));
  *own = g;
  g = NULL;
done:
  if (g) {
    void *made = g;
    destroy_own(context, &made);
  }
  return status;
}

cuda_value *neurlp_graph_value_cuda(neurlp_graph *graph, const neurlp_node *node) {
  return &neurlp_graph_on_cuda(graph)->values[node - neurlp_graph_node(graph, 0)];
}

/* ---- runs -------------------------------------------------------------------------------------------- */

/* The first thing that a forward pass does, recorded or not, is to take what is in pinned memory to the
 * device, the last thing to bring answers there: until a run is over nobody else writes or reads them. */
static neurlp_status wait_pending(cuda_graph *g) {
  const neurlp_status status = g->pending ? g->device->operations->wait(g->device, 0) : NEURLP_SUCCESS;
  if (status >= 0) g->pending = false;
  return status;
}

static neurlp_status room_of_input(neurlp_graph *graph, const neurlp_node *input, void **room) {
  cuda_graph *g = neurlp_graph_on_cuda(graph);
  *room = g->pinned_inputs + input_offset(graph, input);
  return wait_pending(g);
}

static neurlp_status begin(neurlp_graph *graph) {
  cuda_graph *g = neurlp_graph_on_cuda(graph);
  const neurlp_status status = wait_pending(g);
  *g->pinned_run =
      (neurlp_cuda_run){.present = neurlp_graph_present(graph), .weight = neurlp_graph_weight(graph)};
  g->pending = true;
  return status;
}

neurlp_status neurlp_graph_send_statuses_cuda(neurlp_graph *graph) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  const neurlp_status *statuses = neurlp_graph_sample_statuses(graph);
  const int64_t samples = neurlp_graph_samples(graph);
  for (int64_t s = 0; s < samples; s++) g->pinned_statuses[s] = (int32_t)statuses[s];
  return g->device->operations->copy(g->device, 0, g->statuses, g->pinned_statuses,
                                     (size_t)samples * sizeof *g->statuses);
}

/* From pinned memory, where linear blocks may have noted something. */
static void take_statuses(neurlp_graph *graph) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  neurlp_status *statuses = neurlp_graph_sample_statuses(graph);
  for (int64_t s = 0; g->blocks && s < neurlp_graph_samples(graph); s++)
    statuses[s] = (neurlp_status)g->pinned_statuses[s];
}

neurlp_status neurlp_graph_fetch_statuses_cuda(neurlp_graph *graph) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  const size_t bytes = (size_t)neurlp_graph_samples(graph) * sizeof *g->statuses;
  neurlp_status status = NEURLP_SUCCESS;
  if (!g->blocks) return status;
  NEURLP_TRY(g->device->operations->copy(g->device, 0, g->pinned_statuses, g->statuses, bytes));
  NEURLP_TRY(g->device->operations->wait(g->device, 0));
  take_statuses(graph);
done:
  return status;
}

static neurlp_status settle(neurlp_graph *graph) {
  const neurlp_status status = wait_pending(neurlp_graph_on_cuda(graph));
  if (status >= 0) take_statuses(graph);
  return status;
}

/* After a forward run: where there are no blocks the statuses are known. */
static neurlp_status settle_statuses(neurlp_graph *graph) {
  return neurlp_graph_on_cuda(graph)->blocks ? settle(graph) : NEURLP_SUCCESS;
}

/* Kept numbers beside the statuses, and both to the host. */
static neurlp_status send_answers(neurlp_graph *graph) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  neurlp_cuda_gather work = {.count = g->gathered, .to = g->numbers};
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < g->gathered; i++)
    work.from[i] = neurlp_graph_node(graph, g->values_gathered[i])->data;
  if (work.count > 0)
    NEURLP_TRY(neurlp_start_cuda(graph, &neurlp_cuda_sample_kernels_of(neurlp_graph_single(graph))->gather,
                                 work.count, &work, sizeof work));
  status = g->device->operations->copy(g->device, 0, g->pinned_numbers, g->numbers, answer_bytes(graph));
done:
  return status;
}

static neurlp_status number_of(neurlp_graph *graph, neurlp_value value, double *number, bool *found) {
  cuda_graph *g = neurlp_graph_on_cuda(graph);
  neurlp_status status = NEURLP_SUCCESS;
  *found = false;
  for (int32_t i = 0; i < g->gathered && !*found; i++) {
    if (g->values_gathered[i] != value) continue;
    NEURLP_TRY(wait_pending(g));
    *number = g->pinned_numbers[i];
    *found = true;
  }
done:
  return status;
}

static neurlp_status set_one(neurlp_graph *graph, void *number) {
  const neurlp_cuda_set_number one = {.to = number, .number = 1};
  return neurlp_start_cuda(graph, &neurlp_cuda_sample_kernels_of(neurlp_graph_single(graph))->set_number, 1,
                           &one, sizeof one);
}

/* ---- passes ------------------------------------------------------------------------------------------ */

/* What comes before the steps of a pass. */
static neurlp_status start_pass(neurlp_graph *graph, bool forward) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  const neurlp_device_operations *device = g->device->operations;
  const size_t bytes = (size_t)neurlp_graph_samples(graph) * sizeof *g->statuses;
  neurlp_status status = NEURLP_SUCCESS;
  if (!forward) return neurlp_graph_start_backward(graph);
  NEURLP_TRY(device->copy(g->device, 0, g->run, g->pinned_run, sizeof *g->run));
  for (int32_t i = 0; i < g->value_count; i++) {
    const neurlp_node *node = neurlp_graph_node(graph, i);
    if (node->role == NEURLP_ROLE_INPUT)
      NEURLP_TRY(device->copy(g->device, 0, node->data, g->pinned_inputs + input_offset(graph, node),
                              (size_t)node->numbers * neurlp_graph_number_bytes(graph)));
  }
  status = device->set(g->device, 0, g->statuses, 0, bytes);
done:
  return status;
}

/* A segment as it is, with what comes before the first one and behind the last. */
static neurlp_status run_segment(neurlp_graph *graph, bool forward, int32_t i, bool checked) {
  const cuda_pass *pass = &neurlp_graph_on_cuda(graph)->passes[forward];
  const cuda_segment *segment = &pass->segments[i];
  neurlp_status status = NEURLP_SUCCESS;
  if (i == 0) NEURLP_TRY(start_pass(graph, forward));
  NEURLP_TRY(neurlp_graph_run_steps(graph, forward, segment->first, segment->end, checked));
  if (forward && i + 1 == pass->count) status = send_answers(graph);
done:
  return status;
}

/* Records a segment of the first pass, and one of the second, if there is one. */
static neurlp_status record(neurlp_graph *graph, int32_t count, const bool forward[], int32_t segment,
                            void **recording) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  const neurlp_device_operations *device = g->device->operations;
  neurlp_status status = NEURLP_SUCCESS;
  char message[1024];
  NEURLP_TRY(device->record(g->device, 0));
  for (int32_t i = 0; i < count && status >= 0; i++) status = run_segment(graph, forward[i], segment, false);
  if (status < 0)
    (void)device->end_record(g->device, 0, NULL);
  else
    status = device->end_record(g->device, 0, recording);
done:
  if (status >= 0) return NEURLP_SUCCESS;
  snprintf(message, sizeof message, "%s", neurlp_context_message(g->context));
  return neurlp_fail(g->context, status,
                     "recording %s: %s; NEURLP_REPLAY=off in the environment does without",
                     count == 2   ? "forward and backward"
                     : forward[0] ? "forward"
                                  : "backward",
                     message);
}

/* First as it is, which loads code; then recorded; from then on replayed. */
static neurlp_status run_pass(neurlp_graph *graph, bool forward) {
  cuda_graph *g = neurlp_graph_on_cuda(graph);
  cuda_pass *pass = &g->passes[forward];
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < pass->count; i++) {
    cuda_segment *segment = &pass->segments[i];
    if (segment->waits || !g->records || pass->runs == 0) {
      NEURLP_TRY(run_segment(graph, forward, i, g->checked && pass->runs == 0));
      continue;
    }
    if (!segment->recording) NEURLP_TRY(record(graph, 1, &forward, i, &segment->recording));
    NEURLP_TRY(g->device->operations->replay(g->device, 0, segment->recording));
  }
  pass->runs++;
  if (forward) status = settle_statuses(graph);
done:
  return status;
}

/* Whether each pass is one piece. */
static bool is_whole(neurlp_graph *graph) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  bool whole = g->records;
  for (int32_t way = 0; way < 2; way++)
    whole = whole && g->passes[way].count == 1 && !g->passes[way].segments[0].waits;
  return whole;
}

/* In one piece, where that can be. */
static neurlp_status run_both(neurlp_graph *graph) {
  static const bool ways[2] = {true, false};
  cuda_graph *g = neurlp_graph_on_cuda(graph);
  neurlp_status status = NEURLP_SUCCESS;
  if (!is_whole(graph) || g->passes[false].runs == 0 || g->passes[true].runs == 0) {
    NEURLP_TRY(run_pass(graph, true));
    return run_pass(graph, false);
  }
  if (!g->both) NEURLP_TRY(record(graph, 2, ways, 0, &g->both));
  NEURLP_TRY(g->device->operations->replay(g->device, 0, g->both));
  status = settle_statuses(graph);
done:
  return status;
}

/* Into the queue, whoever records it. */
static neurlp_status start_both(neurlp_graph *graph) {
  const neurlp_status status = run_segment(graph, true, 0, false);
  return status < 0 ? status : run_segment(graph, false, 0, false);
}

static neurlp_graph_view view_of(neurlp_graph *graph) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  return (neurlp_graph_view){.loss = g->numbers, /* the first one */
                             .samples = neurlp_graph_samples(graph),
                             .present = &g->run->present,
                             .statuses = g->statuses};
}

/* ---- the table --------------------------------------------------------------------------------------- */

static neurlp_kernel kernel(neurlp_operation_index operation, neurlp_precision precision) {
  (void)precision; /* kernels ask the graph */
  switch (operation) {
#define KERNEL_CASE(name)                                                                                    \
  case NEURLP_OPERATION_##name:                                                                              \
    return neurlp_kernel_##name##_cuda;
    NEURLP_OPERATIONS(KERNEL_CASE)
#undef KERNEL_CASE
  case NEURLP_OPERATION_COUNT:
    break;
  }
  return (neurlp_kernel){NULL, NULL};
}

const neurlp_graph_backend *neurlp_graph_backend_cuda(void) {
  static const neurlp_graph_machine machine = {.open = open_machine,
                                               .bytes = bytes_of,
                                               .create = create_own,
                                               .destroy = destroy_own,
                                               .room = room_of_input,
                                               .begin = begin,
                                               .pass = run_pass,
                                               .both = run_both,
                                               .whole = is_whole,
                                               .start = start_both,
                                               .settle = settle,
                                               .view = view_of,
                                               .number = number_of,
                                               .set_one = set_one,
                                               .wait = wait_machine,
                                               .block_bytes = neurlp_block_solver_bytes_cuda};
  static const neurlp_graph_backend backend = {.name = "cuda",
                                               .allocate = allocate,
                                               .release = release,
                                               .upload = neurlp_graph_upload_cuda,
                                               .download = neurlp_graph_download_cuda,
                                               .fill = fill,
                                               .kernel = kernel,
                                               .machine = &machine};
  return &backend;
}
