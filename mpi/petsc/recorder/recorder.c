#include "petsc/recorder/recorder.h"

#include <petsc/private/tsimpl.h>
#include <string.h>

enum { MOST_LISTED = 100000, MOST_NAMES = 1000, DEFAULT_FLUSH = 16 };

typedef struct recorder {
  TS ts; /* borrowed */
  recorder_choice choice;
  recorder_layout layout;
  recorder_file file;
  char path[PETSC_MAX_PATH_LEN], unit[128], time_unit[128];
  PetscInt stride, flush;
  PetscBool with_implicit;
  recorder_implicit implicit;
  PetscInt mode;          /* recorder_mode */
  PetscBool recording;    /* the layout and the file are there */
  int64_t held;           /* samples that are not written yet */
  double *times, *values; /* [flush], [owned][flush][D] */
  double *inputs;         /* as values; NULL: none */
  double last;            /* time of the last sample */
} recorder;

static const char *const known_options[] = {
    "ts_trajectory_neurlp_file",  "ts_trajectory_neurlp_components", "ts_trajectory_neurlp_points",
    "ts_trajectory_neurlp_names", "ts_trajectory_neurlp_stride",     "ts_trajectory_neurlp_flush",
    "ts_trajectory_neurlp_mode",  "ts_trajectory_neurlp_fields",     "ts_trajectory_neurlp_implicit",
    "ts_trajectory_neurlp_unit",  "ts_trajectory_neurlp_time_unit",  NULL};
static const char *const modes[] = {"new", "append", "overwrite"};

