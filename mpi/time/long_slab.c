#include "time/long_slab.h"

#include "block/problem.h"

#include <math.h>

bool neurlp_long_constant(const neurlp_problem *problem, neurlp_array array) {
  const neurlp_extents z = neurlp_array_extents(&problem->shape, array);
  return z.per_step > 0 && z.step_stride == 0;
}

/* Numbers of an array in a slab of so many steps. */
static int64_t numbers_of(const neurlp_problem *problem, neurlp_array array, int64_t steps) {
  neurlp_shape shape = problem->shape;
  shape.steps = (int32_t)(steps < INT32_MAX ? steps : INT32_MAX);
  return neurlp_array_extents(&shape, array).per_system;
}

/* Steps of the longest slab of so many pieces. */
static int64_t steps_of(const neurlp_timeline *line, int64_t pieces) {
  const int64_t head = line->head_steps > line->intervals ? line->head_steps : line->intervals + 1;
  return head + (pieces - 1) * line->intervals;
}

/* Numbers of all arrays. */
static int64_t numbers_of_all(const neurlp_problem *problem, const neurlp_timeline *line, bool gradients,
                              int64_t pieces) {
  const int64_t steps = steps_of(line, pieces);
  int64_t numbers = (1 + gradients) * numbers_of(problem, NEURLP_ARRAY_SOLUTION, steps);
  for (int32_t i = 0; i < NEURLP_ARRAY_INPUTS; i++)
    numbers += (1 + gradients) * numbers_of(problem, (neurlp_array)i, steps);
  return numbers + (gradients ? pieces * line->part_numbers : 0);
}

/* As many pieces as there is room for. */
static int64_t choose_pieces(const neurlp_problem *problem, const neurlp_timeline *line, bool gradients,
                             int64_t own, int64_t most) {
  const int64_t one = numbers_of_all(problem, line, gradients, 1),
                more = numbers_of_all(problem, line, gradients, 2) - one;
  int64_t pieces = most > one ? 1 + (most - one) / more : 1;
  const int64_t addressable = (INT32_MAX - steps_of(line, 1)) / line->intervals;
  if (pieces > addressable) pieces = addressable;
  if (pieces > own) pieces = own;
  return pieces < 1 ? 1 : pieces;
}

neurlp_status neurlp_long_room_create(neurlp_context *context, const neurlp_problem *problem,
                                      const neurlp_timeline *line, bool gradients, int64_t own_pieces,
                                      int64_t bytes, neurlp_long_room *room) {
  const size_t number = neurlp_number_bytes(&problem->shape);
  neurlp_status status = NEURLP_SUCCESS;
  *room = (neurlp_long_room){.context = context, .problem = problem, .line = *line, .gradients = gradients};
  room->pieces = choose_pieces(problem, line, gradients, own_pieces, bytes / (int64_t)number);
  room->bytes = numbers_of_all(problem, line, gradients, room->pieces) * (int64_t)number;
  const int64_t steps = steps_of(line, room->pieces),
                solution = numbers_of(problem, NEURLP_ARRAY_SOLUTION, steps);
  for (int32_t i = 0; i < NEURLP_ARRAY_INPUTS; i++) {
    const int64_t numbers = numbers_of(problem, (neurlp_array)i, steps);
    if (numbers == 0) continue;
    NEURLP_TRY(neurlp_allocate(context, numbers, number, &room->inputs[i]));
    if (gradients) NEURLP_TRY(neurlp_allocate(context, numbers, number, &room->gradient[i]));
  }
  NEURLP_TRY(neurlp_allocate(context, solution, number, &room->solution));
  if (!gradients) goto done;
  NEURLP_TRY(neurlp_allocate(context, solution, number, &room->grad_output));
  NEURLP_TRY(neurlp_allocate(context, room->pieces * line->part_numbers, number, &room->parts));
done:
  return status;
}

void neurlp_long_room_release(neurlp_long_room *room) {
  neurlp_context *context = room->context;
  if (!context) return;
  for (int32_t i = 0; i < NEURLP_ARRAY_INPUTS; i++) {
    neurlp_release(context, &room->inputs[i]);
    neurlp_release(context, &room->gradient[i]);
  }
  neurlp_release(context, &room->grad_output);
  neurlp_release(context, &room->solution);
  neurlp_release(context, &room->parts);
}

neurlp_inputs neurlp_long_inputs(const neurlp_long_room *room) {
  return (neurlp_inputs){.systems = 1,
                         .coefficients = room->inputs[NEURLP_ARRAY_COEFFICIENTS],
                         .rhs = room->inputs[NEURLP_ARRAY_RHS],
                         .initial_values = room->inputs[NEURLP_ARRAY_INITIAL_VALUES],
                         .steps = room->inputs[NEURLP_ARRAY_STEPS]};
}

neurlp_gradients neurlp_long_gradients(const neurlp_long_room *room) {
  return (neurlp_gradients){.coefficients = room->gradient[NEURLP_ARRAY_COEFFICIENTS],
                            .rhs = room->gradient[NEURLP_ARRAY_RHS],
                            .initial_values = room->gradient[NEURLP_ARRAY_INITIAL_VALUES],
                            .steps = room->gradient[NEURLP_ARRAY_STEPS]};
}

/* An array that is written slab by slab. */
static void *varying(const neurlp_long_room *room, neurlp_array array) {
  return neurlp_long_constant(room->problem, array) ? NULL : room->gradient[array];
}

neurlp_long_slab neurlp_long_slab_of(const neurlp_long_room *room, int64_t first, int64_t end) {
  if (first >= end) return (neurlp_long_slab){0};
  return (neurlp_long_slab){
      .first_step = neurlp_timeline_step(&room->line, first),
      .length = neurlp_stretch_steps(&room->line, first, end),
      .first_own = first > 0,
      .coefficients = room->inputs[NEURLP_ARRAY_COEFFICIENTS],
      .rhs = room->inputs[NEURLP_ARRAY_RHS],
      .initial_values = room->inputs[NEURLP_ARRAY_INITIAL_VALUES],
      .steps = room->inputs[NEURLP_ARRAY_STEPS],
      .grad_output = room->grad_output,
      .solution = room->solution,
      .gradients = {.coefficients = varying(room, NEURLP_ARRAY_COEFFICIENTS),
                    .rhs = varying(room, NEURLP_ARRAY_RHS),
                    .initial_values = first == 0 ? room->gradient[NEURLP_ARRAY_INITIAL_VALUES] : NULL,
                    .steps = varying(room, NEURLP_ARRAY_STEPS)}};
}

static void undefine(const neurlp_long_room *room, void *array, int64_t numbers) {
  for (int64_t i = 0; i < numbers && array; i++)
    if (room->problem->shape.precision == NEURLP_SINGLE)
      ((float *)array)[i] = NAN;
    else
      ((double *)array)[i] = NAN;
}

void neurlp_long_undefine(const neurlp_long_room *room, bool solution) {
  const int64_t steps = steps_of(&room->line, room->pieces);
  if (solution) undefine(room, room->solution, numbers_of(room->problem, NEURLP_ARRAY_SOLUTION, steps));
  for (int32_t i = 0; i < NEURLP_ARRAY_INPUTS; i++)
    undefine(room, room->gradient[i], numbers_of(room->problem, (neurlp_array)i, steps));
}
