#!/usr/bin/env bash
# usage: stand_in.sh run FOLDER [anything ...] STEPS: takes the program's place where a test is about job scripts and Slurm
# alone. Rank 0 takes steps of 0.1 s, and keeps their number after each of them; a run that starts again goes on from there.
# SIGUSR1 ends all ranks with status 75 between steps, and each of them says so in FOLDER; FOLDER/ranks says how they were
# started.
set -u
folder=$2 steps=${!#}
rank=${SLURM_PROCID:-0}
rank=${OMPI_COMM_WORLD_RANK:-$rank}
mkdir -p "$folder"
asked=
trap 'asked=yes' USR1
trap 'exit 143' TERM
done=$(cat "$folder/steps" 2>/dev/null || echo 0)
[ "$rank" != 0 ] || echo "$done" >>"$folder/starts"
echo "rank $rank node ${SLURMD_NODENAME:-} GPU ${CUDA_VISIBLE_DEVICES:-none} threads $OMP_NUM_THREADS end ${SLURM_JOB_END_TIME:-}" >>"$folder/ranks"
while [ ! -e "$folder/result" ]; do
  sleep 0.1
  if [ -n "$asked" ]; then
    echo "$rank" >>"$folder/asked"
    # as the program's ranks do: mpirun ends those that are left when the first one ends with a status
    while [ $(($(wc -l <"$folder/asked") % ${OMPI_COMM_WORLD_SIZE:-$SLURM_NTASKS})) -ne 0 ]; do sleep 0.02; done
    exit 75
  fi
  if [ "$rank" = 0 ]; then
    done=$((done + 1))
    echo "$done" >"$folder/steps.new" && mv "$folder/steps.new" "$folder/steps"
    [ "$done" -lt "$steps" ] || echo "$done" >"$folder/result"
  fi
done
