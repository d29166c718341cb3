#include "learn/network/network_model.h"

#include "block/problem.h"
#include "learn/network/network_layers.h"

#include <math.h>
#include <string.h>

/* A model under construction. Letters as in network_spec.h; N = B D blocks of one dimension each. */
typedef struct build {
  neurlp_context *context;
  neurlp_graph *graph;
  const neurlp_network_model_spec *spec;
  const neurlp_wiring *wiring;
  neurlp_network_model *model;
  int64_t B, T, D, L;
  neurlp_value seen; /* what networks see of the data: [B][seen][D], centred and divided by the spread */
  neurlp_value center, spread; /* [D] constants */
  double *room;                /* [D or d+1, the larger] */
} build;

/* ---- pieces ------------------------------------------------------------------------------------------ */

/* A constant of equal numbers. */
static neurlp_value constant_of(build *b, neurlp_tensor_shape shape, double number) {
  const int64_t count = neurlp_shape_numbers(&shape);
  double *numbers = NULL;
  const neurlp_status status = neurlp_allocate(b->context, count, sizeof *numbers, &numbers);
  if (status < 0) return neurlp_graph_refuse(b->graph, status);
  for (int64_t i = 0; i < count; i++) numbers[i] = number;
  const neurlp_value value = neurlp_graph_constant(b->graph, shape, numbers);
  neurlp_release(b->context, &numbers);
  return value;
}

/* Ranges of the numbers along the last axis of x. */
static neurlp_value limit_each(build *b, const neurlp_source_spec *source, neurlp_value x) {
  const neurlp_tensor_shape row = neurlp_shape_of(1, source->range_count);
  double numbers[2][NEURLP_MAX_DERIVATIVES];
  for (int32_t j = 0; j < source->range_count; j++) {
    numbers[0][j] = source->ranges[2 * j];
    numbers[1][j] = source->ranges[2 * j + 1] - source->ranges[2 * j];
  }
  return neurlp_graph_add(b->graph,
                          neurlp_graph_multiply(b->graph, neurlp_graph_sigmoid(b->graph, x),
                                                neurlp_graph_constant(b->graph, row, numbers[1])),
                          neurlp_graph_constant(b->graph, row, numbers[0]));
}

static neurlp_value limit(build *b, const neurlp_source_spec *source, neurlp_value x) {
  if (source->range_count > 0) return limit_each(b, source, x);
  if (!source->ranged) return x;
  return neurlp_graph_scale(b->graph, neurlp_graph_sigmoid(b->graph, x), source->upper - source->lower,
                            source->lower);
}

/* What a network makes of the data, as a tensor of that shape, B first. */
static neurlp_value from_network(build *b, const neurlp_source_spec *source, neurlp_tensor_shape shape) {
  const neurlp_network_spec *network = &b->wiring->networks[source->network];
  const neurlp_value x = network->axis == NEURLP_AXIS_SPACE
                             ? neurlp_graph_permute(b->graph, b->seen, (int32_t[]){0, 2, 1})
                             : b->seen;
  const neurlp_value y =
      neurlp_network_layers(b->graph, network, x, neurlp_shape_product(&shape, 1, shape.rank));
  return neurlp_graph_reshape(b->graph, y, shape);
}

/* The same for numbers of every state, [B][X][D][Y]: networks over space give them state by state. */
static neurlp_value states_from_network(build *b, const neurlp_source_spec *source, int64_t X, int64_t Y) {
  if (b->wiring->networks[source->network].axis == NEURLP_AXIS_TIME)
    return limit(b, source, from_network(b, source, neurlp_shape_of(4, b->B, X, b->D, Y)));
  const neurlp_value y = from_network(b, source, neurlp_shape_of(4, b->B, b->D, X, Y));
  return limit(b, source, neurlp_graph_permute(b->graph, y, (int32_t[]){0, 2, 1, 3}));
}

static neurlp_value to_window(build *b, neurlp_value x) {
  return neurlp_graph_reshape(b->graph, x, neurlp_shape_of(3, b->B, b->T, b->D));
}

