/* What the tests of expressions share: symbols, counter-based random numbers, parsing that must work, and the
 * value of an expression at one point. */
#ifndef TESTS_EXPR_EXPR_SUPPORT_H
#define TESTS_EXPR_EXPR_SUPPORT_H

#include "expr/tree.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { SYMBOLS = 6 };

static const char *const symbol_names[SYMBOLS] = {"x", "y", "z", "x'", "sigma", "alpha_2"};
static const neurlp_symbols test_symbols = {SYMBOLS, symbol_names};

/* A number from 0 to 2^64 - 1 for each counter (the finaliser of splitmix64). */
static inline uint64_t random_bits(uint64_t seed, uint64_t counter) {
  uint64_t bits = seed * 0xd1342543de82ef95u + (counter + 1) * 0x9e3779b97f4a7c15u;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  return bits ^ (bits >> 31);
}

static inline double random_between(uint64_t seed, uint64_t counter, double low, double high) {
  return low + (high - low) * (double)(random_bits(seed, counter) >> 11) * 0x1p-53;
}

static inline neurlp_context *make_context(void) {
  neurlp_context *context = NULL;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) exit(99);
  return context;
}

/* Nothing is held any more; then the context goes. */
static inline void end_context(neurlp_context *context) {
  check_equal("allocations alive at the end", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
}

/* Ends the program where a text that must be readable is not. */
static inline neurlp_expr *must_parse(neurlp_context *context, const char *text) {
  neurlp_expr *expr = NULL;
  if (neurlp_expr_parse(context, text, &test_symbols, &expr, NULL) != NEURLP_SUCCESS) {
    printf("FAIL %s\n", neurlp_context_message(context));
    exit(1);
  }
  return expr;
}

/* The whole text of an expression; to be freed. */
static inline char *text_of(const neurlp_expr *expr) {
  const size_t bytes = neurlp_expr_print(expr, &test_symbols, NULL, 0) + 1;
  char *text = malloc(bytes);
  if (!text || neurlp_expr_print(expr, &test_symbols, text, bytes) + 1 != bytes) exit(99);
  return text;
}

/* Values of `count` expressions at one point. */
static inline void values_at(neurlp_context *context, int32_t count, const neurlp_expr *const *exprs,
                             const double point[SYMBOLS], double *values) {
  const double *inputs[SYMBOLS];
  int64_t strides[SYMBOLS] = {0};
  neurlp_program *program = NULL;
  for (int k = 0; k < SYMBOLS; k++) inputs[k] = &point[k];
  if (neurlp_program_create(context, count, exprs, &program) != NEURLP_SUCCESS) exit(99);
  const size_t bytes = neurlp_program_workspace_bytes(program);
  void *workspace = malloc(bytes + 1);
  if (!workspace) exit(99);
  neurlp_program_run(program, 1, inputs, strides, values, workspace);
  free(workspace);
  neurlp_program_destroy(&program);
}

static inline double value_at(neurlp_context *context, const neurlp_expr *expr, const double point[SYMBOLS]) {
  const neurlp_expr *const list[1] = {expr};
  double value = 0.0;
  values_at(context, 1, list, point, &value);
  return value;
}

static inline bool same_bits(double one, double other) {
  return memcmp(&one, &other, sizeof one) == 0 || (isnan(one) && isnan(other));
}

#endif
