"""Shipped decks, each with what it must show. The argument names the deck.

The bounds on the coefficients are the promises that README.md and the decks' comments make.
"""
import sys

import numpy as np

from support import (DECKS, LORENZ, check, check_below, check_equal, check_errors, check_terms, run, verdict)


def lorenz():
    found = run("lorenz", DECKS / "lorenz.yaml", ranks=2)
    check_terms("lorenz", found.terms(), LORENZ, 1e-3)


def lorenz_noise():
    for noise, bound in ((0.05, 0.02), (0.1, 0.05)):
        name = f"lorenz_noise_{noise}"
        found = run(name, DECKS / "lorenz_noise.yaml", f"data.generate.noise={noise}", ranks=2)
        check_terms(name, found.terms(), LORENZ, bound)
        check_errors(name, found.terms(), LORENZ, 4)
        levels = noise * np.sqrt(np.nanmean(found["solution/states"][0] ** 2, axis=0))
        # 10,000 numbers: the level of their noise is known to 1/sqrt(20,000), here four times that; and the 7
        # coefficients and 49 windows' initial values take less than 2 % of the degrees of freedom
        worst = np.max(np.abs(found["metrics/noise"][0] / levels - 1))
        check_below(f"{name}: noise found, relative to the noise added", worst, 4 / np.sqrt(2e4))
    for seed in (2, 3, 4):
        name = f"lorenz_noise_seed_{seed}"
        found = run(name, DECKS / "lorenz_noise.yaml", f"run.seed={seed}", ranks=2)
        check_terms(name, found.terms(), LORENZ, 0.02)
        # 21 numbers at four standard errors: by chance once in 700 such tests
        check_errors(name, found.terms(), LORENZ, 4)


def pelts():
    # as in input_decks/data/README.md: the estimates to three digits, the standard errors to two
    expected = {"a": (0.4812, 0.035), "b": (0.02483, 0.0016), "c": (0.9260, 0.073), "d": (0.02753, 0.0021),
                "hare": (34.91, 1.6), "lynx": (3.862, 0.59)}
    found = run("pelts", DECKS / "pelts.yaml", ranks=2)
    got = found.parameters()
    initial, errors = found["solution/initial_values"][0, :, 0], found["solution/initial_errors"][0, :, 0]
    got.update(zip(found.texts("states"), zip(initial, errors)))
    for name, (value, error) in expected.items():
        check_equal(f"{name} to three digits", f"{got[name][0]:.3g}", f"{value:.3g}")
        check_equal(f"{name}: standard error to two digits", f"{got[name][1]:.2g}", f"{error:.2g}")
    squares = found["metrics/sum_of_squares"].sum()
    check_equal("sum of squares to six digits", f"{squares:.3f}", "594.745")
    correlation = found["equations/correlation"][0]
    check_below("correlations: diagonal less 1", np.abs(np.diag(correlation) - 1).max(), 1e-14)
    check("correlations: symmetric and below 1", bool((correlation == correlation.T).all()
                                                    and np.abs(correlation).max() < 1 + 1e-14))


def jupiter():
    found = run("jupiter", DECKS / "jupiter.yaml", ranks=2)
    check_below("GM against the ephemeris' Sun plus Jupiter, relative",
                abs(found.parameters()["GM"][0] / 2.961947428765e-4 - 1), 1e-3)


def ensemble():
    found = run("ensemble", DECKS / "ensemble.yaml", ranks=2)
    names, true_names = found.texts("equations/parameter_names"), found.texts("truth/parameter_names")
    got, true = found["equations/parameters"], found["truth/parameters"]
    check_equal("systems", got.shape[0], 10000)
    check_equal("systems that failed", int((found["status"] != 0).sum()), 0)
    for name in ("r", "K"):
        exact = true[:, true_names.index(name)]
        error = np.abs(got[:, names.index(name)] / exact - 1)
        check_below(f"median relative error of {name}", np.median(error), 0.01)


{f.__name__: f for f in (lorenz, lorenz_noise, pelts, jupiter, ensemble)}[sys.argv[1]]()
verdict()
