#!/usr/bin/env bash
# Nodes with GPUs: one rank for each GPU, on cores close to it.
#
#   sbatch [--nodes=8] jobscripts/gpu_nodes.sh [DECK] [key=value ...]
#
# Submit from the top of the tree, or say where it is in NEURLP_HOME. The job's exit status is the program's.
#SBATCH --job-name=neurlp-gpu
#SBATCH --nodes=2
#SBATCH --gpus-per-node=2        # GPUs of a node, at the next site 4 or 8 ...
#SBATCH --ntasks-per-node=2      # ... and as many ranks
#SBATCH --cpus-per-task=1        # cores of a node over its GPUs
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@120      # two minutes before the end the run is told to write a checkpoint, and stops with 75
#SBATCH --output=%x-%j.out
##SBATCH --account=ACCOUNT       # most sites want these two
##SBATCH --partition=PARTITION

# module load gcc cuda openmpi hdf5/mpi openblas # what the program was built with: docs/clusters.md

home=${NEURLP_HOME:-$SLURM_SUBMIT_DIR}
. "$home/jobscripts/slurm.sh" || exit
[ $# -gt 0 ] || set -- "$home/input_decks/lorenz.yaml"

neurlp_prepare
# Under srun a rank sees one GPU, the closest that is left. Under mpirun all of a node's, and the program takes the one
# that has the rank's number on its node.
neurlp_launcher --gpus-per-node="${SLURM_GPUS_PER_NODE##*:}" --gpu-bind=single:1 || exit
# Without a GPU the program says so, and uses the CPU; after a deck's name, keys are in force from left to right.
deck=$1
shift
neurlp_run "${NEURLP:-$home/build/bin/neurlp}" run "$deck" block.backend=auto "$@"
