#include "study/study.h"

#include "comm.h"
#include "device.h"
#include "log_view.h"
#include "study/study_model.h"
#include "study/study_tao.h"

#include <stdio.h>
#include <string.h>

/* ---- data -------------------------------------------------------------------------------------------- */

neurlp_status neurlp_study_path(const neurlp_study *s, const char *path, char **resolved) {
  const char *deck = neurlp_deck_name(s->job->deck), *slash = strrchr(deck, '/');
  const int folder = path[0] == '/' || !slash ? 0 : (int)(slash - deck) + 1;
  const size_t bytes = (size_t)folder + strlen(path) + 1;
  const neurlp_status status = neurlp_allocate(s->context, (int64_t)bytes, 1, resolved);
  if (status == NEURLP_SUCCESS) snprintf(*resolved, bytes, "%.*s%s", folder, deck, path);
  return status;
}

/* Collective. */
static neurlp_status open_file(neurlp_study *s) {
  const neurlp_deck *deck = s->job->deck;
  const int32_t states = neurlp_deck_list_count(deck, "data.states");
  const int32_t inputs = neurlp_deck_list_count(deck, "data.inputs");
  const char **names = NULL;
  neurlp_status status = neurlp_allocate(s->context, states + inputs, sizeof *names, &names);
  if (status >= 0) status = neurlp_study_path(s, neurlp_deck_text(deck, "data.file"), &s->data_path);
  NEURLP_TRY(neurlp_agree(s->comm, s->context, status));
  for (int32_t k = 0; k < states; k++) names[k] = neurlp_deck_list_text(deck, "data.states", k);
  for (int32_t i = 0; i < inputs; i++) names[states + i] = neurlp_deck_list_text(deck, "data.inputs", i);
  const neurlp_data_request request = {.path = s->data_path,
                                       .time = neurlp_deck_text(deck, "data.time"),
                                       .state_count = states,
                                       .states = names,
                                       .input_count = inputs,
                                       .inputs = names + states,
                                       .clean = !strcmp(neurlp_deck_text(deck, "task"), "train"),
                                       .first = neurlp_deck_integer(deck, "data.first"),
                                       .end = neurlp_deck_integer(deck, "data.end"),
                                       .stride = neurlp_deck_integer(deck, "data.stride")};
  NEURLP_TRY(neurlp_data_open(s->comm, s->context, &request, &s->file));
  s->systems = s->file->systems;
  s->samples_each = s->file->samples;
  s->lengths = s->file->lengths;
  s->dimensions = s->file->dimensions;
  s->names = s->file->names;
  s->inputs = inputs;
  s->time_units = s->file->time_units;
  s->true_parameter_count = s->file->parameters;
  s->true_parameter_names = s->file->parameter_names;
done:
  neurlp_release(s->context, &names);
  return status;
}

