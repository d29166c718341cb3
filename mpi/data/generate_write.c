#include "data/generate_write.h"

#include "checkpoint/stop.h"
#include "comm.h"
#include "file/array_file.h"
#include "system/pde/known_pde.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { SCHEMA_VERSION = 1, PIECE_BYTES = 192 << 20 };

/* Times [T], of which every rank writes a share; all systems have the same. */
static neurlp_status write_times(MPI_Comm comm, neurlp_context *context, neurlp_array_file *file,
                                 const neurlp_generated *g) {
  int rank = 0, size = 1;
  int64_t first = 0, owned = 0;
  double *times = NULL;
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

/* ---- what does not belong to systems, and what does --------------------------------------------------- */

/* Names, times, places: everything but the systems. */
static neurlp_status write_frame(MPI_Comm comm, const neurlp_job *job, neurlp_array_file *file,
                                 const neurlp_generated *g) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_array_write_texts(file, "names", "names of the states", g->dimensions,
                                      (const char *const *)g->names));
  NEURLP_TRY(write_times(comm, job->context, file, g));
  if (g->pde) NEURLP_TRY(write_position(comm, job->context, file, g));
  if (g->parameters > 0)
    NEURLP_TRY(neurlp_array_write_texts(file, "parameter_names", "names of the parameters", g->parameters,
                                        (const char *const *)g->parameter_names));
  NEURLP_TRY(neurlp_array_file_provenance(file, "neurlp data set", SCHEMA_VERSION, job->command_line,
                                          job->deck_text, neurlp_deck_integer(job->deck, "run.seed")));
  NEURLP_TRY(neurlp_array_attribute_text(file, "/", "deck_resolved", neurlp_deck_resolved(job->deck)));
done:
  return status;
}

static neurlp_array describe_states(const neurlp_generated *g, int32_t compress) {
  return (neurlp_array){.path = "states",
                        .type = H5T_NATIVE_DOUBLE,
                        .rank = 3,
                        .extents = {g->systems, g->samples, g->dimensions},
                        .units = "1",
                        .long_name = "state of each system at each time; NaN marks a missing sample",
                        .scales = {"system", "time", "names"},
                        .compress = compress};
}

static neurlp_status write_systems(neurlp_array_file *file, const neurlp_generated_part *b) {
  neurlp_status status = NEURLP_SUCCESS;
  const neurlp_generated *g = b->generated;
  const neurlp_sample_range *range = &b->samples->range;
  const neurlp_array states = describe_states(g, b->compress);
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
  NEURLP_TRY(neurlp_array_write_samples(file, &states, range, b->samples->offsets, b->samples->states));
  if (g->clean)
    NEURLP_TRY(neurlp_array_write_samples(file, &clean, range, b->samples->offsets, b->samples->clean));
  if (g->parameters == 0) goto done;
  const int64_t first =
      range->first_system + (range->first_sample > 0); /* a system belongs where it begins */
  const int64_t owned = range->end_system > first ? range->end_system - first : 0;
  NEURLP_TRY(neurlp_array_write_rows(file, &parameters, owned > 0 ? first : 0, owned,
                                     b->parameters + (first - range->first_system) * g->parameters));
done:
  return status;
}

/* Numbers of the whole file. */
static int64_t count_numbers(const neurlp_generated *g) {
  const int64_t copies = g->clean ? 2 : 1;
  return copies * g->systems * g->samples * g->dimensions + g->samples + g->systems * g->parameters;
}

neurlp_status neurlp_generated_write(MPI_Comm comm, const neurlp_job *job, const char *path,
                                     const neurlp_generated_part *b) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_array_file *file = NULL;
  const int64_t bytes = count_numbers(b->generated) * (int64_t)sizeof(double);
  NEURLP_TRY(neurlp_array_file_create(comm, job->context, path, b->compress > 0 ? 0 : bytes, &file));
  NEURLP_TRY(write_frame(comm, job, file, b->generated));
  NEURLP_TRY(write_systems(file, b));
  return neurlp_array_file_commit(&file);
done:
  return neurlp_array_file_discard(&file, status);
}

/* ---- piece by piece ---------------------------------------------------------------------------------- */

typedef struct stream {
  MPI_Comm comm;
  int rank, size;
  const neurlp_job *job;
  neurlp_generated *generated;
  neurlp_array_file *file;
  int64_t piece; /* systems of a piece, all ranks together */
  int32_t compress;
} stream;

/* Pieces end where chunks do: a chunk that is compressed again moves, and what was complete would not be, if
 * the program is killed then. */
static int64_t size_piece(const stream *s) {
  const neurlp_generated *g = s->generated;
  const int64_t asked = neurlp_deck_integer(s->job->deck, "output.piece");
  const int64_t row = 8 * (g->samples * (g->dimensions * (g->clean ? 2 : 1) + 1) + g->parameters);
  int64_t systems = PIECE_BYTES / row * s->size;
  if (systems < s->size) systems = s->size;
  if (asked > 0 && asked < systems) systems = asked;
  if (s->compress == 0) return systems;
  const neurlp_array states = describe_states(g, s->compress);
  const int64_t chunk = neurlp_array_chunk_rows(&states);
  return (systems + chunk - 1) / chunk * chunk;
}

