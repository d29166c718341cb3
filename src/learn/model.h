/* The equations being learned: x_k^(kappa) = known_k(states, parameters, inputs, t) + sum_l theta_kl
 * phi_l(states).
 *
 * The known part is text: what is declared to be known, in which nothing is free, and equations with named
 * parameters (fitting; or what is known but for these). The sum runs over a basis library (discovery). Each
 * may be missing. Inputs are series that are given as data, values of something at every time that no
 * equation is learned for. Parameters are numbered: the named ones first, then theta_kl at named + k L + l.
 */
#ifndef NEURLP_LEARN_MODEL_H
#define NEURLP_LEARN_MODEL_H

#include "expr/expr.h"
#include "expr/library.h"

/* A named parameter. Without limits lower = -inf, upper = inf; lower = upper = start: known. */
typedef struct neurlp_parameter {
  const char *name;
  double start, lower, upper;
} neurlp_parameter;

/* Which text of a specification is at fault, for messages that point into the deck. */
typedef enum neurlp_model_part {
  NEURLP_MODEL_WHOLE,
  NEURLP_MODEL_EQUATION,
  NEURLP_MODEL_KNOWN,
  NEURLP_MODEL_DEFINITION
} neurlp_model_part;
typedef struct neurlp_model_fault {
  neurlp_model_part part;
  int32_t index;  /* of the equation, known part or definition */
  int32_t column; /* 1-based in its text; 0: the text as a whole */
} neurlp_model_fault;

/* What a model is made from. Texts are borrowed during the call. */
typedef struct neurlp_model_spec {
  int32_t dimensions;        /* D */
  const char *const *states; /* [D] names */
  int32_t order;             /* kappa: 1 or 2 */
  int32_t equation_count;    /* each "x' = ..." or "x'' = ...", at most one for each state */
  const char *const *equations;
  int32_t
      known_count; /* declared to be known, written as equations; added to these, without free parameters */
  const char *const *known;
  bool without_known;       /* they are read and checked, and left out: what is learned is wanted alone */
  int32_t definition_count; /* abbreviations, which may use those before them */
  const char *const *definition_names;
  const char *const *definitions;
  int32_t parameter_count;
  const neurlp_parameter *parameters;
  int32_t input_count;                /* U */
  const char *const *inputs;          /* [U] names */
  const neurlp_library_spec *library; /* NULL: none. Its variables are set to the state symbols */
  neurlp_model_fault *fault;          /* written if a text is at fault; NULL: not wanted */
} neurlp_model_spec;

typedef struct neurlp_model {
  neurlp_context *context;
  int32_t dimensions, order;          /* D, kappa */
  int32_t named, terms;               /* parameters with names; L */
  int32_t inputs;                     /* U */
  int32_t parameters;                 /* P = named + D L */
  char **states;                      /* [D] */
  neurlp_parameter *named_parameters; /* [named] */
  neurlp_symbols symbols; /* D kappa states (x, x', y, y', ...), the named parameters, the inputs, t */
  char **symbol_names;
  neurlp_expr **known;     /* [D] or NULL entries: none. Declared parts and equations, added up */
  neurlp_expr **declared;  /* [D] or NULL entries: the declared parts alone */
  neurlp_library *library; /* NULL: none */
  struct neurlp_model_code *code;
} neurlp_model;

/* Fails with NEURLP_ERROR_SYNTAX (text, column, remedy), NEURLP_ERROR_ARGUMENT (a name twice, an equation for
 * something that is not a state, a free parameter in a part that is declared to be known, no equation for a
 * state when there is no library). */
NEURLP_MUST_USE neurlp_status neurlp_model_create(neurlp_context *context, const neurlp_model_spec *spec,
                                                  neurlp_model **model);
void neurlp_model_destroy(neurlp_model **model);

/* ---- values and derivatives at many points of one system
 * --------------------------------------------------- */

/* Where the points are: state symbol v = k kappa + j of point p is states[(p D + k) stride + j]. */
typedef struct neurlp_points {
  int64_t count;
  const double *states; /* [count][D][stride] */
  int64_t stride;       /* >= kappa */
  const double *times;  /* [count] */
  const double *inputs; /* [count][U]; NULL without inputs */
} neurlp_points;

/* Results, in the workspace. Arrays over points are contiguous. */
typedef struct neurlp_model_values {
  const double *flow;     /* [D][count] */
  const double *jacobian; /* [D][D kappa][count] d flow / d state symbol */
  const double *const
      *sensitivity; /* [P] d flow_e / d parameter for the one or several e, NULL where identically 0: */
  /* entry (e, p) is sensitivity[e * P + p], [count] */
} neurlp_model_values;

/* Bytes of workspace for neurlp_model_evaluate at up to `points` points. */
size_t neurlp_model_workspace_bytes(const neurlp_model *model, int64_t points);

/* Evaluates flow and jacobian, and sensitivities if asked. `parameters` [P]. Local, allocates nothing,
 * thread-safe. */
void neurlp_model_evaluate(const neurlp_model *model, const neurlp_points *points, const double *parameters,
                           bool want_sensitivity, void *workspace, neurlp_model_values *values);

/* True if an equation depends on input i. */
bool neurlp_model_uses_input(const neurlp_model *model, int32_t i);

/* Readable equation k with these parameter values (NULL: with parameters by name), "x' = -10 x + 10 y". Terms
 * whose theta is exactly 0 are left out. `digits`: significant digits. Returns the length; at most size_bytes
 * are written. */
size_t neurlp_model_print(const neurlp_model *model, int32_t k, const double *parameters, int32_t digits,
                          char *text, size_t size_bytes);

/* What is declared to be known of equation k, "-k*x"; "" if nothing is. Length and bytes as above. */
size_t neurlp_model_print_declared(const neurlp_model *model, int32_t k, char *text, size_t size_bytes);

/* Name of parameter p: its own, or "x' : x*y" for a library coefficient. */
size_t neurlp_model_parameter_name(const neurlp_model *model, int32_t p, char *text, size_t size_bytes);

#endif
