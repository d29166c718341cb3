/* Models: flow, jacobian and sensitivities against hand-written formulas and finite differences; text;
 * errors. */
#include "learn/model.h"
#include "support/check.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

static neurlp_context *context;

static neurlp_status make(neurlp_model **model, const char *second, const neurlp_library_spec *library) {
  static const char *const states[] = {"x", "y"};
  static const char *const names[] = {"r2", "s"};
  static const char *const texts[] = {"x^2 + y^2", "a*sqrt(r2)"};
  static neurlp_parameter parameters[] = {{"a", 2, -INFINITY, INFINITY}, {"b", 3, 0, 10}};
  const char *equations[] = {"x' = -s*x + b*y*sin(t)", second};
  const neurlp_model_spec spec = {.dimensions = 2,
                                  .states = states,
                                  .order = 1,
                                  .equation_count = second ? 2 : 1,
                                  .equations = equations,
                                  .definition_count = 2,
                                  .definition_names = names,
                                  .definitions = texts,
                                  .parameter_count = 2,
                                  .parameters = parameters,
                                  .library = library};
  return neurlp_model_create(context, &spec, model);
}

enum { POINTS = 11 };

static void test_values(void) {
  neurlp_model *model = NULL;
  const neurlp_library_spec library = {.polynomial = 1};
  check_equal("model with library", make(&model, NULL, &library), NEURLP_SUCCESS);
  check_equal("parameters: 2 names, 3 terms in 2 equations", model->parameters, 8);
  double states[POINTS * 2], times[POINTS];
  const double p[8] = {2, 3, 0.5, 0, -1, 0, 4, 0}; /* x' += 0.5 - y, y' = 4 x */
  for (int i = 0; i < POINTS; i++) {
    states[2 * i] = 1 + 0.1 * i;
    states[2 * i + 1] = -0.5 + 0.2 * i;
    times[i] = 0.3 * i;
  }
  void *workspace = aligned_alloc(64, (neurlp_model_workspace_bytes(model, POINTS) + 63) / 64 * 64);
  neurlp_model_values v;
  const neurlp_points points = {POINTS, states, 1, times, NULL};
  neurlp_model_evaluate(model, &points, p, true, workspace, &v);
  double flow = 0, jacobian = 0, sensitivity = 0;
  for (int i = 0; i < POINTS; i++) {
    const double x = states[2 * i], y = states[2 * i + 1], t = times[i], r = sqrt(x * x + y * y);
    flow = fmax(flow, fabs(v.flow[i] - (-2 * r * x + 3 * y * sin(t) + 0.5 - y)));
    flow = fmax(flow, fabs(v.flow[POINTS + i] - 4 * x));
    jacobian = fmax(jacobian, fabs(v.jacobian[i] - (-2 * r - 2 * x * x / r)));
    jacobian = fmax(jacobian, fabs(v.jacobian[POINTS + i] - (-2 * x * y / r + 3 * sin(t) - 1)));
    jacobian = fmax(jacobian, fabs(v.jacobian[2 * POINTS + i] - 4));
    sensitivity = fmax(sensitivity, fabs(v.sensitivity[0][i] + r * x));
    sensitivity = fmax(sensitivity, fabs(v.sensitivity[1][i] - y * sin(t)));
    sensitivity = fmax(sensitivity, fabs(v.sensitivity[3][i] - x));
    sensitivity = fmax(sensitivity, fabs(v.sensitivity[8 + 7][i] - y));
  }
  check_below("flow", flow, 100 * DBL_EPSILON); /* numbers of size 10, some ten operations */
  check_below("jacobian", jacobian, 100 * DBL_EPSILON);
  check_below("sensitivity", sensitivity, 100 * DBL_EPSILON);
  check_true("no sensitivity where there is none",
             !v.sensitivity[8] && !v.sensitivity[5] && !v.sensitivity[8 + 2]);
  free(workspace);
  neurlp_model_destroy(&model);
}

static void test_text(void) {
  neurlp_model *model = NULL;
  const neurlp_library_spec library = {.polynomial = 2};
  char text[256];
  check_equal("model", make(&model, NULL, &library), NEURLP_SUCCESS);
  const double p[14] = {2, 3, 0, 0, 0, 0, 0, 0, -1, 0, 2.5, 0, -1.5, 0};
  neurlp_model_print(model, 1, p, 6, text, sizeof text);
  check_true("y' = -1 + 2.5*y - 1.5*x*y", !strcmp(text, "y' = -1 + 2.5*y - 1.5*x*y"));
  neurlp_model_print(model, 0, p, 6, text, 12);
  check_true("text is cut to the buffer", strlen(text) == 11);
  neurlp_model_parameter_name(model, 12, text, sizeof text);
  check_true("name of a coefficient", !strcmp(text, "y': x*y"));
  neurlp_model_destroy(&model);
}

