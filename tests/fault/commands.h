/* Small jobs for every command, and running them in this process again and again. */
#ifndef TESTS_FAULT_COMMANDS_H
#define TESTS_FAULT_COMMANDS_H

#include <mpi.h>
#include <stdbool.h>

typedef struct fault_job {
  const char *name;
  int (*command)(MPI_Comm comm, int argc, char **argv);
  int argc;
  char *argv[8];
  const char *output; /* the file that it writes */
} fault_job;

enum { FAULT_JOBS = 5, FAULT_SAID_BYTES = 8192 };

/* Collective. Writes the decks and data of all jobs into the current folder. */
void fault_jobs_prepare(const char *problems);
extern const fault_job fault_jobs[FAULT_JOBS];

/* Collective. Runs a job without letting it speak; returns its exit status on this rank, and what it said on
 * standard error. */
int fault_job_run(const fault_job *job, char *said);

/* Rank 0. Removes an output, and what there is of one that is written piece by piece. */
void fault_clear(const char *output);

/* Whether any file in the current folder is left of a run that failed: the output itself, temporary files,
 * locks. Pieces that were complete may be left, in a file that can be read. */
bool fault_left_behind(const char *output);

#endif
