#include "learn/model.h"

#include "learn/model_code.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int32_t state_symbols(const neurlp_model *model) {
  return model->dimensions * model->order;
}

/* ---- construction ------------------------------------------------------------------------------------ */

/* The names of all symbols, primes added for derivatives. */
static neurlp_status name_symbols(neurlp_model *model, const neurlp_model_spec *spec) {
  neurlp_context *context = model->context;
  neurlp_status status = NEURLP_SUCCESS;
  const int32_t count = state_symbols(model) + model->named + model->inputs + 1;
  NEURLP_TRY(neurlp_allocate(context, count, sizeof *model->symbol_names, &model->symbol_names));
  model->symbols = (neurlp_symbols){count, (const char *const *)model->symbol_names};
  int32_t i = 0;
  for (int32_t k = 0; k < model->dimensions; k++)
    for (int32_t j = 0; j < model->order; j++) {
      char name[300];
      snprintf(name, sizeof name, "%.256s%s", spec->states[k], j == 0 ? "" : "'");
      NEURLP_TRY(neurlp_copy_text(context, name, &model->symbol_names[i++]));
    }
  for (int32_t p = 0; p < model->named; p++) {
    NEURLP_TRY(neurlp_copy_text(context, spec->parameters[p].name, &model->symbol_names[i++]));
    model->named_parameters[p] = spec->parameters[p];
    model->named_parameters[p].name = model->symbol_names[i - 1];
  }
  for (int32_t j = 0; j < model->inputs; j++)
    NEURLP_TRY(neurlp_copy_text(context, spec->inputs[j], &model->symbol_names[i++]));
  NEURLP_TRY(neurlp_copy_text(context, "t", &model->symbol_names[i]));
  for (int32_t a = 0; a < count; a++)
    for (int32_t b = 0; b < a; b++)
      if (!strcmp(model->symbol_names[a], model->symbol_names[b])) {
        const bool is_time = a == count - 1;
        status =
            neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                        is_time ? "'%s' is the name of the time; give the state or parameter another name"
                                : "the name '%s' is used twice among states, parameters and inputs",
                        model->symbol_names[a]);
        goto done;
      }
done:
  return status;
}

/* Notes where the specification is at fault. */
static void blame(const neurlp_model_spec *spec, neurlp_model_part part, int32_t index, int64_t column) {
  if (spec->fault) *spec->fault = (neurlp_model_fault){part, index, (int32_t)column};
}

/* Parses `text` where symbols and the first `defined` definitions are known, and puts the definitions in. */
static neurlp_status parse_with_definitions(neurlp_model *model, const neurlp_model_spec *spec,
                                            const char *text, int32_t defined,
                                            neurlp_expr *const *definitions, neurlp_expr **expr,
                                            int32_t *column) {
  neurlp_context *context = model->context;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_expr *raw = NULL;
  const char **names = NULL;
  const neurlp_expr **replacements = NULL;
  neurlp_syntax_error error = {0};
  const int32_t own = model->symbols.count, count = own + defined;
  NEURLP_TRY(neurlp_allocate(context, count, sizeof *names, &names));
  NEURLP_TRY(neurlp_allocate(context, count, sizeof *replacements, &replacements));
  for (int32_t i = 0; i < own; i++) names[i] = model->symbols.names[i];
  for (int32_t i = 0; i < defined; i++) {
    names[own + i] = spec->definition_names[i];
    replacements[own + i] = definitions[i];
  }
  NEURLP_TRY(neurlp_expr_parse(context, text, &(neurlp_symbols){count, names}, &raw, &error));
  NEURLP_TRY(neurlp_expr_substitute(context, raw, count, replacements, expr));
done:
  *column = status == NEURLP_ERROR_SYNTAX ? error.column : 0;
  neurlp_expr_destroy(&raw);
  neurlp_release(context, &replacements);
  neurlp_release(context, &names);
  return status;
}

