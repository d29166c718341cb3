/* How HDF5 reads a file that nobody writes: by a driver that differs from its own in two things. Without them
 * a damaged file keeps a rank for ever, and with it all that wait for it.
 *
 * What a file had when it was opened and has no more, because it was cut meanwhile, is an error; HDF5's
 * drivers give zeros instead. And global heaps, where texts of variable length are, are looked through before
 * HDF5 gets them: it (1.10.8) goes from object to object by their sizes, whatever these are, so that it never
 * comes past one of size 0, which is what zeros say, and follows one that is too long out of its memory.
 * (HDF5 File Format Specification, version 3.0, II.A, III.E.) */
#include "file/array_file_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

/* Sizes of lengths beyond 8 bytes, which no file has, would make the headers longer. */
enum { SUPERBLOCK_BYTES = 16, HEAP_HEADER_BYTES = 16, OBJECT_HEADER_BYTES = 16, MOST_WIDTH = 8 };
enum { MOST_AT_ONCE = 1 << 30 }; /* bytes; the kernel reads at most 2 GB at a time */

typedef struct reading_file {
  H5FD_t base; /* what HDF5 knows of; it has to be first */
  int descriptor;
  haddr_t bytes; /* when it was opened */
  haddr_t end;   /* of what HDF5 may ask for */
  dev_t device;
  ino_t number;
} reading_file;

/* Puts a reason where neurlp_hdf5_reason finds it. */
static herr_t complain(const char *reason) {
  H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_IO, H5E_READERROR, "%s", reason);
  return -1;
}

/* ---- bytes ------------------------------------------------------------------------------------------- */

/* Beyond the end that the file had at first there are zeros: HDF5 asks for more than it needs. */
static herr_t read_bytes(const reading_file *file, haddr_t at, size_t bytes, unsigned char *to) {
  size_t got = 0;
  if (at > INT64_MAX || bytes > INT64_MAX - at) return complain("an address is beyond all files");
  while (got < bytes) {
    const size_t left = bytes - got;
    const ssize_t more =
        pread(file->descriptor, to + got, left < MOST_AT_ONCE ? left : MOST_AT_ONCE, (off_t)(at + got));
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return complain(strerror(errno));
    if (more == 0) break;
    got += (size_t)more;
  }
  if (got < bytes && at + got < file->bytes) return complain("the file was cut short meanwhile");
  memset(to + got, 0, bytes - got);
  return 0;
}

static uint64_t number_of(const unsigned char *bytes, int width) {
  uint64_t number = 0;
  for (int i = width - 1; i >= 0; i--) number = number << 8 | bytes[i];
  return number;
}

/* Bytes of the lengths in this file, which its superblock says; 0: it says none that can be. */
static int width_of_lengths(const reading_file *file) {
  unsigned char superblock[SUPERBLOCK_BYTES];
  if (read_bytes(file, file->base.base_addr, sizeof superblock, superblock) < 0) return 0;
  const int width = superblock[superblock[8] < 2 ? 14 : 10]; /* by the superblock's version */
  return width <= MOST_WIDTH ? width : 0;
}

/* ---- heaps ------------------------------------------------------------------------------------------- */

static bool is_heap(const unsigned char *bytes, size_t count) {
  static const unsigned char signature[] = {'G', 'C', 'O', 'L', 1};
  return count >= sizeof signature && memcmp(bytes, signature, sizeof signature) == 0;
}

/* Whether the objects of the heap at `at`, of which `count` bytes are there, lie one behind the other within
 * it. */