static neurlp_status open_generated(neurlp_study *s) {
  neurlp_status status =
      neurlp_agree(s->comm, s->context, neurlp_generate_describe(s->context, s->job->deck, &s->generated));
  if (status >= 0) status = neurlp_generate_use_petsc(s->comm, s->job->deck, s->generated);
  if (status < 0) return status;
  s->systems = s->generated->systems;
  s->samples_each = s->generated->samples;
  s->dimensions = s->generated->dimensions;
  s->names = s->generated->names;
  s->time_units = "";
  s->true_parameter_count = s->generated->parameters;
  s->true_parameter_names = s->generated->parameter_names;
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_study_read(neurlp_study *s) {
  const neurlp_sample_range range = {.first_system = s->plan.first_system,
                                     .end_system = s->plan.end_system,
                                     .first_sample = s->plan.first_sample,
                                     .end_sample = s->plan.end_sample};
  const int64_t numbers = (range.end_system - range.first_system) * s->true_parameter_count;
  neurlp_status status = neurlp_agree(
      s->comm, s->context, neurlp_allocate(s->context, numbers, sizeof(double), &s->true_parameters));
  if (status < 0) return status;
  if (s->generated && s->sketch)
    return neurlp_agree(s->comm, s->context,
                        neurlp_generate_sketch(s->generated, &range, &s->samples, s->true_parameters));
  if (s->generated)
    return neurlp_agree(s->comm, s->context,
                        neurlp_generate_samples(s->generated, &range, &s->samples, s->true_parameters));
  status = neurlp_data_read(s->file, &range, &s->samples);
  if (status >= 0 && s->true_parameter_count > 0)
    status = neurlp_data_read_parameters(s->file, &range, s->true_parameters);
  return status;
}

/* ---- the plan and the grid --------------------------------------------------------------------------- */

/* Bytes of samples, grids and solutions that a rank fits at a time, about. */
enum { PIECE_BYTES = 192 << 20 };

/* Numbers that a fit has of one system, about. */
static int64_t numbers_of_system(const neurlp_study *s, int64_t first_window) {
  const int64_t D = s->dimensions, kappa = s->model->order, P = s->model->parameters, T = s->samples_each;
  const int64_t U = s->inputs, unknowns = D * kappa + P + 1,
                points = T * neurlp_deck_integer(s->job->deck, "block.substeps");
  return T * (2 * D + U + 1) + points * (3 * D * (kappa + 2) + 2 + U) + 8 * P +
         neurlp_cut_count(T, first_window) * (unknowns * (unknowns + 1) / 2 + 2 * D * kappa + P + D);
}

/* Systems that are fitted at a time. What is compressed cannot be written in pieces of any size
 * (docs/formats.md), what was generated is kept in one go, and a last checkpoint is one of all systems. */
static int64_t choose_piece(const neurlp_study *s, int64_t first_window) {
  const neurlp_deck *deck = s->job->deck;
  const int64_t asked = neurlp_deck_integer(deck, "output.piece");
  if (!s->plan_spec.per_system || neurlp_deck_integer(deck, "output.compress") > 0 ||
      (s->generated && neurlp_deck_text(deck, "output.data")) ||
      strcmp(neurlp_deck_text(deck, "checkpoint.finished"), "keep") == 0)
    return s->systems;
  int64_t systems = PIECE_BYTES / 8 / numbers_of_system(s, first_window) * s->size;
  if (systems < s->size) systems = s->size;
  if (asked > 0 && asked < systems) systems = asked;
  return systems < s->systems ? systems : s->systems;
}

static neurlp_status make_plan(neurlp_study *s) {
  const neurlp_status status = neurlp_agree(
      s->comm, s->context, neurlp_plan_create(s->context, &s->plan_spec, s->rank, s->size, &s->plan));
  s->exchange.comm = s->comm; /* what it has counted so far stays */
  s->exchange.bins = s->plan.bins;
  s->exchange.first_bin = s->plan.first_bin;
  s->exchange.bin_count = s->plan.bin_count;
  return status;
}

static void specify_plan(neurlp_study *s) {
  const neurlp_deck *deck = s->job->deck;
  const bool fast = !strcmp(neurlp_deck_text(deck, "run.reductions"), "fast");
  s->plan_spec =
      (neurlp_plan_spec){.systems = s->systems,
                         .samples = s->samples_each,
                         .lengths = s->lengths,
                         .window = neurlp_deck_integer(deck, "block.window"),
                         .per_system = !strcmp(neurlp_deck_text(deck, "dynamics.sharing"), "per_system"),
                         .shards = fast ? s->size : neurlp_deck_integer(deck, "run.shards")};
}

/* The block's order: what the deck says, else two above the equations' (even orders are right for stiff
 * systems too). */
static int32_t block_order(const neurlp_study *s) {
  const int64_t asked = neurlp_deck_integer(s->job->deck, "block.order");
  return asked > 0 ? (int32_t)asked : s->model->order == 1 ? 2 : 4;
}

static neurlp_status make_trajectories(neurlp_study *s) {
  const neurlp_deck *deck = s->job->deck;
  s->block_order = block_order(s);
  if (s->block_order < s->model->order)
    return neurlp_fail(
        s->context, NEURLP_ERROR_DECK,
        "%s:%d: block.order is %d, but the equations have derivatives of order %d; give at least that",
        neurlp_deck_name(deck), neurlp_deck_line(deck, "block.order"), s->block_order, s->model->order);
  const neurlp_trajectory_spec spec = {.plan = &s->plan,
                                       .times = s->samples.times,
                                       .samples = s->samples.states,
                                       .dimensions = s->dimensions,
                                       .inputs = s->inputs,
                                       .input = s->samples.inputs,
                                       .order = s->block_order,
                                       .step = neurlp_deck_number(deck, "block.step"),
                                       .substeps = neurlp_deck_integer(deck, "block.substeps"),
                                       .proportional =
                                           !strcmp(neurlp_deck_text(deck, "learn.noise"), "proportional")};
  return neurlp_trajectories_create(s->context, &spec, &s->trajectories);
}

/* Inputs are on the CPU only: `auto` means that, then. */
static neurlp_status choose_backend(const neurlp_study *s) {
  const neurlp_deck *deck = s->job->deck;
  if (s->inputs == 0 || !strcmp(neurlp_context_backend(s->context), "cpu")) return NEURLP_SUCCESS;
  if (strcmp(neurlp_deck_text(deck, "block.backend"), "auto") != 0)
    return neurlp_deck_fail(
        s->context, deck, "block.backend", -1, 0,
        "equations with inputs (data.inputs) are fitted on the CPU; take the backend auto or cpu");
  if (s->rank == 0) fprintf(stderr, "backend auto: the CPU is used, as there are inputs (data.inputs)\n");
  return neurlp_context_set_backend(s->context, "cpu");
}

/* Collective. One step size that stands for all, for scaling: the mean of the first segment, which rank 0
 * has. */
static double nominal_step(const neurlp_study *s) {
  double step = 1;
  if (s->rank == 0 && s->plan.segment_count > 0) {
    const neurlp_trajectories *t = s->trajectories;
    const int64_t last = t->sample_point[t->segment_sample[1] - 1];
    if (last > 0) step = (t->times[last] - t->times[0]) / (double)last;
  }
  MPI_Bcast(&step, 1, MPI_DOUBLE, 0, s->comm);
  return step;
}

/* ---- all together ------------------------------------------------------------------------------------ */

static int64_t first_window(const neurlp_study *s) {
  return neurlp_deck_integer(s->job->deck, s->discover ? "discover.growth" : "fit.window_start");
}

static void release_piece(neurlp_study *s) {
  neurlp_fit_destroy(&s->fit);
  neurlp_trajectories_destroy(&s->trajectories);
  neurlp_samples_release(s->context, &s->samples);
  neurlp_release(s->context, &s->true_parameters);
  neurlp_plan_release(s->context, &s->plan);
}

neurlp_status neurlp_study_look(neurlp_study *s, int64_t first, int64_t count) {
  const double begin = MPI_Wtime();
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_log_view_stage("read");
  release_piece(s);
  s->plan_spec.first = s->plan_spec.per_system ? first : 0;
  s->plan_spec.count = s->plan_spec.per_system ? count : 0;
  NEURLP_TRY(make_plan(s));
  NEURLP_TRY(neurlp_study_read(s));
  for (int64_t g = 0; g < s->plan.segment_count; g++) s->samples_read += s->plan.segments[g].count;
done:
  s->seconds_reading += MPI_Wtime() - begin;
  return status;
}

static neurlp_status make_fit(neurlp_study *s) {
  const neurlp_exchange exchange = neurlp_exchange_mpi(&s->exchange);
  return neurlp_agree(
      s->comm, s->context,
      neurlp_fit_create(s->context, s->model, s->trajectories, &exchange, &s->options.fit, &s->fit));
}

neurlp_status neurlp_study_take(neurlp_study *s, int64_t first, int64_t count) {
  neurlp_status status = NEURLP_SUCCESS;
  if (s->fit && s->fit->window_count == 0 && s->plan_spec.first == first && s->plan_spec.count == count)
    return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_study_look(s, first, count));
  const double begin = MPI_Wtime();
  neurlp_log_view_stage("prepare");
  NEURLP_TRY(neurlp_agree(s->comm, s->context, make_trajectories(s)));
  status = make_fit(s);
  s->seconds_preparing += MPI_Wtime() - begin;
done:
  return status;
}

