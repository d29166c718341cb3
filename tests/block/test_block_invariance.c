/* A system's answer does not depend, bit for bit, on its neighbours, on its place in the batch, on the number
 * of threads, on what stands past its length, nor on how much longer the longest system is. */
#include "block/batch.h"
#include "block/kernels.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

/* The parts of a system's results. */
enum { PARTS = 5 };
typedef struct part {
  double *numbers;
  int64_t size;
} part;

static void parts_of(const test_batch *batch, part parts[PARTS]) {
  parts[0] = (part){batch->solution, batch->size_solution};
  parts[1] = (part){batch->gradients.coefficients, batch->size_coefficients};
  parts[2] = (part){batch->gradients.rhs, batch->size_rhs};
  parts[3] = (part){batch->gradients.initial_values, batch->size_initial_values};
  parts[4] = (part){batch->gradients.steps, batch->size_steps};
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
    for (int64_t j = 0; j < size; j++)
      count +=
          memcmp(&a[i].numbers[s * a[i].size + j], &b[i].numbers[r * b[i].size + j], sizeof(double)) != 0;
  }
  return count;
}

static void run(test_batch *batch, int32_t threads) {
  if (batch_run(batch, threads, true) < 0) check_true("solve and adjoint", false);
}

/* Copies the inputs of system r of one batch to system s of another of the same sizes for one system. */
static void copy_system(const test_batch *from, int64_t r, test_batch *to, int64_t s) {
  const int64_t sizes[5] = {from->size_coefficients, from->size_rhs, from->size_initial_values,
                            from->size_steps, from->size_solution};
  double *const source[5] = {from->coefficients, from->rhs, from->initial_values, from->steps,
                             from->grad_output};
  double *const target[5] = {to->coefficients, to->rhs, to->initial_values, to->steps, to->grad_output};
  for (int32_t i = 0; i < 5; i++)
    memcpy(target[i] + s * sizes[i], source[i] + r * sizes[i], (size_t)sizes[i] * sizeof(double));
  to->lengths[s] = from->lengths[r];
}

static void check_threads_and_order(uint64_t seed, int64_t *threads, int64_t *order, int64_t *size) {
  neurlp_shape shape;
  neurlp_formulation formulation;
  bool ragged;
  test_batch one, two, turned, single;
  batch_random_shape(seed, &shape, &formulation, &ragged);
  shape.systems = 19;
  batch_open(&one, &shape, &formulation, ragged, seed);
  batch_open(&two, &shape, &formulation, ragged, seed);
  batch_open(&turned, &shape, &formulation, ragged, seed);
  shape.systems = 1;
  batch_open(&single, &shape, &formulation, ragged, seed);
  for (int64_t s = 0; s < 19; s++) copy_system(&one, s, &turned, 18 - s);
  run(&one, 1);
  run(&two, 2);
  run(&turned, 1);
  for (int64_t s = 0; s < 19; s++) {
    copy_system(&one, s, &single, 0);
    run(&single, 1);
    *threads += differences(&one, s, &two, s);
    *order += differences(&one, s, &turned, 18 - s);
    *size += differences(&one, s, &single, 0);
  }
  batch_close(&one);
  batch_close(&two);
  batch_close(&turned);
  batch_close(&single);
}

/* Overwrites what stands past the lengths. */
static void spoil(const test_batch *batch, double *array, int64_t size, int64_t last) {
  const int64_t step = size / (batch->shape.steps - last);
  for (int64_t s = 0; s < batch->shape.systems; s++)
    for (int64_t i = (batch->lengths[s] - last) * step; i < size; i++)
      array[s * size + i] = i % 2 ? NAN : 1e308;
}

