/* What programs are made of. In the common subset of C17 and C++20, for kernels that interpret them. */
#ifndef NEURLP_EXPR_INSTRUCTION_H
#define NEURLP_EXPR_INSTRUCTION_H

#include <stdint.h>

/* Functions of one argument: enumerator, name, C function. */
#define NEURLP_FUNCTION_LIST(X)                                                                              \
  X(SIN, "sin", sin)                                                                                         \
  X(COS, "cos", cos)                                                                                         \
  X(TAN, "tan", tan)                                                                                         \
  X(EXP, "exp", exp)                                                                                         \
  X(LOG, "log", log)                                                                                         \
  X(SQRT, "sqrt", sqrt)                                                                                      \
  X(TANH, "tanh", tanh)                                                                                      \
  X(ABS, "abs", fabs)

typedef enum neurlp_code {
  NEURLP_CODE_LOAD,     /* to = input `index` */
  NEURLP_CODE_CONSTANT, /* to = number */
  NEURLP_CODE_STORE,    /* output `index` = a */
  NEURLP_CODE_NEGATE,   /* to = -a, and so on */
  NEURLP_CODE_ADD,
  NEURLP_CODE_SUBTRACT,
  NEURLP_CODE_MULTIPLY,
  NEURLP_CODE_DIVIDE,
  NEURLP_CODE_POWER,
  NEURLP_CODE_ADD_NUMBER,      /* to = a + number */
  NEURLP_CODE_SUBTRACT_FROM,   /* to = number - a */
  NEURLP_CODE_MULTIPLY_NUMBER, /* to = a * number */
  NEURLP_CODE_DIVIDE_BY,       /* to = a / number */
  NEURLP_CODE_DIVIDE_NUMBER,   /* to = number / a */
#define NEURLP_FUNCTION_CODE(name, text, function) NEURLP_CODE_##name,
  NEURLP_FUNCTION_LIST(NEURLP_FUNCTION_CODE)
#undef NEURLP_FUNCTION_CODE
} neurlp_code;

/* to, a and b are slots, numbers of the workspace; operands that an instruction lacks are 0. */
typedef struct neurlp_instruction {
  double number;
  int32_t code, to, a, b;
  int32_t index; /* of an input or an output */
} neurlp_instruction;

#endif
