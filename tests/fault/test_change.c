/* A file that is cut in two, or vanishes, while it is being read: at any agreement of the ranks, at any read
 * of a data set, and at any call of the kernel's by which HDF5 reads, on either rank. All ranks leave with
 * the same status: either the file is said to be bad and nothing is left behind, or everything had been read
 * by then and the result is, bit for bit, what it always is.
 *
 *   test_change PROBLEMS.h5 SECONDS */
#include "command/command.h"
#include "commands.h"
#include "file/array_file.h"
#include "inject.h"
#include "support/check.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_NUMBERS = 100000 };

typedef struct change_job {
  fault_job job;
  const char *input, *good; /* what is read: a copy of `good` */
  const char *array;        /* of the output, that says whether it is as always */
} change_job;

static const change_job jobs[] = {
    {{"discover",
      neurlp_command_run,
      4,
      {"discover.yaml", "data.file=input.h5", "-o", "output.h5"},
      "output.h5"},
     "input.h5",
     "data.h5",
     "equations/coefficients"},
    {{"train", neurlp_command_run, 4, {"train.yaml", "data.file=input.h5", "-o", "output.h5"}, "output.h5"},
     "input.h5",
     "data.h5",
     "metrics/train_loss"},
    {{"train on",
      neurlp_command_run,
      4,
      {"train.yaml", "train.model=input.h5", "-o", "output.h5"},
      "output.h5"},
     "input.h5",
     "trained.h5",
     "metrics/train_loss"},
    {{"simulate",
      neurlp_command_simulate,
      6,
      {"input.h5", "data.generate.initial_from=last", "data.generate.step=0.01", "data.generate.samples=3",
       "-o", "output.h5"},
      "output.h5"},
     "input.h5",
     "found.h5",
     "states"},
    {{"solve", neurlp_command_solve, 3, {"input.h5", "-o", "output.h5"}, "output.h5"},
     "input.h5",
     "problems.h5",
     "hermite_order1/solution"}};
enum { JOBS = sizeof jobs / sizeof *jobs };

/* What is done to the file, at which calls, on which rank. What HDF5 has read of a file that is gone, it has.
 */
typedef struct change_kind {
  fault_call call;
  fault_action action;
  int victim;
} change_kind;

