/* What a training left of its windows: the solution of each, and what its networks make of it, as series over
 * time. Where windows of one system overlap, each sample is that of one of them. */
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"
#include "plot/plot_source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_COUNTED 9e15 /* that a double counts */
enum { MOST_COLUMNS = 16, NAME_BYTES = 96 };

/* ---- which windows there are -------------------------------------------------------------------------- */

static neurlp_status disagree(const neurlp_plot_source *s, const char *what, const char *shape) {
  return neurlp_fail(s->context, NEURLP_ERROR_DATA,
                     "%s: '%s' does not belong to 'windows/system'; it needs %s", s->request->path, what,
                     shape);
}

static bool all_counts(const neurlp_table *table) {
  for (int64_t i = 0; i < table->rows; i++) {
    const double value = table->values[i];
    if (!(value >= 0 && value <= MOST_COUNTED && floor(value) == value)) return false;
  }
  return true;
}

neurlp_status neurlp_plot_count_windows(neurlp_plot_source *s, hid_t file, int64_t *systems) {
  const struct {
    const char *path;
    neurlp_table *table;
  } lists[] = {{"windows/system", &s->window_system},
               {"windows/first", &s->window_first},
               {"windows/validation", &s->window_validation},
               {"status", &s->window_status}};
  neurlp_status status = NEURLP_SUCCESS;
  *systems = 0;
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    NEURLP_TRY(neurlp_plot_read_table(s, file, lists[i].path, lists[i].table));
    if (!s->window_system.values) return NEURLP_SUCCESS;
    if (!lists[i].table->values || lists[i].table->columns != 1 ||
        lists[i].table->rows != s->window_system.rows)
      return disagree(s, lists[i].path, "[window]");
    if (i < 2 && !all_counts(lists[i].table))
      return neurlp_fail(s->context, NEURLP_ERROR_DATA, "%s: '%s' must hold whole numbers from 0 on",
                         s->request->path, lists[i].path);
  }
  for (int64_t w = 0; w < s->window_system.rows; w++)
    if (s->window_system.values[w] >= (double)*systems) *systems = (int64_t)s->window_system.values[w] + 1;
done:
  return status;
}

/* ---- windows of one system, one after the other ------------------------------------------------------- */

typedef struct place {
  int64_t window, first;
} place;

static int compare(const void *a, const void *b) {
  const place *p = a, *q = b;
  if (p->first != q->first) return p->first < q->first ? -1 : 1;
  return p->window < q->window ? -1 : p->window > q->window;
}

/* Windows of a system in the order of time, as few as show all samples that some window has: after each the
 * last one that begins before it ends, or just then. */
static neurlp_status find_chain(const neurlp_plot_source *s, int64_t system, int64_t length, place **chain,
                                int64_t *count) {
  neurlp_status status = NEURLP_SUCCESS;
  place *all = NULL;
  int64_t found = 0;
  NEURLP_TRY(neurlp_allocate(s->context, s->window_system.rows, sizeof *all, &all));
  for (int64_t w = 0; w < s->window_system.rows; w++)
    if (s->window_system.values[w] == (double)system)
      all[found++] = (place){w, (int64_t)s->window_first.values[w]};
  if (found > 1) qsort(all, (size_t)found, sizeof *all, compare);
  *count = 0;
  for (int64_t i = 0; i < found; i++) {
    const int64_t last = *count > 0 ? all[*count - 1].first : -length - 1;
    const bool follows = i + 1 < found && all[i + 1].first <= last + length;
    if (!follows && all[i].first > last) all[(*count)++] = all[i]; /* never beyond i: in its place */
  }
  *chain = all;
  all = NULL;
done:
  neurlp_release(s->context, &all);
  return status;
}

/* ---- an array of windows as a series ------------------------------------------------------------------ */

/* An array [window][points][columns]: T points or T - 1, which are at samples, or one for the whole window.
 */
typedef struct layer {
  const char *path;
  int64_t points, columns;
} layer;

/* One window: its numbers from where those of the one before it end; after a break, if it begins later. */
static neurlp_status add_window(const neurlp_plot_source *s, hid_t file, const layer *l, int64_t length,
                                const place *chain, int64_t i, double *times, neurlp_series *series) {
  const int64_t w = chain[i].window, columns = l->columns, reach = l->points > 1 ? l->points : length;
  const int64_t behind = i > 0 ? chain[i].first - chain[i - 1].first : length;
  const int64_t skip = behind < reach ? reach - behind : 0;
  double *values = series->states + series->count * columns;
  neurlp_status status = NEURLP_SUCCESS;
  if (behind > length) {
    series->times[series->count] = series->times[series->count - 1];
    for (int64_t k = 0; k < columns; k++) values[k] = (double)NAN;
    series->count++;
    values += columns;
  }
  NEURLP_TRY(neurlp_plot_read_row(s, file, "windows/time", w, length, times));
  NEURLP_TRY(neurlp_plot_read_row(s, file, l->path, w, l->points * columns, values));
  for (int64_t k = 0; s->window_status.values[w] != 0 && k < l->points * columns; k++)
    values[k] = (double)NAN;
  if (l->points > 1) {
    memmove(values, values + skip * columns, (size_t)((l->points - skip) * columns) * sizeof *values);
    memcpy(series->times + series->count, times + skip, (size_t)(l->points - skip) * sizeof *times);
    series->count += l->points - skip;
  } else { /* one number up to the end */
    memcpy(values + columns, values, (size_t)columns * sizeof *values);
    series->times[series->count++] = times[skip];
    series->times[series->count++] = times[length - 1];
  }
done:
  return status;
}

