/* A wish that the run end in good order: SIGUSR1 (what a batch system sends before the wall time is over),
 * SIGTERM, or the end of that time itself. The handler sets a flag and does nothing else; who computes looks
 * at it between steps, and ranks agree on it there (checkpoint/checkpoint.h, or neurlp_stop_between). */
#ifndef NEURLP_MPI_STOP_H
#define NEURLP_MPI_STOP_H

#include "core/context.h"

#include <mpi.h>

/* From here on the two signals set the flag, instead of ending this process at once. Local; call it only
 * where the flag is looked at. A second SIGTERM ends the process as it would have before. */
void neurlp_stop_listen(void);

/* The signal that arrived last, 0 if none did. Local. */
int neurlp_stop_signal(void);

/* When the batch system ends this job, in seconds of MPI_Wtime: SLURM_JOB_END_TIME (seconds since 1970),
 * where that is set; else infinite. */
double neurlp_stop_slurm(void);

enum { NEURLP_STOP_MARGIN = 60 }; /* seconds that are left when a run has stopped, unless told otherwise */

/* Seconds after the program's start by which others will have ended it (negative: not known), and those of
 * them that are to be left; NEURLP_STOP_MARGIN without a call. Local, until neurlp_stop_ignore. */
void neurlp_stop_limit(double walltime, double margin);

/* Local, on every rank. A piece of work begins before which nobody looks: the next look knows how long it
 * took. */
void neurlp_stop_begin(void);

/* Collective, before each piece of work that is kept once it is done. `file`: which has what is kept, NULL if
 * nothing is. NEURLP_STOPPED on all ranks where something is, and a signal has arrived on any, or another
 * piece as long as the longest so far would leave less than neurlp_stop_limit's margin of its time, or of
 * neurlp_stop_slurm's, on any; not by the time before this program's first piece. The message says by whom,
 * after how much, and how to go on. Where nothing is kept only SIGTERM, which others would follow with worse,
 * ends the work, with NEURLP_ERROR_IO: who begins anew is no further than this, and 75 asks for that. */
NEURLP_MUST_USE neurlp_status neurlp_stop_between(MPI_Comm comm, neurlp_context *context, const char *after,
                                                  const char *file);

/* Signals do again what they did before neurlp_stop_listen, and the flag is as if none had arrived. */
void neurlp_stop_ignore(void);

#endif
