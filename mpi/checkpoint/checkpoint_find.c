/* Which checkpoint a run goes on from. */
#include "checkpoint/checkpoint_parts.h"
#include "comm.h"
#include "data/data_set_parts.h"
#include "file/array_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ------------------------------------------------------------------------------------------- */

/* Numbers of files stem.NUMBER.h5, falling. */
typedef struct numbers {
  int64_t *all, count, room;
} numbers;

/* The number in "lorenz.checkpoint.000012.h5"; -1: it is no such name. */
static int64_t number_of(const char *name, const char *base) {
  const size_t length = strlen(base);
  long long number = -1;
  int end = 0;
  if (strncmp(name, base, length) != 0 || name[length] != '.') return -1;
  const char *digits = name + length + 1;
  const size_t count = strspn(digits, "0123456789");
  if (count < 1 || count > 15 || sscanf(digits, "%lld%n", &number, &end) != 1) return -1;
  return (size_t)end == count && strcmp(digits + count, ".h5") == 0 ? (int64_t)number : -1;
}

static int falling(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? 1 : x > y ? -1 : 0;
}

static neurlp_status append(neurlp_context *context, numbers *list, int64_t number) {
  if (list->count == list->room) {
    const int64_t room = list->room > 0 ? 2 * list->room : 16;
    int64_t *grown = NULL;
    const neurlp_status status = neurlp_allocate(context, room, sizeof *grown, &grown);
    if (status < 0) return status;
    if (list->count > 0) memcpy(grown, list->all, (size_t)list->count * sizeof *grown);
    neurlp_release(context, &list->all);
    list->all = grown;
    list->room = room;
  }
  list->all[list->count++] = number;
  return NEURLP_SUCCESS;
}

/* Local, rank 0. A folder that is not there has no files; writing will say so. */
static neurlp_status list_files(const neurlp_checkpoint *c, numbers *list) {
  const char *slash = strrchr(c->stem, '/');
  char *folder = NULL;
  neurlp_status status = neurlp_copy_text(c->context, c->stem, &folder);
  if (status < 0) return status;
  if (slash) folder[slash == c->stem ? 1 : slash - c->stem] = '\0';
  DIR *entries = opendir(slash ? folder : ".");
  neurlp_release(c->context, &folder);
  if (!entries) return NEURLP_SUCCESS;
  for (struct dirent *entry = readdir(entries); entry && status >= 0; entry = readdir(entries)) {
    const int64_t number = number_of(entry->d_name, slash ? slash + 1 : c->stem);
    if (number >= 0) status = append(c->context, list, number);
  }
  closedir(entries);
  if (list->count > 1) qsort(list->all, (size_t)list->count, sizeof *list->all, falling);
  return status;
}

/* Collective. The same list on all ranks. */
static neurlp_status share_list(const neurlp_checkpoint *c, numbers *list) {
  neurlp_status status =
      neurlp_agree(c->comm, c->context, c->rank == 0 ? list_files(c, list) : NEURLP_SUCCESS);
  if (status < 0) return status;
  MPI_Bcast(&list->count, 1, MPI_INT64_T, 0, c->comm);
  if (c->rank > 0) status = neurlp_allocate(c->context, list->count, sizeof *list->all, &list->all);
  status = neurlp_agree(c->comm, c->context, status);
  if (status < 0) return status;
  if (list->count > 0) MPI_Bcast(list->all, (int)list->count, MPI_INT64_T, 0, c->comm);
  return status;
}

/* ---- one file ---------------------------------------------------------------------------------------- */

/* What rank 0 reads of a file. */
typedef struct head {
  bool resumes; /* whole, of this kind and schema, and of a deck that this version reads; else why not: */
  char reason[NEURLP_CHECKPOINT_REASON];
  char progress[NEURLP_CHECKPOINT_WORDS];
  double seconds;
  int64_t part[2];                                     /* first and end; 0, 0: none */
  int64_t older[NEURLP_CHECKPOINT_OLDER], older_count; /* files of the same run, rising */
} head;

