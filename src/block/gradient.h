/* Where gradients go: each has the form of its input, so that it is added up over what the input serves. */
#ifndef NEURLP_BLOCK_GRADIENT_H
#define NEURLP_BLOCK_GRADIENT_H

#include "block/tile.h"

typedef struct gradient_output {
  bool wanted;
  outer *lane[LANES]; /* of each system, or */
  outer *shared;      /* the sum over systems, that the tile adds to */
  int64_t step;       /* numbers of a step */
  int64_t size;       /* numbers of a system, or of all */
  wide *sum;          /* [step] where the input is constant in time: its sum so far; else NULL */
} gradient_output;

/* `array` is the caller's, `sums` where sums over systems are added up; `sum` has room for a step. */
static inline gradient_output gradient_open(const neurlp_tile *tile, void *array, void *sums,
                                            neurlp_sharing sharing, int64_t steps, int64_t step, wide *sum) {
  gradient_output output = {.wanted = array != NULL, .step = step, .size = steps * step};
  if (!output.wanted) return output;
  if (sharing & NEURLP_CONSTANT) {
    output.sum = sum;
    output.size = step;
    wide_clear(sum, step);
  }
  if (sharing & NEURLP_SHARED)
    output.shared = sums;
  else
    tile_point_out(tile, array, output.size, output.lane);
  return output;
}

/* Adds up the lanes that are systems. */
NEURLP_INLINE outer gradient_lanes_sum(const neurlp_tile *tile, wide x) {
  outer sum = 0;
  for (int32_t l = 0; l < tile->count; l++) sum += x[l];
  return sum;
}

/* The gradient of number `place` of step t. */
NEURLP_INLINE void gradient_write(const neurlp_tile *tile, const gradient_output *output, int32_t t,
                                  int64_t place, wide x) {
  if (!output->wanted) return;
  if (output->sum)
    output->sum[place] += x;
  else if (output->shared)
    output->shared[t * output->step + place] += gradient_lanes_sum(tile, x);
  else
    wide_scatter(x, output->lane, t * output->step + place, tile->count);
}

/* Sums over time are written. Zeros stand after the `written` steps of the longest system, NaN where a system
 * failed, or where one that failed would be in a sum. */
static inline void gradient_close(const neurlp_tile *tile, gradient_output *output, int64_t written) {
  if (!output->wanted) return;
  int64_t done = written * output->step;
  if (output->sum) {
    wide *sum = output->sum;
    output->sum = NULL;
    for (int64_t i = 0; i < output->step; i++) gradient_write(tile, output, 0, i, sum[i]);
    done = output->size;
  }
  if (!output->shared) {
    tile_fill(tile, output->lane, done, output->size, 0, false);
    tile_fill(tile, output->lane, 0, output->size, (outer)NAN, true);
    return;
  }
  bool failed = false;
  for (int32_t l = 0; l < tile->count; l++) failed |= tile->status[l] != 0;
  for (int64_t i = 0; failed && i < output->size; i++) output->shared[i] = (outer)NAN;
}

#endif
