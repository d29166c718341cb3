"""Inputs: series of the data that equations use as they use t (data.inputs). A forced system, with the force as data, is
found as it is with the force as an expression; between samples inputs are interpolated, which errs by h^4 at a block of
order 2; files and columns of every kind; ranks; what cannot be.

x' = -2 x + y + sin(3 t), y' = -x has a closed form, and so the data have no error.
"""
import h5py
import numpy as np

from support import check, check_below, check_equal, check_terms, command, run, verdict, write_data

DECK = """
task: {task}
data: {{file: {file}, inputs: [{names}]}}
dynamics:
{known}{rest}
"""
LIBRARY = "  library: {polynomial: 2}"
TRUE = {("x", "x"): -2, ("x", "y"): 1, ("y", "x"): -1}
STARTS = np.array([[1.0, 1], [-1, 0.5], [0, -2]])


def forced(times, start):
    """u' = A u + (sin 3t, 0), A = [[-2, 1], [-1, 0]] with double eigenvalue -1: Im(w e^(3it)) and e^-t (1 + t (A + 1)) c."""
    A = np.array([[-2.0, 1], [-1, 0]])
    w = np.linalg.solve(3j * np.eye(2) - A, np.array([1, 0]))
    c = start - np.imag(w)
    return np.imag(np.exp(3j * times)[:, None] * w) + np.exp(-times)[:, None] * (c + times[:, None] * ((A + np.eye(2)) @ c))


def write(path, times, force=lambda t: np.sin(3 * t), extra=None):
    """With the array `inputs` [S][T][2]: of no use, and the force."""
    write_data(path, times, np.stack([forced(times, start) for start in STARTS]), ["x", "y"])
    with h5py.File(path, "a") as file:
        file["inputs"] = np.broadcast_to(np.stack([times**2, force(times)], axis=1), (3, len(times), 2))
        file["input_names"] = ["other", "force"]
        for name, value in (extra or {}).items():
            file[name] = value


def deck(file, names="force", known='"x\' = force"', task="discover", rest=LIBRARY):
    known = f"  known: [{known}]\n" if known else ""
    return DECK.format(task=task, file=file, names=names, known=known, rest=rest)


def error(result, true=TRUE):
    return max(abs(result.terms()[t][0] / true[t] - 1) for t in true)


# At samples alone: the numbers of the expression, to rounding errors that some ten iterations carry along.
times = np.linspace(0, 8, 401)
write("fine.h5", times)
result = run("as_data", deck("fine.h5"))
text = run("text", deck("fine.h5", "other", '"x\' = sin(3*t)"'))
check_terms("the force as data", result.terms(), TRUE, 1e-5)
check_below("as with the force as an expression", np.abs(result["equations/coefficients"] - text["equations/coefficients"]).max(), 1e-11)
check_equal("the equation has it", result.texts("equations/text")[0].split(" ")[2], "force")
ranks = run("ranks", deck("fine.h5"), ranks=2)
check("the same on 2 ranks, bit for bit", np.array_equal(result["equations/coefficients"], ranks["equations/coefficients"]))

# Between samples: with four steps in each interval the block's own error is smaller than that of interpolation, of order 4.
differences = []
for h in (0.2, 0.1, 0.05):
    write("coarse.h5", np.arange(0, 8 + h / 2, h))
    grids = [run(f"coarse_{name}", deck("coarse.h5", names, known), "block.substeps=4")["equations/coefficients"]
             for name, names, known in (("data", "force", '"x\' = force"'), ("text", "other", '"x\' = sin(3*t)"'))]
    differences.append(np.abs(grids[0] - grids[1]).max())
check("interpolation errs by order 4, or better", differences[0] / differences[1] > 2**3.5 and differences[1] / differences[2] > 2**3.5,
      " ".join(f"{d:.1e}" for d in differences))

# A factor of it can be fitted, in discovery and in a fit; t is its own input; columns of states and of CSV are inputs, too.
rest = '  equations: ["x\' = c*force"]\n  parameters: {c: 0.3}\n'
factor = run("factor", deck("fine.h5", known="", rest=rest + LIBRARY))
check_below("a factor, beside a library", abs(factor.parameters()["c"][0] - 1), 1e-5)
rest = '  equations: ["x\' = p*x + y", "y\' = q*x"]\n  parameters: {p: -1, q: -0.5}'
fitted = run("fitted", deck("fine.h5", task="fit", rest=rest))
check_below("a fit", max(abs(fitted.parameters()["p"][0] + 2), abs(fitted.parameters()["q"][0] + 1)), 1e-5)
table = np.column_stack([times, forced(times, STARTS[0]), np.sin(3 * times)])
np.savetxt("spaced.csv", table, delimiter=",", header="t,x,y,a b", comments="")
np.savetxt("columns.csv", table, delimiter=",", header="t,x,y,force", comments="", fmt="%.17g")
write_data("columns.h5", times, table[:, 1:], ["x", "y", "force"])
for file in ("columns.csv", "columns.h5"):
    columns = run(file.replace(".", "_"), deck(file))
    check_equal(f"{file}: states", columns.texts("states"), ["x", "y"])
    check_terms(file, columns.terms(), TRUE, 1e-5)

# Lengths, beginnings and strides choose samples of inputs as of states.
write("ragged.h5", times, lambda t: np.where(t < 6.001, np.sin(3 * t), np.nan), {"length": np.array([301, 201, 251])})
part = run("part", deck("ragged.h5"), "data.first=20", "data.stride=2")
check_terms("part of the samples", part.terms(), TRUE, 1e-4)

# What cannot be.
write("gap.h5", times, lambda t: np.where(np.abs(t - 2) < 1e-9, np.nan, np.sin(3 * t)))
with h5py.File("shape.h5", "w") as file, h5py.File("fine.h5") as source:
    for name in ("time", "states", "names", "input_names"):
        source.copy(name, file)
    file["inputs"] = source["inputs"][:, :-1]
for name, text, code, reason in (
        ("a gap", deck("gap.h5"), 3, "input 'force' is nan at sample 100 of system 0"),
        ("another shape", deck("shape.h5"), 3, "'inputs' does not have the systems and samples of 'states'"),
        ("no such input", deck("fine.h5", "f"), 3, "has no input 'f'; it has 'other', 'force'"),
        ("no name", deck("spaced.csv", '"a b"'), 2, "'a b' is not a letter followed by"),
        ("a name of the model's", deck("fine.h5", "force", rest=LIBRARY + "\n  states: [x, force]"), 2, "'force' is used twice"),
        ("no state left", deck("columns.h5", "x, y, force"), 3, "no state is left"),
        ("generated data", deck("fine.h5").replace("file: fine.h5", "generate: {system: lorenz}"), 2, "generated data have no inputs")):
    failed = run("mistake", text, code=code)
    check(f"{name}: {reason}", reason in " ".join(failed.said.split()), "" if reason in failed.said else failed.said)
code, said = command(["simulate", "factor.h5", "data.generate.step=0.1", "data.generate.samples=3", "data.generate.initial={x: 1, y: 1}"])
check_equal("simulate: exit status", code, 3)
check("its equations depend on data", "depend on 'force', an input of the data" in said, said)
verdict()
