#!/usr/bin/env bash
# One node, CPU.
#
#   sbatch jobscripts/cpu_node.sh [DECK] [key=value ...]
#
# Submit from the top of the tree, or say where it is in NEURLP_HOME. The job's exit status is the program's.
#SBATCH --job-name=neurlp
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=2      # ranks: at the next site, one for each 8 cores or so, and at least one a socket
#SBATCH --cpus-per-task=1        # cores of a rank; ntasks-per-node times this is a node's cores
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@120      # two minutes before the end the run is told to write a checkpoint, and stops with 75
#SBATCH --output=%x-%j.out
##SBATCH --account=ACCOUNT       # most sites want these two
##SBATCH --partition=PARTITION
##SBATCH --exclusive             # where nodes are shared, and a whole one is wanted

# module load gcc openmpi hdf5/mpi openblas      # what the program was built with: docs/clusters.md

home=${NEURLP_HOME:-$SLURM_SUBMIT_DIR}
. "$home/jobscripts/slurm.sh" || exit
[ $# -gt 0 ] || set -- "$home/input_decks/lorenz.yaml"

neurlp_prepare
neurlp_launcher || exit
neurlp_run "${NEURLP:-$home/build/bin/neurlp}" run "$@"
