"""More ranks than there is work for: more than shards, windows, trajectories, systems or bins. Ranks without any are part of
every collective call, and what they say there must be what the others say: every data set, and every attribute but those that
tell where a file comes from, is that of one rank, bit for bit."""
import pathlib
import re

import h5py

from support import SOURCE, check, check_equal, command, run, verdict

OF_THE_RUN = {"date", "command_line", "ranks", "deck"}

LOGISTIC = """
data: {generate: {system: logistic, samples: 41, systems: 3, noise: 0.01, initial: {x: {uniform: [0.05, 0.5]}}}}
dynamics: {library: {polynomial: 2}}
block: {window: 20}
run: {threads: 1}
"""
SHARED = "task: train" + LOGISTIC + """
inputs: {states: data, coefficients: {constant: [0, 1, 0]}, rhs: library}
loss: [solution]
train: {epochs: 20, shards: 4, optimizer: lbfgs}
"""  # 6 windows in 4 shards of 2, the last one empty
READ_OFF = "task: train" + LOGISTIC + """
networks: {reader: [flatten, {dense: output}]}
inputs: {states: data, coefficients: {constant: [0, 1, 0]}, steps: {parameter: 0.25}, rhs: library,
         weights: {network: reader}}
loss: [solution]
train: {epochs: 3, shards: 4, compare: [0, 1, -1], validation: 0.2}
"""
FORECAST = """
task: train
data: {generate: {system: logistic, samples: 41, systems: 3, initial: {x: {uniform: [0.05, 0.5]}}}}
block: {window: 20}
networks: {ahead: [flatten, {dense: output}]}
inputs: {seen: 10, coefficients: {constant: [0, 1, 0]}, rhs: {network: ahead}, initial_values: data, initial_steps: 10}
loss: [solution]
train: {epochs: 3, shards: 4, test: 0.4}
forecast: {trajectories: 1}
run: {threads: 1}
"""
DISCOVER = "task: discover" + LOGISTIC
FIT = """
task: fit
data: {generate: {system: logistic, samples: 41, systems: 2, noise: 0.01, initial: {x: {uniform: [0.05, 0.5]}}}}
dynamics: {equations: ["x' = r*x*(1 - x/K)"], parameters: {r: 0.8, K: 1.2}}
run: {threads: 1}
"""


def everything(path):
    """Data sets, with type and extents, and attributes of everything, but for where the file comes from."""
    found = {}

    def take(name, item):
        for key, value in item.attrs.items():
            if name or key not in OF_THE_RUN:
                found[f"{name}@{key}"] = str(value)
        if isinstance(item, h5py.Dataset):
            value = item[()]
            found[name] = (str(item.dtype), item.shape,
                           repr(value.tolist()) if value.dtype == object else value.tobytes())

    with h5py.File(path) as file:
        take("", file)
        file.visititems(take)
    return found


def compare(name, make, ranks):
    """make(name, ranks): the path of what so many ranks have written."""
    expected = everything(make(f"{name}_1", 1))
    for size in ranks:
        got = everything(make(f"{name}_{size}", size))
        differ = sorted(n for n in expected.keys() | got.keys() if expected.get(n) != got.get(n))
        check_equal(f"{name}: of {len(expected)} arrays and attributes, differ on {size} ranks", differ, [])


def runs(name, deck, *changes, ranks=(7,), code=0):
    compare(name, lambda to, size: run(to, deck, *changes, ranks=size, code=code).path, ranks)


def commands(name, *words, ranks=(7,)):
    def make(to, size):
        done, said = command([*words, "-o", f"{to}.h5"], size)
        if not check_equal(f"{to}: exit status", done, 0):
            print(said)
            verdict()
        return f"{to}.h5"

    compare(name, make, ranks)


def goes_on(name, deck, first, *changes, kept=7):
    """Stopped early on many ranks, which keep a checkpoint, and gone on with on other numbers."""
    def make(to, size):
        pathlib.Path(f"{to}.yaml").write_text(deck)
        for ranks, words in ((kept, [first, "checkpoint.finished=keep"]), (size, ["checkpoint.finished=keep"])):
            done, said = command(["run", f"{to}.yaml", *changes, *words, "-o", f"{to}.h5"], ranks)
            check(f"{to}: {ranks} ranks", done in (0, 4), f"status {done}" if done in (0, 4) else said)
        return f"{to}.h5"

    compare(name, make, (7,))


runs("shared", SHARED, ranks=(4, 5, 7))
runs("adam", SHARED, "train.optimizer=adam", "output.compress=4", ranks=(5,))
runs("cycles", SHARED, "train.optimizer=adam", "train.cycles=3", "train.threshold=0.2", "train.learning_rate=0.1")
runs("solved", SHARED, "train.optimizer=adam", "inputs.weights={parameter: shared, solve: true}")
runs("read_off", READ_OFF)
runs("forecast", FORECAST)
goes_on("kept", SHARED, "train.epochs=5")
runs("discover", DISCOVER)
runs("discover_each", DISCOVER, "dynamics.sharing=per_system")
runs("fit", FIT)
runs("fit_each", FIT, "dynamics.sharing=per_system", "block.window=0")
pathlib.Path("shared.yaml").write_text(SHARED)
commands("generate", "generate", "shared.yaml", "data.generate.missing=0.1")
runs("file", re.sub("data: .*", "data: {file: generate_1.h5}", SHARED))
commands("learned", "simulate", "discover_1.h5", "data.generate.systems=2", "data.generate.samples=21", "data.generate.initial.x=0.5",
         "data.generate.step=0.25")
commands("solve", "solve", SOURCE / "tests/mpi/data/linear_problems_hermite.h5")
verdict()
