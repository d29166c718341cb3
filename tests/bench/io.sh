#!/bin/sh
# Megabytes a second that the program writes and reads, beside dd on the same data in the same run, for 1, 2 and 4 ranks, with and
# without compression; writes the table of docs/results.md again, between its two markers. The machine, and the disk below the
# current folder, should have nothing else to do.
# NEURLP_IO_RANKS="1 2" has other numbers of ranks.
# usage: MPIRUN="mpirun --bind-to none --oversubscribe" io.sh BENCH_IO RESULTS_MD [MEGABYTES [REPETITIONS]]
set -eu
program=$1
results=$2
megabytes=${3:-2000}
repetitions=${4:-3}
work=$(mktemp -d ./io.XXXXXX)
trap 'rm -rf "$work"' EXIT
MPIRUN=${MPIRUN:-mpirun --bind-to none --oversubscribe}

# Runs a command that prints "MEGABYTES SECONDS" several times; prints the best rate.
best() { # command ...
  best_rate=0
  for repetition in $(seq "$repetitions"); do
    said=$("$@")
    best_rate=$(echo "$said $best_rate" | awk '{ rate = $1 / $2; print (rate > $3 ? rate : $3) }')
  done
  printf '%.4g' "$best_rate"
}

seconds() { # command ...: how long it takes
  begin=$(date +%s.%N)
  "$@" 2>/dev/null
  end=$(date +%s.%N)
  echo "$begin $end" | awk '{ print $2 - $1 }'
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
  forget "$1"
  echo "$(file_megabytes "$1") $(seconds dd if="$1" of=/dev/null bs=1M)"
}

write_file() { # RANKS COMPRESS FILE
  rm -f "$3"
  $MPIRUN -n "$1" "$program" write "$3" "$megabytes" "$2"
}

read_file() { # RANKS FILE
  forget "$2"
  $MPIRUN -n "$1" "$program" read "$2"
}

{
  printf '%s cores; %s on %s; %s MB of numbers; best of %s, in MB of numbers a second (dd: of the file).\n\n' "$(env -u OMP_NUM_THREADS nproc)" \
    "$(df --output=fstype . | tail -n 1)" "$(df --output=source . | tail -n 1)" "$megabytes" "$repetitions"
  echo "| ranks | gzip | file, MB | write | dd write | write / dd | read | dd read | read / dd |"
  echo "|---|---|---|---|---|---|---|---|---|"
  for compress in 0 4; do
    for ranks in ${NEURLP_IO_RANKS:-1 2 4}; do
      file=$work/file.h5
      written=$(best write_file "$ranks" "$compress" "$file")
      dd_written=$(best dd_write "$file")
      read=$(best read_file "$ranks" "$file")
      dd_read=$(best dd_read "$file")
      echo "$ranks $compress $(file_megabytes "$file") $written $dd_written $read $dd_read" |
        awk '{ printf "| %d | %d | %.4g | %s | %s | %.2g | %s | %s | %.2g |\n", $1, $2, $3, $4, $5, $4 / $5, $6, $7, $6 / $7 }'
    done
  done
} >"$work/table"
"$(dirname "$0")/put_between.sh" io "$work/table" "$results"
