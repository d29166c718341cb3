/* The fuzzer's way in: any bytes are a text. Built with NEURLP_FUZZ=ON and clang; run with a folder for what
 * it finds, and again as often as you like: fuzz_expr -max_total_time=300 CORPUS */
#include "fuzz_properties.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  char text[FUZZ_TEXT];
  bool readable = false;
  if (size_bytes >= sizeof text) return 0;
  memcpy(text, data, size_bytes);
  text[size_bytes] = '\0';
  neurlp_context *context = make_context();
  const char *violation = fuzz_violation(context, text, &readable);
  neurlp_context_destroy(&context);
  if (violation) {
    fprintf(stderr, "does not hold: %s\n", violation);
    abort();
  }
  return 0;
}
