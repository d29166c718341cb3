/* Solve, adjoint and tangent of batches over Vecs, of batch_case.h's options. Prints what the script compares
 * with bounds:
 *   copies       events NeuRLPCopy; -uneven divides all Vecs otherwise than the systems are
 *   bytes        asked of malloc by this rank's batch, from its creation to its last call, the most of any
 * rank input_bytes  of the smallest input that has a number for each system and step, on the rank with the
 * fewest dots         <g, L d> and <L^T g, d> apart, over the larger one failed       systems and writes
 * solution, gradients and tangent to -out <file>. */
#include "batch_case.h"

#include <petscdmda.h>
#include <stdlib.h>
#include <string.h>

/* ---- what malloc is asked for ------------------------------------------------------------------------- */

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

static PetscBool counting;
static size_t asked;

/* The C library's own are taken by these, in all libraries of this program. */
void *malloc(size_t bytes) {
  if (counting) asked += bytes;
  return __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
  if (counting) asked += count * bytes;
  return __libc_calloc(count, bytes);
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  if (counting) asked += bytes;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void **pointer, size_t alignment, size_t bytes) {
  if (counting) asked += bytes;
  *pointer = __libc_memalign(alignment, bytes);
  return *pointer ? 0 : 12;
}

/* ---- the calls ---------------------------------------------------------------------------------------- */

/* A Vec of the same numbers, most of them on the last rank. */
static PetscErrorCode Uneven(Vec *v) {
  PetscMPIInt rank, size;
  PetscInt all, local, first, last;
  IS whole;
  VecScatter scatter;
  Vec other;
  PetscFunctionBeginUser;
  if (!*v) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(VecGetSize(*v, &all));
  local = rank + 1 < size ? PetscMin(1, all / size) : all - (size - 1) * PetscMin(1, all / size);
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, local, all, &other));
  PetscCall(VecGetOwnershipRange(other, &first, &last));
  PetscCall(ISCreateStride(PETSC_COMM_WORLD, last - first, first, 1, &whole));
  PetscCall(VecScatterCreate(*v, whole, other, whole, &scatter));
  PetscCall(VecScatterBegin(scatter, *v, other, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, *v, other, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(ISDestroy(&whole));
  PetscCall(VecDestroy(v));
  *v = other;
  PetscFunctionReturn(0);
}

/* Puts the initial values into a Vec of a DMDA whose points are systems. */
static PetscErrorCode UseGrid(const batch_case *c, Vec *values) {
  Vec grid;
  DM dm;
  PetscFunctionBeginUser;
  PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, c->systems, c->shape.dimensions, 1, NULL, &dm));
  PetscCall(DMSetUp(dm));
  PetscCall(DMCreateGlobalVector(dm, &grid));
  PetscCall(VecCopy(*values, grid));
  PetscCall(VecDestroy(values));
  PetscCall(DMDestroy(&dm));
  *values = grid;
  PetscFunctionReturn(0);
}

/* What a call takes and gives. */
typedef struct data {
  neurlp_petsc_arrays inputs, gradients, direction;
  Vec solution, grad_output, tangent;
} data;

static PetscErrorCode Prepare(const batch_case *c, data *d) {
  PetscBool uneven, grid, wrong;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-uneven", &uneven));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-dmda", &grid));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-wrong", &wrong));
  neurlp_petsc_arrays *sets[] = {&d->inputs, &d->gradients, &d->direction};
  Vec *shaped[] = {&d->solution, &d->grad_output, &d->tangent};
  for (int i = 0; i < 3; i++) {
    PetscCall(CaseCreateArrays(c, sets[i]));
    PetscCall(neurlp_petsc_batch_create_vec(c->batch, NEURLP_PETSC_SOLUTION, shaped[i]));
  }
  PetscCall(CaseFill(c, 0, &d->inputs));
  PetscCall(CaseFill(c, 100, &d->direction));
  PetscCall(CaseFillVec(200, d->grad_output));
  for (int i = 0; i < 3 && uneven; i++) {
    PetscCall(Uneven(shaped[i]));
    for (int k = 0; k < 5; k++) PetscCall(Uneven(CaseVec(sets[i], k)));
  }
  if (grid) PetscCall(UseGrid(c, &d->inputs.initial_values));
  if (wrong) {
    PetscCall(VecDestroy(&d->inputs.coefficients));
    PetscCall(VecDuplicate(d->inputs.rhs, &d->inputs.coefficients));
  }
  PetscFunctionReturn(0);
}

