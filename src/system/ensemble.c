/* Ensembles: checks, working arrays, and threads over tiles of trajectories. */
#include "system/ensemble.h"

#include "system/ensemble_tile.h"

#include <math.h>
#include <omp.h>

neurlp_ensemble_options neurlp_ensemble_options_default(void) {
  return (neurlp_ensemble_options){.method = NEURLP_ENSEMBLE_TSIT5,
                                   .precision = NEURLP_DOUBLE,
                                   .relative_tolerance = 1e-8,
                                   .absolute_tolerance = 1e-10,
                                   .maximum_steps = 10000000};
}

/* What is wrong with the options, or NULL. */
static const char *check_options(const neurlp_ensemble_options *options) {
  const bool rk4 = options->method == NEURLP_ENSEMBLE_RK4;
  if (!rk4 && options->method != NEURLP_ENSEMBLE_TSIT5) return "the method must be rk4 or tsit5";
  if (options->precision != NEURLP_DOUBLE && options->precision != NEURLP_SINGLE)
    return "the precision must be double or single";
  if (!isfinite(options->step) || options->step < 0.0) return "the step must be finite and not negative";
  if (rk4 && options->step == 0.0) return "rk4 needs a step that is not 0";
  if (!rk4 && (!(options->relative_tolerance > 0.0) || !(options->absolute_tolerance > 0.0)))
    return "tolerances must be positive";
  if (options->maximum_steps < 1) return "maximum_steps must be at least 1";
  return NULL;
}

static neurlp_status make_worker(const neurlp_ensemble *ensemble, neurlp_ensemble_worker *w) {
  neurlp_context *context = ensemble->context;
  const neurlp_dynamics *dynamics = ensemble->dynamics;
  const int64_t lanes = NEURLP_PROGRAM_LANES, n = dynamics->size, symbols = n + dynamics->parameters + 1;
  const size_t number_bytes = ensemble->options.precision == NEURLP_SINGLE ? sizeof(float) : sizeof(double);
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

neurlp_status neurlp_ensemble_create(neurlp_context *context, const neurlp_dynamics *dynamics,
                                     const neurlp_ensemble_options *options, neurlp_ensemble **ensemble) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_ensemble *made = NULL;
  const char *wrong = check_options(options);
  *ensemble = NULL;
  if (wrong) return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "ensemble: %s", wrong);
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  made->context = context;
  made->dynamics = dynamics;
  made->options = *options;
  NEURLP_TRY(
      neurlp_allocate(context, neurlp_context_threads(context), sizeof *made->workers, &made->workers));
  made->threads = neurlp_context_threads(context);
  for (int32_t i = 0; i < made->threads; i++) NEURLP_TRY(make_worker(made, &made->workers[i]));
  *ensemble = made;
  made = NULL;
done:
  neurlp_ensemble_destroy(&made);
  return status;
}

void neurlp_ensemble_destroy(neurlp_ensemble **ensemble) {
  if (!ensemble || !*ensemble) return;
  neurlp_ensemble *old = *ensemble;
  neurlp_context *context = old->context;
  for (int32_t i = 0; i < old->threads; i++) release_worker(context, &old->workers[i]);
  neurlp_release(context, &old->workers);
  neurlp_release(context, ensemble);
}

/* An interval that is a multiple of the step up to rounding is that many steps, not one more. */
static double steps_needed(double interval, double step) {
  return fmax(1.0, ceil(interval / step * (1.0 - 1e-9)));
}

int64_t neurlp_ensemble_steps(double interval, double step) {
  return (int64_t)steps_needed(interval, step);
}

static neurlp_status check_input(const neurlp_ensemble *ensemble, const neurlp_ensemble_input *input) {
  const neurlp_ensemble_options *options = &ensemble->options;
  double steps = 0.0;
  if (input->systems < 0 || input->times_count < 1)
    return neurlp_fail(ensemble->context, NEURLP_ERROR_ARGUMENT,
                       "ensemble: %lld trajectories at %lld times; there must be at least one time",
                       (long long)input->systems, (long long)input->times_count);
  for (int64_t m = 0; m < input->times_count; m++) {
    if (!isfinite(input->times[m]) || (m > 0 && input->times[m] <= input->times[m - 1]))
      return neurlp_fail(ensemble->context, NEURLP_ERROR_ARGUMENT,
                         "ensemble: time %lld is %g; times must be finite and increase strictly",
                         (long long)m, input->times[m]);
    if (m > 0) steps += steps_needed(input->times[m] - input->times[m - 1], options->step);
  }
  if (options->method == NEURLP_ENSEMBLE_RK4 && !(steps <= (double)options->maximum_steps))
    return neurlp_fail(ensemble->context, NEURLP_ERROR_ARGUMENT,
                       "ensemble: %g steps of %g are more than maximum_steps, %lld; take a larger step",
                       steps, options->step, (long long)options->maximum_steps);
  return NEURLP_SUCCESS;
}

static neurlp_ensemble_tile *choose_tile(const neurlp_ensemble_options *options) {
  const bool single = options->precision == NEURLP_SINGLE;
  if (options->method == NEURLP_ENSEMBLE_RK4)
    return single ? neurlp_ensemble_rk4_single : neurlp_ensemble_rk4_double;
  return single ? neurlp_ensemble_tsit5_single : neurlp_ensemble_tsit5_double;
}

neurlp_status neurlp_ensemble_integrate(neurlp_ensemble *ensemble, const neurlp_ensemble_input *input,
                                        void *states, neurlp_status *statuses) {
  const neurlp_status status = check_input(ensemble, input);
  if (status < 0) return status;
  const neurlp_ensemble_call call = {
      .ensemble = ensemble, .input = input, .states = states, .statuses = statuses};
  neurlp_ensemble_tile *run = choose_tile(&ensemble->options);
  const int64_t lanes = NEURLP_PROGRAM_LANES, tiles = (input->systems + lanes - 1) / lanes;
  int64_t failed = 0;
#pragma omp parallel for schedule(dynamic) num_threads(ensemble->threads)
  for (int64_t i = 0; i < tiles; i++) {
    const int64_t left = input->systems - i * lanes;
    const int64_t own = run(&call, &ensemble->workers[omp_get_thread_num()], i * lanes,
                            (int32_t)(left < lanes ? left : lanes));
#pragma omp atomic
    failed += own;
  }
  return failed > 0 ? NEURLP_SOME_FAILED : NEURLP_SUCCESS;
}
