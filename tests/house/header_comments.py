"""Checks what the public header says about every function.

usage: header_comments.py neurlp.h

Every declared function has a comment right above it. The comment names what it fails with if it returns a
status (or the function whose answer it repeats), and gives the shape of every array that it takes. Who owns
arrays, where they live and that nothing is collective is said once, at the top of the file.
To prove that it can fail, the check then strips each comment in turn and must notice.
"""
import re
import sys

FUNCTION = re.compile(
    r"(?P<comment>/\*(?:(?!\*/).)*\*/[ \t]*\n)?"
    r"(?P<type>(?:NEURLP_MUST_USE\s+)?(?:const\s+)?[a-z_0-9]+[\s*]+)(?P<name>neurlp_[a-z_0-9]+)"
    r"\((?P<parameters>[^)]*)\);",
    re.S)
ARRAY = re.compile(r"(?:void|double|float|int32_t|int64_t|neurlp_status)\s*\*\s*(?:const\s+)?(\w+)\s*$")
OPENING_SAYS = ["row-major", "host", "caller's", "collective"]


def complaints(text):
    """What is wrong with the header, one sentence each, and the functions that it declares."""
    opening = text[:text.index("*/")]
    wrong = [f"the opening comment does not say '{word}'" for word in OPENING_SAYS if word not in opening]
    functions = list(FUNCTION.finditer(text))
    for function in functions:
        name, comment = function["name"], function["comment"] or ""
        if not comment:
            wrong.append(f"{name} has no comment right above it")
            continue
        if "neurlp_status" in function["type"] and not re.search(r"NEURLP_[A-Z]+|neurlp_\w+", comment):
            wrong.append(f"{name} returns a status, and its comment names none")
        for parameter in function["parameters"].split(","):
            array = ARRAY.search(parameter.strip())
            if array and not re.search(rf"\b{array[1]}\s*(?:, )?\[", comment):
                wrong.append(f"{name} takes the array '{array[1]}', and its comment gives no shape: {array[1]} [...]")
    return wrong, functions


def main(path):
    with open(path) as header:
        text = header.read()
    declared = set(re.findall(r"\b(neurlp_[a-z_0-9]+)\(", re.sub(r"/\*.*?\*/", "", text, flags=re.S)))
    wrong, functions = complaints(text)
    found = {function["name"] for function in functions}
    wrong += [f"{name} is not understood by this check" for name in sorted(declared - found)]
    for function in functions:
        if function["comment"]:
            stripped = text[:function.start("comment")] + text[function.end("comment"):]
            if f"{function['name']} has no comment right above it" not in complaints(stripped)[0]:
                wrong.append(f"stripping the comment of {function['name']} goes unnoticed")
    for sentence in wrong:
        print("FAIL", sentence)
    print(f"{len(found)} public functions, {len(wrong)} complaints")
    return 1 if wrong or not found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
