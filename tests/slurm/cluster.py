"""A Slurm cluster of this machine's own, for one test: munge, the controller and a daemon for each node, with
configuration, keys, state and logs below one folder, on free ports of the loopback interface.

Daemons stay in the foreground as children of the test, and the kernel ends them if it goes away. What jobs leave
behind is known by a variable in its environment, which names the folder: so a test that was killed is cleared away by
the next one in that folder, and nothing else is ever touched.
"""
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

MARK = "NEURLP_SLURM_TEST"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "scancel", "sinfo")
SOCKET_PATH_MOST = 100  # a little below what sockaddr_un holds
PR_SET_PDEATHSIG = 1

CONFIGURATION = """\
ClusterName=neurlp
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={socket}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=pmix
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ReturnToService=2
EnforcePartLimits=ALL
JobRequeue=1
TmpFS={folder}/tmp/%n
InactiveLimit=0
KillWait=5
MinJobAge=3600
SlurmctldTimeout=30
SlurmdTimeout={patience}
GresTypes=gpu
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs={cpus} RealMemory=1000 Gres=gpu:2
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverTimeLimit=0
"""

# Slurm only counts and hands out the names of device files: any two will do where there is no GPU.
GPUS = "Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n"


def missing():
    """Programs of Slurm and munge that cannot be found."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    return [name for name in PROGRAMS if not shutil.which(name)]


def wait_until(true, seconds, every=0.05):
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


def processes_marked(folder):
    """Process ids of this user's whose environment names the folder, but for this process."""
    wanted = f"{MARK}={folder}".encode()
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            pass  # gone meanwhile, or somebody else's
    return found


def end_marked(folder):
    """Ends what earlier tests in the folder left behind, or this one's jobs."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in processes_marked(folder):
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                pass
        if wait_until(lambda: not processes_marked(folder), 2):
            return


def free_ports(count):
    """The first of `count` consecutive ports that are free on the loopback interface."""
    for _ in range(100):
        sockets = [socket.socket() for _ in range(count)]
        try:
            sockets[0].bind(("127.0.0.1", 0))
            first = sockets[0].getsockname()[1]
            for i in range(1, count):
                sockets[i].bind(("127.0.0.1", first + i))
            return first
        except (OSError, OverflowError):
            pass
        finally:
            for s in sockets:
                s.close()
    raise RuntimeError(f"no {count} consecutive free ports")


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Cluster:
    """`with Cluster(folder, nodes=2) as cluster:`; nodes are n1, n2, ..., with two GPUs each that are none."""

    def __init__(self, folder, nodes=1, cpus=4):
        self.folder, self.nodes, self.cpus = pathlib.Path(folder).resolve(), nodes, cpus
        self.sockets = None  # a shorter folder for munge's socket, where the path would be too long
        self.daemons = {}

    def __enter__(self):
        end_marked(self.folder)
        try:
            for attempt in range(3):  # somebody may take the ports in between
                if self.start():
                    return self
                self.stop()
            raise RuntimeError(f"the cluster does not start:\n{self.logs()}")
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def configure(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("munge", "state", "log", "run", *(f"{room}/n{i + 1}" for room in ("spool", "tmp")
                                                      for i in range(self.nodes))):
            (self.folder / name).mkdir(parents=True, mode=0o755)
        self.socket = self.folder / "munge" / "socket"
        if len(str(self.socket)) > SOCKET_PATH_MOST:
            self.sockets = tempfile.mkdtemp(prefix="neurlp-slurm-")
            self.socket = pathlib.Path(self.sockets) / "socket"
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        port = free_ports(self.nodes + 1)
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(
            host=socket.gethostname().split(".")[0], port=port, first=port + 1, last=port + self.nodes,
            user=subprocess.check_output(["id", "-un"], text=True).strip(), socket=self.socket, folder=self.folder,
            nodes=self.nodes, cpus=self.cpus, patience=300))
        (self.folder / "gres.conf").write_text(GPUS)
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("SLURM_", "SBATCH_", "PMIX_", "OMPI_COMM_"))}
        self.environment.update({"SLURM_CONF": str(self.folder / "slurm.conf"), MARK: str(self.folder)})

    def start(self):
        self.configure()
        munge = self.folder / "munge"
        self.spawn("munged", "--foreground", "--force", f"--key-file={munge / 'key'}", f"--socket={self.socket}",
                   f"--pid-file={munge / 'pid'}", f"--log-file={munge / 'log'}", f"--seed-file={munge / 'seed'}",
                   "--num-threads=2")
        if not wait_until(self.socket.exists, 5):
            return False
        self.spawn("slurmctld", "-D")
        for i in range(self.nodes):
            self.start_node(f"n{i + 1}")
        return wait_until(lambda: self.states() == ["idle"] * self.nodes, 15)

    def spawn(self, program, *arguments, name=None):
        with open(self.folder / "log" / f"{name or program}.said", "ab") as said:
            self.daemons[name or program] = subprocess.Popen(
                [program, *arguments], env=self.environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                preexec_fn=die_with_parent, cwd=self.folder)

    def start_node(self, node):
        self.spawn("slurmd", "-D", "-N", node, name=node)

    def kill_node(self, node):
        """Its daemon only: jobs go on."""
        self.daemons[node].kill()
        self.daemons.pop(node).wait()

    def lose_node(self, node):
        """The only node, with all that runs on it and its local files, as when the power of one without a disk goes; and
        the controller is told. (In files that stay is the old step's PMIx socket, over which Slurm 22.05 stumbles when the
        same job begins again there: docs/clusters.md.)"""
        self.kill_node(node)
        kept = {daemon.pid for daemon in self.daemons.values()}
        # those that would report to the controller first: their number is below their jobs'
        for pid in sorted(set(processes_marked(self.folder)) - kept):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for room in "spool", "tmp":
            shutil.rmtree(self.folder / room / node)
            (self.folder / room / node).mkdir()
        self.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")

    def bring_back(self, node):
        """A node that was lost, once it answers: what the controller still wants ended there must not meet the next job."""
        self.start_node(node)
        wait_until(lambda: self.states() == ["idle"], 10)

    def states(self):
        return self.ask("sinfo", "-h", "-N", "-o", "%T").split()

    def ask(self, *words, code=0):
        """What a command of Slurm says. RuntimeError if it ends with another status; None: any will do."""
        done = subprocess.run(words, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60)
        if code is not None and self.daemons.get("slurmctld") and done.returncode != code and words[0] != "sinfo":
            raise RuntimeError(f"{' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def logs(self):
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-3000:]}"
                         for path in sorted((self.folder / "log").glob("*")))

    def stop(self):
        if "slurmctld" in self.daemons:
            self.ask("scancel", "--quiet", "--me", code=None)
            wait_until(lambda: not self.ask("squeue", "-h", code=None).strip(), 10)
        for name in reversed(list(self.daemons)):  # munge last: the others need it to the end
            daemon = self.daemons.pop(name)
            daemon.terminate()
            try:
                daemon.wait(2)  # the controller may wait for nodes that have just gone; nobody needs its state again
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        end_marked(self.folder)
        if self.sockets:
            shutil.rmtree(self.sockets, ignore_errors=True)
            self.sockets = None
