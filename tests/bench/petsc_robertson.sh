#!/bin/sh
# Robertson's species in 100,000 cells: TS types at equal accuracy (docs/petsc/robertson), for docs/performance.md. Prints the
# table; seconds are of the processor.
# usage: petsc_robertson.sh BUILD [compare.py's options: --cells 10000 --target 1e-6 --repeat 3 ...]
set -eu
build=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} python3 "$here/../../docs/petsc/robertson/compare.py" \
  "$build/tests/petsc/bin/robertson" "$build/lib/libneurlp_petsc.so" "$@"
