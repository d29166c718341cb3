/* neurlp inspect: says in words what a file holds. Rank 0 reads alone, and believes nothing that it has not
 * checked. */
#include "checkpoint/checkpoint.h"
#include "comm.h"
#include "command/command.h"
#include "data/csv.h"
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"
#include "job.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Numbers read to count what is missing or failed; equations and names shown; their length. */
enum { MOST_NUMBERS = 1 << 24, MOST_SHOWN = 30, LONGEST_TEXT_BYTES = 65536 };

typedef struct inspection {
  neurlp_context *context;
  hid_t file;
  const char *path;
} inspection;

/* ---- any file ---------------------------------------------------------------------------------------- */

static const char *plural(int64_t count) {
  return count == 1 ? "" : "s";
}

static void print_escaped(const char *text) {
  for (; *text; text++) putchar((unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
}

/* One attribute of the file: short texts and numbers as they are, long texts by their length. */
static neurlp_status print_attribute(const inspection *in, const char *name) {
  const hid_t attribute = H5Aopen(in->file, name, H5P_DEFAULT);
  if (attribute < 0) return NEURLP_SUCCESS;
  const hid_t type = H5Aget_type(attribute);
  const H5T_class_t kind = H5Tget_class(type);
  H5Tclose(type);
  H5Aclose(attribute);
  neurlp_status status = NEURLP_SUCCESS;
  if (kind == H5T_STRING) {
    char *text = NULL;
    status = neurlp_attribute_text_read(in->context, in->file, "/", name, &text);
    if (status == NEURLP_SUCCESS && *text) {
      printf("  %-15s ", name);
      if (strlen(text) > 200 || strchr(text, '\n'))
        printf("(text of %zu characters)", strlen(text));
      else
        print_escaped(text);
      printf("\n");
    }
    neurlp_release(in->context, &text);
  } else {
    double value = (double)NAN;
    if (neurlp_attribute_number_read(in->context, in->file, in->path, "/", name, &value) == NEURLP_SUCCESS)
      printf("  %-15s %.*g\n", name, value == rint(value) ? 17 : 9, value); /* seeds to their last digit */
  }
  return status;
}

static neurlp_status print_provenance(const inspection *in) {
  H5O_info_t info = {0};
  H5Oget_info_by_name2(in->file, "/", &info, H5O_INFO_NUM_ATTRS, H5P_DEFAULT);
  const hsize_t count = info.num_attrs;
  if (count > 0) printf("Where it comes from:\n");
  for (hsize_t i = 0; i < count; i++) {
    char name[128] = "";
    const ssize_t length =
        H5Aget_name_by_idx(in->file, "/", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
    if (length <= 0 || (size_t)length >= sizeof name) continue;
    const neurlp_status status = print_attribute(in, name);
    if (status < 0) return status;
  }
  return NEURLP_SUCCESS;
}

/* Reads a whole numeric data set, if it is not too large to look at; *count 0 otherwise. */
static neurlp_status read_all(const inspection *in, const char *path, neurlp_numeric *numeric, int64_t *count,
                              double **values) {
  neurlp_status status = NEURLP_SUCCESS;
  *count = 1;
  *values = NULL;
  NEURLP_TRY(neurlp_numeric_check(in->context, in->file, in->path, path, false, numeric));
  for (int32_t i = 0; i < numeric->rank; i++) *count *= numeric->extents[i];
  if (!numeric->present || *count > MOST_NUMBERS) *count = 0;
  if (*count == 0) goto done;
  NEURLP_TRY(neurlp_allocate(in->context, *count, sizeof **values, values));
  const hid_t dataset = H5Dopen2(in->file, path, H5P_DEFAULT);
  const int result = H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, *values);
  H5Dclose(dataset);
  if (result < 0)
    status = neurlp_fail(in->context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read: %s", in->path, path,
                         neurlp_hdf5_reason());
done:
  if (status != NEURLP_SUCCESS) neurlp_release(in->context, values);
  return status;
}

/* Counts what has a status, "system" or "window", by status. */
static neurlp_status print_statuses(const inspection *in, const char *path, const char *what) {
  neurlp_numeric numeric;
  int64_t count = 0;
  double *codes = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (!neurlp_hdf5_exists(in->file, path)) return NEURLP_SUCCESS;
  NEURLP_TRY(read_all(in, path, &numeric, &count, &codes));
  int64_t named = 0;
#define COUNT_STATUS(name, value, sentence)                                                                  \
  do {                                                                                                       \
    int64_t n = 0;                                                                                           \
    for (int64_t i = 0; i < count; i++) n += codes[i] == (value);                                            \
    named += n;                                                                                              \
    if (n > 0)                                                                                               \
      printf("  status %d, %lld of %lld %ss: %s\n", value, (long long)n, (long long)count, what, sentence);  \
  } while (0);
  NEURLP_STATUS_LIST(COUNT_STATUS)
#undef COUNT_STATUS
  if (named < count)
    printf("  %lld %ss have a status that this version does not know\n", (long long)(count - named), what);
done:
  neurlp_release(in->context, &codes);
  return status;
}

/* Number of elements of a data set of any type; -1: there is none. */
static int64_t elements_at(hid_t file, const char *path) {
  if (!neurlp_hdf5_is(file, path, H5O_TYPE_DATASET)) return -1;
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  const hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset);
  const int64_t count = space < 0 ? -1 : (int64_t)H5Sget_simple_extent_npoints(space);
  if (space >= 0) H5Sclose(space);
  if (dataset >= 0) H5Dclose(dataset);
  return count;
}

/* Prints a list of texts, with `before` and `after` around each. */
static neurlp_status print_texts(const inspection *in, const char *path, const char *before,
                                 const char *after) {
  const int64_t count = elements_at(in->file, path);
  char **texts = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (count < 1 || count > MOST_NUMBERS) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(in->context, count, sizeof *texts, &texts));
  NEURLP_TRY(neurlp_texts_read(in->context, in->file, in->path, path, count, LONGEST_TEXT_BYTES, texts));
  for (int64_t i = 0; i < count && i < MOST_SHOWN; i++) printf("%s%s%s", before, texts[i], after);
  if (count > MOST_SHOWN) printf("%s... (%lld more)%s", before, (long long)(count - MOST_SHOWN), after);
done:
  for (int64_t i = 0; texts && i < count; i++) neurlp_release(in->context, &texts[i]);
  neurlp_release(in->context, &texts);
  return status;
}

