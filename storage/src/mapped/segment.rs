//! A row segment: a header, 2^k rows, and a checksum a row. It is created at full length as a hole, written with `pwrite`
//! and mapped read-only.

use std::path::PathBuf;
use std::sync::Arc;

use super::magic;
use super::manifest::Manifest;
use super::owned;
use crate::StorageError;
use crate::fields::Fields;
use crate::files::dir::{Dir, DirFile, numbered};
use crate::files::medium::Open;
use crate::state::layout::Layout;
use crate::state::region::Region;

/// The version of a segment's format.
const VERSION: u32 = 1;
/// The offset of the rows: a page, so that they can be mapped.
pub(crate) const ROWS_AT: u64 = 4096;
pub(crate) const HEADER: usize = 44;

/// A mapped segment. Only the newest segment keeps its descriptor, so a database may have more segments than a process may
/// have descriptors.
#[derive(Clone)]
pub(crate) struct Segment {
    dir: Dir,
    name: String,
    how: Open,
    file: Option<DirFile>,
    /// Rows, then their checksums. `None` for a segment that may be damaged.
    map: Option<Arc<Region>>,
    layout: Layout,
}

impl Segment {
    /// Makes a new segment without rows and syncs it. Its descriptor is kept.
    pub(crate) fn create(dir: &Dir, manifest: &Manifest, layout: Layout, number: u64) -> Result<Self, StorageError> {
        let name = numbered("rows", number);
        let file = owned::create(dir, &name, manifest.database, &header(manifest, layout, number))?;
        file.set_len(length(layout))?;
        file.sync()?;
        dir.sync()?;
        Self::of(dir, name, Open::Write, file, layout)
    }

    /// Opens a segment and checks its header and length.
    pub(crate) fn open(
        dir: &Dir,
        manifest: &Manifest,
        layout: Layout,
        number: u64,
        how: Open,
    ) -> Result<Self, StorageError> {
        let name = numbered("rows", number);
        let file = dir.open(&name, how)?;
        let (found, expected) = (file.len()?, length(layout));
        if found != expected {
            return Err(file.corrupt(found.min(expected), format!("file has {found} bytes; expected {expected}")));
        }
        let mut bytes = [0; HEADER];
        file.read_at(&mut bytes, 0)?;
        check_header(&file, &bytes, &header(manifest, layout, number))?;
        let mut segment = Self::of(dir, name, how, file, layout)?;
        segment.file = None;
        Ok(segment)
    }

    /// Opens a segment that may be damaged. It is not mapped. It is refused only if its header names another database or
    /// segment.
    pub(crate) fn open_damaged(
        dir: &Dir,
        manifest: &Manifest,
        layout: Layout,
        number: u64,
    ) -> Result<Self, StorageError> {
        let name = numbered("rows", number);
        let file = dir.open(&name, Open::Read)?;
        let mut bytes = [0; HEADER];
        if file.read_at(&mut bytes, 0).is_ok() && is_whole(&bytes) {
            check_header(&file, &bytes, &header(manifest, layout, number))?;
        }
        Ok(Self { dir: dir.clone(), name, how: Open::Read, file: Some(file), map: None, layout })
    }

    fn of(dir: &Dir, name: String, how: Open, file: DirFile, layout: Layout) -> Result<Self, StorageError> {
        // Future rows are mapped too: the file has its full length.
        let map = Some(Arc::new(file.map(ROWS_AT, layout.segment_bytes() + 4 * layout.segment_rows())?));
        Ok(Self { dir: dir.clone(), name, how, file: Some(file), map, layout })
    }

    /// The mapped rows.
    pub(crate) fn map(&self) -> Arc<Region> {
        Arc::clone(self.map.as_ref().expect("a segment whose rows are asked for is mapped"))
    }

    /// Keeps a descriptor, for repeated writes.
    pub(crate) fn keep(&mut self) -> Result<(), StorageError> {
        self.file = Some(self.file()?);
        Ok(())
    }

