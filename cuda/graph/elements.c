/* Operations that move numbers, or work on each of them. */
#include "cuda/graph/machine.h"

static const neurlp_node *input_of(neurlp_graph *graph, const neurlp_node *node, int32_t j) {
  return neurlp_graph_node(graph, node->inputs[j]);
}

static void *number_at(const neurlp_graph *graph, void *numbers, int64_t i) {
  return (unsigned char *)numbers + (size_t)i * neurlp_graph_number_bytes(graph);
}

/* ---- unary ------------------------------------------------------------------------------------------- */

static neurlp_status start_unary(neurlp_graph *graph, const neurlp_node *node, bool slope) {
  const neurlp_node *x = input_of(graph, node, 0);
  const neurlp_cuda_pointwise work = {.function = (int32_t)node->attributes.unary,
                                      .slope = slope,
                                      .p = node->attributes.numbers[0],
                                      .q = node->attributes.numbers[1],
                                      .numbers = node->numbers,
                                      .x = x->data,
                                      .dy = slope ? node->gradient : NULL,
                                      .y = slope ? x->gradient : node->data};
  return neurlp_start_cuda(graph, &neurlp_cuda_tensor_kernels_of(neurlp_graph_single(graph))->pointwise,
                           node->numbers, &work, sizeof work);
}

static neurlp_status unary_forward(neurlp_graph *graph, neurlp_node *node) {
  return start_unary(graph, node, false);
}

static neurlp_status unary_backward(neurlp_graph *graph, neurlp_node *node) {
  return start_unary(graph, node, true);
}

const neurlp_kernel neurlp_kernel_unary_cuda = {unary_forward, unary_backward};

/* ---- add, multiply ----------------------------------------------------------------------------------- */

static neurlp_status binary_forward(neurlp_graph *graph, neurlp_node *node, neurlp_cuda_walk_kind kind) {
  const neurlp_node *a = input_of(graph, node, 0), *b = input_of(graph, node, 1);
  int64_t strides[3][NEURLP_TENSOR_RANK] = {{0}};
  neurlp_shape_strides(&node->shape, &node->shape, strides[0]);
  neurlp_shape_strides(&a->shape, &node->shape, strides[1]);
  neurlp_shape_strides(&b->shape, &node->shape, strides[2]);
  return neurlp_graph_walk_cuda(graph, kind, 1, &node->shape, strides, node->data, a->data, b->data);
}

static neurlp_status binary_backward(neurlp_graph *graph, neurlp_node *node, bool multiply) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t j = 0; j < 2; j++) {
    const neurlp_node *input = input_of(graph, node, j), *other = input_of(graph, node, 1 - j);
    if (!input->trained) continue;
    NEURLP_TRY(
        neurlp_graph_broadcast_sum_cuda(graph, &(cuda_broadcast_sum){.whole_shape = &node->shape,
                                                                     .other_shape = &other->shape,
                                                                     .part_shape = &input->shape,
                                                                     .whole = node->gradient,
                                                                     .other = multiply ? other->data : NULL,
                                                                     .part = input->gradient,
                                                                     .factor = 1,
                                                                     .add = true}));
  }
done:
  return status;
}

static neurlp_status add_forward(neurlp_graph *graph, neurlp_node *node) {
  return binary_forward(graph, node, NEURLP_CUDA_ADD);
}

static neurlp_status add_backward(neurlp_graph *graph, neurlp_node *node) {
  return binary_backward(graph, node, false);
}

static neurlp_status multiply_forward(neurlp_graph *graph, neurlp_node *node) {
  return binary_forward(graph, node, NEURLP_CUDA_MULTIPLY);
}

static neurlp_status multiply_backward(neurlp_graph *graph, neurlp_node *node) {
  return binary_backward(graph, node, true);
}

const neurlp_kernel neurlp_kernel_add_cuda = {add_forward, add_backward};
const neurlp_kernel neurlp_kernel_multiply_cuda = {multiply_forward, multiply_backward};

/* ---- reshape, permute, slice, concatenate ------------------------------------------------------------ */

const neurlp_kernel neurlp_kernel_reshape_cuda = {NULL, NULL};

/* A part of the value as seen by an input: its shape, its strides in both, and where it begins in both. */
typedef struct part {
  neurlp_tensor_shape shape;
  int64_t of_value[NEURLP_TENSOR_RANK], of_input[NEURLP_TENSOR_RANK];
  int64_t value_first, input_first;
} part;

/* Each number of the part is in one place of either, so that both ways are walks. */
static neurlp_status move_part(neurlp_graph *graph, const neurlp_node *node, const neurlp_node *input,
                               const part *p, bool forward) {
  int64_t strides[3][NEURLP_TENSOR_RANK] = {{0}};
  for (int32_t axis = 0; axis < p->shape.rank; axis++) {
    strides[0][axis] = forward ? p->of_value[axis] : p->of_input[axis];
    strides[1][axis] = forward ? p->of_input[axis] : p->of_value[axis];
  }
  if (forward)
    return neurlp_graph_walk_cuda(graph, NEURLP_CUDA_COPY, 1, &p->shape, strides,
                                  number_at(graph, node->data, p->value_first),
                                  number_at(graph, input->data, p->input_first), NULL);
  return neurlp_graph_walk_cuda(graph, NEURLP_CUDA_ADD_TO, 1, &p->shape, strides,
                                number_at(graph, input->gradient, p->input_first),
                                number_at(graph, node->gradient, p->value_first), NULL);
}

