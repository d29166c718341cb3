# More than 2^31 numbers in a data set, a file above 4 GB, 1e7 systems: test_bigmem.sh PROGRAM. Takes minutes, 8 GB of memory and
# 20 GB of disk; so it is for who asks for it by NEURLP_BIGMEM=1, and is skipped aloud otherwise (status 77).
program=$1
skip() {
  echo "SKIPPED: $1"
  exit 77
}
[ "${NEURLP_BIGMEM:-}" = 1 ] || skip "set NEURLP_BIGMEM=1 to run it; it takes 8 GB of memory and 20 GB of disk"
memory=$(awk '/^MemAvailable/ { print int($2 / 1e6) }' /proc/meminfo)
[ "$memory" -ge 8 ] || skip "$memory GB of memory are free here, 8 are needed"
disk=$(df --output=avail -B 1000000000 . | tail -n 1)
[ "$disk" -ge 20 ] || skip "$disk GB of disk are free in $PWD, 20 are needed"
trap 'rm -f big.h5' EXIT
set -e
$MPIRUN -n 2 "$program" big.h5
"$NEURLP" inspect big.h5 | tee inspected
grep -q "10000000 systems" inspected
