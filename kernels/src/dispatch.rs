//! The dispatch: which loops serve a metric, a pair of element types and an instruction set, and how they are tuned. The
//! generic code below compiles every cell. Only exceptions are listed.
//!
//! The numbers beside a type are its [`Tuning`](crate::cell::Tuning): rows at a time, accumulators, whether rows are read
//! first.

use crate::arithmetic::{accumulate::Accumulate, as_f32::AsF32, bits::Bits, integers::Integers, nibbles::Nibbles};
#[cfg(target_arch = "x86_64")]
use crate::arithmetic::{bf16_pairs::Bf16Pairs, f32_by_bf16::F32ByBf16};
use crate::cell::{COSINE, INNER_PRODUCT, L2, Of};
#[cfg(target_arch = "x86_64")]
use crate::isa::entry::Pair;
use crate::isa::entry::{Between, Entry, Kernels};
#[cfg(target_arch = "aarch64")]
use crate::isa::neon::{Neon, NeonDotprod};
#[cfg(target_arch = "x86_64")]
use crate::isa::operations::{Bf16Vectors, Count};
use crate::isa::operations::{Bytes, Load, Nibbles as NibbleSteps, Packed};
use crate::isa::portable::Portable;
#[cfg(target_arch = "x86_64")]
use crate::isa::{
    avx2::Avx2,
    avx512::{Avx512, Avx512Bf16},
    vnni::{Avx2Vnni, Avx512Vnni},
};
use crate::{CodeBits, ElementKind, Isa, Metric};
use half::{bf16, f16};

/// The loops for one cell and rows of `dim` elements; `None` if no kernel takes this pair of types.
///
/// They must not be called on a machine that lacks the instruction set.
pub(crate) fn find(isa: Isa, metric: Metric, query: ElementKind, row: ElementKind, dim: usize) -> Option<Kernels> {
    let key = (metric, query, row);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = dim;
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => {
            bf16_pairs::<Avx2, 4>(key).or_else(|| in_integers::<Avx2, 4>(key)).or_else(|| in_f32::<Avx2, 4, 2>(key))
        }
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2Vnni => in_integers::<Avx2Vnni, 4>(key).or_else(|| find(Isa::Avx2, metric, query, row, dim)),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => bf16_pairs::<Avx512, 8>(key)
            .or_else(|| f32_by_bf16(key))
            .or_else(|| in_integers::<Avx512, 8>(key))
            .or_else(|| common_dims(key, dim))
            .or_else(|| in_f32::<Avx512, 8, 1>(key)),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni => in_integers::<Avx512Vnni, 8>(key).or_else(|| find(Isa::Avx512, metric, query, row, dim)),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Popcnt => find(Isa::Avx512Vnni, metric, query, row, dim),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Bf16 => bf16_pairs::<Avx512Bf16, 8>(key)
            .or_else(|| f16_half_width(key, dim))
            .or_else(|| find(Isa::Avx512Popcnt, metric, query, row, dim)),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => in_integers::<Neon, 8>(key).or_else(|| in_f32::<Neon, 8, 1>(key)),
        #[cfg(target_arch = "aarch64")]
        Isa::NeonDotprod => in_integers::<NeonDotprod, 8>(key).or_else(|| in_f32::<Neon, 8, 1>(key)),
        _ => in_f32::<Portable, 4, 1>(key).or_else(|| in_integers::<Portable, 4>(key)),
    }
}

type Key = (Metric, ElementKind, ElementKind);

/// bf16 on both sides.
#[cfg(target_arch = "x86_64")]
fn bf16_pairs<S: Entry + Bf16Vectors, const ROWS: usize>((metric, query, row): Key) -> Option<Kernels> {
    (query == ElementKind::Bf16 && row == query).then(|| kernels_of::<S, Bf16Pairs, ROWS, 1, false>(metric))
}

/// f32 queries, bf16 rows. A pair would spend as much on the query as it saves on the row.
#[cfg(target_arch = "x86_64")]
fn f32_by_bf16(key: Key) -> Option<Kernels> {
    match key {
        (metric, ElementKind::F32, ElementKind::Bf16) => Some(Kernels {
            pair: in_f32::<Avx512, 8, 1>(key)?.pair,
            ..kernels_of::<Avx512, F32ByBf16, 8, 1, false>(metric)
        }),
        _ => None,
    }
}

