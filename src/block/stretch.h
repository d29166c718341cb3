/* A system whose time is too long for one place: its pieces, which are those that the backend cpu cuts any
 * long system into, are swept a stretch at a time, wherever its inputs are. A first pass leaves a record of
 * each piece; the records are joined along the tree (tree.h), by whoever has them; a second pass, with the
 * unknowns at the joints, writes the solution, or gradients (docs/math.md, section 2). The numbers are those
 * of neurlp_solver_solve and neurlp_solver_adjoint with the backend cpu, bit for bit. */
#ifndef NEURLP_BLOCK_STRETCH_H
#define NEURLP_BLOCK_STRETCH_H

#include "block/tree.h"

/* How the time of a system is cut: piece 0 has head_steps steps, with all given values, each further one
 * `intervals` more. Neighbours share a step, the joint, which belongs to the earlier one. */
typedef struct neurlp_timeline {
  int64_t pieces;
  int32_t head_steps, intervals;
  neurlp_end_layout layout; /* of records */
  double epsilon;           /* of the precision of pieces */
  int64_t part_numbers;     /* of a piece: gradients of what is constant in time; 0: none */
} neurlp_timeline;

/* The timeline of a problem of one system. Fails with NEURLP_ERROR_ARGUMENT, and a sentence why, where time
 * cannot be cut, or need not be, or where the context's backend is not cpu. */
NEURLP_MUST_USE neurlp_status neurlp_timeline_of(neurlp_context *context, const neurlp_problem *problem,
                                                 neurlp_timeline *line);

/* The step that piece p begins at, a joint unless p = 0; for p = pieces that at the end of the last one. */
static inline int64_t neurlp_timeline_step(const neurlp_timeline *line, int64_t p) {
  return p == 0 ? 0 : line->head_steps - 1 + (p - 1) * line->intervals;
}

/* Workspace for stretches of so many pieces. */
typedef struct neurlp_stretch neurlp_stretch;

/* A stretch: pieces [first, end), at least one, and its arrays, which begin at the first step of piece
 * `first` and are laid out as those of neurlp_inputs for one system of so many steps; initial values are
 * those of the system, needed for first = 0 only. Sharing by systems does not matter. */
typedef struct neurlp_stretch_call {
  int64_t first, end;
  neurlp_inputs inputs;  /* of one system */
  neurlp_status *status; /* [end - first], of each piece; in the second pass read, too: one that failed in the
                            first pass is not gone on with */
} neurlp_stretch_call;

/* Steps in the arrays of a stretch, the joint at its beginning included. */
static inline int32_t neurlp_stretch_steps(const neurlp_timeline *line, int64_t first, int64_t end) {
  return (int32_t)(neurlp_timeline_step(line, end) - neurlp_timeline_step(line, first) + 1);
}

/* Makes workspace; context and problem are borrowed. Fails with NEURLP_ERROR_MEMORY, and with
 * NEURLP_ERROR_ARGUMENT as the timeline. */
NEURLP_MUST_USE neurlp_status neurlp_stretch_create(neurlp_context *context, const neurlp_problem *problem,
                                                    int64_t most_pieces, neurlp_stretch **stretch);
void neurlp_stretch_destroy(neurlp_stretch **stretch);

/* First pass of a solve: writes records [end - first][layout.numbers] and statuses. */
void neurlp_stretch_condense(neurlp_stretch *stretch, const neurlp_stretch_call *call, double *records);

/* First pass of an adjoint, with grad_output in the stretch. */
void neurlp_stretch_condense_adjoint(neurlp_stretch *stretch, const neurlp_stretch_call *call,
                                     const void *grad_output, double *records);

/* Second pass of a solve: joints [1 + end - first][n][R] are the unknowns at the end of piece first - 1 (not
 * read for first = 0), then at those of all pieces. Writes the whole stretch of the solution, its first step,
 * which is the piece's before it, from the joint. */
void neurlp_stretch_solve(neurlp_stretch *stretch, const neurlp_stretch_call *call, const double *joints,
                          void *solution);

/* Second pass of an adjoint, joints being those of its own first pass: writes gradients, those of the
 * equations not at the first step unless first = 0, those of initial values for first = 0 only. For what is
 * constant in time gradients must not be NULL if wanted, and go to parts [end - first][part_numbers] instead,
 * at neurlp_cut_part (pieces.h); there are part_numbers of each piece whatever is wanted. */
void neurlp_stretch_adjoint(neurlp_stretch *stretch, const neurlp_stretch_call *call, const double *joints,
                            const void *solution, const void *grad_output, const neurlp_gradients *gradients,
                            void *parts);

#endif
