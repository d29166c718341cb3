/* Learned equations as callbacks of TS: f and its Jacobian at all points of a Vec. */
#include "petsc/neurlp_petsc.h"
#include "petsc/support.h"

#include "block/nonlinear/equations.h"
#include "comm.h"
#include "deck/deck_names.h"
#include "learn/model.h"
#include "study/learned.h"

#include <math.h>
#include <petscdmda.h>
#include <string.h>

/* Points that are evaluated in one go, where they share their parameters; room for an equation. */
enum { CHUNK = 512, TEXT_BYTES = 4096 };

struct neurlp_petsc_dynamics {
  MPI_Comm comm;
  neurlp_context *context;
  PetscInt fields;             /* D */
  int64_t rows;                /* 1: all points have the same equations */
  neurlp_equations *equations; /* rows = 1: with their numbers written out, terms that are 0 left out */
  neurlp_model *own;           /* rows > 1: with parameters */
  const neurlp_model *model;   /* that of one of them */
  double *theta;               /* [rows][P] of `own` */
  char **names, **texts;       /* [D] */
  char **known; /* [D] what is known beforehand, of the whole equations; "0" where nothing is */
  void *workspace;
  double *times; /* [CHUNK] */
};

/* All points share their equations: these as text, in which there is only what has been found. */
static neurlp_status share(neurlp_petsc_dynamics *d, const neurlp_learned *learned) {
  const neurlp_equations_spec spec = {.dimensions = learned->dimensions,
                                      .leading_derivative = learned->order,
                                      .states = (const char *const *)learned->names,
                                      .right_sides = (const char *const *)learned->equations};
  const neurlp_status status = neurlp_equations_create(d->context, &spec, &d->equations);
  if (status >= 0) d->model = d->equations->model;
  return status;
}

/* Names and texts of all equations. */
static neurlp_status write_texts(neurlp_petsc_dynamics *d, const neurlp_learned *learned) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(d->context, d->fields, sizeof *d->names, &d->names));
  NEURLP_TRY(neurlp_allocate(d->context, d->fields, sizeof *d->texts, &d->texts));
  NEURLP_TRY(neurlp_allocate(d->context, d->fields, sizeof *d->known, &d->known));
  for (PetscInt k = 0; k < d->fields; k++) {
    NEURLP_TRY(neurlp_copy_text(d->context, learned->names[k], &d->names[k]));
    NEURLP_TRY(neurlp_allocate(d->context, TEXT_BYTES, 1, &d->texts[k]));
    NEURLP_TRY(neurlp_allocate(d->context, TEXT_BYTES, 1, &d->known[k]));
    neurlp_model_print(d->own, (int32_t)k, d->theta, 6, d->texts[k], TEXT_BYTES);
    if (neurlp_model_print_declared(d->own, (int32_t)k, d->known[k], TEXT_BYTES) == 0) d->known[k][0] = '0';
  }
done:
  return status;
}

/* Reads the result; a message of the context says what is wrong with it. */
static neurlp_status read_result(neurlp_petsc_dynamics *d, const char *path, neurlp_learned_part part) {
  neurlp_learned learned = {0};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_learned_read_all(d->context, path, part, &d->own, &d->rows, &d->theta));
  d->model = d->own;
  d->fields = d->own->dimensions;
  if (d->own->order != 1) {
    status = neurlp_fail(d->context, NEURLP_ERROR_DATA,
                         "%s: its equations are of order %d; TS takes equations of first order", path,
                         d->own->order);
    goto done;
  }
  for (int64_t i = 0; i < d->rows * d->own->parameters; i++)
    if (!isfinite(d->theta[i])) {
      status = neurlp_fail(
          d->context, NEURLP_ERROR_DATA,
          "%s: system %lld was not estimated, so its point has no equations; learn equations that "
          "systems share",
          path, (long long)(i / d->own->parameters));
      goto done;
    }
  NEURLP_TRY(neurlp_learned_read(d->context, path, part, 0, &learned));
  NEURLP_TRY(write_texts(d, &learned));
  if (d->rows == 1) NEURLP_TRY(share(d, &learned));
  const size_t bytes = neurlp_model_workspace_bytes(d->model, CHUNK);
  NEURLP_TRY(neurlp_allocate(d->context, (int64_t)bytes, 1, &d->workspace));
  status = neurlp_allocate(d->context, CHUNK, sizeof *d->times, &d->times);
