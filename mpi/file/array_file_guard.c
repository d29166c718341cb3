/* fallocate is Linux's own: where a file system cannot reserve, it says so, while posix_fallocate would write
 * every block. So is sync_file_range. */
#define _GNU_SOURCE
#include "file/array_file_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

neurlp_status neurlp_guard_names(neurlp_array_file *file, const char *path) {
  neurlp_status status = NEURLP_SUCCESS;
  char host[65] = "host";
  gethostname(host, sizeof host - 1);
  const char *slash = strrchr(path, '/');
  const char *base = slash ? slash + 1 : path;
  if (!*base)
    return neurlp_fail(file->context, NEURLP_ERROR_IO, "'%s' is not the name of a file to write", path);
  const size_t folder_bytes = slash ? (size_t)(slash - path) : 0;
  const size_t temporary_bytes = strlen(path) + sizeof host + 64;
  NEURLP_TRY(neurlp_copy_text(file->context, path, &file->path));
  NEURLP_TRY(neurlp_allocate(file->context, (int64_t)folder_bytes + 2, 1, &file->folder));
  NEURLP_TRY(neurlp_allocate(file->context, (int64_t)temporary_bytes, 1, &file->temporary));
  if (folder_bytes > 0)
    memcpy(file->folder, path, folder_bytes);
  else
    memcpy(file->folder, slash ? "/" : ".", 1);
  if (file->streamed)
    snprintf(file->temporary, temporary_bytes, "%s.partial", path);
  else
    snprintf(file->temporary, temporary_bytes, "%.*s.%s.%s-%ld.partial", slash ? (int)folder_bytes + 1 : 0,
             path, base, host, (long)getpid());
done:
  return status;
}

neurlp_status neurlp_guard_room(neurlp_array_file *file, int64_t bytes) {
  struct statvfs space;
  if (bytes <= 0 || statvfs(file->folder, &space) != 0) return NEURLP_SUCCESS;
  const double room = (double)space.f_bavail * (double)space.f_frsize;
  if (room >= (double)bytes) return NEURLP_SUCCESS;
  const int digits = bytes < 1000000 ? 3 : 1;
  return neurlp_fail(file->context, NEURLP_ERROR_IO,
                     "%s needs %.*f MB, but the file system of folder '%s' has %.*f MB left; free some space "
                     "or write to another folder",
                     file->path, digits, (double)bytes / 1e6, file->folder, digits, room / 1e6);
}

/* Reserves the bytes and gives them back: finds quotas, which statvfs does not see. */
static neurlp_status probe_room(neurlp_array_file *file, int descriptor, int64_t bytes) {
  if (bytes <= 0) return NEURLP_SUCCESS;
  const int failure = fallocate(descriptor, 0, 0, (off_t)bytes) == 0 ? 0 : errno;
  if (ftruncate(descriptor, 0) != 0 || failure == ENOSPC || failure == EDQUOT || failure == EFBIG)
    return neurlp_fail(file->context, NEURLP_ERROR_IO,
                       "%s needs %.1f MB, which folder '%s' does not give: %s; free some space or write to "
                       "another folder",
                       file->path, (double)bytes / 1e6, file->folder, strerror(failure ? failure : errno));
  return NEURLP_SUCCESS; /* other failures mean that this file system cannot reserve, not that it is full */
}

neurlp_status neurlp_guard_reserve(neurlp_array_file *file, int64_t bytes) {
  const int descriptor = open(file->temporary, O_RDWR | O_CLOEXEC);
  if (descriptor < 0 || bytes <= 0) {
    if (descriptor >= 0) close(descriptor);
    return NEURLP_SUCCESS;
  }
  const int failure = fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) == 0 ? 0 : errno;
  close(descriptor);
  if (failure != ENOSPC && failure != EDQUOT && failure != EFBIG) return NEURLP_SUCCESS; /* see probe_room */
  return neurlp_fail(file->context, NEURLP_ERROR_IO,
                     "%s needs %.1f MB, which folder '%s' does not give: %s; free some space or write to "
                     "another folder",
                     file->path, (double)bytes / 1e6, file->folder, strerror(failure));
}

neurlp_status neurlp_guard_create(neurlp_array_file *file, int64_t bytes) {
  struct stat info;
  if (stat(file->folder, &info) != 0)
    return neurlp_fail(file->context, NEURLP_ERROR_IO, "%s cannot be written: folder '%s': %s; make it first",
                       file->path, file->folder, strerror(errno));
  if (stat(file->path, &info) == 0 && S_ISDIR(info.st_mode))
    return neurlp_fail(file->context, NEURLP_ERROR_IO, "%s cannot be written: it is a folder", file->path);
  const neurlp_status status = neurlp_guard_room(file, bytes);
  if (status != NEURLP_SUCCESS) return status;
  const int descriptor = open(file->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0)
    return neurlp_fail(file->context, NEURLP_ERROR_IO,
                       "%s cannot be written: a file in folder '%s' cannot be made: %s; write to another "
                       "folder",
                       file->path, file->folder, strerror(errno));
  const neurlp_status probed = probe_room(file, descriptor, bytes);
  close(descriptor);
  if (probed != NEURLP_SUCCESS) neurlp_guard_remove(file);
  return probed;
}

/* Makes a file's, or a folder's, content last. */
static int sync_path(const char *path, int flags) {
  const int descriptor = open(path, flags | O_CLOEXEC);
  if (descriptor < 0) return errno;
  const int failure = fsync(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  return failure;
}

neurlp_status neurlp_guard_sync(neurlp_array_file *file) {
  const int failure = sync_path(file->temporary, O_RDWR);
  if (failure == 0) return NEURLP_SUCCESS;
  return neurlp_fail(file->context, NEURLP_ERROR_IO, "%s could not be written: %s", file->path,
                     strerror(failure));
}

void neurlp_guard_begin_sync(neurlp_array_file *file) {
  if (file->descriptor < 0) file->descriptor = open(file->temporary, O_RDWR | O_CLOEXEC);
  if (file->descriptor >= 0) (void)sync_file_range(file->descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
}

neurlp_status neurlp_guard_rename(neurlp_array_file *file) {
  if (rename(file->temporary, file->path) != 0)
    return neurlp_fail(file->context, NEURLP_ERROR_IO, "%s could not be given its name: %s", file->path,
                       strerror(errno));
  sync_path(file->folder, O_RDONLY | O_DIRECTORY); /* some file systems refuse; the rename stands anyway */
  return NEURLP_SUCCESS;
}

void neurlp_guard_remove(neurlp_array_file *file) {
  if (file->temporary) unlink(file->temporary);
}
