/* Marching: where the iteration of a block starts from when parameters or initial values have moved.
 *
 * The classical Runge-Kutta method of order 4 on the block's own grid gives a trajectory that is wrong by
 * errors of discretisation only, so that the block converges in two or three iterations. From the trajectory
 * before the move it may need dozens, or none may be enough, where the solution grows in bursts. Stiff
 * systems, for which the method is unstable, start from the trajectory before the move. */
#include "learn/cpu/cpu.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* A trajectory further than this many sizes of its state from zero has run away. */
static const double RUNAWAY = 1e3;

/* Numbers of one thread's workspace: the state, the stage's state, its slope, the sum of slopes, and inputs.
 */
int64_t neurlp_fit_march_count(const neurlp_fit *fit) {
  return 4 * (int64_t)fit->model->dimensions * fit->model->order + fit->model->inputs;
}

/* slope = dy/dt of y = (x_0, x_0', x_1, ...) at this time, with these inputs. */
static void evaluate_slope(const neurlp_fit *fit, const double *theta, double t, const double *inputs,
                           const double *y, double *slope, void *workspace) {
  const int64_t D = fit->model->dimensions, kappa = fit->model->order;
  const neurlp_points point = {.count = 1, .states = y, .stride = kappa, .times = &t, .inputs = inputs};
  neurlp_model_values values;
  neurlp_model_evaluate(fit->model, &point, theta, false, workspace, &values);
  for (int64_t k = 0; k < D; k++) {
    for (int64_t j = 0; j + 1 < kappa; j++) slope[k * kappa + j] = y[k * kappa + j + 1];
    slope[k * kappa + kappa - 1] = values.flow[k];
  }
}

/* One step from a grid point to the next, in place. Inputs between the two are their mean: what is marched is
 * where an iteration starts from. */
static void step_once(const neurlp_fit *fit, const double *theta, int64_t at, double *y, void *workspace) {
  static const double NODE[4] = {0, 0.5, 0.5, 1}, WEIGHT[4] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
  const int64_t n = (int64_t)fit->model->dimensions * fit->model->order, U = fit->model->inputs;
  const double t = fit->data->times[at], h = fit->data->steps[at];
  const double *here = neurlp_trajectory_input(fit->data, at);
  double *stage = y + n, *slope = stage + n, *sum = slope + n, *mean = sum + n;
  const double *const inputs[4] = {here, mean, mean, U > 0 ? here + U : NULL};
  for (int64_t i = 0; i < U; i++) mean[i] = (here[i] + here[U + i]) / 2;
  memset(slope, 0, (size_t)(2 * n) * sizeof *slope); /* the slope and the sum */
  for (int32_t q = 0; q < 4; q++) {
    for (int64_t i = 0; i < n; i++) stage[i] = y[i] + NODE[q] * h * slope[i];
    evaluate_slope(fit, theta, t + NODE[q] * h, inputs[q], stage, slope, workspace);
    for (int64_t i = 0; i < n; i++) sum[i] += WEIGHT[q] * slope[i];
  }
  for (int64_t i = 0; i < n; i++) y[i] += h * sum[i];
}

bool neurlp_fit_march(const neurlp_fit *fit, int64_t w, const double *theta, const double *initial,
                      double *state) {
  const fit_cpu *work = fit_cpu_of(fit);
  const neurlp_window *window = &fit->window[w];
  const int64_t D = fit->model->dimensions, kappa = fit->model->order, width = fit->data->order + 1;
  const int64_t thread = omp_get_thread_num();
  void *workspace = work->model_workspace + (size_t)thread * work->model_workspace_bytes;
  double *y = work->march + thread * neurlp_fit_march_count(fit);
  const double *scale = fit->data->scale + window->segment * D;
  memcpy(y, initial, (size_t)(D * kappa) * sizeof *y);
  for (int64_t p = 0; p < window->points; p++) {
    const int64_t point = window->first_point + p;
    for (int64_t k = 0; k < D; k++) {
      if (!(fabs(y[k * kappa]) <= RUNAWAY * scale[k])) return false;
      for (int64_t j = 0; j < kappa; j++) state[(p * D + k) * width + j] = y[k * kappa + j];
    }
    if (p + 1 < window->points) step_once(fit, theta, point, y, workspace);
  }
  return true;
}
