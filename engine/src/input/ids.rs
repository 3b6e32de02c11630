//! Ids, owned and borrowed.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use omendb_storage::{IdColumn, IdKind, IdRef};

/// The id of a row: a number or a string. All ids of a database are of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// A number.
    U64(u64),
    /// A string of at most 1,024 bytes of UTF-8.
    Text(Arc<str>),
}

impl Id {
    pub(crate) fn as_ref(&self) -> IdRef<'_> {
        match self {
            Id::U64(number) => IdRef::U64(*number),
            Id::Text(text) => IdRef::Text(text),
        }
    }

    /// The number; `None` for a string id.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Id::U64(number) => Some(*number),
            Id::Text(_) => None,
        }
    }

    /// The string; `None` for a number.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Id::U64(_) => None,
            Id::Text(text) => Some(text),
        }
    }
}

impl<'a> From<&'a Id> for IdRef<'a> {
    fn from(id: &'a Id) -> Self {
        id.as_ref()
    }
}

impl PartialEq<u64> for Id {
    fn eq(&self, number: &u64) -> bool {
        self.as_u64() == Some(*number)
    }
}

impl PartialEq<str> for Id {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == Some(text)
    }
}

impl PartialEq<&str> for Id {
    fn eq(&self, text: &&str) -> bool {
        self == *text
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Id::U64(number) => number.fmt(f),
            Id::Text(text) => text.fmt(f),
        }
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Id::U64(number)
    }
}

impl From<&u64> for Id {
    fn from(number: &u64) -> Self {
        Id::U64(*number)
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Id::Text(text.into())
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Id::Text(text.into())
    }
}

impl From<&String> for Id {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<&Id> for Id {
    fn from(id: &Id) -> Self {
        id.clone()
    }
}

impl From<IdRef<'_>> for Id {
    fn from(id: IdRef<'_>) -> Self {
        match id {
            IdRef::U64(number) => Id::U64(number),
            IdRef::Text(text) => text.into(),
        }
    }
}

/// The ids of a batch, in the order of its rows.
#[derive(Debug, Clone)]
pub struct IdsRef<'a>(pub(crate) Column<'a>);

#[derive(Debug, Clone)]
pub(crate) enum Column<'a> {
    U64(Cow<'a, [u64]>),
    Text(Vec<&'a str>),
    /// Numbers and strings together: never the ids of a database, told in the error.
    Mixed,
}

impl<'a> IdsRef<'a> {
    /// One id.
    pub(crate) fn one(id: IdRef<'a>) -> Self {
        IdsRef(match id {
            IdRef::U64(number) => Column::U64(Cow::Owned(vec![number])),
            IdRef::Text(text) => Column::Text(vec![text]),
        })
    }
}

impl IdsRef<'_> {
    /// What kind the ids are; none when numbers and strings are mixed.
    pub(crate) fn kind(&self) -> Option<IdKind> {
        match &self.0 {
            Column::U64(_) => Some(IdKind::U64),
            Column::Text(_) => Some(IdKind::Text),
            Column::Mixed => None,
        }
    }

    pub(crate) fn column(&self) -> IdColumn<'_> {
        match &self.0 {
            Column::U64(numbers) => IdColumn::U64(numbers),
            Column::Text(strings) => IdColumn::Text(strings),
            Column::Mixed => IdColumn::none(IdKind::U64),
        }
    }
}

/// What a slice of ids may hold: `u64`, `&str`, `String`, or [`Id`]. No other type implements it.
pub trait IdValue: Sized + sealed::Sealed {
    /// The slice as the ids of a batch.
    fn column(ids: &[Self]) -> IdsRef<'_>;
}

impl IdValue for u64 {
    fn column(ids: &[u64]) -> IdsRef<'_> {
        IdsRef(Column::U64(Cow::Borrowed(ids)))
    }
}

impl IdValue for &str {
    fn column<'s>(ids: &'s [Self]) -> IdsRef<'s> {
        IdsRef(Column::Text(ids.to_vec()))
    }
}

impl IdValue for String {
    fn column(ids: &[String]) -> IdsRef<'_> {
        IdsRef(Column::Text(ids.iter().map(String::as_str).collect()))
    }
}

impl IdValue for Id {
    fn column(ids: &[Id]) -> IdsRef<'_> {
        let numbers = ids.iter().map(|id| if let Id::U64(number) = id { Some(*number) } else { None });
        let strings = ids.iter().map(|id| if let Id::Text(text) = id { Some(&**text) } else { None });
        IdsRef(match (numbers.collect(), strings.collect()) {
            (Some(numbers), _) => Column::U64(Cow::Owned(numbers)),
            (None, Some(strings)) => Column::Text(strings),
            (None, None) => Column::Mixed,
        })
    }
}

impl<'a, T: IdValue> From<&'a [T]> for IdsRef<'a> {
    fn from(ids: &'a [T]) -> Self {
        T::column(ids)
    }
}

impl<'a, T: IdValue, const N: usize> From<&'a [T; N]> for IdsRef<'a> {
    fn from(ids: &'a [T; N]) -> Self {
        T::column(ids)
    }
}

impl<'a, T: IdValue> From<&'a Vec<T>> for IdsRef<'a> {
    fn from(ids: &'a Vec<T>) -> Self {
        T::column(ids)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u64 {}
    impl Sealed for &str {}
    impl Sealed for String {}
    impl Sealed for super::Id {}
}
