/* A tile: as many systems as there are lanes, their inputs, and the workspace of the sweep.
 *
 * Systems past the end of the batch are copies of the last one, so that every lane takes the same path.
 * Ragged: past a lane's length its equations are zero and its smoothness rows have weight zero, by selection,
 * so that whatever stands in the inputs there has no influence. */
#ifndef NEURLP_BLOCK_TILE_H
#define NEURLP_BLOCK_TILE_H

#include "block/lanes.h"
#include "block/tile_sizes.h"

/* Sizes that a kernel may know when it is compiled; the last four as in neurlp_problem. */
typedef struct sweep_sizes {
  int32_t dimensions, derivatives, equations, columns;
  int32_t twin, central, slack, first;
} sweep_sizes;

/* Where a row's parts begin: n columns of step t, n of step t+1, one for u[t+2][k][d-1] of each dimension if
 * there are central rows, the global ones (the first step's n, the slack), and R right-hand sides. */
NEURLP_INLINE int32_t sizes_unknowns(sweep_sizes z) {
  return z.dimensions * z.derivatives;
}
NEURLP_INLINE int32_t sizes_ahead(sweep_sizes z) {
  return z.central * z.dimensions;
}
NEURLP_INLINE int32_t sizes_globals(sweep_sizes z) {
  return z.first * sizes_unknowns(z) + z.slack;
}
NEURLP_INLINE int32_t sizes_global_column(sweep_sizes z) {
  return 2 * sizes_unknowns(z) + sizes_ahead(z);
}
NEURLP_INLINE int32_t sizes_rhs_column(sweep_sizes z) {
  return sizes_global_column(z) + sizes_globals(z);
}

/* Two-point smoothness rows of a dimension, and smoothness rows in all. */
NEURLP_INLINE int32_t sizes_two_point_rows(sweep_sizes z) {
  return z.twin * (z.derivatives - z.central);
}
NEURLP_INLINE int32_t sizes_smoothness_rows(sweep_sizes z) {
  return sizes_two_point_rows(z) + z.central;
}

typedef struct neurlp_tile {
  const neurlp_problem *problem;
  int64_t first;
  int32_t count;    /* lanes that are systems of the batch */
  int32_t steps;    /* length of the longest */
  int32_t shortest; /* length of the shortest */
  lanes length;
  lanes status; /* 0, or the first failure's neurlp_status */
  const double *coefficients[LANES], *rhs[LANES], *initial_values[LANES], *step[LANES];
  /* Workspace. */
  int32_t stride;      /* numbers in a row */
  int64_t factor_step; /* numbers that the factor takes for one step */
  lanes *factor;       /* of each step, row after row: row c of R_t from the pivot on, of S_t, A_t, G_t */
  lanes *unknowns;     /* [T][n][R] y, later the solution */
  lanes *global;       /* [globals][R] the same for the global unknowns */
  lanes *top;          /* [n + ahead + globals][stride] the carried triangle; then R_t, S_t, A_t, G_t, y_t */
  lanes *low;          /* the rows that are eliminated */
  lanes *square;       /* [n + ahead + globals] squared norms of the columns of A, for those of top */
  lanes *scratch;      /* of the adjoint */
} neurlp_tile;

/* Row c of the factor of step t: R_t from the pivot on, then S_t, A_t towards step t+2, G_t towards the
 * global unknowns. */
NEURLP_INLINE lanes *tile_factor_row(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t c) {
  return tile->factor + t * tile->factor_step + c * sizes_rhs_column(z) - c * (c - 1) / 2;
}

/* Row q of the triangle of the global unknowns, from its pivot on. */
NEURLP_INLINE lanes *tile_global_row(const neurlp_tile *tile, sweep_sizes z, int32_t q) {
  return tile->top + (sizes_unknowns(z) + sizes_ahead(z) + q) * tile->stride + sizes_global_column(z) + q;
}

/* Right-hand sides, later unknowns, of step t, [n][R]. */
NEURLP_INLINE lanes *tile_unknowns(const neurlp_tile *tile, sweep_sizes z, int32_t t) {
  return tile->unknowns + (int64_t)t * z.dimensions * z.derivatives * z.columns;
}

NEURLP_INLINE void tile_fail(neurlp_tile *tile, lane_mask where, neurlp_status status) {
  const lane_mask fresh = where & lanes_equal(tile->status, lanes_all(0.0));
  tile->status = lanes_select(fresh, lanes_all((double)status), tile->status);
}

/* Lanes whose length is greater than t. */
NEURLP_INLINE lane_mask tile_within(const neurlp_tile *tile, int32_t t) {
  return lanes_greater(tile->length, lanes_all((double)t));
}

/* An input at step t, zero past a lane's length. */
NEURLP_INLINE lanes tile_load(const neurlp_tile *tile, const double *const source[LANES], int64_t offset,
                              int32_t t) {
  const lanes x = lanes_gather(source, offset);
  if (t < tile->shortest) return x;
  return lanes_select(tile_within(tile, t), x, lanes_all(0.0));
}

NEURLP_INLINE lanes tile_coefficient(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t e,
                                     int32_t c) {
  const int64_t n = (int64_t)z.dimensions * z.derivatives;
  return tile_load(tile, tile->coefficients, ((int64_t)t * z.equations + e) * n + c, t);
}

