/* What is said of ranks and GPUs: who shares one, whatever numbers ranks count GPUs by. */
#include "device_seats.h"
#include "support/check.h"

#include <string.h>

enum { RANKS = 4 };

/* Ranks on nodes of two, with so many GPUs to see, whose identities are given; "": they cannot be told. */
static void say(const char *what, int per_node, int32_t devices, const char *const *identities,
                const char *expected) {
  neurlp_seat seats[RANKS];
  char said[1024] = "";
  FILE *file = fmemopen(said, sizeof said, "w");
  memset(seats, 0, sizeof seats);
  for (int rank = 0; rank < RANKS; rank++) {
    seats[rank].local = rank % per_node;
    seats[rank].local_size = per_node;
    seats[rank].devices = devices;
    snprintf(seats[rank].node, sizeof seats[rank].node, "node%d", rank / per_node);
    snprintf(seats[rank].identity, sizeof seats[rank].identity, "%s", identities[rank]);
  }
  if (!file) {
    check_true("a file in memory", false);
    return;
  }
  neurlp_seats_print(file, seats, RANKS);
  fclose(file);
  check_true(what, strcmp(said, expected) == 0);
  if (strcmp(said, expected) != 0) printf("said:\n%sexpected:\n%s", said, expected);
}

int main(void) {
  static const char *const none[RANKS] = {"", "", "", ""};
  static const char *const four[RANKS] = {"GPU-aaaaaaaa00", "GPU-bbbbbbbb00", "GPU-cccccccc00",
                                          "GPU-dddddddd00"};
  static const char *const two[RANKS] = {"GPU-aaaaaaaa00", "GPU-bbbbbbbb00", "GPU-aaaaaaaa00",
                                         "GPU-bbbbbbbb00"};
  static const char *const swapped[RANKS] = {"GPU-aaaaaaaa00", "GPU-bbbbbbbb00", "GPU-bbbbbbbb00",
                                             "GPU-aaaaaaaa00"};
  static const char *const parts[RANKS] = {"GPU-aaaaaaaa00", "GPU-aaaaaaaa01", "GPU-aaaaaaaa02",
                                           "GPU-aaaaaaaa03"};
  say("every rank sees all four", 4, 4, four,
      "node0: 4 GPUs for 4 ranks: rank 0 GPU 0, rank 1 GPU 1, rank 2 GPU 2, rank 3 GPU 3\n");
  say("every rank sees only its own (--gpu-bind=single:1): nobody shares", 4, 1, four,
      "node0: 4 GPUs for 4 ranks: rank 0 GPU 0 (GPU-aaaaaaaa), rank 1 GPU 0 (GPU-bbbbbbbb), rank 2 GPU 0 "
      "(GPU-cccccccc), rank 3 GPU 0 (GPU-dddddddd)\n");
  say("the same on two nodes", 2, 1, two,
      "node0: 2 GPUs for 2 ranks: rank 0 GPU 0 (GPU-aaaaaaaa), rank 1 GPU 0 (GPU-bbbbbbbb)\n"
      "node1: 2 GPUs for 2 ranks: rank 2 GPU 0 (GPU-aaaaaaaa), rank 3 GPU 0 (GPU-bbbbbbbb)\n");
  say("every rank sees one, and two of them the same (--gpu-bind=single:2)", 4, 1, two,
      "node0: 2 GPUs for 4 ranks: rank 0 GPU 0 (GPU-aaaaaaaa), rank 1 GPU 0 (GPU-bbbbbbbb), rank 2 GPU 0 "
      "(GPU-aaaaaaaa), rank 3 GPU 0 (GPU-bbbbbbbb)\n"
      "node0: warning: ranks share a GPU and wait for each other; start 2 on a node\n");
  say("ranks that count two GPUs in different orders", 4, 2, swapped,
      "node0: 2 GPUs for 4 ranks: rank 0 GPU 0 (GPU-aaaaaaaa), rank 1 GPU 1 (GPU-bbbbbbbb), rank 2 GPU 0 "
      "(GPU-bbbbbbbb), rank 3 GPU 1 (GPU-aaaaaaaa)\n"
      "node0: warning: ranks share a GPU and wait for each other; start 2 on a node\n");
  say("two GPUs for four ranks", 4, 2, two,
      "node0: 2 GPUs for 4 ranks: rank 0 GPU 0, rank 1 GPU 1, rank 2 GPU 0, rank 3 GPU 1\n"
      "node0: warning: ranks share a GPU and wait for each other; start 2 on a node\n");
  say("parts of one GPU are not shared", 2, 2, parts,
      "node0: 2 GPUs for 2 ranks: rank 0 GPU 0, rank 1 GPU 1\n"
      "node1: 2 GPUs for 2 ranks: rank 2 GPU 0, rank 3 GPU 1\n");
  say("without identities numbers count", 4, 3, none,
      "node0: 3 GPUs for 4 ranks: rank 0 GPU 0, rank 1 GPU 1, rank 2 GPU 2, rank 3 GPU 0\n"
      "node0: warning: ranks share a GPU and wait for each other; start 3 on a node\n");
  return check_verdict();
}
