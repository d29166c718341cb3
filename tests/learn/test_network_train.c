/* Training: optima that are known, terms that stay out, early stopping, shards, and what is said where it
 * goes bad. */
#include "core/allocations.h"
#include "learn/network_problem.h"

#include <float.h>

static neurlp_context *context;

/* ---- a problem whose optimum is known ---------------------------------------------------------------- */

/* Solution of one window of one state for a right-hand side [T] and an initial value, [T], by the solver. */
static void solve_window(const double *rhs, double begin, double *u) {
  const double coefficients[] = {0, 1, 0}, step = 0.1;
  const neurlp_shape shape = {.systems = 1,
                              .steps = PROBLEM_WINDOW,
                              .dimensions = 1,
                              .order = 2,
                              .equations = 1,
                              .initial_steps = 1,
                              .initial_derivatives = 1,
                              .columns = 1,
                              .coefficients_sharing = NEURLP_CONSTANT,
                              .steps_sharing = NEURLP_CONSTANT,
                              .precision = NEURLP_DOUBLE};
  const neurlp_formulation formulation = neurlp_formulation_default();
  const neurlp_inputs inputs = {
      .systems = 1, .coefficients = coefficients, .rhs = rhs, .initial_values = &begin, .steps = &step};
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  double solution[PROBLEM_WINDOW * 3];
  neurlp_status status;
  problem_must(context, neurlp_problem_create(context, &shape, &formulation, &problem));
  problem_must(context, neurlp_solver_create(context, problem, &solver));
  problem_must(context, neurlp_solver_solve(solver, &inputs, solution, &status));
  for (int32_t t = 0; t < PROBLEM_WINDOW; t++) u[t] = solution[3 * t];
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
}

/* x of a x = b, symmetric positive definite, by elimination. */
static void solve_normal(double a[PROBLEM_TERMS][PROBLEM_TERMS], double *b) {
  for (int32_t i = 0; i < PROBLEM_TERMS; i++)
    for (int32_t r = i + 1; r < PROBLEM_TERMS; r++) {
      const double f = a[r][i] / a[i][i];
      for (int32_t c = i; c < PROBLEM_TERMS; c++) a[r][c] -= f * a[i][c];
      b[r] -= f * b[i];
    }
  for (int32_t i = PROBLEM_TERMS - 1; i >= 0; i--) {
    for (int32_t c = i + 1; c < PROBLEM_TERMS; c++) b[i] -= a[i][c] * b[c];
    b[i] /= a[i][i];
  }
}

/* With the data as states the solution is linear in the weights: least squares over all windows, by
 * superposition of solutions for each term. */
static void find_optimum(const network_problem *p, double weights[PROBLEM_STATES][PROBLEM_TERMS]) {
  for (int32_t k = 0; k < PROBLEM_STATES; k++) {
    double a[PROBLEM_TERMS][PROBLEM_TERMS] = {{0}}, b[PROBLEM_TERMS] = {0};
    for (int64_t w = 0; w < p->windows.count; w++) {
      const double *x =
          p->states + (p->windows.system[w] * PROBLEM_SAMPLES + p->windows.first[w]) * PROBLEM_STATES;
      double u[PROBLEM_TERMS + 1][PROBLEM_WINDOW], rhs[PROBLEM_WINDOW];
      for (int32_t l = 0; l <= PROBLEM_TERMS; l++) {
        for (int32_t t = 0; t < PROBLEM_WINDOW; t++)
          rhs[t] = l == PROBLEM_TERMS ? 0 : l == 0 ? 1 : x[t * PROBLEM_STATES + l - 1];
        solve_window(rhs, l == PROBLEM_TERMS ? x[k] : 0, u[l]);
      }
      for (int32_t t = 0; t < PROBLEM_WINDOW; t++)
        for (int32_t i = 0; i < PROBLEM_TERMS; i++) {
          for (int32_t j = 0; j < PROBLEM_TERMS; j++) a[i][j] += u[i][t] * u[j][t];
          b[i] += u[i][t] * (x[t * PROBLEM_STATES + k] - u[PROBLEM_TERMS][t]);
        }
    }
    solve_normal(a, b);
    memcpy(weights[k], b, sizeof b);
  }
}

