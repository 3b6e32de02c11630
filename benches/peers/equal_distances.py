#!/usr/bin/env python3
"""Ours beside hnswlib at equal numbers of distances: what the graph is worth, apart from kernels.

    python3 benches/peers/equal_distances.py --data DIR [--sets mnist784,sift500k] [--threads 2]

Builds each set with hnswlib (M = 16, ef_construction = 200, f32 rows) and with ours (defaults, the
file's own type), in turn and more than once, sweeps the width of both, and prints Markdown: build
speed, and for each recall-against-distances point of hnswlib our recall at the same number of
distances, linear between our two nearest points. Of the speeds the fastest counts, of what was found
and computed the mean: hnswlib builds another graph each time. The standard error of a difference is
that over the queries, each answered by both. Needs g++ and pip (for hnswlib's source).
"""

import argparse
import array
import json
import math
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import places

K = 10
WIDTHS = [10, 15, 20, 30, 40, 60, 80, 100, 140, 200]


def theirs(program, metric, base, query, truth, threads):
    widths = ",".join(map(str, WIDTHS))
    return json.loads(places.run([program, base, query, truth, metric, 16, 200, threads, widths]))


def ours(program, metric, base, query, truth, threads, scratch):
    database, answers = Path(scratch) / "ours.omen", Path(scratch) / "answers.ibin"
    shutil.rmtree(database, ignore_errors=True)
    built = json.loads(places.run([program, "build", database, base, "--metric", metric, "--threads", threads, "--json"]))
    runs = []
    for width in WIDTHS:
        searched = json.loads(places.run([program, "search", database, query, "-k", K, "--width", width,
                                          "--rounds", 3, "--truth", truth, "--out", answers, "--json"]))
        runs.append({**searched["runs"][0], "found": found(answers, truth)})
    return {**built, "runs": runs}


def found(answers, truth):
    """How many of each query's K nearest rows were found."""
    pairs = zip(first_columns(answers), first_columns(truth), strict=True)
    return [len(answered & nearest) for answered, nearest in pairs]


def first_columns(path):
    """The first K numbers of each row of an .ibin file, as sets."""
    rows, columns = places.shape(path)
    numbers = array.array("I", path.read_bytes()[8:])
    return [set(numbers[row * columns:row * columns + K]) for row in range(rows)]


def joined(rounds):
    """Several rounds of one library: the fastest build and searches, the mean of what they found."""
    points = zip(*(each["runs"] for each in rounds))
    return {"rows_per_second": max(each["rows_per_second"] for each in rounds),
            "runs": [one_point(point) for point in points]}


def one_point(runs):
    of_query = [statistics.fmean(counts) for counts in zip(*(run["found"] for run in runs))]
    return {"width": runs[0]["width"], "found": of_query, "recall": statistics.fmean(of_query) / K,
            "mean_distances": statistics.fmean(run["mean_distances"] for run in runs),
            "qps": max(run["qps"] for run in runs)}


def found_at(runs, distances):
    """What was found for each query at a number of distances, linear between the two points around
    it; None outside them."""
    points = sorted(runs, key=lambda run: run["mean_distances"])
    for before, after in zip(points, points[1:]):
        low, high = before["mean_distances"], after["mean_distances"]
        if low <= distances <= high:
            share = (distances - low) / (high - low) if high > low else 0.0
            return [a + share * (b - a) for a, b in zip(before["found"], after["found"])]
    return None


def compared(run, runs):
    """Our recall at as many distances as one run of theirs, and the difference with its standard
    error, in points."""
    at = found_at(runs, run["mean_distances"])
    if at is None:
        return "–", "–"
    more = [100 * (mine - other) / K for mine, other in zip(at, run["found"])]
    error = statistics.stdev(more) / math.sqrt(len(more))
    return f"{statistics.fmean(at) / K:.4f}", f"{statistics.fmean(more):+.2f} ± {error:.2f}"


def table(name, threads, hnswlib, omendb):
    lines = [
        f"### {name}",
        "",
        f"Build with {threads} threads: hnswlib {hnswlib['rows_per_second']:,.0f} rows/s, "
        f"ours {omendb['rows_per_second']:,.0f} rows/s "
        f"(ratio {omendb['rows_per_second'] / hnswlib['rows_per_second']:.2f}).",
        "",
        "| distances a query | hnswlib: ef | recall@10 | ours: recall@10 at as many | difference ± standard error, points |",
        "|---:|---:|---:|---:|---:|",
    ]
    for run in hnswlib["runs"]:
        mine, difference = compared(run, omendb["runs"])
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
        a, b = joined(a), joined(b)
        figures[name] = {"hnswlib": a, "omendb": b}
        print(table(name, arguments.threads, a, b), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except places.Failed as why:
        sys.exit(f"equal_distances: {why}")
