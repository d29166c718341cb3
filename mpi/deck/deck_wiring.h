/* Networks, inputs of the block and losses: keys whose values are trees. Internal to the deck. */
#ifndef NEURLP_MPI_DECK_WIRING_H
#define NEURLP_MPI_DECK_WIRING_H

#include "deck/deck_keys.h"
#include "deck/deck_tree.h"
#include "learn/network/network_spec.h"

/* All networks, or all losses, of a deck; memory of the arena. */
typedef struct neurlp_deck_networks {
  int32_t count;
  neurlp_network_spec *networks;
} neurlp_deck_networks;

typedef struct neurlp_deck_losses {
  int32_t count;
  neurlp_loss_spec *losses;
} neurlp_deck_losses;

/* A source, with the name of its network, which is looked up when all networks are known. */
typedef struct neurlp_deck_source_value {
  neurlp_source_spec source;
  const char *network;
  const neurlp_deck_node *network_node;
} neurlp_deck_source_value;

/* Read a value of a kind NEURLP_KEY_NETWORKS, NEURLP_KEY_SOURCE or NEURLP_KEY_LOSSES; what is wrong goes to
 * the report. NULL if it cannot be read at all. */
neurlp_deck_networks *neurlp_deck_read_networks(neurlp_deck_report *report, const neurlp_deck_node *node);
neurlp_deck_source_value *neurlp_deck_read_source(neurlp_deck_report *report, const neurlp_deck_key *key,
                                                  const neurlp_deck_node *node);
neurlp_deck_losses *neurlp_deck_read_losses(neurlp_deck_report *report, const neurlp_deck_node *node);

#endif
