/* Initial values from a data set: the first samples of its trajectories. Every rank reads its own, alone. */
#include "data/generate_plan.h"

static neurlp_status open_file(const neurlp_generated *g, neurlp_data_set **data) {
  const neurlp_data_request request = {.path = g->sources[NEURLP_SOURCE_INITIAL],
                                       .state_count = g->dimensions,
                                       .states = (const char *const *)g->names,
                                       .first = 0,
                                       .end = 1,
                                       .stride = 1};
  return neurlp_data_open(MPI_COMM_SELF, g->plan->context, &request, data);
}

neurlp_status neurlp_generate_count_initial(const neurlp_generated *g, int64_t *systems) {
  neurlp_data_set *data = NULL;
  const neurlp_status status = open_file(g, &data);
  if (status >= 0) *systems = data->systems;
  neurlp_data_close(&data);
  return status;
}

neurlp_status neurlp_generate_read_initial(const neurlp_generated *g, int64_t first, int64_t end,
                                           double **samples) {
  const neurlp_sample_range range = {
      .first_system = first, .end_system = end, .first_sample = 0, .end_sample = end > first};
  neurlp_samples read = {0};
  neurlp_data_set *data = NULL;
  *samples = NULL;
  if (!g->sources[NEURLP_SOURCE_INITIAL] || end <= first) return NEURLP_SUCCESS;
  neurlp_status status = open_file(g, &data);
  if (status >= 0) status = neurlp_data_read(data, &range, &read);
  neurlp_data_close(&data);
  if (status < 0) return status;
  if (read.offsets[end - first] != end - first)
    status = neurlp_fail(g->plan->context, NEURLP_ERROR_DATA, "%s: some trajectories have no first sample",
                         g->sources[NEURLP_SOURCE_INITIAL]);
  if (status >= 0) {
    *samples = read.states;
    read.states = NULL;
  }
  neurlp_samples_release(g->plan->context, &read);
  return status;
}
