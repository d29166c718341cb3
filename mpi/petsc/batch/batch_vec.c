/* Vecs as arrays of the solver: where they are, if they are divided as its systems are; else by a copy. */
#include "petsc/batch/batch.h"

#include <petscdevice.h>

static const struct {
  const char *name, *shape;
} names[] = {
    [NEURLP_ARRAY_COEFFICIENTS] = {"coefficients", "[S][T][E][D][d+1]"},
    [NEURLP_ARRAY_RHS] = {"rhs", "[S][T][E][R]"},
    [NEURLP_ARRAY_INITIAL_VALUES] = {"initial values", "[S][K][D][J][R]"},
    [NEURLP_ARRAY_FINAL_VALUES] = {"final values", "[S][D][JF][R]"},
    [NEURLP_ARRAY_STEPS] = {"steps", "[S][T-1][1 or D]"},
    [NEURLP_ARRAY_SOLUTION] = {"solution", "[S][T][D][d+1][R]"},
    [NEURLP_ARRAY_SLACK] = {"slack", "[S][R]"},
};

_Static_assert((int)NEURLP_PETSC_STEPS == NEURLP_ARRAY_STEPS &&
                   (int)NEURLP_PETSC_SOLUTION == NEURLP_ARRAY_SOLUTION &&
                   (int)NEURLP_PETSC_SLACK == NEURLP_ARRAY_SLACK,
               "neurlp_petsc_array has the order of neurlp_array");

static neurlp_array array_at(int place) {
  if (place == BATCH_SLACK) return NEURLP_ARRAY_SLACK;
  return place < BATCH_SOLUTION ? (neurlp_array)(place % NEURLP_ARRAY_INPUTS) : NEURLP_ARRAY_SOLUTION;
}

/* Whether systems share it: it has numbers, but none for each of them. */
static PetscBool is_shared(const neurlp_petsc_batch *b, neurlp_array array) {
  const neurlp_extents e = neurlp_array_extents(&b->shape, array);
  return e.system_stride == 0 && e.per_system > 0 ? PETSC_TRUE : PETSC_FALSE;
}

int64_t neurlp_batch_numbers(const neurlp_petsc_batch *b, neurlp_array array) {
  return neurlp_array_numbers(neurlp_array_extents(&b->shape, array), b->shape.systems);
}

/* Numbers of the whole Vec. */
static int64_t all_numbers(const neurlp_petsc_batch *b, neurlp_array array) {
  return neurlp_array_numbers(neurlp_array_extents(&b->shape, array), b->starts[b->ranks]);
}

void neurlp_batch_list(const neurlp_petsc_arrays *arrays, Vec list[NEURLP_ARRAY_INPUTS]) {
  list[NEURLP_ARRAY_COEFFICIENTS] = arrays->coefficients;
  list[NEURLP_ARRAY_RHS] = arrays->rhs;
  list[NEURLP_ARRAY_INITIAL_VALUES] = arrays->initial_values;
  list[NEURLP_ARRAY_FINAL_VALUES] = arrays->final_values;
  list[NEURLP_ARRAY_STEPS] = arrays->steps;
}

PetscErrorCode neurlp_petsc_batch_create_vec(neurlp_petsc_batch *batch, neurlp_petsc_array array, Vec *vec) {
  const neurlp_array which = (neurlp_array)array;
  PetscInt local = PETSC_DECIDE, global;
  PetscFunctionBegin;
  PetscCall(neurlp_petsc_batch_set_up(batch));
  PetscCall(PetscIntCast(all_numbers(batch, which), &global));
  if (!is_shared(batch, which)) PetscCall(PetscIntCast(neurlp_batch_numbers(batch, which), &local));
  PetscCall(VecCreate(neurlp_batch_comm(batch), vec));
  PetscCall(VecSetSizes(*vec, local, global));
  PetscCall(VecSetType(*vec, batch->device ? VECCUDA : VECSTANDARD));
  PetscCall(VecSet(*vec, 0));
  PetscFunctionReturn(0);
}

/* ---- where a Vec's numbers are ----------------------------------------------------------------------- */

static PetscErrorCode check_vec(const neurlp_petsc_batch *b, neurlp_array array, Vec vec) {
  const MPI_Comm comm = neurlp_batch_comm(b);
  PetscMPIInt same;
  PetscInt size;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_compare(comm, PetscObjectComm((PetscObject)vec), &same));
  PetscCheck(same == MPI_IDENT || same == MPI_CONGRUENT, comm, PETSC_ERR_ARG_NOTSAMECOMM,
             "the Vec of the %s has another communicator than the batch", names[array].name);
  PetscCall(VecGetSize(vec, &size));
  PetscCheck(size == all_numbers(b, array), comm, PETSC_ERR_ARG_SIZ,
             "the Vec of the %s has %" PetscInt_FMT " numbers; %s makes %lld for %" PetscInt_FMT " systems",
             names[array].name, size, names[array].shape, (long long)all_numbers(b, array),
             b->starts[b->ranks]);
  PetscFunctionReturn(0);
}

