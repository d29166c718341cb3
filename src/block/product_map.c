#include "block/product_map.h"

const neurlp_array neurlp_map_arrays[NEURLP_MAP_PARTS] = {NEURLP_ARRAY_RHS, NEURLP_ARRAY_INITIAL_VALUES,
                                                          NEURLP_ARRAY_FINAL_VALUES};

/* Operations of a solve by sweeps over a kept factor, for each system: twice a residual and two
 * substitutions. */
static double sweep_operations(const neurlp_problem *problem) {
  const neurlp_shape *shape = &problem->shape;
  const double n = problem->unknowns, factor = n * (3 * n + 1) / 2 + n * problem->globals;
  const double rows = shape->equations * n + 2.0 * problem->smoothness_rows * problem->derivatives;
  return 2 * shape->steps * (4 * factor + 4 * rows);
}

neurlp_map_sizes neurlp_map_plan(const neurlp_problem *problem, double advantage) {
  const neurlp_shape *shape = &problem->shape;
  neurlp_map_sizes map = {.outputs = (int64_t)shape->steps * problem->unknowns};
  bool possible = problem->one_factor && shape->columns == 1 && !problem->slack;
  for (int32_t i = 0; i < NEURLP_MAP_PARTS; i++) {
    const neurlp_extents extents = neurlp_array_extents(shape, neurlp_map_arrays[i]);
    map.part[i] = extents.per_system;
    map.inputs += extents.per_system;
    possible = possible && (extents.per_system == 0 || extents.system_stride > 0);
  }
  const double product = 2.0 * (double)map.outputs * (double)map.inputs;
  if (!possible || map.outputs > INT32_MAX || product > advantage * sweep_operations(problem)) map.inputs = 0;
  return map;
}