/* Finds the state that "x'" or "x''" stands for on the left of an equation. */
static neurlp_status find_left_side(neurlp_model *model, const char *equation, int32_t *k,
                                    const char **right) {
  const char *equals = strchr(equation, '=');
  if (!equals)
    return neurlp_fail(model->context, NEURLP_ERROR_SYNTAX,
                       "equation \"%s\" has no '='; write it as \"%s%s = ...\"", equation, model->states[0],
                       model->order == 1 ? "'" : "''");
  const char *begin = equation + strspn(equation, " \t");
  const char *end = equals;
  while (end > begin && (end[-1] == ' ' || end[-1] == '\t')) end--;
  int32_t primes = 0;
  while (end > begin && end[-1] == '\'') {
    end--;
    primes++;
  }
  for (*k = 0; *k < model->dimensions; (*k)++) {
    const char *state = model->states[*k];
    if (strlen(state) == (size_t)(end - begin) && !strncmp(state, begin, strlen(state))) break;
  }
  if (*k == model->dimensions)
    return neurlp_fail(
        model->context, NEURLP_ERROR_ARGUMENT,
        "equation \"%s\": '%.*s' is not a state; an equation begins with a state and its primes, "
        "like \"%s%s = ...\"",
        equation, (int)(end - begin), begin, model->states[0], model->order == 1 ? "'" : "''");
  if (primes != model->order)
    return neurlp_fail(
        model->context, NEURLP_ERROR_ARGUMENT,
        "equation \"%s\" has %d prime%s on the left, but dynamics.order is %d; all equations of a "
        "model have that many",
        equation, (int)primes, primes == 1 ? "" : "s", (int)model->order);
  *right = equals + 1;
  return NEURLP_SUCCESS;
}

/* Equation i of the specification, or its known part i, into sides[k] of the state on its left. */
static neurlp_status read_equation(neurlp_model *model, const neurlp_model_spec *spec, neurlp_model_part part,
                                   int32_t i, neurlp_expr *const *definitions, neurlp_expr **sides,
                                   int32_t *k) {
  const bool is_known = part == NEURLP_MODEL_KNOWN;
  const char *text = (is_known ? spec->known : spec->equations)[i], *right = NULL;
  int32_t column = 0;
  blame(spec, part, i, 0);
  neurlp_status status = find_left_side(model, text, k, &right);
  if (status < 0) return status;
  if (sides[*k])
    return neurlp_fail(model->context, NEURLP_ERROR_ARGUMENT, "there are two %s for '%s'",
                       is_known ? "known parts" : "equations", model->states[*k]);
  status =
      parse_with_definitions(model, spec, right, spec->definition_count, definitions, &sides[*k], &column);
  if (column > 0) blame(spec, part, i, right - text + column);
  return status;
}

/* What is known has nothing to be learned in it. */
static neurlp_status check_known(const neurlp_model *model, int32_t k) {
  for (int32_t p = 0; p < model->named; p++) {
    const neurlp_parameter *parameter = &model->named_parameters[p];
    if (parameter->lower == parameter->upper ||
        !neurlp_expr_uses(model->declared[k], state_symbols(model) + p))
      continue;
    return neurlp_fail(
        model->context, NEURLP_ERROR_ARGUMENT,
        "the known part of the equation for '%s' has the parameter '%s', which is to be found; "
        "fix it, {fixed: %g}, or make that part an equation",
        model->states[k], parameter->name, parameter->start);
  }
  return NEURLP_SUCCESS;
}

/* model->known[k] += model->declared[k]. */
static neurlp_status add_declared(neurlp_model *model, int32_t k) {
  static const char *const names[] = {"declared", "equation"};
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_expr *pattern = NULL, *sum = NULL;
  const neurlp_expr *parts[] = {model->declared[k], model->known[k]};
  NEURLP_TRY(neurlp_expr_parse(model->context, parts[1] ? "declared + equation" : "declared",
                               &(neurlp_symbols){2, names}, &pattern, NULL));
  NEURLP_TRY(neurlp_expr_substitute(model->context, pattern, 2, parts, &sum));
  neurlp_expr_destroy(&model->known[k]);
  model->known[k] = sum;
done:
  neurlp_expr_destroy(&pattern);
  return status;
}

