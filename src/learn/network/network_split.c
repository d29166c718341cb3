#include "learn/network/network_split.h"

#include "core/random.h"

#include <math.h>

/* Units that stay whole: trajectories with windows, or windows where there is one trajectory. Windows are
 * listed by trajectory, so a unit is a range of them: unit i begins with window begin[i]. */
static int64_t list_units(const neurlp_windows *w, int64_t *begin) {
  int64_t units = 0;
  for (int64_t i = 0; i < w->count; i++)
    if (i == 0 || w->system[i] != w->system[i - 1]) begin[units++] = i;
  for (int64_t i = 0; units == 1 && i < w->count; i++) begin[i] = i;
  return units == 1 ? w->count : units;
}

neurlp_status neurlp_windows_split(const neurlp_windows *windows, double fraction, uint64_t seed,
                                   int64_t *order, int64_t *validation) {
  neurlp_context *context = windows->context;
  neurlp_status status = NEURLP_SUCCESS;
  int64_t *begin = NULL, first = 0;
  NEURLP_TRY(neurlp_allocate(context, windows->count + 1, sizeof *begin, &begin));
  const int64_t units = list_units(windows, begin);
  begin[units] = windows->count;
  const double nearest = floor(fraction * (double)units + 0.5);
  const int64_t kept = fraction > 0 ? (int64_t)fmax(nearest, 1) : 0;
  if (kept >= units)
    NEURLP_TRY(neurlp_fail(context, NEURLP_ERROR_DATA,
                           "%lld of %lld %s are for validation; at least one has to be left to train with: "
                           "lower train.validation",
                           (long long)kept, (long long)units,
                           units == windows->count ? "windows" : "trajectories"));
  for (int pass = 0; pass < 2; pass++) {
    if (pass == 1) *validation = windows->count - first;
    for (int64_t i = 0; i < units; i++) {
      const bool held =
          kept > 0 && neurlp_random_permute(seed, NEURLP_RANDOM_SPLIT, 0, units, i) >= units - kept;
      for (int64_t j = begin[i]; held == (pass == 1) && j < begin[i + 1]; j++) order[first++] = j;
    }
  }
done:
  neurlp_release(context, &begin);
  return status;
}
