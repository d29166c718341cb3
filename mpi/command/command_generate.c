/* neurlp generate: the deck's synthetic trajectories, as a data set (docs/formats.md). neurlp simulate: the
 * same by an integrator of the deck's choosing, also from learned equations. */
#include "checkpoint/checkpoint.h"
#include "checkpoint/stop.h"
#include "comm.h"
#include "command/command.h"
#include "data/generate_write.h"
#include "device.h"
#include "file/array_file_lock.h"

#include <stdio.h>
#include <string.h>

/* The data must not take the place of what they come from. */
static neurlp_status spare_sources(neurlp_context *context, const neurlp_generated *g, const char *path) {
  for (int i = 0; i < 2; i++)
    if (g->sources[i] && neurlp_same_file(path, g->sources[i]))
      return neurlp_fail(
          context, NEURLP_ERROR_DECK,
          "the trajectories would be written over %s, from which they come; name them otherwise "
          "with output.data or -o",
          path);
  return NEURLP_SUCCESS;
}

/* Rank 0 says what was written. NEURLP_SOME_FAILED if any system has NaN for its end. */
static neurlp_status report(MPI_Comm comm, const char *command, const neurlp_generated *g, const char *path,
                            int64_t failed) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  if (rank == 0) {
    printf("%s: %lld system%s, %lld samples of %d state%s, step %g\n", path, (long long)g->systems,
           g->systems == 1 ? "" : "s", (long long)g->samples, g->dimensions, g->dimensions == 1 ? "" : "s",
           g->step);
    if (failed > 0)
      fprintf(stderr,
              "neurlp %s: %lld of %lld systems ran to infinity or could not be integrated; their "
              "samples are "
              "NaN from there on\n",
              command, (long long)failed, (long long)g->systems);
  }
  return failed > 0 ? NEURLP_SOME_FAILED : NEURLP_SUCCESS;
}

static neurlp_status generate(MPI_Comm comm, const char *command, const char *ending, const neurlp_job *job) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_context *context = job->context;
  neurlp_generated *generated = NULL;
  int64_t failed = 0;
  char *name = NULL;
  neurlp_file_lock *lock = NULL;
  const char *path = job->output ? job->output : neurlp_deck_text(job->deck, "output.data");
  if (neurlp_deck_text(job->deck, "data.file"))
    return neurlp_fail(context, NEURLP_ERROR_DECK,
                       "%s takes its data from a file; to generate some, it needs the section data.generate",
                       neurlp_deck_name(job->deck));
  neurlp_stop_listen();
  if (!path) {
    NEURLP_TRY(neurlp_agree(comm, context, neurlp_job_file_name(job, ending, &name)));
    path = name;
  }
  NEURLP_TRY(neurlp_checkpoint_limit_stop(job));
  NEURLP_TRY(neurlp_agree(comm, context, neurlp_generate_describe(context, job->deck, &generated)));
  NEURLP_TRY(neurlp_generate_use_petsc(comm, job->deck, generated));
  NEURLP_TRY(neurlp_agree(comm, context, spare_sources(context, generated, path)));
  NEURLP_TRY(neurlp_file_lock_take(comm, context, path, &lock));
  NEURLP_TRY(neurlp_generated_stream(comm, job, path, generated, &failed));
  status = report(comm, command, generated, path, failed);
done:
  neurlp_generate_destroy(&generated);
  neurlp_file_lock_release(&lock);
  neurlp_release(context, &name);
  neurlp_stop_ignore();
  return status;
}

int neurlp_command_generate(MPI_Comm comm, int argc, char **argv) {
  neurlp_job job;
  int exit_status = neurlp_job_begin(comm, "generate", argc, argv, &job);
  if (exit_status == NEURLP_EXIT_DONE)
    exit_status =
        neurlp_job_finish(comm, job.context, "generate", generate(comm, "generate", "_data.h5", &job));
  neurlp_job_end(&job);
  return exit_status;
}

/* A deck of another task has no section `simulate` and could not say how. */
static neurlp_status simulate(MPI_Comm comm, const neurlp_job *job) {
  const char *task = neurlp_deck_text(job->deck, "task");
  if (strcmp(task, "simulate") != 0)
    return neurlp_deck_fail(job->context, job->deck, "task", -1, 0,
                            "the task is '%s', and `neurlp simulate` needs a deck of task 'simulate'", task);
  const char *backend = neurlp_deck_text(job->deck, "simulate.backend");
  const neurlp_status status = neurlp_bind_device(comm, job->context, backend);
  return status < 0 ? status : generate(comm, "simulate", "_simulated.h5", job);
}

int neurlp_command_simulate(MPI_Comm comm, int argc, char **argv) {
  neurlp_job job;
  int exit_status = neurlp_job_begin(comm, "simulate", argc, argv, &job);
  if (exit_status == NEURLP_EXIT_DONE)
    exit_status = neurlp_job_finish(comm, job.context, "simulate", simulate(comm, &job));
  neurlp_job_end(&job);
  return exit_status;
}
