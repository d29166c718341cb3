"""Kepler orbits fitted to a part of trajectories: the baseline that knows one mass and no other planet.

Each body alone goes round a fixed centre on a conic section: x'' = -GM x/|x|^3. Free are the state at the first sample and,
because a body pulls at its centre, too, GM: seven numbers, found by least squares on all positions. The orbit is propagated
with Lagrange's coefficients f and g from Kepler's equation, which is solved by Newton's method; nothing here is shared with
NeuRLP.
"""
import numpy as np
from scipy.optimize import least_squares


def propagate(position, velocity, gm, times):
    """Positions [T][3] on the elliptic orbit through (position, velocity) at time 0."""
    r, v_squared, radial = np.linalg.norm(position), velocity @ velocity, position @ velocity
    axis = 1 / (2 / r - v_squared / gm)
    if not axis > 0:
        raise ValueError("the orbit is not an ellipse")
    motion = np.sqrt(gm / axis**3)
    # with E the change of the eccentric anomaly: n t = E - a sin E + b (1 - cos E)
    a, b = 1 - r / axis, radial / np.sqrt(gm * axis)
    mean = motion * times
    anomaly = mean.copy()
    for _ in range(50):
        slope = 1 - a * np.cos(anomaly) + b * np.sin(anomaly)
        change = (anomaly - a * np.sin(anomaly) + b * (1 - np.cos(anomaly)) - mean) / slope
        anomaly -= change
        if np.abs(change).max() < 1e-14 * max(1, np.abs(anomaly).max()):
            break
    f = 1 - axis / r * (1 - np.cos(anomaly))
    g = times - (anomaly - np.sin(anomaly)) / motion
    return f[:, None] * position + g[:, None] * velocity


def fit(times, positions, gm):
    """Least squares on positions [T][3]; gm: a first guess. Returns (position, velocity, gm) at times[0]. The span that is
    fitted grows from a fifth of a revolution, twice as long each time: a guess that is 1 % off is a revolution off after a
    hundred of them."""
    scale = np.linalg.norm(positions[0])
    speed = np.sqrt(gm / scale)

    def unpack(p):
        return p[:3] * scale, p[3:6] * speed, gm * np.exp(p[6])

    def residuals(p, count):
        try:
            return ((propagate(*unpack(p), times[:count] - times[0]) - positions[:count]) / scale).ravel()
        except ValueError:
            return np.full(3 * count, 1e3)

    p = np.r_[positions[0] / scale, np.gradient(positions[:3], times[:3], axis=0, edge_order=2)[0] / speed, 0]
    count = max(8, np.searchsorted(times - times[0], 0.2 * 2 * np.pi * scale / speed))
    while True:
        count = min(count, len(times))
        p = least_squares(residuals, p, args=(count,), method="trf", x_scale="jac", xtol=1e-15, ftol=1e-15, gtol=1e-15,
                          max_nfev=500).x
        if count == len(times):
            return unpack(p)
        count *= 2


def forecast(times, positions, gm, later):
    """Positions at the times `later` by the orbit fitted to `positions`."""
    position, velocity, gm = fit(times, positions, gm)
    return propagate(position, velocity, gm, np.asarray(later) - times[0])
