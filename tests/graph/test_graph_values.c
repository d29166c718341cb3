/* Values and gradients of every operation, in both precisions, against loops in long double that are written
 * from the definitions. Bounds: a sum of n products errs by at most n + 1 roundings of the sum of their
 * absolute values (u is half the distance of 1 to the next number). */
#include "graph/gradient.h"
#include "graph/layers.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 3 };

static void must(const test_graph *t, neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s: %s\n", neurlp_status_name(status), neurlp_context_message(t->context));
  exit(1);
}

static double unit_of(neurlp_precision precision) {
  return precision == NEURLP_SINGLE ? FLT_EPSILON / 2 : DBL_EPSILON / 2;
}

/* ---- sums that are expected -------------------------------------------------------------------------- */

/* Sums, and the sums of their terms' absolute values. */
typedef struct sums {
  int64_t count;
  long double *value, *scale;
} sums;

static sums sums_of(int64_t count) {
  sums s = {count, calloc((size_t)count, sizeof(long double)), calloc((size_t)count, sizeof(long double))};
  if (!s.value || !s.scale) exit(1);
  return s;
}

static void add(sums *s, int64_t i, long double term) {
  s->value[i] += term;
  s->scale[i] += fabsl(term);
}

static void free_sums(sums *s) {
  free(s->value);
  free(s->scale);
}

/* The largest error in units of the sum of absolute values; what is expected to be 0 has to be 0. */
static void compare(const char *name, const char *part, neurlp_precision precision, const double *measured,
                    const sums *expected, double bound) {
  const long double u = unit_of(precision);
  long double most = 0;
  char what[128];
  for (int64_t i = 0; i < expected->count; i++) {
    const long double error = fabsl(measured[i] - expected->value[i]);
    if (isnan(measured[i]) || (expected->scale[i] == 0 && error > 0)) most = INFINITY;
    if (expected->scale[i] > 0) most = fmaxl(most, error / (u * expected->scale[i]));
  }
  snprintf(what, sizeof what, "%s, %s, %s: error / u", name, part,
           precision == NEURLP_SINGLE ? "single" : "double");
  check_below(what, (double)most, bound);
}

/* ---- a graph whose loss is sum_i c_i y_i: its gradient is c times the derivative of y -------------------
 */

typedef struct run {
  test_graph t;
  neurlp_precision precision;
  neurlp_value y;
  int64_t numbers, parameter_count;
  double *values, *factors, *parameters, *gradient;
} run;

static run open_run(neurlp_precision precision, uint64_t seed) {
  return (run){.t = test_graph_open(SAMPLES, precision, seed), .precision = precision};
}

static double *read_all(run *r, bool gradient) {
  double *numbers = calloc((size_t)r->parameter_count + 1, sizeof *numbers);
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(r->t.graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(r->t.graph, i);
    must(&r->t, gradient ? neurlp_graph_read_gradient(r->t.graph, info.value, numbers + info.first)
                         : neurlp_graph_read(r->t.graph, info.value, numbers + info.first));
  }
  return numbers;
}

