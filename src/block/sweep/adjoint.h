/* One tile from the gradient of a loss with respect to the solution to its gradients with respect to the
 * inputs (docs/math.md, section 3). */
#ifndef NEURLP_BLOCK_ADJOINT_H
#define NEURLP_BLOCK_ADJOINT_H

#include "block/sweep/gradient.h"
#include "block/sweep/joint.h"
#include "block/sweep/refine.h"
#include "block/sweep/slack.h"
#include "block/sweep/sweep.h"

/* What the adjoint reads and writes beside the inputs. */
typedef struct adjoint_view {
  local_view local;
  tile_input grad_output;
  gradient_output coefficients, rhs, initial_values, final_values, steps;
  wide_mask finite; /* lanes whose gradients all are */
} adjoint_view;

NEURLP_ANYWHERE void adjoint_open(adjoint_view *view, const neurlp_tile *tile, const neurlp_tile_job *job) {
  const neurlp_shape *shape = gradient_shape(tile);
  const neurlp_gradients *to = job->gradients, *sums = job->sums;
  const int64_t coefficients = shape->equations * (int64_t)tile->problem->unknowns,
                rhs = shape->equations * (int64_t)shape->columns;
  const neurlp_sharing values = shape->values_sharing;
  local_open(&view->local, tile, job->solved);
  view->grad_output = tile_point(tile, job->grad_output, NEURLP_ARRAY_SOLUTION);
  view->finite = wide_equal(wide_all(0.0), wide_all(0.0));
  wide_cell *sum = view->local.sums;
  view->coefficients = gradient_open(tile, NEURLP_ARRAY_COEFFICIENTS, shape->coefficients_sharing,
                                     shape->steps, to->coefficients, sums->coefficients, sum, 0);
  view->rhs = gradient_open(tile, NEURLP_ARRAY_RHS, shape->rhs_sharing, shape->steps, to->rhs, sums->rhs,
                            sum + coefficients, coefficients);
  view->steps = gradient_open(tile, NEURLP_ARRAY_STEPS, shape->steps_sharing, shape->steps - 1, to->steps,
                              sums->steps, sum + coefficients + rhs, coefficients + rhs);
  view->initial_values = gradient_open(tile, NEURLP_ARRAY_INITIAL_VALUES, values, shape->initial_steps,
                                       to->initial_values, sums->initial_values, NULL, 0);
  view->final_values = gradient_open(tile, NEURLP_ARRAY_FINAL_VALUES, values, 1, to->final_values,
                                     sums->final_values, NULL, 0);
}

/* The gradient with respect to the scaled unknowns of step t; exact values have no part in it. That of global
 * ones goes to them. */
NEURLP_INLINE void adjoint_load_step(const neurlp_tile *tile, const adjoint_view *view, tile_vector to,
                                     sweep_sizes z, int32_t t) {
  const int32_t n = sizes_unknowns(z);
  const wide zero = wide_all(0.0);
  const bool global = z.edge && z.first && t == 0;
  EACH (c, 0, n) {
    const int32_t j = c % z.derivatives;
    const wide weight = wide_all(tile->problem->inverse_scale[j]);
    EACH (r, 0, z.columns) {
      const int32_t place = c * z.columns + r;
      wide own = tile_known(tile, z, t, j) ? zero : tile_load(tile, z, &view->grad_output, t, place) * weight;
      if (tile_known_final(tile, z, t, j)) own = wide_select(tile_ends(tile, t), zero, own);
      vector_step(to, z, t)[place] = global ? zero : own;
      if (global) to.global[place] = tile->cut ? zero : own;
    }
  }
}

/* The gradient with respect to all unknowns. The loss does not depend on the slack. */
NEURLP_INLINE void adjoint_load(const neurlp_tile *tile, const adjoint_view *view, tile_vector to,
                                sweep_sizes z) {
  sweep_sizes edge = z, inside = z;
  edge.edge = 1;
  inside.edge = 0;
  wide_clear(to.global, (int64_t)sizes_globals(z) * z.columns);
  for (int32_t t = 0; t < tile->steps; t++)
    if (tile_inside(tile, z, t))
      adjoint_load_step(tile, view, to, inside, t);
    else
      adjoint_load_step(tile, view, to, edge, t);
}

