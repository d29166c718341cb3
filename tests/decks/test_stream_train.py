"""What a model makes of windows, and its forecasts, in pieces: every number and attribute is the same, to the last bit, for
pieces of any size on any number of ranks; a run that was killed among windows or forecasts has what was complete in
NAME.partial, and the same command goes on from there, on another number of ranks, to the same bytes. A training that is
stopped then has a checkpoint of its end; what another model began is begun anew."""
import os
os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE" # files are read here while they are written
import pathlib
import signal
import subprocess
import time

import h5py
import numpy as np

from checkpoint_support import checkpoints
from support import DECKS, MPIRUN, NEURLP, check, check_equal, command, verdict, write_data

SYSTEMS, WINDOWS, OF_THE_RUN = 120, 1080, {"date", "command_line", "ranks", "deck", "identity"}
DECK = """task: train
data: {file: data.h5}
block: {order: 2, window: 12}
networks: {ahead: [flatten, {dense: output}]}
inputs: {seen: 8, coefficients: {constant: [0, 0, 1]}, rhs: {network: ahead}, initial_values: data, initial_steps: 8}
loss: [solution]
train: {test: 0.25, stride: 4, epochs: 2, batch: 24, shards: 4}
"""
APPLY = ("train.epochs=0", "train.model=whole.h5")
ROWS = {"windows": WINDOWS, "forecast": SYSTEMS}


def write_oscillations():
    random, t = np.random.default_rng(8), 0.1 * np.arange(60)
    phase, rate = random.uniform(0, 6, (SYSTEMS, 1)), random.uniform(0.5, 1.5, (SYSTEMS, 1))
    states = np.stack([np.cos(rate * t + phase), np.sin(rate * t + phase)], 2) + 0.01 * random.normal(size=(SYSTEMS, 60, 2))
    states[7, 46:] = np.nan  # a forecast that nothing is known of
    states[9, 37:45] = np.nan  # and one that cannot be made
    write_data("data.h5", t, states, ["x", "y"])


def line(out, *overrides):
    return ["run", "deck.yaml", *overrides, "-o", out]


def everything(path, group=None, rows=None):
    """Bytes of all data sets, and attributes; of a group, the first rows of its data sets."""
    found = {}
    with h5py.File(path) as file:
        def visit(name, node):
            for key, value in node.attrs.items():
                if not key.isupper() and key not in ("REFERENCE_LIST", "DIMENSION_LIST"):
                    found[f"{name}@{key}"] = str(value)
            if isinstance(node, h5py.Dataset):
                found[name] = node[()].tobytes()
        if group:
            return {name: node[:rows].tobytes() for name, node in file[group].items() if node.shape[0] == ROWS[group]}
        file.visititems(visit)
        found.update({f"@{key}": str(value) for key, value in file.attrs.items() if key not in OF_THE_RUN})
    return found


def check_same(what, path, whole, *part):
    a, b = everything(path, *part), everything(whole, *part)
    check(f"{what}: {len(b)} things, those that differ:", len(b) > 3 and a == b,
          sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k)))


def complete_of(out, group):
    """Rows of a group that are complete; -1: nobody can tell now."""
    try:
        with h5py.File(out + ".partial") as file:
            return int(file[group].attrs["complete_systems"])
    except (OSError, KeyError):
        return -1


def interrupt(out, sent, ranks, group, after, *overrides):
    """Starts it, and sends a signal when more than `after` rows of a group are complete. Killed is one rank."""
    words = line(out, "output.piece=12", *overrides)
    run = subprocess.Popen([*(MPIRUN + ["-n", str(ranks)] if ranks > 1 else []), NEURLP, *words], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, env=dict(os.environ, OMP_NUM_THREADS="1"))
    while run.poll() is None and complete_of(out, group) <= after:
        time.sleep(0.01)
    if sent == signal.SIGKILL:
        children = pathlib.Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        os.kill(int(children[-1]) if ranks > 1 else run.pid, sent)
    else:
        run.send_signal(sent)
    said = run.communicate()[0]
    return run.returncode, said


