#include "study/truth.h"

#include "comm.h"
#include "core/random.h"
#include "core/triangle.h"
#include "data/generate_plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 64 };

/* An expansion: M points, of which each gives a row (terms | right-hand sides). */
typedef struct expansion {
  const neurlp_study *study;
  const neurlp_generated *generated;
  int64_t D, L, P, points; /* P parameters of the generated system */
  int32_t order, symbols;  /* D order + P + 1 */
  char (*names)[NAME_BYTES];
  const char **name_list;
  neurlp_expr **equations; /* [D] */
  neurlp_program *program; /* of these */
  neurlp_program *library;
  double *inputs;                                   /* [symbols][points] */
  double *sides;                                    /* [D][points] */
  double *terms;                                    /* [L][points] */
  const double **pointers;                          /* [symbols] */
  int64_t *strides;                                 /* [symbols] */
  double *rows, *triangle, *covariance, *workspace; /* of one least-squares problem */
  bool *free;
  void *room; /* of either program */
} expansion;

/* Whether there is one truth that a library alone could describe. */
static bool has_one_truth(const neurlp_study *s) {
  const neurlp_generated *g = s->generated;
  if (!g || g->pde || !s->model || s->model->terms == 0 || s->model->named > 0) return false;
  for (int32_t k = 0; k < s->dimensions; k++)
    if (s->model->known[k]) return false;
  for (int32_t i = 0; i < g->parameters; i++)
    if (g->plan->parameters[i].kind != 'c') return false;
  return g->plan->equations != NULL && g->dimensions == s->dimensions && s->model->order <= g->order;
}

/* x, x', y, y', ..., parameters, t; points with states between -2 and 2, which are of no system's size, but
 * tell any two functions of the catalogue apart. */
static neurlp_status make_points(expansion *e) {
  neurlp_context *context = e->study->context;
  const neurlp_generated *g = e->generated;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, e->symbols, sizeof *e->names, &e->names));
  NEURLP_TRY(neurlp_allocate(context, e->symbols, sizeof *e->name_list, &e->name_list));
  NEURLP_TRY(neurlp_allocate(context, e->symbols * e->points, sizeof(double), &e->inputs));
  NEURLP_TRY(neurlp_allocate(context, e->symbols, sizeof *e->pointers, &e->pointers));
  NEURLP_TRY(neurlp_allocate(context, e->symbols, sizeof *e->strides, &e->strides));
  for (int32_t v = 0; v < e->symbols; v++) {
    const int64_t p = v - e->D * e->order;
    const char *name = p < 0 ? g->names[v / e->order] : p < e->P ? g->parameter_names[p] : "t";
    snprintf(e->names[v], NAME_BYTES, "%s%s", name, p < 0 && v % e->order == 1 ? "'" : "");
    e->name_list[v] = e->names[v];
    e->pointers[v] = e->inputs + v * e->points;
    e->strides[v] = 1;
    for (int64_t i = 0; i < e->points; i++)
      e->inputs[v * e->points + i] = p >= 0 && p < e->P
                                         ? g->plan->parameters[p].a
                                         : 4 * neurlp_random_uniform(1, NEURLP_RANDOM_TEST, v, i) - 2;
  }
done:
  return status;
}

static neurlp_status run_programs(expansion *e) {
  neurlp_context *context = e->study->context;
  const neurlp_symbols symbols = {e->symbols, e->name_list};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, e->D, sizeof(neurlp_expr *), &e->equations));
  for (int64_t k = 0; k < e->D; k++)
    NEURLP_TRY(
        neurlp_expr_parse(context, e->generated->plan->equations[k], &symbols, &e->equations[k], NULL));
  NEURLP_TRY(
      neurlp_program_create(context, (int32_t)e->D, (const neurlp_expr *const *)e->equations, &e->program));
  NEURLP_TRY(neurlp_program_create(context, (int32_t)e->L,
                                   (const neurlp_expr *const *)e->study->model->library->terms, &e->library));
  size_t bytes = neurlp_program_workspace_bytes(e->program);
  if (bytes < neurlp_program_workspace_bytes(e->library)) bytes = neurlp_program_workspace_bytes(e->library);
  NEURLP_TRY(neurlp_allocate(context, (int64_t)bytes, 1, &e->room));
  NEURLP_TRY(neurlp_allocate(context, e->D * e->points, sizeof(double), &e->sides));
  NEURLP_TRY(neurlp_allocate(context, e->L * e->points, sizeof(double), &e->terms));
  neurlp_program_run(e->program, e->points, e->pointers, e->strides, e->sides, e->room);
  /* the library's symbols are those of the model: x, x', ..., of a training x alone */
  const int64_t kappa = e->study->model->order;
  for (int64_t k = 0; k < e->D; k++)
    for (int64_t j = 0; j < kappa; j++)
      e->pointers[k * kappa + j] = e->inputs + (k * e->order + j) * e->points;
  neurlp_program_run(e->library, e->points, e->pointers, e->strides, e->terms, e->room);
done:
  return status;
}

