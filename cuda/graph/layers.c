/* Dense layers, convolutions and normalisation. */
#include "cuda/graph/machine.h"

static const neurlp_node *input_of(neurlp_graph *graph, const neurlp_node *node, int32_t j) {
  return j < node->input_count ? neurlp_graph_node(graph, node->inputs[j]) : NULL;
}

/* ---- dense ------------------------------------------------------------------------------------------- */

/* y [rows][outputs] = bias, or nothing: the product comes on top. */
static neurlp_status spread_bias(neurlp_graph *graph, const neurlp_node *bias, int64_t rows, int64_t outputs,
                                 void *y) {
  const neurlp_tensor_shape shape = neurlp_shape_of(2, rows, outputs);
  int64_t strides[3][NEURLP_TENSOR_RANK] = {{outputs, 1}, {0, 1}, {0, 0}};
  return neurlp_graph_walk_cuda(graph, NEURLP_CUDA_COPY, 1, &shape, strides, y, bias->data, NULL);
}

static neurlp_status dense_forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *x = input_of(graph, node, 0), *weight = input_of(graph, node, 1);
  const neurlp_node *bias = input_of(graph, node, 2);
  const int64_t outputs = weight->shape.extents[0], inputs = weight->shape.extents[1];
  const int64_t rows = x->numbers / inputs;
  neurlp_status status = NEURLP_SUCCESS;
  if (bias) NEURLP_TRY(spread_bias(graph, bias, rows, outputs, node->data));
  status = neurlp_graph_product_cuda(graph, &(cuda_matrices){.b_transposed = true,
                                                             .add = bias != NULL,
                                                             .rows = rows,
                                                             .columns = outputs,
                                                             .inner = inputs,
                                                             .a = x->data,
                                                             .b = weight->data,
                                                             .c = node->data});
done:
  return status;
}

static neurlp_status dense_backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *x = input_of(graph, node, 0), *weight = input_of(graph, node, 1);
  const neurlp_node *bias = input_of(graph, node, 2);
  const int64_t outputs = weight->shape.extents[0], inputs = weight->shape.extents[1];
  const int64_t rows = x->numbers / inputs;
  const cuda_matrices of_x = {.add = true,
                              .rows = rows,
                              .columns = inputs,
                              .inner = outputs,
                              .a = node->gradient,
                              .b = weight->data,
                              .c = x->gradient};
  const cuda_matrices of_weight = {.a_transposed = true,
                                   .add = true,
                                   .rows = outputs,
                                   .columns = inputs,
                                   .inner = rows,
                                   .a = node->gradient,
                                   .b = x->data,
                                   .c = weight->gradient};
  neurlp_status status = NEURLP_SUCCESS;
  if (x->trained) NEURLP_TRY(neurlp_graph_product_cuda(graph, &of_x));
  if (weight->trained) NEURLP_TRY(neurlp_graph_product_cuda(graph, &of_weight));
  if (bias && bias->trained)
    status = neurlp_graph_column_sum_cuda(graph, rows, outputs, node->gradient, bias->gradient);
done:
  return status;
}

const neurlp_kernel neurlp_kernel_dense_cuda = {dense_forward, dense_backward};

/* ---- convolution: as one product for some samples at a time ------------------------------------------ */

typedef struct convolution {
  neurlp_cuda_convolution work; /* of all samples */
  int64_t outputs, taps, chunk; /* chunk: samples at one time */
  unsigned char *rows, *values; /* workspace: [chunk places][taps], [chunk places][outputs] */
  size_t number;
} convolution;

/* Bytes that the rows of the samples of one time take at most, but for one sample. */
static const size_t ROWS_BYTES = (size_t)32 << 20;

static convolution convolution_of(neurlp_graph *graph, const neurlp_node *node) {
  const neurlp_tensor_shape *x = &input_of(graph, node, 0)->shape, *w = &input_of(graph, node, 1)->shape;
  const neurlp_convolution *walk = &node->attributes.convolution;
  convolution c = {.work = {.samples = x->extents[0],
                            .channels = x->extents[1],
                            .length = x->extents[2],
                            .kernel = w->extents[2],
                            .places = node->shape.extents[2],
                            .stride = walk->stride,
                            .dilation = walk->dilation,
                            .padding = walk->padding,
                            .circular = walk->circular},
                   .outputs = w->extents[0],
                   .taps = w->extents[1] * w->extents[2],
                   .number = neurlp_graph_number_bytes(graph)};
  const size_t sample = (size_t)(c.work.places * (c.taps + c.outputs)) * c.number;
  const int64_t most = (int64_t)(ROWS_BYTES / sample);
  c.chunk = most < 1 ? 1 : most < c.work.samples ? most : c.work.samples;
  return c;
}

size_t neurlp_convolution_workspace_cuda(neurlp_graph *graph, const neurlp_node *node) {
  const convolution c = convolution_of(graph, node);
  const size_t sums = CUDA_GRAPH_THREADS * sizeof(double); /* of column sums, which come first */
  return sums + (size_t)(c.chunk * c.work.places * (c.taps + c.outputs)) * c.number;
}

