/* Status, context, failures and counted memory. */
#include "core/context.h"

#include "core/allocations.h"

#include "support/check.h"

#include <stdint.h>
#include <string.h>

/* A request that no machine can meet must come back as NULL, under the address sanitizer too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
  return "allocator_may_return_null=1";
}

static void test_status(void) {
  check_true("name of success", strcmp(neurlp_status_name(NEURLP_SUCCESS), "NEURLP_SUCCESS") == 0);
  check_true("name of an error", strcmp(neurlp_status_name(NEURLP_ERROR_MEMORY), "NEURLP_ERROR_MEMORY") == 0);
  check_true("sentence of an error",
             strcmp(neurlp_status_sentence(NEURLP_ERROR_MEMORY), "out of memory") == 0);
  check_true("name of no status", strcmp(neurlp_status_name((neurlp_status)99), "unknown") == 0);
  check_true("sentence of no status",
             strcmp(neurlp_status_sentence((neurlp_status)99), "unknown status") == 0);
#define CHECK_STATUS(name, value, sentence)                                                                  \
  check_true(#name " has its own name and a sentence",                                                       \
             strcmp(neurlp_status_name((neurlp_status)(value)), #name) == 0 &&                               \
                 strlen(neurlp_status_sentence(name)) > 5);
  NEURLP_STATUS_LIST(CHECK_STATUS)
#undef CHECK_STATUS
}

static void test_create(void) {
  neurlp_context *context = NULL;
  check_equal("negative threads", neurlp_context_create(-1, &context), NEURLP_ERROR_ARGUMENT);
  check_true("no context then", context == NULL);
  check_equal("three threads", neurlp_context_create(3, &context), NEURLP_SUCCESS);
  check_equal("threads kept", neurlp_context_threads(context), 3);
  check_true("no message yet", strcmp(neurlp_context_message(context), "") == 0);
  neurlp_context_destroy(&context);
  check_true("destroy nulls the handle", context == NULL);
  neurlp_context_destroy(&context);
  check_equal("default threads", neurlp_context_create(0, &context), NEURLP_SUCCESS);
  check_above("default threads are some", neurlp_context_threads(context), 1);
  neurlp_context_destroy(&context);
}

static void test_messages(neurlp_context *context) {
  check_equal("fail returns its status",
              neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "got %d, at most %d", 7, 4), NEURLP_ERROR_ARGUMENT);
  check_true("the message is formatted", strcmp(neurlp_context_message(context), "got 7, at most 4") == 0);
  char text[5000];
  memset(text, 'a', sizeof text);
  text[sizeof text - 1] = '\0';
  check_equal("a long message", neurlp_fail(context, NEURLP_ERROR_DATA, "%s", text), NEURLP_ERROR_DATA);
  const size_t length = strlen(neurlp_context_message(context));
  check_true("is cut, not lost", length >= 1000 && length < sizeof text &&
                                     strncmp(neurlp_context_message(context), text, length) == 0);
}

static void test_memory(neurlp_context *context) {
  double *numbers = NULL;
  char *text = NULL;
  void *nothing = NULL;
  check_equal("allocate", neurlp_allocate(context, 1000, sizeof *numbers, &numbers), NEURLP_SUCCESS);
  check_equal("alignment", (long long)((uintptr_t)numbers % NEURLP_ALIGNMENT_BYTES), 0);
  int64_t dirty = 0;
  for (int32_t i = 0; i < 1000; i++) dirty += numbers[i] != 0.0;
  check_equal("zeroed", dirty, 0);
  check_equal("current bytes", (long long)neurlp_context_memory(context).current_bytes, 8000);
  check_equal("copy a text", neurlp_copy_text(context, "windows", &text), NEURLP_SUCCESS);
  check_true("the copy is equal", strcmp(text, "windows") == 0);
  check_equal("empty allocation", neurlp_allocate(context, 0, 8, &nothing), NEURLP_SUCCESS);
  check_true("gives a pointer", nothing != NULL);
  check_equal("blocks", neurlp_context_memory(context).blocks, 3);
  check_equal("current bytes", (long long)neurlp_context_memory(context).current_bytes, 8008);
  neurlp_release(context, &numbers);
  check_true("release nulls the pointer", numbers == NULL);
  neurlp_release(context, &numbers);
  check_equal("a forgotten block shows", neurlp_context_memory(context).blocks, 2);
  neurlp_release(context, &text);
  neurlp_release(context, &nothing);
  const neurlp_memory memory = neurlp_context_memory(context);
  check_equal("blocks in the end", memory.blocks, 0);
  check_equal("bytes in the end", (long long)memory.current_bytes, 0);
  check_equal("peak bytes", (long long)memory.peak_bytes, 8008);
  check_equal("allocations, all in all", neurlp_context_allocations(context), 3);
  check_equal("a small block", neurlp_allocate(context, 1, 8, &nothing), NEURLP_SUCCESS);
  neurlp_release(context, &nothing);
  check_equal("is below the peak", (long long)neurlp_context_memory(context).peak_bytes, 8008);
  check_equal("and counted all the same", neurlp_context_allocations(context), 4);
}

static void test_failing_allocation(neurlp_context *context) {
  int value = 0;
  void *pointer = &value;
  check_equal("a product that overflows", neurlp_allocate(context, INT64_MAX, 8, &pointer),
              NEURLP_ERROR_MEMORY);
  check_true("gives NULL", pointer == NULL);
  pointer = &value;
  check_equal("a negative count", neurlp_allocate(context, -1, 8, &pointer), NEURLP_ERROR_MEMORY);
  check_true("gives NULL", pointer == NULL);
  pointer = &value;
  check_equal("2^60 bytes", neurlp_allocate(context, INT64_C(1) << 60, 1, &pointer), NEURLP_ERROR_MEMORY);
  check_true("gives NULL", pointer == NULL);
  check_true("the message names the bytes",
             strstr(neurlp_context_message(context), "1152921504606846976 bytes") != NULL);
  check_equal("nothing was counted", neurlp_context_memory(context).blocks, 0);
}

int main(void) {
  test_status();
  test_create();
  neurlp_context *context = NULL;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  test_messages(context);
  test_memory(context);
  test_failing_allocation(context);
  neurlp_context_destroy(&context);
  return check_verdict();
}
