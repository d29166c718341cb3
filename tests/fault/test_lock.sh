# Two jobs that write the same file: the second refuses and names the first, which goes on. Locks of jobs that are
# no more: those that surely are stand in nobody's way, of the others the message names the file to remove.
failures=0
count=0
export OMP_NUM_THREADS=1
unset SLURM_JOB_ID SLURM_RESTART_COUNT
cat >deck.yaml <<'DECK'
task: discover
data: {generate: {system: lorenz, systems: 2, samples: 1500, step: 0.01}}
dynamics: {library: {polynomial: 2}}
DECK
cat >quick.yaml <<'DECK'
task: fit
data: {generate: {equations: {x: -x}, initial: {x: 1}, samples: 20, step: 0.1}}
dynamics: {equations: ["x' = -a*x"], parameters: {a: 0.8}}
DECK

check() { # check WHAT STATUS EXPECTED WORDS LOG
  count=$((count + 1))
  if [ "$2" = "$3" ] && grep -qF -- "$4" "$5"; then
    echo "ok   $1: status $2, $(grep -m1 -F -- "$4" "$5")"
  else
    echo "FAIL $1: status $2, expected $3 and '$4'"
    cat "$5"
    failures=$((failures + 1))
  fi
}

quick() { # quick NAME STATUS WORDS [VARIABLE=VALUE...]: a run that writes out.h5
  local name=$1 expected=$2 words=$3
  shift 3
  env "$@" timeout -k 5 60 "$NEURLP" run quick.yaml -o out.h5 >log 2>&1 </dev/null
  check "$name" $? "$expected" "$words" log
}

lock() { # lock HOST PROCESS STARTED BOOT SPACE JOB RESTART
  printf 'neurlp lock\nhost %s\nprocess %s\nstarted %s\nboot %s\nspace %s\njob %s\nrestart %s\nsince then\n' "$@" >.out.h5.lock
}
field() { sed -n "s/^$1 //p" "$2"; }

# The first job is stopped while it holds the lock, so that it surely has it when the second begins.
timeout -k 5 120 $MPIRUN -n 2 "$NEURLP" run deck.yaml -o out.h5 >first 2>&1 </dev/null &
first=$!
for i in $(seq 2000); do [ -s .out.h5.lock ] && break; sleep 0.01; done
process=$(field process .out.h5.lock)
kill -STOP "$process"
host=$(field host .out.h5.lock) started=$(field started .out.h5.lock) boot=$(field boot .out.h5.lock)
space=$(field space .out.h5.lock)
quick "a second job" 1 "out.h5 is being written by another run, process $process on $host"
for command in generate simulate; do
  cat >made.yaml <<'DECK'
task: simulate
data: {generate: {equations: {x: -x}, initial: {x: 1}, samples: 20, step: 0.1}}
DECK
  timeout -k 5 60 "$NEURLP" $command made.yaml -o out.h5 >log 2>&1 </dev/null
  check "a second job that $command""s" $? 1 "process $process on $host" log
done
timeout -k 5 60 $MPIRUN -n 3 "$NEURLP" solve "$SOURCE/tests/mpi/data/linear_problems_hermite.h5" -o out.h5 >log 2>&1 </dev/null
check "a second job of three ranks that solves" $? 1 "process $process on $host" log
kill -CONT "$process"
wait $first
check "the first job ends as if nothing had been" $? 0 "written: out.h5" first
quick "then another may write" 0 "written: out.h5"

sleep 0.01 & gone=$!
wait $gone
lock "$host" $gone 1 "$boot" "$space" - 0
: >".out.h5.$host-$gone.partial"
quick "a job that died on this host" 0 "process $gone on $host, which was writing out.h5, has died; removed what it left behind: .out.h5.$host-$gone.partial"
lock "$host" $$ 1 "$boot" "$space" - 0
quick "a number that is another process's now" 0 "has died"
lock "$host" $$ 1 another-boot "$space" - 0
quick "a host that was started anew" 0 "has died"
lock elsewhere 17 1 "$boot" "$space" 4711 0
quick "a job on another host" 1 "Slurm job 4711"
quick "the file to remove is named" 1 "remove .out.h5.lock"
quick "the same job, requeued" 0 "has died" SLURM_JOB_ID=4711 SLURM_RESTART_COUNT=1
lock elsewhere 17 1 "$boot" "$space" 4711 0
quick "another step of the same job" 1 "process 17 on elsewhere" SLURM_JOB_ID=4711 SLURM_RESTART_COUNT=0
lock "$host" $gone 1 "$boot" "pid:[1]" - 0
quick "a process of another container" 1 "remove .out.h5.lock"
echo "half a" >.out.h5.lock
quick "a lock that says nothing" 1 "remove that file"
rm .out.h5.lock
quick "the next one" 0 "written: out.h5"
left=$(ls -A | grep -E '^\.out' | tr '\n' ' ')
echo "$count checks, $failures failed; left behind: '$left'"
[ $count -ge 15 ] && [ $failures = 0 ] && [ -z "$left" ]
