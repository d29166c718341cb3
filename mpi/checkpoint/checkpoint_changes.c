/* What may change in a deck between a checkpoint and the run that goes on from it: what does not change any
 * number of the result, or only what is still to come. Everything else may not. */
#include "checkpoint/checkpoint_parts.h"

#include <string.h>

/* Whether a change of this key is allowed here; otherwise *reason. */
typedef bool neurlp_checkpoint_rule(const neurlp_deck *before, const neurlp_deck *now, const char **reason);

/* More epochs, where those that are done would have been the same: shuffles of later cycles and rates of a
 * cosine are numbered by how many epochs there are. */
static bool grows(const neurlp_deck *before, const neurlp_deck *now, const char **reason) {
  *reason = NULL;
  if (neurlp_deck_integer(now, "train.epochs") < neurlp_deck_integer(before, "train.epochs"))
    *reason = "it may only grow";
  else if (neurlp_deck_integer(now, "train.cycles") > 1)
    *reason = "it may grow in a training of one cycle only";
  else if (strcmp(neurlp_deck_text(now, "train.schedule"), "cosine") == 0)
    *reason = "a cosine schedule depends on it";
  return !*reason;
}

/* The fingerprint says whether they are the same data. */
static bool is_file(const neurlp_deck *before, const neurlp_deck *now, const char **reason) {
  *reason = "generated data and data of a file are not the same";
  return neurlp_deck_text(before, "data.file") && neurlp_deck_text(now, "data.file");
}

/* docs/formats.md, "Checkpoint", has this table, too. */
static const struct {
  const char *path;             /* a key, or a section with the dot behind it */
  neurlp_checkpoint_rule *rule; /* NULL: always allowed */
} changes[] = {
    {"title", NULL},         {"output.", NULL},      {"checkpoint.", NULL},   {"run.threads", NULL},
    {"run.gpu_aware", NULL}, {"data.file", is_file}, {"train.epochs", grows},
};

typedef struct comparison {
  neurlp_context *context;
  const neurlp_deck *before, *now;
} comparison;

static neurlp_status judge(void *user, const char *path, const char *before, const char *now) {
  const comparison *c = user;
  const char *reason = NULL;
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    const size_t length = strlen(changes[i].path);
    const bool section = changes[i].path[length - 1] == '.';
    if (section ? strncmp(path, changes[i].path, length) != 0 : strcmp(path, changes[i].path) != 0) continue;
    if (!changes[i].rule || changes[i].rule(c->before, c->now, &reason)) return NEURLP_SUCCESS;
  }
  return neurlp_fail(c->context, NEURLP_ERROR_DECK, "'%s' was %.300s%s, and is now %.300s%s%s%s", path,
                     before, strlen(before) > 300 ? "..." : "", now, strlen(now) > 300 ? "..." : "",
                     reason ? "; " : "", reason ? reason : "");
}

neurlp_status neurlp_checkpoint_compare_decks(neurlp_context *context, const char *before,
                                              const neurlp_deck *now, bool *readable) {
  neurlp_deck *old = NULL;
  char *report = NULL;
  neurlp_status status = neurlp_deck_parse(context, neurlp_deck_name(now), before, 0, NULL, &old, &report);
  *readable = status >= 0;
  if (status == NEURLP_ERROR_DECK) {
    const size_t first_line = report ? strcspn(report, "\n") : 0;
    status = NEURLP_SUCCESS;
    if (report)
      neurlp_fail(context, status, "this version cannot read its deck: %.*s", (int)first_line, report);
  }
  if (*readable) {
    comparison c = {context, old, now};
    status = neurlp_deck_compare(context, old, now, judge, &c);
  }
  neurlp_release(context, &report);
  neurlp_deck_destroy(&old);
  return status;
}
