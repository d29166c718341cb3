#!/bin/sh
# Megabytes a second that the program writes and reads, beside dd and plain C (io_floor.c) on the same data in the same run, for 1, 2
# and 4 ranks, with and without compression; writes the table of docs/performance.md again, between its two markers. The machine, and the
# disk below the current folder, should have nothing else to do.
# NEURLP_IO_RANKS="1 2" has other numbers of ranks, NEURLP_IO_LEVELS="0" of gzip.
# usage: MPIRUN="mpirun --bind-to none --oversubscribe" io.sh BENCH_IO RESULTS_MD [MEGABYTES [REPETITIONS]]; io_floor is beside BENCH_IO
set -eu
program=$1
floor=$(dirname "$1")/io_floor
results=$2
megabytes=${3:-2000}
repetitions=${4:-3}
work=$(mktemp -d ./io.XXXXXX)
trap 'rm -rf "$work"' EXIT
MPIRUN=${MPIRUN:-mpirun --bind-to none --oversubscribe}

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

# Before each measurement (the program does it itself, just before its time begins): free memory that the host of a virtual machine has taken back, it has to fetch again, which takes longer than
# all that is measured here; so whoever came after someone who had just freed much would win. Room for the file in the page cache, the
# numbers, and a time for each sample.
fetch_memory() {
  "$floor" touch $((3 * megabytes)) >/dev/null
}

file_megabytes() { # FILE
  echo "$(wc -c <"$1")" | awk '{ print $1 / 1e6 }'
}

dd_write() { # FILE: its bytes, from the page cache, into another
  cat "$1" >/dev/null
  rm -f "$work/copy"
  fetch_memory
  echo "$(file_megabytes "$1") $(seconds dd if="$1" of="$work/copy" bs=1M conv=fsync)"
  rm "$work/copy"
}

dd_read() { # FILE
  fetch_memory
  echo "$(file_megabytes "$1") $(seconds dd if="$1" of=/dev/null bs=1M)"
}

floor_write() { # FILE
  fetch_memory
  "$floor" write "$1" "$work/copy"
  rm "$work/copy"
}

floor_read() { # FILE
  fetch_memory
  "$floor" read "$1"
}

write_file() { # RANKS COMPRESS FILE
  rm -f "$3"
  $MPIRUN -n "$1" "$program" write "$3" "$megabytes" "$2"
}

read_file() { # RANKS FILE
  $MPIRUN -n "$1" "$program" read "$2" "$megabytes"
}

# One case, its measurements by turns: what else the machine does meets all alike. "again": what is in the page cache.
measure() { # RANKS COMPRESS
  file=$work/file.h5
  for repetition in $(seq "$repetitions"); do
    write_file "$1" "$2" "$file" >>"$work/write"
    floor_write "$file" >>"$work/floor_write"
    dd_write "$file" >>"$work/dd_write"
    forget "$file"
    read_file "$1" "$file" >>"$work/read"
    forget "$file"
    floor_read "$file" >>"$work/floor_read"
    forget "$file"
    dd_read "$file" >>"$work/dd_read"
    read_file "$1" "$file" >>"$work/again"
    floor_read "$file" >>"$work/floor_again"
    dd_read "$file" >>"$work/dd_again"
  done
  for kind in write read again; do
    paste -d ' ' "$work/$kind" "$work/floor_$kind" "$work/dd_$kind" | table_row "$kind" "$2" "$1" "$(file_megabytes "$file")"
    rm "$work/$kind" "$work/floor_$kind" "$work/dd_$kind"
  done
}

# From lines of three times "MEGABYTES SECONDS PROCESSOR_SECONDS", one a turn: the program's, plain C's, dd's. Best rates and their
# ratios; the median over the turns of the ratio to dd in the same turn; fewest processor seconds a gigabyte.
table_row() { # KIND COMPRESS RANKS FILE_MEGABYTES
  awk -v what="$1 | $2 | $3" -v file="$4" '
    {
      for (i = 0; i < 3; i++) {
        rate[i] = $(3 * i + 1) / $(3 * i + 2)
        spent = 1e3 * $(3 * i + 3) / $(3 * i + 1)
        if (rate[i] > best[i]) best[i] = rate[i]
        if (NR == 1 || spent < least[i]) least[i] = spent
      }
      ratio[NR] = rate[0] / rate[2]
      for (j = NR; j > 1 && ratio[j - 1] > ratio[j]; j--) {
        swap = ratio[j]; ratio[j] = ratio[j - 1]; ratio[j - 1] = swap
      }
    }
    END {
      median = (ratio[int((NR + 1) / 2)] + ratio[int(NR / 2) + 1]) / 2
      printf "| %s | %.4g | %.4g | %.4g | %.4g | %.2g | %.2g | %.2g | %.2g | %.2g | %.2g |\n", what, file, best[0], best[1], best[2],
        best[0] / best[1], best[0] / best[2], median, least[0], least[1], least[2]
    }'
}

{
  printf '%s cores; %s on %s; %s MB of numbers; best of %s, in MB of numbers a second (C and dd: of the file); processor seconds a GB, of\n' \
    "$(env -u OMP_NUM_THREADS nproc)" "$(df --output=fstype . | tail -n 1)" "$(df --output=source . | tail -n 1)" "$megabytes" "$repetitions"
  printf 'all ranks (which spin where they wait).\n\n'
  echo "| | gzip | ranks | file, MB | MB/s | C | dd | of C | of dd | median of dd | processor s/GB | C | dd |"
  echo "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
  for compress in ${NEURLP_IO_LEVELS:-0 1}; do
    for ranks in ${NEURLP_IO_RANKS:-1 2 4}; do
      measure "$ranks" "$compress"
    done
  done
} >"$work/table"
"$(dirname "$0")/put_between.sh" io "$work/table" "$results"
