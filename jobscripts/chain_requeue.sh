#!/usr/bin/env bash
# A run that is longer than a job may be: it stops in time with a checkpoint (exit status 75), the job goes back into the
# queue by itself, and goes on from there, until it is done.
#
#   sbatch jobscripts/chain_requeue.sh DECK [key=value ...]
#
# The deck has a section `checkpoint`. NEURLP_CHAIN_MOST is how often the job is requeued at most, 20 if unset; where that is
# not enough, submit it again: it goes on. Where jobs may not be requeued: chain_submit.sh.
# Submit from the top of the tree, or say where it is in NEURLP_HOME. The job's exit status is the program's last one.
#SBATCH --job-name=neurlp-chain
#SBATCH --requeue
#SBATCH --open-mode=append       # one log for all of it
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
times=${SLURM_RESTART_COUNT:-0}

neurlp_prepare
neurlp_launcher || exit
neurlp_run "${NEURLP:-$home/build/bin/neurlp}" run "$@"
status=$?
if neurlp_goes_on "$status" "$times"; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
