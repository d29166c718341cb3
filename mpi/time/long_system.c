#include "time/long_system.h"

#include "block/pieces.h"
#include "comm.h"
#include "time/long_slab.h"
#include "time/rank_tree.h"

#include <math.h>
#include <string.h>

enum { SLAB_BYTES = 192 << 20 };

/* What a pass of all pieces, of a solve or of an adjoint, leaves and needs. */
typedef struct pass_state {
  double *records;       /* [own pieces][numbers], merged in place */
  double *joints;        /* [1 + own pieces][n][R], the first one before this rank's pieces */
  neurlp_status *status; /* [own pieces] */
} pass_state;

typedef struct long_system {
  MPI_Comm comm;
  neurlp_context *context;
  const neurlp_problem *problem;
  const neurlp_long_io *io;
  neurlp_long_options options;
  neurlp_timeline line;
  neurlp_rank_tree tree;
  neurlp_stretch *stretch;
  neurlp_long_room room;
  pass_state solve, adjoint;
  double *kept; /* [own pieces][numbers that are kept of a joint] */
  void *parts;  /* [own pieces][part_numbers] gradients of what is constant in time */
  /* final values and their gradients, which every rank finds where all pieces are joined: [D][JF][R] */
  double *final_values, *final_gradients;
  int64_t own;   /* pieces */
  int64_t slabs; /* of the rank that has most */
  int64_t bytes; /* of all of these */
} long_system;

static neurlp_status allocate_joined(long_system *s, pass_state *pass) {
  const neurlp_end_layout *z = &s->line.layout;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(s->context, s->own, (size_t)z->numbers * sizeof(double), &pass->records));
  NEURLP_TRY(neurlp_allocate(s->context, (1 + s->own) * z->unknowns, (size_t)z->columns * sizeof(double),
                             &pass->joints));
  NEURLP_TRY(neurlp_allocate(s->context, s->own, sizeof *pass->status, &pass->status));
  s->bytes += s->own * ((z->numbers + z->unknowns * z->columns) * (int64_t)sizeof(double) +
                        (int64_t)sizeof *pass->status);
done:
  return status;
}

static void release_joined(neurlp_context *context, pass_state *pass) {
  neurlp_release(context, &pass->records);
  neurlp_release(context, &pass->joints);
  neurlp_release(context, &pass->status);
}

static int64_t final_numbers(const long_system *s) {
  return neurlp_array_extents(&s->problem->shape, NEURLP_ARRAY_FINAL_VALUES).per_system;
}

/* Local. All memory. */
static neurlp_status allocate(long_system *s) {
  const int64_t bytes = s->options.slab_bytes > 0 ? s->options.slab_bytes : SLAB_BYTES;
  const int64_t kept = neurlp_tree_kept_numbers(s->line.layout);
  const size_t number = neurlp_number_bytes(&s->problem->shape);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_long_room_create(s->context, s->problem, &s->line, s->options.gradients, s->own, bytes,
                                     &s->room));
  s->bytes = s->room.bytes + s->own * kept * (int64_t)sizeof(double);
  NEURLP_TRY(neurlp_stretch_create(s->context, s->problem, s->room.pieces, &s->stretch));
  NEURLP_TRY(allocate_joined(s, &s->solve));
  NEURLP_TRY(neurlp_allocate(s->context, s->own, (size_t)kept * sizeof(double), &s->kept));
  NEURLP_TRY(neurlp_allocate(s->context, final_numbers(s), sizeof(double), &s->final_values));
  NEURLP_TRY(neurlp_allocate(s->context, final_numbers(s), sizeof(double), &s->final_gradients));
  if (!s->options.gradients) goto done;
  NEURLP_TRY(allocate_joined(s, &s->adjoint));
  NEURLP_TRY(neurlp_allocate(s->context, s->own * s->line.part_numbers, number, &s->parts));
  s->bytes += s->own * s->line.part_numbers * (int64_t)number;
done:
  return status;
}

/* Collective. */
static neurlp_status begin(long_system *s) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_agree(s->comm, s->context, neurlp_timeline_of(s->context, s->problem, &s->line)));
  NEURLP_TRY(neurlp_rank_tree_create(s->comm, s->context, &s->line, &s->tree));
  s->own = s->tree.end - s->tree.first;
  NEURLP_TRY(neurlp_agree(s->comm, s->context, allocate(s)));
  s->slabs = (s->own + s->room.pieces - 1) / s->room.pieces;
  MPI_Allreduce(MPI_IN_PLACE, &s->slabs, 1, MPI_INT64_T, MPI_MAX, s->comm);
