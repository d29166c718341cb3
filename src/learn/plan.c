#include "learn/plan.h"

int64_t neurlp_cut_count(int64_t count, int64_t window) {
  if (window <= 0 || count <= window) return 1;
  return (count + window / 2) / window;
}

int64_t neurlp_cut_begin(int64_t count, int64_t pieces, int64_t i) {
  return i * (count / pieces) + (i < count % pieces ? i : count % pieces);
}

static int64_t length_of(const neurlp_plan_spec *spec, int64_t s) {
  return spec->lengths ? spec->lengths[s] : spec->samples;
}

static int64_t segments_of(const neurlp_plan_spec *spec, int64_t s) {
  return neurlp_cut_count(length_of(spec, s), spec->window);
}

int64_t neurlp_plan_longest(const neurlp_plan_spec *spec) {
  int64_t longest = 0;
  for (int64_t s = 0; s < spec->systems; s++) {
    const int64_t length = length_of(spec, s), first = neurlp_cut_begin(length, segments_of(spec, s), 1);
    if (first > longest) longest = first; /* the first of them is as long as any */
  }
  return longest;
}

/* Systems that the plan is of, where each is alone. */
static int64_t systems_of(const neurlp_plan_spec *spec) {
  return spec->count > 0 ? spec->count : spec->systems;
}

/* Blocks of `count` over `parts`: where part i begins. */
static int64_t block_begin(int64_t count, int64_t parts, int64_t i) {
  return neurlp_cut_begin(count, parts, i);
}

/* Global numbers of the segments that this rank owns: [first, end). */
static void own_segments(const neurlp_plan_spec *spec, int rank, int size, neurlp_plan *plan, int64_t *first,
                         int64_t *end) {
  int64_t total = 0;
  for (int64_t s = 0; s < spec->systems; s++) total += segments_of(spec, s);
  plan->bins = spec->per_system ? systems_of(spec) : total < spec->shards ? total : spec->shards;
  plan->first_bin = block_begin(plan->bins, size, rank);
  plan->bin_count = block_begin(plan->bins, size, rank + 1) - plan->first_bin;
  if (spec->per_system) plan->first_bin += spec->first;
  const int64_t end_bin = plan->first_bin + plan->bin_count;
  *first = *end = 0;
  if (plan->bin_count == 0) return;
  if (!spec->per_system) {
    *first = block_begin(total, plan->bins, plan->first_bin);
    *end = block_begin(total, plan->bins, end_bin);
    return;
  }
  for (int64_t s = 0; s < end_bin; s++) {
    if (s < plan->first_bin) *first += segments_of(spec, s);
    *end += segments_of(spec, s);
  }
}

/* The bin of global segment number g of system s. */
static int64_t bin_of(const neurlp_plan_spec *spec, const neurlp_plan *plan, int64_t total, int64_t s,
                      int64_t g) {
  if (spec->per_system) return s;
  int64_t low = plan->first_bin, high = plan->first_bin + plan->bin_count;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (block_begin(total, plan->bins, middle) <= g)
      low = middle;
    else
      high = middle;
  }
  return low;
}

neurlp_status neurlp_plan_create(neurlp_context *context, const neurlp_plan_spec *spec, int rank, int size,
                                 neurlp_plan *plan) {
  *plan = (neurlp_plan){0};
  int64_t first = 0, end = 0, total = 0, g = 0, i = 0;
  own_segments(spec, rank, size, plan, &first, &end);
  for (int64_t s = 0; s < spec->systems; s++) total += segments_of(spec, s);
  plan->segment_count = end - first;
  neurlp_status status =
      neurlp_allocate(context, plan->segment_count, sizeof *plan->segments, &plan->segments);
  if (status < 0) return status;
  for (int64_t s = 0; s < spec->systems && g < end; s++) {
    const int64_t pieces = segments_of(spec, s), length = length_of(spec, s);
    if (g + pieces <= first) {
      g += pieces;
      continue;
    }
    for (int64_t piece = 0; piece < pieces; piece++, g++) {
      if (g < first || g >= end) continue;
      const int64_t begin = neurlp_cut_begin(length, pieces, piece);
      plan->segments[i++] = (neurlp_segment){.system = s,
                                             .first = begin,
                                             .count = neurlp_cut_begin(length, pieces, piece + 1) - begin,
                                             .bin = bin_of(spec, plan, total, s, g)};
    }
  }
  if (i > 0) {
    const neurlp_segment *head = &plan->segments[0], *tail = &plan->segments[i - 1];
    plan->first_system = head->system;
    plan->first_sample = head->first;
    plan->end_system = tail->system + 1;
    plan->end_sample = tail->first + tail->count;
  }
  return NEURLP_SUCCESS;
}

void neurlp_plan_release(neurlp_context *context, neurlp_plan *plan) {
  neurlp_release(context, &plan->segments);
}
