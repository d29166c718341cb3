#include "train/network_truth.h"

#include "comm.h"
#include "expr/expr.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const neurlp_network_sets[NEURLP_SETS] = {"all", "training", "validation"};

/* ---- true weights ------------------------------------------------------------------------------------ */

static neurlp_status check_compare(const neurlp_network_study *s) {
  const neurlp_deck *deck = s->data.job->deck;
  const int32_t given = neurlp_deck_list_count(deck, "train.compare");
  const int64_t needed = (int64_t)s->data.dimensions * s->terms;
  if (s->terms == 0 || s->wiring.weights.kind != NEURLP_SOURCE_NETWORK)
    return neurlp_deck_fail(s->context, deck, "train.compare", -1, 0,
                            "only weights of a library that a network reads off each window are compared: "
                            "inputs.weights: {network: name}");
  if (given != needed)
    return neurlp_deck_fail(s->context, deck, "train.compare", -1, 0,
                            "expressions given: %d; weights: %lld, %d (states) times %d (terms of the "
                            "library); give one for each, 0 where the truth has no such term",
                            given, (long long)needed, s->data.dimensions, s->terms);
  return NEURLP_SUCCESS;
}

static neurlp_status parse(const neurlp_network_study *s, int32_t count, neurlp_expr **exprs) {
  const neurlp_deck *deck = s->data.job->deck;
  const neurlp_symbols symbols = {s->data.true_parameter_count,
                                  (const char *const *)s->data.true_parameter_names};
  for (int32_t i = 0; i < count; i++) {
    neurlp_syntax_error error = {0};
    const neurlp_status status = neurlp_expr_parse(
        s->context, neurlp_deck_list_text(deck, "train.compare", i), &symbols, &exprs[i], &error);
    if (status == NEURLP_ERROR_SYNTAX)
      return neurlp_deck_fail(s->context, deck, "train.compare", i, error.column > 0 ? error.column - 1 : 0,
                              "%s (names are those of the data's true parameters)", error.message);
    if (status < 0) return status;
  }
  return NEURLP_SUCCESS;
}

/* All expressions for all systems: [S][count]. */
static neurlp_status evaluate(neurlp_network_study *s, int32_t count, const neurlp_expr *const *exprs) {
  const int64_t S = s->data.systems, P = s->data.true_parameter_count;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_program *program = NULL;
  const double **inputs = NULL;
  int64_t *strides = NULL;
  double *values = NULL;
  void *workspace = NULL;
  NEURLP_TRY(neurlp_program_create(s->context, count, exprs, &program));
  NEURLP_TRY(neurlp_allocate(s->context, (int64_t)neurlp_program_workspace_bytes(program), 1, &workspace));
  NEURLP_TRY(neurlp_allocate(s->context, P, sizeof *inputs, &inputs));
  NEURLP_TRY(neurlp_allocate(s->context, P, sizeof *strides, &strides));
  NEURLP_TRY(neurlp_allocate(s->context, S * count, sizeof *values, &values));
  NEURLP_TRY(neurlp_allocate(s->context, S * count, sizeof *s->true_weights, &s->true_weights));
  for (int64_t p = 0; p < P; p++) {
    inputs[p] = s->true_parameters + p;
    strides[p] = P;
  }
  neurlp_program_run(program, S, inputs, strides, values, workspace);
  for (int64_t i = 0; i < S; i++)
    for (int32_t j = 0; j < count; j++) s->true_weights[i * count + j] = values[j * S + i];
done:
  neurlp_program_destroy(&program);
  neurlp_release(s->context, &inputs);
  neurlp_release(s->context, &strides);
  neurlp_release(s->context, &values);
  neurlp_release(s->context, &workspace);
  return status;
}

neurlp_status neurlp_network_truth_prepare(neurlp_network_study *s) {
  const int32_t count = neurlp_deck_list_count(s->data.job->deck, "train.compare");
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_expr **exprs = NULL;
  if (count == 0) return NEURLP_SUCCESS;
  NEURLP_TRY(check_compare(s));
  if (s->data.true_parameter_count == 0) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(s->context, count, sizeof(neurlp_expr *), &exprs));
  NEURLP_TRY(parse(s, count, exprs));
  status = evaluate(s, count, (const neurlp_expr *const *)exprs);
done:
  for (int32_t i = 0; exprs && i < count; i++) neurlp_expr_destroy(&exprs[i]);
  neurlp_release(s->context, &exprs);
  return status;
}

/* ---- sums over windows ------------------------------------------------------------------------------- */

enum { FOUND_FOUND, TRUTH_TRUTH, FOUND_TRUTH, ERROR_ERROR, SIZE, MOMENTS };
enum { CLEAN = 3 * NEURLP_SETS }; /* sums of solution less clean curve */

