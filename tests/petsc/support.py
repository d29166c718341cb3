"""What the tests of the PETSc plug-in share: running programs, PETSc's binary vectors, and checks."""
import os
import subprocess
import sys

import numpy as np

NEURLP, PLUGIN, SOURCE, BIN = (os.environ[name] for name in ("NEURLP", "PLUGIN", "SOURCE", "BIN"))
MPIRUN = os.environ["MPIRUN"].split()
checks = failures = 0


def command(program, *options, ranks=1, plugin=True):
    """The command line of a program of plain PETSc; `plugin`: whether it loads ours, or which file."""
    launch = MPIRUN + ["-n", str(ranks)] if ranks > 1 else []
    load = ["-dll_append", PLUGIN if plugin is True else plugin] if plugin else []
    return launch + [f"{BIN}/{program}"] + load + [word for option in options for word in str(option).split()]


def run(program, *options, ranks=1, plugin=True, fails=False, environment=None):
    """Runs it; its standard output and error together. A wrong exit status ends the test."""
    words = command(program, *options, ranks=ranks, plugin=plugin)
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, **(environment or {})}, timeout=200)
    if (done.returncode != 0) != fails:
        print(done.stdout)
        sys.exit(f"FAIL {' '.join(words)}: exit status {done.returncode}")
    return done.stdout


def neurlp(*words, fails=False):
    done = subprocess.run([NEURLP, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
                          timeout=200)
    if (done.returncode != 0) != fails:
        print(done.stdout)
        sys.exit(f"FAIL neurlp {' '.join(words)}: exit status {done.returncode}")
    return done.stdout


def program(*words, ranks=1, name=NEURLP):
    """Runs the program neurlp: its exit status, and its standard output and error together."""
    launch = MPIRUN + ["-n", str(ranks)] if ranks > 1 else []
    done = subprocess.run([*launch, name, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, timeout=200)
    return done.returncode, done.stdout


def cases(program, lines, ranks=1):
    """Runs a program that takes -cases, once for all lines of options; for each line, what it says of it by "= name value"."""
    with open("cases.txt", "w") as file:
        file.write("".join(f"{line}\n" for line in lines))
    sections = run(program, "-cases cases.txt", ranks=ranks, plugin=False).split("\n# ")
    return [{word[1]: float(word[2]) for word in map(str.split, section.splitlines()) if word[:1] == ["="]}
            for section in ("\n" + "\n# ".join(sections)).split("\n# ")[1:]]


def vectors(path):
    """All vectors in a binary file of PETSc's, an array for each row."""
    data, found = open(path, "rb").read(), []
    at, index = 0, 4 if data[:4] == (1211214).to_bytes(4, "big") else 8  # bytes of PetscInt
    while at < len(data):
        class_id, rows = (int(i) for i in np.frombuffer(data, f">i{index}", 2, at))
        assert class_id == 1211214
        found.append(np.frombuffer(data, ">f8", rows, at + 2 * index).astype(float))
        at += 2 * index + 8 * rows
    return np.array(found)


def below(what, measured, bound):
    global checks, failures
    good = bool(measured <= bound)
    checks, failures = checks + 1, failures + (not good)
    print(f"{'ok  ' if good else 'FAIL'} {what:64} {measured:.3e} <= {bound:.3e}")


def true(what, holds, otherwise=""):
    global checks, failures
    checks, failures = checks + 1, failures + (not holds)
    print("ok  " if holds else "FAIL", what)
    if not holds and otherwise:
        print(otherwise)


def verdict():
    print(f"{checks} checks, {failures} failed")
    sys.exit(1 if failures or not checks else 0)