/* Options that are lists; memory for as many as there may be, cut to what there is. */
static PetscErrorCode read_lists(recorder *r, neurlp_petsc_options PetscOptionsObject) {
  PetscInt most = MOST_LISTED, points = MOST_LISTED, names = MOST_NAMES;
  PetscBool set;
  PetscFunctionBegin;
  if (!r->choice.points) {
    PetscCall(PetscMalloc1(MOST_LISTED, &r->choice.points));
    PetscCall(PetscMalloc1(MOST_LISTED, &r->choice.components));
    PetscCall(PetscCalloc1(MOST_NAMES, &r->choice.names));
  }
  PetscCall(PetscOptionsIntArray("-ts_trajectory_neurlp_components",
                                 "Components of each point to record (all)", "docs/petsc.md",
                                 r->choice.components, &most, &set));
  if (set) r->choice.component_count = most;
  PetscCall(PetscOptionsIntArray("-ts_trajectory_neurlp_points",
                                 "Points to record, increasing: 0,5,10-20 (10 to 19) (all)", "docs/petsc.md",
                                 r->choice.points, &points, &set));
  if (set) r->choice.point_count = points;
  if (r->choice.name_count == 0) {
    PetscCall(PetscOptionsStringArray("-ts_trajectory_neurlp_names",
                                      "Names of the components that are recorded", "docs/petsc.md",
                                      r->choice.names, &names, &set));
    if (set) r->choice.name_count = names;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode set_from_options(TSTrajectory trajectory, neurlp_petsc_options PetscOptionsObject) {
  recorder *r = trajectory->data;
  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "Recording for NeuRLP");
  PetscCall(PetscOptionsString("-ts_trajectory_neurlp_file", "File to record into, HDF5", "docs/petsc.md",
                               r->path, r->path, sizeof r->path, NULL));
  PetscCall(read_lists(r, PetscOptionsObject));
  PetscCall(PetscOptionsRangeInt("-ts_trajectory_neurlp_stride", "Record every so many steps",
                                 "docs/petsc.md", r->stride, &r->stride, NULL, 1, PETSC_MAX_INT));
  PetscCall(PetscOptionsRangeInt("-ts_trajectory_neurlp_flush", "Write every so many samples",
                                 "docs/petsc.md", r->flush, &r->flush, NULL, 1, 100000));
  PetscCall(PetscOptionsEList("-ts_trajectory_neurlp_mode",
                              "What to do if the file exists: fail, go on, replace", "docs/petsc.md", modes,
                              3, modes[r->mode], &r->mode, NULL));
  PetscCall(PetscOptionsRangeInt("-ts_trajectory_neurlp_fields",
                                 "Numbers of a point, where it is no DMDA "
                                 "(0: block size of the solution)",
                                 "docs/petsc.md", r->choice.fields, &r->choice.fields, NULL, 0,
                                 PETSC_MAX_INT));
  PetscCall(PetscOptionsBool("-ts_trajectory_neurlp_implicit",
                             "Record what the implicit part of the equations adds to u', too",
                             "docs/petsc.md", r->with_implicit, &r->with_implicit, NULL));
  PetscCall(PetscOptionsString("-ts_trajectory_neurlp_unit", "Unit of the states", "docs/petsc.md", r->unit,
                               r->unit, sizeof r->unit, NULL));
  PetscCall(PetscOptionsString("-ts_trajectory_neurlp_time_unit", "Unit of time", "docs/petsc.md",
                               r->time_unit, r->time_unit, sizeof r->time_unit, NULL));
  PetscOptionsHeadEnd();
  if (PetscOptionsObject->count == 1)
    PetscCall(
        neurlp_support_unknown_options((PetscObject)trajectory, "ts_trajectory_neurlp_", known_options));
  PetscFunctionReturn(0);
}

/* Makes the file when the first sample comes: only then are the solution and the time known. */
static PetscErrorCode begin(recorder *r, TSTrajectory trajectory, Vec solution, double time) {
  const char *prefix = ((PetscObject)trajectory)->prefix;
  const MPI_Comm comm = PetscObjectComm((PetscObject)trajectory);
  DM dm = NULL;
  PetscFunctionBegin;
  prefix = prefix ? prefix : "";
  PetscCheck(r->path[0], comm, PETSC_ERR_ARG_NULL,
             "TSTrajectory type neurlp needs the name of a file: -%sts_trajectory_neurlp_file", prefix);
  PetscCall(TSGetDM(r->ts, &dm));
  PetscCall(neurlp_recorder_layout_create(&r->choice, dm, solution, prefix, &r->layout));
  PetscCall(neurlp_support_context(comm, &r->file.context));
  PetscCall(PetscMalloc1(r->flush, &r->times));
  PetscCall(PetscMalloc1((size_t)(r->layout.owned * r->flush * r->layout.components), &r->values));
  if (r->with_implicit) {
    PetscCall(PetscMalloc1((size_t)(r->layout.owned * r->flush * r->layout.components), &r->inputs));
    PetscCall(neurlp_recorder_implicit_create(r->ts, time, solution, prefix, &r->implicit));
  }
  r->file.layout = &r->layout;
  r->file.path = r->path;
  r->file.unit = r->unit;
  r->file.time_unit = r->time_unit;
  r->file.chunk = r->flush;
  r->file.inputs_too = r->with_implicit;
  PetscCall(neurlp_recorder_file_open(&r->file, (recorder_mode)r->mode, time));
  r->recording = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode write_held(recorder *r) {
  const int64_t held = r->held;
  PetscFunctionBegin;
  r->held = 0; /* also if it fails: nobody tries again while the program ends */
  if (held > 0)
    PetscCall(neurlp_recorder_file_write(&r->file, held, r->flush, r->times, r->values, r->inputs));
  PetscFunctionReturn(0);
}

/* Called by TSSolve() with the initial state and after every step that is accepted. */
static PetscErrorCode record(TSTrajectory trajectory, TS ts, PetscInt step, PetscReal time, Vec solution) {
  recorder *r = trajectory->data;
  PetscFunctionBegin;
  if (r->recording && time == r->last) PetscFunctionReturn(0); /* TSSolve() again, from where it ended */
  if (step % r->stride != 0) PetscFunctionReturn(0);
  if (!r->recording)
    PetscCall(begin(r, trajectory, solution, time));
  else
    PetscCheck(time > r->last, r->layout.comm, PETSC_ERR_ARG_WRONGSTATE,
               "time goes from %g back to %g, and a recording has increasing times; record the second "
               "simulation into a file of its own (TSRemoveTrajectory(), TSSetSaveTrajectory())",
               r->last, (double)time);
  const int64_t width = r->flush * r->layout.components, place = r->held * r->layout.components;
  PetscCall(neurlp_recorder_layout_take(&r->layout, solution, width, r->values + place));
  if (r->with_implicit) {
    PetscCall(neurlp_recorder_implicit_compute(ts, time, solution, &r->implicit));
    PetscCall(neurlp_recorder_layout_take(&r->layout, r->implicit.term, width, r->inputs + place));
  }
  r->times[r->held++] = r->last = time;
  if (r->held == r->flush) PetscCall(write_held(r));
  PetscFunctionReturn(0);
}

static PetscErrorCode get(TSTrajectory trajectory, TS ts, PetscInt step, PetscReal *time) {
  PetscFunctionBegin;
  (void)ts, (void)step, (void)time;
  SETERRQ(PetscObjectComm((PetscObject)trajectory), PETSC_ERR_SUP,
          "TSTrajectory type neurlp only records; for adjoints use -ts_trajectory_type memory");
}

static PetscErrorCode destroy(TSTrajectory trajectory) {
  recorder *r = trajectory->data;
  PetscFunctionBegin;
  if (r->recording) PetscCall(write_held(r));
  PetscCall(neurlp_recorder_file_close(&r->file));
  PetscCall(neurlp_recorder_layout_destroy(&r->layout));
  PetscCall(neurlp_recorder_implicit_destroy(&r->implicit));
  neurlp_context_destroy(&r->file.context);
  for (PetscInt k = 0; k < r->choice.name_count; k++) PetscCall(PetscFree(r->choice.names[k]));
  PetscCall(PetscFree(r->choice.names));
  PetscCall(PetscFree(r->choice.components));
  PetscCall(PetscFree(r->choice.points));
  PetscCall(PetscFree(r->times));
  PetscCall(PetscFree(r->values));
  PetscCall(PetscFree(r->inputs));
  PetscCall(PetscFree(trajectory->data));
  PetscFunctionReturn(0);
}

static PetscErrorCode view(TSTrajectory trajectory, PetscViewer viewer) {
  const recorder *r = trajectory->data;
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  records into %s, every %" PetscInt_FMT " steps\n",
                                   r->path[0] ? r->path : "(no file yet)", r->stride));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_recorder_create(TSTrajectory trajectory, TS ts) {
  recorder *r;
  PetscFunctionBegin;
  PetscCall(PetscNew(&r));
  r->ts = ts;
  r->stride = 1;
  r->flush = DEFAULT_FLUSH;
  r->file.id = r->file.time = r->file.states = r->file.inputs = r->file.length = -1;
  PetscCall(PetscStrncpy(r->unit, "1", sizeof r->unit));
  PetscCall(PetscStrncpy(r->time_unit, "1", sizeof r->time_unit));
  trajectory->data = r;
  trajectory->ops->set = record;
  trajectory->ops->get = get;
  trajectory->ops->setfromoptions = set_from_options;
  trajectory->ops->destroy = destroy;
  trajectory->ops->view = view;
  PetscFunctionReturn(0);
}
