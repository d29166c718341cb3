/* The deck's section `checkpoint`. */
#include "checkpoint/checkpoint_parts.h"
#include "checkpoint/stop.h"
#include "deck/deck_number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  double seconds;
} units[] = {{"s", 1},       {"sec", 1},      {"second", 1},  {"seconds", 1}, {"min", 60},
             {"minute", 60}, {"minutes", 60}, {"h", 3600},    {"hour", 3600}, {"hours", 3600},
             {"d", 86400},   {"day", 86400},  {"days", 86400}};

/* "12.5 minutes" -> 12.5 and "minutes"; false: there is no number of 0 or more in front, or no word. */
static bool split(const char *text, double *number, char word[16]) {
  char digits[64];
  const size_t length = strspn(text, "0123456789.eE+-");
  if (length == 0 || length >= sizeof digits) return false;
  memcpy(digits, text, length);
  digits[length] = '\0';
  const char *rest = text + length + strspn(text + length, " ");
  if (neurlp_deck_read_number(digits, number) || *number < 0 || !*rest || strlen(rest) >= 16) return false;
  snprintf(word, 16, "%s", rest);
  return true;
}

/* Slurm's "days-hours:minutes:seconds" and "hours:minutes:seconds". */
static bool read_clock(const char *text, double *seconds) {
  int days = 0, hours = 0, minutes = 0, rest = 0, length = 0;
  if (sscanf(text, "%d-%d:%d:%d%n", &days, &hours, &minutes, &rest, &length) != 4 || text[length]) {
    days = length = 0;
    if (sscanf(text, "%d:%d:%d%n", &hours, &minutes, &rest, &length) != 3 || text[length]) return false;
  }
  if (days < 0 || hours < 0 || minutes < 0 || minutes > 59 || rest < 0 || rest > 59) return false;
  *seconds = 86400.0 * days + 3600.0 * hours + 60.0 * minutes + rest;
  return true;
}

bool neurlp_checkpoint_duration(const char *text, double *seconds) {
  double number = 0;
  char word[16];
  if (read_clock(text, seconds)) return true;
  if (!split(text, &number, word)) return false;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (strcmp(units[i].name, word) != 0) continue;
    *seconds = number * units[i].seconds;
    return isfinite(*seconds);
  }
  return false;
}

/* "500 steps" */
static bool read_steps(const char *text, int64_t *steps) {
  double number = 0;
  char word[16];
  if (!split(text, &number, word) || (strcmp(word, "steps") != 0 && strcmp(word, "step") != 0)) return false;
  if (number != floor(number) || number < 1 || number > 9e15) return false;
  *steps = (int64_t)number;
  return true;
}

static neurlp_status read_every(const neurlp_job *job, neurlp_checkpoint_options *o) {
  static const char *const path = "checkpoint.every";
  const neurlp_deck *deck = job->deck;
  const int32_t count = neurlp_deck_list_count(deck, path);
  for (int32_t i = 0; i < count; i++) {
    const char *text = neurlp_deck_list_text(deck, path, i);
    if (count == 1 && strcmp(text, "never") == 0) continue;
    if (read_steps(text, &o->every_steps)) continue;
    if (neurlp_checkpoint_duration(text, &o->every_seconds) && o->every_seconds > 0) continue;
    return neurlp_deck_fail(job->context, deck, path, i, 0,
                            "'%s' is no interval; write 500 steps, 10 minutes, 2 hours, or a list of one of "
                            "steps and one of time, or never (then only when the run is asked to stop)",
                            text);
  }
  if (count == 0) o->every_seconds = 600;
  return NEURLP_SUCCESS;
}

static neurlp_status read_duration(const neurlp_job *job, const char *path, double *seconds) {
  const char *text = neurlp_deck_text(job->deck, path);
  if (!text || neurlp_checkpoint_duration(text, seconds)) return NEURLP_SUCCESS;
  return neurlp_deck_fail(job->context, job->deck, path, -1, 0,
                          "'%s' is no duration; write 90 seconds, 10 minutes, 24 hours, 2 days, or "
                          "days-hours:minutes:seconds",
                          text);
}

neurlp_status neurlp_checkpoint_read_options(const neurlp_job *job, neurlp_checkpoint_options *o) {
  neurlp_status status = NEURLP_SUCCESS;
  *o = (neurlp_checkpoint_options){
      .keep = neurlp_deck_integer(job->deck, "checkpoint.keep"),
      .walltime = -1,
      .resume = strcmp(neurlp_deck_text(job->deck, "checkpoint.resume"), "auto") == 0,
      .keep_finished = strcmp(neurlp_deck_text(job->deck, "checkpoint.finished"), "keep") == 0};
  NEURLP_TRY(read_every(job, o));
  NEURLP_TRY(read_duration(job, "checkpoint.walltime", &o->walltime));
  status = read_duration(job, "checkpoint.margin", &o->margin);
done:
  return status;
}

const char *neurlp_checkpoint_plain(const char *message) {
  int rank = 0, length = 0;
  return sscanf(message, "rank %d: %n", &rank, &length) == 1 && length > 0 ? message + length : message;
}

neurlp_status neurlp_checkpoint_validate(const neurlp_job *job) {
  neurlp_checkpoint_options options;
  return neurlp_checkpoint_read_options(job, &options);
}

neurlp_status neurlp_checkpoint_limit_stop(const neurlp_job *job) {
  double walltime = -1, margin = 0;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(read_duration(job, "checkpoint.walltime", &walltime));
  NEURLP_TRY(read_duration(job, "checkpoint.margin", &margin));
  neurlp_stop_limit(walltime, margin);
done:
  return status;
}
