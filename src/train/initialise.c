#include "train/initialise.h"

#include "core/random.h"
#include "train/vector.h"

#include <math.h>
#include <string.h>

/* How entries are distributed: middle + spread times a deviate. */
typedef struct distribution {
  bool normal; /* standard normal deviates; otherwise uniform ones in -1 to 1 */
  double middle, spread;
} distribution;

static const struct {
  const char *name;
  neurlp_initialiser defaults;
} names[] = {
    {"kaiming_uniform", {.kind = NEURLP_INITIALISE_KAIMING_UNIFORM, .slope = 2.2360679774997896964}},
    {"kaiming_normal", {.kind = NEURLP_INITIALISE_KAIMING_NORMAL}},
    {"xavier_uniform", {.kind = NEURLP_INITIALISE_XAVIER_UNIFORM, .gain = 1.0}},
    {"xavier_normal", {.kind = NEURLP_INITIALISE_XAVIER_NORMAL, .gain = 1.0}},
    {"bias_uniform", {.kind = NEURLP_INITIALISE_BIAS_UNIFORM}},
    {"uniform", {.kind = NEURLP_INITIALISE_UNIFORM, .b = 1.0}},
    {"normal", {.kind = NEURLP_INITIALISE_NORMAL, .b = 1.0}},
    {"constant", {.kind = NEURLP_INITIALISE_CONSTANT}},
    {"zeros", {.kind = NEURLP_INITIALISE_ZEROS}},
    {"ones", {.kind = NEURLP_INITIALISE_ONES}},
};

neurlp_status neurlp_initialiser_find(neurlp_context *context, const char *name,
                                      neurlp_initialiser *initialiser) {
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i].name, name) == 0) {
      *initialiser = names[i].defaults;
      return NEURLP_SUCCESS;
    }
  return neurlp_fail(
      context, NEURLP_ERROR_ARGUMENT,
      "there is no initialiser '%s'; there are kaiming_uniform, kaiming_normal, xavier_uniform, "
      "xavier_normal, bias_uniform, uniform, normal, constant, zeros and ones",
      name);
}

/* The distribution of the entries; see the comments of neurlp_initialiser_kind. */
static distribution distribution_of(const neurlp_initialiser *n, double fan_in, double fan_out) {
  const double fan = n->fan_out ? fan_out : fan_in, both = fan_in + fan_out;
  const double leak = 1.0 + n->slope * n->slope;
  switch (n->kind) {
  case NEURLP_INITIALISE_KAIMING_UNIFORM:
    return (distribution){false, 0.0, sqrt(6.0 / (leak * fan))};
  case NEURLP_INITIALISE_KAIMING_NORMAL:
    return (distribution){true, 0.0, sqrt(2.0 / (leak * fan))};
  case NEURLP_INITIALISE_XAVIER_UNIFORM:
    return (distribution){false, 0.0, n->gain * sqrt(6.0 / both)};
  case NEURLP_INITIALISE_XAVIER_NORMAL:
    return (distribution){true, 0.0, n->gain * sqrt(2.0 / both)};
  case NEURLP_INITIALISE_BIAS_UNIFORM:
    return (distribution){false, 0.0, 1.0 / sqrt(fan_in)};
  case NEURLP_INITIALISE_UNIFORM:
    return (distribution){false, 0.5 * (n->a + n->b), 0.5 * (n->b - n->a)};
  case NEURLP_INITIALISE_NORMAL:
    return (distribution){true, n->a, n->b};
  case NEURLP_INITIALISE_CONSTANT:
    return (distribution){false, n->a, 0.0};
  case NEURLP_INITIALISE_ONES:
    return (distribution){false, 1.0, 0.0};
  case NEURLP_INITIALISE_ZEROS:
    break;
  }
  return (distribution){false, 0.0, 0.0};
}

static neurlp_status check(neurlp_context *context, const neurlp_initialiser *n, int64_t fan_in,
                           int64_t fan_out) {
  const bool kaiming =
      n->kind == NEURLP_INITIALISE_KAIMING_UNIFORM || n->kind == NEURLP_INITIALISE_KAIMING_NORMAL;
  const bool xavier =
      n->kind == NEURLP_INITIALISE_XAVIER_UNIFORM || n->kind == NEURLP_INITIALISE_XAVIER_NORMAL;
  const bool needs_in = xavier || (kaiming && !n->fan_out) || n->kind == NEURLP_INITIALISE_BIAS_UNIFORM;
  const bool needs_out = xavier || (kaiming && n->fan_out);
  if ((needs_in && fan_in < 1) || (needs_out && fan_out < 1))
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "an initialiser got fan_in %lld and fan_out %lld; what it looks at has to be at least 1",
        (long long)fan_in, (long long)fan_out);
  if (n->kind == NEURLP_INITIALISE_UNIFORM && !(n->a <= n->b))
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "uniform from %g to %g: the first is greater", n->a,
                       n->b);
  if (n->kind == NEURLP_INITIALISE_NORMAL && !(n->b >= 0.0))
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "normal with standard deviation %g; it has to be at least 0", n->b);
  return NEURLP_SUCCESS;
}

static double draw(const distribution *d, uint64_t seed, int64_t tensor, int64_t entry) {
  if (d->spread == 0.0) return d->middle;
  if (d->normal)
    return d->middle + d->spread * neurlp_random_normal(seed, NEURLP_RANDOM_WEIGHT, tensor, entry);
  return d->middle +
         d->spread * (2.0 * neurlp_random_uniform(seed, NEURLP_RANDOM_WEIGHT, tensor, entry) - 1.0);
}

neurlp_status neurlp_initialise(neurlp_context *context, const neurlp_initialiser *initialiser, uint64_t seed,
                                int64_t tensor, int64_t fan_in, int64_t fan_out, neurlp_precision precision,
                                int64_t count, void *entries) {
  const int32_t threads = neurlp_context_threads(context);
  const neurlp_vector *vector = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_vector_check(context, precision, count, &vector));
  NEURLP_TRY(check(context, initialiser, fan_in, fan_out));
  const distribution d = distribution_of(initialiser, (double)fan_in, (double)fan_out);
  const bool single = precision == NEURLP_SINGLE;
  double *doubles = entries;
  float *floats = entries;
#pragma omp parallel for num_threads(threads) schedule(static) if (count >= 4096)
  for (int64_t i = 0; i < count; i++) {
    const double value = draw(&d, seed, tensor, i);
    if (single)
      floats[i] = (float)value;
    else
      doubles[i] = value;
  }
done:
  return status;
}
