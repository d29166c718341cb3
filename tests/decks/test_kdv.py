"""kdv.yaml on 64 places, shortened: forecasts of waves that it never saw, against persistence, and symmetry.

A network over space treats all places alike. That is exact: the forecast of a wave that was moved around the domain is
the forecast, moved.
"""
import h5py
import numpy as np

from support import DECKS, check, check_above, check_below, check_equal, command, run, verdict, write_data

POINTS, SEEN, MOVED = 64, 10, 5
DECK = DECKS / "kdv.yaml"
DATA = f"{{system: kdv, points: {POINTS}, systems: 160, samples: 41, step: 0.1, parameters: {{length: " \
       "{uniform: [28.8, 35.2]}}}"
SHORT = ("forecast.trajectories=8", "forecast.steps=30", "forecast.horizons=[10, 30]", "train.stride=5")


def normalised(found, steps):
    """Squared errors of the forecast, and of the last sample that was seen, over the squared truth."""
    truth, forecast = found["forecast/data"][:, :steps], found["forecast/states"][:, :steps]
    last = data[-len(truth):, SEEN - 1 : SEEN]
    whole = np.sum(truth**2)
    return np.sum((forecast - truth) ** 2) / whole, np.sum((last - truth) ** 2) / whole


code, said = command(["generate", DECK, f"data.generate={DATA}", "-o", "waves.h5"])
check_equal("the data are generated", code, 0)
with h5py.File("waves.h5") as file:
    data, times, names = file["states"][()], file["time"][()], [n.decode() for n in file["names"][()]]
check("the data are whole", bool(np.isfinite(data).all()))
write_data("moved.h5", times, np.roll(data, MOVED, axis=2), names)

trained = run("trained", DECK, f"data.generate={DATA}", *SHORT, "train.epochs=4", "block.precision=double")
check_equal("held-out forecasts", trained["forecast/states"].shape, (8, 30, POINTS))
check("what is forecast is the data's end", bool((trained["forecast/data"] == data[-8:, SEEN : SEEN + 30]).all()))
for steps, times_better in ((10, 10), (30, 10)):
    error, persistence = normalised(trained, steps)
    print(f"{steps} steps: normalised squared error {error:.3e}, persistence {persistence:.3e}")
    check_above(f"{steps} steps: better than persistence, times", persistence / error, times_better)
    written = [trained[f"metrics/forecast_horizon_{which}normalised"][(10, 30).index(steps)] for which in ("", "persistence_")]
    # sums of at most 8 x 30 x 64 numbers, in another order
    check_below(f"{steps} steps: errors in the file against NumPy, relative",
                max(abs(written[0] / error - 1), abs(written[1] / persistence - 1)), 1e-10)

text = DECK.read_text()
rest = "task: train\ndata: {file: moved.h5}\n" + text[text.index("\nblock:") :]
moved = run("moved_back", rest, *SHORT, "train.model=trained.h5", "train.epochs=0", "block.precision=double")
check_below("a wave that was moved: its forecast, moved back, less that of the wave",
            np.abs(np.roll(moved["forecast/states"], -MOVED, axis=2) - trained["forecast/states"]).max(), 1e-8)
verdict()
