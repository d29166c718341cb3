/* The kernels for one instruction set and precision, and for sizes that are common. NEURLP_KERNELS is the
 * name of their table. */
#include "block/adjoint.h"
#include "block/solve.h"
#include "block/tangent.h"

static sweep_sizes sizes_of(const neurlp_problem *problem) {
  const neurlp_shape *shape = &problem->shape;
  return (sweep_sizes){.dimensions = shape->dimensions,
                       .derivatives = problem->derivatives,
                       .equations = shape->equations,
                       .columns = shape->columns,
                       .twin = problem->twin,
                       .central = problem->central,
                       .slack = problem->slack,
                       .first = problem->first,
                       .final = problem->final,
                       .edge = 1};
}

/* Hermite rows without global unknowns and final values: everything that other formulations need is left out
 * by the compiler. */
NEURLP_INLINE sweep_sizes plain(int32_t dimensions, int32_t derivatives, int32_t equations, int32_t columns) {
  return (sweep_sizes){dimensions, derivatives, equations, columns, .twin = 1, .edge = 1, .fast = 1};
}

static bool is_plain(sweep_sizes z) {
  return z.twin == 1 && !z.central && !z.slack && !z.first && !z.final;
}

/* X(D, d+1): the sizes for which loops over unknowns have constant bounds. One equation for each dimension
 * and one right-hand side are constant too. Instruction sets that are there for old machines do without. */
#ifdef NEURLP_COMMON_SIZES
#define COMMON_SIZES(X) X(1, 3) X(1, 4) X(1, 5) X(2, 3) X(3, 3)
#else
#define COMMON_SIZES(X)
#endif

#define DEFINE_COMMON(D, derivatives)                                                                        \
  static void solve_##D##_##derivatives(const neurlp_tile_job *job) {                                        \
    solve_tile(job, plain(D, derivatives, D, 1));                                                            \
  }                                                                                                          \
  static void adjoint_##D##_##derivatives(const neurlp_tile_job *job) {                                      \
    adjoint_tile(job, plain(D, derivatives, D, 1));                                                          \
  }
COMMON_SIZES(DEFINE_COMMON)

static void solve_plain(const neurlp_tile_job *job) {
  const sweep_sizes z = sizes_of(job->problem);
  solve_tile(job, plain(z.dimensions, z.derivatives, z.equations, z.columns));
}

static void adjoint_plain(const neurlp_tile_job *job) {
  const sweep_sizes z = sizes_of(job->problem);
  adjoint_tile(job, plain(z.dimensions, z.derivatives, z.equations, z.columns));
}

static bool same(sweep_sizes z, int32_t dimensions, int32_t derivatives) {
  return z.dimensions == dimensions && z.derivatives == derivatives && z.equations == dimensions &&
         z.columns == 1 && is_plain(z);
}

static void solve(const neurlp_tile_job *job) {
  const sweep_sizes z = sizes_of(job->problem);
#define CALL_SOLVE(D, derivatives)                                                                           \
  if (same(z, D, derivatives)) {                                                                             \
    solve_##D##_##derivatives(job);                                                                          \
    return;                                                                                                  \
  }
  COMMON_SIZES(CALL_SOLVE)
  if (is_plain(z))
    solve_plain(job);
  else
    solve_tile(job, z);
}

static void adjoint(const neurlp_tile_job *job) {
  const sweep_sizes z = sizes_of(job->problem);
#define CALL_ADJOINT(D, derivatives)                                                                         \
  if (same(z, D, derivatives)) {                                                                             \
    adjoint_##D##_##derivatives(job);                                                                        \
    return;                                                                                                  \
  }
  COMMON_SIZES(CALL_ADJOINT)
  if (is_plain(z))
    adjoint_plain(job);
  else
    adjoint_tile(job, z);
}

static void factorise(const neurlp_tile_job *job) {
  factorise_tile(job, sizes_of(job->problem));
}

static void tangent(const neurlp_tile_job *job) {
  tangent_tile(job, sizes_of(job->problem));
}

static void slack(const neurlp_tile_job *job) {
  slack_tile(job, sizes_of(job->problem));
}

static size_t workspace_bytes(const neurlp_problem *problem) {
  return (size_t)tile_outer(problem) * sizeof(wide) + (size_t)tile_inner(problem) * sizeof(lanes);
}

const neurlp_kernels *NEURLP_KERNELS(void);

const neurlp_kernels *NEURLP_KERNELS(void) {
  static const neurlp_kernels kernels = {NEURLP_ISA, LANES,   workspace_bytes, factorise,
                                         solve,      adjoint, tangent,         slack};
  return &kernels;
}