static bool is_sound(const reading_file *file, haddr_t at, const unsigned char *bytes, size_t count) {
  const int width = width_of_lengths(file);
  if (width == 0 || count < HEAP_HEADER_BYTES) return false;
  const uint64_t size = number_of(bytes + 8, width);
  if (size < HEAP_HEADER_BYTES || at > file->bytes || size > file->bytes - at) return false;
  for (uint64_t place = HEAP_HEADER_BYTES, left; (left = size - place) >= OBJECT_HEADER_BYTES;) {
    unsigned char own[OBJECT_HEADER_BYTES];
    const bool there = place + OBJECT_HEADER_BYTES <= count;
    if (!there && read_bytes(file, at + place, sizeof own, own) < 0) return false;
    const unsigned char *header = there ? bytes + place : own;
    const uint64_t object = number_of(header + 8, width);
    const bool is_free =
        number_of(header, 2) == 0; /* what is free is the one object that counts its header */
    if (is_free ? object == 0 || object > left : object > left - OBJECT_HEADER_BYTES) return false;
    const uint64_t step = is_free ? object : OBJECT_HEADER_BYTES + (object + 7) / 8 * 8;
    if (step >= left) break;
    place += step;
  }
  return true;
}

/* ---- the driver -------------------------------------------------------------------------------------- */

static const reading_file *own(const H5FD_t *base) {
  return (const reading_file *)(const void *)base;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t most) {
  struct stat info;
  (void)access;
  (void)most;
  const int descriptor = flags == H5F_ACC_RDONLY ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  if (descriptor < 0) {
    complain(flags == H5F_ACC_RDONLY ? strerror(errno) : "it is opened for writing");
    return NULL;
  }
  /* HDF5 calls without a context that memory could come from, so it is HDF5's own */
  reading_file *file = fstat(descriptor, &info) == 0 ? H5allocate_memory(sizeof *file, true) : NULL;
  if (!file) {
    complain(strerror(errno));
    close(descriptor);
    return NULL;
  }
  file->descriptor = descriptor;
  file->bytes = (haddr_t)info.st_size;
  file->device = info.st_dev;
  file->number = info.st_ino;
  return &file->base;
}

static herr_t driver_close(H5FD_t *base) {
  close(own(base)->descriptor);
  H5free_memory(base);
  return 0;
}

/* HDF5 wants to know whether two files are the same one, and sorts them. */
static int driver_compare(const H5FD_t *a, const H5FD_t *b) {
  const reading_file *x = own(a), *y = own(b);
  if (x->device != y->device) return x->device < y->device ? -1 : 1;
  if (x->number != y->number) return x->number < y->number ? -1 : 1;
  return 0;
}

static herr_t driver_query(const H5FD_t *base, unsigned long *features) {
  (void)base;
  if (features)
    *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
                H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *base, H5FD_mem_t type) {
  (void)type;
  return own(base)->end;
}

static herr_t driver_set_eoa(H5FD_t *base, H5FD_mem_t type, haddr_t end) {
  (void)type;
  ((reading_file *)(void *)base)->end = end;
  return 0;
}

static haddr_t driver_get_eof(const H5FD_t *base, H5FD_mem_t type) {
  (void)type;
  return own(base)->bytes;
}

static herr_t driver_read(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t bytes, void *to) {
  const reading_file *file = own(base);
  (void)type; /* of heaps it is that of other data */
  (void)transfer;
  if (read_bytes(file, at, bytes, to) < 0) return -1;
  if (!is_heap(to, bytes) || is_sound(file, at, to, bytes)) return 0;
  return complain("a heap of texts is damaged");
}

static herr_t driver_write(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t bytes,
                           const void *from) {
  (void)base;
  (void)type;
  (void)transfer;
  (void)at;
  (void)bytes;
  (void)from;
  return complain("it is read only");
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)511, /* the last of those that nobody registers */
#endif
    .name = "neurlp_reading",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_WEAK,
    .open = driver_open,
    .close = driver_close,
    .cmp = driver_compare,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
};

int neurlp_hdf5_read_carefully(hid_t access) {
  static hid_t id = -1;
  if (id < 0) id = H5FDregister(&driver);
  return id < 0 ? -1 : H5Pset_driver(access, id, NULL);
}
