#include "problem/linear_problem.h"

#include "comm.h"
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct neurlp_linear_source {
  MPI_Comm comm;
  int rank;
  neurlp_context *context;
  char *path;
  hid_t file;
} neurlp_linear_source;

const char *neurlp_linear_array_name(neurlp_linear_array array) {
  static const char *const names[NEURLP_LINEAR_ARRAYS] = {"coefficients", "rhs",   "initial_values",
                                                          "final_values", "steps", "grad_output"};
  return names[array];
}

void neurlp_linear_extents(const neurlp_linear_group *group, neurlp_linear_array array, int32_t *rank,
                           int64_t *extents) {
  const neurlp_shape *shape = &group->shape;
  const int64_t steps = shape->steps, dimensions = shape->dimensions, derivatives = shape->order + 1;
  const int64_t all[NEURLP_LINEAR_ARRAYS][4] = {
      {shape->coefficients_sharing ? 1 : steps, shape->equations, dimensions, derivatives},
      {shape->rhs_sharing ? 1 : steps, shape->equations},
      {shape->initial_steps, dimensions, shape->initial_derivatives},
      {dimensions, shape->final_derivatives},
      {shape->steps_sharing ? 1 : steps - 1, shape->steps_per_dimension ? dimensions : 1},
      {steps, dimensions, derivatives}};
  static const int32_t ranks[NEURLP_LINEAR_ARRAYS] = {5, 3, 4, 3, 3, 4};
  *rank = ranks[array];
  extents[0] = shape->systems;
  for (int32_t i = 1; i < *rank; i++) extents[i] = all[array][i - 1];
}

int64_t neurlp_linear_row(const neurlp_linear_group *group, neurlp_linear_array array) {
  int32_t rank = 0;
  int64_t extents[6] = {0};
  neurlp_linear_extents(group, array, &rank, extents);
  int64_t row = 1;
  for (int32_t i = 1; i < rank; i++) row *= extents[i];
  return row;
}

neurlp_status neurlp_linear_problem_create(neurlp_context *context, const neurlp_linear_group *group,
                                           int64_t systems, neurlp_problem **problem) {
  neurlp_shape shape = group->shape;
  shape.systems = systems;
  const neurlp_status status = neurlp_problem_create(context, &shape, &group->formulation, problem);
  if (status != NEURLP_ERROR_ARGUMENT) return status;
  char reason[512];
  snprintf(reason, sizeof reason, "%s", neurlp_context_message(context));
  return neurlp_fail(context, NEURLP_ERROR_DATA, "group '%s': %s", group->name, reason);
}

/* ---- rank 0: what a group holds ---------------------------------------------------------------------- */

typedef struct group_reader {
  neurlp_context *context;
  hid_t file;
  const char *path;
  neurlp_linear_group *group;
} group_reader;

static neurlp_status check_array(const group_reader *reader, neurlp_linear_array array, bool needed,
                                 neurlp_numeric *numeric) {
  char path[2 * NEURLP_GROUP_NAME_BYTES];
  snprintf(path, sizeof path, "%s/%s", reader->group->name, neurlp_linear_array_name(array));
  return neurlp_numeric_check(reader->context, reader->file, reader->path, path, needed, numeric);
}

/* The extents that an array has must be those that the coefficients demand. */
static neurlp_status compare(const group_reader *reader, neurlp_linear_array array,
                             const neurlp_numeric *numeric) {
  int32_t rank = 0;
  int64_t extents[6] = {0};
  neurlp_linear_extents(reader->group, array, &rank, extents);
  bool same = numeric->rank == rank;
  char has[160] = "", wants[160] = "";
  for (int32_t i = 0; i < rank; i++) {
    same = same && numeric->extents[i] == extents[i];
    snprintf(wants + strlen(wants), sizeof wants - strlen(wants), "[%lld]", (long long)extents[i]);
  }
  for (int32_t i = 0; i < numeric->rank; i++)
    snprintf(has + strlen(has), sizeof has - strlen(has), "[%lld]", (long long)numeric->extents[i]);
  if (same) return NEURLP_SUCCESS;
  return neurlp_fail(reader->context, NEURLP_ERROR_DATA,
                     "%s: '%s/%s' is %s, but the sizes of its coefficients demand %s", reader->path,
                     reader->group->name, neurlp_linear_array_name(array), has, wants);
}

