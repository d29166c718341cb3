/* Learning rates over the course of a training: pure functions of a counter of epochs or steps, except for
 * the plateau, which looks at losses and keeps a state (docs/math.md, Training). */
#ifndef NEURLP_TRAIN_SCHEDULE_H
#define NEURLP_TRAIN_SCHEDULE_H

#include "core/context.h"
#include "core/state.h"

typedef enum neurlp_schedule_kind {
  NEURLP_SCHEDULE_CONSTANT,
  NEURLP_SCHEDULE_STEP,        /* rate gamma^floor(at / every) */
  NEURLP_SCHEDULE_EXPONENTIAL, /* rate gamma^at */
  NEURLP_SCHEDULE_COSINE, /* floor + (rate - floor) (1 + cos(pi at / length)) / 2; floor from length on */
  NEURLP_SCHEDULE_PLATEAU /* times `factor` after more than `patience` losses without improvement */
} neurlp_schedule_kind;

/* Start from neurlp_schedule_defaults. With warm-up, the first `warm_up` counts have the rate
 * rate (from + (1 - from) at / warm_up), and `at` above counts from there. */
typedef struct neurlp_schedule {
  neurlp_schedule_kind kind;
  double rate;         /* to begin with, >= 0 */
  int64_t warm_up;     /* >= 0; 0 */
  double warm_up_from; /* 0 to 1; 1/3 */
  int64_t every;       /* step: >= 1; 30 */
  double gamma;        /* step, exponential: > 0, at most 1; 0.1 */
  int64_t length;      /* cosine: >= 1; 100 */
  double floor;        /* cosine, plateau: 0 to rate; 0 */
  int64_t patience;    /* plateau: >= 0; 10 */
  int64_t cooldown;    /* plateau: losses after a reduction that are not counted as bad, >= 0; 0 */
  double factor;       /* plateau: > 0, below 1; 0.1 */
  double threshold;    /* plateau: a loss is better if below best - threshold |best|, >= 0; 1e-4 */
} neurlp_schedule;

/* What a plateau has seen. */
typedef struct neurlp_schedule_state {
  double numbers[2];   /* the best loss, the rate */
  int64_t integers[2]; /* losses in a row that were not better; left of the cooldown */
} neurlp_schedule_state;

/* The kind of this name: "constant", "step", "exponential", "cosine", "plateau". Fails with
 * NEURLP_ERROR_ARGUMENT (the message lists them). */
NEURLP_MUST_USE neurlp_status neurlp_schedule_find(neurlp_context *context, const char *name,
                                                   neurlp_schedule_kind *kind);

neurlp_schedule neurlp_schedule_defaults(neurlp_schedule_kind kind, double rate);

/* Fails with NEURLP_ERROR_ARGUMENT; the message names the number, its value and its range. */
NEURLP_MUST_USE neurlp_status neurlp_schedule_check(neurlp_context *context, const neurlp_schedule *schedule);

/* The state before the first loss. */
neurlp_schedule_state neurlp_schedule_start(const neurlp_schedule *schedule);

/* The learning rate at count `at` >= 0. The state is looked at by a plateau only, and may be NULL otherwise.
 */
double neurlp_schedule_rate(const neurlp_schedule *schedule, const neurlp_schedule_state *state, int64_t at);

/* Tells a plateau the loss at count `at`. Losses during warm-up are not looked at, a NaN is not better than
 * anything. Other kinds ignore it. Returns true if the rate was reduced. */
bool neurlp_schedule_observe(const neurlp_schedule *schedule, neurlp_schedule_state *state, int64_t at,
                             double loss);

/* Lists the state, core/state.h; returns how many arrays. */
int32_t neurlp_schedule_list_state(neurlp_schedule_state *state,
                                   neurlp_state_array arrays[NEURLP_STATE_MOST]);

#endif
