#include "graph/graph_parts.h"

#include <stdio.h>
#include <string.h>

const neurlp_operation *const neurlp_operations[NEURLP_OPERATION_COUNT] = {
#define ENTRY(name) &neurlp_operation_##name,
    NEURLP_OPERATIONS(ENTRY)
#undef ENTRY
};

/* ---- life -------------------------------------------------------------------------------------------- */

/* Graphs run where blocks run. */
static neurlp_status choose_backend(neurlp_graph *graph) {
  const char *name = neurlp_context_backend(graph->context);
  graph->check = strcmp(name, "cpu:check") == 0 || strcmp(name, "cuda:check") == 0;
  if (strncmp(name, "cpu", 3) == 0) {
    graph->backend = neurlp_graph_backend_cpu();
    return NEURLP_SUCCESS;
  }
#ifdef NEURLP_HAVE_CUDA
  graph->backend = neurlp_graph_backend_cuda();
  return graph->backend->machine->open(graph->context);
#else
  return neurlp_fail(graph->context, NEURLP_ERROR_ARGUMENT, "graphs do not run on the backend %s", name);
#endif
}

neurlp_status neurlp_graph_create(neurlp_context *context, neurlp_precision precision, int64_t samples,
                                  neurlp_graph **graph) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_graph *made = NULL;
  *graph = NULL;
  if (precision != NEURLP_DOUBLE && precision != NEURLP_SINGLE)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "a graph is in double or in single precision");
  if (samples < 1)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "a graph is for one sample or more, not %lld",
                       (long long)samples);
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  made->context = context;
  made->precision = precision;
  made->number_bytes = precision == NEURLP_SINGLE ? sizeof(float) : sizeof(double);
  made->samples = samples;
  made->loss = NEURLP_NO_VALUE;
  NEURLP_TRY(choose_backend(made));
  NEURLP_TRY(neurlp_allocate(context, samples, sizeof *made->statuses, &made->statuses));
  *graph = made;
  return NEURLP_SUCCESS;
done:
  neurlp_graph_destroy(&made);
  return status;
}

void neurlp_graph_destroy(neurlp_graph **graph) {
  if (!graph || !*graph) return;
  neurlp_graph *g = *graph;
  neurlp_context *context = g->context;
  if (g->own) g->backend->machine->destroy(context, &g->own);
  for (int32_t i = 0; i < g->node_count; i++) {
    neurlp_node *node = &g->nodes[i];
    if (node->object) node->operation->release(context, node->object);
    neurlp_release(context, &node->name);
    neurlp_release(context, &g->constants[i]);
  }
  if (g->backend) {
    void *arena = g->arena;
    g->backend->release(context, &arena);
    g->backend->release(context, &g->parameters);
    g->backend->release(context, &g->gradients);
  }
  neurlp_release(context, &g->nodes);
  neurlp_release(context, &g->constants);
  neurlp_release(context, &g->places);
  neurlp_release(context, &g->items);
  neurlp_release(context, &g->statuses);
  neurlp_release(context, &g->staging);
  neurlp_release(context, graph);
}

neurlp_context *neurlp_graph_context(const neurlp_graph *graph) {
  return graph->context;
}

neurlp_precision neurlp_graph_precision(const neurlp_graph *graph) {
  return graph->precision;
}

int64_t neurlp_graph_samples(const neurlp_graph *graph) {
  return graph->samples;
}

/* ---- building ---------------------------------------------------------------------------------------- */

neurlp_value neurlp_graph_refuse(neurlp_graph *graph, neurlp_status status) {
  if (graph->failure == NEURLP_SUCCESS) graph->failure = status;
  return NEURLP_NO_VALUE;
}

static neurlp_status grow(neurlp_graph *graph) {
  if (graph->node_count < graph->node_room) return NEURLP_SUCCESS;
  neurlp_context *context = graph->context;
  const int32_t room = graph->node_room > 0 ? 2 * graph->node_room : 32;
  neurlp_node *nodes = NULL;
  double **constants = NULL;
  neurlp_status status = neurlp_allocate(context, room, sizeof *nodes, &nodes);
  if (status == NEURLP_SUCCESS) status = neurlp_allocate(context, room, sizeof *constants, &constants);
  if (status < 0) {
    neurlp_release(context, &nodes);
    return status;
  }
  if (graph->node_count > 0) {
    memcpy(nodes, graph->nodes, (size_t)graph->node_count * sizeof *nodes);
    memcpy(constants, graph->constants, (size_t)graph->node_count * sizeof *constants);
  }
  neurlp_release(context, &graph->nodes);
  neurlp_release(context, &graph->constants);
  graph->nodes = nodes;
  graph->constants = constants;
  graph->node_room = room;
  return NEURLP_SUCCESS;
}

