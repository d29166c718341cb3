/* Sums over shards on any number of ranks: bit for bit those of the tree, written down as a recursion here;
 * from the host's memory, and from a device's by either transport; failures reach everybody; what was sent is
 * what a formula says. */
#include "comm.h"
#include "learn/shard_sum.h"
#include "pretend.h"
#include "reduce/reduce.h"
#include "support/check.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

static int rank, size;
static neurlp_context *context;

/* Number i of shard s: signs and magnitudes that make the order of a sum show. */
static double number_of(int64_t s, int64_t i) {
  uint64_t x = (uint64_t)(s * 1000003 + i * 7919 + 17) * 0x9e3779b97f4a7c15u;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 32;
  const double unit = (double)(x >> 11) / 9007199254740992.0 - 0.5;
  return ldexp(unit, (int)(x % 30));
}

static double tree_double(int64_t first, int64_t count, int64_t i) {
  if (count == 1) return number_of(first, i);
  const int64_t half = count - count / 2;
  return tree_double(first, half, i) + tree_double(first + half, count / 2, i);
}

static float tree_float(int64_t first, int64_t count, int64_t i) {
  if (count == 1) return (float)number_of(first, i);
  const int64_t half = count - count / 2;
  return tree_float(first, half, i) + tree_float(first + half, count / 2, i);
}

static void set(bool single, void *vector, int64_t i, double value) {
  if (single)
    ((float *)vector)[i] = (float)value;
  else
    ((double *)vector)[i] = value;
}

/* ---- one sum ----------------------------------------------------------------------------------------- */

typedef struct sums {
  neurlp_vectors vectors;
  neurlp_reduce_spec spec;
  neurlp_reduce *reduce;
  neurlp_reducer table;
  void *vector, *sum; /* of the vectors' memory */
  void *staging;
} sums;

static size_t bytes_of(const sums *s) {
  return (size_t)s->spec.count * (s->spec.single ? sizeof(float) : sizeof(double));
}

