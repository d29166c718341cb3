/* Answers from a factor that is not good enough to carry right-hand sides along: one in single precision
 * under double-precision answers, or one that was kept from an earlier call. What A^T A x should be is
 * compared with what it is, rows in outer precision, and the difference is solved for (docs/math.md, section
 * 2). */
#ifndef NEURLP_BLOCK_REFINE_H
#define NEURLP_BLOCK_REFINE_H

#include "block/sweep/products.h"
#include "block/sweep/substitution.h"

/* The most corrections. */
enum { REFINE_LIMIT = 12 };

/* A correction that is so small relative to the solution cannot be told from rounding; nor can the one to
 * come, as all shrink at one rate. */
#define REFINE_DONE (8 * OUTER_EPSILON)

/* Where corrections do not shrink any more, one of this size is rounding times the condition number of a
 * problem that factors in inner precision are just good enough for. */
#define REFINE_STALLED (8 * OUTER_EPSILON / FLT_EPSILON)

/* out += A^T (r - A x) of the rows of one step; r is 0 without `inputs`. */
NEURLP_INLINE void refine_equations(const neurlp_tile *tile, sweep_sizes z, bool inputs, int32_t t) {
  wide_cell *row = tile->scratch;
  const wide_cell *x = vector_step(tile->x, z, t);
  wide_cell *out = vector_step(tile->change, z, t);
  for (int32_t e = 0; e < z.equations; e++) {
    product_equation_row(tile, z, t, e, row);
    for (int32_t r = 0; r < z.columns; r++) {
      wide w = -product_of_row(z, row, x, r);
      if (inputs) w += tile_rhs(tile, z, t, e, r) * wide_all(tile->problem->weight_equation);
      product_add_row(z, row, w, out, r);
    }
  }
}

/* The same for a row `weight` times one unknown, whose value is `given`. */
NEURLP_INLINE void refine_value(const neurlp_tile *tile, int32_t j, wide weight, wide given, wide x,
                                wide_cell *out) {
  const wide one = wide_all(tile->problem->inverse_scale[j]);
  *out += weight * one * (weight * (given - one * x));
}

/* Soft values of step t, initial and final. */
NEURLP_INLINE void refine_soft_values(const neurlp_tile *tile, sweep_sizes z, bool inputs, int32_t t) {
  const neurlp_problem *problem = tile->problem;
  const wide zero = wide_all(0.0), weight = wide_all(problem->formulation.weight_initial);
  const wide ends = wide_select(tile_ends(tile, t), weight, zero);
  const int32_t J = t < problem->soft_steps ? problem->shape.initial_derivatives : 0;
  const int32_t JF = problem->hard ? 0 : z.final;
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < z.derivatives; j++)
      for (int32_t r = 0; r < z.columns; r++) {
        const int32_t place = (k * z.derivatives + j) * z.columns + r;
        const wide x = vector_step(tile->x, z, t)[place];
        wide_cell *out = vector_step(tile->change, z, t) + place;
        if (j < J)
          refine_value(tile, j, weight, inputs ? tile_initial_value(tile, z, t, k, j, r) : zero, x, out);
        if (j < JF) refine_value(tile, j, ends, inputs ? tile_final_value(tile, z, k, j, r) : zero, x, out);
      }
}

/* Smoothness rows of dimension k that join at step t. */
NEURLP_INLINE void refine_smoothness(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t k,
                                     const wide *power) {
  const int32_t R = z.columns, first = k * z.derivatives * R, slack = (sizes_globals(z) - 1) * R;
  const wide_cell *x[2] = {vector_step(tile->x, z, t), vector_step(tile->x, z, t + 1)};
  wide_cell *out[2] = {vector_step(tile->change, z, t), vector_step(tile->change, z, t + 1)};
  const wide weight = tile_smoothness(tile, z, t);
  for (int32_t q = 0; q < sizes_two_point_rows(z); q++)
    for (int32_t r = 0; r < R; r++) {
      row_product product = product_two_point(tile, z, q, power, x[0] + first + r, x[1] + first + r);
      if (z.slack) product.value += tile->x.global[slack + r];
      const wide w = -weight * (weight * product.value);
      product_add_two_point(tile, z, q, power, w, wide_all(0.0), out[0] + first + r, out[1] + first + r);
      if (z.slack) tile->change.global[slack + r] += w;
    }
}

