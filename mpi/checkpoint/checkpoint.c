/* When a checkpoint is written, and when the run stops. */
#include "checkpoint/checkpoint.h"

#include "checkpoint/checkpoint_parts.h"
#include "checkpoint/stop.h"
#include "comm.h"
#include "file/array_file_parts.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What ranks agree on between two steps, as bits. */
enum { DECIDE_KEEP = 1, DECIDE_USR1 = 2, DECIDE_TERM = 4, DECIDE_TIME = 8, DECIDE_FAILED = 16 };
enum { DECIDE_STOP = DECIDE_USR1 | DECIDE_TERM | DECIDE_TIME, UNDECIDED = -1 };

/* ---- when -------------------------------------------------------------------------------------------- */

/* What rank 0's clock says. A step takes as long as the longest so far, and a checkpoint as long as the
 * longest so far: what does not fit before the deadline is not begun. Where none was measured yet, half the
 * time is a good time to do so. */
static int decide_by_clock(neurlp_checkpoint *c) {
  const double now = MPI_Wtime();
  int decision = 0;
  c->longest_step = fmax(c->longest_step, now - c->last_call);
  c->last_call = now;
  if (c->options.every_seconds > 0 && now - c->last_kept >= c->options.every_seconds) decision |= DECIDE_KEEP;
  if (c->cost < 0 && isfinite(c->deadline) && now - c->begin >= (c->deadline - c->begin) / 2)
    decision |= DECIDE_KEEP;
  if (now + c->longest_step + fmax(c->cost, 0) >= c->deadline) decision |= DECIDE_TIME;
  return decision;
}

/* Collective: one reduction of one number. `failed`: this rank has. */
static int decide(neurlp_checkpoint *c, bool failed) {
  const int signal = neurlp_stop_signal();
  int decision = c->rank == 0 ? decide_by_clock(c) : 0;
  if (failed) decision |= DECIDE_FAILED;
  if (signal) decision |= signal == SIGTERM ? DECIDE_TERM : DECIDE_USR1;
  if (c->size > 1) MPI_Allreduce(MPI_IN_PLACE, &decision, 1, MPI_INT, MPI_BOR, c->comm);
  c->steps++;
  if (c->options.every_steps > 0 && c->steps >= c->options.every_steps) decision |= DECIDE_KEEP;
  if (c->at_end && (c->options.keep_finished || c->long_end)) decision |= DECIDE_KEEP;
  c->at_end = false;
  return decision & ~c->deaf;
}

static neurlp_status due(void *user, neurlp_status mine, bool *is_due) {
  neurlp_checkpoint *c = user;
  c->decision = decide(c, mine != NEURLP_SUCCESS);
  *is_due = c->decision != 0;
  if (!(c->decision & DECIDE_FAILED)) return NEURLP_SUCCESS;
  *is_due = false;
  c->decision = UNDECIDED;
  return neurlp_agree(c->comm, c->context, mine);
}

/* ---- keeping ----------------------------------------------------------------------------------------- */

/* Rank 0 says it, once until it is over, and all ranks remember why. The run goes on. */
static void note_trouble(neurlp_checkpoint *c) {
  const bool said = *c->trouble != '\0';
  snprintf(c->trouble, sizeof c->trouble, "%.1000s",
           neurlp_checkpoint_plain(neurlp_context_message(c->context)));
  if (c->rank == 0 && !said)
    fprintf(stderr, "neurlp run: no checkpoint could be written; the run goes on without. %s\n", c->trouble);
}

/* Collective. */
static void write_one(neurlp_checkpoint *c, int32_t count, const neurlp_state_array *arrays) {
  const double begin = MPI_Wtime();
  const neurlp_status status = neurlp_checkpoint_write(c, count, arrays);
  const double now = MPI_Wtime();
  c->steps = 0;
  c->last_kept = c->last_call = now;
  if (status < 0) {
    note_trouble(c);
    return;
  }
  c->trouble[0] = '\0';
  c->cost = fmax(c->cost, now - begin);
  c->written++;
  c->written_seconds += now - begin;
  neurlp_checkpoint_remove(c, c->options.keep);
}

static const char *asker(int decision) {
  if (decision & DECIDE_TERM) return "as signal SIGTERM asked";
  if (decision & DECIDE_USR1) return "as signal SIGUSR1 asked";
  return "before its wall time was over";
}

/* What is returned where an end was asked for. Without any checkpoint an end would lose everything: only
 * SIGTERM, which others would follow with worse, is obeyed then. */
