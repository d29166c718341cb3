#include "block/problem.h"

#include <math.h>

/* Weights whose squares, and the nominal step's powers, are far from the ends of the number range. */
static const double LARGEST_WEIGHT = 1e100;
static const double LARGEST_NOMINAL_STEP = 1e30;

/* Single precision counts steps exactly up to here. */
static const int32_t LARGEST_SINGLE_STEPS = 1 << 24;

/* Squares of what is written into rows must be numbers of the precision that eliminates them: unknowns are
 * scaled by up to this power of two, and weights reach this far. */
static const double LARGEST_SINGLE_EXPONENT = 60;
static const double LARGEST_SINGLE_WEIGHT = 1e12;

neurlp_formulation neurlp_formulation_default(void) {
  return (neurlp_formulation){.initial = NEURLP_INITIAL_HARD,
                              .nominal_step = 1.0,
                              .leading_derivative = 1,
                              .weight_equation = 0.0,
                              .weight_initial = 1.0,
                              .weight_smoothness = 1.0,
                              .weight_top = 1e-3};
}

neurlp_formulation neurlp_formulation_smnn(void) {
  neurlp_formulation formulation = neurlp_formulation_default();
  formulation.smoothness = NEURLP_SMOOTHNESS_TAYLOR;
  formulation.initial = NEURLP_INITIAL_SOFT;
  formulation.weight_equation = 1.0;
  return formulation;
}

neurlp_formulation neurlp_formulation_mnn(void) {
  neurlp_formulation formulation = neurlp_formulation_smnn();
  formulation.central = true;
  formulation.slack = true;
  formulation.gamma = 0.5;
  formulation.alpha = 0.1;
  return formulation;
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
  const double rows = shape->equations + 5 * n; /* whatever the formulation */
  const double step = rows * (4 * n + shape->columns);
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

/* Sharing, precision, and that no step has both initial and final values. */
static neurlp_status check_forms(neurlp_context *context, const neurlp_shape *shape) {
  const bool apart = shape->final_derivatives > 0 && shape->initial_derivatives > 0;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_integer(context, "coefficients_sharing", (int64_t)shape->coefficients_sharing,
                           NEURLP_VARYING, NEURLP_SHARED_CONSTANT));
  NEURLP_TRY(check_integer(context, "rhs_sharing", (int64_t)shape->rhs_sharing, NEURLP_VARYING,
                           NEURLP_SHARED_CONSTANT));
  NEURLP_TRY(check_integer(context, "steps_sharing", (int64_t)shape->steps_sharing, NEURLP_VARYING,
                           NEURLP_SHARED_CONSTANT));
  NEURLP_TRY(check_integer(context, "values_sharing", (int64_t)shape->values_sharing, NEURLP_VARYING,
                           NEURLP_SHARED));
  NEURLP_TRY(check_integer(context, "precision", (int64_t)shape->precision, NEURLP_DOUBLE, NEURLP_MIXED));
  if (apart && shape->initial_steps == shape->steps)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "initial_steps is %d, all steps, but final_derivatives is %d; the last step cannot "
                       "have both initial and final values: initial_steps must be at most %d",
                       shape->initial_steps, shape->final_derivatives, shape->steps - 1);
  if (shape->precision == NEURLP_SINGLE && shape->steps > LARGEST_SINGLE_STEPS)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "steps is %d; in single precision it must be at most %d; choose NEURLP_DOUBLE or "
                       "NEURLP_MIXED",
                       shape->steps, LARGEST_SINGLE_STEPS);
done:
  return status;
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
  NEURLP_TRY(check_integer(context, "final_derivatives", shape->final_derivatives, 0, shape->order + 1));
  NEURLP_TRY(check_integer(context, "piece_intervals", shape->piece_intervals, 0, INT32_MAX));
  NEURLP_TRY(check_forms(context, shape));
  NEURLP_TRY(check_size(context, shape));
done:
  return status;
}

/* Terms that need one another. */
static neurlp_status check_terms(neurlp_context *context, const neurlp_formulation *f) {
  if (f->central && f->smoothness != NEURLP_SMOOTHNESS_TAYLOR)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "central is true, but smoothness is not taylor; central rows stand beside taylor rows "
                       "only");
  if (f->slack && !f->central)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "slack is true, but central is not; the slack stands in taylor and central rows");
  if (f->slack && !isfinite(f->gamma * f->alpha))
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "gamma is %g and alpha is %g; they and their product must be finite", f->gamma,
                       f->alpha);
  return NEURLP_SUCCESS;
}

