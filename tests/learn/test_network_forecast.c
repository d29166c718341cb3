/* Roll-outs against loops written by hand: an affine network on one long array, and a straight line that
 * starts anew; pasts with gaps; a trajectory that cannot be forecast, and the others beside it. */
#include "learn/network/network_forecast.h"
#include "support/check.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { D = 2, K = 4, SHARD = 3, COUNT = 5, MOST_STEPS = 40, MOST_WINDOW = 16 };

static const double center[D] = {0.5, -1}, spread[D] = {2, 0.25}, slope[D] = {0.75, -1.5}, step = 0.125;
static const char *const names[D] = {"x", "y"};
static neurlp_context *context;

static void must(neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s\n", neurlp_context_message(context));
  exit(1);
}

/* Entry (i, j) of the network's weights and bias: the absolute values of a row's 8 weights sum to less than
 * 1/2. */
static double weight(int64_t i, int64_t j) {
  return sin((double)(1 + 7 * i + 3 * j)) / 16;
}
static double bias(int64_t i) {
  return cos((double)(2 + 5 * i)) / 4;
}
static double past_of(int64_t s, int64_t t, int64_t k) {
  return center[k] + spread[k] * sin((double)(1 + 11 * s + 3 * t + 5 * k));
}

/* ---- the model: u' = slope from the first sample on; states from an affine network ------------------- */

static void set_parameters(neurlp_graph *graph) {
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(graph, i);
    double *numbers = malloc((size_t)info.count * sizeof *numbers);
    const int64_t row = K * D;
    if (!numbers) exit(1);
    for (int64_t j = 0; j < info.count; j++)
      numbers[j] = info.kind == NEURLP_PARAMETER_WEIGHT ? weight(j / row, j % row) : bias(j);
    must(neurlp_graph_write(graph, info.value, numbers));
    free(numbers);
  }
}

static void make_model(int32_t window, neurlp_network_model *model) {
  neurlp_layer_spec layers[2] = {{.kind = NEURLP_LAYER_FLATTEN}, {.kind = NEURLP_LAYER_DENSE}};
  neurlp_network_spec network = {.name = "ahead", .layer_count = 2, .layers = layers};
  double first[3] = {0, 1, 0}, slopes[D] = {slope[0], slope[1]}, steps[1] = {step};
  neurlp_loss_spec loss = {.of = NEURLP_LOSS_OF_SOLUTION, .weight = 1};
  const neurlp_wiring wiring = {
      .network_count = 1,
      .networks = &network,
      .states = {.kind = NEURLP_SOURCE_NETWORK},
      .coefficients = {.kind = NEURLP_SOURCE_CONSTANT, .number_count = 3, .numbers = first},
      .rhs = {.kind = NEURLP_SOURCE_CONSTANT, .number_count = D, .numbers = slopes},
      .initial_values = {.kind = NEURLP_SOURCE_DATA},
      .steps = {.kind = NEURLP_SOURCE_CONSTANT, .number_count = 1, .numbers = steps},
      .seen = K,
      .initial_steps = 1,
      .initial_derivatives = 1,
      .loss_count = 1,
      .losses = &loss};
  const neurlp_network_model_spec spec = {.wiring = &wiring,
                                          .precision = NEURLP_DOUBLE,
                                          .samples = SHARD,
                                          .steps = window,
                                          .dimensions = D,
                                          .order = 2,
                                          .formulation = neurlp_formulation_default(),
                                          .states = {D, names},
                                          .center = center,
                                          .spread = spread};
  must(neurlp_network_model_create(context, &spec, model));
  must(neurlp_graph_finish(model->graph, true));
  set_parameters(model->graph);
}

/* ---- loops by hand ----------------------------------------------------------------------------------- */

/* What the network makes of the K samples at `seen`, sample t of the window. */
static double network_by_hand(const double *seen, int64_t t, int64_t k) {
  double y = bias(t * D + k);
  for (int64_t j = 0; j < K * D; j++) y += weight(t * D + k, j) * (seen[j] - center[j % D]) / spread[j % D];
  return y * spread[k] + center[k];
}

/* All samples of a trajectory in one array: those of round r are seen from place r (T - K) on. */
static void forecast_by_hand(int64_t s, int32_t window, int64_t steps, bool of_states, double *all) {
  const int64_t fresh = window - K;
  for (int64_t t = 0; t < K; t++)
    for (int64_t k = 0; k < D; k++) all[t * D + k] = past_of(s, t, k);
  for (int64_t round = 0; round * fresh < steps; round++) {
    const double *seen = all + round * fresh * D;
    for (int64_t t = K; t < window; t++)
      for (int64_t k = 0; k < D; k++)
        all[(round * fresh + t) * D + k] =
            of_states ? network_by_hand(seen, t, k) : seen[k] + slope[k] * step * (double)t;
  }
}

static double largest_error(const double *forecast, int32_t window, int64_t steps, bool of_states) {
  double all[(K + MOST_STEPS + MOST_WINDOW) * D], worst = 0;
  for (int64_t s = 0; s < COUNT; s++) {
    forecast_by_hand(s, window, steps, of_states, all);
    for (int64_t i = 0; i < steps * D; i++) {
      const double error = fabs(forecast[s * steps * D + i] - all[K * D + i]);
      if (!(error <= worst)) worst = error;
    }
  }
  return worst;
}

