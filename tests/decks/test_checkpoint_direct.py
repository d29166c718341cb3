"""Discovery and fits by the direct method that go on from a checkpoint, on another number of ranks, give the result of
the uninterrupted run, bit for bit: from each stage of it, and along a chain of runs that are stopped one after the other.

The uninterrupted run writes a checkpoint at every iteration and keeps them all; others go on from some of them."""
import os
import signal
import subprocess
import sys
import time

import h5py

from checkpoint_support import check_same, checkpoints, everything, hand_over
from support import DECKS, MPIRUN, NEURLP, check, check_equal, command, verdict

KINDS = {
    "lorenz": ("data.generate.samples=1500", "data.generate.noise=0.01"),
    "pelts": ("fit.starts=3",),
    "ensemble": ("data.generate.systems=20",),
}
TERMS_OF_EACH = """
task: discover
data: {generate: {system: lotka_volterra, systems: 6, samples: 200, step: 0.05, noise: 0.01}}
dynamics: {sharing: per_system, library: {polynomial: 2}}
block: {window: 50}
"""
RANKS = [3, 2, 5, 1]
STAGES = ("starting points", "growth", "dropping", "final fit")


def learn(kind, name, *overrides, ranks=1):
    deck = DECKS / f"{kind}.yaml"
    if not deck.exists():
        deck = f"{kind}.yaml"
        with open(deck, "w") as file:
            file.write(TERMS_OF_EACH)
    return command(["run", deck, *KINDS.get(kind, ()), *overrides, "-o", f"{name}.h5"], ranks)


def progress(path):
    with h5py.File(path) as file:
        return file.attrs["progress"]


def compare(what, kind, name):
    """Where each system has parameters of its own, rank 0 logs its own systems."""
    if kind in ("lorenz", "pelts"):
        check_same(what, f"{kind}.h5", f"{name}.h5")
        return
    a, b = everything(f"{kind}.h5"), everything(f"{name}.h5")
    different = sorted(key for key in a.keys() | b.keys() if a.get(key) != b.get(key))
    check(f"{what}: {len(a)} arrays and attributes of the result, those that differ:", a and not different, different)


def choose(files):
    """One from the middle of each stage."""
    chosen = []
    for stage in STAGES:
        own = [f for f in files if progress(f).startswith(stage)]
        chosen += own[len(own) // 2:][:1]
    return chosen


def from_each_stage(kind):
    code, said = learn(kind, kind, "checkpoint.every=1 steps", "checkpoint.keep=1000", "checkpoint.finished=keep")
    if not check_equal(f"{kind}: exit status", code, 0):
        print(said)
        return
    chosen = choose(checkpoints(kind))
    check(f"{kind}: checkpoints of several stages", len(chosen) >= 2, [progress(f) for f in chosen])
    for i, file in enumerate(chosen):
        ranks, part = RANKS[i % len(RANKS)], f"{kind}_{i}"
        hand_over(file, part)
        code, said = learn(kind, part, "run.threads=2", ranks=ranks)
        if not check_equal(f"{kind}, on from {progress(file)} with {ranks} ranks: exit status", code, 0):
            print(said)
            continue
        check(f"{kind}: it says from where", f"goes on from {part}.checkpoint.000001.h5: {progress(file)}" in said)
        compare(f"{kind}, {ranks} ranks", kind, part)
        check_equal(f"{kind}: checkpoints that are left", checkpoints(part), [])


def chain(kind):
    """Five runs with time for a single iteration each, no two in a row on the same number of ranks; then one to the end."""
    limit = ("checkpoint.walltime=0 seconds", "checkpoint.every=never")
    codes = [learn(kind, "chain", *limit, ranks=ranks)[0] for ranks in (1, 2, 5, 1, 3)]
    check_equal(f"{kind}, stopped by its wall time: exit statuses", codes, [75] * 5)
    check_equal(f"{kind}, to the end: exit status", learn(kind, "chain", ranks=2)[0], 0)
    compare(f"{kind}, stopped five times", kind, "chain")


def by_signal(kind):
    """The signal arrives while the program learns: its log has begun."""
    line = [*MPIRUN, "-n", "2", NEURLP, "run", str(DECKS / f"{kind}.yaml"), *KINDS[kind], "-o", "signal.h5"]
    run = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           env=dict(os.environ, OMP_NUM_THREADS="1"))
    log = "signal.log.csv"
    while run.poll() is None and not os.path.exists(log):
        time.sleep(0.01)
    run.send_signal(signal.SIGUSR1)
    said = run.communicate()[0]
    if check_equal(f"{kind}, SIGUSR1: exit status", run.returncode, 75):
        check(f"{kind}: it says why", "as signal SIGUSR1 asked" in said, [line for line in said.splitlines() if "asked" in line])
        code, said = learn(kind, "signal")
        check_equal(f"{kind}, after SIGUSR1: exit status", code, 0)
        compare(f"{kind}, after SIGUSR1", kind, "signal")
    else:
        print(said)


def other_data(kind):
    """A checkpoint of other data is not gone on from."""
    source = checkpoints(kind)[0]
    hand_over(source, "other")
    code, said = learn(kind, "other", "data.generate.noise=0.02")
    check(f"{kind}: other data are refused", code == 2 and "data.generate.noise" in said, said.strip())


kinds = sys.argv[1:] or [*KINDS, "terms_of_each"]
for one in kinds:
    from_each_stage(one)
if "lorenz" in kinds:
    by_signal("lorenz")
    other_data("lorenz")
if "pelts" in kinds:
    chain("pelts")
verdict()
