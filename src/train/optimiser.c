#include "train/optimiser.h"

#include "train/optimiser_kind.h"
#include "train/vector.h"

#include <math.h>
#include <string.h>

struct neurlp_optimiser {
  neurlp_context *context;
  const neurlp_optimiser_kind *kind;
  const neurlp_vector *vector;
  neurlp_optimiser_options options;
  neurlp_precision precision;
  int64_t count;
  int32_t groups, moments_count;
  int64_t *first;                    /* [groups + 1] */
  double *rate_factor;               /* [groups] */
  double *weight_decay;              /* [groups] NEURLP_GROUP_DECAY_DEFAULT is replaced */
  uint8_t *frozen;                   /* [groups] */
  int64_t *steps;                    /* [groups] */
  void *moments[2];                  /* [count] each, or NULL */
  uint8_t *mask;                     /* [count] */
  const neurlp_accelerator *machine; /* NULL: the host */
  void *machine_moments[2], *machine_mask;
  neurlp_update_call *calls; /* [groups] of a step there */
};

/* ---- checks ------------------------------------------------------------------------------------------ */

static neurlp_status check_range(neurlp_context *context, const char *what, double value, double least,
                                 double most, bool with_most) {
  const bool good = value >= least && (with_most ? value <= most : value < most);
  if (good) return NEURLP_SUCCESS;
  return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%s is %g; it has to be at least %g and %s %g", what,
                     value, least, with_most ? "at most" : "below", most);
}

static neurlp_status check_options(neurlp_context *context, const neurlp_optimiser_options *o) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_range(context, "the learning rate", o->rate, 0.0, INFINITY, false));
  NEURLP_TRY(check_range(context, "the weight decay", o->weight_decay, 0.0, INFINITY, false));
  NEURLP_TRY(check_range(context, "momentum", o->momentum, 0.0, 1.0, false));
  NEURLP_TRY(check_range(context, "dampening", o->dampening, 0.0, 1.0, true));
  NEURLP_TRY(check_range(context, "beta1", o->beta1, 0.0, 1.0, false));
  NEURLP_TRY(check_range(context, "beta2", o->beta2, 0.0, 1.0, false));
  NEURLP_TRY(check_range(context, "epsilon", o->epsilon, 0.0, INFINITY, false));
  if (o->nesterov && (o->momentum == 0.0 || o->dampening != 0.0))
    status = neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                         "Nesterov's momentum wants momentum above 0 and no dampening; got %g and %g",
                         o->momentum, o->dampening);
done:
  return status;
}

static neurlp_status check_group(neurlp_context *context, int32_t index,
                                 const neurlp_optimiser_group *group) {
  if (!(group->rate_factor >= 0.0 && group->rate_factor < INFINITY))
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "the learning-rate factor of group %d is %g; it has to be finite and at least 0",
                       index, group->rate_factor);
  if (group->weight_decay != NEURLP_GROUP_DECAY_DEFAULT &&
      !(group->weight_decay >= 0.0 && group->weight_decay < INFINITY))
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "the weight decay of group %d is %g; it has to be finite and at least 0, or %g for that "
        "of the optimiser",
        index, group->weight_decay, NEURLP_GROUP_DECAY_DEFAULT);
  return NEURLP_SUCCESS;
}

/* Groups are ranges without gaps and overlaps, and all of the vector. */
static neurlp_status check_groups(neurlp_context *context, int64_t count, int32_t groups_count,
                                  const neurlp_optimiser_group *groups) {
  int64_t next = 0;
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t g = 0; g < groups_count; g++) {
    if (groups[g].first != next || groups[g].count < 0 || groups[g].count > count - next)
      return neurlp_fail(
          context, NEURLP_ERROR_ARGUMENT,
          "group %d is %lld parameters from number %lld on; it has to begin at number %lld, where "
          "the group before it ends, and there are %lld parameters",
          g, (long long)groups[g].count, (long long)groups[g].first, (long long)next, (long long)count);
    next += groups[g].count;
    NEURLP_TRY(check_group(context, g, &groups[g]));
  }
  if (next != count)
    status =
        neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                    "the groups end at number %lld, and there are %lld parameters; every parameter belongs "
                    "to a group",
                    (long long)next, (long long)count);
done:
  return status;
}

/* ---- objects ----------------------------------------------------------------------------------------- */

neurlp_status neurlp_optimiser_defaults(neurlp_context *context, const char *name,
                                        neurlp_optimiser_options *options) {
  const neurlp_optimiser_kind *kind = neurlp_optimiser_kind_find(name);
  if (!kind)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "there is no optimiser '%s'; there are sgd, adam and adamw", name ? name : "");
  *options = kind->defaults();
  return NEURLP_SUCCESS;
}

