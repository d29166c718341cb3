/* The file of a recording: a data set [S][T][D] that grows along T. What a killed program leaves is readable
 * because of an order: samples are written and flushed first, then `length` says that they are there; a
 * reader ignores what is after it. A file that is closed in good order has no `length`. */
#include "petsc/recorder/recorder.h"

#include "comm.h"
#include "data/data_set_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCHEMA_VERSION = 1, TIME_CHUNK = 1024 };

/* HDF5 complains for itself by default; while we work it does not, but the program may want it to. */
typedef struct hdf5_voice {
  H5E_auto2_t function;
  void *data;
} hdf5_voice;

static hdf5_voice silence(void) {
  hdf5_voice voice = {0};
  H5Eget_auto2(H5E_DEFAULT, &voice.function, &voice.data);
  neurlp_hdf5_quiet();
  return voice;
}

static void speak(hdf5_voice voice) {
  H5Eset_auto2(H5E_DEFAULT, voice.function, voice.data);
}

/* An error of HDF5 on this rank. Not agreed upon: other ranks may wait in a transfer, so the program has to
 * end, as it does on a PETSc error of one rank. */
#define CHECK_HDF5(file, result, what)                                                                       \
  PetscCheck((result) >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s: %s could not be written: %s",        \
             (file)->path, what, neurlp_hdf5_reason())

/* The file for functions of array_file.h that describe one. */
static neurlp_array_file as_array_file(recorder_file *file) {
  neurlp_array_file array_file = {.comm = file->layout->comm,
                                  .context = file->context,
                                  .id = file->id,
                                  .path = file->path,
                                  .folder = file->folder};
  MPI_Comm_rank(array_file.comm, &array_file.rank);
  MPI_Comm_size(array_file.comm, &array_file.size);
  return array_file;
}

/* Makes a data set of doubles or of integers, in chunks if one of its extents is to grow. */
static hid_t make_dataset(const recorder_file *file, const char *name, hid_t type, int rank,
                          const hsize_t *extents, const hsize_t *most, const hsize_t *chunk) {
  const hid_t space = H5Screate_simple(rank, extents, most), creation = H5Pcreate(H5P_DATASET_CREATE);
  const double nothing = NAN;
  if (chunk) H5Pset_chunk(creation, rank, chunk);
  H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
  if (H5Tget_class(type) == H5T_FLOAT) H5Pset_fill_value(creation, H5T_NATIVE_DOUBLE, &nothing);
  const hid_t dataset = neurlp_hdf5_noted(
      H5Dcreate2(file->id, name, H5Tget_class(type) == H5T_FLOAT ? H5T_IEEE_F64LE : H5T_STD_I64LE, space,
                 H5P_DEFAULT, creation, H5P_DEFAULT));
  H5Pclose(creation);
  H5Sclose(space);
  return dataset;
}

/* Collective. Writes a block of a data set, from memory whose rows are [capacity] along the second extent; a
 * rank without rows passes count[0] = 0. */
static herr_t write_block(hid_t dataset, hid_t type, int rank, const hsize_t *start, const hsize_t *count,
                          hsize_t capacity, const void *values) {
  hsize_t room[3] = {count[0], count[rank > 1 ? 1 : 0], count[rank > 2 ? 2 : 0]};
  const hsize_t zero[3] = {0};
  const double nothing = 0;
  if (rank > 1) room[1] = capacity;
  const bool empty = count[0] == 0;
  if (empty) room[0] = 1;
  const hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(rank, room, NULL);
  const hid_t transfer = neurlp_hdf5_collective();
  if (empty) {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  } else {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
    H5Sselect_hyperslab(memory, H5S_SELECT_SET, zero, NULL, count, NULL);
  }
  const herr_t result =
      (herr_t)neurlp_hdf5_noted(H5Dwrite(dataset, type, memory, space, transfer, empty ? &nothing : values));
  H5Pclose(transfer);
  H5Sclose(memory);
  H5Sclose(space);
  return result;
}

/* `point` [S] and, where they are known, `coordinates` [S][space]. */
static PetscErrorCode write_points(recorder_file *file) {
  const recorder_layout *layout = file->layout;
  const hsize_t extents[] = {(hsize_t)layout->systems, (hsize_t)layout->space};
  const hsize_t start[] = {(hsize_t)layout->first, 0};
  const hsize_t count[] = {(hsize_t)layout->owned, (hsize_t)layout->space};
  PetscFunctionBegin;
  hid_t dataset = make_dataset(file, "point", H5T_NATIVE_INT64, 1, extents, NULL, NULL);
  CHECK_HDF5(file, dataset, "point");
  CHECK_HDF5(file, write_block(dataset, H5T_NATIVE_INT64, 1, start, count, 1, layout->number), "point");
  CHECK_HDF5(file, neurlp_hdf5_attribute_text(dataset, "long_name", "number of each point in the simulation"),
             "point");
  H5Dclose(dataset);
  if (layout->space == 0) PetscFunctionReturn(0);
  dataset = make_dataset(file, "coordinates", H5T_NATIVE_DOUBLE, 2, extents, NULL, NULL);
  CHECK_HDF5(file, dataset, "coordinates");
  CHECK_HDF5(
      file,
      write_block(dataset, H5T_NATIVE_DOUBLE, 2, start, count, (hsize_t)layout->space, layout->coordinates),
      "coordinates");
  CHECK_HDF5(file, neurlp_hdf5_attribute_text(dataset, "long_name", "where each point is"), "coordinates");
  H5Dclose(dataset);
  PetscFunctionReturn(0);
}

/* Where the data come from, in the root's attributes. */
static PetscErrorCode write_provenance(recorder_file *file) {
  char line[4096] = "", version[256];
  char **arguments;
  int count;
  neurlp_array_file array_file = as_array_file(file);
  PetscFunctionBegin;
  PetscCall(PetscGetArgs(&count, &arguments));
  for (int i = 0; i < count; i++) {
    if (i > 0) PetscCall(PetscStrlcat(line, " ", sizeof line));
    PetscCall(PetscStrlcat(line, arguments[i], sizeof line));
  }
  PetscCall(PetscGetVersion(version, sizeof version));
  NEURLP_PETSC_CALL(
      file->layout->comm, file->context,
      neurlp_array_file_provenance(&array_file, "neurlp data set", SCHEMA_VERSION, line, NULL, 0));
  NEURLP_PETSC_CALL(file->layout->comm, file->context,
                    neurlp_array_attribute_text(&array_file, "/", "petsc", version));
  PetscFunctionReturn(0);
}

/* What describes the array `inputs`, and its names: those of the components, each with _implicit. */
static PetscErrorCode describe_inputs(recorder_file *file) {
  const recorder_layout *layout = file->layout;
  neurlp_array_file array_file = as_array_file(file);
  const neurlp_array inputs = {.path = "inputs",
                               .rank = 3,
                               .extents = {layout->systems, 0, layout->components},
                               .long_name = "what the implicit part of the equations adds to the derivative",
                               .scales = {"system", "time", "input_names"}};
  char **names;
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(layout->components, &names));
  for (PetscInt k = 0; k < layout->components; k++) {
    const size_t bytes = strlen(layout->names[k]) + sizeof "_implicit";
    PetscCall(PetscMalloc1(bytes, &names[k]));
    snprintf(names[k], bytes, "%s_implicit", layout->names[k]);
  }
  neurlp_status status = neurlp_array_write_texts(&array_file, "input_names", "names of the inputs",
                                                  layout->components, (const char *const *)names);
  neurlp_verify_release(&array_file);
  for (PetscInt k = 0; k < layout->components; k++) PetscCall(PetscFree(names[k]));
  PetscCall(PetscFree(names));
  if (status >= 0) status = neurlp_array_describe(&array_file, file->inputs, &inputs);
  NEURLP_PETSC_CALL(layout->comm, file->context, status);
  PetscFunctionReturn(0);
}

