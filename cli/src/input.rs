//! Files of rows and ids, as the engine takes them, without a copy.

use std::path::{Path, PathBuf};

use omendb_engine::{BatchError, ElementKind, Id, IdKind, IdsRef, MAX_DIM, RowsRef};
use omendb_formats::{FileKind, Ids, NumberKind, RowId, VectorFile, read_ids};

use crate::failure::Failure;

/// A file of rows to index, with their ids if there are any.
pub(crate) struct Input {
    path: PathBuf,
    file: VectorFile,
    /// The ids from the file of `--ids`.
    listed: Option<(PathBuf, Ids)>,
}

impl Input {
    /// Opens the rows of `file` and the ids of `ids`, which override the file's own.
    pub(crate) fn open(file: &Path, ids: Option<&Path>) -> Result<Self, Failure> {
        let rows = open_rows(file)?;
        if rows.rows() == 0 {
            return Err(Failure::about(file, "found no rows, expected at least 1"));
        }
        if !(1..=MAX_DIM).contains(&rows.dim()) {
            return Err(Failure::about(
                file,
                format_args!("found rows of {} numbers, expected 1 to {MAX_DIM}", rows.dim()),
            ));
        }
        let listed = match ids {
            None => None,
            Some(path) => {
                let listed = read_ids(path)?;
                if listed.len() != rows.rows() {
                    return Err(Failure::about(
                        path,
                        format_args!(
                            "found {} ids, expected {}, one for each row of {}",
                            listed.len(),
                            rows.rows(),
                            file.display()
                        ),
                    ));
                }
                Some((path.into(), listed))
            }
        };
        Ok(Self { path: file.into(), file: rows, listed })
    }

    /// The file of rows, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The error of refused rows or ids, with the file that has them.
    pub(crate) fn refused(&self, error: BatchError) -> Failure {
        let of_ids =
            matches!(error, BatchError::DuplicateId { .. } | BatchError::IdExists { .. } | BatchError::IdLength { .. });
        Failure::batch(if of_ids { self.ids_path() } else { &self.path }, error)
    }

    /// The file of the ids.
    pub(crate) fn ids_path(&self) -> &Path {
        self.listed.as_ref().map_or(&self.path, |(path, _)| path)
    }

    pub(crate) fn count(&self) -> usize {
        self.file.rows()
    }

    pub(crate) fn dim(&self) -> usize {
        self.file.dim()
    }

    /// The input for a database of rows of type `asked`, or else of the file's type, and that type. Rows of f64 are converted
    /// here, which needs `asked`. The engine converts the others.
    pub(crate) fn stored_as(mut self, asked: Option<ElementKind>) -> Result<(Self, ElementKind), Failure> {
        match asked.or(element_kind(self.file.kind())) {
            Some(kind) => {
                self.file = self.file.converted(number_kind(kind))?;
                Ok((self, kind))
            }
            None => {
                let expected = "expected rows of f32, f16, bf16, u8 or i8; --type TYPE converts them";
                Err(Failure::about(&self.path, format_args!("found {} numbers, {expected}", self.file.kind())))
            }
        }
    }

    /// The mapped rows, after [`Input::stored_as`].
    pub(crate) fn rows(&self) -> RowsRef<'_> {
        let view = self.file.view();
        let kind = element_kind(view.kind).expect("rows of f64 are converted");
        RowsRef::strided(kind, view.bytes, view.stride, view.rows)
    }

    /// The ids of `--ids`, or of the file.
    pub(crate) fn ids(&self) -> Option<&Ids> {
        self.listed.as_ref().map(|(_, ids)| ids).or(self.file.ids())
    }

    /// The kind of ids of a database of these rows.
    pub(crate) fn id_kind(&self) -> IdKind {
        match self.ids() {
            Some(Ids::Text(_)) => IdKind::Text,
            _ => IdKind::U64,
        }
    }
}

/// Opens a file of rows or queries.
pub(crate) fn open_rows(path: &Path) -> Result<VectorFile, Failure> {
    FileKind::among(path, FileKind::ROWS)?;
    Ok(VectorFile::open(path)?)
}

/// The engine's type of the numbers in a file; none for f64.
fn element_kind(kind: NumberKind) -> Option<ElementKind> {
    match kind {
        NumberKind::F32 => Some(ElementKind::F32),
        NumberKind::F16 => Some(ElementKind::F16),
        NumberKind::Bf16 => Some(ElementKind::Bf16),
        NumberKind::U8 => Some(ElementKind::U8),
        NumberKind::I8 => Some(ElementKind::I8),
        _ => None,
    }
}

/// The type of numbers in a file, from the engine's type.
pub(crate) fn number_kind(kind: ElementKind) -> NumberKind {
    match kind {
        ElementKind::F16 => NumberKind::F16,
        ElementKind::Bf16 => NumberKind::Bf16,
        ElementKind::U8 => NumberKind::U8,
        ElementKind::I8 => NumberKind::I8,
        _ => NumberKind::F32,
    }
}

/// Ids as the engine takes them.
pub(crate) fn ids_ref(ids: &Ids) -> IdsRef<'_> {
    match ids {
        Ids::U64(numbers) => numbers.into(),
        Ids::Text(texts) => texts.into(),
    }
}

/// An id as files take it.
pub(crate) fn row_id(id: &Id) -> RowId<'_> {
    match id {
        Id::U64(number) => RowId::U64(*number),
        Id::Text(text) => RowId::Text(text),
    }
}

/// An id as JSON: a number or a string.
pub(crate) fn json_id(id: &Id) -> serde_json::Value {
    match id {
        Id::U64(number) => (*number).into(),
        Id::Text(text) => (**text).into(),
    }
}

/// Converts ids of the command line or of a file to the kind that a database has.
pub(crate) fn ids_of_kind(ids: Ids, kind: IdKind, from: &str) -> Result<Ids, Failure> {
    match (kind, ids) {
        (IdKind::Text, Ids::U64(numbers)) => Ok(Ids::Text(numbers.iter().map(u64::to_string).collect())),
        (IdKind::U64, Ids::Text(texts)) => {
            let number = |text: &String| text.parse::<u64>().map_err(|_| text.clone());
            match texts.iter().map(number).collect() {
                Ok(numbers) => Ok(Ids::U64(numbers)),
                Err(text) => Err(Failure::Refused(format!(
                    "{from}: found the id {text:?}, expected whole numbers, like the ids of the database"
                ))),
            }
        }
        (_, ids) => Ok(ids),
    }
}
