/* Which sizes a kernel knows when it is compiled. */
#ifndef NEURLP_BLOCK_VARIANTS_H
#define NEURLP_BLOCK_VARIANTS_H

#include "block/sweep/tile.h"

NEURLP_INLINE sweep_sizes sizes_of(const neurlp_problem *problem) {
  const neurlp_shape *shape = &problem->shape;
  return (sweep_sizes){.dimensions = shape->dimensions,
                       .derivatives = problem->derivatives,
                       .equations = shape->equations,
                       .columns = shape->columns,
                       .twin = problem->twin,
                       .central = problem->central,
                       .slack = problem->slack,
                       .first = problem->first,
                       .final = problem->final,
                       .edge = 1};
}

/* Hermite rows without global unknowns and final values: everything that other formulations need is left out
 * by the compiler. */
NEURLP_INLINE sweep_sizes plain(int32_t dimensions, int32_t derivatives, int32_t equations, int32_t columns) {
  return (sweep_sizes){.dimensions = dimensions,
                       .derivatives = derivatives,
                       .equations = equations,
                       .columns = columns,
                       .twin = 1,
                       .edge = 1,
                       .fast = 1};
}

NEURLP_INLINE bool is_plain(sweep_sizes z) {
  return z.twin == 1 && !z.central && !z.slack && !z.first && !z.final;
}

NEURLP_INLINE bool same(sweep_sizes z, int32_t dimensions, int32_t derivatives) {
  return z.dimensions == dimensions && z.derivatives == derivatives && z.equations == dimensions &&
         z.columns == 1 && is_plain(z);
}

NEURLP_INLINE bool same_piece(sweep_sizes z, int32_t dimensions, int32_t derivatives) {
  return z.dimensions == dimensions && z.derivatives == derivatives && z.equations == dimensions &&
         z.columns == 1;
}

/* The same for pieces of time, whose first step's unknowns are global. */
NEURLP_INLINE sweep_sizes plain_piece(int32_t dimensions, int32_t derivatives, int32_t equations,
                                      int32_t columns) {
  sweep_sizes z = plain(dimensions, derivatives, equations, columns);
  z.first = 1;
  return z;
}

NEURLP_INLINE bool is_plain_piece(sweep_sizes z) {
  return z.twin == 1 && !z.central && !z.slack && z.first && !z.final;
}

#endif
