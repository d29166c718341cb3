/* What networks make of the windows of a training, over time: the pictures of trajectories, of other numbers.
 */
#include "plot/picture.h"

static const char *const words[NEURLP_EMITS] = {[NEURLP_EMITS_COEFFICIENTS] = "coefficients of the block",
                                                [NEURLP_EMITS_STEPS] = "steps of the block",
                                                [NEURLP_EMITS_WEIGHTS] = "weights of the library"};

/* The source with these numbers for states. */
static neurlp_plot_source view_of(const neurlp_plot_source *source, neurlp_emits what) {
  neurlp_plot_source view = *source;
  view.states = source->emitted[what].names;
  view.state_units = what == NEURLP_EMITS_STEPS ? source->time_units : NULL;
  view.data = source->nothing;
  view.solution = source->emitted[what].series;
  view.solution_name = words[what];
  return view;
}

int32_t neurlp_count_emitted(const neurlp_plot_source *source, neurlp_emits what) {
  if (source->emitted[what].names.count == 0) return 0;
  const neurlp_plot_source view = view_of(source, what);
  return neurlp_picture_trajectories.count(&view);
}

neurlp_status neurlp_draw_emitted(const neurlp_plot_source *source, neurlp_emits what, int format,
                                  neurlp_canvas **canvas) {
  const neurlp_plot_source view = view_of(source, what);
  return neurlp_picture_trajectories.draw(&view, 0, format, canvas);
}

static int32_t count_coefficients(const neurlp_plot_source *source) {
  return neurlp_count_emitted(source, NEURLP_EMITS_COEFFICIENTS);
}

static neurlp_status draw_coefficients(const neurlp_plot_source *source, int32_t number, int format,
                                       neurlp_canvas **canvas) {
  (void)number;
  return neurlp_draw_emitted(source, NEURLP_EMITS_COEFFICIENTS, format, canvas);
}

static int32_t count_steps(const neurlp_plot_source *source) {
  return neurlp_count_emitted(source, NEURLP_EMITS_STEPS);
}

static neurlp_status draw_steps(const neurlp_plot_source *source, int32_t number, int format,
                                neurlp_canvas **canvas) {
  (void)number;
  return neurlp_draw_emitted(source, NEURLP_EMITS_STEPS, format, canvas);
}

const neurlp_picture neurlp_picture_coefficients = {"coefficients", false, count_coefficients,
                                                    draw_coefficients};
const neurlp_picture neurlp_picture_steps = {"steps", false, count_steps, draw_steps};
