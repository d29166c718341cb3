/* Windows of a fit on an imitated GPU: with so little memory that they go through in pieces the same bits
 * come out; with less still there is a failure that says what to do. */
#include "core/random.h"
#include "cuda/learn/windows.h"
#include "learn/direct.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { SYSTEMS = 20, SAMPLES = 200, WINDOW = 10, D = 2, PARAMETERS = 12 };

static const double STEP = 0.05;

typedef struct learned {
  neurlp_status status;
  double theta[PARAMETERS], variance[PARAMETERS * PARAMETERS], initial_errors[D];
  int64_t windows, slots; /* windows of the fit; most that went through at one time */
  char message[512];
} learned;

/* Turning and shrinking, x' = -0.3 x + y, y' = -x - 0.3 y, from many sides. */
static void make_samples(double *times, double *states) {
  for (int i = 0; i < SYSTEMS * SAMPLES; i++) {
    const int s = i / SAMPLES;
    const double t = STEP * (i % SAMPLES), size = (1 + 0.1 * s) * exp(-0.3 * t), phase = t + 0.7 * s;
    times[i] = t;
    states[2 * i] = size * cos(phase) + 0.01 * neurlp_random_normal(8, NEURLP_RANDOM_TEST, 0, i);
    states[2 * i + 1] = -size * sin(phase) + 0.01 * neurlp_random_normal(8, NEURLP_RANDOM_TEST, 1, i);
  }
}

/* Learns on a GPU with so many bytes of memory, of which the trajectories' windows are never longer. */
static learned learn(const char *bytes) {
  static double times[SYSTEMS * SAMPLES], states[D * SYSTEMS * SAMPLES];
  static const char *const names[] = {"x", "y"};
  static const neurlp_library_spec library = {.polynomial = 2};
  const neurlp_model_spec model_spec = {.dimensions = D, .states = names, .order = 1, .library = &library};
  const neurlp_plan_spec plan_spec = {.systems = SYSTEMS, .samples = SAMPLES, .window = WINDOW, .shards = 4};
  neurlp_context *context = NULL;
  neurlp_model *model = NULL;
  neurlp_trajectories *trajectories = NULL;
  neurlp_fit *fit = NULL;
  neurlp_plan plan = {0};
  learned l = {.status = NEURLP_ERROR_INTERNAL};
  neurlp_status status = NEURLP_SUCCESS;
  make_samples(times, states);
  setenv("NEURLP_IMITATED_BYTES", bytes, 1);
  if (neurlp_context_create(2, &context) < 0) return l;
  const neurlp_trajectory_spec trajectory_spec = {
      .plan = &plan, .times = times, .samples = states, .dimensions = D, .order = 2, .substeps = 1};
  const neurlp_exchange exchange = neurlp_exchange_alone(&plan.bins);
  const neurlp_direct_options options = {
      .fit = {.iterations = 20, .tolerance = 1e-8, .nominal_step = STEP, .weight_top = 1e-3},
      .first_window = WINDOW,
      .threshold = 4,
      .contribution = 1e-3,
      .starts = 1};
  NEURLP_TRY(neurlp_context_set_backend(context, "cuda:check"));
  NEURLP_TRY(neurlp_model_create(context, &model_spec, &model));
  NEURLP_TRY(neurlp_plan_create(context, &plan_spec, 0, 1, &plan));
  NEURLP_TRY(neurlp_trajectories_create(context, &trajectory_spec, &trajectories));
  NEURLP_TRY(neurlp_fit_create(context, model, trajectories, &exchange, &options.fit, &fit));
  NEURLP_TRY(neurlp_direct_learn(fit, &options));
  memcpy(l.theta, fit->theta, sizeof l.theta);
  neurlp_fit_covariance(fit, 0, l.variance);
  neurlp_fit_initial_errors(fit, fit->window_count - 1, l.variance, l.initial_errors);
  l.windows = fit->window_count;
  l.slots = ((const fit_cuda *)fit->work->state)->core.blocks[NEURLP_CUDA_FORWARD].capacity;
done:
  l.status = status;
  snprintf(l.message, sizeof l.message, "%.500s", neurlp_context_message(context));
  neurlp_fit_destroy(&fit);
  neurlp_trajectories_destroy(&trajectories);
  neurlp_plan_release(context, &plan);
  neurlp_model_destroy(&model);
  check_equal("blocks alive after learning: the device", neurlp_context_memory(context).blocks, 1);
  neurlp_context_destroy(&context);
  return l;
}

static void test_pieces(void) {
  const learned whole = learn("1000000000"), pieces = learn("5000000");
  check_equal("much memory: status", whole.status, NEURLP_SUCCESS);
  check_equal("much memory: all windows at one time", whole.slots, whole.windows);
  check_equal("little memory: status", pieces.status, NEURLP_SUCCESS);
  check_true("little memory: some windows at a time", pieces.slots * 2 < pieces.windows);
  check_true("the same parameters, bit for bit", !memcmp(whole.theta, pieces.theta, sizeof whole.theta));
  check_true("the same covariances", !memcmp(whole.variance, pieces.variance, sizeof whole.variance));
  check_true("the same errors of initial values",
             !memcmp(whole.initial_errors, pieces.initial_errors, sizeof whole.initial_errors));
  check_below("rate of shrinking", fabs(whole.theta[1] + 0.3), 0.02);
  check_true("a term that is not there is dropped", whole.theta[3] == 0);
}

static void test_no_memory(void) {
  const learned arrays = learn("1000000"), solver = learn("3000000");
  check_equal("no memory for arrays: status", arrays.status, NEURLP_ERROR_MEMORY);
  check_true("no memory for arrays: what to do", strstr(arrays.message, "use more ranks") != NULL);
  check_equal("no memory for the solver: status", solver.status, NEURLP_ERROR_MEMORY);
  check_true("no memory for the solver: what to do", strstr(solver.message, "backend cpu") != NULL);
}

int main(void) {
  test_pieces();
  test_no_memory();
  return check_verdict();
}
