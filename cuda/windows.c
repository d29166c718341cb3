/* The state of a fit's windows on a device: what it holds, and how it is filled and read. */
#include "cuda/windows.h"

#include "block/nonlinear/nonlinear.h"
#include "cuda/state.h"
#include "expr/program.h"
#include "learn/triangle.h"

#include <string.h>

enum { GROUP = NEURLP_CUDA_GROUP, CACHED = 64 };

/* The pinned room, and parts of the free memory: of arrays of pieces, of each solver, of threads' workspace.
 */
static const size_t ROOM_BYTES = (size_t)16 << 20;
enum { PIECE_PART = 4, SOLVER_PART = 2, WORKSPACE_PART = 8 };

static const neurlp_cuda_mode MODES[WINDOW_MODES] = {NEURLP_CUDA_SOLVE, NEURLP_CUDA_FORWARD,
                                                     NEURLP_CUDA_TRACK};

static size_t whole(size_t bytes) {
  return (bytes + 255) / 256 * 256;
}

/* ---- memory of the device ---------------------------------------------------------------------------- */

/* Allocates an array of the device that lives as long as the state, or adds its size up. */
static neurlp_status reserve(fit_cuda *f, int64_t count, size_t size, void *pointer_to_pointer) {
  const size_t bytes = whole((size_t)(count > 0 ? count : 1) * size);
  void *memory = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  f->array_bytes += bytes;
  if (f->measuring) return status;
  if (f->array_count == WINDOW_ARRAYS)
    return neurlp_fail(f->context, NEURLP_ERROR_INTERNAL, "more than %d arrays; this is an error of NeuRLP",
                       WINDOW_ARRAYS);
  NEURLP_TRY(f->device->operations->allocate(f->device, bytes, &memory));
  f->arrays[f->array_count++] = memory;
  memcpy(pointer_to_pointer, &memory, sizeof memory);
done:
  return status;
}

static neurlp_status reserve_model(fit_cuda *f, const neurlp_model *model) {
  neurlp_cuda_model *m = &f->given.model;
  const neurlp_model_code *code = model->code;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(reserve(f, code->basic->count, sizeof(neurlp_instruction), &m->basic));
  NEURLP_TRY(reserve(f, code->full->count, sizeof(neurlp_instruction), &m->full));
  NEURLP_TRY(reserve(f, code->known_count, sizeof(neurlp_model_entry), &m->code.known));
  NEURLP_TRY(reserve(f, code->jacobian_count, sizeof(neurlp_model_entry), &m->code.jacobian));
  NEURLP_TRY(reserve(f, code->term_jacobian_count, sizeof(neurlp_model_entry), &m->code.term_jacobian));
  NEURLP_TRY(reserve(f, code->sensitivity_count, sizeof(neurlp_model_entry), &m->code.sensitivity));
done:
  return status;
}

static neurlp_status reserve_data(fit_cuda *f, const neurlp_fit *fit) {
  const neurlp_trajectories *data = fit->data;
  const int64_t D = data->dimensions, n = D * (data->order + 1);
  neurlp_cuda_windows *g = &f->given;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(reserve(f, fit->window_count, sizeof *g->windows, &g->windows));
  NEURLP_TRY(reserve(f, data->sample_count * D, sizeof(double), &g->samples));
  NEURLP_TRY(reserve(f, data->sample_count, sizeof(int64_t), &g->sample_point));
  NEURLP_TRY(reserve(f, data->point_count, sizeof(double), &g->times));
  NEURLP_TRY(reserve(f, data->point_count, sizeof(double), &g->intervals));
  NEURLP_TRY(reserve(f, data->plan->segment_count * D, sizeof(double), &g->scale));
  NEURLP_TRY(reserve(f, data->point_count * n, sizeof(double), &g->state));
  NEURLP_TRY(reserve(f, data->point_count * n, sizeof(double), &g->trial_state));
done:
  return status;
}

