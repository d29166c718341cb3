/* Linear blocks: the solver takes the arrays where they are. It waits, and says on the host which systems
 * have failed; so what is before and after it in a pass is recorded apart (backend.c). The algorithm is that
 * of graph/cpu/block.c. */
#include "graph/operation/block.h"

#include "cuda/graph/machine.h"

int64_t neurlp_block_systems_cuda(const neurlp_node *node) {
  if (node->role != NEURLP_ROLE_COMPUTED || node->operation != &neurlp_operation_block) return 0;
  return ((const neurlp_graph_block_state *)node->object)->shape.systems;
}

static int64_t systems_of(const neurlp_graph *graph, const neurlp_node *node) {
  return neurlp_graph_present(graph) * ((const neurlp_graph_block_state *)node->object)->blocks;
}

/* Where the numbers of system `first` begin in an array. */
static void *from_system(const neurlp_graph *graph, const neurlp_graph_block_state *block, neurlp_array array,
                         void *data, int64_t first) {
  const int64_t numbers = first * neurlp_array_extents(&block->shape, array).system_stride;
  return (unsigned char *)data + (size_t)numbers * neurlp_graph_number_bytes(graph);
}

/* Inputs of systems first..first+count-1. What the solver has prepared is left out. */
static neurlp_inputs inputs_of(neurlp_graph *graph, const neurlp_node *node, int64_t first, int64_t count) {
  const neurlp_graph_block_state *block = node->object;
  const void *data[NEURLP_ARRAY_INPUTS] = {NULL};
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const neurlp_node *input = neurlp_block_array(graph, node, array);
    if (input) data[array] = from_system(graph, block, array, input->data, first);
  }
  return (neurlp_inputs){.systems = count,
                         .coefficients = block->prepared ? NULL : data[NEURLP_ARRAY_COEFFICIENTS],
                         .rhs = data[NEURLP_ARRAY_RHS],
                         .initial_values = data[NEURLP_ARRAY_INITIAL_VALUES],
                         .final_values = data[NEURLP_ARRAY_FINAL_VALUES],
                         .steps = block->prepared ? NULL : data[NEURLP_ARRAY_STEPS]};
}

static neurlp_status wait(const neurlp_graph *graph) {
  neurlp_device *device = neurlp_graph_on_cuda(graph)->device;
  return device->operations->wait(device, 0);
}

/* Zeros for systems that have failed, or are not there. The statuses that were sent last have been waited
 * for.
 */
static neurlp_status clear_failed(const neurlp_graph *graph, const neurlp_node *node, int64_t systems) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  const neurlp_graph_block_state *block = node->object;
  const neurlp_cuda_clear work = {.statuses = g->systems,
                                  .systems = block->shape.systems,
                                  .present = systems,
                                  .numbers = node->numbers / block->shape.systems,
                                  .to = node->data};
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t s = 0; s < systems; s++) g->pinned_systems[s] = (int32_t)block->statuses[s];
  NEURLP_TRY(g->device->operations->copy(g->device, 0, g->systems, g->pinned_systems,
                                         (size_t)systems * sizeof *g->systems));
  status = neurlp_start_cuda(graph, &neurlp_cuda_sample_kernels_of(neurlp_graph_single(graph))->clear_failed,
                             node->numbers, &work, sizeof work);
done:
  return status;
}

/* ---- forward ----------------------------------------------------------------------------------------- */

/* Samples of systems that have failed; whether there are any. */
static bool note_failures(neurlp_graph *graph, const neurlp_node *node, int64_t systems) {
  const neurlp_graph_block_state *block = node->object;
  neurlp_status *samples = neurlp_graph_sample_statuses(graph);
  bool failed = false;
  for (int64_t s = 0; s < systems; s++) {
    if (block->statuses[s] == NEURLP_SUCCESS) continue;
    failed = true;
    if (samples[s / block->blocks] == NEURLP_SUCCESS) samples[s / block->blocks] = block->statuses[s];
  }
  return failed;
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_block_state *block = node->object;
  const int64_t systems = systems_of(graph, node);
  const neurlp_inputs inputs = inputs_of(graph, node, 0, systems);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(wait(graph));
  if (systems > 0) NEURLP_TRY(neurlp_solver_solve(block->solver, &inputs, node->data, block->statuses));
  status = NEURLP_SUCCESS;
  const bool failed = note_failures(graph, node, systems);
  if (!failed && systems == block->shape.systems) return status;
  NEURLP_TRY(clear_failed(graph, node, systems));
  if (failed) status = neurlp_graph_send_statuses_cuda(graph);
done:
  return status;
}

