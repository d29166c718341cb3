/* Programs that give no Jacobian: the diagonal blocks by differences, one evaluation for each unknown of a
 * block, all blocks at once. That is right only if blocks do not depend on each other, which is tried out
 * first. */
#include "petsc/blocks/blocks.h"

#include <math.h>
#include <petsc/private/tsimpl.h>

/* A step of the difference quotient for number i: half the digits of it, or of what counts of it. */
static double distance(const blocks *b, int64_t i, double u) {
  return 1.5e-8 * fmax(fabs(u), 100 * b->weights[i]);
}

PetscErrorCode neurlp_blocks_difference(TS ts, block_window *window, int32_t t, double time, double h) {
  blocks *b = ts->data;
  const int64_t D = b->fields, T = window->steps;
  const PetscScalar *slope;
  PetscScalar *point;
  PetscFunctionBegin;
  for (int64_t k = 0; k < D; k++) {
    PetscCall(VecCopy(b->point, b->other));
    PetscCall(VecGetArray(b->other, &point));
    for (int64_t i = 0; i < b->count; i++) point[i * D + k] += distance(b, i * D + k, point[i * D + k]);
    PetscCall(VecRestoreArray(b->other, &point));
    PetscCall(TSComputeRHSFunction(ts, time, b->other, b->slope));
    PetscCall(VecGetArrayRead(b->slope, &slope));
    PetscCall(VecGetArray(b->other, &point));
    for (int64_t i = 0; i < b->count; i++) {
      const double u = window->state[((i * T + t) * D + k) * (b->order + 1)], moved = point[i * D + k] - u;
      for (int64_t e = 0; e < D; e++)
        window->jacobian[((i * D + e) * D + k) * T + t] =
            (h * slope[i * D + e] - window->flow[(i * D + e) * T + t]) / moved;
    }
    PetscCall(VecRestoreArray(b->other, &point));
    PetscCall(VecRestoreArrayRead(b->slope, &slope));
  }
  PetscFunctionReturn(0);
}

/* Moves all blocks whose number has this bit, or has not, and looks whether f of the others changes. *row:
 * where it does; negative: nowhere on this rank. */
static PetscErrorCode move_some(TS ts, PetscInt bit, PetscInt with, PetscInt *row) {
  blocks *b = ts->data;
  const int64_t D = b->fields;
  const PetscScalar *before, *after;
  PetscScalar *point;
  PetscFunctionBegin;
  PetscCall(VecCopy(b->start, b->other));
  PetscCall(VecGetArray(b->other, &point));
  for (int64_t i = 0; i < b->count; i++)
    for (int64_t k = 0; k < D && ((b->first + i) >> bit) % 2 == with; k++)
      point[i * D + k] += 1e3 * distance(b, i * D + k, point[i * D + k]);
  PetscCall(VecRestoreArray(b->other, &point));
  PetscCall(TSComputeRHSFunction(ts, ts->ptime, b->other, b->point));
  PetscCall(VecGetArrayRead(b->slope, &before));
  PetscCall(VecGetArrayRead(b->point, &after));
  for (int64_t i = 0; i < b->count * D; i++)
    if (*row < 0 && ((b->first + i / D) >> bit) % 2 != with && before[i] != after[i])
      *row = (PetscInt)(b->first * D + i);
  PetscCall(VecRestoreArrayRead(b->slope, &before));
  PetscCall(VecRestoreArrayRead(b->point, &after));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_blocks_check_apart(TS ts) {
  blocks *b = ts->data;
  const MPI_Comm comm = PetscObjectComm((PetscObject)ts);
  PetscInt size, row = -1, first = -1;
  PetscFunctionBegin;
  PetscCall(VecGetSize(b->start, &size));
  PetscCall(TSComputeRHSFunction(ts, ts->ptime, b->start, b->slope));
  for (PetscInt bit = 0; (size / b->fields - 1) >> bit > 0;
       bit++) /* any two blocks differ in one of these bits */
    for (PetscInt with = 0; with < 2; with++) PetscCall(move_some(ts, bit, with, &row));
  PetscCallMPI(MPI_Allreduce(&row, &first, 1, MPIU_INT, MPI_MAX, comm));
  PetscCheck(first < 0, comm, PETSC_ERR_SUP,
             "TS type neurlp is for systems without connections between blocks, and row %" PetscInt_FMT
             " of the right-hand side (block %" PetscInt_FMT
             ") depends on other blocks; blocks have %" PetscInt_FMT
             " unknowns. If a block has more, say so by -ts_neurlp_block_size; otherwise take another TS "
             "type, bdf or "
             "arkimex",
             first, first / b->fields, b->fields);
  PetscFunctionReturn(0);
}