/* Sizes from the coefficients, [S][T][E][D][d+1], or [S][1]... if they are constant in time. */
static neurlp_status shape_from_coefficients(const group_reader *reader) {
  neurlp_numeric c;
  const neurlp_status status = check_array(reader, NEURLP_LINEAR_COEFFICIENTS, true, &c);
  if (status != NEURLP_SUCCESS) return status;
  const int64_t *n = c.extents;
  const bool fits = c.rank == 5 && n[0] >= 1 && n[1] >= 1 && n[1] <= INT32_MAX && n[2] >= 1 &&
                    n[2] <= INT32_MAX && n[3] >= 1 && n[3] <= INT32_MAX && n[4] >= 2 && n[4] <= 7;
  if (!fits)
    return neurlp_fail(
        reader->context, NEURLP_ERROR_DATA,
        "%s: '%s/coefficients' must be [system][step][equation][dimension][derivative], with at "
        "least 1 system, 1 step, 1 equation, 1 dimension and 2 to 7 derivatives; it has %d dimensions, "
        "[%lld][%lld][%lld][%lld][%lld]",
        reader->path, reader->group->name, c.rank, (long long)n[0], (long long)n[1], (long long)n[2],
        (long long)n[3], (long long)n[4]);
  reader->group->shape = (neurlp_shape){.systems = n[0],
                                        .steps = (int32_t)n[1],
                                        .equations = (int32_t)n[2],
                                        .dimensions = (int32_t)n[3],
                                        .order = (int32_t)n[4] - 1,
                                        .columns = 1};
  return NEURLP_SUCCESS;
}

/* Attribute that must be a whole number; *value stays as it is without. */
static neurlp_status read_count(const group_reader *reader, const char *name, int32_t *value) {
  double number = *value;
  const neurlp_status status = neurlp_attribute_number_read(reader->context, reader->file, reader->path,
                                                            reader->group->name, name, &number);
  if (status != NEURLP_SUCCESS) return status;
  if (number < 0 || number > INT32_MAX || number != floor(number))
    return neurlp_fail(reader->context, NEURLP_ERROR_DATA,
                       "%s: attribute '%s' of '%s' is %g; it must be a whole number from 0 to %d",
                       reader->path, name, reader->group->name, number, INT32_MAX);
  *value = (int32_t)number;
  return NEURLP_SUCCESS;
}

/* How many steps there are: those of the coefficients or, where these are constant in time, of the right-hand
 * side or, where it is, too, one more than there are step sizes, or what the attribute step_count says. An
 * array with one step only is constant. */
static neurlp_status count_steps(const group_reader *reader, const neurlp_numeric *rhs,
                                 const neurlp_numeric *sizes) {
  neurlp_shape *shape = &reader->group->shape;
  const int64_t of_rhs = rhs->rank == 3 ? rhs->extents[1] : 1,
                intervals = sizes->rank == 3 ? sizes->extents[1] : 1;
  int32_t told = 0;
  const neurlp_status status = read_count(reader, "step_count", &told);
  if (status != NEURLP_SUCCESS) return status;
  const int64_t own = shape->steps, steps = own > 1         ? own
                                            : of_rhs > 1    ? of_rhs
                                            : intervals > 1 ? intervals + 1
                                            : told > 0      ? told
                                                            : 2;
  if (steps < 2 || steps > INT32_MAX || (told > 0 && told != steps))
    return neurlp_fail(reader->context, NEURLP_ERROR_DATA,
                       "%s: '%s' has %lld steps, and its attribute 'step_count' says %d (0: nothing); they "
                       "must agree, and be from 2 to %d",
                       reader->path, reader->group->name, (long long)steps, told, INT32_MAX);
  shape->steps = (int32_t)steps;
  shape->coefficients_sharing = own == 1 ? NEURLP_CONSTANT : NEURLP_VARYING;
  shape->rhs_sharing = of_rhs == 1 ? NEURLP_CONSTANT : NEURLP_VARYING;
  shape->steps_sharing = intervals == 1 && steps > 2 ? NEURLP_CONSTANT : NEURLP_VARYING;
  return NEURLP_SUCCESS;
}

