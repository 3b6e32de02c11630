//! Which loops serve a metric, a pair of element types and an instruction set. Every cell is
//! compiled by the generic code below; nothing is listed but what is special.

use crate::formula::{Cosine, InnerProduct, L2};
#[cfg(target_arch = "x86_64")]
use crate::isa::Pair;
use crate::isa::{Between, Entry, Shapes, portable::Portable};
#[cfg(target_arch = "x86_64")]
use crate::op::{Brains, Count};
use crate::op::{Bytes, Load, Packed};
use crate::sums::{Bits, Floats, Sums, Whole};
#[cfg(target_arch = "x86_64")]
use crate::sums::{Mixed, Pairs};
use crate::{CodeBits, ElementKind, Isa, Metric};
use half::{bf16, f16};

/// The loops for one cell of rows of `dim` elements; `None` if no kernel takes these types to
/// each other.
///
/// Made for an instruction set the machine lacks, they must not be called.
pub(crate) fn find(isa: Isa, metric: Metric, query: ElementKind, row: ElementKind, dim: usize) -> Option<Shapes> {
    let key = (metric, query, row);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = dim;
    #[cfg(target_arch = "x86_64")]
    {
        use crate::isa::{avx2::Avx2, avx512::Avx512, bf16::Avx512Bf16};
        use crate::isa::{vnni::Avx2Vnni, vnni::Avx512Vnni};
        match isa {
            Isa::Avx2 => pairs::<Avx2>(key).or_else(|| bytes::<Avx2>(key)).or_else(|| singles::<Avx2>(key)),
            Isa::Avx2Vnni => bytes::<Avx2Vnni>(key).or_else(|| find(Isa::Avx2, metric, query, row, dim)),
            Isa::Avx512 => pairs::<Avx512>(key)
                .or_else(|| mixed(key))
                .or_else(|| bytes::<Avx512>(key))
                .or_else(|| common(key, dim))
                .or_else(|| singles::<Avx512>(key)),
            Isa::Avx512Vnni => bytes::<Avx512Vnni>(key).or_else(|| find(Isa::Avx512, metric, query, row, dim)),
            Isa::Avx512Popcnt => find(Isa::Avx512Vnni, metric, query, row, dim),
            Isa::Avx512Bf16 => pairs::<Avx512Bf16>(key)
                .or_else(|| halves(key, dim))
                .or_else(|| find(Isa::Avx512Popcnt, metric, query, row, dim)),
            _ => portable(key),
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        use crate::isa::neon::{Neon, NeonDotprod};
        match isa {
            Isa::Neon => bytes::<Neon>(key).or_else(|| singles::<Neon>(key)),
            Isa::NeonDotprod => bytes::<NeonDotprod>(key).or_else(|| singles::<Neon>(key)),
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

fn portable(key: Key) -> Option<Shapes> {
    singles::<Portable>(key).or_else(|| bytes::<Portable>(key))
}

/// Bfloats on both sides.
#[cfg(target_arch = "x86_64")]
fn pairs<S: Entry + Brains>((metric, query, row): Key) -> Option<Shapes> {
    (query == ElementKind::Bf16 && row == query).then(|| cell::<S, Pairs>(metric))
}

/// A query of singles, rows of bfloats. One row would set as much of the query apart as it saves.
#[cfg(target_arch = "x86_64")]
fn mixed(key: Key) -> Option<Shapes> {
    use crate::isa::avx512::Avx512;
    match key {
        (metric, ElementKind::F32, ElementKind::Bf16) => {
            Some(Shapes { pair: singles::<Avx512>(key)?.pair, ..cell::<Avx512, Mixed>(metric) })
        }
        _ => None,
    }
}

/// Rows of half precision, on a processor that widens them faster in 256 bits.
#[cfg(target_arch = "x86_64")]
fn halves(key: Key, dim: usize) -> Option<Shapes> {
    use crate::isa::avx512::Avx512;
    use crate::isa::halved::{self, Halved};
    if !halved::pays() {
        return None;
    }
    // A short row has more left over of two halves than they save.
    let two = dim >= 128;
    Some(match key {
        // One row widens as much of the query as of itself: all its subtractions are on the other ports.
        (Metric::L2, ElementKind::F16, ElementKind::F16) if two => {
            let one = cell::<Halved<1>, Floats<f16, f16>>(Metric::L2);
            Shapes { pair: one.pair, ..cell::<Halved<2>, Floats<f16, f16>>(Metric::L2) }
        }
        (metric, ElementKind::F16, ElementKind::F16) => cell::<Halved<1>, Floats<f16, f16>>(metric),
        (Metric::L2, ElementKind::F32, ElementKind::F16) if two => cell::<Halved<2>, Floats<f32, f16>>(Metric::L2),
        (metric, ElementKind::F32, ElementKind::F16) => {
            Shapes { pair: singles::<Avx512>(key)?.pair, ..cell::<Halved<1>, Floats<f32, f16>>(metric) }
        }
        _ => return None,
    })
}

/// One row of singles or halves against another, of dimensions that many models have: so few
/// instructions that the loops' own count.
#[cfg(target_arch = "x86_64")]
fn common(key: Key, dim: usize) -> Option<Shapes> {
    use crate::isa::{avx2::Avx2, avx512::Avx512};
    let (metric, query, row) = key;
    let pair = match (query, row) {
        // The compiler puts a remainder's known mask into `ax`, which waits for what cosine left
        // in `eax` the call before.
        (ElementKind::F32, ElementKind::F32) if (metric, dim) == (Metric::Cosine, 100) => return None,
        (ElementKind::F32, ElementKind::F32) => pair_of::<Avx512, Floats<f32, f32>>(metric, dim)?,
        (ElementKind::F16, ElementKind::F16) if narrow(metric, dim) => {
            pair_of::<Avx2, Floats<f16, f16>>(metric, dim).or_else(|| Some(singles::<Avx2>(key)?.pair))?
        }
        (ElementKind::F16, ElementKind::F16) => pair_of::<Avx512, Floats<f16, f16>>(metric, dim)?,
        _ => return None,
    };
    Some(Shapes { pair, ..singles::<Avx512>(key)? })
}

/// Whether AVX-512 is better served by 256 bits for one row of half precision: there
/// `vcvtph2ps` reads memory in one operation, and in 512 bits it takes two, of the ports that
/// add and multiply. One row converts as much of the query as of itself; many rows share the
/// query's conversion, and a long row's products and norms gain more from twice the width.
#[cfg(target_arch = "x86_64")]
const fn narrow(metric: Metric, dim: usize) -> bool {
    match metric {
        Metric::L2 => true,
        Metric::InnerProduct => dim < 512,
        Metric::Cosine => dim < 256,
    }
}

#[cfg(target_arch = "x86_64")]
fn pair_of<S: Entry, D: Sums<S>>(metric: Metric, dim: usize) -> Option<Pair> {
    Some(match dim {
        100 => fixed::<S, D, 100>(metric),
        128 => fixed::<S, D, 128>(metric),
        384 => fixed::<S, D, 384>(metric),
        _ => return None,
    })
}

#[cfg(target_arch = "x86_64")]
fn fixed<S: Entry, D: Sums<S>, const DIM: usize>(metric: Metric) -> Pair {
    match metric {
        Metric::L2 => S::pair_of::<D, L2, DIM>(),
        Metric::InnerProduct => S::pair_of::<D, InnerProduct, DIM>(),
        Metric::Cosine => S::pair_of::<D, Cosine, DIM>(),
    }
}

/// Pairs that are summed in `f32`.
fn singles<S>((metric, query, row): Key) -> Option<Shapes>
where
    S: Entry + Load<f32> + Load<f16> + Load<bf16> + Load<u8> + Load<i8>,
{
    use ElementKind::{Bf16, F16, F32, I8, U8};
    Some(match (query, row) {
        (F32, F32) => cell::<S, Floats<f32, f32>>(metric),
        (F32, F16) => cell::<S, Floats<f32, f16>>(metric),
        (F32, Bf16) => cell::<S, Floats<f32, bf16>>(metric),
        (F32, U8) => cell::<S, Floats<f32, u8>>(metric),
        (F32, I8) => cell::<S, Floats<f32, i8>>(metric),
        (F16, F16) => cell::<S, Floats<f16, f16>>(metric),
        (Bf16, Bf16) => cell::<S, Floats<bf16, bf16>>(metric),
        _ => return None,
    })
}

/// Pairs that are summed in integers.
fn bytes<S>((metric, query, row): Key) -> Option<Shapes>
where
    S: Entry + Bytes<u8> + Bytes<i8>,
{
    match (query, row) {
        (ElementKind::U8, ElementKind::U8) => Some(cell::<S, Whole<u8>>(metric)),
        (ElementKind::I8, ElementKind::I8) => Some(cell::<S, Whole<i8>>(metric)),
        _ => None,
    }
}

/// The loops for inner products of `f32` queries with rows of codes of 8, 4 or 1 bits.
pub(crate) fn find_codes(isa: Isa, bits: CodeBits) -> Shapes {
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
            (Isa::Neon | Isa::NeonDotprod, CodeBits::Eight) => return Neon::shapes::<Floats<f32, u8>, InnerProduct>(),
            (Isa::Neon | Isa::NeonDotprod, CodeBits::Four) => {
                return Neon::shapes::<Floats<f32, Packed<4>>, InnerProduct>();
            }
            // Four bits are no whole byte: eight at a time, over the baseline, which is NEON.
            _ => {}
        }
    }
    let _ = isa;
    codes::<Portable>(bits)
}

fn codes<S>(bits: CodeBits) -> Shapes
where
    S: Entry + Load<f32> + Load<u8> + Load<Packed<4>> + Load<Packed<1>>,
{
    match bits {
        CodeBits::Eight => S::shapes::<Floats<f32, u8>, InnerProduct>(),
        CodeBits::Four => S::shapes::<Floats<f32, Packed<4>>, InnerProduct>(),
        CodeBits::One => S::shapes::<Floats<f32, Packed<1>>, InnerProduct>(),
    }
}

/// The loop for distances between rows of `f32`, `u8` or `i8`; rows of other types are read as `f32`.
pub(crate) fn find_between(isa: Isa, row: ElementKind) -> Between {
    #[cfg(target_arch = "x86_64")]
    {
        use crate::isa::{avx2::Avx2, avx512::Avx512};
        use crate::isa::{vnni::Avx2Vnni, vnni::Avx512Vnni};
        match (isa, row) {
            (Isa::Avx2Vnni, ElementKind::U8) => return Avx2Vnni::between_of::<Whole<u8>>(),
            (Isa::Avx2Vnni, ElementKind::I8) => return Avx2Vnni::between_of::<Whole<i8>>(),
            (Isa::Avx512Vnni, ElementKind::U8) => return Avx512Vnni::between_of::<Whole<u8>>(),
            (Isa::Avx512Vnni, ElementKind::I8) => return Avx512Vnni::between_of::<Whole<i8>>(),
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
            (Isa::NeonDotprod, ElementKind::U8) => return NeonDotprod::between_of::<Whole<u8>>(),
            (Isa::NeonDotprod, ElementKind::I8) => return NeonDotprod::between_of::<Whole<i8>>(),
            (Isa::Neon | Isa::NeonDotprod, _) => return between::<Neon>(row),
            _ => {}
        }
    }
    let _ = isa;
    between::<Portable>(row)
}

fn between<S: Entry + Load<f32> + Bytes<u8> + Bytes<i8>>(row: ElementKind) -> Between {
    match row {
        ElementKind::U8 => S::between_of::<Whole<u8>>(),
        ElementKind::I8 => S::between_of::<Whole<i8>>(),
        _ => S::between_of::<Floats<f32, f32>>(),
    }
}

/// The loops for bits against bits, in rows of so many bytes: squared L2 is their Hamming distance.
pub(crate) fn find_bits(isa: Isa, bytes: usize) -> Shapes {
    #[cfg(target_arch = "x86_64")]
    {
        use crate::isa::{avx2::Avx2, popcnt::Popcnt, vpopcnt::Avx512Popcnt};
        match isa {
            Isa::Avx512Popcnt | Isa::Avx512Bf16 => {
                let shapes = Avx512Popcnt::shapes::<Bits, L2>();
                // 100, 128, 384, 768 and 960 bits, a part of a vector or one and a part: the loops' own instructions
                // are a tenth.
                return match bytes {
                    13 => Shapes { pair: Avx512Popcnt::pair_of::<Bits, L2, 13>(), ..shapes },
                    16 => Shapes { pair: Avx512Popcnt::pair_of::<Bits, L2, 16>(), ..shapes },
                    48 => Shapes { pair: Avx512Popcnt::pair_of::<Bits, L2, 48>(), ..shapes },
                    96 => Shapes { pair: Avx512Popcnt::pair_of::<Bits, L2, 96>(), ..shapes },
                    120 => Shapes { pair: Avx512Popcnt::pair_of::<Bits, L2, 120>(), ..shapes },
                    _ => shapes,
                };
            }
            // Less than a vector: words take half to nine tenths of the time. Longer rows take up to
            // 1.6 times as long by words.
            Isa::Avx2 | Isa::Avx2Vnni | Isa::Avx512 | Isa::Avx512Vnni if bytes < <Avx2 as Count>::BYTES => {
                return Popcnt::shapes::<Bits, L2>();
            }
            // Looking counts up in 512 bits would be little faster than in 256.
            Isa::Avx2 | Isa::Avx2Vnni | Isa::Avx512 | Isa::Avx512Vnni => return Avx2::shapes::<Bits, L2>(),
            _ => {}
        }
    }
    #[cfg(target_arch = "aarch64")]
    if let Isa::Neon | Isa::NeonDotprod = isa {
        return crate::isa::neon::Neon::shapes::<Bits, L2>();
    }
    let _ = (isa, bytes);
    Portable::shapes::<Bits, L2>()
}

fn cell<S: Entry, D: Sums<S>>(metric: Metric) -> Shapes {
    match metric {
        Metric::L2 => S::shapes::<D, L2>(),
        Metric::InnerProduct => S::shapes::<D, InnerProduct>(),
        Metric::Cosine => S::shapes::<D, Cosine>(),
    }
}
