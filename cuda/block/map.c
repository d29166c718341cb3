/* Solutions as one matrix product, where the left-hand side is kept (docs/math.md, section 5). */
#include "cuda/block/check_kernels.h"
#include "cuda/block/state.h"

#include <string.h>

/* How much faster a product's operations are than a sweep's; not measured on a GPU yet, so as on a CPU. */
static const double PRODUCT_ADVANTAGE = 4;

static bool is_single(const cuda_state *s) {
  return s->problem->shape.precision == NEURLP_SINGLE;
}

static size_t number_bytes(const cuda_state *s) {
  return neurlp_number_bytes(&s->problem->shape);
}

/* Bytes of the unit inputs of part i. */
static size_t unit_bytes(const cuda_state *s, int32_t i) {
  return (size_t)(s->map.sizes.inputs * s->map.sizes.part[i]) * number_bytes(s);
}

static size_t map_bytes(const neurlp_map_sizes *map, const neurlp_problem *problem) {
  return (size_t)(map->inputs * (map->outputs + map->inputs)) * neurlp_number_bytes(&problem->shape) +
         (size_t)map->inputs * sizeof(neurlp_status);
}

neurlp_map_sizes neurlp_map_plan_cuda(const neurlp_problem *problem, size_t *bytes) {
  const neurlp_map_sizes map = neurlp_map_plan(problem, PRODUCT_ADVANTAGE);
  *bytes = map.inputs > 0 ? map_bytes(&map, problem) : 0;
  return map;
}

neurlp_status neurlp_map_create_cuda(cuda_state *s) {
  const neurlp_device_operations *device = s->device->operations;
  cuda_map *map = &s->map;
  const int64_t m = map->sizes.inputs;
  size_t largest = (size_t)m * sizeof(neurlp_status);
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < NEURLP_MAP_PARTS; i++) {
    NEURLP_TRY(device->allocate(s->device, unit_bytes(s, i), &map->units[i]));
    if (unit_bytes(s, i) > largest) largest = unit_bytes(s, i);
  }
  NEURLP_TRY(device->allocate(s->device, (size_t)(m * map->sizes.outputs) * number_bytes(s), &map->numbers));
  NEURLP_TRY(device->allocate(s->device, (size_t)m * sizeof(neurlp_status), &map->status));
  NEURLP_TRY(device->allocate_pinned(s->device, largest, &map->pinned));
done:
  return status;
}

void neurlp_map_destroy_cuda(cuda_state *s) {
  cuda_map *map = &s->map;
  for (int32_t i = 0; i < NEURLP_MAP_PARTS; i++) s->device->operations->release(s->device, &map->units[i]);
  s->device->operations->release(s->device, &map->numbers);
  s->device->operations->release(s->device, &map->status);
  s->device->operations->release_pinned(s->device, &map->pinned);
}

/* Puts the unit inputs of part i, whose first has number `first` among all, on the device. */
static neurlp_status send_units(const cuda_state *s, int32_t i, int64_t first) {
  const cuda_map *map = &s->map;
  const int64_t width = map->sizes.part[i];
  neurlp_status status = NEURLP_SUCCESS;
  memset(map->pinned, 0, unit_bytes(s, i));
  for (int64_t j = 0; j < width; j++)
    if (is_single(s))
      ((float *)map->pinned)[(first + j) * width + j] = 1;
    else
      ((double *)map->pinned)[(first + j) * width + j] = 1;
  NEURLP_TRY(s->device->operations->copy(s->device, 0, map->units[i], map->pinned, unit_bytes(s, i)));
  status = s->device->operations->wait(s->device, 0);
done:
  return status;
}

/* The first failure among the solutions to unit inputs. */
static neurlp_status read_statuses(const cuda_state *s, neurlp_status *of_map) {
  const cuda_map *map = &s->map;
  const size_t bytes = (size_t)map->sizes.inputs * sizeof(neurlp_status);
  const neurlp_status *list = map->pinned;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(s->device->operations->copy(s->device, 0, map->pinned, map->status, bytes));
  NEURLP_TRY(s->device->operations->wait(s->device, 0));
  for (int64_t i = 0; i < map->sizes.inputs && *of_map == NEURLP_SUCCESS; i++) *of_map = list[i];
done:
  return status;
}

