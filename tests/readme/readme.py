"""Runs README.md's commands as they stand there, and compares the output that README.md shows.

usage: readme.py SOURCE_TREE BUILD

A block ```sh right below the line `<!-- run by tests/readme -->` is run by bash, with -e, in a copy of the tree
whose path has a blank in it. So that this takes seconds, the copy's `build` is a link to this build, which
NEURLP_BUILD hands to jobscripts/local.sh. tests/run.sh runs this test, so it is only asked for its plan.

A block ```text right below `<!-- output of COMMAND -->` is compared with what the blocks printed: every equation
in it must be printed too, with the same terms, and numbers that agree to one unit of the last digit shown. Links to
files of the tree must lead somewhere.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

BLOCK = re.compile(r"^<!-- (?P<mark>[^\n]*?) -->\n+```(?P<language>\w+)\n(?P<body>.*?)^```", re.M | re.S)
SHELL = re.compile(r"^```sh\n", re.M)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def equations(text):
    return [line.strip() for line in text.splitlines() if re.match(r"\s*\w+'+ = ", line)]


def unit_of_last_digit(number):
    mantissa, _, exponent = number.partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def agree(shown, printed):
    """The same words, and numbers that agree to one unit of the last digit of the shown ones."""
    if NUMBER.sub("#", shown) != NUMBER.sub("#", printed):
        return False
    # (one thousandth of a unit more, for the conversion from decimal)
    return all(abs(float(a) - float(b)) <= 1.001 * unit_of_last_digit(a)
               for a, b in zip(NUMBER.findall(shown), NUMBER.findall(printed)))


def copy_tree(source, build, copy):
    """The sources without version control and build folders; `build` is a link to this build."""
    def left_out(folder, names):
        top = pathlib.Path(folder) == source
        return [n for n in names if n == "__pycache__" or top and (n == ".git" or n.startswith("build"))]
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy, ignore=left_out)
    (copy / "build").symlink_to(build)


def main(source, build):
    source, build = pathlib.Path(source).resolve(), pathlib.Path(build).resolve()
    text = (source / "README.md").read_text()
    blocks = list(BLOCK.finditer(text))
    scripts = [b["body"] for b in blocks if b["mark"] == "run by tests/readme" and b["language"] == "sh"]
    shown = [line for b in blocks if b["mark"].startswith("output of ") for line in equations(b["body"])]
    wrong = []
    if len(scripts) != len(SHELL.findall(text)):
        wrong.append("a block ```sh has no mark <!-- run by tests/readme --> right above")
    if not shown:
        wrong.append("README.md shows no equation as output")

    wrong += [f"the link to {link} leads nowhere" for link in LINK.findall(text) if not (source / link).exists()]

    copy = build / "tests" / "readme" / "a clone"
    copy_tree(source, build, copy)
    environment = dict(os.environ, NEURLP_BUILD=str(build))
    output = ""
    for script in scripts:
        planned = re.sub(r"^tests/run\.sh$", "tests/run.sh --plan", script, flags=re.M)
        print(planned, flush=True)
        done = subprocess.run(["bash", "-e", "-c", planned], cwd=copy, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print(done.stdout)
        output += done.stdout
        if done.returncode:
            wrong.append(f"exit status {done.returncode}: {script.strip()}")
    printed = equations(output)
    for line in shown:
        if not any(agree(line, other) for other in printed):
            wrong.append(f"not printed: {line}")
    for sentence in wrong:
        print("FAIL", sentence)
    print(f"{len(scripts)} blocks of commands, {len(shown)} equations shown, {len(wrong)} complaints")
    return 1 if wrong or not scripts else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
