/* Inside of neurlp_generated: what neurlp_generate_describe found and neurlp_generate_samples uses. */
#ifndef NEURLP_MPI_GENERATE_PLAN_H
#define NEURLP_MPI_GENERATE_PLAN_H

#include "data/generate.h"
#include "system/catalogue.h"
#include "system/ensemble.h"
#include "system/integrate.h"
#include "system/pde/pde.h"

/* kind 'd': drawn together with others, by what the catalogue has for it;
 * kind 'c': the number a; 'u': uniform between a and b; 'n': normal with mean a and standard deviation b */
typedef struct neurlp_distribution {
  char kind;
  double a, b;
} neurlp_distribution;

struct neurlp_generate_plan {
  neurlp_context *context;
  uint64_t seed;
  double transient, noise, missing;
  bool absolute;                    /* noise is in units of the states, not of their root mean square */
  bool multiplicative;              /* noise is in units of each value at its time */
  char **equations;                 /* [D] */
  neurlp_distribution *parameters;  /* [P] */
  neurlp_distribution *initial;     /* [D * order]: x0, x0', x1, ... */
  const neurlp_known_system *known; /* NULL: other equations */
  char from;        /* where trajectories begin: 0: as `initial` or the file has it; 'f', 'l': at the fitted
                       state of the result's first or last sample */
  int64_t from_row; /* system of the result in which trajectory 0 begins */
  int32_t workers;
  neurlp_dynamics **dynamics; /* [workers]: one for each thread; NULL for a partial differential equation */
  neurlp_pde **pdes;          /* [workers]: likewise; NULL for ordinary ones */
  neurlp_ensemble *ensemble;  /* of task simulate; NULL: neurlp_integrate */
  neurlp_precision precision; /* of the ensemble */
  struct neurlp_generate_petsc *petsc; /* TS, which takes the place of both; NULL: they integrate */
};

/* Places in neurlp_generated.sources. */
enum { NEURLP_SOURCE_RESULT, NEURLP_SOURCE_INITIAL };

/* One thread's tools. */
typedef struct neurlp_generate_worker {
  neurlp_dynamics *dynamics;
  neurlp_pde *pde;
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
  double *clean;              /* [end - begin][D] before noise and gaps; NULL: not kept */
  const double *first;        /* [first_count] where it begins; NULL: drawn */
  int32_t first_count;        /* D: x only, from the initial file; D * order: x0, x0', x1, ..., fitted */
} neurlp_generate_part;

enum { NEURLP_GENERATE_PIECE = 1024 }; /* samples that are integrated at a time */

/* Where the numbers are in their stream that initial values are drawn from together: beyond those of states,
 * so that a partial differential equation begins alike on any grid. */
enum { NEURLP_GENERATE_TOGETHER = 1 << 20 };

/* ---- generate_initial.c: first samples from a file --------------------------------------------------- */

/* Local. Number of systems in g->sources[NEURLP_SOURCE_INITIAL], which must have all states. */
NEURLP_MUST_USE neurlp_status neurlp_generate_count_initial(const neurlp_generated *g, int64_t *systems);

/* Local. Where systems first to end - 1 begin: [end - first][*count], NULL if initial values are drawn.
 * *count is D for a data set's first samples, D * order for fitted states. */
NEURLP_MUST_USE neurlp_status neurlp_generate_read_initial(const neurlp_generated *g, int64_t first,
                                                           int64_t end, int32_t *count, double **values);

/* Local. Number of systems in the result g->sources[NEURLP_SOURCE_RESULT] that trajectories can go on from
 * with the equations of row `row`; the first of them; and the time of its end g->plan->from. */
NEURLP_MUST_USE neurlp_status neurlp_generate_count_fitted(const neurlp_generated *g, int64_t row,
                                                           int64_t *systems, int64_t *first, double *time);

/* ---- generate_pde.c ---------------------------------------------------------------------------------- */

/* The clean trajectory up to the sample before `stop`, of a partial differential equation. */
void neurlp_generate_pde(const neurlp_generated *g, neurlp_generate_worker *w,
                         const neurlp_generate_part *kept, int64_t stop);

/* ---- generate_petsc.c -------------------------------------------------------------------------------- */

/* Integrates w->initial through w->times [count] into w->states. A failure (negative), which is no system's,
 * is kept, and later calls return it at once: neurlp_generate_petsc_status has its message. Not for several
 * threads. */
neurlp_status neurlp_generate_integrate_petsc(const neurlp_generated *g, const neurlp_generate_worker *w,
                                              int64_t count);
NEURLP_MUST_USE neurlp_status neurlp_generate_petsc_status(const neurlp_generated *g);
void neurlp_generate_release_petsc(struct neurlp_generate_plan *plan);

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
