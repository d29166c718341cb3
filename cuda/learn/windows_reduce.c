/* From windows to the triangles of their bins, on a device: sensitivities, elimination of initial values, and
 * merging, WINDOW_FAN records at a time, always the same ones in the same order. */
#include "core/triangle.h"
#include "cuda/learn/windows.h"

#include <string.h>

/* ---- triangles of windows ---------------------------------------------------------------------------- */

static neurlp_status reduce_piece(window_core *c, neurlp_cuda_windows *g, int64_t first, int64_t slots) {
  const neurlp_cuda_fit_kernels *kernels = neurlp_cuda_fit_kernels_all();
  const int64_t numbers = g->model.parameters + g->model.dimensions + 1;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_core_fill(c, g, NEURLP_CUDA_FORWARD, false, first, slots));
  NEURLP_TRY(neurlp_core_solve_block(c, g));
  NEURLP_TRY(neurlp_core_launch(c, g, &kernels->receive, slots));
  NEURLP_TRY(neurlp_core_launch(c, g, &kernels->power, slots * numbers));
done:
  return status;
}

/* ---- bins -------------------------------------------------------------------------------------------- */

/* Records of one level: what each has merged, and its bin. */
typedef struct level {
  int64_t count;
  int64_t *begin, *end, *bin;
} level;

/* Ranges of up to WINDOW_FAN neighbours of one bin among `count` sources, whose bins are in the order of the
 * sources. `bins` may be those of the level itself. */
static void gather_ranges(level *l, int64_t count, const int64_t *bins) {
  l->count = 0;
  for (int64_t i = 0; i < count; i++) {
    const int64_t bin = bins[i], last = l->count - 1;
    if (last < 0 || l->bin[last] != bin || i - l->begin[last] == WINDOW_FAN) {
      l->begin[l->count] = i;
      l->bin[l->count++] = bin;
    }
    l->end[l->count - 1] = i + 1;
  }
}

static bool is_merged(const level *l) {
  for (int64_t i = 1; i < l->count; i++)
    if (l->bin[i] == l->bin[i - 1]) return false;
  return true;
}

static neurlp_status merge_level(fit_cuda *f, const level *l, neurlp_cuda_bins *bins) {
  const size_t bytes = (size_t)l->count * sizeof(int64_t);
  int64_t *end = f->ranges + f->record_count[0];
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_transfer_in(&f->core.transfer, f->ranges, l->begin, bytes));
  NEURLP_TRY(neurlp_transfer_in(&f->core.transfer, end, l->end, bytes));
  bins->records = l->count;
  bins->begin = f->ranges;
  bins->end = end;
  status = f->core.device->operations->launch(f->core.device, 0, neurlp_cuda_bin_kernel(),
                                              l->count < bins->threads ? l->count : bins->threads, bins,
                                              sizeof *bins);
done:
  return status;
}

/* Records to those of the bins, a run of neighbouring bins at a time. */
static neurlp_status take_records(const fit_cuda *f, const level *l, const double *records, int64_t record,
                                  double *bins) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0, run; i < l->count; i += run) {
    for (run = 1; i + run < l->count && l->bin[i + run] == l->bin[i] + run;) run++;
    NEURLP_TRY(neurlp_transfer_out(&f->core.transfer, bins + l->bin[i] * record, records + i * record,
                                   (size_t)(run * record) * sizeof *bins));
  }
done:
  return status;
}

/* Merges the selected windows of each bin, and puts its record into work->bin_local. */
static neurlp_status merge_windows(neurlp_fit *fit) {
  fit_cuda *f = fit_cuda_of(fit);
  const neurlp_fit_work *work = fit->work;
  const int64_t size = neurlp_fit_window_size(fit), reduced = work->columns + 1, v = neurlp_fit_initials(fit);
  const int64_t power = fit->model->parameters + fit->model->dimensions + 1;
  const int64_t record = neurlp_triangle_count(reduced) + power, most = f->record_count[0];
  level l = {.begin = f->record_list, .end = f->record_list + most, .bin = f->record_list + 2 * most};
  neurlp_cuda_bins bins = {.list = f->core.selected,
                           .size = reduced,
                           .power_count = power,
                           .triangle = f->core.given.triangle + neurlp_triangle_row(size, v),
                           .power = f->core.given.power,
                           .triangle_stride = neurlp_triangle_count(size),
                           .power_stride = power,
                           .to = f->records[0],
                           .threads = f->core.given.threads,
                           .workspace = f->core.given.workspace};
  neurlp_status status = NEURLP_SUCCESS;
  if (work->selected_count == 0) return status;
  for (int64_t i = 0; i < work->selected_count; i++) f->core.list[i] = fit->window[work->selected[i]].bin;
  gather_ranges(&l, work->selected_count, f->core.list);
  NEURLP_TRY(merge_level(f, &l, &bins));
  for (int32_t to = 1; !is_merged(&l); to = 1 - to) {
    gather_ranges(&l, l.count, l.bin);
    bins.list = NULL;
    bins.triangle = bins.to;
    bins.power = bins.to + neurlp_triangle_count(reduced);
    bins.triangle_stride = bins.power_stride = record;
    bins.to = f->records[to];
    NEURLP_TRY(merge_level(f, &l, &bins));
  }
  status = take_records(f, &l, bins.to, record, work->bin_local);
done:
  return status;
}

neurlp_status neurlp_windows_reduce(neurlp_fit *fit) {
  fit_cuda *f = fit_cuda_of(fit);
  const int64_t most = f->core.blocks[NEURLP_CUDA_FORWARD].capacity;
  neurlp_status status = NEURLP_SUCCESS;
  f->cached_count = 0;
  NEURLP_TRY(neurlp_windows_bring(fit, fit->theta));
  neurlp_cuda_windows g = f->core.given;
  for (int64_t first = 0; first < g.count; first += most)
    NEURLP_TRY(reduce_piece(&f->core, &g, first, g.count - first < most ? g.count - first : most));
  status = merge_windows(fit);
done:
  return status;
}

/* ---- initial values ---------------------------------------------------------------------------------- */

neurlp_status neurlp_windows_step_initial(neurlp_fit *fit) {
  const window_core *c = &fit_cuda_of(fit)->core;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_windows_bring(fit, fit->theta));
  neurlp_cuda_windows g = c->given;
  NEURLP_TRY(neurlp_core_launch(c, &g, &neurlp_cuda_fit_kernels_all()->step_initial, g.count));
  status = c->device->operations->wait(c->device, 0);
done:
  return status;
}
