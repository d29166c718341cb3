/* Inside programs: instructions, and what runs them on each instruction set. */
#ifndef NEURLP_EXPR_PROGRAM_H
#define NEURLP_EXPR_PROGRAM_H

#include "expr/expr.h"
#include "expr/instruction.h"

/* Lanes are worked on in groups of this many: one AVX-512 register. */
enum { NEURLP_LANE_GROUP = 8 };

/* Up to NEURLP_PROGRAM_LANES points, from `first` on. Lanes from `points` to `lanes` (a multiple of
 * NEURLP_LANE_GROUP) repeat the last point and are never stored. */
typedef struct neurlp_program_block {
  int64_t first, all_points;
  int32_t points, lanes;
  const double *const *inputs;
  const int64_t *strides;
  double *outputs, *workspace;
} neurlp_program_block;

typedef void neurlp_program_runner(const neurlp_instruction *instructions, int32_t count,
                                   const neurlp_program_block *block);

struct neurlp_program {
  neurlp_context *context;
  neurlp_program_runner *run;
  int32_t slots;
  int32_t count;
  neurlp_instruction instructions[]; /* [count] */
};

neurlp_program_runner neurlp_program_block_baseline;
#ifdef NEURLP_HAVE_X86_ISAS
neurlp_program_runner neurlp_program_block_avx2;
neurlp_program_runner neurlp_program_block_avx512;
#endif

#endif
