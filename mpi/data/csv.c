#include "data/csv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MOST_BYTES = 1 << 30, MOST_COLUMNS = 1 << 16 };

/* Cuts the next line off *text, without its end; NULL at the end of the text. */
static char *next_line(char **text) {
  char *line = *text;
  if (!*line) return NULL;
  char *end = line + strcspn(line, "\n");
  *text = *end ? end + 1 : end;
  if (end > line && end[-1] == '\r') end--;
  *end = '\0';
  return line;
}

static bool is_comment_or_empty(const char *line) {
  line += strspn(line, " \t");
  return *line == '\0' || *line == '#';
}

/* Cuts the next field off *line, without blanks and quotes around it; NULL after the last. */
static char *next_field(char **line) {
  if (!*line) return NULL;
  char *field = *line;
  char *end = field + strcspn(field, ",");
  *line = *end ? end + 1 : NULL;
  *end = '\0';
  field += strspn(field, " \t");
  while (end > field && (end[-1] == ' ' || end[-1] == '\t')) *--end = '\0';
  if (end - field >= 2 && *field == '"' && end[-1] == '"') {
    end[-1] = '\0';
    field++;
  }
  return field;
}

/* A number to its last character; an empty field or NaN is missing. Infinities are no data. */
static bool read_number(const char *field, double *value) {
  *value = (double)NAN;
  if (!*field || strcasecmp(field, "nan") == 0) return true;
  if (strspn(field, "0123456789+-.eE") != strlen(field)) return false;
  char *end = NULL;
  *value = strtod(field, &end);
  return end != field && !*end && isfinite(*value);
}

static int32_t count_fields(const char *line) {
  int32_t count = 1;
  for (; *line; line++) count += *line == ',';
  return count;
}

static neurlp_status read_header(neurlp_context *context, const char *name, int64_t number, char *line,
                                 neurlp_csv *csv) {
  const int32_t columns = count_fields(line);
  if (columns > MOST_COLUMNS)
    return neurlp_fail(context, NEURLP_ERROR_DATA, "%s:%lld: %d columns; at most %d can be read", name,
                       (long long)number, columns, MOST_COLUMNS);
  neurlp_status status = neurlp_allocate(context, columns, sizeof *csv->names, &csv->names);
  if (status != NEURLP_SUCCESS) return status;
  csv->columns = columns;
  int32_t numbers = 0;
  for (int32_t k = 0; k < columns; k++) {
    const char *field = next_field(&line);
    double value = 0;
    numbers += *field && read_number(field, &value);
    if (!*field || strlen(field) > 255)
      return neurlp_fail(context, NEURLP_ERROR_DATA, "%s:%lld: column %d has no name, or a very long one",
                         name, (long long)number, k + 1);
    NEURLP_TRY(neurlp_copy_text(context, field, &csv->names[k]));
    for (int32_t i = 0; i < k; i++)
      if (strcmp(csv->names[i], field) == 0)
        return neurlp_fail(context, NEURLP_ERROR_DATA, "%s:%lld: two columns are named '%s'", name,
                           (long long)number, field);
  }
  if (numbers == columns)
    return neurlp_fail(context, NEURLP_ERROR_DATA,
                       "%s:%lld: the first line must name the columns, but it holds numbers; put a line like "
                       "'time,x,y' before it",
                       name, (long long)number);
done:
  return status;
}

static neurlp_status read_row(neurlp_context *context, const char *name, int64_t number, char *line,
                              const neurlp_csv *csv, double *row) {
  const int32_t fields = count_fields(line);
  if (fields != csv->columns)
    return neurlp_fail(context, NEURLP_ERROR_DATA, "%s:%lld: %d fields, but the header names %d columns",
                       name, (long long)number, fields, csv->columns);
  for (int32_t k = 0; k < csv->columns; k++) {
    const char *field = next_field(&line);
    if (!read_number(field, &row[k]))
      return neurlp_fail(
          context, NEURLP_ERROR_DATA,
          "%s:%lld: '%.40s' in column '%s' is not a finite number; leave the field empty where a "
          "value is missing",
          name, (long long)number, field, csv->names[k]);
  }
  return NEURLP_SUCCESS;
}

