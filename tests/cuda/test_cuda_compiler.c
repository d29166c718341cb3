/* Kernels that are compiled at run time: every method and precision for every architecture, the cache, and
 * what the compiler says of equations that are none. Needs NVRTC, but no GPU. */
#include "cuda/device/compiler.h"
#include "cuda/nonlinear/window_compile.h"
#include "cuda/system/ensemble_compile.h"

#include "support/check.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static const char *const folder = "compiled_kernels";

static neurlp_dynamics *parse(neurlp_context *context, int32_t dimensions, int32_t order,
                              const char *const *equations) {
  static const char *const names[] = {"x", "y", "z"}, *const parameters[] = {"a", "b", "c"};
  neurlp_dynamics *dynamics = NULL;
  if (neurlp_dynamics_parse(context, dimensions, order, names, 3, parameters, equations, &dynamics, NULL,
                            NULL) != NEURLP_SUCCESS)
    exit(99);
  return dynamics;
}

/* The path of the only file in the folder; "" if there is none, or more than one. */
static void only_file(char path[512]) {
  DIR *open = opendir(folder);
  int count = 0;
  path[0] = 0;
  for (struct dirent *entry = open ? readdir(open) : NULL; entry; entry = readdir(open)) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, 512, "%s/%.400s", folder, entry->d_name);
    count++;
  }
  if (open) closedir(open);
  if (count != 1) path[0] = 0;
}

static void empty_folder(void) {
  char path[512];
  DIR *open = opendir(folder);
  for (struct dirent *entry = open ? readdir(open) : NULL; entry; entry = readdir(open)) {
    snprintf(path, sizeof path, "%s/%.400s", folder, entry->d_name);
    if (entry->d_name[0] != '.') (void)remove(path);
  }
  if (open) closedir(open);
}

/* Lorenz, and one of second order with every function and the time. */
static void test_kernels(neurlp_context *context) {
  static const char *const lorenz[] = {"a*(y - x)", "x*(b - z) - y", "x*y - c*z"};
  static const char *const functions[] = {"sin(x) + cos(x') + tan(a) + exp(-x^2)",
                                          "log(2 + y^2)*sqrt(abs(y')) - t",
                                          "tanh(z) + abs(b)^c + 3/z - 1e300"};
  neurlp_dynamics *list[2] = {parse(context, 3, 1, lorenz), parse(context, 3, 2, functions)};
  for (int i = 0; i < 16; i++) {
    neurlp_ensemble_options options = neurlp_ensemble_options_default();
    char *code = NULL;
    size_t bytes = 0;
    const int architecture = i & 1 ? 80 : 90;
    options.method = i & 2 ? NEURLP_ENSEMBLE_RK4 : NEURLP_ENSEMBLE_TSIT5;
    options.precision = i & 4 ? NEURLP_SINGLE : NEURLP_DOUBLE;
    const neurlp_status status =
        neurlp_ensemble_compile_cuda(context, architecture, list[i >> 3], &options, &code, &bytes);
    check_equal("compiled", status, NEURLP_SUCCESS);
    if (status < 0) printf("%s\n", neurlp_context_message(context));
    check_true("  to a kernel", code && bytes > 1000 && memcmp(code, "\177ELF", 4) == 0);
    neurlp_release(context, &code);
  }
  for (int i = 0; i < 2; i++) neurlp_dynamics_destroy(&list[i]);
}

/* Kernels of nonlinear blocks and fits: equations with parameters, of second order and with every function,
 * and a basis library. */
