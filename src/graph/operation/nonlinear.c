#include "graph/operation/nonlinear.h"

#include "block/nonlinear/equations.h"
#include "graph/operations.h"

neurlp_node *neurlp_nonlinear_node(neurlp_graph *graph, const neurlp_node *node,
                                   neurlp_nonlinear_input input) {
  const int32_t place = ((const neurlp_graph_nonlinear *)node->object)->place[input];
  return place < 0 ? NULL : neurlp_graph_node(graph, node->inputs[place]);
}

static double *take(neurlp_nonlinear_scratch *scratch, double *memory, int64_t numbers) {
  double *at = memory ? memory + scratch->bytes / sizeof(double) : NULL;
  scratch->bytes += (size_t)numbers * sizeof(double);
  return at;
}

neurlp_nonlinear_scratch neurlp_nonlinear_scratch_at(const neurlp_graph_nonlinear *nonlinear,
                                                     double *memory) {
  const neurlp_nonlinear_shape *z = &nonlinear->shape;
  const int64_t S = z->systems, T = z->steps, D = z->dimensions;
  neurlp_nonlinear_scratch s = {.bytes = 0};
  s.initial_values = take(&s, memory, S * D * z->leading_derivative);
  s.parameters = take(&s, memory, S * z->parameters);
  s.steps = take(&s, memory, S * (T - 1));
  s.times = take(&s, memory, S * T);
  if (!z->adjoint) return s;
  s.grad_state = take(&s, memory, S * T * D * (z->order + 1));
  s.gradients.initial_values = take(&s, memory, S * D * z->leading_derivative);
  s.gradients.parameters = take(&s, memory, S * z->parameters);
  s.gradients.steps = take(&s, memory, S * (T - 1));
  return s;
}

/* ---- shapes ------------------------------------------------------------------------------------------ */

static bool fits(int64_t extent, int64_t n) {
  return extent == n || extent == 1;
}

static neurlp_status refuse_shape(neurlp_graph *graph, const char *name, const neurlp_node *input,
                                  const char *wanted) {
  char text[NEURLP_SHAPE_TEXT];
  return neurlp_fail(neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT, "%s are %s and have to be %s", name,
                     input ? neurlp_shape_print(&input->shape, text) : "missing", wanted);
}

static neurlp_status check_inputs(neurlp_graph *graph, const neurlp_node *node) {
  const neurlp_graph_nonlinear *nonlinear = node->object;
  const neurlp_nonlinear_shape *z = &nonlinear->shape;
  const int64_t S = z->systems, D = z->dimensions, kappa = z->leading_derivative, T = z->steps;
  const neurlp_node *v = neurlp_nonlinear_node(graph, node, NEURLP_NONLINEAR_INITIAL_VALUES);
  const neurlp_node *p = neurlp_nonlinear_node(graph, node, NEURLP_NONLINEAR_PARAMETERS);
  const neurlp_node *h = neurlp_nonlinear_node(graph, node, NEURLP_NONLINEAR_STEPS);
  const neurlp_node *guess = neurlp_nonlinear_node(graph, node, NEURLP_NONLINEAR_GUESS);
  const int64_t *e = v->shape.extents;
  if (v->shape.rank != 3 || !fits(e[0], S) || e[1] != D || e[2] != kappa)
    return refuse_shape(graph, "initial values", v, "[samples or 1][dimensions][leading derivative]");
  if ((p != NULL) != (z->parameters > 0) ||
      (p && (p->shape.rank != 2 || !fits(p->shape.extents[0], S) || p->shape.extents[1] != z->parameters)))
    return refuse_shape(graph, "parameters", p, "[samples or 1][parameters of the equations]");
  if (h->shape.rank != 2 || !fits(h->shape.extents[0], S) || !fits(h->shape.extents[1], T - 1))
    return refuse_shape(graph, "steps", h, "[samples or 1][steps - 1, or 1]");
  if (guess &&
      (guess->shape.rank != 4 || !fits(guess->shape.extents[0], S) || !fits(guess->shape.extents[1], T) ||
       guess->shape.extents[2] != D || guess->shape.extents[3] != kappa))
    return refuse_shape(graph, "guesses", guess,
                        "[samples or 1][steps or 1][dimensions][leading derivative]");
  if (h->trained && z->equations->timed)
    return neurlp_fail(
        neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT,
        "the equations use t, and steps are trained: gradients of steps are those of equations "
        "without t");
  return NEURLP_SUCCESS;
}

