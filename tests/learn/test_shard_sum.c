/* Sums over shards inside one process, from the memory of whatever backend NEURLP_TEST_BACKEND names: bit for
 * bit those of the tree, of vectors that are longer than a GPU has threads, too; and what they hold. */
#include "learn/shard_sum.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT = 200003 };

static neurlp_context *context;

static void stop_at(neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s\n", neurlp_context_message(context));
  exit(1);
}

/* Number i of shard s: signs and magnitudes that make the order of a sum show. */
static double number_of(int64_t s, int64_t i) {
  return ldexp(sin((double)(1 + s * 131 + i)), (int)((s * 7 + i) % 23));
}

static double tree_double(int64_t first, int64_t count, int64_t i) {
  if (count == 1) return number_of(first, i);
  return tree_double(first, count - count / 2, i) + tree_double(first + count - count / 2, count / 2, i);
}

static float tree_float(int64_t first, int64_t count, int64_t i) {
  if (count == 1) return (float)number_of(first, i);
  return tree_float(first, count - count / 2, i) + tree_float(first + count - count / 2, count / 2, i);
}

typedef struct memory {
  void *vector, *sum, *staging;
} memory;

static neurlp_status add_all(const neurlp_vectors *v, const neurlp_reducer *table, const memory *m,
                             const neurlp_shard_sum_spec *spec) {
  neurlp_status status = table->begin(table->user);
  for (int64_t s = 0; s < spec->shards && status >= 0; s++) {
    for (int64_t i = 0; i < spec->count; i++)
      if (spec->single)
        ((float *)m->staging)[i] = (float)number_of(s, i);
      else
        ((double *)m->staging)[i] = number_of(s, i);
    stop_at(v->copy(v->user, 0, m->vector, m->staging, neurlp_shard_sum_bytes(spec)));
    status = table->add(table->user, s, m->vector);
    stop_at(v->wait(v->user, 0)); /* the staging memory is filled again */
  }
  return status;
}

static void test_sum(const neurlp_vectors *v, int64_t shards, int64_t count, bool single) {
  const neurlp_shard_sum_spec spec = {
      .shards = shards, .shard_count = shards, .count = count, .single = single};
  const size_t bytes = neurlp_shard_sum_bytes(&spec);
  neurlp_shard_sum sum;
  memory m = {.vector = NULL};
  int64_t wrong = 0;
  stop_at(v->allocate(v->user, bytes, &m.vector));
  stop_at(v->allocate(v->user, bytes, &m.sum));
  stop_at(v->allocate_staging(v->user, bytes, &m.staging));
  stop_at(neurlp_shard_sum_create(context, v, &spec, &sum));
  const neurlp_reducer table = neurlp_reducer_alone(&sum);
  stop_at(table.finish(table.user, add_all(v, &table, &m, &spec), m.sum));
  stop_at(v->copy(v->user, 0, m.staging, m.sum, bytes));
  stop_at(v->wait(v->user, 0));
  for (int64_t i = 0; i < count; i++)
    wrong += single ? ((float *)m.staging)[i] != tree_float(0, shards, i)
                    : ((double *)m.staging)[i] != tree_double(0, shards, i);
  printf("     %lld shards of %lld numbers, %s\n", (long long)shards, (long long)count,
         single ? "single" : "double");
  check_equal("numbers that differ", wrong, 0);
  check_equal("one sum is held", sum.held, 1);
  check_equal("a failure passes through", table.finish(table.user, NEURLP_ERROR_DATA, m.sum),
              NEURLP_ERROR_DATA);
  check_equal("begin", table.begin(table.user), NEURLP_SUCCESS);
  check_equal("shards are missing", table.finish(table.user, NEURLP_SUCCESS, m.sum), NEURLP_ERROR_ARGUMENT);
  check_equal("not the next shard", table.add(table.user, 1, m.vector), NEURLP_ERROR_ARGUMENT);
  neurlp_shard_sum_release(&sum);
  v->release(v->user, &m.vector);
  v->release(v->user, &m.sum);
  v->release_staging(v->user, &m.staging);
}

int main(void) {
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  neurlp_vectors vectors;
  if (neurlp_context_create(1, &context) < 0) return 1;
  if (backend) stop_at(neurlp_context_set_backend(context, backend));
  stop_at(neurlp_vectors_of(context, &vectors));
  check_true("the memory of the backend",
             (vectors.place == NEURLP_VECTORS_HOST) == !(backend && strncmp(backend, "cuda", 4) == 0));
  for (int32_t single = 0; single < 2; single++) {
    test_sum(&vectors, 1, 5, single);
    test_sum(&vectors, 13, 40, single);
    test_sum(&vectors, 6, COUNT, single);
  }
  neurlp_context_destroy(&context);
  return check_verdict();
}
