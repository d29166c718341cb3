"""Systems that are fitted each by itself, in pieces: every number is the same, to the last bit, for pieces of any size on any
number of ranks, also where some systems fail, go back to shorter windows, or need terms that others drop; a run that was
killed has what was complete in NAME.partial, and the same command goes on from there, on another number of ranks, to the
same bytes; within a piece a checkpoint takes over, if it is of that piece."""
import os
os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE" # files are read here while they are written
import pathlib
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np

from checkpoint_support import checkpoints
from support import MPIRUN, NEURLP, check, check_equal, command, verdict

SYSTEMS = 24
EQUATIONS = """
task: fit
data: {file: data.h5}
dynamics: {sharing: per_system, equations: ["x' = a*x - b*x*y", "y' = c*x*y - d*y"],
           parameters: {a: {start: %g}, b: {start: %g}, c: {start: %g}, d: {start: %g}}}
fit: {starts: %d, window_start: %d}
learn: {iterations: 20}
"""
DECKS = {
    "fit": EQUATIONS % (3, 0.1, 5, 0.2, 2, 25), # far from the truth
    "near": EQUATIONS % (1.4, 1.1, 0.9, 3.1, 1, 100),
    "discover": """
task: discover
data: {generate: {system: lotka_volterra, systems: 9, samples: 120, step: 0.05, noise: 0.03, missing: 0.05,
                  initial: {x: {uniform: [0.2, 3]}}}}
dynamics: {sharing: per_system, library: {polynomial: 2}}
block: {window: 40}
""",
    "known": """
task: discover
data: {file: driven.h5, inputs: [w]}
dynamics: {sharing: per_system, known: ["x' = w"], library: {polynomial: 2}}
discover: {dropping: always}
learn: {noise: proportional}
""",
}


def write_data():
    """Lotka-Volterra with a lot of noise, of different lengths; one system is missing, another too short."""
    random = np.random.default_rng(5)
    step, length = 0.1, random.integers(60, 101, SYSTEMS)
    u = random.uniform(0.2, 5, (SYSTEMS, 2))
    states = np.empty((SYSTEMS, 100, 2))
    for t in range(100):
        states[:, t] = u
        for _ in range(10):
            slope = lambda v: np.stack([1.5 * v[:, 0] - v[:, 0] * v[:, 1], v[:, 0] * v[:, 1] - 3 * v[:, 1]], 1)
            k1 = slope(u)
            u = u + 0.1 * step * slope(u + 0.05 * step * k1)
    states += 0.3 * random.normal(size=states.shape)
    states[7] = np.nan
    length[20] = 2
    with h5py.File("data.h5", "w") as file:
        file["time"], file["states"], file["length"] = step * np.arange(100), states, length
        file["names"] = ["x", "y"]


def write_driven():
    """x' = -k x + w with another k and another w in each of five systems; w is an input, as measured."""
    random = np.random.default_rng(6)
    t, k = 0.1 * np.arange(60), 0.5 + 0.1 * np.arange(5)
    force = lambda at: np.sin(np.outer(1 + 0.2 * np.arange(5), np.atleast_1d(at)))
    x, states = np.full(5, 2.0), np.empty((5, 60, 1))
    for i in range(60):
        states[:, i, 0] = x
        for n in range(100):
            slope = lambda at, u: force(at)[:, 0] - k * u
            at = t[i] + 1e-3 * n
            x = x + 1e-3 * slope(at + 5e-4, x + 5e-4 * slope(at, x))
    states *= 1 + 0.005 * random.normal(size=states.shape)
    with h5py.File("driven.h5", "w") as file:
        file["time"], file["states"], file["inputs"] = t, states, force(t)[:, :, None]
        file["names"], file["input_names"] = ["x"], ["w"]


def line(kind, out, *overrides):
    path = pathlib.Path(f"{kind}.yaml")
    if not path.exists():
        path.write_text(DECKS[kind])
    return ["run", str(path), *overrides, "-o", out]


def arrays(path, rows=None):
    """Bytes of all data sets; of those with a row for each system the first `rows`."""
    found = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset):
            systems = node.shape[0] == file["status"].shape[0]
            found[name] = (node[:rows] if systems else node[()]).tobytes()

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def check_same(what, path, whole, rows=None):
    a, b = arrays(path, rows), arrays(whole, rows)
    check(f"{what}: {len(b)} arrays, those that differ:", a.keys() == b.keys() and a == b,
          sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k)))


def complete_of(out):
    """How many systems are complete; -1: nobody can tell now."""
    try:
        with h5py.File(out + ".partial") as file:
            return int(file.attrs["complete_systems"])
    except (OSError, KeyError):
        return -1


