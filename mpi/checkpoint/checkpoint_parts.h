/* What the files checkpoint*.c share. */
#ifndef NEURLP_MPI_CHECKPOINT_PARTS_H
#define NEURLP_MPI_CHECKPOINT_PARTS_H

#include "checkpoint/checkpoint.h"

#define NEURLP_CHECKPOINT_SCHEMA "neurlp checkpoint"
enum {
  NEURLP_CHECKPOINT_VERSION = 1,
  NEURLP_CHECKPOINT_WORDS = 201,
  NEURLP_CHECKPOINT_REASON = 1024,
  NEURLP_CHECKPOINT_OLDER = 256
};

/* The deck's section. */
typedef struct neurlp_checkpoint_options {
  int64_t every_steps;  /* 0: not by steps */
  double every_seconds; /* 0: not by the clock */
  int64_t keep;
  double walltime, margin; /* seconds; walltime < 0: not known */
  bool resume;
  bool keep_finished;
} neurlp_checkpoint_options;

struct neurlp_checkpoint {
  MPI_Comm comm;
  int rank, size;
  neurlp_context *context;
  const neurlp_job *job;
  neurlp_checkpoint_options options;
  char *kind, *fingerprint;
  char *stem; /* files are stem.NNNNNN.h5 */
  /* what was found */
  char *found; /* NULL: nothing */
  char found_progress[NEURLP_CHECKPOINT_WORDS];
  double found_seconds;
  int64_t found_first, found_end; /* the part that it is of */
  int64_t first, end;             /* the part in hand; 0, 0: there are none */
  /* numbers of files, on all ranks */
  int64_t last;                      /* the greatest of any file of that name */
  int64_t *own, own_count, own_room; /* valid ones of this run, in rising order */
  /* when */
  double begin, deadline;                          /* MPI_Wtime; INFINITY: none */
  double last_call, longest_step, last_kept, cost; /* seconds; cost < 0: not measured yet */
  int64_t steps;                                   /* since the last one was kept */
  int32_t decision; /* that due has taken and keep has not used yet; -1: none */
  int32_t deaf;     /* to these wishes, which could not be fulfilled */
  bool at_end, long_end;
  /* what happened */
  char progress[NEURLP_CHECKPOINT_WORDS];
  char trouble[NEURLP_CHECKPOINT_REASON];
  int64_t written, written_bytes;
  double written_seconds;
};

/* ---- checkpoint_options.c ---------------------------------------------------------------------------- */

NEURLP_MUST_USE neurlp_status neurlp_checkpoint_read_options(const neurlp_job *job,
                                                             neurlp_checkpoint_options *options);

/* "90 seconds", "1.5 h", "2 days", "24:00:00", "1-12:00:00" -> seconds; false: it is none. */
bool neurlp_checkpoint_duration(const char *text, double *seconds);

/* A message without the rank in front that agreement has put there. */
const char *neurlp_checkpoint_plain(const char *message);

/* ---- checkpoint_file.c ------------------------------------------------------------------------------- */

/* Collective. Writes all arrays to the file of number c->last + 1. */
NEURLP_MUST_USE neurlp_status neurlp_checkpoint_write(neurlp_checkpoint *c, int32_t count,
                                                      const neurlp_state_array *arrays);

/* Collective. Fills all arrays from c->found. */
NEURLP_MUST_USE neurlp_status neurlp_checkpoint_read(neurlp_checkpoint *c, int32_t count,
                                                     const neurlp_state_array *arrays);

/* "lorenz.checkpoint.000003.h5"; free it with neurlp_release. */
NEURLP_MUST_USE neurlp_status neurlp_checkpoint_path(const neurlp_checkpoint *c, int64_t number, char **path);

/* Makes room for one more number in c->own, and appends it. */
NEURLP_MUST_USE neurlp_status neurlp_checkpoint_own(neurlp_checkpoint *c, int64_t number);

/* Collective. Removes all of this run's files but the newest `keep`. */
void neurlp_checkpoint_remove(neurlp_checkpoint *c, int64_t keep);

/* ---- checkpoint_find.c ------------------------------------------------------------------------------- */

/* Collective. Looks for the newest valid file: fills what was found, c->last and c->own. Where the run is to
 * begin anew, what was left by an earlier one is taken over all the same, to be removed in time. */
NEURLP_MUST_USE neurlp_status neurlp_checkpoint_find(neurlp_checkpoint *c);

/* ---- checkpoint_changes.c ---------------------------------------------------------------------------- */

/* Local. Whether a run with deck `now` may go on from a checkpoint whose resolved deck is `before`:
 * NEURLP_ERROR_DECK, the message names the first key that may not have changed, old and new value.
 * *readable false, and success: this version does not understand that deck; the context's message says why.
 */
NEURLP_MUST_USE neurlp_status neurlp_checkpoint_compare_decks(neurlp_context *context, const char *before,
                                                              const neurlp_deck *now, bool *readable);

#endif
