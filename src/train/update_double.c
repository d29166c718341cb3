/* Steps of optimisers in double precision. */
#define REAL        double
#define SQUARE_ROOT sqrt
#define UPDATE_SGD  neurlp_update_sgd_double
#define UPDATE_ADAM neurlp_update_adam_double
#include "train/update_body.h"
