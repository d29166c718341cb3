/* Programs as source text, for a compiler that runs while the program runs (on a GPU, for example). */
#ifndef NEURLP_EXPR_SOURCE_H
#define NEURLP_EXPR_SOURCE_H

#include "expr/expr.h"

/* The statements of a function body, valid C and C++, one per instruction:
 *
 *   const real s0 = x[1];
 *   const real s1 = s0 * (real)-2.5;
 *   y[0] = s1;
 *
 * x[symbol] are the inputs and y[i] becomes the value of expression i; x and y may be arrays, pointers or
 * macros, and are used with brackets only. No two statements define the same name. `real` is a type of the
 * caller's, double or float. Functions are called as sin, cos, tan, exp, log, sqrt, tanh, fabs and pow:
 * overloaded in C++; in C with float, <tgmath.h> makes them those of float. Numbers have the fewest digits
 * that read back to the same double, bit for bit; infinite ones are written as quotients.
 *
 * With `real` a double, the body computes what neurlp_program_run does, bit for bit where the compiler does
 * not contract products and sums (-ffp-contract=off, -fmad=false) and the functions are the same ones.
 *
 * *text is the caller's, to be freed with neurlp_release. Length: about 40 bytes per instruction. Fails with
 * NEURLP_ERROR_MEMORY; *text is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_program_source(neurlp_context *context, const neurlp_program *program,
                                                    char **text);

#endif
