/* Products of the rows of A with vectors, and of its transpose, row by row, without A being there: what the
 * adjoint, the tangent and refinement are made of. Vectors hold scaled unknowns. */
#ifndef NEURLP_BLOCK_PRODUCTS_H
#define NEURLP_BLOCK_PRODUCTS_H

#include "block/sweep/rows.h"

/* Three neighbouring steps of a vector, [n][R] each, step t at t % 3: rows join no more. (An array of three
 * pointers would keep compilers for GPUs from having the window in registers.) */
typedef struct vector_window {
  wide_cell *first;
  int64_t apart; /* from one step to the next */
} vector_window;

NEURLP_INLINE wide_cell *window_step(vector_window window, int32_t t) {
  return window.first + t % 3 * window.apart;
}

/* Coefficients of equation e of step t as they stand in its row of A. */
NEURLP_INLINE void product_equation_row(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t e,
                                        wide_cell *row) {
  EACH (c, 0, sizes_unknowns(z))
    row[c] = tile_coefficient(tile, z, t, e, c) * rows_equation_weight(tile, z, c);
}

/* sum_c row[c] x[c][r] */
NEURLP_INLINE wide product_of_row(sweep_sizes z, const wide_cell *row, const wide_cell *x, int32_t r) {
  wide sum = wide_all(0.0);
  EACH (c, 0, sizes_unknowns(z)) sum = wide_fma(row[c], x[c * z.columns + r], sum);
  return sum;
}

/* out[c][r] += row[c] w */
NEURLP_INLINE void product_add_row(sweep_sizes z, const wide_cell *row, wide w, wide_cell *out, int32_t r) {
  EACH (c, 0, sizes_unknowns(z)) out[c * z.columns + r] = wide_fma(row[c], w, out[c * z.columns + r]);
}

/* Product of a smoothness row with a vector, without the row's weight. */
typedef struct row_product {
  wide value;      /* row . vector, but for the slack */
  wide derivative; /* d(row)/d(step) . vector */
} row_product;

/* Two-point row q of a dimension, whose entries of the vector stand at `here` and `next`. */
NEURLP_INLINE row_product product_two_point(const neurlp_tile *tile, sweep_sizes z, int32_t q,
                                            const wide *power, const wide_cell *here, const wide_cell *next) {
  row_product product = {wide_all(0.0), wide_all(0.0)};
  EACH (p, q / z.twin, z.derivatives) {
    const wide x = wide_fma(wide_all(tile->problem->here[q][p]), here[p * z.columns],
                            wide_all(tile->problem->next[q][p]) * next[p * z.columns]);
    product.value = wide_fma(power[p], x, product.value);
    if (p > 0) product.derivative = wide_fma(wide_all(p) * power[p - 1], x, product.derivative);
  }
  product.derivative *= wide_all(1 / tile->problem->unit);
  return product;
}

/* Adds w times the row, and slope times its derivative with respect to the step, to `here` and `next`. */
NEURLP_INLINE void product_add_two_point(const neurlp_tile *tile, sweep_sizes z, int32_t q, const wide *power,
                                         wide w, wide slope, wide_cell *here, wide_cell *next) {
  EACH (p, q / z.twin, z.derivatives) {
    wide term = w * power[p];
    if (p > 0) term += slope * wide_all(p / tile->problem->unit) * power[p - 1];
    here[p * z.columns] = wide_fma(wide_all(tile->problem->here[q][p]), term, here[p * z.columns]);
    next[p * z.columns] = wide_fma(wide_all(tile->problem->next[q][p]), term, next[p * z.columns]);
  }
}

/* The central row of a dimension, whose entries of the vector stand at u[t][d-1], u[t+1][d], u[t+2][d-1]. */
NEURLP_INLINE row_product product_central(central_row row, wide here, wide next, wide after) {
  return (row_product){row.side * (after - here) - row.middle * next,
                       row.side_slope * (after - here) - row.middle_slope * next};
}

NEURLP_INLINE void product_add_central(central_row row, wide w, wide slope, wide_cell *here, wide_cell *next,
                                       wide_cell *after) {
  const wide side = w * row.side + slope * row.side_slope;
  *here -= side;
  *next -= w * row.middle + slope * row.middle_slope;
  *after += side;
}

/* Where the entries of the central row of dimension k stand in a step: u[d-1], followed by u[d]. */
NEURLP_INLINE int32_t product_central_place(sweep_sizes z, int32_t k) {
  return ((k + 1) * z.derivatives - 2) * z.columns;
}

/* A number of each lane's own last step; `vector` holds all steps. */
NEURLP_INLINE wide product_last(const neurlp_tile *tile, tile_vector vector, sweep_sizes z, int32_t place) {
  wide last = wide_all(0.0);
  EACH (l, 0, LANES) last[l] = vector_step(vector, z, (int32_t)tile->length[l] - 1)[place][l];
  return last;
}

#endif
