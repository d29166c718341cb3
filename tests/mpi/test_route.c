/* Routes of sums over shards, for any number of ranks, without sending anything: all ranks' steps are played
 * through one after the other. What a slot holds is a range of shards: two may only be added where they are
 * the halves of a range of the tree, and in the end every rank has all of it. */

#include "reduce/route.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static neurlp_context *context;

typedef struct range {
  int64_t first, end;
} range;

/* A message on its way. */
typedef struct letter {
  int32_t from, to;
  range what;
  struct letter *next;
} letter;

typedef struct player {
  neurlp_route route;
  range *slots, received;
  int32_t step;
  bool sent; /* the messages of this step */
} player;

typedef struct game {
  int64_t shards;
  int32_t size;
  player *players;
  letter *letters; /* oldest first */
  int64_t wrong, messages;
} game;

static void *take(size_t count, size_t bytes) {
  void *memory = calloc(count + 1, bytes);
  if (!memory) exit(1);
  return memory;
}

static range value_of(const player *p, int32_t slot) {
  return slot == NEURLP_ROUTE_RECEIVED ? p->received : p->slots[slot];
}

/* The maximal ranges of the tree that are within [from, to), written down by their definition. */
static void list_ranges(range node, int64_t from, int64_t to, range *list, int64_t *count) {
  if (node.end <= from || node.first >= to) return;
  if (node.first >= from && node.end <= to) {
    list[(*count)++] = node;
    return;
  }
  const int64_t length = node.end - node.first, half = length - length / 2;
  list_ranges((range){node.first, node.first + half}, from, to, list, count);
  list_ranges((range){node.first + half, node.end}, from, to, list, count);
}

static void post(game *g, const player *p, const neurlp_route_step *step) {
  for (int32_t i = 0; i < step->sends; i++) {
    const neurlp_route_send *send = &p->route.sends[step->first_send + i];
    letter *made = take(1, sizeof *made), **end = &g->letters;
    *made = (letter){.from = p->route.rank, .to = send->to, .what = value_of(p, send->slot)};
    while (*end) end = &(*end)->next;
    *end = made;
    g->messages++;
  }
}

static bool receive(game *g, player *p, int32_t from) {
  for (letter **link = &g->letters; *link; link = &(*link)->next) {
    letter *l = *link;
    if (l->from != from || l->to != p->route.rank) continue;
    p->received = l->what;
    *link = l->next;
    free(l);
    return true;
  }
  return false;
}

/* The halves of a range of the tree? Ranges of it come from halving, larger half first. */
static bool are_halves(const game *g, range left, range right) {
  range node = {0, g->shards};
  while (node.end - node.first > 1) {
    const int64_t length = node.end - node.first, middle = node.first + length - length / 2;
    if (left.first == node.first && left.end == middle && right.first == middle && right.end == node.end)
      return true;
    if (left.first < middle)
      node.end = middle;
    else
      node.first = middle;
  }
  return false;
}

/* Goes on with one rank as far as it can; whether it did anything. */
static bool play(game *g, player *p) {
  bool moved = false;
  for (; p->step < p->route.step_count; p->step++, p->sent = false) {
    const neurlp_route_step *step = &p->route.steps[p->step];
    if (!p->sent) post(g, p, step), p->sent = moved = true;
    if (step->from >= 0 && !receive(g, p, step->from)) break;
    moved = true;
    if (step->left == NEURLP_ROUTE_NONE) continue;
    const range left = value_of(p, step->left), right = value_of(p, step->right);
    g->wrong += !are_halves(g, left, right);
    p->slots[step->into] = (range){left.first, right.end};
  }
  return moved;
}

static bool covers(const player *p, range node) {
  return p->route.first < node.end && p->route.end > node.first;
}

/* Messages that have to be: of each range that is not one rank's, every rank with shards in it lacks the sum
 * of one half, but for a rank with shards in both. */
