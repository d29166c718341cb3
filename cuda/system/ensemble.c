/* Ensembles of the backend cuda: trajectories in chunks, copied to the device, integrated, copied back, one
 * queue after the other in turn. */
#include "cuda/device/device.h"
#include "cuda/device/transfer.h"
#include "cuda/system/ensemble_compile.h"
#include "cuda/system/ensemble_kernels.h"
#include "expr/program.h"
#include "system/ensemble_backend.h"
#include "system/tableau.h"

#include <stdlib.h>
#include <string.h>

enum { GROUP = NEURLP_CUDA_GROUP, QUEUES = NEURLP_DEVICE_QUEUES };

/* Of a queue's room, at most; and the part of the free memory that it may take. */
static const size_t MOST_ROOM = (size_t)64 << 20;
enum { ROOM_PART = 8 };

/* Arrays of a call, in the order in which a room has them. */
typedef enum ensemble_role { TIMES, SHARED, INITIAL, PARAMETERS, STATES, STATUSES, ROLES } ensemble_role;

/* A caller's array, from which or to which it is copied unless the device can reach it. */
typedef struct ensemble_array {
  const unsigned char *from;
  unsigned char *to;
  size_t bytes;  /* of a trajectory; of everything where all share it */
  size_t offset; /* in a room */
  bool shared;
  neurlp_place place;
} ensemble_array;

typedef struct ensemble_queue {
  void *room, *pinned; /* room_bytes each */
  void *workspace;
  int64_t first, count; /* trajectories in it; count 0: none */
} ensemble_queue;

typedef struct ensemble_cuda {
  neurlp_context *context;
  neurlp_device *device;
  const neurlp_cuda_kernel *kernel;
  size_t number_bytes, room_bytes, group_bytes;
  int64_t threads;
  void *library; /* of the compiled kernel, which then takes the place of the interpreting one */
  neurlp_cuda_kernel compiled;
  void *instructions; /* on the device */
  int32_t count;
  ensemble_queue queues[QUEUES];
} ensemble_cuda;

static size_t whole(size_t bytes) {
  return (bytes + 255) / 256 * 256;
}

/* ---- the state --------------------------------------------------------------------------------------- */

static void destroy_cuda(void **state) {
  ensemble_cuda *e = *state;
  if (!e) return;
  const neurlp_device_operations *device = e->device->operations;
  neurlp_context *context = e->context;
  for (int32_t i = 0; i < QUEUES; i++) {
    device->release(e->device, &e->queues[i].room);
    device->release(e->device, &e->queues[i].workspace);
    device->release_pinned(e->device, &e->queues[i].pinned);
  }
  device->release(e->device, &e->instructions);
  if (e->library) device->unload(e->device, &e->library); /* releasing has waited for the queues */
  neurlp_release(context, state);
}

static neurlp_status allocate_queue(ensemble_cuda *e, ensemble_queue *q) {
  const neurlp_device_operations *device = e->device->operations;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(device->allocate(e->device, e->room_bytes, &q->room));
  NEURLP_TRY(device->allocate_pinned(e->device, e->room_bytes, &q->pinned));
  NEURLP_TRY(device->allocate(e->device, e->group_bytes * (size_t)(e->threads / GROUP), &q->workspace));
done:
  return status;
}

/* Copies the program to the device, by way of a queue's pinned room. */
static neurlp_status bring_program(ensemble_cuda *e, const neurlp_program *program) {
  const size_t bytes = (size_t)program->count * sizeof *program->instructions;
  const cuda_transfer transfer = {e->device, e->queues[0].pinned, e->room_bytes};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(e->device->operations->allocate(e->device, bytes, &e->instructions));
  NEURLP_TRY(neurlp_transfer_in(&transfer, e->instructions, program->instructions, bytes));
  e->count = program->count;
done:
  return status;
}

/* Compiles the equations into a kernel where that can be done; else they are interpreted. Only a device that
 * fails is a failure: NVRTC may be absent, and equations may be too long. NEURLP_EXPRESSIONS=interpret does
 * without, to compare. */
