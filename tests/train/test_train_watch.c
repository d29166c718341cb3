/* What looks after a training: the watch finds the entry and keeps good parameters, clipping, early stopping.
 */
#include "core/random.h"
#include "train/clip.h"
#include "train/stopping.h"
#include "train/vector.h"
#include "train/watch.h"

#include "train_support.h"

#include <float.h>

enum { N = 50000 };
static neurlp_context *context;
static double numbers[N], before[N];
static float singles[N];

static void fill(void) {
  for (int64_t i = 0; i < N; i++) before[i] = numbers[i] = neurlp_random_normal(3, NEURLP_RANDOM_TEST, 1, i);
  for (int64_t i = 0; i < N; i++) singles[i] = (float)numbers[i];
}

/* ---- watch ------------------------------------------------------------------------------------------- */

static const neurlp_watch_group groups[3] = {
    {"encoder.0.weight", 0, 100}, {"encoder.0.bias", 100, 20}, {"head", 120, N - 121}};

static neurlp_watch *make_watch(neurlp_precision precision, double explosion, double scale) {
  const neurlp_watch_options options = {explosion, scale};
  neurlp_watch *watch = NULL;
  check_equal("made", neurlp_watch_create(context, &options, precision, N, 3, groups, &watch), 0);
  return watch;
}

static void expect(const char *what, neurlp_status status, neurlp_status expected, const char *words) {
  check_equal(what, status, expected);
  if (expected == NEURLP_SUCCESS) return;
  printf("     %s\n", neurlp_context_message(context));
  check_true(words, strstr(neurlp_context_message(context), words) != NULL);
}

static void test_not_finite(void) {
  neurlp_watch *watch = make_watch(NEURLP_DOUBLE, 10.0, 0.0);
  fill();
  expect("good", neurlp_watch_check(watch, 0, 1, 1.0, numbers), NEURLP_SUCCESS, "");
  expect("a loss", neurlp_watch_check(watch, 2, 7, NAN, numbers), NEURLP_NOT_FINITE,
         "epoch 2, step 7: the loss");
  numbers[40000] = INFINITY;
  expect("far behind", neurlp_watch_check(watch, 2, 8, 1.0, numbers), NEURLP_NOT_FINITE,
         "entry 39880 of 49879 of the gradient of head (group 2) is inf");
  numbers[117] = NAN;
  expect("the first of two", neurlp_watch_check(watch, 2, 9, 1.0, numbers), NEURLP_NOT_FINITE,
         "entry 17 of 20 of the gradient of encoder.0.bias (group 1)");
  fill();
  numbers[N - 1] = -INFINITY;
  expect("in no group", neurlp_watch_check(watch, 3, 1, 1.0, numbers), NEURLP_NOT_FINITE,
         "entry 49999 of 50000 of the gradient is -inf");
  neurlp_watch_destroy(&watch);
  watch = make_watch(NEURLP_SINGLE, 10.0, 0.0);
  singles[3] = INFINITY;
  expect("single precision", neurlp_watch_check(watch, 3, 1, 1.0, singles), NEURLP_NOT_FINITE,
         "entry 3 of 100 of the gradient of encoder.0.weight (group 0) is inf");
  neurlp_watch_destroy(&watch);
}

static void test_explosion(void) {
  neurlp_watch *watch = make_watch(NEURLP_DOUBLE, 10.0, 1e-3);
  static const struct {
    double loss;
    neurlp_status status;
  } losses[] = {{5.0, 0},
                {49.9, 0},
                {2.0, 0},
                {20.1, NEURLP_NOT_CONVERGED},
                {19.9, 0},
                {1e-6, 0},
                {8.9e-3, 0}, /* below 9 times the scale more than the best */
                {9.1e-3, NEURLP_NOT_CONVERGED},
                {-1.0, 0},
                {7.9, 0},
                {8.1, NEURLP_NOT_CONVERGED}};
  int64_t wrong = 0;
  for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
    wrong += neurlp_watch_check(watch, 0, (int64_t)i, losses[i].loss, NULL) != losses[i].status;
  check_equal("explosions judged wrongly", wrong, 0);
  printf("     %s\n", neurlp_context_message(context));
  neurlp_watch_destroy(&watch);
  watch = make_watch(NEURLP_DOUBLE, 0.0, 0.0);
  expect("good", neurlp_watch_check(watch, 0, 0, 1.0, NULL), NEURLP_SUCCESS, "");
  expect("never", neurlp_watch_check(watch, 0, 1, 1e300, NULL), NEURLP_SUCCESS, "");
  neurlp_watch_destroy(&watch);
}

