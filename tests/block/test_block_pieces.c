/* Few, long systems, swept whole or in pieces of time that are joined, against the dense oracle: solution,
 * tangent and gradients, with the bounds of compare.h. Pieces of the least size, of sizes that divide the
 * intervals and that do not, of all intervals, of all but a rest of one, larger than the whole, and what the
 * library chooses by itself. Kept factors of long systems, too, which no product serves.
 *
 * NEURLP_ISA chooses the instruction set; a machine that lacks it skips the test. NEURLP_TEST_BACKEND chooses
 * the backend.
 * usage: test_block_pieces [CASE]   all cases, or one */
#include "block/compare.h"
#include "block/cpu/kernels.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

typedef struct test_task {
  const char *name;
  bool taylor, soft, prepared;
  neurlp_shape shape;
  int32_t kappa;
  double step;
} test_task;

#define SHARED_LEFT .coefficients_sharing = NEURLP_SHARED, .steps_sharing = NEURLP_SHARED_CONSTANT

#define SHAPE(S, T, D, d, E, K, J, R)                                                                        \
  .systems = S, .steps = T, .dimensions = D, .order = d, .equations = E, .initial_steps = K,                 \
  .initial_derivatives = J, .columns = R

static const test_task tasks[] = {
    {"hermite", false, false, false, {SHAPE(3, 200, 1, 2, 1, 1, 1, 1)}, 1, 0.05},
    {"hermite, soft", false, true, false, {SHAPE(2, 121, 1, 1, 1, 1, 1, 1)}, 1, 0.1},
    {"hermite, kappa 2",
     false,
     false,
     false,
     {SHAPE(2, 160, 1, 3, 1, 1, 2, 1), .steps_per_dimension = true},
     2,
     0.1},
    {"hermite, order 6", false, false, false, {SHAPE(1, 40, 1, 6, 1, 1, 2, 1)}, 2, 0.1},
    {"hermite, two dimensions",
     false,
     true,
     false,
     {SHAPE(2, 48, 2, 2, 2, 2, 2, 3), .steps_per_dimension = true},
     1,
     0.1},
    {"taylor", true, false, false, {SHAPE(2, 100, 1, 2, 1, 1, 1, 1)}, 1, 0.1},
    {"taylor, soft", true, true, false, {SHAPE(2, 64, 1, 3, 1, 1, 2, 2)}, 2, 0.2},
    {"two-point", false, false, false, {SHAPE(2, 150, 1, 2, 1, 1, 1, 1), .final_derivatives = 1}, 2, 0.02},
    {"two-point, soft", true, true, false, {SHAPE(2, 50, 2, 1, 2, 1, 1, 1), .final_derivatives = 2}, 1, 0.1},
    {"two-point, two dimensions",
     false,
     false,
     false,
     {SHAPE(3, 60, 2, 3, 2, 1, 2, 3), .final_derivatives = 2, .values_sharing = NEURLP_SHARED},
     2,
     0.1},
    {"two-point, soft, single",
     false,
     true,
     false,
     {SHAPE(3, 70, 1, 2, 1, 1, 1, 1), .final_derivatives = 1, .precision = NEURLP_SINGLE,
      .values_sharing = NEURLP_SHARED},
     1,
     0.1},
    {"two-point, all of the end",
     false,
     false,
     false,
     {SHAPE(2, 50, 1, 2, 1, 0, 0, 2), .final_derivatives = 3},
     1,
     0.1},
    {"one value only, in the end",
     false,
     false,
     false,
     {SHAPE(2, 90, 1, 2, 1, 0, 0, 1), .final_derivatives = 1},
     1,
     0.1},
    {"shared",
     false,
     false,
     false,
     {SHAPE(3, 70, 1, 2, 1, 1, 1, 1), .rhs_sharing = NEURLP_CONSTANT, .values_sharing = NEURLP_SHARED,
      SHARED_LEFT},
     1,
     0.1},
    {"single", false, true, false, {SHAPE(3, 60, 1, 2, 1, 1, 1, 1), .precision = NEURLP_SINGLE}, 1, 0.1},
    {"mixed", false, false, false, {SHAPE(3, 60, 1, 2, 1, 1, 1, 1), .precision = NEURLP_MIXED}, 1, 0.1},
    {"kept factor", false, false, true, {SHAPE(3, 200, 1, 2, 1, 1, 1, 1), SHARED_LEFT}, 1, 0.05},
    {"kept factor, two-point",
     false,
     true,
     true,
     {SHAPE(3, 100, 1, 2, 1, 1, 1, 2), .final_derivatives = 1, SHARED_LEFT},
     2,
     0.1},
    {"kept factor, single",
     true,
     true,
     true,
     {SHAPE(3, 40, 1, 2, 1, 1, 1, 1), .precision = NEURLP_SINGLE, SHARED_LEFT},
     1,
     0.1}};

enum { TASKS = sizeof tasks / sizeof *tasks, SIZES = 10 };

