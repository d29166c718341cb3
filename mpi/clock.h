/* The program's own time: since its first line, before MPI was there. */
#ifndef NEURLP_MPI_CLOCK_H
#define NEURLP_MPI_CLOCK_H

/* The first thing that main does. */
void neurlp_clock_begin(void);

/* Seconds since then. */
double neurlp_clock_seconds(void);

#endif
