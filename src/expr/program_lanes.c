/* The interpreter of programs; compiled once for each instruction set. Arithmetic, sqrt and abs are correctly
 * rounded in each of them and no two instructions are fused, and the other functions are the C library's, so
 * every instruction set gives the same bits. */
#include "expr/program.h"
#include "expr/tree.h"

#include <math.h>
#include <string.h>

#define NEURLP_JOIN_NAMES(a, b) a##b
#define NEURLP_JOIN(a, b)       NEURLP_JOIN_NAMES(a, b)
#define NEURLP_RUNNER           NEURLP_JOIN(neurlp_program_block_, NEURLP_ISA)

/* Repeats the last point in the lanes behind it, so that no lane is ever undefined. */
static inline void pad(double *to, int32_t points, int32_t lanes) {
  for (int32_t p = points; p < lanes; p++) to[p] = to[points - 1];
}

/* One group after another; a group is read whole before it is written, so that `to` may be an operand. */
#define NEURLP_EACH_LANE(expression)                                                                         \
  do {                                                                                                       \
    for (int32_t group = 0; group < lanes; group += NEURLP_LANE_GROUP) {                                     \
      const double *x = a + group, *y = b + group;                                                           \
      double result[NEURLP_LANE_GROUP];                                                                      \
      for (int32_t i = 0; i < NEURLP_LANE_GROUP; i++) result[i] = (expression);                              \
      memcpy(to + group, result, sizeof result);                                                             \
      (void)y;                                                                                               \
    }                                                                                                        \
  } while (0)

/* Functions that are calls: only for the points that there are. */
#define NEURLP_EACH_POINT(expression)                                                                        \
  do {                                                                                                       \
    for (int32_t i = 0; i < block->points; i++) to[i] = (expression);                                        \
    pad(to, block->points, lanes);                                                                           \
  } while (0)

static inline void load(const neurlp_program_block *block, int32_t symbol, double *to) {
  const int64_t stride = block->strides[symbol];
  const double *from = block->inputs[symbol] + block->first * stride;
  for (int32_t p = 0; p < block->points; p++) to[p] = from[p * stride];
  pad(to, block->points, block->lanes);
}

void NEURLP_RUNNER(const neurlp_instruction *instructions, int32_t count, const neurlp_program_block *block) {
  const int32_t lanes = block->lanes;
  for (int32_t at = 0; at < count; at++) {
    const neurlp_instruction *instruction = &instructions[at];
    const double number = instruction->number;
    double *to = block->workspace + (int64_t)instruction->to * lanes;
    const double *a = block->workspace + (int64_t)instruction->a * lanes;
    const double *b = block->workspace + (int64_t)instruction->b * lanes;
    switch ((neurlp_code)instruction->code) {
    case NEURLP_CODE_LOAD:
      load(block, instruction->index, to);
      break;
    case NEURLP_CODE_CONSTANT:
      for (int32_t i = 0; i < lanes; i++) to[i] = number;
      break;
    case NEURLP_CODE_STORE:
      memcpy(block->outputs + instruction->index * block->all_points + block->first, a,
             (size_t)block->points * sizeof *a);
      break;
    case NEURLP_CODE_NEGATE:
      NEURLP_EACH_LANE(-x[i]);
      break;
    case NEURLP_CODE_ADD:
      NEURLP_EACH_LANE(x[i] + y[i]);
      break;
    case NEURLP_CODE_SUBTRACT:
      NEURLP_EACH_LANE(x[i] - y[i]);
      break;
    case NEURLP_CODE_MULTIPLY:
      NEURLP_EACH_LANE(x[i] * y[i]);
      break;
    case NEURLP_CODE_DIVIDE:
      NEURLP_EACH_LANE(x[i] / y[i]);
      break;
    case NEURLP_CODE_ADD_NUMBER:
      NEURLP_EACH_LANE(x[i] + number);
      break;
    case NEURLP_CODE_SUBTRACT_FROM:
      NEURLP_EACH_LANE(number - x[i]);
      break;
    case NEURLP_CODE_MULTIPLY_NUMBER:
      NEURLP_EACH_LANE(x[i] * number);
      break;
    case NEURLP_CODE_DIVIDE_BY:
      NEURLP_EACH_LANE(x[i] / number);
      break;
    case NEURLP_CODE_DIVIDE_NUMBER:
      NEURLP_EACH_LANE(number / x[i]);
      break;
    case NEURLP_CODE_SQRT:
      NEURLP_EACH_LANE(sqrt(x[i]));
      break;
    case NEURLP_CODE_ABS:
      NEURLP_EACH_LANE(fabs(x[i]));
      break;
    case NEURLP_CODE_POWER:
      NEURLP_EACH_POINT(pow(a[i], b[i]));
      break;
    case NEURLP_CODE_SIN:
      NEURLP_EACH_POINT(sin(a[i]));
      break;
    case NEURLP_CODE_COS:
      NEURLP_EACH_POINT(cos(a[i]));
      break;
    case NEURLP_CODE_TAN:
      NEURLP_EACH_POINT(tan(a[i]));
      break;
    case NEURLP_CODE_EXP:
      NEURLP_EACH_POINT(exp(a[i]));
      break;
    case NEURLP_CODE_LOG:
      NEURLP_EACH_POINT(log(a[i]));
      break;
    case NEURLP_CODE_TANH:
      NEURLP_EACH_POINT(tanh(a[i]));
      break;
    }
  }
}
