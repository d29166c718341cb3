"""Networks around blocks, whole runs: results do not depend on ranks; what goes bad is said, and what is good is kept;
mistakes that only the data show; what memory a run takes is known before; what `inspect` says."""
import pathlib
import re

import h5py
import numpy as np

from support import check, check_below, check_equal, command, run, verdict, write_data

DECK = """
task: train
data: {file: data.h5}
dynamics: {library: {polynomial: 1, terms: [%s]}}
block: {window: 8}
networks: {denoise: [flatten, {dense: 6}, tanh, {dense: output}]}
inputs:
  states: {network: denoise, residual: true}
  coefficients: {constant: [0, 1, 0]}
  rhs: library
loss: [solution, states]
train: {epochs: 6, batch: 10, shards: 4, stride: 4, validation: 0.3, learning_rate: 0.01}
"""
GOOD = DECK % "x*y"
FILE_ATTRIBUTES = {"date", "command_line", "ranks"}


def trajectories():
    """Five of a linear system, with noise, gaps and lengths; the third one is shorter than a window."""
    rng = np.random.default_rng(4)
    t, start = 0.1 * np.arange(30), np.linspace(0.2, 1.4, 5)[:, None]
    x = 2 + (start - 2) * np.exp(-t / 2)
    states = np.stack([x, 0.5 * x + np.exp(-t)], axis=2)
    states += 0.01 * rng.standard_normal(states.shape)
    states[rng.random(states.shape) < 0.05] = np.nan
    return t, states, [30, 25, 5, 17, 30]


def everything(path):
    """Data sets and attributes of a result, but for where it comes from."""
    found = {}

    def take(name, item):
        if isinstance(item, h5py.Dataset):
            value = item[()]
            found[name] = repr(value.tolist()) if value.dtype == object else value.tobytes()

    with h5py.File(path) as file:
        file.visititems(take)
        found.update({name: repr(value) for name, value in file.attrs.items() if name not in FILE_ATTRIBUTES})
    return found


def invariance():
    for name, changes in (("adam", ()), ("lbfgs", ("train.optimizer=lbfgs",)), ("single", ("block.precision=single",)),
                          ("cycles", ("train.cycles=3", "train.threshold=0.05", "train.shards=1", "train.batch=3"))):
        one = run(name, GOOD, *changes)
        check(f"{name}: losses are numbers", np.isfinite(one["metrics/train_loss"]).all())
        check_equal(f"{name}: windows of the trajectory that is too short", int(np.sum(one["windows/system"] == 2)), 0)
        expected = everything(one.path)
        for ranks in (3,) if name == "single" else (2, 5):
            got = everything(run(f"{name}_{ranks}", GOOD, *changes, "output.file=x.h5", ranks=ranks).path)
            differ = sorted(n for n in expected if got.get(n) != expected[n] and n != "deck")
            check_equal(f"{name}: differs on {ranks} ranks", differ, [])


def memory():
    """validate and run say the same of the graph, and a run keeps to what was said."""
    for name, changes in (("adam", ()), ("lbfgs", ("train.optimizer=lbfgs", "train.epochs=2")),
                          ("patient", ("train.patience=3", "block.precision=single", "train.batch=40"))):
        pathlib.Path("memory.yaml").write_text(GOOD)
        code, said = command(["validate", "memory.yaml", *changes])
        check_equal(f"{name}: validate exits with", code, 0)
        promised = list(map(int, re.search(r"memory: (\d+) bytes of the graph, (\d+) bytes at most", said).groups()))
        done = run(f"memory_{name}", GOOD, *changes)
        graph = int(re.search(r"memory: (\d+) bytes of the graph", done.said).group(1))
        peak = int(re.search(r"memory +(\d+) bytes at most", done.said).group(1))
        check_equal(f"{name}: bytes of the graph", graph, promised[0])
        check_below(f"{name}: bytes at most, of those that were stated", peak, promised[1])
        phases = dict(re.findall(r"^  (\w+) +([\d.]+) +[\d.]+ %", done.said, re.M))
        total = float(phases.pop("all"))
        check_below(f"{name}: phases less their sum, s", abs(total - sum(map(float, phases.values()))),
                    0.0005 * (len(phases) + 1))


