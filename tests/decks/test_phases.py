"""The table of phases that closes a run: it adds up, to the time that the program took, and its bytes and messages are those of
an independent count.
"""
import re
import time



from support import DECKS, check, check_below, check_equal, command, run, verdict

TRAINING = ["data.generate.systems=64", "train.batch=16", "train.epochs=3", "train.shards=4", "train.validation=0",
            "block.precision=double", "networks={encoder: {layers: [flatten, {dense: 8}, gelu, {dense: output}]}}"]


def table(said):
    """{phase: [seconds, share, megabytes, messages]}, as far as they are there."""
    rows = re.findall(r"^  (\w+) +([\d.]+) +([\d.]+) %(?: +([\d.]+))?(?: +(\d+))?$", said, re.M)
    return {name: [float(x) for x in numbers if x] for name, *numbers in rows}


def check_sum(name, rows):
    """Each row is rounded to a thousandth of a second, and a tenth of a per cent."""
    total = rows["all"][0]
    phases = [row for phase, row in rows.items() if phase != "all"]
    check_equal(f"{name}: phases", len(phases), 6)
    check_below(f"{name}: seconds, less their sum", abs(total - sum(row[0] for row in phases)), 0.0005 * 7)
    check_below(f"{name}: shares, less their sum, in %", abs(100 - sum(row[1] for row in phases)), 0.05 * 7)


def check_wall_time():
    """The program's own time and that of who started it: 2 %, and a tenth of a second for the loader before and MPI's end after.
    Another program may come in between on a busy machine; the best of a few runs counts."""
    missed = []
    while (not missed or missed[-1] > 0) and len(missed) < 4:
        begin = time.monotonic()
        code, said = command(["run", DECKS / "lorenz.yaml", "-o", "wall.h5"])
        wall = time.monotonic() - begin
        check_equal("lorenz.yaml: exit status", code, 0)
        rows = table(said)
        check_sum("lorenz.yaml", rows)
        check("lorenz.yaml: no more than the wall time", rows["all"][0] <= wall + 0.001, f"{rows['all'][0]} {wall:.3f}")
        missed.append(wall - rows["all"][0] - (0.02 * wall + 0.1))
    check_below("lorenz.yaml: wall time less the table, 2 % and 0.1 s", min(missed), 0)


def check_training_counts():
    """Four shards over two ranks: recursive doubling. In each of the 4 steps of an epoch either rank sends the gradient and 11
    numbers once. What bytes are left over are sums of 11 numbers alone, between steps, and so are the messages."""
    result = run("training", DECKS / "logistic.yaml", *TRAINING, ranks=2)
    rows = table(result.said)
    check_sum("training", rows)
    parameters = int(re.search(r"(\d+) parameters", result.said)[1])
    steps, (_, _, megabytes, messages) = 3 * 4, rows["learn"]
    sent = 2 * steps  # by both ranks, of gradients; as many of scalars, and those that are left over
    rest = round((megabytes * 1e6 - sent * (8 * parameters + 88)) / 88)
    check_below("training: bytes, less gradients and whole sums of 11 numbers",
                abs(megabytes * 1e6 - sent * (8 * parameters + 88) - 88 * rest), 501)
    check_equal("training: messages", int(messages), 2 * sent + rest)
    check_equal("training: messages between steps, less as many of either rank", rest % 2, 0)


check_wall_time()
check_training_counts()
alone = run("alone", DECKS / "pelts.yaml", ranks=1)
pair = run("pair", DECKS / "pelts.yaml", ranks=2)
for name, result in (("alone", alone), ("pair", pair)):
    check_sum(name, table(result.said))
# every rank gathers all bins: as often as one rank does alone, and as many bytes
(_, _, one_mb, one), (_, _, two_mb, two) = table(alone.said)["learn"], table(pair.said)["learn"]
check_equal("gathers of two ranks", two, 2 * one)
check_below("megabytes that two ranks gather, less twice what one does", abs(two_mb - 2 * one_mb), 0.0005 * 3)
verdict()
