/* What the literature says of the systems in the catalogue, written in C, apart from their text. */
#ifndef TESTS_SYSTEM_CATALOGUE_FACTS_H
#define TESTS_SYSTEM_CATALOGUE_FACTS_H

enum { FACTS = 15 };

/* u: x0, x0', x1, ... as in the integrator; p: parameters in the catalogue's order; t: time */
typedef struct catalogue_fact {
  const char *name;
  void (*rhs)(const double *u, const double *p, double t, double *rhs);
  int conserved;
  double (*invariant[2])(const double *u, const double *p);
} catalogue_fact;

extern const catalogue_fact catalogue_facts[FACTS];

#endif