    /// Releases the descriptor. Later accesses open the file again.
    pub(crate) fn release(&mut self) {
        self.file = None;
    }

    /// The file, kept or opened again.
    pub(crate) fn file(&self) -> Result<DirFile, StorageError> {
        self.file.clone().map_or_else(|| self.dir.open(&self.name, self.how), Ok)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join(&self.name)
    }

    /// The bytes of allocated blocks; 0 if unknown.
    pub(crate) fn allocated(&self) -> u64 {
        self.file().map_or(0, |file| file.allocated())
    }

    pub(crate) fn corrupt(&self, offset: u64, what: impl Into<String>) -> StorageError {
        StorageError::Corrupt { file: self.path(), offset, what: what.into() }
    }

    /// Writes whole strides of rows at byte `at` after the first row, and their checksums.
    pub(crate) fn write_rows(&self, at: usize, rows: &[u8], checksums: &[u32]) -> Result<(), StorageError> {
        let bytes: Vec<u8> = checksums.iter().flat_map(|crc| crc.to_le_bytes()).collect();
        let file = self.file()?;
        file.write_at(rows, ROWS_AT + at as u64)?;
        file.write_at(&bytes, self.checksum_at(at / self.layout.stride))
    }

    /// Frees the space of `rows` rows from row `first` of the segment on, and of their checksums.
    pub(crate) fn punch(&self, first: usize, rows: usize) -> Result<(), StorageError> {
        let file = self.file()?;
        file.punch(self.row_at(first), (rows * self.layout.stride) as u64)?;
        file.punch(self.checksum_at(first), 4 * rows as u64)
    }

    /// The checksums of `rows` rows from row `first` of the segment on.
    pub(crate) fn checksums(&self, first: usize, rows: usize) -> Result<Vec<u32>, StorageError> {
        if let Some(map) = &self.map {
            let at = self.layout.segment_bytes();
            return Ok((first..first + rows).map(|row| u32::from_le(map.word(at + 4 * row))).collect());
        }
        let mut bytes = vec![0; rows * 4];
        self.file()?.read_at(&mut bytes, self.checksum_at(first))?;
        Ok(bytes.chunks_exact(4).map(|crc| u32::from_le_bytes([crc[0], crc[1], crc[2], crc[3]])).collect())
    }

    /// The offset of a row's checksum in the file.
    pub(crate) fn checksum_at(&self, row: usize) -> u64 {
        ROWS_AT + self.layout.segment_bytes() as u64 + 4 * row as u64
    }

    /// The offset of a row in the file.
    pub(crate) fn row_at(&self, row: usize) -> u64 {
        ROWS_AT + (row * self.layout.stride) as u64
    }
}

/// A row's checksum.
pub(crate) fn row_checksum(row: &[u8]) -> u32 {
    crc32c::crc32c(row)
}

fn length(layout: Layout) -> u64 {
    ROWS_AT + layout.segment_bytes() as u64 + 4 * layout.segment_rows() as u64
}

fn header(manifest: &Manifest, layout: Layout, number: u64) -> Vec<u8> {
    let mut out = magic::SEGMENT.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&manifest.database.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    for field in [layout.row_bytes as u32, layout.stride as u32, layout.shift] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    debug_assert_eq!(out.len(), HEADER);
    out
}

fn is_whole(header: &[u8]) -> bool {
    let (summed, crc) = header.split_at(HEADER - 4);
    Fields(crc).u32() == Some(crc32c::crc32c(summed))
}

fn check_header(file: &DirFile, found: &[u8], expected: &[u8]) -> Result<(), StorageError> {
    if found == expected {
        return Ok(());
    }
    let what = if is_whole(found) { "file is another segment, or of another database" } else { "header is damaged" };
    let at = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    Err(file.corrupt(at as u64, what))
}
