/* Solutions as one matrix product, where the left-hand side is kept: X = inputs times map. */
#include "block/cpu/cpu.h"
#include "core/blas.h"

#include <math.h>
#include <string.h>

/* Systems of one product. The number is fixed, the last ones are padded, so that BLAS sees the same sizes;
 * where it adds up a system's numbers in another order in another place all the same, there are no products.
 */
enum { BLOCK = 256 };

/* How much faster a product's operations are than a sweep's (measured, docs/performance.md). */
static const double PRODUCT_ADVANTAGE = 4;

void neurlp_map_plan_cpu(cpu_map *map, const neurlp_problem *problem) {
  *map = (cpu_map){.sizes = neurlp_map_plan(problem, PRODUCT_ADVANTAGE)};
}

size_t neurlp_map_bytes_cpu(const cpu_map *map, const neurlp_problem *problem) {
  const int64_t m = map->sizes.inputs, N = map->sizes.outputs;
  if (m == 0) return 0;
  return (size_t)(m * N + m * m + BLOCK * (m + N)) * neurlp_number_bytes(&problem->shape) +
         (size_t)m * sizeof(neurlp_status);
}

neurlp_status neurlp_map_create_cpu(cpu_state *cpu) {
  cpu_map *map = &cpu->map;
  neurlp_context *context = cpu->context;
  const size_t bytes = neurlp_number_bytes(&cpu->problem->shape);
  neurlp_status status = NEURLP_SUCCESS;
  if (map->sizes.inputs == 0) return status;
  NEURLP_TRY(neurlp_allocate(context, map->sizes.inputs * map->sizes.outputs, bytes, &map->numbers));
  NEURLP_TRY(neurlp_allocate(context, map->sizes.inputs, sizeof(neurlp_status), &map->status));
  for (int32_t i = 0; i < 3; i++) {
    NEURLP_TRY(neurlp_allocate(context, map->sizes.inputs * map->sizes.part[i], bytes, &map->units[i]));
    NEURLP_TRY(neurlp_allocate(context, BLOCK * map->sizes.part[i], bytes, &map->padded[i]));
  }
  NEURLP_TRY(neurlp_allocate(context, BLOCK * map->sizes.outputs, bytes, &map->padded[3]));
done:
  return status;
}

void neurlp_map_destroy_cpu(cpu_state *cpu) {
  cpu_map *map = &cpu->map;
  neurlp_release(cpu->context, &map->numbers);
  neurlp_release(cpu->context, &map->status);
  for (int32_t i = 0; i < 3; i++) neurlp_release(cpu->context, &map->units[i]);
  for (int32_t i = 0; i < 4; i++) neurlp_release(cpu->context, &map->padded[i]);
}

static bool is_single(const cpu_state *cpu) {
  return cpu->problem->shape.precision == NEURLP_SINGLE;
}

/* c [BLOCK][columns] = b [BLOCK][inner] op(a), plus c if `add`; a is part of the map, transposed or not. */
static void multiply(const cpu_state *cpu, bool transposed, int64_t columns, int64_t inner, const void *a,
                     const void *b, bool add, void *c) {
  const int m = (int)columns, n = BLOCK, k = (int)inner, lda = (int)cpu->map.sizes.outputs;
  const char *op = transposed ? "T" : "N";
  if (is_single(cpu)) {
    const float one = 1, beta = add ? 1 : 0;
    sgemm_(op, "N", &m, &n, &k, &one, a, &lda, b, &k, &beta, c, &m);
  } else {
    const double one = 1, beta = add ? 1 : 0;
    dgemm_(op, "N", &m, &n, &k, &one, a, &lda, b, &k, &beta, c, &m);
  }
}

/* Pointer to system s in an array with `size` numbers for each system. */
static void *at(const cpu_state *cpu, const void *array, int64_t s, int64_t size) {
  return (unsigned char *)array + (size_t)(s * size) * neurlp_number_bytes(&cpu->problem->shape);
}

/* ---- the same wherever a system stands --------------------------------------------------------------- */