static neurlp_status compile_equations(ensemble_cuda *e, const neurlp_dynamics *dynamics,
                                       const neurlp_ensemble_options *options) {
  const char *how = getenv("NEURLP_EXPRESSIONS");
  neurlp_status status = NEURLP_SUCCESS;
  char *code = NULL;
  size_t bytes = 0;
  if (e->device->architecture == 0 || (how && strcmp(how, "interpret") == 0)) return status;
  if (neurlp_ensemble_compile_cuda(e->context, e->device->architecture, dynamics, options, &code, &bytes) < 0)
    return status;
  e->compiled.block = NEURLP_COMPILED_BLOCK;
  NEURLP_TRY(
      e->device->operations->load(e->device, code, NEURLP_COMPILED_NAME, &e->library, &e->compiled.device));
done:
  neurlp_release(e->context, &code);
  return status;
}

static neurlp_status create_on(neurlp_context *context, neurlp_device *device,
                               const neurlp_dynamics *dynamics, const neurlp_ensemble_options *options,
                               void **state) {
  const bool single = options->precision == NEURLP_SINGLE;
  const neurlp_program *program = dynamics->program;
  neurlp_status status = NEURLP_SUCCESS;
  void *made = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof(ensemble_cuda), &made));
  ensemble_cuda *e = made;
  e->context = context;
  e->device = device;
  e->kernel = options->method == NEURLP_ENSEMBLE_RK4 ? neurlp_cuda_rk4_kernel(single)
                                                     : neurlp_cuda_tsit5_kernel(single);
  e->number_bytes = single ? sizeof(float) : sizeof(double);
  const size_t numbers =
      (size_t)((2 + NEURLP_TABLEAU_STAGES) * (int64_t)dynamics->size + dynamics->parameters + program->slots);
  const size_t part = device->operations->free_bytes(device) / ROOM_PART;
  e->group_bytes = whole(GROUP * numbers * e->number_bytes);
  e->room_bytes = part < MOST_ROOM ? part : MOST_ROOM;
  e->threads = (device->threads + GROUP - 1) / GROUP * GROUP;
  while (e->threads > GROUP && e->group_bytes * (size_t)(e->threads / GROUP) > part) {
    e->threads = (e->threads / 2 + GROUP - 1) / GROUP * GROUP;
  }
  for (int32_t i = 0; i < QUEUES; i++) NEURLP_TRY(allocate_queue(e, &e->queues[i]));
  NEURLP_TRY(bring_program(e, program));
  NEURLP_TRY(compile_equations(e, dynamics, options));
  *state = made;
  made = NULL;
done:
  destroy_cuda(&made);
  return status;
}

/* ---- a call ------------------------------------------------------------------------------------------ */

typedef struct ensemble_run {
  ensemble_cuda *ensemble;
  const neurlp_ensemble_call *call;
  ensemble_array arrays[ROLES];
  int64_t chunk; /* trajectories that go through at one time */
  int64_t failed;
} ensemble_run;

static void list_arrays(const ensemble_cuda *e, const neurlp_ensemble_call *call, ensemble_array *list) {
  const size_t number = e->number_bytes, P = (size_t)call->parameters_count * number;
  const size_t T = (size_t)call->times_count, n = (size_t)call->size * number;
  list[TIMES] = (ensemble_array){
      .from = (const unsigned char *)call->times, .bytes = T * sizeof *call->times, .shared = true};
  list[call->shared_parameters ? SHARED : PARAMETERS] =
      (ensemble_array){.from = call->parameters, .bytes = P, .shared = call->shared_parameters};
  list[INITIAL] = (ensemble_array){.from = call->initial, .bytes = n};
  list[STATES] = (ensemble_array){.to = call->states, .bytes = call->final_only ? n : T * n};
  list[STATUSES] = (ensemble_array){.to = (unsigned char *)call->statuses, .bytes = sizeof(neurlp_status)};
  for (int32_t i = 0; i < ROLES; i++) {
    const void *array = list[i].from ? (const void *)list[i].from : list[i].to;
    list[i].place = array ? e->device->operations->place(e->device, array) : NEURLP_PLACE_HOST;
  }
  list[STATUSES].place = NEURLP_PLACE_HOST; /* they are the host's, and counted there */
}

