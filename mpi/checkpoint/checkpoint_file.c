/* One checkpoint's file. */
#include "checkpoint/checkpoint_parts.h"
#include "comm.h"
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"
#include "file/checksum.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 256, SUM_BYTES = 17 };

/* ---- checksums --------------------------------------------------------------------------------------- */

static uint64_t word_of(neurlp_state_kind kind, const void *numbers, int64_t i) {
  const size_t bytes = neurlp_state_number_bytes(kind);
  const unsigned char *at = (const unsigned char *)numbers + (size_t)i * bytes;
  uint64_t word = 0;
  uint32_t half = 0;
  if (bytes == 1) return *at;
  if (bytes == 8) {
    memcpy(&word, at, 8);
    return word;
  }
  memcpy(&half, at, 4);
  return half;
}

uint64_t neurlp_checksum(neurlp_state_kind kind, int64_t first, int64_t count, const void *numbers) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < count; i++)
    sum += neurlp_checksum_term((uint64_t)(first + i), word_of(kind, numbers, i));
  return sum;
}

/* ---- where numbers are ------------------------------------------------------------------------------- */

/* An array of the state, as a global array and this rank's share of it in the file. */
typedef struct share {
  int64_t global, first, count; /* numbers; the share is [first, first + count) */
  const void *numbers;          /* of the share */
  uint64_t sum;                 /* of all numbers */
} share;

static hid_t type_of(neurlp_state_kind kind) {
  switch (kind) {
  case NEURLP_STATE_DOUBLE:
    return H5T_NATIVE_DOUBLE;
  case NEURLP_STATE_FLOAT:
    return H5T_NATIVE_FLOAT;
  case NEURLP_STATE_INT64:
    return H5T_NATIVE_INT64;
  case NEURLP_STATE_BYTE:
    break;
  }
  return H5T_NATIVE_UINT8;
}

/* Collective. Where each array's shares are: of parts what this rank has, of what all ranks have an equal
 * share of it. One scan and one sum for all arrays. */
static neurlp_status find_shares(const neurlp_checkpoint *c, int32_t count, const neurlp_state_array *arrays,
                                 share *shares) {
  int64_t *numbers = NULL;
  const neurlp_status status = neurlp_agree(
      c->comm, c->context, neurlp_allocate(c->context, 3 * (int64_t)count, sizeof *numbers, &numbers));
  if (status < 0) {
    neurlp_release(c->context, &numbers);
    return status;
  }
  int64_t *mine = numbers, *before = numbers + count, *all = numbers + 2 * (int64_t)count;
  for (int32_t i = 0; i < count; i++) mine[i] = arrays[i].part ? arrays[i].count : 0;
  MPI_Exscan(mine, before, count, MPI_INT64_T, MPI_SUM, c->comm);
  MPI_Allreduce(mine, all, count, MPI_INT64_T, MPI_SUM, c->comm);
  for (int32_t i = 0; i < count; i++) {
    share *s = &shares[i];
    if (arrays[i].part) {
      *s = (share){.global = all[i], .first = c->rank > 0 ? before[i] : 0, .count = mine[i]};
      s->numbers = arrays[i].numbers;
    } else {
      s->global = arrays[i].count;
      neurlp_partition(s->global, c->rank, c->size, &s->first, &s->count);
      s->numbers = (const unsigned char *)arrays[i].numbers +
                   (size_t)s->first * neurlp_state_number_bytes(arrays[i].kind);
    }
  }
  neurlp_release(c->context, &numbers);
  return status;
}

/* Collective. Checksums of all arrays, by one sum. */
static neurlp_status sum_shares(const neurlp_checkpoint *c, int32_t count, const neurlp_state_array *arrays,
                                share *shares) {
  uint64_t *sums = NULL;
  const neurlp_status status =
      neurlp_agree(c->comm, c->context, neurlp_allocate(c->context, count, sizeof *sums, &sums));
  if (status >= 0) {
    for (int32_t i = 0; i < count; i++)
      sums[i] = neurlp_checksum(arrays[i].kind, shares[i].first, shares[i].count, shares[i].numbers);
    MPI_Allreduce(MPI_IN_PLACE, sums, count, MPI_UINT64_T, MPI_SUM, c->comm);
    for (int32_t i = 0; i < count; i++) shares[i].sum = sums[i];
  }
  neurlp_release(c->context, &sums);
  return status;
}

/* ---- names ------------------------------------------------------------------------------------------- */

neurlp_status neurlp_checkpoint_path(const neurlp_checkpoint *c, int64_t number, char **path) {
  const size_t bytes = strlen(c->stem) + 32;
  const neurlp_status status = neurlp_allocate(c->context, (int64_t)bytes, 1, path);
  if (status == NEURLP_SUCCESS) snprintf(*path, bytes, "%s.%06lld.h5", c->stem, (long long)number);
  return status;
}

