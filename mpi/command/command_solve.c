/* neurlp solve: linear problems from a file, their solutions and gradients into another. */
#include "checkpoint/checkpoint.h"
#include "checkpoint/stop.h"
#include "comm.h"
#include "command/command.h"
#include "device.h"
#include "job.h"
#include "problem/linear_problem_answer.h"
#include "problem/linear_problem_solve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SCHEMA_VERSION = 1, ATTRIBUTE_BYTES = 65536 };

typedef struct solve_arguments {
  const char *problem, *output, *backend, *divide, *piece, *walltime, *margin;
  neurlp_linear_options options;
  char command_line[4096];
} solve_arguments;

/* What a word after --divide means; -1: nothing. */
static int division_of(const char *word) {
  static const char *const words[] = {"auto", "systems", "time"};
  for (int i = 0; i < 3; i++)
    if (strcmp(word, words[i]) == 0) return i;
  return -1;
}

static neurlp_status read_arguments(neurlp_context *context, int argc, char **argv, solve_arguments *found) {
  snprintf(found->command_line, sizeof found->command_line, "neurlp solve");
  for (int i = 0; i < argc; i++) {
    const size_t length = strlen(found->command_line);
    snprintf(found->command_line + length, sizeof found->command_line - length, " %s", argv[i]);
  }
  const struct {
    const char *name, **target;
  } options[] = {{"-o", &found->output},       {"--output", &found->output}, {"--backend", &found->backend},
                 {"--divide", &found->divide}, {"--piece", &found->piece},   {"--walltime", &found->walltime},
                 {"--margin", &found->margin}};
  bool good = true;
  for (int i = 0; i < argc && good; i++) {
    const char **target = &found->problem;
    for (size_t k = 0; k < sizeof options / sizeof *options; k++)
      if (strcmp(argv[i], options[k].name) == 0) target = options[k].target;
    const bool is_option = target != &found->problem;
    if (is_option) i++;
    good = i < argc && !*target && *argv[i] && (is_option || argv[i][0] != '-');
    if (good) *target = argv[i];
  }
  const int division = division_of(found->divide ? found->divide : "auto");
  if (good && found->piece) {
    char *end = NULL;
    found->options.piece_systems = strtoll(found->piece, &end, 10);
    good = *end == '\0' && found->options.piece_systems > 0;
  }
  double walltime = -1, margin = NEURLP_STOP_MARGIN;
  good = good && (!found->walltime || neurlp_checkpoint_duration(found->walltime, &walltime)) &&
         (!found->margin || neurlp_checkpoint_duration(found->margin, &margin));
  if (good) neurlp_stop_limit(walltime, margin);
  if (!good || !found->problem || !found->output || division < 0)
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "the arguments are: PROBLEM.h5 -o OUT.h5 [--backend cpu|cuda|auto|cuda:check] "
        "[--divide auto|systems|time] [--piece SYSTEMS] [--walltime TIME] [--margin TIME]; a TIME "
        "is '90 minutes', '24 hours', 1-12:00:00");
  found->options.division = (neurlp_division)division;
  if (!found->backend) found->backend = "cpu";
  struct stat problem, output;
  if (stat(found->problem, &problem) == 0 && stat(found->output, &output) == 0 &&
      problem.st_dev == output.st_dev && problem.st_ino == output.st_ino)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "%s would be replaced by its own answers; give another name after -o", found->problem);
  return strcmp(found->backend, "auto") == 0 ? NEURLP_SUCCESS
                                             : neurlp_context_set_backend(context, found->backend);
}

/* Says what a group came to. */
static void report_group(int rank, const neurlp_linear_group *group, const neurlp_linear_outcome *outcome) {
  if (rank != 0) return;
  const neurlp_shape *shape = &group->shape;
  printf("%s: %lld system%s of %d equation%s in %d dimension%s, order %d, %d steps%s", group->name,
         (long long)shape->systems, shape->systems == 1 ? "" : "s", shape->equations,
         shape->equations == 1 ? "" : "s", shape->dimensions, shape->dimensions == 1 ? "" : "s", shape->order,
         shape->steps, group->has_grad_output ? ", with gradients" : "");
  if (outcome->time)
    printf("; time divided, %lld pieces, joined by %lld messages of %lld bytes in all, %.1f MB on a rank",
           (long long)outcome->pieces, (long long)outcome->messages, (long long)outcome->bytes,
           (double)outcome->memory_bytes / 1e6);
  if (outcome->failed > 0) printf("; %lld failed, see %s/status", (long long)outcome->failed, group->name);
  printf("\n");
}

