#include "study/report.h"

#include "clock.h"

#include "block/backend.h"
#include "comm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 65536 };

void neurlp_report_study(const neurlp_study *s) {
  if (s->rank != 0) return;
  const neurlp_model *model = s->model;
  printf("%s: %s, %lld system%s of %lld sample%s, %d state%s\n", neurlp_deck_name(s->job->deck),
         s->discover ? "discovery" : "fit", (long long)s->systems, s->systems == 1 ? "" : "s",
         (long long)s->samples_each, s->samples_each == 1 ? "" : "s", s->dimensions,
         s->dimensions == 1 ? "" : "s");
  if (model->terms > 0)
    printf("  library of %d terms: %d coefficients for each %s\n", model->terms,
           model->terms * model->dimensions, s->plan_spec.per_system ? "system" : "set of equations");
  if (model->inputs > 0) {
    printf("  inputs:");
    for (int32_t i = 0; i < model->inputs; i++)
      printf(" %s", model->symbols.names[model->dimensions * model->order + model->named + i]);
    printf("\n");
  }
  printf("  block of order %d, nominal step %.6g, ", s->block_order, s->options.fit.nominal_step);
  if (s->plan_spec.window > 0)
    printf("windows of %lld samples", (long long)s->plan_spec.window);
  else
    printf("each trajectory one window");
  printf("; %d rank%s of %d thread%s\n", s->size, s->size == 1 ? "" : "s", neurlp_context_threads(s->context),
         neurlp_context_threads(s->context) == 1 ? "" : "s");
  if (s->piece < s->systems)
    printf("  each system by itself, %lld of %lld at a time\n", (long long)s->piece, (long long)s->systems);
  if (strcmp(neurlp_context_backend(s->context), "cpu") != 0)
    printf("  windows are solved by the backend %s: %s on rank 0\n", neurlp_context_backend(s->context),
           neurlp_backend_device_name(s->context));
  fflush(stdout);
}

/* "12.3(4)": the value with its standard error in units of the last digit. */
static void print_with_error(char *text, size_t size_bytes, double value, double error) {
  if (!(error > 0) || !isfinite(error) || !isfinite(value)) {
    snprintf(text, size_bytes, "%.6g", value);
    return;
  }
  int exponent = (int)floor(log10(error));
  int decimals = 1 - exponent; /* two digits of the error */
  if (decimals < 0) decimals = 0;
  if (decimals > 12 || fabs(value) >= 1e7 || fabs(value) < 1e-4)
    snprintf(text, size_bytes, "%.8g +- %.2g", value, error);
  else if (exponent >= 1)
    snprintf(text, size_bytes, "%.0f(%.0f)", value, error);
  else
    snprintf(text, size_bytes, "%.*f(%.0f)", decimals, value, error * pow(10, decimals));
}

/* What stands behind an estimate whose error is not there, or does not hold. */
static const char *remark_on(const neurlp_model *model, int32_t p, double value, double error,
                             bool at_bound) {
  if (at_bound) return " (at its bound: the error does not hold)";
  if (!isnan(error)) return "";
  return p < model->named && !isnan(value) ? " (given)" : " (not estimated)";
}

void neurlp_report_equations(const neurlp_model *model, const double *theta) {
  char text[TEXT_BYTES];
  printf("\n");
  for (int32_t k = 0; k < model->dimensions; k++) {
    neurlp_model_print(model, k, theta, 6, text, sizeof text);
    printf("  %s\n", text);
  }
}

void neurlp_report_errors(const neurlp_model *model, const double *theta, const double *errors,
                          const int32_t *at_bound) {
  char number[64], name[256];
  printf("\n  %-24s %s\n", "parameter", "estimate (standard error)");
  for (int32_t p = 0; p < model->parameters; p++) {
    if (p >= model->named && theta[p] == 0) continue;
    neurlp_model_parameter_name(model, p, name, sizeof name);
    print_with_error(number, sizeof number, theta[p], errors[p]);
    printf("  %-24s %s%s\n", name, number,
           remark_on(model, p, theta[p], errors[p], at_bound && p < model->named && at_bound[p]));
  }
}

