"""Compares what `neurlp solve` wrote with answers computed in extended precision, within bounds that follow from the
dense matrix of each system: check_solve.py PROBLEMS.h5 ANSWERS.h5

A is the matrix of all rows of a system (docs/math.md), x = A^+ rhs the solution, r = rhs - A x the residual,
lambda = (A'A)^-1 grad_output, y = A lambda. All gradients are sums of products of these: dLoss/dA = r lambda' - y x',
dLoss/drhs = y.

The solver is a Householder QR, swept over the steps. At each step it eliminates n columns from the m rows that meet
there (what earlier steps left over, and the step's own), then makes the rest triangular: 2 n reflectors of length m.
Columns that all steps share (the slack, with periodic rows the first step's) count as columns of every step.
Applying a reflector costs m roundings, so the step is an exact one for columns that are off by |da_j| <= gamma |a_j|
with gamma = 2 n m eps, where a_j is what these m rows have of column j and da_j lies in them (Higham, Accuracy and
Stability of Numerical Algorithms, lemma 19.3). Back in the original rows all steps together are a perturbation dA.

The factor is used twice for lambda = R^-1 (R^-T grad_output), so that is off by two such perturbations, dA and dB (the
backward error of solving with a triangle has the same form, theorem 8.5). Residuals of rows are then evaluated from
the rounded x and lambda: e and f, m roundings of |A||x| + |rhs| and |A||lambda|. What that does to the answers is
computed to first order, exactly as it is for this system,

  dx      = A^+ (drhs - dA x) + (A'A)^-1 dA' r     dr = e - A dx
  dlambda = -(A'A)^-1 dA' y - A^+ dB lambda         dy = f + A dlambda

for random directions of size gamma; the largest of them is the bound. (Products of norms and condition numbers, which
are between 9e2 and 2e7 here, would bound the gradients by more than their size, and a test could not fail.)
"""
import math
import sys

import h5py
import numpy as np

EPS = np.finfo(float).eps
failures = 0


def check(what, measured, bound):
    global failures
    good = measured <= bound
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what:64s} {measured:.3e} <= {bound:.3e}")


def hermite(i, d, h, derivative=False):
    """Entries of relation i for (u[t][i..d], u[t+1][i..d]), or their derivatives in h."""
    m = d - i
    left, right = np.zeros(m + 1), np.zeros(m + 1)
    for q in range(m + 1):
        a = math.factorial(2 * m - q) * math.factorial(m)
        a /= math.factorial(2 * m) * math.factorial(q) * math.factorial(m - q)
        power = (i + q) * h ** (i + q - 1) if derivative and i + q > 0 else 0.0 if derivative else h ** (i + q)
        left[q], right[q] = a * power, -((-1) ** q) * a * power
    return left, right


def power(h, p, derivative):
    """h^p or its derivative."""
    return h ** p if not derivative else p * h ** (p - 1) if p else 0.0


def hermite_rows(group, T, D, d, step, derivative):
    wt = group.attrs["weight_top"]
    for t in range(T - 1):
        for k in range(D):
            h, index = step(t, k)
            for i in range(d):
                left, right = hermite(i, d, h, derivative)
                yield {(t, k, i + q): left[q] for q in range(d - i + 1)} | {
                    (t + 1, k, i + q): right[q] for q in range(d - i + 1)}, index
            top = wt * power(h, d, derivative)
            yield {(t, k, d): top, (t + 1, k, d): -top}, index


def taylor_rows(group, T, D, d, step, derivative):
    central = group.attrs["central"]
    for t in range(T - 1):
        for k in range(D):
            h, index = step(t, k)
            for i in range(d if central else d + 1):
                for near, far, sign in ((t, t + 1, 1), (t + 1, t, -1)):
                    row = {(near, k, j): sign ** j * power(h, j, derivative) / math.factorial(j - i)
                           for j in range(i, d + 1)}
                    yield row | {(far, k, i): -(sign ** i) * power(h, i, derivative)}, index
    for t in range(1, T - 1 if central else 1):
        for k in range(D):
            (h, before), (g, after) = step(t - 1, k), step(t, k)
            side, middle = power(h + g, d - 2, derivative), power(h + g, d - 1, derivative)
            yield {(t + 1, k, d - 1): side, (t - 1, k, d - 1): -side, (t, k, d): -middle}, before + after


