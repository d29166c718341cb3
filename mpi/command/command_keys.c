#include "comm.h"
#include "command/command.h"
#include "deck/deck.h"
#include "job.h"

#include <stdio.h>
#include <string.h>

int neurlp_command_keys(MPI_Comm comm, int argc, char **argv) {
  char *text = NULL;
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  if (argc > 1) {
    if (rank == 0)
      fprintf(stderr, "neurlp keys: error: one section or key at a time, but '%s' follows '%s'\n", argv[1],
              argv[0]);
    return NEURLP_EXIT_DECK;
  }
  neurlp_context *context = neurlp_job_context(comm, "keys", 1);
  if (!context) return NEURLP_EXIT_INTERNAL;
  neurlp_status status = NEURLP_SUCCESS;
  if (argc == 1 && strcmp(argv[0], "--markdown") == 0)
    status = neurlp_deck_document_keys(context, &text);
  else
    status = neurlp_deck_describe_keys(context, argc == 1 ? argv[0] : NULL, &text);
  status = neurlp_agree(comm, context, status);
  if (rank == 0 && status == NEURLP_SUCCESS) fputs(text, stdout);
  if (rank == 0 && status != NEURLP_SUCCESS)
    fprintf(stderr, "neurlp keys: error: %s\n", neurlp_context_message(context));
  neurlp_release(context, &text);
  neurlp_context_destroy(&context);
  return neurlp_exit_status(status);
}
