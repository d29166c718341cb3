/* Synthetic trajectories from the deck's section data.generate: a system of the catalogue, or equations of
 * the user's, with parameters and initial values that are numbers or drawn for each system, integrated
 * accurately, sampled, with noise and gaps. What is not said to be collective is local.
 *
 * Every number depends on (run.seed, global system index, sample) only, so that any distribution of systems,
 * or of one system's samples, over ranks and threads gives the same bits. */
#ifndef NEURLP_MPI_GENERATE_H
#define NEURLP_MPI_GENERATE_H

#include "data/data_set.h"
#include "deck/deck.h"

/* What a deck asks for. */
typedef struct neurlp_generated {
  int64_t systems;    /* S */
  int64_t samples;    /* T, of every system */
  int32_t dimensions; /* D */
  int32_t order;      /* kappa: 1, or 2 where the equations give second derivatives; states are positions */
  int32_t parameters; /* P */
  char **names;       /* [D]; of a partial differential equation u0, u1, ..., at D points of its domain */
  char **parameter_names;             /* [P] */
  const struct neurlp_known_pde *pde; /* the equation, if it is a partial one; NULL else */
  bool clean;                         /* what was there before noise and gaps is kept */
  double start, step;                 /* sample i is at start + i step */
  int64_t failed;   /* after neurlp_generate_samples: systems in the range that blew up or stalled there */
  char *sources[2]; /* files that it comes from: learned equations, initial values; NULL: none */
  struct neurlp_generate_plan *plan;
} neurlp_generated;

/* Reads and checks data.generate: names, equations, distributions, sizes. What is wrong with it is
 * NEURLP_ERROR_DECK, with the deck's line, or NEURLP_ERROR_MEMORY; *generated is then NULL. The deck is
 * borrowed during the call only; the context until neurlp_generate_destroy. */
NEURLP_MUST_USE neurlp_status neurlp_generate_describe(neurlp_context *context, const neurlp_deck *deck,
                                                       neurlp_generated **generated);

/* Collective. Has PETSc's TS integrate, if the deck's data.integrator says so. Fails with NEURLP_ERROR_DECK
 * where there is no PETSc, where the deck has settings for another integrator, and for a partial differential
 * equation. */
NEURLP_MUST_USE neurlp_status neurlp_generate_use_petsc(MPI_Comm comm, const neurlp_deck *deck,
                                                        neurlp_generated *generated);

/* Makes the samples of a range, in threads over its systems.
 *   samples    written; free it with neurlp_samples_release. `clean` is there where there is noise or a gap,
 *              unless the deck does without
 *   parameters [systems in range][P], written with the true parameters, unless NULL
 * A system that runs to infinity, or that the integrator gives up, has NaN from there on and is counted in
 * generated->failed. A range that begins or ends within a system costs that system's integration from its
 * start to the end of the range (with noise, which is relative to the whole trajectory, to its end); memory
 * is that of the samples asked for. Fails with NEURLP_ERROR_ARGUMENT (range) or NEURLP_ERROR_MEMORY. */
NEURLP_MUST_USE neurlp_status neurlp_generate_samples(neurlp_generated *generated,
                                                      const neurlp_sample_range *range,
                                                      neurlp_samples *samples, double *parameters);

/* The same for whole systems, but only the first of the range is integrated, and stands for the others: what
 * takes as much memory as all samples do, and as little time as one trajectory. For those who only describe a
 * run. */
NEURLP_MUST_USE neurlp_status neurlp_generate_sketch(neurlp_generated *generated,
                                                     const neurlp_sample_range *range,
                                                     neurlp_samples *samples, double *parameters);

/* Frees it and sets *generated to NULL. Safe to call twice. */
void neurlp_generate_destroy(neurlp_generated **generated);

#endif
