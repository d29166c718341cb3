"""Makes data sets that are not what they claim to be, each in a file NAME.h5 of the current folder, and prints a line
"NAME WORDS" for each: WORDS must be in the message that refuses it."""
import struct

import h5py
import numpy as np

S, T, D = 3, 50, 2


def write(name, words, **changes):
    """A good data set with changes: None removes a data set, a function makes it."""
    content = {
        "time": np.arange(T) * 0.1,
        "states": np.random.default_rng(1).normal(size=(S, T, D)),
        "names": np.array(["x", "y"], dtype=h5py.string_dtype()),
    }
    content.update(changes)
    with h5py.File(name + ".h5", "w") as file:
        for key, value in content.items():
            if callable(value):
                value(file)
            elif value is not None:
                file[key] = value
    if words:
        print(name, words)


def chunked(shape):
    return lambda file: file.create_dataset("states", shape, "f8", chunks=(1, 50, 2), compression="gzip")


def unwritten(file):
    file.create_dataset("states", (S, T, D), "f8")


def external(file):
    file.create_dataset("states", (S, T, D), "f8", external=[("/etc/passwd", 0, S * T * D * 8)])


def virtual(file):
    layout = h5py.VirtualLayout((S, T, D), "f8")
    layout[:] = h5py.VirtualSource("good.h5", "states", (S, T, D))
    file.create_virtual_dataset("states", layout)


def dangling(file):
    file["states"] = h5py.SoftLink("/nowhere")


def elsewhere(file):
    file["states"] = h5py.ExternalLink("good.h5", "/states")


def around(file):
    file["other"], file["states"] = h5py.ExternalLink("good.h5", "/"), h5py.SoftLink("/other/states")


def loop(file):
    file["states"], file["other"] = h5py.SoftLink("/other"), h5py.SoftLink("/states")


def patch(name, change):
    with open(name + ".h5", "r+b") as file:
        content = bytearray(file.read())
        change(content)
        file.seek(0)
        file.write(content)


texts = lambda *values: np.array(values, dtype=h5py.string_dtype())
decreasing = np.arange(T) * 0.1
decreasing[30] = 0
own_times = np.tile(np.arange(T) * 0.1, (S, 1))
own_times[2, 40] = 3.9
undefined = np.arange(T) * 0.1
undefined[-1] = np.nan

write("good", "")
write("no_states", "no data set 'states'", states=None)
write("no_time", "no data set 'time'", time=None)
write("states_are_texts", "does not hold numbers", states=texts("a", "b"))
write("states_are_compound", "does not hold numbers", states=np.zeros((S, T, D), dtype=[("a", "f8"), ("b", "i4")]))
write("states_are_a_group", "is not a data set", states=lambda file: file.create_group("states"))
write("states_lead_nowhere", "states", states=dangling)
write("states_link_into_another_file", "not followed", states=elsewhere)
write("states_link_around_a_corner", "not followed", states=around)
write("states_link_in_a_circle", "states", states=loop)
write("states_uncountable_and_none", "more numbers than can be counted",
      states=lambda file: file.create_dataset("states", (0, 1 << 40, 1 << 40), "f8"))
