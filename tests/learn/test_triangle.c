/* Triangles against LAPACK's dense least squares (dgels), which shares no code with them. */
#include "core/random.h"
#include "core/triangle.h"
#include "support/check.h"

#include <float.h>
#include <lapacke.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 90, PARAMETERS = 7, SIZE = PARAMETERS + 1 };

static double matrix[ROWS][SIZE];

static void make_rows(void) {
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < SIZE; j++)
      matrix[i][j] =
          neurlp_random_normal(7, NEURLP_RANDOM_TEST, i, j) * pow(10, j % 4); /* columns of unequal size */
}

/* The triangle of all rows, appended in runs of `run`, and merged from two halves if asked. */
static void build(int run, bool halves, double *triangle) {
  double rows[ROWS * SIZE], other[SIZE * SIZE] = {0}, work[SIZE * SIZE];
  memset(triangle, 0, SIZE * SIZE * sizeof *triangle);
  for (int i = 0; i < ROWS; i += run) {
    const int count = i + run < ROWS ? run : ROWS - i;
    memcpy(rows, matrix[i], (size_t)(count * SIZE) * sizeof *rows);
    neurlp_triangle_append(SIZE, halves && i >= ROWS / 2 ? other : triangle, count, rows);
  }
  if (halves) neurlp_triangle_merge(SIZE, triangle, other, work);
}

/* Least squares by LAPACK with some columns left out; damping rows added. x of the others is 0. */
static double solve_dense(const bool *free, double damping, double *x) {
  double a[(ROWS + PARAMETERS) * PARAMETERS] = {0}, b[ROWS + PARAMETERS] = {0};
  int count = 0, rows = ROWS + PARAMETERS;
  for (int j = 0; j < PARAMETERS; j++) {
    if (!free[j]) continue;
    double norm = 0;
    for (int i = 0; i < ROWS; i++) {
      a[i * PARAMETERS + count] = matrix[i][j];
      norm += matrix[i][j] * matrix[i][j];
    }
    a[(ROWS + j) * PARAMETERS + count] = sqrt(damping * norm);
    count++;
  }
  for (int i = 0; i < ROWS; i++) b[i] = matrix[i][PARAMETERS];
  if (LAPACKE_dgels(LAPACK_ROW_MAJOR, 'N', rows, count, 1, a, PARAMETERS, b, 1) != 0) return NAN;
  double residual = 0;
  for (int i = count; i < rows; i++) residual += b[i] * b[i];
  for (int j = 0, c = 0; j < PARAMETERS; j++) x[j] = free[j] ? b[c++] : 0;
  return residual;
}

static double largest_difference(const double *a, const double *b, const double *size) {
  double worst = 0;
  for (int j = 0; j < PARAMETERS; j++) worst = fmax(worst, fabs(a[j] - b[j]) / fabs(size[j]));
  return worst;
}

/* Columns differ by 1e3 in size and are otherwise random: the scaled condition number is below 10. */
static const double BOUND = 100 * 10 * DBL_EPSILON;

static void test_steps(void) {
  const bool all[PARAMETERS] = {true, true, true, true, true, true, true};
  const bool some[PARAMETERS] = {true, false, true, true, false, true, true};
  double triangle[SIZE * SIZE], exact[PARAMETERS], step[PARAMETERS], size[PARAMETERS];
  double *work = calloc((size_t)neurlp_triangle_step_workspace(PARAMETERS), sizeof *work);
  for (int halves = 0; halves < 2; halves++) {
    build(halves ? 15 : 13, halves, triangle);
    (void)solve_dense(all, 0, size);
    (void)solve_dense(all, 0, exact);
    neurlp_triangle_step(PARAMETERS, triangle, all, 0, NULL, NULL, step, work);
    check_below("step against dgels", largest_difference(step, exact, size), BOUND);
    (void)solve_dense(some, 0, exact);
    neurlp_triangle_step(PARAMETERS, triangle, some, 0, NULL, NULL, step, work);
    check_below("step with parameters held", largest_difference(step, exact, size), BOUND);
    (void)solve_dense(all, 0.3, exact);
    neurlp_triangle_step(PARAMETERS, triangle, all, 0.3, NULL, NULL, step, work);
    check_below("damped step", largest_difference(step, exact, size), BOUND);
  }
  free(work);
}

