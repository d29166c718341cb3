"""What the tests of checkpoints share: a small training, and what its results must have in common."""
import pathlib
import shutil

import h5py
import numpy as np

from support import check, command, write_data

DECK = """
task: train
data: {file: data.h5}
dynamics: {library: {polynomial: 2}}
block: {window: 10}
networks: {denoise: [flatten, {dense: 8}, tanh, {dense: output}]}
inputs:
  states: {network: denoise, residual: true}
  coefficients: {constant: [0, 1, 0]}
  rhs: library
loss: [solution, states]
train: {epochs: 4, batch: 12, shards: 6, stride: 5, validation: 0.2, learning_rate: 0.02}
"""
OF_THE_RUN = {"date", "command_line", "ranks", "deck", "identity"} # attributes that say where a file comes from


def write_trajectories(path="data.h5", shift=0.0):
    """Eight oscillations that fade, with noise."""
    rng = np.random.default_rng(7)
    t, start = 0.1 * np.arange(41), np.linspace(0.5, 1.5, 8)[:, None]
    x, y = start * np.exp(-0.1 * t) * np.cos(t), -start * np.exp(-0.1 * t) * np.sin(t)
    write_data(path, t, np.stack([x, y], axis=2) + 0.01 * rng.standard_normal((8, 41, 2)) + shift, ["x", "y"])


def everything(path):
    """Data sets, bit by bit, and attributes of a result, but for where it comes from."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, node: found.update({name: node[()].tobytes()})
                        if isinstance(node, h5py.Dataset) else None)
        for name, value in file.attrs.items():
            if name not in OF_THE_RUN:
                found["@" + name] = str(value)
    return found


def rows(path):
    """The log for machines, without its first column, the seconds."""
    return [line.split(",", 1)[1] for line in pathlib.Path(path).read_text().splitlines()]


def seconds(path):
    return [float(line.split(",", 1)[0]) for line in pathlib.Path(path).read_text().splitlines()[1:]]


def check_same(what, one, other):
    """The results, and the logs beside them, are those of one uninterrupted run."""
    a, b = everything(one), everything(other)
    different = sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))
    check(f"{what}: {len(a)} arrays and attributes of the result, those that differ:", a and not different, different)
    a, b = (rows(str(path)[:-3] + ".log.csv") for path in (one, other))
    check(f"{what}: {len(a)} lines of the log", a == b)
    times = seconds(str(other)[:-3] + ".log.csv")
    check(f"{what}: the log's seconds rise", times == sorted(times))


def checkpoints(stem):
    return sorted(pathlib.Path().glob(f"{stem}.checkpoint.*.h5"))


def run(name, *overrides, deck=None, ranks=1):
    """neurlp run, into `name`.h5; (exit status, what it said)."""
    path = pathlib.Path(f"{name}.yaml")
    if not path.exists():
        path.write_text(deck or DECK)
    return command(["run", path, *overrides, "-o", f"{name}.h5"], ranks)


def hand_over(path, name):
    """The checkpoint at `path` as the only one of run `name`."""
    for old in checkpoints(name):
        old.unlink()
    shutil.copy(path, f"{name}.checkpoint.000001.h5")