/* [B][X][D][Y] -> [B D][X][Y], a system for each sample and state. */
static neurlp_value to_systems(build *b, neurlp_value x, int64_t X, int64_t Y) {
  const neurlp_value split = neurlp_graph_reshape(b->graph, x, neurlp_shape_of(4, b->B, X, b->D, Y));
  const neurlp_value turned = neurlp_graph_permute(b->graph, split, (int32_t[]){0, 2, 1, 3});
  return neurlp_graph_reshape(b->graph, turned, neurlp_shape_of(3, b->B * b->D, X, Y));
}

/* [D] or [1][X][D][Y], the same for all samples -> [B D][X][Y]; [1][X][Y] where there is one state. */
static neurlp_value spread_to_systems(build *b, neurlp_value x, int64_t X, int64_t Y) {
  if (b->D == 1) return neurlp_graph_reshape(b->graph, x, neurlp_shape_of(3, 1, X, Y));
  const neurlp_value split = neurlp_graph_reshape(b->graph, x, neurlp_shape_of(4, 1, X, b->D, Y));
  return to_systems(b, neurlp_graph_broadcast(b->graph, split, neurlp_shape_of(4, b->B, X, b->D, Y)), X, Y);
}

/* ---- the inputs of the block ------------------------------------------------------------------------- */

static void add_data(build *b) {
  const neurlp_tensor_shape shape = neurlp_shape_of(3, b->B, b->T, b->D), row = neurlp_shape_of(1, b->D);
  double *inverse = b->room;
  b->model->data = neurlp_graph_input(b->graph, "data", shape);
  b->model->target = neurlp_graph_input(b->graph, "target", shape);
  b->center = neurlp_graph_constant(b->graph, row, b->spec->center);
  b->spread = neurlp_graph_constant(b->graph, row, b->spec->spread);
  for (int64_t k = 0; k < b->D; k++) inverse[k] = 1 / b->spec->spread[k];
  const neurlp_value first = b->wiring->seen > 0 && b->wiring->seen < b->T
                                 ? neurlp_graph_slice(b->graph, b->model->data, 1, 0, b->wiring->seen, 1)
                                 : b->model->data;
  const neurlp_value centred =
      neurlp_graph_add(b->graph, first, neurlp_graph_scale(b->graph, b->center, -1, 0));
  b->seen = neurlp_graph_multiply(b->graph, centred, neurlp_graph_constant(b->graph, row, inverse));
}

/* The state estimate, in the units of the data: [B][T][D]. */
static neurlp_value add_states(build *b) {
  const neurlp_source_spec *source = &b->wiring->states;
  if (source->kind != NEURLP_SOURCE_NETWORK) return b->model->data;
  neurlp_value x = to_window(b, states_from_network(b, source, b->T, 1));
  if (source->ranged) return x; /* the range is one of the states themselves */
  if (source->residual) x = neurlp_graph_add(b->graph, x, b->seen);
  return neurlp_graph_add(b->graph, neurlp_graph_multiply(b->graph, x, b->spread), b->center);
}

/* Weights of the library, [D][L] or [B][D][L]: what is trained is in units of a typical size, but for weights
 * whose range is given. */
static neurlp_value add_weights(build *b) {
  const neurlp_source_spec *source = &b->wiring->weights;
  const neurlp_tensor_shape shape = neurlp_shape_of(2, b->D, b->L);
  neurlp_value w;
  if (source->kind == NEURLP_SOURCE_NETWORK) {
    w = limit(b, source, from_network(b, source, neurlp_shape_of(3, b->B, b->D, b->L)));
  } else {
    w = neurlp_graph_parameter(b->graph, "weights", shape, false);
    neurlp_graph_describe(b->graph, w, NEURLP_PARAMETER_BASIS, 0);
  }
  if (b->spec->weight_scale && !source->ranged)
    w = neurlp_graph_multiply(b->graph, w, neurlp_graph_constant(b->graph, shape, b->spec->weight_scale));
  b->model->mask = neurlp_graph_input(b->graph, "mask", shape);
  return neurlp_graph_multiply(b->graph, w, b->model->mask);
}