done:
  return status;
}

static void end(long_system *s) {
  neurlp_rank_tree_release(&s->tree);
  neurlp_stretch_destroy(&s->stretch);
  neurlp_long_room_release(&s->room);
  release_joined(s->context, &s->solve);
  release_joined(s->context, &s->adjoint);
  neurlp_release(s->context, &s->kept);
  neurlp_release(s->context, &s->parts);
  neurlp_release(s->context, &s->final_values);
  neurlp_release(s->context, &s->final_gradients);
}

/* ---- slabs ------------------------------------------------------------------------------------------- */

/* Pieces of slab i: [first, end), of which there may be none. */
static void pieces_of(const long_system *s, int64_t i, int64_t *first, int64_t *end) {
  *first = s->tree.first + i * s->room.pieces;
  *end = *first + s->room.pieces;
  if (*first > s->tree.end) *first = s->tree.end;
  if (*end > s->tree.end) *end = s->tree.end;
}

static neurlp_stretch_call call_of(const long_system *s, const pass_state *pass, int64_t first, int64_t end) {
  return (neurlp_stretch_call){.first = first,
                               .end = end,
                               .inputs = neurlp_long_inputs(&s->room),
                               .status = pass->status + (first - s->tree.first)};
}

/* Collective. First pass: the record of every piece, in solve and adjoint. */
static neurlp_status condense(long_system *s) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < s->slabs; i++) {
    int64_t first, end;
    pieces_of(s, i, &first, &end);
    neurlp_long_slab slab = neurlp_long_slab_of(&s->room, first, end);
    if (i == 0) slab.final_values = s->room.inputs[NEURLP_ARRAY_FINAL_VALUES];
    const int64_t record = (first - s->tree.first) * s->line.layout.numbers;
    NEURLP_TRY(s->io->read(s->io->user, &slab));
    if (first == end) continue;
    const neurlp_stretch_call solve = call_of(s, &s->solve, first, end),
                              adjoint = call_of(s, &s->adjoint, first, end);
    neurlp_stretch_condense(s->stretch, &solve, s->solve.records + record);
    if (s->options.gradients)
      neurlp_stretch_condense_adjoint(s->stretch, &adjoint, s->room.grad_output, s->adjoint.records + record);
  }
done:
  return status;
}

/* Final values as they were read. */
static void take_final(long_system *s) {
  const void *from = s->room.inputs[NEURLP_ARRAY_FINAL_VALUES];
  for (int64_t i = 0; i < final_numbers(s); i++)
    s->final_values[i] =
        s->problem->shape.precision == NEURLP_SINGLE ? ((const float *)from)[i] : ((const double *)from)[i];
}

/* Collective. From the records to the joints. */
static neurlp_status join(long_system *s, const pass_state *pass, bool normal) {
  const neurlp_tree_given given =
      neurlp_tree_given_of(s->problem, normal ? NULL : s->final_values, s->final_gradients);
  const int64_t size = s->line.layout.unknowns * s->line.layout.columns;
  const neurlp_tree own = {.layout = s->line.layout,
                           .normal = normal,
                           .epsilon = s->line.epsilon,
                           .first = s->tree.first,
                           .head = pass->records,
                           .ends = pass->records,
                           .kept = s->kept,
                           .joints = pass->joints + size,
                           .first_joint = s->tree.first,
                           .head_status = pass->status,
                           .status = pass->status,
                           .given = final_numbers(s) > 0 ? &given : NULL};
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_rank_tree_join(&s->tree, &own, pass->joints, &status);
  return status;
}

/* Second pass over a slab: the solution and, from it, the gradients. */
static void finish_slab(long_system *s, int64_t first, int64_t end, bool gradients) {
  const int64_t place = first - s->tree.first, size = s->line.layout.unknowns * s->line.layout.columns;
  const neurlp_stretch_call solve = call_of(s, &s->solve, first, end),
                            adjoint = call_of(s, &s->adjoint, first, end);
  const size_t part = (size_t)s->line.part_numbers * neurlp_number_bytes(&s->problem->shape);
  neurlp_stretch_solve(s->stretch, &solve, s->solve.joints + place * size, s->room.solution);
  if (!gradients) return;
  const neurlp_gradients to = neurlp_long_gradients(&s->room);
  neurlp_stretch_adjoint(s->stretch, &adjoint, s->adjoint.joints + place * size, s->room.solution,
                         s->room.grad_output, &to, (unsigned char *)s->parts + (size_t)place * part);
}

