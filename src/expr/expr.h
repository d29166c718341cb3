/* Expressions: "sigma*(y - x)" -> tree -> value over many points, exact derivatives, readable text.
 *
 * Grammar (docs/math.md, section 5): numbers (1, 2.5, 1e-3), symbols (letter or underscore first, then
 * letters, digits, underscores, and any number of trailing primes: x, x', alpha_2), named constants (pi, e),
 * + - * / ^, unary minus and plus, parentheses, and the functions sin cos tan exp log sqrt tanh abs. ^ binds
 * tighter than unary minus and to the right: -x^2 = -(x^2), 2^3^2 = 2^(3^2). A symbol hides a constant of the
 * same name.
 */
#ifndef NEURLP_EXPR_EXPR_H
#define NEURLP_EXPR_EXPR_H

#include "core/context.h"

/* Names that an expression may use; symbol i is names[i]. Borrowed. */
typedef struct neurlp_symbols {
  int32_t count;
  const char *const *names;
} neurlp_symbols;

/* An immutable expression tree. It knows symbols by index only. */
typedef struct neurlp_expr neurlp_expr;

/* Where parsing failed: 1-based column in the text (counted in characters) and what was expected there, with
 * the nearest known symbol or function where a name is unknown. */
typedef struct neurlp_syntax_error {
  int32_t column;
  char message[256];
} neurlp_syntax_error;

/* Parses `text`. Fails with NEURLP_ERROR_SYNTAX (error, unless NULL, says where and why; the context's
 * message holds the same in one line with the text), or NEURLP_ERROR_MEMORY. Nesting deeper than 200 is a
 * syntax error, never a stack overflow. */
NEURLP_MUST_USE neurlp_status neurlp_expr_parse(neurlp_context *context, const char *text,
                                                const neurlp_symbols *symbols, neurlp_expr **expr,
                                                neurlp_syntax_error *error);

/* Frees the expression and sets *expr to NULL. Safe to call twice. */
void neurlp_expr_destroy(neurlp_expr **expr);

/* d(expr)/d(symbol), exact and simplified (constants folded, 0 and 1 absorbed). abs differentiates to sign,
 * written u/abs(u). Is the constant 0 where the symbol does not occur. */
NEURLP_MUST_USE neurlp_status neurlp_expr_derivative(neurlp_context *context, const neurlp_expr *expr,
                                                     int32_t symbol, neurlp_expr **derivative);

/* A copy in which every symbol i with replacements[i] != NULL is replaced by that expression (all at once).
 */
NEURLP_MUST_USE neurlp_status neurlp_expr_substitute(neurlp_context *context, const neurlp_expr *expr,
                                                     int32_t count, const neurlp_expr *const *replacements,
                                                     neurlp_expr **result);

/* True if the symbol occurs. */
bool neurlp_expr_uses(const neurlp_expr *expr, int32_t symbol);

/* True, and *value, if the expression is a number. */
bool neurlp_expr_constant(const neurlp_expr *expr, double *value);

/* Readable text with as few parentheses as the grammar allows: parsing it again gives an equal expression,
 * bit for bit in its numbers (shortest decimal form that reads back exactly). Returns the length without the
 * final zero; at most `size_bytes` are written. */
size_t neurlp_expr_print(const neurlp_expr *expr, const neurlp_symbols *symbols, char *text,
                         size_t size_bytes);

/* ---- program: several expressions, evaluated together over many points ------------------------------------
 */

/* Straight-line code for a list of expressions with common subexpressions shared. Immutable after creation
 * and safe to run from several threads at once. */
typedef struct neurlp_program neurlp_program;

NEURLP_MUST_USE neurlp_status neurlp_program_create(neurlp_context *context, int32_t count,
                                                    const neurlp_expr *const *exprs,
                                                    neurlp_program **program);

void neurlp_program_destroy(neurlp_program **program);

/* Points that are evaluated side by side; the workspace of one thread holds this many. */
enum { NEURLP_PROGRAM_LANES = 64 };

/* Bytes of workspace that one thread needs for neurlp_program_run, whatever the number of points. */
size_t neurlp_program_workspace_bytes(const neurlp_program *program);

/* outputs[i][p] = expression i at point p.
 *   inputs   one pointer per symbol to its values; the value at point p is inputs[symbol][p *
 * strides[symbol]] (stride 0: the same at every point). Symbols that no expression uses may be NULL. outputs
 * [count][points], written: outputs[i * points + p] Domain errors give inf or NaN as IEEE arithmetic does, at
 * that point only. A point's result does not depend on the other points. */
void neurlp_program_run(const neurlp_program *program, int64_t points, const double *const *inputs,
                        const int64_t *strides, double *outputs, void *workspace);

#endif
