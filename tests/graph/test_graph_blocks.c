/* The linear mechanistic block: gradients by Taylor remainders in all forms of its inputs, values against
 * polynomials that it reproduces, systems that fail, absent samples, memory. */
#include "core/allocations.h"
#include "graph/gradient.h"
#include "graph/operation/block.h"
#include "support/check.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 3, STEPS = 6 };

static void must(const test_graph *t, neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s\n", neurlp_context_message(t->context));
  exit(1);
}

/* ---- gradients --------------------------------------------------------------------------------------- */

/* Extents that are 1, and the block's form. */
typedef struct block_case {
  const char *name;
  int64_t blocks, dimensions, order;
  bool share_coefficients, share_rhs, share_values, share_steps; /* among systems */
  bool constant_coefficients, constant_rhs, constant_steps;      /* in time */
  bool steps_each, fixed_left, mixed, smnn;
  int32_t final_derivatives;
} block_case;

static const block_case cases[] = {
    {.name = "block: all varies", .dimensions = 2, .order = 2},
    {.name = "block: coefficients and steps shared, two blocks a sample",
     .blocks = 2,
     .dimensions = 1,
     .order = 3,
     .share_coefficients = true,
     .share_steps = true,
     .share_values = true,
     .constant_coefficients = true,
     .constant_steps = true},
    {.name = "block: right-hand side and values shared, steps for each dimension",
     .dimensions = 2,
     .order = 2,
     .share_rhs = true,
     .share_values = true,
     .constant_rhs = true,
     .steps_each = true},
    {.name = "block: a constant left-hand side",
     .dimensions = 2,
     .order = 2,
     .share_coefficients = true,
     .share_steps = true,
     .fixed_left = true},
    {.name = "block: smnn, final values",
     .dimensions = 2,
     .order = 2,
     .share_values = true,
     .smnn = true,
     .final_derivatives = 1},
    {.name = "block: mixed precision", .dimensions = 1, .order = 2, .mixed = true},
};

/* u_k' in equation k, and what is added to it: constants, or parameters. */
static neurlp_value coefficients(test_graph *t, const block_case *c, int64_t systems) {
  const int64_t D = c->dimensions, width = c->order + 1;
  double leading[2 * 2 * 4] = {0};
  for (int64_t k = 0; k < D; k++) leading[(k * D + k) * width + 1] = 1;
  const neurlp_tensor_shape shape = neurlp_shape_of(5, c->share_coefficients ? 1 : systems,
                                                    c->constant_coefficients ? 1 : STEPS, D, D, width);
  if (c->fixed_left) {
    double numbers[STEPS * 2 * 2 * 4];
    test_graph_draw(t, neurlp_shape_numbers(&shape), numbers);
    for (int64_t i = 0; i < neurlp_shape_numbers(&shape); i++)
      numbers[i] = 0.2 * numbers[i] + leading[i % (D * D * width)];
    return neurlp_graph_constant(t->graph, shape, numbers);
  }
  return neurlp_graph_add(t->graph, neurlp_graph_scale(t->graph, test_graph_parameter(t, shape), 0.2, 0),
                          neurlp_graph_constant(t->graph, neurlp_shape_of(3, D, D, width), leading));
}

/* About 0.3. */
static neurlp_value step_sizes(test_graph *t, const block_case *c, int64_t systems) {
  const neurlp_tensor_shape shape = neurlp_shape_of(
      3, c->share_steps ? 1 : systems, c->constant_steps ? 1 : STEPS - 1, c->steps_each ? c->dimensions : 1);
  const double fixed[STEPS - 1] = {0.3, 0.2, 0.25, 0.4, 0.35};
  if (c->fixed_left) return neurlp_graph_constant(t->graph, shape, fixed);
  const neurlp_value x = neurlp_graph_scale(t->graph, test_graph_parameter(t, shape), 0.3, 0);
  return neurlp_graph_scale(t->graph, neurlp_graph_exp(t->graph, x), 0.3, 0);
}