/* Collective. The first failure among the pieces of all ranks: piece and status travel as one number. */
static neurlp_status settle(const long_system *s, const pass_state *pass) {
  int64_t first = INT64_MAX;
  for (int64_t p = 0; p < s->own && first == INT64_MAX; p++)
    if (pass->status[p] != NEURLP_SUCCESS) first = (s->tree.first + p) << 8 | (int64_t)pass->status[p];
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT64_T, MPI_MIN, s->comm);
  return first == INT64_MAX ? NEURLP_SUCCESS : (neurlp_status)(first & 0xff);
}

/* What is known of a system: whether the solution, and gradients, are numbers. */
typedef struct verdict {
  neurlp_status solve, adjoint;
} verdict;

/* Collective. Second pass: what has failed is written as NaN. */
static neurlp_status finish(long_system *s, const verdict *v) {
  const bool numbers = v->solve == NEURLP_SUCCESS, gradients = s->options.gradients;
  const neurlp_long_writing what = {.solution = true, .gradients = gradients};
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < s->slabs; i++) {
    int64_t first, end;
    pieces_of(s, i, &first, &end);
    const neurlp_long_slab slab = neurlp_long_slab_of(&s->room, first, end);
    if (numbers) NEURLP_TRY(s->io->read(s->io->user, &slab));
    if (numbers && first < end) finish_slab(s, first, end, gradients && v->adjoint == NEURLP_SUCCESS);
    if (!numbers || v->adjoint != NEURLP_SUCCESS) neurlp_long_undefine(&s->room, !numbers);
    NEURLP_TRY(s->io->write(s->io->user, &slab, &what));
  }
done:
  return status;
}

/* Collective. Where it came out in the second pass only that the solution, or gradients, are not finite. */
static neurlp_status undefine(long_system *s, bool solution) {
  const neurlp_long_writing what = {.solution = solution, .gradients = s->options.gradients, .again = true};
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < s->slabs; i++) {
    int64_t first, end;
    pieces_of(s, i, &first, &end);
    const neurlp_long_slab slab = neurlp_long_slab_of(&s->room, first, end);
    neurlp_long_undefine(&s->room, solution);
    NEURLP_TRY(s->io->write(s->io->user, &slab, &what));
  }
done:
  return status;
}

/* ---- constant in time -------------------------------------------------------------------------------- */

/* One gradient out of the sum of all parts. */
static neurlp_status take_part(long_system *s, neurlp_array array, const void *total, bool failed,
                               void **gradient) {
  const neurlp_shape *shape = &s->problem->shape;
  const size_t number = neurlp_number_bytes(shape);
  const int64_t count = neurlp_array_extents(shape, array).per_system;
  neurlp_status status = NEURLP_SUCCESS;
  if (!neurlp_long_constant(s->problem, array) || count == 0) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(s->context, count, number, gradient));
  memcpy(*gradient, (const unsigned char *)total + (size_t)neurlp_cut_part(s->problem, array) * number,
         (size_t)count * number);
  for (int64_t i = 0; i < count && failed; i++)
    if (shape->precision == NEURLP_SINGLE)
      ((float *)*gradient)[i] = NAN;
    else
      ((double *)*gradient)[i] = NAN;
done:
  return status;
}

/* Collective. Adds up the parts of all pieces. */
static neurlp_status sum_parts(long_system *s, bool failed, neurlp_long_result *result) {
  const neurlp_tree_parts own = {.single = s->problem->shape.precision == NEURLP_SINGLE,
                                 .first = s->tree.first,
                                 .count = s->line.part_numbers,
                                 .stride = s->line.part_numbers,
                                 .head = s->parts,
                                 .parts = s->parts};
  void *total = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (!s->options.gradients || s->line.part_numbers == 0) return NEURLP_SUCCESS;
  NEURLP_TRY(
      neurlp_agree(s->comm, s->context,
                   neurlp_allocate(s->context, own.count, neurlp_number_bytes(&s->problem->shape), &total)));
  if (!failed) neurlp_rank_tree_sum(&s->tree, &own, total);
  status = take_part(s, NEURLP_ARRAY_COEFFICIENTS, total, failed, &result->grad_coefficients);
  if (status == NEURLP_SUCCESS) status = take_part(s, NEURLP_ARRAY_RHS, total, failed, &result->grad_rhs);
  if (status == NEURLP_SUCCESS) status = take_part(s, NEURLP_ARRAY_STEPS, total, failed, &result->grad_steps);
  status = neurlp_agree(s->comm, s->context, status);
done:
  neurlp_release(s->context, &total);
  return status;
}

