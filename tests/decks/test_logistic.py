"""logistic.yaml, shortened: rates read off trajectories that training has never seen, beside the direct method."""
import numpy as np

from support import DECKS, check, check_above, check_below, check_equal, command, run, verdict

SHORT = ["data.generate.systems=2000", "train.epochs=90"]

found = run("short", DECKS / "logistic.yaml", *SHORT)
direct = run("direct", DECKS / "logistic_fit.yaml", SHORT[0])
held = found["windows/system"][found["windows/validation"] == 1]
check_equal("trajectories held out", held.size, 200)
names = direct.texts("equations/parameter_names")
fitted = {name: direct["equations/parameters"][held, names.index(name)] for name in names}
fitted = np.stack([fitted["r"], -fitted["r"] / fitted["K"]], axis=1)
true = direct["truth/parameters"][held]
true = np.stack([true[:, 0], -true[:, 0] / true[:, 1]], axis=1)
check_equal("the same truth", np.abs(true - found["truth/weights"][held, 0]).max(), 0)
for term, name in enumerate(("r", "r/K")):
    correlation, relative = (found[f"metrics/weights_{key}"][2, 0, term] for key in ("correlation", "relative_error"))
    check_above(f"{name}: correlation with the truth, held-out trajectories", correlation, 0.95)
    check_below(f"{name}: relative error", relative, 0.2)
    check_above(f"{name}: correlation of the direct method", np.corrcoef(fitted[:, term], true[:, term])[0, 1], 0.99)
code, said = command(["validate", DECKS / "logistic_full.yaml", "block.backend=cpu"])
check_equal("the deck at full size is valid", code, 0)
check("and its trajectories are so many", "40000 systems of 100 samples" in said, said)
verdict()
