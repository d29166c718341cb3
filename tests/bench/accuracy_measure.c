#include "bench/accuracy_measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool accuracy_applies(const accuracy_method *method, const linear_problem *problem) {
  const bool central = method->rows == ACCURACY_SMNN_CENTRAL || method->rows == ACCURACY_MNN;
  return method->order >= problem->leading && method->order >= (central ? 2 : 1);
}

int32_t accuracy_steps(double h) {
  return (int32_t)lrint(LINEAR_TIME_SPAN / h) + 1;
}

static neurlp_formulation formulation_of(const linear_problem *problem, const accuracy_method *method,
                                         double h) {
  neurlp_formulation f = neurlp_formulation_default();
  if (method->rows == ACCURACY_SMNN || method->rows == ACCURACY_SMNN_CENTRAL) f = neurlp_formulation_smnn();
  if (method->rows == ACCURACY_MNN) f = neurlp_formulation_mnn();
  if (method->rows == ACCURACY_SMNN_CENTRAL) f.central = true;
  f.nominal_step = h;
  f.leading_derivative = problem->leading;
  return f;
}

/* Numbers in double or single precision. */
typedef struct numbers {
  bool single;
  void *at;
} numbers;

static bool open_numbers(numbers *x, bool single, int64_t count) {
  x->single = single;
  x->at = calloc((size_t)count, single ? sizeof(float) : sizeof(double));
  return x->at != NULL;
}

static void put(const numbers *x, int64_t i, double value) {
  if (x->single)
    ((float *)x->at)[i] = (float)value;
  else
    ((double *)x->at)[i] = value;
}

static double get(const numbers *x, int64_t i) {
  return x->single ? (double)((const float *)x->at)[i] : ((const double *)x->at)[i];
}

typedef struct arrays {
  numbers coefficients, rhs, initial_values, steps, solution;
  neurlp_status status[LINEAR_SYSTEMS];
} arrays;

static bool open_arrays(arrays *x, const neurlp_shape *z) {
  const bool single = z->precision == NEURLP_SINGLE;
  const int64_t S = z->systems, T = z->steps, D = z->dimensions, n = D * (z->order + 1);
  memset(x, 0, sizeof *x);
  return open_numbers(&x->coefficients, single, S * T * D * n) && open_numbers(&x->rhs, single, S * T * D) &&
         open_numbers(&x->initial_values, single, S * D * z->initial_derivatives) &&
         open_numbers(&x->steps, single, S * (T - 1)) && open_numbers(&x->solution, single, S * T * n);
}

static void close_arrays(arrays *x) {
  free(x->coefficients.at);
  free(x->rhs.at);
  free(x->initial_values.at);
  free(x->steps.at);
  free(x->solution.at);
}

/* u_e^(leading) - sum_kj a[e][k][j] u_k^(j) = f[e] at every step. */
static void fill(arrays *x, const linear_problem *problem, const neurlp_shape *z, double h) {
  const int32_t D = z->dimensions, derivatives = z->order + 1;
  for (int64_t i = 0; i < z->systems * z->steps * D; i++) {
    const int32_t e = (int32_t)(i % D);
    put(&x->rhs, i, problem->f[e]);
    for (int32_t k = 0; k < D; k++) {
      const int64_t row = (i * D + k) * derivatives;
      for (int32_t j = 0; j < problem->leading; j++) put(&x->coefficients, row + j, -problem->a[e][k][j]);
      if (k == e) put(&x->coefficients, row + problem->leading, 1);
    }
  }
  for (int64_t i = 0; i < z->systems * (z->steps - 1); i++) put(&x->steps, i, h);
  for (int32_t s = 0, i = 0; s < z->systems; s++)
    for (int32_t k = 0; k < D; k++)
      for (int32_t j = 0; j < problem->leading; j++) put(&x->initial_values, i++, problem->initial[s][k][j]);
}

/* The larger of two; NaN is larger than any number, and stays. */
static double worse(double one, double other) {
  return isnan(one) || other <= one ? one : other;
}

/* Of system s, whose u_k at step t is u(data, t, k). */
static double error_of(const linear_problem *problem, int32_t s, int32_t steps, double h,
                       double (*u)(const void *, int32_t, int32_t), const void *data) {
  double error = 0, size = 0;
  for (int32_t t = 0; t < steps; t++) {
    double exact[LINEAR_DIMENSIONS];
    linear_problem_exact(problem, s, t * h, exact);
    for (int32_t k = 0; k < problem->dimensions; k++) {
      error = worse(error, fabs(u(data, t, k) - exact[k]));
      size = worse(size, fabs(exact[k]));
    }
  }
  return error / size;
}