static void check_optimum(const char *optimiser, double rate, double momentum, int64_t epochs, double bound) {
  network_problem *p = problem_open(context, &(problem_options){.optimiser = optimiser,
                                                                .rate = rate,
                                                                .momentum = momentum,
                                                                .noise = 0.05,
                                                                .epochs = epochs,
                                                                .batch = 15,
                                                                .shards = 3});
  double found[PROBLEM_STATES * PROBLEM_TERMS], best[PROBLEM_STATES][PROBLEM_TERMS], worst = 0;
  neurlp_training_result result;
  char what[80];
  find_optimum(p, best);
  check_equal("training succeeds", neurlp_training_run(&p->training, p->mask, &result), NEURLP_SUCCESS);
  problem_must(context,
               neurlp_graph_read(p->model.graph, neurlp_graph_find(p->model.graph, "weights"), found));
  for (int32_t k = 0; k < PROBLEM_STATES; k++)
    for (int32_t l = 0; l < PROBLEM_TERMS; l++)
      worst = fmax(worst, fabs(found[k * PROBLEM_TERMS + l] - best[k][l]));
  snprintf(what, sizeof what, "%s: weights less those of least squares", optimiser);
  check_below(what, worst, bound);
  problem_close(p);
}

/* ---- masks and cycles -------------------------------------------------------------------------------- */

static void check_masks(const char *optimiser) {
  network_problem *p = problem_open(
      context,
      &(problem_options){
          .optimiser = optimiser, .rate = 0.05, .noise = 0.05, .epochs = 20, .batch = 5, .network = true});
  double weights[PROBLEM_STATES * PROBLEM_TERMS];
  neurlp_training_result result;
  char what[80];
  p->mask[1] = p->mask[5] = 0;
  if (strcmp(optimiser, "adamw") == 0) p->training.options.optimiser.weight_decay = 0.1;
  check_equal("training succeeds", neurlp_training_run(&p->training, p->mask, &result), NEURLP_SUCCESS);
  problem_must(context,
               neurlp_graph_read(p->model.graph, neurlp_graph_find(p->model.graph, "weights"), weights));
  snprintf(what, sizeof what, "%s: dropped weights are 0, others are not", optimiser);
  check_true(what, weights[1] == 0 && weights[5] == 0 && weights[0] != 0 && weights[2] != 0 &&
                       weights[3] != 0 && weights[4] != 0);
  problem_close(p);
}

/* A threshold drops by the weights as they are after the last step, not as they were before it. */
static void check_cycles(void) {
  network_problem *p = problem_open(context, &(problem_options){.optimiser = "sgd",
                                                                .rate = 0.5,
                                                                .noise = 0,
                                                                .epochs = 1,
                                                                .cycles = 2,
                                                                .batch = 15,
                                                                .threshold = 1e-12});
  neurlp_training_result result;
  check_equal("training succeeds", neurlp_training_run(&p->training, p->mask, &result), NEURLP_SUCCESS);
  check_equal("no weight is 0 after the first step, so none is dropped", result.dropped, 0);
  problem_close(p);
  p = problem_open(
      context,
      &(problem_options){.rate = 0.01, .noise = 0, .epochs = 2, .cycles = 3, .batch = 15, .threshold = 1e9});
  check_equal("training succeeds", neurlp_training_run(&p->training, p->mask, &result), NEURLP_SUCCESS);
  check_equal("all are dropped below a huge threshold", result.dropped, PROBLEM_STATES * PROBLEM_TERMS);
  problem_close(p);
}

/* Of the terms below the threshold only the least go, at first two of six, then one of four and one of three.
 */
static void check_shares(void) {
  double weights[PROBLEM_STATES * PROBLEM_TERMS], least = INFINITY, most = 0;
  const problem_options options = {
      .rate = 0.1, .epochs = 30, .cycles = 1, .batch = 15, .threshold = 1e9, .drop_share = 0.4};
  network_problem *p = problem_open(context, &options);
  neurlp_training_result result;
  check_equal("training succeeds", neurlp_training_run(&p->training, p->mask, &result), NEURLP_SUCCESS);
  problem_must(context,
               neurlp_graph_read(p->model.graph, neurlp_graph_find(p->model.graph, "weights"), weights));
  problem_close(p);
  p = problem_open(context, &options);
  p->training.options.cycles = 2;
  check_equal("training succeeds", neurlp_training_run(&p->training, p->mask, &result), NEURLP_SUCCESS);
  for (int32_t i = 0; i < PROBLEM_STATES * PROBLEM_TERMS; i++) {
    if (p->mask[i] == 0) most = fmax(most, fabs(weights[i]));
    if (p->mask[i] != 0) least = fmin(least, fabs(weights[i]));
  }
  check_equal("0.4 of six terms below the threshold are dropped at once", result.dropped, 2);
  check_below("and none that is larger than those that stay", most, least);
  problem_close(p);
  p = problem_open(context, &options);
  p->training.options.cycles = 4;
  check_equal("training succeeds", neurlp_training_run(&p->training, p->mask, &result), NEURLP_SUCCESS);
  check_equal("then 0.4 of four and of three", result.dropped, 4);
  problem_close(p);
}

