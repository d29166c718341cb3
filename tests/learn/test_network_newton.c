/* Gauss-Newton over windows (network_newton.c), from noisy samples of two species with gaps: where it ends is
 * the least-squares estimate of the nonlinear equations, weights, initial values and standard errors, judged
 * by trajectories of Runge-Kutta steps, differences and normal equations; it gets there in a few iterations
 * from the data themselves; shards; dropped terms; windows that have nothing to say. */
#include "core/random.h"
#include "learn/network/network_newton.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { SYSTEMS = 6, T = 40, D = 2, L = 3, P = D * L, LAST = SYSTEMS - 1 };

static const double H = 0.1, NOISE = 0.02;
static const double coefficients[] = {0, 1, 0};
/* x' = x - x y, y' = x y - 0.8 y in the library x, y, x y. */
static const double truth[P] = {1, 0, -1, 0, -0.8, 1};
static neurlp_context *context;

static void must(neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s\n", neurlp_context_message(context));
  exit(1);
}

/* ---- trajectories ------------------------------------------------------------------------------------ */

static void flow(const double *w, const double *u, double *f) {
  for (int k = 0; k < D; k++) f[k] = w[k * L] * u[0] + w[k * L + 1] * u[1] + w[k * L + 2] * u[0] * u[1];
}

/* One classical Runge-Kutta step. */
static void advance(const double *w, double h, double *u) {
  double f[4][D], at[D];
  flow(w, u, f[0]);
  for (int i = 1; i < 4; i++) {
    for (int k = 0; k < D; k++) at[k] = u[k] + (i == 3 ? h : h / 2) * f[i - 1][k];
    flow(w, at, f[i]);
  }
  for (int k = 0; k < D; k++) u[k] += h / 6 * (f[0][k] + 2 * f[1][k] + 2 * f[2][k] + f[3][k]);
}

/* [T][D] from z, 16 steps to a sample: off by 1e-9 or so. */
static void trajectory(const double *w, const double *z, double *u) {
  double now[D];
  memcpy(now, z, sizeof now);
  for (int t = 0; t < T; t++) {
    memcpy(u + t * D, now, sizeof now);
    for (int i = 0; i < 16; i++) advance(w, H / 16, now);
  }
}

/* ---- a problem --------------------------------------------------------------------------------------- */

typedef struct problem {
  double states[SYSTEMS * T * D];
  neurlp_windows windows;
  neurlp_model *library;
  int64_t chosen[SYSTEMS], shards;
  neurlp_newton_spec spec;
  neurlp_newton *newton;
  double mask[P], weights[P], errors[P], change;
} problem;

/* The last window has one sample of each state, every seventh of the others is missing. */
static void make_data(double *states) {
  for (int64_t s = 0; s < SYSTEMS; s++) {
    const double z[D] = {0.6 + 0.2 * (double)s, 1.3 - 0.15 * (double)s};
    trajectory(truth, z, states + s * T * D);
    for (int64_t i = 0; i < T * D; i++) {
      double *x = &states[s * T * D + i];
      *x += NOISE * neurlp_random_normal(5, NEURLP_RANDOM_TEST, 0, s * T * D + i);
      if (s == LAST ? i >= D : (i + s) % 7 == 3) *x = NAN;
    }
    if (s == LAST) states[s * T * D + 1] = NAN;
    if (s == LAST) states[s * T * D + 3] = 1;
  }
}

static void make_library(problem *p) {
  static const char *const names[] = {"x", "y"}, *const terms[] = {"x", "y", "x*y"};
  const neurlp_library_spec library = {.polynomial = -1, .term_count = L, .terms = terms};
  const neurlp_model_spec spec = {.dimensions = D, .states = names, .order = 1, .library = &library};
  must(neurlp_model_create(context, &spec, &p->library));
  check_equal("terms of the library", p->library->terms, L);
}

