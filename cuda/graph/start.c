/* Starting kernels for tensors: how work is cut, and axes that are joined before. */
#include "cuda/graph/machine.h"

/* Threads that a device runs of kernels without many registers, in terms of those with. */
enum { LIGHT = 8 };

neurlp_status neurlp_start_threads_cuda(const neurlp_graph *graph, const neurlp_cuda_kernel *kernel,
                                        int64_t threads, const void *arguments, size_t bytes) {
  neurlp_device *device = neurlp_graph_on_cuda(graph)->device;
  return device->operations->launch(device, 0, kernel, threads, arguments, bytes);
}

neurlp_status neurlp_start_cuda(const neurlp_graph *graph, const neurlp_cuda_kernel *kernel, int64_t tasks,
                                const void *arguments, size_t bytes) {
  const int64_t most = LIGHT * neurlp_graph_on_cuda(graph)->device->threads;
  return neurlp_start_threads_cuda(graph, kernel, tasks < most ? tasks : most, arguments, bytes);
}

neurlp_status neurlp_graph_product_cuda(const neurlp_graph *graph, const cuda_matrices *m) {
  neurlp_device *device = neurlp_graph_on_cuda(graph)->device;
  const neurlp_product product = {.single = neurlp_graph_single(graph),
                                  .a_transposed = m->a_transposed,
                                  .transposed = m->b_transposed,
                                  .add = m->add,
                                  .rows = m->rows,
                                  .columns = m->columns,
                                  .inner = m->inner,
                                  .b_stride = m->b_transposed ? m->inner : m->columns,
                                  .a = m->a,
                                  .b = m->b,
                                  .c = m->c};
  return device->operations->multiply(device, 0, &product);
}

/* ---- axes -------------------------------------------------------------------------------------------- */

/* Appends an axis, outermost first: to the last one, where both are one in all three tensors. */
static void append_axis(neurlp_cuda_axes *axes, int64_t extent, const int64_t strides[3]) {
  const int32_t last = axes->rank - 1;
  bool joins = last >= 0;
  if (extent == 1) return;
  for (int32_t i = 0; joins && i < 3; i++) joins = axes->strides[i][last] == extent * strides[i];
  const int32_t to = joins ? last : axes->rank++;
  axes->extents[to] = joins ? axes->extents[to] * extent : extent;
  for (int32_t i = 0; i < 3; i++) axes->strides[i][to] = strides[i];
  axes->numbers *= extent;
}

neurlp_status neurlp_graph_walk_cuda(const neurlp_graph *graph, neurlp_cuda_walk_kind kind, double factor,
                                     const neurlp_tensor_shape *shape, int64_t strides[3][NEURLP_TENSOR_RANK],
                                     void *y, const void *a, const void *b) {
  const neurlp_cuda_kernel *kernel = &neurlp_cuda_tensor_kernels_of(neurlp_graph_single(graph))->walk;
  neurlp_cuda_walk walk = {.kind = kind, .axes = {.numbers = 1}, .factor = factor, .y = y, .a = a, .b = b};
  for (int32_t axis = 0; axis < shape->rank; axis++)
    append_axis(&walk.axes, shape->extents[axis],
                (int64_t[3]){strides[0][axis], strides[1][axis], strides[2][axis]});
  return neurlp_start_cuda(graph, kernel, walk.axes.numbers, &walk, sizeof walk);
}

neurlp_status neurlp_graph_add_to_cuda(const neurlp_graph *graph, int64_t numbers, double factor, void *y,
                                       const void *a) {
  const neurlp_tensor_shape shape = neurlp_shape_of(1, numbers);
  int64_t strides[3][NEURLP_TENSOR_RANK] = {{1}, {1}, {1}};
  return neurlp_graph_walk_cuda(graph, NEURLP_CUDA_ADD_TO, factor, &shape, strides, y, a, NULL);
}

/* ---- sums -------------------------------------------------------------------------------------------- */

/* Terms that a part has at least, so that adding up the parts is less work than forming them. */
enum { LEAST_TERMS = 16 };

int64_t neurlp_graph_parts(int64_t owns, int64_t count) {
  const int64_t room = CUDA_GRAPH_THREADS / owns, most = count / LEAST_TERMS;
  const int64_t parts = room < most ? room : most;
  return parts > 1 ? parts : 1;
}

