/* Dropping terms (docs/math.md, section 8): the least significant go first, a few at a time; the others move
 * to where the linearisation has their best values without them, and are fitted again. A drop that the data
 * do not bear is taken back. */
#include "learn/direct_parts.h"
#include "learn/fit_work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A term's case for staying. */
typedef struct neurlp_candidate {
  double score; /* z-score and share in units of their thresholds, the smaller: below 1 it goes */
  double share;
  int32_t parameter;
} candidate;

static int64_t count_states(const neurlp_fit *fit) {
  return fit->data->point_count * fit->data->dimensions * (fit->data->order + 1);
}

neurlp_status neurlp_direct_create_drop(neurlp_learning *l) {
  const neurlp_fit *fit = l->fit;
  neurlp_context *context = fit->context;
  const int64_t P = fit->model->parameters;
  neurlp_status status = NEURLP_SUCCESS;
  if (fit->model->terms == 0) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, count_states(fit), sizeof(double), &l->state));
  NEURLP_TRY(neurlp_allocate(context, P * P, sizeof(double), &l->covariance));
  NEURLP_TRY(neurlp_allocate(context, P, sizeof *l->list, &l->list));
  NEURLP_TRY(neurlp_allocate(context, P, sizeof *l->list_dropped, &l->list_dropped));
done:
  return status;
}

static int compare_candidates(const void *a, const void *b) {
  const candidate *x = a, *y = b;
  if (x->score != y->score) return x->score < y->score ? -1 : 1;
  return x->parameter - y->parameter;
}

/* Insignificant terms of a group, the least significant first. A term is insignificant by its z-score, or by
 * its share in the equation: on clean data even errors of discretisation are significant. */
static int32_t list_candidates(neurlp_learning *l, int64_t g) {
  const neurlp_fit *fit = l->fit;
  const neurlp_model *model = fit->model;
  const int64_t P = model->parameters, D = model->dimensions;
  const double *power = fit->power + g * (P + D), *theta = fit->theta + g * P;
  int32_t count = 0;
  neurlp_fit_covariance(l->fit, g, l->covariance);
  for (int32_t p = model->named; p < P; p++) {
    if (!fit->free[g * P + p] || l->needed[g * P + p]) continue;
    const int64_t k = (p - model->named) / model->terms;
    const double error = sqrt(l->covariance[p * P + p]);
    const double z = isfinite(error) && error > 0 ? fabs(theta[p]) / error : 0;
    const double share = power[P + k] > 0 ? fabs(theta[p]) * sqrt(power[p] / power[P + k]) : 0;
    const double score = fmin(z / l->options->threshold, share / l->options->contribution);
    if (score < 1) l->list[count++] = (candidate){score, share, p};
  }
  qsort(l->list, (size_t)count, sizeof *l->list, compare_candidates);
  return count;
}

/* Drops a third of the group's insignificant terms, at least one. */
static void drop_from_group(neurlp_learning *l, int64_t g) {
  neurlp_fit *fit = l->fit;
  neurlp_direct_group *group = &l->group[g];
  const int64_t P = fit->model->parameters;
  const int32_t count = list_candidates(l, g);
  group->count = (count + 2) / 3 < group->most ? (count + 2) / 3 : group->most;
  group->objective = fit->group[g].objective;
  group->by_share = true;
  for (int32_t i = 0; i < group->count; i++) {
    l->list_dropped[i] = l->list[i].parameter;
    l->dropped[g * P + l->list[i].parameter] = true;
    group->by_share = group->by_share && l->list[i].share < l->options->contribution;
  }
  if (group->count > 0) neurlp_fit_hold_at_zero(fit, g, group->count, l->list_dropped);
}

/* Whether the data bear what was dropped: the fit goes on, and the sum of squares has grown by no more than
 * terms below the threshold can explain. Terms that were dropped for their small share may cost more: then
 * the data are so clean that the residual is not noise. */
static bool is_borne(const neurlp_learning *l, int64_t g) {
  const neurlp_fit *fit = l->fit;
  const neurlp_direct_group *group = &l->group[g];
  const double growth = fit->group[g].objective - group->objective;
  const double z = 2 * l->options->threshold; /* correlated terms weigh more together than one by one */
  if (l->verdict[g] != NEURLP_SUCCESS || !isfinite(growth)) return false;
  return group->by_share || growth <= group->count * z * z * neurlp_fit_residual_variance(fit, g);
}