static neurlp_status reserve_windows(fit_cuda *f, const neurlp_fit *fit) {
  const int64_t W = fit->window_count, G = fit->groups, P = fit->model->parameters,
                D = fit->model->dimensions;
  const int64_t v = neurlp_fit_initials(fit),
                record = neurlp_triangle_count(fit->work->columns + 1) + P + D + 1;
  neurlp_cuda_windows *g = &f->given;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(reserve(f, fit->work->columns, sizeof(int32_t), &g->column_parameter));
  NEURLP_TRY(reserve(f, P, sizeof(int32_t), &g->parameter_column));
  NEURLP_TRY(reserve(f, G * P, sizeof(double), &f->theta));
  NEURLP_TRY(reserve(f, G * D, sizeof(double), &f->sigma));
  NEURLP_TRY(reserve(f, G * P, sizeof(double), &f->step));
  NEURLP_TRY(reserve(f, G, sizeof(double), &f->damping));
  NEURLP_TRY(reserve(f, W * v, sizeof(double), &g->initial));
  NEURLP_TRY(reserve(f, W * v, sizeof(double), &g->trial_initial));
  NEURLP_TRY(
      reserve(f, W * neurlp_triangle_count(neurlp_fit_window_size(fit)), sizeof(double), &g->triangle));
  NEURLP_TRY(reserve(f, W * (P + D + 1), sizeof(double), &g->power));
  NEURLP_TRY(reserve(f, W, sizeof(int64_t), &f->selected));
  NEURLP_TRY(reserve(f, W, sizeof(int64_t), &f->position));
  NEURLP_TRY(reserve(f, W, sizeof *g->progress, &g->progress));
  NEURLP_TRY(reserve(f, W, sizeof(int32_t), &g->status));
  NEURLP_TRY(reserve(f, W, sizeof(uint8_t), &g->active));
  NEURLP_TRY(reserve(f, W * 2 * D, sizeof(double), &g->squares));
  NEURLP_TRY(reserve(f, W, sizeof(double), &g->tracked));
  NEURLP_TRY(reserve(f, 2 * f->record_count[0], sizeof(int64_t), &f->ranges));
  for (int32_t i = 0; i < 2; i++)
    NEURLP_TRY(reserve(f, f->record_count[i] * record, sizeof(double), &f->records[i]));
done:
  return status;
}

static neurlp_status reserve_all(fit_cuda *f, const neurlp_fit *fit) {
  neurlp_status status = NEURLP_SUCCESS;
  f->array_bytes = 0;
  NEURLP_TRY(reserve_model(f, fit->model));
  NEURLP_TRY(reserve_data(f, fit));
  NEURLP_TRY(reserve_windows(f, fit));
done:
  return status;
}

static neurlp_status fail_memory(const fit_cuda *f, const neurlp_fit *fit, size_t bytes, size_t most) {
  return neurlp_fail(
      f->context, NEURLP_ERROR_MEMORY,
      "%s: a fit of %lld windows needs %zu bytes of its memory, and %zu are to be had; use more "
      "ranks, each with a GPU, windows of fewer samples (block.window), or the backend cpu",
      f->device->name, (long long)fit->window_count, bytes, most);
}

/* All arrays, within half of what is free: blocks and workspace are to have room, too. */
static neurlp_status allocate_arrays(fit_cuda *f, const neurlp_fit *fit) {
  const size_t most = f->device->operations->free_bytes(f->device) / 2;
  neurlp_status status = NEURLP_SUCCESS;
  f->measuring = true;
  NEURLP_TRY(reserve_all(f, fit));
  f->measuring = false;
  status = f->array_bytes > most ? fail_memory(f, fit, f->array_bytes, most) : reserve_all(f, fit);
done:
  return status;
}

/* ---- linear blocks ----------------------------------------------------------------------------------- */

