#include "deck/deck_check.h"

#include "deck/deck_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 128, LIST_BYTES = 512 };

/* "section.key", cut if it is longer than any path of the table. */
static void join_path(const char *section, const char *key, char path[PATH_BYTES]) {
  snprintf(path, PATH_BYTES, "%s%s%s", section, *section ? "." : "", key);
}

/* Calls with every key and section directly inside a section, each name once. */
static void offer_members(const char *section, neurlp_name_search *search, char list[LIST_BYTES]) {
  size_t length = 0;
  for (int32_t i = 0; i < neurlp_deck_key_count + neurlp_deck_section_count; i++) {
    const char *path = i < neurlp_deck_key_count ? neurlp_deck_keys[i].path
                                                 : neurlp_deck_sections[i - neurlp_deck_key_count].path;
    if (!neurlp_deck_path_inside(path, section)) continue;
    const char *leaf = neurlp_deck_path_leaf(path);
    neurlp_name_offer(search, leaf);
    if (length < LIST_BYTES)
      length += (size_t)snprintf(list + length, LIST_BYTES - length, "%s%s", length ? ", " : "", leaf);
  }
}

/* A key of another section with exactly that name, or NULL. */
static const char *find_elsewhere(const char *name) {
  for (int32_t i = 0; i < neurlp_deck_key_count; i++)
    if (strcmp(neurlp_deck_path_leaf(neurlp_deck_keys[i].path), name) == 0) return neurlp_deck_keys[i].path;
  for (int32_t i = 0; i < neurlp_deck_section_count; i++)
    if (strcmp(neurlp_deck_path_leaf(neurlp_deck_sections[i].path), name) == 0)
      return neurlp_deck_sections[i].path;
  return NULL;
}

static void report_unknown(neurlp_deck_report *report, const char *section, const neurlp_deck_node *node) {
  neurlp_name_search search = {.written = node->key};
  char list[LIST_BYTES] = "";
  if (!neurlp_deck_report_open(report)) {
    neurlp_deck_report_add(report, node->key_place, "unknown key");
    return;
  }
  offer_members(section, &search, list);
  const neurlp_deck_quote written = neurlp_deck_quoted(node->key);
  const char *elsewhere = find_elsewhere(node->key);
  if (neurlp_deck_key_find(node->key) >= 0 || neurlp_deck_section_find(node->key) >= 0)
    neurlp_deck_report_add(report, node->key_place,
                           "unknown key %s; in a deck, write '%s' below its section, without dots",
                           written.text, neurlp_deck_path_leaf(node->key));
  else if (search.nearest)
    neurlp_deck_report_add(report, node->key_place, "unknown key %s; did you mean '%s'?", written.text,
                           search.nearest);
  else if (elsewhere)
    neurlp_deck_report_add(report, node->key_place, "unknown key %s; did you mean '%s'?", written.text,
                           elsewhere);
  else
    neurlp_deck_report_add(report, node->key_place, "unknown key %s; %s%s%s: %s", written.text,
                           *section ? "keys of '" : "a deck has", section, *section ? "' are" : "", list);
}

static int compare_keys(const void *a, const void *b) {
  const neurlp_deck_node *one = *(const neurlp_deck_node *const *)a;
  const neurlp_deck_node *other = *(const neurlp_deck_node *const *)b;
  const int order = strcmp(one->key, other->key);
  if (order) return order;
  return (one->key_place.offset > other->key_place.offset) -
         (one->key_place.offset < other->key_place.offset);
}

/* Sorted, not compared one by one: a mapping can have a hundred thousand keys. */
static void check_duplicates(neurlp_deck_report *report, const neurlp_deck_node *node) {
  const size_t count = (size_t)node->count;
  const neurlp_deck_node **sorted = neurlp_deck_arena_take(report->arena, (count + 1) * sizeof *sorted);
  if (!sorted) return;
  size_t i = 0;
  for (const neurlp_deck_node *child = node->first; child; child = child->next) sorted[i++] = child;
  qsort(sorted, count, sizeof *sorted, compare_keys);
  for (i = 1; i < count; i++) {
    if (strcmp(sorted[i]->key, sorted[i - 1]->key) != 0) continue;
    const neurlp_deck_place before = sorted[i - 1]->key_place;
    const bool in_deck = before.origin == NEURLP_PLACE_DECK && before.offset != NEURLP_PLACE_NOWHERE;
    if (in_deck && neurlp_deck_report_open(report))
      neurlp_deck_report_add(report, sorted[i]->key_place, "key %s is there twice; before on line %d",
                             neurlp_deck_quoted(sorted[i]->key).text,
                             neurlp_deck_locate(&report->source, before.offset, NULL));
    else
      neurlp_deck_report_add(report, sorted[i]->key_place, "key %s is there twice",
                             neurlp_deck_quoted(sorted[i]->key).text);
  }
}

