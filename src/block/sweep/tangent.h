/* One tile from a direction of the inputs to the derivative of the solution along it (docs/math.md, equation
 * 15a): A^T A dx = A^T (dr - dA x) + dA^T (r - A x), where dr holds what changes of exact values move there.
 */
#ifndef NEURLP_BLOCK_TANGENT_H
#define NEURLP_BLOCK_TANGENT_H

#include "block/sweep/slack.h"
#include "block/sweep/solve.h"

/* What the tangent reads beside the inputs. The window `normal` of `local` holds changes of exact values. */
typedef struct tangent_view {
  local_view local;
  neurlp_tile direction; /* its inputs are the direction's; nothing else is used */
  tile_vector out;       /* the right-hand side of the equation above */
} tangent_view;

NEURLP_ANYWHERE void tangent_open(tangent_view *view, const neurlp_tile *tile, const neurlp_tile_job *job) {
  const neurlp_direction *d = job->direction;
  const neurlp_inputs inputs = {.coefficients = d->coefficients,
                                .rhs = d->rhs,
                                .initial_values = d->initial_values,
                                .final_values = d->final_values,
                                .steps = d->steps};
  local_open(&view->local, tile, job->solved);
  view->direction = *tile;
  tile_inputs(&view->direction, &inputs);
}

/* A number of the direction at step t, zero where it is NULL and past a lane's length. */
NEURLP_INLINE wide tangent_load(const neurlp_tile *tile, sweep_sizes z, const tile_input *input, int32_t t,
                                int64_t place) {
  return input->lane[0] ? tile_load(tile, z, input, t, place) : wide_all(0.0);
}

/* Change of the step of interval t. */
NEURLP_INLINE wide tangent_step_change(const neurlp_tile *tile, const tangent_view *view, sweep_sizes z,
                                       int32_t t, int32_t k) {
  const wide change =
      tangent_load(tile, z, &view->direction.step, t, tile->problem->shape.steps_per_dimension ? k : 0);
  return wide_select(tile_within(tile, t + 1), change, wide_all(0.0));
}

/* Changes of given values, initial ones of step t and final ones, in the caller's units. */
NEURLP_INLINE wide tangent_initial(const tangent_view *view, sweep_sizes z, int32_t t, int32_t k, int32_t j,
                                   int32_t r) {
  return view->direction.initial_values.lane[0] ? tile_initial_value(&view->direction, z, t, k, j, r)
                                                : wide_all(0.0);
}

NEURLP_INLINE wide tangent_final(const tangent_view *view, sweep_sizes z, int32_t k, int32_t j, int32_t r) {
  return view->direction.final_values.lane[0] ? tile_final_value(&view->direction, z, k, j, r)
                                              : wide_all(0.0);
}

/* Change of unknown (t, k, j) where it is exact, scaled; zero where it is not. */
NEURLP_INLINE wide tangent_exact(const neurlp_tile *tile, const tangent_view *view, sweep_sizes z, int32_t t,
                                 int32_t k, int32_t j, int32_t r) {
  const wide zero = wide_all(0.0), scale = wide_all(tile->problem->scale[j]);
  wide x = zero;
  if (tile_known(tile, z, t, j)) x = tangent_initial(view, z, t, k, j, r) * scale;
  if (tile_known_final(tile, z, t, j))
    x = wide_select(tile_ends(tile, t), tangent_final(view, z, k, j, r) * scale, x);
  return x;
}

/* The solution and the changes of exact values of step t. */
NEURLP_INLINE void tangent_load_step(const neurlp_tile *tile, const tangent_view *view, sweep_sizes z,
                                     int32_t t) {
  local_load(tile, &view->local, z, t);
  wide_cell *exact = window_step(view->local.normal, t);
  for (int32_t c = 0; c < sizes_unknowns(z); c++)
    for (int32_t r = 0; r < z.columns; r++)
      exact[c * z.columns + r] = tangent_exact(tile, view, z, t, c / z.derivatives, c % z.derivatives, r);
}