write("states_in_one_dimension", "needs two", states=np.zeros(T))
write("states_in_four_dimensions", "needs two", states=np.zeros((S, T, D, 1)))
write("states_scalar", "dimensions", states=1.0)
write("no_systems", "at least 1", states=np.zeros((0, T, D)))
write("states_hollow", "claims", states=chunked((1 << 38, T, D)))
write("states_beyond_counting", "claims", states=chunked((1 << 62, T, D)))
write("states_never_written", "claims", states=unwritten)
write("states_elsewhere", "other files", states=external)
write("states_virtual", "other files", states=virtual)
write("time_too_short", "'time'", time=np.arange(T - 1) * 0.1)
write("time_of_other_systems", "'time'", time=np.zeros((S + 1, T)))
write("time_decreases", "increase", time=decreasing)
write("time_undefined", "increase", time=undefined)
write("own_time_stands_still", "increase", time=own_times)
write("too_few_names", "has 1 entries", names=texts("x"))
write("too_many_names", "has 3 entries", names=texts("x", "y", "z"))
write("names_are_numbers", "does not hold texts", names=np.arange(D))
write("name_empty", "is empty", names=texts("x", ""))
write("name_twice", "two states are named", names=texts("x", "x"))
write("name_with_controls", "control characters", names=texts("x", "\x1b[2J"))
write("name_very_long", "longer than", names=texts("x", "y" * 100000))
write("length_beyond_samples", "must be 0 to 50", length=np.array([50, 51, 50]))
write("length_negative", "must be 0 to 50", length=np.array([50, -1, 50]))
write("length_of_other_systems", "there are 3 systems", length=np.array([50, 50]))
write("length_zero", "no sample", length=np.zeros(S, dtype="i4"))
write("parameters_without_names", "parameter_names", parameters=np.zeros((S, 2)))
write("parameters_of_other_systems", "'parameters' must be", parameters=np.zeros((S + 1, 2)))

w = texts("w")
write("inputs_missing", "has no input 'w'; it has 'x'")
write("inputs_without_names", "input_names", inputs=np.zeros((S, T, 1)))
write("inputs_of_other_names", "has no input 'w'; it has 'v'", inputs=np.zeros((S, T, 1)), input_names=texts("v"))
write("inputs_of_other_systems", "'inputs' does not have", inputs=np.zeros((S + 1, T, 1)), input_names=w)
write("inputs_of_other_samples", "'inputs' does not have", inputs=np.zeros((S, T - 1, 1)), input_names=w)
write("inputs_in_two_dimensions", "'inputs' does not have", inputs=np.zeros((S, T)), input_names=w)
write("inputs_none", "'inputs' does not have", inputs=np.zeros((S, T, 0)), input_names=w)
write("inputs_too_many", "'inputs'", inputs=lambda f: f.create_dataset("inputs", (S, T, 1 << 40), "f8", chunks=(1, 1, 64)))
write("inputs_are_texts", "does not hold numbers", inputs=texts("a"), input_names=w)
write("inputs_elsewhere", "other files", input_names=w,
      inputs=lambda f: f.create_dataset("inputs", (S, T, 1), "f8", external=[("/etc/passwd", 0, S * T * 8)]))
write("inputs_undefined", "input 'w' is nan at sample 0 of system", inputs=np.full((S, T, 1), np.nan), input_names=w)

write("cut_short", "cut_short.h5")
with open("cut_short.h5", "r+b") as file:
    file.truncate(len(open("good.h5", "rb").read()) // 2)
open("empty.h5", "w").close()
print("empty not an HDF5 file")
open("text.h5", "w").write("time,x\n1,2\n")
print("text not an HDF5 file")
print("missing No such file")
open("numbers.csv", "w").write("1,2\n3,4\n")

# a compressed chunk with other bytes in it
write("damaged_chunk", "states", states=lambda f: f.create_dataset("states", data=np.ones((S, T, D)) * np.pi,
                                                                   chunks=(1, T, D), compression="gzip"))
with h5py.File("damaged_chunk.h5") as file:
    chunk = file["states"].id.get_chunk_info(2)
patch("damaged_chunk", lambda c: c.__setitem__(slice(chunk.byte_offset, chunk.byte_offset + chunk.size),
                                               b"\xff" * chunk.size))


# the address of the numbers moved, so that they reach beyond the end of the file
def move_states(content):
    old, new = struct.pack("<Q", offset), struct.pack("<Q", len(content) - 64)
    at = content.index(old)
    content[at:at + 8] = new


write("address_beyond_the_end", "states")
with h5py.File("address_beyond_the_end.h5") as file:
    offset = file["states"].id.get_offset()
patch("address_beyond_the_end", move_states)