/* The mappings inside a value of the user's choosing; their depth is limited by the tree. */
static void check_duplicates_below(neurlp_deck_report *report, const neurlp_deck_node *node) {
  if (node->kind == NEURLP_NODE_MAP) check_duplicates(report, node);
  for (const neurlp_deck_node *child = node->first; child; child = child->next)
    check_duplicates_below(report, child);
}

static bool belongs_to_task(const neurlp_deck *deck, neurlp_deck_report *report, const char *path,
                            uint32_t tasks, const neurlp_deck_node *node) {
  if (tasks & deck->task) return true;
  neurlp_deck_report_add(report, node->key_place,
                         "'%s' does not belong to task '%s', only to '%s'; leave it out", path,
                         neurlp_deck_task_name(deck->task), neurlp_deck_task_name(tasks));
  return false;
}

static void walk(neurlp_deck *deck, neurlp_deck_report *report, const char *section,
                 const neurlp_deck_node *node);

static void check_child(neurlp_deck *deck, neurlp_deck_report *report, const char *section,
                        const neurlp_deck_node *child) {
  char path[PATH_BYTES];
  join_path(section, child->key, path);
  const bool dotted = strchr(child->key, '.') || strlen(child->key) >= PATH_BYTES / 2;
  const int32_t key = dotted ? -1 : neurlp_deck_key_find(path);
  if (key >= 0) {
    deck->values[key].given = true;
    deck->values[key].node = child;
    if (belongs_to_task(deck, report, path, neurlp_deck_key_tasks(&neurlp_deck_keys[key]), child)) {
      check_duplicates_below(report, child);
      neurlp_deck_value_read(report, &neurlp_deck_keys[key], child, &deck->values[key]);
    }
  } else if (!dotted && neurlp_deck_section_find(path) >= 0) {
    if (belongs_to_task(deck, report, path, neurlp_deck_section_tasks(path), child))
      walk(deck, report, path, child);
  } else {
    report_unknown(report, section, child);
  }
}

/* An empty section is one whose keys are all commented out. */
static void walk(neurlp_deck *deck, neurlp_deck_report *report, const char *section,
                 const neurlp_deck_node *node) {
  if (neurlp_deck_node_empty(node)) return;
  if (node->kind != NEURLP_NODE_MAP) {
    if (*section)
      neurlp_deck_report_add(report, node->place, "'%s' must be a section, with a 'key: value' on every line",
                             section);
    else
      neurlp_deck_report_add(report, node->place,
                             "a deck is made of 'key: value' lines, beginning with 'task: "
                             "discover', 'task: fit', 'task: train' or 'task: simulate'");
    return;
  }
  check_duplicates(report, node);
  for (const neurlp_deck_node *child = node->first; child; child = child->next)
    check_child(deck, report, section, child);
}

/* The task decides which keys there may be, so it is looked up before the walk. */
static uint32_t find_task(const neurlp_deck *deck) {
  const neurlp_deck_node *node = neurlp_deck_node_child(deck->root, "task", strlen("task"));
  const neurlp_deck_key *key = &neurlp_deck_keys[neurlp_deck_key_find("task")];
  for (uint32_t i = 0; node && node->kind == NEURLP_NODE_SCALAR && i < NEURLP_KEY_CHOICES && key->choices[i];
       i++)
    if (strcmp(node->text, key->choices[i]) == 0) return 1u << i;
  return NEURLP_TASK_ALL;
}

void neurlp_deck_check(neurlp_deck *deck, neurlp_deck_report *report) {
  deck->task = find_task(deck);
  walk(deck, report, "", deck->root);
}