/* One state's coefficients; false if the terms leave something, or are dependent. */
static bool fit(expansion *e, int64_t k, double *w) {
  const int64_t L = e->L, last = neurlp_triangle_count(L + 1) - 1;
  double norm = 0;
  int64_t count = 0;
  memset(e->triangle, 0, (size_t)(last + 1) * sizeof(double));
  for (int64_t i = 0; i < e->points; i++) {
    double *row = e->rows + count * (L + 1), sum = e->sides[k * e->points + i];
    for (int64_t l = 0; l < L; l++) row[l] = e->terms[l * e->points + i];
    row[L] = sum;
    for (int64_t l = 0; l < L; l++) sum += row[l];
    if (!isfinite(sum)) continue; /* outside of a logarithm's or a root's domain */
    norm += row[L] * row[L];
    count++;
  }
  if (count < 2 * L) return false;
  neurlp_triangle_append(L + 1, e->triangle, count, e->rows);
  neurlp_triangle_step(L, e->triangle, e->free, 0, NULL, NULL, w, e->workspace);
  neurlp_triangle_covariance(L, e->triangle, e->free, e->covariance, e->workspace);
  for (int64_t l = 0; l < L; l++) {
    if (!isfinite(e->covariance[l * L + l])) return false;
    /* what is left of terms that do not occur: rounding */
    if (fabs(w[l]) < 1e-9 * sqrt(norm * e->covariance[l * L + l])) w[l] = 0;
  }
  return fabs(e->triangle[last]) <= 1e-9 * sqrt(norm);
}

static neurlp_status expand(expansion *e, double *coefficients, bool *found) {
  neurlp_context *context = e->study->context;
  const int64_t L = e->L;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, e->points * (L + 1), sizeof(double), &e->rows));
  NEURLP_TRY(neurlp_allocate(context, neurlp_triangle_count(L + 1), sizeof(double), &e->triangle));
  NEURLP_TRY(neurlp_allocate(context, L * L, sizeof(double), &e->covariance));
  NEURLP_TRY(neurlp_allocate(context, neurlp_triangle_step_workspace(L), sizeof(double), &e->workspace));
  NEURLP_TRY(neurlp_allocate(context, L, sizeof *e->free, &e->free));
  NEURLP_TRY(make_points(e));
  NEURLP_TRY(run_programs(e));
  for (int64_t l = 0; l < L; l++) e->free[l] = true;
  *found = true;
  for (int64_t k = 0; k < e->D && *found; k++) *found = fit(e, k, coefficients + k * L);
done:
  return status;
}

static void release(expansion *e) {
  neurlp_context *context = e->study->context;
  for (int64_t k = 0; e->equations && k < e->D; k++) neurlp_expr_destroy(&e->equations[k]);
  neurlp_program_destroy(&e->program);
  neurlp_program_destroy(&e->library);
  neurlp_release(context, &e->names);
  neurlp_release(context, &e->name_list);
  neurlp_release(context, &e->equations);
  neurlp_release(context, &e->inputs);
  neurlp_release(context, &e->sides);
  neurlp_release(context, &e->terms);
  neurlp_release(context, &e->pointers);
  neurlp_release(context, &e->strides);
  neurlp_release(context, &e->rows);
  neurlp_release(context, &e->triangle);
  neurlp_release(context, &e->covariance);
  neurlp_release(context, &e->workspace);
  neurlp_release(context, &e->free);
  neurlp_release(context, &e->room);
}

neurlp_status neurlp_study_truth(const neurlp_study *s, double **coefficients) {
  neurlp_status status = NEURLP_SUCCESS;
  bool found = false;
  *coefficients = NULL;
  if (!has_one_truth(s)) return NEURLP_SUCCESS;
  expansion e = {.study = s,
                 .generated = s->generated,
                 .D = s->dimensions,
                 .L = s->model->terms,
                 .P = s->generated->parameters,
                 .points = 4 * (int64_t)s->model->terms + 64,
                 .order = s->generated->order};
  e.symbols = (int32_t)(e.D * e.order + e.P + 1);
  NEURLP_TRY(neurlp_allocate(s->context, e.D * e.L, sizeof(double), coefficients));
  status = expand(&e, *coefficients, &found);
done:
  release(&e);
  if (status < 0 || !found) neurlp_release(s->context, coefficients);
  return status;
}

neurlp_status neurlp_study_truth_write(const neurlp_study *s, neurlp_array_file *file, const double *found,
                                       neurlp_coefficient_errors *errors, bool *known) {
  const int64_t D = s->dimensions, L = s->model->terms;
  neurlp_status status = NEURLP_SUCCESS;
  double *truth = NULL;
  *known = false;
  NEURLP_TRY(neurlp_agree(s->comm, s->context, neurlp_study_truth(s, &truth)));
  if (!truth) goto done;
  const neurlp_array array = {.path = "truth/coefficients",
                              .type = H5T_NATIVE_DOUBLE,
                              .rank = 2,
                              .extents = {D, L},
                              .long_name = "true coefficient of each term in each state's equation",
                              .scales = {"states", "terms"}};
  *errors = neurlp_compare_coefficients(D * L, found, truth);
  *known = true;
  if (!file) goto done;
  NEURLP_TRY(neurlp_array_write_rows(file, &array, 0, s->rank == 0 ? D : 0, truth));
  NEURLP_TRY(neurlp_array_attribute_number(file, "/", "coefficient_error_worst", errors->worst));
  NEURLP_TRY(neurlp_array_attribute_number(file, "/", "coefficient_error_mean", errors->mean));
  status = neurlp_array_attribute_number(file, "/", "coefficient_error_vector", errors->vector);
done:
  neurlp_release(s->context, &truth);
  return status;
}

neurlp_coefficient_errors neurlp_compare_coefficients(int64_t count, const double *found,
                                                      const double *truth) {
  neurlp_coefficient_errors e = {0};
  double difference = 0, size = 0;
  int64_t terms = 0;
  for (int64_t i = 0; i < count; i++) {
    const double error = fabs(found[i] - truth[i]);
    difference += error * error;
    size += truth[i] * truth[i];
    if (truth[i] == 0) continue;
    e.worst = fmax(e.worst, error / fabs(truth[i]));
    e.mean += error / fabs(truth[i]);
    terms++;
  }
  e.mean /= (double)terms;
  e.vector = sqrt(difference / size);
  return e;
}
