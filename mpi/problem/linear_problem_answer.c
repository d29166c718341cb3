#include "problem/linear_problem_answer.h"

#include "checkpoint/stop.h"
#include "comm.h"

#include <stdio.h>
#include <string.h>

/* Of each answer its name, what it is, and the input that has its shape. */
static const struct {
  const char *name, *long_name;
  neurlp_linear_array shape;
  const char *labels[5];
} table[NEURLP_ANSWERS] = {{"solution",
                            "derivatives 0 to d of each dimension at each step",
                            NEURLP_LINEAR_GRAD_OUTPUT,
                            {"system", "step", "dimension", "derivative"}},
                           {"slack", "slack of the smoothness rows", NEURLP_LINEAR_ARRAYS, {"system"}},
                           {"status",
                            "status of each system; the attribute `meanings` says what it means",
                            NEURLP_LINEAR_ARRAYS,
                            {"system"}},
                           {"grad_coefficients",
                            "gradient of sum(grad_output * solution) in coefficients",
                            NEURLP_LINEAR_COEFFICIENTS,
                            {"system", "step", "equation", "dimension", "derivative"}},
                           {"grad_rhs",
                            "gradient of sum(grad_output * solution) in rhs",
                            NEURLP_LINEAR_RHS,
                            {"system", "step", "equation"}},
                           {"grad_initial_values",
                            "gradient of sum(grad_output * solution) in initial values",
                            NEURLP_LINEAR_INITIAL_VALUES,
                            {"system", "step", "dimension", "derivative"}},
                           {"grad_final_values",
                            "gradient of sum(grad_output * solution) in final values",
                            NEURLP_LINEAR_FINAL_VALUES,
                            {"system", "dimension", "derivative"}},
                           {"grad_steps",
                            "gradient of sum(grad_output * solution) in steps",
                            NEURLP_LINEAR_STEPS,
                            {"system", "interval", "dimension"}}};

neurlp_linear_answer neurlp_linear_gradient(neurlp_linear_array input) {
  return (neurlp_linear_answer)(NEURLP_ANSWER_GRAD_COEFFICIENTS + (int)input);
}

void neurlp_linear_answer_of(const neurlp_linear_group *group, neurlp_linear_answer which,
                             char path[NEURLP_ANSWER_PATH_BYTES], neurlp_array *answer) {
  const bool status = which == NEURLP_ANSWER_STATUS;
  snprintf(path, NEURLP_ANSWER_PATH_BYTES, "%s/%s", group->name, table[which].name);
  *answer = (neurlp_array){.path = path,
                           .type = status ? H5T_NATIVE_INT32 : H5T_NATIVE_DOUBLE,
                           .rank = 1,
                           .extents = {group->shape.systems},
                           .units = status ? NULL : "1",
                           .long_name = table[which].long_name};
  if (table[which].shape != NEURLP_LINEAR_ARRAYS)
    neurlp_linear_extents(group, table[which].shape, &answer->rank, answer->extents);
  for (int32_t i = 0; i < answer->rank; i++) answer->scales[i] = table[which].labels[i];
}

neurlp_status neurlp_linear_describe(neurlp_array_file *answers, const neurlp_linear_group *group) {
  static const neurlp_status possible[] = {NEURLP_SUCCESS, NEURLP_SINGULAR, NEURLP_NOT_FINITE};
  neurlp_status status = NEURLP_SUCCESS;
  char path[2 * NEURLP_GROUP_NAME_BYTES], meanings[512] = "";
  for (size_t i = 0; i < sizeof possible / sizeof *possible; i++)
    snprintf(meanings + strlen(meanings), sizeof meanings - strlen(meanings), "%s%d: %s", i ? "; " : "",
             (int)possible[i], neurlp_status_sentence(possible[i]));
  snprintf(path, sizeof path, "%s/status", group->name);
  const neurlp_formulation *formulation = &group->formulation;
  NEURLP_TRY(neurlp_array_attribute_text(answers, path, "meanings", meanings));
  NEURLP_TRY(neurlp_array_attribute_integer(answers, group->name, "order", group->shape.order));
  NEURLP_TRY(neurlp_array_attribute_text(answers, group->name, "smoothness",
                                         formulation->smoothness == NEURLP_SMOOTHNESS_TAYLOR ? "taylor"
                                                                                             : "hermite"));
  NEURLP_TRY(neurlp_array_attribute_integer(answers, group->name, "central", formulation->central));
  NEURLP_TRY(neurlp_array_attribute_integer(answers, group->name, "slack", formulation->slack));
  NEURLP_TRY(neurlp_array_attribute_integer(answers, group->name, "periodic", formulation->periodic));
  NEURLP_TRY(neurlp_array_attribute_text(answers, group->name, "initial",
                                         formulation->initial == NEURLP_INITIAL_HARD ? "hard" : "soft"));
  NEURLP_TRY(neurlp_array_attribute_number(answers, group->name, "nominal_step", formulation->nominal_step));
done:
  return status;
}

neurlp_status neurlp_linear_progress(MPI_Comm comm, neurlp_context *context, const neurlp_array_file *answers,
                                     const neurlp_linear_group *group, int64_t *complete, int64_t *failed) {
  const int64_t systems = group->shape.systems;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_array_file_progress(answers, group->name, complete, failed);
  if (*complete < 0 || *complete > systems || *failed < 0 || *failed > *complete)
    status = neurlp_fail(context, NEURLP_ERROR_DATA,
                         "%s: %lld systems of group '%s' are said to be complete, of %lld, and %lld failed; "
                         "remove the file to begin anew",
                         neurlp_array_file_partial(answers), (long long)*complete, group->name,
                         (long long)systems, (long long)*failed);
  return neurlp_agree(comm, context, status);
}

neurlp_status neurlp_linear_look(MPI_Comm comm, neurlp_context *context, const neurlp_array_file *answers,
                                 const neurlp_linear_group *group, int64_t complete) {
  char words[NEURLP_GROUP_NAME_BYTES + 96];
  snprintf(words, sizeof words, "%lld of %lld systems of group '%s'", (long long)complete,
           (long long)group->shape.systems, group->name);
  return neurlp_stop_between(comm, context, words, neurlp_array_file_partial(answers));
}

int64_t neurlp_linear_answer_bytes(const neurlp_linear_group *group) {
  int64_t row_bytes =
      8 * neurlp_linear_row(group, NEURLP_LINEAR_GRAD_OUTPUT) + 4 + 8 * group->formulation.slack;
  for (int i = 0; group->has_grad_output && i <= NEURLP_LINEAR_STEPS; i++)
    row_bytes += 8 * neurlp_linear_row(group, (neurlp_linear_array)i);
  return row_bytes * group->shape.systems;
}
