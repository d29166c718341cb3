"""block.backend: windows and networks on an imitated GPU. What is learned is what the CPU learns, but for roundings; it does not
depend on the number of ranks, bit for bit; `auto` says why it takes the CPU; a GPU that is missing, or has too little
memory, is an error that says what to do, on all ranks."""
import os

import h5py
import numpy as np

from support import DECKS, check, check_below, check_equal, command, run, verdict

DISCOVER = """
task: discover
data:
  generate: {system: lotka_volterra, systems: 6, samples: 60, step: 0.1, noise: 0.01}
dynamics: {library: {polynomial: 2}}
block: {window: 20}
run: {shards: 8}
"""

FIT = """
task: fit
data:
  generate:
    {system: logistic, systems: 11, samples: 60, step: 0.1, noise: 0.02, missing: 0.1,
     parameters: {r: {uniform: [0.5, 2]}, K: {uniform: [0.5, 2]}}, initial: {x: {uniform: [0.05, 0.2]}}}
dynamics:
  equations: ["x' = r*x*(1 - x/K)"]
  parameters: {r: {start: 1, lower: 0}, K: {start: 1, lower: 0}}
  sharing: per_system
block: {window: 0}
"""

NUMBERS = ("equations/parameters", "equations/parameter_errors", "equations/coefficients", "equations/standard_errors",
           "solution/states", "solution/initial_values", "solution/initial_errors",
           "solution/final_values")


def present(result):
    with h5py.File(result.path) as file:
        return [name for name in NUMBERS if name in file]


def compare(name, deck, ranks):
    usual = run(f"{name}_cpu", deck)
    one = run(f"{name}_1", deck, "block.backend=cuda:check")
    names = present(usual)
    check(f"{name}: {len(names)} arrays to compare", len(names) >= 3, " ".join(names))
    for array in names:
        a, b = usual[array], one[array]
        unit = np.maximum(np.abs(a), 1e-3 * np.nanmax(np.abs(a)))
        check_below(f"{name}: {array}: largest relative difference from the CPU", np.nanmax(np.abs(a - b) / unit), 1e-8)
    check(f"{name}: not the CPU's bits", usual["solution/states"].tobytes() != one["solution/states"].tobytes())
    with h5py.File(one.path) as file:
        check_equal(f"{name}: the GPU in the result", file.attrs["gpus"], "the imitated GPU")
    for size in ranks:
        other = run(f"{name}_{size}", deck, "block.backend=cuda:check", ranks=size)
        differ = [array for array in names if other[array].tobytes() != one[array].tobytes()]
        check(f"{name}: {size} ranks give the bits of one", not differ, " ".join(differ))


def train(name, deck, *short):
    """Losses of the first epochs, and equations: a rounding is about 1e-16, and the training makes some hundred times more
    of it in each of the first epochs; the bound leaves room for other compilers."""
    usual = run(f"{name}_cpu", deck, *short)
    one = run(f"{name}_1", deck, *short, "block.backend=cuda:check")
    arrays = ("metrics/train_loss", "metrics/validation_loss", "metrics/gradient_norm", "equations/coefficients")
    for array in arrays:
        a, b = usual[array], one[array]
        check_equal(f"{name}: {array}: numbers", b.shape, a.shape)
        unit = np.maximum(np.abs(a), 1e-3 * np.max(np.abs(a)))
        check_below(f"{name}: {array}: largest relative difference from the CPU", np.max(np.abs(a - b) / unit), 1e-6)
    check(f"{name}: it learns", one["metrics/train_loss"][-1] < 0.9 * one["metrics/train_loss"][0])
    check(f"{name}: not the CPU's bits", usual["metrics/train_loss"].tobytes() != one["metrics/train_loss"].tobytes())
    two = run(f"{name}_2", deck, *short, "block.backend=cuda:check", ranks=2)
    with h5py.File(one.path) as file:
        check_equal(f"{name}: the GPU in the result", file.attrs["gpus"], "the imitated GPU")
        names = []
        file.visititems(lambda path, item: names.append(path)
                        if isinstance(item, h5py.Dataset) and item.dtype.kind in "if" else None)
    differ = [path for path in names if np.asarray(two[path]).tobytes() != np.asarray(one[path]).tobytes()]
    check(f"{name}: 2 ranks give the {len(names)} arrays of one, bit for bit", not differ and len(names) > 10,
          " ".join(differ))


def fall_back():
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    found = run("auto", FIT, "block.backend=auto", ranks=2)
    check("auto: why the CPU is used, once", found.said.count("backend auto: the CPU is used, as rank 0 on") == 1)
    code, said = command(["run", "auto.yaml", "block.backend=cuda", "-o", "none.h5"], ranks=2)
    check_equal("no GPU: exit status", code, 2)
    check("no GPU: what to do", "take the backend auto" in said, said)


def gpu_aware():
    """MPI cannot be given addresses of a GPU that is imitated: `auto` says so once, `on` is an error."""
    found = run("aware", FIT, "block.backend=cuda:check", "run.gpu_aware=auto", ranks=2)
    check("gpu_aware auto: why not, once", found.said.count("run.gpu_aware auto: MPI is not given addresses") == 1)
    code, said = command(["run", "aware.yaml", "block.backend=cuda:check", "run.gpu_aware=on", "-o", "none.h5"], ranks=2)
    check_equal("gpu_aware on: exit status", code, 2)
    check("gpu_aware on: why not, and what to do", "the GPU is imitated" in said and "take auto or off" in said, said)
    run("aware_cpu", FIT, "run.gpu_aware=on", ranks=2)


def little_memory():
    os.environ["NEURLP_IMITATED_BYTES"] = "300000"
    code, said = command(["run", "auto.yaml", "block.backend=cuda:check", "-o", "none.h5"], ranks=3)
    check("little memory: exit status", code not in (0, 4, 5, 139, 134), code)
    check("little memory: bytes that are needed, and the remedy", "bytes of its memory" in said and "use" in said, said)
    check("little memory: no file is left", not os.path.exists("none.h5"))


compare("discover", DISCOVER, (2, 3))
compare("fit", FIT, (2, 5))
LORENZ_SHORT = ("data.generate.samples=600", "block.window=20", "train.batch=32", "train.shards=4", "train.validation=0.2",
                "train.clip=1", "train.cycles=2")
train("solved", DECKS / "lorenz_network.yaml", *LORENZ_SHORT, "train.epochs=4", "train.patience=50")
train("adam", DECKS / "lorenz_network.yaml", *LORENZ_SHORT, "train.epochs=4", "inputs.weights=parameter")
train("lbfgs", DECKS / "lorenz_network.yaml", *LORENZ_SHORT, "train.epochs=4", "train.optimizer=lbfgs")
fall_back()
gpu_aware()
little_memory()
verdict()
