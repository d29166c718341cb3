#include "learn/step.h"

#include <stdio.h>

struct neurlp_step {
  neurlp_context *context;
  neurlp_step_spec spec;
  neurlp_descent *descent;
  bool done_once;
  void *recording;
};

static size_t gradient_bytes(const neurlp_step *s) {
  const size_t number =
      neurlp_graph_precision(s->spec.graph) == NEURLP_SINGLE ? sizeof(float) : sizeof(double);
  return (size_t)neurlp_graph_parameter_count(s->spec.graph) * number;
}

neurlp_status neurlp_step_create(const neurlp_step_spec *spec, neurlp_step **step) {
  neurlp_context *context = neurlp_graph_context(spec->graph);
  neurlp_descent_spec descent = {.optimiser = spec->optimiser,
                                 .machine = spec->machine,
                                 .precision = neurlp_graph_precision(spec->graph),
                                 .count = neurlp_graph_parameter_count(spec->graph),
                                 .parameters = neurlp_graph_parameters(spec->graph),
                                 .gradient = spec->gradient};
  neurlp_step *s = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  *step = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *s, &s));
  *s = (neurlp_step){.context = context, .spec = *spec};
  if (spec->whole) {
    const neurlp_graph_view view = neurlp_graph_view_of(spec->graph);
    descent.loss = view.loss;
    descent.present = view.present;
    descent.statuses = view.statuses;
  }
  NEURLP_TRY(neurlp_descent_create(context, &descent, &s->descent));
  *step = s;
  s = NULL;
done:
  neurlp_step_destroy(&s);
  return status;
}

void neurlp_step_destroy(neurlp_step **step) {
  if (!step || !*step) return;
  neurlp_step *s = *step;
  neurlp_context *context = s->context;
  s->spec.machine->forget(s->spec.machine->object, &s->recording);
  neurlp_descent_destroy(&s->descent);
  neurlp_release(context, step);
}

/* All work behind forward and backward. */
static neurlp_status start_behind(const neurlp_step *s) {
  const neurlp_accelerator *m = s->spec.machine;
  const void *from = neurlp_graph_gradients(s->spec.graph);
  neurlp_status status = NEURLP_SUCCESS;
  if (s->spec.whole && from != s->spec.gradient)
    NEURLP_TRY(m->copy(m->object, s->spec.gradient, from, gradient_bytes(s)));
  status = neurlp_descent_start(s->descent);
done:
  return status;
}

static neurlp_status record(neurlp_step *s) {
  const neurlp_accelerator *m = s->spec.machine;
  neurlp_status status = NEURLP_SUCCESS;
  char message[1024];
  NEURLP_TRY(m->record(m->object));
  if (s->spec.whole) status = neurlp_graph_start(s->spec.graph);
  if (status >= 0) status = start_behind(s);
  if (status < 0)
    (void)m->end_record(m->object, NULL);
  else
    status = m->end_record(m->object, &s->recording);
done:
  if (status >= 0) return NEURLP_SUCCESS;
  snprintf(message, sizeof message, "%s", neurlp_context_message(s->context));
  return neurlp_fail(s->context, status,
                     "recording a training step: %s; NEURLP_REPLAY=off in the environment does without",
                     message);
}

/* As it is, by the graph's own ways, which check and load what is new. */
static neurlp_status do_once(neurlp_step *s) {
  neurlp_status status = NEURLP_SUCCESS;
  if (s->spec.whole) NEURLP_TRY(neurlp_graph_forward_backward(s->spec.graph));
  NEURLP_TRY(start_behind(s));
  s->done_once = true;
done:
  return status;
}

static neurlp_status do_again(neurlp_step *s) {
  const neurlp_accelerator *m = s->spec.machine;
  neurlp_status status = NEURLP_SUCCESS;
  if (s->spec.whole) NEURLP_TRY(neurlp_graph_ready(s->spec.graph));
  if (!s->recording) NEURLP_TRY(record(s));
  status = m->replay(m->object, s->recording);
done:
  return status;
}

neurlp_status neurlp_step_make(neurlp_step *s, double rate, const neurlp_descent_orders *orders,
                               neurlp_descent_answer *answer) {
  const neurlp_accelerator *m = s->spec.machine;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_descent_order(s->descent, rate, orders);
  NEURLP_TRY(s->done_once ? do_again(s) : do_once(s));
  if (s->spec.whole && s->recording)
    NEURLP_TRY(neurlp_graph_settle(s->spec.graph)); /* waits for all of it */
  else
    NEURLP_TRY(m->wait(m->object));
  status = neurlp_descent_end(s->descent, answer);
done:
  return status;
}

neurlp_status neurlp_step_fetch_kept(const neurlp_step *s, void *parameters) {
  return neurlp_descent_fetch_kept(s->descent, parameters);
}
