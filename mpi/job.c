#include "job.h"

#include "comm.h"
#include "command/command.h"

#include <errno.h>
#include <limits.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MEMORY_REMEDY                                                                                        \
  "; put fewer ranks on a node, or use more nodes (`neurlp validate DECK` says what a run needs)"
#define NO_CONTEXT "could not allocate the first few bytes"

/* The first bytes of every HDF5 file. */
#define HDF5_BEGIN "\x89HDF\r\n\x1a\n"

/* The arguments, sorted. */
typedef struct arguments {
  const char *deck, *output;
  int32_t override_count;
  const char **overrides; /* [argc] */
} arguments;

static int rank_of(MPI_Comm comm) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  return rank;
}

static neurlp_status sort_arguments(neurlp_context *context, int argc, char **argv, arguments *found) {
  for (int i = 0; i < argc; i++) {
    const char *text = argv[i];
    if (strcmp(text, "-o") == 0 || strcmp(text, "--output") == 0) {
      if (found->output || i + 1 == argc)
        return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%s needs the name of one file after it", text);
      found->output = argv[++i];
    } else if (text[0] == '-') {
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                         "unknown option '%s'; there is -o FILE; `neurlp COMMAND --help` says more", text);
    } else if (strchr(text, '=')) {
      found->overrides[found->override_count++] = text;
    } else if (found->deck) {
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "one deck at a time: '%s' or '%s'?", found->deck,
                         text);
    } else {
      found->deck = text;
    }
  }
  if (!found->deck)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "no deck; the arguments are: DECK [key=value ...] [-o FILE]");
  return NEURLP_SUCCESS;
}

static neurlp_status join_command_line(neurlp_context *context, const char *command, int argc, char **argv,
                                       char **line) {
  size_t bytes = strlen("neurlp ") + strlen(command) + 1;
  for (int i = 0; i < argc; i++) bytes += strlen(argv[i]) + 1;
  neurlp_status status = neurlp_allocate(context, (int64_t)bytes, 1, line);
  if (status < 0) return status;
  size_t length = (size_t)snprintf(*line, bytes, "neurlp %s", command);
  for (int i = 0; i < argc; i++) length += (size_t)snprintf(*line + length, bytes - length, " %s", argv[i]);
  return NEURLP_SUCCESS;
}

/* Rank 0: the whole file, as it is. A stream is read to its end, whatever its size claims to be. */
static neurlp_status read_file(neurlp_context *context, const char *path, char **text, int *length) {
  neurlp_status status = NEURLP_SUCCESS;
  char *grown = NULL;
  size_t room = 1 << 16, used = 0, got = 0;
  FILE *file = fopen(path, "rb");
  if (!file)
    return neurlp_fail(context, NEURLP_ERROR_DECK, "cannot open the deck %s: %s", path, strerror(errno));
  NEURLP_TRY(neurlp_allocate(context, (int64_t)room, 1, text));
  while ((got = fread(*text + used, 1, room - 1 - used, file)) > 0) {
    used += got;
    if (used < room - 1) continue;
    if (room > INT_MAX / 2) {
      status = neurlp_fail(context, NEURLP_ERROR_DECK, "%s is longer than 1 GB; that is no deck", path);
      goto done;
    }
    NEURLP_TRY(neurlp_allocate(context, (int64_t)(2 * room), 1, &grown));
    memcpy(grown, *text, used);
    neurlp_release(context, text);
    *text = grown;
    room *= 2;
  }
  if (ferror(file))
    status = neurlp_fail(context, NEURLP_ERROR_DECK, "cannot read the deck %s: %s", path, strerror(errno));
  else if (used >= sizeof HDF5_BEGIN - 1 && memcmp(*text, HDF5_BEGIN, sizeof HDF5_BEGIN - 1) == 0)
    status = neurlp_fail(context, NEURLP_ERROR_DECK,
                         "%s is an HDF5 file, and a deck is text; `neurlp inspect` says what it holds, "
                         "`neurlp simulate` integrates equations of a result",
                         path);
  else if (strlen(*text) != used)
    status = neurlp_fail(context, NEURLP_ERROR_DECK, "%s holds a zero byte; a deck is text", path);
  *length = (int)used;
done:
  fclose(file);
  if (status < 0) neurlp_release(context, text);
  return status;
}

/* True for the name of a result file, which stands for a deck that simulates what was learned. */
static bool is_result(const char *command, const char *path) {
  const size_t length = strlen(path);
  return strcmp(command, "simulate") == 0 && length > 3 && strcmp(path + length - 3, ".h5") == 0;
}

/* That deck. Like any other, it names files relative to its own folder, which is the result's. */
static neurlp_status write_deck(neurlp_context *context, const char *path, char **text) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  static const char before[] = "task: simulate\ndata:\n  generate:\n    result: '";
  neurlp_status status = neurlp_allocate(context, (int64_t)(sizeof before + 2 * strlen(name) + 3), 1, text);
  if (status < 0) return status;
  size_t length = sizeof before - 1;
  memcpy(*text, before, length);
  for (; *name; name++) {
    if (*name == '\'') (*text)[length++] = '\''; /* YAML: a quote within quotes is written twice */
    (*text)[length++] = *name;
  }
  memcpy(*text + length, "'\n", sizeof "'\n");
  return NEURLP_SUCCESS;
}

