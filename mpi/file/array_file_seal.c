/* Seals: HDF5 leaves the first 512 bytes of a file to its owner, if asked to (the user block). A sealed file
 * says there how long it is, and a checksum of everything behind. So a file that was cut or changed anywhere
 * is known before HDF5 reads a byte of it. All ranks share the reading. */
#define _POSIX_C_SOURCE 200809L
#include "comm.h"
#include "file/array_file_parts.h"
#include "file/checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20, WORD = (int)sizeof(uint64_t) };

static void write_seal(char seal[NEURLP_SEAL_BYTES], int64_t bytes, uint64_t checksum) {
  memset(seal, 0, NEURLP_SEAL_BYTES);
  snprintf(seal, NEURLP_SEAL_BYTES, "NeuRLP seal 1\nbytes %lld\nchecksum %016llx\n", (long long)bytes,
           (unsigned long long)checksum);
}

/* Reads exactly `count` bytes; 0, or the reason. */
static int read_exactly(int descriptor, void *to, size_t count, int64_t at) {
  unsigned char *next = to;
  while (count > 0) {
    const ssize_t got = pread(descriptor, next, count, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : EIO;
    next += got;
    at += got;
    count -= (size_t)got;
  }
  return 0;
}

/* This rank's share of the sum over what stands behind the seal: words [first, end); the last word of the
 * file is filled up with zeros. */
static int sum_words(int descriptor, int64_t bytes, int64_t first, int64_t end, void *piece, uint64_t *sum) {
  const int64_t behind = bytes - NEURLP_SEAL_BYTES;
  for (int64_t word = first; word < end; word += PIECE_BYTES / WORD) {
    const int64_t words = end - word < PIECE_BYTES / WORD ? end - word : PIECE_BYTES / WORD;
    const int64_t left = behind - word * WORD, count = words * WORD < left ? words * WORD : left;
    memset(piece, 0, (size_t)(words * WORD));
    const int failure = read_exactly(descriptor, piece, (size_t)count, NEURLP_SEAL_BYTES + word * WORD);
    if (failure) return failure;
    for (int64_t i = 0; i < words; i++) {
      uint64_t one;
      memcpy(&one, (const unsigned char *)piece + i * WORD, sizeof one);
      *sum += neurlp_checksum_term((uint64_t)(word + i), one);
    }
  }
  return 0;
}

/* Local: this rank's share, and the length that it sees. */
static neurlp_status sum_share(neurlp_context *context, const char *path, int rank, int size, int64_t *bytes,
                               uint64_t *sum) {
  struct stat info;
  int64_t first = 0, count = 0;
  void *piece = NULL;
  int failure = 0;
  neurlp_status status = NEURLP_SUCCESS;
  *sum = 0;
  *bytes = 0;
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 || fstat(descriptor, &info) != 0) failure = errno;
  if (!failure) {
    NEURLP_TRY(neurlp_allocate(context, PIECE_BYTES, 1, &piece));
    *bytes = (int64_t)info.st_size;
    const int64_t behind = *bytes > NEURLP_SEAL_BYTES ? *bytes - NEURLP_SEAL_BYTES : 0;
    neurlp_partition((behind + WORD - 1) / WORD, rank, size, &first, &count);
    failure = sum_words(descriptor, *bytes, first, first + count, piece, sum);
  }
  if (failure) status = neurlp_fail(context, NEURLP_ERROR_DATA, "it cannot be read: %s", strerror(failure));
done:
  neurlp_release(context, &piece);
  if (descriptor >= 0) close(descriptor);
  return status;
}

/* Collective. Length and sum of a whole file. */
static neurlp_status sum_file(MPI_Comm comm, neurlp_context *context, const char *path, int64_t *bytes,
                              uint64_t *sum) {
  int rank = 0, size = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  const neurlp_status status = neurlp_agree(comm, context, sum_share(context, path, rank, size, bytes, sum));
  if (status < 0) return status;
  MPI_Allreduce(MPI_IN_PLACE, sum, 1, MPI_UINT64_T, MPI_SUM, comm);
  MPI_Bcast(bytes, 1, MPI_INT64_T, 0, comm);
  return status;
}

/* Local, rank 0. */
static neurlp_status put_seal(neurlp_array_file *file, int64_t bytes, uint64_t sum) {
  char seal[NEURLP_SEAL_BYTES];
  write_seal(seal, bytes, sum);
  const int descriptor = open(file->temporary, O_WRONLY | O_CLOEXEC);
  const bool written = descriptor >= 0 && pwrite(descriptor, seal, sizeof seal, 0) == (ssize_t)sizeof seal;
  const int failure = written ? 0 : errno;
  if (descriptor >= 0) close(descriptor);
  if (written) return NEURLP_SUCCESS;
  return neurlp_fail(file->context, NEURLP_ERROR_IO, "%s could not be sealed: %s", file->path,
                     strerror(failure));
}

neurlp_status neurlp_seal_put(neurlp_array_file *file) {
  uint64_t sum = 0;
  int64_t bytes = 0;
  const neurlp_status status = sum_file(file->comm, file->context, file->temporary, &bytes, &sum);
  if (status < 0) return status;
  return neurlp_agree(file->comm, file->context,
                      file->rank == 0 ? put_seal(file, bytes, sum) : NEURLP_SUCCESS);
}

/* Local, rank 0: the seal in the file, against what it should be. */
static neurlp_status compare_seal(neurlp_context *context, const char *path, int64_t bytes, uint64_t sum) {
  char found[NEURLP_SEAL_BYTES] = "", wanted[NEURLP_SEAL_BYTES];
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  const int failure = descriptor < 0 ? errno : read_exactly(descriptor, found, sizeof found, 0);
  if (descriptor >= 0) close(descriptor);
  if (failure || strncmp(found, "NeuRLP seal ", 12) != 0)
    return neurlp_fail(context, NEURLP_ERROR_DATA,
                       "it has no seal at its beginning: it is another kind of "
                       "file, or its beginning was lost");
  write_seal(wanted, bytes, sum);
  if (memcmp(found, wanted, sizeof found) == 0) return NEURLP_SUCCESS;
  long long claimed = -1;
  if (sscanf(found, "NeuRLP seal 1\nbytes %lld\n", &claimed) == 1 && claimed != (long long)bytes)
    return neurlp_fail(context, NEURLP_ERROR_DATA, "it has %lld bytes, and %lld were written: it is torn",
                       (long long)bytes, claimed);
  return neurlp_fail(context, NEURLP_ERROR_DATA,
                     "its bytes are not those that were written: the checksum of its seal differs");
}

neurlp_status neurlp_array_file_check_seal(MPI_Comm comm, neurlp_context *context, const char *path) {
  int rank = 0;
  uint64_t sum = 0;
  int64_t bytes = 0;
  MPI_Comm_rank(comm, &rank);
  const neurlp_status status = sum_file(comm, context, path, &bytes, &sum);
  if (status < 0) return status;
  return neurlp_agree(comm, context, rank == 0 ? compare_seal(context, path, bytes, sum) : NEURLP_SUCCESS);
}
