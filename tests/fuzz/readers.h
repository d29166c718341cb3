/* Everything in the program that reads files which others may have made. */
#ifndef TESTS_FUZZ_READERS_H
#define TESTS_FUZZ_READERS_H

#include <stdbool.h>

/* Good files that hostile ones are made of. */
typedef enum fuzz_kind {
  FUZZ_DATA,
  FUZZ_RESULT,
  FUZZ_TRAINED,
  FUZZ_PROBLEMS,
  FUZZ_CHECKPOINT,
  FUZZ_KINDS
} fuzz_kind;
extern const char *const fuzz_good_files[FUZZ_KINDS];

/* Makes them in the current folder; MPI has begun, with one rank. */
bool fuzz_make_good_files(const char *problems);

/* Has all readers of files of this kind read `path`, without letting them speak. NULL if each took it or
 * refused it in good order; else the name of the reader that did not, with *status what it returned. In good
 * order: with a status that says that the file is bad, not that memory ran out (nothing that a file claims is
 * believed before it is checked), and with no memory and nothing of HDF5's still held. */
const char *fuzz_read_all(fuzz_kind kind, const char *path, int *status);

#endif
