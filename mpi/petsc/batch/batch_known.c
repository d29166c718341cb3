/* Unknowns whose values are given, hard ones and those past a system's length: they leave all rows but one of
 * their own. */
#include "petsc/batch/batch.h"

/* Says that unknown c, of this rank, has these values [R]; NULL: zeros. */
static void set_known(PetscScalar *mask, PetscScalar *values, int64_t R, int64_t c, const double *given) {
  mask[c] = 0;
  for (int64_t r = 0; r < R; r++) values[c * R + r] = given ? given[r] : 0;
}

/* Values [D][J][R] of J derivatives at a step whose unknowns begin at `unknown`. */
static void set_step(const neurlp_shape *z, PetscScalar *mask, PetscScalar *values, int64_t unknown,
                     int64_t J, const double *given) {
  for (int64_t k = 0; k < z->dimensions; k++)
    for (int64_t j = 0; j < J; j++)
      set_known(mask, values, z->columns, unknown + k * (z->order + 1) + j, given + (k * J + j) * z->columns);
}

/* Everything that is known of this rank's system s. */
static void set_system(const neurlp_petsc_batch *b, const neurlp_inputs *in, int64_t s, PetscScalar *mask,
                       PetscScalar *values) {
  const neurlp_shape *z = &b->shape;
  const int64_t n = (int64_t)z->dimensions * (z->order + 1), T = z->steps, J = z->initial_derivatives;
  const int64_t length = in->lengths ? in->lengths[s] : T, start = s * T * n;
  const neurlp_extents initial = neurlp_array_extents(z, NEURLP_ARRAY_INITIAL_VALUES);
  const neurlp_extents final = neurlp_array_extents(z, NEURLP_ARRAY_FINAL_VALUES);
  for (int64_t c = length * n; c < T * n; c++) set_known(mask, values, z->columns, start + c, NULL);
  if (b->formulation.initial != NEURLP_INITIAL_HARD) return;
  for (int64_t t = 0; t < z->initial_steps && J > 0; t++)
    set_step(z, mask, values, start + t * n, J,
             (const double *)in->initial_values + s * initial.system_stride + t * initial.step_stride);
  if (z->final_derivatives > 0)
    set_step(z, mask, values, start + (length - 1) * n, z->final_derivatives,
             (const double *)in->final_values + s * final.system_stride);
}

PetscErrorCode neurlp_batch_known_create(const neurlp_petsc_batch *b, const neurlp_inputs *inputs,
                                         batch_known *known) {
  const neurlp_shape *z = &b->shape;
  const MPI_Comm comm = neurlp_batch_comm(b);
  const int64_t all = z->systems * z->steps * z->dimensions * (z->order + 1);
  PetscScalar *mask, *values;
  PetscInt unknowns, numbers;
  PetscFunctionBegin;
  PetscCall(PetscIntCast(all, &unknowns));
  PetscCall(PetscIntCast(all * z->columns, &numbers));
  PetscCall(VecCreateMPI(comm, unknowns, PETSC_DETERMINE, &known->free));
  PetscCall(VecCreateMPI(comm, numbers, PETSC_DETERMINE, &known->values));
  PetscCall(VecSetBlockSize(known->values, z->columns));
  PetscCall(VecSet(known->free, 1));
  PetscCall(VecSet(known->values, 0));
  PetscCall(VecGetArray(known->free, &mask));
  PetscCall(VecGetArray(known->values, &values));
  for (int64_t s = 0; s < z->systems; s++) set_system(b, inputs, s, mask, values);
  known->count = 0;
  for (PetscInt c = 0; c < unknowns; c++) known->count += mask[c] == 0;
  PetscCall(VecRestoreArray(known->values, &values));
  PetscCall(VecRestoreArray(known->free, &mask));
  PetscCallMPI(MPI_Allreduce(&known->count, &known->all, 1, MPIU_INT, MPI_SUM, comm));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_batch_known_destroy(batch_known *known) {
  PetscFunctionBegin;
  PetscCall(VecDestroy(&known->free));
  PetscCall(VecDestroy(&known->values));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_batch_known_remove(const neurlp_petsc_batch *b, const batch_known *known, Mat rows,
                                         Vec rhs) {
  Vec column, product;
  PetscFunctionBegin;
  PetscCall(MatCreateVecs(rows, &column, &product));
  PetscCall(VecSetBlockSize(rhs, b->shape.columns));
  for (PetscInt r = 0; r < b->shape.columns && known->all > 0; r++) {
    PetscCall(VecStrideGather(known->values, r, column, INSERT_VALUES));
    PetscCall(MatMult(rows, column, product));
    PetscCall(VecScale(product, -1));
    PetscCall(VecStrideScatter(product, r, rhs, ADD_VALUES));
  }
  PetscCall(MatDiagonalScale(rows, NULL, known->free));
  PetscCall(VecDestroy(&column));
  PetscCall(VecDestroy(&product));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_batch_known_rows(const neurlp_petsc_batch *b, const batch_known *known, Mat *rows,
                                       Vec *rhs) {
  const MPI_Comm comm = neurlp_batch_comm(b);
  const int64_t R = b->shape.columns;
  const PetscScalar *mask, *values;
  PetscInt unknowns, first, row;
  PetscScalar *to;
  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(known->free, &unknowns));
  PetscCall(VecGetOwnershipRange(known->free, &first, NULL));
  PetscCall(
      MatCreateAIJ(comm, known->count, unknowns, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, rows));
  PetscCall(VecCreateMPI(comm, (PetscInt)(known->count * R), PETSC_DETERMINE, rhs));
  PetscCall(MatGetOwnershipRange(*rows, &row, NULL));
  PetscCall(VecGetArrayWrite(*rhs, &to));
  PetscCall(VecGetArrayRead(known->free, &mask));
  PetscCall(VecGetArrayRead(known->values, &values));
  for (PetscInt c = 0; c < unknowns; c++) {
    if (mask[c] != 0) continue;
    PetscCall(MatSetValue(*rows, row++, first + c, 1, INSERT_VALUES));
    for (int64_t r = 0; r < R; r++) *to++ = values[c * R + r];
  }
  PetscCall(VecRestoreArrayRead(known->values, &values));
  PetscCall(VecRestoreArrayRead(known->free, &mask));
  PetscCall(VecRestoreArrayWrite(*rhs, NULL));
  PetscCall(MatAssemblyBegin(*rows, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*rows, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}
