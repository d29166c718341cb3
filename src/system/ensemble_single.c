/* Tiles of trajectories in single precision. */
#define REAL              float
#define NEURLP_RK4_TILE   neurlp_ensemble_rk4_single
#define NEURLP_TSIT5_TILE neurlp_ensemble_tsit5_single
#include "system/ensemble_tile_body.h"
