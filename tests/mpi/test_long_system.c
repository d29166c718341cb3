/* One system whose time is divided over 1 to 5 ranks: bit for bit what one process gives (neurlp_solver_solve
 * and _adjoint), and right by the dense oracle of tests/block; every step written once; messages and bytes as
 * many as a formula says; failures of the system, of reading, and of writing reach every rank.
 *
 * Run on 5 ranks: smaller numbers are communicators of some of them. */
#include "block/compare.h"
#include "comm.h"
#include "long_batch.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static int world_rank, world_size;

typedef struct test_task {
  const char *name;
  bool taylor, soft;
  neurlp_shape shape;
  int32_t kappa;
  double step;
} test_task;

#define SHAPE(T, D, d, E, K, J, R)                                                                           \
  .systems = 1, .steps = T, .dimensions = D, .order = d, .equations = E, .initial_steps = K,                 \
  .initial_derivatives = J, .columns = R

static const test_task tasks[] = {
    {"hermite", false, false, {SHAPE(200, 1, 2, 1, 1, 1, 1)}, 1, 0.05},
    {"hermite, soft", false, true, {SHAPE(121, 1, 1, 1, 1, 1, 1)}, 1, 0.1},
    {"hermite, kappa 2", false, false, {SHAPE(160, 1, 3, 1, 1, 2, 1), .steps_per_dimension = true}, 2, 0.1},
    {"hermite, two dimensions",
     false,
     true,
     {SHAPE(48, 2, 2, 2, 2, 2, 3), .steps_per_dimension = true},
     1,
     0.1},
    {"hermite, three equations", false, false, {SHAPE(60, 2, 2, 3, 1, 1, 1)}, 1, 0.1},
    {"taylor", true, false, {SHAPE(100, 1, 2, 1, 1, 1, 1)}, 1, 0.1},
    {"taylor, soft", true, true, {SHAPE(64, 1, 3, 1, 1, 2, 2)}, 2, 0.2},
    {"values at many steps", false, false, {SHAPE(60, 1, 2, 1, 41, 1, 1)}, 1, 0.1},
    {"constant coefficients",
     false,
     false,
     {SHAPE(90, 1, 2, 1, 1, 1, 1), .coefficients_sharing = NEURLP_CONSTANT},
     1,
     0.1},
    {"all constant",
     true,
     true,
     {SHAPE(70, 2, 2, 2, 1, 2, 1), .coefficients_sharing = NEURLP_CONSTANT, .rhs_sharing = NEURLP_CONSTANT,
      .steps_sharing = NEURLP_CONSTANT},
     1,
     0.1},
    {"single", false, true, {SHAPE(60, 1, 2, 1, 1, 1, 1), .precision = NEURLP_SINGLE}, 1, 0.1},
    {"single, constant steps",
     true,
     false,
     {SHAPE(60, 1, 2, 1, 1, 1, 2), .precision = NEURLP_SINGLE, .steps_sharing = NEURLP_CONSTANT},
     1,
     0.1},
    {"two-point", false, false, {SHAPE(70, 1, 3, 1, 1, 1, 1), .final_derivatives = 1}, 2, 0.05},
    {"two-point, soft", true, true, {SHAPE(30, 2, 2, 2, 1, 2, 2), .final_derivatives = 2}, 2, 0.1},
    {"two-point, single",
     false,
     false,
     {SHAPE(40, 1, 2, 1, 1, 1, 2), .final_derivatives = 1, .precision = NEURLP_SINGLE,
      .rhs_sharing = NEURLP_CONSTANT},
     2,
     0.1},
    {"values at the end alone", false, false, {SHAPE(40, 2, 2, 2, 0, 0, 1), .final_derivatives = 2}, 1, 0.1},
    {"short", false, false, {SHAPE(6, 1, 2, 1, 1, 1, 1)}, 1, 0.1}};

enum { TASKS = sizeof tasks / sizeof *tasks, SIZES = 4 };

static test_case case_of(const test_task *task) {
  test_case drawn = {.shape = task->shape};
  drawn.formulation = task->taylor ? neurlp_formulation_smnn() : neurlp_formulation_default();
  drawn.formulation.initial = task->soft ? NEURLP_INITIAL_SOFT : NEURLP_INITIAL_HARD;
  drawn.formulation.nominal_step = task->step;
  drawn.formulation.leading_derivative = task->kappa;
  return drawn;
}

