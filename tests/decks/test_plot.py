"""neurlp plot: the pictures are there, are sound and not blank, nothing is cut off at their edges, and what they show is
where the file has it: dots and lines are read from the SVG and compared with the numbers, through the labels of the
axes. Then mistakes, and files that nobody would draw on purpose."""
import os
import pathlib
import re
import shutil

import h5py
import numpy as np

from pictures import Svg, read_png
from support import DECKS, check, check_above, check_below, check_equal, command, run, verdict, write_data

GRAY, BLUE, VERMILION, ORANGE = "#5F5F5F", "#0072B2", "#D55E00", "#E69F00"


def plot(name, source, *options, code=0, ranks=1):
    """Draws into the folder `name`; returns what was said, and the names of the pictures."""
    shutil.rmtree(name, ignore_errors=True)
    got, said = command(["plot", source, "-o", name, *options], ranks)
    if not check_equal(f"{name}: exit status", got, code):
        print(said, flush=True)
    written = re.findall(r"^written: (.*)$", said, re.M)
    there = sorted(str(p) for p in pathlib.Path(name).glob("*")) if os.path.isdir(name) else []
    if code == 0:
        check_equal(f"{name}: what was written is what it says", sorted(written), there)
    return said, sorted({pathlib.Path(p).stem for p in written})


def look(path):
    """A PNG and the SVG beside it: sound, of one size, not blank, with nothing at the edge. Returns the SVG."""
    pixels, svg = read_png(pathlib.Path(f"{path}.png")), Svg(f"{path}.svg")
    check(f"{path}: PNG three times the size of the SVG",
          abs(pixels.shape[1] - 3 * svg.width) <= 3 and abs(pixels.shape[0] - 3 * svg.height) <= 3,
          f"{pixels.shape[1]} x {pixels.shape[0]}, {svg.width:g} x {svg.height:g}")
    ink = (pixels < 250).any(axis=2)
    check(f"{path}: not blank, and mostly white", 0.002 < ink.mean() < 0.9, f"{ink.mean():.4f} of it is inked")
    edge = ink[:4].sum() + ink[-4:].sum() + ink[:, :4].sum() + ink[:, -4:].sum()
    check_equal(f"{path}: inked pixels at the edge", int(edge), 0)
    return svg


def check_says(path, svg, *texts):
    for text in texts:
        check(f"{path} says '{text}'", text in svg.words(), "" if text in svg.words() else str(svg.words()))


def check_places(what, places, expected):
    """Within what the SVG rounds to, a hundredth of a point, and the twelve corners of a disc; and the labels, which
    have five figures at least."""
    same = places.shape == expected.shape
    check_below(what, np.abs(places - expected).max() if same and len(places) else np.inf, 0.1)