static void report_equations(const neurlp_study *s, const neurlp_estimates *e) {
  const neurlp_model *model = s->model;
  const int64_t L = model->terms;
  char number[64], name[256];
  neurlp_report_equations(model, e->theta);
  neurlp_report_errors(model, e->theta, e->errors, e->at_bound);
  if (L > 0) {
    int32_t kept = 0;
    for (int32_t p = model->named; p < model->parameters; p++) kept += e->theta[p] != 0;
    printf("  %d of %lld library coefficients are significant\n", kept, (long long)(L * model->dimensions));
  }
  if (s->systems == 1)
    for (int32_t k = 0; k < model->dimensions; k++)
      for (int32_t j = 0; j < model->order; j++) {
        const int64_t i = (int64_t)k * model->order + j;
        if (e->window[0] < s->samples_each || e->system_count == 0) continue;
        snprintf(name, sizeof name, "%s%s at the start", model->states[k], j == 0 ? "" : "'");
        print_with_error(number, sizeof number, e->initial[i], e->initial_errors[i]);
        printf("  %-24s %s\n", name, number);
      }
  double squares = 0;
  printf("  %-24s", "noise");
  for (int32_t k = 0; k < model->dimensions; k++) {
    printf(" %s %.4g", model->states[k], e->noise[k]);
    squares += e->squares[k];
  }
  printf("\n  %-24s %.6g, windows of %d samples\n", "sum of squares", squares, e->window[0]);
}