def sketch():
    """Data that are generated: validate makes one trajectory of them, and says what a run with all of them says."""
    waves = """task: train
data: {generate: {system: kdv, points: 32, systems: 60, samples: 41, step: 0.5, noise: 0.01, missing: 0.01}}
block: {order: 2, window: 20}
networks: {ahead: {axis: space, layers: [{convolution: output, kernel: 5, padding: circular}]}}
inputs: {seen: 10, coefficients: {constant: [0, 1, 0]}, rhs: {network: ahead}, initial_values: data, initial_steps: 10}
loss: [solution]
train: {epochs: 1, stride: 10}
forecast: {trajectories: 4}
"""
    pathlib.Path("waves.yaml").write_text(waves)
    for systems in (5, 60):
        code, said = command(["validate", "waves.yaml", f"data.generate.systems={systems}"])
        check_equal(f"{systems} waves: validate exits with", code, 0)
        done = run(f"waves_{systems}", waves, f"data.generate.systems={systems}")
        pattern = r"yaml: (training,[^;]*;[^;]*;[^;]*;[^;]*memory: \d+ bytes of the graph), (\d+) bytes at most"
        (described, promised), (is_so, most) = (re.search(pattern, text).groups() for text in (said, done.said))
        check_equal(f"{systems} waves: sizes", described, is_so)
        # the decks' names and the graph's list of sizes are kilobytes; the trajectories are 10 kB each, seven times
        check_below(f"{systems} waves: bytes, off those that the run says", abs(int(promised) - int(most)), 8192)
        check_below(f"{systems} waves: bytes that the run took, of those that validate said",
                    int(re.search(r"memory +(\d+) bytes at most", done.said).group(1)), int(promised))


def shared():
    """The ranks of a node have all trajectories once: what one of them holds goes down with their number."""
    many = """task: train
data: {generate: {system: lorenz, systems: 3000, samples: 120, step: 0.01, noise: 0.01}}
block: {order: 2, window: 20}
networks: {ahead: {layers: [flatten, {dense: 8}, gelu, {dense: output}]}}
inputs: {coefficients: {constant: [0, 1, 0]}, rhs: {network: ahead}, initial_values: data}
loss: [solution]
train: {epochs: 1, stride: 20, batch: 64, shards: 8}
output: {solution: false}
"""
    pathlib.Path("many.yaml").write_text(many)
    # three arrays of 3 states, the same packed with times (but for what has no gaps), a start and 3 parameters a trajectory
    trajectories = 8 * 3000 * (120 * (3 * 3 + 2 * 3 + 1) + 1 + 2 * 3)
    most = {}
    for ranks in (1, 2, 4):
        code, said = command(["validate", "many.yaml"], ranks=ranks)
        check_equal(f"trajectories on {ranks} ranks: validate exits with", code, 0)
        most[ranks] = int(re.search(r"(\d+) bytes at most in all on a rank", said).group(1))
    check_below("trajectories, of the bytes of one rank", trajectories, most[1])
    for ranks in (2, 4):
        check_below(f"bytes on {ranks} ranks, of those of one less what the others hold", most[ranks],
                    most[1] - trajectories * (1 - 1 / ranks) + 8192)
    for ranks in (2, 3):
        done = run(f"many_{ranks}", many, "data.generate.systems=90", "output.data=kept.h5", ranks=ranks)
        check_below(f"bytes that {ranks} ranks took, of those that were stated",
                    int(re.search(r"memory +(\d+) bytes at most", done.said).group(1)),
                    int(re.search(r"(\d+) bytes at most in all on a rank", done.said).group(1)))
        with h5py.File("kept.h5") as file:
            kept = {name: file[name][()].tobytes() for name in ("states", "clean", "parameters")}
        alone = run(f"many_{ranks}_alone", many, "data.generate.systems=90", "output.data=alone.h5")
        with h5py.File("alone.h5") as file:
            check_equal(f"{ranks} ranks keep the same data as one",
                        [n for n in kept if file[n][()].tobytes() != kept[n]], [])
        differ = [n for n, x in everything(alone.path).items() if everything(done.path)[n] != x and n != "deck"]
        check_equal("and learn the same from them", differ, [])