/* Names, units and dimension scales, once the arrays are there. */
static PetscErrorCode describe(recorder_file *file) {
  const recorder_layout *layout = file->layout;
  neurlp_array_file array_file = as_array_file(file);
  const neurlp_array time = {.path = "time",
                             .rank = 1,
                             .extents = {0},
                             .units = file->time_unit,
                             .long_name = "time of each sample",
                             .scales = {"time"}};
  const neurlp_array states = {.path = "states",
                               .rank = 3,
                               .extents = {layout->systems, 0, layout->components},
                               .units = file->unit,
                               .long_name = "state of each point at each time",
                               .scales = {"system", "time", "names"}};
  PetscFunctionBegin;
  const neurlp_status names = neurlp_array_write_texts(
      &array_file, "names", "names of the states", layout->components, (const char *const *)layout->names);
  neurlp_verify_release(&array_file);
  NEURLP_PETSC_CALL(layout->comm, file->context, names);
  NEURLP_PETSC_CALL(layout->comm, file->context, neurlp_array_describe(&array_file, file->time, &time));
  NEURLP_PETSC_CALL(layout->comm, file->context, neurlp_array_describe(&array_file, file->states, &states));
  if (file->inputs_too) PetscCall(describe_inputs(file));
  PetscFunctionReturn(0);
}

