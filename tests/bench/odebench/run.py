"""ODEBench by the direct method: every system, noise and seed, one line each, and the shares.

    OMP_NUM_THREADS=1 python3 tests/bench/odebench/run.py build/bin/neurlp FOLDER --jobs 2

For every case the candidate libraries (libraries.py) are fitted by `neurlp run input_decks/odebench.yaml`, one after the
other until one leaves less than a floor. The equations of each fit are integrated from the fit's own initial values, and
from these changed by their standard errors; those with the least information criterion (score.py) are taken: neither
looks at the truth. These are integrated by `neurlp simulate` from the two clean initial values. The training data are
left in FOLDER for the baselines. Lines that are in FOLDER/direct.csv already are not run again.
"""
import argparse
import concurrent.futures
import csv
import os
import pathlib
import resource
import subprocess
import time

import h5py
import numpy as np

import libraries
import score

DECK = pathlib.Path(__file__).resolve().parents[3] / "input_decks" / "odebench.yaml"
SAMPLES = 150
NOT_CONVERGED = 4  # exit status of a fit that ran into the limit of iterations
FIELDS = ("system", "noise", "seed", "library", "way", "expressible", "reconstruction", "generalisation", "exact", "window",
          "seconds", "equations")


def command(program, *arguments, limit):
    """Exit status; negative if it took more than `limit` seconds of processor time, so that what else runs on the
    machine does not matter."""
    def restrict():
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    return subprocess.run([program, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, preexec_fn=restrict).returncode


def generate(program, path, number, *overrides):
    if not path.exists():
        command(program, "generate", DECK, f"data.generate.system=odebench_{number}", *overrides, "-o", path, limit=60)
    with h5py.File(path) as file:
        return file["states"][0]


def truth(program, folder, number):
    """Clean trajectories from both initial values [2][T][D], and a data set that begins like them."""
    path = folder / f"{number}_clean.h5"
    pair = np.stack([generate(program, folder / f"{number}_clean_{s}.h5", number, "data.generate.noise=0",
                              f"data.generate.initial_set={s}") for s in (1, 2)])
    if not path.exists():
        with h5py.File(path, "w") as file:
            file["time"] = np.linspace(0, 10, SAMPLES)
            file["states"] = pair
            file["names"] = [f"x_{i}" for i in range(pair.shape[2])]
    return pair, path


def simulate(program, path, starts, out):
    """The equations of a result integrated from the first samples of a data set: [systems][T][D], NaN where they could
    not be integrated; None if not at all."""
    out.unlink(missing_ok=True)
    command(program, "simulate", path, f"data.generate.step={10 / (SAMPLES - 1)!r}", f"data.generate.samples={SAMPLES}",
            f"data.generate.initial_file={starts.resolve()}", "run.threads=1", "-o", out, limit=30)
    if not out.exists():
        return None
    with h5py.File(out) as file:
        return file["states"][()]


def follow(program, path, initial, errors):
    """Trajectories that a result's equations have from its own initial values, and from these with each of them a
    standard error more or less: [1 + 2 D][T][D], NaN where there are none. An equation of use bears that."""
    states = len(initial)
    step = np.diag(np.where(np.isfinite(errors), errors, 0))
    begins = np.vstack([initial, initial + step, initial - step])
    nothing = np.full((len(begins), SAMPLES, states), np.nan)
    if not np.all(np.isfinite(initial)):
        return nothing
    starts = path.with_suffix(".start.h5")
    with h5py.File(starts, "w") as file:
        file["time"] = np.linspace(0, 10, SAMPLES)
        file["states"] = np.repeat(begins[:, None], SAMPLES, axis=1)
        file["names"] = [f"x_{i}" for i in range(states)]
    got = simulate(program, path, starts, path.with_suffix(".way.h5"))
    return got if got is not None and got.shape == nothing.shape else nothing


def fit(program, folder, case, library, way, data):
    """One library, one way: its criterion and what is needed of its result, or None. Whatever windows were fitted,
    the criterion is that of trajectories over all samples."""
    number, noise, seed = case
    path = folder / f"fit_{number}_{noise}_{seed}_{library.name.replace(' ', '_')}_{way}.h5"
    code = command(program, "run", DECK, f"data.generate.system=odebench_{number}", f"data.generate.noise={noise}",
                   f"run.seed={seed}", "run.threads=1", f"block.substeps={libraries.substeps(data.shape[1])}",
                   *libraries.WAYS[way], *library.overrides(), "-o", path,
                   limit=libraries.seconds(data.shape[1]))
    if code not in (0, NOT_CONVERGED) or not path.exists():
        return None
    with h5py.File(path) as file:
        coefficients = file["equations/coefficients"][0]
        initial, errors = (file[f"solution/initial_{what}"][0, :, 0] for what in ("values", "errors"))
        window = int(file["metrics/window"][0])
        equations = [t.decode() if isinstance(t, bytes) else t for t in file["equations/text"][:]]
    if not np.all(np.isfinite(coefficients)):
        return None
    unknowns = np.count_nonzero(coefficients) + 2 * bool(library.part) + data.shape[1]
    ways = follow(program, path, initial, errors)
    return dict(library=library, way=way, path=path, window=window, equations="; ".join(equations),
                enough=score.is_enough(ways[0], data), criterion=score.criterion(ways, data, unknowns))


def fits(program, folder, case, data):
    """All libraries, in all ways, until one leaves next to nothing."""
    for library in libraries.candidates(data.shape[1]):
        for way in libraries.WAYS:
            found = fit(program, folder, case, library, way, data)
            if found:
                yield found
            if found and found["enough"]:
                return


def judge(number, equations, any_constant):
    """Whether "x_0' = ...; x_1' = ..." has exactly the right terms."""
    return score.exact(number, [e.split("=")[1] for e in equations.split(";")], any_constant)


def one(program, folder, case):
    number, noise, seed = case
    begin = time.monotonic()
    clean, starts = truth(program, folder, number)
    data = generate(program, folder / f"{number}_{noise}_{seed}.h5", number, f"data.generate.noise={noise}",
                    f"run.seed={seed}")
    tried = libraries.candidates(data.shape[1])
    line = dict(system=number, noise=noise, seed=seed, library="none", way="",
                expressible=int(score.expressible(number, tried)), reconstruction=-np.inf,
                generalisation=-np.inf, exact=0, window=0, equations="")
    found = list(fits(program, folder, case, data))
    if found:
        best = min(found, key=lambda f: f["criterion"])
        part = best["library"].part
        line |= dict(library=best["library"].name, way=best["way"], window=best["window"], equations=best["equations"],
                     exact=int(judge(number, best["equations"], bool(part))))
        got = simulate(program, best["path"], starts, folder / f"simulated_{'_'.join(map(str, case))}.h5")
        if got is not None and got.shape == clean.shape:
            line |= dict(reconstruction=score.r2(clean[0], got[0]), generalisation=score.r2(clean[1], got[1]))
    for path in folder.glob(f"fit_{number}_{noise}_{seed}_*"):
        path.unlink()
    line["seconds"] = round(time.monotonic() - begin, 2)
    return line


def summary(lines):
    print(f"{'noise':>6} {'runs':>5} {'reconstruction':>15} {'generalisation':>15} {'exact terms':>12}")
    for noise in sorted({float(l['noise']) for l in lines}):
        these = [l for l in lines if float(l["noise"]) == noise]
        shares = [np.mean([float(l[key]) > 0.9 for l in these]) for key in ("reconstruction", "generalisation", "exact")]
        print(f"{noise:6.2f} {len(these):5d} {100 * shares[0]:13.1f} % {100 * shares[1]:13.1f} % {100 * shares[2]:10.1f} %")
    able = {int(l["system"]) for l in lines if int(l["expressible"])}
    print(f"true equations are in some candidate library: {len(able)} of {len({int(l['system']) for l in lines})} systems")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--systems", default="1-63", help="such as 1-63 or 24,37")
    parser.add_argument("--noises", default="0,0.01,0.05")
    parser.add_argument("--seeds", default="1,2,3", help="clean data have one")
    parser.add_argument("--jobs", type=int, default=2)
    a = parser.parse_args()
    a.folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    systems = [n for part in a.systems.split(",")
               for n in range(int(part.split("-")[0]), int(part.split("-")[-1]) + 1)]
    seeds = a.seeds.split(",")
    cases = [(n, noise, s) for s in seeds for noise in a.noises.split(",") for n in systems
             if float(noise) > 0 or s == seeds[0]]
    table, lines = a.folder / "direct.csv", []
    if table.exists():
        with open(table, newline="") as file:
            lines = list(csv.DictReader(file))
    there = {(int(l["system"]), l["noise"], l["seed"]) for l in lines}
    with concurrent.futures.ProcessPoolExecutor(a.jobs) as pool, open(table, "a", newline="") as out:
        writer = csv.DictWriter(out, FIELDS)
        if not lines:
            writer.writeheader()
        waiting = [pool.submit(one, a.program.resolve(), a.folder, case) for case in cases if case not in there]
        for done in concurrent.futures.as_completed(waiting):
            if done.exception():
                print(f"a case could not be judged: {done.exception()!r}", flush=True)
                continue
            line = done.result()
            lines.append(line)
            writer.writerow(line)
            out.flush()
            print(f"{line['system']:3d} {line['noise']:>5} {line['seed']} {line['library']:<16} "
                  f"R2 {line['reconstruction']:8.4f} {line['generalisation']:8.4f} exact {line['exact']} "
                  f"{line['seconds']:6.1f} s  {line['equations'][:110]}", flush=True)
    summary(lines)


if __name__ == "__main__":
    main()
