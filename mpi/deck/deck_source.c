/* Where the inputs of a block come from, and what is minimised. */
#include "deck/deck_members.h"
#include "deck/deck_value.h"
#include "deck/deck_wiring.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Words for kinds of sources, by neurlp_source_kind. */
static const char *const kind_words[] = {"none", "constant", "parameter", "network",
                                         "data", "states",   "library"};

static neurlp_source_kind find_kind(const char *word) {
  for (int32_t i = 0; i <= NEURLP_SOURCE_LIBRARY; i++)
    if (strcmp(word, kind_words[i]) == 0) return (neurlp_source_kind)i;
  return NEURLP_SOURCE_NONE;
}

/* A number, or a list of them. */
static void read_numbers(neurlp_deck_report *report, const neurlp_deck_node *node,
                         neurlp_source_spec *source) {
  const bool list = node->kind == NEURLP_NODE_LIST;
  source->numbers =
      neurlp_deck_arena_take(report->arena, ((size_t)(list ? node->count : 1) + 1) * sizeof(double));
  if (!source->numbers) return;
  if (!list)
    (void)neurlp_deck_member_number(report, node, &source->numbers[source->number_count++]);
  else
    for (const neurlp_deck_node *child = node->first; child; child = child->next)
      (void)neurlp_deck_member_number(report, child, &source->numbers[source->number_count++]);
}

/* The one member that says what the source is; NULL, and a report, if there is none or one too many. */
static const neurlp_deck_node *find_main_member(neurlp_deck_report *report, const neurlp_deck_key *key,
                                                const neurlp_deck_node *map, char *list, size_t list_bytes) {
  const neurlp_deck_node *found = NULL;
  size_t length = 0;
  for (int32_t i = 0; i < NEURLP_KEY_CHOICES && key->choices[i]; i++) {
    const neurlp_deck_node *member = neurlp_deck_member(map, key->choices[i]);
    if (length < list_bytes)
      length += (size_t)snprintf(list + length, list_bytes - length, "%s%s", i ? ", " : "", key->choices[i]);
    if (member && found)
      neurlp_deck_report_add(report, member->key_place, "'%s' comes from both '%s' and '%s'; leave one out",
                             key->path, found->key, member->key);
    if (member) found = member;
  }
  if (!found) neurlp_deck_report_add(report, map->place, "'%s' must come from one of: %s", key->path, list);
  return found;
}

static bool takes_range(const neurlp_deck_key *key, neurlp_source_kind kind) {
  if (kind == NEURLP_SOURCE_NETWORK) return true;
  return kind == NEURLP_SOURCE_PARAMETER && strcmp(key->path, "inputs.coefficients") == 0;
}

/* A range for each derivative: [[-1, 1], [0, 2], 1], a number for what does not change. */
static bool has_ranges(const neurlp_deck_node *range) {
  for (const neurlp_deck_node *child = range->first; child && range->kind == NEURLP_NODE_LIST;
       child = child->next)
    if (child->kind == NEURLP_NODE_LIST) return true;
  return false;
}

static void read_ranges(neurlp_deck_report *report, const neurlp_deck_key *key, const neurlp_deck_node *range,
                        neurlp_source_spec *source) {
  if (strcmp(key->path, "inputs.coefficients") != 0)
    neurlp_deck_report_add(report, range->place, "'%s' has one range: [from, to]", key->path);
  source->ranges = neurlp_deck_arena_take(report->arena, 2 * (size_t)range->count * sizeof(double));
  if (!source->ranges) return;
  for (const neurlp_deck_node *child = range->first; child; child = child->next) {
    double *bounds = source->ranges + 2 * source->range_count++;
    if (child->kind == NEURLP_NODE_LIST)
      (void)neurlp_deck_member_range(report, child, &bounds[0], &bounds[1]);
    else if (neurlp_deck_member_number(report, child, &bounds[0]))
      bounds[1] = bounds[0];
  }
}

