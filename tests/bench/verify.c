/* That the benchmark compares like with like. Solutions of all competitors agree, and so do the gradients of
 * the two that have them, each to ACCURACY in the 2-norm over one system: with the weights that are timed,
 * and with a top weight so large that rows contradict each other and every weight matters. There a control,
 * with slightly wrong weights, has to disagree by ten times as much: so the check would notice.
 *
 * Solutions also keep within what rounding explains. In scaled unknowns, kappa = cond(A), epsilon the
 * machine's, N the number of unknowns, orthogonal methods (the block, dgels) obey docs/math.md, equation 5,
 *   |dx| <= 4 N epsilon kappa ( |x| + |r - A x| / sigma_min )
 * and with normal equations, where A^T A and A^T r are formed with errors epsilon |A|^2 and epsilon |A| |r|,
 *   |dx| <= 4 N epsilon kappa^2 ( |x| + |r| / sigma_max ). */
#include "bench/verify.h"

#include "bench/competitors.h"
#include "support/check.h"

#include <lapacke.h>

#include <float.h>
#include <stdlib.h>

static const double ACCURACY = 1e-6;

/* The top weight with which all weights matter, and the control's weights over the right ones. */
static const double HEAVY = 1.0;
static const double WRONG = 1.1;

/* Of one system. */
typedef struct norms {
  double largest, smallest; /* singular values of A */
  double rhs, residual, x;
  double unit; /* 4 N epsilon */
} norms;

static double norm(const double *x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += x[i] * x[i];
  return sqrt(sum);
}

static double distance(const double *x, const double *y, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return sqrt(sum);
}

/* The same for two solutions, in scaled unknowns; y may be NULL. */
static double scaled_distance(const bench_rows *rows, const double *x, const double *y) {
  const int32_t R = rows->batch->shape.columns;
  double sum = 0;
  for (int32_t i = 0; i < rows->unknowns * R; i++) {
    const double difference = (x[i] - (y ? y[i] : 0)) * rows->scale[i / R % rows->derivatives];
    sum += difference * difference;
  }
  return sqrt(sum);
}

/* Singular values from LAPACK; the residual is what dgels leaves below the solution. */
static bool measure(bench_dense *dense, int64_t s, const bench_outputs *outputs, norms *z) {
  const bench_rows *rows = dense->rows;
  const int32_t M = rows->count, N = rows->free_unknowns, R = rows->batch->shape.columns;
  double *values = calloc((size_t)N, sizeof *values), *rest = calloc((size_t)N, sizeof *rest), none;
  bench_dense_assemble(dense, s);
  z->rhs = norm(dense->x, (int64_t)bench_dense_stride(dense) * R);
  bool good = values && rest &&
              LAPACKE_dgesvd(LAPACK_COL_MAJOR, 'N', 'N', M, N, dense->matrix, M, values, &none, 1, &none, 1,
                             rest) == 0;
  if (good) z->largest = values[0], z->smallest = values[N - 1];
  free(values);
  free(rest);
  good = good && bench_dense_forward(dense, s, outputs) == 0;
  z->residual = 0;
  for (int32_t r = 0; r < R; r++)
    z->residual = hypot(z->residual, norm(dense->x + (int64_t)r * bench_dense_stride(dense) + N, M - N));
  z->x = scaled_distance(rows, outputs->solution + s * rows->batch->size_solution, NULL);
  z->unit = 4 * rows->unknowns * DBL_EPSILON;
  return good;
}

enum { SOLUTION, COEFFICIENTS, RHS, INITIAL_VALUES, STEPS, ARRAYS };
static const char *const NAMES[ARRAYS] = {"solution", "gradient of c", "gradient of b", "gradient of v",
                                          "gradient of h"};

/* The larger of two; NaN is larger than any number, and stays. */
static double worse(double one, double other) {
  return isnan(one) || other <= one ? one : other;
}

static double *output(const bench_outputs *outputs, int32_t array) {
  double *const arrays[ARRAYS] = {outputs->solution, outputs->gradients.coefficients, outputs->gradients.rhs,
                                  outputs->gradients.initial_values, outputs->gradients.steps};
  return arrays[array];
}

