#include "deck/deck_keys.h"
#include "deck/deck_tree.h"

#include <string.h>

/* True if the value of that key is taken as it is written, without YAML in between: the shell has its own
 * quotes. */
static bool takes_literal_text(const char *path) {
  const int32_t key = neurlp_deck_key_find(path);
  if (key >= 0) {
    const neurlp_key_kind kind = neurlp_deck_keys[key].kind;
    return kind == NEURLP_KEY_TEXT || kind == NEURLP_KEY_CHOICE;
  }
  for (int32_t i = 0; i < neurlp_deck_key_count; i++)
    if (neurlp_deck_keys[i].kind == NEURLP_KEY_TEXT_MAP &&
        neurlp_deck_path_inside(path, neurlp_deck_keys[i].path))
      return true;
  return false;
}

/* Every node of the value stands at the override, whatever its place in the value. */
static void place_at(neurlp_deck_node *node, neurlp_deck_place place) {
  node->place = node->key_place = place;
  for (neurlp_deck_node *child = node->first; child; child = child->next) place_at(child, place);
}

/* The child of that name, made if it is not there. A child that is about to get children becomes a mapping.
 */
static neurlp_deck_node *enter(neurlp_deck_report *report, neurlp_deck_node *parent, const char *name,
                               size_t length, neurlp_deck_place place) {
  if (parent->kind != NEURLP_NODE_MAP) {
    parent->kind = NEURLP_NODE_MAP;
    parent->first = parent->last = NULL;
    parent->count = 0;
  }
  neurlp_deck_node *child = neurlp_deck_node_child(parent, name, length);
  if (child) return child;
  child = neurlp_deck_node_scalar(report->arena, "", false);
  if (!child) return NULL;
  child->key = neurlp_deck_arena_text(report->arena, name, length);
  if (!child->key) return NULL;
  child->place = child->key_place = place;
  if (parent->last)
    parent->last->next = child;
  else
    parent->first = child;
  parent->last = child;
  parent->count++;
  return child;
}

/* Names between dots, not more than a deck may be deep. */
static bool is_path(const char *path) {
  for (int32_t depth = 0; depth < NEURLP_DECK_DEPTH; depth++) {
    const size_t length = strcspn(path, ".");
    if (length == 0) return false;
    if (path[length] == '\0') return true;
    path += length + 1;
  }
  return false;
}

/* Node at the override's path; NULL if there is no memory. */
static neurlp_deck_node *enter_path(neurlp_deck_report *report, neurlp_deck_node *root, const char *path,
                                    neurlp_deck_place place) {
  neurlp_deck_node *node = root;
  while (node && *path) {
    const size_t length = strcspn(path, ".");
    node = enter(report, node, path, length, place);
    path += length;
    if (*path == '.') path++;
  }
  return node;
}

void neurlp_deck_tree_override(neurlp_deck_report *report, neurlp_deck_node *root, int32_t index) {
  const neurlp_deck_place place = {.origin = index, .offset = 0};
  const char *text = report->source.overrides[index];
  const char *equals = strchr(text, '=');
  if (!equals) {
    neurlp_deck_report_add(report, place, "is not key=value");
    return;
  }
  const char *path = neurlp_deck_arena_text(report->arena, text, (size_t)(equals - text));
  if (!path) return;
  if (!is_path(path)) {
    neurlp_deck_report_add(report, place, "is not key=value with a key such as block.order");
    return;
  }
  neurlp_deck_node *value = NULL;
  if (takes_literal_text(path))
    value = neurlp_deck_tree_literal(report, index, equals + 1);
  else
    value = neurlp_deck_tree_read(report, index, equals + 1, strlen(equals + 1));
  if (!value) return;
  neurlp_deck_node *target = enter_path(report, root, path, place);
  if (!target) return;
  place_at(value, place);
  const char *key = target->key;
  neurlp_deck_node *next = target->next;
  *target = *value;
  target->key = key;
  target->next = next;
}
