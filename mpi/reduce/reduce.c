#include "reduce/reduce.h"

#include "comm.h"
#include "learn/shard_sum.h"
#include "reduce/route.h"

enum { PIECE_BYTES = 1 << 20, QUEUES = NEURLP_VECTORS_QUEUES, TAG = 0 };

struct neurlp_reduce {
  MPI_Comm comm, own; /* the caller's, for statuses, and a copy for vectors */
  neurlp_context *context;
  neurlp_vectors vectors;
  neurlp_reduce_spec spec;
  neurlp_shard_sum sum;
  neurlp_route route;
  neurlp_traffic traffic;
  MPI_Request *requests;
  bool alone;    /* no other ranks */
  int64_t piece; /* numbers */
  size_t number_bytes;
  void *received;        /* a piece, where no staging is */
  void *staging[QUEUES]; /* a piece of each slot, then a received one */
};

/* Where the pieces of the slots are that are being summed. */
typedef struct places {
  unsigned char *slots, *received;
  size_t stride; /* bytes from slot to slot */
  int64_t count; /* numbers */
} places;

static unsigned char *place_of(const places *p, int32_t slot) {
  return slot == NEURLP_ROUTE_RECEIVED ? p->received : p->slots + (size_t)slot * p->stride;
}

/* ---- one piece --------------------------------------------------------------------------------------- */

static MPI_Datatype type_of(const neurlp_reduce *r) {
  return r->spec.single ? MPI_FLOAT : MPI_DOUBLE;
}

static neurlp_status add(const neurlp_reduce *r, const places *p, const neurlp_route_step *step) {
  const neurlp_vectors *v = &r->vectors;
  unsigned char *to = place_of(p, step->into), *left = place_of(p, step->left),
                *right = place_of(p, step->right);
  neurlp_status status = NEURLP_SUCCESS;
  if (r->spec.transport != NEURLP_TRANSPORT_AWARE) {
    neurlp_vectors_add(r->spec.single, p->count, to, left, right);
    return status;
  }
  NEURLP_TRY(v->add(v->user, 0, r->spec.single, p->count, to, left, right));
  NEURLP_TRY(v->wait(v->user, 0)); /* before MPI reads it */
done:
  return status;
}

/* Both ways at once. A failure of the device in between leaves nobody waiting: messages go on. */
static neurlp_status run_step(neurlp_reduce *r, const places *p, const neurlp_route_step *step) {
  int pending = 0;
  if (step->from >= 0)
    MPI_Irecv(p->received, (int)p->count, type_of(r), step->from, TAG, r->own, &r->requests[pending++]);
  for (int32_t i = 0; i < step->sends; i++) {
    const neurlp_route_send *send = &r->route.sends[step->first_send + i];
    MPI_Isend(place_of(p, send->slot), (int)p->count, type_of(r), send->to, TAG, r->own,
              &r->requests[pending++]);
  }
  r->traffic.messages += step->sends;
  r->traffic.bytes += step->sends * p->count * (int64_t)r->number_bytes;
  if (MPI_Waitall(pending, r->requests, MPI_STATUSES_IGNORE) != MPI_SUCCESS)
    return neurlp_fail(r->context, NEURLP_ERROR_INTERNAL, "MPI could not send sums of gradients");
  return step->left == NEURLP_ROUTE_NONE ? NEURLP_SUCCESS : add(r, p, step);
}

static neurlp_status sum_fast(neurlp_reduce *r, const places *p) {
  r->traffic.messages++;
  r->traffic.bytes += p->count * (int64_t)r->number_bytes;
  if (MPI_Allreduce(MPI_IN_PLACE, p->slots, (int)p->count, type_of(r), MPI_SUM, r->own) != MPI_SUCCESS)
    return neurlp_fail(r->context, NEURLP_ERROR_INTERNAL, "MPI could not sum gradients");
  return NEURLP_SUCCESS;
}

static neurlp_status sum_piece(neurlp_reduce *r, const places *p) {
  neurlp_status status = NEURLP_SUCCESS;
  if (r->spec.fast) return sum_fast(r, p);
  for (int32_t i = 0; i < r->route.step_count; i++) {
    const neurlp_status now = run_step(r, p, &r->route.steps[i]);
    if (now < 0) status = now;
  }
  return status;
}

/* ---- all pieces -------------------------------------------------------------------------------------- */

/* The slot of the sum, and how many have to be sent for it. */
static int32_t result_of(const neurlp_reduce *r) {
  return r->spec.fast ? 0 : r->route.result;
}

static int32_t slots_of(const neurlp_reduce *r) {
  return r->spec.fast ? 1 : r->route.slots;
}

static int64_t piece_count(const neurlp_reduce *r, int64_t first) {
  return r->spec.count - first < r->piece ? r->spec.count - first : r->piece;
}

