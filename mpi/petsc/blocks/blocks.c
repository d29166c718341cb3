#include "petsc/blocks/blocks.h"

#include <math.h>
#include <petsc/private/tsimpl.h>
#include <petscdm.h>

enum {
  DEFAULT_WINDOW = 8,
  DEFAULT_ORDER = 2,
  DEFAULT_ITERATIONS = 10,
  MOST_INTERVALS = 1000000,
  MOST_ORDER = 6
};

static const char *const known_options[] = {"ts_neurlp_window",     "ts_neurlp_order",
                                            "ts_neurlp_tolerance",  "ts_neurlp_iterations",
                                            "ts_neurlp_block_size", NULL};

static PetscErrorCode set_from_options(TS ts, neurlp_petsc_options PetscOptionsObject) {
  blocks *b = ts->data;
  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "NeuRLP: batches of small systems");
  PetscCall(PetscOptionsRangeInt("-ts_neurlp_window",
                                 "Intervals of a step, which all are solved at once; even", "docs/petsc.md",
                                 b->window, &b->window, NULL, 2, MOST_INTERVALS));
  PetscCall(PetscOptionsRangeInt("-ts_neurlp_order",
                                 "Highest derivative that is an unknown; even for stiff systems",
                                 "docs/petsc.md", b->order, &b->order, NULL, 1, MOST_ORDER));
  PetscCall(PetscOptionsReal("-ts_neurlp_tolerance",
                             "When an iteration has converged, in units of the error that "
                             "is tolerated",
                             "docs/petsc.md", b->tolerance, &b->tolerance, NULL));
  PetscCall(PetscOptionsRangeInt("-ts_neurlp_iterations",
                                 "Most iterations before a step is tried at a quarter", "docs/petsc.md",
                                 b->iterations, &b->iterations, NULL, 1, PETSC_MAX_INT));
  PetscCall(PetscOptionsRangeInt("-ts_neurlp_block_size",
                                 "Unknowns of a block (0: block size of the solution)", "docs/petsc.md",
                                 b->block_size, &b->block_size, NULL, 0, PETSC_MAX_INT));
  PetscOptionsHeadEnd();
  PetscCheck(b->window % 2 == 0, PetscObjectComm((PetscObject)ts), PETSC_ERR_ARG_OUTOFRANGE,
             "-ts_neurlp_window is %" PetscInt_FMT
             "; it must be even, because errors are estimated by half as many "
             "intervals",
             b->window);
  PetscCheck(b->tolerance > 0 && b->tolerance < 1, PetscObjectComm((PetscObject)ts), PETSC_ERR_ARG_OUTOFRANGE,
             "-ts_neurlp_tolerance is %g; it must be between 0 and 1", (double)b->tolerance);
  if (PetscOptionsObject->count == 1)
    PetscCall(neurlp_support_unknown_options((PetscObject)ts, "ts_neurlp_", known_options));
  PetscFunctionReturn(0);
}

