/* Programs of a model. `basic` computes what the flow and its jacobian need, `full` adds sensitivities of the
 * known part. Their outputs come in the order known, terms, jacobian, term jacobian, sensitivity; lists say
 * what each is. */
#ifndef NEURLP_LEARN_MODEL_CODE_H
#define NEURLP_LEARN_MODEL_CODE_H

#include "core/anywhere.h"

#include <stdint.h>

/* What an output is: of the known part of an equation, or of a library term. */
typedef struct neurlp_model_entry {
  int32_t equation; /* of the known part; -1: a library term */
  int32_t index;    /* jacobian: the state symbol. sensitivity: the parameter. term derivative: the term */
  int32_t symbol;   /* term derivative: the state symbol */
} neurlp_model_entry;

typedef struct neurlp_model_code {
  struct neurlp_program *basic, *full;
  int32_t known_count, jacobian_count, term_count, term_jacobian_count, sensitivity_count;
  neurlp_model_entry *known, *jacobian, *term_jacobian, *sensitivity;
} neurlp_model_code;

NEURLP_ANYWHERE int32_t neurlp_model_outputs(const neurlp_model_code *code) {
  return code->known_count + code->term_count + code->jacobian_count + code->term_jacobian_count +
         code->sensitivity_count;
}

#endif
