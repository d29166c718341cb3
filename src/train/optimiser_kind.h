/* The optimisers, behind one table: a new one is a row in optimiser_kind.c, and formulas in updates.h. */
#ifndef NEURLP_TRAIN_OPTIMISER_KIND_H
#define NEURLP_TRAIN_OPTIMISER_KIND_H

#include "train/optimiser.h"
#include "train/update.h"

/* All functions are required. */
typedef struct neurlp_optimiser_kind {
  const char *name;
  const char *moments[2]; /* what the arrays it keeps are called in its state; NULL: not kept */
  neurlp_optimiser_options (*defaults)(void);
  /* How many of the moments it keeps with these options. */
  int32_t (*moments_count)(const neurlp_optimiser_options *options);
  /* The numbers of a group's step number `step` (from 1), with the group's own rate and weight decay. */
  neurlp_update (*prepare)(const neurlp_optimiser_options *options, double rate, double decay, int64_t step);
  neurlp_update_function *update_double, *update_single;
  neurlp_update_kind update; /* the same formulas elsewhere (accelerator.h) */
} neurlp_optimiser_kind;

/* NULL if there is none of this name. */
const neurlp_optimiser_kind *neurlp_optimiser_kind_find(const char *name);

#endif
