/* What Gauss-Newton leaves out of the gradients: second derivatives of f, times what the solution leaves of
 * the equations (docs/math.md, equations 17a and 17b). They are wanted along one direction only, the
 * adjoint's multipliers, so central differences of two linearisations give them. */
#include "block/nonlinear/nonlinear.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Distance of the nearby trajectories, in units of scale / nominal_step^j: next to the cube root of the
 * rounding unit, where errors of truncation and of rounding are both some 1e-10 of the correction. */
static const double DISTANCE = 0x1p-17;

/* Where this thread works. */
static double *nearby_of(const neurlp_nonlinear *block, int32_t side) {
  return block->adjoint.nearby +
         (2 * omp_get_thread_num() + side) * block->shape.steps * nonlinear_unknowns(block);
}
static double *distance_of(const neurlp_nonlinear *block) {
  return block->adjoint.distance + (int64_t)omp_get_thread_num() * block->shape.steps;
}

/* Which equation of step t the solution satisfies least. */
static int64_t worst_equation(const neurlp_nonlinear *block, const double *remainder) {
  int64_t worst = 0;
  for (int64_t e = 1; e < block->shape.dimensions; e++)
    if (fabs(remainder[e]) > fabs(remainder[worst])) worst = e;
  return worst;
}

/* Multipliers w_e^2 lambda of the derivatives below kappa at one step, [D kappa]: by equation 12,
 *   dLoss/dc[e][k][j] + dLoss/db[e] u[k][j] = w_e^2 (b - c.u)[e] lambda[k][j],
 * divided by the largest b - c.u. The quotient is multiplied by b - c.u again, so that its rounding errors do
 * not matter however small b - c.u is. */
static void find_multipliers(const neurlp_nonlinear *block, int64_t i, int64_t t, double *multiplier) {
  const int64_t D = block->shape.dimensions, n = nonlinear_unknowns(block);
  const int64_t point = i * block->shape.steps + t;
  const int64_t e = worst_equation(block, block->adjoint.remainder + point * D);
  const double *grad = block->adjoint.grad_coefficients + (point * D + e) * n;
  const double grad_rhs = block->adjoint.grad_rhs[point * D + e],
               left = block->adjoint.remainder[point * D + e];
  const double *u = block->piece.solution + point * n;
  for (int64_t v = 0; v < nonlinear_symbols(block); v++) {
    const int64_t at = nonlinear_unknown(block, v);
    multiplier[v] = left != 0 ? (grad[at] + grad_rhs * u[at]) / left : 0;
  }
}

/* Trajectories on either side of the solution in slot i, along the multipliers, DISTANCE away at every step;
 * and what a difference between them is multiplied by to be a derivative along the multipliers. */
static void place_nearby(const neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch, int64_t i) {
  const int64_t n = nonlinear_unknowns(block), T = block->shape.steps,
                kappa = block->shape.leading_derivative, symbols = nonlinear_symbols(block);
  const double *scale =
      batch->scale ? batch->scale + block->piece.systems[i] * block->shape.dimensions : NULL;
  double *sides[2] = {nearby_of(block, 0), nearby_of(block, 1)}, *distance = distance_of(block);
  for (int64_t t = 0; t < block->piece.lengths[i]; t++) {
    const double *u = block->piece.solution + (i * T + t) * n;
    double *multiplier = sides[1] + t * n, size = 0;
    find_multipliers(block, i, t, multiplier);
    for (int64_t v = 0; v < symbols; v++) {
      const double unit =
          pow(block->shape.nominal_step, (double)(v % kappa)) / (scale ? scale[v / kappa] : 1);
      size = fmax(size, fabs(multiplier[v]) * unit);
    }
    const bool usable = size > 0 && isfinite(size) && isfinite(1 / size);
    memcpy(sides[0] + t * n, u, (size_t)n * sizeof *u);
    for (int64_t v = 0; usable && v < symbols; v++)
      sides[0][t * n + nonlinear_unknown(block, v)] += DISTANCE / size * multiplier[v];
    for (int64_t j = 0; j < n; j++) sides[1][t * n + j] = 2 * u[j] - sides[0][t * n + j];
    distance[t] = usable ? size / (2 * DISTANCE) : 0;
  }
}

/* Adds sum_e (b - c.u)[e] factor J[e][v] to the gradient of slot i. */
static void add_curvature(neurlp_nonlinear *block, int64_t i, const double *jacobian, double sign) {
  const int64_t D = block->shape.dimensions, n = nonlinear_unknowns(block),
                symbols = nonlinear_symbols(block), T = block->shape.steps, length = block->piece.lengths[i];
  const double *distance = distance_of(block), *remainder = block->adjoint.remainder + i * T * D;
  double *grad = block->adjoint.grad_state + i * T * n;
  for (int64_t e = 0; e < D; e++)
    for (int64_t v = 0; v < symbols; v++) {
      const double *entry = jacobian + (e * symbols + v) * length;
      const int64_t at = nonlinear_unknown(block, v);
      for (int64_t t = 0; t < length; t++)
        grad[t * n + at] += sign * remainder[t * D + e] * distance[t] * entry[t];
    }
}

void neurlp_nonlinear_correct(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                              const double *grad_state, int64_t i) {
  const int64_t n = nonlinear_unknowns(block), s = block->piece.systems[i];
  double *grad = block->adjoint.grad_state + i * block->shape.steps * n;
  memcpy(grad, grad_state + nonlinear_point(block, batch, s) * n,
         (size_t)(block->piece.lengths[i] * n) * sizeof *grad);
  place_nearby(block, batch, i);
  for (int32_t side = 0; side < 2; side++) {
    neurlp_linearisation l;
    if (neurlp_nonlinear_linearise(block, batch, s, nearby_of(block, side), false, &l))
      add_curvature(block, i, l.jacobian, side == 0 ? -1 : 1);
    else
      grad[0] = NAN; /* the next sweep finds it */
  }
}

void neurlp_nonlinear_correct_parameters(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                         int64_t i, double *gradient) {
  const int64_t D = block->shape.dimensions, P = block->shape.parameters, s = block->piece.systems[i];
  const double *distance = distance_of(block),
               *remainder = block->adjoint.remainder + i * block->shape.steps * D;
  place_nearby(block, batch, i);
  for (int32_t side = 0; side < 2; side++) {
    neurlp_linearisation l;
    if (!neurlp_nonlinear_linearise(block, batch, s, nearby_of(block, side), true, &l)) {
      gradient[0] = NAN;
      return;
    }
    const double sign = side == 0 ? -1 : 1;
    for (int64_t e = 0; e < D; e++)
      for (int64_t p = 0; p < P; p++) {
        const double *values = l.sensitivity[e * P + p];
        for (int64_t t = 0; values && t < block->piece.lengths[i]; t++)
          gradient[p] += sign * remainder[t * D + e] * distance[t] * values[t];
      }
  }
}
