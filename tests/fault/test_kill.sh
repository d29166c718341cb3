# Ranks killed in the middle of computing, of a collective call, of writing: test_kill.sh FAULTY_PROGRAM PROBLEMS.h5
# All ranks are gone within seconds, with an exit status that is not 0 and a sentence; the older file of that name
# is as it was; the next run needs no help, and removes what was left behind.
faulty=$1
problems=$2
failures=0
count=0
export OMP_NUM_THREADS=1

cat >kill_deck.yaml <<'DECK'
task: discover
data: {generate: {system: lorenz, systems: 3, samples: 60, step: 0.02}}
dynamics: {library: {polynomial: 1}}
block: {window: 20}
DECK
cat >kill_simulation.yaml <<'DECK'
task: simulate
data: {generate: {equations: {x: v, v: -x}, initial: {x: 1, v: {uniform: [0, 1]}}, systems: 9, samples: 20, step: 0.1}}
DECK
ln -s "$problems" kill_problems.h5

say() { # say OK WHAT
  count=$((count + 1))
  [ "$1" = 0 ] && echo "ok   $2" && return
  echo "FAIL $2"
  cat kill_log
  failures=$((failures + 1))
}

# attempt NAME FAULT ARGUMENTS...: the command writes kill_out.h5
attempt() {
  local name=$1 fault=$2 begin=$SECONDS status before
  shift 2
  echo older >kill_out.h5
  before=$(md5sum <kill_out.h5)
  NEURLP_FAULT=$fault timeout -k 5 60 $MPIRUN -n 3 "$faulty" "$@" -o kill_out.h5 >kill_log 2>&1 </dev/null
  status=$?
  [ $status != 0 ] && [ $status != 124 ] && [ $status != 137 -o $((SECONDS - begin)) -lt 50 ]
  say $? "$name: status $status after $((SECONDS - begin)) s"
  grep -qi "signal 9" kill_log
  say $? "$name: $(grep -m1 -i 'signal 9' kill_log)"
  for i in $(seq 50); do pgrep -f "$faulty $1 .*-o kill_out.h5" >/dev/null || break; sleep 0.1; done
  ! pgrep -f "$faulty $1 .*-o kill_out.h5" >/dev/null
  say $? "$name: no rank is left"
  [ "$(md5sum <kill_out.h5)" = "$before" ]
  say $? "$name: the older file is untouched"
  local left=$(ls -A | grep -E '^\.kill_out' | tr '\n' ' ')
  timeout -k 5 60 $MPIRUN -n 2 "$NEURLP" "$@" -o kill_out.h5 >kill_log 2>&1 </dev/null
  status=$?
  [ $status = 0 ] && [ "$(head -c 4 kill_out.h5 | tail -c 3)" = HDF ] &&
    { [ -z "$left" ] || grep -q "has died; removed" kill_log; }
  say $? "$name: the next run ends with $status; found '$left'"
  [ -z "$(ls -A | grep -E '^\.kill_out')" ]
  say $? "$name: nothing is left behind"
}

attempt "computing, rank 1" "neurlp_triangle_append 1 90 kill" run kill_deck.yaml
attempt "a collective call, rank 2" "MPI_Allreduce 2 60 kill" run kill_deck.yaml
attempt "writing, rank 0" "H5Dwrite 0 5 kill" run kill_deck.yaml
attempt "writing, rank 1" "H5Dwrite 1 9 kill" run kill_deck.yaml
attempt "renaming" "rename 0 1 kill" run kill_deck.yaml
attempt "generating, in a write" "H5Dwrite 1 2 kill" generate kill_deck.yaml
attempt "simulating, before the first write" "H5Dwrite 0 1 kill" simulate kill_simulation.yaml
attempt "solving, in a write" "H5Dwrite 2 3 kill" solve kill_problems.h5

echo "$count checks, $failures failed"
[ $count -ge 48 ] && [ $failures = 0 ]
