"""Batches of linear systems over Vecs: nothing is copied or allocated where Vecs are divided as systems are, and copies
that are needed change no bit; the same bits on 1, 2 and 3 ranks; adjoint and tangent belong to each other; sharing,
kept factors, the other backend; a system that fails; what does not fit."""
import numpy as np

from support import below, cases, run, true, verdict

EPSILON = 2.2e-16
# Of the matrices of these cases, columns scaled (test_least_squares.py computes such): less than 1e6.
CONDITION = 1e6
SHARED = "-share_coefficients 1 -share_steps 1 -share_values 1 -prepare"
CASES = {"hermite": "", "smnn": "-formulation smnn -columns 2", "two-point": "-final 1 -initial 1,1", "ragged": "-ragged -order 1",
         "fewer systems than ranks": "-systems 2", "d = 3, D = 3": "-dimensions 3 -equations 3 -order 3 -per_dimension",
         "uneven": "-uneven", "DMDA": "-dmda", "cpu:check": "-neurlp_backend cpu:check", "kept": "-neurlp_keep_factors",
         "shared": SHARED, "broken": "-broken 3", "big": "-systems 4000 -dimensions 1 -equations 1 -steps 40",
         "big uneven": "-systems 4000 -dimensions 1 -equations 1 -steps 40 -uneven"}
NAMES = ["solution", "tangent", "coefficients", "rhs", "initial values", "final values", "steps"]


def vectors(path):
    """All vectors in a binary file of PETSc's, of any lengths."""
    data, found, at = open(path, "rb").read(), [], 0
    while at < len(data):
        rows = int(np.frombuffer(data, ">i4", 2, at)[1])
        found.append(np.frombuffer(data, ">f8", rows, at + 8).astype(float))
        at += 8 + 8 * rows
    return found


def same_bits(what, a, b):
    true(what, all(x.tobytes() == y.tobytes() for x, y in zip(a, b)),
         str({name: np.abs(x - y).max() for name, x, y in zip(NAMES, a, b) if x.size and x.tobytes() != y.tobytes()}))


def on(ranks):
    """All cases: what is said of each, and its vectors."""
    said = cases("batch", [f"{options} -out {i}.bin" for i, options in enumerate(CASES.values())], ranks)
    return {name: (said[i], vectors(f"{i}.bin")) for i, name in enumerate(CASES)}


results = {ranks: on(ranks) for ranks in (1, 2, 3)}
_, usual = results[1]["hermite"]
for name in CASES:
    said, first = results[1][name]
    if name != "broken":
        true(f"{name}: numbers, and no system failed", said["failed"] == 0 and all(np.isfinite(x).all() for x in first))
        below(f"{name}: <g, L d> - <L^T g, d>", said["dots"], 10 * EPSILON * CONDITION)
    below(f"{name}: copies on 1 rank", said["copies"], 0)
    for ranks in (2, 3):
        said, vecs = results[ranks][name]
        if name == "shared":
            same_bits(f"{name}: the same solution and tangent on {ranks} ranks", vecs[:2], first[:2])
        else:
            same_bits(f"{name}: the same bits on {ranks} ranks", vecs, first)
        if "uneven" not in name and name != "shared":
            below(f"{name}: copies on {ranks} ranks", said["copies"], 0)
for name in ("uneven", "DMDA", "cpu:check"):
    same_bits(f"{name}: the same bits as usual", results[2][name][1], usual)
same_bits("kept: the same solution as usual", results[2]["kept"][1][:1], usual[:1])

# Four inputs have numbers here. Read: these in each of 3 calls, solution and grad_output, solution and direction;
# written: solution, gradients, tangent; all twice.
true("uneven: every Vec is copied", results[3]["uneven"][0]["copies"] == 2 * (3 * 4 + 2 + 1 + 4 + 1 + 4 + 1))
for ranks in (1, 2, 3):
    said = results[ranks]["big"][0]
    below(f"bytes that two solves, adjoints, tangents ask of malloc on {ranks} ranks", said["bytes"], said["input_bytes"] / 4)
true("which are more where Vecs are copied", results[2]["big uneven"][0]["bytes"] > 4000 * 40 * 3 * 8)

# Shared inputs: a gradient is the sum over the systems of all ranks.
for ranks in (1, 2, 3):
    said, vecs = results[ranks]["shared"]
    for name, x, y in zip(NAMES[2:], vecs[2:], results[1]["shared"][1][2:]):
        if x.size:
            below(f"shared: gradient of {name} on {ranks} ranks", np.abs(x - y).max() / np.abs(y).max(), 100 * EPSILON)
    below(f"shared: the one factor, kept, on {ranks} ranks", said["prepared"], 10 * EPSILON * CONDITION)
    true(f"shared: copies on {ranks} ranks: {said['copies']:.0f}", (said["copies"] > 0) == (ranks > 1))

said, vecs = results[2]["broken"]
solution, good = vecs[0].reshape(7, -1), usual[0].reshape(7, -1)
true("a system that fails is counted, and its numbers are NaN", said["failed"] == 1 and np.isnan(solution[3]).all())
same_bits("the others have the same bits", [np.delete(solution, 3, axis=0)], [np.delete(good, 3, axis=0)])


def refused(what, options, *words, ranks=1):
    output = " ".join(run("batch", options, ranks=ranks, plugin=False, fails=True).split())
    true(what, all(word in output for word in words), output)


output = " ".join(run("batch", "-neurlp_view -neurlp_formulation smnn", plugin=False).split())
true("it is viewed", all(word in output for word in ("NeuRLP batch Object: 1 MPI process", "rows: taylor", "soft", "7 systems")), output)
refused("a failed system as an error", "-broken 3 -neurlp_error_if_failed", "1 of 7 systems failed: system 3")
refused("a Vec of another size", "-wrong", "the Vec of the coefficients has 126 numbers; [S][T][E][D][d+1] makes 756 for 7")
refused("a misspelt option", "-neurlp_wieght_top 1", "did you mean -neurlp_weight_top?")
refused("single precision", "-neurlp_precision single", "the numbers of a Vec are double")
refused("a shape that is none, on two ranks", "-order 9", "order", ranks=2)
verdict()
