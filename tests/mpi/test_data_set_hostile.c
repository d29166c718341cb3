/* Opens and reads every data set of a list, "NAME WORDS" in each line: NAME.h5 must be refused on all ranks
 * with NEURLP_ERROR_DATA and a message that has WORDS in it; `neurlp inspect` must come to no harm. The
 * program runs under a memory limit, so that a file's claims are not believed either. */
#include "comm.h"
#include "command/command.h"
#include "data/data_set.h"
#include "file/array_file.h"
#include "support/check.h"

#include <stdio.h>
#include <string.h>

static neurlp_status read_everything(neurlp_context *context, const char *path) {
  int rank = 0, size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const char *const inputs[] = {"w"}; /* of files whose names begin so, some are read */
  const neurlp_data_request request = {
      .path = path, .input_count = strncmp(path, "inputs", 6) == 0, .inputs = inputs, .end = -1, .stride = 1};
  neurlp_data_set *data = NULL;
  neurlp_status status = neurlp_data_open(MPI_COMM_WORLD, context, &request, &data);
  if (status != NEURLP_SUCCESS) return status;
  int64_t first = 0, owned = 0;
  neurlp_partition(data->systems, rank, size, &first, &owned);
  neurlp_sample_range range = {first, first + owned, 0, 0};
  if (owned > 0) range.end_sample = data->lengths ? data->lengths[first + owned - 1] : data->samples;
  neurlp_samples samples;
  status = neurlp_data_read(data, &range, &samples);
  neurlp_samples_release(context, &samples);
  neurlp_data_close(&data);
  return status;
}

int main(int argc, char **argv) {
  neurlp_array_file_prepare();
  MPI_Init(&argc, &argv);
  neurlp_context *context = NULL;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  check_equal("the good file is read", read_everything(context, "good.h5"), NEURLP_SUCCESS);
  FILE *list = fopen("list.txt", "r");
  char line[512];
  int count = 0;
  for (; list && fgets(line, sizeof line, list); count++) {
    char *words = strchr(line, ' ') + 1, path[540];
    words[-1] = words[strcspn(words, "\n")] = '\0';
    snprintf(path, sizeof path, "%s.h5", line);
    check_equal(line, read_everything(context, path), NEURLP_ERROR_DATA);
    check_true(neurlp_context_message(context), strstr(neurlp_context_message(context), words));
    char *arguments[] = {path, NULL};
    const int inspected = neurlp_command_inspect(MPI_COMM_WORLD, 1, arguments);
    check_true("inspected", inspected == NEURLP_EXIT_DONE || inspected == NEURLP_EXIT_DATA);
    fflush(stdout);
  }
  if (list) fclose(list);
  check_above("number of files", count, 30);
  check_equal("nothing is left allocated", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  int verdict = check_verdict();
  MPI_Allreduce(MPI_IN_PLACE, &verdict, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return verdict;
}
