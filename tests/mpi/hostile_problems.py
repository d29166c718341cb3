"""Makes files of linear problems from a good one (hostile_problems.py PROBLEMS.h5): unusual ones, ones with
a system that cannot be solved, and ones that lie. Prints "NAME STATUS WORDS" for each: `neurlp solve NAME.h5` must end
with STATUS and say WORDS."""
import sys

import h5py
import numpy as np

SOURCE = "hermite_single_order3"


def write(name, status, words, change=None, others=()):
    with h5py.File(sys.argv[1]) as good, h5py.File(name + ".h5", "w") as file:
        for group in (SOURCE, *others):
            good.copy(group, file)
        if change:
            change(file, file[SOURCE])
    print(name, status, words)


def replace(name, value):
    """Removes an array (None), or puts another, or a function of it, in its place."""

    def change(file, group):
        old = group[name][:]
        del group[name]
        if value is not None:
            group[name] = value(old) if callable(value) else value

    return change


def attribute(name, value):
    return lambda file, group: group.attrs.__setitem__(name, value)


def set_first(array, value):
    def first(values):
        values = values.copy()
        values[0].flat[0] = value
        return values

    return replace(array, first)


def nothing_known(file, group):
    del group["initial_values"]
    group["coefficients"][:] = 0


def hollow(file, group):
    del group["coefficients"]
    group.create_dataset("coefficients", (1 << 36, 30, 1, 1, 4), "f8", chunks=(64, 30, 1, 1, 4))


write("plain", 0, SOURCE)
write("without_gradients", 0, SOURCE, replace("grad_output", None))
write("without_initial_values", 0, SOURCE, replace("initial_values", None))
write("without_information", 5, "6 failed", nothing_known)
write("taylor", 0, SOURCE, attribute("smoothness", "taylor"))
write("periodic_beside", 0, "hermite_order1", attribute("periodic", True), others=["hermite_order1"])
write("slack_without_central", 3, "central is not", attribute("slack", 1))
write("central_by_half", 3, "0 or 1", attribute("central", 0.5))
write("undefined_number", 5, "1 failed", set_first("rhs", np.nan))
write("integers", 0, SOURCE, replace("rhs", lambda b: np.rint(b).astype("i2")))
write("hard", 0, SOURCE, attribute("initial", "hard"))
write("unknown_smoothness", 3, "'spline'", attribute("smoothness", "spline"))
write("unknown_initial", 3, "'medium'", attribute("initial", "medium"))
write("wrong_order", 3, "order", attribute("order", 2))
write("order_text", 3, "not a finite number", attribute("order", "three"))
write("weight_undefined", 3, "weight_top", attribute("weight_top", np.nan))
write("weight_negative", 3, "weight_smoothness", attribute("weight_smoothness", -1.0))
write("step_negative", 3, "nominal_step", attribute("nominal_step", -0.1))
write("no_coefficients", 3, "coefficients", replace("coefficients", None))
write("no_rhs", 3, "rhs", replace("rhs", None))
write("rhs_short", 3, "demand", replace("rhs", lambda b: b[:, :-1]))
write("steps_as_many_as_samples", 3, "demand", replace("steps", lambda h: np.ones((6, 30, 1))))
write("values_beyond_order", 3, "at most 30 steps and 4", replace("initial_values", lambda v: np.zeros((6, 1, 1, 9))))
write("coefficients_flat", 3, "coefficients", replace("coefficients", lambda c: c.ravel()))
write("coefficients_are_texts", 3, "does not hold numbers", replace("coefficients", b"text"))
write("coefficients_hollow", 3, "claims", hollow)
write("no_equations", 3, "at least", replace("coefficients", lambda c: np.zeros((6, 1 << 30, 0, 1, 4))))
write("no_group", 3, "is not a group", lambda file, group: file.__setitem__("numbers", np.zeros(3)))
h5py.File("nothing.h5", "w").close()
print("nothing 3 no groups")
print("missing 3 No such file")
