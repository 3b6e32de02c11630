//! Checks a query and converts it to what the kernels take.

use omendb_kernels::{ElementKind, Metric};

use crate::db::Core;
use crate::input::values::{self, Fit, MAX_SQUARED, MIN_SQUARED, Shortness};
use crate::search::scratch::SearchScratch;
use crate::{QueryRef, SearchError};

impl Core {
    /// Checks a query and makes it the probe, in the rows' own type where it can be.
    pub(super) fn prepare(
        &self,
        query: QueryRef<'_>,
        number: usize,
        scratch: &mut SearchScratch,
    ) -> Result<(), SearchError> {
        let SearchScratch { probe, floats, .. } = scratch;
        let expected = self.config.dim;
        if query.bytes.len() != expected * query.kind.size() {
            let found = query.bytes.len() / query.kind.size();
            return Err(SearchError::Dimension { expected, found, query: number });
        }
        let kind = self.measure.probe_kind();
        // Copied to where numbers of any type may start.
        probe.begin(query.kind, expected).copy_from_slice(query.bytes);
        if query.kind == kind && kind != ElementKind::F32 && self.config.metric != Metric::Cosine {
            return Ok(());
        }
        floats.clear();
        values::read(query.kind, probe.bytes(), floats);
        if let Some(column) = floats.iter().position(|value| !value.is_finite()) {
            return Err(SearchError::NotFinite { query: number, column, value: floats[column] });
        }
        let squared = values::squared_length(floats);
        if squared > MAX_SQUARED {
            return Err(SearchError::TooLong { query: number, squared, limit: MAX_SQUARED });
        }
        let cosine = self.config.metric == Metric::Cosine;
        match values::shortness(squared) {
            Shortness::Zero if cosine => return Err(SearchError::ZeroNorm { query: number }),
            Shortness::Lost => return Err(SearchError::TooShort { query: number, squared, limit: MIN_SQUARED }),
            Shortness::None | Shortness::Zero => {}
        }
        probe.inverse_norm = if cosine { values::inverse_norm(squared) } else { 1.0 };
        // Whole numbers ask faster in the rows' own type, and mean the same.
        let whole =
            kind != ElementKind::F32 && floats.iter().all(|&value| matches!(values::fit(kind, value), Fit::Fits));
        let kind = if whole { kind } else { ElementKind::F32 };
        values::write(kind, floats, probe.begin(kind, expected));
        Ok(())
    }
}
