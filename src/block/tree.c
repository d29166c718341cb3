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

neurlp_status neurlp_tree_status(const neurlp_tree *tree, int64_t piece) {
  return *run_of(tree, piece).status;
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

neurlp_status neurlp_tree_root(const neurlp_tree *tree, const double *record, double *work, double *x) {
  const int64_t n = tree->layout.unknowns, R = tree->layout.columns;
  const neurlp_status status = test_root(tree, record, work);
  if (status != NEURLP_SUCCESS) return status;
  for (int64_t i = 0; i < n; i++)
    memcpy(x + i * R, record + i * tree->layout.last_row + 2 * n, (size_t)R * sizeof(double));
  for (int64_t i = 0; i < n && tree->normal; i++) solve_row(tree, record, i, true, x);
  for (int64_t i = n - 1; i >= 0; i--) solve_row(tree, record, i, false, x);
  bool finite = true;
  for (int64_t i = 0; i < n * R; i++) finite = finite && isfinite(x[i]);
  return finite ? NEURLP_SUCCESS : NEURLP_NOT_FINITE;
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
