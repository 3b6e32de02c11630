//! A batch that was checked. Code that takes one checks nothing again (rule R4).

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};
use omendb_kernels::{ElementKind, Metric};
use omendb_storage::{IdColumn, IdRef, MAX_TEXT_ID, RowSource};
use rayon::prelude::*;

use crate::input::rows::Place;
use crate::input::values::{self, Fit, MAX_SQUARED, MIN_SQUARED, Shortness};
use crate::{BatchError, Config, IdsRef, RowsRef};

/// Rows handled at a time by one thread.
const PIECE: usize = 1024;

/// What happens to an id that exists.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Existing {
    Refuse,
    Replace,
}

/// Rows and ids that the database may take as they are.
pub(crate) struct Batch<'a> {
    rows: &'a RowsRef<'a>,
    ids: &'a IdsRef<'a>,
    len: usize,
    dim: usize,
    stored: ElementKind,
}

impl<'a> Batch<'a> {
    /// Checks everything that does not depend on what the database holds already.
    pub(crate) fn check(rows: &'a RowsRef<'a>, ids: &'a IdsRef<'a>, config: &Config) -> Result<Self, BatchError> {
        let len = count(rows, config.dim)?;
        if ids.kind() != Some(config.id_kind) && len > 0 {
            return Err(BatchError::IdKind { expected: config.id_kind, found: ids.kind() });
        }
        if ids.column().len() != len {
            return Err(BatchError::Ids { expected: len, found: ids.column().len() });
        }
        let batch = Batch { rows, ids, len, dim: config.dim, stored: config.row_type };
        batch.check_ids()?;
        batch.check_values(config.metric)?;
        Ok(batch)
    }

    pub(crate) fn ids(&self) -> IdColumn<'_> {
        self.ids.column()
    }

    /// Bytes of one row, as stored.
    pub(crate) fn row_bytes(&self) -> usize {
        self.dim * self.stored.size()
    }

    /// Bytes of all rows, as stored.
    pub(crate) fn bytes(&self) -> usize {
        self.len * self.row_bytes()
    }

    fn row(&self, row: usize) -> &'a [u8] {
        let bytes = self.dim * self.rows.kind.size();
        match &self.rows.place {
            Place::Flat(all) => &all[row * bytes..][..bytes],
            Place::Strided { bytes: all, stride, .. } => &all[row * stride..][..bytes],
            Place::Single(rows) => rows[row],
        }
    }

    /// String ids of an allowed length, no id twice.
    fn check_ids(&self) -> Result<(), BatchError> {
        let ids = self.ids();
        if let IdColumn::Text(strings) = ids {
            let wrong = strings.iter().position(|text| text.is_empty() || text.len() > MAX_TEXT_ID);
            if let Some(row) = wrong {
                return Err(BatchError::IdLength { row, bytes: strings[row].len(), limit: MAX_TEXT_ID });
            }
        }
        if let IdColumn::U64(numbers) = ids
            && numbers.is_sorted_by(|a, b| a < b)
        {
            return Ok(());
        }
        let hasher = DefaultHashBuilder::default();
        let mut seen: HashTable<usize> = HashTable::with_capacity(self.len);
        for row in 0..self.len {
            let id = ids.get(row);
            let hash = |id: IdRef<'_>| hasher.hash_one(id);
            let entry = seen.entry(hash(id), |&other| ids.get(other) == id, |&other| hash(ids.get(other)));
            match entry {
                hashbrown::hash_table::Entry::Occupied(first) => {
                    return Err(BatchError::DuplicateId { id: id.into(), first_row: *first.get(), row });
                }
                hashbrown::hash_table::Entry::Vacant(place) => {
                    place.insert(row);
                }
            }
        }
        Ok(())
    }

    /// Every value finite and of the stored type, every length usable; the first wrong row is told.
    fn check_values(&self, metric: Metric) -> Result<(), BatchError> {
        let cosine = metric == Metric::Cosine;
        let same = self.rows.kind == self.stored;
        let whole = matches!(self.stored, ElementKind::U8 | ElementKind::I8);
        if same && whole && !cosine {
            return Ok(()); // every byte is a value, and no row is too long
        }
        let check = |values: &mut Vec<f32>, rows: Range<usize>| {
            for row in rows {
                values.clear();
                values::read(self.rows.kind, self.row(row), values);
                self.check_row(row, values, cosine)?;
            }
            Ok(())
        };
        if self.rows.is_small() {
            // On the caller's thread, which is of no pool of ours.
            return check(&mut Vec::new(), 0..self.len);
        }
        // All of them: the first that is wrong is told.
        let pieces: Vec<Result<(), BatchError>> = (0..self.len.div_ceil(PIECE))
            .into_par_iter()
            .map_init(Vec::new, |values, piece| check(values, piece * PIECE..self.len.min((piece + 1) * PIECE)))
            .collect();
        pieces.into_iter().collect()
    }

    fn check_row(&self, row: usize, values: &mut [f32], cosine: bool) -> Result<(), BatchError> {
        let kind = self.stored;
        // A sum is finite only if every value is; the exact look is for those that fail.
        let suspicious = self.rows.kind != kind || !values.iter().sum::<f32>().is_finite();
        if suspicious {
            for (column, &value) in values.iter().enumerate() {
                match values::fit(kind, value) {
                    Fit::Fits => {}
                    Fit::NotFinite => return Err(BatchError::NotFinite { row, column, value, kind }),
                    Fit::NotWhole => return Err(BatchError::NotWhole { row, column, value, kind }),
                }
            }
        }
        if self.rows.kind != kind {
            round(kind, values);
        }
        let squared = values::squared_length(values);
        if squared > MAX_SQUARED {
            return Err(BatchError::TooLong { row, squared, limit: MAX_SQUARED });
        }
        match values::shortness(squared) {
            Shortness::None => Ok(()),
            Shortness::Zero if cosine => Err(BatchError::ZeroNorm { row }),
            Shortness::Zero => Ok(()),
            Shortness::Lost => Err(BatchError::TooShort { row, squared, limit: MIN_SQUARED }),
        }
    }
}

