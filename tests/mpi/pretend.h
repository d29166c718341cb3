/* A device that is none: vectors whose memory nobody else can read (every byte is changed by a key of the
 * rank's), whose queues do nothing until they are waited for, and that may be told to fail. */
#ifndef TESTS_MPI_PRETEND_H
#define TESTS_MPI_PRETEND_H

#include "learn/vectors.h"

/* Copies from now until one fails, once; 0: none does. */
extern int64_t pretend_fails_after;

/* Makes the table; `key` 0 leaves the memory as it is, readable for all. Memory comes from the context. */
neurlp_vectors pretend_vectors(neurlp_context *context, unsigned char key, neurlp_vectors_place place);

/* Blocks of its memory that are held. */
int64_t pretend_blocks(void);

#endif
