#include "train/network_load.h"

#include "data/data_set_parts.h"
#include "file/array_file_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 320, SHAPE_BYTES = 160, TERM_BYTES = 16384 };

/* What else the group `model` holds beside parameters. */
static const char *const companions[] = {"center", "spread", "weight_scale", "mask"};
enum { COMPANIONS = sizeof companions / sizeof *companions };

typedef struct reader {
  neurlp_network_study *s;
  neurlp_context *context;
  const char *path;
  hid_t file;
} reader;

static neurlp_status begin(neurlp_network_study *s, reader *r) {
  *r = (reader){.s = s, .context = s->context, .file = -1};
  const char *name = neurlp_deck_text(s->data.job->deck, "train.model");
  neurlp_status status = NEURLP_SUCCESS;
  if (!s->model_path) NEURLP_TRY(neurlp_study_path(&s->data, name, &s->model_path));
  r->path = s->model_path;
  NEURLP_TRY(neurlp_data_open_alone(s->context, r->path, &r->file));
  if (!neurlp_hdf5_is(r->file, "model", H5O_TYPE_GROUP))
    status = neurlp_fail(s->context, NEURLP_ERROR_DATA,
                         "%s holds no model; train.model takes a result of task 'train'", r->path);
done:
  return status;
}

static neurlp_status end(reader *r, neurlp_status status) {
  return neurlp_data_close_alone(r->context, r->path, &r->file, status);
}

/* ---- arrays ------------------------------------------------------------------------------------------ */

/* "[16][1][5]". */
static void print_shape(int32_t rank, const int64_t *extents, char text[SHAPE_BYTES]) {
  size_t length = 0;
  for (int32_t i = 0; i < rank && length < SHAPE_BYTES; i++)
    length += (size_t)snprintf(text + length, SHAPE_BYTES - length, "[%lld]", (long long)extents[i]);
}

/* That the array is there and has this shape. */
static neurlp_status check_array(const reader *r, const char *path, int32_t rank, const int64_t *extents) {
  neurlp_numeric found;
  const neurlp_status status = neurlp_numeric_check(r->context, r->file, r->path, path, true, &found);
  if (status < 0) return status;
  if (found.rank == rank && memcmp(found.extents, extents, (size_t)rank * sizeof *extents) == 0)
    return NEURLP_SUCCESS;
  char has[SHAPE_BYTES], needs[SHAPE_BYTES];
  print_shape(found.rank, found.extents, has);
  print_shape(rank, extents, needs);
  return neurlp_fail(r->context, NEURLP_ERROR_DATA,
                     "%s: '%s' is %s, and this deck needs %s; take the networks, library and window with "
                     "which the model was trained",
                     r->path, path, has, needs);
}

/* Reads an array that has been checked; all of its `count` numbers have to be finite. */
static neurlp_status read_array(const reader *r, const char *path, int64_t count, double *numbers) {
  const hid_t dataset = neurlp_hdf5_noted(H5Dopen2(r->file, path, H5P_DEFAULT));
  const int64_t result =
      dataset < 0
          ? -1
          : neurlp_hdf5_noted(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers));
  if (dataset >= 0) H5Dclose(dataset);
  if (result < 0)
    return neurlp_fail(r->context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read: %s; is the file damaged?",
                       r->path, path, neurlp_hdf5_reason());
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(numbers[i]))
      return neurlp_fail(r->context, NEURLP_ERROR_DATA,
                         "%s: number %lld of '%s' is %g; such a model cannot be used", r->path, (long long)i,
                         path, numbers[i]);
  return NEURLP_SUCCESS;
}

/* ---- scales ------------------------------------------------------------------------------------------ */

/* Reads model/NAME of that shape; all numbers have to be above `lower`. */
static neurlp_status read_scale(const reader *r, const char *name, int32_t rank, const int64_t *extents,
                                double lower, double *numbers) {
  char path[PATH_BYTES];
  int64_t count = 1;
  neurlp_status status = NEURLP_SUCCESS;
  snprintf(path, sizeof path, "model/%s", name);
  for (int32_t i = 0; i < rank; i++) count *= extents[i];
  NEURLP_TRY(check_array(r, path, rank, extents));
  NEURLP_TRY(read_array(r, path, count, numbers));
  for (int64_t i = 0; i < count; i++)
    if (!(numbers[i] > lower))
      return neurlp_fail(r->context, NEURLP_ERROR_DATA,
                         "%s: number %lld of '%s' is %g; it has to be above %g", r->path, (long long)i, path,
                         numbers[i], lower);
done:
  return status;
}

