#include "train/network_run.h"

#include "checkpoint/stop.h"
#include "comm.h"
#include "command/command.h"
#include "log_view.h"
#include "study/report.h"
#include "study/study_output.h"
#include "train/network_fingerprint.h"
#include "train/network_memory.h"
#include "train/network_record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- what is said ------------------------------------------------------------------------------------ */

static const char *plural(int64_t count) {
  return count == 1 ? "" : "s";
}

static void report_study(const neurlp_network_study *s) {
  const neurlp_study *d = &s->data;
  const neurlp_sampler *sampler = &s->sampler;
  if (d->rank != 0) return;
  printf("%s: training, %lld system%s of %lld samples, %d state%s\n", neurlp_deck_name(d->job->deck),
         (long long)d->systems, plural(d->systems), (long long)d->samples_each, d->dimensions,
         plural(d->dimensions));
  printf("  %lld window%s of %lld samples, %lld for validation; batches of %lld in %lld shard%s\n",
         (long long)s->windows.count, plural(s->windows.count), (long long)s->windows.spec.window,
         (long long)sampler->validation, (long long)sampler->options.batch,
         (long long)sampler->options.shards, plural(sampler->options.shards));
  printf("  block of order %d, %s; %lld parameters in %d tensor%s; %d rank%s of %d thread%s\n", s->order,
         neurlp_deck_text(d->job->deck, "block.formulation"),
         (long long)neurlp_graph_parameter_count(s->model.graph),
         neurlp_graph_parameter_tensors(s->model.graph),
         plural(neurlp_graph_parameter_tensors(s->model.graph)), d->size, plural(d->size),
         neurlp_context_threads(s->context), plural(neurlp_context_threads(s->context)));
  fflush(stdout); /* a job's log is a file, and its first epoch may be minutes away */
}

/* Collective. */
static void report_peak(const neurlp_network_study *s) {
  int64_t peak = (int64_t)neurlp_context_memory(s->context).peak_bytes + neurlp_node_memory_part(&s->node);
  MPI_Allreduce(MPI_IN_PLACE, &peak, 1, MPI_INT64_T, MPI_MAX, s->data.comm);
  if (s->data.rank == 0) printf("  %-24s %lld bytes at most on a rank\n", "memory", (long long)peak);
}

/* Equations that all windows share; where weights were solved for, with their standard errors. */
static void print_equations(neurlp_network_study *s) {
  const neurlp_model *model = s->data.model;
  double *weights = NULL;
  if (s->terms == 0 || s->wiring.weights.kind != NEURLP_SOURCE_PARAMETER) return;
  neurlp_status status =
      neurlp_allocate(s->context, (int64_t)s->data.dimensions * s->terms, sizeof *weights, &weights);
  if (status >= 0) status = neurlp_network_weights(s, weights);
  if (status >= 0) neurlp_report_equations(model, weights);
  if (status >= 0 && s->errors) {
    neurlp_report_errors(model, weights, s->errors, NULL);
    printf("  errors take the state estimate to be right\n");
  }
  neurlp_release(s->context, &weights);
}

static void report_result(neurlp_network_study *s, const neurlp_network_history *history,
                          const neurlp_network_scores *scores) {
  const neurlp_training_result *r = &history->result;
  if (s->data.rank != 0) return;
  print_equations(s);
  printf("\n  %-24s %lld%s\n", "epochs", (long long)r->epochs, r->stopped ? ", stopped early" : "");
  if (!isnan(r->training)) printf("  %-24s %.6g\n", "training loss", r->training);
  if (!isnan(r->validation)) printf("  %-24s %.6g\n", "validation loss", r->validation);
  if (s->terms > 0 && s->training.options.cycles > 1)
    printf("  %-24s %lld\n", "terms dropped", (long long)r->dropped);
  printf("  %-24s %.6g of each state's spread, RMS over all windows\n", "solution against data",
         scores->error);
  neurlp_network_truth_print(s, &scores->truth);
  if (scores->has_truth)
    printf("  %-24s worst %.3g %%, mean %.3g %%, all as a vector %.3g %%\n", "coefficients, off by",
           100 * scores->coefficients.worst, 100 * scores->coefficients.mean,
           100 * scores->coefficients.vector);
  if (scores->failed > 0)
    printf("  %lld of %lld windows could not be solved\n", (long long)scores->failed,
           (long long)scores->windows);
  neurlp_network_forecast_report(&scores->forecast);
  if (history->outcome != NEURLP_SUCCESS) printf("\n  training stopped: %s\n", history->message);
  if (history->trouble) printf("\n  without checkpoints at last: %s\n", history->trouble);
}

/* ---- the run ----------------------------------------------------------------------------------------- */

static int exit_status(const neurlp_network_history *history, const neurlp_network_scores *scores) {
  if (history->outcome != NEURLP_SUCCESS) return NEURLP_EXIT_NOT_CONVERGED;
  if (history->trouble) return NEURLP_EXIT_SOME_FAILED;
  return scores->failed + scores->forecast.failed > 0 ? NEURLP_EXIT_SOME_FAILED : NEURLP_EXIT_DONE;
}

