/* Running a graph: memory, numbers in and out, forward, backward. */
#include "graph/graph_parts.h"

#include <stdio.h>
#include <string.h>

/* ---- memory ------------------------------------------------------------------------------------------ */

static void *at(const neurlp_graph *graph, int32_t item) {
  return item < 0 ? NULL : graph->arena + graph->items[item].offset;
}

/* Pointers of all nodes. Parameters are parts of one vector. */
static void set_pointers(neurlp_graph *graph) {
  int64_t first = 0;
  for (int32_t i = 0; i < graph->node_count; i++) {
    neurlp_node *node = &graph->nodes[i];
    const neurlp_graph_place *place = &graph->places[i];
    const neurlp_node *root = &graph->nodes[node->alias];
    node->data = at(graph, place->data);
    node->gradient = at(graph, place->gradient);
    node->saved = at(graph, place->saved);
    if (node->role == NEURLP_ROLE_PARAMETER) {
      node->data = (unsigned char *)graph->parameters + (size_t)first * graph->number_bytes;
      node->gradient = (unsigned char *)graph->gradients + (size_t)first * graph->number_bytes;
      first += node->numbers;
    } else if (root->role == NEURLP_ROLE_PARAMETER) {
      node->data = root->data;
      node->gradient = root->gradient;
    }
  }
}

static neurlp_status upload_constants(neurlp_graph *graph) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < graph->node_count; i++) {
    if (graph->nodes[i].role != NEURLP_ROLE_CONSTANT) continue;
    NEURLP_TRY(neurlp_graph_write(graph, i, graph->constants[i]));
    neurlp_release(graph->context, &graph->constants[i]);
  }
done:
  return status;
}

static neurlp_status prepare_objects(neurlp_graph *graph) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < graph->node_count; i++) {
    neurlp_node *node = &graph->nodes[i];
    if (node->operation && node->operation->prepare) NEURLP_TRY(node->operation->prepare(graph, node));
  }
done:
  return status;
}

static neurlp_status allocate(neurlp_graph *graph) {
  const neurlp_graph_backend *backend = graph->backend;
  const size_t vector_bytes =
      (size_t)(graph->parameter_count > 0 ? graph->parameter_count : 1) * graph->number_bytes;
  neurlp_status status = NEURLP_SUCCESS;
  void *arena = NULL;
  NEURLP_TRY(
      neurlp_allocate(graph->context, graph->staging_numbers, sizeof *graph->staging, &graph->staging));
  NEURLP_TRY(backend->allocate(graph->context, graph->arena_bytes, &arena));
  graph->arena = arena;
  NEURLP_TRY(backend->allocate(graph->context, vector_bytes, &graph->parameters));
  NEURLP_TRY(backend->allocate(graph->context, vector_bytes, &graph->gradients));
  NEURLP_TRY(backend->fill(graph->context, graph->parameters, 0, vector_bytes));
  NEURLP_TRY(backend->fill(graph->context, graph->gradients, 0, vector_bytes));
  set_pointers(graph);
  NEURLP_TRY(upload_constants(graph));
  NEURLP_TRY(prepare_objects(graph));
  if (backend->machine) status = backend->machine->create(graph, &graph->own);
done:
  return status;
}

neurlp_status neurlp_graph_finish(neurlp_graph *graph, bool allocate_too) {
  neurlp_status status = graph->failure;
  if (status < 0) return status;
  graph->finished = true;
  for (int32_t i = 0; i < graph->node_count; i++)
    if (graph->staging_numbers < graph->nodes[i].numbers) graph->staging_numbers = graph->nodes[i].numbers;
  NEURLP_TRY(neurlp_graph_plan(graph));
  if (graph->backend->machine) graph->own_bytes = graph->backend->machine->bytes(graph);
  if (allocate_too) status = allocate(graph);
done:
  return status;
}

size_t neurlp_graph_bytes(const neurlp_graph *graph) {
  const size_t count = (size_t)(graph->parameter_count > 0 ? graph->parameter_count : 1);
  size_t bytes = graph->arena_bytes + 2 * count * graph->number_bytes +
                 (size_t)graph->staging_numbers * sizeof(double) + graph->own_bytes;
  for (int32_t i = 0; i < graph->node_count; i++) {
    const neurlp_node *node = &graph->nodes[i];
    if (node->object && node->operation->object_bytes) bytes += node->operation->object_bytes(node->object);
  }
  return bytes;
}

/* ---- numbers in and out ------------------------------------------------------------------------------ */

