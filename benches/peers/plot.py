"""The plot people know: recall across, queries a second (logarithmic) up; further up and right is better.

plot.py FIGURES.json PLOT.svg
"""

import json
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "omendb"
from matplotlib import pyplot  # noqa: E402


def main(figures, target):
    with open(figures) as file:
        kept = json.load(file)
    picture, axes = pyplot.subplots(figsize=(9, 6))
    marks = "osv^D<>pPX*hd"
    for place, (name, row) in enumerate(kept["rows"].items()):
        runs = [run for run in row.get("runs", []) if run["recall"] >= 0.8]
        if not runs:
            continue
        ours = name == "omendb"
        # Both axes show the machine of the same hour: its speed beside each peer is divided out.
        speed = row.get("machine", {}).get("qps", 1.0)
        axes.plot([run["recall"] for run in runs], [run["qps"] / speed for run in runs], marker=marks[place % len(marks)],
                  markersize=5, linewidth=2.8 if ours else 1.2, color="black" if ours else None, zorder=3 if ours else 2,
                  label=f"{name} {row['version']}")
    axes.set_yscale("log")
    axes.set_xlabel("recall@10")
    axes.set_ylabel("queries a second, one thread, one query a call")
    axes.set_title(f"{kept['set']}: up and to the right is better")
    axes.grid(which="both", alpha=0.25)
    axes.legend(fontsize=8, loc="lower left")
    picture.tight_layout()
    picture.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
