# `neurlp solve`: right answers, the same for any number of ranks; test_solve.sh PYTHON
python=$1
here=$SOURCE/tests/mpi
problems=$here/data/linear_problems_hermite.h5
others=$here/data/linear_problems_taylor.h5
if ! "$python" -c 'import h5py' 2>/dev/null; then
  echo "SKIPPED: $python has no h5py, which reads the answers (Debian: python3-h5py)"
  exit 77
fi
failures=0
fail() {
  echo "FAIL $*"
  failures=$((failures + 1))
}

for ranks in 1 2 3 5; do
  timeout -k 5 60 $MPIRUN -n $ranks "$NEURLP" solve "$problems" -o answers_$ranks.h5 >out_$ranks.log || fail "$ranks ranks: status $?"
  cmp out_1.log out_$ranks.log || fail "$ranks ranks say something else than one"
done
"$python" "$here/check_solve.py" "$problems" answers_1.h5 || fail "the answers are wrong"
timeout -k 5 60 $MPIRUN -n 2 "$NEURLP" solve "$others" -o others.h5 || fail "taylor rows: status $?"
"$python" "$here/check_solve.py" "$others" others.h5 || fail "the answers with taylor rows are wrong"
"$python" - <<'END' || fail "the answers depend on the number of ranks"
import h5py, sys
one, same = h5py.File("answers_1.h5"), True
for ranks in (2, 3, 5):
    other = h5py.File(f"answers_{ranks}.h5")
    for group in one:
        for name in one[group]:
            good = one[group][name][:].tobytes() == other[group][name][:].tobytes()
            same = same and good
            print("ok  " if good else "FAIL", f"{group}/{name}: {ranks} ranks give the same bytes as one")
sys.exit(not same)
END

# On an imitated GPU, with so little memory that systems go through it in chunks.
if NEURLP_IMITATED_BYTES=20000000 timeout -k 5 120 $MPIRUN -n 2 "$NEURLP" solve "$problems" -o gpu.h5 --backend cuda:check >gpu.log 2>gpu.txt; then
  "$python" "$here/check_solve.py" "$problems" gpu.h5 || fail "the answers of the imitated GPU are wrong"
  cmp -s answers_1.h5 gpu.h5 && fail "the imitated GPU gives the file of the CPU"
else
  grep -q "this build has none" gpu.txt || { fail "an imitated GPU" && cat gpu.txt; }
fi

# expect STATUS WORDS ARGUMENT...
expect() {
  local status=$1 words=$2 got
  shift 2
  timeout -k 5 30 $MPIRUN -n 2 "$NEURLP" solve "$@" >log 2>&1 </dev/null
  got=$?
  if [ $got = "$status" ] && grep -qF -- "$words" log; then
    echo "ok   solve $*: $(grep -m1 -F -- "$words" log)"
  else
    fail "solve $*: status $got, expected $status and '$words'"
    cat log
  fi
}
expect 2 "the arguments are"
expect 2 "the arguments are" "$problems"
expect 2 "the arguments are" "$problems" -o
expect 2 "the arguments are" "$problems" -x a.h5
expect 2 "the backend fpga is unknown" "$problems" -o a.h5 --backend fpga
cp "$problems" own.h5
expect 2 "replaced by its own" own.h5 -o ./own.h5
expect 1 "make it first" "$problems" -o nowhere/a.h5
cmp "$problems" own.h5 || fail "the problem was changed"
leftover=$(find . -name '.*partial')
[ -z "$leftover" ] || fail "left behind: $leftover"
exit $((failures > 0))
