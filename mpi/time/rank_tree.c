#include "time/rank_tree.h"

#include "comm.h"

#include <string.h>

/* Nodes for each rank where ranks are no power of two: then no rank has more than 1/8 more than another. */
enum { NODES_PER_RANK = 8, TAG = 1 };

int64_t neurlp_rank_tree_message(const neurlp_timeline *line) {
  return line->layout.numbers + 1;
}

/* How deep the level is that is dealt out. */
static int32_t choose_levels(int size, int64_t pieces) {
  const int64_t least = (size & (size - 1)) == 0 ? size : (int64_t)NODES_PER_RANK * size;
  int32_t levels = 0;
  while ((int64_t)1 << levels < least && (int64_t)2 << levels <= pieces) levels++;
  return levels;
}

static int64_t piece_of(const neurlp_rank_tree *tree, int64_t node) {
  int32_t levels = 0;
  while ((int64_t)1 << levels < tree->nodes) levels++;
  return neurlp_tree_node(tree->line.pieces, levels, node);
}

/* The largest subtrees that are all this rank's, in the order of their slots. */
static int64_t list_slots(const neurlp_rank_tree *tree, int64_t first, int64_t end, int64_t slot) {
  const neurlp_route *route = &tree->route;
  if (end <= route->first || first >= route->end) return slot;
  if (first >= route->first && end <= route->end) {
    tree->slot_node[2 * slot] = first;
    tree->slot_node[2 * slot + 1] = end;
    return slot + 1;
  }
  const int64_t middle = neurlp_tree_middle(first, end);
  return list_slots(tree, middle, end, list_slots(tree, first, middle, slot));
}

static int32_t most_sends(const neurlp_route *route) {
  int32_t most = 0;
  for (int32_t i = 0; i < route->step_count; i++)
    if (route->steps[i].sends > most) most = route->steps[i].sends;
  return most;
}

static neurlp_status allocate(neurlp_rank_tree *tree, int rank, int size) {
  neurlp_context *context = tree->context;
  const neurlp_end_layout *z = &tree->line.layout;
  const size_t number = sizeof(double);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_route_create(context, tree->nodes, rank, size, &tree->route));
  const int32_t sends = most_sends(&tree->route);
  NEURLP_TRY(neurlp_allocate(context, tree->route.slots, 2 * sizeof *tree->slot_node, &tree->slot_node));
  NEURLP_TRY(neurlp_allocate(context, tree->route.step_count, (size_t)neurlp_tree_kept_numbers(*z) * number,
                             &tree->kept));
  NEURLP_TRY(
      neurlp_allocate(context, (tree->nodes + 1) * z->unknowns, (size_t)z->columns * number, &tree->bounds));
  NEURLP_TRY(neurlp_allocate(context, neurlp_tree_work_numbers(*z), number, &tree->work));
  NEURLP_TRY(neurlp_allocate(context, tree->message, number, &tree->received));
  NEURLP_TRY(neurlp_allocate(context, sends, (size_t)tree->message * number, &tree->sent));
  NEURLP_TRY(neurlp_allocate(context, sends + 1, sizeof *tree->requests, &tree->requests));
done:
  return status;
}

neurlp_status neurlp_rank_tree_create(MPI_Comm comm, neurlp_context *context, const neurlp_timeline *line,
                                      neurlp_rank_tree *tree) {
  int rank = 0, size = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  const int64_t record = neurlp_rank_tree_message(line), parts = line->part_numbers;
  *tree = (neurlp_rank_tree){.comm = MPI_COMM_NULL,
                             .context = context,
                             .line = *line,
                             .nodes = (int64_t)1 << choose_levels(size, line->pieces),
                             .message = record > parts ? record : parts};
  const neurlp_status status = neurlp_agree(comm, context, allocate(tree, rank, size));
  if (status != NEURLP_SUCCESS) {
    neurlp_rank_tree_release(tree);
    return status;
  }
  MPI_Comm_dup(comm, &tree->comm);
  tree->first = piece_of(tree, tree->route.first);
  tree->end = piece_of(tree, tree->route.end);
  list_slots(tree, 0, tree->nodes, 0);
  return NEURLP_SUCCESS;
}

