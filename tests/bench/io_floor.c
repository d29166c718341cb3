/* What plain C does with a file, beside which io.sh puts the program: one process, in calls of 1 MB.
 *
 *   io_floor read FILE        all of it into memory that is touched for the first time, as a result's is
 *   io_floor write FILE COPY  its bytes, from memory, into another: written, synced, read back and compared
 *   io_floor touch MEGABYTES  of memory, and gives them back: a virtual machine whose host takes memory away
 * that is free for some seconds, has so much of it again
 *
 * Prints megabytes, seconds, and processor seconds in them. Exit status 1, and a message, where anything
 * fails. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20 };

typedef struct lapse {
  double wall, processor;
} lapse;

static lapse now(void) {
  struct timespec wall, processor;
  clock_gettime(CLOCK_MONOTONIC, &wall);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &processor);
  return (lapse){(double)wall.tv_sec + 1e-9 * (double)wall.tv_nsec,
                 (double)processor.tv_sec + 1e-9 * (double)processor.tv_nsec};
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Fresh memory: nothing of it is there before it is touched. */
static char *map_memory(size_t bytes) {
  char *memory = mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  return memory;
}

static size_t piece_at(size_t at, size_t bytes) {
  return bytes - at < PIECE_BYTES ? bytes - at : PIECE_BYTES;
}

static char *read_all(const char *path, size_t *bytes) {
  struct stat info;
  const int file = open(path, O_RDONLY);
  if (file < 0 || fstat(file, &info) != 0) fail(path);
  *bytes = (size_t)info.st_size;
  char *memory = map_memory(*bytes);
  for (size_t at = 0; at < *bytes;) {
    const ssize_t got = pread(file, memory + at, piece_at(at, *bytes), (off_t)at);
    if (got <= 0) fail(path);
    at += (size_t)got;
  }
  close(file);
  return memory;
}

static void write_all(const char *path, const char *memory, size_t bytes) {
  static char piece[PIECE_BYTES];
  const int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
  if (file < 0) fail(path);
  for (size_t at = 0; at < bytes; at += piece_at(at, bytes)) {
    const size_t count = piece_at(at, bytes);
    if (pwrite(file, memory + at, count, (off_t)at) != (ssize_t)count) fail(path);
  }
  if (fsync(file) != 0) fail(path);
  for (size_t at = 0; at < bytes; at += piece_at(at, bytes)) {
    const size_t count = piece_at(at, bytes);
    if (pread(file, piece, count, (off_t)at) != (ssize_t)count) fail(path);
    if (memcmp(piece, memory + at, count) != 0) {
      fprintf(stderr, "%s: reads back with other bytes than were written\n", path);
      exit(1);
    }
  }
  close(file);
}

static void touch_memory(size_t bytes) {
  char *memory = map_memory(bytes);
  (void)madvise(memory, bytes,
                MADV_HUGEPAGE); /* what is given back in large pieces serves all that follows */
  memset(memory, 1, bytes);
  munmap(memory, bytes + 1);
}

int main(int argc, char **argv) {
  const char *what = argc > 2 ? argv[1] : "";
  size_t bytes = 0;
  lapse begin = now();
  if (argc == 3 && strcmp(what, "read") == 0) {
    (void)read_all(argv[2], &bytes);
  } else if (argc == 4 && strcmp(what, "write") == 0) {
    const char *memory = read_all(argv[2], &bytes);
    begin = now();
    write_all(argv[3], memory, bytes);
  } else if (argc == 3 && strcmp(what, "touch") == 0) {
    bytes = (size_t)atoll(argv[2]) * 1000000;
    touch_memory(bytes);
  } else {
    return 2;
  }
  const lapse end = now();
  printf("%.6f %.6f %.6f\n", (double)bytes / 1e6, end.wall - begin.wall, end.processor - begin.processor);
  return 0;
}
