/* Pictures of what a file holds: `neurlp plot`. The only header of this room that the rest of the program
 * includes; without PLplot the room is not built. */
#ifndef NEURLP_MPI_PLOT_H
#define NEURLP_MPI_PLOT_H

#include "plot/plot_source.h"

/* Local: on one rank. Draws everything that the file holds into the folder, which is made if it is not there,
 * each picture as PNG and as SVG, and prints the name of each file that it wrote. NEURLP_ERROR_DATA: the
 * file, also if there is nothing in it to draw; NEURLP_ERROR_IO: a picture could not be written;
 * NEURLP_ERROR_ARGUMENT: the systems asked for, or a driver of PLplot that is not installed. */
NEURLP_MUST_USE neurlp_status neurlp_plot(neurlp_context *context, const neurlp_plot_request *request);

#endif
