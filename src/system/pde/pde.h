/* Accurate solution of a known partial differential equation from initial values: Fourier modes in space, an
 * embedded Runge-Kutta pair in time around the exact solution of the linear part (math.md, section 11). */
#ifndef NEURLP_SYSTEM_PDE_H
#define NEURLP_SYSTEM_PDE_H

#include "core/context.h"
#include "system/pde/known_pde.h"

typedef struct neurlp_pde neurlp_pde;

/* A solver for grids of `points`: a power of two from 8 on (NEURLP_ERROR_ARGUMENT else). It computes on a
 * grid twice as fine. Allocates about 40 numbers for each point; nothing later. One for each thread. */
NEURLP_MUST_USE neurlp_status neurlp_pde_create(neurlp_context *context, const neurlp_known_pde *known,
                                                int32_t points, neurlp_pde **pde);

/* Frees it and sets *pde to NULL. Safe to call twice. */
void neurlp_pde_destroy(neurlp_pde **pde);

/* Error allowed in a step, relative to the state's root mean square; 1e-8 at first. */
void neurlp_pde_set_tolerance(neurlp_pde *pde, double tolerance);

/* Begins at a state.
 *   parameters [P], the first the length of the domain, positive
 *   initial    [points], at x = j length / points */
void neurlp_pde_start(neurlp_pde *pde, const double *parameters, const double *initial);

/* Goes on for `duration`, in equal steps of duration / 2^m that are halved and doubled as the error asks.
 * NEURLP_NOT_FINITE: it ran to infinity. NEURLP_NOT_CONVERGED: the step became too small, there were ten
 * million of them, or the state has details that the grid does not resolve (more than 1e-4 of it in the
 * highest tenth of the modes). Both without a message; the state is then of no use. */
NEURLP_MUST_USE neurlp_status neurlp_pde_advance(neurlp_pde *pde, double duration);

/* The state now, [points]. */
void neurlp_pde_sample(neurlp_pde *pde, double *state);

/* Steps taken since the start, and part of the state's root mean square that is in the highest tenth of the
 * modes. */
int64_t neurlp_pde_steps(const neurlp_pde *pde);
double neurlp_pde_unresolved(const neurlp_pde *pde);

#endif
