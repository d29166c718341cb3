#include "study/study_model.h"

#include "deck/deck_names.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The texts and numbers of a model, collected from the deck. */
typedef struct collected {
  const char **states, **equations, **known, **definition_names, **definitions, **inputs, **terms;
  neurlp_parameter *parameters;
} collected;

/* Order of the equations: as many primes as the first one has on its left, else dynamics.order. */
static int32_t equation_order(const neurlp_deck *deck) {
  if (neurlp_deck_list_count(deck, "dynamics.equations") == 0)
    return (int32_t)neurlp_deck_integer(deck, "dynamics.order");
  const char *text = neurlp_deck_list_text(deck, "dynamics.equations", 0);
  int32_t primes = 0;
  for (; *text && *text != '='; text++) primes += *text == '\'';
  return primes == 2 ? 2 : 1;
}

static neurlp_status collect_parameters(const neurlp_deck *deck, neurlp_parameter *parameters) {
  const char *path = "dynamics.parameters";
  for (int32_t i = 0; i < neurlp_deck_map_count(deck, path); i++) {
    neurlp_parameter p = {neurlp_deck_map_key(deck, path, i), 1, -INFINITY, INFINITY};
    double fixed = 0;
    if (!neurlp_deck_map_number(deck, path, i, &p.start)) {
      (void)neurlp_deck_map_member(deck, path, i, "lower", &p.lower);
      (void)neurlp_deck_map_member(deck, path, i, "upper", &p.upper);
      (void)neurlp_deck_map_member(deck, path, i, "start", &p.start);
      if (neurlp_deck_map_member(deck, path, i, "fixed", &fixed)) p.start = p.lower = p.upper = fixed;
    }
    parameters[i] = p;
  }
  return NEURLP_SUCCESS;
}

/* Names of the inputs, which expressions have to be able to use. */
static neurlp_status collect_inputs(const neurlp_study *s, const char **inputs) {
  const neurlp_deck *deck = s->job->deck;
  for (int32_t i = 0; i < neurlp_deck_list_count(deck, "data.inputs"); i++) {
    inputs[i] = neurlp_deck_list_text(deck, "data.inputs", i);
    if (!neurlp_name_is_symbol(inputs[i]))
      return neurlp_deck_fail(
          s->context, deck, "data.inputs", i, 0,
          "'%s' is not a letter followed by letters, digits and underscores, so no equation "
          "can use it; name it otherwise in the data",
          inputs[i]);
  }
  return NEURLP_SUCCESS;
}

