#include "train/network_wiring.h"

static neurlp_status check_numbers(const neurlp_network_study *s, const char *path, int32_t found,
                                   int32_t wanted, const char *what) {
  if (found == wanted) return NEURLP_SUCCESS;
  return neurlp_deck_fail(s->context, s->data.job->deck, path, -1, 0, "%d numbers are given, and %s: give %d",
                          found, what, wanted);
}

neurlp_status neurlp_network_read_wiring(neurlp_network_study *s) {
  const neurlp_deck *deck = s->data.job->deck;
  neurlp_wiring *w = &s->wiring;
  neurlp_status status = NEURLP_SUCCESS;
  w->networks = (neurlp_network_spec *)(uintptr_t)neurlp_deck_networks_of(deck, &w->network_count);
  w->losses = (neurlp_loss_spec *)(uintptr_t)neurlp_deck_losses_of(deck, &w->loss_count);
  w->states = neurlp_deck_source_of(deck, "inputs.states");
  w->coefficients = neurlp_deck_source_of(deck, "inputs.coefficients");
  w->rhs = neurlp_deck_source_of(deck, "inputs.rhs");
  w->weights = neurlp_deck_source_of(deck, "inputs.weights");
  w->initial_values = neurlp_deck_source_of(deck, "inputs.initial_values");
  w->steps = neurlp_deck_source_of(deck, "inputs.steps");
  const int64_t seen = neurlp_deck_integer(deck, "inputs.seen");
  w->seen = seen > 0 ? seen : s->windows.spec.window;
  w->initial_steps = (int32_t)neurlp_deck_integer(deck, "inputs.initial_steps");
  w->initial_derivatives = (int32_t)neurlp_deck_integer(deck, "inputs.initial_derivatives");
  if (w->initial_values.kind == NEURLP_SOURCE_NONE) w->initial_steps = w->initial_derivatives = 0;
  if (w->steps.kind == NEURLP_SOURCE_DATA) {
    NEURLP_TRY(neurlp_allocate(s->context, 1, sizeof *s->numbers, &s->numbers));
    s->numbers[0] = s->step;
    w->steps = (neurlp_source_spec){.kind = NEURLP_SOURCE_CONSTANT, .number_count = 1, .numbers = s->numbers};
  }
done:
  return status;
}

/* Ranges of coefficients, and that parameters begin inside. */
static neurlp_status check_ranges(const neurlp_network_study *s) {
  const neurlp_source_spec *c = &s->wiring.coefficients;
  const char *path = "inputs.coefficients";
  neurlp_status status = NEURLP_SUCCESS;
  if (c->range_count > 0)
    NEURLP_TRY(
        check_numbers(s, path, c->range_count, s->order + 1, "each coefficient has a range, or none has"));
  for (int32_t j = 0; j < c->number_count && (c->ranged || c->range_count > 0); j++) {
    const double *range = c->range_count > 0 ? c->ranges + 2 * j : (const double[2]){c->lower, c->upper};
    const bool fixed = range[0] == range[1];
    if (fixed ? c->numbers[j] != range[0] : !(c->numbers[j] > range[0] && c->numbers[j] < range[1]))
      return neurlp_deck_fail(s->context, s->data.job->deck, path, -1, 0,
                              "coefficient %d begins at %g, which is not inside its range, %g to %g", j,
                              c->numbers[j], range[0], range[1]);
  }
done:
  return status;
}

/* What is only seen in part cannot be used over the whole window. */
static neurlp_status check_seen(const neurlp_network_study *s) {
  const neurlp_wiring *w = &s->wiring;
  const neurlp_deck *deck = s->data.job->deck;
  const long long seen = (long long)w->seen, window = (long long)s->windows.spec.window;
  const bool estimated = w->states.kind == NEURLP_SOURCE_NETWORK;
  if (seen > window)
    return neurlp_deck_fail(s->context, deck, "inputs.seen", -1, 0, "a window has %lld samples only", window);
  if (seen == window) return NEURLP_SUCCESS;
  if (w->rhs.kind == NEURLP_SOURCE_LIBRARY && !estimated)
    return neurlp_deck_fail(s->context, deck, "inputs.rhs", -1, 0,
                            "the library is a function of the data at all %lld samples of a window, and "
                            "inputs.seen is %lld; estimate the states by a network, which may go on to the "
                            "window's end",
                            window, seen);
  if (estimated && w->states.residual)
    return neurlp_deck_fail(
        s->context, deck, "inputs.states", -1, 0,
        "'residual' adds the data at all %lld samples of a window, and inputs.seen is %lld; "
        "leave it out",
        window, seen);
  const bool of_data = w->initial_values.kind == NEURLP_SOURCE_DATA ||
                       (w->initial_values.kind == NEURLP_SOURCE_STATES && !estimated);
  if (of_data && w->initial_steps > seen)
    return neurlp_deck_fail(s->context, deck, "inputs.initial_steps", -1, 0,
                            "initial values are those of the data, and inputs.seen is %lld", seen);
  return NEURLP_SUCCESS;
}