/* Gives the arrays of a mode's block their places in the piece; the bytes they take. */
static size_t carve(const fit_cuda *f, neurlp_cuda_windows *g, const window_block *block, int64_t slots) {
  const size_t S = (size_t)slots, T = (size_t)g->steps, R = (size_t)block->right, n = (size_t)g->unknowns,
               D = (size_t)g->model.dimensions, v = D * (size_t)g->model.order, number = sizeof(double);
  const struct {
    void *pointer;
    size_t bytes;
  } list[] = {{&g->coefficients, S * T * D * n * number},
              {&g->rhs, S * T * D * R * number},
              {&g->initial_values, S * v * R * number},
              {&g->h, S * (T - 1) * number},
              {&g->solution, S * T * n * R * number},
              {&g->flow, S * T * D * number},
              {&g->change, S * T * number},
              {&g->largest, S * T * number},
              {&g->fraction, S * number},
              {&g->block_status, S * sizeof(int32_t)}};
  size_t end = 0;
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    unsigned char *place = f->piece ? f->piece + end : NULL;
    memcpy(list[i].pointer, &place, sizeof place);
    end += whole(list[i].bytes);
  }
  return end;
}

/* As many slots as fit into so many bytes, at least one, at most all windows. */
static int64_t choose_capacity(const fit_cuda *f, const window_block *block, int64_t windows, size_t bytes) {
  neurlp_cuda_windows g = f->given;
  int64_t least = 1, most = windows > 1 ? windows : 1;
  while (least < most) {
    const int64_t middle = least + (most - least + 1) / 2;
    if (carve(f, &g, block, middle) <= bytes)
      least = middle;
    else
      most = middle - 1;
  }
  return least;
}

static neurlp_status create_block(fit_cuda *f, const neurlp_fit *fit, window_block *block) {
  const neurlp_nonlinear_shape asked = neurlp_fit_block_shape(fit, (int32_t)block->right);
  neurlp_nonlinear_shape shape = asked;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_nonlinear_check_shape(f->context, &shape));
  NEURLP_TRY(neurlp_nonlinear_problem(f->context, &shape, block->capacity, block->right, &block->problem));
  const size_t limit = f->device->operations->free_bytes(f->device) / SOLVER_PART;
  NEURLP_TRY(neurlp_resident_create_cuda(f->device, block->problem, limit, &block->state));
  f->given.tolerance = shape.tolerance;
done:
  return status;
}

static neurlp_status create_blocks(fit_cuda *f, const neurlp_fit *fit) {
  const neurlp_device_operations *device = f->device->operations;
  const size_t most = device->free_bytes(f->device) / PIECE_PART;
  const int64_t v = neurlp_fit_initials(fit), right[WINDOW_MODES] = {1, fit->work->columns + v, 1 + v};
  neurlp_cuda_windows scratch = f->given;
  neurlp_status status = NEURLP_SUCCESS;
  size_t bytes = 0;
  int64_t slots = 1;
  void *memory = NULL;
  for (int32_t m = 0; m < WINDOW_MODES; m++) {
    window_block *block = &f->blocks[MODES[m]];
    block->right = right[m];
    block->capacity = choose_capacity(f, block, fit->window_count, most);
    const size_t own = carve(f, &scratch, block, block->capacity);
    if (own > bytes) bytes = own;
    if (block->capacity > slots) slots = block->capacity;
  }
  if (bytes > most) return fail_memory(f, fit, bytes, most);
  NEURLP_TRY(reserve(f, (int64_t)bytes, 1, &f->piece));
  NEURLP_TRY(device->allocate_pinned(f->device, (size_t)slots * sizeof *f->lengths, &memory));
  f->lengths = memory;
  for (int32_t m = WINDOW_MODES; m-- > 0;) NEURLP_TRY(create_block(f, fit, &f->blocks[MODES[m]]));
done:
  return status;
}

static neurlp_status create_workspace(fit_cuda *f, const neurlp_fit *fit) {
  neurlp_cuda_windows *g = &f->given;
  const size_t most = f->device->operations->free_bytes(f->device) / WORKSPACE_PART;
  const int64_t numbers = neurlp_cuda_window_numbers(g),
                bins = neurlp_cuda_bin_numbers(fit->work->columns + 1);
  const size_t group = (size_t)(numbers > bins ? numbers : bins) * GROUP * sizeof(double);
  g->numbers = numbers;
  g->threads = (f->device->threads + GROUP - 1) / GROUP * GROUP;
  while (g->threads > GROUP && group * (size_t)(g->threads / GROUP) > most)
    g->threads = (g->threads / 2 + GROUP - 1) / GROUP * GROUP;
  return reserve(f, g->threads / GROUP, group, &g->workspace);
}

