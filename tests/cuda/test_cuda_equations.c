/* Equations that are compiled into kernels do what the kernels that interpret them do: the text that NVRTC is
 * given, compiled by nvcc, and all of it on the CPU. */
#include "cuda/equations_model.h"
#include "cuda/learn/fit_kernels.h"
#include "expr/program.h"
#include "learn/model_code.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

void compiled_fill_point(const neurlp_cuda_windows *w, int64_t place, double *workspace);
void compiled_contract(const neurlp_cuda_windows *w, int64_t place, double *workspace);
void compiled_march(const neurlp_cuda_windows *w, int64_t position, double *workspace);

/* d = 3, so 8 unknowns of a step; two systems, of which the second is shorter. */
enum {
  D = 2,
  WIDTH = 4,
  N = D * WIDTH,
  STATES = 4,
  SYSTEMS = 2,
  STEPS = 9,
  P = 2 + 2 * 15,
  RIGHT = P + STATES
};
enum { PLACES = SYSTEMS * STEPS, NUMBERS = 4096 };

typedef struct test_arrays {
  double state[PLACES * N], trial_state[PLACES * N], trial_initial[SYSTEMS * STATES];
  double times[PLACES], intervals[PLACES], scale[SYSTEMS * D], theta[SYSTEMS * P];
  double coefficients[PLACES * D * N], rhs[PLACES * D * RIGHT], flow[PLACES * D];
  double grad_rhs[PLACES * D], share[PLACES * P];
  double workspace[NUMBERS * NEURLP_CUDA_GROUP];
  int32_t columns[P];
  int64_t selected[SYSTEMS];
  neurlp_cuda_window windows[SYSTEMS];
} test_arrays;

static void fill(test_arrays *a) {
  memset(a, 0, sizeof *a);
  for (int i = 0; i < PLACES * N; i++) a->state[i] = sin(1.3 * i) + 0.2;
  for (int i = 0; i < SYSTEMS * STATES; i++) a->trial_initial[i] = cos(2.1 * i);
  for (int i = 0; i < PLACES; i++) a->times[i] = 0.05 * i;
  for (int i = 0; i < PLACES; i++) a->intervals[i] = 0.05;
  for (int i = 0; i < SYSTEMS * D; i++) a->scale[i] = 1 + i;
  for (int i = 0; i < SYSTEMS * P; i++) a->theta[i] = i % 5 == 3 ? 0 : 0.3 * sin(3.7 * i);
  for (int i = 0; i < PLACES * D; i++) a->grad_rhs[i] = cos(0.9 * i);
  for (int i = 0; i < P; i++) a->columns[i] = i;
  for (int64_t s = 0; s < SYSTEMS; s++) {
    a->selected[s] = s;
    a->windows[s] = (neurlp_cuda_window){.first_point = s * STEPS,
                                         .points = STEPS - 2 * s,
                                         .first_interval = s * STEPS,
                                         .group = s,
                                         .segment = s};
  }
}

static neurlp_cuda_windows describe(test_arrays *a, const neurlp_model *model, neurlp_cuda_mode mode) {
  const neurlp_model_code *code = model->code;
  neurlp_cuda_windows w = {.model = {.dimensions = D,
                                     .order = 2,
                                     .named = model->named,
                                     .parameters = model->parameters,
                                     .symbols = model->symbols.count,
                                     .slots = code->full->slots + code->basic->slots,
                                     .flow_count = code->basic->count,
                                     .basic_count = code->basic->count,
                                     .full_count = code->full->count,
                                     .basic = code->basic->instructions,
                                     .full = code->full->instructions,
                                     .code = *code},
                           .unknowns = N,
                           .width = WIDTH,
                           .steps = STEPS,
                           .columns = P,
                           .windows = a->windows,
                           .times = a->times,
                           .intervals = a->intervals,
                           .scale = a->scale,
                           .theta = a->theta,
                           .column_parameter = a->columns,
                           .parameter_column = a->columns,
                           .state = a->state,
                           .trial_state = a->trial_state,
                           .trial_initial = a->trial_initial,
                           .selected = a->selected,
                           .count = SYSTEMS,
                           .mode = mode,
                           .slots = SYSTEMS,
                           .right = mode == NEURLP_CUDA_SOLVE ? 1 : RIGHT,
                           .coefficients = a->coefficients,
                           .rhs = a->rhs,
                           .flow = a->flow,
                           .grad_rhs = a->grad_rhs,
                           .share = a->share,
                           .threads = NEURLP_CUDA_GROUP,
                           .workspace = a->workspace};
  w.numbers = neurlp_cuda_fit_numbers(&w);
  return w;
}

typedef void (*task)(const neurlp_cuda_windows *w, int64_t i, double *workspace);

/* All tasks by a kernel that interprets, and by a function with the equations in it, on arrays of their own.
 */
static void compare(const char *what, const neurlp_model *model, neurlp_cuda_mode mode,
                    const neurlp_cuda_kernel *kernel, task compiled, int64_t tasks) {
  static test_arrays interpreted, own, untouched;
  const size_t compared = offsetof(test_arrays, workspace);
  fill(&interpreted);
  fill(&own);
  fill(&untouched);
  neurlp_cuda_windows w = describe(&interpreted, model, mode);
  check_true("  there is workspace", w.numbers <= NUMBERS);
  w.tasks = tasks;
  for (int64_t thread = 0; thread < w.threads; thread++) kernel->host(&w, thread, w.threads);
  w = describe(&own, model, mode);
  for (int64_t i = 0; i < tasks; i++) compiled(&w, i, own.workspace + i % NEURLP_CUDA_GROUP);
  check_true(what, memcmp(&interpreted, &own, compared) == 0);
  check_true("  and it is not nothing", memcmp(&own, &untouched, compared) != 0);
}

int main(void) {
  const neurlp_cuda_window_kernels *windows = neurlp_cuda_window_kernels_all();
  neurlp_context *context = NULL;
  neurlp_model *model = NULL;
  if (neurlp_context_create(1, &context) < 0 || make_test_model(context, &model) < 0) return 1;
  check_equal("parameters of the model", model->parameters, P);
  compare("linear blocks, the same bits", model, NEURLP_CUDA_SOLVE, &windows->fill_point, compiled_fill_point,
          PLACES);
  compare("sensitivities, the same bits", model, NEURLP_CUDA_FORWARD, &windows->fill_point,
          compiled_fill_point, PLACES);
  compare("gradients, the same bits", model, NEURLP_CUDA_SOLVE, &windows->contract, compiled_contract,
          PLACES);
  compare("marching, the same bits", model, NEURLP_CUDA_SOLVE, &neurlp_cuda_fit_kernels_all()->march,
          compiled_march, SYSTEMS);
  neurlp_model_destroy(&model);
  neurlp_context_destroy(&context);
  return check_verdict();
}
