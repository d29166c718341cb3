#include "system/dynamics.h"

#include <string.h>

/* Lays the working arrays out in one allocation. */
static void dynamics_lay_out(neurlp_dynamics *dynamics) {
  const int32_t symbols = dynamics->size + dynamics->parameters + 1;
  double *next = dynamics->numbers;
  dynamics->point = next;
  next += symbols;
  dynamics->values = next;
  next += dynamics->dimensions;
  dynamics->state = next;
  next += dynamics->size;
  for (int32_t i = 0; i < NEURLP_TABLEAU_STAGES; i++, next += dynamics->size) dynamics->stages[i] = next;
  for (int32_t i = 0; i < symbols; i++) dynamics->inputs[i] = &dynamics->point[i];
}

neurlp_status neurlp_dynamics_create(neurlp_context *context, int32_t dimensions, int32_t order,
                                     int32_t parameters, const neurlp_expr *const *rhs,
                                     neurlp_dynamics **dynamics) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_dynamics *made = NULL;
  *dynamics = NULL;
  if (dimensions < 1 || order < 1 || order > 2 || parameters < 0)
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "dynamics of %d states, order %d and %d parameters; there must be at least 1 state, order 1 "
        "or 2, and no negative number of parameters",
        dimensions, order, parameters);
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  made->context = context;
  made->dimensions = dimensions;
  made->order = order;
  made->parameters = parameters;
  made->size = dimensions * order;
  const int64_t symbols = (int64_t)made->size + parameters + 1;
  const int64_t numbers = symbols + dimensions + (int64_t)(1 + NEURLP_TABLEAU_STAGES) * made->size;
  NEURLP_TRY(neurlp_program_create(context, dimensions, rhs, &made->program));
  NEURLP_TRY(
      neurlp_allocate(context, (int64_t)neurlp_program_workspace_bytes(made->program), 1, &made->workspace));
  NEURLP_TRY(neurlp_allocate(context, symbols, sizeof *made->inputs, &made->inputs));
  NEURLP_TRY(neurlp_allocate(context, symbols, sizeof *made->strides, &made->strides));
  NEURLP_TRY(neurlp_allocate(context, numbers, sizeof *made->numbers, &made->numbers));
  dynamics_lay_out(made);
  *dynamics = made;
  made = NULL;
done:
  neurlp_dynamics_destroy(&made);
  return status;
}

void neurlp_dynamics_destroy(neurlp_dynamics **dynamics) {
  if (!dynamics || !*dynamics) return;
  neurlp_dynamics *old = *dynamics;
  neurlp_context *context = old->context;
  neurlp_program_destroy(&old->program);
  neurlp_release(context, &old->workspace);
  neurlp_release(context, &old->inputs);
  neurlp_release(context, &old->strides);
  neurlp_release(context, &old->numbers);
  neurlp_release(context, dynamics);
}

/* Symbol names in the order of the point: each state with its primes, parameters, t. The primed names live in
 * *primed, which is the caller's to release. */
static neurlp_status collect_names(neurlp_context *context, int32_t dimensions, int32_t order,
                                   const char *const *names, int32_t parameters,
                                   const char *const *parameter_names, const char **symbols, char **primed) {
  size_t bytes = 1;
  for (int32_t k = 0; k < dimensions; k++) bytes += strlen(names[k]) + 2;
  neurlp_status status = neurlp_allocate(context, (int64_t)bytes, 1, primed);
  if (status < 0) return status;
  char *next = *primed;
  int32_t count = 0;
  for (int32_t k = 0; k < dimensions; k++) {
    symbols[count++] = names[k];
    if (order < 2) continue;
    const size_t length = strlen(names[k]);
    memcpy(next, names[k], length);
    memcpy(next + length, "'", 2);
    symbols[count++] = next;
    next += length + 2;
  }
  for (int32_t i = 0; i < parameters; i++) symbols[count++] = parameter_names[i];
  symbols[count] = "t";
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_dynamics_parse(neurlp_context *context, int32_t dimensions, int32_t order,
                                    const char *const *names, int32_t parameters,
                                    const char *const *parameter_names, const char *const *equations,
                                    neurlp_dynamics **dynamics, int32_t *failed, neurlp_syntax_error *error) {
  neurlp_status status = NEURLP_SUCCESS;
  const int32_t count = dimensions * order + parameters + 1;
  const char **symbols = NULL;
  char *primed = NULL;
  neurlp_expr **rhs = NULL;
  *dynamics = NULL;
  NEURLP_TRY(neurlp_allocate(context, count, sizeof *symbols, &symbols));
  NEURLP_TRY(collect_names(context, dimensions, order, names, parameters, parameter_names, symbols, &primed));
  NEURLP_TRY(neurlp_allocate(context, dimensions, sizeof(neurlp_expr *), &rhs));
  const neurlp_symbols known = {.count = count, .names = symbols};
  for (int32_t k = 0; k < dimensions; k++) {
    if (failed) *failed = k;
    NEURLP_TRY(neurlp_expr_parse(context, equations[k], &known, &rhs[k], error));
  }
  status = neurlp_dynamics_create(context, dimensions, order, parameters, (const neurlp_expr *const *)rhs,
                                  dynamics);
done:
  for (int32_t k = 0; rhs && k < dimensions; k++) neurlp_expr_destroy(&rhs[k]);
  neurlp_release(context, &rhs);
  neurlp_release(context, &primed);
  neurlp_release(context, &symbols);
  return status;
}

void neurlp_dynamics_evaluate(neurlp_dynamics *dynamics, double time, double *derivative) {
  const int32_t order = dynamics->order;
  dynamics->point[dynamics->size + dynamics->parameters] = time;
  neurlp_program_run(dynamics->program, 1, dynamics->inputs, dynamics->strides, dynamics->values,
                     dynamics->workspace);
  for (int32_t k = 0; k < dynamics->dimensions; k++) {
    for (int32_t j = 0; j < order - 1; j++) derivative[k * order + j] = dynamics->point[k * order + j + 1];
    derivative[k * order + order - 1] = dynamics->values[k];
  }
}
