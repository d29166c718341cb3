"""Checks what the library exports: every symbol carries the prefix, and every public function is there.

usage: symbols.py NM LIBRARY neurlp.h
"""
import re
import subprocess
import sys

CRITICAL = ".gomp_critical_user_"  # the compilers' own, before the name of an OpenMP critical section
REDUCTION = CRITICAL + ".reduction.var"  # clang's lock for reductions, one for a whole program, in all that it compiles


def main(nm, library, header):
    dynamic = ["--dynamic"] if ".so" in library else []
    lines = subprocess.run([nm, "--extern-only", "--defined-only", "--format=posix", *dynamic, library],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    exported = {line.split()[0] for line in lines if re.match(r"\S+ [A-Z] ", line)} - {REDUCTION}
    with open(header) as file:
        public = set(re.findall(r"\b(neurlp_[a-z_0-9]+)\(", re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)))
    wrong = [f"{name} is exported without the prefix neurlp_" for name in sorted(exported)
             if not name.removeprefix(CRITICAL).startswith("neurlp_")]
    wrong += [f"{name} is in the public header, and the library does not define it" for name in sorted(public - exported)]
    for sentence in wrong:
        print("FAIL", sentence)
    print(f"{len(exported)} exported symbols, {len(public)} public functions, {len(wrong)} complaints")
    return 1 if wrong or not exported else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
