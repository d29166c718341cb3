/* Nonlinear blocks take and give arrays of the host (neurlp_nonlinear_solve), whatever they are solved on:
 * the kernels of the CPU are run on copies that the host has of what they read and write. */
#include "graph/operation/nonlinear.h"

#include "cuda/graph/machine.h"
#include "graph/cpu/kernels.h"

#include <string.h>

/* What the host has: numbers of the value and of its inputs; their gradients; scratch and what is saved. */
enum { NUMBERS, GRADIENTS, SCRATCH, SAVED };

/* Numbers of the value and of all inputs. */
static size_t numbers_bytes(neurlp_graph *graph, const neurlp_node *node) {
  int64_t numbers = node->numbers;
  for (int32_t j = 0; j < node->input_count; j++)
    numbers += neurlp_graph_node(graph, node->inputs[j])->numbers;
  return (size_t)numbers * neurlp_graph_number_bytes(graph);
}

size_t neurlp_nonlinear_bytes_cuda(neurlp_graph *graph, const neurlp_node *node) {
  return 2 * numbers_bytes(graph, node) + node->scratch_bytes + node->saved_bytes;
}

neurlp_status neurlp_nonlinear_make_cuda(neurlp_graph *graph, const neurlp_node *node, cuda_value *value) {
  neurlp_context *context = neurlp_graph_context(graph);
  const int64_t bytes = (int64_t)numbers_bytes(graph, node);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, bytes, 1, &value->memory[NUMBERS]));
  NEURLP_TRY(neurlp_allocate(context, bytes, 1, &value->memory[GRADIENTS]));
  NEURLP_TRY(neurlp_allocate(context, (int64_t)node->scratch_bytes, 1, &value->memory[SCRATCH]));
  NEURLP_TRY(neurlp_allocate(context, (int64_t)node->saved_bytes, 1, &value->memory[SAVED]));
done:
  return status;
}

/* Where a node's numbers were before the host's took their place. */
typedef struct place {
  neurlp_node *node;
  void *data, *gradient;
} place;

/* The value, then its inputs: their pointers are the host's from now on. An input that is there twice is
 * replaced once. */
static int32_t replace(neurlp_graph *graph, neurlp_node *node, place places[NEURLP_NODE_INPUTS + 1]) {
  const cuda_value *value = neurlp_graph_value_cuda(graph, node);
  size_t offset = 0;
  int32_t count = 0;
  for (int32_t j = -1; j < node->input_count; j++) {
    neurlp_node *one = j < 0 ? node : neurlp_graph_node(graph, node->inputs[j]);
    bool seen = false;
    for (int32_t i = 0; i < count; i++) seen = seen || places[i].node == one;
    if (seen) continue;
    places[count++] = (place){one, one->data, one->gradient};
    one->data = (unsigned char *)value->memory[NUMBERS] + offset;
    if (one->gradient) one->gradient = (unsigned char *)value->memory[GRADIENTS] + offset;
    offset += (size_t)one->numbers * neurlp_graph_number_bytes(graph);
  }
  node->scratch = value->memory[SCRATCH];
  node->saved = value->memory[SAVED];
  return count;
}

static void restore(int32_t count, const place *places) {
  for (int32_t i = 0; i < count; i++) {
    places[i].node->data = places[i].data;
    places[i].node->gradient = places[i].gradient;
  }
}

static size_t bytes_of(const neurlp_graph *graph, const neurlp_node *node) {
  return (size_t)node->numbers * neurlp_graph_number_bytes(graph);
}

static neurlp_kernel host_kernel(const neurlp_graph *graph) {
  return neurlp_graph_single(graph) ? neurlp_kernel_nonlinear_single : neurlp_kernel_nonlinear_double;
}

static neurlp_status download_inputs(neurlp_graph *graph, int32_t count, const place *places) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 1; i < count; i++)
    NEURLP_TRY(neurlp_graph_download_cuda(neurlp_graph_context(graph), places[i].node->data, places[i].data,
                                          bytes_of(graph, places[i].node)));
done:
  return status;
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  place places[NEURLP_NODE_INPUTS + 1];
  void *const scratch = node->scratch, *const saved = node->saved;
  const int32_t count = replace(graph, node, places);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_graph_fetch_statuses_cuda(graph));
  NEURLP_TRY(download_inputs(graph, count, places));
  NEURLP_TRY(host_kernel(graph).forward(graph, node));
  NEURLP_TRY(neurlp_graph_upload_cuda(neurlp_graph_context(graph), places[0].data, node->data,
                                      bytes_of(graph, node)));
  status = neurlp_graph_send_statuses_cuda(graph);
done:
  restore(count, places);
  node->scratch = scratch;
  node->saved = saved;
  return status;
}

/* Gradients are added to: they come, and go back. */
static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  neurlp_context *context = neurlp_graph_context(graph);
  place places[NEURLP_NODE_INPUTS + 1];
  void *const scratch = node->scratch, *const saved = node->saved;
  const int32_t count = replace(graph, node, places);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(download_inputs(graph, count, places));
  for (int32_t i = 0; i < count; i++)
    if (places[i].node->trained)
      NEURLP_TRY(neurlp_graph_download_cuda(context, places[i].node->gradient, places[i].gradient,
                                            bytes_of(graph, places[i].node)));
  NEURLP_TRY(host_kernel(graph).backward(graph, node));
  for (int32_t i = 1; i < count; i++)
    if (places[i].node->trained)
      NEURLP_TRY(neurlp_graph_upload_cuda(context, places[i].gradient, places[i].node->gradient,
                                          bytes_of(graph, places[i].node)));
done:
  restore(count, places);
  node->scratch = scratch;
  node->saved = saved;
  return status;
}

const neurlp_kernel neurlp_kernel_nonlinear_cuda = {forward, backward};
