/* The model whose equations are compiled into test_cuda_equations: a known part with parameters and the time,
 * and a basis library. */
#ifndef TESTS_CUDA_EQUATIONS_MODEL_H
#define TESTS_CUDA_EQUATIONS_MODEL_H

#include "learn/model.h"

#include <math.h>

static inline neurlp_status make_test_model(neurlp_context *context, neurlp_model **model) {
  static const char *const states[] = {"x", "y"};
  static const char *const equations[] = {"x'' = a*sin(x) - b*x'*y + cos(t)", "y'' = exp(-y^2) + a*b"};
  static const neurlp_parameter parameters[] = {{"a", 1, -INFINITY, INFINITY}, {"b", 1, -INFINITY, INFINITY}};
  static const neurlp_library_spec library = {.polynomial = 2};
  const neurlp_model_spec spec = {.dimensions = 2,
                                  .states = states,
                                  .order = 2,
                                  .equation_count = 2,
                                  .equations = equations,
                                  .parameter_count = 2,
                                  .parameters = parameters,
                                  .library = &library};
  return neurlp_model_create(context, &spec, model);
}

#endif
