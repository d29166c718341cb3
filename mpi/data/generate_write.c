#include "data/generate_write.h"

#include "comm.h"
#include "file/array_file.h"
#include "system/pde/known_pde.h"

#include <stdio.h>

enum { SCHEMA_VERSION = 1 };

/* Times [T], of which every rank writes a share; all systems have the same. */
static neurlp_status write_times(MPI_Comm comm, neurlp_context *context, neurlp_array_file *file,
                                 const neurlp_generated_part *b) {
  int rank = 0, size = 1;
  int64_t first = 0, owned = 0;
  double *times = NULL;
  const neurlp_generated *g = b->generated;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  neurlp_partition(g->samples, rank, size, &first, &owned);
  neurlp_status status = neurlp_agree(comm, context, neurlp_allocate(context, owned, sizeof *times, &times));
  if (status == NEURLP_SUCCESS) {
    for (int64_t i = 0; i < owned; i++) times[i] = g->start + (double)(first + i) * g->step;
    const neurlp_array array = {.path = "time",
                                .type = H5T_NATIVE_DOUBLE,
                                .rank = 1,
                                .extents = {g->samples},
                                .units = "1",
                                .long_name = "time of each sample",
                                .scales = {"time"}};
    status = neurlp_array_write_rows(file, &array, first, owned, times);
  }
  neurlp_release(context, &times);
  return status;
}

/* Where each state is, in a partial differential equation: [D]. Systems have lengths of their own, so that it
 * is in parts of the length. */
static neurlp_status write_position(MPI_Comm comm, neurlp_context *context, neurlp_array_file *file,
                                    const neurlp_generated *g) {
  int rank = 0, size = 1;
  int64_t first = 0, owned = 0;
  double *position = NULL;
  char title[256];
  const neurlp_array array = {.path = "position",
                              .type = H5T_NATIVE_DOUBLE,
                              .rank = 1,
                              .extents = {g->dimensions},
                              .units = "1",
                              .long_name = "place of each state, as a part of the parameter `length`",
                              .scales = {"names"}};
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  neurlp_partition(g->dimensions, rank, size, &first, &owned);
  neurlp_status status =
      neurlp_agree(comm, context, neurlp_allocate(context, owned, sizeof *position, &position));
  if (status < 0) return status;
  for (int64_t j = 0; j < owned; j++) position[j] = (double)(first + j) / g->dimensions;
  snprintf(title, sizeof title, "%s: %s", g->pde->title, g->pde->equation);
  NEURLP_TRY(neurlp_array_write_rows(file, &array, first, owned, position));
  NEURLP_TRY(neurlp_array_attribute_text(file, "position", "boundary", "periodic"));
  NEURLP_TRY(neurlp_array_attribute_text(file, "position", "equation", title));
done:
  neurlp_release(context, &position);
  return status;
}

static neurlp_status write_arrays(MPI_Comm comm, neurlp_context *context, neurlp_array_file *file,
                                  const neurlp_generated_part *b) {
  neurlp_status status = NEURLP_SUCCESS;
  const neurlp_generated *g = b->generated;
  const neurlp_sample_range *range = &b->samples->range;
  const neurlp_array states = {.path = "states",
                               .type = H5T_NATIVE_DOUBLE,
                               .rank = 3,
                               .extents = {g->systems, g->samples, g->dimensions},
                               .units = "1",
                               .long_name = "state of each system at each time; NaN marks a missing sample",
                               .scales = {"system", "time", "names"},
                               .compress = b->compress};
  neurlp_array clean = states;
  clean.path = "clean";
  clean.long_name = "the same without noise and gaps";
  const neurlp_array parameters = {.path = "parameters",
                                   .type = H5T_NATIVE_DOUBLE,
                                   .rank = 2,
                                   .extents = {g->systems, g->parameters},
                                   .units = "1",
                                   .long_name = "true parameters of each system",
                                   .scales = {"system", "parameter_names"}};
  NEURLP_TRY(neurlp_array_write_texts(file, "names", "names of the states", g->dimensions,
                                      (const char *const *)g->names));
  NEURLP_TRY(write_times(comm, context, file, b));
  NEURLP_TRY(neurlp_array_write_samples(file, &states, range, b->samples->offsets, b->samples->states));
  if (g->clean)
    NEURLP_TRY(neurlp_array_write_samples(file, &clean, range, b->samples->offsets, b->samples->clean));
  if (g->pde) NEURLP_TRY(write_position(comm, context, file, g));
  if (g->parameters == 0) goto done;
  NEURLP_TRY(neurlp_array_write_texts(file, "parameter_names", "names of the parameters", g->parameters,
                                      (const char *const *)g->parameter_names));
  const int64_t first =
      range->first_system + (range->first_sample > 0); /* a system belongs where it begins */
  const int64_t owned = range->end_system > first ? range->end_system - first : 0;
  NEURLP_TRY(neurlp_array_write_rows(file, &parameters, owned > 0 ? first : 0, owned,
                                     b->parameters + (first - range->first_system) * g->parameters));
done:
  return status;
}

neurlp_status neurlp_generated_write(MPI_Comm comm, const neurlp_job *job, const char *path,
                                     const neurlp_generated_part *b) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_array_file *file = NULL;
  const neurlp_generated *g = b->generated;
  const int64_t copies = g->clean ? 2 : 1;
  const int64_t numbers =
      copies * g->systems * g->samples * g->dimensions + g->samples + g->systems * g->parameters;
  NEURLP_TRY(neurlp_array_file_create(comm, job->context, path,
                                      b->compress > 0 ? 0 : numbers * (int64_t)sizeof(double), &file));
  NEURLP_TRY(write_arrays(comm, job->context, file, b));
  NEURLP_TRY(neurlp_array_file_provenance(file, "neurlp data set", SCHEMA_VERSION, job->command_line,
                                          job->deck_text, neurlp_deck_integer(job->deck, "run.seed")));
  NEURLP_TRY(neurlp_array_attribute_text(file, "/", "deck_resolved", neurlp_deck_resolved(job->deck)));
  return neurlp_array_file_commit(&file);
done:
  neurlp_array_file_discard(&file);
  return status;
}