def shipped():
    """The pelts: dots where the data are, the line where the solution is."""
    found = run("pelts", DECKS / "pelts.yaml", ranks=2)
    said, names = plot("pelts", "pelts.h5", ranks=2)
    check_equal("pelts: pictures", names, ["noise", "parameters", "phase", "trajectories"])
    svg = look("pelts/trajectories")
    check_says("pelts/trajectories", svg, "hare", "lynx", "year", "1900", "1920", "data",
               "solution of the learned equations", "Lotka-Volterra equations from the pelts of hare and lynx")
    lines = [line for line in open(DECKS / "data" / "hudson_bay_pelts.csv") if not line.startswith("#")]
    data = np.array([line.split(",") for line in lines[1:]], dtype=float)
    dots = svg.discs(GRAY)[1:]  # the first is the legend's
    years = {str(year) for year in range(1900, 1921)}
    slope, offset = svg.axis(0, 40, years, False)
    middle = (svg.texts[[t[0] for t in svg.texts].index("hare")][2] +
              svg.texts[[t[0] for t in svg.texts].index("lynx")][2]) / 2
    numbers = {str(n) for n in range(0, 100)}
    for k, low, high in ((0, middle, 1e9), (1, 0, middle)):
        labels = [t for t in svg.texts if t[0] in numbers and low < t[2] < high and t[1] < dots[:, 0].min() - 3]
        values, heights = np.array([(float(t), y) for t, _, y in labels]).T
        up, base = np.polyfit(values, heights, 1)
        expected = np.column_stack((slope * data[:, 0] + offset, up * data[:, 1 + k] + base))
        check_places(f"state {k}: dots less the data, points", dots[k * len(data):(k + 1) * len(data)], expected)
        solution = np.column_stack((slope * found["solution/time"][0] + offset,
                                    up * found["solution/states"][0][:, k] + base))
        # the line goes through the samples of the solution, and on between them
        curves = np.concatenate([points for colour, points in svg.lines if colour == BLUE and len(points) > 2])
        nearest = np.array([curves[np.abs(curves - place).sum(axis=1).argmin()] for place in solution])
        check_places(f"state {k}: line less the solution, points", nearest, solution)
    phase = look("pelts/phase")
    check_says("pelts/phase", phase, "hare", "lynx")
    check_equal("pelts/phase: dots", len(phase.discs(GRAY)) - 1, len(data))
    parameters = look("pelts/parameters")
    values, errors = found["equations/parameters"][0], found["equations/parameter_errors"][0]
    check_says("pelts/parameters", parameters, "a", "b", "c", "d",
               *(f"{v:.{d}f}({e * 10 ** d:.0f})" for v, e in zip(values, errors)
                 for d in [1 - int(np.floor(np.log10(e)))]))
    check_says("pelts/noise", look("pelts/noise"), "hare", f"{found['metrics/noise'][0, 0]:.5g}")
    shutil.copy("pelts.h5", "elsewhere.h5")
    with h5py.File("elsewhere.h5", "a") as file:
        file.attrs["command_line"] = "neurlp run moved.yaml"
    said, names = plot("no_data", "elsewhere.h5", "--time", "1905:")
    check("data that were not found are missed aloud", "hudson_bay_pelts.csv, were not found; --data" in said)
    check_says("no_data", Svg("no_data/trajectories.svg"), "solution of the learned equations")
    check("no_data: no dots", "data" not in Svg("no_data/trajectories.svg").words())
    plot("data", "elsewhere.h5", "--data", DECKS / "data" / "hudson_bay_pelts.csv", "--time", "1905:1912")
    check_equal("--time: dots of eight years", len(Svg("data/trajectories.svg").discs(GRAY)) - 1, 16)


def ensemble():
    """Estimates of many systems against the truth, and the data, which are generated once more."""
    found = run("ensemble", DECKS / "ensemble.yaml", "data.generate.systems=40", "output.solution=true")
    said, names = plot("ensemble", "ensemble.h5", "--systems", "0,39")
    check_equal("ensemble: pictures", names, ["noise", "parameters", "trajectories"])
    svg = look("ensemble/parameters")
    check_says("ensemble/parameters", svg, "r", "K", "truth", "estimate", "40 systems", "estimate = truth")
    dots, names = svg.discs(BLUE)[1:], found.texts("equations/parameter_names")
    estimates, true = found["equations/parameters"], found["truth/parameters"]
    true_names = found.texts("truth/parameter_names")
    for i, name in enumerate(names):
        x, y = dots[40 * i:40 * i + 40].T
        for what, places, values in (("truth", x, true[:, true_names.index(name)]), ("estimate", y, estimates[:, i])):
            fit = np.polyfit(values, places, 1)
            check_below(f"{name}: dots less the {what}, points", np.abs(np.polyval(fit, values) - places).max(), 0.1)
    svg = look("ensemble/trajectories")
    check_says("ensemble/trajectories", svg, "system 0", "system 39", "x", "time")
    look("ensemble/noise")


