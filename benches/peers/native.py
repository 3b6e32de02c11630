"""The peers that are programs: ours, DiskANN3's own benchmark, and the driver of the Rust crates.

Each answers what `worker.py` answers. Standard library only.
"""

import json
import os
import shutil
import time
from pathlib import Path

import places

DISKANN = "0.61.0"
K = 10
TYPES = {"fbin": "float32", "f16bin": "float16", "u8bin": "uint8"}


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

    settings = "defaults, the file's own type, durable files"

    def prepare(self, arguments):
        self.program = arguments.omendb or places.cargo_binary("omendb-cli")
        self.version = places.run([self.program, "--version"]).split()[-1]

    def measure(self, of_set, threads, widths, rounds, timeout, scratch):
        metric, base, queries, truth = of_set
        database, few = self.fresh(scratch, "ours.omen"), self.fresh(scratch, "few.omen")
        start = time.monotonic()
        built, peak = self.run("build", database, base, "--metric", metric, "--threads", threads, timeout=timeout)
        asked = ["-k", K, "--threads", 1, "--rounds", rounds]
        searched, held = self.run("search", database, queries, *asked, "--width", ",".join(map(str, widths)),
                                  "--truth", truth, timeout=max(1, timeout - (time.monotonic() - start)))
        self.run("build", few, places.first_rows(base, K, scratch), "--metric", metric)
        call, idle = self.run("search", few, queries, *asked, "--width", K)
        return {
            "version": self.version, "settings": self.settings, "rows": built["rows"],
            "build_seconds": built["seconds"], "rows_per_second": built["rows_per_second"],
            # What a process that searches holds, mapped files included, beside one on the ten rows.
            "bytes_per_row": (held - idle) / built["rows"],
            "peak_bytes": max(peak, held), "call_us": 1e6 / call["runs"][0]["qps"],
            "runs": [{name: run[name] for name in ("width", "recall", "qps", "mean_distances")} for run in searched["runs"]],
        }

    def fresh(self, scratch, name):
        path = Path(scratch) / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def run(self, *words, timeout=None):
        """What a command of ours answers, and the memory it held at its highest."""
        said, peak = places.run_weighed([self.program, *words, "--json"], timeout)
        return json.loads(said), peak


class Diskann:
    """DiskANN3, through the program that its authors publish for this."""

    codes = False
    settings = "Vamana, degree 32, build width 100, alpha 1.2, the file's own type"

    def prepare(self, arguments):
        root = places.cache() / f"diskann-{DISKANN}"
        self.program = root / "bin" / "diskann-benchmark"
        self.version = DISKANN
        if not self.program.exists():
            places.say(f"installing diskann-benchmark {DISKANN} (about 10 minutes)")
            places.run(["cargo", "install", f"diskann-benchmark@{DISKANN}", "--locked", "--features",
                        "scalar-quantization", "--root", root], env={**os.environ, "RUSTFLAGS": "-C target-cpu=native"})

    def measure(self, of_set, threads, widths, rounds, timeout, scratch):
        metric, base, queries, truth = of_set
        if self.codes:
            base, queries = widened(base, scratch), widened(queries, scratch)
        job = {"source": {
            "index-source": "Build", "data_type": TYPES[base.suffix[1:]], "data": str(base),
            "distance": {"l2": "squared_l2", "ip": "inner_product"}[metric], "max_degree": 32, "l_build": 100,
            "alpha": 1.2, "backedge_ratio": 1.0, "num_threads": threads, "start_point_strategy": "medoid",
            "multi_insert": None, "insert_retry": None, "save_path": None,
        }, "search_phase": {
            "search-type": "topk", "queries": str(queries), "groundtruth": str(truth), "reps": rounds, "num_threads": [1],
            "runs": [{"search_n": K, "search_l": widths, "recall_k": K}],
        }}
        kind, content = "graph-index-build", job
        if self.codes:
            kind = "graph-index-build-sq"
            content = {"index_operation": job, "num_bits": 8, "standard_deviations": 2.0, "use_fp_for_search": False}
        asked, answered = Path(scratch) / "diskann.json", Path(scratch) / "diskann.out.json"
        asked.write_text(json.dumps({"search_directories": [str(base.parent)], "jobs": [{"type": kind, "content": content}]}))
        _, peak = places.run_weighed([self.program, "--quiet", "run", "--input-file", asked, "--output-file", answered], timeout)
        results = json.loads(answered.read_text())[0]["results"]
        if self.codes:
            results = results["build"]
        build, search = results["build"], results["search"]["Topk"]
        seconds, rows = build["total_time"] / 1e6, build["vectors_inserted"]
        return {
            "version": self.version, "settings": self.settings, "rows": rows, "build_seconds": seconds,
            "rows_per_second": rows / seconds, "bytes_per_row": None, "peak_bytes": peak, "call_us": None,
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

    def prepare(self, arguments):
        target = places.cache() / "rust-target"
        self.program = target / "release" / "rust-peers"
        places.say("building the Rust peers")
        places.run(["cargo", "build", "--release", "--locked", "--manifest-path", places.HERE / "rust" / "Cargo.toml"],
                   env={**os.environ, "RUSTFLAGS": "-C target-cpu=native", "CARGO_TARGET_DIR": str(target)})

    def measure(self, of_set, threads, widths, rounds, timeout, scratch):
        words = [self.program, self.name, *of_set, threads, rounds, ",".join(map(str, widths))]
        said, peak = places.run_weighed(words, timeout)
        return {**json.loads(said), "peak_bytes": peak}


class Module:
    """Ours as an extension module, which `worker.py` imports: `called/`, compiled as ours always is."""

    def prepare(self, arguments):
        target = places.cache() / "called-target"
        places.say("building the extension module of ours")
        places.run(["cargo", "build", "--release", "--locked", "--manifest-path", places.HERE / "called" / "Cargo.toml"],
                   env={**os.environ, "PYO3_PYTHON": str(arguments.python), "CARGO_TARGET_DIR": str(target)})
        packages = places.run([arguments.python, "-c", "import sysconfig; print(sysconfig.get_path('platlib'))"])
        shutil.copy(target / "release" / "libomendb_called.so", Path(packages.strip()) / "omendb_called.so")


PROGRAMS = {
    "omendb": Omendb(),
    "diskann": Diskann(),
    "diskann-sq8": DiskannCodes(),
    "hnsw_rs": Crate("hnsw_rs"),
    "instant-distance": Crate("instant-distance"),
}
MODULES = {"omendb-python": Module()}
