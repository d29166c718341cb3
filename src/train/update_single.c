/* Steps of optimisers in single precision. */
#define REAL        float
#define SQUARE_ROOT sqrtf
#define UPDATE_SGD  neurlp_update_sgd_single
#define UPDATE_ADAM neurlp_update_adam_single
#include "train/update_body.h"
