//! The kinds of difficult data: one file per idea, each with its generators and its table of kinds.

mod copies;
mod groups;
mod hot;
mod lengths;
mod near;
mod products;
mod regions;
mod scales;
mod spaces;
mod streams;
mod types;

use super::data::Data;
use super::draw::Draw;
use super::ways::Way;
use omendb_engine::Metric;

/// The default floor of the recall.
const FLOOR: f64 = 0.97;

/// A kind of data.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// How many rows it has, but in the ways that are of another size.
    pub(super) rows: usize,
    /// Makes about so many of them, with queries.
    pub(super) make: fn(&mut Draw, usize) -> Data,
    pub(super) asked: &'static [Asked],
    pub(super) ways: &'static [Way],
}

/// The metric of a kind, and what is expected.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) metric: Metric,
    /// The least recall.
    pub(super) floor: f64,
    /// The most queries that may find none of their k.
    pub(super) none: usize,
}

const L2: Asked = lower(Metric::L2, FLOOR, 0);
const IP: Asked = lower(Metric::InnerProduct, FLOOR, 0);
const COSINE: Asked = lower(Metric::Cosine, FLOOR, 0);

/// Where no graph finds [`FLOOR`] at this width: about a point below the better of hnswlib and Faiss, both with lists
/// of 32, which is how far seeds lie apart; below our own where these find next to nothing. The kind says why.
const fn lower(metric: Metric, floor: f64, none: usize) -> Asked {
    Asked { metric, floor, none }
}

/// All kinds, in the order of the table.
pub(super) fn all() -> impl Iterator<Item = &'static Kind> {
    let families: [&'static [Kind]; 11] = [
        lengths::KINDS,
        products::KINDS,
        copies::KINDS,
        near::KINDS,
        groups::KINDS,
        regions::KINDS,
        hot::KINDS,
        streams::KINDS,
        scales::KINDS,
        spaces::KINDS,
        types::KINDS,
    ];
    families.into_iter().flatten()
}