/* Losses that something can be done about. */
static neurlp_status check_losses(const neurlp_network_study *s) {
  const neurlp_wiring *w = &s->wiring;
  const neurlp_deck *deck = s->data.job->deck;
  for (int32_t i = 0; i < w->loss_count; i++) {
    const neurlp_loss_spec *loss = &w->losses[i];
    if (loss->end > s->windows.spec.window)
      return neurlp_deck_fail(s->context, deck, "loss", -1, 0,
                              "loss %d ends at step %lld, and a window has %lld", i, (long long)loss->end,
                              (long long)s->windows.spec.window);
    if (loss->of == NEURLP_LOSS_OF_STATES && w->states.kind != NEURLP_SOURCE_NETWORK)
      return neurlp_deck_fail(s->context, deck, "loss", -1, 0,
                              "loss %d is of the states, and they are the data; leave it out, or estimate "
                              "them: inputs.states: {network: name}",
                              i);
    if (loss->of == NEURLP_LOSS_OF_WEIGHTS &&
        (w->rhs.kind != NEURLP_SOURCE_LIBRARY || w->weights.kind != NEURLP_SOURCE_PARAMETER))
      return neurlp_deck_fail(s->context, deck, "loss", -1, 0,
                              "loss %d is of the library's weights, and they are no parameter; leave it out, "
                              "or take inputs.rhs: library and inputs.weights: parameter",
                              i);
  }
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_network_check_wiring(const neurlp_network_study *s) {
  const neurlp_wiring *w = &s->wiring;
  const neurlp_deck *deck = s->data.job->deck;
  neurlp_status status = NEURLP_SUCCESS;
  if (w->coefficients.kind != NEURLP_SOURCE_NETWORK)
    NEURLP_TRY(check_numbers(s, "inputs.coefficients", w->coefficients.number_count, s->order + 1,
                             "a block of this order has one more coefficient"));
  NEURLP_TRY(check_ranges(s));
  if (w->rhs.kind == NEURLP_SOURCE_CONSTANT)
    NEURLP_TRY(check_numbers(s, "inputs.rhs", w->rhs.number_count, s->data.dimensions,
                             "there is one for each state"));
  if (w->steps.kind != NEURLP_SOURCE_NETWORK)
    NEURLP_TRY(check_numbers(s, "inputs.steps", w->steps.number_count, 1, "there is one step"));
  if (w->rhs.kind != NEURLP_SOURCE_LIBRARY && w->weights.kind == NEURLP_SOURCE_NETWORK)
    return neurlp_deck_fail(s->context, deck, "inputs.weights", -1, 0,
                            "weights are those of a library; take inputs.rhs: library, or leave them out");
  if (w->steps.kind == NEURLP_SOURCE_NETWORK && !(w->steps.ranged && w->steps.lower > 0))
    return neurlp_deck_fail(
        s->context, deck, "inputs.steps", -1, 0,
        "step sizes from a network need a range above 0: {network: name, range: [0.001, 0.1]}");
  if (w->steps.kind != NEURLP_SOURCE_NETWORK && !(w->steps.numbers[0] > 0))
    return neurlp_deck_fail(s->context, deck, "inputs.steps", -1, 0, "the step has to be more than 0");
  if (w->initial_derivatives > 1 && w->initial_values.kind != NEURLP_SOURCE_NETWORK)
    return neurlp_deck_fail(
        s->context, deck, "inputs.initial_derivatives", -1, 0,
        "data and state estimates have no derivatives; take initial values from a network");
  if (w->initial_steps > s->windows.spec.window)
    return neurlp_deck_fail(s->context, deck, "inputs.initial_steps", -1, 0, "a window has %lld steps only",
                            (long long)s->windows.spec.window);
  if (w->initial_derivatives > s->order + 1)
    return neurlp_deck_fail(s->context, deck, "inputs.initial_derivatives", -1, 0,
                            "a block of order %d has u and its derivatives, %d functions in all", s->order,
                            s->order + 1);
  NEURLP_TRY(check_seen(s));
  status = check_losses(s);
done:
  return status;
}

int32_t neurlp_network_leading_derivative(const neurlp_network_study *s) {
  const neurlp_source_spec *c = &s->wiring.coefficients;
  int32_t leading = c->kind == NEURLP_SOURCE_NETWORK ? s->order : 0;
  for (int32_t j = 0; j < c->number_count; j++)
    if (c->numbers[j] != 0) leading = j;
  return leading;
}
