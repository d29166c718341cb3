/* What the backend cuda plans: chunks of systems, threads, memory, cuts of time; no device is needed. */
#include "cuda/block/plan.h"
#include "support/check.h"

#include <stdlib.h>

static neurlp_context *context;

static neurlp_problem *problem_of(neurlp_shape shape) {
  const neurlp_formulation formulation = neurlp_formulation_default();
  neurlp_problem *problem = NULL;
  if (neurlp_problem_create(context, &shape, &formulation, &problem) < 0) {
    printf("%s\n", neurlp_context_message(context));
    exit(1);
  }
  return problem;
}

static neurlp_shape shape_of(int64_t systems, int32_t steps) {
  return (neurlp_shape){.systems = systems,
                        .steps = steps,
                        .dimensions = 1,
                        .order = 2,
                        .equations = 1,
                        .initial_steps = 1,
                        .initial_derivatives = 1,
                        .columns = 1};
}

static cuda_plan plan_of(neurlp_shape shape, int64_t threads, size_t limit) {
  neurlp_problem *problem = problem_of(shape);
  cuda_plan plan;
  neurlp_plan_cuda(&plan, problem, neurlp_cuda_kernels_of(shape.precision), threads, CUDA_COPIED, limit);
  neurlp_problem_destroy(&problem);
  return plan;
}

static const size_t GIB = (size_t)1 << 30;

/* The plan keeps within the limit if it can, and says so if it cannot. */
static void test_limits(void) {
  const cuda_plan large = plan_of(shape_of(1000000, 50), 33792, 60 * GIB);
  check_true("a million systems fit into 60 GiB", large.device_bytes <= 60 * GIB);
  check_true("a million systems go through in chunks", large.chunk < 1000000 && large.chunk % 32 == 0);
  check_true("a chunk is worth the device's threads", large.chunk >= 33792);
  const cuda_plan small = plan_of(shape_of(1000000, 50), 33792, GIB / 4);
  check_true("and into a quarter of a GiB", small.device_bytes <= GIB / 4);
  check_true("by fewer at a time", small.chunk < large.chunk && small.threads < large.threads);
  const cuda_plan none = plan_of(shape_of(1000, 100000), 33792, GIB / 100);
  check_true("what cannot fit needs more than the limit", none.device_bytes > GIB / 100);
  check_equal("for one group of systems", none.chunk, 32);
}

/* Threads are whole groups, no more than systems ask for, and evenly loaded. */
static void test_threads(void) {
  for (int64_t systems = 1; systems < 200000; systems = systems * 3 + 1) {
    const cuda_plan plan = plan_of(shape_of(systems, 50), 33792, 60 * GIB);
    const int64_t rounds = (plan.chunk + plan.threads - 1) / plan.threads;
    const bool whole = plan.threads % 32 == 0 && plan.threads <= 33792;
    const bool even = plan.threads * rounds - plan.chunk < 32 * rounds;
    if (!whole || !even)
      printf("systems %lld: chunk %lld, threads %lld\n", (long long)systems, (long long)plan.chunk,
             (long long)plan.threads);
    check_true("threads are whole groups and even", whole && even);
    check_true("a small batch is one chunk", systems > 33792 || plan.chunk == systems);
  }
}

/* No two arrays that are there at the same time share a byte of a room. */
static void test_rooms(void) {
  const cuda_plan plan = plan_of(shape_of(1000, 50), 64, GIB);
  const int32_t common[] = {0, 1, 2, 3, 4, CUDA_SOLUTION, CUDA_LENGTHS, CUDA_STATUS};
  for (int32_t role = 0; role < CUDA_ROLES; role++)
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
      const cuda_extent *a = &plan.extents[role], *b = &plan.extents[common[i]];
      const size_t chunk = (size_t)plan.chunk;
      if (role == common[i] || a->system == 0 || b->system == 0) continue;
      check_true("arrays are apart",
                 a->offset + a->system * chunk <= b->offset || b->offset + b->system * chunk <= a->offset);
      check_true("arrays are in the room", a->offset + a->system * chunk <= plan.room_bytes);
    }
}

/* Few, long systems are cut, so that all threads have something to do; many, or short ones, are not. */
static void test_cuts(void) {
  const struct {
    int64_t systems;
    int32_t steps;
    bool cut;
  } cases[] = {
      {1, 1000000, true}, {1, 100, false}, {1000, 10000, true}, {1000000, 50, false}, {100000, 1000, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    neurlp_problem *problem = problem_of(shape_of(cases[i].systems, cases[i].steps));
    cuda_cut cut;
    neurlp_cut_plan_cuda(&cut, problem, neurlp_cuda_kernels_of(NEURLP_DOUBLE), 33792);
    printf("     %lld systems of %d steps: pieces of %d intervals, %lld of each, %d levels\n",
           (long long)cases[i].systems, cases[i].steps, cut.plan.intervals, (long long)cut.plan.most,
           cut.levels);
    check_equal("whether time is cut", cut.plan.intervals > 0, cases[i].cut);
    if (cases[i].cut) {
      check_true("most threads have a piece",
                 cases[i].systems * cut.plan.most * 2 >= 33792 || cut.plan.intervals == 32);
      int64_t own = cut.plan.most;
      for (int32_t l = 1; l < cut.levels; l++) own = (own + CUDA_RUN - 1) / CUDA_RUN;
      check_true("a short chain is left", own <= CUDA_RUN);
    }
    neurlp_problem_destroy(&problem);
  }
}

int main(void) {
  if (neurlp_context_create(1, &context) < 0) return 1;
  test_limits();
  test_threads();
  test_rooms();
  test_cuts();
  neurlp_context_destroy(&context);
  return check_verdict();
}
