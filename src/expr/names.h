/* Names of the expression language: functions, constants, and the nearest known name to a misspelt one. */
#ifndef NEURLP_EXPR_NAMES_H
#define NEURLP_EXPR_NAMES_H

#include "expr/tree.h"

/* The symbol, function or constant whose name is text[0..length). Symbols give their index, functions their
 * neurlp_op; both -1 if there is none. A constant gives true and its value. */
int32_t neurlp_name_symbol(const neurlp_symbols *symbols, const char *text, size_t length);
int32_t neurlp_name_function(const char *text, size_t length);
bool neurlp_name_constant(const char *text, size_t length, double *value);

/* Name of a function, NULL for other operations. */
const char *neurlp_name_of_function(neurlp_op op);

/* Name of the constant that has this value, bit for bit, or NULL. */
const char *neurlp_name_of_constant(double value);

/* The known name that differs least from text[0..length), or NULL if none is near. Before a parenthesis
 * (call) that is a function, else a symbol or a constant. */
const char *neurlp_name_nearest(const neurlp_symbols *symbols, const char *text, size_t length, bool call);

/* Writes the names that could have been meant, "x, y, sigma, pi, e", as many as fit. */
void neurlp_name_list(const neurlp_symbols *symbols, bool call, char *text, size_t size_bytes);

#endif
