#include "petsc/blocks/blocks.h"

#include <petsc/private/tsimpl.h>

/* An entry of the Jacobian that joins two blocks; row < 0: there is none. */
typedef struct block_coupling {
  PetscInt row, column;
  double value;
} block_coupling;

/* Reads the rows of block i into jacobian [D][D][T] at t. */
static PetscErrorCode read_block(const blocks *b, PetscInt i, int32_t steps, int32_t t, double h,
                                 double *jacobian, block_coupling *coupling) {
  const PetscInt D = b->fields, begin = (b->first + i) * D;
  PetscFunctionBegin;
  for (PetscInt e = 0; e < D; e++) {
    PetscInt entries;
    const PetscInt *columns;
    const PetscScalar *values;
    for (PetscInt k = 0; k < D; k++) jacobian[(e * D + k) * steps + t] = 0;
    PetscCall(MatGetRow(b->matrix, begin + e, &entries, &columns, &values));
    for (PetscInt j = 0; j < entries; j++) {
      const PetscInt k = columns[j] - begin;
      if (k >= 0 && k < D)
        jacobian[(e * D + k) * steps + t] += h * values[j];
      else if (values[j] != 0 && coupling->row < 0)
        *coupling = (block_coupling){begin + e, columns[j], values[j]};
    }
    PetscCall(MatRestoreRow(b->matrix, begin + e, &entries, &columns, &values));
  }
  PetscFunctionReturn(0);
}

/* Collective. The first coupling that any rank has found is everybody's error. */
static PetscErrorCode refuse_coupling(const blocks *b, MPI_Comm comm, block_coupling coupling) {
  int rank, size, mine, first;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  mine = coupling.row < 0 ? size : rank;
  PetscCallMPI(MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm));
  if (first == size) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Bcast(&coupling, (int)sizeof coupling, MPI_BYTE, first, comm));
  const PetscInt D = b->fields;
  SETERRQ(comm, PETSC_ERR_SUP,
          "TS type neurlp is for systems without connections between blocks, and the Jacobian has %g in row "
          "%" PetscInt_FMT " (block %" PetscInt_FMT "), column %" PetscInt_FMT " (block %" PetscInt_FMT
          "); blocks have %" PetscInt_FMT " unknowns. If a block has more, say so by -ts_neurlp_block_size; "
          "otherwise take another TS type, bdf or arkimex",
          coupling.value, coupling.row, coupling.row / D, coupling.column, coupling.column / D, D);
}

/* Reads the program's Jacobian at b->point. */
static PetscErrorCode read_jacobian(TS ts, block_window *window, int32_t t, double time, double h) {
  const blocks *b = ts->data;
  const int64_t D = b->fields, T = window->steps;
  block_coupling coupling = {-1, -1, 0};
  PetscFunctionBegin;
  PetscCall(TSComputeRHSJacobian(ts, time, b->point, b->amat, b->pmat));
  for (int64_t i = 0; i < b->count; i++)
    PetscCall(read_block(b, (PetscInt)i, window->steps, t, h, window->jacobian + i * D * D * T, &coupling));
  PetscCall(refuse_coupling(b, PetscObjectComm((PetscObject)ts), coupling));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_blocks_linearise(TS ts, block_window *window, int32_t t, double t0, double h) {
  const blocks *b = ts->data;
  const int64_t D = b->fields, T = window->steps;
  const double time = t0 + t * h;
  const PetscScalar *slope;
  PetscFunctionBegin;
  PetscCall(neurlp_blocks_get(b, window, t, b->point));
  PetscCall(TSComputeRHSFunction(ts, time, b->point, b->slope));
  PetscCall(VecGetArrayRead(b->slope, &slope));
  for (int64_t i = 0; i < b->count; i++)
    for (int64_t k = 0; k < D; k++) window->flow[(i * D + k) * T + t] = h * slope[i * D + k];
  PetscCall(VecRestoreArrayRead(b->slope, &slope));
  if (b->differences)
    PetscCall(neurlp_blocks_difference(ts, window, t, time, h));
  else
    PetscCall(read_jacobian(ts, window, t, time, h));
  PetscFunctionReturn(0);
}
