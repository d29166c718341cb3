#include "train/descent.h"

#include <math.h>
#include <string.h>

/* Orders and the groups' numbers, which go to the machine in one piece. */
typedef struct letter {
  neurlp_descent_orders orders;
  neurlp_descent_group groups[]; /* [groups] */
} letter;

struct neurlp_descent {
  neurlp_context *context;
  neurlp_descent_spec spec;
  neurlp_update_kind kind;
  neurlp_descent_call call;
  size_t letter_bytes;
  letter *letter, *letter_there; /* of the host, and the machine's */
  neurlp_descent_answer *answer, *answer_there;
};

static size_t vector_bytes(neurlp_precision precision, int64_t count) {
  return (size_t)count * (precision == NEURLP_SINGLE ? sizeof(float) : sizeof(double));
}

static size_t letter_bytes(int32_t groups) {
  return sizeof(letter) + (size_t)groups * sizeof(neurlp_descent_group);
}

size_t neurlp_descent_bytes(neurlp_precision precision, int64_t count, int32_t groups) {
  return sizeof(neurlp_descent) + 2 * (letter_bytes(groups) + sizeof(neurlp_descent_answer)) +
         vector_bytes(precision, count);
}

static neurlp_status allocate(neurlp_descent *d) {
  const neurlp_accelerator *m = d->spec.machine;
  void *memory[5] = {NULL};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(m->allocate_shared(m->object, d->letter_bytes, &memory[0]));
  NEURLP_TRY(m->allocate(m->object, d->letter_bytes, &memory[1]));
  NEURLP_TRY(m->allocate_shared(m->object, sizeof *d->answer, &memory[2]));
  NEURLP_TRY(m->allocate(m->object, sizeof *d->answer, &memory[3]));
  status = m->allocate(m->object, vector_bytes(d->spec.precision, d->spec.count), &memory[4]);
done:
  d->letter = memory[0];
  d->letter_there = memory[1];
  d->answer = memory[2];
  d->answer_there = memory[3];
  d->call.kept = memory[4];
  return status;
}

neurlp_status neurlp_descent_create(neurlp_context *context, const neurlp_descent_spec *spec,
                                    neurlp_descent **descent) {
  neurlp_descent *d = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  *descent = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *d, &d));
  *d = (neurlp_descent){.context = context, .spec = *spec};
  d->kind = neurlp_optimiser_arrays(spec->optimiser, &d->call);
  d->letter_bytes = letter_bytes(d->call.groups);
  NEURLP_TRY(allocate(d));
  d->call.orders = &d->letter_there->orders;
  d->call.group = d->letter_there->groups;
  d->call.answer = d->answer_there;
  d->call.parameters = spec->parameters;
  d->call.gradient = spec->gradient;
  d->call.loss = spec->loss;
  d->call.present = spec->present;
  d->call.statuses = spec->statuses;
  *descent = d;
  d = NULL;
done:
  neurlp_descent_destroy(&d);
  return status;
}

void neurlp_descent_destroy(neurlp_descent **descent) {
  if (!descent || !*descent) return;
  neurlp_descent *d = *descent;
  neurlp_context *context = d->context;
  const neurlp_accelerator *m = d->spec.machine;
  void *shared[] = {d->letter, d->answer}, *own[] = {d->letter_there, d->answer_there, d->call.kept};
  for (int32_t i = 0; i < 2; i++)
    if (shared[i]) m->release_shared(m->object, &shared[i]);
  for (int32_t i = 0; i < 3; i++)
    if (own[i]) m->release(m->object, &own[i]);
  neurlp_release(context, descent);
}

void neurlp_descent_order(neurlp_descent *d, double rate, const neurlp_descent_orders *orders) {
  d->letter->orders = *orders;
  neurlp_optimiser_next(d->spec.optimiser, rate, d->letter->groups);
}

neurlp_status neurlp_descent_start(neurlp_descent *d) {
  const neurlp_accelerator *m = d->spec.machine;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(m->copy(m->object, d->letter_there, d->letter, d->letter_bytes));
  NEURLP_TRY(m->descend(m->object, d->kind, d->spec.precision, &d->call));
  status = m->copy(m->object, d->answer, d->answer_there, sizeof *d->answer);
done:
  return status;
}

neurlp_status neurlp_descent_end(neurlp_descent *d, neurlp_descent_answer *answer) {
  *answer = *d->answer;
  if (answer->moved) neurlp_optimiser_count(d->spec.optimiser);
  if (isfinite(answer->norm)) return NEURLP_SUCCESS;
  return neurlp_fail(d->context, NEURLP_NOT_FINITE, "the gradient's norm is %g, which cannot be clipped",
                     answer->norm);
}

neurlp_status neurlp_descent_fetch_kept(const neurlp_descent *d, void *parameters) {
  const neurlp_accelerator *m = d->spec.machine;
  return m->download(m->object, parameters, d->call.kept, vector_bytes(d->spec.precision, d->spec.count));
}
