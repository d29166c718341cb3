# The commands that need no data: keys, --version, --help, and what is wrong with a command line.
set -u
failures=0

# expect STATUS WORDS COMMAND...: the exit status, and words that the output (both streams) holds
expect() {
  local status=$1 words=$2 output got
  shift 2
  output=$("$@" 2>&1)
  got=$?
  if [ "$got" -eq "$status" ] && grep -qF -- "$words" <<<"$output"; then
    echo "ok   $* -> $got, $words"
  else
    echo "FAIL $* -> $got (expected $status, with '$words'): $output"
    failures=$((failures + 1))
  fi
}

expect 0 "libfyaml" "$NEURLP" --version
expect 0 "HDF5" "$NEURLP" --version
expect 0 "Exit status" "$NEURLP" --help
for command in run validate generate simulate solve inspect plot keys; do
  expect 0 "neurlp $command" "$NEURLP" $command --help
  expect 0 "neurlp $command" "$NEURLP" help $command
done
expect 0 "--divide" "$NEURLP" solve here.h5 -h
expect 0 "Exit status" "$NEURLP" help
expect 2 "did you mean 'solve'?" "$NEURLP" help sove
expect 2 "neurlp keys" "$NEURLP"
expect 2 "did you mean 'keys'?" "$NEURLP" kyes
expect 0 "block.order" "$NEURLP" keys
expect 0 "data.generate.samples" "$NEURLP" keys data
expect 0 "run.seed" "$NEURLP" keys run.seed
expect 2 "did you mean 'block'?" "$NEURLP" keys blok
expect 2 "one section or key at a time" "$NEURLP" keys block run
expect 2 "did you mean 'keys'?" $MPIRUN -n 3 "$NEURLP" kyes

lines=$("$NEURLP" keys block | grep -c '^  dynamics\|^  run')
[ "$lines" -eq 0 ] || { echo "FAIL keys block lists keys of other sections"; failures=$((failures + 1)); }
times=$($MPIRUN -n 3 "$NEURLP" keys run.seed | grep -c 'run\.seed')
[ "$times" -eq 1 ] || { echo "FAIL three ranks print the keys $times times"; failures=$((failures + 1)); }

"$NEURLP" keys --markdown >keys.md
if cmp "$SOURCE/docs/keys.md" keys.md; then
  echo "ok   docs/keys.md is current"
else
  echo "FAIL docs/keys.md is not current; write it with: neurlp keys --markdown > docs/keys.md"
  failures=$((failures + 1))
fi
exit $((failures > 0))