neurlp_status neurlp_checkpoint_own(neurlp_checkpoint *c, int64_t number) {
  if (c->own_count == c->own_room) {
    const int64_t room = c->own_room > 0 ? 2 * c->own_room : 16;
    int64_t *grown = NULL;
    const neurlp_status status = neurlp_allocate(c->context, room, sizeof *grown, &grown);
    if (status < 0) return status;
    if (c->own_count > 0) memcpy(grown, c->own, (size_t)c->own_count * sizeof *grown);
    neurlp_release(c->context, &c->own);
    c->own = grown;
    c->own_room = room;
  }
  c->own[c->own_count++] = number;
  return NEURLP_SUCCESS;
}

void neurlp_checkpoint_remove(neurlp_checkpoint *c, int64_t keep) {
  const int64_t gone = c->own_count > keep ? c->own_count - keep : 0;
  for (int64_t i = 0; i < gone && c->rank == 0; i++) {
    char *path = NULL;
    if (neurlp_checkpoint_path(c, c->own[i], &path) == NEURLP_SUCCESS) unlink(path);
    neurlp_release(c->context, &path);
  }
  if (gone > 0) memmove(c->own, c->own + gone, (size_t)(c->own_count - gone) * sizeof *c->own);
  c->own_count -= gone;
}

/* ---- writing ----------------------------------------------------------------------------------------- */

static neurlp_status write_array(neurlp_array_file *file, const neurlp_state_array *array, const share *s) {
  char path[PATH_BYTES], sum[SUM_BYTES];
  neurlp_status status = NEURLP_SUCCESS;
  snprintf(path, sizeof path, "state/%s", array->name);
  snprintf(sum, sizeof sum, "%016" PRIx64, s->sum);
  const neurlp_array description = {.path = path,
                                    .type = type_of(array->kind),
                                    .rank = 1,
                                    .extents = {s->global},
                                    .long_name = array->part ? "state of all ranks, one after the other"
                                                             : "state that all ranks have"};
  NEURLP_TRY(neurlp_array_write_rows(file, &description, s->first, s->count, s->numbers));
  status = neurlp_array_attribute_text(file, path, "checksum", sum);
done:
  return status;
}

/* The numbers of this run's older files that are still there, for who goes on and has to remove them. */
static neurlp_status write_older(const neurlp_checkpoint *c, neurlp_array_file *file) {
  const int64_t room = 24 * c->own_count + 1;
  size_t length = 0;
  char *text = NULL;
  const neurlp_status status = neurlp_agree(c->comm, c->context, neurlp_allocate(c->context, room, 1, &text));
  if (status < 0) {
    neurlp_release(c->context, &text);
    return status;
  }
  for (int64_t i = 0; i + 1 < c->own_count; i++) /* the last one is this */
    length += (size_t)snprintf(text + length, (size_t)room - length, "%lld ", (long long)c->own[i]);
  const neurlp_status written = neurlp_array_attribute_text(file, "/", "older", text);
  neurlp_release(c->context, &text);
  return written;
}

static neurlp_status write_head(const neurlp_checkpoint *c, neurlp_array_file *file, int64_t number) {
  const neurlp_job *job = c->job;
  double seconds = c->found_seconds + MPI_Wtime() - c->begin;
  neurlp_status status = NEURLP_SUCCESS;
  MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, c->comm);
  NEURLP_TRY(neurlp_array_file_provenance(file, NEURLP_CHECKPOINT_SCHEMA, NEURLP_CHECKPOINT_VERSION,
                                          job->command_line, neurlp_deck_resolved(job->deck),
                                          neurlp_deck_integer(job->deck, "run.seed")));
  NEURLP_TRY(neurlp_array_attribute_text(file, "/", "kind", c->kind));
  NEURLP_TRY(neurlp_array_attribute_text(file, "/", "progress", c->progress));
  NEURLP_TRY(neurlp_array_attribute_text(file, "/", "fingerprint", c->fingerprint));
  NEURLP_TRY(neurlp_array_attribute_integer(file, "/", "number", number));
  if (c->end > 0) NEURLP_TRY(neurlp_array_attribute_integer(file, "/", "part_first", c->first));
  if (c->end > 0) NEURLP_TRY(neurlp_array_attribute_integer(file, "/", "part_end", c->end));
  NEURLP_TRY(write_older(c, file));
  status = neurlp_array_attribute_number(file, "/", "seconds", seconds);
done:
  return status;
}

