/* L-BFGS on functions whose minimum is known: quadratic and Rosenbrock's; the strong Wolfe conditions at
 * every iteration, recomputed here; states, masks, threads, and what goes wrong. */
#include "train/lbfgs.h"

#include "train_support.h"

#include <float.h>

enum { N = 100 };
static neurlp_context *context;

/* sum_i 100 (x_(i+1) - x_i^2)^2 + (1 - x_i)^2 over pairs (0, 1), (2, 3), ...: minimum 0 at ones. */
static double rosenbrock(int64_t n, const double *x, double *g) {
  double loss = 0.0;
  for (int64_t i = 0; i + 1 < n; i += 2) {
    const double a = x[i + 1] - x[i] * x[i], b = 1.0 - x[i];
    loss += 100.0 * a * a + b * b;
    g[i] = -400.0 * a * x[i] - 2.0 * b;
    g[i + 1] = 200.0 * a;
  }
  return loss;
}

/* Half of sum_i c_i (x_i - 1)^2, c_i from 1 to 100. */
static double quadratic(int64_t n, const double *x, double *g) {
  double loss = 0.0;
  for (int64_t i = 0; i < n; i++) {
    const double c = n > 1 ? pow(100.0, (double)i / (double)(n - 1)) : 1.0;
    g[i] = c * (x[i] - 1.0);
    loss += 0.5 * g[i] * (x[i] - 1.0);
  }
  return loss;
}

/* sum_i x_i - log x_i, not a number where x_i <= 0: minimum at ones. */
static double barrier(int64_t n, const double *x, double *g) {
  double loss = 0.0;
  for (int64_t i = 0; i < n; i++) {
    loss += x[i] > 0.0 ? x[i] - log(x[i]) : (double)NAN;
    g[i] = 1.0 - 1.0 / x[i];
  }
  return loss;
}

/* A gradient that points uphill. */
static double liar(int64_t n, const double *x, double *g) {
  const double loss = quadratic(n, x, g);
  for (int64_t i = 0; i < n; i++) g[i] = -g[i];
  return loss;
}

typedef struct problem {
  double (*f)(int64_t n, const double *x, double *g);
  int64_t n;
  bool single, fails;
} problem;

static neurlp_status evaluate(void *user, const void *parameters, double *loss, void *gradient) {
  const problem *p = user;
  if (p->fails) return NEURLP_ERROR_IO;
  if (!p->single) {
    *loss = p->f(p->n, parameters, gradient);
    return NEURLP_SUCCESS;
  }
  double x[N], g[N];
  for (int64_t i = 0; i < p->n; i++) x[i] = (double)((const float *)parameters)[i];
  *loss = p->f(p->n, x, g);
  for (int64_t i = 0; i < p->n; i++) ((float *)gradient)[i] = (float)g[i];
  return NEURLP_SUCCESS;
}

static void *make(const neurlp_minimiser_options *options) {
  void *state = NULL;
  const size_t before = neurlp_context_memory(context).current_bytes;
  check_equal("made", neurlp_minimiser_lbfgs.create(context, options, &state), 0);
  check_equal("bytes, as it said", (long long)(neurlp_context_memory(context).current_bytes - before),
              (long long)neurlp_minimiser_lbfgs.bytes(options));
  return state;
}

static void start_at(int64_t n, double even, double odd, double *x) {
  for (int64_t i = 0; i < n; i++) x[i] = i % 2 ? odd : even;
}

static double distance_to_ones(int64_t n, const double *x) {
  double worst = 0.0;
  for (int64_t i = 0; i < n; i++) worst = fmax(worst, fabs(x[i] - 1.0));
  return worst;
}

/* Bounds on iterations: for the quadratic, twice those of conjugate gradients, sqrt(cond) / 2 log(2 /
 * accuracy); for Rosenbrock's function from its usual start, 60: limited-memory and full BFGS codes publish
 * 30 to 45. */
