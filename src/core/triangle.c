#include "core/triangle.h"

#include <math.h>
#include <string.h>

/* Relative size of a diagonal below which its column depends on the columns before it. */
static const double DEPENDENT = 1e-13;

void neurlp_triangle_append(int64_t n, double *triangle, int64_t m, double *rows) {
  neurlp_triangle_append_lane(n, triangle, m, rows, 0, 1);
}

/* Writes a triangle as n full rows. */
static void expand(int64_t n, const double *triangle, double *rows) {
  for (int64_t i = 0; i < n; i++) {
    memset(rows + i * n, 0, (size_t)i * sizeof *rows);
    memcpy(rows + i * n + i, triangle + neurlp_triangle_row(n, i), (size_t)(n - i) * sizeof *rows);
  }
}

void neurlp_triangle_merge(int64_t n, double *triangle, const double *other, double *rows) {
  expand(n, other, rows);
  neurlp_triangle_append(n, triangle, n, rows);
}

/* Refactors the columns in `chosen` (and the right-hand side, and damping rows) of a triangle; writes the
 * norms of the chosen columns. packed: triangle of size count + 1; rows: workspace [2 parameters + 1][count +
 * 1]. */
static void refactor(int64_t parameters, const double *triangle, int64_t count, const int64_t *chosen,
                     const double *rhs, double damping, double *norms, double *packed, double *rows) {
  const int64_t n = parameters + 1, width = count + 1;
  memset(packed, 0, (size_t)neurlp_triangle_count(width) * sizeof *packed);
  memset(rows, 0, (size_t)((parameters + count + 1) * width) * sizeof *rows);
  for (int64_t c = 0; c < count; c++) {
    norms[c] = 0;
    for (int64_t i = 0; i <= chosen[c]; i++) {
      const double value = triangle[neurlp_triangle_row(n, i) + chosen[c] - i];
      rows[i * width + c] = value;
      norms[c] += value * value;
    }
    norms[c] = sqrt(norms[c]);
    rows[(n + c) * width + c] = sqrt(damping) * norms[c];
  }
  for (int64_t i = 0; i < n; i++) rows[i * width + count] = rhs[i];
  neurlp_triangle_append(width, packed, n + (damping > 0 ? count : 0), rows);
}

/* Whether column c of the refactored triangle is determined by the rows. */
static bool determined(int64_t width, const double *packed, const double *norms, int64_t c) {
  return fabs(packed[neurlp_triangle_row(width, c)]) > DEPENDENT * norms[c] && norms[c] > 0;
}

static void back_substitute(int64_t count, const double *packed, const double *norms, double *x) {
  const int64_t width = count + 1;
  for (int64_t i = count - 1; i >= 0; i--) {
    const double *row = packed + neurlp_triangle_row(width, i) - i;
    double sum = row[count];
    for (int64_t c = i + 1; c < count; c++) sum -= row[c] * x[c];
    x[i] = determined(width, packed, norms, i) ? sum / row[i] : 0;
  }
}

int64_t neurlp_triangle_step_workspace(int64_t parameters) {
  const int64_t width = parameters + 1;
  return neurlp_triangle_count(width) + (2 * parameters + 1) * width + 4 * width;
}

/* The part of the workspace that each helper uses. */
typedef struct step_workspace {
  double *packed, *rows, *norms, *x, *rhs;
  int64_t *chosen;
} step_workspace;

static step_workspace split_workspace(int64_t parameters, double *workspace) {
  const int64_t width = parameters + 1;
  step_workspace w = {.packed = workspace};
  w.rows = w.packed + neurlp_triangle_count(width);
  w.norms = w.rows + (2 * parameters + 1) * width;
  w.x = w.norms + width;
  w.rhs = w.x + width;
  w.chosen = (int64_t *)(void *)(w.rhs + width);
  return w;
}

/* y - R step, where the step is what has been fixed so far; returns its squared norm. */
static double residual_of(int64_t parameters, const double *triangle, const double *step, double *rhs) {
  const int64_t n = parameters + 1;
  double squared = 0;
  for (int64_t i = 0; i < n; i++) {
    const double *row = triangle + neurlp_triangle_row(n, i) - i;
    rhs[i] = row[parameters];
    for (int64_t c = i; c < parameters; c++) rhs[i] -= row[c] * step[c];
    squared += rhs[i] * rhs[i];
  }
  return squared;
}

double neurlp_triangle_step(int64_t parameters, const double *triangle, const bool *free, double damping,
                            const double *lower, const double *upper, double *step, double *workspace) {
  const step_workspace w = split_workspace(parameters, workspace);
  int64_t count = 0;
  for (int64_t p = 0; p < parameters; p++) {
    step[p] = 0;
    if (free[p]) w.chosen[count++] = p;
  }
  const double before = residual_of(parameters, triangle, step, w.rhs);
  while (count >
         0) { /* each round moves those that would leave their bounds onto them, and solves for the rest */
    refactor(parameters, triangle, count, w.chosen, w.rhs, damping, w.norms, w.packed, w.rows);
    back_substitute(count, w.packed, w.norms, w.x);
    int64_t kept = 0;
    for (int64_t c = 0; c < count; c++) {
      const int64_t p = w.chosen[c];
      if (lower && w.x[c] < lower[p])
        step[p] = lower[p];
      else if (upper && w.x[c] > upper[p])
        step[p] = upper[p];
      else {
        w.x[kept] = w.x[c];
        w.chosen[kept++] = p;
      }
    }
    if (kept == count) {
      for (int64_t c = 0; c < count; c++) step[w.chosen[c]] = w.x[c];
      break;
    }
    count = kept;
    residual_of(parameters, triangle, step, w.rhs);
  }
  return before - residual_of(parameters, triangle, step, w.rhs);
}

void neurlp_triangle_covariance(int64_t parameters, const double *triangle, const bool *free,
                                double *covariance, double *workspace) {
  const step_workspace w = split_workspace(parameters, workspace);
  int64_t count = 0;
  for (int64_t p = 0; p < parameters; p++)
    if (free[p]) w.chosen[count++] = p;
  memset(covariance, 0, (size_t)(parameters * parameters) * sizeof *covariance);
  if (count == 0) return;
  memset(w.rhs, 0, (size_t)(parameters + 1) * sizeof *w.rhs);
  refactor(parameters, triangle, count, w.chosen, w.rhs, 0, w.norms, w.packed, w.rows);
  const int64_t width = count + 1;
  double *inverse =
      w.rows; /* R^-1, upper triangular, [count][count]; column c is zero where c is not determined */
  memset(inverse, 0, (size_t)(count * count) * sizeof *inverse);
  for (int64_t c = 0; c < count; c++) {
    if (!determined(width, w.packed, w.norms, c)) continue;
    for (int64_t i = c; i >= 0; i--) {
      const double *row = w.packed + neurlp_triangle_row(width, i) - i;
      double sum = i == c ? 1 : 0;
      for (int64_t j = i + 1; j <= c; j++) sum -= row[j] * inverse[j * count + c];
      inverse[i * count + c] = determined(width, w.packed, w.norms, i) ? sum / row[i] : 0;
    }
  }
  for (int64_t a = 0; a < count; a++)
    for (int64_t b = 0; b <= a; b++) {
      double sum = 0;
      for (int64_t c = a; c < count; c++) sum += inverse[a * count + c] * inverse[b * count + c];
      if (a == b && !determined(width, w.packed, w.norms, a)) sum = INFINITY;
      covariance[w.chosen[a] * parameters + w.chosen[b]] = sum;
      covariance[w.chosen[b] * parameters + w.chosen[a]] = sum;
    }
}