/// f16 rows, on a processor that converts them faster in 256 bits (docs/experiments/025-f16-width.md).
#[cfg(target_arch = "x86_64")]
fn f16_half_width(key: Key, dim: usize) -> Option<Kernels> {
    use crate::isa::avx512_half_width::HalfWidth;
    if !crate::isa::avx512_half_width::is_faster() {
        return None;
    }
    // On short rows the longer tail of two vectors costs more than two vectors save.
    let two = dim >= 128;
    Some(match key {
        // A pair converts as much of the query as of the row, so all its subtractions use the multiply ports.
        (Metric::L2, ElementKind::F16, ElementKind::F16) if two => {
            let one = kernels_of::<HalfWidth<1>, AsF32<f16, f16>, 8, 1, false>(Metric::L2);
            Kernels { pair: one.pair, ..kernels_of::<HalfWidth<2>, AsF32<f16, f16>, 8, 1, false>(Metric::L2) }
        }
        (metric, ElementKind::F16, ElementKind::F16) => {
            kernels_of::<HalfWidth<1>, AsF32<f16, f16>, 8, 1, false>(metric)
        }
        (Metric::L2, ElementKind::F32, ElementKind::F16) if two => {
            kernels_of::<HalfWidth<2>, AsF32<f32, f16>, 8, 1, false>(Metric::L2)
        }
        (metric, ElementKind::F32, ElementKind::F16) => Kernels {
            pair: in_f32::<Avx512, 8, 1>(key)?.pair,
            ..kernels_of::<HalfWidth<1>, AsF32<f32, f16>, 8, 1, false>(metric)
        },
        _ => return None,
    })
}

/// Pairs of f32 and of f16, at dimensions that many models have. There the instructions of the loop itself count.
#[cfg(target_arch = "x86_64")]
fn common_dims(key: Key, dim: usize) -> Option<Kernels> {
    let (metric, query, row) = key;
    let pair = match (query, row) {
        // For this cell the compiler puts the constant mask of the tail into `ax`. Writing `ax` waits for the `eax` of
        // the previous cosine.
        (ElementKind::F32, ElementKind::F32) if (metric, dim) == (Metric::Cosine, 100) => return None,
        (ElementKind::F32, ElementKind::F32) => pair_of_dim::<Avx512, AsF32<f32, f32>>(metric, dim)?,
        (ElementKind::F16, ElementKind::F16) if f16_pair_in_256_bits(metric, dim) => {
            pair_of_dim::<Avx2, AsF32<f16, f16>>(metric, dim).or_else(|| Some(in_f32::<Avx2, 4, 2>(key)?.pair))?
        }
        (ElementKind::F16, ElementKind::F16) => pair_of_dim::<Avx512, AsF32<f16, f16>>(metric, dim)?,
        _ => return None,
    };
    Some(Kernels { pair, ..in_f32::<Avx512, 8, 1>(key)? })
}

/// Whether 256 bits suit a pair of f16 rows better on AVX-512. In 256 bits `vcvtph2ps` from memory is one operation. In
/// 512 bits it is two, on the ports that add and multiply. A pair converts the query as well. Many rows share the
/// query's conversion, and products and norms of long rows gain more from twice the width.
#[cfg(target_arch = "x86_64")]
const fn f16_pair_in_256_bits(metric: Metric, dim: usize) -> bool {
    match metric {
        Metric::L2 => true,
        Metric::InnerProduct => dim < 512,
        Metric::Cosine => dim < 256,
    }
}

#[cfg(target_arch = "x86_64")]
fn pair_of_dim<S: Entry, D: Accumulate<S>>(metric: Metric, dim: usize) -> Option<Pair> {
    Some(match dim {
        100 => pair_of_metric::<S, D, 100>(metric),
        128 => pair_of_metric::<S, D, 128>(metric),
        384 => pair_of_metric::<S, D, 384>(metric),
        _ => return None,
    })
}

/// No tuning but the dimension has a part in it.
#[cfg(target_arch = "x86_64")]
fn pair_of_metric<S: Entry, D: Accumulate<S>, const DIM: usize>(metric: Metric) -> Pair {
    match metric {
        Metric::L2 => S::pair_of::<D, Of<L2, 1, 1, false>, DIM>(),
        Metric::InnerProduct => S::pair_of::<D, Of<INNER_PRODUCT, 1, 1, false>, DIM>(),
        Metric::Cosine => S::pair_of::<D, Of<COSINE, 1, 1, false>, DIM>(),
    }
}

