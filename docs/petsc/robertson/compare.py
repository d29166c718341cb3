"""Robertson's species in many cells: how much work TS types need for an accuracy.

usage: compare.py PROGRAM PLUGIN [--cells 100000] [--target 1e-5] [--tightest 9] [--trial 1000] [--repeat 1] [--launch "mpirun -n 8"]

PROGRAM is robertson.c, compiled; PLUGIN is libneurlp_petsc.so. Each type is run on --trial cells with tighter and tighter
tolerances, 1e-3, 1e-4, ... (to 1e-9, or what --tightest says), until the worst relative error of any number at the end is below
the target, and with that tolerance on all cells: its row of the table. The reference is LSODA, as scipy has it, at a
tolerance of 1e-13, for the first 24 cells, whose rates are spread over their range as those of all are.

Seconds are of the processor, user and system, of all ranks, the least of --repeat runs, less those of a run without steps; so
they mean something on a machine that does other things, too.
"""
import argparse
import os
import re
import resource
import subprocess
import sys

import numpy as np
from scipy.integrate import solve_ivp

TYPES = {"bdf, order 2": "-ts_type bdf", "bdf, order 4": "-ts_type bdf -ts_bdf_order 4",
         "arkimex": "-ts_type arkimex -ts_arkimex_fully_implicit",
         "arkimex, type 5": "-ts_type arkimex -ts_arkimex_type 5 -ts_arkimex_fully_implicit", "neurlp": "-ts_type neurlp",
         "neurlp, d = 4": "-ts_type neurlp -ts_neurlp_order 4"}
SAMPLE = 24


def reference(cell, final_time=40):
    """The state at the end of a cell, whose rates robertson.c chooses by its number."""
    x = np.array([0.6180339887, 0.7548776662, 0.5698402910]) * (cell + 1)
    k1, k2, k3 = np.array([0.04, 1e4, 3e7]) * 2**(2 * (x - np.floor(x)) - 1)

    def f(t, u):
        return [-k1 * u[0] + k2 * u[1] * u[2], k1 * u[0] - k2 * u[1] * u[2] - k3 * u[1]**2, k3 * u[1]**2]

    def jacobian(t, u):
        return [[-k1, k2 * u[2], k2 * u[1]], [k1, -k2 * u[2] - 2 * k3 * u[1], -k2 * u[1]], [0, 2 * k3 * u[1], 0]]

    solved = solve_ivp(f, (0, final_time), [1, 0, 0], "LSODA", jac=jacobian, rtol=1e-13, atol=1e-20)
    assert solved.success, solved.message
    return solved.y[:, -1]


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(arguments, cells, options, tolerance, exact):
    """Steps, evaluations of f and of its Jacobian, seconds, and the error; None if the type failed, as it may at loose tolerances."""
    words = [*arguments.launch.split(), arguments.program, "-dll_append", arguments.plugin, "-cells", str(cells), *options.split(),
             "-ts_rtol", str(tolerance), "-ts_atol", str(1e-5 * tolerance), "-solution", "compare.bin", "-ts_view"]
    if "-ts_max_steps" not in options:
        words += ["-ts_max_steps", "10000000"]
    begin = processor_seconds()
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")})
    seconds = processor_seconds() - begin
    if done.returncode:
        return None
    steps = re.search(r"cells, (\d+) steps", done.stdout)[1]
    calls = [re.search(rf"total number of {what} evaluations=(\d+)", done.stdout) for what in ("RHS function", "RHS Jacobian")]
    with open("compare.bin", "rb") as file:
        end = np.frombuffer(file.read()[8:8 + 8 * exact.size], ">f8").astype(float).reshape(exact.shape)
    return int(steps), *[int(c[1]) if c else 0 for c in calls], seconds, np.abs(end / exact - 1).max()


def find_tolerance(arguments, options, exact):
    """The loosest tolerance that reaches the target, or None."""
    for tolerance in [10.0**-i for i in range(3, arguments.tightest + 1)]:
        result = run(arguments, min(arguments.trial, arguments.cells), options, tolerance, exact)
        if result and result[4] <= arguments.target:
            return tolerance
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("plugin")
    parser.add_argument("--cells", type=int, default=100000)
    parser.add_argument("--target", type=float, default=1e-5)
    parser.add_argument("--tightest", type=int, default=9)
    parser.add_argument("--trial", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--launch", default="")
    arguments = parser.parse_args()
    exact = np.array([reference(cell) for cell in range(min(SAMPLE, arguments.cells, arguments.trial))])
    idle = min(run(arguments, arguments.cells, "-ts_type bdf -ts_max_steps 0", 1e-3, exact)[3] for _ in range(arguments.repeat))
    failed = False
    print(f"{arguments.cells} cells, t = 40, worst relative error below {arguments.target:g}")
    print("| type | tolerance | error | steps | evaluations of f | of its Jacobian | seconds |\n|---|---|---|---|---|---|---|")
    for name, options in TYPES.items():
        tolerance = find_tolerance(arguments, options, exact)
        runs = [run(arguments, arguments.cells, options, tolerance, exact) for _ in range(arguments.repeat)] if tolerance else []
        if not runs or None in runs:
            failed = True
            print(f"| {name} | not reached | | | | | |", flush=True)
            continue
        steps, calls, jacobians, _, error = runs[0]
        seconds = min(r[3] for r in runs) - idle
        failed = failed or error > arguments.target
        print(f"| {name} | {tolerance:.0e} | {error:.1e} | {steps} | {calls} | {jacobians} | {seconds:.2f} |", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
