/* Which backends there are. */
#include "block/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A backend by name; get is NULL where this build lacks it, and remedy says how to build it. */
typedef struct known_backend {
  const char *name;
  const neurlp_backend *(*get)(void);
  const char *remedy;
} known_backend;

#ifdef NEURLP_HAVE_CUDA
#define CUDA_BACKEND(name, get)                                                                              \
  { name, get, NULL }
#else
#define CUDA_BACKEND(name, get)                                                                              \
  { name, NULL, "configure with -DNEURLP_CUDA=ON where the CUDA toolkit is" }
#endif

static const known_backend known[] = {
    {"cpu", neurlp_backend_cpu, NULL},
    {"cpu:check", neurlp_backend_cpu_check, NULL},
    CUDA_BACKEND("cuda", neurlp_backend_cuda),
    CUDA_BACKEND("cuda:check", neurlp_backend_cuda_check),
};
enum { KNOWN = sizeof known / sizeof *known };

static const known_backend *find_known(const char *name) {
  for (int32_t i = 0; i < KNOWN; i++)
    if (strcmp(known[i].name, name) == 0) return &known[i];
  return NULL;
}

const neurlp_backend *neurlp_backend_find(const char *name) {
  const known_backend *found = find_known(name);
  return found && found->get ? found->get() : NULL;
}

int32_t neurlp_backend_devices(const char *name, char *reason, size_t reason_bytes) {
  const known_backend *found = find_known(strcmp(name, "auto") == 0 ? "cuda" : name);
  const char *imitated = getenv("NEURLP_IMITATED_DEVICES");
  if (reason_bytes > 0) reason[0] = 0;
  if (!found || !found->get) {
    snprintf(reason, reason_bytes, "this build has no backend for it; %s", found ? found->remedy : "");
    return 0;
  }
  if (strcmp(found->name, "cuda:check") == 0) return imitated ? (int32_t)strtol(imitated, NULL, 10) : 1;
#ifdef NEURLP_HAVE_CUDA
  return neurlp_device_count(reason, reason_bytes);
#else
  return 0;
#endif
}

void neurlp_backend_device_identity(const char *name, int32_t index, char *identity, size_t identity_bytes) {
  if (identity_bytes > 0) identity[0] = 0;
  if (strcmp(name, "cuda:check") == 0) snprintf(identity, identity_bytes, "imitated %d", index);
#ifdef NEURLP_HAVE_CUDA
  if (strcmp(name, "cuda") == 0 || strcmp(name, "auto") == 0)
    neurlp_device_identity(index, identity, identity_bytes);
#endif
}

static neurlp_status fail_unknown(neurlp_context *context, const char *name) {
  char names[128];
  size_t end = 0;
  for (int32_t i = 0; i < KNOWN && end < sizeof names; i++)
    end += (size_t)snprintf(names + end, sizeof names - end, "%s%s", i > 0 ? ", " : "", known[i].name);
  return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "the backend %s is unknown; there are: %s", name, names);
}

neurlp_status neurlp_context_set_backend(neurlp_context *context, const char *name) {
  const known_backend *found = find_known(name);
  if (!found) return fail_unknown(context, name);
  if (!found->get)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%s: this build has none; %s", name, found->remedy);
  neurlp_store_backend(context, found->name);
  return NEURLP_SUCCESS;
}

const char *neurlp_backend_device_name(neurlp_context *context) {
#ifdef NEURLP_HAVE_CUDA
  if (strncmp(neurlp_context_backend(context), "cuda", 4) == 0) return neurlp_device_name(context);
#else
  (void)context;
#endif
  return "none";
}
