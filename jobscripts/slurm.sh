# What the job scripts for Slurm share; sourced by the batch script, runs nothing by itself.
#
#   NEURLP_LAUNCHER   srun or mpirun; left out: srun where this Slurm speaks PMIx, which Open MPI needs, else mpirun
#   NEURLP_BIND       none: ranks are bound to nothing, where a node's cores are shared with other jobs in ways that
#                     Slurm does not say; anything else, or left out: to cores

# What the program takes from its environment: the threads of a rank, as many as it has cores, next to each other; and when
# the job ends (checkpoint.walltime), which Slurm 22.05 does not say there.
neurlp_prepare() {
  local end
  export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}" OMP_PLACES=cores OMP_PROC_BIND=close
  [ "${NEURLP_BIND:-}" != none ] || unset OMP_PLACES OMP_PROC_BIND
  if [ -z "${SLURM_JOB_END_TIME:-}" ]; then
    end=$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%e 2>/dev/null)
    end=$(date --date="${end:-none}" +%s 2>/dev/null) || return 0 # a job without a limit
    export SLURM_JOB_END_TIME=$end
  fi
}

# The words that start a rank for each task of the job, into the array `neurlp_line`. Further options are srun's.
neurlp_launcher() { # [srun option ...]
  local launcher=${NEURLP_LAUNCHER:-} cores=${SLURM_CPUS_PER_TASK:-1} bind=cores
  if [ -z "$launcher" ]; then
    launcher=mpirun
    ! srun --mpi=list 2>&1 | grep -qw pmix || launcher=srun
  fi
  case $launcher in
    srun)
      [ "${NEURLP_BIND:-}" != none ] || bind=none
      # Since Slurm 22.05 srun does not take --cpus-per-task over from the job. A rank that ends before the others is
      # given half a minute, not none: a status of 75 comes from all of them, and must not become "killed".
      neurlp_line=(srun --mpi=pmix --cpus-per-task="$cores" --cpu-bind="$bind" --kill-on-bad-exit=0 --wait=30 "$@")
      ;;
    mpirun)
      # Nodes and numbers of ranks are the job's, by Open MPI itself.
      neurlp_line=(mpirun --quiet --map-by "slot:PE=$cores" --bind-to core)
      [ "${NEURLP_BIND:-}" != none ] || neurlp_line=(mpirun --quiet --bind-to none)
      ;;
    *)
      echo "NEURLP_LAUNCHER is '$launcher'; it is srun or mpirun" >&2
      return 2
      ;;
  esac
}

# Runs a program on the job's ranks, started by the words in `neurlp_line`; its status is the program's. SIGUSR1, which
# Slurm sends to the batch script alone (--signal=B:USR1@SECONDS), is passed on to the launcher, and by that to all
# ranks: mpirun gets no signals of Slurm's. After SIGTERM, which is passed on too, `neurlp_ended` is set: somebody or
# Slurm ends this job.
neurlp_run() { # PROGRAM [argument ...]
  local process signalled=yes status=0 again
  neurlp_ended=
  "${neurlp_line[@]}" "$@" </dev/null &
  process=$!
  trap 'signalled=yes; kill -USR1 "$process" 2>/dev/null' USR1
  trap 'signalled=yes; neurlp_ended=yes; kill -TERM "$process" 2>/dev/null' TERM
  while [ -n "$signalled" ]; do # a signal ends `wait`, not the program
    signalled=
    again=0
    wait "$process" || again=$?
    [ "$again" -eq 127 ] || status=$again # 127: had ended before the signal came
  done
  trap - USR1 TERM
  return "$status"
}

# Whether a chain of jobs goes on after a run: it stopped in good order, nobody wants this job to end, and it has not gone on
# as often as NEURLP_CHAIN_MOST (20) allows.
neurlp_goes_on() { # STATUS TIMES
  local most=${NEURLP_CHAIN_MOST:-20}
  [ "$1" -eq 75 ] && [ -z "$neurlp_ended" ] || return 1
  if [ "$2" -ge "$most" ]; then
    echo "gone on $2 times, the most that NEURLP_CHAIN_MOST allows: submit again to go on" >&2
    return 1
  fi
  [ "$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%T)" = RUNNING ] || return 1
  echo "stopped in good order; the chain goes on for the $(($2 + 1)). time of at most $most"
}
