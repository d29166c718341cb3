/* What the implicit part of a simulation's equations adds to u', diffusion for example, as the program itself
 * computes it: with its own operator and boundaries, of which nothing has to be known here. */
#include "petsc/recorder/recorder.h"

#include <petsc/private/tsimpl.h>

/* Rounding errors that adding u_t to f(t, u) may leave, relative to the larger of the two. */
static const double ROUNDING = 1e-12;

PetscErrorCode neurlp_recorder_implicit_compute(TS ts, double time, Vec solution,
                                                recorder_implicit *implicit) {
  PetscFunctionBegin;
  PetscCall(TSComputeIFunction(ts, time, solution, implicit->rest, implicit->term, PETSC_TRUE));
  PetscCall(VecScale(implicit->term, -1));
  PetscFunctionReturn(0);
}

/* Whether F(t, u, v) - F(t, u, 0) = v, for v = u + 1. */
static PetscErrorCode check_form(TS ts, double time, Vec solution, recorder_implicit *implicit,
                                 const char *prefix) {
  Vec slope, sum;
  PetscReal size, other, difference;
  PetscFunctionBegin;
  PetscCall(VecDuplicate(solution, &slope));
  PetscCall(VecDuplicate(solution, &sum));
  PetscCall(VecCopy(solution, slope));
  PetscCall(VecShift(slope, 1));
  PetscCall(TSComputeIFunction(ts, time, solution, slope, sum, PETSC_TRUE));
  PetscCall(neurlp_recorder_implicit_compute(ts, time, solution, implicit));
  PetscCall(VecNorm(slope, NORM_INFINITY, &size));
  PetscCall(VecNorm(implicit->term, NORM_INFINITY, &other));
  PetscCall(VecAXPBYPCZ(sum, 1, -1, 1, implicit->term, slope));
  PetscCall(VecNorm(sum, NORM_INFINITY, &difference));
  PetscCall(VecDestroy(&slope));
  PetscCall(VecDestroy(&sum));
  PetscCheck(
      difference <= ROUNDING * (size + other), PetscObjectComm((PetscObject)ts), PETSC_ERR_SUP,
      "-%sts_trajectory_neurlp_implicit is for an implicit function F = u_t - f(t, u), and that of this "
      "program changes by something else than u_t (by %g more) when u_t does: it has a mass matrix, or the "
      "equations are algebraic",
      prefix, (double)difference);
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_recorder_implicit_create(TS ts, double time, Vec solution, const char *prefix,
                                               recorder_implicit *implicit) {
  DM dm;
  DMTS problem;
  PetscFunctionBegin;
  PetscCall(TSGetDM(ts, &dm));
  PetscCall(DMGetDMTS(dm, &problem));
  PetscCheck(
      problem->ops->ifunction, PetscObjectComm((PetscObject)ts), PETSC_ERR_ARG_WRONGSTATE,
      "-%sts_trajectory_neurlp_implicit: this program gives TS no implicit function (TSSetIFunction()), so "
      "there is nothing to record of it",
      prefix);
  PetscCall(VecDuplicate(solution, &implicit->rest));
  PetscCall(VecDuplicate(solution, &implicit->term));
  PetscCall(VecZeroEntries(implicit->rest));
  PetscCall(check_form(ts, time, solution, implicit, prefix));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_recorder_implicit_destroy(recorder_implicit *implicit) {
  PetscFunctionBegin;
  PetscCall(VecDestroy(&implicit->rest));
  PetscCall(VecDestroy(&implicit->term));
  PetscFunctionReturn(0);
}
