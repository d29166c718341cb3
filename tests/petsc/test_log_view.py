"""neurlp --log-view: the phases of a run are stages of PETSc's log, and the run is the same; where the library for PETSc is
not to be found, that is said before anything begins."""
import os
import pathlib
import re
import shutil

from support import NEURLP, program, true, verdict

DECK = """
task: discover
data: {generate: {system: lorenz, samples: 400, step: 0.01}}
dynamics: {library: {polynomial: 2}}
"""

pathlib.Path("deck.yaml").write_text(DECK)
code, said = program("run", "deck.yaml", "-o", "plain.h5")
true("without it: exit status", code == 0, said if code else code)
equations = re.findall(r"^ +\w' = .*$", said, re.M)
os.environ["PETSC_OPTIONS"] = "-help"
code, said = program("run", "--log-view=:log.txt", "deck.yaml", "-o", "viewed.h5", ranks=2)
del os.environ["PETSC_OPTIONS"]
true("with it, on 2 ranks: exit status", code == 0, said if code else code)
true("PETSC_OPTIONS is not read", "-log_view" not in said, said)
true("the same equations", equations and re.findall(r"^ +\w' = .*$", said, re.M) == equations, equations[:1])
log = pathlib.Path("log.txt").read_text()
shares = {name: float(seconds) for name, seconds in re.findall(r"^ \d: +(\w+): (\S+) ", log, re.M)}
true("PETSc's stages are the phases", {"read", "prepare", "learn", "write"} <= shares.keys(), shares)
# A disk may keep writing waiting for as long as it likes.
true("there is more learning than reading and preparing",
     shares.get("learn", 0) > shares.get("read", 1) + shares.get("prepare", 1), shares)
true("PETSc knows of 2 ranks", bool(re.search(r"with 2 process(ors|es)", log)))  # either, by its version

os.makedirs("elsewhere/bin")
shutil.copy(NEURLP, "elsewhere/bin/neurlp")
code, said = program("run", "deck.yaml", "--log-view", "-o", "none.h5", name="elsewhere/bin/neurlp")
true("without the library: exit status 2, and why", code == 2 and "--log-view needs the library for PETSc" in said, said.strip())
true("and nothing was done", not os.path.exists("none.h5"))
verdict()