static part permuted(const neurlp_node *node, const neurlp_node *input) {
  part p = {.shape = node->shape};
  neurlp_shape_strides(&node->shape, &node->shape, p.of_value);
  for (int32_t axis = 0; axis < node->shape.rank; axis++)
    p.of_input[axis] =
        neurlp_shape_product(&input->shape, node->attributes.order[axis] + 1, input->shape.rank);
  return p;
}

static neurlp_status permute_forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = input_of(graph, node, 0);
  const part p = permuted(node, input);
  return move_part(graph, node, input, &p, true);
}

static neurlp_status permute_backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = input_of(graph, node, 0);
  const part p = permuted(node, input);
  return move_part(graph, node, input, &p, false);
}

const neurlp_kernel neurlp_kernel_permute_cuda = {permute_forward, permute_backward};

static part sliced(const neurlp_node *node, const neurlp_node *input) {
  const neurlp_attributes *a = &node->attributes;
  part p = {.shape = node->shape};
  neurlp_shape_strides(&node->shape, &node->shape, p.of_value);
  neurlp_shape_strides(&input->shape, &input->shape, p.of_input);
  const int64_t inner = neurlp_shape_product(&input->shape, a->axis + 1, input->shape.rank);
  p.of_input[a->axis] = a->stride * inner;
  p.input_first = a->first * inner;
  return p;
}

static neurlp_status slice_forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = input_of(graph, node, 0);
  const part p = sliced(node, input);
  return move_part(graph, node, input, &p, true);
}

static neurlp_status slice_backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = input_of(graph, node, 0);
  const part p = sliced(node, input);
  return move_part(graph, node, input, &p, false);
}

const neurlp_kernel neurlp_kernel_slice_cuda = {slice_forward, slice_backward};

static neurlp_status move_inputs(neurlp_graph *graph, const neurlp_node *node, bool forward) {
  const int32_t axis = node->attributes.axis;
  const int64_t inner = neurlp_shape_product(&node->shape, axis + 1, node->shape.rank);
  neurlp_status status = NEURLP_SUCCESS;
  int64_t first = 0;
  for (int32_t j = 0; j < node->input_count; j++) {
    const neurlp_node *input = input_of(graph, node, j);
    part p = {.shape = input->shape, .value_first = first * inner};
    neurlp_shape_strides(&node->shape, &node->shape, p.of_value);
    neurlp_shape_strides(&input->shape, &input->shape, p.of_input);
    first += input->shape.extents[axis];
    if (forward || input->trained) NEURLP_TRY(move_part(graph, node, input, &p, forward));
  }
done:
  return status;
}

static neurlp_status concatenate_forward(neurlp_graph *graph, neurlp_node *node) {
  return move_inputs(graph, node, true);
}

static neurlp_status concatenate_backward(neurlp_graph *graph, neurlp_node *node) {
  return move_inputs(graph, node, false);
}

const neurlp_kernel neurlp_kernel_concatenate_cuda = {concatenate_forward, concatenate_backward};

/* ---- broadcast, reduce: each is the other's transpose ------------------------------------------------ */

static neurlp_status spread(neurlp_graph *graph, neurlp_cuda_walk_kind kind, double factor,
                            const neurlp_tensor_shape *whole, void *to, const neurlp_tensor_shape *from_shape,
                            const void *from) {
  int64_t strides[3][NEURLP_TENSOR_RANK] = {{0}};
  neurlp_shape_strides(whole, whole, strides[0]);
  neurlp_shape_strides(from_shape, whole, strides[1]);
  return neurlp_graph_walk_cuda(graph, kind, factor, whole, strides, to, from, NULL);
}

static neurlp_status broadcast_forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = input_of(graph, node, 0);
  return spread(graph, NEURLP_CUDA_COPY, 1, &node->shape, node->data, &input->shape, input->data);
}

static neurlp_status broadcast_backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = input_of(graph, node, 0);
  return neurlp_graph_broadcast_sum_cuda(graph, &(cuda_broadcast_sum){.whole_shape = &node->shape,
                                                                      .part_shape = &input->shape,
                                                                      .whole = node->gradient,
                                                                      .part = input->gradient,
                                                                      .factor = 1,
                                                                      .add = true});
}

const neurlp_kernel neurlp_kernel_broadcast_cuda = {broadcast_forward, broadcast_backward};

/* One over the numbers that are averaged, or 1. */
static double factor_of(const neurlp_node *node, const neurlp_node *input) {
  return node->attributes.mean ? (double)node->numbers / (double)input->numbers : 1;
}

static neurlp_status reduce_forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = input_of(graph, node, 0);
  return neurlp_graph_broadcast_sum_cuda(graph, &(cuda_broadcast_sum){.whole_shape = &input->shape,
                                                                      .part_shape = &node->shape,
                                                                      .whole = input->data,
                                                                      .part = node->data,
                                                                      .factor = factor_of(node, input)});
}

static neurlp_status reduce_backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = input_of(graph, node, 0);
  return spread(graph, NEURLP_CUDA_ADD_TO, factor_of(node, input), &input->shape, input->gradient,
                &node->shape, node->gradient);
}

const neurlp_kernel neurlp_kernel_reduce_cuda = {reduce_forward, reduce_backward};
