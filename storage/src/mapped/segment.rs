//! A row segment: a header, 2^k rows, and a checksum a row. Made whole as a hole, written by
//! `pwrite`, mapped read-only.

use std::sync::Arc;

use super::dir::{Dir, DirFile, numbered};
use super::manifest::Manifest;
use super::medium::Open;
use super::owned;
use crate::StorageError;
use crate::fields::Fields;
use crate::layout::Layout;
use crate::region::Region;

/// The version of a segment's format.
const VERSION: u32 = 1;
pub(crate) const MAGIC: &[u8; 8] = b"OMENROWS";
/// Where the rows begin: a page, so that they can be mapped.
pub(crate) const ROWS_AT: u64 = 4096;
pub(crate) const HEADER: usize = 44;

/// A segment's file.
#[derive(Clone)]
pub(crate) struct Segment {
    pub(crate) file: DirFile,
    layout: Layout,
}

impl Segment {
    /// A new segment, on the medium when this returns, without rows.
    pub(crate) fn create(dir: &Dir, manifest: &Manifest, layout: Layout, number: u64) -> Result<Self, StorageError> {
        let header = header(manifest, layout, number);
        let file = owned::create(dir, &numbered("rows", number), manifest.database, &header)?;
        file.set_len(length(layout))?;
        file.sync()?;
        dir.sync()?;
        Ok(Self { file, layout })
    }

    /// A segment there is, its header and length checked.
    pub(crate) fn open(
        dir: &Dir,
        manifest: &Manifest,
        layout: Layout,
        number: u64,
        how: Open,
    ) -> Result<Self, StorageError> {
        let file = dir.open(&numbered("rows", number), how)?;
        let (found, expected) = (file.len()?, length(layout));
        if found != expected {
            return Err(file.corrupt(found.min(expected), format!("{found} bytes where {expected} were expected")));
        }
        let mut bytes = [0; HEADER];
        file.read_at(&mut bytes, 0)?;
        check_header(&file, &bytes, &header(manifest, layout, number))?;
        Ok(Self { file, layout })
    }

    /// A segment that may be damaged: nothing of it is checked, and it is not to be mapped.
    pub(crate) fn open_damaged(dir: &Dir, layout: Layout, name: &str) -> Result<Self, StorageError> {
        Ok(Self { file: dir.open(name, Open::Read)?, layout })
    }

    /// Maps the rows, those that will come too: the file is as long as it will ever be.
    pub(crate) fn map(&self) -> Result<Arc<Region>, StorageError> {
        Ok(Arc::new(self.file.map(ROWS_AT, self.layout.segment_bytes())?))
    }

    /// Writes whole strides of rows from `at` on (in bytes from the first row).
    pub(crate) fn write_rows(&self, at: usize, rows: &[u8], checksums: &[u32]) -> Result<(), StorageError> {
        let bytes: Vec<u8> = checksums.iter().flat_map(|crc| crc.to_le_bytes()).collect();
        self.file.write_at(rows, ROWS_AT + at as u64)?;
        self.file.write_at(&bytes, self.checksum_at(at / self.layout.stride))
    }

    /// Gives back the space of `rows` rows from row `first` of the segment on, and of their checksums.
    pub(crate) fn punch(&self, first: usize, rows: usize) -> Result<(), StorageError> {
        self.file.punch(self.row_at(first), (rows * self.layout.stride) as u64)?;
        self.file.punch(self.checksum_at(first), 4 * rows as u64)
    }

    /// The checksums of `rows` rows from row `first` of the segment on.
    pub(crate) fn checksums(&self, first: usize, rows: usize) -> Result<Vec<u32>, StorageError> {
        let mut bytes = vec![0; rows * 4];
        self.file.read_at(&mut bytes, self.checksum_at(first))?;
        Ok(bytes.chunks_exact(4).map(|crc| u32::from_le_bytes([crc[0], crc[1], crc[2], crc[3]])).collect())
    }

    /// Where in the file the checksum of a row lies.
    pub(crate) fn checksum_at(&self, row: usize) -> u64 {
        ROWS_AT + self.layout.segment_bytes() as u64 + 4 * row as u64
    }

    /// Where in the file a row lies.
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
    let mut out = MAGIC.to_vec();
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

fn check_header(file: &DirFile, found: &[u8], expected: &[u8]) -> Result<(), StorageError> {
    if found == expected {
        return Ok(());
    }
    let (summed, crc) = found.split_at(HEADER - 4);
    let what = if Fields(crc).u32() == Some(crc32c::crc32c(summed)) {
        "it is a segment of another database or place"
    } else {
        "its header is not what was written"
    };
    let at = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    Err(file.corrupt(at as u64, what))
}