static void read_modifiers(neurlp_deck_report *report, const neurlp_deck_key *key,
                           const neurlp_deck_node *map, neurlp_source_spec *source) {
  const char *names[NEURLP_KEY_CHOICES + 5] = {"range", "residual", "solve", "steady"};
  for (int32_t i = 0; i < NEURLP_KEY_CHOICES && key->choices[i]; i++) names[4 + i] = key->choices[i];
  const neurlp_deck_node *range = neurlp_deck_member(map, "range");
  const neurlp_deck_node *residual = neurlp_deck_member(map, "residual"),
                         *solve = neurlp_deck_member(map, "solve"),
                         *steady = neurlp_deck_member(map, "steady");
  neurlp_deck_check_members(report, map, key->path, names);
  if (range && has_ranges(range))
    read_ranges(report, key, range, source);
  else if (range)
    source->ranged = neurlp_deck_member_range(report, range, &source->lower, &source->upper);
  if (steady) (void)neurlp_deck_member_flag(report, steady, &source->steady);
  if (residual) (void)neurlp_deck_member_flag(report, residual, &source->residual);
  if (solve) (void)neurlp_deck_member_flag(report, solve, &source->solved);
  if (range && !takes_range(key, source->kind))
    neurlp_deck_report_add(
        report, range->key_place,
        "'range' is for what comes from a network, and for coefficients that are a parameter");
  if (residual && strcmp(key->path, "inputs.states") != 0)
    neurlp_deck_report_add(report, residual->key_place, "'residual' is for states only");
  else if (range && source->residual)
    neurlp_deck_report_add(report, range->key_place,
                           "a range is one of all of the states; leave 'residual' out");
  else if (residual && source->kind != NEURLP_SOURCE_NETWORK)
    neurlp_deck_report_add(report, residual->key_place, "'residual' is for what comes from a network");
  if (steady && (strcmp(key->path, "inputs.coefficients") != 0 || source->kind != NEURLP_SOURCE_NETWORK))
    neurlp_deck_report_add(report, steady->key_place, "'steady' is for coefficients from a network");
  if (solve && (strcmp(key->path, "inputs.weights") != 0 || source->kind != NEURLP_SOURCE_PARAMETER))
    neurlp_deck_report_add(report, solve->key_place, "'solve' is for weights that are a parameter");
}

neurlp_deck_source_value *neurlp_deck_read_source(neurlp_deck_report *report, const neurlp_deck_key *key,
                                                  const neurlp_deck_node *node) {
  neurlp_deck_source_value *value = neurlp_deck_arena_take(report->arena, sizeof *value);
  char list[128] = "";
  if (!value) return NULL;
  if (node->kind != NEURLP_NODE_MAP) {
    const int32_t word = neurlp_deck_member_word(report, node, key->path, key->choices);
    if (word >= 0) value->source.kind = find_kind(key->choices[word]);
    const bool numbers =
        value->source.kind == NEURLP_SOURCE_CONSTANT ||
        (value->source.kind == NEURLP_SOURCE_PARAMETER && strcmp(key->path, "inputs.weights") != 0);
    if (numbers || value->source.kind == NEURLP_SOURCE_NETWORK)
      neurlp_deck_report_add(report, node->place, "'%s' needs to be told which: {%s: ...}", key->path,
                             node->text);
    return value;
  }
  const neurlp_deck_node *main_member = find_main_member(report, key, node, list, sizeof list);
  if (!main_member) return value;
  value->source.kind = find_kind(main_member->key);
  if (value->source.kind == NEURLP_SOURCE_NETWORK) {
    value->network = main_member->kind == NEURLP_NODE_SCALAR ? main_member->text : "";
    value->network_node = main_member;
  } else if (value->source.kind == NEURLP_SOURCE_CONSTANT || value->source.kind == NEURLP_SOURCE_PARAMETER) {
    const bool shared = main_member->kind == NEURLP_NODE_SCALAR && strcmp(main_member->text, "shared") == 0;
    if (!shared) read_numbers(report, main_member, &value->source);
    if (shared != (strcmp(key->path, "inputs.weights") == 0))
      neurlp_deck_report_add(report, main_member->place,
                             shared ? "'shared' is for weights; give numbers to begin with"
                                    : "weights begin at 0: write {parameter: shared}");
  } else if (!neurlp_deck_node_empty(main_member)) {
    neurlp_deck_report_add(report, main_member->place, "'%s' takes no value here; write '%s: %s'",
                           main_member->key, neurlp_deck_path_leaf(key->path), main_member->key);
  }
  read_modifiers(report, key, node, &value->source);
  return value;
}