static neurlp_status train(neurlp_network_study *s, neurlp_checkpoint *checkpoint, neurlp_log *log,
                           neurlp_network_history *history) {
  neurlp_network_record record;
  neurlp_network_record_begin(&record, s, checkpoint, history, log);
  const neurlp_status status = neurlp_training_run(&s->training, s->mask, &history->result);
  neurlp_network_record_release(&record);
  history->outcome = status > 0 ? status : NEURLP_SUCCESS;
  history->trouble = neurlp_checkpoint_trouble(checkpoint);
  if (status > 0)
    snprintf(history->message, sizeof history->message, "%s", neurlp_context_message(s->context));
  return status < 0 ? status : NEURLP_SUCCESS; /* what went bad is written */
}

/* The result must not take the place of what it comes from. */
static neurlp_status spare_sources(const neurlp_network_study *s, const char *path) {
  const char *const sources[] = {s->data.data_path, s->model_path};
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
    if (sources[i] && neurlp_same_file(path, sources[i]))
      return neurlp_fail(s->context, NEURLP_ERROR_DECK,
                         "the result would be written over what it comes from, %s; name it otherwise with "
                         "output.file or -o",
                         sources[i]);
  return NEURLP_SUCCESS;
}

/* Collective. What an earlier part of the run has left, if anything. */
static neurlp_status open_checkpoint(neurlp_network_study *s, const char *path, double begin,
                                     neurlp_checkpoint **checkpoint) {
  char *fingerprint = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_network_fingerprint(s, &fingerprint));
  const neurlp_checkpoint_spec spec = {
      .kind = "training", .result = path, .fingerprint = fingerprint, .begin = begin};
  status = neurlp_checkpoint_open(s->data.comm, s->data.job, &spec, checkpoint);
done:
  neurlp_release(s->context, &fingerprint);
  return status;
}

static neurlp_status train_and_write(neurlp_network_study *s, neurlp_checkpoint *checkpoint, const char *path,
                                     double begin, int *exit_code) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_log log;
  neurlp_network_history history = {.context = s->context};
  neurlp_network_scores scores = {0};
  neurlp_phases phases = {.begin = begin, .reading = s->seconds_reading, .preparing = s->seconds_preparing};
  neurlp_log_open(&log, s->data.rank, path, begin, neurlp_network_log_header);
  report_study(s);
  neurlp_network_memory_report(s);
  neurlp_log_view_stage("learn");
  const double start = MPI_Wtime();
  NEURLP_TRY(neurlp_agree(s->data.comm, s->context, train(s, checkpoint, &log, &history)));
  phases.learning = MPI_Wtime() - start;
  neurlp_log_view_stage("write");
  const double write = MPI_Wtime();
  NEURLP_TRY(neurlp_study_keep_generated(&s->data));
  NEURLP_TRY(neurlp_network_result_write(s, &history, path, &scores, &phases.written_bytes));
  phases.writing = MPI_Wtime() - write;
  const neurlp_traffic a = neurlp_reduce_traffic(s->gradients), b = neurlp_reduce_traffic(s->scalars);
  const int64_t read = s->data.plan.end_system - s->data.plan.first_system;
  int64_t sent[3] = {a.bytes + b.bytes + s->shards.bytes, a.messages + b.messages + s->shards.messages,
                     read * s->data.samples_each * (s->data.dimensions + 1) * 8};
  MPI_Allreduce(MPI_IN_PLACE, sent, 3, MPI_INT64_T, MPI_SUM, s->data.comm);
  phases.exchanged_bytes = sent[0];
  phases.messages = sent[1];
  phases.read_bytes = sent[2];
  report_result(s, &history, &scores);
  report_peak(s);
  neurlp_checkpoint_report(checkpoint);
  neurlp_report_phases(&s->data, &phases);
  if (s->data.rank == 0) printf("\nwritten: %s\n", path);
  *exit_code = exit_status(&history, &scores);
done:
  neurlp_log_close(&log);
  neurlp_network_truth_release(s->context, &scores.truth);
  neurlp_release(s->context, &history.epochs);
  neurlp_release(s->context, &history.seconds);
  return status;
}

neurlp_status neurlp_network_run(MPI_Comm comm, neurlp_job *job, const char *path, int *exit_code) {
  neurlp_network_study study;
  neurlp_checkpoint *checkpoint = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  const double begin = MPI_Wtime();
  neurlp_stop_listen();
  NEURLP_TRY(neurlp_network_study_open(comm, job, true, &study));
  NEURLP_TRY(neurlp_agree(comm, job->context, spare_sources(&study, path)));
  NEURLP_TRY(open_checkpoint(&study, path, begin, &checkpoint));
  NEURLP_TRY(train_and_write(&study, checkpoint, path, begin, exit_code));
done:
  neurlp_checkpoint_close(&checkpoint, status >= 0);
  neurlp_network_study_close(&study);
  return status;
}

neurlp_status neurlp_network_validate(MPI_Comm comm, neurlp_job *job) {
  neurlp_network_study study;
  neurlp_status status = neurlp_network_study_open(comm, job, false, &study);
  if (status >= 0) status = neurlp_agree(comm, job->context, neurlp_checkpoint_validate(job));
  if (status >= 0) report_study(&study);
  if (status >= 0) neurlp_network_memory_report(&study);
  neurlp_network_study_close(&study);
  return status;
}
