"""The TS type neurlp does what TS does around its steps: monitors, TSSetPostStep(), events, which may end it, prefixes; on a DMDA of
two dimensions, whose ranks own boxes, and where ranks have no block at all. The recorder sees the same (plane.c)."""
import re

import h5py
import numpy as np

from support import below, run, true, vectors, verdict

X, Y = np.meshgrid(np.arange(5), np.arange(4))
FREQUENCY = (1 + 0.1 * X + 0.03 * Y).ravel()  # natural order: x fastest
TIGHT = "-ts_type neurlp -ts_neurlp_order 4 -ts_rtol 1e-8 -ts_atol 1e-8"
RECORD = "-ts_save_trajectory -ts_trajectory_type neurlp -ts_trajectory_neurlp_file"


def exact(t):
    return np.stack([np.cos(FREQUENCY * t), -np.sin(FREQUENCY * t)], axis=-1)


def counts(output):
    found = re.search(r"steps (\d+), seen after (\d+), monitored (\d+), events (\d+), first at (\S+), end at (\S+)", output)
    return [int(x) for x in found.groups()[:4]] + [float(x) for x in found.groups()[4:]]


# In each window the root mean square of 40 errors, in units of 1e-8 (1 + |u|), is below 1; oscillators let them add up.
LOCAL = 2e-8 * np.sqrt(40)
for ranks in (1, 4):
    output = run("plane", TIGHT, f"-out plane_{ranks}.bin", RECORD, f"plane_{ranks}.h5", ranks=ranks)
    steps, seen, monitored, events, event, end = counts(output)
    what = f"{ranks} ranks:"
    true(f"{what} {steps} steps, each seen by TSSetPostStep(), and by the monitor, which sees the start, too",
         steps > 3 and seen == steps and monitored == steps + 1, output)
    true(f"{what} one event, and the end is met", events == 1 and end == 4, output)
    below(f"{what} the event is where cos is 0", abs(event - np.pi / 2), 1e-6)
    below(f"{what} error at the end", np.abs(vectors(f"plane_{ranks}.bin")[0].reshape(20, 2) - exact(4)).max(), steps * LOCAL)
    with h5py.File(f"plane_{ranks}.h5") as file:
        times, states = file["time"][:], file["states"][:]
        below(f"{what} recorded: every state at its time", max(np.abs(states[:, i] - exact(t)).max() for i, t in enumerate(times)),
              steps * LOCAL)
        true(f"{what} recorded: every step, names, points in natural order with their coordinates", len(times) == steps + 1
             and [n.decode() for n in file["names"][:]] == ["u", "v"] and list(file["point"][:]) == list(range(20))
             and np.allclose(file["coordinates"][:], np.stack([X.ravel(), Y.ravel()], axis=1)))
# Chosen points of a plane are of several boxes.
run("plane", TIGHT, RECORD, "some.h5 -ts_trajectory_neurlp_points 1,3,9-12,19 -ts_trajectory_neurlp_components 1", ranks=4)
with h5py.File("some.h5") as file, h5py.File("plane_4.h5") as whole:
    chosen = [1, 3, 9, 10, 11, 19]
    true("chosen points and components of a plane", list(file["point"][:]) == chosen and [n.decode() for n in file["names"][:]] == ["v"]
         and np.array_equal(file["states"][:], whole["states"][:][chosen][:, :, 1:]))

_, _, _, events, event, end = counts(run("plane", TIGHT, "-stop", ranks=2))
true("an event ends it", events == 1 and end == event < 1.6)

# Adaptivity is that of TSAdapt: looser tolerances take fewer steps, no adaptivity takes those asked for.
loose = counts(run("plane", "-ts_type neurlp -ts_rtol 1e-3 -ts_atol 1e-3"))[0]
true(f"TSAdapt: {loose} steps for tolerances of 1e-3, {steps} for 1e-8", loose < steps)
fixed = counts(run("plane", "-ts_type neurlp -ts_adapt_type none -ts_dt 0.5 -ts_event_tol 1e9"))[0]
true("and as many as asked for without it", fixed >= 8, fixed)
output = run("plane", "-ts_type neurlp -ts_adapt_type none -ts_dt 0.5 -ts_monitor -ts_view")
true("-ts_monitor and -ts_view", "0 TS dt 0.5 time 0." in output and "steps are windows of 8 intervals" in output, output)

# A prefix; misspelt behind a prefix; and ours without the prefix, which is nobody's, so that PETSc reports it.
output = run("plane", "-prefix a_ -a_ts_type neurlp -a_ts_neurlp_window 4 -a_ts_view")
true("a prefix", "windows of 4 intervals" in output, output)
output = run("plane", "-prefix a_ -a_ts_type neurlp -a_ts_neurlp_windw 4", fails=True)
true("a misspelt name behind it", "did you mean -a_ts_neurlp_window?" in output, output)
output = run("plane", TIGHT.replace("-ts", "-a_ts"), "-prefix a_ -a_ts_save_trajectory -ts_trajectory_type neurlp",
             "-ts_trajectory_neurlp_file prefixed.h5")
with h5py.File("prefixed.h5") as file, h5py.File("plane_1.h5") as other:
    true("PETSc gives a TSTrajectory no prefix", np.array_equal(file["states"][:], other["states"][:]))
output = run("plane", "-prefix a_ -a_ts_type neurlp -ts_neurlp_window 4 -options_left")
true("without the prefix PETSc reports it as unused", re.search(r"left[^\n]*-ts_neurlp_window", output), output)

# Three ranks, two blocks.
output = run("robertson", "-cells 2 -ts_type neurlp -solution few_3.bin", RECORD, "few.h5", ranks=3)
run("robertson", "-cells 2 -ts_type neurlp -solution few_1.bin")
one, three = vectors("few_1.bin")[0], vectors("few_3.bin")[0]
below("ranks without a block: the same solution, relative", (np.abs(three - one) / np.abs(one)).max(), 1e-9)
with h5py.File("few.h5") as file:
    true("and the same recording", np.array_equal(file["states"][:, -1].ravel(), three))
verdict()
