"""`data.integrator: petsc`: trajectories by TS against closed forms and against our own integrator, from a stiff system too;
what runs to infinity; options with the prefix data_; the same bits from any number of ranks; what is refused."""
import os
import shutil

import h5py
import numpy as np
from support import NEURLP, below, program, true, verdict

RELATIVE, ABSOLUTE = 1e-9, 1e-12
DECK = """
task: simulate
simulate: {{relative_tolerance: 1e-9, absolute_tolerance: 1e-12}}
data: {{integrator: petsc, generate: {{{0}}}}}
"""
STIFF = "-data_ts_type bdf -data_ts_bdf_order 5"


def simulate(name, generate, *words, ranks=1, code=0):
    """States [S][T][D], and what was said."""
    with open(f"{name}.yaml", "w", encoding="utf-8") as deck:
        deck.write(DECK.format(generate))
    done, said = program("simulate", f"{name}.yaml", *words, "-o", f"{name}.h5", ranks=ranks)
    true(f"{name}: exit status {code}", done == code, said)
    if not os.path.exists(f"{name}.h5"):
        return None, said
    with h5py.File(f"{name}.h5") as file:
        return file["states"][:], said


# A step's error is at most a tolerance, and these solutions do not let it grow: in a unit of time no more than one is lost, as
# steps are of about that length (here shorter, but then the pair's solution of order 5 is better than its estimate by as much).
t = np.arange(101) * 0.1
states, _ = simulate("logistic", "equations: {x: 'r*x*(1 - x)'}, parameters: {r: 1}, initial: {x: 0.1}, samples: 101, step: 0.1")
exact = 1 / (1 + 9 * np.exp(-t))
below("logistic equation against its closed form", np.max(np.abs(states[0, :, 0] - exact)), 10 * (RELATIVE + ABSOLUTE))
states, _ = simulate("swing", "equations: {x: '-4*x + t'}, order: 2, initial: {x: 1, x': 0.5}, samples: 101, step: 0.1")
exact = np.cos(2 * t) + 0.125 * np.sin(2 * t) + t / 4
below("driven oscillator of second order", np.max(np.abs(states[0, :, 0] - exact)), 10 * 3 * (2 * RELATIVE + ABSOLUTE))

# A stiff one: errors are damped within a thousandth of a unit of time, so what is left is a step's own, of the size of a tolerance
# times the ratio of BDF's error constant to that of its estimate, here the order + 1.
STIFFLY = "equations: {x: '-1000*(x - cos(t)) - sin(t)'}, initial: {x: 2}, samples: 101, step: 0.1"
states, _ = simulate("stiff", STIFFLY, f"petsc.options={STIFF}")
below("relaxation to cos(t), by BDF", np.max(np.abs(states[0, :, 0] - np.cos(t) - np.exp(-1000 * t))), 6 * 2 * RELATIVE)

# Robertson's: by both integrators; the sum of the three is 1 for ever.
ROBERTSON = ("equations: {x: '-0.04*x + 1e4*y*z', y: '0.04*x - 1e4*y*z - 3e7*y^2', z: '3e7*y^2'}, "
             "initial: {x: 1, y: 0, z: 0}, samples: 5, step: 4")
bdf, _ = simulate("robertson", ROBERTSON, f"petsc.options={STIFF}")
rosenbrock, _ = simulate("rosenbrock", ROBERTSON, "petsc.options=-data_ts_type rosw")
explicit, _ = simulate("explicit", ROBERTSON)
own, _ = simulate("own", ROBERTSON, "data.integrator=own")
for what, found in (("BDF", bdf), ("Rosenbrock's method", rosenbrock), ("explicit", explicit)):
    # x and z change slowly, by steps whose errors add up: 200 of them at most, here.
    below(f"Robertson, {what} against our own", np.max(np.abs(found - own)), 200 * RELATIVE)
    below("  and the sum of the three", np.max(np.abs(found[0].sum(axis=1) - 1)), 200 * RELATIVE)

