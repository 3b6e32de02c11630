//! Measures hnswlib and Faiss on the same rows. They set the floors of cells where no graph finds much.
//!
//! A script runs them (`benches/robust/peers.py`). It gets rows and queries as files and returns the numbers of the rows
//! found, which are counted like our own answers.

use super::question::{Figures, Question};
use crate::Failure;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The peers, as the script calls them.
pub(super) const NAMES: [&str; 3] = ["hnswlib", "faiss16", "faiss32"];

/// What each of them finds.
pub(super) type Found = [Figures; NAMES.len()];

/// The script that asks them.
pub(super) struct Peers(PathBuf);

impl Peers {
    pub(super) fn new() -> Self {
        Self(Path::new(env!("CARGO_MANIFEST_DIR")).join("robust").join("peers.py"))
    }

    /// What each finds.
    pub(super) fn answer(&self, question: &Question<'_>) -> Result<Found, Failure> {
        let folder = tempfile::tempdir()?;
        write(&folder.path().join("rows.fbin"), &question.story.living().concat(), question.data.dim)?;
        write(&folder.path().join("queries.fbin"), &question.data.queries, question.data.dim)?;
        let (metric, k) = (question.metric.to_string(), question.k.to_string());
        let ran = Command::new("python3").arg(&self.0).arg(folder.path()).args([metric, k]).output()?;
        if !ran.status.success() {
            return Err(format!("{}: {}", self.0.display(), String::from_utf8_lossy(&ran.stderr)).into());
        }
        let told: serde_json::Value = serde_json::from_slice(&ran.stdout)?;
        let ids = question.story.ids();
        let of = |name: &str| {
            let found = read(&folder.path().join(format!("{name}.ibin")), question.k, &ids)?;
            question.count(&found, told[name].as_f64().unwrap_or(0.0))
        };
        let [hnswlib, faiss16, faiss32] = NAMES.map(of);
        Ok([hnswlib?, faiss16?, faiss32?])
    }
}

/// As rows, dimension, values.
fn write(path: &Path, values: &[f32], dim: usize) -> std::io::Result<()> {
    let head = [(values.len() / dim) as u32, dim as u32];
    let bytes = head.iter().flat_map(|number| number.to_le_bytes());
    std::fs::write(path, bytes.chain(values.iter().flat_map(|value| value.to_le_bytes())).collect::<Vec<u8>>())
}

/// The ids of the rows found for each query; -1 stands for none.
fn read(path: &Path, k: usize, ids: &[usize]) -> Result<Vec<Vec<usize>>, Failure> {
    let bytes = std::fs::read(path)?;
    let (numbers, _) = bytes.get(8..).ok_or("no head")?.as_chunks::<4>();
    let answer = |numbers: &[[u8; 4]]| {
        let places = numbers.iter().filter_map(|bytes| usize::try_from(i32::from_le_bytes(*bytes)).ok());
        places.map(|place| ids[place]).collect()
    };
    Ok(numbers.chunks_exact(k).map(answer).collect())
}
