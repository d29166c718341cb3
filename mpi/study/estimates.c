#include "study/estimates.h"

#include "comm.h"

#include <math.h>

/* The largest correlation matrix that is kept. */
enum { MOST_CORRELATED = 32 };

/* Systems whose statuses are combined over ranks at a time. */
enum { STATUS_PIECE = 1 << 20 };

static neurlp_status allocate(const neurlp_study *s, neurlp_estimates *e) {
  neurlp_context *context = s->context;
  const int64_t P = s->model->parameters, D = s->dimensions, named = s->model->named, kappa = s->model->order;
  const int64_t samples = s->trajectories->sample_count;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, e->rows * P, sizeof(double), &e->theta));
  NEURLP_TRY(neurlp_allocate(context, e->rows * P, sizeof(double), &e->errors));
  NEURLP_TRY(neurlp_allocate(context, e->rows * D, sizeof(double), &e->noise));
  NEURLP_TRY(neurlp_allocate(context, e->rows * D, sizeof(double), &e->squares));
  NEURLP_TRY(neurlp_allocate(context, e->rows, sizeof(int32_t), &e->window));
  if (named > 0) NEURLP_TRY(neurlp_allocate(context, e->rows * named, sizeof(int32_t), &e->at_bound));
  NEURLP_TRY(neurlp_allocate(context, e->system_count, sizeof(int32_t), &e->status));
  NEURLP_TRY(neurlp_allocate(context, e->system_count * D * kappa, sizeof(double), &e->initial));
  NEURLP_TRY(neurlp_allocate(context, e->system_count * D * kappa, sizeof(double), &e->initial_errors));
  NEURLP_TRY(neurlp_allocate(context, e->ending_count * D * kappa, sizeof(double), &e->final));
  NEURLP_TRY(neurlp_allocate(context, e->system_count, sizeof(double), &e->first_time));
  NEURLP_TRY(neurlp_allocate(context, e->ending_count, sizeof(double), &e->last_time));
  NEURLP_TRY(neurlp_allocate(context, samples * D, sizeof(double), &e->fitted));
  if (named > 0 && named <= MOST_CORRELATED)
    NEURLP_TRY(neurlp_allocate(context, e->rows * named * named, sizeof(double), &e->correlation));
done:
  return status;
}

static void fill_correlation(int64_t P, int64_t named, const double *covariance, double *correlation) {
  for (int64_t a = 0; a < named; a++)
    for (int64_t b = 0; b < named; b++) {
      const double scale = sqrt(covariance[a * P + a]) * sqrt(covariance[b * P + b]);
      correlation[a * named + b] = scale > 0 && isfinite(scale) ? covariance[a * P + b] / scale : NAN;
    }
}

/* Whether a fit has ended where its parameter may not go on: up to what a step to the bound is rounded by. */
static bool is_at_bound(const neurlp_parameter *p, double estimate) {
  const double bounds[] = {p->lower, p->upper};
  for (int i = 0; i < 2; i++)
    if (isfinite(bounds[i]) &&
        fabs(estimate - bounds[i]) <= 1e-12 * fmax(fabs(bounds[i]), fabs(p->start - bounds[i])))
      return true;
  return false;
}

static void fill_row(neurlp_study *s, neurlp_estimates *e, int64_t row, const double *covariance) {
  const neurlp_fit *fit = s->fit;
  const int64_t P = s->model->parameters, D = s->dimensions, named = s->model->named;
  const bool good =
      fit->group[row].status == NEURLP_SUCCESS || fit->group[row].status == NEURLP_NOT_CONVERGED;
  for (int64_t p = 0; p < P; p++) {
    const bool free = fit->free[row * P + p];
    e->theta[row * P + p] = good ? fit->theta[row * P + p] : NAN;
    e->errors[row * P + p] = good && free ? sqrt(covariance[p * P + p]) : NAN;
    if (p < named)
      e->at_bound[row * named + p] =
          good && free && is_at_bound(&s->model->named_parameters[p], e->theta[row * P + p]);
  }
  for (int64_t k = 0; k < D; k++) {
    e->noise[row * D + k] = good ? fit->sigma[row * D + k] : NAN;
    e->squares[row * D + k] = good ? fit->squares[row * D + k] : NAN;
  }
  e->window[row] = (int32_t)fit->group[row].window;
  if (e->correlation) fill_correlation(P, named, covariance, e->correlation + row * named * named);
}

static bool starts_here(const neurlp_study *s, int64_t segment) {
  return s->plan.segments[segment].first == 0;
}

static bool ends_here(const neurlp_study *s, int64_t segment) {
  const neurlp_segment *g = &s->plan.segments[segment];
  return g->first + g->count ==
         (s->plan_spec.lengths ? s->plan_spec.lengths[g->system] : s->plan_spec.samples);
}

