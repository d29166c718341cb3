/* A system's answer does not depend, bit for bit, on its neighbours, on its place in the batch, on the number
 * of threads, on what stands past its length, nor on how much longer the longest system is. A gradient of an
 * input that all systems share is their sum: it does not depend on the number of threads, and it is NaN if a
 * system failed, for then the sum is not defined.
 *
 * NEURLP_ISA chooses the instruction set; a machine that lacks it skips the test. NEURLP_TEST_BACKEND chooses
 * the backend. */
#include "block/batch.h"
#include "block/cpu/kernels.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

/* The parts of a system's results; `shared` ones belong to all systems. */
enum { PARTS = ARRAYS + 2 };
typedef struct part {
  double *numbers;
  int64_t size;
  bool shared;
} part;

static void parts_of(const test_batch *batch, part parts[PARTS]) {
  parts[0] = (part){batch->solution, batch->size_solution, false};
  parts[1] = (part){batch->tangent, batch->size_solution, false};
  for (int32_t i = 0; i < ARRAYS; i++) {
    const test_array *a = &batch->arrays[i];
    parts[2 + i] = (part){a->gradient, a->steps * a->each, a->system_stride == 0};
  }
}

/* Numbers that differ in their bits between system s of one batch and system r of another, as far as the
 * shorter of the two has them. */
static int64_t differences(const test_batch *one, int64_t s, const test_batch *other, int64_t r) {
  part a[PARTS], b[PARTS];
  int64_t count = one->status[s] != other->status[r];
  parts_of(one, a);
  parts_of(other, b);
  for (int32_t i = 0; i < PARTS; i++) {
    const int64_t size = a[i].size < b[i].size ? a[i].size : b[i].size;
    for (int64_t j = 0; j < size && !a[i].shared; j++) {
      const double x = a[i].numbers[s * a[i].size + j], y = b[i].numbers[r * b[i].size + j];
      count += memcmp(&x, &y, sizeof x) != 0 && !(isnan(x) && isnan(y));
    }
  }
  return count;
}

/* The same for what all systems share. */
static int64_t shared_differences(const test_batch *one, const test_batch *other) {
  part a[PARTS], b[PARTS];
  int64_t count = 0;
  parts_of(one, a);
  parts_of(other, b);
  for (int32_t i = 0; i < PARTS; i++)
    for (int64_t j = 0; j < a[i].size && a[i].shared; j++)
      count += memcmp(&a[i].numbers[j], &b[i].numbers[j], sizeof(double)) != 0 &&
               !(isnan(a[i].numbers[j]) && isnan(b[i].numbers[j]));
  return count;
}

static void note(int64_t *counter, int64_t differ, const char *what, const test_batch *batch, uint64_t seed) {
  if (differ > 0) {
    printf("%s: %lld numbers: ", what, (long long)differ);
    batch_print(batch, seed);
  }
  *counter += differ;
}

static void run(test_batch *batch, int32_t threads, uint64_t seed) {
  if (batch_run(batch, threads, BATCH_ADJOINT | BATCH_TANGENT) >= 0) return;
  batch_print(batch, seed);
  check_true("solve, adjoint and tangent", false);
}

/* Copies the inputs of system r of one batch to system s of another, as far as the other has steps. What
 * systems share is copied, too. */
static void copy_system(const test_batch *from, int64_t r, test_batch *to, int64_t s) {
  const int64_t size = from->size_solution < to->size_solution ? from->size_solution : to->size_solution;
  memcpy(to->grad_output + s * to->size_solution, from->grad_output + r * from->size_solution,
         (size_t)size * sizeof(double));
  to->lengths[s] = from->lengths[r];
  for (int32_t i = 0; i < ARRAYS; i++) {
    const test_array *a = &from->arrays[i], *b = &to->arrays[i];
    const size_t bytes = (size_t)((a->steps < b->steps ? a->steps : b->steps) * a->each) * sizeof(double);
    memcpy(b->numbers + s * b->system_stride, a->numbers + r * a->system_stride, bytes);
    memcpy(b->direction + s * b->system_stride, a->direction + r * a->system_stride, bytes);
  }
}

