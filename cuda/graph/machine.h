/* The inside of graphs on a device: what a graph has there beside its arena, and how kernels of operations
 * start work. Everything goes into queue 0, in order, and is not waited for, but where an operation says so.
 */
#ifndef NEURLP_CUDA_GRAPH_MACHINE_H
#define NEURLP_CUDA_GRAPH_MACHINE_H

#include "cuda/device/device.h"
#include "cuda/graph/layer_kernels.h"
#include "cuda/graph/sample_kernels.h"
#include "cuda/graph/tensor_kernels.h"
#include "graph/operation.h"

/* Threads that sums and other work of unknown length are spread over at most: the same on every device, so
 * that the order of a sum is. */
enum { CUDA_GRAPH_THREADS = 32768 };

/* Neighbouring steps of a pass that nobody waits in, all of it unless there are nonlinear blocks: recorded
 * when they are run for the second time. */
typedef struct cuda_segment {
  int32_t first, end;
  bool waits;      /* one step, which waits: never recorded */
  void *recording; /* or NULL */
} cuda_segment;

typedef struct cuda_pass {
  cuda_segment *segments; /* [count] */
  int32_t count;
  int64_t runs;
} cuda_pass;

/* What one value has: device memory of a library, rooms of the host of a nonlinear block, statuses and the
 * solver of a linear one. */
typedef struct cuda_value {
  void *memory[4];
  void *solver;
} cuda_value;

typedef struct cuda_graph {
  neurlp_context *context;
  neurlp_device *device;
  bool records, checked;
  bool blocks;            /* linear ones: what they note of samples is on the device until it is fetched */
  neurlp_cuda_run *run;   /* of the device, as what follows */
  int32_t *systems;       /* [most systems of a block] statuses of their adjoints */
  void *workspace;        /* of one kernel after the other */
  double *numbers;        /* [gathered] that are kept, of which the loss is the first; behind them */
  int32_t *statuses;      /* [samples] */
  double *pinned_numbers; /* pinned: copies of both, which come to the host in one piece */
  int32_t *pinned_statuses;
  neurlp_cuda_run *pinned_run;
  unsigned char *pinned_inputs; /* what was written, one input behind the other */
  bool pending; /* a run that reads or writes pinned memory was started, and has not been waited for */
  int32_t gathered;
  neurlp_value values_gathered[NEURLP_CUDA_GATHERED];
  cuda_value *values; /* [values of the graph] */
  int32_t value_count;
  cuda_pass passes[2]; /* backward, forward */
  void *both;          /* the recording of both, where each is one segment, or NULL */
} cuda_graph;

static inline cuda_graph *neurlp_graph_on_cuda(const neurlp_graph *graph) {
  return neurlp_graph_own(graph);
}

static inline bool neurlp_graph_single(const neurlp_graph *graph) {
  return neurlp_graph_precision(graph) == NEURLP_SINGLE;
}

static inline size_t neurlp_graph_number_bytes(const neurlp_graph *graph) {
  return neurlp_graph_single(graph) ? sizeof(float) : sizeof(double);
}

/* The device of a context, and arrays to and from it, of any length: done when they return. */
neurlp_status neurlp_graph_device_cuda(neurlp_context *context, neurlp_device **device);
neurlp_status neurlp_graph_upload_cuda(neurlp_context *context, void *to, const void *from, size_t bytes);
neurlp_status neurlp_graph_download_cuda(neurlp_context *context, void *to, const void *from, size_t bytes);

/* Starts a kernel for so many tasks; or for exactly so many threads. */
neurlp_status neurlp_start_cuda(const neurlp_graph *graph, const neurlp_cuda_kernel *kernel, int64_t tasks,
                                const void *arguments, size_t bytes);
neurlp_status neurlp_start_threads_cuda(const neurlp_graph *graph, const neurlp_cuda_kernel *kernel,
                                        int64_t threads, const void *arguments, size_t bytes);

/* c [rows][columns] = op(a) op(b), plus c if `add`, all dense, in the graph's precision. */
typedef struct cuda_matrices {
  bool a_transposed, b_transposed, add;
  int64_t rows, columns, inner;
  const void *a, *b;
  void *c;
} cuda_matrices;
neurlp_status neurlp_graph_product_cuda(const neurlp_graph *graph, const cuda_matrices *matrices);

