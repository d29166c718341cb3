/* A file that is being written is one run's: a lock beside it, `.NAME.lock`, says whose, and a second run
 * refuses.
 *
 * The lock is a small text file that is made with O_EXCL, which is atomic on NFS, too; nothing relies on
 * fcntl or flock, which clusters' file systems often lack. A run that dies leaves its lock behind. The next
 * one takes it over if that run is surely gone: its process is no more on this host (or the number is another
 * process's by now, or the host was started anew since), or it was an earlier start of this same Slurm job.
 * In all other cases, a lock of another host above all, nobody can tell from here: the message says whose it
 * is and which file to remove. */
#ifndef NEURLP_MPI_ARRAY_FILE_LOCK_H
#define NEURLP_MPI_ARRAY_FILE_LOCK_H

#include "core/context.h"

#include <mpi.h>

typedef struct neurlp_file_lock neurlp_file_lock;

/* Collective. Takes the lock of the file `path`, which need not exist; every rank passes the same. Where this
 * process holds it already, it goes on holding it until that one is released. What a dead run left of the
 * file (its lock and its temporary file) is removed, and rank 0 says so on standard error. NEURLP_ERROR_IO if
 * somebody else has it, or if nothing can be made in the folder. */
NEURLP_MUST_USE neurlp_status neurlp_file_lock_take(MPI_Comm comm, neurlp_context *context, const char *path,
                                                    neurlp_file_lock **lock);

/* Gives it back. Rank 0's matters, the others' costs nothing. Safe on NULL. */
void neurlp_file_lock_release(neurlp_file_lock **lock);

/* Any rank, before it ends all of them in the middle of writing `path`: removes the lock. Allocates nothing
 * of the context's. */
void neurlp_file_lock_remove(const char *path);

/* "FOLDER/.NAMEsuffix" of the file "FOLDER/NAME", to be released by the caller. */
NEURLP_MUST_USE neurlp_status neurlp_hidden_name(neurlp_context *context, const char *path,
                                                 const char *suffix, char **name);

#endif
