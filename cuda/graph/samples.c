/* Losses and penalties. */
#include "cuda/graph/machine.h"

/* Doubles that a total is the sum of at most: one thread adds them up. */
enum { MOST_SUMS = 64 };

static neurlp_status start_total(neurlp_graph *graph, int64_t count, const double *from, bool shared,
                                 void *to) {
  const neurlp_cuda_total work = {
      .run = neurlp_graph_on_cuda(graph)->run, .shared = shared, .count = count, .from = from, .to = to};
  return neurlp_start_cuda(graph, &neurlp_cuda_sample_kernels_of(neurlp_graph_single(graph))->total, 1, &work,
                           sizeof work);
}

/* ---- losses ------------------------------------------------------------------------------------------ */

static neurlp_cuda_loss loss_of(neurlp_graph *graph, const neurlp_node *node) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  const neurlp_node *x = neurlp_graph_node(graph, node->inputs[0]);
  const int64_t samples = neurlp_graph_samples(graph), each = x->numbers / samples;
  return (neurlp_cuda_loss){.run = g->run,
                            .statuses = g->statuses,
                            .kind = (int32_t)node->attributes.loss,
                            .samples = samples,
                            .each = each,
                            .parts = neurlp_graph_parts(samples, each),
                            .x = x->data,
                            .target = neurlp_graph_node(graph, node->inputs[1])->data,
                            .gradient = node->gradient,
                            .dx = x->gradient,
                            .workspace = g->workspace,
                            .values = node->saved};
}

/* The sum over samples of each one's part: first in some parts. */
static neurlp_status start_sum(neurlp_graph *graph, const neurlp_cuda_loss *loss, double *sums,
                               int64_t parts) {
  const int64_t samples = loss->samples;
  const neurlp_cuda_reduction r = {
      .own = {.numbers = 1},
      .summed = {.rank = 1, .numbers = samples, .extents = {samples}, .strides = {{0}, {1}, {0}}},
      .parts = parts,
      .factor = 1,
      .whole = loss->values,
      .workspace = sums};
  return neurlp_start_cuda(graph, neurlp_cuda_form_double_parts(), parts, &r, sizeof r);
}

static neurlp_status loss_forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_cuda_sample_kernels *kernels = neurlp_cuda_sample_kernels_of(neurlp_graph_single(graph));
  const neurlp_cuda_loss work = loss_of(graph, node);
  const int64_t parts = work.samples < MOST_SUMS ? work.samples : MOST_SUMS;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_start_cuda(graph, &kernels->loss_parts, work.samples * work.parts, &work, sizeof work));
  NEURLP_TRY(neurlp_start_cuda(graph, &kernels->loss_values, work.samples, &work, sizeof work));
  NEURLP_TRY(start_sum(graph, &work, work.workspace, parts));
  status = start_total(graph, parts, work.workspace, false, node->data);
done:
  return status;
}

static neurlp_status loss_backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_cuda_sample_kernels *kernels = neurlp_cuda_sample_kernels_of(neurlp_graph_single(graph));
  const neurlp_cuda_loss work = loss_of(graph, node);
  return neurlp_start_cuda(graph, &kernels->loss_slopes, work.samples * work.each, &work, sizeof work);
}

const neurlp_kernel neurlp_kernel_loss_cuda = {loss_forward, loss_backward};

/* ---- penalties --------------------------------------------------------------------------------------- */

static neurlp_cuda_penalty penalty_of(neurlp_graph *graph, const neurlp_node *node) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  const neurlp_node *x = neurlp_graph_node(graph, node->inputs[0]);
  return (neurlp_cuda_penalty){.run = g->run,
                               .absolute = node->attributes.loss == NEURLP_LOSS_ABSOLUTE,
                               .numbers = x->numbers,
                               .parts = neurlp_graph_parts(1, x->numbers),
                               .x = x->data,
                               .gradient = node->gradient,
                               .dx = x->gradient,
                               .sums = g->workspace};
}

static neurlp_status penalty_forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_cuda_sample_kernels *kernels = neurlp_cuda_sample_kernels_of(neurlp_graph_single(graph));
  neurlp_cuda_penalty work = penalty_of(graph, node);
  const int64_t most = MOST_SUMS * MOST_SUMS;
  neurlp_status status = NEURLP_SUCCESS;
  if (work.parts > most) work.parts = most;
  const int64_t sums = work.parts < MOST_SUMS ? work.parts : MOST_SUMS;
  const neurlp_cuda_reduction r = {
      .own = {.numbers = 1},
      .summed = {.rank = 1, .numbers = work.parts, .extents = {work.parts}, .strides = {{0}, {1}, {0}}},
      .parts = sums,
      .factor = 1,
      .whole = work.sums,
      .workspace = work.sums + work.parts};
  NEURLP_TRY(neurlp_start_cuda(graph, &kernels->penalty_sums, work.parts, &work, sizeof work));
  NEURLP_TRY(neurlp_start_cuda(graph, neurlp_cuda_form_double_parts(), sums, &r, sizeof r));
  status = start_total(graph, sums, r.workspace, true, node->data);
done:
  return status;
}

static neurlp_status penalty_backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_cuda_sample_kernels *kernels = neurlp_cuda_sample_kernels_of(neurlp_graph_single(graph));
  const neurlp_cuda_penalty work = penalty_of(graph, node);
  return neurlp_start_cuda(graph, &kernels->penalty_slopes, work.numbers, &work, sizeof work);
}

const neurlp_kernel neurlp_kernel_penalty_cuda = {penalty_forward, penalty_backward};
