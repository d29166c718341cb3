/* Headers that the library carries as text, for the compiler that runs while the program runs. */
#ifndef NEURLP_CUDA_EMBEDDED_H
#define NEURLP_CUDA_EMBEDDED_H

typedef struct neurlp_embedded_text {
  const char *name, *text;
} neurlp_embedded_text;

/* All of them; made by cmake/embed.cmake. */
const neurlp_embedded_text *neurlp_embedded_cuda(int *count);

#endif