/* Which systems begin on this rank, and which end there. */
static void count_systems(const neurlp_study *s, neurlp_estimates *e) {
  for (int64_t g = s->plan.segment_count - 1; g >= 0; g--) {
    if (starts_here(s, g)) {
      e->first_system = s->plan.segments[g].system;
      e->system_count++;
    }
    if (ends_here(s, g)) {
      e->first_ending = s->plan.segments[g].system;
      e->ending_count++;
    }
  }
}

/* Times of the systems' first and last samples, whether they could be fitted or not. */
static void fill_times(const neurlp_study *s, neurlp_estimates *e) {
  for (int64_t g = 0; g < s->plan.segment_count; g++) {
    const neurlp_segment *segment = &s->plan.segments[g];
    const double *times = s->samples.times + s->trajectories->segment_sample[g];
    if (starts_here(s, g))
      e->first_time[segment->system - e->first_system] = segment->count > 0 ? times[0] : NAN;
    if (ends_here(s, g))
      e->last_time[segment->system - e->first_ending] = segment->count > 0 ? times[segment->count - 1] : NAN;
  }
}

/* The state at the end of the last window of a system that ends on this rank. */
static void fill_final(const neurlp_study *s, neurlp_estimates *e, const neurlp_window *window) {
  const neurlp_trajectories *data = s->trajectories;
  const int64_t D = s->dimensions, kappa = s->model->order, width = data->order + 1;
  const int64_t end = data->segment_sample[window->segment + 1];
  if (!ends_here(s, window->segment) || window->first_sample + window->samples != end) return;
  const double *state = s->fit->state + data->sample_point[end - 1] * D * width;
  double *final = e->final + (s->plan.segments[window->segment].system - e->first_ending) * D * kappa;
  for (int64_t k = 0; k < D; k++)
    for (int64_t j = 0; j < kappa; j++) final[k * kappa + j] = state[k * width + j];
}

/* Solutions at the samples, the first window's initial values of every system that begins on this rank, and
 * where the last window of every system ends. */
static void fill_window(neurlp_study *s, neurlp_estimates *e, int64_t w, const double *covariance) {
  neurlp_fit *fit = s->fit;
  const neurlp_window *window = &fit->window[w];
  const int64_t D = s->dimensions, width = s->trajectories->order + 1, initials = D * s->model->order;
  for (int64_t i = window->first_sample; i < window->first_sample + window->samples; i++)
    for (int64_t k = 0; k < D; k++)
      e->fitted[i * D + k] = fit->state[(s->trajectories->sample_point[i] * D + k) * width];
  fill_final(s, e, window);
  const int64_t first = s->trajectories->segment_sample[window->segment];
  if (!starts_here(s, window->segment) || window->first_sample != first) return;
  const int64_t row = s->plan.segments[window->segment].system - e->first_system;
  for (int64_t i = 0; i < initials; i++) e->initial[row * initials + i] = fit->initial[w * initials + i];
  neurlp_fit_initial_errors(fit, w, covariance, e->initial_errors + row * initials);
}

/* A window whose solution stands. */
static bool is_fitted(const neurlp_fit *fit, const neurlp_window *window) {
  const neurlp_status status = fit->group[window->group].status;
  return !window->excluded && (status == NEURLP_SUCCESS || status == NEURLP_NOT_CONVERGED);
}

/* Groups and windows in turn: one covariance in memory at a time. */
static neurlp_status fill_groups(neurlp_study *s, neurlp_estimates *e) {
  neurlp_fit *fit = s->fit;
  neurlp_status status = NEURLP_SUCCESS;
  double *covariance = NULL;
  const int64_t P = s->model->parameters, D = s->dimensions, initials = D * s->model->order;
  NEURLP_TRY(neurlp_allocate(s->context, P * P, sizeof(double), &covariance));
  for (int64_t i = 0; i < s->trajectories->sample_count * D; i++) e->fitted[i] = NAN;
  for (int64_t i = 0; i < e->system_count * initials; i++) e->initial[i] = e->initial_errors[i] = NAN;
  for (int64_t i = 0; i < e->ending_count * initials; i++) e->final[i] = NAN;
  fill_times(s, e);
  int64_t w = 0;
  for (int64_t g = 0; g < fit->groups; g++) { /* windows come in the order of their groups */
    const neurlp_status found = fit->group[g].status;
    for (int64_t i = 0; i < P * P; i++) covariance[i] = NAN;
    if (found == NEURLP_SUCCESS || found == NEURLP_NOT_CONVERGED) neurlp_fit_covariance(fit, g, covariance);
    if (g < e->rows) fill_row(s, e, g, covariance);
    for (; w < fit->window_count && fit->window[w].group == g; w++)
      if (is_fitted(fit, &fit->window[w])) fill_window(s, e, w, covariance);
  }
done:
  neurlp_release(s->context, &covariance);
  return status;
}

