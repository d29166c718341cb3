#include "reduce/route.h"

#include "comm.h"
#include "learn/shard_sum.h"

/* Ranks [first, last] that have shards below a node. */
typedef struct cover {
  int32_t first, last;
} cover;

/* The rank that has a shard: what neurlp_partition does, turned round. */
static int32_t owner_of(const neurlp_route *route, int64_t shard) {
  const int64_t share = route->shards / route->size, extra = route->shards % route->size;
  const int64_t large = extra * (share + 1);
  return (int32_t)(shard < large ? shard / (share + 1) : extra + (shard - large) / share);
}

static cover cover_of(const neurlp_route *route, int64_t first, int64_t end) {
  return (cover){owner_of(route, first), owner_of(route, end - 1)};
}

/* Lists are written if they are there, and counted either way. */
static void add_send(neurlp_route *route, neurlp_route_step *step, int32_t to, int32_t slot) {
  if (route->sends) route->sends[route->send_count] = (neurlp_route_send){.to = to, .slot = slot};
  route->send_count++;
  step->sends++;
}

static void add_step(neurlp_route *route, const neurlp_route_step *step) {
  if (route->steps) route->steps[route->step_count] = *step;
  route->step_count++;
  route->received_count += step->from >= 0;
}

/* Ranks `lacking` a sum get it from the ranks of `knowing` in turn, beginning with number `begin` of them. If
 * this rank is one of those that know, it sends its slot; if it is one that lacks, the step receives. */
static void pass_sum(neurlp_route *route, neurlp_route_step *step, cover lacking, cover knowing,
                     int32_t begin, int32_t slot) {
  const int32_t known = knowing.last - knowing.first + 1, rank = route->rank;
  if (rank >= lacking.first && rank <= lacking.last)
    step->from = knowing.first + (begin + rank - lacking.first) % known;
  if (rank < knowing.first || rank > knowing.last) return;
  const int32_t turn = (rank - knowing.first - begin + known) % known;
  for (int32_t to = lacking.first + turn; to <= lacking.last; to += known) add_send(route, step, to, slot);
}

/* The slot of the sum of shards [first, end), some of which are this rank's. */
static int32_t visit(neurlp_route *route, int64_t first, int64_t end) {
  if (first >= route->first && end <= route->end) return route->slots++;
  const int64_t middle = neurlp_shard_middle(first, end);
  const cover left = cover_of(route, first, middle), right = cover_of(route, middle, end);
  const int32_t shared = left.last == right.first, rank = route->rank; /* a rank that has shards of both */
  neurlp_route_step step = {.from = -1,
                            .left = NEURLP_ROUTE_RECEIVED,
                            .right = NEURLP_ROUTE_RECEIVED,
                            .first = first,
                            .middle = middle,
                            .end = end};
  if (rank <= left.last) step.left = visit(route, first, middle);
  if (rank >= right.first) step.right = visit(route, middle, end);
  step.into = step.left >= 0 ? step.left : step.right;
  step.first_send = route->send_count;
  pass_sum(route, &step, (cover){left.first, left.last - shared}, right, shared, step.right);
  pass_sum(route, &step, (cover){right.first + shared, right.last}, left, 0, step.left);
  add_step(route, &step);
  return step.into;
}

/* Ranks behind those with shards get the sum: as many know it after each round as knew it before, twice. */
static void pass_on(neurlp_route *route) {
  const int32_t rank = route->rank;
  for (int64_t known = route->shards; known < route->size; known *= 2) {
    neurlp_route_step step = {.from = -1,
                              .left = NEURLP_ROUTE_NONE,
                              .right = NEURLP_ROUTE_NONE,
                              .into = route->result,
                              .first_send = route->send_count};
    if (rank < known && rank + known < route->size)
      add_send(route, &step, (int32_t)(rank + known), route->result);
    if (rank >= known && rank < 2 * known) step.from = (int32_t)(rank - known);
    if (step.sends > 0 || step.from >= 0) add_step(route, &step);
  }
}

/* Walks the tree: counts, and writes lists that are there. */
static void walk(neurlp_route *route) {
  route->slots = route->step_count = route->send_count = route->received_count = 0;
  route->result = NEURLP_ROUTE_RECEIVED;
  if (route->end > route->first) route->result = visit(route, 0, route->shards);
  pass_on(route);
}

neurlp_status neurlp_route_create(neurlp_context *context, int64_t shards, int32_t rank, int32_t size,
                                  neurlp_route *route) {
  neurlp_status status = NEURLP_SUCCESS;
  int64_t owned = 0;
  *route = (neurlp_route){.shards = shards, .rank = rank, .size = size};
  neurlp_partition(shards, rank, size, &route->first, &owned);
  route->end = route->first + owned;
  walk(route);
  NEURLP_TRY(neurlp_allocate(context, route->step_count, sizeof *route->steps, &route->steps));
  NEURLP_TRY(neurlp_allocate(context, route->send_count, sizeof *route->sends, &route->sends));
  walk(route);
done:
  return status;
}

void neurlp_route_release(neurlp_context *context, neurlp_route *route) {
  neurlp_release(context, &route->steps);
  neurlp_release(context, &route->sends);
}
