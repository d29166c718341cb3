#include "readers.h"

#include "comm.h"
#include "command/command.h"
#include "data/data_set.h"
#include "fault/commands.h"
#include "problem/linear_problem.h"
#include "study/learned.h"
#ifdef NEURLP_HAVE_PLOT
#include "plot/plot_source.h"
#endif

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const fuzz_good_files[FUZZ_KINDS] = {"data.h5", "found.h5", "trained.h5", "problems.h5",
                                                 "kept.checkpoint.000001.h5"};

bool fuzz_make_good_files(const char *problems) {
  char said[FAULT_SAID_BYTES];
  const fault_job keep = {.name = "a run that keeps its checkpoint",
                          .command = neurlp_command_run,
                          .argc = 4,
                          .argv = {"discover.yaml", "checkpoint.finished=keep", "-o", "kept.h5"}};
  const fault_job *const jobs[] = {&fault_jobs[0], &fault_jobs[1], &keep}; /* discover, train */
  fault_jobs_prepare(problems);
  unlink(fuzz_good_files[FUZZ_CHECKPOINT]);
  for (int i = 0; i < 3; i++)
    if (fault_job_run(jobs[i], said) != NEURLP_EXIT_DONE) {
      printf("%s: %s\n", jobs[i]->name, said);
      return false;
    }
  return true;
}

/* ---- readers: exit statuses, as of commands ---------------------------------------------------------- */

/* -1: memory is still held. */
static int finish(neurlp_context *context, neurlp_status status) {
  const bool clean = neurlp_context_memory(context).blocks == 0;
  neurlp_context_destroy(&context);
  return clean ? neurlp_exit_status(status) : -1;
}

static int read_data(const char *path) {
  const neurlp_data_request request = {.path = path, .clean = true, .end = -1, .stride = 1};
  neurlp_context *context = NULL;
  neurlp_data_set *data = NULL;
  neurlp_samples samples;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return -1;
  neurlp_status status = neurlp_data_open(MPI_COMM_SELF, context, &request, &data);
  if (status == NEURLP_SUCCESS) {
    const int64_t last = data->systems - 1, length = data->lengths ? data->lengths[last] : data->samples;
    const neurlp_sample_range range = {0, data->systems, 0, length};
    status = neurlp_data_read(data, &range, &samples);
    neurlp_samples_release(context, &samples);
  }
  neurlp_data_close(&data);
  return finish(context, status);
}

static int read_problems(const char *path) {
  neurlp_context *context = NULL;
  neurlp_linear_file *file = NULL;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return -1;
  neurlp_status status = neurlp_linear_open(MPI_COMM_SELF, context, path, &file);
  for (int32_t g = 0; status == NEURLP_SUCCESS && g < file->count; g++)
    for (int a = 0; status == NEURLP_SUCCESS && a < NEURLP_LINEAR_ARRAYS; a++) {
      const neurlp_linear_group *group = &file->groups[g];
      double *values = NULL;
      if (a == NEURLP_LINEAR_GRAD_OUTPUT && !group->has_grad_output) continue;
      status =
          neurlp_allocate(context, neurlp_linear_row(group, (neurlp_linear_array)a), sizeof *values, &values);
      if (status == NEURLP_SUCCESS)
        status = neurlp_linear_read(file, g, (neurlp_linear_array)a, 0, 1, values);
      neurlp_release(context, &values);
    }
  neurlp_linear_close(&file);
  return finish(context, status);
}

static int quietly(int (*command)(MPI_Comm, int, char **), int argc, const char *const *arguments) {
  char said[FAULT_SAID_BYTES];
  fault_job job = {.name = "fuzz", .command = command, .argc = argc};
  for (int i = 0; i < argc; i++) job.argv[i] = (char *)(uintptr_t)arguments[i];
  return fault_job_run(&job, said);
}

static int inspect(const char *path) {
  return quietly(neurlp_command_inspect, 1, &path);
}

/* What simulate reads of a result; integrating whatever equations come out may take long, and is no reading.
 */
static int read_learned(const char *path) {
  neurlp_context *context = NULL;
  neurlp_learned learned = {0};
  neurlp_learned_ends ends = {0};
  double *values = NULL, time = 0;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return -1;
  neurlp_status status = neurlp_learned_read(context, path, NEURLP_LEARNED_WHOLE, 0, &learned);
  const int64_t size = (int64_t)learned.dimensions * learned.order;
  if (status == NEURLP_SUCCESS) status = neurlp_learned_count_ends(context, path, &ends);
  if (status == NEURLP_SUCCESS) status = neurlp_allocate(context, size, sizeof *values, &values);
  if (status == NEURLP_SUCCESS)
    status = neurlp_learned_read_ends(context, path, true, 0, 1, size, values, &time);
  neurlp_release(context, &values);
  neurlp_learned_release(context, &learned);
  return finish(context, status);
}

static int go_on_training(const char *path) {
  char model[256];
  snprintf(model, sizeof model, "train.model=%s", path);
  const char *arguments[] = {"train.yaml", model};
  return quietly(neurlp_command_validate, 2, arguments);
}

#ifdef NEURLP_HAVE_PLOT
static int draw(const char *path) {
  const neurlp_plot_request request = {.path = path, .folder = ".", .from = -HUGE_VAL, .to = HUGE_VAL};
  neurlp_context *context = NULL;
  neurlp_plot_source source = {0};
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return -1;
  const neurlp_status status = neurlp_plot_source_read(context, &request, &source);
  neurlp_plot_source_release(&source);
  return finish(context, status);
}
#else
static int draw(const char *path) {
  (void)path;
  return NEURLP_EXIT_DONE;
}
#endif

/* ----------------------------------------------------------------------------------------------------------
 */

typedef struct reader {
  const char *name;
  int (*read)(const char *path);
} reader;

static const reader readers[FUZZ_KINDS][3] = {
    [FUZZ_DATA] = {{"data set", read_data}, {"inspect", inspect}, {"plot", draw}},
    [FUZZ_RESULT] = {{"learned equations", read_learned}, {"inspect", inspect}, {"plot", draw}},
    [FUZZ_TRAINED] = {{"train.model", go_on_training}, {"inspect", inspect}, {"plot", draw}},
    [FUZZ_PROBLEMS] = {{"linear problems", read_problems}, {"inspect", inspect}, {NULL, NULL}},
    [FUZZ_CHECKPOINT] = {{"inspect", inspect}, {NULL, NULL}, {NULL, NULL}}};

/* 4 and 5: simulations and problems of which some failed. */
static bool in_order(int status) {
  return status == NEURLP_EXIT_DONE || status == NEURLP_EXIT_DECK || status == NEURLP_EXIT_DATA ||
         status == NEURLP_EXIT_NOT_CONVERGED || status == NEURLP_EXIT_SOME_FAILED;
}

const char *fuzz_read_all(fuzz_kind kind, const char *path, int *status) {
  for (int i = 0; i < 3 && readers[kind][i].read; i++) {
    *status = readers[kind][i].read(path);
    H5Eclear2(H5E_DEFAULT);
    if (!in_order(*status)) return readers[kind][i].name;
    *status = (int)H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
    if (*status != 0) return readers[kind][i].name;
  }
  return NULL;
}
