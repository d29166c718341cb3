"""The systems of ODEBench: what the catalogue says of them against the benchmark's own text, multiplicative noise, both
initial values, and discovery on a few of them. tests/bench/odebench/ runs the whole benchmark.
"""
import json
import re

import h5py
import numpy as np

from support import DECKS, SOURCE, check, check_below, check_equal, check_terms, command, run, verdict

BENCH = json.loads((SOURCE / "tests/bench/odebench/odebench.json").read_text())["systems"]
DECK = DECKS / "odebench.yaml"

# A difference of eighth order at step h: error h^8/630 times the ninth derivative, and rounding of 1e-10 relative
# accuracy of the integration over h.
WEIGHTS = np.array([1 / 280, -4 / 105, 1 / 5, -4 / 5, 0, 4 / 5, -1 / 5, 4 / 105, -1 / 280])
STEP = 2e-3


def states(path):
    with h5py.File(path) as file:
        return file["states"][0]


def generate(name, *overrides, code=0):
    got, said = command(["generate", DECK, *overrides, "-o", f"{name}.h5"])
    if not check_equal(f"{name}: exit status", got, code):
        print(said)
    return said


def derivative(system, x):
    """The benchmark's right-hand sides at states [T][D], by NumPy."""
    names = {f"x_{i}": x[:, i] for i in range(system["dim"])}
    names |= {f"c_{i}": c for i, c in enumerate(system["constants"][0])}
    names |= {f: getattr(np, f) for f in ("sin", "cos", "exp", "log", "abs")} | {"cot": lambda u: 1 / np.tan(u)}
    return np.stack([eval(re.sub(r"\^", "**", text), {"__builtins__": {}}, names) * np.ones(len(x))
                     for text in system["equations"]], axis=1)


def catalogue():
    """The generated trajectories obey the benchmark's equations and begin where it says, system by system."""
    for system in BENCH:
        number = system["id"]
        which = 1 + number % 2
        generate("clean", f"data.generate.system=odebench_{number}", "data.generate.noise=0",
                 f"data.generate.initial_set={which}", f"data.generate.step={STEP}", "data.generate.samples=101")
        x = states("clean.h5")
        check_equal(f"{number}: first sample of set {which}", list(x[0]), [float(v) for v in system["initial"][which - 1]])
        slope = sum(w * x[i:len(x) - 8 + i] for i, w in enumerate(WEIGHTS)) / STEP
        true = derivative(system, x[4:-4])
        check_below(f"{number}: derivative against the benchmark's text, relative to the largest",
                    np.abs(slope - true).max() / np.abs(true).max(), 1e-6)


def noise():
    """x (1 + sigma N): relative deviations have the asked size whatever the state, and no mean."""
    generate("clean", "data.generate.system=odebench_3", "data.generate.noise=0", "data.generate.samples=2000",
             "data.generate.step=0.005")
    generate("noisy", "data.generate.system=odebench_3", "data.generate.noise=0.05", "data.generate.samples=2000",
             "data.generate.step=0.005")
    ratio = states("noisy.h5")[:, 0] / states("clean.h5")[:, 0] - 1
    for name, part in (("small", ratio[:1000]), ("large", ratio[1000:])):
        # a standard deviation of 1000 numbers is known to 1/sqrt(2000) of itself; four times that
        check_below(f"noise where the state is {name}: deviation relative to 5 %", abs(part.std() / 0.05 - 1), 4 / 2000 ** 0.5)
        check_below(f"noise where the state is {name}: mean", abs(part.mean()), 4 * 0.05 / 1000 ** 0.5)
    said = generate("lorenz", "data.generate.system=lorenz", "data.generate.initial_set=2", code=2)
    check("a set that is not there is refused with the key's name", "data.generate.initial_set" in said, said.strip()[-90:])


def discovery():
    """Exactly the true terms from 150 samples, and their coefficients: errors of discretisation on clean data (step 1/30,
    order 2: (1/30)^4 times some 50), of noise on the others (0.05/sqrt(150) times some 5, 0.01/sqrt(150) times 20)."""
    true = {24: {("x_0", "x_1"): 1, ("x_1", "x_0"): -2.1},
            37: {("x_0", "x_1"): 1, ("x_1", "x_0"): -1, ("x_1", "x_1"): 0.43, ("x_1", "x_0^2*x_1"): -0.43}}
    for number, degree, level, bound in ((24, 1, 0.05, 0.02), (37, 3, 0, 1e-4), (37, 3, 0.01, 0.02)):
        name = f"odebench_{number}_{level}"
        found = run(name, DECK, f"data.generate.system=odebench_{number}", f"data.generate.noise={level}",
                    f"dynamics.library.polynomial={degree}")
        check_terms(name, found.terms(), true[number], bound)
    # superfluous terms make long windows of this one diverge: they have to go before
    found = run("odebench_34_0.01", DECK, "data.generate.system=odebench_34", "data.generate.noise=0.01",
                "dynamics.library.polynomial=1", "dynamics.library.trigonometric=2", "learn.noise=proportional",
                "discover.dropping=always")
    check_terms("odebench_34_0.01", found.terms(),
                {("x_0", "x_1"): 1, ("x_1", "sin(x_0)"): -0.93, ("x_1", "sin(2*x_0)"): 0.5}, 0.02)


TWO = """
task: discover
data: {generate: {system: lorenz, systems: 2, samples: 700, step: 0.01, noise: 0.02, missing: 0.1,
                  initial: {x: {uniform: [-10, 10]}}}}
dynamics: {library: {polynomial: 2}}
output: {solution: true, data: two_data.h5}
"""


def determination():
    """metrics/clean_r2 by NumPy, of two systems with noise and gaps, and on ranks in the middle of a system; there where the
    clean trajectory is known, and only there."""
    one, three = run("two", TWO), run("two_three", TWO, ranks=3)
    with h5py.File("two_data.h5") as file:
        clean, data = file["clean"][()], file["states"][()]
    for s, value in enumerate(one["metrics/clean_r2"]):
        there = np.isfinite(one["solution/states"][s])
        errors, known = one["solution/states"][s] - clean[s], np.where(there, clean[s], np.nan)
        by_hand = np.nansum(errors ** 2) / np.nansum((known - np.nanmean(known, axis=0)) ** 2)
        # sums of some 2000 numbers; what is compared is 1e-5, so that a rounding of R2 itself is 1e-11 of it
        check_below(f"system {s}: 1 - R2 against NumPy, relative", abs((1 - value) / by_hand - 1), 1e-9)
        check_below(f"system {s}: the solution is nearer to the clean trajectory than the noise is", by_hand, 0.02 ** 2)
    check("clean_r2 is the same, bit for bit, on three ranks",
          one["metrics/clean_r2"].tobytes() == three["metrics/clean_r2"].tobytes())
    for name, there, overrides in (("without_clean", False, ["data.generate.keep_clean=false"]),
                                   ("without_noise", True, ["data.generate.keep_clean=false", "data.generate.noise=0",
                                                            "data.generate.missing=0"])):
        found = run(name, TWO, "data.generate.systems=1", *overrides)
        with h5py.File(found.path) as file:
            check_equal(f"{name}: metrics/clean_r2 is there", "metrics/clean_r2" in file, there)


catalogue()
noise()
discovery()
determination()
verdict()