/* x' = r2*t + declared -3*x*s, y' declared alone; s is fixed. Once whole, once without what is declared. */
static neurlp_status make_declared(neurlp_model **model, const char *first, double lower, bool without) {
  static const char *const states[] = {"x", "y"}, *const names[] = {"r2"}, *const texts[] = {"x^2 + y^2"};
  const neurlp_parameter parameters[] = {{"s", 0.5, lower, 0.5}};
  const char *const equations[] = {"x' = r2*t"}, *const known[] = {first, "y' = cos(t) - y"};
  const neurlp_model_spec spec = {.dimensions = 2,
                                  .states = states,
                                  .order = 1,
                                  .equation_count = 1,
                                  .equations = equations,
                                  .known_count = 2,
                                  .known = known,
                                  .without_known = without,
                                  .definition_count = 1,
                                  .definition_names = names,
                                  .definitions = texts,
                                  .parameter_count = 1,
                                  .parameters = parameters};
  return neurlp_model_create(context, &spec, model);
}

static void test_declared(void) {
  const double state[2] = {1.25, -0.75}, time = 0.5, theta = 0.5, x = state[0], y = state[1];
  char text[256];
  for (int without = 0; without < 2; without++) {
    neurlp_model *model = NULL;
    check_equal("with known parts", make_declared(&model, "x' = -3*x*s", 0.5, without), NEURLP_SUCCESS);
    void *workspace = aligned_alloc(64, (neurlp_model_workspace_bytes(model, 1) + 63) / 64 * 64);
    const neurlp_points points = {1, state, 1, &time, NULL};
    const double use = without ? 0 : 1;
    neurlp_model_values v;
    neurlp_model_evaluate(model, &points, &theta, true, workspace, &v);
    check_below("flow of x", fabs(v.flow[0] - ((x * x + y * y) * time - use * 3 * x * theta)),
                20 * DBL_EPSILON);
    check_below("flow of y", fabs(v.flow[1] - use * (cos(time) - y)), 20 * DBL_EPSILON);
    check_below("jacobian", fabs(v.jacobian[0] - (2 * x * time - use * 3 * theta)), 20 * DBL_EPSILON);
    check_below("jacobian of what is known alone", fabs(v.jacobian[3] + use), 20 * DBL_EPSILON);
    check_true("no sensitivity of what is left out", without ? !v.sensitivity[0] : v.sensitivity[0] != NULL);
    neurlp_model_print(model, 1, NULL, 6, text, sizeof text);
    check_true("text of the whole", !strcmp(text, without ? "y' = 0" : "y' = cos(t) - y"));
    neurlp_model_print_declared(model, 0, text, sizeof text);
    check_true("text of what is known, either way", !strcmp(text, "-3*x*s"));
    free(workspace);
    neurlp_model_destroy(&model);
  }
  neurlp_model *model = NULL;
  check_equal("a free parameter in it", make_declared(&model, "x' = -3*x*s", 0, false),
              NEURLP_ERROR_ARGUMENT);
  check_true("is named, with what to do", strstr(neurlp_context_message(context), "parameter 's'") &&
                                              strstr(neurlp_context_message(context), "{fixed: 0.5}"));
  check_equal("two for one", make_declared(&model, "y' = 1", 0.5, false), NEURLP_ERROR_ARGUMENT);
  check_true("is said", strstr(neurlp_context_message(context), "two known parts for 'y'") != NULL);
}

static void check_message(const char *what, const char *second, neurlp_status expected, const char *part) {
  neurlp_model *model = NULL;
  char line[128];
  snprintf(line, sizeof line, "%s: status", what);
  check_equal(line, make(&model, second, NULL), expected);
  snprintf(line, sizeof line, "%s: message says '%s'", what, part);
  const bool says = strstr(neurlp_context_message(context), part) != NULL;
  check_true(line, says);
  if (!says) printf("     %s\n", neurlp_context_message(context));
}

int main(void) {
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  test_values();
  test_text();
  test_declared();
  check_message("no equation", NULL, NEURLP_ERROR_ARGUMENT, "'y'");
  check_message("two for one", "x' = 1", NEURLP_ERROR_ARGUMENT, "two equations");
  check_message("no such state", "w' = 1", NEURLP_ERROR_ARGUMENT, "'w' is not a state");
  check_message("wrong order", "y'' = 1", NEURLP_ERROR_ARGUMENT, "2 primes");
  check_message("no equals sign", "y + 1", NEURLP_ERROR_SYNTAX, "no '='");
  check_message("unknown name", "y' = a*z", NEURLP_ERROR_SYNTAX, "z");
  check_equal("blocks alive", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
