/* What holds for any text whatever, given as a deck: the parser ends; it gives a deck or a report, never both
 * or neither; a deck resolves to text that parses to the same resolved text, and to the same networks, inputs
 * and losses; no memory is kept. */
#ifndef TESTS_MPI_DECK_PROPERTY_H
#define TESTS_MPI_DECK_PROPERTY_H

#include "deck/deck.h"

#include <string.h>

static inline bool deck_same_layers(int32_t count, const neurlp_layer_spec *a, int32_t other_count,
                                    const neurlp_layer_spec *b) {
  if (count != other_count) return false;
  for (int32_t i = 0; i < count; i++) {
    const neurlp_layer_spec *x = &a[i], *y = &b[i];
    if (x->kind != y->kind || x->width != y->width || x->kernel != y->kernel || x->stride != y->stride ||
        x->dilation != y->dilation || x->circular != y->circular || x->activation != y->activation ||
        x->numbers[0] != y->numbers[0] || x->numbers[1] != y->numbers[1] ||
        !deck_same_layers(x->child_count, x->children, y->child_count, y->children))
      return false;
  }
  return true;
}

static inline bool deck_same_source(const neurlp_source_spec *a, const neurlp_source_spec *b) {
  if (a->kind != b->kind || a->network != b->network || a->number_count != b->number_count ||
      a->ranged != b->ranged || a->lower != b->lower || a->upper != b->upper || a->residual != b->residual ||
      a->solved != b->solved)
    return false;
  for (int32_t i = 0; i < a->number_count; i++)
    if (a->numbers[i] != b->numbers[i]) return false;
  return true;
}

/* What trees of a deck mean, which the resolved text alone does not show. */
static inline bool deck_same_wiring(const neurlp_deck *a, const neurlp_deck *b) {
  static const char *const inputs[] = {"inputs.states",  "inputs.coefficients",   "inputs.rhs",
                                       "inputs.weights", "inputs.initial_values", "inputs.steps"};
  int32_t count = 0, other_count = 0;
  const neurlp_network_spec *networks = neurlp_deck_networks_of(a, &count);
  const neurlp_network_spec *other_networks = neurlp_deck_networks_of(b, &other_count);
  if (count != other_count) return false;
  for (int32_t i = 0; i < count; i++)
    if (strcmp(networks[i].name, other_networks[i].name) != 0 ||
        !deck_same_layers(networks[i].layer_count, networks[i].layers, other_networks[i].layer_count,
                          other_networks[i].layers))
      return false;
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
    const neurlp_source_spec one = neurlp_deck_source_of(a, inputs[i]),
                             other = neurlp_deck_source_of(b, inputs[i]);
    if (!deck_same_source(&one, &other)) return false;
  }
  const neurlp_loss_spec *losses = neurlp_deck_losses_of(a, &count);
  const neurlp_loss_spec *other_losses = neurlp_deck_losses_of(b, &other_count);
  if (count != other_count) return false;
  for (int32_t i = 0; i < count; i++)
    if (losses[i].of != other_losses[i].of || losses[i].measure != other_losses[i].measure ||
        losses[i].weight != other_losses[i].weight || losses[i].first != other_losses[i].first ||
        losses[i].end != other_losses[i].end)
      return false;
  return true;
}

