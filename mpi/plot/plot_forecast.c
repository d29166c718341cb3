/* Forecasts beside what was to be forecast: the pictures of data and solutions, of other series. */
#include "plot/picture.h"

/* The source with forecasts for solutions, and what they should be for data. */
static neurlp_plot_source view_of(const neurlp_plot_source *source) {
  neurlp_plot_source view = *source;
  view.data = source->target;
  view.solution = source->forecast;
  view.solution_name = "forecast";
  return view;
}

static int32_t count_panels(const neurlp_plot_source *source) {
  const neurlp_plot_source view = view_of(source);
  return neurlp_picture_trajectories.count(&view);
}

static neurlp_status draw_panels(const neurlp_plot_source *source, int32_t i, int format,
                                 neurlp_canvas **canvas) {
  const neurlp_plot_source view = view_of(source);
  return neurlp_picture_trajectories.draw(&view, i, format, canvas);
}

static int32_t count_images(const neurlp_plot_source *source) {
  const neurlp_plot_source view = view_of(source);
  return neurlp_picture_space_time.count(&view);
}

static neurlp_status draw_image(const neurlp_plot_source *source, int32_t i, int format,
                                neurlp_canvas **canvas) {
  const neurlp_plot_source view = view_of(source);
  return neurlp_picture_space_time.draw(&view, i, format, canvas);
}

const neurlp_picture neurlp_picture_forecast = {"forecast", false, count_panels, draw_panels};
const neurlp_picture neurlp_picture_forecast_space_time = {"forecast_space_time", true, count_images,
                                                           draw_image};
