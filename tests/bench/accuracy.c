/* How accurate the block is on linear problems with closed forms, beside the classical Runge-Kutta method. */
#include "bench/accuracy_check.h"
#include "bench/accuracy_table.h"

#include <string.h>

static const char USAGE[] =
    "usage: bench_accuracy [--check] [--precision double,single,mixed] [--csv FILE] [--markdown]\n"
    "\n"
    "Largest error over the grid of [0, 10], in units of the largest value of the closed form, at h = 0.1 "
    "and\n"
    "0.01: the block in all formulations, orders 1 to 6 and precisions, and Runge-Kutta's method of order "
    "4.\n"
    "\n"
    "  --check          verify some facts that have to hold, and write no table\n"
    "  --precision ...  these only\n"
    "  --csv FILE       write everything to FILE\n"
    "  --markdown       write the tables of docs/performance.md to the standard output\n"
    "Exit status: 0, 1 if anything failed, 2 if the block refuses a precision or a call.\n";

enum { FAILED = 1, REFUSED = 2 };

typedef struct options {
  bool check, markdown;
  bool precisions[ACCURACY_PRECISIONS];
  const char *csv;
} options;

static bool read_precisions(const char *text, bool *precisions) {
  while (*text) {
    const size_t length = strcspn(text, ",");
    int32_t found = 0;
    while (found < ACCURACY_PRECISIONS && (strlen(accuracy_precision_name(found)) != length ||
                                           strncmp(text, accuracy_precision_name(found), length) != 0))
      found++;
    if (found == ACCURACY_PRECISIONS) return false;
    precisions[found] = true;
    text += length + (text[length] == ',');
  }
  return true;
}

static bool read_options(int argc, char **argv, options *o) {
  bool chosen = false;
  memset(o, 0, sizeof *o);
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--check") == 0)
      o->check = true;
    else if (strcmp(argv[i], "--markdown") == 0)
      o->markdown = true;
    else if (strcmp(argv[i], "--csv") == 0 && *value)
      o->csv = argv[++i];
    else if (strcmp(argv[i], "--precision") == 0 && *value && read_precisions(value, o->precisions))
      chosen = true, i++;
    else
      return false;
  }
  for (int32_t i = 0; i < ACCURACY_PRECISIONS && !chosen; i++) o->precisions[i] = true;
  return o->check || o->markdown || o->csv;
}

static bool write_csv(const char *name, const accuracy_table *table) {
  FILE *file = fopen(name, "w");
  if (file) accuracy_write_csv(file, table);
  if (file && !(ferror(file) | fclose(file))) return true;
  perror(name);
  return false;
}

int main(int argc, char **argv) {
  static accuracy_table table;
  neurlp_context *context = NULL;
  options o;
  if (!read_options(argc, argv, &o)) {
    fputs(USAGE, stderr);
    return FAILED;
  }
  if (o.check) return accuracy_check();
  if (neurlp_context_create(0, &context) != NEURLP_SUCCESS) return FAILED;
  memcpy(table.precisions, o.precisions, sizeof table.precisions);
  bool good = accuracy_fill(context, &table);
  neurlp_context_destroy(&context);
  if (!good) return REFUSED;
  if (o.csv) good = write_csv(o.csv, &table);
  if (o.markdown) accuracy_write_markdown(stdout, &table);
  return good && !ferror(stdout) ? 0 : FAILED;
}
