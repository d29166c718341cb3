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
    neurlp_direct_restore_group(fit, g, l->state ? l->state : fit->data->start);
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
  for (int64_t g = 0; g < l->fit->groups; g++) l->fit->group[g].standing = l->group[g].stands;
  return status;
}

/* The windows that come after those of group g: twice as long, or whole segments if that is nearly the same.
 */
static int64_t next_window(const neurlp_learning *l, int64_t g) {
  const int64_t longest = l->place.longest, known = l->group[g].previous;
  const int64_t next = known < 0 ? l->fit->group[g].window : 2 * known;
  return next * 4 / 3 >= longest ? longest : next;
}

static bool may_grow(const neurlp_learning *l, int64_t g) {
  return l->fit->group[g].status == NEURLP_SUCCESS && l->fit->group[g].window < l->place.longest;
}

neurlp_status neurlp_direct_prepare_growth(neurlp_learning *l) {
  neurlp_direct_remember(l);
  for (int64_t g = 0; g < l->fit->groups; g++) {
    neurlp_direct_group *known = &l->group[g];
    known->moved = false;
    known->stands = known->previous >= 0 && (known->settled || !may_grow(l, g));
    l->fit->group[g].standing = known->stands;
    if (!known->stands) l->fit->group[g].window = next_window(l, g);
  }
  const neurlp_status status = neurlp_direct_cut(l);
  for (int64_t g = 0; g < l->fit->groups; g++) l->group[g].stands = false;
  return status < 0 ? status : neurlp_direct_begin_fit(l);
}

/* Group g has been fitted with longer windows: what could not be dropped with shorter ones may be now. */
static void note_growth(neurlp_learning *l, int64_t g) {
  const int64_t P = l->fit->model->parameters;
  neurlp_direct_group *known = &l->group[g];
  known->moved = known->previous < l->fit->group[g].window;
  known->previous = l->fit->group[g].window;
  if (!known->moved) return;
  known->most = (int32_t)P;
  memset(l->needed + g * P, 0, (size_t)P * sizeof *l->needed);
}

neurlp_status neurlp_direct_conclude_growth(neurlp_learning *l) {
  const bool terms = l->fit->model->terms > 0;
  int64_t growing = 0;
  neurlp_fit_update_noise(l->fit);
  neurlp_direct_report(l, "fit");
  for (int64_t g = 0; g < l->fit->groups; g++) {
    l->fit->group[g].standing = false;
    note_growth(l, g);
    growing = growing || (!l->group[g].settled && may_grow(l, g));
  }
  const neurlp_status status = neurlp_fit_agree(l->fit, NEURLP_SUCCESS, 1, &growing);
  if (terms && (!growing || l->options->drop_always))
    neurlp_direct_go_to(l, NEURLP_STAGE_DROPPING, 0);
  else if (growing)
    neurlp_direct_go_to(l, NEURLP_STAGE_GROWTH, l->place.round + 1);
  else
    neurlp_direct_go_to(l, NEURLP_STAGE_FINAL, 0);
  return status;
}

neurlp_status neurlp_direct_grow_on(neurlp_learning *l) {
  int64_t growing = 0;
  for (int64_t g = 0; g < l->fit->groups; g++) {
    l->group[g].settled = !(l->group[g].moved && may_grow(l, g));
    growing = growing || !l->group[g].settled;
  }
  const neurlp_status status = neurlp_fit_agree(l->fit, NEURLP_SUCCESS, 1, &growing);
  if (growing)
    neurlp_direct_go_to(l, NEURLP_STAGE_GROWTH, 0);
  else
    neurlp_direct_go_to(l, NEURLP_STAGE_FINAL, 0);
  return status;
}