/* The array `length` [S], which says that `samples` are complete. */
static PetscErrorCode write_length(recorder_file *file, int64_t samples) {
  const recorder_layout *layout = file->layout;
  const hsize_t extents[] = {(hsize_t)layout->systems};
  const hsize_t start[] = {(hsize_t)layout->first}, count[] = {(hsize_t)layout->owned};
  int64_t *values;
  PetscFunctionBegin;
  if (file->length < 0) file->length = make_dataset(file, "length", H5T_NATIVE_INT64, 1, extents, NULL, NULL);
  CHECK_HDF5(file, file->length, "length");
  PetscCall(PetscMalloc1((size_t)layout->owned, &values));
  for (int64_t i = 0; i < layout->owned; i++) values[i] = samples;
  const herr_t result = write_block(file->length, H5T_NATIVE_INT64, 1, start, count, 1, values);
  PetscCall(PetscFree(values));
  CHECK_HDF5(file, result, "length");
  PetscFunctionReturn(0);
}

static PetscErrorCode create(recorder_file *file) {
  const recorder_layout *layout = file->layout;
  const hsize_t systems = (hsize_t)layout->systems, components = (hsize_t)layout->components;
  const hsize_t row_bytes = (hsize_t)file->chunk * components * sizeof(double);
  const hsize_t rows = row_bytes >= NEURLP_CHUNK_BYTES ? 1 : NEURLP_CHUNK_BYTES / row_bytes;
  const hsize_t none[] = {0}, unlimited[] = {H5S_UNLIMITED}, time_chunk[] = {TIME_CHUNK};
  const hsize_t extents[] = {systems, 0, components}, most[] = {systems, H5S_UNLIMITED, components};
  const hsize_t chunk[] = {rows < systems ? rows : systems, (hsize_t)file->chunk, components};
  PetscFunctionBegin;
  file->id = neurlp_hdf5_create_together(layout->comm, file->path);
  PetscCheck(file->id >= 0, layout->comm, PETSC_ERR_FILE_OPEN, "%s cannot be made: %s", file->path,
             neurlp_hdf5_reason());
  file->time = make_dataset(file, "time", H5T_NATIVE_DOUBLE, 1, none, unlimited, time_chunk);
  file->states = make_dataset(file, "states", H5T_NATIVE_DOUBLE, 3, extents, most, chunk);
  CHECK_HDF5(file, file->time, "time");
  CHECK_HDF5(file, file->states, "states");
  if (file->inputs_too) {
    file->inputs = make_dataset(file, "inputs", H5T_NATIVE_DOUBLE, 3, extents, most, chunk);
    CHECK_HDF5(file, file->inputs, "inputs");
  }
  PetscCall(describe(file));
  PetscCall(write_points(file));
  PetscCall(write_provenance(file));
  PetscCall(write_length(file, 0));
  PetscFunctionReturn(0);
}

/* What rank 0 finds in a file that is to go on. */
typedef struct recorded {
  int64_t systems, samples, components, keep;
  char why[1024]; /* why it cannot go on; "": it can */
} recorded;

/* Looks at names and points; false, and why, if they are others. */
static bool same_content(recorder_file *file, hid_t id, recorded *found, const int64_t *points) {
  const recorder_layout *layout = file->layout;
  const int64_t D = layout->components, S = layout->systems;
  char **names = calloc((size_t)D, sizeof *names);
  int64_t *numbers = calloc((size_t)S, sizeof *numbers);
  bool same = names && numbers;
  if (same && neurlp_texts_read(file->context, id, file->path, "names", D, NEURLP_NAME_BYTES, names) < 0) {
    same = false;
    snprintf(found->why, sizeof found->why, "%s", neurlp_context_message(file->context));
  }
  for (int64_t k = 0; k < D && same; k++)
    if (strcmp(names[k], layout->names[k]) != 0) {
      same = false;
      snprintf(found->why, sizeof found->why, "its component %d is '%.100s', and now it is '%.100s'", (int)k,
               names[k], layout->names[k]);
    }
  const hid_t dataset = same ? H5Dopen2(id, "point", H5P_DEFAULT) : -1;
  if (dataset >= 0 && H5Dread(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) < 0)
    same = false;
  if (dataset >= 0) H5Dclose(dataset);
  same = same && dataset >= 0 && memcmp(numbers, points, (size_t)S * sizeof *numbers) == 0;
  if (!same && !found->why[0])
    snprintf(found->why, sizeof found->why, "it holds other points of the simulation");
  for (int64_t k = 0; names && k < D; k++) neurlp_release(file->context, &names[k]);
  free(names);
  free(numbers);
  return same;
}

