/* The result file (docs/formats.md): equations, errors, solutions, statuses, as global arrays. */
#ifndef NEURLP_MPI_RESULT_H
#define NEURLP_MPI_RESULT_H

#include "study/estimates.h"

/* Collective. Writes the file under a temporary name and gives it its own at the end; *written_bytes is what
 * all ranks wrote in arrays. `trouble`: why there was no checkpoint at last, or NULL. Fails with
 * NEURLP_ERROR_IO. */
NEURLP_MUST_USE neurlp_status neurlp_result_write(const neurlp_study *study,
                                                  const neurlp_estimates *estimates, const char *path,
                                                  const char *trouble, int64_t *written_bytes);

#endif
