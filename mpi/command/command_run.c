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

/* A run of the direct method, from its data on. */
typedef struct direct_run {
  neurlp_study *s;
  const char *path; /* of the result */
  double begin;     /* MPI_Wtime() when the command began */
  char *fingerprint;
  neurlp_checkpoint *checkpoint;
  neurlp_log log;
  neurlp_record record;
  neurlp_estimates estimates; /* all of them; of systems by themselves only how many failed */
  neurlp_result result;       /* of systems by themselves */
  neurlp_phases phases;
} direct_run;

/* Collective. What an earlier part of the run has left, if anything. */
static neurlp_status open_checkpoint(direct_run *r) {
  neurlp_study *s = r->s;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_study_fingerprint(s, &r->fingerprint));
  const neurlp_checkpoint_spec spec = {
      .kind = "fit", .result = r->path, .fingerprint = r->fingerprint, .begin = r->begin};
  status = neurlp_checkpoint_open(s->comm, s->job, &spec, &r->checkpoint);
done:
  return status;
}

/* Collective. Learns what the study has in hand, from the beginning or from a checkpoint. */
static neurlp_status learn(direct_run *r, neurlp_estimates *e) {
  neurlp_study *s = r->s;
  const double start = MPI_Wtime();
  neurlp_log_view_stage("learn");
  neurlp_status status = neurlp_agree(s->comm, s->context, neurlp_direct_learn(s->fit, &s->options));
  if (status >= 0) status = neurlp_estimates_collect(s, e);
  r->phases.learning += MPI_Wtime() - start;
  return status;
}

/* Collective. All systems together. */
static neurlp_status run_together(direct_run *r) {
  neurlp_study *s = r->s;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(learn(r, &r->estimates));
  neurlp_log_close(&r->log);
  neurlp_report_result(s, &r->estimates, NULL);
  neurlp_log_view_stage("write");
  const double write = MPI_Wtime();
  NEURLP_TRY(neurlp_study_keep_generated(s));
  NEURLP_TRY(neurlp_result_write(s, &r->estimates, r->path, neurlp_checkpoint_trouble(r->checkpoint),
                                 &r->phases.written_bytes));
  r->phases.writing = MPI_Wtime() - write;
done:
  return status;
}

/* Systems of the next piece: those that a checkpoint is of, if it is of those that come next. */
static int64_t count_next(const direct_run *r) {
  const neurlp_study *s = r->s;
  const int64_t complete = r->result.complete, left = s->systems - complete;
  int64_t first = 0, end = 0;
  neurlp_checkpoint_found_part(r->checkpoint, &first, &end);
  if (first == complete && end > complete && end <= s->systems) return end - complete;
  return s->piece < left ? s->piece : left;
}

/* Collective. The next piece, until it is on disk. */
static neurlp_status run_piece(direct_run *r) {
  neurlp_study *s = r->s;
  neurlp_estimates e = {0};
  neurlp_status status = NEURLP_SUCCESS;
  const int64_t first = r->result.complete, count = count_next(r), last = first + count - 1;
  if (count < s->systems)
    snprintf(r->record.piece, sizeof r->record.piece, "systems %lld to %lld: ", (long long)first,
             (long long)last);
  neurlp_checkpoint_begin_part(r->checkpoint, first, first + count);
  NEURLP_TRY(neurlp_study_take(s, first, count));
  NEURLP_TRY(learn(r, &e));
  neurlp_log_view_stage("write");
  const double write = MPI_Wtime();
  NEURLP_TRY(neurlp_study_keep_generated(s));
  NEURLP_TRY(neurlp_result_add(&r->result, &e));
  r->phases.writing += MPI_Wtime() - write;
  neurlp_checkpoint_end_part(r->checkpoint);
  if (count < s->systems) {
    char line[96];
    snprintf(line, sizeof line, "systems %lld to %lld of %lld are written", (long long)first, (long long)last,
             (long long)s->systems);
    neurlp_log_line(&r->log, line);
  }
done:
  neurlp_estimates_release(s->context, &e);
  return status;
}

/* Collective. Each system by itself, piece by piece. */
static neurlp_status run_apart(direct_run *r) {
  const neurlp_study *s = r->s;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_result_open(s, r->path, r->fingerprint, &r->result));
  while (r->result.complete < s->systems) NEURLP_TRY(run_piece(r));
  neurlp_log_close(&r->log);
  NEURLP_TRY(neurlp_result_count(&r->result, &r->estimates));
  neurlp_report_result(s, &r->estimates, &r->result);
  const double write = MPI_Wtime();
  NEURLP_TRY(
      neurlp_result_commit(&r->result, neurlp_checkpoint_trouble(r->checkpoint), &r->phases.written_bytes));
  r->phases.writing += MPI_Wtime() - write;
done:
  return neurlp_result_discard(&r->result, status);
}

/* Collective. The last words. */
static void report_end(direct_run *r, const char *trouble) {
  const neurlp_study *s = r->s;
  neurlp_phases *phases = &r->phases;
  phases->reading = s->seconds_reading;
  phases->preparing = s->seconds_preparing;
  phases->read_bytes =
      sum_over_ranks(s->comm, s->samples_read * (s->dimensions + s->inputs + 1) * (int64_t)sizeof(double));
  phases->exchanged_bytes = sum_over_ranks(s->comm, s->exchange.bytes);
  phases->messages = sum_over_ranks(s->comm, s->exchange.messages);
  if (s->rank == 0 && trouble) printf("\n  without checkpoints at last: %s\n", trouble);
  neurlp_checkpoint_report(r->checkpoint);
  neurlp_report_phases(s, phases);
  if (s->rank == 0) printf("\nwritten: %s\n", r->path);
}

static neurlp_status learn_and_write(neurlp_study *s, const char *path, double begin, int *exit_code) {
  direct_run r = {.s = s, .path = path, .begin = begin, .phases = {.begin = begin}};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(open_checkpoint(&r));
  neurlp_log_open(&r.log, s->rank, path, begin, neurlp_log_fit_header);
  neurlp_report_study(s);
  neurlp_record_begin(&r.record, s, r.checkpoint, &r.log);
  NEURLP_TRY(s->plan_spec.per_system ? run_apart(&r) : run_together(&r));
  const char *trouble = neurlp_checkpoint_trouble(r.checkpoint);
  report_end(&r, trouble);
  *exit_code = exit_status(&r.estimates, trouble);
done:
  neurlp_record_release(&r.record);
  neurlp_log_close(&r.log);
  neurlp_checkpoint_close(&r.checkpoint, status >= 0);
  neurlp_estimates_release(s->context, &r.estimates);
  neurlp_release(s->context, &r.fingerprint);
  return status;
}

int neurlp_command_run(MPI_Comm comm, int argc, char **argv) {
  neurlp_job job;
  neurlp_study study = {0};
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
  NEURLP_TRY(learn_and_write(&study, path, begin, &exit_code));
done:
  if (status != NEURLP_SUCCESS) exit_code = neurlp_job_finish(comm, job.context, "run", status);
  neurlp_study_close(&study);
  neurlp_file_lock_release(&lock);
  neurlp_release(job.context, &path);
end:
  neurlp_job_end(&job);
  return exit_code;
}
