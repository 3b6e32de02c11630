#!/usr/bin/env python3
"""Other libraries beside ours on the same file: recall against queries a second, build, memory.

    python3 benches/peers/peers.py --data DIR [--sets mnist784] [--peers all] [--out DIR]

Installs what it compares into a cache of its own (see places.py), runs each library in a process of
its own, and prints Markdown; --out also keeps the figures (JSON), the tables and the plot (SVG).

Fair means: the same rows, queries, k = 10 and threads (2 to build, 1 to search), one query a call,
the best of several rounds. hnswlib (M = 16, ef_construction = 200) is the unit: it is built once, and
before and after it and each peer its searches and a small build of it are timed again, so that a slow hour
of the machine divides out; the tables say by how much. What a call costs with next to nothing to search
(an index of ten rows) is measured for each library and taken off; the tables say how much, and how it
is with calls included. A peer that fails, or for which --minutes does not suffice, is a row that says why.
"""

import argparse
import json
import struct
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import figures
import native
import places

K = 10
WIDTHS = [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320]
# Of sets with more rows than LARGE so many are built first, to tell how long all would take.
TRIAL = 5_000
LARGE = 100_000
# Queries that are asked at each width, in as many rounds as that takes; the fastest round counts.
ASKED = 5_000
VERSIONS = {
    "hnswlib": "hnswlib==0.8.0", "usearch": "usearch==2.26.6", "faiss": "faiss-cpu==1.15.1", "zvec7": "zvec==0.8.0",
    "zvec4": "zvec==0.8.0", "vsag": "pyvsag==0.18.5", "svs": "scalable-vs==0.5.0", "svs-lvq": "scalable-vs==0.5.0",
    "omendb-pypi": "omendb==0.0.37",
}
# In the order of measuring: what the time for a large set must suffice for comes first.
PEERS = ["omendb", "diskann", "zvec7", "svs", "faiss", "usearch", "zvec4", "svs-lvq", "diskann-sq8", "omendb-python",
         "vsag", "hnsw_rs", "instant-distance", "omendb-pypi"]


