/* Input decks: YAML text -> checked values that the rest of the program reads by path ("block.order").
 *
 * One table (mpi/deck/deck_keys.c) lists every key: path, type, unit, default, range, one sentence. It feeds
 * the check, `neurlp keys` and docs/keys.md. A deck is checked whole, and all its errors come in one report:
 *
 *   deck.yaml:6:3: error: unknown key 'lbrary'; did you mean 'library'?
 *       6 |   lbrary: {polynomial: 2}
 *         |   ^
 *   command line: 'block.order=9': error: 'block.order' is 9; it must be an integer, 1 to 4, or 0 (...)
 *   2 errors in deck.yaml
 *
 * Nothing here communicates or touches a file. */
#ifndef NEURLP_MPI_DECK_H
#define NEURLP_MPI_DECK_H

#include "core/context.h"
#include "learn/network/network_spec.h"

typedef struct neurlp_deck neurlp_deck;

/* Reads and checks a deck given as text. `name` is what errors call it (its path); `overrides` are
 * "key=value" strings that win over the text, the later over the earlier: the key is a path, also into a
 * mapping (dynamics.parameters.a=3); the value is YAML, except that of a text, which is taken as it stands.
 * Everything is copied. On NEURLP_ERROR_DECK, *report is the list of all errors, ready to print (it ends with
 * a line end), and the context's message is their number; free it with neurlp_release. *report is NULL in
 * every other case, and *deck is NULL unless the deck is good. */
NEURLP_MUST_USE neurlp_status neurlp_deck_parse(neurlp_context *context, const char *name, const char *text,
                                                int32_t override_count, const char *const *overrides,
                                                neurlp_deck **deck, char **report);

/* Frees the deck and sets *deck to NULL. Safe to call twice. */
void neurlp_deck_destroy(neurlp_deck **deck);

/* Values by path. The path must be a key of the table of the right type (an assertion, not a run-time error).
 * Keys that the deck leaves out have their default. Pointers live as long as the deck. */
bool neurlp_deck_given(const neurlp_deck *deck, const char *path); /* in the deck or overridden; a key, a
                                                                      section, or a name in a mapping */
bool neurlp_deck_flag(const neurlp_deck *deck, const char *path);
int64_t neurlp_deck_integer(const neurlp_deck *deck, const char *path);
double neurlp_deck_number(const neurlp_deck *deck, const char *path);

/* Texts and choices. NULL if left out and without default. */
const char *neurlp_deck_text(const neurlp_deck *deck, const char *path);

/* Lists of texts or numbers: [a, b, c]; a single value is a list of one. Count 0 if left out. */
int32_t neurlp_deck_list_count(const neurlp_deck *deck, const char *path);
const char *neurlp_deck_list_text(const neurlp_deck *deck, const char *path, int32_t index);
double neurlp_deck_list_number(const neurlp_deck *deck, const char *path, int32_t index);

/* Mappings whose names the user chooses (parameters, initial values, definitions), in the order of the deck.
 * Count 0 if left out. */
int32_t neurlp_deck_map_count(const neurlp_deck *deck, const char *path);
const char *neurlp_deck_map_key(const neurlp_deck *deck, const char *path, int32_t index);
const char *neurlp_deck_map_text(const neurlp_deck *deck, const char *path, int32_t index);

/* True, and *value, if the entry is a plain number. */
bool neurlp_deck_map_number(const neurlp_deck *deck, const char *path, int32_t index, double *value);

/* Member "start", "lower", "upper" or "fixed" of a parameter, {start: 1, lower: 0}; false if it is not there.
 * A parameter that is a plain number has that start. */
bool neurlp_deck_map_member(const neurlp_deck *deck, const char *path, int32_t index, const char *member,
                            double *value);

/* Entry {uniform: [a, b]} or {normal: [a = mean, b = deviation]}: kind is 'u' or 'n'; a plain number: kind
 * 'c', a = value, b = 0. */
void neurlp_deck_map_distribution(const neurlp_deck *deck, const char *path, int32_t index, char *kind,
                                  double *a, double *b);

/* Networks, inputs of the block, losses (keys `networks`, `inputs....`, `loss`), checked but for what depends
 * on the data. Count 0 and no source if left out. */
const neurlp_network_spec *neurlp_deck_networks_of(const neurlp_deck *deck, int32_t *count);
neurlp_source_spec neurlp_deck_source_of(const neurlp_deck *deck, const char *path);
const neurlp_loss_spec *neurlp_deck_losses_of(const neurlp_deck *deck, int32_t *count);

/* 1-based line of a key, section or name in a mapping; 0 where it has none (default, override). */
int32_t neurlp_deck_line(const neurlp_deck *deck, const char *path);

/* For errors that are found later: stores the message in the context in the style of the report, with the
 * source line and a caret, and returns NEURLP_ERROR_DECK. The place is the value of `path` (its entry
 * `index`, in a list or mapping; else -1), `column` characters (0: at its beginning) into its text: a syntax
 * error of an expression at 1-based column c is at c - 1. What the deck leaves out has no place, and only its
 * name is given. */
NEURLP_PRINTF(6, 7)
neurlp_status neurlp_deck_fail(neurlp_context *context, const neurlp_deck *deck, const char *path,
                               int32_t index, int32_t column, const char *format, ...);

/* The deck as resolved, defaults filled in, as YAML that parses to the same values. Lives as long as the
 * deck. */
const char *neurlp_deck_resolved(const neurlp_deck *deck);
const char *neurlp_deck_name(const neurlp_deck *deck);

/* Calls `differs` for each key whose values are not the same in two decks, in the order of the table, until
 * it returns another status than success, which is then returned. Values are as in the resolved deck, "(left
 * out)" where a deck has none; they live during the call. */
NEURLP_MUST_USE neurlp_status neurlp_deck_compare(
    neurlp_context *context, const neurlp_deck *one, const neurlp_deck *other,
    neurlp_status (*differs)(void *user, const char *path, const char *one, const char *other), void *user);

/* The table as text for `neurlp keys [SECTION]`: all of it (section NULL), a section with those inside it, or
 * one key. Free *text with neurlp_release. NEURLP_ERROR_ARGUMENT, with the nearest name, for an unknown
 * section. */
NEURLP_MUST_USE neurlp_status neurlp_deck_describe_keys(neurlp_context *context, const char *section,
                                                        char **text);

/* The table as Markdown: docs/keys.md. */
NEURLP_MUST_USE neurlp_status neurlp_deck_document_keys(neurlp_context *context, char **text);

#endif
