#include "train/schedule.h"

#include <math.h>
#include <string.h>

enum { BEST, RATE };
enum { BAD, COOLDOWN };

static const char *const names[] = {"constant", "step", "exponential", "cosine", "plateau"};
enum { NAMES = sizeof names / sizeof names[0] };

neurlp_status neurlp_schedule_find(neurlp_context *context, const char *name, neurlp_schedule_kind *kind) {
  for (int32_t i = 0; i < NAMES; i++)
    if (strcmp(names[i], name) == 0) {
      *kind = (neurlp_schedule_kind)i;
      return NEURLP_SUCCESS;
    }
  return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                     "there is no schedule '%s'; there are constant, step, exponential, cosine and plateau",
                     name);
}

neurlp_schedule neurlp_schedule_defaults(neurlp_schedule_kind kind, double rate) {
  return (neurlp_schedule){.kind = kind,
                           .rate = rate,
                           .warm_up_from = 1.0 / 3.0,
                           .every = 30,
                           .gamma = 0.1,
                           .length = 100,
                           .patience = 10,
                           .factor = 0.1,
                           .threshold = 1e-4};
}

neurlp_status neurlp_schedule_check(neurlp_context *context, const neurlp_schedule *s) {
  const struct {
    bool good;
    const char *what;
    double value;
    const char *range;
  } rules[] = {
      {(int)s->kind >= 0 && (int)s->kind < NAMES, "the kind", (double)s->kind, "one of five, 0 to 4"},
      {s->rate >= 0.0 && isfinite(s->rate), "the learning rate", s->rate, "finite and at least 0"},
      {s->warm_up >= 0, "the length of warm-up", (double)s->warm_up, "at least 0"},
      {s->warm_up_from >= 0.0 && s->warm_up_from <= 1.0, "where warm-up begins", s->warm_up_from, "0 to 1"},
      {s->every >= 1, "the number of counts between steps", (double)s->every, "at least 1"},
      {s->gamma > 0.0 && s->gamma <= 1.0, "gamma", s->gamma, "above 0 and at most 1"},
      {s->length >= 1, "the length of the cosine", (double)s->length, "at least 1"},
      {s->floor >= 0.0 && s->floor <= s->rate, "the floor", s->floor, "0 to the learning rate"},
      {s->patience >= 0, "patience", (double)s->patience, "at least 0"},
      {s->cooldown >= 0, "cooldown", (double)s->cooldown, "at least 0"},
      {s->factor > 0.0 && s->factor < 1.0, "the factor", s->factor, "above 0 and below 1"},
      {s->threshold >= 0.0 && isfinite(s->threshold), "the threshold", s->threshold, "finite and at least 0"},
  };
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
    if (!rules[i].good)
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "learning-rate schedule: %s is %g; it has to be %s",
                         rules[i].what, rules[i].value, rules[i].range);
  return NEURLP_SUCCESS;
}

neurlp_schedule_state neurlp_schedule_start(const neurlp_schedule *schedule) {
  return (neurlp_schedule_state){.numbers = {INFINITY, schedule->rate}};
}

static double cosine(const neurlp_schedule *s, int64_t at) {
  const double pi = 3.14159265358979323846264338327950288;
  if (at >= s->length) return s->floor;
  return s->floor + (s->rate - s->floor) * 0.5 * (1.0 + cos(pi * (double)at / (double)s->length));
}

double neurlp_schedule_rate(const neurlp_schedule *s, const neurlp_schedule_state *state, int64_t at) {
  if (at < s->warm_up)
    return s->rate * (s->warm_up_from + (1.0 - s->warm_up_from) * (double)at / (double)s->warm_up);
  at -= s->warm_up;
  switch (s->kind) {
  case NEURLP_SCHEDULE_STEP:
    return s->rate * pow(s->gamma, (double)(at / s->every));
  case NEURLP_SCHEDULE_EXPONENTIAL:
    return s->rate * pow(s->gamma, (double)at);
  case NEURLP_SCHEDULE_COSINE:
    return cosine(s, at);
  case NEURLP_SCHEDULE_PLATEAU:
    return state->numbers[RATE];
  case NEURLP_SCHEDULE_CONSTANT:
    break;
  }
  return s->rate;
}

bool neurlp_schedule_observe(const neurlp_schedule *s, neurlp_schedule_state *state, int64_t at,
                             double loss) {
  if (s->kind != NEURLP_SCHEDULE_PLATEAU || at < s->warm_up) return false;
  const double best = state->numbers[BEST];
  const bool better = isinf(best) ? loss < best : loss < best - s->threshold * fabs(best);
  if (better) state->numbers[BEST] = loss;
  state->integers[BAD] = better ? 0 : state->integers[BAD] + 1;
  if (state->integers[COOLDOWN] > 0) {
    state->integers[COOLDOWN]--;
    state->integers[BAD] = 0;
  }
  if (state->integers[BAD] <= s->patience) return false;
  const double rate = fmax(state->numbers[RATE] * s->factor, s->floor);
  const bool reduced = rate < state->numbers[RATE];
  state->numbers[RATE] = rate;
  state->integers[COOLDOWN] = s->cooldown;
  state->integers[BAD] = 0;
  return reduced;
}

int32_t neurlp_schedule_list_state(neurlp_schedule_state *state,
                                   neurlp_state_array arrays[NEURLP_STATE_MOST]) {
  arrays[0] = (neurlp_state_array){
      .name = "numbers", .kind = NEURLP_STATE_DOUBLE, .count = 2, .numbers = state->numbers};
  arrays[1] = (neurlp_state_array){
      .name = "integers", .kind = NEURLP_STATE_INT64, .count = 2, .numbers = state->integers};
  return 2;
}
