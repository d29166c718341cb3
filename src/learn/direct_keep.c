/* What is kept of learning between two iterations. Numbers of groups are packed into one array of each kind;
 * an array belongs to the rank's part where every system is a group of its own. */
#include "core/state.h"
#include "learn/direct_parts.h"
#include "learn/fit_work.h"

#include <stdio.h>
#include <string.h>

/* Numbers of a group beside those that belong to parameters and states. */
enum { GROUP_INTEGERS = 14, GROUP_NUMBERS = 4 };

/* Bits of a group, and of a parameter. */
enum { IS_ACTIVE = 1, IS_STANDING = 2 };
enum { IS_FREE = 1, WAS_FREE = 2, IS_NEEDED = 4, IS_DROPPED = 8 };

typedef struct neurlp_direct_kept {
  int64_t *groups;   /* [groups][GROUP_INTEGERS] */
  double *numbers;   /* [groups][GROUP_NUMBERS + 2 P + 4 D] */
  uint8_t *bits;     /* [groups][P] */
  double *initial;   /* [samples][D kappa] */
  uint8_t *excluded; /* [samples] */
} kept;

static int64_t numbers_of_group(const neurlp_fit *fit) {
  return GROUP_NUMBERS + 2 * (int64_t)fit->model->parameters + 4 * (int64_t)fit->model->dimensions;
}

neurlp_status neurlp_direct_create_kept(neurlp_learning *l) {
  const neurlp_fit *fit = l->fit;
  neurlp_context *context = fit->context;
  const int64_t G = fit->groups, samples = fit->data->sample_count;
  neurlp_status status = NEURLP_SUCCESS;
  if (!l->options->keeper.keep) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *l->kept, &l->kept));
  NEURLP_TRY(neurlp_allocate(context, G * GROUP_INTEGERS, sizeof(int64_t), &l->kept->groups));
  NEURLP_TRY(neurlp_allocate(context, G * numbers_of_group(fit), sizeof(double), &l->kept->numbers));
  NEURLP_TRY(neurlp_allocate(context, G * fit->model->parameters, 1, &l->kept->bits));
  NEURLP_TRY(neurlp_allocate(context, samples * neurlp_fit_initials(fit), sizeof(double), &l->kept->initial));
  NEURLP_TRY(neurlp_allocate(context, samples, 1, &l->kept->excluded));
done:
  return status;
}

void neurlp_direct_release_kept(neurlp_learning *l) {
  neurlp_context *context = l->fit->context;
  if (!l->kept) return;
  neurlp_release(context, &l->kept->groups);
  neurlp_release(context, &l->kept->numbers);
  neurlp_release(context, &l->kept->bits);
  neurlp_release(context, &l->kept->initial);
  neurlp_release(context, &l->kept->excluded);
  neurlp_release(context, &l->kept);
}

/* The arrays; returns their number. All counts follow from the arguments of the fit. */
static int32_t list_arrays(neurlp_learning *l, neurlp_state_array *arrays) {
  const neurlp_fit *fit = l->fit;
  const bool own = fit->options.per_system;
  const int64_t G = fit->groups, samples = fit->data->sample_count;
  const int64_t states = fit->data->point_count * fit->data->dimensions * (fit->data->order + 1);
  int32_t count = 0;
  arrays[count++] = (neurlp_state_array){"place", NEURLP_STATE_INT64,
                                         (int64_t)(sizeof l->place / sizeof(int64_t)), &l->place, false};
  arrays[count++] =
      (neurlp_state_array){"groups", NEURLP_STATE_INT64, G * GROUP_INTEGERS, l->kept->groups, own};
  arrays[count++] =
      (neurlp_state_array){"numbers", NEURLP_STATE_DOUBLE, G * numbers_of_group(fit), l->kept->numbers, own};
  arrays[count++] =
      (neurlp_state_array){"parameters", NEURLP_STATE_BYTE, G * fit->model->parameters, l->kept->bits, own};
  arrays[count++] = (neurlp_state_array){"trajectories", NEURLP_STATE_DOUBLE, states, fit->state, true};
  arrays[count++] = (neurlp_state_array){"initial_values", NEURLP_STATE_DOUBLE,
                                         samples * neurlp_fit_initials(fit), l->kept->initial, true};
  arrays[count++] = (neurlp_state_array){"excluded", NEURLP_STATE_BYTE, samples, l->kept->excluded, true};
  if (l->state)
    arrays[count++] =
        (neurlp_state_array){"trajectories_before", NEURLP_STATE_DOUBLE, states, l->state, true};
  return count;
}

/* ---- groups ------------------------------------------------------------------------------------------ */

static void pack_integers(const neurlp_learning *l, int64_t g) {
  const neurlp_group *group = &l->fit->group[g];
  const neurlp_direct_group *known = &l->group[g];
  const int64_t doing = (group->active ? IS_ACTIVE : 0) | (group->standing ? IS_STANDING : 0);
  const int64_t integers[GROUP_INTEGERS] = {group->status,   doing,         group->converged, group->window,
                                            group->windows,  group->failed, group->values,    known->previous,
                                            known->settled,  l->verdict[g], known->most,      known->count,
                                            known->by_share, known->moved};
  memcpy(l->kept->groups + g * GROUP_INTEGERS, integers, sizeof integers);
}

