/* neurlp generate: the deck's synthetic trajectories, as a data set (docs/formats.md). */
#include "array_file.h"
#include "comm.h"
#include "command.h"
#include "generate.h"
#include "job.h"

#include <stdio.h>

enum { SCHEMA_VERSION = 1 };

/* What this rank holds of the data set. */
typedef struct block {
  const neurlp_generated *generated;
  neurlp_samples samples;
  double *parameters; /* [systems of the rank][P] */
  int32_t compress;
} block;

/* Times [T], of which every rank writes a share; all systems have the same. */
static neurlp_status write_times(MPI_Comm comm, neurlp_context *context, neurlp_array_file *file,
                                 const block *b) {
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

static neurlp_status write_arrays(MPI_Comm comm, neurlp_context *context, neurlp_array_file *file,
                                  const block *b) {
  neurlp_status status = NEURLP_SUCCESS;
  const neurlp_generated *g = b->generated;
  const neurlp_sample_range *range = &b->samples.range;
  const neurlp_array states = {.path = "states",
                               .type = H5T_NATIVE_DOUBLE,
                               .rank = 3,
                               .extents = {g->systems, g->samples, g->dimensions},
                               .units = "1",
                               .long_name = "state of each system at each time; NaN marks a missing sample",
                               .scales = {"system", "time", "names"},
                               .compress = b->compress};
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
  NEURLP_TRY(neurlp_array_write_samples(file, &states, range, b->samples.offsets, b->samples.states));
  if (g->parameters == 0) goto done;
  NEURLP_TRY(neurlp_array_write_texts(file, "parameter_names", "names of the parameters", g->parameters,
                                      (const char *const *)g->parameter_names));
  NEURLP_TRY(neurlp_array_write_rows(file, &parameters, range->first_system,
                                     range->end_system - range->first_system, b->parameters));
done:
  return status;
}

/* Collective. This rank's systems. */
static neurlp_status make_block(MPI_Comm comm, neurlp_context *context, neurlp_generated *g, block *b) {
  int rank = 0, size = 1;
  int64_t first = 0, owned = 0;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  neurlp_partition(g->systems, rank, size, &first, &owned);
  const neurlp_sample_range range = {first, first + owned, 0, owned > 0 ? g->samples : 0};
  b->generated = g;
  neurlp_status status =
      neurlp_allocate(context, owned * g->parameters, sizeof *b->parameters, &b->parameters);
  if (status == NEURLP_SUCCESS) status = neurlp_generate_samples(g, &range, &b->samples, b->parameters);
  return neurlp_agree(comm, context, status);
}

/* Collective. The file, complete or not at all. */
static neurlp_status write_file(MPI_Comm comm, const neurlp_job *job, const char *path, const block *b) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_array_file *file = NULL;
  const neurlp_generated *g = b->generated;
  const int64_t numbers = g->systems * g->samples * g->dimensions + g->samples + g->systems * g->parameters;
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

/* Collective. Rank 0 says what was written. NEURLP_SOME_FAILED if any system has NaN for its end. */
static neurlp_status report(MPI_Comm comm, const neurlp_generated *g, const char *path) {
  int rank = 0;
  int64_t failed = g->failed;
  MPI_Comm_rank(comm, &rank);
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT64_T, MPI_SUM, comm);
  if (rank == 0) {
    printf("%s: %lld system%s, %lld samples of %d state%s, step %g\n", path, (long long)g->systems,
           g->systems == 1 ? "" : "s", (long long)g->samples, g->dimensions, g->dimensions == 1 ? "" : "s",
           g->step);
    if (failed > 0)
      fprintf(stderr,
              "neurlp generate: %lld of %lld systems ran to infinity or could not be integrated; their "
              "samples are "
              "NaN from there on\n",
              (long long)failed, (long long)g->systems);
  }
  return failed > 0 ? NEURLP_SOME_FAILED : NEURLP_SUCCESS;
}

static neurlp_status generate(MPI_Comm comm, const neurlp_job *job) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_context *context = job->context;
  neurlp_generated *generated = NULL;
  block b = {.compress = (int32_t)neurlp_deck_integer(job->deck, "output.compress")};
  char *name = NULL;
  const char *path = job->output ? job->output : neurlp_deck_text(job->deck, "output.data");
  if (neurlp_deck_text(job->deck, "data.file"))
    return neurlp_fail(context, NEURLP_ERROR_DECK,
                       "%s takes its data from a file; to generate some, it needs the section data.generate",
                       neurlp_deck_name(job->deck));
  if (!path) {
    NEURLP_TRY(neurlp_agree(comm, context, neurlp_job_file_name(job, ".h5", &name)));
    path = name;
  }
  NEURLP_TRY(neurlp_agree(comm, context, neurlp_generate_describe(context, job->deck, &generated)));
  NEURLP_TRY(make_block(comm, context, generated, &b));
  NEURLP_TRY(write_file(comm, job, path, &b));
  status = report(comm, generated, path);
done:
  neurlp_samples_release(context, &b.samples);
  neurlp_release(context, &b.parameters);
  neurlp_generate_destroy(&generated);
  neurlp_release(context, &name);
  return status;
}

int neurlp_command_generate(MPI_Comm comm, int argc, char **argv) {
  neurlp_job job;
  int exit_status = neurlp_job_begin(comm, "generate", argc, argv, &job);
  if (exit_status == NEURLP_EXIT_DONE)
    exit_status = neurlp_job_finish(comm, job.context, "generate", generate(comm, &job));
  neurlp_job_end(&job);
  return exit_status;
}
