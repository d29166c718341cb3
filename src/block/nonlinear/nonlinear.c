/* Making a nonlinear block: the linear blocks inside, and the arrays of one piece. */
#include "block/nonlinear/nonlinear.h"

#include <string.h>

/* The most bytes that the arrays of one piece may take, unless they are those of PIECE_SYSTEMS systems. */
static const double PIECE_BYTES = 48e6;
enum { PIECE_SYSTEMS = 64 };

static int64_t choose_capacity(const neurlp_nonlinear *b) {
  const double n = (double)nonlinear_unknowns(b), D = b->shape.dimensions;
  const double step = (n + D) * ((double)nonlinear_columns(b) + D) + (b->shape.adjoint ? n * (D + 2) : 0);
  const double systems = PIECE_BYTES / (8.0 * b->shape.steps * step);
  int64_t capacity = systems < (double)b->shape.systems ? (int64_t)systems : b->shape.systems;
  capacity = capacity / PIECE_SYSTEMS * PIECE_SYSTEMS;
  if (capacity < PIECE_SYSTEMS) capacity = PIECE_SYSTEMS;
  return capacity < b->shape.systems ? capacity : b->shape.systems;
}

neurlp_status neurlp_nonlinear_problem(neurlp_context *context, const neurlp_nonlinear_shape *s,
                                       int64_t systems, int64_t columns, neurlp_problem **problem) {
  const neurlp_shape shape = {.systems = systems,
                              .steps = s->steps,
                              .dimensions = s->dimensions,
                              .order = s->order,
                              .equations = s->dimensions,
                              .initial_steps = 1,
                              .initial_derivatives = s->leading_derivative,
                              .columns = (int32_t)columns};
  neurlp_formulation formulation = neurlp_formulation_default();
  formulation.nominal_step = s->nominal_step;
  formulation.leading_derivative = s->leading_derivative;
  formulation.weight_top = s->weight_top;
  return neurlp_problem_create(context, &shape, &formulation, problem);
}

static neurlp_status create_solver(neurlp_nonlinear *b, int64_t columns, neurlp_problem **problem,
                                   neurlp_solver **solver) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_nonlinear_problem(b->context, &b->shape, b->capacity, columns, problem));
  NEURLP_TRY(neurlp_solver_create(b->context, *problem, solver));
done:
  return status;
}

static neurlp_status allocate_piece(neurlp_nonlinear *b) {
  neurlp_context *context = b->context;
  nonlinear_piece *p = &b->piece;
  const int64_t n = nonlinear_unknowns(b), D = b->shape.dimensions, R = nonlinear_columns(b), S = b->capacity,
                T = b->shape.steps;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, S * T * D * n, sizeof(double), &p->coefficients));
  NEURLP_TRY(neurlp_allocate(context, S * T * D * R, sizeof(double), &p->rhs));
  NEURLP_TRY(neurlp_allocate(context, S * nonlinear_symbols(b) * R, sizeof(double), &p->initial_values));
  NEURLP_TRY(neurlp_allocate(context, S * (T - 1), sizeof(double), &p->steps));
  NEURLP_TRY(neurlp_allocate(context, S * T * n * R, sizeof(double), &p->solution));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *p->lengths, &p->lengths));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *p->systems, &p->systems));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *p->status, &p->status));
  NEURLP_TRY(neurlp_allocate(context, b->shape.systems, sizeof *b->progress, &b->progress));
done:
  return status;
}

static neurlp_status allocate_adjoint(neurlp_nonlinear *b) {
  neurlp_context *context = b->context;
  nonlinear_adjoint *a = &b->adjoint;
  const int64_t n = nonlinear_unknowns(b), D = b->shape.dimensions, S = b->capacity, T = b->shape.steps;
  const int64_t threads = neurlp_context_threads(context);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, S * T * n, sizeof(double), &a->grad_state));
  NEURLP_TRY(neurlp_allocate(context, S * T * D, sizeof(double), &a->grad_rhs));
  NEURLP_TRY(neurlp_allocate(context, S * nonlinear_symbols(b), sizeof(double), &a->grad_initial_values));
  NEURLP_TRY(neurlp_allocate(context, S * (T - 1), sizeof(double), &a->grad_steps));
  if (b->shape.corrections > 0) {
    NEURLP_TRY(neurlp_allocate(context, S * T * D * n, sizeof(double), &a->grad_coefficients));
    NEURLP_TRY(neurlp_allocate(context, S * T * D, sizeof(double), &a->remainder));
    NEURLP_TRY(neurlp_allocate(context, threads * 2 * T * n, sizeof(double), &a->nearby));
    NEURLP_TRY(neurlp_allocate(context, threads * T, sizeof(double), &a->distance));
  }
  a->gradients = (neurlp_gradients){.coefficients = a->grad_coefficients,
                                    .rhs = a->grad_rhs,
                                    .initial_values = a->grad_initial_values,
                                    .steps = a->grad_steps};