/* What the program gives to TS: G of u_t = G(t, u), and maybe its Jacobian. */
static PetscErrorCode check_problem(TS ts) {
  blocks *b = ts->data;
  const MPI_Comm comm = PetscObjectComm((PetscObject)ts);
  DMTS problem;
  DM dm;
  PetscFunctionBegin;
  PetscCall(TSGetDM(ts, &dm));
  PetscCall(DMGetDMTS(dm, &problem));
  PetscCheck(
      !problem->ops->ifunction && !problem->ops->i2function, comm, PETSC_ERR_SUP,
      "TS type neurlp takes u_t = G(t, u) from TSSetRHSFunction(), and this program gives an implicit form, "
      "TSSetIFunction() or TSSetI2Function(), too; take another TS type, bdf or arkimex");
  PetscCheck(problem->ops->rhsfunction, comm, PETSC_ERR_ARG_WRONGSTATE,
             "TS type neurlp needs u_t = G(t, u); give it by TSSetRHSFunction()");
  b->differences = problem->ops->rhsjacobian ? PETSC_FALSE : PETSC_TRUE;
  b->apart = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* The matrix whose rows can be read: the Jacobian, or that which preconditions in its place. */
static PetscErrorCode find_matrix(TS ts) {
  blocks *b = ts->data;
  PetscBool readable = PETSC_FALSE;
  PetscInt rows, columns;
  PetscFunctionBegin;
  b->amat = ts->Arhs;
  b->pmat = ts->Brhs ? ts->Brhs : ts->Arhs;
  if (b->pmat) {
    PetscCall(PetscObjectReference((PetscObject)b->pmat));
  } else {
    DM dm;
    PetscCall(TSGetDM(ts, &dm));
    PetscCall(DMCreateMatrix(dm, &b->pmat));
  }
  if (!b->amat) b->amat = b->pmat;
  PetscCall(PetscObjectReference((PetscObject)b->amat));
  b->matrix = b->amat;
  PetscCall(MatHasOperation(b->matrix, MATOP_GET_ROW, &readable));
  if (!readable) {
    b->matrix = b->pmat;
    PetscCall(MatHasOperation(b->matrix, MATOP_GET_ROW, &readable));
  }
  PetscCheck(
      readable, PetscObjectComm((PetscObject)ts), PETSC_ERR_SUP,
      "TS type neurlp reads rows of the Jacobian, and neither of the program's two matrices has any; give "
      "TSSetRHSJacobian() an assembled one, of type aij or baij");
  PetscCall(MatGetLocalSize(b->matrix, &rows, &columns));
  PetscCheck(rows == b->count * b->fields, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "the Jacobian has %" PetscInt_FMT " rows on this rank, and the solution %" PetscInt_FMT
             " numbers",
             rows, b->count * b->fields);
  PetscFunctionReturn(0);
}

/* Memory for all blocks of this rank. */
static PetscErrorCode allocate(TS ts) {
  blocks *b = ts->data;
  const int64_t B = b->count, D = b->fields;
  const struct {
    void *pointer;
    int64_t count;
    size_t bytes;
  } arrays[] = {{&b->initial, B * D, sizeof *b->initial}, {&b->scale, B * D, sizeof *b->scale},
                {&b->weights, B * D, sizeof *b->weights}, {&b->ones, B * (b->window + 1), sizeof *b->ones},
                {&b->moving, B, sizeof *b->moving},       {&b->first_point, B, sizeof *b->first_point},
                {&b->status, B, sizeof *b->status}};
  PetscFunctionBegin;
  PetscCall(neurlp_support_context(PetscObjectComm((PetscObject)ts), &b->context));
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
    NEURLP_PETSC_CALL(PETSC_COMM_SELF, b->context,
                      neurlp_allocate(b->context, arrays[i].count, arrays[i].bytes, arrays[i].pointer));
  for (int64_t i = 0; i < B * (b->window + 1); i++) b->ones[i] = 1;
  PetscCall(neurlp_blocks_window_create(ts, b->window / 2, &b->coarse));
  PetscCall(neurlp_blocks_window_create(ts, b->window, &b->fine));
  PetscCall(VecDuplicate(ts->vec_sol, &b->start));
  PetscCall(VecDuplicate(ts->vec_sol, &b->point));
  PetscCall(VecDuplicate(ts->vec_sol, &b->slope));
  PetscCall(VecDuplicate(ts->vec_sol, &b->other));
  PetscFunctionReturn(0);
}

static PetscErrorCode set_up(TS ts) {
  blocks *b = ts->data;
  PetscFunctionBegin;
  PetscCall(check_problem(ts));
  PetscCall(neurlp_support_points(ts->vec_sol, b->block_size, "-ts_neurlp_block_size", &b->fields, &b->first,
                                  &b->count));
  if (!b->differences) PetscCall(find_matrix(ts));
  PetscCall(allocate(ts));
  PetscFunctionReturn(0);
}

static PetscErrorCode reset(TS ts) {
  blocks *b = ts->data;
  PetscFunctionBegin;
  PetscCall(neurlp_blocks_window_destroy(b, &b->coarse));
  PetscCall(neurlp_blocks_window_destroy(b, &b->fine));
  if (b->context) {
    void *arrays[] = {&b->initial, &b->scale, &b->weights, &b->ones, &b->moving, &b->first_point, &b->status};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) neurlp_release(b->context, arrays[i]);
  }
  neurlp_context_destroy(&b->context);
  PetscCall(MatDestroy(&b->amat));
  PetscCall(MatDestroy(&b->pmat));
  PetscCall(VecDestroy(&b->start));
  PetscCall(VecDestroy(&b->point));
  PetscCall(VecDestroy(&b->slope));
  PetscCall(VecDestroy(&b->other));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(TS ts) {
  PetscFunctionBegin;
  PetscCall(reset(ts));
  PetscCall(PetscFree(ts->data));
  PetscFunctionReturn(0);
}

static PetscErrorCode view(TS ts, PetscViewer viewer) {
  const blocks *b = ts->data;
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "    steps are windows of %" PetscInt_FMT
                                   " intervals, derivatives up to %" PetscInt_FMT
                                   " are unknowns, blocks of %" PetscInt_FMT "\n",
                                   b->window, b->order, b->fields));
  PetscFunctionReturn(0);
}

