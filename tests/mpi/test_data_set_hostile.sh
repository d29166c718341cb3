# Data sets that lie: test_data_set_hostile.sh PROGRAM PYTHON KILOBYTES. Makes them, and has the program refuse them
# on two ranks: no hang, no crash, no vast allocation (the address space is limited).
program=$1
python=$2
if ! "$python" -c 'import h5py' 2>/dev/null; then
  echo "SKIPPED: $python has no h5py, which makes the files (Debian: python3-h5py)"
  exit 77
fi
"$python" "$(dirname "$0")/hostile_data_sets.py" >list.txt || exit 1
ulimit -v "$3"
exec $MPIRUN -n 2 "$program"
