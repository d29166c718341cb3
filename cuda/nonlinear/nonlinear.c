/* Nonlinear blocks of the library on a device, for equations that it can interpret
 * (block/nonlinear/equations.h): some systems at a time are brought there, iterated until all are done, and
 * taken back. */
#include "cuda/nonlinear/window_core.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Of the memory that is free, what systems and their linear blocks may take at one time; at most, in bytes.
 */
enum { PART = 8 };
static const size_t MOST_BYTES = (size_t)1 << 30;

typedef struct nonlinear_cuda {
  window_core core;
  int64_t chunk;             /* systems that are on the device at one time */
  int32_t *column_parameter; /* [P] */
  double *packed;            /* [chunk][T][D][d+1], and other numbers of a chunk */
  double *columns;           /* [slots][T][D][d+1][P + D kappa], if the block is for sensitivities */
  double *grad_theta, *grad_initial, *grad_h; /* [slots][...], if it is for gradients */
  neurlp_status *status;                      /* [slots] */
  neurlp_cuda_window *places;                 /* [chunk] */
} nonlinear_cuda;

/* ---- the state --------------------------------------------------------------------------------------- */

static window_sizes sizes_for(const nonlinear_cuda *n, const neurlp_nonlinear_shape *shape, int64_t systems) {
  return (window_sizes){.windows = systems,
                        .points = systems * shape->steps,
                        .scales = systems,
                        .groups = systems,
                        .columns = shape->parameters,
                        .column_parameter = n->column_parameter};
}

/* Bytes of the device that so many systems take. */
static size_t bytes_for(nonlinear_cuda *n, int64_t systems) {
  window_core *c = &n->core;
  c->sizes = sizes_for(n, &c->shape, systems);
  c->measuring = true;
  c->array_bytes = 0;
  (void)neurlp_core_reserve_all(c);
  c->measuring = false;
  const size_t arrays = c->array_bytes;
  c->array_bytes = 0;
  return arrays + (size_t)systems * neurlp_core_slot_bytes(c, 1);
}

/* As many systems as fit, at least one. */
static int64_t choose_chunk(nonlinear_cuda *n, size_t most_bytes) {
  int64_t least = 1, most = n->core.shape.systems > 1 ? n->core.shape.systems : 1;
  while (least < most) {
    const int64_t middle = least + (most - least + 1) / 2;
    if (bytes_for(n, middle) <= most_bytes)
      least = middle;
    else
      most = middle - 1;
  }
  return least;
}

static void destroy_cuda(void **state) {
  nonlinear_cuda *n = *state;
  if (!n) return;
  neurlp_context *context = n->core.context;
  neurlp_core_destroy(&n->core);
  neurlp_release(context, &n->column_parameter);
  neurlp_release(context, &n->packed);
  neurlp_release(context, &n->columns);
  neurlp_release(context, &n->grad_theta);
  neurlp_release(context, &n->grad_initial);
  neurlp_release(context, &n->grad_h);
  neurlp_release(context, &n->status);
  neurlp_release(context, &n->places);
  neurlp_release(context, state);
}

static neurlp_status allocate_host(nonlinear_cuda *n) {
  const window_core *c = &n->core;
  const int64_t T = c->given.steps, unknowns = c->given.unknowns, P = c->shape.parameters,
                v = (int64_t)c->shape.dimensions * c->shape.leading_derivative;
  const window_block *solve = &c->blocks[NEURLP_CUDA_SOLVE], *forward = &c->blocks[NEURLP_CUDA_FORWARD];
  const int64_t slots = solve->capacity > forward->capacity ? solve->capacity : forward->capacity;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(c->context, n->chunk * T * unknowns, sizeof(double), &n->packed));
  NEURLP_TRY(neurlp_allocate(c->context, slots, sizeof *n->status, &n->status));
  NEURLP_TRY(neurlp_allocate(c->context, n->chunk, sizeof *n->places, &n->places));
  NEURLP_TRY(neurlp_allocate(c->context, forward->capacity * T * unknowns * forward->right, sizeof(double),
                             &n->columns));
  if (!c->shape.adjoint) goto done;
  NEURLP_TRY(neurlp_allocate(c->context, solve->capacity * P, sizeof(double), &n->grad_theta));
  NEURLP_TRY(neurlp_allocate(c->context, solve->capacity * v, sizeof(double), &n->grad_initial));
  NEURLP_TRY(neurlp_allocate(c->context, solve->capacity * (T - 1), sizeof(double), &n->grad_h));
