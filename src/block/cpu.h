/* The inside of the backend cpu: its state, and loops over tiles. */
#ifndef NEURLP_BLOCK_CPU_H
#define NEURLP_BLOCK_CPU_H

#include "block/arrays.h"
#include "block/backend.h"
#include "block/kernels.h"

/* The map from right-hand sides and values to solutions, where the left-hand side is kept (docs/math.md,
 * section 5): row i of `numbers` is the solution to unit input i. The inputs are rhs, initial and final
 * values. */
typedef struct cpu_map {
  int64_t inputs;        /* m; 0: there is no map, sweeps over the factor are cheaper */
  int64_t outputs;       /* N = T n */
  int64_t part[3];       /* how many inputs are rhs, initial, final values */
  void *numbers;         /* [m][N] */
  void *units[3];        /* [m][part] unit inputs */
  void *padded[4];       /* a block of systems: inputs by part, outputs */
  neurlp_status *status; /* [m] */
} cpu_map;

typedef struct cpu_state {
  neurlp_context *context;
  const neurlp_problem *problem;
  const neurlp_kernels *kernels;
  int32_t threads;
  size_t thread_bytes; /* workspace of one thread */
  unsigned char *workspace;
  /* Where all systems have one factor: its workspace, and the left-hand side that prepare was given. */
  unsigned char *factor;
  void *coefficients, *steps;
  unsigned char *passing; /* the factor of a call that gives its own left-hand side */
  cpu_map map;
  /* Sums over systems of gradients, a copy for each shard; NULL for arrays that are not shared. */
  int32_t shards;
  void *sums[NEURLP_ARRAY_INPUTS];
} cpu_state;

/* Runs a kernel over all tiles of the job's inputs. */
void neurlp_run_tiles_cpu(const cpu_state *cpu, void (*kernel)(const neurlp_tile_job *),
                          const neurlp_tile_job *prototype);

/* Sets the map's sizes, after which its bytes are known; allocates it; makes it from the factor that is kept,
 * with the status of the first solution that fails; frees it. */
void neurlp_map_plan_cpu(cpu_map *map, const neurlp_problem *problem);
size_t neurlp_map_bytes_cpu(const cpu_map *map, const neurlp_problem *problem);
neurlp_status neurlp_map_create_cpu(cpu_state *cpu);
neurlp_status neurlp_map_make_cpu(cpu_state *cpu, const neurlp_inputs *left);
void neurlp_map_destroy_cpu(cpu_state *cpu);

/* solution = inputs times map; the transposed product. Every status is written. */
void neurlp_map_solve_cpu(cpu_state *cpu, const neurlp_inputs *inputs, void *solution,
                          neurlp_status *statuses);
void neurlp_map_adjoint_cpu(cpu_state *cpu, int64_t systems, const void *grad_output,
                            const neurlp_gradients *gradients, neurlp_status *statuses);

#endif