static void test_minimum(const char *what, problem p, double even, double odd, double most_iterations,
                         double distance) {
  neurlp_minimiser_options options = neurlp_minimiser_defaults(p.n);
  neurlp_minimiser_report report;
  double x[N];
  options.gradient_tolerance = 1e-8;
  options.loss_tolerance = 0.0;
  void *state = make(&options);
  const neurlp_objective objective = {.evaluate = evaluate, .user = &p};
  start_at(p.n, even, odd, x);
  check_equal(what, neurlp_minimiser_lbfgs.minimise(state, &objective, x, &report), 0);
  printf("     %lld iterations, %lld evaluations, loss %g\n", (long long)report.iterations,
         (long long)report.evaluations, report.loss);
  check_equal("by the gradient", report.end, NEURLP_MINIMISER_GRADIENT);
  check_below("greatest entry of the gradient", report.gradient, 1e-8);
  check_below("distance to the minimum", distance_to_ones(p.n, x), distance);
  check_below("iterations", (double)report.iterations, most_iterations);
  check_below("evaluations an iteration", (double)report.evaluations / (double)(report.iterations + 1), 2.0);
  neurlp_minimiser_lbfgs.destroy(&state);
  neurlp_minimiser_lbfgs.destroy(&state);
}

/* Single steps, so that each can be judged: f1 <= f0 + c1 g0.s and |g1.s| <= c2 |g0.s|, s the change, with c1
 * = 1e-4 and c2 = 0.9; a rounding of the losses is allowed. */
static void test_wolfe(problem p) {
  neurlp_minimiser_options options = neurlp_minimiser_defaults(p.n);
  neurlp_minimiser_report report;
  double x[N], before[N], g0[N], g1[N], worst_decrease = -INFINITY, worst_curvature = 0.0;
  options.iterations = 1;
  options.loss_tolerance = 0.0;
  void *state = make(&options);
  const neurlp_objective objective = {.evaluate = evaluate, .user = &p};
  start_at(p.n, -1.2, 1.0, x);
  neurlp_status status = NEURLP_NOT_CONVERGED;
  int64_t steps = 0;
  for (; status == NEURLP_NOT_CONVERGED && steps < 500; steps++) {
    memcpy(before, x, sizeof x);
    status = neurlp_minimiser_lbfgs.minimise(state, &objective, x, &report);
    const double f0 = p.f(p.n, before, g0), f1 = p.f(p.n, x, g1);
    double slope0 = 0.0, slope1 = 0.0;
    for (int64_t i = 0; i < p.n; i++) {
      slope0 += g0[i] * (x[i] - before[i]);
      slope1 += g1[i] * (x[i] - before[i]);
    }
    if (slope0 == 0.0) break;
    worst_decrease = fmax(worst_decrease, f1 - f0 - 1e-4 * slope0);
    worst_curvature = fmax(worst_curvature, fabs(slope1) / fabs(slope0));
  }
  check_equal("it converged in single steps", status, 0);
  check_above("steps judged", (double)steps, 10.0);
  check_below("sufficient decrease, worst of all iterations", worst_decrease, 100.0 * DBL_EPSILON);
  check_below("curvature, worst of all iterations", worst_curvature, 0.9 * (1.0 + 1e-6));
  neurlp_minimiser_lbfgs.destroy(&state);
}

/* The inverse of the Hessian as BFGS has it after the last `pairs` changes, written out as a dense matrix in
 * long double: H = (I - rho s y^T) H (I - rho y s^T) + rho s s^T from the oldest pair on, beginning with s.y
 * / y.y of the newest (Nocedal and Wright, (7.16) to (7.20)). */
enum { DENSE = 6, HISTORY = 40 };

