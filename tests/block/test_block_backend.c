/* Backends: found by name; and cpu:check gives the numbers of cpu to the last bit. */
#include "block/backend.h"
#include "block/batch.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- names ------------------------------------------------------------------------------------------- */

static void check_message(const neurlp_context *context, const char *word) {
  char what[128];
  snprintf(what, sizeof what, "the message says '%s'", word);
  check_true(what, strstr(neurlp_context_message(context), word) != NULL);
}

/* Known to every build. One that has it takes the name on a machine without a GPU, too. */
static void check_cuda_name(neurlp_context *context) {
  const neurlp_status status = neurlp_context_set_backend(context, "cuda");
#ifdef NEURLP_HAVE_CUDA
  check_equal("cuda", status, NEURLP_SUCCESS);
  check_true("find cuda", neurlp_backend_find("cuda") == neurlp_backend_cuda());
  check_equal("back to cpu:check", neurlp_context_set_backend(context, "cpu:check"), NEURLP_SUCCESS);
#else
  check_equal("cuda", status, NEURLP_ERROR_ARGUMENT);
  check_message(context, "cuda: this build has none; configure with -DNEURLP_CUDA=ON");
  check_true("cuda is not found", !neurlp_backend_find("cuda"));
#endif
}

static void check_names(neurlp_context *context) {
  check_true("the default is cpu", strcmp(neurlp_context_backend(context), "cpu") == 0);
  check_equal("cpu:check", neurlp_context_set_backend(context, "cpu:check"), NEURLP_SUCCESS);
  check_cuda_name(context);
  check_equal("abacus", neurlp_context_set_backend(context, "abacus"), NEURLP_ERROR_ARGUMENT);
  check_message(context, "abacus");
  check_message(context, "cpu, cpu:check, cuda");
  check_true("the backend stays", strcmp(neurlp_context_backend(context), "cpu:check") == 0);
  check_equal("cpu", neurlp_context_set_backend(context, "cpu"), NEURLP_SUCCESS);
  check_true("find cpu", neurlp_backend_find("cpu") == neurlp_backend_cpu());
  check_true("find cpu:check", neurlp_backend_find("cpu:check") == neurlp_backend_cpu_check());
  check_true("find abacus", !neurlp_backend_find("abacus"));
}

/* ---- the same numbers -------------------------------------------------------------------------------- */

/* Whether a solver holds the bytes that were announced. */
static bool bytes_as_announced(const test_batch *batch, const char *backend) {
  neurlp_context *context = NULL;
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  size_t held = 0, announced = 1;
  neurlp_status status = neurlp_context_create(2, &context);
  if (status == 0) status = neurlp_context_set_backend(context, backend);
  if (status == 0) status = neurlp_problem_create(context, &batch->shape, &batch->formulation, &problem);
  if (status == 0) {
    const size_t before = neurlp_context_memory(context).current_bytes;
    status = neurlp_solver_create(context, problem, &solver);
    held = neurlp_context_memory(context).current_bytes - before;
    announced = neurlp_solver_workspace_bytes(context, problem);
  }
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  neurlp_context_destroy(&context);
  return status == 0 && held == announced;
}

/* Random batches, every third with a system that fails, every other with fewer systems than the problem has.
 * batch_run compares all bits of cpu:check with those of cpu. */
static void check_same_numbers(void) {
  int64_t wrong = 0, failed = 0, ragged = 0, wrong_bytes = 0;
  setenv("NEURLP_TEST_BACKEND", "cpu:check", 1);
  for (uint64_t seed = 0; seed < 400; seed += 5) {
    const test_case drawn = batch_random(seed);
    test_batch batch;
    batch_open(&batch, &drawn, seed);
    if (seed % 2) batch.systems = (batch.shape.systems + 1) / 2;
    test_array *steps = &batch.arrays[STEPS];
    if (seed % 3 == 0)
      steps->numbers[batch_place(steps, steps->systems > 1 ? batch.systems - 1 : 0, 0, 0)] =
          seed % 2 ? -1 : NAN;
    const neurlp_status status = batch_run(&batch, 2, BATCH_ADJOINT | BATCH_TANGENT);
    wrong += status < 0;
    failed += status > 0;
    ragged += drawn.ragged;
    wrong_bytes += !bytes_as_announced(&batch, "cpu") + !bytes_as_announced(&batch, "cpu:check");
    batch_close(&batch);
  }
  check_equal("calls that failed, or whose bits differ", wrong, 0);
  check_equal("solvers that hold other bytes than announced", wrong_bytes, 0);
  check_above("batches with a failed system", (double)failed, 20);
  check_above("ragged batches", (double)ragged, 10);
}

int main(void) {
  neurlp_context *context = NULL;
  check_equal("context", neurlp_context_create(2, &context), NEURLP_SUCCESS);
  check_names(context);
  check_same_numbers();
  neurlp_context_destroy(&context);
  return check_verdict();
}
