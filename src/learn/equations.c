/* Equations of nonlinear blocks, from text: a model without a library. */
#include "block/nonlinear/equations.h"
#include "learn/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t workspace_bytes(const neurlp_equations *equations, int32_t steps) {
  return neurlp_model_workspace_bytes(equations->model, steps);
}

static void linearise(const neurlp_equations *equations, int32_t length, int64_t width, const double *state,
                      const double *times, const double *parameters, bool want_sensitivity, void *workspace,
                      neurlp_linearisation *result) {
  const neurlp_points points = {.count = length, .states = state, .stride = width, .times = times};
  neurlp_model_values values;
  neurlp_model_evaluate(equations->model, &points, parameters, want_sensitivity, workspace, &values);
  *result = (neurlp_linearisation){values.flow, values.jacobian, values.sensitivity};
}

static neurlp_status check_spec(neurlp_context *context, const neurlp_equations_spec *spec) {
  if (spec->dimensions < 1)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "dimensions is %d; it must be at least 1",
                       spec->dimensions);
  if (spec->leading_derivative < 1 || spec->leading_derivative > 2)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "leading_derivative is %d; equations from text have 1 or 2", spec->leading_derivative);
  if (spec->parameters < 0)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "parameters is %d; it must be at least 0",
                       spec->parameters);
  for (int32_t k = 0; k < spec->dimensions; k++)
    if (!spec->states || !spec->right_sides || !spec->states[k] || !spec->right_sides[k])
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                         "states and right_sides must have a name and a text for each dimension, and %d has "
                         "none",
                         k);
  for (int32_t p = 0; p < spec->parameters; p++)
    if (!spec->parameter_names || !spec->parameter_names[p])
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "parameter_names has no name for parameter %d", p);
  return NEURLP_SUCCESS;
}

/* "x'' =right side" for each dimension: columns of messages are those of the right side as it was given. */
static neurlp_status write_equations(neurlp_context *context, const neurlp_equations_spec *spec,
                                     char **texts) {
  for (int32_t k = 0; k < spec->dimensions; k++) {
    const char *primes = spec->leading_derivative == 1 ? "'" : "''";
    const size_t bytes = strlen(spec->states[k]) + strlen(spec->right_sides[k]) + sizeof "'' =";
    const neurlp_status status = neurlp_allocate(context, (int64_t)bytes, 1, &texts[k]);
    if (status < 0) return status;
    snprintf(texts[k], bytes, "%s%s =%s", spec->states[k], primes, spec->right_sides[k]);
  }
  return NEURLP_SUCCESS;
}

static neurlp_status make_model(neurlp_context *context, const neurlp_equations_spec *spec,
                                neurlp_model **model) {
  const int32_t D = spec->dimensions, P = spec->parameters;
  neurlp_status status = NEURLP_SUCCESS;
  char **texts = NULL;
  neurlp_parameter *parameters = NULL;
  NEURLP_TRY(neurlp_allocate(context, D, sizeof *texts, &texts));
  NEURLP_TRY(neurlp_allocate(context, P, sizeof *parameters, &parameters));
  NEURLP_TRY(write_equations(context, spec, texts));
  for (int32_t p = 0; p < P; p++)
    parameters[p] =
        (neurlp_parameter){.name = spec->parameter_names[p], .lower = -INFINITY, .upper = INFINITY};
  const neurlp_model_spec model_spec = {.dimensions = D,
                                        .states = spec->states,
                                        .order = spec->leading_derivative,
                                        .equation_count = D,
                                        .equations = (const char *const *)texts,
                                        .parameter_count = P,
                                        .parameters = parameters};
  status = neurlp_model_create(context, &model_spec, model);
done:
  for (int32_t k = 0; texts && k < D; k++) neurlp_release(context, &texts[k]);
  neurlp_release(context, &texts);
  neurlp_release(context, &parameters);
  return status;
}

neurlp_status neurlp_equations_create(neurlp_context *context, const neurlp_equations_spec *spec,
                                      neurlp_equations **equations) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_equations *made = NULL;
  *equations = NULL;
  NEURLP_TRY(check_spec(context, spec));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  *made = (neurlp_equations){.context = context,
                             .dimensions = spec->dimensions,
                             .leading_derivative = spec->leading_derivative,
                             .parameters = spec->parameters,
                             .workspace_bytes = workspace_bytes,
                             .linearise = linearise};
  NEURLP_TRY(make_model(context, spec, &made->model));
  for (int32_t k = 0; k < spec->dimensions; k++)
    made->timed = made->timed || neurlp_expr_uses(made->model->known[k], made->model->symbols.count - 1);
  *equations = made;
  made = NULL;
done:
  neurlp_equations_destroy(&made);
  return status;
}

void neurlp_equations_destroy(neurlp_equations **equations) {
  if (!equations || !*equations) return;
  neurlp_context *context = (*equations)->context;
  neurlp_model_destroy(&(*equations)->model);
  neurlp_release(context, equations);
}
