"""Files of long linear problems, and their answers against closed forms and each other.

usage: long_problem.py write FILE            groups of many kinds, cut into short pieces
       long_problem.py without FILE NEW NAME...  a copy without some groups
       long_problem.py attribute FILE NAME VALUE ...  sets attributes of all groups
       long_problem.py same FILE ONE OTHER   the same bytes in all arrays of two files of answers
       long_problem.py failed FILE           what must have become of the groups that fail
       long_problem.py ends FILE ANSWERS     two-point problems: values come out as they went in, a closed form is met, and
                                             what the solution is linear in has gradients that say so
       long_problem.py oscillator FILE STEPS  u'' + u = 0 over STEPS steps of 0.001, all but u constant in time
       long_problem.py decay FILE STEPS      u' + u = sin t over STEPS steps of 0.001, as a file of its own arrays
       long_problem.py check ANSWERS KIND STEPS BOUND  the largest error of u, over the whole time
"""
import sys

import h5py
import numpy as np

STEP = 1e-3
PIECE = 1 << 20


def group(file, name, T, D=1, d=2, E=1, systems=1, J=1, seed=0, constant=(), **attributes):
    """A random group whose systems are determined: unit coefficients of the leading derivative."""
    random = np.random.default_rng(seed)
    made = file.create_group(name)
    steps = lambda what, T: 1 if what in constant else T
    c = 0.3 * random.normal(size=(systems, steps("coefficients", T), E, D, d + 1))
    for e in range(E):
        c[:, :, e, e % D, 1] += 1 + (e >= D)
    c[..., 2:] = 0
    made["coefficients"] = c
    made["rhs"] = random.normal(size=(systems, steps("rhs", T), E))
    made["initial_values"] = random.normal(size=(systems, 1, D, J))
    made["steps"] = 0.05 * random.uniform(0.7, 1.4, size=(systems, steps("steps", T - 1), 1))
    made["grad_output"] = random.normal(size=(systems, T, D, d + 1))
    made.attrs["nominal_step"] = 0.05
    for key, value in attributes.items():
        made.attrs[key] = value
    return made


def write(path):
    with h5py.File(path, "w") as file:
        group(file, "hermite", 3000, piece_intervals=50, seed=1)
        group(file, "default_pieces", 5000, seed=2, initial="hard")
        group(file, "taylor", 700, D=2, E=2, piece_intervals=40, seed=3, smoothness="taylor")
        group(file, "constant", 900, piece_intervals=30, seed=4, constant=("coefficients", "rhs", "steps"), initial="hard", step_count=900)
        group(file, "steps_constant", 900, piece_intervals=31, seed=5, constant=("steps",), systems=2)
        group(file, "few_pieces", 60, piece_intervals=28, seed=6)
        group(file, "short", 60, seed=7)
        group(file, "central", 60, seed=8, smoothness="taylor", central=1, piece_intervals=5)
        for name, initial in (("two_point", "hard"), ("two_point_soft", "soft")):
            two = group(file, name, 700, D=2, E=2, d=3, piece_intervals=23, seed=11, systems=2, initial=initial)
            two["final_values"] = np.random.default_rng(12).normal(size=(2, 2, 1))
        ends = group(file, "ends", 401, d=3, piece_intervals=40, initial="hard", leading_derivative=2)
        ends["coefficients"][:] = [1, 0, 1, 0]  # u'' + u = 0, u = cos t at both ends
        ends["rhs"][:], ends["steps"][:], ends["initial_values"][:] = 0, 0.05, 1
        ends["final_values"] = np.full((1, 1, 1), np.cos(20))
        bad = group(file, "failing", 800, piece_intervals=20, seed=9, systems=4)
        bad["rhs"][0, 400] = np.nan
        bad["steps"][1, 700] = 0
        bad["grad_output"][2, 0, 0, 1] = np.inf
        late = group(file, "failing_late", 800, piece_intervals=20, seed=10, initial="hard")
        late["grad_output"][0, 0, 0, 0] = np.nan


def same(path, one, other):
    good = True
    with h5py.File(path) as problems, h5py.File(one) as a, h5py.File(other) as b:
        for name in problems:
            for array in a[name]:
                x, y = a[name][array][:], b[name][array][:]
                numbers = x.dtype.kind == "f"
                equal = x.shape == y.shape and (x.tobytes() == y.tobytes() or numbers and np.array_equal(
                    np.where(np.isnan(x), 0, x), np.where(np.isnan(y), 0, y)) and np.array_equal(np.isnan(x), np.isnan(y)))
                good = good and equal
                if not equal:
                    print(f"FAIL {name}/{array} differs between {one} and {other}")
        print("ok  " if good else "FAIL", f"{other}: the bytes of {one}")
    sys.exit(not good)


def without(path, new, *names):
    with h5py.File(path) as file, h5py.File(new, "w") as copy:
        for name in file:
            if name not in names:
                file.copy(name, copy)


def attribute(path, *pairs):
    with h5py.File(path, "a") as file:
        for name in file:
            for key, value in zip(pairs[::2], pairs[1::2]):
                file[name].attrs[key] = float(value)


