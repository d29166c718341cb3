# Files of linear problems that are only partly solvable, or lie: test_solve_hostile.sh PYTHON
python=$1
here=$SOURCE/tests/mpi
if ! "$python" -c 'import h5py' 2>/dev/null; then
  echo "SKIPPED: $python has no h5py, which makes the files (Debian: python3-h5py)"
  exit 77
fi
"$python" "$here/hostile_problems.py" "$here/data/linear_problems_hermite.h5" >list.txt || exit 1
failures=0
count=0
while read -r name expected words; do
  count=$((count + 1))
  rm -f answers.h5
  timeout -k 5 30 $MPIRUN -n 2 "$NEURLP" solve "$name.h5" -o answers.h5 >log 2>&1 </dev/null
  status=$?
  written=no
  [ -e answers.h5 ] && written=yes
  should=no
  [ "$expected" != 3 ] && should=yes
  if [ $status = "$expected" ] && grep -qF -- "$words" log && [ $written = $should ]; then
    echo "ok   $name: $(grep -m1 -F -- "$words" log)"
  else
    echo "FAIL $name: status $status, expected $expected and '$words'; written: $written"
    cat log
    failures=$((failures + 1))
  fi
done <list.txt
leftover=$(find . -name '.*partial')
echo "$count files, $failures failures, left behind: '$leftover'"
[ $count -ge 20 ] && [ $failures = 0 ] && [ -z "$leftover" ]
