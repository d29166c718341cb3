/* Trajectories of data: a data set by itself, or what a result was made from, which is a file that its deck
 * names or is generated once more from the deck's own words. */
#include "data/data_set_parts.h"
#include "data/generate.h"
#include "plot/plot_source.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* ---- a data set that is open ------------------------------------------------------------------------- */

void neurlp_series_cut(const neurlp_plot_source *source, neurlp_series *series, int64_t width) {
  int64_t kept = 0;
  for (int64_t t = 0; t < series->count; t++) {
    if (!(series->times[t] >= source->request->from && series->times[t] <= source->request->to)) continue;
    series->times[kept] = series->times[t];
    memmove(series->states + kept * width, series->states + t * width,
            (size_t)width * sizeof *series->states);
    kept++;
  }
  series->count = kept;
}

/* Takes the samples over: one system's. */
static void take_samples(const neurlp_plot_source *source, neurlp_samples *samples, neurlp_series *series) {
  *series = (neurlp_series){.count = samples->offsets[1], .times = samples->times, .states = samples->states};
  samples->times = samples->states = NULL;
  neurlp_samples_release(source->context, samples);
  neurlp_series_cut(source, series, source->states.count);
}

static neurlp_status read_chosen(neurlp_plot_source *source, neurlp_data_set *data) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < source->chosen_count; i++) {
    const int64_t s = source->chosen[i];
    if (s >= data->systems || data->dimensions != source->states.count)
      return neurlp_fail(source->context, NEURLP_ERROR_DATA,
                         "%s has %lld systems of %d states, which are not those of the result",
                         data->source->path, (long long)data->systems, data->dimensions);
    const neurlp_sample_range range = {s, s + 1, 0, data->lengths ? data->lengths[s] : data->samples};
    neurlp_samples samples = {0};
    status = neurlp_data_read(data, &range, &samples);
    if (status < 0) {
      neurlp_samples_release(source->context, &samples);
      return status;
    }
    take_samples(source, &samples, &source->data[i]);
  }
  return status;
}

/* Units of all states, where the file knows them. */
static neurlp_status read_state_units(neurlp_plot_source *source, const neurlp_data_set *data) {
  if (data->source->file < 0) return neurlp_copy_text(source->context, "", &source->state_units);
  return neurlp_attribute_text_read(source->context, data->source->file, "states", "units",
                                    &source->state_units);
}

static neurlp_status copy_names(neurlp_plot_source *source, int64_t count, char *const *texts,
                                neurlp_names *names) {
  neurlp_status status = neurlp_allocate(source->context, count, sizeof *names->texts, &names->texts);
  for (int64_t i = 0; i < count && status >= 0; i++) {
    status = neurlp_copy_text(source->context, texts[i], &names->texts[i]);
    names->count = i + 1;
  }
  return status;
}

neurlp_status neurlp_plot_read_data_set(neurlp_plot_source *source) {
  neurlp_data_set *data = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  const neurlp_data_request request = {.path = source->request->path, .end = -1, .stride = 1};
  NEURLP_TRY(neurlp_data_open(MPI_COMM_SELF, source->context, &request, &data));
  source->systems = data->systems;
  NEURLP_TRY(copy_names(source, data->dimensions, data->names, &source->states));
  NEURLP_TRY(neurlp_copy_text(source->context, data->time_units, &source->time_units));
  NEURLP_TRY(read_state_units(source, data));
  NEURLP_TRY(neurlp_plot_choose(source));
  NEURLP_TRY(read_chosen(source, data));
done:
  neurlp_data_close(&data);
  return status;
}

/* ---- the data of a result ---------------------------------------------------------------------------- */

/* The deck that a command line names: its first argument that is no option and no key=value. "" if there is
 * none. */
static void find_deck(const char *command_line, char name[PATH_BYTES]) {
  int32_t place = 0;
  name[0] = '\0';
  for (const char *word = command_line; *word; place++) {
    const size_t length = strcspn(word, " ");
    const bool option = length > 1 && word[0] == '-';
    if (place >= 2 && !option && !memchr(word, '=', length) && length > 0 && length < PATH_BYTES) {
      snprintf(name, PATH_BYTES, "%.*s", (int)length, word);
      return;
    }
    word += length + strspn(word + length, " ");
    if (!option) continue;
    word += strcspn(word, " "); /* the value of the option */
    word += strspn(word, " ");
  }
}

/* A name relative to the folder of `beside`. */
static void join(const char *beside, const char *name, char path[PATH_BYTES]) {
  const char *slash = strrchr(beside, '/');
  const int folder = name[0] == '/' || !slash ? 0 : (int)(slash - beside) + 1;
  snprintf(path, PATH_BYTES, "%.*s%s", folder, beside, name);
}

