#!/usr/bin/env bash
# A run that is longer than a job may be, where jobs may not be requeued: when it has stopped in time with a checkpoint
# (exit status 75), the job submits its successor, which goes on from there, until it is done.
#
#   sbatch jobscripts/chain_submit.sh DECK [key=value ...]
#
# The deck has a section `checkpoint`. NEURLP_CHAIN_MOST is how many successors there are at most, 20 if unset; where that is
# not enough, submit it again: it goes on. Successors are submitted as this file says: change it here, for they do not see
# options of sbatch's command line (variables as SBATCH_TIMELIMIT they do). Where compute nodes may not submit jobs:
# docs/clusters.md.
# Submit from the top of the tree, or say where it is in NEURLP_HOME. Each job's exit status is its program's.
#SBATCH --job-name=neurlp-chain
#SBATCH --no-requeue
#SBATCH --nodes=1                # another number of nodes or ranks may go on with the checkpoint, with the same result
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@120      # in time for the checkpoint: some times what the log says that one takes
#SBATCH --output=%x-%j.out
##SBATCH --account=ACCOUNT       # most sites want these two
##SBATCH --partition=PARTITION

# module load gcc openmpi hdf5/mpi openblas      # what the program was built with: docs/clusters.md

home=${NEURLP_HOME:-$SLURM_SUBMIT_DIR}
. "$home/jobscripts/slurm.sh" || exit
times=${NEURLP_CHAIN_TIMES:-0}

neurlp_prepare
neurlp_launcher || exit
neurlp_run "${NEURLP:-$home/build/bin/neurlp}" run "$@"
status=$?
if neurlp_goes_on "$status" "$times"; then
  NEURLP_HOME=$home NEURLP_CHAIN_TIMES=$((times + 1)) sbatch --dependency="afterany:$SLURM_JOB_ID" \
    "$home/jobscripts/chain_submit.sh" "$@" || echo "the successor could not be submitted: do it by hand" >&2
fi
exit "$status"
