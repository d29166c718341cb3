"""sine.yaml, sine_constant.yaml: a curve under noise, its error against the curve without noise.

With free coefficients a hundred epochs are enough: what the equation allows is all that is fitted then. The bound on
one constant equation is arithmetic: four numbers are fitted to 500 samples, so that 500 times the error over the
variance of the noise is chi-squared with 4 degrees of freedom, beyond 23.5 once in ten thousand times. An error of its
frequency or decay counts ninefold where the amplitude is three times as large.
"""
import h5py
import numpy as np

from support import DECKS, check, check_below, check_equal, command, run, verdict

NOISE, SAMPLES, PUBLISHED, PUBLISHED_TRIPLE = 0.5, 500, 0.0481, 0.250
FOUR_NUMBERS = NOISE**2 * 23.5 / SAMPLES
DECK = DECKS / "sine.yaml"
CONSTANT = DECKS / "sine_constant.yaml"


def attribute(found, name):
    with h5py.File(found.path) as file:
        return float(file.attrs[name])


code, said = command(["generate", DECK, "-o", "sine_data.h5"])
check_equal("the data are generated", code, 0)
with h5py.File("sine_data.h5") as file:
    data, clean = file["states"][0, :, 0], file["clean"][0, :, 0]
noise = np.mean((data - clean) ** 2)
check("the noise is what the deck says", abs(noise / NOISE**2 - 1) < 4 * np.sqrt(2 / SAMPLES), f"{noise:.4f}")

free = run("free", DECK, "train.epochs=100")
check_below("free coefficients: error", np.mean((free["windows/solution"][0, :, 0] - clean) ** 2), PUBLISHED)
coefficients = free["windows/coefficients"][0, :, 0]
check("free coefficients: they vary", bool((coefficients[:, :2].std(0) > 0.01).all()))
for j, (lower, upper) in enumerate(((0.1, 2), (-0.2, 0.3), (1, 1))):
    check(f"free coefficients: derivative {j} is in its range",
          bool((lower <= coefficients[:, j]).all() and (coefficients[:, j] <= upper).all()))
steps = free["windows/steps"][0]
check("free steps: in their range", bool((0.08 <= steps).all() and (steps <= 0.12).all() and steps.std() > 0))

constant = run("constant", CONSTANT)
check_below("constant coefficients: error", np.mean((constant["windows/solution"][0, :, 0] - clean) ** 2),
            FOUR_NUMBERS)
check_below("constant coefficients: the error that the result has, less this one",
            abs(attribute(constant, "clean_mse") - np.mean((constant["windows/solution"][0, :, 0] - clean) ** 2)), 1e-12)

TRIPLE = ("data.generate.initial={y: 0, y': 3}", "run.seed=101", "train.epochs=0")
triple = run("free_triple", DECK, *TRIPLE, f"train.model={free.path.resolve()}")
check_below("free coefficients, three times the amplitude: error", attribute(triple, "clean_mse"), PUBLISHED_TRIPLE)
triple = run("constant_triple", CONSTANT, *TRIPLE, f"train.model={constant.path.resolve()}")
check_below("constant coefficients, three times the amplitude: error", attribute(triple, "clean_mse"), 9 * FOUR_NUMBERS)

steady = run("steady", DECK, "inputs.coefficients={network: coefficients, steady: true}", "train.epochs=1")
check_equal("steady coefficients: one for all times", steady["windows/coefficients"].shape, (1, 1, 1, 3))
run("ranges", DECK, "inputs.coefficients={network: coefficients, range: [[0, 1], 1]}", code=2)
run("outside", DECK, "inputs.coefficients={parameter: [3, 0, 1], range: [[0, 2], [-1, 1], 1]}", code=2)
verdict()
