/* `--log-view`: a run's phases as stages of PETSc's own log, whose summary PETSc prints at the end. PETSc is
 * in libneurlp_petsc.so, which is loaded for that only, so that a run without it does not wait for PETSc. */
#ifndef NEURLP_MPI_LOG_VIEW_H
#define NEURLP_MPI_LOG_VIEW_H

#include <stdbool.h>

/* Takes `--log-view` or `--log-view=VIEWER` (as PETSc's -log_view takes it) out of the arguments, wherever it
 * stands; false if it is not there. *viewer: "" for PETSc's usual summary on standard output. */
bool neurlp_log_view_asked(int *argc, char **argv, const char **viewer);

/* Collective. Starts PETSc's log. Returns an exit status; unless it is NEURLP_EXIT_DONE, rank 0 has said what
 * is wrong. */
int neurlp_log_view_open(int rank, const char *viewer);

/* Collective. What comes from here on is in the stage of this name. Does nothing without a log. */
void neurlp_log_view_stage(const char *name);

/* Collective. Has PETSc print its summary. Does nothing without a log. */
void neurlp_log_view_close(void);

#endif
