//! Which rows a search has seen: a byte a row, tagged with the search's number.
//!
//! Forgetting costs nothing: the next search has another tag. All bytes are cleared once in 255
//! searches.

#[derive(Default)]
pub(crate) struct Visited {
    tags: Vec<u8>,
    tag: u8,
}

impl Visited {
    /// Forgets all, and makes room for `rows` rows.
    pub(crate) fn begin(&mut self, rows: usize) {
        if self.tags.len() < rows {
            self.tags.resize(rows, 0);
        }
        if self.tag == u8::MAX {
            self.tags.fill(0);
            self.tag = 0;
        }
        self.tag += 1;
    }

    /// Marks `slot`; true when it was not marked before.
    #[inline]
    pub(crate) fn insert(&mut self, slot: u32) -> bool {
        let tag = &mut self.tags[slot as usize];
        let new = *tag != self.tag;
        *tag = self.tag;
        new
    }

    pub(crate) fn bytes(&self) -> usize {
        self.tags.capacity()
    }
}