/* ---- what goes to the device ------------------------------------------------------------------------- */

static neurlp_status bring(const fit_cuda *f, const void *to, const void *from, int64_t count, size_t size) {
  void *place = NULL;
  memcpy(&place, &to, sizeof place); /* the kernels only read it */
  return neurlp_transfer_in(&f->transfer, place, from, (size_t)count * size);
}

/* Instructions of `basic` up to the last that stores a part of the flow. */
static int32_t count_flow(const neurlp_model_code *code) {
  int32_t count = 0;
  for (int32_t i = 0; i < code->basic->count; i++) {
    const neurlp_instruction *in = &code->basic->instructions[i];
    if (in->code == NEURLP_CODE_STORE && in->index < code->known_count + code->term_count) count = i + 1;
  }
  return count;
}

static neurlp_status bring_model(fit_cuda *f, const neurlp_model *model) {
  neurlp_cuda_model *m = &f->given.model;
  const neurlp_model_code *code = model->code;
  const size_t entry = sizeof(neurlp_model_entry);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(bring(f, m->basic, code->basic->instructions, code->basic->count, sizeof(neurlp_instruction)));
  NEURLP_TRY(bring(f, m->full, code->full->instructions, code->full->count, sizeof(neurlp_instruction)));
  NEURLP_TRY(bring(f, m->code.known, code->known, code->known_count, entry));
  NEURLP_TRY(bring(f, m->code.jacobian, code->jacobian, code->jacobian_count, entry));
  NEURLP_TRY(bring(f, m->code.term_jacobian, code->term_jacobian, code->term_jacobian_count, entry));
  NEURLP_TRY(bring(f, m->code.sensitivity, code->sensitivity, code->sensitivity_count, entry));
done:
  return status;
}

static neurlp_status bring_windows(fit_cuda *f, const neurlp_fit *fit) {
  neurlp_cuda_window *list = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(f->context, fit->window_count, sizeof *list, &list));
  for (int64_t i = 0; i < fit->window_count; i++) {
    const neurlp_window *w = &fit->window[i];
    list[i] = (neurlp_cuda_window){.first_sample = w->first_sample,
                                   .samples = w->samples,
                                   .first_point = w->first_point,
                                   .points = w->points,
                                   .group = w->group,
                                   .segment = w->segment};
  }
  NEURLP_TRY(bring(f, f->given.windows, list, fit->window_count, sizeof *list));
done:
  neurlp_release(f->context, &list);
  return status;
}

static neurlp_status bring_columns(fit_cuda *f, const neurlp_fit *fit) {
  const int64_t P = fit->model->parameters, C = fit->work->columns;
  int32_t *column = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(f->context, P, sizeof *column, &column));
  for (int64_t p = 0; p < P; p++) column[p] = -1;
  for (int32_t c = 0; c < C; c++) column[fit->work->column_parameter[c]] = c;
  NEURLP_TRY(bring(f, f->given.parameter_column, column, P, sizeof *column));
  NEURLP_TRY(bring(f, f->given.column_parameter, fit->work->column_parameter, C, sizeof *column));
done:
  neurlp_release(f->context, &column);
  return status;
}

static neurlp_status bring_all(fit_cuda *f, const neurlp_fit *fit) {
  const neurlp_trajectories *data = fit->data;
  const neurlp_cuda_windows *g = &f->given;
  const int64_t D = data->dimensions, v = neurlp_fit_initials(fit);
  const size_t number = sizeof(double);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(bring_model(f, fit->model));
  NEURLP_TRY(bring_windows(f, fit));
  NEURLP_TRY(bring_columns(f, fit));
  NEURLP_TRY(bring(f, g->samples, data->samples, data->sample_count * D, number));
  NEURLP_TRY(bring(f, g->sample_point, data->sample_point, data->sample_count, sizeof(int64_t)));
  NEURLP_TRY(bring(f, g->times, data->times, data->point_count, number));
  NEURLP_TRY(bring(f, g->intervals, data->steps, data->point_count, number));
  NEURLP_TRY(bring(f, g->scale, data->scale, data->plan->segment_count * D, number));
  NEURLP_TRY(bring(f, g->state, fit->state, data->point_count * g->unknowns, number));
  NEURLP_TRY(bring(f, g->initial, fit->initial, fit->window_count * v, number));
done:
  return status;
}