/* sum_l w[k][l] phi_l(states), [B][T][D]. */
static neurlp_value add_library(build *b) {
  const neurlp_value phi = b->model->library = neurlp_graph_library(
      b->graph, b->model->states, NEURLP_NO_VALUE, &b->spec->states, b->spec->terms, b->spec->texts);
  const neurlp_value w = b->model->weights = add_weights(b);
  if (b->wiring->weights.kind != NEURLP_SOURCE_NETWORK) return neurlp_graph_dense_plain(b->graph, phi, w);
  const neurlp_value terms = neurlp_graph_multiply(
      b->graph, neurlp_graph_reshape(b->graph, phi, neurlp_shape_of(4, b->B, b->T, 1, b->L)),
      neurlp_graph_reshape(b->graph, w, neurlp_shape_of(4, b->B, 1, b->D, b->L)));
  return neurlp_graph_reduce(b->graph, terms, 1u << 3, false);
}

/* [B D][T or 1][1], or [1][1][1]. */
static neurlp_value add_rhs(build *b) {
  const neurlp_source_spec *source = &b->wiring->rhs;
  switch (source->kind) {
  case NEURLP_SOURCE_LIBRARY:
    return to_systems(b, add_library(b), b->T, 1);
  case NEURLP_SOURCE_NETWORK:
    return to_systems(b, states_from_network(b, source, b->T, 1), b->T, 1);
  case NEURLP_SOURCE_CONSTANT:
    return spread_to_systems(b, neurlp_graph_constant(b->graph, neurlp_shape_of(1, b->D), source->numbers), 1,
                             1);
  default:
    return constant_of(b, neurlp_shape_of(3, 1, 1, 1), 0);
  }
}

/* Where parameters begin, as what is in front of their ranges' sigmoids; 0 for constants. */
static neurlp_value add_beginning(build *b, const neurlp_source_spec *source) {
  const int32_t J = b->spec->order + 1;
  double numbers[NEURLP_MAX_DERIVATIVES];
  for (int32_t j = 0; j < J; j++) {
    const double *range =
        source->range_count > 0 ? source->ranges + 2 * j : (double[2]){source->lower, source->upper};
    numbers[j] = source->numbers[j];
    if (source->ranged || source->range_count > 0)
      numbers[j] = range[0] < range[1] ? log((numbers[j] - range[0]) / (range[1] - numbers[j])) : 0;
  }
  return neurlp_graph_constant(b->graph, neurlp_shape_of(1, J), numbers);
}

/* [B D or 1][T or 1][1][1][d+1]. */
static neurlp_value add_coefficients(build *b) {
  const neurlp_source_spec *source = &b->wiring->coefficients;
  const int64_t J = b->spec->order + 1;
  neurlp_value c;
  int64_t points = 1, systems = 1;
  if (source->kind == NEURLP_SOURCE_NETWORK) {
    points = source->steady ? 1 : b->T;
    c = b->model->coefficients = states_from_network(b, source, points, J);
    c = to_systems(b, c, points, J);
    systems = b->B * b->D;
  } else if (source->kind == NEURLP_SOURCE_PARAMETER) {
    c = neurlp_graph_parameter(b->graph, "coefficients", neurlp_shape_of(4, 1, 1, b->D, J), false);
    c = neurlp_graph_add(b->graph, c, add_beginning(b, source));
    b->model->coefficients = limit(b, source, c);
    c = spread_to_systems(b, b->model->coefficients, 1, J);
    systems = b->D == 1 ? 1 : b->B * b->D;
  } else {
    c = neurlp_graph_constant(b->graph, neurlp_shape_of(1, J), source->numbers);
  }
  return neurlp_graph_reshape(b->graph, c, neurlp_shape_of(5, systems, points, 1, 1, J));
}

