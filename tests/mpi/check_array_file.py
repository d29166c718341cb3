"""Reads what test_array_file wrote as any user of h5py would: check_array_file.py array_file.h5 RANKS"""
import sys

import h5py
import numpy as np

failures = 0


def check(what, measured, expected):
    global failures
    good = np.array_equal(measured, expected)
    failures += not good
    print("ok  " if good else "FAIL", what, "" if good else f": {measured!r}, expected {expected!r}")


with h5py.File(sys.argv[1]) as file:
    states = file["data/states"]
    expected = np.full((7, 90, 2), np.nan)
    for s in range(7):
        n = 90 - 11 * (s % 3)
        expected[s, :n] = 10000 * s + 10 * np.arange(n)[:, None] + np.arange(2)[None, :]
    good = np.array_equal(states[:], expected, equal_nan=True)
    check("states, NaN where nothing was written", good, True)
    check("states are compressed", (states.compression, states.shuffle), ("gzip", True))
    check("fill value", np.isnan(states.fillvalue), True)
    check("units", states.attrs["units"], "m")
    check("long name", states.attrs["long_name"], "states of all systems")
    check("labels", [d.label for d in states.dims], ["system", "time", "names"])
    check("scale of samples", states.dims[1][0].name, "/data/time")
    check("scale of states", states.dims[2][0].name, "/data/names")
    check("no scale of systems", len(states.dims[0]), 0)
    check("names", list(file["data/names"].asstr()[:]), ["x", "\u00e9nergie"])
    check("times", file["data/time"][:], 0.1 * np.arange(90))
    check("time is a scale", file["data/time"].attrs["CLASS"], b"DIMENSION_SCALE")
    check("status", file["status"][:], np.arange(7))
    check("status is 32 bits wide", file["status"].dtype, np.dtype("<i4"))
    check("an empty array", file["empty"].shape, (0, 3))
    rows = (np.arange(40000 * 8) / 3).reshape(40000, 8)
    for name in ("plain", "packed"):
        data = file["rows"][name]
        check(name + " rows", data[:], rows)
        chunk = np.prod(data.chunks) * 8
        check(f"{name} chunks of {chunk} bytes, about 1 MB", 2**19 <= chunk <= 2**20, True)
        check(name + " unit", data.attrs["units"], "1")
    large = file["rows/large"]
    check("a large array, written in pieces", large[:].ravel(), np.arange(large.size) % 16777213)
    check("its fill value", np.isnan(large.fillvalue), True)
    check("title", file["data"].attrs["title"], "\u00e0 propos")
    check("number", states.attrs["noise"], 0.25)
    check("integer", file.attrs["count"], 1234567890123)
    check("schema", (file.attrs["schema"], file.attrs["schema_version"]), ("neurlp test", 1))
    check("deck of 99999 characters", file.attrs["deck"] == "d" * 99999, True)
    check("ranks", file.attrs["ranks"], int(sys.argv[2]))
    check("seed", file.attrs["seed"], 7)
    for name in ("program", "version", "commit", "build", "command_line", "gpus", "libraries", "date"):
        check(name + " is there: " + file.attrs[name], bool(file.attrs[name]), True)
sys.exit(failures > 0)