/* With `shards`, of which one may have no window. */
static void open_problem(problem *p, int64_t shards) {
  memset(p, 0, sizeof *p);
  make_data(p->states);
  const neurlp_window_spec windows = {
      .systems = SYSTEMS, .samples = T, .dimensions = D, .states = p->states, .window = T, .stride = T};
  must(neurlp_windows_create(context, &windows, &p->windows));
  must(neurlp_windows_refine(&p->windows));
  p->states[LAST * T * D + 3] = NAN; /* less than there are initial values */
  make_library(p);
  p->shards = shards;
  for (int64_t i = 0; i < SYSTEMS; i++) p->chosen[i] = SYSTEMS - 1 - i;
  p->spec = (neurlp_newton_spec){.library = p->library,
                                 .order = 2,
                                 .leading = 1,
                                 .coefficients = coefficients,
                                 .step = H,
                                 .training = SYSTEMS,
                                 .chosen = p->chosen,
                                 .exchange = neurlp_exchange_alone(&p->shards),
                                 .shards = shards,
                                 .shard_count = shards,
                                 .overlap = 1};
  for (int i = 0; i < P; i++) p->mask[i] = truth[i] != 0;
  must(neurlp_newton_create(&p->spec, &p->windows, &p->newton));
}

static void close_problem(problem *p) {
  neurlp_newton_destroy(&p->newton);
  neurlp_model_destroy(&p->library);
  neurlp_windows_release(&p->windows);
}

/* p->change: the largest change of a weight in the last iteration. */
static void iterate(problem *p, int32_t count) {
  double before[P];
  for (int32_t i = 0; i < count; i++) {
    memcpy(before, p->weights, sizeof before);
    must(neurlp_newton_solve(p->newton, NEURLP_SUCCESS, p->mask, p->weights, p->errors));
    must(neurlp_newton_move(p->newton, before, p->weights));
    p->change = 0;
    for (int j = 0; j < P; j++) p->change = fmax(p->change, fabs(p->weights[j] - before[j]));
  }
}

/* ---- least squares by differences and normal equations ----------------------------------------------- */

enum { FREE = 4, UNKNOWNS = FREE + LAST * D, ROWS = LAST * T * D };
static const int free_weight[FREE] = {0, 2, 4, 5};

/* Residuals over `unit`, 0 where missing; returns how many there are. The last window is left out. */
static int residuals(const problem *p, const double *unknown, const double *unit, double *r) {
  double w[P] = {0}, u[T * D];
  int rows = 0;
  for (int i = 0; i < FREE; i++) w[free_weight[i]] = unknown[i];
  for (int s = 0; s < LAST; s++) {
    trajectory(w, unknown + FREE + s * D, u);
    for (int i = 0; i < T * D; i++) {
      const double x = p->states[s * T * D + i];
      r[s * T * D + i] = isnan(x) ? 0 : (x - u[i]) / unit[i % D];
      rows += !isnan(x);
    }
  }
  return rows;
}

/* Gauss-Jordan on A [UNKNOWNS][UNKNOWNS], positive definite, beside the identity: its inverse. */
static void invert(double a[UNKNOWNS][2 * UNKNOWNS]) {
  for (int i = 0; i < UNKNOWNS; i++) {
    const double pivot = a[i][i];
    for (int j = 0; j < 2 * UNKNOWNS; j++) a[i][j] /= pivot;
    for (int row = 0; row < UNKNOWNS; row++) {
      const double factor = a[row][i];
      for (int j = 0; row != i && j < 2 * UNKNOWNS; j++) a[row][j] -= factor * a[i][j];
    }
  }
}