void neurlp_rank_tree_release(neurlp_rank_tree *tree) {
  neurlp_context *context = tree->context;
  if (!context) return;
  neurlp_route_release(context, &tree->route);
  neurlp_release(context, &tree->slot_node);
  neurlp_release(context, &tree->kept);
  neurlp_release(context, &tree->bounds);
  neurlp_release(context, &tree->work);
  neurlp_release(context, &tree->received);
  neurlp_release(context, &tree->sent);
  neurlp_release(context, &tree->requests);
  if (tree->comm != MPI_COMM_NULL) MPI_Comm_free(&tree->comm);
  *tree = (neurlp_rank_tree){0};
}

/* The messages of one step; `pack` writes that of a slot. All that is known travels before it is joined. */
typedef void (*pack_function)(const neurlp_rank_tree *tree, const void *own, int32_t slot, void *message);

static void exchange(neurlp_rank_tree *tree, const neurlp_route_step *step, pack_function pack,
                     const void *own, size_t bytes) {
  int count = 0;
  unsigned char *received = (unsigned char *)tree->received;
  for (int32_t i = 0; i < step->sends; i++) {
    const neurlp_route_send *send = &tree->route.sends[step->first_send + i];
    unsigned char *message = (unsigned char *)(tree->sent + i * tree->message);
    if (send->slot == NEURLP_ROUTE_RECEIVED)
      memcpy(message, received, bytes);
    else
      pack(tree, own, send->slot, message);
    MPI_Isend(message, (int)bytes, MPI_BYTE, send->to, TAG, tree->comm, &tree->requests[count++]);
    tree->traffic.messages++;
    tree->traffic.bytes += (int64_t)bytes;
  }
  if (step->from >= 0)
    MPI_Irecv(received, (int)bytes, MPI_BYTE, step->from, TAG, tree->comm, &tree->requests[count++]);
  MPI_Waitall(count, tree->requests, MPI_STATUSES_IGNORE);
}

/* ---- joining ----------------------------------------------------------------------------------------- */

/* The run of a slot: it stands at its first piece. */
static neurlp_tree_run run_of(const neurlp_rank_tree *tree, const neurlp_tree *own, int32_t slot) {
  const int64_t place = piece_of(tree, tree->slot_node[2 * slot]) - tree->first;
  return (neurlp_tree_run){own->ends + place * tree->line.layout.numbers, own->status + place};
}

static void pack_run(const neurlp_rank_tree *tree, const void *own, int32_t slot, void *message) {
  const neurlp_tree_run run = run_of(tree, own, slot);
  memcpy(message, run.record, (size_t)tree->line.layout.numbers * sizeof(double));
  ((double *)message)[tree->line.layout.numbers] = (double)*run.status;
}

/* Sends and receives as the step says, then joins the halves of its node. */
static void join_step(neurlp_rank_tree *tree, const neurlp_tree *own, int32_t i,
                      neurlp_status *received_status) {
  const neurlp_route_step *step = &tree->route.steps[i];
  const int64_t numbers = tree->line.layout.numbers;
  exchange(tree, step, pack_run, own, (size_t)neurlp_rank_tree_message(&tree->line) * sizeof(double));
  if (step->from >= 0) *received_status = (neurlp_status)(int32_t)tree->received[numbers];
  if (step->left == NEURLP_ROUTE_NONE) return;
  const neurlp_tree_run received = {tree->received, received_status};
  const neurlp_tree_run left = step->left >= 0 ? run_of(tree, own, step->left) : received,
                        right = step->right >= 0 ? run_of(tree, own, step->right) : received;
  neurlp_tree_merge(own, left, right, tree->kept + i * neurlp_tree_kept_numbers(tree->line.layout),
                    tree->work);
  if (step->into == step->left) return;
  memcpy(right.record, left.record, (size_t)numbers * sizeof(double));
  *right.status = *left.status;
}

static double *bound_of(const neurlp_rank_tree *tree, int64_t node) {
  return tree->bounds + node * tree->line.layout.unknowns * tree->line.layout.columns;
}

