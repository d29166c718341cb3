/* What a trained model makes of its windows, a piece of them at a time: computed, written and on disk before
 * the next, or read back where an earlier run had done so (docs/formats.md, "Writing safely"). */
#ifndef NEURLP_MPI_NETWORK_PIECES_H
#define NEURLP_MPI_NETWORK_PIECES_H

#include "file/array_file.h"
#include "learn/network/network_evaluate.h"
#include "train/network_study.h"

typedef struct neurlp_network_pieces {
  neurlp_network_study *study;
  neurlp_array_file *file; /* borrowed; NULL: windows are not written (output.solution) */
  int32_t compress;
  int64_t piece;            /* windows of a piece, all ranks together, in whole shards */
  int64_t complete, failed; /* windows on disk; those of them that could not be solved */
  /* the piece in hand; taken 0: none */
  int64_t start, taken;           /* of all ranks */
  int64_t first, count;           /* of this rank */
  double *times;                  /* [count][T] the data's time at each sample */
  neurlp_network_answers answers; /* of those; of a piece that was read back solution, weights and statuses */
} neurlp_network_pieces;

/* Rows that are made and written at a time, all ranks together: what the deck asks for (output.piece) or 192
 * MB hold on each rank, in whole shards of the graph, as a row's numbers depend on its place in one to the
 * last bit; all of them where they are compressed, as no chunk may be compressed twice. */
int64_t neurlp_network_piece(const neurlp_network_study *study, int64_t rows, int64_t row_bytes);

/* This rank's rows of a piece that begins with row `start` of `rows`: whole shards. *taken: of all ranks. */
void neurlp_network_share(const neurlp_network_study *study, int64_t rows, int64_t piece, int64_t start,
                          int64_t *taken, int64_t *first, int64_t *count);

/* Bytes of all windows in the file; 0 where they are not written. */
int64_t neurlp_network_pieces_bytes(const neurlp_network_study *study);

/* Windows of a piece, and the bytes that this rank has of one at most. */
int64_t neurlp_network_piece_of_windows(const neurlp_network_study *study);
int64_t neurlp_network_pieces_room(const neurlp_network_study *study);

/* Collective. Memory for a piece. Release it either way. */
NEURLP_MUST_USE neurlp_status neurlp_network_pieces_open(neurlp_network_study *study, neurlp_array_file *file,
                                                         neurlp_network_pieces *pieces);
void neurlp_network_pieces_release(neurlp_network_pieces *pieces);

/* Collective. Takes the piece that begins with window `start` in hand; nothing is done if it is. Where it is
 * not the first one of all, the run may be asked to stop before it is computed: NEURLP_STOPPED. */
NEURLP_MUST_USE neurlp_status neurlp_network_pieces_take(neurlp_network_pieces *pieces, int64_t start);

/* Collective. Before each piece, after `complete` of `rows` rows ("windows"): NEURLP_STOPPED if an end was
 * asked for, and some are complete. */
NEURLP_MUST_USE neurlp_status neurlp_network_look(const neurlp_network_study *study,
                                                  const neurlp_array_file *file, int64_t complete,
                                                  int64_t rows, const char *what);

/* Local. How far an earlier run has come with the rows of a group, and says so. */
NEURLP_MUST_USE neurlp_status neurlp_network_progress(const neurlp_network_study *study,
                                                      const neurlp_array_file *file, const char *group,
                                                      int64_t rows, const char *what, int64_t *complete,
                                                      int64_t *failed);

#endif
