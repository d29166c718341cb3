#include "train/line_search.h"

#include <math.h>

/* How far a step may grow while no bracket is known, in units of the last change of step. */
#define GROWTH_LEAST    1.1
#define GROWTH_GREATEST 4.0
/* A bracket that did not shrink to this share in two steps is halved; a step towards a far end goes no
 * further. */
#define SHRINK 0.66

neurlp_line_search_options neurlp_line_search_defaults(void) {
  return (neurlp_line_search_options){.sufficient = 1e-4,
                                      .curvature = 0.9,
                                      .least_step = 1e-20,
                                      .greatest_step = 1e20,
                                      .width = 1e-12,
                                      .evaluations = 25};
}

void neurlp_line_search_start(neurlp_line_search *s, const neurlp_line_search_options *options, double loss,
                              double slope, double step) {
  const neurlp_line_point start = {0.0, loss, slope};
  *s = (neurlp_line_search){.options = *options,
                            .start = start,
                            .best = start,
                            .other = start,
                            .step = fmin(fmax(step, options->least_step), options->greatest_step),
                            .greatest = options->greatest_step,
                            .width = options->greatest_step - options->least_step};
  s->width_before = 2.0 * s->width;
  s->high = s->step + GROWTH_GREATEST * s->step;
}

/* Minimiser of the cubic with the values and slopes of both points; NaN if it has none. `from` is the end
 * that the result is measured from: the formula is accurate there. */
static double cubic_step(neurlp_line_point from, neurlp_line_point to) {
  const double theta = 3.0 * (from.loss - to.loss) / (to.step - from.step) + from.slope + to.slope;
  const double scale = fmax(fabs(theta), fmax(fabs(from.slope), fabs(to.slope)));
  const double square = (theta / scale) * (theta / scale) - (from.slope / scale) * (to.slope / scale);
  if (!(square > 0.0)) return (double)NAN;
  const double root = copysign(scale * sqrt(square), to.step - from.step);
  const double ratio = (root - from.slope + theta) / (2.0 * root - from.slope + to.slope);
  return from.step + ratio * (to.step - from.step);
}

/* Minimiser of the parabola with the value and slope of `from` and the value of `to`. */
static double parabola_step(neurlp_line_point from, neurlp_line_point to) {
  const double length = to.step - from.step;
  return from.step + from.slope / ((from.loss - to.loss) / length + from.slope) / 2.0 * length;
}

/* Where the slope vanishes if it is linear between the two. */
static double secant_step(neurlp_line_point from, neurlp_line_point to) {
  return from.step + from.slope / (from.slope - to.slope) * (to.step - from.step);
}

/* Slopes have one sign and the new one is smaller: the minimum lies beyond the new point, if the cubic has
 * one. */
static double step_beyond(const neurlp_line_search *s, neurlp_line_point best, neurlp_line_point now) {
  const double cubic = cubic_step(now, best), secant = secant_step(now, best);
  const bool right = now.step > best.step;
  const bool usable = right ? cubic > now.step : cubic < now.step;
  const double limit = right ? s->high : s->low;
  const double guess = usable ? cubic : limit;
  const bool cubic_nearer = fabs(guess - now.step) < fabs(secant - now.step);
  if (s->bracketed) {
    const double step = cubic_nearer ? guess : secant;
    const double edge = now.step + SHRINK * (s->other.step - now.step);
    return right ? fmin(edge, step) : fmax(edge, step);
  }
  return fmin(fmax(cubic_nearer ? secant : guess, s->low), s->high);
}

/* The next step from the best one and the new one; the four cases of More and Thuente, section 4. `best`,
 * `other` and `now` are points of the loss or of the loss less its sufficient decrease. */
