/* The rows of docs/math.md, section 1, as they stand there, written into a matrix. Nothing here is shared
 * with the sweep (src/block/sweep), which it is to be compared with. Rows of a system follow each other:
 * equations, soft values, smoothness, periodic ones. */
#include "petsc/batch/batch.h"

#include <math.h>

/* What is done with a row that has been written. */
typedef enum row_pass { COUNT_ROWS, COUNT_ENTRIES, WRITE } row_pass;

/* One system after the other, one row after the other. */
typedef struct writer {
  row_pass pass;
  const neurlp_shape *shape;
  const neurlp_formulation *formulation;
  double weight_equation;
  const double *arrays[NEURLP_ARRAY_INPUTS];
  neurlp_extents extents[NEURLP_ARRAY_INPUTS];
  int64_t s;              /* this rank's system */
  int32_t length;         /* its steps */
  PetscInt unknown;       /* the number of its first unknown, in all of A */
  PetscInt slack;         /* that of its slack */
  PetscInt row;           /* rows written on this rank */
  PetscInt first_row;     /* number of this rank's first row */
  PetscInt count;         /* entries of the row that is being written */
  PetscInt *columns;      /* [n + 3] */
  PetscScalar *entries;   /* [n + 3] */
  PetscInt *in_row;       /* [rows] entries of each */
  PetscInt *slack_in_row; /* likewise, of the slack: 0 or 1 */
  Mat matrix, slack_matrix;
  PetscScalar *rhs; /* [rows][R] */
} writer;

/* Where the numbers of an array for step t begin. */
static const double *numbers(const writer *w, neurlp_array array, int64_t t) {
  const neurlp_extents *e = &w->extents[array];
  return w->arrays[array] + w->s * e->system_stride + t * e->step_stride;
}

static void add_entry(writer *w, int64_t t, int64_t k, int64_t j, double entry) {
  const int64_t column = w->unknown + (t * w->shape->dimensions + k) * (w->shape->order + 1) + j;
  w->columns[w->count] = (PetscInt)column;
  w->entries[w->count++] = entry;
}

/* Ends a row that is `weight` times what has been added, with this right-hand side [R], NULL for zeros. */
static PetscErrorCode end_row(writer *w, double weight, const double *rhs, bool slack) {
  const PetscInt row = w->first_row + w->row;
  PetscFunctionBegin;
  if (w->pass == COUNT_ENTRIES) {
    w->in_row[w->row] = w->count;
    w->slack_in_row[w->row] = slack;
  }
  if (w->pass == WRITE) {
    for (PetscInt i = 0; i < w->count; i++) w->entries[i] *= weight;
    PetscCall(MatSetValues(w->matrix, 1, &row, w->count, w->columns, w->entries, INSERT_VALUES));
    if (slack) PetscCall(MatSetValue(w->slack_matrix, row, w->slack, weight, INSERT_VALUES));
    for (int64_t r = 0; rhs && r < w->shape->columns; r++)
      w->rhs[(int64_t)w->row * w->shape->columns + r] = weight * rhs[r];
  }
  w->row++;
  w->count = 0;
  PetscFunctionReturn(0);
}

/* (1) */
static PetscErrorCode write_equations(writer *w) {
  const int64_t D = w->shape->dimensions, E = w->shape->equations, R = w->shape->columns;
  const int64_t width = w->shape->order + 1;
  PetscFunctionBegin;
  for (int64_t t = 0; t < w->length; t++)
    for (int64_t e = 0; e < E; e++) {
      const double *c = numbers(w, NEURLP_ARRAY_COEFFICIENTS, t) + e * D * width;
      for (int64_t k = 0; k < D; k++)
        for (int64_t j = 0; j < width; j++) add_entry(w, t, k, j, c[k * width + j]);
      PetscCall(end_row(w, w->weight_equation, numbers(w, NEURLP_ARRAY_RHS, t) + e * R, false));
    }
  PetscFunctionReturn(0);
}

