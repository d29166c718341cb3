/* The backend cuda, on a GPU or on an imitated one: its state, and what each operation asks of the device. */
#include "cuda/block/state.h"
#include "cuda/device/rooms.h"
#include "cuda/device/transfer.h"

#include <string.h>

/* Part of the memory that is free which a solver takes at most: others are to have room, too. */
static size_t limit_bytes(neurlp_device *device) {
  return device->operations->free_bytes(device) / 10 * 9;
}

/* ---- the left-hand side that all systems share ------------------------------------------------------- */

static size_t left_bytes(const cuda_state *s, neurlp_array array) {
  return s->plan.extents[CUDA_INPUTS + array].shared;
}

static const neurlp_array LEFT[2] = {NEURLP_ARRAY_COEFFICIENTS, NEURLP_ARRAY_STEPS};

static neurlp_status allocate_left(cuda_state *s, cuda_left *left) {
  const neurlp_device_operations *device = s->device->operations;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(device->allocate(s->device, s->plan.group_bytes, &left->workspace));
  for (int32_t i = 0; i < 2; i++)
    NEURLP_TRY(device->allocate(s->device, left_bytes(s, LEFT[i]), &left->arrays[LEFT[i]]));
done:
  return status;
}

static void release_left(cuda_state *s, cuda_left *left) {
  s->device->operations->release(s->device, &left->workspace);
  for (int32_t i = 0; i < 2; i++) s->device->operations->release(s->device, &left->arrays[LEFT[i]]);
}

/* What the kernel that factorises is given; its status goes to the device. */
static neurlp_cuda_tiles factor_tiles(const cuda_state *s, const cuda_left *left, void *status) {
  neurlp_cuda_tiles tiles = {
      .problem = *s->problem, .items = 1, .threads = 1, .group_bytes = s->plan.group_bytes};
  tiles.inputs = (neurlp_inputs){.systems = 1,
                                 .coefficients = left->arrays[NEURLP_ARRAY_COEFFICIENTS],
                                 .steps = left->arrays[NEURLP_ARRAY_STEPS]};
  tiles.job = (neurlp_tile_job){.workspace = left->workspace, .status = status};
  return tiles;
}

/* Puts a left-hand side on the device and factorises it. *of_factor is what the factor's status is. */
static neurlp_status make_left(cuda_state *s, cuda_left *left, const neurlp_inputs *inputs,
                               neurlp_status *of_factor) {
  const neurlp_device_operations *device = s->device->operations;
  const void *from[2] = {inputs->coefficients, inputs->steps};
  void *on_device = s->queues[0].room, *pinned = pinned_of(s, 0);
  const cuda_transfer transfer = {s->device, pinned, s->plan.room_bytes};
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < 2; i++)
    if (from[i])
      NEURLP_TRY(neurlp_transfer_in(&transfer, left->arrays[LEFT[i]], from[i], left_bytes(s, LEFT[i])));
  const neurlp_cuda_tiles tiles = factor_tiles(s, left, on_device);
  NEURLP_TRY(device->launch(s->device, 0, &s->kernels->factorise, 1, &tiles, sizeof tiles));
  NEURLP_TRY(device->copy(s->device, 0, pinned, on_device, sizeof *of_factor));
  NEURLP_TRY(device->wait(s->device, 0));
  memcpy(of_factor, pinned, sizeof *of_factor);
done:
  return status;
}

/* ---- the state --------------------------------------------------------------------------------------- */

static void destroy_cuda(void **state) {
  cuda_state *s = *state;
  if (!s) return;
  neurlp_context *context = s->context;
  for (int32_t i = 0; i < s->plan.queues; i++) {
    cuda_queue *q = &s->queues[i];
    void *list[3] = {q->room, q->sums, q->workspace};
    for (int32_t j = 0; j < 3; j++) s->device->operations->release(s->device, &list[j]);
  }
  if (s->joined) neurlp_rooms_leave(s->device);
  void *shared = s->shared, *store = s->store;
  s->device->operations->release(s->device, &shared);
  s->device->operations->release(s->device, &store);
  release_left(s, &s->kept);
  release_left(s, &s->passing);
  neurlp_cut_destroy_cuda(s);
  neurlp_map_destroy_cuda(s);
  neurlp_release(context, state);
}

