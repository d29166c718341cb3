/* Terms of libraries, which a kernel interprets: each thread a point after the other. */
#include "graph/operation/library.h"

#include "cuda/graph/machine.h"
#include "expr/program.h"

/* What a library has on the device. */
enum { VALUES, SLOPES, TERM, SYMBOL };

static int64_t points_of(neurlp_graph *graph, const neurlp_node *node) {
  const neurlp_graph_library_terms *terms = node->object;
  return neurlp_graph_node(graph, node->inputs[0])->numbers / terms->variables;
}

static int64_t threads_of(neurlp_graph *graph, const neurlp_node *node) {
  const int64_t L = NEURLP_CUDA_GROUP, points = (points_of(graph, node) + L - 1) / L * L;
  return points < CUDA_GRAPH_THREADS ? points : CUDA_GRAPH_THREADS;
}

static int64_t slots_of(const neurlp_graph_library_terms *terms) {
  const int32_t slopes = terms->slopes ? terms->slopes->slots : 0;
  return terms->values->slots > slopes ? terms->values->slots : slopes;
}

/* Slots of all threads; then a gradient of the parameters of each; then parts of their sums. */
size_t neurlp_library_workspace_cuda(neurlp_graph *graph, const neurlp_node *node) {
  const neurlp_graph_library_terms *terms = node->object;
  const int64_t threads = threads_of(graph, node);
  const int64_t sums = terms->parameters > CUDA_GRAPH_THREADS ? terms->parameters : CUDA_GRAPH_THREADS;
  return (size_t)(threads * (slots_of(terms) + terms->parameters) + sums) * sizeof(double);
}

size_t neurlp_library_bytes_cuda(const neurlp_node *node) {
  const neurlp_graph_library_terms *terms = node->object;
  const size_t instructions =
      (size_t)terms->values->count + (terms->slopes ? (size_t)terms->slopes->count : 0);
  return instructions * sizeof(neurlp_instruction) + 2 * (size_t)terms->slope_count * sizeof(int32_t);
}

static neurlp_status bring(neurlp_graph *graph, const void *from, size_t bytes, void **memory) {
  neurlp_device *device = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (bytes == 0) return status;
  NEURLP_TRY(neurlp_graph_device_cuda(neurlp_graph_context(graph), &device));
  NEURLP_TRY(device->operations->allocate(device, bytes, memory));
  status = neurlp_graph_upload_cuda(neurlp_graph_context(graph), *memory, from, bytes);
done:
  return status;
}

static neurlp_status bring_program(neurlp_graph *graph, const neurlp_program *program, void **memory) {
  if (!program) return NEURLP_SUCCESS;
  return bring(graph, program->instructions, (size_t)program->count * sizeof *program->instructions, memory);
}

neurlp_status neurlp_library_make_cuda(neurlp_graph *graph, const neurlp_node *node, cuda_value *value) {
  const neurlp_graph_library_terms *terms = node->object;
  const size_t list = (size_t)terms->slope_count * sizeof(int32_t);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(bring_program(graph, terms->values, &value->memory[VALUES]));
  NEURLP_TRY(bring_program(graph, terms->slopes, &value->memory[SLOPES]));
  NEURLP_TRY(bring(graph, terms->slope_term, list, &value->memory[TERM]));
  NEURLP_TRY(bring(graph, terms->slope_symbol, list, &value->memory[SYMBOL]));
done:
  return status;
}

static neurlp_cuda_library library_of(neurlp_graph *graph, const neurlp_node *node) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  const neurlp_graph_library_terms *terms = node->object;
  const neurlp_node *x = neurlp_graph_node(graph, node->inputs[0]);
  const neurlp_node *theta = node->input_count == 2 ? neurlp_graph_node(graph, node->inputs[1]) : NULL;
  const int64_t samples = neurlp_graph_samples(graph), points = points_of(graph, node);
  const bool own = x->shape.rank > 1 && x->shape.extents[0] % samples == 0;
  neurlp_cuda_library work = {.run = g->run,
                              .statuses = g->statuses,
                              .instructions = neurlp_graph_value_cuda(graph, node)->memory[VALUES],
                              .count = terms->values->count,
                              .slots = (int32_t)slots_of(terms),
                              .terms = terms->terms,
                              .variables = terms->variables,
                              .parameters = terms->parameters,
                              .points = points,
                              .per_sample = own ? points / samples : 0,
                              .x = x->data,
                              .theta = theta ? theta->data : NULL,
                              .y = node->data,
                              .workspace = g->workspace,
                              .threads = threads_of(graph, node)};
  work.dtheta = work.workspace + work.threads * work.slots;
  return work;
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_cuda_library work = library_of(graph, node);
  return neurlp_start_threads_cuda(graph,
                                   &neurlp_cuda_sample_kernels_of(neurlp_graph_single(graph))->library_values,
                                   work.threads, &work, sizeof work);
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_graph_library_terms *terms = node->object;
  const cuda_value *value = neurlp_graph_value_cuda(graph, node);
  const neurlp_node *x = neurlp_graph_node(graph, node->inputs[0]);
  const neurlp_node *theta = node->input_count == 2 ? neurlp_graph_node(graph, node->inputs[1]) : NULL;
  neurlp_cuda_library work = library_of(graph, node);
  neurlp_status status = NEURLP_SUCCESS;
  if (!terms->slopes) return status;
  work.instructions = value->memory[SLOPES];
  work.count = terms->slopes->count;
  work.term = value->memory[TERM];
  work.symbol = value->memory[SYMBOL];
  work.y = node->gradient;
  work.dx = x->trained ? x->gradient : NULL;
  NEURLP_TRY(neurlp_start_threads_cuda(
      graph, &neurlp_cuda_sample_kernels_of(neurlp_graph_single(graph))->library_slopes, work.threads, &work,
      sizeof work));
  if (theta && theta->trained)
    status = neurlp_graph_add_rows_cuda(graph, work.threads, work.parameters, work.dtheta,
                                        work.dtheta + work.threads * work.parameters, theta->gradient);
done:
  return status;
}

const neurlp_kernel neurlp_kernel_library_cuda = {forward, backward};
