/* Ensembles: checks of arguments, and which backend runs them. */
#include "system/ensemble_backend.h"

#include <math.h>
#include <string.h>

struct neurlp_ensemble {
  neurlp_context *context;
  const neurlp_dynamics *dynamics;
  neurlp_ensemble_options options;
  const neurlp_ensemble_backend *backend;
  void *state; /* the backend's */
};

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

/* The one that goes with the context's backend for solvers; cpu:check has none of its own. */
static const neurlp_ensemble_backend *find_backend(const neurlp_context *context) {
#ifdef NEURLP_HAVE_CUDA
  if (strcmp(neurlp_context_backend(context), "cuda") == 0) return neurlp_ensemble_backend_cuda();
  if (strcmp(neurlp_context_backend(context), "cuda:check") == 0) return neurlp_ensemble_backend_cuda_check();
#else
  (void)context;
#endif
  return neurlp_ensemble_backend_cpu();
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
  made->backend = find_backend(context);
  NEURLP_TRY(made->backend->create(context, dynamics, options, &made->state));
  *ensemble = made;
  made = NULL;
done:
  neurlp_ensemble_destroy(&made);
  return status;
}

void neurlp_ensemble_destroy(neurlp_ensemble **ensemble) {
  if (!ensemble || !*ensemble) return;
  neurlp_context *context = (*ensemble)->context;
  (*ensemble)->backend->destroy(&(*ensemble)->state);
  neurlp_release(context, ensemble);
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
    if (m > 0) steps += neurlp_ensemble_steps(input->times[m] - input->times[m - 1], options->step);
  }
  if (options->method == NEURLP_ENSEMBLE_RK4 && !(steps <= (double)options->maximum_steps))
    return neurlp_fail(ensemble->context, NEURLP_ERROR_ARGUMENT,
                       "ensemble: %g steps of %g are more than maximum_steps, %lld; take a larger step",
                       steps, options->step, (long long)options->maximum_steps);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_ensemble_integrate(neurlp_ensemble *ensemble, const neurlp_ensemble_input *input,
                                        void *states, neurlp_status *statuses) {
  const neurlp_ensemble_options *options = &ensemble->options;
  neurlp_status status = NEURLP_SUCCESS;
  int64_t failed = 0;
  NEURLP_TRY(check_input(ensemble, input));
  const neurlp_ensemble_call call = {.dimensions = ensemble->dynamics->dimensions,
                                     .order = ensemble->dynamics->order,
                                     .size = ensemble->dynamics->size,
                                     .parameters_count = ensemble->dynamics->parameters,
                                     .shared_parameters = input->shared_parameters,
                                     .final_only = options->final_only,
                                     .systems = input->systems,
                                     .times_count = input->times_count,
                                     .maximum_steps = options->maximum_steps,
                                     .step = options->step,
                                     .relative_tolerance = options->relative_tolerance,
                                     .absolute_tolerance = options->absolute_tolerance,
                                     .times = input->times,
                                     .initial = input->initial,
                                     .parameters = input->parameters,
                                     .states = states,
                                     .statuses = statuses};
  NEURLP_TRY(ensemble->backend->integrate(ensemble->state, &call, &failed));
  status = failed > 0 ? NEURLP_SOME_FAILED : NEURLP_SUCCESS;
done:
  return status;
}
