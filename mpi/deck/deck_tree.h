/* A deck's text as a tree of nodes that know where they stand. Internal to the deck. */
#ifndef NEURLP_MPI_DECK_TREE_H
#define NEURLP_MPI_DECK_TREE_H

#include "deck/deck_report.h"

typedef enum neurlp_node_kind { NEURLP_NODE_SCALAR, NEURLP_NODE_LIST, NEURLP_NODE_MAP } neurlp_node_kind;

typedef struct neurlp_deck_node {
  neurlp_node_kind kind;
  bool quoted;                 /* a scalar in quotes, or a block of text: never a number */
  const char *key;             /* in a mapping; NULL else */
  const char *text;            /* of a scalar */
  neurlp_deck_place key_place; /* of the key; of the value where there is no key */
  neurlp_deck_place place;     /* of the value; of the key where the value is empty */
  struct neurlp_deck_node *first, *last, *next;
  int32_t count; /* children */
} neurlp_deck_node;

/* Deepest nesting of lists and mappings; longest deck. */
enum { NEURLP_DECK_DEPTH = 32, NEURLP_DECK_BYTES = 1 << 20 };

/* Reads YAML: mappings, lists and scalars of one document, without anchors, aliases and tags. `origin` says
 * what the text is; errors go to the report. NULL if there is any. */
neurlp_deck_node *neurlp_deck_tree_read(neurlp_deck_report *report, int32_t origin, const char *text,
                                        size_t length);

/* A value that is text as it stands; an empty one is no value. Its characters are checked all the same. */
neurlp_deck_node *neurlp_deck_tree_literal(neurlp_deck_report *report, int32_t origin, const char *text);

/* Puts override `index`, "key=value", into the tree, in place of what is there. */
void neurlp_deck_tree_override(neurlp_deck_report *report, neurlp_deck_node *root, int32_t index);

/* A scalar that a deck could have written. */
neurlp_deck_node *neurlp_deck_node_scalar(neurlp_deck_arena *arena, const char *text, bool quoted);

/* Child of that name, or NULL. */
neurlp_deck_node *neurlp_deck_node_child(const neurlp_deck_node *node, const char *key, size_t length);

/* Node at a path of names, or NULL. */
neurlp_deck_node *neurlp_deck_node_find(neurlp_deck_node *root, const char *path);

/* True for a scalar that says nothing: empty, ~ or null, not quoted. */
bool neurlp_deck_node_empty(const neurlp_deck_node *node);

#endif
