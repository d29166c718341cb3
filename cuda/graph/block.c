/* Linear blocks: their solver works in place, on the arrays where they are, and nobody waits; so they are
 * recorded with all that is before and behind them. All systems are solved, whether their samples are present
 * or not; those that fail are noted on the device, and have zeros for solution and gradients, as on the CPU
 * (graph/cpu/block.c). */
#include "graph/operation/block.h"

#include "cuda/block/state.h"
#include "cuda/graph/machine.h"

/* What a block has on the device: [systems] statuses of its last forward run. */
enum { STATUSES };

int64_t neurlp_block_systems_cuda(const neurlp_node *node) {
  if (node->role != NEURLP_ROLE_COMPUTED || node->operation != &neurlp_operation_block) return 0;
  return ((const neurlp_graph_block_state *)node->object)->shape.systems;
}

size_t neurlp_block_bytes_cuda(const neurlp_node *node) {
  return (size_t)neurlp_block_systems_cuda(node) * sizeof(int32_t);
}

size_t neurlp_block_solver_bytes_cuda(neurlp_context *context, const neurlp_problem *problem) {
  neurlp_device *device = NULL;
  const neurlp_status status = neurlp_graph_device_cuda(context, &device);
  return status < 0 ? 0 : neurlp_in_place_bytes_cuda(device, problem);
}

neurlp_status neurlp_block_make_cuda(neurlp_graph *graph, neurlp_node *node, cuda_value *value) {
  neurlp_graph_block_state *block = node->object;
  neurlp_device *device = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_graph_device_cuda(neurlp_graph_context(graph), &device));
  NEURLP_TRY(device->operations->allocate(device, neurlp_block_bytes_cuda(node), &value->memory[STATUSES]));
  NEURLP_TRY(neurlp_in_place_create_cuda(device, block->problem, &value->solver));
  if (!neurlp_block_left_is_fixed(graph, node)) return NEURLP_SUCCESS;
  const neurlp_inputs left = {.systems = block->shape.systems,
                              .coefficients =
                                  neurlp_block_array(graph, node, NEURLP_ARRAY_COEFFICIENTS)->data,
                              .steps = neurlp_block_array(graph, node, NEURLP_ARRAY_STEPS)->data};
  NEURLP_TRY(neurlp_backend_cuda()->prepare(value->solver, &left));
  block->prepared = status == NEURLP_SUCCESS; /* else every solve fails, too, and says so */
done:
  return status < 0 ? status : NEURLP_SUCCESS;
}

void neurlp_block_unmake_cuda(cuda_value *value) {
  neurlp_backend_cuda()->destroy(&value->solver);
}

/* What the solver has prepared is left out. */
static neurlp_inputs inputs_of(neurlp_graph *graph, const neurlp_node *node) {
  const neurlp_graph_block_state *block = node->object;
  const void *data[NEURLP_ARRAY_INPUTS] = {NULL};
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const neurlp_node *input = neurlp_block_array(graph, node, array);
    if (input) data[array] = input->data;
  }
  return (neurlp_inputs){.systems = block->shape.systems,
                         .coefficients = block->prepared ? NULL : data[NEURLP_ARRAY_COEFFICIENTS],
                         .rhs = data[NEURLP_ARRAY_RHS],
                         .initial_values = data[NEURLP_ARRAY_INITIAL_VALUES],
                         .final_values = data[NEURLP_ARRAY_FINAL_VALUES],
                         .steps = block->prepared ? NULL : data[NEURLP_ARRAY_STEPS]};
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  const neurlp_graph_block_state *block = node->object;
  const cuda_value *value = neurlp_graph_value_cuda(graph, node);
  const neurlp_inputs inputs = inputs_of(graph, node);
  const cuda_counting counting = {.present = &g->run->present, .blocks = block->blocks};
  const neurlp_cuda_note note = {.systems = value->memory[STATUSES],
                                 .samples = neurlp_graph_samples(graph),
                                 .blocks = block->blocks,
                                 .statuses = g->statuses};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(
      neurlp_in_place_solve_cuda(value->solver, &inputs, &counting, node->data, value->memory[STATUSES]));
  status = neurlp_start_cuda(graph, &neurlp_cuda_sample_kernels_of(neurlp_graph_single(graph))->note_failed,
                             note.samples, &note, sizeof note);
done:
  return status;
}

static neurlp_status add_gradients(neurlp_graph *graph, const neurlp_node *node,
                                   const neurlp_block_scratch *scratch) {
  const neurlp_graph_block_state *block = node->object;
  neurlp_status status = NEURLP_SUCCESS;
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    if (!scratch->gradients[array]) continue;
    const neurlp_extents extents = neurlp_array_extents(&block->shape, array);
    NEURLP_TRY(neurlp_graph_add_to_cuda(graph, neurlp_array_numbers(extents, block->shape.systems), 1,
                                        neurlp_block_array(graph, node, array)->gradient,
                                        scratch->gradients[array]));
  }
done:
  return status;
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  const neurlp_graph_block_state *block = node->object;
  const cuda_value *value = neurlp_graph_value_cuda(graph, node);
  const neurlp_block_scratch scratch = neurlp_block_scratch_at(graph, node, node->scratch);
  const neurlp_gradients gradients = {.coefficients = scratch.gradients[NEURLP_ARRAY_COEFFICIENTS],
                                      .rhs = scratch.gradients[NEURLP_ARRAY_RHS],
                                      .initial_values = scratch.gradients[NEURLP_ARRAY_INITIAL_VALUES],
                                      .final_values = scratch.gradients[NEURLP_ARRAY_FINAL_VALUES],
                                      .steps = scratch.gradients[NEURLP_ARRAY_STEPS]};
  const neurlp_inputs inputs = inputs_of(graph, node);
  const cuda_counting counting = {
      .present = &g->run->present, .blocks = block->blocks, .before = value->memory[STATUSES]};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_in_place_adjoint_cuda(value->solver, &inputs, &counting, node->data, node->gradient,
                                          &gradients, g->systems));
  status = add_gradients(graph, node, &scratch);
done:
  return status;
}

const neurlp_kernel neurlp_kernel_block_cuda = {forward, backward};
