/* The basis library: what is in it, how many, in which order, and what is refused. */
#include "expr_support.h"

#include "expr/library.h"

static neurlp_library *make(neurlp_context *context, neurlp_library_spec spec) {
  neurlp_library *library = NULL;
  if (neurlp_library_create(context, &spec, &test_symbols, &library) != NEURLP_SUCCESS) {
    printf("FAIL %s\n", neurlp_context_message(context));
    exit(1);
  }
  return library;
}

static void check_texts(neurlp_context *context, const char *what, neurlp_library_spec spec,
                        const char *expected) {
  neurlp_library *library = make(context, spec);
  char all[2000] = "";
  size_t length = 0;
  for (int32_t i = 0; i < library->count; i++)
    length += (size_t)snprintf(all + length, sizeof all - length, "%s%s", i ? ", " : "", library->texts[i]);
  printf("%s: %s\n", what, all);
  check_true(what, strcmp(all, expected) == 0);
  neurlp_library_destroy(&library);
  neurlp_library_destroy(&library);
}

static void test_order(neurlp_context *context) {
  const char *const terms[] = {"x * y", "1/x", "y*x", "sin( x )", "1 / x", "sigma"};
  check_texts(context, "polynomial 2 in 2", (neurlp_library_spec){.variables = 2, .polynomial = 2},
              "1, x, y, x^2, x*y, y^2");
  check_texts(context, "polynomial 2 in 3", (neurlp_library_spec){.variables = 3, .polynomial = 2},
              "1, x, y, z, x^2, x*y, x*z, y^2, y*z, z^2");
  check_texts(context, "polynomial 3 in 2", (neurlp_library_spec){.variables = 2, .polynomial = 3},
              "1, x, y, x^2, x*y, y^2, x^3, x^2*y, x*y^2, y^3");
  check_texts(context, "polynomial 0", (neurlp_library_spec){.variables = 2}, "1");
  check_texts(context, "polynomial 3 in none", (neurlp_library_spec){.polynomial = 3}, "1");
  check_texts(context, "nothing", (neurlp_library_spec){.variables = 2, .polynomial = -1}, "");
  check_texts(context, "trigonometric",
              (neurlp_library_spec){.variables = 2, .polynomial = -1, .trigonometric = 2},
              "sin(x), cos(x), sin(y), cos(y), sin(2*x), cos(2*x), sin(2*y), cos(2*y)");
  check_texts(context, "repetitions are left out",
              (neurlp_library_spec){
                  .variables = 2, .polynomial = 2, .trigonometric = 1, .term_count = 6, .terms = terms},
              "1, x, y, x^2, x*y, y^2, sin(x), cos(x), sin(y), cos(y), 1/x, y*x, sigma");
}

static long long binomial(int n, int k) {
  long long value = 1;
  for (int i = 1; i <= k; i++) value = value * (n - k + i) / i;
  return value;
}

/* binomial(D + p, p) monomials, none twice, each of which is what its text says. */
static void test_counts(neurlp_context *context) {
  const double point[SYMBOLS] = {1.1, 0.7, 1.3, 0.9, 1.2, 0.8};
  for (int variables = 1; variables <= SYMBOLS; variables++)
    for (int degree = 0; degree <= 20; degree++) {
      const long long expected = binomial(variables + degree, degree);
      if (expected > 5000) continue;
      neurlp_library *library =
          make(context, (neurlp_library_spec){.variables = variables, .polynomial = degree});
      char what[64];
      snprintf(what, sizeof what, "monomials of degree up to %d in %d variables", degree, variables);
      check_equal(what, library->count, expected);
      if (library->count < 100) {
        long long wrong = 0;
        double sum = 0.0, product = 1.0;
        double *values = malloc((size_t)library->count * sizeof *values);
        values_at(context, library->count, (const neurlp_expr *const *)library->terms, point, values);
        for (int32_t i = 0; i < library->count; i++) {
          neurlp_expr *again = must_parse(context, library->texts[i]);
          wrong += !neurlp_expr_equal(again, library->terms[i]);
          neurlp_expr_destroy(&again);
          sum += values[i];
        }
        free(values);
        check_equal("  texts that mean another term", wrong, 0);
        /* all monomials up to degree p: the coefficient of t^p in 1/((1 - t)(1 - x t)(1 - y t)...) */
        double series[21] = {1.0};
        for (int k = -1; k < variables; k++)
          for (int p = 1; p <= degree; p++) series[p] += (k < 0 ? product : point[k]) * series[p - 1];
        check_below("  their sum, against the generating function", fabs(sum - series[degree]),
                    (double)(library->count + degree) * 0x1p-52 * series[degree]);
      }
      neurlp_library_destroy(&library);
    }
}

static void check_refused(neurlp_context *context, const char *what, neurlp_library_spec spec,
                          neurlp_status expected, const char *contains) {
  neurlp_library *library = NULL;
  check_equal(what, neurlp_library_create(context, &spec, &test_symbols, &library), expected);
  printf("  %s\n", neurlp_context_message(context));
  check_true("  the message says why", strstr(neurlp_context_message(context), contains) != NULL);
  check_true("  there is no library", library == NULL);
}

static void test_refusals(neurlp_context *context) {
  const char *const bad[] = {"1/x", "x*q"};
  check_refused(context, "too many monomials", (neurlp_library_spec){.variables = 6, .polynomial = 12},
                NEURLP_ERROR_ARGUMENT, "18564");
  check_refused(context, "far too many angles",
                (neurlp_library_spec){.variables = 6, .trigonometric = 2000000000}, NEURLP_ERROR_ARGUMENT,
                "24000000001");
  check_refused(context, "degree 21", (neurlp_library_spec){.variables = 1, .polynomial = 21},
                NEURLP_ERROR_ARGUMENT, "21");
  check_refused(context, "degree -2", (neurlp_library_spec){.variables = 1, .polynomial = -2},
                NEURLP_ERROR_ARGUMENT, "-2");
  check_refused(context, "more variables than symbols",
                (neurlp_library_spec){.variables = 7, .polynomial = 1}, NEURLP_ERROR_ARGUMENT, "7");
  check_refused(context, "a negative multiple", (neurlp_library_spec){.variables = 1, .trigonometric = -1},
                NEURLP_ERROR_ARGUMENT, "-1");
  check_refused(context, "an unreadable term",
                (neurlp_library_spec){.variables = 2, .polynomial = 2, .term_count = 2, .terms = bad},
                NEURLP_ERROR_SYNTAX, "column 3 of 'x*q'");
  neurlp_library *library = make(context, (neurlp_library_spec){.variables = 1, .trigonometric = 2499});
  check_equal("4999 terms are possible", library->count, 4999);
  neurlp_library_destroy(&library);
}

int main(void) {
  neurlp_context *context = make_context();
  test_order(context);
  test_counts(context);
  test_refusals(context);
  end_context(context);
  return check_verdict();
}
