#!/usr/bin/env python3
"""Other libraries beside ours on the same file: recall against queries a second, build, memory.

    python3 benches/peers/peers.py --data DIR [--sets mnist784] [--peers all] [--out DIR]

Installs what it compares into a cache of its own (see places.py), runs each library in a process of
its own, and prints Markdown; --out also keeps the figures (JSON) and the plots (SVG).

Fair means: the same rows, queries, k = 10 and threads (2 to build, 1 to search), one query a call,
the best of three rounds. hnswlib (M = 16, ef_construction = 200) is the unit: it is built once, and
before and after each peer its searches and a small build of it are timed again, so that a slow hour
of the machine divides out. What a call costs with next to nothing to search (an index of ten rows)
is measured for each library and taken off; both figures are in the JSON. Memory is what the process
grew by while it built and searched. A peer that fails is a row that says why.
"""

import argparse
import json
import math
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import native
import places

WIDTHS = [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320]
TARGETS = [0.9, 0.95, 0.99]
PACKAGES = {
    "hnswlib": "hnswlib", "usearch": "usearch", "faiss": "faiss-cpu", "zvec7": "zvec", "zvec4": "zvec",
    "vsag": "pyvsag", "svs": "scalable-vs", "omendb-py": "omendb",
}
ORDER = ["omendb", "diskann", "diskann-sq8", "zvec7", "zvec4", "svs", "faiss", "usearch", "vsag", "hnsw_rs",
         "instant-distance", "omendb-py"]


def net_qps(result, recall):
    """Queries a second at a recall, without what a call costs; None if the sweep does not reach it.
    Between two points of the sweep the time of a query is taken as exponential in recall."""
    call = (result.get("call_us") or 0.0) / 1e6
    points = sorted((run["recall"], max(1 / run["qps"] - call, 1e-7)) for run in result["runs"])
    if points and points[0][0] >= recall:
        return 1 / points[0][1]
    for (low, fast), (high, slow) in zip(points, points[1:]):
        if low <= recall <= high:
            share = (recall - low) / (high - low) if high > low else 0.0
            return 1 / math.exp(math.log(fast) + share * (math.log(slow) - math.log(fast)))
    return None


class Comparison:
    """All peers on one set."""

    def __init__(self, name, of_set, arguments, scratch):
        self.name, self.of_set, self.arguments, self.scratch = name, of_set, arguments, scratch
        self.saved = Path(scratch) / "hnswlib.index"
        self.rows = {}

    def worker(self, *words):
        command = [self.arguments.python, places.HERE / "worker.py", *words]
        return json.loads(places.run(command, self.arguments.timeout).strip().splitlines()[-1])

    def library(self, name, *save_to):
        return self.worker(name, *self.of_set, self.arguments.threads, ",".join(map(str, WIDTHS)), *save_to)

    def probe(self):
        return self.worker("probe", *self.of_set[:3], self.saved)

    def run(self):
        places.say(f"{self.name}: hnswlib, the unit")
        self.rows["hnswlib"] = self.library("hnswlib", self.saved)
        self.first = before = self.probe()
        for peer in self.arguments.peers:
            places.say(f"{self.name}: {peer}")
            try:
                if peer in self.arguments.missing:
                    raise places.Failed(self.arguments.missing[peer])
                if peer in native.PROGRAMS:
                    row = native.PROGRAMS[peer].measure(self.of_set, self.arguments.threads, WIDTHS,
                                                        self.arguments.timeout, self.scratch)
                else:
                    row = self.library(peer)
            except (places.Failed, json.JSONDecodeError, KeyError, IndexError) as why:
                row = {"failed": str(why) or type(why).__name__}
            after = self.probe()
            # How fast the machine was beside this peer, as a share of when the unit was measured.
            row["machine"] = {name: max(before[name], after[name]) / self.first[name] for name in before}
            before = after
            self.rows[peer] = row

    def markdown(self):
        unit = self.rows["hnswlib"]
        lines = [
            f"### {self.name}",
            "",
            f"{unit['rows']:,} rows, {self.of_set[0]}, {self.arguments.threads} threads to build, 1 to search, k = 10. "
            f"hnswlib: {unit['rows_per_second']:,.0f} rows/s, "
            + ", ".join(f"{net_qps(unit, target):,.0f} QPS at {target}" for target in TARGETS if net_qps(unit, target))
            + ". Ratios are to hnswlib beside each.",
            "",
            "| library | build | " + " | ".join(f"QPS at {target}" for target in TARGETS)
            + " | bytes a row | a call, µs | settings |",
            "|---|---:|" + "---:|" * len(TARGETS) + "---:|---:|---|",
        ]
        for name, row in self.rows.items():
            if "failed" in row:
                lines.append(f"| {name} | " + "– | " * (len(TARGETS) + 3) + f"failed: {row['failed']} |")
                continue
            machine = row.get("machine", {"rows_per_second": 1.0, "qps": 1.0})
            cells = [f"{row['rows_per_second'] / unit['rows_per_second'] / machine['rows_per_second']:.2f}"]
            for target in TARGETS:
                mine, theirs = net_qps(row, target), net_qps(unit, target)
                cells.append(f"{mine / theirs / machine['qps']:.2f}" if mine and theirs else "–")
            size, call = row.get("bytes_per_row"), row.get("call_us")
            cells += [f"{size:,.0f}" if size else "–", f"{call:.1f}" if call else "–"]
            lines.append(f"| {name} {row['version']} | {' | '.join(cells)} | {row['settings']} |")
        return "\n".join(lines) + "\n"


