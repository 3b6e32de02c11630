//! The shortest whole use: make a database, add rows, search, close, open again.
//!
//!     cargo run --release -p omendb-engine --example quickstart

use omendb_engine::{Db, Metric, Options};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("colours.omen");

    let db = Db::create(&path, Options::new(3, Metric::L2))?;
    let colours = [[255.0f32, 0.0, 0.0], [255.0, 140.0, 0.0], [0.0, 128.0, 0.0], [0.0, 0.0, 255.0]];
    db.add_batch(&[1, 2, 3, 4], &colours)?;
    db.close()?;

    let db = Db::open(&path)?;
    for hit in db.search(&[250.0f32, 90.0, 10.0], 2)? {
        println!("colour {}, squared distance {}", hit.id, hit.distance);
    }

    // A refused batch changes nothing, and says what was wrong with which row.
    let refused = db.add_batch(&[5, 6], &[[1.0f32, 2.0, 3.0], [f32::NAN, 0.0, 0.0]]);
    println!("refused: {}", refused.expect_err("a NaN has no place among distances"));
    assert_eq!(db.count(), 4);
    Ok(())
}