static neurlp_status check_formulation(neurlp_context *context, const neurlp_shape *shape,
                                       const neurlp_formulation *f) {
  const bool low = shape->precision != NEURLP_DOUBLE;
  const double largest = low ? LARGEST_SINGLE_WEIGHT : LARGEST_WEIGHT;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_integer(context, "smoothness", (int64_t)f->smoothness, NEURLP_SMOOTHNESS_HERMITE,
                           NEURLP_SMOOTHNESS_TAYLOR));
  NEURLP_TRY(check_terms(context, f));
  NEURLP_TRY(
      check_integer(context, "initial", (int64_t)f->initial, NEURLP_INITIAL_HARD, NEURLP_INITIAL_SOFT));
  NEURLP_TRY(check_positive(context, "nominal_step", f->nominal_step, LARGEST_NOMINAL_STEP));
  NEURLP_TRY(check_integer(context, "leading_derivative", f->leading_derivative, 0, shape->order));
  if (f->weight_equation != 0)
    NEURLP_TRY(check_positive(context, "weight_equation", f->weight_equation, largest));
  if (f->initial == NEURLP_INITIAL_SOFT)
    NEURLP_TRY(check_positive(context, "weight_initial", f->weight_initial, largest));
  NEURLP_TRY(check_positive(context, "weight_smoothness", f->weight_smoothness, largest));
  if (f->smoothness == NEURLP_SMOOTHNESS_HERMITE)
    NEURLP_TRY(check_positive(context, "weight_top", f->weight_top, largest));
  if (low && fabs(log2(f->nominal_step)) * shape->order > LARGEST_SINGLE_EXPONENT)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "nominal_step is %g; its power %d leaves the range of single precision: it must be "
                       "between %.3g and %.3g; measure time in another unit, or choose NEURLP_DOUBLE",
                       f->nominal_step, shape->order, exp2(-LARGEST_SINGLE_EXPONENT / shape->order),
                       exp2(LARGEST_SINGLE_EXPONENT / shape->order));
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
    for (int32_t q = 0; q <= m; q++) {
      const double a =
          factorial(2 * m - q) * factorial(m) / (factorial(2 * m) * factorial(q) * factorial(m - q));
      problem->here[i][i + q] = a;
      problem->next[i][i + q] = q % 2 == 0 ? -a : a;
    }
  }
  problem->here[d][d] = problem->formulation.weight_top;
  problem->next[d][d] = -problem->formulation.weight_top;
}

/* docs/math.md, equation 4a: the expansion of derivative i about step t, then about step t+1. */
static void fill_taylor(neurlp_problem *problem) {
  const int32_t d = problem->shape.order;
  for (int32_t i = 0; i <= d - problem->central; i++) {
    double *forward_here = problem->here[2 * i], *forward_next = problem->next[2 * i];
    double *backward_here = problem->here[2 * i + 1], *backward_next = problem->next[2 * i + 1];
    for (int32_t p = i; p <= d; p++) {
      forward_here[p] = 1 / factorial(p - i);
      backward_next[p] = (p % 2 == 0 ? 1 : -1) / factorial(p - i);
    }
    forward_next[i] = -1;
    backward_here[i] = i % 2 == 0 ? -1 : 1;
  }
}

static void fill_smoothness(neurlp_problem *problem) {
  const bool taylor = problem->formulation.smoothness == NEURLP_SMOOTHNESS_TAYLOR;
  const int32_t D = problem->shape.dimensions;
  problem->twin = taylor ? 2 : 1;
  problem->central = problem->formulation.central;
  problem->ahead = problem->central * D;
  problem->slack = problem->formulation.slack;
  problem->first = problem->formulation.periodic;
  problem->globals = problem->first * problem->unknowns + problem->slack;
  problem->smoothness_rows =
      D * (problem->twin * (problem->derivatives - problem->central) + problem->central);
  if (taylor)
    fill_taylor(problem);
  else
    fill_hermite(problem);
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
  made->final = shape->final_derivatives;
  made->hard = formulation->initial == NEURLP_INITIAL_HARD;
  made->one_factor = (shape->equations == 0 || shape->coefficients_sharing & NEURLP_SHARED) &&
                     shape->steps_sharing & NEURLP_SHARED;
  made->keeps = shape->keep_factors && !made->one_factor;
  fill_smoothness(made);
  fill_scales(made);
  *problem = made;
done:
  return status;
}

neurlp_problem neurlp_problem_of_piece(const neurlp_problem *whole, int32_t steps, bool first) {
  neurlp_problem piece = *whole;
  piece.shape.steps = steps;
  piece.final = 0;
  if (first) return piece;
  piece.hard_steps = piece.soft_steps = 0;
  piece.first = 1;
  piece.globals = piece.unknowns;
  return piece;
}

void neurlp_problem_destroy(neurlp_problem **problem) {
  if (!problem || !*problem) return;
  neurlp_context *context = (*problem)->context;
  neurlp_release(context, problem);
}
