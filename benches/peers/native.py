"""The peers that are programs: ours, DiskANN3's own benchmark, and the driver of the Rust crates.

Each answers what `worker.py` answers. Standard library only.
"""

import json
import os
import shutil
import struct
from pathlib import Path

import places

DISKANN = "0.61.0"
K = 10
SIZES = {"fbin": 4, "f16bin": 2, "u8bin": 1}
TYPES = {"fbin": "float32", "f16bin": "float16", "u8bin": "uint8"}


def first_rows(path, rows, scratch):
    """A file of the first rows of another, of the same type."""
    ending = path.suffix[1:]
    with path.open("rb") as file:
        _, dim = struct.unpack("<II", file.read(8))
        values = file.read(rows * dim * SIZES[ending])
    part = Path(scratch) / f"first{rows}.{ending}"
    part.write_bytes(struct.pack("<II", rows, dim) + values)
    return part


def widened(path, scratch):
    """The file as f32, for a program that takes nothing else; Python of our environment does it."""
    wide = Path(scratch) / (path.stem + ".fbin")
    if not wide.exists():
        python, _ = places.environment(["numpy"])
        code = ("import sys,numpy as n; t={'fbin':'f4','f16bin':'f2','u8bin':'u1'}[sys.argv[1].rsplit('.',1)[1]];"
                "h=n.fromfile(sys.argv[1],'<u4',2); o=open(sys.argv[2],'wb'); h.tofile(o);"
                "n.fromfile(sys.argv[1],t,offset=8).astype('<f4').tofile(o)")
        places.run([python, "-c", code, path, wide])
    return wide


class Omendb:
    """Ours, by its own program."""

    settings = "defaults, the file's own type"

    def prepare(self, threads, given=None):
        self.program = given or places.cargo_binary("omendb-cli")
        self.version = places.run([self.program, "--version"]).split()[-1]

    def measure(self, of_set, threads, widths, timeout, scratch):
        metric, base, queries, truth = of_set
        database = Path(scratch) / "ours.omen"
        shutil.rmtree(database, ignore_errors=True)
        built = json.loads(places.run([self.program, "build", database, base, "--metric", metric, "--threads", threads,
                                    "--json"], timeout))
        searched = self.search(database, queries, truth, widths, timeout)
        few = first_rows(base, K, scratch)
        tiny = Path(scratch) / "tiny.omen"
        shutil.rmtree(tiny, ignore_errors=True)
        places.run([self.program, "build", tiny, few, "--metric", metric, "--json"])
        call = self.search(tiny, queries, None, [K], timeout)["runs"][0]["qps"]
        memory = json.loads(places.run([self.program, "info", database, "--json"]))
        return {
            "version": self.version, "settings": self.settings, "rows": built["rows"],
            "build_seconds": built["seconds"], "rows_per_second": built["rows_per_second"],
            "peak_bytes": built["peak_bytes"], "disk_bytes_per_row": built["disk_bytes"] / built["rows"],
            "bytes_per_row": memory.get("memory_bytes", built["disk_bytes"]) / built["rows"],
            "call_us": 1e6 / call,
            "runs": [{name: run[name] for name in ("width", "recall", "qps", "mean_distances")} for run in searched["runs"]],
        }

    def search(self, database, queries, truth, widths, timeout):
        words = [self.program, "search", database, queries, "-k", K, "--width", ",".join(map(str, widths)),
                 "--threads", 1, "--rounds", 3, "--json"]
        if truth:
            words += ["--truth", truth]
        return json.loads(places.run(words, timeout))


class Diskann:
    """DiskANN3, through the program that its authors publish for this."""

    codes = False
    settings = "Vamana, degree 32, build width 100, alpha 1.2, the file's own type"

    def prepare(self, threads, given=None):
        root = places.cache() / "diskann"
        self.program = root / "bin" / "diskann-benchmark"
        self.version = DISKANN
        if not self.program.exists():
            places.say(f"installing diskann-benchmark {DISKANN} (about 10 minutes)")
            places.run(["cargo", "install", f"diskann-benchmark@{DISKANN}", "--locked", "--features",
                        "scalar-quantization", "--root", root], env={**os.environ, "RUSTFLAGS": "-C target-cpu=native"})

    def measure(self, of_set, threads, widths, timeout, scratch):
        metric, base, queries, truth = of_set
        if self.codes:
            base, queries = widened(base, scratch), widened(queries, scratch)
        job = {"source": {
            "index-source": "Build", "data_type": TYPES[base.suffix[1:]], "data": str(base),
            "distance": {"l2": "squared_l2", "ip": "inner_product"}[metric], "max_degree": 32, "l_build": 100,
            "alpha": 1.2, "backedge_ratio": 1.0, "num_threads": threads, "start_point_strategy": "medoid",
            "multi_insert": None, "insert_retry": None, "save_path": None,
        }, "search_phase": {
            "search-type": "topk", "queries": str(queries), "groundtruth": str(truth), "reps": 3, "num_threads": [1],
            "runs": [{"search_n": K, "search_l": widths, "recall_k": K}],
        }}
        kind, content = "graph-index-build", job
        if self.codes:
            kind = "graph-index-build-sq"
            content = {"index_operation": job, "num_bits": 8, "standard_deviations": 2.0, "use_fp_for_search": False}
        asked, answered = Path(scratch) / "diskann.json", Path(scratch) / "diskann.out.json"
        asked.write_text(json.dumps({"search_directories": [str(base.parent)], "jobs": [{"type": kind, "content": content}]}))
        places.run([self.program, "--quiet", "run", "--input-file", asked, "--output-file", answered], timeout)
        results = json.loads(answered.read_text())[0]["results"]
        if self.codes:
            results = results["build"]
        build, search = results["build"], results["search"]["Topk"]
        seconds, rows = build["total_time"] / 1e6, build["vectors_inserted"]
        return {
            "version": self.version, "settings": self.settings, "rows": rows, "build_seconds": seconds,
            "rows_per_second": rows / seconds, "bytes_per_row": None, "peak_bytes": None, "call_us": 0.0,
            "runs": [{"width": run["search_l"], "recall": run["recall"]["average"], "qps": max(run["qps"]),
                      "mean_distances": run["mean_cmps"]} for run in search],
        }


class DiskannCodes(Diskann):
    codes = True
    settings = "Vamana, degree 32, build width 100, alpha 1.2, 8-bit codes"


class Crate:
    """A crate, through `rust/`."""

    def __init__(self, name):
        self.name = name

    def prepare(self, threads, given=None):
        target = places.cache() / "rust-target"
        self.program = target / "release" / "rust-peers"
        places.say("building the Rust peers")
        places.run(["cargo", "build", "--release", "--locked", "--manifest-path", places.HERE / "rust" / "Cargo.toml"],
                   env={**os.environ, "RUSTFLAGS": "-C target-cpu=native", "CARGO_TARGET_DIR": str(target)})

    def measure(self, of_set, threads, widths, timeout, scratch):
        return json.loads(places.run([self.program, self.name, *of_set, threads, ",".join(map(str, widths))], timeout))


PROGRAMS = {
    "omendb": Omendb(),
    "diskann": Diskann(),
    "diskann-sq8": DiskannCodes(),
    "hnsw_rs": Crate("hnsw_rs"),
    "instant-distance": Crate("instant-distance"),
}