/* What is tolerated of each number at the window's start: atol + rtol |u|. */
static PetscErrorCode set_weights(TS ts) {
  blocks *b = ts->data;
  const PetscScalar *u, *atol = NULL, *rtol = NULL;
  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(b->start, &u));
  if (ts->vatol) PetscCall(VecGetArrayRead(ts->vatol, &atol));
  if (ts->vrtol) PetscCall(VecGetArrayRead(ts->vrtol, &rtol));
  for (int64_t i = 0; i < (int64_t)b->count * b->fields; i++) {
    const double weight = (atol ? atol[i] : ts->atol) + (rtol ? rtol[i] : ts->rtol) * fabs(u[i]);
    b->weights[i] = weight > 0 && isfinite(weight) ? weight : 1e-10;
  }
  if (ts->vrtol) PetscCall(VecRestoreArrayRead(ts->vrtol, &rtol));
  if (ts->vatol) PetscCall(VecRestoreArrayRead(ts->vatol, &atol));
  PetscCall(VecRestoreArrayRead(b->start, &u));
  PetscFunctionReturn(0);
}

/* The coarse window's first guess: the state at its start, everywhere. Its first iteration then solves the
 * equations that are linearised there. */
static PetscErrorCode guess_coarse(blocks *b) {
  const int64_t D = b->fields, width = b->order + 1, T = b->coarse.steps;
  const PetscScalar *u;
  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(b->start, &u));
  for (int64_t i = 0; i < b->count; i++)
    for (int64_t t = 0; t < T; t++)
      for (int64_t k = 0; k < D; k++) b->coarse.state[((i * T + t) * D + k) * width] = u[i * D + k];
  PetscCall(VecRestoreArrayRead(b->start, &u));
  PetscFunctionReturn(0);
}

/* Weights of the grid points `first` to first + count - 1 in the polynomial through them, at `place`.
 * Derivatives at grid points are known, too, but where an equation is stiff they magnify what is tolerated of
 * values. */
static void lagrange(double place, int64_t first, int64_t count, double *weights) {
  for (int64_t i = 0; i < count; i++) {
    weights[i] = 1;
    for (int64_t j = 0; j < count; j++)
      if (j != i) weights[i] *= (place - (double)(first + j)) / (double)(i - j);
  }
}

/* Puts the window's solution at `place`, in intervals from its beginning, into values with these strides for
 * blocks and components: by the d + 2 grid points around, which leave the order that the grid points have. */
static void take_between(const blocks *b, const block_window *window, double place, int64_t block_stride,
                         int64_t stride, double *values) {
  const int64_t D = b->fields, width = b->order + 1, T = window->steps;
  const int64_t count = b->order + 2 < T ? b->order + 2 : T, middle = (int64_t)floor(place) - count / 2 + 1;
  const int64_t first = middle < 0 ? 0 : middle > T - count ? T - count : middle;
  double weights[MOST_ORDER + 2];
  lagrange(place, first, count, weights);
  for (int64_t i = 0; i < b->count; i++)
    for (int64_t k = 0; k < D; k++) {
      const double *state = window->state + ((i * T + first) * D + k) * width;
      double value = 0;
      for (int64_t j = 0; j < count; j++) value += weights[j] * state[j * D * width];
      values[i * block_stride + k * stride] = value;
    }
}

/* The fine window's first guess: the coarse solution, and what is between its grid points. */
static void guess_fine(blocks *b) {
  const int64_t D = b->fields, width = b->order + 1, T = b->fine.steps;
  for (int64_t t = 0; t < T; t++)
    take_between(b, &b->coarse, (double)t / 2, T * D * width, width, b->fine.state + t * D * width);
}

/* The largest difference of the two solutions at the points that they share. The coarse one's error is at
 * least 2^p - 1 times that of the fine one, p = d + 1 (docs/math.md, section 1). */
static PetscErrorCode estimate_error(TS ts, NormType norm, PetscReal *error) {
  blocks *b = ts->data;
  PetscReal one, absolute, relative;
  PetscFunctionBegin;
  *error = 0;
  for (int32_t t = 1; t < b->coarse.steps; t++) {
    PetscCall(neurlp_blocks_get(b, &b->coarse, t, b->other));
    PetscCall(neurlp_blocks_get(b, &b->fine, 2 * t, b->point));
    PetscCall(TSErrorWeightedNorm(ts, b->point, b->other, norm, &one, &absolute, &relative));
    if (!(one <= *error)) *error = one;
  }
  *error /= pow(2, (double)b->order + 1) - 1;
  PetscFunctionReturn(0);
}

/* The order that step lengths are chosen by is that which is observed, d + 2; by a lower one they grow too
 * fast, and steps are rejected. */
static PetscErrorCode evaluate_wlte(TS ts, NormType norm, PetscInt *order, PetscReal *wlte) {
  const blocks *b = ts->data;
  PetscFunctionBegin;
  if (order) *order = b->order + 2;
  PetscCall(estimate_error(ts, norm, wlte));
  PetscFunctionReturn(0);
}