static test_case case_of(const test_task *task) {
  test_case drawn = {.shape = task->shape, .prepared = task->prepared};
  drawn.formulation = task->taylor ? neurlp_formulation_smnn() : neurlp_formulation_default();
  drawn.formulation.initial = task->soft ? NEURLP_INITIAL_SOFT : NEURLP_INITIAL_HARD;
  drawn.formulation.nominal_step = task->step;
  drawn.formulation.leading_derivative = task->kappa;
  return drawn;
}

/* Whether a task is one of those that are cut: with final values by the CPU alone. */
static bool is_cut(const test_case *drawn) {
  const bool one_factor = drawn->shape.coefficients_sharing & drawn->shape.steps_sharing & NEURLP_SHARED;
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  const bool cpu = !backend || strncmp(backend, "cpu", 3) == 0;
  return !one_factor && (cpu || drawn->shape.final_derivatives == 0) &&
         drawn->shape.precision != NEURLP_MIXED;
}

/* Rounding shows whether time has been cut. */
static void check_cut(const test_batch *batch, const test_case *drawn, const double *whole,
                      int32_t intervals) {
  const size_t bytes = (size_t)(batch->systems * batch->size_solution) * sizeof(double);
  char what[60];
  snprintf(what, sizeof what, "pieces of %d, whether rounding differs", intervals);
  check_equal(what, memcmp(batch->solution, whole, bytes) != 0,
              is_cut(drawn) && intervals > 0 &&
                  intervals <= drawn->shape.steps - 1 - drawn->shape.initial_steps);
}

/* The solution of systems that are swept whole. */
static double *solve_whole(test_batch *batch) {
  const size_t bytes = (size_t)(batch->systems * batch->size_solution) * sizeof(double);
  double *whole = malloc(bytes);
  batch->shape.piece_intervals = batch->shape.steps;
  batch_run(batch, 1, 0);
  memcpy(whole, batch->solution, bytes);
  return whole;
}

static void run_task(ratio_table *ratios, int32_t index) {
  const test_case drawn = case_of(&tasks[index]);
  const int32_t wanted = BATCH_ADJOINT | BATCH_TANGENT, T = drawn.shape.steps;
  const int32_t sizes[SIZES] = {0, 1, 2, 3, 7, 16, (T - 1) / 2, T - 2, T - 1, 10 * T};
  const uint64_t seed = 7000 + (uint64_t)index;
  test_batch batch;
  batch_open(&batch, &drawn, seed);
  dense_system *dense = compare_open(&batch);
  double *whole = solve_whole(&batch);
  for (int32_t i = 0; i < SIZES; i++) {
    int64_t failed = 0;
    batch.shape.piece_intervals = sizes[i];
    batch.shape.keep_factors = i % 2 == 1;
    const neurlp_status status = batch_run(&batch, 2, wanted);
    for (int64_t s = 0; s < batch.systems; s++) failed += batch.status[s] != NEURLP_SUCCESS;
    if (status < 0) {
      printf("case %d, pieces of %d: ", index, sizes[i]);
      batch_print(&batch, seed);
      check_equal("status of the call", status, failed ? NEURLP_SOME_FAILED : NEURLP_SUCCESS);
    } else
      compare_batch(ratios, &batch, dense, (uint64_t)index, wanted);
    check_cut(&batch, &drawn, whole, sizes[i]);
  }
  free(whole);
  compare_close(dense, batch.shape.systems);
  batch_close(&batch);
}

/* The ratios of one task beside each other; the verdict is on all. */
static void report(const test_task *task, const ratio_table *ratios) {
  char what[100];
  printf("     %-28s T %3d, condition %.0e:", task->name, task->shape.steps, ratios->condition);
  for (int32_t i = 0; i < QUANTITIES; i++) printf(" %.0e", ratios->worst[i]);
  printf(", %lld runs of systems compared, %lld not\n", (long long)ratios->compared,
         (long long)(ratios->left_out + ratios->not_converged));
  double worst = 0;
  for (int32_t i = 0; i < QUANTITIES; i++) worst = worse(worst, ratios->worst[i]);
  snprintf(what, sizeof what, "%s, error over bound, all quantities", task->name);
  check_below(what, worst, 1.0);
  snprintf(what, sizeof what, "%s, systems that failed and should not", task->name);
  check_equal(what, ratios->wrong_status, 0);
  snprintf(what, sizeof what, "%s, systems that are compared", task->name);
  check_above(what, (double)ratios->compared, 1);
}

/* Exit status that CTest takes for "skipped". */
enum { SKIPPED = 77 };

int main(int argc, char **argv) {
  const int32_t only = argc > 1 ? (int32_t)strtol(argv[1], NULL, 10) : -1;
  if (!neurlp_kernels_choose(NEURLP_DOUBLE)) {
    printf("skipped: this machine or this build has no %s\n", getenv("NEURLP_ISA"));
    return SKIPPED;
  }
  printf("     columns: gradients of coefficients, rhs, initial values, final values, steps; solution; "
         "tangent\n");
  for (int32_t i = 0; i < TASKS; i++) {
    ratio_table ratios = {0};
    if (only >= 0 && only != i) continue;
    run_task(&ratios, i);
    report(&tasks[i], &ratios);
  }
  return check_verdict();
}
