/* Arguments of the nonlinear block. */
#include "block/nonlinear/nonlinear.h"
#include "block/problem.h"

#include <math.h>

static neurlp_status check_integer(neurlp_context *context, const char *field, int64_t value, int64_t least,
                                   int64_t most) {
  if (value >= least && value <= most) return NEURLP_SUCCESS;
  if (most >= INT32_MAX)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%s is %lld; it must be at least %lld", field,
                       (long long)value, (long long)least);
  return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%s is %lld; it must be between %lld and %lld", field,
                     (long long)value, (long long)least, (long long)most);
}

/* The Jacobian's columns and those of the sensitivities are counted in 32 bits, what the batch multiplies in
 * 64. */
static neurlp_status check_size(neurlp_context *context, const neurlp_nonlinear_shape *shape) {
  const double D = shape->dimensions, columns = shape->parameters + D * shape->leading_derivative;
  if (columns > INT32_MAX || D * (shape->order + 1) > INT32_MAX || D * shape->parameters > INT32_MAX)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "dimensions %d, order %d and parameters %d need more than %d numbers for each step; "
                       "split the system or the parameters",
                       shape->dimensions, shape->order, shape->parameters, INT32_MAX);
  const double total = (double)shape->systems * shape->steps * D * (shape->order + 1) * columns;
  if (total > 0x1p60)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "systems %lld and steps %d need %.3g numbers, more than can be addressed; solve fewer "
                       "systems at a time",
                       (long long)shape->systems, shape->steps, total);
  return NEURLP_SUCCESS;
}

static neurlp_status check_equations(neurlp_context *context, const neurlp_nonlinear_shape *shape) {
  const neurlp_equations *e = shape->equations;
  if (!e || (e->dimensions == shape->dimensions && e->leading_derivative == shape->leading_derivative &&
             e->parameters == shape->parameters))
    return NEURLP_SUCCESS;
  return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                     "equations have %d dimensions, leading_derivative %d and %d parameters, and the shape "
                     "%d, %d and %d; they must be the same",
                     e->dimensions, e->leading_derivative, e->parameters, shape->dimensions,
                     shape->leading_derivative, shape->parameters);
}

neurlp_status neurlp_nonlinear_check_shape(neurlp_context *context, neurlp_nonlinear_shape *shape) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_integer(context, "systems", shape->systems, 0, INT64_MAX));
  NEURLP_TRY(check_integer(context, "steps", shape->steps, 2, INT32_MAX));
  NEURLP_TRY(check_integer(context, "dimensions", shape->dimensions, 1, INT32_MAX));
  NEURLP_TRY(check_integer(context, "order", shape->order, 1, NEURLP_MAX_ORDER));
  NEURLP_TRY(check_integer(context, "leading_derivative", shape->leading_derivative, 1, shape->order));
  NEURLP_TRY(check_integer(context, "parameters", shape->parameters, 0, INT32_MAX));
  NEURLP_TRY(check_integer(context, "iterations", shape->iterations, 0, INT32_MAX));
  NEURLP_TRY(check_integer(context, "corrections", shape->corrections, 0, INT32_MAX));
  NEURLP_TRY(check_size(context, shape));
  NEURLP_TRY(check_equations(context, shape));
  if (!(shape->tolerance >= 0 && isfinite(shape->tolerance)))
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "tolerance is %g; it must be finite and at least 0, where 0 means 1e-10",
                       shape->tolerance);
  if (!(shape->remainder >= 0))
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "remainder is %g; it must be at least 0, where 0 means 1e-3; infinity takes anything",
                       shape->remainder);
  if (shape->remainder == 0) shape->remainder = 1e-3;
  if (shape->iterations == 0) shape->iterations = 20;
  if (shape->tolerance == 0) shape->tolerance = 1e-10;
  if (shape->weight_top == 0) shape->weight_top = neurlp_formulation_default().weight_top;
done:
  return status;
}

neurlp_status neurlp_nonlinear_check_array(const neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                           const char *name, const void *array) {
  if (array || batch->systems == 0) return NEURLP_SUCCESS;
  return neurlp_fail(block->context, NEURLP_ERROR_ARGUMENT, "%s is NULL, but this call needs it", name);
}

/* Wrong lengths and first points would be read past the arrays, so they are errors of the call. */
static neurlp_status check_layout(const neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch) {
  for (int64_t s = 0; batch->lengths && s < batch->systems; s++)
    if (batch->lengths[s] < 2 || batch->lengths[s] > block->shape.steps)
      return neurlp_fail(block->context, NEURLP_ERROR_ARGUMENT,
                         "batch.lengths[%lld] is %d; it must be between 2 and %d, the steps of the shape",
                         (long long)s, batch->lengths[s], block->shape.steps);
  for (int64_t s = 0; batch->first_point && s < batch->systems; s++)
    if (batch->first_point[s] < 0)
      return neurlp_fail(block->context, NEURLP_ERROR_ARGUMENT,
                         "batch.first_point[%lld] is %lld; it must be at least 0", (long long)s,
                         (long long)batch->first_point[s]);
  return NEURLP_SUCCESS;
}

static neurlp_status check_scale(const neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch) {
  const int64_t D = block->shape.dimensions;
  for (int64_t i = 0; batch->scale && i < batch->systems * D; i++)
    if (!(batch->scale[i] > 0 && isfinite(batch->scale[i])))
      return neurlp_fail(block->context, NEURLP_ERROR_ARGUMENT,
                         "batch.scale is %g for dimension %lld of system %lld; it must be finite and more "
                         "than 0: the typical size, or 1 where nothing is known",
                         batch->scale[i], (long long)(i % D), (long long)(i / D));
  return NEURLP_SUCCESS;
}

/* What f is given by: a function, or equations with their parameters and times. */
static neurlp_status check_field(const neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch) {
  const neurlp_equations *equations = block->shape.equations;
  neurlp_status status = NEURLP_SUCCESS;
  if (!equations && !batch->linearise && batch->systems > 0)
    return neurlp_fail(block->context, NEURLP_ERROR_ARGUMENT,
                       "batch.linearise is NULL; it must be a function that linearises f, or the shape must "
                       "have equations");
  if (equations && equations->parameters > 0)
    NEURLP_TRY(neurlp_nonlinear_check_array(block, batch, "batch.parameters", batch->parameters));
  if (equations && equations->timed)
    NEURLP_TRY(neurlp_nonlinear_check_array(block, batch, "batch.times", batch->times));
done:
  return status;
}

neurlp_status neurlp_nonlinear_check_batch(const neurlp_nonlinear *block,
                                           const neurlp_nonlinear_batch *batch) {
  neurlp_status status = NEURLP_SUCCESS;
  if (batch->systems < 0 || batch->systems > block->shape.systems)
    return neurlp_fail(block->context, NEURLP_ERROR_ARGUMENT,
                       "batch.systems is %lld; it must be between 0 and %lld, the systems of the shape",
                       (long long)batch->systems, (long long)block->shape.systems);
  NEURLP_TRY(neurlp_nonlinear_check_array(block, batch, "batch.steps", batch->steps));
  NEURLP_TRY(neurlp_nonlinear_check_array(block, batch, "batch.initial_values", batch->initial_values));
  NEURLP_TRY(check_field(block, batch));
  NEURLP_TRY(check_layout(block, batch));
  NEURLP_TRY(check_scale(block, batch));
done:
  return status;
}
