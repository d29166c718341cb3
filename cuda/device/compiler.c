/* NVRTC, by names that are looked up, and a cache of what it made. */
#include "cuda/device/compiler.h"

#include "cuda/device/embedded.h"

#include <dlfcn.h>
#include <nvrtc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What our headers need of the system's; NVRTC has the functions of <math.h> built in. */
static const neurlp_embedded_text STAND_INS[] = {
    {"stdint.h", "typedef signed char int8_t; typedef unsigned char uint8_t; typedef short int16_t;\n"
                 "typedef int int32_t; typedef unsigned int uint32_t;\n"
                 "typedef long long int64_t; typedef unsigned long long uint64_t;\n"},
    {"stddef.h", ""},
    {"stdbool.h", ""},
    {"math.h", "#define NAN __int_as_float(0x7fffffff)\n#define INFINITY __int_as_float(0x7f800000)\n"},
    {"float.h", "#define DBL_EPSILON 2.220446049250313e-16\n#define FLT_EPSILON 1.19209290e-7F\n"},
};
enum { STAND_IN_COUNT = sizeof STAND_INS / sizeof *STAND_INS, MOST_HEADERS = 32, PATH_BYTES = 4096 };

/* ---- the compiler ------------------------------------------------------------------------------------ */

typedef struct compiler {
  nvrtcResult (*version)(int *, int *);
  nvrtcResult (*create)(nvrtcProgram *, const char *, const char *, int, const char *const *,
                        const char *const *);
  nvrtcResult (*destroy)(nvrtcProgram *);
  nvrtcResult (*compile)(nvrtcProgram, int, const char *const *);
  nvrtcResult (*code_bytes)(nvrtcProgram, size_t *);
  nvrtcResult (*code)(nvrtcProgram, char *);
  nvrtcResult (*log_bytes)(nvrtcProgram, size_t *);
  nvrtcResult (*log)(nvrtcProgram, char *);
} compiler;

/* ISO C has no conversion from objects to functions; POSIX demands that this works. */
static bool find_function(void *library, const char *name, void *function) {
  void *found = dlsym(library, name);
  memcpy(function, &found, sizeof found);
  return found != NULL;
}

static bool load_compiler(compiler *c) {
  char versioned[32];
  snprintf(versioned, sizeof versioned, "libnvrtc.so.%d", NEURLP_NVRTC_MAJOR);
  void *library = dlopen(versioned, RTLD_NOW | RTLD_LOCAL);
  if (!library) library = dlopen("libnvrtc.so", RTLD_NOW | RTLD_LOCAL);
  if (!library) library = dlopen(NEURLP_NVRTC_PATH, RTLD_NOW | RTLD_LOCAL);
  return library && find_function(library, "nvrtcVersion", &c->version) &&
         find_function(library, "nvrtcCreateProgram", &c->create) &&
         find_function(library, "nvrtcDestroyProgram", &c->destroy) &&
         find_function(library, "nvrtcCompileProgram", &c->compile) &&
         find_function(library, "nvrtcGetCUBINSize", &c->code_bytes) &&
         find_function(library, "nvrtcGetCUBIN", &c->code) &&
         find_function(library, "nvrtcGetProgramLogSize", &c->log_bytes) &&
         find_function(library, "nvrtcGetProgramLog", &c->log);
}

/* What the compiler says goes into the message. */
static neurlp_status fail_compilation(neurlp_context *context, const compiler *c, nvrtcProgram program) {
  neurlp_status status = NEURLP_SUCCESS;
  char *text = NULL;
  size_t bytes = 0;
  if (program) (void)c->log_bytes(program, &bytes);
  NEURLP_TRY(neurlp_allocate(context, (int64_t)bytes + 1, 1, &text));
  if (bytes > 0) (void)c->log(program, text);
  status = neurlp_fail(context, NEURLP_ERROR_DEVICE, "NVRTC cannot compile a kernel: %s",
                       *text ? text : "it does not say why");
done:
  neurlp_release(context, &text);
  return status;
}

static neurlp_status compile(neurlp_context *context, const compiler *c, int32_t architecture,
                             const char *source, const char *equations, char **code, size_t *bytes) {
  const char *names[MOST_HEADERS], *texts[MOST_HEADERS];
  int embedded = 0, count = 0;
  const neurlp_embedded_text *list = neurlp_embedded_cuda(&embedded);
  char target[32];
  nvrtcProgram program = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  snprintf(target, sizeof target, "--gpu-architecture=sm_%d", architecture);
  const char *const options[] = {target, "--std=c++20", "--device-as-default-execution-space"};
  for (int i = 0; i < STAND_IN_COUNT; i++, count++) {
    names[count] = STAND_INS[i].name;
    texts[count] = STAND_INS[i].text;
  }
  for (int i = 0; i < embedded && count < MOST_HEADERS - 1; i++, count++) {
    names[count] = list[i].name;
    texts[count] = list[i].text;
  }
  names[count] = "equations.h";
  texts[count++] = equations;
  if (c->create(&program, source, "kernel.cu", count, texts, names) != NVRTC_SUCCESS ||
      c->compile(program, sizeof options / sizeof *options, options) != NVRTC_SUCCESS ||
      c->code_bytes(program, bytes) != NVRTC_SUCCESS) {
    status = fail_compilation(context, c, program);
    goto done;
  }
  NEURLP_TRY(neurlp_allocate(context, (int64_t)*bytes, 1, code));
  if (c->code(program, *code) != NVRTC_SUCCESS) {
    neurlp_release(context, code);
    status = fail_compilation(context, c, program);
  }
done:
  if (program) (void)c->destroy(&program);
  return status;
}

