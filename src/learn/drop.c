/* Dropping terms (docs/math.md, section 8): the least significant go first, a few at a time; the others move
 * to where the linearisation has their best values without them, and are fitted again. A drop that the data
 * do not bear is taken back. */
#include "learn/direct_parts.h"
#include "learn/fit_work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A term's case for staying. */
typedef struct candidate {
  double score; /* z-score and share in units of their thresholds, the smaller: below 1 it goes */
  double share;
  int32_t parameter;
} candidate;

/* Where one group stands. */
typedef struct drop_progress {
  int32_t most;     /* terms that may go at once */
  int32_t count;    /* terms that went in this round */
  bool by_share;    /* all of them because their share is too small */
  double objective; /* before */
} drop_progress;

typedef struct dropping {
  neurlp_fit *fit;
  const neurlp_direct_options *options;
  drop_progress *group;   /* [groups] */
  bool *kept;             /* [groups][P] dropped once, taken back */
  double *theta;          /* [groups][P] before the round */
  bool *free;             /* [groups][P] */
  double *state;          /* [points][D][d+1] */
  double *covariance;     /* [P][P] */
  candidate *list;        /* [P] */
  int32_t *dropped;       /* [groups][P] */
  neurlp_status *verdict; /* [groups] */
} dropping;

static neurlp_status create(neurlp_fit *fit, const neurlp_direct_options *options, dropping *d) {
  neurlp_context *context = fit->context;
  const int64_t G = fit->groups, P = fit->model->parameters;
  const int64_t states = fit->data->point_count * fit->data->dimensions * (fit->data->order + 1);
  neurlp_status status = NEURLP_SUCCESS;
  *d = (dropping){.fit = fit, .options = options};
  NEURLP_TRY(neurlp_allocate(context, G, sizeof *d->group, &d->group));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(bool), &d->kept));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(double), &d->theta));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(bool), &d->free));
  NEURLP_TRY(neurlp_allocate(context, states, sizeof(double), &d->state));
  NEURLP_TRY(neurlp_allocate(context, P * P, sizeof(double), &d->covariance));
  NEURLP_TRY(neurlp_allocate(context, P, sizeof *d->list, &d->list));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(int32_t), &d->dropped));
  NEURLP_TRY(neurlp_allocate(context, G, sizeof *d->verdict, &d->verdict));
  for (int64_t g = 0; g < G; g++) d->group[g].most = (int32_t)P;
done:
  return status;
}

static void release(neurlp_context *context, dropping *d) {
  neurlp_release(context, &d->group);
  neurlp_release(context, &d->kept);
  neurlp_release(context, &d->theta);
  neurlp_release(context, &d->free);
  neurlp_release(context, &d->state);
  neurlp_release(context, &d->covariance);
  neurlp_release(context, &d->list);
  neurlp_release(context, &d->dropped);
  neurlp_release(context, &d->verdict);
}

static int compare_candidates(const void *a, const void *b) {
  const candidate *x = a, *y = b;
  if (x->score != y->score) return x->score < y->score ? -1 : 1;
  return x->parameter - y->parameter;
}

/* Insignificant terms of a group, the least significant first. A term is insignificant by its z-score, or by
 * its share in the equation: on clean data even errors of discretisation are significant. */
static int32_t list_candidates(dropping *d, int64_t g) {
  const neurlp_fit *fit = d->fit;
  const neurlp_model *model = fit->model;
  const int64_t P = model->parameters, D = model->dimensions;
  const double *power = fit->power + g * (P + D), *theta = fit->theta + g * P;
  int32_t count = 0;
  neurlp_fit_covariance(d->fit, g, d->covariance);
  for (int32_t p = model->named; p < P; p++) {
    if (!fit->free[g * P + p] || d->kept[g * P + p]) continue;
    const int64_t k = (p - model->named) / model->terms;
    const double error = sqrt(d->covariance[p * P + p]);
    const double z = isfinite(error) && error > 0 ? fabs(theta[p]) / error : 0;
    const double share = power[P + k] > 0 ? fabs(theta[p]) * sqrt(power[p] / power[P + k]) : 0;
    const double score = fmin(z / d->options->threshold, share / d->options->contribution);
    if (score < 1) d->list[count++] = (candidate){score, share, p};
  }
  qsort(d->list, (size_t)count, sizeof *d->list, compare_candidates);
  return count;
}

