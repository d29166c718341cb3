"""Forecasts of the sea surface temperature in input_decks/data/elnino_sst.csv by plain statistics: what a learned
model has to do better than.

usage: elnino.py [CSV]       (needs requirements.txt: pip install -r requirements.txt)

The last four years, 2007 to 2010, are forecast from what is before them: all 48 months at once, from December 2006,
and each month from the months before it, with the models' coefficients as they were fitted until 2006. Prints the
root mean square of the errors, in degrees Celsius.
"""
import pathlib
import sys
import warnings

import numpy as np
from statsmodels.tsa.statespace.sarimax import SARIMAX

YEAR, HELD_OUT = 12, 48
MOST_LAGS = 24


def read(path):
    lines = [line for line in pathlib.Path(path).read_text().splitlines() if not line.startswith("#")]
    table = np.array([[float(x) for x in line.split(",")] for line in lines[1:]])
    months = np.arange(len(table))
    assert np.allclose(table[:, 0], 1950 + (months + 0.5) / YEAR, atol=1e-6), "not monthly from January 1950 on"
    return table[:, 1]


def climatology(sst, known):
    """Mean of each calendar month over the months before `known`, for all months."""
    means = np.array([sst[:known][month::YEAR].mean() for month in range(YEAR)])
    return means[np.arange(len(sst)) % YEAR]


def fit_autoregression(anomaly, lags):
    """Coefficients of a_t = sum_i c_i a_(t-i) by least squares, and Akaike's criterion over t >= MOST_LAGS."""
    rows = np.column_stack([anomaly[MOST_LAGS - i:len(anomaly) - i] for i in range(1, lags + 1)])
    target = anomaly[MOST_LAGS:]
    coefficients = np.linalg.lstsq(rows, target, rcond=None)[0]
    variance = np.mean((target - rows @ coefficients) ** 2)
    return coefficients, len(target) * np.log(variance) + 2 * lags


def autoregression(sst, known):
    """Deviations from climatology as an autoregression whose order has the least criterion."""
    usual = climatology(sst, known)
    anomaly = sst - usual
    fits = [fit_autoregression(anomaly[:known], lags) for lags in range(1, MOST_LAGS + 1)]
    coefficients = min(fits, key=lambda fit: fit[1])[0]
    lags = len(coefficients)

    def step(past):
        return coefficients @ past[:-lags - 1:-1]

    path = list(anomaly[:known])
    while len(path) < len(sst):
        path.append(step(np.array(path)))
    one = [step(anomaly[:t]) for t in range(known, len(sst))]
    return usual[known:] + path[known:], usual[known:] + one, f"autoregression of order {lags} on deviations"


def seasonal_arima(sst, known, order, seasonal):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a fit that does not converge is no baseline
        fitted = SARIMAX(sst[:known], order=order, seasonal_order=seasonal).fit(disp=False, maxiter=500)
    at_once = fitted.forecast(len(sst) - known)
    one = fitted.apply(sst).predict(known, len(sst) - 1)
    p, d, q, P, D, Q, s = *order, *seasonal
    return at_once, one, f"SARIMA({p},{d},{q})({P},{D},{Q})[{s}]"


def rmse(forecast, truth):
    return np.sqrt(np.mean((np.asarray(forecast) - truth) ** 2))


def main(path):
    sst = read(path)
    known = len(sst) - HELD_OUT
    usual = climatology(sst, known)[known:]
    last_year = np.tile(sst[known - YEAR:known], HELD_OUT // YEAR)
    forecasts = [(usual, usual, "climatology"),
                 (last_year, sst[known - YEAR:-YEAR], "the same month of the last year that is known"),
                 autoregression(sst, known),
                 seasonal_arima(sst, known, (2, 0, 0), (0, 1, 1, YEAR)),
                 seasonal_arima(sst, known, (1, 0, 1), (1, 1, 1, YEAR))]
    print(f"{known} months to fit, {HELD_OUT} to forecast; RMSE in degrees Celsius")
    print("| forecast | 48 months at once | a month ahead |")
    print("|---|---|---|")
    for at_once, one, name in forecasts:
        print(f"| {name} | {rmse(at_once, sst[known:]):.3f} | {rmse(one, sst[known:]):.3f} |")
    return 0


if __name__ == "__main__":
    default = pathlib.Path(__file__).resolve().parents[3] / "input_decks" / "data" / "elnino_sst.csv"
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else default))
