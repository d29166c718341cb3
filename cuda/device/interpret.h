/* Instructions of a program for one thread, whose slots are NEURLP_CUDA_GROUP numbers apart; for code that
 * nvcc compiles. */
#ifndef NEURLP_CUDA_INTERPRET_H
#define NEURLP_CUDA_INTERPRET_H

#include "core/anywhere.h"
#include "cuda/device/kernel.h"
#include "expr/instruction.h"

#include <math.h>

/* What an instruction that is neither a load nor a store puts into its slot. Functions come as those of float
 * or of double. */
template <typename number>
NEURLP_ANYWHERE number calculate(const neurlp_instruction *in, const number *slots) {
  const number a = slots[in->a * NEURLP_CUDA_GROUP], c = (number)in->number;
  switch (in->code) {
  case NEURLP_CODE_NEGATE:
    return -a;
  case NEURLP_CODE_ADD:
    return a + slots[in->b * NEURLP_CUDA_GROUP];
  case NEURLP_CODE_SUBTRACT:
    return a - slots[in->b * NEURLP_CUDA_GROUP];
  case NEURLP_CODE_MULTIPLY:
    return a * slots[in->b * NEURLP_CUDA_GROUP];
  case NEURLP_CODE_DIVIDE:
    return a / slots[in->b * NEURLP_CUDA_GROUP];
  case NEURLP_CODE_POWER:
    return pow(a, slots[in->b * NEURLP_CUDA_GROUP]);
  case NEURLP_CODE_ADD_NUMBER:
    return a + c;
  case NEURLP_CODE_SUBTRACT_FROM:
    return c - a;
  case NEURLP_CODE_MULTIPLY_NUMBER:
    return a * c;
  case NEURLP_CODE_DIVIDE_BY:
    return a / c;
  case NEURLP_CODE_DIVIDE_NUMBER:
    return c / a;
#define NEURLP_CALL(name, text, function)                                                                    \
  case NEURLP_CODE_##name:                                                                                   \
    return function(a);
    NEURLP_FUNCTION_LIST(NEURLP_CALL)
#undef NEURLP_CALL
  default:
    return c; /* a constant */
  }
}

#endif
