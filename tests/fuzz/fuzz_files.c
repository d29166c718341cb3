/* libFuzzer target for files: the first byte of an input says of which kind it is (readers.h; one more kind
 * is tables in CSV), the rest is the file, which all readers of that kind read. HDF5's own code is not
 * instrumented, so that what guides the search are the branches of ours. Build (clang), and run in an empty
 * folder, in which it makes good files, and seeds of them:
 *
 *   cmake -B build-fuzz -DCMAKE_C_COMPILER=clang -DNEURLP_FUZZ=ON
 *   cmake --build build-fuzz --target fuzz_files
 *   mkdir -p found
 *   fuzz_files found seeds -fork=1 -ignore_crashes=1 -ignore_timeouts=1 -timeout=20 -max_total_time=300
 *
 * A crash at a place in HDF5 that is known (apart.c) ends a process of the fork in good order, and keeps
 * nothing; every other one is kept as crash-..., which `fuzz_files crash-...` repeats; what it says is in
 * said.0 where the reader is a command. The known fault, that HDF5 believes the size of a text in a global
 * heap, writes over its memory and may crash it later, elsewhere: `valgrind neurlp inspect` on the file,
 * which is crash-... without its first byte, then names H5HG_read. */
#include "apart.h"
#include "data/csv.h"
#include "hostile.h"
#include "readers.h"

#include <mpi.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KINDS = FUZZ_KINDS + 1, MOST_BYTES = 1 << 20 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed);

static const char table[] = "# hares\nt, x,\"y z\"\n0,1.5,2\n1e-1,,NaN\n\n0.2,-3e300,4\r\n";

static void stop(const char *what) {
  fprintf(stderr, "%s\n", what);
  abort();
}

static bool store(const char *path, int first, const uint8_t *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  bool good = file && (first < 0 || fputc(first, file) != EOF);
  good = good && fwrite(bytes, 1, size, file) == size;
  return file && fclose(file) == 0 && good;
}

/* A seed of each kind. */
static void write_seeds(void) {
  static uint8_t bytes[MOST_BYTES];
  char path[64];
  mkdir("seeds", 0700);
  for (int kind = 0; kind < FUZZ_KINDS; kind++) {
    FILE *file = fopen(fuzz_good_files[kind], "rb");
    const size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file) fclose(file);
    snprintf(path, sizeof path, "seeds/%d", kind);
    if (size == 0 || size == sizeof bytes || !store(path, kind, bytes, size)) stop("no seeds could be made");
  }
  if (!store("seeds/csv", FUZZ_KINDS, (const uint8_t *)table, sizeof table - 1))
    stop("no seeds could be made");
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  MPI_Init(argc, argv);
  if (!fuzz_make_good_files(NEURLP_FUZZ_PROBLEMS)) stop("the good files could not be made");
  write_seeds();
  return 0;
}

/* ---- crashes ----------------------------------------------------------------------------------------- */

enum { SIGNALS = 4 };
static const int signals[SIGNALS] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
static struct sigaction libfuzzer[SIGNALS]; /* what it does then */

static void on_crash(int number, siginfo_t *info, void *context) {
  if (fuzz_is_known_crash()) _exit(0);
  for (int i = 0; i < SIGNALS; i++)
    if (signals[i] == number && (libfuzzer[i].sa_flags & SA_SIGINFO))
      libfuzzer[i].sa_sigaction(number, info, context);
  _exit(1);
}

/* Goes before libFuzzer's handlers, which it has installed by now. */
static void catch_crashes(void) {
  static bool done;
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  if (done) return;
  done = true;
  (void)fuzz_is_known_crash();
  action.sa_sigaction = on_crash;
  for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &action, &libfuzzer[i]);
}

/* ---- mutations --------------------------------------------------------------------------------------- */

/* Most often what is known to hurt, near the beginning (hostile.h); else whatever libFuzzer thinks of, and
 * the kind is changed with the rest. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed) {
  fuzz_draw draw = {seed, 0, 0};
  if (size < 2 || fuzz_choose(&draw, 4) == 0) return LLVMFuzzerMutate(data, size, most);
  return 1 + fuzz_damage_bytes(&draw, data + 1, size - 1);
}

/* ---- one input --------------------------------------------------------------------------------------- */

static void read_table(const uint8_t *data, size_t size) {
  neurlp_context *context = NULL;
  neurlp_csv csv = {0};
  char *text = malloc(size + 1);
  if (!text || neurlp_context_create(1, &context) != NEURLP_SUCCESS) stop("no memory");
  memcpy(text, data, size);
  text[size] = '\0';
  const neurlp_status status = neurlp_csv_parse(context, "case.csv", text, &csv);
  if (status == NEURLP_SUCCESS) neurlp_csv_release(context, &csv);
  if (status != NEURLP_SUCCESS && status != NEURLP_ERROR_DATA)
    stop("a table: a status that says nothing of it");
  if (neurlp_context_memory(context).blocks != 0) stop("a table: memory is still held");
  neurlp_context_destroy(&context);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int status = 0;
  catch_crashes();
  if (size < 1 || size > MOST_BYTES) return 0;
  const int kind = data[0] % KINDS;
  if (kind == FUZZ_KINDS) {
    read_table(data + 1, size - 1);
    return 0;
  }
  if (!store("case.h5", -1, data + 1, size - 1)) stop("case.h5 could not be written");
  const char *reader = fuzz_read_all((fuzz_kind)kind, "case.h5", &status);
  if (!reader) return 0;
  fprintf(stderr, "made of %s; reader '%s' returned %d\n", fuzz_good_files[kind], reader, status);
  abort();
}