neurlp_status neurlp_checkpoint_write(neurlp_checkpoint *c, int32_t count, const neurlp_state_array *arrays) {
  const int64_t number = c->last + 1;
  int64_t bytes = 0;
  neurlp_array_file *file = NULL;
  share *shares = NULL;
  char *path = NULL;
  neurlp_status status = neurlp_allocate(c->context, count, sizeof *shares, &shares);
  if (status >= 0) status = neurlp_checkpoint_path(c, number, &path);
  if (status >= 0) status = neurlp_checkpoint_own(c, number); /* the room for it: it is taken back below */
  const bool noted = status >= 0;
  NEURLP_TRY(neurlp_agree(c->comm, c->context, status));
  NEURLP_TRY(find_shares(c, count, arrays, shares));
  NEURLP_TRY(sum_shares(c, count, arrays, shares));
  for (int32_t i = 0; i < count; i++)
    bytes += shares[i].global * (int64_t)neurlp_state_number_bytes(arrays[i].kind);
  NEURLP_TRY(neurlp_array_file_create_sealed(c->comm, c->context, path, bytes, &file));
  NEURLP_TRY(write_head(c, file, number));
  for (int32_t i = 0; i < count; i++) NEURLP_TRY(write_array(file, &arrays[i], &shares[i]));
  NEURLP_TRY(neurlp_array_file_commit(&file));
  c->last = number;
  c->written_bytes += bytes;
done:
  status = neurlp_array_file_discard(&file, status);
  if (status < 0 && noted) c->own_count--;
  neurlp_release(c->context, &shares);
  neurlp_release(c->context, &path);
  return status;
}

/* ---- reading ----------------------------------------------------------------------------------------- */

static neurlp_status mismatch(const neurlp_checkpoint *c, const char *name, const char *why) {
  return neurlp_fail(c->context, NEURLP_ERROR_DATA,
                     "%s: '%s' %s; it was written by another version of this program: remove it, or begin "
                     "anew with checkpoint.resume=off",
                     c->found, name, why);
}

/* Local. The array is there, of its kind and size; reads its checksum. */
static neurlp_status check_stored(const neurlp_checkpoint *c, hid_t file, const neurlp_state_array *array,
                                  const char *path, share *s) {
  neurlp_numeric found;
  char *text = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_numeric_check(c->context, file, c->found, path, false, &found));
  if (!found.present) {
    status = mismatch(c, array->name, "is missing");
    goto done;
  }
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), stored = H5Dget_type(dataset),
              wanted = type_of(array->kind);
  const bool alike =
      H5Tget_class(stored) == H5Tget_class(wanted) && H5Tget_size(stored) == H5Tget_size(wanted);
  H5Tclose(stored);
  H5Dclose(dataset);
  if (!alike || found.rank != 1 || found.extents[0] != s->global) {
    status = mismatch(c, array->name, "has another size or kind of numbers");
    goto done;
  }
  NEURLP_TRY(neurlp_attribute_text_read(c->context, file, path, "checksum", &text));
  if (sscanf(text, "%" SCNx64, &s->sum) != 1) status = mismatch(c, array->name, "has no checksum");
done:
  neurlp_release(c->context, &text);
  return status;
}

/* Local. Reads this rank's part, or all of what every rank has. */
static neurlp_status read_array(const neurlp_checkpoint *c, hid_t file, const neurlp_state_array *array,
                                share *s) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "state/%s", array->name);
  const neurlp_status status = check_stored(c, file, array, path, s);
  if (status < 0 || array->count == 0) return status;
  const hsize_t start = array->part ? (hsize_t)s->first : 0, size = (hsize_t)array->count;
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(dataset),
              memory = H5Screate_simple(1, &size, NULL);
  int result = H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &size, NULL);
  if (result >= 0)
    result = (int)neurlp_hdf5_noted(
        H5Dread(dataset, type_of(array->kind), memory, space, H5P_DEFAULT, array->numbers));
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(dataset);
  if (result >= 0) return status;
  return neurlp_fail(c->context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read: %s", c->found, array->name,
                     neurlp_hdf5_reason());
}

/* Local: nobody waits for others while one reads. */
static neurlp_status read_arrays(const neurlp_checkpoint *c, int32_t count, const neurlp_state_array *arrays,
                                 share *shares) {
  hid_t file = -1;
  neurlp_status status = neurlp_data_open_alone(c->context, c->found, &file);
  for (int32_t i = 0; i < count && status >= 0; i++) status = read_array(c, file, &arrays[i], &shares[i]);
  if (file >= 0) H5Fclose(file);
  return status;
}

neurlp_status neurlp_checkpoint_read(neurlp_checkpoint *c, int32_t count, const neurlp_state_array *arrays) {
  share *shares = NULL, *read = NULL;
  neurlp_status status = neurlp_allocate(c->context, count, sizeof *shares, &shares);
  if (status >= 0) status = neurlp_allocate(c->context, count, sizeof *read, &read);
  NEURLP_TRY(neurlp_agree(c->comm, c->context, status));
  NEURLP_TRY(find_shares(c, count, arrays, shares));
  NEURLP_TRY(neurlp_agree(c->comm, c->context, read_arrays(c, count, arrays, shares)));
  memcpy(read, shares, (size_t)count * sizeof *read);
  NEURLP_TRY(sum_shares(c, count, arrays, read));
  for (int32_t i = 0; i < count && status >= 0; i++)
    if (read[i].sum != shares[i].sum)
      status = mismatch(c, arrays[i].name, "reads back with another checksum");
done:
  neurlp_release(c->context, &shares);
  neurlp_release(c->context, &read);
  return status;
}