/* Grid points that count: [first, end], end being the first one that does not. */
static void read_steps(neurlp_deck_report *report, const neurlp_deck_node *node, neurlp_loss_spec *loss) {
  const double most = 9007199254740992.0; /* 2^53 */
  double first = 0, end = 0;
  if (loss->of == NEURLP_LOSS_OF_WEIGHTS)
    neurlp_deck_report_add(report, node->key_place, "'steps' are of windows, and weights have none");
  else if (!neurlp_deck_member_range(report, node, &first, &end))
    return;
  else if (!(first >= 0 && end <= most && first == floor(first) && end == floor(end)))
    neurlp_deck_report_add(report, node->place,
                           "'steps' must be two integers, counted from 0: [first, end]; end is the first one "
                           "that does not count");
  loss->first = first >= 0 && first <= most ? (int64_t)first : 0;
  loss->end = end >= 0 && end <= most ? (int64_t)end : 0;
}

static void read_loss(neurlp_deck_report *report, const neurlp_deck_node *node, neurlp_loss_spec *loss) {
  static const char *const of[] = {"solution", "states", "weights", NULL};
  static const char *const names[] = {"of", "measure", "weight", "steps", "against", NULL};
  static const char *const others[] = {"data", "states", NULL};
  static const char *const measures[] = {"square", "absolute", "relative", "l1", "l2", NULL};
  *loss = (neurlp_loss_spec){.weight = 1};
  if (node->kind != NEURLP_NODE_MAP) {
    const int32_t word = neurlp_deck_member_word(report, node, "a loss", of);
    if (word >= 0) loss->of = (neurlp_loss_of)word;
    return;
  }
  const neurlp_deck_node *what = neurlp_deck_member(node, "of"),
                         *measure = neurlp_deck_member(node, "measure");
  const neurlp_deck_node *weight = neurlp_deck_member(node, "weight"),
                         *steps = neurlp_deck_member(node, "steps"),
                         *against = neurlp_deck_member(node, "against");
  neurlp_deck_check_members(report, node, "a loss", names);
  if (!what) {
    neurlp_deck_report_add(report, node->place, "a loss has to say of what: {of: solution}");
    return;
  }
  const int32_t word = neurlp_deck_member_word(report, what, "'of'", of);
  if (word >= 0) loss->of = (neurlp_loss_of)word;
  if (loss->of == NEURLP_LOSS_OF_WEIGHTS) loss->measure = NEURLP_MEASURE_L1;
  const int32_t kind = measure ? neurlp_deck_member_word(report, measure, "'measure'", measures) : -1;
  if (kind >= 0) loss->measure = (neurlp_loss_measure)kind;
  if (kind >= 0 && (loss->of == NEURLP_LOSS_OF_WEIGHTS) != (loss->measure >= NEURLP_MEASURE_L1))
    neurlp_deck_report_add(report, measure->place, "l1 and l2 are for weights, and only for them");
  if (against) loss->against_states = neurlp_deck_member_word(report, against, "'against'", others) == 1;
  if (against && loss->of != NEURLP_LOSS_OF_SOLUTION)
    neurlp_deck_report_add(report, against->key_place, "'against' is for losses of the solution");
  if (weight && neurlp_deck_member_number(report, weight, &loss->weight) && !(loss->weight > 0))
    neurlp_deck_report_add(report, weight->place, "'weight' is %g; it must be more than 0", loss->weight);
  if (steps) read_steps(report, steps, loss);
}

neurlp_deck_losses *neurlp_deck_read_losses(neurlp_deck_report *report, const neurlp_deck_node *node) {
  enum { MOST = 8 };
  if (node->kind != NEURLP_NODE_LIST || node->count == 0 || node->count > MOST) {
    neurlp_deck_report_add(report, node->place,
                           "'loss' must be a list of 1 to %d: [{of: solution}, {of: states}]", MOST);
    return NULL;
  }
  neurlp_deck_losses *all = neurlp_deck_arena_take(report->arena, sizeof *all);
  neurlp_loss_spec *losses = neurlp_deck_arena_take(report->arena, (size_t)node->count * sizeof *losses);
  if (!all || !losses) return NULL;
  all->losses = losses;
  for (const neurlp_deck_node *child = node->first; child; child = child->next)
    read_loss(report, child, &losses[all->count++]);
  return all;
}
