#include "deck/deck_value.h"

#include "deck/deck_names.h"
#include "deck/deck_number.h"
#include "deck/deck_wiring.h"
#include "system/catalogue.h"
#include "system/pde/known_pde.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const neurlp_deck_members[NEURLP_MEMBERS] = {"start", "lower", "upper", "fixed"};

neurlp_deck_quote neurlp_deck_quoted(const char *text) {
  neurlp_deck_quote quote;
  const int shown = 40;
  snprintf(quote.text, sizeof quote.text, "'%.*s'%s", shown, text, strlen(text) > (size_t)shown ? "..." : "");
  return quote;
}

/* The values that a key can have, in words that end a message. */
typedef struct hint {
  char text[256];
} hint;

static hint allowed(const neurlp_deck_key *key) {
  hint h = {""};
  char range[128];
  neurlp_deck_range_words(key, range, sizeof range);
  const char *article = key->kind == NEURLP_KEY_INTEGER ? "an integer, " : "";
  const char *unit = key->unit ? key->unit : "";
  if (range[0] && key->special)
    snprintf(h.text, sizeof h.text, "; it must be %s%s%s%s, or %s (%s)", article, range, *unit ? " " : "",
             unit, key->special, key->special_words);
  else if (range[0])
    snprintf(h.text, sizeof h.text, "; it must be %s%s%s%s", article, range, *unit ? " " : "", unit);
  return h;
}

static void expected(neurlp_deck_report *report, const neurlp_deck_node *node, const char *name,
                     const char *what) {
  static const char *const kinds[] = {"", ", not a list", ", not a mapping"};
  if (neurlp_deck_node_empty(node))
    neurlp_deck_report_add(report, node->key_place, "'%s' has no value; it must be %s, or leave the key out",
                           name, what);
  else
    neurlp_deck_report_add(report, node->place, "'%s' must be %s%s", name, what, kinds[node->kind]);
}

static bool in_range(const neurlp_range *range, double value) {
  if (range->lower_limit == NEURLP_LIMIT_CLOSED && value < range->lower) return false;
  if (range->lower_limit == NEURLP_LIMIT_OPEN && value <= range->lower) return false;
  if (range->upper_limit == NEURLP_LIMIT_CLOSED && value > range->upper) return false;
  if (range->upper_limit == NEURLP_LIMIT_OPEN && value >= range->upper) return false;
  return true;
}

/* A number without regard to a range; false if it is none (reported). */
static bool read_number(neurlp_deck_report *report, const neurlp_deck_node *node, const char *name,
                        double *number) {
  if (node->kind != NEURLP_NODE_SCALAR || neurlp_deck_node_empty(node)) {
    expected(report, node, name, "a number");
    return false;
  }
  const char *wrong = node->quoted ? "is a text; leave out the quotes" : NULL;
  if (!wrong) wrong = neurlp_deck_read_number(node->text, number);
  if (wrong)
    neurlp_deck_report_add(report, node->place, "'%s' must be a number, but %s %s", name,
                           neurlp_deck_quoted(node->text).text, wrong);
  return !wrong;
}

static bool is_special(const neurlp_deck_key *key, double value) {
  double special = 0.0;
  return key->special && !neurlp_deck_read_number(key->special, &special) && value == special;
}

static bool read_key_number(neurlp_deck_report *report, const neurlp_deck_key *key,
                            const neurlp_deck_node *node, double *number) {
  if (!read_number(report, node, key->path, number)) return false;
  if (in_range(&key->range, *number) || is_special(key, *number)) return true;
  neurlp_deck_report_add(report, node->place, "'%s' is %s%s", key->path, node->text, allowed(key).text);
  return false;
}

static bool read_integer(neurlp_deck_report *report, const neurlp_deck_key *key, const neurlp_deck_node *node,
                         int64_t *integer) {
  if (node->kind != NEURLP_NODE_SCALAR || neurlp_deck_node_empty(node)) {
    expected(report, node, key->path, "an integer");
    return false;
  }
  const char *wrong = node->quoted ? "is a text; leave out the quotes" : NULL;
  if (!wrong) wrong = neurlp_deck_read_integer(node->text, integer);
  if (wrong) {
    neurlp_deck_report_add(report, node->place, "'%s' must be an integer, but %s %s", key->path,
                           neurlp_deck_quoted(node->text).text, wrong);
    return false;
  }
  if (in_range(&key->range, (double)*integer) || is_special(key, (double)*integer)) return true;
  neurlp_deck_report_add(report, node->place, "'%s' is %lld%s", key->path, (long long)*integer,
                         allowed(key).text);
  return false;
}