static neurlp_status stop(neurlp_checkpoint *c, int decision) {
  char *path = NULL;
  if (c->own_count == 0) {
    c->deaf |= decision & (DECIDE_USR1 | DECIDE_TIME);
    if (!(decision & DECIDE_TERM)) return NEURLP_SUCCESS;
    return neurlp_fail(c->context, NEURLP_ERROR_IO, "stopped %s, and nothing could be kept: %s",
                       asker(decision), c->trouble);
  }
  neurlp_status status = neurlp_checkpoint_path(c, c->own[c->own_count - 1], &path);
  if (status >= 0)
    status = neurlp_fail(
        c->context, NEURLP_STOPPED, "stopped %s%s%s; %s %s; the same command goes on from there",
        asker(decision), *c->progress ? ", after " : "", c->progress,
        *c->trouble ? "what came after could not be kept, so the newest checkpoint is" : "it is kept in",
        path);
  neurlp_release(c->context, &path);
  return status;
}

static neurlp_status keep(void *user, int32_t count, const neurlp_state_array *arrays) {
  neurlp_checkpoint *c = user;
  const int decision = c->decision == UNDECIDED ? decide(c, false) : c->decision;
  c->decision = UNDECIDED;
  if (decision == 0) return NEURLP_SUCCESS;
  write_one(c, count, arrays);
  return decision & DECIDE_STOP ? neurlp_agree(c->comm, c->context, stop(c, decision)) : NEURLP_SUCCESS;
}

static neurlp_status restore(void *user, int32_t count, const neurlp_state_array *arrays, bool *found) {
  neurlp_checkpoint *c = user;
  *found = c->found != NULL;
  const neurlp_status status = c->found ? neurlp_checkpoint_read(c, count, arrays) : NEURLP_SUCCESS;
  c->last_call = MPI_Wtime();
  c->last_kept = c->last_call;
  if (status >= 0 && c->found && c->rank == 0) {
    printf("  goes on from %s%s%s\n", c->found, *c->found_progress ? ": " : "", c->found_progress);
    fflush(stdout);
  }
  return status;
}

neurlp_keeper neurlp_checkpoint_keeper(neurlp_checkpoint *c) {
  return (neurlp_keeper){.user = c, .keep = keep, .restore = restore, .due = due};
}

/* ---- the object -------------------------------------------------------------------------------------- */

/* The names of all files, without number and ending. */
static neurlp_status name_files(neurlp_checkpoint *c, const char *result) {
  const char *given = neurlp_deck_text(c->job->deck, "checkpoint.file"), *name = given ? given : result;
  const size_t length = strlen(name), ending = strlen(".h5");
  const bool ends = length > ending && strcmp(name + length - ending, ".h5") == 0;
  const size_t bytes = length + sizeof ".checkpoint";
  const neurlp_status status = neurlp_allocate(c->context, (int64_t)bytes, 1, &c->stem);
  if (status == NEURLP_SUCCESS)
    snprintf(c->stem, bytes, "%.*s%s", (int)(ends ? length - ending : length), name,
             given ? "" : ".checkpoint");
  return status;
}

/* When the run has to be over, as rank 0 knows it. */
static double find_deadline(const neurlp_checkpoint *c) {
  const neurlp_checkpoint_options *o = &c->options;
  const double own = o->walltime >= 0 ? c->begin + o->walltime : (double)INFINITY;
  return fmin(own, neurlp_stop_slurm()) - o->margin;
}

/* A folder that cannot be written to is known now, not after the first interval. Rank 0. */
static neurlp_status check_folder(const neurlp_checkpoint *c) {
  const char *slash = strrchr(c->stem, '/');
  char *folder = NULL;
  const neurlp_status status = neurlp_copy_text(c->context, slash ? c->stem : ".", &folder);
  if (status < 0) return status;
  if (slash) folder[slash == c->stem ? 1 : slash - c->stem] = '\0';
  const int failure = access(folder, W_OK | X_OK) == 0 ? 0 : errno;
  const neurlp_status checked =
      failure ? neurlp_fail(c->context, NEURLP_ERROR_IO,
                            "Folder '%s' of %s cannot be written to: %s; name another with checkpoint.file",
                            folder, c->stem, strerror(failure))
              : NEURLP_SUCCESS;
  neurlp_release(c->context, &folder);
  return checked;
}

static neurlp_status fill(neurlp_checkpoint *c, const neurlp_checkpoint_spec *spec) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_checkpoint_read_options(c->job, &c->options));
  NEURLP_TRY(name_files(c, spec->result));
  NEURLP_TRY(neurlp_copy_text(c->context, spec->kind, &c->kind));
  status = neurlp_copy_text(c->context, spec->fingerprint ? spec->fingerprint : "", &c->fingerprint);
done:
  return status;
}

