"""usage: test_slurm.py CASE. The job scripts, submitted as they are, on a Slurm of this test's own; each case is a function.

The program comes in NEURLP, the repository in SOURCE; the folder that this runs in is the test's own. The exit status
is the verdict; 77, and a line that says why, where there is no Slurm.
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

import h5py
import numpy as np

import cluster
from cluster import Cluster, wait_until
from jobs import NEURLP, SOURCE, STAND_IN, Job, check, check_equal, verdict

SKIPPED = 77
HERE = pathlib.Path.cwd()
FOLDER = HERE / "cluster"
PELTS = SOURCE / "input_decks" / "pelts.yaml"


TRAINING = [SOURCE / "input_decks" / "logistic.yaml", "data.generate.systems=120", "train.batch=32", "train.shards=4",
            "train.epochs=15", "checkpoint.every=10 steps", "block.precision=double",
            "networks={encoder: {layers: [flatten, {dense: 32}, gelu, {dense: output}]}}"]


def lines(path):
    return sorted(pathlib.Path(path).read_text().split("\n")[:-1])


def attribute(path, name):
    with h5py.File(path) as file:
        return file.attrs[name]


def arrays(path):
    """Everything that a result found, {name: array}."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def check_same(what, path, other):
    """All data sets of two results, bit for bit."""
    one, two = arrays(path), arrays(other)
    different = [name for name in sorted(set(one) | set(two)) if name not in one or name not in two
                 or not np.array_equal(one[name], two[name], equal_nan=one[name].dtype.kind == "f")]
    check_equal(f"{what}: data sets that differ", different, [])
    check(f"{what}: there are data sets", len(one) > 0)