/* NULL if all of it holds, else what does not. *good is set if the text is a deck without errors. */
static inline const char *deck_property(const char *text, int32_t override_count,
                                        const char *const *overrides, bool *good) {
  neurlp_context *context = NULL;
  neurlp_deck *deck = NULL;
  neurlp_deck *again = NULL;
  char *report = NULL;
  char *report_again = NULL;
  const char *broken = NULL;
  *good = false;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return "no context";
  const neurlp_status status =
      neurlp_deck_parse(context, "deck.yaml", text, override_count, overrides, &deck, &report);
  if (status == NEURLP_SUCCESS) {
    *good = true;
    if (!deck || report) broken = "success without a deck, or with a report";
    if (!broken && neurlp_deck_parse(context, "deck.yaml", neurlp_deck_resolved(deck), 0, NULL, &again,
                                     &report_again) != NEURLP_SUCCESS)
      broken = "the resolved deck has errors";
    if (!broken && strcmp(neurlp_deck_resolved(deck), neurlp_deck_resolved(again)) != 0)
      broken = "the resolved deck resolves to something else";
    if (!broken && !deck_same_wiring(deck, again))
      broken = "the resolved deck has other networks, inputs or losses";
  } else if (status == NEURLP_ERROR_DECK) {
    if (deck || !report || !strstr(report, "error: ")) broken = "an error without a report, or with a deck";
  } else {
    broken = "neither a deck nor a deck error";
  }
  neurlp_release(context, &report);
  neurlp_release(context, &report_again);
  neurlp_deck_destroy(&deck);
  neurlp_deck_destroy(&again);
  if (!broken && neurlp_context_memory(context).blocks != 0) broken = "memory is kept";
  neurlp_context_destroy(&context);
  return broken;
}

/* Decks to begin from: between them, every kind of value and most of YAML. */
static const char *const deck_seeds[] = {
    "task: discover\ndata:\n  generate: {system: lorenz, samples: 1000, step: 0.01, noise: 5e-2}\n",
    "# comment\ntask: fit\ntitle: \"a \\\"b\\\" \\x41 \\u00e4\"\ndata: {file: pelts.csv, states: [hare, "
    "lynx]}\n"
    "dynamics:\n  equations:\n    - x' = a*x - b*x*y\n    - \"y' = -c*y + d*x*y\"\n"
    "  parameters: {a: 1, b: {start: 0.1, lower: 0, upper: 1e0}, c: {fixed: 3}, d: .5}\n"
    "  definitions:\n    r: sqrt(x^2)\n    s: >\n      folded\n      text\n"
    "output: {compress: 4, solution: false}\nrun: {reductions: fast, seed: 1e3}\n",
    "task: discover\ndata:\n  generate:\n    equations: {x: v, v: '-x'}\n    step: 0.1\n    samples: 20\n"
    "    initial:\n      x: {uniform: [-1, 1]}\n      v: {normal: [0, 0.5]}\n    systems: 7\n"
    "dynamics: {library: {polynomial: 3, terms: [sin(x), \"1/(1 + x^2)\"]}, order: 1}\n"
    "block:\n  # order: 2\n  window: 0\nlearn:\n",
    "task: train\ndata: {generate: {system: lorenz, samples: 100}}\n"
    "networks:\n  n1: {layers: [{convolution: 8, kernel: 5, padding: circular, dilation: 2}, gelu, "
    "{residual: "
    "[{dense: 4},\n    tanh]}, {scale: [2, .5]}, {clip: [-1, 1e3]}, flatten, {dense: output}]}\n  \"b'\": "
    "[mean, "
    "{dense: 3}]\n  s: [normalise, relu]\n"
    "inputs:\n  coefficients: {network: n1, range: [-1, 2]}\n  rhs: library\n  weights: {network: \"b'\"}\n"
    "  states: {network: s, residual: true}\n  steps: {parameter: 1e-2}\n"
    "loss: [{of: solution, weight: 2, steps: [1, 40]}, states, {of: states, measure: absolute}]\n"
    "dynamics: {library: {polynomial: 1}}\ntrain: {optimizer: lbfgs, batch: 7, schedule: plateau}\n",
    "task: train\ndata: {file: a.h5}\nnetworks: {}\ninputs: {coefficients: {parameter: [0, 1, 0], range: "
    "[-1, 2]}, "
    "rhs: {constant: 1}, initial_values: none, steps: {constant: [0.5]}}\nloss:\n  - of: solution\n    "
    "measure: "
    "relative\n",
    "? task\n: fit\n...\n",
    "%YAML 1.2\n---\ntask: &a fit\nx: *a\ny: !!int 3\n<<: {a: 1}\n"};
enum { DECK_SEEDS = sizeof deck_seeds / sizeof deck_seeds[0] };

#endif