def smoothness_rows(group, s, derivative=False):
    """Weighted rows over (step, dimension, derivative) and the slack, and which steps each depends on."""
    T, _, D, J = group["coefficients"].shape[1:]
    steps, slack = group["steps"][s], int(group.attrs["slack"])
    family = taylor_rows if group.attrs["smoothness"] == "taylor" else hermite_rows

    def step(t, k):
        at = (t, k if steps.shape[1] > 1 else 0)
        return steps[at], [at]

    rows, indices = [], []
    for entries, index in family(group, T, D, J - 1, step, derivative):
        row = np.zeros((T, D, J))
        for place, value in entries.items():
            row[place] = value
        rows.append(np.append(row, [0.0 if derivative else 1.0] * slack))
        indices.append(index)
    return group.attrs["weight_smoothness"] * np.array(rows), indices


def dense(group, s):
    """Matrix and right-hand side: equations, initial values, smoothness, periodic rows."""
    c, b = group["coefficients"][s], group["rhs"][s]
    T, E, D, J = c.shape
    slack = int(group.attrs["slack"])
    we, wi = group.attrs["weight_equation"], group.attrs["weight_initial"]
    equations = np.zeros((T, E, T, D, J))
    for t in range(T):
        equations[t, :, t] = we * c[t]
    v = group["initial_values"][s]
    initial = np.zeros(v.shape + (T, D, J))
    for index in np.ndindex(*v.shape):
        initial[index + index] = wi
    periodic = np.zeros((D, J - 1 if group.attrs["periodic"] else 0, T, D, J))
    for k, j in np.ndindex(*periodic.shape[:2]):
        periodic[k, j, 0, k, j], periodic[k, j, T - 1, k, j] = 1, -1
    wide = lambda p: np.pad(p.reshape(-1, T * D * J), ((0, 0), (0, slack)))
    A = np.concatenate([wide(equations), wide(initial), smoothness_rows(group, s)[0], wide(periodic)])
    rhs = np.concatenate([we * b.ravel(), wi * v.ravel(), np.zeros(A.shape[0] - b.size - v.size)])
    return A, rhs


