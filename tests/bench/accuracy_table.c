#include "bench/accuracy_table.h"

#include <math.h>
#include <string.h>

static const char *const PRECISION[ACCURACY_PRECISIONS] = {"double", "single", "mixed"};
static const char *const ROWS[ACCURACY_ROWS] = {"hermite", "smnn", "smnn, central", "mnn"};

const char *accuracy_precision_name(int32_t precision) {
  return PRECISION[precision];
}

static bool measure(neurlp_context *context, const linear_problem *problem, const accuracy_method *method,
                    double h, accuracy_error *error) {
  error->measured = true;
  error->status = accuracy_block(context, problem, method, h, &error->value);
  if (error->status >= 0) return true;
  fprintf(stderr, "the block refuses %s, order %d, %s precision: %s: %s\n", ROWS[method->rows], method->order,
          PRECISION[method->precision], neurlp_status_name(error->status), neurlp_context_message(context));
  return false;
}

static bool fill_problem(neurlp_context *context, int32_t i, accuracy_table *table) {
  const linear_problem problem = linear_problem_get(i);
  for (int32_t grid = 0; grid < ACCURACY_GRIDS; grid++) {
    const double h = ACCURACY_STEP[grid];
    table->runge_kutta[i][grid] = accuracy_runge_kutta(&problem, h);
    for (int32_t precision = 0; precision < ACCURACY_PRECISIONS; precision++)
      for (int32_t rows = 0; rows < ACCURACY_ROWS && table->precisions[precision]; rows++)
        for (int32_t d = 1; d <= ACCURACY_ORDERS; d++) {
          const accuracy_method method = {(accuracy_rows)rows, d, (neurlp_precision)precision};
          if (!accuracy_applies(&method, &problem)) continue;
          if (!measure(context, &problem, &method, h, &table->block[i][grid][precision][rows][d]))
            return false;
        }
  }
  return true;
}

bool accuracy_fill(neurlp_context *context, accuracy_table *table) {
  bool good = true;
  for (int32_t i = 0; i < LINEAR_PROBLEMS && good; i++) good = fill_problem(context, i, table);
  return good;
}

static void csv_line(FILE *file, const linear_problem *problem, int32_t grid, const char *rows, int32_t order,
                     const char *precision, const char *status, double error) {
  fprintf(file, "\"%s\",\"%s\",%g,%d,\"%s\",%d,%s,%s,%.6g,\"%s\"\n", problem->name, problem->equation,
          ACCURACY_STEP[grid], accuracy_steps(ACCURACY_STEP[grid]), rows, order, precision, status, error,
          neurlp_build_info());
}

void accuracy_write_csv(FILE *file, const accuracy_table *table) {
  fprintf(file, "problem,equation,step,steps,rows,order,precision,status,error,build\n");
  for (int32_t i = 0; i < LINEAR_PROBLEMS; i++) {
    const linear_problem problem = linear_problem_get(i);
    for (int32_t grid = 0; grid < ACCURACY_GRIDS; grid++) {
      csv_line(file, &problem, grid, "Runge-Kutta", 4, "double", "NEURLP_SUCCESS",
               table->runge_kutta[i][grid]);
      for (int32_t precision = 0; precision < ACCURACY_PRECISIONS; precision++)
        for (int32_t rows = 0; rows < ACCURACY_ROWS; rows++)
          for (int32_t d = 1; d <= ACCURACY_ORDERS; d++) {
            const accuracy_error *e = &table->block[i][grid][precision][rows][d];
            if (e->measured)
              csv_line(file, &problem, grid, ROWS[rows], d, PRECISION[precision],
                       neurlp_status_name(e->status), e->value);
          }
    }
  }
}

/* Which method a column of a table is. */
typedef struct column {
  accuracy_rows rows;
  neurlp_precision precision;
  int32_t order;
} column;

/* Errors below Runge-Kutta's are bold. */
static void write_error(FILE *file, const accuracy_error *error, double runge_kutta) {
  if (!error->measured)
    fprintf(file, " |");
  else if (error->status != NEURLP_SUCCESS)
    fprintf(file, " failed |");
  else
    fprintf(file, error->value < runge_kutta ? " **%.1e** |" : " %.1e |", error->value);
}