neurlp_status neurlp_map_make_cuda(cuda_state *s, neurlp_status *of_map) {
  const cuda_map *map = &s->map;
  neurlp_status status = NEURLP_SUCCESS;
  int64_t first = 0;
  for (int32_t i = 0; i < NEURLP_MAP_PARTS; first += map->sizes.part[i++])
    if (map->sizes.part[i] > 0) NEURLP_TRY(send_units(s, i, first));
  neurlp_cuda_tiles tiles = {.problem = *s->problem,
                             .items = map->sizes.inputs,
                             .threads = s->plan.threads,
                             .group_bytes = s->plan.group_bytes};
  tiles.inputs = (neurlp_inputs){.systems = map->sizes.inputs,
                                 .coefficients = s->kept.arrays[NEURLP_ARRAY_COEFFICIENTS],
                                 .rhs = map->units[0],
                                 .initial_values = map->units[1],
                                 .final_values = map->units[2],
                                 .steps = s->kept.arrays[NEURLP_ARRAY_STEPS]};
  tiles.job = (neurlp_tile_job){.workspace = s->queues[0].workspace,
                                .kept = s->kept.workspace,
                                .solution = map->numbers,
                                .status = map->status};
  NEURLP_TRY(
      s->device->operations->launch(s->device, 0, &s->kernels->solve, tiles.threads, &tiles, sizeof tiles));
  *of_map = NEURLP_SUCCESS;
  status = read_statuses(s, of_map);
done:
  return status;
}

/* Row `first` of the map. */
static const void *map_row(const cuda_state *s, int64_t first) {
  return (const unsigned char *)s->map.numbers + (size_t)(first * s->map.sizes.outputs) * number_bytes(s);
}

static neurlp_status launch_check(const cuda_state *s, int32_t queue, const neurlp_cuda_check *check) {
  const int64_t most = s->device->threads;
  return s->device->operations->launch(s->device, queue, neurlp_cuda_check_kernel(is_single(s)),
                                       check->systems < most ? check->systems : most, check, sizeof *check);
}

/* solution = inputs times map */
static neurlp_status map_solve(const cuda_state *s, int32_t queue, const neurlp_cuda_tiles *tiles) {
  const neurlp_map_sizes *z = &s->map.sizes;
  const void *parts[NEURLP_MAP_PARTS] = {tiles->inputs.rhs, tiles->inputs.initial_values,
                                         tiles->inputs.final_values};
  neurlp_status status = NEURLP_SUCCESS;
  bool add = false;
  int64_t first = 0;
  for (int32_t i = 0; i < NEURLP_MAP_PARTS; first += z->part[i++]) {
    if (z->part[i] == 0) continue;
    const neurlp_product product = {.single = is_single(s),
                                    .add = add,
                                    .rows = tiles->items,
                                    .columns = z->outputs,
                                    .inner = z->part[i],
                                    .b_stride = z->outputs,
                                    .a = parts[i],
                                    .b = map_row(s, first),
                                    .c = tiles->job.solution};
    NEURLP_TRY(s->device->operations->multiply(s->device, queue, &product));
    add = true;
  }
  status = launch_check(s, queue,
                        &(neurlp_cuda_check){.systems = tiles->items,
                                             .arrays = {tiles->job.solution},
                                             .sizes = {z->outputs},
                                             .written = {true},
                                             .status = tiles->job.status});
done:
  return status;
}

/* gradients = gradient of the solution times the transposed map */
static neurlp_status map_adjoint(const cuda_state *s, int32_t queue, const neurlp_cuda_tiles *tiles) {
  const neurlp_map_sizes *z = &s->map.sizes;
  void *parts[NEURLP_MAP_PARTS] = {tiles->gradients.rhs, tiles->gradients.initial_values,
                                   tiles->gradients.final_values};
  neurlp_cuda_check check = {.systems = tiles->items, .status = tiles->job.status};
  neurlp_status status = NEURLP_SUCCESS;
  int64_t first = 0;
  for (int32_t i = 0; i < NEURLP_MAP_PARTS; first += z->part[i++]) {
    if (z->part[i] == 0 || !parts[i]) continue;
    const neurlp_product product = {.single = is_single(s),
                                    .transposed = true,
                                    .rows = tiles->items,
                                    .columns = z->part[i],
                                    .inner = z->outputs,
                                    .b_stride = z->outputs,
                                    .a = tiles->job.grad_output,
                                    .b = map_row(s, first),
                                    .c = parts[i]};
    NEURLP_TRY(s->device->operations->multiply(s->device, queue, &product));
    check.arrays[i] = parts[i];
    check.sizes[i] = z->part[i];
    check.written[i] = true;
  }
  memcpy(&check.arrays[NEURLP_MAP_PARTS], &tiles->job.grad_output, sizeof(void *)); /* only read */
  check.sizes[NEURLP_MAP_PARTS] = z->outputs;
  status = launch_check(s, queue, &check);
done:
  return status;
}

neurlp_status neurlp_map_run_cuda(const cuda_state *s, int32_t queue, const neurlp_cuda_tiles *tiles) {
  return tiles->job.solution ? map_solve(s, queue, tiles) : map_adjoint(s, queue, tiles);
}
