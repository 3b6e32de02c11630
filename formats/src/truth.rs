//! Ground truth: `.ibin` and `.ivecs` files. Row i lists the nearest base rows of query i, nearest first.

use std::path::Path;

use crate::{FileKind, FormatError, VectorFile};

/// The true neighbours of every query.
#[derive(Debug)]
pub struct Truth {
    file: VectorFile,
}

impl Truth {
    /// The number of queries.
    pub fn rows(&self) -> usize {
        self.file.rows()
    }

    /// The neighbours of each query.
    pub fn k(&self) -> usize {
        self.file.dim()
    }

    /// The base rows nearest to query `row`, nearest first.
    ///
    /// # Panics
    /// If there is no such query.
    pub fn row(&self, row: usize) -> &[u32] {
        bytemuck::cast_slice(self.file.view().row(row))
    }
}

/// Opens a file of true neighbours.
///
/// # Errors
/// Those of [`VectorFile::open`]; [`FormatError::Ending`] if the ending is not `.ibin` or `.ivecs`.
pub fn read_truth(path: impl AsRef<Path>) -> Result<Truth, FormatError> {
    let path = path.as_ref();
    FileKind::among(path, FileKind::NEIGHBOURS)?;
    Ok(Truth { file: VectorFile::open(path)? })
}
