"""Batches of linear systems over Vecs: nothing is copied or allocated where Vecs are divided as systems are, and copies
that are needed change no bit; the same bits on 1, 2 and 3 ranks; adjoint and tangent belong to each other; sharing,
kept factors, the other backend; a system that fails; what does not fit."""
import re

import numpy as np

from support import below, run, true, verdict

EPSILON = 2.2e-16
# Of the matrices of these cases, columns scaled (test_least_squares.py computes them): 1e6 or less.
CONDITION = 1e6
CASES = {"hermite": "", "smnn": "-formulation smnn -columns 2", "two-point": "-final 1 -initial 1,1", "ragged": "-ragged -order 1",
         "fewer systems than ranks": "-systems 2", "d = 3, D = 3": "-dimensions 3 -equations 3 -order 3 -per_dimension"}
NAMES = ["solution", "tangent", "coefficients", "rhs", "initial values", "final values", "steps"]


def vectors(path):
    """All vectors in a binary file of PETSc's, of any lengths."""
    data, found, at = open(path, "rb").read(), [], 0
    while at < len(data):
        rows = int(np.frombuffer(data, ">i4", 2, at)[1])
        found.append(np.frombuffer(data, ">f8", rows, at + 8).astype(float))
        at += 8 + 8 * rows
    return found


def batch(*options, ranks=1):
    output = run("batch", *options, ranks=ranks, plugin=False)
    return {name: float(value) for name, value in re.findall(r"^= (\w+) (\S+)$", output, re.M)}, vectors("out.bin"), output


def same_bits(what, a, b):
    true(what, all(x.tobytes() == y.tobytes() for x, y in zip(a, b)),
         str({name: np.abs(x - y).max() for name, x, y in zip(NAMES, a, b) if x.size and x.tobytes() != y.tobytes()}))


for name, options in CASES.items():
    said, first, _ = batch(options)
    true(f"{name}: numbers, and no system failed", said["failed"] == 0 and all(np.isfinite(x).all() for x in first))
    below(f"{name}: <g, L d> - <L^T g, d>", said["dots"], 10 * EPSILON * CONDITION)
    below(f"{name}: copies", said["copies"], 0)
    for ranks in (2, 3):
        more, vecs, _ = batch(options, ranks=ranks)
        same_bits(f"{name}: the same bits on {ranks} ranks, no copies", vecs, first)
        below(f"{name}: copies on {ranks} ranks", more["copies"], 0)

said, first, _ = batch("-systems 4000 -dimensions 1 -equations 1 -steps 40", ranks=2)
below("bytes of malloc, for a batch with two solves, adjoints, tangents", said["bytes"], said["input_bytes"] / 4)
said, _, _ = batch("-systems 4000 -dimensions 1 -equations 1 -steps 40 -uneven", ranks=2)
true(f"which are more where Vecs are copied: {said['bytes']:.0f}", said["bytes"] > 10 * 4000 * 39 * 8)

_, first, _ = batch()
said, vecs, _ = batch("-uneven", ranks=3)
same_bits("Vecs that are divided otherwise: the same bits", vecs, first)
# Of the five arrays, final values have no numbers, but have a Vec. Read: 5 inputs (3 calls), solution and grad_output,
# solution and direction; written: solution, 5 gradients, tangent; twice.
true(f"copies of them: {said['copies']:.0f}", said["copies"] == 2 * (3 * 5 + 2 + 1 + 5 + 1 + 5 + 1))
said, vecs, _ = batch("-dmda", ranks=3)
same_bits("initial values of a DMDA: the same bits", vecs, first)
below("copies of them", said["copies"], 0)
_, vecs, _ = batch("-neurlp_backend cpu:check", ranks=2)
same_bits("backend cpu:check: the same bits", vecs, first)
_, vecs, _ = batch("-neurlp_keep_factors -neurlp_view", ranks=2)
same_bits("kept factors: the same solution", vecs[:1], first[:1])

# Shared inputs: a gradient is the sum over the systems of all ranks.
shared = "-share_coefficients 1 -share_steps 1 -share_values 1"
said, first, _ = batch(shared, "-prepare")
below("shared inputs: copies on 1 rank", said["copies"], 0)
below("shared inputs: <g, L d> - <L^T g, d>", said["dots"], 10 * EPSILON * CONDITION)
below("the one factor, kept: difference of solutions", said["prepared"], 10 * EPSILON * CONDITION)
for ranks in (2, 3):
    said, vecs, _ = batch(shared, "-prepare", ranks=ranks)
    same_bits(f"shared inputs on {ranks} ranks: the same solution and tangent", vecs[:2], first[:2])
    for name, x, y in zip(NAMES[2:], vecs[2:], first[2:]):
        if x.size:
            below(f"shared inputs on {ranks} ranks: gradient of {name}", np.abs(x - y).max() / np.abs(y).max(), 100 * EPSILON)
    true(f"copies: {said['copies']:.0f}", said["copies"] > 0)
    below("the one factor, kept: difference of solutions", said["prepared"], 10 * EPSILON * CONDITION)

_, first, _ = batch()
said, vecs, output = batch("-broken 3 -neurlp_view", ranks=2)
solution, good = vecs[0].reshape(7, -1), first[0].reshape(7, -1)
true("a system that fails is counted", said["failed"] == 1, output)
true("its numbers are NaN", np.isnan(solution[3]).all())
same_bits("the others have the same bits", [np.delete(solution, 3, axis=0)], [np.delete(good, 3, axis=0)])


def refused(what, options, *words, ranks=1):
    output = " ".join(run("batch", options, ranks=ranks, plugin=False, fails=True).split())
    true(what, all(word in output for word in words), output)


refused("a failed system as an error", "-broken 3 -neurlp_error_if_failed", "1 of 7 systems failed: rank 1: system", ranks=2)
refused("a Vec of another size", "-wrong", "the Vec of the coefficients has 168 numbers; [S][T][E][D][d+1] makes 1008 for 7")
refused("a misspelt option", "-neurlp_wieght_top 1", "did you mean -neurlp_weight_top?")
refused("single precision", "-neurlp_precision single", "the numbers of a Vec are double")
refused("a backend that is none", "-neurlp_backend gpu", "gpu", ranks=2)
refused("a shape that is none", "-order 9", "order", ranks=2)
verdict()
