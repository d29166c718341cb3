#include "learn/network/network_project.h"

#include <math.h>
#include <string.h>

/* ---- life -------------------------------------------------------------------------------------------- */

static bool counts(const neurlp_loss_spec *loss) {
  return loss->of == NEURLP_LOSS_OF_SOLUTION && loss->measure == NEURLP_MEASURE_SQUARE;
}

enum { ARRAYS = 9 };

/* Arrays of doubles, and how many numbers each has. */
typedef struct array {
  double **array;
  int64_t count;
} array;

static void list_arrays(neurlp_solving *s, int64_t samples, array arrays[ARRAYS]) {
  const neurlp_projection_spec *b = &s->spec->block;
  const int64_t T = b->steps, D = b->dimensions, L = b->terms;
  const array all[ARRAYS] = {{&s->sums, s->spec->shard_count * s->numbers},
                             {&s->gathered, s->spec->shards * s->numbers},
                             {&s->total, s->numbers},
                             {&s->library, samples * T * L},
                             {&s->values, samples * b->initial_steps * D * b->initial_derivatives},
                             {&s->states, samples * T * D},
                             {&s->data, samples * T * D},
                             {&s->weights, D * L},
                             {&s->errors, D * L}};
  for (int32_t i = 0; i < ARRAYS; i++) {
    arrays[i] = all[i];
    if (arrays[i].count < 1) arrays[i].count = 1;
  }
}

static neurlp_status allocate(neurlp_solving *s) {
  neurlp_status status = NEURLP_SUCCESS;
  array arrays[ARRAYS];
  list_arrays(s, neurlp_graph_samples(s->model->graph), arrays);
  for (int32_t i = 0; i < ARRAYS; i++)
    NEURLP_TRY(neurlp_allocate(s->context, arrays[i].count, sizeof(double), arrays[i].array));
  status = neurlp_allocate(s->context, (int64_t)s->spec->block.dimensions * s->spec->block.terms,
                           sizeof *s->mask, &s->mask);
done:
  return status;
}

neurlp_status neurlp_solving_bytes(neurlp_context *context, const neurlp_solving_spec *spec, int64_t samples,
                                   int64_t *bytes) {
  neurlp_solving s = {.spec = spec};
  neurlp_status status = NEURLP_SUCCESS;
  array arrays[ARRAYS];
  const size_t before = neurlp_context_memory(context).current_bytes;
  NEURLP_TRY(neurlp_projection_create(context, &spec->block, &s.projection));
  *bytes = (int64_t)(neurlp_context_memory(context).current_bytes - before);
  s.numbers = neurlp_projection_numbers(s.projection);
  list_arrays(&s, samples, arrays);
  for (int32_t i = 0; i < ARRAYS; i++) *bytes += arrays[i].count * (int64_t)sizeof(double);
  *bytes += (int64_t)spec->block.dimensions * spec->block.terms * (int64_t)sizeof(bool);
done:
  neurlp_projection_destroy(&s.projection);
  return status;
}

neurlp_status neurlp_solving_open(neurlp_solving *s, const neurlp_solving_spec *spec,
                                  neurlp_network_model *model) {
  neurlp_status status = NEURLP_SUCCESS;
  *s = (neurlp_solving){.context = neurlp_graph_context(model->graph),
                        .spec = spec,
                        .model = model,
                        .parameter = neurlp_graph_find(model->graph, "weights")};
  for (int32_t i = 0; i < spec->loss_count; i++) s->square_losses += counts(&spec->losses[i]);
  if (s->parameter < 0 || model->library < 0 || s->square_losses == 0)
    return neurlp_fail(s->context, NEURLP_ERROR_ARGUMENT,
                       "weights that are solved for need a library whose weights are a parameter, and a loss "
                       "of the solution's squares");
  NEURLP_TRY(neurlp_projection_create(s->context, &spec->block, &s->projection));
  s->numbers = neurlp_projection_numbers(s->projection);
  status = allocate(s);
done:
  return status;
}

void neurlp_solving_close(neurlp_solving *s) {
  array arrays[ARRAYS];
  if (!s->context) return;
  list_arrays(s, 1, arrays);
  neurlp_projection_destroy(&s->projection);
  for (int32_t i = 0; i < ARRAYS; i++) neurlp_release(s->context, arrays[i].array);
  neurlp_release(s->context, &s->mask);
}

/* ---- sums -------------------------------------------------------------------------------------------- */