def go_on(what, out, whole, ranks, group, after, *overrides):
    """What is complete is right, inspect says how far it is, and the same command finishes it."""
    complete, rows = complete_of(out, group), ROWS[group]
    name = {"windows": "windows", "forecast": "forecasts"}[group]
    check(f"{what}: {complete} of {rows} {name} are complete", after < complete < rows)
    check_same(f"{what}, what is complete", out + ".partial", whole, group, complete)
    code, said = command(["inspect", out + ".partial"])
    check(f"{what}: inspect says how far it is", code == 0 and "It is not done." in said
          and f"the first {complete} of {rows} {name} are complete" in said and "status 0" not in said)
    code, said = command(line(out, "output.piece=100", *overrides), ranks)
    if not check_equal(f"{what}, then {ranks} ranks: exit status", code, 5):
        print(said)
    check(f"{what}: it goes on from there", f"goes on after {complete} of {rows} {name}, from {out}.partial" in said)
    check_same(f"{what}, in the end", out, whole)
    check(f"{what}: nothing else is left", not os.path.exists(out + ".partial") and not checkpoints(out[:-3]))
    return said


def any_pieces():
    check_equal("trained: exit status", command(line("whole.h5"))[0], 5) # one forecast cannot be made
    check_equal("applied: exit status", command(line("applied.h5", *APPLY))[0], 5)
    for group in ("windows", "forecast", "model"):
        with h5py.File("whole.h5") as a, h5py.File("applied.h5") as b:
            check(f"applied to the same data: {group}", all(a[group][k][()].tobytes() == b[group][k][()].tobytes()
                                                            for k in a[group]))
    with h5py.File("whole.h5") as file:
        check_equal("windows and forecasts", (file["windows/solution"].shape[0], file["forecast/states"].shape[0]),
                    (WINDOWS, SYSTEMS))
        check_equal("forecasts that failed", np.flatnonzero(file["forecast/status"][:]).tolist(), [9])
    for ranks, piece, more in ((1, 12, ()), (3, 100, ()), (2, 7, ("output.solution=false",))):
        out, whole = "pieces.h5", "applied.h5"
        command(line(out, *APPLY, f"output.piece={piece}", *more), ranks)
        if more:
            whole = "without.h5"
            command(line(whole, *APPLY, *more))
        check_same(f"pieces of {piece}, {ranks} ranks", out, whole)
    with h5py.File("without.h5") as a, h5py.File("applied.h5") as b: # judged, and not written
        check_equal("without solutions: the error", a.attrs["error"], b.attrs["error"])
    logistic = ["run", DECKS / "logistic.yaml", "data.generate.systems=50", "train.batch=24", "train.epochs=1"]
    for out, ranks, more in (("one.h5", 1, []), ("many.h5", 2, ["output.piece=5"])): # weights beside the truth
        command([*logistic, *more, "-o", out], ranks)
    check_same("with a truth, pieces of 5, 2 ranks", "many.h5", "one.h5")


def kills():
    for ranks, then, group, after in ((2, 3, "windows", 100), (1, 2, "forecast", 10)):
        what = f"killed among {group} on {ranks} ranks"
        code, said = interrupt("killed.h5", signal.SIGKILL, ranks, group, after, *APPLY)
        check(f"{what}: exit status", code != 0, code)
        go_on(what, "killed.h5", "applied.h5", then, group, after, *APPLY)


def stops():
    code, said = interrupt("stopped.h5", signal.SIGUSR1, 1, "windows", 30, *APPLY)
    check_equal("SIGUSR1: exit status", code, 75)
    check("SIGUSR1: it says where it is", "they are in stopped.h5.partial; the same command goes on" in said)
    go_on("stopped", "stopped.h5", "applied.h5", 1, "windows", 30, *APPLY)
    code, said = interrupt("trained.h5", signal.SIGUSR1, 2, "windows", 30)
    check_equal("a training, SIGUSR1: exit status, and checkpoints", (code, len(checkpoints("trained"))), (75, 1))
    said = go_on("a training, stopped", "trained.h5", "whole.h5", 1, "windows", 30)
    check("a training: its end was kept", "goes on from trained.checkpoint.000001.h5: 2 of 2 epochs" in said)


def times():
    """Each run completes a piece more, however short its time is."""
    for k in (1, 2):
        code, said = command(line("timed.h5", "output.piece=12", "checkpoint.walltime=58 seconds", *APPLY))
        check(f"58 seconds, of which 60 are to be left, run {k}: after {complete_of('timed.h5', 'windows')} windows", code == 75
              and f"the wall time is nearly over, after {12 * k} of {WINDOWS} windows; they are in" in said, said.strip()[-300:])


def others():
    interrupt("other.h5", signal.SIGKILL, 1, "windows", 30, *APPLY)
    command(line("model.h5", "train.epochs=1"))
    code, said = command(line("other.h5", "train.epochs=0", "train.model=model.h5"))
    check("another model: it is begun anew", code == 5 and "is begun anew" in said, said[:0])


write_oscillations()
pathlib.Path("deck.yaml").write_text(DECK)
any_pieces()
kills()
stops()
times()
others()
verdict()
