#include "deck/deck.h"

#include "deck/deck_check.h"
#include "deck/deck_wiring.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Copies the texts that the deck refers to later. */
static void keep_source(neurlp_deck *deck, const char *name, const char *text, int32_t override_count,
                        const char *const *overrides) {
  neurlp_deck_arena *arena = &deck->arena;
  neurlp_deck_source *source = &deck->source;
  source->length = strlen(text);
  source->name = neurlp_deck_arena_text(arena, name, strlen(name));
  source->text = neurlp_deck_arena_text(arena, text, source->length);
  const char **copies = neurlp_deck_arena_take(arena, ((size_t)override_count + 1) * sizeof *copies);
  for (int32_t i = 0; copies && i < override_count; i++)
    copies[i] = neurlp_deck_arena_text(arena, overrides[i], strlen(overrides[i]));
  source->overrides = copies;
  deck->values = neurlp_deck_arena_take(arena, (size_t)neurlp_deck_key_count * sizeof *deck->values);
}

/* The text is read and checked as far as it can be; each stage needs the one before. */
static void check_whole(neurlp_deck *deck, neurlp_deck_report *report, int32_t override_count) {
  deck->root = neurlp_deck_tree_read(report, NEURLP_PLACE_DECK, deck->source.text, deck->source.length);
  neurlp_deck_node *root = deck->root;
  const bool readable = root && (root->kind == NEURLP_NODE_MAP || neurlp_deck_node_empty(root));
  for (int32_t i = 0; readable && i < override_count; i++) neurlp_deck_tree_override(report, root, i);
  if (!root || deck->arena.status != NEURLP_SUCCESS) return;
  neurlp_deck_check(deck, report);
  neurlp_deck_check_rules(deck, report);
}

neurlp_status neurlp_deck_parse(neurlp_context *context, const char *name, const char *text,
                                int32_t override_count, const char *const *overrides, neurlp_deck **deck,
                                char **report) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_deck *made = NULL;
  neurlp_deck_report errors = {.first = NULL};
  *deck = NULL;
  *report = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  made->context = made->arena.context = context;
  keep_source(made, name, text, override_count, overrides);
  NEURLP_TRY(made->arena.status);
  errors.source = made->source;
  errors.arena = &made->arena;
  check_whole(made, &errors, override_count);
  NEURLP_TRY(made->arena.status);
  if (errors.count > 0) {
    neurlp_deck_buffer buffer = {.context = context};
    neurlp_deck_report_print(&errors, &buffer);
    NEURLP_TRY(neurlp_deck_buffer_finish(&buffer, report));
    status = neurlp_fail(context, NEURLP_ERROR_DECK, "%s has %d error%s", name, (int)errors.count,
                         errors.count == 1 ? "" : "s");
    goto done;
  }
  neurlp_deck_fill_defaults(made, &errors);
  NEURLP_TRY(made->arena.status);
  assert(errors.count == 0);
  NEURLP_TRY(neurlp_deck_resolve(made));
  *deck = made;
done:
  if (!*deck) neurlp_deck_destroy(&made);
  return status;
}

void neurlp_deck_destroy(neurlp_deck **deck) {
  if (!deck || !*deck) return;
  neurlp_context *context = (*deck)->context;
  neurlp_deck_arena_release(&(*deck)->arena);
  neurlp_release(context, &(*deck)->resolved);
  neurlp_release(context, deck);
}

/* Kinds of keys as bits, for accessors that serve several. */
enum {
  SCALAR_TEXTS = 1 << NEURLP_KEY_TEXT | 1 << NEURLP_KEY_CHOICE,
  LISTS = 1 << NEURLP_KEY_TEXT_LIST | 1 << NEURLP_KEY_NUMBER_LIST,
  MAPS = 1 << NEURLP_KEY_TEXT_MAP | 1 << NEURLP_KEY_DISTRIBUTION_MAP | 1 << NEURLP_KEY_PARAMETER_MAP
};

static const neurlp_deck_value *value_of(const neurlp_deck *deck, const char *path, uint32_t kinds) {
  const int32_t key = neurlp_deck_key_find(path);
  assert(key >= 0 && (kinds >> neurlp_deck_keys[key].kind & 1));
  (void)kinds;
  return &deck->values[key];
}

static const neurlp_deck_entry *entry_of(const neurlp_deck *deck, const char *path, uint32_t kinds,
                                         int32_t index) {
  const neurlp_deck_value *value = value_of(deck, path, kinds);
  assert(index >= 0 && index < value->count);
  return &value->entries[index];
}

bool neurlp_deck_given(const neurlp_deck *deck, const char *path) {
  return neurlp_deck_node_find(deck->root, path) != NULL;
}

bool neurlp_deck_flag(const neurlp_deck *deck, const char *path) {
  return value_of(deck, path, 1 << NEURLP_KEY_FLAG)->integer != 0;
}

int64_t neurlp_deck_integer(const neurlp_deck *deck, const char *path) {
  return value_of(deck, path, 1 << NEURLP_KEY_INTEGER)->integer;
}

double neurlp_deck_number(const neurlp_deck *deck, const char *path) {
  return value_of(deck, path, 1 << NEURLP_KEY_NUMBER)->number;
}

const char *neurlp_deck_text(const neurlp_deck *deck, const char *path) {
  return value_of(deck, path, SCALAR_TEXTS)->text;
}

int32_t neurlp_deck_list_count(const neurlp_deck *deck, const char *path) {
  return value_of(deck, path, LISTS)->count;
}

const char *neurlp_deck_list_text(const neurlp_deck *deck, const char *path, int32_t index) {
  return entry_of(deck, path, 1 << NEURLP_KEY_TEXT_LIST, index)->text;
}

