/* What a basis library should find in generated data, and how far what was found is from it. */
#ifndef NEURLP_MPI_TRUTH_H
#define NEURLP_MPI_TRUTH_H

#include "file/array_file.h"
#include "study/study.h"

/* Over the coefficients whose truth is not 0: the largest and the mean |w - truth| / |truth|. `vector` is
 * |w - truth| / |truth| of all coefficients together, those that should be 0 included. */
typedef struct neurlp_coefficient_errors {
  double worst, mean, vector;
} neurlp_coefficient_errors;

/* Expands the true right-hand sides in the library's terms: a least-squares fit at random points, which has
 * to leave nothing. *coefficients [D][L] is NULL where there is nothing to expand (data of a file, a partial
 * differential equation, parameters that differ between systems, no library or one beside known parts), where
 * the terms do not contain the truth, or where they are dependent. Local; free it with neurlp_release. */
NEURLP_MUST_USE neurlp_status neurlp_study_truth(const neurlp_study *study, double **coefficients);

/* Collective. Writes that truth, and how far from it the coefficients `found` [D][L] are, where it is known:
 * truth/coefficients and three attributes of the root. `found` is read on every rank. File NULL: they are
 * there, and *errors alone are wanted. */
NEURLP_MUST_USE neurlp_status neurlp_study_truth_write(const neurlp_study *study, neurlp_array_file *file,
                                                       const double *found, neurlp_coefficient_errors *errors,
                                                       bool *known);

neurlp_coefficient_errors neurlp_compare_coefficients(int64_t count, const double *found,
                                                      const double *truth);

#endif