NEURLP_INLINE void adjoint_write(const neurlp_tile *tile, adjoint_view *view, sweep_sizes z,
                                 const gradient_output *output, int32_t t, int64_t place, wide x) {
  view->finite &= wide_finite(x);
  gradient_write(tile, z, output, t, place, x);
}

/* Gradients of the equations of step t, docs/math.md, equation 12. */
NEURLP_INLINE void adjoint_equations(const neurlp_tile *tile, adjoint_view *view, sweep_sizes z, int32_t t) {
  const int32_t n = sizes_unknowns(z), R = z.columns;
  const wide_cell *x = window_step(view->local.solution, t), *lambda = vector_step(tile->x, z, t);
  const wide weight = wide_all(tile->problem->weight_equation);
  wide_cell *row = view->local.row, *grad_row = view->local.grad_row;
  EACH (e, 0, z.equations) {
    product_equation_row(tile, z, t, e, row);
    wide_clear(grad_row, n);
    EACH (r, 0, R) {
      const wide residual = wide_fma(tile_rhs(tile, z, t, e, r), weight, -product_of_row(z, row, x, r));
      const wide image = product_of_row(z, row, lambda, r);
      EACH (c, 0, n) grad_row[c] += wide_fma(residual, lambda[c * R + r], -image * x[c * R + r]);
      if (z.edge) product_add_row(z, row, image, window_step(view->local.normal, t), r);
      adjoint_write(tile, view, z, &view->rhs, t, e * R + r, image * weight);
    }
    EACH (c, 0, n)
      adjoint_write(tile, view, z, &view->coefficients, t, (int64_t)e * n + c,
                    grad_row[c] * rows_equation_weight(tile, z, c));
  }
}

/* Part of the gradient with respect to a step from one row of the given weight: dLoss/dA of equation 10 times
 * d(row)/d(step), where x is the row's product with the solution and y that with lambda. */
NEURLP_INLINE wide adjoint_row_gradient(wide weight, row_product x, row_product y) {
  return -weight * weight * wide_fma(x.value, y.derivative, y.value * x.derivative);
}

/* Value of the slack's lambda. */
NEURLP_INLINE wide adjoint_slack_lambda(const neurlp_tile *tile, sweep_sizes z, int32_t r) {
  return tile->x.global[(sizes_globals(z) - 1) * z.columns + r];
}

/* Gradient with respect to the step of interval t from the two-point rows of dimension k, equation 13; adds
 * these rows to A^T A lambda. */
NEURLP_INLINE wide adjoint_interval(const neurlp_tile *tile, const adjoint_view *view, sweep_sizes z,
                                    int32_t t, int32_t k, const wide *power) {
  const int32_t R = z.columns;
  const wide weight = tile_smoothness(tile, z, t);
  const local_view *local = &view->local;
  wide sum = wide_all(0.0);
  EACH (q, 0, sizes_two_point_rows(z))
    EACH (r, 0, R) {
      const int32_t first = k * z.derivatives * R + r;
      row_product x = product_two_point(tile, z, q, power, window_step(local->solution, t) + first,
                                        window_step(local->solution, t + 1) + first);
      row_product y = product_two_point(tile, z, q, power, vector_step(tile->x, z, t) + first,
                                        vector_step(tile->x, z, t + 1) + first);
      if (z.slack) {
        x.value += local->slack[r];
        y.value += adjoint_slack_lambda(tile, z, r);
      }
      sum += adjoint_row_gradient(weight, x, y);
      if (z.edge)
        product_add_two_point(tile, z, q, power, weight * y.value * weight, wide_all(0.0),
                              window_step(local->normal, t) + first,
                              window_step(local->normal, t + 1) + first);
    }
  return sum;
}

/* Gradient with respect to h[t], and h[t+1], from the central row with centre t+1 of dimension k, equation
 * 13; adds this row to A^T A lambda. */
