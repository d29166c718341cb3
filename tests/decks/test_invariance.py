"""Results do not depend on how many ranks or threads computed them: every data set of the result is the same, bit
for bit; only the attributes that tell where a file comes from may differ."""
import h5py
import numpy as np

from support import DECKS, check, run, verdict, write_data

ENSEMBLE = """
task: fit
data:
  generate:
    {system: logistic, systems: 37, samples: 60, step: 0.1, noise: 0.02, missing: 0.1,
     parameters: {r: {uniform: [0.5, 2]}, K: {uniform: [0.5, 2]}}, initial: {x: {uniform: [0.05, 0.2]}}}
dynamics:
  equations: ["x' = r*x*(1 - x/K)"]
  parameters: {r: {start: 1, lower: 0}, K: {start: 1, lower: 0}}
  sharing: per_system
block: {window: 0}
"""

SHARED = """
task: discover
data: {file: lengths.h5}
dynamics: {library: {polynomial: 2}}
block: {window: 40}
"""

FILE = """
task: fit
data: {file: measured.csv}
dynamics:
  equations: ["u' = -a*u + b*v", "v' = -b*u - a*v"]
  parameters: {a: 0.3, b: 1}
block: {step: 0.05, window: 15}
"""


def datasets(path):
    """{path in the file: type, extents and bytes}."""
    found = {}

    def take(name, item):
        if isinstance(item, h5py.Dataset):
            value = item.asstr()[:] if h5py.check_string_dtype(item.dtype) else item[()]
            found[name] = (str(item.dtype), item.shape,
                           repr(value.tolist()) if value.dtype == object else value.tobytes())

    with h5py.File(path) as file:
        file.visititems(take)
    return found


def compare(name, deck, *overrides, code=0, ranks=(2, 3, 5), threads=()):
    one = run(f"{name}_1", deck, *overrides, code=code)
    expected = datasets(one.path)
    for size, width in [(r, 1) for r in ranks] + list(threads):
        other = run(f"{name}_{size}_{width}", deck, *overrides, ranks=size, threads=width, code=code)
        got = datasets(other.path)
        differ = sorted(n for n in set(expected) | set(got) if expected.get(n) != got.get(n))
        check(f"{name}: {size} ranks of {width} threads write the {len(expected)} data sets of one", not differ,
              " ".join(differ))


def damped(times, rng):
    """u + iv = exp(-(0.3 + i) t), with noise of 1 %."""
    z = np.exp(-(0.3 + 1j) * times)
    return np.stack([z.real, z.imag], axis=-1) + 0.01 * rng.standard_normal((len(times), 2))


def make_files():
    rng = np.random.default_rng(7)
    lengths = [90, 200, 1, 47, 120]
    states = np.full((len(lengths), max(lengths), 2), np.nan)
    times = np.zeros((len(lengths), max(lengths)))
    for s, n in enumerate(lengths):
        times[s] = np.cumsum(rng.uniform(0.02, 0.08, max(lengths)))
        states[s, :n] = damped(times[s, :n], rng)
        states[s, rng.integers(0, n, n // 10), 0] = np.nan
    write_data("lengths.h5", times, states, ["u", "v"], lengths)
    t = np.cumsum(rng.uniform(0.05, 0.2, 101))
    rows = ["t,u,v"] + [f"{a!r},{b!r},{c!r}" for a, (b, c) in zip(t.tolist(), damped(t, rng).tolist())]
    with open("measured.csv", "w") as file:
        file.write("\n".join(rows) + "\n")


make_files()
compare("lorenz", DECKS / "lorenz_noise.yaml", "data.generate.samples=2000", threads=[(1, 2)])
compare("pelts", DECKS / "pelts.yaml")                       # one window: four of five ranks have nothing to do
compare("ensemble", ENSEMBLE, threads=[(1, 2)])
compare("few_systems", ENSEMBLE, "data.generate.systems=2", ranks=(3, 5))
compare("ragged", SHARED, code=5, threads=[(3, 2)])          # the system of one sample is too short
compare("csv", FILE)
verdict()
