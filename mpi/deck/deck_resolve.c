/* The deck as it was understood, as YAML. */
#include "deck/deck_check.h"

#include "deck/deck_names.h"
#include "deck/deck_number.h"

#include <string.h>

static bool is_plain(const char *text) {
  if (!neurlp_name_is_symbol(text) || strchr(text, '\'')) return false;
  return strcmp(text, "null") != 0 && strcmp(text, "true") != 0 && strcmp(text, "false") != 0;
}

/* Characters that YAML prints; all others are escaped. */
static bool is_printable(uint32_t character) {
  return character >= 0x20 && !(character >= 0x7F && character < 0xA0) && character != 0x2028 &&
         character != 0x2029 && character != 0xFEFF && (character & 0xFFFE) != 0xFFFE;
}

static void write_text(neurlp_deck_buffer *buffer, const char *text) {
  if (is_plain(text)) {
    neurlp_deck_buffer_add(buffer, "%s", text);
    return;
  }
  neurlp_deck_buffer_add(buffer, "\"");
  const size_t length = strlen(text);
  for (size_t i = 0; i < length;) {
    uint32_t character = 0;
    const size_t bytes = neurlp_utf8_read(text + i, length - i, &character);
    if (character == '"' || character == '\\')
      neurlp_deck_buffer_add(buffer, "\\%c", (int)character);
    else if (character == '\n')
      neurlp_deck_buffer_add(buffer, "\\n");
    else if (!is_printable(character) || (character == '?' && text[i + 1] == ' ')) /* see is_key_sign */
      neurlp_deck_buffer_add(buffer, "\\U%08X", (unsigned)character);
    else
      neurlp_deck_buffer_add_bytes(buffer, text + i, bytes);
    i += bytes ? bytes : 1;
  }
  neurlp_deck_buffer_add(buffer, "\"");
}

static void write_number(neurlp_deck_buffer *buffer, double number) {
  char text[NEURLP_DECK_NUMBER_BYTES];
  neurlp_deck_print_number(number, text);
  neurlp_deck_buffer_add(buffer, "%s", text);
}

static void write_pair(neurlp_deck_buffer *buffer, const char *name, const double numbers[2]) {
  neurlp_deck_buffer_add(buffer, "{%s: [", name);
  write_number(buffer, numbers[0]);
  neurlp_deck_buffer_add(buffer, ", ");
  write_number(buffer, numbers[1]);
  neurlp_deck_buffer_add(buffer, "]}");
}

static void write_members(neurlp_deck_buffer *buffer, const neurlp_deck_entry *entry) {
  const char *before = "{";
  for (int32_t i = 0; i < NEURLP_MEMBERS; i++) {
    if (!(entry->members >> i & 1)) continue;
    neurlp_deck_buffer_add(buffer, "%s%s: ", before, neurlp_deck_members[i]);
    write_number(buffer, entry->numbers[i]);
    before = ", ";
  }
  neurlp_deck_buffer_add(buffer, "}");
}

static void write_entry(neurlp_deck_buffer *buffer, const neurlp_deck_entry *entry) {
  switch (entry->form) {
  case NEURLP_ENTRY_TEXT:
    write_text(buffer, entry->text);
    break;
  case NEURLP_ENTRY_NUMBER:
    write_number(buffer, entry->numbers[0]);
    break;
  case NEURLP_ENTRY_UNIFORM:
    write_pair(buffer, "uniform", entry->numbers);
    break;
  case NEURLP_ENTRY_NORMAL:
    write_pair(buffer, "normal", entry->numbers);
    break;
  case NEURLP_ENTRY_MEMBERS:
    write_members(buffer, entry);
    break;
  }
}

/* One entry a line, so that equations can be read. */
static void write_entries(neurlp_deck_buffer *buffer, const neurlp_deck_value *value, int32_t indent) {
  if (value->count == 0) neurlp_deck_buffer_add(buffer, " {}");
  for (int32_t i = 0; i < value->count; i++) {
    const neurlp_deck_entry *entry = &value->entries[i];
    neurlp_deck_buffer_add(buffer, "\n%*s%s%s", (int)indent, "", entry->key ? entry->key : "-",
                           entry->key ? ": " : " ");
    write_entry(buffer, entry);
  }
}