/* One line: the deck, the files that it takes from, and the program. Rank 0's view. */
static void identify(const stream *s, char *text, int bytes) {
  static const char *const left_out[] = {"checkpoint", "output.piece", NULL}; /* when and where it stops */
  memset(text, 0, (size_t)bytes);
  int length =
      snprintf(text, (size_t)bytes, "data set: deck %016llx, backend %s, %s, %s",
               (unsigned long long)neurlp_array_file_sum_deck(neurlp_deck_resolved(s->job->deck), left_out),
               neurlp_context_backend(s->job->context), neurlp_version(), neurlp_build_info());
  for (int i = 0; i < 2 && length < bytes; i++) {
    struct stat info = {0};
    if (!s->generated->sources[i] || stat(s->generated->sources[i], &info) != 0) continue;
    length += snprintf(text + length, (size_t)(bytes - length), ", file of %lld bytes of %lld.%09ld",
                       (long long)info.st_size, (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
  }
  MPI_Bcast(text, bytes, MPI_CHAR, 0, s->comm);
}

/* Collective. Makes and writes systems [first, first + count), shared out among the ranks. */
static neurlp_status stream_piece(const stream *s, int64_t first, int64_t count, int64_t *failed) {
  neurlp_context *context = s->job->context;
  neurlp_generated *g = s->generated;
  neurlp_samples samples = {0};
  double *parameters = NULL;
  int64_t begin = 0, owned = 0;
  neurlp_partition(count, s->rank, s->size, &begin, &owned);
  const neurlp_sample_range range = {first + begin, first + begin + owned, 0, owned > 0 ? g->samples : 0};
  neurlp_status status = neurlp_allocate(context, owned * g->parameters, sizeof *parameters, &parameters);
  if (status >= 0) status = neurlp_generate_samples(g, &range, &samples, parameters);
  NEURLP_TRY(neurlp_agree(s->comm, context, status));
  const neurlp_generated_part part = {
      .generated = g, .samples = &samples, .parameters = parameters, .compress = s->compress};
  NEURLP_TRY(write_systems(s->file, &part));
  int64_t bad = g->failed;
  MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT64_T, MPI_SUM, s->comm);
  *failed += bad;
  status = neurlp_array_file_advance(s->file, "/", first + count, *failed);
done:
  neurlp_samples_release(context, &samples);
  neurlp_release(context, &parameters);
  return status;
}

/* Collective. Everything that is not complete yet. */
static neurlp_status stream_systems(const stream *s, int64_t *failed) {
  neurlp_status status = NEURLP_SUCCESS;
  const int64_t systems = s->generated->systems;
  int64_t complete = 0;
  neurlp_array_file_progress(s->file, "/", &complete, failed);
  if (complete < 0 || complete > systems)
    return neurlp_fail(s->job->context, NEURLP_ERROR_DATA,
                       "%s: %lld systems are said to be complete, of %lld; remove the file to begin anew",
                       neurlp_array_file_partial(s->file), (long long)complete, (long long)systems);
  if (complete > 0 && s->rank == 0)
    printf("goes on after %lld of %lld systems, from %s\n", (long long)complete, (long long)systems,
           neurlp_array_file_partial(s->file));
  if (complete == 0) NEURLP_TRY(write_frame(s->comm, s->job, s->file, s->generated));
  while (complete < systems) {
    const int64_t left = systems - complete, count = left < s->piece ? left : s->piece;
    char words[96];
    snprintf(words, sizeof words, "%lld of %lld systems", (long long)complete, (long long)systems);
    NEURLP_TRY(neurlp_stop_between(s->comm, s->job->context, words, neurlp_array_file_partial(s->file)));
    NEURLP_TRY(stream_piece(s, complete, count, failed));
    complete += count;
  }
done:
  return status;
}

neurlp_status neurlp_generated_stream(MPI_Comm comm, const neurlp_job *job, const char *path,
                                      neurlp_generated *generated, int64_t *failed) {
  stream s = {.comm = comm,
              .job = job,
              .generated = generated,
              .compress = (int32_t)neurlp_deck_integer(job->deck, "output.compress")};
  const int64_t bytes = count_numbers(generated) * (int64_t)sizeof(double);
  char identity[1024];
  bool resumed = false;
  neurlp_status status = NEURLP_SUCCESS;
  *failed = 0;
  MPI_Comm_rank(comm, &s.rank);
  MPI_Comm_size(comm, &s.size);
  s.piece = size_piece(&s);
  identify(&s, identity, (int)sizeof identity);
  NEURLP_TRY(neurlp_array_file_stream(comm, job->context, path, identity, s.compress > 0 ? 0 : bytes, &s.file,
                                      &resumed));
  NEURLP_TRY(stream_systems(&s, failed));
  return neurlp_array_file_commit(&s.file);
done:
  return neurlp_array_file_discard(&s.file, status);
}
