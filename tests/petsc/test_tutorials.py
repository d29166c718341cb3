"""PETSc's own tutorials, unmodified, with -ts_type neurlp: ex40 (a bouncing ball: events, roll-backs, a replayed history of
steps), ex51 (accuracy against a closed form; no Jacobian), and ex4 (the heat equation, which is refused)."""
import re

import numpy as np

from support import below, run, true, verdict

own = run("ex40", "-rhs-form -ts_type rk -ts_rk_type 5bs", plugin=False)
ours = run("ex40", "-rhs-form -ts_type neurlp -ts_neurlp_block_size 2")
bounces = [line for line in own.splitlines() if line.startswith("Ball")]
true("ex40: its own integrator's words", len(bounces) == 22 and bounces == [line for line in ours.splitlines()
                                                                          if line.startswith("Ball")], ours)
times = np.array([float(x) for x in re.findall(r"hit the ground at t = *([0-9.]+)", ours)])[:10]
below("ex40: times of the bounces", np.abs(times - 40 / 9.8 * (1 - 0.9**np.arange(1, 11)) / 0.1).max(), 0.02)


def accuracy(options, plugin=True):
    return float(re.search(r"Error at final time: *([0-9.E+-]+)", run("ex51", options, plugin=plugin))[1])


# One window over [0, 1]: order d + 1 at least.
errors = [accuracy(f"-dt 1 -ts_type neurlp -ts_neurlp_window {n} -ts_neurlp_tolerance 1e-8") for n in (4, 8, 16)]
for n, (coarse, fine) in zip((4, 8), zip(errors, errors[1:])):
    below(f"ex51: order from {n} to {2 * n} intervals, negative", -np.log2(coarse / fine), -3)
below("ex51: error of 16 intervals", errors[-1], 1e-6)

for options in ("", "-nonlinear"):
    output = run("ex4", "-nox -ts_type neurlp", options, fails=True)
    true(f"ex4 {options}: refused", "systems without connections between blocks" in output and "-ts_neurlp_block_size" in output,
         output)
verdict()
