#include "block/tree.h"

#include "block/sweep/merge.h"

int64_t neurlp_tree_node(int64_t pieces, int32_t levels, int64_t i) {
  int64_t first = 0, end = pieces;
  if (i == (int64_t)1 << levels) return pieces;
  for (int32_t level = levels - 1; level >= 0; level--) {
    const int64_t middle = neurlp_tree_middle(first, end);
    if (i >> level & 1)
      first = middle;
    else
      end = middle;
  }
  return first;
}

int64_t neurlp_tree_kept_numbers(neurlp_end_layout layout) {
  return merge_kept_numbers(layout);
}

int64_t neurlp_tree_work_numbers(neurlp_end_layout layout) {
  return merge_work_numbers(layout);
}

static neurlp_tree_run run_of(const neurlp_tree *tree, int64_t piece) {
  if (piece == 0) return (neurlp_tree_run){tree->head, tree->head_status};
  return (neurlp_tree_run){tree->ends + (piece - tree->first) * tree->layout.numbers,
                           tree->status + (piece - tree->first)};
}

static double *kept_of(const neurlp_tree *tree, int64_t middle) {
  return tree->kept + (middle - tree->first) * merge_kept_numbers(tree->layout);
}

static double *joint_of(const neurlp_tree *tree, int64_t piece) {
  return tree->joints + (piece - tree->first_joint) * tree->layout.unknowns * tree->layout.columns;
}

void neurlp_tree_merge(const neurlp_tree *tree, neurlp_tree_run run, neurlp_tree_run next, double *kept,
                       double *work) {
  chain c = merge_chain(tree->layout, tree->epsilon, work);
  merge_next(&c, run.record, next.record, tree->normal, kept);
  if (*run.status == NEURLP_SUCCESS) *run.status = *next.status;
  if (*run.status == NEURLP_SUCCESS) *run.status = c.status;
}

void neurlp_tree_gather(const neurlp_tree *tree, int64_t first, int64_t end, int32_t levels, double *work) {
  if (levels == 0 || end - first < 2) return;
  const int64_t middle = neurlp_tree_middle(first, end);
  neurlp_tree_gather(tree, first, middle, levels - 1, work);
  neurlp_tree_gather(tree, middle, end, levels - 1, work);
  neurlp_tree_merge(tree, run_of(tree, first), run_of(tree, middle), kept_of(tree, middle), work);
}

/* Row i of the triangle of a record's last step, less what other unknowns of that step take, over its pivot:
 * R x = y, or R^T q = source. */
static void solve_row(const neurlp_tree *tree, const double *record, int64_t i, bool transposed, double *x) {
  const int64_t n = tree->layout.unknowns, R = tree->layout.columns, row = tree->layout.last_row;
  for (int64_t r = 0; r < R; r++) {
    double sum = x[i * R + r];
    for (int64_t j = transposed ? 0 : i + 1; j < (transposed ? i : n); j++)
      sum -= record[transposed ? j * row + i : i * row + j] * x[j * R + r];
    x[i * R + r] = sum / record[i * row + i];
  }
}

/* Tests the pivots by the measure of joints: rows of the record as if they were a joint's that is done. */
static neurlp_status test_root(const neurlp_tree *tree, const double *record, double *work) {
  const int64_t n = tree->layout.unknowns;
  chain c = merge_chain(tree->layout, tree->epsilon, work);
  for (int64_t i = 0; i < n; i++)
    memcpy(work + i * c.row, record + i * tree->layout.last_row, (size_t)n * sizeof(double));
  chain_test_pivots(&c, work, record, NULL);
  return c.status;
}

neurlp_tree_given neurlp_tree_given_of(const neurlp_problem *problem, const double *values,
                                       double *gradients) {
  return (neurlp_tree_given){.derivatives = problem->derivatives,
                             .count = problem->final,
                             .hard = problem->hard,
                             .weight = problem->formulation.weight_initial,
                             .scale = problem->scale,
                             .inverse_scale = problem->inverse_scale,
                             .values = values,
                             .gradients = gradients};
}

/* The last step's columns, those that are known last. */
typedef struct given_root {
  const neurlp_tree *tree;
  const neurlp_tree_given *given;
  const double *record;
  chain c;                  /* rows [rows][n][R]: the record's, then those of soft values */
  int64_t n, R, free, rows; /* columns that are not known */
} given_root;

static bool is_given(const neurlp_tree_given *g, int64_t column) {
  return column % g->derivatives < g->count;
}

/* Place of a given column among values. */
static int64_t value_place(const given_root *w, int64_t column, int64_t r) {
  const int64_t k = column / w->given->derivatives, j = column % w->given->derivatives;
  return (k * w->given->count + j) * w->R + r;
}

