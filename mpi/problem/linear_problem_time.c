#include "problem/linear_problem_time.h"

#include "comm.h"
#include "problem/linear_problem_answer.h"
#include "time/long_system.h"

/* Where one system's slabs come from and go to. */
typedef struct timed {
  neurlp_context *context;
  int rank;
  neurlp_linear_file *problems;
  int32_t index;
  const neurlp_linear_group *group;
  neurlp_array_file *answers;
  int64_t system;
} timed;

/* Collective. */
static neurlp_status read_slab(void *user, const neurlp_long_slab *slab) {
  const timed *t = user;
  const int64_t first = slab->first_step, length = slab->length;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_linear_read_steps(t->problems, t->index, NEURLP_LINEAR_COEFFICIENTS, t->system, first,
                                      length, slab->coefficients));
  NEURLP_TRY(neurlp_linear_read_steps(t->problems, t->index, NEURLP_LINEAR_RHS, t->system, first, length,
                                      slab->rhs));
  NEURLP_TRY(neurlp_linear_read_steps(t->problems, t->index, NEURLP_LINEAR_STEPS, t->system, first,
                                      length > 0 ? length - 1 : 0, slab->steps));
  NEURLP_TRY(neurlp_linear_read(t->problems, t->index, NEURLP_LINEAR_INITIAL_VALUES, t->system,
                                length > 0 && first == 0, slab->initial_values));
  if (neurlp_linear_row(t->group, NEURLP_LINEAR_FINAL_VALUES) > 0)
    NEURLP_TRY(neurlp_linear_read(t->problems, t->index, NEURLP_LINEAR_FINAL_VALUES, t->system,
                                  slab->final_values != NULL, slab->final_values));
  if (t->group->has_grad_output)
    NEURLP_TRY(neurlp_linear_read_steps(t->problems, t->index, NEURLP_LINEAR_GRAD_OUTPUT, t->system, first,
                                        length, slab->grad_output));
done:
  return status;
}

/* Collective. Writes steps [own, length) of a slab's array, `each` numbers each. */
static neurlp_status write_steps(const timed *t, neurlp_linear_answer which, const neurlp_long_slab *slab,
                                 int64_t own, int64_t length, bool again, const double *values) {
  char path[NEURLP_ANSWER_PATH_BYTES];
  neurlp_array answer;
  neurlp_linear_answer_of(t->group, which, path, &answer);
  answer.covered = true;
  answer.again = again;
  int64_t each = 1;
  for (int32_t i = 2; i < answer.rank; i++) each *= answer.extents[i];
  if (slab->length == 0) return neurlp_array_write_steps(t->answers, &answer, t->system, 0, 0, NULL);
  return neurlp_array_write_steps(t->answers, &answer, t->system, slab->first_step + own, length - own,
                                  values + own * each);
}

/* Collective. Writes the row of this system, from the rank that has it. */
static neurlp_status write_row(const timed *t, neurlp_linear_answer which, bool own, bool again,
                               const void *values) {
  char path[NEURLP_ANSWER_PATH_BYTES];
  neurlp_array answer;
  neurlp_linear_answer_of(t->group, which, path, &answer);
  answer.covered = true;
  answer.again = again;
  return neurlp_array_write_rows(t->answers, &answer, t->system, own, values);
}

/* Whether an input has numbers, and those of each step are its own. */
static bool is_varying(const timed *t, neurlp_linear_array array) {
  const neurlp_shape *shape = &t->group->shape;
  const neurlp_sharing sharing = array == NEURLP_LINEAR_COEFFICIENTS ? shape->coefficients_sharing
                                 : array == NEURLP_LINEAR_RHS        ? shape->rhs_sharing
                                                                     : shape->steps_sharing;
  return sharing == NEURLP_VARYING;
}

/* Collective. */
static neurlp_status write_gradients(const timed *t, const neurlp_long_slab *slab, bool again) {
  const int64_t own = slab->first_own, length = slab->length;
  const neurlp_gradients *g = &slab->gradients;
  neurlp_status status = NEURLP_SUCCESS;
  if (is_varying(t, NEURLP_LINEAR_COEFFICIENTS))
    NEURLP_TRY(write_steps(t, NEURLP_ANSWER_GRAD_COEFFICIENTS, slab, own, length, again, g->coefficients));
  if (is_varying(t, NEURLP_LINEAR_RHS))
    NEURLP_TRY(write_steps(t, NEURLP_ANSWER_GRAD_RHS, slab, own, length, again, g->rhs));
  if (is_varying(t, NEURLP_LINEAR_STEPS))
    NEURLP_TRY(write_steps(t, NEURLP_ANSWER_GRAD_STEPS, slab, 0, length - 1, again, g->steps));
  if (neurlp_linear_row(t->group, NEURLP_LINEAR_INITIAL_VALUES) > 0)
    NEURLP_TRY(write_row(t, NEURLP_ANSWER_GRAD_INITIAL_VALUES, length > 0 && slab->first_step == 0, again,
                         g->initial_values));
done:
  return status;
}

