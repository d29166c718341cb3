/* The nonlinear block: values against closed forms, gradients by Taylor remainders, samples that fail. */
#include "graph/gradient.h"
#include "support/check.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { SAMPLES = 3, STEPS = 21 };

static const double H = 0.05;

static void must(const test_graph *t, neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s\n", neurlp_context_message(t->context));
  exit(1);
}

/* Equations outlive the graph, and are gone before the context. */
static void close_with(test_graph *t, neurlp_equations **f) {
  neurlp_graph_destroy(&t->graph);
  neurlp_equations_destroy(f);
  test_graph_close(t);
}

static neurlp_equations *equations(test_graph *t, int32_t kappa, int32_t states, const char *const *right) {
  static const char *const names[] = {"x", "y"}, *const parameters[] = {"a", "b"};
  const neurlp_equations_spec spec = {.dimensions = states,
                                      .leading_derivative = kappa,
                                      .states = names,
                                      .right_sides = right,
                                      .parameters = 2,
                                      .parameter_names = parameters};
  neurlp_equations *made = NULL;
  must(t, neurlp_equations_create(t->context, &spec, &made));
  return made;
}

/* x' = a x - b x^2: x = a x0 / (b x0 + (a - b x0) exp(-a t)). */
static const char *const LOGISTIC[] = {"a*x - b*x^2"};

static double logistic(double x0, double a, double b, double time) {
  return a * x0 / (b * x0 + (a - b * x0) * exp(-a * time));
}

static void check_values(neurlp_precision precision, double bound) {
  const double v[SAMPLES] = {0.5, 0.75, 2}, p[SAMPLES * 2] = {1, 1, 2, 0.5, 1, 0.5};
  double u[SAMPLES * STEPS * 3], worst = 0, absent = 0;
  test_graph t = test_graph_open(SAMPLES, precision, 1);
  neurlp_equations *f = equations(&t, 1, 1, LOGISTIC);
  const neurlp_graph_nonlinear_spec spec = {.equations = f, .steps = STEPS, .order = 2, .nominal_step = H};
  const neurlp_value values = neurlp_graph_input(t.graph, "v", neurlp_shape_of(3, SAMPLES, 1, 1));
  const neurlp_value parameters = neurlp_graph_input(t.graph, "p", neurlp_shape_of(2, SAMPLES, 2));
  const neurlp_value steps = neurlp_graph_constant(t.graph, neurlp_shape_of(2, 1, 1), &H);
  const neurlp_value x =
      neurlp_graph_nonlinear_block(t.graph, &spec, values, parameters, steps, NEURLP_NO_VALUE);
  neurlp_graph_keep(t.graph, x);
  must(&t, neurlp_graph_finish(t.graph, true));
  must(&t, neurlp_graph_write(t.graph, values, v));
  must(&t, neurlp_graph_write(t.graph, parameters, p));
  must(&t, neurlp_graph_begin(t.graph, SAMPLES - 1, 1));
  must(&t, neurlp_graph_forward(t.graph));
  must(&t, neurlp_graph_read(t.graph, x, u));
  for (int32_t s = 0; s < SAMPLES; s++)
    for (int32_t i = 0; i < STEPS; i++) {
      const double at = u[(s * STEPS + i) * 3];
      if (s == SAMPLES - 1)
        absent = fmax(absent, fabs(at));
      else
        worst = fmax(worst, fabs(at - logistic(v[s], p[2 * s], p[2 * s + 1], i * H)));
    }
  check_below("logistic growth", worst, bound);
  check_below("an absent sample is zero", absent, 0);
  close_with(&t, &f);
}

/* x'' = -a x with b without effect, from a guess. */
static void check_second_order(void) {
  static const char *const right[] = {"-a*x"};
  const double v[SAMPLES * 2] = {1, 0, 0, 2, -1, 1}, p[2] = {4, 0};
  double u[SAMPLES * STEPS * 5], guess[SAMPLES * STEPS * 2] = {0}, worst = 0;
  test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 1);
  neurlp_equations *f = equations(&t, 2, 1, right);
  const neurlp_graph_nonlinear_spec spec = {.equations = f, .steps = STEPS, .order = 4, .nominal_step = H};
  const neurlp_value x = neurlp_graph_nonlinear_block(
      t.graph, &spec, neurlp_graph_constant(t.graph, neurlp_shape_of(3, SAMPLES, 1, 2), v),
      neurlp_graph_constant(t.graph, neurlp_shape_of(2, 1, 2), p),
      neurlp_graph_constant(t.graph, neurlp_shape_of(2, 1, 1), &H),
      neurlp_graph_constant(t.graph, neurlp_shape_of(4, SAMPLES, STEPS, 1, 2), guess));
  neurlp_graph_keep(t.graph, x);
  must(&t, neurlp_graph_finish(t.graph, true));
  must(&t, neurlp_graph_begin(t.graph, SAMPLES, 1));
  must(&t, neurlp_graph_forward(t.graph));
  must(&t, neurlp_graph_read(t.graph, x, u));
  for (int32_t s = 0; s < SAMPLES; s++)
    for (int32_t i = 0; i < STEPS; i++)
      worst = fmax(worst, fabs(u[(s * STEPS + i) * 5] - v[2 * s] * cos(2 * i * H) -
                               v[2 * s + 1] / 2 * sin(2 * i * H)));
  /* math.md, section 1: of order h^4 for d = 4, kappa = 2; the fourth derivatives are of size 2^4 */
  check_below("an oscillation", worst, 16 * pow(H, 4));
  close_with(&t, &f);
}