/* Inputs have to be there if they are recorded now, and only then; of the size of the states. */
static bool same_inputs(recorder_file *file, hid_t id, const neurlp_numeric *states, recorded *found) {
  neurlp_numeric inputs = {0};
  if (neurlp_numeric_check(file->context, id, file->path, "inputs", false, &inputs) < 0) {
    snprintf(found->why, sizeof found->why, "%s", neurlp_context_message(file->context));
    return false;
  }
  const bool same = inputs.present == (bool)file->inputs_too &&
                    (!inputs.present || (inputs.rank == 3 && memcmp(inputs.extents, states->extents,
                                                                    3 * sizeof *inputs.extents) == 0));
  if (!same)
    snprintf(found->why, sizeof found->why,
             "it has %sinputs, and now there are %s (-ts_trajectory_neurlp_implicit)",
             inputs.present ? "" : "no ", file->inputs_too ? "some" : "none");
  return same;
}

/* Reads all of an array into memory of its own; NULL, and why, if that fails. */
static void *read_whole(recorder_file *file, hid_t id, const char *name, hid_t type, int64_t count,
                        recorded *found) {
  const hid_t dataset = neurlp_hdf5_noted(H5Dopen2(id, name, H5P_DEFAULT));
  void *values = malloc((size_t)(count > 0 ? count : 1) * 8);
  if (!values || dataset < 0 ||
      neurlp_hdf5_noted(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values)) < 0) {
    snprintf(found->why, sizeof found->why, "%s/%s cannot be read: %s", file->path, name,
             values ? neurlp_hdf5_reason() : "there is no memory for it");
    free(values);
    values = NULL;
  }
  if (dataset >= 0) H5Dclose(dataset);
  return values;
}

/* How many samples are complete, and how many of these are before `time`. */
static void count_samples(recorder_file *file, hid_t id, double time, recorded *found) {
  int64_t complete = found->samples;
  if (neurlp_hdf5_exists(id, "length")) {
    int64_t *lengths = read_whole(file, id, "length", H5T_NATIVE_INT64, found->systems, found);
    for (int64_t s = 0; lengths && s < found->systems; s++)
      if (lengths[s] < complete) complete = lengths[s] < 0 ? 0 : lengths[s];
    free(lengths);
  }
  double *times = read_whole(file, id, "time", H5T_NATIVE_DOUBLE, found->samples, found);
  while (times && found->keep < complete && times[found->keep] < time) found->keep++;
  free(times);
}

static void look_into(recorder_file *file, double time, const int64_t *points, recorded *found) {
  const recorder_layout *layout = file->layout;
  neurlp_numeric states = {0}, times = {0};
  hid_t id = -1;
  if (neurlp_data_open_alone(file->context, file->path, &id) < 0 ||
      neurlp_numeric_check(file->context, id, file->path, "states", true, &states) < 0 ||
      neurlp_numeric_check(file->context, id, file->path, "time", true, &times) < 0) {
    snprintf(found->why, sizeof found->why, "%s", neurlp_context_message(file->context));
  } else if (states.rank != 3 || times.rank != 1 || times.extents[0] != states.extents[1] ||
             states.extents[0] != layout->systems || states.extents[2] != layout->components) {
    snprintf(found->why, sizeof found->why,
             "it has %lld points with %lld components, and now there are %lld with %lld",
             (long long)states.extents[0], (long long)states.extents[states.rank > 2 ? 2 : 0],
             (long long)layout->systems, (long long)layout->components);
  } else {
    found->systems = states.extents[0];
    found->samples = states.extents[1];
    if (same_inputs(file, id, &states, found) && same_content(file, id, found, points))
      count_samples(file, id, time, found);
  }
  if (id >= 0) H5Fclose(id);
}

