# A full disk is an error, never a silent loss, and so is a read-only one: test_array_file_full.sh PROGRAM. Needs to mount a small file system;
# where it may not, it says so and is skipped (status 77).
program=$1
disk=$PWD/disk
mkdir -p "$disk"
if ! mount -t tmpfs -o size=24m tmpfs "$disk" 2>mount.log; then
  echo "SKIPPED: a small file system cannot be mounted here ($(cat mount.log)); run as root to test a full disk"
  exit 77
fi
trap 'umount "$disk"' EXIT
failures=0

# attempt NAME STATUS WORD MEGABYTES COMPRESS EXPECTED_MEGABYTES: the program must end with STATUS and a message that
# has WORD in it, leave the older file as it was and nothing else.
attempt() {
  echo older >"$disk/file.h5"
  timeout -k 5 40 $MPIRUN -n 2 "$program" "$disk/file.h5" "$4" "$5" "$6" >out.log 2>&1
  local status=$? left
  left=$(ls -A "$disk" | tr '\n' ' ')
  if [ $status = "$2" ] && grep -q "$3" out.log && [ "$left" = "file.h5 " ] && [ "$(cat "$disk/file.h5")" = older ]; then
    echo "ok   $1: status $status, $(grep -m1 "$3" out.log)"
  else
    echo "FAIL $1: status $status, expected $2 and '$3'; left: $left"
    cat out.log
    failures=$((failures + 1))
  fi
}

attempt "size known, too large" 9 "needs 40.0 MB" 40 0 40
attempt "size unknown, plain array too large" 9 "needs 40.0 MB" 40 0 0
for try in 1 2 3; do
  attempt "size unknown, compressed array fills the disk, try $try" 1 "could not be written" 40 4 0
done

if timeout -k 5 40 $MPIRUN -n 2 "$program" "$disk/file.h5" 10 4 10 && [ "$(head -c 4 "$disk/file.h5" | tail -c 3)" = HDF ]; then
  echo "ok   what fits is written"
else
  echo "FAIL what fits is not written"
  failures=$((failures + 1))
fi

mount -o remount,ro "$disk"
timeout -k 5 40 $MPIRUN -n 2 "$program" "$disk/file.h5" 1 0 1 >out.log 2>&1
status=$?
if [ $status = 9 ] && grep -q "Read-only file system" out.log; then
  echo "ok   read-only folder: $(grep -m1 Read-only out.log)"
else
  echo "FAIL read-only folder: status $status"
  cat out.log
  failures=$((failures + 1))
fi
exit $((failures > 0))