/* Takes a group's drop back, and will try fewer terms; a single one is not tried again. */
static void take_back(neurlp_learning *l, int64_t g) {
  neurlp_fit *fit = l->fit;
  const int64_t P = fit->model->parameters;
  neurlp_direct_group *group = &l->group[g];
  memcpy(fit->theta + g * P, l->theta + g * P, (size_t)P * sizeof(double));
  memcpy(fit->free + g * P, l->free + g * P, (size_t)P * sizeof(bool));
  neurlp_direct_restore_group(fit, g, l->state);
  for (int64_t p = 0; p < P && group->count == 1; p++)
    l->needed[g * P + p] = l->needed[g * P + p] || l->dropped[g * P + p];
  group->most = group->count > 1 ? group->count / 2 : 1;
}

/* Groups of which no term went in this round keep what they have, however many rounds others need; so do,
 * where terms are back, those that bear what they lost. */
static void choose_standing(neurlp_learning *l, bool back) {
  neurlp_fit *fit = l->fit;
  const int64_t P = fit->model->parameters;
  for (int64_t g = 0; g < fit->groups; g++) {
    bool any = false;
    for (int64_t p = 0; p < P; p++) any = any || l->dropped[g * P + p];
    fit->group[g].standing = !any || (back && l->group[g].count > 0);
  }
}

/* Fits what is left, or back. Collective. */
static neurlp_status fit_again(neurlp_learning *l) {
  const neurlp_status begun = neurlp_fit_begin(l->fit, NEURLP_MOST_FAILED, l->verdict);
  const neurlp_status status = neurlp_fit_agree(l->fit, begun, 0, NULL);
  return status < 0 ? status : neurlp_direct_begin_fit(l);
}

/* A round is over: says what has gone. Terms that were taken back have no count any more. */
static void end_round(neurlp_learning *l) {
  const int64_t G = l->fit->groups, P = l->fit->model->parameters;
  int64_t gone = 0, returned = 0;
  for (int64_t g = 0; g < G; g++) {
    gone += l->group[g].count;
    l->group[g].moved = l->group[g].moved || l->group[g].count > 0;
  }
  for (int64_t i = 0; i < G * P; i++) returned += l->dropped[i];
  returned -= gone;
  choose_standing(l, false);
  neurlp_fit_update_noise(l->fit);
  for (int64_t g = 0; g < G; g++) l->fit->group[g].standing = false;
  if (gone + returned > 0)
    neurlp_direct_say(l->options, "dropped %lld term%s%s", (long long)gone, gone == 1 ? "" : "s",
                      returned > 0 ? "; others were needed" : "");
  neurlp_direct_go_to(l, NEURLP_STAGE_DROPPING, l->place.round + 1);
}

void neurlp_direct_remember(neurlp_learning *l) {
  if (l->state) memcpy(l->state, l->fit->state, (size_t)count_states(l->fit) * sizeof(double));
}

neurlp_status neurlp_direct_prepare_drop(neurlp_learning *l) {
  neurlp_fit *fit = l->fit;
  const int64_t G = fit->groups, P = fit->model->parameters;
  int64_t dropped = 0;
  neurlp_status status = neurlp_fit_linearise(fit);
  if (status < 0) return status;
  memcpy(l->theta, fit->theta, (size_t)(G * P) * sizeof(double));
  memcpy(l->free, fit->free, (size_t)(G * P) * sizeof(bool));
  neurlp_direct_remember(l);
  memset(l->dropped, 0, (size_t)(G * P) * sizeof(bool));
  for (int64_t g = 0; g < G; g++) {
    l->group[g].count = 0;
    if (fit->group[g].status == NEURLP_SUCCESS) drop_from_group(l, g);
    dropped += l->group[g].count;
  }
  status = neurlp_fit_agree(fit, NEURLP_SUCCESS, 1, &dropped);
  if (status < 0) return status;
  if (dropped == 0) return neurlp_direct_grow_on(l);
  choose_standing(l, false);
  return fit_again(l);
}

neurlp_status neurlp_direct_conclude_drop(neurlp_learning *l) {
  int64_t returned = 0;
  for (int64_t g = 0; g < l->fit->groups; g++) {
    if (l->group[g].count == 0 || is_borne(l, g)) continue;
    take_back(l, g);
    returned += l->group[g].count;
    l->group[g].count = 0;
  }
  const neurlp_status status = neurlp_fit_agree(l->fit, NEURLP_SUCCESS, 1, &returned);
  if (status < 0) return status;
  if (returned > 0)
    neurlp_direct_go_to(l, NEURLP_STAGE_RETURN, l->place.round);
  else
    end_round(l);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_direct_prepare_return(neurlp_learning *l) {
  choose_standing(l, true);
  return fit_again(l);
}

neurlp_status neurlp_direct_conclude_return(neurlp_learning *l) {
  end_round(l);
  return NEURLP_SUCCESS;
}
