/* With u_m(t) the Fourier coefficients and sigma_m the symbol of the linear part,
 *   u_m' = sigma_m u_m + N_m(u),     N_m = -i k_m / 2 (u^2)_m.
 * v(t) = exp(-sigma t) u obeys v' = exp(-sigma t) N, which Dormand and Prince's pair integrates. What that
 * needs is kept as it is at the time of the stage that is being made: from stage to stage everything is
 * carried on by exp(sigma (c_i - c_(i-1)) h), and no exponential ever grows where the equation's do not. */
#include "system/pde/pde.h"

#include "system/pde/fourier.h"
#include "system/tableau.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define TWO_PI 6.28318530717958647692528676655900577

enum { STAGES = NEURLP_TABLEAU_STAGES, HALVINGS = 40, FINER = 2, MOST_STEPS = 10000000 };

static const double unresolved_limit = 1e-4;

/* Complex numbers, one for each mode. */
typedef struct modes {
  double *real, *imag;
} modes;

struct neurlp_pde {
  neurlp_context *context;
  const neurlp_known_pde *known;
  int32_t points, fine, count; /* grid of the samples, grid of the work, modes that are kept */
  neurlp_fourier samples, work;
  double *numbers;       /* everything below */
  double *field;         /* [fine] */
  double *wave_number;   /* [count] */
  modes symbol;          /* sigma */
  modes carry[STAGES];   /* exp(sigma (c_i - c_(i-1)) h) */
  modes state, slope;    /* at the last accepted step: u, N(u) */
  modes base, k[STAGES]; /* u and N of each stage, as they are at the time of the stage being made */
  modes point;           /* the stage's u */
  double tolerance, step, carried_step; /* carried_step: that `carry` is for */
  int64_t steps;
};

/* ---- set-up ------------------------------------------------------------------------------------------ */

static double *take(double **next, int32_t count) {
  double *taken = *next;
  *next += count;
  return taken;
}

static modes take_modes(double **next, int32_t count) {
  return (modes){take(next, count), take(next, count)};
}

static neurlp_status allocate_numbers(neurlp_pde *pde) {
  const int32_t n = pde->count;
  const neurlp_status status = neurlp_allocate(
      pde->context, pde->fine + n + (int64_t)(5 + 2 * STAGES) * 2 * n, sizeof(double), &pde->numbers);
  if (status < 0) return status;
  double *next = pde->numbers;
  pde->field = take(&next, pde->fine);
  pde->wave_number = take(&next, n);
  modes *const all[] = {&pde->symbol, &pde->state, &pde->slope, &pde->base, &pde->point};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) *all[i] = take_modes(&next, n);
  for (int32_t i = 0; i < STAGES; i++) {
    pde->carry[i] = take_modes(&next, n);
    pde->k[i] = take_modes(&next, n);
  }
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_pde_create(neurlp_context *context, const neurlp_known_pde *known, int32_t points,
                                neurlp_pde **made) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_pde *pde = NULL;
  *made = NULL;
  if (points < 8 || points > INT32_MAX / FINER / 2 || (points & (points - 1)) != 0)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "a periodic grid of %d points; it must be a power of two, 8 or more", points);
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *pde, &pde));
  pde->context = context;
  pde->known = known;
  pde->points = points;
  pde->fine = FINER * points;
  pde->count = (pde->fine - 1) / 3 + 1; /* products of two have no aliases among these */
  pde->tolerance = 1e-8;
  NEURLP_TRY(neurlp_fourier_create(context, points, &pde->samples));
  NEURLP_TRY(neurlp_fourier_create(context, pde->fine, &pde->work));
  NEURLP_TRY(allocate_numbers(pde));
  *made = pde;
  pde = NULL;
done:
  neurlp_pde_destroy(&pde);
  return status;
}

void neurlp_pde_destroy(neurlp_pde **pde) {
  if (!pde || !*pde) return;
  neurlp_context *context = (*pde)->context;
  neurlp_fourier_release(&(*pde)->samples);
  neurlp_fourier_release(&(*pde)->work);
  neurlp_release(context, &(*pde)->numbers);
  neurlp_release(context, pde);
}

void neurlp_pde_set_tolerance(neurlp_pde *pde, double tolerance) {
  pde->tolerance = tolerance;
}

/* ---- arithmetic of modes ----------------------------------------------------------------------------- */

static void copy(const neurlp_pde *pde, modes to, modes from) {
  memcpy(to.real, from.real, (size_t)pde->count * sizeof(double));
  memcpy(to.imag, from.imag, (size_t)pde->count * sizeof(double));
}

static void multiply(const neurlp_pde *pde, modes z, modes by) {
  for (int32_t m = 0; m < pde->count; m++) {
    const double real = z.real[m] * by.real[m] - z.imag[m] * by.imag[m];
    z.imag[m] = z.real[m] * by.imag[m] + z.imag[m] * by.real[m];
    z.real[m] = real;
  }
}

static void add(const neurlp_pde *pde, modes z, double factor, modes other) {
  for (int32_t m = 0; m < pde->count; m++) {
    z.real[m] += factor * other.real[m];
    z.imag[m] += factor * other.imag[m];
  }
}

/* Root mean square over the domain of the modes from `first` on (Parseval). */
static double root_mean_square(const neurlp_pde *pde, modes z, int32_t first) {
  double sum = first == 0 ? 0.5 * z.real[0] * z.real[0] : 0.0;
  for (int32_t m = first > 1 ? first : 1; m < pde->count; m++)
    sum += z.real[m] * z.real[m] + z.imag[m] * z.imag[m];
  return sqrt(2.0 * sum);
}