def bad():
    t, states, lengths = trajectories()
    # a step that is far too large
    for ranks in (1, 3):
        far = run("far", GOOD, "train.learning_rate=1e6", "train.batch=100", ranks=ranks, code=4)
        for words in ("training stopped: cycle 1, epoch 2, step 1: ", "it began in window", "with the gradient of",
                      "kept are the parameters before epoch 1, step 1"):
            check(f"a huge learning rate: {words}", words in far.said)
    with h5py.File(far.path) as file:
        message, outcome = str(file.attrs["outcome_message"]), str(file.attrs["outcome"])
        biggest = max(np.abs(item[()]).max() for item in file["model"].values() if isinstance(item, h5py.Dataset))
    check("the result says it, too", "epoch 2, step 1" in message and "success" not in outcome, outcome)
    check_below("the largest parameter that is kept", biggest, 10)
    # numbers of which a term overflows: in samples 12 and later of trajectory 3
    states[3, 12, 0] = 1e4
    write_data("wild.h5", t, states, ["x", "y"], lengths)
    huge = run("huge", (DECK % "exp(x)").replace("data.h5", "wild.h5"), "train.validation=0", "train.batch=100",
               code=4)
    found = re.search(r"window (\d+) \(trajectory (\d+), samples (\d+) to (\d+)\)", huge.said)
    check("huge numbers: the window has them", found and found[2] == "3" and int(found[3]) <= 12 <= int(found[4]),
          found[0] if found else huge.said)
    check("the weights' gradient is what is wrong", "with the gradient of weights" in huge.said)
    code, said = command(["inspect", huge.path])
    check("inspect says that it went bad", code == 0 and "window" in said and "kept are the parameters" in said)


def mistakes():
    t, states, lengths = trajectories()
    pathlib.Path("mistake.yaml").write_text(GOOD)
    uneven = t.copy()
    uneven[20] += 0.01
    write_data("uneven.h5", uneven, states[:1], ["x", "y"])
    write_data("square.h5", t, np.where(np.arange(30)[:, None] == 3, 1e200, states[:1]), ["x", "y"])
    for code, words, *changes in (
            (3, "no window of 31 samples fits: the longest trajectory has 30", "block.window=31"),
            (3, "has 24 to train with", "train.test=0.2", "block.window=25"),
            (3, "samples that are evenly spaced", "data.file=uneven.h5"),
            (3, "is 1e+200 at sample 3", "data.file=square.h5"),
            (3, "are for validation; at least one has to be left", "train.validation=0.99"),
            (2, "loss 0 ends at step 9, and a window has 8", "loss=[{of: solution, steps: [1, 9]}]"),
            (2, "loss 1 is of the states, and they are the data", "inputs.states=data", "networks={}"),
            (2, "2 numbers are given", "inputs.coefficients={constant: [0, 1]}"),
            (2, "coefficient 1 begins at 1, which is not inside its range, 0 to 1", "inputs.coefficients={parameter: [0.5, 1, 0.5], range: [0, 1]}"),
            (2, "there is nothing to train", "inputs.states=data", "networks={}", "loss=[solution]", "inputs.rhs=none"),
            (2, "a window has 8 steps only", "inputs.initial_steps=9"),
            (2, "is of the library's weights, and they are no parameter", "inputs.rhs=none", "loss=[solution, weights]"),
            (2, "step sizes from a network need a range above 0",
             "networks={denoise: [tanh], s: [flatten, {dense: output}]}", "inputs.steps={network: s}"),
            (2, "network denoise gives 24 numbers for each sample, and its use needs 16", "networks={denoise: [{dense: 3}]}"),
            (2, "would be written over", "-o", "data.h5")):
        for verb in ("run", "validate"):
            if verb == "validate" and "-o" in changes:
                continue
            got, said = command([verb, "mistake.yaml", *changes], ranks=2 if verb == "run" and code == 3 else 1)
            check(f"{verb} {' '.join(changes)}: {code}, {words}", got == code and words in said, f"{got}")
            if got != code or words not in said:
                print(said)
        check("nothing is written", not pathlib.Path("mistake.h5").exists())


def inspected(done):
    code, said = command(["inspect", done.path])
    check_equal("inspect exits with", code, 0)
    first, last = (f"{v:.6g}" for v in done["metrics/train_loss"][[0, -1]])
    for words in ("A training by `neurlp run`: 6 epochs; outcome: success.", f"Training loss: {first} at first, {last} at last",
                  "Validation loss:", "in 5 tensors.", "Equations:\n  x' = ", f"Windows: {len(done['status'])} of 8 samples, 2 states.",
                  f"status 0, {len(done['status'])} of {len(done['status'])} windows: success"):
        check(f"inspect: {words.splitlines()[0]}", words in said)
    plain = run("plain", GOOD, "inputs.rhs=none", "inputs.coefficients={parameter: [0.1, 1, 0]}")
    code, said = command(["inspect", plain.path])
    check("a training without a library is inspected, too", code == 0 and "Model: " in said)


times, data, counts = trajectories()
write_data("data.h5", times, data, ["x", "y"], counts)
inspected(run("good", GOOD))
invariance()
memory()
sketch()
shared()
bad()
mistakes()
verdict()