/* This rank's windows of a piece, while sums are taken over them. */
typedef struct judged {
  const neurlp_network_study *s;
  const neurlp_network_answers *answers;
  int64_t first, count;
  int64_t weights;
  double time_scale;
  const double *means; /* [set][D L][2] of weights and of true ones, in the second pass */
} judged;

/* The set, besides all, that window i of this rank belongs to; -1 for one that failed. */
static int32_t set_of(const judged *j, int64_t i) {
  if (j->answers->statuses[i] != NEURLP_SUCCESS) return -1;
  return j->s->validation[j->first + i] ? 2 : 1;
}

/* Sums [set][3]: windows, numbers, squares of solution less clean curve. */
static void add_clean(const judged *j, double *sums) {
  const neurlp_windows *v = &j->s->windows;
  const int64_t T = v->spec.window, D = v->spec.dimensions;
  for (int64_t i = 0; i < j->count; i++) {
    const int64_t w = j->first + i;
    const int32_t set = set_of(j, i);
    double square = 0, known = 0;
    if (set < 0) continue;
    for (int64_t n = 0; j->s->clean && n < T * D; n++) {
      const double clean = j->s->clean[(v->system[w] * v->spec.samples + v->first[w]) * D + n];
      const double error = j->answers->solution[i * T * D + n] - clean;
      if (isnan(clean)) continue; /* a trajectory that ran away when it was generated */
      square += error * error;
      known++;
    }
    for (int32_t a = 0; a < 2; a++) {
      double *own = sums + 3 * (a == 0 ? 0 : set);
      own[0]++;
      own[1] += known;
      own[2] += square;
    }
  }
}

/* Weight n of window i of this rank, and the true one. */
static void take_pair(const judged *j, int64_t i, int64_t n, double *found, double *truth) {
  *found = j->answers->weights[i * j->weights + n] * j->time_scale;
  *truth = j->s->true_weights[j->s->windows.system[j->first + i] * j->weights + n];
}

/* Sums [set][D L][2]. */
static void add_means(const judged *j, double *sums) {
  for (int64_t i = 0; i < j->count; i++) {
    const int32_t set = set_of(j, i);
    for (int64_t n = 0; set >= 0 && n < j->weights; n++) {
      double found, truth;
      take_pair(j, i, n, &found, &truth);
      for (int32_t a = 0; a < 2; a++) {
        double *own = sums + ((a == 0 ? 0 : set) * j->weights + n) * 2;
        own[0] += found;
        own[1] += truth;
      }
    }
  }
}

/* Sums [set][D L][MOMENTS]; the first three about the means. */
static void add_moments(const judged *j, double *sums) {
  for (int64_t i = 0; i < j->count; i++) {
    const int32_t set = set_of(j, i);
    for (int64_t n = 0; set >= 0 && n < j->weights; n++) {
      double found, truth;
      take_pair(j, i, n, &found, &truth);
      for (int32_t a = 0; a < 2; a++) {
        const int64_t place = (a == 0 ? 0 : set) * j->weights + n;
        const double f = found - j->means[2 * place], t = truth - j->means[2 * place + 1];
        double *own = sums + place * MOMENTS;
        own[FOUND_FOUND] += f * f;
        own[TRUTH_TRUTH] += t * t;
        own[FOUND_TRUTH] += f * t;
        own[ERROR_ERROR] += (found - truth) * (found - truth);
        own[SIZE] += truth * truth;
      }
    }
  }
}

/* ---- judging ----------------------------------------------------------------------------------------- */

/* (step / data's step)^kappa where one step is everybody's and u^(kappa) alone is on the left; else 1. */
static neurlp_status find_time_scale(neurlp_network_study *s, double *scale) {
  const neurlp_source_spec *c = &s->wiring.coefficients, *steps = &s->wiring.steps;
  double step = s->step;
  *scale = 1;
  if (c->kind != NEURLP_SOURCE_CONSTANT || steps->kind == NEURLP_SOURCE_NETWORK) return NEURLP_SUCCESS;
  for (int32_t i = 0; i < c->number_count; i++)
    if (i != s->leading && c->numbers[i] != 0) return NEURLP_SUCCESS;
  if (steps->kind == NEURLP_SOURCE_CONSTANT) step = steps->numbers[0];
  if (steps->kind == NEURLP_SOURCE_PARAMETER) {
    const neurlp_status status = neurlp_graph_read(s->model.graph, s->model.steps, &step);
    if (status < 0) return status;
  }
  *scale = pow(step / s->step, s->leading);
  return NEURLP_SUCCESS;
}

