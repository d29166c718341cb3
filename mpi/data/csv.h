/* Tables in CSV: comment lines with #, a header line with the names of the columns, then numbers. An empty
 * field or NaN is a missing value. Local: no communication. */
#ifndef NEURLP_MPI_CSV_H
#define NEURLP_MPI_CSV_H

#include "core/context.h"

typedef struct neurlp_csv {
  int32_t columns;
  int64_t rows;
  char **names;   /* [columns] */
  int64_t *lines; /* [rows] line of the file, from 1, for messages */
  double *values; /* [rows][columns], NaN where missing */
} neurlp_csv;

/* Reads a table of at most 1 GB. NEURLP_ERROR_DATA with line and column for what is not such a table. */
NEURLP_MUST_USE neurlp_status neurlp_csv_read(neurlp_context *context, const char *path, neurlp_csv *csv);

/* The same from text in memory; the text is changed. `name` is what messages call it. */
NEURLP_MUST_USE neurlp_status neurlp_csv_parse(neurlp_context *context, const char *name, char *text,
                                               neurlp_csv *csv);

void neurlp_csv_release(neurlp_context *context, neurlp_csv *csv);

#endif
