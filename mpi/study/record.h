/* What is remembered of a fit while it goes on: the rows of its log, and its checkpoints, which have them. */
#ifndef NEURLP_MPI_RECORD_H
#define NEURLP_MPI_RECORD_H

#include "checkpoint/checkpoint.h"
#include "study/log.h"
#include "study/study.h"

typedef struct neurlp_record {
  neurlp_study *study;
  neurlp_checkpoint *checkpoint;
  neurlp_log *log;
  neurlp_keeper keeper;  /* the checkpoint's */
  double seconds_before; /* of earlier parts of the run */
  char piece[64];        /* "systems 0 to 99: ", where there are others, before what is said of progress */
  /* rank 0's: rows of the log */
  double *rows; /* [room][numbers of a row] */
  int64_t count, room;
  bool failed; /* there was no memory for another row: later ones are not in checkpoints */
} neurlp_record;

/* Has the study's fits report to the record, and keep what it needs. Everything is borrowed; release the
 * record once learning is over. A study whose systems are fitted piece by piece has one record for all of
 * them. */
void neurlp_record_begin(neurlp_record *record, neurlp_study *study, neurlp_checkpoint *checkpoint,
                         neurlp_log *log);
void neurlp_record_release(neurlp_record *record);

#endif
