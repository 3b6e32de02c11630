//! `.jsonl`: `{"id": 7, "vector": [0.5, 1]}` a line, spooled as f32 to a temporary file.
//!
//! `embedding` is another name for `vector`. Other fields of the object are skipped. Ids are all numbers, all strings, or all missing.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use crate::ids::{Ids, MAX_ID_BYTES, RowId};
use crate::lines::Lines;
use crate::map::Map;
use crate::strided::Layout;
use crate::{FormatError, NumberKind};

/// The longest line. A row of 65,536 columns takes about 1.5 MB; the rest is for skipped fields.
const MAX_LINE_BYTES: usize = 16 << 20;
const LINE: &str = "an object such as {\"id\": 7, \"vector\": [0.5, 1.0]}";

/// The content of the file: mapped rows, their layout, and ids if it has them.
pub(crate) struct Spooled {
    pub(crate) map: Map,
    pub(crate) layout: Layout,
    pub(crate) ids: Option<Ids>,
}

/// Reads the file once, writing rows to an unnamed temporary file (in `TMPDIR`).
pub(crate) fn spool(path: &Path) -> Result<Spooled, FormatError> {
    let mut lines = Lines::open(path, MAX_LINE_BYTES, LINE)?;
    let spool_error = || FormatError::io(path, "copy its rows to a temporary file");
    let mut spool = BufWriter::new(tempfile::tempfile().map_err(spool_error())?);
    let mut dim = None;
    let mut rows = 0;
    let mut ids = None;
    while let Some(text) = lines.next_line()? {
        if text.trim_start().starts_with('[') {
            // serde would accept it as the fields in their order.
            return Err(lines.wrong("an array".into()));
        }
        let parsed = serde_json::from_str::<Line<'_>>(text);
        let Line { id, vector } = match parsed {
            Ok(line) => line,
            Err(e) => {
                let found = describe(&e, text);
                return Err(lines.wrong(found));
            }
        };
        if let Some(column) = vector.iter().position(|x| !x.is_finite()) {
            return Err(FormatError::Number {
                file: path.into(),
                row: rows,
                column,
                found: vector[column].into(),
                expected: "a finite f32",
            });
        }
        let expected = *dim.get_or_insert(vector.len().max(1));
        if vector.len() != expected {
            return Err(FormatError::Dimension {
                file: path.into(),
                row: rows,
                found: vector.len() as i64,
                expected: expected as u64,
            });
        }
        if let Err(found) = push(&mut ids, rows, id) {
            let line = lines.number();
            let expected = "ids as on line 1: all numbers, all strings, or none";
            return Err(FormatError::Line { file: path.into(), line, found, expected });
        }
        spool.write_all(bytemuck::cast_slice(&vector)).map_err(spool_error())?;
        rows += 1;
    }
    let Some(dim) = dim else {
        return Err(FormatError::Empty { file: path.into(), expected: LINE });
    };
    let spool = spool.into_inner().map_err(|e| spool_error()(e.into_error()))?;
    let map = Map::of(&spool, path, LINE)?;
    let kind = NumberKind::F32;
    let layout = Layout { offset: 0, rows: rows as usize, dim, kind, stride: dim * kind.size() };
    Ok(Spooled { map, layout, ids })
}

/// Writes one line with its line break.
pub(crate) fn write_line(
    out: &mut impl Write,
    id: RowId<'_>,
    numbers: impl Iterator<Item = f32>,
) -> std::io::Result<()> {
    match id {
        RowId::U64(id) => write!(out, "{{\"id\":{id},\"vector\":[")?,
        RowId::Text(id) => write!(out, "{{\"id\":{},\"vector\":[", serde_json::json!(id))?,
    }
    for (column, number) in numbers.enumerate() {
        if column > 0 {
            out.write_all(b",")?;
        }
        // Rust prints the shortest digits that read back as the same f32, and "-0" as such.
        write!(out, "{number}")?;
    }
    out.write_all(b"]}\n")
}

/// Adds the id of a row. The error says what was found.
fn push(ids: &mut Option<Ids>, row: u64, id: Option<JsonId<'_>>) -> Result<(), String> {
    match (ids.as_mut(), id) {
        (None, None) => Ok(()),
        (None, Some(id)) if row == 0 => {
            *ids = Some(match id {
                JsonId::U64(id) => Ids::U64(vec![id]),
                JsonId::Text(id) => Ids::Text(vec![id.into_owned()]),
            });
            Ok(())
        }
        (Some(Ids::U64(ids)), Some(JsonId::U64(id))) => {
            ids.push(id);
            Ok(())
        }
        (Some(Ids::Text(ids)), Some(JsonId::Text(id))) => {
            ids.push(id.into_owned());
            Ok(())
        }
        (_, None) => Err("no id".into()),
        (_, Some(JsonId::U64(id))) => Err(format!("the number {id} as id")),
        (_, Some(JsonId::Text(id))) => Err(format!("the string {id:?} as id")),
    }
}

/// Describes an error of serde_json with its column. Its line is always 1, because it parses one line at a time.
fn describe(e: &serde_json::Error, text: &str) -> String {
    let message = e.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let kind = if e.classify() == Category::Data { "other JSON" } else { "no JSON" };
    // As Python and JavaScript write them.
    let hint = if text.contains("NaN") || text.contains("Infinity") { "; JSON has no NaN and no infinity" } else { "" };
    format!("{kind} (column {}: {message}{hint})", e.column())
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    id: Option<JsonId<'a>>,
    #[serde(alias = "embedding")]
    vector: Vec<f32>,
}

enum JsonId<'a> {
    U64(u64),
    Text(Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonId<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl<'de> Visitor<'de> for IdVisitor {
            type Value = JsonId<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id: a whole number below 2^64, or a string of 1 to 1024 bytes")
            }
            fn visit_u64<E: Error>(self, id: u64) -> Result<Self::Value, E> {
                Ok(JsonId::U64(id))
            }
            fn visit_str<E: Error>(self, id: &str) -> Result<Self::Value, E> {
                checked(Cow::Owned(id.to_owned()))
            }
            fn visit_borrowed_str<E: Error>(self, id: &'de str) -> Result<Self::Value, E> {
                checked(Cow::Borrowed(id))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

fn checked<E: Error>(id: Cow<'_, str>) -> Result<JsonId<'_>, E> {
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(E::custom(format_args!("an id of {} bytes", id.len())));
    }
    Ok(JsonId::Text(id))
}
