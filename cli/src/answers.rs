//! The hits of a search: printed, as JSON, and as a file.

use std::fs;
use std::path::Path;

use omendb_engine::{Hit, Id};
use omendb_formats::{FileKind, FormatError, NumberKind, VectorWriter};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::input::json_id;

/// Where a query has fewer than k hits, a file of row numbers says this.
const NONE: i32 = -1;

/// A list a query, each of `{"id", "distance"}`, nearest first.
pub(crate) fn json(hits: &[Vec<Hit>]) -> Value {
    hits.iter().map(|hits| hits.iter().map(hit_json).collect::<Value>()).collect()
}

fn hit_json(hit: &Hit) -> Value {
    json!({ "id": json_id(&hit.id), "distance": hit.distance })
}

/// A line a query: ids and distances, nearest first.
pub(crate) fn lines(hits: &[Vec<Hit>]) -> impl Iterator<Item = String> {
    hits.iter().enumerate().map(|(query, hits)| {
        let hits: Vec<_> = hits.iter().map(|hit| format!("{} ({})", hit.id, hit.distance)).collect();
        format!("query {query}: {}", hits.join(", "))
    })
}

/// Whether `out` is a file that answers can be written to.
pub(crate) fn check_ending(out: &Path) -> Result<(), Failure> {
    match FileKind::of(out) {
        Ok(FileKind::Ibin | FileKind::Ivecs | FileKind::Jsonl) => Ok(()),
        Ok(kind) => Err(FormatError::Ending {
            file: out.into(),
            found: format!(".{}", kind.ending()),
            expected: ".ibin, .ivecs or .jsonl",
        }
        .into()),
        Err(error) => Err(error.into()),
    }
}

/// Writes the answers: ids as row numbers, or as JSON a line a query.
pub(crate) fn write(out: &Path, k: usize, hits: &[Vec<Hit>]) -> Result<(), Failure> {
    if FileKind::of(out)? == FileKind::Jsonl {
        let line = |(query, hits): (usize, &Vec<Hit>)| {
            format!("{}\n", json!({ "query": query, "hits": hits.iter().map(hit_json).collect::<Value>() }))
        };
        let text: String = hits.iter().enumerate().map(line).collect();
        return fs::write(out, text).map_err(|error| Failure::about(out, format_args!("cannot write it: {error}")));
    }
    let mut file = VectorWriter::create(out, k, NumberKind::I32)?;
    let mut row = Vec::with_capacity(k * 4);
    for (query, hits) in hits.iter().enumerate() {
        row.clear();
        for hit in hits {
            row.extend(number(out, query, &hit.id)?.to_le_bytes());
        }
        while row.len() < k * 4 {
            row.extend(NONE.to_le_bytes());
        }
        file.push(None, row.as_slice())?;
    }
    file.finish()?;
    Ok(())
}

fn number(out: &Path, query: usize, id: &Id) -> Result<i32, Failure> {
    match id {
        Id::U64(number) => i32::try_from(*number).ok(),
        Id::Text(_) => None,
    }
    .ok_or_else(|| {
        Failure::about(
            out,
            format_args!(
                "query {query}: found the id {id}, expected whole numbers below 2^31 for this \
                 kind of file (.jsonl holds any)"
            ),
        )
    })
}