# x' = x^2 is 1/(1/x0 - t): what blows up has samples up to there, and the others are not disturbed.
BLOW = "equations: {x: 'x^2'}, initial: {x: {uniform: [0.2, 2]}}, samples: 11, step: 0.1, systems: 7"
states, said = simulate("blow", BLOW, code=5)
time = np.arange(11) * 0.1
left = 1 / states[:, :1, 0] - time
finite = np.isfinite(states[:, :, 0])
true("samples up to where it blows up, and no others", np.array_equal(finite, left > 0), str(finite.sum(axis=1)))
below("  and these are right", np.max(np.abs(states[:, :, 0][finite] * left[finite] - 1)),
      10 * RELATIVE / np.min(left[finite]))  # an error dx moves the pole by dx/x^2, which is 1/(x left) of x
true("  which is said", "of 7 systems ran to infinity" in said, said)

again, _ = simulate("blow", BLOW, ranks=3, code=5)
true("the same bits from 3 ranks", np.array_equal(again, states, equal_nan=True))

# Trajectories go on over pieces of 1024 samples, after a transient; the state is that of one long integration.
states, _ = simulate("long", "equations: {x: y, y: '-x'}, initial: {x: 1, y: 0}, samples: 1500, step: 0.02, transient: 2")
t = 2 + np.arange(1500) * 0.02
below("1500 samples after a transient", np.max(np.abs(states[0, :, 0] - np.cos(t))), 32 * RELATIVE)

# Options.
_, said = simulate("options", STIFFLY, "petsc.options=-data_ts_monitor -data_ts_rtoll 3 -ts_type bdf")
# Some version after 3.18 names the prefix in between.
true("a monitor", any(words in said for words in (" TS dt ", " TS (data_) dt ")) and " time 10." in said, said[:300])
true("what nobody looked for is named", "-data_ts_rtoll 3, -ts_type bdf" in said, said[-300:])
os.environ["PETSC_OPTIONS"] = "-data_ts_type nonsense"
_, said = simulate("quiet", STIFFLY, f"petsc.options={STIFF}")
true("  and nothing else; variables are not read", "petsc.options" not in said, said)
del os.environ["PETSC_OPTIONS"]
_, said = simulate("nonsense", STIFFLY, "petsc.options=-data_ts_type nonsense", code=2)
true("a type that there is not, in PETSc's words", "Unknown TS type: nonsense" in said, said)
_, said = simulate("method", STIFFLY, "simulate.method=rk4", code=2)
true("a method of our own", "'simulate.method' is for integrators of our own" in said, said)
_, said = simulate("pde", "system: kdv, samples: 2", code=2)
true("a partial differential equation", "has an integrator of its own" in said, said)
_, said = simulate("useless", STIFFLY, "data.integrator=own", "petsc.options=-data_ts_type bdf", code=2)
true("options without a use", "nothing in this deck is left to PETSc" in said, said)

# In a run.
with open("fit.yaml", "w", encoding="utf-8") as deck:
    deck.write("task: fit\ndata: {integrator: petsc, generate: {system: logistic, samples: 41}}\n"
               "dynamics: {equations: [\"x' = r*x*(1 - x)\"], parameters: {r: 0.5}}\n")
done, said = program("validate", "fit.yaml")
true("validate", done == 0, said)
done, said = program("run", "fit.yaml", ranks=2)
true("run", done == 0 and " r  " in said, said)

os.makedirs("elsewhere/bin")
shutil.copy(NEURLP, "elsewhere/bin/neurlp")
done, said = program("simulate", "stiff.yaml", "-o", "none.h5", name="elsewhere/bin/neurlp")
true("without the library: exit status 2, and why", done == 2 and "'data.integrator' asks for PETSc" in said, said)
true("  and nothing was done", not os.path.exists("none.h5"))
verdict()