NEURLP_INLINE void tangent_equations(const neurlp_tile *tile, const tangent_view *view, sweep_sizes z,
                                     int32_t t) {
  const int32_t n = sizes_unknowns(z), R = z.columns;
  const wide_cell *x = window_step(view->local.solution, t), *exact = window_step(view->local.normal, t);
  const wide weight = wide_all(tile->problem->weight_equation);
  wide_cell *row = view->local.row, *change = view->local.grad_row, *out = vector_step(view->out, z, t);
  for (int32_t e = 0; e < z.equations; e++) {
    product_equation_row(tile, z, t, e, row);
    for (int32_t c = 0; c < n; c++)
      change[c] = tangent_load(tile, z, &view->direction.coefficients, t, (int64_t)e * n + c) *
                  rows_equation_weight(tile, z, c);
    for (int32_t r = 0; r < R; r++) {
      const wide residual = tile_rhs(tile, z, t, e, r) * weight - product_of_row(z, row, x, r);
      const wide moved = tangent_load(tile, z, &view->direction.rhs, t, (int64_t)e * R + r) * weight -
                         product_of_row(z, change, x, r) - product_of_row(z, row, exact, r);
      product_add_row(z, row, moved, out, r);
      product_add_row(z, change, residual, out, r);
    }
  }
}

/* Soft values: their rows do not change, only what they are compared with. */
NEURLP_INLINE void tangent_soft_values(const neurlp_tile *tile, const tangent_view *view, sweep_sizes z,
                                       int32_t t) {
  const neurlp_problem *problem = tile->problem;
  const double w = problem->formulation.weight_initial;
  const int32_t J = t < problem->soft_steps ? problem->shape.initial_derivatives : 0;
  const int32_t JF = problem->hard ? 0 : z.final;
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < z.derivatives; j++)
      for (int32_t r = 0; r < z.columns; r++) {
        wide_cell *out = vector_step(view->out, z, t) + (k * z.derivatives + j) * z.columns + r;
        const wide weight = wide_all(w * w * problem->inverse_scale[j]);
        if (j < J) *out += weight * tangent_initial(view, z, t, k, j, r);
        if (j < JF)
          *out += wide_select(tile_ends(tile, t), weight * tangent_final(view, z, k, j, r), wide_all(0.0));
      }
}

/* What a smoothness row of the given weight adds: A^T `moved`, dA^T `residual`. */
typedef struct tangent_row {
  wide moved, residual;
} tangent_row;

NEURLP_INLINE tangent_row tangent_smoothness_row(wide weight, row_product x, wide exact, wide change) {
  return (tangent_row){weight * (-weight * (x.derivative * change + exact)),
                       weight * (-weight * x.value) * change};
}

/* Two-point rows of dimension k that join at step t. */
NEURLP_INLINE void tangent_two_point(const neurlp_tile *tile, const tangent_view *view, sweep_sizes z,
                                     int32_t t, int32_t k, const wide *power) {
  const int32_t R = z.columns;
  const wide weight = tile_smoothness(tile, z, t), change = tangent_step_change(tile, view, z, t, k);
  const vector_window *x = &view->local.solution, *exact = &view->local.normal;
  for (int32_t q = 0; q < sizes_two_point_rows(z); q++)
    for (int32_t r = 0; r < R; r++) {
      const int32_t first = k * z.derivatives * R + r;
      row_product product =
          product_two_point(tile, z, q, power, window_step(*x, t) + first, window_step(*x, t + 1) + first);
      const row_product known = product_two_point(tile, z, q, power, window_step(*exact, t) + first,
                                                  window_step(*exact, t + 1) + first);
      if (z.slack) product.value += view->local.slack[r];
      const tangent_row row = tangent_smoothness_row(weight, product, known.value, change);
      product_add_two_point(tile, z, q, power, row.moved, row.residual, vector_step(view->out, z, t) + first,
                            vector_step(view->out, z, t + 1) + first);
      if (z.slack) view->out.global[(sizes_globals(z) - 1) * R + r] += row.moved;
    }
}