/* Where the deck's data file is: beside the deck, beside the result, or from here. */
static bool find_file(const neurlp_plot_source *source, const char *deck_name, const char *name,
                      char path[PATH_BYTES]) {
  const char *beside[] = {deck_name, source->request->path, ""};
  for (int i = 0; i < 3; i++) {
    join(beside[i], name, path);
    if (access(path, R_OK) == 0) return true;
  }
  return false;
}

static neurlp_status read_file(neurlp_plot_source *source, const neurlp_deck *deck, const char *path) {
  neurlp_data_set *data = NULL;
  const char **names = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  const int32_t states = deck ? neurlp_deck_list_count(deck, "data.states") : 0;
  const int32_t inputs = deck ? neurlp_deck_list_count(deck, "data.inputs") : 0;
  NEURLP_TRY(neurlp_allocate(source->context, states + inputs, sizeof *names, &names));
  for (int32_t k = 0; k < states; k++) names[k] = neurlp_deck_list_text(deck, "data.states", k);
  for (int32_t i = 0; i < inputs; i++) names[states + i] = neurlp_deck_list_text(deck, "data.inputs", i);
  const neurlp_data_request request = {.path = path,
                                       .time = deck ? neurlp_deck_text(deck, "data.time") : NULL,
                                       .state_count = states,
                                       .states = names,
                                       .input_count = inputs, /* which are no states */
                                       .inputs = names + states,
                                       .first = deck ? neurlp_deck_integer(deck, "data.first") : 0,
                                       .end = deck ? neurlp_deck_integer(deck, "data.end") : -1,
                                       .stride = deck ? neurlp_deck_integer(deck, "data.stride") : 1};
  NEURLP_TRY(neurlp_data_open(MPI_COMM_SELF, source->context, &request, &data));
  if (request.time) NEURLP_TRY(neurlp_copy_text(source->context, request.time, &source->time_name));
  NEURLP_TRY(read_state_units(source, data));
  NEURLP_TRY(read_chosen(source, data));
done:
  neurlp_data_close(&data);
  neurlp_release(source->context, &names);
  return status;
}

static neurlp_status generate(neurlp_plot_source *source, const neurlp_deck *deck) {
  neurlp_generated *generated = NULL;
  neurlp_samples samples = {0};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_generate_describe(source->context, deck, &generated));
  NEURLP_TRY(neurlp_generate_use_petsc(MPI_COMM_SELF, deck, generated));
  for (int32_t i = 0; i < source->chosen_count; i++) {
    const int64_t s = source->chosen[i];
    if (s >= generated->systems || generated->dimensions != source->states.count) {
      status =
          neurlp_fail(source->context, NEURLP_ERROR_DATA,
                      "%s: its deck generates %lld systems of %d states, which are not those of the result",
                      source->request->path, (long long)generated->systems, generated->dimensions);
      goto done;
    }
    const neurlp_sample_range range = {s, s + 1, 0, generated->samples};
    NEURLP_TRY(neurlp_generate_samples(generated, &range, &samples, NULL));
    take_samples(source, &samples, &source->data[i]);
  }
done:
  neurlp_samples_release(source->context, &samples);
  neurlp_generate_destroy(&generated);
  return status;
}

neurlp_status neurlp_plot_read_result_data(neurlp_plot_source *source, hid_t file) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_deck *deck = NULL;
  char *text = NULL, *line = NULL, *report = NULL;
  char deck_name[PATH_BYTES], path[PATH_BYTES];
  NEURLP_TRY(neurlp_attribute_text_read(source->context, file, "/", "deck", &text));
  NEURLP_TRY(neurlp_attribute_text_read(source->context, file, "/", "command_line", &line));
  find_deck(line, deck_name);
  status = neurlp_deck_parse(source->context, deck_name[0] ? deck_name : source->request->path, text, 0, NULL,
                             &deck, &report);
  neurlp_release(source->context, &report);
  if (status < 0 && status != NEURLP_ERROR_DECK) goto done;
  const char *title = deck ? neurlp_deck_text(deck, "title") : NULL;
  if (title && *title) {
    neurlp_release(source->context, &source->title);
    NEURLP_TRY(neurlp_copy_text(source->context, title, &source->title));
  }
  const char *name = deck ? neurlp_deck_text(deck, "data.file") : NULL;
  status = NEURLP_SUCCESS;
  if (source->request->data)
    status = read_file(source, deck, source->request->data);
  else if (!deck)
    snprintf(source->note, sizeof source->note,
             "the result's deck cannot be read, so its data are not known; --data FILE names them");
  else if (name && find_file(source, deck_name, name, path))
    status = read_file(source, deck, path);
  else if (name)
    snprintf(source->note, sizeof source->note,
             "the result's data, %.512s, were not found; --data FILE names their place", name);
  else
    status = generate(source, deck);
done:
  neurlp_release(source->context, &text);
  neurlp_release(source->context, &line);
  neurlp_deck_destroy(&deck);
  return status;
}
