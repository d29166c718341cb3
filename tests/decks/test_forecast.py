"""Forecasts: networks that see the beginning of windows, applied to their own answers, on a shortened two_body.yaml;
Newton's law fitted to 50 samples and integrated on; the same bits on any number of ranks; what cannot be."""
import pathlib

import h5py
import numpy as np

from support import DECKS, check, check_above, check_below, check_equal, command, run, verdict, write_data

HORIZONS = (50, 100, 200, 500, 1000, 2000)
PUBLISHED = (0.0276, 0.0580, 0.101, 1.61, 5.26, 21.3)  # the network's; a perceptron's are below
PERCEPTRON = (0.0016, 0.0066, 0.025)

SHORT = ["data.generate.systems=84", "data.generate.samples=300", "train.shards=3", "train.batch=48",
         "train.stride=10", "train.epochs=8", "train.learning_rate=2e-3", "forecast.trajectories=44", "forecast.steps=250",
         "forecast.horizons=[50, 250]", "output.solution=false"]


SMALL = """task: train
data: {file: FILE}
block: {order: 2, window: 12}
networks: {ahead: [flatten, {dense: output}]}
inputs: {seen: 8, coefficients: {constant: [0, 0, 1]}, rhs: {network: ahead}, initial_values: data, initial_steps: 8}
loss: [solution]
train: {test: 0.25, stride: 1, epochs: 3}
"""


def test_network():
    one = run("two_body", DECKS / "two_body.yaml", *SHORT)
    three = run("two_body_three", DECKS / "two_body.yaml", *SHORT, ranks=3)
    forecast, data, mse = one["forecast/states"], one["forecast/data"], one["metrics/forecast_mse"]
    check_equal("shape of the forecasts", forecast.shape, (44, 250, 4))
    check_equal("sample with which they begin", set(one["forecast/first"]), {50})
    check_below("time of the first step, off 50 sampling intervals", abs(one["forecast/time"][:, 0] / 0.02 - 50).max(),
                1e-9)
    bound = 1e-12  # relative: sums of 44 x 4 numbers, in another order
    by_hand = np.mean((forecast - data) ** 2, axis=(0, 2))
    check_below("error at each step, against numpy", np.max(np.abs(mse / by_hand - 1)), bound)
    up_to = np.array([np.mean((forecast - data)[:, :h] ** 2) for h in (50, 250)])
    check_below("error up to the horizons, against numpy",
                np.max(np.abs(one["metrics/forecast_horizon_mse"] / up_to - 1)), bound)
    check_above("50 steps: persistence's error over the network's",
                one["metrics/forecast_horizon_persistence_mse"][0] / one["metrics/forecast_horizon_mse"][0], 5)
    names = []
    with h5py.File(one.path) as a, h5py.File(three.path) as b:
        def compare(name, item):
            if isinstance(item, h5py.Dataset) and item[()].tobytes() != b[name][()].tobytes():
                names.append(name)
        a.visititems(compare)
        check_equal("data sets whose bits differ on three ranks", names, [])
        check_equal("data sets", "forecast/states" in b and len(b["model"]) > 0, True)


def test_physics():
    deck = DECKS / "two_body_physics.yaml"
    fitted = run("physics", deck)
    code, said = command(["simulate", fitted.path, "data.generate.initial_from=last", "data.generate.step=0.02",
                          "data.generate.samples=2001", "-o", "forecast.h5"])
    if not check_equal("simulate: exit status", code, 0):
        print(said)
        verdict()
    command(["generate", deck, "data.generate.samples=2050", "data.generate.noise=0", "-o", "truth.h5"])
    with h5py.File("forecast.h5") as a, h5py.File("truth.h5") as b:
        error = (a["states"][:, 1:] - b["states"][:, 50:]) ** 2
    for i, horizon in enumerate(HORIZONS):
        check_below(f"Newton's law, {horizon} steps: mean square error, against what was published",
                    np.mean(error[:, :horizon]), min(PUBLISHED[i], *PERCEPTRON[i:i + 1], np.inf))


def test_sst():
    """Four years of sea surface temperature: better than the mean of each calendar month before them."""
    sst = np.loadtxt(DECKS / "data" / "elnino_sst.csv", delimiter=",", comments="#", skiprows=3)[:, 1]
    known = len(sst) - 48
    found = run("sst", DECKS / "sst.yaml")
    check_equal("sst: first month that is forecast", list(found["forecast/first"]), [known])
    check("sst: what was to be forecast", np.array_equal(found["forecast/data"].ravel(), sst[known:]))
    climatology = sst[:known].reshape(-1, 12).mean(axis=0)
    check_below("sst: RMSE over 48 months, and climatology's",
                np.sqrt(np.mean((found["forecast/states"].ravel() - sst[known:]) ** 2)),
                np.sqrt(np.mean((np.tile(climatology, 4) - sst[known:]) ** 2)))


def test_gaps():
    """What is held back is not looked at: huge numbers there change nothing but the errors."""
    times = np.arange(80) * 0.1
    states = np.stack([np.sin(times + s) for s in range(3)])[:, :, None]
    states[1, 58:60] = np.nan  # the last that is known to training
    results = []
    for name, after in (("usual", 1), ("huge", 1e6)):
        spoilt = states.copy()
        spoilt[:, 60:] *= after
        write_data(f"{name}_data.h5", times, spoilt, ["x"])
        results.append(run(name, SMALL.replace("FILE", f"{name}_data.h5")))
    usual, huge = results
    check_equal("first sample that is forecast, last", (usual["forecast/first"][0], usual["forecast/states"].shape[1]),
                (60, 20))
    check("what is held back does not change the forecast",
          np.array_equal(usual["forecast/states"], huge["forecast/states"]))
    check("it is finite", np.isfinite(usual["forecast/states"]).all())
    check_below("persistence at the first step, against numpy", abs(
        usual["metrics/forecast_persistence_mse"][0] -
        np.mean((np.array([states[0, 59], states[1, 57], states[2, 59]]) - states[:, 60]) ** 2)), 1e-15)


def test_mistakes():
    for override, sentence in (
            ("inputs.seen=101", "a window has 100 samples only"),
            ("inputs.seen=100", "a forecast needs a model that sees less than its window"),
            ("inputs.seen=40", "initial values are those of the data, and inputs.seen is 40"),
            ("forecast.trajectories=0", "nothing is held back to be forecast"),
            ("forecast.trajectories=30", "none is left to train with"),
            ("forecast.horizons=[50, 20.5]", "a horizon is a whole number of steps"),
            ("forecast.horizons=[2001]", "and 2000 are forecast"),
            ("forecast.of=states", "the states are the data, which say nothing of the future")):
        code, said = command(["validate", DECKS / "two_body.yaml", "data.generate.systems=30",
                              "data.generate.samples=120", override])
        check(f"{override}: refused, with the reason", code == 2 and sentence in said, "" if sentence in said else said)
    source = "rhs: {network: ahead}"  # of usual.yaml
    for other, sentence in (
            ("rhs: library", "the library is a function of the data at all 12 samples"),
            ("states: {network: ahead, residual: true}", "'residual' adds the data at all 12 samples")):
        text = SMALL.replace("FILE", "usual_data.h5").replace(source, other)
        if "ahead" not in other:
            text = text.replace("networks: {ahead: [flatten, {dense: output}]}\n", "")
        pathlib.Path("partly.yaml").write_text(text)
        code, said = command(["validate", "partly.yaml"])
        check(f"{other}: refused, with the reason", code == 2 and sentence in said, "" if sentence in said else said)


test_network()
test_physics()
test_sst()
test_gaps()
test_mistakes()
verdict()
