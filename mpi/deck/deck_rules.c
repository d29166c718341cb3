#include "deck/deck_check.h"

#include "deck/deck_names.h"
#include "deck/deck_number.h"
#include "deck/deck_value.h"
#include "deck/deck_wiring.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 128 };

static bool is_there(const neurlp_deck *deck, const char *path) {
  return neurlp_deck_node_find(deck->root, path) != NULL;
}

static void section_of(const char *path, char section[PATH_BYTES]) {
  snprintf(section, PATH_BYTES, "%.*s", (int)neurlp_deck_path_parent(path), path);
}

/* Where something is missing from a section: at its key, or nowhere if it is not there either. */
static neurlp_deck_place place_of_section(const neurlp_deck *deck, const char *section) {
  const neurlp_deck_node *node = *section ? neurlp_deck_node_find(deck->root, section) : NULL;
  return node ? node->key_place : (neurlp_deck_place){NEURLP_PLACE_DECK, NEURLP_PLACE_NOWHERE};
}

/* False for a section that is no mapping: that is reported already, and its keys are not missed. */
static bool can_miss(const neurlp_deck *deck, const char *section) {
  const neurlp_deck_node *node = neurlp_deck_node_find(deck->root, section);
  if (!node) return !neurlp_deck_section_optional(section);
  return node->kind == NEURLP_NODE_MAP || neurlp_deck_node_empty(node);
}

static void check_required(const neurlp_deck *deck, neurlp_deck_report *report) {
  for (int32_t i = 0; i < neurlp_deck_key_count; i++) {
    const neurlp_deck_key *key = &neurlp_deck_keys[i];
    char section[PATH_BYTES];
    section_of(key->path, section);
    if ((key->required & deck->task) != deck->task || deck->values[i].given || !can_miss(deck, section))
      continue;
    char range[PATH_BYTES];
    neurlp_deck_range_words(key, range, sizeof range);
    neurlp_deck_report_add(report, place_of_section(deck, section), "missing key '%s'%s%s%s: %s", key->path,
                           *range ? " (" : "", range, *range ? ")" : "", key->sentence);
  }
}

static bool comes_later(const neurlp_deck_node *one, const neurlp_deck_node *other) {
  return one->key_place.origin != other->key_place.origin ? one->key_place.origin > other->key_place.origin
                                                          : one->key_place.offset > other->key_place.offset;
}

/* Two keys that exclude each other; false unless both are there. */
static bool check_both(const neurlp_deck *deck, neurlp_deck_report *report, const char *section,
                       const char *one_path, const char *other_path) {
  const neurlp_deck_node *one = neurlp_deck_node_find(deck->root, one_path);
  const neurlp_deck_node *other = other_path ? neurlp_deck_node_find(deck->root, other_path) : NULL;
  if (!one || !other) return false;
  neurlp_deck_report_add(report, comes_later(one, other) ? one->key_place : other->key_place,
                         "'%s' has both '%s' and '%s'; leave one of them out", section,
                         neurlp_deck_path_leaf(one_path), neurlp_deck_path_leaf(other_path));
  return true;
}

static void check_eithers(const neurlp_deck *deck, neurlp_deck_report *report) {
  for (int32_t i = 0; i < neurlp_deck_either_count; i++) {
    const neurlp_deck_either *either = &neurlp_deck_eithers[i];
    const char *third = either->third;
    if (check_both(deck, report, either->section, either->one, either->other) ||
        check_both(deck, report, either->section, either->one, third) ||
        check_both(deck, report, either->section, either->other, third) || is_there(deck, either->one) ||
        is_there(deck, either->other) || (third && is_there(deck, third)) || !can_miss(deck, either->section))
      continue;
    neurlp_deck_report_add(report, place_of_section(deck, either->section),
                           "'%s' needs either '%s' or '%s'%s%s%s", either->section,
                           neurlp_deck_path_leaf(either->one), neurlp_deck_path_leaf(either->other),
                           third ? " or '" : "", third ? neurlp_deck_path_leaf(third) : "", third ? "'" : "");
  }
}

static bool has_special_value(const neurlp_deck *deck, int32_t key) {
  double special = 0.0;
  if (!neurlp_deck_keys[key].special || neurlp_deck_read_number(neurlp_deck_keys[key].special, &special))
    return false;
  const neurlp_deck_value *value = &deck->values[key];
  const double number =
      neurlp_deck_keys[key].kind == NEURLP_KEY_INTEGER ? (double)value->integer : value->number;
  return value->present && number == special;
}

static void check_needs(const neurlp_deck *deck, neurlp_deck_report *report) {
  for (int32_t i = 0; i < neurlp_deck_need_count; i++) {
    const neurlp_deck_need *need = &neurlp_deck_needs[i];
    const neurlp_deck_node *node = neurlp_deck_node_find(deck->root, need->key);
    const int32_t needed = neurlp_deck_key_find(need->needs);
    if (!node || (deck->values[needed].given && !has_special_value(deck, needed))) continue;
    const neurlp_deck_node *wrong = deck->values[needed].node ? deck->values[needed].node : node;
    neurlp_deck_report_add(report, wrong->key_place, "'%s' needs '%s': %s", need->key, need->needs,
                           need->reason);
  }
}

