#include "file/array_file_lock.h"

#include "comm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Times that a lock is looked at anew, because it changed hands meanwhile; bytes of one. */
enum { ATTEMPTS = 5, LOCK_BYTES = 1024 };

struct neurlp_file_lock {
  neurlp_context *context;
  char *name; /* of the lock's file; NULL: nothing to remove */
};

/* Who writes: the text of the lock. Words without spaces, "-" for none. */
typedef struct owner {
  char host[65], boot[65], space[65], job[65], since[65];
  long process, restart;
  unsigned long long started; /* of the process, in the kernel's ticks; 0: unknown */
} owner;

/* ---- processes --------------------------------------------------------------------------------------- */

/* The first word of a file of the kernel's; "-" where there is none. */
static void read_word(const char *path, char *word, size_t bytes) {
  FILE *file = fopen(path, "r");
  if (!file || !fgets(word, (int)bytes, file)) snprintf(word, bytes, "-");
  word[strcspn(word, " \n")] = '\0';
  if (file) fclose(file);
}

/* When a process began, which tells it from a later one of the same number. 0: there is none, or it has ended
 * and only waits for its parent to notice, or there is no /proc. */
static unsigned long long start_of(long process) {
  char path[64], text[LOCK_BYTES] = "", state = 'Z';
  unsigned long long started = 0;
  snprintf(path, sizeof path, "/proc/%ld/stat", process);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  const char *name_end = fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
  const int found = !name_end ? 0
                              : sscanf(name_end + 1,
                                       " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                                       "%*s %*s %llu",
                                       &state, &started);
  fclose(file);
  return found == 2 && state != 'Z' && state != 'X' ? started : 0;
}

static void copy_word(char *to, size_t bytes, const char *from) {
  snprintf(to, bytes, "%s", from && *from ? from : "-");
  for (char *c = to; *c; c++)
    if ((unsigned char)*c <= ' ') *c = '_';
}

static owner this_process(void) {
  owner self = {.process = (long)getpid()};
  char host[65] = "", space[65] = "";
  const time_t now = time(NULL);
  struct tm local;
  if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  copy_word(self.host, sizeof self.host, host);
  read_word("/proc/sys/kernel/random/boot_id", self.boot, sizeof self.boot);
  /* within containers the numbers of processes are others */
  if (readlink("/proc/self/ns/pid", space, sizeof space - 1) < 0) space[0] = '\0';
  copy_word(self.space, sizeof self.space, space);
  self.started = start_of(self.process);
  copy_word(self.job, sizeof self.job, getenv("SLURM_JOB_ID"));
  const char *restart = getenv("SLURM_RESTART_COUNT");
  self.restart = restart ? strtol(restart, NULL, 10) : 0;
  if (!localtime_r(&now, &local) || !strftime(self.since, sizeof self.since, "%Y-%m-%dT%H:%M:%S%z", &local))
    copy_word(self.since, sizeof self.since, NULL);
  return self;
}

static bool same_process(const owner *a, const owner *b) {
  return a->process == b->process && a->started == b->started && !strcmp(a->host, b->host) &&
         !strcmp(a->boot, b->boot) && !strcmp(a->space, b->space);
}

/* Surely no more. Slurm runs a job once at a time, so that an earlier start of it has ended, wherever. */
static bool is_gone(const owner *other, const owner *self) {
  const bool same_job = strcmp(self->job, "-") != 0 && strcmp(other->job, self->job) == 0;
  if (same_job && other->restart < self->restart) return true;
  if (strcmp(other->host, self->host) != 0) return false;
  if (strcmp(other->boot, self->boot) != 0) return true;
  if (strcmp(other->space, self->space) != 0) return false;
  if (kill((pid_t)other->process, 0) != 0 && errno == ESRCH) return true;
  return other->started != 0 && self->started != 0 && start_of(other->process) != other->started;
}

/* ---- the file ---------------------------------------------------------------------------------------- */

static const char *const layout =
    "neurlp lock\nhost %s\nprocess %ld\nstarted %llu\nboot %s\nspace %s\njob %s\n"
    "restart %ld\nsince %s\n";

static int write_owner(int descriptor, const owner *o) {
  char text[LOCK_BYTES];
  const int length = snprintf(text, sizeof text, layout, o->host, o->process, o->started, o->boot, o->space,
                              o->job, o->restart, o->since);
  const ssize_t written = write(descriptor, text, (size_t)length);
  if (written < 0) return errno;
  return written == length ? 0 : ENOSPC;
}

/* False if there is no lock, or no whole one. */
static bool read_owner(const char *name, owner *o) {
  char text[LOCK_BYTES] = "";
  FILE *file = fopen(name, "r");
  if (!file) return false;
  const size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = '\0';
  return sscanf(text,
                "neurlp lock host %64s process %ld started %llu boot %64s space %64s job %64s restart %ld "
                "since %64s",
                o->host, &o->process, &o->started, o->boot, o->space, o->job, &o->restart, o->since) == 8;
}

neurlp_status neurlp_hidden_name(neurlp_context *context, const char *path, const char *suffix, char **name) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  const size_t bytes = strlen(path) + strlen(suffix) + 2;
  const neurlp_status status = neurlp_allocate(context, (int64_t)bytes, 1, name);
  if (status == NEURLP_SUCCESS) snprintf(*name, bytes, "%.*s.%s%s", (int)(base - path), path, base, suffix);
  return status;
}