/* N = -i k / 2 (u^2), on the fine grid. */
static void nonlinear(neurlp_pde *pde, modes u, modes result) {
  neurlp_fourier_inverse(&pde->work, pde->count, u.real, u.imag, pde->field);
  for (int32_t j = 0; j < pde->fine; j++) pde->field[j] *= pde->field[j];
  neurlp_fourier_forward(&pde->work, pde->field, pde->count, result.real, result.imag);
  for (int32_t m = 0; m < pde->count; m++) {
    const double half = 0.5 * pde->wave_number[m], real = result.real[m];
    result.real[m] = half * result.imag[m];
    result.imag[m] = -half * real;
  }
}

/* ---- steps ------------------------------------------------------------------------------------------- */

void neurlp_pde_start(neurlp_pde *pde, const double *parameters, const double *initial) {
  const int32_t given = pde->points / 2 < pde->count ? pde->points / 2 : pde->count;
  for (int32_t m = 0; m < pde->count; m++) {
    double symbol[2];
    pde->wave_number[m] = TWO_PI * m / parameters[0];
    pde->known->symbol(pde->wave_number[m], parameters, symbol);
    pde->symbol.real[m] = symbol[0];
    pde->symbol.imag[m] = symbol[1];
    pde->state.real[m] = pde->state.imag[m] = 0.0;
  }
  neurlp_fourier_forward(&pde->samples, initial, given, pde->state.real, pde->state.imag);
  nonlinear(pde, pde->state, pde->slope);
  pde->step = INFINITY;
  pde->carried_step = 0.0;
  pde->steps = 0;
}

static void prepare_carry(neurlp_pde *pde, double step) {
  if (step == pde->carried_step) return;
  for (int32_t i = 1; i < STAGES; i++) {
    const double part = (neurlp_dormand_prince.c[i] - neurlp_dormand_prince.c[i - 1]) * step;
    for (int32_t m = 0; m < pde->count; m++) {
      const double size = exp(pde->symbol.real[m] * part), angle = pde->symbol.imag[m] * part;
      pde->carry[i].real[m] = size * cos(angle);
      pde->carry[i].imag[m] = size * sin(angle);
    }
  }
  pde->carried_step = step;
}

/* A step from pde->state: the new state is left in pde->point, N of it in the last stage. Returns the error
 * in units of the tolerance; infinity if any number on the way was not finite. */
static double try_step(neurlp_pde *pde, double step) {
  const neurlp_tableau *pair = &neurlp_dormand_prince;
  prepare_carry(pde, step);
  copy(pde, pde->base, pde->state);
  copy(pde, pde->k[0], pde->slope);
  for (int32_t stage = 1; stage < STAGES; stage++) {
    if (pair->c[stage] > pair->c[stage - 1]) {
      multiply(pde, pde->base, pde->carry[stage]);
      for (int32_t j = 0; j < stage; j++) multiply(pde, pde->k[j], pde->carry[stage]);
    }
    copy(pde, pde->point, pde->base);
    for (int32_t j = 0; j < stage; j++) add(pde, pde->point, step * pair->a[stage][j], pde->k[j]);
    nonlinear(pde, pde->point, pde->k[stage]);
  }
  modes error = pde->base; /* its time is over */
  memset(error.real, 0, (size_t)pde->count * sizeof(double));
  memset(error.imag, 0, (size_t)pde->count * sizeof(double));
  for (int32_t j = 0; j < STAGES; j++) add(pde, error, step * (pair->b[j] - pair->b_embedded[j]), pde->k[j]);
  const double size = root_mean_square(pde, pde->point, 0);
  const double scaled = root_mean_square(pde, error, 0) / (pde->tolerance * size + DBL_MIN);
  return isfinite(scaled) && isfinite(size) ? scaled : INFINITY;
}

/* Steps are duration / 2^halvings; `done` counts those that are behind, in this unit. */
neurlp_status neurlp_pde_advance(neurlp_pde *pde, double duration) {
  int32_t halvings = 0;
  while (halvings < HALVINGS && ldexp(duration, -halvings) > pde->step) halvings++;
  for (int64_t done = 0; done < (int64_t)1 << halvings;) {
    if (pde->steps >= MOST_STEPS) return NEURLP_NOT_CONVERGED;
    const double step = ldexp(duration, -halvings), error = try_step(pde, step);
    if (error > 1.0) {
      if (++halvings > HALVINGS) return isinf(error) ? NEURLP_NOT_FINITE : NEURLP_NOT_CONVERGED;
      done *= 2;
      continue;
    }
    copy(pde, pde->state, pde->point);
    copy(pde, pde->slope, pde->k[STAGES - 1]);
    pde->steps++;
    done++;
    /* a step twice as long has an error 2^5 times as large */
    if (error < 1.0 / 64 && done % 2 == 0 && halvings > 0) {
      halvings--;
      done /= 2;
    }
  }
  pde->step = ldexp(duration, -halvings);
  return neurlp_pde_unresolved(pde) > unresolved_limit ? NEURLP_NOT_CONVERGED : NEURLP_SUCCESS;
}

void neurlp_pde_sample(neurlp_pde *pde, double *state) {
  neurlp_fourier_inverse(&pde->work, pde->count, pde->state.real, pde->state.imag, pde->field);
  for (int32_t j = 0; j < pde->points; j++) state[j] = pde->field[FINER * j];
}

int64_t neurlp_pde_steps(const neurlp_pde *pde) {
  return pde->steps;
}

double neurlp_pde_unresolved(const neurlp_pde *pde) {
  const double all = root_mean_square(pde, pde->state, 0);
  return all > 0.0 ? root_mean_square(pde, pde->state, pde->count - pde->count / 10) / all : 0.0;
}