/* The value that is given, in scaled unknowns. */
static double given_value(const given_root *w, int64_t column, int64_t r) {
  const neurlp_tree_given *g = w->given;
  return g->values ? g->values[value_place(w, column, r)] * g->scale[column % g->derivatives] : 0;
}

/* Where a column stands. */
static int64_t column_place(const given_root *w, int64_t column) {
  const neurlp_tree_given *g = w->given;
  const int64_t k = column / g->derivatives, j = column % g->derivatives;
  if (!g->hard) return column;
  return j < g->count ? w->free + k * g->count + j : k * (g->derivatives - g->count) + j - g->count;
}

static given_root open_given(const neurlp_tree *tree, const double *record, double *work) {
  const neurlp_tree_given *g = tree->given;
  const int64_t n = tree->layout.unknowns, given = n / g->derivatives * g->count;
  given_root w = {.tree = tree,
                  .given = g,
                  .record = record,
                  .c = merge_chain(tree->layout, tree->epsilon, work),
                  .n = n,
                  .R = tree->layout.columns,
                  .free = g->hard ? n - given : n,
                  .rows = g->hard ? n : n + given};
  w.c.row = n + w.R;
  return w;
}

/* The rows, right-hand sides less what is known. A normal equation's record has sources in their place, which
 * are put in later. */
static void fill_given(const given_root *w) {
  const neurlp_tree_given *g = w->given;
  const int64_t n = w->n, R = w->R, width = w->c.row;
  double *soft = w->c.work + n * width;
  memset(w->c.work, 0, (size_t)(w->rows * width) * sizeof(double));
  for (int64_t i = 0; i < n; i++) {
    const double *from = w->record + i * w->tree->layout.last_row;
    double *row = w->c.work + i * width;
    for (int64_t r = 0; r < R; r++) row[n + r] = w->tree->normal ? 0 : from[2 * n + r];
    for (int64_t j = i; j < n; j++) {
      row[column_place(w, j)] = from[j];
      for (int64_t r = 0; r < R && g->hard && is_given(g, j); r++)
        row[n + r] -= from[j] * given_value(w, j, r);
    }
  }
  for (int64_t j = 0; j < n && !g->hard; j++) {
    const double weight = g->weight * g->inverse_scale[j % g->derivatives];
    if (!is_given(g, j)) continue;
    soft[j] = weight;
    for (int64_t r = 0; r < R; r++) soft[n + r] = weight * given_value(w, j, r);
    soft += width;
  }
}

/* By the measure of joints, of the columns of all rows of A behind this. */
static void test_given(given_root *w) {
  const neurlp_tree_given *g = w->given;
  for (int64_t j = 0; j < w->n && w->c.status == NEURLP_SUCCESS; j++) {
    const int64_t q = column_place(w, j);
    double square = chain_column_square(&w->c, w->record, NULL, j);
    if (q >= w->free) continue;
    if (!g->hard && is_given(g, j)) square += pow(g->weight * g->inverse_scale[j % g->derivatives], 2);
    const double pivot = w->c.work[q * w->c.row + q];
    if (!isfinite(pivot) || !isfinite(square))
      w->c.status = NEURLP_NOT_FINITE;
    else if (!(pivot * pivot > w->c.tolerance * w->c.tolerance * square))
      w->c.status = NEURLP_SINGULAR;
  }
}

/* q = R^-T source is added to right-hand sides, [n][R] of x being room for the sources. */
static void add_sources(const given_root *w, double *x) {
  const int64_t n = w->n, R = w->R, width = w->c.row;
  for (int64_t j = 0; j < n; j++)
    memcpy(x + column_place(w, j) * R, w->record + j * w->tree->layout.last_row + 2 * n,
           (size_t)R * sizeof(double));
  for (int64_t i = 0; i < w->free; i++) {
    double *row = w->c.work + i * width;
    for (int64_t r = 0; r < R; r++) {
      const double q = x[i * R + r] / row[i];
      for (int64_t j = i + 1; j < w->free; j++) x[j * R + r] -= row[j] * q;
      row[n + r] += q;
    }
  }
}

/* R x = y in the places of right-hand sides, then each column to where it belongs. */
static void back_given(const given_root *w, double *x) {
  const int64_t n = w->n, R = w->R, width = w->c.row;
  for (int64_t i = w->free - 1; i >= 0; i--) {
    double *row = w->c.work + i * width;
    for (int64_t r = n; r < n + R; r++) {
      for (int64_t j = i + 1; j < w->free; j++) row[r] -= row[j] * w->c.work[j * width + r];
      row[r] /= row[i];
    }
  }
  for (int64_t j = 0; j < n; j++)
    for (int64_t r = 0; r < R; r++) {
      const int64_t q = column_place(w, j);
      x[j * R + r] = q < w->free ? w->c.work[q * width + n + r] : given_value(w, j, r);
    }
}

