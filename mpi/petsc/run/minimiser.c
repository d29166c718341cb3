/* TAO for a loss and its gradient: the parameters of networks. */
#include "petsc/run/tao.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct minimisation {
  neurlp_tao t;
  const neurlp_petsc_loss *loss;
  double *gradient; /* [count] */
  bool begun;       /* it has been evaluated */
  char *message;
} minimisation;

/* At the beginning a loss that is not finite is the end; later the line search comes back. */
static neurlp_status judge(minimisation *m, neurlp_status status, double loss) {
  const bool first = !m->begun;
  m->begun = true;
  if (status < 0 || !first || isfinite(loss)) return status;
  snprintf(m->message, NEURLP_PETSC_MESSAGE,
           "TAO: the loss is %g at the parameters that it is given; start elsewhere", loss);
  return NEURLP_NOT_FINITE;
}

static PetscErrorCode evaluate(Tao tao, Vec x, PetscReal *value, Vec gradient, void *user) {
  minimisation *m = user;
  const PetscScalar *entries;
  double loss = NAN;
  PetscFunctionBegin;
  (void)tao;
  PetscCall(neurlp_tao_see(&m->t, x, &entries));
  const neurlp_status status = m->loss->evaluate(m->loss->user, entries, &loss, m->gradient);
  PetscCall(neurlp_tao_unsee(&m->t, &entries));
  PetscCall(neurlp_tao_agree(&m->t, judge(m, status, loss)));
  if (!isfinite(loss)) memset(m->gradient, 0, (size_t)m->loss->count * sizeof *m->gradient);
  PetscCall(neurlp_tao_put(gradient, m->gradient));
  *value = isfinite(loss) ? loss : PETSC_INFINITY;
  PetscFunctionReturn(0);
}

/* TAO calls its monitors at the beginning, too. */
static PetscErrorCode tell(Tao tao, void *user) {
  minimisation *m = user;
  Vec x;
  const PetscScalar *entries;
  PetscInt iteration;
  PetscReal loss, gradient;
  bool more = true;
  PetscFunctionBegin;
  PetscCall(TaoGetSolutionStatus(tao, &iteration, &loss, &gradient, NULL, NULL, NULL));
  if (iteration == 0) PetscFunctionReturn(0);
  PetscCall(TaoGetSolution(tao, &x));
  PetscCall(neurlp_tao_see(&m->t, x, &entries));
  const neurlp_status status = m->loss->iterated(m->loss->user, iteration, loss, gradient, entries, &more);
  PetscCall(neurlp_tao_unsee(&m->t, &entries));
  PetscCall(neurlp_tao_agree(&m->t, status));
  if (!more) PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  PetscFunctionReturn(0);
}

/* More iterations than the program has asked for would be more than it has room for. */
static PetscErrorCode limit_iterations(const minimisation *m) {
  PetscInt asked;
  PetscFunctionBegin;
  PetscCall(TaoGetMaximumIterations(m->t.tao, &asked));
  if (asked > m->loss->iterations)
    PetscCall(TaoSetMaximumIterations(m->t.tao, (PetscInt)m->loss->iterations));
  PetscFunctionReturn(0);
}

static PetscErrorCode make(minimisation *m, double *x) {
  const neurlp_petsc_loss *loss = m->loss;
  PetscFunctionBegin;
  PetscCall(neurlp_tao_create(loss->comm, loss->prefix, loss->count, x, &m->t));
  PetscCall(PetscMalloc1((size_t)loss->count, &m->gradient));
  PetscCall(TaoSetType(m->t.tao, TAOLMVM));
  PetscCall(TaoSetObjectiveAndGradient(m->t.tao, NULL, evaluate, m));
  PetscCall(TaoSetTolerances(m->t.tao, loss->gradient_tolerance, 0, 0));
  PetscCall(TaoSetMaximumIterations(m->t.tao, (PetscInt)PetscMin(loss->iterations, PETSC_MAX_INT)));
  PetscCall(TaoSetMaximumFunctionEvaluations(m->t.tao, PETSC_MAX_INT));
  PetscCall(NEURLP_TAO_MONITOR_SET(m->t.tao, tell, m, NULL));
  PetscCall(TaoSetFromOptions(m->t.tao));
  PetscCall(limit_iterations(m));
  PetscFunctionReturn(0);
}

neurlp_status neurlp_petsc_minimise(const neurlp_petsc_loss *loss, double *x, neurlp_petsc_end *end,
                                    char *message) {
  minimisation m = {.loss = loss, .message = message};
  PetscErrorCode code = neurlp_session_listen();
  if (!code) code = make(&m, x);
  const neurlp_status status = neurlp_tao_solve(&m.t, code, "TAO", loss->count, x, end, message);
  neurlp_tao_release(&m.t);
  (void)PetscFree(m.gradient);
  (void)neurlp_session_rest();
  return status;
}