done:
  return status;
}

static neurlp_status create_on(neurlp_context *context, neurlp_device *device,
                               const neurlp_nonlinear_shape *shape, void **state) {
  const size_t part = device->operations->free_bytes(device) / PART;
  const size_t most = part < MOST_BYTES ? part : MOST_BYTES;
  const neurlp_model *model = shape->equations->model;
  const int64_t v = (int64_t)shape->dimensions * shape->leading_derivative;
  const int64_t right[WINDOW_MODES] = {
      [NEURLP_CUDA_SOLVE] = 1, [NEURLP_CUDA_FORWARD] = shape->forward ? shape->parameters + v : 0};
  neurlp_status status = NEURLP_SUCCESS;
  void *made = NULL;
  window_sizes sizes;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof(nonlinear_cuda), &made));
  nonlinear_cuda *n = made;
  n->core.context = context;
  NEURLP_TRY(neurlp_allocate(context, shape->parameters, sizeof(int32_t), &n->column_parameter));
  for (int32_t p = 0; p < shape->parameters; p++) n->column_parameter[p] = p;
  sizes = sizes_for(n, shape, 1);
  NEURLP_TRY(neurlp_core_begin(&n->core, device, shape, model, &sizes)); /* to see how many fit */
  n->chunk = choose_chunk(n, most);
  neurlp_core_destroy(&n->core);
  sizes = sizes_for(n, shape, n->chunk);
  NEURLP_TRY(neurlp_core_begin(&n->core, device, shape, model, &sizes));
  NEURLP_TRY(neurlp_core_reserve_all(&n->core));
  NEURLP_TRY(neurlp_core_create_blocks(&n->core, right, most));
  NEURLP_TRY(neurlp_core_create_workspace(&n->core, 0));
  NEURLP_TRY(neurlp_core_bring_model(&n->core));
  NEURLP_TRY(allocate_host(n));
  *state = made;
  made = NULL;
done:
  destroy_cuda(&made);
  return status;
}

/* ---- a chunk of systems ------------------------------------------------------------------------------ */

/* Systems first, first + 1, ... of a call. */
typedef struct chunk {
  const neurlp_nonlinear_batch *batch;
  int64_t first, count;
} chunk;

static int64_t point_of(const window_core *c, const neurlp_nonlinear_batch *batch, int64_t s) {
  return batch->first_point ? batch->first_point[s] : s * c->given.steps;
}

static int64_t step_of(const window_core *c, const neurlp_nonlinear_batch *batch, int64_t s) {
  return batch->first_point ? batch->first_point[s] : s * (c->given.steps - 1);
}

/* Packs `width` numbers of each grid point of the systems [first .. first + count), zeros behind them. */
static void pack_points(nonlinear_cuda *n, const neurlp_nonlinear_batch *batch, int64_t first, int64_t count,
                        int64_t width, const double *from) {
  const window_core *c = &n->core;
  const int64_t all = c->given.steps * width;
#pragma omp parallel for num_threads(neurlp_context_threads(c->context))
  for (int64_t i = 0; i < count; i++) {
    const int64_t length = batch->lengths ? batch->lengths[first + i] : c->given.steps, own = length * width;
    double *to = n->packed + i * all;
    if (from) memcpy(to, from + point_of(c, batch, first + i) * width, (size_t)own * sizeof *to);
    memset(to + (from ? own : 0), 0, (size_t)(from ? all - own : all) * sizeof *to);
  }
}

static neurlp_status bring_places(nonlinear_cuda *n, const chunk *k) {
  window_core *c = &n->core;
  const int64_t T = c->given.steps;
  neurlp_cuda_window *list = n->places;
  for (int64_t i = 0; i < k->count; i++) {
    c->points[i] = k->batch->lengths ? k->batch->lengths[k->first + i] : (int32_t)T;
    list[i] = (neurlp_cuda_window){.first_point = i * T,
                                   .points = c->points[i],
                                   .first_interval = i * (T - 1),
                                   .group = i,
                                   .segment = i};
  }
  return neurlp_core_bring(c, c->given.windows, list, k->count, sizeof *list);
}

