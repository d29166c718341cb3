/* A step along a descent direction that satisfies the strong Wolfe conditions, found by interpolation between
 * steps that bracket it. Reverse communication: it asks for the loss and its slope at a step, and is told.
 *
 *   phi(a) <= phi(0) + sufficient a phi'(0),   |phi'(a)| <= curvature |phi'(0)|                      (T6)
 *
 * Source: More and Thuente, ACM TOMS 20 (1994) 286 (docs/math.md, Training). */
#ifndef NEURLP_TRAIN_LINE_SEARCH_H
#define NEURLP_TRAIN_LINE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

/* Start from neurlp_line_search_defaults. */
typedef struct neurlp_line_search_options {
  double sufficient, curvature;     /* 0 < sufficient < curvature < 1; 1e-4, 0.9 */
  double least_step, greatest_step; /* 1e-20, 1e20 */
  double width;                     /* of a bracket relative to its steps, below which it ends; 1e-12 */
  int32_t evaluations;              /* the most; 25 */
} neurlp_line_search_options;

typedef enum neurlp_line_search_answer {
  NEURLP_LINE_SEARCH_EVALUATE, /* wants loss and slope at `step` */
  NEURLP_LINE_SEARCH_WOLFE,    /* `step` satisfies both conditions */
  NEURLP_LINE_SEARCH_LIMIT,    /* `step` is the greatest, and satisfies the first one */
  /* Neither, after all evaluations, or the bracket is down to rounding; `best` is the best step so far: 0 if
   * none decreased the loss. */
  NEURLP_LINE_SEARCH_STUCK
} neurlp_line_search_answer;

/* A step that was evaluated. */
typedef struct neurlp_line_point {
  double step, loss, slope;
} neurlp_line_point;

typedef struct neurlp_line_search {
  neurlp_line_search_options options;
  neurlp_line_point start, best, other; /* `best` and `other` bracket the step where `bracketed` */
  double step;                          /* asked for */
  double low, high;                     /* the next step lies between them */
  double width, width_before;           /* of the last two brackets */
  double greatest;                      /* no step may be longer: options, or where the loss was not finite */
  int32_t evaluations;
  bool bracketed, decreased; /* decreased: some step satisfied the first condition and had a slope >= 0 */
} neurlp_line_search;

neurlp_line_search_options neurlp_line_search_defaults(void);

/* Begins with the loss and the slope < 0 at step 0, and a first step > 0, which is then asked for. */
void neurlp_line_search_start(neurlp_line_search *search, const neurlp_line_search_options *options,
                              double loss, double slope, double step);

/* Tells loss and slope at search->step; either may be infinite or NaN. */
neurlp_line_search_answer neurlp_line_search_tell(neurlp_line_search *search, double loss, double slope);

#endif
