#!/bin/sh
# usage: io_check.sh BENCH_IO: io.sh with two megabytes writes a table whose numbers are positive, for each case of one and two
# ranks, and leaves nothing behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf 'before\n<!-- io: begin -->\nolder\n<!-- io: end -->\nafter\n' >results.md
NEURLP_IO_RANKS="1 2" "$(dirname "$0")/io.sh" "$1" results.md 2 1
cat results.md
[ "$(ls)" = results.md ] || { echo "FAIL: left behind: $(ls)"; exit 1; }
rows=$(awk -F'|' '/^\| (write|read|again) \| [0-9]/ { good = NF == 15; for (i = 5; i <= 11; i++) good = good && $i > 0; n += good }
  END { print n + 0 }' results.md)
echo "rows with positive numbers: $rows == 12"
smaller=$(awk -F'|' '/^\| write/ && NF == 15 { size[$3 + 0] = $5 } END { print (size[1] > 0 && size[1] < 0.8 * size[0]) }' results.md)
echo "compressed to less than 0.8: $smaller == 1"
[ "$rows" = 12 ] && [ "$smaller" = 1 ] && ! grep -q older results.md && grep -q after results.md