/* MPI has the slots themselves. */
static neurlp_status sum_in_place(neurlp_reduce *r, void *sum) {
  const neurlp_vectors *v = &r->vectors;
  neurlp_status status = v->wait(v->user, 0);
  for (int64_t first = 0; first < r->spec.count; first += r->piece) {
    const size_t skipped = (size_t)first * r->number_bytes;
    const places p = {.slots = r->sum.slots + skipped,
                      .received = r->received,
                      .stride = r->sum.slot_bytes,
                      .count = piece_count(r, first)};
    neurlp_status now = sum_piece(r, &p);
    if (now >= 0)
      now = v->copy(v->user, 0, (unsigned char *)sum + skipped, place_of(&p, result_of(r)),
                    (size_t)p.count * r->number_bytes);
    if (now >= 0 && result_of(r) == NEURLP_ROUTE_RECEIVED) now = v->wait(v->user, 0); /* the next one comes */
    if (now < 0) status = now;
  }
  const neurlp_status last = v->wait(v->user, 0);
  return last < 0 ? last : status;
}

/* Puts the copies of a piece of all slots to the host into a queue. */
static neurlp_status fetch(neurlp_reduce *r, int32_t queue, int64_t first) {
  const neurlp_vectors *v = &r->vectors;
  const size_t stride = (size_t)r->piece * r->number_bytes, skipped = (size_t)first * r->number_bytes;
  unsigned char *to = r->staging[queue];
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t slot = 0; slot < slots_of(r) && first < r->spec.count; slot++)
    NEURLP_TRY(v->copy(v->user, queue, to + (size_t)slot * stride,
                       r->sum.slots + (size_t)slot * r->sum.slot_bytes + skipped,
                       (size_t)piece_count(r, first) * r->number_bytes));
done:
  return status;
}

/* While one piece is with MPI the next one is copied to the host, and the last one back, in the other queue:
 * one after the other there, so that what is brought cannot overtake what is still to be taken away. */
static neurlp_status sum_staged(neurlp_reduce *r, void *sum) {
  const neurlp_vectors *v = &r->vectors;
  const size_t stride = (size_t)r->piece * r->number_bytes;
  neurlp_status status = v->wait(v->user, 0), now; /* what was added is there for both queues */
  int32_t queue = 0;
  if ((now = fetch(r, 0, 0)) < 0) status = now;
  for (int64_t first = 0; first < r->spec.count; first += r->piece, queue = (queue + 1) % QUEUES) {
    unsigned char *staging = r->staging[queue];
    const places p = {.slots = staging,
                      .received = staging + (size_t)slots_of(r) * stride,
                      .stride = stride,
                      .count = piece_count(r, first)};
    if ((now = fetch(r, (queue + 1) % QUEUES, first + r->piece)) < 0) status = now;
    if ((now = v->wait(v->user, queue)) < 0) status = now;
    if ((now = sum_piece(r, &p)) < 0) status = now;
    now = v->copy(v->user, queue, (unsigned char *)sum + (size_t)first * r->number_bytes,
                  place_of(&p, result_of(r)), (size_t)p.count * r->number_bytes);
    if (now < 0) status = now;
  }
  for (queue = 0; queue < QUEUES; queue++)
    if ((now = v->wait(v->user, queue)) < 0) status = now;
  return status;
}

/* ---- the table --------------------------------------------------------------------------------------- */

static neurlp_status begin_reduce(void *user) {
  neurlp_reduce *r = user;
  const neurlp_vectors *v = &r->vectors;
  neurlp_shard_sum_begin(&r->sum);
  if (!r->spec.fast || r->sum.spec.shard_count > 0) return NEURLP_SUCCESS;
  return v->clear(v->user, 0, r->sum.slots, neurlp_shard_sum_bytes(&r->sum.spec)); /* what this rank adds */
}

static neurlp_status add_reduce(void *user, int64_t shard, const void *vector) {
  neurlp_reduce *r = user;
  return neurlp_shard_sum_add(&r->sum, shard, vector);
}

static neurlp_status finish_reduce(void *user, neurlp_status mine, void *sum) {
  neurlp_reduce *r = user;
  const bool staged = r->spec.transport == NEURLP_TRANSPORT_STAGED;
  if (mine >= 0) {
    const neurlp_status complete = neurlp_shard_sum_check(&r->sum);
    if (complete < 0) mine = complete;
  }
  neurlp_status status = neurlp_agree(r->comm, r->context, mine);
  if (status < 0) return status;
  const neurlp_status here = staged ? sum_staged(r, sum) : sum_in_place(r, sum);
  r->traffic.sums++;
  /* A device may fail on the way, and then others have a wrong sum; the host does not. */
  if (r->vectors.place == NEURLP_VECTORS_HOST) return here < 0 ? here : status;
  const neurlp_status all = neurlp_agree(r->comm, r->context, here);
  return all < 0 ? all : status;
}

