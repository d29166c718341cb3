/* From a plan to samples. A trajectory is integrated in pieces of fixed length, counted from its first
 * sample, of which the asked part is kept: the pieces, and with them every bit, are the same whatever the
 * range. */
#include "core/random.h"
#include "data/generate_plan.h"

#include <math.h>
#include <omp.h>
#include <string.h>

typedef neurlp_generate_worker worker;
typedef neurlp_generate_part part;

enum { PIECE = NEURLP_GENERATE_PIECE };

static double draw(const neurlp_distribution *d, uint64_t seed, neurlp_random_stream stream, int64_t system,
                   int64_t index) {
  if (d->kind == 'u') return d->a + (d->b - d->a) * neurlp_random_uniform(seed, stream, system, index);
  if (d->kind == 'n') return d->a + d->b * neurlp_random_normal(seed, stream, system, index);
  return d->a;
}

/* Initial values that depend on each other. */
static void draw_together(const neurlp_generated *g, int64_t system, const worker *w) {
  const struct neurlp_generate_plan *plan = g->plan;
  const bool together = plan->known && plan->known->draw;
  const int32_t count = g->pde ? NEURLP_PDE_DRAWS : together ? plan->known->draws : 0;
  double uniform[NEURLP_PDE_DRAWS];
  for (int32_t i = 0; i < count; i++)
    uniform[i] =
        neurlp_random_uniform(plan->seed, NEURLP_RANDOM_INITIAL, system, NEURLP_GENERATE_TOGETHER + i);
  if (g->pde) neurlp_pde_draw_waves(uniform, g->dimensions, w->initial);
  if (together) plan->known->draw(w->parameters, uniform, w->initial);
}

void neurlp_generate_draw(const neurlp_generated *g, const part *kept, worker *w) {
  const int64_t system = kept->system;
  const struct neurlp_generate_plan *plan = g->plan;
  for (int32_t p = 0; p < g->parameters; p++)
    w->parameters[p] = draw(&plan->parameters[p], plan->seed, NEURLP_RANDOM_PARAMETER, system, p);
  draw_together(g, system, w);
  for (int32_t i = 0; i < g->dimensions * g->order; i++)
    if (plan->initial[i].kind != 'd')
      w->initial[i] = draw(&plan->initial[i], plan->seed, NEURLP_RANDOM_INITIAL, system, i);
  const int32_t stride = kept->first_count == g->dimensions ? g->order : 1;
  for (int32_t i = 0; kept->first && i < kept->first_count; i++) w->initial[i * stride] = kept->first[i];
  memset(w->squares, 0, (size_t)g->dimensions * sizeof(double));
  w->clean = 0;
}

/* Takes in the rows of a piece up to its first NaN, with which the integrator marks what it did not reach:
 * positions go to the kept part, their squares to the sums. */
void neurlp_generate_take_rows(const neurlp_generated *g, worker *w, const part *kept, int64_t count,
                               const double *rows) {
  const int32_t n = g->dimensions * g->order;
  for (int64_t i = 0; i < count && !isnan(rows[i * n]); i++, w->clean++)
    for (int32_t k = 0; k < g->dimensions; k++) {
      const double x = rows[i * n + k * g->order];
      w->squares[k] += x * x;
      if (w->clean >= kept->begin && w->clean < kept->end)
        kept->states[(w->clean - kept->begin) * g->dimensions + k] = x;
    }
}

/* w->states at w->times [count], from w->initial. */
static neurlp_status pass_through(const neurlp_generated *g, worker *w, int64_t count) {
  const neurlp_integrate_options options = neurlp_integrate_options_default();
  if (g->plan->petsc) return neurlp_generate_integrate_petsc(g, w, count);
  return neurlp_integrate(w->dynamics, &options, w->parameters, w->initial, count, w->times, w->states, NULL);
}

/* The clean trajectory up to the sample before `stop`, or a little further. */
static void integrate(const neurlp_generated *g, worker *w, const part *kept, int64_t stop) {
  const int32_t n = g->dimensions * g->order;
  const size_t row_bytes = (size_t)n * sizeof(double);
  neurlp_status status = NEURLP_SUCCESS;
  if (g->plan->transient > 0.0) {
    w->times[0] = g->start - g->plan->transient;
    w->times[1] = g->start;
    status = pass_through(g, w, 2);
    memcpy(w->initial, w->states + n, row_bytes);
  }
  if (status == NEURLP_SUCCESS) neurlp_generate_take_rows(g, w, kept, 1, w->initial);
  for (int64_t first = 0; first + 1 < stop && status == NEURLP_SUCCESS; first += PIECE) {
    const int64_t left = g->samples - 1 - first;
    const int64_t count = left < PIECE ? left : PIECE;
    for (int64_t i = 0; i <= count; i++) w->times[i] = g->start + (double)(first + i) * g->step;
    status = pass_through(g, w, count + 1);
    neurlp_generate_take_rows(g, w, kept, count, w->states + n);
    memcpy(w->initial, w->states + count * n, row_bytes);
  }
}