/* The same with its workspace. */
static convolution placed_convolution(neurlp_graph *graph, const neurlp_node *node) {
  convolution c = convolution_of(graph, node);
  c.rows = (unsigned char *)neurlp_graph_on_cuda(graph)->workspace + CUDA_GRAPH_THREADS * sizeof(double);
  c.values = c.rows + (size_t)(c.chunk * c.work.places * c.taps) * c.number;
  c.work.rows = c.rows;
  return c;
}

/* x or its gradient, of the samples from `first` on. */
static neurlp_cuda_convolution chunk_of(const convolution *c, void *x, int64_t first, int64_t count) {
  neurlp_cuda_convolution work = c->work;
  work.samples = count;
  work.x = (unsigned char *)x + (size_t)(first * work.channels * work.length) * c->number;
  return work;
}

static int64_t chunk_count(const convolution *c, int64_t first) {
  const int64_t rest = c->work.samples - first;
  return rest < c->chunk ? rest : c->chunk;
}

/* Between [samples][outputs][places] and [samples places][outputs]; to the former with a bias, if there is
 * one. */
static neurlp_status turn(neurlp_graph *graph, const convolution *c, int64_t count, void *tensor, bool back,
                          const void *bias) {
  const int64_t O = c->outputs, P = c->work.places;
  const neurlp_tensor_shape shape = neurlp_shape_of(3, count, O, P), turned = neurlp_shape_of(3, count, P, O);
  int64_t to[3][NEURLP_TENSOR_RANK] = {{O * P, P, 1}, {O * P, 1, O}, {0, 1, 0}};
  int64_t from[3][NEURLP_TENSOR_RANK] = {{O * P, O, 1}, {O * P, 1, P}, {0, 0, 0}};
  if (back) return neurlp_graph_walk_cuda(graph, NEURLP_CUDA_COPY, 1, &turned, from, c->values, tensor, NULL);
  return neurlp_graph_walk_cuda(graph, bias ? NEURLP_CUDA_ADD : NEURLP_CUDA_COPY, 1, &shape, to, tensor,
                                c->values, bias);
}

static void *samples_at(const convolution *c, void *tensor, int64_t first) {
  return (unsigned char *)tensor + (size_t)(first * c->outputs * c->work.places) * c->number;
}

static neurlp_status start_rows(neurlp_graph *graph, const neurlp_cuda_convolution *work, bool scatter) {
  const neurlp_cuda_layer_kernels *kernels = neurlp_cuda_layer_kernels_of(neurlp_graph_single(graph));
  const int64_t length = scatter ? work->length : work->places * work->kernel;
  return neurlp_start_cuda(graph, scatter ? &kernels->scatter : &kernels->gather,
                           work->samples * work->channels * length, work, sizeof *work);
}

static neurlp_status convolution_forward(neurlp_graph *graph, neurlp_node *node) {
  const convolution c = placed_convolution(graph, node);
  const neurlp_node *x = input_of(graph, node, 0), *weight = input_of(graph, node, 1);
  const neurlp_node *bias = input_of(graph, node, 2);
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t first = 0; first < c.work.samples; first += c.chunk) {
    const int64_t count = chunk_count(&c, first);
    const neurlp_cuda_convolution work = chunk_of(&c, x->data, first, count);
    NEURLP_TRY(start_rows(graph, &work, false));
    NEURLP_TRY(neurlp_graph_product_cuda(graph, &(cuda_matrices){.b_transposed = true,
                                                                 .rows = count * c.work.places,
                                                                 .columns = c.outputs,
                                                                 .inner = c.taps,
                                                                 .a = c.rows,
                                                                 .b = weight->data,
                                                                 .c = c.values}));
    NEURLP_TRY(turn(graph, &c, count, samples_at(&c, node->data, first), false, bias ? bias->data : NULL));
  }
done:
  return status;
}

/* What the samples of one chunk add to all gradients; `values` are the gradients of their values, turned. */
static neurlp_status chunk_backward(neurlp_graph *graph, const neurlp_node *node, const convolution *c,
                                    int64_t first, int64_t count) {
  const neurlp_node *x = input_of(graph, node, 0), *weight = input_of(graph, node, 1);
  const neurlp_node *bias = input_of(graph, node, 2);
  const int64_t places = count * c->work.places;
  neurlp_status status = NEURLP_SUCCESS;
  if (weight->trained) {
    const neurlp_cuda_convolution work = chunk_of(c, x->data, first, count);
    NEURLP_TRY(start_rows(graph, &work, false));
    NEURLP_TRY(neurlp_graph_product_cuda(graph, &(cuda_matrices){.a_transposed = true,
                                                                 .add = true,
                                                                 .rows = c->outputs,
                                                                 .columns = c->taps,
                                                                 .inner = places,
                                                                 .a = c->values,
                                                                 .b = c->rows,
                                                                 .c = weight->gradient}));
  }
  if (x->trained) {
    const neurlp_cuda_convolution work = chunk_of(c, x->gradient, first, count);
    NEURLP_TRY(neurlp_graph_product_cuda(graph, &(cuda_matrices){.rows = places,
                                                                 .columns = c->taps,
                                                                 .inner = c->outputs,
                                                                 .a = c->values,
                                                                 .b = weight->data,
                                                                 .c = c->rows}));
    NEURLP_TRY(start_rows(graph, &work, true));
  }
  if (bias && bias->trained)
    status = neurlp_graph_column_sum_cuda(graph, places, c->outputs, c->values, bias->gradient);
done:
  return status;
}

