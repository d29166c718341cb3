/* Tiles of trajectories, for REAL double or float; included once for each (ensemble_double.c,
 * ensemble_single.c), so there is no guard. The equations are evaluated in double precision. */
#include "system/ensemble_tile.h"

#include <string.h>

#define POINT    double
#define LANES(t) ((t)->lanes)
#define UNROLLED

enum { L = NEURLP_PROGRAM_LANES };

typedef struct vector_field {
  const neurlp_dynamics *dynamics;
  neurlp_ensemble_worker *worker;
} vector_field;

/* derivative[n][L] = f(times[L], at[n][L]). The parameters are where the program reads them. */
static void evaluate(const vector_field *field, int32_t lanes, const double *times, const double *parameters,
                     const REAL *at, REAL *derivative) {
  const neurlp_dynamics *dynamics = field->dynamics;
  neurlp_ensemble_worker *w = field->worker;
  const int32_t order = dynamics->order, n = dynamics->size;
  (void)parameters;
  for (int32_t i = 0; i < n; i++)
    for (int32_t p = 0; p < lanes; p++) w->point[i * L + p] = (double)at[i * L + p];
  memcpy(w->point + (int64_t)(n + dynamics->parameters) * L, times, (size_t)lanes * sizeof *times);
  neurlp_program_run(dynamics->program, lanes, w->inputs, w->strides, w->values, w->program_workspace);
  for (int32_t k = 0; k < dynamics->dimensions; k++) {
    for (int32_t j = 0; j < order - 1; j++)
      memcpy(derivative + (k * order + j) * L, at + (k * order + j + 1) * L, (size_t)lanes * sizeof *at);
    for (int32_t p = 0; p < lanes; p++)
      derivative[(k * order + order - 1) * L + p] = (REAL)w->values[k * lanes + p];
  }
}

#include "system/ensemble_steps.h"

/* A tile in a thread's working arrays. */
static tile make_tile(const neurlp_ensemble_call *call, const vector_field *field, int32_t count) {
  neurlp_ensemble_worker *w = field->worker;
  tile t = {.call = call, .field = field, .n = call->size, .lanes = count, .lane = w->lanes};
  t.state = w->state;
  t.trial = w->trial;
  t.times = w->times;
  t.parameters = w->point + (int64_t)t.n * L;
  for (int32_t i = 0; i < STAGES; i++) t.stages[i] = (real *)w->stages + (int64_t)i * t.n * L;
  return t;
}

int64_t NEURLP_RK4_TILE(const neurlp_ensemble_call *call, const neurlp_dynamics *dynamics,
                        neurlp_ensemble_worker *worker, int64_t first, int32_t count) {
  const vector_field field = {.dynamics = dynamics, .worker = worker};
  tile t = make_tile(call, &field, count);
  return rk4_tile(&t, first);
}

int64_t NEURLP_TSIT5_TILE(const neurlp_ensemble_call *call, const neurlp_dynamics *dynamics,
                          neurlp_ensemble_worker *worker, int64_t first, int32_t count) {
  const vector_field field = {.dynamics = dynamics, .worker = worker};
  tile t = make_tile(call, &field, count);
  return tsit5_tile(&t, first);
}