/* Collective. One rank reads, so that a thousand do not open the same file. */
static neurlp_status spread_file(MPI_Comm comm, neurlp_context *context, const char *path, char **text) {
  neurlp_status status = NEURLP_SUCCESS;
  int length = 0;
  if (rank_of(comm) == 0) status = read_file(context, path, text, &length);
  status = neurlp_agree(comm, context, status);
  if (status < 0) return status;
  MPI_Bcast(&length, 1, MPI_INT, 0, comm);
  if (rank_of(comm) != 0) status = neurlp_allocate(context, (int64_t)length + 1, 1, text);
  status = neurlp_agree(comm, context, status);
  if (status < 0) return status;
  MPI_Bcast(*text, length, MPI_CHAR, 0, comm);
  return NEURLP_SUCCESS;
}

/* Collective. Threads of this rank: what the deck says, else what OMP_NUM_THREADS says, else an equal share
 * of the cores that the ranks of one node may use together. */
static int32_t threads_of_rank(MPI_Comm comm, const neurlp_deck *deck) {
  MPI_Comm node;
  int ranks = 1;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &ranks);
  MPI_Comm_free(&node);
  const int64_t asked = neurlp_deck_integer(deck, "run.threads");
  if (asked > 0) return (int32_t)asked;
  if (getenv("OMP_NUM_THREADS")) return 0;
  const int32_t share = omp_get_num_procs() / ranks;
  return share > 1 ? share : 1;
}

neurlp_context *neurlp_job_context(MPI_Comm comm, const char *command, int32_t threads) {
  neurlp_context *context = NULL;
  int size = 1;
  MPI_Comm_size(comm, &size);
  int first = neurlp_context_create(threads, &context) == NEURLP_SUCCESS ? size : rank_of(comm);
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm);
  if (first == size) return context;
  if (rank_of(comm) == 0)
    fprintf(stderr, "neurlp %s: rank %d: " NO_CONTEXT MEMORY_REMEDY "\n", command, first);
  neurlp_context_destroy(&context);
  return NULL;
}

static neurlp_status make_context(neurlp_job *job, int32_t threads) {
  if (neurlp_context_create(threads, &job->context) == NEURLP_SUCCESS) return NEURLP_SUCCESS;
  return neurlp_fail(job->lent, NEURLP_ERROR_MEMORY, NO_CONTEXT);
}

int neurlp_job_begin(MPI_Comm comm, const char *command, int argc, char **argv, neurlp_job *job) {
  neurlp_status status = NEURLP_SUCCESS;
  arguments found = {0};
  char *report = NULL;
  *job = (neurlp_job){0};
  job->lent = neurlp_job_context(comm, command, 1);
  if (!job->lent) return NEURLP_EXIT_INTERNAL;
  NEURLP_TRY(neurlp_agree(comm, job->lent,
                          neurlp_allocate(job->lent, argc, sizeof *found.overrides, &found.overrides)));
  NEURLP_TRY(sort_arguments(job->lent, argc, argv, &found));
  job->output = found.output;
  NEURLP_TRY(
      neurlp_agree(comm, job->lent, join_command_line(job->lent, command, argc, argv, &job->command_line)));
  NEURLP_TRY(is_result(command, found.deck)
                 ? neurlp_agree(comm, job->lent, write_deck(job->lent, found.deck, &job->deck_text))
                 : spread_file(comm, job->lent, found.deck, &job->deck_text));
  status = neurlp_deck_parse(job->lent, found.deck, job->deck_text, found.override_count, found.overrides,
                             &job->deck, &report);
  if (status == NEURLP_ERROR_DECK && report && rank_of(comm) == 0) {
    fputs(report, stderr);
    if (is_result(command, found.deck))
      fputs("The result stands for a deck that names it as data.generate.result; what else such a deck needs "
            "is said on the command line, as in data.generate.samples=101\n",
            stderr);
  }
  NEURLP_TRY(neurlp_agree(comm, job->lent, status));
  NEURLP_TRY(neurlp_agree(comm, job->lent, make_context(job, threads_of_rank(comm, job->deck))));
done:
  neurlp_release(job->lent, &found.overrides);
  if (report) {
    neurlp_release(job->lent, &report);
    return neurlp_exit_status(status);
  }
  return neurlp_job_finish(comm, job->lent, command, status);
}

void neurlp_job_end(neurlp_job *job) {
  neurlp_context_destroy(&job->context);
  neurlp_deck_destroy(&job->deck);
  if (job->lent) {
    neurlp_release(job->lent, &job->deck_text);
    neurlp_release(job->lent, &job->command_line);
  }
  neurlp_context_destroy(&job->lent);
}

int neurlp_job_finish(MPI_Comm comm, neurlp_context *context, const char *command, neurlp_status status) {
  if (status < 0 && rank_of(comm) == 0) {
    const char *message = neurlp_context_message(context);
    /* whoever ran out knows the bytes, not what they are for; what helps is the same for all */
    const char *remedy = status == NEURLP_ERROR_MEMORY ? MEMORY_REMEDY : "";
    fprintf(stderr, "neurlp %s: %s%s\n", command, *message ? message : neurlp_status_sentence(status),
            remedy);
  }
  return neurlp_exit_status(status);
}

neurlp_status neurlp_job_file_name(const neurlp_job *job, const char *ending, char **name) {
  const char *deck = neurlp_deck_name(job->deck);
  const char *slash = strrchr(deck, '/');
  const char *base = slash ? slash + 1 : deck;
  const char *dot = strrchr(base, '.');
  const int length = (int)(dot && dot > base ? (size_t)(dot - base) : strlen(base));
  const size_t bytes = (size_t)length + strlen(ending) + 1;
  neurlp_status status = neurlp_allocate(job->context, (int64_t)bytes, 1, name);
  if (status == NEURLP_SUCCESS) snprintf(*name, bytes, "%.*s%s", length, base, ending);
  return status;
}

bool neurlp_same_file(const char *a, const char *b) {
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