def data_sets():
    """Gaps, one sample, constants, nothing but NaN, huge and tiny numbers, names that are no plain words."""
    times = np.linspace(0, 1, 21)
    states = np.column_stack((np.sin(6 * times), np.cos(6 * times)))
    states[5:8, 0] = states[9, 0] = np.nan
    write_data("gaps.h5", times, states, names=["with gaps", "without"])
    plot("gaps", "gaps.h5")
    look("gaps/trajectories")
    lines = [len(points) for colour, points in Svg("gaps/trajectories.svg").lines
             if colour == BLUE and len(points) > 2]
    check_equal("gaps: samples of the lines, which break where one is missing", lines, [5, 11, 21])
    three = np.stack([states * factor for factor in (1, 2, 3, 4)])
    with h5py.File("units.h5", "w") as file:
        file["time"], file["states"] = times, three
        file["time"].attrs["units"], file["states"].attrs["units"] = "day", "au"
    plot("units", "units.h5")
    check_says("units", look("units/trajectories"), "time (day)", "x1 (au)", "system 2")
    check("units: the first three systems", "system 3" not in Svg("units/trajectories.svg").words())
    wide = np.sin(6 * times)[:, None] * np.linspace(0, 1, 40)
    wide[3, 4] = np.nan
    write_data("wide.h5", times, np.stack([wide, 2 * wide]))
    said, names = plot("wide", "wide.h5", "--systems", "1")
    check_equal("wide: pictures", names, ["space_time_1"])
    check_says("wide", look("wide/space_time_1"), "state", "time", "data", "wide.h5, system 1")
    hostile = {"nan": np.full((21, 2), np.nan), "one_sample": np.ones((1, 2)), "constant": np.full((21, 3), -7.0),
               "zero": np.zeros((21, 2)), "huge": np.column_stack((times * 1.7e308, -times * 1.7e308)),
               "tiny": np.column_stack((times * 5e-324, times * 1e-310)), "infinite": np.full((21, 2), np.inf),
               "one_finite": np.where(times == 0, 1, np.nan)[:, None], "offset": 1e9 + 1e-6 * states,
               "wide_nan": np.full((21, 30), np.nan), "wide_constant": np.ones((1, 17)), "sixteen": np.ones((3, 16))}
    names = ["#unicode \u03b1\u03b2", "<&>\"' and more words than fit into any axis of any picture " + "w" * 150]
    for name, values in hostile.items():
        write_data(f"{name}.h5", np.arange(len(values)), values, names=names if values.shape[1] == 2 else None)
        plot(name, f"{name}.h5")
        for picture in sorted({p.stem for p in pathlib.Path(name).glob("*")}):
            svg = look(f"{name}/{picture}") if name in ("nan", "huge", "wide_constant") else Svg(f"{name}/{picture}.svg")
            if values.shape[1] == 2 and picture == "trajectories":
                check_says(name, svg, names[0])
    check_says("nan", Svg("nan/trajectories.svg"), "no values")


def losses():
    loss = 10.0 ** -np.linspace(0, 4, 200)
    with h5py.File("training.h5", "w") as file:
        file["metrics/train_loss"], file["metrics/validation_loss"] = loss, 2 * loss
        file["metrics/learning_rate"] = np.full(200, 1e-3)
    said, names = plot("training", "training.h5")
    check_equal("training: pictures", names, ["loss"])
    svg = look("training/loss")
    check_says("training/loss", svg, "epoch", "loss", "learning rate", "training", "validation", "10\u22124")
    curve = [points for colour, points in svg.lines if colour == BLUE and len(points) > 2][0]
    fit = np.polyfit(curve[:, 0], curve[:, 1], 1)
    check_below("an exponential is straight on the logarithmic axis, points",
                np.abs(np.polyval(fit, curve[:, 0]) - curve[:, 1]).max(), 0.1)
    with h5py.File("training.h5", "a") as file:
        file["metrics/train_loss"][:] = np.nan
        file["metrics/validation_loss"][:] = -1
    plot("training_nan", "training.h5")


def write_forecasts(path, first, states, data, times):
    errors = np.nanmean((states - data) ** 2, axis=(0, 2))
    with h5py.File(path, "w") as file:
        file["states"] = [f"x{k}" for k in range(states.shape[2])]
        file["forecast/states"], file["forecast/data"] = states, data
        file["forecast/time"] = np.broadcast_to(times, states.shape[:2])
        file["forecast"].attrs["first_system"] = first
        file["metrics/forecast_mse"], file["metrics/forecast_persistence_mse"] = errors, 4 * errors


