#include "graph/operation/library.h"

#include "graph/operations.h"

static int64_t symbols_of(const neurlp_graph_library_terms *terms) {
  return (int64_t)terms->variables + terms->parameters;
}

static size_t padded(size_t bytes) {
  const size_t unit = NEURLP_ALIGNMENT_BYTES;
  return (bytes + unit - 1) / unit * unit;
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

static size_t point_bytes(const neurlp_graph_library_terms *terms) {
  return padded((size_t)terms->variables * NEURLP_PROGRAM_LANES * sizeof(double));
}

static size_t output_bytes(const neurlp_graph_library_terms *terms) {
  const int32_t most = terms->terms > terms->slope_count ? terms->terms : terms->slope_count;
  return padded((size_t)most * NEURLP_PROGRAM_LANES * sizeof(double));
}

neurlp_library_lanes neurlp_library_lanes_at(const neurlp_graph_library_terms *terms, unsigned char *memory) {
  const size_t symbols = (size_t)symbols_of(terms);
  neurlp_library_lanes lanes = {.inputs = (const double **)(void *)memory};
  memory += padded(symbols * sizeof *lanes.inputs);
  lanes.strides = (int64_t *)(void *)memory;
  memory += padded(symbols * sizeof *lanes.strides);
  lanes.parameters = (double *)(void *)memory;
  memory += padded((size_t)terms->parameters * sizeof(double));
  lanes.points = (double *)(void *)memory;
  memory += point_bytes(terms);
  lanes.outputs = (double *)(void *)memory;
  lanes.workspace = memory + output_bytes(terms);
  return lanes;
}

size_t neurlp_library_lanes_bytes(const neurlp_graph_library_terms *terms) {
  const size_t symbols = (size_t)symbols_of(terms);
  const size_t slopes = terms->slopes ? neurlp_program_workspace_bytes(terms->slopes) : 0;
  return padded(symbols * sizeof(double *)) + padded(symbols * sizeof(int64_t)) +
         padded((size_t)terms->parameters * sizeof(double)) + point_bytes(terms) + output_bytes(terms) +
         padded(larger(neurlp_program_workspace_bytes(terms->values), slopes));
}

/* Groups of points that a thread works on at a time. */
static int64_t groups_of(const neurlp_graph *graph, const neurlp_node *node) {
  const neurlp_graph_library_terms *terms = node->object;
  const neurlp_tensor_shape x = neurlp_graph_shape(graph, node->inputs[0]);
  const int64_t points = neurlp_shape_numbers(&x) / terms->variables;
  return (points + NEURLP_PROGRAM_LANES - 1) / NEURLP_PROGRAM_LANES;
}

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  neurlp_context *context = neurlp_graph_context(graph);
  const neurlp_graph_library_terms *terms = node->object;
  const size_t threads = (size_t)neurlp_context_threads(context);
  node->shape = neurlp_graph_shape(graph, node->inputs[0]);
  node->shape.extents[node->shape.rank - 1] = terms->terms;
  node->scratch_bytes = threads * neurlp_library_lanes_bytes(terms);
  if (node->input_count == 2) /* what each group of points adds to the gradients of the parameters */
    node->scratch_bytes += (size_t)(groups_of(graph, node) * terms->parameters) * sizeof(double);
  return NEURLP_SUCCESS;
}

static void release(neurlp_context *context, void *object) {
  neurlp_graph_library_terms *terms = object;
  neurlp_program_destroy(&terms->values);
  neurlp_program_destroy(&terms->slopes);
  neurlp_release(context, &terms->slope_term);
  neurlp_release(context, &terms->slope_symbol);
  neurlp_release(context, &terms);
}

static size_t object_bytes(const void *object) {
  return ((const neurlp_graph_library_terms *)object)->bytes;
}

const neurlp_operation neurlp_operation_library = {.name = "library",
                                                   .reads_inputs = true,
                                                   .infer = infer,
                                                   .release = release,
                                                   .object_bytes = object_bytes};

/* ---- building ---------------------------------------------------------------------------------------- */

/* Derivatives with respect to symbols first..end-1 of all terms; `slopes` has room for as many. */
static neurlp_status differentiate(neurlp_context *context, neurlp_graph_library_terms *terms,
                                   neurlp_expr *const *exprs, int32_t first, int32_t end,
                                   neurlp_expr **slopes) {
  for (int32_t i = 0; i < terms->terms; i++)
    for (int32_t symbol = first; symbol < end; symbol++) {
      if (!neurlp_expr_uses(exprs[i], symbol)) continue;
      const neurlp_status status =
          neurlp_expr_derivative(context, exprs[i], symbol, &slopes[terms->slope_count]);
      if (status < 0) return status;
      terms->slope_term[terms->slope_count] = i;
      terms->slope_symbol[terms->slope_count++] = symbol;
    }
  return NEURLP_SUCCESS;
}