/* Takes a node whose shape is known. */
static neurlp_value append(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_status status = grow(graph);
  if (status < 0) return neurlp_graph_refuse(graph, status);
  const neurlp_value value = graph->node_count++;
  node->numbers = neurlp_shape_numbers(&node->shape);
  if (node->alias < 0) node->alias = value;
  graph->nodes[value] = *node;
  return value;
}

static bool can_build(neurlp_graph *graph) {
  if (graph->failure < 0) return false;
  if (!graph->finished) return true;
  neurlp_graph_refuse(graph, neurlp_fail(graph->context, NEURLP_ERROR_ARGUMENT,
                                         "the graph is finished: nothing can be added"));
  return false;
}

static neurlp_value add_leaf(neurlp_graph *graph, neurlp_role role, const char *name,
                             neurlp_tensor_shape shape) {
  if (!can_build(graph)) return NEURLP_NO_VALUE;
  for (int32_t axis = 0; axis < shape.rank; axis++)
    if (shape.extents[axis] < 1) {
      char text[NEURLP_SHAPE_TEXT];
      return neurlp_graph_refuse(graph,
                                 neurlp_fail(graph->context, NEURLP_ERROR_ARGUMENT,
                                             "%s: a tensor of shape %s; extents are 1 or more",
                                             name ? name : "constant", neurlp_shape_print(&shape, text)));
    }
  neurlp_node node = {.role = role, .shape = shape, .alias = NEURLP_NO_VALUE};
  const neurlp_value value = append(graph, &node);
  if (value >= 0 && name) neurlp_graph_name(graph, value, name);
  return graph->failure < 0 ? NEURLP_NO_VALUE : value;
}

neurlp_value neurlp_graph_input(neurlp_graph *graph, const char *name, neurlp_tensor_shape shape) {
  return add_leaf(graph, NEURLP_ROLE_INPUT, name, shape);
}

neurlp_value neurlp_graph_constant(neurlp_graph *graph, neurlp_tensor_shape shape, const double *numbers) {
  const neurlp_value value = add_leaf(graph, NEURLP_ROLE_CONSTANT, NULL, shape);
  if (value < 0) return value;
  double **copy = &graph->constants[value];
  const int64_t count = graph->nodes[value].numbers;
  const neurlp_status status = neurlp_allocate(graph->context, count, sizeof **copy, copy);
  if (status < 0) return neurlp_graph_refuse(graph, status);
  memcpy(*copy, numbers, (size_t)count * sizeof **copy);
  return value;
}

neurlp_value neurlp_graph_parameter(neurlp_graph *graph, const char *name, neurlp_tensor_shape shape,
                                    bool decayed) {
  const neurlp_value value = add_leaf(graph, NEURLP_ROLE_PARAMETER, name, shape);
  if (value < 0) return value;
  graph->nodes[value].trained = true;
  graph->nodes[value].decayed = decayed;
  graph->parameter_tensors++;
  graph->parameter_count += graph->nodes[value].numbers;
  return value;
}

void neurlp_graph_describe(neurlp_graph *graph, neurlp_value parameter, neurlp_parameter_kind kind,
                           int64_t fan_in) {
  if (parameter < 0 || graph->failure < 0) return;
  graph->nodes[parameter].kind = kind;
  graph->nodes[parameter].fan_in = fan_in;
}

void neurlp_graph_name(neurlp_graph *graph, neurlp_value value, const char *name) {
  if (value < 0 || graph->failure < 0) return;
  neurlp_node *node = &graph->nodes[value];
  neurlp_release(graph->context, &node->name);
  const neurlp_status status = neurlp_copy_text(graph->context, name, &node->name);
  if (status < 0) neurlp_graph_refuse(graph, status);
}

neurlp_value neurlp_graph_find(const neurlp_graph *graph, const char *name) {
  for (int32_t i = 0; i < graph->node_count; i++)
    if (graph->nodes[i].name && strcmp(graph->nodes[i].name, name) == 0) return i;
  return NEURLP_NO_VALUE;
}

void neurlp_graph_keep(neurlp_graph *graph, neurlp_value value) {
  if (value >= 0) graph->nodes[graph->nodes[value].alias].kept = graph->nodes[value].kept = true;
}

