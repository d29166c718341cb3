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
  /* Scaled, [n][R] each, of step t at t % 3, for rows join up to three steps: */
  lanes *solution[3];
  lanes *normal[3]; /* rows of A^T A lambda */
  lanes *row;       /* [n] coefficients of one equation */
  lanes *grad_row;  /* [n] their gradient */
  lanes *central;   /* [D] gradient of h[t] from the central rows with centre t */
  lanes *slack;     /* [R] value of the slack */
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
  for (int32_t i = 0; i < 3; i++) {
    io->solution[i] = tile->scratch + 2 * i * n * R;
    io->normal[i] = io->solution[i] + n * R;
  }
  io->row = tile->scratch + 6 * n * R;
  io->grad_row = io->row + n;
  io->central = io->grad_row + n;
  io->slack = io->central + shape->dimensions;
}

/* The gradient with respect to the scaled unknowns of step t; exact values have no part in it. That of global
 * ones goes to them. */
NEURLP_INLINE void adjoint_load_step(const neurlp_tile *tile, const adjoint_io *io, sweep_sizes z,
                                     int32_t t) {
  const int32_t n = z.dimensions * z.derivatives;
  const bool global = z.first && t == 0;
  for (int32_t c = 0; c < n; c++) {
    const int32_t j = c % z.derivatives;
    const lanes weight = lanes_all(tile->problem->inverse_scale[j]);
    for (int32_t r = 0; r < z.columns; r++) {
      const lanes g = tile_load(tile, io->grad_output, ((int64_t)t * n + c) * z.columns + r, t);
      const lanes own = tile_known(tile, t, j) ? lanes_all(0.0) : g * weight;
      tile_unknowns(tile, z, t)[c * z.columns + r] = global ? lanes_all(0.0) : own;
      if (global) tile->global[c * z.columns + r] = own;
    }
  }
}

/* Takes a finished q of `columns` right-hand sides out of unknowns [count][columns] that follow it. */
NEURLP_INLINE void adjoint_remove(const lanes *row, const lanes *q, lanes *unknowns, int32_t count,
                                  int32_t columns) {
  for (int32_t j = 0; j < count; j++)
    for (int32_t r = 0; r < columns; r++) unknowns[j * columns + r] -= row[j] * q[r];
}

/* A finished q of row c of step t, out of what follows it. */
NEURLP_INLINE void adjoint_remove_row(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t c) {
  const int32_t n = sizes_unknowns(z), R = z.columns;
  const lanes *row = tile_factor_row(tile, z, t, c), *ahead = row + 2 * n - c;
  lanes *q = tile_unknowns(tile, z, t) + c * R;
  for (int32_t r = 0; r < R; r++) q[r] *= row[0];
  adjoint_remove(row + 1, q, q + R, n - 1 - c, R);
  if (t + 1 < tile->steps) adjoint_remove(row + n - c, q, tile_unknowns(tile, z, t + 1), n, R);
  for (int32_t k = 0; k < sizes_ahead(z) && t + 2 < tile->steps; k++)
    adjoint_remove(&ahead[k], q, tile_unknowns(tile, z, t + 2) + ((k + 1) * z.derivatives - 2) * R, 1, R);
  adjoint_remove(row + sizes_global_column(z) - c, q, tile->global, sizes_globals(z), R);
}

/* R^T q = g over all steps, then over the global unknowns, in place. The loss does not depend on the slack.
 */
NEURLP_INLINE void adjoint_forward(const neurlp_tile *tile, const adjoint_io *io, sweep_sizes z) {
  const int32_t n = sizes_unknowns(z), R = z.columns, globals = sizes_globals(z);
  rows_clear(tile->global, (int64_t)globals * R);
  adjoint_load_step(tile, io, z, 0);
  adjoint_load_step(tile, io, z, 1);
  for (int32_t t = 0; t < tile->steps; t++) {
    if (t + 2 < tile->steps) adjoint_load_step(tile, io, z, t + 2);
    for (int32_t c = 0; c < n; c++) adjoint_remove_row(tile, z, t, c);
  }
  for (int32_t p = 0; p < globals; p++) {
    const lanes *row = tile_global_row(tile, z, p);
    lanes *q = tile->global + p * R;
    for (int32_t r = 0; r < R; r++) q[r] *= row[0];
    adjoint_remove(row + 1, q, q + R, globals - 1 - p, R);
  }
}