static neurlp_value build_case(test_graph *t, const block_case *c) {
  neurlp_graph *g = t->graph;
  const int64_t D = c->dimensions, systems = SAMPLES * (c->blocks ? c->blocks : 1);
  const neurlp_graph_block_spec spec = {.steps = STEPS,
                                        .order = (int32_t)c->order,
                                        .initial_steps = 1,
                                        .initial_derivatives = 1,
                                        .final_derivatives = c->final_derivatives,
                                        .blocks = c->blocks,
                                        .formulation = c->smnn ? neurlp_formulation_smnn()
                                                               : neurlp_formulation_default(),
                                        .mixed = c->mixed};
  const neurlp_graph_block_inputs inputs = {
      .coefficients = coefficients(t, c, systems),
      .rhs = test_graph_parameter(
          t, neurlp_shape_of(3, c->share_rhs ? 1 : systems, c->constant_rhs ? 1 : STEPS, D)),
      .initial_values = test_graph_parameter(t, neurlp_shape_of(4, c->share_values ? 1 : systems, 1, D, 1)),
      .final_values = c->final_derivatives == 0
                          ? NEURLP_NO_VALUE
                          : test_graph_parameter(t, neurlp_shape_of(3, c->share_values ? 1 : systems, D,
                                                                    c->final_derivatives)),
      .steps = step_sizes(t, c, systems)};
  const neurlp_value u = neurlp_graph_block(g, &spec, &inputs);
  neurlp_graph_name(g, u, "solution");
  return neurlp_graph_reshape(g, u,
                              neurlp_shape_of(2, SAMPLES, systems / SAMPLES * STEPS * D * (c->order + 1)));
}

/* ---- values ------------------------------------------------------------------------------------------ */

/* u_0' = a, u_1' = u_0: a parabola, which hermite rows of order 2 reproduce; a is each sample's own. The
 * left-hand side is constant, and prepared. */
typedef struct parabola {
  neurlp_value coefficients, rhs, values, steps, solution;
} parabola;

static const double H = 0.25;

static parabola add_parabola(test_graph *t, int64_t samples, bool constant, bool shared_left) {
  neurlp_graph *g = t->graph;
  const double c[] = {0, 1, 0, 0, 0, 0, /**/ -1, 0, 0, 0, 1, 0};
  const neurlp_tensor_shape left = neurlp_shape_of(5, shared_left ? 1 : samples, 1, 2, 2, 3);
  const neurlp_tensor_shape one = neurlp_shape_of(3, 1, 1, 1);
  parabola p;
  p.coefficients = constant ? neurlp_graph_constant(g, left, c) : neurlp_graph_input(g, "coefficients", left);
  p.steps = constant ? neurlp_graph_constant(g, one, &H) : neurlp_graph_parameter(g, "steps", one, false);
  p.rhs = neurlp_graph_input(g, "rhs", neurlp_shape_of(3, samples, STEPS, 2));
  p.values = neurlp_graph_parameter(g, "values", neurlp_shape_of(4, 1, 1, 2, 1), false);
  const neurlp_graph_block_spec spec = {.steps = STEPS,
                                        .order = 2,
                                        .initial_steps = 1,
                                        .initial_derivatives = 1,
                                        .formulation = neurlp_formulation_default()};
  p.solution = neurlp_graph_block(g, &spec,
                                  &(neurlp_graph_block_inputs){.coefficients = p.coefficients,
                                                               .rhs = p.rhs,
                                                               .initial_values = p.values,
                                                               .final_values = NEURLP_NO_VALUE,
                                                               .steps = p.steps});
  neurlp_graph_keep(g, p.solution);
  return p;
}

static void write_rhs(test_graph *t, const parabola *p, int64_t samples, const double *a) {
  double rhs[8 * STEPS * 2] = {0}, values[2] = {0.5, -1};
  for (int64_t s = 0; s < samples; s++)
    for (int64_t i = 0; i < STEPS; i++) rhs[(s * STEPS + i) * 2] = a[s];
  must(t, neurlp_graph_write(t->graph, p->rhs, rhs));
  must(t, neurlp_graph_write(t->graph, p->values, values));
}