/* Both programs; derivatives with respect to symbols first..end-1 only. */
static neurlp_status compile(neurlp_context *context, neurlp_graph_library_terms *terms,
                             const neurlp_symbols *symbols, const char *const *texts, int32_t first,
                             int32_t end) {
  const int64_t most = (int64_t)terms->terms * (end > first ? end - first : 0);
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_expr **exprs = NULL, **slopes = NULL;
  NEURLP_TRY(neurlp_allocate(context, terms->terms, sizeof *exprs, &exprs));
  NEURLP_TRY(neurlp_allocate(context, most, sizeof *slopes, &slopes));
  NEURLP_TRY(neurlp_allocate(context, most, sizeof *terms->slope_term, &terms->slope_term));
  NEURLP_TRY(neurlp_allocate(context, most, sizeof *terms->slope_symbol, &terms->slope_symbol));
  for (int32_t i = 0; i < terms->terms; i++)
    NEURLP_TRY(neurlp_expr_parse(context, texts[i], symbols, &exprs[i], NULL));
  NEURLP_TRY(differentiate(context, terms, exprs, first, end, slopes));
  NEURLP_TRY(neurlp_program_create(context, terms->terms, (const neurlp_expr *const *)exprs, &terms->values));
  if (terms->slope_count > 0)
    NEURLP_TRY(neurlp_program_create(context, terms->slope_count, (const neurlp_expr *const *)slopes,
                                     &terms->slopes));
done:
  for (int32_t i = 0; exprs && i < terms->terms; i++) neurlp_expr_destroy(&exprs[i]);
  for (int64_t i = 0; slopes && i < most; i++) neurlp_expr_destroy(&slopes[i]);
  neurlp_release(context, &exprs);
  neurlp_release(context, &slopes);
  return status;
}

static neurlp_status check(neurlp_graph *graph, neurlp_value x, neurlp_value parameters,
                           const neurlp_symbols *symbols, int32_t count) {
  neurlp_context *context = neurlp_graph_context(graph);
  const neurlp_tensor_shape points = neurlp_graph_shape(graph, x), p = neurlp_graph_shape(graph, parameters);
  char one[NEURLP_SHAPE_TEXT], other[NEURLP_SHAPE_TEXT];
  if (count < 1) return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "library: %d terms; 1 or more", count);
  if (points.rank < 1 || (parameters >= 0 && p.rank != 1) || !symbols ||
      points.extents[points.rank - 1] + (parameters >= 0 ? p.extents[0] : 0) != symbols->count)
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "library: %d symbols for points %s and parameters %s; there must be one for each number "
        "of a point, then one for each parameter, which are [P]",
        symbols ? symbols->count : 0, neurlp_shape_print(&points, one),
        parameters >= 0 ? neurlp_shape_print(&p, other) : "that are none");
  return NEURLP_SUCCESS;
}

neurlp_value neurlp_graph_library(neurlp_graph *graph, neurlp_value x, neurlp_value parameters,
                                  const neurlp_symbols *symbols, int32_t count, const char *const *texts) {
  neurlp_context *context = neurlp_graph_context(graph);
  const size_t before = neurlp_context_memory(context).current_bytes;
  neurlp_graph_library_terms *terms = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (x < 0) return NEURLP_NO_VALUE;
  NEURLP_TRY(check(graph, x, parameters, symbols, count));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *terms, &terms));
  const neurlp_tensor_shape points = neurlp_graph_shape(graph, x);
  terms->terms = count;
  terms->variables = (int32_t)points.extents[points.rank - 1];
  terms->parameters = symbols->count - terms->variables;
  const bool of_points = neurlp_graph_node(graph, x)->trained;
  const bool of_parameters = parameters >= 0 && neurlp_graph_node(graph, parameters)->trained;
  NEURLP_TRY(compile(context, terms, symbols, texts, of_points ? 0 : terms->variables,
                     of_parameters ? symbols->count : terms->variables));
  terms->bytes = neurlp_context_memory(context).current_bytes - before;
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_library, parameters >= 0 ? 2 : 1,
                               (neurlp_value[]){x, parameters}, NULL, terms);
done:
  if (terms) release(context, terms);
  return neurlp_graph_refuse(graph, status);
}
