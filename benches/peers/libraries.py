"""The Python libraries, each behind the same calls: build, width, search.

A class is made for a metric and the type of the file's numbers (u8, f16 or f32); `prepare` converts what
its library cannot take, before the clock starts. Settings are the library's own recommendation, or those
nearest to a degree of 32, and of its own codes those that lose nothing of the file's numbers where it has
such; `settings` says which. Cosine sets are given as inner product over unit rows.
"""

import json
import tempfile

import numpy


class Library:
    """What all have: the metric, the file's numbers, and rows as f32 unless a library takes others."""

    def __init__(self, metric, numbers):
        self.metric, self.numbers = metric, numbers

    def prepare(self, vectors):
        return vectors.astype(numpy.float32)


class Hnswlib(Library):
    package = "hnswlib"
    settings = "M 16, ef_construction 200, f32"

    def build(self, base, threads):
        import hnswlib

        self.index = hnswlib.Index(space=self.metric, dim=base.shape[1])
        self.index.init_index(len(base), ef_construction=200, M=16, random_seed=1)
        self.index.set_num_threads(threads)
        self.index.add_items(base)
        self.index.set_num_threads(1)

    def width(self, width):
        self.index.set_ef(width)

    def search(self, query, k):
        return self.index.knn_query(query, k)[0][0]

    def save(self, path):
        self.index.save_index(path)

    def load(self, path, dim):
        import hnswlib

        self.index = hnswlib.Index(space=self.metric, dim=dim)
        self.index.load_index(path)
        self.index.set_num_threads(1)


class Usearch(Library):
    package = "usearch"
    # Bytes that come from NumPy it takes for bits, and singles that it makes bytes of lose too much.
    settings = "connectivity 16, expansion_add 200, bf16"

    def build(self, base, threads):
        from usearch.index import Index

        self.index = Index(ndim=base.shape[1], metric={"l2": "l2sq", "ip": "ip"}[self.metric], dtype="bf16",
                           connectivity=16, expansion_add=200)
        self.index.add(numpy.arange(len(base), dtype=numpy.uint64), base, threads=threads)

    def width(self, width):
        self.index.expansion_search = width

    def search(self, query, k):
        return self.index.search(query, k, threads=1).keys


class Faiss(Library):
    package = "faiss-cpu"

    @property
    def settings(self):
        return f"HNSW32, efConstruction 200, {'bytes as they are' if self.numbers is numpy.uint8 else 'SQ8'}"

    def build(self, base, threads):
        import faiss

        faiss.omp_set_num_threads(threads)
        kind = {"l2": faiss.METRIC_L2, "ip": faiss.METRIC_INNER_PRODUCT}[self.metric]
        codes = faiss.ScalarQuantizer
        codes = codes.QT_8bit_direct if self.numbers is numpy.uint8 else codes.QT_8bit
        self.index = faiss.IndexHNSWSQ(base.shape[1], codes, 32, kind)
        self.index.hnsw.efConstruction = 200
        self.index.train(base)
        self.index.add(base)
        faiss.omp_set_num_threads(1)

    def width(self, width):
        self.index.hnsw.efSearch = width

    def search(self, query, k):
        return self.index.search(query[None], k)[1][0]


class Zvec(Library):
    package = "zvec"
    quantizer, bits = "UNIFORM_UINT7", 7
    FLAT = {numpy.uint8: "VECTOR_UINT8", numpy.float16: "VECTOR_FP16", numpy.float32: "VECTOR_FP32"}

    @property
    def settings(self):
        return (f"Vamana, degree 64, build width 100, two passes, {self.bits}-bit uniform codes, refined by "
                f"{numpy.dtype(self.numbers).name} rows; inner product as L2")

    def prepare(self, vectors):
        """Its uniform codes know L2 alone, which orders rows of one length as the inner product does."""
        vectors = vectors.astype(numpy.float32)
        if self.metric == "l2":
            return vectors
        lengths = numpy.linalg.norm(vectors, axis=1, keepdims=True)
        if abs(lengths - 1).max() > 0.01:
            raise ValueError("uniform codes support L2 only, and these rows have not one length")
        return vectors / lengths

    def build(self, base, threads):
        import zvec

        zvec.init(log_level=zvec.LogLevel.ERROR, query_threads=1, optimize_threads=threads)
        self.zvec = zvec
        self.folder = tempfile.TemporaryDirectory()
        path = self.folder.name + "/collection"
        parameters = zvec.VamanaIndexParam(
            metric_type=zvec.MetricType.L2, max_degree=64, search_list_size=100,
            use_contiguous_memory=True, use_flat_contiguous_memory=True,
            flat_data_type=getattr(zvec.DataType, self.FLAT[self.numbers]),
            quantize_type=getattr(zvec.QuantizeType, self.quantizer))
        vectors = zvec.VectorSchema("v", zvec.DataType.VECTOR_FP32, base.shape[1], index_param=parameters)
        collection = zvec.create_and_open(path=path, schema=zvec.CollectionSchema(name="peer", vectors=vectors))
        for start in range(0, len(base), 1000):
            rows = range(start, min(start + 1000, len(base)))
            collection.insert([zvec.Doc(id=str(row), vectors={"v": base[row]}) for row in rows])
        collection.optimize(zvec.OptimizeOption(concurrency=threads))
        collection.flush()
        collection.close()
        self.collection = zvec.open(path, zvec.CollectionOption(read_only=True, enable_mmap=True))

    def width(self, width):
        self.parameters = self.zvec.VamanaQueryParam(ef_search=width, is_using_refiner=True)

    def search(self, query, k):
        asked = self.zvec.Query(field_name="v", vector=query, param=self.parameters)
        return self.collection.query_internal_ids(asked, topk=k)