neurlp_status neurlp_checkpoint_open(MPI_Comm comm, const neurlp_job *job, const neurlp_checkpoint_spec *spec,
                                     neurlp_checkpoint **checkpoint) {
  neurlp_context *context = job->context;
  neurlp_checkpoint *c = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  *checkpoint = NULL;
  const neurlp_status room = neurlp_allocate(context, 1, sizeof *c, &c);
  if (c) /* it may be another rank that has no room */
    *c = (neurlp_checkpoint){.comm = comm,
                             .context = context,
                             .job = job,
                             .begin = spec->begin,
                             .cost = -1,
                             .decision = UNDECIDED};
  NEURLP_TRY(neurlp_agree(comm, context, room));
  MPI_Comm_rank(comm, &c->rank);
  MPI_Comm_size(comm, &c->size);
  NEURLP_TRY(neurlp_agree(comm, context, fill(c, spec)));
  c->deadline = find_deadline(c);
  neurlp_stop_limit(c->options.walltime, c->options.margin); /* of what comes after, piece by piece */
  c->last_call = c->last_kept = MPI_Wtime();
  NEURLP_TRY(neurlp_checkpoint_find(c));
  status = neurlp_agree(comm, context, c->rank == 0 ? check_folder(c) : NEURLP_SUCCESS);
  if (status == NEURLP_ERROR_IO) {
    note_trouble(c);
    status = NEURLP_SUCCESS;
  }
  if (status < 0) goto done;
  *checkpoint = c;
  c = NULL;
done:
  neurlp_checkpoint_close(&c, false);
  return status;
}

void neurlp_checkpoint_close(neurlp_checkpoint **checkpoint, bool done) {
  if (!checkpoint || !*checkpoint) return;
  neurlp_checkpoint *c = *checkpoint;
  neurlp_context *context = c->context;
  if (done && !c->options.keep_finished) neurlp_checkpoint_remove(c, 0);
  neurlp_stop_ignore();
  neurlp_release(context, &c->own);
  neurlp_release(context, &c->found);
  neurlp_release(context, &c->stem);
  neurlp_release(context, &c->kind);
  neurlp_release(context, &c->fingerprint);
  neurlp_release(context, checkpoint);
}

/* ---- parts ------------------------------------------------------------------------------------------- */

void neurlp_checkpoint_begin_part(neurlp_checkpoint *c, int64_t first, int64_t end) {
  c->first = first;
  c->end = end;
  if (!c->found || (c->found_first == first && c->found_end == end)) return;
  if (c->rank == 0)
    fprintf(stderr, "neurlp run: the checkpoint %s is not gone on from: %s\n", c->found,
            c->found_end <= first ? "the results that it was for are complete"
                                  : "the results of what came before it are not there");
  neurlp_release(c->context, &c->found);
}

void neurlp_checkpoint_end_part(neurlp_checkpoint *c) {
  if (!c->options.keep_finished) neurlp_checkpoint_remove(c, 0);
  neurlp_release(c->context, &c->found);
}

void neurlp_checkpoint_found_part(const neurlp_checkpoint *c, int64_t *first, int64_t *end) {
  *first = c->found ? c->found_first : 0;
  *end = c->found ? c->found_end : 0;
}

/* ---- questions --------------------------------------------------------------------------------------- */

int64_t neurlp_checkpoint_count(const neurlp_checkpoint *c, const char *name) {
  char path[256];
  hsize_t extent = 0;
  bool list = false;
  if (!c->found) return -1;
  snprintf(path, sizeof path, "state/%s", name);
  const hid_t file = neurlp_hdf5_open_alone(c->found);
  if (file < 0) return -1;
  if (neurlp_hdf5_is(file, path, H5O_TYPE_DATASET)) {
    const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(dataset);
    list = H5Sget_simple_extent_ndims(space) == 1 && H5Sget_simple_extent_dims(space, &extent, NULL) == 1;
    H5Sclose(space);
    H5Dclose(dataset);
  }
  H5Fclose(file);
  return list ? (int64_t)extent : -1;
}

int64_t neurlp_checkpoint_bytes(int64_t share_bytes) {
  const int64_t sealing = NEURLP_SEAL_PIECE_BYTES; /* what is read at a time; then what was written is read */
  const int64_t verifying = share_bytes < NEURLP_PIECE_BYTES ? share_bytes : NEURLP_PIECE_BYTES;
  return sealing > verifying ? sealing : verifying;
}

const char *neurlp_checkpoint_found(const neurlp_checkpoint *c) {
  return c->found;
}

double neurlp_checkpoint_found_seconds(const neurlp_checkpoint *c) {
  return c->found_seconds;
}

void neurlp_checkpoint_progress(neurlp_checkpoint *c, const char *words) {
  snprintf(c->progress, sizeof c->progress, "%s", words);
}

void neurlp_checkpoint_long_end(neurlp_checkpoint *c) {
  c->long_end = true;
}

void neurlp_checkpoint_at_end(neurlp_checkpoint *c) {
  c->at_end = true;
}

const char *neurlp_checkpoint_trouble(const neurlp_checkpoint *c) {
  return *c->trouble ? c->trouble : NULL;
}

void neurlp_checkpoint_report(const neurlp_checkpoint *c) {
  if (c->rank == 0 && c->written > 0)
    printf("  %-24s %lld written, %.3g MB each, %.3g s in all\n", "checkpoints", (long long)c->written,
           (double)c->written_bytes / 1e6 / (double)c->written, c->written_seconds);
}