/* The first `ranks` ranks; MPI_COMM_NULL on the others. */
static MPI_Comm split(int ranks) {
  MPI_Comm comm = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, world_rank < ranks ? 0 : MPI_UNDEFINED, world_rank, &comm);
  return comm;
}

/* ---- what is written --------------------------------------------------------------------------------- */

enum { OUTPUTS = ARRAYS + 1 };

static int64_t output_of(const test_batch *batch, int32_t i, double **numbers) {
  *numbers = i < ARRAYS ? batch->arrays[i].gradient : batch->solution;
  return i < ARRAYS ? batch_count(&batch->arrays[i]) : batch->size_solution;
}

/* Numbers that differ in any bit; every NaN is like every other. */
static int64_t differing(const test_batch *batch, double *const kept[OUTPUTS]) {
  int64_t differ = 0;
  for (int32_t i = 0; i < OUTPUTS; i++) {
    double *numbers;
    const int64_t count = output_of(batch, i, &numbers);
    for (int64_t p = 0; p < count; p++)
      differ +=
          memcmp(&numbers[p], &kept[i][p], sizeof *numbers) != 0 && !(isnan(numbers[p]) && isnan(kept[i][p]));
  }
  return differ;
}

static void keep(const test_batch *batch, double *kept[OUTPUTS]) {
  for (int32_t i = 0; i < OUTPUTS; i++) {
    double *numbers;
    const int64_t count = output_of(batch, i, &numbers);
    kept[i] = malloc((size_t)(count + 1) * sizeof(double));
    for (int64_t p = 0; p < count; p++) kept[i][p] = numbers[p];
  }
}

static void drop(double *kept[OUTPUTS]) {
  for (int32_t i = 0; i < OUTPUTS; i++) free(kept[i]);
}

/* ---- messages ---------------------------------------------------------------------------------------- */

/* The rank that owns a node, counted out. */
static int owner(int64_t node, int64_t nodes, int size) {
  for (int r = 0; r < size; r++) {
    int64_t first = 0, owned = 0;
    neurlp_partition(nodes, r, size, &first, &owned);
    if (node >= first && node < first + owned) return r;
  }
  return -1;
}

/* Messages of all ranks: at each node of the tree that several ranks share, every rank below one half that is
 * not below the other gets that one's. */
static int64_t messages_of(int64_t first, int64_t end, int64_t nodes, int size) {
  if (end - first < 2 || owner(first, nodes, size) == owner(end - 1, nodes, size)) return 0;
  const int64_t middle = (first + end) / 2;
  const int a = owner(first, nodes, size), b = owner(middle - 1, nodes, size), c = owner(middle, nodes, size),
            d = owner(end - 1, nodes, size), shared = b == c;
  return (b - a + 1 - shared) + (d - c + 1 - shared) + messages_of(first, middle, nodes, size) +
         messages_of(middle, end, nodes, size);
}

/* Nodes that are dealt out: as the header says. */
static int64_t nodes_of(int size, int64_t pieces) {
  const int64_t least = size == 1 || size == 2 || size == 4 ? size : 8 * size;
  int64_t nodes = 1;
  while (nodes < least && 2 * nodes <= pieces) nodes *= 2;
  return nodes;
}

/* What all ranks have sent in joins and sums, against the formula; 0 if it is right. */
static int64_t wrong_traffic(MPI_Comm comm, int size, const test_batch *batch, const long_answer *answer) {
  const int64_t n = batch->shape.dimensions * (batch->shape.order + 1), R = batch->shape.columns,
                record = n * (2 * n + R) + n * (n + R) + 2 * n + 1;
  const int64_t nodes = nodes_of(size, answer->pieces);
  const int64_t once = messages_of(0, nodes, nodes, size) + (size > nodes ? size - nodes : 0);
  int64_t sent[3] = {answer->solve.messages, answer->solve.bytes, answer->adjoint.messages};
  MPI_Allreduce(MPI_IN_PLACE, sent, 3, MPI_INT64_T, MPI_SUM, comm);
  const bool sums =
      ((batch->shape.coefficients_sharing | batch->shape.rhs_sharing | batch->shape.steps_sharing) &
       NEURLP_CONSTANT) != 0;
  int64_t wrong = (sent[0] != once) + (sent[1] != once * record * 8) + (sent[2] != once * (1 + sums));
  /* a power of two of ranks: log2 P messages of each */
  if ((size == 2 || size == 4) && answer->pieces >= size) wrong += answer->solve.messages != size / 2;
  return wrong;
}