/* With shared parameters a system has failed if none of its windows, on any rank, could be fitted.
 * Collective. */
static neurlp_status combine_statuses(neurlp_study *s, neurlp_estimates *e) {
  const neurlp_fit *fit = s->fit;
  const bool good = fit->group[0].status == NEURLP_SUCCESS || fit->group[0].status == NEURLP_NOT_CONVERGED;
  int32_t *fitted = NULL;
  neurlp_status status =
      neurlp_agree(s->comm, s->context, neurlp_allocate(s->context, STATUS_PIECE, sizeof *fitted, &fitted));
  if (status < 0) return status;
  for (int64_t base = 0; base < s->systems; base += STATUS_PIECE) {
    const int64_t count = base + STATUS_PIECE < s->systems ? STATUS_PIECE : s->systems - base;
    for (int64_t i = 0; i < count; i++) fitted[i] = 0; /* 0: no samples to speak of, 1: failed, 2: fitted */
    for (int64_t w = 0; w < fit->window_count; w++) {
      const int64_t i = s->plan.segments[fit->window[w].segment].system - base;
      const int32_t mark = is_fitted(fit, &fit->window[w]) ? 2 : 1;
      if (i >= 0 && i < count && fitted[i] < mark) fitted[i] = mark;
    }
    MPI_Allreduce(MPI_IN_PLACE, fitted, (int)count, MPI_INT32_T, MPI_MAX, s->comm);
    for (int64_t row = 0; row < e->system_count; row++) {
      const int64_t i = e->first_system + row - base;
      if (i < 0 || i >= count) continue;
      e->status[row] = fitted[i] == 2 || !good ? (int32_t)fit->group[0].status
                       : fitted[i] == 1        ? NEURLP_NOT_CONVERGED
                                               : NEURLP_TOO_SHORT;
    }
  }
  neurlp_release(s->context, &fitted);
  return NEURLP_SUCCESS;
}

static void count_failures(const neurlp_study *s, neurlp_estimates *e) {
  const int64_t named = s->model->named;
  int64_t counts[3] = {0, 0, 0};
  for (int64_t row = 0; row < e->rows; row++) {
    bool any = false;
    for (int64_t p = 0; p < named; p++) any = any || e->at_bound[row * named + p];
    counts[2] += any;
  }
  for (int64_t i = 0; i < e->system_count; i++) {
    counts[0] += e->status[i] != NEURLP_SUCCESS && e->status[i] != NEURLP_NOT_CONVERGED;
    counts[1] += e->status[i] == NEURLP_NOT_CONVERGED;
  }
  MPI_Allreduce(MPI_IN_PLACE, counts, 3, MPI_INT64_T, MPI_SUM, s->comm);
  e->failed = counts[0];
  e->not_converged = counts[1];
  e->bounded = counts[2];
}

neurlp_status neurlp_estimates_collect(neurlp_study *s, neurlp_estimates *e) {
  neurlp_status status = NEURLP_SUCCESS;
  const bool shared = !s->plan_spec.per_system;
  *e = (neurlp_estimates){.rows = shared ? s->rank == 0 : s->fit->groups,
                          .first_row = shared ? 0 : s->plan.first_bin,
                          .total_rows = shared ? 1 : s->systems};
  count_systems(s, e);
  NEURLP_TRY(neurlp_agree(s->comm, s->context, allocate(s, e)));
  NEURLP_TRY(neurlp_agree(s->comm, s->context, fill_groups(s, e)));
  if (shared)
    NEURLP_TRY(combine_statuses(s, e));
  else
    for (int64_t g = 0; g < s->fit->groups; g++) e->status[g] = (int32_t)s->fit->group[g].status;
  count_failures(s, e);
done:
  return status;
}

void neurlp_estimates_release(neurlp_context *context, neurlp_estimates *e) {
  neurlp_release(context, &e->theta);
  neurlp_release(context, &e->errors);
  neurlp_release(context, &e->at_bound);
  neurlp_release(context, &e->correlation);
  neurlp_release(context, &e->noise);
  neurlp_release(context, &e->squares);
  neurlp_release(context, &e->window);
  neurlp_release(context, &e->status);
  neurlp_release(context, &e->initial);
  neurlp_release(context, &e->initial_errors);
  neurlp_release(context, &e->first_time);
  neurlp_release(context, &e->last_time);
  neurlp_release(context, &e->final);
  neurlp_release(context, &e->fitted);
}
