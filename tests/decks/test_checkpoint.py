"""Runs that go on from a checkpoint give the result, the history and the log of the uninterrupted run, bit for bit, for
each kind of training, from the middle of an epoch as from the end of a cycle, on another number of ranks.

The uninterrupted run writes a checkpoint every few steps and keeps them all; others go on from some of them."""
import sys

import h5py

from checkpoint_support import check_same, checkpoints, hand_over, run, write_trajectories
from support import check, check_equal, verdict

SOLVE = "inputs.weights={parameter: shared, solve: true}"
CYCLES = ("train.cycles=3", "train.threshold=0.1")
KINDS = {
    "adam": (*CYCLES, "train.schedule=plateau", "train.schedule_every=1", "train.patience=2"),
    "projected": (*CYCLES, SOLVE, "train.threshold_by=z", "train.threshold=3"),
    "lbfgs": ("train.optimizer=lbfgs", "train.cycles=2", "train.threshold=0.05", "train.epochs=8"),
    "single": ("block.precision=single", "train.optimizer=adamw", "train.weight_decay=0.01"),
    "failing": ("train.learning_rate=0.1", "train.explosion=1.5", "train.epochs=9"),
    "refined": (*CYCLES, SOLVE, "train.threshold_by=z", "train.threshold=3", "train.refinements=2"),
    "solved": (*CYCLES, "train.threshold_by=z", "train.threshold=3", "train.refinements=2"),
    "newton": (*CYCLES, "train.threshold_by=z", "train.threshold=3", "train.refinements=2", "train.refine_by=newton",
               "train.drop_share=0.5"),
    "cuda": ("block.backend=cuda:check", SOLVE, "block.precision=single", "train.patience=3"),
    # Steps in one piece, until the loss explodes, and what is good then goes back into the result.
    "cuda_failing": ("block.backend=cuda:check", "train.shards=1", "train.learning_rate=0.1", "train.explosion=1.5",
                     "train.epochs=9"),
}
RANKS = [3, 2, 5, 1]
# Nothing to train: weights are solved for, and states are the data, which solutions then take the place of.
SOLVED = """
task: train
data: {file: data.h5}
dynamics: {library: {polynomial: 2}}
block: {window: 10}
inputs:
  states: data
  coefficients: {constant: [0, 1, 0]}
  rhs: library
  weights: {parameter: shared, solve: true}
  initial_values: data
loss: [solution]
train: {batch: 12, shards: 6, stride: 5}
"""


def progress(path):
    with h5py.File(path) as file:
        return file.attrs["progress"]


def choose(files):
    """The first, one from the middle of an epoch far on (of a later cycle, where there is one), and the last."""
    inside = [f for f in files[1:] if "steps" in progress(f)]
    later = [f for f in inside if "cycle 2" in progress(f)] or inside[len(inside) // 2:]
    chosen = [files[0], *later[:1], files[-1]]
    return sorted(set(chosen), key=chosen.index)


def main(kinds):
    write_trajectories()
    for kind in kinds:
        overrides = KINDS[kind]
        fails, solved = kind.endswith("failing"), kind in ("solved", "newton")
        steps = "1 steps" if fails or solved else "2 steps"
        deck = SOLVED if solved else None
        code, said = run(kind, *overrides, f"checkpoint.every={steps}", "checkpoint.keep=1000",
                         "checkpoint.finished=keep", deck=deck)
        if kind.startswith("cuda") and code == 2 and "has no backend" in said:
            print(f"skipped: kind {kind}; this build has no backend for it")
            continue
        expected = 4 if fails else 0
        if not check_equal(f"{kind}: exit status", code, expected):
            print(said)
            continue
        files = checkpoints(kind)
        least = 1 if solved else 3 # between its cycles only
        check(f"{kind}: several checkpoints", len(files) >= least, len(files))
        if "train.cycles" in " ".join(overrides):
            check(f"{kind}: terms were dropped, and it went on", any("cycle 2" in progress(f) for f in files))
        for i, file in enumerate(choose(files)):
            ranks, part = RANKS[i % len(RANKS)], f"{kind}_{i}"
            hand_over(file, part)
            code, said = run(part, *overrides, "checkpoint.every=never", "run.threads=2", ranks=ranks,
                             deck=deck)
            if not check_equal(f"{kind}, on from {progress(file)} with {ranks} ranks: exit status", code, expected):
                print(said)
                continue
            check(f"{kind}: it says from where", f"goes on from {part}.checkpoint.000001.h5: {progress(file)}" in said)
            check_same(f"{kind}, {ranks} ranks", f"{kind}.h5", f"{part}.h5")
            check_equal(f"{kind}: checkpoints that are left", checkpoints(part), [])


main(sys.argv[1:] or KINDS)
verdict()
