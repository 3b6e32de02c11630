//! The rows that a search has seen: one byte a row, tagged with the search's number.
//!
//! Each search has another tag, so that nothing needs clearing. All bytes are cleared once in 255 searches.

#[derive(Default)]
pub(crate) struct Visited {
    tags: Vec<u8>,
    tag: u8,
}

impl Visited {
    /// Begins a search over `rows` rows, of which none is seen yet.
    pub(crate) fn begin(&mut self, rows: usize) -> Seen<'_> {
        if self.tags.len() < rows {
            self.tags.resize(rows, 0);
        }
        if self.tag == u8::MAX {
            self.tags.fill(0);
            self.tag = 0;
        }
        self.tag += 1;
        Seen { tags: &mut self.tags[..rows], tag: self.tag }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.tags.capacity()
    }
}

/// The rows that one search has seen.
pub(crate) struct Seen<'a> {
    tags: &'a mut [u8],
    tag: u8,
}

impl Seen<'_> {
    /// Marks `slot` as seen. Returns true if it is a row and was not marked before.
    #[inline(always)]
    pub(crate) fn insert(&mut self, slot: u32) -> bool {
        let Some(tag) = self.tags.get_mut(slot as usize) else { return false };
        let before = std::mem::replace(tag, self.tag);
        before != self.tag
    }
}
