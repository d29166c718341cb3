/* The equations of a model, with their derivatives, as the text of kernels. */
#include "cuda/nonlinear/window_compile.h"

#include "cuda/device/compiler.h"
#include "expr/program.h"
#include "expr/source.h"
#include "learn/model_code.h"

#include <stdio.h>
#include <string.h>

/* What compiles within a few seconds. */
enum { MOST_INSTRUCTIONS = 4096 };

/* The statements of both programs in one text, either behind a condition. */
static neurlp_status write_equations(neurlp_context *context, const neurlp_model_code *code, char **text) {
  static const char *const form = "#ifdef NEURLP_FULL_EQUATIONS\n%s#else\n%s#endif\n";
  char *basic = NULL, *full = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_program_source(context, code->basic, &basic));
  NEURLP_TRY(neurlp_program_source(context, code->full, &full));
  const size_t bytes = strlen(form) + strlen(basic) + strlen(full);
  NEURLP_TRY(neurlp_allocate(context, (int64_t)bytes, 1, text));
  snprintf(*text, bytes, form, full, basic);
done:
  neurlp_release(context, &basic);
  neurlp_release(context, &full);
  return status;
}

neurlp_status neurlp_windows_source_cuda(neurlp_context *context, const neurlp_model *model, char **defines,
                                         char **equations) {
  enum { BYTES = 256 };
  const neurlp_model_code *programs = model->code;
  neurlp_status status = NEURLP_SUCCESS;
  *defines = *equations = NULL;
  NEURLP_TRY(neurlp_allocate(context, BYTES, 1, defines));
  snprintf(*defines, BYTES,
           "#define NEURLP_COMPILED_EQUATIONS\n"
           "#define NEURLP_FLOW_OUTPUTS %d\n"
           "#define NEURLP_ALL_OUTPUTS %d\n",
           programs->known_count + programs->term_count, neurlp_model_outputs(programs));
  NEURLP_TRY(write_equations(context, programs, equations));
done:
  if (status < 0) neurlp_release(context, defines);
  return status;
}

neurlp_status neurlp_windows_compile_cuda(neurlp_context *context, int32_t architecture,
                                          const neurlp_model *model, char **code, size_t *bytes) {
  static const char *const include = "#include \"cuda/nonlinear/window_compiled.h\"\n";
  const int32_t instructions = model->code->basic->count + model->code->full->count;
  neurlp_status status = NEURLP_SUCCESS;
  char *defines = NULL, *equations = NULL, source[512];
  *code = NULL;
  *bytes = 0;
  if (instructions > MOST_INSTRUCTIONS)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%d instructions are not compiled, at most %d are",
                       instructions, MOST_INSTRUCTIONS);
  NEURLP_TRY(neurlp_windows_source_cuda(context, model, &defines, &equations));
  snprintf(source, sizeof source, "%s%s", defines, include);
  status = neurlp_compile_cuda(context, architecture, source, equations, code, bytes);
done:
  neurlp_release(context, &defines);
  neurlp_release(context, &equations);
  return status;
}
