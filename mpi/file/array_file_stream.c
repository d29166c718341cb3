/* Files that are written piece by piece: which of their systems are complete is an attribute, which goes to
 * disk after the systems. Who is killed between the two does those again. */
#include "comm.h"
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"
#include "file/checksum.h"

#include <string.h>
#include <sys/stat.h>

static const char *const COMPLETE = "complete_systems", *const FAILED = "failed_systems";

/* ---- whose file it is -------------------------------------------------------------------------------- */

bool neurlp_stream_is_ours(const neurlp_array_file *file, const char *identity, const char **reason) {
  struct stat info;
  char *text = NULL;
  *reason = NULL;
  if (stat(file->temporary, &info) != 0 || info.st_size == 0) return false;
  const hid_t id = neurlp_hdf5_open_alone(file->temporary);
  if (id < 0) {
    *reason = "it cannot be read; that run was killed before anything was complete";
    return false;
  }
  const bool ours = neurlp_attribute_text_read(file->context, id, "/", "identity", &text) == NEURLP_SUCCESS &&
                    strcmp(text, identity) == 0;
  neurlp_release(file->context, &text);
  H5Fclose(id);
  if (!ours) *reason = "it is of another problem, deck, or version of the program";
  return ours;
}

/* Whether the entry of a line is left out; `section` is that of lines without blanks before them. */
static bool is_left_out(const char *line, const char *section, const char *const *left_out) {
  const size_t indent = strspn(line, " "), length = strcspn(line + indent, ":\n");
  const size_t section_length = strcspn(section, ":\n");
  for (; *left_out; left_out++) {
    const char *name = *left_out;
    if (strncmp(name, section, section_length) != 0) continue;
    if (name[section_length] == '\0') return true;
    if (indent > 0 && name[section_length] == '.' && strlen(name) == section_length + 1 + length &&
        strncmp(name + section_length + 1, line + indent, length) == 0)
      return true;
  }
  return false;
}

uint64_t neurlp_array_file_sum_deck(const char *deck, const char *const *left_out) {
  const char *section = "";
  uint64_t sum = 0, place = 0;
  size_t skipped = SIZE_MAX; /* blanks before the entry that is left out, with all that has more of them */
  for (const char *line = deck; *line;) {
    const size_t length = strcspn(line, "\n"), indent = strspn(line, " ");
    if (indent == 0) section = line;
    if (indent <= skipped) skipped = is_left_out(line, section, left_out) ? indent : SIZE_MAX;
    for (size_t i = 0; skipped == SIZE_MAX && i < length; i++, place++)
      sum += neurlp_checksum_term(place, (unsigned char)line[i]);
    line += length + (line[length] == '\n');
  }
  return sum;
}

/* ---- how far it is ----------------------------------------------------------------------------------- */

/* In place, where it is there: an attribute that is deleted and made again is not there in between. */
static int write_integer(hid_t object, const char *name, int64_t value) {
  hid_t attribute = -1;
  if (H5Aexists(object, name) > 0) {
    attribute = H5Aopen(object, name, H5P_DEFAULT);
  } else {
    const hid_t space = H5Screate(H5S_SCALAR);
    attribute = H5Acreate2(object, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Sclose(space);
  }
  if (neurlp_hdf5_noted(attribute) < 0) return -1;
  const int result = (int)neurlp_hdf5_noted(H5Awrite(attribute, H5T_NATIVE_INT64, &value));
  H5Aclose(attribute);
  return result;
}

neurlp_status neurlp_array_file_advance(neurlp_array_file *file, const char *path, int64_t complete,
                                        int64_t failed) {
  if (H5Fflush(file->id, H5F_SCOPE_GLOBAL) < 0) neurlp_array_file_abort(file, "flush");
  const hid_t object = neurlp_hdf5_noted(H5Oopen(file->id, path, H5P_DEFAULT));
  int result = object < 0 ? -1 : write_integer(object, FAILED, failed);
  if (result >= 0) result = write_integer(object, COMPLETE, complete);
  if (object >= 0) H5Oclose(object);
  const neurlp_status status =
      result >= 0 ? NEURLP_SUCCESS
                  : neurlp_fail(file->context, NEURLP_ERROR_IO, "%s: how far it is could not be written: %s",
                                file->path, neurlp_hdf5_reason());
  const neurlp_status agreed = neurlp_agree(file->comm, file->context, status);
  if (agreed != NEURLP_SUCCESS) return agreed;
  if (H5Fflush(file->id, H5F_SCOPE_GLOBAL) < 0) neurlp_array_file_abort(file, "flush");
  file->advanced = file->advanced || complete > 0;
  return NEURLP_SUCCESS;
}

static int64_t read_integer(hid_t object, const char *name) {
  int64_t value = 0;
  if (H5Aexists(object, name) <= 0) return 0;
  const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0 || H5Aread(attribute, H5T_NATIVE_INT64, &value) < 0) value = 0;
  if (attribute >= 0) H5Aclose(attribute);
  return value;
}

void neurlp_array_file_progress(const neurlp_array_file *file, const char *path, int64_t *complete,
                                int64_t *failed) {
  *complete = *failed = 0;
  if (strcmp(path, "/") != 0 && !neurlp_hdf5_exists(file->id, path)) return;
  const hid_t object = H5Oopen(file->id, path, H5P_DEFAULT);
  if (object < 0) return;
  *complete = read_integer(object, COMPLETE);
  *failed = read_integer(object, FAILED);
  H5Oclose(object);
}

const char *neurlp_array_file_partial(const neurlp_array_file *file) {
  return file->advanced ? file->temporary : NULL;
}
