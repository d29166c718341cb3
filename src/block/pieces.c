#include "block/pieces.h"

static bool can_cut(const neurlp_problem *problem) {
  return !problem->central && !problem->first && !problem->one_factor &&
         problem->shape.precision != NEURLP_MIXED;
}

/* Pieces of a system of so many steps, beside the first one, in which all given steps are. */
static int64_t piece_count(const neurlp_cut *cut, const neurlp_shape *shape, int32_t steps) {
  const int32_t room = steps - 1 - shape->initial_steps;
  return steps < cut->least_steps || room <= 0 ? 0 : room / cut->intervals;
}

/* The most steps of a first piece. */
static int32_t longest_head(const neurlp_cut *cut, const neurlp_shape *shape) {
  const int64_t most = shape->initial_steps + (int64_t)cut->intervals;
  const int64_t whole = most < cut->least_steps ? cut->least_steps : most;
  const int64_t steps = whole < shape->steps ? whole : shape->steps;
  return (int32_t)(steps < 2 ? 2 : steps);
}

static int64_t part_numbers(const neurlp_problem *problem) {
  const neurlp_shape *z = &problem->shape;
  const bool any = ((z->coefficients_sharing | z->rhs_sharing | z->steps_sharing) & NEURLP_CONSTANT) != 0;
  return any ? z->equations * ((int64_t)problem->unknowns + z->columns) + z->dimensions : 0;
}

int64_t neurlp_cut_part(const neurlp_problem *problem, neurlp_array array) {
  const neurlp_shape *z = &problem->shape;
  const int64_t coefficients = z->equations * (int64_t)problem->unknowns;
  if (array == NEURLP_ARRAY_COEFFICIENTS) return 0;
  return array == NEURLP_ARRAY_RHS ? coefficients : coefficients + z->equations * (int64_t)z->columns;
}

void neurlp_cut_plan(neurlp_cut *cut, const neurlp_problem *problem, int32_t intervals, int32_t least_steps) {
  const neurlp_shape *shape = &problem->shape;
  const bool told = shape->piece_intervals > 0;
  const int32_t asked = told ? shape->piece_intervals : intervals;
  *cut = (neurlp_cut){.intervals = asked < shape->steps ? asked : shape->steps,
                      .least_steps = told ? 0 : least_steps};
  cut->most = can_cut(problem) ? piece_count(cut, shape, shape->steps) : 0;
  if (cut->most == 0) {
    cut->intervals = 0;
    return;
  }
  cut->head = neurlp_problem_of_piece(problem, longest_head(cut, shape), true);
  cut->whole = cut->head;
  cut->whole.final = problem->final;
  cut->piece = neurlp_problem_of_piece(problem, cut->intervals + 1, false);
  cut->part_numbers = part_numbers(problem);
}

int64_t neurlp_cut_list(const neurlp_cut *cut, const neurlp_shape *shape, const neurlp_inputs *inputs,
                        neurlp_piece *all) {
  neurlp_piece *heads = all, *pieces = heads + inputs->systems;
  int64_t count = 0;
  for (int64_t s = 0; s < inputs->systems; s++) {
    const int32_t steps = inputs->lengths ? inputs->lengths[s] : shape->steps;
    const int64_t own = piece_count(cut, shape, steps);
    const int32_t head = (int32_t)(steps - own * cut->intervals);
    heads[s] = (neurlp_piece){.system = s, .length = head, .joined = own > 0, .joint = s + count};
    for (int64_t p = 0; p < own; p++)
      pieces[count + p] = (neurlp_piece){.system = s,
                                         .start = (int32_t)(head - 1 + p * cut->intervals),
                                         .length = cut->intervals + 1,
                                         .joined = true,
                                         .joint = s + count + p + 1};
    count += own;
  }
  return count;
}