/* Makes the lock: 0, EEXIST if there is one, or what else went wrong. */
static int make_lock(const char *name, const owner *self) {
  const int descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0) return errno;
  int failure = write_owner(descriptor, self);
  if (close(descriptor) != 0 && failure == 0) failure = errno; /* a full disk may show here, on NFS */
  if (failure != 0) unlink(name);
  return failure == EEXIST ? EIO : failure;
}

/* Takes a dead run's lock away. Two runs may try to: each moves the file to a name of its own before it is
 * removed, and puts it back if it was not the dead one's after all. */
static neurlp_status bury(neurlp_context *context, const char *path, const char *name, const owner *dead,
                          const owner *self) {
  neurlp_status status = NEURLP_SUCCESS;
  char suffix[128], *grave = NULL, *leftover = NULL;
  owner moved;
  snprintf(suffix, sizeof suffix, ".lock.%s-%ld", self->host, self->process);
  NEURLP_TRY(neurlp_hidden_name(context, path, suffix, &grave));
  snprintf(suffix, sizeof suffix, ".%s-%ld.partial", dead->host, dead->process);
  NEURLP_TRY(neurlp_hidden_name(context, path, suffix, &leftover));
  if (rename(name, grave) != 0) goto done; /* somebody was faster */
  if (read_owner(grave, &moved) && same_process(&moved, dead)) {
    const bool was_there = unlink(leftover) == 0;
    fprintf(stderr,
            "neurlp: process %ld on %s, which was writing %s, has died; removed what it left behind%s%s\n",
            dead->process, dead->host, path, was_there ? ": " : "", was_there ? leftover : "");
  } else if (link(grave, name) != 0) {
    status = neurlp_fail(context, NEURLP_ERROR_IO,
                         "%s is being written by several runs at once: %s; let one of them end, then try "
                         "again",
                         path, strerror(errno));
  }
  unlink(grave);
done:
  neurlp_release(context, &grave);
  neurlp_release(context, &leftover);
  return status;
}

static neurlp_status refuse(neurlp_context *context, const char *path, const char *name, const owner *other,
                            const owner *self) {
  const bool known = strcmp(other->host, self->host) == 0 && strcmp(other->space, self->space) == 0;
  const bool job = strcmp(other->job, "-") != 0;
  return neurlp_fail(context, NEURLP_ERROR_IO,
                     "%s is being written by another run, process %ld on %s%s%s, since %s; wait for its end "
                     "or write to another file%s%s%s",
                     path, other->process, other->host, job ? ", Slurm job " : "", job ? other->job : "",
                     other->since, known ? "" : "; if you know that it has ended, remove ", known ? "" : name,
                     known ? "" : " (from here nobody can tell)");
}

static neurlp_status cannot_make(neurlp_context *context, const char *path, int failure) {
  return neurlp_fail(
      context, NEURLP_ERROR_IO, "%s cannot be written: nothing can be made in its folder: %s; %s", path,
      strerror(failure), failure == ENOENT ? "make it first" : "free some space or write to another folder");
}

/* Rank 0. */
static neurlp_status take(neurlp_context *context, const char *path, neurlp_file_lock *lock) {
  const owner self = this_process();
  char *name = NULL;
  neurlp_status status = neurlp_hidden_name(context, path, ".lock", &name);
  for (int attempt = 0; status == NEURLP_SUCCESS && attempt < ATTEMPTS; attempt++) {
    owner other;
    const int failure = make_lock(name, &self);
    if (failure == 0) {
      lock->name = name;
      return NEURLP_SUCCESS;
    }
    if (failure != EEXIST) {
      status = cannot_make(context, path, failure);
    } else if (!read_owner(name, &other)) { /* it is being made or removed at this moment, or it is torn */
      nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    } else if (same_process(&other, &self)) {
      break; /* the one that made it removes it */
    } else if (is_gone(&other, &self)) {
      status = bury(context, path, name, &other, &self);
    } else {
      status = refuse(context, path, name, &other, &self);
    }
    if (status == NEURLP_SUCCESS && attempt == ATTEMPTS - 1)
      status = neurlp_fail(context, NEURLP_ERROR_IO,
                           "%s may be being written by another run: %s is there and does not say whose it "
                           "is; if no run writes it, remove that file",
                           path, name);
  }
  neurlp_release(context, &name);
  return status;
}

neurlp_status neurlp_file_lock_take(MPI_Comm comm, neurlp_context *context, const char *path,
                                    neurlp_file_lock **lock) {
  neurlp_file_lock *made = NULL;
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  *lock = NULL;
  neurlp_status status = neurlp_allocate(context, 1, sizeof *made, &made);
  if (status == NEURLP_SUCCESS) {
    made->context = context;
    if (rank == 0) status = take(context, path, made);
  }
  status = neurlp_agree(comm, context, status);
  if (status == NEURLP_SUCCESS)
    *lock = made;
  else
    neurlp_file_lock_release(&made);
  return status;
}

void neurlp_file_lock_release(neurlp_file_lock **lock) {
  if (!lock || !*lock) return;
  neurlp_context *context = (*lock)->context;
  const owner self = this_process();
  owner other;
  /* somebody may have removed it, thinking us dead, and another run may have made its own */
  if ((*lock)->name && read_owner((*lock)->name, &other) && same_process(&other, &self))
    unlink((*lock)->name);
  neurlp_release(context, &(*lock)->name);
  neurlp_release(context, lock);
}

void neurlp_file_lock_remove(const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  char name[PATH_MAX];
  const int length = snprintf(name, sizeof name, "%.*s.%s.lock", (int)(base - path), path, base);
  if (length > 0 && (size_t)length < sizeof name) unlink(name);
}
