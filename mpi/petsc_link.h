/* PETSc for what a deck leaves to it. It is in libneurlp_petsc.so, which is loaded when it is needed first,
 * so that a run without it does not wait for PETSc, and a program without it runs. */
#ifndef NEURLP_MPI_PETSC_LINK_H
#define NEURLP_MPI_PETSC_LINK_H

#include "deck/deck.h"
#include "petsc/run/calls.h"

/* Local. The library, NULL with *reason where it cannot be loaded. */
void *neurlp_petsc_library(const char **reason);

/* Local. A function of the library, in *function (a pointer to a function); NULL if it has none of that name.
 */
void neurlp_petsc_find(void *library, const char *name, void *function);

/* Collective. Loads the library and begins PETSc with the deck's petsc.options, the first time; *calls lives
 * to the end. `key`: what asks for it. NEURLP_ERROR_DECK on every rank, with the key's line, where there is
 * no PETSc, or where it does not take the options. */
NEURLP_MUST_USE neurlp_status neurlp_petsc_open(MPI_Comm comm, neurlp_context *context,
                                                const neurlp_deck *deck, const char *key,
                                                const neurlp_petsc_calls **calls);

/* Collective. PETSc ends. `speak`: on this rank it is said which options nobody has looked for; a run that
 * was not finished need not have come to them. Does nothing if PETSc has not begun. */
void neurlp_petsc_close(bool speak);

#endif