def run_here(deck, result, *overrides):
    """The same run without Slurm, on one rank."""
    subprocess.run([NEURLP, "run", deck, *overrides, "-o", result], check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1",
                            OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1"))


def steps_of(folder):
    path = pathlib.Path(folder) / "steps"
    return int(path.read_text()) if path.exists() else 0


def works(folder, steps=2, ranks=2):
    """Waits until the stand-in has taken steps, and all of its ranks are there: a signal ends one that is not yet."""
    def all_there():
        starts, there = (pathlib.Path(folder) / name for name in ("starts", "ranks"))
        return (steps_of(folder) >= steps and there.exists() and len(lines(there)) == ranks * len(lines(starts)))
    return wait_until(all_there, 30)


def checkpoints(name):
    return sorted(pathlib.Path().glob(f"{name}.checkpoint*.h5"))


def trains(name, before=()):
    """Waits until a training has written a checkpoint that was not there before."""
    return wait_until(lambda: set(checkpoints(name)) - set(before), 90)


# ---- cases -------------------------------------------------------------------------------------------------------------

def scripts():
    """One node and two, by srun and by mpirun: all ranks work together, and their status and signals go through."""
    run_here(PELTS, "here.h5")
    with Cluster(FOLDER, nodes=2) as slurm:
        # Slurm looks at limits twice a minute, and sends the signal when the time that is left is about what was asked for
        late = Job(slurm, "cpu_node.sh", "late", 1000, program=STAND_IN, options=["--time=1", "--signal=B:USR1@45"])
        check_equal("launcher that is found without a word about it", chosen_launcher(slurm), "srun")
        for launcher in ("srun", "mpirun"):
            one = Job(slurm, "cpu_node.sh", PELTS, "-o", f"one_{launcher}.h5", launcher=launcher)
            two = Job(slurm, "cpu_nodes.sh", PELTS, "-o", f"two_{launcher}.h5", launcher=launcher,
                      options=["--ntasks-per-node=1"])
            for job, name in (one, "one"), (two, "two"):
                if not check_equal(f"{name}, {launcher}: exit status", job.end(120), 0):
                    print(job.log())
                    continue
                check_equal(f"{name}, {launcher}: ranks", attribute(f"{name}_{launcher}.h5", "ranks"), 2)
                check_same(f"{name}, {launcher}", f"{name}_{launcher}.h5", "here.h5")
            bad = Job(slurm, "cpu_node.sh", "absent.yaml", launcher=launcher)
            check_equal(f"a deck that is not there, {launcher}: exit status", bad.end(), 2)
            asked = Job(slurm, "cpu_nodes.sh", f"asked_{launcher}", 1000, program=STAND_IN, launcher=launcher,
                        options=["--cpus-per-task=2"])
            works(f"asked_{launcher}", ranks=4)
            asked.signal_batch()
            check_equal(f"a signal, {launcher}: exit status", asked.end(), 75)
            check_equal(f"a signal, {launcher}: ranks that got it", lines(f"asked_{launcher}/asked"), list("0123"))
            told = [dict(zip(words[::2], words[1::2])) for words in map(str.split, lines(f"asked_{launcher}/ranks"))]
            check_equal(f"cores of a rank, {launcher}", {rank["threads"] for rank in told}, {"2"})
            check_equal(f"an hour from the beginning to the end that ranks are told, {launcher}",
                        {int(rank["end"]) - started(asked) for rank in told}, {3600})
        check_equal("the signal before the limit: exit status", late.end(), 75)
        check("the signal before the limit: steps taken", steps_of("late") > 0, steps_of("late"))
        check_equal("a launcher that is none: exit status", Job(slurm, "cpu_node.sh", PELTS, launcher="rsh").end(), 2)


def started(job):
    """Seconds since the epoch."""
    return int(time.mktime(time.strptime(job.facts()["StartTime"], "%Y-%m-%dT%H:%M:%S")))


def chosen_launcher(slurm):
    """What jobscripts/slurm.sh takes by itself."""
    return slurm.ask("srun", "-n", "1", "bash", "-c",
                     f". '{SOURCE}/jobscripts/slurm.sh' && neurlp_launcher && echo ${{neurlp_line[0]}}").strip()


def chain():
    """Stopped by Slurm before the limit, requeued until done, with all steps taken once; or as often as is allowed."""
    with Cluster(FOLDER) as slurm:
        job = Job(slurm, "chain_requeue.sh", "often", 25, program=STAND_IN)
        for times in (1, 2):
            works("often", 8 * times)
            job.signal_batch()
            job.wait_requeued(times)
        check_equal("requeued twice: exit status", job.end(), 0)
        check_equal("requeued twice: times that it was", job.restarts(), 2)
        starts = [int(line) for line in pathlib.Path("often/starts").read_text().split()]
        check("requeued twice: begins where it stopped", len(starts) == 3 and 0 == starts[0] < starts[1] < starts[2],
              starts)
        check_equal("requeued twice: result", lines("often/result"), ["25"])

        job = Job(slurm, "chain_requeue.sh", "most", 1000, program=STAND_IN, NEURLP_CHAIN_MOST=1)
        works("most")
        job.signal_batch()
        job.wait_requeued(1)
        works("most", steps_of("most") + 2)
        job.signal_batch()
        check_equal("maximum of requeues: exit status", job.end(), 75)
        check_equal("maximum of requeues: times that it was", job.restarts(), 1)
        check("maximum of requeues: it is said", "NEURLP_CHAIN_MOST" in job.log())

        job = Job(slurm, "chain_submit.sh", "next", 1000, program=STAND_IN, NEURLP_CHAIN_MOST=1)
        works("next")
        job.signal_batch()
        check_equal("successors: exit status of the first", job.end(), 75)
        taken = steps_of("next")
        works("next", taken + 3)
        (second,) = slurm.ask("squeue", "-h", "-o", "%i").split()
        job.id = second
        job.signal_batch()
        check_equal("successors: exit status of the last that is allowed", job.end(), 75)
        check_equal("successors: jobs that are left", slurm.ask("squeue", "-h").strip(), "")
        check_equal("successors: starts", lines("next/starts"), sorted(["0", str(taken)]))


def training():
    """The program itself: stopped, requeued, cancelled, submitted with other ranks, bereft of its node; it ends with what an
    undisturbed run finds, bit for bit."""
    run_here(TRAINING[0], "whole.h5", *TRAINING[1:])
    with Cluster(FOLDER) as slurm:
        job = Job(slurm, "chain_requeue.sh", *TRAINING, "-o", "stopped.h5", launcher="srun")
        trains("stopped")
        job.signal_batch()
        job.wait_requeued(1)
        finishes("stopped", job)

        job = Job(slurm, "chain_submit.sh", *TRAINING, "-o", "cancelled.h5", launcher="mpirun")
        trains("cancelled")
        slurm.ask("scancel", job.id)
        job.end()
        check("cancelled: leaves no result", not pathlib.Path("cancelled.h5").exists())
        job = Job(slurm, "chain_submit.sh", *TRAINING, "-o", "cancelled.h5", options=["--ntasks-per-node=3"],
                  launcher="mpirun")
        finishes("cancelled", job)

        job = Job(slurm, "chain_requeue.sh", *TRAINING, "-o", "lost.h5")
        trains("lost")
        slurm.lose_node("n1")
        check("lost: leaves no result", not pathlib.Path("lost.h5").exists())
        slurm.bring_back("n1")
        job.wait_requeued(1)
        finishes("lost", job)


def finishes(name, job):
    check_equal(f"{name}: exit status", job.end(120), 0)
    check(f"{name}: goes on from a checkpoint", f"goes on from {name}.checkpoint" in job.log(), job.log()[-2000:])
    check_same(name, f"{name}.h5", "whole.h5")


def cancel():
    """A job that somebody cancels stays away; submitted again, it goes on."""
    with Cluster(FOLDER) as slurm:
        for script in ("chain_requeue.sh", "chain_submit.sh"):
            job = Job(slurm, script, script, 15, program=STAND_IN)
            works(script, 3)
            slurm.ask("scancel", job.id)
            job.end()
            time.sleep(1)
            check_equal(f"{script}, cancelled", job.state(), "CANCELLED")
            check_equal(f"{script}, cancelled: jobs that are left", slurm.ask("squeue", "-h").strip(), "")
            taken = steps_of(script)
            again = Job(slurm, script, script, 15, program=STAND_IN)
            check_equal(f"{script}, submitted again: exit status", again.end(), 0)
            check_equal(f"{script}, submitted again: starts", lines(f"{script}/starts"), sorted(["0", str(taken)]))


def daemon():
    """A node's daemon dies and comes back: its job does not notice."""
    with Cluster(FOLDER) as slurm:
        job = Job(slurm, "chain_requeue.sh", "daemon", 12, program=STAND_IN)
        works("daemon", 2)
        slurm.kill_node("n1")
        works("daemon", 6)
        slurm.start_node("n1")
        check_equal("exit status", job.end(), 0)
        check_equal("starts", lines("daemon/starts"), ["0"])
        check_equal("result", lines("daemon/result"), ["12"])


def array():
    """A run for each line, with quotes; a line that is not there."""
    odd = HERE / "a deck.yaml"
    odd.write_text(PELTS.read_text().replace("file: data/", f"file: {PELTS.parent}/data/"))
    pathlib.Path("runs.txt").write_text(f"{PELTS} -o first.h5\n'{odd}' \"block.backend=cpu\" -o 'the second.h5'\n"
                                        f"absent.yaml\n")
    with Cluster(FOLDER) as slurm:
        job = Job(slurm, "array.sh", "runs.txt")
        wait_until(lambda: not slurm.ask("squeue", "-h").strip(), 60, 0.2)
        found = slurm.ask("scontrol", "show", "job", "-o", job.id)
        codes = dict(line.split() for line in (f"{facts['ArrayTaskId']} {facts['ExitCode']}" for facts in
                     (dict(part.split("=", 1) for part in row.split() if "=" in part) for row in found.splitlines())))
        check_equal("exit statuses", codes, {"1": "0:0", "2": "0:0", "3": "2:0", "4": "2:0"})
        check_same("results of two lines", "first.h5", "the second.h5")
        said = pathlib.Path(f"neurlp-array-{job.id}_4.out").read_text()
        check("the line that is not there is named", "has no line 4" in said, said)


def gpu():
    """One rank for each GPU of each node, each with its own; where there is none, backend auto says so."""
    with Cluster(FOLDER, nodes=2) as slurm:
        job = Job(slurm, "gpu_nodes.sh", "ranks", 1, program=STAND_IN, launcher="srun")
        check_equal("exit status", job.end(), 0)
        check_equal("ranks", [line.split(" end ")[0] for line in lines("ranks/ranks")],
                    [f"rank {i} node n{i // 2 + 1} GPU {i % 2} threads 1" for i in range(4)])
        job = Job(slurm, "gpu_nodes.sh", PELTS, "-o", "auto.h5", options=["--nodes=1"], CUDA_VISIBLE_DEVICES="")
        check_equal("backend auto: exit status", job.end(), 0)
        check("backend auto: says what it takes", "backend auto: the CPU is used" in job.log() or "GPU 0" in job.log(),
              job.log().splitlines()[:3])


def stale():
    """A test that is killed in the middle leaves nothing that disturbs the next one in its folder, nor anything at all."""
    child = subprocess.Popen([sys.executable, "-B", __file__, "left"], stdout=subprocess.DEVNULL)
    works("left", 3)
    child.send_signal(signal.SIGKILL)
    child.wait()
    with Cluster(FOLDER) as slurm:
        taken = steps_of("left")
        job = Job(slurm, "cpu_node.sh", "right", 3, program=STAND_IN)
        check_equal("a job of the next test: exit status", job.end(), 0)
        check_equal("steps that the job of the killed one has taken meanwhile", steps_of("left") - taken, 0)
        check("processes that belong to the test, while it runs", len(cluster.processes_marked(FOLDER)) > 0)
    check_equal("processes that belong to the test, when it is over", cluster.processes_marked(FOLDER), [])


def left():
    """What `stale` kills."""
    with Cluster(FOLDER) as slurm:
        Job(slurm, "cpu_node.sh", "left", 1000, program=STAND_IN).end(60)


CASES = {case.__name__: case for case in (scripts, chain, training, cancel, daemon, array, gpu, stale, left)}

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a time-out: the cluster is still put away
    absent = cluster.missing()
    if absent:
        print(f"skipped: no {', '.join(absent)} (Debian: slurmctld slurmd slurm-client munge)")
        sys.exit(SKIPPED)
    CASES[sys.argv[1]]()
    if sys.argv[1] != "left":
        verdict()
