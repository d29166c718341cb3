#include "deck/deck_members.h"

#include "deck/deck_names.h"
#include "deck/deck_number.h"
#include "deck/deck_value.h"

#include <stdio.h>
#include <string.h>

const neurlp_deck_node *neurlp_deck_member(const neurlp_deck_node *map, const char *name) {
  return map->kind == NEURLP_NODE_MAP ? neurlp_deck_node_child(map, name, strlen(name)) : NULL;
}

/* What is written where a name is expected. */
static void report_unknown(neurlp_deck_report *report, neurlp_deck_place place, const char *written,
                           const char *what, const char *const *names) {
  neurlp_name_search search = {.written = written};
  char list[256] = "";
  size_t length = 0;
  for (int32_t i = 0; names[i]; i++) {
    neurlp_name_offer(&search, names[i]);
    if (length < sizeof list)
      length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i ? ", " : "", names[i]);
  }
  const neurlp_deck_quote quote = neurlp_deck_quoted(written);
  if (search.nearest)
    neurlp_deck_report_add(report, place, "%s is unknown in %s; did you mean '%s'?", quote.text, what,
                           search.nearest);
  else
    neurlp_deck_report_add(report, place, "%s is unknown in %s; there are %s", quote.text, what, list);
}

static int32_t find(const char *written, const char *const *names) {
  for (int32_t i = 0; names[i]; i++)
    if (strcmp(written, names[i]) == 0) return i;
  return -1;
}

void neurlp_deck_check_members(neurlp_deck_report *report, const neurlp_deck_node *map, const char *what,
                               const char *const *names) {
  for (const neurlp_deck_node *child = map->first; child; child = child->next)
    if (find(child->key, names) < 0) report_unknown(report, child->key_place, child->key, what, names);
}

static bool is_word(const neurlp_deck_node *node) {
  return node->kind == NEURLP_NODE_SCALAR && !neurlp_deck_node_empty(node);
}

static const char *name_of(const neurlp_deck_node *node) {
  return node->key ? node->key : "this";
}

bool neurlp_deck_member_integer(neurlp_deck_report *report, const neurlp_deck_node *node, int64_t lower,
                                int64_t upper, int64_t *integer) {
  const char *wrong = !is_word(node) ? "it has none" : node->quoted ? "it is a text" : NULL;
  if (!wrong) wrong = neurlp_deck_read_integer(node->text, integer);
  if (wrong)
    neurlp_deck_report_add(report, node->place, "'%s' must be an integer, %lld to %lld", name_of(node),
                           (long long)lower, (long long)upper);
  else if (*integer < lower || *integer > upper)
    neurlp_deck_report_add(report, node->place, "'%s' is %lld; it must be an integer, %lld to %lld",
                           name_of(node), (long long)*integer, (long long)lower, (long long)upper);
  else
    return true;
  return false;
}

bool neurlp_deck_member_number(neurlp_deck_report *report, const neurlp_deck_node *node, double *number) {
  const char *missing = !is_word(node) ? "there is none" : node->quoted ? "it is a text" : NULL;
  const char *wrong = missing ? NULL : neurlp_deck_read_number(node->text, number);
  if (missing)
    neurlp_deck_report_add(report, node->place, "'%s' must be a number, but %s", name_of(node), missing);
  else if (wrong)
    neurlp_deck_report_add(report, node->place, "'%s' must be a number, but %s %s", name_of(node),
                           neurlp_deck_quoted(node->text).text, wrong);
  return !missing && !wrong;
}

bool neurlp_deck_member_flag(neurlp_deck_report *report, const neurlp_deck_node *node, bool *flag) {
  const bool word = is_word(node) && !node->quoted;
  *flag = word && strcmp(node->text, "true") == 0;
  if (*flag || (word && strcmp(node->text, "false") == 0)) return true;
  neurlp_deck_report_add(report, node->place, "'%s' must be true or false", name_of(node));
  return false;
}

bool neurlp_deck_member_range(neurlp_deck_report *report, const neurlp_deck_node *node, double *lower,
                              double *upper) {
  if (node->kind != NEURLP_NODE_LIST || node->count != 2) {
    neurlp_deck_report_add(report, node->place, "'%s' must be two numbers: [from, to]", name_of(node));
    return false;
  }
  if (!neurlp_deck_member_number(report, node->first, lower) ||
      !neurlp_deck_member_number(report, node->last, upper))
    return false;
  if (*lower < *upper) return true;
  neurlp_deck_report_add(report, node->place, "'%s' ends before it begins; write [from, to]", name_of(node));
  return false;
}

int32_t neurlp_deck_member_word(neurlp_deck_report *report, const neurlp_deck_node *node, const char *what,
                                const char *const *words) {
  if (!is_word(node)) {
    neurlp_deck_report_add(report, node->place, "%s must be a word, such as '%s'", what, words[0]);
    return -1;
  }
  const int32_t index = find(node->text, words);
  if (index < 0) report_unknown(report, node->place, node->text, what, words);
  return index;
}