static void unpack_integers(neurlp_learning *l, int64_t g) {
  const int64_t *from = l->kept->groups + g * GROUP_INTEGERS;
  neurlp_group *group = &l->fit->group[g];
  neurlp_direct_group *known = &l->group[g];
  group->status = (neurlp_status)from[0];
  group->active = (from[1] & IS_ACTIVE) != 0;
  group->standing = (from[1] & IS_STANDING) != 0;
  group->converged = from[2] != 0;
  group->window = from[3];
  group->windows = from[4];
  group->failed = from[5];
  group->values = from[6];
  known->previous = from[7];
  known->settled = from[8] != 0;
  l->verdict[g] = (neurlp_status)from[9];
  known->most = (int32_t)from[10];
  known->count = (int32_t)from[11];
  known->by_share = from[12] != 0;
  known->moved = from[13] != 0;
}

/* Copies `count` numbers to, or else from, a packed array, and goes past them. */
static void pass(bool packing, double **packed, double *numbers, int64_t count) {
  if (packing)
    memcpy(*packed, numbers, (size_t)count * sizeof *numbers);
  else
    memcpy(numbers, *packed, (size_t)count * sizeof *numbers);
  *packed += count;
}

static void pass_numbers(neurlp_learning *l, bool packing, int64_t g) {
  neurlp_fit *fit = l->fit;
  const int64_t P = fit->model->parameters, D = fit->model->dimensions;
  double *packed = l->kept->numbers + g * numbers_of_group(fit);
  pass(packing, &packed, &fit->group[g].damping, 1);
  pass(packing, &packed, &fit->group[g].objective, 1);
  pass(packing, &packed, &l->group[g].best, 1);
  pass(packing, &packed, &l->group[g].objective, 1);
  pass(packing, &packed, fit->theta + g * P, P);
  pass(packing, &packed, l->theta + g * P, P);
  pass(packing, &packed, fit->sigma + g * D, D);
  pass(packing, &packed, l->sigma + g * D, D);
  pass(packing, &packed, fit->squares + g * D, D);
  pass(packing, &packed, fit->counts + g * D, D);
}

static void pack(neurlp_learning *l) {
  const neurlp_fit *fit = l->fit;
  for (int64_t g = 0; g < fit->groups; g++) {
    pack_integers(l, g);
    pass_numbers(l, true, g);
  }
  for (int64_t i = 0; i < fit->groups * fit->model->parameters; i++)
    l->kept->bits[i] = (uint8_t)((fit->free[i] ? IS_FREE : 0) | (l->free[i] ? WAS_FREE : 0) |
                                 (l->needed[i] ? IS_NEEDED : 0) | (l->dropped[i] ? IS_DROPPED : 0));
}

static void unpack(neurlp_learning *l) {
  neurlp_fit *fit = l->fit;
  for (int64_t g = 0; g < fit->groups; g++) {
    unpack_integers(l, g);
    pass_numbers(l, false, g);
  }
  for (int64_t i = 0; i < fit->groups * fit->model->parameters; i++) {
    const uint8_t bits = l->kept->bits[i];
    fit->free[i] = (bits & IS_FREE) != 0;
    l->free[i] = (bits & WAS_FREE) != 0;
    l->needed[i] = (bits & IS_NEEDED) != 0;
    l->dropped[i] = (bits & IS_DROPPED) != 0;
  }
}

/* ---- keeping, going on ------------------------------------------------------------------------------- */

/* "growth, windows of 40 samples, 7 iterations" */
static void tell_place(const neurlp_learning *l) {
  static const char *const stages[NEURLP_STAGE_DONE] = {"starting points", "growth", "dropping",
                                                        "terms that are needed", "final fit"};
  const neurlp_direct_place *place = &l->place;
  const bool last = place->stage == NEURLP_STAGE_FINAL && place->round > 0 &&
                    (!place->going || place->iteration >= l->fit->options.iterations);
  char words[160];
  if (!l->options->arrive) return;
  snprintf(words, sizeof words, "%s, round %lld, %lld iteration%s", stages[place->stage],
           (long long)place->round + 1, (long long)place->iteration, place->iteration == 1 ? "" : "s");
  l->options->arrive(l->options->arrive_user, words, last);
}

neurlp_status neurlp_direct_keep(neurlp_learning *l) {
  const neurlp_keeper *keeper = &l->options->keeper;
  neurlp_state_array arrays[NEURLP_STATE_MOST];
  bool due = true;
  if (!keeper->keep) return NEURLP_SUCCESS;
  tell_place(l);
  neurlp_status status = keeper->due ? keeper->due(keeper->user, NEURLP_SUCCESS, &due) : NEURLP_SUCCESS;
  if (status < 0 || !due) return status;
  status = neurlp_fit_agree(l->fit, neurlp_fit_keep(l->fit, l->kept->initial, l->kept->excluded), 0, NULL);
  if (status < 0) return status;
  pack(l);
  return keeper->keep(keeper->user, list_arrays(l, arrays), arrays);
}

neurlp_status neurlp_direct_resume(neurlp_learning *l, bool *found) {
  const neurlp_keeper *keeper = &l->options->keeper;
  neurlp_fit *fit = l->fit;
  neurlp_state_array arrays[NEURLP_STATE_MOST];
  *found = false;
  if (!keeper->keep || !keeper->restore) return NEURLP_SUCCESS;
  neurlp_status status = keeper->restore(keeper->user, list_arrays(l, arrays), arrays, found);
  if (status < 0 || !*found) return status;
  unpack(l);
  if (l->place.stage < 0 || l->place.stage >= NEURLP_STAGE_DONE || !l->place.fitting)
    status = neurlp_fail(fit->context, NEURLP_ERROR_DATA,
                         "what was kept is of stage %lld of learning, which does not exist",
                         (long long)l->place.stage);
  else
    status = neurlp_fit_resume(fit, l->kept->initial, l->kept->excluded);
  return neurlp_fit_agree(fit, status, 0, NULL);
}
