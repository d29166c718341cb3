"""Trained models are used again: what a result holds of its model is all that other data need, and files that hold no
such model are refused.

The oracle is the network written out in NumPy, from the file's arrays alone.
"""
import math
import pathlib
import shutil

import h5py
import numpy as np

from support import DECKS, check, check_below, check_equal, command, run, verdict

DECK = DECKS / "logistic.yaml"
SMALL = ["data.generate.systems=90", "train.batch=32", "block.precision=double"]
EPSILON = np.finfo(float).eps


# ---- the network in NumPy ----------------------------------------------------------------------------------------------

def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def convolve(x, weight, bias, stride):
    """x [channels][T], zeros added so that stride 1 keeps the length."""
    kernel = weight.shape[2]
    padded = np.pad(x, ((0, 0), (kernel // 2, kernel // 2)))
    windows = [padded[:, t:t + kernel] for t in range(0, x.shape[1], stride)]
    return np.array([[np.sum(w * part) for part in windows] for w in weight]) + bias[:, None]


def read_weights(model, window):
    """What the encoder of logistic.yaml makes of a window [T][1]: weights [L]."""
    x = ((window - model["center"]) / model["spread"]).T
    for layer in (0, 2):
        x = gelu(convolve(x, model[f"encoder.{layer}.weight"], model[f"encoder.{layer}.bias"], 2))
    x = x.T.reshape(-1)  # time first
    for layer in (5, 7, 9):
        x = model[f"encoder.{layer}.weight"] @ x + model[f"encoder.{layer}.bias"]
        x = gelu(x) if layer < 9 else x
    return x * model["weight_scale"][0] * model["mask"][0]


def model_of(result):
    with h5py.File(result.path) as file:
        return {name: file["model"][name][()] for name in file["model"]}


def check_against_numpy(name, result, data):
    model, (states,) = model_of(result), data
    found = result["windows/weights"][:, 0, :]
    expected = np.array([read_weights(model, states[s]) for s in result["windows/system"]])
    # sums of at most 208 numbers in each of five layers
    check_below(f"{name}: weights, less the network in NumPy", np.abs(found - expected).max(),
                1e4 * EPSILON * np.abs(expected).max())


def check_metrics(name, result, data_path):
    """Metrics, from the windows and the data set themselves."""
    with h5py.File(data_path) as file:
        clean, parameters = file["clean"][()], file["parameters"][()]
    names = result.texts("truth/parameter_names")
    r, K = parameters[:, names.index("r")], parameters[:, names.index("K")]
    true = np.stack([r, -r / K], axis=1)
    check_below(f"{name}: true weights", np.abs(result["truth/weights"][:, 0, :] - true).max(), 4 * EPSILON * 4)
    system, held = result["windows/system"], result["windows/validation"] == 1
    with h5py.File(result.path) as file:
        scale = file["metrics/weights_error"].attrs["time_scale"]
        mse = [file.attrs[key] for key in ("clean_mse", "clean_mse_training", "clean_mse_validation")]
    for i, chosen in enumerate((held | True, ~held, held)):
        found, truth = result["windows/weights"][chosen, 0, :] * scale, true[system[chosen]]
        for term in range(2):
            f, t = found[:, term], truth[:, term]
            correlation = np.corrcoef(f, t)[0, 1]
            for key, value in (("correlation", correlation), ("error", np.sqrt(np.mean((f - t)**2))),
                               ("relative_error", np.sqrt(np.mean((f - t)**2) / np.mean(t**2)))):
                got = result[f"metrics/weights_{key}"][i, 0, term]
                check_below(f"{name}: {key} {i} of term {term}", abs(got - value), 1e-11 * max(1, abs(value)))
        error = np.mean((result["windows/solution"][chosen] - clean[system[chosen]])**2)
        check_below(f"{name}: mean square error {i} against clean curves", abs(mse[i] - error), 1e-12 * error)
    check_equal(f"{name}: windows for validation", int(held.sum()), 9)


def same(name, one, other, groups):
    """Bit for bit."""
    with h5py.File(one.path) as a, h5py.File(other.path) as b:
        for group in groups:
            check_equal(f"{name}: arrays in {group}", sorted(a[group]), sorted(b[group]))
            check(f"{name}: {group} to the last bit",
                  all(a[group][k][()].tobytes() == b[group][k][()].tobytes() for k in a[group]))


# ---- applied -----------------------------------------------------------------------------------------------------------

first = run("first", DECK, *SMALL, "train.epochs=4", "output.data=first_data.h5")
with h5py.File("first_data.h5") as file:
    check_against_numpy("trained", first, [file["states"][()]])
check_metrics("trained", first, "first_data.h5")
FOUND = ["windows", "model", "truth"]
again = run("again", DECK, *SMALL, "train.epochs=0", f"train.model={pathlib.Path('first.h5').resolve()}", ranks=2)
same("applied to the same data", first, again, FOUND)
check_equal("applied: epochs in the file", "train_loss" in h5py.File("again.h5")["metrics"], False)

text = DECK.read_text()
begin, stop = text.index("  generate:"), text.index("\ndynamics:")
pathlib.Path("filed.yaml").write_text(text[:begin] + "  file: first_data.h5\n" + text[stop:])
filed = run("filed", pathlib.Path("filed.yaml"), *SMALL[1:], "train.epochs=0", "train.model=first.h5")
same("applied to data in a file", first, filed, FOUND)

pathlib.Path("other.yaml").write_text(text)
other = run("other", pathlib.Path("other.yaml"), *SMALL, "train.epochs=0", "train.model=first.h5", "run.seed=5",
            "data.generate.initial.x={uniform: [0.3, 0.4]}", "output.data=other_data.h5")
same("applied to other data", first, other, ["model"])
with h5py.File("other_data.h5") as file:
    states = file["states"][()]
    check("other data have another mean", abs(states.mean() - model_of(other)["center"][0]) > 0.01)
check_against_numpy("applied to other data", other, [states])
check_metrics("applied to other data", other, "other_data.h5")

more = run("more", pathlib.Path("other.yaml"), *SMALL, "train.epochs=2", "train.model=first.h5")
fresh = run("fresh", pathlib.Path("other.yaml"), *SMALL, "train.epochs=2")
check_below("training goes on where it was: first loss, of a fresh training's", more["metrics/train_loss"][0],
            0.9 * fresh["metrics/train_loss"][0])


# ---- a library with dropped terms --------------------------------------------------------------------------------------

LORENZ = ["output.solution=true", "data.generate.samples=600", "train.cycles=2", "train.threshold=0.3", "train.stride=25"]
sparse = run("sparse", DECKS / "lorenz_network.yaml", *LORENZ, "train.epochs=20")
mask = model_of(sparse)["mask"]
check("some terms were dropped, and some were not", 0 < mask.sum() < mask.size, f"{int(mask.sum())} of {mask.size}")
check_equal("dropped terms have no weight", np.abs(sparse["equations/coefficients"][0][mask == 0]).max(), 0)
kept = run("kept", DECKS / "lorenz_network.yaml", *LORENZ, "train.epochs=0",
           f"train.model={pathlib.Path('sparse.h5').resolve()}")
same("a library applied", sparse, kept, ["windows", "model"])
check("a library applied: coefficients to the last bit",
      kept["equations/coefficients"].tobytes() == sparse["equations/coefficients"].tobytes())
check("its standard errors are not estimated again", np.all(np.isnan(kept["equations/standard_errors"])))
on = run("on", DECKS / "lorenz_network.yaml", *LORENZ, "train.epochs=2", "train.cycles=1",
         f"train.model={pathlib.Path('sparse.h5').resolve()}")
check_equal("what was dropped stays so when training goes on",
            np.abs(on["equations/coefficients"][0][mask == 0]).max(), 0)
check("and the others are trained", np.all((on["equations/coefficients"][0] != sparse["equations/coefficients"][0])
                                           == (mask == 1)))


# ---- wrong files -------------------------------------------------------------------------------------------------------

def changed(name, change):
    shutil.copy("first.h5", f"{name}.model.h5")
    with h5py.File(f"{name}.model.h5", "r+") as file:
        change(file)
    return f"{name}.model.h5"


def replace(path, value):
    def change(file):
        del file[path]
        file[path] = value
    return change


def refused(name, path, words, *overrides, code=3):
    pathlib.Path("wrong.h5").unlink(missing_ok=True)
    got, said = command(["run", "other.yaml", *SMALL, "train.epochs=0", f"train.model={path}", *overrides,
                         "-o", "wrong.h5"])
    good = check_equal(f"{name}: exit status", got, code)
    for word in words:
        good &= check(f"{name}: says {word}", word in said)
    check(f"{name}: nothing is written", not pathlib.Path("wrong.h5").exists())
    if not good:
        print(said)


def mask_second(file):
    file["model/mask"][0, 1] = 0


masked = run("masked", pathlib.Path("other.yaml"), *SMALL, "train.epochs=0",
             f"train.model={changed('masked', mask_second)}")
check_equal("a dropped term stays dropped", np.abs(masked["windows/weights"][:, 0, 1]).max(), 0)
check_equal("and the other one is what it was", masked["windows/weights"][:, 0, 0].tobytes(),
            first["windows/weights"][:, 0, 0].tobytes())

weight = "model/encoder.5.weight"
refused("no file", "nowhere.h5", ["nowhere.h5", "No such file"])
refused("no HDF5", "other.yaml", ["other.yaml", "not an HDF5 file"])
refused("a data set", "first_data.h5", ["first_data.h5", "holds no model"])
refused("another network", "first.h5", ["'model/encoder.0.weight' is [8][1][5]", "[8][1][7]"],
        "networks.encoder.layers=[{convolution: 8, kernel: 7, stride: 2}, gelu, flatten, {dense: output}]")
refused("another window", "first.h5", ["'model/encoder.5.weight' is [128][208]", "[128][112]"], "block.window=25")
refused("another library", "first.h5", ["'x^2'", "'x^3'"], "dynamics.library.terms=[x, x^3]")
refused("a missing array", changed("missing", lambda f: f.__delitem__(weight)), [f"no data set '{weight}'"])
refused("one too many", changed("extra", lambda f: f.__setitem__("model/decoder.0.bias", np.zeros(3))),
        ["'model/decoder.0.bias' has no place"])
refused("NaN", changed("nan", replace(weight, np.full((128, 208), np.nan))), [weight, "nan"])
refused("texts", changed("texts", replace(weight, [b"a", b"b"])), [weight, "does not hold numbers"])
refused("a group", changed("group", lambda f: (f.__delitem__(weight), f.create_group(weight))),
        [weight, "not a data set"])
refused("a single number", changed("scalar", replace("model/center", 1.0)), ["'model/center' has 0 dimensions"])
refused("no spread", changed("spread", replace("model/spread", [0.0])), ["'model/spread' is 0", "above 0"])
refused("half a term", changed("half", replace("model/mask", [[1.0, 0.5]])), ["'model/mask' is 0.5", "0 or 1"])
refused("a model that is no group", changed("flat", lambda f: (f.__delitem__("model"),
                                                               f.__setitem__("model", np.zeros(3)))),
        ["holds no model"])
whole = pathlib.Path("first.h5").read_bytes()
for part in (2, 3, 10):
    pathlib.Path("cut.model.h5").write_bytes(whole[:len(whole) * (part - 1) // part])
    refused(f"cut short to {part - 1}/{part}", "cut.model.h5", ["cut.model.h5"])
refused("one expression", "first.h5", ["expressions given: 1", "weights: 2"], "train.compare=[r]", code=2)
refused("an unknown name", "first.h5", ["'R'", "did you mean 'r'"], "train.compare=[r, -R/K]", code=2)
got, said = command(["run", "other.yaml", *SMALL, "train.epochs=0", "train.model=first.h5", "-o", "first.h5"])
check_equal("over the model itself: exit status", got, 2)
check("over the model itself: it is as it was", pathlib.Path("first.h5").read_bytes() == whole)
verdict()