/* Parts that are declared to be known, each added to its equation, if they are wanted. */
static neurlp_status read_known(neurlp_model *model, const neurlp_model_spec *spec,
                                neurlp_expr *const *definitions) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < spec->known_count; i++) {
    int32_t k = 0;
    NEURLP_TRY(read_equation(model, spec, NEURLP_MODEL_KNOWN, i, definitions, model->declared, &k));
    NEURLP_TRY(check_known(model, k));
    if (!spec->without_known)
      NEURLP_TRY(add_declared(model, k));
    else if (!model->known[k])
      NEURLP_TRY(neurlp_expr_parse(model->context, "0", NULL, &model->known[k], NULL));
  }
done:
  return status;
}

static neurlp_status read_equations(neurlp_model *model, const neurlp_model_spec *spec) {
  neurlp_context *context = model->context;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_expr **definitions = NULL;
  const int32_t count = spec->definition_count;
  NEURLP_TRY(neurlp_allocate(context, count, sizeof *definitions, &definitions));
  for (int32_t i = 0; i < count; i++) {
    int32_t column = 0;
    status =
        parse_with_definitions(model, spec, spec->definitions[i], i, definitions, &definitions[i], &column);
    blame(spec, NEURLP_MODEL_DEFINITION, i, column);
    if (status < 0) goto done;
  }
  for (int32_t i = 0, k = 0; i < spec->equation_count; i++)
    NEURLP_TRY(read_equation(model, spec, NEURLP_MODEL_EQUATION, i, definitions, model->known, &k));
  NEURLP_TRY(read_known(model, spec, definitions));
  blame(spec, NEURLP_MODEL_WHOLE, 0, 0);
  for (int32_t k = 0; k < model->dimensions; k++)
    if (!model->known[k] && !model->library) {
      status = neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                           "there is no equation for state '%s'; add one, or give a basis library",
                           model->states[k]);
      goto done;
    }
done:
  for (int32_t i = 0; definitions && i < count; i++) neurlp_expr_destroy(&definitions[i]);
  neurlp_release(context, &definitions);
  return status;
}

/* ---- compilation ------------------------------------------------------------------------------------- */

/* A growing list of expressions for a program; those made here are freed with it. */
typedef struct expr_list {
  const neurlp_expr **items;
  neurlp_expr **owned;
  int32_t count;
} expr_list;

/* Appends d(expr)/d(symbol) unless it vanishes identically; tells whether it did not. */
static neurlp_status append_derivative(neurlp_context *context, expr_list *list, const neurlp_expr *expr,
                                       int32_t symbol, bool *appended) {
  *appended = false;
  if (!neurlp_expr_uses(expr, symbol)) return NEURLP_SUCCESS;
  neurlp_expr *derivative = NULL;
  neurlp_status status = neurlp_expr_derivative(context, expr, symbol, &derivative);
  if (status < 0) return status;
  double value = 1;
  if (neurlp_expr_constant(derivative, &value) && value == 0) {
    neurlp_expr_destroy(&derivative);
    return NEURLP_SUCCESS;
  }
  list->items[list->count] = list->owned[list->count] = derivative;
  list->count++;
  *appended = true;
  return NEURLP_SUCCESS;
}

