/* What is remembered of a training while it goes on: its history, the log of it, and its checkpoints, which
 * have both in them. */
#ifndef NEURLP_MPI_NETWORK_RECORD_H
#define NEURLP_MPI_NETWORK_RECORD_H

#include "checkpoint/checkpoint.h"
#include "study/log.h"
#include "train/network_result.h"

typedef struct neurlp_network_record {
  neurlp_context *context;
  neurlp_network_study *study;
  neurlp_checkpoint *checkpoint;
  neurlp_network_history *history;
  neurlp_log *log;
  neurlp_keeper keeper; /* the checkpoint's */
  neurlp_training_place place;
  double seconds_before; /* of earlier parts of the run */
  double *table;         /* [history->room][numbers of an epoch], what a checkpoint has of the history */
  int64_t table_rows;
} neurlp_network_record;

extern const char *const neurlp_network_log_header;

/* Has the study's training report to the record, and keep what it needs. Everything is borrowed; release the
 * record once the training is over. */
void neurlp_network_record_begin(neurlp_network_record *record, neurlp_network_study *study,
                                 neurlp_checkpoint *checkpoint, neurlp_network_history *history,
                                 neurlp_log *log);
void neurlp_network_record_release(neurlp_network_record *record);

#endif
