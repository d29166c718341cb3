/* An allocation that fails on one rank, for every command: all ranks leave with the same status, the
 * message says which rank, how many bytes and what to do, and nothing is left behind. Every job is run again
 * and again, with another allocation failing each time: all of the first ones, and a sample of the others
 * that is spread evenly. A rank that waits for ever shows as a time-out; what was tried last is on standard
 * output.
 *
 *   test_allocation PROBLEMS.h5 SECONDS */
#include "command/command.h"
#include "commands.h"
#include "file/array_file.h"
#include "inject.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_RANKS = 16 };

static int rank, size;

/* Collective. The largest of all ranks' numbers. */
static int64_t largest(int64_t mine) {
  MPI_Allreduce(MPI_IN_PLACE, &mine, 1, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
  return mine;
}

/* Collective. Whether one run, in which allocation `count` of `victim` fails, ended as it should. A few
 * allocations are not needed: then the run succeeds as if nothing had been. */
static bool ends_well(const fault_job *job, fault_call call, int victim, int64_t count) {
  char said[FAULT_SAID_BYTES];
  if (rank == 0) {
    printf("%s: allocation %lld of rank %d\n", job->name, (long long)count, victim);
    fflush(stdout);
    fault_clear(job->output);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  fault_arm(call, count, rank == victim ? FAULT_FAIL : FAULT_NONE, NULL);
  const int status = fault_job_run(job, said);
  const bool happened = fault_happened();
  fault_arm(call, 0, FAULT_NONE, NULL);
  const int64_t highest = largest(status), lowest = -largest(-status);
  bool good = highest == lowest && largest(happened);
  if (rank == 0 && status == NEURLP_EXIT_INTERNAL) {
    char who[32];
    snprintf(who, sizeof who, "rank %d", victim);
    good = good && (size == 1 || strstr(said, who)) && strstr(said, "bytes") && strstr(said, "fewer ranks") &&
           !fault_left_behind(job->output);
  } else if (rank == 0) {
    good = good && status == NEURLP_EXIT_DONE && access(job->output, R_OK) == 0;
  }
  if (rank == 0 && !good)
    printf("FAIL %s, allocation %lld of rank %d: status %lld to %lld, said: %s\n", job->name,
           (long long)count, victim, (long long)lowest, (long long)highest, said);
  return !largest(!good);
}

/* The i-th number of a sequence within (0, 1) whose every beginning is spread evenly (van der Corput's). */
static double spread(int64_t i) {
  double at = 0, digit = 0.5;
  for (i++; i > 0; i /= 2, digit /= 2) at += (double)(i % 2) * digit;
  return at;
}

/* All of a rank's are tried where they are so few, however long it takes. */
enum { FEW = 16 };

/* Collective. Tries as many allocations as there is time for, at least three of each rank. */
static void sweep(const fault_job *job, fault_call call, const char *name, double seconds) {
  char said[FAULT_SAID_BYTES], what[128];
  int64_t total[MOST_RANKS] = {0}, bad = 0, tried = 0;
  fault_arm(call, 0, FAULT_NONE, NULL);
  const int status = fault_job_run(job, said);
  const int64_t mine = fault_calls(call);
  MPI_Allgather(&mine, 1, MPI_INT64_T, total, 1, MPI_INT64_T, MPI_COMM_WORLD);
  if (status != 0) printf("%s: %s\n", job->name, said);
  check_equal("without a fault the exit status is", status, NEURLP_EXIT_DONE);
  int64_t least = 3;
  for (int i = 0; i < size; i++)
    if (total[i] <= FEW && total[i] > least) least = total[i];
  const double begin = MPI_Wtime();
  for (int64_t i = 0;; i++) {
    int late = i >= least && MPI_Wtime() - begin > seconds;
    MPI_Bcast(&late, 1, MPI_INT, 0, MPI_COMM_WORLD);
    bool any = false;
    for (int victim = 0; victim < size && !late; victim++) {
      const bool few = total[victim] <= FEW;
      if (few && i >= total[victim]) continue;
      any = true;
      tried++;
      bad += !ends_well(job, call, victim, few ? i + 1 : 1 + (int64_t)(spread(i) * (double)total[victim]));
    }
    if (!any || i > 4 * total[0]) break;
  }
  snprintf(what, sizeof what, "%s: %s of %lld, bad ends of %lld that were tried", job->name, name,
           (long long)total[0], (long long)tried);
  if (rank == 0) check_equal(what, bad, 0);
  check_equal("nobody saw a bad end", bad, 0);
}

int main(int argc, char **argv) {
  neurlp_array_file_prepare();
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (argc < 3 || size > MOST_RANKS) return 2;
  const double seconds = atof(argv[2]);
  fault_jobs_prepare(argv[1]);
  for (int i = 0; i < FAULT_JOBS; i++) {
    sweep(&fault_jobs[i], FAULT_aligned_alloc, "aligned_alloc", seconds);
    sweep(&fault_jobs[i], FAULT_malloc, "malloc", seconds / 4);
    sweep(&fault_jobs[i], FAULT_calloc, "calloc", seconds / 4); /* contexts, and blocks of 8 MB and more */
    fflush(stdout);
  }
  int verdict = check_verdict();
  MPI_Allreduce(MPI_IN_PLACE, &verdict, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return verdict;
}
