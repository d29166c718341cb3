#include "plot/plot.h"

#include "plot/picture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const neurlp_picture *const pictures[] = {
    &neurlp_picture_trajectories,
    &neurlp_picture_phase,
    &neurlp_picture_space_time,
    &neurlp_picture_forecast,
    &neurlp_picture_forecast_space_time,
    &neurlp_picture_forecast_error,
    &neurlp_picture_loss,
    &neurlp_picture_noise,
    &neurlp_picture_parameters,
    &neurlp_picture_weights,
    &neurlp_picture_coefficients,
    &neurlp_picture_steps,
};
static const char *const endings[NEURLP_FORMATS] = {"png", "svg"};

static neurlp_status make_folder(neurlp_context *context, const char *folder) {
  struct stat info;
  if (mkdir(folder, 0777) == 0) return NEURLP_SUCCESS;
  const int reason = errno;
  if (reason == EEXIST && stat(folder, &info) == 0 && S_ISDIR(info.st_mode)) return NEURLP_SUCCESS;
  return neurlp_fail(context, NEURLP_ERROR_IO, "the folder %s cannot be made: %s; name another after -o",
                     folder, reason == EEXIST ? "there is a file of that name" : strerror(reason));
}

static neurlp_status draw_one(const neurlp_plot_source *source, const neurlp_picture *picture, int32_t i,
                              int format) {
  const char *folder = source->request->folder;
  const size_t bytes = strlen(folder) + strlen(picture->name) + 48;
  char *path = NULL, number[24] = "";
  neurlp_canvas *canvas = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (picture->each_system) snprintf(number, sizeof number, "_%lld", (long long)source->chosen[i]);
  NEURLP_TRY(neurlp_allocate(source->context, (int64_t)bytes, 1, &path));
  snprintf(path, bytes, "%s/%s%s.%s", folder, picture->name, number, endings[format]);
  NEURLP_TRY(picture->draw(source, i, format, &canvas));
  NEURLP_TRY(neurlp_canvas_save(&canvas, path));
  printf("written: %s\n", path);
done:
  neurlp_canvas_discard(&canvas);
  neurlp_release(source->context, &path);
  return status;
}

static neurlp_status draw_all(const neurlp_plot_source *source) {
  int32_t drawn = 0;
  for (size_t p = 0; p < sizeof pictures / sizeof *pictures; p++) {
    const int32_t count = pictures[p]->count(source);
    for (int32_t i = 0; i < count * NEURLP_FORMATS; i++) {
      const neurlp_status status = draw_one(source, pictures[p], i / NEURLP_FORMATS, i % NEURLP_FORMATS);
      if (status < 0) return status;
      drawn++;
    }
  }
  if (drawn > 0) return NEURLP_SUCCESS;
  return neurlp_fail(source->context, NEURLP_ERROR_DATA,
                     "%s holds nothing to draw: no samples%s, no estimates and no losses",
                     source->request->path, source->systems > 0 ? " between these times" : "");
}

neurlp_status neurlp_plot(neurlp_context *context, const neurlp_plot_request *request) {
  neurlp_plot_source source = {0};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_canvas_check(context));
  NEURLP_TRY(neurlp_plot_source_read(context, request, &source));
  NEURLP_TRY(make_folder(context, request->folder));
  status = draw_all(&source);
  if (source.note[0]) fprintf(stderr, "neurlp plot: %s\n", source.note);
done:
  neurlp_plot_source_release(&source);
  neurlp_canvas_finish();
  return status;
}
