/* Shapes of tensors: dense, row-major, the last extent fastest. */
#ifndef NEURLP_GRAPH_SHAPE_H
#define NEURLP_GRAPH_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NEURLP_TENSOR_RANK = 6 };

/* Rank 0 is one number. */
typedef struct neurlp_tensor_shape {
  int32_t rank; /* 0 to NEURLP_TENSOR_RANK */
  int64_t extents[NEURLP_TENSOR_RANK];
} neurlp_tensor_shape;

/* neurlp_shape_of(2, 3, 5) is [3][5]... */
#define neurlp_shape_of(count, ...) ((neurlp_tensor_shape){.rank = (count), .extents = {__VA_ARGS__}})
#define neurlp_shape_scalar         ((neurlp_tensor_shape){.rank = 0})

/* Product of the extents from axis `first` to `end` - 1. */
int64_t neurlp_shape_product(const neurlp_tensor_shape *shape, int32_t first, int32_t end);

/* Product of all extents; 1 for rank 0. */
int64_t neurlp_shape_numbers(const neurlp_tensor_shape *shape);

bool neurlp_shape_equal(const neurlp_tensor_shape *a, const neurlp_tensor_shape *b);

/* The shape of an element-wise operation on both: extents are aligned at the last axis, and 1 fits anything.
 * False if they do not fit. */
bool neurlp_shape_broadcast(const neurlp_tensor_shape *a, const neurlp_tensor_shape *b,
                            neurlp_tensor_shape *result);

/* How many numbers apart neighbours along each axis of `whole` are in a tensor of shape `part`, which
 * broadcasts to it: 0 where part has extent 1 or no such axis. */
void neurlp_shape_strides(const neurlp_tensor_shape *part, const neurlp_tensor_shape *whole,
                          int64_t strides[NEURLP_TENSOR_RANK]);

enum { NEURLP_SHAPE_TEXT = 128 };

/* "[32][50][3]"; "a number" for rank 0. Returns text. */
const char *neurlp_shape_print(const neurlp_tensor_shape *shape, char text[NEURLP_SHAPE_TEXT]);

#endif
