#include "problem/linear_problem_solve.h"

#include "comm.h"
#include "problem/linear_problem_answer.h"
#include "problem/linear_problem_time.h"
#include "time/long_system.h"

#include <stdio.h>
#include <string.h>

enum { SOLVE_BYTES = 192 << 20 };

/* One piece of a group: the arrays of `room` systems. */
typedef struct piece {
  int64_t room;
  double *inputs[NEURLP_LINEAR_ARRAYS];
  double *gradients[NEURLP_LINEAR_STEPS + 1]; /* of the inputs, not of grad_output; NULL without */
  double *solution;
  double *slack; /* NULL without */
  neurlp_status *status;
  int32_t *codes; /* status as written */
} piece;

typedef struct solving {
  MPI_Comm comm;
  neurlp_context *context;
  neurlp_linear_file *problems;
  int32_t index;
  const neurlp_linear_group *group;
  neurlp_array_file *answers;
  neurlp_problem *problem;
  neurlp_solver *solver;
  piece piece;
} solving;

static bool is_read(const neurlp_linear_group *group, neurlp_linear_array array) {
  return array != NEURLP_LINEAR_GRAD_OUTPUT || group->has_grad_output;
}

/* Numbers that one system has in a piece: inputs, solution, gradients. */
static int64_t numbers_per_system(const neurlp_linear_group *group) {
  int64_t numbers = neurlp_linear_row(group, NEURLP_LINEAR_GRAD_OUTPUT) + 1 + group->formulation.slack;
  for (int i = 0; i < NEURLP_LINEAR_ARRAYS; i++) {
    const int64_t row = neurlp_linear_row(group, (neurlp_linear_array)i);
    if (is_read(group, (neurlp_linear_array)i)) numbers += row;
    if (group->has_grad_output && i <= NEURLP_LINEAR_STEPS) numbers += row;
  }
  return numbers;
}

static neurlp_status make_piece(solving *s, int64_t room) {
  neurlp_status status = NEURLP_SUCCESS;
  piece *p = &s->piece;
  p->room = room;
  for (int i = 0; i < NEURLP_LINEAR_ARRAYS; i++) {
    const size_t row_bytes = (size_t)neurlp_linear_row(s->group, (neurlp_linear_array)i) * sizeof(double);
    if (is_read(s->group, (neurlp_linear_array)i))
      NEURLP_TRY(neurlp_allocate(s->context, room, row_bytes, &p->inputs[i]));
    if (s->group->has_grad_output && i <= NEURLP_LINEAR_STEPS)
      NEURLP_TRY(neurlp_allocate(s->context, room, row_bytes, &p->gradients[i]));
  }
  const int64_t row = neurlp_linear_row(s->group, NEURLP_LINEAR_GRAD_OUTPUT);
  NEURLP_TRY(neurlp_allocate(s->context, room, (size_t)row * sizeof(double), &p->solution));
  if (s->group->formulation.slack) NEURLP_TRY(neurlp_allocate(s->context, room, sizeof(double), &p->slack));
  NEURLP_TRY(neurlp_allocate(s->context, room, sizeof *p->status, &p->status));
  NEURLP_TRY(neurlp_allocate(s->context, room, sizeof *p->codes, &p->codes));
done:
  return status;
}

static void release_piece(neurlp_context *context, piece *p) {
  for (int i = 0; i < NEURLP_LINEAR_ARRAYS; i++) neurlp_release(context, &p->inputs[i]);
  for (int i = 0; i <= NEURLP_LINEAR_STEPS; i++) neurlp_release(context, &p->gradients[i]);
  neurlp_release(context, &p->solution);
  neurlp_release(context, &p->slack);
  neurlp_release(context, &p->status);
  neurlp_release(context, &p->codes);
}

static neurlp_status make_solver(solving *s) {
  neurlp_status status = neurlp_linear_problem_create(s->context, s->group, s->piece.room, &s->problem);
  if (status == NEURLP_SUCCESS) status = neurlp_solver_create(s->context, s->problem, &s->solver);
  return status;
}

