/* What every command that works from a deck does first: takes its arguments, has one rank read the deck and
 * all check it, and makes a context with the deck's number of threads. */
#ifndef NEURLP_MPI_JOB_H
#define NEURLP_MPI_JOB_H

#include "deck/deck.h"

#include <mpi.h>

typedef struct neurlp_job {
  neurlp_context *context; /* with run.threads; for everything but the deck */
  neurlp_deck *deck;
  char *deck_text;      /* as it is in the file */
  char *command_line;   /* "neurlp generate lorenz.yaml" */
  const char *output;   /* the argument of -o, or NULL */
  neurlp_context *lent; /* holds the deck and the texts */
} neurlp_job;

/* Collective. Arguments: DECK [key=value ...] [-o FILE], in any order; for `simulate`, a result file may
 * stand for the deck that simulates its equations. Returns an exit status, the same on every rank; unless it
 * is NEURLP_EXIT_DONE, rank 0 has said on standard error what is wrong. End the job either way. */
int neurlp_job_begin(MPI_Comm comm, const char *command, int argc, char **argv, neurlp_job *job);

/* Collective. A context for a command. NULL on all ranks where one of them has no memory even for that, which
 * rank 0 has then said on standard error; the exit status is NEURLP_EXIT_INTERNAL. */
neurlp_context *neurlp_job_context(MPI_Comm comm, const char *command, int32_t threads);

/* Frees all of it. Safe on a job that did not begin. */
void neurlp_job_end(neurlp_job *job);

/* Collective. Brings a status to its end: rank 0 prints the message of a failure. Returns the exit status. */
int neurlp_job_finish(MPI_Comm comm, neurlp_context *context, const char *command, neurlp_status status);

/* The deck's name without its folders and ending, with `ending` instead: "decks/lorenz.yaml" gives
 * "lorenz.h5". */
NEURLP_MUST_USE neurlp_status neurlp_job_file_name(const neurlp_job *job, const char *ending, char **name);

/* Whether two paths name the same file; one that does not exist is none. */
bool neurlp_same_file(const char *a, const char *b);

#endif
