#include "train/network_options.h"

#include <string.h>

static neurlp_status read_schedule(const neurlp_network_study *s, neurlp_schedule *schedule) {
  const neurlp_deck *deck = s->data.job->deck;
  const double rate = neurlp_deck_number(deck, "train.learning_rate");
  neurlp_schedule_kind kind;
  neurlp_status status = neurlp_schedule_find(s->context, neurlp_deck_text(deck, "train.schedule"), &kind);
  if (status < 0) return status;
  *schedule = neurlp_schedule_defaults(kind, rate);
  schedule->warm_up = neurlp_deck_integer(deck, "train.warmup");
  schedule->every = schedule->patience = neurlp_deck_integer(deck, "train.schedule_every");
  schedule->gamma = schedule->factor = neurlp_deck_number(deck, "train.schedule_factor");
  schedule->floor = rate * neurlp_deck_number(deck, "train.schedule_floor");
  const int64_t rest = neurlp_deck_integer(deck, "train.epochs") - schedule->warm_up;
  schedule->length = rest > 0 ? rest : 1;
  if (kind == NEURLP_SCHEDULE_PLATEAU && schedule->factor >= 1)
    return neurlp_deck_fail(s->context, deck, "train.schedule_factor", -1, 0,
                            "a plateau's factor is below 1");
  return neurlp_schedule_check(s->context, schedule);
}

neurlp_status neurlp_network_options(const neurlp_network_study *s, neurlp_training_options *o) {
  const neurlp_deck *deck = s->data.job->deck;
  const char *name = neurlp_deck_text(deck, "train.optimizer"),
             *by = neurlp_deck_text(deck, "train.threshold_by");
  neurlp_status status = NEURLP_SUCCESS;
  *o = (neurlp_training_options){.weights_rate = neurlp_deck_number(deck, "train.weights_rate"),
                                 .clip = neurlp_deck_number(deck, "train.clip"),
                                 .epochs = neurlp_deck_integer(deck, "train.epochs"),
                                 .cycles = neurlp_deck_integer(deck, "train.cycles"),
                                 .refinements = neurlp_deck_integer(deck, "train.refinements"),
                                 .patience = neurlp_deck_integer(deck, "train.patience"),
                                 .threshold = neurlp_deck_number(deck, "train.threshold"),
                                 .drop_share = neurlp_deck_number(deck, "train.drop_share"),
                                 .explosion = neurlp_deck_number(deck, "train.explosion"),
                                 .seed = (uint64_t)neurlp_deck_integer(deck, "run.seed")};
  o->threshold_by = !strcmp(by, "contribution") ? NEURLP_THRESHOLD_CONTRIBUTION
                    : !strcmp(by, "z")          ? NEURLP_THRESHOLD_Z
                                                : NEURLP_THRESHOLD_SIZE;
  const bool whole =
      !strcmp(name, "lbfgs") || !strcmp(name, "tao"); /* minimisers, which make no steps of ours */
  NEURLP_TRY(neurlp_optimiser_defaults(s->context, whole ? "sgd" : name, &o->optimiser));
  o->optimiser.name = name;
  o->optimiser.rate = neurlp_deck_number(deck, "train.learning_rate");
  o->optimiser.momentum =
      strcmp(name, "sgd") ? o->optimiser.momentum : neurlp_deck_number(deck, "train.momentum");
  o->optimiser.weight_decay = neurlp_deck_number(deck, "train.weight_decay");
  status = read_schedule(s, &o->schedule);
done:
  return status;
}
