# `neurlp solve` of one system of very many steps, its time divided over ranks, against closed forms, with the memory
# that each rank took; test_solve_steps.sh PYTHON STEPS RANKS [bigmem]
#
# Bounds, with epsilon = 2.2e-16, steps h = 0.001 and the relative error (3 n + E) epsilon of each step's elimination
# (tests/block/compare.h), n unknowns and E = 1 equation a step. What a step perturbs in h u' changes u by 1 / h of it:
#   u'' + u = 0, n = 4    the phase remembers all of it: STEPS (3 n + E) epsilon / h
#   u' + u = sin t, n = 3 forgets within 1 / h steps:    (3 n + E) epsilon / h
# Errors of discretisation, of order h^4, are far below.
python=$1 steps=$2 ranks=$3
tool=$SOURCE/tests/mpi/long_problem.py
if ! "$python" -c 'import h5py' 2>/dev/null; then
  echo "SKIPPED: $python has no h5py, which makes the files (Debian: python3-h5py)"
  exit 77
fi
if [ "$4" = bigmem ]; then
  if [ "$NEURLP_BIGMEM" != 1 ]; then
    echo "SKIPPED: $steps steps take minutes and 4 GB of disk; NEURLP_BIGMEM=1 runs them"
    exit 77
  fi
  if [ "$(df -Pk . | awk 'NR == 2 { print $4 }')" -lt 8000000 ]; then
    echo "SKIPPED: $PWD has not 8 GB of free disk"
    exit 77
  fi
fi
failures=0
for kind in oscillator decay; do
  bound=$("$python" -c "print($steps * 13 * 2.2e-16 / 1e-3 if '$kind' == 'oscillator' else 10 * 2.2e-16 / 1e-3)")
  rm -f ./*.h5
  "$python" "$tool" $kind problem.h5 "$steps" || exit 1
  if $MPIRUN -n "$ranks" "$python" "$SOURCE/tests/mpi/peak.py" "$NEURLP" solve problem.h5 -o answers.h5; then
    "$python" "$tool" check answers.h5 $kind "$steps" "$bound" || failures=$((failures + 1))
  else
    echo "FAIL $kind: solve"
    failures=$((failures + 1))
  fi
done
rm -f ./*.h5
exit $((failures > 0))