static neurlp_status start_reduction(const neurlp_graph *graph, neurlp_cuda_reduction *r) {
  const neurlp_cuda_tensor_kernels *kernels = neurlp_cuda_tensor_kernels_of(neurlp_graph_single(graph));
  neurlp_status status = NEURLP_SUCCESS;
  r->parts = neurlp_graph_parts(r->own.numbers, r->summed.numbers);
  r->workspace = r->parts > 1 ? neurlp_graph_on_cuda(graph)->workspace : NULL;
  NEURLP_TRY(neurlp_start_cuda(graph, &kernels->form_parts, r->own.numbers * r->parts, r, sizeof *r));
  if (r->workspace) status = neurlp_start_cuda(graph, &kernels->add_parts, r->own.numbers, r, sizeof *r);
done:
  return status;
}

neurlp_status neurlp_graph_broadcast_sum_cuda(const neurlp_graph *graph, const cuda_broadcast_sum *sum) {
  const neurlp_tensor_shape *shape = sum->whole_shape;
  int64_t part[NEURLP_TENSOR_RANK], whole[NEURLP_TENSOR_RANK], other[NEURLP_TENSOR_RANK];
  neurlp_cuda_reduction r = {.own = {.numbers = 1},
                             .summed = {.numbers = 1},
                             .add = sum->add,
                             .factor = sum->factor,
                             .whole = sum->whole,
                             .other = sum->other,
                             .part = sum->part};
  neurlp_shape_strides(sum->part_shape, shape, part);
  neurlp_shape_strides(shape, shape, whole);
  neurlp_shape_strides(sum->other ? sum->other_shape : shape, shape, other);
  for (int32_t axis = 0; axis < shape->rank; axis++) {
    const bool own = part[axis] != 0;
    if (shape->extents[axis] > 1) r.columns = own; /* the last one counts */
    append_axis(own ? &r.own : &r.summed, shape->extents[axis],
                (int64_t[3]){part[axis], whole[axis], other[axis]});
  }
  return start_reduction(graph, &r);
}

neurlp_status neurlp_graph_column_sum_cuda(const neurlp_graph *graph, int64_t rows, int64_t columns,
                                           const void *y, void *sums) {
  const neurlp_tensor_shape whole = neurlp_shape_of(2, rows, columns), part = neurlp_shape_of(1, columns);
  return neurlp_graph_broadcast_sum_cuda(
      graph,
      &(cuda_broadcast_sum){
          .whole_shape = &whole, .part_shape = &part, .whole = y, .part = sums, .factor = 1, .add = true});
}

/* ---- sums of doubles, in graphs of either precision -------------------------------------------------- */

neurlp_status neurlp_graph_add_parts_cuda(const neurlp_graph *graph, int64_t parts, int64_t columns,
                                          double *from, void *to) {
  const neurlp_cuda_reduction r = {
      .own = {.rank = 1, .numbers = columns, .extents = {columns}, .strides = {{1}, {1}, {0}}},
      .parts = parts,
      .add = true,
      .factor = 1,
      .part = to,
      .workspace = from};
  return neurlp_start_cuda(graph, neurlp_cuda_add_double_parts(neurlp_graph_single(graph)), columns, &r,
                           sizeof r);
}

neurlp_status neurlp_graph_add_rows_cuda(const neurlp_graph *graph, int64_t parts, int64_t columns,
                                         const double *from, double *workspace, void *to) {
  const neurlp_cuda_reduction r = {
      .own = {.rank = 1, .numbers = columns, .extents = {columns}, .strides = {{1}, {parts}, {0}}},
      .summed = {.rank = 1, .numbers = parts, .extents = {parts}, .strides = {{0}, {1}, {0}}},
      .parts = neurlp_graph_parts(columns, parts),
      .add = true,
      .factor = 1,
      .whole = from,
      .part = to,
      .workspace = workspace};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_start_cuda(graph, neurlp_cuda_form_double_parts(), columns * r.parts, &r, sizeof r));
  status = neurlp_start_cuda(graph, neurlp_cuda_add_double_parts(neurlp_graph_single(graph)), columns, &r,
                             sizeof r);
done:
  return status;
}