static neurlp_status collect(neurlp_study *s, collected *c, neurlp_model_spec *spec,
                             neurlp_library_spec *library) {
  neurlp_status status = NEURLP_SUCCESS;
  const neurlp_deck *deck = s->job->deck;
  const int32_t states = neurlp_deck_list_count(deck, "dynamics.states");
  const int32_t equations = neurlp_deck_list_count(deck, "dynamics.equations");
  const int32_t known = neurlp_deck_list_count(deck, "dynamics.known");
  const int32_t inputs = neurlp_deck_list_count(deck, "data.inputs");
  const int32_t definitions = neurlp_deck_map_count(deck, "dynamics.definitions");
  const int32_t parameters = neurlp_deck_map_count(deck, "dynamics.parameters");
  const int32_t terms = s->discover ? neurlp_deck_list_count(deck, "dynamics.library.terms") : 0;
  NEURLP_TRY(neurlp_allocate(s->context, s->dimensions, sizeof(char *), &c->states));
  NEURLP_TRY(neurlp_allocate(s->context, equations, sizeof(char *), &c->equations));
  NEURLP_TRY(neurlp_allocate(s->context, known, sizeof(char *), &c->known));
  NEURLP_TRY(neurlp_allocate(s->context, inputs, sizeof(char *), &c->inputs));
  NEURLP_TRY(neurlp_allocate(s->context, definitions, sizeof(char *), &c->definition_names));
  NEURLP_TRY(neurlp_allocate(s->context, definitions, sizeof(char *), &c->definitions));
  NEURLP_TRY(neurlp_allocate(s->context, parameters, sizeof(neurlp_parameter), &c->parameters));
  NEURLP_TRY(neurlp_allocate(s->context, terms, sizeof(char *), &c->terms));
  if (states > 0 && states != s->dimensions) {
    status =
        neurlp_fail(s->context, NEURLP_ERROR_DECK,
                    "%s:%d: dynamics.states names %d states, but the data have %d; name all, or choose with "
                    "data.states",
                    neurlp_deck_name(deck), neurlp_deck_line(deck, "dynamics.states"), states, s->dimensions);
    goto done;
  }
  for (int32_t k = 0; k < s->dimensions; k++)
    c->states[k] = states > 0 ? neurlp_deck_list_text(deck, "dynamics.states", k) : s->names[k];
  for (int32_t i = 0; i < equations; i++)
    c->equations[i] = neurlp_deck_list_text(deck, "dynamics.equations", i);
  for (int32_t i = 0; i < known; i++) c->known[i] = neurlp_deck_list_text(deck, "dynamics.known", i);
  for (int32_t i = 0; i < definitions; i++) {
    c->definition_names[i] = neurlp_deck_map_key(deck, "dynamics.definitions", i);
    c->definitions[i] = neurlp_deck_map_text(deck, "dynamics.definitions", i);
  }
  for (int32_t i = 0; i < terms; i++) c->terms[i] = neurlp_deck_list_text(deck, "dynamics.library.terms", i);
  NEURLP_TRY(collect_parameters(deck, c->parameters));
  NEURLP_TRY(collect_inputs(s, c->inputs));
  *spec = (neurlp_model_spec){.dimensions = s->dimensions,
                              .states = c->states,
                              .order = equation_order(deck),
                              .equation_count = equations,
                              .equations = c->equations,
                              .known_count = known,
                              .known = c->known,
                              .without_known = s->without_known,
                              .definition_count = definitions,
                              .definition_names = c->definition_names,
                              .definitions = c->definitions,
                              .parameter_count = parameters,
                              .parameters = c->parameters,
                              .input_count = inputs,
                              .inputs = c->inputs};
  if (s->discover) {
    *library = (neurlp_library_spec){
        .polynomial = (int32_t)neurlp_deck_integer(deck, "dynamics.library.polynomial"),
        .trigonometric = (int32_t)neurlp_deck_integer(deck, "dynamics.library.trigonometric"),
        .term_count = terms,
        .terms = c->terms};
    spec->library = library;
  }
done:
  return status;
}

/* Points at the text that is at fault. */
static neurlp_status blame_deck(const neurlp_study *s, const neurlp_model_fault *fault) {
  const neurlp_deck *deck = s->job->deck;
  char message[1024];
  snprintf(message, sizeof message, "%s", neurlp_context_message(s->context));
  const char *path = fault->part == NEURLP_MODEL_EQUATION     ? "dynamics.equations"
                     : fault->part == NEURLP_MODEL_KNOWN      ? "dynamics.known"
                     : fault->part == NEURLP_MODEL_DEFINITION ? "dynamics.definitions"
                     : s->discover                            ? "dynamics.library.terms"
                                                              : "dynamics.equations";
  const int32_t index = fault->part == NEURLP_MODEL_WHOLE ? -1 : fault->index;
  return neurlp_deck_fail(s->context, deck, path, index, fault->column > 0 ? fault->column - 1 : 0, "%s",
                          message);
}

neurlp_status neurlp_study_make_model(neurlp_study *s) {
  neurlp_context *context = s->context;
  neurlp_status status = NEURLP_SUCCESS;
  collected c = {0};
  neurlp_model_spec spec = {0};
  neurlp_library_spec library = {0};
  neurlp_model_fault fault = {0};
  NEURLP_TRY(collect(s, &c, &spec, &library));
  spec.fault = &fault;
  NEURLP_TRY(neurlp_model_create(context, &spec, &s->model));
done:
  neurlp_release(context, &c.states);
  neurlp_release(context, &c.equations);
  neurlp_release(context, &c.known);
  neurlp_release(context, &c.inputs);
  neurlp_release(context, &c.definition_names);
  neurlp_release(context, &c.definitions);
  neurlp_release(context, &c.parameters);
  neurlp_release(context, &c.terms);
  if (status == NEURLP_ERROR_SYNTAX || status == NEURLP_ERROR_ARGUMENT) status = blame_deck(s, &fault);
  return status;
}
