# What array_file writes is read by h5py: test_array_file.sh PROGRAM PYTHON
program=$1
python=$2
if ! "$python" -c 'import h5py' 2>/dev/null; then
  echo "SKIPPED: $python has no h5py, which reads the file (Debian: python3-h5py)"
  exit 77
fi
$MPIRUN -n 3 "$program" >log || { cat log; exit 1; }
"$python" "$SOURCE/tests/mpi/check_array_file.py" array_file.h5 3
