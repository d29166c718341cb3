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


def criterion(squares, data, unknowns):
    """Bayesian information criterion of a fit: sum over the states of n log(mean square, floored), plus log(N) for
    each unknown. squares [D]: sums of squared residuals; data [T][D]."""
    samples, states = data.shape
    floor = (FLOOR ** 2) * np.mean(data ** 2, axis=0) + 1e-300
    return samples * np.sum(np.log(squares / samples + floor)) + unknowns * np.log(samples * states)


def r2(true, got):
    """1 - sum of squared errors / sum of squared deviations from each state's mean, both summed over states and
    times: the coefficients of determination of the states, weighted by their variances. -inf if not finite."""
    with np.errstate(all="ignore"):
        value = 1 - np.sum((got - true) ** 2) / np.sum((true - true.mean(axis=0)) ** 2)
    return float(value) if np.isfinite(value) else -np.inf


def symbols(dimensions):
    return {f"x_{i}": sp.Symbol(f"x_{i}", real=True) for i in range(dimensions)}


def shape(term):
    """A term without its factor: 1 for a constant. In v*x^n/(c + x^m) the constant counts as a factor, too."""
    _, rest = term.as_coeff_Mul()
    top, bottom = sp.fraction(sp.together(rest))
    if bottom.is_Add and bottom.is_polynomial():
        constant, powers = bottom.as_independent(*bottom.free_symbols)
        if constant != 0 and powers.is_Mul | powers.is_Pow | powers.is_Symbol:
            _, powers = powers.as_coeff_Mul()
            rest = top.as_coeff_Mul()[1] / (sp.Symbol("c") + powers)
    return sp.srepr(rest)


def shapes(expression, names):
    """The set of terms of an expression in sums, products of sines and cosines as sums."""
    expression = sp.expand(TR8(sp.expand(sp.sympify(expression.replace("^", "**"), locals=names))))
    return frozenset(shape(t) for t in sp.Add.make_args(expression) if t != 0)


@functools.lru_cache(maxsize=None)
def true_terms(number):
    system = SYSTEMS[number]
    names = symbols(system["dim"])
    constants = {f"c_{i}": repr(c) for i, c in enumerate(system["constants"][0])}
    found = []
    for text in system["equations"]:
        for name in sorted(constants, key=len, reverse=True):
            text = text.replace(name, f"({constants[name]})")
        found.append(shapes(text, names))
    return tuple(found)


@functools.lru_cache(maxsize=None)
def library_terms(texts, part, dimensions):
    names = symbols(dimensions) | {"v": sp.Float(1.1), "c": sp.Float(1.3)}
    return frozenset().union(*(shapes(t, names) for t in (*texts, *([part] if part else []))))


def expressible(number, texts, part=""):
    dimensions = SYSTEMS[number]["dim"]
    return all(t <= library_terms(tuple(texts), part, dimensions) for t in true_terms(number))


def exact(number, texts, coefficients, part="", has_part=False):
    """Whether the terms with coefficients [D][L] other than 0, and the part if it is there, are the true ones."""
    names = symbols(SYSTEMS[number]["dim"]) | {"v": sp.Float(1.1), "c": sp.Float(1.3)}
    for k, true in enumerate(true_terms(number)):
        found = set().union(*(shapes(t, names) for t, c in zip(texts, coefficients[k]) if c != 0), set())
        if has_part and k == 0:
            found |= shapes(part, names)
        if found != true:
            return False
    return True
