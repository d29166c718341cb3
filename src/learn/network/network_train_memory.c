#include "learn/network/network_train_memory.h"

#include "train/clip.h"

#include <string.h>

static size_t bytes_of(const neurlp_training *t) {
  return (size_t)t->count * t->number_bytes;
}

/* Nothing here is collective: who fails, fails alone. */
static neurlp_status alone(neurlp_training *t, neurlp_status status) {
  if (status < 0) t->alone = true;
  return status;
}

neurlp_status neurlp_training_open_memory(neurlp_training *t) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_accelerator_of(t->context, &t->machine));
  NEURLP_TRY(neurlp_allocate(t->context, t->count, t->number_bytes, &t->room));
  if (t->machine)
    status = t->machine->allocate(t->machine->object, bytes_of(t), &t->gradient);
  else
    status = neurlp_allocate(t->context, t->count, t->number_bytes, &t->gradient);
done:
  return status;
}

void neurlp_training_close_memory(neurlp_training *t) {
  if (t->machine && t->gradient)
    t->machine->release(t->machine->object, &t->gradient);
  else
    neurlp_release(t->context, &t->gradient);
  neurlp_release(t->context, &t->room);
}

/* ---- to and from the host ---------------------------------------------------------------------------- */

neurlp_status neurlp_training_see_parameters(neurlp_training *t, const void **parameters) {
  *parameters = neurlp_training_room(t);
  return t->machine ? neurlp_training_get_parameters(t, t->room) : NEURLP_SUCCESS;
}

neurlp_status neurlp_training_see_gradient(neurlp_training *t, const void **gradient) {
  *gradient = t->machine ? t->room : t->gradient;
  return t->machine ? neurlp_training_get_gradient(t, t->room) : NEURLP_SUCCESS;
}

void *neurlp_training_room(neurlp_training *t) {
  return t->machine ? t->room : neurlp_graph_parameters(t->graph);
}

neurlp_status neurlp_training_put_room(neurlp_training *t) {
  return t->machine ? neurlp_training_set_parameters(t, t->room) : NEURLP_SUCCESS;
}

neurlp_status neurlp_training_get_parameters(neurlp_training *t, void *parameters) {
  return alone(t, neurlp_graph_get_parameters(t->graph, parameters));
}

neurlp_status neurlp_training_set_parameters(neurlp_training *t, const void *parameters) {
  return alone(t, neurlp_graph_set_parameters(t->graph, parameters));
}

neurlp_status neurlp_training_get_gradient(neurlp_training *t, void *gradient) {
  if (t->machine)
    return alone(t, t->machine->download(t->machine->object, gradient, t->gradient, bytes_of(t)));
  memcpy(gradient, t->gradient, bytes_of(t));
  return NEURLP_SUCCESS;
}

/* ---- steps ------------------------------------------------------------------------------------------- */

neurlp_status neurlp_training_clear_fixed(neurlp_training *t) {
  return alone(t, neurlp_optimiser_clear_fixed(t->optimiser, t->gradient));
}

double neurlp_training_norm_limit(const neurlp_training *t) {
  return t->spec->options.clip > 0 ? t->spec->options.clip : 1e300;
}

static neurlp_status clip(neurlp_training *t, double *norm) {
  const neurlp_precision precision = neurlp_graph_precision(t->graph);
  const double most = neurlp_training_norm_limit(t);
  if (!t->machine) return neurlp_clip_norm(t->context, precision, t->count, t->gradient, most, norm);
  return t->machine->clip(t->machine->object, precision, t->count, most, t->gradient, norm);
}

/* In one piece, where there is one. */
static neurlp_status make_step(neurlp_training *t, double rate, double *norm) {
  const neurlp_descent_orders orders = {.clip = neurlp_training_norm_limit(t)};
  neurlp_descent_answer answer = {0};
  const neurlp_status status = neurlp_step_make(t->step, rate, &orders, &answer);
  *norm = answer.norm;
  return status;
}

neurlp_status neurlp_training_step(neurlp_training *t, double rate, double *norm) {
  neurlp_status status = NEURLP_SUCCESS;
  if (t->step) return alone(t, make_step(t, rate, norm));
  NEURLP_TRY(neurlp_training_clear_fixed(t));
  status = clip(t, norm);
  if (status == NEURLP_SUCCESS)
    status = neurlp_optimiser_step(t->optimiser, rate, neurlp_graph_parameters(t->graph), t->gradient);
done:
  return alone(t, status);
}