/* ---- gradients --------------------------------------------------------------------------------------- */

/* Lotka and Volterra, all numbers about 1. */
static void check_gradient(bool shared, const char *name) {
  static const char *const right[] = {"a*x - x*y", "x*y - b*y"};
  enum { FEW = 8 };
  test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, shared ? 21 : 20);
  neurlp_graph *g = t.graph;
  neurlp_equations *f = equations(&t, 1, 2, right);
  const neurlp_graph_nonlinear_spec spec = {
      .equations = f, .steps = FEW, .order = 2, .nominal_step = 0.125, .tolerance = 1e-12, .corrections = 4};
  const int64_t S = shared ? 1 : SAMPLES;
#define ABOUT(rank, ...)                                                                                     \
  neurlp_graph_exp(                                                                                          \
      g, neurlp_graph_scale(g, test_graph_parameter(&t, neurlp_shape_of(rank, __VA_ARGS__)), 0.3, 0))
  const neurlp_value values = ABOUT(3, SAMPLES, 2, 1), parameters = ABOUT(2, S, 2);
  const neurlp_value steps = neurlp_graph_scale(g, ABOUT(2, S, shared ? 1 : FEW - 1), 0.1, 0);
#undef ABOUT
  const neurlp_value x = neurlp_graph_nonlinear_block(g, &spec, values, parameters, steps, NEURLP_NO_VALUE);
  test_graph_square_loss(&t, neurlp_graph_reshape(g, x, neurlp_shape_of(2, SAMPLES, FEW * 2 * 3)));
  test_graph_check_gradient(&t, name, 1);
  close_with(&t, &f);
}

/* Parameters that all samples share, with a sample that blows up among them, and without it. */
static double gradient_of(int64_t samples, const double *v, double *gradient, neurlp_status *statuses) {
  const double p[2] = {1, -1};
  double zeros[SAMPLES * STEPS * 3] = {0}, loss = 0;
  test_graph t = test_graph_open(samples, NEURLP_DOUBLE, 1);
  neurlp_equations *f = equations(&t, 1, 1, LOGISTIC);
  const neurlp_graph_nonlinear_spec spec = {.equations = f, .steps = STEPS, .order = 2, .nominal_step = H};
  const neurlp_value parameters = neurlp_graph_parameter(t.graph, "p", neurlp_shape_of(2, 1, 2), false);
  const neurlp_value x = neurlp_graph_nonlinear_block(
      t.graph, &spec, neurlp_graph_constant(t.graph, neurlp_shape_of(3, samples, 1, 1), v), parameters,
      neurlp_graph_constant(t.graph, neurlp_shape_of(2, 1, 1), &H), NEURLP_NO_VALUE);
  neurlp_graph_loss(
      t.graph,
      neurlp_graph_loss_of(t.graph, NEURLP_LOSS_SQUARE, x,
                           neurlp_graph_constant(t.graph, neurlp_shape_of(4, samples, STEPS, 1, 3), zeros)));
  const size_t built = neurlp_context_memory(t.context).current_bytes;
  must(&t, neurlp_graph_finish(t.graph, true));
  /* what was there before is the plan, the equations, and constants that are let go */
  check_below("bytes of the graph against what was allocated",
              fabs((double)neurlp_graph_bytes(t.graph) -
                   (double)(neurlp_context_memory(t.context).current_bytes - built)),
              8192);
  check_above("the block is most of it", (double)neurlp_graph_bytes(t.graph), 32768);
  must(&t, neurlp_graph_write(t.graph, parameters, p));
  must(&t, neurlp_graph_begin(t.graph, samples, 1));
  must(&t, neurlp_graph_forward(t.graph));
  must(&t, neurlp_graph_backward(t.graph));
  must(&t, neurlp_graph_read(t.graph, neurlp_graph_loss_value(t.graph), &loss));
  must(&t, neurlp_graph_read_gradient(t.graph, parameters, gradient));
  for (int64_t s = 0; s < samples; s++) statuses[s] = neurlp_graph_statuses(t.graph)[s];
  close_with(&t, &f);
  return loss;
}

/* x' = x + x^2 from 100 is infinite at t = 0.01, from 0.1 at 2.4: past the end. */
static void check_failed(void) {
  const double with[SAMPLES] = {0.1, 100, 0.2}, without[] = {0.1, 0.2};
  neurlp_status statuses[SAMPLES], others[SAMPLES];
  double g[2], h[2];
  const double one = gradient_of(3, with, g, statuses), two = gradient_of(2, without, h, others);
  check_true("a sample that blows up has failed", statuses[1] != NEURLP_SUCCESS);
  check_equal("the others have not", statuses[0] + statuses[2], NEURLP_SUCCESS);
  check_below("the loss is that of the others", fabs(one - two) / two, 16 * DBL_EPSILON);
  check_below("the gradient is that of the others", fmax(fabs(g[0] / h[0] - 1), fabs(g[1] / h[1] - 1)),
              1000 * DBL_EPSILON);
}

int main(void) {
  /* math.md, section 1: x' = -x over [0, 2] in 64 intervals of 1/32 is wrong by 9.2e-9 at order 4; here
     derivatives are up to 2^5 times those */
  check_values(NEURLP_DOUBLE, 32 * 9.2e-9 * pow(H * 32, 4));
  check_values(NEURLP_SINGLE, 32 * 9.2e-9 * pow(H * 32, 4) + 16 * FLT_EPSILON);
  check_second_order();
  check_gradient(false, "nonlinear block: all varies");
  check_gradient(true, "nonlinear block: parameters and step shared");
  check_failed();
  return check_verdict();
}
