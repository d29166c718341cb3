/* That the benchmark compares like with like. Solutions of all competitors agree, and so do the gradients of
 * the two that have them: with the weights that are timed, and with a top weight so large that rows
 * contradict each other and every weight matters. There a control, with slightly wrong weights, has to
 * disagree by ten times as much as is allowed: so the check would notice.
 *
 * What is allowed follows from rounding. In scaled unknowns, kappa = cond(A), epsilon that of the precision,
 * N the number of unknowns, orthogonal methods (the block, dgels) obey docs/math.md, equation 5, |dx| <= 4 N
 * epsilon kappa ( |x| + |r - A x| / sigma_min ) and with normal equations, where A^T A and A^T r are formed
 * with errors epsilon |A|^2 and epsilon |A| |r|, |dx| <= 4 N epsilon kappa^2 ( |x| + |r| / sigma_max ).
 * LAPACK always works in double precision, on the same numbers: those of the block's arrays, widened.
 * Gradients and tangents are products of the solution with lambda = (A^T A)^-1 g, whose condition is kappa^2,
 * and differ relatively by 4 N epsilon kappa^2 at most; in double and mixed precision never by more than
 * ACCURACY. */
#include "bench/verify.h"

#include "bench/block.h"
#include "bench/competitors.h"
#include "support/check.h"

#include <lapacke.h>

#include <float.h>
#include <stdlib.h>
#include <string.h>

static const double ACCURACY = 1e-6;
static const double ONE_DIGIT = 0.1;

/* The top weight with which all weights matter, and the control's weights over the right ones. */
static const double HEAVY = 1.0;
static const double WRONG = 1.1;

/* Of one system. */
typedef struct norms {
  double largest, smallest; /* singular values of A */
  double rhs, residual, x;
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
  z->x = scaled_distance(rows, bench_output(rows->batch, outputs, BENCH_SOLUTION, s), NULL);
  return good;
}

static const char *const NAMES[BENCH_ARRAYS] = {"gradient of c", "gradient of b", "gradient of v",
                                                "gradient of h", "solution"};

/* The larger of two; NaN is larger than any number, and stays. */
static double worse(double one, double other) {
  return isnan(one) || other <= one ? one : other;
}

/* Relative difference of system s in one array. */
static double difference(const bench_rows *rows, int64_t s, int32_t array, const bench_outputs *one,
                         const bench_outputs *other) {
  const bench_batch *batch = rows->batch;
  const int64_t size = batch->size[array];
  const double *x = bench_output(batch, one, array, s), *y = bench_output(batch, other, array, s);
  if (array == BENCH_SOLUTION) return scaled_distance(rows, x, y) / scaled_distance(rows, x, NULL);
  return distance(x, y, size) / norm(x, size);
}

/* 4 N epsilon of a precision. Answers in mixed precision are as good as those in double. */
static double unit(const bench_rows *rows, neurlp_precision precision) {
  return 4 * rows->unknowns * (precision == NEURLP_SINGLE ? FLT_EPSILON : DBL_EPSILON);
}

/* The worst system's errors over what rounding explains, and the worst condition number. */
typedef struct rounding {
  double dense, banded, kappa;
} rounding;

static void compare_solutions(const bench_rows *rows, int64_t s, neurlp_precision precision,
                              const bench_outputs *block, const bench_outputs *dense,
                              const bench_outputs *banded, const norms *z, rounding *worst) {
  const double kappa = z->largest / z->smallest;
  const double orthogonal = kappa * (z->x + z->residual / z->smallest);
  const double normal = kappa * kappa * (z->x + z->rhs / z->largest);
  const double units = unit(rows, NEURLP_DOUBLE);
  const double error_dense = z->x * difference(rows, s, BENCH_SOLUTION, dense, block);
  const double error_banded = z->x * difference(rows, s, BENCH_SOLUTION, dense, banded);
  worst->dense = worse(worst->dense, error_dense / ((unit(rows, precision) + units) * orthogonal));
  worst->banded = worse(worst->banded, error_banded / (units * (orthogonal + normal)));
  worst->kappa = worse(worst->kappa, kappa);
}

