#include "expr/library.h"

#include "expr/tree.h"

#include <string.h>

enum { NEURLP_LIBRARY_MOST = 5000, NEURLP_POLYNOMIAL_MOST = 20 };

/* The library and what is needed while it is filled. neurlp_library comes first: a pointer to one is a
 * pointer to the other. */
typedef struct library_owner {
  neurlp_library library;
  neurlp_context *context;
} library_owner;

typedef struct builder {
  neurlp_context *context;
  const neurlp_symbols *symbols;
  neurlp_library *library;
  uint64_t *hashes; /* [L] of the texts, so that a repetition is found quickly */
} builder;

/* Monomials up to degree p in D variables, binomial(D + p, p); more than the limit counts as limit + 1. */
static int64_t count_monomials(int64_t variables, int64_t degree) {
  int64_t count = 1;
  for (int64_t i = 1; i <= degree; i++) {
    count = count * (variables + i) / i;
    if (count > NEURLP_LIBRARY_MOST * (int64_t)NEURLP_LIBRARY_MOST) break;
  }
  return count;
}

static neurlp_status check_spec(neurlp_context *context, const neurlp_library_spec *spec,
                                const neurlp_symbols *symbols, int64_t *count) {
  if (spec->variables < 0 || spec->variables > symbols->count)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "the library has %d variables; there are %d symbols",
                       spec->variables, symbols->count);
  if (spec->polynomial < -1 || spec->polynomial > NEURLP_POLYNOMIAL_MOST)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "the library's polynomial degree is %d; it may be -1 (none) to %d", spec->polynomial,
                       (int)NEURLP_POLYNOMIAL_MOST);
  if (spec->trigonometric < 0 || spec->term_count < 0)
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "the library's highest multiple of angles is %d and it has %d explicit terms; neither may be "
        "negative",
        spec->trigonometric, spec->term_count);
  *count = 2 * (int64_t)spec->trigonometric * spec->variables + spec->term_count;
  if (spec->polynomial >= 0) *count += count_monomials(spec->variables, spec->polynomial);
  if (*count <= NEURLP_LIBRARY_MOST) return NEURLP_SUCCESS;
  return neurlp_fail(
      context, NEURLP_ERROR_ARGUMENT,
      "the library would have %lld terms or more; at most %d are possible; lower the polynomial degree "
      "(now %d) or the highest multiple of angles (now %d)",
      (long long)*count, (int)NEURLP_LIBRARY_MOST, spec->polynomial, spec->trigonometric);
}

static uint64_t hash_text(const char *text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
  return hash;
}

/* Takes the term over: into the library, or away if its text is there already. */
static neurlp_status add_term(builder *b, neurlp_expr *term) {
  neurlp_library *library = b->library;
  neurlp_status status = NEURLP_SUCCESS;
  char *text = NULL;
  const size_t bytes = neurlp_expr_print(term, b->symbols, NULL, 0) + 1;
  NEURLP_TRY(neurlp_allocate(b->context, (int64_t)bytes, 1, &text));
  neurlp_expr_print(term, b->symbols, text, bytes);
  const uint64_t hash = hash_text(text);
  for (int32_t i = 0; i < library->count; i++)
    if (b->hashes[i] == hash && strcmp(library->texts[i], text) == 0) goto done;
  b->hashes[library->count] = hash;
  library->texts[library->count] = text;
  library->terms[library->count++] = term;
  text = NULL;
  term = NULL;
done:
  neurlp_release(b->context, &text);
  neurlp_expr_destroy(&term);
  return status;
}

/* x0^e0 * x1^e1 * ..., without factors of power 0; the number 1 if nothing is left. */
static neurlp_status add_monomial(builder *b, int32_t variables, const int32_t *exponents) {
  neurlp_pool pool = {0};
  neurlp_expr *term = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  int32_t made = -1;
  NEURLP_TRY(neurlp_pool_start(b->context, &pool));
  for (int32_t k = 0; k < variables; k++) {
    if (exponents[k] == 0) continue;
    int32_t factor = neurlp_pool_symbol(&pool, k);
    if (exponents[k] > 1)
      factor = neurlp_pool_make(&pool, NEURLP_OP_POWER, factor, neurlp_pool_number(&pool, exponents[k]));
    made = made < 0 ? factor : neurlp_pool_make(&pool, NEURLP_OP_MULTIPLY, made, factor);
  }
  if (made < 0) made = neurlp_pool_number(&pool, 1.0);
  NEURLP_TRY(neurlp_pool_finish(&pool, made, &term));
  status = add_term(b, term);
done:
  neurlp_pool_release(&pool);
  return status;
}

