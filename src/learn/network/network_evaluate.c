#include "learn/network/network_evaluate.h"

#include <string.h>

/* A value of the graph and where a shard's part of it goes. */
typedef struct outlet {
  neurlp_value value;
  double *answer;
  int64_t each; /* numbers of a window */
} outlet;

enum { OUTLETS = 5 };

static void list_outlets(const neurlp_network_model *m, const neurlp_network_answers *a,
                         outlet outlets[OUTLETS]) {
  const outlet all[OUTLETS] = {{m->solution, a->solution, 0},
                               {m->states, a->states, 0},
                               {m->weights, a->weights, 0},
                               {m->coefficients, a->coefficients, 0},
                               {m->steps, a->steps, 0}};
  for (int32_t i = 0; i < OUTLETS; i++) {
    outlets[i] = all[i];
    if (!all[i].answer) continue;
    const neurlp_tensor_shape shape = neurlp_graph_shape(m->graph, all[i].value);
    outlets[i].each = neurlp_shape_product(&shape, 1, shape.rank);
  }
}

static neurlp_status run(neurlp_network_model *m, const neurlp_windows *w, int64_t first, int64_t present,
                         double *data, double *target) {
  const int64_t each = w->spec.window * w->spec.dimensions;
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < neurlp_graph_samples(m->graph);
       i++) /* places without a window hold the first one */
    neurlp_windows_get(w, first + (i < present ? i : 0), data + i * each, target + i * each);
  NEURLP_TRY(neurlp_graph_write(m->graph, m->data, data));
  NEURLP_TRY(neurlp_graph_write(m->graph, m->target, target));
  NEURLP_TRY(neurlp_graph_begin(m->graph, present, 1));
  status = neurlp_graph_forward(m->graph);
done:
  return status;
}

neurlp_status neurlp_network_evaluate(neurlp_network_model *model, const neurlp_windows *windows,
                                      int64_t first, int64_t count, const neurlp_network_answers *answers) {
  neurlp_context *context = windows->context;
  const int64_t samples = neurlp_graph_samples(model->graph);
  const int64_t each = windows->spec.window * windows->spec.dimensions;
  neurlp_status status = NEURLP_SUCCESS;
  double *data = NULL, *target = NULL, *room = NULL;
  outlet outlets[OUTLETS];
  int64_t most = 1;
  list_outlets(model, answers, outlets);
  for (int32_t i = 0; i < OUTLETS; i++) most = most < outlets[i].each ? outlets[i].each : most;
  NEURLP_TRY(neurlp_allocate(context, samples * each, sizeof *data, &data));
  NEURLP_TRY(neurlp_allocate(context, samples * each, sizeof *target, &target));
  NEURLP_TRY(neurlp_allocate(context, samples * most, sizeof *room, &room));
  if (count == 0) NEURLP_TRY(run(model, windows, 0, 0, data, target));
  for (int64_t done = 0; done < count; done += samples) {
    const int64_t present = count - done < samples ? count - done : samples;
    NEURLP_TRY(run(model, windows, first + done, present, data, target));
    for (int32_t i = 0; i < OUTLETS; i++) {
      if (!outlets[i].answer) continue;
      NEURLP_TRY(neurlp_graph_read(model->graph, outlets[i].value, room));
      memcpy(outlets[i].answer + done * outlets[i].each, room,
             (size_t)(present * outlets[i].each) * sizeof *room);
    }
    for (int64_t s = 0; answers->statuses && s < present; s++)
      answers->statuses[done + s] = neurlp_graph_statuses(model->graph)[s];
  }
done:
  neurlp_release(context, &data);
  neurlp_release(context, &target);
  neurlp_release(context, &room);
  return status;
}
