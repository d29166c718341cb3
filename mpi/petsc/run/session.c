/* Beginning and end of PETSc in the program `neurlp`, which hands parts of a run over to it. */
#include "petsc/run/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PetscBool mine; /* PETSc was initialised here */
static char trouble[NEURLP_PETSC_MESSAGE];

static PetscErrorCode keep_trouble(MPI_Comm comm, int line, const char *function, const char *file,
                                   PetscErrorCode code, PetscErrorType type, const char *text, void *user) {
  (void)comm;
  (void)line;
  (void)file;
  (void)user;
  if (type == PETSC_ERROR_INITIAL) {
    const char *general = NULL;
    if (!text || !*text) PetscErrorMessage((int)code, &general, NULL);
    snprintf(trouble, sizeof trouble, "%s: %s", function, general ? general : text && *text ? text : "error");
    for (char *c = trouble; *c; c++)
      if (*c == '\n') *c = ' ';
  }
  return code;
}

PetscErrorCode neurlp_session_listen(void) {
  trouble[0] = '\0';
  return PetscPushErrorHandler(keep_trouble, NULL);
}

PetscErrorCode neurlp_session_rest(void) {
  return PetscPopErrorHandler();
}

neurlp_status neurlp_session_status(PetscErrorCode code, const char *what, char *message) {
  if (!code) return NEURLP_SUCCESS;
  snprintf(message, NEURLP_PETSC_MESSAGE, "%s: PETSc's error %d, %.400s", what, (int)code,
           *trouble ? trouble : "without a word");
  return code == PETSC_ERR_MEM ? NEURLP_ERROR_MEMORY : NEURLP_ERROR_DECK;
}

/* PETSC_OPTIONS is the one variable that PETSc looks at by itself. */
PetscErrorCode neurlp_session_initialise(MPI_Comm comm) {
  PetscErrorCode code = PetscOptionsSetValue(NULL, "-no_signal_handler", "true");
  if (!code) code = PetscOptionsSetValue(NULL, "-skip_petscrc", "true");
  if (code) return code;
  PETSC_COMM_WORLD = comm;
  unsetenv("PETSC_OPTIONS");
  return PetscInitializeNoArguments();
}

static neurlp_status begin(MPI_Comm comm, const char *options, char *message) {
  PetscBool there = PETSC_FALSE;
  PetscErrorCode code = PetscInitialized(&there);
  if (!code && !there) {
    code = neurlp_session_initialise(comm);
    mine = code ? PETSC_FALSE : PETSC_TRUE;
  }
  if (code) return neurlp_session_status(code, "PETSc cannot be initialised", message);
  code = neurlp_session_listen();
  if (!code) code = PetscOptionsInsertString(NULL, options);
  const neurlp_status status = neurlp_session_status(code, "petsc.options", message);
  (void)neurlp_session_rest();
  return status;
}

/* What is PETSc's own business, and was set here. */
static bool is_ours(const char *name) {
  return strcmp(name, "no_signal_handler") == 0 || strcmp(name, "skip_petscrc") == 0 ||
         strcmp(name, "options_left") == 0 || strncmp(name, "log_view", strlen("log_view")) == 0;
}

static void list_left(char *left, int32_t bytes) {
  char **names = NULL, **values = NULL;
  PetscInt count = 0;
  size_t length = 0;
  if (PetscOptionsLeftGet(NULL, &count, &names, &values)) return;
  for (PetscInt i = 0; i < count && length < (size_t)bytes; i++)
    if (!is_ours(names[i]))
      length += (size_t)snprintf(left + length, (size_t)bytes - length, "%s-%s%s%s", length > 0 ? ", " : "",
                                 names[i], values[i] && *values[i] ? " " : "", values[i] ? values[i] : "");
  (void)PetscOptionsLeftRestore(NULL, &count, &names, &values);
}

static void end(char *left, int32_t bytes) {
  *left = '\0';
  list_left(left, bytes);
  (void)PetscOptionsSetValue(NULL, "-options_left", "no"); /* it has been said */
  if (mine) (void)PetscFinalize();
  mine = PETSC_FALSE;
}

const neurlp_petsc_calls *neurlp_petsc_calls_get(void) {
  static const neurlp_petsc_calls calls = {.begin = begin,
                                           .end = end,
                                           .integrate = neurlp_petsc_integrate,
                                           .minimise = neurlp_petsc_minimise,
                                           .fit = neurlp_petsc_fit};
  return &calls;
}
