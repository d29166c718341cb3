/* The line search on the test functions of More and Thuente (ACM TOMS 20, 1994, section 5), from the starts
 * and with the tolerances of their tables: strong Wolfe conditions, recomputed here, and how many
 * evaluations. */
#include "train/line_search.h"

#include "support/check.h"

typedef double function(double a, double *slope);

/* (5.1), beta = 2 */
static double rational(double a, double *slope) {
  const double below = a * a + 2.0;
  *slope = (a * a - 2.0) / (below * below);
  return -a / below;
}

/* (5.2), beta = 0.004 */
static double quintic(double a, double *slope) {
  const double b = a + 0.004;
  *slope = 5.0 * pow(b, 4.0) - 8.0 * pow(b, 3.0);
  return pow(b, 5.0) - 2.0 * pow(b, 4.0);
}

/* (5.3), beta = 0.01, l = 39: many stationary points */
static double rippled(double a, double *slope) {
  const double beta = 0.01, l = 39.0, pi = 3.14159265358979323846;
  const double ripple = l * pi / 2.0;
  double base, base_slope;
  if (a <= 1.0 - beta) {
    base = 1.0 - a;
    base_slope = -1.0;
  } else if (a >= 1.0 + beta) {
    base = a - 1.0;
    base_slope = 1.0;
  } else {
    base = (a - 1.0) * (a - 1.0) / (2.0 * beta) + beta / 2.0;
    base_slope = (a - 1.0) / beta;
  }
  *slope = base_slope + (1.0 - beta) * cos(ripple * a);
  return base + 2.0 * (1.0 - beta) / (l * pi) * sin(ripple * a);
}

/* (5.4): two parabola-like pieces of very different curvature. */
static double yanai(double a, double beta1, double beta2, double *slope) {
  const double gamma1 = sqrt(1.0 + beta1 * beta1) - beta1, gamma2 = sqrt(1.0 + beta2 * beta2) - beta2;
  const double left = sqrt((1.0 - a) * (1.0 - a) + beta2 * beta2), right = sqrt(a * a + beta1 * beta1);
  *slope = gamma1 * (a - 1.0) / left + gamma2 * a / right;
  return gamma1 * left + gamma2 * right;
}

static double yanai4(double a, double *slope) {
  return yanai(a, 0.001, 0.001, slope);
}
static double yanai5(double a, double *slope) {
  return yanai(a, 0.01, 0.001, slope);
}
static double yanai6(double a, double *slope) {
  return yanai(a, 0.001, 0.01, slope);
}

/* Runs a search and checks (T6) with numbers of its own. Steps follow the same rules, so
 * evaluations are as many as were published; one more may come of rounding. */
static void search(const char *name, function *f, double sufficient, double curvature, double first,
                   int most) {
  neurlp_line_search_options options = neurlp_line_search_defaults();
  neurlp_line_search s;
  neurlp_line_search_answer answer = NEURLP_LINE_SEARCH_EVALUATE;
  double slope0, slope;
  const double loss0 = f(0.0, &slope0);
  options.sufficient = sufficient;
  options.curvature = curvature;
  neurlp_line_search_start(&s, &options, loss0, slope0, first);
  while (answer == NEURLP_LINE_SEARCH_EVALUATE) {
    const double loss = f(s.step, &slope);
    answer = neurlp_line_search_tell(&s, loss, slope);
  }
  const double loss = f(s.step, &slope);
  printf("     %s from %g: step %.4g, %d evaluations (at most %d)\n", name, first, s.step, s.evaluations,
         most);
  check_equal("it ends with a step", answer, NEURLP_LINE_SEARCH_WOLFE);
  check_below("sufficient decrease", loss - loss0, sufficient * s.step * slope0);
  check_below("curvature", fabs(slope), curvature * fabs(slope0));
  check_below("evaluations", s.evaluations, most);
}

static const double firsts[4] = {1e-3, 1e-1, 1e1, 1e3};

