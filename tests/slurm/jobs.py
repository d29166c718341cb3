"""Jobs of a test's cluster: submitted from the job scripts, watched, asked to stop."""
import os
import pathlib
import re
import sys

from cluster import wait_until

SOURCE = pathlib.Path(os.environ["SOURCE"])
NEURLP = os.environ["NEURLP"]
STAND_IN = SOURCE / "tests" / "slurm" / "stand_in.sh"
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")

failures = 0
count = 0


def check(what, holds, detail=""):
    """One check, said aloud."""
    global failures, count
    count += 1
    failures += not holds
    print("ok  " if holds else "FAIL", what, detail, flush=True)
    return holds


def check_equal(what, measured, expected):
    return check(f"{what:<72}", bool(measured == expected), f"{measured} == {expected}")


def verdict():
    print(f"{count} checks, {failures} failed")
    sys.exit(failures > 0 or count == 0)


class Job:
    """A job script of the repository, submitted as it is. What sbatch is told here is what a user would tell it."""

    def __init__(self, cluster, script, *arguments, options=(), program=NEURLP, launcher=None, **variables):
        self.cluster = cluster
        # the nodes share this machine's cores with all other tests
        settings = dict(variables, NEURLP_HOME=SOURCE, NEURLP=program, NEURLP_BIND="none", OMP_WAIT_POLICY="passive",
                        OMPI_MCA_mpi_yield_when_idle=1, OMPI_ALLOW_RUN_AS_ROOT=1, OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1)
        if cluster.nodes > 1:  # Open MPI's shared memory takes ranks of two nodes on one machine for neighbours, and crashes
            settings["OMPI_MCA_btl"] = "self,tcp"
        if launcher:
            settings["NEURLP_LAUNCHER"] = launcher
        before = dict(cluster.environment)
        cluster.environment.update({name: str(value) for name, value in settings.items()})
        try:
            said = cluster.ask("sbatch", "--parsable", *options, str(SOURCE / "jobscripts" / script),
                               *map(str, arguments))
        finally:
            cluster.environment = before
        self.id = said.strip()

    def facts(self):
        """What scontrol shows: {"JobState": "RUNNING", ...}; of an array, its last task."""
        said = self.cluster.ask("scontrol", "show", "job", "-o", self.id)
        return dict(re.findall(r"(\w+)=(\S*)", said.strip().splitlines()[-1]))

    def state(self):
        return self.facts()["JobState"]

    def restarts(self):
        return int(self.facts()["Restarts"])

    def wait_for(self, states, seconds=30):
        """Whether it comes into one of the states; says where it is if not."""
        states = (states,) if isinstance(states, str) else states
        if wait_until(lambda: self.state() in states, seconds, 0.1):
            return True
        return check(f"job {self.id} gets {' or '.join(states)}", False, f"{self.facts()}\n{self.log()}")

    def wait_requeued(self, times, seconds=60):
        """Waits until it has been requeued that often, and is at work again. Slurm leaves a requeued job alone for two
        minutes; here for two seconds, as its old credential is revoked to the second."""
        holds = wait_until(lambda: self.restarts() == times and self.facts()["Reason"] == "BeginTime", seconds, 0.1)
        check(f"job {self.id} is requeued, time {times}", holds, "" if holds else f"{self.facts()}\n{self.log()}")
        if holds:
            self.cluster.ask("scontrol", "update", f"JobId={self.id}", "StartTime=now+2")
            self.wait_for("RUNNING")
        return holds

    def end(self, seconds=60):
        """Waits for its end; returns its exit status (of an array: the last task's), -1 if it does not end."""
        if not self.wait_for(ENDED, seconds):
            return -1
        code, sign = self.facts()["ExitCode"].split(":")
        return int(code) if sign == "0" else 128 + int(sign)

    def signal_batch(self, sign="USR1"):
        """What --signal=B:USR1@... has Slurm send, at once."""
        self.cluster.ask("scancel", "--batch", f"--signal={sign}", self.id)

    def log(self):
        path = pathlib.Path(self.facts()["StdOut"])
        return path.read_text(errors="replace") if path.exists() else "(no log)"
