#include "graph/operation/block.h"

#include "graph/operations.h"

neurlp_node *neurlp_block_array(neurlp_graph *graph, const neurlp_node *node, neurlp_array array) {
  const int32_t place = ((const neurlp_graph_block_state *)node->object)->place[array];
  return place < 0 ? NULL : neurlp_graph_node(graph, node->inputs[place]);
}

/* ---- workspace --------------------------------------------------------------------------------------- */

static void *take(neurlp_block_scratch *scratch, unsigned char *memory, size_t bytes) {
  const size_t unit = NEURLP_ALIGNMENT_BYTES;
  void *at = memory ? memory + scratch->bytes : NULL;
  scratch->bytes += (bytes + unit - 1) / unit * unit;
  return at;
}

neurlp_block_scratch neurlp_block_scratch_at(neurlp_graph *graph, const neurlp_node *node,
                                             unsigned char *memory) {
  const neurlp_graph_block_state *block = node->object;
  const size_t number = neurlp_number_bytes(&block->shape);
  neurlp_block_scratch scratch = {.bytes = 0};
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const neurlp_node *input = neurlp_block_array(graph, node, array);
    if (!input || !input->trained) continue;
    const neurlp_extents extents = neurlp_array_extents(&block->shape, array);
    const size_t bytes = (size_t)neurlp_array_numbers(extents, block->shape.systems) * number;
    scratch.gradients[array] = take(&scratch, memory, bytes);
  }
  if (block->shape.keep_factors && !neurlp_graph_machine_of(graph)) {
    const neurlp_extents solution = neurlp_array_extents(&block->shape, NEURLP_ARRAY_SOLUTION);
    const size_t bytes = (size_t)neurlp_array_numbers(solution, block->shape.systems) * number;
    scratch.solution = take(&scratch, memory, bytes);
  }
  return scratch;
}

/* ---- shapes ------------------------------------------------------------------------------------------ */

static neurlp_status refuse_shape(neurlp_graph *graph, const char *name, const neurlp_tensor_shape *shape,
                                  const char *wanted) {
  char text[NEURLP_SHAPE_TEXT];
  return neurlp_fail(neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT, "%s are %s and have to be %s", name,
                     neurlp_shape_print(shape, text), wanted);
}

/* Whether an extent is n, or 1 for what is shared. */
static bool fits(int64_t extent, int64_t n) {
  return extent == n || extent == 1;
}

static neurlp_sharing sharing_of(const neurlp_tensor_shape *shape, bool in_time) {
  const int32_t systems = shape->extents[0] == 1 ? NEURLP_SHARED : 0;
  const int32_t steps = in_time && shape->extents[1] == 1 ? NEURLP_CONSTANT : 0;
  return (neurlp_sharing)(systems | steps);
}

bool neurlp_block_left_is_fixed(neurlp_graph *graph, const neurlp_node *node) {
  const neurlp_array left[] = {NEURLP_ARRAY_COEFFICIENTS, NEURLP_ARRAY_STEPS};
  for (int32_t i = 0; i < 2; i++) {
    const neurlp_node *input = neurlp_block_array(graph, node, left[i]);
    if (input->shape.extents[0] != 1 || neurlp_graph_node(graph, input->alias)->role != NEURLP_ROLE_CONSTANT)
      return false;
  }
  return true;
}

/* One system shares nothing, unless its factor is to be kept: solvers cut the time of long systems into
 * pieces only where the left-hand side is not shared. */
static void unshare(neurlp_sharing *sharing) {
  *sharing = *sharing & NEURLP_CONSTANT;
}

/* What the shapes of the equations and steps say. */
static neurlp_status read_equations(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_block_state *block = node->object;
  neurlp_shape *z = &block->shape;
  const int64_t S = z->systems, T = z->steps;
  const neurlp_tensor_shape c = neurlp_block_array(graph, node, NEURLP_ARRAY_COEFFICIENTS)->shape;
  const neurlp_tensor_shape b = neurlp_block_array(graph, node, NEURLP_ARRAY_RHS)->shape;
  const neurlp_tensor_shape h = neurlp_block_array(graph, node, NEURLP_ARRAY_STEPS)->shape;
  if (c.rank != 5 || !fits(c.extents[0], S) || !fits(c.extents[1], T) || c.extents[4] != z->order + 1)
    return refuse_shape(graph, "coefficients", &c,
                        "[systems or 1][steps or 1][equations][dimensions][order + 1]");
  z->equations = (int32_t)c.extents[2];
  z->dimensions = (int32_t)c.extents[3];
  if (b.rank != 3 || !fits(b.extents[0], S) || !fits(b.extents[1], T) || b.extents[2] != z->equations)
    return refuse_shape(graph, "right-hand sides", &b, "[systems or 1][steps or 1][equations]");
  if (h.rank != 3 || !fits(h.extents[0], S) || !fits(h.extents[1], T - 1) ||
      !fits(h.extents[2], z->dimensions))
    return refuse_shape(graph, "steps", &h, "[systems or 1][steps - 1, or 1][1 or dimensions]");
  z->steps_per_dimension = h.extents[2] > 1;
  z->coefficients_sharing = sharing_of(&c, true);
  z->rhs_sharing = sharing_of(&b, true);
  z->steps_sharing = sharing_of(&h, true);
  if (S == 1 && !neurlp_block_left_is_fixed(graph, node)) {
    unshare(&z->coefficients_sharing);
    unshare(&z->steps_sharing);
  }
  return NEURLP_SUCCESS;
}