/* The step of Gauss-Newton from `unknown`, and standard errors there. */
static void oracle(const problem *p, const double *unknown, const double *unit, double *step,
                   double *errors) {
  static double jacobian[UNKNOWNS][ROWS], r[ROWS], other[ROWS], a[UNKNOWNS][2 * UNKNOWNS];
  double gradient[UNKNOWNS], moved[UNKNOWNS], squares = 0;
  const int rows = residuals(p, unknown, unit, r);
  for (int i = 0; i < UNKNOWNS; i++) {
    const double e = 1e-5;
    memcpy(moved, unknown, sizeof moved);
    moved[i] += e;
    residuals(p, moved, unit, jacobian[i]);
    moved[i] -= 2 * e;
    residuals(p, moved, unit, other);
    gradient[i] = 0;
    for (int q = 0; q < ROWS; q++) {
      jacobian[i][q] = (other[q] - jacobian[i][q]) / (2 * e);
      gradient[i] += jacobian[i][q] * r[q];
    }
  }
  memset(a, 0, sizeof a);
  for (int i = 0; i < UNKNOWNS; i++) {
    a[i][UNKNOWNS + i] = 1;
    for (int j = 0; j < UNKNOWNS; j++)
      for (int q = 0; q < ROWS; q++) a[i][j] += jacobian[i][q] * jacobian[j][q];
  }
  for (int q = 0; q < ROWS; q++) squares += r[q] * r[q];
  invert(a);
  for (int i = 0; i < UNKNOWNS; i++) {
    step[i] = 0;
    for (int j = 0; j < UNKNOWNS; j++) step[i] += a[i][UNKNOWNS + j] * gradient[j];
    errors[i] = sqrt(squares / (rows - UNKNOWNS) * a[i][UNKNOWNS + i]);
  }
}

/* RMS of what is left of the data that windows are taken for, the last one included, as network_newton.h
 * says. */
static void units(const problem *p, double *unit) {
  for (int k = 0; k < D; k++) {
    double squares = 0, count = 0;
    for (int i = k; i < SYSTEMS * T * D; i += D) {
      const double r = p->states[i] - p->windows.estimate[i];
      if (isnan(r)) continue;
      squares += r * r;
      count++;
    }
    unit[k] = sqrt(squares / count);
  }
}

/* Where a problem is: its weights and the first values of what its windows are taken for. The largest part of
 * the oracle's step from there in standard errors, and the largest relative difference of standard errors. */
static void judge(const problem *p, double *off, double *error_off) {
  double unknown[UNKNOWNS], step[UNKNOWNS], errors[UNKNOWNS], unit[D];
  for (int i = 0; i < FREE; i++) unknown[i] = p->weights[free_weight[i]];
  for (int s = 0; s < LAST; s++)
    memcpy(unknown + FREE + s * D, p->windows.estimate + s * T * D, D * sizeof(double));
  units(p, unit);
  oracle(p, unknown, unit, step, errors);
  *off = *error_off = 0;
  for (int i = 0; i < UNKNOWNS; i++) *off = fmax(*off, fabs(step[i]) / errors[i]);
  for (int i = 0; i < FREE; i++)
    *error_off = fmax(*error_off, fabs(p->errors[free_weight[i]] / errors[i] - 1));
}

/* ---- checks ------------------------------------------------------------------------------------------ */

/* The block's own error, h^4 / 720 times a fifth derivative of some 5 over the window's 4 units of time, is
 * 3e-6; standard errors are NOISE over the root of 300 data, 1e-3, and of first values some 5e-3. */
static void check_estimate(void) {
  double off, error_off, worst = 0;
  problem p;
  open_problem(&p, 1);
  iterate(&p, 1);
  judge(&p, &off, &error_off);
  check_above("one iteration: the least-squares estimate is further, in standard errors", off, 0.1);
  iterate(&p, 5);
  /* a zero residual would make it quadratic; with residuals it is linear, by a factor of about the noise */
  check_below("six iterations from the data: the last changes no weight by more", p.change, 1e-6);
  iterate(&p, 6);
  judge(&p, &off, &error_off);
  check_below("least squares of the nonlinear equations: off by, in standard errors", off, 1e-2);
  check_below("its standard errors, relative", error_off, 1e-3);
  for (int i = 0; i < FREE; i++) {
    const int q = free_weight[i];
    worst = fmax(worst, fabs(p.weights[q] - truth[q]) / p.errors[q]);
  }
  check_below("weights off the truth, in standard errors (4 of them: 1e-3 that one is more than)", worst,
              3.7);
  check_true("dropped terms have weight 0 and error 0, exactly",
             p.weights[1] == 0 && p.weights[3] == 0 && p.errors[1] == 0 && p.errors[3] == 0);
  const size_t last = LAST * T * D;
  check_true("a window with less data than initial values stays with its data",
             memcmp(p.windows.estimate + last, p.windows.filled + last, T * D * sizeof(double)) == 0);
  close_problem(&p);
}