/* ---- early stopping ---------------------------------------------------------------------------------- */

enum { MOST_EPOCHS = 200 };

typedef struct diary {
  network_problem *p;
  int64_t count;
  double training[MOST_EPOCHS], validation[MOST_EPOCHS];
  double *parameters[MOST_EPOCHS];
} diary;

static neurlp_status write_diary(void *user, const neurlp_epoch *epoch) {
  diary *d = user;
  const int64_t count = neurlp_graph_parameter_count(d->p->model.graph);
  if (d->count == MOST_EPOCHS) return NEURLP_SUCCESS;
  d->training[d->count] = epoch->training;
  d->validation[d->count] = epoch->validation;
  d->parameters[d->count] = calloc((size_t)count, sizeof(double));
  problem_must(context, neurlp_graph_get_parameters(d->p->model.graph, d->parameters[d->count++]));
  return NEURLP_SUCCESS;
}

static void check_stopping(void) {
  network_problem *p = problem_open(context, &(problem_options){.rate = 0.2,
                                                                .noise = 0.1,
                                                                .epochs = MOST_EPOCHS,
                                                                .batch = 4,
                                                                .shards = 2,
                                                                .validation = 0.3,
                                                                .patience = 4,
                                                                .network = true});
  diary d = {.p = p};
  neurlp_training_result result;
  int64_t best = 0;
  p->training.report = write_diary;
  p->training.user = &d;
  check_equal("training succeeds", neurlp_training_run(&p->training, p->mask, &result), NEURLP_SUCCESS);
  for (int64_t e = 1; e < d.count; e++)
    if (d.validation[e] < d.validation[best]) best = e;
  check_true("it stops early", result.stopped && result.epochs == d.count && d.count < MOST_EPOCHS);
  check_equal("at `patience` epochs after the best one", d.count - 1 - best, 4);
  const size_t bytes = (size_t)neurlp_graph_parameter_count(p->model.graph) * sizeof(double);
  void *last = malloc(bytes);
  problem_must(context, neurlp_graph_get_parameters(p->model.graph, last));
  check_true("the parameters are those of the best epoch, bit for bit",
             memcmp(last, d.parameters[best], bytes) == 0);
  free(last);
  check_true("and so are the losses",
             result.validation == d.validation[best] && result.training == d.training[best]);
  for (int64_t e = 0; e < d.count; e++) free(d.parameters[e]);
  problem_close(p);
}

/* ---- shards ------------------------------------------------------------------------------------------ */

/* Parameters after some epochs with so many shards. */
static double *train(int64_t batch, int64_t shards, bool single, int64_t *count) {
  network_problem *p = problem_open(context, &(problem_options){.rate = 0.01,
                                                                .noise = 0.05,
                                                                .epochs = 5,
                                                                .batch = batch,
                                                                .shards = shards,
                                                                .network = true,
                                                                .single = single});
  neurlp_training_result result;
  check_equal("training succeeds", neurlp_training_run(&p->training, p->mask, &result), NEURLP_SUCCESS);
  double *all = calloc((size_t)neurlp_graph_parameter_count(p->model.graph), sizeof *all);
  *count = 0;
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(p->model.graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(p->model.graph, i);
    problem_must(context, neurlp_graph_read(p->model.graph, info.value, all + *count));
    *count += info.count;
  }
  problem_close(p);
  return all;
}

/* Batches of 8 windows of 15 are one of 8 and one of 7, in shards of 8 or of 2, of which the last is not
 * full. Adam divides by the root of a squared gradient: roundings of single entries grow, but stay roundings.
 */
static void check_shards(bool single) {
  int64_t count = 0;
  double *one = train(8, 1, single, &count), *four = train(8, 4, single, &count), worst = 0;
  for (int64_t i = 0; i < count; i++) worst = fmax(worst, fabs(one[i] - four[i]));
  check_below(single ? "1 and 4 shards, single precision" : "1 and 4 shards, double precision", worst,
              single ? 1e-3 : 1e-9);
  check_above("and something has been learned", fabs(one[count - 1]), 0);
  free(one);
  free(four);
}

/* ---- memory ------------------------------------------------------------------------------------------ */

enum { MOST_STEPS = 64 };

/* Allocations that the context has made when the training arrives between two steps. */
typedef struct meter {
  int64_t count, allocations[MOST_STEPS], epochs[MOST_STEPS];
} meter;

static void read_meter(void *user, const neurlp_training_place *place) {
  meter *m = user;
  if (m->count == MOST_STEPS) return;
  m->epochs[m->count] = place->epoch;
  m->allocations[m->count++] = neurlp_context_allocations(context);
}

/* A whole step: batch, graph, block, sums over shards, clipping, optimiser; and what is done between epochs.
 */
