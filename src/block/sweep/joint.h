/* The joints of pieces of time. What a piece has to say of the steps at its ends is not solved with, but left
 * to the chain of joints (chain.h); when that is solved, their unknowns are given. */
#ifndef NEURLP_BLOCK_JOINT_H
#define NEURLP_BLOCK_JOINT_H

#include "block/sweep/chain.h"
#include "block/sweep/tile.h"

NEURLP_INLINE neurlp_end_layout joint_layout(sweep_sizes z) {
  return neurlp_end_layout_of(sizes_unknowns(z), z.columns);
}

/* The record of lane l. */
NEURLP_INLINE double *joint_end(const neurlp_tile *tile, sweep_sizes z, int32_t l) {
  return tile->job->ends + (tile->job->first + l) * joint_layout(z).numbers;
}

/* Lanes whose joint at the end is step t. */
NEURLP_INLINE wide_mask joint_at(const neurlp_tile *tile, int32_t t) {
  return tile->joined & tile_ends(tile, t);
}

/* Writes row c of the triangle of the last step of lane l. */
NEURLP_INLINE void joint_write_last(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t l,
                                    int32_t c) {
  const neurlp_end_layout layout = joint_layout(z);
  const int32_t n = sizes_unknowns(z), globals = sizes_globals(z);
  const work_cell *row = tile->top + c * sizes_stride(z);
  double *end = joint_end(tile, z, l), *to = end + c * layout.last_row;
  for (int32_t j = 0; j < n; j++) to[j] = j < c ? 0 : (double)row[j][l];
  for (int32_t j = 0; j < n; j++) to[n + j] = globals > 0 ? (double)row[sizes_global_column(z) + j][l] : 0;
  for (int32_t r = 0; r < columns; r++) to[2 * n + r] = (double)row[sizes_rhs_column(z) + r][l];
  end[layout.last_square + c] = (double)tile->square[c][l];
}

/* In lanes that end in a joint at step t: its triangle is left to the chain. In its place an identity, which
 * leaves right-hand sides and sources of this step as they are. */
NEURLP_INLINE void joint_leave_last(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const wide_mask joint = joint_at(tile, t);
  const lane_mask leaves = narrow_mask(joint);
  for (int32_t c = 0; c < sizes_unknowns(z); c++) {
    for (int32_t l = 0; l < LANES && l < tile->count && tile->job->ends; l++)
      if (joint[l]) joint_write_last(tile, z, columns, l, c);
    work_cell *row = tile->top + c * sizes_stride(z);
    for (int32_t j = c; j < sizes_rhs_column(z) + columns; j++)
      row[j] = lanes_select(leaves, lanes_all(j == c ? 1.0 : 0.0), row[j]);
    tile->square[c] = lanes_select(leaves, lanes_all(0.0), tile->square[c]);
  }
}

/* The same for the first step, whose unknowns are global; after all steps. */
NEURLP_INLINE void joint_leave_first(const neurlp_tile *tile, sweep_sizes z, int32_t columns) {
  const neurlp_end_layout layout = joint_layout(z);
  const int32_t n = sizes_unknowns(z);
  const work_cell *square = tile->square + n;
  for (int32_t q = 0; q < n; q++) {
    work_cell *row = tile_global_row(tile, z, q) - q;
    for (int32_t l = 0; l < LANES && l < tile->count && tile->job->ends; l++) {
      double *end = joint_end(tile, z, l), *to = end + layout.first + q * layout.first_row;
      for (int32_t j = 0; j < n; j++) to[j] = j < q ? 0 : (double)row[j][l];
      for (int32_t r = 0; r < columns; r++) to[n + r] = (double)row[n + r][l];
      end[layout.first_square + q] = (double)square[q][l];
    }
    for (int32_t j = q; j < n; j++) row[j] = lanes_all(j == q ? 1.0 : 0.0);
  }
}

/* What is left of the sources of lane l at its joints, where x holds q = R^-T source. */
NEURLP_INLINE void joint_write_sources(const neurlp_tile *tile, sweep_sizes z, int32_t l) {
  const neurlp_end_layout layout = joint_layout(z);
  const int32_t n = sizes_unknowns(z), R = z.columns;
  double *end = joint_end(tile, z, l);
  const wide_cell *last = vector_step(tile->x, z, (int32_t)tile->length[l] - 1);
  for (int32_t c = 0; c < n; c++)
    for (int32_t r = 0; r < R; r++) {
      end[c * layout.last_row + 2 * n + r] = (double)last[c * R + r][l];
      end[layout.first + c * layout.first_row + n + r] = tile->cut ? (double)tile->x.global[c * R + r][l] : 0;
    }
}

/* In the first pass over pieces: leaves sources if those of a normal equation have been swept. Says whether
 * this is where the pass ends. */
NEURLP_INLINE bool joint_reached(const neurlp_tile *tile, sweep_sizes z, bool sources) {
  if (!tile->job->ends) return false;
  for (int32_t l = 0; l < LANES && l < tile->count && sources; l++)
    if (tile->joined[l]) joint_write_sources(tile, z, l);
  tile_report(tile, tile->job->status);
  return true;
}

/* In the second pass: the unknowns at the joints, before substitution. */
NEURLP_INLINE void joint_place(const neurlp_tile *tile, sweep_sizes z) {
  const neurlp_tile_job *job = tile->job;
  const int32_t size = sizes_unknowns(z) * z.columns;
  for (int32_t l = 0; l < LANES && job->joints; l++) {
    const int64_t i = job->first + (l < tile->count ? l : tile->count - 1);
    const double *joint = job->joints + job->pieces[i].joint * size;
    wide_cell *last = vector_step(tile->x, z, (int32_t)tile->length[l] - 1);
    for (int32_t c = 0; c < size; c++) {
      if (tile->joined[l]) last[c][l] = (outer)joint[c];
      if (tile->cut) tile->x.global[c][l] = (outer)joint[c - size];
    }
  }
}

#endif
