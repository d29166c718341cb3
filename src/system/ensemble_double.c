/* Tiles of trajectories in double precision. */
#define REAL              double
#define NEURLP_RK4_TILE   neurlp_ensemble_rk4_double
#define NEURLP_TSIT5_TILE neurlp_ensemble_tsit5_double
#include "system/ensemble_tile_body.h"