def any_pieces():
    for kind, runs in (("fit", [(1, 1), (2, 9)]), ("near", [(1, 5), (3, 7)]), ("discover", [(1, 2), (2, 3)]),
                       ("known", [(1, 2), (3, 4)])):
        codes = [command(line(kind, f"{kind}.h5"))[0]]
        for ranks, piece in runs:
            codes.append(command(line(kind, "pieces.h5", f"output.piece={piece}"), ranks)[0])
            check_same(f"{kind}, pieces of {piece}, {ranks} ranks", "pieces.h5", f"{kind}.h5")
        check_equal(f"{kind}: exit statuses", codes, [5 if kind in ("fit", "near") else 0] * 3)
    with h5py.File("fit.h5") as file:
        window, status = file["metrics/window"][:], file["status"][:]
        check("of the systems that are fitted some have failed, and some have gone back to shorter windows",
              status[7] == 4 and status[20] == 4 and len(set(window[status < 4])) > 1, sorted(set(window[status < 4])))


def processes_of(run, ranks):
    """The program's: those that mpirun has started."""
    if ranks == 1:
        return [run.pid]
    return [int(p) for p in pathlib.Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]


def interrupt(out, sent, ranks, after, *overrides):
    """Starts it, and sends a signal when more than `after` systems are complete; exit status and words. Killed is one rank."""
    words = line("near", out, "output.piece=3", *overrides)
    run = subprocess.Popen([*(MPIRUN + ["-n", str(ranks)] if ranks > 1 else []), NEURLP, *words], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, env=dict(os.environ, OMP_NUM_THREADS="1"))
    while run.poll() is None and complete_of(out) <= after:
        time.sleep(0.03)
    if sent == signal.SIGKILL:
        os.kill(processes_of(run, ranks)[-1], sent)
    else:
        run.send_signal(sent)
    said = run.communicate()[0]
    return run.returncode, said


def check_partial(out, what, after):
    complete = complete_of(out)
    check(f"{what}: {complete} of {SYSTEMS} systems are complete", after < complete < SYSTEMS)
    check_same(f"{what}, what is complete", out + ".partial", "near.h5", complete)
    code, said = command(["inspect", out + ".partial"])
    check(f"{what}: inspect says how far it is",
          code == 0 and f"not done: the first {complete} of {SYSTEMS} systems are complete" in said, said[:0])
    return complete


def go_on(out, what, complete, ranks, *overrides):
    code, said = command(line("near", out, *overrides), ranks)
    check_equal(f"{what}, then {ranks} ranks: exit status", code, 5)
    check(f"{what}: it goes on from there", f"goes on after {complete} of {SYSTEMS} systems" in said)
    check_same(f"{what}, in the end", out, "near.h5")
    check(f"{what}: nothing else is left", not os.path.exists(out + ".partial") and not checkpoints(out[:-3]))
    return said


def kills():
    for ranks, then in ((1, 3), (2, 1), (3, 2)):
        what = f"killed on {ranks} ranks"
        code, said = interrupt("killed.h5", signal.SIGKILL, ranks, 2)
        check(f"{what}: exit status", code != 0, code)
        go_on("killed.h5", what, check_partial("killed.h5", what, 2), then)


def with_checkpoints():
    """SIGUSR1 stops within a piece; then a checkpoint of that piece is there, until it is complete."""
    code, said = interrupt("stopped.h5", signal.SIGUSR1, 2, 4)
    if not check_equal("SIGUSR1: exit status", code, 75):
        print(said)
    first = complete_of("stopped.h5")
    check("SIGUSR1: it says where that is", f"after systems {first} to {first + 2}: " in said, said.splitlines()[-1])
    old = checkpoints("stopped")
    check_equal("SIGUSR1: checkpoints", len(old), 1)
    shutil.copy(old[0], "old.h5")
    code, said = interrupt("stopped.h5", signal.SIGUSR1, 1, first + 2)
    check("it goes on from both files", f"goes on after {first} of" in said and f"goes on from {old[0]}" in said)
    for path in checkpoints("stopped"):
        os.remove(path)
    shutil.copy("old.h5", old[0])
    said = go_on("stopped.h5", "with an older checkpoint", check_partial("stopped.h5", "stopped", first + 2), 3)
    check("a checkpoint of what is complete is of no use", "the results that it was for are complete" in said)


def others():
    code, said = interrupt("other.h5", signal.SIGKILL, 1, 4)
    shutil.copy("other.h5.partial", "keep.h5")
    with h5py.File("data.h5", "r+") as file:
        file["states"][3, 4, 1] += 1e-6
    code, said = command(line("near", "other.h5"))
    check("other data: it is begun anew", code == 5 and "is begun anew" in said, said.strip().splitlines()[0])
    shutil.copy("keep.h5", "more.h5.partial")
    code, said = command(line("near", "more.h5", "output.solution=false"))
    check("another deck: it is begun anew", code == 5 and "is begun anew" in said, said.strip().splitlines()[0])


write_data()
write_driven()
any_pieces()
kills()
with_checkpoints()
others()
verdict()
