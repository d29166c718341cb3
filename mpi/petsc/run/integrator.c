/* Reference integration by TS, one system at a time, on this rank alone: right-hand side and Jacobian are the
 * program's, every output time is the end of a step, and what fails is this system's failure. */
#include "petsc/run/session.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* A stage that fails is tried again with a quarter of the step, an error that is too large with a tenth at
 * the least: after so many tries a step is nothing. */
enum { MOST_REJECTIONS = 40, MOST_STEPS = 10000000 };

typedef struct integration {
  const neurlp_petsc_flow *flow;
  double least_step;   /* below this, time + step cannot be told from time */
  double *room;        /* [n][n] */
  PetscBool subtracts; /* a method of Runge's and Kutta's kind */
  TS ts;
  Vec y;
  Mat jacobian;
} integration;

/* Squares of what is larger, in units of a tolerance, are not finite, which TS takes for an error. */
static const double LARGEST = 1e100;

static bool all_bounded(PetscInt count, const double *values) {
  for (PetscInt i = 0; i < count; i++)
    if (!(fabs(values[i]) < LARGEST)) return false;
  return true;
}

static PetscErrorCode evaluate(TS ts, PetscReal time, Vec y, Vec f, void *user) {
  const integration *in = user;
  const PetscScalar *from;
  PetscScalar *to;
  PetscFunctionBegin;
  (void)ts;
  PetscCall(VecGetArrayRead(y, &from));
  PetscCall(VecGetArrayWrite(f, &to));
  in->flow->evaluate(in->flow->user, time, from, to);
  PetscCall(VecRestoreArrayWrite(f, &to));
  PetscCall(VecRestoreArrayRead(y, &from));
  PetscFunctionReturn(0);
}

