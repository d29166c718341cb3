/* Where a training went bad: which window of a batch, and which parameters. */
#include "learn/network/network_train_parts.h"

#include <math.h>
#include <stdio.h>

/* Looks at some windows of a batch, as one shard or less. */
typedef struct suspects {
  neurlp_training *t;
  double weight;
  double *room; /* [largest parameter tensor] */
} suspects;

/* Which parameters a gradient is worst of: the first with an entry that is not finite, else the one with the
 * longest gradient. */
typedef struct finding {
  double loss;
  bool wild; /* loss or gradient is not finite, or the window's block could not be solved */
  const char *group;
} finding;

static neurlp_status judge_gradient(const suspects *s, finding *found) {
  neurlp_status status = NEURLP_SUCCESS;
  double longest = -1;
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(s->t->graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(s->t->graph, i);
    double square = 0;
    bool finite = true;
    NEURLP_TRY(neurlp_graph_read_gradient(s->t->graph, info.value, s->room));
    for (int64_t j = 0; j < info.count; j++) {
      finite = finite && isfinite(s->room[j]);
      square += s->room[j] * s->room[j];
    }
    if (finite && square <= longest) continue;
    found->group = info.name;
    longest = square;
    if (finite) continue;
    found->wild = true;
    break;
  }
done:
  return status;
}

/* Runs `count` windows, forward and backward. */
static neurlp_status examine(const suspects *s, const int64_t *windows, int64_t count, finding *found) {
  neurlp_training *t = s->t;
  neurlp_status status = NEURLP_SUCCESS;
  *found = (finding){.loss = 0};
  for (int64_t i = 0; i < neurlp_graph_samples(t->graph); i++) t->shard[i] = i < count ? windows[i] : -1;
  NEURLP_TRY(neurlp_training_write(t, t->shard));
  NEURLP_TRY(neurlp_graph_begin(t->graph, count, s->weight));
  NEURLP_TRY(neurlp_graph_forward(t->graph));
  NEURLP_TRY(neurlp_graph_read(t->graph, neurlp_graph_loss_value(t->graph), &found->loss));
  found->wild = !isfinite(found->loss);
  for (int64_t i = 0; i < count; i++)
    found->wild = found->wild || neurlp_graph_statuses(t->graph)[i] != NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_graph_backward(t->graph));
  status = judge_gradient(s, found);
done:
  return status;
}

/* The half of the windows to go on with: the first one that is wild, or else the one with the greater loss.
 */
static neurlp_status halve(const suspects *s, const int64_t **windows, int64_t *count, finding *found) {
  const int64_t half = (*count + 1) / 2;
  finding first, second;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(examine(s, *windows, half, &first));
  NEURLP_TRY(examine(s, *windows + half, *count - half, &second));
  const bool early = first.wild || (!second.wild && first.loss >= second.loss);
  *windows += early ? 0 : half;
  *count = early ? half : *count - half;
  *found = early ? first : second;
done:
  return status;
}

/* The shard of a batch to look into, by the same rule: *count windows at `worst`. */
static neurlp_status find_shard(const suspects *s, const neurlp_batch *batch, int64_t *windows,
                                int64_t *worst, int64_t *count, finding *found) {
  const neurlp_sampler *sampler = s->t->spec->sampler;
  neurlp_status status = NEURLP_SUCCESS;
  finding now;
  *count = 0;
  for (int64_t shard = 0; shard < sampler->options.shards && !found->wild; shard++) {
    const int64_t present = neurlp_batch_shard(s->t->spec, batch, shard, windows);
    if (present == 0) break;
    NEURLP_TRY(examine(s, windows, present, &now));
    if (*count > 0 && !now.wild && now.loss <= found->loss) continue;
    *found = now;
    *count = present;
    for (int64_t i = 0; i < present; i++) worst[i] = windows[i];
  }
done:
  return status;
}

/* Where trajectories and parameters are the same on all ranks, so is what is found: each looks at all shards.
 */
neurlp_status neurlp_training_blame(neurlp_training *t, const neurlp_batch *batch, neurlp_blame *blame) {
  const int64_t samples = neurlp_graph_samples(t->graph);
  suspects s = {.t = t, .weight = 1 / (double)batch->windows};
  neurlp_status status = NEURLP_SUCCESS;
  int64_t *windows = NULL, *worst = NULL, largest = 1, count = 0;
  finding found = {.loss = -INFINITY};
  *blame = (neurlp_blame){.window = -1};
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(t->graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(t->graph, i);
    if (largest < info.count) largest = info.count;
  }
  NEURLP_TRY(neurlp_allocate(t->context, samples, sizeof *windows, &windows));
  NEURLP_TRY(neurlp_allocate(t->context, samples, sizeof *worst, &worst));
  NEURLP_TRY(neurlp_allocate(t->context, largest, sizeof *s.room, &s.room));
  NEURLP_TRY(find_shard(&s, batch, windows, worst, &count, &found));
  const int64_t *at = worst;
  while (count > 1) NEURLP_TRY(halve(&s, &at, &count, &found));
  if (count == 1) *blame = (neurlp_blame){.window = *at, .group = found.group};
done:
  neurlp_release(t->context, &windows);
  neurlp_release(t->context, &worst);
  neurlp_release(t->context, &s.room);
  return status;
}