static neurlp_status bring_intervals(nonlinear_cuda *n, const chunk *k) {
  const window_core *c = &n->core;
  const int64_t most = c->given.steps - 1;
  for (int64_t i = 0; i < k->count; i++) {
    const int64_t own = c->points[i] - 1;
    memcpy(n->packed + i * most, k->batch->steps + step_of(c, k->batch, k->first + i),
           (size_t)own * sizeof(double));
    memset(n->packed + i * most + own, 0, (size_t)(most - own) * sizeof(double));
  }
  return neurlp_core_bring(c, c->given.intervals, n->packed, k->count * most, sizeof(double));
}

static neurlp_status bring_scale(nonlinear_cuda *n, const chunk *k) {
  const window_core *c = &n->core;
  const int64_t D = c->shape.dimensions, count = k->count * D;
  for (int64_t i = 0; i < count; i++) n->packed[i] = k->batch->scale ? k->batch->scale[k->first * D + i] : 1;
  return neurlp_core_bring(c, c->given.scale, n->packed, count, sizeof(double));
}

/* Everything of a chunk that a call needs to the device. */
static neurlp_status bring_chunk(nonlinear_cuda *n, const chunk *k, const double *trajectories) {
  window_core *c = &n->core;
  const neurlp_nonlinear_batch *batch = k->batch;
  const int64_t P = c->shape.parameters, v = (int64_t)c->shape.dimensions * c->shape.leading_derivative;
  const int64_t points = k->count * c->given.steps;
  const size_t number = sizeof(double);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(bring_places(n, k));
  NEURLP_TRY(bring_intervals(n, k));
  NEURLP_TRY(bring_scale(n, k));
  if (P > 0)
    NEURLP_TRY(neurlp_core_bring(c, c->theta, batch->parameters + k->first * P, k->count * P, number));
  NEURLP_TRY(
      neurlp_core_bring(c, c->given.initial, batch->initial_values + k->first * v, k->count * v, number));
  pack_points(n, batch, k->first, k->count, 1, batch->times);
  NEURLP_TRY(neurlp_core_bring(c, c->given.times, n->packed, points, number));
  pack_points(n, batch, k->first, k->count, c->given.unknowns, trajectories);
  NEURLP_TRY(neurlp_core_bring(c, c->given.state, n->packed, points * c->given.unknowns, number));
  status = neurlp_core_choose(c, NULL, k->count);
done:
  return status;
}

/* The trajectories of a chunk back to the caller. */
static neurlp_status take_chunk(nonlinear_cuda *n, const chunk *k, double *trajectories) {
  const window_core *c = &n->core;
  const int64_t all = c->given.steps * c->given.unknowns;
  const neurlp_status status =
      neurlp_transfer_out(&c->transfer, n->packed, c->given.state, (size_t)(k->count * all) * sizeof(double));
  for (int64_t i = 0; status >= 0 && i < k->count; i++)
    memcpy(trajectories + point_of(c, k->batch, k->first + i) * c->given.unknowns, n->packed + i * all,
           (size_t)(c->points[i] * c->given.unknowns) * sizeof(double));
  return status;
}

/* The next chunk of a call; its count is 0 behind the last. */
static void next_chunk(const nonlinear_cuda *n, chunk *k) {
  k->first += k->count;
  const int64_t left = k->batch->systems - k->first;
  k->count = left < n->chunk ? left : n->chunk;
}

/* ---- operations -------------------------------------------------------------------------------------- */

static neurlp_status solve_cuda(void *state, const neurlp_nonlinear_batch *batch, double *trajectories,
                                neurlp_status *statuses) {
  nonlinear_cuda *n = state;
  window_core *c = &n->core;
  neurlp_status status = NEURLP_SUCCESS;
  chunk k = {.batch = batch};
  for (next_chunk(n, &k); k.count > 0; next_chunk(n, &k)) {
    NEURLP_TRY(bring_chunk(n, &k, trajectories));
    neurlp_cuda_windows g = c->given;
    NEURLP_TRY(neurlp_core_solve(c, &g));
    NEURLP_TRY(take_chunk(n, &k, trajectories));
    NEURLP_TRY(
        neurlp_transfer_out(&c->transfer, statuses + k.first, g.status, (size_t)k.count * sizeof *statuses));
  }
done:
  return status;
}

