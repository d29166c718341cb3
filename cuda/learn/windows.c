/* The state of a fit's windows on a device: what it holds, and how it is filled and read. */
#include "cuda/learn/windows.h"

#include "core/triangle.h"

enum { CACHED = 64 };

/* Parts of the free memory: of all arrays, then of those of pieces. */
enum { ARRAY_PART = 2, PIECE_PART = 4 };

/* ---- memory of the device ---------------------------------------------------------------------------- */

static neurlp_status reserve_data(window_core *c, const neurlp_fit *fit) {
  const neurlp_trajectories *data = fit->data;
  neurlp_cuda_windows *g = &c->given;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_reserve(c, data->sample_count * data->dimensions, sizeof(double), &g->samples));
  if (data->weight)
    NEURLP_TRY(neurlp_core_reserve(c, data->sample_count * data->dimensions, sizeof(double), &g->weight));
  NEURLP_TRY(neurlp_core_reserve(c, data->sample_count, sizeof(int64_t), &g->sample_point));
  NEURLP_TRY(neurlp_core_reserve(c, data->point_count * g->unknowns, sizeof(double), &g->trial_state));
done:
  return status;
}

static neurlp_status reserve_fit(fit_cuda *f, const neurlp_fit *fit) {
  const int64_t W = fit->window_count, G = fit->groups, P = fit->model->parameters,
                D = fit->model->dimensions;
  const int64_t triangle = neurlp_triangle_count(neurlp_fit_window_size(fit)),
                record = neurlp_triangle_count(fit->work->columns + 1) + P + D + 1;
  const size_t number = sizeof(double);
  window_core *c = &f->core;
  neurlp_cuda_windows *g = &c->given;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_reserve(c, G * D, number, &f->sigma));
  NEURLP_TRY(neurlp_core_reserve(c, G * P, number, &f->step));
  NEURLP_TRY(neurlp_core_reserve(c, G, number, &f->damping));
  NEURLP_TRY(neurlp_core_reserve(c, W * neurlp_fit_initials(fit), number, &g->trial_initial));
  NEURLP_TRY(neurlp_core_reserve(c, W * triangle, number, &g->triangle));
  NEURLP_TRY(neurlp_core_reserve(c, W * (P + D + 1), number, &g->power));
  NEURLP_TRY(neurlp_core_reserve(c, W * 2 * D, number, &g->squares));
  NEURLP_TRY(neurlp_core_reserve(c, W, number, &g->tracked));
  NEURLP_TRY(neurlp_core_reserve(c, 2 * f->record_count[0], sizeof(int64_t), &f->ranges));
  for (int32_t i = 0; i < 2; i++)
    NEURLP_TRY(neurlp_core_reserve(c, f->record_count[i] * record, number, &f->records[i]));
  g->sigma = f->sigma;
  g->step = f->step;
  g->damping = f->damping;
done:
  return status;
}

static neurlp_status reserve_all(fit_cuda *f, const neurlp_fit *fit) {
  neurlp_status status = NEURLP_SUCCESS;
  f->core.array_bytes = 0;
  NEURLP_TRY(neurlp_core_reserve_all(&f->core));
  NEURLP_TRY(reserve_data(&f->core, fit));
  NEURLP_TRY(reserve_fit(f, fit));
done:
  return status;
}

/* All arrays, within half of what is free: blocks and workspace are to have room, too. */
static neurlp_status allocate_arrays(fit_cuda *f, const neurlp_fit *fit) {
  window_core *c = &f->core;
  const size_t most = c->device->operations->free_bytes(c->device) / ARRAY_PART;
  neurlp_status status = NEURLP_SUCCESS;
  c->measuring = true;
  NEURLP_TRY(reserve_all(f, fit));
  c->measuring = false;
  if (c->array_bytes > most)
    return neurlp_fail(
        c->context, NEURLP_ERROR_MEMORY,
        "%s: a fit of %lld windows needs %zu bytes of its memory, and %zu are to be had; use more "
        "ranks, each with a GPU, or the backend cpu",
        c->device->name, (long long)fit->window_count, c->array_bytes, most);
  status = reserve_all(f, fit);
done:
  return status;
}

static neurlp_status create_blocks(window_core *c, const neurlp_fit *fit) {
  const int64_t v = neurlp_fit_initials(fit);
  const int64_t right[WINDOW_MODES] = {
      [NEURLP_CUDA_SOLVE] = 1, [NEURLP_CUDA_FORWARD] = fit->work->columns + v, [NEURLP_CUDA_TRACK] = 1 + v};
  return neurlp_core_create_blocks(c, right, c->device->operations->free_bytes(c->device) / PIECE_PART);
}

