#include "long_batch.h"

#include "comm.h"

#include <stdlib.h>
#include <string.h>

typedef struct memory {
  MPI_Comm comm;
  int rank;
  neurlp_context *context;
  test_batch *batch;
  int64_t *written; /* [T] how often each step of the solution was */
  int32_t reads, writes;
  int64_t again;
  const long_fault *fault;
} memory;

static bool is_single(const test_batch *batch) {
  return batch->shape.precision == NEURLP_SINGLE;
}

/* Between the batch's doubles and a slab's numbers. */
static void give(const memory *m, void *slab, int64_t place, const double *from, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (is_single(m->batch))
      ((float *)slab)[place + i] = (float)from[i];
    else
      ((double *)slab)[place + i] = from[i];
}

static void take(const memory *m, const void *slab, int64_t place, double *to, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    to[i] =
        is_single(m->batch) ? (double)((const float *)slab)[place + i] : ((const double *)slab)[place + i];
}

static void give_array(const memory *m, int32_t i, void *slab, int64_t first, int64_t steps) {
  const test_array *array = &m->batch->arrays[i];
  const bool constant = array->step_stride == 0;
  if (batch_count(array) > 0)
    give(m, slab, 0, array->numbers + (constant ? 0 : first * array->each),
         (constant ? 1 : steps) * array->each);
}

static int64_t each_step(const test_batch *batch) {
  return batch->size_solution / batch->shape.steps;
}

/* Whether this call is the one that fails on some rank; then all know. */
static neurlp_status meet_fault(memory *m, int32_t call, int32_t failing) {
  neurlp_status status = NEURLP_SUCCESS;
  if (failing > 0 && call == failing && m->rank == m->fault->rank)
    status = neurlp_fail(m->context, NEURLP_ERROR_IO, "the test makes this call fail");
  return neurlp_agree(m->comm, m->context, status);
}

static neurlp_status read_slab(void *user, const neurlp_long_slab *slab) {
  memory *m = user;
  const test_batch *batch = m->batch;
  if (slab->length > 0) {
    give_array(m, COEFFICIENTS, slab->coefficients, slab->first_step, slab->length);
    give_array(m, RHS, slab->rhs, slab->first_step, slab->length);
    give_array(m, STEPS, slab->steps, slab->first_step, slab->length - 1);
    if (slab->first_step == 0)
      give_array(m, INITIAL_VALUES, slab->initial_values, 0, batch->shape.initial_steps);
    if (slab->grad_output)
      give(m, slab->grad_output, 0, batch->grad_output + slab->first_step * each_step(batch),
           slab->length * each_step(batch));
  }
  if (slab->final_values) give_array(m, FINAL_VALUES, slab->final_values, 0, 1);
  return meet_fault(m, ++m->reads, m->fault->read);
}

static void take_array(const memory *m, int32_t i, const void *slab, int64_t first, int64_t from,
                       int64_t steps) {
  const test_array *array = &m->batch->arrays[i];
  if (slab && array->step_stride > 0)
    take(m, slab, from * array->each, array->gradient + (first + from) * array->each,
         (steps - from) * array->each);
}

static neurlp_status write_slab(void *user, const neurlp_long_slab *slab, const neurlp_long_writing *what) {
  memory *m = user;
  test_batch *batch = m->batch;
  const int64_t each = each_step(batch), first = slab->first_step, own = slab->first_own, T = slab->length;
  if (T > 0) {
    take_array(m, COEFFICIENTS, slab->gradients.coefficients, first, own, T);
    take_array(m, RHS, slab->gradients.rhs, first, own, T);
    take_array(m, STEPS, slab->gradients.steps, first, 0, T - 1);
    if (first == 0)
      take_array(m, INITIAL_VALUES, slab->gradients.initial_values, 0, 0, batch->shape.initial_steps);
    if (what->solution)
      take(m, slab->solution, own * each, batch->solution + (first + own) * each, (T - own) * each);
    for (int64_t t = own; t < T && !what->again; t++) m->written[first + t]++;
    m->again += what->again;
  }
  return meet_fault(m, ++m->writes, m->fault->write);
}

/* What several ranks have written parts of, zeros elsewhere: no bit is lost. */
static void put_together(MPI_Comm comm, double *numbers, int64_t count) {
  MPI_Allreduce(MPI_IN_PLACE, numbers, (int)(count * (int64_t)sizeof *numbers), MPI_BYTE, MPI_BOR, comm);
}

/* Gradients of what is constant in time, and of final values, are on every rank. */
static void take_constant(const memory *m, int32_t i, const void *gradient) {
  const test_array *array = &m->batch->arrays[i];
  if (gradient) take(m, gradient, 0, array->gradient, array->each);
}

static void collect(memory *m, long_answer *answer) {
  test_batch *batch = m->batch;
  put_together(m->comm, batch->solution, batch->size_solution);
  for (int32_t i = 0; i < ARRAYS; i++)
    if (batch->arrays[i].step_stride > 0)
      put_together(m->comm, batch->arrays[i].gradient, batch_count(&batch->arrays[i]));
  MPI_Allreduce(MPI_IN_PLACE, m->written, batch->shape.steps, MPI_INT64_T, MPI_SUM, m->comm);
  for (int64_t t = 0; t < batch->shape.steps; t++) answer->written_wrongly += m->written[t] != 1;
  answer->again = m->again;
}

static void clear(test_batch *batch) {
  memset(batch->solution, 0, (size_t)batch->size_solution * sizeof(double));
  for (int32_t i = 0; i < ARRAYS; i++)
    for (int64_t p = 0; p < batch_count(&batch->arrays[i]); p++) batch->arrays[i].gradient[p] = 0;
}

long_answer long_batch_run(MPI_Comm comm, test_batch *batch, int32_t threads, int64_t slab_bytes,
                           const long_fault *fault) {
  static const long_fault none;
  long_answer answer = {0};
  neurlp_problem *problem = NULL;
  neurlp_long_result result = {0};
  memory m = {.comm = comm, .batch = batch, .fault = fault ? fault : &none};
  const neurlp_long_io io = {.user = &m, .read = read_slab, .write = write_slab};
  const neurlp_long_options options = {.gradients = true, .slab_bytes = slab_bytes};
  MPI_Comm_rank(comm, &m.rank);
  m.written = calloc((size_t)batch->shape.steps, sizeof *m.written);
  clear(batch);
  answer.call = neurlp_context_create(threads, &m.context);
  if (answer.call == NEURLP_SUCCESS)
    answer.call = neurlp_problem_create(m.context, &batch->shape, &batch->formulation, &problem);
  if (answer.call == NEURLP_SUCCESS)
    answer.call = neurlp_long_solve(comm, m.context, problem, &io, &options, &result);
  if (answer.call == NEURLP_SUCCESS) {
    take_constant(&m, COEFFICIENTS, result.grad_coefficients);
    take_constant(&m, RHS, result.grad_rhs);
    take_constant(&m, STEPS, result.grad_steps);
    take_constant(&m, FINAL_VALUES, result.grad_final_values);
    collect(&m, &answer);
  }
  answer.status = result.status;
  answer.solve = result.solve;
  answer.adjoint = result.adjoint;
  answer.pieces = result.pieces;
  answer.own_pieces = result.own_pieces;
  neurlp_long_release(m.context, &result);
  neurlp_problem_destroy(&problem);
  neurlp_context_destroy(&m.context);
  free(m.written);
  return answer;
}