static neurlp_status refuse_value(const neurlp_graph *graph, neurlp_value value, const char *why) {
  const char *name = value >= 0 && value < graph->node_count ? graph->nodes[value].name : NULL;
  return neurlp_fail(graph->context, NEURLP_ERROR_ARGUMENT, "%s: %s", name ? name : "a value", why);
}

/* Inputs go to a machine with the next run, and are on the host until then. */
static bool staged(const neurlp_graph *graph, neurlp_value value) {
  return graph->backend->machine && graph->nodes[value].role == NEURLP_ROLE_INPUT;
}

/* To the graph's precision. */
static void convert(const neurlp_graph *graph, int64_t count, const double *numbers, void *to) {
  float *narrow = to;
  if (graph->precision == NEURLP_SINGLE)
    for (int64_t i = 0; i < count; i++) narrow[i] = (float)numbers[i];
  else
    memcpy(to, numbers, (size_t)count * sizeof *numbers);
}

static neurlp_status write_input(neurlp_graph *graph, neurlp_value value, const double *numbers) {
  const neurlp_node *node = &graph->nodes[value];
  void *room = NULL;
  const neurlp_status status = graph->backend->machine->room(graph, node, &room);
  if (status >= 0) convert(graph, node->numbers, numbers, room);
  return status;
}

/* What was written last. */
static neurlp_status read_input(neurlp_graph *graph, neurlp_value value, double *numbers) {
  const neurlp_node *node = &graph->nodes[value];
  void *room = NULL;
  const neurlp_status status = graph->backend->machine->room(graph, node, &room);
  for (int64_t i = 0; status >= 0 && i < node->numbers; i++)
    numbers[i] =
        graph->precision == NEURLP_SINGLE ? (double)((const float *)room)[i] : ((const double *)room)[i];
  return status;
}

neurlp_status neurlp_graph_write(neurlp_graph *graph, neurlp_value value, const double *numbers) {
  if (!graph->arena || value < 0 || value >= graph->node_count ||
      graph->nodes[value].role == NEURLP_ROLE_COMPUTED)
    return refuse_value(graph, value,
                        "only inputs, constants and parameters of a finished graph are written");
  const neurlp_node *node = &graph->nodes[value];
  const size_t bytes = (size_t)node->numbers * graph->number_bytes;
  if (staged(graph, value)) return write_input(graph, value, numbers);
  if (graph->precision == NEURLP_DOUBLE)
    return graph->backend->upload(graph->context, node->data, numbers, bytes);
  convert(graph, node->numbers, numbers, graph->staging);
  return graph->backend->upload(graph->context, node->data, graph->staging, bytes);
}

/* Downloads numbers of the graph's precision as doubles. */
static neurlp_status download(neurlp_graph *graph, const void *from, int64_t count, double *numbers) {
  const size_t bytes = (size_t)count * graph->number_bytes;
  if (graph->precision == NEURLP_DOUBLE)
    return graph->backend->download(graph->context, numbers, from, bytes);
  const neurlp_status status = graph->backend->download(graph->context, graph->staging, from, bytes);
  const float *narrow = (const float *)(const void *)graph->staging;
  for (int64_t i = 0; i < count; i++) numbers[i] = narrow[i];
  return status;
}

neurlp_status neurlp_graph_read(neurlp_graph *graph, neurlp_value value, double *numbers) {
  if (!graph->arena || value < 0 || value >= graph->node_count ||
      (graph->nodes[value].role == NEURLP_ROLE_COMPUTED && !graph->nodes[value].kept))
    return refuse_value(graph, value, "only what is kept, inputs, constants and parameters can be read");
  if (staged(graph, value)) return read_input(graph, value, numbers);
  if (graph->backend->machine && graph->nodes[value].numbers == 1) {
    bool found = false;
    const neurlp_status status = graph->backend->machine->number(graph, value, numbers, &found);
    if (status < 0 || found) return status;
  }
  return download(graph, graph->nodes[value].data, graph->nodes[value].numbers, numbers);
}

neurlp_status neurlp_graph_read_gradient(neurlp_graph *graph, neurlp_value parameter, double *numbers) {
  if (!graph->arena || parameter < 0 || parameter >= graph->node_count ||
      graph->nodes[parameter].role != NEURLP_ROLE_PARAMETER)
    return refuse_value(graph, parameter, "only parameters have a gradient that can be read");
  return download(graph, graph->nodes[parameter].gradient, graph->nodes[parameter].numbers, numbers);
}

/* Bytes of a vector of all parameters; the graph is finished. */
static neurlp_status vector_bytes(const neurlp_graph *graph, size_t *bytes) {
  *bytes = (size_t)graph->parameter_count * graph->number_bytes;
  if (graph->arena) return NEURLP_SUCCESS;
  return neurlp_fail(graph->context, NEURLP_ERROR_ARGUMENT, "the graph is not finished");
}

