#include "study/learned.h"

#include "data/data_set_parts.h"
#include "file/array_file_parts.h"
#include "study/study_model.h"

#include <math.h>
#include <string.h>

enum { DIGITS = 17, MOST_STATES = 4096 };

typedef struct reader {
  neurlp_context *context;
  const char *path;
  hid_t file;
  neurlp_learned_part part;
  int64_t row;
  neurlp_learned *learned;
} reader;

static neurlp_status refuse(const reader *r, const char *why) {
  return neurlp_fail(r->context, NEURLP_ERROR_DATA,
                     "%s: %s; learned equations are taken from a result of `neurlp run`", r->path, why);
}

static neurlp_status read_names(const reader *r) {
  neurlp_status status = NEURLP_SUCCESS;
  hsize_t count = 0;
  if (!neurlp_hdf5_is(r->file, "equations", H5O_TYPE_GROUP) ||
      !neurlp_hdf5_is(r->file, "states", H5O_TYPE_DATASET))
    return refuse(r, "it holds no equations");
  const hid_t dataset = H5Dopen2(r->file, "states", H5P_DEFAULT);
  const hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset);
  if (space >= 0 && H5Sget_simple_extent_ndims(space) == 1) H5Sget_simple_extent_dims(space, &count, NULL);
  if (space >= 0) H5Sclose(space);
  if (dataset >= 0) H5Dclose(dataset);
  if (count < 1 || count > MOST_STATES) return refuse(r, "'states' is no list of names");
  NEURLP_TRY(neurlp_allocate(r->context, (int64_t)count, sizeof(char *), &r->learned->names));
  NEURLP_TRY(neurlp_allocate(r->context, (int64_t)count, sizeof(char *), &r->learned->equations));
  r->learned->dimensions = (int32_t)count;
  status = neurlp_texts_read(r->context, r->file, r->path, "states", (int64_t)count, NEURLP_NAME_BYTES,
                             r->learned->names);
done:
  return status;
}

/* The model of the deck in the file, which a study makes from a deck, a number of states and their names. */
static neurlp_status make_model(const reader *r, neurlp_model **model) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_job job = {.context = r->context};
  neurlp_study study = {.job = &job,
                        .context = r->context,
                        .without_known = r->part == NEURLP_LEARNED_ALONE,
                        .dimensions = r->learned->dimensions,
                        .names = r->learned->names};
  char *text = NULL, *report = NULL;
  NEURLP_TRY(neurlp_attribute_text_read(r->context, r->file, "/", "deck", &text));
  status = neurlp_deck_parse(r->context, r->path, text, 0, NULL, &job.deck, &report);
  neurlp_release(r->context, &report);
  if (status == NEURLP_ERROR_DECK) status = refuse(r, "the deck that it carries cannot be read");
  if (status < 0) goto done;
  const char *task = neurlp_deck_text(job.deck, "task");
  study.discover = strcmp(task, "discover") == 0 || strcmp(task, "train") == 0;
  NEURLP_TRY(neurlp_study_make_model(&study));
  *model = study.model;
done:
  neurlp_deck_destroy(&job.deck);
  neurlp_release(r->context, &text);
  return status;
}

/* Reads the numbers of one row; negative if HDF5 could not. */
static int read_numbers(const reader *r, const char *path, const neurlp_numeric *numeric, double *values) {
  hsize_t start[NEURLP_MOST_EXTENTS] = {(hsize_t)r->row}, count[NEURLP_MOST_EXTENTS] = {1};
  for (int32_t i = 1; i < numeric->rank; i++) count[i] = (hsize_t)numeric->extents[i];
  const hid_t dataset = neurlp_hdf5_noted(H5Dopen2(r->file, path, H5P_DEFAULT));
  if (dataset < 0) return -1;
  const hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(numeric->rank, count, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
  const int result =
      (int)neurlp_hdf5_noted(H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values));
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(dataset);
  return result;
}

/* Row r->row of an array [rows]..., of `count` numbers. */
static neurlp_status read_row(const reader *r, const char *path, int64_t count, double *values) {
  neurlp_numeric numeric = {0};
  neurlp_status status = neurlp_numeric_check(r->context, r->file, r->path, path, true, &numeric);
  if (status < 0) return status;
  int64_t found = 1;
  for (int32_t i = 1; i < numeric.rank; i++) found *= numeric.extents[i];
  if (found != count) return refuse(r, "its estimates do not belong to its deck");
  if (r->row >= numeric.extents[0])
    return neurlp_fail(r->context, NEURLP_ERROR_DATA,
                       "%s: there are %lld rows of estimates, and data.generate.row is %lld, counted from 0",
                       r->path, (long long)numeric.extents[0], (long long)r->row);
  if (read_numbers(r, path, &numeric, values) < 0)
    return neurlp_fail(r->context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read: %s", r->path, path,
                       neurlp_hdf5_reason());
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(values[i])) return refuse(r, "this row was not estimated; its system failed");
  return NEURLP_SUCCESS;
}

/* All rows of an array [rows]..., of `count` numbers, into columns `first` on of theta [rows][stride], which
 * is made if it is not there. */
