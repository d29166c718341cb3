/* Initial values from files: first samples of a data set's trajectories, or fitted states of a result. Every
 * rank reads its own, alone. */
#include "data/generate_plan.h"
#include "study/learned.h"

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

static neurlp_status read_samples(const neurlp_generated *g, int64_t first, int64_t end, double **samples) {
  const neurlp_sample_range range = {
      .first_system = first, .end_system = end, .first_sample = 0, .end_sample = end > first};
  neurlp_samples read = {0};
  neurlp_data_set *data = NULL;
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

/* ---- fitted states ----------------------------------------------------------------------------------- */

static neurlp_status read_ends(const neurlp_generated *g, int64_t first, int64_t count, double *values,
                               double *times) {
  return neurlp_learned_read_ends(g->plan->context, g->sources[NEURLP_SOURCE_RESULT], g->plan->from == 'l',
                                  first, count, (int64_t)g->dimensions * g->order, values, times);
}

neurlp_status neurlp_generate_count_fitted(const neurlp_generated *g, int64_t row, int64_t *systems,
                                           int64_t *first, double *time) {
  neurlp_context *context = g->plan->context;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_learned_ends ends = {0};
  double *values = NULL;
  NEURLP_TRY(neurlp_learned_count_ends(context, g->sources[NEURLP_SOURCE_RESULT], &ends));
  *systems = ends.own ? 1 : ends.systems; /* equations of one system are no one else's */
  *first = ends.own ? row : 0;
  NEURLP_TRY(neurlp_allocate(context, (int64_t)g->dimensions * g->order, sizeof *values, &values));
  NEURLP_TRY(read_ends(g, *first, 1, values, time));
done:
  neurlp_release(context, &values);
  return status;
}

static neurlp_status read_fitted(const neurlp_generated *g, int64_t first, int64_t end, double **values) {
  neurlp_context *context = g->plan->context;
  neurlp_status status = NEURLP_SUCCESS;
  double *times = NULL;
  NEURLP_TRY(neurlp_allocate(context, (end - first) * g->dimensions * g->order, sizeof **values, values));
  NEURLP_TRY(neurlp_allocate(context, end - first, sizeof *times, &times));
  NEURLP_TRY(read_ends(g, g->plan->from_row + first, end - first, *values, times));
done:
  neurlp_release(context, &times);
  if (status < 0) neurlp_release(context, values);
  return status;
}

neurlp_status neurlp_generate_read_initial(const neurlp_generated *g, int64_t first, int64_t end,
                                           int32_t *count, double **values) {
  *values = NULL;
  *count = g->plan->from ? g->dimensions * g->order : g->dimensions;
  if (end <= first) return NEURLP_SUCCESS;
  if (g->plan->from) return read_fitted(g, first, end, values);
  return g->sources[NEURLP_SOURCE_INITIAL] ? read_samples(g, first, end, values) : NEURLP_SUCCESS;
}
