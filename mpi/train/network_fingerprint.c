#include "train/network_fingerprint.h"

#include "checkpoint/checkpoint.h"
#include "comm.h"
#include "file/array_file.h"
#include "study/fingerprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Numbers one after the other, as if they were one array. */
static void add(uint64_t *sum, int64_t *place, int64_t count, const double *numbers) {
  if (!numbers) return;
  *sum += neurlp_checksum(NEURLP_STATE_DOUBLE, *place, count, numbers);
  *place += count;
}

/* What network_load.h reads: scales, mask, parameters; as they are now. */
static neurlp_status sum_model(const neurlp_network_study *s, uint64_t *sum) {
  const int64_t D = s->data.dimensions, weights = D * s->terms;
  int64_t place = 0;
  double *numbers = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  add(sum, &place, D, s->windows.center);
  add(sum, &place, D, s->windows.spread);
  add(sum, &place, weights, s->weight_scale);
  add(sum, &place, weights, s->mask);
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(s->model.graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(s->model.graph, i);
    NEURLP_TRY(neurlp_allocate(s->context, info.count, sizeof *numbers, &numbers));
    NEURLP_TRY(neurlp_graph_read(s->model.graph, info.value, numbers));
    add(sum, &place, info.count, numbers);
    neurlp_release(s->context, &numbers);
  }
done:
  neurlp_release(s->context, &numbers);
  return status;
}

neurlp_status neurlp_network_fingerprint(neurlp_network_study *s, char **text) {
  uint64_t sum = 0;
  char *data = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (!neurlp_deck_text(s->data.job->deck, "train.model")) return neurlp_study_fingerprint(&s->data, text);
  NEURLP_TRY(neurlp_study_fingerprint(&s->data, &data));
  status = sum_model(s, &sum);
  const size_t bytes = strlen(data) + 64;
  if (status >= 0) status = neurlp_allocate(s->context, (int64_t)bytes, 1, text);
  NEURLP_TRY(neurlp_agree(s->data.comm, s->context, status));
  snprintf(*text, bytes, "%s and a model with checksum %016" PRIx64, data, sum);
done:
  neurlp_release(s->context, &data);
  return status;
}

neurlp_status neurlp_network_identity(neurlp_network_study *s, char **text) {
  /* Data and model have their checksums, wherever they come from. */
  static const char *const left_out[] = {"title",        "checkpoint",  "run.threads", "run.gpu_aware",
                                         "data.file",    "train.model", "output.file", "output.data",
                                         "output.piece", NULL};
  const uint64_t deck = neurlp_array_file_sum_deck(neurlp_deck_resolved(s->data.job->deck), left_out);
  const char *backend = neurlp_context_backend(s->context);
  uint64_t model = 0;
  char *data = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_study_fingerprint(&s->data, &data));
  status = sum_model(s, &model);
  const size_t bytes =
      strlen(backend) + strlen(neurlp_version()) + strlen(neurlp_build_info()) + strlen(data) + 128;
  if (status >= 0) status = neurlp_allocate(s->context, (int64_t)bytes, 1, text);
  NEURLP_TRY(neurlp_agree(s->data.comm, s->context, status));
  snprintf(*text, bytes,
           "result: deck %016" PRIx64 ", backend %s, %s, %s, %s and a model with checksum %016" PRIx64, deck,
           backend, neurlp_version(), neurlp_build_info(), data, model);
done:
  neurlp_release(s->context, &data);
  return status;
}