/* ---- right numbers ----------------------------------------------------------------------------------- */

typedef struct tally {
  int64_t runs, differ, call, status, written, traffic;
} tally;

/* One batch on so many ranks. */
static void run_ranks(tally *t, test_batch *batch, int ranks, int64_t slab_bytes, double *kept[OUTPUTS]) {
  MPI_Comm comm = split(ranks);
  if (comm == MPI_COMM_NULL) return;
  const long_answer answer = long_batch_run(comm, batch, 1, slab_bytes, NULL);
  t->runs++;
  t->call += answer.call != NEURLP_SUCCESS;
  t->status += answer.status != NEURLP_SUCCESS;
  t->differ += differing(batch, kept);
  t->written += answer.written_wrongly;
  t->traffic += wrong_traffic(comm, ranks, batch, &answer);
  MPI_Comm_free(&comm);
}

static void check_tally(const char *name, const tally *t) {
  static const char *const what[] = {"calls that failed", "systems that failed",
                                     "numbers that differ from one process", "steps not written once",
                                     "messages or bytes not as foretold"};
  int64_t all[6] = {t->call, t->status, t->differ, t->written, t->traffic, t->runs};
  MPI_Allreduce(MPI_IN_PLACE, all, 6, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  for (int i = 0; i < 5 && world_rank == 0; i++) {
    char line[120];
    snprintf(line, sizeof line, "%s: %s, of %lld runs of ranks", name, what[i], (long long)all[5]);
    check_equal(line, all[i], 0);
  }
}

static void run_task(int32_t index) {
  const test_task *task = &tasks[index];
  const test_case drawn = case_of(task);
  const int32_t sizes[SIZES] = {1, 3, 16, drawn.shape.steps / 2};
  ratio_table ratios = {0};
  tally t = {0};
  test_batch batch;
  batch_open(&batch, &drawn, 8000 + (uint64_t)index);
  dense_system *dense = world_rank == 0 ? compare_open(&batch) : NULL;
  for (int32_t i = 0; i < SIZES; i++) {
    double *kept[OUTPUTS];
    if (sizes[i] > drawn.shape.steps - 1 - drawn.shape.initial_steps) continue;
    batch.shape.piece_intervals = sizes[i];
    t.call += batch_run(&batch, 1, BATCH_ADJOINT) != NEURLP_SUCCESS;
    keep(&batch, kept);
    for (int ranks = 1; ranks <= world_size; ranks++)
      run_ranks(&t, &batch, ranks, (i + ranks) % 2 ? 3000 : 0, kept);
    if (world_rank == 0) compare_batch(&ratios, &batch, dense, (uint64_t)index, BATCH_ADJOINT);
    drop(kept);
  }
  check_tally(task->name, &t);
  double worst = 0;
  for (int32_t i = 0; i < QUANTITIES; i++) worst = worse(worst, ratios.worst[i]);
  if (world_rank == 0) {
    check_below("  error over bound of the dense oracle, all quantities", worst, 1.0);
    check_above("  systems that are compared", (double)ratios.compared, 1);
  }
  if (dense) compare_close(dense, batch.shape.systems);
  batch_close(&batch);
}

/* ---- failures ---------------------------------------------------------------------------------------- */

/* What is done to a batch, and what must come of it. */
typedef struct spoiled {
  const char *name;
  int32_t array; /* or SOLUTION: grad_output */
  int64_t place;
  double value;
  neurlp_status status;
  bool solution; /* whether that is there */
  int64_t again; /* whether slabs are written twice */
} spoiled;

static void run_spoiled(const spoiled *s) {
  const test_case drawn = case_of(&tasks[0]);
  const neurlp_status expected = s->status;
  char line[120];
  test_batch batch;
  batch_open(&batch, &drawn, 8100);
  batch.shape.piece_intervals = 7;
  if (s->array == SOLUTION)
    batch.grad_output[s->place] = s->value;
  else
    batch.arrays[s->array].numbers[s->place] = s->value;
  double *kept[OUTPUTS];
  batch_run(&batch, 1, BATCH_ADJOINT);
  const neurlp_status alone = batch.status[0];
  keep(&batch, kept);
  int64_t wrong = 0, differ = 0, again = 0, numbers = 0;
  for (int ranks = 1; ranks <= world_size; ranks++) {
    MPI_Comm comm = split(ranks);
    if (comm == MPI_COMM_NULL) continue;
    const long_answer answer = long_batch_run(comm, &batch, 1, 3000, NULL);
    wrong += answer.call != NEURLP_SUCCESS || answer.status != expected;
    differ += differing(&batch, kept);
    again += answer.again > 0;
    for (int64_t i = 0; i < batch.size_solution; i++) numbers += isfinite(batch.solution[i]) != 0;
    MPI_Comm_free(&comm);
  }
  int64_t all[4] = {wrong, differ, again > 0, numbers > 0};
  MPI_Allreduce(MPI_IN_PLACE, all, 4, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  if (world_rank == 0) {
    snprintf(line, sizeof line, "%s: status of one process", s->name);
    check_equal(line, alone, expected);
    check_equal("  ranks with another status", all[0], 0);
    check_equal("  numbers that differ from one process", all[1], 0);
    check_equal("  whether slabs were written again", all[2] > 0, s->again);
    check_equal("  whether there is a solution", all[3] > 0, s->solution);
  }
  drop(kept);
  batch_close(&batch);
}

static void run_failures(void) {
  const spoiled all[] = {
      {"a coefficient that is NaN", COEFFICIENTS, 301, NAN, NEURLP_NOT_FINITE, false, 0},
      {"a right-hand side that is NaN", RHS, 150, NAN, NEURLP_NOT_FINITE, false, 0},
      {"a step of 0", STEPS, 120, 0, NEURLP_SINGULAR, false, 0},
      {"a negative step in the first piece", STEPS, 1, -0.1, NEURLP_SINGULAR, false, 0},
      {"an initial value that is infinite", INITIAL_VALUES, 0, INFINITY, NEURLP_NOT_FINITE, false, 0},
      {"grad_output that is NaN", SOLUTION, 333, NAN, NEURLP_NOT_FINITE, true, 0},
      {"grad_output of a given value that is NaN", SOLUTION, 0, NAN, NEURLP_NOT_FINITE, true, 1},
      {"a right-hand side whose solution is too large", RHS, 150, 1e308, NEURLP_NOT_FINITE, false, 1}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) run_spoiled(&all[i]);
}

/* A call that fails on one rank ends all of them, with the same status. */
static void run_fault(const char *name, const long_fault *fault) {
  const test_case drawn = case_of(&tasks[0]);
  test_batch batch;
  batch_open(&batch, &drawn, 8200);
  batch.shape.piece_intervals = 7;
  const long_answer answer = long_batch_run(MPI_COMM_WORLD, &batch, 1, 3000, fault);
  int64_t wrong = answer.call != NEURLP_ERROR_IO;
  MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  if (world_rank == 0) check_equal(name, wrong, 0);
  batch_close(&batch);
}

/* Rows that pieces cannot have, and systems that are too short to be cut. */
static void run_refusals(void) {
  const struct {
    const char *name;
    bool taylor, central, periodic;
    int32_t intervals;
  } all[] = {{"central rows are refused", true, true, false, 7},
             {"periodic rows are refused", false, false, true, 7},
             {"a short system is refused", false, false, false, 0}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    test_case drawn = case_of(&tasks[all[i].taylor ? 5 : 0]);
    test_batch batch;
    drawn.formulation.central = all[i].central;
    drawn.formulation.periodic = all[i].periodic;
    batch_open(&batch, &drawn, 8300);
    batch.shape.piece_intervals = all[i].intervals;
    const long_answer answer = long_batch_run(MPI_COMM_WORLD, &batch, 1, 0, NULL);
    int64_t wrong = answer.call != NEURLP_ERROR_ARGUMENT;
    MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    if (world_rank == 0) check_equal(all[i].name, wrong, 0);
    batch_close(&batch);
  }
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &world_rank);
  MPI_Comm_size(MPI_COMM_WORLD, &world_size);
  for (int32_t i = 0; i < TASKS; i++) run_task(i);
  run_failures();
  run_fault("reading that fails on one rank, first pass", &(long_fault){.read = 2, .rank = world_size - 1});
  run_fault("reading that fails on one rank, second pass", &(long_fault){.read = 4, .rank = 0});
  run_fault("writing that fails on one rank", &(long_fault){.write = 1, .rank = world_size - 1});
  run_refusals();
  int verdict = world_rank == 0 ? check_verdict() : 0;
  MPI_Bcast(&verdict, 1, MPI_INT, 0, MPI_COMM_WORLD);
  MPI_Finalize();
  return verdict;
}
