/* What a training found, beside what is known of generated data: true parameters and curves without noise. */
#ifndef NEURLP_MPI_NETWORK_TRUTH_H
#define NEURLP_MPI_NETWORK_TRUTH_H

#include "file/array_file.h"
#include "learn/network/network_evaluate.h"
#include "train/network_study.h"

/* Windows are judged together, and those for training and for validation by themselves. */
enum { NEURLP_SETS = 3 };
extern const char *const neurlp_network_sets[NEURLP_SETS]; /* "all", "training", "validation" */

/* Windows whose block could not be solved are left out. NaN where a set has none. */
typedef struct neurlp_network_truth {
  int64_t windows[NEURLP_SETS];  /* that were judged */
  bool clean;                    /* curves without noise are known */
  double clean_mse[NEURLP_SETS]; /* mean square of solution less such a curve, in the units of the data */
  /* Weights read off each window beside the true ones, [set][D][L]; NULL: not compared. A solution only
   * depends on weight * step^kappa, so they are compared as they are for the data's own step: times
   * time_scale = (step / data's step)^kappa. */
  double time_scale;
  double *correlation; /* Pearson's */
  double *error;       /* root mean square of weight less true weight */
  double *relative;    /* that over the root mean square of the true weights */
} neurlp_network_truth;

/* Local. Evaluates train.compare for every system: study->true_weights, which stays NULL where nothing is to
 * be compared or the data carry no true parameters. Fails with NEURLP_ERROR_DECK (an expression, or their
 * number; or weights that are not read off windows) or NEURLP_ERROR_MEMORY. */
NEURLP_MUST_USE neurlp_status neurlp_network_truth_prepare(neurlp_network_study *study);

/* Windows are judged piece by piece: opened; all windows added, in their order; settled; where that says so,
 * all of them added once more; closed. The numbers are the same for any pieces and any number of ranks, to
 * the last bit. */
typedef struct neurlp_network_judge {
  neurlp_network_study *study;
  int64_t weights;             /* D L; 0: not compared */
  bool second;                 /* of the two passes */
  double *sums;                /* of the pass, over all windows of all ranks so far */
  double *means, *moments;     /* [set][D L][..] */
  neurlp_network_truth *truth; /* borrowed */
} neurlp_network_judge;

/* Collective; the model has been run. Release the judge, and what it found, either way. */
NEURLP_MUST_USE neurlp_status neurlp_network_judge_open(neurlp_network_study *study,
                                                        neurlp_network_truth *truth,
                                                        neurlp_network_judge *judge);

/* Collective. Adds a piece, of which this rank has windows first to first + count - 1. */
void neurlp_network_judge_add(neurlp_network_judge *judge, int64_t first, int64_t count,
                              const neurlp_network_answers *answers);

/* Local. After all windows; true: they have to be added once more, and it be settled again. */
bool neurlp_network_judge_settle(neurlp_network_judge *judge);

void neurlp_network_judge_release(neurlp_network_judge *judge);

/* Collective. Writes the true parameters and weights, and what was judged. */
NEURLP_MUST_USE neurlp_status neurlp_network_truth_write(const neurlp_network_study *study,
                                                         const neurlp_network_truth *truth,
                                                         neurlp_array_file *file);

/* For rank 0: prints what was judged. */
void neurlp_network_truth_print(const neurlp_network_study *study, const neurlp_network_truth *truth);

void neurlp_network_truth_release(neurlp_context *context, neurlp_network_truth *truth);

#endif