/* Lines that hold data: what neither is empty nor a comment. */
static int64_t count_rows(const char *text) {
  int64_t rows = 0;
  while (*text) {
    const size_t length = strcspn(text, "\n");
    const char *start = text + strspn(text, " \t");
    rows += *start && *start != '\n' && *start != '\r' && *start != '#';
    text += length + (text[length] == '\n');
  }
  return rows;
}

neurlp_status neurlp_csv_parse(neurlp_context *context, const char *name, char *text, neurlp_csv *csv) {
  neurlp_status status = NEURLP_SUCCESS;
  memset(csv, 0, sizeof *csv);
  if (strncmp(text, "\xef\xbb\xbf", 3) == 0) text += 3; /* byte order mark */
  int64_t number = 0;
  char *line = NULL;
  do {
    line = next_line(&text);
    number++;
  } while (line && is_comment_or_empty(line));
  if (!line) {
    status = neurlp_fail(context, NEURLP_ERROR_DATA, "%s holds no header line and no data", name);
    goto done;
  }
  const bool one_column = count_fields(line) == 1;
  NEURLP_TRY(read_header(context, name, number, line, csv));
  if (one_column && strpbrk(csv->names[0], ";\t")) {
    status = neurlp_fail(context, NEURLP_ERROR_DATA,
                         "%s:%lld: the only column is named '%.40s'; columns are separated by commas, and "
                         "decimals by points",
                         name, (long long)number, csv->names[0]);
    goto done;
  }
  const int64_t rows = count_rows(text);
  NEURLP_TRY(neurlp_allocate(context, rows, sizeof *csv->lines, &csv->lines));
  NEURLP_TRY(neurlp_allocate(context, rows, (size_t)csv->columns * sizeof *csv->values, &csv->values));
  while ((line = next_line(&text)) != NULL) {
    number++;
    if (is_comment_or_empty(line)) continue;
    NEURLP_TRY(read_row(context, name, number, line, csv, csv->values + csv->rows * csv->columns));
    csv->lines[csv->rows++] = number;
  }
  if (csv->rows == 0) status = neurlp_fail(context, NEURLP_ERROR_DATA, "%s holds no data", name);
done:
  if (status != NEURLP_SUCCESS) neurlp_csv_release(context, csv);
  return status;
}

neurlp_status neurlp_csv_read(neurlp_context *context, const char *path, neurlp_csv *csv) {
  neurlp_status status = NEURLP_SUCCESS;
  struct stat info;
  char *text = NULL;
  memset(csv, 0, sizeof *csv);
  FILE *file = fopen(path, "rb");
  if (!file || fstat(fileno(file), &info) != 0) {
    status = neurlp_fail(context, NEURLP_ERROR_DATA, "%s cannot be read: %s; check the path", path,
                         strerror(errno));
    goto done;
  }
  if (!S_ISREG(info.st_mode)) {
    status = neurlp_fail(context, NEURLP_ERROR_DATA, "%s is not a file", path);
    goto done;
  }
  if (info.st_size > MOST_BYTES) {
    status =
        neurlp_fail(context, NEURLP_ERROR_DATA,
                    "%s has %.1f GB; CSV is read up to 1 GB: convert it to an HDF5 data set, which every "
                    "rank reads its own part of",
                    path, (double)info.st_size / 1e9);
    goto done;
  }
  NEURLP_TRY(neurlp_allocate(context, (int64_t)info.st_size + 1, 1, &text));
  const size_t read = fread(text, 1, (size_t)info.st_size, file);
  if (read != (size_t)info.st_size || memchr(text, '\0', read)) {
    status =
        neurlp_fail(context, NEURLP_ERROR_DATA, "%s is not a text file, or cannot be read to its end", path);
    goto done;
  }
  NEURLP_TRY(neurlp_csv_parse(context, path, text, csv));
done:
  if (file) fclose(file);
  neurlp_release(context, &text);
  return status;
}

void neurlp_csv_release(neurlp_context *context, neurlp_csv *csv) {
  for (int32_t k = 0; csv->names && k < csv->columns; k++) neurlp_release(context, &csv->names[k]);
  neurlp_release(context, &csv->names);
  neurlp_release(context, &csv->lines);
  neurlp_release(context, &csv->values);
}