/* Dense matrices are stored by columns. */
static PetscErrorCode differentiate(TS ts, PetscReal time, Vec y, Mat matrix, Mat preconditioner,
                                    void *user) {
  const integration *in = user;
  const PetscInt n = in->flow->size;
  const PetscScalar *from;
  PetscScalar *to;
  PetscFunctionBegin;
  (void)ts;
  PetscCall(VecGetArrayRead(y, &from));
  in->flow->differentiate(in->flow->user, time, from, in->room);
  PetscCall(VecRestoreArrayRead(y, &from));
  PetscCall(MatDenseGetArrayWrite(preconditioner, &to));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt k = 0; k < n; k++) to[k * n + i] = in->room[i * n + k];
  PetscCall(MatDenseRestoreArrayWrite(preconditioner, &to));
  PetscCall(MatAssemblyBegin(preconditioner, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(preconditioner, MAT_FINAL_ASSEMBLY));
  if (matrix != preconditioner) {
    PetscCall(MatAssemblyBegin(matrix, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(matrix, MAT_FINAL_ASSEMBLY));
  }
  PetscFunctionReturn(0);
}

/* These methods take a rejected step back by subtraction, which leaves the state with the rounding error of
 * what is subtracted: a stage that is so large that this would be seen is not for them. */
static PetscErrorCode can_be_taken_back(TS ts, const double *stage, PetscBool *yes) {
  integration *in;
  Vec y;
  const PetscScalar *state;
  PetscReal absolute, relative, largest;
  PetscFunctionBegin;
  PetscCall(TSGetApplicationContext(ts, &in));
  PetscCall(TSGetTolerances(ts, &absolute, NULL, &relative, NULL));
  PetscCall(TSGetSolution(ts, &y));
  PetscCall(VecNorm(y, NORM_INFINITY, &largest));
  PetscCall(VecGetArrayRead(y, &state));
  *yes = PETSC_TRUE;
  for (PetscInt i = 0; i < in->flow->size; i++) {
    const double unseen = 0.01 * (absolute + relative * fabs(state[i])) / DBL_EPSILON;
    if (fabs(stage[i]) > fmax(unseen, 16 * largest)) *yes = PETSC_FALSE;
  }
  PetscCall(VecRestoreArrayRead(y, &state));
  PetscFunctionReturn(0);
}

/* Called with every stage: where it is out of bounds, the step is tried again, shorter. Of other methods than
 * these, what is called a stage need not be a state. */
static PetscErrorCode is_in_domain(TS ts, PetscReal time, Vec y, PetscBool *accept) {
  integration *in;
  const PetscScalar *stage;
  PetscFunctionBegin;
  PetscCall(TSGetApplicationContext(ts, &in));
  PetscCall(VecGetArrayRead(y, &stage));
  *accept = all_bounded(in->flow->size, stage);
  if (*accept && in->subtracts) {
    in->flow->evaluate(in->flow->user, time, stage, in->room);
    *accept = all_bounded(in->flow->size, in->room);
    if (*accept) PetscCall(can_be_taken_back(ts, stage, accept));
  }
  PetscCall(VecRestoreArrayRead(y, &stage));
  PetscFunctionReturn(0);
}

/* A solution that runs to infinity would be followed in ever smaller steps that no longer move the time. */
static PetscErrorCode watch_step(TS ts) {
  integration *in;
  PetscReal before, now, end;
  PetscFunctionBegin;
  PetscCall(TSGetApplicationContext(ts, &in));
  PetscCall(TSGetPrevTime(ts, &before));
  PetscCall(TSGetTime(ts, &now));
  PetscCall(TSGetMaxTime(ts, &end));
  if (now < end && now - before < in->least_step)
    PetscCall(TSSetConvergedReason(ts, TS_DIVERGED_STEP_REJECTED));
  PetscFunctionReturn(0);
}

/* What is chosen unless options say otherwise: an explicit pair of orders 5 and 4; where a method is
 * implicit, Newton's with a dense factorisation. */
static PetscErrorCode choose(integration *in, const neurlp_petsc_tolerances *tolerances) {
  SNES snes;
  KSP ksp;
  PC pc;
  PetscFunctionBegin;
  PetscCall(TSSetType(in->ts, TSRK));
  PetscCall(TSRKSetType(in->ts, TSRK5DP));
  PetscCall(TSSetTolerances(in->ts, tolerances->absolute, NULL, tolerances->relative, NULL));
  PetscCall(TSSetMaxSteps(in->ts, MOST_STEPS));
  PetscCall(TSSetMaxStepRejections(in->ts, MOST_REJECTIONS));
  PetscCall(TSSetMaxSNESFailures(in->ts, -1));
  PetscCall(TSGetSNES(in->ts, &snes));
  PetscCall(SNESGetKSP(snes, &ksp));
  PetscCall(KSPSetType(ksp, KSPPREONLY));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCLU));
  PetscFunctionReturn(0);
}

/* A step whose change is a hundredth of the state; errors of the first one are controlled like others. */
static PetscErrorCode first_step(integration *in, const double *initial, const double *times) {
  const PetscInt n = in->flow->size;
  double state = 0, slope = 0;
  PetscBool given;
  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(NULL, "data_", "-ts_dt", &given));
  if (given) PetscFunctionReturn(0);
  in->flow->evaluate(in->flow->user, times[0], initial, in->room);
  for (PetscInt i = 0; i < n; i++) {
    state += initial[i] * initial[i];
    slope += in->room[i] * in->room[i];
  }
  const double interval = times[1] - times[0];
  const double step = state > 0 && slope > 0 ? 0.01 * sqrt(state / slope) : 1e-3 * interval;
  PetscCall(TSSetTimeStep(in->ts, fmax(fmin(step, interval), in->least_step)));
  PetscFunctionReturn(0);
}

