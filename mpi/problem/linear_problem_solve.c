#include "problem/linear_problem_solve.h"

#include "checkpoint/stop.h"
#include "comm.h"

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

int64_t neurlp_linear_answer_bytes(const neurlp_linear_group *group) {
  int64_t row_bytes =
      8 * neurlp_linear_row(group, NEURLP_LINEAR_GRAD_OUTPUT) + 4 + 8 * group->formulation.slack;
  for (int i = 0; group->has_grad_output && i <= NEURLP_LINEAR_STEPS; i++)
    row_bytes += 8 * neurlp_linear_row(group, (neurlp_linear_array)i);
  return row_bytes * group->shape.systems;
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

/* The problem as the library knows it. What it refuses is the file's fault, so it is named as such. */
static neurlp_status make_solver(solving *s) {
  neurlp_shape shape = s->group->shape;
  shape.systems = s->piece.room;
  neurlp_status status = neurlp_problem_create(s->context, &shape, &s->group->formulation, &s->problem);
  if (status == NEURLP_ERROR_ARGUMENT) {
    char reason[512];
    snprintf(reason, sizeof reason, "%s", neurlp_context_message(s->context));
    return neurlp_fail(s->context, NEURLP_ERROR_DATA, "group '%s': %s", s->group->name, reason);
  }
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
                                      .steps = p->gradients[NEURLP_LINEAR_STEPS]};
  return neurlp_solver_adjoint(s->solver, &inputs, p->solution, p->inputs[NEURLP_LINEAR_GRAD_OUTPUT],
                               &gradients, p->status);
}

/* Collective. Writes rows of one answer, shaped as `array`. */
static neurlp_status write_answer(solving *s, const char *name, const char *long_name,
                                  neurlp_linear_array array, int64_t first, int64_t count,
                                  const double *values) {
  static const char *const labels[NEURLP_LINEAR_ARRAYS][5] = {
      {"system", "step", "equation", "dimension", "derivative"},
      {"system", "step", "equation"},
      {"system", "step", "dimension", "derivative"},
      {"system", "interval", "dimension"},
      {"system", "step", "dimension", "derivative"}};
  char path[2 * NEURLP_GROUP_NAME_BYTES];
  neurlp_array answer = {
      .path = path, .type = H5T_NATIVE_DOUBLE, .units = "1", .long_name = long_name, .compress = 0};
  snprintf(path, sizeof path, "%s/%s", s->group->name, name);
  neurlp_linear_extents(s->group, array, &answer.rank, answer.extents);
  for (int32_t i = 0; i < answer.rank; i++) answer.scales[i] = labels[array][i];
  return neurlp_array_write_rows(s->answers, &answer, first, count, values);
}

/* Collective. */
static neurlp_status write_slack(solving *s, int64_t first, int64_t count) {
  char path[2 * NEURLP_GROUP_NAME_BYTES];
  snprintf(path, sizeof path, "%s/slack", s->group->name);
  const neurlp_array answer = {.path = path,
                               .type = H5T_NATIVE_DOUBLE,
                               .rank = 1,
                               .extents = {s->group->shape.systems},
                               .units = "1",
                               .long_name = "slack of the smoothness rows",
                               .scales = {"system"}};
  return neurlp_array_write_rows(s->answers, &answer, first, count, s->piece.slack);
}

/* Collective. */
static neurlp_status write_status(solving *s, int64_t first, int64_t count) {
  char path[2 * NEURLP_GROUP_NAME_BYTES];
  snprintf(path, sizeof path, "%s/status", s->group->name);
  const neurlp_array answer = {.path = path,
                               .type = H5T_NATIVE_INT32,
                               .rank = 1,
                               .extents = {s->group->shape.systems},
                               .long_name =
                                   "status of each system; the attribute `meanings` says what it means",
                               .scales = {"system"}};
  for (int64_t i = 0; i < count; i++) s->piece.codes[i] = (int32_t)s->piece.status[i];
  return neurlp_array_write_rows(s->answers, &answer, first, count, s->piece.codes);
}

