//! Texts found by what they say: rows are embeddings, ids are the strings themselves.
//!
//!     cargo run --release -p omendb-engine --example text_search
//!     cargo run --release -p omendb-engine --example text_search -- \
//!         BASE.f16bin BASE.txt QUERY.f16bin QUERY.txt
//!
//! The first uses a few sentences and a toy embedding. The second takes embeddings made by a real
//! model: rows in a `.f16bin` file (two little-endian u32, rows and dimension, then the values), and
//! a text for each row, one a line.

use omendb_engine::{Db, ElementKind, IdKind, Metric, Options, RowsRef, f16};
use std::path::Path;

type Outcome = Result<(), Box<dyn std::error::Error>>;

pub(crate) fn main() -> Outcome {
    let files: Vec<String> = std::env::args().skip(1).collect();
    match files.iter().map(Path::new).collect::<Vec<_>>()[..] {
        [base, strings, queries, questions] => from_files(base, strings, queries, questions),
        _ => from_sentences(),
    }
}

/// A file of embeddings, in one batch, straight from its bytes.
pub(crate) fn from_files(base: &Path, strings: &Path, queries: &Path, questions: &Path) -> Outcome {
    let (dim, values) = f16bin(base)?;
    let strings = std::fs::read_to_string(strings)?;
    let strings: Vec<&str> = strings.lines().collect();

    let options = Options::new(dim, Metric::Cosine).row_type(ElementKind::F16).id_kind(IdKind::Text);
    let db = Db::in_memory(options)?;
    db.add_batch(&strings, RowsRef::bytes(ElementKind::F16, bytemuck::cast_slice(&values)))?;
    println!("{} strings", db.count());

    let (_, asked) = f16bin(queries)?;
    let questions = std::fs::read_to_string(questions)?;
    for (question, query) in questions.lines().zip(asked.chunks_exact(dim)).take(5) {
        show(&db, question, query)?;
    }
    Ok(())
}

/// Dimension and values of a file. They are read into numbers, which are aligned as such.
fn f16bin(path: &Path) -> Result<(usize, Vec<f16>), Box<dyn std::error::Error>> {
    let bytes = std::fs::read(path)?;
    let (_rows, rest) = bytes.split_first_chunk::<4>().ok_or("no header")?;
    let (dim, rest) = rest.split_first_chunk::<4>().ok_or("no header")?;
    let values = rest.as_chunks::<2>().0.iter().map(|&two| f16::from_le_bytes(two));
    Ok((u32::from_le_bytes(*dim) as usize, values.collect()))
}

/// A few sentences, embedded by hand.
pub(crate) fn from_sentences() -> Outcome {
    let strings = [
        "a small domesticated cat that catches mice",
        "a domestic dog kept for herding sheep",
        "the branch of mathematics that studies triangles",
        "mathematics of rates of change and of areas",
        "a vessel that carries passengers over the sea",
        "a small boat moved by oars",
        "frozen water falling from the clouds in flakes",
        "water that falls in drops from the clouds",
    ];
    let rows: Vec<f32> = strings.iter().flat_map(|text| embed(text)).collect();
    let db = Db::in_memory(Options::new(DIM, Metric::Cosine).id_kind(IdKind::Text))?;
    db.add_batch(&strings, &rows)?;
    for question in ["drops of water from a cloud", "a cat for catching mice", "the mathematics of triangles"] {
        show(&db, question, &embed(question))?;
    }
    let nearest = db.search(&embed("a cat for catching mice"), 1)?;
    assert_eq!(nearest[0].id.to_string(), strings[0]);
    Ok(())
}

fn show<T: omendb_engine::Element>(db: &Db, question: &str, query: &[T]) -> Outcome {
    println!("\n{question}");
    for hit in db.search(query, 3)? {
        println!("  {:.3}  {}", hit.distance, hit.id);
    }
    Ok(())
}

const DIM: usize = 512;

/// How often each run of three letters occurs, hashed into a row: what strings share in spelling, not in
/// sense. It stands where a model would.
fn embed(text: &str) -> Vec<f32> {
    let mut row = vec![0.0; DIM];
    for three in format!("  {text}  ").as_bytes().windows(3) {
        let hash = three.iter().fold(7usize, |hash, &byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        row[hash % DIM] += 1.0;
    }
    row
}