/* One line for each data set of the file. */
static herr_t print_member(hid_t root, const char *name, const H5O_info_t *info, void *data) {
  const inspection *in = data;
  if (info->type != H5O_TYPE_DATASET) return 0;
  hsize_t extents[H5S_MAX_RANK] = {0};
  const hid_t dataset = H5Dopen2(root, name, H5P_DEFAULT);
  if (dataset < 0) return 0;
  const hid_t space = H5Dget_space(dataset);
  const int rank = H5Sget_simple_extent_dims(space, extents, NULL);
  H5Sclose(space);
  H5Dclose(dataset);
  char *long_name = NULL, *units = NULL;
  const bool read =
      neurlp_attribute_text_read(in->context, in->file, name, "long_name", &long_name) == NEURLP_SUCCESS &&
      neurlp_attribute_text_read(in->context, in->file, name, "units", &units) == NEURLP_SUCCESS;
  char sizes[160] = "";
  for (int i = 0; i < rank && i < NEURLP_MOST_EXTENTS; i++)
    snprintf(sizes + strlen(sizes), sizeof sizes - strlen(sizes), "[%llu]", (unsigned long long)extents[i]);
  printf("  ");
  print_escaped(name);
  printf(" %s", sizes);
  if (read && *long_name) {
    printf("  ");
    print_escaped(long_name);
  }
  if (read && *units && strcmp(units, "1") != 0) {
    printf(", in ");
    print_escaped(units);
  }
  printf("\n");
  neurlp_release(in->context, &long_name);
  neurlp_release(in->context, &units);
  return 0;
}

/* ---- kinds of files ---------------------------------------------------------------------------------- */

