/* Known partial differential equations by name: one space dimension, periodic, all of the kind
 *
 *   u_t = -u u_x + L u,     L a linear operator with constant coefficients,
 *
 * so that an equation is what L does to exp(i k x), its symbol. They serve generated data. */
#ifndef NEURLP_SYSTEM_KNOWN_PDE_H
#define NEURLP_SYSTEM_KNOWN_PDE_H

#include <stdint.h>

enum { NEURLP_PDE_PARAMETERS = 2 };

typedef struct neurlp_known_pde {
  const char *name;     /* "kdv" */
  const char *title;    /* "Korteweg-de Vries, waves in shallow water" */
  const char *equation; /* "u_t = -u u_x - u_xxx" */
  const char *source;
  int32_t parameters; /* P; the first is the length of the domain */
  const char *parameter_names[NEURLP_PDE_PARAMETERS];
  double least[NEURLP_PDE_PARAMETERS]; /* drawn uniformly from these bounds, unless the deck says otherwise */
  double greatest[NEURLP_PDE_PARAMETERS];
  double step; /* a sensible sampling interval */
  /* symbol[2]: real and imaginary part of L exp(i k x) / exp(i k x) */
  void (*symbol)(double wave_number, const double *parameters, double *symbol);
} neurlp_known_pde;

/* Number of equations, and the i-th, in alphabetical order. Static storage. */
int32_t neurlp_known_pde_count(void);
const neurlp_known_pde *neurlp_known_pde_get(int32_t index);

/* The equation of that name, or NULL. */
const neurlp_known_pde *neurlp_known_pde_find(const char *name);

/* A drawn initial state on a grid [points]: a sum of waves,
 *   u(x) = sum_j A_j sin(2 pi l_j x / length + phi_j),
 * of ten, A in [-1/2, 1/2], l of 1, 2, 3, phi in [0, 2 pi], from uniform numbers [NEURLP_PDE_DRAWS] in (0,
 * 1). Source: Bar-Sinai, Hoyer, Hickey, Brenner, PNAS 116 (2019) 15344; with these numbers Brandstetter,
 * Welling, Worrall, Lie point symmetry data augmentation for neural PDE solvers, ICML 2022. */
enum { NEURLP_PDE_WAVES = 10, NEURLP_PDE_DRAWS = 3 * NEURLP_PDE_WAVES };
void neurlp_pde_draw_waves(const double *uniform, int32_t points, double *state);

#endif