void neurlp_solving_fade(neurlp_solving *s, double part) {
  const int64_t D = s->spec->block.dimensions, each = s->numbers / D;
  for (int64_t i = 0; i < s->spec->shard_count * D; i++) {
    double *sum = s->sums + i * each; /* a triangle, whose squares fade, and its number of rows */
    for (int64_t j = 0; j < each - 1; j++) sum[j] *= sqrt(part);
    sum[each - 1] *= part;
  }
}

/* What the solution is compared with by a loss: NaN at the steps that it leaves out. */
static void choose_data(neurlp_solving *s, const neurlp_loss_spec *loss, int64_t count, const double *from) {
  const int64_t T = s->spec->block.steps, D = s->spec->block.dimensions;
  const int64_t end = loss->end > 0 ? loss->end : T;
  for (int64_t i = 0; i < count * T; i++)
    for (int64_t k = 0; k < D; k++)
      s->data[i * D + k] = i % T >= loss->first && i % T < end ? from[i * D + k] : NAN;
}

/* A loss is a mean over its steps. */
static double weight_of(const neurlp_solving *s, const neurlp_loss_spec *loss) {
  const int64_t end = loss->end > 0 ? loss->end : s->spec->block.steps;
  return loss->weight / (double)(end - loss->first);
}

neurlp_status neurlp_solving_append(neurlp_solving *s, int64_t shard, int64_t present, const double *target) {
  neurlp_graph *graph = s->model->graph;
  double *sums = s->sums + (shard - s->spec->first_shard) * s->numbers;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_graph_read(graph, s->model->library, s->library));
  if (s->model->initial_values >= 0)
    NEURLP_TRY(neurlp_graph_read(graph, s->model->initial_values, s->values));
  for (int32_t i = 0; i < s->spec->loss_count; i++) {
    const neurlp_loss_spec *loss = &s->spec->losses[i];
    if (!counts(loss)) continue;
    if (loss->against_states) NEURLP_TRY(neurlp_graph_read(graph, s->model->states, s->states));
    choose_data(s, loss, present, loss->against_states ? s->states : target);
    NEURLP_TRY(neurlp_projection_append(s->projection, present, s->library, s->values, s->data,
                                        neurlp_graph_statuses(graph), weight_of(s, loss), sums));
  }
done:
  return status;
}

int32_t neurlp_solving_state(neurlp_solving *s, neurlp_state_array arrays[NEURLP_STATE_MOST]) {
  const neurlp_solving_spec *spec = s->spec;
  arrays[0] = (neurlp_state_array){.name = "sums",
                                   .kind = NEURLP_STATE_DOUBLE,
                                   .count = spec->shard_count * s->numbers,
                                   .numbers = s->sums,
                                   .part = true};
  arrays[1] = (neurlp_state_array){.name = "errors",
                                   .kind = NEURLP_STATE_DOUBLE,
                                   .count = (int64_t)spec->block.dimensions * spec->block.terms,
                                   .numbers = spec->errors};
  return 2;
}

/* ---- weights ----------------------------------------------------------------------------------------- */

neurlp_status neurlp_solving_solve(neurlp_solving *s, neurlp_status mine, const double *mask, bool errors) {
  const neurlp_solving_spec *spec = s->spec;
  const int64_t count = (int64_t)spec->block.dimensions * spec->block.terms;
  const double factor = sqrt(spec->overlap * s->square_losses);
  neurlp_status status =
      spec->exchange.gather(spec->exchange.user, s->context, mine, s->numbers, s->sums, s->gathered);
  if (status < 0) return status;
  memset(s->total, 0, (size_t)s->numbers * sizeof *s->total);
  for (int64_t shard = 0; shard < spec->shards; shard++)
    neurlp_projection_merge(s->projection, s->total, s->gathered + shard * s->numbers);
  for (int64_t i = 0; i < count; i++) s->mask[i] = mask[i] != 0;
  const double loss =
      neurlp_projection_solve(s->projection, s->total, s->mask, 0, s->weights, errors ? s->errors : NULL);
  if (!isfinite(loss)) return NEURLP_SUCCESS; /* the loss of the same windows says so, and of which step */
  for (int64_t i = 0; i < count; i++) {
    if (errors) spec->errors[i] = factor * s->errors[i];
    if (spec->scale) s->weights[i] /= spec->scale[i];
  }
  return neurlp_graph_write(s->model->graph, s->parameter, s->weights);
}