def ends(path, answers):
    good = True

    def check(what, measured, bound):
        nonlocal good
        good = good and measured <= bound
        print("ok  " if measured <= bound else "FAIL", f"{what}: {measured:.2e} <= {bound:.2e}")

    with h5py.File(path) as file, h5py.File(answers) as found:
        error = np.abs(found["ends/solution"][0, :, 0, 0] - np.cos(0.05 * np.arange(401))).max()
        check("cos t from its ends, error", error, 0.05**3)  # of order h^(d+2-kappa) at worst (docs/math.md, section 1)
        for name in ("two_point", "two_point_soft", "ends"):
            solution, grad_output = found[name]["solution"][:], file[name]["grad_output"][:]
            J = file[name]["final_values"].shape[2]
            if name != "two_point_soft":
                check(f"{name}: final values", np.abs(solution[:, -1, :, :J] - file[name]["final_values"][:]).max(), 0)
            parts = [np.sum(found[name][f"grad_{x}"][:] * file[name][x][:]) for x in ("rhs", "initial_values", "final_values")]
            size = np.abs(solution * grad_output).sum()
            # sums of T (d+1) D products, with the errors of solution and gradients: condition some 1e4
            check(f"{name}: <g, u> less <dL/db, b> + <dL/dv, v>", abs(np.sum(solution * grad_output) - sum(parts)) / size,
                  1e4 * np.finfo(float).eps * 16)
    sys.exit(not good)


def failed(path):
    with h5py.File(path) as answers:
        status = answers["failing/status"][:].tolist()
        finite = [bool(np.isfinite(answers["failing/solution"][s]).all()) for s in range(4)]
        gradients = [bool(np.isfinite(answers["failing/grad_rhs"][s]).all()) for s in range(4)]
        late = answers["failing_late/status"][0], np.isfinite(answers["failing_late/solution"][:]).all(), \
            np.isnan(answers["failing_late/grad_rhs"][:]).all() and np.isnan(answers["failing_late/grad_steps"][:]).all()
    print("statuses", status, "solutions", finite, "gradients", gradients, "late", late)
    good = [s != 0 for s in status] == [True, True, True, False] and finite == [False, False, True, True] \
        and gradients == [False, False, False, True] and late[0] != 0 and late[1] and late[2]
    sys.exit(not good)


def oscillator(path, T):
    with h5py.File(path, "w") as file:
        made = file.create_group("oscillator")
        made["coefficients"] = np.array([1.0, 0.0, 1.0, 0.0]).reshape(1, 1, 1, 1, 4)
        made["rhs"] = np.zeros((1, 1, 1))
        made["steps"] = np.full((1, 1, 1), STEP)
        made["initial_values"] = np.array([1.0, 0.0]).reshape(1, 1, 1, 2)
        made.attrs.update(initial="hard", leading_derivative=2, nominal_step=STEP, step_count=T)


def write_all(dataset, values):
    """Fills [1][T][...] a piece at a time."""
    for first in range(0, dataset.shape[1], PIECE):
        t = np.arange(first, min(first + PIECE, dataset.shape[1]))
        dataset[0, first:first + len(t)] = values(t).reshape((len(t),) + dataset.shape[2:])


def decay(path, T):
    with h5py.File(path, "w") as file:
        made = file.create_group("decay")
        made["coefficients"] = np.array([1.0, 1.0, 0.0]).reshape(1, 1, 1, 1, 3)
        made.create_dataset("rhs", (1, T, 1), "f8")
        write_all(made["rhs"], lambda t: np.sin(phase(t)))
        made["steps"] = np.full((1, 1, 1), STEP)
        made["initial_values"] = np.array([0.25]).reshape(1, 1, 1, 1)
        made.attrs.update(initial="hard", nominal_step=STEP)


def phase(t):
    """Time modulo 2 pi, reduced in extended precision: in double precision 1e5 is known to 1e-11 only."""
    turn = 8 * np.arctan(np.longdouble(1))
    return np.remainder(t.astype(np.longdouble) * np.longdouble(1) / round(1 / STEP), turn).astype(float)


def exact(kind, t):
    x = phase(t)
    if kind == "oscillator":
        return np.cos(x)
    return (np.sin(x) - np.cos(x)) / 2 + 0.75 * np.exp(-t * STEP)


def check(path, kind, T, bound):
    worst, decades, limit = 0.0, [], 1000
    with h5py.File(path) as answers:
        u = answers[kind]["solution"]
        assert answers[kind]["status"][0] == 0 and u.shape[:3] == (1, T, 1), (answers[kind]["status"][0], u.shape)
        for first in range(0, T, PIECE):
            t = np.arange(first, min(first + PIECE, T))
            error = np.abs(u[0, first:first + len(t), 0, 0] - exact(kind, t))
            while limit <= t[-1] + 1:
                inside = error[:max(0, limit - first)]
                decades.append((limit, float(max(worst, inside.max() if len(inside) else 0))))
                limit *= 10
            worst = float(max(worst, error.max()))
    for steps, error in decades:
        print(f"     error of u over the first {steps:.0e} steps: {error:.2e}")
    good = worst <= bound
    print("ok  " if good else "FAIL", f"{kind}, {T} steps: error of u {worst:.2e} <= {bound:.2e}")
    sys.exit(not good)


def main():
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "check":
        check(arguments[0], arguments[1], int(arguments[2]), float(arguments[3]))
    elif what in ("oscillator", "decay"):
        globals()[what](arguments[0], int(arguments[1]))
    else:
        globals()[what](*arguments)


if __name__ == "__main__":
    main()