/* Values at the first steps, or at the last. */
static neurlp_status check_values(const group_reader *reader) {
  neurlp_shape *shape = &reader->group->shape;
  neurlp_numeric values;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_array(reader, NEURLP_LINEAR_INITIAL_VALUES, false, &values));
  if (values.present) {
    const bool fits =
        values.rank == 4 && values.extents[1] <= shape->steps && values.extents[3] <= shape->order + 1;
    if (!fits)
      return neurlp_fail(
          reader->context, NEURLP_ERROR_DATA,
          "%s: '%s/initial_values' must be [system][step][dimension][derivative], with at most %d "
          "steps and %d derivatives",
          reader->path, reader->group->name, shape->steps, shape->order + 1);
    shape->initial_steps = (int32_t)values.extents[1];
    shape->initial_derivatives = (int32_t)values.extents[3];
    NEURLP_TRY(compare(reader, NEURLP_LINEAR_INITIAL_VALUES, &values));
  }
  NEURLP_TRY(check_array(reader, NEURLP_LINEAR_FINAL_VALUES, false, &values));
  if (!values.present) goto done;
  if (values.rank != 3 || values.extents[2] > shape->order + 1)
    return neurlp_fail(reader->context, NEURLP_ERROR_DATA,
                       "%s: '%s/final_values' must be [system][dimension][derivative], with at most %d "
                       "derivatives",
                       reader->path, reader->group->name, shape->order + 1);
  shape->final_derivatives = (int32_t)values.extents[2];
  status = compare(reader, NEURLP_LINEAR_FINAL_VALUES, &values);
done:
  return status;
}

static neurlp_status check_sizes(const group_reader *reader) {
  neurlp_shape *shape = &reader->group->shape;
  neurlp_numeric rhs, steps, grad;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(shape_from_coefficients(reader));
  NEURLP_TRY(check_array(reader, NEURLP_LINEAR_RHS, true, &rhs));
  NEURLP_TRY(check_array(reader, NEURLP_LINEAR_STEPS, true, &steps));
  NEURLP_TRY(count_steps(reader, &rhs, &steps));
  NEURLP_TRY(compare(reader, NEURLP_LINEAR_RHS, &rhs));
  shape->steps_per_dimension = steps.rank == 3 && steps.extents[2] != 1;
  NEURLP_TRY(compare(reader, NEURLP_LINEAR_STEPS, &steps));
  NEURLP_TRY(check_values(reader));
  NEURLP_TRY(check_array(reader, NEURLP_LINEAR_GRAD_OUTPUT, false, &grad));
  reader->group->has_grad_output = grad.present;
  if (grad.present) NEURLP_TRY(compare(reader, NEURLP_LINEAR_GRAD_OUTPUT, &grad));
done:
  return status;
}

static neurlp_status read_number(const group_reader *reader, const char *name, double *value) {
  return neurlp_attribute_number_read(reader->context, reader->file, reader->path, reader->group->name, name,
                                      value);
}

/* Text attribute that must be one of two words; *second tells which. */
static neurlp_status read_choice(const group_reader *reader, const char *name, const char *first_word,
                                 const char *second_word, bool *second) {
  char *text = NULL;
  neurlp_status status =
      neurlp_attribute_text_read(reader->context, reader->file, reader->group->name, name, &text);
  if (status == NEURLP_SUCCESS && *text) {
    *second = strcmp(text, second_word) == 0;
    if (!*second && strcmp(text, first_word) != 0)
      status = neurlp_fail(reader->context, NEURLP_ERROR_DATA,
                           "%s: attribute '%s' of '%s' is '%.40s'; it must be '%s' or '%s'", reader->path,
                           name, reader->group->name, text, first_word, second_word);
  }
  neurlp_release(reader->context, &text);
  return status;
}