/* The central row with centre t+1 of dimension k. */
NEURLP_INLINE void tangent_central(const neurlp_tile *tile, const tangent_view *view, sweep_sizes z,
                                   int32_t t, int32_t k) {
  const int32_t R = z.columns;
  const wide weight = tile_smoothness(tile, z, t + 1);
  const wide change = tangent_step_change(tile, view, z, t, k) + tangent_step_change(tile, view, z, t + 1, k);
  const central_row central = rows_central(tile, z, t, k);
  const vector_window *x = &view->local.solution, *exact = &view->local.normal;
  for (int32_t r = 0; r < R; r++) {
    const int32_t side = product_central_place(z, k) + r, middle = side + R;
    row_product product = product_central(central, window_step(*x, t)[side], window_step(*x, t + 1)[middle],
                                          window_step(*x, t + 2)[side]);
    const row_product known =
        product_central(central, window_step(*exact, t)[side], window_step(*exact, t + 1)[middle],
                        window_step(*exact, t + 2)[side]);
    if (z.slack) product.value += view->local.slack[r];
    const tangent_row row = tangent_smoothness_row(weight, product, known.value, change);
    product_add_central(central, row.moved, row.residual, vector_step(view->out, z, t) + side,
                        vector_step(view->out, z, t + 1) + middle, vector_step(view->out, z, t + 2) + side);
    if (z.slack) view->out.global[(sizes_globals(z) - 1) * R + r] += row.moved;
  }
}

/* Periodic rows see the changes of exact values at either end. */
NEURLP_INLINE void tangent_periodic(const neurlp_tile *tile, const tangent_view *view, sweep_sizes z) {
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j + 1 < z.derivatives; j++)
      for (int32_t r = 0; r < z.columns; r++) {
        const int32_t place = (k * z.derivatives + j) * z.columns + r;
        const double one = tile->problem->inverse_scale[j];
        for (int32_t t = tile->shortest - 1; t < tile->steps; t++) {
          const wide moved =
              (tangent_exact(tile, view, z, t, k, j, r) - tangent_exact(tile, view, z, 0, k, j, r)) *
              wide_all(one * one);
          const wide w = wide_select(tile_ends(tile, t), moved, wide_all(0.0));
          vector_step(view->out, z, 0)[place] += w;
          vector_step(view->out, z, t)[place] -= w;
        }
      }
}

/* The right-hand side, over all rows. */
NEURLP_INLINE void tangent_rows(neurlp_tile *tile, const tangent_view *view, sweep_sizes z) {
  wide power[NEURLP_MAX_DERIVATIVES];
  vector_clear(tile, view->out, z);
  tangent_load_step(tile, view, z, 0);
  tangent_load_step(tile, view, z, 1);
  for (int32_t t = 0; t < tile->steps; t++) {
    if (!tile->cut || t > 0) tangent_equations(tile, view, z, t);
    tangent_soft_values(tile, view, z, t);
    if (t + 2 < tile->steps) tangent_load_step(tile, view, z, t + 2);
    for (int32_t k = 0; k < z.dimensions && t + 1 < tile->steps; k++) {
      rows_step_powers(tile, z, t, k, power);
      tangent_two_point(tile, view, z, t, k, power);
      if (z.central && t + 2 < tile->steps) tangent_central(tile, view, z, t, k);
    }
  }
  if (tile->problem->formulation.periodic) tangent_periodic(tile, view, z);
  for (int32_t t = 0; t < tile->steps; t++) refine_place(tile, view->out, z, t);
}

/* Exact values change as they are told to. */
NEURLP_INLINE void tangent_place_exact(const neurlp_tile *tile, const tangent_view *view, sweep_sizes z) {
  for (int32_t t = 0; t < tile->steps; t++)
    for (int32_t c = 0; c < sizes_unknowns(z); c++)
      for (int32_t r = 0; r < z.columns; r++)
        vector_step(tile->x, z, t)[c * z.columns + r] +=
            tangent_exact(tile, view, z, t, c / z.derivatives, c % z.derivatives, r);
}

NEURLP_INLINE void tangent_tile(const neurlp_tile_job *job, sweep_sizes z, sweep_function factorise) {
  neurlp_tile tile;
  tangent_view view;
  tile_open(&tile, job);
  tangent_open(&view, &tile, job);
  const bool refines = job->kept || sizeof(inner) < sizeof(outer);
  view.out = refines ? tile.source : tile.x;
  if (!job->kept) sweep_obtain(&tile, z, 0, factorise);
  z.edge = 1;
  if (z.slack) slack_find(&tile, &view.local, z);
  if (!sweep_resumes(&tile)) tangent_rows(&tile, &view, z);
  if (refines)
    refine_normal(&tile, z);
  else {
    if (!sweep_resumes(&tile)) substitute_transposed(&tile, tile.x, z);
    if (joint_reached(&tile, z, true)) return;
    joint_place(&tile, z);
    substitute(&tile, tile.x, z);
  }
  tangent_place_exact(&tile, &view, z);
  solve_write(&tile, z, job->tangent, job->status);
}

#endif
