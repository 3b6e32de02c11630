//! The centroid of the rows. Inner products between rows are taken from it when rows are linked.
//!
//! A query orders rows the same wherever their origin lies: q·(x − c) is q·x less a constant. Between rows it matters. If
//! all rows lie on one side of the origin, the largest inner products of every row are with the same few rows of large
//! norm. No list then leads to the rows that a query from another side asks for. From their centroid, rows lie on all
//! sides.

use omendb_kernels::ElementKind;
use omendb_storage::View;
use rayon::prelude::*;

use crate::input::values;
use crate::state::derived::per_slot::PerSlot;

/// Rows that the middle is estimated of, at most, and numbers of them.
const SAMPLE: usize = 4096;
const SAMPLE_VALUES: usize = 1 << 23;

/// Rows in one piece of work.
const PIECE: usize = 256;

/// A point in the middle of the rows of an epoch, and what it takes to measure from there.
#[derive(Clone)]
pub(crate) struct Centre {
    pub(crate) epoch: u64,
    point: Vec<f32>,
    half_squared: f32,
    /// c·x − |c|² / 2 of each row: for two rows they add up to what −(x − c)·(y − c) has more than −x·y.
    pub(crate) products: PerSlot,
}

impl Centre {
    /// Of all rows of `view`. Each coordinate is the mean of the middle half of a sample's, which a few rows that are
    /// very long do not move.
    pub(crate) fn of(view: &View, kind: ElementKind, dim: usize) -> Self {
        let rows = view.slots() as usize;
        let count = rows.min(SAMPLE).min((SAMPLE_VALUES / dim).max(1));
        let mut sample = Vec::with_capacity(count * dim);
        (0..count).for_each(|i| values::read(kind, view.row((i * rows / count) as u32), &mut sample));
        let middle = |column: &mut Vec<f32>, place: usize| {
            column.clear();
            column.extend(sample.iter().skip(place).step_by(dim));
            column.sort_unstable_by(f32::total_cmp);
            let half = &column[count / 4..count - count / 4];
            (half.iter().map(|&value| f64::from(value)).sum::<f64>() / half.len() as f64) as f32
        };
        let point: Vec<f32> = (0..dim).into_par_iter().map_init(Vec::new, middle).collect();
        let half_squared = (values::squared_length(&point) / 2.0) as f32;
        Centre { epoch: view.epoch(), point, half_squared, products: PerSlot::default() }.extended(view, kind)
    }

    /// The same with the products of the rows that came since.
    pub(crate) fn extended(self, view: &View, kind: ElementKind) -> Self {
        let new: Vec<u32> = (self.products.len()..view.slots()).collect();
        let product = |values: &mut Vec<f32>, slot: u32| {
            values.clear();
            values::read(kind, view.row(slot), values);
            let sum: f64 = self.point.iter().zip(&*values).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            sum as f32 - self.half_squared
        };
        let products: Vec<f32> =
            new.par_iter().with_min_len(PIECE).map_init(Vec::new, |values, &slot| product(values, slot)).collect();
        Centre { products: self.products.extended(products.into_iter()), ..self }
    }
}