def forecasts():
    """Forecasts as lines, what was to be forecast as dots; errors beside persistence; more states as images."""
    steps = np.arange(60)
    times = 5 + 0.1 * steps
    data = np.stack([np.column_stack((np.sin(times + s), np.cos(times + s))) for s in range(4)])
    growth = 10.0 ** (-3 + 2 * steps / 59)
    write_forecasts("forecasts.h5", 7, data + growth[None, :, None], data, times)
    said, names = plot("forecasts", "forecasts.h5", "--systems", "8")
    check_equal("forecasts: pictures", names, ["forecast", "forecast_error"])
    svg = look("forecasts/forecast")
    check_says("forecasts/forecast", svg, "data", "forecast", "x0", "x1", "time", "system 8")
    dots = svg.discs(GRAY)[1:]
    check_equal("forecasts: dots", len(dots), 120)
    line = [points for colour, points in svg.lines if colour == BLUE and len(points) > 2]
    check_equal("forecasts: lines, of as many points as there are steps", [len(points) for points in line], [60, 60])
    for k, points in enumerate(line):
        fit = np.polyfit(data[1, :, k], dots[60 * k:60 * k + 60, 1], 1)
        check_below(f"forecasts: state {k}, line where the forecast is on the dots' scale, points",
                    np.abs(np.polyval(fit, data[1, :, k] + growth) - points[:, 1]).max(), 0.1)
    svg = look("forecasts/forecast_error")
    check_says("forecasts/forecast_error", svg, "steps ahead", "mean square error", "forecast",
               "the last known sample, held")
    ours, held = (next(points for colour, points in svg.lines if colour == wanted and len(points) > 2)
                  for wanted in (BLUE, VERMILION))
    decades = (ours[-1, 1] - ours[0, 1]) / 4  # the error grows a hundredfold, its square by four decades
    check_below("forecasts: the held sample's error is log10 4 decades above, points",
                np.abs(held[:, 1] - ours[:, 1] - np.log10(4) * decades).max(), 0.1)
    said, names = plot("usual", "forecasts.h5")
    check_says("usual: the first three that were forecast", Svg("usual/forecast.svg"), "system 7", "system 9")
    wide = np.sin(times)[:, None] * np.linspace(0, 1, 40)
    write_forecasts("waves.h5", 0, np.stack([wide + 0.5]), np.stack([wide]), times)
    said, names = plot("waves", "waves.h5")
    check_equal("waves: pictures", names, ["forecast_error", "forecast_space_time_0"])
    check_says("waves", look("waves/forecast_space_time_0"), "data", "forecast", "forecast less data")
    broken = data.copy()
    broken[:] = np.nan
    write_forecasts("no_forecasts.h5", 0, broken, broken, np.full(60, np.nan))
    code, said = command(["plot", "no_forecasts.h5", "-o", "no_forecasts"])
    check_equal("forecasts that are all NaN: exit status", code, 0)
    with h5py.File("forecasts.h5", "a") as file:
        del file["forecast/time"]
        file["forecast/time"] = np.zeros((4, 59))
    code, said = command(["plot", "forecasts.h5", "-o", "forecasts"])
    check("forecasts that do not belong together are refused", code == 3 and "do not belong together" in said, said)


def truth():
    """Coefficients beside the true ones: one that is right, one that is wrong, one too many, one that is missing."""
    with h5py.File("terms.h5", "w") as file:
        file["states"], file["equations/terms"] = ["x", "y"], ["x", "y", "x*y"]
        file["equations/coefficients"] = np.array([[[-10.0, 11, 0], [0, 0, 3]]])
        file["equations/standard_errors"] = np.array([[[0.1, 0.1, np.nan], [np.nan, np.nan, 0.1]]])
        file["truth/coefficients"] = np.array([[-10.0, 10, 0], [2, 0, 0]])
    plot("terms", "terms.h5")
    svg = look("terms/parameters")
    check_says("terms", svg, "x': x", "x': y", "y': x", "y': x*y", "\u221210.00(10), true \u221210", "11.00(10), true 10",
               "0, true 2", "3.00(10), true 0")
    check("a term that is neither found nor true is not shown", "x': x*y" not in svg.words())
    middle = (svg.discs(BLUE)[0, 0], svg.discs(BLUE)[3, 0])  # error 0, and all of 3: 100 %
    check_below("places of the errors: 0, 10, -100, 100 %, as shares of the last",
                np.abs((svg.discs(BLUE)[:, 0] - middle[0]) / (middle[1] - middle[0]) - [0, 0.1, -1, 1]).max(), 0.005)


