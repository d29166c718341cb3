/* Batches of nonlinear systems for the tests of the nonlinear block: known problems, and one batch of one of
 * them with everything that a call needs. */
#ifndef TESTS_BLOCK_TRAJECTORIES_H
#define TESTS_BLOCK_TRAJECTORIES_H

#include "neurlp.h"

enum { MOST_SYMBOLS = 4, MOST_DIMENSIONS = 2, MOST_PARAMETERS = 2 };

/* u^(kappa) = f(u, theta); states [D kappa] are x0, x0', x1, x1', ... */
typedef struct test_system {
  const char *name;
  int32_t dimensions, leading, parameters; /* D, kappa, P */
  double initial[MOST_SYMBOLS];            /* [D][kappa] */
  double theta[MOST_PARAMETERS];           /* [P] */
  /* f [D], df/du [D][D kappa] and df/dtheta [D][P] */
  void (*flow)(const double *u, const double *theta, double *f, double *jacobian, double *sensitivity);
  /* the same as text, in x, y and the parameters p, q */
  const char *right_sides[MOST_DIMENSIONS];
} test_system;

/* x' = r x (1 - x/K), theta = (r, K); from 0.3 with r = 2, K = 1.5. Closed form: x = K/(1 + q), q = (K/x0 -
 * 1) exp(-r t), and its derivatives dx/dr = K q t/(1 + q)^2,  dx/dK = 1/(1 + q) - K exp(-r t)/(x0 (1 + q)^2),
 * dx/dx0 = K^2 exp(-r t)/(x0 (1 + q))^2; columns [3] are these. */
extern const test_system logistic;
void logistic_exact(double t, double *u, double *columns);

/* x'' = -GM x/r^3, y'' = -GM y/r^3 on the unit circle, theta = GM = 1. Small displacements (radial, along the
 * orbit) obey xi'' = 3 xi + 2 eta' (- 1 for dGM), eta'' = -2 xi' in the rotating frame, hence d/dGM: xi = cos
 * t - 1, eta = 2 (t - sin t);  d/dx(0): xi = 2 - cos t, eta = 2 sin t - 3 t; columns [2][2] are these. */
extern const test_system orbit;
void orbit_exact(double t, double *u, double *columns);

/* x'' = m (1 - x^2) x' - w x, theta = (m, w) = (1.5, 1), from (1, 0.5). No closed form. */
extern const test_system van_der_pol;

/* x'' = -sin x from 2.9 at rest, near the top. */
extern const test_system pendulum;

/* x' = r x^2, theta = r = 1, from 1: x = 1/(1 - r t), infinite at 1/r. */
extern const test_system explosion;

/* x' = -1e18 (x + y), y' the same: only x + y is determined, to within rounding. */
extern const test_system degenerate;

/* One batch, on a grid of equal steps unless a test changes it. Arrays are the batch's. */
typedef struct test_trajectories {
  const test_system *const *systems; /* [S], of the same D, kappa and P */
  neurlp_context *context;
  neurlp_equations *equations; /* if there are any: those of the first system */
  neurlp_nonlinear *block;
  neurlp_nonlinear_shape shape;
  neurlp_nonlinear_batch batch;
  int32_t *lengths;
  int64_t points; /* in state */
  double *steps, *initial, *scale, *theta;
  double *state, *grad_state;
  double *sensitivity; /* [points][D][d+1][P + D kappa], if the shape's `forward` */
  neurlp_nonlinear_gradients gradients;
  neurlp_status *status;
  double *workspace; /* [threads] */
  const double **pointers;
  int64_t thread_numbers;
  int32_t *linearised; /* [S] how often the block has asked */
  int64_t silent;      /* a system whose linearisation is NULL; -1: none */
} test_trajectories;

/* A batch of S copies of one system; of these systems. Tolerance 1e-12, 40 iterations. */
neurlp_nonlinear_shape trajectories_shape(const test_system *system, int64_t systems, int32_t order,
                                          int32_t intervals, double step);
void trajectories_open(test_trajectories *run, const test_system *const *systems,
                       const neurlp_nonlinear_shape *shape, int32_t threads);
void trajectories_close(test_trajectories *run);

/* The environment's NEURLP_TEST_BACKEND, or cpu; and whether batches are of equations, not of callbacks,
 * which is so if NEURLP_TEST_EQUATIONS is set. */
const char *trajectories_backend(void);
bool trajectories_have_equations(void);

/* The constant trajectory from the initial values. */
void trajectories_restart(test_trajectories *run);

neurlp_status trajectories_solve(test_trajectories *run);
neurlp_status trajectories_forward(test_trajectories *run);
neurlp_status trajectories_adjoint(test_trajectories *run);

#endif
