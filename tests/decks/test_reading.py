"""What others read: neurlp validate on every shipped deck, neurlp inspect, h5dump and h5py on results; and how the
data sets of a result describe themselves."""
import shutil
import subprocess

import h5py
import numpy as np

from support import DECKS, check, check_below, check_equal, command, run, verdict

DECK = """
task: %s
title: a small one
data:
  generate: {system: lotka_volterra, systems: 3, samples: 60, noise: 0.01}
dynamics: %s
"""

FIT = DECK % ("fit", """
  equations: ["x' = a*x - b*x*y", "y' = -c*y + d*x*y"]
  parameters: {a: 1.4, b: 1.1, c: 2.8, d: 1.1}
  sharing: per_system""")
DISCOVER = DECK % ("discover", "{library: {polynomial: 2}}")


def validate():
    for deck in sorted(DECKS.glob("*.yaml")):
        code, said = command(["validate", deck], ranks=2)
        check_equal(f"validate {deck.name}", code, 0)
        check(f"validate {deck.name}: memory and the whole deck", "memory" in said and "seed: 1" in said)
        if code:
            print(said)


def describe(path):
    """Every data set says what it is; every extent of an array of numbers has a name, and lists of names are
    attached to the extents that they name."""
    silent, unlabelled, without_units = [], [], []

    def look(name, item):
        if not isinstance(item, h5py.Dataset):
            return
        item[()]
        if not item.attrs.get("long_name"):
            silent.append(name)
        if item.dtype.kind in "if" and not all(dimension.label for dimension in item.dims):
            unlabelled.append(name)
        if item.dtype.kind == "f" and "units" not in item.attrs:
            without_units.append(name)

    with h5py.File(path) as file:
        file.visititems(look)
        scale = file["solution/states"].dims[2]
        check(f"{path}: the states' names are a scale of the solution",
              len(scale) == 1 and list(scale[0].asstr()) == ["x", "y"])
        attributes = list(file.attrs)
    check_equal(f"{path}: data sets without long_name", silent, [])
    check_equal(f"{path}: numbers with an extent that has no name", unlabelled, [])
    check_equal(f"{path}: numbers without units", without_units, [])
    for name in ("schema", "program", "commit", "command_line", "deck", "seed", "ranks", "date"):
        check(f"{path}: attribute {name}", name in attributes)


def results():
    for name, deck in (("fit", FIT), ("discover", DISCOVER)):
        found = run(name, deck, ranks=2)
        describe(found.path)
        code, said = command(["inspect", found.path])
        check_equal(f"inspect {name}.h5", code, 0)
        check(f"inspect {name}.h5: says what it is", "result" in said and "3 systems" in said, said.splitlines()[0])
        states, window = found["solution/states"], found["metrics/window"]
        check_equal(f"{name}: extents of the solution", states.shape, (3, 60, 2))
        squares = found["metrics/sum_of_squares"].sum(axis=0)
        check(f"{name}: windows are not longer than the data", bool((window <= 60).all()))
        check(f"{name}: sums of squares are finite and positive", bool((np.isfinite(squares) & (squares > 0)).all()))
        tool = shutil.which("h5dump")
        if not tool:
            print("skipped: h5dump is not installed (Debian: hdf5-tools)")
            continue
        dump = subprocess.run([tool, "-H", found.path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        check_equal(f"h5dump -H {name}.h5", dump.returncode, 0)
        check(f"h5dump -H {name}.h5: lists the solution", 'DATASET "states"' in dump.stdout)


def the_text_is_the_result():
    """The resolved deck kept in a result gives that result again."""
    first = run("first", FIT)
    with h5py.File(first.path) as file:
        text = file.attrs["deck"]
    again = run("again", text)
    worst = np.abs(again["equations/parameters"] - first["equations/parameters"]).max()
    check_below("a run of the deck that a result keeps: largest difference", worst, 0)


def options():
    plain = run("plain", FIT)
    late = run("at 12:30", FIT)
    check("a name with a colon: the same parameters", late["equations/parameters"].tobytes() ==
          plain["equations/parameters"].tobytes())
    small = run("small", FIT, "output.solution=false", "output.compress=4")
    with h5py.File(small.path) as file:
        check("output.solution=false: no states", "solution/states" not in file)
        check("output.solution=false: initial values stay", "solution/initial_values" in file)
        check_equal("output.compress=4", file["equations/parameters"].compression, "gzip")
    check("compression changes no number", small["equations/parameters"].tobytes() ==
          plain["equations/parameters"].tobytes())


validate()
results()
the_text_is_the_result()
options()
verdict()
