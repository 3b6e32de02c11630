//! The dispatch: which loops serve a metric, a pair of element types and an instruction set. The generic code below
//! compiles every cell. Only exceptions are listed.

use crate::arithmetic::metric_sums::{Cosine, InnerProduct, L2};
use crate::arithmetic::{accumulate::Accumulate, as_f32::AsF32, bits::Bits, integers::Integers};
#[cfg(target_arch = "x86_64")]
use crate::arithmetic::{bf16_pairs::Bf16Pairs, f32_by_bf16::F32ByBf16};
#[cfg(target_arch = "x86_64")]
use crate::isa::entry::Pair;
use crate::isa::entry::{Between, Entry, Kernels};
#[cfg(target_arch = "x86_64")]
use crate::isa::operations::{Bf16Vectors, Count};
use crate::isa::operations::{Bytes, Load, Packed};
use crate::isa::portable::Portable;
use crate::{CodeBits, ElementKind, Isa, Metric};
use half::{bf16, f16};

/// The loops for one cell and rows of `dim` elements; `None` if no kernel takes this pair of types.
///
/// They must not be called on a machine that lacks the instruction set.
pub(crate) fn find(isa: Isa, metric: Metric, query: ElementKind, row: ElementKind, dim: usize) -> Option<Kernels> {
    let key = (metric, query, row);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = dim;
    #[cfg(target_arch = "x86_64")]
    {
        use crate::isa::{avx2::Avx2, avx512::Avx512, avx512_bf16::Avx512Bf16};
        use crate::isa::{vnni::Avx2Vnni, vnni::Avx512Vnni};
        match isa {
            Isa::Avx2 => bf16_pairs::<Avx2>(key).or_else(|| in_integers::<Avx2>(key)).or_else(|| in_f32::<Avx2>(key)),
            Isa::Avx2Vnni => in_integers::<Avx2Vnni>(key).or_else(|| find(Isa::Avx2, metric, query, row, dim)),
            Isa::Avx512 => bf16_pairs::<Avx512>(key)
                .or_else(|| f32_by_bf16(key))
                .or_else(|| in_integers::<Avx512>(key))
                .or_else(|| common_dims(key, dim))
                .or_else(|| in_f32::<Avx512>(key)),
            Isa::Avx512Vnni => in_integers::<Avx512Vnni>(key).or_else(|| find(Isa::Avx512, metric, query, row, dim)),
            Isa::Avx512Popcnt => find(Isa::Avx512Vnni, metric, query, row, dim),
            Isa::Avx512Bf16 => bf16_pairs::<Avx512Bf16>(key)
                .or_else(|| f16_half_width(key, dim))
                .or_else(|| find(Isa::Avx512Popcnt, metric, query, row, dim)),
            _ => portable(key),
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        use crate::isa::neon::{Neon, NeonDotprod};
        match isa {
            Isa::Neon => in_integers::<Neon>(key).or_else(|| in_f32::<Neon>(key)),
            Isa::NeonDotprod => in_integers::<NeonDotprod>(key).or_else(|| in_f32::<Neon>(key)),
            _ => portable(key),
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let _ = isa;
        portable(key)
    }
}

type Key = (Metric, ElementKind, ElementKind);

fn portable(key: Key) -> Option<Kernels> {
    in_f32::<Portable>(key).or_else(|| in_integers::<Portable>(key))
}

/// bf16 on both sides.
#[cfg(target_arch = "x86_64")]
fn bf16_pairs<S: Entry + Bf16Vectors>((metric, query, row): Key) -> Option<Kernels> {
    (query == ElementKind::Bf16 && row == query).then(|| kernels_of::<S, Bf16Pairs>(metric))
}

/// f32 queries, bf16 rows. A pair would spend as much on the query as it saves on the row.
#[cfg(target_arch = "x86_64")]
fn f32_by_bf16(key: Key) -> Option<Kernels> {
    use crate::isa::avx512::Avx512;
    match key {
        (metric, ElementKind::F32, ElementKind::Bf16) => {
            Some(Kernels { pair: in_f32::<Avx512>(key)?.pair, ..kernels_of::<Avx512, F32ByBf16>(metric) })
        }
        _ => None,
    }
}

/// f16 rows, on a processor that converts them faster in 256 bits (docs/experiments/025-f16-width.md).
#[cfg(target_arch = "x86_64")]
fn f16_half_width(key: Key, dim: usize) -> Option<Kernels> {
    use crate::isa::avx512::Avx512;
    use crate::isa::avx512_half_width::HalfWidth;
    if !crate::isa::avx512_half_width::is_faster() {
        return None;
    }
    // On short rows the longer tail of two vectors costs more than two vectors save.
    let two = dim >= 128;
    Some(match key {
        // A pair converts as much of the query as of the row, so all its subtractions use the multiply ports.
        (Metric::L2, ElementKind::F16, ElementKind::F16) if two => {
            let one = kernels_of::<HalfWidth<1>, AsF32<f16, f16>>(Metric::L2);
            Kernels { pair: one.pair, ..kernels_of::<HalfWidth<2>, AsF32<f16, f16>>(Metric::L2) }
        }
        (metric, ElementKind::F16, ElementKind::F16) => kernels_of::<HalfWidth<1>, AsF32<f16, f16>>(metric),
        (Metric::L2, ElementKind::F32, ElementKind::F16) if two => {
            kernels_of::<HalfWidth<2>, AsF32<f32, f16>>(Metric::L2)
        }
        (metric, ElementKind::F32, ElementKind::F16) => {
            Kernels { pair: in_f32::<Avx512>(key)?.pair, ..kernels_of::<HalfWidth<1>, AsF32<f32, f16>>(metric) }
        }
        _ => return None,
    })
}

/// Pairs of f32 and of f16, at dimensions that many models have. There the instructions of the loop itself count.
#[cfg(target_arch = "x86_64")]
fn common_dims(key: Key, dim: usize) -> Option<Kernels> {
    use crate::isa::{avx2::Avx2, avx512::Avx512};
    let (metric, query, row) = key;
    let pair = match (query, row) {
        // For this cell the compiler puts the constant mask of the tail into `ax`. Writing `ax` waits for the `eax` of
        // the previous cosine.
        (ElementKind::F32, ElementKind::F32) if (metric, dim) == (Metric::Cosine, 100) => return None,
        (ElementKind::F32, ElementKind::F32) => pair_of_dim::<Avx512, AsF32<f32, f32>>(metric, dim)?,
        (ElementKind::F16, ElementKind::F16) if f16_pair_in_256_bits(metric, dim) => {
            pair_of_dim::<Avx2, AsF32<f16, f16>>(metric, dim).or_else(|| Some(in_f32::<Avx2>(key)?.pair))?
        }
        (ElementKind::F16, ElementKind::F16) => pair_of_dim::<Avx512, AsF32<f16, f16>>(metric, dim)?,
        _ => return None,
    };
    Some(Kernels { pair, ..in_f32::<Avx512>(key)? })
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

#[cfg(target_arch = "x86_64")]
fn pair_of_metric<S: Entry, D: Accumulate<S>, const DIM: usize>(metric: Metric) -> Pair {
    match metric {
        Metric::L2 => S::pair_of::<D, L2, DIM>(),
        Metric::InnerProduct => S::pair_of::<D, InnerProduct, DIM>(),
        Metric::Cosine => S::pair_of::<D, Cosine, DIM>(),
    }
}

/// Pairs of types that are summed in `f32`.
fn in_f32<S>((metric, query, row): Key) -> Option<Kernels>
where
    S: Entry + Load<f32> + Load<f16> + Load<bf16> + Load<u8> + Load<i8>,
{
    use ElementKind::{Bf16, F16, F32, I8, U8};
    Some(match (query, row) {
        (F32, F32) => kernels_of::<S, AsF32<f32, f32>>(metric),
        (F32, F16) => kernels_of::<S, AsF32<f32, f16>>(metric),
        (F32, Bf16) => kernels_of::<S, AsF32<f32, bf16>>(metric),
        (F32, U8) => kernels_of::<S, AsF32<f32, u8>>(metric),
        (F32, I8) => kernels_of::<S, AsF32<f32, i8>>(metric),
        (F16, F16) => kernels_of::<S, AsF32<f16, f16>>(metric),
        (Bf16, Bf16) => kernels_of::<S, AsF32<bf16, bf16>>(metric),
        _ => return None,
    })
}

/// Pairs of types that are summed in integers.
fn in_integers<S>((metric, query, row): Key) -> Option<Kernels>
where
    S: Entry + Bytes<u8> + Bytes<i8>,
{
    match (query, row) {
        (ElementKind::U8, ElementKind::U8) => Some(kernels_of::<S, Integers<u8>>(metric)),
        (ElementKind::I8, ElementKind::I8) => Some(kernels_of::<S, Integers<i8>>(metric)),
        _ => None,
    }
}

/// The loops for inner products of `f32` queries with rows of 8-, 4- or 1-bit codes.
pub(crate) fn find_codes(isa: Isa, bits: CodeBits) -> Kernels {
    #[cfg(target_arch = "x86_64")]
    {
        use crate::isa::{avx2::Avx2, avx512::Avx512};
        match isa {
            Isa::Avx2 | Isa::Avx2Vnni => return codes::<Avx2>(bits),
            Isa::Avx512 | Isa::Avx512Vnni | Isa::Avx512Popcnt | Isa::Avx512Bf16 => return codes::<Avx512>(bits),
            _ => {}
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        use crate::isa::neon::Neon;
        match (isa, bits) {
            (Isa::Neon | Isa::NeonDotprod, CodeBits::Eight) => return Neon::kernels::<AsF32<f32, u8>, InnerProduct>(),
            (Isa::Neon | Isa::NeonDotprod, CodeBits::Four) => {
                return Neon::kernels::<AsF32<f32, Packed<4>>, InnerProduct>();
            }
            // Four elements of one bit are less than a byte. The portable vectors have eight lanes, over NEON.
            _ => {}
        }
    }
    let _ = isa;
    codes::<Portable>(bits)
}

fn codes<S>(bits: CodeBits) -> Kernels
where
    S: Entry + Load<f32> + Load<u8> + Load<Packed<4>> + Load<Packed<1>>,
{
    match bits {
        CodeBits::Eight => S::kernels::<AsF32<f32, u8>, InnerProduct>(),
        CodeBits::Four => S::kernels::<AsF32<f32, Packed<4>>, InnerProduct>(),
        CodeBits::One => S::kernels::<AsF32<f32, Packed<1>>, InnerProduct>(),
    }
}

/// The loop for distances between rows of `f32`, `u8` or `i8`. Rows of other types are converted to `f32` first.
pub(crate) fn find_between(isa: Isa, row: ElementKind) -> Between {
    #[cfg(target_arch = "x86_64")]
    {
        use crate::isa::{avx2::Avx2, avx512::Avx512};
        use crate::isa::{vnni::Avx2Vnni, vnni::Avx512Vnni};
        match (isa, row) {
            (Isa::Avx2Vnni, ElementKind::U8) => return Avx2Vnni::between_of::<Integers<u8>>(),
            (Isa::Avx2Vnni, ElementKind::I8) => return Avx2Vnni::between_of::<Integers<i8>>(),
            (Isa::Avx512Vnni, ElementKind::U8) => return Avx512Vnni::between_of::<Integers<u8>>(),
            (Isa::Avx512Vnni, ElementKind::I8) => return Avx512Vnni::between_of::<Integers<i8>>(),
            (Isa::Avx512Popcnt | Isa::Avx512Bf16, _) => return find_between(Isa::Avx512Vnni, row),
            (Isa::Avx2 | Isa::Avx2Vnni, _) => return between::<Avx2>(row),
            (Isa::Avx512 | Isa::Avx512Vnni, _) => return between::<Avx512>(row),
            _ => {}
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        use crate::isa::neon::{Neon, NeonDotprod};
        match (isa, row) {
            (Isa::NeonDotprod, ElementKind::U8) => return NeonDotprod::between_of::<Integers<u8>>(),
            (Isa::NeonDotprod, ElementKind::I8) => return NeonDotprod::between_of::<Integers<i8>>(),
            (Isa::Neon | Isa::NeonDotprod, _) => return between::<Neon>(row),
            _ => {}
        }
    }
    let _ = isa;
    between::<Portable>(row)
}

fn between<S: Entry + Load<f32> + Bytes<u8> + Bytes<i8>>(row: ElementKind) -> Between {
    match row {
        ElementKind::U8 => S::between_of::<Integers<u8>>(),
        ElementKind::I8 => S::between_of::<Integers<i8>>(),
        _ => S::between_of::<AsF32<f32, f32>>(),
    }
}

/// The loops for rows of `bytes` bytes of bits. Their squared L2 is the Hamming distance.
pub(crate) fn find_bits(isa: Isa, bytes: usize) -> Kernels {
    #[cfg(target_arch = "x86_64")]
    {
        use crate::isa::{avx2::Avx2, avx512_popcnt::Avx512Popcnt, popcnt::Popcnt};
        match isa {
            Isa::Avx512Popcnt | Isa::Avx512Bf16 => {
                let kernels = Avx512Popcnt::kernels::<Bits, L2>();
                // 100, 128, 384, 768 and 960 bits are a tail, or a vector and a tail. A tenth of the instructions are
                // the loop's own.
                return match bytes {
                    13 => Kernels { pair: Avx512Popcnt::pair_of::<Bits, L2, 13>(), ..kernels },
                    16 => Kernels { pair: Avx512Popcnt::pair_of::<Bits, L2, 16>(), ..kernels },
                    48 => Kernels { pair: Avx512Popcnt::pair_of::<Bits, L2, 48>(), ..kernels },
                    96 => Kernels { pair: Avx512Popcnt::pair_of::<Bits, L2, 96>(), ..kernels },
                    120 => Kernels { pair: Avx512Popcnt::pair_of::<Bits, L2, 120>(), ..kernels },
                    _ => kernels,
                };
            }
            // Rows shorter than a vector are counted by words (docs/experiments/031-bits-popcnt.md).
            Isa::Avx2 | Isa::Avx2Vnni | Isa::Avx512 | Isa::Avx512Vnni if bytes < <Avx2 as Count>::BYTES => {
                return Popcnt::kernels::<Bits, L2>();
            }
            // A lookup of counts in 512 bits is hardly faster than in 256.
            Isa::Avx2 | Isa::Avx2Vnni | Isa::Avx512 | Isa::Avx512Vnni => return Avx2::kernels::<Bits, L2>(),
            _ => {}
        }
    }
    #[cfg(target_arch = "aarch64")]
    if let Isa::Neon | Isa::NeonDotprod = isa {
        return crate::isa::neon::Neon::kernels::<Bits, L2>();
    }
    let _ = (isa, bytes);
    Portable::kernels::<Bits, L2>()
}

fn kernels_of<S: Entry, D: Accumulate<S>>(metric: Metric) -> Kernels {
    match metric {
        Metric::L2 => S::kernels::<D, L2>(),
        Metric::InnerProduct => S::kernels::<D, InnerProduct>(),
        Metric::Cosine => S::kernels::<D, Cosine>(),
    }
}
