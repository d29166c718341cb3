#include "train/network_scales.h"

#include <math.h>

/* Runs `each` over the samples that windows may see. */
typedef struct sums {
  double square;
  int64_t count;
} sums;

static double root_mean(sums s) {
  const double mean = s.count > 0 ? s.square / (double)s.count : 0;
  return mean > 0 && isfinite(mean) ? sqrt(mean) : 1;
}

/* The difference of order kappa at sample t, over the step to that power: x, x' or x''. */
static double difference(const double *x, int64_t stride, int32_t kappa, double h) {
  if (kappa == 0) return x[0];
  if (kappa == 1) return (x[2 * stride] - x[0]) / (2 * h);
  return (x[2 * stride] - 2 * x[stride] + x[0]) / (h * h);
}

/* RMS of state k's derivative; derivatives above the second one are taken to be of the second one's size over
 * the step's powers. */
static double derivative_size(const neurlp_network_study *s, int32_t k) {
  const neurlp_window_spec *z = &s->windows.spec;
  sums all = {0};
  for (int64_t i = 0; i < z->systems; i++)
    for (int64_t t = 0; t + 2 < neurlp_windows_seen(z, i); t++) {
      const double *x = s->windows.filled + (i * z->samples + t) * z->dimensions + k;
      const double d = difference(x, z->dimensions, s->leading < 2 ? s->leading : 2, s->step);
      if (!isfinite(d)) continue; /* of a trajectory without windows, which may be missing */
      all.square += d * d;
      all.count++;
    }
  return root_mean(all);
}

/* RMS of all terms; the program's outputs are [L][points of a system]. */
static neurlp_status measure_terms(neurlp_network_study *s, const neurlp_program *program) {
  const neurlp_window_spec *z = &s->windows.spec;
  const int32_t D = z->dimensions, L = s->terms;
  neurlp_status status = NEURLP_SUCCESS;
  double *values = NULL;
  void *workspace = NULL;
  sums *all = NULL;
  const double **inputs = NULL;
  int64_t *strides = NULL;
  NEURLP_TRY(neurlp_allocate(s->context, (int64_t)L * z->samples, sizeof *values, &values));
  NEURLP_TRY(neurlp_allocate(s->context, (int64_t)neurlp_program_workspace_bytes(program), 1, &workspace));
  NEURLP_TRY(neurlp_allocate(s->context, L, sizeof *all, &all));
  NEURLP_TRY(neurlp_allocate(s->context, D, sizeof *inputs, &inputs));
  NEURLP_TRY(neurlp_allocate(s->context, D, sizeof *strides, &strides));
  for (int64_t i = 0; i < z->systems; i++) {
    const int64_t points = neurlp_windows_seen(z, i);
    for (int32_t k = 0; k < D; k++) {
      inputs[k] = s->windows.filled + i * z->samples * D + k;
      strides[k] = D;
    }
    neurlp_program_run(program, points, inputs, strides, values, workspace);
    for (int32_t l = 0; l < L; l++)
      for (int64_t t = 0; t < points; t++) {
        const double v = values[l * points + t];
        if (!isfinite(v)) continue;
        all[l].square += v * v;
        all[l].count++;
      }
  }
  for (int32_t l = 0; l < L; l++) s->term_size[l] = root_mean(all[l]);
done:
  neurlp_release(s->context, &values);
  neurlp_release(s->context, &workspace);
  neurlp_release(s->context, &all);
  neurlp_release(s->context, &inputs);
  neurlp_release(s->context, &strides);
  return status;
}

neurlp_status neurlp_network_scales(neurlp_network_study *s) {
  const int32_t D = s->data.dimensions, L = s->terms;
  neurlp_program *program = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(s->context, L, sizeof *s->term_size, &s->term_size));
  NEURLP_TRY(neurlp_allocate(s->context, (int64_t)D * L, sizeof *s->weight_scale, &s->weight_scale));
  NEURLP_TRY(neurlp_program_create(s->context, L, (const neurlp_expr *const *)s->data.model->library->terms,
                                   &program));
  NEURLP_TRY(measure_terms(s, program));
  for (int32_t k = 0; k < D; k++) {
    const double size = derivative_size(s, k);
    for (int32_t l = 0; l < L; l++) s->weight_scale[k * L + l] = size / s->term_size[l];
  }
done:
  neurlp_program_destroy(&program);
  return status;
}