static void check_allocations(const char *optimiser) {
  network_problem *p = problem_open(context, &(problem_options){.optimiser = optimiser,
                                                                .rate = 0.01,
                                                                .noise = 0.05,
                                                                .epochs = 4,
                                                                .batch = 4,
                                                                .shards = 2,
                                                                .validation = 0.3,
                                                                .patience = 4,
                                                                .network = true});
  meter m = {0};
  neurlp_training_result result;
  char what[80];
  p->training.arrive = read_meter;
  p->training.user = &m;
  p->training.options.clip = 1;
  check_equal("training succeeds", neurlp_training_run(&p->training, p->mask, &result), NEURLP_SUCCESS);
  snprintf(what, sizeof what, "%s: steps of several epochs", optimiser);
  check_above(what, (double)m.count, 4);
  check_above("the last epoch", (double)m.epochs[m.count - 1], 2);
  snprintf(what, sizeof what, "%s: allocations between the first step and the last", optimiser);
  check_equal(what, m.allocations[m.count - 1] - m.allocations[0], 0);
  problem_close(p);
}

/* ---- going bad --------------------------------------------------------------------------------------- */

static void check_bad(const char *name, const problem_options *options, neurlp_status expected,
                      const char *const *words) {
  network_problem *p = problem_open(context, options);
  neurlp_training_result result;
  const size_t bytes = (size_t)neurlp_graph_parameter_count(p->model.graph) * sizeof(double);
  void *first = malloc(bytes), *last = malloc(bytes);
  problem_must(context, neurlp_graph_get_parameters(p->model.graph, first));
  printf("%s\n", name);
  check_equal("status", neurlp_training_run(&p->training, p->mask, &result), expected);
  const char *message = neurlp_context_message(context);
  printf("%s\n", message);
  for (; *words; words++) check_true(*words, strstr(message, *words));
  problem_must(context, neurlp_graph_get_parameters(p->model.graph, last));
  check_true("the first parameters are back, bit for bit", memcmp(first, last, bytes) == 0);
  free(first);
  free(last);
  problem_close(p);
}

/* Windows are 3 a trajectory: sample 13 of trajectory 2 is in window 7, samples 8 to 15. */
static void check_all_bad(void) {
  const char *const window[] = {"cycle 1, epoch 1, step 1", "of the gradient of weights",
                                "window 7 (trajectory 2, samples 8 to 15)", NULL};
  check_bad("data that overflow",
            &(problem_options){.rate = 0.01, .epochs = 3, .batch = 15, .network = true, .huge = 1e4},
            NEURLP_NOT_FINITE, window);
  check_bad("the same in a later step",
            &(problem_options){.rate = 0.01, .epochs = 3, .batch = 4, .network = true, .huge = 1e4},
            NEURLP_NOT_FINITE,
            (const char *const[]){"cycle 1, epoch 1, step 3: entry ", " of the gradient of weights",
                                  "window 7 (trajectory 2, samples 8 to 15)", "before epoch 1, step 1",
                                  NULL});
  check_bad("the same by L-BFGS",
            &(problem_options){.optimiser = "lbfgs",
                               .rate = 0.01,
                               .epochs = 3,
                               .batch = 15,
                               .shards = 3,
                               .network = true,
                               .huge = 1e4},
            NEURLP_NOT_FINITE,
            (const char *const[]){"cycle 1, ", "window 7 (trajectory 2, samples 8 to 15)", NULL});
  check_bad("a learning rate of a million",
            &(problem_options){
                .optimiser = "sgd", .rate = 1e6, .epochs = 3, .batch = 15, .shards = 3, .network = true},
            NEURLP_NOT_CONVERGED,
            (const char *const[]){"cycle 1, epoch 2, step 1", "more than 1e+06 times", "it began in window",
                                  "with the gradient of", "before epoch 1, step 1", NULL});
}

int main(void) {
  context = problem_context();
  check_optimum("lbfgs", 0.1, 0, 60, 1e-6);
  check_optimum("sgd", 0.1, 0.9, 1000, 1e-4);
  check_optimum("adam", 0.02, 0, 2000, 1e-3);
  check_masks("adam");
  check_masks("adamw");
  check_masks("sgd");
  check_cycles();
  check_shares();
  check_stopping();
  check_shards(false);
  check_shards(true);
  /* what waits in the queues of an imitated GPU is in the host's memory */
  if (strcmp(neurlp_context_backend(context), "cuda:check") != 0) {
    check_allocations("adam");
    check_allocations("adamw");
    check_allocations("sgd");
    check_allocations("lbfgs");
  }
  check_all_bad();
  problem_close_context(&context);
  return check_verdict();
}