/* (2), (2a): values of J derivatives at step t. */
static PetscErrorCode write_values(writer *w, const double *values, int64_t J, int64_t t) {
  const int64_t D = w->shape->dimensions, R = w->shape->columns;
  PetscFunctionBegin;
  for (int64_t k = 0; k < D; k++)
    for (int64_t j = 0; j < J; j++) {
      add_entry(w, t, k, j, 1);
      PetscCall(end_row(w, w->formulation->weight_initial, values + (k * J + j) * R, false));
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode write_soft_values(writer *w) {
  const neurlp_shape *z = w->shape;
  PetscFunctionBegin;
  if (w->formulation->initial == NEURLP_INITIAL_HARD) PetscFunctionReturn(0);
  for (int64_t t = 0; t < z->initial_steps && z->initial_derivatives > 0; t++)
    PetscCall(write_values(w, numbers(w, NEURLP_ARRAY_INITIAL_VALUES, t), z->initial_derivatives, t));
  if (z->final_derivatives > 0)
    PetscCall(write_values(w, numbers(w, NEURLP_ARRAY_FINAL_VALUES, 0), z->final_derivatives, w->length - 1));
  PetscFunctionReturn(0);
}

static double factorial(int64_t i) {
  return i < 2 ? 1 : (double)i * factorial(i - 1);
}

/* (3), (4) */
static PetscErrorCode write_hermite(writer *w, int64_t t, int64_t k, double h) {
  const int64_t d = w->shape->order;
  const double weight = w->formulation->weight_smoothness;
  PetscFunctionBegin;
  for (int64_t i = 0; i < d; i++) {
    const int64_t m = d - i;
    for (int64_t q = 0; q <= m; q++) {
      const double a =
          factorial(2 * m - q) * factorial(m) / (factorial(2 * m) * factorial(q) * factorial(m - q));
      add_entry(w, t, k, i + q, a * pow(h, (double)(i + q)));
      add_entry(w, t + 1, k, i + q, (q % 2 ? 1 : -1) * a * pow(h, (double)(i + q)));
    }
    PetscCall(end_row(w, weight, NULL, w->formulation->slack));
  }
  add_entry(w, t, k, d, pow(h, (double)d));
  add_entry(w, t + 1, k, d, -pow(h, (double)d));
  PetscCall(end_row(w, weight * w->formulation->weight_top, NULL, w->formulation->slack));
  PetscFunctionReturn(0);
}

/* (4a): an expansion about each end, `from` and `to` being the interval's ends, h the way there. */
static PetscErrorCode write_taylor(writer *w, int64_t from, int64_t to, int64_t k, double h) {
  const int64_t d = w->shape->order, last = w->formulation->central ? d - 1 : d;
  PetscFunctionBegin;
  for (int64_t i = 0; i <= last; i++) {
    for (int64_t j = i; j <= d; j++) add_entry(w, from, k, j, pow(h, (double)j) / factorial(j - i));
    add_entry(w, to, k, i, -pow(h, (double)i));
    PetscCall(end_row(w, w->formulation->weight_smoothness, NULL, w->formulation->slack));
  }
  PetscFunctionReturn(0);
}

/* (4b) around step t + 1, with s = h[t] + h[t+1] */
static PetscErrorCode write_central(writer *w, int64_t t, int64_t k, double s) {
  const int64_t d = w->shape->order;
  PetscFunctionBegin;
  add_entry(w, t + 2, k, d - 1, pow(s, (double)(d - 2)));
  add_entry(w, t, k, d - 1, -pow(s, (double)(d - 2)));
  add_entry(w, t + 1, k, d, -pow(s, (double)(d - 1)));
  PetscCall(end_row(w, w->formulation->weight_smoothness, NULL, w->formulation->slack));
  PetscFunctionReturn(0);
}

static double step_size(const writer *w, int64_t t, int64_t k) {
  return numbers(w, NEURLP_ARRAY_STEPS, t)[w->shape->steps_per_dimension ? k : 0];
}

static PetscErrorCode write_smoothness(writer *w) {
  const neurlp_formulation *f = w->formulation;
  PetscFunctionBegin;
  for (int64_t t = 0; t + 1 < w->length; t++)
    for (int64_t k = 0; k < w->shape->dimensions; k++) {
      const double h = step_size(w, t, k);
      if (f->smoothness == NEURLP_SMOOTHNESS_HERMITE) PetscCall(write_hermite(w, t, k, h));
      if (f->smoothness == NEURLP_SMOOTHNESS_TAYLOR) {
        PetscCall(write_taylor(w, t, t + 1, k, h));
        PetscCall(write_taylor(w, t + 1, t, k, -h));
      }
      if (f->central && t + 2 < w->length) PetscCall(write_central(w, t, k, h + step_size(w, t + 1, k)));
    }
  PetscFunctionReturn(0);
}

/* (4c) */
static PetscErrorCode write_periodic(writer *w) {
  PetscFunctionBegin;
  if (!w->formulation->periodic) PetscFunctionReturn(0);
  for (int64_t k = 0; k < w->shape->dimensions; k++)
    for (int64_t j = 0; j < w->shape->order; j++) {
      add_entry(w, 0, k, j, 1);
      add_entry(w, w->length - 1, k, j, -1);
      PetscCall(end_row(w, 1, NULL, false));
    }
  PetscFunctionReturn(0);
}

/* All systems of this rank. */
static PetscErrorCode go_through(const neurlp_petsc_batch *b, writer *w, row_pass pass) {
  const neurlp_shape *z = &b->shape;
  const PetscInt n = (PetscInt)(z->dimensions * (z->order + 1)), first = b->starts[b->rank];
  PetscFunctionBegin;
  w->pass = pass;
  w->row = 0;
  for (w->s = 0; w->s < z->systems; w->s++) {
    w->length = b->lengths ? b->lengths[w->s] : z->steps;
    w->slack = first + (PetscInt)w->s;
    w->unknown = w->slack * z->steps * n;
    PetscCall(write_equations(w));
    PetscCall(write_soft_values(w));
    PetscCall(write_smoothness(w));
    PetscCall(write_periodic(w));
  }
  PetscFunctionReturn(0);
}

/* A matrix with this many rows and columns here, all entries of a row being of this rank's systems. */
static PetscErrorCode make_matrix(const neurlp_petsc_batch *b, PetscInt rows, PetscInt columns,
                                  const PetscInt *in_row, Mat *matrix) {
  PetscFunctionBegin;
  PetscCall(MatCreate(neurlp_batch_comm(b), matrix));
  PetscCall(MatSetSizes(*matrix, rows, columns, PETSC_DETERMINE, PETSC_DETERMINE));
  PetscCall(MatSetType(*matrix, MATAIJ));
  PetscCall(MatSeqAIJSetPreallocation(*matrix, 0, in_row));
  PetscCall(MatMPIAIJSetPreallocation(*matrix, 0, in_row, 0, NULL));
  PetscFunctionReturn(0);
}

/* Makes and fills the matrices of u and, where there is one, of the slack, and the right-hand side. */
static PetscErrorCode fill(const neurlp_petsc_batch *b, writer *w, Vec *rhs) {
  const MPI_Comm comm = neurlp_batch_comm(b);
  const neurlp_shape *z = w->shape;
  PetscInt unknowns, systems, numbers;
  PetscFunctionBegin;
  PetscCall(PetscIntCast(z->systems * z->steps * z->dimensions * (z->order + 1), &unknowns));
  PetscCall(PetscIntCast(z->systems, &systems));
  PetscCall(go_through(b, w, COUNT_ROWS));
  const PetscInt rows = w->row;
  PetscCall(PetscMalloc2((size_t)rows, &w->in_row, (size_t)rows, &w->slack_in_row));
  PetscCall(go_through(b, w, COUNT_ENTRIES));
  PetscCall(make_matrix(b, rows, unknowns, w->in_row, &w->matrix));
  if (w->formulation->slack) PetscCall(make_matrix(b, rows, systems, w->slack_in_row, &w->slack_matrix));
  PetscCall(MatGetOwnershipRange(w->matrix, &w->first_row, NULL));
  PetscCall(PetscIntCast((int64_t)rows * z->columns, &numbers));
  PetscCall(VecCreateMPI(comm, numbers, PETSC_DETERMINE, rhs));
  PetscCall(VecSetBlockSize(*rhs, z->columns));
  PetscCall(VecGetArrayWrite(*rhs, &w->rhs));
  PetscCall(PetscArrayzero(w->rhs, (size_t)numbers));
  PetscCall(go_through(b, w, WRITE));
  PetscCall(VecRestoreArrayWrite(*rhs, &w->rhs));
  const Mat made[] = {w->matrix, w->slack_matrix};
  for (int i = 0; i < 2 && made[i]; i++) {
    PetscCall(MatAssemblyBegin(made[i], MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(made[i], MAT_FINAL_ASSEMBLY));
  }
  PetscCall(PetscFree2(w->in_row, w->slack_in_row));
  PetscFunctionReturn(0);
}

/* What is needed has to be there: of all ranks' systems, so that ranks without any say so, too. */
static PetscErrorCode check_arrays(const neurlp_petsc_batch *b, const neurlp_petsc_arrays *inputs) {
  static const char *const names[] = {"coefficients", "rhs", "initial_values", "final_values", "steps"};
  const int64_t systems = b->starts[b->ranks];
  Vec vecs[NEURLP_ARRAY_INPUTS];
  PetscFunctionBegin;
  neurlp_batch_list(inputs, vecs);
  for (int i = 0; i < NEURLP_ARRAY_INPUTS; i++)
    PetscCheck(
        vecs[i] || neurlp_array_numbers(neurlp_array_extents(&b->shape, (neurlp_array)i), systems) == 0,
        neurlp_batch_comm(b), PETSC_ERR_ARG_NULL, "inputs.%s is NULL, but this problem needs it", names[i]);
  PetscFunctionReturn(0);
}

/* The rows of the formulation alone, known unknowns and all. */
static PetscErrorCode write_rows(const neurlp_petsc_batch *b, const neurlp_inputs *in, Mat *matrix,
                                 Mat *slack, Vec *rhs) {
  const neurlp_formulation *f = &b->formulation;
  const size_t most = (size_t)(b->shape.dimensions * (b->shape.order + 1)) + (size_t)b->shape.order + 3;
  writer w = {.shape = &b->shape,
              .formulation = f,
              .weight_equation =
                  f->weight_equation != 0 ? f->weight_equation : pow(f->nominal_step, f->leading_derivative),
              .arrays = {in->coefficients, in->rhs, in->initial_values, in->final_values, in->steps}};
  PetscFunctionBegin;
  for (int i = 0; i < NEURLP_ARRAY_INPUTS; i++)
    w.extents[i] = neurlp_array_extents(&b->shape, (neurlp_array)i);
  PetscCall(PetscMalloc2(most, &w.columns, most, &w.entries));
  PetscCall(fill(b, &w, rhs));
  PetscCall(PetscFree2(w.columns, w.entries));
  *matrix = w.matrix;
  *slack = w.slack_matrix;
  PetscFunctionReturn(0);
}

/* ---- rows below each other --------------------------------------------------------------------------- */

/* The caller's rows, without known unknowns, as copies of ours. */
static PetscErrorCode take_extra(const neurlp_petsc_batch *b, const batch_known *known, Mat extra,
                                 Vec extra_rhs, Mat *rows, Vec *rhs) {
  const MPI_Comm comm = neurlp_batch_comm(b);
  const PetscInt R = b->shape.columns;
  PetscInt height, width, unknowns, numbers;
  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(known->free, &unknowns));
  PetscCall(MatGetLocalSize(extra, &height, &width));
  PetscCheck(width == unknowns, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "the extra rows have %" PetscInt_FMT
             " columns on this rank, and its systems [S][T][D][d+1] = %" PetscInt_FMT " unknowns",
             width, unknowns);
  PetscCall(MatConvert(extra, MATAIJ, MAT_INITIAL_MATRIX, rows));
  PetscCall(VecCreateMPI(comm, height * R, PETSC_DETERMINE, rhs));
  PetscCall(VecSet(*rhs, 0));
  if (extra_rhs) {
    PetscCall(VecGetLocalSize(extra_rhs, &numbers));
    PetscCheck(numbers == height * R, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
               "the right-hand side of the extra rows has %" PetscInt_FMT
               " numbers on this rank; [rows][R] makes %" PetscInt_FMT,
               numbers, height * R);
    PetscCall(VecCopy(extra_rhs, *rhs));
  }
  PetscCall(neurlp_batch_known_remove(b, known, *rows, *rhs));
  PetscFunctionReturn(0);
}

/* One Vec whose part of each rank is those of `parts`, one after the other; NULL is none. */
static PetscErrorCode join_vecs(const neurlp_petsc_batch *b, const Vec parts[3], Vec *whole) {
  PetscInt sizes[3] = {0}, size = 0, at = 0;
  PetscScalar *to;
  PetscFunctionBegin;
  for (int i = 0; i < 3; i++) {
    if (parts[i]) PetscCall(VecGetLocalSize(parts[i], &sizes[i]));
    size += sizes[i];
  }
  PetscCall(VecCreateMPI(neurlp_batch_comm(b), size, PETSC_DETERMINE, whole));
  PetscCall(VecSetBlockSize(*whole, b->shape.columns));
  PetscCall(VecGetArrayWrite(*whole, &to));
  for (int i = 0; i < 3; at += sizes[i++]) {
    const PetscScalar *from;
    if (!parts[i]) continue;
    PetscCall(VecGetArrayRead(parts[i], &from));
    PetscCall(PetscArraycpy(to + at, from, (size_t)sizes[i]));
    PetscCall(VecRestoreArrayRead(parts[i], &from));
  }
  PetscCall(VecRestoreArrayWrite(*whole, &to));
  PetscFunctionReturn(0);
}

/* The same for matrices: rows below each other, with the slack's columns, if there are any, beside the first.
 */
static PetscErrorCode join_matrices(const neurlp_petsc_batch *b, const Mat parts[3], Mat slack, Mat *whole) {
  const PetscInt across = slack ? 2 : 1;
  PetscInt down = 0;
  Mat blocks[6], nest;
  PetscFunctionBegin;
  for (int i = 0; i < 3; i++) {
    if (!parts[i]) continue;
    blocks[down * across] = parts[i];
    if (slack) blocks[down * across + 1] = i == 0 ? slack : NULL;
    down++;
  }
  PetscCall(MatCreateNest(neurlp_batch_comm(b), down, NULL, across, NULL, blocks, &nest));
  PetscCall(MatConvert(nest, MATAIJ, MAT_INITIAL_MATRIX, whole));
  PetscCall(MatDestroy(&nest));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_rows(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs,
                                       Mat extra, Vec extra_rhs, Mat *matrix, Vec *rhs) {
  const PetscLogEvent event = neurlp_batch_events.rows;
  Mat parts[3] = {NULL}, slack;
  Vec sides[3] = {NULL};
  batch_known known;
  neurlp_inputs in;
  PetscFunctionBegin;
  PetscCall(neurlp_petsc_batch_set_up(batch));
  PetscCall(check_arrays(batch, inputs));
  PetscCall(PetscLogEventBegin(event, batch, 0, 0, 0));
  PetscCall(neurlp_batch_lend_inputs(batch, inputs, PETSC_FALSE, &in));
  PetscCall(write_rows(batch, &in, &parts[0], &slack, &sides[0]));
  PetscCall(neurlp_batch_known_create(batch, &in, &known));
  PetscCall(neurlp_batch_return_inputs(batch));
  PetscCall(neurlp_batch_known_remove(batch, &known, parts[0], sides[0]));
  if (extra) PetscCall(take_extra(batch, &known, extra, extra_rhs, &parts[1], &sides[1]));
  if (known.all > 0) PetscCall(neurlp_batch_known_rows(batch, &known, &parts[2], &sides[2]));
  PetscCall(join_matrices(batch, parts, slack, matrix));
  PetscCall(join_vecs(batch, sides, rhs));
  PetscCall(neurlp_batch_known_destroy(&known));
  PetscCall(MatDestroy(&slack));
  for (int i = 0; i < 3; i++) {
    PetscCall(MatDestroy(&parts[i]));
    PetscCall(VecDestroy(&sides[i]));
  }
  PetscCall(PetscLogEventEnd(event, batch, 0, 0, 0));
  PetscFunctionReturn(0);
}
