#include "learn/network/network_forecast.h"

#include <math.h>
#include <string.h>

void neurlp_forecast_past(const neurlp_windows *windows, int64_t system, int64_t first, int64_t seen,
                          double *past) {
  const neurlp_window_spec *z = &windows->spec;
  const int32_t D = z->dimensions;
  memcpy(past, z->states + (system * z->samples + first - seen) * D, (size_t)(seen * D) * sizeof *past);
  for (int32_t k = 0; k < D; k++) (void)neurlp_fill_gaps(past + k, seen, D);
}

/* A shard of trajectories on its way into the future. */
typedef struct rollout {
  const neurlp_forecast_spec *spec;
  int64_t samples, present; /* of the graph's shard; trajectories in it */
  double *data;             /* [samples][T][D] what goes in: the K last samples, then NaN */
  double *target;           /* [samples][T][D] NaN: nothing is compared */
  double *answer;           /* [samples][T][D] */
  double *forecast;         /* [present][N][D] */
  neurlp_status *statuses;  /* [present] */
} rollout;

static bool all_finite(const double *x, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

/* Places of the shard that hold no trajectory, or one that failed, run along with zeros. */
static void begin(rollout *r, const double *past) {
  const int64_t row = r->spec->window * r->spec->dimensions, known = r->spec->seen * r->spec->dimensions;
  for (int64_t i = 0; i < r->samples * row; i++) r->data[i] = r->target[i] = NAN;
  for (int64_t s = 0; s < r->samples; s++) {
    memset(r->data + s * row, 0, (size_t)known * sizeof *r->data);
    if (s >= r->present) continue;
    r->statuses[s] = all_finite(past + s * known, known) ? NEURLP_SUCCESS : NEURLP_NOT_FINITE;
    if (r->statuses[s] == NEURLP_SUCCESS)
      memcpy(r->data + s * row, past + s * known, (size_t)known * sizeof *r->data);
  }
}

static neurlp_status run(rollout *r) {
  neurlp_network_model *m = r->spec->model;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_graph_write(m->graph, m->data, r->data));
  NEURLP_TRY(neurlp_graph_write(m->graph, m->target, r->target));
  NEURLP_TRY(neurlp_graph_begin(m->graph, r->present, 1));
  NEURLP_TRY(neurlp_graph_forward(m->graph));
  status = neurlp_graph_read(m->graph, r->spec->of_states ? m->states : m->solution, r->answer);
done:
  return status;
}

/* Takes the answers for steps [done, done + count), and makes the last K samples of past and answers the next
 * past. count is T - K, or less in the last round. */
static void take(rollout *r, int64_t done, int64_t count) {
  const neurlp_forecast_spec *z = r->spec;
  const int64_t D = z->dimensions, row = z->window * D, K = z->seen, fresh = z->window - K;
  const int64_t kept = fresh < K ? K - fresh : 0; /* samples of the past that stay in the next one */
  const neurlp_status *of_blocks = neurlp_graph_statuses(z->model->graph);
  for (int64_t s = 0; s < r->present; s++) {
    double *to = r->forecast + (s * z->steps + done) * D, *data = r->data + s * row;
    const double *answer = r->answer + (s * z->window + K) * D;
    if (r->statuses[s] == NEURLP_SUCCESS && of_blocks[s] != NEURLP_SUCCESS) r->statuses[s] = of_blocks[s];
    if (r->statuses[s] == NEURLP_SUCCESS && !all_finite(answer, fresh * D))
      r->statuses[s] = NEURLP_NOT_FINITE;
    if (r->statuses[s] != NEURLP_SUCCESS) {
      for (int64_t i = 0; i < count * D; i++) to[i] = NAN;
      memset(data, 0, (size_t)(K * D) * sizeof *data);
      continue;
    }
    memcpy(to, answer, (size_t)(count * D) * sizeof *to);
    memmove(data, data + (K - kept) * D, (size_t)(kept * D) * sizeof *data);
    memcpy(data + kept * D, answer + (fresh - (K - kept)) * D, (size_t)((K - kept) * D) * sizeof *data);
  }
}

neurlp_status neurlp_network_forecast(neurlp_context *context, const neurlp_forecast_spec *spec,
                                      int64_t count, const double *past, double *forecast,
                                      neurlp_status *statuses) {
  const int64_t samples = neurlp_graph_samples(spec->model->graph);
  const int64_t numbers = samples * spec->window * spec->dimensions, fresh = spec->window - spec->seen;
  rollout r = {.spec = spec, .samples = samples};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, numbers, sizeof *r.data, &r.data));
  NEURLP_TRY(neurlp_allocate(context, numbers, sizeof *r.target, &r.target));
  NEURLP_TRY(neurlp_allocate(context, numbers, sizeof *r.answer, &r.answer));
  for (int64_t first = 0; first < count; first += samples) {
    r.present = count - first < samples ? count - first : samples;
    r.forecast = forecast + first * spec->steps * spec->dimensions;
    r.statuses = statuses + first;
    begin(&r, past + first * spec->seen * spec->dimensions);
    for (int64_t done = 0; done < spec->steps; done += fresh) {
      NEURLP_TRY(run(&r));
      take(&r, done, spec->steps - done < fresh ? spec->steps - done : fresh);
    }
  }
done:
  neurlp_release(context, &r.data);
  neurlp_release(context, &r.target);
  neurlp_release(context, &r.answer);
  return status;
}
