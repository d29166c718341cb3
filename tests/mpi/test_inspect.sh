# `neurlp inspect` says what a file holds: test_inspect.sh PYTHON
python=$1
here=$SOURCE/tests/mpi
if ! "$python" -c 'import h5py' 2>/dev/null; then
  echo "SKIPPED: $python has no h5py, which makes the files (Debian: python3-h5py)"
  exit 77
fi
"$python" "$here/inspect_files.py" || exit 1
problems=$here/data/linear_problems_hermite.h5
"$NEURLP" solve "$problems" -o answers.h5 >/dev/null || exit 1
failures=0

# says FILE SENTENCE...
says() {
  local file=$1 status
  shift
  $MPIRUN -n 2 "$NEURLP" inspect "$file" >log 2>&1
  status=$?
  if [ $status != 0 ]; then
    echo "FAIL inspect $file: status $status"
    failures=$((failures + 1))
  fi
  for sentence in "$@"; do
    if grep -qF -- "$sentence" log; then
      echo "ok   $file: $sentence"
    else
      echo "FAIL $file does not say: $sentence"
      cat log
      failures=$((failures + 1))
    fi
  done
}
says data.h5 "3 systems, 40 samples, 2 states hare lynx" "The shortest system has 20 samples, the longest 40." \
  "Time runs from 0 to 3.9 year." "4 of 240 values are missing" "Parameters of each system: growth." "0.05"
says result.h5 "x' = 10 (y - x)" "y' = x (28 - z) - y" "status 0, 2 of 4 systems: success" \
  "status 1, 1 of 4 systems: the equations do not determine the solution" "1 systems have a status that this version" \
  "neurlp run lorenz.yaml" "12345678901" "(text of 1500 characters)" "metrics/noise [2]  standard deviation of the noise found, in m"
says "$problems" "Linear problems: 7 groups." "hermite_order1: 4 systems, 30 steps, 2 equations, 2 dimensions, order 1"
says answers.h5 "Solutions of linear problems: 7 groups." "status 0, 8 of 8 systems: success" "neurlp linear solution"
says constant.h5 "rhs: 2 systems, 30 steps" "steps: 2 systems, 30 steps" "told: 2 systems, 41 steps"
says other.h5 "of a kind that this version does not know" "something [3]"
says table.csv "2 lines of 2 columns: year, hare." "1 value is missing."
"$NEURLP" inspect nowhere.h5 2>log
[ $? = 3 ] && grep -q "No such file" log || { echo "FAIL missing file"; failures=$((failures + 1)); }
"$NEURLP" inspect 2>log
[ $? = 2 ] && grep -q "name of one file" log || { echo "FAIL no argument"; failures=$((failures + 1)); }
exit $((failures > 0))
