/* The backend cpu: pieces of one system's time a stretch at a time (stretch.h). A stretch is what a call is
 * to a solver: a problem of fewer steps, whose pieces are listed from wherever the stretch begins. */
#include "block/cpu/cpu.h"
#include "block/stretch.h"

#include <float.h>
#include <string.h>

struct neurlp_stretch {
  neurlp_context *context;
  neurlp_timeline line;
  neurlp_problem problem; /* of the arrays of the longest stretch */
  int64_t most;           /* pieces */
  cpu_state cpu;
};

static const neurlp_gradients no_gradients;

/* Why time is not cut. */
static const char *reason_of(const neurlp_problem *problem) {
  if (problem->central) return "central rows join three steps";
  if (problem->first) return "periodic rows join the last step to the first";
  if (problem->shape.precision == NEURLP_MIXED) return "in mixed precision answers are refined as a whole";
  if (problem->one_factor) return "coefficients and steps are shared by all systems";
  return "it has too few steps; set piece_intervals to cut it into shorter pieces";
}

neurlp_status neurlp_timeline_of(neurlp_context *context, const neurlp_problem *problem,
                                 neurlp_timeline *line) {
  cpu_cut cut = {0};
  neurlp_cut_plan_cpu(&cut, problem);
  const neurlp_cut *plan = &cut.plan;
  *line = (neurlp_timeline){0};
  if (strcmp(neurlp_context_backend(context), "cpu") != 0)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "only the backend cpu divides the time of one system, and this is %s; choose cpu",
                       neurlp_context_backend(context));
  if (plan->intervals == 0)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "the time of a system of %d steps cannot be divided: %s", problem->shape.steps,
                       reason_of(problem));
  *line = (neurlp_timeline){.pieces = plan->most + 1,
                            .head_steps = (int32_t)(problem->shape.steps - plan->most * plan->intervals),
                            .intervals = plan->intervals,
                            .layout = neurlp_end_layout_of(problem->unknowns, problem->shape.columns),
                            .epsilon = problem->shape.precision == NEURLP_SINGLE ? FLT_EPSILON : DBL_EPSILON,
                            .part_numbers = plan->part_numbers};
  return NEURLP_SUCCESS;
}

/* The problem of the longest stretch: one system, which shares nothing. */
static neurlp_problem problem_of_stretch(const neurlp_problem *whole, const neurlp_timeline *line,
                                         int64_t most) {
  neurlp_problem problem = *whole;
  neurlp_shape *shape = &problem.shape;
  const int64_t head = line->head_steps > line->intervals ? line->head_steps : line->intervals + 1;
  shape->systems = 1;
  shape->steps = (int32_t)(head + (most - 1) * line->intervals);
  shape->piece_intervals = line->intervals;
  shape->coefficients_sharing &= NEURLP_CONSTANT;
  shape->rhs_sharing &= NEURLP_CONSTANT;
  shape->steps_sharing &= NEURLP_CONSTANT;
  shape->values_sharing = NEURLP_VARYING;
  shape->keep_factors = problem.keeps = problem.one_factor = false;
  return problem;
}

static neurlp_status create_workspace(neurlp_stretch *made) {
  neurlp_context *context = made->context;
  const neurlp_timeline *line = &made->line;
  cpu_state *cpu = &made->cpu;
  neurlp_cut *plan = &cpu->cut.plan;
  neurlp_status status = NEURLP_SUCCESS;
  *plan = (neurlp_cut){.intervals = line->intervals,
                       .most = made->most - 1,
                       .part_numbers = line->part_numbers,
                       .head = neurlp_problem_of_piece(&made->problem, line->head_steps, true),
                       .piece = neurlp_problem_of_piece(&made->problem, line->intervals + 1, false)};
  plan->whole = plan->head; /* there is none */
  cpu->context = context;
  cpu->problem = &made->problem;
  cpu->kernels = neurlp_kernels_choose(made->problem.shape.precision);
  if (!cpu->kernels)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "the environment variable NEURLP_ISA names an instruction set that is not there");
  neurlp_threads_plan_cpu(cpu, 1 + neurlp_tiles_of_cpu(cpu, made->most));
  NEURLP_TRY(neurlp_allocate(context, cpu->threads, cpu->thread_bytes, &cpu->workspace));
  NEURLP_TRY(neurlp_allocate(context, made->most, sizeof(neurlp_piece), &cpu->cut.pieces));
done:
  return status;
}