neurlp_status neurlp_graph_get_parameters(neurlp_graph *graph, void *parameters) {
  size_t bytes;
  const neurlp_status status = vector_bytes(graph, &bytes);
  return status < 0 ? status : graph->backend->download(graph->context, parameters, graph->parameters, bytes);
}

neurlp_status neurlp_graph_set_parameters(neurlp_graph *graph, const void *parameters) {
  size_t bytes;
  const neurlp_status status = vector_bytes(graph, &bytes);
  return status < 0 ? status : graph->backend->upload(graph->context, graph->parameters, parameters, bytes);
}

neurlp_status neurlp_graph_get_gradients(neurlp_graph *graph, void *gradients) {
  size_t bytes;
  const neurlp_status status = vector_bytes(graph, &bytes);
  return status < 0 ? status : graph->backend->download(graph->context, gradients, graph->gradients, bytes);
}

/* ---- forward, backward ------------------------------------------------------------------------------- */

neurlp_status neurlp_graph_begin(neurlp_graph *graph, int64_t present, double weight) {
  if (present < 0 || present > graph->samples)
    return neurlp_fail(graph->context, NEURLP_ERROR_ARGUMENT, "%lld samples are present; the graph has %lld",
                       (long long)present, (long long)graph->samples);
  graph->present = present;
  graph->weight = weight;
  return NEURLP_SUCCESS;
}

int64_t neurlp_graph_present(const neurlp_graph *graph) {
  return graph->present;
}

double neurlp_graph_weight(const neurlp_graph *graph) {
  return graph->weight;
}

neurlp_status *neurlp_graph_sample_statuses(neurlp_graph *graph) {
  return graph->statuses;
}

const neurlp_status *neurlp_graph_statuses(const neurlp_graph *graph) {
  return graph->statuses;
}

neurlp_value neurlp_graph_step_value(const neurlp_graph *graph, bool forward, int32_t step) {
  return forward ? step : graph->loss - step;
}

void *neurlp_graph_own(const neurlp_graph *graph) {
  return graph->own;
}

const neurlp_graph_machine *neurlp_graph_machine_of(const neurlp_graph *graph) {
  return graph->backend->machine;
}

int32_t neurlp_graph_values(const neurlp_graph *graph) {
  return graph->node_count;
}

/* What was started is done before somebody looks. */
static neurlp_status settle(neurlp_graph *graph) {
  return graph->backend->machine ? graph->backend->machine->wait(graph->context) : NEURLP_SUCCESS;
}

/* A kernel that is watched. */
static neurlp_status run_checked(neurlp_graph *graph, int32_t index, bool forward,
                                 neurlp_status (*run)(neurlp_graph *, neurlp_node *)) {
  neurlp_status status = NEURLP_SUCCESS;
  uint64_t inputs = 0;
  NEURLP_TRY(settle(graph));
  neurlp_graph_check_before(graph, index, forward, &inputs);
  NEURLP_TRY(run(graph, &graph->nodes[index]));
  NEURLP_TRY(settle(graph));
  status = neurlp_graph_check_after(graph, index, forward, inputs);
done:
  return status;
}

/* One kernel. */
static neurlp_status call(neurlp_graph *graph, int32_t index, bool forward, bool checked) {
  neurlp_node *node = &graph->nodes[index];
  const neurlp_graph_place *place = &graph->places[index];
  neurlp_operation_index operation = 0;
  while (neurlp_operations[operation] != node->operation) operation++;
  const neurlp_kernel kernel = graph->backend->kernel(operation, graph->precision);
  neurlp_status (*const run)(neurlp_graph *, neurlp_node *) = forward ? kernel.forward : kernel.backward;
  if (!run) return NEURLP_SUCCESS;
  node->scratch = at(graph, forward ? place->scratch_forward : place->scratch_backward);
  const neurlp_status status = checked ? run_checked(graph, index, forward, run) : run(graph, node);
  if (status >= 0) return NEURLP_SUCCESS;
  char message[1024];
  snprintf(message, sizeof message, "%s", neurlp_context_message(graph->context));
  return neurlp_fail(graph->context, status, "%s, value %d (%s): %s", node->operation->name, index,
                     node->name ? node->name : "unnamed", message);
}

static neurlp_status clear_gradients(neurlp_graph *graph, int32_t index) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = graph->places[index].clears; i >= 0; i = graph->places[i].next_cleared)
    NEURLP_TRY(graph->backend->fill(graph->context, graph->nodes[i].gradient, 0,
                                    (size_t)graph->nodes[i].numbers * graph->number_bytes));