/* Collective. */
static neurlp_status write_slab(void *user, const neurlp_long_slab *slab, const neurlp_long_writing *what) {
  const timed *t = user;
  neurlp_status status = NEURLP_SUCCESS;
  if (what->solution)
    NEURLP_TRY(write_steps(t, NEURLP_ANSWER_SOLUTION, slab, slab->first_own, slab->length, what->again,
                           slab->solution));
  if (what->gradients) NEURLP_TRY(write_gradients(t, slab, what->again));
done:
  return status;
}

/* Collective. What is not written slab by slab. */
static neurlp_status write_rest(const timed *t, const neurlp_long_result *result) {
  const int32_t code = (int32_t)result->status;
  const bool first = t->rank == 0, gradients = t->group->has_grad_output;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(write_row(t, NEURLP_ANSWER_STATUS, first, false, &code));
  if (gradients && result->grad_final_values)
    NEURLP_TRY(write_row(t, NEURLP_ANSWER_GRAD_FINAL_VALUES, first, false, result->grad_final_values));
  if (gradients && !is_varying(t, NEURLP_LINEAR_COEFFICIENTS))
    NEURLP_TRY(write_row(t, NEURLP_ANSWER_GRAD_COEFFICIENTS, first, false, result->grad_coefficients));
  if (gradients && !is_varying(t, NEURLP_LINEAR_RHS))
    NEURLP_TRY(write_row(t, NEURLP_ANSWER_GRAD_RHS, first, false, result->grad_rhs));
  if (gradients && !is_varying(t, NEURLP_LINEAR_STEPS))
    NEURLP_TRY(write_row(t, NEURLP_ANSWER_GRAD_STEPS, first, false, result->grad_steps));
done:
  return status;
}

/* Collective. One system. */
static neurlp_status solve_system(MPI_Comm comm, timed *t, const neurlp_problem *problem,
                                  neurlp_linear_outcome *outcome) {
  const neurlp_long_io io = {.user = t, .read = read_slab, .write = write_slab};
  const neurlp_long_options options = {.gradients = t->group->has_grad_output};
  neurlp_long_result result = {0};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_long_solve(comm, t->context, problem, &io, &options, &result));
  NEURLP_TRY(write_rest(t, &result));
  outcome->failed += result.status != NEURLP_SUCCESS;
  outcome->pieces = result.pieces;
  outcome->messages += result.solve.messages + result.adjoint.messages;
  outcome->bytes += result.solve.bytes + result.adjoint.bytes;
  outcome->memory_bytes = result.memory_bytes;
done:
  neurlp_long_release(t->context, &result);
  return status;
}

neurlp_status neurlp_linear_solve_time(MPI_Comm comm, neurlp_context *context, neurlp_linear_file *problems,
                                       int32_t group, neurlp_array_file *answers, int64_t complete,
                                       neurlp_linear_outcome *outcome) {
  timed t = {.context = context,
             .problems = problems,
             .index = group,
             .group = &problems->groups[group],
             .answers = answers};
  neurlp_problem *problem = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  MPI_Comm_rank(comm, &t.rank);
  NEURLP_TRY(neurlp_agree(comm, context, neurlp_linear_problem_create(context, t.group, 1, &problem)));
  for (t.system = complete; t.system < t.group->shape.systems; t.system++) {
    NEURLP_TRY(neurlp_linear_look(comm, context, answers, t.group, t.system));
    NEURLP_TRY(solve_system(comm, &t, problem, outcome));
    NEURLP_TRY(neurlp_array_file_advance(answers, t.group->name, t.system + 1, outcome->failed));
  }
  MPI_Allreduce(MPI_IN_PLACE, &outcome->messages, 1, MPI_INT64_T, MPI_SUM, comm);
  MPI_Allreduce(MPI_IN_PLACE, &outcome->bytes, 1, MPI_INT64_T, MPI_SUM, comm);
  MPI_Allreduce(MPI_IN_PLACE, &outcome->memory_bytes, 1, MPI_INT64_T, MPI_MAX, comm);
done:
  neurlp_problem_destroy(&problem);
  return status;
}
