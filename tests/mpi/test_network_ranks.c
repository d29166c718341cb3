/* Training on several ranks: the same parameters, bit for bit, as in one process with as many shards, whether
 * ranks have many shards, few, or none; and a rank that fails on its own stops all of them. */
#include "comm.h"
#include "learn/network_problem.h"
#include "reduce/reduce.h"

#include <mpi.h>

enum { SHARDS = 4 };

static neurlp_context *context;

static const problem_options plain = {.rate = 0.01,
                                      .noise = 0.05,
                                      .epochs = 6,
                                      .cycles = 2,
                                      .batch = 8,
                                      .shards = SHARDS,
                                      .threshold = 0.02,
                                      .validation = 0.2,
                                      .network = true};

/* Trains over the communicator; parameters and mask as they are then. */
static neurlp_status train(MPI_Comm comm, const problem_options *options,
                           neurlp_status (*report)(void *user, const neurlp_epoch *epoch), void *parameters,
                           double *mask, neurlp_training_result *result) {
  network_problem *p = problem_open(context, options);
  const neurlp_vectors host = neurlp_vectors_host(context);
  neurlp_vectors vectors;
  neurlp_reduce *gradients = NULL, *scalars = NULL;
  neurlp_reduce_spec spec = {.shards = SHARDS,
                             .count = neurlp_graph_parameter_count(p->model.graph),
                             .single = options->single,
                             .transport = NEURLP_TRANSPORT_DIRECT};
  problem_must(context, neurlp_vectors_of(context, &vectors));
  problem_must(context, neurlp_reduce_create(comm, context, &vectors, &spec, &gradients));
  spec.count = NEURLP_TRAINING_SCALARS;
  spec.single = false;
  problem_must(context, neurlp_reduce_create(comm, context, &host, &spec, &scalars));
  p->training.gradients = neurlp_reduce_table(gradients);
  p->training.scalars = neurlp_reduce_table(scalars);
  p->training.report = report;
  const neurlp_status status = neurlp_training_run(&p->training, p->mask, result);
  problem_must(context, neurlp_graph_get_parameters(p->model.graph, parameters));
  memcpy(mask, p->mask, sizeof p->mask);
  neurlp_reduce_destroy(&gradients);
  neurlp_reduce_destroy(&scalars);
  problem_close(p);
  return status;
}

/* The same in one process. */
static void train_alone(const problem_options *options, void *parameters, double *mask,
                        neurlp_training_result *result, size_t *bytes) {
  network_problem *p = problem_open(context, options);
  check_equal("alone", neurlp_training_run(&p->training, p->mask, result), NEURLP_SUCCESS);
  *bytes = (size_t)neurlp_graph_parameter_count(p->model.graph) * (options->single ? 4 : 8);
  problem_must(context, neurlp_graph_get_parameters(p->model.graph, parameters));
  memcpy(mask, p->mask, sizeof p->mask);
  problem_close(p);
}

static void check_same(const char *name, const problem_options *options) {
  static double mine[4096], alone[4096];
  double mask[PROBLEM_STATES * PROBLEM_TERMS], mask_alone[PROBLEM_STATES * PROBLEM_TERMS];
  neurlp_training_result result, result_alone;
  size_t bytes = 0;
  printf("%s\n", name);
  train_alone(options, alone, mask_alone, &result_alone, &bytes);
  check_below("bytes of parameters", (double)bytes, sizeof alone);
  check_equal("on all ranks", train(MPI_COMM_WORLD, options, NULL, mine, mask, &result), NEURLP_SUCCESS);
  check_true("parameters are the same, bit for bit", memcmp(mine, alone, bytes) == 0);
  check_true("terms that were dropped are the same", memcmp(mask, mask_alone, sizeof mask) == 0);
  check_true("losses and epochs are the same",
             memcmp(&result.training, &result_alone.training, sizeof result.training) == 0 &&
                 memcmp(&result.validation, &result_alone.validation, sizeof result.validation) == 0 &&
                 result.epochs == result_alone.epochs && result.dropped == result_alone.dropped);
}

/* ---- one rank fails ---------------------------------------------------------------------------------- */

static int rank, size, calls;

static neurlp_status fail_on_last_rank(void *user, const neurlp_epoch *epoch) {
  (void)user;
  (void)epoch;
  if (++calls < 2 || rank != size - 1) return NEURLP_SUCCESS;
  return neurlp_fail(context, NEURLP_ERROR_MEMORY, "the history has no room");
}

static void check_failure(const problem_options *options) {
  double parameters[4096], mask[PROBLEM_STATES * PROBLEM_TERMS];
  neurlp_training_result result;
  calls = 0;
  check_equal("a rank that fails in its report fails all of them",
              train(MPI_COMM_WORLD, options, fail_on_last_rank, parameters, mask, &result),
              NEURLP_ERROR_MEMORY);
  check_equal("in the same epoch", calls, 2);
  check_true("with its message", strstr(neurlp_context_message(context), "the history has no room"));
}