/* Noise, in its unit, then gaps. */
void neurlp_generate_spoil(const neurlp_generated *g, const worker *w, const part *kept) {
  const struct neurlp_generate_plan *plan = g->plan;
  const int32_t D = g->dimensions;
  const size_t bytes = (size_t)((kept->end - kept->begin) * D) * sizeof(double);
  if (kept->clean) memcpy(kept->clean, kept->states, bytes);
  for (int32_t k = 0; k < D; k++) {
    const double size = plan->absolute ? 1.0 : w->clean > 0 ? sqrt(w->squares[k] / (double)w->clean) : 0.0;
    const double deviation = plan->noise * size;
    for (int64_t i = kept->begin; i < kept->end; i++) {
      double *x = &kept->states[(i - kept->begin) * D + k];
      if (deviation > 0.0)
        *x += (plan->multiplicative ? plan->noise * *x : deviation) *
              neurlp_random_normal(plan->seed, NEURLP_RANDOM_NOISE, kept->system, i * D + k);
      if (plan->missing > 0.0 &&
          neurlp_random_uniform(plan->seed, NEURLP_RANDOM_MISSING, kept->system, i * D + k) < plan->missing)
        *x = NAN;
    }
  }
}

void neurlp_generate_clear(const neurlp_generated *g, const part *kept) {
  for (int64_t i = kept->begin; i < kept->end; i++)
    kept->times[i - kept->begin] = g->start + (double)i * g->step;
  for (int64_t i = 0; i < (kept->end - kept->begin) * g->dimensions; i++) kept->states[i] = NAN;
}

/* One system's part from beginning to end. True if it failed before the part's end. */
static bool make_part(const neurlp_generated *g, worker *w, const part *kept) {
  neurlp_generate_clear(g, kept);
  const int64_t stop = g->plan->noise > 0.0 && !g->plan->absolute ? g->samples : kept->end;
  if (g->pde)
    neurlp_generate_pde(g, w, kept, stop);
  else
    integrate(g, w, kept, stop);
  neurlp_generate_spoil(g, w, kept);
  return w->clean < kept->end;
}

static neurlp_status make_workers(const neurlp_generated *g, worker **workers) {
  neurlp_context *context = g->plan->context;
  const int64_t n = (int64_t)g->dimensions * g->order, rows = g->pde ? 1 : PIECE + 1;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, g->plan->workers, sizeof **workers, workers));
  for (int32_t i = 0; i < g->plan->workers; i++) {
    worker *w = &(*workers)[i];
    w->dynamics = g->plan->dynamics ? g->plan->dynamics[i] : NULL;
    w->pde = g->plan->pdes ? g->plan->pdes[i] : NULL;
    NEURLP_TRY(neurlp_allocate(context, rows, sizeof(double), &w->times));
    NEURLP_TRY(neurlp_allocate(context, rows * n, sizeof(double), &w->states));
    NEURLP_TRY(neurlp_allocate(context, n, sizeof(double), &w->initial));
    NEURLP_TRY(neurlp_allocate(context, g->parameters, sizeof(double), &w->parameters));
    NEURLP_TRY(neurlp_allocate(context, g->dimensions, sizeof(double), &w->squares));
  }
done:
  return status;
}

static void release_workers(const neurlp_generated *g, worker **workers) {
  neurlp_context *context = g->plan->context;
  for (int32_t i = 0; *workers && i < g->plan->workers; i++) {
    worker *w = &(*workers)[i];
    neurlp_release(context, &w->times);
    neurlp_release(context, &w->states);
    neurlp_release(context, &w->initial);
    neurlp_release(context, &w->parameters);
    neurlp_release(context, &w->squares);
  }
  neurlp_release(context, workers);
}

static neurlp_status check_range(const neurlp_generated *g, const neurlp_sample_range *range) {
  const int64_t systems = range->end_system - range->first_system;
  const bool good =
      systems == 0 ||
      (range->first_system >= 0 && systems > 0 && range->end_system <= g->systems &&
       range->first_sample >= 0 && range->first_sample < g->samples && range->end_sample > 0 &&
       range->end_sample <= g->samples && (systems > 1 || range->first_sample < range->end_sample));
  if (good) return NEURLP_SUCCESS;
  return neurlp_fail(
      g->plan->context, NEURLP_ERROR_ARGUMENT,
      "range from system %lld, sample %lld to before system %lld, sample %lld, of %lld systems of "
      "%lld samples",
      (long long)range->first_system, (long long)range->first_sample, (long long)range->end_system,
      (long long)range->end_sample, (long long)g->systems, (long long)g->samples);
}

