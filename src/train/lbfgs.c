#include "train/lbfgs.h"

#include "train/line_search.h"
#include "train/vector.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Whole numbers and numbers of the state, in arrays so that a checkpoint keeps them. */
enum { NEWEST, PAIRS, ITERATIONS, EVALUATIONS, STARTED, INTEGERS };

typedef struct lbfgs {
  neurlp_context *context;
  neurlp_minimiser_options options;
  const neurlp_vector *vector;
  int32_t threads;
  int64_t integers[INTEGERS]; /* NEWEST: place of the last pair in the ring */
  double loss;                /* at the parameters */
  void *gradient;             /* [count] at the parameters */
  void *changes, *bends;      /* [memory][count] s: of parameters, y: of the gradient */
  double *inner;              /* [memory] s . y */
  double *weights;            /* [memory] of the recursion */
  void *direction;            /* [count] */
  void *start, *before;       /* [count] parameters and gradient where the line begins */
} lbfgs;

neurlp_minimiser_options neurlp_minimiser_defaults(int64_t count) {
  return (neurlp_minimiser_options){.precision = NEURLP_DOUBLE,
                                    .count = count,
                                    .memory = 10,
                                    .iterations = 200,
                                    .gradient_tolerance = 1e-5,
                                    .loss_tolerance = 1e-9};
}

/* ---- vectors ----------------------------------------------------------------------------------------- */

static double dot(const lbfgs *m, const void *a, const void *b) {
  return m->vector->dot(m->threads, m->options.count, a, b);
}

static void combine(const lbfgs *m, const void *a, double factor, const void *b, void *out) {
  m->vector->combine(m->threads, m->options.count, a, factor, b, out);
}

static void copy(const lbfgs *m, void *to, const void *from) {
  memcpy(to, from, (size_t)m->options.count * m->vector->number_bytes);
}

/* Vector number `index` of a ring. */
static void *of_ring(const lbfgs *m, void *ring, int64_t index) {
  return (unsigned char *)ring + (size_t)(index * m->options.count) * m->vector->number_bytes;
}

/* The place in the ring of the pair that is `age` older than the newest. */
static int64_t place(const lbfgs *m, int64_t age) {
  const int64_t memory = m->options.memory;
  return (m->integers[NEWEST] - age + memory) % memory;
}

/* ---- object ------------------------------------------------------------------------------------------ */

static void destroy(void **state) {
  if (!state || !*state) return;
  lbfgs *old = *state;
  neurlp_context *context = old->context;
  neurlp_release(context, &old->gradient);
  neurlp_release(context, &old->changes);
  neurlp_release(context, &old->bends);
  neurlp_release(context, &old->inner);
  neurlp_release(context, &old->weights);
  neurlp_release(context, &old->direction);
  neurlp_release(context, &old->start);
  neurlp_release(context, &old->before);
  neurlp_release(context, state);
}

static neurlp_status allocate(lbfgs *m) {
  neurlp_context *context = m->context;
  const int64_t n = m->options.count, memory = m->options.memory;
  const size_t bytes = m->vector->number_bytes;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, n, bytes, &m->gradient));
  NEURLP_TRY(neurlp_allocate(context, memory * n, bytes, &m->changes));
  NEURLP_TRY(neurlp_allocate(context, memory * n, bytes, &m->bends));
  NEURLP_TRY(neurlp_allocate(context, memory, sizeof(double), &m->inner));
  NEURLP_TRY(neurlp_allocate(context, memory, sizeof(double), &m->weights));
  NEURLP_TRY(neurlp_allocate(context, n, bytes, &m->direction));
  NEURLP_TRY(neurlp_allocate(context, n, bytes, &m->start));
  NEURLP_TRY(neurlp_allocate(context, n, bytes, &m->before));
done:
  return status;
}