/* Attribute that must be 0 or 1; *value stays as it is without. */
static neurlp_status read_flag(const group_reader *reader, const char *name, bool *value) {
  double number = *value;
  const neurlp_status status = read_number(reader, name, &number);
  if (status == NEURLP_SUCCESS && number != 0 && number != 1)
    return neurlp_fail(reader->context, NEURLP_ERROR_DATA,
                       "%s: attribute '%s' of '%s' is %g; it must be 0 or 1", reader->path, name,
                       reader->group->name, number);
  *value = number == 1;
  return status;
}

/* Which rows there are. */
static neurlp_status read_family(const group_reader *reader, neurlp_formulation *formulation) {
  neurlp_status status = NEURLP_SUCCESS;
  bool taylor = false;
  NEURLP_TRY(read_choice(reader, "smoothness", "hermite", "taylor", &taylor));
  *formulation = taylor ? neurlp_formulation_smnn() : neurlp_formulation_default();
  NEURLP_TRY(read_flag(reader, "slack", &formulation->slack));
  formulation->central = formulation->slack;
  NEURLP_TRY(read_flag(reader, "central", &formulation->central));
  NEURLP_TRY(read_flag(reader, "periodic", &formulation->periodic));
  NEURLP_TRY(read_number(reader, "gamma", &formulation->gamma));
  NEURLP_TRY(read_number(reader, "alpha", &formulation->alpha));
done:
  return status;
}

/* Adds up numbers of the first system's step sizes, so many intervals from `first` on; false: unreadable. */
static bool add_steps(const group_reader *reader, hid_t dataset, hid_t space, int64_t first,
                      int64_t intervals, double *steps, double *sum) {
  const hsize_t each =
      reader->group->shape.steps_per_dimension ? (hsize_t)reader->group->shape.dimensions : 1;
  const hsize_t start[3] = {0, (hsize_t)first, 0}, size[3] = {1, (hsize_t)intervals, each};
  const hid_t memory = H5Screate_simple(3, size, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
  const bool good = H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, steps) >= 0;
  for (hsize_t i = 0; i < size[1] * each && good; i++) *sum += steps[i];
  H5Sclose(memory);
  return good;
}

/* Mean step of the group's first system: changes rounding only, so any positive number will do. */
static double mean_step(const group_reader *reader) {
  enum { AT_ONCE = 1 << 16 }; /* intervals */
  char path[2 * NEURLP_GROUP_NAME_BYTES];
  const neurlp_linear_group *group = reader->group;
  snprintf(path, sizeof path, "%s/steps", group->name);
  const int64_t count = neurlp_linear_row(group, NEURLP_LINEAR_STEPS);
  const int64_t each = group->shape.steps_per_dimension ? group->shape.dimensions : 1;
  double *steps = NULL;
  double sum = 0;
  if (group->shape.systems < 1 ||
      neurlp_allocate(reader->context, AT_ONCE * each, sizeof *steps, &steps) != NEURLP_SUCCESS)
    return 1;
  const hid_t dataset = H5Dopen2(reader->file, path, H5P_DEFAULT);
  const hid_t space = H5Dget_space(dataset);
  bool good = true;
  for (int64_t first = 0; first < count / each && good; first += AT_ONCE) {
    const int64_t left = count / each - first;
    good = add_steps(reader, dataset, space, first, left < AT_ONCE ? left : AT_ONCE, steps, &sum);
  }
  H5Sclose(space);
  H5Dclose(dataset);
  neurlp_release(reader->context, &steps);
  const double mean = sum / (double)count;
  return good && isfinite(mean) && mean > 0 ? mean : 1;
}

