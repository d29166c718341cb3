# What local.sh and tests/run.sh share; sourced by bash, runs nothing by itself.
# The one list of what NeuRLP needs on Debian 12, installing what is missing of it, building a preset, and
# launching ranks on one machine.

# Debian packages with the build tools and libraries ...
neurlp_packages_build="gcc libc6-dev cmake ninja-build pkg-config openmpi-bin libopenmpi-dev
  libhdf5-openmpi-dev libfyaml-dev libopenblas-dev"
# ... and what only the tests need: a second compiler, its OpenMP and a quick linker, C++ for the embedding test, LAPACK's C
# interface as an oracle, readers of HDF5 files that are not ours, scipy for baselines, the formatter, Slurm (tests
# start one of their own), PETSc, optional, for the plug-in, with indices of 32 and of 64 bits, and its tutorials, which are
# programs that it is tried on, and PLplot, which is optional and brings half a desktop with it: who wants `neurlp plot` from a build of local.sh installs its
# two packages.
neurlp_packages_test="clang lld libomp-dev g++ clang-format-14 liblapacke-dev hdf5-tools python3-h5py python3-numpy
  python3-scipy libplplot-dev plplot-driver-cairo slurmctld slurmd slurm-client munge petsc-dev
  petsc64-dev libpetsc3.18-dev-examples patch git"

# Each argument on a line of its own.
neurlp_say() {
  printf '%s\n' "$@"
}

# Those of the named packages that are not installed, on one line.
neurlp_missing_packages() {
  local package missing=""
  for package in "$@"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      missing="$missing $package"
    fi
  done
  printf '%s\n' "${missing# }"
}

# On a machine without dpkg: nothing can be installed from here, so look for the commands and the libraries.
neurlp_check_other_system() {
  local what absent=""
  for what in gcc cmake ninja pkg-config mpicc mpirun; do
    command -v "$what" >/dev/null 2>&1 || absent="$absent $what"
  done
  for what in hdf5-openmpi libfyaml; do
    pkg-config --exists "$what" 2>/dev/null || absent="$absent $what(pkg-config)"
  done
  neurlp_say "This is not a Debian machine (no dpkg-query), so nothing is installed from here."
  if [ -n "$absent" ]; then
    neurlp_say "Missing:$absent" "On Debian 12 it is in these packages: $(echo $neurlp_packages_build)" >&2
    return 2
  fi
}

# Installs those of the named packages that are missing, and nothing if none is. Returns 2, and says which are
# missing, where it may not install or the installation fails.
neurlp_install_packages() {
  local missing as_root=""
  if ! command -v dpkg-query >/dev/null 2>&1; then
    neurlp_check_other_system
    return
  fi
  missing=$(neurlp_missing_packages "$@")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    if ! { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; }; then
      neurlp_say "Missing Debian packages: $missing" >&2
      neurlp_say "They cannot be installed from here (neither root nor sudo without a password). Run as root:" >&2
      neurlp_say "  apt-get update && apt-get install -y --no-install-recommends $missing" >&2
      return 2
    fi
    as_root="sudo -n"
  fi
  neurlp_say "Installing Debian packages: $missing"
  # An update that fails in part (a third party's list, say) is no reason to stop: the installation is the test.
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 update </dev/null ||
    neurlp_say "apt-get update failed; trying with the package lists that are there" >&2
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends $missing </dev/null || true
  missing=$(neurlp_missing_packages "$@")
  if [ -n "$missing" ]; then
    neurlp_say "These Debian packages are still missing, apt-get could not install them: $missing" >&2
    return 2
  fi
}

# Configures and builds a preset of the tree: neurlp_build TOP PRESET [target ...].
neurlp_build() {
  local top=$1 preset=$2 targets=()
  shift 2
  [ $# -eq 0 ] || targets=(--target "$@")
  (cd "$top" && cmake --preset "$preset" && cmake --build --preset "$preset" "${targets[@]}") </dev/null
}

# Runs a program on ranks of this machine: neurlp_ranks COUNT PROGRAM [argument ...]. The cores are shared out
# between the ranks; the status is the program's. mpirun is kept quiet, because it calls every status but 0 an
# abort, also "finished, some systems failed"; a status that is none of the program's is reported here.
neurlp_ranks() (
  count=$1
  shift
  cores=$(env -u OMP_NUM_THREADS nproc)
  threads=$((cores / count > 1 ? cores / count : 1))
  options="--quiet --bind-to none"
  [ "$cores" -ge "$count" ] || options="$options --oversubscribe"
  export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$threads}"
  if [ "$(id -u)" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
  status=0
  mpirun $options -n "$count" "$@" </dev/null || status=$?
  case $status in
    0 | 2 | 3 | 4 | 5 | 75) ;;
    *) neurlp_say "Ended with status $status; for Open MPI's own words: mpirun ${options#--quiet } -n $count $*" >&2 ;;
  esac
  return "$status"
)