/* What `allocate` takes, and the object. */
static size_t state_bytes(const neurlp_minimiser_options *options) {
  const neurlp_vector *vector = neurlp_vector_of(options->precision);
  if (!vector || options->count < 0 || options->memory < 1) return 0;
  const size_t vectors = 2 * (size_t)options->memory + 4;
  return sizeof(lbfgs) + 2 * (size_t)options->memory * sizeof(double) +
         vectors * (size_t)options->count * vector->number_bytes;
}

static neurlp_status create(neurlp_context *context, const neurlp_minimiser_options *options, void **state) {
  const neurlp_vector *vector = NULL;
  void *made = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  *state = NULL;
  NEURLP_TRY(neurlp_vector_check(context, options->precision, options->count, &vector));
  if (options->memory < 1 || options->iterations < 0 || !(options->gradient_tolerance >= 0.0) ||
      !(options->loss_tolerance >= 0.0))
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "L-BFGS got memory %d, %lld iterations, tolerances %g and %g; memory is at least 1, the "
        "others at least 0",
        options->memory, (long long)options->iterations, options->gradient_tolerance,
        options->loss_tolerance);
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof(lbfgs), &made));
  lbfgs *m = made;
  m->context = context;
  m->options = *options;
  m->vector = vector;
  m->threads = neurlp_context_threads(context);
  NEURLP_TRY(allocate(m));
  *state = made;
  made = NULL;
done:
  destroy(&made);
  return status;
}

/* ---- one iteration ----------------------------------------------------------------------------------- */

/* Loss and gradient at the parameters, the gradient of what stays being zero: then no direction moves it. */
static neurlp_status evaluate(lbfgs *m, const neurlp_objective *objective, const void *parameters) {
  neurlp_status status = objective->evaluate(objective->user, parameters, &m->loss, m->gradient);
  m->integers[EVALUATIONS]++;
  if (m->options.mask) m->vector->mask(m->threads, m->options.count, m->options.mask, m->gradient);
  return status < 0 ? status : NEURLP_SUCCESS;
}

static double greatest_gradient(const lbfgs *m) {
  return m->vector->greatest(m->threads, m->options.count, m->gradient);
}

/* direction = -H gradient by the two-loop recursion (T5), H starting from s.y / y.y of the newest pair. */
static void find_direction(lbfgs *m) {
  const int64_t pairs = m->integers[PAIRS];
  copy(m, m->direction, m->gradient);
  for (int64_t age = 0; age < pairs; age++) {
    const int64_t at = place(m, age);
    m->weights[at] = dot(m, of_ring(m, m->changes, at), m->direction) / m->inner[at];
    combine(m, m->direction, -m->weights[at], of_ring(m, m->bends, at), m->direction);
  }
  double scale = 1.0;
  if (pairs > 0) {
    const int64_t at = place(m, 0);
    const void *bend = of_ring(m, m->bends, at);
    scale = m->inner[at] / dot(m, bend, bend);
  }
  m->vector->scale(m->threads, m->options.count, scale, m->direction);
  for (int64_t age = pairs - 1; age >= 0; age--) {
    const int64_t at = place(m, age);
    const double along = dot(m, of_ring(m, m->bends, at), m->direction) / m->inner[at];
    combine(m, m->direction, m->weights[at] - along, of_ring(m, m->changes, at), m->direction);
  }
  m->vector->scale(m->threads, m->options.count, -1.0, m->direction);
}

/* Keeps the step's changes, unless rounding took the curvature that (T6) promises. */
static void keep_pair(lbfgs *m, const void *parameters) {
  const int64_t at = (m->integers[NEWEST] + 1) % m->options.memory;
  void *change = of_ring(m, m->changes, at), *bend = of_ring(m, m->bends, at);
  combine(m, parameters, -1.0, m->start, change);
  combine(m, m->gradient, -1.0, m->before, bend);
  const double inner = dot(m, change, bend), square = dot(m, bend, bend);
  if (!(inner > DBL_EPSILON * square)) {
    /* The ring's oldest pair was overwritten. */
    if (m->integers[PAIRS] == m->options.memory) m->integers[PAIRS]--;
    return;
  }
  m->inner[at] = inner;
  m->integers[NEWEST] = at;
  if (m->integers[PAIRS] < m->options.memory) m->integers[PAIRS]++;
}