/* [B D][K][1][J]; the values of data or of the state estimate have J = 1. */
static neurlp_value add_initial_values(build *b) {
  const neurlp_source_spec *source = &b->wiring->initial_values;
  const int64_t K = b->wiring->initial_steps, J = b->wiring->initial_derivatives;
  if (source->kind == NEURLP_SOURCE_NONE) return NEURLP_NO_VALUE;
  neurlp_value v;
  if (source->kind == NEURLP_SOURCE_NETWORK)
    v = states_from_network(b, source, K, J);
  else
    v = neurlp_graph_slice(b->graph, source->kind == NEURLP_SOURCE_STATES ? b->model->states : b->model->data,
                           1, 0, K, 1);
  b->model->initial_values = v;
  return neurlp_graph_reshape(b->graph, to_systems(b, v, K, J), neurlp_shape_of(4, b->B * b->D, K, 1, J));
}

/* [B D][T-1][1], or [1][1][1]. */
static neurlp_value add_steps(build *b) {
  const neurlp_source_spec *source = &b->wiring->steps;
  const int64_t intervals = b->T - 1;
  if (source->kind == NEURLP_SOURCE_CONSTANT)
    return constant_of(b, neurlp_shape_of(3, 1, 1, 1), source->numbers[0]);
  if (source->kind ==
      NEURLP_SOURCE_PARAMETER) { /* its logarithm is what is trained, so that it stays positive */
    const neurlp_value logarithm =
        neurlp_graph_parameter(b->graph, "step", neurlp_shape_of(3, 1, 1, 1), false);
    return b->model->steps =
               neurlp_graph_scale(b->graph, neurlp_graph_exp(b->graph, logarithm), source->numbers[0], 0);
  }
  b->model->steps = limit(b, source, from_network(b, source, neurlp_shape_of(2, b->B, intervals)));
  const neurlp_value each =
      neurlp_graph_reshape(b->graph, b->model->steps, neurlp_shape_of(3, b->B, 1, intervals));
  return neurlp_graph_reshape(
      b->graph, neurlp_graph_broadcast(b->graph, each, neurlp_shape_of(3, b->B, b->D, intervals)),
      neurlp_shape_of(3, b->B * b->D, intervals, 1));
}

/* ---- the block and its losses ------------------------------------------------------------------------ */

/* Solutions of N systems of one dimension, of which the function itself is taken: [B][T][D]. */
static neurlp_value add_block(build *b) {
  const neurlp_graph_block_spec block = {.steps = (int32_t)b->T,
                                         .order = b->spec->order,
                                         .initial_steps = b->wiring->initial_steps,
                                         .initial_derivatives = b->wiring->initial_derivatives,
                                         .blocks = b->D,
                                         .formulation = b->spec->formulation};
  const neurlp_graph_block_inputs inputs = {.rhs = add_rhs(b),
                                            .coefficients = add_coefficients(b),
                                            .initial_values = add_initial_values(b),
                                            .final_values = NEURLP_NO_VALUE,
                                            .steps = add_steps(b)};
  const neurlp_value u = neurlp_graph_block(b->graph, &block, &inputs);
  const neurlp_value function = neurlp_graph_slice(b->graph, u, 3, 0, 1, 1);
  return neurlp_graph_permute(b->graph,
                              neurlp_graph_reshape(b->graph, function, neurlp_shape_of(3, b->B, b->D, b->T)),
                              (int32_t[]){0, 2, 1});
}

/* Data and what is compared with them in units of the spread, so that all states count alike. */
static neurlp_value in_spreads(build *b, neurlp_value x) {
  for (int64_t k = 0; k < b->D; k++) b->room[k] = 1 / b->spec->spread[k];
  return neurlp_graph_multiply(b->graph, x,
                               neurlp_graph_constant(b->graph, neurlp_shape_of(1, b->D), b->room));
}

