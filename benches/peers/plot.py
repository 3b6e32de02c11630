"""The plot people know, a panel for each set: recall across, on a scale that spreads its upper end,
queries a second (logarithmic) up. Further up and to the right is better.

    plot.py RESULTS    draws RESULTS/peers.svg from RESULTS/peers.SET.json
"""

import sys
from pathlib import Path

import matplotlib
import numpy

import figures

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "omendb", "font.size": 10, "axes.spines.top": False,
                            "axes.spines.right": False})
from matplotlib import pyplot  # noqa: E402

LEAST = 0.8
# How near to 1 the scale tells recalls apart.
FINEST = 0.0008
TICKS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999]
OURS = "#c8102e"
COLOURS = {
    "omendb": OURS, "omendb-python": OURS, "diskann": "#1f5fa8", "diskann-sq8": "#1f5fa8", "zvec7": "#2a8a3c",
    "zvec4": "#2a8a3c", "svs": "#8250a8", "svs-lvq": "#8250a8", "faiss": "#b07400", "usearch": "#008b8b",
    "vsag": "#7a4a2b", "hnswlib": "#222222", "hnsw_rs": "#777777", "instant-distance": "#999999",
    "omendb-pypi": "#d48a9a",
}
# The second form of a library that has two.
DASHED = {"omendb-python", "diskann-sq8", "zvec4", "svs-lvq"}


def curve(row):
    """Recalls and speeds of a sweep, net of calls, on the machine of the unit; from LEAST up. A wider
    search that finds no more is left out."""
    speed = figures.machine(row, "qps")
    points, most = [], LEAST
    for run in sorted(row.get("runs", []), key=lambda run: run["width"]):
        if run["recall"] >= most:
            points.append((run["recall"], 1 / figures.seconds(row, run, net=True) / speed))
            most = run["recall"] + 1e-4
    return points


def apart(heights, gap):
    """Heights of labels, in order, moved as little as it takes to be a gap apart and within 0 to 1."""
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    moved = [heights[place] for place in order]
    for _ in range(500):
        for low in range(len(moved) - 1):
            short = gap - (moved[low + 1] - moved[low])
            if short > 1e-6:
                moved[low] -= short / 2
                moved[low + 1] += short / 2
        moved = [min(max(height, 0.0), 1.0) for height in moved]
    return {place: height for place, height in zip(order, moved)}


def panel(axes, kept):
    lines = [(name, curve(kept["rows"][name])) for name in figures.LABELS if name in kept["rows"]]
    lines = [(name, points) for name, points in lines if points]
    axes.set_xscale("function", functions=(lambda r: -numpy.log10(1 + FINEST - r), lambda x: 1 + FINEST - 10.0**-x))
    axes.set_yscale("log")
    for name, points in lines:
        ours = name == "omendb"
        axes.plot(*zip(*points), color=COLOURS[name], linestyle="--" if name in DASHED else "-", marker="o",
                  markersize=5 if ours else 3, linewidth=3 if ours else 1.2, zorder=4 if ours else 2)
    axes.set_xlim(LEAST, 1)
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_on()
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axes.grid(which="both", alpha=0.18)
    axes.set_title(f"{kept['set']}: {kept['rows']['hnswlib']['rows']:,} rows", loc="left", fontweight="bold")
    # A label stands beside the end of its line; a thin line leads to it.
    bottom, top = numpy.log10(axes.get_ylim())
    heights = [(numpy.log10(points[-1][1]) - bottom) / (top - bottom) for _, points in lines]
    for place, height in apart(heights, 0.056).items():
        name, points = lines[place]
        ours = name == "omendb"
        axes.annotate(figures.LABELS[name].replace("*", ""), xy=points[-1], xytext=(1.04, height),
                      textcoords="axes fraction", va="center", color=COLOURS[name], fontsize=9.5 if ours else 8.5,
                      fontweight="bold" if ours else "normal", annotation_clip=False,
                      arrowprops={"arrowstyle": "-", "color": COLOURS[name], "alpha": 0.45, "linewidth": 0.7,
                                  "linestyle": "--" if name in DASHED else "-", "shrinkA": 1, "shrinkB": 2})


def main(folder):
    sets = figures.load(Path(folder))
    wide = min(2, len(sets))
    tall = -(-len(sets) // wide)
    picture, grid = pyplot.subplots(tall, wide, figsize=(7.4 * wide, 4.8 * tall), squeeze=False)
    for axes, kept in zip(grid.flat, sets):
        panel(axes, kept)
    for axes in grid.flat[len(sets):]:
        axes.axis("off")
    for axes in grid[:, 0]:
        axes.set_ylabel("queries/s, one thread, calls taken off")
    for axes in grid.flat[max(0, len(sets) - wide):len(sets)]:
        axes.set_xlabel("recall@10")
    picture.tight_layout(w_pad=2, h_pad=2)
    picture.savefig(Path(folder) / "peers.svg", metadata={"Date": None}, facecolor="white")


if __name__ == "__main__":
    main(*sys.argv[1:])