static neurlp_status sensitivity_piece(nonlinear_cuda *n, const chunk *k, int64_t offset, int64_t slots,
                                       neurlp_receive_sensitivity receive, neurlp_status *statuses) {
  window_core *c = &n->core;
  neurlp_cuda_windows g = c->given;
  const int64_t stride = g.steps * g.unknowns * c->blocks[NEURLP_CUDA_FORWARD].right,
                first = k->first + offset;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_fill(c, &g, NEURLP_CUDA_FORWARD, false, offset, slots));
  NEURLP_TRY(neurlp_core_solve_block(c, &g));
  NEURLP_TRY(
      neurlp_transfer_out(&c->transfer, n->columns, g.solution, (size_t)(slots * stride) * sizeof(double)));
  NEURLP_TRY(neurlp_transfer_out(&c->transfer, n->status, g.block_status, (size_t)slots * sizeof *n->status));
#pragma omp parallel for schedule(dynamic, 4) num_threads(neurlp_context_threads(c->context))
  for (int64_t i = 0; i < slots; i++) {
    statuses[first + i] = n->status[i];
    if (n->status[i] == NEURLP_SUCCESS)
      receive(k->batch->user, (int32_t)omp_get_thread_num(), first + i, c->points[offset + i],
              n->columns + i * stride);
  }
done:
  return status;
}

static neurlp_status sensitivity_cuda(void *state, const neurlp_nonlinear_batch *batch,
                                      const double *trajectories, neurlp_receive_sensitivity receive,
                                      neurlp_status *statuses) {
  nonlinear_cuda *n = state;
  const int64_t most = n->core.blocks[NEURLP_CUDA_FORWARD].capacity;
  neurlp_status status = NEURLP_SUCCESS;
  chunk k = {.batch = batch};
  for (next_chunk(n, &k); k.count > 0; next_chunk(n, &k)) {
    NEURLP_TRY(bring_chunk(n, &k, trajectories));
    for (int64_t i = 0; i < k.count; i += most)
      NEURLP_TRY(sensitivity_piece(n, &k, i, k.count - i < most ? k.count - i : most, receive, statuses));
  }
done:
  return status;
}

/* ---- gradients --------------------------------------------------------------------------------------- */

/* Numbers of one system to the caller; NaN if it failed, or nothing if they are not wanted. */
static void give(double *to, const double *from, int64_t count, bool failed) {
  for (int64_t i = 0; to && i < count; i++) to[i] = failed ? NAN : from[i];
}

/* Gradients of slot i, which is system s of the call. */
static neurlp_status deliver(const nonlinear_cuda *n, const neurlp_nonlinear_batch *batch,
                             const neurlp_nonlinear_gradients *gradients, int64_t i, int64_t s,
                             int64_t length) {
  const window_core *c = &n->core;
  const int64_t P = c->shape.parameters, intervals = c->given.steps - 1,
                v = (int64_t)c->shape.dimensions * c->shape.leading_derivative;
  double *steps = gradients->steps ? gradients->steps + step_of(c, batch, s) : NULL;
  neurlp_status status = n->status[i];
  for (int64_t p = 0; gradients->parameters && p < P && status == NEURLP_SUCCESS; p++)
    if (!isfinite(n->grad_theta[i * P + p])) status = NEURLP_NOT_FINITE;
  const bool failed = status != NEURLP_SUCCESS;
  give(gradients->parameters ? gradients->parameters + s * P : NULL, n->grad_theta + i * P, P, failed);
  give(gradients->initial_values ? gradients->initial_values + s * v : NULL, n->grad_initial + i * v, v,
       failed);
  give(steps, n->grad_h + i * intervals, length - 1, failed);
  for (int64_t t = length - 1; steps && !batch->first_point && t < intervals; t++) steps[t] = 0;
  return status;
}

