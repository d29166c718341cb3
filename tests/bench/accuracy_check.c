/* That the errors of the table are errors of the methods. Runge-Kutta, which shares nothing with the block
 * but the equations, converges to the closed forms with order 4: so these belong to the equations. The block
 * converges to them at least as fast as docs/math.md, section 1, says for hermite rows, and in other
 * precisions it stays as near to the answer in double precision as rounding allows. */
#include "bench/accuracy_check.h"

#include "bench/accuracy_measure.h"
#include "support/check.h"

#include <float.h>

/* Two grids of the range where the methods converge, and how far an observed order may be from its limit:
 * terms of the next order are smaller by a factor of h |a|, at most 0.21 on these problems. Two halvings
 * apart, because the error of d = 2 has a part of order 4 and one of order 3 (from the top rows), and falls
 * more slowly for a while where the second takes over. */
static const double COARSE = 0.1, FINE = 0.025;
static const double SLACK = 0.3;

/* Errors below this are rounding, not the method's: N epsilon cond(A), with N and cond(A) some thousands. */
static const double ROUNDING = 1e-9;

static double observed(double coarse, double fine) {
  return log2(coarse / fine) / log2(COARSE / FINE);
}

static double block_error(neurlp_context *context, const linear_problem *problem, accuracy_rows rows,
                          int32_t d, neurlp_precision precision, double h) {
  const accuracy_method method = {rows, d, precision};
  double error = NAN;
  const neurlp_status status = accuracy_block(context, problem, &method, h, &error);
  if (status == NEURLP_SUCCESS) return error;
  printf("the block: %s: %s\n", neurlp_status_name(status), neurlp_context_message(context));
  return NAN;
}

static void check_runge_kutta(const linear_problem *problem) {
  char line[120];
  const double coarse = accuracy_runge_kutta(problem, COARSE), fine = accuracy_runge_kutta(problem, FINE);
  snprintf(line, sizeof line, "%s: order of Runge-Kutta, from below", problem->name);
  check_above(line, observed(coarse, fine), 4 - SLACK);
  snprintf(line, sizeof line, "%s: order of Runge-Kutta, from above", problem->name);
  check_below(line, observed(coarse, fine), 4 + SLACK);
}

/* Order d+2-kappa at least. */
static void check_hermite(neurlp_context *context, const linear_problem *problem, int32_t d) {
  char line[120];
  const double coarse = block_error(context, problem, ACCURACY_HERMITE, d, NEURLP_DOUBLE, COARSE);
  const double fine = block_error(context, problem, ACCURACY_HERMITE, d, NEURLP_DOUBLE, FINE);
  if (fine < ROUNDING) {
    snprintf(line, sizeof line, "%s: hermite, d = %d, at rounding on the fine grid", problem->name, d);
    check_below(line, fine, ROUNDING);
    return;
  }
  snprintf(line, sizeof line, "%s: order of hermite, d = %d", problem->name, d);
  check_above(line, observed(coarse, fine), d + 2 - problem->leading - SLACK);
}

/* From h = 0.1 to h = 0.01, as in the table. */
static void check_decrease(neurlp_context *context, const linear_problem *problem, accuracy_rows rows,
                           int32_t d, const char *name) {
  char line[120];
  const double coarse = block_error(context, problem, rows, d, NEURLP_DOUBLE, 0.1);
  snprintf(line, sizeof line, "%s: %s, d = %d, error at h = 0.01 and 0.1", problem->name, name, d);
  check_below(line, block_error(context, problem, rows, d, NEURLP_DOUBLE, 0.01), fmax(coarse, ROUNDING));
}

/* Of u' = -u with 101 points: |dx| <= unit cond(A) |x|. A column takes part in the reflections of two steps,
 * 2 n of them, each of which adds 4 epsilon at most: unit = 8 n epsilon. A unit change in one row moves the
 * answer by at most 1 / w_e = 10, a row is at most 4 long, and there are fewer than 625: cond(A) < 10 * 4 *
 * 25 = 1000. */
static void check_precision(neurlp_context *context, neurlp_precision precision, double epsilon,
                            const char *name) {
  const linear_problem problem = linear_problem_get(0);
  char line[120];
  for (int32_t d = 2; d <= 4; d++) {
    const double unit = 8 * (d + 1) * epsilon;
    const double right = block_error(context, &problem, ACCURACY_HERMITE, d, NEURLP_DOUBLE, 0.1);
    const double error = block_error(context, &problem, ACCURACY_HERMITE, d, precision, 0.1);
    snprintf(line, sizeof line, "%s: hermite, d = %d, %s precision and double", problem.name, d, name);
    check_below(line, fabs(error - right), 1000 * unit);
  }
}

int accuracy_check(void) {
  neurlp_context *context = NULL;
  if (neurlp_context_create(0, &context) != NEURLP_SUCCESS) return 1;
  for (int32_t i = 0; i < LINEAR_PROBLEMS; i++) {
    const linear_problem problem = linear_problem_get(i);
    check_runge_kutta(&problem);
    for (int32_t d = problem.leading; d <= 4; d++) check_hermite(context, &problem, d);
    for (int32_t d = problem.leading; d <= 3; d++)
      check_decrease(context, &problem, ACCURACY_HERMITE, d, "hermite");
    check_decrease(context, &problem, ACCURACY_SMNN, 3, "smnn");
  }
  check_precision(context, NEURLP_SINGLE, FLT_EPSILON, "single");
  check_precision(context, NEURLP_MIXED, DBL_EPSILON, "mixed");
  neurlp_context_destroy(&context);
  return check_verdict();
}
