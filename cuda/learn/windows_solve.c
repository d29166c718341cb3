/* Solving windows on a device, from where they are or from a march; and tracking. */
#include "cuda/learn/windows.h"

#include <math.h>

/* The trial trajectories from which the iteration begins. */
static neurlp_status predict(const window_core *c, neurlp_cuda_windows *g) {
  const neurlp_cuda_fit_kernels *kernels = neurlp_cuda_fit_kernels_all();
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_launch(c, g, &kernels->copy_back, g->count * g->steps));
  NEURLP_TRY(neurlp_core_launch(c, g, neurlp_core_kernel(c, WINDOW_MARCH, &kernels->march), g->count));
done:
  return status;
}

/* Statuses and squared residuals back to the host. */
static neurlp_status take_results(neurlp_fit *fit, neurlp_cuda_windows *g) {
  fit_cuda *f = fit_cuda_of(fit);
  const window_core *c = &f->core;
  neurlp_fit_work *work = fit->work;
  const int64_t numbers = 2 * (int64_t)g->model.dimensions;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_launch(c, g, &neurlp_cuda_fit_kernels_all()->squares, g->count));
  NEURLP_TRY(
      neurlp_transfer_out(&c->transfer, work->status, g->status, (size_t)g->count * sizeof *work->status));
  NEURLP_TRY(neurlp_transfer_out(&c->transfer, f->numbers, g->squares,
                                 (size_t)(g->count * numbers) * sizeof *f->numbers));
  for (int64_t i = 0; i < g->count; i++)
    for (int64_t k = 0; k < numbers; k++)
      work->window_squares[work->selected[i] * numbers + k] = f->numbers[i * numbers + k];
done:
  return status;
}

neurlp_status neurlp_windows_solve(neurlp_fit *fit, neurlp_fit_set set) {
  window_core *c = &fit_cuda_of(fit)->core;
  const bool trial = set == NEURLP_FIT_TRIAL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_windows_bring(fit, trial ? fit->trial_theta : fit->theta));
  neurlp_cuda_windows g = c->given;
  if (trial) {
    NEURLP_TRY(predict(c, &g));
    g.state = c->given.trial_state;
    g.initial = c->given.trial_initial;
  }
  NEURLP_TRY(neurlp_core_solve(c, &g));
  status = take_results(fit, &g);
done:
  return status;
}

neurlp_status neurlp_windows_accept(neurlp_fit *fit) {
  const window_core *c = &fit_cuda_of(fit)->core;
  const neurlp_cuda_fit_kernels *kernels = neurlp_cuda_fit_kernels_all();
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_windows_bring(fit, fit->theta));
  neurlp_cuda_windows g = c->given;
  NEURLP_TRY(neurlp_core_launch(c, &g, &kernels->copy, g.count * g.steps));
  NEURLP_TRY(neurlp_core_launch(c, &g, &kernels->accept, g.count));
  status = c->device->operations->wait(c->device, 0);
done:
  return status;
}

/* ---- tracking ---------------------------------------------------------------------------------------- */

/* Iterations, and the change relative to a state's size that ends them (learn/cpu/track.c). */
enum { TRACK_ITERATIONS = 12 };
static const double TRACKED = 1e-4;

static neurlp_status track_piece(window_core *c, neurlp_cuda_windows *g, int64_t first, int64_t slots) {
  const neurlp_cuda_fit_kernels *kernels = neurlp_cuda_fit_kernels_all();
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_fill(c, g, NEURLP_CUDA_TRACK, false, first, slots));
  NEURLP_TRY(neurlp_core_solve_block(c, g));
  NEURLP_TRY(neurlp_core_launch(c, g, &kernels->fit_initial, slots));
  NEURLP_TRY(neurlp_core_launch(c, g, &kernels->combine, slots * g->steps));
  NEURLP_TRY(neurlp_core_launch(c, g, &kernels->judge, slots));
done:
  return status;
}

neurlp_status neurlp_windows_track(neurlp_fit *fit) {
  fit_cuda *f = fit_cuda_of(fit);
  window_core *c = &f->core;
  neurlp_fit_work *work = fit->work;
  const int64_t most = c->blocks[NEURLP_CUDA_TRACK].capacity;
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t iteration = 0; iteration < TRACK_ITERATIONS && work->selected_count > 0; iteration++) {
    NEURLP_TRY(neurlp_windows_bring(fit, fit->theta));
    neurlp_cuda_windows g = c->given;
    for (int64_t first = 0; first < g.count; first += most)
      NEURLP_TRY(track_piece(c, &g, first, g.count - first < most ? g.count - first : most));
    NEURLP_TRY(
        neurlp_transfer_out(&c->transfer, f->numbers, g.tracked, (size_t)g.count * sizeof *f->numbers));
    int64_t left = 0;
    for (int64_t i = 0; i < g.count; i++) /* one that ran away is done with, too */
      if (f->numbers[i] > TRACKED && isfinite(f->numbers[i])) work->selected[left++] = work->selected[i];
    work->selected_count = left;
  }
done:
  return status;
}