static neurlp_status read_layer(const neurlp_plot_source *s, hid_t file, const layer *l, int64_t length,
                                int64_t system, neurlp_series *series) {
  neurlp_status status = NEURLP_SUCCESS;
  place *chain = NULL;
  double *times = NULL;
  int64_t count = 0;
  NEURLP_TRY(find_chain(s, system, length, &chain, &count));
  const int64_t room = count * (l->points + 2);
  NEURLP_TRY(neurlp_allocate(s->context, length, sizeof *times, &times));
  NEURLP_TRY(neurlp_allocate(s->context, room, sizeof *series->times, &series->times));
  NEURLP_TRY(neurlp_allocate(s->context, room * l->columns, sizeof *series->states, &series->states));
  for (int64_t i = 0; i < count; i++) NEURLP_TRY(add_window(s, file, l, length, chain, i, times, series));
done:
  neurlp_release(s->context, &chain);
  neurlp_release(s->context, &times);
  return status;
}

static neurlp_status read_solutions(neurlp_plot_source *s, hid_t file, int64_t length) {
  const layer solution = {"windows/solution", length, s->states.count};
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < s->chosen_count; i++) {
    NEURLP_TRY(read_layer(s, file, &solution, length, s->chosen[i], &s->solution[i]));
    neurlp_series_cut(s, &s->solution[i], s->states.count);
  }
done:
  return status;
}

/* ---- what networks emit, over time -------------------------------------------------------------------- */

/* What there is to see of it: whether some chosen system has two numbers in this column that differ. */
static bool varies(const neurlp_plot_source *s, const neurlp_emitted *e, int64_t columns, int64_t column) {
  double first = (double)NAN;
  for (int32_t i = 0; i < s->chosen_count; i++)
    for (int64_t t = 0; t < e->series[i].count; t++) {
      const double value = e->series[i].states[t * columns + column];
      if (!isfinite(value)) continue;
      if (isnan(first)) first = value;
      if (value != first) return true;
    }
  return false;
}

static void move_column(const neurlp_plot_source *s, neurlp_emitted *e, int64_t columns, int64_t from,
                        int64_t to) {
  for (int32_t i = 0; i < s->chosen_count; i++)
    for (int64_t t = 0; t < e->series[i].count; t++)
      e->series[i].states[t * columns + to] = e->series[i].states[t * columns + from];
}

/* From [columns] to [kept] numbers a row. */
static void pack_rows(const neurlp_plot_source *s, neurlp_emitted *e, int64_t columns, int64_t kept) {
  for (int32_t i = 0; i < s->chosen_count; i++)
    for (int64_t t = 0; t < e->series[i].count; t++)
      memmove(e->series[i].states + t * kept, e->series[i].states + t * columns,
              (size_t)kept * sizeof *e->series[i].states);
}

static void name_column(const neurlp_plot_source *s, neurlp_emits what, int64_t columns, int64_t i,
                        char name[NAME_BYTES]) {
  const int64_t each = columns / s->states.count;
  if (what == NEURLP_EMITS_STEPS)
    snprintf(name, NAME_BYTES, "step");
  else if (what == NEURLP_EMITS_COEFFICIENTS)
    snprintf(name, NAME_BYTES, "c%lld of %.60s", (long long)(i % each), s->states.texts[i / each]);
  else
    snprintf(name, NAME_BYTES, "%.40s: %.40s", s->states.texts[i / each], s->terms.texts[i % each]);
}

/* The first columns that vary, with their names. */
static neurlp_status keep_columns(const neurlp_plot_source *s, neurlp_emits what, int64_t columns,
                                  neurlp_emitted *e) {
  char name[NAME_BYTES];
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(s->context, MOST_COLUMNS, sizeof *e->names.texts, &e->names.texts));
  for (int64_t i = 0; i < columns && e->names.count < MOST_COLUMNS; i++) {
    if (!varies(s, e, columns, i)) continue;
    name_column(s, what, columns, i, name);
    NEURLP_TRY(neurlp_copy_text(s->context, name, &e->names.texts[e->names.count]));
    move_column(s, e, columns, i, e->names.count++);
  }
  pack_rows(s, e, columns, e->names.count);
