/* Straight-line code to text. Slots are used again, statements define each name once: a slot is named after
 * the instruction that wrote it last. */
#include "expr/source.h"

#include "expr/number.h"
#include "expr/program.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Longest statement: three names of at most 11 characters, a number with its cast, a function. */
enum { STATEMENT_BYTES = 128, NUMBER_BYTES = NEURLP_NUMBER_BYTES + 32 };

static void number_text(double number, char text[NUMBER_BYTES]) {
  char digits[NEURLP_NUMBER_BYTES];
  if (isnan(number)) {
    snprintf(text, NUMBER_BYTES, "((real)0.0 / (real)0.0)");
  } else if (isinf(number)) {
    snprintf(text, NUMBER_BYTES, "((real)%s / (real)0.0)", number > 0.0 ? "1.0" : "-1.0");
  } else {
    neurlp_number_print(number, digits);
    /* without a point it would be an integer, and 10000000000000000 too long for one */
    snprintf(text, NUMBER_BYTES, "(real)%s%s", digits, strpbrk(digits, ".e") ? "" : ".0");
  }
}

static const char *function_of(neurlp_code code) {
  switch (code) {
#define NEURLP_FUNCTION_OF(name, text, function)                                                             \
  case NEURLP_CODE_##name:                                                                                   \
    return #function;
    NEURLP_FUNCTION_LIST(NEURLP_FUNCTION_OF)
#undef NEURLP_FUNCTION_OF
  default:
    return "";
  }
}

/* Right-hand side of the instruction that is not a store; a and b are names of operands. */
static void value_text(const neurlp_instruction *instruction, int32_t a, int32_t b,
                       char text[STATEMENT_BYTES]) {
  char number[NUMBER_BYTES];
  number_text(instruction->number, number);
  const neurlp_code code = (neurlp_code)instruction->code;
  const size_t bytes = STATEMENT_BYTES;
  switch (code) {
  case NEURLP_CODE_LOAD:
    snprintf(text, bytes, "x[%d]", instruction->index);
    break;
  case NEURLP_CODE_CONSTANT:
    snprintf(text, bytes, "%s", number);
    break;
  case NEURLP_CODE_NEGATE:
    snprintf(text, bytes, "-s%d", a);
    break;
  case NEURLP_CODE_ADD:
  case NEURLP_CODE_SUBTRACT:
  case NEURLP_CODE_MULTIPLY:
  case NEURLP_CODE_DIVIDE:
    snprintf(text, bytes, "s%d %c s%d", a, "+-*/"[code - NEURLP_CODE_ADD], b);
    break;
  case NEURLP_CODE_POWER:
    snprintf(text, bytes, "pow(s%d, s%d)", a, b);
    break;
  case NEURLP_CODE_ADD_NUMBER:
    snprintf(text, bytes, "s%d + %s", a, number);
    break;
  case NEURLP_CODE_SUBTRACT_FROM:
    snprintf(text, bytes, "%s - s%d", number, a);
    break;
  case NEURLP_CODE_MULTIPLY_NUMBER:
    snprintf(text, bytes, "s%d * %s", a, number);
    break;
  case NEURLP_CODE_DIVIDE_BY:
    snprintf(text, bytes, "s%d / %s", a, number);
    break;
  case NEURLP_CODE_DIVIDE_NUMBER:
    snprintf(text, bytes, "%s / s%d", number, a);
    break;
  default:
    snprintf(text, bytes, "%s(s%d)", function_of(code), a);
    break;
  }
}

/* Writes all statements behind each other, or only counts if text is NULL. names [slots] is scratch. Returns
 * the length without the final zero. */
static size_t write_statements(const neurlp_program *program, int32_t *names, char *text) {
  size_t length = 0;
  for (int32_t at = 0; at < program->count; at++) {
    const neurlp_instruction *instruction = &program->instructions[at];
    const int32_t a = names[instruction->a], b = names[instruction->b];
    char value[STATEMENT_BYTES], statement[2 * STATEMENT_BYTES];
    int bytes = 0;
    if (instruction->code == NEURLP_CODE_STORE) {
      bytes = snprintf(statement, sizeof statement, "y[%d] = s%d;\n", instruction->index, a);
    } else {
      value_text(instruction, a, b, value);
      bytes = snprintf(statement, sizeof statement, "const real s%d = %s;\n", at, value);
      names[instruction->to] = at;
    }
    if (text) memcpy(text + length, statement, (size_t)bytes + 1);
    length += (size_t)bytes;
  }
  return length;
}

neurlp_status neurlp_program_source(neurlp_context *context, const neurlp_program *program, char **text) {
  neurlp_status status = NEURLP_SUCCESS;
  int32_t *names = NULL;
  *text = NULL;
  /* one name more, so that there is one even in a program of no expressions */
  NEURLP_TRY(neurlp_allocate(context, (int64_t)program->slots + 1, sizeof *names, &names));
  const size_t length = write_statements(program, names, NULL);
  NEURLP_TRY(neurlp_allocate(context, (int64_t)length + 1, 1, text));
  write_statements(program, names, *text);
done:
  neurlp_release(context, &names);
  return status;
}