/* The next exponents of the same degree in the order x^2, x*y, x*z, y^2, y*z, z^2: one factor of the last
 * variable but the final one that has any moves right, and the final variable's gather behind it. False after
 * the last. */
static bool next_exponents(int32_t variables, int32_t *exponents) {
  const int32_t last = variables - 1;
  const int32_t tail = exponents[last];
  int32_t k = last - 1;
  while (k >= 0 && exponents[k] == 0) k--;
  if (k < 0) return false;
  exponents[last] = 0;
  exponents[k]--;
  exponents[k + 1] = tail + 1;
  return true;
}

static neurlp_status add_polynomial(builder *b, int32_t variables, int32_t degree) {
  neurlp_status status = NEURLP_SUCCESS;
  int32_t *exponents = NULL;
  NEURLP_TRY(neurlp_allocate(b->context, variables, sizeof *exponents, &exponents));
  NEURLP_TRY(add_monomial(b, 0, exponents));
  for (int32_t p = 1; p <= degree && variables > 0; p++) {
    memset(exponents, 0, (size_t)variables * sizeof *exponents);
    exponents[0] = p;
    do {
      NEURLP_TRY(add_monomial(b, variables, exponents));
    } while (next_exponents(variables, exponents));
  }
done:
  neurlp_release(b->context, &exponents);
  return status;
}

/* sin or cos of q times a variable. */
static neurlp_status add_wave(builder *b, neurlp_op op, int32_t multiple, int32_t variable) {
  neurlp_pool pool = {0};
  neurlp_expr *term = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_pool_start(b->context, &pool));
  int32_t angle = neurlp_pool_symbol(&pool, variable);
  if (multiple > 1)
    angle = neurlp_pool_make(&pool, NEURLP_OP_MULTIPLY, neurlp_pool_number(&pool, multiple), angle);
  NEURLP_TRY(neurlp_pool_finish(&pool, neurlp_pool_make(&pool, op, angle, -1), &term));
  status = add_term(b, term);
done:
  neurlp_pool_release(&pool);
  return status;
}

static neurlp_status add_all(builder *b, const neurlp_library_spec *spec) {
  neurlp_status status = NEURLP_SUCCESS;
  if (spec->polynomial >= 0) NEURLP_TRY(add_polynomial(b, spec->variables, spec->polynomial));
  for (int32_t q = 1; q <= spec->trigonometric; q++)
    for (int32_t k = 0; k < spec->variables; k++) {
      NEURLP_TRY(add_wave(b, NEURLP_OP_SIN, q, k));
      NEURLP_TRY(add_wave(b, NEURLP_OP_COS, q, k));
    }
  for (int32_t i = 0; i < spec->term_count; i++) {
    neurlp_expr *term = NULL;
    NEURLP_TRY(neurlp_expr_parse(b->context, spec->terms[i], b->symbols, &term, NULL));
    NEURLP_TRY(add_term(b, term));
  }
done:
  return status;
}

neurlp_status neurlp_library_create(neurlp_context *context, const neurlp_library_spec *spec,
                                    const neurlp_symbols *symbols, neurlp_library **library) {
  neurlp_status status = NEURLP_SUCCESS;
  library_owner *owner = NULL;
  neurlp_library *made = NULL;
  uint64_t *hashes = NULL;
  int64_t most = 0;
  *library = NULL;
  NEURLP_TRY(check_spec(context, spec, symbols, &most));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *owner, &owner));
  owner->context = context;
  made = &owner->library;
  NEURLP_TRY(neurlp_allocate(context, most, sizeof *made->terms, &made->terms));
  NEURLP_TRY(neurlp_allocate(context, most, sizeof *made->texts, &made->texts));
  NEURLP_TRY(neurlp_allocate(context, most, sizeof *hashes, &hashes));
  builder b = {.context = context, .symbols = symbols, .library = made, .hashes = hashes};
  NEURLP_TRY(add_all(&b, spec));
  *library = made;
  made = NULL;
done:
  neurlp_release(context, &hashes);
  if (made) neurlp_library_destroy(&made);
  return status;
}

void neurlp_library_destroy(neurlp_library **library) {
  if (!library || !*library) return;
  library_owner *owner = (library_owner *)(void *)*library;
  neurlp_context *context = owner->context;
  for (int32_t i = 0; i < owner->library.count; i++) {
    neurlp_expr_destroy(&owner->library.terms[i]);
    neurlp_release(context, &owner->library.texts[i]);
  }
  neurlp_release(context, &owner->library.terms);
  neurlp_release(context, &owner->library.texts);
  neurlp_release(context, &owner);
  *library = NULL;
}