/// Pairs of types that are summed in `f32`. Bytes wait for their conversion, which takes longer than the latency of a
/// sum.
fn in_f32<S, const ROWS: usize, const ACCUMULATORS: usize>((metric, query, row): Key) -> Option<Kernels>
where
    S: Entry + Load<f32> + Load<f16> + Load<bf16> + Load<u8> + Load<i8>,
{
    use ElementKind::{Bf16, F16, F32, I8, U8};
    Some(match (query, row) {
        (F32, F32) => kernels_of::<S, AsF32<f32, f32>, ROWS, ACCUMULATORS, false>(metric),
        (F32, F16) => kernels_of::<S, AsF32<f32, f16>, ROWS, ACCUMULATORS, false>(metric),
        (F32, Bf16) => kernels_of::<S, AsF32<f32, bf16>, ROWS, ACCUMULATORS, false>(metric),
        (F32, U8) => kernels_of::<S, AsF32<f32, u8>, ROWS, 1, true>(metric),
        (F32, I8) => kernels_of::<S, AsF32<f32, i8>, ROWS, 1, true>(metric),
        (F16, F16) => kernels_of::<S, AsF32<f16, f16>, ROWS, ACCUMULATORS, false>(metric),
        (Bf16, Bf16) => kernels_of::<S, AsF32<bf16, bf16>, ROWS, ACCUMULATORS, false>(metric),
        _ => return None,
    })
}

/// Pairs of types that are summed in integers.
fn in_integers<S, const ROWS: usize>((metric, query, row): Key) -> Option<Kernels>
where
    S: Entry + Bytes<u8> + Bytes<i8>,
{
    match (query, row) {
        (ElementKind::U8, ElementKind::U8) => Some(kernels_of::<S, Integers<u8>, ROWS, 1, false>(metric)),
        (ElementKind::I8, ElementKind::I8) => Some(kernels_of::<S, Integers<i8>, ROWS, 1, false>(metric)),
        _ => None,
    }
}

fn kernels_of<S, D, const ROWS: usize, const ACCUMULATORS: usize, const READ_FIRST: bool>(metric: Metric) -> Kernels
where
    S: Entry,
    D: Accumulate<S>,
{
    match metric {
        Metric::L2 => S::kernels::<D, Of<L2, ROWS, ACCUMULATORS, READ_FIRST>>(),
        Metric::InnerProduct => S::kernels::<D, Of<INNER_PRODUCT, ROWS, ACCUMULATORS, READ_FIRST>>(),
        Metric::Cosine => S::kernels::<D, Of<COSINE, ROWS, ACCUMULATORS, READ_FIRST>>(),
    }
}

/// The loops for inner products of `f32` queries with rows of 8-, 4- or 1-bit codes.
pub(crate) fn find_codes(isa: Isa, bits: CodeBits) -> Kernels {
    match (isa, bits) {
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx2 | Isa::Avx2Vnni, _) => codes::<Avx2, 4>(bits),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx512 | Isa::Avx512Vnni | Isa::Avx512Popcnt | Isa::Avx512Bf16, _) => codes::<Avx512, 8>(bits),
        #[cfg(target_arch = "aarch64")]
        (Isa::Neon | Isa::NeonDotprod, CodeBits::Eight) => {
            Neon::kernels::<AsF32<f32, u8>, Of<INNER_PRODUCT, 8, 1, true>>()
        }
        // Four elements of one bit are less than a byte. The portable vectors have eight lanes, over NEON.
        #[cfg(target_arch = "aarch64")]
        (Isa::Neon | Isa::NeonDotprod, CodeBits::Four) => {
            Neon::kernels::<AsF32<f32, Packed<4>>, Of<INNER_PRODUCT, 8, 1, false>>()
        }
        _ => codes::<Portable, 4>(bits),
    }
}

fn codes<S, const ROWS: usize>(bits: CodeBits) -> Kernels
where
    S: Entry + Load<f32> + Load<u8> + Load<Packed<4>> + Load<Packed<1>>,
{
    match bits {
        CodeBits::Eight => S::kernels::<AsF32<f32, u8>, Of<INNER_PRODUCT, ROWS, 1, true>>(),
        CodeBits::Four => S::kernels::<AsF32<f32, Packed<4>>, Of<INNER_PRODUCT, ROWS, 1, false>>(),
        CodeBits::One => S::kernels::<AsF32<f32, Packed<1>>, Of<INNER_PRODUCT, ROWS, 1, false>>(),
    }
}

