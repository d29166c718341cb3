/* The table of all keys of a deck. The check, the values, the resolved deck, `neurlp keys` and docs/keys.md
 * are made from it: a new key is a new row, a new section a row in each of the two tables. Internal to the
 * deck. */
#ifndef NEURLP_MPI_DECK_KEYS_H
#define NEURLP_MPI_DECK_KEYS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum neurlp_key_kind {
  NEURLP_KEY_FLAG,
  NEURLP_KEY_INTEGER,
  NEURLP_KEY_NUMBER,
  NEURLP_KEY_TEXT,
  NEURLP_KEY_CHOICE,
  NEURLP_KEY_TEXT_LIST,
  NEURLP_KEY_NUMBER_LIST,
  NEURLP_KEY_TEXT_MAP,         /* names, each with a text */
  NEURLP_KEY_DISTRIBUTION_MAP, /* names, each with a number, {uniform: [a, b]} or {normal: [mean, deviation]}
                                */
  NEURLP_KEY_PARAMETER_MAP,    /* names, each with a start, {start, lower, upper} or {fixed: value} */
  NEURLP_KEY_NETWORKS,         /* names, each with layers */
  NEURLP_KEY_SOURCE,           /* where an input of the block comes from: one of the choices */
  NEURLP_KEY_LOSSES            /* a list of what is minimised */
} neurlp_key_kind;

/* Tasks, as bits; in the order of the choices of the key `task`. */
enum {
  NEURLP_TASK_DISCOVER = 1,
  NEURLP_TASK_FIT = 2,
  NEURLP_TASK_LEARN = NEURLP_TASK_DISCOVER | NEURLP_TASK_FIT,
  NEURLP_TASK_SIMULATE = 4,
  NEURLP_TASK_TRAIN = 8,
  NEURLP_TASK_DATA = NEURLP_TASK_LEARN | NEURLP_TASK_TRAIN,
  NEURLP_TASK_LIBRARY = NEURLP_TASK_DISCOVER | NEURLP_TASK_TRAIN,
  NEURLP_TASK_ALL = NEURLP_TASK_DATA | NEURLP_TASK_SIMULATE
};

/* What a number (every number of a list) must lie between. */
typedef enum neurlp_limit { NEURLP_LIMIT_NONE, NEURLP_LIMIT_CLOSED, NEURLP_LIMIT_OPEN } neurlp_limit;

typedef struct neurlp_range {
  neurlp_limit lower_limit, upper_limit;
  double lower, upper;
} neurlp_range;

enum { NEURLP_KEY_CHOICES = 7 };

typedef struct neurlp_deck_key {
  const char *path; /* "dynamics.library.polynomial" */
  neurlp_key_kind kind;
  uint32_t tasks;           /* that it belongs to; 0 means all */
  uint32_t required;        /* tasks that need it (where its section is optional: if the section is there) */
  const char *preset;       /* default, as a deck would write it; NULL: none */
  const char *preset_words; /* the default in words, where it is not a fixed value; NULL else */
  const char *unit;         /* NULL: none */
  neurlp_range range;
  const char *special;       /* a value with a meaning of its own, allowed outside the range; NULL: none */
  const char *special_words; /* that meaning */
  const char *choices[NEURLP_KEY_CHOICES]; /* of a choice or source, up to the first NULL */
  bool catalogue;                          /* a text that names a system of the catalogue */
  const char *sentence;
} neurlp_deck_key;

typedef struct neurlp_deck_section {
  const char *path;
  const char *sentence;
} neurlp_deck_section;

/* Of two or three keys of a section, one must be there, and no other. */
typedef struct neurlp_deck_either {
  const char *section, *one, *other;
  const char *third; /* or NULL */
} neurlp_deck_either;

/* Where `key` is given, `needs` must be, too. */
typedef struct neurlp_deck_need {
  const char *key, *needs, *reason;
} neurlp_deck_need;

extern const neurlp_deck_key neurlp_deck_keys[];
extern const int32_t neurlp_deck_key_count;
extern const neurlp_deck_section neurlp_deck_sections[];
extern const int32_t neurlp_deck_section_count;
extern const neurlp_deck_either neurlp_deck_eithers[];
extern const int32_t neurlp_deck_either_count;
extern const neurlp_deck_need neurlp_deck_needs[];
extern const int32_t neurlp_deck_need_count;

/* Index of the key or section of that path, -1 if there is none. */
int32_t neurlp_deck_key_find(const char *path);
int32_t neurlp_deck_section_find(const char *path);

/* Tasks that a key belongs to; those that any key below a section belongs to. */
uint32_t neurlp_deck_key_tasks(const neurlp_deck_key *key);
uint32_t neurlp_deck_section_tasks(const char *section);

/* True if a deck may do without the section: something else can stand in its place. */
bool neurlp_deck_section_optional(const char *section);

/* "discover", "discover, fit and train": the tasks whose bits are set. */
const char *neurlp_deck_task_name(uint32_t tasks);

/* Last part of a path, and the length of what is before its last dot (0 if there is none). */
const char *neurlp_deck_path_leaf(const char *path);
int32_t neurlp_deck_path_parent(const char *path);

/* True if `path` is a key or section directly inside `section` ("" is the outermost). */
bool neurlp_deck_path_inside(const char *path, const char *section);

/* True for the kinds that hold names of the user's choosing. */
bool neurlp_deck_kind_is_map(neurlp_key_kind kind);
const char *neurlp_deck_kind_words(neurlp_key_kind kind);

/* The allowed values in words: "2 or more", "1 to 4", "discover or fit"; "" if there is nothing to say. */
void neurlp_deck_range_words(const neurlp_deck_key *key, char *words, int32_t bytes);

#endif
