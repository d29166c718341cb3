"""Equations of every kind that a deck may ask for: second order, trigonometric and explicit terms, a known part,
fixed and bounded parameters, several starts, coefficients of each system, orders of the block, steps.

Without noise the block's own error decides; each bound stands beside the size of that error. With noise, true
values lie within five standard errors.
"""
import numpy as np

from support import check, check_below, check_equal, check_errors, check_terms, run, verdict

PENDULUM = """
task: discover
data:
  generate:
    {system: pendulum, systems: 5, samples: 400, step: 0.05, noise: 0.01, parameters: {omega: 1.5},
     initial: {theta: {uniform: [-2.5, 2.5]}, "theta'": {uniform: [-1, 1]}}}
dynamics:
  order: 2
  library: {polynomial: 2, trigonometric: 1}
"""

DUFFING = """
task: discover
data:
  generate: {system: duffing, samples: 3000, step: 0.05, noise: 0.01}
dynamics:
  order: 2
  equations: ["x'' = F*cos(1.2*t)"]
  parameters: {F: 1}
  library: {polynomial: 3}
"""

KNOWN = """
task: discover
data:
  generate: {system: lorenz, samples: 3000, step: 0.01, noise: 0.01}
dynamics:
  equations: ["x' = sigma*(y - x)"]
  parameters: {sigma: {start: 8, lower: 0}}
  library: {polynomial: 2}
"""

FIT = """
task: fit
data:
  generate: {system: lotka_volterra, samples: 120, step: 0.1, noise: 0.02}
dynamics:
  equations: ["x' = a*x - b*x*y", "y' = -c*y + d*x*y"]
  parameters: {a: 1, b: 0.7, c: 2, d: 0.7}
block: {window: 0, order: 4, substeps: 2}
"""
TRUE = {"a": 1.5, "b": 1.0, "c": 3.0, "d": 1.0}

EACH = """
task: discover
data:
  generate:
    {system: van_der_pol, systems: 4, samples: 1500, step: 0.05, noise: 0.01,
     parameters: {mu: {uniform: [0.5, 2]}}, initial: {x: {uniform: [1, 2]}}}
dynamics: {order: 2, library: {polynomial: 3}, sharing: per_system}
"""

SINE = """
task: fit
data:
  generate: {equations: {x: "-k*x"}, order: 2, initial: {x: 1, "x'": 0}, samples: 200, step: 0.1,
             parameters: {k: 4}}
dynamics:
  equations: ["x'' = -k*x"]
  parameters: {k: 3}
block: {window: 0}
"""


def second_order():
    # several energies: along one swing alone theta'^2, cos(theta) and 1 are not independent, for energy is constant
    true = {("theta", "sin(theta)"): -2.25}
    found = run("pendulum", PENDULUM)
    check_terms("pendulum", found.terms(), true, 0.02)
    check_errors("pendulum", found.terms(), true, 5)
    check("pendulum: the printed equation is of second order", "theta'' = " in found.said)
    check("pendulum: x' is in the library", "theta'" in found.texts("equations/terms"))
    expected = [-2.25 * (term == "sin(theta)") for term in found.texts("equations/terms")]
    # a least-squares fit at random points: roundings, times the condition of their columns
    check_below("pendulum: what the file says is true", np.abs(found["truth/coefficients"][0] - expected).max(), 1e-11)
    true = {("x", "x"): 1, ("x", "x^3"): -1, ("x", "x'"): -0.3}
    found = run("duffing", DUFFING, ranks=2)
    check_terms("duffing", found.terms(), true, 0.05)
    check_errors("duffing", found.terms(), true, 5)
    check_errors("duffing: the force", found.parameters(), {"F": 0.5}, 5)


