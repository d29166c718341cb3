/* The coefficients of the integrator, apart, so that a test can check every order condition. */
#ifndef NEURLP_SYSTEM_TABLEAU_H
#define NEURLP_SYSTEM_TABLEAU_H

enum { NEURLP_TABLEAU_STAGES = 7 };

/* An explicit Runge-Kutta pair whose last stage is the derivative at the new point (first same as last):
 * the last row of a is b, and serves as the first stage of the next step. */
typedef struct neurlp_tableau {
  int order;                                                  /* of b */
  int embedded_order;                                         /* of b_embedded */
  double a[NEURLP_TABLEAU_STAGES][NEURLP_TABLEAU_STAGES - 1]; /* strictly lower triangular */
  double b[NEURLP_TABLEAU_STAGES];
  double b_embedded[NEURLP_TABLEAU_STAGES];
  double c[NEURLP_TABLEAU_STAGES];
} neurlp_tableau;

/* Dormand and Prince 1980, RK5(4)7M. */
static const neurlp_tableau neurlp_dormand_prince = {
    .order = 5,
    .embedded_order = 4,
    .a = {{0.0},
          {1.0 / 5},
          {3.0 / 40, 9.0 / 40},
          {44.0 / 45, -56.0 / 15, 32.0 / 9},
          {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
          {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
          {35.0 / 384, 0.0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}},
    .b = {35.0 / 384, 0.0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84, 0.0},
    .b_embedded = {5179.0 / 57600, 0.0, 7571.0 / 16695, 393.0 / 640, -92097.0 / 339200, 187.0 / 2100,
                   1.0 / 40},
    .c = {0.0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1.0, 1.0}};

#endif
