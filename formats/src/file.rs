//! An open file of vectors, as one strided view of its rows.

use std::path::{Path, PathBuf};

use crate::input::Input;
use crate::map::Map;
use crate::strided::{Layout, Strided};
use crate::{FileKind, FormatError, Ids, NumberKind, bin, float64, jsonl, npy, vecs};

/// A file of vectors. It is copied when it is opened, so later changes have no effect; a file that changes during the copy
/// is refused. Up to 1 GiB the copy is in memory. A longer copy, and the parsed rows of `.jsonl`, are in an unnamed
/// temporary file (in `TMPDIR`), so that a file may be larger than memory.
#[derive(Debug)]
pub struct VectorFile {
    path: PathBuf,
    map: Map,
    layout: Layout,
    ids: Option<Ids>,
}

impl VectorFile {
    /// Opens the file at `path` and checks that it is whole. Its ending names its format.
    ///
    /// # Errors
    /// [`FormatError`] if the file cannot be read, does not have the format of its ending, is empty, is shorter or longer
    /// than its header says, changes while it is read, or has rows of different dimensions. A file whose header says 0 rows
    /// is valid.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FormatError> {
        let path = path.as_ref();
        let kind = FileKind::among(path, FileKind::VECTORS)?;
        if kind == FileKind::Jsonl {
            let jsonl::Spooled { map, layout, ids } = jsonl::spool(path)?;
            return Ok(Self { path: path.into(), map, layout, ids });
        }
        let mut input = Input::open(path)?;
        let (head, length) = (input.head()?, input.length());
        // The length is checked against the header before the file is copied.
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
        Ok(Self { path: path.into(), map, layout, ids: None })
    }

    /// The file with its f64 as `kind`, if its numbers are f64; otherwise the file as it is. f32, f16 and bf16 are rounded to
    /// the nearest and must stay finite; integers must be whole and in range. The converted rows are in an unnamed temporary
    /// file.
    ///
    /// # Errors
    /// [`FormatError::Number`] for the first number that `kind` cannot hold, [`FormatError::Io`].
    pub fn converted(self, kind: NumberKind) -> Result<Self, FormatError> {
        if self.kind() != NumberKind::F64 {
            return Ok(self);
        }
        if self.rows() == 0 {
            let layout = Layout { kind, stride: self.dim() * kind.size(), ..self.layout };
            return Ok(Self { layout, ..self });
        }
        let (map, layout) = float64::spool(&self.path, &self.view(), kind)?;
        Ok(Self { map, layout, ..self })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.layout.rows
    }

    /// The dimension, at least 1.
    pub fn dim(&self) -> usize {
        self.layout.dim
    }

    /// The type of the numbers.
    pub fn kind(&self) -> NumberKind {
        self.layout.kind
    }

    /// The rows.
    pub fn view(&self) -> Strided<'_> {
        Strided::new(self.map.bytes(), self.layout)
    }

    /// The ids of the rows, if the file has them (`.jsonl` only).
    pub fn ids(&self) -> Option<&Ids> {
        self.ids.as_ref()
    }
}