/* Local. Solves the piece's first `count` systems and, if asked for, takes gradients. */
static neurlp_status solve_piece(solving *s, int64_t count) {
  piece *p = &s->piece;
  if (count == 0) return NEURLP_SUCCESS;
  const neurlp_inputs inputs = {.systems = count,
                                .coefficients = p->inputs[NEURLP_LINEAR_COEFFICIENTS],
                                .rhs = p->inputs[NEURLP_LINEAR_RHS],
                                .initial_values = p->inputs[NEURLP_LINEAR_INITIAL_VALUES],
                                .final_values = p->inputs[NEURLP_LINEAR_FINAL_VALUES],
                                .steps = p->inputs[NEURLP_LINEAR_STEPS]};
  neurlp_status status = neurlp_solver_solve(s->solver, &inputs, p->solution, p->status);
  if (status >= 0 && p->slack) {
    const neurlp_status slack = neurlp_solver_slack(s->solver, &inputs, p->solution, p->slack);
    if (slack < 0) return slack;
  }
  if (status < 0 || !s->group->has_grad_output) return status;
  const neurlp_gradients gradients = {.coefficients = p->gradients[NEURLP_LINEAR_COEFFICIENTS],
                                      .rhs = p->gradients[NEURLP_LINEAR_RHS],
                                      .initial_values = p->gradients[NEURLP_LINEAR_INITIAL_VALUES],
                                      .final_values = p->gradients[NEURLP_LINEAR_FINAL_VALUES],
                                      .steps = p->gradients[NEURLP_LINEAR_STEPS]};
  return neurlp_solver_adjoint(s->solver, &inputs, p->solution, p->inputs[NEURLP_LINEAR_GRAD_OUTPUT],
                               &gradients, p->status);
}

/* Collective. Writes rows of one answer. */
static neurlp_status write_rows(solving *s, neurlp_linear_answer which, int64_t first, int64_t count,
                                const void *values) {
  neurlp_array answer;
  char path[NEURLP_ANSWER_PATH_BYTES];
  neurlp_linear_answer_of(s->group, which, path, &answer);
  return neurlp_array_write_rows(s->answers, &answer, first, count, values);
}

/* Collective. Writes systems [first, first + count) of every answer. */
static neurlp_status write_piece(solving *s, int64_t first, int64_t count) {
  piece *p = &s->piece;
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < count; i++) p->codes[i] = (int32_t)p->status[i];
  NEURLP_TRY(write_rows(s, NEURLP_ANSWER_SOLUTION, first, count, p->solution));
  if (s->group->formulation.slack) NEURLP_TRY(write_rows(s, NEURLP_ANSWER_SLACK, first, count, p->slack));
  NEURLP_TRY(write_rows(s, NEURLP_ANSWER_STATUS, first, count, p->codes));
  for (int i = 0; s->group->has_grad_output && i <= NEURLP_LINEAR_STEPS; i++)
    if (neurlp_linear_row(s->group, (neurlp_linear_array)i) > 0)
      NEURLP_TRY(
          write_rows(s, neurlp_linear_gradient((neurlp_linear_array)i), first, count, p->gradients[i]));
done:
  return status;
}

/* Collective. Reads, solves and writes systems [first, first + count); count may be 0. */
static neurlp_status solve_rows(solving *s, int64_t first, int64_t count, int64_t *failed) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int i = 0; i < NEURLP_LINEAR_ARRAYS; i++)
    if (is_read(s->group, (neurlp_linear_array)i))
      NEURLP_TRY(neurlp_linear_read(s->problems, s->index, (neurlp_linear_array)i, first, count,
                                    s->piece.inputs[i]));
  const neurlp_status solved = solve_piece(s, count);
  NEURLP_TRY(neurlp_agree(s->comm, s->context, solved < 0 ? solved : NEURLP_SUCCESS));
  for (int64_t i = 0; i < count; i++) *failed += s->piece.status[i] != NEURLP_SUCCESS;
  NEURLP_TRY(write_piece(s, first, count));
done:
  return status;
}

/* Systems of a piece, all ranks together, and this rank's most of them. */
static int64_t size_piece(const solving *s, int64_t asked, int64_t *room) {
  int size = 1;
  MPI_Comm_size(s->comm, &size);
  int64_t fits = SOLVE_BYTES / 8 / numbers_per_system(s->group);
  if (fits < 1) fits = 1;
  int64_t systems = fits * size;
  if (asked > 0 && asked < systems) systems = asked;
  if (systems > s->group->shape.systems) systems = s->group->shape.systems;
  *room = (systems + size - 1) / size;
  return systems;
}

/* Collective. The systems that are left, in pieces, shared out among the ranks; each is on disk before the
 * next. */
