#include "block/sweep/merge.h"
#include "cuda/block/cut.h"

/* A piece costs two passes, with twice the columns, and its merging: fewer intervals than this do not pay,
 * nor do fewer pieces of a system. */
enum { LEAST_INTERVALS = 32, LEAST_PIECES = 8, GROUP = NEURLP_CUDA_GROUP };

static int64_t whole_groups(int64_t items) {
  return (items + GROUP - 1) / GROUP * GROUP;
}

/* Takes room for `count` things from a block of memory. */
static size_t take(size_t *end, int64_t count, size_t bytes) {
  const size_t place = *end;
  *end += cuda_whole_bytes((size_t)count * bytes);
  return place;
}

/* Intervals of a piece: as few as fill the device's threads. */
static int32_t choose_intervals(const neurlp_shape *shape, int64_t device_threads) {
  const int64_t all = (int64_t)shape->steps * shape->systems;
  const int64_t intervals = (all + device_threads - 1) / device_threads;
  const int64_t more = intervals > LEAST_INTERVALS ? intervals : LEAST_INTERVALS;
  return (int32_t)(more < shape->steps ? more : shape->steps);
}

static void plan_levels(cuda_cut *cut, int64_t systems) {
  const size_t number = sizeof(double);
  int64_t own = cut->plan.most; /* records of one system */
  for (cut->levels = 1;; cut->levels++) {
    cuda_cut_level *level = &cut->level[cut->levels - 1];
    const int64_t records = level->records = systems * own, above = (own + CUDA_RUN - 1) / CUDA_RUN;
    level->runs = take(&cut->list_bytes, systems * above, sizeof(neurlp_run));
    level->start = take(&cut->list_bytes, records, sizeof(int64_t));
    level->end = take(&cut->list_bytes, records, sizeof(int64_t));
    level->ends = take(&cut->device_bytes, records, (size_t)cut->layout.numbers * number);
    level->status = take(&cut->device_bytes, records, sizeof(neurlp_status));
    level->kept = take(&cut->device_bytes, records, (size_t)merge_kept_numbers(cut->layout) * number);
    if (own <= CUDA_RUN || cut->levels == CUDA_LEVELS) break;
    own = above;
  }
}

static void plan_memory(cuda_cut *cut, const neurlp_problem *problem, const neurlp_cuda_kernels *kernels) {
  const int64_t systems = problem->shape.systems, pieces = systems * cut->plan.most;
  const size_t joint = (size_t)(cut->layout.unknowns * cut->layout.columns) * sizeof(double);
  cut->pieces = take(&cut->list_bytes, systems + pieces, sizeof(neurlp_piece));
  cut->systems_pieces = take(&cut->list_bytes, systems, sizeof(neurlp_run));
  cut->systems_top = take(&cut->list_bytes, systems, sizeof(neurlp_run));
  cut->head_status = take(&cut->device_bytes, systems, sizeof(neurlp_status));
  cut->head_ends = take(&cut->device_bytes, systems, (size_t)cut->layout.numbers * sizeof(double));
  cut->joints = take(&cut->device_bytes, systems + pieces, joint);
  cut->parts = take(&cut->device_bytes, (systems + pieces) * cut->plan.part_numbers,
                    neurlp_number_bytes(&problem->shape));
  cut->work =
      take(&cut->device_bytes, cut->merge_threads, (size_t)merge_work_numbers(cut->layout) * sizeof(double));
  cut->chains =
      take(&cut->device_bytes, systems,
           (size_t)neurlp_chain_numbers(cut->layout, CUDA_RUN + 1) * sizeof(double) + (CUDA_RUN + 1) * joint);
  cut->store =
      take(&cut->device_bytes, whole_groups(systems) / GROUP, kernels->store_bytes(&cut->plan.head, true));
  take(&cut->device_bytes, whole_groups(pieces) / GROUP, kernels->store_bytes(&cut->plan.piece, true));
}

void neurlp_cut_plan_cuda(cuda_cut *cut, const neurlp_problem *problem, const neurlp_cuda_kernels *kernels,
                          int64_t device_threads) {
  const neurlp_shape *shape = &problem->shape;
  const int32_t intervals = choose_intervals(shape, device_threads);
  const int64_t least = (int64_t)LEAST_PIECES * intervals;
  *cut = (cuda_cut){.list_bytes = 0};
  if (problem->final > 0) return; /* only the backend cpu puts them in where pieces are joined */
  neurlp_cut_plan(&cut->plan, problem, intervals, least < INT32_MAX ? (int32_t)least : INT32_MAX);
  if (cut->plan.intervals == 0) return;
  const int64_t pieces = shape->systems * cut->plan.most;
  const size_t head = kernels->group_bytes(&cut->plan.head), piece = kernels->group_bytes(&cut->plan.piece);
  cut->group_bytes = head > piece ? head : piece;
  cut->threads = whole_groups(pieces < device_threads ? pieces : device_threads);
  cut->merge_threads = whole_groups(shape->systems * ((cut->plan.most + CUDA_RUN - 1) / CUDA_RUN));
  if (cut->merge_threads > device_threads) cut->merge_threads = whole_groups(device_threads);
  cut->layout = neurlp_end_layout_of(problem->unknowns, shape->columns);
  plan_levels(cut, shape->systems);
  plan_memory(cut, problem, kernels);
}
