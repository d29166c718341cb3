#include "deck/deck_report.h"

#include "deck/deck_names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct neurlp_deck_error {
  struct neurlp_deck_error *next;
  neurlp_deck_place place;
  const char *message;
} neurlp_deck_error;

/* Of a longer source line only the part around the caret is shown. */
enum { SHOWN_BEFORE = 60, SHOWN_BYTES = 100, MESSAGE_BYTES = 1024 };

bool neurlp_deck_report_open(const neurlp_deck_report *report) {
  return report->count < NEURLP_REPORT_ERRORS;
}

/* Errors of the deck come first, in its order, those of the whole deck before them; then the overrides'. */
static bool precedes(neurlp_deck_place a, neurlp_deck_place b) {
  if (a.origin != b.origin) return a.origin < b.origin;
  if (a.offset == b.offset) return false;
  if (a.offset == NEURLP_PLACE_NOWHERE) return true;
  return b.offset != NEURLP_PLACE_NOWHERE && a.offset < b.offset;
}

void neurlp_deck_report_add(neurlp_deck_report *report, neurlp_deck_place place, const char *format, ...) {
  if (!neurlp_deck_report_open(report)) {
    report->count++;
    return;
  }
  report->count++;
  char message[MESSAGE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  neurlp_deck_error *error = neurlp_deck_arena_take(report->arena, sizeof *error);
  if (!error) return;
  error->place = place;
  error->message = neurlp_deck_arena_text(report->arena, message, strlen(message));
  neurlp_deck_error **link = &report->first;
  while (*link && !precedes(place, (*link)->place)) link = &(*link)->next;
  error->next = *link;
  *link = error;
}

static bool ends_line(const char *text, size_t i) {
  return text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n');
}

static size_t line_start(const neurlp_deck_source *source, size_t offset) {
  while (offset > 0 && !ends_line(source->text, offset - 1)) offset--;
  return offset;
}

static bool continues_character(char c) {
  return ((unsigned char)c & 0xC0) == 0x80;
}

int32_t neurlp_deck_locate(const neurlp_deck_source *source, size_t offset, int32_t *column) {
  int32_t line = 1;
  if (offset > source->length) offset = source->length;
  for (size_t i = 0; i < offset; i++) line += ends_line(source->text, i);
  if (column) {
    *column = 1;
    for (size_t i = line_start(source, offset); i < offset; i++)
      *column += !continues_character(source->text[i]);
  }
  return line;
}

/* Text of a deck on its way to a terminal: what could steer it, or is not UTF-8, is shown as '?'. */
static void add_harmless(neurlp_deck_buffer *buffer, const char *text, size_t length) {
  for (size_t i = 0; i < length;) {
    uint32_t character = 0;
    const size_t bytes = neurlp_utf8_read(text + i, length - i, &character);
    const bool steers = character < 0x20 || (character >= 0x7F && character < 0xA0);
    if (bytes == 0 || steers)
      neurlp_deck_buffer_add_bytes(buffer, character == '\t' || character == '\n' ? " " : "?", 1);
    else
      neurlp_deck_buffer_add_bytes(buffer, text + i, bytes);
    i += bytes ? bytes : 1;
  }
}

static void print_source_line(const neurlp_deck_source *source, size_t offset, int32_t line,
                              neurlp_deck_buffer *buffer) {
  const char *text = source->text;
  size_t first = line_start(source, offset);
  const bool cut = offset - first > SHOWN_BEFORE;
  if (cut) first = offset - SHOWN_BEFORE;
  while (first < offset && continues_character(text[first])) first++;
  size_t end = first;
  while (end < source->length && text[end] != '\n' && text[end] != '\r' && end - first < SHOWN_BYTES) end++;
  while (end < source->length && continues_character(text[end])) end++;
  neurlp_deck_buffer_add(buffer, "\n%5d | %s", line, cut ? "..." : "");
  add_harmless(buffer, text + first, end - first);
  neurlp_deck_buffer_add(buffer, "\n      | %s", cut ? "   " : "");
  for (size_t i = first; i < offset; i++)
    if (!continues_character(text[i])) neurlp_deck_buffer_add_bytes(buffer, " ", 1);
  neurlp_deck_buffer_add_bytes(buffer, "^", 1);
}

void neurlp_deck_print_error(const neurlp_deck_source *source, neurlp_deck_place place, const char *message,
                             neurlp_deck_buffer *buffer) {
  int32_t line = 0;
  int32_t column = 0;
  const bool somewhere = place.origin == NEURLP_PLACE_DECK && place.offset != NEURLP_PLACE_NOWHERE;
  if (place.origin != NEURLP_PLACE_DECK) {
    const char *override = source->overrides[place.origin];
    const size_t length = strlen(override);
    neurlp_deck_buffer_add(buffer, "command line: '");
    add_harmless(buffer, override, length < 2 * SHOWN_BYTES ? length : 2 * SHOWN_BYTES);
    neurlp_deck_buffer_add(buffer, "%s': error: ", length < 2 * SHOWN_BYTES ? "" : "...");
  } else if (somewhere) {
    if (place.offset > source->length) place.offset = source->length;
    line = neurlp_deck_locate(source, place.offset, &column);
    neurlp_deck_buffer_add(buffer, "%s:%d:%d: error: ", source->name, line, column);
  } else {
    neurlp_deck_buffer_add(buffer, "%s: error: ", source->name);
  }
  add_harmless(buffer, message, strlen(message));
  if (somewhere) print_source_line(source, place.offset, line, buffer);
}

void neurlp_deck_report_print(const neurlp_deck_report *report, neurlp_deck_buffer *buffer) {
  for (const neurlp_deck_error *error = report->first; error; error = error->next) {
    neurlp_deck_print_error(&report->source, error->place, error->message ? error->message : "", buffer);
    neurlp_deck_buffer_add(buffer, "\n");
  }
  neurlp_deck_buffer_add(buffer, "%d error%s in %s", report->count, report->count == 1 ? "" : "s",
                         report->source.name);
  if (report->count > NEURLP_REPORT_ERRORS)
    neurlp_deck_buffer_add(buffer, "; the first %d that were found are shown", (int)NEURLP_REPORT_ERRORS);
  neurlp_deck_buffer_add(buffer, "\n");
}
