/* Where two decks differ. */
#include "deck/deck_check.h"

#include <string.h>

/* The value of a key, without its name and the line end. */
static neurlp_status value_text(neurlp_context *context, const neurlp_deck *deck, int32_t index,
                                char **text) {
  neurlp_deck_buffer buffer = {.context = context};
  neurlp_deck_write_key(&buffer, deck, index);
  if (!buffer.text || buffer.length == 0) neurlp_deck_buffer_add(&buffer, "%s", "(left out)");
  const neurlp_status status = neurlp_deck_buffer_finish(&buffer, text);
  if (status < 0) return status;
  const char *colon = strchr(*text, ':');
  if (**text != '(' && colon) memmove(*text, colon + 1, strlen(colon));
  size_t length = strlen(*text);
  while (length > 0 && strchr(" \n", (*text)[length - 1])) (*text)[--length] = '\0';
  const size_t blank = strspn(*text, " \n");
  memmove(*text, *text + blank, length - (blank < length ? blank : length) + 1);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_deck_compare(neurlp_context *context, const neurlp_deck *one, const neurlp_deck *other,
                                  neurlp_status (*differs)(void *user, const char *path, const char *one,
                                                           const char *other),
                                  void *user) {
  neurlp_status status = NEURLP_SUCCESS;
  char *here = NULL, *there = NULL;
  for (int32_t i = 0; i < neurlp_deck_key_count && status == NEURLP_SUCCESS; i++) {
    NEURLP_TRY(value_text(context, one, i, &here));
    NEURLP_TRY(value_text(context, other, i, &there));
    if (strcmp(here, there) != 0) status = differs(user, neurlp_deck_keys[i].path, here, there);
    neurlp_release(context, &here);
    neurlp_release(context, &there);
  }
done:
  neurlp_release(context, &here);
  neurlp_release(context, &there);
  return status;
}