/// What the stored type makes of `values`.
fn round(kind: ElementKind, values: &mut [f32]) {
    match kind {
        ElementKind::F16 => values.iter_mut().for_each(|v| *v = half::f16::from_f32(*v).to_f32()),
        ElementKind::Bf16 => values.iter_mut().for_each(|v| *v = half::bf16::from_f32(*v).to_f32()),
        _ => {}
    }
}

impl RowSource for Batch<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn fill(&self, rows: Range<usize>, stride: usize, out: &mut [u8]) {
        let stored = self.row_bytes();
        let mut values = Vec::new();
        for (row, out) in rows.zip(out.chunks_mut(stride)) {
            let out = &mut out[..stored];
            if self.rows.kind == self.stored {
                out.copy_from_slice(self.row(row));
            } else {
                values.clear();
                values::read(self.rows.kind, self.row(row), &mut values);
                values::write(self.stored, &values, out);
            }
        }
    }
}

/// How many rows there are, each of `dim` values that start where they may.
fn count(rows: &RowsRef<'_>, dim: usize) -> Result<usize, BatchError> {
    let align = rows.kind.size();
    let aligned = |bytes: &[u8]| match bytes.as_ptr().addr() {
        address if address.is_multiple_of(align) || bytes.is_empty() => Ok(()),
        address => Err(BatchError::Misaligned { required: align, address }),
    };
    let row_bytes = dim * align;
    match &rows.place {
        Place::Flat(bytes) => {
            aligned(bytes)?;
            if bytes.len() % row_bytes != 0 {
                return Err(BatchError::Length { bytes: bytes.len(), row_bytes });
            }
            Ok(bytes.len() / row_bytes)
        }
        Place::Strided { rows: 0, .. } => Ok(0),
        Place::Strided { bytes, stride, rows } => {
            aligned(bytes)?;
            if !stride.is_multiple_of(align) {
                return Err(BatchError::Misaligned {
                    required: align,
                    address: bytes.as_ptr().addr().wrapping_add(*stride),
                });
            }
            // The last row may end where the bytes end; all others are a stride long.
            let needed = rows.checked_sub(1).map_or(Some(0), |last| last.checked_mul(*stride)?.checked_add(row_bytes));
            if *stride < row_bytes || needed.is_none_or(|needed| needed > bytes.len()) {
                return Err(BatchError::Stride { rows: *rows, stride: *stride, row_bytes, bytes: bytes.len() });
            }
            Ok(*rows)
        }
        Place::Single(rows) => {
            for (row, bytes) in rows.iter().enumerate() {
                aligned(bytes)?;
                if !bytes.len().is_multiple_of(align) {
                    return Err(BatchError::Length { bytes: bytes.len(), row_bytes });
                }
                if bytes.len() != row_bytes {
                    return Err(BatchError::Dimension { expected: dim, found: bytes.len() / align, row });
                }
            }
            Ok(rows.len())
        }
    }
}
