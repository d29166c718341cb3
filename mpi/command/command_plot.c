/* neurlp plot: pictures of what a file holds. Rank 0 draws alone. */
#include "comm.h"
#include "command/command.h"
#include "job.h"
#ifdef NEURLP_HAVE_PLOT
#include "plot/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static neurlp_status read_times(neurlp_context *context, const char *text, neurlp_plot_request *request) {
  char *end = NULL;
  const char *colon = strchr(text, ':');
  bool good = colon != NULL;
  if (good && colon > text) request->from = strtod(text, &end);
  good = good && (colon == text || end == colon);
  if (good && colon[1]) request->to = strtod(colon + 1, &end);
  good = good && (!colon[1] || !*end) && request->from <= request->to;
  return good ? NEURLP_SUCCESS
              : neurlp_fail(
                    context, NEURLP_ERROR_ARGUMENT,
                    "--time is '%s'; it must be two times, the first not after the second, like 0:20, of "
                    "which one may be left out",
                    text);
}

static neurlp_status read_arguments(neurlp_context *context, int argc, char **argv,
                                    neurlp_plot_request *found) {
  const char *times = NULL;
  bool good = true;
  *found = (neurlp_plot_request){.from = -HUGE_VAL, .to = HUGE_VAL};
  for (int i = 0; i < argc && good; i++) {
    const char *name = argv[i];
    const char **target = strcmp(name, "-o") == 0 || strcmp(name, "--output") == 0 ? &found->folder
                          : strcmp(name, "--systems") == 0                         ? &found->systems
                          : strcmp(name, "--time") == 0                            ? &times
                          : strcmp(name, "--data") == 0                            ? &found->data
                                                                                   : &found->path;
    if (target != &found->path) i++;
    good = i < argc && !*target && *argv[i] && (target != &found->path || name[0] != '-');
    if (good) *target = argv[i];
  }
  if (!good || !found->path || !found->folder)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "the arguments are: FILE -o FOLDER [--systems 0,3,7] [--time FROM:TO] [--data FILE]");
  return times ? read_times(context, times, found) : NEURLP_SUCCESS;
}

static neurlp_status plot(neurlp_context *context, int argc, char **argv) {
  neurlp_plot_request request;
  const neurlp_status status = read_arguments(context, argc, argv, &request);
  return status < 0 ? status : neurlp_plot(context, &request);
}
#else
static neurlp_status plot(neurlp_context *context, int argc, char **argv) {
  (void)argc;
  (void)argv;
  return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                     "this build draws no pictures; configure with -DNEURLP_PLOT=ON where PLplot is (Debian: "
                     "libplplot-dev plplot-driver-cairo)");
}
#endif

int neurlp_command_plot(MPI_Comm comm, int argc, char **argv) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  neurlp_context *context = neurlp_job_context(comm, "plot", 1);
  if (!context) return NEURLP_EXIT_INTERNAL;
  neurlp_status status = rank == 0 ? plot(context, argc, argv) : NEURLP_SUCCESS;
  status = neurlp_agree(comm, context, status);
  const int exit_status = neurlp_job_finish(comm, context, "plot", status);
  neurlp_context_destroy(&context);
  return exit_status;
}