/* Shortest and longest system, where lengths differ. */
static neurlp_status print_lengths(const inspection *in) {
  neurlp_numeric numeric;
  int64_t count = 0;
  double *lengths = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(read_all(in, "length", &numeric, &count, &lengths));
  double shortest = HUGE_VAL, longest = 0;
  for (int64_t i = 0; i < count; i++) {
    shortest = fmin(shortest, lengths[i]);
    longest = fmax(longest, lengths[i]);
  }
  if (count > 0) printf("The shortest system has %.0f samples, the longest %.0f.\n", shortest, longest);
done:
  neurlp_release(in->context, &lengths);
  return status;
}

static neurlp_status print_times(const inspection *in) {
  neurlp_numeric numeric;
  int64_t count = 0;
  double *times = NULL;
  char *units = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(read_all(in, "time", &numeric, &count, &times));
  NEURLP_TRY(neurlp_attribute_text_read(in->context, in->file, "time", "units", &units));
  double first = HUGE_VAL, last = -HUGE_VAL;
  for (int64_t i = 0; i < count; i++) {
    first = fmin(first, times[i]);
    last = fmax(last, times[i]);
  }
  if (count > 0) {
    printf("Time runs from %.10g to %.10g", first, last);
    if (strcmp(units, "1") != 0 && *units) {
      printf(" ");
      print_escaped(units);
    }
    printf("%s.\n", numeric.rank == 2 ? "; each system has its own" : "");
  }
done:
  neurlp_release(in->context, &units);
  neurlp_release(in->context, &times);
  return status;
}

static neurlp_status print_missing(const inspection *in) {
  neurlp_numeric numeric;
  int64_t count = 0, missing = 0;
  double *states = NULL;
  const neurlp_status status = read_all(in, "states", &numeric, &count, &states);
  if (status != NEURLP_SUCCESS) return status;
  for (int64_t i = 0; i < count; i++) missing += isnan(states[i]);
  if (count > 0) printf("%lld of %lld values are missing (NaN).\n", (long long)missing, (long long)count);
  neurlp_release(in->context, &states);
  return NEURLP_SUCCESS;
}

static neurlp_status print_data_set(const inspection *in) {
  neurlp_numeric states;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_numeric_check(in->context, in->file, in->path, "states", true, &states));
  if (states.rank < 2 || states.rank > 3) {
    status = neurlp_fail(in->context, NEURLP_ERROR_DATA,
                         "%s: 'states' has %d dimensions; it needs two, [sample][state], or three, "
                         "[system][sample][state]",
                         in->path, states.rank);
    goto done;
  }
  const int64_t systems = states.rank == 3 ? states.extents[0] : 1;
  double complete = (double)systems;
  NEURLP_TRY(
      neurlp_attribute_number_read(in->context, in->file, in->path, "/", "complete_systems", &complete));
  printf("A data set: %lld system%s, %lld samples, %lld state%s", (long long)systems, plural(systems),
         (long long)states.extents[states.rank - 2], (long long)states.extents[states.rank - 1],
         plural(states.extents[states.rank - 1]));
  NEURLP_TRY(print_texts(in, "names", " ", ""));
  printf(".\n");
  if (complete < (double)systems)
    printf("It is not done: the first %.0f of %lld systems are complete.\n", complete, (long long)systems);
  NEURLP_TRY(print_lengths(in));
  NEURLP_TRY(print_times(in));
  NEURLP_TRY(print_missing(in));
  if (neurlp_hdf5_exists(in->file, "parameter_names")) {
    printf("Parameters of each system:");
    NEURLP_TRY(print_texts(in, "parameter_names", " ", ""));
    printf(".\n");
  }
done:
  return status;
}

/* How far a result came whose systems are fitted piece by piece. *done: all of it. */
static neurlp_status print_complete(const inspection *in, bool *done) {
  neurlp_numeric statuses;
  double complete = -1;
  *done = true;
  neurlp_status status =
      neurlp_attribute_number_read(in->context, in->file, in->path, "/", "complete_systems", &complete);
  if (status < 0 || complete < 0) return status;
  status = neurlp_numeric_check(in->context, in->file, in->path, "status", true, &statuses);
  if (status < 0 || statuses.rank != 1) return status;
  *done = complete >= (double)statuses.extents[0];
  if (!*done)
    printf("It is not done: the first %.0f of %lld systems are complete. The command below goes on from "
           "there.\n",
           complete, (long long)statuses.extents[0]);
  return status;
}

