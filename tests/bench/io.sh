#!/bin/sh
# Megabytes a second that the program writes and reads, beside dd on the same data in the same run, for 1, 2 and 4 ranks, with and
# without compression; writes the table of docs/results.md again, between its two markers. The machine, and the disk below the
# current folder, should have nothing else to do.
# NEURLP_IO_RANKS="1 2" has other numbers of ranks, NEURLP_IO_LEVELS="0" of gzip.
# usage: MPIRUN="mpirun --bind-to none --oversubscribe" io.sh BENCH_IO RESULTS_MD [MEGABYTES [REPETITIONS]]
set -eu
program=$1
results=$2
megabytes=${3:-2000}
repetitions=${4:-3}
work=$(mktemp -d ./io.XXXXXX)
trap 'rm -rf "$work"' EXIT
MPIRUN=${MPIRUN:-mpirun --bind-to none --oversubscribe}

# Of lines "MEGABYTES SECONDS PROCESSOR_SECONDS": the best rate; the fewest processor seconds a gigabyte.
best() { # FILE
  awk '{ if ($1 / $2 > best) best = $1 / $2 } END { printf "%.4g", best }' "$1"
}

least() { # FILE
  awk '{ if (NR == 1 || 1e3 * $3 / $1 < least) least = 1e3 * $3 / $1 } END { printf "%.2g", least }' "$1"
}

# SECONDS PROCESSOR_SECONDS of a command
seconds() { # command ...
  begin=$(date +%s.%N)
  spent=$(
    "$@" 2>/dev/null
    times # of this shell, and of what it ran
  )
  end=$(date +%s.%N)
  echo "$begin $end $spent" | tr 'ms\n' '   ' | awk '{ print $2 - $1, 60 * $7 + $8 + 60 * $9 + $10 }'
}

# Out of the page cache, so that what reads comes from the disk.
forget() { # FILE
  sync "$1"
  dd if="$1" iflag=nocache count=0 2>/dev/null
}

file_megabytes() { # FILE
  echo "$(wc -c <"$1")" | awk '{ print $1 / 1e6 }'
}

dd_write() { # FILE: its bytes, from the page cache, into another
  cat "$1" >/dev/null
  rm -f "$work/copy"
  echo "$(file_megabytes "$1") $(seconds dd if="$1" of="$work/copy" bs=1M conv=fsync)"
}

dd_read() { # FILE
  echo "$(file_megabytes "$1") $(seconds dd if="$1" of=/dev/null bs=1M)"
}

write_file() { # RANKS COMPRESS FILE
  rm -f "$3"
  $MPIRUN -n "$1" "$program" write "$3" "$megabytes" "$2"
}

read_file() { # RANKS FILE
  $MPIRUN -n "$1" "$program" read "$2"
}

# One case, its measurements by turns: what else the machine does meets all alike.
measure() { # RANKS COMPRESS
  file=$work/file.h5
  for repetition in $(seq "$repetitions"); do
    write_file "$1" "$2" "$file" >>"$work/write"
    dd_write "$file" >>"$work/dd_write"
    forget "$file"
    read_file "$1" "$file" >>"$work/read"
    forget "$file"
    dd_read "$file" >>"$work/dd_read"
    read_file "$1" "$file" >>"$work/again"
    dd_read "$file" >>"$work/dd_again"
  done
  echo "$1 $2 $(file_megabytes "$file")"
  for kind in write read again; do
    echo "$(best "$work/$kind") $(best "$work/dd_$kind") $(least "$work/$kind") $(least "$work/dd_$kind")"
    rm "$work/$kind" "$work/dd_$kind"
  done
}

for compress in ${NEURLP_IO_LEVELS:-0 4}; do
  for ranks in ${NEURLP_IO_RANKS:-1 2 4}; do
    measure "$ranks" "$compress" | tr '\n' ' '
    echo
  done
done >"$work/cases"
{
  printf '%s cores; %s on %s; %s MB of numbers; best of %s, in MB of numbers a second (dd: of the file).\n\n' "$(env -u OMP_NUM_THREADS nproc)" \
    "$(df --output=fstype . | tail -n 1)" "$(df --output=source . | tail -n 1)" "$megabytes" "$repetitions"
  echo "| ranks | gzip | file, MB | write | dd write | write / dd | read | dd read | read / dd | again | dd again | again / dd |"
  echo "|---|---|---|---|---|---|---|---|---|---|---|---|"
  awk '{ printf "| %d | %d | %.4g | %s | %s | %.2g | %s | %s | %.2g | %s | %s | %.2g |\n", $1, $2, $3, $4, $5, $4 / $5, $8, $9, $8 / $9, $12, $13, $12 / $13 }' "$work/cases"
  printf '\nProcessor seconds a GB of numbers, of all ranks (which spin where they wait; dd: a GB of the file):\n\n'
  echo "| ranks | gzip | write | dd write | read | dd read | again | dd again |"
  echo "|---|---|---|---|---|---|---|---|"
  awk '{ printf "| %d | %d | %s | %s | %s | %s | %s | %s |\n", $1, $2, $6, $7, $10, $11, $14, $15 }' "$work/cases"
} >"$work/table"
"$(dirname "$0")/put_between.sh" io "$work/table" "$results"