def number(text):
    return float(text.replace("\u2212", "-"))


def places_of(svg, times, values):
    """Where a picture of one panel has these values at these times, as the labels of its axes tell."""
    numbers = [t for t in svg.texts if re.fullmatch("\u2212?[0-9.]+", t[0])]
    bottom = min(y for _, _, y in numbers)  # labels of the time are in one line, below all others
    below, beside = ([t for t in numbers if (t[2] < bottom + 1) == low] for low in (True, False))
    slope, offset = np.polyfit([number(t) for t, _, _ in below], [x for _, x, _ in below], 1)
    up, base = np.polyfit([number(t) for t, _, _ in beside], [y for _, _, y in beside], 1)
    return np.column_stack((slope * times + offset, up * values + base))


def blue_lines(svg, least=3):
    """Lines as they were meant: PLplot draws long ones in pieces, each beginning where the one before it ends."""
    lines = []
    for points in (points for colour, points in svg.lines if colour == BLUE and len(points) > 1):
        joined = lines and (lines[-1][-1] == points[0]).all()
        lines[-1:] = [np.concatenate((lines[-1], points[1:]))] if joined else lines[-1:] + [points]
    return [points for points in lines[1:] if len(points) >= least]  # the first is the legend's


def check_drawn(name, path, times, values):
    """The lines of a picture are the samples of these values, one line for each list; and the PNG is blue there."""
    svg = look(path)
    lines = blue_lines(svg)
    check_equal(f"{name}: lines, and their points", [len(line) for line in lines], [len(t) for t in times])
    places = places_of(svg, np.concatenate(times), np.concatenate(values))
    check_places(f"{name}: lines less the numbers of the file, points", np.concatenate(lines), places)
    pixels = read_png(pathlib.Path(f"{path}.png"))
    x, y = np.rint(3 * places[:, 0]).astype(int), np.rint(pixels.shape[0] - 3 * places[:, 1]).astype(int)
    blue = np.array([int(BLUE[i:i + 2], 16) for i in (1, 3, 5)])
    near = [np.abs(pixels[b - 2:b + 3, a - 2:a + 3].astype(int) - blue).sum(axis=2).min() for a, b in zip(x, y)]
    check_below(f"{name}: colour of the pixels at the samples less that of the line", max(near), 30)
    return svg


OSCILLATOR = """
task: train
data: {file: swing.h5}
block: {order: 2, window: 20}
networks: {swing: {layers: [flatten, {dense: output}]}}
inputs:
  coefficients: {network: swing, range: [[0.1, 2], [-0.2, 0.3], 1]}
  initial_values: data
  initial_steps: 5
  steps: {network: swing_steps, range: [0.09, 0.11]}
loss: [{of: solution}]
train: {epochs: 2}
""".replace("swing: {layers: [flatten, {dense: output}]}}",
            "swing: {layers: [flatten, {dense: output}]}, swing_steps: {layers: [flatten, {dense: output}]}}")