NEURLP_INLINE wide adjoint_central(const neurlp_tile *tile, const adjoint_view *view, sweep_sizes z,
                                   int32_t t, int32_t k) {
  if (t + 2 >= tile->steps) return wide_all(0.0);
  const int32_t R = z.columns;
  const wide weight = tile_smoothness(tile, z, t + 1);
  const central_row row = rows_central(tile, z, t, k);
  const vector_window *solution = &view->local.solution, *normal = &view->local.normal;
  wide sum = wide_all(0.0);
  EACH (r, 0, R) {
    const int32_t side = product_central_place(z, k) + r, middle = side + R;
    row_product x =
        product_central(row, window_step(*solution, t)[side], window_step(*solution, t + 1)[middle],
                        window_step(*solution, t + 2)[side]);
    row_product y =
        product_central(row, vector_step(tile->x, z, t)[side], vector_step(tile->x, z, t + 1)[middle],
                        vector_step(tile->x, z, t + 2)[side]);
    if (z.slack) {
      x.value += view->local.slack[r];
      y.value += adjoint_slack_lambda(tile, z, r);
    }
    sum += adjoint_row_gradient(weight, x, y);
    product_add_central(row, weight * y.value * weight, wide_all(0.0), window_step(*normal, t) + side,
                        window_step(*normal, t + 1) + middle, window_step(*normal, t + 2) + side);
  }
  return sum;
}

/* Gradients of the steps of interval t; those central rows come in that have their centre at either end. */
NEURLP_INLINE void adjoint_steps(neurlp_tile *tile, adjoint_view *view, sweep_sizes z, int32_t t) {
  const bool each = tile->problem->shape.steps_per_dimension;
  wide power[NEURLP_MAX_DERIVATIVES];
  wide total = wide_all(0.0);
  EACH (k, 0, z.dimensions) {
    if (k == 0 || each) rows_step_powers(tile, z, t, k, power);
    wide sum = adjoint_interval(tile, view, z, t, k, power);
    if (z.central) {
      const wide central = adjoint_central(tile, view, z, t, k);
      sum += view->local.central[k] + central;
      view->local.central[k] = central;
    }
    if (each) adjoint_write(tile, view, z, &view->steps, t, k, sum);
    total += sum;
  }
  if (!each) adjoint_write(tile, view, z, &view->steps, t, 0, total);
}

/* What the periodic rows add to A^T A lambda at step t in the lanes where it is the last, and at step 0. */
NEURLP_INLINE wide adjoint_periodic(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t c, int32_t r) {
  const int32_t j = c % z.derivatives, place = c * z.columns + r;
  const wide zero = wide_all(0.0);
  if (!tile->problem->formulation.periodic || j + 1 == z.derivatives) return zero;
  const double one = tile->problem->inverse_scale[j];
  const wide image =
      (vector_step(tile->x, z, 0)[place] - product_last(tile, tile->x, z, place)) * wide_all(one * one);
  return t == 0 ? image : wide_select(tile_ends(tile, t), -image, zero);
}

/* The gradient of a value that is given at (t, c), in the caller's units: equation 14 where it is hard, 15
 * where it is soft. */
NEURLP_INLINE wide adjoint_value(const neurlp_tile *tile, const adjoint_view *view, sweep_sizes z, int32_t t,
                                 int32_t c, int32_t r) {
  const neurlp_problem *problem = tile->problem;
  const int32_t j = c % z.derivatives, place = c * z.columns + r;
  const double w = problem->formulation.weight_initial;
  if (!problem->hard) return vector_step(tile->x, z, t)[place] * wide_all(problem->inverse_scale[j] * w * w);
  const wide image = window_step(view->local.normal, t)[place] + adjoint_periodic(tile, z, t, c, r);
  return tile_load(tile, z, &view->grad_output, t, place) - image * wide_all(problem->scale[j]);
}

