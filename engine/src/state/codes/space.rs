//! Codes as the space that the graph searches.

use omendb_graph::Space;
use omendb_kernels::{NibbleQuery, RowTable};

use super::Codes;
use super::grid::Grid;

impl Codes {
    /// The codes as a space that the graph searches.
    pub(crate) fn space(&self) -> CodeSpace<'_> {
        let pieces = self.chunks.iter().map(|chunk| bytemuck::cast_slice(chunk.as_slice())).collect();
        let table = RowTable::new(pieces, self.stride()).expect("chunks of the same power of two of rows");
        CodeSpace { grid: &self.grid, table }
    }
}

/// Distances from a query to codes. They order rows about as exact distances do, and are on a scale of their own.
pub(crate) struct CodeSpace<'a> {
    pub(crate) grid: &'a Grid,
    table: RowTable<'a>,
}

impl Space for CodeSpace<'_> {
    type Probe = NibbleQuery;

    fn probe(&self) -> NibbleQuery {
        NibbleQuery::default()
    }

    /// Rows do not ask here: see [`Grid::prepare`].
    fn load(&self, _slot: u32, probe: &mut NibbleQuery) {
        *probe = NibbleQuery::default();
    }

    #[inline]
    fn fetch(&self, slots: &[u32]) {
        self.table.fetch(slots, self.grid.row_bytes());
    }

    #[inline]
    fn distances(&self, probe: &NibbleQuery, slots: &[u32], out: &mut [f32]) {
        let done = self.grid.distance.picked(probe, &self.table, slots, out);
        done.expect("a query of this grid, and slots that have codes");
    }
}
