#include "train/network_forecast_plan.h"

#include <math.h>
#include <string.h>

static int64_t length_of(const neurlp_network_study *s, int64_t system) {
  return s->data.lengths ? s->data.lengths[system] : s->data.samples_each;
}

/* Whether there is anything to forecast, and with what. */
static neurlp_status find_reason(const neurlp_network_study *s, bool *wanted) {
  const neurlp_deck *deck = s->data.job->deck;
  const bool partly = s->wiring.seen < s->windows.spec.window, asked = neurlp_deck_given(deck, "forecast");
  const bool kept = s->windows.spec.held_back > 0 || s->windows.spec.systems < s->data.systems;
  *wanted = partly && kept;
  if (!asked || *wanted) return NEURLP_SUCCESS;
  if (!partly)
    return neurlp_deck_fail(s->context, deck, "inputs.seen", -1, 0,
                            "a forecast needs a model that sees less than its window of %lld samples: give "
                            "inputs.seen",
                            (long long)s->windows.spec.window);
  return neurlp_deck_fail(s->context, deck, "forecast", -1, 0,
                          "nothing is held back to be forecast: give train.test, or forecast.trajectories");
}

static neurlp_status find_first(neurlp_network_study *s) {
  neurlp_network_forecast_plan *f = &s->forecast;
  const int64_t seen = s->wiring.seen;
  int64_t longest = 0;
  const neurlp_status status = neurlp_allocate(s->context, f->systems, sizeof *f->first, &f->first);
  if (status < 0) return status;
  for (int64_t i = 0; i < f->systems; i++) {
    const int64_t length = length_of(s, f->first_system + i);
    f->first[i] = f->first_system > 0 ? seen : neurlp_windows_seen(&s->windows.spec, i);
    if (f->first[i] < seen || f->first[i] > length)
      f->first[i] = -1;
    else if (longest < length - f->first[i])
      longest = length - f->first[i];
  }
  const int64_t asked = neurlp_deck_integer(s->data.job->deck, "forecast.steps");
  f->steps = asked > 0 ? asked : longest;
  if (f->steps > 0) return NEURLP_SUCCESS;
  return neurlp_fail(s->context, NEURLP_TOO_SHORT,
                     "no trajectory has a sample to be forecast after %lld that are seen; lower inputs.seen, "
                     "give forecast.steps, or give longer trajectories",
                     (long long)seen);
}

static neurlp_status read_horizons(neurlp_network_study *s) {
  const neurlp_deck *deck = s->data.job->deck;
  neurlp_network_forecast_plan *f = &s->forecast;
  const int32_t count = neurlp_deck_list_count(deck, "forecast.horizons");
  if (count > NEURLP_FORECAST_HORIZONS)
    return neurlp_deck_fail(s->context, deck, "forecast.horizons", -1, 0, "%d horizons; at most %d", count,
                            NEURLP_FORECAST_HORIZONS);
  for (int32_t i = 0; i < count; i++) {
    const double horizon = neurlp_deck_list_number(deck, "forecast.horizons", i);
    if (horizon != floor(horizon) || horizon > (double)f->steps)
      return neurlp_deck_fail(s->context, deck, "forecast.horizons", i, 0,
                              "a horizon is a whole number of steps, and %lld are forecast",
                              (long long)f->steps);
    f->horizons[i] = (int64_t)horizon;
  }
  f->horizon_count = count > 0 ? count : 1;
  if (count == 0) f->horizons[0] = f->steps;
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_network_plan_forecast(neurlp_network_study *s) {
  bool wanted = false;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(find_reason(s, &wanted));
  if (!wanted) return NEURLP_SUCCESS;
  if (!strcmp(neurlp_deck_text(s->data.job->deck, "forecast.of"), "states") &&
      s->wiring.states.kind != NEURLP_SOURCE_NETWORK)
    return neurlp_deck_fail(
        s->context, s->data.job->deck, "forecast.of", -1, 0,
        "the states are the data, which say nothing of the future; take them from a network: "
        "inputs.states");
  const int64_t trained = s->windows.spec.systems;
  s->forecast.first_system = trained < s->data.systems ? trained : 0;
  s->forecast.systems = s->data.systems - s->forecast.first_system;
  status = find_first(s);
  if (status != NEURLP_SUCCESS) goto done;
  status = read_horizons(s);
done:
  return status;
}
