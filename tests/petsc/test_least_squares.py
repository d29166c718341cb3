"""The sweep against a KSP on the same least-squares problem, whose rows are made from the documented equations: all
formulations, orders, given values and structures, by LSQR and by the augmented system, on 1, 2 and 3 ranks, and against
LAPACK on the same matrix. Then rows that the sweep does not know, which couple systems, against a closed form."""
import os

import numpy as np

from support import below, cases, run, true, verdict

EPSILON = 2.2e-16
ORDERS = {f"{name}, d = {d}, D = {D}": f"-formulation {name} -order {d} -dimensions {D} -equations {D}"
          for name in ("hermite", "smnn") for d in (1, 2) for D in (1, 3)}
STRUCTURES = {"soft hermite": "-b_neurlp_initial soft", "hard smnn": "-formulation smnn -b_neurlp_initial hard",
              "central": "-formulation smnn -central", "periodic": "-formulation smnn -periodic -initial 0,0",
              "slack": "-formulation mnn -slack -linear 0", "linear": "-formulation mnn -slack", "final": "-initial 1,1 -final 1 -order 3",
              "soft final": "-initial 2,2 -final 2 -b_neurlp_initial soft", "ragged": "-ragged -formulation smnn -central",
              "columns": "-columns 3 -ragged -per_dimension", "shared": "-share_coefficients 3 -share_rhs 1 -share_values 1"}
AUGMENTED = "-b_ksp_type preonly"
MUMPS = os.environ["MUMPS"] == "ON"
if not MUMPS:
    print("This PETSc has no MUMPS, without which nothing factors the augmented system: by LSQR only")


def read(path):
    """r, the sweep's and the KSP's solution, and A, of PETSc's binary file."""
    data, at, found = open(path, "rb").read(), 0, []
    for _ in range(3):
        rows = int(np.frombuffer(data, ">i4", 2, at)[1])
        found.append(np.frombuffer(data, ">f8", rows, at + 8).astype(float))
        at += 8 + 8 * rows
    class_id, rows, columns, entries = (int(i) for i in np.frombuffer(data, ">i4", 4, at))
    assert class_id == 1211216
    counts = np.frombuffer(data, ">i4", rows, at + 16)
    places = np.frombuffer(data, ">i4", entries, at + 16 + 4 * rows)
    matrix = np.zeros((rows, columns))
    matrix[np.repeat(np.arange(rows), counts), places] = np.frombuffer(data, ">f8", entries, at + 16 + 4 * rows + 4 * entries)
    return (*found, matrix)


class Problem:
    """What LAPACK says of the matrix of a case, written on one rank; columns scaled."""

    def __init__(self, path, linear):
        rhs, sweep, _, matrix = read(path)
        columns, unknowns = len(rhs) // len(matrix), len(sweep) * len(matrix) // len(rhs)
        self.scale = 1 / np.linalg.norm(matrix, axis=0)
        left, singular, right = np.linalg.svd(matrix * self.scale, full_matrices=False)
        y = right.T @ ((left.T @ rhs.reshape(-1, columns)) / singular[:, None])
        if linear:  # A^T A x = A^T r + gamma alpha, for each slack
            term = self.scale * (np.arange(len(y)) >= unknowns) * linear
            y += (right.T @ ((right @ term) / singular**2))[:, None]
        residual = np.linalg.norm(rhs.reshape(-1, columns) - matrix * self.scale @ y)
        self.size, self.condition = np.linalg.norm(y[:unknowns]), singular[0] / singular[-1]
        # (5) of docs/math.md, relative, with c = 1000: LSQR ends at 1e-13, 450 rounding units.
        self.bound = 1000 * EPSILON * self.condition * (np.linalg.norm(y) + residual / singular[-1]) / self.size
        self.scale, self.solution = self.scale[:unknowns, None], self.scale[:unknowns, None] * y[:unknowns]

    def apart(self, a, b):
        a, b = (v.reshape(len(self.scale), -1) for v in (a, b))
        return np.linalg.norm((a - b) / self.scale) / self.size


# Every case by LSQR, but for the slack's linear term, which is no row, then by the augmented system; on one rank, then half
# of them on two, half on three, of the augmented systems only some, as MUMPS sends many messages.
FEW = ("hermite, d = 2, D = 1", "columns", "linear")
everything = [(name, options, method) for name, options in {**ORDERS, **STRUCTURES}.items() for method in ("", AUGMENTED)[:1 + MUMPS]
              if (name, method) != ("linear", "")]
problems = {}
for ranks in (1, 2, 3):
    some = [case for i, case in enumerate(everything) if ranks == 1 or case[0] in FEW or not case[2] and i // 2 % 2 == ranks - 2]
    said = cases("least_squares", [f"{options} {method} -out {i}.bin" for i, (_, options, method) in enumerate(some)], ranks)
    for i, (name, options, method) in enumerate(some):
        if name not in problems:
            problems[name] = Problem(f"{i}.bin", 0.5 * 0.1 if name == "linear" else 0)
        problem, (_, sweep, ksp, _) = problems[name], read(f"{i}.bin")
        what = f"{name}, {'augmented' if method else 'LSQR'}, {ranks} ranks (cond {problem.condition:.0e}):"
        true(f"{what} determined, no failure", said[i]["failed"] == 0 and problem.bound < 1e-3)
        below(f"{what} sweep - KSP", problem.apart(sweep, ksp), problem.bound)
        if ranks == 1 and not method or name == "linear":
            below(f"{what} sweep - LAPACK", problem.apart(sweep, problem.solution), problem.bound)
        if "slack" in said[i]:
            below(f"{what} slack", said[i]["slack"], 1e3 * problem.bound)

problem, others = problems["hermite, d = 2, D = 1"], "-order 2 -dimensions 1 -equations 1 -b_neurlp_weight_top 1.1e-3 -out other.bin"
said = cases("least_squares", [others, "-b_pc_type none -b_ksp_max_it 3"])
true("the comparison would see a weight that is 10 % off", problem.apart(read("other.bin")[1], problem.solution) > problem.bound)
true("a KSP that does not converge: all systems failed", said[1]["failed"] == 7)
output = run("least_squares", STRUCTURES["linear"], plugin=False, fails=True)
true("LSQR refuses the linear term", "LSQR cannot minimise it; take the augmented system" in " ".join(output.split()), output)

chains = [f"-chain -systems {systems} {method}" for systems, method in ((1, ""), (4, ""), (4, AUGMENTED), (2, "-b_ksp_type gmres"))
          if MUMPS or not method]
for ranks in (1, 2, 3):
    for line, values in zip(chains, cases("least_squares", chains, ranks)):
        true(f"{line}: alone all are singular, coupled none", values["alone_failed"] == int(line.split()[2]) and values["failed"] == 0)
        # 15 unknowns a system, entries of A between 1e-3 and 1: some 1e5 rounding units at worst.
        below(f"{line} on {ranks} ranks: against t^2 + 4 t / 3", values["difference"], 1e5 * EPSILON)
verdict()
