/* Hostile files, the same ones every time, before every reader of the program (hostile.h, readers.h).
 *
 *   test_fuzz_files PROBLEMS.h5 FIRST SECONDS [CASES]
 *
 * Cases FIRST, FIRST + 1, ... until CASES of them or SECONDS are over. A case that goes wrong is named, and
 * its file kept as case_NUMBER.h5. */
#include "apart.h"
#include "data/csv.h"
#include "hostile.h"
#include "readers.h"
#include "support/check.h"

#include <hdf5.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Seconds of computing that a case may take (it takes hundredths); the fewest cases, however slow they are.
 */
enum { SEED = 6, FILE_BYTES = 16 << 20, PATIENCE = 5, LEAST = 10 };

static unsigned char *content[FUZZ_KINDS];
static size_t content_bytes[FUZZ_KINDS];

static bool load(const char *path, unsigned char **bytes, size_t *size) {
  FILE *file = fopen(path, "rb");
  *bytes = malloc(FILE_BYTES);
  *size = file && *bytes ? fread(*bytes, 1, FILE_BYTES, file) : 0;
  if (file) fclose(file);
  return *size > 0 && *size < FILE_BYTES;
}

static bool store(const char *path, const unsigned char *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  const bool good = file && fwrite(bytes, 1, size, file) == size;
  return file && fclose(file) == 0 && good;
}

/* One file: bytes of a good one damaged, or objects of it changed, or both. */
static bool file_case(int64_t number) {
  fuzz_draw draw = {SEED, number, 0};
  const fuzz_kind kind = (fuzz_kind)fuzz_choose(&draw, FUZZ_KINDS);
  const int64_t how = fuzz_choose(&draw, 8);
  int status = 0;
  unsigned char *bytes = malloc(FILE_BYTES);
  size_t size = content_bytes[kind];
  if (!bytes) return false;
  memcpy(bytes, content[kind], size);
  if (how < 4) {
    size = fuzz_damage_bytes(&draw, bytes, size);
    fuzz_spare_texts(content[kind], size, bytes);
  }
  const bool written = store("case.h5", bytes, size);
  free(bytes);
  if (how >= 4) fuzz_change_objects(&draw, "case.h5");
  const char *reader = fuzz_read_all(kind, "case.h5", &status);
  if (reader) printf("made of %s; reader '%s' returned %d\n", fuzz_good_files[kind], reader, status);
  return written && !reader;
}

/* One table in CSV. */
static bool csv_case(int64_t number) {
  static const char good[] = "# hares\nt, x,\"y z\"\n0,1.5,2\n1e-1,,NaN\n\n0.2,-3e300,4\r\n";
  fuzz_draw draw = {SEED, number, 1000};
  char text[sizeof good];
  neurlp_context *context = NULL;
  neurlp_csv csv = {0};
  memcpy(text, good, sizeof good);
  text[fuzz_damage_bytes(&draw, (unsigned char *)text, sizeof good - 1)] = '\0';
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return false;
  const neurlp_status status = neurlp_csv_parse(context, "case.csv", text, &csv);
  if (status == NEURLP_SUCCESS) neurlp_csv_release(context, &csv);
  const bool clean = neurlp_context_memory(context).blocks == 0;
  neurlp_context_destroy(&context);
  if (clean && (status == NEURLP_SUCCESS || status == NEURLP_ERROR_DATA)) return true;
  printf("FAIL CSV case %lld: status %d\n", (long long)number, status);
  return false;
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (argc < 4) return 2;
  const int64_t first = atoll(argv[2]), most = argc > 4 ? atoll(argv[4]) : INT64_MAX;
  const double seconds = atof(argv[3]), begin = MPI_Wtime();
  bool ready = fuzz_make_good_files(argv[1]);
  int64_t files = 0, bad = 0, library = 0;
  int status = 0;
  for (int kind = 0; kind < FUZZ_KINDS && ready; kind++) {
    ready = load(fuzz_good_files[kind], &content[kind], &content_bytes[kind]);
    check_true(fuzz_good_files[kind],
               ready && !fuzz_read_all((fuzz_kind)kind, fuzz_good_files[kind], &status));
  }
  for (; ready && files < most && (files < LEAST || MPI_Wtime() - begin < seconds); files++) {
    const fuzz_end end = fuzz_apart(file_case, first + files, PATIENCE);
    library += end == FUZZ_LIBRARY;
    if (end == FUZZ_BAD) {
      char kept[64];
      printf("FAIL case %lld\n", (long long)(first + files));
      snprintf(kept, sizeof kept, "case_%lld.h5", (long long)(first + files));
      rename("case.h5", kept);
      bad++;
    }
    for (int64_t i = 0; i < 20; i++) bad += !csv_case(20 * (first + files) + i);
  }
  check_above("hostile files that were read", (double)files, most < LEAST ? (double)most : LEAST);
  printf("     of them, HDF5 itself crashed on %lld, at a place that is known\n", (long long)library);
  check_equal("of them, and of 20 times as many tables, went wrong", bad, 0);
  for (int kind = 0; kind < FUZZ_KINDS; kind++) free(content[kind]);
  MPI_Finalize();
  return check_verdict();
}