/* Solves the window that begins at ts->vec_sol, on both grids. */
static PetscErrorCode solve_window(TS ts, double length, PetscBool *solved) {
  blocks *b = ts->data;
  PetscFunctionBegin;
  PetscCall(guess_coarse(b));
  PetscCall(neurlp_blocks_window_solve(ts, &b->coarse, ts->ptime, length / (double)(b->window / 2), solved));
  if (!*solved) PetscFunctionReturn(0);
  guess_fine(b);
  PetscCall(neurlp_blocks_window_solve(ts, &b->fine, ts->ptime, length / (double)b->window, solved));
  PetscFunctionReturn(0);
}

/* Tries a window of the current time step. *accepted is false where ts->time_step has been made smaller. */
static PetscErrorCode try_step(TS ts, PetscBool *accepted) {
  blocks *b = ts->data;
  const double length = ts->time_step;
  PetscReal next = 0;
  PetscFunctionBegin;
  PetscCall(TSPreStage(ts, ts->ptime + length));
  PetscCall(solve_window(ts, length, accepted));
  if (!*accepted) {
    ts->time_step = ts->adapt->scale_solve_failed * length;
    PetscFunctionReturn(0);
  }
  PetscCall(neurlp_blocks_get(b, &b->fine, b->fine.steps - 1, ts->vec_sol));
  PetscCall(TSPostStage(ts, ts->ptime + length, 0, &ts->vec_sol));
  PetscCall(TSAdaptCheckStage(ts->adapt, ts, ts->ptime + length, ts->vec_sol, accepted));
  if (!*accepted) PetscFunctionReturn(0);
  PetscCall(TSAdaptCandidatesClear(ts->adapt));
  PetscCall(TSAdaptCandidateAdd(ts->adapt, "neurlp", b->order + 2, 1, 1, 1, PETSC_TRUE));
  PetscCall(TSAdaptChoose(ts->adapt, ts, ts->time_step, NULL, &next, accepted));
  if (*accepted) {
    b->time = ts->ptime;
    b->length = length;
    ts->ptime += length;
  }
  ts->time_step = next;
  PetscFunctionReturn(0);
}

static PetscErrorCode step(TS ts) {
  blocks *b = ts->data;
  PetscBool accepted = PETSC_FALSE;
  PetscFunctionBegin;
  PetscCall(VecCopy(ts->vec_sol, b->start));
  PetscCall(set_weights(ts));
  if (b->differences && !b->apart) PetscCall(neurlp_blocks_check_apart(ts));
  b->apart = PETSC_TRUE;
  for (PetscInt rejected = 0; !accepted && !ts->reason; rejected++) {
    if (rejected > 0) {
      ts->reject++;
      PetscCall(VecCopy(b->start, ts->vec_sol));
    }
    if (ts->max_reject >= 0 && rejected > ts->max_reject) {
      ts->reason = TS_DIVERGED_STEP_REJECTED;
      PetscCall(
          PetscInfo(ts, "Step=%" PetscInt_FMT ", rejected %" PetscInt_FMT " times\n", ts->steps, rejected));
      break;
    }
    PetscCall(try_step(ts, &accepted));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode roll_back(TS ts) {
  const blocks *b = ts->data;
  PetscFunctionBegin;
  PetscCall(VecCopy(b->start, ts->vec_sol));
  PetscFunctionReturn(0);
}

/* The solution inside the last window: between its grid points by polynomials that have what is known there.
 */
static PetscErrorCode interpolate(TS ts, PetscReal time, Vec solution) {
  const blocks *b = ts->data;
  PetscScalar *values;
  PetscFunctionBegin;
  PetscCheck(b->length != 0, PetscObjectComm((PetscObject)ts), PETSC_ERR_ARG_WRONGSTATE,
             "there is nothing to interpolate before the first step");
  PetscCall(VecGetArrayWrite(solution, &values));
  take_between(b, &b->fine, (time - b->time) / b->length * (double)b->window, b->fields, 1, values);
  PetscCall(VecRestoreArrayWrite(solution, &values));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_blocks_create(TS ts) {
  blocks *b;
  PetscFunctionBegin;
  PetscCall(PetscNew(&b));
  b->window = DEFAULT_WINDOW;
  b->order = DEFAULT_ORDER;
  b->iterations = DEFAULT_ITERATIONS;
  b->tolerance = 0.3;
  ts->data = b;
  ts->usessnes = PETSC_FALSE;
  ts->default_adapt_type = TSADAPTBASIC;
  ts->ops->setfromoptions = set_from_options;
  ts->ops->setup = set_up;
  ts->ops->reset = reset;
  ts->ops->destroy = destroy;
  ts->ops->view = view;
  ts->ops->step = step;
  ts->ops->rollback = roll_back;
  ts->ops->interpolate = interpolate;
  ts->ops->evaluatewlte = evaluate_wlte;
  PetscFunctionReturn(0);
}
