"""What hnswlib and Faiss find of the rows that `omendb-benches robust --peers` wrote.

    python3 peers.py FOLDER METRIC K

FOLDER holds rows.fbin and queries.fbin. The numbers of the rows found are written there as NAME.ibin, -1
where fewer than K came; distances a query are printed as JSON, as far as a library tells them. All have
ef_construction = 200 and ef = 64. hnswlib and faiss16 have M = 16, lists of 32 at the base, as ours are;
faiss32 has M = 32, lists of 64.

The libraries are installed into $XDG_CACHE_HOME/omendb/robust, else ~/.cache/omendb/robust, once.
"""

import json
import os
import struct
import subprocess
import sys
import venv
from functools import partial
from pathlib import Path

PACKAGES = ["hnswlib==0.8.0", "faiss-cpu==1.15.1", "numpy"]
CONSTRUCTION, WIDTH = 200, 64
THREADS = os.cpu_count() or 1


def environment():
    """The Python that has the libraries; it is made where there is none."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = Path(base) / "omendb" / "robust" / "venv"
    python = home / "bin" / "python"
    # Written last: what was left half done is done again.
    done = home / "installed"
    if not done.exists() or done.read_text() != " ".join(PACKAGES):
        print(f"installing {', '.join(PACKAGES)} into {home}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        done.write_text(" ".join(PACKAGES))
    return python


def read(path):
    import numpy

    rows, dim = struct.unpack("<II", path.open("rb").read(8))
    return numpy.fromfile(path, "<f4", offset=8).reshape(rows, dim)


def write(path, found):
    path.write_bytes(struct.pack("<II", *found.shape) + found.astype("<i4").tobytes())


def hnswlib(rows, queries, metric, k):
    """It tells no distances."""
    import hnswlib
    import numpy

    index = hnswlib.Index(space=metric, dim=rows.shape[1])
    index.init_index(max_elements=len(rows), M=16, ef_construction=CONSTRUCTION)
    index.add_items(rows, num_threads=THREADS)
    index.set_ef(max(WIDTH, k))
    found = numpy.full((len(queries), k), -1)
    for query, answer in zip(queries, found):
        # It refuses to answer with fewer than it is asked for.
        for few in range(k, 0, -1):
            try:
                answer[:few] = index.knn_query(query, k=few, num_threads=1)[0][0]
                break
            except RuntimeError:
                continue
    return found, None


def faiss(rows, queries, metric, k, degree):
    import faiss

    faiss.omp_set_num_threads(THREADS)
    if metric == "cosine":
        rows, queries = rows.copy(), queries.copy()
        faiss.normalize_L2(rows)
        faiss.normalize_L2(queries)
    product = faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexHNSWFlat(rows.shape[1], degree, product)
    index.hnsw.efConstruction = CONSTRUCTION
    index.hnsw.efSearch = max(WIDTH, k)
    index.add(rows)
    faiss.cvar.hnsw_stats.reset()
    found = index.search(queries, k)[1]
    return found, faiss.cvar.hnsw_stats.ndis / len(queries)


def main(folder, metric, k):
    rows, queries = read(folder / "rows.fbin"), read(folder / "queries.fbin")
    libraries = {"hnswlib": hnswlib, "faiss16": partial(faiss, degree=16), "faiss32": partial(faiss, degree=32)}
    distances = {}
    for name, library in libraries.items():
        found, distances[name] = library(rows, queries, metric, k)
        write(folder / f"{name}.ibin", found)
    print(json.dumps(distances))


if __name__ == "__main__":
    python = environment()
    if Path(sys.prefix) != python.parent.parent:
        sys.exit(subprocess.run([python, *sys.argv]).returncode)
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
