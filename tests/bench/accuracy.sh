#!/bin/sh
# Writes the tables of docs/performance.md again, between its two markers.
# usage: accuracy.sh BENCH_ACCURACY RESULTS_MD [options of bench_accuracy, for example --precision double]
set -eu
program=$1
results=$2
shift 2
tables=$(mktemp)
trap 'rm -f "$tables"' EXIT
"$program" --markdown "$@" > "$tables"
"$(dirname "$0")/put_between.sh" accuracy "$tables" "$results"