/* Solution of step t, scaled, and a fresh sum for A^T A lambda. */
NEURLP_INLINE void adjoint_load_local(const neurlp_tile *tile, const adjoint_io *io, sweep_sizes z,
                                      int32_t t) {
  const int32_t n = z.dimensions * z.derivatives, slot = t % 3;
  for (int32_t c = 0; c < n; c++)
    for (int32_t r = 0; r < z.columns; r++) {
      const lanes u = tile_load(tile, io->solved, ((int64_t)t * n + c) * z.columns + r, t);
      io->solution[slot][c * z.columns + r] = u * lanes_all(tile->problem->scale[c % z.derivatives]);
    }
  rows_clear(io->normal[slot], (int64_t)n * z.columns);
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
  const lanes *x = io->solution[t % 3], *lambda = tile_unknowns(tile, z, t);
  lanes *normal = io->normal[t % 3];
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

/* Products of a smoothness row with a vector, without the row's weight. */
typedef struct row_product {
  lanes value;      /* row . vector, but for the slack */
  lanes derivative; /* d(row)/d(step) . vector */
} row_product;

/* Two-point row q of a dimension, whose entries of the vector stand at `here` and `next`. */
NEURLP_INLINE row_product adjoint_pair_product(const neurlp_tile *tile, sweep_sizes z, int32_t q,
                                               const lanes *power, const lanes *here, const lanes *next) {
  row_product product = {lanes_all(0.0), lanes_all(0.0)};
  for (int32_t p = q / z.twin; p < z.derivatives; p++) {
    const lanes x = lanes_all(tile->problem->here[q][p]) * here[p * z.columns] +
                    lanes_all(tile->problem->next[q][p]) * next[p * z.columns];
    product.value += power[p] * x;
    if (p > 0) product.derivative += lanes_all(p) * power[p - 1] * x;
  }
  product.derivative *= lanes_all(1 / tile->problem->unit);
  return product;
}

/* Part of the gradient with respect to a step from one row of the given weight: dLoss/dA of equation 10 times
 * d(row)/d(step), where x is the row's product with the solution and y that with lambda. */
NEURLP_INLINE lanes adjoint_row_gradient(lanes weight, row_product x, row_product y) {
  return -(weight * x.value * (weight * y.derivative) + weight * y.value * (weight * x.derivative));
}

/* Value of the slack's lambda. */
NEURLP_INLINE lanes adjoint_slack_lambda(const neurlp_tile *tile, sweep_sizes z, int32_t r) {
  return tile->global[(sizes_globals(z) - 1) * z.columns + r];
}

/* Gradient with respect to the step of interval t from the two-point rows of dimension k, equation 13; adds
 * these rows to A^T A lambda. */
NEURLP_INLINE lanes adjoint_interval(const neurlp_tile *tile, const adjoint_io *io, sweep_sizes z, int32_t t,
                                     int32_t k, const lanes *power) {
  const int32_t R = z.columns, here = t % 3, next = (t + 1) % 3;
  const lanes weight = tile_smoothness(tile, t);
  lanes sum = lanes_all(0.0);
  for (int32_t q = 0; q < sizes_two_point_rows(z); q++)
    for (int32_t r = 0; r < R; r++) {
      const int32_t first = k * z.derivatives * R + r;
      row_product x =
          adjoint_pair_product(tile, z, q, power, io->solution[here] + first, io->solution[next] + first);
      row_product y = adjoint_pair_product(tile, z, q, power, tile_unknowns(tile, z, t) + first,
                                           tile_unknowns(tile, z, t + 1) + first);
      if (z.slack) {
        x.value += io->slack[r];
        y.value += adjoint_slack_lambda(tile, z, r);
      }
      sum += adjoint_row_gradient(weight, x, y);
      for (int32_t p = q / z.twin; p < z.derivatives; p++) {
        const lanes term = weight * y.value * (weight * power[p]);
        io->normal[here][first + p * R] += lanes_all(tile->problem->here[q][p]) * term;
        io->normal[next][first + p * R] += lanes_all(tile->problem->next[q][p]) * term;
      }
    }
  return sum;
}

/* The central row of a dimension, whose entries of the vector stand at u[t][d-1], u[t+1][d], u[t+2][d-1]. */
NEURLP_INLINE row_product adjoint_central_product(central_row row, lanes here, lanes next, lanes after) {
  return (row_product){row.side * (after - here) - row.middle * next,
                       row.side_slope * (after - here) - row.middle_slope * next};
}

/* Gradient with respect to h[t], and h[t+1], from the central row with centre t+1 of dimension k, equation
 * 13; adds this row to A^T A lambda. */
NEURLP_INLINE lanes adjoint_central(const neurlp_tile *tile, const adjoint_io *io, sweep_sizes z, int32_t t,
                                    int32_t k) {
  if (t + 2 >= tile->steps) return lanes_all(0.0);
  const int32_t R = z.columns, here = t % 3, next = (t + 1) % 3, after = (t + 2) % 3;
  const lanes weight = tile_smoothness(tile, t + 1);
  const central_row row = rows_central(tile, z, t, k);
  lanes sum = lanes_all(0.0);
  for (int32_t r = 0; r < R; r++) {
    const int32_t side = ((k + 1) * z.derivatives - 2) * R + r, middle = side + R;
    const lanes *lambda[3] = {tile_unknowns(tile, z, t), tile_unknowns(tile, z, t + 1),
                              tile_unknowns(tile, z, t + 2)};
    row_product x = adjoint_central_product(row, io->solution[here][side], io->solution[next][middle],
                                            io->solution[after][side]);
    row_product y = adjoint_central_product(row, lambda[0][side], lambda[1][middle], lambda[2][side]);
    if (z.slack) {
      x.value += io->slack[r];
      y.value += adjoint_slack_lambda(tile, z, r);
    }
    sum += adjoint_row_gradient(weight, x, y);
    io->normal[here][side] -= weight * y.value * (weight * row.side);
    io->normal[next][middle] -= weight * y.value * (weight * row.middle);
    io->normal[after][side] += weight * y.value * (weight * row.side);
  }
  return sum;
}

/* Gradients of the steps of interval t; those central rows come in that have their centre at either end. */
NEURLP_INLINE void adjoint_steps(neurlp_tile *tile, const adjoint_io *io, sweep_sizes z, int32_t t) {
  const bool each = tile->problem->shape.steps_per_dimension;
  lanes power[NEURLP_MAX_DERIVATIVES];
  lanes total = lanes_all(0.0);
  for (int32_t k = 0; k < z.dimensions; k++) {
    if (k == 0 || each) rows_step_powers(tile, z, t, k, power);
    lanes sum = adjoint_interval(tile, io, z, t, k, power);
    if (z.central) {
      const lanes central = adjoint_central(tile, io, z, t, k);
      sum += io->central[k] + central;
      io->central[k] = central;
    }
    if (each) adjoint_write(tile, sum, io->steps, (int64_t)t * z.dimensions + k);
    total += sum;
  }
  if (!each) adjoint_write(tile, total, io->steps, t);
}

/* What the periodic rows add to A^T A lambda at (t, k, j), in the caller's units. */
NEURLP_INLINE lanes adjoint_periodic(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t k, int32_t j,
                                     int32_t r) {
  const int32_t c = k * z.derivatives + j;
  const lanes zero = lanes_all(0.0);
  if (j + 1 >= z.derivatives) return zero;
  lanes last = zero;
  for (int32_t l = 0; l < LANES; l++)
    last[l] = tile_unknowns(tile, z, (int32_t)tile->length[l] - 1)[c * z.columns + r][l];
  const lanes image =
      (tile_unknowns(tile, z, 0)[c * z.columns + r] - last) * lanes_all(tile->problem->inverse_scale[j]);
  if (t == 0) return image;
  return lanes_select(tile_within(tile, t) & ~tile_within(tile, t + 1), -image, zero);
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
        const lanes own = z.first ? adjoint_periodic(tile, z, t, k, j, r) : lanes_all(0.0);
        const lanes hard = g - own - io->normal[t % 3][c * R + r] * lanes_all(problem->scale[j]);
        const lanes soft =
            tile_unknowns(tile, z, t)[c * R + r] * lanes_all(problem->inverse_scale[j] * w * w);
        adjoint_write(tile, t < problem->hard_steps ? hard : soft, io->initial_values, row * R + r);
      }
    }
}

