"""Checks who includes whom: imports run downward only, and the library needs nothing but BLAS and OpenMP.

usage: imports.py SOURCE_TREE

A room of src/ includes the public header, system headers, itself and the rooms listed for it below. mpi/ may
include all of them and what it likes of MPI, HDF5 and libfyaml; nothing in src/ may. To prove that it can fail,
the check is also given includes that break each rule.
"""
import pathlib
import re
import sys

BELOW = {
    "core": [],
    "expr": ["core"],
    "block": ["core"],
    "graph": ["block", "expr", "core"],
    "train": ["core"],
    "system": ["expr", "core"],
    "learn": ["system", "train", "graph", "block", "expr", "core"],
}
FOREIGN = re.compile(r"^(mpi|hdf5|hdf5_hl|cuda\w*|cublas\w*|petsc\w*|libfyaml)(\.h|/)")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def complaint(room, bracket, name):
    """Why a file of this room may not include this name; None if it may."""
    if FOREIGN.match(name):
        return f"{name} has no place below mpi/"
    if bracket == "<" or "/" not in name:
        return None
    first = name.split("/")[0]
    if first == room or first in BELOW[room]:
        return None
    return f"{name} is not below {room}/ (which may use: {', '.join(BELOW[room]) or 'nothing'})"


def main(tree):
    wrong, count = [], 0
    source = pathlib.Path(tree) / "src"
    for path in sorted(source.glob("*/**/*.[ch]")):
        room = path.relative_to(source).parts[0]
        if room not in BELOW:
            wrong.append(f"{path}: the room {room}/ has no rule in this check")
            continue
        for bracket, name in INCLUDE.findall(path.read_text()):
            count += 1
            why = complaint(room, bracket, name)
            if why:
                wrong.append(f"{path}: {why}")
    for room, bracket, name in [("core", '"', "expr/expr.h"), ("expr", '"', "block/problem.h"),
                                ("block", '"', "mpi/comm.h"), ("system", '"', "learn/model.h"),
                                ("train", '"', "graph/graph.h"),
                                ("learn", "<", "mpi.h"), ("block", "<", "cuda_runtime.h"), ("core", "<", "hdf5.h")]:
        if not complaint(room, bracket, name):
            wrong.append(f"this check does not mind {name} in {room}/")
    for sentence in wrong:
        print("FAIL", sentence)
    print(f"{count} includes below src/, {len(wrong)} complaints")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