class Zvec4(Zvec):
    quantizer, bits = "UNIFORM_UINT4", 4


class Vsag(Library):
    package = "pyvsag"
    settings = "HGraph, degree 32, ef_construction 200, sq8 with f32 reorder"

    def build(self, base, threads):
        import pyvsag

        pyvsag.set_logger_off()
        dim = base.shape[1]
        self.index = pyvsag.Index("hgraph", json.dumps({
            "dtype": "float32", "metric_type": self.metric, "dim": dim,
            "index_param": {"base_quantization_type": "sq8", "use_reorder": True,
                            "precise_quantization_type": "fp32", "max_degree": 32,
                            "ef_construction": 200, "build_thread_count": threads}}))
        self.index.build(base.reshape(-1), numpy.arange(len(base), dtype=numpy.int64), len(base), dim)

    def width(self, width):
        self.parameters = json.dumps({"hgraph": {"ef_search": width}})

    def search(self, query, k):
        # (ids, distances), whatever its documentation says.
        return self.index.knn_search(query, k, self.parameters)[0]


class Svs(Library):
    package = "scalable-vs"
    settings = "Vamana, degree 32, window 100, rows as they are"

    def prepare(self, vectors):
        return vectors

    def build(self, base, threads):
        import svs

        parameters = svs.VamanaBuildParameters(alpha={"l2": 1.2, "ip": 0.95}[self.metric], graph_max_degree=32,
                                               window_size=100)
        kind = {"l2": svs.DistanceType.L2, "ip": svs.DistanceType.MIP}[self.metric]
        self.index = svs.Vamana.build(parameters, base, kind, num_threads=threads)
        self.index.num_threads = 1

    def width(self, width):
        self.index.search_window_size = width

    def search(self, query, k):
        return self.index.search(query, k)[0][0]


class SvsLvq(Svs):
    settings = "Vamana, degree 32, window 100, LVQ of 4 and 8 bits (Intel's processors)"
    prepare = Library.prepare

    def build(self, base, threads):
        import svs

        parameters = svs.VamanaBuildParameters(alpha={"l2": 1.2, "ip": 0.95}[self.metric], graph_max_degree=32,
                                               window_size=100)
        kind = {"l2": svs.DistanceType.L2, "ip": svs.DistanceType.MIP}[self.metric]
        with tempfile.TemporaryDirectory() as folder:
            svs.write_vecs(base, folder + "/rows.fvecs")
            rows = svs.VectorDataLoader(folder + "/rows.fvecs", svs.DataType.float32, base.shape[1])
            codes = svs.LVQLoader(rows, primary=4, residual=8, padding=32)
            self.index = svs.Vamana.build(parameters, codes, kind, num_threads=threads)
        self.index.num_threads = 1


class Called(Library):
    """Ours, through an extension module as the peers have one (see `called/`)."""

    package = None
    settings = "as omendb, called from Python"

    def prepare(self, vectors):
        return vectors

    def build(self, base, threads):
        import omendb_called

        self.folder = tempfile.TemporaryDirectory()
        self.index = omendb_called.Database(self.folder.name + "/ours.omen", base, self.metric, threads)

    def width(self, width):
        self.index.set_width(width)

    def search(self, query, k):
        return self.index.search(query, k)[0]


class Predecessor(Library):
    package = "omendb"
    settings = "defaults, in memory"

    def build(self, base, threads):
        import omendb

        self.index = omendb.create(":memory:", {"metric": self.metric, "dense": {"dim": base.shape[1]}})
        for start in range(0, len(base), 10_000):
            rows = range(start, min(start + 10_000, len(base)))
            self.index.set([{"id": str(row), "vector": base[row]} for row in rows])
        self.index.flush()

    def width(self, width):
        self.index.ef_search = width

    def search(self, query, k):
        return [int(hit["id"]) for hit in self.index.search(query, k)]


LIBRARIES = {
    "hnswlib": Hnswlib,
    "usearch": Usearch,
    "faiss": Faiss,
    "zvec7": Zvec,
    "zvec4": Zvec4,
    "vsag": Vsag,
    "svs": Svs,
    "svs-lvq": SvsLvq,
    "omendb-python": Called,
    "omendb-pypi": Predecessor,
}
