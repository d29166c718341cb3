"""Learned equations as callbacks: right-hand sides against those that numpy makes of the result's numbers, for equations
that are shared and for those of each point, on a DMDA of two dimensions and a plain Vec, on 1 to 3 ranks; PETSc's own
test of the Jacobian; what does not fit."""
import h5py
import numpy as np

from support import below, neurlp, run, true, vectors, verdict

EPSILON = 2.2e-16
POINTS = 12
DECK = """
task: {task}
data:
  generate:
    system: lotka_volterra
    systems: {points}
    samples: 41
    step: 0.1
    parameters: {{a: {{uniform: [1, 2]}}, c: {{uniform: [2, 3]}}}}
dynamics:
  sharing: {shared}
{dynamics}
"""
LIBRARY = "  library: {polynomial: 2}"
EQUATIONS = """  states: [x, y]
  equations: ["x' = a*x - b*x*y", "y' = d*x*y - g*y"]
  parameters: {a: 1, b: 1, d: 1, g: 1}"""


def learn(name, task, shared, dynamics):
    with open(f"{name}.yaml", "w") as file:
        file.write(DECK.format(task=task, points=POINTS, shared=shared, dynamics=dynamics))
    neurlp("run", f"{name}.yaml")
    return h5py.File(f"{name}.h5")


def oracle(result, u):
    """f(u) of each point, u [points][2], by the numbers in the file, and the size of its largest terms."""
    x, y = u.T
    if "parameters" in result["equations"]:
        a, b, d, g = np.broadcast_to(result["equations/parameters"][:], (len(u), 4)).T
        return np.stack([a * x - b * x * y, d * x * y - g * y], axis=1)
    terms = [t.decode() for t in result["equations/terms"][:]]
    values = np.stack([eval(t.replace("^", "**"), {"x": x, "y": y}) * np.ones(len(u)) for t in terms], axis=1)
    coefficients = np.broadcast_to(result["equations/coefficients"][:], (len(u), 2, len(terms)))
    return np.einsum("pkl,pl->pk", coefficients, values)


def compare(name, result, plain, ranks, known=None):
    """known: what is known of f(u), which is not in the numbers in the file; None: what was learned, alone."""
    output = run("dynamics", f"-result {name}.h5 -points 3,4 -out {name}.bin", "-plain" if plain else "",
                 "-learned" if known is None else "", ranks=ranks, plugin=False)
    u, f, more = vectors(f"{name}.bin").reshape(3, POINTS, 2)
    expected = 1 + np.sin(1 + np.arange(POINTS)[:, None] + 10. * np.arange(2)) / 2
    what = f"{name}, {'a plain Vec' if plain else 'a DMDA'} on {ranks} ranks:"
    below(f"{what} states are in natural order", np.abs(u - expected).max(), 4 * EPSILON)
    f_numpy = oracle(result, u) + (known(u) if known else 0)
    below(f"{what} f(u)", np.abs(f - f_numpy).max(), 100 * EPSILON * 10)
    below(f"{what} f(u) + 2 f(u)", np.abs(more - 3 * f_numpy).max(), 400 * EPSILON * 10)
    true(f"{what} PETSc finds the Jacobian right", "Jacobian test of PETSc: right" in output, output)
    return f


results = {"discovered": learn("discovered", "discover", "per_system", LIBRARY), "fitted": learn("fitted", "fit", "per_system", EQUATIONS),
           "shared": learn("shared", "discover", "shared", LIBRARY)}
for name, result in results.items():
    rows = result["equations/parameters" if name == "fitted" else "equations/coefficients"].shape[0]
    true(f"{name}: {rows} rows of estimates", rows == (1 if name == "shared" else POINTS))
    for plain, ranks in ((False, 1), (False, 3), (True, 2)):
        f = compare(name, result, plain, ranks)
    if name != "shared":  # points differ, so a permutation of rows would be seen
        others = oracle(result, vectors(f"{name}.bin").reshape(3, POINTS, 2)[0][::-1])[::-1]
        true(f"{name}: rows of other points would give other numbers", np.abs(f - others).max() > 1e-3)

# With parts that are known: the whole, and what was learned alone, as text and as numbers.
KNOWN = LIBRARY + "\n  known: [\"x' = -x*y\"]"
for shared in ("shared", "per_system"):
    name = f"known_{shared}"
    result = learn(name, "discover", shared, KNOWN)
    whole = compare(name, result, False, 2, known=lambda u: np.stack([-u[:, 0] * u[:, 1], 0 * u[:, 0]], axis=1))
    alone = compare(name, result, False, 2)
    true(f"{name}: they are not the same", np.abs(whole - alone).max() > 0.1)
output = run("dynamics", "-result known_shared.h5 -points 3,4 -learned", plugin=False)
true("its text is what was learned, and what is known is said", "known: -x*y" in output and "known: 0" in output
     and not any(line.startswith("x'") and "x*y" in line for line in output.splitlines()), output)

output = run("dynamics", "-result fitted.h5 -points 3,3", plugin=False, fails=True)
true("another number of points", "equations for 12 systems, and there are 9 points" in " ".join(output.split()), output)
output = run("dynamics", "-result fitted.yaml", plugin=False, ranks=2, fails=True)
true("a file that is no result", "fitted.yaml" in output and "HDF5" in output, output)
verdict()
