/* Nonlinear blocks on a device: memory, linear blocks, and the iteration. */
#include "cuda/nonlinear/window_core.h"

#include "cuda/block/state.h"
#include "expr/program.h"

#include <stdlib.h>
#include <string.h>

enum { GROUP = NEURLP_CUDA_GROUP };

/* The pinned room, and parts of the free memory: of each solver, of threads' workspace. */
static const size_t ROOM_BYTES = (size_t)16 << 20;
enum { SOLVER_PART = 2, WORKSPACE_PART = 8 };

static const neurlp_cuda_mode MODES[WINDOW_MODES] = {NEURLP_CUDA_SOLVE, NEURLP_CUDA_FORWARD,
                                                     NEURLP_CUDA_TRACK};

static size_t whole(size_t bytes) {
  return (bytes + 255) / 256 * 256;
}

/* ---- description ------------------------------------------------------------------------------------- */

/* Instructions of `basic` up to the last that stores a part of the flow. */
static int32_t count_flow(const neurlp_model_code *code) {
  int32_t count = 0;
  for (int32_t i = 0; i < code->basic->count; i++) {
    const neurlp_instruction *in = &code->basic->instructions[i];
    if (in->code == NEURLP_CODE_STORE && in->index < code->known_count + code->term_count) count = i + 1;
  }
  return count;
}

static void describe(window_core *c) {
  const neurlp_model *model = c->model;
  neurlp_cuda_windows *g = &c->given;
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
  g->width = c->shape.order + 1;
  g->unknowns = model->dimensions * g->width;
  g->steps = c->shape.steps;
  g->columns = c->sizes.columns;
  g->nominal_step = c->shape.nominal_step;
  g->tolerance = c->shape.tolerance;
  g->remainder = c->shape.remainder;
}

neurlp_status neurlp_core_begin(window_core *c, neurlp_device *device, const neurlp_nonlinear_shape *shape,
                                const neurlp_model *model, const window_sizes *sizes) {
  neurlp_context *context = device->context;
  neurlp_status status = NEURLP_SUCCESS;
  *c = (window_core){.context = context,
                     .device = device,
                     .transfer = {.device = device, .room_bytes = ROOM_BYTES},
                     .shape = *shape,
                     .model = model,
                     .sizes = *sizes};
  describe(c);
  NEURLP_TRY(neurlp_allocate(context, sizes->windows, sizeof *c->list, &c->list));
  NEURLP_TRY(neurlp_allocate(context, sizes->windows, sizeof *c->active, &c->active));
  NEURLP_TRY(neurlp_allocate(context, sizes->windows, sizeof *c->points, &c->points));
  NEURLP_TRY(device->operations->allocate_pinned(device, ROOM_BYTES, &c->transfer.room));
done:
  return status;
}

/* ---- memory of the device ---------------------------------------------------------------------------- */

neurlp_status neurlp_core_reserve(window_core *c, int64_t count, size_t size, void *pointer_to_pointer) {
  const size_t bytes = whole((size_t)(count > 0 ? count : 1) * size);
  void *memory = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  c->array_bytes += bytes;
  if (c->measuring) return status;
  if (c->array_count == WINDOW_ARRAYS)
    return neurlp_fail(c->context, NEURLP_ERROR_INTERNAL, "more than %d arrays; this is an error of NeuRLP",
                       WINDOW_ARRAYS);
  NEURLP_TRY(c->device->operations->allocate(c->device, bytes, &memory));
  c->arrays[c->array_count++] = memory;
  memcpy(pointer_to_pointer, &memory, sizeof memory);
done:
  return status;
}

static neurlp_status reserve_model(window_core *c) {
  neurlp_cuda_model *m = &c->given.model;
  const neurlp_model_code *code = c->model->code;
  const size_t entry = sizeof(neurlp_model_entry);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_reserve(c, code->basic->count, sizeof(neurlp_instruction), &m->basic));
  NEURLP_TRY(neurlp_core_reserve(c, code->full->count, sizeof(neurlp_instruction), &m->full));
  NEURLP_TRY(neurlp_core_reserve(c, code->known_count, entry, &m->code.known));
  NEURLP_TRY(neurlp_core_reserve(c, code->jacobian_count, entry, &m->code.jacobian));
  NEURLP_TRY(neurlp_core_reserve(c, code->term_jacobian_count, entry, &m->code.term_jacobian));
  NEURLP_TRY(neurlp_core_reserve(c, code->sensitivity_count, entry, &m->code.sensitivity));
  NEURLP_TRY(neurlp_core_reserve(c, c->sizes.columns, sizeof *c->given.column_parameter,
                                 &c->given.column_parameter));
  NEURLP_TRY(neurlp_core_reserve(c, c->model->parameters, sizeof *c->given.parameter_column,
                                 &c->given.parameter_column));
