/* The result file (docs/formats.md): equations, errors, solutions, statuses, as global arrays. */
#ifndef NEURLP_MPI_RESULT_H
#define NEURLP_MPI_RESULT_H

#include "study/estimates.h"

/* ---- all systems at once ----------------------------------------------------------------------------- */

/* Collective. Writes the file under a temporary name and gives it its own at the end; *written_bytes is what
 * all ranks wrote in arrays. `trouble`: why there was no checkpoint at last, or NULL. Fails with
 * NEURLP_ERROR_IO. */
NEURLP_MUST_USE neurlp_status neurlp_result_write(const neurlp_study *study,
                                                  const neurlp_estimates *estimates, const char *path,
                                                  const char *trouble, int64_t *written_bytes);

/* ---- systems that are fitted each by itself, piece by piece ------------------------------------------ */

/* The file grows as NAME.partial, where any reader finds what is complete, and any number of ranks goes on
 * from (docs/formats.md, "Written piece by piece"). */
typedef struct neurlp_result {
  const neurlp_study *study; /* borrowed */
  struct neurlp_array_file *file;
  int64_t complete, failed; /* systems: the first so many are on disk; failed ones among them */
} neurlp_result;

/* Collective. Begins the file, or goes on with one of the same deck, program and data (`fingerprint`) that an
 * earlier run has left. Fails with NEURLP_ERROR_IO. Discard the result either way. */
NEURLP_MUST_USE neurlp_status neurlp_result_open(const neurlp_study *study, const char *path,
                                                 const char *fingerprint, neurlp_result *result);

/* Collective. The estimates of the study's piece, the next one: they are complete, and on disk. */
NEURLP_MUST_USE neurlp_status neurlp_result_add(neurlp_result *result, const neurlp_estimates *estimates);

/* Collective. Of all systems, from the file: how many failed, did not converge, ended at a bound. Nothing
 * else of `estimates` is set. */
NEURLP_MUST_USE neurlp_status neurlp_result_count(const neurlp_result *result, neurlp_estimates *estimates);

/* Collective. The estimates of one parameter, or with `truth` the true values of parameter number p of those
 * that the data carry, of systems [first, first + count): values [count]. Each rank asks for its own. */
NEURLP_MUST_USE neurlp_status neurlp_result_column(const neurlp_result *result, bool truth, int32_t p,
                                                   int64_t first, int64_t count, double *values);

/* Collective. Gives the file its name; *written_bytes is the size of its arrays. */
NEURLP_MUST_USE neurlp_status neurlp_result_commit(neurlp_result *result, const char *trouble,
                                                   int64_t *written_bytes);

/* Collective. What is complete stays; `status` as in neurlp_array_file_discard. Safe on a result that did not
 * open. */
neurlp_status neurlp_result_discard(neurlp_result *result, neurlp_status status);

#endif
