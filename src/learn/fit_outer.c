/* The outer problem of a fit for another library's solver. Initial values of windows are eliminated: at any
 * parameters they are moved by Gauss-Newton until that brings nothing, and what triangles then have in the
 * columns of the parameters is the residual in a frame of its own, y - R (x' - x) and the rest, of which a
 * solver needs |f|^2, J^T f and J^T J only: these do not depend on the frame (docs/math.md, section 7). */
#include "core/triangle.h"
#include "learn/fit_work.h"

#include <math.h>
#include <string.h>

/* Moves of initial values at given parameters; a decrease that is too small for another. */
enum { MOST_MOVES = 10 };
static const double NO_GAIN = 1e-13;

/* A step below so many standard errors cannot be seen; as in fit_iterate.c. */
static const double SMALL_STEP = 1e-3;

typedef struct outer {
  neurlp_fit *fit;
  double strictness;
  int32_t unknowns;
  int32_t *column;       /* [unknowns] of the triangle */
  double *lower, *upper; /* [unknowns] */
  double *x;             /* [unknowns] */
} outer;

static int32_t parameter_of(const outer *o, int32_t i) {
  return o->fit->work->column_parameter[o->column[i]];
}

/* Tries parameters x, and initial values as the last triangles have them best for these. */
static neurlp_status try_move(const outer *o, const double *x) {
  neurlp_fit *fit = o->fit;
  const size_t bytes = (size_t)fit->model->parameters * sizeof(double);
  memset(fit->step, 0, bytes);
  memcpy(fit->trial_theta, fit->theta, bytes);
  for (int32_t i = 0; i < o->unknowns; i++) {
    const int32_t p = parameter_of(o, i);
    fit->trial_theta[p] = x[i];
    fit->step[p] = x[i] - fit->theta[p];
  }
  neurlp_fit_select(fit, NULL);
  return neurlp_fit_evaluate(fit, fit->work->backend->step_initial(fit), NEURLP_FIT_TRIAL);
}

static neurlp_status take_move(const outer *o) {
  neurlp_fit *fit = o->fit;
  const bool all = true;
  memcpy(fit->theta, fit->trial_theta, (size_t)fit->model->parameters * sizeof(double));
  fit->group->objective = fit->group->trial;
  fit->group->stale = true;
  neurlp_fit_select(fit, &all);
  const neurlp_status status = neurlp_fit_agree(fit, fit->work->backend->accept(fit), 0, NULL);
  return status < 0 ? status : neurlp_fit_agree(fit, neurlp_fit_reduce(fit), 0, NULL);
}

static neurlp_status move_to(const outer *o, const double *x, bool *reached) {
  const neurlp_group *group = o->fit->group;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(try_move(o, x));
  *reached = isfinite(group->trial);
  if (!*reached) return NEURLP_SUCCESS;
  NEURLP_TRY(take_move(o));
  for (int32_t i = 0; i < MOST_MOVES; i++) {
    NEURLP_TRY(try_move(o, x));
    if (!(group->trial < (1 - NO_GAIN) * group->objective)) break;
    NEURLP_TRY(take_move(o));
  }
done:
  return status;
}

static neurlp_status evaluate(void *user, const double *x, double *residual, double *jacobian, bool *reached,
                              bool *settled) {
  const outer *o = user;
  const neurlp_fit *fit = o->fit;
  const int64_t C = fit->work->columns, n = o->unknowns;
  const double *triangle = fit->work->triangle;
  double best = 0;
  const neurlp_status status = move_to(o, x, reached);
  *settled = false;
  if (status < 0 || !*reached) return status;
  for (int64_t i = 0; i <= C; i++) {
    const double *row = triangle + neurlp_triangle_row(C + 1, i) - i;
    residual[i] = row[C];
    for (int64_t c = 0; c < n; c++) jacobian[i * n + c] = o->column[c] >= i && i < C ? -row[o->column[c]] : 0;
    if (i < C) best += row[C] * row[C];
  }
  const double errors = SMALL_STEP * o->strictness;
  *settled = best <= errors * errors * neurlp_fit_residual_variance(fit, 0);
  return status;
}

static neurlp_status make(outer *o) {
  const neurlp_fit *fit = o->fit;
  const neurlp_model *model = fit->model;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(fit->context, fit->work->columns, sizeof *o->column, &o->column));
  NEURLP_TRY(neurlp_allocate(fit->context, fit->work->columns, sizeof(double), &o->lower));
  NEURLP_TRY(neurlp_allocate(fit->context, fit->work->columns, sizeof(double), &o->upper));
  NEURLP_TRY(neurlp_allocate(fit->context, fit->work->columns, sizeof(double), &o->x));
  for (int32_t c = 0; c < fit->work->columns; c++) {
    const int32_t p = fit->work->column_parameter[c], i = o->unknowns;
    if (!fit->free[p]) continue;
    o->column[i] = c;
    o->lower[i] = p < model->named ? model->named_parameters[p].lower : -INFINITY;
    o->upper[i] = p < model->named ? model->named_parameters[p].upper : INFINITY;
    o->x[i] = fit->theta[p];
    o->unknowns++;
  }
done:
  return status;
}

neurlp_status neurlp_fit_minimise(neurlp_fit *fit, double strictness) {
  const neurlp_outer_solver *solver = &fit->options.outer;
  outer o = {.fit = fit, .strictness = strictness};
  bool reached = false, converged = false;
  neurlp_status status = neurlp_fit_reduce(fit);
  if (status >= 0) status = make(&o);
  NEURLP_TRY(neurlp_fit_agree(fit, status, 0, NULL));
  const neurlp_outer_problem problem = {.unknowns = o.unknowns,
                                        .residuals = fit->work->columns + 1,
                                        .iterations = fit->options.iterations,
                                        .lower = o.lower,
                                        .upper = o.upper,
                                        .evaluate = evaluate,
                                        .user = &o};
  NEURLP_TRY(
      neurlp_fit_agree(fit, solver->solve(solver->user, fit->context, &problem, o.x, &converged), 0, NULL));
  NEURLP_TRY(move_to(&o, o.x, &reached)); /* the last evaluation may have been elsewhere */
  fit->group->converged = converged && reached;
  fit->group->active = false;
done:
  neurlp_release(fit->context, &o.column);
  neurlp_release(fit->context, &o.lower);
  neurlp_release(fit->context, &o.upper);
  neurlp_release(fit->context, &o.x);
  return status;
}