/* Takes the products of the smoothness rows that join at step t and of dimension k off the slack; `count` is
 * their number so far. */
NEURLP_INLINE void adjoint_slack_rows(const neurlp_tile *tile, const adjoint_io *io, sweep_sizes z, int32_t t,
                                      int32_t k, const lanes *power, lanes *count) {
  const int32_t R = z.columns, first = k * z.derivatives * R, side = ((k + 1) * z.derivatives - 2) * R;
  const lanes *here = io->solution[t % 3], *next = io->solution[(t + 1) % 3],
              *after = io->solution[(t + 2) % 3];
  const lanes zero = lanes_all(0.0), two_point = lanes_all(sizes_two_point_rows(z));
  for (int32_t q = 0; q < sizes_two_point_rows(z); q++)
    for (int32_t r = 0; r < R; r++) {
      const row_product x = adjoint_pair_product(tile, z, q, power, here + first + r, next + first + r);
      io->slack[r] -= lanes_select(tile_within(tile, t + 1), x.value, zero);
    }
  *count += lanes_select(tile_within(tile, t + 1), two_point, zero);
  if (!z.central || t + 2 >= tile->steps) return;
  const central_row row = rows_central(tile, z, t, k);
  for (int32_t r = 0; r < R; r++) {
    const row_product x = adjoint_central_product(row, here[side + r], next[side + R + r], after[side + r]);
    io->slack[r] -= lanes_select(tile_within(tile, t + 2), x.value, zero);
  }
  *count += lanes_select(tile_within(tile, t + 2), lanes_all(1.0), zero);
}