static void store_group(neurlp_optimiser *o, int32_t index, const neurlp_optimiser_group *group) {
  o->rate_factor[index] = group->rate_factor;
  o->weight_decay[index] =
      group->weight_decay == NEURLP_GROUP_DECAY_DEFAULT ? o->options.weight_decay : group->weight_decay;
  o->frozen[index] = group->frozen;
}

static neurlp_status allocate(neurlp_optimiser *o) {
  neurlp_context *context = o->context;
  const int64_t G = o->groups;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, G + 1, sizeof *o->first, &o->first));
  NEURLP_TRY(neurlp_allocate(context, G, sizeof *o->rate_factor, &o->rate_factor));
  NEURLP_TRY(neurlp_allocate(context, G, sizeof *o->weight_decay, &o->weight_decay));
  NEURLP_TRY(neurlp_allocate(context, G, sizeof *o->frozen, &o->frozen));
  NEURLP_TRY(neurlp_allocate(context, G, sizeof *o->steps, &o->steps));
  NEURLP_TRY(neurlp_allocate(context, o->count, sizeof *o->mask, &o->mask));
  for (int32_t i = 0; i < o->moments_count; i++)
    NEURLP_TRY(neurlp_allocate(context, o->count, o->vector->number_bytes, &o->moments[i]));
  memset(o->mask, 1, (size_t)o->count);
done:
  return status;
}

neurlp_status neurlp_optimiser_create(neurlp_context *context, const neurlp_optimiser_options *options,
                                      neurlp_precision precision, int64_t count, int32_t groups_count,
                                      const neurlp_optimiser_group *groups, neurlp_optimiser **optimiser) {
  const neurlp_optimiser_group all = {
      .count = count, .rate_factor = 1.0, .weight_decay = NEURLP_GROUP_DECAY_DEFAULT};
  neurlp_optimiser *made = NULL;
  neurlp_optimiser_options known;
  const neurlp_vector *vector = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  *optimiser = NULL;
  if (groups_count < 0)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "got %d groups; there are 0 or more", groups_count);
  if (groups_count == 0) groups = &all;
  groups_count = groups_count > 0 ? groups_count : 1;
  NEURLP_TRY(neurlp_vector_check(context, precision, count, &vector));
  NEURLP_TRY(neurlp_optimiser_defaults(context, options->name, &known));
  NEURLP_TRY(check_options(context, options));
  NEURLP_TRY(check_groups(context, count, groups_count, groups));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  made->context = context;
  made->kind = neurlp_optimiser_kind_find(options->name);
  made->vector = vector;
  made->options = *options;
  made->options.name = made->kind->name;
  made->precision = precision;
  made->count = count;
  made->groups = groups_count;
  made->moments_count = made->kind->moments_count(options);
  NEURLP_TRY(allocate(made));
  for (int32_t g = 0; g < groups_count; g++) {
    made->first[g + 1] = groups[g].first + groups[g].count;
    store_group(made, g, &groups[g]);
  }
  *optimiser = made;
  made = NULL;
done:
  neurlp_optimiser_destroy(&made);
  return status;
}

/* What `allocate` takes, and the object. */
size_t neurlp_optimiser_bytes(const neurlp_optimiser_options *options, neurlp_precision precision,
                              int64_t count, int32_t groups_count) {
  const neurlp_optimiser_kind *kind = neurlp_optimiser_kind_find(options->name);
  const neurlp_vector *vector = neurlp_vector_of(precision);
  if (!kind || !vector || count < 0 || groups_count < 0) return 0;
  const size_t G = groups_count > 0 ? (size_t)groups_count : 1, n = (size_t)count;
  const size_t group = 2 * sizeof(int64_t) + 2 * sizeof(double) + sizeof(uint8_t);
  const size_t parameter = sizeof(uint8_t) + (size_t)kind->moments_count(options) * vector->number_bytes;
  return sizeof(neurlp_optimiser) + sizeof(int64_t) + G * group + n * parameter;
}

/* Lets go what it has on a machine. */
static void leave(neurlp_optimiser *o) {
  neurlp_release(o->context, &o->calls);
  if (!o->machine) return;
  for (int32_t i = 0; i < 2; i++)
    if (o->machine_moments[i]) o->machine->release(o->machine->object, &o->machine_moments[i]);
  if (o->machine_mask) o->machine->release(o->machine->object, &o->machine_mask);
  o->machine = NULL;
}