/* Point numbers of all ranks on rank 0, in the order of the file. */
static PetscErrorCode gather_points(const recorder_layout *layout, int64_t **points) {
  int size, rank;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(layout->comm, &size));
  PetscCallMPI(MPI_Comm_rank(layout->comm, &rank));
  PetscCheck(layout->systems < PETSC_MPI_INT_MAX, layout->comm, PETSC_ERR_SUP,
             "a recording of %lld points cannot go on; record fewer points, or into a new file",
             (long long)layout->systems);
  int owned = (int)layout->owned, *counts, *starts;
  PetscCall(PetscMalloc2(size, &counts, size, &starts));
  PetscCall(PetscMalloc1((size_t)(rank == 0 ? layout->systems : 0), points));
  PetscCallMPI(MPI_Gather(&owned, 1, MPI_INT, counts, 1, MPI_INT, 0, layout->comm));
  starts[0] = 0;
  for (int i = 1; i < size && rank == 0; i++) starts[i] = starts[i - 1] + counts[i - 1];
  PetscCallMPI(
      MPI_Gatherv(layout->number, owned, MPI_INT64_T, *points, counts, starts, MPI_INT64_T, 0, layout->comm));
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(0);
}

static PetscErrorCode reopen(recorder_file *file, double time) {
  const recorder_layout *layout = file->layout;
  const hsize_t components = (hsize_t)layout->components;
  recorded found = {0};
  int64_t *points = NULL;
  int rank;
  PetscFunctionBegin;
  PetscCall(gather_points(layout, &points));
  PetscCallMPI(MPI_Comm_rank(layout->comm, &rank));
  if (rank == 0) look_into(file, time, points, &found);
  PetscCall(PetscFree(points));
  PetscCallMPI(MPI_Bcast(&found, (int)sizeof found, MPI_BYTE, 0, layout->comm));
  PetscCheck(!found.why[0], layout->comm, PETSC_ERR_FILE_UNEXPECTED,
             "the recording %s cannot go on: %s; record into another file", file->path, found.why);
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, layout->comm, MPI_INFO_NULL);
  file->id = neurlp_hdf5_noted(H5Fopen(file->path, H5F_ACC_RDWR, access));
  H5Pclose(access);
  CHECK_HDF5(file, file->id, "the file");
  file->time = neurlp_hdf5_noted(H5Dopen2(file->id, "time", H5P_DEFAULT));
  file->states = neurlp_hdf5_noted(H5Dopen2(file->id, "states", H5P_DEFAULT));
  if (file->inputs_too) file->inputs = neurlp_hdf5_noted(H5Dopen2(file->id, "inputs", H5P_DEFAULT));
  if (neurlp_hdf5_exists(file->id, "length")) file->length = H5Dopen2(file->id, "length", H5P_DEFAULT);
  file->samples = found.keep;
  PetscCall(write_length(file, file->samples));
  CHECK_HDF5(file, H5Fflush(file->id, H5F_SCOPE_GLOBAL), "the file");
  const hsize_t times[] = {(hsize_t)file->samples},
                states[] = {(hsize_t)layout->systems, times[0], components};
  CHECK_HDF5(file, neurlp_hdf5_noted(H5Dset_extent(file->time, times)), "time");
  CHECK_HDF5(file, neurlp_hdf5_noted(H5Dset_extent(file->states, states)), "states");
  if (file->inputs_too) CHECK_HDF5(file, neurlp_hdf5_noted(H5Dset_extent(file->inputs, states)), "inputs");
  PetscFunctionReturn(0);
}

/* The folder of the file: "." if its name has none. */
static void set_folder(recorder_file *file) {
  const char *slash = strrchr(file->path, '/');
  const int length = slash == file->path ? 1 : slash ? (int)(slash - file->path) : 0;
  snprintf(file->folder, sizeof file->folder, "%.*s", slash ? length : 1, slash ? file->path : ".");
}

/* Collective. MPI-IO may not notice that a disk is full, or wait for ever: look before writing. */
static PetscErrorCode check_room(recorder_file *file, int64_t samples) {
  const recorder_layout *layout = file->layout;
  const int64_t bytes = (layout->systems * layout->components * (file->inputs_too ? 2 : 1) + 1) * samples *
                            (int64_t)sizeof(double) +
                        NEURLP_CHUNK_BYTES;
  neurlp_array_file array_file = as_array_file(file);
  PetscFunctionBegin;
  const neurlp_status status = array_file.rank == 0 ? neurlp_guard_room(&array_file, bytes) : NEURLP_SUCCESS;
  NEURLP_PETSC_CALL(layout->comm, file->context, neurlp_agree(layout->comm, file->context, status));
  PetscFunctionReturn(0);
}

