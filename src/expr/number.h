/* Decimal numbers as text, the same in every locale. */
#ifndef NEURLP_EXPR_NUMBER_H
#define NEURLP_EXPR_NUMBER_H

#include <stddef.h>

/* Enough for any double with its final zero: sign, 17 digits, point, four places of exponent with its signs;
 * or a plain number with up to five zeros behind the point. */
enum { NEURLP_NUMBER_BYTES = 32 };

typedef enum neurlp_number_result {
  NEURLP_NUMBER_READ,     /* a number */
  NEURLP_NUMBER_NONE,     /* the text does not begin with an unsigned number */
  NEURLP_NUMBER_TOO_LARGE /* beyond the largest double */
} neurlp_number_result;

/* Reads the longest unsigned number at the beginning of the text (1, 2.5, .5, 3., 1e-3), rounded to the
 * nearest double. *bytes is how much of the text it takes. No sign, no inf, no nan, no hexadecimal. */
neurlp_number_result neurlp_number_read(const char *text, double *value, size_t *bytes);

/* Writes a finite number with the fewest digits that read back to the same double, bit for bit: plainly for
 * magnitudes from 1e-5 to 1e16 (0.001, 1500), else with an exponent (1e-7, 2.5e+20 is 2.5e20). Returns the
 * length without the final zero. */
size_t neurlp_number_print(double value, char text[NEURLP_NUMBER_BYTES]);

#endif
