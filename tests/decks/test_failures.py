"""Systems that cannot be fitted, among good ones: each has its own status, the program says so with exit status 5
(or 4: finished, not converged), and the good ones are exactly what they are without them."""
import numpy as np

from support import check, check_below, check_equal, run, verdict, write_data

SUCCESS, NOT_CONVERGED, TOO_SHORT = 0, 3, 4

GOOD = [(1.0, 1.0), (0.7, 2.0), (1.5, 0.5), (1.3, 1.5), (0.9, 0.8)]
SAMPLES = 60

EACH = """
task: fit
data: {file: %s}
dynamics:
  equations: ["x' = r*x*(1 - x/K)"]
  parameters: {r: 1, K: 1}
  sharing: per_system
block: {window: 0}
"""


def good_states():
    rng = np.random.default_rng(3)
    t = 0.15 * np.arange(SAMPLES)
    states = np.array([K / (1 + (K / 0.1 - 1) * np.exp(-r * t)) for r, K in GOOD])
    return t, states + 0.005 * rng.standard_normal(states.shape)


SHARED = """
task: fit
data: {file: %s}
dynamics:
  equations: ["x' = r*x*(1 - x/K)"]
  parameters: {r: 1, K: 1}
"""


def per_system():
    t, good = good_states()
    nothing = np.full(SAMPLES, np.nan)
    two = np.where(np.arange(SAMPLES) < 2, good[0], np.nan)    # and three unknowns: r, K, x(0)
    one = np.where(np.arange(SAMPLES) == 30, 0.5, np.nan)
    huge = np.where(np.arange(SAMPLES) % 2, 1e200, -1e200) * (1 + t)     # f overflows
    bad = {1: (nothing, TOO_SHORT), 3: (two, TOO_SHORT), 4: (huge, NOT_CONVERGED), 7: (one, TOO_SHORT)}
    rows, row = [], iter(good)
    for s in range(len(good) + len(bad)):
        rows.append(bad[s][0] if s in bad else next(row))
    write_data("only_good.h5", t, good[:, :, None], ["x"])
    write_data("mixed.h5", t, np.array(rows)[:, :, None], ["x"])
    pure = run("pure", EACH % "only_good.h5")
    for ranks in (1, 3):
        both = run("with_bad_ones", EACH % "mixed.h5", ranks=ranks, code=5)
        kept = [s for s in range(len(rows)) if s not in bad]
        for s, (_, status) in bad.items():
            check_equal(f"status of system {s}", int(both["status"][s]), status)
            if status != NOT_CONVERGED:
                check(f"system {s} has no estimates", np.isnan(both["equations/parameters"][s]).all())
        check_equal("the good ones' statuses", both["status"][kept].tolist(), [SUCCESS] * len(kept))
        for name in ("equations/parameters", "equations/parameter_errors", "solution/states", "metrics/noise",
                     "solution/initial_values", "solution/initial_errors", "solution/final_values"):
            check(f"the good ones' {name}, bit for bit", both[name][kept].tobytes() == pure[name].tobytes())
        check("the program says how many", "3 failed and 1 did not converge" in both.said)


def shared():
    """A system without data, or with wild ones, beside good ones that share the parameters."""
    t = 0.15 * np.arange(SAMPLES)
    rng = np.random.default_rng(9)
    good = np.array([1 / (1 + (1 / x0 - 1) * np.exp(-t)) for x0 in (0.1, 0.2, 0.05, 0.4)])
    good += 0.005 * rng.standard_normal(good.shape)
    write_data("data_good.h5", t, good[:, :, None], ["x"])
    write_data("data_mixed.h5", t, np.insert(good, 2, np.nan, axis=0)[:, :, None], ["x"])
    pure, mixed = run("shared", SHARED % "data_good.h5"), run("shared_mixed", SHARED % "data_mixed.h5", code=5)
    check_equal("shared: statuses", mixed["status"].tolist(), [0, 0, TOO_SHORT, 0, 0])
    for name, (value, error) in pure.parameters().items():
        # the same sums in another order: what a thousandth of a standard error is for the iteration
        check_below(f"shared: {name} against that without the bad one, in standard errors",
                    abs(mixed.parameters()[name][0] - value) / error, 1e-3)


def all_bad():
    t, good = good_states()
    write_data("short.h5", t[:2], good[:1, :2, None], ["x"])
    for name, deck in (("short_each", EACH), ("short_shared", SHARED)):
        found = run(name, deck % "short.h5", code=5)
        check_equal(f"{name}: status", found["status"].tolist(), [TOO_SHORT])
        check(f"{name}: no estimates", np.isnan(found["equations/parameters"]).all())
    write_data("empty.h5", t, np.full((1, SAMPLES, 1), np.nan), ["x"])
    for name, deck in (("empty_each", EACH), ("empty_shared", SHARED)):
        found = run(name, deck % "empty.h5", ranks=2, code=5)
        check_equal(f"{name}: status", found["status"].tolist(), [TOO_SHORT])


def not_converged():
    """Too few iterations: results are written, and the status says that they are not the last word."""
    write_data("one.h5", *[(t, x[:1, :, None]) for t, x in [good_states()]][0], ["x"])
    for name, deck in (("hasty_each", EACH), ("hasty_shared", SHARED)):
        bad_start = (deck % "one.h5").replace("r: 1, K: 1", "r: 5, K: 0.3")
        found = run(name, bad_start, "learn.iterations=1", code=4)
        check_equal(f"{name}: status", found["status"].tolist(), [NOT_CONVERGED])
        check(f"{name}: estimates are there", np.isfinite(found["equations/parameters"]).all())
        check("the program says so", "did not converge" in found.said)


per_system()
shared()
all_bad()
not_converged()
verdict()