void neurlp_optimiser_destroy(neurlp_optimiser **optimiser) {
  if (!optimiser || !*optimiser) return;
  neurlp_optimiser *old = *optimiser;
  neurlp_context *context = old->context;
  leave(old);
  neurlp_release(context, &old->first);
  neurlp_release(context, &old->rate_factor);
  neurlp_release(context, &old->weight_decay);
  neurlp_release(context, &old->frozen);
  neurlp_release(context, &old->steps);
  neurlp_release(context, &old->mask);
  for (int32_t i = 0; i < 2; i++) neurlp_release(context, &old->moments[i]);
  neurlp_release(context, optimiser);
}

/* ---- steps ------------------------------------------------------------------------------------------- */

/* The array from number `first` on; NULL of NULL. */
static void *from(const neurlp_optimiser *o, void *array, int64_t first) {
  return array ? (unsigned char *)array + (size_t)first * o->vector->number_bytes : NULL;
}

/* The next step of a group, whose steps are counted. */
static neurlp_update_call next_call(neurlp_optimiser *o, int32_t g, double rate, void *parameters,
                                    const void *gradient) {
  const int64_t first = o->first[g];
  void **moments = o->machine ? o->machine_moments : o->moments;
  o->steps[g]++;
  return (neurlp_update_call){
      .update = o->kind->prepare(&o->options, rate * o->rate_factor[g], o->weight_decay[g], o->steps[g]),
      .threads = neurlp_context_threads(o->context),
      .count = o->first[g + 1] - first,
      .parameters = from(o, parameters, first),
      .gradient = (const unsigned char *)gradient + (size_t)first * o->vector->number_bytes,
      .first = from(o, moments[0], first),
      .second = from(o, moments[1], first),
      .mask = (o->machine ? (const uint8_t *)o->machine_mask : o->mask) + first};
}

neurlp_status neurlp_optimiser_step(neurlp_optimiser *o, double rate, void *parameters,
                                    const void *gradient) {
  neurlp_update_function *update =
      o->precision == NEURLP_SINGLE ? o->kind->update_single : o->kind->update_double;
  int32_t count = 0;
  for (int32_t g = 0; g < o->groups; g++) {
    if (o->frozen[g]) continue;
    const neurlp_update_call call = next_call(o, g, rate, parameters, gradient);
    if (o->machine)
      o->calls[count++] = call;
    else
      update(&call);
  }
  if (count == 0) return NEURLP_SUCCESS;
  return o->machine->update(o->machine->object, o->kind->update, o->precision, count, o->calls);
}

void neurlp_optimiser_next(const neurlp_optimiser *o, double rate, neurlp_descent_group *groups) {
  for (int32_t g = 0; g < o->groups; g++)
    groups[g] = (neurlp_descent_group){.update = o->kind->prepare(&o->options, rate * o->rate_factor[g],
                                                                  o->weight_decay[g], o->steps[g] + 1),
                                       .end = o->first[g + 1],
                                       .frozen = o->frozen[g] != 0};
}

void neurlp_optimiser_count(neurlp_optimiser *o) {
  for (int32_t g = 0; g < o->groups; g++) o->steps[g] += !o->frozen[g];
}

neurlp_update_kind neurlp_optimiser_arrays(const neurlp_optimiser *o, neurlp_descent_call *call) {
  call->groups = o->groups;
  call->count = o->count;
  call->first = o->machine_moments[0];
  call->second = o->machine_moments[1];
  call->mask = o->machine_mask;
  return o->kind->update;
}

/* a_i = 0 where the mask is. */
static neurlp_status mask_out(const neurlp_optimiser *o, void *a) {
  if (o->machine) return o->machine->mask(o->machine->object, o->precision, o->count, o->machine_mask, a);
  o->vector->mask(neurlp_context_threads(o->context), o->count, o->mask, a);
  return NEURLP_SUCCESS;
}

static neurlp_status clear(const neurlp_optimiser *o, void *memory, int64_t count) {
  const size_t bytes = (size_t)count * o->vector->number_bytes;
  if (o->machine) return o->machine->clear(o->machine->object, memory, bytes);
  memset(memory, 0, bytes);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_optimiser_clear_fixed(const neurlp_optimiser *o, void *gradient) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(mask_out(o, gradient));
  for (int32_t g = 0; g < o->groups; g++)
    if (o->frozen[g]) NEURLP_TRY(clear(o, from(o, gradient, o->first[g]), o->first[g + 1] - o->first[g]));
done:
  return status;
}

/* ---- another machine --------------------------------------------------------------------------------- */