done:
  return status;
}

neurlp_status neurlp_core_reserve_all(window_core *c) {
  const window_sizes *z = &c->sizes;
  neurlp_cuda_windows *g = &c->given;
  const int64_t D = g->model.dimensions, v = D * g->model.order;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(reserve_model(c));
  NEURLP_TRY(neurlp_core_reserve(c, z->windows, sizeof *g->windows, &g->windows));
  NEURLP_TRY(neurlp_core_reserve(c, z->points, sizeof(double), &g->times));
  NEURLP_TRY(neurlp_core_reserve(c, z->points, sizeof(double), &g->intervals));
  NEURLP_TRY(neurlp_core_reserve(c, z->scales * D, sizeof(double), &g->scale));
  NEURLP_TRY(neurlp_core_reserve(c, z->groups * g->model.parameters, sizeof(double), &c->theta));
  NEURLP_TRY(neurlp_core_reserve(c, z->points * g->unknowns, sizeof(double), &g->state));
  NEURLP_TRY(neurlp_core_reserve(c, z->windows * v, sizeof(double), &g->initial));
  NEURLP_TRY(neurlp_core_reserve(c, z->windows, sizeof(int64_t), &c->selected));
  NEURLP_TRY(neurlp_core_reserve(c, z->windows, sizeof(int64_t), &c->position));
  NEURLP_TRY(neurlp_core_reserve(c, z->windows, sizeof *g->progress, &g->progress));
  NEURLP_TRY(neurlp_core_reserve(c, z->windows, sizeof(int32_t), &g->status));
  NEURLP_TRY(neurlp_core_reserve(c, z->windows, sizeof(uint8_t), &g->active));
  g->theta = c->theta;
  g->selected = c->selected;
done:
  return status;
}

neurlp_status neurlp_core_create_workspace(window_core *c, int64_t numbers) {
  neurlp_cuda_windows *g = &c->given;
  const size_t most = c->device->operations->free_bytes(c->device) / WORKSPACE_PART;
  const int64_t own = neurlp_cuda_window_numbers(g);
  g->numbers = numbers > own ? numbers : own;
  const size_t group = (size_t)g->numbers * GROUP * sizeof(double);
  g->threads = (c->device->threads + GROUP - 1) / GROUP * GROUP;
  while (g->threads > GROUP && group * (size_t)(g->threads / GROUP) > most)
    g->threads = (g->threads / 2 + GROUP - 1) / GROUP * GROUP;
  return neurlp_core_reserve(c, g->threads / GROUP, group, &g->workspace);
}

/* ---- linear blocks ----------------------------------------------------------------------------------- */

/* Gives the arrays of a block their places in the piece; the bytes they take. */
static size_t carve(const window_core *c, neurlp_cuda_windows *g, int64_t right, int64_t slots) {
  const size_t S = (size_t)slots, T = (size_t)g->steps, R = (size_t)right, n = (size_t)g->unknowns,
               D = (size_t)g->model.dimensions, v = D * (size_t)g->model.order, number = sizeof(double);
  const size_t P = (size_t)g->model.parameters, A = right == 1 && c->shape.adjoint ? S : 0;
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
              {&g->block_status, S * sizeof(int32_t)},
              {&g->grad_state, A * T * n * number},
              {&g->grad_rhs, A * T * D * number},
              {&g->grad_initial, A * v * number},
              {&g->grad_h, A * (T - 1) * number},
              {&g->share, A * T * P * number},
              {&g->grad_theta, A * P * number}};
  size_t end = 0;
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    unsigned char *place = c->piece ? c->piece + end : NULL;
    memcpy(list[i].pointer, &place, sizeof place);
    end += whole(list[i].bytes);
  }
  return end;
}

