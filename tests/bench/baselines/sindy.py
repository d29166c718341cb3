"""Sequentially thresholded least squares (Brunton, Proctor, Kutz, PNAS 2016) in its strong, weak and ensemble forms.

All work on features [T][L] of one trajectory with equal steps. Strong: derivatives by a Savitzky-Golay filter (local
cubic), features of the filtered states. Weak: integrals against test functions (1 - s^2)^4 on windows of consecutive
samples (Messenger and Bortz, Multiscale Model. Simul. 2021), features of the samples themselves. Ensemble: the median
of the coefficients over bootstrap samples of the rows; a term stays if it is there in six of ten (Fasel et al., Proc.
R. Soc. A 2022).
"""
import numpy as np
from scipy.signal import savgol_filter

BAGS, INCLUSION = 20, 0.6


def stlsq(features, target, threshold, iterations=20):
    """One equation. Coefficients [L], those below the threshold 0; columns are scaled for the solution only."""
    keep = np.ones(features.shape[1], bool)
    scale = np.linalg.norm(features, axis=0)
    scale[scale == 0] = 1
    for _ in range(iterations):
        found = np.zeros(features.shape[1])
        if not keep.any():
            break
        solution = np.linalg.lstsq(features[:, keep] / scale[keep], target, rcond=1e-12)[0]
        found[keep] = solution / scale[keep]
        large = np.abs(found) >= threshold
        if (large == keep).all():
            break
        keep = large
    return np.where(keep, found, 0)


def ensemble(features, target, threshold, random):
    rows = len(target)
    found = []
    for _ in range(BAGS):
        chosen = random.integers(rows, size=rows)
        found.append(stlsq(features[chosen], target[chosen], threshold))
    found = np.array(found)
    often = (found != 0).mean(axis=0) >= INCLUSION
    return np.where(often, np.median(found, axis=0), 0)


def strong_rows(evaluate, data, step, window):
    """Features and derivatives [T][L], [T][D]."""
    smooth = savgol_filter(data, window, 3, axis=0)
    return evaluate(smooth), savgol_filter(data, window, 3, deriv=1, delta=step, axis=0)


def weak_rows(evaluate, data, step, window):
    """Integrals of the features, and minus those of the states against the test functions' derivatives."""
    s = np.linspace(-1, 1, window)
    phi = (1 - s ** 2) ** 4
    slope = -8 * s * (1 - s ** 2) ** 3 * 2 / ((window - 1) * step)
    features = evaluate(data)
    starts = range(len(data) - window + 1)
    left = np.array([phi @ features[i:i + window] for i in starts]) * step
    right = -np.array([slope @ data[i:i + window] for i in starts]) * step
    return left, right
