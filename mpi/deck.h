/* Input decks: YAML text -> checked values that the rest of the program reads by path ("block.order").
 *
 * One table (mpi/deck_keys.c) lists every key: path, type, unit, default, range, one sentence. It feeds the
 * check, `neurlp keys` and the documentation. A deck is checked whole, and all its errors come in one report.
 */
#ifndef NEURLP_MPI_DECK_H
#define NEURLP_MPI_DECK_H

#include "core/context.h"

typedef struct neurlp_deck neurlp_deck;

/* Reads and checks a deck given as text. `name` is what errors call it (its path); `overrides` are
 * "key=value" strings that win over the text. On NEURLP_ERROR_DECK, *report is the list of all errors, ready
 * to print (file, line, the source line with a caret, the value, the nearest valid key); free it with
 * neurlp_release. Local: no communication. */
NEURLP_MUST_USE neurlp_status neurlp_deck_parse(neurlp_context *context, const char *name, const char *text,
                                                int32_t override_count, const char *const *overrides,
                                                neurlp_deck **deck, char **report);

void neurlp_deck_destroy(neurlp_deck **deck);

/* Values by path. The path must be a key of the table of the right type (an assertion, not a run-time error).
 * Keys that the deck leaves out have their default. Pointers live as long as the deck. */
bool neurlp_deck_given(const neurlp_deck *deck, const char *path); /* written in the deck or overridden */
bool neurlp_deck_flag(const neurlp_deck *deck, const char *path);
int64_t neurlp_deck_integer(const neurlp_deck *deck, const char *path);
double neurlp_deck_number(const neurlp_deck *deck, const char *path);
const char *neurlp_deck_text(const neurlp_deck *deck,
                             const char *path); /* NULL if left out and without default */

/* Lists of texts or numbers: [a, b, c] (a single value is a list of one). */
int32_t neurlp_deck_list_count(const neurlp_deck *deck, const char *path);
const char *neurlp_deck_list_text(const neurlp_deck *deck, const char *path, int32_t index);
double neurlp_deck_list_number(const neurlp_deck *deck, const char *path, int32_t index);

/* Mappings whose keys the user chooses (parameters, initial values, definitions), in the order of the deck.
 */
int32_t neurlp_deck_map_count(const neurlp_deck *deck, const char *path);
const char *neurlp_deck_map_key(const neurlp_deck *deck, const char *path, int32_t index);
const char *neurlp_deck_map_text(const neurlp_deck *deck, const char *path, int32_t index);
bool neurlp_deck_map_number(const neurlp_deck *deck, const char *path, int32_t index, double *value);
/* member of an entry that is itself a mapping: parameters: {a: {start: 1, lower: 0}}; false if it is not
 * there */
bool neurlp_deck_map_member(const neurlp_deck *deck, const char *path, int32_t index, const char *member,
                            double *value);
/* entry {uniform: [a, b]} or {normal: [mean, deviation]}: kind is 'u' or 'n'; a plain number: kind 'c', a =
 * value */
void neurlp_deck_map_distribution(const neurlp_deck *deck, const char *path, int32_t index, char *kind,
                                  double *a, double *b);
/* 1-based line of a path in the deck, 0 where it has none (default, override): for errors found later. */
int32_t neurlp_deck_line(const neurlp_deck *deck, const char *path);

/* The deck as resolved, defaults filled in, as YAML that parses to the same deck. Lives as long as the deck.
 */
const char *neurlp_deck_resolved(const neurlp_deck *deck);
const char *neurlp_deck_name(const neurlp_deck *deck);

/* The table as text for `neurlp keys [SECTION]`. NEURLP_ERROR_ARGUMENT for an unknown section. */
NEURLP_MUST_USE neurlp_status neurlp_deck_describe_keys(neurlp_context *context, const char *section,
                                                        char **text);

#endif