NEURLP_ANYWHERE void adjoint_initial_values(const neurlp_tile *tile, adjoint_view *view, sweep_sizes z,
                                            int32_t t) {
  const int32_t J = tile->problem->shape.initial_derivatives;
  EACH (k, 0, z.dimensions)
    EACH (j, 0, J)
      EACH (r, 0, z.columns)
        adjoint_write(tile, view, z, &view->initial_values, t, tile_value_place(z, J, k, j, r),
                      adjoint_value(tile, view, z, t, k * z.derivatives + j, r));
}

/* Those of the lanes that end at step t; the others' gradients stay as they are. */
NEURLP_ANYWHERE void adjoint_final_values(const neurlp_tile *tile, adjoint_view *view, sweep_sizes z,
                                          int32_t t) {
  const gradient_output *output = &view->final_values;
  const wide_mask ends = tile_ends(tile, t);
  EACH (k, 0, z.dimensions)
    EACH (j, 0, z.final)
      EACH (r, 0, z.columns) {
        const int64_t place = tile_value_place(z, z.final, k, j, r);
        const wide x =
            wide_select(ends, adjoint_value(tile, view, z, t, k * z.derivatives + j, r), wide_all(0.0));
        view->finite &= wide_finite(x);
        if (output->shared) output->shared[place] += gradient_lanes_sum(tile, x);
        EACH (l, 0, LANES)
          if (l < tile->count && output->wanted && !output->shared && ends[l]) output->lane[l][place] = x[l];
      }
}

NEURLP_INLINE void adjoint_step(neurlp_tile *tile, adjoint_view *view, sweep_sizes z, int32_t t) {
  const int32_t given = tile->problem->hard_steps + tile->problem->soft_steps;
  if (!z.edge || !tile->cut || t > 0) adjoint_equations(tile, view, z, t);
  if (!z.edge || t + 2 < tile->steps) local_load(tile, &view->local, z, t + 2);
  if (!z.edge || t + 1 < tile->steps) adjoint_steps(tile, view, z, t);
  if (z.edge && t < given) adjoint_initial_values(tile, view, z, t);
  if (z.edge && z.final && t + 1 >= tile->shortest) adjoint_final_values(tile, view, z, t);
}

/* All gradients, from the solution and lambda, which is in x. */
NEURLP_INLINE void adjoint_gradients(neurlp_tile *tile, adjoint_view *view, sweep_sizes z) {
  sweep_sizes edge = z, inside = z;
  edge.edge = 1;
  inside.edge = 0;
  if (z.slack) slack_find(tile, &view->local, edge);
  wide_clear(view->local.central, z.dimensions);
  local_load(tile, &view->local, edge, 0);
  local_load(tile, &view->local, edge, 1);
  for (int32_t t = 0; t < tile->steps; t++)
    if (tile_inside(tile, z, t))
      adjoint_step(tile, view, inside, t);
    else
      adjoint_step(tile, view, edge, t);
  tile_fail(tile, ~view->finite, NEURLP_NOT_FINITE);
}

NEURLP_ANYWHERE void adjoint_close(const neurlp_tile *tile, adjoint_view *view) {
  gradient_close(tile, &view->coefficients);
  gradient_close(tile, &view->rhs);
  gradient_close(tile, &view->initial_values);
  gradient_close(tile, &view->final_values);
  gradient_close(tile, &view->steps);
}

NEURLP_INLINE void adjoint_tile(const neurlp_tile_job *job, sweep_sizes z, sweep_function factorise) {
  neurlp_tile tile;
  adjoint_view view;
  tile_open(&tile, job);
  if (!job->kept) sweep_obtain(&tile, z, 0, factorise);
  adjoint_open(&view, &tile, job); /* not before: registers */
  if (job->kept || sizeof(inner) < sizeof(outer)) {
    adjoint_load(&tile, &view, tile.source, z);
    refine_normal(&tile, z);
  } else {
    if (!sweep_resumes(&tile)) {
      adjoint_load(&tile, &view, tile.x, z);
      substitute_transposed(&tile, tile.x, z);
    }
    if (joint_reached(&tile, z, true)) return;
    joint_place(&tile, z);
    substitute(&tile, tile.x, z);
  }
  adjoint_gradients(&tile, &view, z);
  adjoint_close(&tile, &view);
  tile_report(&tile, job->status);
}

#endif