static neurlp_status read_values(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_block_state *block = node->object;
  neurlp_shape *z = &block->shape;
  const neurlp_node *initial = neurlp_block_array(graph, node, NEURLP_ARRAY_INITIAL_VALUES);
  const neurlp_node *final = neurlp_block_array(graph, node, NEURLP_ARRAY_FINAL_VALUES);
  if ((initial != NULL) != (z->initial_steps > 0 && z->initial_derivatives > 0) ||
      (final != NULL) != (z->final_derivatives > 0))
    return neurlp_fail(neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT,
                       "initial and final values have to be given where the spec has derivatives that are "
                       "known there, and nowhere else");
  if (initial) {
    const neurlp_tensor_shape v = initial->shape;
    if (v.rank != 4 || !fits(v.extents[0], z->systems) || v.extents[1] != z->initial_steps ||
        v.extents[2] != z->dimensions || v.extents[3] != z->initial_derivatives)
      return refuse_shape(graph, "initial values", &v,
                          "[systems or 1][initial steps][dimensions][initial derivatives]");
    z->values_sharing = sharing_of(&v, false);
  }
  if (final) {
    const neurlp_tensor_shape v = final->shape;
    if (v.rank != 3 || !fits(v.extents[0], z->systems) || v.extents[1] != z->dimensions ||
        v.extents[2] != z->final_derivatives || (initial && sharing_of(&v, false) != z->values_sharing))
      return refuse_shape(graph, "final values", &v,
                          "[systems or 1, as initial values][dimensions][final derivatives]");
    z->values_sharing = sharing_of(&v, false);
  }
  return NEURLP_SUCCESS;
}

/* The most bytes of factors that are kept between forward and backward: what a last-level cache has room for.
 * Measured on one thread, forward and backward of T = 50, d = 2 in double precision, medians of five runs on
 * a busy machine: 1.7 times as fast with 11 MB of factors (S = 1536, D = 1), 0.9 times with 28 MB (S = 512, D
 * = 3). */
static const size_t KEPT_FACTORS = (size_t)16 << 20;

/* Bytes of what will solve the problem. */
static size_t solver_bytes(const neurlp_graph *graph, const neurlp_graph_block_state *block) {
  const neurlp_graph_machine *machine = neurlp_graph_machine_of(graph);
  return machine ? machine->block_bytes(block->context, block->problem)
                 : neurlp_solver_workspace_bytes(block->context, block->problem);
}

/* The problem, with factors kept where a gradient is wanted and they are not too large; counts bytes. */
static neurlp_status make_problem(const neurlp_graph *graph, neurlp_graph_block_state *block, bool backward) {
  neurlp_context *context = block->context;
  const size_t before = neurlp_context_memory(context).current_bytes;
  size_t plain = 0, workspace = 0;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_problem_create(context, &block->shape, &block->formulation, &block->problem));
  plain = workspace = solver_bytes(graph, block);
  if (backward) {
    neurlp_problem_destroy(&block->problem);
    block->shape.keep_factors = true;
    NEURLP_TRY(neurlp_problem_create(context, &block->shape, &block->formulation, &block->problem));
    workspace = solver_bytes(graph, block);
  }
  if (workspace > plain + KEPT_FACTORS) {
    neurlp_problem_destroy(&block->problem);
    block->shape.keep_factors = false;
    NEURLP_TRY(neurlp_problem_create(context, &block->shape, &block->formulation, &block->problem));
    workspace = plain;
  }
  block->bytes = sizeof *block + neurlp_context_memory(context).current_bytes - before + workspace;
  if (!neurlp_graph_machine_of(graph))
    block->bytes += 2 * (size_t)block->shape.systems * sizeof *block->statuses;