static void update_dense(long double H[DENSE][DENSE], const double *s, const double *y) {
  long double inner = 0.0L, Hy[DENSE] = {0}, yHy = 0.0L;
  for (int i = 0; i < DENSE; i++) {
    inner += (long double)s[i] * (long double)y[i];
    for (int j = 0; j < DENSE; j++) Hy[i] += H[i][j] * (long double)y[j];
  }
  for (int i = 0; i < DENSE; i++) yHy += (long double)y[i] * Hy[i];
  for (int i = 0; i < DENSE; i++)
    for (int j = 0; j < DENSE; j++)
      H[i][j] += (inner + yHy) / (inner * inner) * (long double)s[i] * (long double)s[j] -
                 (Hy[i] * (long double)s[j] + (long double)s[i] * Hy[j]) / inner;
}

/* The sine of the angle between the last change and -H g, with H of the pairs before it. */
static double angle(double s[][DENSE], double y[][DENSE], int done, int memory, const double *gradient) {
  long double H[DENSE][DENSE] = {{0}}, sy = 0.0L, yy = 0.0L, d[DENSE] = {0}, dd = 0.0L, ds = 0.0L, ss = 0.0L;
  for (int i = 0; i < DENSE; i++) {
    sy += (long double)s[done - 1][i] * (long double)y[done - 1][i];
    yy += (long double)y[done - 1][i] * (long double)y[done - 1][i];
  }
  for (int i = 0; i < DENSE; i++) H[i][i] = sy / yy;
  for (int k = done > memory ? done - memory : 0; k < done; k++) update_dense(H, s[k], y[k]);
  for (int i = 0; i < DENSE; i++)
    for (int j = 0; j < DENSE; j++) d[i] -= H[i][j] * (long double)gradient[j];
  for (int i = 0; i < DENSE; i++) {
    dd += d[i] * d[i];
    ds += d[i] * (long double)s[done][i];
    ss += (long double)s[done][i] * (long double)s[done][i];
  }
  if (ds <= 0.0L) return 1.0;
  long double across = 0.0L;
  for (int i = 0; i < DENSE; i++) across += powl((long double)s[done][i] - ds / dd * d[i], 2.0L);
  return (double)sqrtl(across / ss);
}

/* Every change is along the direction of the dense matrix. Changes s of a size of 1e-3 and more are known to
 * 1e-13 of themselves, and the two-loop recursion cancels some digits of that, as H has a condition of 1e4.
 */
static void test_directions(int memory) {
  problem p = {rosenbrock, DENSE, false, false};
  neurlp_minimiser_options options = neurlp_minimiser_defaults(DENSE);
  neurlp_minimiser_report report;
  double x[DENSE], s[HISTORY][DENSE], y[HISTORY][DENSE], g[2][DENSE], worst = 0.0;
  options.memory = memory;
  options.iterations = 1;
  void *state = make(&options);
  const neurlp_objective objective = {.evaluate = evaluate, .user = &p};
  for (int i = 0; i < DENSE; i++) x[i] = i % 2 ? 1.0 + 0.1 * i : -1.2 + 0.2 * i;
  int done = 0;
  p.f(DENSE, x, g[0]);
  for (double size = 1.0; done < HISTORY && size > 1e-3; done++) {
    double *change = s[done], *bend = y[done];
    memcpy(change, x, sizeof x);
    if (neurlp_minimiser_lbfgs.minimise(state, &objective, x, &report) != NEURLP_NOT_CONVERGED) break;
    p.f(DENSE, x, g[1]);
    size = 0.0;
    for (int i = 0; i < DENSE; i++) {
      change[i] = x[i] - change[i];
      bend[i] = g[1][i] - g[0][i];
      size = fmax(size, fabs(change[i]));
    }
    if (done > 0) worst = fmax(worst, angle(s, y, done, memory, g[0]));
    memcpy(g[0], g[1], sizeof g[0]);
  }
  check_above("steps whose direction was compared", (double)done, 2.0 * memory);
  check_below("sine between step and dense direction", worst, 1e-13 * 1e4);
  neurlp_minimiser_lbfgs.destroy(&state);
}

/* In single precision the loss is as flat as its rounding: 1e-3 in x is what that leaves of Rosenbrock's
 * valley. */
