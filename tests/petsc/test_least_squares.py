"""The sweep against a KSP on the same least-squares problem, whose rows are made from the documented equations: all
formulations, orders, given values and structures, by LSQR and by the augmented system, on 1, 2 and 3 ranks, and against
LAPACK on the same matrix. Then rows that the sweep does not know, which couple systems, against a closed form."""
import re

import numpy as np

from support import below, run, true, verdict

EPSILON = 2.2e-16
ORDERS = {f"{name}, d = {d}, D = {D}": f"-formulation {name} -order {d} -dimensions {D} -equations {D}"
          for name in ("hermite", "smnn") for d in (1, 2) for D in (1, 3)}
STRUCTURES = {"soft hermite": "-b_neurlp_initial soft", "hard smnn": "-formulation smnn -b_neurlp_initial hard",
              "central": "-formulation smnn -central", "periodic": "-formulation smnn -periodic -initial 0,0",
              "slack": "-formulation mnn -slack -linear 0", "final": "-initial 1,1 -final 1 -order 3",
              "soft final": "-initial 2,2 -final 2 -b_neurlp_initial soft", "ragged": "-ragged -formulation smnn -central",
              "columns": "-columns 3 -ragged -per_dimension", "shared": "-share_coefficients 3 -share_rhs 1 -share_values 1"}
LINEAR = "-formulation mnn -slack"
AUGMENTED = "-b_ksp_type preonly"


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


def said(*options, ranks=1):
    output = run("least_squares", *options, ranks=ranks, plugin=False)
    return {name: float(value) for name, value in re.findall(r"^= (\w+) (\S+)$", output, re.M)}


def compare(name, options, ranks):
    values = said(options, "-out a.bin", ranks=ranks)
    rhs, sweep, ksp, matrix = read("a.bin")
    columns = len(rhs) // len(matrix)
    rhs, sweep, ksp = (v.reshape(-1, columns) for v in (rhs, sweep, ksp))
    scale = 1 / np.linalg.norm(matrix, axis=0)
    scaled, unknowns = matrix * scale, len(sweep)
    singular = np.linalg.svd(scaled, compute_uv=False)
    lapack = scale[:, None] * np.linalg.lstsq(scaled, rhs, rcond=1e-15)[0]
    y = lapack / scale[:, None]
    residual = np.linalg.norm(rhs - scaled @ y)
    # (5) of docs/math.md, relative, with c = 1000: LSQR ends at 1e-13, 450 rounding units.
    bound = 1000 * EPSILON * singular[0] / singular[-1] * (1 + residual / singular[-1] / np.linalg.norm(y))
    what = f"{name}, {ranks} ranks (cond {singular[0] / singular[-1]:.0e}):"
    true(f"{what} a determined problem, nothing failed", values["failed"] == 0 and bound < 1e-3)

    def apart(a, b):
        return np.linalg.norm((a - b)[:unknowns] / scale[:unknowns, None]) / np.linalg.norm(y)

    below(f"{what} sweep - KSP", apart(sweep, ksp), bound)
    below(f"{what} sweep - LAPACK", apart(sweep, lapack[:unknowns]), bound)
    if "slack" in values:
        below(f"{what} slack", values["slack"], bound * np.linalg.norm(y) / np.abs(lapack[unknowns:]).max())
    return sweep, lapack, bound, apart


for i, (name, options) in enumerate({**ORDERS, **STRUCTURES}.items()):
    compare(name, options, 1 + i % 3)
    compare(f"{name}, augmented", f"{options} {AUGMENTED}", 1 + (i + 1) % 3)
values = said(LINEAR, AUGMENTED, ranks=2)
below("slack with its linear term, augmented", max(values["difference"], values["slack"]), 1e-10)
output = run("least_squares", LINEAR, plugin=False, fails=True)
true("which LSQR cannot have", "LSQR cannot minimise it; take the augmented system" in " ".join(output.split()), output)

_, lapack, bound, apart = compare("hermite", "", 3)
sweep, _, _, _ = compare("another weight", "-b_neurlp_weight_top 1.1e-3", 1)
true("the comparison would see a weight that is 10 % off", apart(sweep, lapack[:len(sweep)]) > bound)
values = said("-b_pc_type none -b_ksp_max_it 3", ranks=2)
true("a KSP that does not converge: all systems failed", values["failed"] == 7)

for systems, ranks in ((1, 1), (4, 1), (4, 2), (4, 3), (2, 3)):
    for method in ("", AUGMENTED, "-b_ksp_type gmres"):
        values = said(f"-chain -systems {systems}", method, ranks=ranks)
        true("systems without values are singular by themselves", values["alone_failed"] == systems)
        true("coupled they are not", values["failed"] == 0)
        # 15 unknowns a system, entries of A between 1e-3 and 1: some 1e5 rounding units at worst.
        below(f"chain of {systems} systems on {ranks} ranks {method}", values["difference"], 1e5 * EPSILON)
verdict()