/* BLOCK equal rows of `size` numbers. */
static void repeat_row(const cpu_state *cpu, void *rows, int64_t size) {
  const size_t bytes = (size_t)size * neurlp_number_bytes(&cpu->problem->shape);
  for (int64_t j = 0; j < size; j++) {
    const double number = sin(1.0 + (double)(j * j));
    if (is_single(cpu))
      ((float *)rows)[j] = (float)number;
    else
      ((double *)rows)[j] = number;
  }
  for (int64_t row = 1; row < BLOCK; row++) memcpy((unsigned char *)rows + (size_t)row * bytes, rows, bytes);
}

static bool rows_are_equal(const cpu_state *cpu, const void *rows, int64_t size) {
  const size_t bytes = (size_t)size * neurlp_number_bytes(&cpu->problem->shape);
  for (int64_t row = 1; row < BLOCK; row++)
    if (memcmp((const unsigned char *)rows + (size_t)row * bytes, rows, bytes) != 0) return false;
  return true;
}

/* Whether BLAS adds up a system's numbers in the same order in every place of a block, with products of these
 * sizes: there are kernels that treat the last few columns otherwise. Uses the padded rows. */
static bool places_agree(const cpu_state *cpu) {
  const cpu_map *map = &cpu->map;
  const int64_t N = map->sizes.outputs;
  int64_t first = 0;
  bool add = false, agree = true;
  for (int32_t i = 0; i < 3; first += map->sizes.part[i++]) {
    if (map->sizes.part[i] == 0) continue;
    repeat_row(cpu, map->padded[i], map->sizes.part[i]);
    multiply(cpu, false, N, map->sizes.part[i], at(cpu, map->numbers, first, N), map->padded[i], add,
             map->padded[3]);
    add = true;
  }
  agree = rows_are_equal(cpu, map->padded[3], N);
  repeat_row(cpu, map->padded[3], N);
  first = 0;
  for (int32_t i = 0; agree && i < 3; first += map->sizes.part[i++]) {
    if (map->sizes.part[i] == 0) continue;
    multiply(cpu, true, map->sizes.part[i], N, at(cpu, map->numbers, first, N), map->padded[3], false,
             map->padded[i]);
    agree = rows_are_equal(cpu, map->padded[i], map->sizes.part[i]);
  }
  return agree;
}

neurlp_status neurlp_map_make_cpu(cpu_state *cpu, const neurlp_inputs *left) {
  cpu_map *map = &cpu->map;
  int64_t first = 0;
  for (int32_t i = 0; i < 3; first += map->sizes.part[i++])
    for (int64_t j = 0; j < map->sizes.part[i]; j++) {
      const int64_t place = (first + j) * map->sizes.part[i] + j;
      if (is_single(cpu))
        ((float *)map->units[i])[place] = 1;
      else
        ((double *)map->units[i])[place] = 1;
    }
  neurlp_inputs inputs = *left;
  inputs.systems = map->sizes.inputs;
  inputs.rhs = map->units[0];
  inputs.initial_values = map->units[1];
  inputs.final_values = map->units[2];
  const neurlp_tile_job job = {.problem = cpu->problem,
                               .inputs = &inputs,
                               .kept = cpu->factor,
                               .solution = map->numbers,
                               .status = map->status};
  neurlp_run_tiles_cpu(cpu, cpu->kernels->solve, &job, 1);
  for (int64_t i = 0; i < map->sizes.inputs; i++)
    if (map->status[i] != NEURLP_SUCCESS) return map->status[i];
  if (!places_agree(cpu)) map->sizes.inputs = 0; /* sweeps do it */
  return NEURLP_SUCCESS;
}

/* Systems s and after, BLOCK of them: where they are, or padded. */
static const void *block_of(const cpu_state *cpu, const void *array, int64_t s, int64_t systems, int64_t size,
                            void *padded) {
  if (s + BLOCK <= systems) return at(cpu, array, s, size);
  const size_t bytes = neurlp_number_bytes(&cpu->problem->shape);
  memset(padded, 0, (size_t)(BLOCK * size) * bytes);
  memcpy(padded, at(cpu, array, s, size), (size_t)((systems - s) * size) * bytes);
  return padded;
}