static neurlp_status read_text(const neurlp_checkpoint *c, hid_t file, const char *name, char **text) {
  return neurlp_attribute_text_read(c->context, file, "/", name, text);
}

/* Local, rank 0. Schema, version and kind: a file that differs is foreign, in words in head->reason. */
static neurlp_status judge_kind(const neurlp_checkpoint *c, hid_t file, const char *path, head *h) {
  char *schema = NULL, *kind = NULL;
  double version = 0;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(read_text(c, file, "schema", &schema));
  NEURLP_TRY(read_text(c, file, "kind", &kind));
  NEURLP_TRY(neurlp_attribute_number_read(c->context, file, path, "/", "schema_version", &version));
  h->resumes = false;
  if (strcmp(schema, NEURLP_CHECKPOINT_SCHEMA) != 0)
    snprintf(h->reason, sizeof h->reason, "it is no checkpoint; its schema is '%.100s'", schema);
  else if (version != NEURLP_CHECKPOINT_VERSION)
    snprintf(h->reason, sizeof h->reason, "its schema has version %g, and this program's is %d", version,
             NEURLP_CHECKPOINT_VERSION);
  else if (strcmp(kind, c->kind) != 0)
    snprintf(h->reason, sizeof h->reason, "it is of a %.100s, and this is a %s", kind, c->kind);
  else
    h->resumes = true;
done:
  neurlp_release(c->context, &schema);
  neurlp_release(c->context, &kind);
  return status;
}

/* Local, rank 0. The deck's changes and the fingerprint: NEURLP_ERROR_DECK where they are not allowed. */
static neurlp_status judge_deck(const neurlp_checkpoint *c, hid_t file, const char *path, head *h) {
  static const char *const remedy =
      "change it back, or begin anew: remove the checkpoint, give it another name, or run with "
      "checkpoint.resume=off";
  char *deck = NULL, *fingerprint = NULL, why[NEURLP_CHECKPOINT_REASON];
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(read_text(c, file, "deck", &deck));
  NEURLP_TRY(read_text(c, file, "fingerprint", &fingerprint));
  status = neurlp_checkpoint_compare_decks(c->context, deck, c->job->deck, &h->resumes);
  snprintf(why, sizeof why, "%s", neurlp_context_message(c->context));
  if (status == NEURLP_ERROR_DECK) {
    status = neurlp_fail(c->context, status, "the run cannot go on from %s with this deck: %s; %s", path, why,
                         remedy);
  } else if (status >= 0 && !h->resumes) {
    snprintf(h->reason, sizeof h->reason, "%s", why);
  } else if (status >= 0 && strcmp(fingerprint, c->fingerprint) != 0) {
    status = neurlp_fail(c->context, NEURLP_ERROR_DECK,
                         "the run cannot go on from %s: its data were %s, and are now %s; %s", path,
                         fingerprint, c->fingerprint, remedy);
  }
done:
  neurlp_release(c->context, &deck);
  neurlp_release(c->context, &fingerprint);
  return status;
}

/* Local, rank 0. */
static neurlp_status read_older(const neurlp_checkpoint *c, hid_t file, head *h) {
  char *text = NULL;
  const neurlp_status status = read_text(c, file, "older", &text);
  if (status < 0) return status;
  long long number = 0;
  int length = 0;
  for (const char *at = text; h->older_count < NEURLP_CHECKPOINT_OLDER; at += length) {
    if (sscanf(at, "%lld%n", &number, &length) != 1) break;
    h->older[h->older_count++] = number;
  }
  neurlp_release(c->context, &text);
  return status;
}

/* Local, rank 0. A whole number that HDF5 gives as one of any kind; 0 where it is none. */
static neurlp_status read_whole(const neurlp_checkpoint *c, hid_t file, const char *path, const char *name,
                                int64_t *number) {
  double value = 0;
  const neurlp_status status = neurlp_attribute_number_read(c->context, file, path, "/", name, &value);
  *number = value > 0 && value < 1e15 ? (int64_t)value : 0;
  return status;
}

