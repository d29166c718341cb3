/* Solving windows on a device: damped Gauss-Newton on all of them; and tracking. Which of them go on is known
 * on the host, which asks after each iteration. */
#include "cuda/windows.h"

#include <math.h>

/* ---- the iteration ----------------------------------------------------------------------------------- */

/* One linear solve and one move for windows at positions f->list [first .. first + slots). */
static neurlp_status iterate_piece(neurlp_fit *fit, neurlp_cuda_windows *g, int64_t first, int64_t slots) {
  fit_cuda *f = fit_cuda_of(fit);
  const neurlp_cuda_window_kernels *kernels = neurlp_cuda_window_kernels_all();
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_windows_block(fit, g, NEURLP_CUDA_SOLVE, f->list, first, slots));
  NEURLP_TRY(neurlp_windows_launch(f, g, &kernels->measure, slots * g->steps));
  NEURLP_TRY(neurlp_windows_launch(f, g, &kernels->decide, slots));
  NEURLP_TRY(neurlp_windows_launch(f, g, &kernels->move, slots * g->steps));
done:
  return status;
}

/* One iteration of the `count` windows in f->list; *left of them, which stay there, go on. */
static neurlp_status iterate(neurlp_fit *fit, neurlp_cuda_windows *g, int64_t count, int64_t *left) {
  fit_cuda *f = fit_cuda_of(fit);
  const int64_t most = f->blocks[NEURLP_CUDA_SOLVE].capacity;
  neurlp_status status = NEURLP_SUCCESS;
  int64_t kept = 0;
  NEURLP_TRY(neurlp_transfer_in(&f->transfer, f->position, f->list, (size_t)count * sizeof *f->list));
  for (int64_t first = 0; first < count; first += most)
    NEURLP_TRY(iterate_piece(fit, g, first, count - first < most ? count - first : most));
  NEURLP_TRY(neurlp_transfer_out(&f->transfer, f->active, g->active, (size_t)g->count));
  for (int64_t i = 0; i < count; i++)
    if (f->active[f->list[i]]) f->list[kept++] = f->list[i];
  *left = kept;
done:
  return status;
}

/* The trial trajectories from which the iteration begins. */
static neurlp_status predict(fit_cuda *f, neurlp_cuda_windows *g) {
  const neurlp_cuda_window_kernels *kernels = neurlp_cuda_window_kernels_all();
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_windows_launch(f, g, &kernels->copy_back, g->count * g->steps));
  NEURLP_TRY(neurlp_windows_launch(f, g, &kernels->march, g->count));
done:
  return status;
}

/* Statuses and squared residuals back to the host. */
static neurlp_status take_results(neurlp_fit *fit, neurlp_cuda_windows *g) {
  fit_cuda *f = fit_cuda_of(fit);
  neurlp_fit_work *work = fit->work;
  const int64_t numbers = 2 * (int64_t)g->model.dimensions;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_windows_launch(f, g, &neurlp_cuda_window_kernels_all()->squares, g->count));
  NEURLP_TRY(
      neurlp_transfer_out(&f->transfer, work->status, g->status, (size_t)g->count * sizeof *work->status));
  NEURLP_TRY(neurlp_transfer_out(&f->transfer, f->numbers, g->squares,
                                 (size_t)(g->count * numbers) * sizeof *f->numbers));
  for (int64_t i = 0; i < g->count; i++)
    for (int64_t k = 0; k < numbers; k++)
      work->window_squares[work->selected[i] * numbers + k] = f->numbers[i * numbers + k];
done:
  return status;
}

neurlp_status neurlp_windows_solve(neurlp_fit *fit, neurlp_fit_set set) {
  fit_cuda *f = fit_cuda_of(fit);
  const bool trial = set == NEURLP_FIT_TRIAL;
  const int32_t iterations = neurlp_fit_block_shape(fit, 1).iterations;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_windows_bring(fit, trial ? fit->trial_theta : fit->theta));
  neurlp_cuda_windows g = f->given;
  if (trial) {
    NEURLP_TRY(predict(f, &g));
    g.state = f->given.trial_state;
    g.initial = f->given.trial_initial;
  }
  NEURLP_TRY(neurlp_windows_launch(f, &g, &neurlp_cuda_window_kernels_all()->begin, g.count));
  int64_t left = g.count;
  for (int64_t i = 0; i < left; i++) f->list[i] = i;
  for (int32_t i = 0; i < iterations && left > 0; i++) NEURLP_TRY(iterate(fit, &g, left, &left));
  status = take_results(fit, &g);
done:
  return status;
}

neurlp_status neurlp_windows_accept(neurlp_fit *fit) {
  fit_cuda *f = fit_cuda_of(fit);
  const neurlp_cuda_window_kernels *kernels = neurlp_cuda_window_kernels_all();
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_windows_bring(fit, fit->theta));
  neurlp_cuda_windows g = f->given;
  NEURLP_TRY(neurlp_windows_launch(f, &g, &kernels->copy, g.count * g.steps));
  NEURLP_TRY(neurlp_windows_launch(f, &g, &kernels->accept, g.count));
  status = f->device->operations->wait(f->device, 0);
done:
  return status;
}

/* ---- tracking ---------------------------------------------------------------------------------------- */

/* Iterations, and the change relative to a state's size that ends them (learn/cpu/track.c). */
enum { TRACK_ITERATIONS = 12 };
static const double TRACKED = 1e-4;

static neurlp_status track_piece(neurlp_fit *fit, neurlp_cuda_windows *g, int64_t first, int64_t slots) {
  fit_cuda *f = fit_cuda_of(fit);
  const neurlp_cuda_window_kernels *kernels = neurlp_cuda_window_kernels_all();
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_windows_block(fit, g, NEURLP_CUDA_TRACK, NULL, first, slots));
  NEURLP_TRY(neurlp_windows_launch(f, g, &kernels->fit_initial, slots));
  NEURLP_TRY(neurlp_windows_launch(f, g, &kernels->combine, slots * g->steps));
  NEURLP_TRY(neurlp_windows_launch(f, g, &kernels->judge, slots));
done:
  return status;
}

neurlp_status neurlp_windows_track(neurlp_fit *fit) {
  fit_cuda *f = fit_cuda_of(fit);
  neurlp_fit_work *work = fit->work;
  const int64_t most = f->blocks[NEURLP_CUDA_TRACK].capacity;
  neurlp_status status = NEURLP_SUCCESS;
  work->selected_count = fit->window_count;
  for (int64_t w = 0; w < fit->window_count; w++) work->selected[w] = w;
  for (int32_t iteration = 0; iteration < TRACK_ITERATIONS && work->selected_count > 0; iteration++) {
    NEURLP_TRY(neurlp_windows_bring(fit, fit->theta));
    neurlp_cuda_windows g = f->given;
    for (int64_t first = 0; first < g.count; first += most)
      NEURLP_TRY(track_piece(fit, &g, first, g.count - first < most ? g.count - first : most));
    NEURLP_TRY(
        neurlp_transfer_out(&f->transfer, f->numbers, g.tracked, (size_t)g.count * sizeof *f->numbers));
    int64_t left = 0;
    for (int64_t i = 0; i < g.count; i++) /* one that ran away is done with, too */
      if (f->numbers[i] > TRACKED && isfinite(f->numbers[i])) work->selected[left++] = work->selected[i];
    work->selected_count = left;
  }
done:
  return status;
}