/* A tree as it was written, in the flow style. */
static void write_node(neurlp_deck_buffer *buffer, const neurlp_deck_node *node) {
  if (node->kind == NEURLP_NODE_SCALAR) {
    if (node->quoted)
      write_text(buffer, node->text);
    else
      neurlp_deck_buffer_add(buffer, "%s", node->text);
    return;
  }
  const char *before = node->kind == NEURLP_NODE_MAP ? "{" : "[";
  if (node->count == 0) neurlp_deck_buffer_add(buffer, "%s", before);
  for (const neurlp_deck_node *child = node->first; child; child = child->next) {
    neurlp_deck_buffer_add(buffer, "%s", before);
    if (child->key) neurlp_deck_buffer_add(buffer, "%s: ", child->key);
    write_node(buffer, child);
    before = ", ";
  }
  neurlp_deck_buffer_add(buffer, node->kind == NEURLP_NODE_MAP ? "}" : "]");
}

static void write_value(neurlp_deck_buffer *buffer, const neurlp_deck_key *key,
                        const neurlp_deck_value *value, int32_t indent) {
  neurlp_deck_buffer_add(buffer, "%*s%s:", (int)indent, "", neurlp_deck_path_leaf(key->path));
  switch (key->kind) {
  case NEURLP_KEY_FLAG:
    neurlp_deck_buffer_add(buffer, value->integer ? " true" : " false");
    break;
  case NEURLP_KEY_INTEGER:
    neurlp_deck_buffer_add(buffer, " %lld", (long long)value->integer);
    break;
  case NEURLP_KEY_NUMBER:
    neurlp_deck_buffer_add(buffer, " ");
    write_number(buffer, value->number);
    break;
  case NEURLP_KEY_TEXT:
  case NEURLP_KEY_CHOICE:
    neurlp_deck_buffer_add(buffer, " ");
    write_text(buffer, value->text);
    break;
  case NEURLP_KEY_NETWORKS:
  case NEURLP_KEY_SOURCE:
  case NEURLP_KEY_LOSSES:
    neurlp_deck_buffer_add(buffer, " ");
    if (value->node)
      write_node(buffer, value->node);
    else
      neurlp_deck_buffer_add(buffer, "%s", key->preset);
    break;
  default:
    write_entries(buffer, value, indent + 2);
  }
  neurlp_deck_buffer_add(buffer, "\n");
}

/* Writes the headings of the sections that `path` is in and `before` (the key written last) was not. Returns
 * the number of sections that the key is in. */
static int32_t open_sections(neurlp_deck_buffer *buffer, const char *before, const char *path) {
  int32_t depth = 0;
  bool same = true;
  for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
    const size_t length = (size_t)(dot - path);
    same = same && strncmp(before, path, length) == 0 && before[length] == '.';
    const char *name = dot;
    while (name > path && name[-1] != '.') name--;
    if (!same) neurlp_deck_buffer_add(buffer, "%*s%.*s:\n", (int)(2 * depth), "", (int)(dot - name), name);
    depth++;
  }
  return depth;
}

/* Sections that can be left out are, with their defaults, unless the deck has them. */
static bool is_written(const neurlp_deck *deck, int32_t index) {
  const neurlp_deck_key *key = &neurlp_deck_keys[index];
  if (!deck->values[index].present || !(neurlp_deck_key_tasks(key) & deck->task)) return false;
  for (int32_t i = 0; i < neurlp_deck_section_count; i++) {
    const char *section = neurlp_deck_sections[i].path;
    if (neurlp_deck_path_inside(key->path, section) && neurlp_deck_section_optional(section))
      return neurlp_deck_node_find(deck->root, section) != NULL;
  }
  return true;
}

void neurlp_deck_write_key(neurlp_deck_buffer *buffer, const neurlp_deck *deck, int32_t index) {
  if (is_written(deck, index)) write_value(buffer, &neurlp_deck_keys[index], &deck->values[index], 0);
}

neurlp_status neurlp_deck_resolve(neurlp_deck *deck) {
  neurlp_deck_buffer buffer = {.context = deck->context};
  const char *before = "";
  for (int32_t i = 0; i < neurlp_deck_key_count; i++) {
    if (!is_written(deck, i)) continue;
    const neurlp_deck_key *key = &neurlp_deck_keys[i];
    const int32_t depth = open_sections(&buffer, before, key->path);
    write_value(&buffer, key, &deck->values[i], 2 * depth);
    before = key->path;
  }
  return neurlp_deck_buffer_finish(&buffer, &deck->resolved);
}
