"""Parts of equations that are known (dynamics.known): what is added to them is found, by discovery and by a fit; equations
in the file and `neurlp simulate` have both; mistakes.

Without noise the error is that of the block, which is of order h^3 at least (docs/math.md, section 1): a step of half the
size has to leave an eighth of it at most, and that is the bound, down to the data's own error.
"""
import h5py
import numpy as np

from support import check, check_below, check_equal, check_terms, command, run, verdict, write_data

LORENZ = """
task: discover
data: {{generate: {{system: lorenz, samples: {samples}, step: {step}}}}}
dynamics:
  known: ["x' = -10*x", "z' = -8/3*z"]
  library: {{polynomial: 2}}
"""
REST = {("x", "y"): 10, ("y", "x"): 28, ("y", "y"): -1, ("y", "x*z"): -1, ("z", "x*y"): 1}

# x' = -2 x + y + sin(3 t), y' = -x: what is known depends on the state, on time, on a number and on an abbreviation.
FORCED = """
task: {task}
data: {{file: forced.h5}}
dynamics:
  known: ["x' = force - g*x"]
  definitions: {{force: "sin(3*t)"}}
{rest}
"""
LIBRARY = "  parameters: {g: {fixed: 2}}\n  library: {polynomial: 2}"
EQUATIONS = "  parameters: {g: {fixed: 2}, p: 0.5, q: -0.5}\n  equations: [\"x' = p*y\", \"y' = q*x\"]"


def forced(times, start):
    """The closed form: u' = A u + (sin 3t, 0) with A = [[-2, 1], [-1, 0]], of double eigenvalue -1."""
    # particular solution u = Im(w e^(3it)), (3i - A) w = (1, 0); the rest: e^(-t) (1 + (A + 1) t) c
    A = np.array([[-2.0, 1], [-1, 0]])
    w = np.linalg.solve(3j * np.eye(2) - A, np.array([1, 0]))
    particular = np.imag(np.exp(3j * times)[:, None] * w)
    c = start - np.imag(w)
    return particular + np.exp(-times)[:, None] * (c + times[:, None] * ((A + np.eye(2)) @ c))


def worst(found, true):
    return max(abs(found[t][0] / true[t] - 1) for t in true)


errors = []
for step, samples in ((0.01, 501), (0.005, 1001)):
    result = run(f"lorenz_{samples}", LORENZ.format(step=step, samples=samples))
    check_terms(f"Lorenz with two known terms, h = {step}", result.terms(), REST, 1e-3 if not errors else errors[0] / 8)
    errors.append(worst(result.terms(), REST))
check_equal("the file has the whole equation", result.texts("equations/text")[0].split(" + ")[0], "x' = -10*x")
check_equal("and what was known of it", result.texts("equations/known"), ["-10*x", "0", "-8/3*z"])
said = command(["inspect", result.path])[1]
check("inspect says it", "known beforehand: -10*x, 0, -8/3*z" in said, "" if "known beforehand" in said else said)

times = np.linspace(0, 8, 401)
starts = np.array([[1.0, 1], [-1, 0.5], [0, -2]])
write_data("forced.h5", times, np.stack([forced(times, start) for start in starts]), ["x", "y"])
found = run("forced_discover", FORCED.format(task="discover", rest=LIBRARY))
check_terms("a forced system, discovered", found.terms(), {("x", "y"): 1, ("y", "x"): -1}, 1e-5)
fitted = run("forced_fit", FORCED.format(task="fit", rest=EQUATIONS))
p, q = fitted.parameters()["p"][0], fitted.parameters()["q"][0]
error = max(abs(p - 1), abs(q + 1), worst(found.terms(), {("x", "y"): 1, ("y", "x"): -1}))
check_below("the same, fitted", error, 1e-5)

# Coefficients that are off by e move the solution, which is drawn together and is of size 2, by 2 e times the time.
for name in ("forced_discover", "forced_fit"):
    code, said = command(["simulate", f"{name}.h5", "data.generate.step=0.02", "data.generate.samples=401",
                          "data.generate.initial={x: 0.7, y: -1.1}", "-o", f"{name}_again.h5"])
    check_equal(f"simulate {name}: exit status", code, 0)
    with h5py.File(f"{name}_again.h5") as file:
        states = np.squeeze(file["states"][()])
    check_below("the known terms are in it", np.abs(states - forced(times, np.array([0.7, -1.1]))).max(), 2 * 8 * error + 1e-8)

for text, reason in (("[\"x' = -k*x\"]\n  parameters: {k: 2}", "has the parameter 'k', which is to be found"),
                     ("[\"x' = -x\", \"x' = y\"]", "two known parts for 'x'"), ("[\"w' = 1\"]", "'w' is not a state"),
                     ("[\"x' = 2*(y\"]", "mistake.yaml:4")):
    deck = f"task: discover\ndata: {{file: forced.h5}}\ndynamics:\n  known: {text}\n  library: {{polynomial: 1}}\n"
    result = run("mistake", deck, code=2)
    check(f"mistake: {reason}", reason in result.said, "" if reason in result.said else result.said)
verdict()