static const change_kind kinds[] = {{FAULT_H5Dread, FAULT_VANISH, 0},
                                    {FAULT_H5Dread, FAULT_CUT, 0},
                                    {FAULT_MPI_Allreduce, FAULT_VANISH, 0},
                                    {FAULT_MPI_Allreduce, FAULT_CUT, 0},
                                    {FAULT_pread, FAULT_CUT, 0},
                                    {FAULT_pread, FAULT_CUT, 1}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static int rank;

static int64_t largest(int64_t mine) {
  MPI_Allreduce(MPI_IN_PLACE, &mine, 1, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
  return mine;
}

/* Collective. A fresh copy of the good input, and no output. */
static void prepare(const change_job *j) {
  if (rank == 0) {
    FILE *from = fopen(j->good, "rb"), *to = fopen(j->input, "wb");
    char piece[4096];
    if (!from || !to) MPI_Abort(MPI_COMM_WORLD, 1);
    for (size_t length; (length = fread(piece, 1, sizeof piece, from)) > 0;)
      if (fwrite(piece, 1, length, to) != length) MPI_Abort(MPI_COMM_WORLD, 1);
    fclose(from);
    fclose(to);
    fault_clear(j->job.output);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

/* Rank 0. The numbers of the output; 0 of them if it cannot be read. */
static hssize_t read_output(const change_job *j, double *numbers) {
  hssize_t count = 0;
  const hid_t file = H5Fopen(j->job.output, H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t set = file < 0 ? -1 : H5Dopen2(file, j->array, H5P_DEFAULT);
  const hid_t space = set < 0 ? -1 : H5Dget_space(set);
  if (space >= 0) count = H5Sget_simple_extent_npoints(space);
  if (count > MOST_NUMBERS || count < 0 ||
      (set >= 0 && H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) < 0))
    count = 0;
  if (space >= 0) H5Sclose(space);
  if (set >= 0) H5Dclose(set);
  if (file >= 0) H5Fclose(file);
  return count;
}

/* Collective. The file is changed at call number `count` of the kind's rank. */
static bool ends_well(const change_job *j, const change_kind *kind, int64_t count, const double *expected,
                      hssize_t numbers) {
  static double got[MOST_NUMBERS];
  char said[FAULT_SAID_BYTES];
  prepare(j);
  fault_arm(kind->call, count, rank == kind->victim ? kind->action : FAULT_NONE, j->input);
  const int status = fault_job_run(&j->job, said);
  const bool happened = fault_happened();
  fault_arm(kind->call, 0, FAULT_NONE, NULL);
  const int64_t highest = largest(status), lowest = -largest(-status);
  bool good = highest == lowest && largest(happened);
  if (rank == 0 && status == NEURLP_EXIT_DONE)
    good =
        good && read_output(j, got) == numbers && memcmp(got, expected, (size_t)numbers * sizeof *got) == 0;
  else if (rank == 0)
    good = good && (status == NEURLP_EXIT_DATA || status == NEURLP_EXIT_DECK) && strstr(said, j->input) &&
           !fault_left_behind(j->job.output);
  if (rank == 0 && !good)
    printf("FAIL %s, file %s by rank %d at call %d number %lld: status %lld to %lld, said: %s\n", j->job.name,
           kind->action == FAULT_CUT ? "cut" : "gone", kind->victim, (int)kind->call, (long long)count,
           (long long)lowest, (long long)highest, said);
  fflush(stdout);
  return !largest(!good);
}

/* The i-th number of a sequence within (0, 1) whose every beginning is spread evenly (van der Corput's). */
static double spread(int64_t i) {
  double at = 0, digit = 0.5;
  for (i++; i > 0; i /= 2, digit /= 2) at += (double)(i % 2) * digit;
  return at;
}

/* Collective. How often each kind's call is made by its rank, where nothing happens. */
static void count_calls(int64_t total[KINDS]) {
  for (int k = 0; k < KINDS; k++) {
    total[k] = fault_calls(kinds[k].call);
    MPI_Bcast(&total[k], 1, MPI_INT64_T, kinds[k].victim, MPI_COMM_WORLD);
  }
}

static void sweep(const change_job *j, double seconds) {
  static double expected[MOST_NUMBERS];
  char said[FAULT_SAID_BYTES], what[160];
  prepare(j);
  fault_arm(FAULT_H5Dread, 0, FAULT_NONE, j->input);
  const int status = fault_job_run(&j->job, said);
  int64_t total[KINDS], tried = 0, bad = 0, most = 0;
  count_calls(total);
  check_equal("without a fault the exit status is", status, NEURLP_EXIT_DONE);
  if (status != NEURLP_EXIT_DONE) printf("%s\n", said);
  int64_t numbers = rank == 0 ? (int64_t)read_output(j, expected) : 1;
  check_above("numbers in the result", (double)numbers, 1);
  for (int k = 0; k < KINDS; k++) {
    if (total[k] > most) most = total[k];
    check_above("calls at which the file may change", (double)total[k], 1);
  }
  const double begin = MPI_Wtime();
  for (int64_t i = 0; i < KINDS * most; i++) {
    int late = i >= KINDS && MPI_Wtime() - begin > seconds;
    MPI_Bcast(&late, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (late) break;
    /* the first calls are the reading of descriptions; the others are sampled */
    const int64_t turn = i / KINDS, calls = total[i % KINDS],
                  count = turn % 2 ? 1 + turn / 2 : 1 + (int64_t)(spread(turn) * (double)calls);
    if (count > calls) continue;
    bad += !ends_well(j, &kinds[i % KINDS], count, expected, numbers);
    tried++;
  }
  snprintf(what, sizeof what,
           "%s: file changed at one of %lld agreements, %lld reads, %lld calls; bad ends of %lld",
           j->job.name, (long long)total[2], (long long)total[0], (long long)total[4], (long long)tried);
  check_equal(what, bad, 0);
}

int main(int argc, char **argv) {
  char said[FAULT_SAID_BYTES];
  neurlp_array_file_prepare();
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (argc < 3) return 2;
  fault_jobs_prepare(argv[1]);
  for (int i = 0; i < 2; i++) /* found.h5 and trained.h5 */
    check_equal(fault_jobs[i].name, fault_job_run(&fault_jobs[i], said), NEURLP_EXIT_DONE);
  for (int i = 0; i < JOBS; i++) {
    sweep(&jobs[i], atof(argv[2]));
    fflush(stdout);
  }
  int verdict = check_verdict();
  MPI_Allreduce(MPI_IN_PLACE, &verdict, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return verdict;
}
