/* Questions to the table of keys. */
#include "deck/deck_keys.h"
#include "deck/deck_number.h"

#include <stdio.h>
#include <string.h>

int32_t neurlp_deck_key_find(const char *path) {
  for (int32_t i = 0; i < neurlp_deck_key_count; i++)
    if (strcmp(neurlp_deck_keys[i].path, path) == 0) return i;
  return -1;
}

int32_t neurlp_deck_section_find(const char *path) {
  for (int32_t i = 0; i < neurlp_deck_section_count; i++)
    if (strcmp(neurlp_deck_sections[i].path, path) == 0) return i;
  return -1;
}

uint32_t neurlp_deck_key_tasks(const neurlp_deck_key *key) {
  return key->tasks ? key->tasks : NEURLP_TASK_ALL;
}

uint32_t neurlp_deck_section_tasks(const char *section) {
  const size_t length = strlen(section);
  uint32_t tasks = 0;
  for (int32_t i = 0; i < neurlp_deck_key_count; i++) {
    const neurlp_deck_key *key = &neurlp_deck_keys[i];
    if (strncmp(key->path, section, length) == 0 && key->path[length] == '.')
      tasks |= neurlp_deck_key_tasks(key);
  }
  return tasks;
}

bool neurlp_deck_section_optional(const char *section) {
  for (int32_t i = 0; i < neurlp_deck_either_count; i++)
    if (strcmp(neurlp_deck_eithers[i].one, section) == 0 ||
        strcmp(neurlp_deck_eithers[i].other, section) == 0)
      return true;
  return false;
}

const char *neurlp_deck_task_name(uint32_t tasks) {
  static const struct {
    uint32_t tasks;
    const char *words;
  } several[] = {
      {NEURLP_TASK_LEARN, "discover and fit"},
      {NEURLP_TASK_DATA, "discover, fit and train"},
      {NEURLP_TASK_LIBRARY, "discover and train"},
      {NEURLP_TASK_ALL, "any task"},
  };
  const neurlp_deck_key *key = &neurlp_deck_keys[neurlp_deck_key_find("task")];
  for (size_t i = 0; i < sizeof several / sizeof *several; i++)
    if (several[i].tasks == tasks) return several[i].words;
  for (int32_t i = 0; i < NEURLP_KEY_CHOICES && key->choices[i]; i++)
    if (tasks >> i & 1) return key->choices[i];
  return "none";
}

const char *neurlp_deck_path_leaf(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot ? dot + 1 : path;
}

int32_t neurlp_deck_path_parent(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot ? (int32_t)(dot - path) : 0;
}

bool neurlp_deck_path_inside(const char *path, const char *section) {
  const size_t length = strlen(section);
  return (size_t)neurlp_deck_path_parent(path) == length && strncmp(path, section, length) == 0;
}

bool neurlp_deck_kind_is_map(neurlp_key_kind kind) {
  return kind == NEURLP_KEY_TEXT_MAP || kind == NEURLP_KEY_DISTRIBUTION_MAP ||
         kind == NEURLP_KEY_PARAMETER_MAP;
}

const char *neurlp_deck_kind_words(neurlp_key_kind kind) {
  static const char *const words[] = {
      [NEURLP_KEY_FLAG] = "flag",
      [NEURLP_KEY_INTEGER] = "integer",
      [NEURLP_KEY_NUMBER] = "number",
      [NEURLP_KEY_TEXT] = "text",
      [NEURLP_KEY_CHOICE] = "choice",
      [NEURLP_KEY_TEXT_LIST] = "list of texts",
      [NEURLP_KEY_NUMBER_LIST] = "list of numbers",
      [NEURLP_KEY_TEXT_MAP] = "name: text",
      [NEURLP_KEY_DISTRIBUTION_MAP] = "name: distribution",
      [NEURLP_KEY_PARAMETER_MAP] = "name: parameter",
      [NEURLP_KEY_NETWORKS] = "name: network",
      [NEURLP_KEY_SOURCE] = "source",
      [NEURLP_KEY_LOSSES] = "list of losses",
  };
  return words[kind];
}

static void choices_words(const neurlp_deck_key *key, char *words, int32_t bytes) {
  int32_t length = 0;
  for (int32_t i = 0; i < NEURLP_KEY_CHOICES && key->choices[i] && length < bytes; i++) {
    const bool last = i + 1 == NEURLP_KEY_CHOICES || !key->choices[i + 1];
    const char *between = i == 0 ? "" : last ? " or " : ", ";
    length += snprintf(words + length, (size_t)(bytes - length), "%s%s", between, key->choices[i]);
  }
}

void neurlp_deck_range_words(const neurlp_deck_key *key, char *words, int32_t bytes) {
  const neurlp_range *range = &key->range;
  char lower[NEURLP_DECK_NUMBER_BYTES];
  char upper[NEURLP_DECK_NUMBER_BYTES];
  neurlp_deck_print_number(range->lower, lower);
  neurlp_deck_print_number(range->upper, upper);
  const size_t size_bytes = (size_t)bytes;
  words[0] = '\0';
  if (key->kind == NEURLP_KEY_CHOICE || key->kind == NEURLP_KEY_SOURCE)
    choices_words(key, words, bytes);
  else if (key->kind == NEURLP_KEY_FLAG)
    snprintf(words, size_bytes, "true or false");
  else if (range->lower_limit == NEURLP_LIMIT_NONE && range->upper_limit == NEURLP_LIMIT_NONE)
    return;
  else if (range->upper_limit == NEURLP_LIMIT_NONE)
    snprintf(words, size_bytes, range->lower_limit == NEURLP_LIMIT_OPEN ? "more than %s" : "%s or more",
             lower);
  else if (range->lower_limit == NEURLP_LIMIT_NONE)
    snprintf(words, size_bytes, range->upper_limit == NEURLP_LIMIT_OPEN ? "less than %s" : "%s or less",
             upper);
  else
    snprintf(words, size_bytes, "%s%s to %s%s", range->lower_limit == NEURLP_LIMIT_OPEN ? "above " : "",
             lower, range->upper_limit == NEURLP_LIMIT_OPEN ? "below " : "", upper);
}