done:
  return status;
}

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_block_state *block = node->object;
  const neurlp_shape *z = &block->shape;
  neurlp_status status = NEURLP_SUCCESS;
  if (z->steps < 2 || block->blocks < 1)
    return neurlp_fail(block->context, NEURLP_ERROR_ARGUMENT,
                       "%d steps and %lld blocks; there are 2 steps or more, and 1 block or more", z->steps,
                       (long long)block->blocks);
  NEURLP_TRY(read_equations(graph, node));
  NEURLP_TRY(read_values(graph, node));
  NEURLP_TRY(make_problem(graph, block, node->trained));
  node->shape = neurlp_shape_of(4, z->systems, z->steps, z->dimensions, z->order + 1);
  if (node->trained) node->scratch_bytes = neurlp_block_scratch_at(graph, node, NULL).bytes;
done:
  return status;
}

/* ---- life -------------------------------------------------------------------------------------------- */

/* Constants that are all of the left-hand side are factorised here, once. Where that fails every solve will,
 * too, and say so. A machine does the same when it makes what it has of the graph. */
static neurlp_status prepare(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_block_state *block = node->object;
  neurlp_context *context = block->context;
  const int64_t S = block->shape.systems;
  neurlp_status status = NEURLP_SUCCESS;
  if (neurlp_graph_machine_of(graph)) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *block->statuses, &block->statuses));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *block->adjoint_statuses, &block->adjoint_statuses));
  NEURLP_TRY(neurlp_solver_create(context, block->problem, &block->solver));
  if (!neurlp_block_left_is_fixed(graph, node)) return NEURLP_SUCCESS;
  const neurlp_inputs inputs = {.systems = S,
                                .coefficients =
                                    neurlp_block_array(graph, node, NEURLP_ARRAY_COEFFICIENTS)->data,
                                .steps = neurlp_block_array(graph, node, NEURLP_ARRAY_STEPS)->data};
  NEURLP_TRY(neurlp_solver_prepare(block->solver, &inputs));
  block->prepared = status == NEURLP_SUCCESS;
done:
  return status < 0 ? status : NEURLP_SUCCESS;
}

static void release(neurlp_context *context, void *object) {
  neurlp_graph_block_state *block = object;
  neurlp_solver_destroy(&block->solver);
  neurlp_problem_destroy(&block->problem);
  neurlp_release(context, &block->statuses);
  neurlp_release(context, &block->adjoint_statuses);
  neurlp_release(context, &block);
}

static size_t object_bytes(const void *object) {
  return ((const neurlp_graph_block_state *)object)->bytes;
}

const neurlp_operation neurlp_operation_block = {.name = "block",
                                                 .reads_inputs = true,
                                                 .reads_output = true,
                                                 .infer = infer,
                                                 .prepare = prepare,
                                                 .release = release,
                                                 .object_bytes = object_bytes};

neurlp_value neurlp_graph_block(neurlp_graph *graph, const neurlp_graph_block_spec *spec,
                                const neurlp_graph_block_inputs *inputs) {
  neurlp_context *context = neurlp_graph_context(graph);
  const neurlp_precision precision = neurlp_graph_precision(graph);
  const neurlp_value all[NEURLP_ARRAY_INPUTS] = {inputs->coefficients, inputs->rhs, inputs->initial_values,
                                                 inputs->final_values, inputs->steps};
  neurlp_value given[NEURLP_ARRAY_INPUTS];
  neurlp_graph_block_state *block = NULL;
  int32_t count = 0;
  if (inputs->coefficients < 0 || inputs->rhs < 0 || inputs->steps < 0) return NEURLP_NO_VALUE;
  const neurlp_status status = neurlp_allocate(context, 1, sizeof *block, &block);
  if (status < 0) return neurlp_graph_refuse(graph, status);
  block->context = context;
  block->formulation = spec->formulation;
  block->blocks = spec->blocks == 0 ? 1 : spec->blocks;
  block->shape = (neurlp_shape){.systems = neurlp_graph_samples(graph) * block->blocks,
                                .steps = spec->steps,
                                .order = spec->order,
                                .initial_steps = spec->initial_steps,
                                .initial_derivatives = spec->initial_derivatives,
                                .final_derivatives = spec->final_derivatives,
                                .columns = 1,
                                .precision = precision};
  if (spec->mixed && precision == NEURLP_DOUBLE) block->shape.precision = NEURLP_MIXED;
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    block->place[array] = all[array] < 0 ? -1 : count;
    if (all[array] >= 0) given[count++] = all[array];
  }
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_block, count, given, NULL, block);
}