static neurlp_status read_rows(reader *r, const char *path, int64_t count, int64_t first, int64_t stride,
                               int64_t *rows, double **theta) {
  neurlp_numeric numeric = {0};
  neurlp_status status = neurlp_numeric_check(r->context, r->file, r->path, path, true, &numeric);
  if (status < 0) return status;
  int64_t found = 1;
  for (int32_t i = 1; i < numeric.rank; i++) found *= numeric.extents[i];
  if (found != count || (*theta && numeric.extents[0] != *rows))
    return refuse(r, "its estimates do not belong to its deck");
  *rows = numeric.extents[0];
  if (!*theta) status = neurlp_allocate(r->context, *rows * stride, sizeof(double), theta);
  for (r->row = 0; r->row < *rows && status >= 0; r->row++)
    if (read_numbers(r, path, &numeric, *theta + r->row * stride + first) < 0)
      status = neurlp_fail(r->context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read: %s", r->path, path,
                           neurlp_hdf5_reason());
  return status;
}

/* Equations that are to be integrated cannot depend on what is data. */
static neurlp_status refuse_inputs(const reader *r, const neurlp_model *model) {
  const char *const *names = model->symbols.names + model->dimensions * model->order + model->named;
  for (int32_t i = 0; i < model->inputs; i++)
    if (neurlp_model_uses_input(model, i))
      return neurlp_fail(
          r->context, NEURLP_ERROR_DATA,
          "%s: its equations depend on '%s', an input of the data that they were learned from, and "
          "cannot be evaluated without it%s",
          r->path, names[i],
          r->part == NEURLP_LEARNED_WHOLE
              ? "; in a PETSc simulation that has it, take what was learned alone "
                "(neurlp_petsc_dynamics_open_learned, docs/petsc.md)"
              : "; only dynamics.known may have inputs, then");
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_learned_read_all(neurlp_context *context, const char *path, neurlp_learned_part part,
                                      neurlp_model **model, int64_t *rows, double **theta) {
  neurlp_learned learned = {0};
  reader r = {.context = context, .path = path, .part = part, .learned = &learned};
  *model = NULL;
  *theta = NULL;
  neurlp_status status = neurlp_data_open_alone(context, path, &r.file);
  if (status < 0) return status;
  NEURLP_TRY(read_names(&r));
  NEURLP_TRY(make_model(&r, model));
  NEURLP_TRY(refuse_inputs(&r, *model));
  const int64_t coefficients = (int64_t)(*model)->dimensions * (*model)->terms, P = (*model)->parameters;
  if ((*model)->named > 0)
    NEURLP_TRY(read_rows(&r, "equations/parameters", (*model)->named, 0, P, rows, theta));
  if (coefficients > 0)
    NEURLP_TRY(read_rows(&r, "equations/coefficients", coefficients, (*model)->named, P, rows, theta));
  if (!*theta) status = refuse(&r, "it has no estimates");
done:
  status = neurlp_data_close_alone(context, path, &r.file, status);
  if (status < 0) {
    neurlp_model_destroy(model);
    neurlp_release(context, theta);
  }
  neurlp_learned_release(context, &learned);
  return status;
}

/* What is right of the "=" in the model's text. */
static neurlp_status print_equation(const reader *r, const neurlp_model *model, int32_t k,
                                    const double *theta) {
  const size_t bytes = neurlp_model_print(model, k, theta, DIGITS, NULL, 0) + 1;
  char *text = NULL;
  neurlp_status status = neurlp_allocate(r->context, (int64_t)bytes, 1, &text);
  if (status < 0) return status;
  neurlp_model_print(model, k, theta, DIGITS, text, bytes);
  const char *right = strchr(text, '=');
  status = right ? neurlp_copy_text(r->context, right + 1, &r->learned->equations[k])
                 : refuse(r, "an equation has no right-hand side");
  neurlp_release(r->context, &text);
  return status;
}

static neurlp_status read_equations(const reader *r) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_model *model = NULL;
  double *theta = NULL;
  NEURLP_TRY(make_model(r, &model));
  NEURLP_TRY(refuse_inputs(r, model));
  const int64_t coefficients = (int64_t)model->dimensions * model->terms;
  r->learned->order = model->order;
  NEURLP_TRY(neurlp_allocate(r->context, model->parameters, sizeof *theta, &theta));
  if (model->named > 0) NEURLP_TRY(read_row(r, "equations/parameters", model->named, theta));
  if (coefficients > 0) NEURLP_TRY(read_row(r, "equations/coefficients", coefficients, theta + model->named));
  for (int32_t k = 0; k < model->dimensions; k++) NEURLP_TRY(print_equation(r, model, k, theta));
done:
  neurlp_model_destroy(&model);
  neurlp_release(r->context, &theta);
  return status;
}

neurlp_status neurlp_learned_read(neurlp_context *context, const char *path, neurlp_learned_part part,
                                  int64_t row, neurlp_learned *learned) {
  reader r = {.context = context, .path = path, .part = part, .row = row, .learned = learned};
  *learned = (neurlp_learned){0};
  neurlp_status status = neurlp_data_open_alone(context, path, &r.file);
  if (status < 0) return status;
  status = read_names(&r);
  if (status >= 0) status = read_equations(&r);
  return neurlp_data_close_alone(context, path, &r.file, status);
}

void neurlp_learned_release(neurlp_context *context, neurlp_learned *learned) {
  for (int32_t k = 0; k < learned->dimensions; k++) {
    neurlp_release(context, &learned->names[k]);
    neurlp_release(context, &learned->equations[k]);
  }
  neurlp_release(context, &learned->names);
  neurlp_release(context, &learned->equations);
  learned->dimensions = 0;
}