static bool read_flag(neurlp_deck_report *report, const neurlp_deck_key *key, const neurlp_deck_node *node,
                      int64_t *flag) {
  const bool scalar = node->kind == NEURLP_NODE_SCALAR && !neurlp_deck_node_empty(node);
  *flag = scalar && strcmp(node->text, "true") == 0;
  if (scalar && !node->quoted && (*flag || strcmp(node->text, "false") == 0)) return true;
  if (scalar)
    neurlp_deck_report_add(report, node->place, "'%s' must be true or false, not %s%s", key->path,
                           neurlp_deck_quoted(node->text).text, node->quoted ? " in quotes" : "");
  else
    expected(report, node, key->path, "true or false");
  return false;
}

static bool read_text(neurlp_deck_report *report, const neurlp_deck_node *node, const char *name,
                      const char **text) {
  if (node->kind != NEURLP_NODE_SCALAR || neurlp_deck_node_empty(node)) {
    expected(report, node, name, "a text");
    return false;
  }
  *text = node->text;
  if (**text) return true;
  neurlp_deck_report_add(report, node->place, "'%s' is an empty text", name);
  return false;
}

static void check_catalogue(neurlp_deck_report *report, const neurlp_deck_key *key,
                            const neurlp_deck_node *node) {
  if (neurlp_catalogue_find(node->text) || neurlp_known_pde_find(node->text)) return;
  neurlp_name_search search = {.written = node->text};
  char names[512] = "";
  size_t length = 0;
  const int32_t ordinary = neurlp_catalogue_count();
  for (int32_t i = 0; i < ordinary + neurlp_known_pde_count(); i++) {
    const char *name =
        i < ordinary ? neurlp_catalogue_get(i)->name : neurlp_known_pde_get(i - ordinary)->name;
    neurlp_name_offer(&search, name);
    if (length < sizeof names)
      length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", i ? ", " : "", name);
  }
  if (search.nearest)
    neurlp_deck_report_add(report, node->place, "'%s' is %s, which no system is called; did you mean '%s'?",
                           key->path, neurlp_deck_quoted(node->text).text, search.nearest);
  else
    neurlp_deck_report_add(report, node->place, "'%s' is %s, which no system is called; there are %s",
                           key->path, neurlp_deck_quoted(node->text).text, names);
}

static void read_choice(neurlp_deck_report *report, const neurlp_deck_key *key, const neurlp_deck_node *node,
                        neurlp_deck_value *value) {
  const char *text = NULL;
  if (!read_text(report, node, key->path, &text)) return;
  neurlp_name_search search = {.written = text};
  for (int32_t i = 0; i < NEURLP_KEY_CHOICES && key->choices[i]; i++) {
    neurlp_name_offer(&search, key->choices[i]);
    if (strcmp(text, key->choices[i]) == 0) {
      value->text = text;
      value->present = true;
      return;
    }
  }
  if (search.nearest)
    neurlp_deck_report_add(report, node->place, "'%s' is %s%s; did you mean '%s'?", key->path,
                           neurlp_deck_quoted(text).text, allowed(key).text, search.nearest);
  else
    neurlp_deck_report_add(report, node->place, "'%s' is %s%s", key->path, neurlp_deck_quoted(text).text,
                           allowed(key).text);
}

/* Two numbers in brackets. */
static bool read_pair(neurlp_deck_report *report, const neurlp_deck_node *node, const char *what,
                      double numbers[2]) {
  if (node->kind != NEURLP_NODE_LIST || node->count != 2) {
    neurlp_deck_report_add(report, node->place, "'%s' must be a list of two numbers: %s", node->key, what);
    return false;
  }
  return read_number(report, node->first, node->key, &numbers[0]) &&
         read_number(report, node->last, node->key, &numbers[1]);
}