done:
  return status;
}

/* Workspaces in which equations are evaluated. */
static neurlp_status allocate_equations(neurlp_nonlinear *b) {
  const neurlp_equations *equations = b->shape.equations;
  const int64_t T = b->shape.steps, P = b->shape.parameters;
  neurlp_status status = NEURLP_SUCCESS;
  if (!equations) return status;
  b->workspace_bytes = equations->workspace_bytes(equations, b->shape.steps);
  NEURLP_TRY(
      neurlp_allocate(b->context, neurlp_context_threads(b->context), b->workspace_bytes, &b->workspace));
  NEURLP_TRY(neurlp_allocate(b->context, T > P ? T : P, sizeof(double), &b->zeros));
done:
  return status;
}

/* The device that can do everything for this block, or NULL. */
static const neurlp_nonlinear_backend *find_backend(const neurlp_context *context,
                                                    const neurlp_nonlinear_shape *shape) {
  if (!shape->equations || shape->corrections > 0) return NULL;
#ifdef NEURLP_HAVE_CUDA
  if (strcmp(neurlp_context_backend(context), "cuda") == 0) return neurlp_nonlinear_backend_cuda();
  if (strcmp(neurlp_context_backend(context), "cuda:check") == 0)
    return neurlp_nonlinear_backend_cuda_check();
#else
  (void)context;
#endif
  return NULL;
}

static neurlp_status create_on_host(neurlp_nonlinear *b) {
  neurlp_status status = NEURLP_SUCCESS;
  b->capacity = choose_capacity(b);
  NEURLP_TRY(create_solver(b, 1, &b->problem, &b->solver));
  if (b->shape.forward)
    NEURLP_TRY(create_solver(b, nonlinear_columns(b), &b->forward_problem, &b->forward_solver));
  NEURLP_TRY(allocate_piece(b));
  if (b->shape.adjoint) NEURLP_TRY(allocate_adjoint(b));
  NEURLP_TRY(allocate_equations(b));
done:
  return status;
}

neurlp_status neurlp_nonlinear_create(neurlp_context *context, const neurlp_nonlinear_shape *shape,
                                      neurlp_nonlinear **out) {
  *out = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_nonlinear *b = NULL;
  neurlp_nonlinear_shape complete = *shape;
  NEURLP_TRY(neurlp_nonlinear_check_shape(context, &complete));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *b, &b));
  b->context = context;
  b->shape = complete;
  b->backend = find_backend(context, &complete);
  if (b->backend)
    NEURLP_TRY(b->backend->create(context, &b->shape, &b->state));
  else
    NEURLP_TRY(create_on_host(b));
  *out = b;
  b = NULL;
done:
  neurlp_nonlinear_destroy(&b);
  return status;
}

static void release_adjoint(neurlp_context *context, nonlinear_adjoint *a) {
  neurlp_release(context, &a->grad_state);
  neurlp_release(context, &a->grad_coefficients);
  neurlp_release(context, &a->grad_rhs);
  neurlp_release(context, &a->grad_initial_values);
  neurlp_release(context, &a->grad_steps);
  neurlp_release(context, &a->remainder);
  neurlp_release(context, &a->nearby);
  neurlp_release(context, &a->distance);
}

void neurlp_nonlinear_destroy(neurlp_nonlinear **block) {
  if (!block || !*block) return;
  neurlp_nonlinear *b = *block;
  neurlp_context *context = b->context;
  neurlp_solver_destroy(&b->solver);
  neurlp_solver_destroy(&b->forward_solver);
  neurlp_problem_destroy(&b->problem);
  neurlp_problem_destroy(&b->forward_problem);
  neurlp_release(context, &b->piece.coefficients);
  neurlp_release(context, &b->piece.rhs);
  neurlp_release(context, &b->piece.initial_values);
  neurlp_release(context, &b->piece.steps);
  neurlp_release(context, &b->piece.solution);
  neurlp_release(context, &b->piece.lengths);
  neurlp_release(context, &b->piece.systems);
  neurlp_release(context, &b->piece.status);
  neurlp_release(context, &b->progress);
  neurlp_release(context, &b->workspace);
  neurlp_release(context, &b->zeros);
  if (b->backend) b->backend->destroy(&b->state);
  release_adjoint(context, &b->adjoint);
  neurlp_release(context, block);
}
