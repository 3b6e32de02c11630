//! `DiskANN`'s distances of f32 to rows of codes: our codes in its layout, and its kernels for this processor around the
//! whole list.

use crate::clock::Contender;
use crate::rows::Rows;
use diskann_quantization::bits::{BitSlice, Representation, Unsigned};
use diskann_quantization::distances::{InnerProduct, MathematicalResult};
use diskann_quantization::minmax::{DataMutRef, DataRef, MinMaxCompensation};
use diskann_wide::Architecture;
use diskann_wide::arch::{Target1, dispatch1};
use omendb_kernels::{CodeBits, Metric};

/// The contender, over the rows in the order they are visited in, and its distances of the first `some` of them.
pub(crate) fn contender<'a>(
    (metric, bits): (Metric, CodeBits),
    values: &'a [f32],
    rows: &Rows<u8>,
    (order, some): (&'a [usize], usize),
) -> Result<(Contender<'a>, Vec<f32>), String> {
    macro_rules! of {
        ($n:literal) => {{
            let theirs = stored::<$n>(values.len(), rows)?;
            let query = Query { metric, values, sum: values.iter().sum(), squares: values.iter().map(|x| x * x).sum() };
            let one = |row: &usize| dispatch1(All::<$n>, (query, &theirs, core::slice::from_ref(row)));
            let got = order[..some].iter().map(one).collect();
            let run = move || dispatch1(All::<$n>, (query, &theirs, order));
            Ok((Contender::new("diskann", order.len(), run), got))
        }};
    }
    match bits {
        CodeBits::Eight => of!(8),
        CodeBits::Four => of!(4),
        CodeBits::One => of!(1),
    }
}

/// The rows as the other library has them: the same bytes of codes, and a line of five numbers. (The sum of the codes
/// is for codes on both sides.)
fn stored<const N: usize>(dim: usize, rows: &Rows<u8>) -> Result<Rows<u8>, String>
where
    Unsigned: Representation<N>,
{
    let code_bytes = DataMutRef::<N>::slice_bytes(dim);
    let mut stored = Rows::<u8>::some(rows.len(), DataMutRef::<N>::canonical_bytes(dim), 1);
    for i in 0..rows.len() {
        let (codes, line) = rows.row(i).split_at(code_bytes);
        let [low, step, squares] = [0, 4, 8].map(|at| bytemuck::pod_read_unaligned(&line[at..at + 4]));
        let place = stored.row_mut(i);
        place[..code_bytes].copy_from_slice(codes);
        let mut row = DataMutRef::<N>::from_canonical_back_mut(place, dim).map_err(|e| e.to_string())?;
        row.set_meta(MinMaxCompensation { dim: dim as u32, b: low, n: 0.0, a: step, norm_squared: squares });
    }
    Ok(stored)
}

#[derive(Clone, Copy)]
struct Query<'a> {
    metric: Metric,
    values: &'a [f32],
    sum: f32,
    squares: f32,
}

/// The sum of the distances of all rows of a list.
struct All<const N: usize>;

type List<'a> = (Query<'a>, &'a Rows<u8>, &'a [usize]);

impl<A: Architecture, const N: usize> Target1<A, f32, List<'_>> for All<N>
where
    Unsigned: Representation<N>,
    InnerProduct:
        for<'q, 'x> diskann_wide::arch::Target2<A, MathematicalResult<f32>, &'q [f32], BitSlice<'x, N, Unsigned>>,
{
    #[inline]
    fn run(self, arch: A, (query, rows, order): List<'_>) -> f32 {
        let mut all = 0.0;
        for &i in order {
            let Ok(row) = DataRef::<N>::from_canonical_back(rows.row(i), query.values.len()) else { return f32::NAN };
            let Ok(codes) = arch.run2_inline(InnerProduct, query.values, row.vector()) else { return f32::NAN };
            let line = row.meta();
            let product = line.a * codes.into_inner() + line.b * query.sum;
            all += match query.metric {
                Metric::L2 => query.squares + line.norm_squared - 2.0 * product,
                Metric::InnerProduct => -product,
                Metric::Cosine => 1.0 - product / (query.squares.sqrt() * line.norm_squared.sqrt()),
            };
        }
        all
    }
}
