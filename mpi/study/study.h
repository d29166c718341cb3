/* A study: what a deck asks to learn, and from which data, made ready on every rank: source, model, plan,
 * samples, grid, fit. `neurlp validate` makes one and stops; `neurlp run` learns from it and writes the
 * result. Where each system is fitted by itself, a study has a piece of all systems at a time. */
#ifndef NEURLP_MPI_STUDY_H
#define NEURLP_MPI_STUDY_H

#include "data/data_set.h"
#include "data/generate.h"
#include "job.h"
#include "learn/direct.h"
#include "learn/vectors.h"
#include "reduce/transport.h"
#include "study/exchange.h"

typedef struct neurlp_study {
  MPI_Comm comm;
  int rank, size;
  neurlp_job *job; /* borrowed */
  neurlp_context *context;
  bool discover;      /* there is a basis library */
  bool without_known; /* the model is that of what is learned alone (dynamics.known is left out) */
  /* data: one of the two sources */
  neurlp_data_set *file;
  char *data_path; /* of that file, relative to where the program runs; NULL: none */
  neurlp_generated *generated;
  int64_t systems, samples_each; /* S, T */
  const int64_t *lengths;        /* [S] or NULL */
  int32_t dimensions;            /* D */
  char **names;                  /* [D] of the data's states; borrowed from the source */
  int32_t inputs;                /* U: those that data.inputs of the deck names */
  const char *time_units;
  /* equations */
  neurlp_model *model;
  int32_t block_order; /* d */
  int64_t piece;       /* systems that are fitted at a time, all ranks together; S where all of them are */
  /* this rank's part, of the piece in hand */
  bool repeats; /* others have the same samples as this rank, and write them where they are written */
  bool sketch;  /* generated data are the first trajectory over and over: nothing is learned from them */
  neurlp_plan_spec plan_spec;
  neurlp_plan plan;
  neurlp_samples samples;
  int32_t true_parameter_count; /* that a generated data set carries; 0: none */
  char **true_parameter_names;  /* borrowed from the source */
  double *true_parameters;      /* [systems of this rank][true_parameter_count] */
  neurlp_trajectories *trajectories;
  neurlp_mpi_exchange exchange;
  /* for sums of gradients: where vectors are, and how they travel (reduce/reduce.h) */
  neurlp_vectors vectors;
  neurlp_transport transport;
  neurlp_direct_options options;
  neurlp_fit *fit;
  double seconds_reading, seconds_preparing; /* of all pieces so far */
  int64_t samples_read;                      /* by this rank */
} neurlp_study;

/* Collective. The first part of opening: the device is bound, and the source of the data is open; its sizes
 * and names are known. Returns a status that all ranks share; close the study either way. */
NEURLP_MUST_USE neurlp_status neurlp_study_open_data(MPI_Comm comm, neurlp_job *job, neurlp_study *study);

/* A relative path in a deck is relative to the deck's own folder, so that a deck runs from wherever it is
 * called. Free *resolved with neurlp_release. */
NEURLP_MUST_USE neurlp_status neurlp_study_path(const neurlp_study *study, const char *path, char **resolved);

/* Collective. Reads the samples of study->plan's systems and samples. */
NEURLP_MUST_USE neurlp_status neurlp_study_read(neurlp_study *study);

/* Collective. Takes the samples of systems [first, first + count) in the place of those in hand; nothing can
 * be fitted before neurlp_study_take. For all systems where each is not fitted by itself. */
NEURLP_MUST_USE neurlp_status neurlp_study_look(neurlp_study *study, int64_t first, int64_t count);

/* Collective. The same, with grid and fit. Nothing is done where the study has them and nothing was learned
 * yet. */
NEURLP_MUST_USE neurlp_status neurlp_study_take(neurlp_study *study, int64_t first, int64_t count);

/* Collective. The first piece is in hand then. Returns a status that all ranks share; close the study either
 * way. */
NEURLP_MUST_USE neurlp_status neurlp_study_open(MPI_Comm comm, neurlp_job *job, neurlp_study *study);

/* Collective. Safe on a study that did not open. */
void neurlp_study_close(neurlp_study *study);

#endif
