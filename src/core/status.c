#include "neurlp.h"

const char *neurlp_status_name(neurlp_status status) {
  switch (status) {
#define NEURLP_STATUS_NAME(name, value, sentence)                                                            \
  case name:                                                                                                 \
    return #name;
    NEURLP_STATUS_LIST(NEURLP_STATUS_NAME)
#undef NEURLP_STATUS_NAME
  }
  return "unknown";
}

const char *neurlp_status_sentence(neurlp_status status) {
  switch (status) {
#define NEURLP_STATUS_SENTENCE(name, value, sentence)                                                        \
  case name:                                                                                                 \
    return sentence;
    NEURLP_STATUS_LIST(NEURLP_STATUS_SENTENCE)
#undef NEURLP_STATUS_SENTENCE
  }
  return "unknown status";
}
