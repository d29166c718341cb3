/* The recorder: a TSTrajectory type that streams what a simulation does into a data set for `neurlp run`.
 *   recorder.c           the type: options, what is called at each step
 *   recorder_implicit.c  what the implicit part of the equations adds to u'
 *   recorder_layout.c    which numbers of a Vec are recorded, and by whom
 *   recorder_file.c      the file */
#ifndef NEURLP_MPI_PETSC_RECORDER_H
#define NEURLP_MPI_PETSC_RECORDER_H

#include "file/array_file_parts.h"
#include "petsc/support.h"

/* What the user asks for. A count of 0 stands for all. */
typedef struct recorder_choice {
  PetscInt fields; /* of a point in a Vec without a DMDA; 0: its block size */
  PetscInt *components, component_count;
  PetscInt *points, point_count;
  char **names; /* of the components that are recorded */
  PetscInt name_count;
} recorder_choice;

/* Which numbers are recorded. Points of a DMDA are counted in its natural ordering (x fastest), so that a
 * file does not depend on the number of ranks. */
typedef struct recorder_layout {
  MPI_Comm comm;
  PetscInt fields;      /* of each point in the Vec */
  PetscInt components;  /* D: those that are recorded */
  PetscInt *component;  /* [D] */
  char **names;         /* [D] */
  int64_t systems;      /* S: points that are recorded, of all ranks */
  int64_t first, owned; /* this rank's among them */
  PetscInt *point;      /* [owned] where they are on this rank */
  int64_t *number;      /* [owned] which point of the simulation */
  DM da;                /* NULL: not a DMDA; borrowed */
  Vec natural;          /* for a DMDA: the solution in natural ordering */
  int32_t space;        /* coordinates of a point, 0: none are known */
  double *coordinates;  /* [owned][space] */
} recorder_layout;

/* Collective. Makes the layout of this Vec; errors name the option that asks for what is not there. */
PetscErrorCode neurlp_recorder_layout_create(const recorder_choice *choice, DM dm, Vec solution,
                                             const char *prefix, recorder_layout *layout);
PetscErrorCode neurlp_recorder_layout_destroy(recorder_layout *layout);

/* Collective. values[i * stride + k] = component k of recorded point i of this rank. */
PetscErrorCode neurlp_recorder_layout_take(recorder_layout *layout, Vec solution, int64_t stride,
                                           double *values);

typedef enum recorder_mode { RECORDER_NEW, RECORDER_APPEND, RECORDER_OVERWRITE } recorder_mode;

/* An open file. `samples` rows of time are in it, all complete. */
typedef struct recorder_file {
  const recorder_layout *layout;
  neurlp_context *context;
  char *path, folder[PETSC_MAX_PATH_LEN];
  const char *unit, *time_unit; /* borrowed */
  PetscBool inputs_too;         /* there are inputs, too: one for each component, called NAME_implicit */
  int64_t chunk;                /* samples that are written at once */
  int64_t samples;
  hid_t id, time, states, inputs, length; /* -1: closed; not there */
} recorder_file;

/* Collective. Makes the file, or opens one that has the same points and names and keeps what is in it before
 * `time`. An existing file is an error for RECORDER_NEW. */
PetscErrorCode neurlp_recorder_file_open(recorder_file *file, recorder_mode mode, double time);

/* Collective. Adds `count` samples, and leaves the file so that a program that is killed now, or while the
 * next samples are being written, leaves them behind: times [count], values and, if there are any, inputs
 * [owned][capacity][D]. */
PetscErrorCode neurlp_recorder_file_write(recorder_file *file, int64_t count, int64_t capacity,
                                          const double *times, const double *values, const double *inputs);

/* Collective. Safe on a file that is closed. */
PetscErrorCode neurlp_recorder_file_close(recorder_file *file);

/* The implicit part of u_t = G(t, u) + f(t, u), which the program gives as F(t, u, u_t) = u_t - f(t, u). */
typedef struct recorder_implicit {
  Vec rest, term; /* u_t = 0; f(t, u). NULL: not asked for */
} recorder_implicit;

/* Collective. Tries F out at this state: an error if there is none, or if it is not u_t - f(t, u). */
PetscErrorCode neurlp_recorder_implicit_create(TS ts, double time, Vec solution, const char *prefix,
                                               recorder_implicit *implicit);
/* Collective. implicit->term = f(t, u). */
PetscErrorCode neurlp_recorder_implicit_compute(TS ts, double time, Vec solution,
                                                recorder_implicit *implicit);
PetscErrorCode neurlp_recorder_implicit_destroy(recorder_implicit *implicit);

/* Constructor of the TSTrajectory type "neurlp". */
PetscErrorCode neurlp_recorder_create(TSTrajectory trajectory, TS ts);

#endif