/* Those of final values, in the problem's precision. */
static neurlp_status take_final_gradients(long_system *s, bool failed, neurlp_long_result *result) {
  const int64_t count = s->options.gradients ? final_numbers(s) : 0;
  neurlp_status status = NEURLP_SUCCESS;
  if (count == 0) return NEURLP_SUCCESS;
  status = neurlp_agree(s->comm, s->context,
                        neurlp_allocate(s->context, count, neurlp_number_bytes(&s->problem->shape),
                                        &result->grad_final_values));
  for (int64_t i = 0; i < count && status == NEURLP_SUCCESS; i++) {
    const double gradient = failed ? (double)NAN : s->final_gradients[i];
    if (s->problem->shape.precision == NEURLP_SINGLE)
      ((float *)result->grad_final_values)[i] = (float)gradient;
    else
      ((double *)result->grad_final_values)[i] = gradient;
  }
  return status;
}

/* ---- all of it --------------------------------------------------------------------------------------- */

/* Collective. Both passes, and what comes out of them. */
static neurlp_status run(long_system *s, neurlp_long_result *result) {
  neurlp_status status = NEURLP_SUCCESS;
  verdict v = {NEURLP_SUCCESS, NEURLP_SUCCESS};
  NEURLP_TRY(condense(s));
  take_final(s);
  v.solve = v.adjoint = join(s, &s->solve, false);
  result->solve = s->tree.traffic;
  if (s->options.gradients && v.solve == NEURLP_SUCCESS) v.adjoint = join(s, &s->adjoint, true);
  NEURLP_TRY(finish(s, &v));
  if (v.solve == NEURLP_SUCCESS) {
    const neurlp_status solved = settle(s, &s->solve);
    neurlp_status differentiated = v.adjoint;
    if (s->options.gradients && v.adjoint == NEURLP_SUCCESS) differentiated = settle(s, &s->adjoint);
    if (solved != NEURLP_SUCCESS || differentiated != v.adjoint)
      NEURLP_TRY(undefine(s, solved != NEURLP_SUCCESS));
    v = (verdict){solved, differentiated};
  }
  result->status = v.solve != NEURLP_SUCCESS ? v.solve : v.adjoint;
  NEURLP_TRY(sum_parts(s, result->status != NEURLP_SUCCESS, result));
  NEURLP_TRY(take_final_gradients(s, result->status != NEURLP_SUCCESS, result));
done:
  result->adjoint = (neurlp_traffic){.sums = s->tree.traffic.sums - result->solve.sums,
                                     .messages = s->tree.traffic.messages - result->solve.messages,
                                     .bytes = s->tree.traffic.bytes - result->solve.bytes};
  return status;
}

neurlp_status neurlp_long_check(neurlp_context *context, const neurlp_problem *problem) {
  neurlp_timeline line;
  return neurlp_timeline_of(context, problem, &line);
}

neurlp_status neurlp_long_solve(MPI_Comm comm, neurlp_context *context, const neurlp_problem *problem,
                                const neurlp_long_io *io, const neurlp_long_options *options,
                                neurlp_long_result *result) {
  long_system s = {.comm = comm, .context = context, .problem = problem, .io = io, .options = *options};
  *result = (neurlp_long_result){.status = NEURLP_SUCCESS};
  neurlp_status status = begin(&s);
  if (status == NEURLP_SUCCESS) {
    result->pieces = s.line.pieces;
    result->own_pieces = s.own;
    result->memory_bytes = s.bytes;
    status = run(&s, result);
  }
  end(&s);
  if (status != NEURLP_SUCCESS) neurlp_long_release(context, result);
  return status;
}

void neurlp_long_release(neurlp_context *context, neurlp_long_result *result) {
  neurlp_release(context, &result->grad_coefficients);
  neurlp_release(context, &result->grad_rhs);
  neurlp_release(context, &result->grad_steps);
  neurlp_release(context, &result->grad_final_values);
}
