/* Expressions: "sigma*(y - x)" -> tree -> value over many points, exact derivatives, readable text.
 *
 * The language (docs/expressions.md): numbers (1, 2.5, 1e-3), symbols (letter or underscore first, then
 * letters, digits, underscores, and any number of trailing primes: x, x', alpha_2), named constants (pi, e),
 * + - * / ^, unary minus and plus, parentheses, and the functions sin cos tan exp log sqrt tanh abs. ^ binds
 * tighter than unary minus and to the right: -x^2 = -(x^2), 2^3^2 = 2^(3^2). A symbol hides a constant of the
 * same name.
 */
#ifndef NEURLP_EXPR_EXPR_H
#define NEURLP_EXPR_EXPR_H

#include "core/context.h"

/* Names that an expression may use; symbol i is names[i], the first of equal names counts. Borrowed. */
typedef struct neurlp_symbols {
  int32_t count;
  const char *const *names;
} neurlp_symbols;

/* An immutable expression tree, kept as it was written: 2*x + 0 stays 2*x + 0. It knows symbols by index
 * only, and belongs to the context that it was made with. Repeated parts are stored once. */
typedef struct neurlp_expr neurlp_expr;

/* Where parsing failed: 1-based column in the text (counted in characters) and what was expected there, with
 * the nearest known symbol or function where a name is unknown. */
typedef struct neurlp_syntax_error {
  int32_t column;
  char message[256];
} neurlp_syntax_error;

/* Parses `text`. Fails with NEURLP_ERROR_SYNTAX (error, unless NULL, says where and why; the context's
 * message holds the same in one line with the text), or NEURLP_ERROR_MEMORY; *expr is then NULL. Nesting
 * deeper than 200, or a text of more than a million bytes, is a syntax error, never a stack overflow. Numbers
 * are read the same in every locale; one beyond the largest double is a syntax error. `symbols` may be NULL:
 * no names. */
NEURLP_MUST_USE neurlp_status neurlp_expr_parse(neurlp_context *context, const char *text,
                                                const neurlp_symbols *symbols, neurlp_expr **expr,
                                                neurlp_syntax_error *error);

/* Frees the expression and sets *expr to NULL. Safe to call twice. */
void neurlp_expr_destroy(neurlp_expr **expr);

/* d(expr)/d(symbol), exact and simplified: constants folded (unless the result is not finite), 0 and 1
 * absorbed, numeric factors, equal factors and like terms collected. abs(u) differentiates to u/abs(u), NaN
 * at u = 0. Is the number 0 where the symbol does not occur. Its size is at most proportional to that of the
 * expression. */
NEURLP_MUST_USE neurlp_status neurlp_expr_derivative(neurlp_context *context, const neurlp_expr *expr,
                                                     int32_t symbol, neurlp_expr **derivative);

/* A copy in which every symbol i < count with replacements[i] != NULL is replaced by that expression (all at
 * once). Operations on what was replaced are simplified as in a derivative, but nothing is regrouped: finite
 * values stay the same, bit for bit but for powers and the sign of a zero. */
NEURLP_MUST_USE neurlp_status neurlp_expr_substitute(neurlp_context *context, const neurlp_expr *expr,
                                                     int32_t count, const neurlp_expr *const *replacements,
                                                     neurlp_expr **result);

/* True if the symbol occurs. */
bool neurlp_expr_uses(const neurlp_expr *expr, int32_t symbol);

/* True, and *value, if no symbol occurs in the expression: it is a number (2*pi). May be inf or NaN (1/0). */
bool neurlp_expr_constant(const neurlp_expr *expr, double *value);

/* Readable text with as few parentheses as the grammar allows: parsing it again gives an equal expression,
 * bit for bit in its numbers (fewest digits that read back exactly; pi and e by name), unless it is nested
 * too deeply to be parsed. A symbol that `symbols` does not have is written #5. At most `size_bytes` are
 * written, the final zero included; text may be NULL if size_bytes is 0. Returns the length of the whole text
 * without the final zero (at most 2^60, which stands for anything longer), or 0 if memory for it could not be
 * had. */
size_t neurlp_expr_print(const neurlp_expr *expr, const neurlp_symbols *symbols, char *text,
                         size_t size_bytes);

/* ---- program: several expressions, evaluated together over many points ------------------------------- */

/* Straight-line code for a list of expressions with common subexpressions shared. Immutable after creation
 * and safe to run from several threads at once, each with a workspace of its own. Powers with a whole or half
 * exponent up to 32 are products, reciprocals and square roots (x^3 = x*x*x, x^-1.5 = 1/(x*sqrt(x))), e^x is
 * exp(x); every other operation is IEEE arithmetic or the C library's function. */
typedef struct neurlp_program neurlp_program;

/* Makes a program; the expressions are only read during the call. It runs on the best instruction set that
 * the processor has; the environment variable NEURLP_ISA (baseline, avx2, avx512) picks another. All of them
 * give the same bits. Fails with NEURLP_ERROR_ARGUMENT (NEURLP_ISA unknown or not available) or
 * NEURLP_ERROR_MEMORY; *program is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_program_create(neurlp_context *context, int32_t count,
                                                    const neurlp_expr *const *exprs,
                                                    neurlp_program **program);

/* Frees the program and sets *program to NULL. Safe to call twice. */
void neurlp_program_destroy(neurlp_program **program);

/* Most points that are evaluated side by side; the workspace of one thread holds this many. */
enum { NEURLP_PROGRAM_LANES = 64 };

/* Bytes of workspace that one thread needs for neurlp_program_run, whatever the number of points. */
size_t neurlp_program_workspace_bytes(const neurlp_program *program);

/* outputs[i][p] = expression i at point p.
 *   inputs    one pointer per symbol to its values; the value at point p is inputs[symbol][p *
 * strides[symbol]] (stride 0: the same at every point). Symbols that no expression uses may be NULL. outputs
 * [count][points], written: outputs[i * points + p]; must not overlap the inputs workspace
 * neurlp_program_workspace_bytes, aligned for doubles (64 bytes are best); may be NULL if that is 0 Domain
 * errors give inf or NaN as IEEE arithmetic does, at that point only. A point's result does not depend on how
 * many other points there are, on their values, or on its place among them. */
void neurlp_program_run(const neurlp_program *program, int64_t points, const double *const *inputs,
                        const int64_t *strides, double *outputs, void *workspace);

#endif
