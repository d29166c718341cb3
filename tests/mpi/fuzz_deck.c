/* libFuzzer target for decks. Build and run:
 *   cmake -B build-fuzz -DCMAKE_C_COMPILER=clang -DNEURLP_FUZZ=ON \
 *         -DCMAKE_C_FLAGS="-O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all"
 *   cmake --build build-fuzz --target fuzz_deck && build-fuzz/tests/mpi/fuzz_deck -max_len=4096
 * -max_total_time=300 Text after the first form feed is an override. */
#include "deck_property.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 does not free the pieces of a long quoted text if it finds an error in it. */
const char *__lsan_default_suppressions(void) {
  return "leak:libfyaml.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  char *override = strchr(text, '\f');
  if (override) *override++ = '\0';
  const char *overrides[1] = {override};
  bool good = false;
  const char *broken = deck_property(text, override ? 1 : 0, overrides, &good);
  if (broken) {
    fprintf(stderr, "%s\n", broken);
    abort();
  }
  free(text);
  return 0;
}
