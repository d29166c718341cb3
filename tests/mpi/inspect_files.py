"""Makes the files that test_inspect.sh looks at: a data set with gaps and a result."""
import h5py
import numpy as np

with h5py.File("data.h5", "w") as file:
    states = np.ones((3, 40, 2))
    states[0, 3:5] = np.nan
    file["states"] = states
    file["time"] = np.linspace(0, 3.9, 40)
    file["time"].attrs["units"] = "year"
    file["names"] = np.array(["hare", "lynx"], dtype=h5py.string_dtype())
    file["length"] = np.array([40, 30, 20])
    file["parameters"] = np.zeros((3, 1))
    file["parameter_names"] = np.array(["growth"], dtype=h5py.string_dtype())
    file.attrs["schema"] = "neurlp data set"
    file.attrs["noise"] = 0.05

with h5py.File("result.h5", "w") as file:
    file["equations/text"] = np.array(["x' = 10 (y - x)", "y' = x (28 - z) - y"], dtype=h5py.string_dtype())
    file["status"] = np.array([0, 0, 1, 77], dtype="i4")
    file["metrics/noise"] = np.array([0.1, 0.2])
    file["metrics/noise"].attrs["long_name"] = "standard deviation of the noise found"
    file["metrics/noise"].attrs["units"] = "m"
    file.attrs["command_line"] = "neurlp run lorenz.yaml"
    file.attrs["deck"] = "task: discover\n" * 100
    file.attrs["ranks"] = 2
    file.attrs["seed"] = 12345678901

with h5py.File("constant.h5", "w") as file: # one of these arrays has the steps, or an attribute
    for name, extents, told in (("rhs", (1, 30, 1), 0), ("steps", (1, 1, 29), 0), ("told", (1, 1, 1), 41)):
        group = file.create_group(name)
        group["coefficients"], group["rhs"] = np.ones((2, extents[0], 1, 1, 3)), np.ones((2, extents[1], 1))
        group["steps"] = np.ones((2, extents[2], 1))
        group.attrs["step_count"] = told

with h5py.File("other.h5", "w") as file:
    file["something"] = np.zeros(3)
open("table.csv", "w").write("year,hare\n1900,30\n1901,\n")
