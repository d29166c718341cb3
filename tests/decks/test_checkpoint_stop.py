"""Runs that are asked to stop, and runs that are killed: exit status 75, a checkpoint that is whole, and a way on; the
wall time, the deck's and Slurm's; what may not change meanwhile; folders that checkpoints cannot be written to."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import h5py

from checkpoint_support import DECK, check_same, checkpoints, everything, hand_over, run, write_trajectories
from support import MPIRUN, NEURLP, check, check_equal, command, verdict

ENDLESS = "train.epochs=10000000"
ONE_STEP = ("checkpoint.walltime=0 seconds", "checkpoint.every=never")


def start(name, *overrides, ranks=1, environment=None):
    """A run that does not end by itself."""
    deck = pathlib.Path(f"{name}.yaml")
    deck.write_text(DECK)
    line = [*(MPIRUN + ["-n", str(ranks)] if ranks > 1 else []), NEURLP, "run", deck, ENDLESS, *overrides,
            "-o", f"{name}.h5"]
    return subprocess.Popen(line, env=dict(os.environ, OMP_NUM_THREADS="1", **(environment or {})),
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(what, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


def end_of(process):
    try:
        said, _ = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
        check("it ends within a minute", False)
    return process.returncode, said


def programs(process):
    """The ranks of a run, by their process ids."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = int(re.search(r"\) . (\d+)", (entry / "stat").read_text())[1])
            name = pathlib.Path(os.readlink(entry / "exe")).name
        except (OSError, TypeError):
            continue
        if parent == process.pid and name == pathlib.Path(NEURLP).name:
            found.append(int(entry.name))
    return found


def goes_on(name, ranks=1):
    """From its newest checkpoint, which is whole; it is stopped one step later."""
    newest = checkpoints(name)[-1]
    code, said = command(["inspect", newest])
    check(f"{name}: {newest.name} is whole", code == 0 and "It is whole" in said, "" if code == 0 else said)
    code, said = run(name, ENDLESS, *ONE_STEP, ranks=ranks)
    if not check_equal(f"{name}: on with {ranks} ranks, for one step: exit status", code, 75):
        print(said)
    check(f"{name}: it says from where", f"goes on from {newest.name}: " in said)
    check(f"{name}: nothing half-written is left", not list(pathlib.Path().glob(f".{name}*.partial")))


def stops():
    name = "signals"
    for ranks, kind, to_launcher in [(1, signal.SIGTERM, True), (2, signal.SIGUSR1, True), (3, signal.SIGTERM, False)]:
        before = len(checkpoints(name))
        process = start(name, "checkpoint.every=200 steps", "checkpoint.keep=100", ranks=ranks)
        wait_for(lambda: len(checkpoints(name)) > before)
        target = process.pid if to_launcher else max(programs(process))
        os.kill(target, kind)
        code, said = end_of(process)
        what = f"{kind.name} to {'the program' if ranks == 1 else 'mpirun' if to_launcher else 'one of its ranks'}"
        if not check_equal(f"{what}, {ranks} ranks: exit status", code, 75):
            print(said)
        last = checkpoints(name)[-1].name
        lines = [line for line in said.splitlines() if f"stopped as signal {kind.name} asked" in line]
        check(f"{what}: one line says where and how to go on",
              len(lines) == 1 and f"it is kept in {last}; the same command goes on from there" in lines[0], lines)
        check(f"{what}: no result", not pathlib.Path(f"{name}.h5").exists())
        goes_on(name, ranks=ranks % 3 + 1)


def kills():
    """A launcher that is ended kills its ranks a second later; a rank that is killed takes the others with it."""
    name = "kills"
    for kind, of_rank in [(signal.SIGTERM, False), (signal.SIGKILL, True)]:
        before = len(checkpoints(name))
        process = start(name, "checkpoint.every=1 step", "checkpoint.keep=3", ranks=2)
        check(f"{kind.name}: checkpoints are written",
              wait_for(lambda: len(checkpoints(name)) > 2 or len(checkpoints(name)) > before))
        os.kill(max(programs(process)) if of_rank else process.pid, kind)
        code, _ = end_of(process)
        check(f"{kind.name} to {'a rank' if of_rank else 'mpirun'}: it is no success", code != 0, code)
        for left in pathlib.Path().glob(f".{name}*.partial"):
            left.unlink()  # of the moment it was killed in
        goes_on(name)


def wall_times():
    name = "slurm"
    end = int(time.time()) + 4
    process = start(name, "checkpoint.margin=1 second", environment={"SLURM_JOB_END_TIME": str(end)})
    code, said = end_of(process)
    check_equal("Slurm's end: exit status", code, 75)
    check("Slurm's end: it says why", "stopped before its wall time was over" in said)
    check("Slurm's end: it stops in time", time.time() < end, f"{end - time.time():.2f} s before")
    goes_on(name)
    for wrong in ("checkpoint.walltime=soon", "checkpoint.every=5", "checkpoint.margin=-1 s"):
        code, said = run("mistakes", wrong)
        check(f"{wrong}: exit status 2, and the place", code == 2 and "write " in said, said.strip()[-150:])
    check_equal("a deck is checked without running", command(["validate", "mistakes.yaml", "checkpoint.every=x"])[0], 2)