static void test_bounds(void) {
  const bool all[PARAMETERS] = {true, true, true, true, true, true, true};
  double triangle[SIZE * SIZE], free_step[PARAMETERS], step[PARAMETERS], lower[PARAMETERS], upper[PARAMETERS];
  double *work = calloc((size_t)neurlp_triangle_step_workspace(PARAMETERS), sizeof *work);
  build(20, false, triangle);
  const double full = neurlp_triangle_step(PARAMETERS, triangle, all, 0, NULL, NULL, free_step, work);
  for (int j = 0; j < PARAMETERS; j++) {
    lower[j] = -INFINITY;
    upper[j] = INFINITY;
  }
  lower[2] = free_step[2] + 0.1 * fabs(free_step[2]);
  const double bounded = neurlp_triangle_step(PARAMETERS, triangle, all, 0, lower, upper, step, work);
  check_true("a step that would cross its bound stops there", step[2] == lower[2]);
  check_true("a bound costs some of the decrease", bounded < full && bounded > 0);
  free(work);
}

static void test_covariance(void) {
  const bool some[PARAMETERS] = {true, false, true, true, false, true, true};
  double triangle[SIZE * SIZE], covariance[PARAMETERS * PARAMETERS], gram[PARAMETERS * PARAMETERS];
  double *work = calloc((size_t)neurlp_triangle_step_workspace(PARAMETERS), sizeof *work);
  build(20, false, triangle);
  neurlp_triangle_covariance(PARAMETERS, triangle, some, covariance, work);
  double worst = 0;
  for (int a = 0; a < PARAMETERS; a++)
    for (int b = 0; b < PARAMETERS;
         b++) { /* covariance times the normal matrix is the identity on the free ones */
      double sum = 0, size = 0;
      for (int j = 0; j < PARAMETERS; j++) {
        double normal = 0;
        for (int i = 0; i < ROWS; i++) normal += some[j] && some[b] ? matrix[i][j] * matrix[i][b] : 0;
        sum += covariance[a * PARAMETERS + j] * normal;
        size += fabs(covariance[a * PARAMETERS + j] * normal);
      }
      gram[a * PARAMETERS + b] = sum - (a == b && some[a] ? 1 : 0);
      worst = fmax(worst, fabs(gram[a * PARAMETERS + b]) / fmax(size, 1));
    }
  check_below("covariance times normal matrix less identity", worst, BOUND * 10);
  free(work);
}

static void test_dependent(void) {
  const bool all[PARAMETERS] = {true, true, true, true, true, true, true};
  double triangle[SIZE * SIZE], step[PARAMETERS], covariance[PARAMETERS * PARAMETERS];
  double *work = calloc((size_t)neurlp_triangle_step_workspace(PARAMETERS), sizeof *work);
  for (int i = 0; i < ROWS; i++) matrix[i][5] = 2 * matrix[i][1]; /* exact in binary: the same column */
  build(ROWS, false, triangle);
  neurlp_triangle_step(PARAMETERS, triangle, all, 0, NULL, NULL, step, work);
  neurlp_triangle_covariance(PARAMETERS, triangle, all, covariance, work);
  check_true("a dependent parameter has step 0", step[5] == 0);
  check_true("and infinite variance", isinf(covariance[5 * PARAMETERS + 5]));
  check_true("the others are finite", isfinite(step[1]) && isfinite(covariance[0]));
  free(work);
}

int main(void) {
  make_rows();
  test_steps();
  test_bounds();
  test_covariance();
  test_dependent();
  return check_verdict();
}
