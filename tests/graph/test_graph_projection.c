/* Variable projection: weights against LAPACK's dense least squares on columns in closed form, shards, masks,
 * ridge, errors; and the gradient of the projected loss. */
#include "graph/gradient.h"
#include "graph/projection.h"
#include "support/check.h"

#include "core/random.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void dgels_(const char *trans, const int *m, const int *n, const int *nrhs, double *a, const int *lda,
            double *b, const int *ldb, double *work, const int *lwork, int *info);

enum { SAMPLES = 150, STEPS = 9, TERMS = 3, DIMENSIONS = 2, ROWS = SAMPLES * STEPS };

static const double H = 0.125;

static void must(neurlp_context *context, neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s\n", neurlp_context_message(context));
  exit(1);
}

static double draw(int32_t stream, int64_t i) {
  return neurlp_random_normal(17, NEURLP_RANDOM_TEST, stream, i);
}

/* ---- against dense least squares --------------------------------------------------------------------- */

/* u_k' = W . (p0, p1 t, p2), with numbers p of each sample: hermite rows of order 2 integrate them exactly,
 * to p0 t, p1 t^2 / 2, p2 t. */
typedef struct problem {
  double library[ROWS * TERMS], values[SAMPLES * DIMENSIONS], data[ROWS * DIMENSIONS];
  double columns[ROWS * TERMS];
} problem;

static void make_problem(problem *p) {
  const double weights[DIMENSIONS][TERMS] = {{1, -2, 0}, {0, 0.5, 3}};
  for (int64_t s = 0; s < SAMPLES; s++) {
    for (int64_t k = 0; k < DIMENSIONS; k++) p->values[s * DIMENSIONS + k] = draw(0, s * DIMENSIONS + k);
    for (int64_t t = 0; t < STEPS; t++) {
      const int64_t i = s * STEPS + t;
      const double time = (double)t * H;
      for (int64_t l = 0; l < TERMS; l++) {
        const double size = draw(1, s * TERMS + l);
        p->library[i * TERMS + l] = size * (l == 1 ? time : 1);
        p->columns[i * TERMS + l] = size * (l == 1 ? time * time / 2 : time);
      }
      for (int64_t k = 0; k < DIMENSIONS; k++) {
        double u = p->values[s * DIMENSIONS + k];
        for (int64_t l = 0; l < TERMS; l++) u += weights[k][l] * p->columns[i * TERMS + l];
        const bool missing = (i + k) % 7 == 3;
        p->data[i * DIMENSIONS + k] = missing ? NAN : u + 0.1 * draw(2, i * DIMENSIONS + k);
      }
    }
  }
}

/* One dimension by LAPACK; `free` are the columns that there are. Also the standard errors, from the inverse
 * of the triangle that dgels leaves, and the sum of squares. */
static double dense(const problem *p, int64_t k, const bool *free, double ridge, double weight, double *w,
                    double *errors) {
  enum { MOST = ROWS + TERMS };
  static double a[MOST * TERMS], b[MOST], work[MOST * 64];
  int m = 0, n = 0, one = 1, room = MOST, size = MOST * 64, info = 0, rows = 0;
  int chosen[TERMS];
  for (int l = 0; l < TERMS; l++)
    if (free[l]) chosen[n++] = l;
  for (int64_t i = 0; i < ROWS; i++) {
    const double y = p->data[i * DIMENSIONS + k];
    if (isnan(y)) continue;
    for (int c = 0; c < n; c++) a[c * MOST + m] = sqrt(weight) * p->columns[i * TERMS + chosen[c]];
    b[m++] = sqrt(weight) * (y - p->values[i / STEPS * DIMENSIONS + k]);
  }
  rows = m;
  for (int r = 0; ridge > 0 && r < n; r++, m++) {
    for (int c = 0; c < n; c++) a[c * MOST + m] = r == c ? sqrt(ridge) : 0;
    b[m] = 0;
  }
  dgels_("N", &m, &n, &one, a, &room, b, &room, work, &size, &info);
  double loss = 0, penalty = 0, inverse[TERMS][TERMS] = {{0}};
  for (int i = n; i < m; i++) loss += b[i] * b[i];
  memset(w, 0, TERMS * sizeof *w);
  memset(errors, 0, TERMS * sizeof *errors);
  for (int c = 0; c < n; c++) {
    w[chosen[c]] = b[c];
    penalty += ridge * b[c] * b[c];
  }
  for (int c = 0; c < n; c++)
    for (int i = c; i >= 0; i--) {
      double sum = i == c;
      for (int j = i + 1; j <= c; j++) sum -= a[j * MOST + i] * inverse[j][c];
      inverse[i][c] = sum / a[i * MOST + i];
    }
  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int c = i; c < n; c++) sum += inverse[i][c] * inverse[i][c];
    errors[chosen[i]] = sqrt((loss - penalty) / (rows - n) * sum);
  }
  return loss;
}