static neurlp_status read_formulation(const group_reader *reader) {
  neurlp_formulation *formulation = &reader->group->formulation;
  neurlp_status status = NEURLP_SUCCESS;
  double order = reader->group->shape.order, leading = 1;
  bool hard = false;
  NEURLP_TRY(read_family(reader, formulation));
  NEURLP_TRY(read_number(reader, "order", &order));
  if (order != reader->group->shape.order) {
    status = neurlp_fail(reader->context, NEURLP_ERROR_DATA,
                         "%s: '%s' has order %g, but coefficients for derivatives 0 to %d", reader->path,
                         reader->group->name, order, reader->group->shape.order);
    goto done;
  }
  NEURLP_TRY(read_choice(reader, "initial", "soft", "hard", &hard));
  formulation->initial = hard ? NEURLP_INITIAL_HARD : NEURLP_INITIAL_SOFT;
  formulation->nominal_step = mean_step(reader);
  NEURLP_TRY(read_number(reader, "nominal_step", &formulation->nominal_step));
  NEURLP_TRY(read_number(reader, "leading_derivative", &leading));
  if (leading < 0 || leading > order || leading != floor(leading)) {
    status =
        neurlp_fail(reader->context, NEURLP_ERROR_DATA,
                    "%s: attribute 'leading_derivative' of '%s' is %g; it must be a whole number from 0 to "
                    "%g",
                    reader->path, reader->group->name, leading, order);
    goto done;
  }
  formulation->leading_derivative = (int32_t)leading;
  NEURLP_TRY(read_number(reader, "weight_equation", &formulation->weight_equation));
  NEURLP_TRY(read_number(reader, "weight_initial", &formulation->weight_initial));
  NEURLP_TRY(read_number(reader, "weight_smoothness", &formulation->weight_smoothness));
  NEURLP_TRY(read_number(reader, "weight_top", &formulation->weight_top));
done:
  return status;
}

static neurlp_status read_group(const group_reader *reader) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_sizes(reader));
  NEURLP_TRY(read_formulation(reader));
  NEURLP_TRY(read_count(reader, "piece_intervals", &reader->group->shape.piece_intervals));
done:
  return status;
}

/* Name of the i-th member of the root, in the order of names; false if it is too long. */
static bool member_name(hid_t file, hsize_t i, char *name) {
  const ssize_t length = H5Lget_name_by_idx(file, "/", H5_INDEX_NAME, H5_ITER_INC, i, name,
                                            NEURLP_GROUP_NAME_BYTES, H5P_DEFAULT);
  return length > 0 && length < NEURLP_GROUP_NAME_BYTES;
}

/* Rank 0. Reads the description of every group. */
static neurlp_status read_groups(neurlp_linear_file *linear) {
  neurlp_linear_source *source = linear->source;
  neurlp_status status = NEURLP_SUCCESS;
  group_reader reader = {.context = source->context, .path = source->path, .file = -1};
  H5G_info_t info = {0};
  NEURLP_TRY(neurlp_data_open_alone(source->context, source->path, &reader.file));
  if (H5Gget_info(reader.file, &info) < 0 || info.nlinks == 0 || info.nlinks > INT32_MAX) {
    status = neurlp_fail(source->context, NEURLP_ERROR_DATA, "%s holds no groups", source->path);
    goto done;
  }
  NEURLP_TRY(neurlp_allocate(source->context, (int64_t)info.nlinks, sizeof *linear->groups, &linear->groups));
  for (hsize_t i = 0; i < info.nlinks; i++) {
    reader.group = &linear->groups[linear->count];
    if (!member_name(reader.file, i, reader.group->name) ||
        !neurlp_hdf5_is(reader.file, reader.group->name, H5O_TYPE_GROUP)) {
      status = neurlp_fail(source->context, NEURLP_ERROR_DATA,
                           "%s: '%.100s' is not a group; a file of linear problems holds one group for each "
                           "problem",
                           source->path, reader.group->name);
      goto done;
    }
    NEURLP_TRY(read_group(&reader));
    linear->count++;
  }
done:
  return neurlp_data_close_alone(source->context, source->path, &reader.file, status);
}

/* ---- all ranks --------------------------------------------------------------------------------------- */

static neurlp_status share_groups(neurlp_linear_file *linear) {
  neurlp_linear_source *source = linear->source;
  MPI_Bcast(&linear->count, 1, MPI_INT32_T, 0, source->comm);
  neurlp_status status = NEURLP_SUCCESS;
  if (source->rank != 0)
    status = neurlp_allocate(source->context, linear->count, sizeof *linear->groups, &linear->groups);
  status = neurlp_agree(source->comm, source->context, status);
  for (int32_t i = 0; i < linear->count && status == NEURLP_SUCCESS; i++)
    MPI_Bcast(&linear->groups[i], (int)sizeof *linear->groups, MPI_BYTE, 0, source->comm);
  return status;
}