neurlp_reducer neurlp_reduce_table(neurlp_reduce *r) {
  return (neurlp_reducer){.first_shard = r->sum.spec.first_shard,
                          .shard_count = r->sum.spec.shard_count,
                          .alone = r->alone,
                          .begin = begin_reduce,
                          .add = add_reduce,
                          .finish = finish_reduce,
                          .user = r};
}

neurlp_traffic neurlp_reduce_traffic(const neurlp_reduce *r) {
  return r->traffic;
}

/* ---- the object -------------------------------------------------------------------------------------- */

static neurlp_status check_spec(neurlp_context *context, const neurlp_reduce_spec *spec) {
  if (spec->shards < 1 || spec->shards > INT32_MAX || spec->count < 0 || spec->piece < 0)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "a sum of %lld shards of %lld numbers in pieces of %lld", (long long)spec->shards,
                       (long long)spec->count, (long long)spec->piece);
  return NEURLP_SUCCESS;
}

/* Memory for pieces that are on their way. */
static neurlp_status allocate_pieces(neurlp_reduce *r) {
  const size_t piece = (size_t)r->piece * r->number_bytes;
  const neurlp_vectors *v = &r->vectors;
  neurlp_status status = NEURLP_SUCCESS;
  int32_t most = 0;
  for (int32_t i = 0; i < r->route.step_count; i++)
    if (r->route.steps[i].sends > most) most = r->route.steps[i].sends;
  NEURLP_TRY(neurlp_allocate(r->context, most + 1, sizeof(MPI_Request), &r->requests));
  if (r->spec.transport != NEURLP_TRANSPORT_STAGED) return v->allocate(v->user, piece, &r->received);
  for (int32_t queue = 0; queue < QUEUES; queue++)
    NEURLP_TRY(v->allocate_staging(v->user, (size_t)(slots_of(r) + 1) * piece, &r->staging[queue]));
done:
  return status;
}

static neurlp_status allocate_all(neurlp_reduce *r) {
  neurlp_status status = NEURLP_SUCCESS;
  int rank = 0, size = 1;
  MPI_Comm_rank(r->comm, &rank);
  MPI_Comm_size(r->comm, &size);
  r->alone = size == 1;
  neurlp_shard_sum_spec own = {
      .shards = r->spec.shards, .count = r->spec.count, .single = r->spec.single, .in_order = r->spec.fast};
  NEURLP_TRY(check_spec(r->context, &r->spec));
  neurlp_partition(own.shards, rank, size, &own.first_shard, &own.shard_count);
  r->number_bytes = own.single ? sizeof(float) : sizeof(double);
  r->piece = r->spec.piece > 0 ? r->spec.piece : (int64_t)(PIECE_BYTES / r->number_bytes);
  if (r->piece > r->spec.count) r->piece = r->spec.count > 0 ? r->spec.count : 1;
  NEURLP_TRY(neurlp_route_create(r->context, own.shards, rank, size, &r->route));
  NEURLP_TRY(neurlp_shard_sum_create(r->context, &r->vectors, &own, &r->sum));
  status = allocate_pieces(r);
done:
  return status;
}

neurlp_status neurlp_reduce_create(MPI_Comm comm, neurlp_context *context, const neurlp_vectors *vectors,
                                   const neurlp_reduce_spec *spec, neurlp_reduce **reduce) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_reduce *made = NULL;
  *reduce = NULL;
  const neurlp_status room = neurlp_allocate(context, 1, sizeof *made, &made);
  if (made) /* it may be another rank that has no room */
    *made = (neurlp_reduce){
        .comm = comm, .own = MPI_COMM_NULL, .context = context, .vectors = *vectors, .spec = *spec};
  NEURLP_TRY(neurlp_agree(comm, context, room));
  NEURLP_TRY(neurlp_agree(comm, context, allocate_all(made)));
  MPI_Comm_dup(comm, &made->own);
  *reduce = made;
  made = NULL;
done:
  neurlp_reduce_destroy(&made);
  return status;
}

void neurlp_reduce_destroy(neurlp_reduce **reduce) {
  neurlp_reduce *r = *reduce;
  if (!r) return;
  const neurlp_vectors *v = &r->vectors;
  neurlp_context *context = r->context;
  if (r->own != MPI_COMM_NULL) MPI_Comm_free(&r->own);
  for (int32_t queue = 0; queue < QUEUES; queue++) v->release_staging(v->user, &r->staging[queue]);
  v->release(v->user, &r->received);
  neurlp_shard_sum_release(&r->sum);
  neurlp_route_release(context, &r->route);
  neurlp_release(context, &r->requests);
  neurlp_release(context, reduce);
}