/* The central row with centre t+1 of dimension k. */
NEURLP_INLINE void refine_central(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t k) {
  const int32_t R = z.columns, slack = (sizes_globals(z) - 1) * R;
  const wide weight = tile_smoothness(tile, z, t + 1);
  const central_row row = rows_central(tile, z, t, k);
  for (int32_t r = 0; r < R; r++) {
    const int32_t side = product_central_place(z, k) + r;
    const wide_cell *x[3] = {vector_step(tile->x, z, t), vector_step(tile->x, z, t + 1),
                             vector_step(tile->x, z, t + 2)};
    row_product product = product_central(row, x[0][side], x[1][side + R], x[2][side]);
    if (z.slack) product.value += tile->x.global[slack + r];
    const wide w = -weight * (weight * product.value);
    product_add_central(row, w, wide_all(0.0), vector_step(tile->change, z, t) + side,
                        vector_step(tile->change, z, t + 1) + side + R,
                        vector_step(tile->change, z, t + 2) + side);
    if (z.slack) tile->change.global[slack + r] += w;
  }
}

NEURLP_INLINE void refine_periodic(const neurlp_tile *tile, sweep_sizes z) {
  for (int32_t c = 0; c < sizes_unknowns(z); c++)
    for (int32_t r = 0; r < z.columns && c % z.derivatives + 1 < z.derivatives; r++) {
      const int32_t place = c * z.columns + r;
      const double one = tile->problem->inverse_scale[c % z.derivatives];
      const wide w =
          wide_all(one * one) * (product_last(tile, tile->x, z, place) - vector_step(tile->x, z, 0)[place]);
      vector_step(tile->change, z, 0)[place] += w;
      for (int32_t t = tile->shortest - 1; t < tile->steps; t++)
        vector_step(tile->change, z, t)[place] -= wide_select(tile_ends(tile, t), w, wide_all(0.0));
    }
}

/* Unknowns that are exact are not corrected; those of step 0 may be global. */
NEURLP_INLINE void refine_place(const neurlp_tile *tile, tile_vector v, sweep_sizes z, int32_t t) {
  const wide zero = wide_all(0.0);
  for (int32_t c = 0; c < sizes_unknowns(z); c++)
    for (int32_t r = 0; r < z.columns; r++) {
      const int32_t place = c * z.columns + r, j = c % z.derivatives;
      wide_cell *x = vector_step(v, z, t) + place;
      if (tile_known(tile, z, t, j)) *x = zero;
      if (tile_known_final(tile, z, t, j)) *x = wide_select(tile_ends(tile, t), zero, *x);
      if (!z.first || t > 0) continue;
      v.global[place] += *x;
      *x = zero;
    }
}

/* out += A^T (r - A x) of the rows that join at step t. */
NEURLP_INLINE void refine_step(neurlp_tile *tile, sweep_sizes z, bool inputs, int32_t t) {
  wide power[NEURLP_MAX_DERIVATIVES];
  refine_equations(tile, z, inputs, t);
  if (z.edge) refine_soft_values(tile, z, inputs, t);
  if (z.edge && t + 1 >= tile->steps) return;
  for (int32_t k = 0; k < z.dimensions; k++) {
    if (k == 0 || tile->problem->shape.steps_per_dimension) rows_step_powers(tile, z, t, k, power);
    refine_smoothness(tile, z, t, k, power);
    if (z.central && t + 2 < tile->steps) refine_central(tile, z, t, k);
  }
}

/* change = A^T (r - A x), plus what the linear term of the slack adds, with `inputs`; else source - A^T A x.
 */
NEURLP_INLINE void refine_residual(neurlp_tile *tile, sweep_sizes z, bool inputs) {
  const int64_t local = (int64_t)tile->steps * sizes_unknowns(z) * z.columns, R = z.columns;
  sweep_sizes edge = z, inside = z;
  edge.edge = 1;
  inside.edge = 0;
  for (int64_t i = 0; i < local; i++) tile->change.local[i] = inputs ? wide_all(0.0) : tile->source.local[i];
  for (int64_t i = 0; i < sizes_globals(z) * R; i++)
    tile->change.global[i] = inputs ? wide_all(0.0) : tile->source.global[i];
  const neurlp_formulation *f = &tile->problem->formulation;
  for (int64_t r = 0; r < R && z.slack && inputs; r++)
    tile->change.global[(sizes_globals(z) - 1) * R + r] = wide_all(f->gamma * f->alpha);
  for (int32_t t = 0; t < tile->steps; t++)
    if (tile_inside(tile, z, t))
      refine_step(tile, inside, inputs, t);
    else
      refine_step(tile, edge, inputs, t);
  if (tile->problem->formulation.periodic) refine_periodic(tile, edge);
  for (int32_t t = 0; t < tile->steps; t++)
    if (!tile_inside(tile, z, t)) refine_place(tile, tile->change, edge, t);
}

