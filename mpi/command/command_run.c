/* neurlp run: from a deck to learned equations. */
#include "checkpoint/stop.h"
#include "comm.h"
#include "command/command.h"
#include "file/array_file_lock.h"
#include "log_view.h"
#include "study/fingerprint.h"
#include "study/record.h"
#include "study/report.h"
#include "study/result.h"
#include "study/study_output.h"
#include "train/network_run.h"

#include <stdio.h>
#include <string.h>

/* Collective. What arrived wrong but did not stop the run. */
static int exit_status(const neurlp_estimates *e, const char *trouble) {
  if (e->failed > 0) return NEURLP_EXIT_SOME_FAILED;
  if (e->not_converged == 0 && trouble) return NEURLP_EXIT_SOME_FAILED;
  return e->not_converged > 0 ? NEURLP_EXIT_NOT_CONVERGED : NEURLP_EXIT_DONE;
}

static int64_t sum_over_ranks(MPI_Comm comm, int64_t mine) {
  int64_t all = 0;
  MPI_Allreduce(&mine, &all, 1, MPI_INT64_T, MPI_SUM, comm);
  return all;
}

static neurlp_status name_output(const neurlp_job *job, char **name) {
  const char *given = job->output ? job->output : neurlp_deck_text(job->deck, "output.file");
  return given ? neurlp_copy_text(job->context, given, name) : neurlp_job_file_name(job, ".h5", name);
}

/* Collective. What an earlier part of the run has left, if anything. */
static neurlp_status open_checkpoint(const neurlp_study *s, const char *path, double begin,
                                     neurlp_checkpoint **checkpoint) {
  char *fingerprint = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_study_fingerprint(s, &fingerprint));
  const neurlp_checkpoint_spec spec = {
      .kind = "fit", .result = path, .fingerprint = fingerprint, .begin = begin};
  status = neurlp_checkpoint_open(s->comm, s->job, &spec, checkpoint);
done:
  neurlp_release(s->context, &fingerprint);
  return status;
}

/* Collective. Learns, from the beginning or from a checkpoint. */
static neurlp_status learn(neurlp_study *s, neurlp_checkpoint *checkpoint, const char *path, double begin,
                           neurlp_estimates *e) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_log log;
  neurlp_record record;
  neurlp_log_open(&log, s->rank, path, begin, neurlp_log_fit_header);
  neurlp_report_study(s);
  neurlp_record_begin(&record, s, checkpoint, &log);
  NEURLP_TRY(neurlp_agree(s->comm, s->context, neurlp_direct_learn(s->fit, &s->options)));
  NEURLP_TRY(neurlp_estimates_collect(s, e));
done:
  neurlp_record_release(&record);
  neurlp_log_close(&log);
  return status;
}

static neurlp_status learn_and_write(neurlp_study *s, neurlp_estimates *e, const char *path, double begin,
                                     int *exit_code) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_checkpoint *checkpoint = NULL;
  neurlp_phases phases = {.begin = begin, .reading = s->seconds_reading, .preparing = s->seconds_preparing};
  NEURLP_TRY(open_checkpoint(s, path, begin, &checkpoint));
  neurlp_log_view_stage("learn");
  const double start = MPI_Wtime();
  NEURLP_TRY(learn(s, checkpoint, path, begin, e));
  phases.learning = MPI_Wtime() - start;
  neurlp_report_result(s, e);
  const char *trouble = neurlp_checkpoint_trouble(checkpoint);
  neurlp_log_view_stage("write");
  const double write = MPI_Wtime();
  NEURLP_TRY(neurlp_study_keep_generated(s));
  NEURLP_TRY(neurlp_result_write(s, e, path, trouble, &phases.written_bytes));
  phases.writing = MPI_Wtime() - write;
  phases.read_bytes =
      sum_over_ranks(s->comm, s->trajectories->sample_count * (s->dimensions + 1) * (int64_t)sizeof(double));
  phases.exchanged_bytes = sum_over_ranks(s->comm, s->exchange.bytes);
  phases.messages = sum_over_ranks(s->comm, s->exchange.messages);
  if (s->rank == 0 && trouble) printf("\n  without checkpoints at last: %s\n", trouble);
  neurlp_checkpoint_report(checkpoint);
  neurlp_report_phases(s, &phases);
  if (s->rank == 0) printf("\nwritten: %s\n", path);
  *exit_code = exit_status(e, trouble);
done:
  neurlp_checkpoint_close(&checkpoint, status >= 0);
  return status;
}

int neurlp_command_run(MPI_Comm comm, int argc, char **argv) {
  neurlp_job job;
  neurlp_study study = {0};
  neurlp_estimates estimates = {0};
  char *path = NULL;
  neurlp_file_lock *lock = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  const double begin = MPI_Wtime();
  int exit_code = neurlp_job_begin(comm, "run", argc, argv, &job);
  if (exit_code != NEURLP_EXIT_DONE) goto end;
  NEURLP_TRY(neurlp_agree(comm, job.context, name_output(&job, &path)));
  NEURLP_TRY(neurlp_file_lock_take(comm, job.context, path, &lock)); /* now, not after hours of work */
  if (strcmp(neurlp_deck_text(job.deck, "task"), "train") == 0) {
    status = neurlp_network_run(comm, &job, path, &exit_code);
    goto done;
  }
  neurlp_stop_listen();
  NEURLP_TRY(neurlp_study_open(comm, &job, &study));
  NEURLP_TRY(neurlp_agree(comm, job.context, neurlp_study_spare_data(&study, path)));
  NEURLP_TRY(learn_and_write(&study, &estimates, path, begin, &exit_code));
done:
  if (status != NEURLP_SUCCESS) exit_code = neurlp_job_finish(comm, job.context, "run", status);
  neurlp_estimates_release(job.context, &estimates);
  neurlp_study_close(&study);
  neurlp_file_lock_release(&lock);
  neurlp_release(job.context, &path);
end:
  neurlp_job_end(&job);
  return exit_code;
}
