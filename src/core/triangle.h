/* Least squares by orthogonal triangularisation: rows are appended to an upper triangle, never to normal
 * equations.
 *
 * A triangle of size n holds the factor of all rows seen so far in n (n + 1) / 2 numbers, row by row
 * (neurlp_triangle_row); the last of its n columns is usually the right-hand side. Appending is associative
 * up to rounding, so triangles can be merged in any fixed order (docs/math.md, section 7). */
#ifndef NEURLP_CORE_TRIANGLE_H
#define NEURLP_CORE_TRIANGLE_H

#include "core/context.h"
#include "core/triangle_lane.h"

/* Appends m rows [m][n] (destroyed) to the triangle by Householder reflections; 2 m n^2 flops. */
void neurlp_triangle_append(int64_t n, double *triangle, int64_t m, double *rows);

/* Appends another triangle of the same size; rows [n][n] is workspace. */
void neurlp_triangle_merge(int64_t n, double *triangle, const double *other, double *rows);

/* One damped least-squares step from a triangle on [parameters | right-hand side], n = parameters + 1.
 *   free     [parameters] which parameters may move
 *   damping  lambda >= 0: minimises |R x - y|^2 + lambda |D x|^2, D = the columns' norms (Marquardt)
 *   lower, upper [parameters] bounds on the step x (-inf, inf: none); NULL: none
 *   step     [parameters], written; 0 where not free
 *   workspace [neurlp_triangle_step_workspace(parameters)] doubles
 * A parameter that the rows do not determine gets step 0. Returns the decrease of |R x - y|^2 that is
 * predicted. */
double neurlp_triangle_step(int64_t parameters, const double *triangle, const bool *free, double damping,
                            const double *lower, const double *upper, double *step, double *workspace);
int64_t neurlp_triangle_step_workspace(int64_t parameters);

/* Covariance (R^T R)^-1 of the free parameters, [parameters][parameters]; rows and columns of the others are
 * zero. A parameter that is not determined has infinite variance. Same workspace as neurlp_triangle_step. */
void neurlp_triangle_covariance(int64_t parameters, const double *triangle, const bool *free,
                                double *covariance, double *workspace);

#endif