static PetscErrorCode make(integration *in, const neurlp_petsc_tolerances *tolerances, const double *initial,
                           int64_t count, const double *times) {
  const PetscInt n = in->flow->size;
  PetscScalar *state;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)n * (size_t)n, &in->room));
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, n, &in->y));
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, n, n, NULL, &in->jacobian));
  PetscCall(VecGetArrayWrite(in->y, &state));
  memcpy(state, initial, (size_t)n * sizeof *state);
  PetscCall(VecRestoreArrayWrite(in->y, &state));
  PetscCall(TSCreate(PETSC_COMM_SELF, &in->ts));
  PetscCall(TSSetOptionsPrefix(in->ts, "data_"));
  PetscCall(TSSetApplicationContext(in->ts, in));
  PetscCall(TSSetProblemType(in->ts, TS_NONLINEAR));
  PetscCall(TSSetRHSFunction(in->ts, NULL, evaluate, in));
  PetscCall(TSSetRHSJacobian(in->ts, in->jacobian, in->jacobian, differentiate, in));
  PetscCall(choose(in, tolerances));
  PetscCall(TSSetFunctionDomainError(in->ts, is_in_domain));
  PetscCall(TSSetPostStep(in->ts, watch_step));
  PetscCall(first_step(in, initial, times));
  PetscCall(TSSetFromOptions(in->ts));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)in->ts, &in->subtracts, TSRK, TSARKIMEX, ""));
  PetscCall(
      TSSetTimeSpan(in->ts, (PetscInt)count, (PetscReal *)(uintptr_t)times)); /* which only reads them */
  PetscCall(TSSetExactFinalTime(in->ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSSetErrorIfStepFails(in->ts, PETSC_FALSE));
  PetscCall(TSSetSolution(in->ts, in->y));
  PetscCall(TSSetUp(in->ts));
  PetscFunctionReturn(0);
}

static void release(integration *in) {
  (void)TSDestroy(&in->ts);
  (void)VecDestroy(&in->y);
  (void)MatDestroy(&in->jacobian);
  (void)PetscFree(in->room);
}

/* Copies what was reached. */
static PetscErrorCode take(const integration *in, double *states, PetscInt *reached) {
  Vec *solutions;
  const PetscScalar *state;
  const PetscInt n = in->flow->size;
  PetscFunctionBegin;
#if PETSC_VERSION_LT(3, 23, 0)
  PetscCall(TSGetTimeSpanSolutions(in->ts, reached, &solutions));
#else
  PetscCall(TSGetEvaluationSolutions(in->ts, reached, NULL, &solutions));
#endif
  for (PetscInt i = 0; i < *reached; i++) {
    PetscCall(VecGetArrayRead(solutions[i], &state));
    memcpy(states + (int64_t)i * n, state, (size_t)n * sizeof *state);
    PetscCall(VecRestoreArrayRead(solutions[i], &state));
  }
  PetscFunctionReturn(0);
}

/* Errors that a solution can raise, as those of a set-up that is wrong cannot. */
static bool is_numerical(PetscErrorCode code) {
  return code == PETSC_ERR_FP || code == PETSC_ERR_NOT_CONVERGED || code == PETSC_ERR_CONV_FAILED ||
         code == PETSC_ERR_MAT_LU_ZRPVT;
}

static neurlp_status solve(integration *in, int64_t count, double *states, char *message) {
  PetscInt reached = 0;
  PetscErrorCode code = TSSolve(in->ts, NULL);
  if (code && !is_numerical(code)) return neurlp_session_status(code, "data.integrator: TS", message);
  code = take(in, states, &reached);
  if (code) return neurlp_session_status(code, "data.integrator: TS", message);
  for (int64_t i = (int64_t)reached * in->flow->size; i < count * in->flow->size; i++) states[i] = NAN;
  return reached == count ? NEURLP_SUCCESS : NEURLP_NOT_CONVERGED;
}

neurlp_status neurlp_petsc_integrate(const neurlp_petsc_flow *flow, const neurlp_petsc_tolerances *tolerances,
                                     const double *initial, int64_t count, const double *times,
                                     double *states, char *message) {
  integration in = {.flow = flow};
  in.least_step = 16 * DBL_EPSILON * fmax(fabs(times[0]), fabs(times[count - 1]));
  for (int64_t i = 0; i < count * flow->size; i++) states[i] = NAN;
  if (!all_bounded(flow->size, initial)) return NEURLP_NOT_CONVERGED;
  PetscErrorCode code = neurlp_session_listen();
  if (!code) code = make(&in, tolerances, initial, count, times);
  neurlp_status status = neurlp_session_status(code, "data.integrator: TS", message);
  if (status >= 0) status = solve(&in, count, states, message);
  release(&in);
  (void)neurlp_session_rest();
  return status;
}
