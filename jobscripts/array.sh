#!/usr/bin/env bash
# A job array: one run for each line of a file, over decks or over parameters.
#
#   sbatch --array=1-$(wc -l <RUNS.txt) jobscripts/array.sh RUNS.txt
#
# A line is what follows `neurlp run`: a deck, key=value ..., -o RESULT; words with blanks are quoted. The default is
# jobscripts/array_runs.txt, four seeds of one deck. Give each line a result of its own: two runs must not write one file.
# Submit from the top of the tree, or say where it is in NEURLP_HOME. Each task's exit status is its program's.
#SBATCH --job-name=neurlp-array
#SBATCH --array=1-4              # at the next site: 1-400%20 has 20 of them run at a time
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1      # many small runs go through fastest with one rank each
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@120      # two minutes before the end the run is told to write a checkpoint, and stops with 75
#SBATCH --output=%x-%A_%a.out
##SBATCH --account=ACCOUNT       # most sites want these two
##SBATCH --partition=PARTITION

# module load gcc openmpi hdf5/mpi openblas      # what the program was built with: docs/clusters.md

home=${NEURLP_HOME:-$SLURM_SUBMIT_DIR}
. "$home/jobscripts/slurm.sh" || exit
runs=${1:-$home/jobscripts/array_runs.txt}

line=$(sed -n "${SLURM_ARRAY_TASK_ID}p" "$runs")
if [ -z "$line" ]; then
  echo "$runs has no line $SLURM_ARRAY_TASK_ID" >&2
  exit 2
fi
mapfile -t words < <(xargs -n 1 printf '%s\n' <<<"$line") # xargs takes quotes as a shell does, and nothing else

neurlp_prepare
neurlp_launcher || exit
neurlp_run "${NEURLP:-$home/build/bin/neurlp}" run "${words[@]}"
