"""The plug-in says that it is there, refuses a PETSc that it was not built for, and takes misspelt options for errors."""
import pathlib
import re

from support import BIN, SOURCE, run, true, verdict

output = run("brusselator", "-final_time 0.1", ranks=2)
lines = [line for line in output.splitlines() if "NeuRLP" in line]
true("one line with versions when it is loaded", len(lines) == 1 and "PETSc 3." in lines[0], output)

for other, text in (("version", "built for PETSc 3."), ("version", "this is PETSc 3.99."), ("indices", "bit indices, and this one has"),
                    ("scalars", "real and of double precision, and those of this one are of type")):
    output = run("brusselator", fails=True, environment={"LD_PRELOAD": f"{BIN}/libpetsc_other.so", "OTHER": other})
    true(f"another PETSc is refused: {other}", text in " ".join(output.split()) and "types neurlp" not in output, output)
run("brusselator", "-final_time 0.1", environment={"LD_PRELOAD": f"{BIN}/libpetsc_other.so"})

recorder = "-ts_save_trajectory -ts_trajectory_type neurlp -ts_trajectory_neurlp_file x.h5"
output = run("brusselator", recorder, "-ts_trajectory_neurlp_strid 2", fails=True)
true("a misspelt option of the recorder names the right one", "did you mean -ts_trajectory_neurlp_stride?" in output, output)
output = run("robertson", "-ts_type neurlp -ts_neurlp_windows 4", fails=True)
true("a misspelt option of the TS type names the right one", "did you mean -ts_neurlp_window?" in output, output)
output = run("robertson", "-ts_type neurlp -ts_neurlp_nonsense 4", fails=True)
true("an option like no other gets the list", "-ts_neurlp_tolerance" in output and "unknown option -ts_neurlp_nonsense" in output,
     output)
# Every option that the sources know is in -help, with a sentence, and in docs/petsc.md; and there is no other.
output = run("robertson", "-ts_type neurlp -cells 2 -help", "-ts_save_trajectory -ts_trajectory_type neurlp",
             "-ts_trajectory_neurlp_file help.h5")
helped = dict(re.findall(r"^ *-(ts_(?:trajectory_)?neurlp_\w+)[ :]+(.*)$", output, re.M))
listed = set()
for source in ("blocks/blocks.c", "recorder/recorder.c"):
    code = pathlib.Path(f"{SOURCE}/mpi/petsc/{source}").read_text()
    read = set(re.findall(r'"-(ts_\w*neurlp_\w+)"', code))
    known = set(re.findall(r'"(ts_\w*neurlp_\w+)"', code))
    true(f"{source}: options that are read are those that are known", read == known and len(read) > 4, read ^ known)
    listed |= read
true(f"-help has all {len(listed)} options, and a sentence for each", helped.keys() == listed
     and all("(docs/petsc.md)" in text and len(text) > 30 for text in helped.values()), helped.keys() ^ listed)
page = pathlib.Path(f"{SOURCE}/docs/petsc.md").read_text()
true("docs/petsc.md names all of them", all(f"-{name}" in page or f"`...{name[name.index('neurlp_') + 6:]}`" in page for name in listed),
     listed)
code = pathlib.Path(f"{SOURCE}/mpi/petsc/batch/batch.c").read_text()
read, known = set(re.findall(r'"-(neurlp_\w+)"', code)), set(re.findall(r'"(neurlp_\w+)",', code))
true("batch.c: options that are read are those that are known", read == known and len(read) > 4, read ^ known)
page = pathlib.Path(f"{SOURCE}/docs/petsc_library.md").read_text()
true("docs/petsc_library.md names all of them", all(f"`-{name}" in page or f"`...{name[name.rindex('_'):]}`" in page for name in known))
verdict()
