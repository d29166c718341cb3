/* The basis library: the list of candidate terms from which equations are discovered. */
#ifndef NEURLP_EXPR_LIBRARY_H
#define NEURLP_EXPR_LIBRARY_H

#include "expr/expr.h"

/* What the library holds, in this order: all monomials of degree 0, 1, ..., polynomial in the variables
 * (graded lexicographic: 1, x, y, x^2, x*y, y^2, ...); for q = 1..trigonometric and every variable v,
 * sin(q*v) and cos(q*v) (sin(x), cos(x), sin(y), cos(y), sin(2*x), ...); then the explicit terms. A term that
 * repeats an earlier one (same printed text) is left out. */
typedef struct neurlp_library_spec {
  int32_t variables;     /* the first so many symbols are the library's variables */
  int32_t polynomial;    /* highest total degree, 0 to 20; -1: no polynomial terms, not even the constant */
  int32_t trigonometric; /* highest multiple q, 0: none */
  int32_t term_count;    /* explicit terms, in the expression language */
  const char *const *terms;
} neurlp_library_spec;

typedef struct neurlp_library {
  int32_t count;       /* L */
  neurlp_expr **terms; /* [L] */
  char **texts;        /* [L] readable text of each */
} neurlp_library;

/* Makes the library that `spec` asks for. At most 5000 terms; beyond it NEURLP_ERROR_ARGUMENT with the number
 * asked for (so with any other value out of its range). A term that cannot be read gives NEURLP_ERROR_SYNTAX,
 * and the message says which text and where. *library is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_library_create(neurlp_context *context, const neurlp_library_spec *spec,
                                                    const neurlp_symbols *symbols, neurlp_library **library);

/* Frees the library with its terms and texts and sets *library to NULL. Safe to call twice. */
void neurlp_library_destroy(neurlp_library **library);

#endif
