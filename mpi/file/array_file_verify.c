#include "file/array_file_parts.h"
#include "file/checksum.h"

#include <string.h>

/* Of the bytes of a block, as they lie in memory: words of 8, and what is left, filled up with zeros. */
static uint64_t checksum_of(const void *values, size_t bytes) {
  const char *at = values;
  const size_t words = bytes / sizeof(uint64_t), rest = bytes % sizeof(uint64_t);
  uint64_t sum = bytes, word = 0;
  for (size_t i = 0; i < words; i++) {
    memcpy(&word, at + i * sizeof word, sizeof word);
    sum += neurlp_checksum_term(i, word);
  }
  if (rest == 0) return sum;
  word = 0;
  memcpy(&word, at + words * sizeof word, rest);
  return sum + neurlp_checksum_term(words, word);
}

static neurlp_status grow_blocks(neurlp_array_file *file) {
  neurlp_written_block *blocks = NULL;
  const int64_t capacity = file->block_capacity > 0 ? 2 * file->block_capacity : 32;
  const neurlp_status status = neurlp_allocate(file->context, capacity, sizeof *blocks, &blocks);
  if (status != NEURLP_SUCCESS) return status;
  if (file->block_count > 0) memcpy(blocks, file->blocks, (size_t)file->block_count * sizeof *blocks);
  neurlp_release(file->context, &file->blocks);
  file->blocks = blocks;
  file->block_capacity = capacity;
  return NEURLP_SUCCESS;
}

static bool is_same(const neurlp_written_block *a, const neurlp_written_block *b, const char *path) {
  const size_t bytes = (size_t)a->rank * sizeof *a->start;
  return a->rank == b->rank && memcmp(a->start, b->start, bytes) == 0 &&
         memcmp(a->count, b->count, bytes) == 0 && strcmp(a->path, path) == 0;
}

/* The record of the same block; NULL: there is none. */
static neurlp_written_block *find_block(const neurlp_array_file *file, const neurlp_written_block *block,
                                        const char *path) {
  for (int64_t i = 0; i < file->block_count; i++)
    if (is_same(&file->blocks[i], block, path)) return &file->blocks[i];
  return NULL;
}

neurlp_status neurlp_verify_record(neurlp_array_file *file, const neurlp_written_block *block,
                                   const char *path, const void *values) {
  if (block->bytes == 0) return NEURLP_SUCCESS;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_written_block *before = block->again ? find_block(file, block, path) : NULL;
  if (before) {
    before->checksum = checksum_of(values, block->bytes);
    return NEURLP_SUCCESS;
  }
  if (file->block_count == file->block_capacity) NEURLP_TRY(grow_blocks(file));
  neurlp_written_block record = *block;
  NEURLP_TRY(neurlp_copy_text(file->context, path, &record.path));
  record.checksum = checksum_of(values, block->bytes);
  record.type = H5Tcopy(block->type);
  file->blocks[file->block_count++] = record;
done:
  return status;
}

static int read_block(hid_t id, const neurlp_written_block *block, void *values) {
  const hid_t dataset = neurlp_hdf5_noted(H5Dopen2(id, block->path, H5P_DEFAULT));
  if (dataset < 0) return -1;
  const hid_t space = H5Dget_space(dataset);
  const hid_t memory = H5Screate_simple(block->rank, block->count, NULL);
  int result = H5Sselect_hyperslab(space, H5S_SELECT_SET, block->start, NULL, block->count, NULL);
  if (result >= 0)
    result = (int)neurlp_hdf5_noted(H5Dread(dataset, block->type, memory, space, H5P_DEFAULT, values));
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(dataset);
  return result;
}

static neurlp_status verify_block(neurlp_array_file *file, hid_t id, const neurlp_written_block *block) {
  void *values = NULL;
  neurlp_status status = neurlp_allocate(file->context, (int64_t)block->bytes, 1, &values);
  if (status != NEURLP_SUCCESS) return status;
  if (read_block(id, block, values) < 0)
    status =
        neurlp_fail(file->context, NEURLP_ERROR_IO,
                    "%s could not be written: '%s' cannot be read back: %s; is the disk full or failing?",
                    file->path, block->path, neurlp_hdf5_reason());
  else if (checksum_of(values, block->bytes) != block->checksum)
    status = neurlp_fail(file->context, NEURLP_ERROR_IO,
                         "%s could not be written: '%s' reads back with other numbers than were written; is "
                         "the disk full or failing?",
                         file->path, block->path);
  neurlp_release(file->context, &values);
  return status;
}

neurlp_status neurlp_verify_blocks(neurlp_array_file *file) {
  const hid_t id = neurlp_hdf5_open_alone(file->temporary);
  if (id < 0)
    return neurlp_fail(file->context, NEURLP_ERROR_IO,
                       "%s could not be written: it cannot be opened again: %s", file->path,
                       neurlp_hdf5_reason());
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < file->block_count && status == NEURLP_SUCCESS; i++)
    status = verify_block(file, id, &file->blocks[i]);
  H5Fclose(id);
  return status;
}

void neurlp_verify_release(neurlp_array_file *file) {
  for (int64_t i = 0; i < file->block_count; i++) {
    H5Tclose(file->blocks[i].type);
    neurlp_release(file->context, &file->blocks[i].path);
  }
  neurlp_release(file->context, &file->blocks);
  file->block_count = file->block_capacity = 0;
}
