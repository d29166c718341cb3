"""A PETSc with 64-bit indices: programs that are built for it load the plug-in that is, record and integrate as the others do,
whose tests say that it is right; and each of the two plug-ins refuses the other PETSc."""
import os

import h5py
import numpy as np

from support import BIN, below, neurlp, run, true, vectors, verdict

PLUGIN64 = os.environ["PLUGIN64"]
RECORD = "-ts_save_trajectory -ts_trajectory_type neurlp -ts_trajectory_neurlp_file"


def both(program, *options, out, ranks=1, plugin=True):
    """Runs it twice; options that name a file get a folder each."""
    texts = []
    for bits, folder, loaded in ((32, "", plugin), (64, "../bin64/", plugin and PLUGIN64)):
        words = [str(option).replace(out, f"{bits}_{out}") for option in options]
        texts.append(run(f"{folder}{program}", *words, ranks=ranks, plugin=loaded))
    return texts


text = both("brusselator", "-final_time 1 -ts_adapt_type none -ts_dt 0.05", RECORD, "grid.h5", out="grid.h5", ranks=2)[1]
true("one line with versions when it is loaded", sum("NeuRLP" in line for line in text.splitlines()) == 1, text)
both("robertson", "-cells 5 -final_time 1 -ts_type bdf", RECORD, "some.h5 -ts_trajectory_neurlp_points 0,2-4",
     "-ts_trajectory_neurlp_components 2,0 -ts_trajectory_neurlp_stride 2 -ts_trajectory_neurlp_mode overwrite", out="some.h5",
     ranks=2)
for name, shape, points in (("grid", (33, 21, 2), range(33)), ("some", (4, None, 2), (0, 2, 3))):
    with h5py.File(f"32_{name}.h5") as a, h5py.File(f"64_{name}.h5") as b:
        states, others = a["states"][:], b["states"][:]
        true(f"{name}: the same points, names and times", list(a["names"]) == list(b["names"])
             and np.array_equal(a["point"][:], b["point"][:]) and np.allclose(a["time"][:], b["time"][:], rtol=1e-12, atol=0)
             and a["point"].dtype == b["point"].dtype)
        below(f"{name}: the same states, to the programs' own rounding", np.abs(states - others).max(), 1e-9)
text = neurlp("inspect", "64_grid.h5")
true("neurlp reads it", "33 systems, 21 samples, 2 states" in text, text)

both("robertson", "-cells 7 -ts_type neurlp -ts_rtol 1e-6 -ts_atol 1e-11 -solution blocks.bin", out="blocks.bin", ranks=2)
one, other = vectors("32_blocks.bin")[0], vectors("64_blocks.bin")[0]
below("TS type: the same solution, in units of the tolerance", (np.abs(one - other) / (1e-6 * np.abs(one) + 1e-11)).max(), 0.01)
text = run("../bin64/robertson", "-cells 7 -ts_type neurlp -exchange 0.1", plugin=PLUGIN64, ranks=2, fails=True)
true("a coupling names row and column", "has 0.1 in row 0 (block 0), column 3 (block 1)" in " ".join(text.split()), text)

with open("fit.yaml", "w") as file:
    file.write("""task: discover
data: {generate: {system: lotka_volterra, systems: 12, samples: 41, step: 0.1, parameters: {a: {uniform: [1, 2]}}}}
dynamics: {sharing: per_system, library: {polynomial: 2}}
""")
neurlp("run", "fit.yaml")
texts = both("dynamics", "-result fit.h5 -points 3,4 -out learned.bin", out="learned.bin", ranks=2, plugin=False)
true("learned equations: PETSc finds the Jacobian right", "Jacobian test of PETSc: right" in texts[1], texts[1])
below("and the same numbers", np.abs(vectors("32_learned.bin") - vectors("64_learned.bin")).max(), 1e-12)

output = run("brusselator", plugin=PLUGIN64, fails=True)
true("the plug-in for 64 bits refuses the other PETSc", "with 64-bit indices, and this one has 32 bits" in " ".join(output.split())
     and "types neurlp" not in output, output)
output = run("../bin64/brusselator", fails=True)
true("and the other one this", "with 32-bit indices, and this one has 64 bits" in " ".join(output.split())
     and "types neurlp" not in output, output)
verdict()
