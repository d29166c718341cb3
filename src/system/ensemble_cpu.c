/* Ensembles on the CPU: working arrays, and threads over tiles of trajectories. */
#include "system/ensemble_backend.h"
#include "system/ensemble_tile.h"

#include <omp.h>

typedef struct ensemble_cpu {
  neurlp_context *context;
  const neurlp_dynamics *dynamics;
  bool single;
  neurlp_ensemble_tile *run;
  int32_t threads;
  neurlp_ensemble_worker *workers; /* [threads] */
} ensemble_cpu;

static neurlp_ensemble_tile *choose_tile(const neurlp_ensemble_options *options) {
  const bool single = options->precision == NEURLP_SINGLE;
  if (options->method == NEURLP_ENSEMBLE_RK4)
    return single ? neurlp_ensemble_rk4_single : neurlp_ensemble_rk4_double;
  return single ? neurlp_ensemble_tsit5_single : neurlp_ensemble_tsit5_double;
}

static neurlp_status make_worker(const ensemble_cpu *ensemble, neurlp_ensemble_worker *w) {
  neurlp_context *context = ensemble->context;
  const neurlp_dynamics *dynamics = ensemble->dynamics;
  const int64_t lanes = NEURLP_PROGRAM_LANES, n = dynamics->size, symbols = n + dynamics->parameters + 1;
  const size_t number_bytes = ensemble->single ? sizeof(float) : sizeof(double);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, (int64_t)neurlp_program_workspace_bytes(dynamics->program), 1,
                             &w->program_workspace));
  NEURLP_TRY(neurlp_allocate(context, symbols, sizeof *w->inputs, &w->inputs));
  NEURLP_TRY(neurlp_allocate(context, symbols, sizeof *w->strides, &w->strides));
  NEURLP_TRY(neurlp_allocate(context, symbols * lanes, sizeof *w->point, &w->point));
  NEURLP_TRY(neurlp_allocate(context, dynamics->dimensions * lanes, sizeof *w->values, &w->values));
  NEURLP_TRY(neurlp_allocate(context, lanes, sizeof *w->times, &w->times));
  NEURLP_TRY(neurlp_allocate(context, n * lanes, number_bytes, &w->state));
  NEURLP_TRY(neurlp_allocate(context, n * lanes, number_bytes, &w->trial));
  NEURLP_TRY(neurlp_allocate(context, NEURLP_TABLEAU_STAGES * n * lanes, number_bytes, &w->stages));
  NEURLP_TRY(neurlp_allocate(context, lanes, sizeof *w->lanes, &w->lanes));
  for (int64_t i = 0; i < symbols; i++) {
    w->inputs[i] = w->point + i * lanes;
    w->strides[i] = 1;
  }
done:
  return status;
}

static void release_worker(neurlp_context *context, neurlp_ensemble_worker *w) {
  neurlp_release(context, &w->program_workspace);
  neurlp_release(context, &w->inputs);
  neurlp_release(context, &w->strides);
  neurlp_release(context, &w->point);
  neurlp_release(context, &w->values);
  neurlp_release(context, &w->times);
  neurlp_release(context, &w->state);
  neurlp_release(context, &w->trial);
  neurlp_release(context, &w->stages);
  neurlp_release(context, &w->lanes);
}

static void destroy_cpu(void **state) {
  ensemble_cpu *old = *state;
  if (!old) return;
  neurlp_context *context = old->context;
  for (int32_t i = 0; i < old->threads; i++) release_worker(context, &old->workers[i]);
  neurlp_release(context, &old->workers);
  neurlp_release(context, state);
}

static neurlp_status create_cpu(neurlp_context *context, const neurlp_dynamics *dynamics,
                                const neurlp_ensemble_options *options, void **state) {
  neurlp_status status = NEURLP_SUCCESS;
  void *made = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof(ensemble_cpu), &made));
  ensemble_cpu *ensemble = made;
  ensemble->context = context;
  ensemble->dynamics = dynamics;
  ensemble->single = options->precision == NEURLP_SINGLE;
  ensemble->run = choose_tile(options);
  NEURLP_TRY(neurlp_allocate(context, neurlp_context_threads(context), sizeof *ensemble->workers,
                             &ensemble->workers));
  ensemble->threads = neurlp_context_threads(context);
  for (int32_t i = 0; i < ensemble->threads; i++) NEURLP_TRY(make_worker(ensemble, &ensemble->workers[i]));
  *state = made;
  made = NULL;
done:
  destroy_cpu(&made);
  return status;
}

static neurlp_status integrate_cpu(void *state, const neurlp_ensemble_call *call, int64_t *failed) {
  ensemble_cpu *ensemble = state;
  const int64_t lanes = NEURLP_PROGRAM_LANES, tiles = (call->systems + lanes - 1) / lanes;
  int64_t all = 0;
#pragma omp parallel for schedule(dynamic) num_threads(ensemble->threads)
  for (int64_t i = 0; i < tiles; i++) {
    const int64_t left = call->systems - i * lanes;
    const int64_t own = ensemble->run(call, ensemble->dynamics, &ensemble->workers[omp_get_thread_num()],
                                      i * lanes, (int32_t)(left < lanes ? left : lanes));
#pragma omp atomic
    all += own;
  }
  *failed = all;
  return NEURLP_SUCCESS;
}

const neurlp_ensemble_backend *neurlp_ensemble_backend_cpu(void) {
  static const neurlp_ensemble_backend backend = {
      .create = create_cpu, .destroy = destroy_cpu, .integrate = integrate_cpu};
  return &backend;
}
