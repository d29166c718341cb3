#include "log_view.h"

#include "command/command.h"
#include "petsc_link.h"

#include <stdio.h>
#include <string.h>

/* mpi/petsc/run/log.c: what is asked of the library. They return 0, or an error that PETSc has said. */
typedef int begin_function(const char *viewer);
typedef int stage_function(const char *name);
typedef int end_function(void);

static stage_function *stage;
static end_function *end;

bool neurlp_log_view_asked(int *argc, char **argv, const char **viewer) {
  static const char option[] = "--log-view";
  const size_t length = sizeof option - 1;
  for (int i = 1; i < *argc; i++) {
    if (strncmp(argv[i], option, length) != 0 || (argv[i][length] != '\0' && argv[i][length] != '='))
      continue;
    *viewer = argv[i][length] == '=' ? argv[i] + length + 1 : "";
    for (int k = i; k + 1 < *argc; k++) argv[k] = argv[k + 1];
    argv[--*argc] = NULL;
    return true;
  }
  return false;
}

int neurlp_log_view_open(int rank, const char *viewer) {
  begin_function *begin = NULL;
  const char *reason = NULL;
  void *library = neurlp_petsc_library(&reason);
  if (library) {
    neurlp_petsc_find(library, "neurlp_petsc_log_begin", &begin);
    neurlp_petsc_find(library, "neurlp_petsc_log_stage", &stage);
    neurlp_petsc_find(library, "neurlp_petsc_log_end", &end);
  }
  if (!begin || !stage || !end) {
    if (rank == 0)
      fprintf(stderr,
              "neurlp: error: --log-view needs the library for PETSc, which cannot be loaded: %s; build with "
              "NEURLP_PETSC, or read the table of phases that closes a run without it\n",
              reason ? reason : "it has no log");
    stage = NULL;
    end = NULL;
    return NEURLP_EXIT_DECK;
  }
  if (begin(viewer) == 0) return NEURLP_EXIT_DONE;
  end = NULL;
  stage = NULL;
  return NEURLP_EXIT_INTERNAL;
}

void neurlp_log_view_stage(const char *name) {
  if (stage) (void)stage(name); /* what goes wrong in a log is no reason to end a run; PETSc has said it */
}

void neurlp_log_view_close(void) {
  if (end) (void)end();
  end = NULL;
  stage = NULL;
}