NEURLP_INLINE lanes tile_rhs(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t e, int32_t r) {
  return tile_load(tile, tile->rhs, ((int64_t)t * z.equations + e) * z.columns + r, t);
}

NEURLP_INLINE lanes tile_initial_value(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t k,
                                       int32_t j, int32_t r) {
  const int64_t row = ((int64_t)t * z.dimensions + k) * tile->problem->shape.initial_derivatives + j;
  return lanes_gather(tile->initial_values, row * z.columns + r);
}

/* Step size of interval t for dimension k; one unit past a lane's length. */
NEURLP_INLINE lanes tile_step(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t k) {
  const bool each = tile->problem->shape.steps_per_dimension;
  const lanes h = lanes_gather(tile->step, each ? (int64_t)t * z.dimensions + k : t);
  if (t + 1 < tile->shortest) return h;
  return lanes_select(tile_within(tile, t + 1), h, lanes_all(tile->problem->unit));
}

/* Weight of the smoothness rows of interval t, and of the central rows with centre t. */
NEURLP_INLINE lanes tile_smoothness(const neurlp_tile *tile, int32_t t) {
  const lanes weight = lanes_all(tile->problem->formulation.weight_smoothness);
  return lanes_select(tile_within(tile, t + 1), weight, lanes_all(0.0));
}

/* Whether derivative j of step t is given exactly. The same for all lanes. */
NEURLP_INLINE bool tile_known(const neurlp_tile *tile, int32_t t, int32_t j) {
  return t < tile->problem->hard_steps && j < tile->problem->shape.initial_derivatives;
}

/* Whether unknown j of step t has no column of its own, being given exactly or global. */
NEURLP_INLINE bool tile_absent(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t j) {
  return tile_known(tile, t, j) || (z.first && t == 0);
}

/* Fills target[l][from..to) of the lanes that are systems. */
static inline void tile_fill(const neurlp_tile *tile, double *const target[LANES], int64_t from, int64_t to,
                             double value, bool failed_only) {
  for (int32_t l = 0; l < tile->count; l++) {
    if (failed_only && tile->status[l] == 0.0) continue;
    for (int64_t i = from; i < to; i++) target[l][i] = value;
  }
}

/* Pointers to the systems of a tile in an array with `size` numbers for each system; NULL stays NULL. */
static inline void tile_point(const neurlp_tile *tile, const double *array, int64_t size,
                              const double *source[LANES]) {
  for (int32_t l = 0; l < LANES; l++) {
    const int64_t system = tile->first + (l < tile->count ? l : tile->count - 1);
    source[l] = array ? array + system * size : NULL;
  }
}

static inline void tile_point_out(const neurlp_tile *tile, double *array, int64_t size,
                                  double *target[LANES]) {
  for (int32_t l = 0; l < LANES; l++) target[l] = NULL;
  for (int32_t l = 0; l < tile->count && array; l++) target[l] = array + (tile->first + l) * size;
}

static inline void tile_lengths(neurlp_tile *tile, const int32_t *lengths) {
  tile->steps = 0;
  tile->shortest = tile->problem->shape.steps;
  for (int32_t l = 0; l < LANES; l++) {
    const int64_t system = tile->first + (l < tile->count ? l : tile->count - 1);
    const int32_t length = lengths ? lengths[system] : tile->problem->shape.steps;
    tile->length[l] = (double)length;
    if (length > tile->steps) tile->steps = length;
    if (length < tile->shortest) tile->shortest = length;
  }
}

static inline void tile_open(neurlp_tile *tile, const neurlp_tile_job *job) {
  const neurlp_problem *problem = job->problem;
  const neurlp_shape *shape = &problem->shape;
  const neurlp_inputs *in = job->inputs;
  const int64_t left = in->systems - job->first;
  const int64_t n = problem->unknowns, T = shape->steps, E = shape->equations, R = shape->columns;
  *tile =
      (neurlp_tile){.problem = problem, .first = job->first, .count = left < LANES ? (int32_t)left : LANES};
  tile_lengths(tile, in->lengths);
  tile_point(tile, in->coefficients, T * E * n, tile->coefficients);
  tile_point(tile, in->rhs, T * E * R, tile->rhs);
  tile_point(tile, in->initial_values,
             (int64_t)shape->initial_steps * shape->dimensions * shape->initial_derivatives * R,
             tile->initial_values);
  tile_point(tile, in->steps, (T - 1) * (shape->steps_per_dimension ? shape->dimensions : 1), tile->step);
  tile->stride = tile_stride(problem);
  tile->factor_step = tile_factor_step(problem);
  tile->factor = job->workspace;
  tile->unknowns = tile->factor + T * tile->factor_step;
  tile->global = tile->unknowns + T * tile_unknowns_step(problem);
  tile->top = tile->global + problem->globals * R;
  tile->low = tile->top + tile_top_rows(problem) * tile->stride;
  tile->square = tile->low + tile_low_rows(problem) * tile->stride;
  tile->scratch = tile->square + tile_top_rows(problem);
}

static inline void tile_report(const neurlp_tile *tile, neurlp_status *status) {
  for (int32_t l = 0; l < tile->count; l++) status[tile->first + l] = (neurlp_status)(int32_t)tile->status[l];
}

#endif