enum { MANY = 19 };

static void check_threads_and_order(uint64_t seed, int64_t *threads, int64_t *order, int64_t *size) {
  test_case drawn = batch_random(seed);
  test_batch one, two, turned, single;
  int64_t differ = 0, other = 0, alone = 0;
  drawn.shape.systems = MANY;
  batch_open(&one, &drawn, seed);
  batch_open(&two, &drawn, seed);
  batch_open(&turned, &drawn, seed);
  drawn.shape.systems = 1;
  batch_open(&single, &drawn, seed);
  for (int64_t s = 0; s < MANY; s++) copy_system(&one, s, &turned, MANY - 1 - s);
  two.shape.keep_factors = !one.shape.keep_factors;
  run(&one, 1, seed);
  run(&two, 2, seed);
  run(&turned, 1, seed);
  for (int64_t s = 0; s < MANY; s++) {
    copy_system(&one, s, &single, 0);
    run(&single, 1, seed);
    differ += differences(&one, s, &two, s);
    other += differences(&one, s, &turned, MANY - 1 - s);
    alone += differences(&one, s, &single, 0);
  }
  note(threads, differ + shared_differences(&one, &two), "one thread and two, factors kept or not", &one,
       seed);
  note(order, other, "turned around", &one, seed);
  note(size, alone, "alone", &one, seed);
  batch_close(&one);
  batch_close(&two);
  batch_close(&turned);
  batch_close(&single);
}

/* Overwrites what stands past the lengths, in what systems do not share. */
static void spoil(const test_batch *batch, double *array, int64_t size, int64_t steps, int64_t last) {
  const int64_t step = size / steps;
  for (int64_t s = 0; s < batch->shape.systems; s++)
    for (int64_t i = (batch->lengths[s] - last) * step; i < size; i++)
      array[s * size + i] = i % 2 ? NAN : 1e308;
}

static void spoil_arrays(test_batch *batch) {
  static const int32_t cut[] = {COEFFICIENTS, RHS, STEPS};
  spoil(batch, batch->grad_output, batch->size_solution, batch->shape.steps, 0);
  for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
    const test_array *a = &batch->arrays[cut[i]];
    if (a->system_stride == 0 || a->step_stride == 0) continue;
    spoil(batch, a->numbers, a->steps * a->each, a->steps, cut[i] == STEPS);
    spoil(batch, a->direction, a->steps * a->each, a->steps, cut[i] == STEPS);
  }
}

/* Whether systems that all have the shape's steps are solved by one factor, and so in another way. */
static bool has_one_factor(const neurlp_shape *z) {
  return (z->coefficients_sharing & NEURLP_SHARED) != 0 && (z->steps_sharing & NEURLP_SHARED) != 0;
}

static void check_ragged(uint64_t seed, int64_t *past, int64_t *shorter) {
  test_case drawn = batch_random(seed);
  test_batch whole, spoilt, alone;
  int64_t differ = 0, other = 0;
  drawn.shape.initial_steps = drawn.shape.initial_steps < 3 ? drawn.shape.initial_steps : 3;
  drawn.shape.equations = drawn.shape.dimensions;
  drawn.ragged = true;
  drawn.prepared = false;
  batch_open(&whole, &drawn, seed);
  batch_open(&spoilt, &drawn, seed);
  spoil_arrays(&spoilt);
  run(&whole, 1, seed);
  run(&spoilt, 1, seed);
  for (int64_t s = 0; s < whole.shape.systems; s++) {
    test_case cut = drawn;
    differ += differences(&whole, s, &spoilt, s);
    if (has_one_factor(&drawn.shape)) continue;
    cut.shape.systems = 1;
    cut.shape.steps = whole.lengths[s];
    cut.ragged = false;
    batch_open(&alone, &cut, seed);
    copy_system(&whole, s, &alone, 0);
    run(&alone, 1, seed);
    other += differences(&whole, s, &alone, 0);
    batch_close(&alone);
  }
  note(past, differ + shared_differences(&whole, &spoilt), "garbage past the lengths", &whole, seed);
  note(shorter, other, "a shorter problem", &whole, seed);
  batch_close(&whole);
  batch_close(&spoilt);
}

