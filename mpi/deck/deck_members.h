/* Members of a mapping whose names are fixed: {dense: 64}, {network: encoder, range: [0, 1]}. Internal to the
 * deck. */
#ifndef NEURLP_MPI_DECK_MEMBERS_H
#define NEURLP_MPI_DECK_MEMBERS_H

#include "deck/deck_tree.h"

/* The member of that name; NULL: it is not there. */
const neurlp_deck_node *neurlp_deck_member(const neurlp_deck_node *map, const char *name);

/* Reports members that are none of `names` (up to NULL), with the nearest of them. `what` is what has them.
 */
void neurlp_deck_check_members(neurlp_deck_report *report, const neurlp_deck_node *map, const char *what,
                               const char *const *names);

/* Values; what is wrong is reported, and false returned. A number must lie between lower and upper, an
 * integer too. */
bool neurlp_deck_member_integer(neurlp_deck_report *report, const neurlp_deck_node *node, int64_t lower,
                                int64_t upper, int64_t *integer);
bool neurlp_deck_member_number(neurlp_deck_report *report, const neurlp_deck_node *node, double *number);
bool neurlp_deck_member_flag(neurlp_deck_report *report, const neurlp_deck_node *node, bool *flag);

/* Two numbers in brackets, the first below the second. */
bool neurlp_deck_member_range(neurlp_deck_report *report, const neurlp_deck_node *node, double *lower,
                              double *upper);

/* A word that is one of `words` (up to NULL): its index, or -1. */
int32_t neurlp_deck_member_word(neurlp_deck_report *report, const neurlp_deck_node *node, const char *what,
                                const char *const *words);

#endif