/* Walks over `shape`; strides are those of y, a, b. Axes that are one in all tensors are joined. */
neurlp_status neurlp_graph_walk_cuda(const neurlp_graph *graph, neurlp_cuda_walk_kind kind, double factor,
                                     const neurlp_tensor_shape *shape, int64_t strides[3][NEURLP_TENSOR_RANK],
                                     void *y, const void *a, const void *b);

/* y += factor a, of so many numbers. */
neurlp_status neurlp_graph_add_to_cuda(const neurlp_graph *graph, int64_t numbers, double factor, void *y,
                                       const void *a);

/* part = factor times the sum of whole times other (NULL: 1) over the places that each number of part serves,
 * plus what is there if `add`. part and other broadcast to whole. */
typedef struct cuda_broadcast_sum {
  const neurlp_tensor_shape *whole_shape, *other_shape, *part_shape;
  const void *whole, *other;
  void *part;
  double factor;
  bool add;
} cuda_broadcast_sum;
neurlp_status neurlp_graph_broadcast_sum_cuda(const neurlp_graph *graph, const cuda_broadcast_sum *sum);

/* sums [columns] += down the columns of y [rows][columns]. */
neurlp_status neurlp_graph_column_sum_cuda(const neurlp_graph *graph, int64_t rows, int64_t columns,
                                           const void *y, void *sums);

/* to [columns] += the sums of doubles [parts][columns]; of the rows of [columns][parts] if `along`, for which
 * `workspace` has room for as many parts of sums again (neurlp_graph_parts). */
neurlp_status neurlp_graph_add_parts_cuda(const neurlp_graph *graph, int64_t parts, int64_t columns,
                                          double *from, void *to);
neurlp_status neurlp_graph_add_rows_cuda(const neurlp_graph *graph, int64_t parts, int64_t columns,
                                         const double *from, double *workspace, void *to);

/* Into how many parts the sums of `count` terms each, `owns` of them, are cut. */
int64_t neurlp_graph_parts(int64_t owns, int64_t count);

/* Bytes of workspace that a value's kernels need; bytes of device memory, or of the host, that it has of its
 * own; makes and frees these. Of libraries, and of nonlinear blocks. */
size_t neurlp_graph_workspace_cuda(neurlp_graph *graph, const neurlp_node *node);
size_t neurlp_library_workspace_cuda(neurlp_graph *graph, const neurlp_node *node);
size_t neurlp_convolution_workspace_cuda(neurlp_graph *graph, const neurlp_node *node);
size_t neurlp_library_bytes_cuda(const neurlp_node *node);
neurlp_status neurlp_library_make_cuda(neurlp_graph *graph, const neurlp_node *node, cuda_value *value);
size_t neurlp_nonlinear_bytes_cuda(neurlp_graph *graph, const neurlp_node *node);
neurlp_status neurlp_nonlinear_make_cuda(neurlp_graph *graph, const neurlp_node *node, cuda_value *value);

/* Linear blocks: systems, 0 of other values; bytes that one has beside its solver, and those of a solver;
 * makes and frees both. */
int64_t neurlp_block_systems_cuda(const neurlp_node *node);
size_t neurlp_block_bytes_cuda(const neurlp_node *node);
size_t neurlp_block_solver_bytes_cuda(neurlp_context *context, const neurlp_problem *problem);
neurlp_status neurlp_block_make_cuda(neurlp_graph *graph, neurlp_node *node, cuda_value *value);
void neurlp_block_unmake_cuda(cuda_value *value);

/* What a value has of its own. */
cuda_value *neurlp_graph_value_cuda(neurlp_graph *graph, const neurlp_node *node);

/* The statuses of samples, as they are on the host, to the device; and back, which waits, where linear blocks
 * may have noted failures there. */
neurlp_status neurlp_graph_send_statuses_cuda(neurlp_graph *graph);
neurlp_status neurlp_graph_fetch_statuses_cuda(neurlp_graph *graph);

#define NEURLP_CUDA_GRAPH_KERNEL(name) extern const neurlp_kernel neurlp_kernel_##name##_cuda;
NEURLP_OPERATIONS(NEURLP_CUDA_GRAPH_KERNEL)
#undef NEURLP_CUDA_GRAPH_KERNEL

#endif
