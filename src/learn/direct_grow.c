/* Growth: fits on short windows, then on windows twice as long, and so on to whole segments. */
#include "learn/direct_parts.h"
#include "learn/fit_work.h"

#include <string.h>

/* Share of a group's windows that may fail with the first windows before the group is said to have failed. */
static const double MOST_FAILED_FIRST = 0.5;

void neurlp_direct_restore_group(neurlp_fit *fit, int64_t group, const double *state) {
  const neurlp_trajectories *data = fit->data;
  const int64_t n = (int64_t)data->dimensions * (data->order + 1);
  for (int64_t g = 0; g < data->plan->segment_count; g++) {
    if (fit->options.per_system && data->plan->segments[g].bin - data->plan->first_bin != group) continue;
    const int64_t first = data->sample_point[data->segment_sample[g]];
    const int64_t last = data->sample_point[data->segment_sample[g + 1] - 1];
    memcpy(fit->state + first * n, state + first * n, (size_t)((last - first + 1) * n) * sizeof(double));
  }
}

/* Puts groups that cannot start with their windows back to their previous ones; those that had none before
 * have failed. Tells whether any went back. */
static bool go_back(neurlp_learning *l) {
  neurlp_fit *fit = l->fit;
  bool any = false;
  for (int64_t g = 0; g < fit->groups; g++) {
    neurlp_group *group = &fit->group[g];
    neurlp_direct_group *known = &l->group[g];
    if (group->standing) continue;
    group->standing = true; /* the others' windows begin once more without it */
    if (group->status != NEURLP_SUCCESS || l->verdict[g] == NEURLP_SUCCESS) continue;
    if (known->previous < 0 || known->settled) {
      group->status = l->verdict[g];
      continue;
    }
    if (!fit->options.per_system)
      neurlp_direct_say(l->options, "windows of %lld samples do not converge: staying with %lld",
                        (long long)group->window, (long long)known->previous);
    group->standing = false;
    group->window = known->previous;
    known->settled = true;
    neurlp_direct_restore_group(fit, g, fit->data->start);
    any = true;
  }
  return any;
}

neurlp_status neurlp_direct_cut(neurlp_learning *l) {
  neurlp_status status = NEURLP_SUCCESS;
  int64_t again = 1;
  bool mine = true;
  while (again) { /* a group goes back once */
    const bool first = l->fit->groups > 0 && l->group[0].previous < 0;
    const double most = first ? MOST_FAILED_FIRST : NEURLP_MOST_FAILED;
    const neurlp_status begun = mine ? neurlp_fit_begin(l->fit, most, l->verdict) : NEURLP_SUCCESS;
    mine = begun >= 0 && mine && go_back(l);
    again = mine;
    NEURLP_TRY(neurlp_fit_agree(l->fit, begun, 1, &again));
  }
done:
  for (int64_t g = 0; g < l->fit->groups; g++) l->fit->group[g].standing = false;
  return status;
}

/* Whether this round's windows are the last: whole segments, or nearly. */
static bool is_last(const neurlp_direct_place *place) {
  return place->window * 4 / 3 >= place->longest;
}

neurlp_status neurlp_direct_prepare_growth(neurlp_learning *l) {
  const int64_t window = is_last(&l->place) ? l->place.longest : l->place.window;
  for (int64_t g = 0; g < l->fit->groups; g++)
    if (!l->group[g].settled) l->fit->group[g].window = window;
  const neurlp_status status = neurlp_direct_cut(l);
  return status < 0 ? status : neurlp_direct_begin_fit(l);
}

neurlp_status neurlp_direct_conclude_growth(neurlp_learning *l) {
  neurlp_fit_update_noise(l->fit);
  neurlp_direct_report(l, "fit");
  for (int64_t g = 0; g < l->fit->groups; g++) l->group[g].previous = l->fit->group[g].window;
  if (!is_last(&l->place)) {
    l->place.window *= 2;
    neurlp_direct_go_to(l, NEURLP_STAGE_GROWTH, l->place.round + 1);
  } else {
    neurlp_direct_go_to(l, l->fit->model->terms > 0 ? NEURLP_STAGE_DROPPING : NEURLP_STAGE_FINAL, 0);
  }
  return NEURLP_SUCCESS;
}
