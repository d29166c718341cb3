"""The recorder against what PETSc itself writes at every step (-ts_monitor_solution), on several ranks; chosen components,
points and steps; a file that goes on; and what a killed program leaves behind."""
import os
import signal
import subprocess
import time

import h5py
import numpy as np

from support import command, neurlp, run, true, vectors, verdict

FIXED = "-ts_adapt_type none -ts_dt 0.05"
RECORD = "-ts_save_trajectory -ts_trajectory_type neurlp -ts_trajectory_neurlp_file"


def read(path):
    with h5py.File(path) as file:
        names = [name.decode() for name in file["names"][:]]
        return file["time"][:], file["states"][:], names, file["point"][:], {
            "length": "length" in file, "unit": file["states"].attrs["units"], "time_unit": file["time"].attrs["units"],
            "coordinates": file["coordinates"][:] if "coordinates" in file else None}


def same(a, b):
    return a.shape == b.shape and bool(np.all(a == b))


for ranks in (1, 2, 3):
    run("brusselator", "-final_time 2", FIXED, RECORD, f"all_{ranks}.h5", "-ts_monitor_solution", f"binary:all_{ranks}.bin",
        "-ts_trajectory_neurlp_unit mol/l -ts_trajectory_neurlp_time_unit s", "-ts_trajectory_neurlp_flush 7", ranks=ranks)
    times, states, names, points, more = read(f"all_{ranks}.h5")
    oracle = vectors(f"all_{ranks}.bin").reshape(-1, 33, 2).transpose(1, 0, 2)
    true(f"DMDA on {ranks} ranks: every sample, bit for bit, in natural order", same(states, oracle))
    true("times, names, points, coordinates, units", len(times) == 41 and abs(times[-1] - 2) < 1e-12 and names == ["u", "v"]
         and list(points) == list(range(33)) and np.allclose(more["coordinates"][:, 0], np.linspace(0, 1, 33))
         and more["unit"] == "mol/l" and more["time_unit"] == "s" and not more["length"])

# A plane, whose ranks own boxes; some points, one component, every third step.
run("robertson", "-cells 11 -final_time 1 -ts_type bdf", RECORD, "some.h5", "-ts_monitor_solution binary:some.bin",
    "-ts_trajectory_neurlp_points 0,4-7,10 -ts_trajectory_neurlp_components 2,0 -ts_trajectory_neurlp_names z,x",
    "-ts_trajectory_neurlp_stride 3 -ts_trajectory_neurlp_flush 2", ranks=3)
times, states, names, points, _ = read("some.h5")
oracle = vectors("some.bin").reshape(-1, 11, 3).transpose(1, 0, 2)[[0, 4, 5, 6, 10]][:, ::3][:, :, [2, 0]]
true("chosen points, components and steps of a plain Vec", same(states, oracle) and names == ["z", "x"]
     and list(points) == [0, 4, 5, 6, 10])
text = neurlp("inspect", "some.h5")
true("neurlp reads it", f"5 systems, {len(times)} samples, 2 states" in text, text)

# A simulation that is restarted from its state at t = 1 records on into the same file.
run("brusselator", "-final_time 1 -solution at_1.bin", FIXED, RECORD, "goes_on.h5", ranks=2)
for mode in ("", "-ts_trajectory_neurlp_mode new"):
    output = run("brusselator", "-final_time 2", FIXED, RECORD, "goes_on.h5", mode, fails=True)
    true("a file that exists is not replaced", "goes_on.h5 exists" in output and "mode append" in output, output)
run("brusselator", "-final_time 2 -restart at_1.bin -ts_init_time 1", FIXED, RECORD, "goes_on.h5",
    "-ts_trajectory_neurlp_mode append", ranks=3)
times, states, _, _, more = read("goes_on.h5")
whole_times, whole = read("all_2.h5")[:2]
true("it goes on: one sample at each time", len(times) == 41 and np.allclose(times, whole_times, atol=1e-12) and not more["length"])
true("and has the states of a run without a restart, to the solver's tolerance", np.abs(states - whole).max() < 1e-4)
output = run("brusselator", "-da_grid_x 17 -final_time 2", FIXED, RECORD, "goes_on.h5 -ts_trajectory_neurlp_mode append",
             fails=True)
true("a file of other points does not", "cannot go on" in output and "33 points" in output, output)
output = run("brusselator", "-final_time 2 -ts_trajectory_neurlp_names v,u", FIXED, RECORD,
             "goes_on.h5 -ts_trajectory_neurlp_mode append", fails=True)
true("nor one of other names", "cannot go on" in output and "component 0 is 'u'" in output, output)
with h5py.File("goes_on.h5", "a") as file:
    file["length"] = [b"all"] * 33
output = run("brusselator", "-final_time 2", FIXED, RECORD, "goes_on.h5 -ts_trajectory_neurlp_mode append", fails=True)
true("nor one whose length cannot be read, and nothing of it is lost", "goes_on.h5/length cannot be read" in output
     and len(read("goes_on.h5")[0]) == 41, output)
run("brusselator", "-final_time 1", FIXED, RECORD, "goes_on.h5 -ts_trajectory_neurlp_mode overwrite")
true("overwrite replaces it", len(read("goes_on.h5")[0]) == 21)

