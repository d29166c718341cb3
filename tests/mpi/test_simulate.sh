# neurlp simulate: known and learned equations from new initial values, the same bits from 1 and 3 ranks; files that
# `neurlp run` reads; its failures. $NEURLP is the program, $MPIRUN starts ranks, $SOURCE is the repository.
set -u
failures=0
fail() {
  echo "FAIL $*"
  failures=$((failures + 1))
}

cat >known.yaml <<'DECK'
task: simulate
data:
  generate:
    system: lorenz
    systems: 150
    samples: 41
    step: 0.05
    initial: {x: {uniform: [-10, 10]}, y: {uniform: [-10, 10]}, z: {uniform: [10, 30]}}
    parameters: {rho: {uniform: [20, 30]}}
DECK
for method in rk4 tsit5; do
  for precision in double single; do
    for ranks in 1 3; do
      $MPIRUN -n $ranks "$NEURLP" simulate known.yaml simulate.method=$method simulate.precision=$precision \
        simulate.step=0.002 -o known_${method}_${precision}_$ranks.h5 || fail "$method, $precision, $ranks ranks: status $?"
    done
  done
done
"$NEURLP" generate known.yaml task=discover -o reference.h5 || fail "the reference integrator"
"$NEURLP" simulate known.yaml data.generate.samples=3 data.generate.transient=1 || fail "output named after the deck"

# Learned equations: discovered, and fitted with parameters, of second order.
cat >logistic.yaml <<'DECK'
task: discover
data: {generate: {system: logistic, samples: 101, systems: 2, initial: {x: {uniform: [0.05, 0.2]}}}}
dynamics: {library: {polynomial: 2}}
output: {data: logistic_data.h5}
DECK
cat >swing.yaml <<'DECK'
task: fit
data: {generate: {system: pendulum, samples: 101, step: 0.1}}
dynamics: {states: [q], equations: ["q'' = -w*sin(q)"], parameters: {w: 0.9}}
DECK
"$NEURLP" run logistic.yaml >run.txt 2>&1 || { fail "learning" && cat run.txt; }
"$NEURLP" run swing.yaml >run.txt 2>&1 || { fail "fitting" && cat run.txt; }
for ranks in 1 3; do
  $MPIRUN -n $ranks "$NEURLP" simulate logistic.h5 data.generate.step=0.25 data.generate.samples=21 \
    data.generate.systems=70 "data.generate.initial.x={uniform: [0.1, 1.5]}" -o learned_$ranks.h5 ||
    fail "learned equations, $ranks ranks: status $?"
  $MPIRUN -n $ranks "$NEURLP" simulate logistic.h5 data.generate.step=0.25 data.generate.samples=21 \
    data.generate.initial_file=logistic_data.h5 -o begun_$ranks.h5 || fail "initial file, $ranks ranks: status $?"
done
"$NEURLP" simulate swing.h5 data.generate.step=0.25 data.generate.samples=21 data.generate.initial.q=0.5 \
  simulate.relative_tolerance=1e-11 simulate.absolute_tolerance=1e-12 || fail "fitted equations"

# On from where fits ended: of two systems that share their equations, of the second of two with equations of their own,
# and back at the beginning.
cat >own.yaml <<'DECK'
task: fit
data:
  generate: {system: logistic, samples: 61, systems: 2, parameters: {r: {uniform: [0.5, 2]}}, initial: {x: {uniform: [0.05, 0.2]}}}
dynamics: {equations: ["x' = r*x*(1 - x/K)"], parameters: {r: 1, K: 1}, sharing: per_system}
DECK
"$NEURLP" run own.yaml >run.txt 2>&1 || { fail "fitting two systems" && cat run.txt; }
tight="simulate.relative_tolerance=1e-11 simulate.absolute_tolerance=1e-12"
for ranks in 1 3; do
  $MPIRUN -n $ranks "$NEURLP" simulate logistic.h5 data.generate.step=0.25 data.generate.samples=21 $tight \
    data.generate.initial_from=last -o onward_$ranks.h5 || fail "on from the last sample, $ranks ranks: status $?"
done
"$NEURLP" simulate own.h5 data.generate.step=0.25 data.generate.samples=21 data.generate.row=1 $tight \
  data.generate.initial_from=last -o own_onward.h5 || fail "on from the second system: status $?"
"$NEURLP" simulate swing.h5 data.generate.step=0.1 data.generate.samples=41 $tight \
  data.generate.initial_from=last -o swing_last.h5 || fail "on from a second-order fit: status $?"
"$NEURLP" simulate swing.h5 data.generate.step=0.1 data.generate.samples=41 data.generate.start=-3 $tight \
  data.generate.initial_from=first -o swing_first.h5 || fail "again from the first sample: status $?"

# Ranks and GPUs: imitated ones, two of them for three ranks; without any, auto says why and takes the CPU.
gpu="known.yaml data.generate.systems=20 data.generate.samples=5 simulate.method=rk4 simulate.step=0.01"
$MPIRUN -n 3 "$NEURLP" simulate $gpu -o cpu.h5 || fail "the CPU: status $?"
NEURLP_IMITATED_DEVICES=2 NEURLP_IMITATED_BYTES=400000 \
  $MPIRUN -n 3 "$NEURLP" simulate $gpu simulate.backend=cuda:check -o gpu.h5 2>gpu.txt
status=$?
if grep -q "this build has no backend for it" gpu.txt; then
  [ $status -eq 2 ] || fail "a build without CUDA: status $status"
