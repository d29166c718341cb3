#include "commands.h"

#include "command/command.h"

#include <dirent.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const discover =
    "task: discover\ndata: {file: data.h5, states: [x, y]}\ndynamics: {library: {polynomial: 1}}\n"
    "block: {window: 18}\nlearn: {tolerance: 0.01}\nrun: {threads: 1, shards: 4}\n";
static const char *const train =
    "task: train\ndata: {file: data.h5}\ndynamics: {library: {polynomial: 1}}\nblock: {order: 2, window: "
    "12}\n"
    "networks: {rates: [flatten, {dense: 4}, tanh, {dense: output}]}\n"
    "inputs: {coefficients: {constant: [0, 1, 0]}, rhs: library, weights: {network: rates}, initial_values: "
    "data, steps: data}\n"
    "loss: [{of: solution}]\ntrain: {stride: 12, batch: 4, shards: 2, epochs: 1, validation: 0.2}\n"
    "run: {threads: 1}\n";
static const char *const generate =
    "task: discover\ndata: {generate: {system: lorenz, systems: 3, samples: 36, step: 0.02}}\n"
    "dynamics: {library: {polynomial: 2}}\nrun: {threads: 1}\n";
static const char *const simulate =
    "task: simulate\ndata: {generate: {equations: {x: v, v: -x}, initial: {x: 1, v: {uniform: [0, 1]}}, "
    "systems: 4, samples: 20, step: 0.1}}\nrun: {threads: 1}\n";

const fault_job fault_jobs[FAULT_JOBS] = {
    {"discover", neurlp_command_run, 3, {"discover.yaml", "-o", "found.h5"}, "found.h5"},
    {"train", neurlp_command_run, 3, {"train.yaml", "-o", "trained.h5"}, "trained.h5"},
    {"generate", neurlp_command_generate, 3, {"generate.yaml", "-o", "made.h5"}, "made.h5"},
    {"simulate", neurlp_command_simulate, 3, {"simulate.yaml", "-o", "simulated.h5"}, "simulated.h5"},
    {"solve", neurlp_command_solve, 3, {"problems.h5", "-o", "solved.h5"}, "solved.h5"}};

static void write_text(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  if (!file || fputs(text, file) < 0 || fclose(file) != 0) MPI_Abort(MPI_COMM_WORLD, 1);
}

void fault_jobs_prepare(const char *problems) {
  int rank = 0;
  char *const data[] = {"generate.yaml", "-o", "data.h5"};
  char said[FAULT_SAID_BYTES];
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0) {
    write_text("discover.yaml", discover);
    write_text("train.yaml", train);
    write_text("generate.yaml", generate);
    write_text("simulate.yaml", simulate);
    unlink("problems.h5");
    if (symlink(problems, "problems.h5") != 0) MPI_Abort(MPI_COMM_WORLD, 1);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  const fault_job made = {"data", neurlp_command_generate, 3, {data[0], data[1], data[2]}, "data.h5"};
  if (fault_job_run(&made, said) != 0) {
    fprintf(stderr, "%s\n", said);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
}

/* Sends a stream of this process to a file; returns what brings it back. */
static int redirect(FILE *stream, const char *path) {
  fflush(stream);
  const int kept = dup(fileno(stream));
  const int other = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (kept < 0 || other < 0 || dup2(other, fileno(stream)) < 0) MPI_Abort(MPI_COMM_WORLD, 1);
  close(other);
  return kept;
}

static void bring_back(FILE *stream, int kept) {
  fflush(stream);
  if (dup2(kept, fileno(stream)) < 0) MPI_Abort(MPI_COMM_WORLD, 1);
  close(kept);
}

int fault_job_run(const fault_job *job, char *said) {
  int rank = 0;
  char path[64], *argv[9] = {NULL};
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  snprintf(path, sizeof path, "said.%d", rank);
  for (int i = 0; i < job->argc; i++) argv[i] = job->argv[i];
  const int output = redirect(stdout, "/dev/null"), errors = redirect(stderr, path);
  const int status = job->command(MPI_COMM_WORLD, job->argc, argv);
  bring_back(stdout, output);
  bring_back(stderr, errors);
  FILE *file = fopen(path, "r");
  const size_t length = file ? fread(said, 1, FAULT_SAID_BYTES - 1, file) : 0;
  said[length] = '\0';
  if (file) fclose(file);
  return status;
}

/* "OUTPUT.partial", what a file that is written piece by piece is called until it is done. */
static void name_partial(const char *output, char *name, size_t bytes) {
  snprintf(name, bytes, "%s.partial", output);
}

void fault_clear(const char *output) {
  char partial[256];
  name_partial(output, partial, sizeof partial);
  unlink(output);
  unlink(partial);
}

/* What was complete may stay, where any reader can open it. */
static bool is_readable(const char *name) {
  const hid_t file = H5Fopen(name, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file >= 0) H5Fclose(file);
  return file >= 0;
}

bool fault_left_behind(const char *output) {
  char partial[256];
  bool found = false;
  DIR *folder = opendir(".");
  name_partial(output, partial, sizeof partial);
  for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
    const char *name = entry->d_name;
    if (strcmp(name, partial) == 0)
      found = found || !is_readable(name);
    else
      found = found || strcmp(name, output) == 0 || strstr(name, ".partial") || strstr(name, ".lock");
  }
  if (folder) closedir(folder);
  return found;
}
