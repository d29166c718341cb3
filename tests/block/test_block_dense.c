/* Random batches against the dense oracle: solutions, tangents and all gradients, with bounds from the
 * arithmetic (compare.h): hermite, taylor, central, slack and periodic rows, values at both ends, shared
 * inputs, single and mixed precision, pieces, kept factors.
 *
 * NEURLP_ISA chooses the instruction set; a machine that lacks it skips the test. NEURLP_TEST_BACKEND chooses
 * the backend.
 * usage: test_block_dense [SEED]   all cases, or one */
#include "block/compare.h"
#include "block/cpu/kernels.h"
#include "support/check.h"

#include <stdlib.h>

enum { CASES = 600 };

/* Every other case with a kept factor wants no gradient of what it holds, which is then a product. */
static void run_case(ratio_table *ratios, uint64_t seed, bool show) {
  const test_case drawn = batch_random(seed);
  const int32_t wanted = BATCH_ADJOINT | BATCH_TANGENT;
  test_batch batch;
  batch_open(&batch, &drawn, seed);
  if (batch.prepared && seed % 2) batch.arrays[COEFFICIENTS].unwanted = batch.arrays[STEPS].unwanted = true;
  const neurlp_status status = batch_run(&batch, 2, wanted);
  int64_t failed = 0;
  for (int64_t s = 0; s < batch.systems; s++) failed += batch.status[s] != NEURLP_SUCCESS;
  const bool agrees = status == (failed ? NEURLP_SOME_FAILED : NEURLP_SUCCESS);
  if (show || !agrees) batch_print(&batch, seed);
  if (!agrees) check_equal("status of the call", status, failed ? NEURLP_SOME_FAILED : NEURLP_SUCCESS);
  if (status >= 0) {
    dense_system *dense = compare_open(&batch);
    compare_batch(ratios, &batch, dense, seed, wanted);
    compare_close(dense, batch.shape.systems);
  }
  batch_close(&batch);
}

/* Exit status that CTest takes for "skipped". */
enum { SKIPPED = 77 };

int main(int argc, char **argv) {
  ratio_table ratios = {0};
  if (!neurlp_kernels_choose(NEURLP_DOUBLE)) {
    printf("skipped: this machine or this build has no %s\n", getenv("NEURLP_ISA"));
    return SKIPPED;
  }
  if (argc > 1)
    run_case(&ratios, strtoull(argv[1], NULL, 10), true);
  else
    for (uint64_t seed = 1; seed <= CASES; seed++) run_case(&ratios, seed, false);
  printf("largest condition number %.1e\n", ratios.condition);
  printf("%lld systems compared, %lld not: %lld ill-conditioned for single precision, %lld not converged\n",
         (long long)ratios.compared, (long long)(ratios.left_out + ratios.not_converged),
         (long long)ratios.left_out, (long long)ratios.not_converged);
  check_equal("systems that failed and should not", ratios.wrong_status, 0);
  check_above("share of systems that are compared",
              (double)ratios.compared / (double)(ratios.compared + ratios.left_out + ratios.not_converged),
              argc > 1 ? 0 : 0.9);
  for (int32_t i = 0; i < QUANTITIES; i++) {
    char what[80];
    snprintf(what, sizeof what, "%s, error over bound, worst at seed %llu", compare_name(i),
             (unsigned long long)ratios.seed[i]);
    check_below(what, ratios.worst[i], 1.0);
  }
  return check_verdict();
}