static double next_step(neurlp_line_search *s, neurlp_line_point best, neurlp_line_point other,
                        neurlp_line_point now) {
  if (now.loss > best.loss) { /* a minimum between them */
    const double cubic = cubic_step(best, now), parabola = parabola_step(best, now);
    s->bracketed = true;
    return fabs(cubic - best.step) < fabs(parabola - best.step) ? cubic : cubic + 0.5 * (parabola - cubic);
  }
  if (now.slope * copysign(1.0, best.slope) < 0.0) { /* slopes of either sign: again */
    const double cubic = cubic_step(now, best), secant = secant_step(now, best);
    s->bracketed = true;
    return fabs(cubic - now.step) > fabs(secant - now.step) ? cubic : secant;
  }
  if (fabs(now.slope) < fabs(best.slope)) return step_beyond(s, best, now);
  if (s->bracketed) return cubic_step(now, other);
  return now.step > best.step ? s->high : s->low;
}

/* The bracket's ends after the new point. */
static void move_ends(neurlp_line_search *s, bool higher, bool crossed, neurlp_line_point now) {
  if (higher) {
    s->other = now;
    return;
  }
  if (crossed) s->other = s->best;
  s->best = now;
}

/* Keeps the step inside the bracket, halves a bracket that hardly shrinks, and says where the step after it
 * may lie. */
static void safeguard(neurlp_line_search *s) {
  if (s->bracketed) {
    if (fabs(s->other.step - s->best.step) >= SHRINK * s->width_before)
      s->step = s->best.step + 0.5 * (s->other.step - s->best.step);
    s->width_before = s->width;
    s->width = fabs(s->other.step - s->best.step);
    s->low = fmin(s->best.step, s->other.step);
    s->high = fmax(s->best.step, s->other.step);
    if (!(s->step > s->low && s->step < s->high)) s->step = 0.5 * (s->low + s->high);
  } else {
    s->low = s->step + GROWTH_LEAST * (s->step - s->best.step);
    s->high = s->step + GROWTH_GREATEST * (s->step - s->best.step);
  }
  s->step = fmin(fmax(s->step, s->options.least_step), s->greatest);
}

/* Beyond this step the loss is not a number to interpolate with: no step may be as long, and the next is half
 * way back. */
static void shorten(neurlp_line_search *s) {
  const double back = s->best.step + 0.5 * (s->step - s->best.step);
  s->greatest = fmin(s->greatest, back);
  s->high = fmin(s->high, back);
  s->step = back;
}

neurlp_line_search_answer neurlp_line_search_tell(neurlp_line_search *s, double loss, double slope) {
  const neurlp_line_search_options *o = &s->options;
  const double wanted = o->sufficient * s->start.slope;
  const neurlp_line_point now = {s->step, loss, slope};
  s->evaluations++;
  if (isfinite(loss) && isfinite(slope)) {
    const double most = s->start.loss + now.step * wanted;
    if (loss <= most && fabs(slope) <= o->curvature * fabs(s->start.slope)) return NEURLP_LINE_SEARCH_WOLFE;
    if (now.step >= s->greatest && loss <= most && slope <= wanted) return NEURLP_LINE_SEARCH_LIMIT;
    if (loss <= most && slope >= 0.0) s->decreased = true;
    /* Until then steps are chosen for the loss less its sufficient decrease, whose minimum satisfies (T6). */
    const double tilt = !s->decreased && loss <= s->best.loss && loss > most ? wanted : 0.0;
    const neurlp_line_point a = {s->best.step, s->best.loss - s->best.step * tilt, s->best.slope - tilt};
    const neurlp_line_point b = {s->other.step, s->other.loss - s->other.step * tilt, s->other.slope - tilt};
    const neurlp_line_point c = {now.step, now.loss - now.step * tilt, now.slope - tilt};
    const double step = next_step(s, a, b, c);
    move_ends(s, c.loss > a.loss, c.slope * copysign(1.0, a.slope) < 0.0, now);
    s->step = step;
    safeguard(s);
  } else {
    shorten(s);
  }
  const bool narrow = s->bracketed && s->high - s->low <= o->width * s->high;
  if (s->evaluations >= o->evaluations || narrow || s->step <= o->least_step) return NEURLP_LINE_SEARCH_STUCK;
  return NEURLP_LINE_SEARCH_EVALUATE;
}
