/* Two neighbours of the real grid are one complex number of a grid half as long; its transform is Stockham's
 * (radix 2, every pass from one array into the other, so that nothing is reordered). */
#include "system/pde/fourier.h"

#include <math.h>

#define TWO_PI 6.28318530717958647692528676655900577

neurlp_status neurlp_fourier_create(neurlp_context *context, int32_t points, neurlp_fourier *f) {
  neurlp_status status = NEURLP_SUCCESS;
  *f = (neurlp_fourier){.context = context, .points = points};
  if (points < 4 || (points & (points - 1)) != 0)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "a Fourier transform of %d points; it must be a power of two, 4 or more", points);
  double **const arrays[] = {&f->cosine, &f->sine, &f->real, &f->imag, &f->other_real, &f->other_imag};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
    NEURLP_TRY(neurlp_allocate(context, points / 2, sizeof(double), arrays[i]));
  for (int32_t j = 0; j < points / 2; j++) {
    f->cosine[j] = cos(TWO_PI * j / points);
    f->sine[j] = sin(TWO_PI * j / points);
  }
done:
  if (status < 0) neurlp_fourier_release(f);
  return status;
}

void neurlp_fourier_release(neurlp_fourier *f) {
  if (!f->context) return;
  double **const arrays[] = {&f->cosine, &f->sine, &f->real, &f->imag, &f->other_real, &f->other_imag};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) neurlp_release(f->context, arrays[i]);
}

/* One pass: pairs (p, p + m) of `apart` transforms that lie side by side, each of length 2 m. */
static void pass(const neurlp_fourier *f, int32_t m, int32_t apart, const double *restrict xr,
                 const double *restrict xi, double *restrict yr, double *restrict yi) {
  for (int32_t p = 0; p < m; p++) {
    const double c = f->cosine[2 * p * apart], s = -f->sine[2 * p * apart];
    const int32_t a = p * apart, b = a + m * apart, even = 2 * a, odd = even + apart;
    for (int32_t q = 0; q < apart; q++) {
      const double r = xr[a + q] - xr[b + q], i = xi[a + q] - xi[b + q];
      yr[even + q] = xr[a + q] + xr[b + q];
      yi[even + q] = xi[a + q] + xi[b + q];
      yr[odd + q] = r * c - i * s;
      yi[odd + q] = r * s + i * c;
    }
  }
}

/* sum_j z_j exp(-2 pi i j m / (n/2)) of z = (real, imag), in place: in f->real and f->imag. With real and
 * imaginary parts exchanged before and after, the sign in the exponent is +. */
static void transform(neurlp_fourier *f, bool exchanged) {
  double *xr = exchanged ? f->imag : f->real, *xi = exchanged ? f->real : f->imag;
  double *yr = f->other_real, *yi = f->other_imag;
  for (int32_t m = f->points / 4, apart = 1; m >= 1; m /= 2, apart *= 2) {
    pass(f, m, apart, xr, xi, yr, yi);
    double *swap = xr;
    xr = yr;
    yr = swap;
    swap = xi;
    xi = yi;
    yi = swap;
  }
  f->real = exchanged ? xi : xr;
  f->imag = exchanged ? xr : xi;
  f->other_real = yr;
  f->other_imag = yi;
}

void neurlp_fourier_forward(neurlp_fourier *f, const double *u, int32_t modes, double *real, double *imag) {
  const int32_t half = f->points / 2;
  const double scale = 0.5 / f->points;
  for (int32_t j = 0; j < half; j++) {
    f->real[j] = u[2 * j];
    f->imag[j] = u[2 * j + 1];
  }
  transform(f, false);
  for (int32_t m = 0; m < modes; m++) { /* Z_m = E_m + i O_m, with E and O those of even and odd points */
    const int32_t back = m == 0 ? 0 : half - m;
    const double even_r = f->real[m] + f->real[back], even_i = f->imag[m] - f->imag[back];
    const double odd_r = f->imag[m] + f->imag[back], odd_i = f->real[back] - f->real[m];
    const double c = f->cosine[m], s = -f->sine[m];
    real[m] = scale * (even_r + odd_r * c - odd_i * s);
    imag[m] = scale * (even_i + odd_r * s + odd_i * c);
  }
}

void neurlp_fourier_inverse(neurlp_fourier *f, int32_t modes, const double *real, const double *imag,
                            double *u) {
  const int32_t half = f->points / 2;
  for (int32_t m = 0; m < half; m++) {
    const int32_t back = half - m;
    const double ar = m < modes ? real[m] : 0.0, ai = m > 0 && m < modes ? imag[m] : 0.0;
    const double br = back < modes ? real[back] : 0.0, bi = back < modes ? -imag[back] : 0.0;
    const double c = f->cosine[m], s = f->sine[m];
    const double odd_r = (ar - br) * c - (ai - bi) * s, odd_i = (ar - br) * s + (ai - bi) * c;
    f->real[m] = ar + br - odd_i;
    f->imag[m] = ai + bi + odd_r;
  }
  transform(f, true);
  for (int32_t j = 0; j < half; j++) {
    u[2 * j] = f->real[j];
    u[2 * j + 1] = f->imag[j];
  }
}
