/* Kernels of graphs and of their training, compiled in one go: each file by itself would read the headers of
 * CUDA again, which takes a third of its time. */
#include "cuda/graph/layer_kernels.cu"
#include "cuda/graph/sample_kernels.cu"
#include "cuda/graph/tensor_kernels.cu"
#include "cuda/train/update_kernels.cu"