/* Local, rank 0. */
static neurlp_status read_head(const neurlp_checkpoint *c, const char *path, head *h) {
  hid_t file = -1;
  char *progress = NULL;
  neurlp_status status = neurlp_data_open_alone(c->context, path, &file);
  if (status < 0) {
    snprintf(h->reason, sizeof h->reason, "%.900s", neurlp_context_message(c->context));
    return NEURLP_SUCCESS;
  }
  NEURLP_TRY(judge_kind(c, file, path, h));
  if (!h->resumes) goto done;
  if (c->options.resume) NEURLP_TRY(judge_deck(c, file, path, h));
  if (!h->resumes) goto done;
  NEURLP_TRY(read_older(c, file, h));
  NEURLP_TRY(read_text(c, file, "progress", &progress));
  snprintf(h->progress, sizeof h->progress, "%s", progress);
  NEURLP_TRY(read_whole(c, file, path, "part_first", &h->part[0]));
  NEURLP_TRY(read_whole(c, file, path, "part_end", &h->part[1]));
  status = neurlp_attribute_number_read(c->context, file, path, "/", "seconds", &h->seconds);
done:
  neurlp_release(c->context, &progress);
  H5Fclose(file);
  return status;
}

/* Collective. Looks at one file; what is wrong with it is said. */
static neurlp_status look_at(neurlp_checkpoint *c, const char *path, head *h) {
  *h = (head){.resumes = false};
  neurlp_status status = neurlp_array_file_check_seal(c->comm, c->context, path);
  if (status == NEURLP_ERROR_DATA) {
    snprintf(h->reason, sizeof h->reason, "%.1000s",
             neurlp_checkpoint_plain(neurlp_context_message(c->context)));
    status = NEURLP_SUCCESS;
  } else if (status >= 0) {
    status = neurlp_agree(c->comm, c->context, c->rank == 0 ? read_head(c, path, h) : NEURLP_SUCCESS);
    MPI_Bcast(h, (int)sizeof *h, MPI_BYTE, 0, c->comm);
  }
  if (status >= 0 && !h->resumes && c->rank == 0)
    fprintf(stderr, "neurlp run: the checkpoint %s is skipped: %s\n", path, h->reason);
  return status;
}

/* ---- all of them ------------------------------------------------------------------------------------- */

/* What the run takes over: the files that are removed when newer ones are there. */
static neurlp_status take_over(neurlp_checkpoint *c, const numbers *list, const head *h, int64_t number) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < h->older_count; i++)
    for (int64_t j = 0; j < list->count; j++)
      if (list->all[j] == h->older[i]) NEURLP_TRY(neurlp_checkpoint_own(c, h->older[i]));
  status = neurlp_checkpoint_own(c, number);
done:
  return neurlp_agree(c->comm, c->context, status);
}

static neurlp_status look_at_all(neurlp_checkpoint *c, const numbers *list) {
  neurlp_status status = NEURLP_SUCCESS;
  char *path = NULL;
  bool found = false;
  head h;
  for (int64_t i = 0; i < list->count && !found; i++) {
    NEURLP_TRY(neurlp_agree(c->comm, c->context, neurlp_checkpoint_path(c, list->all[i], &path)));
    NEURLP_TRY(look_at(c, path, &h));
    found = h.resumes;
    if (found) NEURLP_TRY(take_over(c, list, &h, list->all[i]));
    if (found && c->options.resume) {
      c->found = path;
      path = NULL;
      c->found_seconds = h.seconds;
      c->found_first = h.part[0];
      c->found_end = h.part[1];
      snprintf(c->found_progress, sizeof c->found_progress, "%s", h.progress);
    }
    neurlp_release(c->context, &path);
  }
done:
  neurlp_release(c->context, &path);
  return status;
}

neurlp_status neurlp_checkpoint_find(neurlp_checkpoint *c) {
  numbers list = {0};
  neurlp_status status = share_list(c, &list);
  if (status >= 0 && list.count > 0) c->last = list.all[0];
  if (status >= 0) status = look_at_all(c, &list);
  neurlp_release(c->context, &list.all);
  return status;
}
