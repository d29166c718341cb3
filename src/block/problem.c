#include "block/problem.h"

#include <math.h>

/* Weights whose squares, and the nominal step's powers, are far from the ends of the number range. */
static const double LARGEST_WEIGHT = 1e100;
static const double LARGEST_NOMINAL_STEP = 1e30;

neurlp_formulation neurlp_formulation_default(void) {
  return (neurlp_formulation){.initial = NEURLP_INITIAL_HARD,
                              .nominal_step = 1.0,
                              .leading_derivative = 1,
                              .weight_equation = 0.0,
                              .weight_initial = 1.0,
                              .weight_smoothness = 1.0,
                              .weight_top = 1e-3};
}

static neurlp_status check_integer(neurlp_context *context, const char *field, int64_t value, int64_t least,
                                   int64_t most) {
  if (value >= least && value <= most) return NEURLP_SUCCESS;
  if (most == INT64_MAX)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%s is %lld; it must be at least %lld", field,
                       (long long)value, (long long)least);
  return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%s is %lld; it must be between %lld and %lld", field,
                     (long long)value, (long long)least, (long long)most);
}

static neurlp_status check_positive(neurlp_context *context, const char *field, double value, double most) {
  if (value >= 1 / most && value <= most) return NEURLP_SUCCESS;
  return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%s is %g; it must be between %g and %g", field, value,
                     1 / most, most);
}

/* Every array of the batch, and the rows of one step, must be addressable: 64-bit offsets into the arrays,
 * 32-bit offsets inside one step. */
static neurlp_status check_size(neurlp_context *context, const neurlp_shape *shape) {
  const double n = (double)shape->dimensions * (shape->order + 1);
  const double rows = shape->equations + 2 * n;
  const double step = rows * (2 * n + shape->columns);
  if (step > INT32_MAX)
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "dimensions %d, order %d, equations %d, columns %d need %.3g numbers for each step; at "
        "most %d are possible; split the system or the columns",
        shape->dimensions, shape->order, shape->equations, shape->columns, step, INT32_MAX);
  const double total = (double)shape->systems * shape->steps * step;
  if (total > 0x1p60)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "systems %lld and steps %d need %.3g numbers, more than can be addressed; solve fewer "
                       "systems at a time",
                       (long long)shape->systems, shape->steps, total);
  return NEURLP_SUCCESS;
}

static neurlp_status check_shape(neurlp_context *context, const neurlp_shape *shape) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_integer(context, "systems", shape->systems, 0, INT64_MAX));
  NEURLP_TRY(check_integer(context, "steps", shape->steps, 2, INT32_MAX));
  NEURLP_TRY(check_integer(context, "dimensions", shape->dimensions, 1, INT32_MAX));
  NEURLP_TRY(check_integer(context, "order", shape->order, 1, NEURLP_MAX_ORDER));
  NEURLP_TRY(check_integer(context, "equations", shape->equations, 0, INT32_MAX));
  NEURLP_TRY(check_integer(context, "initial_steps", shape->initial_steps, 0, shape->steps));
  NEURLP_TRY(check_integer(context, "initial_derivatives", shape->initial_derivatives, 0, shape->order + 1));
  NEURLP_TRY(check_integer(context, "columns", shape->columns, 1, INT32_MAX));
  NEURLP_TRY(check_size(context, shape));
done:
  return status;
}

static neurlp_status check_formulation(neurlp_context *context, const neurlp_shape *shape,
                                       const neurlp_formulation *f) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(
      check_integer(context, "initial", (int64_t)f->initial, NEURLP_INITIAL_HARD, NEURLP_INITIAL_SOFT));
  NEURLP_TRY(check_positive(context, "nominal_step", f->nominal_step, LARGEST_NOMINAL_STEP));
  NEURLP_TRY(check_integer(context, "leading_derivative", f->leading_derivative, 0, shape->order));
  if (f->weight_equation != 0)
    NEURLP_TRY(check_positive(context, "weight_equation", f->weight_equation, LARGEST_WEIGHT));
  if (f->initial == NEURLP_INITIAL_SOFT)
    NEURLP_TRY(check_positive(context, "weight_initial", f->weight_initial, LARGEST_WEIGHT));
  NEURLP_TRY(check_positive(context, "weight_smoothness", f->weight_smoothness, LARGEST_WEIGHT));
  NEURLP_TRY(check_positive(context, "weight_top", f->weight_top, LARGEST_WEIGHT));
done:
  return status;
}

static double factorial(int32_t k) {
  double product = 1;
  for (int32_t i = 2; i <= k; i++) product *= i;
  return product;
}

/* docs/math.md, equation 3: a_q = (2m-q)! m! / ((2m)! q! (m-q)!), m = d - i. */
static void fill_hermite(neurlp_problem *problem) {
  const int32_t d = problem->shape.order;
  for (int32_t i = 0; i < d; i++) {
    const int32_t m = d - i;
    for (int32_t q = 0; q <= m; q++)
      problem->hermite[i][i + q] =
          factorial(2 * m - q) * factorial(m) / (factorial(2 * m) * factorial(q) * factorial(m - q));
  }
  problem->hermite[d][d] = problem->formulation.weight_top;
}

static void fill_scales(neurlp_problem *problem) {
  const neurlp_formulation *f = &problem->formulation;
  problem->weight_equation =
      f->weight_equation != 0 ? f->weight_equation : pow(f->nominal_step, f->leading_derivative);
  const int32_t exponent = (int32_t)lrint(log2(f->nominal_step));
  problem->unit = ldexp(1.0, exponent);
  for (int32_t j = 0; j < problem->derivatives; j++) {
    problem->scale[j] = ldexp(1.0, j * exponent);
    problem->inverse_scale[j] = ldexp(1.0, -j * exponent);
  }
}

neurlp_status neurlp_problem_create(neurlp_context *context, const neurlp_shape *shape,
                                    const neurlp_formulation *formulation, neurlp_problem **problem) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_problem *made = NULL;
  *problem = NULL;
  NEURLP_TRY(check_shape(context, shape));
  NEURLP_TRY(check_formulation(context, shape, formulation));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  made->context = context;
  made->shape = *shape;
  made->formulation = *formulation;
  made->derivatives = shape->order + 1;
  made->unknowns = shape->dimensions * made->derivatives;
  const bool given = shape->initial_steps > 0 && shape->initial_derivatives > 0;
  if (given && formulation->initial == NEURLP_INITIAL_HARD) made->hard_steps = shape->initial_steps;
  if (given && formulation->initial == NEURLP_INITIAL_SOFT) made->soft_steps = shape->initial_steps;
  fill_hermite(made);
  fill_scales(made);
  *problem = made;
done:
  return status;
}

void neurlp_problem_destroy(neurlp_problem **problem) {
  if (!problem || !*problem) return;
  neurlp_context *context = (*problem)->context;
  neurlp_release(context, problem);
}
