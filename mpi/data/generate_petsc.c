/* `data.integrator: petsc`: trajectories by TS. One after the other on each rank, as PETSc is not for several
 * threads of one process. */
#include "block/nonlinear/equations.h"
#include "comm.h"
#include "data/generate_plan.h"
#include "learn/model.h"
#include "petsc_link.h"

#include <stdio.h>
#include <string.h>

struct neurlp_generate_petsc {
  const neurlp_petsc_calls *calls;
  neurlp_petsc_flow flow;
  neurlp_petsc_tolerances tolerances;
  neurlp_equations *equations;
  void *workspace;
  const double *parameters;           /* of the trajectory in hand */
  neurlp_status status;               /* a failure that is no system's */
  char message[NEURLP_PETSC_MESSAGE]; /* of it */
};

/* The model's values at y: x0, x0', x1, ... */
static neurlp_model_values evaluate_model(const struct neurlp_generate_petsc *p, double time,
                                          const double *y) {
  const neurlp_model *model = p->equations->model;
  const neurlp_points points = {.count = 1, .states = y, .stride = model->order, .times = &time};
  neurlp_model_values values;
  neurlp_model_evaluate(model, &points, p->parameters, false, p->workspace, &values);
  return values;
}

static void evaluate(void *user, double time, const double *y, double *f) {
  const struct neurlp_generate_petsc *p = user;
  const neurlp_model *model = p->equations->model;
  const neurlp_model_values values = evaluate_model(p, time, y);
  for (int32_t k = 0; k < model->dimensions; k++) {
    if (model->order == 2) f[2 * k] = y[2 * k + 1];
    f[k * model->order + model->order - 1] = values.flow[k];
  }
}

static void differentiate(void *user, double time, const double *y, double *jacobian) {
  const struct neurlp_generate_petsc *p = user;
  const neurlp_model *model = p->equations->model;
  const int32_t n = p->flow.size, kappa = model->order;
  const neurlp_model_values values = evaluate_model(p, time, y);
  memset(jacobian, 0, (size_t)n * (size_t)n * sizeof *jacobian);
  for (int32_t k = 0; k < model->dimensions; k++) {
    if (kappa == 2) jacobian[2 * k * n + 2 * k + 1] = 1;
    memcpy(jacobian + (k * kappa + kappa - 1) * n, values.jacobian + k * n, (size_t)n * sizeof *jacobian);
  }
}

/* What a deck says of integrators of our own has no meaning here. */
static neurlp_status check_deck(neurlp_context *context, const neurlp_deck *deck, const neurlp_generated *g) {
  static const char *const others[] = {"simulate.method", "simulate.step", "simulate.precision",
                                       "simulate.backend"};
  if (g->pde)
    return neurlp_deck_fail(context, deck, "data.integrator", -1, 0,
                            "%s has an integrator of its own; leave this out", g->pde->name);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (neurlp_deck_given(deck, others[i]))
      return neurlp_deck_fail(context, deck, others[i], -1, 0,
                              "'%s' is for integrators of our own, and 'data.integrator' is petsc; say it in "
                              "petsc.options (-data_ts_type, -data_ts_dt)",
                              others[i]);
  return NEURLP_SUCCESS;
}

static neurlp_petsc_tolerances read_tolerances(const neurlp_deck *deck) {
  const neurlp_integrate_options own = neurlp_integrate_options_default();
  if (strcmp(neurlp_deck_text(deck, "task"), "simulate") != 0)
    return (neurlp_petsc_tolerances){own.relative_tolerance, own.absolute_tolerance};
  return (neurlp_petsc_tolerances){neurlp_deck_number(deck, "simulate.relative_tolerance"),
                                   neurlp_deck_number(deck, "simulate.absolute_tolerance")};
}

static neurlp_status make(const neurlp_generated *g, const neurlp_deck *deck,
                          const neurlp_petsc_calls *calls) {
  struct neurlp_generate_plan *plan = g->plan;
  const neurlp_equations_spec spec = {.dimensions = g->dimensions,
                                      .leading_derivative = g->order,
                                      .states = (const char *const *)g->names,
                                      .right_sides = (const char *const *)plan->equations,
                                      .parameters = g->parameters,
                                      .parameter_names = (const char *const *)g->parameter_names};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(plan->context, 1, sizeof *plan->petsc, &plan->petsc));
  struct neurlp_generate_petsc *p = plan->petsc;
  p->calls = calls;
  p->tolerances = read_tolerances(deck);
  p->flow = (neurlp_petsc_flow){g->dimensions * g->order, evaluate, differentiate, p};
  NEURLP_TRY(neurlp_equations_create(plan->context, &spec, &p->equations));
  const size_t bytes = neurlp_model_workspace_bytes(p->equations->model, 1);
  NEURLP_TRY(neurlp_allocate(plan->context, (int64_t)bytes, 1, &p->workspace));
  neurlp_ensemble_destroy(&plan->ensemble);
done:
  return status;
}

neurlp_status neurlp_generate_use_petsc(MPI_Comm comm, const neurlp_deck *deck, neurlp_generated *g) {
  const char *integrator = neurlp_deck_text(deck, "data.integrator");
  neurlp_context *context = g->plan->context;
  const neurlp_petsc_calls *calls = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (strcmp(integrator, "petsc") != 0) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_agree(comm, context, check_deck(context, deck, g)));
  NEURLP_TRY(neurlp_petsc_open(comm, context, deck, "data.integrator", &calls));
  status = neurlp_agree(comm, context, make(g, deck, calls));
done:
  return status;
}

neurlp_status neurlp_generate_integrate_petsc(const neurlp_generated *g, const neurlp_generate_worker *w,
                                              int64_t count) {
  struct neurlp_generate_petsc *p = g->plan->petsc;
  if (p->status < 0) return p->status;
  p->parameters = w->parameters;
  const neurlp_status status =
      p->calls->integrate(&p->flow, &p->tolerances, w->initial, count, w->times, w->states, p->message);
  if (status < 0) p->status = status;
  return status;
}

neurlp_status neurlp_generate_petsc_status(const neurlp_generated *g) {
  const struct neurlp_generate_petsc *p = g->plan->petsc;
  return p && p->status < 0 ? neurlp_fail(g->plan->context, p->status, "%s", p->message) : NEURLP_SUCCESS;
}

void neurlp_generate_release_petsc(struct neurlp_generate_plan *plan) {
  if (!plan->petsc) return;
  neurlp_equations_destroy(&plan->petsc->equations);
  neurlp_release(plan->context, &plan->petsc->workspace);
  neurlp_release(plan->context, &plan->petsc);
}
