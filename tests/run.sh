#!/usr/bin/env bash
# Installs what is missing, builds NeuRLP three ways and tests each build. Meant for a fresh Debian 12 machine.
#
#   tests/run.sh            everything: gcc with the whole suite, sanitizers, clang
#   tests/run.sh --quick    gcc with the unit tests only
#   tests/run.sh --plan     says what would be done, and does nothing
#
# The last line is the verdict, and so is the exit status: 0 all passed, 1 something failed, 2 packages are
# missing and cannot be installed from here.
set -eu

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$top/jobscripts/setup.sh"

case ${1:-} in
  "") plan="packages gcc sanitizers clang" ;;
  --quick) plan="packages gcc-quick" ;;
  --plan)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  *)
    neurlp_say "tests/run.sh: unknown argument '$1'; it takes --quick or --plan" >&2
    exit 2
    ;;
esac

# More threads than cores happen here (tests side by side, ranks side by side): waiting must not burn a core.
export OMP_WAIT_POLICY=passive
passed=0 failed=0 skipped=0

attribute() { # FILE NAME: the first NAME="number" in a JUnit report
  sed -n "s/.*[[:space:]]$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1
}

# Builds a preset and runs its tests, which ctest's options select; adds to the counts. Fails if anything did. One test
# more than cores runs at a time, because many of them wait now and then: for ranks to start, for a daemon, for a disk.
build_and_test() { # PRESET [ctest option ...]
  local preset=$1 report status=0 all
  shift
  neurlp_build "$top" "$preset" || return 1
  report=$(mktemp)
  (cd "$top" && ctest --preset "$preset" --no-tests=error --parallel $(($(nproc) + 1)) --output-junit "$report" "$@") \
    </dev/null || status=1
  if [ -s "$report" ]; then
    all=$(attribute "$report" tests)
    failed=$((failed + $(attribute "$report" failures)))
    skipped=$((skipped + $(attribute "$report" skipped) + $(attribute "$report" disabled)))
    passed=$((passed + all - $(attribute "$report" failures) - $(attribute "$report" skipped) -
      $(attribute "$report" disabled)))
  fi
  rm -f "$report"
  return $status
}

stage_packages() { neurlp_install_packages $neurlp_packages_build $neurlp_packages_test; }
stage_gcc() { build_and_test ci; }
stage_gcc-quick() { build_and_test ci --label-regex '^unit$'; }
stage_sanitizers() { build_and_test sanitize; }
stage_clang() { build_and_test clang --label-regex '^unit$'; }

neurlp_say "Plan: $plan"
broken=""
for stage in $plan; do
  neurlp_say "" "==== $stage ===="
  start=$SECONDS status=0 failed_before=$failed
  "stage_$stage" || status=$?
  neurlp_say "---- $stage: $([ $status -eq 0 ] && echo passed || echo FAILED), $((SECONDS - start)) s"
  [ "$stage" != packages ] || [ $status -eq 0 ] || exit 2
  if [ $status -ne 0 ]; then
    broken="$broken $stage"
    # A stage that failed without a failing test (it did not build, say) counts as one failure.
    [ "$failed" -gt "$failed_before" ] || failed=$((failed + 1))
  fi
done

neurlp_say "" "$SECONDS s in all; stages that failed:${broken:- none}"
neurlp_say "verdict: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