static void test_restore(void) {
  neurlp_watch *watch = make_watch(NEURLP_DOUBLE, 10.0, 0.0), *other = make_watch(NEURLP_DOUBLE, 10.0, 0.0);
  neurlp_state_array arrays[NEURLP_STATE_MOST];
  saved_state saved;
  int64_t epoch = 0, step = 0;
  fill();
  check_equal("nothing kept yet", neurlp_watch_restore(watch, numbers, &epoch, &step), NEURLP_ERROR_ARGUMENT);
  expect("good", neurlp_watch_check(watch, 4, 99, 0.5, NULL), NEURLP_SUCCESS, "");
  neurlp_watch_keep(watch, 4, 99, numbers);
  save_state(&saved, arrays, neurlp_watch_state(watch, arrays));
  load_state(&saved, arrays, neurlp_watch_state(other, arrays));
  for (int k = 0; k < 2; k++) {
    for (int64_t i = 0; i < N; i++) numbers[i] = NAN;
    check_equal("restored", neurlp_watch_restore(k ? other : watch, numbers, &epoch, &step), 0);
    check_equal("bytes that differ", different_bytes(numbers, before, sizeof numbers), 0);
    check_true("epoch and step", epoch == 4 && step == 99);
    check_equal("the best loss, too", neurlp_watch_check(k ? other : watch, 5, 0, 5.1, NULL),
                NEURLP_NOT_CONVERGED);
  }
  neurlp_watch_destroy(&watch);
  neurlp_watch_destroy(&other);
}

/* ---- clipping ---------------------------------------------------------------------------------------- */

static void test_clip_norm(void) {
  long double square = 0.0L;
  double norm = 0.0, worst = 0.0;
  fill();
  for (int64_t i = 0; i < N; i++) square += (long double)before[i] * (long double)before[i];
  const double right = (double)sqrtl(square), factor = 2.0 / (right + 1e-6);
  check_equal("clipped", neurlp_clip_norm(context, NEURLP_DOUBLE, N, numbers, 2.0, &norm), 0);
  check_below("norm, relative error", fabs(norm / right - 1.0), N / 256.0 * DBL_EPSILON);
  for (int64_t i = 0; i < N; i++) worst = fmax(worst, fabs(numbers[i] / (factor * before[i]) - 1.0));
  check_below("entries, relative error", worst, (N / 256.0 + 4.0) * DBL_EPSILON);
  check_equal("again", neurlp_clip_norm(context, NEURLP_DOUBLE, N, numbers, 1e3, &norm), 0);
  check_below("norm afterwards", norm, 2.0);
  check_above("norm afterwards", norm, 2.0 * (1.0 - 1e-6));
  fill();
  check_equal("short enough", neurlp_clip_norm(context, NEURLP_DOUBLE, N, numbers, 2.0 * right, &norm), 0);
  check_equal("then nothing changes, bytes", different_bytes(numbers, before, sizeof numbers), 0);
  check_equal("single", neurlp_clip_norm(context, NEURLP_SINGLE, N, singles, 2.0, &norm), 0);
  check_below("norm in single precision, relative error", fabs(norm / right - 1.0), FLT_EPSILON);
}

