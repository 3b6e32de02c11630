//! The state that readers see. It is replaced as a whole and never changed.

use std::sync::Arc;

use omendb_graph::Graph;
use omendb_kernels::Isa;
use omendb_storage::View;

use crate::Config;
use crate::search::measure::Measure;
use crate::state::codes::{Codes, Source};
use crate::state::derived::Columns;
use crate::state::derived::norms::InverseNorms;
use crate::state::derived::per_slot::PerSlot;
use crate::state::space::Rows;

/// The last acknowledged rows, and the graph over the first of them.
///
/// Rows `graph.rows()` to `view.slots()` are the buffer: not linked yet, searched exactly (R6).
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) view: Arc<View>,
    pub(crate) graph: Arc<Graph>,
    pub(crate) columns: Columns,
    /// The codes of the graph's rows, if they were looked at for codes.
    pub(crate) codes: Option<Arc<Codes>>,
}

impl Snapshot {
    pub(crate) fn buffered(&self) -> usize {
        (self.view.slots() - self.graph.rows()) as usize
    }

    /// The codes that searches of the graph go over.
    pub(crate) fn codes(&self) -> Option<&Codes> {
        self.codes.as_deref().filter(|codes| codes.is_used() && codes.len() >= self.graph.rows())
    }

    /// The rows, to be encoded.
    pub(crate) fn code_source(&self, config: &Config, isa: Isa) -> Source<'_> {
        Source::new(config, isa, &self.view, self.norms())
    }

    pub(crate) fn rows<'a>(&'a self, measure: &'a Measure) -> Rows<'a> {
        Rows::new(measure, &self.view, self.norms())
    }

    /// The inverse norms of the rows, of a database that has them.
    pub(crate) fn norms(&self) -> &PerSlot {
        self.columns.get().map_or(PerSlot::EMPTY, InverseNorms::values)
    }
}