static neurlp_status create_workspace(window_core *c, const neurlp_fit *fit) {
  const int64_t windows = neurlp_cuda_fit_numbers(&c->given),
                bins = neurlp_cuda_bin_numbers(fit->work->columns + 1);
  return neurlp_core_create_workspace(c, windows > bins ? windows : bins);
}

/* ---- what goes to the device ------------------------------------------------------------------------- */

static neurlp_status bring_windows(window_core *c, const neurlp_fit *fit) {
  neurlp_cuda_window *list = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(c->context, fit->window_count, sizeof *list, &list));
  for (int64_t i = 0; i < fit->window_count; i++) {
    const neurlp_window *w = &fit->window[i];
    list[i] = (neurlp_cuda_window){.first_sample = w->first_sample,
                                   .samples = w->samples,
                                   .first_point = w->first_point,
                                   .points = w->points,
                                   .first_interval = w->first_point,
                                   .group = w->group,
                                   .segment = w->segment};
    c->points[i] = w->points;
  }
  NEURLP_TRY(neurlp_core_bring(c, c->given.windows, list, fit->window_count, sizeof *list));
done:
  neurlp_release(c->context, &list);
  return status;
}

static neurlp_status bring_all(window_core *c, const neurlp_fit *fit) {
  const neurlp_trajectories *data = fit->data;
  const neurlp_cuda_windows *g = &c->given;
  const int64_t D = data->dimensions, v = neurlp_fit_initials(fit);
  const size_t number = sizeof(double);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_bring_model(c));
  NEURLP_TRY(bring_windows(c, fit));
  NEURLP_TRY(neurlp_core_bring(c, g->samples, data->samples, data->sample_count * D, number));
  if (data->weight) NEURLP_TRY(neurlp_core_bring(c, g->weight, data->weight, data->sample_count * D, number));
  NEURLP_TRY(neurlp_core_bring(c, g->sample_point, data->sample_point, data->sample_count, sizeof(int64_t)));
  NEURLP_TRY(neurlp_core_bring(c, g->times, data->times, data->point_count, number));
  NEURLP_TRY(neurlp_core_bring(c, g->intervals, data->steps, data->point_count, number));
  NEURLP_TRY(neurlp_core_bring(c, g->scale, data->scale, data->plan->segment_count * D, number));
  NEURLP_TRY(neurlp_core_bring(c, g->state, fit->state, data->point_count * g->unknowns, number));
  NEURLP_TRY(neurlp_core_bring(c, g->initial, fit->initial, fit->window_count * v, number));
done:
  return status;
}

neurlp_status neurlp_windows_bring(neurlp_fit *fit, const double *theta) {
  fit_cuda *f = fit_cuda_of(fit);
  window_core *c = &f->core;
  const int64_t G = fit->groups, P = fit->model->parameters, D = fit->model->dimensions;
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < G; i++) f->numbers[i] = fit->group[i].damping;
  NEURLP_TRY(neurlp_core_bring(c, f->damping, f->numbers, G, sizeof(double)));
  NEURLP_TRY(neurlp_core_bring(c, c->theta, theta, G * P, sizeof(double)));
  NEURLP_TRY(neurlp_core_bring(c, f->sigma, fit->sigma, G * D, sizeof(double)));
  NEURLP_TRY(neurlp_core_bring(c, f->step, fit->step, G * P, sizeof(double)));
  status = neurlp_core_choose(c, fit->work->selected, fit->work->selected_count);
done:
  return status;
}

/* ---- the state --------------------------------------------------------------------------------------- */

static void destroy_state(neurlp_fit *fit, void **state) {
  fit_cuda *f = *state;
  if (!f) return;
  neurlp_context *context = fit->context;
  neurlp_core_destroy(&f->core);
  neurlp_release(context, &f->record_list);
  neurlp_release(context, &f->numbers);
  neurlp_release(context, &f->cached);
  neurlp_release(context, state);
}