static neurlp_status allocate_queue(cuda_state *s, cuda_queue *q) {
  const neurlp_device_operations *device = s->device->operations;
  const cuda_plan *plan = &s->plan;
  const size_t workspace = plan->group_bytes * (size_t)(plan->threads / NEURLP_CUDA_GROUP);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(device->allocate(s->device, plan->room_bytes, (void **)&q->room));
  NEURLP_TRY(device->allocate(s->device, plan->sums_bytes, (void **)&q->sums));
  NEURLP_TRY(device->allocate(s->device, workspace, (void **)&q->workspace));
done:
  return status;
}

static neurlp_status check_limit(const cuda_state *s, size_t limit) {
  if (s->plan.device_bytes <= limit) return NEURLP_SUCCESS;
  return neurlp_fail(s->context, NEURLP_ERROR_MEMORY,
                     "%s: this problem needs %zu bytes of its memory even for few systems at a time, and %zu "
                     "are to be had; %s, or use the backend cpu",
                     s->device->name, s->plan.device_bytes, limit,
                     s->plan.resident ? "use windows of fewer samples (block.window)"
                                      : "lower shape.steps, set shape.keep_factors to false");
}

/* Plans with time cut where that helps and fits, or else without. */
static void make_plan(const neurlp_problem *problem, const neurlp_device *device, cuda_stay stay,
                      size_t limit, cuda_plan *plan, cuda_cut *cut) {
  const neurlp_cuda_kernels *kernels = neurlp_cuda_kernels_of(problem->shape.precision);
  neurlp_cut_plan_cuda(cut, problem, kernels, device->threads);
  if (cut->plan.intervals > 0) {
    neurlp_plan_cut_cuda(plan, problem, cut, stay);
    if (plan->device_bytes <= limit) return;
    cut->plan.intervals = 0;
  }
  neurlp_plan_cuda(plan, problem, kernels, device->threads, stay, limit);
}

/* Kernels for known sizes know nothing of joints. */
static void choose_kernels(cuda_state *s) {
  const neurlp_cuda_sized *sized = s->cut.plan.intervals > 0 ? NULL : neurlp_cuda_sized_find(s->problem);
  s->kernels = neurlp_cuda_kernels_of(s->problem->shape.precision);
  s->solve = sized ? &sized->solve : &s->kernels->solve;
  s->adjoint = sized ? &sized->adjoint : &s->kernels->adjoint;
}

/* What a problem with one factor needs beside the rest. */
static neurlp_status allocate_factor(cuda_state *s) {
  size_t bytes;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(allocate_left(s, &s->kept));
  NEURLP_TRY(allocate_left(s, &s->passing));
  s->map.sizes = neurlp_map_plan_cuda(s->problem, &bytes);
  if (s->map.sizes.inputs > 0) NEURLP_TRY(neurlp_map_create_cuda(s));
done:
  return status;
}

static neurlp_status create_on(neurlp_context *context, const neurlp_problem *problem, neurlp_device *device,
                               cuda_stay stay, size_t limit, void **state) {
  neurlp_status status = NEURLP_SUCCESS;
  void *made = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof(cuda_state), &made));
  cuda_state *s = made;
  *s = (cuda_state){.context = context, .problem = problem, .device = device};
  make_plan(problem, device, stay, limit, &s->plan, &s->cut);
  choose_kernels(s);
  NEURLP_TRY(check_limit(s, limit));
  for (int32_t i = 0; i < s->plan.queues; i++) NEURLP_TRY(allocate_queue(s, &s->queues[i]));
  NEURLP_TRY(neurlp_rooms_join(device, s->plan.queues, s->plan.room_bytes));
  s->joined = true;
  NEURLP_TRY(device->operations->allocate(device, s->plan.shared_bytes, (void **)&s->shared));
  if (s->plan.store_bytes > 0)
    NEURLP_TRY(device->operations->allocate(device, s->plan.store_bytes, (void **)&s->store));
  if (s->cut.plan.intervals > 0) NEURLP_TRY(neurlp_cut_create_cuda(s));
  if (problem->one_factor) NEURLP_TRY(allocate_factor(s));
  *state = made;
  made = NULL;
done:
  destroy_cuda(&made);
  return status;
}

neurlp_status neurlp_resident_create_cuda(neurlp_device *device, const neurlp_problem *problem, size_t limit,
                                          void **state) {
  *state = NULL;
  return create_on(device->context, problem, device, CUDA_RESIDENT, limit, state);
}

