#include "batch_case.h"

#include <string.h>

static PetscErrorCode Int(const char name[], int32_t *number) {
  PetscInt value = *number;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetInt(NULL, NULL, name, &value, NULL));
  *number = (int32_t)value;
  PetscFunctionReturn(0);
}

static PetscErrorCode Sharing(const char name[], neurlp_sharing *sharing) {
  int32_t value = NEURLP_VARYING;
  PetscFunctionBeginUser;
  PetscCall(Int(name, &value));
  *sharing = (neurlp_sharing)value;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadShape(neurlp_shape *z) {
  PetscInt initial[2] = {1, 1}, two = 2;
  PetscBool apart = PETSC_FALSE;
  PetscFunctionBeginUser;
  *z = (neurlp_shape){.steps = 9, .dimensions = 2, .order = 2, .equations = 2, .columns = 1};
  PetscCall(Int("-steps", &z->steps));
  PetscCall(Int("-dimensions", &z->dimensions));
  PetscCall(Int("-order", &z->order));
  PetscCall(Int("-equations", &z->equations));
  PetscCall(Int("-columns", &z->columns));
  PetscCall(Int("-final", &z->final_derivatives));
  PetscCall(PetscOptionsGetIntArray(NULL, NULL, "-initial", initial, &two, NULL));
  z->initial_steps = (int32_t)initial[0];
  z->initial_derivatives = (int32_t)initial[1];
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-per_dimension", &apart, NULL));
  z->steps_per_dimension = apart == PETSC_TRUE;
  PetscCall(Sharing("-share_coefficients", &z->coefficients_sharing));
  PetscCall(Sharing("-share_steps", &z->steps_sharing));
  PetscCall(Sharing("-share_rhs", &z->rhs_sharing));
  PetscCall(Sharing("-share_values", &z->values_sharing));
  PetscFunctionReturn(0);
}

/* The formulation that the options of the batch name, with what they cannot say. */
static PetscErrorCode ReadFormulation(neurlp_petsc_batch *batch, const char prefix[]) {
  char name[32] = "hermite";
  PetscBool periodic = PETSC_FALSE, central = PETSC_FALSE, linear = PETSC_TRUE;
  neurlp_formulation f;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-formulation", name, sizeof(name), NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-periodic", &periodic, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-central", &central, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-linear", &linear, NULL));
  PetscCall(neurlp_petsc_formulation(name, &f));
  f.nominal_step = 0.1;
  if (periodic) f.periodic = true;
  if (central) f.central = true;
  if (!linear) f.alpha = 0;
  PetscCall(neurlp_petsc_batch_set_formulation(batch, &f));
  PetscCall(PetscObjectSetOptionsPrefix((PetscObject)batch, prefix));
  PetscCall(neurlp_petsc_batch_set_from_options(batch));
  PetscFunctionReturn(0);
}

