//! What users hand in: rows, ids, queries; checked once, as a whole batch.

pub(crate) mod batch;
pub(crate) mod ids;
pub(crate) mod query;
pub(crate) mod query_ref;
pub(crate) mod rows;
pub(crate) mod values;