static void test_published(void) {
  static const struct {
    const char *name;
    function *f;
    double sufficient, curvature;
    int published[4];
  } tables[] = {
      {"rational", rational, 1e-3, 0.1, {6, 3, 1, 4}},  {"quintic", quintic, 0.1, 0.1, {12, 8, 8, 11}},
      {"rippled", rippled, 0.1, 0.1, {12, 12, 10, 13}}, {"yanai4", yanai4, 1e-3, 1e-3, {4, 1, 3, 4}},
      {"yanai5", yanai5, 1e-3, 1e-3, {6, 3, 7, 8}},     {"yanai6", yanai6, 1e-3, 1e-3, {13, 11, 8, 11}}};
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
    for (int k = 0; k < 4; k++)
      search(tables[i].name, tables[i].f, tables[i].sufficient, tables[i].curvature, firsts[k],
             tables[i].published[k] + 1);
}

/* Falls steeply, and then for ever, but too slowly for sufficient decrease: the slope alone leads away from
 * the steps that satisfy (T6), which are 0.03 to 0.18 with 0.1 and 0.1. */
static double bent(double a, double *slope) {
  *slope = -0.05 - 0.95 * exp(-100.0 * a);
  return -0.05 * a - 0.0095 * (1.0 - exp(-100.0 * a));
}

static void test_bent(void) {
  for (int k = 0; k < 4; k++) search("bent", bent, 0.1, 0.1, firsts[k], 14);
}

/* Where the loss is not a number, a step is shortened until it is. */
static void test_not_finite(void) {
  const neurlp_line_search_options options = neurlp_line_search_defaults();
  neurlp_line_search s;
  neurlp_line_search_answer answer = NEURLP_LINE_SEARCH_EVALUATE;
  neurlp_line_search_start(&s, &options, 10.0 - log(10.0), -0.9, 1e4); /* x - log x at x = 10 - a */
  while (answer == NEURLP_LINE_SEARCH_EVALUATE) {
    const double x = 10.0 - s.step;
    answer = neurlp_line_search_tell(&s, x > 0.0 ? x - log(x) : (double)NAN, 1.0 / x - 1.0);
  }
  check_true("it ends with a step", answer == NEURLP_LINE_SEARCH_WOLFE || answer == NEURLP_LINE_SEARCH_LIMIT);
  check_below("inside the domain", s.step, 10.0);
  const double x = 10.0 - s.step;
  check_below("sufficient decrease", x - log(x), 10.0 - log(10.0) - 1e-4 * s.step * 0.9);
}

/* A slope that is a lie: nothing decreases, and it says so after no more evaluations than allowed. */
static void test_stuck(void) {
  const neurlp_line_search_options options = neurlp_line_search_defaults();
  neurlp_line_search s;
  neurlp_line_search_answer answer = NEURLP_LINE_SEARCH_EVALUATE;
  neurlp_line_search_start(&s, &options, 0.0, -1.0, 1.0);
  while (answer == NEURLP_LINE_SEARCH_EVALUATE) answer = neurlp_line_search_tell(&s, s.step, 1.0);
  check_equal("stuck", answer, NEURLP_LINE_SEARCH_STUCK);
  check_below("evaluations", s.evaluations, options.evaluations);
  check_below("the best step is none", s.best.step, 0.0);
}

/* A line that falls for ever: the greatest step. */
static void test_unbounded(void) {
  neurlp_line_search_options options = neurlp_line_search_defaults();
  neurlp_line_search s;
  neurlp_line_search_answer answer = NEURLP_LINE_SEARCH_EVALUATE;
  options.greatest_step = 100.0;
  neurlp_line_search_start(&s, &options, 0.0, -1.0, 1.0);
  while (answer == NEURLP_LINE_SEARCH_EVALUATE) answer = neurlp_line_search_tell(&s, -s.step, -1.0);
  check_equal("at the limit", answer, NEURLP_LINE_SEARCH_LIMIT);
  check_true("the greatest step", s.step == 100.0);
}

int main(void) {
  test_published();
  test_bent();
  test_not_finite();
  test_stuck();
  test_unbounded();
  return check_verdict();
}
