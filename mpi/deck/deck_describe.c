/* The table of keys, for people: in columns for a terminal, and as Markdown. */
#include "deck/deck.h"

#include "deck/deck_buffer.h"
#include "deck/deck_keys.h"
#include "deck/deck_names.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_BYTES = 160 };

/* "required", the default, or "-". */
static void default_words(const neurlp_deck_key *key, char *words) {
  if (key->required && key->required != neurlp_deck_key_tasks(key))
    snprintf(words, WORDS_BYTES, "required (%s)", neurlp_deck_task_name(key->required));
  else if (key->required)
    snprintf(words, WORDS_BYTES, "required");
  else
    snprintf(words, WORDS_BYTES, "%s",
             key->preset         ? key->preset
             : key->preset_words ? key->preset_words
                                 : "-");
}

/* The sentence, what a special value means, and which task the key is for. */
static void add_sentence(neurlp_deck_buffer *buffer, const neurlp_deck_key *key) {
  neurlp_deck_buffer_add(buffer, "%s", key->sentence);
  if (key->special) neurlp_deck_buffer_add(buffer, " %s: %s.", key->special, key->special_words);
  if (neurlp_deck_key_tasks(key) != NEURLP_TASK_ALL)
    neurlp_deck_buffer_add(buffer, " Only for %s.", neurlp_deck_task_name(key->tasks));
}

/* Section `i` of the table, or the outermost keys (i = -1). */
static const char *section_path(int32_t i) {
  return i < 0 ? "" : neurlp_deck_sections[i].path;
}

/* True if `path` is `wanted` or inside it; everything is inside NULL. */
static bool is_wanted(const char *path, const char *wanted) {
  if (!wanted) return true;
  const size_t length = strlen(wanted);
  return strncmp(path, wanted, length) == 0 && (path[length] == '\0' || path[length] == '.');
}

static void describe_key(neurlp_deck_buffer *buffer, const neurlp_deck_key *key) {
  char preset[WORDS_BYTES];
  char range[WORDS_BYTES];
  default_words(key, preset);
  neurlp_deck_range_words(key, range, sizeof range);
  neurlp_deck_buffer_add(buffer, "  %-30s %-18s %-15s %-24s %s\n", key->path,
                         neurlp_deck_kind_words(key->kind), key->unit ? key->unit : "-", preset,
                         *range ? range : "-");
  neurlp_deck_buffer_add(buffer, "      ");
  add_sentence(buffer, key);
  neurlp_deck_buffer_add(buffer, "\n");
}

static neurlp_status fail_unknown(neurlp_context *context, const char *section) {
  neurlp_name_search search = {.written = section};
  for (int32_t i = 0; i < neurlp_deck_section_count; i++)
    neurlp_name_offer(&search, neurlp_deck_sections[i].path);
  for (int32_t i = 0; i < neurlp_deck_key_count; i++) neurlp_name_offer(&search, neurlp_deck_keys[i].path);
  if (search.nearest)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "no section or key is called '%s'; did you mean '%s'?",
                       section, search.nearest);
  return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                     "no section or key is called '%s'; `neurlp keys` lists them all", section);
}

neurlp_status neurlp_deck_describe_keys(neurlp_context *context, const char *section, char **text) {
  neurlp_deck_buffer buffer = {.context = context};
  *text = NULL;
  if (section && neurlp_deck_section_find(section) < 0 && neurlp_deck_key_find(section) < 0)
    return fail_unknown(context, section);
  neurlp_deck_buffer_add(&buffer, "  %-30s %-18s %-15s %-24s %s\n", "key", "type", "unit", "default",
                         "range");
  for (int32_t s = -1; s < neurlp_deck_section_count; s++) {
    bool headed = false;
    for (int32_t i = 0; i < neurlp_deck_key_count; i++) {
      const neurlp_deck_key *key = &neurlp_deck_keys[i];
      if (!is_wanted(key->path, section) || !neurlp_deck_path_inside(key->path, section_path(s))) continue;
      if (!headed && s >= 0)
        neurlp_deck_buffer_add(&buffer, "\n%s: %s\n", section_path(s), neurlp_deck_sections[s].sentence);
      headed = true;
      describe_key(&buffer, key);
    }
  }
  return neurlp_deck_buffer_finish(&buffer, text);
}

static void document_key(neurlp_deck_buffer *buffer, const neurlp_deck_key *key) {
  char preset[WORDS_BYTES];
  char range[WORDS_BYTES];
  default_words(key, preset);
  neurlp_deck_range_words(key, range, sizeof range);
  const char *quote = key->preset && !key->required ? "`" : "";
  neurlp_deck_buffer_add(buffer, "| `%s` | %s | %s | %s%s%s | %s | ", neurlp_deck_path_leaf(key->path),
                         neurlp_deck_kind_words(key->kind), key->unit ? key->unit : "-", quote, preset, quote,
                         *range ? range : "-");
  add_sentence(buffer, key);
  neurlp_deck_buffer_add(buffer, " |\n");
}

neurlp_status neurlp_deck_document_keys(neurlp_context *context, char **text) {
  neurlp_deck_buffer buffer = {.context = context};
  neurlp_deck_buffer_add(&buffer,
                         "# Keys of a deck\n\n"
                         "Written by `neurlp keys --markdown > docs/keys.md`; a test checks that it is "
                         "current. On the command line "
                         "`section.key=value` overrides a key. A unit of `time` is that of the data's time. "
                         "`name: text`, `name: "
                         "distribution` and `name: parameter` are mappings with names of your choosing.\n");
  for (int32_t s = -1; s < neurlp_deck_section_count; s++) {
    if (s >= 0)
      neurlp_deck_buffer_add(&buffer, "\n## `%s`\n\n%s\n", section_path(s), neurlp_deck_sections[s].sentence);
    neurlp_deck_buffer_add(
        &buffer, "\n| key | type | unit | default | range | meaning |\n|---|---|---|---|---|---|\n");
    for (int32_t i = 0; i < neurlp_deck_key_count; i++)
      if (neurlp_deck_path_inside(neurlp_deck_keys[i].path, section_path(s)))
        document_key(&buffer, &neurlp_deck_keys[i]);
  }
  neurlp_deck_buffer_add(&buffer, "\n## Either, or\n\n");
  for (int32_t i = 0; i < neurlp_deck_either_count; i++)
    neurlp_deck_buffer_add(
        &buffer, "* `%s` has either `%s` or `%s`%s%s%s.\n", neurlp_deck_eithers[i].section,
        neurlp_deck_path_leaf(neurlp_deck_eithers[i].one),
        neurlp_deck_path_leaf(neurlp_deck_eithers[i].other), neurlp_deck_eithers[i].third ? " or `" : "",
        neurlp_deck_eithers[i].third ? neurlp_deck_path_leaf(neurlp_deck_eithers[i].third) : "",
        neurlp_deck_eithers[i].third ? "`" : "");
  for (int32_t i = 0; i < neurlp_deck_need_count; i++)
    neurlp_deck_buffer_add(&buffer, "* `%s` needs `%s`: %s.\n", neurlp_deck_needs[i].key,
                           neurlp_deck_needs[i].needs, neurlp_deck_needs[i].reason);
  return neurlp_deck_buffer_finish(&buffer, text);
}
