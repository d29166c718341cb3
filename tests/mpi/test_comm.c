/* Agreement, partition and exit statuses, on any number of ranks. */
#include "comm.h"
#include "command/command.h"
#include "support/check.h"

#include <string.h>

static int rank;
static int size;

static void check_agreement(neurlp_context *context, int hard, int soft) {
  neurlp_status mine = NEURLP_SUCCESS;
  if (rank == soft) mine = neurlp_fail(context, NEURLP_NOT_CONVERGED, "slow on %d", rank);
  if (rank == hard) mine = neurlp_fail(context, NEURLP_ERROR_DATA, "broken on %d", rank);
  const neurlp_status all = neurlp_agree(MPI_COMM_WORLD, context, mine);
  neurlp_status expected = NEURLP_SUCCESS;
  char message[64] = "";
  const int speaker = hard < size ? hard : soft;
  if (speaker < size) {
    expected = hard < size ? NEURLP_ERROR_DATA : NEURLP_NOT_CONVERGED;
    const char *word = hard < size ? "broken" : "slow";
    if (size > 1)
      snprintf(message, sizeof message, "rank %d: %s on %d", speaker, word, speaker);
    else
      snprintf(message, sizeof message, "%s on %d", word, speaker);
  }
  check_equal("agreed status", all, expected);
  if (speaker >= size) return;
  check_true(message, strcmp(neurlp_context_message(context), message) == 0);
  const neurlp_status again = neurlp_agree(MPI_COMM_WORLD, context, all);
  check_equal("agreeing twice keeps the status", again, expected);
  check_true("and the message", strcmp(neurlp_context_message(context), message) == 0);
}

static void check_partition(int64_t count) {
  int64_t first = -1;
  int64_t owned = -1;
  neurlp_partition(count, rank, size, &first, &owned);
  int64_t before = 0;
  MPI_Exscan(&owned, &before, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  if (rank == 0) before = 0;
  check_equal("a block starts where the one before ends", first, before);
  int64_t limits[2] = {owned, -owned};
  int64_t total = owned;
  MPI_Allreduce(MPI_IN_PLACE, limits, 2, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
  MPI_Allreduce(MPI_IN_PLACE, &total, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  check_equal("the blocks are everything", total, count);
  check_below("largest block minus smallest", (double)(limits[0] + limits[1]), 1.0);
}

static void check_exit_statuses(void) {
  check_equal("success", neurlp_exit_status(NEURLP_SUCCESS), NEURLP_EXIT_DONE);
  check_equal("deck", neurlp_exit_status(NEURLP_ERROR_DECK), NEURLP_EXIT_DECK);
  check_equal("argument", neurlp_exit_status(NEURLP_ERROR_ARGUMENT), NEURLP_EXIT_DECK);
  check_equal("data", neurlp_exit_status(NEURLP_ERROR_DATA), NEURLP_EXIT_DATA);
  check_equal("not converged", neurlp_exit_status(NEURLP_NOT_CONVERGED), NEURLP_EXIT_NOT_CONVERGED);
  check_equal("some failed", neurlp_exit_status(NEURLP_SOME_FAILED), NEURLP_EXIT_SOME_FAILED);
  check_equal("memory", neurlp_exit_status(NEURLP_ERROR_MEMORY), NEURLP_EXIT_INTERNAL);
  check_equal("disk", neurlp_exit_status(NEURLP_ERROR_IO), NEURLP_EXIT_INTERNAL);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  neurlp_context *context = NULL;
  check_equal("context", neurlp_context_create(1, &context), NEURLP_SUCCESS);
  for (int hard = 0; hard <= size; hard++)
    for (int soft = 0; soft <= size; soft++)
      if (hard != soft || hard == size) check_agreement(context, hard, soft);
  const int64_t counts[] = {0, 1, 2, 4, 5, 7, 10000, INT64_C(4000000000000000007)};
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) check_partition(counts[i]);
  check_exit_statuses();
  neurlp_context_destroy(&context);
  int verdict = check_verdict();
  MPI_Allreduce(MPI_IN_PLACE, &verdict, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return verdict;
}
