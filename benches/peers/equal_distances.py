#!/usr/bin/env python3
"""Ours beside hnswlib at equal numbers of distances: what the graph is worth, apart from kernels.

    python3 benches/peers/equal_distances.py --data DIR [--sets mnist784,sift500k] [--threads 2]

Builds each set with hnswlib (M = 16, ef_construction = 200, f32 rows) and with ours (defaults, the
file's own type), in turn and more than once (the fastest build and the fastest searches count), sweeps the width of both, and prints Markdown:
build speed, and for each recall-against-distances point of hnswlib our recall at the same number of
distances, linear between our two nearest points. Needs g++ and pip (for hnswlib's source).
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import places

WIDTHS = [10, 15, 20, 30, 40, 60, 80, 100, 140, 200]


def theirs(program, metric, base, query, truth, threads):
    widths = ",".join(map(str, WIDTHS))
    return json.loads(places.run([program, base, query, truth, metric, 16, 200, threads, widths]))


def ours(program, metric, base, query, truth, threads, scratch):
    database = Path(scratch) / "ours.omen"
    shutil.rmtree(database, ignore_errors=True)
    built = json.loads(places.run([program, "build", database, base, "--metric", metric, "--threads", threads, "--json"]))
    widths = ",".join(map(str, WIDTHS))
    searched = json.loads(places.run([program, "search", database, query, "-k", 10, "--width", widths,
                                      "--truth", truth, "--rounds", 3, "--json"]))
    return {**built, "runs": searched["runs"]}


def recall_at(runs, distances):
    """Recall at a number of distances, linear between the two points around it; None outside them."""
    points = sorted((run["mean_distances"], run["recall"]) for run in runs)
    for (before, low), (after, high) in zip(points, points[1:]):
        if before <= distances <= after:
            share = (distances - before) / (after - before) if after > before else 0.0
            return low + share * (high - low)
    return None


def best(rounds):
    """The fastest build, and for each width the fastest searches, of several rounds of one library."""
    kept = max(rounds, key=lambda each: each["rows_per_second"])
    points = zip(*(each["runs"] for each in rounds))
    return {**kept, "runs": [max(point, key=lambda run: run["qps"]) for point in points]}


def table(name, hnswlib, omendb):
    lines = [
        f"### {name}",
        "",
        f"Build with {hnswlib['threads']} threads: hnswlib {hnswlib['rows_per_second']:,.0f} rows/s, "
        f"ours {omendb['rows_per_second']:,.0f} rows/s "
        f"(ratio {omendb['rows_per_second'] / hnswlib['rows_per_second']:.2f}).",
        "",
        "| distances a query | hnswlib: ef | recall@10 | ours: recall@10 at as many | difference, points |",
        "|---:|---:|---:|---:|---:|",
    ]
    for run in hnswlib["runs"]:
        at = recall_at(omendb["runs"], run["mean_distances"])
        mine, difference = ("–", "–") if at is None else (f"{at:.4f}", f"{100 * (at - run['recall']):+.2f}")
        lines.append(f"| {run['mean_distances']:,.0f} | {run['width']} | {run['recall']:.4f} | {mine} | {difference} |")
    lines += ["", "| width | ours: recall@10 | distances | QPS | hnswlib: recall@10 | distances | QPS |",
              "|---:|---:|---:|---:|---:|---:|---:|"]
    for a, b in zip(omendb["runs"], hnswlib["runs"]):
        lines.append(f"| {a['width']} | {a['recall']:.4f} | {a['mean_distances']:,.0f} | {a['qps']:,.0f} "
                     f"| {b['recall']:.4f} | {b['mean_distances']:,.0f} | {b['qps']:,.0f} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the sets (default: $OMENDB_DATA)")
    parser.add_argument("--sets", default="mnist784,sift500k", help="which, with commas between")
    parser.add_argument("--threads", type=int, default=2, help="threads to build with")
    parser.add_argument("--rounds", type=int, default=2, help="builds of each, in turn")
    parser.add_argument("--omendb", type=Path, help="our binary (default: built now)")
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    arguments = parser.parse_args()
    folder = places.data_folder(arguments.data)
    hnswlib = places.counting_hnswlib()
    omendb = arguments.omendb or places.cargo_binary("omendb-cli")
    figures = {}
    print("## Ours beside hnswlib at equal numbers of distances\n")
    for name in arguments.sets.split(","):
        of_set = places.data_set(folder, name)
        with tempfile.TemporaryDirectory() as scratch:
            a, b = [], []
            for turn in range(1, arguments.rounds + 1):
                places.say(f"{name}, round {turn}: hnswlib")
                a.append(theirs(hnswlib, *of_set, arguments.threads))
                places.say(f"{name}, round {turn}: ours")
                b.append(ours(omendb, *of_set, arguments.threads, scratch))
        a, b = best(a), best(b)
        figures[name] = {"hnswlib": a, "omendb": b}
        print(table(name, a, b), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except places.Failed as why:
        sys.exit(f"equal_distances: {why}")