/* Searches along the direction, and leaves parameters, loss and gradient at the step that was found; *found
 * is false, and all is as before, if no step decreases the loss. */
static neurlp_status search_line(lbfgs *m, const neurlp_objective *objective, void *parameters, double slope,
                                 bool *found) {
  const neurlp_line_search_options options = neurlp_line_search_defaults();
  const double loss = m->loss;
  /* Without pairs, steps have no scale: the first one has at most unit length. */
  const double length = m->integers[PAIRS] > 0 ? 1.0 : sqrt(-slope);
  neurlp_line_search search;
  neurlp_line_search_answer answer = NEURLP_LINE_SEARCH_EVALUATE;
  neurlp_status status = NEURLP_SUCCESS;
  copy(m, m->start, parameters);
  copy(m, m->before, m->gradient);
  neurlp_line_search_start(&search, &options, loss, slope, length > 1.0 ? 1.0 / length : 1.0);
  while (answer == NEURLP_LINE_SEARCH_EVALUATE) {
    combine(m, m->start, search.step, m->direction, parameters);
    NEURLP_TRY(evaluate(m, objective, parameters));
    answer = neurlp_line_search_tell(&search, m->loss, dot(m, m->gradient, m->direction));
  }
  *found = answer != NEURLP_LINE_SEARCH_STUCK || search.best.loss < loss;
  if (answer == NEURLP_LINE_SEARCH_STUCK && *found) {
    combine(m, m->start, search.best.step, m->direction, parameters);
    NEURLP_TRY(evaluate(m, objective, parameters));
  }
  if (*found) return NEURLP_SUCCESS;
done:
  copy(m, parameters, m->start);
  copy(m, m->gradient, m->before);
  m->loss = loss;
  return status;
}

/* One iteration. Where a direction fails, it starts over from the gradient, once. */
static neurlp_status iterate(lbfgs *m, const neurlp_objective *objective, void *parameters, bool *found) {
  neurlp_status status = NEURLP_SUCCESS;
  *found = false;
  for (;;) {
    find_direction(m);
    const double slope = dot(m, m->gradient, m->direction);
    const bool steepest = m->integers[PAIRS] == 0;
    if (slope < 0.0 && isfinite(slope)) NEURLP_TRY(search_line(m, objective, parameters, slope, found));
    if (*found || steepest) break;
    m->integers[PAIRS] = 0;
  }
  if (*found) {
    keep_pair(m, parameters);
    m->integers[ITERATIONS]++;
  }
done:
  return status;
}

/* ---- all of them ------------------------------------------------------------------------------------- */

static neurlp_status start(lbfgs *m, const neurlp_objective *objective, const void *parameters) {
  neurlp_status status = NEURLP_SUCCESS;
  if (m->integers[STARTED]) return status;
  NEURLP_TRY(evaluate(m, objective, parameters));
  const int64_t entry = m->vector->first_not_finite(m->threads, m->options.count, m->gradient);
  if (!isfinite(m->loss))
    return neurlp_fail(m->context, NEURLP_NOT_FINITE,
                       "L-BFGS: the loss is %g at the parameters that it is given; start elsewhere", m->loss);
  if (entry >= 0)
    return neurlp_fail(m->context, NEURLP_NOT_FINITE,
                       "L-BFGS: the loss is %g at the parameters that it is given, but entry %lld of its "
                       "gradient is %g; start elsewhere",
                       m->loss, (long long)entry, m->vector->read(m->gradient, entry));
  m->integers[STARTED] = 1;
done:
  return status;
}