neurlp_status neurlp_windows_bring(neurlp_fit *fit, const double *theta) {
  fit_cuda *f = fit_cuda_of(fit);
  const int64_t G = fit->groups, P = fit->model->parameters, D = fit->model->dimensions;
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < G; i++) f->numbers[i] = fit->group[i].damping;
  NEURLP_TRY(bring(f, f->damping, f->numbers, G, sizeof(double)));
  NEURLP_TRY(bring(f, f->theta, theta, G * P, sizeof(double)));
  NEURLP_TRY(bring(f, f->sigma, fit->sigma, G * D, sizeof(double)));
  NEURLP_TRY(bring(f, f->step, fit->step, G * P, sizeof(double)));
  NEURLP_TRY(bring(f, f->selected, fit->work->selected, fit->work->selected_count, sizeof(int64_t)));
  f->given.count = fit->work->selected_count;
done:
  return status;
}

/* ---- calls ------------------------------------------------------------------------------------------- */

neurlp_status neurlp_windows_launch(fit_cuda *f, neurlp_cuda_windows *given, const neurlp_cuda_kernel *kernel,
                                    int64_t tasks) {
  given->tasks = tasks;
  if (tasks == 0) return NEURLP_SUCCESS;
  return f->device->operations->launch(f->device, 0, kernel, tasks < given->threads ? tasks : given->threads,
                                       given, sizeof *given);
}

neurlp_status neurlp_windows_block(neurlp_fit *fit, neurlp_cuda_windows *g, neurlp_cuda_mode mode,
                                   const int64_t *list, int64_t offset, int64_t slots) {
  fit_cuda *f = fit_cuda_of(fit);
  const neurlp_cuda_window_kernels *kernels = neurlp_cuda_window_kernels_all();
  const window_block *block = &f->blocks[mode];
  neurlp_status status = NEURLP_SUCCESS;
  (void)carve(f, g, block, block->capacity);
  g->mode = mode;
  g->slots = slots;
  g->right = block->right;
  g->position = list ? f->position + offset : NULL;
  g->first_position = offset;
  for (int64_t i = 0; i < slots; i++) {
    const int64_t position = list ? list[offset + i] : offset + i;
    f->lengths[i] = fit->window[fit->work->selected[position]].points;
  }
  NEURLP_TRY(neurlp_windows_launch(f, g, &kernels->fill_slot, slots));
  NEURLP_TRY(neurlp_windows_launch(f, g, &kernels->fill_point, slots * g->steps));
  const neurlp_inputs inputs = {.systems = slots,
                                .coefficients = g->coefficients,
                                .rhs = g->rhs,
                                .initial_values = g->initial_values,
                                .steps = g->h,
                                .lengths = f->lengths};
  status = neurlp_backend_cuda()->solve(block->state, &inputs, g->solution, (neurlp_status *)g->block_status);
done:
  return status;
}

/* ---- the state --------------------------------------------------------------------------------------- */

static void destroy_state(neurlp_fit *fit, void **state) {
  fit_cuda *f = *state;
  if (!f) return;
  neurlp_context *context = fit->context;
  const neurlp_device_operations *device = f->device->operations;
  void *lengths = f->lengths;
  for (int32_t m = 0; m < WINDOW_MODES; m++) {
    neurlp_backend_cuda()->destroy(&f->blocks[m].state);
    neurlp_problem_destroy(&f->blocks[m].problem);
  }
  for (int32_t i = 0; i < f->array_count; i++) device->release(f->device, &f->arrays[i]);
  device->release_pinned(f->device, &lengths);
  device->release_pinned(f->device, &f->transfer.room);
  neurlp_release(context, &f->list);
  neurlp_release(context, &f->record_list);
  neurlp_release(context, &f->active);
  neurlp_release(context, &f->numbers);
  neurlp_release(context, &f->cached);
  neurlp_release(context, state);
}