static int compare_numbers(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Collective. Rank 0 gets `mine` of all ranks, sorted, with NaN left out; NULL on the others, or without
 * memory. counts: [2 ranks] buffer. */
static double *gather_sorted(const neurlp_study *s, int *counts, const double *mine, int64_t count,
                             int64_t *total) {
  const int own = (int)count;
  int *places = counts + s->size;
  double *values = NULL;
  int64_t sum = 0;
  *total = 0;
  MPI_Gather(&own, 1, MPI_INT, counts, 1, MPI_INT, 0, s->comm);
  for (int r = 0; s->rank == 0 && r < s->size; r++) {
    places[r] = (int)sum;
    sum += counts[r];
  }
  neurlp_status status =
      s->rank == 0 ? neurlp_allocate(s->context, sum + 1, sizeof *values, &values) : NEURLP_SUCCESS;
  status = neurlp_agree(s->comm, s->context, status);
  if (status != NEURLP_SUCCESS) return NULL;
  MPI_Gatherv(mine, own, MPI_DOUBLE, values, counts, places, MPI_DOUBLE, 0, s->comm);
  if (!values) return NULL;
  for (int64_t i = 0; i < sum; i++)
    if (!isnan(values[i])) values[(*total)++] = values[i];
  qsort(values, (size_t)*total, sizeof *values, compare_numbers);
  return values;
}

/* Collective. Median and quartiles over systems of one number of each row. */
static void report_spread(const neurlp_study *s, int *counts, const char *name, const double *mine,
                          int64_t count, const char *format) {
  int64_t total = 0;
  double *values = gather_sorted(s, counts, mine, count, &total);
  if (values && total > 0) printf(format, name, values[total / 2], values[total / 4], values[total * 3 / 4]);
  neurlp_release(s->context, &values);
}

/* Index of a parameter among the true ones, or -1. */
static int32_t find_truth(const neurlp_study *s, const char *name) {
  for (int32_t i = 0; i < s->true_parameter_count; i++)
    if (!strcmp(s->true_parameter_names[i], name)) return i;
  return -1;
}

/* Collective. */
static void report_systems(const neurlp_study *s, const neurlp_result *result) {
  const neurlp_model *model = s->model;
  const int64_t P = model->parameters;
  const int32_t most = P < 40 ? (int32_t)P : 40;
  char text[4096];
  double *column = NULL, *exact = NULL;
  int *counts = NULL;
  int64_t first = 0, rows = 0; /* the rank's share of them, whoever fitted them */
  neurlp_partition(s->systems, s->rank, s->size, &first, &rows);
  neurlp_status status = neurlp_allocate(s->context, rows + 1, sizeof *column, &column);
  if (status >= 0) status = neurlp_allocate(s->context, rows + 1, sizeof *exact, &exact);
  if (status >= 0) status = neurlp_allocate(s->context, 2 * (int64_t)s->size, sizeof *counts, &counts);
  if (neurlp_agree(s->comm, s->context, status) < 0)
    goto done; /* only words are lost; the file has the numbers */
  for (int32_t k = 0; s->rank == 0 && k < model->dimensions; k++) {
    neurlp_model_print(model, k, NULL, 6, text, sizeof text);
    printf("%s  %s\n", k == 0 ? "\n" : "", text);
  }
  if (s->rank == 0) printf("\n  %-24s median       quartiles over systems\n", "parameter");
  for (int32_t p = 0; p < most; p++) {
    neurlp_model_parameter_name(model, p, text, sizeof text);
    if (neurlp_result_column(result, false, p, first, rows, column) < 0) goto done;
    report_spread(s, counts, text, column, rows, "  %-24s %-12.6g %.6g to %.6g\n");
    const int32_t truth = find_truth(s, text);
    if (truth < 0) continue;
    if (neurlp_result_column(result, true, truth, first, rows, exact) < 0) goto done;
    for (int64_t row = 0; row < rows; row++)
      column[row] = 100 * fabs(column[row] - exact[row]) / fabs(exact[row]);
    report_spread(s, counts, "  error against truth, %", column, rows, "  %-24s %-12.4g %.4g to %.4g\n");
  }
done:
  neurlp_release(s->context, &counts);
  neurlp_release(s->context, &exact);
  neurlp_release(s->context, &column);
}

void neurlp_report_result(const neurlp_study *s, const neurlp_estimates *e, const neurlp_result *result) {
  if (result)
    report_systems(s, result);
  else if (s->rank == 0)
    report_equations(s, e);
  if (s->rank != 0) return;
  if (s->systems == 1 && e->system_count == 1 && e->status[0] != NEURLP_SUCCESS)
    printf("  the system: %s\n", neurlp_status_sentence((neurlp_status)e->status[0]));
  else if (e->failed > 0 || e->not_converged > 0)
    printf("  of %lld systems %lld failed and %lld did not converge; `status` in the result says why\n",
           (long long)s->systems, (long long)e->failed, (long long)e->not_converged);
  if (e->bounded > 0 && s->plan_spec.per_system)
    printf("  %lld of %lld systems ended at a bound of a parameter, and their estimates are hardly any; "
           "equations/at_bound says which\n",
           (long long)e->bounded, (long long)s->systems);
}

static void report_phase(const char *name, double seconds, double total, int64_t bytes, int64_t messages) {
  printf("  %-10s %10.3f %6.1f %%", name, seconds, 100 * seconds / total);
  if (bytes > 0) printf(" %12.3f", (double)bytes / 1e6);
  if (messages > 0) printf(" %10lld", (long long)messages);
  printf("\n");
}

void neurlp_report_phases(const neurlp_study *s, const neurlp_phases *p) {
  if (s->rank != 0) return;
  const double total = neurlp_clock_seconds(), start = total - (MPI_Wtime() - p->begin);
  const double rest = total - start - p->reading - p->preparing - p->learning - p->writing;
  printf("\n  %-10s %10s %8s %12s %10s\n", "phase", "seconds", "share", "megabytes", "messages");
  report_phase("start", start, total, 0, 0);
  report_phase("read", p->reading, total, p->read_bytes, 0);
  report_phase("prepare", p->preparing, total, 0, 0);
  report_phase("learn", p->learning, total, p->exchanged_bytes, p->messages);
  report_phase("write", p->writing, total, p->written_bytes, 0);
  report_phase("other", rest, total, 0, 0);
  report_phase("all", total, total, 0, 0);
}