static int64_t output_size(const bench_batch *batch, int32_t array) {
  const int64_t sizes[ARRAYS] = {batch->size_solution, batch->size_coefficients, batch->size_rhs,
                                 batch->size_initial_values, batch->size_steps};
  return sizes[array];
}

/* Relative difference of system s in one array. */
static double difference(const bench_rows *rows, int64_t s, int32_t array, const bench_outputs *one,
                         const bench_outputs *other) {
  const int64_t size = output_size(rows->batch, array);
  const double *x = output(one, array) + s * size, *y = output(other, array) + s * size;
  if (array == SOLUTION) return scaled_distance(rows, x, y) / scaled_distance(rows, x, NULL);
  return distance(x, y, size) / norm(x, size);
}

/* The worst system's errors over what rounding explains. */
typedef struct rounding {
  double dense, banded;
} rounding;

static void compare_solutions(const bench_rows *rows, int64_t s, const bench_outputs *block,
                              const bench_outputs *dense, const bench_outputs *banded, const norms *z,
                              rounding *worst) {
  const double kappa = z->largest / z->smallest;
  const double orthogonal = z->unit * kappa * (z->x + z->residual / z->smallest);
  const double normal = z->unit * kappa * kappa * (z->x + z->rhs / z->largest);
  const double error_dense = z->x * difference(rows, s, SOLUTION, dense, block);
  const double error_banded = z->x * difference(rows, s, SOLUTION, dense, banded);
  worst->dense = worse(worst->dense, error_dense / (2 * orthogonal));
  worst->banded = worse(worst->banded, error_banded / (orthogonal + normal));
}

static bool run_block(bench_batch *batch) {
  neurlp_context *context = NULL;
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  neurlp_status status = neurlp_context_create(1, &context);
  if (status == 0) status = neurlp_problem_create(context, &batch->shape, &batch->formulation, &problem);
  if (status == 0) status = neurlp_solver_create(context, problem, &solver);
  if (status == 0)
    status = neurlp_solver_solve(solver, &batch->inputs, batch->outputs.solution, batch->status);
  if (status == 0)
    status = neurlp_solver_adjoint(solver, &batch->inputs, batch->outputs.solution, batch->grad_output,
                                   &batch->outputs.gradients, batch->status);
  if (status != 0 && context) printf("%s\n", neurlp_context_message(context));
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  neurlp_context_destroy(&context);
  return status == 0;
}

/* dpbsv with all its gradients, for every system. */
static bool run_banded(const bench_rows *rows, const bench_outputs *outputs) {
  bench_banded banded;
  bool good = bench_banded_open(&banded, rows);
  for (int64_t s = 0; good && s < rows->batch->shape.systems; s++)
    good = bench_banded_both(&banded, s, outputs) == 0;
  bench_banded_close(&banded);
  return good;
}

static void verify_solutions(const char *name, const bench_rows *rows, const bench_outputs *block,
                             const bench_outputs *banded, const bench_outputs *out) {
  bench_dense dense;
  rounding worst = {0, 0};
  char line[120];
  bool good = bench_dense_open(&dense, rows);
  for (int64_t s = 0; good && s < rows->batch->shape.systems; s++) {
    norms z;
    good = measure(&dense, s, out, &z);
    if (good) compare_solutions(rows, s, block, out, banded, &z, &worst);
  }
  bench_dense_close(&dense);
  check_true("dgels ran", good);
  snprintf(line, sizeof line, "%s: block and dgels, error / bound", name);
  check_below(line, worst.dense, 1);
  snprintf(line, sizeof line, "%s: dpbsv and dgels, error / bound", name);
  check_below(line, worst.banded, 1);
}

