#include "train/network_memory.h"

#include "comm.h"
#include "core/triangle.h"
#include "file/array_file_parts.h"
#include "train/descent.h"
#include "train/lbfgs.h"
#include "train/network_forecast_write.h"
#include "train/network_pieces.h"
#include "train/network_record.h"
#include "train/network_truth.h"

#include <stdio.h>
#include <string.h>

/* Blocks of the context are small beside arrays; each has its length in front, and there are names, groups,
 * lines of text. */
enum { SMALL_BYTES = 1 << 18, READ_BACK_BYTES = 1 << 20 };

static int64_t number_bytes(const neurlp_network_study *s) {
  return neurlp_graph_precision(s->model.graph) == NEURLP_SINGLE ? 4 : 8;
}

/* What solving for weights takes: it is opened, and closed again. 0 where it cannot be: the training says
 * why. */
static int64_t solving_bytes(neurlp_network_study *s) {
  const size_t before = neurlp_context_memory(s->context).current_bytes;
  neurlp_solving solving = {0};
  if (!s->training.solving) return 0;
  const neurlp_status status = neurlp_solving_open(&solving, s->training.solving, &s->model);
  const size_t after = neurlp_context_memory(s->context).current_bytes;
  neurlp_solving_close(&solving);
  return status < 0 ? 0 : (int64_t)(after - before);
}

/* What refinements by Gauss-Newton take, found in the same way, and weights before and after. */
static int64_t newton_bytes(neurlp_network_study *s) {
  const size_t before = neurlp_context_memory(s->context).current_bytes;
  neurlp_newton *newton = NULL;
  if (!s->training.newton) return 0;
  const neurlp_status status = neurlp_newton_create(s->training.newton, &s->windows, &newton);
  const size_t after = neurlp_context_memory(s->context).current_bytes;
  neurlp_newton_destroy(&newton);
  const int64_t weights = (int64_t)s->terms * s->data.dimensions, bins = s->training.newton->shards;
  return (status < 0 ? 0 : (int64_t)(after - before)) + 16 * weights +
         16 * bins * (neurlp_triangle_count(weights + 1) + 2);
}

/* What neurlp_training_run allocates, and who remembers what it does. */
static int64_t training_bytes(neurlp_network_study *s) {
  const neurlp_training_options *o = &s->training.options;
  const int64_t count = neurlp_graph_parameter_count(s->model.graph);
  const int64_t vector = count * number_bytes(s), samples = neurlp_graph_samples(s->model.graph);
  const neurlp_window_spec *z = &s->windows.spec;
  const int32_t tensors = neurlp_graph_parameter_tensors(s->model.graph);
  const neurlp_minimiser *minimiser = o->minimiser                              ? o->minimiser
                                      : strcmp(o->optimiser.name, "lbfgs") == 0 ? &neurlp_minimiser_lbfgs
                                                                                : NULL;
  neurlp_optimiser_options steps = o->optimiser;
  int64_t bytes = 2 * vector + count + samples * (2 * z->window * z->dimensions + 1) * 8;
  if (minimiser) {
    neurlp_minimiser_options options = neurlp_minimiser_defaults(count);
    options.precision = neurlp_graph_precision(s->model.graph);
    bytes += (int64_t)minimiser->bytes(&options);
    steps.name = "sgd";
  }
  const int64_t optimiser =
      (int64_t)neurlp_optimiser_bytes(&steps, neurlp_graph_precision(s->model.graph), count, tensors);
  bytes += optimiser;
  if (strncmp(neurlp_context_backend(s->context), "cuda", 4) == 0) {
    bytes += optimiser; /* on the GPU, too, which makes the steps */
    bytes += (int64_t)neurlp_descent_bytes(neurlp_graph_precision(s->model.graph), count, tensors);
  }
  if (o->refinements > 0) bytes += 3 * samples * z->window * z->dimensions * 8; /* a shard is evaluated */
  bytes += vector;                      /* the watch's good parameters */
  if (o->patience > 0) bytes += vector; /* early stopping's best ones */
  bytes += s->solving_bytes;            /* weights in closed form; what is gathered goes out in one piece */
  bytes += 2 * s->solving.shards * neurlp_triangle_count(s->terms + 1) * s->data.dimensions * 8;
  return bytes + solving_bytes(s) + newton_bytes(s) + neurlp_network_record_bytes(s);
}

/* What neurlp_network_result_write allocates: answers of a piece of windows, then forecasts, with what is
 * read back of the file, a MB or a row at a time; a shard that is evaluated, or a parameter tensor; a piece
 * of the file where generated data are kept. */
static int64_t result_bytes(const neurlp_network_study *s) {
  const neurlp_window_spec *z = &s->windows.spec;
  const int64_t T = z->window, D = z->dimensions, samples = neurlp_graph_samples(s->model.graph);
  int64_t most = T * D, largest = 0;
  if (s->wiring.coefficients.kind == NEURLP_SOURCE_NETWORK) most = T * D * (s->order + 1);
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(s->model.graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(s->model.graph, i);
    if (largest < info.count) largest = info.count;
  }
  if (largest < samples * (2 * T * D + most)) largest = samples * (2 * T * D + most);
  const int64_t windows = neurlp_network_pieces_room(s), forecasts = neurlp_network_forecast_room(s);
  const int64_t history =
      2 * (int64_t)sizeof(neurlp_epoch) * s->training.options.epochs * s->training.options.cycles;
  const int64_t judged = 8 * NEURLP_SETS * (10 * D * s->terms + 3); /* sums, and what comes of them */
  const bool kept = s->data.generated && neurlp_deck_text(s->data.job->deck, "output.data");
  return (windows > forecasts ? windows : forecasts) + 8 * largest + history + judged +
         (kept ? NEURLP_PIECE_BYTES : 0) + READ_BACK_BYTES;
}

neurlp_network_memory neurlp_network_memory_of(neurlp_network_study *s) {
  const neurlp_memory now = neurlp_context_memory(s->context);
  const int64_t graph = (int64_t)neurlp_graph_bytes(s->model.graph);
  const int64_t training = training_bytes(s), result = result_bytes(s);
  const int64_t then =
      (int64_t)now.current_bytes + (s->allocated ? 0 : graph) + (training > result ? training : result);
  const int64_t most = then > (int64_t)now.peak_bytes ? then : (int64_t)now.peak_bytes;
  return (neurlp_network_memory){.graph_bytes = graph,
                                 .most_bytes = most + neurlp_node_memory_part(&s->node) + SMALL_BYTES};
}

void neurlp_network_memory_report(neurlp_network_study *s) {
  const neurlp_network_memory mine = neurlp_network_memory_of(s);
  int64_t most = mine.most_bytes;
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT64_T, MPI_MAX, s->data.comm);
  if (s->data.rank == 0)
    printf("  memory: %lld bytes of the graph, %lld bytes at most in all on a rank\n",
           (long long)mine.graph_bytes, (long long)most);
}