neurlp_status neurlp_stretch_create(neurlp_context *context, const neurlp_problem *problem,
                                    int64_t most_pieces, neurlp_stretch **stretch) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_stretch *made = NULL;
  *stretch = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  made->context = context;
  made->most = most_pieces;
  NEURLP_TRY(neurlp_timeline_of(context, problem, &made->line));
  made->problem = problem_of_stretch(problem, &made->line, most_pieces);
  NEURLP_TRY(create_workspace(made));
  *stretch = made;
  made = NULL;
done:
  neurlp_stretch_destroy(&made);
  return status;
}

void neurlp_stretch_destroy(neurlp_stretch **stretch) {
  if (!stretch || !*stretch) return;
  neurlp_context *context = (*stretch)->context;
  neurlp_release(context, &(*stretch)->cpu.workspace);
  neurlp_release(context, &(*stretch)->cpu.cut.pieces);
  neurlp_release(context, stretch);
}

/* Lists the pieces of a stretch; joint 0 is that before it. */
static void list_pieces(neurlp_stretch *stretch, const neurlp_stretch_call *call) {
  const neurlp_timeline *line = &stretch->line;
  const int64_t begin = neurlp_timeline_step(line, call->first);
  for (int64_t p = call->first; p < call->end; p++) {
    const int64_t start = neurlp_timeline_step(line, p);
    stretch->cpu.cut.pieces[p - call->first] =
        (neurlp_piece){.start = (int32_t)(start - begin),
                       .length = (int32_t)(neurlp_timeline_step(line, p + 1) - start + 1),
                       .joined = true,
                       .joint = p - call->first + 1};
  }
}

/* One pass over a stretch. */
static void run_pass(neurlp_stretch *stretch, cpu_kernel kernel, const neurlp_stretch_call *call,
                     neurlp_tile_job *job, bool first_pass) {
  cpu_cut *cut = &stretch->cpu.cut;
  const int64_t heads = call->first == 0, pieces = call->end - call->first;
  neurlp_inputs inputs = call->inputs;
  inputs.systems = 1;
  inputs.lengths = NULL;
  list_pieces(stretch, call);
  cut->status = call->status;
  job->problem = &stretch->problem;
  job->inputs = &inputs;
  job->sums = &no_gradients;
  neurlp_cut_pass_cpu(&stretch->cpu, kernel, job, (cpu_counts){.heads = heads, .pieces = pieces - heads},
                      first_pass);
}

void neurlp_stretch_condense(neurlp_stretch *stretch, const neurlp_stretch_call *call, double *records) {
  neurlp_tile_job job = {0};
  stretch->cpu.cut.ends = records;
  run_pass(stretch, stretch->cpu.kernels->solve, call, &job, true);
}

void neurlp_stretch_condense_adjoint(neurlp_stretch *stretch, const neurlp_stretch_call *call,
                                     const void *grad_output, double *records) {
  neurlp_tile_job job = {.grad_output = grad_output, .gradients = &no_gradients};
  stretch->cpu.cut.ends = records;
  run_pass(stretch, stretch->cpu.kernels->adjoint, call, &job, true);
}

/* The step before the stretch, in the caller's units, as the piece before it has it. */
static void write_joint(const neurlp_stretch *stretch, const double *joint, void *solution) {
  const neurlp_problem *problem = &stretch->problem;
  const int64_t R = problem->shape.columns;
  for (int64_t i = 0; i < problem->unknowns * R; i++) {
    const double scale = problem->inverse_scale[i / R % problem->derivatives];
    if (problem->shape.precision == NEURLP_SINGLE)
      ((float *)solution)[i] = (float)joint[i] * (float)scale;
    else
      ((double *)solution)[i] = joint[i] * scale;
  }
}

void neurlp_stretch_solve(neurlp_stretch *stretch, const neurlp_stretch_call *call, const double *joints,
                          void *solution) {
  neurlp_tile_job job = {.solution = solution};
  stretch->cpu.cut.joints = (double *)(uintptr_t)joints; /* read only, in the second pass */
  run_pass(stretch, stretch->cpu.kernels->solve, call, &job, false);
  if (call->first > 0) write_joint(stretch, joints, solution);
}

void neurlp_stretch_adjoint(neurlp_stretch *stretch, const neurlp_stretch_call *call, const double *joints,
                            const void *solution, const void *grad_output, const neurlp_gradients *gradients,
                            void *parts) {
  neurlp_tile_job job = {.solved = solution, .grad_output = grad_output, .gradients = gradients};
  stretch->cpu.cut.joints = (double *)(uintptr_t)joints;
  stretch->cpu.cut.parts = parts;
  run_pass(stretch, stretch->cpu.kernels->adjoint, call, &job, false);
}