/* ---- the cache --------------------------------------------------------------------------------------- */

/* Fowler, Noll and Vo's hash, 64 bits, from two beginnings: 128 bits tell kernels apart. */
static void add_text(uint64_t hash[2], const char *text) {
  for (const unsigned char *at = (const unsigned char *)text;; at++) {
    for (int i = 0; i < 2; i++) hash[i] = (hash[i] ^ *at) * UINT64_C(1099511628211);
    if (!*at) break;
  }
}

/* The file of a kernel, its folder made if need be; "" where there is no place for any. */
static void cache_path(const compiler *c, int32_t architecture, const char *source, const char *equations,
                       char path[PATH_BYTES]) {
  const char *own = getenv("NEURLP_CACHE"), *user = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  uint64_t hash[2] = {UINT64_C(14695981039346656037), UINT64_C(0x9e3779b97f4a7c15)};
  char version[64], folder[PATH_BYTES / 2];
  int embedded = 0, major = 0, minor = 0, length;
  const neurlp_embedded_text *list = neurlp_embedded_cuda(&embedded);
  path[0] = 0;
  (void)c->version(&major, &minor);
  snprintf(version, sizeof version, "%d.%d sm_%d", major, minor, (int)architecture);
  add_text(hash, version);
  for (int i = 0; i < embedded; i++) add_text(hash, list[i].text);
  add_text(hash, source);
  add_text(hash, equations);
  if (own && *own)
    length = snprintf(folder, sizeof folder, "%s", own);
  else if (user && *user)
    length = snprintf(folder, sizeof folder, "%s/neurlp", user);
  else if (home && *home)
    length = snprintf(folder, sizeof folder, "%s/.cache/neurlp", home);
  else
    return;
  if (length < 0 || (size_t)length >= sizeof folder) return;
  for (char *slash = folder + 1; *slash; slash++) {
    if (*slash != '/') continue;
    *slash = 0;
    (void)mkdir(folder, 0700); /* it may be there */
    *slash = '/';
  }
  (void)mkdir(folder, 0700);
  snprintf(path, PATH_BYTES, "%s/%016llx%016llx.cubin", folder, (unsigned long long)hash[0],
           (unsigned long long)hash[1]);
}

/* Whether the cache had it. Code begins with the name of its format, ELF. */
static bool read_cache(neurlp_context *context, const char *path, char **code, size_t *bytes) {
  FILE *file = *path ? fopen(path, "rb") : NULL;
  long length = -1;
  bool good = false;
  if (!file) return false;
  if (fseek(file, 0, SEEK_END) == 0) length = ftell(file);
  if (length > 4 && fseek(file, 0, SEEK_SET) == 0 &&
      neurlp_allocate(context, length, 1, code) == NEURLP_SUCCESS)
    good = fread(*code, 1, (size_t)length, file) == (size_t)length && memcmp(*code, "\177ELF", 4) == 0;
  fclose(file);
  if (!good) neurlp_release(context, code);
  *bytes = good ? (size_t)length : 0;
  return good;
}

/* Under another name first: who reads sees all of it or nothing. */
static void write_cache(const char *path, const char *code, size_t bytes) {
  char draft[PATH_BYTES + 32];
  if (!*path) return;
  snprintf(draft, sizeof draft, "%s.%ld", path, (long)getpid());
  FILE *file = fopen(draft, "wb");
  if (!file) return;
  const bool written = fwrite(code, 1, bytes, file) == bytes;
  if (fclose(file) != 0 || !written || rename(draft, path) != 0) (void)remove(draft);
}

neurlp_status neurlp_compile_cuda(neurlp_context *context, int32_t architecture, const char *source,
                                  const char *equations, char **code, size_t *bytes) {
  neurlp_status status = NEURLP_SUCCESS;
  char path[PATH_BYTES];
  compiler c;
  *code = NULL;
  *bytes = 0;
  if (!load_compiler(&c))
    return neurlp_fail(context, NEURLP_ERROR_DEVICE,
                       "NVRTC could not be loaded; put the CUDA toolkit's lib64 into LD_LIBRARY_PATH");
  cache_path(&c, architecture, source, equations, path);
  if (read_cache(context, path, code, bytes)) return NEURLP_SUCCESS;
  NEURLP_TRY(compile(context, &c, architecture, source, equations, code, bytes));
  write_cache(path, *code, *bytes);
done:
  return status;
}