size_t neurlp_core_slot_bytes(const window_core *c, int64_t right) {
  neurlp_cuda_windows scratch = c->given;
  return carve(c, &scratch, right, GROUP) / GROUP;
}

/* As many slots as fit into so many bytes, at least one, at most all windows. */
static int64_t choose_capacity(const window_core *c, int64_t right, size_t bytes) {
  neurlp_cuda_windows scratch = c->given;
  int64_t least = 1, most = c->sizes.windows > 1 ? c->sizes.windows : 1;
  while (least < most) {
    const int64_t middle = least + (most - least + 1) / 2;
    if (carve(c, &scratch, right, middle) <= bytes)
      least = middle;
    else
      most = middle - 1;
  }
  return least;
}

static neurlp_status create_block(window_core *c, window_block *block) {
  const size_t limit = c->device->operations->free_bytes(c->device) / SOLVER_PART;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_nonlinear_problem(c->context, &c->shape, block->capacity, block->right, &block->problem));
  NEURLP_TRY(neurlp_resident_create_cuda(c->device, block->problem, limit, &block->state));
done:
  return status;
}

neurlp_status neurlp_core_create_blocks(window_core *c, const int64_t right[WINDOW_MODES], size_t most) {
  neurlp_cuda_windows scratch = c->given;
  neurlp_status status = NEURLP_SUCCESS;
  size_t bytes = 0;
  int64_t slots = 1;
  void *memory = NULL;
  for (int32_t m = 0; m < WINDOW_MODES; m++) {
    window_block *block = &c->blocks[MODES[m]];
    block->right = right[m];
    if (block->right == 0) continue;
    block->capacity = choose_capacity(c, block->right, most);
    const size_t own = carve(c, &scratch, block->right, block->capacity);
    if (own > bytes) bytes = own;
    if (block->capacity > slots) slots = block->capacity;
  }
  if (bytes > most)
    return neurlp_fail(c->context, NEURLP_ERROR_MEMORY,
                       "%s: a system of %lld steps needs %zu bytes of its memory, and %zu are to be had; use "
                       "fewer steps (windows of fewer samples, block.window), or the backend cpu",
                       c->device->name, (long long)c->given.steps, bytes, most);
  NEURLP_TRY(neurlp_core_reserve(c, (int64_t)bytes, 1, &c->piece));
  NEURLP_TRY(c->device->operations->allocate_pinned(c->device, (size_t)slots * sizeof *c->lengths, &memory));
  c->lengths = memory;
  for (int32_t m = WINDOW_MODES; m-- > 0;)
    if (c->blocks[MODES[m]].right > 0) NEURLP_TRY(create_block(c, &c->blocks[MODES[m]]));
done:
  return status;
}

void neurlp_core_destroy(window_core *c) {
  if (!c->device) return;
  const neurlp_device_operations *device = c->device->operations;
  void *lengths = c->lengths;
  for (int32_t m = 0; m < WINDOW_MODES; m++) {
    neurlp_backend_cuda()->destroy(&c->blocks[m].state);
    neurlp_problem_destroy(&c->blocks[m].problem);
  }
  for (int32_t i = 0; i < c->array_count; i++) device->release(c->device, &c->arrays[i]);
  for (int32_t i = 0; i < WINDOW_COMPILED; i++) /* releasing has waited for the queues */
    if (c->libraries[i]) device->unload(c->device, &c->libraries[i]);
  device->release_pinned(c->device, &lengths);
  device->release_pinned(c->device, &c->transfer.room);
  neurlp_release(c->context, &c->list);
  neurlp_release(c->context, &c->active);
  neurlp_release(c->context, &c->points);
}

/* ---- what goes to the device ------------------------------------------------------------------------- */

neurlp_status neurlp_core_bring(const window_core *c, const void *to, const void *from, int64_t count,
                                size_t size) {
  void *place = NULL;
  memcpy(&place, &to, sizeof place); /* the kernels only read it */
  return neurlp_transfer_in(&c->transfer, place, from, (size_t)count * size);
}

