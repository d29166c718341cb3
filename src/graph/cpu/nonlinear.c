#include "graph/operation/nonlinear.h"

#include "graph/cpu/real.h"

#include <string.h>

/* What systems and steps share is spread out: numbers of [S][steps][each], of which the input has extents
 * [S or 1][steps or 1]. */
static void spread(const neurlp_node *input, int64_t systems, int64_t steps, int64_t each, double *to) {
  const real *from = input->data;
  const int64_t own = input->shape.extents[0] > 1, held = input->numbers / input->shape.extents[0];
  const bool constant = held < steps * each;
  for (int64_t s = 0; s < systems; s++)
    for (int64_t t = 0; t < steps; t++)
      for (int64_t i = 0; i < each; i++)
        to[(s * steps + t) * each + i] = from[s * own * held + (constant ? 0 : t * each) + i];
}

/* Adds the gradient of what was spread, of the systems that have one. */
static void gather(const neurlp_status *statuses, neurlp_node *input, int64_t systems, int64_t steps,
                   int64_t each, const double *from) {
  real *to = input->gradient;
  const int64_t own = input->shape.extents[0] > 1, held = input->numbers / input->shape.extents[0];
  const bool constant = held < steps * each;
  for (int64_t s = 0; s < systems; s++)
    for (int64_t t = 0; statuses[s] == NEURLP_SUCCESS && t < steps; t++)
      for (int64_t i = 0; i < each; i++)
        to[s * own * held + (constant ? 0 : t * each) + i] += (real)from[(s * steps + t) * each + i];
}

/* Fills the scratch with the inputs of so many systems. */
static neurlp_nonlinear_batch batch_of(neurlp_graph *graph, const neurlp_node *node, int64_t systems,
                                       const neurlp_nonlinear_scratch *scratch) {
  const neurlp_graph_nonlinear *nonlinear = node->object;
  const neurlp_nonlinear_shape *z = &nonlinear->shape;
  const int64_t T = z->steps;
  const neurlp_node *parameters = neurlp_nonlinear_node(graph, node, NEURLP_NONLINEAR_PARAMETERS);
  spread(neurlp_nonlinear_node(graph, node, NEURLP_NONLINEAR_INITIAL_VALUES), systems, 1,
         (int64_t)z->dimensions * z->leading_derivative, scratch->initial_values);
  if (parameters) spread(parameters, systems, 1, z->parameters, scratch->parameters);
  spread(neurlp_nonlinear_node(graph, node, NEURLP_NONLINEAR_STEPS), systems, T - 1, 1, scratch->steps);
  for (int64_t s = 0; s < systems; s++) {
    double *times = scratch->times + s * T;
    times[0] = 0;
    for (int64_t t = 1; t < T; t++) times[t] = times[t - 1] + scratch->steps[s * (T - 1) + t - 1];
  }
  return (neurlp_nonlinear_batch){.systems = systems,
                                  .steps = scratch->steps,
                                  .initial_values = scratch->initial_values,
                                  .scale = nonlinear->scale,
                                  .parameters = parameters ? scratch->parameters : NULL,
                                  .times = scratch->times};
}

/* Trajectories to start from: the guess, or the initial values all the time. Derivatives from kappa on are
 * not looked at. */
static void start(neurlp_graph *graph, const neurlp_node *node, int64_t systems,
                  const neurlp_nonlinear_batch *batch, double *state) {
  const neurlp_nonlinear_shape *z = &((const neurlp_graph_nonlinear *)node->object)->shape;
  const neurlp_node *guess = neurlp_nonlinear_node(graph, node, NEURLP_NONLINEAR_GUESS);
  const int64_t T = z->steps, kappa = z->leading_derivative, D = z->dimensions, width = z->order + 1;
  const int64_t own = guess && guess->shape.extents[0] > 1, moves = guess && guess->shape.extents[1] > 1;
  memset(state, 0, (size_t)(systems * T * D * width) * sizeof *state);
  for (int64_t s = 0; s < systems; s++)
    for (int64_t t = 0; t < T; t++)
      for (int64_t k = 0; k < D; k++)
        for (int64_t j = 0; j < kappa; j++) {
          const int64_t row = s * own * (moves ? T : 1) + t * moves;
          state[((s * T + t) * D + k) * width + j] =
              guess ? (double)((const real *)guess->data)[(row * D + k) * kappa + j]
                    : batch->initial_values[(s * D + k) * kappa + j];
        }
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_nonlinear *nonlinear = node->object;
  const int64_t systems = neurlp_graph_present(graph), each = node->numbers / nonlinear->shape.systems;
  const neurlp_nonlinear_scratch scratch = neurlp_nonlinear_scratch_at(nonlinear, node->scratch);
  neurlp_status *samples = neurlp_graph_sample_statuses(graph);
  double *state = node->saved;
  real *u = node->data;
  const neurlp_nonlinear_batch batch = batch_of(graph, node, systems, &scratch);
  start(graph, node, systems, &batch, state);
  if (systems > 0) {
    const neurlp_status status = neurlp_nonlinear_solve(nonlinear->block, &batch, state, nonlinear->statuses);
    if (status < 0) return status;
  }
  for (int64_t s = 0; s < nonlinear->shape.systems; s++) {
    const neurlp_status status = s < systems ? nonlinear->statuses[s] : NEURLP_SUCCESS;
    const bool good = s < systems && status == NEURLP_SUCCESS;
    if (samples[s] == NEURLP_SUCCESS) samples[s] = status;
    for (int64_t i = s * each; i < (s + 1) * each; i++) u[i] = good ? (real)state[i] : 0;
  }
  return NEURLP_SUCCESS;
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_nonlinear *nonlinear = node->object;
  const neurlp_nonlinear_shape *z = &nonlinear->shape;
  const int64_t systems = neurlp_graph_present(graph), each = node->numbers / z->systems;
  const neurlp_nonlinear_scratch scratch = neurlp_nonlinear_scratch_at(nonlinear, node->scratch);
  neurlp_node *v = neurlp_nonlinear_node(graph, node, NEURLP_NONLINEAR_INITIAL_VALUES);
  neurlp_node *p = neurlp_nonlinear_node(graph, node, NEURLP_NONLINEAR_PARAMETERS);
  neurlp_node *h = neurlp_nonlinear_node(graph, node, NEURLP_NONLINEAR_STEPS);
  neurlp_status *statuses = nonlinear->adjoint_statuses;
  if (systems == 0) return NEURLP_SUCCESS;
  const neurlp_nonlinear_batch batch = batch_of(graph, node, systems, &scratch);
  for (int64_t i = 0; i < systems * each; i++)
    scratch.grad_state[i] = (double)((const real *)node->gradient)[i];
  neurlp_nonlinear_gradients gradients = scratch.gradients;
  if (!p) gradients.parameters = NULL;
  const neurlp_status status = neurlp_nonlinear_adjoint(nonlinear->block, &batch, node->saved,
                                                        scratch.grad_state, &gradients, statuses);
  if (status < 0) return status;
  for (int64_t s = 0; s < systems; s++)
    if (nonlinear->statuses[s] != NEURLP_SUCCESS) statuses[s] = nonlinear->statuses[s];
  if (v->trained)
    gather(statuses, v, systems, 1, (int64_t)z->dimensions * z->leading_derivative, gradients.initial_values);
  if (p && p->trained) gather(statuses, p, systems, 1, z->parameters, gradients.parameters);
  if (h->trained) gather(statuses, h, systems, z->steps - 1, 1, gradients.steps);
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_nonlinear) = {forward, backward};
