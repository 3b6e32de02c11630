//! Queries in memory, in the type that the engine answers fastest.

use std::io;
use std::ops::Range;
use std::path::Path;

use omendb_engine::{Db, ElementKind, Hit, SearchError, SearchOptions, SearchStats, bf16, f16};
use omendb_formats::{NumberKind, Strided};

use crate::failure::Failure;
use crate::input::open_rows;
use crate::query_text::{self, STDIN};

/// Queries of `dim` numbers, of the database's row type or f32.
pub(crate) struct Queries {
    dim: usize,
    values: Values,
}

enum Values {
    F32(Vec<f32>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
    U8(Vec<u8>),
    I8(Vec<i8>),
}

/// Evaluates `$body` with `$values` as the vector of its type.
macro_rules! typed {
    ($queries:expr, $values:ident => $body:expr) => {
        match &$queries.values {
            Values::F32($values) => $body,
            Values::F16($values) => $body,
            Values::Bf16($values) => $body,
            Values::U8($values) => $body,
            Values::I8($values) => $body,
        }
    };
}

impl Queries {
    /// Reads the file, for a database of `dim` columns of type `kind`. `-` is stdin. What begins with `[` is no path but one
    /// query.
    pub(crate) fn read(path: &Path, dim: usize, kind: ElementKind) -> Result<Self, Failure> {
        if let Some(text) = path.to_str().filter(|text| text.starts_with('[')) {
            return Ok(Self::from_f32(dim, query_text::parse(text, dim)?));
        }
        if path == Path::new(STDIN) {
            return Ok(Self::from_f32(dim, query_text::read_lines(io::stdin().lock(), dim)?));
        }
        let file = open_rows(path)?;
        if file.dim() != dim {
            return Err(Failure::about(
                path,
                format_args!("found queries of dimension {}, expected {dim}, the dimension of the rows", file.dim()),
            ));
        }
        if file.rows() == 0 {
            return Err(Failure::about(path, "found no queries, expected at least 1"));
        }
        // Queries are of the row type or f32.
        let file = file.converted(NumberKind::F32)?;
        Ok(Self::of(&file.view(), kind))
    }

    fn of(view: &Strided<'_>, kind: ElementKind) -> Self {
        fn gather<const N: usize, T>(view: &Strided<'_>, one: impl Fn([u8; N]) -> T) -> Vec<T> {
            let mut values = Vec::with_capacity(view.rows * view.dim);
            for row in 0..view.rows {
                let (numbers, _) = view.row(row).as_chunks::<N>();
                values.extend(numbers.iter().map(|&bytes| one(bytes)));
            }
            values
        }
        let values = match (view.kind, kind) {
            (NumberKind::F16, ElementKind::F16) => Values::F16(gather(view, f16::from_le_bytes)),
            (NumberKind::Bf16, ElementKind::Bf16) => Values::Bf16(gather(view, bf16::from_le_bytes)),
            (NumberKind::U8, ElementKind::U8) => Values::U8(gather(view, u8::from_le_bytes)),
            (NumberKind::I8, ElementKind::I8) => Values::I8(gather(view, i8::from_le_bytes)),
            _ => {
                let mut values = Vec::with_capacity(view.rows * view.dim);
                let mut numbers = Vec::new();
                for row in 0..view.rows {
                    view.row_f32(row, &mut numbers);
                    values.extend_from_slice(&numbers);
                }
                Values::F32(values)
            }
        };
        Self { dim: view.dim, values }
    }

    /// Queries from generated numbers.
    pub(crate) fn from_f32(dim: usize, values: Vec<f32>) -> Self {
        Self { dim, values: Values::F32(values) }
    }

    /// The number of queries.
    pub(crate) fn len(&self) -> usize {
        typed!(self, values => values.len() / self.dim)
    }

    /// Searches for query `query`.
    pub(crate) fn search(
        &self,
        db: &Db,
        query: usize,
        options: &SearchOptions,
    ) -> Result<(Vec<Hit>, SearchStats), SearchError> {
        typed!(self, values => {
            db.search_with_stats(&values[query * self.dim..][..self.dim], options)
        })
        .map_err(|error| moved(error, query))
    }

    /// Searches for the queries of `range` in one call.
    pub(crate) fn search_batch(
        &self,
        db: &Db,
        range: Range<usize>,
        options: &SearchOptions,
    ) -> Result<Vec<Vec<Hit>>, SearchError> {
        typed!(self, values => {
            db.search_batch(&values[range.start * self.dim..range.end * self.dim], options)
        })
        .map_err(|error| moved(error, range.start))
    }
}

/// The queries' file in messages.
pub(crate) fn name(path: &Path) -> &Path {
    if path == Path::new(STDIN) { Path::new("stdin") } else { path }
}

/// Converts the query number of a call to that of the file.
fn moved(mut error: SearchError, by: usize) -> SearchError {
    match &mut error {
        SearchError::Dimension { query, .. }
        | SearchError::NotFinite { query, .. }
        | SearchError::ZeroNorm { query }
        | SearchError::TooShort { query, .. }
        | SearchError::TooLong { query, .. } => *query += by,
        _ => {}
    }
    error
}
