/* Where gradients go: each has the form of its input, so that it is added up over what the input serves. */
#ifndef NEURLP_BLOCK_GRADIENT_H
#define NEURLP_BLOCK_GRADIENT_H

#include "block/sweep/tile.h"

typedef struct gradient_output {
  bool wanted;
  neurlp_array array;
  int32_t steps;      /* of the array, or intervals */
  bool intervals;     /* numbers belong to intervals */
  outer *lane[LANES]; /* of each lane, or */
  outer *shared;      /* the sum over systems, that the tile adds to */
  int64_t step;       /* numbers of a step */
  wide_cell *sum;     /* [step] where the input is constant in time: its sum so far; else NULL */
} gradient_output;

NEURLP_ANYWHERE const neurlp_shape *gradient_shape(const neurlp_tile *tile) {
  return tile->job->gradient_shape ? tile->job->gradient_shape : tile->shape;
}

/* `array` is the caller's, `sums` where sums over systems are added up; `sum` has room for what is constant
 * in time, and stands at `part` of what a piece adds up. */
NEURLP_ANYWHERE gradient_output gradient_open(const neurlp_tile *tile, neurlp_array which,
                                              neurlp_sharing sharing, int32_t steps, void *array, void *sums,
                                              wide_cell *sum, int64_t part) {
  const neurlp_tile_job *job = tile->job;
  gradient_output output = {.wanted = array != NULL,
                            .array = which,
                            .steps = steps,
                            .intervals = which == NEURLP_ARRAY_STEPS,
                            .step = neurlp_array_extents(tile->shape, which).per_step};
  if (!output.wanted) return output;
  if (sharing & NEURLP_CONSTANT) {
    output.sum = sum;
    wide_clear(sum, output.step);
  }
  if (sharing & NEURLP_SHARED)
    output.shared = (outer *)sums;
  else if (output.sum && job->pieces)
    for (int32_t l = 0; l < LANES && l < tile->count; l++)
      output.lane[l] = (outer *)job->parts + (job->first + l) * job->part_numbers + part;
  else
    tile_point_out(tile, gradient_shape(tile), array, which, output.lane);
  return output;
}

/* Adds up the lanes that are systems. */
NEURLP_INLINE outer gradient_lanes_sum(const neurlp_tile *tile, wide x) {
  outer sum = 0;
  for (int32_t l = 0; l < LANES && l < tile->count; l++) sum += x[l];
  return sum;
}

/* Adds number `place` of step t, which is another one for each lane where they are pieces of time. */
NEURLP_INLINE void gradient_add_shared(const neurlp_tile *tile, const gradient_output *output, int32_t t,
                                       int64_t place, wide x) {
  if (!tile->job->pieces) {
    output->shared[t * output->step + place] += gradient_lanes_sum(tile, x);
    return;
  }
  for (int32_t l = 0; l < LANES && l < tile->count; l++)
    if (t + output->intervals < (int32_t)tile->length[l])
      output->shared[(tile->start[l] + t) * output->step + place] += x[l];
}

/* The gradient of number `place` of step t. */
NEURLP_INLINE void gradient_write(const neurlp_tile *tile, sweep_sizes z, const gradient_output *output,
                                  int32_t t, int64_t place, wide x) {
  if (!output->wanted) return;
  if (output->sum)
    output->sum[place] += x;
  else if (output->shared)
    gradient_add_shared(tile, output, t, place, x);
  else
    tile_scatter(tile, z, x, output->lane, t + output->intervals, t * output->step + place);
}

/* Sums over time are written. Zeros stand after a system's length, NaN where a system failed, or where one
 * that failed would be in a sum. */
NEURLP_ANYWHERE void gradient_close(const neurlp_tile *tile, gradient_output *output) {
  if (!output->wanted) return;
  for (int64_t i = 0; output->sum && i < output->step; i++)
    if (output->shared)
      output->shared[i] += gradient_lanes_sum(tile, output->sum[i]);
    else
      wide_scatter(output->sum[i], output->lane, i, tile->count);
  if (!output->shared) {
    tile_fill(tile, output->array, output->steps, output->intervals, output->lane);
    return;
  }
  const int64_t size = neurlp_array_extents(tile->shape, output->array).per_system;
  bool failed = false;
  for (int32_t l = 0; l < LANES && l < tile->count; l++) failed |= tile->status[l] != 0;
  for (int64_t i = 0; failed && i < size; i++) output->shared[i] = (outer)NAN;
}

#endif
