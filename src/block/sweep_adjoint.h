/* One tile from the gradient of a loss with respect to the solution to its gradients with respect to the
 * inputs (docs/math.md, section 3). */
#ifndef NEURLP_BLOCK_SWEEP_ADJOINT_H
#define NEURLP_BLOCK_SWEEP_ADJOINT_H

#include "block/sweep.h"

/* The adjoint's own pointers: what it reads and writes beside the inputs. Output pointers are NULL where a
 * gradient is not wanted. */
typedef struct adjoint_io {
  const double *solved[LANES], *grad_output[LANES];
  double *coefficients[LANES], *rhs[LANES], *initial_values[LANES], *steps[LANES];
  /* Scaled, [n][R] each, of even and of odd steps: */
  lanes *solution[2];
  lanes *normal[2]; /* rows of A^T A lambda */
  lanes *row;       /* [n] coefficients of one equation */
  lanes *grad_row;  /* [n] their gradient */
} adjoint_io;

static inline void adjoint_open(adjoint_io *io, const neurlp_tile *tile, const neurlp_tile_job *job) {
  const neurlp_shape *shape = &tile->problem->shape;
  const int64_t n = tile->problem->unknowns, T = shape->steps, E = shape->equations, R = shape->columns;
  const int64_t given = (int64_t)shape->initial_steps * shape->dimensions * shape->initial_derivatives * R;
  tile_point(tile, job->solved, T * n * R, io->solved);
  tile_point(tile, job->grad_output, T * n * R, io->grad_output);
  tile_point_out(tile, job->gradients->coefficients, T * E * n, io->coefficients);
  tile_point_out(tile, job->gradients->rhs, T * E * R, io->rhs);
  tile_point_out(tile, job->gradients->initial_values, given, io->initial_values);
  tile_point_out(tile, job->gradients->steps, (T - 1) * (shape->steps_per_dimension ? shape->dimensions : 1),
                 io->steps);
  io->solution[0] = tile->scratch;
  io->solution[1] = io->solution[0] + n * R;
  io->normal[0] = io->solution[1] + n * R;
  io->normal[1] = io->normal[0] + n * R;
  io->row = io->normal[1] + n * R;
  io->grad_row = io->row + n;
}

/* The gradient with respect to the scaled unknowns of step t; exact values have no part in it. */
NEURLP_INLINE void adjoint_load_step(const neurlp_tile *tile, const adjoint_io *io, sweep_sizes z,
                                     int32_t t) {
  const int32_t n = z.dimensions * z.derivatives;
  for (int32_t c = 0; c < n; c++) {
    const int32_t j = c % z.derivatives;
    const lanes weight = lanes_all(tile->problem->inverse_scale[j]);
    for (int32_t r = 0; r < z.columns; r++) {
      const lanes g = tile_load(tile, io->grad_output, ((int64_t)t * n + c) * z.columns + r, t);
      tile_unknowns(tile, z, t)[c * z.columns + r] = tile_known(tile, t, j) ? lanes_all(0.0) : g * weight;
    }
  }
}

/* Takes a finished q of `columns` right-hand sides out of unknowns [count][columns] that follow it. */
NEURLP_INLINE void adjoint_remove(const lanes *row, const lanes *q, lanes *unknowns, int32_t count,
                                  int32_t columns) {
  for (int32_t j = 0; j < count; j++)
    for (int32_t r = 0; r < columns; r++) unknowns[j * columns + r] -= row[j] * q[r];
}

/* R^T q = g over all steps, in place. */
NEURLP_INLINE void adjoint_forward(const neurlp_tile *tile, const adjoint_io *io, sweep_sizes z) {
  const int32_t n = z.dimensions * z.derivatives, R = z.columns;
  adjoint_load_step(tile, io, z, 0);
  for (int32_t t = 0; t < tile->steps; t++) {
    const bool last = t + 1 == tile->steps;
    if (!last) adjoint_load_step(tile, io, z, t + 1);
    for (int32_t c = 0; c < n; c++) {
      const lanes *row = tile_factor_row(tile, n, t, c);
      lanes *q = tile_unknowns(tile, z, t) + c * R;
      for (int32_t r = 0; r < R; r++) q[r] *= row[0];
      adjoint_remove(row + 1, q, q + R, n - 1 - c, R);
      if (!last) adjoint_remove(row + n - c, q, tile_unknowns(tile, z, t + 1), n, R);
    }
  }
}