class Comparison:
    """All peers on one set."""

    def __init__(self, name, of_set, minutes, arguments, scratch):
        self.name, self.of_set, self.minutes, self.arguments, self.scratch = name, of_set, minutes, arguments, scratch
        self.saved = Path(scratch) / "hnswlib.index"
        self.rounds = max(1, ASKED // places.shape(of_set[2])[0])
        self.rows, self.start = {}, time.monotonic()
        self.limit = arguments.timeout

    def left(self):
        """Seconds until --minutes are over."""
        return 60 * self.minutes - (time.monotonic() - self.start)

    def worker(self, *words):
        command = [self.arguments.python, places.HERE / "worker.py", *words]
        said, peak = places.run_weighed(command, self.limit)
        return {**json.loads(said.strip().splitlines()[-1]), "peak_bytes": peak}

    def library(self, name, of_set, widths, *save_to):
        return self.worker(name, *of_set, self.arguments.threads, self.rounds, ",".join(map(str, widths)), *save_to)

    def probe(self):
        """How fast the machine is: a small build and, once it is built, searches of the unit."""
        answer = self.worker("probe", *self.of_set[:3], self.arguments.threads, self.rounds, self.saved)
        return {name: answer[name] for name in ("rows_per_second", "qps") if name in answer}

    def measure(self, peer, of_set, widths):
        if peer in native.PROGRAMS:
            return native.PROGRAMS[peer].measure(of_set, self.arguments.threads, widths, self.rounds,
                                                 self.limit, self.scratch)
        return self.library(peer, of_set, widths)

    def attempt(self, peer, before):
        """The peer's row, unless a trial shows that its build would take too long."""
        if peer in self.arguments.missing:
            raise places.Failed(self.arguments.missing[peer])
        metric, base, queries, truth = self.of_set
        if places.shape(base)[0] > LARGE:
            few = metric, places.first_rows(base, TRIAL, self.scratch), queries, self.any_truth()
            speed = self.measure(peer, few, WIDTHS[:1])["rows_per_second"]
            needs = self.rows["hnswlib"]["build_seconds"] * before["rows_per_second"] / speed
            if needs > self.limit:
                raise places.Failed(f"not measured: builds {TRIAL:,} rows at {speed:,.0f} rows/s (hnswlib: "
                                    f"{before['rows_per_second']:,.0f}), so that all would take about {needs:.0f} s, "
                                    f"more than the {self.limit:.0f} s that it had")
        return self.measure(peer, self.of_set, WIDTHS)

    def any_truth(self):
        """A truth of rows that a trial has: it is asked, and what it finds does not matter."""
        path, count = Path(self.scratch) / "any.ibin", places.shape(self.of_set[2])[0]
        path.write_bytes(struct.pack("<II", count, K) + struct.pack(f"<{K}I", *range(K)) * count)
        return path

    def run(self):
        places.say(f"{self.name}: hnswlib, the unit")
        earlier = self.probe()
        self.rows["hnswlib"] = self.library("hnswlib", self.of_set, WIDTHS, self.saved)
        before = self.probe()
        # Its build lies between the two; its searches had just ended.
        first = {**before, "rows_per_second": (earlier["rows_per_second"] + before["rows_per_second"]) / 2}
        for peer in self.arguments.peers:
            places.say(f"{self.name}: {peer}, after {time.monotonic() - self.start:.0f} s")
            # Half a minute, however late: most sets of ten thousand rows take less.
            self.limit = min(self.arguments.timeout, max(30, self.left()))
            try:
                row = self.attempt(peer, before)
            # Whatever becomes of a peer is its row, and the others go on.
            except Exception as why:  # noqa: BLE001
                row = {"failed": str(why) if isinstance(why, places.Failed) else f"{type(why).__name__}: {why}"}
            self.limit = self.arguments.timeout
            after = self.probe()
            # How fast the machine was meanwhile, as a share of when the unit was measured.
            row["machine"] = {name: (before[name] + after[name]) / 2 / first[name] for name in before}
            before = after
            self.rows[peer] = row
        return {
            "set": self.name, "metric": self.of_set[0], "run": self.arguments.run,
            "date": f"{datetime.now(timezone.utc):%Y-%m-%d}", "commit": places.commit(),
            "processor": places.processor(), "threads": self.arguments.threads,
            "minutes": self.minutes, "timeout": self.arguments.timeout, "rounds": self.rounds,
            "seconds": time.monotonic() - self.start, "rows": self.rows,
        }


def prepare(arguments):
    """Installs and builds what will be compared; what cannot be had is remembered with its reason."""
    wanted = {peer: VERSIONS[peer] for peer in arguments.peers if peer in VERSIONS}
    packages = ["numpy", "matplotlib", VERSIONS["hnswlib"], *dict.fromkeys(wanted.values())]
    arguments.python, failed = places.environment(packages)
    arguments.missing = {peer: failed[package] for peer, package in wanted.items() if package in failed}
    for peer in arguments.peers:
        program = native.PROGRAMS.get(peer) or native.MODULES.get(peer)
        if program:
            try:
                program.prepare(arguments)
            except places.Failed as why:
                arguments.missing[peer] = f"not buildable: {why}"


def of_each(minutes, sets):
    """The minutes of each set: one number for all, or as many as there are sets."""
    try:
        numbers = [float(word) for word in minutes.split(",")]
    except ValueError:
        raise places.Failed(f"--minutes takes numbers with commas between, and got '{minutes}'") from None
    if len(numbers) not in (1, sets):
        raise places.Failed(f"--minutes takes one number or one for each of {sets} sets, and got '{minutes}'")
    return numbers * sets if len(numbers) == 1 else numbers


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the sets (default: $OMENDB_DATA)")
    parser.add_argument("--sets", default="mnist784", help=f"with commas between: {', '.join(places.SETS)}")
    parser.add_argument("--peers", default="all", help=f"with commas between: {', '.join(PEERS)}")
    parser.add_argument("--threads", type=int, default=2, help="to build with")
    parser.add_argument("--timeout", type=float, default=300, help="seconds that one peer may take on one set")
    parser.add_argument("--minutes", default="13", help="that a set may take, or with commas between that each may: "
                        "what is not done by then is cut off; of a large set no build is begun that a trial shows "
                        "would not be done")
    parser.add_argument("--omendb", type=Path, help="our binary (default: built now)")
    parser.add_argument("--out", type=Path, help="folder for peers.SET.json, peers.md and peers.svg")
    arguments = parser.parse_args()
    arguments.peers = PEERS if arguments.peers == "all" else arguments.peers.split(",")
    unknown = [peer for peer in arguments.peers if peer not in PEERS]
    if unknown:
        raise places.Failed(f"no such peer: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    folder = places.data_folder(arguments.data)
    sets = {name: places.data_set(folder, name) for name in arguments.sets.split(",")}
    minutes = of_each(arguments.minutes, len(sets))
    # What is compared in one table should be of one run.
    arguments.run = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    prepare(arguments)
    for (name, of_set), allowed in zip(sets.items(), minutes):
        with tempfile.TemporaryDirectory() as scratch:
            kept = Comparison(name, of_set, allowed, arguments, scratch).run()
        print(figures.table(kept), flush=True)
        if arguments.out:
            arguments.out.mkdir(parents=True, exist_ok=True)
            (arguments.out / f"peers.{name}.json").write_text(json.dumps(kept, indent=1) + "\n")
            (arguments.out / "peers.md").write_text(figures.document(figures.load(arguments.out)))
            places.run([arguments.python, places.HERE / "plot.py", arguments.out])


if __name__ == "__main__":
    try:
        main()
    except places.Failed as why:
        sys.exit(f"peers: {why}")
