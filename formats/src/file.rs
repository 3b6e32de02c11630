//! A file of vectors, opened: its rows as one strided view.

use std::path::Path;

use crate::input::Input;
use crate::map::Map;
use crate::strided::{Layout, Strided};
use crate::{FileKind, FormatError, Ids, NumberKind, bin, jsonl, npy, vecs};

/// A file of vectors, copied when it is opened: what other processes do to it then changes nothing, and
/// a file that changes meanwhile is refused. The copy is in memory up to 1 GiB, and in an unnamed
/// temporary file (in `TMPDIR`) beyond, as are the parsed rows of `.jsonl`, so that a file larger than
/// memory can be read.
#[derive(Debug)]
pub struct VectorFile {
    map: Map,
    layout: Layout,
    ids: Option<Ids>,
}

impl VectorFile {
    /// Opens the file at `path`, whose ending says what it is, and checks that it is whole.
    ///
    /// # Errors
    /// [`FormatError`] when the file cannot be read, is not what its ending says, is empty,
    /// truncated or longer than its header says, changes while it is read, or has rows of different
    /// dimensions. A file
    /// whose header says 0 rows of some dimension is not an error.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FormatError> {
        let path = path.as_ref();
        let kind = FileKind::among(path, FileKind::VECTORS)?;
        if kind == FileKind::Jsonl {
            let jsonl::Spooled { map, layout, ids } = jsonl::spool(path)?;
            return Ok(Self { map, layout, ids });
        }
        let mut input = Input::open(path)?;
        let (head, length) = (input.head()?, input.length());
        // What the header says of the length is known before the file is copied.
        let layout = |bytes: &[u8]| match kind {
            FileKind::Npy => npy::layout(path, bytes, length),
            FileKind::Fvecs | FileKind::Bvecs | FileKind::Ivecs => vecs::layout(path, bytes, length, kind.numbers()[0]),
            _ => bin::layout(path, bytes, length, kind.numbers()[0]),
        };
        if !head.is_empty() {
            layout(&head)?;
        }
        let map = input.copy("a header and rows of numbers")?;
        let layout = layout(map.bytes())?;
        Ok(Self { map, layout, ids: None })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.layout.rows
    }

    /// Numbers in a row, at least 1.
    pub fn dim(&self) -> usize {
        self.layout.dim
    }

    /// Which numbers.
    pub fn kind(&self) -> NumberKind {
        self.layout.kind
    }

    /// The rows.
    pub fn view(&self) -> Strided<'_> {
        Strided::new(self.map.bytes(), self.layout)
    }

    /// The rows' ids, if the file has them (`.jsonl` only).
    pub fn ids(&self) -> Option<&Ids> {
        self.ids.as_ref()
    }
}