static void check_ragged(uint64_t seed, int64_t *past, int64_t *shorter) {
  neurlp_shape shape;
  neurlp_formulation formulation;
  bool ragged;
  test_batch whole, spoilt, alone;
  batch_random_shape(seed, &shape, &formulation, &ragged);
  shape.initial_steps = shape.initial_steps < 4 ? shape.initial_steps : 4;
  shape.equations = shape.dimensions;
  batch_open(&whole, &shape, &formulation, true, seed);
  batch_open(&spoilt, &shape, &formulation, true, seed);
  spoil(&spoilt, spoilt.coefficients, spoilt.size_coefficients, 0);
  spoil(&spoilt, spoilt.rhs, spoilt.size_rhs, 0);
  spoil(&spoilt, spoilt.grad_output, spoilt.size_solution, 0);
  spoil(&spoilt, spoilt.steps, spoilt.size_steps, 1);
  run(&whole, 1);
  run(&spoilt, 1);
  for (int64_t s = 0; s < whole.shape.systems; s++) {
    neurlp_shape cut = shape;
    *past += differences(&whole, s, &spoilt, s);
    cut.systems = 1;
    cut.steps = whole.lengths[s];
    batch_open(&alone, &cut, &formulation, false, seed);
    memcpy(alone.coefficients, whole.coefficients + s * whole.size_coefficients,
           (size_t)alone.size_coefficients * 8);
    memcpy(alone.rhs, whole.rhs + s * whole.size_rhs, (size_t)alone.size_rhs * 8);
    memcpy(alone.initial_values, whole.initial_values + s * whole.size_initial_values,
           (size_t)alone.size_initial_values * 8);
    memcpy(alone.steps, whole.steps + s * whole.size_steps, (size_t)alone.size_steps * 8);
    memcpy(alone.grad_output, whole.grad_output + s * whole.size_solution, (size_t)alone.size_solution * 8);
    run(&alone, 1);
    *shorter += differences(&whole, s, &alone, 0);
    batch_close(&alone);
  }
  batch_close(&whole);
  batch_close(&spoilt);
}

/* Systems 3 and 7 are spoilt: the others must not notice, and these must be NaN with the right status. */
static void check_spoilt(uint64_t seed, int64_t *neighbours, int64_t *unmarked) {
  neurlp_shape shape;
  neurlp_formulation formulation;
  bool ragged;
  test_batch good, bad;
  batch_random_shape(seed, &shape, &formulation, &ragged);
  shape.systems = 11;
  shape.equations = shape.dimensions;
  shape.initial_steps = 1;
  batch_open(&good, &shape, &formulation, ragged, seed);
  batch_open(&bad, &shape, &formulation, ragged, seed);
  for (int64_t i = 0; i < bad.size_coefficients; i++) bad.coefficients[3 * bad.size_coefficients + i] = 0;
  bad.coefficients[7 * bad.size_coefficients + bad.size_coefficients / shape.steps] = NAN; /* of step 1 */
  run(&good, 1);
  run(&bad, 1);
  part parts[PARTS];
  parts_of(&bad, parts);
  for (int64_t s = 0; s < 11; s++) {
    const bool failed = s == 7 || (s == 3 && bad.status[3] != NEURLP_SUCCESS);
    if (!failed) {
      *neighbours += s == 3 ? 0 : differences(&good, s, &bad, s);
      continue;
    }
    *unmarked += bad.status[s] != (s == 3 ? NEURLP_SINGULAR : NEURLP_NOT_FINITE);
    for (int32_t i = 0; i < PARTS; i++)
      for (int64_t j = 0; j < parts[i].size; j++)
        *unmarked += !isnan(parts[i].numbers[s * parts[i].size + j]);
  }
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
  for (uint64_t seed = 1; seed <= 40; seed++) {
    check_threads_and_order(seed, &threads, &order, &size);
    check_ragged(seed, &past, &shorter);
    check_spoilt(seed, &neighbours, &unmarked);
  }
  check_equal("numbers that differ between one thread and two", threads, 0);
  check_equal("numbers that differ when the batch is turned around", order, 0);
  check_equal("numbers that differ between a batch of 19 and batches of one", size, 0);
  check_equal("numbers that differ with garbage past the lengths", past, 0);
  check_equal("numbers that differ between a ragged system and a shorter problem", shorter, 0);
  check_equal("numbers of neighbours that a failing system changed", neighbours, 0);
  check_equal("failed systems or their numbers that are not marked", unmarked, 0);
  return check_verdict();
}