# What the implicit part adds to u', beside the states: chosen components, going on, and what has none.
IMPLICIT = "-ts_trajectory_neurlp_implicit -ts_trajectory_neurlp_components 1 -ts_trajectory_neurlp_points 3-6"
run("brusselator", "-final_time 1 -solution at_1.bin", FIXED, RECORD, "implicit.h5", IMPLICIT, ranks=2)
run("brusselator", "-final_time 2 -restart at_1.bin -ts_init_time 1", FIXED, RECORD, "implicit.h5", IMPLICIT,
    "-ts_trajectory_neurlp_mode append", ranks=3)
with h5py.File("implicit.h5") as file:
    states, inputs, names = file["states"][..., 0], file["inputs"][..., 0], list(file["input_names"][:])
laplacian = 0.02 * (states[:-2] - 2 * states[1:-1] + states[2:]) * 32**2  # of points 4 and 5
true("one for each state, under its name, at all times", names == [b"v_implicit"] and inputs.shape == (3, 41) and states.shape == inputs.shape)
true("and what it is to be", np.abs(inputs[1:-1] - laplacian).max() <= 1e-11 * np.abs(laplacian).max())
output = run("brusselator", "-final_time 3", FIXED, RECORD, "implicit.h5", IMPLICIT.replace("-ts_trajectory_neurlp_implicit", ""),
             "-ts_trajectory_neurlp_mode append", fails=True)
true("it does not go on without", "it has inputs, and now there are none" in " ".join(output.split()), output)
output = run("robertson", "-cells 5 -final_time 1 -ts_type bdf -ts_trajectory_neurlp_implicit", RECORD, "bad.h5", fails=True)
true("a program without an implicit part", "gives TS no implicit function" in " ".join(output.split()), output)

# Killed while it records.
run("brusselator", "-final_time 5", FIXED, RECORD, "whole.h5", ranks=2)
whole_times, whole = read("whole.h5")[:2]
victim = subprocess.Popen(command("brusselator", "-final_time 1e6", FIXED, RECORD, "killed.h5", "-ts_trajectory_neurlp_flush 2",
                                  "-ts_max_steps 100000000", ranks=2), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          start_new_session=True)
limit = time.time() + 60
while time.time() < limit and not (os.path.exists("killed.h5") and os.path.getsize("killed.h5") > 50000):
    time.sleep(0.02)
for line in subprocess.run(["ps", "-o", "pid=", "--ppid", str(victim.pid)], capture_output=True, text=True).stdout.split():
    os.kill(int(line), signal.SIGKILL)
os.killpg(victim.pid, signal.SIGKILL)
victim.wait()
time.sleep(0.1)
times, states, _, _, more = read("killed.h5")
with h5py.File("killed.h5") as file:
    complete = int(file["length"][:].min())
true(f"a killed program leaves what it had flushed ({complete} samples)", complete >= 2 and complete >= len(times) - 2)
count = min(complete, len(whole_times))
true("and these are right", same(states[:, :count], whole[:, :count]))
text = neurlp("inspect", "killed.h5")
true("neurlp reads it", "33 systems" in text and "2 states" in text, text)
run("brusselator", "-final_time 1.5", FIXED, RECORD, "killed.h5", "-ts_trajectory_neurlp_mode append", ranks=2)
times, states, _, _, more = read("killed.h5")
true("and the recording can go on", not more["length"] and len(times) == 31 and np.allclose(states, whole[:, :31], rtol=0, atol=1e-12))

# What is not there, and what does not fit.
for options, text in (("-ts_trajectory_neurlp_components 2", "there is no component 2; there are 0 to 1"),
                      ("-ts_trajectory_neurlp_points 40", "there is no point 40; there are 0 to 32"),
                      ("-ts_trajectory_neurlp_points 4,3", "point 3 comes after 4"),
                      ("-ts_trajectory_neurlp_names a", "has 1 names, and 2 components"),
                      ("-ts_trajectory_neurlp_names a,1b", "'1b' is not a letter")):
    output = run("brusselator", "-final_time 1", RECORD, "bad.h5", options, fails=True)
    true(f"error: {text}", text in " ".join(output.split()), output)
output = run("robertson", "-cells 5 -final_time 1 -ts_trajectory_neurlp_fields 4", RECORD, "bad.h5", fails=True)
true("a Vec that is no whole number of points", "does not consist of points with 4" in " ".join(output.split()), output)
output = run("brusselator", "-final_time 1", RECORD, "no/folder.h5", fails=True)
true("a folder that does not exist", "no/folder.h5 cannot be made" in output, output)
true("nothing is left of what failed", not os.path.exists("bad.h5"))

# A disk that becomes full: an error before anything is lost, and what was written stays.
os.mkdir("disk")
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", "disk"], capture_output=True).returncode:
    print("SKIPPED: a small file system cannot be mounted here; run as root to test a full disk")
else:
    try:
        output = run("brusselator", "-da_grid_x 2000 -d1 0 -d2 0 -ts_adapt_type none -final_time 10", RECORD, "disk/full.h5",
                     ranks=2, fails=True)
        true("a full disk is an error in time", "full.h5 needs" in output and "free some space" in output, output)
        times, states, _, _, more = read("disk/full.h5")
        true("and what was written before is there", len(times) > 0 and more["length"] and np.isfinite(states).all())
    finally:
        subprocess.run(["umount", "disk"])
verdict()
