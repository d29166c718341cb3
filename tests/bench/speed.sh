#!/bin/sh
# Times the block and writes the tables of docs/performance.md again, between their two markers; the CSV files stay in
# the current folder. The machine should have nothing else to do.
# usage: OMP_NUM_THREADS=2 speed.sh BENCH_BLOCK RESULTS_MD
set -eu
program=$1
results=$2
tables=$(mktemp)
trap 'rm -f "$tables"' EXIT

"$program" --tangent --csv speed.csv
"$program" --keep --tangent --csv kept.csv
"$program" --shared --tangent --csv shared.csv
"$program" --keep --scaling --csv scaling.csv

# Prints a CSV file without commas inside its fields.
plain() {
  sed 's/"\([^"]*\), \([^"]*\)"/\1 \2/g' "$1"
}

# One row for each shape and precision, in the order of the file.
table() { # TITLE FILE
  printf '\n**%s**\n\n' "$1"
  plain "$2" | awk -F, '
    function figure(who, what) { key = shape SUBSEP who SUBSEP what; return key in best ? sprintf("%.3g", best[key]) : "" }
    function times(who, what) { key = shape SUBSEP who SUBSEP what; return key in over ? sprintf("%.3g", over[key]) : "" }
    NR == 1 { next }
    { shape = $7 ", D=" $9 " d=" $11 " R=" $13 ", T=" $12 ", B=" $14
      if (!(shape in seen)) { seen[shape] = 1; order[++shapes] = shape; bytes[shape] = $15 }
      best[shape, $16, $17] = $20; over[shape, $16, $17] = $22 }
    END {
      print "| | forward | adjoint | both | tangent | workspace, MB | forward / dgels | both / dpbsv | both / copy |"
      print "|---|---|---|---|---|---|---|---|---|"
      for (i = 1; i <= shapes; i++) {
        shape = order[i]
        print "| " shape " | " figure("block", "forward") " | " figure("block", "adjoint") " | " \
          figure("block", "both") " | " figure("block", "tangent") " | " sprintf("%.3g", bytes[shape] / 1e6) " | " \
          times("dgels", "forward") " | " times("dpbsv", "both") " | " times("copy", "both") " |"
      }
    }'
}

machine=$(plain speed.csv | awk -F, 'NR == 2 { gsub("\"", ""); print $1 ", " $5 " threads, " $6 ", " $2 ", commit " $3 ", " $4 }')
{
  printf '%s. Million system-steps a second, best.\n' "$machine"
  table "Coefficients of their own" speed.csv
  table "The same, factors kept" kept.csv
  table "One left-hand side, prepared" shared.csv
  table "Over T, then over B, factors kept" scaling.csv
} > "$tables"

"$(dirname "$0")/put_between.sh" speed "$tables" "$results"
