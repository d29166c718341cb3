/* Inside of neurlp_generated: what neurlp_generate_describe found and neurlp_generate_samples uses. */
#ifndef NEURLP_MPI_GENERATE_PLAN_H
#define NEURLP_MPI_GENERATE_PLAN_H

#include "data/generate.h"
#include "system/catalogue.h"
#include "system/ensemble.h"
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
  bool multiplicative;             /* noise is relative to each value, not to the state's RMS */
  char **equations;                /* [D] */
  neurlp_distribution *parameters; /* [P] */
  neurlp_distribution *initial;    /* [D * order]: x0, x0', x1, ... */
  int32_t workers;
  neurlp_dynamics **dynamics; /* [workers]: one for each thread */
  neurlp_ensemble *ensemble;  /* of task simulate; NULL: neurlp_integrate */
  neurlp_precision precision; /* of the ensemble */
};

/* Places in neurlp_generated.sources. */
enum { NEURLP_SOURCE_RESULT, NEURLP_SOURCE_INITIAL };

/* One thread's tools. */
typedef struct neurlp_generate_worker {
  neurlp_dynamics *dynamics;
  double *times;      /* [NEURLP_GENERATE_PIECE + 1] */
  double *states;     /* [NEURLP_GENERATE_PIECE + 1][D * order] */
  double *initial;    /* [D * order] */
  double *parameters; /* [P] */
  double *squares;    /* [D] sum over the clean samples so far */
  int64_t clean;      /* their number: sample `clean` is the first that failed, if any */
} neurlp_generate_worker;

/* The part of one system that is asked for. */
typedef struct neurlp_generate_part {
  int64_t system, begin, end; /* samples begin to end - 1 */
  double *times;              /* [end - begin] */
  double *states;             /* [end - begin][D] */
  const double *first;        /* [D] its first sample in the initial file; NULL: drawn */
} neurlp_generate_part;

enum { NEURLP_GENERATE_PIECE = 1024 }; /* samples that are integrated at a time */

/* ---- generate_initial.c: first samples from a file --------------------------------------------------- */

/* Local. Number of systems in g->sources[NEURLP_SOURCE_INITIAL], which must have all states. */
NEURLP_MUST_USE neurlp_status neurlp_generate_count_initial(const neurlp_generated *g, int64_t *systems);

/* Local. First samples [end - first][D] of systems first to end - 1; NULL without a file. */
NEURLP_MUST_USE neurlp_status neurlp_generate_read_initial(const neurlp_generated *g, int64_t first,
                                                           int64_t end, double **samples);

/* ---- generate_samples.c: steps that both integrators share ------------------------------------------- */

/* Initial values and parameters of a system; nothing clean yet. */
void neurlp_generate_draw(const neurlp_generated *g, const neurlp_generate_part *kept,
                          neurlp_generate_worker *w);
/* Takes in rows [count][D * order] up to the first NaN: positions go to the kept part, squares to the sums.
 */
void neurlp_generate_take_rows(const neurlp_generated *g, neurlp_generate_worker *w,
                               const neurlp_generate_part *kept, int64_t count, const double *rows);
/* Times of a part, and NaN for its states. */
void neurlp_generate_clear(const neurlp_generated *g, const neurlp_generate_part *kept);
/* Noise and gaps. */
void neurlp_generate_spoil(const neurlp_generated *g, const neurlp_generate_worker *w,
                           const neurlp_generate_part *kept);

/* ---- generate_ensemble.c ----------------------------------------------------------------------------- */

/* Makes plan->ensemble from the deck's section `simulate`. */
NEURLP_MUST_USE neurlp_status neurlp_generate_make_ensemble(const neurlp_generated *g,
                                                            const neurlp_deck *deck);

/* Integrates the parts [count], in batches; parameters [count][P] or NULL. *failed counts those that failed
 * before their part's end. */
NEURLP_MUST_USE neurlp_status neurlp_generate_ensemble(const neurlp_generated *g, neurlp_generate_worker *w,
                                                       int64_t count, const neurlp_generate_part *parts,
                                                       double *parameters, int64_t *failed);

#endif