def changes():
    run("whole", "checkpoint.every=3 steps", "checkpoint.keep=99", "checkpoint.finished=keep")
    files = checkpoints("whole")
    name = "changed"
    hand_over(files[1], name)
    shutil.copy("data.h5", "kept.h5")
    for override, words in [("train.learning_rate=0.03", "'train.learning_rate' was 0.02, and is now 0.03"),
                            ("train.epochs=3", "it may only grow"), ("run.seed=5", "'run.seed' was 1, and is now 5"),
                            ("inputs.rhs=none", "'inputs.rhs' was library, and is now none")]:
        code, said = run(name, override)
        check(f"{override}: refused, with key, values and remedy",
              code == 2 and words in said and "checkpoint.resume=off" in said, said.strip()[-300:])
    write_trajectories(shift=1e-12)
    code, said = run(name)
    check("other data: refused", code == 2 and "its data were 8 systems of up to 41 samples of 2 states x y" in said,
          said.strip()[-300:])
    code, said = run(name, "data.file=kept.h5", "output.compress=3", "title=moved")
    check_equal("the same data elsewhere: exit status", code, 0)
    check("the same data elsewhere: it goes on", "goes on from" in said)
    check_same("the same data elsewhere", "whole.h5", f"{name}.h5")
    shutil.copy("kept.h5", "data.h5")

    hand_over(files[1], name)
    code, said = run(name, "checkpoint.resume=off")
    check("resume=off: from the beginning", code == 0 and "goes on from" not in said)
    check_same("resume=off", "whole.h5", f"{name}.h5")
    check_equal("resume=off: the old checkpoint is gone", checkpoints(name), [])

    code, said = run("whole")
    check("a finished run again: from its end", code == 0 and f"goes on from {files[-1]}: 4 of 4 epochs" in said)
    check_equal("and its checkpoints are gone, as they are not to be kept", checkpoints("whole"), [])
    hand_over_end(files, name)


def hand_over_end(files, name):
    """A finished training of 4 epochs goes on to 6."""
    run("four", "checkpoint.finished=keep")
    run("six", "train.epochs=6")
    shutil.copy(checkpoints("four")[-1], f"{name}.checkpoint.000001.h5")
    code, said = run(name, "train.epochs=6", ranks=2)
    check("more epochs: on from the end", code == 0 and "4 of 4 epochs" in said)
    check_same("more epochs", "six.h5", f"{name}.h5")


def damage():
    """The newest is torn, the one before has a changed byte, the one before that is taken."""
    name = "torn"
    code, _ = run("good", "checkpoint.every=3 steps", "checkpoint.keep=99", "checkpoint.finished=keep")
    check_equal("a whole run", code, 0)
    files = checkpoints("good")
    for i, file in enumerate(files[:3]):
        shutil.copy(file, f"{name}.checkpoint.{i + 1:06}.h5")
    newest, middle = pathlib.Path(f"{name}.checkpoint.000003.h5"), pathlib.Path(f"{name}.checkpoint.000002.h5")
    newest.write_bytes(newest.read_bytes()[:20000])
    content = bytearray(middle.read_bytes())
    content[30001] ^= 4
    middle.write_bytes(content)
    code, said = run(name, ranks=2)
    check("the torn one is named", re.search(rf"{newest} is skipped: it has 20000 bytes, and \d+ were written", said))
    check("the changed one is named", f"{middle} is skipped: its bytes are not those" in said)
    check("the older one is taken", code == 0 and f"goes on from {name}.checkpoint.000001.h5" in said)
    check_same("torn", "good.h5", f"{name}.h5")
    code, said = command(["inspect", middle])
    check("inspect says that it is damaged", "It is damaged" in said or code == 3, said.splitlines()[:4])


def check_trouble(name, code, said, words, count=1):
    if not check_equal(f"{name}: exit status", code, 5):
        print(said)
    check(f"{name}: said once", said.count("no checkpoint could be written; the run goes on without") == count)
    check(f"{name}: {words}", words in said)
    with h5py.File(f"{name}.h5") as file:
        check(f"{name}: in the result", words in file.attrs.get("checkpoint_trouble", ""))


def folders():
    run("plain")
    code, said = run("nowhere", "checkpoint.file=missing/run", "checkpoint.every=2 steps", ranks=2)
    check_trouble("nowhere", code, said, "No such file or directory")
    a, b = everything("plain.h5"), everything("nowhere.h5")
    check("nowhere: the same result otherwise", {k for k in a if a[k] != b.get(k)} == set())
    disk = pathlib.Path("disk")
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode:
        print("SKIPPED: a small file system cannot be mounted here; run as root to test full and read-only folders")
        return
    try:
        code, said = run("full", f"checkpoint.file={disk}/run", "checkpoint.every=1 step", "checkpoint.keep=999",
                         "train.epochs=20", ranks=2)
        check_trouble("full", code, said, "free some space or write to another folder")
        check("full: nothing is left", list(disk.iterdir()) == [], list(disk.iterdir()))
        code, said = run("full_stop", f"checkpoint.file={disk}/run", "checkpoint.every=1 step",
                         "checkpoint.keep=999", ENDLESS, "checkpoint.walltime=3 seconds", "checkpoint.margin=0 s")
        check("full, and stopped: it says that the newest checkpoint is older",
              code == 75 and "what came after could not be kept" in said, said.strip()[-300:])
        shutil.rmtree(disk, ignore_errors=True)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        code, said = run("readonly", f"checkpoint.file={disk}/run", "checkpoint.every=2 steps", ranks=2)
        check_trouble("readonly", code, said, "Read-only file system")
    finally:
        subprocess.run(["umount", disk], check=True)


write_trajectories()
for part in (stops, kills, wall_times, changes, damage, folders):
    begin = time.time()
    part()
    print(f"     {part.__name__}: {time.time() - begin:.1f} s")
verdict()