static neurlp_status print_result(const inspection *in) {
  neurlp_status status = NEURLP_SUCCESS;
  bool done = true;
  printf("A result of `neurlp run`.\n");
  NEURLP_TRY(print_complete(in, &done));
  if (neurlp_hdf5_exists(in->file, "equations/text")) {
    printf("Equations:\n");
    NEURLP_TRY(print_texts(in, "equations/text", "  ", "\n"));
  }
  if (neurlp_hdf5_exists(in->file, "equations/known")) {
    printf("Of these, known beforehand:");
    NEURLP_TRY(print_texts(in, "equations/known", " ", ","));
    printf("\n");
  }
  if (!done) goto done; /* statuses of what is not complete are none */
  printf("Systems:\n");
  NEURLP_TRY(print_statuses(in, "status", "system"));
done:
  return status;
}

/* "Training loss: 3.2 at first, 0.1 at last, 0.09 at best, in epoch 17 of 20." Curves without a number are
 * left out. */
static neurlp_status print_curve(const inspection *in, const char *path, const char *name) {
  neurlp_numeric numeric;
  int64_t count = 0, best = -1;
  double *losses = NULL;
  if (!neurlp_hdf5_exists(in->file, path)) return NEURLP_SUCCESS;
  const neurlp_status status = read_all(in, path, &numeric, &count, &losses);
  if (status != NEURLP_SUCCESS) return status;
  for (int64_t i = 0; i < count; i++)
    if (isfinite(losses[i]) && (best < 0 || losses[i] < losses[best])) best = i;
  if (best >= 0)
    printf("%s: %.6g at first, %.6g at last, %.6g at best, in epoch %lld of %lld.\n", name, losses[0],
           losses[count - 1], losses[best], (long long)best + 1, (long long)count);
  neurlp_release(in->context, &losses);
  return NEURLP_SUCCESS;
}

/* Trained tensors of the model's group, and how many numbers they have. */
static herr_t count_parameters(hid_t group, const char *name, const H5O_info_t *info, void *data) {
  static const char *const fixed[] = {"center", "spread", "weight_scale", "mask"};
  int64_t *counts = data;
  if (info->type != H5O_TYPE_DATASET) return 0;
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
    if (strcmp(name, fixed[i]) == 0) return 0;
  const int64_t count = elements_at(group, name);
  counts[0]++;
  counts[1] += count > 0 ? count : 0;
  return 0;
}

/* How far a training's result came with the rows of an array in a group, windows or forecasts. */
static neurlp_status print_rows_complete(const inspection *in, const char *group, const char *path,
                                         const char *what) {
  neurlp_numeric rows;
  double complete = 0;
  neurlp_status status = NEURLP_SUCCESS;
  if (!neurlp_hdf5_exists(in->file, path)) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_numeric_check(in->context, in->file, in->path, path, true, &rows));
  NEURLP_TRY(
      neurlp_attribute_number_read(in->context, in->file, in->path, group, "complete_systems", &complete));
  if (rows.rank > 0)
    printf("  the first %.0f of %lld %s are complete\n", complete, (long long)rows.extents[0], what);
done:
  return status;
}

/* A training's result says last of all what came out. *done: it does. */
static neurlp_status print_progress(const inspection *in, bool *done) {
  neurlp_status status = NEURLP_SUCCESS;
  *done = H5Aexists(in->file, "outcome") > 0;
  if (*done) return NEURLP_SUCCESS;
  printf("It is not done. The command below goes on from there:\n");
  NEURLP_TRY(print_rows_complete(in, "windows", "windows/solution", "windows"));
  status = print_rows_complete(in, "forecast", "forecast/states", "forecasts");
done:
  return status;
}