static bool run_block(bench_batch *batch) {
  bench_block block;
  const bool open = bench_block_open(&block, batch, 1);
  const bool good = open && bench_block_prepare(&block, batch) && bench_block_forward(&block, batch) &&
                    bench_block_adjoint(&block, batch) && bench_block_tangent(&block, batch);
  if (open && !good) printf("%s\n", neurlp_context_message(block.context));
  bench_block_close(&block);
  return good;
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

/* Returns what is allowed of gradients. */
static double verify_solutions(const char *name, const bench_rows *rows, neurlp_precision precision,
                               const bench_outputs *block, const bench_outputs *banded,
                               const bench_outputs *out) {
  bench_dense dense;
  rounding worst = {0, 0, 0};
  char line[120];
  bool good = bench_dense_open(&dense, rows);
  for (int64_t s = 0; good && s < rows->batch->shape.systems; s++) {
    norms z;
    good = measure(&dense, s, out, &z);
    if (good) compare_solutions(rows, s, precision, block, out, banded, &z, &worst);
  }
  bench_dense_close(&dense);
  check_true("dgels ran", good);
  snprintf(line, sizeof line, "%s: block and dgels, error / bound", name);
  check_below(line, worst.dense, 1);
  snprintf(line, sizeof line, "%s: dpbsv and dgels, error / bound", name);
  check_below(line, worst.banded, 1);
  const double allowed = unit(rows, precision) * worst.kappa * worst.kappa;
  return precision == NEURLP_SINGLE ? allowed : fmin(allowed, ACCURACY);
}

/* A prepared solver is not asked for the gradients of coefficients and steps. */
static bool asked_for(const bench_batch *batch, int32_t array) {
  return array == BENCH_SOLUTION || bench_input_systems(batch, array) == batch->shape.systems;
}

static void verify_against_block(const char *name, const bench_rows *rows, double allowed,
                                 const bench_outputs *block, const bench_outputs *other) {
  for (int32_t array = 0; array < BENCH_ARRAYS; array++) {
    double worst = 0;
    char line[120];
    if (!asked_for(rows->batch, array)) continue;
    for (int64_t s = 0; s < rows->batch->shape.systems; s++)
      worst = worse(worst, difference(rows, s, array, block, other));
    snprintf(line, sizeof line, "%s: block and dpbsv, %s", name, NAMES[array]);
    check_below(line, worst, allowed);
  }
}

static double dot(const double *x, const double *y, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += x[i] * y[i];
  return sum;
}

/* <g, tangent> = sum over the inputs of <gradient, direction>, with dpbsv's gradients; the difference
 * relative to what that sum would be without cancellation. */
static void verify_tangent(const char *name, const bench_batch *batch, double allowed,
                           const bench_outputs *banded) {
  const int64_t size = batch->size[BENCH_SOLUTION];
  double worst = 0;
  char line[120];
  for (int64_t s = 0; s < batch->shape.systems; s++) {
    const double *g = (const double *)batch->grad_output + s * size;
    const double *tangent = (const double *)batch->tangent + s * size;
    double change = -dot(g, tangent, size), terms = 0;
    for (int32_t i = 0; i < BENCH_INPUTS; i++) {
      const int64_t count = batch->size[i];
      const double *gradient = bench_output(batch, banded, i, s);
      const double *direction = (const double *)batch->direction[i];
      if (!asked_for(batch, i)) continue;
      change += dot(gradient, direction + s * count, count);
      terms += norm(gradient, count) * norm(direction + s * count, count);
    }
    worst = worse(worst, fabs(change) / terms);
  }
  snprintf(line, sizeof line, "%s: block's tangent and dpbsv's gradients", name);
  check_below(line, worst, allowed);
}

/* The same with wrong weights: every system and every array must differ. */
static void verify_control(const char *name, const bench_batch *batch, double allowed,
                           const bench_outputs *out) {
  bench_batch wrong = *batch;
  bench_rows rows;
  wrong.formulation.weight_smoothness *= WRONG;
  bool good = bench_rows_open(&rows, &wrong) && run_banded(&rows, out);
  check_true("the control ran", good);
  for (int32_t array = 0; good && array < BENCH_ARRAYS; array++) {
    double least = INFINITY;
    char line[120];
    if (!asked_for(batch, array)) continue;
    for (int64_t s = 0; s < batch->shape.systems; s++)
      least = fmin(least, difference(&rows, s, array, &batch->outputs, out));
    snprintf(line, sizeof line, "%s: wrong weights, %s", name, NAMES[array]);
    check_above(line, least, 10 * allowed);
  }
  bench_rows_close(&rows);
}

/* The floor writes every number of every output that the block is asked for. */
static void verify_floor(const char *name, bench_batch *batch) {
  const int64_t S = batch->shape.systems;
  const size_t bytes = bench_number_bytes(&batch->shape);
  int64_t marks = 0;
  char line[120];
  for (int32_t i = 0; i <= BENCH_ARRAYS; i++) {
    const int64_t count = S * batch->size[i < BENCH_ARRAYS ? i : BENCH_SOLUTION];
    unsigned char *x = i < BENCH_ARRAYS ? batch->outputs.array[i] : batch->tangent;
    if (i < BENCH_ARRAYS && !asked_for(batch, i)) continue;
    memset(x, 0xff, (size_t)count * bytes); /* a NaN, which no input is */
    bench_floor_forward(batch, &batch->outputs);
    bench_floor_adjoint(batch, &batch->outputs);
    bench_floor_tangent(batch, &batch->outputs);
    for (size_t at = 0; at < (size_t)count * bytes; at += bytes)
      marks += x[at] == 0xff && x[at + 1] == 0xff && x[at + bytes - 1] == 0xff;
  }
  snprintf(line, sizeof line, "%s: numbers that the copy does not write", name);
  check_equal(line, marks, 0);
}

static void describe(const neurlp_shape *z, bool heavy, char *name, size_t size) {
  static const char *const PRECISION[] = {"", ", single", ", mixed"};
  snprintf(name, size, "D=%d d=%d T=%d R=%d%s%s%s", z->dimensions, z->order, z->steps, z->columns,
           PRECISION[z->precision], bench_is_shared(z) ? ", shared" : "", heavy ? ", heavy" : "");
}

/* Block, dgels and dpbsv on the batch and its copy in double precision. */
static void verify_batch(const char *name, bench_batch *batch, bool heavy) {
  const neurlp_precision precision = batch->shape.precision;
  bench_batch wide;
  bench_rows rows;
  bench_outputs other, banded;
  bool good = run_block(batch);
  good = bench_batch_widen(batch, &wide) && good;
  good = bench_rows_open(&rows, &wide) && good;
  good = bench_outputs_open(&other, &wide) && good;
  good = bench_outputs_open(&banded, &wide) && good;
  good = good && run_banded(&rows, &banded);
  check_true("block and dpbsv ran", good);
  if (good) {
    const double allowed = verify_solutions(name, &rows, precision, &wide.outputs, &banded, &other);
    if (allowed <= ONE_DIGIT) {
      verify_against_block(name, &rows, allowed, &wide.outputs, &banded);
      verify_tangent(name, &wide, allowed, &banded);
    }
    check_true("gradients can be compared", allowed <= ONE_DIGIT || !heavy);
    if (heavy && precision != NEURLP_SINGLE) verify_control(name, &wide, allowed, &other);
    verify_floor(name, batch);
  }
  bench_outputs_close(&other);
  bench_outputs_close(&banded);
  bench_rows_close(&rows);
  bench_batch_close(&wide);
}

static void verify_shape(const neurlp_shape *shape, bool heavy) {
  bench_batch batch;
  char name[80];
  describe(shape, heavy, name, sizeof name);
  const bool good = bench_batch_open(&batch, shape, true);
  if (heavy) batch.formulation.weight_top = HEAVY;
  if (good)
    verify_batch(name, &batch, heavy);
  else
    check_true("memory sufficed", false);
  bench_batch_close(&batch);
}

int bench_verify(void) {
  enum { PRECISIONS = 3 };
  /* Nine systems: a full tile and a part of one, whatever the instruction set. Six columns: more is written
   * than read. */
  const neurlp_shape shapes[] = {bench_shape(9, 7, 1, 1, 1), bench_shape(9, 7, 1, 2, 1),
                                 bench_shape(9, 5, 3, 2, 1), bench_shape(9, 5, 3, 2, 6),
                                 bench_shape(9, 6, 1, 4, 1), bench_shape(9, 5, 2, 3, 2)};
  bench_lapack_one_thread();
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (int32_t variant = 0; variant < 2 * PRECISIONS; variant++) {
      neurlp_shape shape = shapes[i];
      shape.precision = (neurlp_precision)(variant % PRECISIONS);
      if (variant >= PRECISIONS) bench_share(&shape);
      verify_shape(&shape, false);
      verify_shape(&shape, true);
    }
  return check_verdict();
}