/* Sizes, and what else is known before there is memory. */
static void describe(fit_cuda *f, const neurlp_fit *fit) {
  const neurlp_model *model = fit->model;
  neurlp_cuda_windows *g = &f->given;
  g->model = (neurlp_cuda_model){.dimensions = model->dimensions,
                                 .order = model->order,
                                 .named = model->named,
                                 .parameters = model->parameters,
                                 .symbols = model->symbols.count,
                                 .slots = model->code->full->slots,
                                 .flow_count = count_flow(model->code),
                                 .basic_count = model->code->basic->count,
                                 .full_count = model->code->full->count,
                                 .code = *model->code};
  if (model->code->basic->slots > g->model.slots) g->model.slots = model->code->basic->slots;
  g->width = fit->data->order + 1;
  g->unknowns = model->dimensions * g->width;
  g->steps = fit->work->points;
  g->columns = fit->work->columns;
  g->nominal_step = fit->options.nominal_step;
  f->record_count[0] = fit->window_count / WINDOW_FAN + fit->data->plan->bin_count + 1;
  f->record_count[1] = f->record_count[0] / WINDOW_FAN + fit->data->plan->bin_count + 1;
}

static neurlp_status allocate_host(fit_cuda *f, const neurlp_fit *fit) {
  neurlp_context *context = f->context;
  const int64_t W = fit->window_count, D = fit->model->dimensions, G = fit->groups;
  const int64_t squares = W * 2 * D, numbers = squares > G ? squares : G;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, W, sizeof *f->list, &f->list));
  NEURLP_TRY(neurlp_allocate(context, 3 * f->record_count[0], sizeof *f->record_list, &f->record_list));
  NEURLP_TRY(neurlp_allocate(context, W, sizeof *f->active, &f->active));
  NEURLP_TRY(neurlp_allocate(context, numbers, sizeof(double), &f->numbers));
  NEURLP_TRY(neurlp_allocate(context, CACHED * neurlp_triangle_count(neurlp_fit_window_size(fit)),
                             sizeof(double), &f->cached));
  NEURLP_TRY(f->device->operations->allocate_pinned(f->device, ROOM_BYTES, &f->transfer.room));
done:
  return status;
}

static neurlp_status create_on(neurlp_fit *fit, neurlp_device *device, void **state) {
  neurlp_status status = NEURLP_SUCCESS;
  void *made = NULL;
  NEURLP_TRY(neurlp_allocate(fit->context, 1, sizeof(fit_cuda), &made));
  fit_cuda *f = made;
  f->context = fit->context;
  f->device = device;
  f->transfer = (cuda_transfer){.device = device, .room_bytes = ROOM_BYTES};
  describe(f, fit);
  NEURLP_TRY(allocate_host(f, fit));
  NEURLP_TRY(allocate_arrays(f, fit));
  NEURLP_TRY(create_blocks(f, fit));
  NEURLP_TRY(create_workspace(f, fit));
  NEURLP_TRY(bring_all(f, fit));
  f->given.theta = f->theta;
  f->given.sigma = f->sigma;
  f->given.step = f->step;
  f->given.damping = f->damping;
  f->given.selected = f->selected;
  *state = made;
  made = NULL;
done:
  destroy_state(fit, &made);
  return status;
}

static neurlp_status fetch(neurlp_fit *fit) {
  const fit_cuda *f = fit_cuda_of(fit);
  const size_t states = (size_t)(fit->data->point_count * f->given.unknowns) * sizeof(double);
  const size_t initials = (size_t)(fit->window_count * neurlp_fit_initials(fit)) * sizeof(double);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_transfer_out(&f->transfer, fit->state, f->given.state, states));
  NEURLP_TRY(neurlp_transfer_out(&f->transfer, fit->initial, f->given.initial, initials));
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
    if (neurlp_transfer_out(&f->transfer, f->cached, f->given.triangle + window * count,
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