/* Forward and backward; parameters are drawn unless `parameters` says what they are. */
static void go(run *r, neurlp_value y, double scale, const double *parameters) {
  neurlp_graph *graph = r->t.graph;
  const neurlp_tensor_shape shape = neurlp_graph_shape(graph, y);
  const neurlp_value c = test_graph_constant(&r->t, shape);
  const neurlp_value z = neurlp_graph_multiply(graph, y, c);
  neurlp_graph_loss(graph,
                    neurlp_graph_reshape(graph, neurlp_graph_reduce(graph, z, (1u << shape.rank) - 1, false),
                                         neurlp_shape_scalar));
  neurlp_graph_keep(graph, y);
  test_graph_start(&r->t, scale);
  r->y = y;
  r->numbers = neurlp_shape_numbers(&shape);
  r->parameter_count = neurlp_graph_parameter_count(graph);
  for (int32_t i = 0; parameters && i < neurlp_graph_parameter_tensors(graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(graph, i);
    must(&r->t, neurlp_graph_write(graph, info.value, parameters + info.first));
  }
  must(&r->t, neurlp_graph_forward(graph));
  r->values = calloc((size_t)r->numbers, sizeof(double));
  r->factors = calloc((size_t)r->numbers, sizeof(double));
  must(&r->t, neurlp_graph_read(graph, y, r->values));
  must(&r->t, neurlp_graph_read(graph, c, r->factors));
  must(&r->t, neurlp_graph_backward(graph));
  r->parameters = read_all(r, false);
  r->gradient = read_all(r, true);
}

static void close_run(run *r) {
  free(r->values);
  free(r->factors);
  free(r->parameters);
  free(r->gradient);
  test_graph_close(&r->t);
}

static void compare_run(const char *name, run *r, sums *y, double y_bound, sums *gradient,
                        double gradient_bound) {
  compare(name, "value", r->precision, r->values, y, y_bound);
  compare(name, "gradient", r->precision, r->gradient, gradient, gradient_bound);
  free_sums(y);
  free_sums(gradient);
  close_run(r);
}

/* ---- functions of one number --------------------------------------------------------------------------- */

/* p and q as in the graph; `scale` is what the error is measured in: the value, or what it is the difference
 * of.
 */
typedef struct function {
  const char *name;
  neurlp_value (*build)(neurlp_graph *graph, neurlp_value x);
  long double (*value)(long double x), (*value_scale)(long double x);
  long double (*slope)(long double x), (*slope_scale)(long double x);
  double bound;
} function;

static neurlp_value build_scale(neurlp_graph *graph, neurlp_value x) {
  return neurlp_graph_scale(graph, x, -1.5, 0.25);
}

static neurlp_value build_clip(neurlp_graph *graph, neurlp_value x) {
  return neurlp_graph_clip(graph, x, -0.5, 0.75);
}

#define FUNCTION(name, expression)                                                                           \
  static long double name(long double x) {                                                                   \
    return expression;                                                                                       \
  }
FUNCTION(normal_integral, erfcl(-x *sqrtl(0.5L)) / 2)
FUNCTION(normal_density, expl(-x *x / 2) / sqrtl(8 * atanl(1)))
FUNCTION(relu, x > 0 ? x : 0)
FUNCTION(relu_slope, x > 0 ? 1 : 0)
FUNCTION(elu, x > 0 ? x : expm1l(x))
FUNCTION(elu_slope, x > 0 ? 1 : expl(x))
FUNCTION(gelu, x *normal_integral(x))
FUNCTION(gelu_slope, normal_integral(x) + x * normal_density(x))
FUNCTION(gelu_slope_scale, 1 + fabsl(x) * normal_density(x) * (1 + x * x))
FUNCTION(tanh_slope, 1 / (coshl(x) * coshl(x)))
FUNCTION(sigmoid, 1 / (1 + expl(-x)))
FUNCTION(sigmoid_slope, 1 / (2 + expl(x) + expl(-x)))
FUNCTION(softplus, (x > 0 ? x : 0) + log1pl(expl(-fabsl(x))))
FUNCTION(scaled, -1.5L * x + 0.25L)
FUNCTION(scaled_scale, 1.5L * fabsl(x) + 0.25L)
FUNCTION(scaled_slope, -1.5L + 0 * x)
FUNCTION(clipped, x<-0.5L ? -0.5L : x> 0.75L ? 0.75L : x)
FUNCTION(clipped_slope, x<-0.5L || x> 0.75L ? 0 : 1)
FUNCTION(square, x *x)
FUNCTION(square_slope, 2 * x)
FUNCTION(one, 1 + 0 * x)

/* exp, expm1 and tanh err by at most 4 u, 4 u and 6 u (cpu/elementary.h), the C library's functions by less
 * than 4 u; each bound is the sum of those called, and of the operations beside them. The slopes that are
 * differences from 1 err by units of 1. */
static const function functions[] = {
    {"relu", neurlp_graph_relu, relu, relu, relu_slope, relu_slope, 0},
    {"elu", neurlp_graph_elu, elu, elu, elu_slope, elu_slope, 4},
    {"gelu", neurlp_graph_gelu, gelu, fabsl, gelu_slope, gelu_slope_scale, 10},
    {"tanh", neurlp_graph_tanh, tanhl, tanhl, tanh_slope, one, 6},
    {"sigmoid", neurlp_graph_sigmoid, sigmoid, sigmoid, sigmoid_slope, one, 6},
    {"softplus", neurlp_graph_softplus, softplus, softplus, sigmoid, sigmoid, 9},
    {"exp", neurlp_graph_exp, expl, expl, expl, expl, 4},
    {"square", neurlp_graph_square, square, square, square_slope, square_slope, 1},
    {"scale", build_scale, scaled, scaled_scale, scaled_slope, scaled_slope, 2},
    {"clip", build_clip, clipped, clipped, clipped_slope, clipped_slope, 0},
};

/* Places from -64 to 64 that are numbers of both precisions, none of them 0, with small ones among them. */
static void check_function(const function *f, neurlp_precision precision) {
  enum { COUNT = 4099 };
  run r = open_run(precision, 11);
  double *x = calloc(COUNT, sizeof *x);
  for (int i = 0; i < COUNT; i++) {
    static const float divisors[] = {32, 512, 1 << 20};
    x[i] = (float)(i - COUNT / 2 + 0.37) / divisors[i % 3];
  }
  const neurlp_value p = test_graph_parameter(&r.t, neurlp_shape_of(2, 1, COUNT));
  go(&r, f->build(r.t.graph, p), 1, x);
  sums y = sums_of(COUNT), gradient = sums_of(COUNT);
  for (int64_t i = 0; i < COUNT; i++) {
    y.value[i] = f->value(x[i]);
    y.scale[i] = fabsl(f->value_scale(x[i]));
    gradient.value[i] = r.factors[i] * f->slope(x[i]);
    gradient.scale[i] = fabsl(r.factors[i] * f->slope_scale(x[i]));
  }
  /* one rounding more: the factor */
  compare_run(f->name, &r, &y, f->bound, &gradient, f->bound + 1);
  free(x);
}

/* What is beyond the numbers' range, or none, goes where it should. */
static void check_extremes(neurlp_precision precision) {
  enum { COUNT = 9 };
  static const double x[COUNT] = {0, -0.0, 1e-30, 200, -200, 2000, -2000, INFINITY, -INFINITY};
  static const struct {
    const char *name;
    neurlp_value (*build)(neurlp_graph *graph, neurlp_value x);
    double values[COUNT]; /* NAN: no round number, not looked at */
  } cases[] = {
      {"exp", neurlp_graph_exp, {1, 1, 1, NAN, NAN, INFINITY, 0, INFINITY, 0}},
      {"tanh", neurlp_graph_tanh, {0, 0, 1e-30, 1, -1, 1, -1, 1, -1}},
      {"sigmoid", neurlp_graph_sigmoid, {0.5, 0.5, 0.5, 1, NAN, 1, 0, 1, 0}},
      {"elu", neurlp_graph_elu, {0, 0, 1e-30, 200, -1, 2000, -1, INFINITY, -1}},
      {"softplus", neurlp_graph_softplus, {NAN, NAN, NAN, 200, NAN, 2000, 0, INFINITY, 0}},
      {"gelu", neurlp_graph_gelu, {0, 0, 5e-31, 200, 0, 2000, 0, INFINITY, NAN}},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
    for (int i = 0; i <= COUNT; i++) {
      run r = open_run(precision, 25);
      const double at = i < COUNT ? x[i] : NAN, expected = i < COUNT ? cases[c].values[i] : NAN;
      char what[128];
      if (i < COUNT && isnan(expected)) {
        close_run(&r);
        continue;
      }
      go(&r, cases[c].build(r.t.graph, test_graph_parameter(&r.t, neurlp_shape_of(2, 1, 1))), 1, &at);
      snprintf(what, sizeof what, "%s(%g) is %g, in %s", cases[c].name, at, r.values[0],
               precision == NEURLP_SINGLE ? "single" : "double");
      check_true(what, i == COUNT ? isnan(r.values[0])
                                  : r.values[0] == expected || fabs(r.values[0] - expected) <=
                                                                   2 * unit_of(precision) * fabs(expected));
      close_run(&r);
    }
}

/* ---- sums and products that broadcast ------------------------------------------------------------------ */

/* a [3][1][70], b [2][1] or [2][70]: a piece of a row that is not whole, and both axes that are served. */
static void check_binary(neurlp_precision precision, bool multiply, int64_t width) {
  enum { A = 3, B = 2, C = 70 };
  run r = open_run(precision, 12);
  const neurlp_value a = test_graph_parameter(&r.t, neurlp_shape_of(3, A, 1, C));
  const neurlp_value b = test_graph_parameter(&r.t, neurlp_shape_of(2, B, width));
  go(&r, multiply ? neurlp_graph_multiply(r.t.graph, a, b) : neurlp_graph_add(r.t.graph, a, b), 1, NULL);
  sums y = sums_of(r.numbers), gradient = sums_of(r.parameter_count);
  const double *p = r.parameters, *q = r.parameters + A * C;
  for (int64_t i = 0; i < A; i++)
    for (int64_t j = 0; j < B; j++)
      for (int64_t k = 0; k < C; k++) {
        const int64_t at = (i * B + j) * C + k, left = i * C + k, right = j * width + k % width;
        const long double c = r.factors[at], one = p[left], other = q[right];
        add(&y, at, multiply ? one * other : one);
        if (!multiply) add(&y, at, other);
        add(&gradient, left, multiply ? c * other : c);
        add(&gradient, A * C + right, multiply ? c * one : c);
      }
  /* sums are formed in double precision: at most A C terms, and few roundings of single precision */
  compare_run(multiply ? "multiply" : "add", &r, &y, 1, &gradient,
              precision == NEURLP_SINGLE ? 3 : A * C + 2);
}

static void check_reduce(neurlp_precision precision, bool mean) {
  enum { A = 3, B = 2, C = 4, D = 5 };
  run r = open_run(precision, 13);
  const neurlp_value x = test_graph_parameter(&r.t, neurlp_shape_of(4, A, B, C, D));
  go(&r, neurlp_graph_reduce(r.t.graph, x, 1u << 1 | 1u << 3, mean), 1, NULL);
  sums y = sums_of(r.numbers), gradient = sums_of(r.parameter_count);
  const long double factor = mean ? 1 / (long double)(B * D) : 1;
  for (int64_t at = 0; at < A * B * C * D; at++) {
    const int64_t to = at / (B * C * D) * C + at / D % C;
    add(&y, to, r.parameters[at] * factor);
    add(&gradient, at, r.factors[to] * factor);
  }
  compare_run(mean ? "mean" : "sum", &r, &y, B * D + 2, &gradient, 3);
}

/* ---- layers -------------------------------------------------------------------------------------------- */

/* Rows that are summed at once, or in pieces. */
static void check_dense(neurlp_precision precision, int64_t rows) {
  enum { INPUTS = 13, OUTPUTS = 67 };
  run r = open_run(precision, 14);
  const neurlp_value x = test_graph_parameter(&r.t, neurlp_shape_of(3, SAMPLES, rows / SAMPLES, INPUTS));
  const neurlp_value weight = test_graph_parameter(&r.t, neurlp_shape_of(2, OUTPUTS, INPUTS));
  const neurlp_value bias = test_graph_parameter(&r.t, neurlp_shape_of(1, OUTPUTS));
  go(&r, neurlp_graph_dense(r.t.graph, x, weight, bias), 1, NULL);
  sums y = sums_of(r.numbers), gradient = sums_of(r.parameter_count);
  const int64_t first_weight = rows * INPUTS, first_bias = first_weight + OUTPUTS * INPUTS;
  const double *p = r.parameters;
  for (int64_t row = 0; row < rows; row++)
    for (int64_t o = 0; o < OUTPUTS; o++) {
      const long double c = r.factors[row * OUTPUTS + o];
      add(&y, row * OUTPUTS + o, p[first_bias + o]);
      add(&gradient, first_bias + o, c);
      for (int64_t i = 0; i < INPUTS; i++) {
        add(&y, row * OUTPUTS + o, (long double)p[row * INPUTS + i] * p[first_weight + o * INPUTS + i]);
        add(&gradient, row * INPUTS + i, c * p[first_weight + o * INPUTS + i]);
        add(&gradient, first_weight + o * INPUTS + i, c * p[row * INPUTS + i]);
      }
    }
  compare_run("dense", &r, &y, INPUTS + 2, &gradient, (double)rows + 2);
}

/* Where the padded input, which starts at -padding, has a number from; -1: nowhere. */
static int64_t padded_place(int64_t at, int64_t length, const neurlp_convolution *c) {
  if (c->circular) return ((at - c->padding) % length + length) % length;
  return at < c->padding || at >= c->padding + length ? -1 : at - c->padding;
}

static void check_convolution(neurlp_precision precision, const char *name, int64_t batch, int64_t length,
                              int64_t kernel, neurlp_convolution walk, bool biased) {
  enum { CHANNELS = 3, OUTPUTS = 5 };
  run r = open_run(precision, 15);
  const neurlp_value x = test_graph_parameter(&r.t, neurlp_shape_of(3, batch, CHANNELS, length));
  const neurlp_value weight = test_graph_parameter(&r.t, neurlp_shape_of(3, OUTPUTS, CHANNELS, kernel));
  const neurlp_value bias = biased ? test_graph_parameter(&r.t, neurlp_shape_of(1, OUTPUTS)) : 0;
  go(&r,
     biased ? neurlp_graph_convolution(r.t.graph, x, weight, bias, walk)
            : neurlp_graph_convolution_plain(r.t.graph, x, weight, walk),
     1, NULL);
  const int64_t first_weight = batch * CHANNELS * length,
                first_bias = first_weight + OUTPUTS * CHANNELS * kernel;
  int64_t places = 0; /* as many as fit */
  while (places * walk.stride + (kernel - 1) * walk.dilation < length + 2 * walk.padding) places++;
  check_equal("length of the output", neurlp_graph_shape(r.t.graph, r.y).extents[2], places);
  sums y = sums_of(batch * OUTPUTS * places), gradient = sums_of(r.parameter_count);
  const double *p = r.parameters;
  for (int64_t at = 0; at < batch * OUTPUTS * places; at++) {
    const int64_t j = at % places, o = at / places % OUTPUTS, s = at / places / OUTPUTS;
    const long double factor = r.factors[at];
    if (biased) add(&y, at, p[first_bias + o]);
    if (biased) add(&gradient, first_bias + o, factor);
    for (int64_t i = 0; i < CHANNELS * kernel; i++) {
      const int64_t from = padded_place(j * walk.stride + i % kernel * walk.dilation, length, &walk);
      const int64_t source = (s * CHANNELS + i / kernel) * length + from;
      const int64_t w = first_weight + o * CHANNELS * kernel + i;
      if (from < 0) continue;
      add(&y, at, (long double)p[source] * p[w]);
      add(&gradient, source, factor * p[w]);
      add(&gradient, w, factor * p[source]);
    }
  }
  compare_run(name, &r, &y, CHANNELS * (double)kernel + 2, &gradient, (double)(batch * places) + 2);
}

static void check_normalise(neurlp_precision precision, bool affine) {
  enum { ROWS = SAMPLES * 4, COUNT = 2 * 37 };
  const double epsilon = 1e-5;
  run r = open_run(precision, 16);
  const neurlp_value x = test_graph_parameter(&r.t, neurlp_shape_of(4, SAMPLES, 4, 2, COUNT / 2));
  const neurlp_tensor_shape inner = neurlp_shape_of(2, 2, COUNT / 2);
  const neurlp_value gain = affine ? test_graph_parameter(&r.t, inner) : 0;
  const neurlp_value shift = affine ? test_graph_parameter(&r.t, inner) : 0;
  go(&r,
     affine ? neurlp_graph_normalise(r.t.graph, x, 2, gain, shift, epsilon)
            : neurlp_graph_normalise_plain(r.t.graph, x, 2, epsilon),
     1, NULL);
  sums y = sums_of(r.numbers), gradient = sums_of(r.parameter_count);
  const double *gains = r.parameters + ROWS * COUNT, *shifts = gains + COUNT;
  for (int64_t row = 0; row < ROWS; row++) {
    const double *v = r.parameters + row * COUNT, *factors = r.factors + row * COUNT;
    long double mean = 0, square = 0, most = 0; /* most: mean of absolute values */
    for (int64_t i = 0; i < COUNT; i++) {
      mean += v[i] / (long double)COUNT;
      most += fabsl(v[i]) / COUNT;
    }
    for (int64_t i = 0; i < COUNT; i++) square += (v[i] - mean) * (v[i] - mean) / COUNT;
    const long double d = sqrtl(square + epsilon);
    for (int64_t i = 0; i < COUNT; i++) {
      const long double z = (v[i] - mean) / d, c = factors[i] * (long double)(affine ? gains[i] : 1);
      const long double size = (fabsl(v[i]) + most) / d; /* of what z is the difference of */
      add(&y, row * COUNT + i, z * (affine ? gains[i] : 1));
      if (affine) add(&y, row * COUNT + i, shifts[i]);
      y.scale[row * COUNT + i] += size * (affine ? fabs(gains[i]) : 1);
      for (int64_t j = 0; j < COUNT; j++) { /* dz_i / dx_j */
        const long double slope = ((i == j) - (1 + z * (v[j] - mean) / d) / COUNT) / d;
        gradient.value[row * COUNT + j] += c * slope;
        gradient.scale[row * COUNT + j] +=
            fabsl(c) * ((i == j) + (1 + size * (fabsl(v[j]) + most) / d) / COUNT) / d;
      }
      if (!affine) continue;
      add(&gradient, ROWS * COUNT + i, factors[i] * z);
      gradient.scale[ROWS * COUNT + i] += fabsl(factors[i]) * size;
      add(&gradient, ROWS * COUNT + COUNT + i, factors[i]);
    }
  }
  /* mean and deviation are of COUNT terms in double precision */
  const double bound = precision == NEURLP_SINGLE ? 6 : COUNT + 10;
  compare_run(affine ? "normalise" : "normalise, plain", &r, &y, bound, &gradient, bound);
}

/* ---- structure: y[j] = x[source[j]], with all parameters one after the other as x
 * --------------------------
 */

static void check_structure(const char *name, run *r, neurlp_value value, int64_t count,
                            const int64_t *source) {
  go(r, value, 1, NULL);
  sums y = sums_of(count), gradient = sums_of(r->parameter_count);
  check_equal(name, r->numbers, count);
  for (int64_t j = 0; j < count; j++) {
    add(&y, j, r->parameters[source[j]]);
    add(&gradient, source[j], r->factors[j]);
  }
  compare_run(name, r, &y, 0, &gradient, r->precision == NEURLP_SINGLE ? 1 : (double)count);
}

static void check_permute(neurlp_precision precision) {
  enum { A = 3, B = 4, C = 5 };
  int64_t source[A * B * C], count = 0;
  run r = open_run(precision, 17);
  for (int64_t k = 0; k < C; k++)
    for (int64_t i = 0; i < A; i++)
      for (int64_t j = 0; j < B; j++) source[count++] = (i * B + j) * C + k;
  const neurlp_value x = test_graph_parameter(&r.t, neurlp_shape_of(3, A, B, C));
  check_structure("permute", &r, neurlp_graph_permute(r.t.graph, x, (int32_t[]){2, 0, 1}), count, source);
}

static void check_slice(neurlp_precision precision) {
  enum { A = 3, B = 7, C = 2 };
  int64_t source[A * 3 * C], count = 0;
  run r = open_run(precision, 18);
  for (int64_t i = 0; i < A; i++)
    for (int64_t j = 1; j < B; j += 2)
      for (int64_t k = 0; k < C && j < 6; k++) source[count++] = (i * B + j) * C + k;
  const neurlp_value x = test_graph_parameter(&r.t, neurlp_shape_of(3, A, B, C));
  check_structure("slice", &r, neurlp_graph_slice(r.t.graph, x, 1, 1, 3, 2), count, source);
}

static void check_concatenate(neurlp_precision precision) {
  enum { A = 3, B = 2, C = 4, D = 2 };
  int64_t source[A * (B + C + B) * D], count = 0;
  run r = open_run(precision, 19);
  for (int64_t i = 0; i < A; i++) {
    for (int64_t j = 0; j < B * D; j++) source[count++] = i * B * D + j;
    for (int64_t j = 0; j < C * D; j++) source[count++] = A * B * D + i * C * D + j;
    for (int64_t j = 0; j < B * D; j++) source[count++] = i * B * D + j;
  }
  const neurlp_value x = test_graph_parameter(&r.t, neurlp_shape_of(3, A, B, D));
  const neurlp_value y = test_graph_parameter(&r.t, neurlp_shape_of(3, A, C, D));
  check_structure("concatenate, one twice", &r,
                  neurlp_graph_concatenate(r.t.graph, 3, (neurlp_value[]){x, y, x}, 1), count, source);
}

static void check_broadcast(neurlp_precision precision) {
  enum { A = 3, B = 4, C = 5 };
  int64_t source[A * B * C], count = 0;
  run r = open_run(precision, 20);
  for (int64_t i = 0; i < A; i++)
    for (int64_t j = 0; j < B; j++)
      for (int64_t k = 0; k < C; k++) source[count++] = j;
  const neurlp_value x = test_graph_parameter(&r.t, neurlp_shape_of(2, B, 1));
  check_structure("broadcast", &r, neurlp_graph_broadcast(r.t.graph, x, neurlp_shape_of(3, A, B, C)), count,
                  source);
}

/* ---- losses and penalties ------------------------------------------------------------------------------ */

static const char *const kind_names[] = {"square loss", "absolute loss", "relative loss"};

/* One target is missing, and the last sample is absent. */
static void check_loss(neurlp_precision precision, neurlp_loss_kind kind) {
  enum { EACH = 6, PRESENT = SAMPLES - 1 };
  const double weight = 0.25;
  double t[SAMPLES * EACH], loss = NAN;
  run r = open_run(precision, 21);
  const neurlp_value x = test_graph_parameter(&r.t, neurlp_shape_of(2, SAMPLES, EACH));
  const neurlp_value target = neurlp_graph_input(r.t.graph, "target", neurlp_shape_of(2, SAMPLES, EACH));
  const neurlp_value value = neurlp_graph_loss_of(r.t.graph, kind, x, target);
  neurlp_graph_loss(r.t.graph, value);
  test_graph_start(&r.t, 1);
  r.parameter_count = SAMPLES * EACH;
  test_graph_draw(&r.t, SAMPLES * EACH, t);
  for (int i = 0; i < SAMPLES * EACH; i++) t[i] = (float)t[i];
  t[2] = NAN;
  must(&r.t, neurlp_graph_write(r.t.graph, target, t));
  must(&r.t, neurlp_graph_begin(r.t.graph, PRESENT, weight));
  must(&r.t, neurlp_graph_forward(r.t.graph));
  must(&r.t, neurlp_graph_read(r.t.graph, value, &loss));
  must(&r.t, neurlp_graph_backward(r.t.graph));
  r.parameters = read_all(&r, false);
  r.gradient = read_all(&r, true);
  sums y = sums_of(1), gradient = sums_of(SAMPLES * EACH);
  for (int64_t s = 0; s < PRESENT; s++) {
    long double unit = 0, known = 0;
    for (int64_t i = s * EACH; i < (s + 1) * EACH; i++)
      if (!isnan(t[i])) {
        unit += (long double)t[i] * t[i];
        known++;
      }
    for (int64_t i = s * EACH; i < (s + 1) * EACH; i++) {
      const long double e = (long double)r.parameters[i] - t[i];
      const long double f = weight / EACH / (kind == NEURLP_LOSS_RELATIVE ? unit / known : 1);
      if (isnan(t[i])) continue;
      add(&y, 0, f * (kind == NEURLP_LOSS_ABSOLUTE ? fabsl(e) : e * e));
      add(&gradient, i, f * (kind == NEURLP_LOSS_ABSOLUTE ? (e > 0) - (e < 0) : 2 * e));
    }
  }
  compare(kind_names[kind], "value", precision, &loss, &y,
          precision == NEURLP_SINGLE ? 2 : SAMPLES * EACH + 8);
  compare(kind_names[kind], "gradient", precision, r.gradient, &gradient,
          precision == NEURLP_SINGLE ? 2 : EACH + 8);
  free_sums(&y);
  free_sums(&gradient);
  close_run(&r);
}

static void check_penalty(neurlp_precision precision, neurlp_loss_kind kind) {
  enum { COUNT = 5000 };
  run r = open_run(precision, 22);
  const neurlp_value x = test_graph_parameter(&r.t, neurlp_shape_of(2, 2, COUNT / 2));
  go(&r, neurlp_graph_penalty(r.t.graph, kind, x), 1, NULL);
  sums y = sums_of(1), gradient = sums_of(COUNT);
  const long double share = SAMPLES * 0.5L; /* test_graph_start begins with weight 0.5 */
  for (int64_t i = 0; i < COUNT; i++) {
    const long double p = r.parameters[i];
    add(&y, 0, share * (kind == NEURLP_LOSS_ABSOLUTE ? fabsl(p) : p * p));
    add(&gradient, i, r.factors[0] * share * (kind == NEURLP_LOSS_ABSOLUTE ? (p > 0) - (p < 0) : 2 * p));
  }
  compare_run(kind == NEURLP_LOSS_ABSOLUTE ? "absolute penalty" : "square penalty", &r, &y,
              precision == NEURLP_SINGLE ? 2 : COUNT + 3, &gradient, 4);
}

/* ---- long sums in single precision ----------------------------------------------------------------------
 */

/* Sums of 2^19 numbers of about the same size: added up in single precision, they would be off by hundreds of
 * units. */
static void check_long_sums(void) {
  enum { ROWS = 1 << 19 };
  double *p = calloc(ROWS + 4, sizeof *p);
  for (int i = 0; i < ROWS; i++) p[i] = (float)(0.1 + 1e-3 * (i % 17));
  run r = open_run(NEURLP_SINGLE, 23);
  const neurlp_value x = test_graph_parameter(&r.t, neurlp_shape_of(2, ROWS, 1));
  go(&r, neurlp_graph_reduce(r.t.graph, x, 1, false), 1, p);
  sums y = sums_of(1), gradient = sums_of(ROWS);
  for (int64_t i = 0; i < ROWS; i++) {
    add(&y, 0, p[i]);
    add(&gradient, i, r.factors[0]);
  }
  compare_run("long sum", &r, &y, 1, &gradient, 0);
  /* y = x + bias, and y = x + one number; the loss sum_i y_i^2 has slopes of one sign */
  for (int dense = 0; dense < 2; dense++) {
    r = open_run(NEURLP_SINGLE, 24);
    neurlp_graph *graph = r.t.graph;
    const neurlp_value data = neurlp_graph_constant(graph, neurlp_shape_of(2, ROWS, 1), p);
    const neurlp_value one = neurlp_graph_constant(graph, neurlp_shape_of(2, 1, 1), (double[]){1});
    const neurlp_value bias = test_graph_parameter(&r.t, neurlp_shape_of(1, 1));
    const neurlp_value z =
        dense ? neurlp_graph_dense(graph, data, one, bias) : neurlp_graph_add(graph, data, bias);
    const neurlp_value all = neurlp_graph_reduce(graph, neurlp_graph_square(graph, z), 3, false);
    double zero = 0, slope = NAN;
    neurlp_graph_loss(graph, neurlp_graph_reshape(graph, all, neurlp_shape_scalar));
    test_graph_start(&r.t, 1);
    must(&r.t, neurlp_graph_write(graph, bias, &zero));
    must(&r.t, neurlp_graph_forward(graph));
    must(&r.t, neurlp_graph_backward(graph));
    must(&r.t, neurlp_graph_read_gradient(graph, bias, &slope));
    sums expected = sums_of(1);
    for (int64_t i = 0; i < ROWS; i++) add(&expected, 0, 2 * p[i]);
    compare(dense ? "bias of many rows" : "number added to many", "gradient", NEURLP_SINGLE, &slope,
            &expected, 1);
    free_sums(&expected);
    close_run(&r);
  }
  free(p);
}

/* ---- layers, threads, refusals ---------------------------------------------------------------------------
 */

static neurlp_value network(neurlp_graph *graph, neurlp_value x) {
  const neurlp_convolution walk = {.stride = 1, .dilation = 2, .padding = 2, .circular = true};
  neurlp_value y = neurlp_layer_convolution(graph, "wave", x, 6, 3, walk);
  y = neurlp_layer_residual(graph, "skip", x, neurlp_graph_gelu(graph, y));
  y = neurlp_layer_normalise(graph, "even", y, 2);
  return neurlp_layer_residual(graph, "last", y,
                               neurlp_graph_tanh(graph, neurlp_layer_dense(graph, "head", y, 4)));
}

static void check_layers(void) {
  static const struct {
    const char *name;
    int64_t count, fan_in;
    neurlp_parameter_kind kind;
  } expected[] = {{"wave.weight", 6 * 2 * 3, 6, NEURLP_PARAMETER_WEIGHT},
                  {"wave.bias", 6, 6, NEURLP_PARAMETER_BIAS},
                  {"skip.weight", 6 * 2, 2, NEURLP_PARAMETER_WEIGHT},
                  {"skip.bias", 6, 2, NEURLP_PARAMETER_BIAS},
                  {"even.gain", 6 * 11, 0, NEURLP_PARAMETER_GAIN},
                  {"even.shift", 6 * 11, 0, NEURLP_PARAMETER_SHIFT},
                  {"head.weight", 4 * 11, 11, NEURLP_PARAMETER_WEIGHT},
                  {"head.bias", 4, 11, NEURLP_PARAMETER_BIAS},
                  {"last.weight", 4 * 11, 11, NEURLP_PARAMETER_WEIGHT},
                  {"last.bias", 4, 11, NEURLP_PARAMETER_BIAS}};
  enum { COUNT = sizeof expected / sizeof *expected };
  test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 1);
  const neurlp_value y =
      network(t.graph, neurlp_graph_input(t.graph, "x", neurlp_shape_of(3, SAMPLES, 2, 11)));
  const neurlp_tensor_shape shape = neurlp_graph_shape(t.graph, y), want = neurlp_shape_of(3, SAMPLES, 6, 4);
  check_true("layers: shape of what comes out", y >= 0 && neurlp_shape_equal(&shape, &want));
  check_equal("layers: parameters", neurlp_graph_parameter_tensors(t.graph), COUNT);
  for (int32_t i = 0; i < COUNT && i < neurlp_graph_parameter_tensors(t.graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(t.graph, i);
    check_true(expected[i].name, strcmp(info.name, expected[i].name) == 0 && info.kind == expected[i].kind &&
                                     info.count == expected[i].count && info.fan_in == expected[i].fan_in &&
                                     info.decayed == (info.kind == NEURLP_PARAMETER_WEIGHT));
  }
  test_graph_close(&t);
}

/* The gradient of a network of 400 samples, more than a convolution has blocks, and rows for several pieces.
 */
static double *network_gradient(int32_t threads, int64_t *count) {
  enum { MANY = 400 };
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  test_graph t = test_graph_open_on(backend ? backend : "cpu", threads, MANY, NEURLP_SINGLE, 5);
  test_graph_square_loss(&t, network(t.graph, test_graph_constant(&t, neurlp_shape_of(3, MANY, 2, 11))));
  test_graph_start(&t, 0.5);
  must(&t, neurlp_graph_forward(t.graph));
  must(&t, neurlp_graph_backward(t.graph));
  run r = {.t = t, .parameter_count = neurlp_graph_parameter_count(t.graph)};
  double *gradient = read_all(&r, true);
  *count = r.parameter_count;
  test_graph_close(&t);
  return gradient;
}

static void check_threads(void) {
  int64_t count = 0;
  double *one = network_gradient(1, &count), *three = network_gradient(3, &count);
  double size = 0;
  for (int64_t i = 0; i < count; i++) size += fabs(one[i]);
  check_above("a gradient there is", size, 1e-3);
  check_true("three threads: the same gradient of a network, bit for bit",
             memcmp(one, three, (size_t)count * sizeof *one) == 0);
  free(one);
  free(three);
}

/* What does not fit is refused, by a message that names the operation. */
static void check_refusals(void) {
  static const char *const names[] = {"convolution", "convolution", "convolution", "slice",     "permute",
                                      "concatenate", "concatenate", "broadcast",   "normalise", "penalty"};
  for (int which = 0; which < (int)(sizeof names / sizeof *names); which++) {
    test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 1);
    neurlp_graph *g = t.graph;
    const neurlp_value x = test_graph_parameter(&t, neurlp_shape_of(3, SAMPLES, 2, 5));
    const neurlp_value w = test_graph_parameter(&t, neurlp_shape_of(3, 4, 2, 3));
    const neurlp_value many[] = {x, x, x, x, x, x, x, x, x};
    neurlp_value y = x;
    switch (which) {
    case 0:
      y = neurlp_graph_convolution_plain(g, x, w, (neurlp_convolution){1, 3, 0, false});
      break;
    case 1:
      y = neurlp_graph_convolution_plain(g, x, w, (neurlp_convolution){1, 1, 6, true});
      break;
    case 2:
      y = neurlp_graph_convolution_plain(g, x, w, (neurlp_convolution){0, 1, 0, false});
      break;
    case 3:
      y = neurlp_graph_slice(g, x, 2, 1, 3, 2);
      break;
    case 4:
      y = neurlp_graph_permute(g, x, (int32_t[]){0, 2, 2});
      break;
    case 5:
      y = neurlp_graph_concatenate(g, 9, many, 1);
      break;
    case 6:
      y = neurlp_graph_concatenate(g, 2, (neurlp_value[]){x, w}, 1);
      break;
    case 7:
      y = neurlp_graph_broadcast(g, x, neurlp_shape_of(3, SAMPLES, 2, 1));
      break;
    case 8:
      y = neurlp_graph_normalise_plain(g, x, 4, 1e-5);
      break;
    case 9:
      y = neurlp_graph_penalty(g, NEURLP_LOSS_RELATIVE, x);
      break;
    default:
      break;
    }
    check_true(neurlp_context_message(t.context),
               y == NEURLP_NO_VALUE && neurlp_graph_finish(g, false) == NEURLP_ERROR_ARGUMENT &&
                   strncmp(neurlp_context_message(t.context), names[which], strlen(names[which])) == 0);
    test_graph_close(&t);
  }
}

static void check_operations(neurlp_precision precision) {
  const neurlp_convolution plain = {1, 1, 0, false}, zeros = {2, 2, 3, false}, circle = {1, 3, 3, true};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) check_function(&functions[i], precision);
  check_extremes(precision);
  for (int multiply = 0; multiply < 2; multiply++) {
    check_binary(precision, multiply, 1);
    check_binary(precision, multiply, 70);
  }
  check_reduce(precision, false);
  check_reduce(precision, true);
  check_dense(precision, 70 * SAMPLES);
  check_dense(precision, 700 * SAMPLES);
  check_convolution(precision, "convolution", 1, 9, 4, plain, true);
  check_convolution(precision, "convolution, without bias", 3, 9, 9, plain, false);
  check_convolution(precision, "convolution, zeros, stride, dilation", 37, 12, 3, zeros, true);
  check_convolution(precision, "convolution, circular, dilation", 17, 8, 3, circle, true);
  check_convolution(precision, "convolution, circular, all around", 2, 3, 2, circle, true);
  check_normalise(precision, true);
  check_normalise(precision, false);
  check_permute(precision);
  check_slice(precision);
  check_concatenate(precision);
  check_broadcast(precision);
  for (int kind = 0; kind < 3; kind++) check_loss(precision, (neurlp_loss_kind)kind);
  check_penalty(precision, NEURLP_LOSS_SQUARE);
  check_penalty(precision, NEURLP_LOSS_ABSOLUTE);
}

int main(void) {
  check_operations(NEURLP_DOUBLE);
  check_operations(NEURLP_SINGLE);
  check_long_sums();
  check_layers();
  check_threads();
  check_refusals();
  return check_verdict();
}
