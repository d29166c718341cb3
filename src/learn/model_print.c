#include "learn/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Text that grows to the size of the buffer and counts on beyond it, as snprintf does. */
typedef struct writer {
  char *text;
  size_t size_bytes, length;
} writer;

static void write_text(writer *w, const char *text) {
  for (; *text; text++, w->length++)
    if (w->length + 1 < w->size_bytes) w->text[w->length] = *text;
  if (w->size_bytes > 0) w->text[w->length < w->size_bytes ? w->length : w->size_bytes - 1] = '\0';
}

/* "3.2*x*y", with its sign as " + " or " - " unless it is the first term. */
static void write_term(writer *w, double factor, int32_t digits, const char *term, bool first) {
  char number[64];
  snprintf(number, sizeof number, "%.*g", (int)digits, fabs(factor));
  write_text(w, factor < 0 ? (first ? "-" : " - ") : (first ? "" : " + "));
  const bool is_one = !strcmp(term, "1");
  if (is_one || strcmp(number, "1")) write_text(w, number);
  if (!is_one && strcmp(number, "1")) write_text(w, "*");
  if (!is_one) write_text(w, term);
}

/* "c3*x*y": a coefficient by its number. */
static void write_unknown(writer *w, int32_t l, const char *term, bool first) {
  char name[32];
  snprintf(name, sizeof name, "%sc%d", first ? "" : " + ", (int)l + 1);
  write_text(w, name);
  if (!strcmp(term, "1")) return;
  write_text(w, "*");
  write_text(w, term);
}

/* An expression, with the values of its parameters put in (NULL: by name). */
static void write_expression(writer *w, const neurlp_model *model, const neurlp_expr *expr,
                             const double *parameters, int32_t digits) {
  neurlp_context *context = model->context;
  const int32_t symbols = model->symbols.count, first = model->dimensions * model->order;
  const neurlp_expr **replacements = NULL;
  neurlp_expr *number = NULL, *with_values = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_expr_substitute(context, expr, 0, NULL, &with_values));
  NEURLP_TRY(neurlp_allocate(context, symbols, sizeof *replacements, &replacements));
  for (int32_t p = 0; parameters && p < model->named; p++) {
    char text[64];
    snprintf(text, sizeof text, "%.*g", (int)digits, parameters[p]);
    NEURLP_TRY(neurlp_expr_parse(context, text, &(neurlp_symbols){0}, &number, NULL));
    replacements[first + p] = number;
    neurlp_expr *next = NULL;
    NEURLP_TRY(neurlp_expr_substitute(context, with_values, symbols, replacements, &next));
    neurlp_expr_destroy(&with_values);
    with_values = next;
    replacements[first + p] = NULL;
    neurlp_expr_destroy(&number);
  }
done:;
  const neurlp_expr *shown = status >= 0 ? with_values : expr; /* without memory: by name */
  const size_t left = w->length < w->size_bytes ? w->size_bytes - w->length : 0;
  w->length += neurlp_expr_print(shown, &model->symbols, left > 0 ? w->text + w->length : NULL, left);
  neurlp_expr_destroy(&number);
  neurlp_expr_destroy(&with_values);
  neurlp_release(context, &replacements);
}

/* The known part. One that is 0 is written only where nothing else is. */
static bool write_known(writer *w, const neurlp_model *model, int32_t k, const double *parameters,
                        int32_t digits) {
  double value = 1;
  if (!model->known[k] || (neurlp_expr_constant(model->known[k], &value) && value == 0)) return false;
  write_expression(w, model, model->known[k], parameters, digits);
  return true;
}

size_t neurlp_model_print_declared(const neurlp_model *model, int32_t k, char *text, size_t size_bytes) {
  writer w = {text, size_bytes, 0};
  write_text(&w, "");
  if (model->declared[k]) write_expression(&w, model, model->declared[k], NULL, 17);
  return w.length;
}

size_t neurlp_model_print(const neurlp_model *model, int32_t k, const double *parameters, int32_t digits,
                          char *text, size_t size_bytes) {
  writer w = {text, size_bytes, 0};
  write_text(&w, model->states[k]);
  write_text(&w, model->order == 1 ? "' = " : "'' = ");
  bool first = !write_known(&w, model, k, parameters, digits);
  const double *theta = parameters ? parameters + model->named + (int64_t)k * model->terms : NULL;
  for (int32_t l = 0; l < model->terms; l++) {
    if (!theta)
      write_unknown(&w, l, model->library->texts[l], first);
    else if (theta[l] != 0)
      write_term(&w, theta[l], digits, model->library->texts[l], first);
    else
      continue;
    first = false;
  }
  if (first) write_text(&w, "0");
  return w.length;
}

size_t neurlp_model_parameter_name(const neurlp_model *model, int32_t p, char *text, size_t size_bytes) {
  writer w = {text, size_bytes, 0};
  if (p < model->named) {
    write_text(&w, model->named_parameters[p].name);
    return w.length;
  }
  const int32_t k = (p - model->named) / model->terms, l = (p - model->named) % model->terms;
  write_text(&w, model->states[k]);
  write_text(&w, model->order == 1 ? "': " : "'': ");
  write_text(&w, model->library->texts[l]);
  return w.length;
}