PetscErrorCode CaseCreate(batch_case *c, const char prefix[]) {
  PetscInt local = PETSC_DECIDE;
  PetscBool ragged = PETSC_FALSE;
  PetscFunctionBeginUser;
  *c = (batch_case){.systems = 7, .broken = -1};
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-systems", &c->systems, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-broken", &c->broken, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-ragged", &ragged, NULL));
  PetscCall(PetscSplitOwnership(PETSC_COMM_WORLD, &local, &c->systems));
  PetscCallMPI(MPI_Scan(&local, &c->first, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD));
  c->first -= local;
  PetscCall(ReadShape(&c->shape));
  c->shape.systems = local;
  PetscCall(neurlp_petsc_batch_create(PETSC_COMM_WORLD, &c->batch));
  PetscCall(neurlp_petsc_batch_set_shape(c->batch, &c->shape));
  PetscCall(ReadFormulation(c->batch, prefix));
  if (ragged) {
    int32_t *lengths;
    PetscCall(PetscMalloc1(local, &lengths));
    for (PetscInt s = 0; s < local; s++) lengths[s] = c->shape.steps - (int32_t)((c->first + s) % 3);
    PetscCall(neurlp_petsc_batch_set_lengths(c->batch, lengths));
    PetscCall(PetscFree(lengths));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode CaseDestroy(batch_case *c) {
  PetscFunctionBeginUser;
  PetscCall(neurlp_petsc_batch_destroy(&c->batch));
  PetscCall(neurlp_petsc_batch_destroy(&c->batch)); /* twice is safe */
  PetscFunctionReturn(0);
}

PetscErrorCode CaseCreateArrays(const batch_case *c, neurlp_petsc_arrays *arrays) {
  PetscFunctionBeginUser;
  for (int i = 0; i < 5; i++)
    PetscCall(neurlp_petsc_batch_create_vec(c->batch, (neurlp_petsc_array)i, CaseVec(arrays, i)));
  PetscFunctionReturn(0);
}

PetscErrorCode CaseDestroyArrays(neurlp_petsc_arrays *arrays) {
  PetscFunctionBeginUser;
  for (int i = 0; i < 5; i++) PetscCall(VecDestroy(CaseVec(arrays, i)));
  PetscFunctionReturn(0);
}

PetscReal CaseNumber(PetscInt salt, PetscInt i) {
  uint64_t x = (uint64_t)salt * 1000003 + (uint64_t)i + 1;
  x *= 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return (PetscReal)(x >> 11) * 0x1p-52 - 1;
}

PetscErrorCode CaseFillVec(PetscInt salt, Vec v) {
  PetscInt first, last;
  PetscScalar *numbers;
  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(v, &first, &last));
  PetscCall(VecGetArrayWrite(v, &numbers));
  for (PetscInt i = first; i < last; i++) numbers[i - first] = CaseNumber(salt, i);
  PetscCall(VecRestoreArrayWrite(v, &numbers));
  PetscFunctionReturn(0);
}

/* Coefficients: u_e' is the leading term of equation e. Steps: around 0.1. */
static PetscErrorCode MakeSolvable(const batch_case *c, neurlp_petsc_arrays *arrays) {
  const PetscInt width = c->shape.order + 1, n = c->shape.dimensions * width;
  const PetscInt in_step = c->shape.equations * n;
  PetscInt first, last, all;
  PetscScalar *numbers;
  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(arrays->coefficients, &first, &last));
  PetscCall(VecGetArray(arrays->coefficients, &numbers));
  for (PetscInt i = first; i < last; i++) {
    const PetscInt e = i % in_step / n, place = i % n;
    numbers[i - first] = place == e * width + 1 ? 1 : 0.3 * numbers[i - first];
  }
  PetscCall(VecRestoreArray(arrays->coefficients, &numbers));
  PetscCall(VecGetSize(arrays->steps, &all));
  PetscCall(VecGetOwnershipRange(arrays->steps, &first, &last));
  PetscCall(VecGetArray(arrays->steps, &numbers));
  for (PetscInt i = first; i < last; i++) {
    numbers[i - first] = 0.1 * (1 + 0.3 * numbers[i - first]);
    if (c->broken >= 0 && i == c->broken * (all / c->systems)) numbers[i - first] *= -1;
  }
  PetscCall(VecRestoreArray(arrays->steps, &numbers));
  PetscFunctionReturn(0);
}

PetscErrorCode CaseFill(const batch_case *c, PetscInt salt, neurlp_petsc_arrays *arrays) {
  PetscFunctionBeginUser;
  for (int i = 0; i < 5; i++) PetscCall(CaseFillVec(salt + i, *CaseVec(arrays, i)));
  if (salt == 0) PetscCall(MakeSolvable(c, arrays));
  PetscFunctionReturn(0);
}

PetscErrorCode CaseForEach(PetscErrorCode (*run)(void)) {
  char path[PETSC_MAX_PATH_LEN], line[1024];
  PetscBool cases;
  FILE *file;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-cases", path, sizeof(path), &cases));
  if (!cases) {
    PetscCall(run());
    PetscFunctionReturn(0);
  }
  file = fopen(path, "r");
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", path);
  while (fgets(line, sizeof(line), file)) {
    line[strcspn(line, "\n")] = '\0';
    PetscCall(PetscOptionsClear(NULL));
    PetscCall(PetscOptionsInsertString(NULL, line));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "# %s\n", line));
    PetscCall(run());
  }
  fclose(file);
  PetscFunctionReturn(0);
}

PetscErrorCode CaseSay(const char name[], PetscReal value) {
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "= %s %.17g\n", name, (double)value));
  PetscFunctionReturn(0);
}

PetscErrorCode CaseDifference(Vec a, Vec b, PetscReal *difference) {
  PetscReal size;
  Vec d;
  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(a, &d));
  PetscCall(VecWAXPY(d, -1, a, b));
  PetscCall(VecNorm(d, NORM_INFINITY, difference));
  PetscCall(VecNorm(a, NORM_INFINITY, &size));
  if (size > 0) *difference /= size;
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(0);
}