/* Squares that are too large or too small for a double, and numbers that are none. */
static void test_clip_range(void) {
  static double wide[4] = {3e200, 4e200, 0.0, 0.0}, narrow[4] = {3e-200, 4e-200, 0.0, 0.0};
  double norm = 0.0;
  check_equal("large", neurlp_clip_norm(context, NEURLP_DOUBLE, 4, wide, 5.0, &norm), 0);
  check_below("norm of (3, 4) 1e200, relative error", fabs(norm / 5e200 - 1.0), 8.0 * DBL_EPSILON);
  check_below("clipped to (3, 4)", fmax(fabs(wide[0] - 3.0), fabs(wide[1] - 4.0)), 16.0 * DBL_EPSILON);
  check_equal("small", neurlp_clip_norm(context, NEURLP_DOUBLE, 4, narrow, 5.0, &norm), 0);
  check_below("norm of (3, 4) 1e-200, relative error", fabs(norm / 5e-200 - 1.0), 8.0 * DBL_EPSILON);
  wide[2] = NAN;
  const double first = wide[0];
  check_equal("NaN", neurlp_clip_norm(context, NEURLP_DOUBLE, 4, wide, 1.0, &norm), NEURLP_NOT_FINITE);
  printf("     %s\n", neurlp_context_message(context));
  check_true("it is left alone", wide[0] == first);
  check_equal("to nothing", neurlp_clip_norm(context, NEURLP_DOUBLE, 4, narrow, 0.0, &norm),
              NEURLP_ERROR_ARGUMENT);
}

/* Norms and dot products are the same bits for any number of threads. */
static void test_threads(void) {
  fill();
  int64_t different = 0;
  const neurlp_vector *vector = neurlp_vector_of(NEURLP_DOUBLE);
  for (int64_t n = 16380; n < N; n += 1117)
    for (int32_t threads = 2; threads <= 5; threads++) {
      different += vector->dot(threads, n, numbers, numbers) != vector->dot(1, n, numbers, numbers);
      different += vector->square(threads, n, 3.0, numbers) != vector->square(1, n, 3.0, numbers);
      different += vector->greatest(threads, n, numbers) != vector->greatest(1, n, numbers);
    }
  check_equal("sums that depend on the number of threads", different, 0);
}

/* ---- early stopping ---------------------------------------------------------------------------------- */

static void test_stopping(void) {
  const neurlp_stopping_options options = {.patience = 3, .min_delta = 0.5};
  static const struct {
    double loss;
    bool stop;
  } seen[] = {{NAN, false}, {10.0, false}, {9.6, false}, /* the least, but no improvement */
              {9.4, false},                              /* one */
              {9.5, false}, {9.0, false},                /* the least: kept */
              {NAN, true},  {9.1, true}};
  neurlp_stopping *stopping = NULL, *other = NULL;
  neurlp_state_array arrays[NEURLP_STATE_MOST];
  saved_state saved;
  double parameters[2];
  int64_t wrong = 0;
  check_equal("made", neurlp_stopping_create(context, &options, NEURLP_DOUBLE, 2, &stopping), 0);
  check_equal("made", neurlp_stopping_create(context, &options, NEURLP_DOUBLE, 2, &other), 0);
  check_equal("nothing yet", neurlp_stopping_restore(stopping, parameters), NEURLP_ERROR_ARGUMENT);
  for (int64_t i = 0; i < (int64_t)(sizeof seen / sizeof seen[0]); i++) {
    parameters[0] = parameters[1] = (double)i;
    if (i == 5) {
      save_state(&saved, arrays, neurlp_stopping_state(stopping, arrays));
      load_state(&saved, arrays, neurlp_stopping_state(other, arrays));
    }
    wrong += neurlp_stopping_observe(stopping, seen[i].loss, parameters) != seen[i].stop;
    if (i >= 5) wrong += neurlp_stopping_observe(other, seen[i].loss, parameters) != seen[i].stop;
  }
  check_equal("decisions that are wrong", wrong, 0);
  check_equal("restored", neurlp_stopping_restore(stopping, parameters), 0);
  check_true("its parameters", parameters[0] == 5.0 && parameters[1] == 5.0);
  check_equal("restored from a state", neurlp_stopping_restore(other, parameters), 0);
  check_true("its parameters", parameters[0] == 5.0 && parameters[1] == 5.0);
  neurlp_stopping_destroy(&stopping);
  neurlp_stopping_destroy(&other);
}

int main(void) {
  if (neurlp_context_create(3, &context) != NEURLP_SUCCESS) return 1;
  test_not_finite();
  test_explosion();
  test_restore();
  test_clip_norm();
  test_clip_range();
  test_threads();
  test_stopping();
  check_equal("memory blocks left", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