/// The loops for rows of 4-bit codes and queries of bytes, and the bytes of a row in one step. `metric` is L2 or the inner
/// product.
pub(crate) fn find_nibbles(isa: Isa, metric: Metric) -> (Kernels, usize) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => nibbles::<Avx2, 4>(metric),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2Vnni => nibbles::<Avx2Vnni, 4>(metric),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => nibbles::<Avx512, 8>(metric),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni | Isa::Avx512Popcnt | Isa::Avx512Bf16 => nibbles::<Avx512Vnni, 8>(metric),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => nibbles::<Neon, 8>(metric),
        #[cfg(target_arch = "aarch64")]
        Isa::NeonDotprod => nibbles::<NeonDotprod, 8>(metric),
        _ => nibbles::<Portable, 4>(metric),
    }
}

fn nibbles<S: Entry + NibbleSteps, const ROWS: usize>(metric: Metric) -> (Kernels, usize) {
    let kernels = match metric {
        Metric::L2 => S::kernels::<Nibbles, Of<L2, ROWS, 1, false>>(),
        _ => S::kernels::<Nibbles, Of<INNER_PRODUCT, ROWS, 1, false>>(),
    };
    (kernels, S::BYTES)
}

/// The loop for distances between rows of `f32`, `u8` or `i8`. Rows of other types are converted to `f32` first. Sixteen
/// sums run side by side where there are 32 registers, otherwise eight.
pub(crate) fn find_between(isa: Isa, row: ElementKind) -> Between {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => between::<Avx2, 2>(row),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2Vnni => between_bytes::<Avx2Vnni, 2>(row).unwrap_or_else(|| between::<Avx2, 2>(row)),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => between::<Avx512, 4>(row),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni | Isa::Avx512Popcnt | Isa::Avx512Bf16 => {
            between_bytes::<Avx512Vnni, 4>(row).unwrap_or_else(|| between::<Avx512, 4>(row))
        }
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => between::<Neon, 4>(row),
        #[cfg(target_arch = "aarch64")]
        Isa::NeonDotprod => between_bytes::<NeonDotprod, 4>(row).unwrap_or_else(|| between::<Neon, 4>(row)),
        _ => between::<Portable, 2>(row),
    }
}

fn between<S: Entry + Load<f32> + Bytes<u8> + Bytes<i8>, const QUERIES: usize>(row: ElementKind) -> Between {
    between_bytes::<S, QUERIES>(row).unwrap_or_else(S::between_of::<AsF32<f32, f32>, QUERIES>)
}

fn between_bytes<S: Entry + Bytes<u8> + Bytes<i8>, const QUERIES: usize>(row: ElementKind) -> Option<Between> {
    match row {
        ElementKind::U8 => Some(S::between_of::<Integers<u8>, QUERIES>()),
        ElementKind::I8 => Some(S::between_of::<Integers<i8>, QUERIES>()),
        _ => None,
    }
}

/// The loops for rows of `bytes` bytes of bits. Their squared L2 is the Hamming distance.
pub(crate) fn find_bits(isa: Isa, bytes: usize) -> Kernels {
    type Cell = Of<L2, 4, 1, false>;
    #[cfg(target_arch = "x86_64")]
    use crate::isa::{avx512_popcnt::Avx512Popcnt, popcnt::Popcnt};
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Popcnt | Isa::Avx512Bf16 => {
            // 100, 128, 384, 768 and 960 bits are a tail, or a vector and a tail. A tenth of the instructions are the
            // loop's own.
            let pair = match bytes {
                13 => Avx512Popcnt::pair_of::<Bits, Cell, 13>(),
                16 => Avx512Popcnt::pair_of::<Bits, Cell, 16>(),
                48 => Avx512Popcnt::pair_of::<Bits, Cell, 48>(),
                96 => Avx512Popcnt::pair_of::<Bits, Cell, 96>(),
                120 => Avx512Popcnt::pair_of::<Bits, Cell, 120>(),
                _ => Avx512Popcnt::pair_of::<Bits, Cell, 0>(),
            };
            Kernels { pair, ..Avx512Popcnt::kernels::<Bits, Cell>() }
        }
        // Rows shorter than a vector are counted by words (docs/experiments/031-bits-popcnt.md).
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::Avx2Vnni | Isa::Avx512 | Isa::Avx512Vnni if bytes < <Avx2 as Count>::BYTES => {
            Popcnt::kernels::<Bits, Cell>()
        }
        // A lookup of counts in 512 bits is hardly faster than in 256.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::Avx2Vnni | Isa::Avx512 | Isa::Avx512Vnni => Avx2::kernels::<Bits, Cell>(),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon | Isa::NeonDotprod => Neon::kernels::<Bits, Cell>(),
        _ => Portable::kernels::<Bits, Cell>(),
    }
}
