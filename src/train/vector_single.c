/* Vectors in single precision. */
#define REAL   float
#define VECTOR neurlp_vector_single
#include "train/vector_body.h"
