#include "study/fingerprint.h"

#include "checkpoint/checkpoint.h"
#include "comm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* This rank's samples and times, at their places among all. */
static void sum_samples(const neurlp_study *s, uint64_t sums[2]) {
  const neurlp_plan *plan = &s->plan;
  const int64_t D = s->dimensions, U = s->inputs;
  for (int64_t i = 0; i < plan->end_system - plan->first_system; i++) {
    const int64_t first = s->samples.offsets[i], count = s->samples.offsets[i + 1] - first;
    const int64_t at = (plan->first_system + i) * s->samples_each + (i == 0 ? plan->first_sample : 0);
    sums[0] += neurlp_checksum(NEURLP_STATE_DOUBLE, at, count, s->samples.times + first);
    sums[1] += neurlp_checksum(NEURLP_STATE_DOUBLE, at * D, count * D, s->samples.states + first * D);
    if (U > 0)
      sums[1] += 5 * neurlp_checksum(NEURLP_STATE_DOUBLE, at * U, count * U, s->samples.inputs + first * U);
  }
}

/* Where files are behind data that are generated, the deck does not say all. */
static bool deck_says_all(const neurlp_study *s) {
  const neurlp_deck *deck = s->job->deck;
  return s->generated && !neurlp_deck_given(deck, "data.generate.initial_file") &&
         !neurlp_deck_given(deck, "data.generate.result");
}

/* Collective. All samples that ranks read, at once or piece by piece. */
static neurlp_status sum_data(neurlp_study *s, uint64_t sums[2]) {
  neurlp_status status = NEURLP_SUCCESS;
  if (s->piece >= s->systems) {
    if (!s->repeats) sum_samples(s, sums);
  } else {
    for (int64_t first = 0; first < s->systems; first += s->piece) {
      NEURLP_TRY(neurlp_study_look(s, first, s->piece < s->systems - first ? s->piece : s->systems - first));
      sum_samples(s, sums);
    }
  }
  MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_UINT64_T, MPI_SUM, s->comm);
done:
  return status;
}

neurlp_status neurlp_study_fingerprint(neurlp_study *s, char **text) {
  uint64_t sums[2] = {0};
  size_t bytes = 256;
  for (int32_t k = 0; k < s->dimensions; k++) bytes += strlen(s->names[k]) + 1;
  neurlp_status status =
      neurlp_agree(s->comm, s->context, neurlp_allocate(s->context, (int64_t)bytes, 1, text));
  if (status < 0) {
    neurlp_release(s->context, text);
    return status;
  }
  if (!deck_says_all(s)) status = sum_data(s, sums);
  if (status < 0) {
    neurlp_release(s->context, text);
    return status;
  }
  size_t length = (size_t)snprintf(*text, bytes, "%lld systems of up to %lld samples of %d states",
                                   (long long)s->systems, (long long)s->samples_each, s->dimensions);
  for (int32_t k = 0; k < s->dimensions; k++)
    length += (size_t)snprintf(*text + length, bytes - length, " %s", s->names[k]);
  if (!deck_says_all(s))
    snprintf(*text + length, bytes - length, " with checksum %016" PRIx64, sums[0] + 3 * sums[1]);
  return status;
}
