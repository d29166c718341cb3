/* The map from right-hand sides and values to solutions, where all systems have one left-hand side
 * (docs/math.md, section 5): how large it is, and whether a product with it is cheaper than sweeps. */
#ifndef NEURLP_BLOCK_PRODUCT_MAP_H
#define NEURLP_BLOCK_PRODUCT_MAP_H

#include "block/arrays.h"
#include "block/problem.h"

/* The inputs of a map, in their order: rhs, initial and final values. */
enum { NEURLP_MAP_PARTS = 3 };
extern const neurlp_array neurlp_map_arrays[NEURLP_MAP_PARTS];

typedef struct neurlp_map_sizes {
  int64_t inputs;                 /* m; 0: there is no map, sweeps over the factor are cheaper */
  int64_t outputs;                /* N = T n */
  int64_t part[NEURLP_MAP_PARTS]; /* how many inputs are rhs, initial, final values */
} neurlp_map_sizes;

/* advantage: how much faster a product's operations are than a sweep's. */
neurlp_map_sizes neurlp_map_plan(const neurlp_problem *problem, double advantage);

#endif
