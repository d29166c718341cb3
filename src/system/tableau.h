/* The coefficients of the integrator, apart, so that a test can check every order condition. */
#ifndef NEURLP_SYSTEM_TABLEAU_H
#define NEURLP_SYSTEM_TABLEAU_H

#include "core/anywhere.h"

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

/* Tsitouras 2011, RK5(4), in the order of the other; its row of a for the last stage is b. b_embedded is b
 * less the published weights of the error estimate. */
NEURLP_ANYWHERE neurlp_tableau neurlp_tsitouras(void) {
  const neurlp_tableau pair = {
      .order = 5,
      .embedded_order = 4,
      .a = {{0.0},
            {0.161},
            {-0.008480655492356989, 0.335480655492357},
            {2.8971530571054935, -6.359448489975075, 4.3622954328695815},
            {5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525},
            {5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401,
             -0.028269050394068383},
            {0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081,
             2.324710524099774}},
      .b = {0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081,
            2.324710524099774, 0.0},
      .b_embedded = {0.09646076681806523 + 0.00178001105222577714, 0.01 + 0.0008164344596567469,
                     0.4798896504144996 - 0.007880878010261995, 1.379008574103742 + 0.1447110071732629,
                     -3.290069515436081 - 0.5823571654525552, 2.324710524099774 + 0.45808210592918697,
                     -1.0 / 66},
      .c = {0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0}};
  return pair;
}

/* Weights of its continuous solution, of order 4: y(t + theta h) = y + h sum_i b_i(theta) k_i with
 * b_i(theta) = sum_m weights[i][m] theta^(m + 1). */
typedef struct neurlp_interpolant {
  double weights[NEURLP_TABLEAU_STAGES][4];
} neurlp_interpolant;

NEURLP_ANYWHERE neurlp_interpolant neurlp_tsitouras_dense(void) {
  const neurlp_interpolant dense = {{{1.0, -2.763706197274826, 2.9132554618219126, -1.0530884977290216},
                                     {0.0, 0.13169999999999998, -0.2234, 0.1017},
                                     {0.0, 3.9302962368947516, -5.941033872131505, 2.490627285651253},
                                     {0.0, -12.411077166933676, 30.33818863028232, -16.548102889244902},
                                     {0.0, 37.50931341651104, -88.1789048947664, 47.37952196281928},
                                     {0.0, -27.896526289197286, 65.09189467479366, -34.87065786149661},
                                     {0.0, 1.5, -4.0, 2.5}}};
  return dense;
}

#endif
