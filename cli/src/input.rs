//! Files of rows and ids, as the engine takes them: without a copy.

use std::path::{Path, PathBuf};

use omendb_engine::{BatchError, ElementKind, Id, IdKind, IdsRef, MAX_DIM, RowsRef};
use omendb_formats::{FileKind, Ids, NumberKind, RowId, VectorFile, read_ids};

use crate::failure::Failure;

/// A file of rows to index, with the ids that belong to them if there are any.
pub(crate) struct Input {
    path: PathBuf,
    file: VectorFile,
    kind: ElementKind,
    /// From the file of `--ids`.
    listed: Option<(PathBuf, Ids)>,
}

impl Input {
    /// Opens the rows of `file` and the ids of `ids`, which count instead of the file's own.
    pub(crate) fn open(file: &Path, ids: Option<&Path>) -> Result<Self, Failure> {
        let (rows, kind) = open_rows(file)?;
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
                            "found {} ids, expected {}: one for each row of {}",
                            listed.len(),
                            rows.rows(),
                            file.display()
                        ),
                    ));
                }
                Some((path.into(), listed))
            }
        };
        Ok(Self { path: file.into(), file: rows, kind, listed })
    }

    /// The file of rows, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Why a database would not take the rows, with the file that is to blame.
    pub(crate) fn refused(&self, error: BatchError) -> Failure {
        let of_ids =
            matches!(error, BatchError::DuplicateId { .. } | BatchError::IdExists { .. } | BatchError::IdLength { .. });
        Failure::batch(if of_ids { self.ids_path() } else { &self.path }, error)
    }

    /// The file that ids come from.
    pub(crate) fn ids_path(&self) -> &Path {
        self.listed.as_ref().map_or(&self.path, |(path, _)| path)
    }

    pub(crate) fn count(&self) -> usize {
        self.file.rows()
    }

    pub(crate) fn dim(&self) -> usize {
        self.file.dim()
    }

    pub(crate) fn kind(&self) -> ElementKind {
        self.kind
    }

    /// The rows, where they are mapped.
    pub(crate) fn rows(&self) -> RowsRef<'_> {
        let view = self.file.view();
        RowsRef::strided(self.kind, view.bytes, view.stride, view.rows)
    }

    /// The ids that `--ids` or the file gives.
    pub(crate) fn ids(&self) -> Option<&Ids> {
        self.listed.as_ref().map(|(_, ids)| ids).or(self.file.ids())
    }

    /// Which kind of ids a database of these rows has.
    pub(crate) fn id_kind(&self) -> IdKind {
        match self.ids() {
            Some(Ids::Text(_)) => IdKind::Text,
            _ => IdKind::U64,
        }
    }
}

/// Opens a file of rows to index or to search for, with the engine's name for their type.
pub(crate) fn open_rows(path: &Path) -> Result<(VectorFile, ElementKind), Failure> {
    FileKind::among(path, FileKind::ROWS)?;
    let file = VectorFile::open(path)?;
    let kind = match file.kind() {
        NumberKind::F32 => ElementKind::F32,
        NumberKind::F16 => ElementKind::F16,
        NumberKind::Bf16 => ElementKind::Bf16,
        NumberKind::U8 => ElementKind::U8,
        NumberKind::I8 => ElementKind::I8,
        other => {
            let message = format_args!("found {other} numbers, expected rows of f32, f16, bf16, u8 or i8");
            return Err(Failure::about(path, message));
        }
    };
    Ok((file, kind))
}

/// The file's name for a kind of number.
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

/// Ids as typed on the command line or listed in a file, as the kind that a database has.
pub(crate) fn ids_of_kind(ids: Ids, kind: IdKind, from: &str) -> Result<Ids, Failure> {
    match (kind, ids) {
        (IdKind::Text, Ids::U64(numbers)) => Ok(Ids::Text(numbers.iter().map(u64::to_string).collect())),
        (IdKind::U64, Ids::Text(texts)) => {
            let number = |text: &String| text.parse::<u64>().map_err(|_| text.clone());
            match texts.iter().map(number).collect() {
                Ok(numbers) => Ok(Ids::U64(numbers)),
                Err(text) => Err(Failure::Refused(format!(
                    "{from}: found the id {text:?}, expected whole numbers as the database's ids are"
                ))),
            }
        }
        (_, ids) => Ok(ids),
    }
}