def known_part():
    """x' is known but for sigma: the library adds nothing to it, and finds the others."""
    found = run("known", KNOWN, ranks=2)
    true = {("y", "x"): 28, ("y", "y"): -1, ("y", "x*z"): -1, ("z", "z"): -8 / 3, ("z", "x*y"): 1}
    check_terms("known part", found.terms(), true, 0.02)
    check_errors("known part", found.terms(), true, 5)
    check_errors("known part", found.parameters(), {"sigma": 10}, 5)


def parameters():
    free = run("free", FIT).parameters()
    check_errors("free", free, TRUE, 5)
    fixed = run("fixed", FIT.replace("c: 2", "c: {fixed: 3}")).parameters()
    check_equal("fixed: c keeps its value", fixed["c"][0], 3.0)
    check("fixed: c has no standard error", np.isnan(fixed["c"][1]))
    check_errors("fixed", fixed, {p: TRUE[p] for p in "abd"}, 5)
    check_below("fixed: the standard error of d, for that with c unknown", fixed["d"][1] / free["d"][1], 1)
    bounded = run("bounded", FIT.replace("c: 2", "c: {start: 2, lower: 1, upper: 2.5}"))
    check_equal("bounded: c ends at its upper bound", bounded.parameters()["c"][0], 2.5)
    check_equal("bounded: which parameters are at a bound", list(bounded["equations/at_bound"][0]), [0, 0, 1, 0])
    check_equal("bounded: how many lines of the report say so", bounded.said.count("(at its bound"), 1)
    inside = run("loose", FIT.replace("c: 2", "c: {start: 2, lower: 1, upper: 5}"))
    check_equal("loose: none is at a bound, and none is said to be",
                (int(inside["equations/at_bound"].sum()), inside.said.count("at its bound")), (0, 0))
    loose = inside.parameters()
    for p in TRUE: # bounds that are not reached change nothing but the way there
        check_below(f"loose bounds: {p} against that without, in standard errors",
                    abs(loose[p][0] - free[p][0]) / free[p][1], 1e-2)
    bad = FIT.replace("{a: 1, b: 0.7, c: 2, d: 0.7}", "{%s}" % ", ".join(
        f"{p}: {{start: {start}, lower: 0.01, upper: 10}}" for p, start in zip("abcd", (0.02, 8, 0.02, 8))))
    many = run("starts", bad, "fit.starts=20").parameters()
    for p in TRUE:
        check_below(f"20 starts: {p} against that from a good one, in standard errors",
                    abs(many[p][0] - free[p][0]) / free[p][1], 1e-2)


def each_its_own():
    found = run("each", EACH, ranks=2)
    mu = found["truth/parameters"][:, 0]
    for s in range(4):
        true = {("x", "x"): -1, ("x", "x'"): mu[s], ("x", "x^2*x'"): -mu[s]}
        check_terms(f"system {s}, mu {mu[s]:.3f}", found.terms(s), true, 0.05)
        check_errors(f"system {s}", found.terms(s), true, 5)


def block():
    """Smaller steps and higher orders bring k nearer to its true value. A harmonic oscillation of angular frequency
    2 on the block's grid has a k that is off by (2 h)^p / c: a power p that each order of the block has, and c = 12,
    240, 720, up to terms smaller by (2 h)^2."""
    for order, power, divisor in ((2, 2, 12), (3, 4, 240), (4, 4, 720)):
        for substeps in (1, 2, 4):
            found = run(f"order_{order}_{substeps}", SINE, f"block.order={order}", f"block.substeps={substeps}")
            error, angle = abs(found.parameters()["k"][0] / 4 - 1), 2 * 0.1 / substeps
            check_below(f"order {order}, {substeps} substeps: error of k over (2 h)^{power}/{divisor}, less 1",
                        abs(error * divisor / angle ** power - 1), angle ** 2)
    step = run("step", SINE, "block.order=2", "block.step=0.05").parameters()["k"][0]
    same = run("half", SINE, "block.order=2", "block.substeps=2").parameters()["k"][0]
    check_equal("block.step of half an interval and two substeps", step, same)


second_order()
known_part()
parameters()
each_its_own()
block()
verdict()