/* Collective. Writes systems [first, first + count) of every answer. */
static neurlp_status write_piece(solving *s, int64_t first, int64_t count) {
  static const char *const names[] = {"grad_coefficients", "grad_rhs", "grad_initial_values", "grad_steps"};
  static const char *const long_names[] = {"gradient of sum(grad_output * solution) in coefficients",
                                           "gradient of sum(grad_output * solution) in rhs",
                                           "gradient of sum(grad_output * solution) in initial values",
                                           "gradient of sum(grad_output * solution) in steps"};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(write_answer(s, "solution", "derivatives 0 to d of each dimension at each step",
                          NEURLP_LINEAR_GRAD_OUTPUT, first, count, s->piece.solution));
  if (s->group->formulation.slack) NEURLP_TRY(write_slack(s, first, count));
  NEURLP_TRY(write_status(s, first, count));
  for (int i = 0; s->group->has_grad_output && i <= NEURLP_LINEAR_STEPS; i++)
    if (neurlp_linear_row(s->group, (neurlp_linear_array)i) > 0)
      NEURLP_TRY(write_answer(s, names[i], long_names[i], (neurlp_linear_array)i, first, count,
                              s->piece.gradients[i]));
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

/* Collective. What the numbers in `status` mean, and what was solved. */
static neurlp_status describe_group(solving *s) {
  static const neurlp_status possible[] = {NEURLP_SUCCESS, NEURLP_SINGULAR, NEURLP_NOT_FINITE};
  neurlp_status status = NEURLP_SUCCESS;
  char path[2 * NEURLP_GROUP_NAME_BYTES], meanings[512] = "";
  for (size_t i = 0; i < sizeof possible / sizeof *possible; i++)
    snprintf(meanings + strlen(meanings), sizeof meanings - strlen(meanings), "%s%d: %s", i ? "; " : "",
             (int)possible[i], neurlp_status_sentence(possible[i]));
  snprintf(path, sizeof path, "%s/status", s->group->name);
  const neurlp_formulation *formulation = &s->group->formulation;
  NEURLP_TRY(neurlp_array_attribute_text(s->answers, path, "meanings", meanings));
  NEURLP_TRY(neurlp_array_attribute_integer(s->answers, s->group->name, "order", s->group->shape.order));
  NEURLP_TRY(neurlp_array_attribute_text(s->answers, s->group->name, "smoothness",
                                         formulation->smoothness == NEURLP_SMOOTHNESS_TAYLOR ? "taylor"
                                                                                             : "hermite"));
  NEURLP_TRY(neurlp_array_attribute_integer(s->answers, s->group->name, "central", formulation->central));
  NEURLP_TRY(neurlp_array_attribute_integer(s->answers, s->group->name, "slack", formulation->slack));
  NEURLP_TRY(neurlp_array_attribute_integer(s->answers, s->group->name, "periodic", formulation->periodic));
  NEURLP_TRY(neurlp_array_attribute_text(s->answers, s->group->name, "initial",
                                         formulation->initial == NEURLP_INITIAL_HARD ? "hard" : "soft"));
  NEURLP_TRY(
      neurlp_array_attribute_number(s->answers, s->group->name, "nominal_step", formulation->nominal_step));
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

/* Collective. Systems [complete, systems of the group) in pieces, shared out among the ranks; each is on disk
 * before the next. */
static neurlp_status solve_pieces(solving *s, int64_t systems, int64_t complete, int64_t *failed) {
  neurlp_status status = NEURLP_SUCCESS;
  int rank = 0, size = 1;
  MPI_Comm_rank(s->comm, &rank);
  MPI_Comm_size(s->comm, &size);
  while (complete < s->group->shape.systems) {
    const int64_t left = s->group->shape.systems - complete, count = left < systems ? left : systems;
    int64_t first = 0, owned = 0, bad = 0;
    char words[NEURLP_GROUP_NAME_BYTES + 96];
    snprintf(words, sizeof words, "%lld of %lld systems of group '%s'", (long long)complete,
             (long long)s->group->shape.systems, s->group->name);
    NEURLP_TRY(neurlp_stop_between(s->comm, s->context, words, neurlp_array_file_partial(s->answers)));
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

neurlp_status neurlp_linear_solve(MPI_Comm comm, neurlp_context *context, neurlp_linear_file *problems,
                                  int32_t group, int64_t piece_systems, neurlp_array_file *answers,
                                  int64_t *failed) {
  solving s = {.comm = comm,
               .context = context,
               .problems = problems,
               .index = group,
               .group = &problems->groups[group],
               .answers = answers};
  int64_t room = 0, complete = 0;
  neurlp_array_file_progress(answers, s.group->name, &complete, failed);
  const int64_t systems = size_piece(&s, piece_systems, &room);
  neurlp_status status = NEURLP_SUCCESS;
  if (complete < 0 || complete > s.group->shape.systems)
    status =
        neurlp_fail(context, NEURLP_ERROR_DATA,
                    "%s: %lld systems of group '%s' are said to be complete, of %lld; remove the file to "
                    "begin anew",
                    neurlp_array_file_partial(answers), (long long)complete, s.group->name,
                    (long long)s.group->shape.systems);
  if (status == NEURLP_SUCCESS) status = make_piece(&s, room);
  if (status == NEURLP_SUCCESS) status = make_solver(&s);
  status = neurlp_agree(comm, context, status);
  if (status == NEURLP_SUCCESS) status = solve_pieces(&s, systems, complete, failed);
  if (status == NEURLP_SUCCESS) status = describe_group(&s);
  neurlp_solver_destroy(&s.solver);
  neurlp_problem_destroy(&s.problem);
  release_piece(context, &s.piece);
  return status;
}
