#include "file/array_file_parts.h"
#include "file/checksum.h"

#include <string.h>

/* What is read back at a time: it is still in the processor's cache when its checksum is formed. */
enum { PART_BYTES = 1 << 20 };

/* A part of a block: some of its first dimension that has more than one, and all of those behind. */
typedef struct block_part {
  int64_t start[NEURLP_MOST_EXTENTS], count[NEURLP_MOST_EXTENTS];
  size_t at, bytes; /* in the block's memory */
} block_part;

/* The next part, from an empty one on; false: there is none. */
static bool next_part(const neurlp_written_block *block, block_part *part) {
  const size_t at = part->at + part->bytes;
  if (at >= block->bytes) return false;
  int cut = 0;
  while (cut < block->rank - 1 && block->count[cut] == 1) cut++;
  const int64_t whole = (int64_t)block->count[cut];
  const size_t row_bytes = block->bytes / (size_t)whole;
  const int64_t first = (int64_t)(at / row_bytes), fits = (int64_t)(PART_BYTES / row_bytes);
  const int64_t wanted = fits < 1 ? 1 : fits, left = whole - first;
  for (int i = 0; i < block->rank; i++) {
    part->start[i] = (int64_t)block->start[i];
    part->count[i] = (int64_t)block->count[i];
  }
  part->start[cut] += first;
  part->count[cut] = wanted < left ? wanted : left;
  part->at = at;
  part->bytes = (size_t)part->count[cut] * row_bytes;
  return true;
}

/* Of a block as it lies in memory, part by part. */
static uint64_t checksum_of(const neurlp_written_block *block, const void *values) {
  uint64_t sum = 0;
  for (block_part part = {.bytes = 0}; next_part(block, &part);)
    sum = neurlp_checksum_chain(sum, (const char *)values + part.at, part.bytes);
  return sum;
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
    before->checksum = checksum_of(block, values);
    return NEURLP_SUCCESS;
  }
  if (file->block_count == file->block_capacity) NEURLP_TRY(grow_blocks(file));
  neurlp_written_block record = *block;
  NEURLP_TRY(neurlp_copy_text(file->context, path, &record.path));
  record.checksum = checksum_of(block, values);
  record.type = H5Tcopy(block->type);
  file->blocks[file->block_count++] = record;
done:
  return status;
}

/* Room for any part of the blocks. */
static size_t room_for_parts(const neurlp_array_file *file) {
  size_t room = 1;
  for (int64_t i = 0; i < file->block_count; i++) {
    block_part part = {.bytes = 0}; /* the first is the longest */
    if (next_part(&file->blocks[i], &part) && part.bytes > room) room = part.bytes;
  }
  return room;
}

static neurlp_status verify_block(neurlp_array_file *file, hid_t id, const neurlp_written_block *block,
                                  void *room) {
  static const int64_t stride[NEURLP_MOST_EXTENTS] = {1, 1, 1, 1, 1, 1};
  uint64_t sum = 0;
  for (block_part part = {.bytes = 0}; next_part(block, &part);) {
    if (neurlp_hdf5_read_block(id, block->path, block->type, block->rank, part.start, stride, part.count,
                               room) < 0)
      return neurlp_fail(
          file->context, NEURLP_ERROR_IO,
          "%s could not be written: '%s' cannot be read back: %s; is the disk full or failing?", file->path,
          block->path, neurlp_hdf5_reason());
    sum = neurlp_checksum_chain(sum, room, part.bytes);
  }
  if (sum == block->checksum) return NEURLP_SUCCESS;
  return neurlp_fail(file->context, NEURLP_ERROR_IO,
                     "%s could not be written: '%s' reads back with other numbers than were written; is "
                     "the disk full or failing?",
                     file->path, block->path);
}

neurlp_status neurlp_verify_blocks(neurlp_array_file *file) {
  void *room = NULL;
  const neurlp_status allocated = neurlp_allocate(file->context, (int64_t)room_for_parts(file), 1, &room);
  if (allocated != NEURLP_SUCCESS) return allocated;
  neurlp_status status = NEURLP_SUCCESS;
  const hid_t id = neurlp_hdf5_open_alone(file->temporary);
  if (id < 0)
    status =
        neurlp_fail(file->context, NEURLP_ERROR_IO, "%s could not be written: it cannot be opened again: %s",
                    file->path, neurlp_hdf5_reason());
  for (int64_t i = 0; i < file->block_count && status == NEURLP_SUCCESS; i++)
    status = verify_block(file, id, &file->blocks[i], room);
  if (id >= 0) H5Fclose(id);
  neurlp_release(file->context, &room);
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
