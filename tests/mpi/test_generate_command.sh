# neurlp generate: the same data set from 1, 2, 3 and 5 ranks, readable with h5py, right in its numbers; and its
# failures. $NEURLP is the program, $MPIRUN starts ranks, $SOURCE is the repository.
set -u
failures=0
fail() {
  echo "FAIL $*"
  failures=$((failures + 1))
}

cat >logistic.yaml <<'DECK'
task: discover
data:
  generate:
    system: logistic
    systems: 7
    samples: 1500
    step: 0.01
    parameters: {r: {uniform: [0.5, 2]}, K: {normal: [10, 0.5]}}
    noise: 0.02
    missing: 0.1
dynamics: {library: {polynomial: 2}}
DECK
cp logistic.yaml clean.yaml

for ranks in 1 2 3 5; do
  $MPIRUN -n $ranks "$NEURLP" generate logistic.yaml -o ranks_$ranks.h5 || fail "$ranks ranks: status $?"
done
cat >waves.yaml <<'DECK'
task: simulate
data:
  generate: {system: kdv, points: 64, systems: 5, samples: 4, step: 0.5, noise: 0.1, parameters: {length: {uniform: [30, 34]}}}
DECK
for ranks in 1 2 3; do
  $MPIRUN -n $ranks "$NEURLP" generate waves.yaml -o waves_$ranks.h5 || fail "waves, $ranks ranks: status $?"
done
"$NEURLP" generate waves.yaml data.generate.noise=0 -o waves_clean.h5 || fail "waves without noise"
"$NEURLP" generate waves.yaml data.generate.noise=0 data.generate.initial_file=waves_clean.h5 -o waves_again.h5 ||
  fail "waves from a file"
# A deck as it was resolved has every key, and means the same.
for system in kdv two_body; do
  "$NEURLP" validate waves.yaml data.generate.system=$system "data.generate.parameters={}" data.generate.points=0 |
    sed -n '/^task:/,$p' >resolved_$system.yaml
  grep -q "order: 0" resolved_$system.yaml || fail "$system: the deck as resolved"
  "$NEURLP" validate resolved_$system.yaml >output.txt 2>&1 || { fail "resolved_$system.yaml" && cat output.txt; }
done
"$NEURLP" validate waves.yaml | grep -q "5 systems of 4 samples, 64 states" || fail "validate waves.yaml"
"$NEURLP" generate clean.yaml data.generate.noise=0 data.generate.missing=0 || fail "output named after the deck"
"$NEURLP" generate clean.yaml output.data=named.h5 output.compress=1 || fail "output.data"
/usr/bin/python3 "$SOURCE/tests/mpi/check_generate.py" || fail "contents"

# A system that runs to infinity: data are written, status 5.
cat >explodes.yaml <<'DECK'
task: discover
data:
  generate:
    equations: {x: x^2}
    initial: {x: 1}
    samples: 30
    step: 0.1
dynamics: {library: {polynomial: 2}}
DECK
"$NEURLP" generate explodes.yaml 2>errors.txt
[ $? -eq 5 ] || fail "a blow-up must have status 5"
grep -q "1 of 1 systems" errors.txt || fail "a blow-up must be said"
[ -s explodes_data.h5 ] || fail "a blow-up is written"

# expect STATUS TEXT ARGUMENTS...: fails so, says so, on 2 ranks, and leaves no file.
expect() {
  local status=$1 text=$2
  shift 2
  $MPIRUN -n 2 "$NEURLP" generate "$@" >output.txt 2>&1
  local got=$?
  [ $got -eq "$status" ] || fail "$*: status $got, not $status"
  grep -qF -- "$text" output.txt || { fail "$*: should say '$text'" && cat output.txt; }
  [ ! -e none.h5 ] || fail "$*: left a file"
}
expect 2 "no deck" -o none.h5
expect 2 "cannot open the deck absent.yaml" absent.yaml -o none.h5
expect 2 "one deck at a time" logistic.yaml clean.yaml -o none.h5
expect 2 "unknown option '--fast'" logistic.yaml --fast -o none.h5
expect 2 "needs the name of one file" logistic.yaml -o
expect 2 "lorenz" logistic.yaml data.generate.system=lorentz -o none.h5
expect 2 "is not a state of this system" explodes.yaml data.generate.initial.z=1 -o none.h5
expect 2 "not for it; leave that out" waves.yaml simulate.step=0.1 -o none.h5
expect 1 "nowhere" logistic.yaml -o nowhere/none.h5
[ $failures -eq 0 ] && echo "all well"
exit $((failures > 0))
