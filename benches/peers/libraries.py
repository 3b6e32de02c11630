"""The Python libraries, each behind the same three calls: build, width, search.

A class takes rows and queries as they are in the file (u8, f16 or f32) and converts what its library
cannot take, before the clock starts. Settings are the library's own recommendation, or those nearest
to a degree of 32; `settings` says which. Cosine sets are given as inner product over unit rows.
"""

import json
import tempfile

import numpy


class Hnswlib:
    package = "hnswlib"
    settings = "M 16, ef_construction 200, f32"

    def prepare(self, vectors):
        return vectors.astype(numpy.float32)

    def build(self, base, metric, threads):
        import hnswlib

        self.index = hnswlib.Index(space=metric, dim=base.shape[1])
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

    def load(self, path, dim, metric):
        import hnswlib

        self.index = hnswlib.Index(space=metric, dim=dim)
        self.index.load_index(path)
        self.index.set_num_threads(1)


class Usearch:
    package = "usearch"
    settings = "connectivity 16, expansion_add 200, bf16"

    def prepare(self, vectors):
        return vectors.astype(numpy.float32)

    def build(self, base, metric, threads):
        from usearch.index import Index

        self.index = Index(ndim=base.shape[1], metric={"l2": "l2sq", "ip": "ip"}[metric], dtype="bf16",
                           connectivity=16, expansion_add=200)
        self.index.add(numpy.arange(len(base), dtype=numpy.uint64), base, threads=threads)

    def width(self, width):
        self.index.expansion_search = width

    def search(self, query, k):
        return self.index.search(query, k, threads=1).keys


class Faiss:
    package = "faiss-cpu"
    settings = "HNSW32, efConstruction 200, SQ8"

    def prepare(self, vectors):
        return vectors.astype(numpy.float32)

    def build(self, base, metric, threads):
        import faiss

        faiss.omp_set_num_threads(threads)
        kind = {"l2": faiss.METRIC_L2, "ip": faiss.METRIC_INNER_PRODUCT}[metric]
        self.index = faiss.IndexHNSWSQ(base.shape[1], faiss.ScalarQuantizer.QT_8bit, 32, kind)
        self.index.hnsw.efConstruction = 200
        self.index.train(base)
        self.index.add(base)
        faiss.omp_set_num_threads(1)

    def width(self, width):
        self.index.hnsw.efSearch = width

    def search(self, query, k):
        return self.index.search(query[None], k)[1][0]


class Zvec:
    package = "zvec"
    quantizer = "UNIFORM_UINT7"
    settings = "Vamana, degree 64, build width 100, two passes, 7-bit uniform codes, refiner; inner product as L2"

    def prepare(self, vectors):
        return vectors.astype(numpy.float32)

    def build(self, base, metric, threads):
        import zvec

        # Its uniform codes know L2 alone, which orders rows of one length as the inner product does.
        if metric == "ip":
            lengths = numpy.linalg.norm(base, axis=1, keepdims=True)
            if abs(lengths - 1).max() > 0.01:
                raise ValueError("uniform codes support L2 only, and these rows have not one length")
            base = base / lengths
        zvec.init(log_level=zvec.LogLevel.ERROR, query_threads=1, optimize_threads=threads)
        self.zvec = zvec
        self.folder = tempfile.TemporaryDirectory()
        path = self.folder.name + "/collection"
        parameters = zvec.VamanaIndexParam(
            metric_type=zvec.MetricType.L2, max_degree=64, search_list_size=100,
            use_contiguous_memory=True, use_flat_contiguous_memory=True,
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
    quantizer = "UNIFORM_UINT4"
    settings = "Vamana, degree 64, build width 100, two passes, 4-bit uniform codes, refiner; inner product as L2"


class Vsag:
    package = "pyvsag"
    settings = "HGraph, degree 32, ef_construction 200, sq8 with f32 reorder"

    def prepare(self, vectors):
        return vectors.astype(numpy.float32)

    def build(self, base, metric, threads):
        import pyvsag

        pyvsag.set_logger_off()
        dim = base.shape[1]
        self.index = pyvsag.Index("hgraph", json.dumps({
            "dtype": "float32", "metric_type": metric, "dim": dim,
            "index_param": {"base_quantization_type": "sq8", "use_reorder": True,
                            "precise_quantization_type": "fp32", "max_degree": 32,
                            "ef_construction": 200, "build_thread_count": threads}}))
        self.index.build(base.reshape(-1), numpy.arange(len(base), dtype=numpy.int64), len(base), dim)

    def width(self, width):
        self.parameters = json.dumps({"hgraph": {"ef_search": width}})

    def search(self, query, k):
        # (ids, distances), whatever its documentation says.
        return self.index.knn_search(query, k, self.parameters)[0]


class Svs:
    package = "scalable-vs"
    settings = "Vamana, degree 32, window 100, rows as they are"

    def prepare(self, vectors):
        return vectors

    def build(self, base, metric, threads):
        import svs

        parameters = svs.VamanaBuildParameters(alpha={"l2": 1.2, "ip": 0.95}[metric], graph_max_degree=32,
                                               window_size=100)
        kind = {"l2": svs.DistanceType.L2, "ip": svs.DistanceType.MIP}[metric]
        self.index = svs.Vamana.build(parameters, base, kind, num_threads=threads)
        self.index.num_threads = 1

    def width(self, width):
        self.index.search_window_size = width

    def search(self, query, k):
        return self.index.search(query, k)[0][0]


class SvsLvq(Svs):
    settings = "Vamana, degree 32, window 100, LVQ of 4 and 8 bits (Intel's processors)"

    def prepare(self, vectors):
        return vectors.astype(numpy.float32)

    def build(self, base, metric, threads):
        import svs

        parameters = svs.VamanaBuildParameters(alpha={"l2": 1.2, "ip": 0.95}[metric], graph_max_degree=32,
                                               window_size=100)
        kind = {"l2": svs.DistanceType.L2, "ip": svs.DistanceType.MIP}[metric]
        with tempfile.TemporaryDirectory() as folder:
            svs.write_vecs(base, folder + "/rows.fvecs")
            rows = svs.VectorDataLoader(folder + "/rows.fvecs", svs.DataType.float32, base.shape[1])
            codes = svs.LVQLoader(rows, primary=4, residual=8, padding=32)
            self.index = svs.Vamana.build(parameters, codes, kind, num_threads=threads)
        self.index.num_threads = 1


class Called:
    """Ours, through an extension module as the peers have one (see `called/`)."""

    package = None
    settings = "as omendb, called from Python"

    def prepare(self, vectors):
        return vectors

    def build(self, base, metric, threads):
        import omendb_called

        self.folder = tempfile.TemporaryDirectory()
        self.index = omendb_called.Database(self.folder.name + "/ours.omen", base, metric, threads)

    def width(self, width):
        self.index.set_width(width)

    def search(self, query, k):
        return self.index.search(query, k)[0]


class Predecessor:
    package = "omendb"
    settings = "defaults, in memory"

    def prepare(self, vectors):
        return vectors.astype(numpy.float32)

    def build(self, base, metric, threads):
        import omendb

        self.index = omendb.create(":memory:", {"metric": metric, "dense": {"dim": base.shape[1]}})
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
