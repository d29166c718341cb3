"""Decks with mistakes: what is said, and the exit status, before any work is done; the same with several ranks."""
import pathlib
import re

from support import DECKS, check, check_equal, command, verdict

THREE = """task: discover
data:
  generate: {system: lorentz, samples: 100}
dynamics:
  library: {polynomal: 2}
block:
  window: -5
"""

GOOD = """task: fit
data:
  generate: {system: lotka_volterra, samples: 50}
dynamics:
  equations: ["x' = a*x - b*x*y", "y' = -c*y + d*x*y"]
  parameters: {a: 1, b: 1, c: 1, d: 1}
"""


def expect(name, text, code, words, verb="run", ranks=1):
    path = pathlib.Path(f"{name}.yaml")
    path.write_text(text)
    got, said = command([verb, path], ranks)
    good = check_equal(f"{name}: {verb} on {ranks} ranks exits with", got, code)
    for word in words:
        found = re.search(word, said)
        good &= check(f"{name}: says /{word}/", found is not None)
    if not good:
        print(said)
    check(f"{name}: writes nothing", not pathlib.Path(f"{name}.h5").exists())
    return said


for verb, ranks in (("run", 1), ("run", 3), ("validate", 1)):
    said = expect("three", THREE, 2, [r"three\.yaml:3:\d+: .*lorentz", "did you mean 'lorenz'",
                                      r"three\.yaml:5:\d+: .*polynomal", "did you mean 'polynomial'",
                                      r"three\.yaml:7:\d+: .*-5"], verb, ranks)
    check_equal("three: each mistake is said once", len(re.findall(r"three\.yaml:\d+:\d+: error", said)), 3)
expect("syntax", GOOD.replace("a*x - b*x*y", "a*x - b**y"), 2, [r"syntax\.yaml:5:\d+", "column"])
expect("unclosed", GOOD.replace("a*x - b*x*y", "a*(x - b*x*y"), 2, [r"unclosed\.yaml:5:\d+", "column"])
expect("state", GOOD.replace("y' = ", "z' = "), 2, [r"state\.yaml:\d+", "z"])
expect("name", GOOD.replace("d*x*y", "d*x*w"), 2, [r"name\.yaml:5", "'w'", "known"])
expect("parameter", GOOD.replace(", d: 1", ""), 2, [r"parameter\.yaml:5", "'d'"])
expect("missing", GOOD.replace("generate: {system: lotka_volterra, samples: 50}", "file: nowhere.csv"), 3,
       ["nowhere.csv", "No such file"], ranks=2)
expect("column", GOOD.replace("generate: {system: lotka_volterra, samples: 50}",
                              f"file: {DECKS}/data/hudson_bay_pelts.csv\n  states: [hair, lynx]"), 3,
       ["hair", "hare"])
got, said = command(["run", DECKS / "pelts.yaml", "fit.start=3"])
check_equal("an unknown override exits with", got, 2)
check("an unknown override: what was meant", "did you mean 'starts'?" in said)
got, said = command(["run", "nowhere.yaml"])
check_equal("a deck that is not there exits with", got, 2)
verdict()
