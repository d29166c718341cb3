/* Solving with the factor that the sweep has left: R x = y from the last step to the first, and R^T q = g
 * from the first to the last (docs/math.md, equations 7 and 11). Pivots are kept inverted. */
#ifndef NEURLP_BLOCK_SUBSTITUTION_H
#define NEURLP_BLOCK_SUBSTITUTION_H

#include "block/sweep/tile.h"

/* Right-hand sides that are solved for at one time. */
enum { SUBSTITUTION_BLOCK = 4 };

/* Solves row c for `width` right-hand sides from r on. */
NEURLP_INLINE void substitute_row(const neurlp_tile *tile, tile_vector v, sweep_sizes z, int32_t t, int32_t c,
                                  int32_t r, int32_t width) {
  const int32_t n = sizes_unknowns(z), R = z.columns;
  const lane_cell *row = tile_factor_row(tile, z, t, c);
  const lane_cell *ahead = row + 2 * n - c, *global = row + sizes_global_column(z) - c;
  wide_cell *here = vector_step(v, z, t) + r;
  const wide_cell *next = vector_step(v, z, t + 1) + r, *after = vector_step(v, z, t + 2) + r;
  wide x[SUBSTITUTION_BLOCK];
  EACH (q, 0, width) x[q] = here[c * R + q];
  EACH (j, 0, sizes_globals(z))
    EACH (q, 0, width) x[q] = wide_fma(-widen(global[j]), v.global[j * R + r + q], x[q]);
  if (z.central && t + 2 < tile->steps)
    EACH (k, 0, sizes_ahead(z))
      EACH (q, 0, width)
        x[q] = wide_fma(-widen(ahead[k]), after[((k + 1) * z.derivatives - 2) * R + q], x[q]);
  if (!z.edge || t + 1 < tile->steps)
    EACH (j, 0, n)
      EACH (q, 0, width) x[q] = wide_fma(-widen(row[n - c + j]), next[j * R + q], x[q]);
  EACH (j, c + 1, n)
    EACH (q, 0, width) x[q] = wide_fma(-widen(row[j - c]), here[j * R + q], x[q]);
  EACH (q, 0, width) here[c * R + q] = x[q] * widen(row[0]);
}

/* Those unknowns of step 0 that are global take their place. */
NEURLP_INLINE void substitute_place_first(const neurlp_tile *tile, tile_vector v, sweep_sizes z) {
  EACH (c, 0, sizes_unknowns(z)) {
    if (tile_known(tile, z, 0, c % z.derivatives)) continue;
    EACH (r, 0, z.columns) vector_step(v, z, 0)[c * z.columns + r] = v.global[c * z.columns + r];
  }
}

/* R_t x_t = y_t - S_t x_(t+1) - A_t x_(t+2) - G_t x_global, in place. */
NEURLP_INLINE void substitute_step(const neurlp_tile *tile, tile_vector v, sweep_sizes z, int32_t t) {
  UNROLLED for (int32_t c = sizes_unknowns(z) - 1; c >= 0; c--) {
    int32_t r = 0;
    for (; r + SUBSTITUTION_BLOCK <= z.columns; r += SUBSTITUTION_BLOCK)
      substitute_row(tile, v, z, t, c, r, SUBSTITUTION_BLOCK);
    for (; r < z.columns; r++) substitute_row(tile, v, z, t, c, r, 1);
  }
  if (z.edge && z.first && t == 0) substitute_place_first(tile, v, z);
}

/* The triangle of the global unknowns, in place; before any step. */
NEURLP_INLINE void substitute_globals(const neurlp_tile *tile, tile_vector v, sweep_sizes z) {
  const int32_t R = z.columns;
  UNROLLED for (int32_t q = sizes_globals(z) - 1; q >= 0; q--) {
    const lane_cell *row = tile_global_factor(tile, z, q);
    EACH (r, 0, R) {
      wide x = v.global[q * R + r];
      EACH (j, q + 1, sizes_globals(z)) x -= widen(row[j - q]) * v.global[j * R + r];
      v.global[q * R + r] = x * widen(row[0]);
    }
  }
}

/* R x = y over all steps, in place. */
NEURLP_INLINE void substitute(const neurlp_tile *tile, tile_vector v, sweep_sizes z) {
  substitute_globals(tile, v, z);
  for (int32_t t = tile->steps - 1; t >= 0; t--) substitute_step(tile, v, z, t);
}

/* Takes a finished q of R right-hand sides out of `count` unknowns that follow it. */
NEURLP_INLINE void transposed_remove(const lane_cell *row, const wide_cell *q, wide_cell *unknowns,
                                     int32_t count, int32_t R) {
  EACH (j, 0, count)
    EACH (r, 0, R) unknowns[j * R + r] = wide_fma(-widen(row[j]), q[r], unknowns[j * R + r]);
}

/* A finished q of row c of step t, out of what follows it. */
NEURLP_INLINE void transposed_row(const neurlp_tile *tile, tile_vector v, sweep_sizes z, int32_t t,
                                  int32_t c) {
  const int32_t n = sizes_unknowns(z), R = z.columns;
  const lane_cell *row = tile_factor_row(tile, z, t, c), *ahead = row + 2 * n - c;
  wide_cell *q = vector_step(v, z, t) + c * R;
  EACH (r, 0, R) q[r] *= widen(row[0]);
  transposed_remove(row + 1, q, q + R, n - 1 - c, R);
  if (!z.edge || t + 1 < tile->steps) transposed_remove(row + n - c, q, vector_step(v, z, t + 1), n, R);
  if (z.central && t + 2 < tile->steps)
    EACH (k, 0, sizes_ahead(z))
      transposed_remove(&ahead[k], q, vector_step(v, z, t + 2) + ((k + 1) * z.derivatives - 2) * R, 1, R);
  transposed_remove(row + sizes_global_column(z) - c, q, v.global, sizes_globals(z), R);
}

NEURLP_INLINE void transposed_step(const neurlp_tile *tile, tile_vector v, sweep_sizes z, int32_t t) {
  EACH (c, 0, sizes_unknowns(z)) transposed_row(tile, v, z, t, c);
}

NEURLP_INLINE void transposed_globals(const neurlp_tile *tile, tile_vector v, sweep_sizes z) {
  const int32_t R = z.columns, globals = sizes_globals(z);
  EACH (p, 0, globals) {
    const lane_cell *row = tile_global_factor(tile, z, p);
    wide_cell *q = v.global + p * R;
    EACH (r, 0, R) q[r] *= widen(row[0]);
    transposed_remove(row + 1, q, q + R, globals - 1 - p, R);
  }
}

/* R^T q = g over all steps, in place. */
NEURLP_INLINE void substitute_transposed(const neurlp_tile *tile, tile_vector v, sweep_sizes z) {
  for (int32_t t = 0; t < tile->steps; t++) transposed_step(tile, v, z, t);
  transposed_globals(tile, v, z);
}

/* A^T A x = g by R^T q = g and R x = q, in place. */
NEURLP_INLINE void substitute_normal(const neurlp_tile *tile, tile_vector v, sweep_sizes z) {
  substitute_transposed(tile, v, z);
  substitute(tile, v, z);
}

#endif
