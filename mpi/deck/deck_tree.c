#include "deck/deck_tree.h"

#include "deck/deck_names.h"

#include <libfyaml.h>
#include <string.h>

/* Collections that are open, and the key that waits for its value. */
typedef struct builder {
  neurlp_deck_report *report;
  int32_t origin;
  size_t shift; /* bytes before the text that libfyaml sees */
  neurlp_deck_node *root;
  neurlp_deck_node *open[NEURLP_DECK_DEPTH];
  int32_t depth;
  const char *key;
  neurlp_deck_place key_place;
  bool documented; /* a document has begun */
} builder;

bool neurlp_deck_node_empty(const neurlp_deck_node *node) {
  if (node->kind != NEURLP_NODE_SCALAR || node->quoted) return false;
  const char *text = node->text;
  return *text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static neurlp_deck_place place_of(const builder *b, const struct fy_mark *mark) {
  neurlp_deck_place place = {.origin = b->origin, .offset = NEURLP_PLACE_NOWHERE};
  if (mark) place.offset = mark->input_pos + b->shift;
  return place;
}

/* Adds a node where the builder stands; NULL if there is no memory. */
static neurlp_deck_node *append(builder *b, neurlp_node_kind kind, neurlp_deck_place place) {
  neurlp_deck_node *node = neurlp_deck_arena_take(b->report->arena, sizeof *node);
  if (!node) return NULL;
  node->kind = kind;
  node->text = "";
  node->key = b->key;
  if (place.offset == NEURLP_PLACE_NOWHERE && b->key) place = b->key_place;
  node->place = place;
  node->key_place = b->key ? b->key_place : place;
  b->key = NULL;
  neurlp_deck_node *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
  if (!parent) {
    b->root = node;
  } else {
    if (parent->last)
      parent->last->next = node;
    else
      parent->first = node;
    parent->last = node;
    parent->count++;
  }
  return node;
}

static bool wants_key(const builder *b) {
  return b->depth > 0 && b->open[b->depth - 1]->kind == NEURLP_NODE_MAP && !b->key;
}

static bool well_formed(const char *text, size_t length) {
  uint32_t character = 0;
  for (size_t i = 0; i < length;) {
    const size_t bytes = neurlp_utf8_read(text + i, length - i, &character);
    if (bytes == 0 || character == 0) return false;
    i += bytes;
  }
  return true;
}

static bool take_scalar(builder *b, struct fy_event *event) {
  struct fy_token *token = event->scalar.value;
  size_t length = 0;
  const char *text = token ? fy_token_get_text(token, &length) : NULL;
  if (!text) length = 0;
  neurlp_deck_place place = place_of(b, fy_event_start_mark(event));
  if (!well_formed(text ? text : "", length)) {
    neurlp_deck_report_add(b->report, place, "a text may hold neither zero bytes nor surrogates");
    return false;
  }
  char *copy = neurlp_deck_arena_text(b->report->arena, text ? text : "", length);
  if (!copy) return false;
  if (wants_key(b)) {
    if (place.offset == NEURLP_PLACE_NOWHERE) place = b->open[b->depth - 1]->place;
    b->key = copy;
    b->key_place = place;
    return true;
  }
  neurlp_deck_node *node = append(b, NEURLP_NODE_SCALAR, place);
  if (!node) return false;
  node->text = copy;
  node->quoted = token && fy_token_scalar_style(token) != FYSS_PLAIN;
  return true;
}

static bool open_collection(builder *b, struct fy_event *event, neurlp_node_kind kind) {
  const neurlp_deck_place place = place_of(b, fy_event_start_mark(event));
  if (wants_key(b)) {
    neurlp_deck_report_add(b->report, place, "a key must be a name, not a list or mapping");
    return false;
  }
  if (b->depth == NEURLP_DECK_DEPTH) {
    neurlp_deck_report_add(b->report, place, "nested deeper than %d levels", (int)NEURLP_DECK_DEPTH);
    return false;
  }
  neurlp_deck_node *node = append(b, kind, place);
  if (!node) return false;
  b->open[b->depth++] = node;
  return true;
}

/* Anchors and tags would make a value depend on more than the line that it stands in. */
static bool is_plain_yaml(builder *b, struct fy_event *event) {
  struct fy_token *anchor = fy_event_get_anchor_token(event);
  struct fy_token *tag = fy_event_get_tag_token(event);
  if (event->type != FYET_ALIAS && !anchor && !tag) return true;
  const struct fy_mark *mark = anchor ? fy_token_start_mark(anchor)
                               : tag  ? fy_token_start_mark(tag)
                                      : fy_event_start_mark(event);
  neurlp_deck_place place = place_of(b, mark);
  /* libfyaml marks the names of anchors and aliases, behind their '&' and '*'. */
  if ((anchor || !tag) && mark && place.offset > 0) place.offset--;
  neurlp_deck_report_add(b->report, place, "%s not part of decks; write the value out, or put it in quotes",
                         event->type == FYET_ALIAS ? "aliases (*name) are"
                         : anchor                  ? "anchors (&name) are"
                                                   : "tags (!name) are");
  return false;
}

/* Takes one event; false if reading cannot go on. */
static bool take_event(builder *b, struct fy_event *event) {
  switch (event->type) {
  case FYET_DOCUMENT_START:
    if (!b->documented) {
      b->documented = true;
      return true;
    }
    neurlp_deck_report_add(b->report, place_of(b, fy_event_start_mark(event)),
                           "a second document begins; a deck is one YAML document");
    return false;
  case FYET_ALIAS:
    return is_plain_yaml(b, event);
  case FYET_SCALAR:
    return is_plain_yaml(b, event) && take_scalar(b, event);
  case FYET_SEQUENCE_START:
    return is_plain_yaml(b, event) && open_collection(b, event, NEURLP_NODE_LIST);
  case FYET_MAPPING_START:
    return is_plain_yaml(b, event) && open_collection(b, event, NEURLP_NODE_MAP);
  case FYET_SEQUENCE_END:
  case FYET_MAPPING_END:
    if (b->depth > 0) b->depth--;
    return true;
  default:
    return true;
  }
}

/* What to do about those of libfyaml's messages that do not say it. */
static const char *remedy_of(const char *message) {
  static const char *const remedies[][2] = {
      {"invalid multiline plain key", "; is ':' missing, or the line below indented too deeply?"},
      {"invalid nested block mapping on the same line", "; put a text that has ': ' in it into quotes"},
      {"flow sequence without a closing bracket", ", ']'"},
      {"missing comma in flow mapping", ", or closing '}'"}};
  for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++)
    if (strcmp(message, remedies[i][0]) == 0) return remedies[i][1];
  return "";
}