/* Bytes of a room for so many trajectories; writes where each array is. */
static size_t lay_out(ensemble_array *list, int64_t count) {
  size_t end = 0;
  for (int32_t i = 0; i < ROLES; i++) {
    list[i].offset = end;
    if (list[i].place != NEURLP_PLACE_DEVICE)
      end += whole(list[i].bytes * (list[i].shared ? 1 : (size_t)count));
  }
  return end;
}

/* As many trajectories as a room holds, at least one. */
static neurlp_status plan_chunk(ensemble_run *r) {
  const ensemble_cuda *e = r->ensemble;
  const size_t one = lay_out(r->arrays, 1);
  int64_t least = 1, most = r->call->systems;
  if (one > e->room_bytes)
    return neurlp_fail(
        e->context, NEURLP_ERROR_MEMORY,
        "%s: a trajectory of %lld times needs %zu bytes, and there is room for %zu; keep fewer "
        "times, or use the backend cpu",
        e->device->name, (long long)r->call->times_count, one, e->room_bytes);
  while (least < most) {
    const int64_t middle = least + (most - least + 1) / 2;
    if (lay_out(r->arrays, middle) <= e->room_bytes)
      least = middle;
    else
      most = middle - 1;
  }
  r->chunk = least;
  (void)lay_out(r->arrays, r->chunk);
  return NEURLP_SUCCESS;
}

/* The device's pointer to an array of the chunk in a queue; inputs of the host are copied. */
static neurlp_status bring(const ensemble_run *r, int32_t queue, ensemble_role role, void **pointer) {
  const ensemble_cuda *e = r->ensemble;
  const ensemble_queue *q = &e->queues[queue];
  const ensemble_array *a = &r->arrays[role];
  const size_t skipped = a->shared ? 0 : a->bytes * (size_t)q->first;
  const size_t bytes = a->bytes * (a->shared ? 1 : (size_t)q->count);
  unsigned char *room = (unsigned char *)q->room + a->offset;
  *pointer = room;
  if (!a->from) {
    if (a->to && a->place == NEURLP_PLACE_DEVICE) *pointer = a->to + skipped;
    return NEURLP_SUCCESS;
  }
  const void *from = a->from + skipped;
  if (a->place == NEURLP_PLACE_DEVICE) {
    memcpy(pointer, &from, sizeof from); /* the kernel only reads it */
    return NEURLP_SUCCESS;
  }
  if (a->place == NEURLP_PLACE_HOST) from = memcpy((unsigned char *)q->pinned + a->offset, from, bytes);
  return e->device->operations->copy(e->device, queue, room, from, bytes);
}

static neurlp_status begin_chunk(ensemble_run *r, int32_t queue, int64_t first) {
  ensemble_cuda *e = r->ensemble;
  ensemble_queue *q = &e->queues[queue];
  const neurlp_device_operations *device = e->device->operations;
  const int64_t left = r->call->systems - first;
  neurlp_status status = NEURLP_SUCCESS;
  void *on[ROLES];
  q->first = first;
  q->count = left < r->chunk ? left : r->chunk;
  for (int32_t i = 0; i < ROLES; i++) NEURLP_TRY(bring(r, queue, (ensemble_role)i, &on[i]));
  neurlp_cuda_ensemble arguments = {.call = *r->call,
                                    .instructions = e->instructions,
                                    .count = e->count,
                                    .threads = e->threads,
                                    .workspace = q->workspace,
                                    .group_bytes = e->group_bytes};
  arguments.call.systems = q->count;
  arguments.call.times = on[TIMES];
  arguments.call.initial = on[INITIAL];
  arguments.call.parameters = on[r->call->shared_parameters ? SHARED : PARAMETERS];
  arguments.call.states = on[STATES];
  arguments.call.statuses = on[STATUSES];
  if (e->library)
    NEURLP_TRY(
        device->launch(e->device, queue, &e->compiled, q->count, &arguments.call, sizeof arguments.call));
  else
    NEURLP_TRY(device->launch(e->device, queue, e->kernel, q->count < e->threads ? q->count : e->threads,
                              &arguments, sizeof arguments));
  for (int32_t i = STATES; i <= STATUSES; i++) {
    const ensemble_array *a = &r->arrays[i];
    if (a->place == NEURLP_PLACE_DEVICE) continue;
    unsigned char *to = a->place == NEURLP_PLACE_PINNED ? a->to + a->bytes * (size_t)q->first
                                                        : (unsigned char *)q->pinned + a->offset;
    NEURLP_TRY(device->copy(e->device, queue, to, on[i], a->bytes * (size_t)q->count));
  }
done:
  return status;
}

