"""Forecasts of the solar system, body by body: the table of docs/results.md, and a figure of the errors over time.

usage: ephemeris.py DATA.h5 [RESULT.h5 FORECAST.h5] [--end N] [--figure FILE.png]

  DATA.h5      input_decks/data/ephemeris.h5
  RESULT.h5    of neurlp run input_decks/ephemeris.yaml: masses
  FORECAST.h5  of neurlp simulate RESULT.h5 data.generate.initial_from=last ...
  --end N      samples of DATA.h5 that were for training: data.end of the deck (2267)

The baselines are Kepler orbits fitted to all positions of the training span: round the centre, as the data have them, and
round the barycentre of the whole solar system, about which the outer planets' orbits are closer to ellipses, and for which
the ephemeris' own masses are needed.

Errors are taken at the samples of FORECAST.h5 that come after the training span and within the data. Of a body,
  error     root mean square of |forecast - position|, in au
  relative  the same, in units of the root mean square of |position| over the whole of the data
  angle     root mean square of the part of (forecast - position)/|position| along the orbit, in arcseconds: along
            (position x velocity) x position, with the velocity by central differences
"""
import argparse
import pathlib
import sys

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kepler

ARCSECONDS = 180 / np.pi * 3600


def texts(dataset):
    return [t.decode() if isinstance(t, bytes) else t for t in dataset[:]]


def read(path):
    """Times [T] and {body: positions [T][3]}."""
    with h5py.File(path) as file:
        states = file["states"][:]
        states = states[0] if states.ndim == 3 else states
        names, times = texts(file["names"]), file["time"][:]
    bodies = dict.fromkeys(name.rsplit("_", 1)[0] for name in names)
    return times, {body: states[:, [names.index(f"{body}_{axis}") for axis in "xyz"]] for body in bodies}


def read_masses(path):
    with h5py.File(path) as file:
        return dict(zip(texts(file["bodies"]), file["gravitational_parameter"][:]))


def errors(times, truth, rows, forecast):
    """(error, relative, angle) of a forecast [len(rows)][3] of truth[rows]."""
    velocity = np.gradient(truth, times, axis=0)[rows]
    position = truth[rows]
    along = np.cross(np.cross(position, velocity), position)
    along /= np.linalg.norm(along, axis=1)[:, None]
    apart, size = forecast - position, np.linalg.norm(truth, axis=1)
    error = np.sqrt(np.mean(np.sum(apart**2, axis=1)))
    angle = np.sum(apart * along, axis=1) / size[rows]
    return error, error / np.sqrt(np.mean(size**2)), np.sqrt(np.mean(angle**2)) * ARCSECONDS


INNER = ("mercury", "venus", "emb", "mars")


def outer_barycentre(truth, gm):
    """Of the whole solar system, from the centre that the outer planets go round: [T][3]."""
    outer = [body for body in truth if body not in INNER]
    return sum(gm[body] * truth[body] for body in outer) / (gm["inner"] + sum(gm[body] for body in outer))


class Forecasts:
    """Forecasts at the same times of every body of FORECAST.h5 (`direct`), or of all bodies of the data (no such file; every
    four days from `end` on). Each is a pair {body: (truth [T][3], forecast [rows][3])}."""

    def __init__(self, data, forecast, end):
        self.times, self.truth = read(data)
        gm = read_masses(data)
        self.direct = {}
        self.later = self.times[end:]
        if forecast:
            later, found = read(forecast)
            inside = (later > self.times[end - 1]) & (later <= self.times[-1])
            self.later = later[inside]
            self.direct = {body: (self.truth[body], positions[inside]) for body, positions in found.items()}
        self.rows = np.searchsorted(self.times, self.later)
        if self.rows.size == 0 or np.abs(self.times[self.rows] - self.later).max() > 0:
            raise SystemExit(f"{forecast}: the times of the forecast are not among those of {data}")
        self.bodies = list(self.direct or self.truth)
        centre = {body: gm["sun" if body in INNER else "inner"] for body in self.bodies}
        barycentre = outer_barycentre(self.truth, gm)
        self.kepler, self.barycentric = {}, {}
        for body in self.bodies:
            for way, origin in (self.kepler, 0), (self.barycentric, barycentre):
                if way is self.barycentric and body in INNER:
                    continue
                truth = self.truth[body] - origin
                way[body] = (truth, kepler.forecast(self.times[:end], truth[:end], centre[body] + gm[body], self.later))

    def errors(self, way, body):
        """(error, relative, angle) of one of the three ways; None: it has not this body."""
        if body not in way:
            return None
        truth, found = way[body]
        return errors(self.times, truth, self.rows, found)

    def apart(self, way, body):
        """Distances [rows], au."""
        truth, found = way[body]
        return np.linalg.norm(found - truth[self.rows], axis=1)


def read_found(result):
    """{body: (estimate, standard error)}."""
    with h5py.File(result) as file:
        names = texts(file["equations/parameter_names"])
        return {name.removeprefix("gm_"): pair for name, pair in
                zip(names, zip(file["equations/parameters"][0], file["equations/parameter_errors"][0]))}


def print_tables(f, data, result):
    print("| body | | RMS error, au | of the orbit's size | along the orbit, arcseconds |")
    print("|---|---|---|---|---|")
    ways = {"direct": f.direct, "Kepler orbit": f.kepler, "Kepler orbit, barycentric": f.barycentric, "network": {}}
    for body in f.bodies:
        for i, (name, way) in enumerate(ways.items()):
            found = f.errors(way, body)
            numbers = [f"{x:.2g}" for x in found] if found else 3 * ["*not run yet*"]
            if found or not way or body in way:
                print(f"| {body if i == 0 else ''} | {name} | " + " | ".join(numbers) + " |")
    if not result:
        return
    made = read_masses(data)
    made["centre"] = made["inner"]
    print("\n| | found, au^3/day^2 | standard error | DE405 | found/DE405 - 1 |")
    print("|---|---|---|---|---|")
    for body, (value, error) in read_found(result).items():
        print(f"| {body} | {value:.9e} | {error:.1e} | {made[body]:.9e} | {value / made[body] - 1:+.1e} |")


def draw(f, path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(8, 5), constrained_layout=True)
    for i, body in enumerate(f.bodies):
        for way, style in ((f.direct, "-"), (f.kepler, ":"), (f.barycentric, "--")):
            if body in way:
                axes.semilogy(1980 + f.later / 365.25, f.apart(way, body), style, color=f"C{i}",
                              label=body if style == ":" else None)
    axes.set(xlabel="year", ylabel="error of the forecast, au", 
             title="Newton's law, fitted (-), Kepler orbits (:), the same round the barycentre (- -)")
    axes.legend(ncol=3)
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2][7:])
    parser.add_argument("data")
    parser.add_argument("result", nargs="?")
    parser.add_argument("forecast", nargs="?")
    parser.add_argument("--end", type=int, default=2267)
    parser.add_argument("--figure")
    arguments = parser.parse_args()
    f = Forecasts(arguments.data, arguments.forecast, arguments.end)
    print_tables(f, arguments.data, arguments.result)
    if arguments.figure:
        draw(f, arguments.figure)


if __name__ == "__main__":
    main()
