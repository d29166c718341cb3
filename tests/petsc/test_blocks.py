"""The TS type on Robertson's species: within its tolerance of scipy's Radau, for windows, orders, ranks, and with
differences for a Jacobian; bad first steps; interpolation; blocks that are joined."""
import re

import numpy as np
from scipy.integrate import solve_ivp

from support import below, run, true, vectors, verdict

CELLS = "-cells 7"


def cell(i):
    """The solution of cell i at t = 40, its rates as robertson.c says."""
    x = np.array([0.6180339887, 0.7548776662, 0.5698402910]) * (i + 1)
    k = np.array([0.04, 1e4, 3e7]) * 2**(2 * (x - np.floor(x)) - 1)

    def f(t, u):
        a, b, c = k[0] * u[0], k[1] * u[1] * u[2], k[2] * u[1]**2
        return [b - a, a - b - c, c]

    def jacobian(t, u):
        return [[-k[0], k[1] * u[2], k[1] * u[1]], [k[0], -k[1] * u[2] - 2 * k[2] * u[1], -k[1] * u[1]], [0, 2 * k[2] * u[1], 0]]

    return solve_ivp(f, (0, 40), [1, 0, 0], method="Radau", jac=jacobian, rtol=1e-10, atol=1e-15).y[:, -1]


tight = np.concatenate([cell(i) for i in range(7)])


def error(options, tolerance, ranks=1, name="neurlp.bin"):
    """The largest error in units of what is tolerated, and the program's words."""
    text = run("robertson", CELLS, f"-ts_type neurlp -ts_rtol {tolerance} -ts_atol {1e-5 * tolerance} -solution {name}", options,
               ranks=ranks)
    return np.abs((vectors(name)[0] - tight) / (tolerance * (np.abs(tight) + 1e-5))).max(), text


# Local errors are controlled; the end is stable, so that they hardly add up: a few times the tolerance.
for options, ranks in (("", 1), ("", 3), ("-ts_neurlp_window 2", 1), ("-ts_neurlp_window 32", 1), ("-ts_neurlp_order 4", 1),
                       ("-ts_neurlp_order 1", 1), ("-jacobian 0", 1), ("-jacobian 0", 2), ("-ts_dt 1e3", 1),
                       ("-ts_adapt_type dsp", 1)):
    below(f"error in units of the tolerance 1e-4; {options or 'default'}, {ranks} ranks", error(options, 1e-4, ranks)[0], 5)
for tolerance in (1e-6, 1e-8):
    below(f"the same for {tolerance:g}", error("", tolerance)[0], 5)
_, text = error("-ts_dt 1e3 -ts_adapt_clip 0.1,2", 1e-4)
true("a first step that is far too long is rejected", int(re.search(r"(\d+) rejected", text)[1]) > 0, text)

# Times between windows: a monitor does not see them, but an end that is passed is interpolated.
run("robertson", CELLS, "-ts_type neurlp -ts_exact_final_time interpolate -ts_rtol 1e-6 -ts_atol 1e-11 -solution between.bin")
below("interpolated at the end, in units of 1e-6", np.abs((vectors("between.bin")[0] - tight) /
                                                          (1e-6 * (np.abs(tight) + 1e-5))).max(), 20)

for options, ranks, text in (("-exchange 0.1", 2, "the Jacobian has 0.1 in row 0 (block 0), column 3 (block 1)"),
                             ("-exchange 0.1 -jacobian 0", 2, "(block 5) depends on other blocks"),
                             ("-ts_neurlp_block_size 1", 1, "row 1 (block 1), column 0 (block 0)"),
                             ("-ts_neurlp_block_size 2", 1, "does not consist of points with 2"),
                             ("-ts_neurlp_window 3", 1, "-ts_neurlp_window is 3; it must be even"),
                             ("-ts_neurlp_tolerance 2", 1, "-ts_neurlp_tolerance is 2")):
    output = run("robertson", CELLS, "-ts_type neurlp", options, ranks=ranks, fails=True)
    true(f"{options}: {text}", text in " ".join(output.split()), output)
output = run("brusselator", "-ts_type neurlp", fails=True)
true("an implicit form is refused", "this program gives an implicit form" in " ".join(output.split()), output)
verdict()