/* Sizes `samples` for the range. */
static neurlp_status lay_out(const neurlp_generated *g, const neurlp_sample_range *range,
                             neurlp_samples *samples) {
  neurlp_context *context = g->plan->context;
  neurlp_status status = NEURLP_SUCCESS;
  const int64_t systems = range->end_system - range->first_system;
  samples->range = *range;
  NEURLP_TRY(neurlp_allocate(context, systems + 1, sizeof(int64_t), &samples->offsets));
  for (int64_t i = 0; i < systems; i++) {
    const int64_t begin = i == 0 ? range->first_sample : 0;
    const int64_t end = i == systems - 1 ? range->end_sample : g->samples;
    samples->offsets[i + 1] = samples->offsets[i] + end - begin;
  }
  const int64_t total = samples->offsets[systems];
  NEURLP_TRY(neurlp_allocate(context, total, sizeof(double), &samples->times));
  NEURLP_TRY(neurlp_allocate(context, total, (size_t)g->dimensions * sizeof(double), &samples->states));
  if (g->clean)
    NEURLP_TRY(neurlp_allocate(context, total, (size_t)g->dimensions * sizeof(double), &samples->clean));
done:
  return status;
}

/* Where each system's part of the samples is. first [systems][count], or NULL. */
static void place_parts(const neurlp_generated *g, const neurlp_samples *samples, int32_t count,
                        const double *first, part *parts) {
  const neurlp_sample_range *range = &samples->range;
  for (int64_t i = 0; i < range->end_system - range->first_system; i++) {
    const int64_t begin = i == 0 ? range->first_sample : 0;
    parts[i] = (part){.system = range->first_system + i,
                      .begin = begin,
                      .end = begin + samples->offsets[i + 1] - samples->offsets[i],
                      .times = samples->times + samples->offsets[i],
                      .states = samples->states + samples->offsets[i] * g->dimensions,
                      .clean = samples->clean ? samples->clean + samples->offsets[i] * g->dimensions : NULL,
                      .first = first ? first + i * count : NULL,
                      .first_count = count};
  }
}

static int64_t make_parts(const neurlp_generated *g, worker *workers, int64_t count, const part *parts,
                          double *parameters) {
  const int64_t P = g->parameters;
  const int32_t threads = g->plan->petsc ? 1 : g->plan->workers;
  int64_t failed = 0;
#pragma omp parallel for schedule(dynamic) num_threads(threads) reduction(+ : failed)
  for (int64_t i = 0; i < count; i++) {
    worker *w = &workers[omp_get_thread_num()];
    neurlp_generate_draw(g, &parts[i], w);
    if (parameters && P > 0) memcpy(parameters + i * P, w->parameters, (size_t)P * sizeof(double));
    failed += make_part(g, w, &parts[i]);
  }
  return failed;
}

/* The first part's samples for all others, which are as long, and its parameters. */
static void repeat_first(const neurlp_generated *g, int64_t count, const part *parts, double *parameters) {
  const int64_t P = g->parameters, samples = parts[0].end - parts[0].begin;
  const size_t bytes = (size_t)samples * sizeof(double), row = (size_t)g->dimensions;
  for (int64_t i = 1; i < count; i++) {
    memcpy(parts[i].times, parts[0].times, bytes);
    memcpy(parts[i].states, parts[0].states, row * bytes);
    if (parts[i].clean) memcpy(parts[i].clean, parts[0].clean, row * bytes);
    if (parameters && P > 0) memcpy(parameters + i * P, parameters, (size_t)P * sizeof(double));
  }
}

/* `made` of the systems are integrated: all of them, or one, which then stands for the others. */
static neurlp_status generate(neurlp_generated *generated, const neurlp_sample_range *range, int64_t made,
                              neurlp_samples *samples, double *parameters) {
  neurlp_status status = NEURLP_SUCCESS;
  const int64_t systems = range->end_system - range->first_system;
  worker *workers = NULL;
  part *parts = NULL;
  double *first = NULL;
  int32_t count = 0;
  *samples = (neurlp_samples){0};
  generated->failed = 0;
  NEURLP_TRY(check_range(generated, range));
  NEURLP_TRY(lay_out(generated, range, samples));
  NEURLP_TRY(make_workers(generated, &workers));
  NEURLP_TRY(neurlp_allocate(generated->plan->context, systems, sizeof *parts, &parts));
  NEURLP_TRY(neurlp_generate_read_initial(generated, range->first_system, range->end_system, &count, &first));
  place_parts(generated, samples, count, first, parts);
  if (generated->plan->ensemble)
    NEURLP_TRY(neurlp_generate_ensemble(generated, workers, made, parts, parameters, &generated->failed));
  else
    generated->failed = make_parts(generated, workers, made, parts, parameters);
  NEURLP_TRY(neurlp_generate_petsc_status(generated));
  if (made < systems) repeat_first(generated, systems, parts, parameters);
done:
  neurlp_release(generated->plan->context, &first);
  neurlp_release(generated->plan->context, &parts);
  release_workers(generated, &workers);
  if (status < 0) neurlp_samples_release(generated->plan->context, samples);
  return status;
}

neurlp_status neurlp_generate_samples(neurlp_generated *generated, const neurlp_sample_range *range,
                                      neurlp_samples *samples, double *parameters) {
  return generate(generated, range, range->end_system - range->first_system, samples, parameters);
}

neurlp_status neurlp_generate_sketch(neurlp_generated *generated, const neurlp_sample_range *range,
                                     neurlp_samples *samples, double *parameters) {
  const bool empty = range->first_system == range->end_system;
  return generate(generated, range, empty ? 0 : 1, samples, parameters);
}