/* Fills the list with the outputs, in the order known, terms, jacobian, term jacobian, sensitivity. */
static neurlp_status list_outputs(neurlp_model *model, neurlp_model_code *code, expr_list *list) {
  neurlp_status status = NEURLP_SUCCESS;
  const int32_t symbols = state_symbols(model);
  bool appended = false;
  for (int32_t k = 0; k < model->dimensions; k++)
    if (model->known[k]) {
      list->items[list->count++] = model->known[k];
      code->known[code->known_count++] = (neurlp_model_entry){.equation = k};
    }
  for (int32_t l = 0; l < model->terms; l++) list->items[list->count++] = model->library->terms[l];
  code->term_count = model->terms;
  for (int32_t k = 0; k < model->dimensions; k++)
    for (int32_t v = 0; v < symbols && model->known[k]; v++) {
      NEURLP_TRY(append_derivative(model->context, list, model->known[k], v, &appended));
      if (appended) code->jacobian[code->jacobian_count++] = (neurlp_model_entry){.equation = k, .index = v};
    }
  for (int32_t l = 0; l < model->terms; l++)
    for (int32_t v = 0; v < symbols; v++) {
      NEURLP_TRY(append_derivative(model->context, list, model->library->terms[l], v, &appended));
      if (appended) code->term_jacobian[code->term_jacobian_count++] = (neurlp_model_entry){-1, l, v};
    }
  for (int32_t k = 0; k < model->dimensions; k++)
    for (int32_t p = 0; p < model->named && model->known[k]; p++) {
      NEURLP_TRY(append_derivative(model->context, list, model->known[k], symbols + p, &appended));
      if (appended)
        code->sensitivity[code->sensitivity_count++] = (neurlp_model_entry){.equation = k, .index = p};
    }
done:
  return status;
}

static neurlp_status compile(neurlp_model *model) {
  neurlp_context *context = model->context;
  neurlp_status status = NEURLP_SUCCESS;
  expr_list list = {0};
  const int64_t D = model->dimensions, symbols = state_symbols(model), L = model->terms, named = model->named;
  const int64_t most = D + L + (D + L) * symbols + D * named;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *model->code, &model->code));
  neurlp_model_code *code = model->code;
  NEURLP_TRY(neurlp_allocate(context, D, sizeof(neurlp_model_entry), &code->known));
  NEURLP_TRY(neurlp_allocate(context, D * symbols, sizeof(neurlp_model_entry), &code->jacobian));
  NEURLP_TRY(neurlp_allocate(context, L * symbols, sizeof(neurlp_model_entry), &code->term_jacobian));
  NEURLP_TRY(neurlp_allocate(context, D * named, sizeof(neurlp_model_entry), &code->sensitivity));
  NEURLP_TRY(neurlp_allocate(context, most, sizeof *list.items, &list.items));
  NEURLP_TRY(neurlp_allocate(context, most, sizeof *list.owned, &list.owned));
  NEURLP_TRY(list_outputs(model, code, &list));
  NEURLP_TRY(neurlp_program_create(context, list.count - code->sensitivity_count, list.items, &code->basic));
  NEURLP_TRY(neurlp_program_create(context, list.count, list.items, &code->full));
done:
  for (int32_t i = 0; list.owned && i < list.count; i++) neurlp_expr_destroy(&list.owned[i]);
  neurlp_release(context, &list.owned);
  neurlp_release(context, &list.items);
  return status;
}

neurlp_status neurlp_model_create(neurlp_context *context, const neurlp_model_spec *spec,
                                  neurlp_model **out) {
  *out = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_model *model = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *model, &model));
  model->context = context;
  model->dimensions = spec->dimensions;
  model->order = spec->order;
  model->named = spec->parameter_count;
  model->inputs = spec->input_count;
  NEURLP_TRY(neurlp_allocate(context, spec->dimensions, sizeof *model->states, &model->states));
  NEURLP_TRY(neurlp_allocate(context, spec->dimensions, sizeof(neurlp_expr *), &model->known));
  NEURLP_TRY(neurlp_allocate(context, spec->dimensions, sizeof(neurlp_expr *), &model->declared));
  NEURLP_TRY(neurlp_allocate(context, model->named, sizeof(neurlp_parameter), &model->named_parameters));
  for (int32_t k = 0; k < spec->dimensions; k++)
    NEURLP_TRY(neurlp_copy_text(context, spec->states[k], &model->states[k]));
  NEURLP_TRY(name_symbols(model, spec));
  if (spec->library) {
    neurlp_library_spec library = *spec->library;
    library.variables = state_symbols(model);
    const neurlp_symbols variables = {library.variables, model->symbols.names};
    NEURLP_TRY(neurlp_library_create(context, &library, &variables, &model->library));
    model->terms = model->library->count;
  }
  model->parameters = model->named + model->dimensions * model->terms;
  NEURLP_TRY(read_equations(model, spec));
  NEURLP_TRY(compile(model));
  *out = model;
  model = NULL;