else
  [ $status -eq 0 ] || { fail "an imitated GPU: status $status" && cat gpu.txt; }
  grep -q "2 GPUs for 3 ranks: rank 0 GPU 0, rank 1 GPU 1, rank 2 GPU 0$" gpu.txt || { fail "the map of GPUs" && cat gpu.txt; }
  [ "$(grep -c "GPUs for" gpu.txt)" -eq 1 ] || fail "the map must be said once"
  grep -q "warning: ranks share a GPU" gpu.txt || fail "ranks that share a GPU must be said"
fi
CUDA_VISIBLE_DEVICES= $MPIRUN -n 2 "$NEURLP" simulate $gpu simulate.backend=auto -o auto.h5 2>auto.txt || fail "auto: status $?"
[ "$(grep -c "^backend auto: the CPU is used, as rank 0 on " auto.txt)" -eq 1 ] || { fail "auto must say why, once" && cat auto.txt; }
/usr/bin/python3 "$SOURCE/tests/mpi/check_simulate.py" || fail "contents"

# The deck is checked without the work.
$MPIRUN -n 2 "$NEURLP" validate known.yaml data.generate.systems=20 >valid.txt || fail "validate: status $?"
grep -q "simulation, 20 systems of" valid.txt && grep -q "MB of trajectories" valid.txt && grep -q "task: simulate" valid.txt ||
  { fail "validate must say what would be done" && cat valid.txt; }

# What was simulated can be learned from.
cat >again.yaml <<'DECK'
task: discover
data: {file: learned_3.h5}
dynamics: {library: {polynomial: 2}}
DECK
"$NEURLP" run again.yaml >run.txt 2>&1 || { fail "learning from what was simulated" && cat run.txt; }

# A trajectory that runs to infinity does not touch the others; status 5.
cat >explodes.yaml <<'DECK'
task: simulate
data:
  generate:
    equations: {x: x^2}
    initial: {x: {uniform: [-1, 1]}}
    systems: 100
    samples: 21
    step: 0.1
DECK
"$NEURLP" simulate explodes.yaml -o explodes.h5 2>errors.txt
[ $? -eq 5 ] || fail "a blow-up must have status 5"
grep -q "neurlp simulate: [0-9]* of 100 systems" errors.txt || fail "a blow-up must be said"

# expect STATUS TEXT COMMAND ARGUMENTS...: fails so, says so, on 2 ranks, and leaves no file.
expect() {
  local status=$1 text=$2
  shift 2
  $MPIRUN -n 2 "$NEURLP" "$@" >output.txt 2>&1
  local got=$?
  [ $got -eq "$status" ] || fail "$*: status $got, not $status"
  grep -qF -- "$text" output.txt || { fail "$*: should say '$text'" && cat output.txt; }
  [ ! -e none.h5 ] || fail "$*: left a file"
}
sizes="data.generate.step=0.1 data.generate.samples=5"
expect 2 "needs a deck of task 'simulate'" simulate logistic.yaml -o none.h5
expect 2 "its command is \`neurlp simulate\`" run known.yaml -o none.h5
expect 2 "missing key 'data.generate.samples'" simulate logistic.h5 -o none.h5
expect 2 "learned equations need one" simulate logistic.h5 data.generate.samples=5 -o none.h5
expect 2 "learned equations need initial values" simulate logistic.h5 $sizes -o none.h5
expect 2 "'data.generate' has both 'system' and 'result'" simulate logistic.h5 $sizes data.generate.system=lorenz -o none.h5
expect 2 "'simulate.method' is 'euler'" simulate known.yaml simulate.method=euler -o none.h5
expect 2 "'simulate' does not belong to task 'discover'" generate logistic.yaml simulate.method=rk4 -o none.h5
expect 2 "are asked for, and logistic_data.h5 has initial values of 2" simulate logistic.h5 $sizes \
  data.generate.initial_file=logistic_data.h5 data.generate.systems=3 -o none.h5
expect 2 "are asked for, and logistic.h5 has fitted states of 2" simulate logistic.h5 $sizes \
  data.generate.initial_from=last data.generate.systems=3 -o none.h5
expect 2 "or as data.generate.initial says; not both" simulate logistic.h5 $sizes data.generate.initial_from=last \
  data.generate.initial.x=1 -o none.h5
expect 2 "fitted states are in a result" simulate known.yaml data.generate.initial_from=first \
  -o none.h5 "data.generate.initial={}"
expect 2 "'data.generate.initial_from' is 'middle'" simulate logistic.h5 $sizes data.generate.initial_from=middle -o none.h5
cp logistic.h5 older.h5 && /usr/bin/python3 -c "import h5py; del h5py.File('older.h5', 'a')['solution/final_values']"
expect 3 "solution/final_values" simulate older.h5 $sizes data.generate.initial_from=last -o none.h5
cp logistic.h5 unfitted.h5 && /usr/bin/python3 -c "import h5py; h5py.File('unfitted.h5', 'a')['solution/final_values'][1] = float('nan')"
expect 3 "unfitted.h5: system 1 was not fitted at its last sample" simulate unfitted.h5 $sizes \
  data.generate.initial_from=last -o none.h5
expect 3 "learned equations are taken from a result of" simulate logistic_data.h5 $sizes data.generate.initial.x=1 -o none.h5
expect 3 "data.generate.row is 7" simulate logistic.h5 $sizes data.generate.row=7 data.generate.initial.x=1 -o none.h5
expect 2 "would be written over logistic.h5" simulate logistic.h5 $sizes data.generate.initial.x=1 -o logistic.h5
expect 3 "absent.h5" simulate absent.h5 $sizes data.generate.initial.x=1 -o none.h5
export CUDA_VISIBLE_DEVICES=
expect 2 "the backend cuda needs a GPU, and rank 0 on" simulate $gpu simulate.backend=cuda -o none.h5
[ $failures -eq 0 ] && echo "all well"
exit $((failures > 0))