static void verify_against_block(const char *name, const bench_rows *rows, const bench_outputs *block,
                                 const bench_outputs *other) {
  for (int32_t array = 0; array < ARRAYS; array++) {
    double worst = 0;
    char line[120];
    for (int64_t s = 0; s < rows->batch->shape.systems; s++)
      worst = worse(worst, difference(rows, s, array, block, other));
    snprintf(line, sizeof line, "%s: block and dpbsv, %s", name, NAMES[array]);
    check_below(line, worst, ACCURACY);
  }
}

/* The same with wrong weights: every system and every array must differ. */
static void verify_control(const char *name, const bench_batch *batch, const bench_outputs *out) {
  bench_batch wrong = *batch;
  bench_rows rows;
  wrong.formulation.weight_smoothness *= WRONG;
  bool good = bench_rows_open(&rows, &wrong) && run_banded(&rows, out);
  check_true("the control ran", good);
  for (int32_t array = 0; good && array < ARRAYS; array++) {
    double least = INFINITY;
    char line[120];
    for (int64_t s = 0; s < batch->shape.systems; s++)
      least = fmin(least, difference(&rows, s, array, &batch->outputs, out));
    snprintf(line, sizeof line, "%s: wrong weights, %s", name, NAMES[array]);
    check_above(line, least, 10 * ACCURACY);
  }
  bench_rows_close(&rows);
}

/* How many numbers of an array are still the mark. */
static int64_t unwritten(const double *x, int64_t count) {
  int64_t marks = 0;
  for (int64_t i = 0; i < count; i++) marks += isnan(x[i]);
  return marks;
}

static void mark(double *x, int64_t count) {
  for (int64_t i = 0; i < count; i++) x[i] = NAN;
}

/* The floor writes every number of every output. */
static void verify_floor(const char *name, bench_batch *batch) {
  const int64_t S = batch->shape.systems;
  int64_t marks = 0;
  char line[120];
  for (int32_t i = 0; i < ARRAYS; i++) mark(output(&batch->outputs, i), S * output_size(batch, i));
  bench_floor_forward(batch, &batch->outputs);
  bench_floor_adjoint(batch, &batch->outputs);
  for (int32_t i = 0; i < ARRAYS; i++)
    marks += unwritten(output(&batch->outputs, i), S * output_size(batch, i));
  snprintf(line, sizeof line, "%s: numbers that the copy does not write", name);
  check_equal(line, marks, 0);
}

static void verify_shape(const neurlp_shape *shape, bool heavy) {
  bench_batch batch;
  bench_rows rows;
  bench_outputs other, banded;
  char name[60];
  snprintf(name, sizeof name, "D=%d d=%d T=%d R=%d%s", shape->dimensions, shape->order, shape->steps,
           shape->columns, heavy ? ", heavy" : "");
  bool good = bench_batch_open(&batch, shape);
  if (heavy) batch.formulation.weight_top = HEAVY;
  good = bench_rows_open(&rows, &batch) && good;
  good = bench_outputs_open(&other, &batch) && good;
  good = bench_outputs_open(&banded, &batch) && good;
  good = good && run_block(&batch) && run_banded(&rows, &banded);
  check_true("block and dpbsv ran", good);
  if (good) {
    verify_solutions(name, &rows, &batch.outputs, &banded, &other);
    verify_against_block(name, &rows, &batch.outputs, &banded);
    if (heavy) verify_control(name, &batch, &other);
    verify_floor(name, &batch);
  }
  bench_outputs_close(&other);
  bench_outputs_close(&banded);
  bench_rows_close(&rows);
  bench_batch_close(&batch);
}

int bench_verify(void) {
  /* Nine systems: a full tile and a part of one, whatever the instruction set. Six columns: more is written
   * than read. */
  const neurlp_shape shapes[] = {bench_shape(9, 7, 1, 1, 1), bench_shape(9, 7, 1, 2, 1),
                                 bench_shape(9, 5, 3, 2, 1), bench_shape(9, 5, 3, 2, 6),
                                 bench_shape(9, 6, 1, 4, 1), bench_shape(9, 5, 2, 3, 2)};
  bench_lapack_one_thread();
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    verify_shape(&shapes[i], false);
    verify_shape(&shapes[i], true);
  }
  return check_verdict();
}