static neurlp_status make_file(MPI_Comm comm, neurlp_context *context, const char *path,
                               neurlp_linear_file **linear) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof **linear, linear));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *(*linear)->source, &(*linear)->source));
  neurlp_linear_source *source = (*linear)->source;
  source->comm = comm;
  source->context = context;
  source->file = -1;
  MPI_Comm_rank(comm, &source->rank);
  NEURLP_TRY(neurlp_copy_text(context, path, &source->path));
  return NEURLP_SUCCESS;
done:
  if (*linear) neurlp_release(context, &(*linear)->source);
  neurlp_release(context, linear);
  return status;
}

neurlp_status neurlp_linear_open(MPI_Comm comm, neurlp_context *context, const char *path,
                                 neurlp_linear_file **file) {
  neurlp_linear_file *made = NULL;
  *file = NULL;
  neurlp_status status = neurlp_agree(comm, context, make_file(comm, context, path, &made));
  if (status == NEURLP_SUCCESS)
    status = neurlp_agree(comm, context, made->source->rank == 0 ? read_groups(made) : NEURLP_SUCCESS);
  if (status == NEURLP_SUCCESS) status = share_groups(made);
  if (status == NEURLP_SUCCESS) status = neurlp_data_open_together(comm, context, path, &made->source->file);
  if (status == NEURLP_SUCCESS)
    *file = made;
  else
    neurlp_linear_close(&made);
  return status;
}

/* Collective. Reads a block of an array, which begins at `start` and has `size`. */
static neurlp_status read_block(neurlp_linear_file *file, int32_t group, neurlp_linear_array array,
                                const int64_t *start, const int64_t *size, int32_t rank, double *values) {
  neurlp_linear_source *source = file->source;
  char path[2 * NEURLP_GROUP_NAME_BYTES];
  const int64_t stride[6] = {1, 1, 1, 1, 1, 1};
  snprintf(path, sizeof path, "%s/%s", file->groups[group].name, neurlp_linear_array_name(array));
  if (neurlp_linear_row(&file->groups[group], array) == 0) return NEURLP_SUCCESS;
  neurlp_status status = NEURLP_SUCCESS;
  const bool read =
      neurlp_hdf5_read_block(source->file, path, H5T_NATIVE_DOUBLE, rank, start, stride, size, values) >= 0;
  if (!read || !neurlp_hdf5_is_whole(source->file, source->path))
    status =
        neurlp_fail(source->context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read: %s; is the file damaged?",
                    source->path, path, read ? "it was cut short meanwhile" : neurlp_hdf5_reason());
  return neurlp_agree(source->comm, source->context, status);
}

neurlp_status neurlp_linear_read(neurlp_linear_file *file, int32_t group, neurlp_linear_array array,
                                 int64_t first, int64_t count, double *values) {
  int32_t rank = 0;
  int64_t size[6] = {0};
  const int64_t start[6] = {first};
  neurlp_linear_extents(&file->groups[group], array, &rank, size);
  size[0] = count;
  return read_block(file, group, array, start, size, rank, values);
}

neurlp_status neurlp_linear_read_steps(neurlp_linear_file *file, int32_t group, neurlp_linear_array array,
                                       int64_t system, int64_t first, int64_t count, double *values) {
  int32_t rank = 0;
  int64_t size[6] = {0};
  neurlp_linear_extents(&file->groups[group], array, &rank, size);
  const bool whole = size[1] == 1; /* constant in time */
  const int64_t start[6] = {system, whole ? 0 : first};
  size[0] = count > 0;
  if (!whole) size[1] = count;
  return read_block(file, group, array, start, size, rank, values);
}

void neurlp_linear_close(neurlp_linear_file **file) {
  if (!file || !*file) return;
  neurlp_linear_source *source = (*file)->source;
  neurlp_context *context = source->context;
  if (source->file >= 0) H5Fclose(source->file);
  neurlp_release(context, &(*file)->groups);
  neurlp_release(context, &source->path);
  neurlp_release(context, &(*file)->source);
  neurlp_release(context, file);
}