static neurlp_status prepare_cuda(void *state, const neurlp_inputs *inputs) {
  cuda_state *s = state;
  neurlp_status status = NEURLP_SUCCESS, of_factor = NEURLP_SUCCESS;
  NEURLP_TRY(make_left(s, &s->kept, inputs, &of_factor));
  if (of_factor == NEURLP_SUCCESS && s->map.sizes.inputs > 0) NEURLP_TRY(neurlp_map_make_cuda(s, &of_factor));
  if (of_factor > NEURLP_SUCCESS)
    status = neurlp_fail(s->context, of_factor, "the left-hand side that all systems share: %s",
                         neurlp_status_sentence(of_factor));
done:
  return status;
}

/* ---- operations -------------------------------------------------------------------------------------- */

static void list_inputs(cuda_call *call, const neurlp_inputs *in) {
  call->systems = in->systems;
  call->in[NEURLP_ARRAY_COEFFICIENTS] = in->coefficients;
  call->in[NEURLP_ARRAY_RHS] = in->rhs;
  call->in[NEURLP_ARRAY_INITIAL_VALUES] = in->initial_values;
  call->in[NEURLP_ARRAY_FINAL_VALUES] = in->final_values;
  call->in[NEURLP_ARRAY_STEPS] = in->steps;
  call->in[CUDA_LENGTHS] = in->lengths;
}

static void list_gradients(cuda_call *call, const neurlp_gradients *to) {
  void **out = call->out + CUDA_GRADIENTS;
  out[NEURLP_ARRAY_COEFFICIENTS] = to->coefficients;
  out[NEURLP_ARRAY_RHS] = to->rhs;
  out[NEURLP_ARRAY_INITIAL_VALUES] = to->initial_values;
  out[NEURLP_ARRAY_FINAL_VALUES] = to->final_values;
  out[NEURLP_ARRAY_STEPS] = to->steps;
}

static void list_direction(cuda_call *call, const neurlp_direction *d) {
  const void **in = call->in + CUDA_DIRECTION;
  in[NEURLP_ARRAY_COEFFICIENTS] = d->coefficients;
  in[NEURLP_ARRAY_RHS] = d->rhs;
  in[NEURLP_ARRAY_INITIAL_VALUES] = d->initial_values;
  in[NEURLP_ARRAY_FINAL_VALUES] = d->final_values;
  in[NEURLP_ARRAY_STEPS] = d->steps;
}

/* In place it is made, and looked at, with the rest of the work. */
static neurlp_status make_left_in_place(cuda_state *s, cuda_left *left, const neurlp_inputs *inputs,
                                        int32_t *of_factor) {
  const neurlp_device_operations *device = s->device->operations;
  const void *from[2] = {inputs->coefficients, inputs->steps};
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < 2; i++)
    if (from[i])
      NEURLP_TRY(device->copy(s->device, 0, left->arrays[LEFT[i]], from[i], left_bytes(s, LEFT[i])));
  const neurlp_cuda_tiles tiles = factor_tiles(s, left, of_factor);
  status = device->launch(s->device, 0, &s->kernels->factorise, 1, &tiles, sizeof tiles);
done:
  return status;
}

/* Finds the factor for a call where all systems share one: that which is kept, or one that is made now. */
static neurlp_status settle_factor(cuda_state *s, cuda_call *call, const neurlp_inputs *inputs,
                                   neurlp_status *of_factor) {
  neurlp_status status = NEURLP_SUCCESS;
  *of_factor = NEURLP_SUCCESS;
  if (!s->problem->one_factor || inputs->lengths) return status;
  const cuda_left *left = &s->kept;
  if (inputs->steps && s->plan.in_place) {
    int32_t *there = (int32_t *)(void *)s->queues[0].room; /* where lengths would be */
    NEURLP_TRY(make_left_in_place(s, &s->passing, inputs, there));
    call->of_factor = there;
    left = &s->passing;
  } else if (inputs->steps) {
    NEURLP_TRY(make_left(s, &s->passing, inputs, of_factor));
    left = &s->passing;
  }
  call->left = left;
  call->kept = left->workspace;
  call->in[NEURLP_ARRAY_COEFFICIENTS] = call->in[NEURLP_ARRAY_STEPS] = NULL;
done:
  return status;
}