static PetscErrorCode open_file(recorder_file *file, recorder_mode mode, double time) {
  int rank, exists = 0;
  const MPI_Comm comm = file->layout->comm;
  PetscFunctionBegin;
  set_folder(file);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) exists = access(file->path, F_OK) == 0;
  PetscCallMPI(MPI_Bcast(&exists, 1, MPI_INT, 0, comm));
  PetscCheck(!exists || mode != RECORDER_NEW, comm, PETSC_ERR_FILE_OPEN,
             "%s exists; -ts_trajectory_neurlp_mode append goes on with it, overwrite replaces it",
             file->path);
  if (exists && mode == RECORDER_APPEND)
    PetscCall(reopen(file, time));
  else
    PetscCall(create(file));
  CHECK_HDF5(file, neurlp_hdf5_noted(H5Fflush(file->id, H5F_SCOPE_GLOBAL)), "the file");
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_recorder_file_open(recorder_file *file, recorder_mode mode, double time) {
  PetscFunctionBegin;
  const hdf5_voice voice = silence();
  const PetscErrorCode code = open_file(file, mode, time);
  speak(voice);
  PetscCall(code);
  PetscFunctionReturn(0);
}

static PetscErrorCode write_samples(recorder_file *file, int64_t count, int64_t capacity, const double *times,
                                    const double *values, const double *inputs) {
  const recorder_layout *layout = file->layout;
  const hsize_t end = (hsize_t)(file->samples + count), D = (hsize_t)layout->components;
  const hsize_t states[] = {(hsize_t)layout->systems, end, D};
  const hsize_t start[] = {(hsize_t)layout->first, (hsize_t)file->samples, 0};
  const hsize_t block[] = {(hsize_t)layout->owned, (hsize_t)count, D};
  int rank;
  PetscFunctionBegin;
  PetscCall(check_room(file, count));
  PetscCallMPI(MPI_Comm_rank(layout->comm, &rank));
  const hsize_t first_time[] = {(hsize_t)file->samples}, time_count[] = {rank == 0 ? (hsize_t)count : 0};
  CHECK_HDF5(file, neurlp_hdf5_noted(H5Dset_extent(file->time, &end)), "time");
  CHECK_HDF5(file, neurlp_hdf5_noted(H5Dset_extent(file->states, states)), "states");
  CHECK_HDF5(file, write_block(file->time, H5T_NATIVE_DOUBLE, 1, first_time, time_count, 1, times), "time");
  CHECK_HDF5(file, write_block(file->states, H5T_NATIVE_DOUBLE, 3, start, block, (hsize_t)capacity, values),
             "states");
  if (file->inputs_too) {
    CHECK_HDF5(file, neurlp_hdf5_noted(H5Dset_extent(file->inputs, states)), "inputs");
    CHECK_HDF5(file, write_block(file->inputs, H5T_NATIVE_DOUBLE, 3, start, block, (hsize_t)capacity, inputs),
               "inputs");
  }
  CHECK_HDF5(file, neurlp_hdf5_noted(H5Fflush(file->id, H5F_SCOPE_GLOBAL)), "the file");
  file->samples += count;
  PetscCall(write_length(file, file->samples));
  CHECK_HDF5(file, neurlp_hdf5_noted(H5Fflush(file->id, H5F_SCOPE_GLOBAL)), "the file");
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_recorder_file_write(recorder_file *file, int64_t count, int64_t capacity,
                                          const double *times, const double *values, const double *inputs) {
  PetscFunctionBegin;
  const hdf5_voice voice = silence();
  const PetscErrorCode code = write_samples(file, count, capacity, times, values, inputs);
  speak(voice);
  PetscCall(code);
  PetscFunctionReturn(0);
}

static PetscErrorCode close_file(recorder_file *file) {
  PetscFunctionBegin;
  H5Dclose(file->time);
  H5Dclose(file->states);
  if (file->inputs >= 0) H5Dclose(file->inputs);
  H5Dclose(file->length);
  CHECK_HDF5(file, neurlp_hdf5_noted(H5Ldelete(file->id, "length", H5P_DEFAULT)), "the file");
  CHECK_HDF5(file, neurlp_hdf5_noted(H5Fclose(file->id)), "the file");
  file->id = file->time = file->states = file->inputs = file->length = -1;
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_recorder_file_close(recorder_file *file) {
  PetscFunctionBegin;
  if (file->id < 0) PetscFunctionReturn(0);
  const hdf5_voice voice = silence();
  const PetscErrorCode code = close_file(file);
  speak(voice);
  PetscCall(code);
  PetscFunctionReturn(0);
}
