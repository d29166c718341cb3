"""A system of NaNs, in every task: it has its own status, the program says so, and the others' numbers are what they
are without it, bit for bit. Training, which has nothing to learn from it, refuses it by name. test_nan.py PROBLEMS.h5. Fits are in tests/decks/test_failures.py."""
import pathlib
import sys

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "decks"))
from support import Run, check, check_equal, command, run, verdict, write_data

SOME_FAILED = 5


def make(name, arguments, code, ranks):
    """A command that writes `name`.h5."""
    got, said = command([*arguments, "-o", f"{name}.h5"], ranks)
    if not check_equal(f"{name}: exit status ({ranks} ranks)", got, code):
        print(said)
    return Run(got, said, f"{name}.h5")


def solve():
    group = "hermite_single_order3"
    for name, bad in (("pure", None), ("bad", 2)):
        with h5py.File(sys.argv[1]) as source, h5py.File(f"problem_{name}.h5", "w") as file:
            source.copy(group, file)
            if bad is not None:
                for array in ("coefficients", "rhs"):
                    file[group][array][bad] = np.nan
    pure = make("solved_pure", ["solve", "problem_pure.h5"], 0, 1)
    for ranks in (1, 3):
        mixed = make("solved_bad", ["solve", "problem_bad.h5"], SOME_FAILED, ranks)
        status = mixed[f"{group}/status"]
        others = np.arange(len(status)) != 2
        check("solve: only that system failed", status[2] != 0 and not status[others].any())
        check("solve: it has no solution", np.isnan(mixed[f"{group}/solution"][2]).all())
        for array in ("solution", "grad_coefficients", "grad_rhs", "grad_initial_values", "grad_steps"):
            same = mixed[f"{group}/{array}"][others].tobytes() == pure[f"{group}/{array}"][others].tobytes()
            check(f"solve: the others' {array}, bit for bit", same)


SIMULATE = """
task: simulate
data:
  generate: {equations: {x: v, v: "-x - 0.1*v^3"}, initial: {x: 1, v: 0}, systems: 6, samples: 30, step: 0.1, initial_file: %s}
"""


def simulate():
    start = np.random.default_rng(4).uniform(-1, 1, (6, 1, 2))
    write_data("start_pure.h5", np.zeros(1), start, ["x", "v"])
    start[1, 0, 0] = np.nan
    write_data("start_nan.h5", np.zeros(1), start, ["x", "v"])
    for name in ("pure", "nan"):
        pathlib.Path(f"simulate_{name}.yaml").write_text(SIMULATE % f"start_{name}.h5")
    pure = make("simulated_pure", ["simulate", "simulate_pure.yaml"], 0, 1)
    for ranks in (1, 3):
        mixed = make("simulated_nan", ["simulate", "simulate_nan.yaml"], SOME_FAILED, ranks)
        others = np.arange(6) != 1
        check("simulate: the program says how many", "1 of 6 systems" in mixed.said)
        check("simulate: that system is NaN", np.isnan(mixed["states"][1]).all())
        check("simulate: the others, bit for bit", mixed["states"][others].tobytes() == pure["states"][others].tobytes())


TRAIN = """
task: train
data: {file: %s}
dynamics: {library: {polynomial: 1}}
block: {order: 2, window: 10}
networks: {rates: [flatten, {dense: 4}, tanh, {dense: output}]}
inputs: {coefficients: {constant: [0, 1, 0]}, rhs: library, weights: {network: rates}, initial_values: data, steps: data}
loss: [{of: solution}]
train: {stride: 10, batch: 4, shards: 2, epochs: 2}
"""


def train():
    """A trajectory of NaNs says nothing to train with: it is named, before anything is computed."""
    t = 0.1 * np.arange(30)
    states = np.array([[np.cos(t + p), -np.sin(t + p)] for p in (0, 1, 2, 3)]).transpose(0, 2, 1)
    states[2] = np.nan
    write_data("train_nan.h5", t, states, ["x", "v"])
    for ranks in (1, 2):
        found = run("trained_nan", TRAIN % "train_nan.h5", ranks=ranks, code=3)
        check("train: the trajectory is named", "trajectory 2 is missing" in found.said, found.said.strip())
        check("train: nothing is written", found.path is None)


solve()
simulate()
train()
verdict()