/* Solution of step t, scaled, and a fresh sum for A^T A lambda. */
NEURLP_INLINE void adjoint_load_local(const neurlp_tile *tile, const adjoint_io *io, sweep_sizes z,
                                      int32_t t) {
  const int32_t n = z.dimensions * z.derivatives, parity = t % 2;
  for (int32_t c = 0; c < n; c++)
    for (int32_t r = 0; r < z.columns; r++) {
      const lanes u = tile_load(tile, io->solved, ((int64_t)t * n + c) * z.columns + r, t);
      io->solution[parity][c * z.columns + r] = u * lanes_all(tile->problem->scale[c % z.derivatives]);
    }
  rows_clear(io->normal[parity], (int64_t)n * z.columns);
}

NEURLP_INLINE void adjoint_write(neurlp_tile *tile, lanes x, double *const target[LANES], int64_t offset) {
  tile_fail(tile, ~lanes_finite(x), NEURLP_NOT_FINITE);
  if (target[0]) lanes_scatter(x, target, offset, tile->count);
}

NEURLP_INLINE lanes adjoint_equation_weight(const neurlp_tile *tile, sweep_sizes z, int32_t c) {
  return lanes_all(tile->problem->weight_equation * tile->problem->inverse_scale[c % z.derivatives]);
}

/* Gradients of the equations of step t, docs/math.md, equation 12. */
NEURLP_INLINE void adjoint_equations(neurlp_tile *tile, const adjoint_io *io, sweep_sizes z, int32_t t) {
  const int32_t n = z.dimensions * z.derivatives, R = z.columns;
  const lanes *x = io->solution[t % 2], *lambda = tile_unknowns(tile, z, t);
  lanes *normal = io->normal[t % 2];
  for (int32_t e = 0; e < z.equations; e++) {
    const int64_t row = (int64_t)t * z.equations + e;
    for (int32_t c = 0; c < n; c++)
      io->row[c] = tile_coefficient(tile, z, t, e, c) * adjoint_equation_weight(tile, z, c);
    rows_clear(io->grad_row, n);
    for (int32_t r = 0; r < R; r++) {
      const lanes weight = lanes_all(tile->problem->weight_equation);
      lanes residual = tile_rhs(tile, z, t, e, r) * weight, image = lanes_all(0.0);
      for (int32_t c = 0; c < n; c++) {
        residual -= io->row[c] * x[c * R + r];
        image += io->row[c] * lambda[c * R + r];
      }
      for (int32_t c = 0; c < n; c++) {
        io->grad_row[c] += residual * lambda[c * R + r] - image * x[c * R + r];
        normal[c * R + r] += io->row[c] * image;
      }
      adjoint_write(tile, image * weight, io->rhs, row * R + r);
    }
    for (int32_t c = 0; c < n; c++)
      adjoint_write(tile, io->grad_row[c] * adjoint_equation_weight(tile, z, c), io->coefficients,
                    row * n + c);
  }
}

/* Products of smoothness row (k, i) with a vector that has entries at two steps. */
typedef struct row_product {
  lanes value;      /* row . vector */
  lanes derivative; /* d(row)/dz . vector */
} row_product;

NEURLP_INLINE row_product adjoint_row_product(const neurlp_tile *tile, sweep_sizes z, int32_t i,
                                              const lanes *power, const lanes *here, const lanes *next) {
  row_product product = {lanes_all(0.0), lanes_all(0.0)};
  for (int32_t p = i; p < z.derivatives; p++) {
    const lanes x = here[p * z.columns] + lanes_all(rows_next_sign(i, p)) * next[p * z.columns];
    const double a = tile->problem->hermite[i][p];
    product.value += lanes_all(a) * power[p] * x;
    if (p > 0) product.derivative += lanes_all(p * a) * power[p - 1] * x;
  }
  return product;
}

/* Gradient with respect to the step of interval t from the rows of dimension k, equation 13; adds these rows
 * to A^T A lambda. */
NEURLP_INLINE lanes adjoint_interval(const neurlp_tile *tile, const adjoint_io *io, sweep_sizes z, int32_t t,
                                     int32_t k, const lanes *power) {
  const int32_t R = z.columns, here = t % 2, next = (t + 1) % 2;
  const lanes weight = tile_smoothness(tile, t);
  lanes sum = lanes_all(0.0);
  for (int32_t i = 0; i < z.derivatives; i++)
    for (int32_t r = 0; r < R; r++) {
      const int32_t first = k * z.derivatives * R + r;
      const row_product x =
          adjoint_row_product(tile, z, i, power, io->solution[here] + first, io->solution[next] + first);
      const row_product y = adjoint_row_product(tile, z, i, power, tile_unknowns(tile, z, t) + first,
                                                tile_unknowns(tile, z, t + 1) + first);
      sum -= weight * x.value * (weight * y.derivative) + weight * y.value * (weight * x.derivative);
      for (int32_t p = i; p < z.derivatives; p++) {
        const lanes term = weight * y.value * (weight * lanes_all(tile->problem->hermite[i][p]) * power[p]);
        io->normal[here][first + p * R] += term;
        io->normal[next][first + p * R] += lanes_all(rows_next_sign(i, p)) * term;
      }
    }
  return sum * lanes_all(1 / tile->problem->unit);
}

