/* Known systems by name, as text in the expression language, with the parameters and initial values that the
 * literature uses. They serve generated data, tests and documentation. */
#ifndef NEURLP_SYSTEM_CATALOGUE_H
#define NEURLP_SYSTEM_CATALOGUE_H

#include <stdint.h>

enum { NEURLP_CATALOGUE_STATES = 8, NEURLP_CATALOGUE_PARAMETERS = 10, NEURLP_ODEBENCH_SYSTEMS = 63 };

typedef struct neurlp_known_system {
  const char *name;   /* "lorenz" */
  const char *title;  /* "Lorenz 1963, convection" */
  const char *source; /* where equations and numbers come from */
  int32_t order;      /* kappa: 1 for x' = ..., 2 for x'' = ... (then equations may use x') */
  int32_t states;     /* D */
  int32_t parameters; /* P */
  const char *state_names[NEURLP_CATALOGUE_STATES];
  const char *equations[NEURLP_CATALOGUE_STATES]; /* right-hand side of each; t is the time */
  const char *parameter_names[NEURLP_CATALOGUE_PARAMETERS];
  double parameter_values[NEURLP_CATALOGUE_PARAMETERS];
  double initial[NEURLP_CATALOGUE_STATES * 2]; /* [D][order]: x, x' of the first state, then the next */
  /* Initial values [D][order] drawn from uniform numbers in (0, 1), where independent ones would make no
   * sense; NULL: `initial` is the default */
  void (*draw)(const double *parameters, const double *uniform, double *initial);
  int32_t draws;                              /* uniform numbers that it takes */
  int32_t initial_sets;                       /* 2 where there is a second one; 0 and 1 say the same */
  double second[NEURLP_CATALOGUE_STATES * 2]; /* [D][order]: the second set of initial values */
  double step;                                /* a sensible sampling interval */
} neurlp_known_system;

/* The systems of ODEBench, in the order of their numbers (odebench.c). */
extern const neurlp_known_system neurlp_odebench[NEURLP_ODEBENCH_SYSTEMS];

/* Number of systems, and the i-th, 0 <= i < count, in alphabetical order, those of ODEBench after all others,
 * by their numbers. Static storage. */
int32_t neurlp_catalogue_count(void);
const neurlp_known_system *neurlp_catalogue_get(int32_t index);

/* The system of that name, or NULL. */
const neurlp_known_system *neurlp_catalogue_find(const char *name);

#endif
