#include "petsc_link.h"

#include "comm.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef const neurlp_petsc_calls *get_function(void);

static const neurlp_petsc_calls *opened; /* NULL: PETSc has not begun */

void *neurlp_petsc_library(const char **reason) {
  void *library = dlopen("libneurlp_petsc.so", RTLD_NOW | RTLD_LOCAL);
  if (!library) *reason = dlerror();
  return library;
}

/* An address is that of data to dlsym; POSIX says that they can be exchanged so. */
void neurlp_petsc_find(void *library, const char *name, void *function) {
  void *address = dlsym(library, name);
  memcpy(function, &address, sizeof address);
}

/* Local. */
static neurlp_status load(neurlp_context *context, const neurlp_deck *deck, const char *key,
                          const neurlp_petsc_calls **calls) {
  const char *reason = "it is of another version";
  void *library = neurlp_petsc_library(&reason);
  get_function *get = NULL;
  if (library) neurlp_petsc_find(library, "neurlp_petsc_calls_get", &get);
  if (get) {
    *calls = get();
    return NEURLP_SUCCESS;
  }
  return neurlp_deck_fail(context, deck, key, -1, 0,
                          "'%s' asks for PETSc, whose library cannot be loaded: %s; build with NEURLP_PETSC, "
                          "or leave the key out",
                          key, reason);
}

neurlp_status neurlp_petsc_open(MPI_Comm comm, neurlp_context *context, const neurlp_deck *deck,
                                const char *key, const neurlp_petsc_calls **calls) {
  const char *options = neurlp_deck_text(deck, "petsc.options");
  const neurlp_petsc_calls *found = NULL;
  char message[NEURLP_PETSC_MESSAGE] = "";
  neurlp_status status = NEURLP_SUCCESS;
  *calls = opened;
  if (opened) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_agree(comm, context, load(context, deck, key, &found)));
  status = found->begin(comm, options ? options : "", message);
  if (status < 0) status = neurlp_deck_fail(context, deck, "petsc.options", -1, 0, "%s", message);
  NEURLP_TRY(neurlp_agree(comm, context, status));
  *calls = opened = found;
done:
  return status;
}

void neurlp_petsc_close(bool speak) {
  char left[1024] = "";
  if (!opened) return;
  opened->end(left, sizeof left);
  opened = NULL;
  if (speak && *left)
    fprintf(stderr,
            "neurlp: petsc.options: nothing in this run has looked for %s; is it misspelt, or its prefix?\n",
            left);
}