def windows():
    """What was trained: solutions of the windows, which are joined where they follow one another, and what networks made
    of them, over time."""
    found = run("sine", DECKS / "sine_constant.yaml", "train.epochs=5")
    said, names = plot("sine", "sine.h5")
    check_equal("sine: pictures", names, ["loss", "trajectories"])
    svg = check_drawn("sine", "sine/trajectories", [found["windows/time"][0]], [found["windows/solution"][0, :, 0]])
    check_equal("sine: dots of the data, and of the legend", len(svg.discs(GRAY)), 501)
    check_says("sine", svg, "data", "solution of the block")
    times = 3 + 0.1 * np.arange(95)
    write_data("swing.h5", times, (np.exp(-0.02 * times) * np.sin(times))[:, None], names=["y"])
    for stride, chain in ((30, [[0], [30], [60]]), (20, [[0, 20, 40, 60]]), (8, [[0, 16, 32, 48, 64, 72]])):
        name = f"stride_{stride}"
        found = run(name, OSCILLATOR, f"train.stride={stride}")
        said, names = plot(name, f"{name}.h5")
        check_equal(f"{name}: pictures", names, ["coefficients", "loss", "steps", "trajectories"])
        first = found["windows/first"].tolist()
        rows = [[first.index(f) for f in line] for line in chain]
        at, solution, steps = found["windows/time"], found["windows/solution"], found["windows/steps"]
        check_below(f"{name}: times of the windows less those of the data",
                    max(np.abs(at[w] - times[f:f + 20]).max() for w, f in enumerate(first)), 1e-12)
        for what, values, each in (("trajectories", solution[:, :, 0], 20), ("steps", steps, 19)):
            begin = [[max(0, first[a] + each - first[b]) for a, b in zip(line, line[1:])] for line in rows]
            check_drawn(f"{name}, {what}", f"{name}/{what}", *(
                [np.concatenate([numbers[w, b:each] for w, b in zip(line, [0] + skipped)])
                 for line, skipped in zip(rows, begin)] for numbers in (at, values)))
        svg = look(f"{name}/coefficients")
        check_says(name, svg, "c0 of y", "c1 of y", "coefficients of the block")
        check(f"{name}: c2, which is 1 everywhere, is not shown", "c2 of y" not in svg.words())
    with h5py.File("stride_20.h5", "a") as file:
        file["status"][1] = 2
    plot("failed", "stride_20.h5")
    check_equal("a window that failed is a gap", [len(line) for line in blue_lines(Svg("failed/trajectories.svg"))], [20, 40])
    found = run("steady", OSCILLATOR, "train.stride=30",
                "inputs.coefficients={network: swing, range: [[0.1, 2], [-0.2, 0.3], 1], steady: true}")
    plot("steady", "steady.h5")
    lines = blue_lines(Svg("steady/coefficients.svg"), 2)
    check_equal("steady: a level for each window, in two panels", [len(line) for line in lines], [2] * 6)
    plot("later", "stride_30.h5", "--time", "5:")
    check_equal("windows within --time", [len(line) for line in blue_lines(Svg("later/trajectories.svg"))], [20, 20])
    check_below("steady: levels, points", max(np.ptp(line[:, 1]) for line in lines), 0.011)


def weights():
    """Weights read off windows, over the true ones; and those that all windows share."""
    found = run("rates", DECKS / "logistic.yaml", "data.generate.systems=60", "train.batch=10", "train.epochs=25")
    said, names = plot("rates", "rates.h5")
    check_equal("rates: pictures", names, ["loss", "trajectories", "weights"])
    svg = look("rates/weights")
    check_says("rates/weights", svg, "60 windows", "estimate = truth", "kept for validation", "x: x", "x: x^2", "truth")
    with h5py.File("rates.h5") as file:
        scale = file["metrics/weights_error"].attrs["time_scale"]
    read, true = scale * found["windows/weights"][:, 0], found["truth/weights"][found["windows/system"], 0]
    kept = found["windows/validation"] != 0
    check_equal("rates: windows kept for validation", int(kept.sum()), 6)
    for colour, rows in ((BLUE, ~kept), (ORANGE, kept)):
        dots = svg.discs(colour)[1:]
        for i in (0, 1):
            spread = np.ptp(true[:, i])
            low, high = true[:, i].min() - spread / 4, true[:, i].max() + spread / 4
            inside = rows & (read[:, i] > low) & (read[:, i] < high)
            check_above(f"rates: weight {i}, rows in {colour} to be drawn", inside.sum(), 3)
            panel, dots = dots[:inside.sum()], dots[inside.sum():]
            check_equal(f"rates: weight {i}, dots in {colour}", len(panel), int(inside.sum()))
            for axis, values in enumerate((true, read)):
                fit = np.polyfit(values[inside, i], panel[:, axis], 1)
                check_below(f"rates: weight {i}, dots less {('the truth', 'the estimate')[axis]}, points",
                            np.abs(np.polyval(fit, values[inside, i]) - panel[:, axis]).max(), 0.1)
        check_equal(f"rates: dots in {colour} that are left", len(dots), 0)
    with h5py.File("rates.h5", "a") as file:
        del file["truth/weights"]
    plot("no_truth", "rates.h5")
    check_says("no_truth", look("no_truth/weights"), "window", "x: x^2")
    found = run("lorenz", DECKS / "lorenz_network.yaml", "data.generate.samples=400", "train.epochs=1", "train.cycles=2",
                "output.solution=true")
    said, names = plot("lorenz", "lorenz.h5")
    check_equal("lorenz: pictures", names, ["loss", "parameters", "phase", "trajectories"])
    value, error = found["equations/coefficients"][0, 0, 2], found["equations/standard_errors"][0, 0, 2]
    check_equal("lorenz: term", found.texts("equations/terms")[2], "y")
    digits = 1 - int(np.floor(np.log10(error)))
    check_says("lorenz/parameters", look("lorenz/parameters"), f"{value:.{digits}f}({error * 10 ** digits:.0f}), true 10")
    with h5py.File("rates.h5", "a") as file:
        system = file["windows/system"][:]
        del file["windows/system"]
        file["windows/system"] = system[:59]
    code, said = command(["plot", "rates.h5", "-o", "rates"])
    check("windows that do not belong together are refused", code == 3 and "it needs [window]" in said, said)


