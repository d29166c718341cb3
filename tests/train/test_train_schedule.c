/* Learning rates against closed forms and against sequences worked out by hand. */
#include "train/schedule.h"

#include "train_support.h"

#include <float.h>

static neurlp_context *context;

static double rate_at(const neurlp_schedule *schedule, int64_t at) {
  return neurlp_schedule_rate(schedule, NULL, at);
}

/* Products of up to 300 rounded factors, in the oracle and within pow. */
static const double rounding = 300.0 * DBL_EPSILON;

static void test_closed_forms(void) {
  neurlp_schedule s = neurlp_schedule_defaults(NEURLP_SCHEDULE_CONSTANT, 0.5);
  double worst = 0.0, product = 0.5;
  check_true("constant", rate_at(&s, 0) == 0.5 && rate_at(&s, 1000) == 0.5);
  s.kind = NEURLP_SCHEDULE_STEP;
  s.every = 7;
  s.gamma = 0.8;
  for (int64_t at = 0; at < 100; at++) {
    if (at > 0 && at % 7 == 0) product *= 0.8;
    worst = fmax(worst, fabs(rate_at(&s, at) / product - 1.0));
  }
  check_below("step, every 7 times 0.8, against products", worst, rounding);
  s.kind = NEURLP_SCHEDULE_EXPONENTIAL;
  s.gamma = 0.97;
  worst = 0.0;
  product = 0.5;
  for (int64_t at = 0; at < 300; at++, product *= 0.97)
    worst = fmax(worst, fabs(rate_at(&s, at) / product - 1.0));
  check_below("exponential, 0.97, against products", worst, rounding);
}

/* The cosine from Chebyshev's recursion, c_(k+1) = 2 c_1 c_k - c_(k-1), whose errors grow with k^2. */
static void test_cosine(void) {
  neurlp_schedule s = neurlp_schedule_defaults(NEURLP_SCHEDULE_COSINE, 0.5);
  s.length = 60;
  s.floor = 0.1;
  const double c1 = 1.0 - 2.0 * pow(sin(3.14159265358979323846 / 120.0), 2.0);
  double before = c1, now = 1.0, worst = 0.0;
  for (int64_t at = 0; at <= 60; at++) {
    worst = fmax(worst, fabs(rate_at(&s, at) - (0.1 + 0.2 * (1.0 + now))));
    const double next = 2.0 * c1 * now - before;
    before = now;
    now = next;
  }
  check_below("cosine, against a recursion", worst, 60.0 * 60.0 * DBL_EPSILON);
  check_true("cosine, ends", rate_at(&s, 0) == 0.5 && rate_at(&s, 60) == 0.1 && rate_at(&s, 1000) == 0.1);
  check_below("cosine, middle", fabs(rate_at(&s, 30) - 0.3), 4.0 * DBL_EPSILON);
}

static void test_warm_up(void) {
  neurlp_schedule s = neurlp_schedule_defaults(NEURLP_SCHEDULE_STEP, 0.4);
  s.warm_up = 4;
  s.warm_up_from = 0.25;
  s.every = 2;
  s.gamma = 0.5;
  static const double right[9] = {0.1, 0.175, 0.25, 0.325, 0.4, 0.4, 0.2, 0.2, 0.1};
  double worst = 0.0;
  for (int64_t at = 0; at < 9; at++) worst = fmax(worst, fabs(rate_at(&s, at) - right[at]));
  check_below("warm-up, then steps that count from its end", worst, 4.0 * DBL_EPSILON);
  for (int kind = 0; kind <= NEURLP_SCHEDULE_PLATEAU; kind++) {
    neurlp_schedule any = neurlp_schedule_defaults((neurlp_schedule_kind)kind, 0.4);
    const neurlp_schedule_state state = neurlp_schedule_start(&any);
    any.warm_up = 10;
    check_true("warm-up before any",
               neurlp_schedule_rate(&any, &state, 5) < 0.4 && neurlp_schedule_rate(&any, &state, 10) == 0.4);
  }
}