static void check_samples(const neurlp_deck *deck, neurlp_deck_report *report) {
  const neurlp_deck_value *first = &deck->values[neurlp_deck_key_find("data.first")];
  const neurlp_deck_value *end = &deck->values[neurlp_deck_key_find("data.end")];
  if (!end->present || end->integer < 0 || !end->node || end->integer > first->integer) return;
  neurlp_deck_report_add(report, end->node->place,
                         "'data.end' is %lld and 'data.first' is %lld: no sample is between them; end is the "
                         "first sample that is not used",
                         (long long)end->integer, (long long)first->integer);
}

/* Sources name networks, which are looked up here. */
static void find_network(neurlp_deck_report *report, const neurlp_deck_networks *all,
                         neurlp_deck_source_value *value) {
  neurlp_name_search search = {.written = value->network};
  value->source.network = -1;
  for (int32_t i = 0; all && i < all->count; i++) {
    neurlp_name_offer(&search, all->networks[i].name);
    if (strcmp(all->networks[i].name, value->network) == 0) value->source.network = i;
  }
  if (value->source.network >= 0) return;
  const neurlp_deck_quote quote = neurlp_deck_quoted(value->network);
  if (search.nearest)
    neurlp_deck_report_add(report, value->network_node->place, "no network is called %s; did you mean '%s'?",
                           quote.text, search.nearest);
  else
    neurlp_deck_report_add(report, value->network_node->place,
                           "no network is called %s; give it in 'networks'", quote.text);
}

/* A network has one use: its parameters are named after it, and its width follows from what it is for. */
static void check_use(neurlp_deck *deck, neurlp_deck_report *report, int32_t key,
                      const neurlp_deck_source_value *value) {
  for (int32_t i = 0; i < key; i++) {
    const neurlp_deck_source_value *other = deck->values[i].wiring;
    if (neurlp_deck_keys[i].kind != NEURLP_KEY_SOURCE || !other || !other->network) continue;
    if (strcmp(other->network, value->network) != 0) continue;
    neurlp_deck_report_add(report, value->network_node->place,
                           "network '%s' is that of '%s' already; give '%s' one of its own", value->network,
                           neurlp_deck_keys[i].path, neurlp_deck_keys[key].path);
    return;
  }
}

static void check_sources(neurlp_deck *deck, neurlp_deck_report *report) {
  const neurlp_deck_networks *all = deck->values[neurlp_deck_key_find("networks")].wiring;
  for (int32_t i = 0; i < neurlp_deck_key_count; i++) {
    if (neurlp_deck_keys[i].kind != NEURLP_KEY_SOURCE) continue;
    neurlp_deck_source_value *value = deck->values[i].wiring;
    if (!value || !value->network) continue;
    find_network(report, all, value);
    if (value->source.network >= 0) check_use(deck, report, i, value);
  }
}

/* Whether a part of the work is left to PETSc by a key that chooses it. */
static bool is_left(const neurlp_deck *deck, const char *key, const char *choice) {
  const neurlp_deck_value *value = &deck->values[neurlp_deck_key_find(key)];
  return value->given && value->text && strcmp(value->text, choice) == 0;
}

static void check_petsc(const neurlp_deck *deck, neurlp_deck_report *report) {
  const neurlp_deck_node *options = neurlp_deck_node_find(deck->root, "petsc.options");
  const bool integrates = is_left(deck, "data.integrator", "petsc");
  if (integrates && !is_there(deck, "data.generate"))
    neurlp_deck_report_add(
        report, neurlp_deck_node_find(deck->root, "data.integrator")->key_place,
        "'data.integrator' is petsc, but only generated data are integrated; leave it out");
  if (options && !integrates && !is_left(deck, "train.optimizer", "tao") &&
      !is_left(deck, "learn.optimizer", "tao"))
    neurlp_deck_report_add(
        report, options->key_place,
        "'petsc.options' is there, but nothing in this deck is left to PETSc; add "
        "'data.integrator: petsc', 'train.optimizer: tao' or 'learn.optimizer: tao', or leave it out");
}

void neurlp_deck_check_rules(neurlp_deck *deck, neurlp_deck_report *report) {
  if (deck->root->kind != NEURLP_NODE_MAP && !neurlp_deck_node_empty(deck->root)) return;
  check_required(deck, report);
  check_eithers(deck, report);
  check_needs(deck, report);
  check_sources(deck, report);
  check_petsc(deck, report);
  if (is_there(deck, "data.end")) check_samples(deck, report);
}

/* The deck's name without folder and ending, in the current folder. */
static const char *default_output(neurlp_deck *deck) {
  const char *slash = strrchr(deck->source.name, '/');
  const char *base = slash ? slash + 1 : deck->source.name;
  const char *dot = strrchr(base, '.');
  const bool ending = dot && dot > base && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
  const size_t length = ending ? (size_t)(dot - base) : strlen(base);
  char *text = neurlp_deck_arena_take(&deck->arena, length + sizeof ".h5");
  if (!text) return NULL;
  memcpy(text, base, length);
  memcpy(text + length, ".h5", sizeof ".h5");
  return text;
}

void neurlp_deck_fill_defaults(neurlp_deck *deck, neurlp_deck_report *report) {
  for (int32_t i = 0; i < neurlp_deck_key_count; i++) {
    const neurlp_deck_key *key = &neurlp_deck_keys[i];
    if (deck->values[i].given || !key->preset) continue;
    const neurlp_deck_node *node = neurlp_deck_node_scalar(&deck->arena, key->preset, false);
    if (!node) return;
    neurlp_deck_value_read(report, key, node, &deck->values[i]);
  }
  neurlp_deck_value *output = &deck->values[neurlp_deck_key_find("output.file")];
  if (output->given) return;
  output->text = default_output(deck);
  output->present = output->text != NULL;
}
