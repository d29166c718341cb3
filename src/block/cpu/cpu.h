/* The inside of the backend cpu: its state, and loops over tiles. */
#ifndef NEURLP_BLOCK_CPU_H
#define NEURLP_BLOCK_CPU_H

#include "block/arrays.h"
#include "block/backend.h"
#include "block/cpu/kernels.h"
#include "block/pieces.h"
#include "block/product_map.h"
#include "block/tree.h"

/* Row i of `numbers` is the solution to unit input i (product_map.h). */
typedef struct cpu_map {
  neurlp_map_sizes sizes;
  void *numbers;         /* [m][N] */
  void *units[3];        /* [m][part] unit inputs */
  void *padded[4];       /* a block of systems: inputs by part, outputs */
  neurlp_status *status; /* [m] */
} cpu_map;

/* Where time is cut (docs/math.md, section 2). */
typedef struct cpu_cut {
  neurlp_cut plan;
  neurlp_piece *pieces;  /* [S + S most] */
  neurlp_status *status; /* one for each */
  double *ends;          /* [S + S most][numbers of an end] */
  double *merged;        /* where factors are kept, and ends with them: a copy that is merged; else NULL */
  double *joints;        /* [S + S most][n][R] */
  double *kept;          /* [S most][numbers that are kept of a joint] */
  double *merging;       /* workspace of each thread for that */
  double *zeros;         /* [n][R] */
  void *parts;           /* [S + S most][part_numbers] gradients that are constant in time */
  /* Of final values: what tree.h takes of each system, values, or changes of them, and gradients. */
  neurlp_tree_given *given;               /* [S]; NULL: there are none, nor what follows */
  double *given_values, *given_gradients; /* [S][D][JF][R] */
  /* Then systems that are not cut are swept by themselves, as their final values are part of that: heads in
   * the order of what is kept of them, those of systems that are cut first, and where each system's is. */
  neurlp_piece *order; /* [S] */
  int64_t *place;      /* [S] */
} cpu_cut;

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
  unsigned char *store;   /* the factors of all tiles of the last solve, or NULL */
  cpu_map map;
  cpu_cut cut;
  /* Sums over systems of gradients, a copy for each shard; NULL for arrays that are not shared. */
  int32_t shards;
  void *sums[NEURLP_ARRAY_INPUTS];
} cpu_state;

/* Sets threads, no more than so many tiles, and bytes of workspace for each. */
void neurlp_threads_plan_cpu(cpu_state *cpu, int64_t tiles);

typedef void (*cpu_kernel)(const neurlp_tile_job *);

/* The most jobs that are run at once: first pieces of systems, systems that are whole, and other pieces. */
enum { CPU_JOBS = 3 };

/* Runs a kernel over all tiles of some jobs, each with `first` where its tiles begin: all systems, or pieces.
 */
void neurlp_run_tiles_cpu(const cpu_state *cpu, cpu_kernel kernel, const neurlp_tile_job *jobs,
                          int32_t count);

/* Tiles that so many systems or pieces take. */
int64_t neurlp_tiles_of_cpu(const cpu_state *cpu, int64_t items);

/* Tile i of them, in the calling thread's workspace, and how many there are. */
void neurlp_run_tile_cpu(const cpu_state *cpu, cpu_kernel kernel, const neurlp_tile_job *jobs, int32_t count,
                         int64_t i);
int64_t neurlp_count_tiles_cpu(const cpu_state *cpu, const neurlp_tile_job *jobs, int32_t count);

/* The array of each gradient, in the order of neurlp_array. */
void neurlp_list_gradients_cpu(const neurlp_gradients *gradients, void *list[NEURLP_ARRAY_INPUTS]);

/* Bytes of an input that all systems share; 0 if they do not. */
size_t neurlp_shared_bytes_cpu(const neurlp_problem *problem, neurlp_array array);

/* numbers = NaN, in the precision of the caller's arrays. */
void neurlp_fill_undefined_cpu(const neurlp_problem *problem, void *array, int64_t numbers);

/* Room for sums of gradients over systems; runs adjoints, with those sums if any are wanted. */
size_t neurlp_sums_bytes_cpu(const neurlp_problem *problem, int64_t tiles);
neurlp_status neurlp_sums_create_cpu(cpu_state *cpu, int64_t tiles);
void neurlp_sums_destroy_cpu(cpu_state *cpu);
void neurlp_run_adjoint_cpu(const cpu_state *cpu, const neurlp_tile_job *jobs, int32_t count);

/* Plans how time is cut; allocates for that; frees it. */
void neurlp_cut_plan_cpu(cpu_cut *cut, const neurlp_problem *problem);
size_t neurlp_cut_bytes_cpu(const cpu_cut *cut, const neurlp_problem *problem, int32_t threads);
neurlp_status neurlp_cut_create_cpu(cpu_state *cpu);
void neurlp_cut_destroy_cpu(cpu_state *cpu);

/* What is in a pass: first pieces of systems, whole systems that are apart from these, other pieces. */
typedef struct cpu_counts {
  int64_t heads, whole, pieces;
} cpu_counts;

/* One pass over the pieces that cut->pieces lists. The first pass writes cut->ends, the second one reads
 * cut->joints; both read and write cut->status. */
void neurlp_cut_pass_cpu(cpu_state *cpu, cpu_kernel kernel, const neurlp_tile_job *job, cpu_counts counts,
                         bool first_pass);

/* Where the end, the status and the parts of a system's head are. */
static inline int64_t neurlp_cut_place_cpu(const cpu_cut *cut, int64_t system) {
  return cut->place ? cut->place[system] : system;
}

/* Solves for the joints of all systems of a call, `count` pieces beside their heads, from cut->ends, with
 * final values as cut->given has them. A failure is given to all pieces of its system. */
void neurlp_solve_joints_cpu(cpu_state *cpu, int64_t systems, int64_t count, bool normal);

/* Does what the job says for all systems, in pieces of time. */
void neurlp_run_cut_cpu(cpu_state *cpu, cpu_kernel kernel, const neurlp_tile_job *job);

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
