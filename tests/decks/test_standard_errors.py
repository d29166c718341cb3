"""Standard errors are what they claim to be: of many systems with noise, 95 % of the true parameters lie within
1.96 standard errors of the estimates, and the errors in units of the standard errors have a variance of 1."""
import numpy as np

from support import check_above, check_below, check_equal, run, verdict

SYSTEMS = 400

LOGISTIC = f"""
task: fit
data:
  generate:
    {{system: logistic, systems: {SYSTEMS}, samples: 80, step: 0.1, noise: 0.02, missing: 0.1,
     parameters: {{r: {{uniform: [0.8, 2]}}, K: {{uniform: [0.5, 2]}}}}, initial: {{x: {{uniform: [0.05, 0.2]}}}}}}
dynamics:
  equations: ["x' = r*x*(1 - x/K)"]
  parameters: {{r: 1, K: 1}}
  sharing: per_system
block: {{window: 0}}
"""

# y starts below every a/b: on an orbit close to the fixed point only a/b and c/d could be told
LOTKA_VOLTERRA = f"""
task: fit
data:
  generate:
    {{system: lotka_volterra, systems: {SYSTEMS}, samples: 100, step: 0.1, noise: 0.02,
     parameters: {{a: {{uniform: [1, 2]}}, b: {{uniform: [0.5, 1.5]}},
                  c: {{uniform: [2, 3]}}, d: {{uniform: [0.5, 1.5]}}}},
     initial: {{x: {{uniform: [1, 3]}}, y: {{uniform: [0.2, 0.5]}}}}}}
dynamics:
  equations: ["x' = a*x - b*x*y", "y' = -c*y + d*x*y"]
  parameters: {{a: 1.5, b: 1, c: 2.5, d: 1}}
  sharing: per_system
block: {{window: 0, order: 4, substeps: 2}}   # prey bursts to ten times its lowest number within one unit of time
"""


def check_coverage(name, deck):
    found = run(name, deck, ranks=2)
    names, true_names = found.texts("equations/parameter_names"), found.texts("truth/parameter_names")
    good = found["status"] == 0
    check_equal(f"{name}: systems that were fitted", int(good.sum()), SYSTEMS)
    for i, parameter in enumerate(names):
        exact = found["truth/parameters"][good, true_names.index(parameter)]
        score = (found["equations/parameters"][good, i] - exact) / found["equations/parameter_errors"][good, i]
        # A count of n with probability p has a standard deviation of sqrt(p (1 - p)/n); three of them either way.
        # The variance of n squares of normal numbers: sqrt(2/n).
        slack = 3 * np.sqrt(0.95 * 0.05 / score.size)
        share = np.mean(np.abs(score) < 1.96)
        check_above(f"{name}: share of {parameter} within 1.96 standard errors", share, 0.95 - slack)
        check_below(f"{name}: share of {parameter} within 1.96 standard errors", share, 0.95 + slack)
        slack = 3 * np.sqrt(2 / score.size)
        check_below(f"{name}: |mean square of {parameter}'s errors - 1|", abs(np.mean(score ** 2) - 1), slack)
        check_below(f"{name}: |mean of {parameter}'s errors|", abs(np.mean(score)), 3 / np.sqrt(score.size))


check_coverage("logistic", LOGISTIC)
check_coverage("lotka_volterra", LOTKA_VOLTERRA)
verdict()
