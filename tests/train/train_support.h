/* What the tests of training share: copies of states, and comparison bit for bit. */
#ifndef TESTS_TRAIN_SUPPORT_H
#define TESTS_TRAIN_SUPPORT_H

#include "core/state.h"

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

/* A state as a file would keep it. */
typedef struct saved_state {
  int32_t count;
  struct {
    char name[32];
    size_t bytes;
    void *numbers;
  } arrays[NEURLP_STATE_MOST];
} saved_state;

static inline size_t state_bytes(const neurlp_state_array *array) {
  return (size_t)array->count * neurlp_state_number_bytes(array->kind);
}

static inline void save_state(saved_state *saved, const neurlp_state_array *arrays, int32_t count) {
  saved->count = count;
  for (int32_t i = 0; i < count; i++) {
    snprintf(saved->arrays[i].name, sizeof saved->arrays[i].name, "%s", arrays[i].name);
    saved->arrays[i].bytes = state_bytes(&arrays[i]);
    saved->arrays[i].numbers = malloc(saved->arrays[i].bytes + 1);
    memcpy(saved->arrays[i].numbers, arrays[i].numbers, saved->arrays[i].bytes);
  }
}

/* Fills the arrays of another object with what was saved, by name, and frees it. */
static inline void load_state(saved_state *saved, const neurlp_state_array *arrays, int32_t count) {
  int32_t found = 0;
  for (int32_t i = 0; i < count; i++)
    for (int32_t j = 0; j < saved->count; j++) {
      if (strcmp(arrays[i].name, saved->arrays[j].name) != 0) continue;
      if (state_bytes(&arrays[i]) != saved->arrays[j].bytes) continue;
      memcpy(arrays[i].numbers, saved->arrays[j].numbers, saved->arrays[j].bytes);
      found++;
    }
  check_equal("arrays of the state that were found again by name", found, saved->count);
  for (int32_t j = 0; j < saved->count; j++) free(saved->arrays[j].numbers);
}

/* Numbers that differ in some bit. */
static inline int64_t different_bytes(const void *a, const void *b, size_t bytes) {
  const unsigned char *x = a, *y = b;
  int64_t count = 0;
  for (size_t i = 0; i < bytes; i++) count += x[i] != y[i];
  return count;
}

#endif
