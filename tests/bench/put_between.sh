#!/bin/sh
# Puts a file between the markers of that name, <!-- NAME: begin ... --> and <!-- NAME: end -->, in a document.
# usage: put_between.sh NAME FILE DOCUMENT
set -eu
edited=$(mktemp)
trap 'rm -f "$edited"' EXIT
awk -v tables="$2" -v begin="<!-- $1: begin" -v end="<!-- $1: end -->" '
  index($0, end) { inside = 0; ends++ }
  !inside { print }
  index($0, begin) { inside = 1; begins++; while ((getline line < tables) > 0) print line; print "" }
  END { exit begins == 1 && ends == 1 ? 0 : 1 }' "$3" > "$edited" ||
  { echo "$3 needs one pair of $1 markers" >&2; exit 1; }
cat "$edited" > "$3"