static void read_distribution(neurlp_deck_report *report, const neurlp_deck_node *node,
                              neurlp_deck_entry *entry) {
  entry->form = NEURLP_ENTRY_NUMBER;
  if (node->kind == NEURLP_NODE_SCALAR) {
    read_number(report, node, node->key, &entry->numbers[0]);
    return;
  }
  const neurlp_deck_node *kind = node->kind == NEURLP_NODE_MAP && node->count == 1 ? node->first : NULL;
  if (kind && strcmp(kind->key, "uniform") == 0) {
    entry->form = NEURLP_ENTRY_UNIFORM;
    if (read_pair(report, kind, "[from, to]", entry->numbers) && !(entry->numbers[0] <= entry->numbers[1]))
      neurlp_deck_report_add(report, kind->place, "'uniform' of '%s' ends before it begins; write [from, to]",
                             node->key);
  } else if (kind && strcmp(kind->key, "normal") == 0) {
    entry->form = NEURLP_ENTRY_NORMAL;
    if (read_pair(report, kind, "[mean, deviation]", entry->numbers) && !(entry->numbers[1] >= 0.0))
      neurlp_deck_report_add(report, kind->place,
                             "the deviation of '%s' is negative; write [mean, deviation]", node->key);
  } else {
    neurlp_deck_report_add(report, node->place,
                           "'%s' must be a number, {uniform: [from, to]} or {normal: [mean, deviation]}",
                           node->key);
  }
}

/* One member of {start: 1, lower: 0, upper: 2}; false if it is unknown or no number. */
static bool read_member(neurlp_deck_report *report, const neurlp_deck_node *member,
                        neurlp_deck_entry *entry) {
  neurlp_name_search search = {.written = member->key};
  for (int32_t i = 0; i < NEURLP_MEMBERS; i++) {
    neurlp_name_offer(&search, neurlp_deck_members[i]);
    if (strcmp(member->key, neurlp_deck_members[i]) != 0) continue;
    if (entry->members >> i & 1) {
      neurlp_deck_report_add(report, member->key_place, "'%s' is there twice", member->key);
      return false;
    }
    entry->members |= 1u << i;
    return read_number(report, member, member->key, &entry->numbers[i]);
  }
  if (search.nearest)
    neurlp_deck_report_add(report, member->key_place, "unknown key %s; did you mean '%s'?",
                           neurlp_deck_quoted(member->key).text, search.nearest);
  else
    neurlp_deck_report_add(report, member->key_place,
                           "unknown key %s; a parameter has start, lower and upper, or fixed",
                           neurlp_deck_quoted(member->key).text);
  return false;
}

static void check_members(neurlp_deck_report *report, const neurlp_deck_node *node,
                          const neurlp_deck_entry *entry) {
  const double *n = entry->numbers;
  const bool fixed = entry->members >> NEURLP_MEMBER_FIXED & 1;
  const bool start = entry->members >> NEURLP_MEMBER_START & 1;
  const bool lower = entry->members >> NEURLP_MEMBER_LOWER & 1;
  const bool upper = entry->members >> NEURLP_MEMBER_UPPER & 1;
  if (fixed && (start || lower || upper))
    neurlp_deck_report_add(report, node->key_place, "'%s' is fixed; leave out start, lower and upper",
                           node->key);
  else if (!fixed && !start)
    neurlp_deck_report_add(report, node->key_place, "'%s' needs a start (or fixed, if it is known)",
                           node->key);
  else if (lower && upper && !(n[NEURLP_MEMBER_LOWER] < n[NEURLP_MEMBER_UPPER]))
    neurlp_deck_report_add(report, node->key_place, "the lower bound of '%s' is not below the upper one",
                           node->key);
  else if ((lower && n[NEURLP_MEMBER_START] < n[NEURLP_MEMBER_LOWER]) ||
           (upper && n[NEURLP_MEMBER_START] > n[NEURLP_MEMBER_UPPER]))
    neurlp_deck_report_add(report, node->key_place, "the start of '%s' is outside its bounds", node->key);
}

