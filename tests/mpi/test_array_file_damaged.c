/* Texts of variable length in files that are cut while they are open, that have holes, or whose heaps name
 * false sizes: what is read is the text or nothing, and reading ends. HDF5 makes the files, by itself; heaps
 * are found by their signature (HDF5 File Format Specification, version 3.0, III.E). */
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"
#include "support/check.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Seconds after which a file that is read without end is a failure. */
enum { PATIENCE = 120, LONGEST = 6000, MOST_BYTES = 1 << 16 };
enum { HEAP_HEADER = 16, OBJECT_HEADER = 16 };

static const char *const path = "damaged.h5", *const names[] = {"first", "second"};
static char texts[2][LONGEST + 1];
static unsigned char good[MOST_BYTES], bytes[MOST_BYTES];
static size_t size;
static neurlp_context *context;

static void make_file(size_t length) {
  const size_t lengths[] = {300, length};
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  for (int i = 0; i < 2; i++) {
    memset(texts[i], 0, sizeof texts[i]);
    for (size_t k = 0; k < lengths[i]; k++) texts[i][k] = (char)('a' + k % 26);
    const char *text = texts[i];
    const hid_t attribute = H5Acreate2(file, names[i], type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, &text);
    H5Aclose(attribute);
  }
  H5Tclose(type);
  H5Sclose(space);
  H5Fclose(file);
  FILE *made = fopen(path, "rb");
  size = made ? fread(good, 1, sizeof good, made) : 0;
  if (made) fclose(made);
}

static bool write_bytes(const unsigned char *from, size_t count) {
  FILE *file = fopen(path, "wb");
  const bool whole = file && fwrite(from, 1, count, file) == count;
  return file && fclose(file) == 0 && whole;
}

/* What there is of the two texts in the file as it is or, if `cut` is not 0, cut to so many bytes after it
 * was opened: how many are read, or -1 if one is neither whole nor missing. */
static int read_texts(size_t cut) {
  int whole = 0;
  bool right = true;
  const hid_t file = neurlp_hdf5_open_alone(path);
  if (cut > 0 && truncate(path, (off_t)cut) != 0) right = false;
  for (int i = 0; i < 2 && file >= 0; i++) {
    char *text = NULL;
    right = neurlp_attribute_text_read(context, file, "/", names[i], &text) == NEURLP_SUCCESS && right;
    const bool same = text && strcmp(text, texts[i]) == 0;
    right = right && (same || (text && !*text));
    whole += same;
    neurlp_release(context, &text);
  }
  if (file >= 0) H5Fclose(file);
  return right ? whole : -1;
}

static uint64_t number_at(size_t at) {
  uint64_t number = 0;
  memcpy(&number, good + at, sizeof number); /* files are written by machines like this one */
  return number;
}

/* Where the one heap is; 0: there is none, or another. */
static size_t find_heap(void) {
  size_t found = 0;
  int heaps = 0;
  for (size_t at = 0; at + HEAP_HEADER <= size; at += 8)
    if (memcmp(good + at, "GCOL", 4) == 0) {
      found = at;
      heaps++;
    }
  check_equal("heaps", heaps, 1);
  return heaps == 1 ? found : 0;
}

/* The file is cut, or has a hole from there to its end, at places of the heap so far apart. */
static void check_cuts(size_t at, size_t apart) {
  int64_t wrong = 0, lost = 0;
  for (size_t cut = at; cut < at + number_at(at + 8); cut += apart) {
    wrong += !write_bytes(good, size);
    const int after_a_cut = read_texts(cut);
    memcpy(bytes, good, size);
    memset(bytes + cut, 0, size - cut);
    wrong += !write_bytes(bytes, size);
    const int with_a_hole = read_texts(0);
    wrong += (after_a_cut < 0) + (with_a_hole < 0);
    lost += (after_a_cut < 2) + (with_a_hole < 2);
  }
  check_equal("cut or with a hole: texts that are read and are others", wrong, 0);
  check_above("cut or with a hole: files of which not all could be read", (double)lost, 2);
}

/* Each object claims sizes that lead out of the heap, or nowhere: HDF5 would follow them. */
static void check_sizes(size_t at) {
  const size_t heap = number_at(at + 8);
  int64_t objects = 0, wrong = 0, read = 0;
  for (size_t place = at + HEAP_HEADER; place + OBJECT_HEADER <= at + heap; objects++) {
    const uint64_t length = number_at(place + 8), number = number_at(place) & 0xffff;
    const uint64_t sizes[] = {0, heap, heap + 1, (uint64_t)1 << 32, INT64_MAX, UINT64_MAX, UINT64_MAX - 23};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      memcpy(bytes, good, size);
      if (i == 0) memset(bytes + place, 0, 2); /* only the object that is free, number 0, cannot be empty */
      memcpy(bytes + place + 8, &sizes[i], sizeof *sizes);
      wrong += !write_bytes(bytes, size);
      read += read_texts(0) != 0;
    }
    place += number == 0 ? length : OBJECT_HEADER + (length + 7) / 8 * 8;
  }
  check_above("false sizes: objects", (double)objects, 3);
  check_equal("false sizes: files that could not be written", wrong, 0);
  check_equal("false sizes: files of which a text was read", read, 0);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  alarm(PATIENCE);
  /* a heap of the shortest kind, which HDF5 reads at once, and one that it reads in two parts */
  static const size_t lengths[] = {900, LONGEST};
  for (int i = 0; i < 2; i++) {
    make_file(lengths[i]);
    check_equal("texts in the good file", read_texts(0), 2);
    const size_t at = find_heap();
    if (at == 0) continue;
    printf("a heap of %lld bytes\n", (long long)number_at(at + 8));
    check_cuts(at, i == 0 ? 8 : 56);
    check_sizes(at);
  }
  check_equal("nothing is left allocated", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  MPI_Finalize();
  return check_verdict();
}
