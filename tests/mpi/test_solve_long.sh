# `neurlp solve` where the time of systems is divided over ranks: the same bytes whatever is divided, and by any number
# of ranks; systems that fail; what cannot be divided; test_solve_long.sh PYTHON
python=$1
tool=$SOURCE/tests/mpi/long_problem.py
if ! "$python" -c 'import h5py' 2>/dev/null; then
  echo "SKIPPED: $python has no h5py, which makes the files (Debian: python3-h5py)"
  exit 77
fi
failures=0
fail() {
  echo "FAIL $*"
  failures=$((failures + 1))
}

# solve STATUS RANKS ARGUMENT...: into log
solve() {
  local expected=$1 ranks=$2 got
  shift 2
  timeout -k 5 150 $MPIRUN -n "$ranks" "$NEURLP" solve "$@" >log 2>&1 </dev/null
  got=$?
  [ $got = "$expected" ] || { fail "$ranks ranks, solve $*: status $got, not $expected" && cat log; }
}

says() {
  if grep -qF -- "$1" log; then echo "ok   it says: $(grep -m1 -F -- "$1" log)"; else fail "it does not say '$1'" && cat log; fi
}

"$python" "$tool" write all.h5 && "$python" "$tool" without all.h5 some.h5 central short || exit 1
solve 5 1 all.h5 -o one.h5
"$python" "$tool" failed one.h5 || fail "systems that fail"
grep -q "time divided" log && fail "one rank divides time"
"$python" "$tool" ends all.h5 one.h5 || fail "two-point problems"
solve 5 3 all.h5 -o other.h5
says "hermite: 1 system of 1 equation in 1 dimension, order 2, 3000 steps, with gradients; time divided, 60 pieces"
says "ends: 1 system of 1 equation in 1 dimension, order 3, 401 steps, with gradients; time divided, 10 pieces"
says "two_point: 2 systems of 2 equations in 2 dimensions, order 3, 700 steps, with gradients; time divided, 31 pieces"
says "failing: 4 systems of 1 equation in 1 dimension, order 2, 800 steps, with gradients; 3 failed"
"$python" "$tool" same all.h5 one.h5 other.h5 || fail "3 ranks give other bytes"
"$python" "$tool" without all.h5 few.h5 short central default_pieces taylor steps_constant failing_late
solve 5 5 few.h5 -o other.h5
says "failing: 4 systems of 1 equation in 1 dimension, order 2, 800 steps, with gradients; time divided, 40 pieces"
"$python" "$tool" same few.h5 one.h5 other.h5 || fail "5 ranks give other bytes"
solve 5 1 some.h5 -o other.h5 --divide time
says "steps_constant: 2 systems of 1 equation in 1 dimension, order 2, 900 steps, with gradients; time divided"
"$python" "$tool" same some.h5 one.h5 other.h5 || fail "time divided on one rank gives other bytes"
solve 5 3 few.h5 -o other.h5 --divide systems
grep -q "time divided" log && fail "--divide systems divides time"
"$python" "$tool" same few.h5 one.h5 other.h5 || fail "systems divided give other bytes"

# Two records of n (3 n + 2 R + 2) + 1 numbers, n = 3, for the solution, two for the gradients.
"$python" "$tool" without some.h5 hermite.h5 default_pieces taylor constant steps_constant few_pieces failing failing_late \
  two_point two_point_soft ends
solve 0 2 hermite.h5 -o other.h5
says "joined by 4 messages of $((4 * (3 * (3 * 3 + 2 + 2) + 1) * 8)) bytes in all"

rm -f other.h5
solve 2 2 all.h5 -o other.h5 --divide time
says "group 'central': the time of a system of 60 steps cannot be divided: central rows join three steps"
"$python" "$tool" without all.h5 short.h5 central hermite default_pieces taylor constant steps_constant few_pieces failing \
  failing_late two_point two_point_soft ends
solve 2 2 short.h5 -o other.h5 --divide time
says "group 'short': the time of a system of 60 steps cannot be divided: it has too few steps; set piece_intervals"
solve 2 2 all.h5 -o other.h5 --divide space
says "the arguments are"
"$python" "$tool" attribute short.h5 step_count 61
solve 3 2 short.h5 -o other.h5
says "'short' has 60 steps, and its attribute 'step_count' says 61"
"$python" "$tool" attribute short.h5 step_count 60 piece_intervals 2.5
solve 3 2 short.h5 -o other.h5
says "attribute 'piece_intervals' of 'short' is 2.5"
timeout -k 5 60 $MPIRUN -n 2 "$NEURLP" solve some.h5 -o other.h5 --divide time --backend cuda:check >log 2>&1
grep -q "this build has none" log || says "only the backend cpu divides the time of one system"
[ -e other.h5 ] && fail "answers of problems that were refused"
leftover=$(find . -name '.*partial')
[ -z "$leftover" ] || fail "left behind: $leftover"
exit $((failures > 0))
