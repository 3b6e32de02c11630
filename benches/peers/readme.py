#!/usr/bin/env python3
"""Keeps what is written about the peers in step with the figures of `results/peers.SET.json`.

    python3 benches/peers/readme.py            # writes the README's table, results/peers-all.md and results/peers.md
    python3 benches/peers/readme.py --check    # exit code 1 if one of them says anything else

The sets of a table are of one run of `peers.py`: figures of several are refused.
"""

import sys

import figures
import places

README = places.CLONE / "README.md"
RESULTS = places.HERE.parent / "results"
OPENS, CLOSES = "<!-- peers: written by benches/peers/readme.py -->\n", "<!-- end of peers -->\n"


def main(words):
    text = README.read_text()
    before, opens, rest = text.partition(OPENS)
    _, closes, after = rest.partition(CLOSES)
    if not opens or not closes:
        sys.exit(f"readme: no markers in {README}")
    sets = figures.load(RESULTS)
    runs = {kept["run"] for kept in sets}
    if len(runs) > 1:
        sys.exit(f"readme: the figures are of {len(runs)} runs, begun {', '.join(sorted(runs))}; all sets in one are wanted")
    fresh = {
        README: before + OPENS + "\n" + figures.short_table(sets) + "\n" + CLOSES + after,
        RESULTS / "peers-all.md": figures.wide_document(sets),
        RESULTS / "peers.md": figures.document(sets),
    }
    if "--check" not in words:
        for path, wanted in fresh.items():
            path.write_text(wanted)
        return
    stale = [path for path, wanted in fresh.items() if not path.exists() or path.read_text() != wanted]
    if stale:
        names = ", ".join(str(path.relative_to(places.CLONE)) for path in stale)
        sys.exit(f"readme: not what the figures give: {names}; run benches/peers/readme.py")


if __name__ == "__main__":
    main(sys.argv[1:])