/* Where the block's solution of one system is. */
typedef struct block_system {
  const numbers *solution;
  const neurlp_shape *shape;
  int32_t s;
} block_system;

static double block_u(const void *data, int32_t t, int32_t k) {
  const block_system *x = data;
  const neurlp_shape *z = x->shape;
  return get(x->solution, (((int64_t)x->s * z->steps + t) * z->dimensions + k) * (z->order + 1));
}

static neurlp_status solve(neurlp_context *context, const neurlp_shape *shape,
                           const neurlp_formulation *formulation, arrays *x) {
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  const neurlp_inputs inputs = {.systems = shape->systems,
                                .coefficients = x->coefficients.at,
                                .rhs = x->rhs.at,
                                .initial_values = x->initial_values.at,
                                .steps = x->steps.at};
  neurlp_status status = neurlp_problem_create(context, shape, formulation, &problem);
  if (status == NEURLP_SUCCESS) status = neurlp_solver_create(context, problem, &solver);
  if (status == NEURLP_SUCCESS) status = neurlp_solver_solve(solver, &inputs, x->solution.at, x->status);
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  return status;
}

neurlp_status accuracy_block(neurlp_context *context, const linear_problem *problem,
                             const accuracy_method *method, double h, double *error) {
  const bool single = method->precision == NEURLP_SINGLE;
  const neurlp_shape shape = {.systems = problem->systems,
                              .steps = accuracy_steps(h),
                              .dimensions = problem->dimensions,
                              .order = method->order,
                              .equations = problem->dimensions,
                              .initial_steps = 1,
                              .initial_derivatives = problem->leading,
                              .columns = 1,
                              .precision = method->precision};
  const neurlp_formulation formulation = formulation_of(problem, method, h);
  const double step = single ? (double)(float)h : h; /* the grid that the block is given */
  neurlp_status status = NEURLP_ERROR_MEMORY;
  arrays x;
  *error = 0;
  if (open_arrays(&x, &shape)) {
    fill(&x, problem, &shape, step);
    status = solve(context, &shape, &formulation, &x);
  }
  for (int32_t s = 0; s < problem->systems && status >= 0; s++) {
    const block_system system = {&x.solution, &shape, s};
    *error = worse(*error, error_of(problem, s, shape.steps, step, block_u, &system));
  }
  if (status < 0) *error = NAN;
  close_arrays(&x);
  return status;
}

enum { STATES = 2 };

/* The right-hand side as a system of first order; states are u_0, u_1 or u, u'. */
static void slopes(const linear_problem *problem, const double *x, double *slope) {
  if (problem->leading == 2) {
    slope[0] = x[1];
    slope[1] = problem->a[0][0][0] * x[0] + problem->a[0][0][1] * x[1] + problem->f[0];
    return;
  }
  for (int32_t e = 0; e < problem->dimensions; e++) {
    slope[e] = problem->f[e];
    for (int32_t k = 0; k < problem->dimensions; k++) slope[e] += problem->a[e][k][0] * x[k];
  }
}

static void runge_kutta_step(const linear_problem *problem, double h, double *x) {
  static const double TO_NEXT[4] = {0.5, 0.5, 1, 0}, WEIGHT[4] = {1, 2, 2, 1};
  double at[STATES] = {x[0], x[1]}, slope[STATES] = {0, 0}, sum[STATES] = {0, 0};
  for (int32_t stage = 0; stage < 4; stage++) {
    slopes(problem, at, slope);
    for (int32_t i = 0; i < STATES; i++) {
      sum[i] += WEIGHT[stage] * slope[i];
      at[i] = x[i] + TO_NEXT[stage] * h * slope[i];
    }
  }
  for (int32_t i = 0; i < STATES; i++) x[i] += h / 6 * sum[i];
}

static double marched_u(const void *data, int32_t t, int32_t k) {
  const double *states = data;
  return states[(int64_t)t * STATES + k];
}

double accuracy_runge_kutta(const linear_problem *problem, double h) {
  const int32_t T = accuracy_steps(h);
  double *states = calloc((size_t)T * STATES, sizeof *states), error = states ? 0 : NAN;
  for (int32_t s = 0; s < problem->systems && states; s++) {
    double x[STATES] = {problem->initial[s][0][0],
                        problem->leading == 2 ? problem->initial[s][0][1] : problem->initial[s][1][0]};
    for (int32_t t = 0; t < T; t++) {
      memcpy(states + (int64_t)t * STATES, x, sizeof x);
      runge_kutta_step(problem, h, x);
    }
    error = worse(error, error_of(problem, s, T, h, marched_u, states));
  }
  free(states);
  return error;
}