/* The slack of the solution, equation 7b: the derivative of what is minimised with respect to it is 0. */
NEURLP_INLINE void adjoint_slack(neurlp_tile *tile, const adjoint_io *io, sweep_sizes z) {
  const neurlp_formulation *f = &tile->problem->formulation;
  lanes power[NEURLP_MAX_DERIVATIVES], count = lanes_all(0.0);
  rows_clear(io->slack, z.columns);
  adjoint_load_local(tile, io, z, 0);
  adjoint_load_local(tile, io, z, 1);
  for (int32_t t = 0; t + 1 < tile->steps; t++) {
    if (t + 2 < tile->steps) adjoint_load_local(tile, io, z, t + 2);
    for (int32_t k = 0; k < z.dimensions; k++) {
      rows_step_powers(tile, z, t, k, power);
      adjoint_slack_rows(tile, io, z, t, k, power, &count);
    }
  }
  const double drive = f->gamma * f->alpha / (f->weight_smoothness * f->weight_smoothness);
  for (int32_t r = 0; r < z.columns; r++) io->slack[r] = (io->slack[r] + lanes_all(drive)) / count;
}

NEURLP_INLINE void adjoint_gradients(neurlp_tile *tile, const adjoint_io *io, sweep_sizes z) {
  const int32_t given = tile->problem->hard_steps + tile->problem->soft_steps;
  if (z.slack) adjoint_slack(tile, io, z);
  rows_clear(io->central, z.dimensions);
  adjoint_load_local(tile, io, z, 0);
  adjoint_load_local(tile, io, z, 1);
  for (int32_t t = 0; t < tile->steps; t++) {
    adjoint_equations(tile, io, z, t);
    if (t + 2 < tile->steps) adjoint_load_local(tile, io, z, t + 2);
    if (t + 1 < tile->steps) adjoint_steps(tile, io, z, t);
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

/* One tile from solution to slack. */
NEURLP_INLINE void slack_tile(const neurlp_tile_job *job, sweep_sizes z) {
  neurlp_tile tile;
  adjoint_io io;
  double *target[LANES];
  tile_open(&tile, job);
  adjoint_open(&io, &tile, job);
  tile_point_out(&tile, job->slack, z.columns, target);
  adjoint_slack(&tile, &io, z);
  for (int32_t r = 0; r < z.columns; r++) lanes_scatter(io.slack[r], target, r, tile.count);
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
  sweep_solve_globals(&tile, z);
  for (int32_t t = tile.steps - 1; t >= 0; t--) sweep_solve_step(&tile, z, t);
  adjoint_gradients(&tile, &io, z);
  adjoint_finish(&tile, io.coefficients, tile.steps * row, T * row);
  adjoint_finish(&tile, io.rhs, tile.steps * rhs, T * rhs);
  adjoint_finish(&tile, io.initial_values, shape->initial_steps * given, shape->initial_steps * given);
  adjoint_finish(&tile, io.steps, (tile.steps - 1) * steps, (T - 1) * steps);
  tile_report(&tile, job->status);
}

#endif