done:
  return status;
}

neurlp_status neurlp_graph_run_steps(neurlp_graph *graph, bool forward, int32_t first, int32_t end,
                                     bool checked) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t step = first; step < end; step++) {
    const int32_t index = neurlp_graph_step_value(graph, forward, step);
    if (graph->nodes[index].role != NEURLP_ROLE_COMPUTED) continue;
    if (!forward && !neurlp_graph_goes_back(&graph->nodes[index])) continue;
    if (!forward) NEURLP_TRY(clear_gradients(graph, index));
    NEURLP_TRY(call(graph, index, forward, checked));
  }
done:
  return status;
}

neurlp_status neurlp_graph_start_backward(neurlp_graph *graph) {
  const neurlp_graph_machine *machine = graph->backend->machine;
  void *gradient = graph->nodes[graph->loss].gradient;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(graph->backend->fill(graph->context, graph->gradients, 0,
                                  (size_t)graph->parameter_count * graph->number_bytes));
  if (!graph->nodes[graph->loss].trained) goto done; /* it has no gradient */
  if (machine)
    status = machine->set_one(graph, gradient);
  else if (graph->precision == NEURLP_SINGLE)
    *(float *)gradient = 1;
  else
    *(double *)gradient = 1;
done:
  return status;
}

/* What a forward run needs, and its samples, which have not failed yet. */
static neurlp_status start_forward(neurlp_graph *graph) {
  if (!graph->arena) return neurlp_fail(graph->context, NEURLP_ERROR_ARGUMENT, "the graph is not finished");
  graph->has_run = false;
  for (int64_t s = 0; s < graph->samples; s++) graph->statuses[s] = NEURLP_SUCCESS;
  return graph->backend->machine ? graph->backend->machine->begin(graph) : NEURLP_SUCCESS;
}

neurlp_status neurlp_graph_forward(neurlp_graph *graph) {
  const neurlp_graph_machine *machine = graph->backend->machine;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(start_forward(graph));
  NEURLP_TRY(machine ? machine->pass(graph, true)
                     : neurlp_graph_run_steps(graph, true, 0, graph->node_count, graph->check));
  graph->has_run = true;
done:
  return status;
}

static neurlp_status refuse_backward(const neurlp_graph *graph) {
  return neurlp_fail(graph->context, NEURLP_ERROR_ARGUMENT,
                     "a gradient needs a loss, and a forward run before it");
}

neurlp_status neurlp_graph_backward(neurlp_graph *graph) {
  const neurlp_graph_machine *machine = graph->backend->machine;
  neurlp_status status = NEURLP_SUCCESS;
  if (graph->loss < 0 || !graph->has_run) return refuse_backward(graph);
  if (machine && graph->nodes[graph->loss].trained)
    NEURLP_TRY(machine->pass(graph, false));
  else
    NEURLP_TRY(neurlp_graph_start_backward(graph));
  if (!graph->nodes[graph->loss].trained) goto done;
  if (!machine) NEURLP_TRY(neurlp_graph_run_steps(graph, false, 0, graph->loss + 1, graph->check));
  graph->has_run = false;
done:
  return status;
}

neurlp_status neurlp_graph_forward_backward(neurlp_graph *graph) {
  const neurlp_graph_machine *machine = graph->backend->machine;
  neurlp_status status = NEURLP_SUCCESS;
  if (graph->loss < 0) return refuse_backward(graph);
  if (machine && graph->nodes[graph->loss].trained) {
    NEURLP_TRY(start_forward(graph));
    return machine->both(graph);
  }
  NEURLP_TRY(neurlp_graph_forward(graph));
  status = neurlp_graph_backward(graph);
done:
  return status;
}

bool neurlp_graph_is_whole(neurlp_graph *graph) {
  const neurlp_graph_machine *machine = graph->backend->machine;
  return machine && graph->arena && graph->loss >= 0 && graph->nodes[graph->loss].trained &&
         machine->whole(graph);
}

neurlp_status neurlp_graph_ready(neurlp_graph *graph) {
  return start_forward(graph);
}

neurlp_status neurlp_graph_start(neurlp_graph *graph) {
  return graph->backend->machine->start(graph);
}

neurlp_status neurlp_graph_settle(neurlp_graph *graph) {
  return graph->backend->machine->settle(graph);
}

neurlp_graph_view neurlp_graph_view_of(neurlp_graph *graph) {
  return graph->backend->machine->view(graph);
}
