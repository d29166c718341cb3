#include "data/data_set_pieces.h"

static int64_t samples_of(const int64_t *offsets, int64_t system) {
  return offsets[system + 1] - offsets[system];
}

/* Grows a group of systems that begins at `begin` as long as the rectangle stays within the limit. The last
 * system of a range may go on in the next rank's range, so it may not be padded: it joins only if it is as
 * long as the rectangle is wide. Gives the end of the group and its width. */
static int64_t grow_group(int64_t systems, const int64_t *offsets, int64_t limit_samples, int64_t begin,
                          int64_t *width, bool *even) {
  int64_t end = begin + 1;
  *width = samples_of(offsets, begin);
  *even = true;
  while (end < systems) {
    const int64_t next = samples_of(offsets, end);
    const int64_t wider = next > *width ? next : *width;
    if (end == systems - 1 && next < wider) break;
    if (wider > 0 && end + 1 - begin > limit_samples / wider) break;
    *even = *even && next == *width;
    *width = wider;
    end++;
  }
  return end;
}

bool neurlp_next_piece(const neurlp_sample_range *range, const int64_t *offsets, int64_t limit_samples,
                       neurlp_piece_cursor *cursor, neurlp_sample_piece *piece) {
  const int64_t systems = range->end_system - range->first_system;
  while (cursor->system < systems && cursor->sample == samples_of(offsets, cursor->system)) {
    cursor->system++;
    cursor->sample = 0;
  }
  if (cursor->system >= systems) return false;
  const int64_t begin = cursor->system;
  const int64_t own_first = begin == 0 ? range->first_sample : 0; /* of this system, in the file */
  const int64_t left = samples_of(offsets, begin) - cursor->sample;
  piece->first_system = range->first_system + begin;
  piece->first_sample = own_first + cursor->sample;
  const bool whole = piece->first_sample == 0 && left <= limit_samples;
  if (!whole) {
    piece->end_system = piece->first_system + 1;
    piece->samples = left < limit_samples ? left : limit_samples < 1 ? 1 : limit_samples;
    piece->even = true;
    cursor->sample += piece->samples;
    return true;
  }
  const int64_t end = grow_group(systems, offsets, limit_samples, begin, &piece->samples, &piece->even);
  piece->end_system = range->first_system + end;
  cursor->system = end;
  cursor->sample = 0;
  return true;
}

int64_t neurlp_count_pieces(const neurlp_sample_range *range, const int64_t *offsets, int64_t limit_samples) {
  neurlp_piece_cursor cursor = {0, 0};
  neurlp_sample_piece piece;
  int64_t count = 0;
  while (neurlp_next_piece(range, offsets, limit_samples, &cursor, &piece)) count++;
  return count;
}