/* Drops a third of the group's insignificant terms, at least one. */
static void drop_from_group(dropping *d, int64_t g) {
  neurlp_fit *fit = d->fit;
  drop_progress *group = &d->group[g];
  int32_t *dropped = d->dropped + g * fit->model->parameters;
  const int32_t count = list_candidates(d, g);
  group->count = (count + 2) / 3 < group->most ? (count + 2) / 3 : group->most;
  group->objective = fit->group[g].objective;
  group->by_share = true;
  for (int32_t i = 0; i < group->count; i++) {
    dropped[i] = d->list[i].parameter;
    group->by_share = group->by_share && d->list[i].share < d->options->contribution;
  }
  if (group->count > 0) neurlp_fit_hold_at_zero(fit, g, group->count, dropped);
}

/* Whether the data bear what was dropped: the fit goes on, and the sum of squares has grown by no more than
 * terms below the threshold can explain. Terms that were dropped for their small share may cost more: then
 * the data are so clean that the residual is not noise. */
static bool is_borne(const dropping *d, int64_t g) {
  const neurlp_fit *fit = d->fit;
  const drop_progress *group = &d->group[g];
  const double growth = fit->group[g].objective - group->objective;
  const double z = 2 * d->options->threshold; /* correlated terms weigh more together than one by one */
  if (d->verdict[g] != NEURLP_SUCCESS || !isfinite(growth)) return false;
  return group->by_share || growth <= group->count * z * z * neurlp_fit_residual_variance(fit, g);
}

/* Takes a group's drop back, and will try fewer terms; a single one is not tried again. */
static void take_back(dropping *d, int64_t g) {
  neurlp_fit *fit = d->fit;
  const int64_t P = fit->model->parameters;
  drop_progress *group = &d->group[g];
  memcpy(fit->theta + g * P, d->theta + g * P, (size_t)P * sizeof(double));
  memcpy(fit->free + g * P, d->free + g * P, (size_t)P * sizeof(bool));
  neurlp_direct_restore_group(fit, g, d->state);
  if (group->count == 1) d->kept[g * P + d->dropped[g * P]] = true;
  group->most = group->count > 1 ? group->count / 2 : 1;
}

/* Fits again what the drops have left. Collective. */
static neurlp_status refit(dropping *d) {
  neurlp_fit *fit = d->fit;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_fit_cut(fit));
  NEURLP_TRY(neurlp_fit_track(fit));
  NEURLP_TRY(neurlp_fit_begin(fit, NEURLP_MOST_FAILED, d->verdict));
  NEURLP_TRY(neurlp_fit_run(fit, NEURLP_ON_THE_WAY));
done:
  return status;
}

/* One round for all groups. *left tells whether another is needed. Collective. */
static neurlp_status drop_round(dropping *d, bool *left) {
  neurlp_fit *fit = d->fit;
  const int64_t G = fit->groups, P = fit->model->parameters;
  neurlp_status status = NEURLP_SUCCESS;
  int64_t dropped = 0, refused = 0;
  NEURLP_TRY(neurlp_fit_linearise(fit));
  memcpy(d->theta, fit->theta, (size_t)(G * P) * sizeof(double));
  memcpy(d->free, fit->free, (size_t)(G * P) * sizeof(bool));
  memcpy(d->state, fit->state,
         (size_t)(fit->data->point_count * fit->data->dimensions * (fit->data->order + 1)) * sizeof(double));
  for (int64_t g = 0; g < G; g++) {
    d->group[g].count = 0;
    if (fit->group[g].status == NEURLP_SUCCESS) drop_from_group(d, g);
    dropped += d->group[g].count;
  }
  *left = dropped > 0;
  if (dropped == 0) goto done;
  NEURLP_TRY(refit(d));
  for (int64_t g = 0; g < G; g++) {
    if (d->group[g].count == 0 || is_borne(d, g)) continue;
    take_back(d, g);
    refused += d->group[g].count;
  }
  if (refused > 0) NEURLP_TRY(refit(d));
  neurlp_fit_update_noise(fit);
  neurlp_direct_say(d->options, "dropped %lld term%s%s", (long long)(dropped - refused),
                    dropped - refused == 1 ? "" : "s", refused > 0 ? "; others were needed" : "");
done:
  return status;
}

neurlp_status neurlp_direct_drop(neurlp_fit *fit, const neurlp_direct_options *options) {
  neurlp_status status = NEURLP_SUCCESS;
  dropping d = {0};
  NEURLP_TRY(create(fit, options, &d));
  for (bool left = true; left;) NEURLP_TRY(drop_round(&d, &left));
done:
  release(fit->context, &d);
  return status;
}
