"""Errors of the library are PETSc's, with the library's text, and a program that handles errors goes on after each (errors.c)."""
import h5py
import numpy as np

from support import neurlp, run, true, verdict

with open("fit.yaml", "w") as file:
    file.write("""task: discover
data: {generate: {system: lotka_volterra, systems: 12, samples: 41, step: 0.1, parameters: {a: {uniform: [1, 2]}}}}
dynamics: {sharing: per_system, library: {polynomial: 2}}
""")
neurlp("run", "fit.yaml")
with h5py.File("data.h5", "w") as file:
    file["states"] = np.zeros((2, 3, 1))
with open("fit.h5", "rb") as whole, open("cut.h5", "wb") as half:
    content = whole.read()
    half.write(content[:len(content) // 2])

expected = {
    "no such file": ("Unexpected data in file", "nowhere.h5 cannot be read: No such file or directory"),
    "no result": ("Unexpected data in file", "data.h5"),
    "half a file": ("Unexpected data in file", "cut.h5"),
    "no equation": ("Argument out of range", "there is no equation 2; there are 0 to 1"),
    "no whole points": ("Nonconforming object sizes", "a vector of 25 numbers does not consist of points with 2 fields"),
    "matrix of it": ("Nonconforming object sizes", "a vector of 25 numbers has no whole number of points with 2 states"),
    "other points": ("Nonconforming object sizes", "equations for 12 systems, and there are 13 points"),
    "right points": ("no error", ""),
    "other fields": ("Nonconforming object sizes", "the DMDA has 3 fields, and the learned equations 2 states"),
    "other names": ("Arguments are incompatible", "field 0 of the DMDA is 'z', and state 0 of the learned equations 'x'"),
    "right names": ("no error", "")}
for ranks in (1, 2):
    output = run("errors", "-result fit.h5 -data data.h5 -cut cut.h5", plugin=False, ranks=ranks)
    lines = dict(line.split(": ", 1) for line in output.splitlines() if ": " in line)
    true(f"{ranks} ranks: each is tried, and nothing is left behind", lines.keys() == expected.keys() and "left" not in output, output)
    for what, (kind, text) in expected.items():
        line = lines.get(what, "")
        true(f"{ranks} ranks: {line}", line.startswith(f"{kind}, ") and text in line, output)
verdict()