static void open_sums(sums *s, neurlp_vectors vectors, neurlp_reduce_spec spec) {
  *s = (sums){.vectors = vectors, .spec = spec};
  if (neurlp_reduce_create(MPI_COMM_WORLD, context, &s->vectors, &spec, &s->reduce) < 0 ||
      vectors.allocate(vectors.user, bytes_of(s), &s->vector) < 0 ||
      vectors.allocate(vectors.user, bytes_of(s), &s->sum) < 0 ||
      vectors.allocate_staging(vectors.user, bytes_of(s), &s->staging) < 0) {
    printf("FAIL %s\n", neurlp_context_message(context));
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  s->table = neurlp_reduce_table(s->reduce);
}

static void close_sums(sums *s) {
  s->vectors.release(s->vectors.user, &s->vector);
  s->vectors.release(s->vectors.user, &s->sum);
  s->vectors.release_staging(s->vectors.user, &s->staging);
  neurlp_reduce_destroy(&s->reduce);
}

/* All of a step but its end. `poison`: a shard with a NaN in its first number, or -1. */
static neurlp_status add_shards(sums *s, int64_t poison) {
  const neurlp_vectors *v = &s->vectors;
  neurlp_status status = s->table.begin(s->table.user);
  const int64_t end = s->table.first_shard + s->table.shard_count;
  for (int64_t shard = s->table.first_shard; shard < end && status >= 0; shard++) {
    for (int64_t i = 0; i < s->spec.count; i++) set(s->spec.single, s->staging, i, number_of(shard, i));
    if (shard == poison) set(s->spec.single, s->staging, 0, NAN);
    status = v->copy(v->user, 0, s->vector, s->staging, bytes_of(s));
    if (status >= 0) status = s->table.add(s->table.user, shard, s->vector);
    if (status >= 0) status = v->wait(v->user, 0); /* the staging memory is filled again */
  }
  return status;
}

static neurlp_status sum_up(sums *s, int64_t poison) {
  const neurlp_vectors *v = &s->vectors;
  neurlp_status status = s->table.finish(s->table.user, add_shards(s, poison), s->sum);
  if (status < 0) return status;
  if (v->copy(v->user, 0, s->staging, s->sum, bytes_of(s)) < 0 || v->wait(v->user, 0) < 0)
    return NEURLP_ERROR_DEVICE;
  return status;
}

/* Numbers of the sum, now in the staging memory, that are not those of the tree in all bits. */
static int64_t count_wrong(const sums *s, int64_t first) {
  int64_t wrong = 0;
  for (int64_t i = first; i < s->spec.count; i++) {
    const double d = tree_double(0, s->spec.shards, i);
    const float f = tree_float(0, s->spec.shards, i);
    wrong += s->spec.single ? memcmp(&((float *)s->staging)[i], &f, sizeof f) != 0
                            : memcmp(&((double *)s->staging)[i], &d, sizeof d) != 0;
  }
  return wrong;
}

/* ---- what is checked --------------------------------------------------------------------------------- */

static const int64_t many_shards[] = {1, 2, 3, 4, 5, 7, 12, 60, 64, 100};
enum { SHARDS = sizeof many_shards / sizeof *many_shards };

static void test_equal(const char *what, neurlp_vectors vectors, neurlp_transport transport, size_t every) {
  static const int64_t counts[] = {0, 1, 7, 200}, pieces[] = {0, 3, 30};
  int64_t wrong = 0, numbers = 0;
  for (size_t a = 0; a < SHARDS; a += every)
    for (size_t b = 0; b < sizeof counts / sizeof *counts; b++)
      for (int32_t single = 0; single < 2; single++) {
        sums s;
        open_sums(&s, vectors,
                  (neurlp_reduce_spec){.shards = many_shards[a],
                                       .count = counts[b],
                                       .single = single,
                                       .transport = transport,
                                       .piece = pieces[counts[b] < 30 ? (a + b) % 2 : (a / every) % 2 * 2]});
        for (int32_t again = 0; again < 2; again++, numbers += counts[b])
          wrong += sum_up(&s, -1) == NEURLP_SUCCESS ? count_wrong(&s, 0) : 1 + counts[b];
        close_sums(&s);
      }
  printf("     %s: %lld numbers compared\n", what, (long long)numbers);
  check_equal("numbers that differ from the tree's in some bit", wrong, 0);
}

/* The check above can fail: the order shows in these numbers, in either precision. */
static void test_order_shows(void) {
  int64_t differ[2] = {0, 0};
  for (int64_t i = 0; i < 100; i++) {
    double d = 0;
    float f = 0;
    for (int64_t s = 0; s < 64; s++) d += number_of(s, i), f += (float)number_of(s, i);
    differ[0] += d != tree_double(0, 64, i);
    differ[1] += f != tree_float(0, 64, i);
  }
  check_above("of 100 sums, those that differ if added one by one (double)", (double)differ[0], 1);
  check_above("(single)", (double)differ[1], 1);
}

/* One piece that is longer than the usual one, of vectors that are not whole pieces. */
static void test_long(void) {
  sums s;
  open_sums(&s, neurlp_vectors_host(context),
            (neurlp_reduce_spec){.shards = 6, .count = 300001, .transport = NEURLP_TRANSPORT_DIRECT});
  check_equal("a long vector, in several pieces", sum_up(&s, -1), NEURLP_SUCCESS);
  check_equal("numbers that differ", count_wrong(&s, 0), 0);
  close_sums(&s);
}

static void test_fast(neurlp_vectors vectors, neurlp_transport transport) {
  double worst = 0;
  for (size_t a = 0; a < SHARDS; a++) {
    sums s;
    open_sums(&s, vectors,
              (neurlp_reduce_spec){
                  .shards = many_shards[a], .count = 500, .fast = true, .transport = transport, .piece = 77});
    if (sum_up(&s, -1) < 0) worst = INFINITY;
    for (int64_t i = 0; i < 500; i++) {
      double sum = 0, magnitude = 0;
      for (int64_t shard = 0; shard < many_shards[a]; shard++) {
        sum += number_of(shard, i);
        magnitude += fabs(number_of(shard, i));
      }
      /* either order is off by (shards - 1) epsilon / 2 of the magnitudes at most */
      const double bound = (double)many_shards[a] * DBL_EPSILON * magnitude;
      worst = fmax(worst, fabs(((double *)s.staging)[i] - sum) / bound);
    }
    close_sums(&s);
  }
  check_below("fast: error, in units of its bound", worst, 1);
}

static void test_failures(neurlp_vectors vectors, neurlp_transport transport) {
  const int bad = size - 1;
  sums s;
  char message[64];
  open_sums(&s, vectors, (neurlp_reduce_spec){.shards = 12, .count = 10, .transport = transport});
  neurlp_status status = add_shards(&s, -1);
  if (rank == bad) status = neurlp_fail(context, NEURLP_ERROR_DATA, "broken");
  check_equal("a rank has failed: all return its failure", s.table.finish(s.table.user, status, s.sum),
              NEURLP_ERROR_DATA);
  snprintf(message, sizeof message, size > 1 ? "rank %d: broken" : "broken", bad);
  check_true("and its message", strcmp(neurlp_context_message(context), message) == 0);

  /* a rank that leaves early, and agrees on that, as commands do */
  status = add_shards(&s, -1);
  if (rank == bad)
    status = neurlp_agree(MPI_COMM_WORLD, context, neurlp_fail(context, NEURLP_ERROR_DATA, "gone"));
  else
    status = s.table.finish(s.table.user, status, s.sum);
  check_equal("a rank has left: the others return its failure", status, NEURLP_ERROR_DATA);

  status = s.table.begin(s.table.user);
  if (rank != bad) status = add_shards(&s, -1);
  check_equal("shards are missing: all fail", s.table.finish(s.table.user, status, s.sum),
              s.table.shard_count > 0 || size <= 12 ? NEURLP_ERROR_ARGUMENT : NEURLP_SUCCESS);
  if (s.table.shard_count > 0) {
    check_equal("begin", s.table.begin(s.table.user), NEURLP_SUCCESS);
    check_equal("not the next shard", s.table.add(s.table.user, s.table.first_shard + 1, s.vector),
                NEURLP_ERROR_ARGUMENT);
  }
  check_equal("after all that it still works", sum_up(&s, -1), NEURLP_SUCCESS);
  check_equal("numbers that differ", count_wrong(&s, 0), 0);

  check_equal("NaN is no failure", sum_up(&s, 5), NEURLP_SUCCESS);
  check_true("it arrives", isnan(((double *)s.staging)[0]));
  check_equal("other numbers that differ", count_wrong(&s, 1), 0);
  status = add_shards(&s, -1);
  check_equal("what is no error passes, on all ranks",
              s.table.finish(s.table.user, rank == bad ? NEURLP_NOT_CONVERGED : NEURLP_SUCCESS, s.sum),
              NEURLP_NOT_CONVERGED);
  close_sums(&s);
}

/* The device of the last rank fails at some copy of the sum: all return that, whichever it is. */
static void test_device_failures(neurlp_vectors vectors, neurlp_transport transport) {
  int64_t failed = 0, times = 0;
  for (int64_t at = 1; at < 6; at++) {
    sums s;
    open_sums(&s, vectors,
              (neurlp_reduce_spec){.shards = 12, .count = 40, .transport = transport, .piece = 9});
    const neurlp_status status = add_shards(&s, -1);
    if (rank == size - 1) pretend_fails_after = at;
    failed += s.table.finish(s.table.user, status, s.sum) == NEURLP_ERROR_DEVICE;
    times++;
    pretend_fails_after = 0;
    close_sums(&s);
  }
  check_equal("a device fails on the way: all return that", failed, times);
}

/* ---- traffic ----------------------------------------------------------------------------------------- */

static bool owns(int r, int64_t shards, int64_t first, int64_t end) {
  const int64_t share = shards / size, extra = shards % size;
  const int64_t begin = share * r + (r < extra ? r : extra), stop = begin + share + (r < extra);
  return begin < end && stop > first;
}

/* Messages of all ranks: of each range of the tree that is not one rank's, one to each rank with shards in it
 * but to one with shards in both halves. */
static int64_t messages_of(int64_t shards, int64_t first, int64_t end) {
  const int64_t half = end - first - (end - first) / 2;
  int64_t inside = 0, both = 0;
  for (int r = 0; r < size; r++) {
    inside += owns(r, shards, first, end);
    both += owns(r, shards, first, first + half) && owns(r, shards, first + half, end);
  }
  if (inside < 2) return 0;
  return inside - both + messages_of(shards, first, first + half) + messages_of(shards, first + half, end);
}

static void test_traffic(void) {
  static const int64_t shards[] = {1, 3, 60, 64, 4096};
  enum { COUNT = 1000, PIECE = 300, PIECES = 4 };
  for (size_t a = 0; a < sizeof shards / sizeof *shards; a++) {
    sums s;
    open_sums(&s, neurlp_vectors_host(context),
              (neurlp_reduce_spec){
                  .shards = shards[a], .count = COUNT, .transport = NEURLP_TRANSPORT_DIRECT, .piece = PIECE});
    check_equal("a sum", sum_up(&s, -1), NEURLP_SUCCESS);
    check_equal("another one", sum_up(&s, -1), NEURLP_SUCCESS);
    const neurlp_traffic own = neurlp_reduce_traffic(s.reduce);
    int64_t mine[2] = {own.messages, own.bytes}, all[2], most[2];
    MPI_Allreduce(mine, all, 2, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(mine, most, 2, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
    const int64_t expected = messages_of(shards[a], 0, shards[a]) + (size > shards[a] ? size - shards[a] : 0);
    check_equal("sums", own.sums, 2);
    check_equal("messages of all ranks", all[0], 2 * PIECES * expected);
    check_equal("bytes", all[1], 2 * COUNT * (int64_t)sizeof(double) * expected);
    if (rank == 0)
      printf("     table: ranks %d, shards %lld: of a piece %lld messages, %lld of the busiest rank; of a "
             "vector "
             "of %d numbers %lld bytes, %lld of the busiest rank\n",
             size, (long long)shards[a], (long long)(all[0] / 2 / PIECES), (long long)(most[0] / 2 / PIECES),
             COUNT, (long long)(all[1] / 2), (long long)(most[1] / 2));
    close_sums(&s);
  }
}

/* ---- transports -------------------------------------------------------------------------------------- */

static void test_transport(void) {
  neurlp_transport transport = NEURLP_TRANSPORT_AWARE;
  char reason[256] = "";
  neurlp_vectors host = neurlp_vectors_host(context);
  check_equal("the host's memory",
              neurlp_transport_choose(MPI_COMM_WORLD, context, &host, NEURLP_AWARE_ON, &transport, reason,
                                      sizeof reason),
              NEURLP_SUCCESS);
  check_equal("goes to MPI as it is", transport, NEURLP_TRANSPORT_DIRECT);
  neurlp_vectors device = pretend_vectors(context, 0x5a, NEURLP_VECTORS_IMITATED);
  check_equal("off",
              neurlp_transport_choose(MPI_COMM_WORLD, context, &device, NEURLP_AWARE_OFF, &transport, reason,
                                      sizeof reason),
              NEURLP_SUCCESS);
  check_true("is staged, without a word", transport == NEURLP_TRANSPORT_STAGED && !*reason);
  check_equal("auto, imitated",
              neurlp_transport_choose(MPI_COMM_WORLD, context, &device, NEURLP_AWARE_AUTO, &transport, reason,
                                      sizeof reason),
              NEURLP_SUCCESS);
  printf("     %s\n", reason);
  check_true("is staged, and says why", transport == NEURLP_TRANSPORT_STAGED && strstr(reason, "imitated"));
  check_equal("on, imitated",
              neurlp_transport_choose(MPI_COMM_WORLD, context, &device, NEURLP_AWARE_ON, &transport, reason,
                                      sizeof reason),
              NEURLP_ERROR_DECK);
  printf("     %s\n", neurlp_context_message(context));
  check_true("words of a deck", neurlp_gpu_aware_of("off") == NEURLP_AWARE_OFF &&
                                    neurlp_gpu_aware_of("auto") == NEURLP_AWARE_AUTO &&
                                    neurlp_gpu_aware_of("on") == NEURLP_AWARE_ON);
}

/* Memory that MPI can read passes the proof; memory that only its own rank can read does not. */
static void test_proof(void) {
  bool works = false;
  neurlp_vectors open = pretend_vectors(context, 0, NEURLP_VECTORS_DEVICE);
  check_equal("the proof", neurlp_transport_prove(MPI_COMM_WORLD, context, &open, &works), NEURLP_SUCCESS);
  check_true("passes", works);
  neurlp_vectors closed =
      pretend_vectors(context, (unsigned char)(rank % 2 + 1 + 2 * (rank == size - 1)), NEURLP_VECTORS_DEVICE);
  check_equal("of memory that is changed", neurlp_transport_prove(MPI_COMM_WORLD, context, &closed, &works),
              NEURLP_SUCCESS);
  check_equal("passes with one rank only", works, size == 1);
  if (rank == size - 1) pretend_fails_after = 1;
  check_equal("on a device that fails", neurlp_transport_prove(MPI_COMM_WORLD, context, &closed, &works),
              NEURLP_ERROR_DEVICE);
  pretend_fails_after = 0;
}

/* The imitated GPU, where this build has it. */
static void test_imitated(void) {
  neurlp_vectors vectors;
  if (neurlp_context_set_backend(context, "cuda:check") != NEURLP_SUCCESS) {
    printf("     not in this build: the imitated GPU\n");
    return;
  }
  check_equal("vectors of the imitated GPU", neurlp_vectors_of(context, &vectors), NEURLP_SUCCESS);
  check_equal("are imitated", vectors.place, NEURLP_VECTORS_IMITATED);
  test_equal("the imitated GPU, staged", vectors, NEURLP_TRANSPORT_STAGED, 2);
  test_fast(vectors, NEURLP_TRANSPORT_STAGED);
  test_failures(vectors, NEURLP_TRANSPORT_STAGED);
}

/* Vectors that any range of shards holds. */
static void test_held(void) {
  const neurlp_vectors host = neurlp_vectors_host(context);
  int64_t held = 0;
  for (int64_t shards = 1; shards < 4096; shards = shards * 3 / 2 + 1)
    for (int64_t first = 0; first < shards; first += 1 + shards / 7) {
      const neurlp_shard_sum_spec part = {
          .shards = shards, .first_shard = first, .shard_count = (shards - first + 1) / 2, .count = 1};
      neurlp_shard_sum some;
      if (neurlp_shard_sum_create(context, &host, &part, &some) < 0) MPI_Abort(MPI_COMM_WORLD, 1);
      held += some.slot_count > 2 * (int64_t)ceil(log2((double)shards)) + 1;
      neurlp_shard_sum_release(&some);
    }
  check_equal("ranges that hold more than 2 log2(shards) + 1 vectors", held, 0);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (neurlp_context_create(1, &context) < 0) MPI_Abort(MPI_COMM_WORLD, 1);
  const neurlp_vectors host = neurlp_vectors_host(context);
  test_order_shows();
  test_equal("the host's memory", host, NEURLP_TRANSPORT_DIRECT, 1);
  test_long();
  test_fast(host, NEURLP_TRANSPORT_DIRECT);
  test_failures(host, NEURLP_TRANSPORT_DIRECT);
  test_traffic();
  test_transport();
  test_proof();
  const neurlp_vectors device = pretend_vectors(context, 0x5a, NEURLP_VECTORS_IMITATED);
  test_equal("a device's memory, staged", device, NEURLP_TRANSPORT_STAGED, 2);
  test_fast(device, NEURLP_TRANSPORT_STAGED);
  test_failures(device, NEURLP_TRANSPORT_STAGED);
  test_device_failures(device, NEURLP_TRANSPORT_STAGED);
  const neurlp_vectors open = pretend_vectors(context, 0, NEURLP_VECTORS_DEVICE);
  test_equal("a device's memory, given to MPI", open, NEURLP_TRANSPORT_AWARE, 2);
  test_fast(open, NEURLP_TRANSPORT_AWARE);
  test_device_failures(open, NEURLP_TRANSPORT_AWARE);
  check_equal("blocks of a device that are left", pretend_blocks(), 0);
  test_held();
  check_equal("blocks of memory that are left", (long long)neurlp_context_memory(context).blocks, 0);
  test_imitated();
  const int verdict = check_verdict();
  neurlp_context_destroy(&context);
  MPI_Finalize();
  return verdict;
}
