#!/usr/bin/python3
"""Cuts jupiter.csv out of a planetary ephemeris: Jupiter's position seen from the Sun, every 20 days.

usage: cut_jupiter.py EPHEMERIS.h5 > jupiter.csv

The ephemeris is an HDF5 file with `time` [T] (days), `body` [B] (names), `position` [T][B][3] (barycentric,
au) and `gravitational_parameter` [B] (au^3/day^2), one sample a day.
"""
import sys

import h5py

EVERY_DAYS = 20


def main(path):
    with h5py.File(path) as ephemeris:
        names = [name.decode() for name in ephemeris["body"][:]]
        sun, jupiter = names.index("sun"), names.index("jupiter")
        time = ephemeris["time"][::EVERY_DAYS]
        position = ephemeris["position"][::EVERY_DAYS]
        gm = ephemeris["gravitational_parameter"][:]
    heliocentric = position[:, jupiter] - position[:, sun]
    print(f"""\
# Jupiter's position seen from the Sun, every {EVERY_DAYS} days from 1980-01-01 (MJD 44239), TDB
# source: JPL DE405 planetary ephemeris (Standish 1998), Jupiter minus Sun; frame: ICRF; time: day; x, y, z: au
# DE405's own gravitational parameters, au^3/day^2: Sun {gm[sun]:.12e}, Jupiter {gm[jupiter]:.12e}
time,x,y,z""")
    for t, (x, y, z) in zip(time - time[0], heliocentric):
        print(f"{t:.0f},{x:.13f},{y:.13f},{z:.13f}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
