/* Vectors in double precision. */
#define REAL   double
#define VECTOR neurlp_vector_double
#include "train/vector_body.h"