static neurlp_status convolution_backward(neurlp_graph *graph, neurlp_node *node) {
  const convolution c = placed_convolution(graph, node);
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t first = 0; first < c.work.samples; first += c.chunk) {
    const int64_t count = chunk_count(&c, first);
    NEURLP_TRY(turn(graph, &c, count, samples_at(&c, node->gradient, first), true, NULL));
    NEURLP_TRY(chunk_backward(graph, node, &c, first, count));
  }
done:
  return status;
}

const neurlp_kernel neurlp_kernel_convolution_cuda = {convolution_forward, convolution_backward};

/* ---- normalisation ----------------------------------------------------------------------------------- */

static neurlp_cuda_normalisation normalisation_of(neurlp_graph *graph, const neurlp_node *node) {
  const neurlp_node *gain = input_of(graph, node, 1), *shift = input_of(graph, node, 2);
  const int64_t count = node->attributes.count, rows = node->numbers / count;
  return (neurlp_cuda_normalisation){.rows = rows,
                                     .count = count,
                                     .parts = neurlp_graph_parts(count, rows),
                                     .epsilon = node->attributes.numbers[0],
                                     .x = input_of(graph, node, 0)->data,
                                     .gain = gain ? gain->data : NULL,
                                     .shift = shift ? shift->data : NULL,
                                     .dy = node->gradient,
                                     .saved = node->saved,
                                     .sums = neurlp_graph_on_cuda(graph)->workspace};
}

static neurlp_status normalise_forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_cuda_layer_kernels *kernels = neurlp_cuda_layer_kernels_of(neurlp_graph_single(graph));
  neurlp_cuda_normalisation work = normalisation_of(graph, node);
  neurlp_status status = NEURLP_SUCCESS;
  work.y = node->data;
  NEURLP_TRY(neurlp_start_cuda(graph, &kernels->measure, work.rows, &work, sizeof work));
  status = neurlp_start_cuda(graph, &kernels->apply, node->numbers, &work, sizeof work);
done:
  return status;
}

static neurlp_status normalise_backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_cuda_layer_kernels *kernels = neurlp_cuda_layer_kernels_of(neurlp_graph_single(graph));
  const neurlp_node *x = input_of(graph, node, 0), *gain = input_of(graph, node, 1);
  const neurlp_node *shift = input_of(graph, node, 2);
  neurlp_cuda_normalisation work = normalisation_of(graph, node);
  neurlp_status status = NEURLP_SUCCESS;
  if (x->trained) {
    work.y = x->gradient;
    NEURLP_TRY(neurlp_start_cuda(graph, &kernels->project, work.rows, &work, sizeof work));
    NEURLP_TRY(neurlp_start_cuda(graph, &kernels->slopes, node->numbers, &work, sizeof work));
  }
  if (gain && gain->trained) {
    NEURLP_TRY(neurlp_start_cuda(graph, &kernels->gain_parts, work.parts * work.count, &work, sizeof work));
    NEURLP_TRY(neurlp_graph_add_parts_cuda(graph, work.parts, work.count, work.sums, gain->gradient));
  }
  if (shift && shift->trained)
    status = neurlp_graph_column_sum_cuda(graph, work.rows, work.count, node->gradient, shift->gradient);
done:
  return status;
}

const neurlp_kernel neurlp_kernel_normalise_cuda = {normalise_forward, normalise_backward};

/* ---- workspace --------------------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

/* Sums have at most CUDA_GRAPH_THREADS parts, or one for each number of the result. */
size_t neurlp_graph_workspace_cuda(neurlp_graph *graph, const neurlp_node *node) {
  const size_t parts = CUDA_GRAPH_THREADS * sizeof(double);
  if (node->operation == &neurlp_operation_convolution) return neurlp_convolution_workspace_cuda(graph, node);
  if (node->operation == &neurlp_operation_library) return neurlp_library_workspace_cuda(graph, node);
  if (node->operation == &neurlp_operation_normalise) {
    const int64_t count = node->attributes.count, rows = node->numbers / count;
    return larger(parts, (size_t)larger((size_t)count, 2 * (size_t)rows) * sizeof(double));
  }
  if (node->operation == &neurlp_operation_loss)
    return 3 * larger(parts, (size_t)neurlp_graph_samples(graph) * sizeof(double)) + parts;
  return parts;
}
