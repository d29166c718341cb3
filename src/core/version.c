#include "neurlp.h"

#include "neurlp_build.h" /* made by cmake/build_info.cmake: NEURLP_VERSION, NEURLP_COMMIT, NEURLP_COMPILER */

const char *neurlp_version(void) {
  return NEURLP_VERSION;
}

const char *neurlp_build_info(void) {
  return "commit " NEURLP_COMMIT ", " NEURLP_COMPILER;
}