/* Collective. Solves all groups; *some: some systems failed. */
static neurlp_status solve_groups(MPI_Comm comm, neurlp_context *context, neurlp_linear_file *problems,
                                  const neurlp_linear_options *options, neurlp_array_file *answers,
                                  bool *some) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  for (int32_t i = 0; i < problems->count; i++) {
    neurlp_linear_outcome outcome;
    const neurlp_status status = neurlp_linear_solve(comm, context, problems, i, options, answers, &outcome);
    if (status != NEURLP_SUCCESS) return status;
    *some = *some || outcome.failed > 0;
    report_group(rank, &problems->groups[i], &outcome);
  }
  return NEURLP_SUCCESS;
}

/* What answers depend on: the file as it is, the program, and what solves. Rank 0's view of the file. */
static void identify(MPI_Comm comm, const neurlp_context *context, const solve_arguments *arguments,
                     char *text, int bytes) {
  struct stat info = {0};
  memset(text, 0, (size_t)bytes);
  (void)stat(arguments->problem, &info);
  snprintf(text, (size_t)bytes, "solve: %lld bytes of %lld.%09ld, backend %s, %s, %s",
           (long long)info.st_size, (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
           neurlp_context_backend(context), neurlp_version(), neurlp_build_info());
  MPI_Bcast(text, bytes, MPI_CHAR, 0, comm);
}

/* Rank 0 says how much is done already. */
static void report_resumed(MPI_Comm comm, const neurlp_linear_file *problems,
                           const neurlp_array_file *answers) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  for (int32_t i = 0; rank == 0 && i < problems->count; i++) {
    int64_t complete = 0, failed = 0;
    neurlp_array_file_progress(answers, problems->groups[i].name, &complete, &failed);
    if (complete > 0)
      printf("%s: goes on after %lld of %lld systems, from %s\n", problems->groups[i].name,
             (long long)complete, (long long)problems->groups[i].shape.systems,
             neurlp_array_file_partial(answers));
  }
}

static neurlp_status solve(MPI_Comm comm, neurlp_context *context, const solve_arguments *arguments) {
  neurlp_linear_file *problems = NULL;
  neurlp_array_file *answers = NULL;
  int64_t bytes = 0;
  bool some = false, resumed = false;
  char identity[1024];
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_linear_open(comm, context, arguments->problem, &problems));
  for (int32_t i = 0; i < problems->count; i++)
    bytes += neurlp_linear_answer_bytes(&problems->groups[i]) + ATTRIBUTE_BYTES;
  identify(comm, context, arguments, identity, (int)sizeof identity);
  NEURLP_TRY(neurlp_array_file_stream(comm, context, arguments->output, identity, bytes, &answers, &resumed));
  if (resumed) report_resumed(comm, problems, answers);
  NEURLP_TRY(neurlp_array_file_provenance(answers, "neurlp linear solution", SCHEMA_VERSION,
                                          arguments->command_line, NULL, 0));
  NEURLP_TRY(solve_groups(comm, context, problems, &arguments->options, answers, &some));
  NEURLP_TRY(neurlp_array_file_commit(&answers));
  if (some) status = NEURLP_SOME_FAILED;
done:
  status = neurlp_array_file_discard(&answers, status);
  neurlp_linear_close(&problems);
  return status;
}

int neurlp_command_solve(MPI_Comm comm, int argc, char **argv) {
  neurlp_context *context = neurlp_job_context(comm, "solve", 0);
  if (!context) return NEURLP_EXIT_INTERNAL;
  solve_arguments arguments = {0};
  neurlp_status status = neurlp_agree(comm, context, read_arguments(context, argc, argv, &arguments));
  if (status == NEURLP_SUCCESS) status = neurlp_bind_device(comm, context, arguments.backend);
  neurlp_stop_listen();
  if (status == NEURLP_SUCCESS) status = solve(comm, context, &arguments);
  neurlp_stop_ignore();
  const int exit_status = neurlp_job_finish(comm, context, "solve", status);
  neurlp_context_destroy(&context);
  return exit_status;
}
