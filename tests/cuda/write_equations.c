/* write_equations FOLDER: what NVRTC would be given for the test's model, as files for nvcc. */
#include "cuda/equations_model.h"
#include "cuda/nonlinear/window_compile.h"

#include <stdio.h>

static int write_file(const char *folder, const char *name, const char *text) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  if (!file || fputs(text, file) < 0) return 1;
  return fclose(file) != 0;
}

int main(int count, char **arguments) {
  neurlp_context *context = NULL;
  neurlp_model *model = NULL;
  char *defines = NULL, *equations = NULL;
  if (count != 2 || neurlp_context_create(1, &context) < 0 || make_test_model(context, &model) < 0 ||
      neurlp_windows_source_cuda(context, model, &defines, &equations) < 0)
    return 1;
  const int failed =
      write_file(arguments[1], "defines.h", defines) || write_file(arguments[1], "equations.h", equations);
  neurlp_release(context, &defines);
  neurlp_release(context, &equations);
  neurlp_model_destroy(&model);
  neurlp_context_destroy(&context);
  return failed;
}
