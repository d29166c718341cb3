#!/usr/bin/python3
"""Cuts ephemeris.h5 out of a planetary ephemeris: the planets every four days, as a data set of NeuRLP.

usage: cut_ephemeris.py EPHEMERIS.h5 ephemeris.h5

The ephemeris is an HDF5 file with `time` [T] (days), `body` [B] (names), `position` [T][B][3] (barycentric, au) and
`gravitational_parameter` [B] (au^3/day^2), one sample a day.

Positions are relative, so that no state is a thousand times smaller than the others, as the Sun's would be: the inner
planets as seen from the Sun, the outer ones as seen from the barycentre of the Sun and the inner planets, with the
ephemeris' own masses. The Sun itself is up to 5e-6 au away from that point, with the periods of Venus and the Earth, which
nobody who leaves these two out could explain. The Earth and the Moon become their barycentre, `emb`: the Moon goes round
in 27 days, and nothing here follows it.
"""
import sys

import h5py
import numpy as np

EVERY_DAYS = 4
INNER = {"mercury": ("mercury",), "venus": ("venus",), "emb": ("earth", "moon"), "mars": ("mars",)}
OUTER = ("jupiter", "saturn", "uranus", "neptune", "pluto")


def main(source, target):
    with h5py.File(source) as ephemeris:
        names = [name.decode() for name in ephemeris["body"][:]]
        time = ephemeris["time"][::EVERY_DAYS]
        position = ephemeris["position"][::EVERY_DAYS]
        gm = dict(zip(names, ephemeris["gravitational_parameter"][:]))

    def mass(bodies):
        return sum(gm[body] for body in bodies)

    def barycentre(bodies):
        return sum(gm[body] * position[:, names.index(body)] for body in bodies) / mass(bodies)

    centre = ("sun", *(body for bodies in INNER.values() for body in bodies))
    paths = {name: barycentre(bodies) - barycentre(("sun",)) for name, bodies in INNER.items()}
    paths |= {name: barycentre((name,)) - barycentre(centre) for name in OUTER}
    masses = {name: mass(bodies) for name, bodies in INNER.items()} | {name: gm[name] for name in OUTER}
    masses |= {"sun": gm["sun"], "inner": mass(centre)}
    with h5py.File(target, "w", libver=("earliest", "v110")) as file:
        file.attrs["source"] = "JPL DE405 planetary ephemeris (Standish 1998)"
        file.attrs["frame"] = "axes of the ICRF"
        file["time"] = time - time[0]
        file["time"].attrs.update(units="day", long_name="days since 1980-01-01 (MJD 44239), TDB")
        file["states"] = np.concatenate(list(paths.values()), axis=1)
        file["states"].attrs.update(
            units="au", long_name="positions: inner planets from the Sun, outer ones from the barycentre of Sun and inner planets")
        file["names"] = [f"{name}_{axis}" for name in paths for axis in "xyz"]
        file["bodies"] = list(masses)
        file["gravitational_parameter"] = list(masses.values())
        file["gravitational_parameter"].attrs.update(units="au^3/day^2", long_name="GM of `bodies` in DE405")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