static neurlp_status solve_pieces(solving *s, int64_t systems, int64_t complete, int64_t *failed) {
  neurlp_status status = NEURLP_SUCCESS;
  int rank = 0, size = 1;
  MPI_Comm_rank(s->comm, &rank);
  MPI_Comm_size(s->comm, &size);
  while (complete < s->group->shape.systems) {
    const int64_t left = s->group->shape.systems - complete, count = left < systems ? left : systems;
    int64_t first = 0, owned = 0, bad = 0;
    NEURLP_TRY(neurlp_linear_look(s->comm, s->context, s->answers, s->group, complete));
    neurlp_partition(count, rank, size, &first, &owned);
    NEURLP_TRY(solve_rows(s, complete + first, owned, &bad));
    MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT64_T, MPI_SUM, s->comm);
    complete += count;
    *failed += bad;
    NEURLP_TRY(neurlp_array_file_advance(s->answers, s->group->name, complete, *failed));
  }
done:
  return status;
}

/* Collective. Every rank solves systems of its own, those from `complete` on. */
static neurlp_status solve_systems(MPI_Comm comm, neurlp_context *context, neurlp_linear_file *problems,
                                   int32_t group, int64_t piece_systems, neurlp_array_file *answers,
                                   int64_t complete, int64_t *failed) {
  solving s = {.comm = comm,
               .context = context,
               .problems = problems,
               .index = group,
               .group = &problems->groups[group],
               .answers = answers};
  int64_t room = 0;
  const int64_t systems = size_piece(&s, piece_systems, &room);
  neurlp_status status = make_piece(&s, room);
  if (status == NEURLP_SUCCESS) status = make_solver(&s);
  status = neurlp_agree(comm, context, status);
  if (status == NEURLP_SUCCESS) status = solve_pieces(&s, systems, complete, failed);
  neurlp_solver_destroy(&s.solver);
  neurlp_problem_destroy(&s.problem);
  release_piece(context, &s.piece);
  return status;
}

/* Local; the same on all ranks. Whether a group's time can be divided: if not, why. */
static neurlp_status check_time(neurlp_context *context, const neurlp_linear_group *group) {
  neurlp_problem *problem = NULL;
  char reason[512];
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_linear_problem_create(context, group, 1, &problem));
  NEURLP_TRY(neurlp_long_check(context, problem));
done:
  neurlp_problem_destroy(&problem);
  if (status != NEURLP_ERROR_ARGUMENT) return status;
  snprintf(reason, sizeof reason, "%s", neurlp_context_message(context));
  return neurlp_fail(context, status, "group '%s': %s", group->name, reason);
}

/* Collective. Decides what is divided. */
static neurlp_status decide(MPI_Comm comm, neurlp_context *context, const neurlp_linear_group *group,
                            neurlp_division division, bool *time) {
  int size = 1;
  MPI_Comm_size(comm, &size);
  const bool few = group->shape.systems < size || numbers_per_system(group) > SOLVE_BYTES / 8;
  *time = false;
  if (division == NEURLP_DIVIDE_SYSTEMS || (division == NEURLP_DIVIDE_AUTO && !few)) return NEURLP_SUCCESS;
  const neurlp_status status = neurlp_agree(comm, context, check_time(context, group));
  *time = status == NEURLP_SUCCESS;
  return division == NEURLP_DIVIDE_AUTO && status == NEURLP_ERROR_ARGUMENT ? NEURLP_SUCCESS : status;
}

neurlp_status neurlp_linear_solve(MPI_Comm comm, neurlp_context *context, neurlp_linear_file *problems,
                                  int32_t group, const neurlp_linear_options *options,
                                  neurlp_array_file *answers, neurlp_linear_outcome *outcome) {
  const neurlp_linear_group *g = &problems->groups[group];
  neurlp_status status = NEURLP_SUCCESS;
  int64_t complete = 0;
  *outcome = (neurlp_linear_outcome){.failed = 0};
  NEURLP_TRY(neurlp_linear_progress(comm, context, answers, g, &complete, &outcome->failed));
  NEURLP_TRY(decide(comm, context, g, options->division, &outcome->time));
  if (outcome->time)
    NEURLP_TRY(neurlp_linear_solve_time(comm, context, problems, group, answers, complete, outcome));
  else
    NEURLP_TRY(solve_systems(comm, context, problems, group, options->piece_systems, answers, complete,
                             &outcome->failed));
  NEURLP_TRY(neurlp_linear_describe(answers, g));
done:
  return status;
}