static void check_values(neurlp_precision precision, bool constant, double epsilon) {
  const double a[SAMPLES] = {1, -2, 0.5};
  double u[SAMPLES * STEPS * 6], worst = 0, absent = 0;
  test_graph t = test_graph_open(SAMPLES, precision, 1);
  const parabola p = add_parabola(&t, SAMPLES, constant, true);
  must(&t, neurlp_graph_finish(t.graph, true));
  if (!constant) {
    const double c[] = {0, 1, 0, 0, 0, 0, /**/ -1, 0, 0, 0, 1, 0};
    must(&t, neurlp_graph_write(t.graph, p.coefficients, c));
    must(&t, neurlp_graph_write(t.graph, p.steps, &H));
  }
  write_rhs(&t, &p, SAMPLES, a);
  must(&t, neurlp_graph_begin(t.graph, SAMPLES - 1, 1));
  must(&t, neurlp_graph_forward(t.graph));
  must(&t, neurlp_graph_read(t.graph, p.solution, u));
  for (int32_t s = 0; s < SAMPLES; s++)
    for (int32_t i = 0; i < STEPS; i++) {
      const double time = i * H, *at = u + (s * STEPS + i) * 6;
      if (s == SAMPLES - 1)
        absent = fmax(absent, fabs(at[0]) + fabs(at[3]));
      else
        worst = fmax(worst, fabs(at[0] - (0.5 + a[s] * time)) +
                                fabs(at[3] - (-1 + 0.5 * time + a[s] * time * time / 2)));
    }
  /* what the sweep leaves: 8 n epsilon for each of n T unknowns, n = 6, for numbers of size 1 */
  check_below(constant ? "a prepared left-hand side: parabolas" : "parabolas", worst,
              8 * 36 * STEPS * epsilon);
  check_below("an absent sample is zero", absent, 0);
  test_graph_close(&t);
}

/* ---- failures ---------------------------------------------------------------------------------------- */

enum { MOST = 5, GRADIENTS = 3 };

/* Gradients of the values and the step, which all systems share, from `samples` samples, of which those in
 * `bad` get a left-hand side that fails: NaN, or nothing at all; with only the first `present` samples.
 * Returns the loss. */
static double gradient_of(int64_t samples, int64_t present, const double *a, const int *bad, double *gradient,
                          neurlp_status *statuses, double *solution) {
  const double c[] = {0, 1, 0, 0, 0, 0, /**/ -1, 0, 0, 0, 1, 0};
  double left[MOST * 12], loss = 0;
  test_graph t = test_graph_open(samples, NEURLP_DOUBLE, 1);
  const parabola p = add_parabola(&t, samples, false, false);
  const int64_t numbers = samples * STEPS * 6;
  double zeros[MOST * STEPS * 6] = {0};
  neurlp_graph_loss(
      t.graph,
      neurlp_graph_loss_of(t.graph, NEURLP_LOSS_SQUARE, p.solution,
                           neurlp_graph_constant(t.graph, neurlp_shape_of(4, samples, STEPS, 2, 3), zeros)));
  must(&t, neurlp_graph_finish(t.graph, true));
  for (int64_t s = 0; s < samples; s++)
    for (int32_t i = 0; i < 12; i++) left[s * 12 + i] = bad[s] == 1 ? NAN : bad[s] == 2 ? 0 : c[i];
  must(&t, neurlp_graph_write(t.graph, p.coefficients, left));
  must(&t, neurlp_graph_write(t.graph, p.steps, &H));
  write_rhs(&t, &p, samples, a);
  must(&t, neurlp_graph_begin(t.graph, present, 1));
  must(&t, neurlp_graph_forward(t.graph));
  must(&t, neurlp_graph_read(t.graph, p.solution, solution));
  must(&t, neurlp_graph_read(t.graph, neurlp_graph_loss_value(t.graph), &loss));
  must(&t, neurlp_graph_backward(t.graph));
  must(&t, neurlp_graph_read_gradient(t.graph, p.values, gradient));
  must(&t, neurlp_graph_read_gradient(t.graph, p.steps, gradient + 2));
  for (int64_t s = 0; s < samples; s++) statuses[s] = neurlp_graph_statuses(t.graph)[s];
  for (int64_t i = 0; i < numbers; i++) check_failures += !isfinite(solution[i]);
  test_graph_close(&t);
  return loss;
}

