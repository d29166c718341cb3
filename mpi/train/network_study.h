/* A deck of task `train`, made ready on every rank: data, windows, model, reducers, options. */
#ifndef NEURLP_MPI_NETWORK_STUDY_H
#define NEURLP_MPI_NETWORK_STUDY_H

#include "learn/network/network_train.h"
#include "node_memory.h"
#include "reduce/reduce.h"
#include "study/study.h"

enum { NEURLP_FORECAST_HORIZONS = 16 };

/* What is forecast once the model is trained. */
typedef struct neurlp_network_forecast_plan {
  int64_t systems;      /* 0: nothing; they are the last ones of the data */
  int64_t first_system; /* of those */
  int64_t steps;        /* N */
  int64_t *first;       /* [systems] sample with which each forecast begins; -1: too short for one */
  int32_t horizon_count;
  int64_t horizons[NEURLP_FORECAST_HORIZONS];
} neurlp_network_forecast_plan;

typedef struct neurlp_network_study {
  neurlp_study data; /* source, sizes, names, the basis library's model; no fit */
  neurlp_context *context;
  neurlp_node_memory node; /* the ranks of a node have all trajectories once, the following five arrays; each
                              has read, and has in data.samples, a part of the systems */
  double *states;          /* [S][samples][D], NaN where missing and past a trajectory's end */
  double *filled;          /* [S][samples][D], of the windows */
  double *clean;           /* [S][samples][D] without noise and gaps; NULL: not known */
  double *starts;          /* [S] time of each first sample */
  double *true_parameters; /* [S][P] */
  double step;             /* sampling interval */
  neurlp_wiring wiring;
  double *numbers; /* of the step sizes, where they are the data's */
  neurlp_windows windows;
  int32_t order;                    /* d of the block */
  int32_t leading;                  /* kappa, the highest derivative with a coefficient */
  int32_t terms;                    /* L; 0: no library */
  double *weight_scale, *term_size; /* [D][L], [L] */
  neurlp_formulation formulation;
  neurlp_sampler sampler;
  int64_t *order_of_windows; /* [windows] the sampler's samples: those for validation last */
  int32_t *validation;       /* [windows] 1: for validation */
  double *true_weights; /* [S][D][L], of generated data; NULL: not asked for (train.compare) or not known */
  char *model_path;     /* train.model, relative to where the program runs; NULL: none */
  neurlp_network_model model;
  bool allocated; /* the graph has its memory */
  neurlp_reduce *gradients, *scalars;
  neurlp_mpi_exchange shards; /* of weights that are solved for */
  neurlp_solving_spec solving;
  int64_t solving_bytes;     /* that it takes */
  neurlp_newton_spec newton; /* refinements by Gauss-Newton; training.newton NULL: there are none */
  double *errors;            /* [D][L] their standard errors; NULL: they are trained */
  neurlp_training_spec training;
  double *mask; /* [D][L] */
  neurlp_network_forecast_plan forecast;
  double seconds_reading, seconds_preparing;
} neurlp_network_study;

/* Collective. Everything but the training; `allocate`: the graph's memory, too. Without it the study is there
 * to be described: data that would be generated are one trajectory over and over (neurlp_generate_sketch), so
 * that all sizes and bytes are right, and scales and means are not. Returns a status that all ranks share;
 * close the study either way. */
NEURLP_MUST_USE neurlp_status neurlp_network_study_open(MPI_Comm comm, neurlp_job *job, bool allocate,
                                                        neurlp_network_study *study);

/* Collective. Safe on a study that did not open. */
void neurlp_network_study_close(neurlp_network_study *study);

#endif
