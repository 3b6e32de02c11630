"""One library on one set, in a process of its own: builds, sweeps the width, prints one JSON object.

    worker.py LIBRARY METRIC BASE QUERIES TRUTH THREADS ROUNDS WIDTHS [SAVE_TO]
    worker.py probe METRIC BASE QUERIES THREADS ROUNDS SAVED

The probe is hnswlib once more: two builds of the first rows and, once it is there, searches of the saved
index. It runs before and after each peer and tells how fast the machine is at that moment.
"""

import importlib.metadata
import json
import os
import sys
import time

import numpy

from libraries import LIBRARIES, Hnswlib

K = 10
PROBE_ROWS = 5_000
PROBE_BUILDS = 2
PROBE_WIDTH = 40
ENOUGH = 0.997

TYPES = {"fbin": numpy.float32, "f16bin": numpy.float16, "u8bin": numpy.uint8, "ibin": numpy.int32}


def ending(path):
    return path.rsplit(".", 1)[1]


def read(path, most=None):
    rows, dim = (int(value) for value in numpy.fromfile(path, dtype="<u4", count=2))
    rows = min(rows, most or rows)
    values = numpy.fromfile(path, dtype=TYPES[ending(path)], offset=8, count=rows * dim)
    return values.reshape(rows, dim)


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def per_call(library, queries, rounds):
    """Seconds of a call: the best of the rounds over all queries, one query a call."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for query in queries:
            library.search(query, K)
        best = min(best, (time.perf_counter() - start) / len(queries))
    return best


def call_cost(library, base, queries, rounds):
    """Seconds of a call that has next to nothing to search: an index of k rows."""
    library.build(base[:K].copy(), 1)
    library.width(K)
    return per_call(library, queries, rounds)


def measure(name, metric, base_path, query_path, truth_path, threads, rounds, widths, save_to=None):
    kind = LIBRARIES[name]
    numbers = TYPES[ending(base_path)]
    library = kind(metric, numbers)
    base, queries = library.prepare(read(base_path)), list(library.prepare(read(query_path)))
    truth = [set(row[:K]) for row in read(truth_path)]
    # First, so that the library is loaded before memory is looked at.
    call = call_cost(kind(metric, numbers), base, queries, rounds)
    before, start = resident(), time.perf_counter()
    library.build(base, threads)
    seconds = time.perf_counter() - start
    runs = []
    for width in widths:
        library.width(width)
        found = sum(len(wanted & set(map(int, library.search(query, K)))) for query, wanted in zip(queries, truth))
        runs.append({"width": width, "recall": found / (K * len(queries)), "qps": 1 / per_call(library, queries, rounds)})
        if runs[-1]["recall"] >= ENOUGH:
            break
    grown = resident() - before
    if save_to:
        library.save(save_to)
    return {
        "version": version(kind), "settings": library.settings, "rows": len(base),
        "build_seconds": seconds, "rows_per_second": len(base) / seconds,
        "bytes_per_row": grown / len(base), "runs": runs, "call_us": 1e6 * call,
    }


def version(kind):
    """What is installed; none for ours, which is of the checkout."""
    return importlib.metadata.version(kind.package) if kind.package else None


def probe(metric, base_path, query_path, threads, rounds, saved):
    library, built = Hnswlib(metric, TYPES[ending(base_path)]), 0.0
    base, queries = library.prepare(read(base_path, PROBE_ROWS)), list(library.prepare(read(query_path)))
    for _ in range(PROBE_BUILDS):
        start = time.perf_counter()
        library.build(base, threads)
        built = max(built, len(base) / (time.perf_counter() - start))
    if not os.path.exists(saved):
        return {"rows_per_second": built}
    library.load(saved, base.shape[1])
    library.width(PROBE_WIDTH)
    return {"rows_per_second": built, "qps": 1 / per_call(library, queries, rounds)}


def main(words):
    if words[0] == "probe":
        metric, base, queries, threads, rounds, saved = words[1:]
        answer = probe(metric, base, queries, int(threads), int(rounds), saved)
    else:
        name, metric, base, queries, truth, threads, rounds, widths, *save_to = words
        widths = [int(width) for width in widths.split(",")]
        answer = measure(name, metric, base, queries, truth, int(threads), int(rounds), widths, *save_to)
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
    # Some libraries crash while their globals are torn down; the answer is out by then.
    sys.stdout.flush()
    os._exit(0)
