//! From a query to its nearest rows.

mod answer;
pub(crate) mod calibrate;
mod calls;
pub(crate) mod curves;
mod get;
mod graph_search;
mod lock;
pub(crate) mod measure;
pub(crate) mod near_rows;
pub(crate) mod options;
pub(crate) mod plan;
mod prepare;
pub(crate) mod recall;
mod scan;
pub(crate) mod scratch;
pub(crate) mod top;