/* Same shapes do not mean the same terms. */
static neurlp_status check_terms(const reader *r) {
  const neurlp_library *library = r->s->data.model->library;
  const int32_t L = r->s->terms;
  neurlp_status status = NEURLP_SUCCESS;
  char **found = NULL;
  NEURLP_TRY(neurlp_allocate(r->context, L, sizeof *found, &found));
  NEURLP_TRY(neurlp_texts_read(r->context, r->file, r->path, "equations/terms", L, TERM_BYTES, found));
  for (int32_t l = 0; l < L && status == NEURLP_SUCCESS; l++)
    if (strcmp(found[l], library->texts[l]) != 0)
      status = neurlp_fail(r->context, NEURLP_ERROR_DATA,
                           "%s: term %d of the library is '%s', and this deck's is '%s'; take the library "
                           "with which the model was trained",
                           r->path, l + 1, found[l], library->texts[l]);
done:
  for (int32_t l = 0; found && l < L; l++) neurlp_release(r->context, &found[l]);
  neurlp_release(r->context, &found);
  return status;
}

static neurlp_status read_mask(const reader *r, const int64_t *extents) {
  neurlp_network_study *s = r->s;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(read_scale(r, "mask", 2, extents, -INFINITY, s->mask));
  for (int64_t i = 0; i < extents[0] * extents[1]; i++)
    if (s->mask[i] != 0 && s->mask[i] != 1)
      return neurlp_fail(r->context, NEURLP_ERROR_DATA,
                         "%s: number %lld of 'model/mask' is %g; it has to be 0 or 1", r->path, (long long)i,
                         s->mask[i]);
done:
  return status;
}

neurlp_status neurlp_network_load_scales(neurlp_network_study *s) {
  const int64_t states[] = {s->data.dimensions}, weights[] = {s->data.dimensions, s->terms};
  neurlp_status status = NEURLP_SUCCESS;
  reader r;
  if (!neurlp_deck_text(s->data.job->deck, "train.model")) return NEURLP_SUCCESS;
  NEURLP_TRY(begin(s, &r));
  NEURLP_TRY(read_scale(&r, "center", 1, states, -INFINITY, s->windows.center));
  NEURLP_TRY(read_scale(&r, "spread", 1, states, 0, s->windows.spread));
  if (s->terms == 0) goto done;
  NEURLP_TRY(check_terms(&r));
  NEURLP_TRY(read_scale(&r, "weight_scale", 2, weights, 0, s->weight_scale));
  status = read_mask(&r, weights);
done:
  return end(&r, status);
}

/* ---- parameters -------------------------------------------------------------------------------------- */

static neurlp_status load_parameter(const reader *r, const neurlp_parameter_info *info, bool write) {
  const int32_t rank = info->shape.rank > 0 ? info->shape.rank : 1;
  int64_t extents[NEURLP_MOST_EXTENTS] = {1};
  char path[PATH_BYTES];
  double *numbers = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  snprintf(path, sizeof path, "model/%s", info->name);
  for (int32_t i = 0; i < info->shape.rank; i++) extents[i] = info->shape.extents[i];
  NEURLP_TRY(check_array(r, path, rank, extents));
  if (!write) goto done;
  NEURLP_TRY(neurlp_allocate(r->context, info->count, sizeof *numbers, &numbers));
  NEURLP_TRY(read_array(r, path, info->count, numbers));
  status = neurlp_graph_write(r->s->model.graph, info->value, numbers);
done:
  neurlp_release(r->context, &numbers);
  return status;
}

static bool is_known(const neurlp_graph *graph, const char *name) {
  for (int32_t i = 0; i < COMPANIONS; i++)
    if (strcmp(name, companions[i]) == 0) return true;
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(graph); i++)
    if (strcmp(name, neurlp_graph_parameter_info(graph, i).name) == 0) return true;
  return false;
}

/* What the file has and the deck's networks have not: they are others than those that were trained. */
static neurlp_status check_others(const reader *r) {
  H5G_info_t info;
  char name[PATH_BYTES];
  if (H5Gget_info_by_name(r->file, "model", &info, H5P_DEFAULT) < 0) info.nlinks = 0;
  for (hsize_t i = 0; i < info.nlinks; i++) {
    const ssize_t length =
        H5Lget_name_by_idx(r->file, "model", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
    if (length < 0 || is_known(r->s->model.graph, name)) continue;
    return neurlp_fail(r->context, NEURLP_ERROR_DATA,
                       "%s: 'model/%s' has no place in this deck's networks; take those with which the model "
                       "was trained",
                       r->path, name);
  }
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_network_load_parameters(neurlp_network_study *s, bool write) {
  neurlp_status status = NEURLP_SUCCESS;
  reader r;
  if (!neurlp_deck_text(s->data.job->deck, "train.model")) return NEURLP_SUCCESS;
  NEURLP_TRY(begin(s, &r));
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(s->model.graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(s->model.graph, i);
    NEURLP_TRY(load_parameter(&r, &info, write));
  }
  status = check_others(&r);
done:
  return end(&r, status);
}
