#!/usr/bin/env python3
"""Keeps the README's table of the peers in step with the figures of `results/peers.SET.json`.

    python3 benches/peers/readme.py            # writes the table between its markers
    python3 benches/peers/readme.py --check    # exit code 1 if the README says anything else

The sets of a table are of one run of `peers.py`: figures of several are refused.
"""

import sys

import figures
import places

README = places.CLONE / "README.md"
OPENS, CLOSES = "<!-- peers: written by benches/peers/readme.py -->\n", "<!-- end of peers -->\n"


def main(words):
    text = README.read_text()
    before, opens, rest = text.partition(OPENS)
    _, closes, after = rest.partition(CLOSES)
    if not opens or not closes:
        sys.exit(f"readme: no markers in {README}")
    sets = figures.load(places.HERE.parent / "results")
    runs = {kept["run"] for kept in sets}
    if len(runs) > 1:
        sys.exit(f"readme: the figures are of {len(runs)} runs, begun {', '.join(sorted(runs))}; all sets in one are wanted")
    fresh = before + OPENS + "\n" + figures.short_table(sets) + "\n" + CLOSES + after
    if "--check" not in words:
        README.write_text(fresh)
    elif fresh != text:
        sys.exit("readme: the table of the peers is not what the figures give; run benches/peers/readme.py")


if __name__ == "__main__":
    main(sys.argv[1:])