static neurlp_status allocate(neurlp_network_judge *j) {
  neurlp_context *context = j->study->context;
  neurlp_network_truth *t = j->truth;
  const int64_t numbers = NEURLP_SETS * j->weights;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, CLEAN + numbers * (2 + MOMENTS), sizeof *j->sums, &j->sums));
  j->means = j->sums + CLEAN;
  j->moments = j->means + 2 * numbers;
  if (numbers == 0) goto done;
  NEURLP_TRY(neurlp_allocate(context, numbers, sizeof *t->correlation, &t->correlation));
  NEURLP_TRY(neurlp_allocate(context, numbers, sizeof *t->error, &t->error));
  NEURLP_TRY(neurlp_allocate(context, numbers, sizeof *t->relative, &t->relative));
  status = find_time_scale(j->study, &t->time_scale);
done:
  return status;
}

neurlp_status neurlp_network_judge_open(neurlp_network_study *s, neurlp_network_truth *t,
                                        neurlp_network_judge *j) {
  *j = (neurlp_network_judge){
      .study = s, .truth = t, .weights = s->true_weights ? (int64_t)s->data.dimensions * s->terms : 0};
  *t = (neurlp_network_truth){.clean = s->clean != NULL, .time_scale = 1};
  return neurlp_agree(s->data.comm, s->context, allocate(j));
}

void neurlp_network_judge_add(neurlp_network_judge *j, int64_t first, int64_t count,
                              const neurlp_network_answers *answers) {
  const neurlp_study *d = &j->study->data;
  const int64_t numbers = NEURLP_SETS * j->weights;
  const judged mine = {.s = j->study,
                       .answers = answers,
                       .first = first,
                       .count = count,
                       .weights = j->weights,
                       .time_scale = j->truth->time_scale,
                       .means = j->means};
  double *sums = j->second ? j->moments : j->sums;
  const int32_t size = (int32_t)(j->second ? MOMENTS * numbers : CLEAN + 2 * numbers);
  /* The sum goes from rank to rank, each adding its windows in their order. */
  if (d->rank > 0) MPI_Recv(sums, size, MPI_DOUBLE, d->rank - 1, 0, d->comm, MPI_STATUS_IGNORE);
  if (!j->second) add_clean(&mine, sums);
  if (!j->second) add_means(&mine, j->means);
  if (j->second) add_moments(&mine, sums);
  if (d->rank + 1 < d->size) MPI_Send(sums, size, MPI_DOUBLE, d->rank + 1, 0, d->comm);
  MPI_Bcast(sums, size, MPI_DOUBLE, d->size - 1, d->comm);
}

static void settle_clean(const neurlp_network_judge *j) {
  neurlp_network_truth *t = j->truth;
  for (int32_t set = 0; set < NEURLP_SETS; set++) {
    t->windows[set] = (int64_t)j->sums[3 * set];
    t->clean_mse[set] = j->sums[3 * set + 2] / j->sums[3 * set + 1];
  }
}

static void settle_weights(const neurlp_network_judge *j) {
  neurlp_network_truth *t = j->truth;
  for (int64_t i = 0; i < NEURLP_SETS * j->weights; i++) {
    const double *m = j->moments + i * MOMENTS, count = (double)t->windows[i / j->weights];
    t->correlation[i] = m[FOUND_TRUTH] / sqrt(m[FOUND_FOUND] * m[TRUTH_TRUTH]);
    t->error[i] = sqrt(m[ERROR_ERROR] / count);
    t->relative[i] = sqrt(m[ERROR_ERROR] / m[SIZE]);
  }
}

bool neurlp_network_judge_settle(neurlp_network_judge *j) {
  if (j->second) {
    settle_weights(j);
    return false;
  }
  settle_clean(j);
  for (int64_t i = 0; i < 2 * NEURLP_SETS * j->weights; i++)
    j->means[i] /= (double)j->truth->windows[i / (2 * j->weights)];
  j->second = j->weights > 0;
  return j->second;
}

void neurlp_network_judge_release(neurlp_network_judge *j) {
  if (j->study) neurlp_release(j->study->context, &j->sums);
}

void neurlp_network_truth_release(neurlp_context *context, neurlp_network_truth *t) {
  neurlp_release(context, &t->correlation);
  neurlp_release(context, &t->error);
  neurlp_release(context, &t->relative);
}

/* ---- written and said -------------------------------------------------------------------------------- */

static neurlp_status write_parameters(const neurlp_network_study *s, neurlp_array_file *file) {
  const neurlp_study *d = &s->data;
  const int64_t P = d->true_parameter_count;
  neurlp_status status = NEURLP_SUCCESS;
  int64_t first = 0, count = 0;
  if (P == 0) return NEURLP_SUCCESS;
  neurlp_partition(d->systems, d->rank, d->size, &first, &count);
  const neurlp_array array = {.path = "truth/parameters",
                              .type = H5T_NATIVE_DOUBLE,
                              .rank = 2,
                              .extents = {d->systems, P},
                              .long_name = "true parameters of generated data",
                              .scales = {"system", "parameter_names"}};
  NEURLP_TRY(neurlp_array_write_texts(file, "truth/parameter_names", "names of the true parameters", P,
                                      (const char *const *)d->true_parameter_names));
  status = neurlp_array_write_rows(file, &array, first, count, s->true_parameters + first * P);
done:
  return status;
}