/* Numbers of a failed system, and of what it shares with others, that are not NaN. */
static int64_t unmarked_numbers(const test_batch *batch, int64_t s) {
  part parts[PARTS];
  int64_t count = 0;
  parts_of(batch, parts);
  for (int32_t i = 0; i < PARTS; i++)
    for (int64_t j = 0; j < parts[i].size; j++)
      count += !isnan(parts[i].numbers[(parts[i].shared ? 0 : s * parts[i].size) + j]);
  return count;
}

/* Systems 3 and 7 are spoilt: the others must not notice, and these must be NaN with the right status, as
 * well as gradients that they share. */
static void check_spoilt(uint64_t seed, int64_t *neighbours, int64_t *unmarked) {
  test_case drawn = batch_random(seed);
  test_batch good, bad;
  int64_t differ = 0, wrong = 0;
  drawn.shape.systems = 11;
  drawn.shape.equations = drawn.shape.dimensions;
  drawn.shape.initial_steps = 1;
  drawn.shape.coefficients_sharing &= NEURLP_CONSTANT;
  drawn.prepared = false;
  batch_open(&good, &drawn, seed);
  batch_open(&bad, &drawn, seed);
  test_array *c = &bad.arrays[COEFFICIENTS];
  for (int64_t i = 0; i < c->system_stride; i++) c->numbers[3 * c->system_stride + i] = 0;
  c->numbers[batch_place(c, 7, 1, 0)] = NAN;
  run(&good, 1, seed);
  run(&bad, 1, seed);
  const bool mixed = drawn.shape.precision == NEURLP_MIXED; /* which need not know why it fails */
  for (int64_t s = 0; s < 11; s++) {
    const bool failed = s == 7 || (s == 3 && bad.status[3] != NEURLP_SUCCESS);
    if (!failed) {
      differ += s == 3 ? 0 : differences(&good, s, &bad, s);
      continue;
    }
    wrong += bad.status[s] != (s == 3 ? NEURLP_SINGULAR : NEURLP_NOT_FINITE) &&
             !(s == 3 && mixed && bad.status[s] == NEURLP_NOT_CONVERGED);
    wrong += unmarked_numbers(&bad, s);
  }
  note(neighbours, differ, "neighbours of failed systems", &good, seed);
  note(unmarked, wrong, "failed systems, not marked", &good, seed);
  batch_close(&good);
  batch_close(&bad);
}

/* Exit status that CTest takes for "skipped". */
enum { SKIPPED = 77 };

int main(void) {
  if (!neurlp_kernels_choose(NEURLP_DOUBLE)) {
    printf("skipped: this machine or this build has no %s\n", getenv("NEURLP_ISA"));
    return SKIPPED;
  }
  int64_t threads = 0, order = 0, size = 0, past = 0, shorter = 0, neighbours = 0, unmarked = 0;
  for (uint64_t i = 1; i <= 80; i++) {
    const uint64_t seed = i <= 40 ? i : BATCH_PLAIN_SEEDS + i - 40;
    check_threads_and_order(seed, &threads, &order, &size);
    check_ragged(seed, &past, &shorter);
    check_spoilt(seed, &neighbours, &unmarked);
  }
  check_equal("numbers that differ between one thread and two, factors kept or not", threads, 0);
  check_equal("numbers that differ when the batch is turned around", order, 0);
  check_equal("numbers that differ between a batch of 19 and batches of one", size, 0);
  check_equal("numbers that differ with garbage past the lengths", past, 0);
  check_equal("numbers that differ between a ragged system and a shorter problem", shorter, 0);
  check_equal("numbers of neighbours that a failing system changed", neighbours, 0);
  check_equal("failed systems or their numbers that are not marked", unmarked, 0);
  return check_verdict();
}
