# A full disk, for every command that writes, and for the log: test_full.sh PROBLEMS.h5. Every one says so with exit
# status 1, leaves an older file of that name alone and nothing half written. Needs to mount a small file system;
# where it may not, it says so and is skipped (status 77).
problems=$1
disk=$PWD/disk
export OMP_NUM_THREADS=1
mkdir -p "$disk"
if ! mount -t tmpfs -o size=1m tmpfs "$disk" 2>mount.log; then
  echo "SKIPPED: a small file system cannot be mounted here ($(cat mount.log)); run as root to test a full disk"
  exit 77
fi
trap 'umount "$disk"' EXIT
failures=0
count=0
cat >deck.yaml <<'DECK'
task: discover
data: {generate: {system: lorenz, systems: 2, samples: 200, step: 0.02}}
dynamics: {library: {polynomial: 1}}
block: {window: 40}
DECK
cat >train.yaml <<'DECK'
task: train
data: {generate: {system: lorenz, systems: 2, samples: 60, step: 0.02}}
dynamics: {library: {polynomial: 1}}
block: {order: 2, window: 20}
networks: {rates: [flatten, {dense: 4}, tanh, {dense: output}]}
inputs: {coefficients: {constant: [0, 1, 0]}, rhs: library, weights: {network: rates}, initial_values: data, steps: data}
loss: [{of: solution}]
train: {batch: 4, shards: 2, epochs: 1}
DECK
cat >simulate.yaml <<'DECK'
task: simulate
data: {generate: {equations: {x: v, v: -x}, initial: {x: 1, v: {uniform: [0, 1]}}, systems: 90, samples: 50, step: 0.1}}
DECK

# leave KILOBYTES: fills the disk but for so many
leave() {
  rm -rf "${disk:?}"/* "$disk"/.[!.]*
  echo older >"$disk/out.h5"
  local free
  free=$(df --output=avail -k "$disk" | tail -1)
  head -c $(((free - $1) * 1024)) /dev/zero >"$disk/filler"
}

# attempt NAME KILOBYTES WORDS ARGUMENTS...
attempt() {
  local name=$1 words=$3 status left
  leave "$2"
  shift 3
  timeout -k 5 60 $MPIRUN -n 2 "$NEURLP" "$@" -o "$disk/out.h5" >log 2>&1 </dev/null
  status=$?
  left=$(ls -A "$disk" | grep -v -e '^out.h5$' -e '^filler$' -e '^out.log.csv$' | tr '\n' ' ')
  count=$((count + 1))
  if [ $status = 1 ] && grep -qE "$words" log && [ -z "$left" ] && [ "$(cat "$disk/out.h5")" = older ]; then
    echo "ok   $name: $(grep -m1 -E "$words" log)"
  else
    echo "FAIL $name: status $status, expected 1 and '$words'; left: $left"
    cat log
    failures=$((failures + 1))
  fi
}

attempt "run, not a byte left" 0 "No space left" run deck.yaml
attempt "generate, not a byte left" 0 "No space left" generate deck.yaml
attempt "solve, not a byte left" 0 "No space left|needs" solve "$problems"
full="could not be written|needs .* MB"
attempt "run, room for a little" 12 "$full" run deck.yaml
attempt "train, room for a little" 12 "$full" run train.yaml
attempt "generate, room for a little" 12 "$full" generate deck.yaml
attempt "generate, compressed" 12 "$full" generate deck.yaml output.compress=4
attempt "simulate, room for a little" 12 "$full" simulate simulate.yaml
attempt "solve, room for a little" 12 "$full" solve "$problems"

# The log for machines: the run goes on, and says that it is incomplete.
leave 600
ln -s /dev/full "$disk/out.log.csv"
timeout -k 5 60 $MPIRUN -n 2 "$NEURLP" run deck.yaml -o "$disk/out.h5" >log 2>&1 </dev/null
status=$?
count=$((count + 1))
if [ $status = 0 ] && grep -q "the log for machines is incomplete" log && grep -q "written: $disk/out.h5" log; then
  echo "ok   the log alone: status 0, $(grep -m1 'log for machines' log)"
else
  echo "FAIL the log alone: status $status"
  cat log
  failures=$((failures + 1))
fi
echo "$count checks, $failures failed"
[ $count -ge 10 ] && [ $failures = 0 ]