static neurlp_value add_comparison(build *b, const neurlp_loss_spec *loss) {
  static const neurlp_loss_kind kinds[] = {NEURLP_LOSS_SQUARE, NEURLP_LOSS_ABSOLUTE, NEURLP_LOSS_RELATIVE};
  const int64_t end = loss->end > 0 ? loss->end : b->T;
  neurlp_value x = loss->of == NEURLP_LOSS_OF_STATES ? b->model->states : b->model->solution;
  neurlp_value target = b->model->target;
  if (loss->against_states) { /* gradients flow to both, so it is their difference that is compared with 0 */
    x = neurlp_graph_add(b->graph, x, neurlp_graph_scale(b->graph, b->model->states, -1, 0));
    target = constant_of(b, neurlp_shape_of(3, b->B, b->T, b->D), 0);
  }
  if (loss->measure != NEURLP_MEASURE_RELATIVE) {
    x = in_spreads(b, x);
    target = in_spreads(b, target);
  }
  x = neurlp_graph_slice(b->graph, x, 1, loss->first, end - loss->first, 1);
  target = neurlp_graph_slice(b->graph, target, 1, loss->first, end - loss->first, 1);
  return neurlp_graph_loss_of(b->graph, kinds[loss->measure], x, target);
}

static void add_losses(build *b) {
  neurlp_value sum = NEURLP_NO_VALUE;
  for (int32_t i = 0; i < b->wiring->loss_count; i++) {
    const neurlp_loss_spec *loss = &b->wiring->losses[i];
    const bool penalty = loss->of == NEURLP_LOSS_OF_WEIGHTS;
    const neurlp_loss_kind kind =
        loss->measure == NEURLP_MEASURE_L1 ? NEURLP_LOSS_ABSOLUTE : NEURLP_LOSS_SQUARE;
    const neurlp_value own =
        penalty ? neurlp_graph_penalty(b->graph, kind, neurlp_graph_find(b->graph, "weights"))
                : add_comparison(b, loss);
    b->model->losses[i] = own;
    neurlp_graph_keep(b->graph, own);
    const neurlp_value part = neurlp_graph_scale(b->graph, own, loss->weight, 0);
    sum = i == 0 ? part : neurlp_graph_add(b->graph, sum, part);
  }
  neurlp_graph_loss(b->graph, sum);
}

static void add_everything(build *b) {
  neurlp_network_model *m = b->model;
  add_data(b);
  m->states = add_states(b);
  m->solution = add_block(b);
  add_losses(b);
  neurlp_value kept[] = {m->states,   m->weights, m->coefficients,  m->steps,
                         m->solution, m->library, m->initial_values};
  if (!b->wiring->weights.solved) kept[5] = kept[6] = NEURLP_NO_VALUE; /* only solving reads them */
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) neurlp_graph_keep(b->graph, kept[i]);
}

neurlp_status neurlp_network_model_create(neurlp_context *context, const neurlp_network_model_spec *spec,
                                          neurlp_network_model *model) {
  neurlp_status status = NEURLP_SUCCESS;
  build b = {.context = context,
             .spec = spec,
             .wiring = spec->wiring,
             .model = model,
             .B = spec->samples,
             .T = spec->steps,
             .D = spec->dimensions,
             .L = spec->terms};
  *model = (neurlp_network_model){.data = NEURLP_NO_VALUE,
                                  .target = NEURLP_NO_VALUE,
                                  .states = NEURLP_NO_VALUE,
                                  .library = NEURLP_NO_VALUE,
                                  .initial_values = NEURLP_NO_VALUE,
                                  .weights = NEURLP_NO_VALUE,
                                  .mask = NEURLP_NO_VALUE,
                                  .coefficients = NEURLP_NO_VALUE,
                                  .steps = NEURLP_NO_VALUE,
                                  .solution = NEURLP_NO_VALUE};
  for (int32_t i = 0; i < NEURLP_NETWORK_LOSSES; i++) model->losses[i] = NEURLP_NO_VALUE;
  const int64_t J = spec->order + 1;
  NEURLP_TRY(neurlp_allocate(context, b.D > J ? b.D : J, sizeof *b.room, &b.room));
  NEURLP_TRY(neurlp_graph_create(context, spec->precision, spec->samples, &model->graph));
  b.graph = model->graph;
  add_everything(&b);
  status = neurlp_graph_building_status(b.graph);
done:
  neurlp_release(context, &b.room);
  if (status < 0) neurlp_network_model_destroy(model);
  return status;
}

void neurlp_network_model_destroy(neurlp_network_model *model) {
  neurlp_graph_destroy(&model->graph);
}
