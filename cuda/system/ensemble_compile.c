/* Sizes, precision, method and equations of an ensemble, as the text of a kernel. */
#include "cuda/system/ensemble_compile.h"

#include "cuda/device/compiler.h"
#include "expr/program.h"
#include "expr/source.h"

#include <stdio.h>

/* What stays in registers, or nearly so; and what compiles within a second or two. */
enum { MOST_STATES = 64, MOST_INSTRUCTIONS = 4096 };

neurlp_status neurlp_ensemble_compile_cuda(neurlp_context *context, int32_t architecture,
                                           const neurlp_dynamics *dynamics,
                                           const neurlp_ensemble_options *options, char **code,
                                           size_t *bytes) {
  neurlp_status status = NEURLP_SUCCESS;
  char source[512], *equations = NULL;
  *code = NULL;
  *bytes = 0;
  if (dynamics->size > MOST_STATES || dynamics->program->count > MOST_INSTRUCTIONS)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "%d states and %d instructions are not compiled, at most %d and %d are",
                       dynamics->size, dynamics->program->count, MOST_STATES, MOST_INSTRUCTIONS);
  snprintf(source, sizeof source,
           "#define REAL %s\n"
           "#define DIMENSIONS %d\n"
           "#define ORDER %d\n"
           "#define PARAMETERS %d\n"
           "#define INTEGRATE %s\n"
           "#define BLOCK %d\n"
           "#include \"cuda/system/ensemble_compiled.h\"\n",
           options->precision == NEURLP_SINGLE ? "float" : "double", dynamics->dimensions, dynamics->order,
           dynamics->parameters, options->method == NEURLP_ENSEMBLE_RK4 ? "rk4_tile" : "tsit5_tile",
           NEURLP_COMPILED_BLOCK);
  NEURLP_TRY(neurlp_program_source(context, dynamics->program, &equations));
  status = neurlp_compile_cuda(context, architecture, source, equations, code, bytes);
done:
  neurlp_release(context, &equations);
  return status;
}