static neurlp_status print_windows(const inspection *in, bool done) {
  neurlp_numeric numeric;
  neurlp_status status = NEURLP_SUCCESS;
  if (!neurlp_hdf5_exists(in->file, "windows/solution")) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_numeric_check(in->context, in->file, in->path, "windows/solution", true, &numeric));
  if (numeric.rank != 3)
    NEURLP_TRY(neurlp_fail(in->context, NEURLP_ERROR_DATA,
                           "%s: 'windows/solution' has %d dimensions; it needs 3", in->path, numeric.rank));
  printf("Windows: %lld of %lld samples, %lld state%s.\n", (long long)numeric.extents[0],
         (long long)numeric.extents[1], (long long)numeric.extents[2], plural(numeric.extents[2]));
  if (done) NEURLP_TRY(print_statuses(in, "status", "window"));
done:
  return status;
}

static neurlp_status print_training(const inspection *in) {
  int64_t counts[2] = {0};
  char *outcome = NULL, *message = NULL;
  bool complete = false;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_attribute_text_read(in->context, in->file, "/", "outcome", &outcome));
  NEURLP_TRY(neurlp_attribute_text_read(in->context, in->file, "/", "outcome_message", &message));
  const int64_t epochs = elements_at(in->file, "metrics/train_loss");
  printf("A training by `neurlp run`: %lld epoch%s", (long long)(epochs < 0 ? 0 : epochs), plural(epochs));
  if (*outcome) printf("; outcome: ");
  print_escaped(outcome);
  printf(".\n");
  NEURLP_TRY(print_progress(in, &complete));
  if (*message) {
    printf("  ");
    print_escaped(message);
    printf("\n");
  }
  NEURLP_TRY(print_curve(in, "metrics/train_loss", "Training loss"));
  NEURLP_TRY(print_curve(in, "metrics/validation_loss", "Validation loss"));
  const hid_t model = H5Gopen2(in->file, "model", H5P_DEFAULT);
  if (model >= 0) {
    H5Ovisit2(model, H5_INDEX_NAME, H5_ITER_INC, count_parameters, counts, H5O_INFO_BASIC);
    H5Gclose(model);
  }
  printf("Model: %lld parameter%s in %lld tensor%s.\n", (long long)counts[1], plural(counts[1]),
         (long long)counts[0], plural(counts[0]));
  if (neurlp_hdf5_exists(in->file, "equations/text")) {
    printf("Equations:\n");
    NEURLP_TRY(print_texts(in, "equations/text", "  ", "\n"));
  }
  NEURLP_TRY(print_windows(in, complete));
done:
  neurlp_release(in->context, &outcome);
  neurlp_release(in->context, &message);
  return status;
}

/* Arrays of a checkpoint's state, and how many numbers they have. */
static herr_t count_state(hid_t group, const char *name, const H5O_info_t *info, void *data) {
  int64_t *counts = data;
  if (info->type != H5O_TYPE_DATASET) return 0;
  const int64_t count = elements_at(group, name);
  counts[0]++;
  counts[1] += count > 0 ? count : 0;
  return 0;
}

static bool is_checkpoint(const inspection *in) {
  char *schema = NULL;
  const bool is = neurlp_attribute_text_read(in->context, in->file, "/", "schema", &schema) >= 0 &&
                  strcmp(schema, "neurlp checkpoint") == 0;
  neurlp_release(in->context, &schema);
  return is;
}

