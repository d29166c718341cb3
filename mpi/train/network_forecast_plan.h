/* What a deck of task `train` asks to forecast. */
#ifndef NEURLP_MPI_NETWORK_FORECAST_PLAN_H
#define NEURLP_MPI_NETWORK_FORECAST_PLAN_H

#include "train/network_study.h"

/* Local. Finds out which trajectories are forecast, from where and how far: study->forecast. Needs data,
 * windows and wiring. Nothing is forecast by a model that sees whole windows, or where nothing is held back;
 * that is an error if the deck has a section `forecast`. */
NEURLP_MUST_USE neurlp_status neurlp_network_plan_forecast(neurlp_network_study *study);

#endif