static neurlp_status begin(fit_cuda *f, const neurlp_fit *fit, neurlp_device *device) {
  const neurlp_fit_work *work = fit->work;
  const window_sizes sizes = {.windows = fit->window_count,
                              .points = fit->data->point_count,
                              .scales = fit->data->plan->segment_count,
                              .groups = fit->groups,
                              .columns = work->columns,
                              .column_parameter = work->column_parameter};
  const int64_t bins = fit->data->plan->bin_count;
  neurlp_nonlinear_shape shape = neurlp_fit_block_shape(fit, work->columns);
  const neurlp_status status = neurlp_nonlinear_check_shape(fit->context, &shape);
  if (status < 0) return status;
  f->record_count[0] = fit->window_count / WINDOW_FAN + bins + 1;
  f->record_count[1] = f->record_count[0] / WINDOW_FAN + bins + 1;
  return neurlp_core_begin(&f->core, device, &shape, fit->model, &sizes);
}

static neurlp_status allocate_host(fit_cuda *f, const neurlp_fit *fit) {
  neurlp_context *context = fit->context;
  const int64_t squares = fit->window_count * 2 * fit->model->dimensions, G = fit->groups;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, 3 * f->record_count[0], sizeof *f->record_list, &f->record_list));
  NEURLP_TRY(neurlp_allocate(context, squares > G ? squares : G, sizeof(double), &f->numbers));
  NEURLP_TRY(neurlp_allocate(context, CACHED * neurlp_triangle_count(neurlp_fit_window_size(fit)),
                             sizeof(double), &f->cached));
done:
  return status;
}

static neurlp_status create_on(neurlp_fit *fit, neurlp_device *device, void **state) {
  neurlp_status status = NEURLP_SUCCESS;
  void *made = NULL;
  NEURLP_TRY(neurlp_allocate(fit->context, 1, sizeof(fit_cuda), &made));
  fit_cuda *f = made;
  NEURLP_TRY(begin(f, fit, device));
  NEURLP_TRY(allocate_host(f, fit));
  NEURLP_TRY(allocate_arrays(f, fit));
  NEURLP_TRY(create_blocks(&f->core, fit));
  NEURLP_TRY(create_workspace(&f->core, fit));
  NEURLP_TRY(bring_all(&f->core, fit));
  *state = made;
  made = NULL;
done:
  destroy_state(fit, &made);
  return status;
}

static neurlp_status fetch(neurlp_fit *fit) {
  const window_core *c = &fit_cuda_of(fit)->core;
  const size_t states = (size_t)(fit->data->point_count * c->given.unknowns) * sizeof(double);
  const size_t initials = (size_t)(fit->window_count * neurlp_fit_initials(fit)) * sizeof(double);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_transfer_out(&c->transfer, fit->state, c->given.state, states));
  NEURLP_TRY(neurlp_transfer_out(&c->transfer, fit->initial, c->given.initial, initials));
done:
  return status;
}

const double *neurlp_windows_triangle(neurlp_fit *fit, int64_t window) {
  fit_cuda *f = fit_cuda_of(fit);
  const int64_t count = neurlp_triangle_count(neurlp_fit_window_size(fit));
  if (window < f->cached_first || window >= f->cached_first + f->cached_count) {
    const int64_t left = fit->window_count - window;
    f->cached_first = window;
    f->cached_count = left < CACHED ? left : CACHED;
    if (neurlp_transfer_out(&f->core.transfer, f->cached, f->core.given.triangle + window * count,
                            (size_t)(f->cached_count * count) * sizeof(double)) < 0) {
      f->cached_count = 0;
      return NULL;
    }
  }
  return f->cached + (window - f->cached_first) * count;
}

#define DEFINE_BACKEND(suffix, open)                                                                         \
  static neurlp_status create_##suffix(neurlp_fit *fit, void **state) {                                      \
    neurlp_device *device = NULL;                                                                            \
    const neurlp_status status = open(fit->context, &device);                                                \
    return status < 0 ? status : create_on(fit, device, state);                                              \
  }                                                                                                          \
  const neurlp_fit_backend *neurlp_fit_backend_##suffix(void) {                                              \
    static const neurlp_fit_backend backend = {.create = create_##suffix,                                    \
                                               .destroy = destroy_state,                                     \
                                               .solve = neurlp_windows_solve,                                \
                                               .reduce = neurlp_windows_reduce,                              \
                                               .track = neurlp_windows_track,                                \
                                               .step_initial = neurlp_windows_step_initial,                  \
                                               .accept = neurlp_windows_accept,                              \
                                               .fetch = fetch,                                               \
                                               .triangle = neurlp_windows_triangle};                         \
    return &backend;                                                                                         \
  }

DEFINE_BACKEND(cuda, neurlp_device_of_cuda)
DEFINE_BACKEND(cuda_check, neurlp_device_of_host)