/* Waits for a queue and gives the caller what has come back. */
static neurlp_status finish_chunk(ensemble_run *r, int32_t queue) {
  ensemble_cuda *e = r->ensemble;
  ensemble_queue *q = &e->queues[queue];
  const unsigned char *pinned = q->pinned;
  neurlp_status status = NEURLP_SUCCESS;
  if (q->count == 0) return status;
  NEURLP_TRY(e->device->operations->wait(e->device, queue));
  for (int32_t i = STATES; i <= STATUSES; i++) {
    const ensemble_array *a = &r->arrays[i];
    if (a->to && a->place == NEURLP_PLACE_HOST)
      memcpy(a->to + a->bytes * (size_t)q->first, pinned + a->offset, a->bytes * (size_t)q->count);
  }
  const neurlp_status *statuses = (const neurlp_status *)(const void *)(pinned + r->arrays[STATUSES].offset);
  for (int64_t s = 0; s < q->count; s++) r->failed += statuses[s] != NEURLP_SUCCESS;
done:
  q->count = 0;
  return status;
}

static neurlp_status integrate_cuda(void *state, const neurlp_ensemble_call *call, int64_t *failed) {
  ensemble_run r = {.ensemble = state, .call = call};
  const neurlp_device *device = r.ensemble->device;
  neurlp_status status = NEURLP_SUCCESS;
  int32_t queue = 0;
  if (call->systems == 0) return status;
  list_arrays(r.ensemble, call, r.arrays);
  NEURLP_TRY(plan_chunk(&r));
  for (int64_t first = 0; first < call->systems; first += r.chunk, queue = (queue + 1) % QUEUES) {
    NEURLP_TRY(finish_chunk(&r, queue));
    NEURLP_TRY(begin_chunk(&r, queue, first));
  }
  for (int32_t i = 0; i < QUEUES; i++, queue = (queue + 1) % QUEUES) NEURLP_TRY(finish_chunk(&r, queue));
  *failed = r.failed;
done:
  for (int32_t i = 0; status < 0 && i < QUEUES; i++) { /* nothing may be left that writes to the caller's */
    r.ensemble->queues[i].count = 0;
    (void)device->operations->wait(r.ensemble->device, i);
  }
  return status;
}

/* ---- on which device --------------------------------------------------------------------------------- */

#define DEFINE_BACKEND(suffix, open)                                                                         \
  static neurlp_status create_##suffix(neurlp_context *context, const neurlp_dynamics *dynamics,             \
                                       const neurlp_ensemble_options *options, void **state) {               \
    neurlp_device *device = NULL;                                                                            \
    const neurlp_status status = open(context, &device);                                                     \
    return status < 0 ? status : create_on(context, device, dynamics, options, state);                       \
  }                                                                                                          \
  const neurlp_ensemble_backend *neurlp_ensemble_backend_##suffix(void) {                                    \
    static const neurlp_ensemble_backend backend = {                                                         \
        .create = create_##suffix, .destroy = destroy_cuda, .integrate = integrate_cuda};                    \
    return &backend;                                                                                         \
  }

DEFINE_BACKEND(cuda, neurlp_device_of_cuda)
DEFINE_BACKEND(cuda_check, neurlp_device_of_host)
