/* First values of parameters, by the names that PyTorch has for them (docs/math.md, Training). Numbers are
 * functions of (seed, tensor, entry): they do not depend on the order in which tensors are made, on ranks or
 * on threads, and in single precision they are those of double precision, rounded.
 *
 * Sources: Glorot, Bengio, AISTATS 2010 (xavier); He, Zhang, Ren, Sun, ICCV 2015 (kaiming). */
#ifndef NEURLP_TRAIN_INITIALISE_H
#define NEURLP_TRAIN_INITIALISE_H

#include "core/context.h"

typedef enum neurlp_initialiser_kind {
  NEURLP_INITIALISE_KAIMING_UNIFORM, /* uniform in +-sqrt(6 / ((1 + slope^2) fan)) */
  NEURLP_INITIALISE_KAIMING_NORMAL,  /* normal, variance 2 / ((1 + slope^2) fan) */
  NEURLP_INITIALISE_XAVIER_UNIFORM,  /* uniform in +-gain sqrt(6 / (fan_in + fan_out)) */
  NEURLP_INITIALISE_XAVIER_NORMAL,   /* normal, variance gain^2 2 / (fan_in + fan_out) */
  NEURLP_INITIALISE_BIAS_UNIFORM, /* uniform in +-1 / sqrt(fan_in): biases of linear layers, convolutions */
  NEURLP_INITIALISE_UNIFORM,      /* uniform in a to b */
  NEURLP_INITIALISE_NORMAL,       /* normal, mean a, standard deviation b */
  NEURLP_INITIALISE_CONSTANT,     /* a */
  NEURLP_INITIALISE_ZEROS,
  NEURLP_INITIALISE_ONES
} neurlp_initialiser_kind;

/* Start from neurlp_initialiser_find. */
typedef struct neurlp_initialiser {
  neurlp_initialiser_kind kind;
  double slope; /* kaiming: of the leaky rectifier behind; sqrt(5) for uniform, as in layers, 0 for normal */
  double gain;  /* xavier; 1 */
  double a, b;  /* uniform: 0, 1; normal: 0, 1; constant: 0 */
  bool fan_out; /* kaiming: fan is fan_out rather than fan_in; false */
} neurlp_initialiser;

/* The initialiser of this name, in small letters as above ("kaiming_uniform"), with its defaults. Fails with
 * NEURLP_ERROR_ARGUMENT (the message lists the names). */
NEURLP_MUST_USE neurlp_status neurlp_initialiser_find(neurlp_context *context, const char *name,
                                                      neurlp_initialiser *initialiser);

/* Writes the first values of one tensor.
 *   tensor   its number: the stream of random numbers is (seed, tensor), and entry i takes number i of it
 *   fan_in, fan_out  as far as the initialiser looks at them, >= 1: of a weight [out][in][width]... in times
 *                    widths and out times widths
 *   entries  [count], written, in double or single precision
 * Fails with NEURLP_ERROR_ARGUMENT: the message names the number, its value and its range. */
NEURLP_MUST_USE neurlp_status neurlp_initialise(neurlp_context *context,
                                                const neurlp_initialiser *initialiser, uint64_t seed,
                                                int64_t tensor, int64_t fan_in, int64_t fan_out,
                                                neurlp_precision precision, int64_t count, void *entries);

#endif
