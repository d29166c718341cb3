/* The commands of the program. Each is collective over the communicator, gets the arguments after its name,
 * and returns the program's exit status (docs/formats.md): the same on every rank. Messages go to standard
 * error, results to standard output, both from rank 0. */
#ifndef NEURLP_MPI_COMMAND_H
#define NEURLP_MPI_COMMAND_H

#include <mpi.h>

enum {
  NEURLP_EXIT_DONE = 0,
  NEURLP_EXIT_INTERNAL = 1,
  NEURLP_EXIT_DECK = 2,
  NEURLP_EXIT_DATA = 3,
  NEURLP_EXIT_NOT_CONVERGED = 4,
  NEURLP_EXIT_SOME_FAILED = 5,
  NEURLP_EXIT_STOPPED = 75
};

int neurlp_command_run(MPI_Comm comm, int argc, char **argv);
int neurlp_command_validate(MPI_Comm comm, int argc, char **argv);
int neurlp_command_generate(MPI_Comm comm, int argc, char **argv);
int neurlp_command_simulate(MPI_Comm comm, int argc, char **argv);
int neurlp_command_solve(MPI_Comm comm, int argc, char **argv);
int neurlp_command_inspect(MPI_Comm comm, int argc, char **argv);
int neurlp_command_plot(MPI_Comm comm, int argc, char **argv);
int neurlp_command_keys(MPI_Comm comm, int argc, char **argv);

#endif