static void write_head(FILE *file, const column *columns, int32_t count, bool one_kind) {
  fprintf(file, "| | RK4 |");
  for (int32_t i = 0; i < count; i++)
    if (one_kind)
      fprintf(file, " d = %d |", columns[i].order);
    else
      fprintf(file, " %s d = %d |",
              columns[i].precision ? PRECISION[columns[i].precision] : ROWS[columns[i].rows],
              columns[i].order);
  fprintf(file, "\n|---|---|");
  for (int32_t i = 0; i < count; i++) fprintf(file, "---|");
  fprintf(file, "\n");
}

static void write_table(FILE *file, const accuracy_table *table, int32_t grid, const char *title,
                        const column *columns, int32_t count) {
  bool one_kind = true;
  for (int32_t i = 1; i < count; i++)
    one_kind = one_kind && columns[i].rows == columns[0].rows && columns[i].precision == columns[0].precision;
  fprintf(file, "\n%s, h = %g:\n\n", title, ACCURACY_STEP[grid]);
  write_head(file, columns, count, one_kind);
  for (int32_t i = 0; i < LINEAR_PROBLEMS; i++) {
    const linear_problem problem = linear_problem_get(i);
    fprintf(file, "| %s: %s | %.1e |", problem.name, problem.equation, table->runge_kutta[i][grid]);
    for (int32_t c = 0; c < count; c++)
      write_error(file, &table->block[i][grid][columns[c].precision][columns[c].rows][columns[c].order],
                  table->runge_kutta[i][grid]);
    fprintf(file, "\n");
  }
}

/* On how many of the problems to which order d applies it is below Runge-Kutta. */
static void write_wins(FILE *file, const accuracy_table *table, int32_t grid) {
  fprintf(file, "\nHermite rows in double precision have a smaller error than RK4 at h = %g",
          ACCURACY_STEP[grid]);
  for (int32_t d = 1; d <= ACCURACY_ORDERS; d++) {
    int32_t wins = 0, of = 0;
    for (int32_t i = 0; i < LINEAR_PROBLEMS; i++) {
      const accuracy_error *e = &table->block[i][grid][NEURLP_DOUBLE][ACCURACY_HERMITE][d];
      of += e->measured;
      wins += e->measured && e->status == NEURLP_SUCCESS && e->value < table->runge_kutta[i][grid];
    }
    fprintf(file, "%s d = %d: %d of %d", d == 1 ? " with" : ",", d, wins, of);
  }
  fprintf(file, ".\n");
}

void accuracy_write_markdown(FILE *file, const accuracy_table *table) {
  column hermite[ACCURACY_ORDERS], published[9], precisions[6];
  for (int32_t d = 1; d <= ACCURACY_ORDERS; d++)
    hermite[d - 1] = (column){ACCURACY_HERMITE, NEURLP_DOUBLE, d};
  for (int32_t i = 0; i < 9; i++)
    published[i] = (column){(accuracy_rows)(ACCURACY_SMNN + i / 3), NEURLP_DOUBLE, 2 + i % 3};
  for (int32_t i = 0; i < 6; i++)
    precisions[i] = (column){ACCURACY_HERMITE, i < 3 ? NEURLP_SINGLE : NEURLP_MIXED, 2 + i % 3};
  for (int32_t grid = 0; grid < ACCURACY_GRIDS && table->precisions[NEURLP_DOUBLE]; grid++)
    write_wins(file, table, grid);
  for (int32_t grid = 0; grid < ACCURACY_GRIDS && table->precisions[NEURLP_DOUBLE]; grid++)
    write_table(file, table, grid, "Hermite rows, double precision", hermite, ACCURACY_ORDERS);
  for (int32_t grid = 0; grid < ACCURACY_GRIDS && table->precisions[NEURLP_DOUBLE]; grid++)
    write_table(file, table, grid, "Published formulations, double precision", published, 9);
  for (int32_t grid = 0; grid < ACCURACY_GRIDS; grid++)
    if (table->precisions[NEURLP_SINGLE] && table->precisions[NEURLP_MIXED])
      write_table(file, table, grid, "Hermite rows in other precisions (RK4 in double precision)", precisions,
                  6);
}