static void test_single(void) {
  problem p = {rosenbrock, 10, true, false};
  neurlp_minimiser_options options = neurlp_minimiser_defaults(10);
  neurlp_minimiser_report report;
  float x[10];
  double worst = 0.0;
  options.precision = NEURLP_SINGLE;
  options.gradient_tolerance = 1e-3;
  void *state = make(&options);
  const neurlp_objective objective = {.evaluate = evaluate, .user = &p};
  for (int i = 0; i < 10; i++) x[i] = i % 2 ? 1.0F : -1.2F;
  const neurlp_status status = neurlp_minimiser_lbfgs.minimise(state, &objective, x, &report);
  for (int i = 0; i < 10; i++) worst = fmax(worst, fabs((double)x[i] - 1.0));
  check_equal("single precision", status, 0);
  check_below("distance to the minimum", worst, 5e-3);
  neurlp_minimiser_lbfgs.destroy(&state);
}

/* Iterations in two halves, by another object that got the state of the first one. Memory 3 wraps around. */
static void test_state(void) {
  problem p = {rosenbrock, 20, false, false};
  neurlp_minimiser_options options = neurlp_minimiser_defaults(20);
  neurlp_minimiser_report report;
  neurlp_state_array arrays[NEURLP_STATE_MOST];
  saved_state saved;
  double x[N], y[N];
  options.memory = 3;
  options.iterations = 9;
  void *one = make(&options), *two = make(&options);
  const neurlp_objective objective = {.evaluate = evaluate, .user = &p};
  start_at(20, -1.2, 1.0, x);
  check_equal("not yet", neurlp_minimiser_lbfgs.minimise(one, &objective, x, &report), NEURLP_NOT_CONVERGED);
  save_state(&saved, arrays, neurlp_minimiser_lbfgs.state(one, arrays));
  load_state(&saved, arrays, neurlp_minimiser_lbfgs.state(two, arrays));
  memcpy(y, x, sizeof x);
  check_equal("nor now", neurlp_minimiser_lbfgs.minimise(one, &objective, x, &report), NEURLP_NOT_CONVERGED);
  check_equal("iterations", report.iterations, 18);
  check_equal("nor there", neurlp_minimiser_lbfgs.minimise(two, &objective, y, &report),
              NEURLP_NOT_CONVERGED);
  check_equal("iterations", report.iterations, 18);
  check_equal("restored, bytes that differ", different_bytes(x, y, 20 * sizeof(double)), 0);
  neurlp_minimiser_lbfgs.destroy(&one);
  neurlp_minimiser_lbfgs.destroy(&two);
}

/* Parameters that stay do so to the bit, and the others find the minimum for them. */
static void test_mask(void) {
  problem p = {quadratic, 10, false, false};
  neurlp_minimiser_options options = neurlp_minimiser_defaults(10);
  neurlp_minimiser_report report;
  const uint8_t mask[10] = {1, 0, 1, 1, 0, 1, 1, 1, 1, 0};
  double x[N];
  int64_t moved = 0;
  options.mask = mask;
  void *state = make(&options);
  const neurlp_objective objective = {.evaluate = evaluate, .user = &p};
  for (int i = 0; i < 10; i++) x[i] = mask[i] ? 3.0 : 0.0;
  check_equal("with a mask", neurlp_minimiser_lbfgs.minimise(state, &objective, x, &report), 0);
  for (int i = 0; i < 10; i++) moved += !mask[i] && !(x[i] == 0.0 && !signbit(x[i]));
  check_equal("fixed parameters that moved", moved, 0);
  for (int i = 0; i < 10; i++) x[i] = mask[i] ? x[i] : 1.0;
  check_below("distance of the others to the minimum", distance_to_ones(10, x), 1e-4);
  neurlp_minimiser_lbfgs.destroy(&state);
}