def mistakes():
    def refused(name, source, code, sentence, *options):
        said, _ = plot(name, source, *options, code=code)
        check(f"{name}: says '{sentence}'", sentence in said, "" if sentence in said else said)

    pathlib.Path("text.h5").write_text("no HDF5\n")
    pathlib.Path("file").write_text("no folder\n")
    with h5py.File("other.h5", "w") as file:
        file["something"] = np.zeros(3)
    with h5py.File("empty_result.h5", "w") as file:
        file.create_group("equations")
    with h5py.File("disagree.h5", "w") as file:
        file["equations/parameters"], file["equations/parameter_names"] = np.ones((1, 3)), ["a", "b"]
    refused("text", "text.h5", 3, "not an HDF5 file")
    refused("missing", "nowhere.h5", 3, "No such file")
    refused("other", "other.h5", 3, "holds nothing to draw")
    refused("empty_result", "empty_result.h5", 3, "holds nothing to draw")
    refused("disagree", "disagree.h5", 3, "'equations/parameters' is for 3")
    refused("between", "gaps.h5", 3, "no samples between these times", "--time", "5:6")
    refused("too_many", "units.h5", 2, "--systems asks for system 4, but units.h5 has 4", "--systems", "1,4")
    refused("negative", "units.h5", 2, "--systems asks for system -1", "--systems", "-1")
    for text in ("a", "0,", "0x1", ",", "0 1"):
        refused("no_numbers", "units.h5", 2, "it must be numbers of systems", "--systems", text)
    refused("seven", "units.h5", 2, "more than 6", "--systems", "0,1,2,3,0,1,2")
    refused("time", "gaps.h5", 2, "must be two times", "--time", "3:2")
    refused("unknown", "gaps.h5", 2, "the arguments are", "--colour", "red")
    code, said = command(["plot", "gaps.h5"])
    check_equal("no folder: exit status", code, 2)
    for folder, sentence in (("file", "there is a file of that name"), ("file/below", "Not a directory"),
                             ("no/such/place", "No such file")):
        code, said = command(["plot", "gaps.h5", "-o", folder])
        check(f"{folder}: status 1, and '{sentence}'", code == 1 and sentence in said, said.strip())
    os.makedirs("full", exist_ok=True)
    pathlib.Path("full/trajectories.png").write_text("an older picture")
    os.symlink("/dev/full", "full/trajectories.png.partial")
    code, said = command(["plot", "gaps.h5", "-o", "full"])
    check("full disk: status 1, said why", code == 1 and "No space left" in said, said.strip())
    check_equal("full disk: the older picture is as it was", os.listdir("full") and
                pathlib.Path("full/trajectories.png").read_text(), "an older picture")
    check_equal("full disk: nothing else is left", os.listdir("full"), ["trajectories.png"])


code, said = command(["plot", "some.h5", "-o", "some"])
if "draws no pictures" in said:
    helpful = code == 2 and "libplplot-dev" in said and "NEURLP_PLOT" in said
    print("skipped: no PLplot in this build, which says so:" if helpful else "FAIL", said.strip(), flush=True)
    raise SystemExit(not helpful)
shipped()
ensemble()
data_sets()
losses()
forecasts()
truth()
windows()
weights()
mistakes()
verdict()