/* ---- roll-outs --------------------------------------------------------------------------------------- */

static void fill_past(double *past) {
  for (int64_t i = 0; i < COUNT * K * D; i++) past[i] = past_of(i / (K * D), i / D % K, i % D);
}

static void test_rollout(int32_t window, int64_t steps, bool of_states) {
  double past[COUNT * K * D], forecast[COUNT * MOST_STEPS * D];
  neurlp_status statuses[COUNT];
  neurlp_network_model model;
  char what[96];
  make_model(window, &model);
  const neurlp_forecast_spec spec = {
      .model = &model, .window = window, .seen = K, .dimensions = D, .steps = steps, .of_states = of_states};
  fill_past(past);
  must(neurlp_network_forecast(context, &spec, COUNT, past, forecast, statuses));
  int failed = 0;
  for (int64_t s = 0; s < COUNT; s++) failed += statuses[s] != NEURLP_SUCCESS;
  check_equal("forecasts that failed", failed, 0);
  snprintf(what, sizeof what, "%s, windows of %d, %d steps: against a loop by hand",
           of_states ? "network" : "block", window, (int)steps);
  /* A round's error is that of a sum of nine numbers, here below 2 in all and twice as much with the centre
   * and the spread; a contraction by 1/2 lets no more than twice that add up. The block's is that of a solve
   * with T steps, of condition (T / h)^2 at most, added up over the rounds. */
  const double rounds = ceil((double)steps / (window - K)), size = 8;
  const double condition = of_states ? 1 : rounds * window * window / step / step;
  check_below(what, largest_error(forecast, window, steps, of_states), 20 * DBL_EPSILON * size * condition);
  neurlp_network_model_destroy(&model);
}

/* One trajectory has no past: its forecast is NaN, and no bit of the others changes. */
static void test_failure(void) {
  enum { WINDOW = 7, STEPS = 10 };
  double past[COUNT * K * D], good[COUNT * STEPS * D], other[COUNT * STEPS * D];
  neurlp_status statuses[COUNT];
  neurlp_network_model model;
  make_model(WINDOW, &model);
  const neurlp_forecast_spec spec = {
      .model = &model, .window = WINDOW, .seen = K, .dimensions = D, .steps = STEPS, .of_states = true};
  fill_past(past);
  must(neurlp_network_forecast(context, &spec, COUNT, past, good, statuses));
  past[1 * K * D + 3] = NAN;
  must(neurlp_network_forecast(context, &spec, COUNT, past, other, statuses));
  int numbers = 0, changed = 0;
  for (int64_t i = 0; i < STEPS * D; i++) numbers += !isnan(other[STEPS * D + i]);
  for (int64_t s = 0; s < COUNT; s++)
    if (s != 1) changed += memcmp(good + s * STEPS * D, other + s * STEPS * D, STEPS * D * sizeof *good) != 0;
  check_equal("a past that is not finite: status", statuses[1], NEURLP_NOT_FINITE);
  check_equal("a past that is not finite: numbers in its forecast", numbers, 0);
  check_equal("the others: trajectories that changed", changed, 0);
  check_equal("the others: status", statuses[0], NEURLP_SUCCESS);
  neurlp_network_model_destroy(&model);
}

/* ---- the past ---------------------------------------------------------------------------------------- */

/* Gaps are filled from the K samples alone; what follows them is huge, so that it would show. */
static void test_past(void) {
  enum { SAMPLES = 8, FIRST = 6 };
  const double huge = 1e300;
  double states[SAMPLES * D] = {0, 0, -huge, -huge, 1, NAN, NAN, NAN, 3, 5, NAN, NAN, huge, huge, huge, huge};
  const double expected[K * D] = {1, 5, 2, 5, 3, 5, 3, 5};
  const neurlp_windows windows = {
      .context = context,
      .spec = {
          .systems = 1, .samples = SAMPLES, .dimensions = D, .states = states, .window = 4, .stride = 1}};
  double past[K * D];
  int wrong = 0;
  neurlp_forecast_past(&windows, 0, FIRST, K, past);
  for (int32_t i = 0; i < K * D; i++) wrong += past[i] != expected[i];
  check_equal("a past with gaps: wrong numbers", wrong, 0);
  states[4 * D + 1] = NAN;
  neurlp_forecast_past(&windows, 0, FIRST, K, past);
  check_true("a state that no sample of the past knows is NaN", isnan(past[1]) && past[0] == 1);
}

int main(void) {
  if (neurlp_context_create(1, &context) < 0) return 1;
  for (int32_t of_states = 0; of_states < 2; of_states++) {
    test_rollout(6, 15, of_states);  /* two new samples a round, and half a round at the end */
    test_rollout(8, 12, of_states);  /* as many as are seen */
    test_rollout(11, 40, of_states); /* more than are seen */
    test_rollout(16, 5, of_states);  /* part of one round */
  }
  test_failure();
  test_past();
  neurlp_context_destroy(&context);
  return check_verdict();
}
