//! The hits of a search: as lines, as JSON, and as a file.

use std::fs;
use std::path::Path;

use omendb_engine::{Db, Hit, Id};
use omendb_formats::{FileKind, NumberKind, VectorWriter};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::input::json_id;
use crate::numbering::Numbering;
use crate::output::{counted, significant};

/// The row number that fills a file if a query has fewer than k hits.
const NONE: i32 = -1;

/// One list per query, with `{"id", "distance"}` per hit, nearest first.
pub(crate) fn json(hits: &[Vec<Hit>]) -> Value {
    hits.iter().map(|hits| hits.iter().map(hit_json).collect::<Value>()).collect()
}

fn hit_json(hit: &Hit) -> Value {
    json!({ "id": json_id(&hit.id), "distance": hit.distance })
}

/// One line per hit, nearest first: query, id and distance, separated by tabs.
pub(crate) fn lines(hits: &[Vec<Hit>]) -> impl Iterator<Item = String> {
    let of_query = |(query, hits): (usize, &'_ Vec<Hit>)| {
        let line = |hit: &Hit| format!("{query}\t{}\t{}", hit.id, significant(hit.distance));
        hits.iter().map(line).collect::<Vec<_>>()
    };
    hits.iter().enumerate().flat_map(of_query)
}

/// A file of answers to write.
pub(crate) struct Out<'a> {
    path: &'a Path,
    /// How rows are numbered, or `None` if the file holds ids.
    numbering: Option<Numbering>,
}

impl<'a> Out<'a> {
    const KINDS: [FileKind; 3] = [FileKind::Ibin, FileKind::Ivecs, FileKind::Jsonl];

    /// Checks that the `k` nearest in `db` can be written to `path`.
    pub(crate) fn new(path: &'a Path, db: &Db, k: usize) -> Result<Self, Failure> {
        let numbering = match FileKind::among(path, &Self::KINDS)? {
            FileKind::Jsonl => None,
            _ if k > db.count() => {
                return Err(Failure::about(
                    path,
                    format_args!(
                        "found {} in the database, expected at least k = {k} for this kind of file (.jsonl has no \
                         limit)",
                        counted(db.count(), "row", "rows")
                    ),
                ));
            }
            _ => Some(Numbering::of(db, path)?),
        };
        Ok(Self { path, numbering })
    }

    pub(crate) fn path(&self) -> &Path {
        self.path
    }

    /// Writes the answers: row numbers, or one line of JSON per query.
    pub(crate) fn write(&self, k: usize, hits: &[Vec<Hit>]) -> Result<(), Failure> {
        match &self.numbering {
            None => self.write_lines(hits),
            Some(numbering) => self.write_numbers(numbering, k, hits),
        }
    }

    fn write_lines(&self, hits: &[Vec<Hit>]) -> Result<(), Failure> {
        let line = |(query, hits): (usize, &Vec<Hit>)| {
            format!("{}\n", json!({ "query": query, "hits": hits.iter().map(hit_json).collect::<Value>() }))
        };
        let text: String = hits.iter().enumerate().map(line).collect();
        fs::write(self.path, text).map_err(|error| Failure::about(self.path, format_args!("cannot write it: {error}")))
    }

    fn write_numbers(&self, numbering: &Numbering, k: usize, hits: &[Vec<Hit>]) -> Result<(), Failure> {
        let number = |query: usize, id: &Id| {
            numbering.number(id).ok_or_else(|| {
                Failure::about(
                    self.path,
                    format_args!(
                        "query {query}: found the id {id}, expected whole numbers below 2^31 for this kind of file \
                         (.jsonl holds any id)"
                    ),
                )
            })
        };
        let mut file = VectorWriter::create(self.path, k, NumberKind::I32)?;
        let mut row = Vec::with_capacity(k * 4);
        for (query, hits) in hits.iter().enumerate() {
            row.clear();
            for hit in hits {
                row.extend(number(query, &hit.id)?.to_le_bytes());
            }
            while row.len() < k * 4 {
                row.extend(NONE.to_le_bytes());
            }
            file.push(None, row.as_slice())?;
        }
        file.finish()?;
        Ok(())
    }
}