/* The larger of two numbers; one that is undefined stays. */
NEURLP_INLINE wide refine_larger(wide x, wide y) {
  return wide_select(wide_greater(x, y) | ~wide_equal(x, x), x, y);
}

/* How one tile's corrections go on. */
typedef struct refinement {
  wide_mask active; /* lanes that are still corrected */
  wide last;        /* size of the last correction */
} refinement;

/* Adds the correction to the lanes that go on, and decides which do. */
NEURLP_INLINE void refine_add(neurlp_tile *tile, sweep_sizes z, refinement *state) {
  const int64_t local = (int64_t)tile->steps * sizes_unknowns(z) * z.columns;
  const wide zero = wide_all(0.0);
  wide change = zero, size = zero;
  for (int64_t i = 0; i < local; i++) {
    tile->x.local[i] += wide_select(state->active, tile->change.local[i], zero);
    change = refine_larger(change, wide_abs(tile->change.local[i]));
    size = refine_larger(size, wide_abs(tile->x.local[i]));
  }
  for (int64_t i = 0; i < (int64_t)sizes_globals(z) * z.columns; i++)
    tile->x.global[i] += wide_select(state->active, tile->change.global[i], zero);
  const wide least = size * wide_all(REFINE_DONE), next = change * (change / state->last);
  const wide_mask foretold =
      wide_greater(wide_all((double)INFINITY), state->last) & ~wide_greater(next, least);
  const wide_mask done = ~wide_greater(change, least) | foretold;
  const wide_mask shrinks = wide_greater(state->last, change * wide_all(2.0));
  const wide_mask stalled = ~shrinks & ~wide_greater(change, size * wide_all(REFINE_STALLED));
  const wide_mask fails = state->active & ~(done | shrinks | stalled);
  tile_fail(tile, fails & ~wide_finite(change), NEURLP_NOT_FINITE);
  tile_fail(tile, fails, NEURLP_NOT_CONVERGED);
  state->active &= shrinks & ~done;
  state->last = change;
}

NEURLP_INLINE bool refine_goes_on(const neurlp_tile *tile, const refinement *state) {
  bool any = false;
  for (int32_t l = 0; l < LANES; l++) any |= state->active[l] != 0 && tile->status[l] == 0;
  return any;
}

/* Corrects x, which holds a start, until that changes nothing any more. A kept factor of full precision needs
 * one correction of the first answer, whatever its size. */
NEURLP_INLINE void refine(neurlp_tile *tile, sweep_sizes z, bool inputs) {
  refinement state = {wide_equal(wide_all(0.0), wide_all(0.0)), wide_all((double)INFINITY)};
  const int32_t limit = sizeof(inner) < sizeof(outer) ? REFINE_LIMIT : 2;
  for (int32_t i = 0; i < limit && refine_goes_on(tile, &state); i++) {
    refine_residual(tile, z, inputs);
    substitute_normal(tile, tile->change, z);
    refine_add(tile, z, &state);
  }
  if (limit > 2) tile_fail(tile, state.active, NEURLP_NOT_CONVERGED);
}

/* The exact values of step t, scaled; zeros elsewhere. */
NEURLP_INLINE void refine_start_step(const neurlp_tile *tile, sweep_sizes z, int32_t t) {
  const wide zero = wide_all(0.0);
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < z.derivatives; j++)
      for (int32_t r = 0; r < z.columns; r++) {
        const wide scale = wide_all(tile->problem->scale[j]);
        wide x = zero;
        if (tile_known(tile, z, t, j)) x = tile_initial_value(tile, z, t, k, j, r) * scale;
        if (tile_known_final(tile, z, t, j))
          x = wide_select(tile_ends(tile, t), tile_final_value(tile, z, k, j, r) * scale, x);
        vector_step(tile->x, z, t)[(k * z.derivatives + j) * z.columns + r] = x;
      }
}

/* The solution, into x. */
NEURLP_INLINE void refine_solution(neurlp_tile *tile, sweep_sizes z) {
  z.edge = 1;
  wide_clear(tile->x.global, (int64_t)sizes_globals(z) * z.columns);
  for (int32_t t = 0; t < tile->steps; t++) refine_start_step(tile, z, t);
  refine(tile, z, true);
}

/* A^T A x = source, into x; values that are given have no part in it. */
NEURLP_INLINE void refine_normal(neurlp_tile *tile, sweep_sizes z) {
  z.edge = 1;
  vector_clear(tile, tile->x, z);
  refine(tile, z, false);
}

#endif