static void fill_report(const lbfgs *m, neurlp_minimiser_end end, neurlp_minimiser_report *report) {
  *report = (neurlp_minimiser_report){.end = end,
                                      .iterations = m->integers[ITERATIONS],
                                      .evaluations = m->integers[EVALUATIONS],
                                      .loss = m->loss,
                                      .gradient = greatest_gradient(m)};
}

static neurlp_status complain(const lbfgs *m, const neurlp_minimiser_report *report) {
  const char *why =
      report->end == NEURLP_MINIMISER_STUCK
          ? "no step along the gradient decreases the loss: it is down to rounding, or the gradient "
            "is not that of the loss"
          : "allow more iterations, or a larger tolerance";
  return neurlp_fail(
      m->context, NEURLP_NOT_CONVERGED,
      "L-BFGS: after %lld iterations the loss is %g and the greatest entry of the gradient %g, "
      "above its tolerance of %g; %s",
      (long long)report->iterations, report->loss, report->gradient, m->options.gradient_tolerance, why);
}

static neurlp_status minimise(void *state, const neurlp_objective *objective, void *parameters,
                              neurlp_minimiser_report *report) {
  lbfgs *m = state;
  neurlp_minimiser_end end = NEURLP_MINIMISER_ITERATIONS;
  neurlp_status status = NEURLP_SUCCESS;
  *report = (neurlp_minimiser_report){.end = NEURLP_MINIMISER_STUCK};
  NEURLP_TRY(start(m, objective, parameters));
  if (status != NEURLP_SUCCESS) return status;
  for (int64_t i = 0; i <= m->options.iterations; i++) {
    const double loss = m->loss;
    bool found = false;
    if (greatest_gradient(m) <= m->options.gradient_tolerance) end = NEURLP_MINIMISER_GRADIENT;
    if (end == NEURLP_MINIMISER_GRADIENT || i == m->options.iterations) break;
    NEURLP_TRY(iterate(m, objective, parameters, &found));
    if (!found) end = NEURLP_MINIMISER_STUCK;
    if (found && fabs(loss - m->loss) < m->options.loss_tolerance * fmax(1.0, fabs(m->loss)))
      end = NEURLP_MINIMISER_LOSS;
    if (end != NEURLP_MINIMISER_ITERATIONS) break;
  }
  fill_report(m, end, report);
  if (end == NEURLP_MINIMISER_ITERATIONS || end == NEURLP_MINIMISER_STUCK) status = complain(m, report);
done:
  return status;
}

static int32_t list_state(void *state, neurlp_state_array arrays[NEURLP_STATE_MOST]) {
  lbfgs *m = state;
  const neurlp_state_kind real = neurlp_state_real(m->options.precision);
  const int64_t n = m->options.count, memory = m->options.memory;
  int32_t filled = 0;
  arrays[filled++] = (neurlp_state_array){
      .name = "integers", .kind = NEURLP_STATE_INT64, .count = INTEGERS, .numbers = m->integers};
  arrays[filled++] =
      (neurlp_state_array){.name = "loss", .kind = NEURLP_STATE_DOUBLE, .count = 1, .numbers = &m->loss};
  arrays[filled++] =
      (neurlp_state_array){.name = "gradient", .kind = real, .count = n, .numbers = m->gradient};
  arrays[filled++] =
      (neurlp_state_array){.name = "changes", .kind = real, .count = memory * n, .numbers = m->changes};
  arrays[filled++] =
      (neurlp_state_array){.name = "bends", .kind = real, .count = memory * n, .numbers = m->bends};
  arrays[filled++] = (neurlp_state_array){
      .name = "inner", .kind = NEURLP_STATE_DOUBLE, .count = memory, .numbers = m->inner};
  return filled;
}

const neurlp_minimiser neurlp_minimiser_lbfgs = {.name = "lbfgs",
                                                 .bytes = state_bytes,
                                                 .create = create,
                                                 .minimise = minimise,
                                                 .state = list_state,
                                                 .destroy = destroy};