/* The way back: joints in the middle of the nodes that this rank knows, then those inside its own. */
static void spread(const neurlp_rank_tree *tree, const neurlp_tree *own) {
  const neurlp_route *route = &tree->route;
  const int64_t size = tree->line.layout.unknowns * tree->line.layout.columns;
  for (int32_t i = route->step_count - 1; i >= 0; i--) {
    const neurlp_route_step *step = &route->steps[i];
    if (step->left == NEURLP_ROUTE_NONE) continue;
    neurlp_tree_between(own, tree->kept + i * neurlp_tree_kept_numbers(tree->line.layout),
                        bound_of(tree, step->first), bound_of(tree, step->end), bound_of(tree, step->middle));
  }
  for (int32_t slot = 0; slot < route->slots; slot++) {
    const int64_t from = tree->slot_node[2 * slot], to = tree->slot_node[2 * slot + 1],
                  last = piece_of(tree, to) - 1;
    memcpy(own->joints + (last - tree->first) * size, bound_of(tree, to), (size_t)size * sizeof(double));
    neurlp_tree_spread(own, piece_of(tree, from), last + 1, NEURLP_TREE_ALL, bound_of(tree, from));
  }
}

void neurlp_rank_tree_join(neurlp_rank_tree *tree, const neurlp_tree *own, double *before,
                           neurlp_status *status) {
  const neurlp_route *route = &tree->route;
  const size_t bytes = (size_t)(tree->line.layout.unknowns * tree->line.layout.columns) * sizeof(double);
  neurlp_status received_status = NEURLP_SUCCESS;
  tree->traffic.sums++;
  for (int32_t slot = 0; slot < route->slots; slot++)
    neurlp_tree_gather(own, piece_of(tree, tree->slot_node[2 * slot]),
                       piece_of(tree, tree->slot_node[2 * slot + 1]), NEURLP_TREE_ALL, tree->work);
  for (int32_t i = 0; i < route->step_count; i++) join_step(tree, own, i, &received_status);
  const neurlp_tree_run all = route->result >= 0 ? run_of(tree, own, route->result)
                                                 : (neurlp_tree_run){tree->received, &received_status};
  *status = *all.status;
  if (*status == NEURLP_SUCCESS)
    *status = neurlp_tree_root(own, all.record, tree->work, bound_of(tree, tree->nodes));
  if (*status != NEURLP_SUCCESS) return;
  memset(tree->bounds, 0, bytes);
  spread(tree, own);
  if (tree->end > tree->first) memcpy(before, bound_of(tree, route->first), bytes);
}

/* ---- sums -------------------------------------------------------------------------------------------- */

static size_t number_bytes(const neurlp_tree_parts *own) {
  return own->single ? sizeof(float) : sizeof(double);
}

static unsigned char *part_of(const neurlp_rank_tree *tree, const neurlp_tree_parts *own, int32_t slot) {
  const int64_t place = piece_of(tree, tree->slot_node[2 * slot]) - tree->first;
  return (unsigned char *)own->parts + (size_t)(place * own->stride) * number_bytes(own);
}

static void pack_part(const neurlp_rank_tree *tree, const void *own, int32_t slot, void *message) {
  const neurlp_tree_parts *parts = own;
  memcpy(message, part_of(tree, parts, slot), (size_t)parts->count * number_bytes(parts));
}

void neurlp_rank_tree_sum(neurlp_rank_tree *tree, const neurlp_tree_parts *own, void *total) {
  const neurlp_route *route = &tree->route;
  const size_t bytes = (size_t)own->count * number_bytes(own);
  tree->traffic.sums++;
  for (int32_t slot = 0; slot < route->slots; slot++)
    neurlp_tree_sum(own, piece_of(tree, tree->slot_node[2 * slot]),
                    piece_of(tree, tree->slot_node[2 * slot + 1]));
  for (int32_t i = 0; i < route->step_count; i++) {
    const neurlp_route_step *step = &route->steps[i];
    exchange(tree, step, pack_part, own, bytes);
    if (step->left == NEURLP_ROUTE_NONE) continue;
    const void *other = tree->received;
    if (step->left >= 0 && step->right >= 0)
      other = part_of(tree, own, step->into == step->left ? step->right : step->left);
    neurlp_tree_add(own->single, own->count, part_of(tree, own, step->into), other);
  }
  memcpy(total, route->result >= 0 ? part_of(tree, own, route->result) : (void *)tree->received, bytes);
}