/* ---- backward ---------------------------------------------------------------------------------------- */

/* Gradients of systems first..first+count-1, in the scratch. Factors that the solver kept are those of all
 * systems; for some of them they are made again. */
static neurlp_status adjoint(neurlp_graph *graph, neurlp_node *node, int64_t first, int64_t count,
                             const neurlp_block_scratch *scratch) {
  neurlp_graph_block_state *block = node->object;
  const neurlp_gradients gradients = {.coefficients = scratch->gradients[NEURLP_ARRAY_COEFFICIENTS],
                                      .rhs = scratch->gradients[NEURLP_ARRAY_RHS],
                                      .initial_values = scratch->gradients[NEURLP_ARRAY_INITIAL_VALUES],
                                      .final_values = scratch->gradients[NEURLP_ARRAY_FINAL_VALUES],
                                      .steps = scratch->gradients[NEURLP_ARRAY_STEPS]};
  const neurlp_inputs inputs = inputs_of(graph, node, first, count);
  const void *solution = from_system(graph, block, NEURLP_ARRAY_SOLUTION, node->data, first);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(wait(graph));
  if (block->shape.keep_factors && count < systems_of(graph, node)) {
    NEURLP_TRY(neurlp_solver_solve(block->solver, &inputs, scratch->solution, block->adjoint_statuses));
    solution = scratch->solution;
  }
  status = neurlp_solver_adjoint(block->solver, &inputs, solution,
                                 from_system(graph, block, NEURLP_ARRAY_SOLUTION, node->gradient, first),
                                 &gradients, block->adjoint_statuses);
done:
  return status;
}

static neurlp_status add_gradients(neurlp_graph *graph, const neurlp_node *node, int64_t first, int64_t count,
                                   const neurlp_block_scratch *scratch) {
  const neurlp_graph_block_state *block = node->object;
  neurlp_status status = NEURLP_SUCCESS;
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    if (!scratch->gradients[array]) continue;
    void *gradient = neurlp_block_array(graph, node, array)->gradient;
    const int64_t numbers = neurlp_array_numbers(neurlp_array_extents(&block->shape, array), count);
    NEURLP_TRY(neurlp_graph_add_to_cuda(graph, numbers, 1, from_system(graph, block, array, gradient, first),
                                        scratch->gradients[array]));
  }
done:
  return status;
}

/* The runs of systems between failed ones, as on the CPU (graph/cpu/block.c). */
static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_block_state *block = node->object;
  const int64_t systems = systems_of(graph, node);
  const neurlp_block_scratch scratch = neurlp_block_scratch_at(graph, node, node->scratch);
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t first = 0; first < systems;) {
    int64_t end = first;
    bool failed = false;
    while (end < systems && block->statuses[end] == NEURLP_SUCCESS) end++;
    if (end > first) NEURLP_TRY(adjoint(graph, node, first, end - first, &scratch));
    for (int64_t s = first; s < end; s++) {
      failed = failed || block->adjoint_statuses[s - first] != NEURLP_SUCCESS;
      block->statuses[s] = block->adjoint_statuses[s - first];
    }
    if (failed) continue;
    if (end > first) NEURLP_TRY(add_gradients(graph, node, first, end - first, &scratch));
    first = end + 1;
  }
  status = NEURLP_SUCCESS;
done:
  return status;
}

const neurlp_kernel neurlp_kernel_block_cuda = {forward, backward};