class Sensitivity:
    """First-order effect of perturbations of one system on all answers."""

    def __init__(self, group, s):
        self.group, self.s = group, s
        self.A, self.rhs = dense(group, s)
        self.T, self.E, self.D, self.J = group["coefficients"].shape[1:]
        self.initial = group["initial_values"].shape[1:]
        self.slack = int(group.attrs["slack"])
        self.x = np.append(group["exact_solution"][s], group["exact_slack"][s] if self.slack else [])
        self.Q, self.R = np.linalg.qr(self.A)
        self.lam = np.linalg.solve(self.R, np.linalg.solve(self.R.T, np.append(group["grad_output"][s], [0.0] * self.slack)))
        self.r, self.y = self.rhs - self.A @ self.x, self.A @ self.lam
        self.slopes, self.steps_of = smoothness_rows(group, s, derivative=True)

    def gradients(self, x, r, lam, y, dx, dr, dlam, dy):
        """Derivative of all answers in the direction (dx, dr, dlam, dy)."""
        T, E, D, J = self.T, self.E, self.D, self.J
        K, _, I = self.initial
        we, wi = (self.group.attrs[w] for w in ("weight_equation", "weight_initial"))
        equations, values = slice(0, T * E), slice(T * E, T * E + K * D * I)
        rows = slice(T * E + K * D * I, T * E + K * D * I + len(self.slopes))
        at = lambda v: v[:T * D * J].reshape(T, 1, D, J)
        of = lambda v: v[equations].reshape(T, E, 1, 1)
        B = self.slopes
        parts = (B @ dlam) * r[rows] + (B @ lam) * dr[rows] - (B @ dx) * y[rows] - (B @ x) * dy[rows]
        steps = np.zeros(self.group["steps"].shape[1:])
        for part, indices in zip(parts, self.steps_of):
            for index in indices:
                steps[index] += part
        return {
            "solution": at(dx),
            **({"slack": dx[-1]} if self.slack else {}),
            "grad_coefficients": we * (of(dr) * at(lam) + of(r) * at(dlam) - of(dy) * at(x) - of(y) * at(dx)),
            "grad_rhs": we * dy[equations].reshape(T, E),
            "grad_initial_values": wi * dy[values].reshape(K, D, I),
            "grad_steps": steps,
        }

    def columns(self, t):
        """Columns that are eliminated at step t, those of the two steps after it, and global ones."""
        T, n = self.T, self.D * self.J
        held = n if self.group.attrs["periodic"] else 0  # the first step's, which the periodic rows join
        shared = list(range(held)) + list(range(T * n, T * n + self.slack))
        own = [] if t == 0 and held else list(range(t * n, (t + 1) * n))
        return own, list(range((t + 1) * n, min((t + 3) * n, T * n))), shared

    def stages(self):
        """For each step an orthonormal basis (columns) of the rows that meet there."""
        T, n = self.T, self.D * self.J
        touches = (self.A[:, :T * n].reshape(-1, T, n) != 0).any(axis=2)
        first = touches.argmax(axis=1)  # the step at which a row joins the sweep
        if self.group.attrs["periodic"]:
            first[-self.D * (self.J - 1):] = T - 1
        carry = np.zeros((len(self.A), 0))
        bases = []
        for t in range(T):
            own, after, shared = self.columns(t)
            basis = np.hstack([carry, np.eye(len(self.A))[:, first == t]])
            bases.append(basis)
            eliminated, _ = np.linalg.qr(basis.T @ self.A[:, own], mode="complete")
            rest = basis @ eliminated[:, len(own):]
            carry = rest @ np.linalg.qr(rest.T @ self.A[:, after + shared])[0]
        return bases

    def direction(self, random, bases):
        """A random perturbation of matrix and right-hand side: in each stage |da_j| = eps |a_j|."""
        dA, drhs = np.zeros(self.A.shape), np.zeros(len(self.rhs))
        for t, basis in enumerate(bases):
            columns = sum(self.columns(t), [])
            local = basis.T @ self.A[:, columns]
            change = random.normal(size=local.shape)
            dA[:, columns] += basis @ (change * EPS * np.linalg.norm(local, axis=0) / np.linalg.norm(change, axis=0))
            change = random.normal(size=basis.shape[1])
            drhs += basis @ (change * EPS * np.linalg.norm(basis.T @ self.rhs) / np.linalg.norm(change))
        return dA, drhs

    def solve_both(self, v):
        return np.linalg.solve(self.R, np.linalg.solve(self.R.T, v))

    def bounds(self, directions=10):
        n, D, I = self.D * self.J, self.D, self.initial[2]
        central, shared = int(self.group.attrs["central"]), len(self.columns(1)[2])
        joining = n if self.group.attrs["smoothness"] == "hermite" else D * ((2 * self.J - 2) + 1 if central else 2 * self.J)
        gamma = 2 * (n + shared) * (n + D * central + shared + joining + self.E + D * I)
        random = np.random.default_rng(self.s)
        bases = self.stages()
        largest = {}
        for _ in range(directions):
            dA, drhs = self.direction(random, bases)
            dB, _ = self.direction(random, bases)
            e, f = EPS * random.normal(size=(2, len(self.rhs)))
            dx = np.linalg.solve(self.R, self.Q.T @ (drhs - dA @ self.x)) + self.solve_both(dA.T @ self.r)
            dr = e * (np.abs(self.A) @ np.abs(self.x) + np.abs(self.rhs)) - self.A @ dx
            dlam = -self.solve_both(dA.T @ self.y) - np.linalg.solve(self.R, self.Q.T @ (dB @ self.lam))
            dy = f * (np.abs(self.A) @ np.abs(self.lam)) + self.A @ dlam
            for what, change in self.gradients(self.x, self.r, self.lam, self.y, dx, dr, dlam, dy).items():
                largest[what] = max(largest.get(what, 0), gamma * np.linalg.norm(change))
        return largest


def main():
    with h5py.File(sys.argv[1]) as problems, h5py.File(sys.argv[2]) as answers:
        for name in problems:
            problem, answer = problems[name], answers[name]
            systems = [Sensitivity(problem, s) for s in range(len(problem["rhs"]))]
            conditions = [np.linalg.cond(system.A) for system in systems]
            bounds = [system.bounds() for system in systems]
            check(f"{name}: systems that failed", np.count_nonzero(answer["status"][:]), 0)
            print(f"     condition numbers {min(conditions):.1e} to {max(conditions):.1e}")
            for what in bounds[0]:
                exact, ours = problem["exact_" + what], answer[what]
                check(f"{name}: shape of {what}", float(exact.shape != ours.shape), 0)
                worst = None
                for s, bound in enumerate(bounds):
                    pair = (np.linalg.norm(ours[s] - exact[s]), bound[what])
                    if not worst or not pair[0] * worst[1] <= worst[0] * pair[1]:
                        worst = pair
                size = np.linalg.norm(exact[:])
                check(f"{name}: {what} (of norm {size:.1e})", *worst)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