/* Whether each rank's part is the array of its systems. Every rank finds the same, from what all know. */
static PetscErrorCode fits(const neurlp_petsc_batch *b, neurlp_array array, Vec vec, PetscBool *fit) {
  const int64_t stride = neurlp_array_extents(&b->shape, array).system_stride;
  const PetscInt *ranges;
  PetscFunctionBegin;
  *fit = b->ranks == 1 || !is_shared(b, array) ? PETSC_TRUE : PETSC_FALSE;
  if (b->ranks == 1 || !*fit) PetscFunctionReturn(0);
  PetscCall(VecGetOwnershipRanges(vec, &ranges));
  for (int r = 1; r < b->ranks; r++)
    if (ranges[r] != b->starts[r] * stride) *fit = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode forget(batch_slot *slot) {
  PetscFunctionBegin;
  PetscCall(PetscLayoutDestroy(&slot->theirs));
  PetscCall(VecScatterDestroy(&slot->scatter));
  PetscCall(VecDestroy(&slot->copy));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_batch_forget_vecs(neurlp_petsc_batch *b) {
  PetscFunctionBegin;
  for (int place = 0; place < BATCH_PLACES; place++) PetscCall(forget(&b->slots[place]));
  PetscFunctionReturn(0);
}

/* Makes the copy of a Vec, and the way there, unless they are left from a Vec that was divided the same. */
static PetscErrorCode prepare_copy(neurlp_petsc_batch *b, int place, Vec vec) {
  const neurlp_array array = array_at(place);
  batch_slot *slot = &b->slots[place];
  PetscInt first, last;
  PetscLayout theirs;
  PetscBool same = PETSC_FALSE;
  IS own;
  PetscFunctionBegin;
  PetscCall(VecGetLayout(vec, &theirs));
  if (slot->theirs) PetscCall(PetscLayoutCompare(slot->theirs, theirs, &same));
  if (same) PetscFunctionReturn(0);
  PetscCall(forget(slot));
  if (is_shared(b, array)) {
    PetscCall(VecScatterCreateToAll(vec, &slot->scatter, &slot->copy));
  } else {
    PetscCall(neurlp_petsc_batch_create_vec(b, (neurlp_petsc_array)array, &slot->copy));
    PetscCall(VecGetOwnershipRange(slot->copy, &first, &last));
    PetscCall(ISCreateStride(neurlp_batch_comm(b), last - first, first, 1, &own));
    PetscCall(VecScatterCreate(vec, own, slot->copy, own, &slot->scatter));
    PetscCall(ISDestroy(&own));
  }
  PetscCall(PetscLayoutReference(theirs, &slot->theirs));
  PetscFunctionReturn(0);
}

/* Chooses what is lent: the Vec itself, or a copy. */
static PetscErrorCode choose(neurlp_petsc_batch *b, int place, Vec vec, PetscBool device) {
  batch_slot *slot = &b->slots[place];
  PetscBool fit;
  PetscFunctionBegin;
  PetscCall(check_vec(b, array_at(place), vec));
  PetscCall(fits(b, array_at(place), vec, &fit));
  if (!fit) PetscCall(prepare_copy(b, place, vec));
  slot->lent = fit ? vec : slot->copy;
  slot->whole = fit ? NULL : vec;
  slot->device = device && b->device ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* What PETSc still computes on the GPU is waited for, as the solver has a stream of its own. When the solver
 * returns, it is done. */
static PetscErrorCode wait_for_device(PetscMemType memory) {
  PetscDeviceContext context = NULL;
  PetscFunctionBegin;
  if (PetscMemTypeHost(memory)) PetscFunctionReturn(0);
  PetscCheck(PetscMemTypeCUDA(memory), PETSC_COMM_SELF, PETSC_ERR_SUP,
             "the numbers of a Vec are on a GPU that is none of CUDA's; take Vecs of type cuda or standard");
  PetscCall(PetscDeviceContextGetCurrentContext(&context));
  PetscCall(PetscDeviceContextSynchronize(context));
  PetscFunctionReturn(0);
}

static PetscErrorCode copy_numbers(const batch_slot *slot, PetscBool back, InsertMode mode) {
  const ScatterMode way = back ? SCATTER_REVERSE : SCATTER_FORWARD;
  const Vec from = back ? slot->copy : slot->whole, to = back ? slot->whole : slot->copy;
  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(neurlp_batch_events.copy, slot->whole, 0, 0, 0));
  PetscCall(VecScatterBegin(slot->scatter, from, to, mode, way));
  PetscCall(VecScatterEnd(slot->scatter, from, to, mode, way));
  PetscCall(PetscLogEventEnd(neurlp_batch_events.copy, slot->whole, 0, 0, 0));
  PetscFunctionReturn(0);
}

/* ---- reading ----------------------------------------------------------------------------------------- */

PetscErrorCode neurlp_batch_lend(neurlp_petsc_batch *b, int place, Vec vec, PetscBool device,
                                 const void **numbers) {
  batch_slot *slot = &b->slots[place];
  PetscMemType memory = PETSC_MEMTYPE_HOST;
  PetscFunctionBegin;
  *numbers = NULL;
  slot->lent = NULL;
  if (!vec) PetscFunctionReturn(0);
  PetscCall(choose(b, place, vec, device));
  if (slot->whole) PetscCall(copy_numbers(slot, PETSC_FALSE, INSERT_VALUES));
  if (slot->device) {
    PetscCall(VecGetArrayReadAndMemType(slot->lent, &slot->numbers, &memory));
    PetscCall(wait_for_device(memory));
  } else {
    PetscCall(VecGetArrayRead(slot->lent, &slot->numbers));
  }
  *numbers = slot->numbers;
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_batch_return(neurlp_petsc_batch *b, int place) {
  batch_slot *slot = &b->slots[place];
  PetscFunctionBegin;
  if (!slot->lent) PetscFunctionReturn(0);
  if (slot->device)
    PetscCall(VecRestoreArrayReadAndMemType(slot->lent, &slot->numbers));
  else
    PetscCall(VecRestoreArrayRead(slot->lent, &slot->numbers));
  slot->lent = NULL;
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_batch_lend_inputs(neurlp_petsc_batch *b, const neurlp_petsc_arrays *arrays,
                                        PetscBool device, neurlp_inputs *inputs) {
  const void *numbers[NEURLP_ARRAY_INPUTS];
  Vec vecs[NEURLP_ARRAY_INPUTS];
  PetscFunctionBegin;
  neurlp_batch_list(arrays, vecs);
  for (int i = 0; i < NEURLP_ARRAY_INPUTS; i++)
    PetscCall(neurlp_batch_lend(b, BATCH_INPUTS + i, vecs[i], device, &numbers[i]));
  *inputs = (neurlp_inputs){.systems = b->shape.systems,
                            .coefficients = numbers[NEURLP_ARRAY_COEFFICIENTS],
                            .rhs = numbers[NEURLP_ARRAY_RHS],
                            .initial_values = numbers[NEURLP_ARRAY_INITIAL_VALUES],
                            .final_values = numbers[NEURLP_ARRAY_FINAL_VALUES],
                            .steps = numbers[NEURLP_ARRAY_STEPS],
                            .lengths = b->lengths};
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_batch_return_inputs(neurlp_petsc_batch *b) {
  PetscFunctionBegin;
  for (int i = 0; i < NEURLP_ARRAY_INPUTS; i++) PetscCall(neurlp_batch_return(b, BATCH_INPUTS + i));
  PetscFunctionReturn(0);
}

/* ---- writing ----------------------------------------------------------------------------------------- */

PetscErrorCode neurlp_batch_lend_written(neurlp_petsc_batch *b, int place, Vec vec, PetscBool device,
                                         void **numbers) {
  batch_slot *slot = &b->slots[place];
  PetscMemType memory = PETSC_MEMTYPE_HOST;
  PetscScalar *written;
  PetscFunctionBegin;
  *numbers = NULL;
  slot->lent = NULL;
  if (!vec) PetscFunctionReturn(0);
  PetscCall(choose(b, place, vec, device));
  if (slot->whole && is_shared(b, array_at(place)))
    PetscCall(VecSet(slot->copy, 0)); /* of a rank without systems */
  if (slot->device) {
    PetscCall(VecGetArrayWriteAndMemType(slot->lent, &written, &memory));
    PetscCall(wait_for_device(memory));
  } else {
    PetscCall(VecGetArrayWrite(slot->lent, &written));
  }
  slot->numbers = *numbers = written;
  PetscFunctionReturn(0);
}

/* A copy goes back: those of all ranks are added up where systems share the array. */
PetscErrorCode neurlp_batch_return_written(neurlp_petsc_batch *b, int place) {
  batch_slot *slot = &b->slots[place];
  PetscScalar *written = (PetscScalar *)(uintptr_t)slot->numbers;
  PetscFunctionBegin;
  if (!slot->lent) PetscFunctionReturn(0);
  if (slot->device)
    PetscCall(VecRestoreArrayWriteAndMemType(slot->lent, &written));
  else
    PetscCall(VecRestoreArrayWrite(slot->lent, &written));
  slot->lent = NULL;
  if (!slot->whole) PetscFunctionReturn(0);
  if (is_shared(b, array_at(place))) PetscCall(VecSet(slot->whole, 0));
  PetscCall(copy_numbers(slot, PETSC_TRUE, is_shared(b, array_at(place)) ? ADD_VALUES : INSERT_VALUES));
  PetscFunctionReturn(0);
}