void neurlp_graph_loss(neurlp_graph *graph, neurlp_value loss) {
  if (loss < 0 || graph->failure < 0) return;
  if (graph->nodes[loss].shape.rank != 0) {
    char text[NEURLP_SHAPE_TEXT];
    neurlp_graph_refuse(graph, neurlp_fail(graph->context, NEURLP_ERROR_ARGUMENT,
                                           "the loss has to be one number, and is %s",
                                           neurlp_shape_print(&graph->nodes[loss].shape, text)));
    return;
  }
  graph->loss = loss;
  neurlp_graph_keep(graph, loss);
}

neurlp_status neurlp_graph_building_status(const neurlp_graph *graph) {
  return graph->failure;
}

neurlp_value neurlp_graph_loss_value(const neurlp_graph *graph) {
  return graph->loss;
}

neurlp_tensor_shape neurlp_graph_shape(const neurlp_graph *graph, neurlp_value value) {
  return value >= 0 ? graph->nodes[value].shape : neurlp_shape_scalar;
}

neurlp_node *neurlp_graph_node(neurlp_graph *graph, neurlp_value value) {
  return &graph->nodes[value];
}

/* The message of a failed inference, with the operation in front. */
static neurlp_value refuse_operation(neurlp_graph *graph, const neurlp_node *node, neurlp_status status) {
  char message[1024];
  snprintf(message, sizeof message, "%s", neurlp_context_message(graph->context));
  return neurlp_graph_refuse(graph,
                             neurlp_fail(graph->context, status, "%s: %s", node->operation->name, message));
}

neurlp_value neurlp_graph_add_node(neurlp_graph *graph, neurlp_operation_index operation, int32_t input_count,
                                   const neurlp_value *inputs, const neurlp_attributes *attributes,
                                   void *object) {
  neurlp_node node = {.operation = neurlp_operations[operation],
                      .role = NEURLP_ROLE_COMPUTED,
                      .input_count = input_count,
                      .object = object,
                      .alias = NEURLP_NO_VALUE};
  neurlp_value value = NEURLP_NO_VALUE;
  bool good = can_build(graph);
  if (attributes) node.attributes = *attributes;
  if (good && (input_count < 1 || input_count > NEURLP_NODE_INPUTS)) {
    neurlp_graph_refuse(graph, neurlp_fail(graph->context, NEURLP_ERROR_ARGUMENT,
                                           "%s: %d values; it takes 1 to %d at once", node.operation->name,
                                           input_count, NEURLP_NODE_INPUTS));
    good = false;
  }
  for (int32_t i = 0; i < input_count; i++) good = good && inputs[i] >= 0;
  if (good) {
    for (int32_t i = 0; i < input_count; i++) {
      node.inputs[i] = inputs[i];
      node.trained = node.trained || graph->nodes[inputs[i]].trained;
    }
    const neurlp_status status = node.operation->infer(graph, &node);
    value = status < 0 ? refuse_operation(graph, &node, status) : append(graph, &node);
  }
  if (value < 0 && object) node.operation->release(graph->context, object);
  return value;
}

/* ---- parameters -------------------------------------------------------------------------------------- */

int32_t neurlp_graph_parameter_tensors(const neurlp_graph *graph) {
  return graph->parameter_tensors;
}

neurlp_parameter_info neurlp_graph_parameter_info(const neurlp_graph *graph, int32_t index) {
  int64_t first = 0;
  int32_t seen = 0;
  for (int32_t i = 0; i < graph->node_count; i++) {
    const neurlp_node *node = &graph->nodes[i];
    if (node->role != NEURLP_ROLE_PARAMETER) continue;
    if (seen++ == index)
      return (neurlp_parameter_info){.value = i,
                                     .name = node->name,
                                     .shape = node->shape,
                                     .first = first,
                                     .count = node->numbers,
                                     .decayed = node->decayed,
                                     .kind = node->kind,
                                     .fan_in = node->fan_in};
    first += node->numbers;
  }
  return (neurlp_parameter_info){.value = NEURLP_NO_VALUE};
}

int64_t neurlp_graph_parameter_count(const neurlp_graph *graph) {
  return graph->parameter_count;
}

void *neurlp_graph_parameters(neurlp_graph *graph) {
  return graph->parameters;
}

void *neurlp_graph_gradients(neurlp_graph *graph) {
  return graph->gradients;
}