static void test_windows(neurlp_context *context) {
  static const char *const names[] = {"x", "y", "z"};
  static const char *const equations[] = {"x'' = sin(x) + a*cos(x') + tan(a) + exp(-x^2)",
                                          "y'' = log(2 + y^2)*sqrt(abs(y')) - t",
                                          "z'' = tanh(z) + abs(a)^x + 3/z"};
  static const neurlp_parameter parameter = {"a", 1, -INFINITY, INFINITY};
  static const neurlp_library_spec library = {.polynomial = 3, .trigonometric = 1};
  const neurlp_model_spec specs[2] = {{.dimensions = 3,
                                       .states = names,
                                       .order = 2,
                                       .equation_count = 3,
                                       .equations = equations,
                                       .parameter_count = 1,
                                       .parameters = &parameter},
                                      {.dimensions = 3, .states = names, .order = 1, .library = &library}};
  for (int i = 0; i < 4; i++) {
    neurlp_model *model = NULL;
    char *code = NULL;
    size_t bytes = 0;
    check_equal("a model", neurlp_model_create(context, &specs[i & 1], &model), NEURLP_SUCCESS);
    const neurlp_status status = neurlp_windows_compile_cuda(context, i & 2 ? 80 : 90, model, &code, &bytes);
    check_equal("windows: compiled", status, NEURLP_SUCCESS);
    if (status < 0) printf("%s\n", neurlp_context_message(context));
    check_true("  to kernels", code && bytes > 3000 && memcmp(code, "\177ELF", 4) == 0);
    neurlp_release(context, &code);
    neurlp_model_destroy(&model);
  }
}

/* A mark in the file shows that it is read; a file that is no code is made again. */
static void test_cache(neurlp_context *context) {
  static const char *const source =
      "extern \"C\" __global__ void f(double *x) {\n#include \"equations.h\"\n}\n";
  char path[512], *code = NULL;
  size_t bytes = 0, again = 0;
  empty_folder();
  check_equal("first", neurlp_compile_cuda(context, 90, source, "*x = 2;", &code, &bytes), NEURLP_SUCCESS);
  neurlp_release(context, &code);
  only_file(path);
  check_true("is kept", path[0] != 0);
  FILE *file = fopen(path, "ab");
  if (file) {
    fputs("mark", file);
    fclose(file);
  }
  check_equal("second", neurlp_compile_cuda(context, 90, source, "*x = 2;", &code, &again), NEURLP_SUCCESS);
  check_equal("comes from the file", (long long)again, (long long)bytes + 4);
  neurlp_release(context, &code);
  file = fopen(path, "wb");
  if (file) {
    fputs("no code at all", file);
    fclose(file);
  }
  check_equal("third", neurlp_compile_cuda(context, 90, source, "*x = 2;", &code, &again), NEURLP_SUCCESS);
  check_equal("is made again", (long long)again, (long long)bytes);
  neurlp_release(context, &code);
  check_equal("others", neurlp_compile_cuda(context, 90, source, "*x = 3;", &code, &again), NEURLP_SUCCESS);
  neurlp_release(context, &code);
  only_file(path);
  check_true("have files of their own", path[0] == 0);
}

static void test_refusal(neurlp_context *context) {
  char *code = NULL;
  size_t bytes = 0;
  check_equal("nonsense",
              neurlp_compile_cuda(context, 90, "#include \"equations.h\"\n", "no equations", &code, &bytes),
              NEURLP_ERROR_DEVICE);
  check_true("  no code", !code && bytes == 0);
  check_true("  is said to be in equations.h",
             strstr(neurlp_context_message(context), "equations.h") != NULL);
}

int main(void) {
  neurlp_context *context = NULL;
  char *code = NULL;
  size_t bytes = 0;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  if (setenv("NEURLP_CACHE", folder, 1) != 0) return 1;
  if (neurlp_compile_cuda(context, 90, "", "", &code, &bytes) < 0 &&
      strstr(neurlp_context_message(context), "could not be loaded")) {
    printf("skipped: %s\n", neurlp_context_message(context));
    return 77;
  }
  neurlp_release(context, &code);
  empty_folder();
  test_kernels(context);
  test_windows(context);
  test_cache(context);
  test_refusal(context);
  check_equal("blocks in the end", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
