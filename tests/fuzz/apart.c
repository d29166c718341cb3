#define _GNU_SOURCE /* dladdr: which function of a library an address belongs to */
#include "apart.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_BAD = 1, EXIT_LIBRARY = 3, MOST_FRAMES = 64 };

/* Where HDF5 1.10.8 itself crashes on damaged metadata: a function, its caller, and the caller of that. Each
 * was seen here, with nothing but a damaged file as its cause. */
enum { MOST_NAMES = 2 };
static const char *const known[][MOST_NAMES] = {
    {"H5HG_read", "H5T__conv_vlen"},     /* the size of an object in a global heap is believed */
    {"H5FL_blk_free", "H5T__conv_vlen"}, /* after a failure, what was never allocated is freed */
};

static int output = -1; /* standard output, which readers have sent elsewhere when they crash */

/* Whether an address is in a function of HDF5 that has a name, and which. */
static const char *name_in_hdf5(void *address) {
  Dl_info info;
  const bool there = dladdr(address, &info) && info.dli_fname && strstr(info.dli_fname, "libhdf5");
  return there ? info.dli_sname : NULL;
}

/* Names of the innermost functions of HDF5 that have one, up to the first function of ours: there are
 * callbacks. */
static int name_innermost(void *const *frames, int count, const char *names[MOST_NAMES]) {
  int found = 0;
  for (int i = 0; i < count && found < MOST_NAMES; i++) {
    Dl_info info;
    const char *name = name_in_hdf5(frames[i]);
    if (name) names[found++] = name;
    if (dladdr(frames[i], &info) && info.dli_sname && strncmp(info.dli_sname, "neurlp", 6) == 0) break;
  }
  return found;
}

static bool is_known_crash(void *const *frames, int count) {
  const char *names[MOST_NAMES];
  const int found = name_innermost(frames, count, names);
  for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
    int same = 0;
    while (same < MOST_NAMES && known[k][same] && same < found && strcmp(names[same], known[k][same]) == 0)
      same++;
    if (same == MOST_NAMES || !known[k][same]) return true;
  }
  return false;
}

bool fuzz_is_known_crash(void) {
  void *frames[MOST_FRAMES];
  return is_known_crash(frames, backtrace(frames, MOST_FRAMES));
}

static void judge(const char *what, bool ended) {
  void *frames[MOST_FRAMES];
  const int count = backtrace(frames, MOST_FRAMES);
  if (ended && is_known_crash(frames, count)) _exit(EXIT_LIBRARY);
  if (write(output, what, strlen(what)) > 0) backtrace_symbols_fd(frames, count, output);
  _exit(EXIT_BAD);
}

static void on_signal(int number) {
  const bool ended = number != SIGPROF && number != SIGALRM;
  judge(ended ? "a crash:\n" : "it does not end:\n", ended);
}

/* The address sanitizer calls this when it has found something, in HDF5 too, whose memcpy it sees. */
void __asan_on_error(void);
void __asan_on_error(void) {
  if (output < 0) { /* not apart, but under a fuzzer, which keeps what it found */
    if (fuzz_is_known_crash()) _exit(0);
    return;
  }
  judge("found by the address sanitizer:\n", true);
}

static void prepare_child(unsigned seconds) {
  static char stack[1 << 16];
  output = dup(STDOUT_FILENO);
  const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL, SIGPROF, SIGALRM};
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
  void *frames[1];
  backtrace(frames, 1);      /* loads what it needs, now */
  sigaltstack(&other, NULL); /* a stack may overflow, too */
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
#ifndef __SANITIZE_ADDRESS__ /* which reserves far more */
  const rlim_t memory_bytes = (rlim_t)4 << 30;
  const struct rlimit limit = {memory_bytes, memory_bytes};
  setrlimit(RLIMIT_AS, &limit);
#endif
  /* of computing, so that it means the same on a busy machine; what waits for something is given longer */
  const struct itimerval computing = {.it_value.tv_sec = seconds};
  setitimer(ITIMER_PROF, &computing, NULL);
  alarm(10 * seconds);
}

fuzz_end fuzz_apart(bool (*body)(int64_t number), int64_t number, unsigned seconds) {
  int status = 0;
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    prepare_child(seconds);
    const bool good = body(number);
    fflush(stdout);
    _exit(good ? 0 : EXIT_BAD);
  }
  if (child < 0 || waitpid(child, &status, 0) != child) return FUZZ_BAD;
  if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_LIBRARY) return FUZZ_LIBRARY;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? FUZZ_GOOD : FUZZ_BAD;
}