static void check_failed_systems(void) {
  const double with[MOST] = {3, 1, -2, 3, 0.5}, without[] = {1, -2, 0.5};
  const int bad[MOST] = {1, 0, 0, 2, 0}, none[MOST] = {0}, all[MOST] = {1, 1, 2, 2, 1};
  double g[GRADIENTS], h[GRADIENTS], solution[MOST * STEPS * 6], other[MOST * STEPS * 6], worst = 0, zero = 0;
  neurlp_status statuses[MOST], others[MOST];
  const double one = gradient_of(MOST, MOST, with, bad, g, statuses, solution);
  const double two = gradient_of(3, 3, without, none, h, others, other);
  check_equal("NaN in a system", statuses[0], NEURLP_NOT_FINITE);
  check_equal("a system without equations", statuses[3], NEURLP_SINGULAR);
  check_equal("the others", statuses[1] + statuses[2] + statuses[4], NEURLP_SUCCESS);
  for (int32_t i = 0; i < STEPS * 6; i++)
    zero = fmax(zero, fabs(solution[i]) + fabs(solution[3 * STEPS * 6 + i]));
  check_below("their solution is zero", zero, 0);
  check_below("the loss is that of the others", fabs(one - two) / two, 16 * DBL_EPSILON);
  for (int32_t i = 0; i < GRADIENTS; i++) worst = fmax(worst, fabs(g[i] - h[i]) / fabs(h[i]));
  check_below("gradients of what systems share are those of the others", worst, 8 * 36 * STEPS * DBL_EPSILON);
  check_above("and not zero", fabs(h[0] * h[1] * h[2]), 1e-6);
  gradient_of(MOST, MOST, with, all, g, statuses, solution);
  check_true("where all fail, gradients are zero", g[0] == 0 && g[1] == 0 && g[2] == 0);
  gradient_of(MOST, 3, (const double[MOST]){1, -2, 0.5, 7, 7}, none, g, statuses, solution);
  worst = 0;
  for (int32_t i = 0; i < GRADIENTS; i++) worst = fmax(worst, fabs(g[i] - h[i]) / fabs(h[i]));
  check_below("samples that are absent have no part in gradients", worst, 8 * 36 * STEPS * DBL_EPSILON);
}

/* System 3 of two blocks a sample belongs to sample 1. */
static void check_blocks_of_samples(void) {
  const neurlp_graph_block_spec spec = {.steps = STEPS,
                                        .order = 2,
                                        .initial_steps = 1,
                                        .initial_derivatives = 1,
                                        .blocks = 2,
                                        .formulation = neurlp_formulation_default()};
  double rhs[6 * STEPS] = {0};
  test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 1);
  neurlp_graph *g = t.graph;
  const double c[] = {0, 1, 0}, zero = 0;
  const neurlp_value b = neurlp_graph_input(g, "b", neurlp_shape_of(3, 6, STEPS, 1));
  neurlp_graph_block(g, &spec,
                     &(neurlp_graph_block_inputs){
                         .coefficients = neurlp_graph_constant(g, neurlp_shape_of(5, 1, 1, 1, 1, 3), c),
                         .rhs = b,
                         .initial_values = neurlp_graph_constant(g, neurlp_shape_of(4, 1, 1, 1, 1), &zero),
                         .final_values = NEURLP_NO_VALUE,
                         .steps = neurlp_graph_constant(g, neurlp_shape_of(3, 1, 1, 1), &H)});
  must(&t, neurlp_graph_finish(g, true));
  rhs[3 * STEPS + 2] = INFINITY;
  must(&t, neurlp_graph_write(g, b, rhs));
  must(&t, neurlp_graph_begin(g, SAMPLES, 1));
  must(&t, neurlp_graph_forward(g));
  check_equal("a block fails: its sample", neurlp_graph_statuses(g)[1], NEURLP_NOT_FINITE);
  check_equal("a block fails: the samples beside it",
              neurlp_graph_statuses(g)[0] + neurlp_graph_statuses(g)[2], NEURLP_SUCCESS);
  test_graph_close(&t);
}

/* ---- memory ------------------------------------------------------------------------------------------ */

/* Bytes of the graph, and of the context. */
static neurlp_memory memory_of(bool allocate, size_t *bytes, bool constant) {
  test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 1);
  const parabola p = add_parabola(&t, SAMPLES, constant, true);
  test_graph_square_loss(&t, p.solution);
  must(&t, neurlp_graph_finish(t.graph, allocate));
  *bytes = neurlp_graph_bytes(t.graph);
  const neurlp_memory memory = neurlp_context_memory(t.context);
  if (allocate) {
    const int64_t allocations = neurlp_context_allocations(t.context);
    must(&t, neurlp_graph_begin(t.graph, SAMPLES, 1));
    must(&t, neurlp_graph_forward(t.graph));
    must(&t, neurlp_graph_backward(t.graph));
    /* what waits in the queues of an imitated GPU is in the host's memory */
    if (strcmp(neurlp_context_backend(t.context), "cuda:check") != 0)
      check_equal("nothing is allocated in a run", neurlp_context_allocations(t.context), allocations);
  }
  test_graph_close(&t);
  return memory;
}