/* Byte at which a line begins, counted from 1. */
static size_t offset_of_line(const char *text, size_t length, int32_t line) {
  size_t offset = 0;
  for (; line > 1 && offset < length; line--) {
    offset += strcspn(text + offset, "\r\n");
    offset += strncmp(text + offset, "\r\n", 2) == 0 ? 2 : 1;
  }
  return offset < length ? offset : length;
}

/* A tab among the blanks that a line begins with is what is wrong most often, and libfyaml reports something
 * else.
 */
static void report_tab(builder *b, const char *text, size_t length) {
  for (size_t line = 0; line < length; line += strcspn(text + line, "\r\n") + 1) {
    const size_t tab = line + strspn(text + line, " ");
    if (text[tab] != '\t' || strchr("\r\n#", text[tab + strspn(text + tab, " \t")])) continue;
    const neurlp_deck_place place = {.origin = b->origin, .offset = tab + b->shift};
    neurlp_deck_report_add(b->report, place, "this line is indented with a tab; YAML wants blanks");
    return;
  }
}

static void report_syntax_errors(builder *b, struct fy_diag *diagnostics, const char *text, size_t length) {
  void *iterator = NULL;
  struct fy_diag_error *error = fy_diag_errors_iterate(diagnostics, &iterator);
  if (error) report_tab(b, text, length);
  for (; error; error = fy_diag_errors_iterate(diagnostics, &iterator)) {
    neurlp_deck_place place = {.origin = b->origin, .offset = NEURLP_PLACE_NOWHERE};
    const char *message = error->msg ? error->msg : "not well-formed YAML";
    if (error->fyt && fy_token_start_mark(error->fyt))
      place = place_of(b, fy_token_start_mark(error->fyt));
    else if (error->line > 0)
      place.offset = offset_of_line(text, length, error->line) + b->shift;
    neurlp_deck_report_add(b->report, place, "%s%s", message, remedy_of(message));
  }
}

static void discard_output(struct fy_diag *diagnostics, void *user, const char *text, size_t length) {
  (void)diagnostics;
  (void)user;
  (void)text;
  (void)length;
}

static void run_parser(builder *b, const char *text, size_t length) {
  struct fy_diag_cfg quiet;
  fy_diag_cfg_default(&quiet);
  quiet.fp = NULL;
  quiet.output_fn = discard_output;
  quiet.colorize = false;
  struct fy_diag *diagnostics = fy_diag_create(&quiet);
  const struct fy_parse_cfg configuration = {
      .flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE | FYPCF_COLLECT_DIAG, .diag = diagnostics};
  struct fy_parser *parser = diagnostics ? fy_parser_create(&configuration) : NULL;
  if (!parser || fy_parser_set_string(parser, text, length) != 0) {
    b->report->arena->status =
        neurlp_fail(b->report->arena->context, NEURLP_ERROR_MEMORY, "could not set up the YAML parser");
  } else {
    fy_diag_set_collect_errors(diagnostics, true);
    bool going = true;
    bool ended = false;
    while (going) {
      struct fy_event *event = fy_parser_parse(parser);
      ended = event && event->type == FYET_STREAM_END;
      going = event && !ended && take_event(b, event);
      if (event) fy_parser_event_free(parser, event);
    }
    report_syntax_errors(b, diagnostics, text, length);
    if (!ended && b->report->count == 0 && b->report->arena->status == NEURLP_SUCCESS)
      neurlp_deck_report_add(b->report, place_of(b, NULL), "not well-formed YAML");
  }
  if (parser) fy_parser_destroy(parser);
  if (diagnostics) fy_diag_destroy(diagnostics);
}

