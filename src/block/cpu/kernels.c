/* The kernels for one instruction set and precision, and for sizes that are common. NEURLP_KERNELS is the
 * name of their table. */
#include "block/cpu/kernels.h"
#include "block/sweep/adjoint.h"
#include "block/sweep/solve.h"
#include "block/sweep/tangent.h"
#include "block/sweep/variants.h"

/* X(D, d+1): the sizes for which loops over unknowns have constant bounds, and are unrolled. One equation for
 * each dimension and one right-hand side are constant too. With more unknowns that gains nothing. Instruction
 * sets that are there for old machines do without, as sanitizers and builds without optimisation do. */
#if !defined(__AVX2__) || defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
#define COMMON_SIZES(X)
#elif defined(NEURLP_KERNEL_MIXED)
#define COMMON_SIZES(X) X(1, 3) X(1, 4)
#else
#define COMMON_SIZES(X) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(2, 3)
#endif

#define DEFINE_COMMON(D, derivatives)                                                                        \
  static void solve_##D##_##derivatives(const neurlp_tile_job *job) {                                        \
    solve_tile(job, plain(D, derivatives, D, 1), sweep_factorise);                                           \
  }                                                                                                          \
  static void adjoint_##D##_##derivatives(const neurlp_tile_job *job) {                                      \
    adjoint_tile(job, plain(D, derivatives, D, 1), sweep_factorise);                                         \
  }
COMMON_SIZES(DEFINE_COMMON)

/* Sizes that are known when the program runs: one copy of the sweep for all kernels, and one that knows it
 * has nothing but hermite rows. */
static __attribute__((noinline)) void factorise_any(neurlp_tile *tile, sweep_sizes z, int32_t columns) {
  sweep_factorise(tile, z, columns);
}

static __attribute__((noinline)) void factorise_plain(neurlp_tile *tile, sweep_sizes z, int32_t columns) {
  sweep_factorise(tile, plain(z.dimensions, z.derivatives, z.equations, z.columns), columns);
}

static __attribute__((noinline)) void factorise_piece(neurlp_tile *tile, sweep_sizes z, int32_t columns) {
  if (same_piece(z, 1, 3))
    sweep_factorise(tile, plain_piece(1, 3, 1, 1), columns);
  else
    sweep_factorise(tile, plain_piece(z.dimensions, z.derivatives, z.equations, z.columns), columns);
}

static sweep_function factorise_for(sweep_sizes z) {
  if (is_plain_piece(z)) return factorise_piece;
  return is_plain(z) ? factorise_plain : factorise_any;
}

static void solve(const neurlp_tile_job *job) {
  const sweep_sizes z = sizes_of(job->problem);
#define CALL_SOLVE(D, derivatives)                                                                           \
  if (same(z, D, derivatives)) {                                                                             \
    solve_##D##_##derivatives(job);                                                                          \
    return;                                                                                                  \
  }
  COMMON_SIZES(CALL_SOLVE)
  solve_tile(job, z, factorise_for(z));
}

static void adjoint(const neurlp_tile_job *job) {
  const sweep_sizes z = sizes_of(job->problem);
#define CALL_ADJOINT(D, derivatives)                                                                         \
  if (same(z, D, derivatives)) {                                                                             \
    adjoint_##D##_##derivatives(job);                                                                        \
    return;                                                                                                  \
  }
  COMMON_SIZES(CALL_ADJOINT)
  adjoint_tile(job, z, factorise_for(z));
}

static void factorise(const neurlp_tile_job *job) {
  const sweep_sizes z = sizes_of(job->problem);
  factorise_tile(job, z, factorise_for(z));
}

static void tangent(const neurlp_tile_job *job) {
  const sweep_sizes z = sizes_of(job->problem);
  tangent_tile(job, z, factorise_for(z));
}

static void slack(const neurlp_tile_job *job) {
  slack_tile(job, sizes_of(job->problem));
}

#define TEXT_(a) #a
#define TEXT(a)  TEXT_(a)

static size_t workspace_bytes(const neurlp_problem *problem) {
  return (size_t)tile_outer(problem) * sizeof(wide) + (size_t)tile_inner(problem) * sizeof(lanes);
}

static size_t store_bytes(const neurlp_problem *problem, bool cut) {
  return tile_store_bytes(problem, cut);
}

const neurlp_kernels *NEURLP_KERNELS(void);

const neurlp_kernels *NEURLP_KERNELS(void) {
  static const neurlp_kernels kernels = {
      TEXT(NEURLP_ISA), LANES, workspace_bytes, store_bytes, factorise, solve, adjoint, tangent, slack};
  return &kernels;
}