done:
  neurlp_learned_release(d->context, &learned);
  return status;
}

static PetscErrorCode open_part(MPI_Comm comm, const char path[], neurlp_learned_part part,
                                neurlp_petsc_dynamics **dynamics) {
  neurlp_petsc_dynamics *d;
  PetscFunctionBegin;
  *dynamics = NULL;
  PetscCall(neurlp_support_check_petsc());
  PetscCall(PetscNew(&d));
  d->comm = comm;
  PetscCall(neurlp_support_context(comm, &d->context));
  const neurlp_status status = neurlp_agree(comm, d->context, read_result(d, path, part));
  *dynamics = d;
  if (status < 0) { /* a program may go on after this: nothing is left of it */
    char why[TEXT_BYTES];
    PetscCall(PetscStrncpy(why, neurlp_context_message(d->context), sizeof why));
    PetscCall(neurlp_petsc_dynamics_destroy(dynamics));
    SETERRQ(comm, neurlp_support_code(status), "%s", why);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_dynamics_open(MPI_Comm comm, const char path[],
                                          neurlp_petsc_dynamics **dynamics) {
  PetscFunctionBegin;
  PetscCall(open_part(comm, path, NEURLP_LEARNED_WHOLE, dynamics));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_dynamics_open_learned(MPI_Comm comm, const char path[],
                                                  neurlp_petsc_dynamics **dynamics) {
  PetscFunctionBegin;
  PetscCall(open_part(comm, path, NEURLP_LEARNED_ALONE, dynamics));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_dynamics_destroy(neurlp_petsc_dynamics **dynamics) {
  PetscFunctionBegin;
  if (!dynamics || !*dynamics) PetscFunctionReturn(0);
  neurlp_petsc_dynamics *d = *dynamics;
  char ***lists[] = {&d->names, &d->texts, &d->known};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    for (PetscInt k = 0; *lists[i] && k < d->fields; k++) neurlp_release(d->context, &(*lists[i])[k]);
    neurlp_release(d->context, lists[i]);
  }
  neurlp_equations_destroy(&d->equations);
  neurlp_model_destroy(&d->own);
  neurlp_release(d->context, &d->theta);
  neurlp_release(d->context, &d->workspace);
  neurlp_release(d->context, &d->times);
  neurlp_context_destroy(&d->context);
  PetscCall(PetscFree(*dynamics));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_dynamics_sizes(const neurlp_petsc_dynamics *dynamics, PetscInt *fields,
                                           PetscInt *rows) {
  PetscFunctionBegin;
  if (fields) *fields = dynamics->fields;
  if (rows) PetscCall(PetscIntCast(dynamics->rows, rows));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_equation(const neurlp_petsc_dynamics *dynamics, PetscInt k) {
  PetscFunctionBegin;
  PetscCheck(k >= 0 && k < dynamics->fields, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "there is no equation %" PetscInt_FMT "; there are 0 to %" PetscInt_FMT, k,
             dynamics->fields - 1);
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_dynamics_equation(const neurlp_petsc_dynamics *dynamics, PetscInt k,
                                              const char **text) {
  PetscFunctionBegin;
  PetscCall(check_equation(dynamics, k));
  *text = dynamics->texts[k];
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_dynamics_known(const neurlp_petsc_dynamics *dynamics, PetscInt k,
                                           const char **text) {
  PetscFunctionBegin;
  PetscCall(check_equation(dynamics, k));
  *text = dynamics->known[k];
  PetscFunctionReturn(0);
}

/* ---- points ------------------------------------------------------------------------------------------ */

/* This rank's points: local point i is point `first + i` of all or, on a DMDA, of a box. */
typedef struct point_range {
  PetscInt first, count;
  DMDALocalInfo box;
  PetscBool grid;
} point_range;

/* Whether the fields of a DMDA are the states, by name where it has names. */
static PetscErrorCode check_names(const neurlp_petsc_dynamics *d, DM dm) {
  const char *name;
  PetscFunctionBegin;
  for (PetscInt k = 0; k < d->fields; k++) {
    PetscCall(DMDAGetFieldName(dm, k, &name));
    PetscCheck(!name || !neurlp_name_is_symbol(name) || strcmp(name, d->names[k]) == 0, d->comm,
               PETSC_ERR_ARG_INCOMP,
               "field %" PetscInt_FMT " of the DMDA is '%s', and state %" PetscInt_FMT
               " of the learned equations '%s'",
               k, name, k, d->names[k]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode find_points(const neurlp_petsc_dynamics *d, DM dm, Vec u, point_range *range) {
  PetscInt fields, size;
  PetscFunctionBegin;
  *range = (point_range){0};
  if (dm) PetscCall(PetscObjectTypeCompare((PetscObject)dm, DMDA, &range->grid));
  if (range->grid) {
    PetscCall(DMDAGetLocalInfo(dm, &range->box));
    PetscCheck(range->box.dof == d->fields, d->comm, PETSC_ERR_ARG_SIZ,
               "the DMDA has %" PetscInt_FMT " fields, and the learned equations %" PetscInt_FMT " states",
               range->box.dof, d->fields);
    PetscCall(check_names(d, dm));
  }
  PetscCall(neurlp_support_points(u, d->fields, "a result with as many states", &fields, &range->first,
                                  &range->count));
  PetscCall(VecGetSize(u, &size));
  PetscCheck(d->rows == 1 || d->rows == size / fields, d->comm, PETSC_ERR_ARG_SIZ,
             "the result has equations for %lld systems, and there are %" PetscInt_FMT " points",
             (long long)d->rows, size / fields);
  PetscFunctionReturn(0);
}

/* Which row of estimates belongs to local point i. */
static int64_t row_of(const neurlp_petsc_dynamics *d, const point_range *range, PetscInt i) {
  const DMDALocalInfo *box = &range->box;
  if (d->rows == 1) return 0;
  if (!range->grid) return range->first + i;
  const int64_t x = box->xs + i % box->xm, y = box->ys + i / box->xm % box->ym,
                z = box->zs + i / box->xm / box->ym;
  return x + box->mx * (y + (int64_t)box->my * z);
}

/* Evaluates `count` points from local point i on: as many as share their parameters, at most CHUNK. */
static PetscInt evaluate(const neurlp_petsc_dynamics *d, const point_range *range, double t,
                         const PetscScalar *u, PetscInt i, neurlp_model_values *values) {
  const PetscInt most = d->rows == 1 ? CHUNK : 1, left = range->count - i, count = left < most ? left : most;
  const neurlp_points points = {
      .count = count, .states = u + (int64_t)i * d->fields, .stride = 1, .times = d->times};
  for (PetscInt p = 0; p < count; p++) d->times[p] = t;
  neurlp_model_evaluate(d->model, &points,
                        d->rows == 1 ? d->times : d->theta + row_of(d, range, i) * d->model->parameters,
                        false, d->workspace, values);
  return count;
}

PetscErrorCode neurlp_petsc_dynamics_function(neurlp_petsc_dynamics *dynamics, DM dm, PetscReal t, Vec u,
                                              PetscReal factor, InsertMode mode, Vec f) {
  const neurlp_petsc_dynamics *d = dynamics;
  const PetscInt D = d->fields;
  const PetscScalar *state;
  PetscScalar *flow;
  point_range range;
  PetscFunctionBegin;
  PetscCall(find_points(d, dm, u, &range));
  PetscCall(VecGetArrayRead(u, &state));
  PetscCall(VecGetArray(f, &flow));
  for (PetscInt i = 0, count = 0; i < range.count; i += count) {
    neurlp_model_values values;
    count = evaluate(d, &range, t, state, i, &values);
    for (int64_t p = 0; p < count; p++)
      for (int64_t k = 0; k < D; k++) {
        PetscScalar *entry = &flow[(i + p) * D + k];
        *entry = (mode == ADD_VALUES ? *entry : 0) + factor * values.flow[k * count + p];
      }
  }
  PetscCall(VecRestoreArray(f, &flow));
  PetscCall(VecRestoreArrayRead(u, &state));
  PetscFunctionReturn(0);
}

/* The blocks of `count` points from `row` on. */
static PetscErrorCode set_blocks(PetscInt D, PetscInt row, PetscInt count, const double *jacobian,
                                 PetscReal factor, InsertMode mode, PetscInt *indices, PetscScalar *block,
                                 Mat matrix) {
  PetscFunctionBegin;
  for (PetscInt p = 0; p < count; p++) {
    for (PetscInt k = 0; k < D; k++) indices[k] = row + p * D + k;
    for (int64_t e = 0; e < (int64_t)D * D; e++) block[e] = factor * jacobian[e * count + p];
    PetscCall(MatSetValues(matrix, D, indices, D, indices, block, mode));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_dynamics_jacobian(neurlp_petsc_dynamics *dynamics, DM dm, PetscReal t, Vec u,
                                              PetscReal factor, InsertMode mode, Mat matrix) {
  const neurlp_petsc_dynamics *d = dynamics;
  const PetscInt D = d->fields;
  const PetscScalar *state;
  PetscScalar *block;
  PetscInt *indices;
  point_range range;
  PetscFunctionBegin;
  PetscCall(find_points(d, dm, u, &range));
  PetscCall(PetscMalloc2((size_t)D, &indices, (size_t)D * (size_t)D, &block));
  PetscCall(VecGetArrayRead(u, &state));
  for (PetscInt i = 0, count = 0; i < range.count; i += count) {
    neurlp_model_values values;
    count = evaluate(d, &range, t, state, i, &values);
    PetscCall(
        set_blocks(D, (range.first + i) * D, count, values.jacobian, factor, mode, indices, block, matrix));
  }
  PetscCall(VecRestoreArrayRead(u, &state));
  PetscCall(PetscFree2(indices, block));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_dynamics_matrix(const neurlp_petsc_dynamics *dynamics, Vec u, Mat *matrix) {
  const PetscInt D = dynamics->fields;
  PetscInt local, global;
  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(u, &local));
  PetscCall(VecGetSize(u, &global));
  PetscCheck(global % D == 0, dynamics->comm, PETSC_ERR_ARG_SIZ,
             "a vector of %" PetscInt_FMT " numbers has no whole number of points with %" PetscInt_FMT
             " states",
             global, D);
  PetscCall(
      MatCreateAIJ(PetscObjectComm((PetscObject)u), local, local, global, global, D, NULL, 0, NULL, matrix));
  PetscCall(MatSetBlockSize(*matrix, D));
  PetscFunctionReturn(0);
}

/* ---- callbacks of TS --------------------------------------------------------------------------------- */

PetscErrorCode neurlp_petsc_rhs_function(TS ts, PetscReal t, Vec u, Vec f, void *dynamics) {
  DM dm;
  PetscFunctionBegin;
  PetscCall(TSGetDM(ts, &dm));
  PetscCall(neurlp_petsc_dynamics_function(dynamics, dm, t, u, 1, INSERT_VALUES, f));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_rhs_jacobian(TS ts, PetscReal t, Vec u, Mat a, Mat b, void *dynamics) {
  DM dm;
  PetscFunctionBegin;
  PetscCall(TSGetDM(ts, &dm));
  PetscCall(MatZeroEntries(b));
  PetscCall(neurlp_petsc_dynamics_jacobian(dynamics, dm, t, u, 1, INSERT_VALUES, b));
  PetscCall(MatAssemblyBegin(b, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(b, MAT_FINAL_ASSEMBLY));
  if (a == b) PetscFunctionReturn(0);
  PetscCall(MatAssemblyBegin(a, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(a, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}
