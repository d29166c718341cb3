/* Fourier coefficients of real periodic functions, for grids of a power of two. Private to the room. */
#ifndef NEURLP_SYSTEM_FOURIER_H
#define NEURLP_SYSTEM_FOURIER_H

#include "core/context.h"

/* Complex numbers are kept as real and imaginary parts, each an array of its own. */
typedef struct neurlp_fourier {
  neurlp_context *context;
  int32_t points;                  /* n: a power of two, 4 or more */
  double *cosine, *sine;           /* [n/2] of 2 pi j / n */
  double *real, *imag;             /* [n/2] */
  double *other_real, *other_imag; /* [n/2] the same for every second pass */
} neurlp_fourier;

/* Allocates 3 n numbers. NEURLP_ERROR_ARGUMENT for a size that is no power of two. */
NEURLP_MUST_USE neurlp_status neurlp_fourier_create(neurlp_context *context, int32_t points,
                                                    neurlp_fourier *fourier);
void neurlp_fourier_release(neurlp_fourier *fourier);

/* U_m = 1/n sum_j u_j exp(-2 pi i j m / n) of u[n], for 0 <= m < modes <= n/2. About 5/2 n log2 n operations.
 */
void neurlp_fourier_forward(neurlp_fourier *fourier, const double *u, int32_t modes, double *real,
                            double *imag);

/* u_j = U_0 + 2 Re sum_{0 < m < modes} U_m exp(2 pi i j m / n), into u[n]. The imaginary part of U_0 is left
 * out. */
void neurlp_fourier_inverse(neurlp_fourier *fourier, int32_t modes, const double *real, const double *imag,
                            double *u);

#endif
