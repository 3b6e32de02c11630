//! What users hand in: rows, ids and queries. A batch is checked once, as a whole.

pub(crate) mod batch;
pub(crate) mod ids;
pub(crate) mod query;
pub(crate) mod query_ref;
pub(crate) mod rows;
pub(crate) mod values;
