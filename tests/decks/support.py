"""What the tests of whole runs share: running the program on a deck, reading its result, checks with numbers.

Every script gets NEURLP (the program), MPIRUN (with its options) and SOURCE (the repository) from its environment
and runs in a fresh folder of its own. Its exit status is the verdict.
"""
import os
import pathlib
import shlex
import subprocess
import sys

import h5py
import numpy as np

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
NEURLP = os.environ["NEURLP"]
MPIRUN = shlex.split(os.environ["MPIRUN"])
DECKS = SOURCE / "input_decks"

LORENZ = {("x", "x"): -10, ("x", "y"): 10, ("y", "x"): 28, ("y", "y"): -1, ("y", "x*z"): -1,
          ("z", "z"): -8 / 3, ("z", "x*y"): 1}

failures = 0
count = 0


def check(what, holds, detail=""):
    """One check, said aloud."""
    global failures, count
    count += 1
    failures += not holds
    print("ok  " if holds else "FAIL", what, detail, flush=True)
    return holds


def check_below(what, measured, bound):
    """measured <= bound; NaN fails."""
    return check(f"{what:<72}", bool(measured <= bound), f"{measured:.3e} <= {bound:.3e}")


def check_above(what, measured, bound):
    return check(f"{what:<72}", bool(measured >= bound), f"{measured:.3e} >= {bound:.3e}")


def check_equal(what, measured, expected):
    return check(f"{what:<72}", bool(measured == expected), f"{measured} == {expected}")


def verdict():
    print(f"{count} checks, {failures} failed")
    sys.exit(failures > 0 or count == 0)


def texts(dataset):
    return [t.decode() if isinstance(t, bytes) else t for t in dataset[:]]


class Run:
    """One run of a command: its exit status, what it said, and the file that it wrote (None: none)."""

    def __init__(self, code, said, path):
        self.code, self.said, self.path = code, said, path

    def __getitem__(self, name):
        with h5py.File(self.path) as file:
            return file[name][()]

    def texts(self, name):
        with h5py.File(self.path) as file:
            return texts(file[name])

    def terms(self, row=0):
        """{(state, term): (coefficient, standard error)} of the terms that were kept."""
        states, terms = self.texts("states"), self.texts("equations/terms")
        values, errors = self["equations/coefficients"][row], self["equations/standard_errors"][row]
        return {(states[k], terms[l]): (values[k, l], errors[k, l])
                for k in range(len(states)) for l in range(len(terms)) if values[k, l] != 0}

    def parameters(self, row=0):
        """{name: (estimate, standard error)}."""
        names = self.texts("equations/parameter_names")
        return dict(zip(names, zip(self["equations/parameters"][row], self["equations/parameter_errors"][row])))


def command(arguments, ranks=1, threads=1):
    """Runs the program; returns its exit status and everything that it said."""
    line = [*(MPIRUN + ["-n", str(ranks)] if ranks > 1 else []), NEURLP, *map(str, arguments)]
    # more threads than cores: they must not spin while they wait for each other
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OMP_WAIT_POLICY="PASSIVE")
    done = subprocess.run(line, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def run(name, deck, *overrides, ranks=1, threads=1, code=0):
    """neurlp run, into `name`.h5. deck: a file of the repository (a path), or the text of one, kept in
    `name`.yaml. Checks the exit status; shows what was said if it is another."""
    if not isinstance(deck, pathlib.Path):
        path = pathlib.Path(f"{name}.yaml")
        path.write_text(deck)
        deck = path
    result = pathlib.Path(f"{name}.h5")
    result.unlink(missing_ok=True)
    got, said = command(["run", deck, *overrides, "-o", result], ranks, threads)
    if not check_equal(f"{name}: exit status ({ranks} ranks, {threads} threads)", got, code):
        print(said, flush=True)
    if code in (0, 4, 5) and not result.exists():
        check(f"{name}: a result was written", False)
        verdict()
    return Run(got, said, result if result.exists() else None)


def check_terms(name, found, true, bound):
    """Exactly the true terms, and the worst relative error of a coefficient."""
    check_equal(f"{name}: terms found, less the true ones", sorted(set(found) - set(true)), [])
    check_equal(f"{name}: true terms that were not found", sorted(set(true) - set(found)), [])
    both = set(found) & set(true)
    worst = max((abs(found[t][0] / true[t] - 1) for t in both), default=np.nan)
    check_below(f"{name}: worst relative error of a coefficient", worst, bound)


def check_errors(name, found, true, most):
    """Errors in units of the standard errors."""
    worst = max(abs(found[t][0] - true[t]) / found[t][1] for t in true if t in found)
    check_below(f"{name}: worst error in standard errors", worst, most)


def write_data(path, times, states, names=None, lengths=None):
    """A data set as docs/formats.md has it: times [T] or [S][T], states [S][T][D]."""
    with h5py.File(path, "w") as file:
        file["time"] = times
        file["states"] = states
        if names:
            file["names"] = names
        if lengths is not None:
            file["length"] = np.asarray(lengths, dtype=np.int64)