static neurlp_status bring_columns(const window_core *c) {
  const int64_t P = c->model->parameters, C = c->sizes.columns;
  int32_t *column = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(c->context, P, sizeof *column, &column));
  for (int64_t p = 0; p < P; p++) column[p] = -1;
  for (int32_t i = 0; i < C; i++) column[c->sizes.column_parameter[i]] = i;
  NEURLP_TRY(neurlp_core_bring(c, c->given.parameter_column, column, P, sizeof *column));
  NEURLP_TRY(neurlp_core_bring(c, c->given.column_parameter, c->sizes.column_parameter, C, sizeof *column));
done:
  neurlp_release(c->context, &column);
  return status;
}

/* Only a device that fails is a failure: NVRTC may be absent, and equations may be too long.
 * NEURLP_EXPRESSIONS=interpret does without, to compare. */
static neurlp_status compile_equations(window_core *c) {
  static const char *const names[WINDOW_COMPILED] = WINDOW_COMPILED_NAMES;
  const char *how = getenv("NEURLP_EXPRESSIONS");
  const neurlp_device_operations *device = c->device->operations;
  neurlp_status status = NEURLP_SUCCESS;
  char *code = NULL;
  size_t bytes = 0;
  if (c->device->architecture == 0 || (how && strcmp(how, "interpret") == 0)) return status;
  if (neurlp_windows_compile_cuda(c->context, c->device->architecture, c->model, &code, &bytes) < 0)
    return status;
  for (int32_t i = 0; i < WINDOW_COMPILED; i++) {
    NEURLP_TRY(device->load(c->device, code, names[i], &c->libraries[i], &c->compiled[i].device));
    c->compiled[i].block = neurlp_cuda_window_kernels_all()->fill_point.block;
  }
done:
  neurlp_release(c->context, &code);
  return status;
}

const neurlp_cuda_kernel *neurlp_core_kernel(const window_core *c, window_compiled which,
                                             const neurlp_cuda_kernel *interpreting) {
  return c->compiled[which].device ? &c->compiled[which] : interpreting;
}

neurlp_status neurlp_core_bring_model(window_core *c) {
  const neurlp_cuda_model *m = &c->given.model;
  const neurlp_model_code *code = c->model->code;
  const size_t entry = sizeof(neurlp_model_entry), instruction = sizeof(neurlp_instruction);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_bring(c, m->basic, code->basic->instructions, code->basic->count, instruction));
  NEURLP_TRY(neurlp_core_bring(c, m->full, code->full->instructions, code->full->count, instruction));
  NEURLP_TRY(neurlp_core_bring(c, m->code.known, code->known, code->known_count, entry));
  NEURLP_TRY(neurlp_core_bring(c, m->code.jacobian, code->jacobian, code->jacobian_count, entry));
  NEURLP_TRY(
      neurlp_core_bring(c, m->code.term_jacobian, code->term_jacobian, code->term_jacobian_count, entry));
  NEURLP_TRY(neurlp_core_bring(c, m->code.sensitivity, code->sensitivity, code->sensitivity_count, entry));
  NEURLP_TRY(bring_columns(c));
  NEURLP_TRY(compile_equations(c));
done:
  return status;
}

neurlp_status neurlp_core_choose(window_core *c, const int64_t *chosen, int64_t count) {
  c->chosen = chosen;
  c->given.count = count;
  for (int64_t i = 0; !chosen && i < count; i++) c->list[i] = i;
  return neurlp_core_bring(c, c->selected, chosen ? chosen : c->list, count, sizeof(int64_t));
}

/* ---- calls ------------------------------------------------------------------------------------------- */

neurlp_status neurlp_core_launch(const window_core *c, neurlp_cuda_windows *g,
                                 const neurlp_cuda_kernel *kernel, int64_t tasks) {
  g->tasks = tasks;
  if (tasks == 0) return NEURLP_SUCCESS;
  return c->device->operations->launch(c->device, 0, kernel, tasks < g->threads ? tasks : g->threads, g,
                                       sizeof *g);
}

