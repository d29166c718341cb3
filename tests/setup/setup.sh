#!/usr/bin/env bash
# usage: setup.sh SOURCE_TREE
# Runs jobscripts/local.sh and tests/run.sh on machines that do not exist: a folder of stand-ins is all of PATH.
# The stand-in for dpkg-query knows the packages in the file `installed`; the one for apt-get adds to it. Every
# call of apt-get and of mpirun is written to the file `calls`.
set -u

top=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree="$work/a clone"
mkdir -p "$tree/tests" "$tree/input_decks"
cp -r "$top/jobscripts" "$tree/"
cp "$top/tests/run.sh" "$tree/tests/"
failures=0 checks=0

check() { # SENTENCE command ...
  local sentence=$1
  shift
  checks=$((checks + 1))
  if "$@"; then
    printf 'ok   %s\n' "$sentence"
  else
    printf 'FAIL %s\n' "$sentence"
    failures=$((failures + 1))
    sed 's/^/     | /' "$work/output" "$work/calls"
  fi
}

stand_in() { # NAME: the script comes on standard input
  { printf '#!/bin/bash\n' && cat; } >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}

# A machine: its user's number, what sudo does (none, asks, free), and the packages that it has.
machine() { # USER SUDO PACKAGE ...
  local tool
  rm -rf "${work:?}/bin"
  mkdir "$work/bin"
  for tool in bash cat dirname env head mktemp nproc rm sed; do
    ln -s "$(command -v "$tool")" "$work/bin/$tool"
  done
  printf 'echo %s\n' "$1" | stand_in id
  case $2 in
    asks) printf 'exit 1\n' | stand_in sudo ;;
    free) printf '[ "$1" != -n ] || shift; "$@"\n' | stand_in sudo ;;
  esac
  stand_in dpkg-query <<<'known=$(< "$INSTALLED"); case " $known " in *" ${!#} "*) printf installed ;; *) exit 1 ;; esac'
  stand_in apt-get <<'END'
echo "apt-get $*" >>"$CALLS"
case "$*" in
  *update*) exit "${UPDATE_STATUS:-0}" ;;
  *install*) [ -n "${OFFLINE:-}" ] && exit 100; echo "$(< "$INSTALLED") ${*##*--no-install-recommends }" >"$INSTALLED" ;;
esac
END
  stand_in cmake <<<'echo "cmake $*" >>"$CALLS"'
  stand_in mpirun <<<'echo "mpirun $*" >>"$CALLS"; exit "${PROGRAM_STATUS:-0}"'
  shift 2
  printf '%s\n' "$*" >"$work/installed"
}

# Runs a script on that machine, from another folder, without standard input.
try() { # SCRIPT [argument ...]
  : >"$work/calls"
  (
    cd / && env -i "PATH=$work/bin" "INSTALLED=$work/installed" "CALLS=$work/calls" "UPDATE_STATUS=${UPDATE_STATUS:-0}" \
      "OFFLINE=${OFFLINE:-}" "PROGRAM_STATUS=${PROGRAM_STATUS:-0}" bash "$tree/$1" "${@:2}" <&- >"$work/output" 2>&1
  )
  status=$?
}
status_is() { [ "$status" -eq "$1" ]; }
called() { grep -q -e "$1" "$work/calls"; }
not_called() { ! called "$1"; }
says() { grep -q -e "$1" "$work/output"; }

. "$top/jobscripts/setup.sh"
all=$(echo $neurlp_packages_build)
but_two=$(echo "$all" | sed 's/ cmake / /; s/ libfyaml-dev / /')

machine 1000 none $but_two
try jobscripts/local.sh
check "neither root nor sudo: status 2" status_is 2
check "neither root nor sudo: exactly the missing packages are named" says "Missing Debian packages: cmake libfyaml-dev\$"
check "neither root nor sudo: nothing is called" not_called .

machine 1000 asks $but_two
try jobscripts/local.sh
check "sudo that asks for a password: status 2" status_is 2
check "sudo that asks for a password: apt-get is not called" not_called apt-get

machine 1000 none $all
try tests/run.sh
check "run.sh without its test packages: status 2" status_is 2
check "run.sh names the test packages" says "Missing Debian packages: $(echo $neurlp_packages_test)\$"

for user in "0 none" "1000 free"; do
  machine $user $but_two
  try jobscripts/local.sh
  check "user and sudo '$user': status 0" status_is 0
  check "user and sudo '$user': package lists are fetched" called "apt-get.* update"
  check "user and sudo '$user': exactly the missing packages are installed" \
    called "install --no-install-recommends cmake libfyaml-dev\$"
  try jobscripts/local.sh
  check "user and sudo '$user': the second time apt-get is not called" not_called apt-get
done

machine 0 none $all
try jobscripts/local.sh
check "nothing missing: status 0" status_is 0
check "nothing missing: apt-get is not called" not_called apt-get
check "by default two ranks run lorenz.yaml" called "-n 2 $tree/build/bin/neurlp run $tree/input_decks/lorenz.yaml\$"
try jobscripts/local.sh my.yaml run.seed=3
check "a deck and its overrides are passed on" called "neurlp run my.yaml run.seed=3\$"
try jobscripts/local.sh run.seed=3
check "overrides alone go to the default deck" called "neurlp run $tree/input_decks/lorenz.yaml run.seed=3\$"
PROGRAM_STATUS=5 try jobscripts/local.sh
check "the program's exit status is passed on" status_is 5

machine 0 none $but_two
UPDATE_STATUS=100 try jobscripts/local.sh
check "an update that fails in part does not stop the installation" status_is 0
machine 0 none $but_two
OFFLINE=1 try jobscripts/local.sh
check "apt-get fails: status 2" status_is 2
check "apt-get fails: the packages still missing are named" says "could not install them: cmake libfyaml-dev\$"

machine 1000 none
rm "$work/bin/dpkg-query"
try jobscripts/local.sh
check "no Debian: status 2" status_is 2
check "no Debian: what is missing is named" says "Missing: gcc ninja pkg-config mpicc hdf5-openmpi(pkg-config) libfyaml(pkg-config)\$"
check "no Debian: nothing is called" not_called .

printf '%d checks, %d failed\n' "$checks" "$failures"
[ "$failures" -eq 0 ]
