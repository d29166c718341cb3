"""The baselines of ODEBench, on the data that tests/bench/odebench/run.py has left in its FOLDER.

    python3 tests/bench/baselines/odebench_sindy.py FOLDER [--check]

Variants: `strong` (derivatives by Savitzky-Golay filters of 5, 9 and 17 samples), `weak` (test functions of 15 and 31
samples), and `strong ensemble` (9), `weak ensemble` (31) with 20 bootstrap samples. Each is run with all candidate
libraries but the two with constants inside, and ten thresholds from 1e-3 to 3. Of each variant's fits, whatever the
library, window and threshold, that is taken whose trajectory, integrated from the first filtered sample, has the least
information criterion against the noisy data: the same criterion as for the direct method. --check compares the
regression with PySINDy's.
"""
import argparse
import csv
import pathlib
import sys

import h5py
import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.signal import savgol_filter

import sindy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "odebench"))
import libraries  # noqa: E402
import run  # noqa: E402
import score  # noqa: E402

THRESHOLDS = np.geomspace(1e-3, 3, 10)
VARIANTS = {"strong": (5, 9, 17), "weak": (15, 31), "strong ensemble": (9,), "weak ensemble": (31,)}
STEP = 10 / (run.SAMPLES - 1)
SUBSTEPS = 4


def compile_library(library, dimensions):
    """Terms as text, and a function from states [..., D] to features [..., L]."""
    terms = score.library_terms(library, dimensions)
    compiled = sp.lambdify(list(score.symbols(dimensions).values()), terms, "numpy", cse=True)

    def evaluate(states):
        columns = compiled(*np.moveaxis(states, -1, 0))
        return np.stack([np.broadcast_to(c, states.shape[:-1]) for c in columns], axis=-1)
    return [str(t).replace("**", "^") for t in terms], evaluate


def write(texts, coefficients):
    """Right-hand sides as text."""
    return [" + ".join(f"({c!r})*{t}" for c, t in zip(row.tolist(), texts) if c != 0) or "0" for row in coefficients]


def march(evaluate, coefficients, start):
    """Classical Runge-Kutta for many equations at once: coefficients [C][D][L], start [C][D] -> [C][T][D]."""
    def flow(x):
        return np.einsum("cdl,cl->cd", coefficients, evaluate(x))
    x, h, out = start.copy(), STEP / SUBSTEPS, [start]
    with np.errstate(all="ignore"):
        for _ in range(run.SAMPLES - 1):
            for _ in range(SUBSTEPS):
                a = flow(x)
                b = flow(x + h / 2 * a)
                c = flow(x + h / 2 * b)
                x = x + h / 6 * (a + 2 * b + 2 * c + flow(x + h * c))
                x[~(np.abs(x) < 1e8).all(axis=1)] = np.nan
            out.append(x)
    return np.stack(out, axis=1)


def fits(data, evaluate, variant, seed):
    """Coefficients [D][L] for all windows and thresholds; alike ones once."""
    random = np.random.default_rng(seed)
    found = {}
    for window in VARIANTS[variant]:
        rows = sindy.weak_rows if variant.startswith("weak") else sindy.strong_rows
        with np.errstate(all="ignore"):
            left, right = rows(evaluate, data, STEP, window)
        if not np.isfinite(left).all() or not np.isfinite(right).all():
            continue
        for threshold in THRESHOLDS:
            if "ensemble" in variant:
                c = np.array([sindy.ensemble(left, right[:, k], threshold, random) for k in range(data.shape[1])])
            else:
                c = np.array([sindy.stlsq(left, right[:, k], threshold) for k in range(data.shape[1])])
            found[c.tobytes()] = c
    return list(found.values())


def integrate(evaluate, coefficients, start):
    def flow(_, x):
        return coefficients @ evaluate(x)

    def escaped(_, x):
        return 1e8 - np.abs(x).max()
    escaped.terminal = True
    with np.errstate(all="ignore"):
        try:
            done = solve_ivp(flow, (0, 10), start, "LSODA", np.linspace(0, 10, run.SAMPLES), rtol=1e-8, atol=1e-10,
                             events=escaped)
        except ValueError:
            return None
    return done.y.T if done.y.shape[1] == run.SAMPLES else None


