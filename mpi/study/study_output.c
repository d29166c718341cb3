#include "study/study_output.h"

#include "data/generate_write.h"

neurlp_status neurlp_study_spare_data(const neurlp_study *s, const char *path) {
  if (!s->data_path || !neurlp_same_file(path, s->data_path)) return NEURLP_SUCCESS;
  return neurlp_fail(
      s->context, NEURLP_ERROR_DECK,
      "the result would be written over its own data, %s; name it otherwise with output.file or -o", path);
}

neurlp_status neurlp_study_keep_generated(const neurlp_study *s) {
  const char *path = neurlp_deck_text(s->job->deck, "output.data");
  if (!path || !s->generated) return NEURLP_SUCCESS;
  neurlp_samples mine = s->samples;
  if (s->repeats) mine.range = (neurlp_sample_range){0};
  const neurlp_generated_part part = {.generated = s->generated,
                                      .samples = &mine,
                                      .parameters = s->true_parameters,
                                      .compress =
                                          (int32_t)neurlp_deck_integer(s->job->deck, "output.compress")};
  return neurlp_generated_write(s->comm, s->job, path, &part);
}