static neurlp_status write_weights(const neurlp_network_study *s, const neurlp_network_truth *t,
                                   neurlp_array_file *file) {
  const neurlp_study *d = &s->data;
  const int64_t D = d->dimensions, L = s->terms;
  neurlp_status status = NEURLP_SUCCESS;
  int64_t first = 0, count = 0;
  if (!t->correlation) return NEURLP_SUCCESS;
  neurlp_partition(d->systems, d->rank, d->size, &first, &count);
  const neurlp_array truth = {.path = "truth/weights",
                              .type = H5T_NATIVE_DOUBLE,
                              .rank = 3,
                              .extents = {d->systems, D, L},
                              .long_name = "true weight of each term: train.compare",
                              .scales = {"system", "states", "terms"}};
  const struct {
    const char *path, *long_name;
    const double *numbers;
  } all[] = {
      {"metrics/weights_correlation", "correlation of weights read off windows with true ones",
       t->correlation},
      {"metrics/weights_error", "root mean square of weights read off windows less true ones", t->error},
      {"metrics/weights_relative_error", "the same over the root mean square of the true ones", t->relative}};
  NEURLP_TRY(neurlp_array_write_rows(file, &truth, first, count, s->true_weights + first * D * L));
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const neurlp_array array = {.path = all[i].path,
                                .type = H5T_NATIVE_DOUBLE,
                                .rank = 3,
                                .extents = {NEURLP_SETS, D, L},
                                .long_name = all[i].long_name,
                                .scales = {"sets", "states", "terms"}};
    NEURLP_TRY(neurlp_array_write_rows(file, &array, 0, d->rank == 0 ? NEURLP_SETS : 0, all[i].numbers));
    NEURLP_TRY(neurlp_array_attribute_number(file, all[i].path, "time_scale", t->time_scale));
  }
done:
  return status;
}

static neurlp_status write_clean(const neurlp_network_truth *t, neurlp_array_file *file) {
  static const char *const names[NEURLP_SETS] = {"clean_mse", "clean_mse_training", "clean_mse_validation"};
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t set = 0; t->clean && set < NEURLP_SETS; set++)
    NEURLP_TRY(neurlp_array_attribute_number(file, "/", names[set], t->clean_mse[set]));
done:
  return status;
}

neurlp_status neurlp_network_truth_write(const neurlp_network_study *s, const neurlp_network_truth *t,
                                         neurlp_array_file *file) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(write_parameters(s, file));
  if (t->correlation)
    NEURLP_TRY(neurlp_array_write_texts(file, "metrics/sets", "which windows the rows of metrics are of",
                                        NEURLP_SETS, neurlp_network_sets));
  NEURLP_TRY(write_weights(s, t, file));
  status = write_clean(t, file);
done:
  return status;
}

static void print_weight(const neurlp_network_study *s, const neurlp_network_truth *t, int32_t set,
                         int64_t weight) {
  const int64_t L = s->terms, i = set * (int64_t)s->data.dimensions * L + weight;
  printf("  weight of %-14s correlation %.5f, RMS error %.4g, %.2f %% of the true weights', %s windows\n",
         s->data.model->library->texts[weight % L], t->correlation[i], t->error[i], 100 * t->relative[i],
         neurlp_network_sets[set]);
}

void neurlp_network_truth_print(const neurlp_network_study *s, const neurlp_network_truth *t) {
  const int64_t L = s->terms;
  const bool applied = s->training.options.epochs == 0; /* then no window is one for training */
  const int32_t from = applied ? 0 : 1, to = applied ? 1 : NEURLP_SETS;
  for (int32_t set = from; set < to; set++)
    if (t->clean && t->windows[set] > 0)
      printf("  %-24s %.6g, mean square error, %s windows\n", "solution against clean", t->clean_mse[set],
             neurlp_network_sets[set]);
  if (!t->correlation) return;
  if (t->time_scale != 1)
    printf("  weights below are in the data's unit of time: times %.6g\n", t->time_scale);
  for (int32_t k = 0; k < s->data.dimensions; k++) {
    printf("\n  equation of %s, against the truth:\n", s->data.names[k]);
    for (int32_t set = from; set < to; set++)
      for (int64_t l = 0; t->windows[set] > 0 && l < L; l++) print_weight(s, t, set, k * L + l);
  }
}