done:
  neurlp_model_destroy(&model);
  return status;
}

static void destroy_code(neurlp_context *context, neurlp_model_code *code) {
  neurlp_program_destroy(&code->basic);
  neurlp_program_destroy(&code->full);
  neurlp_release(context, &code->known);
  neurlp_release(context, &code->jacobian);
  neurlp_release(context, &code->term_jacobian);
  neurlp_release(context, &code->sensitivity);
}

void neurlp_model_destroy(neurlp_model **model) {
  if (!model || !*model) return;
  neurlp_model *m = *model;
  neurlp_context *context = m->context;
  if (m->code) destroy_code(context, m->code);
  neurlp_release(context, &m->code);
  neurlp_library_destroy(&m->library);
  for (int32_t k = 0; k < m->dimensions; k++) {
    if (m->known) neurlp_expr_destroy(&m->known[k]);
    if (m->declared) neurlp_expr_destroy(&m->declared[k]);
    if (m->states) neurlp_release(context, &m->states[k]);
  }
  for (int32_t i = 0; i < m->symbols.count; i++) neurlp_release(context, &m->symbol_names[i]);
  neurlp_release(context, &m->symbol_names);
  neurlp_release(context, &m->named_parameters);
  neurlp_release(context, &m->known);
  neurlp_release(context, &m->declared);
  neurlp_release(context, &m->states);
  neurlp_release(context, model);
}

bool neurlp_model_uses_input(const neurlp_model *model, int32_t i) {
  for (int32_t k = 0; k < model->dimensions; k++)
    if (model->known[k] && neurlp_expr_uses(model->known[k], state_symbols(model) + model->named + i))
      return true;
  return false;
}

/* ---- evaluation -------------------------------------------------------------------------------------- */

/* Workspace: program, inputs and strides, sensitivity pointers, then arrays of doubles. Each part is rounded
 * up to the alignment. */
static size_t rounded(size_t bytes) {
  return (bytes + NEURLP_ALIGNMENT_BYTES - 1) / NEURLP_ALIGNMENT_BYTES * NEURLP_ALIGNMENT_BYTES;
}

static void *take(unsigned char **cursor, size_t bytes) {
  void *part = *cursor;
  *cursor += rounded(bytes);
  return part;
}

size_t neurlp_model_workspace_bytes(const neurlp_model *model, int64_t points) {
  const size_t D = (size_t)model->dimensions, v = (size_t)state_symbols(model), n = (size_t)points;
  const size_t symbols = (size_t)model->symbols.count;
  return rounded(neurlp_program_workspace_bytes(model->code->full)) + rounded(symbols * sizeof(double *)) +
         rounded(symbols * sizeof(int64_t)) + rounded(D * (size_t)model->parameters * sizeof(double *)) +
         rounded((size_t)neurlp_model_outputs(model->code) * n * sizeof(double)) +
         rounded(D * n * sizeof(double)) + rounded(D * v * n * sizeof(double));
}

/* target += factor * source over the points. */
static void add_scaled(int64_t count, double factor, const double *restrict source, double *restrict target) {
  for (int64_t p = 0; p < count; p++) target[p] += factor * source[p];
}

