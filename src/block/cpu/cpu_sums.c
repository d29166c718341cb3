/* The backend cpu: gradients of inputs that all systems share are sums over systems. */
#include "block/cpu/cpu.h"

#include <string.h>

/* Sums over systems are added up in so many parts, whatever the number of threads: so they do not depend on
 * it. */
enum { SHARDS = 16 };

static int32_t shard_count(int64_t tiles) {
  return tiles < SHARDS ? (int32_t)tiles : SHARDS;
}

size_t neurlp_shared_bytes_cpu(const neurlp_problem *problem, neurlp_array array) {
  const neurlp_extents extents = neurlp_array_extents(&problem->shape, array);
  const bool shared = extents.per_system > 0 && extents.system_stride == 0;
  return shared ? (size_t)extents.per_system * neurlp_number_bytes(&problem->shape) : 0;
}

void neurlp_list_gradients_cpu(const neurlp_gradients *g, void *list[NEURLP_ARRAY_INPUTS]) {
  list[NEURLP_ARRAY_COEFFICIENTS] = g->coefficients;
  list[NEURLP_ARRAY_RHS] = g->rhs;
  list[NEURLP_ARRAY_INITIAL_VALUES] = g->initial_values;
  list[NEURLP_ARRAY_FINAL_VALUES] = g->final_values;
  list[NEURLP_ARRAY_STEPS] = g->steps;
}

size_t neurlp_sums_bytes_cpu(const neurlp_problem *problem, int64_t tiles) {
  size_t bytes = 0;
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++)
    bytes += (size_t)shard_count(tiles) * neurlp_shared_bytes_cpu(problem, (neurlp_array)array);
  return bytes;
}

neurlp_status neurlp_sums_create_cpu(cpu_state *cpu, int64_t tiles) {
  neurlp_status status = NEURLP_SUCCESS;
  cpu->shards = shard_count(tiles);
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const size_t bytes = neurlp_shared_bytes_cpu(cpu->problem, (neurlp_array)array);
    if (bytes > 0) NEURLP_TRY(neurlp_allocate(cpu->context, cpu->shards, bytes, &cpu->sums[array]));
  }
done:
  return status;
}

void neurlp_sums_destroy_cpu(cpu_state *cpu) {
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++)
    neurlp_release(cpu->context, &cpu->sums[array]);
}

/* Where a shard adds up gradients. */
static neurlp_gradients sums_of(const cpu_state *cpu, int64_t shard) {
  void *sum[NEURLP_ARRAY_INPUTS];
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const size_t offset = (size_t)shard * neurlp_shared_bytes_cpu(cpu->problem, (neurlp_array)array);
    sum[array] = cpu->sums[array] ? (unsigned char *)cpu->sums[array] + offset : NULL;
  }
  return (neurlp_gradients){.coefficients = sum[NEURLP_ARRAY_COEFFICIENTS],
                            .rhs = sum[NEURLP_ARRAY_RHS],
                            .initial_values = sum[NEURLP_ARRAY_INITIAL_VALUES],
                            .final_values = sum[NEURLP_ARRAY_FINAL_VALUES],
                            .steps = sum[NEURLP_ARRAY_STEPS]};
}

/* Adds up the shards' sums in their order. */
static void collect_sums(const cpu_state *cpu, void *const list[NEURLP_ARRAY_INPUTS]) {
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const size_t bytes = neurlp_shared_bytes_cpu(cpu->problem, (neurlp_array)array);
    if (bytes == 0 || !list[array]) continue;
    const int64_t numbers = (int64_t)(bytes / neurlp_number_bytes(&cpu->problem->shape));
    memset(list[array], 0, bytes);
    for (int32_t shard = 0; shard < cpu->shards; shard++)
      neurlp_tree_add(cpu->problem->shape.precision == NEURLP_SINGLE, numbers, list[array],
                      (const unsigned char *)cpu->sums[array] + (size_t)shard * bytes);
  }
}

static bool wants_sums(const cpu_state *cpu, void *const list[NEURLP_ARRAY_INPUTS]) {
  bool wants = false;
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++) wants |= list[array] && cpu->sums[array];
  return wants;
}

/* Tiles in shards, each in the order of its tiles, so that sums do not depend on threads. */
static void run_shards(const cpu_state *cpu, const neurlp_tile_job *jobs, int32_t count) {
  const int64_t tiles = neurlp_count_tiles_cpu(cpu, jobs, count), shards = cpu->shards;
#pragma omp parallel for schedule(dynamic, 1) num_threads(cpu->threads)
  for (int64_t shard = 0; shard < shards; shard++) {
    const neurlp_gradients sums = sums_of(cpu, shard);
    neurlp_tile_job own[CPU_JOBS];
    for (int32_t j = 0; j < count; j++) {
      own[j] = jobs[j];
      own[j].sums = &sums;
    }
    for (int64_t i = shard * tiles / shards; i < (shard + 1) * tiles / shards; i++)
      neurlp_run_tile_cpu(cpu, cpu->kernels->adjoint, own, count, i);
  }
}

void neurlp_run_adjoint_cpu(const cpu_state *cpu, const neurlp_tile_job *jobs, int32_t count) {
  void *list[NEURLP_ARRAY_INPUTS];
  neurlp_list_gradients_cpu(jobs->gradients, list);
  if (!wants_sums(cpu, list)) {
    neurlp_run_tiles_cpu(cpu, cpu->kernels->adjoint, jobs, count);
    return;
  }
  for (int32_t array = 0; array < NEURLP_ARRAY_INPUTS; array++)
    if (cpu->sums[array])
      memset(cpu->sums[array], 0,
             (size_t)cpu->shards * neurlp_shared_bytes_cpu(cpu->problem, (neurlp_array)array));
  run_shards(cpu, jobs, count);
  collect_sums(cpu, list);
}
