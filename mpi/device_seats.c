#include "device_seats.h"

#include <string.h>

static int32_t number_of(const neurlp_seat *seat) {
  return seat->local % seat->devices;
}

/* Whether two ranks of a node have the same GPU. */
static bool is_same(const neurlp_seat *a, const neurlp_seat *b) {
  if (*a->identity && *b->identity) return strcmp(a->identity, b->identity) == 0;
  return number_of(a) == number_of(b);
}

static bool is_neighbour(const neurlp_seat *a, const neurlp_seat *b) {
  return strcmp(a->node, b->node) == 0;
}

/* GPUs that the ranks of a node have, and whether numbers alone do not tell them apart. */
static int32_t count_used(const neurlp_seat *seats, int size, const neurlp_seat *node, bool *unclear) {
  int32_t used = 0;
  *unclear = false;
  for (int rank = 0; rank < size; rank++) {
    bool seen = false;
    if (!is_neighbour(&seats[rank], node)) continue;
    for (int other = 0; other < rank; other++) {
      if (!is_neighbour(&seats[other], node)) continue;
      const bool same = is_same(&seats[rank], &seats[other]);
      seen = seen || same;
      *unclear = *unclear || same != (number_of(&seats[rank]) == number_of(&seats[other]));
    }
    used += !seen;
  }
  return used;
}

/* The ranks of a node and their GPUs, in the order of ranks. */
static void print_ranks(FILE *file, const neurlp_seat *seats, int size, const neurlp_seat *node,
                        bool unclear) {
  enum { SHOWN = 12 }; /* "GPU-" and 8 digits */
  int32_t left = node->local_size;
  for (int rank = 0; rank < size; rank++) {
    if (!is_neighbour(&seats[rank], node)) continue;
    fprintf(file, " rank %d GPU %d", rank, number_of(&seats[rank]));
    if (unclear && *seats[rank].identity) fprintf(file, " (%.*s)", SHOWN, seats[rank].identity);
    fprintf(file, --left > 0 ? "," : "\n");
  }
}

void neurlp_seats_print(FILE *file, const neurlp_seat *seats, int size) {
  for (int first = 0; first < size; first++) {
    const neurlp_seat *s = &seats[first];
    bool unclear = false;
    if (s->local != 0) continue;
    const int32_t used = count_used(seats, size, s, &unclear), all = s->devices > used ? s->devices : used;
    fprintf(file, "%s: %d GPU%s for %d rank%s:", s->node, all, all == 1 ? "" : "s", s->local_size,
            s->local_size == 1 ? "" : "s");
    print_ranks(file, seats, size, s, unclear);
    if (used < s->local_size)
      fprintf(file, "%s: warning: ranks share a GPU and wait for each other; start %d on a node\n", s->node,
              all);
  }
}
