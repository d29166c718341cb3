#!/bin/sh
# Writes the tables of docs/results.md again, between its two markers.
# usage: accuracy.sh BENCH_ACCURACY RESULTS_MD [options of bench_accuracy, for example --precision double]
set -eu
program=$1
results=$2
shift 2
tables=$(mktemp)
edited=$(mktemp)
trap 'rm -f "$tables" "$edited"' EXIT
"$program" --markdown "$@" > "$tables"
awk -v tables="$tables" '
  /<!-- accuracy: end -->/ { inside = 0; ends++ }
  !inside { print }
  /<!-- accuracy: begin/ { inside = 1; begins++; while ((getline line < tables) > 0) print line; print "" }
  END { exit begins == 1 && ends == 1 ? 0 : 1 }' "$results" > "$edited" ||
  { echo "$results needs one pair of accuracy markers" >&2; exit 1; }
cat "$edited" > "$results"
