/* A tile: as many systems as there are lanes, their inputs, and the workspace of the sweep.
 *
 * Systems past the end of the batch are copies of the last one, so that every lane takes the same path.
 * Ragged: past a lane's length its equations are zero and its smoothness rows have weight zero, by selection,
 * so that whatever stands in the inputs there has no influence. */
#ifndef NEURLP_BLOCK_TILE_H
#define NEURLP_BLOCK_TILE_H

#include "block/sweep/lanes.h"
#include "block/sweep/tile_sizes.h"

/* Sizes that a kernel may know when it is compiled; the five after `columns` as in neurlp_problem. */
typedef struct sweep_sizes {
  int32_t dimensions, derivatives, equations, columns;
  int32_t twin, central, slack, first, final;
  /* 0 where a step and the two that follow it are inside every lane (so is a third), and neither has
   * values that are given or global: then the compiler leaves out what the edges of the grid need. */
  int32_t edge;
  int32_t fast; /* 1 if such steps are to have code of their own */
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
NEURLP_INLINE int32_t sizes_stride(sweep_sizes z) {
  return sizes_rhs_column(z) + z.columns;
}

/* Where row q of the triangle of the global unknowns stands in the carried rows, from its pivot on. */
NEURLP_INLINE int32_t sizes_global_row(sweep_sizes z, int32_t q) {
  return (sizes_unknowns(z) + sizes_ahead(z) + q) * sizes_stride(z) + sizes_global_column(z) + q;
}

/* Numbers that the factor takes for one step. */
NEURLP_INLINE int32_t sizes_factor_step(sweep_sizes z) {
  const int32_t n = sizes_unknowns(z);
  return sizes_rhs_column(z) * n - n * (n - 1) / 2;
}

/* Two-point smoothness rows of a dimension, and smoothness rows in all. */
NEURLP_INLINE int32_t sizes_two_point_rows(sweep_sizes z) {
  return z.twin * (z.derivatives - z.central);
}
NEURLP_INLINE int32_t sizes_smoothness_rows(sweep_sizes z) {
  return sizes_two_point_rows(z) + z.central;
}

/* An input of each lane's system. */
typedef struct tile_input {
  const outer *lane[LANES];
  int64_t step; /* numbers from one step to the next; 0 if the same ones serve all */
} tile_input;

/* A vector of unknowns, or of right-hand sides that turn into them. */
typedef struct tile_vector {
  wide_cell *local;  /* [T][n][R] */
  wide_cell *global; /* [globals][R] */
} tile_vector;

typedef struct neurlp_tile {
  const neurlp_problem *problem;
  const neurlp_tile_job *job;
  const neurlp_shape *shape; /* of the arrays */
  int64_t system[LANES];     /* of each lane */
  int64_t start[LANES];      /* its first step in the arrays */
  int32_t count;             /* lanes that are systems of the batch, or pieces of some */
  int32_t steps;             /* length of the longest */
  int32_t shortest;          /* length of the shortest */
  wide length;
  wide_mask joined; /* lanes whose last step is a joint: its triangle is kept elsewhere */
  bool cut;         /* whether the first step is a joint, too: in all lanes or none */
  wide status;      /* 0, or the first failure's neurlp_status */
  tile_input coefficients, rhs, initial_values, final_values, step;
  /* Workspace. */
  lane_cell *factor;  /* of each step, row after row: row c of R_t from the pivot on, of S_t, A_t, G_t */
  work_cell *top;     /* [n + ahead + globals][stride] the carried triangle; then R_t, S_t, A_t, G_t, y_t */
  work_cell *low;     /* the rows that are eliminated */
  work_cell *square;  /* [n + ahead + globals] squared norms of the columns of A, for those of top */
  lane_cell *globals; /* top, when all rows are eliminated: the triangle of the global unknowns */
  tile_vector x;      /* the solution; of the adjoint lambda; of the tangent itself */
  tile_vector change, source; /* where answers are refined: a correction, and what A^T A x should be */
  wide_cell *scratch;
  wide_cell *store;    /* what is kept of the tile: the status, x where time is cut, the factor; or NULL */
  lane_cell *kept_top; /* behind it the triangle of the global unknowns */
} neurlp_tile;

/* Row c of the factor of step t: R_t from the pivot on, then S_t, A_t towards step t+2, G_t towards the
 * global unknowns. */
NEURLP_INLINE lane_cell *tile_factor_row(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t c) {
  return tile->factor + (int64_t)t * sizes_factor_step(z) + c * sizes_rhs_column(z) - c * (c - 1) / 2;
}

/* Row q of the triangle of the global unknowns, from its pivot on. */
NEURLP_INLINE work_cell *tile_global_row(const neurlp_tile *tile, sweep_sizes z, int32_t q) {
  return tile->top + sizes_global_row(z, q);
}

/* The same when all rows are eliminated. */
NEURLP_INLINE const lane_cell *tile_global_factor(const neurlp_tile *tile, sweep_sizes z, int32_t q) {
  return tile->globals + sizes_global_row(z, q);
}

/* The numbers of step t, [n][R]. */
NEURLP_INLINE wide_cell *vector_step(tile_vector v, sweep_sizes z, int32_t t) {
  return v.local + (int64_t)t * sizes_unknowns(z) * z.columns;
}

NEURLP_INLINE void wide_clear(wide_cell *x, int64_t numbers) {
  for (int64_t i = 0; i < numbers; i++) x[i] = wide_all(0.0);
}

NEURLP_INLINE void vector_clear(const neurlp_tile *tile, tile_vector v, sweep_sizes z) {
  wide_clear(v.local, (int64_t)tile->steps * sizes_unknowns(z) * z.columns);
  wide_clear(v.global, (int64_t)sizes_globals(z) * z.columns);
}

NEURLP_INLINE void tile_fail(neurlp_tile *tile, wide_mask where, neurlp_status status) {
  const wide_mask fresh = where & wide_equal(tile->status, wide_all(0.0));
  tile->status = wide_select(fresh, wide_all((double)status), tile->status);
}

/* Lanes whose length is greater than t. */
NEURLP_INLINE wide_mask tile_within(const neurlp_tile *tile, int32_t t) {
  return wide_greater(tile->length, wide_all((double)t));
}

/* Lanes whose last step is t. */
NEURLP_INLINE wide_mask tile_ends(const neurlp_tile *tile, int32_t t) {
  return wide_equal(tile->length, wide_all((double)t + 1));
}

/* An input at step t, zero past a lane's length. */
NEURLP_INLINE wide tile_load(const neurlp_tile *tile, sweep_sizes z, const tile_input *input, int32_t t,
                             int64_t offset) {
  const wide x = wide_gather(input->lane, t * input->step + offset);
  if (!z.edge || t < tile->shortest) return x;
  return wide_select(tile_within(tile, t), x, wide_all(0.0));
}

NEURLP_INLINE wide tile_coefficient(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t e, int32_t c) {
  return tile_load(tile, z, &tile->coefficients, t, e * (int64_t)sizes_unknowns(z) + c);
}

NEURLP_INLINE wide tile_rhs(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t e, int32_t r) {
  return tile_load(tile, z, &tile->rhs, t, e * (int64_t)z.columns + r);
}

/* Place of a value within those of a step, where `derivatives` are given. */
NEURLP_INLINE int64_t tile_value_place(sweep_sizes z, int32_t derivatives, int32_t k, int32_t j, int32_t r) {
  return ((int64_t)k * derivatives + j) * z.columns + r;
}

NEURLP_INLINE wide tile_initial_value(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t k, int32_t j,
                                      int32_t r) {
  const int64_t place = tile_value_place(z, tile->problem->shape.initial_derivatives, k, j, r);
  return wide_gather(tile->initial_values.lane, t * tile->initial_values.step + place);
}

NEURLP_INLINE wide tile_final_value(const neurlp_tile *tile, sweep_sizes z, int32_t k, int32_t j, int32_t r) {
  return wide_gather(tile->final_values.lane, tile_value_place(z, z.final, k, j, r));
}

/* Step size of interval t for dimension k; one unit past a lane's length. */
NEURLP_INLINE wide tile_step(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t k) {
  const int64_t place = tile->problem->shape.steps_per_dimension ? k : 0;
  const wide h = wide_gather(tile->step.lane, t * tile->step.step + place);
  if (!z.edge || t + 1 < tile->shortest) return h;
  return wide_select(tile_within(tile, t + 1), h, wide_all(tile->problem->unit));
}

/* Weight of the smoothness rows of interval t, and of the central rows with centre t. */
NEURLP_INLINE wide tile_smoothness(const neurlp_tile *tile, sweep_sizes z, int32_t t) {
  const wide weight = wide_all(tile->problem->formulation.weight_smoothness);
  if (!z.edge) return weight;
  return wide_select(tile_within(tile, t + 1), weight, wide_all(0.0));
}

/* Whether derivative j of step t is given exactly as an initial value. The same for all lanes. */
NEURLP_INLINE bool tile_known(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t j) {
  return z.edge && t < tile->problem->hard_steps && j < tile->problem->shape.initial_derivatives;
}

/* Whether it is, in some lanes, as a final value. */
NEURLP_INLINE bool tile_known_final(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t j) {
  return z.edge && j < z.final && tile->problem->hard && t + 1 >= tile->shortest;
}

/* Whether unknown j of step t has no column of its own, being given exactly or global. */
NEURLP_INLINE bool tile_absent(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t j) {
  return tile_known(tile, z, t, j) || (z.edge && z.first && t == 0);
}

/* Steps for which z.edge may be 0, and is. */
NEURLP_INLINE bool tile_inside(const neurlp_tile *tile, sweep_sizes z, int32_t t) {
  const neurlp_problem *problem = tile->problem;
  return z.fast && t > 0 && t >= problem->hard_steps && t >= problem->soft_steps && t + 3 < tile->shortest;
}

/* Where numbers of each lane's step t go that are written step by step: past a lane's length they do not. */
NEURLP_INLINE void tile_scatter(const neurlp_tile *tile, sweep_sizes z, wide x, outer *const target[LANES],
                                int32_t t, int64_t offset) {
  if (!z.edge || t < tile->shortest) {
    wide_scatter(x, target, offset, tile->count);
    return;
  }
  for (int32_t l = 0; l < LANES && l < tile->count; l++)
    if (t < (int32_t)tile->length[l]) target[l][offset] = x[l];
}

/* Where the numbers of lane l begin in an array. */
NEURLP_ANYWHERE int64_t tile_place(const neurlp_tile *tile, neurlp_extents extents, int32_t l) {
  return tile->system[l] * extents.system_stride + tile->start[l] * extents.step_stride;
}

/* Pointers to the lanes of a tile in an input; NULL stays NULL. */
NEURLP_ANYWHERE tile_input tile_point(const neurlp_tile *tile, const void *array, neurlp_array which) {
  const neurlp_extents extents = neurlp_array_extents(tile->shape, which);
  tile_input input = {.step = extents.step_stride};
  for (int32_t l = 0; l < LANES; l++)
    input.lane[l] = array ? (const outer *)array + tile_place(tile, extents, l) : NULL;
  return input;
}

NEURLP_ANYWHERE void tile_point_out(const neurlp_tile *tile, const neurlp_shape *shape, void *array,
                                    neurlp_array which, outer *target[LANES]) {
  const neurlp_extents extents = neurlp_array_extents(shape, which);
  for (int32_t l = 0; l < LANES; l++)
    target[l] = array && l < tile->count ? (outer *)array + tile_place(tile, extents, l) : NULL;
}

/* What is left to write in an array of so many steps, or intervals: zeros past a lane's length, NaN in lanes
 * that failed. Nothing where lanes are pieces: then the whole array is seen to when all are done. */
NEURLP_ANYWHERE void tile_fill(const neurlp_tile *tile, neurlp_array which, int32_t steps, bool intervals,
                               outer *const target[LANES]) {
  const neurlp_extents extents = neurlp_array_extents(tile->shape, which);
  for (int32_t l = 0; l < LANES && l < tile->count && !tile->job->pieces; l++) {
    const int32_t own = (int32_t)tile->length[l] - intervals, written = own < steps ? own : steps;
    for (int64_t i = written * extents.step_stride; i < steps * extents.step_stride; i++) target[l][i] = 0;
    for (int64_t i = 0; i < extents.per_system && tile->status[l] != 0; i++) target[l][i] = (outer)NAN;
  }
}

/* What each lane is: a system, or a piece of one. Those past the last one are copies of it. */
NEURLP_ANYWHERE void tile_lanes(neurlp_tile *tile) {
  const neurlp_tile_job *job = tile->job;
  const int64_t all = job->pieces ? job->piece_count : job->inputs->systems, left = all - job->first;
  tile->count = left < LANES ? (int32_t)left : LANES;
  tile->steps = 0;
  tile->shortest = tile->problem->shape.steps;
  tile->cut = job->pieces && tile->problem->first;
  tile->joined = wide_greater(wide_all(0.0), wide_all(0.0));
  for (int32_t l = 0; l < LANES; l++) {
    const int64_t i = job->first + (l < tile->count ? l : tile->count - 1);
    const int32_t whole = job->inputs->lengths ? job->inputs->lengths[i] : tile->problem->shape.steps;
    const neurlp_piece piece = job->pieces ? job->pieces[i] : (neurlp_piece){.system = i, .length = whole};
    tile->system[l] = piece.system;
    tile->start[l] = piece.start;
    tile->length[l] = (outer)piece.length;
    if (piece.joined) tile->joined[l] = -1;
    if (job->joints) tile->status[l] = (outer)job->status[i];
    if (piece.length > tile->steps) tile->steps = piece.length;
    if (piece.length < tile->shortest) tile->shortest = piece.length;
  }
}

NEURLP_ANYWHERE void tile_inputs(neurlp_tile *tile, const neurlp_inputs *in) {
  tile->coefficients = tile_point(tile, in->coefficients, NEURLP_ARRAY_COEFFICIENTS);
  tile->rhs = tile_point(tile, in->rhs, NEURLP_ARRAY_RHS);
  tile->initial_values = tile_point(tile, in->initial_values, NEURLP_ARRAY_INITIAL_VALUES);
  tile->final_values = tile_point(tile, in->final_values, NEURLP_ARRAY_FINAL_VALUES);
  tile->step = tile_point(tile, in->steps, NEURLP_ARRAY_STEPS);
}

/* Bytes that are kept of a tile. */
NEURLP_ANYWHERE size_t tile_store_bytes(const neurlp_problem *problem, bool cut) {
  const size_t bytes = (size_t)tile_store_inner(problem) * sizeof(lane_cell), whole = sizeof(wide_cell);
  return (size_t)tile_store_outer(problem, cut) * whole + (bytes + whole - 1) / whole * whole;
}

/* Cells of inner numbers that follow so many of outer ones. */
NEURLP_ANYWHERE lane_cell *tile_inner_cells(const void *memory, int64_t before, int32_t lane) {
  return lane_cells((const unsigned char *)memory + (size_t)before * sizeof(wide_cell), lane);
}

/* Outer numbers come first in a workspace: they are aligned whatever follows. */
NEURLP_ANYWHERE void tile_workspace(neurlp_tile *tile, const neurlp_tile_job *job) {
  const neurlp_problem *problem = job->problem;
  const int64_t local = problem->shape.steps * tile_unknowns_step(problem),
                whole = tile_vector_numbers(problem);
  wide_cell *outer_part = wide_cells(job->workspace, job->lane);
  tile->x = (tile_vector){outer_part, outer_part + local};
  outer_part += whole;
  if (tile_refines(problem)) {
    tile->change = (tile_vector){outer_part, outer_part + local};
    tile->source = (tile_vector){outer_part + whole, outer_part + whole + local};
    outer_part += 2 * whole;
  }
  tile->scratch = outer_part;
  const void *factor = job->kept ? job->kept : job->workspace;
  tile->factor = tile_inner_cells(factor, tile_outer(problem), job->kept ? 0 : job->lane);
#if !defined(NEURLP_ROWS_IN_REGISTERS)
  tile->top = tile->factor + problem->shape.steps * tile_factor_step(problem);
  tile->low = tile->top + (int64_t)tile_top_rows(problem) * tile_stride(problem);
  tile->square = tile->low + tile_low_rows(problem) * tile_stride(problem);
  tile->globals = tile->top;
#endif
}

/* Where the tile has a place in the store, its factor is there. */
NEURLP_ANYWHERE void tile_store(neurlp_tile *tile, const neurlp_tile_job *job) {
  const neurlp_problem *problem = job->problem;
  const bool cut = job->pieces != NULL;
  if (!job->store) return;
  const size_t before = (size_t)(job->first / GROUP) * tile_store_bytes(problem, cut);
  const unsigned char *store = (const unsigned char *)job->store + before;
  tile->store = wide_cells(store, job->lane);
  tile->factor = tile_inner_cells(store, tile_store_outer(problem, cut), job->lane);
  tile->kept_top = tile->factor + problem->shape.steps * tile_factor_step(problem);
  const int64_t local = problem->shape.steps * tile_unknowns_step(problem);
  if (cut) tile->x = (tile_vector){tile->store + 1, tile->store + 1 + local};
}

NEURLP_ANYWHERE void tile_open(neurlp_tile *tile, const neurlp_tile_job *job) {
  *tile = (neurlp_tile){
      .problem = job->problem, .job = job, .shape = job->shape ? job->shape : &job->problem->shape};
  tile_lanes(tile);
  tile_inputs(tile, job->inputs);
  tile_workspace(tile, job);
  tile_store(tile, job);
}

NEURLP_ANYWHERE void tile_report(const neurlp_tile *tile, neurlp_status *status) {
  const int64_t first = tile->job->first;
  for (int32_t l = 0; l < LANES && l < tile->count; l++)
    status[first + l] = (neurlp_status)(int32_t)tile->status[l];
}

#endif
