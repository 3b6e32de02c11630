// Builds an hnswlib index over a file of vectors and sweeps ef, counting every distance that the
// library computes: the wheel of hnswlib tells no distance counts, its headers let a caller bring the
// distance. Rows are f32, as hnswlib keeps them; one space counts, one does not, so that speed is
// measured on the library's own function pointers.
//
//   hnswlib_count BASE QUERIES TRUTH.ibin METRIC M EF_CONSTRUCTION THREADS EF[,EF...]
//
// prints one JSON object; `found` counts the nearest ten of each query among its answers. METRIC is l2
// or ip. Files: .fbin, .f16bin, .u8bin, .ibin (two little-endian u32, then values).

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include <hnswlib/hnswlib.h>

namespace {

struct Matrix {
    uint32_t rows = 0;
    uint32_t dim = 0;
    std::vector<float> values;
    const float* row(size_t i) const { return values.data() + i * dim; }
};

float widen_half(uint16_t bits) {
    const uint32_t sign = uint32_t(bits >> 15) << 31;
    const uint32_t exponent = (bits >> 10) & 31;
    const uint32_t mantissa = bits & 1023;
    if (exponent == 0) {  // zero and subnormals: mantissa × 2^-24
        const float value = float(mantissa) * 0x1p-24f;
        return sign ? -value : value;
    }
    const uint32_t wide = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13;
    float value;
    std::memcpy(&value, &wide, sizeof value);
    return value;
}

bool ends_with(const std::string& text, const char* end) {
    const std::string ending(end);
    return text.size() >= ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

template <typename Value, typename Widen>
Matrix read(const std::string& path, Widen widen) {
    std::ifstream file(path, std::ios::binary);
    uint32_t header[2];
    if (!file.read(reinterpret_cast<char*>(header), sizeof header)) throw std::runtime_error("cannot read " + path);
    Matrix matrix;
    matrix.rows = header[0];
    matrix.dim = header[1];
    std::vector<Value> row(matrix.dim);
    matrix.values.reserve(size_t(matrix.rows) * matrix.dim);
    for (uint32_t i = 0; i < matrix.rows; i++) {
        if (!file.read(reinterpret_cast<char*>(row.data()), row.size() * sizeof(Value)))
            throw std::runtime_error(path + " ends in row " + std::to_string(i));
        for (Value value : row) matrix.values.push_back(widen(value));
    }
    return matrix;
}

Matrix read_vectors(const std::string& path) {
    if (ends_with(path, ".fbin")) return read<float>(path, [](float v) { return v; });
    if (ends_with(path, ".u8bin")) return read<uint8_t>(path, [](uint8_t v) { return float(v); });
    if (ends_with(path, ".f16bin")) return read<uint16_t>(path, widen_half);
    throw std::runtime_error(path + ": expected .fbin, .f16bin or .u8bin");
}

thread_local uint64_t computed = 0;
hnswlib::DISTFUNC<float> uncounted = nullptr;

float counted(const void* a, const void* b, const void* dim) {
    computed++;
    return uncounted(a, b, dim);
}

// The library's space with its function wrapped by the counter.
struct CountingSpace : hnswlib::SpaceInterface<float> {
    hnswlib::SpaceInterface<float>* inner;
    explicit CountingSpace(hnswlib::SpaceInterface<float>* space) : inner(space) { uncounted = space->get_dist_func(); }
    size_t get_data_size() override { return inner->get_data_size(); }
    hnswlib::DISTFUNC<float> get_dist_func() override { return counted; }
    void* get_dist_func_param() override { return inner->get_dist_func_param(); }
};

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Adds all rows with `threads` threads, the first alone.
void add_all(hnswlib::HierarchicalNSW<float>& index, const Matrix& base, unsigned threads) {
    std::atomic<size_t> next{1};
    index.addPoint(base.row(0), 0);
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < threads; t++)
        workers.emplace_back([&] {
            for (size_t i; (i = next.fetch_add(1)) < base.rows;) index.addPoint(base.row(i), i);
        });
    for (auto& worker : workers) worker.join();
}

int run(int argc, char** argv) {
    if (argc != 9) {
        std::fprintf(stderr, "usage: hnswlib_count BASE QUERIES TRUTH METRIC M EF_CONSTRUCTION THREADS EF[,EF...]\n");
        return 2;
    }
    const size_t k = 10;
    Matrix base = read_vectors(argv[1]);
    Matrix queries = read_vectors(argv[2]);
    const std::string metric = argv[4];
    const size_t m = std::stoul(argv[5]), ef_construction = std::stoul(argv[6]);
    const unsigned threads = unsigned(std::stoul(argv[7]));

    hnswlib::L2Space l2(base.dim);
    hnswlib::InnerProductSpace ip(base.dim);
    hnswlib::SpaceInterface<float>* space = metric == "l2" ? static_cast<hnswlib::SpaceInterface<float>*>(&l2) : &ip;
    std::vector<std::vector<uint32_t>> truth;
    Matrix listed = read<int32_t>(argv[3], [](int32_t v) { float f; std::memcpy(&f, &v, 4); return f; });
    for (uint32_t q = 0; q < listed.rows; q++) {
        const uint32_t* row = reinterpret_cast<const uint32_t*>(listed.row(q));
        truth.emplace_back(row, row + k);
    }

    const auto start = std::chrono::steady_clock::now();
    hnswlib::HierarchicalNSW<float> index(space, base.rows, m, ef_construction);
    add_all(index, base, threads);
    const double seconds = seconds_since(start);

    std::printf("{\"library\": \"hnswlib\", \"rows\": %u, \"dim\": %u, \"metric\": \"%s\", \"m\": %zu, "
                "\"ef_construction\": %zu, \"threads\": %u, \"seconds\": %.4f, \"rows_per_second\": %.1f, \"runs\": [",
                base.rows, base.dim, metric.c_str(), m, ef_construction, threads, seconds, base.rows / seconds);

    CountingSpace counting(space);
    const char* separator = "";
    for (char* word = std::strtok(argv[8], ","); word; word = std::strtok(nullptr, ",")) {
        const size_t ef = std::stoul(word);
        index.setEf(ef);
        std::vector<size_t> found(queries.rows, 0);
        double best = 1e30;
        for (int round = 0; round < 3; round++) {
            const auto begin = std::chrono::steady_clock::now();
            for (uint32_t q = 0; q < queries.rows; q++) index.searchKnn(queries.row(q), k);
            best = std::min(best, seconds_since(begin));
        }
        index.fstdistfunc_ = counting.get_dist_func();
        computed = 0;
        for (uint32_t q = 0; q < queries.rows; q++) {
            std::unordered_set<uint32_t> wanted(truth[q].begin(), truth[q].end());
            for (auto hits = index.searchKnn(queries.row(q), k); !hits.empty(); hits.pop()) found[q] += wanted.count(uint32_t(hits.top().second));
        }
        const double distances = double(computed) / queries.rows;
        index.fstdistfunc_ = space->get_dist_func();
        std::printf("%s{\"width\": %zu, \"qps\": %.1f, \"mean_distances\": %.1f, \"found\": [", separator, ef,
                    queries.rows / best, distances);
        for (uint32_t q = 0; q < queries.rows; q++) std::printf("%s%zu", q ? ", " : "", found[q]);
        std::printf("]}");
        separator = ", ";
    }
    std::printf("]}\n");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "hnswlib_count: %s\n", error.what());
        return 3;
    }
}