static size_t output_bytes(const cuda_state *s, const cuda_call *call, int32_t role) {
  const cuda_extent *extent = &s->plan.extents[role];
  return extent->shared > 0 ? extent->shared : extent->system * (size_t)call->systems;
}

/* All systems have failed alike: outputs are NaN (all bits set), in either precision. */
static neurlp_status fail_all(cuda_state *s, const cuda_call *call, neurlp_status of_factor) {
  neurlp_status status = NEURLP_SUCCESS, *statuses = call->out[CUDA_STATUS];
  for (int64_t i = 0; i < call->systems; i++) statuses[i] = of_factor;
  for (int32_t role = 0; role < CUDA_STATUS; role++) {
    void *to = call->out[role];
    if (!to) continue;
    const size_t bytes = output_bytes(s, call, role);
    if (s->device->operations->place(s->device, to) == NEURLP_PLACE_DEVICE)
      NEURLP_TRY(s->device->operations->set(s->device, 0, to, 0xff, bytes));
    else
      memset(to, 0xff, bytes);
  }
  status = s->device->operations->wait(s->device, 0);
done:
  return status;
}

static neurlp_status run(cuda_state *s, cuda_call *call, const neurlp_inputs *inputs) {
  neurlp_status status = NEURLP_SUCCESS, of_factor;
  NEURLP_TRY(settle_factor(s, call, inputs, &of_factor));
  status = of_factor == NEURLP_SUCCESS ? neurlp_run_cuda(s, call) : fail_all(s, call, of_factor);
done:
  return status;
}

static cuda_call solve_call(const cuda_state *s, const neurlp_inputs *inputs, void *solution,
                            neurlp_status *statuses) {
  cuda_call call = {.kernel = s->solve, .by_map = s->map.sizes.inputs > 0 && !inputs->steps};
  list_inputs(&call, inputs);
  call.out[CUDA_SOLUTION] = solution;
  call.out[CUDA_STATUS] = statuses;
  return call;
}

static neurlp_status solve_cuda(void *state, const neurlp_inputs *inputs, void *solution,
                                neurlp_status *statuses) {
  cuda_call call = solve_call(state, inputs, solution, statuses);
  return run(state, &call, inputs);
}

static cuda_call adjoint_call(const cuda_state *s, const neurlp_inputs *inputs, const void *solution,
                              const void *grad_output, const neurlp_gradients *gradients,
                              neurlp_status *statuses) {
  const bool right_only = !inputs->steps && !gradients->coefficients && !gradients->steps;
  cuda_call call = {
      .kernel = s->adjoint, .stored = s->problem->keeps, .by_map = s->map.sizes.inputs > 0 && right_only};
  list_inputs(&call, inputs);
  list_gradients(&call, gradients);
  call.in[CUDA_SOLUTION] = solution;
  call.in[CUDA_GRAD_OUTPUT] = grad_output;
  call.out[CUDA_STATUS] = statuses;
  return call;
}

static neurlp_status adjoint_cuda(void *state, const neurlp_inputs *inputs, const void *solution,
                                  const void *grad_output, const neurlp_gradients *gradients,
                                  neurlp_status *statuses) {
  cuda_call call = adjoint_call(state, inputs, solution, grad_output, gradients, statuses);
  return run(state, &call, inputs);
}

/* ---- in place ---------------------------------------------------------------------------------------- */

neurlp_status neurlp_in_place_create_cuda(neurlp_device *device, const neurlp_problem *problem,
                                          void **state) {
  *state = NULL;
  return create_on(device->context, problem, device, CUDA_IN_PLACE, limit_bytes(device), state);
}

neurlp_status neurlp_in_place_solve_cuda(void *state, const neurlp_inputs *inputs,
                                         const cuda_counting *counting, void *solution, int32_t *statuses) {
  cuda_call call = solve_call(state, inputs, solution, (neurlp_status *)(void *)statuses);
  call.counting = counting;
  return run(state, &call, inputs);
}

neurlp_status neurlp_in_place_adjoint_cuda(void *state, const neurlp_inputs *inputs,
                                           const cuda_counting *counting, const void *solution,
                                           const void *grad_output, const neurlp_gradients *gradients,
                                           int32_t *statuses) {
  cuda_call call =
      adjoint_call(state, inputs, solution, grad_output, gradients, (neurlp_status *)(void *)statuses);
  call.counting = counting;
  return run(state, &call, inputs);
}