neurlp_status neurlp_optimiser_move(neurlp_optimiser *o, const neurlp_accelerator *accelerator) {
  const size_t bytes = (size_t)o->count * o->vector->number_bytes;
  neurlp_status status = NEURLP_SUCCESS;
  o->machine = accelerator;
  NEURLP_TRY(neurlp_allocate(o->context, o->groups, sizeof *o->calls, &o->calls));
  for (int32_t i = 0; i < o->moments_count; i++)
    NEURLP_TRY(accelerator->allocate(accelerator->object, bytes, &o->machine_moments[i]));
  NEURLP_TRY(accelerator->allocate(accelerator->object, (size_t)o->count, &o->machine_mask));
  NEURLP_TRY(neurlp_optimiser_send_state(o));
done:
  if (status < 0) leave(o);
  return status;
}

neurlp_status neurlp_optimiser_send_state(neurlp_optimiser *o) {
  const size_t bytes = (size_t)o->count * o->vector->number_bytes;
  const neurlp_accelerator *m = o->machine;
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; m && i < o->moments_count; i++)
    NEURLP_TRY(m->upload(m->object, o->machine_moments[i], o->moments[i], bytes));
  if (m) status = m->upload(m->object, o->machine_mask, o->mask, (size_t)o->count);
done:
  return status;
}

neurlp_status neurlp_optimiser_fetch_state(neurlp_optimiser *o) {
  const size_t bytes = (size_t)o->count * o->vector->number_bytes;
  const neurlp_accelerator *m = o->machine;
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; m && i < o->moments_count; i++)
    NEURLP_TRY(m->download(m->object, o->moments[i], o->machine_moments[i], bytes));
done:
  return status;
}

/* ---- groups, mask, state ----------------------------------------------------------------------------- */

neurlp_status neurlp_optimiser_set_group(neurlp_optimiser *o, int32_t index,
                                         const neurlp_optimiser_group *group) {
  neurlp_status status = NEURLP_SUCCESS;
  if (index < 0 || index >= o->groups)
    return neurlp_fail(o->context, NEURLP_ERROR_ARGUMENT, "there is no group %d; there are %d", index,
                       o->groups);
  const int64_t first = o->first[index], count = o->first[index + 1] - first;
  if (group->first != first || group->count != count)
    return neurlp_fail(
        o->context, NEURLP_ERROR_ARGUMENT,
        "group %d is %lld parameters from number %lld on, and cannot become %lld from %lld on; "
        "make another optimiser",
        index, (long long)count, (long long)first, (long long)group->count, (long long)group->first);
  NEURLP_TRY(check_group(o->context, index, group));
  store_group(o, index, group);
done:
  return status;
}

neurlp_status neurlp_optimiser_set_mask(neurlp_optimiser *o, const uint8_t *mask, void *parameters) {
  const neurlp_accelerator *m = o->machine;
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < o->count; i++) o->mask[i] = !mask || mask[i];
  if (m) NEURLP_TRY(m->upload(m->object, o->machine_mask, o->mask, (size_t)o->count));
  NEURLP_TRY(mask_out(o, parameters));
  for (int32_t i = 0; i < o->moments_count; i++)
    NEURLP_TRY(mask_out(o, m ? o->machine_moments[i] : o->moments[i]));
done:
  return status;
}

neurlp_status neurlp_optimiser_reset(neurlp_optimiser *o) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < o->moments_count; i++)
    NEURLP_TRY(clear(o, o->machine ? o->machine_moments[i] : o->moments[i], o->count));
  memset(o->steps, 0, (size_t)o->groups * sizeof *o->steps);
done:
  return status;
}

int32_t neurlp_optimiser_state(neurlp_optimiser *o, neurlp_state_array arrays[NEURLP_STATE_MOST]) {
  int32_t n = 0;
  arrays[n++] = (neurlp_state_array){
      .name = "steps", .kind = NEURLP_STATE_INT64, .count = o->groups, .numbers = o->steps};
  arrays[n++] = (neurlp_state_array){
      .name = "rate_factor", .kind = NEURLP_STATE_DOUBLE, .count = o->groups, .numbers = o->rate_factor};
  arrays[n++] = (neurlp_state_array){
      .name = "weight_decay", .kind = NEURLP_STATE_DOUBLE, .count = o->groups, .numbers = o->weight_decay};
  arrays[n++] = (neurlp_state_array){
      .name = "frozen", .kind = NEURLP_STATE_BYTE, .count = o->groups, .numbers = o->frozen};
  arrays[n++] =
      (neurlp_state_array){.name = "mask", .kind = NEURLP_STATE_BYTE, .count = o->count, .numbers = o->mask};
  for (int32_t i = 0; i < o->moments_count; i++)
    arrays[n++] = (neurlp_state_array){.name = o->kind->moments[i],
                                       .kind = neurlp_state_real(o->precision),
                                       .count = o->count,
                                       .numbers = o->moments[i]};
  return n;
}
