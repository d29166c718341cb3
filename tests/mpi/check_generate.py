"""Reads what test_generate_command.sh made, as a user would, and compares it with the closed form."""
import sys

import h5py
import numpy as np

failures = 0


def check(what, measured, bound):
    global failures
    good = bool(measured <= bound)
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what:60} {measured:.3e} <= {bound:.3e}")


def contents(path):
    with h5py.File(path) as file:
        numbers = {name: file[name][...] for name in ("time", "states", "parameters", "clean") if name in file}
        numbers["names"] = list(file["names"].asstr()[...])
        numbers["parameter_names"] = list(file["parameter_names"].asstr()[...])
        check("states have scales", 0 if file["states"].dims[1][0] == file["time"] else 1, 0)
        check("a schema", 0 if file.attrs["schema"] else 1, 0)
        check("the deck is kept", 0 if "logistic" in file.attrs["deck"] else 1, 0)
        return numbers


whole = contents("ranks_1.h5")
check("shape of states", 0 if whole["states"].shape == (7, 1500, 1) else 1, 0)
check("names", 0 if whole["names"] == ["x"] and whole["parameter_names"] == ["r", "K"] else 1, 0)
check("time", np.abs(whole["time"] - 0.01 * np.arange(1500)).max(), 1e-14)
for other in ("ranks_2.h5", "ranks_3.h5", "ranks_5.h5", "named.h5"):
    for name, value in contents(other).items():
        same = value == whole[name] if isinstance(value, list) else value.tobytes() == whole[name].tobytes()
        check(f"{name} of {other}: the same bits", 0 if same else 1, 0)

clean = contents("clean_data.h5")
r, K = clean["parameters"].T[:, :, None]
exact = K / (1 + (K / 0.1 - 1) * np.exp(-r * clean["time"]))
# one tolerance of the integrator, 1e-10, for each unit of time
check("closed form", np.abs(clean["states"][:, :, 0] / exact - 1).max(), 15e-10)
check("parameters do not depend on the noise", np.abs(clean["parameters"] - whole["parameters"]).max(), 0)
rms = np.sqrt((clean["states"] ** 2).mean(axis=1, keepdims=True))
noise = (whole["states"] - clean["states"]) / rms
there = np.isfinite(noise)
check("noise, five standard deviations", abs(noise[there].std() / 0.02 - 1), 5 / np.sqrt(2 * there.sum()))
check("gaps, five standard deviations", abs(there.mean() - 0.9), 5 * np.sqrt(0.09 / there.size))
check("the clean states are kept", np.abs(whole["clean"] - clean["states"]).max(), 0)
check("where there is no noise there are none", 0 if "clean" not in clean else 1, 0)

# Korteweg-de Vries: the same bits, where its states are, and what is conserved
with h5py.File("waves_1.h5") as one:
    for name in ("waves_2.h5", "waves_3.h5"):
        with h5py.File(name) as other:
            for path in ("states", "clean", "parameters", "position", "time"):
                check(f"{path} of {name}: the same bits", 0 if one[path][...].tobytes() == other[path][...].tobytes() else 1, 0)
    for name in ("waves_clean.h5", "waves_again.h5"):  # the second begins with the first samples of the first
        with h5py.File(name) as other:
            same = one["clean"][...].tobytes() == other["states"][...].tobytes()
            check(f"states of {name}: the clean ones", 0 if same else 1, 0)
    position, u, length = one["position"], one["clean"][...], one["parameters"][:, 0]
    check("positions", np.abs(position[...] - np.arange(64) / 64).max(), 0)
    check("positions have the names as their scale", 0 if position.dims[0][0] == one["names"] else 1, 0)
    check("the equation is said", 0 if "u_xxx" in position.attrs["equation"] and position.attrs["boundary"] == "periodic" else 1, 0)
    check("lengths", 0 if ((length > 30) & (length < 34)).all() and len(set(length)) == 5 else 1, 0)
    check("mass, which is 0", np.abs(u.mean(axis=2)).max(), 1e-14)
    momentum = (u**2).mean(axis=2)
    # twice a tolerance, 1e-8, for each unit of time
    check("momentum", np.abs(momentum / momentum[:, :1] - 1).max(), 2 * 1.5e-8)
    k = 2 * np.pi * np.fft.fftfreq(64, 1 / 64) / length[:, None, None]
    slope = np.fft.ifft(1j * k * np.fft.fft(u, axis=2), axis=2).real
    energy = (slope**2 / 2 - u**3 / 6).mean(axis=2)
    check("energy, in units of the momentum", (np.abs(energy - energy[:, :1]) / momentum[:, :1]).max(), 10 * 1.5e-8)
sys.exit(failures > 0)