static neurlp_direct_options make_options(const neurlp_study *s, double step) {
  const neurlp_deck *deck = s->job->deck;
  return (neurlp_direct_options){
      .fit = {.iterations = (int32_t)neurlp_deck_integer(deck, "learn.iterations"),
              .tolerance = neurlp_deck_number(deck, "learn.tolerance"),
              .nominal_step = step,
              .weight_top = neurlp_deck_number(deck, "block.weight_top"),
              .equal_noise = !strcmp(neurlp_deck_text(deck, "learn.noise"), "equal"),
              .per_system = s->plan_spec.per_system},
      .first_window = first_window(s),
      .threshold = s->discover ? neurlp_deck_number(deck, "discover.threshold") : 0,
      .contribution = s->discover ? neurlp_deck_number(deck, "discover.contribution") : 0,
      .drop_always = s->discover && !strcmp(neurlp_deck_text(deck, "discover.dropping"), "always"),
      .starts = s->discover ? 1 : (int32_t)neurlp_deck_integer(deck, "fit.starts"),
      .longest = s->plan_spec.per_system ? neurlp_plan_longest(&s->plan_spec) : 0,
      .seed = (uint64_t)neurlp_deck_integer(deck, "run.seed")};
}

neurlp_status neurlp_study_open_data(MPI_Comm comm, neurlp_job *job, neurlp_study *s) {
  neurlp_status status = NEURLP_SUCCESS;
  const char *task = neurlp_deck_text(job->deck, "task");
  *s = (neurlp_study){.comm = comm, .job = job, .context = job->context, .size = 1};
  MPI_Comm_rank(comm, &s->rank);
  MPI_Comm_size(comm, &s->size);
  s->discover = !strcmp(task, "discover") || !strcmp(task, "train");
  if (!strcmp(task, "simulate"))
    return neurlp_deck_fail(s->context, job->deck, "task", -1, 0,
                            "nothing is learned in task 'simulate'; its command is `neurlp simulate`");
  NEURLP_TRY(neurlp_bind_device(comm, s->context, neurlp_deck_text(job->deck, "block.backend")));
  NEURLP_TRY(neurlp_transport_open(comm, s->context, neurlp_deck_text(job->deck, "run.gpu_aware"),
                                   &s->vectors, &s->transport));
  NEURLP_TRY(neurlp_deck_text(job->deck, "data.file") ? open_file(s) : open_generated(s));
  s->piece = s->systems; /* unless neurlp_study_open takes fewer: trainings do not come by there */
done:
  return status;
}

