"""docs/petsc/robertson: every type of the comparison reaches the accuracy, in few cells."""
import importlib.util
import subprocess
import sys

from support import BIN, PLUGIN, SOURCE, true, verdict

if not importlib.util.find_spec("scipy"):
    print("skipped: no scipy, which the reference is made with (Debian: python3-scipy)")
    sys.exit(0)

done = subprocess.run([sys.executable, f"{SOURCE}/docs/petsc/robertson/compare.py", f"{BIN}/robertson", PLUGIN, "--cells", "4",
                       "--target", "1e-4"], capture_output=True, text=True, timeout=200)
print(done.stdout, done.stderr)
rows = [line for line in done.stdout.splitlines() if line.startswith("| ") and not line.startswith("| type")]
true("all of them reach it", done.returncode == 0 and len(rows) == 6)
true("and the table has their work", all(int(row.split("|")[5]) > 10 for row in rows))
done = subprocess.run([sys.executable, f"{SOURCE}/docs/petsc/robertson/compare.py", f"{BIN}/robertson", PLUGIN, "--cells", "1",
                       "--target", "1e-16", "--tightest", "4"], capture_output=True, text=True, timeout=200)
true("a target beyond all of them is said not to be reached", done.returncode == 1)
verdict()
