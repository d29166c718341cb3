#include "graph/cpu/broadcast_sum.h"

#include "graph/cpu/walk.h"

/* Sums that are formed side by side. */
enum { COLUMNS = 64 };

/* The axes of `whole` split into those along which a part has numbers of its own, and those that it is summed
 * over. */
typedef struct split {
  neurlp_tensor_shape own, summed;
  int64_t own_whole[NEURLP_TENSOR_RANK], own_other[NEURLP_TENSOR_RANK], own_part[NEURLP_TENSOR_RANK];
  int64_t summed_whole[NEURLP_TENSOR_RANK], summed_other[NEURLP_TENSOR_RANK];
} split;

static split split_axes(const neurlp_tensor_shape *whole, const int64_t *of_whole, const int64_t *of_other,
                        const int64_t *of_part) {
  split s = {.own.rank = 0};
  for (int32_t axis = 0; axis < whole->rank; axis++) {
    const bool own = of_part[axis] != 0;
    neurlp_tensor_shape *shape = own ? &s.own : &s.summed;
    const int32_t i = shape->rank++;
    shape->extents[i] = whole->extents[axis];
    (own ? s.own_whole : s.summed_whole)[i] = of_whole[axis];
    (own ? s.own_other : s.summed_other)[i] = of_other[axis];
    if (own) s.own_part[i] = of_part[axis];
  }
  return s;
}

static int64_t place(const neurlp_tensor_shape *shape, const int64_t *strides, int64_t index) {
  int64_t at = 0;
  for (int32_t axis = shape->rank - 1; axis >= 0; axis--) {
    at += index % shape->extents[axis] * strides[axis];
    index /= shape->extents[axis];
  }
  return at;
}

/* A call's arguments, and its axes split. */
typedef struct work {
  split axes;
  const real *dy, *other;
  real *part;
} work;

/* Place p of the part, whose numbers are summed along the last axis of `whole`. */
static void sum_row(const work *w, int64_t p) {
  const split *s = &w->axes;
  const int64_t from = place(&s->own, s->own_whole, p), beside = place(&s->own, s->own_other, p);
  const int64_t rows = neurlp_walk_rows(&s->summed), length = neurlp_walk_length(&s->summed);
  const int64_t step_whole = neurlp_walk_step(&s->summed, s->summed_whole);
  const int64_t step_other = neurlp_walk_step(&s->summed, s->summed_other);
  double sum = 0;
  for (int64_t row = 0; row < rows; row++) {
    const real *d = w->dy + from + neurlp_walk_row(&s->summed, s->summed_whole, row);
    const real *o = w->other ? w->other + beside + neurlp_walk_row(&s->summed, s->summed_other, row) : NULL;
    if (o)
      for (int64_t i = 0; i < length; i++) sum += (double)d[i * step_whole] * (double)o[i * step_other];
    else
      for (int64_t i = 0; i < length; i++) sum += (double)d[i * step_whole];
  }
  w->part[place(&s->own, s->own_part, p)] += (real)sum;
}

/* `count` neighbours of the part from place p on, which are neighbours in `whole`, too: sums are formed side
 * by side. */
static void sum_columns(const work *w, int64_t p, int64_t count) {
  const split *s = &w->axes;
  const int64_t from = place(&s->own, s->own_whole, p), beside = place(&s->own, s->own_other, p);
  const int64_t places = neurlp_shape_numbers(&s->summed);
  const int64_t step_other = s->own_other[s->own.rank - 1];
  double sum[COLUMNS] = {0};
  for (int64_t at = 0; at < places; at++) {
    const real *d = w->dy + from + place(&s->summed, s->summed_whole, at);
    const real *o = w->other ? w->other + beside + place(&s->summed, s->summed_other, at) : NULL;
    if (o)
      for (int64_t i = 0; i < count; i++) sum[i] += (double)d[i] * (double)o[i * step_other];
    else
      for (int64_t i = 0; i < count; i++) sum[i] += (double)d[i];
  }
  real *to = w->part + place(&s->own, s->own_part, p);
  for (int64_t i = 0; i < count; i++) to[i] += (real)sum[i];
}

void NEURLP_REAL(neurlp_broadcast_sum)(const neurlp_graph *graph, const neurlp_tensor_shape *whole,
                                       const real *dy, const neurlp_tensor_shape *other_shape,
                                       const real *other, const neurlp_tensor_shape *part_shape, real *part) {
  int64_t of_whole[NEURLP_TENSOR_RANK], of_other[NEURLP_TENSOR_RANK], of_part[NEURLP_TENSOR_RANK];
  neurlp_shape_strides(whole, whole, of_whole);
  neurlp_shape_strides(other ? other_shape : whole, whole, of_other);
  neurlp_shape_strides(part_shape, whole, of_part);
  const work w = {split_axes(whole, of_whole, of_other, of_part), dy, other, part};
  const int64_t owns = neurlp_shape_numbers(&w.axes.own), length = neurlp_walk_length(whole);
  if (whole->rank > 0 && of_part[whole->rank - 1] != 0) {
    const int64_t cuts = (length + COLUMNS - 1) / COLUMNS, pieces = owns / length * cuts;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
    for (int64_t piece = 0; piece < pieces; piece++) {
      const int64_t first = piece % cuts * COLUMNS, rest = length - first;
      sum_columns(&w, piece / cuts * length + first, rest < COLUMNS ? rest : COLUMNS);
    }
  } else {
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
    for (int64_t p = 0; p < owns; p++) sum_row(&w, p);
  }
}