neurlp_status neurlp_core_fill(window_core *c, neurlp_cuda_windows *g, neurlp_cuda_mode mode, bool listed,
                               int64_t offset, int64_t slots) {
  const neurlp_cuda_window_kernels *kernels = neurlp_cuda_window_kernels_all();
  neurlp_status status = NEURLP_SUCCESS;
  (void)carve(c, g, c->blocks[mode].right, c->blocks[mode].capacity);
  g->mode = mode;
  g->slots = slots;
  g->right = c->blocks[mode].right;
  g->position = listed ? c->position + offset : NULL;
  g->first_position = offset;
  for (int64_t i = 0; i < slots; i++) {
    const int64_t position = listed ? c->list[offset + i] : offset + i;
    c->lengths[i] = c->points[c->chosen ? c->chosen[position] : position];
  }
  NEURLP_TRY(neurlp_core_launch(c, g, &kernels->fill_slot, slots));
  NEURLP_TRY(neurlp_core_launch(c, g, neurlp_core_kernel(c, WINDOW_FILL_POINT, &kernels->fill_point),
                                slots * g->steps));
done:
  return status;
}

static neurlp_inputs inputs_of(const window_core *c, const neurlp_cuda_windows *g) {
  return (neurlp_inputs){.systems = g->slots,
                         .coefficients = g->coefficients,
                         .rhs = g->rhs,
                         .initial_values = g->initial_values,
                         .steps = g->h,
                         .lengths = c->lengths};
}

neurlp_status neurlp_core_solve_block(const window_core *c, const neurlp_cuda_windows *g) {
  const neurlp_inputs inputs = inputs_of(c, g);
  return neurlp_backend_cuda()->solve(c->blocks[g->mode].state, &inputs, g->solution,
                                      (neurlp_status *)g->block_status);
}

neurlp_status neurlp_core_adjoint_block(const window_core *c, const neurlp_cuda_windows *g) {
  const neurlp_inputs inputs = inputs_of(c, g);
  const neurlp_gradients gradients = {
      .rhs = g->grad_rhs, .initial_values = g->grad_initial, .steps = g->grad_h};
  return neurlp_backend_cuda()->adjoint(c->blocks[g->mode].state, &inputs, g->solution, g->grad_state,
                                        &gradients, (neurlp_status *)g->block_status);
}

/* ---- the iteration ----------------------------------------------------------------------------------- */

/* One linear solve and one move for windows at positions core->list [first .. first + slots). */
static neurlp_status iterate_piece(window_core *c, neurlp_cuda_windows *g, int64_t first, int64_t slots) {
  const neurlp_cuda_window_kernels *kernels = neurlp_cuda_window_kernels_all();
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_fill(c, g, NEURLP_CUDA_SOLVE, true, first, slots));
  NEURLP_TRY(neurlp_core_solve_block(c, g));
  NEURLP_TRY(neurlp_core_launch(c, g, &kernels->measure, slots * g->steps));
  NEURLP_TRY(neurlp_core_launch(c, g, &kernels->decide, slots));
  NEURLP_TRY(neurlp_core_launch(c, g, &kernels->move, slots * g->steps));
done:
  return status;
}

/* One iteration of the `count` windows in core->list; *left of them, which stay there, go on. */
static neurlp_status iterate(window_core *c, neurlp_cuda_windows *g, int64_t count, int64_t *left) {
  const int64_t most = c->blocks[NEURLP_CUDA_SOLVE].capacity;
  neurlp_status status = NEURLP_SUCCESS;
  int64_t kept = 0;
  NEURLP_TRY(neurlp_core_bring(c, c->position, c->list, count, sizeof *c->list));
  for (int64_t first = 0; first < count; first += most)
    NEURLP_TRY(iterate_piece(c, g, first, count - first < most ? count - first : most));
  NEURLP_TRY(neurlp_transfer_out(&c->transfer, c->active, g->active, (size_t)g->count));
  for (int64_t i = 0; i < count; i++)
    if (c->active[c->list[i]]) c->list[kept++] = c->list[i];
  *left = kept;
done:
  return status;
}

neurlp_status neurlp_core_solve(window_core *c, neurlp_cuda_windows *g) {
  neurlp_status status = NEURLP_SUCCESS;
  int64_t left = g->count;
  NEURLP_TRY(neurlp_core_launch(c, g, &neurlp_cuda_window_kernels_all()->begin, g->count));
  for (int64_t i = 0; i < left; i++) c->list[i] = i;
  for (int32_t i = 0; i < c->shape.iterations && left > 0; i++) NEURLP_TRY(iterate(c, g, left, &left));
done:
  return status;
}
