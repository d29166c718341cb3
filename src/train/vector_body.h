/* Functions of vectors. Who includes it defines before
 *
 *   REAL     double or float: numbers of vectors
 *   VECTOR   the name of the table
 *
 * so there is no guard. */
#include "train/vector.h"

#include <math.h>

typedef REAL real;

/* A sum has this many parts, whatever the number of threads; and each part has lanes, which registers hold.
 */
enum { PARTS = 256, LANES = 8 };
/* Shorter vectors are not worth waking threads for. */
enum { SHARED_LEAST = 16384 };

static int64_t part_first(int64_t count, int64_t part) {
  const int64_t length = (count + PARTS - 1) / PARTS;
  return part * length < count ? part * length : count;
}

/* Adds the parts in their order. */
static double add_parts(const double *parts) {
  double sum = 0.0;
  for (int32_t p = 0; p < PARTS; p++) sum += parts[p];
  return sum;
}

static double add_lanes(const double *lanes) {
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

static double dot_part(const real *a, const real *b, int64_t first, int64_t end) {
  double lanes[LANES] = {0};
  int64_t i = first;
  for (; i + LANES <= end; i += LANES)
    for (int32_t l = 0; l < LANES; l++) lanes[l] += (double)a[i + l] * (double)b[i + l];
  for (int32_t l = 0; i < end; i++, l++) lanes[l] += (double)a[i] * (double)b[i];
  return add_lanes(lanes);
}

static double dot(int32_t threads, int64_t count, const void *a, const void *b) {
  double parts[PARTS];
#pragma omp parallel for num_threads(threads) schedule(static) if (count >= SHARED_LEAST)
  for (int32_t p = 0; p < PARTS; p++)
    parts[p] = dot_part(a, b, part_first(count, p), part_first(count, p + 1));
  return add_parts(parts);
}

static double square_part(const real *a, double scale, int64_t first, int64_t end) {
  double lanes[LANES] = {0};
  for (int64_t i = first; i < end; i++) {
    const double scaled = (double)a[i] / scale;
    lanes[(i - first) % LANES] += scaled * scaled;
  }
  return add_lanes(lanes);
}

static double square(int32_t threads, int64_t count, double scale, const void *a) {
  if (scale == 1.0) return dot(threads, count, a, a);
  double parts[PARTS];
#pragma omp parallel for num_threads(threads) schedule(static) if (count >= SHARED_LEAST)
  for (int32_t p = 0; p < PARTS; p++)
    parts[p] = square_part(a, scale, part_first(count, p), part_first(count, p + 1));
  return add_parts(parts);
}

static void combine(int32_t threads, int64_t count, const void *a, double factor, const void *b, void *out) {
  const real *from = a, *direction = b, step = (real)factor;
  real *to = out;
#pragma omp parallel for num_threads(threads) schedule(static) if (count >= SHARED_LEAST)
  for (int64_t i = 0; i < count; i++) to[i] = from[i] + step * direction[i];
}

static void scale(int32_t threads, int64_t count, double factor, void *a) {
  real *numbers = a;
  const real by = (real)factor;
#pragma omp parallel for num_threads(threads) schedule(static) if (count >= SHARED_LEAST)
  for (int64_t i = 0; i < count; i++) numbers[i] *= by;
}

static void mask_out(int32_t threads, int64_t count, const uint8_t *mask, void *a) {
  real *numbers = a;
#pragma omp parallel for num_threads(threads) schedule(static) if (count >= SHARED_LEAST)
  for (int64_t i = 0; i < count; i++) numbers[i] = mask[i] ? numbers[i] : 0;
}

static double greatest(int32_t threads, int64_t count, const void *a) {
  const real *numbers = a;
  double found = 0.0;
  int64_t undefined = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(max : found)                        \
    reduction(+ : undefined) if (count >= SHARED_LEAST)
  for (int64_t i = 0; i < count; i++) {
    const double size = fabs((double)numbers[i]);
    undefined += size != size;
    found = size > found ? size : found;
  }
  return undefined ? (double)NAN : found;
}

static int64_t first_not_finite(int32_t threads, int64_t count, const void *a) {
  const real *numbers = a;
  int64_t least = count;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(min                                 \
                                                                         : least) if (count >= SHARED_LEAST)
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(numbers[i]) && i < least) least = i;
  return least < count ? least : -1;
}

static double read_number(const void *a, int64_t i) {
  return (double)((const real *)a)[i];
}

const neurlp_vector VECTOR = {.number_bytes = sizeof(real),
                              .dot = dot,
                              .square = square,
                              .combine = combine,
                              .scale = scale,
                              .mask = mask_out,
                              .greatest = greatest,
                              .first_not_finite = first_not_finite,
                              .read = read_number};