/* ---- other operations -------------------------------------------------------------------------------- */

static neurlp_status tangent_cuda(void *state, const neurlp_inputs *inputs, const void *solution,
                                  const neurlp_direction *direction, void *tangent, neurlp_status *statuses) {
  cuda_state *s = state;
  cuda_call call = {.kernel = &s->kernels->tangent, .stored = s->problem->keeps};
  list_inputs(&call, inputs);
  list_direction(&call, direction);
  call.in[CUDA_SOLUTION] = solution;
  call.out[CUDA_TANGENT] = tangent;
  call.out[CUDA_STATUS] = statuses;
  return run(s, &call, inputs);
}

static neurlp_status slack_cuda(void *state, const neurlp_inputs *inputs, const void *solution, void *slack) {
  cuda_state *s = state;
  cuda_call call = {.kernel = &s->kernels->slack};
  list_inputs(&call, inputs);
  if (!inputs->steps) call.left = &s->kept;
  call.in[CUDA_SOLUTION] = solution;
  call.out[CUDA_SLACK] = slack;
  return neurlp_run_cuda(s, &call);
}

/* ---- on which device --------------------------------------------------------------------------------- */

static size_t workspace_bytes_on(neurlp_device *device, const neurlp_problem *problem, cuda_stay stay) {
  cuda_plan plan;
  cuda_cut cut;
  size_t map_bytes, left_bytes;
  make_plan(problem, device, stay, limit_bytes(device), &plan, &cut);
  (void)neurlp_map_plan_cuda(problem, &map_bytes);
  left_bytes = plan.group_bytes + plan.shared_bytes;
  return sizeof(cuda_state) + plan.device_bytes + plan.pinned_bytes +
         (problem->one_factor ? 2 * left_bytes + map_bytes : 0);
}

size_t neurlp_in_place_bytes_cuda(neurlp_device *device, const neurlp_problem *problem) {
  return workspace_bytes_on(device, problem, CUDA_IN_PLACE);
}

#define DEFINE_BACKEND(suffix, text, open)                                                                   \
  static neurlp_status create_##suffix(neurlp_context *context, const neurlp_problem *problem,               \
                                       void **state) {                                                       \
    neurlp_status status = NEURLP_SUCCESS;                                                                   \
    neurlp_device *device = NULL;                                                                            \
    *state = NULL;                                                                                           \
    NEURLP_TRY(open(context, &device));                                                                      \
    status = create_on(context, problem, device, CUDA_COPIED, limit_bytes(device), state);                   \
  done:                                                                                                      \
    return status;                                                                                           \
  }                                                                                                          \
  static size_t workspace_bytes_##suffix(const neurlp_context *context, const neurlp_problem *problem) {     \
    neurlp_device *device = NULL;                                                                            \
    const neurlp_status status = open(problem->context, &device);                                            \
    (void)context;                                                                                           \
    return status < 0 ? 0 : workspace_bytes_on(device, problem, CUDA_COPIED);                                \
  }                                                                                                          \
  const neurlp_backend *neurlp_backend_##suffix(void) {                                                      \
    static const neurlp_backend backend = {.name = text,                                                     \
                                           .workspace_bytes = workspace_bytes_##suffix,                      \
                                           .create = create_##suffix,                                        \
                                           .destroy = destroy_cuda,                                          \
                                           .prepare = prepare_cuda,                                          \
                                           .solve = solve_cuda,                                              \
                                           .adjoint = adjoint_cuda,                                          \
                                           .tangent = tangent_cuda,                                          \
                                           .slack = slack_cuda};                                             \
    return &backend;                                                                                         \
  }

DEFINE_BACKEND(cuda, "cuda", neurlp_device_of_cuda)
DEFINE_BACKEND(cuda_check, "cuda:check", neurlp_device_of_host)

const char *neurlp_device_name(neurlp_context *context) {
  neurlp_device *device = NULL;
  const bool imitated = strcmp(neurlp_context_backend(context), "cuda:check") == 0;
  const neurlp_status status =
      imitated ? neurlp_device_of_host(context, &device) : neurlp_device_of_cuda(context, &device);
  return status < 0 ? "none" : device->name;
}