static neurlp_status print_checkpoint(const inspection *in) {
  int64_t counts[2] = {0};
  char *kind = NULL, *progress = NULL;
  double seconds = 0, number = 0;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_attribute_text_read(in->context, in->file, "/", "kind", &kind));
  NEURLP_TRY(neurlp_attribute_text_read(in->context, in->file, "/", "progress", &progress));
  NEURLP_TRY(neurlp_attribute_number_read(in->context, in->file, in->path, "/", "seconds", &seconds));
  NEURLP_TRY(neurlp_attribute_number_read(in->context, in->file, in->path, "/", "number", &number));
  printf("Checkpoint number %.0f of a %s", number, *kind ? "" : "run");
  print_escaped(kind);
  printf("; it has come to ");
  print_escaped(*progress ? progress : "a place that it does not name");
  printf(", after %.1f s.\n", seconds);
  H5Ovisit_by_name2(in->file, "state", H5_INDEX_NAME, H5_ITER_INC, count_state, counts, H5O_INFO_BASIC,
                    H5P_DEFAULT);
  printf("State: %lld number%s in %lld array%s.\n", (long long)counts[1], plural(counts[1]),
         (long long)counts[0], plural(counts[0]));
  status = neurlp_array_file_check_seal(MPI_COMM_SELF, in->context, in->path);
  if (status == NEURLP_ERROR_DATA)
    printf("It is damaged, and a run will skip it: %s.\n", neurlp_context_message(in->context));
  else if (status >= 0)
    printf("It is whole. The command below, or one with a deck that differs only in what may change, goes on "
           "from it.\n");
  if (status == NEURLP_ERROR_DATA) status = NEURLP_SUCCESS;
done:
  neurlp_release(in->context, &kind);
  neurlp_release(in->context, &progress);
  return status;
}

/* Extent of an array of a group along its steps; 1: it is constant in time, or not there. */
static int64_t extent_in_time(const inspection *in, const char *group, const char *array) {
  neurlp_numeric numeric;
  char path[300];
  snprintf(path, sizeof path, "%s/%s", group, array);
  if (neurlp_numeric_check(in->context, in->file, in->path, path, false, &numeric) < 0) return 1;
  return numeric.present && numeric.rank > 1 ? numeric.extents[1] : 1;
}

/* Steps of a problem's group, whichever array says so (docs/formats.md, "Linear problem"). */
static int64_t steps_of_group(const inspection *in, const char *group) {
  const int64_t own = extent_in_time(in, group, "coefficients"), rhs = extent_in_time(in, group, "rhs"),
                intervals = extent_in_time(in, group, "steps");
  double told = 2;
  if (own > 1 || rhs > 1) return own > 1 ? own : rhs;
  if (intervals > 1) return intervals + 1;
  if (neurlp_attribute_number_read(in->context, in->file, in->path, group, "step_count", &told) < 0) return 2;
  return told >= 2 && told <= INT32_MAX ? (int64_t)told : 2;
}

