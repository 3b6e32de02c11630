//! Which loops serve a metric, a pair of element types and an instruction set. Every cell is
//! compiled by the generic code below; nothing is listed but what is special.

use crate::formula::{Cosine, InnerProduct, L2};
use crate::isa::{Entry, Shapes, portable::Portable};
use crate::op::{Bytes, Load};
use crate::sums::{Floats, Sums, Whole};
use crate::{ElementKind, Isa, Metric};
use half::{bf16, f16};

/// The loops for one cell; `None` if no kernel takes these types to each other.
///
/// Made for an instruction set the machine lacks, they must not be called.
pub(crate) fn find(
    isa: Isa,
    metric: Metric,
    query: ElementKind,
    row: ElementKind,
) -> Option<Shapes> {
    #[cfg(target_arch = "x86_64")]
    {
        use crate::isa::{avx2::Avx2, avx512::Avx512, vnni::Avx2Vnni, vnni::Avx512Vnni};
        match isa {
            Isa::Avx2 => {
                singles::<Avx2>(metric, query, row).or_else(|| bytes::<Avx2>(metric, query, row))
            }
            Isa::Avx2Vnni => bytes::<Avx2Vnni>(metric, query, row)
                .or_else(|| singles::<Avx2>(metric, query, row)),
            Isa::Avx512 => singles::<Avx512>(metric, query, row)
                .or_else(|| bytes::<Avx512>(metric, query, row)),
            Isa::Avx512Vnni | Isa::Avx512Bf16 => bytes::<Avx512Vnni>(metric, query, row)
                .or_else(|| singles::<Avx512>(metric, query, row)),
            _ => portable(metric, query, row),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = isa;
        portable(metric, query, row)
    }
}

fn portable(metric: Metric, query: ElementKind, row: ElementKind) -> Option<Shapes> {
    singles::<Portable>(metric, query, row).or_else(|| bytes::<Portable>(metric, query, row))
}

/// Pairs that are summed in `f32`.
fn singles<S>(metric: Metric, query: ElementKind, row: ElementKind) -> Option<Shapes>
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
fn bytes<S>(metric: Metric, query: ElementKind, row: ElementKind) -> Option<Shapes>
where
    S: Entry + Bytes<u8> + Bytes<i8>,
{
    match (query, row) {
        (ElementKind::U8, ElementKind::U8) => Some(cell::<S, Whole<u8>>(metric)),
        (ElementKind::I8, ElementKind::I8) => Some(cell::<S, Whole<i8>>(metric)),
        _ => None,
    }
}

fn cell<S: Entry, D: Sums<S>>(metric: Metric) -> Shapes {
    match metric {
        Metric::L2 => S::shapes::<D, L2>(),
        Metric::InnerProduct => S::shapes::<D, InnerProduct>(),
        Metric::Cosine => S::shapes::<D, Cosine>(),
    }
}
