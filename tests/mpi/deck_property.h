/* What holds for any text whatever, given as a deck: the parser ends; it gives a deck or a report, never both
 * or neither; a deck resolves to text that parses to the same resolved text; no memory is kept. */
#ifndef TESTS_MPI_DECK_PROPERTY_H
#define TESTS_MPI_DECK_PROPERTY_H

#include "deck/deck.h"

#include <string.h>

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
    "? task\n: fit\n...\n", "%YAML 1.2\n---\ntask: &a fit\nx: *a\ny: !!int 3\n<<: {a: 1}\n"};
enum { DECK_SEEDS = sizeof deck_seeds / sizeof deck_seeds[0] };

#endif
