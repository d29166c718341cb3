"""Files that are written piece by piece, by `solve` and by `simulate`: killed at any moment, what is said to be complete is
there, and any reader finds it; the same command goes on from there, on another number of ranks, to the same bytes;
what is another problem's is begun anew; two programs do not write the same file."""
import os
os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE" # files are read here while they are written
import pathlib
import signal
import subprocess
import sys
import time

import h5py
import numpy as np

from support import MPIRUN, NEURLP, check, check_equal, command, verdict

DECK = """
task: simulate
data: {generate: {system: lotka_volterra, systems: 150, samples: 100, step: 0.05, noise: 0.01,
                  initial: {x: {uniform: [1, 3]}}}}
simulate: {step: 0.001, method: rk4}
"""
SYSTEMS = 150


def write_problem():
    random = np.random.default_rng(1)
    with h5py.File("problem.h5", "w") as file:
        for name, systems in (("few", 3), ("many", SYSTEMS)):
            group = file.create_group(name)
            group["coefficients"] = random.normal(size=(systems, 40, 1, 2, 3))
            group["rhs"] = random.normal(size=(systems, 40, 1))
            group["initial_values"] = random.normal(size=(systems, 1, 2, 2))
            group["steps"] = np.full((systems, 39, 1), 0.1)
            group["grad_output"] = random.normal(size=(systems, 40, 2, 3))


class Solve:
    name, group = "solve", "many"
    sizes = {"": [], "pieces": ["--piece", "1"]}

    def line(self, out, size):
        return ["solve", "problem.h5", "-o", out, *self.sizes[size]]

    def limit(self, time):
        return ["--walltime", time]

    def change(self):
        write_problem()


class Simulate:
    name, group = "simulate", "/"
    sizes = {"": [], "pieces": ["output.piece=1"]}
    deck = DECK

    def line(self, out, size):
        pathlib.Path("simulate.yaml").write_text(self.deck)
        return ["simulate", "simulate.yaml", "-o", out, *self.sizes[size]]

    def limit(self, time):
        return [f"checkpoint.walltime={time}"]

    def change(self):
        self.deck = DECK.replace("0.01", "0.02")


def arrays(path, rows=None, only=""):
    """Bytes of all data sets; of those with a row for each system the first `rows`."""
    found = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset) and name.startswith(only):
            found[name] = (node[:rows] if node.shape[0] == SYSTEMS else node[()]).tobytes()

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def complete_of(job, path):
    with h5py.File(path) as file:
        return int(file[job.group].attrs["complete_systems"])


def interrupt(job, out, sent, ranks):
    """Starts it, and sends a signal when some of it should be done; its exit status and words."""
    line = [*(MPIRUN + ["-n", str(ranks)] if ranks > 1 else []), NEURLP, *job.line(out, "pieces")]
    run = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           env=dict(os.environ, OMP_NUM_THREADS="1"))
    partial = pathlib.Path(out + ".partial")
    while run.poll() is None:
        try:
            if complete_of(job, partial) > 10:
                break
        except (OSError, KeyError):
            pass # not there yet, or just being written
        time.sleep(0.01)
    if sent == signal.SIGKILL:
        run.send_signal(signal.SIGSTOP)
        code, said = command(job.line(out, "pieces"))
        check(f"{job.name}: a second run of the same file is refused", code == 1 and "by another run" in said, said.strip())
    run.send_signal(sent)
    said = run.communicate()[0]
    return run.returncode, said


def check_partial(job, out, what):
    """What is complete is there, and inspect says so."""
    partial = out + ".partial"
    complete = complete_of(job, partial)
    check(f"{job.name}, {what}: {complete} of {SYSTEMS} systems are complete", 10 < complete < SYSTEMS)
    only = "" if job.group == "/" else job.group
    check(f"{job.name}, {what}: they are right", arrays(partial, complete, only) == arrays("whole.h5", complete, only))
    code, said = command(["inspect", partial])
    check(f"{job.name}, {what}: inspect says how far it is",
          code == 0 and f"not done: the first {complete} of {SYSTEMS} systems are complete" in said, said)
    return complete


def go_on(job, out, complete, ranks, what):
    code, said = command(job.line(out, ""), ranks)
    check_equal(f"{job.name}, {what}, then {ranks} ranks: exit status", code, 0)
    check(f"{job.name}, {what}: it goes on from there", f"goes on after {complete} of {SYSTEMS} systems" in said)
    check(f"{job.name}, {what}: the same bytes", arrays(out) == arrays("whole.h5"))
    check(f"{job.name}, {what}: nothing else is left", not os.path.exists(out + ".partial"))


def check_time(job):
    """Time that never holds a piece: each run completes one all the same, so that a chain of them comes to an end."""
    slurm = dict(os.environ, SLURM_JOB_END_TIME=str(int(time.time()) + 58))
    for k, (words, environment) in enumerate((([], slurm), (job.limit("58 seconds"), None)), 1):
        run = subprocess.run([NEURLP, *job.line("timed.h5", "pieces"), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, env=environment)
        check(f"{job.name}: with less than a minute left run {k} stops after one more piece", run.returncode == 75
              and f"the wall time is nearly over, after {k} of " in run.stdout, run.stdout.strip())
    os.remove("timed.h5.partial")


def test(job):
    code, said = command(job.line("whole.h5", ""))
    if not check_equal(f"{job.name}: exit status", code, 0):
        print(said)
    interrupt(job, "killed.h5", signal.SIGKILL, 1)
    go_on(job, "killed.h5", check_partial(job, "killed.h5", "killed"), 3, "killed")
    code, said = interrupt(job, "stopped.h5", signal.SIGUSR1, 2)
    if not check_equal(f"{job.name}, SIGUSR1: exit status", code, 75):
        print(said)
    check(f"{job.name}: it says where it is", "they are in stopped.h5.partial; the same command goes on" in said)
    go_on(job, "stopped.h5", check_partial(job, "stopped.h5", "stopped"), 1, "stopped")
    check_time(job)
    interrupt(job, "other.h5", signal.SIGTERM, 1)
    job.change()
    code, said = command(job.line("other.h5", ""))
    check(f"{job.name}: another problem begins anew", code == 0 and "is begun anew" in said, said.strip().splitlines()[0])
    for path in ("whole.h5", "killed.h5", "stopped.h5", "other.h5"):
        os.remove(path)


write_problem()
for one in (Solve(), Simulate()):
    if one.name in (sys.argv[1:] or ["solve", "simulate"]):
        test(one)
verdict()