neurlp_status neurlp_study_open(MPI_Comm comm, neurlp_job *job, neurlp_study *s) {
  neurlp_status status = NEURLP_SUCCESS;
  const double begin = MPI_Wtime();
  neurlp_log_view_stage("read");
  NEURLP_TRY(neurlp_study_open_data(comm, job, s));
  NEURLP_TRY(neurlp_agree(comm, s->context, choose_backend(s)));
  NEURLP_TRY(neurlp_agree(comm, s->context, neurlp_study_make_model(s)));
  specify_plan(s);
  s->piece = choose_piece(s, first_window(s));
  NEURLP_TRY(neurlp_study_look(s, 0, s->piece));
  s->seconds_reading = MPI_Wtime() - begin;
  neurlp_log_view_stage("prepare");
  NEURLP_TRY(neurlp_agree(comm, s->context, make_trajectories(s)));
  s->options = make_options(s, nominal_step(s)); /* the first system's step, for all pieces */
  NEURLP_TRY(neurlp_study_use_tao(s, &s->options.fit));
  NEURLP_TRY(make_fit(s));
  s->seconds_preparing = MPI_Wtime() - begin - s->seconds_reading;
done:
  return status;
}

void neurlp_study_close(neurlp_study *s) {
  if (!s->context) return;
  release_piece(s);
  neurlp_model_destroy(&s->model);
  neurlp_generate_destroy(&s->generated);
  neurlp_data_close(&s->file);
  neurlp_release(s->context, &s->data_path);
}
