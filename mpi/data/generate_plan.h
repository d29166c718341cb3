/* Inside of neurlp_generated: what neurlp_generate_describe found and neurlp_generate_samples uses. */
#ifndef NEURLP_MPI_GENERATE_PLAN_H
#define NEURLP_MPI_GENERATE_PLAN_H

#include "data/generate.h"
#include "system/catalogue.h"
#include "system/integrate.h"

/* kind 'c': the number a; 'u': uniform between a and b; 'n': normal with mean a and standard deviation b */
typedef struct neurlp_distribution {
  char kind;
  double a, b;
} neurlp_distribution;

struct neurlp_generate_plan {
  neurlp_context *context;
  uint64_t seed;
  double transient, noise, missing;
  char **equations;                /* [D] */
  neurlp_distribution *parameters; /* [P] */
  neurlp_distribution *initial;    /* [D * order]: x0, x0', x1, ... */
  int32_t workers;
  neurlp_dynamics **dynamics; /* [workers]: one for each thread */
};

#endif