/* Whether `size` numbers are finite. */
static bool all_finite(const cpu_state *cpu, const void *numbers, int64_t size) {
  bool finite = true;
  for (int64_t i = 0; i < size; i++)
    finite &= is_single(cpu) ? isfinite(((const float *)numbers)[i]) : isfinite(((const double *)numbers)[i]);
  return finite;
}

/* All bits set are a NaN in either precision. */
static void undefine(const cpu_state *cpu, void *array, int64_t s, int64_t size) {
  if (array) memset(at(cpu, array, s, size), 0xff, (size_t)size * neurlp_number_bytes(&cpu->problem->shape));
}

void neurlp_map_solve_cpu(cpu_state *cpu, const neurlp_inputs *inputs, void *solution,
                          neurlp_status *statuses) {
  const cpu_map *map = &cpu->map;
  const void *parts[3] = {inputs->rhs, inputs->initial_values, inputs->final_values};
  const int64_t S = inputs->systems, N = map->sizes.outputs;
  for (int64_t s = 0; s < S; s += BLOCK) {
    void *out = s + BLOCK <= S ? at(cpu, solution, s, N) : map->padded[3];
    bool add = false;
    int64_t first = 0;
    for (int32_t i = 0; i < 3; first += map->sizes.part[i++]) {
      if (map->sizes.part[i] == 0) continue;
      const void *in = block_of(cpu, parts[i], s, S, map->sizes.part[i], map->padded[i]);
      multiply(cpu, false, N, map->sizes.part[i], at(cpu, map->numbers, first, N), in, add, out);
      add = true;
    }
    if (out == map->padded[3])
      memcpy(at(cpu, solution, s, N), out, (size_t)((S - s) * N) * neurlp_number_bytes(&cpu->problem->shape));
  }
  for (int64_t s = 0; s < S; s++) {
    statuses[s] = all_finite(cpu, at(cpu, solution, s, N), N) ? NEURLP_SUCCESS : NEURLP_NOT_FINITE;
    if (statuses[s] != NEURLP_SUCCESS) undefine(cpu, solution, s, N);
  }
}

void neurlp_map_adjoint_cpu(cpu_state *cpu, int64_t systems, const void *grad_output,
                            const neurlp_gradients *gradients, neurlp_status *statuses) {
  const cpu_map *map = &cpu->map;
  void *parts[3] = {gradients->rhs, gradients->initial_values, gradients->final_values};
  const int64_t N = map->sizes.outputs;
  const size_t bytes = neurlp_number_bytes(&cpu->problem->shape);
  for (int64_t s = 0; s < systems; s += BLOCK) {
    const void *in = block_of(cpu, grad_output, s, systems, N, map->padded[3]);
    int64_t first = 0;
    for (int32_t i = 0; i < 3; first += map->sizes.part[i++]) {
      if (map->sizes.part[i] == 0 || !parts[i]) continue;
      void *out = s + BLOCK <= systems ? at(cpu, parts[i], s, map->sizes.part[i]) : map->padded[i];
      multiply(cpu, true, map->sizes.part[i], N, at(cpu, map->numbers, first, N), in, false, out);
      if (out == map->padded[i])
        memcpy(at(cpu, parts[i], s, map->sizes.part[i]), out,
               (size_t)((systems - s) * map->sizes.part[i]) * bytes);
    }
  }
  for (int64_t s = 0; s < systems; s++) {
    statuses[s] = all_finite(cpu, at(cpu, grad_output, s, N), N) ? NEURLP_SUCCESS : NEURLP_NOT_FINITE;
    for (int32_t i = 0; i < 3; i++)
      if (parts[i] && !all_finite(cpu, at(cpu, parts[i], s, map->sizes.part[i]), map->sizes.part[i]))
        statuses[s] = NEURLP_NOT_FINITE;
    for (int32_t i = 0; i < 3 && statuses[s] != NEURLP_SUCCESS; i++)
      undefine(cpu, parts[i], s, map->sizes.part[i]);
  }
}