/* One equation u_k' = ... for each dimension. */
static neurlp_projection *make_projection(neurlp_context *context, int32_t terms) {
  const double c[] = {0, 1, 0};
  const neurlp_projection_spec spec = {.steps = STEPS,
                                       .dimensions = DIMENSIONS,
                                       .terms = terms,
                                       .order = 2,
                                       .initial_steps = 1,
                                       .initial_derivatives = 1,
                                       .formulation = neurlp_formulation_default(),
                                       .coefficients = c,
                                       .step_sizes = &H,
                                       .constant_coefficients = true,
                                       .constant_steps = true};
  neurlp_projection *projection = NULL;
  must(context, neurlp_projection_create(context, &spec, &projection));
  return projection;
}

static double differ(const double *a, const double *b, int64_t count) {
  double worst = 0, size = 0;
  for (int64_t i = 0; i < count; i++) {
    worst = fmax(worst, fabs(a[i] - b[i]));
    size = fmax(size, fabs(b[i]));
  }
  return worst / size;
}

/* Sums of samples first..end-1; the caller frees them. */
static double *sums_of(neurlp_context *context, neurlp_projection *projection, const problem *p,
                       int64_t first, int64_t end, double weight) {
  double *sums = calloc((size_t)neurlp_projection_numbers(projection), sizeof *sums);
  must(context, neurlp_projection_append(projection, end - first, p->library + first * STEPS * TERMS,
                                         p->values + first * DIMENSIONS, p->data + first * STEPS * DIMENSIONS,
                                         NULL, weight, sums));
  return sums;
}

/* Bounds: R of the triangles has a condition number of some tens; errors of order epsilon times it and the
 * square root of the rows. */
static void check_case(neurlp_projection *projection, const problem *p, const double *sums, const char *name,
                       const bool *mask, double ridge, double weight) {
  const double bound = 100 * sqrt(ROWS) * DBL_EPSILON;
  const bool all[TERMS] = {true, true, true};
  double w[DIMENSIONS * TERMS], errors[DIMENSIONS * TERMS], v[DIMENSIONS * TERMS], other[DIMENSIONS * TERMS];
  double expected = 0;
  char what[128];
  const double loss = neurlp_projection_solve(projection, sums, mask, ridge, w, errors);
  for (int64_t k = 0; k < DIMENSIONS; k++)
    expected += dense(p, k, mask ? mask + k * TERMS : all, ridge, weight, v + k * TERMS, other + k * TERMS);
  snprintf(what, sizeof what, "%s: weights", name);
  check_below(what, differ(w, v, DIMENSIONS * TERMS), bound);
  snprintf(what, sizeof what, "%s: standard errors", name);
  check_below(what, differ(errors, other, DIMENSIONS * TERMS), bound);
  snprintf(what, sizeof what, "%s: the loss", name);
  check_below(what, fabs(loss - expected) / expected, bound);
}

static void check_dense(neurlp_context *context) {
  static problem p;
  const bool mask[DIMENSIONS * TERMS] = {true, true, false, false, true, true};
  const bool nothing[DIMENSIONS * TERMS] = {false};
  double w[DIMENSIONS * TERMS], v[DIMENSIONS * TERMS], errors[DIMENSIONS * TERMS];
  make_problem(&p);
  neurlp_projection *projection = make_projection(context, TERMS);
  double *sums = sums_of(context, projection, &p, 0, SAMPLES, 0.25);
  check_case(projection, &p, sums, "all terms", NULL, 0, 0.25);
  check_case(projection, &p, sums, "some terms", mask, 0, 0.25);
  check_case(projection, &p, sums, "ridge", NULL, 2, 0.25);
  check_case(projection, &p, sums, "ridge, some terms", mask, 2, 0.25);
  neurlp_projection_solve(projection, sums, nothing, 0, w, errors);
  check_true("no terms: zeros", w[0] == 0 && w[5] == 0 && errors[0] == 0);
  /* shards, of which one is empty */
  double *one = sums_of(context, projection, &p, 0, 70, 0.25);
  double *two = sums_of(context, projection, &p, 70, SAMPLES, 0.25);
  double *none = sums_of(context, projection, &p, 0, 0, 0.25);
  neurlp_projection_merge(projection, none, one);
  neurlp_projection_merge(projection, none, two);
  check_case(projection, &p, none, "merged shards", NULL, 0, 0.25);
  /* a sample that is not finite, and one whose block failed, are as good as absent */
  neurlp_status statuses[SAMPLES] = {NEURLP_SUCCESS};
  statuses[SAMPLES - 1] = NEURLP_SINGULAR;
  p.library[(SAMPLES - 2) * STEPS * TERMS] = NAN;
  memset(sums, 0, (size_t)neurlp_projection_numbers(projection) * sizeof *sums);
  must(context,
       neurlp_projection_append(projection, SAMPLES, p.library, p.values, p.data, statuses, 1, sums));
  neurlp_projection_solve(projection, sums, NULL, 0, w, NULL);
  double *few = sums_of(context, projection, &p, 0, SAMPLES - 2, 1);
  neurlp_projection_solve(projection, few, NULL, 0, v, NULL);
  check_below("samples that fail are left out", differ(w, v, DIMENSIONS * TERMS),
              100 * sqrt(ROWS) * DBL_EPSILON);
  free(few);
  free(none);
  free(two);
  free(one);
  free(sums);
  neurlp_projection_destroy(&projection);
}

