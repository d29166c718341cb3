"""docs/petsc/brusselator: a simulation is recorded, its reaction learned, and put back in place of the program's own."""
import re
import shutil

import h5py
import numpy as np

from support import SOURCE, below, neurlp, run, true, vectors, verdict

shutil.copy(f"{SOURCE}/docs/petsc/brusselator/brusselator.yaml", ".")

# (a) Without diffusion every point is a system of its own; five of them are enough.
run("brusselator", "-d1 0 -d2 0 -ts_adapt_type none -ts_dt 0.02",
    "-ts_save_trajectory -ts_trajectory_type neurlp -ts_trajectory_neurlp_file recorded.h5",
    "-ts_trajectory_neurlp_points 0,8,16,24,32", ranks=2)

# (b) The reaction.
neurlp("run", "brusselator.yaml")
truth = {("u", "1"): 1, ("u", "u"): -3, ("u", "u^2*v"): 1, ("v", "u"): 2, ("v", "u^2*v"): -1}
with h5py.File("brusselator.h5") as file:
    terms = [t.decode() for t in file["equations/terms"][:]]
    states = [t.decode() for t in file["states"][:]]
    coefficients = file["equations/coefficients"][0]
found = {(state, term): coefficients[k][l] for k, state in enumerate(states) for l, term in enumerate(terms)
         if coefficients[k][l] != 0}
true("the five terms of the reaction, and no other", set(found) == set(truth), str(found))
below("the worst coefficient, relative", max(abs(found.get(key, 0) / value - 1) for key, value in truth.items()), 1e-4)

# (c) The program with the learned reaction, with diffusion, which it has never seen. Coefficients are off by e, 1e-4 at
# most, and states of size 3 that are drawn to a cycle by no more than that times the time, 10.
accurate = "-ts_rtol 1e-7 -ts_atol 1e-7"
run("brusselator", accurate, "-solution original.bin", ranks=2, plugin=False)
run("brusselator", accurate, "-b 2.05 -solution other.bin", ranks=2, plugin=False)
original, other = vectors("original.bin")[0], vectors("other.bin")[0]
for ranks in (1, 3):
    run("learned", accurate, "-learned brusselator.h5 -solution learned.bin", ranks=ranks, plugin=False)
    below(f"original against learned reaction, {ranks} ranks", np.abs(vectors("learned.bin")[0] - original).max(), 3e-3)
true("a reaction that is off by 2.5 % would be seen", np.abs(other - original).max() > 3e-2)

# Its Jacobian, with all of it implicit.
output = run("learned", "-learned brusselator.h5 -ts_arkimex_fully_implicit -final_time 0.05 -snes_test_jacobian", plugin=False)
errors = [float(x) for x in re.findall(r"\|\|J - Jfd\|\|_F/\|\|J\|\|_F = ([0-9.e+-]+)", output)]
true("PETSc has tested the Jacobian", len(errors) > 0, output)
below("||J - Jfd|| / ||J||, the worst", max(errors, default=9), 1e-6)
output = run("learned", "-learned brusselator.yaml", plugin=False, fails=True)
true("a file that is no result", "brusselator.yaml" in output, output)
verdict()