double neurlp_deck_list_number(const neurlp_deck *deck, const char *path, int32_t index) {
  return entry_of(deck, path, 1 << NEURLP_KEY_NUMBER_LIST, index)->numbers[0];
}

int32_t neurlp_deck_map_count(const neurlp_deck *deck, const char *path) {
  return value_of(deck, path, MAPS)->count;
}

const char *neurlp_deck_map_key(const neurlp_deck *deck, const char *path, int32_t index) {
  return entry_of(deck, path, MAPS, index)->key;
}

const char *neurlp_deck_map_text(const neurlp_deck *deck, const char *path, int32_t index) {
  return entry_of(deck, path, 1 << NEURLP_KEY_TEXT_MAP, index)->text;
}

bool neurlp_deck_map_number(const neurlp_deck *deck, const char *path, int32_t index, double *value) {
  const neurlp_deck_entry *entry = entry_of(deck, path, MAPS, index);
  if (entry->form != NEURLP_ENTRY_NUMBER) return false;
  *value = entry->numbers[0];
  return true;
}

bool neurlp_deck_map_member(const neurlp_deck *deck, const char *path, int32_t index, const char *member,
                            double *value) {
  const neurlp_deck_entry *entry = entry_of(deck, path, 1 << NEURLP_KEY_PARAMETER_MAP, index);
  int32_t which = 0;
  while (which < NEURLP_MEMBERS && strcmp(neurlp_deck_members[which], member) != 0) which++;
  assert(which < NEURLP_MEMBERS);
  if (entry->form == NEURLP_ENTRY_NUMBER && which == NEURLP_MEMBER_START)
    *value = entry->numbers[0];
  else if (entry->members >> which & 1)
    *value = entry->numbers[which];
  else
    return false;
  return true;
}

void neurlp_deck_map_distribution(const neurlp_deck *deck, const char *path, int32_t index, char *kind,
                                  double *a, double *b) {
  const neurlp_deck_entry *entry = entry_of(deck, path, 1 << NEURLP_KEY_DISTRIBUTION_MAP, index);
  *kind = (char)entry->form;
  *a = entry->numbers[0];
  *b = entry->form == NEURLP_ENTRY_NUMBER ? 0.0 : entry->numbers[1];
}

const neurlp_network_spec *neurlp_deck_networks_of(const neurlp_deck *deck, int32_t *count) {
  const neurlp_deck_networks *all = value_of(deck, "networks", 1 << NEURLP_KEY_NETWORKS)->wiring;
  *count = all ? all->count : 0;
  return all ? all->networks : NULL;
}

neurlp_source_spec neurlp_deck_source_of(const neurlp_deck *deck, const char *path) {
  const neurlp_deck_source_value *value = value_of(deck, path, 1 << NEURLP_KEY_SOURCE)->wiring;
  return value ? value->source : (neurlp_source_spec){.kind = NEURLP_SOURCE_NONE};
}

const neurlp_loss_spec *neurlp_deck_losses_of(const neurlp_deck *deck, int32_t *count) {
  const neurlp_deck_losses *all = value_of(deck, "loss", 1 << NEURLP_KEY_LOSSES)->wiring;
  *count = all ? all->count : 0;
  return all ? all->losses : NULL;
}

int32_t neurlp_deck_line(const neurlp_deck *deck, const char *path) {
  const neurlp_deck_node *node = neurlp_deck_node_find(deck->root, path);
  if (!node || node->key_place.origin != NEURLP_PLACE_DECK || node->key_place.offset == NEURLP_PLACE_NOWHERE)
    return 0;
  return neurlp_deck_locate(&deck->source, node->key_place.offset, NULL);
}

/* Moves a place on by `column` characters within its line, if the text stands there as it is read: in double
 * quotes with escapes, and in blocks of text, it does not. */
static neurlp_deck_place moved_place(const neurlp_deck *deck, const neurlp_deck_node *node, int32_t column) {
  neurlp_deck_place place = node->place;
  if (place.origin != NEURLP_PLACE_DECK || place.offset == NEURLP_PLACE_NOWHERE) return place;
  const char *written = deck->source.text + place.offset;
  if (node->kind != NEURLP_NODE_SCALAR || strncmp(written, node->text, strlen(node->text)) != 0) return place;
  size_t i = 0;
  while (node->text[i] && node->text[i] != '\n' && column > 0) {
    i++;
    while (((unsigned char)node->text[i] & 0xC0) == 0x80) i++;
    column--;
  }
  place.offset += i;
  return place;
}

neurlp_status neurlp_deck_fail(neurlp_context *context, const neurlp_deck *deck, const char *path,
                               int32_t index, int32_t column, const char *format, ...) {
  char message[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  const neurlp_deck_node *node = neurlp_deck_node_find(deck->root, path);
  if (node && index >= 0) {
    const neurlp_deck_value *value = value_of(deck, path, LISTS | MAPS);
    if (index < value->count) node = value->entries[index].node;
  }
  if (!node)
    return neurlp_fail(context, NEURLP_ERROR_DECK, "%s: error: %s: %s", deck->source.name, path, message);
  neurlp_deck_buffer buffer = {.context = context};
  char *text = NULL;
  neurlp_deck_print_error(&deck->source, moved_place(deck, node, column), message, &buffer);
  neurlp_status status = neurlp_deck_buffer_finish(&buffer, &text);
  if (status != NEURLP_SUCCESS) return status;
  status = neurlp_fail(context, NEURLP_ERROR_DECK, "%s", text);
  neurlp_release(context, &text);
  return status;
}

const char *neurlp_deck_resolved(const neurlp_deck *deck) {
  return deck->resolved;
}

const char *neurlp_deck_name(const neurlp_deck *deck) {
  return deck->source.name;
}