/* A term that is zero, and one that repeats another. */
static void check_undetermined(neurlp_context *context) {
  static problem p;
  double w[DIMENSIONS * TERMS], errors[DIMENSIONS * TERMS];
  make_problem(&p);
  for (int64_t i = 0; i < ROWS; i++) {
    p.library[i * TERMS + 1] = 0;
    p.library[i * TERMS + 2] = p.library[i * TERMS];
  }
  neurlp_projection *projection = make_projection(context, TERMS);
  double *sums = sums_of(context, projection, &p, 0, SAMPLES, 1);
  const double loss = neurlp_projection_solve(projection, sums, NULL, 0, w, errors);
  check_true("terms that are not determined: weight 0, infinite error",
             isfinite(loss) && w[1] == 0 && w[2] == 0 && isinf(errors[1]) && isinf(errors[2]) &&
                 isfinite(errors[0]) && isfinite(w[0]));
  free(sums);
  neurlp_projection_destroy(&projection);
}

/* ---- the gradient of the projected loss -------------------------------------------------------------- */

enum { FEW = 4, POINTS = STEPS, FEATURES = 4 };

/* States are parameters; u_k' = W . library(states); the loss is that of u less data. */
typedef struct projected {
  test_graph t;
  neurlp_value states, library, weights, loss;
  double values[FEW * DIMENSIONS], data[FEW * POINTS * DIMENSIONS];
  neurlp_projection *projection;
  double ridge, *sums;
} projected;

static void build(projected *p) {
  static const char *const names[] = {"x", "y"}, *const texts[FEATURES] = {"x", "y", "x*y", "sin(x)"};
  const neurlp_symbols symbols = {2, names};
  const int64_t each = POINTS * DIMENSIONS * 3;
  double c[DIMENSIONS * DIMENSIONS * 3] = {0}, target[FEW * POINTS * DIMENSIONS * 3] = {0},
                                     first[3] = {1, 0, 0};
  for (int64_t k = 0; k < DIMENSIONS; k++) c[(k * DIMENSIONS + k) * 3 + 1] = 1;
  for (int64_t i = 0; i < FEW * DIMENSIONS; i++) p->values[i] = draw(5, i);
  for (int64_t i = 0; i < FEW * POINTS * DIMENSIONS; i++) p->data[i] = target[i * 3] = draw(6, i);
  p->t = test_graph_open(FEW, NEURLP_DOUBLE, 31);
  neurlp_graph *g = p->t.graph;
  p->states = neurlp_graph_parameter(g, "states", neurlp_shape_of(3, FEW, POINTS, DIMENSIONS), false);
  p->weights = neurlp_graph_parameter(g, "weights", neurlp_shape_of(2, DIMENSIONS, FEATURES), true);
  p->library = neurlp_graph_library(g, p->states, NEURLP_NO_VALUE, &symbols, FEATURES, texts);
  neurlp_graph_keep(g, p->library);
  const neurlp_graph_block_spec spec = {.steps = POINTS,
                                        .order = 2,
                                        .initial_steps = 1,
                                        .initial_derivatives = 1,
                                        .formulation = neurlp_formulation_default()};
  const neurlp_value u = neurlp_graph_block(
      g, &spec,
      &(neurlp_graph_block_inputs){
          .coefficients = neurlp_graph_constant(g, neurlp_shape_of(5, 1, 1, DIMENSIONS, DIMENSIONS, 3), c),
          .rhs = neurlp_graph_dense_plain(g, p->library, p->weights),
          .initial_values = neurlp_graph_constant(g, neurlp_shape_of(4, FEW, 1, DIMENSIONS, 1), p->values),
          .final_values = NEURLP_NO_VALUE,
          .steps = neurlp_graph_constant(g, neurlp_shape_of(3, 1, 1, 1), &H)});
  /* u itself, without its derivatives */
  const neurlp_value x = neurlp_graph_multiply(g, u, neurlp_graph_constant(g, neurlp_shape_of(1, 3), first));
  p->loss =
      neurlp_graph_loss_of(g, NEURLP_LOSS_SQUARE, neurlp_graph_reshape(g, x, neurlp_shape_of(2, FEW, each)),
                           neurlp_graph_constant(g, neurlp_shape_of(2, FEW, each), target));
  neurlp_graph_loss(g, p->loss);
  must(p->t.context, neurlp_graph_finish(g, true));
  must(p->t.context, neurlp_graph_begin(g, FEW, 1));
  p->projection = make_projection(p->t.context, FEATURES);
  p->sums = calloc((size_t)neurlp_projection_numbers(p->projection), sizeof *p->sums);
}