/* Linear problems, or their solutions: one paragraph for each group. */
static neurlp_status print_linear(const inspection *in, bool solved) {
  H5G_info_t info = {0};
  H5Gget_info(in->file, &info);
  printf("%s: %llu group%s.\n", solved ? "Solutions of linear problems" : "Linear problems",
         (unsigned long long)info.nlinks, plural((int64_t)info.nlinks));
  for (hsize_t i = 0; i < info.nlinks; i++) {
    char name[256] = "", path[300];
    const ssize_t length =
        H5Lget_name_by_idx(in->file, "/", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
    if (length <= 0 || (size_t)length >= sizeof name) continue;
    neurlp_numeric numeric;
    snprintf(path, sizeof path, "%s/%s", name, solved ? "solution" : "coefficients");
    neurlp_status status = neurlp_numeric_check(in->context, in->file, in->path, path, true, &numeric);
    if (status < 0) return status;
    if (numeric.rank != (solved ? 4 : 5))
      return neurlp_fail(in->context, NEURLP_ERROR_DATA, "%s: '%s' has %d dimensions; it needs %d", in->path,
                         path, numeric.rank, solved ? 4 : 5);
    const int64_t *n = numeric.extents;
    print_escaped(name);
    const int64_t dimensions = solved ? n[2] : n[3], derivatives = solved ? n[3] : n[4];
    printf(": %lld system%s, %lld steps, ", (long long)n[0], plural(n[0]),
           (long long)(solved ? n[1] : steps_of_group(in, name)));
    if (!solved) printf("%lld equation%s, ", (long long)n[2], plural(n[2]));
    printf("%lld dimension%s, order %lld\n", (long long)dimensions, plural(dimensions),
           (long long)derivatives - 1);
    double complete = (double)n[0];
    status =
        neurlp_attribute_number_read(in->context, in->file, in->path, name, "complete_systems", &complete);
    if (status < 0) return status;
    if (solved && complete < (double)n[0]) {
      printf("  not done: the first %.0f of %lld systems are complete\n", complete, (long long)n[0]);
      continue;
    }
    snprintf(path, sizeof path, "%s/status", name);
    status = solved ? print_statuses(in, path, "system") : NEURLP_SUCCESS;
    if (status < 0) return status;
  }
  return NEURLP_SUCCESS;
}

/* True if the first group of the file has a member of this name. */
static bool first_group_has(const inspection *in, const char *member) {
  char name[256] = "", path[300];
  const ssize_t length =
      H5Lget_name_by_idx(in->file, "/", H5_INDEX_NAME, H5_ITER_INC, 0, name, sizeof name, H5P_DEFAULT);
  if (length <= 0 || (size_t)length >= sizeof name) return false;
  snprintf(path, sizeof path, "%s/%s", name, member);
  return neurlp_hdf5_exists(in->file, name) && neurlp_hdf5_is(in->file, path, H5O_TYPE_DATASET);
}

static neurlp_status print_kind(inspection *in) {
  if (is_checkpoint(in)) return print_checkpoint(in);
  if (neurlp_hdf5_is(in->file, "model", H5O_TYPE_GROUP)) return print_training(in);
  if (neurlp_hdf5_exists(in->file, "equations")) return print_result(in);
  if (neurlp_hdf5_exists(in->file, "states")) return print_data_set(in);
  if (first_group_has(in, "coefficients")) return print_linear(in, false);
  if (first_group_has(in, "solution")) return print_linear(in, true);
  printf("An HDF5 file of a kind that this version does not know.\n");
  return NEURLP_SUCCESS;
}

static neurlp_status inspect_hdf5(neurlp_context *context, const char *path) {
  inspection in = {.context = context, .file = -1, .path = path};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_data_open_alone(context, path, &in.file));
  printf("%s\n", path);
  NEURLP_TRY(print_kind(&in));
  NEURLP_TRY(print_provenance(&in));
  printf("What is in it:\n");
  H5Ovisit2(in.file, H5_INDEX_NAME, H5_ITER_INC, print_member, &in, H5O_INFO_BASIC);
done:
  return neurlp_data_close_alone(context, path, &in.file, status);
}

static neurlp_status inspect_csv(neurlp_context *context, const char *path) {
  neurlp_csv csv;
  const neurlp_status status = neurlp_csv_read(context, path, &csv);
  if (status != NEURLP_SUCCESS) return status;
  int64_t missing = 0;
  for (int64_t i = 0; i < csv.rows * csv.columns; i++) missing += isnan(csv.values[i]);
  printf("%s\nA table: %lld line%s of %d column%s:", path, (long long)csv.rows, plural(csv.rows), csv.columns,
         plural(csv.columns));
  for (int32_t k = 0; k < csv.columns; k++) {
    printf("%s ", k ? "," : "");
    print_escaped(csv.names[k]);
  }
  printf(".\n%lld value%s missing.\n", (long long)missing, missing == 1 ? " is" : "s are");
  neurlp_csv_release(context, &csv);
  return NEURLP_SUCCESS;
}

static neurlp_status inspect(neurlp_context *context, int argc, char **argv) {
  if (argc != 1 || argv[0][0] == '-' || !argv[0][0])
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "the argument is the name of one file");
  const size_t length = strlen(argv[0]);
  if (length >= 4 && strcasecmp(argv[0] + length - 4, ".csv") == 0) return inspect_csv(context, argv[0]);
  return inspect_hdf5(context, argv[0]);
}

int neurlp_command_inspect(MPI_Comm comm, int argc, char **argv) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  neurlp_context *context = neurlp_job_context(comm, "inspect", 1);
  if (!context) return NEURLP_EXIT_INTERNAL;
  neurlp_status status = rank == 0 ? inspect(context, argc, argv) : NEURLP_SUCCESS;
  status = neurlp_agree(comm, context, status);
  const int exit_status = neurlp_job_finish(comm, context, "inspect", status);
  neurlp_context_destroy(&context);
  return exit_status;
}
