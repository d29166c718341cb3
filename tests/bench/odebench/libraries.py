"""Candidate libraries: a function of the number of states alone, the same for all systems of ODEBench.

A library is a name, a polynomial degree, a highest multiple of sin and cos, and explicit terms; a saturating part
v*x/(c + x) with unknown v and c is a known part of the equation beside the library.
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Library:
    name: str
    polynomial: int
    trigonometric: int = 0
    terms: tuple = ()
    part: str = ""   # right-hand side of the first equation's parametrised part

    def overrides(self):
        """Command-line overrides of the deck."""
        found = [f"dynamics.library.polynomial={self.polynomial}",
                 f"dynamics.library.trigonometric={self.trigonometric}"]
        if self.terms:
            found.append("dynamics.library.terms=[" + ", ".join(f'"{t}"' for t in self.terms) + "]")
        if self.part:
            found += [f"dynamics.equations=[\"x_0' = {self.part}\"]",
                      "dynamics.parameters={v: 0.1, c: {start: 1, lower: 0}}"]
        return found


def rational_terms(states):
    """Saturation and decay with constants 1."""
    terms = []
    for x in states:
        terms += [f"{x}/(1 + {x}^2)", f"{x}^2/(1 + {x}^2)", f"exp(-{x})"]
        terms += [f"{x}*{y}/(1 + {x}^2)" for y in states if y != x]
    return tuple(terms)


def candidates(dimensions):
    """In the order in which they are tried."""
    states = [f"x_{i}" for i in range(dimensions)]
    degrees = {1: (3,), 2: (1, 2, 3)}.get(dimensions, (2,))
    found = [Library(f"polynomial {p}", p) for p in degrees]
    if dimensions <= 2:
        found.append(Library("trigonometric", 1, trigonometric=2))
        found.append(Library("rational", 2, terms=rational_terms(states)))
    if dimensions == 1:
        found.append(Library("saturation 1", 2, part="v*x_0/(c + x_0)"))
        found.append(Library("saturation 2", 2, part="v*x_0^2/(c^2 + x_0^2)"))
    return found


# How each library is fitted: terms are dropped once windows have grown, and on windows of every length.
WAYS = {"grown": ("learn.noise=proportional",),
        "always": ("learn.noise=proportional", "discover.dropping=always")}


def seconds(dimensions):
    """Seconds of processor time after which a fit is given up: three states and more have one library only."""
    return 20 if dimensions >= 3 else 10


def substeps(dimensions):
    """Grid steps in a sampling interval: the chaotic systems have three states, and need them."""
    return 4 if dimensions >= 3 else 2