static neurlp_status differentiate(nonlinear_cuda *n, neurlp_cuda_windows *g, bool parameters) {
  const window_core *c = &n->core;
  const neurlp_cuda_window_kernels *kernels = neurlp_cuda_window_kernels_all();
  const int64_t P = c->shape.parameters, v = (int64_t)c->shape.dimensions * c->shape.leading_derivative;
  const size_t slots = (size_t)g->slots, number = sizeof(double);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_launch(c, g, &kernels->gather, g->slots * g->steps));
  NEURLP_TRY(neurlp_core_adjoint_block(c, g));
  if (parameters && P > 0) {
    NEURLP_TRY(neurlp_core_launch(c, g, neurlp_core_kernel(c, WINDOW_CONTRACT, &kernels->contract),
                                  g->slots * g->steps));
    NEURLP_TRY(neurlp_core_launch(c, g, &kernels->collect, g->slots * P));
    NEURLP_TRY(neurlp_transfer_out(&c->transfer, n->grad_theta, g->grad_theta, slots * (size_t)P * number));
  }
  NEURLP_TRY(neurlp_transfer_out(&c->transfer, n->grad_initial, g->grad_initial, slots * (size_t)v * number));
  NEURLP_TRY(
      neurlp_transfer_out(&c->transfer, n->grad_h, g->grad_h, slots * (size_t)(g->steps - 1) * number));
  NEURLP_TRY(neurlp_transfer_out(&c->transfer, n->status, g->block_status, slots * sizeof *n->status));
done:
  return status;
}

static neurlp_status adjoint_piece(nonlinear_cuda *n, const chunk *k, int64_t offset, int64_t slots,
                                   const double *grad_state, const neurlp_nonlinear_gradients *gradients,
                                   neurlp_status *statuses) {
  window_core *c = &n->core;
  neurlp_cuda_windows g = c->given;
  const int64_t first = k->first + offset;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_fill(c, &g, NEURLP_CUDA_SOLVE, false, offset, slots));
  pack_points(n, k->batch, first, slots, g.unknowns, grad_state);
  NEURLP_TRY(neurlp_core_bring(c, g.grad_state, n->packed, slots * g.steps * g.unknowns, sizeof(double)));
  NEURLP_TRY(differentiate(n, &g, gradients->parameters != NULL));
  for (int64_t i = 0; i < slots; i++)
    statuses[first + i] = deliver(n, k->batch, gradients, i, first + i, c->points[offset + i]);
done:
  return status;
}

static neurlp_status adjoint_cuda(void *state, const neurlp_nonlinear_batch *batch,
                                  const double *trajectories, const double *grad_state,
                                  const neurlp_nonlinear_gradients *gradients, neurlp_status *statuses) {
  nonlinear_cuda *n = state;
  const int64_t most = n->core.blocks[NEURLP_CUDA_SOLVE].capacity;
  neurlp_status status = NEURLP_SUCCESS;
  chunk k = {.batch = batch};
  for (next_chunk(n, &k); k.count > 0; next_chunk(n, &k)) {
    NEURLP_TRY(bring_chunk(n, &k, trajectories));
    for (int64_t i = 0; i < k.count; i += most)
      NEURLP_TRY(
          adjoint_piece(n, &k, i, k.count - i < most ? k.count - i : most, grad_state, gradients, statuses));
  }
done:
  return status;
}

/* ---- on which device --------------------------------------------------------------------------------- */

#define DEFINE_BACKEND(suffix, open)                                                                         \
  static neurlp_status create_##suffix(neurlp_context *context, const neurlp_nonlinear_shape *shape,         \
                                       void **state) {                                                       \
    neurlp_device *device = NULL;                                                                            \
    const neurlp_status status = open(context, &device);                                                     \
    return status < 0 ? status : create_on(context, device, shape, state);                                   \
  }                                                                                                          \
  const neurlp_nonlinear_backend *neurlp_nonlinear_backend_##suffix(void) {                                  \
    static const neurlp_nonlinear_backend backend = {.create = create_##suffix,                              \
                                                     .destroy = destroy_cuda,                                \
                                                     .solve = solve_cuda,                                    \
                                                     .sensitivity = sensitivity_cuda,                        \
                                                     .adjoint = adjoint_cuda};                               \
    return &backend;                                                                                         \
  }

DEFINE_BACKEND(cuda, neurlp_device_of_cuda)
DEFINE_BACKEND(cuda_check, neurlp_device_of_host)
