"""What both the direct method and the baselines are judged by."""
import functools
import json
import pathlib

import numpy as np
import sympy as sp
from sympy.simplify.fu import TR8

SYSTEMS = {s["id"]: s for s in json.loads(pathlib.Path(__file__).with_name("odebench.json").read_text())["systems"]}

# Residuals below this share of a state's RMS count as none: on clean data what is left is error of discretisation.
FLOOR = 1e-4

# The least magnitude that noise is taken to be proportional to, as a share of a state's RMS.
LEAST = 0.03


def mean_squares(ways, data):
    """Mean squares [D] of the residuals of one trajectory or several, in units of the data's magnitude: noise is
    multiplicative. A magnitude counts as LEAST of the state's RMS at the least, a residual as one magnitude at the most,
    as it does where there is no trajectory. ways [...][T][D]; data [T][D]."""
    rms = np.sqrt(np.mean(data ** 2, axis=0)) + 1e-150
    with np.errstate(all="ignore"):
        left = np.abs(ways - data) / np.maximum(np.abs(data), LEAST * rms)
    left = np.where(left < 1, left, 1)
    return np.mean(left ** 2, axis=tuple(range(left.ndim - 1)))


def criterion(ways, data, unknowns):
    """Bayesian information criterion of trajectories of the same equations: sum over the states of n log(mean square,
    floored), plus log(N) for each unknown."""
    samples, states = data.shape
    return samples * np.sum(np.log(mean_squares(ways, data) + FLOOR ** 2)) + unknowns * np.log(samples * states)


def is_enough(way, data):
    """Whether what a fit leaves is below the floor in every state: other libraries are not tried any more."""
    with np.errstate(all="ignore"):
        return bool(np.all(np.mean((way - data) ** 2, axis=0) <= (FLOOR ** 2) * np.mean(data ** 2, axis=0)))


def r2(true, got):
    """1 - sum of squared errors / sum of squared deviations from each state's mean, both summed over states and
    times: the coefficients of determination of the states, weighted by their variances. -inf if not finite."""
    with np.errstate(all="ignore"):
        value = 1 - np.sum((got - true) ** 2) / np.sum((true - true.mean(axis=0)) ** 2)
    return float(value) if np.isfinite(value) else -np.inf


def symbols(dimensions):
    return {f"x_{i}": sp.Symbol(f"x_{i}", real=True) for i in range(dimensions)}


def shape(term, any_constant):
    """A term without its factor: 1 for a constant. In p(x)/(c + q(x)) the factor of q's one term is 1, and c is kept to
    three digits, or replaced by a symbol where any constant will do."""
    _, rest = term.as_coeff_Mul()
    top, bottom = sp.fraction(sp.together(rest))
    if bottom.is_Add and bottom.is_polynomial():
        constant, powers = bottom.as_independent(*bottom.free_symbols)
        if constant != 0 and not powers.is_Add:
            factor, powers = powers.as_coeff_Mul()
            constant = sp.Symbol("c") if any_constant else sp.Float(f"{float(constant / factor):.3g}")
            rest = top.as_coeff_Mul()[1] / (constant + powers)
    return sp.srepr(rest)


def shapes(expression, names, any_constant=False):
    """The set of terms of an expression in sums, products of sines and cosines as sums."""
    expression = sp.expand(TR8(sp.expand(sp.sympify(str(expression).replace("^", "**"), locals=names))))
    return frozenset(shape(t, any_constant) for t in sp.Add.make_args(expression) if t != 0)


@functools.lru_cache(maxsize=None)
def true_terms(number, any_constant=False):
    system = SYSTEMS[number]
    constants = {f"c_{i}": repr(c) for i, c in enumerate(system["constants"][0])}
    found = []
    for text in system["equations"]:
        for name in sorted(constants, key=len, reverse=True):
            text = text.replace(name, f"({constants[name]})")
        found.append(shapes(text, symbols(system["dim"]), any_constant))
    return tuple(found)


def monomials(dimensions, degree):
    names = list(symbols(dimensions).values())
    return sorted((sp.Mul(*[n ** p for n, p in zip(names, powers)])
                   for powers in np.ndindex(*[degree + 1] * dimensions) if sum(powers) <= degree), key=str)


def library_terms(library, dimensions):
    """The terms of a library without its parametrised part."""
    names = symbols(dimensions)
    terms = monomials(dimensions, library.polynomial)
    for q in range(1, library.trigonometric + 1):
        terms += [f(q * x) for x in names.values() for f in (sp.sin, sp.cos)]
    return terms + [sp.sympify(t.replace("^", "**"), locals=names) for t in library.terms]


def expressible(number, candidates):
    """Whether all true terms are in one of the libraries. The constant of a parametrised part can be any."""
    dimensions = SYSTEMS[number]["dim"]
    names = symbols(dimensions) | {"v": sp.Float(1.1), "c": sp.Float(1.3)}
    for library in candidates:
        terms = [*library_terms(library, dimensions), *([library.part] if library.part else [])]
        there = frozenset().union(*(shapes(t, names, bool(library.part)) for t in terms))
        if all(t <= there for t in true_terms(number, bool(library.part))):
            return True
    return False


def exact(number, equations, any_constant):
    """Whether the right-hand sides have the true terms and no others, whatever their factors."""
    names = symbols(SYSTEMS[number]["dim"])
    return all(shapes(found, names, any_constant) == true
               for found, true in zip(equations, true_terms(number, any_constant)))