/* The loss at these states with the best weights, ridge included; *graph_loss is the graph's. */
static double projected_loss(projected *p, const double *states, double *graph_loss, double *w) {
  neurlp_context *context = p->t.context;
  double library[FEW * POINTS * FEATURES];
  const double weight = 1.0 / (POINTS * DIMENSIONS * 3); /* the loss is a mean over so many numbers */
  must(context, neurlp_graph_write(p->t.graph, p->states, states));
  must(context, neurlp_graph_forward(p->t.graph));
  must(context, neurlp_graph_read(p->t.graph, p->library, library));
  memset(p->sums, 0, (size_t)neurlp_projection_numbers(p->projection) * sizeof *p->sums);
  must(context, neurlp_projection_append(p->projection, FEW, library, p->values, p->data,
                                         neurlp_graph_statuses(p->t.graph), weight, p->sums));
  const double loss = neurlp_projection_solve(p->projection, p->sums, NULL, p->ridge, w, NULL);
  must(context, neurlp_graph_write(p->t.graph, p->weights, w));
  must(context, neurlp_graph_forward(p->t.graph));
  must(context, neurlp_graph_read(p->t.graph, p->loss, graph_loss));
  return loss;
}

static void check_projected(double ridge, const char *name) {
  enum { NUMBERS = FEW * POINTS * DIMENSIONS };
  projected p = {.ridge = ridge};
  double states[NUMBERS], moved[NUMBERS], gradient[NUMBERS], w[DIMENSIONS * FEATURES],
      of_weights[sizeof w / 8];
  double graph_loss = 0, penalty = 0, dot = 0, steepest = 0, error[2];
  char what[128];
  build(&p);
  for (int64_t i = 0; i < NUMBERS; i++) states[i] = draw(7, i);
  const double at = projected_loss(&p, states, &graph_loss, w);
  for (int64_t i = 0; i < DIMENSIONS * FEATURES; i++) penalty += ridge * w[i] * w[i];
  snprintf(what, sizeof what, "%s: the graph's loss and the projection's", name);
  check_below(what, fabs(at - penalty - graph_loss) / at, 1e4 * DBL_EPSILON);
  must(p.t.context, neurlp_graph_backward(p.t.graph));
  must(p.t.context, neurlp_graph_read_gradient(p.t.graph, p.states, gradient));
  must(p.t.context, neurlp_graph_read_gradient(p.t.graph, p.weights, of_weights));
  for (int64_t i = 0; i < DIMENSIONS * FEATURES; i++)
    steepest = fmax(steepest, fabs(of_weights[i] + 2 * ridge * w[i]));
  snprintf(what, sizeof what, "%s: gradient of the weights", name);
  check_below(what, steepest, 1e4 * DBL_EPSILON);
  for (int64_t i = 0; i < NUMBERS; i++) dot += gradient[i] * draw(8, i);
  for (int half = 0; half < 2; half++) {
    const double e = half ? 5e-4 : 1e-3;
    for (int64_t i = 0; i < NUMBERS; i++) moved[i] = states[i] + e * draw(8, i);
    error[half] = fabs(projected_loss(&p, moved, &graph_loss, w) - at - e * dot);
  }
  snprintf(what, sizeof what, "%s: slope of the Taylor remainder less 2", name);
  check_below(what, fabs(log2(error[0] / error[1]) - 2), 0.05);
  snprintf(what, sizeof what, "%s: the derivative is not 0", name);
  check_above(what, fabs(dot), 1e-6);
  free(p.sums);
  neurlp_projection_destroy(&p.projection);
  test_graph_close(&p.t);
}

int main(void) {
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  neurlp_context *context = NULL;
  if (neurlp_context_create(2, &context) < 0) return 1;
  if (backend) must(context, neurlp_context_set_backend(context, backend));
  check_dense(context);
  check_undetermined(context);
  if (strncmp(neurlp_context_backend(context), "cpu", 3) == 0) /* what a device holds goes with the context */
    check_equal("memory that leaks", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  check_projected(0, "projected loss");
  check_projected(0.01, "projected loss with ridge");
  return check_verdict();
}
