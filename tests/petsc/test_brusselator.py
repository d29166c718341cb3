"""docs/petsc/brusselator: a simulation is recorded, its reaction learned, and put back in place of the program's own."""
import re
import shutil

import h5py
import numpy as np

from support import SOURCE, below, neurlp, run, true, vectors, verdict

truth = {("u", "1"): 1, ("u", "u"): -3, ("u", "u^2*v"): 1, ("v", "u"): 2, ("v", "u^2*v"): -1}


def record(file, *options):
    run("brusselator", *options, f"-ts_save_trajectory -ts_trajectory_type neurlp -ts_trajectory_neurlp_file {file}",
        "-ts_trajectory_neurlp_mode overwrite", ranks=2)


def learn(name):
    """Learns from what has been recorded: the worst relative error of a coefficient."""
    shutil.copy(f"{SOURCE}/docs/petsc/brusselator/{name}.yaml", ".")
    neurlp("run", f"{name}.yaml")
    with h5py.File(f"{name}.h5") as file:
        terms = [t.decode() for t in file["equations/terms"][:]]
        states = [t.decode() for t in file["states"][:]]
        coefficients = file["equations/coefficients"][0]
    found = {(state, term): coefficients[k][l] for k, state in enumerate(states) for l, term in enumerate(terms)
             if coefficients[k][l] != 0}
    true(f"{name}: the five terms of the reaction, and no other", set(found) == set(truth), str(found))
    return max(abs(found.get(key, 0) / value - 1) for key, value in truth.items())


# (a) and (b) without diffusion: every point is a system of its own; five of them are enough.
record("well_mixed_recorded.h5", "-d1 0 -d2 0 -ts_adapt_type none -ts_dt 0.02", "-ts_trajectory_neurlp_points 0,8,16,24,32")
below("well mixed: the worst coefficient, relative", learn("well_mixed"), 1e-4)

# (a) and (b) with diffusion, which is recorded, too; points at the boundaries, next to them and inside. What coefficients
# are off by comes from the simulation's own error and, of the same order, that of windows on its time steps. Both go with
# the tolerance to the power of 3/4, the type's order over that of its error estimate plus one: a tenth of the tolerance has to
# leave an error that is smaller by 10^(1/2) at least. If it did not, something else would be wrong.
errors = []
for tolerance in ("1e-6", "1e-7"):
    record("recorded.h5", f"-ts_rtol {tolerance} -ts_atol {tolerance}", "-ts_trajectory_neurlp_implicit",
           "-ts_trajectory_neurlp_points 0,1,4,8,13,18,23,28,31,32")
    errors.append(learn("brusselator"))
below("with diffusion, tolerance 1e-6: the worst coefficient, relative", errors[0], 1e-4)
below("tolerance 1e-7", errors[1], errors[0] / 10**0.5)
with h5py.File("recorded.h5") as file:
    names, inputs, states, times = (file[name][()] for name in ("input_names", "inputs", "states", "time"))
true("names of the inputs", list(names) == [b"u_implicit", b"v_implicit"])
# of point 0, the neighbour of 1: nothing goes through the boundary
expected = 0.02 * 2 * (states[1] - states[0]) * 32**2
below("the recorded term is d u_xx", np.abs(inputs[0] - expected).max(), 1e-11 * np.abs(expected).max())

# (c) The program with the learned reaction, and diffusion of its own. Coefficients are off by e, 1e-4 at most, and states of
# size 3 that are drawn to a cycle by no more than that times the time, 10.
accurate = "-ts_rtol 1e-7 -ts_atol 1e-7"
run("brusselator", accurate, "-solution original.bin", ranks=2, plugin=False)
run("brusselator", accurate, "-b 2.05 -solution other.bin", ranks=2, plugin=False)
original, other = vectors("original.bin")[0], vectors("other.bin")[0]
for name, ranks in (("well_mixed", 1), ("brusselator", 1), ("brusselator", 3)):
    run("learned", accurate, f"-learned {name}.h5 -solution learned.bin", ranks=ranks, plugin=False)
    below(f"original against learned reaction, {name}, {ranks} ranks", np.abs(vectors("learned.bin")[0] - original).max(), 3e-3)
true("a reaction that is off by 2.5 % would be seen", np.abs(other - original).max() > 3e-2)

# Its Jacobian, with all of it implicit.
output = run("learned", "-learned brusselator.h5 -ts_arkimex_fully_implicit -final_time 0.05 -snes_test_jacobian", plugin=False)
errors = [float(x) for x in re.findall(r"\|\|J - Jfd\|\|_F/\|\|J\|\|_F = ([0-9.e+-]+)", output)]
true("PETSc has tested the Jacobian", len(errors) > 0, output)
below("||J - Jfd|| / ||J||, the worst", max(errors, default=9), 1e-6)
text = neurlp("inspect", "brusselator.h5")
true("the result says what was known", "known beforehand: u_implicit, v_implicit" in text, text)
output = run("dynamics", "-result brusselator.h5 -points 3,3", plugin=False, fails=True)
true("the whole equations need what only the simulation has", "depend on 'u_implicit', an input" in " ".join(output.split()), output)
output = neurlp("simulate", "brusselator.h5", "data.generate.step=0.1", "data.generate.samples=3",
                "data.generate.initial={u: 1, v: 1}", fails=True)
true("which `neurlp simulate` has not, either", "depend on 'u_implicit', an input" in output, output)
output = run("learned", "-learned brusselator.yaml", plugin=False, fails=True)
true("a file that is no result", "brusselator.yaml" in output, output)
verdict()
