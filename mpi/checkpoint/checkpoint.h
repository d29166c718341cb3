/* Checkpoints of any long computation, in HDF5, and the end in good order that they allow. Nothing here knows
 * what is computed: a computation lists its arrays (core/state.h) and calls the keeper between its steps.
 *
 * Files are NAME.000001.h5, NAME.000002.h5, ...; each is written under a temporary name, flushed, read back,
 * compared and renamed, and carries checksums of every array and of all its bytes, so that a torn or changed
 * one is known before HDF5 sees it (docs/formats.md, "Checkpoint"). Replicated arrays are written once, each
 * rank a share; parts of ranks one after the other: any number of ranks reads them back.
 *
 * How it is used:
 *
 *   neurlp_stop_listen();                                     // a signal asks for an end from here on
 *   neurlp_checkpoint_open(comm, job, &spec, &checkpoint);    // finds what an earlier run has left
 *   options.keeper = neurlp_checkpoint_keeper(checkpoint);    // compute; NEURLP_STOPPED means exit 75
 *   ... write the result, with neurlp_checkpoint_trouble(checkpoint) ...
 *   neurlp_checkpoint_close(&checkpoint, true);               // done: removes its files, or keeps the last
 */
#ifndef NEURLP_MPI_CHECKPOINT_H
#define NEURLP_MPI_CHECKPOINT_H

#include "core/state.h"
#include "job.h"

#include <mpi.h>

typedef struct neurlp_checkpoint neurlp_checkpoint;

/* Texts are copied. */
typedef struct neurlp_checkpoint_spec {
  const char *kind;        /* what is computed: "training"; files of another kind are foreign */
  const char *result;      /* path of the result: without checkpoint.file, checkpoints are beside it */
  const char *fingerprint; /* of what the deck does not say, the data above all; compared as text, so of
                              one line. NULL: there is nothing else */
  double begin;            /* MPI_Wtime() when the run began: checkpoint.walltime counts from there */
} neurlp_checkpoint_spec;

/* Collective. Reads the deck's section `checkpoint`, and looks for the newest checkpoint that is whole, of
 * this kind, schema and deck. Files that are not are named on standard error, with the reason, and left
 * alone. Where the newest valid one is of this deck with a change that it does not allow, or of other data:
 * NEURLP_ERROR_DECK, the message names key, old and new value, and the remedy. The job is borrowed until the
 * checkpoint is closed. All ranks return the same status. */
NEURLP_MUST_USE neurlp_status neurlp_checkpoint_open(MPI_Comm comm, const neurlp_job *job,
                                                     const neurlp_checkpoint_spec *spec,
                                                     neurlp_checkpoint **checkpoint);

/* Collective. `done`: the result is written, so the files are not needed any more: with checkpoint.finished
 * `remove` those of this run and those it could have gone on from are removed, otherwise the newest are kept
 * as ever. Sets *checkpoint to NULL; safe on NULL. Signals do again what they did before
 * neurlp_stop_listen. */
void neurlp_checkpoint_close(neurlp_checkpoint **checkpoint, bool done);

/* Its functions (core/state.h), for as long as it is there. keep costs one reduction of 4 bytes where it is
 * not time yet. NEURLP_STOPPED: the message says by whom, where it was kept, and how to go on;
 * NEURLP_ERROR_IO: an end was asked for and nothing could be kept, now or before. restore:
 * NEURLP_ERROR_DATA if names, kinds or counts are not those of the file. */
neurlp_keeper neurlp_checkpoint_keeper(neurlp_checkpoint *checkpoint);

/* Numbers of an array of the checkpoint that was found, over all ranks' parts; -1: none was found, or it has
 * no such array. For arrays whose size is not known before (a history): allocate, then restore. Local. */
int64_t neurlp_checkpoint_count(const neurlp_checkpoint *checkpoint, const char *name);

/* Path of the checkpoint that was found; NULL: none. Local. */
const char *neurlp_checkpoint_found(const neurlp_checkpoint *checkpoint);

/* Seconds that the run had taken when that one was written, earlier parts included; 0: none was found. */
double neurlp_checkpoint_found_seconds(const neurlp_checkpoint *checkpoint);

/* How far the computation has come, in words ("epoch 3 of 20"), for the next one that is kept. Copied, up to
 * 200 bytes. Every rank passes the same. Local. */
void neurlp_checkpoint_progress(neurlp_checkpoint *checkpoint, const char *words);

/* The next call of keep is at an end, from where the same command has next to nothing left to do: it is kept
 * whatever the time if checkpoint.finished is `keep`. Every rank calls it. Local. */
void neurlp_checkpoint_at_end(neurlp_checkpoint *checkpoint);

/* What comes after that end takes long, and may be stopped, or killed, in between: there it is kept in any
 * case. Every rank calls it. Local. */
void neurlp_checkpoint_long_end(neurlp_checkpoint *checkpoint);

/* Of a computation that is done part by part, the results of each on disk before the next begins: its part
 * [first, end) begins, in whatever unit. What is kept from here on says so. What was found is gone on from if
 * it is of the same part; else rank 0 says on standard error why not, and it is forgotten, to be removed when
 * a newer one is there. end_part: the results are on disk, and the part's files are removed, but with
 * checkpoint.finished `keep`. All ranks call them alike. */
void neurlp_checkpoint_begin_part(neurlp_checkpoint *checkpoint, int64_t first, int64_t end);
void neurlp_checkpoint_end_part(neurlp_checkpoint *checkpoint);

/* The part that was found; 0, 0: none was found, or it is of no part. Local. */
void neurlp_checkpoint_found_part(const neurlp_checkpoint *checkpoint, int64_t *first, int64_t *end);

/* Why the last checkpoint that was due could not be written, in one sentence; NULL: there is no trouble. The
 * same on all ranks. A run that ends so says it in its result, and its exit status is
 * NEURLP_EXIT_SOME_FAILED. Local. */
const char *neurlp_checkpoint_trouble(const neurlp_checkpoint *checkpoint);

/* Bytes of the context that writing takes beside the arrays, where a rank's share of the largest one has so
 * many bytes. Reading takes no more. */
int64_t neurlp_checkpoint_bytes(int64_t share_bytes);

/* What was written: one line on standard output, by rank 0; nothing if nothing was. */
void neurlp_checkpoint_report(const neurlp_checkpoint *checkpoint);

/* Local. Checks what the deck's section says, for `neurlp validate`: NEURLP_ERROR_DECK with the place. */
NEURLP_MUST_USE neurlp_status neurlp_checkpoint_validate(const neurlp_job *job);

/* Local. Has neurlp_stop_between (checkpoint/stop.h) go by checkpoint.walltime and checkpoint.margin: for
 * what is kept piece by piece, and not in checkpoints. NEURLP_ERROR_DECK as above. */
NEURLP_MUST_USE neurlp_status neurlp_checkpoint_limit_stop(const neurlp_job *job);

/* Seconds of "90 seconds", "24 hours", "1-12:00:00"; false: it is no duration. Local. */
bool neurlp_checkpoint_duration(const char *text, double *seconds);

/* A sum over numbers that depends on each of them and on its place `first + i`, not on the order or the parts
 * in which they are added: parts' sums just add, over ranks by MPI_SUM of uint64_t. Any change of one number
 * changes it. For fingerprints of data. Local. */
uint64_t neurlp_checksum(neurlp_state_kind kind, int64_t first, int64_t count, const void *numbers);

#endif
