"""`train.optimizer: tao`: the optimum is that of our own L-BFGS, on any number of ranks; TAO's monitors and other types;
checkpoints; what TAO cannot do ends the run with its own sentence."""
import os
import re
import shutil

import h5py
import numpy as np
from support import NEURLP, below, program, true, verdict

DECK = """
task: train
data: {generate: {system: logistic, samples: 41, systems: 3, noise: 0.01, initial: {x: {uniform: [0.05, 0.5]}}}}
dynamics: {library: {polynomial: 2}}
block: {window: 20}
inputs: {states: data, coefficients: {constant: [0, 1, 0]}, rhs: library}
loss: [solution]
train: {epochs: 60, shards: 4, optimizer: tao}
run: {threads: 1}
"""
with open("deck.yaml", "w", encoding="utf-8") as file:
    file.write(DECK)


def run(name, *words, ranks=1, code=0):
    """Coefficients, losses and gradients of the epochs, and what was said."""
    done, said = program("run", "deck.yaml", "-o", f"{name}.h5", *words, ranks=ranks)
    true(f"{name}: exit status {code}", done == code, said)
    if not os.path.exists(f"{name}.h5"):
        return None, None, None, said
    with h5py.File(f"{name}.h5") as result:
        return (result["equations/coefficients"][:].ravel(), result["metrics/train_loss"][:],
                result["metrics/gradient_norm"][:], said)


weights, losses, gradients, said = run("tao", "petsc.options=-train_tao_monitor -train_tao_gatoll 1")
true("TAO's monitor speaks once for each iteration, and the beginning",
     len(re.findall(r"^ *\d+ TAO,  Function value", said, re.M)) == len(losses) + 1, said)
true("  and it has converged", "TAO's lmvm: CONVERGED_GATOL" in said, said)
true("what nobody looked for is named", "looked for -train_tao_gatoll 1" in said, said)
true("losses fall, but for rounding", (np.diff(losses) <= 64 * np.finfo(float).eps * losses[0]).all(), str(losses))

# The loss is quadratic in the weights, with a Hessian whose least eigenvalue h is, by L - L* <= g^2/(2h), not above any
# g^2/(2 (L - L*)); on a path that goes through the worst direction it is near the least of them (ten times less, say). Two
# points with gradients g1 and g2 are then no further apart than (g1 + g2)/h. Losses tell (L - L*) down to some 1e-12 of L.
far = losses - losses[-1] > 1e-9 * losses[-1]
h = np.min(gradients[far] ** 2 / (2 * (losses[far] - losses[-1]))) / 10
own, own_losses, own_gradients, _ = run("lbfgs", "train.optimizer=lbfgs")
below("weights against those of L-BFGS", np.max(np.abs(weights - own)), (gradients[-1] + 2 * own_gradients[-1]) / h + 1e-13)
below("  and the losses", abs(losses[-1] - own_losses[-1]), 64 * np.finfo(float).eps * losses[0])
for ranks in (2, 3):
    again, _, g, _ = run(f"ranks_{ranks}", ranks=ranks)
    below(f"weights from {ranks} ranks", np.max(np.abs(again - weights)), (gradients[-1] + g[-1]) / h + 1e-13)
other, _, g, said = run("bqnls", "petsc.options=-train_tao_type bqnls")
true("another type", "TAO's bqnls: CONVERGED_GATOL" in said, said)
below("  which finds the same", np.max(np.abs(other - weights)), (gradients[-1] + g[-1]) / h + 1e-13)

_, losses, _, said = run("few", "petsc.options=-train_tao_max_it 4")
true("few iterations", len(losses) == 4 and "DIVERGED_MAXITS after 4 iterations" in said, said)
_, losses, _, said = run("more", "petsc.options=-train_tao_max_it 9", "train.epochs=5")
true("  and never more than epochs", len(losses) == 5, said)

# A run that goes on begins TAO anew at the parameters that were kept, and comes to the same optimum.
run("parts", "train.epochs=4", "checkpoint.finished=keep")
again, losses, g, said = run("parts", "checkpoint.finished=keep")
true("it goes on", "after 4 of" in said or "goes on" in said or "resum" in said, said)
true("  with the epochs before", len(losses) > 5 and losses[4] < losses[3], str(losses))
below("  to the same optimum", np.max(np.abs(again - weights)), (gradients[-1] + g[-1]) / h + 1e-13)

_, _, _, said = run("nls", "petsc.options=-train_tao_type nls", code=2)
true("a type that needs what there is not, in PETSc's words", "TaoSetHessian()" in said, said)
# The outer problem of a fit. Both end at steps of 1e-3 standard errors, or ours, where no step is better, at 3e-2.
FIT = """
task: fit
data: {generate: {system: lorenz, samples: 201, step: 0.02, noise: 0.02}}
dynamics:
  equations: ["x' = s*(y - x)", "y' = x*(r - z) - y", "z' = x*y - b*z"]
  parameters: {s: {start: 8, upper: %s}, r: 25, b: 2}
block: {window: 50}
learn: {optimizer: tao}
run: {threads: 1}
"""


def fit(name, *words, upper=20, ranks=1, code=0):
    """Estimates, standard errors and what was said."""
    with open("fit.yaml", "w", encoding="utf-8") as deck:
        deck.write(FIT % upper)
    done, fit_said = program("run", "fit.yaml", "-o", f"{name}.h5", *words, ranks=ranks)
    true(f"{name}: exit status {code}", done == code, fit_said)
    if not os.path.exists(f"{name}.h5"):
        return None, None, fit_said
    with h5py.File(f"{name}.h5") as result:
        return result["equations/parameters"][:].ravel(), result["equations/parameter_errors"][:].ravel(), fit_said


own, error, _ = fit("fit_own", "learn.optimizer=own")
found, _, said = fit("fit_tao", "petsc.options=-direct_tao_brgn_subsolver_tao_monitor")
below("fit: estimates against our own, in standard errors", np.max(np.abs(found - own) / error), 0.03 + 0.001)
true("  by BRGN, whose inner solver has its monitor", "TAO's brgn: CONVERGED" in said and "TAO,  Function value" in said, said)
for ranks in (2, 3):
    again, _, _ = fit(f"fit_{ranks}", ranks=ranks)
    below(f"  from {ranks} ranks", np.max(np.abs(again - found) / error), 0.002)
again, _, said = fit("fit_pounders", "petsc.options=-direct_tao_type pounders")
true("  by another type", "TAO's pounders: CONVERGED" in said, said)
below("  which finds the same", np.max(np.abs(again - found) / error), 0.03)
own, error, _ = fit("bound_own", "learn.optimizer=own", upper=9)
found, _, said = fit("bound_tao", upper=9)
below("at a bound", abs(found[0] - 9), 0)
below("  the others against our own, in standard errors", np.max(np.abs(found - own)[1:] / error[1:]), 0.03 + 0.001)
_, _, said = fit("fit_few", "petsc.options=-direct_tao_max_it 1 -direct_tao_brgn_subsolver_tao_max_it 1", upper=9, code=4)
true("too few iterations have not converged", "DIVERGED_MAXITS" in said, said)
_, _, said = fit("fit_each", "dynamics.sharing=per_system", code=2)
true("parameters of each system are refused", "'dynamics.sharing' is per_system" in said, said)

os.makedirs("elsewhere/bin")
shutil.copy(NEURLP, "elsewhere/bin/neurlp")
done, said = program("run", "deck.yaml", "-o", "none.h5", name="elsewhere/bin/neurlp")
true("without the library: exit status 2, and why", done == 2 and "'train.optimizer' asks for PETSc" in said, said)
verdict()