/* The same solution from the factor that is kept. */
static PetscErrorCode Prepared(neurlp_petsc_batch *batch, const data *d) {
  neurlp_petsc_arrays left = {.coefficients = d->inputs.coefficients, .steps = d->inputs.steps},
                      right = d->inputs;
  PetscReal difference;
  Vec other;
  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(d->solution, &other));
  PetscCall(neurlp_petsc_batch_prepare(batch, &left));
  right.coefficients = right.steps = NULL;
  PetscCall(neurlp_petsc_batch_solve(batch, &right, other));
  PetscCall(CaseDifference(d->solution, other, &difference));
  PetscCall(CaseSay("prepared", difference));
  PetscCall(VecDestroy(&other));
  PetscFunctionReturn(0);
}

/* All of it with a fresh batch, twice, while what is allocated and copied is counted. */
static PetscErrorCode Run(data *d) {
  batch_case c;
  PetscLogEvent event;
  PetscEventPerfInfo before, after;
  PetscInt failed;
  PetscReal bytes;
  PetscBool prepare;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventGetId("NeuRLPCopy", &event));
  PetscCall(PetscLogEventGetPerfInfo(PETSC_DETERMINE, event, &before));
  asked = 0;
  counting = PETSC_TRUE;
  PetscCall(CaseCreate(&c, NULL));
  for (int i = 0; i < 2; i++) {
    PetscCall(neurlp_petsc_batch_solve(c.batch, &d->inputs, d->solution));
    PetscCall(neurlp_petsc_batch_adjoint(c.batch, &d->inputs, d->solution, d->grad_output, &d->gradients));
    PetscCall(neurlp_petsc_batch_tangent(c.batch, &d->inputs, d->solution, &d->direction, d->tangent));
  }
  counting = PETSC_FALSE;
  bytes = (PetscReal)asked;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bytes, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  PetscCall(PetscLogEventGetPerfInfo(PETSC_DETERMINE, event, &after));
  PetscCall(neurlp_petsc_batch_get_status(c.batch, &failed, NULL));
  PetscCall(CaseSay("copies", after.count - before.count));
  PetscCall(CaseSay("bytes", bytes));
  PetscCall(CaseSay("failed", failed));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-prepare", &prepare));
  if (prepare) PetscCall(Prepared(c.batch, d));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(0);
}

static PetscErrorCode Dots(data *d) {
  PetscScalar forward, backward = 0;
  PetscReal size = 0;
  PetscFunctionBeginUser;
  PetscCall(VecDot(d->grad_output, d->tangent, &forward));
  for (int i = 0; i < 5; i++) {
    PetscReal one, other;
    PetscScalar part;
    PetscCall(VecDot(*CaseVec(&d->gradients, i), *CaseVec(&d->direction, i), &part));
    PetscCall(VecNorm(*CaseVec(&d->gradients, i), NORM_2, &one));
    PetscCall(VecNorm(*CaseVec(&d->direction, i), NORM_2, &other));
    backward += part;
    size += one * other;
  }
  PetscCall(CaseSay("dots", PetscAbsScalar(forward - backward) / size));
  PetscFunctionReturn(0);
}

static PetscErrorCode One(void) {
  char out[PETSC_MAX_PATH_LEN] = "out.bin";
  PetscReal bytes;
  PetscViewer viewer;
  PetscInt local;
  batch_case c;
  data d = {0};
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-out", out, sizeof(out), NULL));
  PetscCall(CaseCreate(&c, NULL));
  PetscCall(Prepare(&c, &d));
  PetscCall(Run(&d));
  PetscCall(VecGetLocalSize(d.inputs.steps, &local));
  bytes = (PetscReal)local * sizeof(PetscScalar);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bytes, 1, MPIU_REAL, MPIU_MIN, PETSC_COMM_WORLD));
  PetscCall(CaseSay("input_bytes", bytes));
  PetscCall(Dots(&d));
  PetscCall(PetscViewerBinaryOpen(PETSC_COMM_WORLD, out, FILE_MODE_WRITE, &viewer));
  PetscCall(VecView(d.solution, viewer));
  PetscCall(VecView(d.tangent, viewer));
  for (int i = 0; i < 5; i++) PetscCall(VecView(*CaseVec(&d.gradients, i), viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  PetscCall(CaseDestroyArrays(&d.inputs));
  PetscCall(CaseDestroyArrays(&d.gradients));
  PetscCall(CaseDestroyArrays(&d.direction));
  PetscCall(VecDestroy(&d.solution));
  PetscCall(VecDestroy(&d.grad_output));
  PetscCall(VecDestroy(&d.tangent));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(PetscLogDefaultBegin());
  PetscCall(CaseForEach(One));
  PetscCall(PetscFinalize());
  return 0;
}
