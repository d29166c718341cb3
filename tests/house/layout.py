"""Checks that the C sources are laid out as .clang-format says.

usage: layout.py CLANG_FORMAT SOURCE_TREE    (CLANG_FORMAT may be `none`: skipped aloud)

Other versions of the formatter lay out differently, so it has to be the one that the test packages bring.
"""
import pathlib
import subprocess
import sys


def main(formatter, tree):
    if formatter == "none":
        print("skipped: no clang-format-14 (Debian: clang-format-14)")
        return 0
    files = sorted(str(path) for room in ("src", "cuda", "mpi", "tests") for path in (pathlib.Path(tree) / room).glob("**/*")
                   if path.suffix in (".c", ".h", ".cu"))
    messages = subprocess.run([formatter, "--dry-run", "--style=file", *files], capture_output=True, text=True).stderr
    wrong = sorted({line.split(":")[0] for line in messages.splitlines() if "[-Wclang-format-violations]" in line})
    for path in wrong:
        print("FAIL", path, "is not laid out as .clang-format says; mend it with clang-format-14 -i")
    print(f"{len(files)} files, {len(wrong)} complaints")
    return 1 if wrong or messages and not wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
