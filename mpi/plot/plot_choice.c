/* Which systems are drawn. */
#include "plot/plot_source.h"

#include <errno.h>
#include <stdlib.h>

/* As many as there are colours that everybody can tell apart. */
enum { MOST_CHOSEN = 6, USUAL = 3 };

static neurlp_status add_system(neurlp_plot_source *source, const char **text) {
  char *end = NULL;
  errno = 0;
  const long long system = strtoll(*text, &end, 10);
  if (end == *text || **text == '+' || (*end != ',' && *end != '\0') || (*end == ',' && !end[1]))
    return neurlp_fail(source->context, NEURLP_ERROR_ARGUMENT,
                       "--systems is '%s'; it must be numbers of systems, counted from 0, like 0,3,7",
                       source->request->systems);
  if (errno == ERANGE || system < 0 || system >= source->systems)
    return neurlp_fail(source->context, NEURLP_ERROR_ARGUMENT,
                       "--systems asks for system %.*s, but %s has %lld, which are counted from 0",
                       (int)(end - *text), *text, source->request->path, (long long)source->systems);
  if (source->chosen_count == MOST_CHOSEN)
    return neurlp_fail(source->context, NEURLP_ERROR_ARGUMENT,
                       "--systems asks for more than %d systems; give fewer at a time", MOST_CHOSEN);
  source->chosen[source->chosen_count++] = system;
  *text = *end == ',' ? end + 1 : end;
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_plot_choose(neurlp_plot_source *source) {
  const char *text = source->request->systems;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(source->context, MOST_CHOSEN, sizeof *source->chosen, &source->chosen));
  NEURLP_TRY(neurlp_allocate(source->context, MOST_CHOSEN, sizeof *source->data, &source->data));
  NEURLP_TRY(neurlp_allocate(source->context, MOST_CHOSEN, sizeof *source->solution, &source->solution));
  NEURLP_TRY(neurlp_allocate(source->context, MOST_CHOSEN, sizeof *source->nothing, &source->nothing));
  NEURLP_TRY(neurlp_allocate(source->context, MOST_CHOSEN, sizeof *source->target, &source->target));
  NEURLP_TRY(neurlp_allocate(source->context, MOST_CHOSEN, sizeof *source->forecast, &source->forecast));
  const int64_t usual =
      source->first_forecast > 0 ? source->first_forecast : 0; /* not what was trained with */
  for (int64_t s = usual; !text && s < usual + USUAL && s < source->systems; s++)
    source->chosen[source->chosen_count++] = s;
  if (!text) return NEURLP_SUCCESS;
  do {
    NEURLP_TRY(add_system(source, &text));
  } while (*text);
done:
  return status;
}