done:
  return status;
}

static neurlp_status read_emitted(neurlp_plot_source *s, hid_t file, neurlp_emits what, int64_t length) {
  const layer layers[NEURLP_EMITS] = {
      [NEURLP_EMITS_COEFFICIENTS] = {"windows/coefficients", length, 0},
      [NEURLP_EMITS_STEPS] = {"windows/steps", length - 1, 1},
      [NEURLP_EMITS_WEIGHTS] = {"windows/weights", 1, s->states.count * s->terms.count}};
  neurlp_emitted *e = &s->emitted[what];
  layer l = layers[what];
  neurlp_numeric numeric;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_numeric_check(s->context, file, s->request->path, l.path, false, &numeric));
  if (!numeric.present) return NEURLP_SUCCESS;
  if (what == NEURLP_EMITS_COEFFICIENTS) {
    if (numeric.rank != 4 || (numeric.extents[1] != 1 && numeric.extents[1] != length) ||
        numeric.extents[2] != s->states.count || numeric.extents[3] < 1 || numeric.extents[3] > NAME_BYTES)
      return disagree(s, l.path, "[window][sample or 1][state][derivative]");
    l.points = numeric.extents[1];
    l.columns = numeric.extents[2] * numeric.extents[3];
  }
  if (l.points < 1 || l.columns < 1) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(s->context, s->chosen_count, sizeof *e->series, &e->series));
  for (int32_t i = 0; i < s->chosen_count; i++) {
    NEURLP_TRY(read_layer(s, file, &l, length, s->chosen[i], &e->series[i]));
    neurlp_series_cut(s, &e->series[i], l.columns);
  }
  status = keep_columns(s, what, l.columns, e);
done:
  return status;
}

/* ---- what networks read off windows, beside the truth ------------------------------------------------- */

/* Weights in the data's unit of time, and the true ones of each window's system. */
static neurlp_status read_weights(neurlp_plot_source *s, hid_t file) {
  const int64_t columns = s->states.count * s->terms.count, windows = s->window_system.rows;
  neurlp_table truth = {0}, *found = &s->window_weights;
  double scale = 1;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_plot_read_table(s, file, "windows/weights", found));
  if (!found->values) return NEURLP_SUCCESS;
  if (found->rows != windows || found->columns != columns)
    return disagree(s, "windows/weights", "[window][state][term]");
  for (int64_t w = 0; w < windows; w++)
    for (int64_t k = 0; s->window_status.values[w] != 0 && k < columns; k++)
      found->values[w * columns + k] = (double)NAN;
  NEURLP_TRY(neurlp_plot_read_table(s, file, "truth/weights", &truth));
  if (!truth.values) goto done;
  if (truth.columns != columns || truth.rows < s->systems) {
    status = disagree(s, "truth/weights", "[system][state][term]");
    goto done;
  }
  if (neurlp_hdf5_is(file, "metrics/weights_error", H5O_TYPE_DATASET))
    NEURLP_TRY(neurlp_attribute_number_read(s->context, file, s->request->path, "metrics/weights_error",
                                            "time_scale", &scale));
  NEURLP_TRY(neurlp_allocate(s->context, windows * columns, sizeof *s->window_truth.values,
                             &s->window_truth.values));
  s->window_truth.rows = windows;
  s->window_truth.columns = columns;
  for (int64_t w = 0; w < windows; w++)
    memcpy(s->window_truth.values + w * columns, truth.values + (int64_t)s->window_system.values[w] * columns,
           (size_t)columns * sizeof(double));
  for (int64_t i = 0; i < windows * columns; i++) found->values[i] *= scale;
done:
  neurlp_release(s->context, &truth.values);
  return status;
}

neurlp_status neurlp_plot_read_windows(neurlp_plot_source *s, hid_t file) {
  neurlp_numeric solution, times;
  const int64_t windows = s->window_system.rows;
  neurlp_status status = NEURLP_SUCCESS;
  if (!s->window_system.values || s->states.count == 0) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_numeric_check(s->context, file, s->request->path, "windows/solution", true, &solution));
  NEURLP_TRY(neurlp_numeric_check(s->context, file, s->request->path, "windows/time", true, &times));
  if (solution.rank != 3 || solution.extents[0] != windows || solution.extents[2] != s->states.count)
    return disagree(s, "windows/solution", "[window][sample][state]");
  if (times.rank != 2 || times.extents[0] != windows || times.extents[1] != solution.extents[1])
    return disagree(s, "windows/time", "[window][sample]");
  const int64_t length = solution.extents[1];
  if (length < 1) return NEURLP_SUCCESS;
  s->solution_name = "solution of the block";
  NEURLP_TRY(read_solutions(s, file, length));
  for (int what = 0; what < NEURLP_EMITS; what++)
    NEURLP_TRY(read_emitted(s, file, (neurlp_emits)what, length));
  status = read_weights(s, file);
done:
  return status;
}