def prepare(arguments):
    """Installs and builds what will be compared; what cannot be had is remembered with its reason."""
    wanted = {peer: PACKAGES[peer] for peer in arguments.peers if peer in PACKAGES}
    arguments.python, failed = places.environment(["numpy", "matplotlib", "hnswlib", *dict.fromkeys(wanted.values())])
    arguments.missing = {peer: failed[package] for peer, package in wanted.items() if package in failed}
    for peer in arguments.peers:
        if peer in native.PROGRAMS:
            try:
                native.PROGRAMS[peer].prepare(arguments.threads, arguments.omendb if peer == "omendb" else None)
            except places.Failed as why:
                arguments.missing[peer] = f"not buildable: {why}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the sets (default: $OMENDB_DATA)")
    parser.add_argument("--sets", default="mnist784", help=f"with commas between: {', '.join(places.SETS)}")
    parser.add_argument("--peers", default="all", help=f"with commas between: {', '.join(ORDER)}")
    parser.add_argument("--threads", type=int, default=2, help="to build with")
    parser.add_argument("--timeout", type=float, default=400, help="seconds that one peer may take on one set")
    parser.add_argument("--omendb", type=Path, help="our binary (default: built now)")
    parser.add_argument("--out", type=Path, help="folder for peers.SET.json, peers.SET.svg and peers.md")
    arguments = parser.parse_args()
    arguments.peers = ORDER if arguments.peers == "all" else arguments.peers.split(",")
    unknown = [peer for peer in arguments.peers if peer not in ORDER]
    if unknown:
        raise places.Failed(f"no such peer: {', '.join(unknown)}; there are {', '.join(ORDER)}")
    folder = places.data_folder(arguments.data)
    sets = {name: places.data_set(folder, name) for name in arguments.sets.split(",")}
    prepare(arguments)
    texts = [f"## Peers\n\n{datetime.now(timezone.utc):%Y-%m-%d}, {places.processor()}.\n"]
    print(texts[0], flush=True)
    for name, of_set in sets.items():
        with tempfile.TemporaryDirectory() as scratch:
            comparison = Comparison(name, of_set, arguments, scratch)
            comparison.run()
        texts.append(comparison.markdown())
        print(texts[-1], flush=True)
        if arguments.out:
            arguments.out.mkdir(parents=True, exist_ok=True)
            kept = arguments.out / f"peers.{name}.json"
            kept.write_text(json.dumps({"set": name, "metric": of_set[0], "rows": comparison.rows}, indent=1) + "\n")
            places.run([arguments.python, places.HERE / "plot.py", kept, kept.with_suffix(".svg")])
    if arguments.out:
        (arguments.out / "peers.md").write_text("\n".join(texts))


if __name__ == "__main__":
    try:
        main()
    except places.Failed as why:
        sys.exit(f"peers: {why}")
