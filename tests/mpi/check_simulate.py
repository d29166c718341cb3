"""Reads what test_simulate.sh made, as a user would, and compares it with other integrators and closed forms."""
import os
import sys

import h5py
import numpy as np

failures = 0


def check(what, measured, bound):
    global failures
    good = bool(measured <= bound)
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what:60} {measured:.3e} <= {bound:.3e}")


def contents(path):
    with h5py.File(path) as file:
        return {name: file[name][...] for name in ("time", "states", "parameters", "names") if name in file}


def same(one, other):
    first, second = contents(one), contents(other)
    equal = first.keys() == second.keys() and all(first[n].tobytes() == second[n].tobytes() for n in first)
    check(f"{other}: the same bits as {one}", 0 if equal else 1, 0)
    return first


reference = contents("reference.h5")
# Nearby trajectories of these part by less than exp(2 * 0.906) on average, 100 times that at the worst; rk4 errs by
# about step^4 = 1.6e-11 for each unit of time times fifth derivatives (10^5 and less), single precision by
# 1000 roundings of numbers up to 50, tsit5 by its tolerance of 1e-8 of these for each of 200 steps.
growth = 100 * np.exp(2 * 0.906)
bounds = {"rk4_double": growth * 2 * 1.6e-11 * 1e5, "tsit5_double": growth * 200 * 1e-8 * 50,
          "rk4_single": growth * 1000 * 6e-8 * 50, "tsit5_single": growth * 1000 * 6e-8 * 50}
same("cpu.h5", "auto.h5")
if os.path.exists("gpu.h5"):
    # the same operations in the same order, but for contractions in the equations: roundings of 20 steps, that grow
    apart = abs(contents("gpu.h5")["states"] - contents("cpu.h5")["states"]).max()
    check("an imitated GPU against the CPU", apart, 100 * 20 * 1.1e-16 * 50)
for kind, bound in bounds.items():
    known = same(f"known_{kind}_1.h5", f"known_{kind}_3.h5")
    check(f"{kind}: the parameters that generate draws", abs(known["parameters"] - reference["parameters"]).max(), 0)
    check(f"{kind}: against generate", abs(known["states"] - reference["states"]).max(), bound)
    check(f"{kind}: it is another integrator", -abs(known["states"] - reference["states"]).max(), -1e-13)
check("a transient", 0 if contents("known_simulated.h5")["states"].shape == (150, 3, 3) else 1, 0)

# The closed form of x' = a + b x + c x^2 with the coefficients that were learned (a is 0 or dropped: 1e-8 and less).
with h5py.File("logistic.h5") as file:
    terms = list(file["equations/terms"].asstr()[...])
    found = dict(zip(terms, file["equations/coefficients"][0, 0]))
check("no constant was learned", abs(found["1"]), 1e-8)
for name in ("learned", "begun"):
    learned = same(f"{name}_1.h5", f"{name}_3.h5")
    x0, t = learned["states"][:, :1, 0], learned["time"]
    r, K = found["x"], -found["x"] / found["x^2"]
    exact = K / (1 + (K / x0 - 1) * np.exp(-r * t))
    # a tolerance of 1e-8 for each of at most 100 steps, and the constant's part in 5 units of time
    check(f"{name}: closed form", abs(learned["states"][:, :, 0] - exact).max(), 100 * 1e-8 * 1.5 + 5 * abs(found["1"]))
check("it begins as the file does", abs(contents("begun_1.h5")["states"][:, 0] -
                                       contents("logistic_data.h5")["states"][:, 0]).max(), 0)
check("70 beginnings", 70 - len(np.unique(contents("learned_1.h5")["states"][:, 0, 0])), 0)

# The pendulum that was fitted.
with h5py.File("swing.h5") as file:
    w = file["equations/parameters"][0, 0]
swing = contents("swing_simulated.h5")
q, h = swing["states"][0, :, 0], swing["time"][1] - swing["time"][0]
check("the pendulum's name", 0 if swing["names"].tolist() == [b"q"] else 1, 0)


# On from the last sample: states there are those of the solution, and of the data's last sample but for roundings
# (nothing is noisy); the time goes on; and the closed form takes over.
with h5py.File("logistic.h5") as file:
    final, last = file["solution/final_values"][:, 0, 0], file["solution/last_time"][...]
    check("where the solution ends", abs(final - file["solution/states"][:, -1, 0]).max(), 0)
    check("when it ends", abs(last - file["solution/time"][:, -1]).max(), 0)
    check("when it begins", abs(file["solution/first_time"][...] - file["solution/time"][:, 0]).max(), 0)
onward = same("onward_1.h5", "onward_3.h5")
check("two systems go on", 0 if onward["states"].shape == (2, 21, 1) else 1, 0)
check("from where they ended", abs(onward["states"][:, 0, 0] - final).max(), 0)
check("when they ended", abs(onward["time"] - (last[0] + 0.25 * np.arange(21))).max(), 1e-14 * last[0])
r, K = found["x"], -found["x"] / found["x^2"]
exact = K / (1 + (K / final[:, None] - 1) * np.exp(-r * (onward["time"] - last[0])))
check("by the closed form", abs(onward["states"][:, :, 0] - exact).max(), 100 * 1e-11 * 1.5 + 5 * abs(found["1"]))
with h5py.File("own.h5") as file:
    final, last = file["solution/final_values"][:, 0, 0], file["solution/last_time"][...]
    r, K = file["equations/parameters"][1]
own = contents("own_onward.h5")
check("equations of one system: it alone goes on", 0 if own["states"].shape == (1, 21, 1) else 1, 0)
check("the two end apart", -abs(final[0] - final[1]), -1e-3)
exact = K / (1 + (K / final[1] - 1) * np.exp(-r * (own["time"] - last[1])))
check("the second, by the closed form", abs(own["states"][0, :, 0] - exact).max(), 100 * 1e-11 * 1.5)


def rk4(y, step, steps):
    f = lambda y: np.array([y[1], -w * np.sin(y[0])])
    for _ in range(steps):
        k1 = f(y)
        k2 = f(y + step / 2 * k1)
        k3 = f(y + step / 2 * k2)
        k4 = f(y + step * k3)
        y = y + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


# RK4 with a step of 0.001 errs by 1e-12 for each unit of time
y, worst = np.array([0.5, 0.0]), 0.0
for i in range(1, len(q)):
    y = rk4(y, h / 250, 250)
    worst = max(worst, abs(y[0] - q[i]))
check("the fitted pendulum, by another integrator", worst, 5 * 1e-12 + 200 * 1e-11)
# From where it begins and on from where it ends, x' too.
with h5py.File("swing.h5") as file:
    ends = {"first": (file["solution/initial_values"][0, 0], -3.0),
            "last": (file["solution/final_values"][0, 0], file["solution/last_time"][0])}
    check("the fitted velocity at the end is that of the fitted trajectory",
          abs(ends["last"][0][1] - np.gradient(file["solution/states"][0, :, 0], 0.1, edge_order=2)[-1]),
          0.1 ** 2 * w ** 1.5 / 3 * 2 * np.pi)  # h^2/3 of the third derivative, of an angle below pi
for end, (y, start) in ends.items():
    went, worst = contents(f"swing_{end}.h5"), 0.0
    check(f"{end}: the time", abs(went["time"][0] - start), 0)
    for i, q in enumerate(went["states"][0, :, 0]):
        worst = max(worst, abs(y[0] - q))
        y = rk4(y, 0.1 / 100, 100)
    check(f"{end}: the pendulum, by another integrator", worst, 4 * 1e-12 + 200 * 1e-11)
sys.exit(failures > 0)
