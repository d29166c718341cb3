"""The plug-in says that it is there, refuses a PETSc that it was not built for, and takes misspelt options for errors."""
from support import BIN, run, true, verdict

output = run("brusselator", "-final_time 0.1", ranks=2)
lines = [line for line in output.splitlines() if "NeuRLP" in line]
true("one line with versions when it is loaded", len(lines) == 1 and "PETSc 3." in lines[0], output)

output = run("brusselator", fails=True, environment={"LD_PRELOAD": f"{BIN}/libpetsc_other_version.so"})
true("another version of PETSc is refused", "built for PETSc 3." in output and "this is PETSc 3.99.0" in output, output)

recorder = "-ts_save_trajectory -ts_trajectory_type neurlp -ts_trajectory_neurlp_file x.h5"
output = run("brusselator", recorder, "-ts_trajectory_neurlp_strid 2", fails=True)
true("a misspelt option of the recorder names the right one", "did you mean -ts_trajectory_neurlp_stride?" in output, output)
output = run("robertson", "-ts_type neurlp -ts_neurlp_windows 4", fails=True)
true("a misspelt option of the TS type names the right one", "did you mean -ts_neurlp_window?" in output, output)
output = run("robertson", "-ts_type neurlp -ts_neurlp_nonsense 4", fails=True)
true("an option like no other gets the list", "-ts_neurlp_tolerance" in output and "unknown option -ts_neurlp_nonsense" in output,
     output)
output = run("robertson", "-ts_type neurlp -cells 2 -help", "-ts_save_trajectory -ts_trajectory_type neurlp",
             "-ts_trajectory_neurlp_file help.h5")
for option in ("-ts_neurlp_window", "-ts_neurlp_order", "-ts_neurlp_block_size", "-ts_trajectory_neurlp_stride",
               "-ts_trajectory_neurlp_points"):
    true(f"-help has {option}", option + " " in output, output)
verdict()