/* Losses and the rates after them. Patience 2: the third bad loss reduces. */
static void test_plateau(void) {
  neurlp_schedule s = neurlp_schedule_defaults(NEURLP_SCHEDULE_PLATEAU, 1.0);
  s.patience = 2;
  s.factor = 0.5;
  s.threshold = 0.1;
  s.cooldown = 1;
  s.floor = 0.2;
  s.warm_up = 1;
  static const struct {
    double loss, rate;
  } seen[] = {{1e-9, 1.0}, /* warm-up: not looked at */
              {10.0, 1.0}, /* the best */
              {9.5, 1.0},  /* less than a tenth better: bad */
              {8.9, 1.0},  /* better */
              {8.8, 1.0},  /* bad, 1 */
              {NAN, 1.0},  /* bad, 2 */
              {8.7, 0.5},  /* bad, 3: reduced */
              {9.0, 0.5},  /* cools down, not counted */
              {9.0, 0.5},  /* bad, 1 */
              {9.0, 0.5},  /* bad, 2 */
              {9.0, 0.25}, /* bad, 3: reduced */
              {1.0, 0.25}, /* better, also while it cools down */
              {1.0, 0.25}, /* bad, 1 */
              {1.0, 0.25}, /* bad, 2 */
              {1.0, 0.2},  /* bad, 3: to the floor */
              {1.0, 0.2},  {1.0, 0.2}, {1.0, 0.2}, {1.0, 0.2}, {1.0, 0.2}};
  const int64_t count = sizeof seen / sizeof seen[0];
  neurlp_schedule_state state = neurlp_schedule_start(&s), other = neurlp_schedule_start(&s);
  neurlp_state_array arrays[NEURLP_STATE_MOST];
  saved_state saved;
  int64_t wrong = 0, reductions = 0, different = 0;
  for (int64_t at = 0; at < count; at++) {
    if (at == 6) {
      save_state(&saved, arrays, neurlp_schedule_list_state(&state, arrays));
      load_state(&saved, arrays, neurlp_schedule_list_state(&other, arrays));
    }
    reductions += neurlp_schedule_observe(&s, &state, at, seen[at].loss);
    wrong += neurlp_schedule_rate(&s, &state, at + 1) != seen[at].rate;
    if (at < 6) continue;
    neurlp_schedule_observe(&s, &other, at, seen[at].loss);
    different += neurlp_schedule_rate(&s, &state, at + 1) != neurlp_schedule_rate(&s, &other, at + 1);
  }
  check_equal("plateau, rates that are wrong", wrong, 0);
  check_equal("plateau, reductions that it told", reductions, 3);
  check_equal("plateau, rates from a restored state that differ", different, 0);
  s = neurlp_schedule_defaults(NEURLP_SCHEDULE_PLATEAU, 1.0);
  s.patience = 0;
  state = neurlp_schedule_start(&s);
  neurlp_schedule_observe(&s, &state, 0, -1.0);
  check_true("an equal negative loss is not better", neurlp_schedule_observe(&s, &state, 1, -1.0));
}

static void refuse(const char *what, neurlp_schedule s) {
  check_equal(what, neurlp_schedule_check(context, &s), NEURLP_ERROR_ARGUMENT);
  printf("     %s\n", neurlp_context_message(context));
}

static void test_arguments(void) {
  const neurlp_schedule good = neurlp_schedule_defaults(NEURLP_SCHEDULE_COSINE, 0.1);
  neurlp_schedule_kind kind;
  neurlp_schedule s = good;
  check_equal("defaults are good", neurlp_schedule_check(context, &good), 0);
  s.floor = 0.2;
  refuse("a floor above the rate", s);
  s = good;
  s.gamma = 1.5;
  refuse("gamma above 1", s);
  s = good;
  s.rate = NAN;
  refuse("a rate that is no number", s);
  s = good;
  s.every = 0;
  refuse("a step every 0", s);
  check_equal("a name", neurlp_schedule_find(context, "plateau", &kind), 0);
  check_equal("its kind", kind, NEURLP_SCHEDULE_PLATEAU);
  check_equal("no name", neurlp_schedule_find(context, "cyclic", &kind), NEURLP_ERROR_ARGUMENT);
}

int main(void) {
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  test_closed_forms();
  test_cosine();
  test_warm_up();
  test_plateau();
  test_arguments();
  neurlp_context_destroy(&context);
  return check_verdict();
}