def one_system(folder, number, cases):
    """Lines of the table for all noises and seeds of one system; many equations are marched side by side."""
    with h5py.File(folder / f"{number}_clean.h5") as file:
        clean = file["states"][()]
    sets = {}
    for noise, seed in cases:
        with h5py.File(folder / f"{number}_{noise}_{seed}.h5") as file:
            sets[noise, seed] = file["states"][0]
    best = {}
    tried_libraries = [library for library in libraries.candidates(clean.shape[2]) if not library.part]
    able = score.expressible(number, tried_libraries)
    for library in tried_libraries:
        texts, evaluate = compile_library(library, clean.shape[2])
        tried = [(noise, seed, variant, c) for (noise, seed), data in sets.items() for variant in VARIANTS
                 for c in fits(data, evaluate, variant, int(seed))]
        if not tried:
            continue
        starts = np.array([savgol_filter(sets[n, s], 9, 3, axis=0)[0] for n, s, _, _ in tried])
        ways = march(evaluate, np.array([c for *_, c in tried]), starts)
        for (noise, seed, variant, c), way in zip(tried, ways):
            data = sets[noise, seed]
            if not np.isfinite(way).all():
                continue
            value = score.criterion(way, data, np.count_nonzero(c) + data.shape[1])
            if value < best.get((noise, seed, variant), (np.inf,))[0]:
                best[noise, seed, variant] = (value, library.name, texts, evaluate, c)
    for noise, seed in cases:
        for variant in VARIANTS:
            line = dict(system=number, noise=noise, seed=seed, variant=variant, library="none", expressible=int(able),
                        reconstruction=-np.inf, generalisation=-np.inf, exact=0)
            if (noise, seed, variant) in best:
                _, name, texts, evaluate, c = best[noise, seed, variant]
                line |= dict(library=name, exact=int(score.exact(number, write(texts, c), False)))
                for key, true in (("reconstruction", clean[0]), ("generalisation", clean[1])):
                    way = integrate(evaluate, c, true[0])
                    line[key] = -np.inf if way is None else score.r2(true, way)
            yield line


def check():
    """The same coefficients as PySINDy's STLSQ on features with noise."""
    import pysindy
    random = np.random.default_rng(1)
    features = random.normal(size=(150, 10))
    target = features @ np.array([2, 0, -1, 0.3, 0, 0, 0, 0.05, 0, 0]) + 0.1 * random.normal(size=150)
    worst = 0
    for threshold in (0.02, 0.1, 0.5):
        theirs = pysindy.STLSQ(threshold=threshold, alpha=0).fit(features, target[:, None]).coef_[0]
        worst = max(worst, np.abs(theirs - sindy.stlsq(features, target, threshold)).max())
    print(f"largest difference from PySINDy {pysindy.__version__}'s coefficients: {worst:.1e} <= 1e-10")
    sys.exit(worst > 1e-10)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--systems", default="1-63", help="such as 24-51, to share the work")
    parser.add_argument("--check", action="store_true")
    a = parser.parse_args()
    if a.check:
        check()
    lines = []
    first, last = map(int, a.systems.split("-"))
    with open(a.folder / f"sindy_{a.systems}.csv", "w", newline="") as out:
        writer = None
        for number in range(first, last + 1):
            cases = sorted(tuple(p.stem.split("_")[1:]) for p in a.folder.glob(f"{number}_*_*.h5")
                           if "clean" not in p.stem)
            for line in one_system(a.folder, number, cases) if cases else ():
                writer = writer or csv.DictWriter(out, line)
                if not lines:
                    writer.writeheader()
                lines.append(line)
                writer.writerow(line)
            out.flush()
            print(f"system {number} done", flush=True)
    for variant in VARIANTS:
        print(variant)
        run.summary([l for l in lines if l["variant"] == variant])


if __name__ == "__main__":
    main()
