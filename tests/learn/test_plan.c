/* Plans cover all samples once, in order, and the same way for every number of ranks. */
#include "learn/plan.h"
#include "support/check.h"

#include <string.h>

/* All ranks' segments in a row must be those of one rank alone, bins included. */
static void compare(const char *what, neurlp_context *context, const neurlp_plan_spec *spec) {
  char line[128];
  neurlp_plan alone = {0};
  if (neurlp_plan_create(context, spec, 0, 1, &alone) != NEURLP_SUCCESS) return check_true("plan", false);
  int64_t samples = 0, expected = 0;
  for (int64_t s = 0; s < spec->systems; s++) expected += spec->lengths ? spec->lengths[s] : spec->samples;
  for (int64_t g = 0; g < alone.segment_count; g++) samples += alone.segments[g].count;
  check_equal("samples covered", samples, expected);
  const int sizes[] = {2, 3, 5, 64};
  for (int i = 0; i < 4; i++) {
    bool same = true;
    int64_t next = 0;
    for (int rank = 0; rank < sizes[i]; rank++) {
      neurlp_plan plan = {0};
      if (neurlp_plan_create(context, spec, rank, sizes[i], &plan) != NEURLP_SUCCESS) same = false;
      same = same && plan.bins == alone.bins;
      for (int64_t g = 0; g < plan.segment_count; g++, next++)
        same = same && next < alone.segment_count &&
               !memcmp(&plan.segments[g], &alone.segments[next], sizeof *plan.segments) &&
               plan.segments[g].bin >= plan.first_bin &&
               plan.segments[g].bin < plan.first_bin + plan.bin_count;
      neurlp_plan_release(context, &plan);
    }
    snprintf(line, sizeof line, "%s: %d ranks have the segments of one", what, sizes[i]);
    check_true(line, same && next == alone.segment_count);
  }
  neurlp_plan_release(context, &alone);
}

/* Plans of some systems each are, one after the other, the plan of all of them. */
static void compare_parts(neurlp_context *context, const neurlp_plan_spec *whole, int64_t systems) {
  neurlp_plan all = {0};
  bool same = neurlp_plan_create(context, whole, 0, 1, &all) == NEURLP_SUCCESS;
  int64_t next = 0, longest = 0;
  for (int64_t g = 0; g < all.segment_count; g++)
    if (all.segments[g].count > longest) longest = all.segments[g].count;
  check_equal("the longest segment", neurlp_plan_longest(whole), longest);
  for (int64_t first = 0; first < whole->systems; first += systems)
    for (int rank = 0; rank < 2; rank++) {
      neurlp_plan_spec spec = *whole;
      neurlp_plan plan = {0};
      spec.first = first;
      spec.count = first + systems < whole->systems ? systems : whole->systems - first;
      same = neurlp_plan_create(context, &spec, rank, 2, &plan) == NEURLP_SUCCESS && same &&
             plan.bins == spec.count;
      for (int64_t g = 0; g < plan.segment_count; g++, next++)
        same = same && next < all.segment_count && plan.segments[g].bin >= plan.first_bin &&
               plan.segments[g].bin < plan.first_bin + plan.bin_count &&
               !memcmp(&plan.segments[g], &all.segments[next], sizeof *plan.segments);
      neurlp_plan_release(context, &plan);
    }
  check_true("some systems at a time: the same segments", same && next == all.segment_count);
  neurlp_plan_release(context, &all);
}

int main(void) {
  neurlp_context *context = NULL;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  const int64_t lengths[] = {5, 103, 1, 250, 99, 7, 2};
  compare("one long", context,
          &(neurlp_plan_spec){.systems = 1, .samples = 10000, .window = 100, .shards = 64});
  compare("few", context, &(neurlp_plan_spec){.systems = 3, .samples = 70, .window = 100, .shards = 64});
  compare("ragged", context,
          &(neurlp_plan_spec){.systems = 7, .lengths = lengths, .window = 50, .shards = 6});
  compare("each its own", context,
          &(neurlp_plan_spec){.systems = 7, .lengths = lengths, .window = 50, .per_system = true});
  compare_parts(context,
                &(neurlp_plan_spec){.systems = 7, .lengths = lengths, .window = 50, .per_system = true}, 3);
  compare_parts(context,
                &(neurlp_plan_spec){.systems = 7, .lengths = lengths, .window = 50, .per_system = true}, 1);
  compare("none", context, &(neurlp_plan_spec){.systems = 0, .samples = 10, .window = 50, .shards = 6});
  check_equal("a run is cut evenly", neurlp_cut_begin(103, neurlp_cut_count(103, 50), 1), 52);
  check_equal("window 0 is the whole run", neurlp_cut_count(1000, 0), 1);
  check_equal("blocks alive", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
