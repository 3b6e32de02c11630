//! Ids: numbers or strings.

use std::fmt;

/// The longest string id, in bytes of UTF-8.
pub const MAX_TEXT_ID: usize = 1024;

/// The kind of the ids of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// 64-bit numbers.
    #[default]
    U64,
    /// UTF-8 strings of at most [`MAX_TEXT_ID`] bytes.
    Text,
}

impl fmt::Display for IdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::U64 => "numbers",
            Self::Text => "strings",
        })
    }
}

/// One id, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdRef<'a> {
    /// A number.
    U64(u64),
    /// A string.
    Text(&'a str),
}

impl IdRef<'_> {
    /// The kind of the id.
    #[must_use]
    pub fn kind(&self) -> IdKind {
        match self {
            Self::U64(_) => IdKind::U64,
            Self::Text(_) => IdKind::Text,
        }
    }
}

impl From<u64> for IdRef<'_> {
    fn from(id: u64) -> Self {
        Self::U64(id)
    }
}

impl From<&u64> for IdRef<'_> {
    fn from(id: &u64) -> Self {
        Self::U64(*id)
    }
}

impl<'a> From<&'a str> for IdRef<'a> {
    fn from(id: &'a str) -> Self {
        Self::Text(id)
    }
}

impl<'a> From<&'a String> for IdRef<'a> {
    fn from(id: &'a String) -> Self {
        Self::Text(id)
    }
}

impl fmt::Display for IdRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::U64(id) => id.fmt(f),
            Self::Text(id) => id.fmt(f),
        }
    }
}

/// The ids of a batch, one a row.
#[derive(Clone, Copy, Debug)]
pub enum IdColumn<'a> {
    /// Numbers.
    U64(&'a [u64]),
    /// Strings.
    Text(&'a [&'a str]),
}

impl<'a> IdColumn<'a> {
    /// An empty column of this kind, for a batch that only deletes.
    #[must_use]
    pub fn none(kind: IdKind) -> Self {
        match kind {
            IdKind::U64 => Self::U64(&[]),
            IdKind::Text => Self::Text(&[]),
        }
    }

    /// The number of ids.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U64(ids) => ids.len(),
            Self::Text(ids) => ids.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kind of the ids.
    #[must_use]
    pub fn kind(&self) -> IdKind {
        match self {
            Self::U64(_) => IdKind::U64,
            Self::Text(_) => IdKind::Text,
        }
    }

    /// The id of row `i`.
    ///
    /// # Panics
    /// If there is no row `i`.
    #[must_use]
    pub fn get(&self, i: usize) -> IdRef<'a> {
        match self {
            Self::U64(ids) => IdRef::U64(ids[i]),
            Self::Text(ids) => IdRef::Text(ids[i]),
        }
    }
}
