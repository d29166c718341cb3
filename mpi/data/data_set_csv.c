/* What a CSV file holds, found out by rank 0 alone: one system, one column of times, the others states. */
#include "data/csv.h"
#include "data/data_set_parts.h"

#include <math.h>
#include <string.h>

static neurlp_status find_time(neurlp_data_set *data, const neurlp_data_request *request,
                               const neurlp_csv *csv, int32_t *column) {
  neurlp_context *context = data->source->context;
  *column = request->time ? -1 : 0;
  for (int32_t k = 0; *column < 0 && k < csv->columns; k++)
    if (strcmp(csv->names[k], request->time) == 0) *column = k;
  if (*column < 0)
    return neurlp_fail(context, NEURLP_ERROR_DATA, "%s has no column '%s'; its first is '%s'",
                       data->source->path, request->time, csv->names[0]);
  if (csv->columns < 2)
    return neurlp_fail(context, NEURLP_ERROR_DATA,
                       "%s has one column, '%s'; it needs one of times and at least one of states",
                       data->source->path, csv->names[0]);
  for (int64_t t = 0; t < csv->rows; t++) {
    const double time = csv->values[t * csv->columns + *column];
    if (isfinite(time) && (t == 0 || time > csv->values[(t - 1) * csv->columns + *column])) continue;
    return neurlp_fail(context, NEURLP_ERROR_DATA,
                       "%s:%lld: time '%s' is %g; times must be there and increase from line to line",
                       data->source->path, (long long)csv->lines[t], csv->names[*column], time);
  }
  return NEURLP_SUCCESS;
}

/* Parts the table into times and states, and the names likewise. */
static neurlp_status part_columns(neurlp_data_set *data, const neurlp_data_request *request,
                                  const neurlp_csv *csv, int32_t column) {
  neurlp_data_source *source = data->source;
  const int32_t states = csv->columns - 1;
  char **names = NULL; /* borrowed from the table */
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(source->context, states, sizeof *names, &names));
  NEURLP_TRY(neurlp_allocate(source->context, csv->rows, sizeof(double), &source->csv_time));
  NEURLP_TRY(neurlp_allocate(source->context, csv->rows * states, sizeof(double), &source->csv_states));
  for (int32_t k = 0, to = 0; k < csv->columns; k++)
    if (k != column) names[to++] = csv->names[k];
  for (int64_t t = 0; t < csv->rows; t++) {
    const double *row = csv->values + t * csv->columns;
    source->csv_time[t] = row[column];
    for (int32_t k = 0, to = 0; k < csv->columns; k++)
      if (k != column) source->csv_states[t * states + to++] = row[k];
  }
  NEURLP_TRY(neurlp_data_choose_columns(data, request, names, NULL));
done:
  neurlp_release(source->context, &names);
  return status;
}

neurlp_status neurlp_data_describe_csv(neurlp_data_set *data, const neurlp_data_request *request) {
  neurlp_data_source *source = data->source;
  neurlp_csv csv;
  int32_t column = 0;
  neurlp_status status = neurlp_csv_read(source->context, source->path, &csv);
  if (status != NEURLP_SUCCESS) return status;
  source->layout = (neurlp_data_layout){.csv = true,
                                        .systems = 1,
                                        .file_samples = csv.rows,
                                        .file_dimensions = csv.columns - 1,
                                        .states_rank = 2,
                                        .time_rank = 1};
  NEURLP_TRY(find_time(data, request, &csv, &column));
  NEURLP_TRY(part_columns(data, request, &csv, column));
  NEURLP_TRY(neurlp_copy_text(source->context, "", &data->time_units));
  NEURLP_TRY(neurlp_data_choose_samples(data, request));
done:
  neurlp_csv_release(source->context, &csv);
  return status;
}
