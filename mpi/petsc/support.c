#include "petsc/support.h"

#include "deck/deck_names.h"

#include <petsc/private/petscimpl.h>
#include <stdlib.h>
#include <string.h>

PetscErrorCode neurlp_support_code(neurlp_status status) {
  switch (status) {
  case NEURLP_ERROR_MEMORY:
    return PETSC_ERR_MEM;
  case NEURLP_ERROR_ARGUMENT:
  case NEURLP_ERROR_SYNTAX:
  case NEURLP_ERROR_DECK:
    return PETSC_ERR_ARG_OUTOFRANGE;
  case NEURLP_ERROR_DATA:
    return PETSC_ERR_FILE_UNEXPECTED;
  case NEURLP_ERROR_IO:
    return PETSC_ERR_FILE_WRITE;
  default:
    return PETSC_ERR_LIB;
  }
}

/* A program with other numbers or indices brings its own library of PETSc, whose functions then come first.
 */
PetscErrorCode neurlp_support_check_petsc(void) {
  PetscInt major = 0, minor = 0, subminor = 0, release = 0;
  PetscDataType scalar = PETSC_DOUBLE;
  PetscBool known = PETSC_FALSE;
  size_t index_bytes = 0;
  PetscFunctionBegin;
  PetscCall(PetscDataTypeGetSize(PETSC_INT, &index_bytes));
  PetscCheck(index_bytes == sizeof(PetscInt), PETSC_COMM_WORLD, PETSC_ERR_SUP,
             "NeuRLP's plug-in was built for a PETSc with %d-bit indices, and this one has %d bits; build it "
             "against the program's PETSc",
             (int)(8 * sizeof(PetscInt)), (int)(8 * index_bytes));
  PetscCall(PetscGetVersionNumber(&major, &minor, &subminor, &release));
  PetscCheck(major == PETSC_VERSION_MAJOR && minor == PETSC_VERSION_MINOR, PETSC_COMM_WORLD, PETSC_ERR_SUP,
             "NeuRLP's plug-in was built for PETSc %d.%d, and this is PETSc %d.%d.%d; build it against the "
             "program's PETSc",
             PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, (int)major, (int)minor, (int)subminor);
  PetscCall(PetscDataTypeFromString("scalar", &scalar, &known));
  PetscCheck(
      known && scalar == PETSC_DOUBLE, PETSC_COMM_WORLD, PETSC_ERR_SUP,
      "NeuRLP's plug-in needs a PETSc whose numbers are real and of double precision, and those of this "
      "one are of type %s",
      known ? PetscDataTypes[scalar] : "unknown");
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_support_context(MPI_Comm comm, neurlp_context **context) {
  PetscFunctionBegin;
  const int mine = neurlp_context_create(getenv("OMP_NUM_THREADS") ? 0 : 1, context);
  int worst = mine;
  PetscCallMPI(MPI_Allreduce(&mine, &worst, 1, MPI_INT, MPI_MIN, comm));
  PetscCheck(worst >= 0, comm, neurlp_support_code((neurlp_status)worst), "NeuRLP: %s",
             neurlp_status_sentence((neurlp_status)worst));
  PetscFunctionReturn(0);
}

/* Complains about one option that nobody has looked for. */
static PetscErrorCode unknown_option(PetscObject object, const char *name, const char *const *known) {
  const char *prefix = object->prefix ? object->prefix : "";
  neurlp_name_search search = {.written = name + strlen(prefix)};
  char list[1024] = "";
  PetscFunctionBegin;
  for (const char *const *one = known; *one; one++) {
    neurlp_name_offer(&search, *one);
    PetscCall(PetscStrlcat(list, " -", sizeof list));
    PetscCall(PetscStrlcat(list, prefix, sizeof list));
    PetscCall(PetscStrlcat(list, *one, sizeof list));
  }
  PetscCheck(!search.nearest, object->comm, PETSC_ERR_ARG_UNKNOWN_TYPE,
             "unknown option -%s; did you mean -%s%s?", name, prefix, search.nearest);
  SETERRQ(object->comm, PETSC_ERR_ARG_UNKNOWN_TYPE, "unknown option -%s; there are:%s", name, list);
}

PetscErrorCode neurlp_support_unknown_options(PetscObject object, const char *start,
                                              const char *const *known) {
  char **names = NULL, **values = NULL, whole[256];
  const char *wrong = NULL;
  PetscInt count = 0;
  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(whole, sizeof whole, "%s%s", object->prefix ? object->prefix : "", start));
  PetscCall(PetscOptionsLeftGet(object->options, &count, &names, &values));
  for (PetscInt i = 0; i < count && !wrong; i++)
    if (strncmp(names[i], whole, strlen(whole)) == 0) wrong = names[i];
  PetscCall(PetscOptionsLeftRestore(object->options, &count, &names, &values)); /* not what they point to */
  if (wrong) PetscCall(unknown_option(object, wrong, known));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_support_points(Vec vector, PetscInt block_size, const char *option, PetscInt *fields,
                                     PetscInt *first, PetscInt *count) {
  PetscInt begin, end, size;
  const MPI_Comm comm = PetscObjectComm((PetscObject)vector);
  PetscFunctionBegin;
  PetscCall(VecGetBlockSize(vector, fields));
  if (block_size > 0) *fields = block_size;
  PetscCall(VecGetSize(vector, &size));
  PetscCall(VecGetOwnershipRange(vector, &begin, &end));
  const int whole = begin % *fields == 0 && end % *fields == 0;
  int all = whole;
  PetscCallMPI(MPI_Allreduce(&whole, &all, 1, MPI_INT, MPI_MIN, comm));
  PetscCheck(all, comm, PETSC_ERR_ARG_SIZ,
             "a vector of %" PetscInt_FMT " numbers does not consist of points with %" PetscInt_FMT
             " fields, each on one rank; say how many a point has by VecSetBlockSize() or %s",
             size, *fields, option);
  *first = begin / *fields;
  *count = (end - begin) / *fields;
  PetscFunctionReturn(0);
}