/* Flow and jacobian from the program's outputs. */
static void assemble(const neurlp_model *model, int64_t count, const double *parameters,
                     const double *outputs, double *flow, double *jacobian) {
  const neurlp_model_code *code = model->code;
  const int32_t D = model->dimensions, v = state_symbols(model), L = model->terms;
  const double *theta = parameters + model->named;
  memset(flow, 0, (size_t)(D * count) * sizeof *flow);
  memset(jacobian, 0, (size_t)(D * v * count) * sizeof *jacobian);
  for (int32_t i = 0; i < code->known_count; i++, outputs += count)
    add_scaled(count, 1, outputs, flow + code->known[i].equation * count);
  for (int32_t l = 0; l < L; l++, outputs += count)
    for (int32_t k = 0; k < D; k++)
      if (theta[k * L + l] != 0) add_scaled(count, theta[k * L + l], outputs, flow + k * count);
  for (int32_t i = 0; i < code->jacobian_count; i++, outputs += count)
    add_scaled(count, 1, outputs,
               jacobian + (code->jacobian[i].equation * v + code->jacobian[i].index) * count);
  for (int32_t i = 0; i < code->term_jacobian_count; i++, outputs += count) {
    const neurlp_model_entry entry = code->term_jacobian[i];
    for (int32_t k = 0; k < D; k++)
      if (theta[k * L + entry.index] != 0)
        add_scaled(count, theta[k * L + entry.index], outputs, jacobian + (k * v + entry.symbol) * count);
  }
}

/* Points to the sensitivities among the program's outputs. */
static void point_sensitivities(const neurlp_model *model, int64_t count, const double *outputs,
                                const double **sensitivity) {
  const neurlp_model_code *code = model->code;
  const int64_t P = model->parameters, D = model->dimensions, L = model->terms;
  memset(sensitivity, 0, (size_t)(D * P) * sizeof *sensitivity);
  const double *term = outputs + code->known_count * count;
  for (int64_t l = 0; l < L; l++)
    for (int64_t k = 0; k < D; k++) sensitivity[k * P + model->named + k * L + l] = term + l * count;
  const double *own = outputs + (neurlp_model_outputs(code) - code->sensitivity_count) * count;
  for (int32_t i = 0; i < code->sensitivity_count; i++)
    sensitivity[code->sensitivity[i].equation * P + code->sensitivity[i].index] = own + i * count;
}

void neurlp_model_evaluate(const neurlp_model *model, const neurlp_points *points, const double *parameters,
                           bool want_sensitivity, void *workspace, neurlp_model_values *values) {
  const neurlp_model_code *code = model->code;
  const int32_t D = model->dimensions, v = state_symbols(model), symbols = model->symbols.count;
  const int64_t count = points->count;
  unsigned char *cursor = workspace;
  void *scratch = take(&cursor, neurlp_program_workspace_bytes(code->full));
  const double **inputs = take(&cursor, (size_t)symbols * sizeof *inputs);
  int64_t *strides = take(&cursor, (size_t)symbols * sizeof *strides);
  const double **sensitivity = take(&cursor, (size_t)(D * model->parameters) * sizeof *sensitivity);
  double *outputs = take(&cursor, (size_t)(neurlp_model_outputs(code) * count) * sizeof *outputs);
  double *flow = take(&cursor, (size_t)(D * count) * sizeof *flow);
  double *jacobian = take(&cursor, (size_t)(D * v * count) * sizeof *jacobian);
  for (int32_t k = 0; k < D; k++)
    for (int32_t j = 0; j < model->order; j++) {
      inputs[k * model->order + j] = points->states + k * points->stride + j;
      strides[k * model->order + j] = D * points->stride;
    }
  for (int32_t p = 0; p < model->named; p++) {
    inputs[v + p] = parameters + p;
    strides[v + p] = 0;
  }
  for (int32_t i = 0; i < model->inputs; i++) {
    inputs[v + model->named + i] = points->inputs + i;
    strides[v + model->named + i] = model->inputs;
  }
  inputs[symbols - 1] = points->times;
  strides[symbols - 1] = 1;
  neurlp_program_run(want_sensitivity ? code->full : code->basic, count, inputs, strides, outputs, scratch);
  assemble(model, count, parameters, outputs, flow, jacobian);
  if (want_sensitivity) point_sensitivities(model, count, outputs, sensitivity);
  *values =
      (neurlp_model_values){flow, jacobian, want_sensitivity ? (const double *const *)sensitivity : NULL};
}