/* docs/math.md, equation 14, where what is left of the loss's gradient and of A^T A lambda at the last step
 * is in the record; equation 15 where values are soft. */
static void write_given_gradients(const given_root *w, const double *lambda) {
  const neurlp_tree_given *g = w->given;
  const int64_t n = w->n, R = w->R, last_row = w->tree->layout.last_row;
  for (int64_t c = 0; c < n; c++) {
    const int64_t d = c % g->derivatives;
    for (int64_t r = 0; r < R && is_given(g, c); r++) {
      double gradient = w->record[c * last_row + 2 * n + r];
      for (int64_t i = 0; i <= c; i++) {
        double image = 0;
        for (int64_t j = i; j < n; j++) image += w->record[i * last_row + j] * lambda[j * R + r];
        gradient -= w->record[i * last_row + c] * image;
      }
      g->gradients[value_place(w, c, r)] =
          g->hard ? gradient * g->scale[d] : lambda[c * R + r] * g->inverse_scale[d] * g->weight * g->weight;
    }
  }
}

static neurlp_status all_finite(int64_t count, const double *x) {
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(x[i])) return NEURLP_NOT_FINITE;
  return NEURLP_SUCCESS;
}

/* Where values are given at the end: the least-squares problem of the last step's columns that are not known.
 */
static neurlp_status root_given(const neurlp_tree *tree, const double *record, double *work, double *x) {
  given_root w = open_given(tree, record, work);
  fill_given(&w);
  for (int64_t q = 0; q < w.free; q++) chain_reflect(&w.c, q, q + 1, w.rows, q, w.c.row);
  test_given(&w);
  if (w.c.status != NEURLP_SUCCESS) return w.c.status;
  if (tree->normal) add_sources(&w, x);
  back_given(&w, x);
  if (tree->normal && w.given->gradients) write_given_gradients(&w, x);
  return all_finite(w.n * w.R, x);
}

neurlp_status neurlp_tree_root(const neurlp_tree *tree, const double *record, double *work, double *x) {
  if (tree->given) return root_given(tree, record, work, x);
  const int64_t n = tree->layout.unknowns, R = tree->layout.columns;
  const neurlp_status status = test_root(tree, record, work);
  if (status != NEURLP_SUCCESS) return status;
  for (int64_t i = 0; i < n; i++)
    memcpy(x + i * R, record + i * tree->layout.last_row + 2 * n, (size_t)R * sizeof(double));
  for (int64_t i = 0; i < n && tree->normal; i++) solve_row(tree, record, i, true, x);
  for (int64_t i = n - 1; i >= 0; i--) solve_row(tree, record, i, false, x);
  return all_finite(n * R, x);
}

void neurlp_tree_between(const neurlp_tree *tree, const double *kept, const double *before, const double *end,
                         double *x) {
  merge_solve(tree->layout, kept, end, before, x);
}

void neurlp_tree_spread(const neurlp_tree *tree, int64_t first, int64_t end, int32_t levels,
                        const double *before) {
  if (levels == 0 || end - first < 2) return;
  const int64_t middle = neurlp_tree_middle(first, end);
  double *x = joint_of(tree, middle - 1);
  neurlp_tree_between(tree, kept_of(tree, middle), before, joint_of(tree, end - 1), x);
  neurlp_tree_spread(tree, first, middle, levels - 1, before);
  neurlp_tree_spread(tree, middle, end, levels - 1, x);
}

void neurlp_tree_add(bool single, int64_t count, void *total, const void *part) {
  for (int64_t i = 0; i < count; i++)
    if (single)
      ((float *)total)[i] += ((const float *)part)[i];
    else
      ((double *)total)[i] += ((const double *)part)[i];
}

static unsigned char *part_of(const neurlp_tree_parts *parts, int64_t piece) {
  const size_t bytes = (size_t)parts->stride * (parts->single ? sizeof(float) : sizeof(double));
  return piece == 0 ? (unsigned char *)parts->head
                    : (unsigned char *)parts->parts + (size_t)(piece - parts->first) * bytes;
}

void neurlp_tree_sum(const neurlp_tree_parts *parts, int64_t first, int64_t end) {
  if (end - first < 2) return;
  const int64_t middle = neurlp_tree_middle(first, end);
  neurlp_tree_sum(parts, first, middle);
  neurlp_tree_sum(parts, middle, end);
  neurlp_tree_add(parts->single, parts->count, part_of(parts, first), part_of(parts, middle));
}