/* Gradients of the steps of interval t. */
NEURLP_INLINE void adjoint_steps(neurlp_tile *tile, const adjoint_io *io, sweep_sizes z, int32_t t) {
  const bool each = tile->problem->shape.steps_per_dimension;
  lanes power[NEURLP_MAX_DERIVATIVES];
  lanes total = lanes_all(0.0);
  for (int32_t k = 0; k < z.dimensions; k++) {
    if (k == 0 || each) rows_step_powers(tile, z, t, k, power);
    const lanes sum = adjoint_interval(tile, io, z, t, k, power);
    if (each) adjoint_write(tile, sum, io->steps, (int64_t)t * z.dimensions + k);
    total += sum;
  }
  if (!each) adjoint_write(tile, total, io->steps, t);
}

/* Gradients of the initial values of step t: equation 14 for hard, 15 for soft ones. */
NEURLP_INLINE void adjoint_initial_values(neurlp_tile *tile, const adjoint_io *io, sweep_sizes z, int32_t t) {
  const neurlp_problem *problem = tile->problem;
  const int32_t J = problem->shape.initial_derivatives, R = z.columns;
  const double w = problem->formulation.weight_initial;
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < J; j++) {
      const int32_t c = k * z.derivatives + j;
      const int64_t row = ((int64_t)t * z.dimensions + k) * J + j;
      for (int32_t r = 0; r < R; r++) {
        const int64_t u = ((int64_t)t * z.dimensions * z.derivatives + c) * R + r;
        const lanes g = tile_load(tile, io->grad_output, u, t);
        const lanes hard = g - io->normal[t % 2][c * R + r] * lanes_all(problem->scale[j]);
        const lanes soft =
            tile_unknowns(tile, z, t)[c * R + r] * lanes_all(problem->inverse_scale[j] * w * w);
        adjoint_write(tile, t < problem->hard_steps ? hard : soft, io->initial_values, row * R + r);
      }
    }
}

NEURLP_INLINE void adjoint_gradients(neurlp_tile *tile, const adjoint_io *io, sweep_sizes z) {
  const int32_t given = tile->problem->hard_steps + tile->problem->soft_steps;
  adjoint_load_local(tile, io, z, 0);
  for (int32_t t = 0; t < tile->steps; t++) {
    adjoint_equations(tile, io, z, t);
    if (t + 1 < tile->steps) {
      adjoint_load_local(tile, io, z, t + 1);
      adjoint_steps(tile, io, z, t);
    }
    if (t < given) adjoint_initial_values(tile, io, z, t);
  }
}

/* Zeros after the longest length, NaN for failed systems. */
static inline void adjoint_finish(const neurlp_tile *tile, double *const target[LANES], int64_t written,
                                  int64_t whole) {
  if (!target[0]) return;
  tile_fill(tile, target, written, whole, 0.0, false);
  tile_fill(tile, target, 0, whole, NAN, true);
}

NEURLP_INLINE void adjoint_tile(const neurlp_tile_job *job, sweep_sizes z) {
  neurlp_tile tile;
  adjoint_io io;
  const neurlp_shape *shape = &job->problem->shape;
  const int64_t n = job->problem->unknowns, T = shape->steps;
  const int64_t row = shape->equations * n, rhs = (int64_t)shape->equations * shape->columns;
  const int64_t given = (int64_t)shape->dimensions * shape->initial_derivatives * shape->columns;
  const int64_t steps = shape->steps_per_dimension ? shape->dimensions : 1;
  tile_open(&tile, job);
  adjoint_open(&io, &tile, job);
  sweep_factorise(&tile, z, 0);
  adjoint_forward(&tile, &io, z);
  for (int32_t t = tile.steps - 1; t >= 0; t--) sweep_solve_step(&tile, z, t);
  adjoint_gradients(&tile, &io, z);
  adjoint_finish(&tile, io.coefficients, tile.steps * row, T * row);
  adjoint_finish(&tile, io.rhs, tile.steps * rhs, T * rhs);
  adjoint_finish(&tile, io.initial_values, shape->initial_steps * given, shape->initial_steps * given);
  adjoint_finish(&tile, io.steps, (tile.steps - 1) * steps, (T - 1) * steps);
  tile_report(&tile, job->status);
}

#endif