static void check_memory(bool constant) {
  size_t foretold = 0, held = 0;
  const neurlp_memory before = memory_of(false, &foretold, constant);
  const neurlp_memory after = memory_of(true, &held, constant);
  const double allocated = (double)after.current_bytes - (double)before.current_bytes;
  check_equal("bytes are the same as foretold", (long long)held, (long long)foretold);
  /* constants are uploaded and their copies let go; the block's own few numbers are there before */
  const char *backend =
      getenv("NEURLP_TEST_BACKEND"); /* solvers of a GPU foretell a little more than they take */
  check_below("what is allocated, against it", fabs((double)held - allocated),
              backend && strncmp(backend, "cuda", 4) == 0 ? 8192 : 4096);
  check_above("a workspace is part of it", (double)held, 8192);
}

/* The one system of a graph of one sample. */
static void check_one_system(void) {
  const block_case c = {.dimensions = 2, .order = 2};
  test_graph t = test_graph_open(1, NEURLP_DOUBLE, 300);
  neurlp_graph *g = t.graph;
  const neurlp_graph_block_spec spec = {.steps = STEPS,
                                        .order = 2,
                                        .initial_steps = 1,
                                        .initial_derivatives = 1,
                                        .formulation = neurlp_formulation_default()};
  const neurlp_value u = neurlp_graph_block(
      g, &spec,
      &(neurlp_graph_block_inputs){.coefficients = coefficients(&t, &c, 1),
                                   .rhs = test_graph_parameter(&t, neurlp_shape_of(3, 1, STEPS, 2)),
                                   .initial_values = test_graph_parameter(&t, neurlp_shape_of(4, 1, 1, 2, 1)),
                                   .final_values = NEURLP_NO_VALUE,
                                   .steps = step_sizes(&t, &c, 1)});
  test_graph_square_loss(&t, neurlp_graph_reshape(g, u, neurlp_shape_of(2, 1, STEPS * 6)));
  const neurlp_shape *shape = &((neurlp_graph_block_state *)neurlp_graph_node(g, u)->object)->shape;
  check_true("one system shares nothing, so that its time can be cut",
             shape->coefficients_sharing == NEURLP_VARYING && shape->steps_sharing == NEURLP_VARYING);
  test_graph_check_gradient(&t, "block: one system", 0.5);
  test_graph_close(&t);
}

/* Factors are kept where a gradient is wanted and they are few: n (3n + 1) / 2 = 15 numbers for each step. */
static bool keeps_factors(int64_t samples, bool trained) {
  const neurlp_graph_block_spec spec = {.steps = 50, .order = 2, .formulation = neurlp_formulation_smnn()};
  test_graph t = test_graph_open(samples, NEURLP_DOUBLE, 1);
  neurlp_graph *g = t.graph;
  const neurlp_tensor_shape left = neurlp_shape_of(5, samples, 50, 1, 1, 3);
  const neurlp_value u = neurlp_graph_block(
      g, &spec,
      &(neurlp_graph_block_inputs){.coefficients = trained ? test_graph_parameter(&t, left)
                                                           : neurlp_graph_input(g, "c", left),
                                   .rhs = neurlp_graph_input(g, "b", neurlp_shape_of(3, 1, 1, 1)),
                                   .initial_values = NEURLP_NO_VALUE,
                                   .final_values = NEURLP_NO_VALUE,
                                   .steps = neurlp_graph_constant(g, neurlp_shape_of(3, 1, 1, 1), &H)});
  must(&t, neurlp_graph_finish(g, false));
  const bool keeps = ((neurlp_graph_block_state *)neurlp_graph_node(g, u)->object)->shape.keep_factors;
  test_graph_close(&t);
  return keeps;
}

int main(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 200 + i);
    test_graph_square_loss(&t, build_case(&t, &cases[i]));
    test_graph_check_gradient(&t, cases[i].name, 0.5);
    const neurlp_graph_block_state *block =
        neurlp_graph_node(t.graph, neurlp_graph_find(t.graph, "solution"))->object;
    check_equal("its left-hand side is factorised once", block->prepared, cases[i].fixed_left);
    test_graph_close(&t);
  }
  check_values(NEURLP_DOUBLE, true, DBL_EPSILON);
  check_values(NEURLP_DOUBLE, false, DBL_EPSILON);
  check_values(NEURLP_SINGLE, true, FLT_EPSILON);
  check_values(NEURLP_SINGLE, false, FLT_EPSILON);
  check_failed_systems();
  check_blocks_of_samples();
  check_true("factors: 2000 systems keep 12 MB", keeps_factors(2000, true));
  check_true("factors: without a gradient none are kept", !keeps_factors(2000, false));
  check_true("factors: 4000 systems would keep 24 MB", !keeps_factors(4000, true));
  check_one_system();
  check_memory(true);
  check_memory(false);
  return check_verdict();
}
