#include "petsc/batch/batch.h"

#include "comm.h"
#include "device.h"

#include <petscdevice.h>
#include <petscksp.h>
#include <string.h>

batch_events neurlp_batch_events;

static PetscClassId batch_class;
static PetscBool registered;

static const char *const known_options[] = {"neurlp_formulation",    "neurlp_initial",
                                            "neurlp_nominal_step",   "neurlp_weight_equation",
                                            "neurlp_weight_initial", "neurlp_weight_smoothness",
                                            "neurlp_weight_top",     "neurlp_precision",
                                            "neurlp_backend",        "neurlp_piece_intervals",
                                            "neurlp_keep_factors",   "neurlp_error_if_failed",
                                            "neurlp_view",           NULL};
static const char *const formulation_names[] = {"hermite", "smnn", "mnn"};
static const char *const initial_names[] = {"hard", "soft"};
static const char *const precision_names[] = {"double", "single", "mixed"};

static PetscErrorCode forget_class(void) {
  registered = PETSC_FALSE;
  return 0;
}

static PetscErrorCode register_class(void) {
  batch_events *events = &neurlp_batch_events;
  PetscFunctionBegin;
  if (registered) PetscFunctionReturn(0);
  PetscCall(PetscClassIdRegister("NeuRLP batch", &batch_class));
  PetscCall(PetscLogEventRegister("NeuRLPSolve", batch_class, &events->solve));
  PetscCall(PetscLogEventRegister("NeuRLPAdjoint", batch_class, &events->adjoint));
  PetscCall(PetscLogEventRegister("NeuRLPTangent", batch_class, &events->tangent));
  PetscCall(PetscLogEventRegister("NeuRLPCopy", batch_class, &events->copy));
  PetscCall(PetscLogEventRegister("NeuRLPRows", batch_class, &events->rows));
  PetscCall(PetscLogEventRegister("NeuRLPKSP", batch_class, &events->ksp));
  PetscCall(PetscRegisterFinalize(forget_class));
  registered = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_create(MPI_Comm comm, neurlp_petsc_batch **batch) {
  neurlp_petsc_batch *b;
  PetscFunctionBegin;
  *batch = NULL;
  PetscCall(register_class());
  PetscCall(PetscHeaderCreate(b, batch_class, "NeuRLP batch", "Batch of linear systems", "NeuRLP", comm,
                              neurlp_petsc_batch_destroy, neurlp_petsc_batch_view));
  b->formulation = neurlp_formulation_default();
  PetscCallMPI(MPI_Comm_rank(neurlp_batch_comm(b), &b->rank));
  PetscCallMPI(MPI_Comm_size(neurlp_batch_comm(b), &b->ranks));
  PetscCall(neurlp_petsc_batch_set_backend(b, "cpu"));
  *batch = b;
  PetscFunctionReturn(0);
}

/* Back to what was asked for alone. */
static PetscErrorCode reset(neurlp_petsc_batch *b) {
  PetscFunctionBegin;
  neurlp_solver_destroy(&b->solver);
  neurlp_problem_destroy(&b->problem);
  if (b->context) neurlp_release(b->context, &b->status);
  neurlp_context_destroy(&b->context);
  PetscCall(neurlp_batch_forget_vecs(b));
  PetscCall(PetscFree(b->starts));
  b->failed = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_destroy(neurlp_petsc_batch **batch) {
  PetscFunctionBegin;
  if (!batch || !*batch) PetscFunctionReturn(0);
  neurlp_petsc_batch *b = *batch;
  *batch = NULL;
  if (--b->hdr.refct > 0) PetscFunctionReturn(0);
  PetscCall(reset(b));
  PetscCall(PetscFree(b->lengths));
  PetscCall(KSPDestroy(&b->ksp));
  PetscCall(PetscHeaderDestroy(&b));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_set_shape(neurlp_petsc_batch *batch, const neurlp_shape *shape) {
  PetscFunctionBegin;
  PetscCheck(shape->precision != NEURLP_SINGLE, neurlp_batch_comm(batch), PETSC_ERR_SUP,
             "shape.precision is NEURLP_SINGLE, and the numbers of a Vec are double; take NEURLP_DOUBLE, or "
             "NEURLP_MIXED for factors in single precision");
  PetscCall(reset(batch));
  PetscCall(PetscFree(batch->lengths));
  batch->shape = *shape;
  batch->shaped = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_set_formulation(neurlp_petsc_batch *batch,
                                                  const neurlp_formulation *formulation) {
  PetscFunctionBegin;
  PetscCall(reset(batch));
  batch->formulation = *formulation;
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_set_backend(neurlp_petsc_batch *batch, const char name[]) {
  PetscFunctionBegin;
  PetscCall(reset(batch));
  PetscCall(PetscStrncpy(batch->backend, name, sizeof batch->backend));
  PetscCall(PetscObjectChangeTypeName((PetscObject)batch, batch->backend));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_set_error_if_failed(neurlp_petsc_batch *batch, PetscBool error) {
  PetscFunctionBegin;
  batch->error_if_failed = error;
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_formulation(const char name[], neurlp_formulation *formulation) {
  PetscFunctionBegin;
  if (strcmp(name, "hermite") == 0)
    *formulation = neurlp_formulation_default();
  else if (strcmp(name, "smnn") == 0)
    *formulation = neurlp_formulation_smnn();
  else if (strcmp(name, "mnn") == 0)
    *formulation = neurlp_formulation_mnn();
  else
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ARG_UNKNOWN_TYPE,
            "there is no formulation '%s'; there are hermite, smnn and mnn", name);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_shaped(const neurlp_petsc_batch *b) {
  PetscFunctionBegin;
  PetscCheck(b->shaped, neurlp_batch_comm(b), PETSC_ERR_ARG_WRONGSTATE,
             "the batch has no shape; call neurlp_petsc_batch_set_shape() first");
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_set_lengths(neurlp_petsc_batch *batch, const int32_t *lengths) {
  const neurlp_shape *z = &batch->shape;
  PetscFunctionBegin;
  PetscCall(check_shaped(batch));
  PetscCall(PetscFree(batch->lengths));
  if (!lengths) PetscFunctionReturn(0);
  const int32_t given = (z->initial_derivatives > 0 ? z->initial_steps : 0) + (z->final_derivatives > 0);
  const int32_t least = given > 2 ? given : 2;
  for (int64_t s = 0; s < z->systems; s++)
    PetscCheck(lengths[s] >= least && lengths[s] <= z->steps, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "lengths[%lld] is %d; it must be between %d and %d", (long long)s, lengths[s], least,
               z->steps);
  PetscCall(PetscMalloc1((size_t)z->systems, &batch->lengths));
  PetscCall(PetscArraycpy(batch->lengths, lengths, (size_t)z->systems));
  PetscFunctionReturn(0);
}

/* ---- options ----------------------------------------------------------------------------------------- */

/* Which row of a list of names an option says; *set is false if it is not there. */
static PetscErrorCode read_name(neurlp_petsc_options PetscOptionsObject, const char *option, const char *text,
                                const char *const *names, PetscInt count, PetscInt now, PetscInt *index,
                                PetscBool *set) {
  PetscFunctionBegin;
  *index = now;
  PetscCall(PetscOptionsEList(option, text, "docs/petsc_library.md", names, count,
                              now < 0 ? "as set" : names[now], index, set));
  PetscFunctionReturn(0);
}

/* A named formulation first, then what changes it. */
static PetscErrorCode read_formulation(neurlp_petsc_options PetscOptionsObject, neurlp_petsc_batch *b) {
  neurlp_formulation *f = &b->formulation;
  PetscInt index = -1;
  PetscBool set;
  PetscFunctionBegin;
  PetscCall(
      read_name(PetscOptionsObject, "-neurlp_formulation", "Rows", formulation_names, 3, -1, &index, &set));
  if (set) PetscCall(neurlp_petsc_formulation(formulation_names[index], f));
  PetscCall(read_name(PetscOptionsObject, "-neurlp_initial", "Given values: exact, or rows", initial_names, 2,
                      (PetscInt)f->initial, &index, &set));
  f->initial = (neurlp_initial)index;
  const struct {
    const char *name, *text;
    double *number;
  } numbers[] = {
      {"-neurlp_nominal_step", "Typical step, for scaling", &f->nominal_step},
      {"-neurlp_weight_equation", "Of equations; 0: nominal step to the leading derivative",
       &f->weight_equation},
      {"-neurlp_weight_initial", "Of soft given values", &f->weight_initial},
      {"-neurlp_weight_smoothness", "Of smoothness rows", &f->weight_smoothness},
      {"-neurlp_weight_top", "Of hermite's row for the top derivative", &f->weight_top},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    PetscCall(PetscOptionsReal(numbers[i].name, numbers[i].text, "docs/petsc_library.md", *numbers[i].number,
                               numbers[i].number, NULL));
  PetscFunctionReturn(0);
}

/* How the numbers are computed. */
static PetscErrorCode read_machine(neurlp_petsc_options PetscOptionsObject, neurlp_petsc_batch *b) {
  PetscInt index, pieces = b->shape.piece_intervals;
  PetscBool set, keep = b->shape.keep_factors ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionBegin;
  PetscCall(read_name(PetscOptionsObject, "-neurlp_precision", "Of factors", precision_names, 3,
                      (PetscInt)b->shape.precision, &index, &set));
  PetscCheck(index != NEURLP_SINGLE, neurlp_batch_comm(b), PETSC_ERR_SUP,
             "-neurlp_precision is single, and the numbers of a Vec are double; take double or mixed");
  b->shape.precision = (neurlp_precision)index;
  PetscCall(PetscOptionsString("-neurlp_backend", "cpu, cpu:check, cuda or cuda:check",
                               "docs/petsc_library.md", b->backend, b->backend, sizeof b->backend, NULL));
  PetscCall(PetscOptionsRangeInt("-neurlp_piece_intervals", "Intervals of the pieces that time is cut into",
                                 "docs/petsc_library.md", pieces, &pieces, NULL, 0, INT32_MAX));
  b->shape.piece_intervals = (int32_t)pieces;
  PetscCall(PetscOptionsBool("-neurlp_keep_factors", "Factors of a solve serve its adjoint",
                             "docs/petsc_library.md", keep, &keep, NULL));
  b->shape.keep_factors = keep == PETSC_TRUE;
  PetscCall(PetscOptionsBool("-neurlp_error_if_failed", "A system that fails is an error",
                             "docs/petsc_library.md", b->error_if_failed, &b->error_if_failed, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_set_from_options(neurlp_petsc_batch *batch) {
  neurlp_petsc_batch *b = batch;
  KSP ksp;
  PetscFunctionBegin;
  PetscCall(reset(b));
  PetscObjectOptionsBegin((PetscObject)b);
  PetscCall(read_formulation(PetscOptionsObject, b));
  PetscCall(read_machine(PetscOptionsObject, b));
  PetscCall(
      PetscOptionsName("-neurlp_view", "View the batch when it is set up", "docs/petsc_library.md", NULL));
  if (PetscOptionsObject->count == 1)
    PetscCall(neurlp_support_unknown_options((PetscObject)b, "neurlp_", known_options));
  PetscOptionsEnd();
  PetscCall(PetscObjectChangeTypeName((PetscObject)b, b->backend));
  b->from_options = PETSC_TRUE;
  PetscCall(neurlp_petsc_batch_get_ksp(b, &ksp));
  PetscFunctionReturn(0);
}

/* ---- set-up ------------------------------------------------------------------------------------------ */

/* Which systems each rank has. */
static PetscErrorCode number_systems(neurlp_petsc_batch *b) {
  PetscInt own;
  PetscFunctionBegin;
  PetscCall(PetscIntCast(b->shape.systems, &own));
  PetscCall(PetscMalloc1((size_t)b->ranks + 1, &b->starts));
  b->starts[0] = 0;
  PetscCallMPI(MPI_Allgather(&own, 1, MPIU_INT, b->starts + 1, 1, MPIU_INT, neurlp_batch_comm(b)));
  for (int r = 0; r < b->ranks; r++) b->starts[r + 1] += b->starts[r];
  PetscFunctionReturn(0);
}

/* With the backend cuda: the GPU is that of PETSc, if it has one, whose Vecs can then be used where they are;
 * otherwise ranks take those of their node in turn. */
static PetscErrorCode bind_device(neurlp_petsc_batch *b, neurlp_status *status) {
  PetscDeviceContext context = NULL;
  PetscDevice device = NULL;
  PetscInt number = 0;
  PetscFunctionBegin;
  b->device = PetscDefined(HAVE_CUDA) && strcmp(b->backend, "cuda") == 0 ? PETSC_TRUE : PETSC_FALSE;
  if (strcmp(b->backend, "cuda") == 0 && !b->device) {
    *status = neurlp_bind_device(neurlp_batch_comm(b), b->context, b->backend);
    PetscFunctionReturn(0);
  }
  *status = neurlp_context_set_backend(b->context, b->backend);
  if (*status < 0 || !b->device) PetscFunctionReturn(0);
  PetscCall(PetscDeviceContextGetCurrentContext(&context));
  PetscCall(PetscDeviceContextGetDevice(context, &device));
  PetscCall(PetscDeviceGetDeviceId(device, &number));
  *status = neurlp_context_set_device(b->context, (int32_t)number);
  PetscFunctionReturn(0);
}

static neurlp_status make_solver(neurlp_petsc_batch *b) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_problem_create(b->context, &b->shape, &b->formulation, &b->problem));
  NEURLP_TRY(neurlp_allocate(b->context, b->shape.systems, sizeof *b->status, &b->status));
  status = neurlp_solver_create(b->context, b->problem, &b->solver);
done:
  return status;
}

PetscErrorCode neurlp_petsc_batch_set_up(neurlp_petsc_batch *batch) {
  neurlp_petsc_batch *b = batch;
  const MPI_Comm comm = neurlp_batch_comm(b);
  neurlp_status status;
  PetscFunctionBegin;
  if (b->solver) PetscFunctionReturn(0);
  PetscCall(check_shaped(b));
  PetscCall(reset(b));
  PetscCall(number_systems(b));
  PetscCall(neurlp_support_context(comm, &b->context));
  PetscCall(bind_device(b, &status));
  if (status >= 0) status = make_solver(b);
  NEURLP_PETSC_CALL(comm, b->context, neurlp_agree(comm, b->context, status));
  PetscCall(PetscObjectViewFromOptions((PetscObject)b, NULL, "-neurlp_view"));
  PetscFunctionReturn(0);
}

/* ---- view -------------------------------------------------------------------------------------------- */

static PetscErrorCode view_formulation(const neurlp_formulation *f, PetscViewer viewer) {
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  rows: %s%s%s%s, given values %s\n",
                                   f->smoothness == NEURLP_SMOOTHNESS_HERMITE ? "hermite" : "taylor",
                                   f->central ? ", central" : "", f->slack ? ", slack" : "",
                                   f->periodic ? ", periodic" : "", initial_names[f->initial]));
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "  weights: equation %g, initial %g, smoothness %g, top %g; nominal step "
                                   "%g\n",
                                   f->weight_equation, f->weight_initial, f->weight_smoothness, f->weight_top,
                                   f->nominal_step));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_view(neurlp_petsc_batch *batch, PetscViewer viewer) {
  const neurlp_petsc_batch *b = batch;
  const neurlp_shape *z = &b->shape;
  PetscBool text;
  PetscFunctionBegin;
  if (!viewer) PetscCall(PetscViewerASCIIGetStdout(neurlp_batch_comm(b), &viewer));
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &text));
  if (!text) PetscFunctionReturn(0);
  PetscCall(PetscObjectPrintClassNamePrefixType((PetscObject)batch, viewer));
  if (b->shaped)
    PetscCall(PetscViewerASCIIPrintf(
        viewer, "  T = %d steps, D = %d, derivatives to %d, E = %d equations, R = %d columns\n", z->steps,
        z->dimensions, z->order, z->equations, z->columns));
  PetscCall(view_formulation(&b->formulation, viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  precision %s%s\n", precision_names[z->precision],
                                   z->keep_factors ? ", factors are kept" : ""));
  if (!b->solver) PetscFunctionReturn(0);
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "  %" PetscInt_FMT " systems, %" PetscInt_FMT " failed in the last call\n",
                                   b->starts[b->ranks], b->failed));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  memory on the first rank: %zu bytes\n",
                                   neurlp_context_memory(b->context).current_bytes));
  PetscFunctionReturn(0);
}

/* ---- status ------------------------------------------------------------------------------------------ */

PetscErrorCode neurlp_batch_finish(neurlp_petsc_batch *b, neurlp_status status) {
  const MPI_Comm comm = neurlp_batch_comm(b);
  PetscFunctionBegin;
  status = neurlp_agree(comm, b->context, status);
  NEURLP_PETSC_CALL(comm, b->context, status);
  b->failed = 0;
  if (status == NEURLP_SUCCESS) PetscFunctionReturn(0);
  for (int64_t s = 0; s < b->shape.systems; s++) b->failed += b->status[s] != NEURLP_SUCCESS;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &b->failed, 1, MPIU_INT, MPI_SUM, comm));
  PetscCheck(!b->error_if_failed, comm, PETSC_ERR_NOT_CONVERGED,
             "%" PetscInt_FMT " of %" PetscInt_FMT " systems failed: %s", b->failed, b->starts[b->ranks],
             neurlp_context_message(b->context));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_get_status(neurlp_petsc_batch *batch, PetscInt *failed,
                                             const neurlp_status **status) {
  PetscFunctionBegin;
  if (failed) *failed = batch->failed;
  if (status) *status = batch->status;
  PetscFunctionReturn(0);
}
