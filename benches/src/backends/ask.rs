//! Runs the queries, one per call on one thread, and measures speed, latency, memory and page faults.

use super::{Arguments, K, RECALL};
use crate::sets::{Set, element};
use crate::{Failure, machine, truth};
use omendb_engine::{Db, ElementKind, Hit, Id, QueryRef, SearchOptions};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, Instant};

/// The widths to try. The first that reaches the recall counts.
const WIDTHS: [usize; 16] = [10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 64, 80, 100, 150, 200];
/// Passes over all queries; the fastest counts.
const ROUNDS: usize = 3;

/// The result of the queries.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    /// Seconds until the database was open, and until the first answer after it.
    pub(super) open_seconds: f64,
    pub(super) first_answer_seconds: f64,
    pub(super) width: usize,
    pub(super) recall: f64,
    pub(super) qps: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    /// Page faults of the fastest pass, or of the only one.
    pub(super) minor_faults: u64,
    pub(super) major_faults: u64,
    /// Memory of the process after it, mapped files included as far as they are in memory.
    pub(super) resident_bytes: u64,
    /// A hash of the answers: ids and distances, bit for bit.
    pub(super) answers: String,
}

/// Opens the database and runs the queries until everything is in memory.
pub(super) fn resident(arguments: &Arguments, path: &Path) -> Result<Asked, Failure> {
    let start = Instant::now();
    let db = Db::open(path)?;
    all(arguments, &db, start.elapsed().as_secs_f64())
}

/// The first width that reaches the recall, and its speed.
pub(super) fn all(arguments: &Arguments, db: &Db, open_seconds: f64) -> Result<Asked, Failure> {
    let queries = Queries::open(arguments)?;
    let first = queries.first(db)?;
    for width in WIDTHS {
        let asked = queries.pass(db, width)?;
        if asked.recall >= RECALL {
            let mut fastest = asked;
            for _ in 0..ROUNDS {
                let asked = queries.pass(db, width)?;
                if asked.qps > fastest.qps {
                    fastest = asked;
                }
            }
            return Ok(Asked { open_seconds, first_answer_seconds: first, ..fastest });
        }
    }
    Err(format!("no width up to {} finds {RECALL} of the nearest", WIDTHS[WIDTHS.len() - 1]).into())
}

/// Opens the database and runs the queries once, with a cold page cache.
pub(super) fn cold(arguments: &Arguments, path: &Path, width: usize) -> Result<Asked, Failure> {
    let queries = Queries::open(arguments)?;
    let start = Instant::now();
    let db = Db::open(path)?;
    let open_seconds = start.elapsed().as_secs_f64();
    let first_answer_seconds = queries.first(&db)?;
    Ok(Asked { open_seconds, first_answer_seconds, ..queries.pass(&db, width)? })
}

/// Queries and what they should find.
struct Queries {
    kind: ElementKind,
    rows: Vec<Vec<u8>>,
    wanted: Vec<Vec<u64>>,
}

impl Queries {
    fn open(arguments: &Arguments) -> Result<Self, Failure> {
        let set = Set::named(&arguments.set)?;
        let file = set.queries(&arguments.data)?;
        let truth = set.truth(&arguments.data)?;
        let view = file.view();
        let rows: Vec<Vec<u8>> = (0..view.rows).map(|row| view.row(row).to_vec()).collect();
        let wanted =
            (0..rows.len()).map(|query| truth.row(query)[..K].iter().map(|&row| u64::from(row)).collect()).collect();
        Ok(Self { kind: element(view.kind)?, rows, wanted })
    }

    fn search(&self, db: &Db, query: usize, options: &SearchOptions) -> Result<Vec<Hit>, Failure> {
        Ok(db.search_with(QueryRef::bytes(self.kind, &self.rows[query]), options)?)
    }

    /// Seconds of one query.
    fn first(&self, db: &Db) -> Result<f64, Failure> {
        let start = Instant::now();
        self.search(db, 0, &SearchOptions::new(K))?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// All queries once.
    fn pass(&self, db: &Db, width: usize) -> Result<Asked, Failure> {
        let options = SearchOptions::new(K).width(width);
        let mut found = Vec::with_capacity(self.rows.len());
        let mut took = Vec::with_capacity(self.rows.len());
        let before = machine::faults();
        let start = Instant::now();
        for query in 0..self.rows.len() {
            let begun = Instant::now();
            found.push(self.search(db, query, &options)?);
            took.push(begun.elapsed());
        }
        let seconds = start.elapsed().as_secs_f64();
        let after = machine::faults();
        took.sort_unstable();
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        Ok(Asked {
            open_seconds: 0.0,
            first_answer_seconds: 0.0,
            width,
            recall: truth::recall(&found.iter().map(|hits| numbers(hits)).collect::<Vec<_>>(), &self.wanted),
            qps: found.len() as f64 / seconds,
            p50_us: micros(at(0.5)),
            p99_us: micros(at(0.99)),
            minor_faults: after.0 - before.0,
            major_faults: after.1 - before.1,
            resident_bytes: machine::resident(),
            answers: digest(&found),
        })
    }
}

fn numbers(hits: &[Hit]) -> Vec<u64> {
    let number = |hit: &Hit| if let Id::U64(number) = hit.id { Some(number) } else { None };
    hits.iter().filter_map(number).collect()
}

/// FNV-1a over ids and the distances' bits.
fn digest(found: &[Vec<Hit>]) -> String {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    let mut add =
        |bytes: &[u8]| bytes.iter().for_each(|&byte| sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    for hits in found {
        for (hit, id) in hits.iter().zip(numbers(hits)) {
            add(&id.to_le_bytes());
            add(&hit.distance.to_bits().to_le_bytes());
        }
    }
    format!("{sum:016x}")
}
