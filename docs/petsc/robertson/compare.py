"""Robertson's species in many cells: how much work TS types need for an accuracy.

usage: compare.py PROGRAM PLUGIN [--cells 100000] [--target 1e-5] [--tightest 9] [--launch "mpirun -n 8"]

PROGRAM is robertson.c, compiled; PLUGIN is libneurlp_petsc.so. Each type is run with tighter and tighter tolerances, 1e-3,
1e-4, ... (to 1e-9, or what --tightest says), until the worst relative error of any number at the end is below the target; that run is its row of the table.
The reference is arkimex of order 5 with a relative tolerance of 1e-10. Times are of TSSolve alone, in seconds, all from this run.
"""
import argparse
import re
import subprocess
import sys

import numpy as np

REFERENCE = "-ts_type arkimex -ts_arkimex_type 5 -ts_arkimex_fully_implicit"
TYPES = {"bdf, order 2": "-ts_type bdf", "bdf, order 4": "-ts_type bdf -ts_bdf_order 4", "arkimex": "-ts_type arkimex -ts_arkimex_fully_implicit",
         "arkimex, type 5": REFERENCE, "neurlp": "-ts_type neurlp",
         "neurlp, d = 4": "-ts_type neurlp -ts_neurlp_order 4"}


def vector(path):
    with open(path, "rb") as file:
        return np.frombuffer(file.read()[8:], ">f8").astype(float)


def run(arguments, options, tolerance):
    """Steps, evaluations of f, seconds, and the solution."""
    words = [*arguments.launch.split(), arguments.program, "-dll_append", arguments.plugin, "-cells", str(arguments.cells),
             *options.split(), "-ts_rtol", str(tolerance), "-ts_atol", str(1e-5 * tolerance), "-ts_max_steps", "10000000",
             "-solution", "compare.bin", "-ts_view"]
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        return None  # a type may fail at loose tolerances
    steps, seconds = re.search(r"cells, (\d+) steps, \d+ rejected, ([0-9.]+) s", done.stdout).groups()
    calls = re.search(r"total number of RHS function evaluations=(\d+)", done.stdout)
    return int(steps), int(calls[1]), float(seconds), vector("compare.bin")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("plugin")
    parser.add_argument("--cells", type=int, default=100000)
    parser.add_argument("--target", type=float, default=1e-5)
    parser.add_argument("--tightest", type=int, default=9)
    parser.add_argument("--launch", default="")
    arguments = parser.parse_args()
    reference = run(arguments, REFERENCE, 1e-10)
    if reference is None:
        sys.exit("the reference run failed")
    failed = False
    print(f"{arguments.cells} cells, t = 40, worst relative error below {arguments.target:g}")
    print("| type | tolerance | error | steps | evaluations of f | seconds |\n|---|---|---|---|---|---|")
    for name, options in TYPES.items():
        for tolerance in [10.0**-i for i in range(3, arguments.tightest + 1)]:
            result = run(arguments, options, tolerance)
            error = np.inf if result is None else np.abs(result[3] / reference[3] - 1).max()
            if error <= arguments.target:
                break
        failed = failed or error > arguments.target
        steps, calls, seconds = result[:3] if result else (0, 0, 0)
        print(f"| {name} | {tolerance:.0e} | {error:.1e} | {steps} | {calls} | {seconds:.2f} |", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
