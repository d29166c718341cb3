#include "train/optimiser_kind.h"

#include <math.h>
#include <string.h>

/* What is the same for every optimiser that does not use it. */
static neurlp_optimiser_options defaults_of(const char *name, double weight_decay) {
  return (neurlp_optimiser_options){.name = name,
                                    .rate = 1e-3,
                                    .weight_decay = weight_decay,
                                    .beta1 = 0.9,
                                    .beta2 = 0.999,
                                    .epsilon = 1e-8};
}

static neurlp_optimiser_options sgd_defaults(void) {
  return defaults_of("sgd", 0.0);
}

static neurlp_optimiser_options adam_defaults(void) {
  return defaults_of("adam", 0.0);
}

static neurlp_optimiser_options adamw_defaults(void) {
  return defaults_of("adamw", 1e-2);
}

static int32_t sgd_moments(const neurlp_optimiser_options *options) {
  return options->momentum != 0.0 ? 1 : 0;
}

static int32_t adam_moments(const neurlp_optimiser_options *options) {
  (void)options;
  return 2;
}

static neurlp_update sgd_prepare(const neurlp_optimiser_options *options, double rate, double decay,
                                 int64_t step) {
  return (neurlp_update){.rate = rate,
                         .decay = decay,
                         .shrink = 1.0,
                         .momentum = options->momentum,
                         .undamped = 1.0 - options->dampening,
                         .first = step == 1,
                         .nesterov = options->nesterov};
}

static neurlp_update adam_prepare(const neurlp_optimiser_options *options, double rate, double decay,
                                  int64_t step) {
  return (neurlp_update){.rate = rate,
                         .decay = decay,
                         .shrink = 1.0,
                         .keep_first = options->beta1,
                         .gain_first = 1.0 - options->beta1,
                         .keep_second = options->beta2,
                         .gain_second = 1.0 - options->beta2,
                         .step = rate / (1.0 - pow(options->beta1, (double)step)),
                         .root = sqrt(1.0 - pow(options->beta2, (double)step)),
                         .epsilon = options->epsilon,
                         .first = step == 1};
}

static neurlp_update adamw_prepare(const neurlp_optimiser_options *options, double rate, double decay,
                                   int64_t step) {
  neurlp_update update = adam_prepare(options, rate, 0.0, step);
  update.shrink = 1.0 - rate * decay;
  return update;
}

static const neurlp_optimiser_kind kinds[] = {
    {.name = "sgd",
     .moments = {"velocity", NULL},
     .defaults = sgd_defaults,
     .moments_count = sgd_moments,
     .prepare = sgd_prepare,
     .update_double = neurlp_update_sgd_double,
     .update_single = neurlp_update_sgd_single,
     .update = NEURLP_UPDATE_SGD},
    {.name = "adam",
     .moments = {"first_moment", "second_moment"},
     .defaults = adam_defaults,
     .moments_count = adam_moments,
     .prepare = adam_prepare,
     .update_double = neurlp_update_adam_double,
     .update_single = neurlp_update_adam_single,
     .update = NEURLP_UPDATE_ADAM},
    {.name = "adamw",
     .moments = {"first_moment", "second_moment"},
     .defaults = adamw_defaults,
     .moments_count = adam_moments,
     .prepare = adamw_prepare,
     .update_double = neurlp_update_adam_double,
     .update_single = neurlp_update_adam_single,
     .update = NEURLP_UPDATE_ADAM},
};

const neurlp_optimiser_kind *neurlp_optimiser_kind_find(const char *name) {
  for (size_t i = 0; name && i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
  return NULL;
}
