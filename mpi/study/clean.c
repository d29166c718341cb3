#include "study/clean.h"

#include "comm.h"
#include "data/generate_plan.h"

#include <math.h>
#include <string.h>

/* Of one state of one system, sample by sample: mean and squares about it are updated as Welford does, so
 * that one pass suffices, which goes on on the next rank where a system does. */
typedef struct tally {
  double count, mean, about; /* samples; their mean; squares of clean less mean */
  double squares;            /* of solution less clean */
} tally;

enum { TALLY_NUMBERS = sizeof(tally) / sizeof(double) };

static void add(tally *t, double clean, double solution) {
  if (isnan(clean) || isnan(solution)) return;
  const double before = clean - t->mean;
  t->count++;
  t->mean += before / t->count;
  t->about += before * (clean - t->mean);
  t->squares += (solution - clean) * (solution - clean);
}

static double judge(const tally *states, int64_t D) {
  double squares = 0, about = 0;
  for (int64_t k = 0; k < D; k++) {
    squares += states[k].squares;
    about += states[k].about;
  }
  return about > 0 ? 1 - squares / about : (double)NAN;
}

/* The same on all ranks. */
static bool is_known(const neurlp_study *s) {
  const neurlp_generated *g = s->generated;
  return g && (g->clean || (g->plan->noise == 0 && g->plan->missing == 0));
}

/* Whether the last sample of system i of this rank's is the system's last. */
static bool ends_here(const neurlp_study *s, int64_t i) {
  const neurlp_sample_range *range = &s->samples.range;
  return range->first_system + i + 1 < range->end_system || range->end_sample == s->samples_each;
}

/* Collective. Ranks one after the other: each goes on with the system in which the one before it ended. */
static void score(const neurlp_study *s, const neurlp_estimates *e, tally *states, double *r2) {
  const neurlp_sample_range *range = &s->samples.range;
  const double *clean = s->generated->clean ? s->samples.clean : s->samples.states;
  const int64_t D = s->dimensions, systems = range->end_system - range->first_system;
  const int numbers = (int)D * TALLY_NUMBERS;
  int64_t ending = 0;
  if (s->rank > 0)
    MPI_Recv((double *)states, numbers, MPI_DOUBLE, s->rank - 1, 0, s->comm, MPI_STATUS_IGNORE);
  for (int64_t i = 0; i < systems; i++) {
    if (i > 0 || range->first_sample == 0) memset(states, 0, (size_t)D * sizeof *states);
    for (int64_t t = s->samples.offsets[i]; t < s->samples.offsets[i + 1]; t++)
      for (int64_t k = 0; k < D; k++) add(&states[k], clean[t * D + k], e->fitted[t * D + k]);
    if (ends_here(s, i) && ending < e->ending_count) r2[ending++] = judge(states, D);
  }
  if (s->rank + 1 < s->size) MPI_Send((const double *)states, numbers, MPI_DOUBLE, s->rank + 1, 0, s->comm);
}

neurlp_status neurlp_study_clean_write(const neurlp_study *s, const neurlp_estimates *e,
                                       neurlp_array_file *file, int32_t compress) {
  tally *states = NULL;
  double *r2 = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (!is_known(s)) return NEURLP_SUCCESS;
  status = neurlp_allocate(s->context, s->dimensions, sizeof *states, &states);
  if (status >= 0) status = neurlp_allocate(s->context, e->ending_count, sizeof *r2, &r2);
  NEURLP_TRY(neurlp_agree(s->comm, s->context, status));
  score(s, e, states, r2);
  const neurlp_array array = {.path = "metrics/clean_r2",
                              .type = H5T_NATIVE_DOUBLE,
                              .rank = 1,
                              .extents = {s->systems},
                              .long_name = "coefficient of determination of the solution, against what the "
                                           "data were before noise and gaps",
                              .scales = {"system"},
                              .compress = compress};
  status = neurlp_array_write_rows(file, &array, e->first_ending, e->ending_count, r2);
done:
  neurlp_release(s->context, &states);
  neurlp_release(s->context, &r2);
  return status;
}
