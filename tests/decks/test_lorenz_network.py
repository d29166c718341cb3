"""lorenz_network.yaml, shortened: the seven terms, from data and from a network's estimate of them; the same numbers
on any number of ranks; and what is asked of the deck where weights are solved for. lorenz_network_noise.yaml: the seven
terms from noisy data, whose place solutions take, by Gauss-Newton and by Picard's iteration."""
import h5py
import numpy as np

from support import (DECKS, LORENZ, check, check_above, check_below, check_equal, check_errors, check_terms, command, run,
                     verdict)

DECK, NOISE = DECKS / "lorenz_network.yaml", DECKS / "lorenz_network_noise.yaml"
SHORT = ["data.generate.samples=1500", "train.epochs=6", "train.cycles=4", "train.batch=32"]


def numbers(path):
    """{name: bytes} of all data sets, and of the file's attributes that are numbers, but for the number of ranks."""
    found = {}

    def take(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "if":
            found[name] = item[()].tobytes()

    with h5py.File(path) as file:
        file.visititems(take)
        found.update({f"attribute {k}": np.asarray(v).tobytes() for k, v in file.attrs.items()
                      if np.asarray(v).dtype.kind == "f"})
    return found


def check_truth(name, found):
    """What the file says of its own errors, beside what they are."""
    states, terms = found.texts("states"), found.texts("equations/terms")
    truth = np.zeros((len(states), len(terms)))
    for (state, term), value in LORENZ.items():
        truth[states.index(state), terms.index(term)] = value
    difference = np.abs(found["equations/coefficients"][0] - truth)
    relative = difference[truth != 0] / np.abs(truth[truth != 0])
    expected = {"worst": relative.max(), "mean": relative.mean(),
                "vector": np.linalg.norm(difference) / np.linalg.norm(truth)}
    # a least-squares fit at random points: a rounding or so, times the condition of their 10 columns
    check_below(f"{name}: truth/coefficients", np.abs(found["truth/coefficients"] - truth).max(), 1e-11)
    with h5py.File(found.path) as file:
        for key, value in expected.items():
            check_below(f"{name}: coefficient_error_{key}",
                        abs(file.attrs[f"coefficient_error_{key}"] - value), 1e-11)


# the data as states: one solve in each cycle
alone = run("alone", DECK, "data.generate.samples=3000", "inputs.states=data", "networks={}", "loss=[{of: solution}]")
check_terms("data as states", alone.terms(), LORENZ, 1e-3)
check_truth("data as states", alone)
check_equal("data as states: loss in each cycle",
            bool(0 < alone["metrics/train_loss"].size <= 5), True)

one = run("one", DECK, *SHORT, "train.shards=4", "output.solution=true")
check_terms("network", one.terms(), LORENZ, 0.078)           # the published worst error
check_truth("network", one)
errors = one["equations/standard_errors"][0]
check("standard errors: finite, and 0 where terms were dropped",
      bool(np.isfinite(errors).all() and ((errors > 0) == (one["equations/coefficients"][0] != 0)).all()))
missing = []
for (state, term), (value, error) in one.terms().items():
    digits = max(1 - int(np.floor(np.log10(error))), 0)
    line = f"  {state + chr(39) + ': ' + term:<24} {value:.{digits}f}({error * 10 ** digits:.0f})\n"
    missing += [line] if line not in one.said else []
check("standard errors: a line of the report for each term that was not dropped", not missing, str(missing))
check("standard errors: no such lines where weights are trained", "estimate (standard error)" in one.said and
      "estimate (standard error)" not in run("trained", DECK, *SHORT, "inputs.weights=parameter", "train.cycles=1",
                                             "train.epochs=1").said)
three = run("three", DECK, *SHORT, "train.shards=4", "output.solution=true", ranks=3)
def check_same(name, a, b):
    first, second = numbers(a.path), numbers(b.path)
    differ = sorted(n for n in set(first) | set(second) if first.get(n) != second.get(n))
    check(f"{name}: 1 and 3 ranks write the same {len(first)} arrays and attributes", not differ and len(first) > 10,
          " ".join(differ))


check_same("network", one, three)

# noise of 5 % and 10 %: seven terms, within five of the errors that are said
for noise, bound in ((0.05, 0.03), (0.1, 0.06)):
    noisy = run(f"noisy_{noise}", NOISE, f"data.generate.noise={noise}")
    check_terms(f"noise of {noise}", noisy.terms(), LORENZ, bound)
    check_truth(f"noise of {noise}", noisy)
    check_errors(f"noise of {noise}", noisy.terms(), LORENZ, 5)

FEW = ["data.generate.samples=1500", "train.cycles=1", "output.solution=true"]
PICARD = ["train.refine_by=picard", "block.window=25", "inputs.initial_steps=25", "block.weight_initial=0.03",
          "train.stride=5"]


def off(found):
    """Largest difference of solutions from what takes the data's place, in their spread."""
    solution, given = found["windows/solution"], found["windows/states"]
    return np.abs(solution - given).max() / given.std()


for name, options, most, shrinks in (("newton", (), 5, 10), ("picard", PICARD, 20, 3)):
    differences = []
    for refinements in (0, 3, most):
        found = run(f"{name}_{refinements}", NOISE, *FEW, *options, f"train.refinements={refinements}")
        differences.append(off(found))
    print(f"{name}: solutions off what takes the data's place, in their spread:", differences)
    check_above(f"{name}: it is noise without refinements", differences[0], 3 * 0.05)
    check_below(f"{name}: it shrinks", differences[1], differences[0] / shrinks)
    check_below(f"{name}: it vanishes: the solutions are of the nonlinear equations", differences[2], 1e-3)
    last = [NOISE, *FEW, *options, f"train.refinements={most}"]
    check_same(name, found, run(f"{name}_3_ranks", *last, ranks=3))
    again = run(f"{name}_applied", *last, f"train.model={found.path.resolve()}", "train.epochs=0")
    check_below(f"{name}: the model applied, data refined by its equations: windows off those of the training",
                np.abs(again["windows/solution"] - found["windows/solution"]).max() / found["windows/states"].std(), 1e-2)

for name, override, words in (("z", ["inputs.weights=parameter", "train.threshold_by=z"], "standard errors"),
                              ("l1", ["loss=[{of: solution}, {of: weights, weight: 0.1}]"], "least squares"),
                              ("absolute", ["loss=[{of: solution, measure: absolute}]"], "least squares"),
                              ("states", ["loss=[{of: states}]"], "there is none"),
                              ("newton", ["train.refine_by=newton", "train.refinements=1"], "more is trained"),
                              ("refinements", ["inputs.weights=parameter", "train.refinements=1"], "are solved for"),
                              ("steps", ["inputs.steps={parameter: 0.01}"], "constant")):
    code, said = command(["validate", DECK, *override])
    check(f"refused with a reason: {name}", code == 2 and words in said, "" if words in said else said)
code, said = command(["validate", DECKS / "lorenz_network_full.yaml", "block.backend=cpu"])
check_equal("the deck at the paper's size is valid", code, 0)
verdict()