/* True for a '?' that YAML would take for the sign of a key that may be a list or mapping: a blank behind it,
 * and in front the beginning of the line or another sign. libfyaml 0.7.12 can crash on it, so it must not see
 * one. */
static bool is_key_sign(const char *text, size_t first, size_t i) {
  if (text[i] != '?' || !strchr(" \t\r\n", text[i + 1])) return false;
  while (i > first && (text[i - 1] == ' ' || text[i - 1] == '\t')) i--;
  return i == first || strchr("\r\n,[{:-?", text[i - 1]) != NULL;
}

/* What YAML does not allow, but libfyaml would take for the end of the text or pass on. */
static bool check_bytes(neurlp_deck_report *report, int32_t origin, const char *text, size_t first,
                        size_t length) {
  if (length > NEURLP_DECK_BYTES) {
    neurlp_deck_report_add(report, (neurlp_deck_place){origin, NEURLP_PLACE_NOWHERE},
                           "%zu bytes long; a deck may have %d", length, (int)NEURLP_DECK_BYTES);
    return false;
  }
  for (size_t i = first; i < length;) {
    uint32_t character = 0;
    const size_t bytes = neurlp_utf8_read(text + i, length - i, &character);
    const bool blank = character == '\t' || character == '\n' || character == '\r';
    if (bytes == 0 || (character < 0x20 && !blank) || character == 0x7F || character == 0xFEFF) {
      neurlp_deck_report_add(report, (neurlp_deck_place){origin, i},
                             bytes == 0 ? "byte 0x%02x is not UTF-8; save the deck in that encoding"
                                        : "character U+%04X cannot be part of a deck",
                             bytes == 0 ? (unsigned)(unsigned char)text[i] : (unsigned)character);
      return false;
    }
    if (is_key_sign(text, first, i)) {
      neurlp_deck_report_add(
          report, (neurlp_deck_place){origin, i},
          "'? ' cannot be here; write 'key: value', and put a text that begins with '?' into "
          "quotes");
      return false;
    }
    i += bytes;
  }
  return true;
}

neurlp_deck_node *neurlp_deck_tree_read(neurlp_deck_report *report, int32_t origin, const char *text,
                                        size_t length) {
  static const char byte_order_mark[] = "\xEF\xBB\xBF";
  const int32_t count_before = report->count;
  builder b = {.report = report, .origin = origin};
  if (length >= 3 && memcmp(text, byte_order_mark, 3) == 0) b.shift = 3;
  if (!check_bytes(report, origin, text, b.shift, length)) return NULL;
  run_parser(&b, text + b.shift, length - b.shift);
  if (report->count > count_before || report->arena->status != NEURLP_SUCCESS) return NULL;
  if (!b.root) b.root = neurlp_deck_node_scalar(report->arena, "", false);
  return b.root;
}

neurlp_deck_node *neurlp_deck_tree_literal(neurlp_deck_report *report, int32_t origin, const char *text) {
  const size_t length = strlen(text);
  if (!check_bytes(report, origin, text, 0, length)) return NULL;
  const char *copy = neurlp_deck_arena_text(report->arena, text, length);
  return copy ? neurlp_deck_node_scalar(report->arena, copy, length > 0) : NULL;
}

neurlp_deck_node *neurlp_deck_node_scalar(neurlp_deck_arena *arena, const char *text, bool quoted) {
  neurlp_deck_node *node = neurlp_deck_arena_take(arena, sizeof *node);
  if (!node) return NULL;
  node->text = text;
  node->quoted = quoted;
  node->place.offset = node->key_place.offset = NEURLP_PLACE_NOWHERE;
  node->place.origin = node->key_place.origin = NEURLP_PLACE_DECK;
  return node;
}

neurlp_deck_node *neurlp_deck_node_child(const neurlp_deck_node *node, const char *key, size_t length) {
  if (node->kind != NEURLP_NODE_MAP) return NULL;
  for (neurlp_deck_node *child = node->first; child; child = child->next)
    if (strncmp(child->key, key, length) == 0 && child->key[length] == '\0') return child;
  return NULL;
}

neurlp_deck_node *neurlp_deck_node_find(neurlp_deck_node *root, const char *path) {
  neurlp_deck_node *node = root;
  while (node && *path) {
    const size_t length = strcspn(path, ".");
    node = neurlp_deck_node_child(node, path, length);
    path += length;
    if (*path == '.') path++;
  }
  return node;
}