/* Shards are sums in another order, of numbers whose condition is some 1e3. */
static void check_shards(void) {
  double worst = 0;
  problem one, eight;
  open_problem(&one, 1);
  open_problem(&eight, 8); /* more than there are windows */
  eight.spec.overlap = 4;
  iterate(&one, 4);
  iterate(&eight, 4);
  for (int i = 0; i < P; i++) {
    worst = fmax(worst, fabs(one.weights[i] - eight.weights[i]));
    worst = fmax(worst, fabs(2 * one.errors[i] - eight.errors[i]));
  }
  check_below("1 and 8 shards: weights, and errors, twice as large where samples count 4 times", worst,
              1e-11);
  close_problem(&eight);
  close_problem(&one);
}

/* x'' = -x, y'' = -2.25 y, of curves without noise: two initial values for each state. With d = 4 the block
 * is of order 4 (math.md, section 1): what it makes of a frequency f is off by some h^4 f^6 / 720. */
static void check_second_order(void) {
  static const double second[] = {0, 0, 1, 0, 0};
  problem p;
  open_problem(&p, 1);
  neurlp_newton_destroy(&p.newton);
  for (int64_t i = 0; i < SYSTEMS * T; i++) {
    const double time = (double)(i % T) * H, begin = (double)(i / T);
    p.states[i * D] = cos(time + begin);
    p.states[i * D + 1] = (1 + begin) * sin(1.5 * time - begin);
  }
  memcpy(p.windows.estimate, p.states, sizeof p.states);
  p.spec.order = 4;
  p.spec.leading = 2;
  p.spec.coefficients = second;
  for (int i = 0; i < P; i++) p.mask[i] = i == 0 || i == 4;
  must(neurlp_newton_create(&p.spec, &p.windows, &p.newton));
  iterate(&p, 4);
  check_below("second order: weight of x", fabs(p.weights[0] + 1), 2 * pow(H, 4) / 720);
  check_below("second order: weight of y", fabs(p.weights[4] + 2.25), 2 * pow(H, 4) * pow(1.5, 6) / 720);
  close_problem(&p);
}

static void check_refusals(void) {
  problem p;
  neurlp_newton *none = NULL;
  open_problem(&p, 1);
  p.spec.leading = 0;
  check_equal("an equation without derivatives is refused", neurlp_newton_create(&p.spec, &p.windows, &none),
              NEURLP_ERROR_ARGUMENT);
  p.spec.leading = 1;
  double *estimate = p.windows.estimate;
  p.windows.estimate = NULL;
  check_equal("windows without estimates are refused", neurlp_newton_create(&p.spec, &p.windows, &none),
              NEURLP_ERROR_ARGUMENT);
  p.windows.estimate = estimate;
  check_equal("a rank that failed before: all fail",
              neurlp_newton_solve(p.newton, NEURLP_ERROR_DATA, p.mask, p.weights, NULL), NEURLP_ERROR_DATA);
  for (int64_t i = 0; i < SYSTEMS * T * D; i++) p.states[i] = NAN;
  p.weights[0] = 3;
  must(neurlp_newton_solve(p.newton, NEURLP_SUCCESS, p.mask, p.weights, p.errors));
  check_true("no window with data: weights stay as they are, and nothing is known of them",
             p.weights[0] == 3 && p.errors[0] == INFINITY && p.errors[1] == 0);
  close_problem(&p);
}

int main(void) {
  must(neurlp_context_create(1, &context));
  check_estimate();
  check_shards();
  check_second_order();
  check_refusals();
  check_equal("bytes that are left", (long long)neurlp_context_memory(context).current_bytes, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