/* ---- one rank's GPU fails ---------------------------------------------------------------------------- */

static neurlp_accelerator whole; /* as it is */
static int64_t left;             /* calls that the last rank's GPU does before it fails, once */

static neurlp_status gone(void) {
  if (rank != size - 1 || left-- != 0) return NEURLP_SUCCESS;
  return neurlp_fail(context, NEURLP_ERROR_DEVICE, "the GPU has gone");
}

static neurlp_status fail_replay(void *object, void *recording) {
  const neurlp_status status = gone();
  return status < 0 ? status : whole.replay(object, recording);
}

static neurlp_status fail_update(void *object, neurlp_update_kind kind, neurlp_precision precision,
                                 int32_t count, const neurlp_update_call *updates) {
  const neurlp_status status = gone();
  return status < 0 ? status : whole.update(object, kind, precision, count, updates);
}

static neurlp_status fail_download(void *object, void *to, const void *from, size_t bytes) {
  const neurlp_status status = gone();
  return status < 0 ? status : whole.download(object, to, from, bytes);
}

/* Between two sums over ranks, where the others do not see it: they learn of it from the next one, or at the
 * end. First in none, then in the first, the fourth and the last of all calls of a training. */
static void check_lost(const char *name, const problem_options *options) {
  enum { MANY = 1 << 30 };
  double parameters[4096], mask[PROBLEM_STATES * PROBLEM_TERMS];
  neurlp_training_result result;
  printf("%s\n", name);
  left = MANY;
  check_equal("whole", train(MPI_COMM_WORLD, options, NULL, parameters, mask, &result), NEURLP_SUCCESS);
  const int64_t all = MANY - left, before[] = {0, 3, all - 1};
  check_true("calls of the GPU that fails", rank != size - 1 || all > 5);
  for (int32_t i = 0; i < 3; i++) {
    left = before[i];
    check_equal("a GPU that fails on one rank fails all of them",
                train(MPI_COMM_WORLD, options, NULL, parameters, mask, &result), NEURLP_ERROR_DEVICE);
    check_true("with its message", strstr(neurlp_context_message(context), "the GPU has gone"));
  }
}

static void check_machine(void) {
  problem_options validated = plain, only = plain, lbfgs = plain;
  const neurlp_accelerator *machine = NULL;
  problem_must(context, neurlp_accelerator_of(context, &machine));
  if (!machine) return;
  neurlp_accelerator *table = (neurlp_accelerator *)(uintptr_t)machine;
  whole = *machine;
  validated.cycles = only.cycles = lbfgs.cycles = 1;
  only.validation = 0;
  lbfgs.optimiser = "lbfgs";
  lbfgs.batch = 12;
  table->replay = fail_replay; /* all steps but the first, or what follows their sums */
  check_lost("steps", &validated);
  check_lost("steps without validation", &only);
  table->replay = whole.replay;
  table->records = false;
  table->update = fail_update;
  check_lost("steps piece by piece", &only);
  table->records = whole.records;
  table->update = whole.update;
  table->download = fail_download;
  check_lost("gradients of L-BFGS", &lbfgs);
  table->download = whole.download;
}

/* All ranks stop where the loss explodes, and say the same window. */
static void check_explosion(void) {
  problem_options options = plain;
  double parameters[4096], mask[PROBLEM_STATES * PROBLEM_TERMS];
  neurlp_training_result result;
  char first[1024], mine[1024] = "";
  options.huge = 1e4;
  check_equal("data that overflow stop all ranks",
              train(MPI_COMM_WORLD, &options, NULL, parameters, mask, &result), NEURLP_NOT_FINITE);
  snprintf(mine, sizeof mine, "%s", neurlp_context_message(context));
  memcpy(first, mine, sizeof first);
  MPI_Bcast(first, sizeof first, MPI_CHAR, 0, MPI_COMM_WORLD);
  check_true(mine, strcmp(first, mine) == 0 && strstr(mine, "window 7 (trajectory 2, samples 8 to 15)"));
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  context = problem_context();
  problem_options single = plain, lbfgs = plain, stopping = plain;
  single.single = true;
  lbfgs.optimiser = "lbfgs";
  lbfgs.batch = 12;
  stopping.rate = 0.2;
  stopping.patience = 3;
  stopping.epochs = 60;
  check_same("adam", &plain);
  check_same("single precision", &single);
  check_same("L-BFGS", &lbfgs);
  check_same("early stopping", &stopping);
  check_failure(&plain);
  lbfgs.cycles = 1;
  check_failure(&lbfgs);
  check_explosion();
  check_machine();
  problem_close_context(&context);
  int failed = check_verdict();
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return failed;
}
