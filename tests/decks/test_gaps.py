"""Data as they are: missing samples, irregular times, trajectories of different lengths, a part of a file.

Standard errors are tested by themselves (test_standard_errors.py); here true values must lie within five of them,
and the standard errors must be small enough for that to mean something.
"""
import numpy as np

from support import (LORENZ, check, check_below, check_equal, check_errors, check_terms, run, verdict, write_data)

MISSING = """
task: discover
data:
  generate: {system: lorenz, samples: 4000, step: 0.01, noise: 0.01, missing: 0.3}
dynamics: {library: {polynomial: 2}}
"""

IRREGULAR = """
task: fit
data: {file: measured.csv, time: seconds}
dynamics:
  equations: ["x' = a*x - b*x*y", "y' = -c*y + d*x*y"]
  parameters: {a: 1, b: 1, c: 1, d: 1}
block: {order: 4, step: 0.05, window: 0}
"""

RAGGED = """
task: fit
data: {file: lengths.h5}
dynamics:
  equations: ["x' = r*x*(1 - x/K)"]
  parameters: {r: 1, K: 1}
  sharing: per_system
block: {window: 0, order: 4}
"""


def rk4(flow, x, times, most):
    """A solution at `times`, by classical Runge-Kutta steps of at most `most`."""
    found = [np.asarray(x, float)]
    for begin, end in zip(times[:-1], times[1:]):
        n = int(np.ceil((end - begin) / most))
        h, x = (end - begin) / n, found[-1]
        for _ in range(n):
            k1 = flow(x)
            k2 = flow(x + h / 2 * k1)
            k3 = flow(x + h / 2 * k2)
            k4 = flow(x + h * k3)
            x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        found.append(x)
    return np.array(found)


def logistic(t, r, K, x0):
    return K / (1 + (K / x0 - 1) * np.exp(-r * t))


def check_parameters(name, found, true, precision):
    check_errors(name, found, true, 5)
    check_below(f"{name}: largest relative standard error", max(found[p][1] / abs(true[p]) for p in true), precision)


def missing():
    found = run("missing", MISSING, ranks=2)
    check_terms("missing", found.terms(), LORENZ, 0.02)
    check_errors("missing", found.terms(), LORENZ, 5)


def irregular():
    rng = np.random.default_rng(11)
    true = {"a": 1.1, "b": 0.4, "c": 1.3, "d": 0.3}
    times = np.cumsum(rng.exponential(0.15, 150)) # gaps from nothing to almost a time unit
    states = rk4(lambda x: np.array([true["a"] * x[0] - true["b"] * x[0] * x[1],
                                     -true["c"] * x[1] + true["d"] * x[0] * x[1]]), [3, 2], times, 1e-3)
    states += 0.05 * rng.standard_normal(states.shape)
    lines = [f"{t!r},{x!r},{y!r}" for t, (x, y) in zip(times.tolist(), states.tolist())]
    lines[40] = lines[40].rsplit(",", 1)[0] + ","      # one empty cell: a missing sample
    with open("measured.csv", "w") as file:
        file.write("# made by a test\nseconds,x,y\n" + "\n".join(lines) + "\n")
    found = run("irregular", IRREGULAR)
    check_parameters("irregular", found.parameters(), true, 0.02)
    check("irregular: times are kept to the last bit", (found["solution/time"][0] == times).all())


def ragged():
    rng = np.random.default_rng(5)
    lengths = [40, 100, 55, 12, 80]
    true = [(1.0, 1.0), (0.7, 2.0), (1.5, 0.5), (1.3, 1.5), (0.9, 0.8)]
    states = np.full((5, 100, 1), np.nan)
    for s, ((r, K), n) in enumerate(zip(true, lengths)):
        states[s, :n, 0] = logistic(0.2 * np.arange(n), r, K, 0.1) + 0.005 * rng.standard_normal(n)
    write_data("lengths.h5", 0.2 * np.arange(100), states, ["x"], lengths)
    found = run("ragged", RAGGED, ranks=2)
    for s, (r, K) in enumerate(true):
        if lengths[s] >= 40:                            # the shortest ends before it bends
            check_parameters(f"ragged, system {s}", found.parameters(s), {"r": r, "K": K}, 0.05)
    fitted = np.isfinite(found["solution/states"][:, :, 0]).sum(axis=1)
    check_equal("ragged: samples with a solution", fitted.tolist(), lengths)


def part_of_a_file():
    t = 0.1 * np.arange(200)
    write_data("long.h5", t, np.stack([np.cos(t), logistic(t, 1.2, 2, 0.1)], axis=-1)[None], ["c", "x"])
    found = run("part", RAGGED.replace("lengths", "long"), "data.states=[x]", "data.first=10", "data.end=101",
                "data.stride=3")
    check_equal("part: samples", found["solution/time"].shape[1], 31)
    check_below("part: first time against that of sample 10", abs(found["solution/time"][0, 0] - t[10]), 0)
    got = found.parameters()
    # samples or a state read from the wrong place would put these off by tens of percent
    check_below("part: relative error of r", abs(got["r"][0] / 1.2 - 1), 1e-3)
    check_below("part: relative error of K", abs(got["K"][0] / 2 - 1), 1e-3)


missing()
irregular()
ragged()
part_of_a_file()
verdict()
