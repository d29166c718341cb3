#!/usr/bin/env bash
# Sets up a plain Debian 12 machine, builds NeuRLP and runs a deck on two ranks.
#
#   jobscripts/local.sh [DECK] [key=value ...]
#
# DECK is input_decks/lorenz.yaml if left out; key=value overrides a key of the deck. Missing packages are
# installed as root or with sudo; where neither is possible they are named, and the status is 2. Otherwise the
# status is the program's.
#
#   NEURLP_RANKS   how many ranks, 2 if unset
#   NEURLP_BUILD   a build folder that is configured already, to use instead of the preset `release`
#   OMP_NUM_THREADS   threads of a rank; its share of the cores if unset
set -eu

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$top/jobscripts/setup.sh"

case ${1:-} in
  -h | --help)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  "" | *=*) deck=$top/input_decks/lorenz.yaml ;;
  *)
    deck=$1
    shift
    ;;
esac

neurlp_install_packages $neurlp_packages_build
if [ -n "${NEURLP_BUILD:-}" ]; then
  build=$NEURLP_BUILD
  cmake --build "$build" --target neurlp_program </dev/null
else
  build=$top/build
  neurlp_build "$top" release neurlp_program
fi
neurlp_ranks "${NEURLP_RANKS:-2}" "$build/bin/neurlp" run "$deck" "$@"
