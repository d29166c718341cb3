/* Cuts a range of samples into rectangles of bounded size, so that ragged, long or many systems all move
 * between a dense file array [S][T][...] and packed memory through a buffer of fixed size. */
#ifndef NEURLP_MPI_DATA_SET_PIECES_H
#define NEURLP_MPI_DATA_SET_PIECES_H

#include "data/data_set.h"

/* Systems [first_system, end_system), of each the samples [first_sample, first_sample + samples), or fewer
 * where a system is shorter. Systems count from the first of the file. */
typedef struct neurlp_sample_piece {
  int64_t first_system, end_system;
  int64_t first_sample, samples;
  bool even; /* no system is shorter: packed memory and rectangle have the same layout */
} neurlp_sample_piece;

/* Where the cutting stands; start from {0, 0}. */
typedef struct neurlp_piece_cursor {
  int64_t system; /* within the range */
  int64_t sample; /* within the part of that system that belongs to the range */
} neurlp_piece_cursor;

/* The next rectangle with at most limit_samples samples in it, or one sample. False: no more. `offsets` as in
 * neurlp_samples. A rectangle never covers samples that are outside the range but inside a system. */
bool neurlp_next_piece(const neurlp_sample_range *range, const int64_t *offsets, int64_t limit_samples,
                       neurlp_piece_cursor *cursor, neurlp_sample_piece *piece);

/* Number of rectangles that neurlp_next_piece gives. */
int64_t neurlp_count_pieces(const neurlp_sample_range *range, const int64_t *offsets, int64_t limit_samples);

#endif