static void test_threads(void) {
  enum { LONG = 40000 };
  static double x[2][LONG];
  for (int run = 0; run < 2; run++) {
    neurlp_context *shared = context;
    problem p = {rosenbrock, LONG, false, false};
    neurlp_minimiser_options options = neurlp_minimiser_defaults(LONG);
    neurlp_minimiser_report report;
    const neurlp_objective objective = {.evaluate = evaluate, .user = &p};
    check_equal("context", neurlp_context_create(run ? 3 : 1, &context), 0);
    options.iterations = 15;
    void *state = make(&options);
    for (int64_t i = 0; i < LONG; i++) x[run][i] = sin((double)i);
    check_equal("not yet", neurlp_minimiser_lbfgs.minimise(state, &objective, x[run], &report),
                NEURLP_NOT_CONVERGED);
    neurlp_minimiser_lbfgs.destroy(&state);
    neurlp_context_destroy(&context);
    context = shared;
  }
  check_equal("1 and 3 threads, bytes that differ", different_bytes(x[0], x[1], sizeof x[0]), 0);
}

static void test_failures(void) {
  problem p = {quadratic, 4, false, true};
  neurlp_minimiser_options options = neurlp_minimiser_defaults(4);
  neurlp_minimiser_report report;
  double x[N], before[N];
  const neurlp_objective objective = {.evaluate = evaluate, .user = &p};
  void *state = make(&options);
  start_at(4, 3.0, 4.0, x);
  memcpy(before, x, sizeof x);
  check_equal("what evaluate fails with", neurlp_minimiser_lbfgs.minimise(state, &objective, x, &report),
              NEURLP_ERROR_IO);
  p = (problem){barrier, 4, false, false};
  start_at(4, -1.0, 1.0, x);
  check_equal("a start that is no place", neurlp_minimiser_lbfgs.minimise(state, &objective, x, &report),
              NEURLP_NOT_FINITE);
  printf("     %s\n", neurlp_context_message(context));
  p.f = liar;
  memcpy(x, before, sizeof x);
  check_equal("a wrong gradient", neurlp_minimiser_lbfgs.minimise(state, &objective, x, &report),
              NEURLP_NOT_CONVERGED);
  printf("     %s\n", neurlp_context_message(context));
  check_equal("stuck", report.end, NEURLP_MINIMISER_STUCK);
  check_equal("parameters are as before, bytes that differ", different_bytes(x, before, 4 * sizeof(double)),
              0);
  neurlp_minimiser_lbfgs.destroy(&state);
  options.memory = 0;
  check_equal("no memory", neurlp_minimiser_lbfgs.create(context, &options, &state), NEURLP_ERROR_ARGUMENT);
}

int main(void) {
  if (neurlp_context_create(2, &context) != NEURLP_SUCCESS) return 1;
  const double conjugate = 2.0 * sqrt(100.0) / 2.0 * log(2.0 / 1e-10);
  /* The gradient is at least 1 times the distance; Rosenbrock's least curvature at the minimum is 0.4. */
  test_minimum("quadratic, 5 unknowns", (problem){quadratic, 5, false, false}, 7.0, -3.0, conjugate, 1e-8);
  test_minimum("quadratic, 100 unknowns", (problem){quadratic, N, false, false}, 7.0, -3.0, conjugate, 1e-8);
  test_minimum("Rosenbrock", (problem){rosenbrock, 2, false, false}, -1.2, 1.0, 60.0,
               1e-8 / 0.39 * sqrt(2.0));
  test_minimum("Rosenbrock, 50 times", (problem){rosenbrock, N, false, false}, -1.2, 1.0, 60.0,
               1e-8 / 0.39 * sqrt(2.0));
  test_minimum("barrier", (problem){barrier, 6, false, false}, 10.0, 0.05, 60.0, 2e-8);
  test_wolfe((problem){rosenbrock, 2, false, false});
  test_wolfe((problem){rosenbrock, N, false, false});
  test_directions(3);
  test_directions(10);
  test_single();
  test_state();
  test_mask();
  test_threads();
  test_failures();
  check_equal("memory blocks left", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