static void read_parameter(neurlp_deck_report *report, const neurlp_deck_node *node,
                           neurlp_deck_entry *entry) {
  entry->form = NEURLP_ENTRY_NUMBER;
  if (node->kind != NEURLP_NODE_MAP) {
    if (node->kind == NEURLP_NODE_LIST)
      expected(report, node, node->key, "a number, {start, lower, upper} or {fixed: value}");
    else
      read_number(report, node, node->key, &entry->numbers[0]);
    return;
  }
  entry->form = NEURLP_ENTRY_MEMBERS;
  bool good = true;
  for (const neurlp_deck_node *member = node->first; member; member = member->next)
    good = read_member(report, member, entry) && good;
  if (good) check_members(report, node, entry);
}

static void read_entry(neurlp_deck_report *report, const neurlp_deck_key *key, const neurlp_deck_node *node,
                       neurlp_deck_entry *entry) {
  entry->key = node->key;
  entry->node = node;
  entry->form = NEURLP_ENTRY_TEXT;
  if (node->key && !neurlp_name_is_symbol(node->key))
    neurlp_deck_report_add(report, node->key_place,
                           "%s cannot be a name; names have letters, digits and _, and no digit first",
                           neurlp_deck_quoted(node->key).text);
  else if (key->kind == NEURLP_KEY_DISTRIBUTION_MAP)
    read_distribution(report, node, entry);
  else if (key->kind == NEURLP_KEY_PARAMETER_MAP)
    read_parameter(report, node, entry);
  else if (key->kind == NEURLP_KEY_NUMBER_LIST) {
    entry->form = NEURLP_ENTRY_NUMBER;
    read_key_number(report, key, node, &entry->numbers[0]);
  } else
    read_text(report, node, node->key ? node->key : key->path, &entry->text);
}

/* Lists, of which a single value is one with one entry, and mappings of names. */
static void read_entries(neurlp_deck_report *report, const neurlp_deck_key *key, const neurlp_deck_node *node,
                         neurlp_deck_value *value) {
  const bool map = neurlp_deck_kind_is_map(key->kind);
  const bool single = !map && node->kind == NEURLP_NODE_SCALAR && !neurlp_deck_node_empty(node);
  if (!single && node->kind != (map ? NEURLP_NODE_MAP : NEURLP_NODE_LIST)) {
    expected(report, node, key->path, map ? "a mapping of names" : "a list");
    return;
  }
  value->count = single ? 1 : node->count;
  if (!map && value->count == 0)
    neurlp_deck_report_add(report, node->place, "'%s' is an empty list", key->path);
  value->entries = neurlp_deck_arena_take(report->arena, (size_t)value->count * sizeof *value->entries);
  if (!value->entries) return;
  value->present = true;
  if (single) {
    neurlp_deck_node item = *node;
    item.key = NULL;
    read_entry(report, key, &item, &value->entries[0]);
    value->entries[0].node = node;
    return;
  }
  int32_t i = 0;
  for (const neurlp_deck_node *child = node->first; child; child = child->next)
    read_entry(report, key, child, &value->entries[i++]);
}

void neurlp_deck_value_read(neurlp_deck_report *report, const neurlp_deck_key *key,
                            const neurlp_deck_node *node, neurlp_deck_value *value) {
  switch (key->kind) {
  case NEURLP_KEY_FLAG:
    value->present = read_flag(report, key, node, &value->integer);
    break;
  case NEURLP_KEY_INTEGER:
    value->present = read_integer(report, key, node, &value->integer);
    break;
  case NEURLP_KEY_NUMBER:
    value->present = read_key_number(report, key, node, &value->number);
    break;
  case NEURLP_KEY_TEXT:
    value->present = read_text(report, node, key->path, &value->text);
    if (value->present && key->catalogue) check_catalogue(report, key, node);
    break;
  case NEURLP_KEY_CHOICE:
    read_choice(report, key, node, value);
    break;
  case NEURLP_KEY_NETWORKS:
    value->wiring = neurlp_deck_read_networks(report, node);
    value->present = value->wiring != NULL;
    break;
  case NEURLP_KEY_SOURCE:
    value->wiring = neurlp_deck_read_source(report, key, node);
    value->present = value->wiring != NULL;
    break;
  case NEURLP_KEY_LOSSES:
    value->wiring = neurlp_deck_read_losses(report, node);
    value->present = value->wiring != NULL;
    break;
  default:
    read_entries(report, key, node, value);
  }
}