static int64_t needed(const game *g, range node) {
  const int64_t length = node.end - node.first, middle = node.first + length - length / 2;
  int64_t inside = 0, both = 0;
  for (int32_t r = 0; r < g->size; r++) {
    inside += covers(&g->players[r], node);
    both += covers(&g->players[r], (range){node.first, middle}) &&
            covers(&g->players[r], (range){middle, node.end});
  }
  if (inside <= 1) return 0;
  return inside - both + needed(g, (range){node.first, middle}) + needed(g, (range){middle, node.end});
}

static void start(game *g) {
  g->players = take((size_t)g->size, sizeof *g->players);
  for (int32_t r = 0; r < g->size; r++) {
    player *p = &g->players[r];
    int64_t count = 0;
    if (neurlp_route_create(context, g->shards, r, g->size, &p->route) < 0) exit(1);
    p->slots = take((size_t)p->route.slots + 64, sizeof *p->slots);
    list_ranges((range){0, g->shards}, p->route.first, p->route.end, p->slots, &count);
    g->wrong += count != p->route.slots;
  }
}

static void end(game *g) {
  for (int32_t r = 0; r < g->size; r++) {
    neurlp_route_release(context, &g->players[r].route);
    free(g->players[r].slots);
  }
  free(g->players);
}

/* Plays all ranks to the end; the number of things that are wrong. *most: messages that one rank sends or
 * receives at most. */
static int64_t play_all(int64_t shards, int32_t size, int64_t *messages, int64_t *most) {
  game g = {.shards = shards, .size = size};
  bool moved = true;
  start(&g);
  while (moved) {
    moved = false;
    for (int32_t r = 0; r < size; r++) moved |= play(&g, &g.players[r]);
  }
  *most = 0;
  for (int32_t r = 0; r < size; r++) {
    const player *p = &g.players[r];
    const range result = value_of(p, p->route.result);
    g.wrong += p->step < p->route.step_count || result.first != 0 || result.end != shards;
    if (p->route.send_count > *most) *most = p->route.send_count;
    if (p->route.received_count > *most) *most = p->route.received_count;
  }
  g.wrong += g.letters != NULL;
  g.wrong += g.messages != needed(&g, (range){0, shards}) + (size > shards ? size - shards : 0);
  *messages = g.messages;
  end(&g);
  return g.wrong;
}

int main(void) {
  if (neurlp_context_create(1, &context) < 0) return 1;
  int64_t wrong = 0, cases = 0, messages = 0, most = 0;
  for (int32_t size = 1; size <= 17; size++)
    for (int64_t shards = 1; shards <= 70; shards++, cases++)
      wrong += play_all(shards, size, &messages, &most) > 0;
  printf("     %lld cases of 1 to 17 ranks and 1 to 70 shards\n", (long long)cases);
  check_equal("cases in which a rank waits for ever, adds what is not adjoining, or lacks the sum", wrong, 0);

  static const int32_t sizes[] = {2, 3, 4, 5, 8, 12, 60, 64, 96, 128, 1000, 1024};
  static const int64_t shards[] = {64, 60, 1024, 4096};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (size_t j = 0; j < sizeof shards / sizeof *shards; j++) {
      if (shards[j] < sizes[i]) continue;
      const int64_t bad = play_all(shards[j], sizes[i], &messages, &most);
      int32_t levels = 0;
      while ((1 << levels) < sizes[i]) levels++;
      printf("     %4d ranks, %4lld shards: %6lld messages, at most %2lld of a rank; log2: %d\n", sizes[i],
             (long long)shards[j], (long long)messages, (long long)most, levels);
      check_equal("nothing is wrong", bad, 0);
      if ((1 << levels) == sizes[i] && shards[j] % sizes[i] == 0) {
        check_equal("a power of two that divides the shards: as many as recursive doubling", most, levels);
        check_equal("of each rank", messages, (int64_t)levels * sizes[i]);
      }
    }
  check_equal("memory left", (long long)neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