/* Bytes of the block: it is made once and let go again. */
static neurlp_status measure(neurlp_graph_nonlinear *nonlinear) {
  neurlp_context *context = nonlinear->context;
  const size_t before = neurlp_context_memory(context).current_bytes;
  neurlp_nonlinear *block = NULL;
  const neurlp_status status = neurlp_nonlinear_create(context, &nonlinear->shape, &block);
  if (status < 0) return status;
  nonlinear->bytes += neurlp_context_memory(context).current_bytes - before;
  neurlp_nonlinear_destroy(&block);
  nonlinear->bytes += 2 * (size_t)nonlinear->shape.systems * sizeof *nonlinear->statuses;
  return NEURLP_SUCCESS;
}

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_nonlinear *nonlinear = node->object;
  neurlp_nonlinear_shape *z = &nonlinear->shape;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_inputs(graph, node));
  z->adjoint = node->trained;
  NEURLP_TRY(measure(nonlinear));
  node->shape = neurlp_shape_of(4, z->systems, z->steps, z->dimensions, z->order + 1);
  node->scratch_bytes = neurlp_nonlinear_scratch_at(nonlinear, NULL).bytes;
  node->saved_bytes = (size_t)neurlp_shape_numbers(&node->shape) * sizeof(double); /* the solutions */
done:
  return status;
}

/* ---- life -------------------------------------------------------------------------------------------- */

static neurlp_status prepare(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_nonlinear *nonlinear = node->object;
  neurlp_context *context = nonlinear->context;
  const int64_t S = nonlinear->shape.systems;
  neurlp_status status = NEURLP_SUCCESS;
  (void)graph;
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *nonlinear->statuses, &nonlinear->statuses));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *nonlinear->statuses, &nonlinear->adjoint_statuses));
  NEURLP_TRY(neurlp_nonlinear_create(context, &nonlinear->shape, &nonlinear->block));
done:
  return status;
}

static void release(neurlp_context *context, void *object) {
  neurlp_graph_nonlinear *nonlinear = object;
  neurlp_nonlinear_destroy(&nonlinear->block);
  neurlp_release(context, &nonlinear->scale);
  neurlp_release(context, &nonlinear->statuses);
  neurlp_release(context, &nonlinear->adjoint_statuses);
  neurlp_release(context, &nonlinear);
}

static size_t object_bytes(const void *object) {
  return ((const neurlp_graph_nonlinear *)object)->bytes;
}

const neurlp_operation neurlp_operation_nonlinear = {.name = "nonlinear block",
                                                     .reads_inputs = true,
                                                     .infer = infer,
                                                     .prepare = prepare,
                                                     .release = release,
                                                     .object_bytes = object_bytes};

/* ---- building ---------------------------------------------------------------------------------------- */

static neurlp_status make(neurlp_graph *graph, const neurlp_graph_nonlinear_spec *spec,
                          neurlp_graph_nonlinear **out) {
  neurlp_context *context = neurlp_graph_context(graph);
  const size_t before = neurlp_context_memory(context).current_bytes;
  const int64_t S = neurlp_graph_samples(graph);
  neurlp_graph_nonlinear *made = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (!spec->equations)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "nonlinear block: there are no equations");
  const int32_t D = spec->equations->dimensions;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  made->context = context;
  made->shape = (neurlp_nonlinear_shape){.systems = S,
                                         .steps = spec->steps,
                                         .dimensions = D,
                                         .order = spec->order,
                                         .leading_derivative = spec->equations->leading_derivative,
                                         .parameters = spec->equations->parameters,
                                         .nominal_step = spec->nominal_step,
                                         .weight_top = spec->weight_top,
                                         .iterations = spec->iterations,
                                         .tolerance = spec->tolerance,
                                         .remainder = spec->remainder,
                                         .corrections = spec->corrections,
                                         .equations = spec->equations};
  if (spec->scale) {
    NEURLP_TRY(neurlp_allocate(context, S * D, sizeof *made->scale, &made->scale));
    for (int64_t i = 0; i < S * D; i++) made->scale[i] = spec->scale[i % D];
  }
  made->bytes = neurlp_context_memory(context).current_bytes - before;
  *out = made;
  return NEURLP_SUCCESS;
done:
  if (made) release(context, made);
  return status;
}

neurlp_value neurlp_graph_nonlinear_block(neurlp_graph *graph, const neurlp_graph_nonlinear_spec *spec,
                                          neurlp_value initial_values, neurlp_value parameters,
                                          neurlp_value steps, neurlp_value guess) {
  const neurlp_value all[NEURLP_NONLINEAR_INPUTS] = {initial_values, parameters, steps, guess};
  neurlp_value given[NEURLP_NONLINEAR_INPUTS];
  neurlp_graph_nonlinear *nonlinear = NULL;
  int32_t count = 0;
  if (initial_values < 0 || steps < 0) return NEURLP_NO_VALUE;
  const neurlp_status status = make(graph, spec, &nonlinear);
  if (status < 0) return neurlp_graph_refuse(graph, status);
  for (int32_t i = 0; i < NEURLP_NONLINEAR_INPUTS; i++) {
    nonlinear->place[i] = all[i] < 0 ? -1 : count;
    if (all[i] >= 0) given[count++] = all[i];
  }
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_nonlinear, count, given, NULL, nonlinear);
}
